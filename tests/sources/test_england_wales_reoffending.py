"""The data tool of England and Wales in a copy of its layout: national totals, and all else left out by name."""

from __future__ import annotations

import contextlib
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import rows
from sources.catalogue import source
from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import damaged, parse, workbook

SOURCE, FILE, NAME = "england_wales_reoffending", "data_tool", "proven-reoffending-data-tool.xlsx"
HEADER = [
    "adult_child", "cohort", "region", "category", "subcat1", "subcat2", "offenders", "reoffenders", "reoffences",
]  # fmt: skip


def row(**changes: Any) -> list[Any]:
    """A row of the sheet: the national total of adults, but for the changes; the figures are the test's own."""
    plain = {
        "adult_child": "Adult", "cohort": "Apr 2012 to Mar 2013", "region": "England and Wales", "category": "Total",
        "subcat1": "", "subcat2": "", "offenders": 2000, "reoffenders": 500, "reoffences": 1500,
    }  # fmt: skip
    assert set(changes) <= set(plain)
    return list((plain | changes).values())


def read(*table: list[Any], header: list[Any] = HEADER) -> Parsed:
    return parse(SOURCE, FILE, NAME, workbook({"Read me": [["x"]], "Data": [header, *table]}))


def test_adults_and_children_are_rows_of_their_own() -> None:
    parsed = read(
        row(),
        row(adult_child="Child", offenders=300, reoffenders=120, reoffences=480),
        row(cohort="Oct 2023 to Dec 2023", subcat1="Total", subcat2="Total", offenders=90, reoffenders=0, reoffences=0),
    )
    frame = parsed.rows["recidivism"]
    assert parsed.vintage is None
    assert frame[["locator", "age", "cohort_start", "cohort_end", "cohort_size", "returned"]].to_numpy().tolist() == [
        ["Data!G2", "ADULT", date(2012, 4, 1), date(2013, 3, 31), 2000, 500],
        ["Data!G3", "JUVENILE", date(2012, 4, 1), date(2013, 3, 31), 300, 120],
        ["Data!G4", "ADULT", date(2023, 10, 1), date(2023, 12, 31), 90, 0],
    ]
    same = ["place_id", "basis", "outcome", "population", "follow_up_months", "definition"]
    assert frame[same].drop_duplicates().to_numpy().tolist() == [
        ["GBR-EAW", "release_cohort", "reconviction", "all_convicted", 12, "proven_reoffending"]
    ]
    assert "rate_percent" not in frame
    assert set(frame["definition"]) == set(source(SOURCE).definitions)


def test_reoffences_regions_and_breakdowns_are_left_out_by_name() -> None:
    parsed = read(
        row(),
        row(region="London"),
        row(category="Index offence total", subcat1="Theft", reoffences="-"),
        row(region="London", adult_child="Child"),
        row(region="London", category="Index offence total"),
    )
    assert (parsed.items, len(parsed.rows["recidivism"])) == (10, 1)
    assert [
        (entry.locator, entry.reason.split(";")[0].split(" whose")[0], entry.items) for entry in parsed.left_out
    ] == [
        ("Data!I2", "the number of reoffences of all who reoffended", 1),
        ("Data!G3", "a region", 4),
        ("Data!G4", "a breakdown", 2),
        ("Data!G6", "a region", 2),
    ]
    assert parsed.left_out[1].raw == {"region": "London", "category": "Total", "rows": 2}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"adult_child": "All"}, ("row 3, column adult_child", "'All'")),
        ({"adult_child": "Youth", "region": "London"}, ("row 3, column adult_child", "'Youth'")),
        ({"cohort": "2012/13"}, ("row 3, column cohort", "'2012/13' is not two months")),
        ({"cohort": "Apr 2012 to Mrz 2013"}, ("row 3, column cohort", "is not two months")),
        ({"cohort": "Apr 2012 to Apr 2013"}, ("row 3, column cohort", "neither a quarter nor a year")),
        ({"cohort": "Apr 2013 to Mar 2013"}, ("row 3, column cohort", "neither a quarter nor a year")),
        ({"cohort": "Apr 2012 to Mar 2013p", "region": "London"}, ("row 3, column cohort", "is not two months")),
        ({"subcat1": "Male"}, ("row 3, column subcat1", "'Male'")),
        ({"subcat2": "Male"}, ("row 3, column subcat2", "'Male'")),
        ({"offenders": "2O00"}, ("row 3, column offenders", "'2O00' is not a number")),
        ({"offenders": "2,000"}, ("row 3, column offenders", "'2,000' is not a number")),
        ({"offenders": ""}, ("row 3, column offenders", "is not a number")),
        ({"reoffenders": "*"}, ("row 3, column reoffenders", "'*' is not a number")),
        ({"reoffenders": 0.25}, ("row 3, column reoffenders", "0.25 is not a whole number")),
        ({"reoffences": -1}, ("row 3, column reoffences", "-1")),
    ],
)
def test_what_is_not_known_is_refused(change: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(row(cohort="Apr 2010 to Mar 2011"), row(**change))
    for part in (NAME, *words):
        assert part in str(refused.value)


@pytest.mark.parametrize("column", HEADER)
def test_a_missing_or_renamed_column_is_refused(column: str) -> None:
    at = HEADER.index(column)
    for header in (HEADER[:at] + HEADER[at + 1 :], [*HEADER[:at], "other", *HEADER[at + 1 :]]):
        cells = row()[: len(header)]
        with pytest.raises(Refused, match=f"row 1: the columns are not the expected ones: missing {column}"):
            read(cells, header=header)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a readable workbook"),
        (workbook({"Data": [HEADER, row()]})[:400], "not a readable workbook"),
        (workbook({"data": [HEADER, row()]}), "there is no sheet 'Data'"),
        (workbook({"Data": [HEADER]}), "a header and no rows"),
        (workbook({"Data": [HEADER, row(region="England & Wales")]}), "no row of region 'England and Wales'"),
        (workbook({"Data": [HEADER, row(category="total")]}), "no row of region 'England and Wales'"),
    ],
)
def test_a_file_that_is_not_the_data_tool_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(SOURCE, FILE, NAME, data)
    assert words in str(refused.value)


def test_one_cohort_twice_is_refused() -> None:
    parsed = read(row(), row(offenders=2001))
    frame = rows.described("recidivism", parsed.rows["recidivism"], FILE, NAME)
    key = ["place_id", "age", "cohort_start", "cohort_end"]
    frame = frame.assign(recidivism_id=rows.identities(frame, key, SOURCE, "2026"))
    with pytest.raises(Refused, match="stands there 2 times"):
        rows.refuse_duplicates(frame, "recidivism_id", NAME)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    with contextlib.suppress(Refused):
        parse(SOURCE, FILE, NAME, damaged(data, workbook({"Data": [HEADER, row()]})))
