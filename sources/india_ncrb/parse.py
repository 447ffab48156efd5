"""Prison Statistics India, table 1.2, as transcribed: one row a state or union territory, three rows of totals.

`columns.csv` says what each column counts. The year and the publisher's date of a reissue stand in the file's name
alone. Every total is compared with its parts, and every occupancy rate with its counts, because a slip in a transcript
looks like a figure.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from sources.errors import refusal
from sources.reading import Cells, LeftOut, Parsed, RawFile, check_header, decode, text_cells, text_rows

NAME = re.compile(r"psi_(\d{4})_table1-2(?:_asOn(\d{4}-\d{2}-\d{2}))?_transcribed\.csv", re.ASCII)
KEYS = ["section", "sl_no", "State/UT"]
GROUPS = {
    "capacity": [f"Available Capacity M F Tr. Total ({n})" for n in range(3, 7)],
    "inmates": [f"Inmate Population M F Tr. Total ({n})" for n in range(7, 11)],
    "occupancy": [f"Occupancy Rate$ (in %) M F Tr. Total ({n})" for n in range(11, 15)],
}
HEADER = [*KEYS, *(column for columns in GROUPS.values() for column in columns)]
#: The last record: the formula that stands under the publisher's table.
FOOT = ["", "", "Inmate Population $ Occupancy Rate = x", "-------------------------------", "100", *[""] * 10]
STATES, TERRITORIES, INDIA = "TOTAL (STATES)", "TOTAL (UTs)", "TOTAL (ALL-INDIA)"
#: The mark of a state that sent nothing for the year.
REPEATED = " #"
NO_RATE = "-"
RATE = re.compile(r"\d+\.\d", re.ASCII)
#: Half of the last digit, and what floating point adds.
ROUNDING = 0.0501

REASONS = {
    "Tr.": "transgender persons, for whom there is no code of sex; they are in the total of the same row",
    "occupancy": "a percentage that repeats the two counts of the same row",
}
SUBTOTAL = "sum over a group of places that is no place; it was compared with its parts"
NOTE_REPEATED = "The publisher marks the row with #: figures of an earlier year, repeated."
NOTE_INCLUDES = "Includes figures of an earlier year, repeated for the states that the publisher marks with #: "


def parse(file: RawFile) -> Parsed:
    """One observation from each count of men, women and all in a state, a territory and India."""
    if not (named := NAME.fullmatch(file.name)):
        raise refusal(file.name, "the name does not say the year (psi_YYYY_table1-2_transcribed.csv).")
    rows, lines = text_rows(file.name, decode(file.name, file.data))
    check_header(file.name, rows[0], HEADER, 1)
    if rows[-1] != FOOT:
        raise refusal(file.name, f"the last record is not the note on the occupancy rate: {rows[-1]!r}.", lines[-1])
    cells = text_cells(file.name, rows[1:-1], lines[1:-1], HEADER)
    _check_order(cells)
    _check_sums(cells)

    items = sum(cell != "" for row in rows[1:-1] for cell in row[len(KEYS) :])
    long = cells.unpivot(KEYS, "column", "figure")
    at = long.locators("figure")
    frame = long.translate(["column"], Path(__file__).with_name("columns.csv"))
    why = [SUBTOTAL if name in (STATES, TERRITORIES) else None for name in long["State/UT"]]
    why = [first or REASONS.get(code) for first, code in zip(why, frame["left_out"], strict=True)]
    left_out = [LeftOut(at[i], reason, long.raw(i)) for i, reason in enumerate(why) if reason]

    kept = pd.Series([reason is None for reason in why])
    figures = long.keep(kept.to_numpy())
    frame = frame.loc[kept, ["measure", "sex"]].reset_index(drop=True)
    names = [name.removesuffix(REPEATED) for name in figures["State/UT"]]
    repeated = [name.endswith(REPEATED) for name in figures["State/UT"]]
    frame["place_id"] = figures.each("State/UT", lambda name: file.places(name.removesuffix(REPEATED)))
    frame["value"] = figures.integers("figure", 0, 10**9)
    frame["locator"] = figures.locators("figure")
    frame["period_start"] = frame["period_end"] = date(int(named[1]), 12, 31)
    frame["period_kind"] = "point"
    frame["dataset"] = "table_1_2"
    frame["status"] = ["E" if r else "A" for r in repeated]
    marked = ", ".join(dict.fromkeys(name for name, r in zip(names, repeated, strict=True) if r))
    includes = f"{NOTE_INCLUDES}{marked}." if marked else None
    frame["note"] = [
        NOTE_REPEATED if r else includes if name == INDIA else None for name, r in zip(names, repeated, strict=True)
    ]
    frame["grade"] = "report_copy"
    return Parsed(named[2], items, {"observation": frame}, left_out)


def _check_order(cells: Cells) -> None:
    """States numbered from 1 and their total, territories numbered on and theirs, India: nothing else, none missing."""
    cells.constant("section", "")
    names, wanted, number = cells["State/UT"], [STATES, TERRITORIES, INDIA], 0
    for i, (sl_no, name) in enumerate(zip(cells["sl_no"], names, strict=True)):
        if sl_no:
            number += 1
            if sl_no != str(number) or wanted == [INDIA]:
                raise cells.refuse(i, "sl_no", f"{sl_no!r} stands there where {number} was expected, or after all.")
        elif not wanted or name != wanted.pop(0):
            raise cells.refuse(i, "State/UT", f"{name!r} is not the total that belongs there.")
    if wanted:
        raise refusal(cells.name, f"the row {wanted[0]!r} is not there; the file may be cut off.")


def _check_sums(cells: Cells) -> None:
    """Refuse where a total is not the sum of its parts, or a rate not what its counts give."""
    counts = {c: cells.integers(c, 0, 10**9) for group in ("capacity", "inmates") for c in GROUPS[group]}
    names = list(cells["State/UT"])
    first, second, last = (names.index(name) for name in (STATES, TERRITORIES, INDIA))
    for group in ("capacity", "inmates"):
        *parts, total = GROUPS[group]
        for i in range(len(cells)):
            if (found := sum(counts[c][i] for c in parts)) != counts[total][i]:
                raise cells.refuse(i, total, f"{counts[total][i]} is not {found}, the sum of M, F and Tr.")
        for c in GROUPS[group]:
            sums = {first: sum(counts[c][:first]), second: sum(counts[c][first + 1 : second])}
            sums[last] = counts[c][first] + counts[c][second]
            for i, found in sums.items():
                if found != counts[c][i]:
                    raise cells.refuse(i, c, f"{counts[c][i]} is not {found}, the sum of the rows that belong to it.")
    for rate, capacity, inmates in zip(GROUPS["occupancy"], GROUPS["capacity"], GROUPS["inmates"], strict=True):
        cells.lookup([rate, capacity, inmates], _check_rate)


def _check_rate(cells: tuple[Any, ...]) -> None:
    rate, capacity, inmates = cells
    if int(capacity) == 0:
        if rate != NO_RATE:
            raise ValueError(f"the rate is {rate!r} where there is no place, and ought to be {NO_RATE!r}")
    elif not RATE.fullmatch(rate) or abs(float(rate) - 100 * int(inmates) / int(capacity)) > ROUNDING:
        raise ValueError(f"the rate {rate!r} is not what {inmates} inmates in {capacity} places give")
