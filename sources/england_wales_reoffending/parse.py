"""England and Wales, proven reoffending: sheet `Data` of the data tool, one row a cohort and group.

Read are the national totals, adults and children apart as published; no sum of the two is made. Regions and all other
categories are left out by name: what their words count can be said only with the file at hand. Other sheets of the
tool show selections of this one and are not read.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter
from datetime import date

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import Cells, LeftOut, Parsed, RawFile, read_sheet, sheet_cells

SHEET = "Data"
HEADER = [
    "adult_child", "cohort", "region", "category", "subcat1", "subcat2", "offenders", "reoffenders", "reoffences",
]  # fmt: skip
NATIONAL = ("England and Wales", "Total")
AGE = {"Adult": "ADULT", "Child": "JUVENILE"}
#: What may stand as subcategory of a total.
WHOLE = {"": None, "Total": None}
MOST = 10_000_000

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COHORT = re.compile(r"([A-Z][a-z]{2}) (\d{4}) to ([A-Z][a-z]{2}) (\d{4})", re.ASCII)
#: A cohort is a quarter or a year.
LENGTHS = (3, 12)

NO_COLUMN = "the number of reoffences of all who reoffended; no column holds it"
OTHER_REGION = "a region; only England and Wales as a whole is read"
OTHER_CATEGORY = "a breakdown whose words have not been read with the file at hand"


def parse(file: RawFile) -> Parsed:
    """One row of recidivism from each national total.

    A row of the sheet holds two items: its offenders with those who reoffended, and the number of reoffences.
    """
    cells = sheet_cells(file, SHEET, read_sheet(file, SHEET), 1, HEADER)
    cells.codes("adult_child", AGE)
    cells.each("cohort", _period)
    national = np.array([pair == NATIONAL for pair in zip(cells["region"], cells["category"], strict=True)], dtype=bool)
    if not national.any():
        raise refusal(file.name, f"sheet {SHEET!r} has no row of region {NATIONAL[0]!r} and category {NATIONAL[1]!r}.")
    totals = cells.keep(national)

    totals.codes("subcat1", WHOLE)
    totals.codes("subcat2", WHOLE)
    totals.integers("reoffences", 0, MOST)
    frame = pd.DataFrame(
        {
            "locator": totals.locators("offenders"),
            "age": totals.codes("adult_child", AGE),
            "cohort_size": totals.integers("offenders", 0, MOST),
            "returned": totals.integers("reoffenders", 0, MOST),
        }
    )
    frame["cohort_start"], frame["cohort_end"] = zip(*totals.each("cohort", _period), strict=True)
    frame = frame.assign(
        place_id="GBR-EAW",
        basis="release_cohort",
        outcome="reconviction",
        population="all_convicted",
        follow_up_months=12,
        definition="proven_reoffending",
    )
    left_out = [
        LeftOut(at, NO_COLUMN, {"reoffences": count})
        for at, count in zip(totals.locators("reoffences"), totals["reoffences"], strict=True)
    ]
    left_out += _groups(cells.keep(~national))
    return Parsed(None, 2 * len(cells), {"recidivism": frame}, left_out)


def _period(cohort: str) -> tuple[date, date]:
    """First and last day of a cohort such as `Apr 2012 to Mar 2013`."""
    found = COHORT.fullmatch(cohort) if isinstance(cohort, str) else None
    if not found or found[1] not in MONTHS or found[3] not in MONTHS:
        raise ValueError(f"{cohort!r} is not two months with their years, such as 'Apr 2012 to Mar 2013'")
    (first, last), (begins, ends) = (MONTHS.index(found[i]) + 1 for i in (1, 3)), (int(found[2]), int(found[4]))
    if 12 * (ends - begins) + last - first + 1 not in LENGTHS:
        raise ValueError(f"{cohort!r} is neither a quarter nor a year")
    return date(begins, first, 1), date(ends, last, calendar.monthrange(ends, last)[1])


def _groups(others: Cells) -> list[LeftOut]:
    """One entry for each region and category, at the first of its rows."""
    places = others.locators("offenders")
    pairs = list(zip(others["region"], others["category"], strict=True))
    return [
        LeftOut(
            places[pairs.index((region, category))],
            OTHER_CATEGORY if region == NATIONAL[0] else OTHER_REGION,
            {"region": region, "category": category, "rows": rows},
            2 * rows,
        )
        for (region, category), rows in Counter(pairs).items()
    ]
