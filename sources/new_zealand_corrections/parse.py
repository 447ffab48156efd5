"""New Zealand, sentenced prisoners on the last day of each month: one pivot table a sheet.

The last row of each table, `Grand Total`, adds up stocks of different days and means nothing. Of the breakdowns, sex
and age have codes of ours. Each sheet's chart is a sheet of its own, whose cells are copies or zeros.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import (
    Cells,
    LeftOut,
    Parsed,
    RawFile,
    Rows,
    column_letters,
    count_figures,
    read_workbook,
    sheet_cells,
)
from sources.sums import add_up, floats

TOTALS = "overalltrend"
HEADER_ROW = 11
DAY, GRAND = "BALANCE_DATE", "Grand Total"
PARAMETERS = "Balance_date1=1980-06-30;Balance_date2=2007-06-30"

#: Of each sheet that is read, what its columns count, and what the query behind it says of itself.
READ: dict[str, tuple[str, dict[str, dict[str, str] | None]]] = {
    TOTALS: (
        "Get monthly balances for all prison sentenced types (Remands not included)",
        {"Total": {}},
    ),
    "gendertrend": (
        "Get monthly prison sentenced balances grouped by gender",
        {"Male": {"sex": "M"}, "Female": {"sex": "F"}, "Unknown": None},
    ),
    "Agetrend": (
        "Get prison sentenced balances grouped by age truncated into ten year intervals",
        {
            "15 - 19": {"age": "Y15T19"},
            "20 - 29": {"age": "Y20T29"},
            "30 - 39": {"age": "Y30T39"},
            "40 - 49": {"age": "Y40T49"},
            "50 - 59": {"age": "Y50T59"},
            "60 +": {"age": "Y_GE60"},
            "Unknown": None,
        },
    ),
}
CHART = "a chart's own cells: copies of the figures of the sheet before it, or zeros"
NO_COLUMN = "a breakdown for which there is no column: "
#: The other sheets, and why no figure of them is read.
OTHERS = {
    "Index": "no figures",
    "overall trend chart": CHART,
    "gender trend chart": CHART,
    "Age trend chart": CHART,
    "Ethnicitytrend": f"{NO_COLUMN}ethnicity",
    "Ethnicity trend chart": CHART,
    "OffenceGroupTrend": "the publisher's own groups of offences, whose bounds it does not give; none is surely ICCS",
    "OffenGroupTrendChart": CHART,
    "ManagementGroupTrend": f"{NO_COLUMN}length of sentence, divided at two years",
    "ManagementGroupTrendChart": CHART,
    "CareerStartBedsTrend": f"{NO_COLUMN}year of the first offence",
    "CareerStartBedsTrendChart": CHART,
    "DRETrend": f"{NO_COLUMN}eligibility for release",
    "DRETrendChart": CHART,
}
SUM_OF_STOCKS = "stocks of different days added up, which counts nobody"
UNKNOWN = "persons of unknown sex or age, for whom there is no code; they are in the total"
REPEATED = "repeats the total of the same day; it was compared with it"
AGE_NOTE = "The publisher reckons age in years of 365 days; the lowest band is its query's ages 10 to 19."


def parse(file: RawFile) -> Parsed:
    """One observation from each month's total and its men, women and age groups."""
    sheets = _sheets(file)
    items = sum(map(count_figures, sheets.values()))

    tables = {name: _table(file, name, sheets[name]) for name in READ}
    days = _days(tables[TOTALS])
    totals = tables[TOTALS].integers("Total", 0, 10**8)[:-1]
    frames, left_out = [], []
    for name, cells in tables.items():
        columns = READ[name][1]
        if _days(cells) != days:
            raise refusal(file.name, f"the days of sheet {name!r} are not those of sheet {TOTALS!r}.")
        if name != TOTALS:
            _check_sums(cells, list(columns), totals)
            left_out.append(_block(cells, name, GRAND, REPEATED))
        if "Male" in columns:
            _check_more_men(cells)
        _check_last_row(cells, list(columns))
        left_out.append(_last_row(sheets[name], name, len(cells)))
        for column, meaning in columns.items():
            if meaning is None:
                left_out.append(_block(cells, name, column, UNKNOWN))
                continue
            frame = pd.DataFrame({"value": cells.integers(column, 0, 10**8), "locator": cells.locators(column)})[:-1]
            frames.append(frame.assign(period_start=days, period_end=days, dataset=name, **meaning))
    frame = pd.concat(frames, ignore_index=True)
    frame["note"] = frame["age"].map(lambda age: AGE_NOTE, na_action="ignore")
    frame = frame.assign(place_id="NZL", measure="persons_held", legal_status="SENTENCED", period_kind="point")

    left_out += [
        LeftOut(name, why, {"sheet": name}, items=count)
        for name, why in OTHERS.items()
        if (count := count_figures(sheets[name]))
    ]
    return Parsed(_stamp(file, sheets[TOTALS]), items, {"observation": frame}, left_out)


def _sheets(file: RawFile) -> dict[str, Rows]:
    """All sheets; those that are known must be there, and no others."""
    sheets = read_workbook(file)
    if unknown := [name for name in sheets if name not in READ and name not in OTHERS]:
        raise refusal(file.name, f"the sheet {unknown[0]!r} is not known.")
    if missing := [name for name in (*READ, *OTHERS) if name not in sheets]:
        raise refusal(file.name, f"there is no sheet {missing[0]!r}; it may be cut off.")
    return sheets


def _table(file: RawFile, name: str, rows: Rows) -> Cells:
    description, columns = READ[name]
    for row, label, text in ((1, "Description", description), (2, "Parameters", PARAMETERS)):
        if rows[row - 1][:2] != [label, text]:
            raise refusal(file.name, f"{rows[row - 1][:2]!r} is not {label}, {text!r}.", row, f"{name}!A:B")
    header = [DAY, *columns] if name == TOTALS else [DAY, *columns, GRAND]
    return sheet_cells(file, name, rows, HEADER_ROW, header)


def _days(cells: Cells) -> list[date]:
    """The last days of consecutive months; the last row is the sum over all of them."""
    days = list(cells[DAY][:-1])
    for i, day in enumerate(days):
        if type(day) is not date or (day + timedelta(days=1)).day != 1:
            raise cells.refuse(i, DAY, f"{day!r} is not the last day of a month")
        if i and (day.replace(day=1) - timedelta(days=1)) != days[i - 1]:
            raise cells.refuse(i, DAY, f"{day} does not follow {days[i - 1]} by a month")
    if not days or cells[DAY][-1] != GRAND:
        raise cells.refuse(len(cells) - 1, DAY, f"{cells[DAY][-1]!r} is not {GRAND!r}; the sheet may be cut off")
    return days


def _check_sums(cells: Cells, columns: list[str], totals: list[int]) -> None:
    """Refuse where the parts of a day do not add up to its total; an empty cell of a pivot table is nobody."""
    parts = [cells.numbers_or_missing(column)[:-1] for column in columns]
    given = cells.integers(GRAND, 0, 10**8)
    for i, total in enumerate(totals):
        if not sum(part[i] or 0 for part in parts) == given[i] == total:
            raise cells.refuse(i, GRAND, f"{given[i]} is not the sum of its parts or not {total}, the day's total")


def _check_last_row(cells: Cells, columns: list[str]) -> None:
    """Refuse where a column's days do not add up to its last row, which is good for nothing else."""
    for column in columns:
        figures = floats(cells.numbers_or_missing(column))
        days = np.nansum(figures[:-1], keepdims=True)
        add_up(cells.name, cells.locators(column)[-1:], figures[-1:], [days], of="the days above")


def _check_more_men(cells: Cells) -> None:
    """Refuse where women outnumber men, as in no country's prisons: the columns have changed places."""
    men, women = (cells.integers(column, 0, 10**8) for column in ("Male", "Female"))
    for i, (m, w) in enumerate(zip(men, women, strict=True)):
        if m <= w:
            raise cells.refuse(i, "Male", f"{m} men and {w} women; the columns may have changed places")


def _block(cells: Cells, sheet: str, column: str, why: str) -> LeftOut:
    """All figures of a column above the last row."""
    at = cells.locators(column)
    figures = count_figures([cells[column][:-1]])
    return LeftOut(f"{at[0]}:{at[-2].partition('!')[2]}", why, {"sheet": sheet, "column": column}, items=figures)


def _last_row(rows: Rows, sheet: str, size: int) -> LeftOut:
    row, last = HEADER_ROW + size, rows[HEADER_ROW + size - 1]
    locator = f"{sheet}!B{row}:{column_letters(len(last) - 1)}{row}"
    return LeftOut(locator, SUM_OF_STOCKS, {"sheet": sheet, "row": GRAND}, items=count_figures([last]))


def _stamp(file: RawFile, rows: Rows) -> str:
    """The day on which the publisher drew the figures from its database."""
    label, stamp = rows[3][:2]
    if label != "RefreshDate" or not isinstance(stamp, datetime):
        raise refusal(file.name, f"{[label, stamp]!r} is not the RefreshDate.", 4, f"{TOTALS}!A:B")
    return stamp.date().isoformat()
