"""Eurostat, prisons: what the figures of each table count, and what their flags say.

`<table>.csv` says what each combination of the table's dimensions counts; its columns before `measure` are
the dimensions, in the publisher's order. `layouts.py` says how the table is laid out in a file.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from sources.errors import refusal
from sources.eurostat_prisons.layouts import read
from sources.reading import LeftOut, Parsed, RawFile, year_days

MISSING = ("", ":")

#: Its totals often are not the sum of its ages (for Portugal 2016, men of all ages are the minors alone): they stand as
#: published, and never for the count of everybody, which the table by citizenship has.
BY_AGE = "crim_pris_age"
NOT_WHOLE = "not a whole number as published"

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
    meanings = figures.each("OBS_FLAG", _meaning)
    frame["status"], frame["definition"], frame["note"] = zip(*meanings, strict=True)
    if file.file == BY_AGE:
        frame.loc[frame["age"] == "_T", "definition"] = "total_of_the_table_by_age"
    broken = ~frame["measure"].str.endswith("_rate") & (frame["value"] % 1 != 0)
    said = frame.loc[broken, "note"].map(lambda note: f"{note}; ", na_action="ignore").fillna("")
    frame.loc[broken, "note"] = said + NOT_WHOLE

    figures.constant("CONF_STATUS", "")
    others.codes("CONF_STATUS", {"": None, "C": "confidential"})
    others.each("OBS_FLAG", lambda flags: _known(flags, {**FLAGS, **FLAGS_WITHOUT_FIGURE}))
    left_out = [LeftOut(at, "missing", others.raw(i)) for i, at in enumerate(others.locators("OBS_VALUE"))]
    return Parsed(vintage, len(cells), {"observation": frame}, left_out)


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
