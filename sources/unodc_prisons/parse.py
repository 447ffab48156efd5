"""UNODC, prisons and prisoners: one sheet, one row a figure; row 2 bears the publication stamp.

`series.csv` says what each indicator, dimension, category and unit counts.
"""

from pathlib import Path

import numpy as np

from sources.errors import refusal
from sources.reading import Parsed, RawFile, iso_day, read_sheet, sheet_cells, year_days

SHEET = "data_cts_prisons_and_prisoners"
HEADER = [
    "Iso3_code", "Country", "Region", "Subregion", "Indicator", "Dimension", "Category",
    "Sex", "Age", "Year", "Unit of measurement", "VALUE", "Source",
]  # fmt: skip
SEX = {"Total": "_T", "Female": "F", "Male": "M"}
AGE = {"Total": "_T", "Adult": "ADULT", "Juveniles": "JUVENILE"}
#: Some are averages, some a percentage of a total; the file does not say which.
NOT_WHOLE = "not a whole number as published"
SERIES_COLUMNS = ["Indicator", "Dimension", "Category", "Unit of measurement"]


def parse(file: RawFile) -> Parsed:
    """One observation from each row of the sheet."""
    rows = read_sheet(file, SHEET)
    try:
        vintage = iso_day(rows[1][0], "%d/%m/%Y")
    except (ValueError, TypeError, IndexError) as error:
        raise refusal(file.name, "the publication stamp dd/mm/yyyy is not there.", row=2) from error
    cells = sheet_cells(file, SHEET, rows, 3, HEADER)

    frame = cells.translate(SERIES_COLUMNS, Path(__file__).with_name("series.csv"))
    frame["locator"] = cells.locators("VALUE")
    frame["place_id"] = cells.places("Iso3_code", file.places)
    cells.agree("Iso3_code", "Country", file.places)
    frame["sex"] = cells.codes("Sex", SEX)
    frame["age"] = cells.codes("Age", AGE)
    frame["value"] = cells.numbers("VALUE")
    frame["reported_by"] = cells["Source"]
    # A year in the wrong century is read as it stands, so that corrections.yml can name it and the checks can catch it.
    frame["period_start"], frame["period_end"] = year_days(cells.integers("Year", 1000, 2100))

    flow = frame["measure"].str.startswith(("admissions", "deaths"))
    frame["period_kind"] = np.where(flow, "during", "unknown_day")
    counts = np.asarray(cells["Unit of measurement"], dtype=object) == "Counts"
    frame["note"] = None
    frame.loc[counts & (frame["value"] % 1 != 0), "note"] = NOT_WHOLE
    frame["status"] = frame["status"].fillna("A")
    supervised = frame["measure"].str.startswith("persons_under_supervision")
    frame["definition"] = None
    frame.loc[supervised, "definition"] = "other_types_of_supervision"
    return Parsed(vintage, len(cells), {"observation": frame})
