"""UNSD's layouts, each brought to the columns that both have: area, name, year, value, source, footnotes and so on.

The workbook is one sheet, one row an area and year, an area without a figure too. The API answers with JSON: what
it says of the pages and the code lists, then one record a figure, of which attributes and dimensions may be more
from one release to the next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sources.errors import refusal
from sources.reading import Cells, RawFile, json_cells, read_json, read_sheet, sheet_cells

SHEET = "Sheet1"
AREA, NAME, YEAR, VALUE = "geoAreaCode", "geoAreaName", "timePeriod", "value"
SOURCE, FOOTNOTES, SERIES = "source", "footnotes", "seriesCode"
NATURE, STATUS, SEX = "natureCode", "Observation Status", "Sex"
TYPE, ISO3 = "type", "ISO3CD"
HEADER = [
    "goalCode", "goalDesc", "targetCode", "targetDesc", "indicatorCode", "indicatorDesc", "indicatorTier", SERIES,
    "seriesDesc", "seriesRelease", YEAR, AREA, NAME, "level", "parentCode", "parentName", TYPE, "CountryProfile",
    ISO3, "UNMember", "X", "Y", VALUE, "valueType", "timeDetail", SOURCE, FOOTNOTES, NATURE, "unitsCode",
    "reportingTypeCode", "natureDesc", "unitsDesc", "reportingTypeDesc",
]  # fmt: skip
PAGE = ["size", "totalElements", "totalPages", "pageNumber", "attributes", "dimensions", "data"]
RECORD = [
    "goal", "target", "indicator", "series", "seriesDescription", "seriesCount", AREA, NAME, "timePeriodStart", VALUE,
    "valueType", "time_detail", "timeCoverage", "upperBound", "lowerBound", "basePeriod", SOURCE, "geoInfoUrl",
    FOOTNOTES, "attributes/Nature", "attributes/Units", "attributes/Observation Status",
    "dimensions/Reporting Type", "dimensions/Sex",
]  # fmt: skip
#: The series as it was called in 2019, and since.
UNSEC, UNSNT = "VC_PRS_UNSEC", "VC_PRS_UNSNT"
DESCRIPTION = "Unsentenced detainees as a proportion of overall prison population"
DESCRIPTIONS = (f"{DESCRIPTION} (%)", f"{DESCRIPTION}, by sex (%)")
RELEASE = re.compile(r"([0-9]{4})\.Q[1-4]\.G\.[0-9]{2}")
MISSING = ("", "NaN", None)


def workbook(file: RawFile) -> tuple[str, Cells]:
    """The year of the release, which is named by quarter, and the table."""
    cells = sheet_cells(file, SHEET, read_sheet(file, SHEET), 1, HEADER)
    cells.constant("indicatorCode", "16.3.2")
    cells.constant(SERIES, UNSEC)
    cells.constant("seriesDesc", DESCRIPTIONS[0])
    cells.constant("timeDetail", "")
    releases = sorted(set(cells["seriesRelease"]), key=str)
    if len(releases) != 1 or not (match := RELEASE.fullmatch(str(releases[0]))):
        raise refusal(file.name, f"one release like 2019.Q1.G.02 belongs in seriesRelease, not {releases}.")
    for column, value in {"valueType": "Float", "unitsCode": "PERCENT", "reportingTypeCode": "G"}.items():
        _beside_figures(cells, column, (value,))
    return match[1], cells.replace([NATURE], [NATURE, STATUS, SEX], lambda cell: (*cell, "", "BOTHSEX"))


def page(file: RawFile) -> tuple[None, Cells]:
    """The table of the API's answer, which bears no stamp."""
    answer = read_json(file.name, file.data)
    if not isinstance(answer, dict) or sorted(answer) != sorted(PAGE) or not isinstance(answer["data"], list):
        raise refusal(file.name, f"it is not the API's answer, which has {', '.join(PAGE)}.")
    records = answer["data"]
    at = [answer[name] for name in ("pageNumber", "totalPages", "totalElements")]
    if at != [1, 1, len(records)]:
        found = f"it is page {at[0]} of {at[1]} and holds {len(records)} of {at[2]} records"
        raise refusal(file.name, f"{found}; get all on one page, with pageSize=20000.")
    cells = json_cells(file.name, [_plain(file.name, at, r) for at, r in enumerate(records)], RECORD, "/data")
    cells.constant("indicator", "['16.3.2']")
    cells.constant("series", UNSNT)
    cells.codes("seriesDescription", dict.fromkeys(DESCRIPTIONS, True))
    cells.constant("dimensions/Reporting Type", "G")
    _beside_figures(cells, "valueType", ("Float",))
    _beside_figures(cells, "attributes/Units", ("PERCENT",))
    for column in ("timeCoverage", "upperBound", "lowerBound", "basePeriod", "time_detail"):
        cells.each(column, _empty)
    ours = {"series": SERIES, "timePeriodStart": YEAR, "attributes/Nature": NATURE, "dimensions/Sex": SEX}
    for theirs, own in {**ours, "attributes/Observation Status": STATUS}.items():
        cells = cells.replace([theirs], [own], list)
    return None, cells


def _beside_figures(cells: Cells, column: str, known: Sequence[str]) -> None:
    """Refuse the file where the cell beside a figure is not known, or a cell without one is neither that nor empty."""

    def read(pair: tuple[Any, ...]) -> None:
        value, cell = pair
        if cell not in known and (value not in MISSING or cell not in MISSING):
            raise ValueError(f"{cell!r} is not {' or '.join(known)}")

    cells.lookup([VALUE, column], read)


def _empty(cell: Any) -> None:
    if cell not in ("", None):
        raise ValueError(f"{cell!r} stands where nothing stood before; what it means for the figure must be known")


def _plain(name: str, at: int, record: Any) -> Any:
    """A record with its footnotes as one text, and with those attributes and dimensions that not every release has."""
    if not isinstance(record, dict):
        return record
    plain = dict(record)
    notes = record.get(FOOTNOTES) or []
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise refusal(name, f"{notes!r} is not a list of texts.", f"/data/{at}", FOOTNOTES)
    if FOOTNOTES in record:
        plain[FOOTNOTES] = "; ".join(filter(None, notes))
    for group, key, default in (("attributes", STATUS, ""), ("dimensions", SEX, "BOTHSEX")):
        if isinstance(record.get(group), dict):
            plain[group] = {key: default, **record[group]}
    return plain
