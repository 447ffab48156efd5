"""England and Wales, weekly estate figures: one sheet with the figures of one Monday above those of earlier ones.

Only the block of the day in the title is read. Below it the same labels stand again for the week and the year before,
and then definitions with the operating margin, so that reading ends where these begin. The columns are parts of the
estate, which are neither sexes nor age groups throughout: `definitions` in source.yml says what each is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from sources.errors import refusal
from sources.reading import LeftOut, Parsed, RawFile, Sheet, read_sheets

SHEET = "Data"
PLACE = "GBR-EAW"
END = "Population and Capacity on previous Mondays"
NOTES = "Definitions"
HEADROOM = "Headroom"

TITLE = re.compile(r"Population and Capacity Briefing for ([A-Z][a-z]+day) (\d{1,2}) ([A-Z][a-z]+) (\d{4})", re.ASCII)
THOUSANDS = re.compile(r"\d{1,3}(,\d{3})*|\d+", re.ASCII)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

#: Sex, age and definition of persons held, by column. The parts add up to the total.
ESTATES: dict[str, tuple[str, str, str | None]] = {
    "Total": ("_T", "_T", None),
    "Adult Male": ("M", "ADULT", "adult_male_estate"),
    "Female": ("F", "_T", "female_estate"),
    "YCS": ("_T", "JUVENILE", "youth_custody_estate"),
}
TOTAL = ("Total",)
#: The rows in their order, and which columns each must fill.
ROWS: dict[str, tuple[str, ...]] = {
    "Population": tuple(ESTATES),
    "Useable Operational Capacity": tuple(ESTATES),
    HEADROOM: tuple(ESTATES),
    "Home Detention Curfew caseload": TOTAL,
}
EARLIER = "a figure of an earlier day, repeated; that day's own edition gives it"
MARGIN = "among the definitions: the operating margin, which useable operational capacity is already without"
DIFFERENCE = "headroom: the difference of useable operational capacity and population, both given"


def parse(file: RawFile) -> Parsed:
    """Population, capacity and curfew caseload of the day in the title."""
    sheet = read_sheets(file, [SHEET])[SHEET]
    lines = [(row, filled) for row in range(1, len(sheet.rows) + 1) if (filled := _filled(sheet, row))]
    if len(lines) < 2:
        raise refusal(file.name, f"sheet {SHEET!r} ends before the header.")
    day = _day(sheet, *lines[0])
    columns = _columns(sheet, *lines[1])
    ends = [i for i, (row, filled) in enumerate(lines) if sheet.at(row, filled[0]) == END]
    if len(ends) != 1:
        raise refusal(file.name, f"{END!r} stands {len(ends)} times in sheet {SHEET!r}, not once; it ends the figures.")
    block, below = lines[2 : ends[0]], lines[ends[0] + 1 :]
    figures = _figures(sheet, block, columns)

    rows: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    for (label, estate), (row, column, value) in figures.items():
        at = sheet.locator(row, column)
        if label == HEADROOM:
            left_out.append(LeftOut(at, DIFFERENCE, {label: value}))
        else:
            rows.append({"locator": at, "value": value, **_meaning(label, estate)})
    items = sum(len(filled) - 1 for _, filled in block)

    notes = next((row for row, filled in below if sheet.at(row, filled[0]) == NOTES), len(sheet.rows) + 1)
    for row, column, cell in _numbers(sheet, below):
        left_out.append(LeftOut(sheet.locator(row, column), EARLIER if row < notes else MARGIN, {"cell": cell}))
        items += 1

    frame = pd.DataFrame(rows).assign(place_id=PLACE, period_start=day, period_end=day, period_kind="point")
    return Parsed(day.isoformat(), items, {"observation": frame}, left_out)


def _filled(sheet: Sheet, row: int) -> list[int]:
    """The columns of a row that are not empty."""
    return [column for column, cell in enumerate(sheet.line(row)) if cell != ""]


def _day(sheet: Sheet, row: int, filled: list[int]) -> date:
    """The day in the title, which must be the day of the week that it is called."""
    title = sheet.at(row, filled[0])
    found = TITLE.fullmatch(title) if isinstance(title, str) else None
    if not found or len(filled) > 1:
        raise sheet.refuse(row, filled[0], f"{title!r} is not the title with its day, alone in its row.")
    name, number, month, year = found.groups()
    try:
        day = date(int(year), MONTHS.index(month) + 1, int(number))
    except ValueError as error:
        raise sheet.refuse(row, filled[0], f"{title!r} names no day.") from error
    if DAYS[day.weekday()] != name:
        raise sheet.refuse(row, filled[0], f"{title!r}: that day is a {DAYS[day.weekday()]}.")
    return day


def _columns(sheet: Sheet, row: int, filled: list[int]) -> dict[int, str]:
    """The parts of the estate by column."""
    header = [sheet.at(row, column) for column in filled]
    if header != list(ESTATES) or filled[0] == 0:
        raise sheet.refuse(row, filled[0], f"the header is {header}, not {list(ESTATES)} beside a column of labels.")
    return dict(zip(filled, header, strict=True))


def _figures(
    sheet: Sheet, block: list[tuple[int, list[int]]], columns: dict[int, str]
) -> dict[tuple[str, str], tuple[int, int, float]]:
    """Row, column and value of each figure of the block, by label and part of the estate."""
    labels = [sheet.at(row, filled[0]) for row, filled in block]
    if labels != list(ROWS):
        shown = ", ".join(map(repr, labels))
        raise refusal(sheet.file, f"sheet {SHEET!r} has the rows {shown} above {END!r}, not {', '.join(ROWS)}.")
    figures = {}
    for (row, filled), label in zip(block, labels, strict=True):
        found = tuple(columns.get(column, f"column {column + 1}") for column in filled[1:])
        if filled[0] >= min(columns) or found != ROWS[label]:
            raise sheet.refuse(row, filled[0], f"{label} has figures for {found}, not for {ROWS[label]}.")
        for column in filled[1:]:
            figures[label, columns[column]] = (row, column, _number(sheet, row, column))
    # A column that slipped would show here; nothing is computed from it.
    for estate in ESTATES:
        row, column, headroom = figures[HEADROOM, estate]
        places, held = (figures[label, estate][2] for label in ("Useable Operational Capacity", "Population"))
        if headroom != places - held:
            raise sheet.refuse(row, column, f"headroom {headroom:g} is not {places:g} places less {held:g} persons.")
    return figures


def _number(sheet: Sheet, row: int, column: int) -> float:
    """A whole number, as a number or as text with commas between thousands; only headroom may be negative."""
    cell = sheet.at(row, column)
    if isinstance(cell, str) and THOUSANDS.fullmatch(cell):
        return float(cell.replace(",", ""))
    low = -1e6 if sheet.line(row)[_filled(sheet, row)[0]] == HEADROOM else 0
    return sheet.number(row, column, low=low, high=1e6, whole=True)


def _numbers(sheet: Sheet, lines: list[tuple[int, list[int]]]) -> Iterator[tuple[int, int, Any]]:
    """Every cell that holds a number, or text that is one."""
    for row, filled in lines:
        for column in filled:
            cell = sheet.at(row, column)
            if isinstance(cell, (int, float)) or (isinstance(cell, str) and THOUSANDS.fullmatch(cell)):
                yield row, column, cell


def _meaning(label: str, estate: str) -> dict[str, Any]:
    """What a figure counts."""
    sex, age, definition = ESTATES[estate]
    if label == "Population":
        return {"measure": "persons_held", "sex": sex, "age": age, "definition": definition}
    if label == "Useable Operational Capacity":
        return {"measure": "official_capacity", "sex": sex, "age": age, "definition": "useable_operational_capacity"}
    return {
        "measure": "persons_under_supervision",
        "supervision": "ELECTRONIC_MONITORING",
        "definition": "home_detention_curfew",
    }
