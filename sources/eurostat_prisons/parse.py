"""Eurostat, prisons: what the figures of each table count, and what their flags say.

`<table>.csv` says what each combination of the table's dimensions counts; its columns before `measure` are
the dimensions, in the publisher's order. A `definition` there goes before the one that a flag gives: totals of the
table by age often are not the sum of its ages (for Portugal 2016, men of all ages are the minors alone), so that they
never stand for the count of everybody, which the table by citizenship has. `layouts.py` says how the table is laid out
in a file.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.eurostat_prisons.layouts import read
from sources.reading import Cells, LeftOut, Parsed, RawFile, year_days

MISSING = ("", ":")

NOT_WHOLE = "not a whole number as published"

#: The unit of rates, per 100,000. Those of some tables are of all inhabitants where others are of men or women, and
#: small ones are too much rounded to say of how many they are.
RATE, LEAST_RATE, APART = "P_HTHAB", 0.05, 3.0
#: Where the publisher's own figures are apart: 13 women of Portugal are given a rate of 24.00, and 7 young people of
#: Luxembourg a rate of 1.21, which is theirs among people of all ages.
OTHER_POPULATION = {
    ("ICCS0101", "F", "PT", "2009"),
    ("JUVENILE", "M", "LU", "2016"),
    ("JUVENILE", "T", "LU", "2016"),
}

#: The publisher's flags that may stand beside a figure.
FLAGS = {
    "b": "break in time series",
    "d": "definition differs",
    "e": "estimated",
    "p": "provisional",
    "r": "revised",
    "s": "Eurostat estimate",
    "u": "low reliability",
}
#: Those that are an observation status; where a figure bears several, the first of them here is its status.
STATUS = {"e": "E", "s": "E", "p": "P", "b": "B"}
#: Flags of which status or definition say everything; of others, the note does.
PLAIN = ("", "b", "d", "e", "p")
#: Flags that stand only where there is no figure.
FLAGS_WITHOUT_FIGURE = {"c": "confidential", "n": "not significant", "z": "not applicable"}


def parse(file: RawFile) -> Parsed:
    """One observation from each figure; a cell without one is left out."""
    counts = Path(__file__).with_name(f"{file.file}.csv")
    with counts.open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    dimensions = header[: header.index("measure")]
    vintage, cells = read(file, dimensions)

    frame = cells.translate(dimensions, counts)
    frame["place_id"] = cells.places("geo", file.places)
    frame["dataset"] = file.file
    frame["locator"] = cells.locators("OBS_VALUE")
    frame["period_start"], frame["period_end"] = year_days(cells.integers("TIME_PERIOD", 1900, 2100))
    frame["period_kind"] = "unknown_day"

    missing = np.array([cell in MISSING for cell in cells["OBS_VALUE"]], dtype=bool)
    if missing.all():
        raise refusal(file.name, "there is no figure in it, only marks for missing ones.")
    figures, others = cells.keep(~missing), cells.keep(missing)
    frame = frame[~missing].reset_index(drop=True)
    frame["value"] = figures.numbers("OBS_VALUE")
    _check_rates(figures, frame, dimensions)
    meanings = figures.each("OBS_FLAG", _meaning)
    frame["status"], flagged, frame["note"] = zip(*meanings, strict=True)
    by_flag = pd.Series(flagged, dtype="str")
    frame["definition"] = frame["definition"].fillna(by_flag) if "definition" in frame else by_flag
    broken = ~frame["measure"].str.endswith("_rate") & (frame["value"] % 1 != 0)
    said = frame.loc[broken, "note"].map(lambda note: f"{note}; ", na_action="ignore").fillna("")
    frame.loc[broken, "note"] = said + NOT_WHOLE

    figures.constant("CONF_STATUS", "")
    others.codes("CONF_STATUS", {"": None, "C": "confidential"})
    others.each("OBS_FLAG", lambda flags: _known(flags, {**FLAGS, **FLAGS_WITHOUT_FIGURE}))
    left_out = [LeftOut(at, "missing", others.raw(i)) for i, at in enumerate(others.locators("OBS_VALUE"))]
    return Parsed(vintage, len(cells), {"observation": frame}, left_out)


def _check_rates(figures: Cells, frame: pd.DataFrame, dimensions: list[str]) -> None:
    """Refuse a figure that with its rate, or count, is of another population than most of its place in the file.

    Totals are not compared with parts: for 225 of 1,742 totals by age the publisher's men and women do not add up.
    """
    keys = pd.DataFrame({name: figures[name] for name in (*dimensions, "geo", "TIME_PERIOD")})
    is_rate = (keys.pop("unit") == RATE).to_numpy()
    keys, rows = keys.assign(value=frame["value"], row=range(len(keys))), list(keys.columns)
    both = keys[~is_rate].merge(keys[is_rate], on=rows, suffixes=("", "_rate"))
    both = both[(both["value"] > 0) & (both["value_rate"] >= LEAST_RATE)]
    known = [key in OTHER_POPULATION for key in both[rows].itertuples(index=False, name=None)]
    population = both["value"] / both["value_rate"]
    of = [name for name in ("geo", "sex", "age") if name in both]
    times = np.exp(np.abs(np.log(population / population.groupby([both[name] for name in of]).transform("median"))))
    for i in np.flatnonzero((times > APART) & ~np.array(known, dtype=bool)).tolist():
        count, rate, row = both["value"].tolist()[i], both["value_rate"].tolist()[i], both["row"].tolist()[i]
        why = f"{count:g} and its rate {rate:g} are of another population than the place's other figures"
        raise figures.refuse(row, "OBS_VALUE", why)


def _known(flags: str, known: dict[str, str]) -> list[str]:
    if unknown := [flag for flag in flags if flag not in known]:
        raise ValueError(f"the flag {unknown[0]!r} is not one that may stand here ({', '.join(sorted(known))})")
    return [known[flag] for flag in flags]


def _meaning(flags: str) -> tuple[str, str | None, str | None]:
    """Status, definition and note of a figure."""
    words = _known(flags, FLAGS)
    status = next((code for flag, code in STATUS.items() if flag in flags), "A")
    note = None if flags in PLAIN else f"Eurostat's flags: {', '.join(words)}"
    return status, "eurostat_flag_d" if "d" in flags else None, note
