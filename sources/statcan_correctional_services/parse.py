"""Statistics Canada, correctional services: tables of provinces and territories by fiscal year.

`<table>.csv` says what each series counts; its columns before `uom` are the publisher's, `reason` stands where a
series is left out. The publisher offers a zip of the table and its metadata, which bears no date of release.

Table 35-10-0154 also goes round with four of its columns, without unit, status, symbol and end of series. It can be
read, because the words of a series decide its unit, but nothing in it says why a figure is missing, and an estimate or
a revision cannot be told from any other figure: each row says so.
"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from sources.errors import refusal
from sources.reading import Cells, LeftOut, Parsed, RawFile, check_header, decode, text_cells, text_rows, zip_members

HERE = Path(__file__).parent
YEAR, GEO, VALUE = "REF_DATE", "GEO", "VALUE"
BEFORE = [YEAR, GEO, "DGUID"]
AFTER = [
    "UOM", "UOM_ID", "SCALAR_FACTOR", "SCALAR_ID", "VECTOR", "COORDINATE", VALUE, "STATUS", "SYMBOL", "TERMINATED",
    "DECIMALS",
]  # fmt: skip
#: The table that goes round with four of its columns.
REDUCED = "35100154"
REDUCED_NOTE = "read from a copy of the table without its columns of status and symbol"
NO_REASON = "no figure; this copy of the table lacks the column that says why"

#: The publisher's standard symbols: where there is no figure, and beside one.
MISSING = {
    "..": "not available for a specific reference period",
    "...": "not applicable",
    "x": "suppressed to meet the confidentiality requirements of the Statistics Act",
    "F": "too unreliable to be published",
}
STATUS = {"": None, "E": "use with caution"}
SYMBOL = {"": ("A", None), "p": ("P", None), "r": ("A", "revised")}
TERMINATED = {"": None, "t": "the publisher has ended the series"}

#: The end of the publisher's geographical code of each place, under the vintage and level before it.
DGUID = re.compile(r"(20\d\d)A000(?P<code>011124|2\d\d)")
DGUIDS = {
    "CAN-PROV": "011124", "CAN-NL": "210", "CAN-PE": "211", "CAN-NS": "212", "CAN-NB": "213", "CAN-QC": "224",
    "CAN-ON": "235", "CAN-MB": "246", "CAN-SK": "247", "CAN-AB": "248", "CAN-BC": "259", "CAN-YT": "260",
    "CAN-NT": "261", "CAN-NU": "262", "CAN-NTNU": None,
}  # fmt: skip

TOTAL, TOGETHER, PARTS = "CAN-PROV", "CAN-NTNU", ("CAN-NT", "CAN-NU")

#: Whom a table counts.
AGE = {"35100003": "JUVENILE", "35100015": "ADULT", "35100016": "ADULT", "35100154": "ADULT"}
FISCAL_YEAR = re.compile(r"(\d{4})/(\d{4})")


def parse(file: RawFile) -> Parsed:
    """One observation from each figure of a series that is read; the others are left out."""
    table = HERE / f"{file.file}.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    series = header[: header.index("uom")]
    cells, whole = _cells(file, series)
    if whole:
        cells.constant("SCALAR_FACTOR", "units")
        cells.constant("SCALAR_ID", "0")

    frame = cells.translate(series, table)
    frame["place_id"] = cells.places(GEO, file.places)
    frame["locator"] = cells.locators(VALUE)
    frame["age"] = AGE[file.file]
    years = cells.each(YEAR, _fiscal_year)
    frame["period_start"] = [date(year, 4, 1) for year in years]
    frame["period_end"] = [date(year + 1, 3, 31) for year in years]
    frame["period_kind"] = np.where(frame["measure"] == "admissions", "during", "average")
    if whole:
        _check_units(cells, frame["uom"].tolist())
        _check_geography(cells, frame["place_id"].tolist())

    series_left_out = frame["reason"].notna().to_numpy()
    missing = np.array([cell == "" for cell in cells[VALUE]], dtype=bool)
    if missing.all():
        raise refusal(file.name, "there is no figure in it, only marks for missing ones.")
    marks = cells.keep(missing)
    reasons = marks.codes("STATUS", {k: f"{k}: {v}" for k, v in MISSING.items()}) if whole else [NO_REASON] * len(marks)
    left_out = [
        LeftOut(at, reason, marks.raw(i))
        for i, (at, reason) in enumerate(zip(marks.locators(VALUE), reasons, strict=True))
    ]
    left_out += _unread(cells, series, frame["reason"].tolist(), series_left_out & ~missing)

    figures = cells.keep(~missing)
    values = figures.numbers(VALUE)
    if (values < 0).any():
        raise figures.refuse(int((values < 0).argmax()), VALUE, "a figure below zero")
    absent = _absent(cells, series, frame["place_id"].tolist(), missing)
    frame = frame[~missing].reset_index(drop=True)
    frame["value"] = values
    if whole:
        frame["status"], said = _said(figures)
    else:
        frame["status"], said = "A", [REDUCED_NOTE] * len(frame)
    of_total = [absent[at] for at in np.flatnonzero(~missing).tolist()]
    frame["note"] = ["; ".join(filter(None, notes)) or None for notes in zip(of_total, said, strict=True)]
    frame = frame[~series_left_out[~missing]].reset_index(drop=True)
    return Parsed(None, len(cells), {"observation": frame.drop(columns=["uom", "reason"])}, left_out)


def _cells(file: RawFile, series: list[str]) -> tuple[Cells, bool]:
    """The table of a zip or CSV, and whether it has all of its columns."""
    name, data = file.name, file.data
    if data.startswith(b"PK"):
        members = zip_members(name, data)
        name = f"{file.file}.csv"
        if unknown := sorted(set(members) - {name, f"{file.file}_MetaData.csv"}):
            raise refusal(file.name, f"a file {unknown[0]} is in it that is not known.")
        if name not in members:
            raise refusal(file.name, f"the table {name} is not in it.")
        data = members[name]
    rows, lines = text_rows(name, decode(name, data))
    reduced = file.file == REDUCED and rows[0] == [YEAR, GEO, *series, VALUE]
    header = rows[0] if reduced else [*BEFORE, *series, *AFTER]
    check_header(name, rows[0], header, 1)
    return text_cells(name, rows[1:], lines[1:], header), not reduced


def _fiscal_year(cell: str) -> int:
    """The year in which a fiscal year begins, on 1 April."""
    found = FISCAL_YEAR.fullmatch(cell)
    if not found or int(found[2]) != int(found[1]) + 1 or not 1900 <= int(found[1]) <= 2100:
        raise ValueError(f"{cell!r} is not a fiscal year such as 2021/2022")
    return int(found[1])


def _check_units(cells: Cells, expected: list[str]) -> None:
    for at, (unit, known) in enumerate(zip(cells["UOM"], expected, strict=True)):
        if unit != known:
            raise cells.refuse(at, "UOM", f"{unit!r} where the series is known as {known!r}")


def _check_geography(cells: Cells, places: list[str]) -> None:
    """Refuse a geographical code that is not that of the place named."""
    for at, (code, place) in enumerate(zip(cells["DGUID"], places, strict=True)):
        found = DGUID.fullmatch(code)
        if (found["code"] if found else code or None) != DGUIDS[place]:
            raise cells.refuse(at, "DGUID", f"{code!r} is not the code of {cells[GEO][at]!r}")


def _unread(cells: Cells, series: list[str], reasons: list[Any], mask: np.ndarray[Any, Any]) -> list[LeftOut]:
    """The figures of series that are left out, one entry for each series."""
    found: dict[tuple[str, ...], list[int]] = {}
    for at in np.flatnonzero(mask).tolist():
        found.setdefault(tuple(cells[column][at] for column in series), []).append(at)
    located = cells.locators(VALUE)
    return [
        LeftOut(f"{located[rows[0]]} and on", reasons[rows[0]], dict(zip(series, key, strict=True)), len(rows))
        for key, rows in found.items()
    ]


def _absent(cells: Cells, series: list[str], places: list[str], missing: np.ndarray[Any, Any]) -> list[str | None]:
    """For each row of the total, the provinces whose own cell of that year is empty; the total may be without them.

    Before 1999 the Northwest Territories stand there with Nunavut, and their two parts are empty.
    """
    keys = list(zip(cells[YEAR], *(cells[column] for column in series), strict=True))
    empty: dict[tuple[str, ...], list[str]] = {}
    together: set[tuple[str, ...]] = set()
    for key, place, none in zip(keys, places, missing.tolist(), strict=True):
        if place == TOGETHER and not none:
            together.add(key)
        elif none and place not in (TOTAL, TOGETHER):
            empty.setdefault(key, []).append(place)
    notes: list[str | None] = []
    for key, place in zip(keys, places, strict=True):
        named = [p for p in empty.get(key, []) if not (key in together and p in PARTS)] if place == TOTAL else []
        notes.append(f"the table has no figure of {', '.join(named)} for this year" if named else None)
    return notes


def _said(figures: Cells) -> tuple[list[str], list[str | None]]:
    """Status and note of each figure, from the publisher's marks beside it."""
    symbols = figures.codes("SYMBOL", SYMBOL)
    words = zip(
        figures.codes("STATUS", STATUS),
        (said for _, said in symbols),
        figures.codes("TERMINATED", TERMINATED),
        strict=True,
    )
    return [status for status, _ in symbols], ["; ".join(filter(None, said)) or None for said in words]
