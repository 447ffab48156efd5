"""New Zealand's pivot tables: a small workbook in the publisher's layout, each refusal, and the real workbook."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import parse, workbook, zipped
from tests.sources.mutated import Change, drop, parse_with, put, swap

SOURCE, FILE = "new_zealand_corrections", "prison_sentenced_snapshot_trends"
NAME = "nz_prison-sentenced-snapshot-trends.xls"
PARAMETERS = "Balance_date1=1980-06-30;Balance_date2=2007-06-30"
DAYS = ["day:30681", "day:30712", "day:30741"]  # the last days of December 1983 to February 1984
STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2">'
    '<xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
)
Sheets = dict[str, list[list[Any]]]


def pivot(description: str, header: list[str], *figures: list[Any]) -> list[list[Any]]:
    """A sheet: what the query says of itself, a header in row 11, a row a day, and the sum of all."""
    head = [["Description", description], ["Parameters", PARAMETERS], ["SQL", "select 1"]]
    head += [["RefreshDate", "day:39370.5"], ["RefreshDuration", "1 seconds"], ["Notes"]]
    return [*head, [], [], [], ["Sum of BALANCE"], ["BALANCE_DATE", *header], *figures]


def sheets() -> Sheets:
    made: Sheets = {
        "Index": [["", "Offender volumes report"]],
        "overalltrend": pivot(
            "Get monthly balances for all prison sentenced types (Remands not included)",
            ["Total"],
            [DAYS[0], 100],
            [DAYS[1], 110],
            [DAYS[2], 120],
            ["Grand Total", 330],
        ),
        "overall trend chart": [[0], [0], [0]],
        "gendertrend": pivot(
            "Get monthly prison sentenced balances grouped by gender",
            ["Male", "Female", "Unknown", "Grand Total"],
            [DAYS[0], 90, 9, 1, 100],
            [DAYS[1], 99, 11, None, 110],
            [DAYS[2], 105, 12, 3, 120],
            ["Grand Total", 294, 32, 4, 330],
        ),
        "gender trend chart": [[0, 0], [0, 0]],
        "Agetrend": pivot(
            "Get prison sentenced balances grouped by age truncated into ten year intervals",
            ["15 - 19", "20 - 29", "30 - 39", "40 - 49", "50 - 59", "60 +", "Unknown", "Grand Total"],
            [DAYS[0], 20, 30, 20, 15, 10, 4, 1, 100],
            [DAYS[1], 21, 31, 22, 16, 11, 8, 1, 110],
            [DAYS[2], 22, 32, 24, 17, 12, 12, 1, 120],
            ["Grand Total", 63, 93, 66, 48, 33, 24, 3, 330],
        ),
        "Age trend chart": [[0]],
    }
    for name in ("Ethnicitytrend", "OffenceGroupTrend", "ManagementGroupTrend", "CareerStartBedsTrend", "DRETrend"):
        made[name] = [["Description", "Another"], ["BALANCE_DATE", "A"], [DAYS[0], 7]]
    for name in ("Ethnicity trend chart", "OffenGroupTrendChart", "ManagementGroupTrendChart"):
        made[name] = [[0, 0]]
    return made | {"CareerStartBedsTrendChart": [[0]], "DRETrendChart": [[3]]}


def book(tables: Sheets) -> bytes:
    """The workbook, in which text `day:` and a number is a date."""
    with zipfile.ZipFile(io.BytesIO(workbook(tables))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = re.compile(r' t="inlineStr"><is><t xml:space="preserve">day:([\d.]+)</t></is></c>')
    parts = {name: text.sub(r' s="1"><v>\1</v></c>', data.decode()).encode() for name, data in parts.items()}
    return zipped(parts | {"xl/styles.xml": STYLES.encode()})


def read(tables: Sheets) -> Parsed:
    return parse(SOURCE, FILE, NAME, book(tables))


def observations(parsed: Parsed) -> pd.DataFrame:
    frame = parsed.rows["observation"]
    return frame.assign(sex=frame["sex"].fillna("_T"), age=frame["age"].fillna("_T"))


def series(parsed: Parsed, sex: str = "_T", age: str = "_T") -> list[float]:
    frame = observations(parsed)
    return [float(v) for v in frame[(frame["sex"] == sex) & (frame["age"] == age)]["value"]]


def test_what_the_sheets_count() -> None:
    parsed = read(sheets())
    assert parsed.vintage == "2007-10-15"
    assert series(parsed) == [100, 110, 120]
    assert series(parsed, sex="M") == [90, 99, 105]
    assert series(parsed, sex="F") == [9, 11, 12]
    assert series(parsed, age="Y15T19") == [20, 21, 22]
    assert series(parsed, age="Y20T29") == [30, 31, 32]
    assert series(parsed, age="Y30T39") == [20, 22, 24]
    assert series(parsed, age="Y40T49") == [15, 16, 17]
    assert series(parsed, age="Y50T59") == [10, 11, 12]
    assert series(parsed, age="Y_GE60") == [4, 8, 12]
    frame = observations(parsed)
    assert len(frame) == 3 * (1 + 2 + 6)
    assert set(frame["legal_status"]) == {"SENTENCED"}
    assert list(frame["period_end"])[:3] == [date(1983, 12, 31), date(1984, 1, 31), date(1984, 2, 29)]
    assert frame["locator"][1] == "overalltrend!B13"


def test_what_is_left_out() -> None:
    parsed = read(sheets())
    left_out = {entry.locator: entry.items for entry in parsed.left_out}
    assert left_out["overalltrend!B15:B15"] == 1
    assert left_out["gendertrend!B15:E15"] == 4
    assert left_out["gendertrend!D12:D14"] == 2  # one day has no such person
    assert left_out["gendertrend!E12:E14"] == 3
    assert left_out["gender trend chart"] == 4
    assert left_out["Ethnicitytrend"] == 1
    assert 330 not in set(parsed.rows["observation"]["value"])


@pytest.mark.parametrize(
    ("sheet", "row", "column", "cell", "words"),
    [
        ("overalltrend", 1, 1, "Something else", "'Something else'"),
        ("overalltrend", 2, 1, "Balance_date1=1970-06-30", "row 2"),
        ("overalltrend", 4, 1, "yesterday", "is not the RefreshDate"),
        ("overalltrend", 13, 1, "11O", "row 13, column Total: '11O' is not a number"),
        ("overalltrend", 13, 1, 110.5, "110.5 is not a whole number"),
        ("overalltrend", 13, 0, "1984-01-31", "'1984-01-31' is not the last day of a month"),
        ("overalltrend", 13, 0, "day:30711", "is not the last day of a month"),
        ("overalltrend", 13, 0, "day:30741", "does not follow 1983-12-31 by a month"),
        ("overalltrend", 15, 0, "Total", "the sheet may be cut off"),
        ("overalltrend", 13, 1, 111, r"overalltrend!B15: 330 stands where the days above add up to 331"),
        ("gendertrend", 15, 3, 40, "gendertrend!D15: 40 stands where the days above add up to 4"),
        ("gendertrend", 13, 1, 98, "110 is not the sum of its parts"),
        ("gendertrend", 13, 2, None, "110 is not the sum of its parts"),
        ("gendertrend", 11, 1, "Men", "missing Male; unknown 'Men'"),
        ("Agetrend", 11, 6, "60 - 69", "unknown '60 - 69'"),
    ],
)
def test_it_refuses(sheet: str, row: int, column: int, cell: Any, words: str) -> None:
    tables = sheets()
    tables[sheet][row - 1][column] = cell
    with pytest.raises(Refused, match=words):
        read(tables)


def test_a_sheet_whose_total_is_not_the_day_s_total() -> None:
    tables = sheets()
    tables["overalltrend"][12][1], tables["overalltrend"][14][1] = 111, 331
    with pytest.raises(Refused, match="row 13, column Grand Total: 110 is not the sum of its parts or not 111"):
        read(tables)


def test_two_columns_that_change_places() -> None:
    tables = sheets()
    for row in tables["gendertrend"][11:]:
        row[1], row[2] = row[2], row[1]
    with pytest.raises(Refused, match="row 12, column Male: 9 men and 90 women; the columns may have changed places"):
        read(tables)
    tables = sheets()
    for row in tables["Agetrend"][11:14]:
        row[1], row[2] = row[2], row[1]
    with pytest.raises(Refused, match="Agetrend!B15: 63 stands where the days above add up to 93"):
        read(tables)


def test_an_empty_cell_is_not_nobody() -> None:
    tables = sheets()
    tables["gendertrend"][12][2:] = [None, 11, 110]
    with pytest.raises(Refused, match="row 13, column Female: '' is not a number"):
        read(tables)


def test_sheets_that_are_unknown_missing_or_cut_off() -> None:
    with pytest.raises(Refused, match="'Regiontrend' is not known"):
        read(sheets() | {"Regiontrend": [["x"]]})
    with pytest.raises(Refused, match="no sheet 'DRETrend'"):
        read({name: rows for name, rows in sheets().items() if name != "DRETrend"})
    tables = sheets()
    del tables["Agetrend"][-1]
    with pytest.raises(Refused, match="is not 'Grand Total'"):
        read(tables)
    tables = sheets()
    del tables["Agetrend"][-2]
    with pytest.raises(Refused, match="the days of sheet 'Agetrend' are not those"):
        read(tables)
    with pytest.raises(Refused, match="not a readable workbook"):
        parse(SOURCE, FILE, NAME, book(sheets())[:-400])


# The publisher's workbook


def test_the_real_workbook(raw: Path) -> None:
    (path,) = (raw / "new-zealand").glob("*.xls")
    parsed = parse(SOURCE, FILE, path.name, path.read_bytes())
    assert parsed.vintage == "2007-10-15"
    frame = observations(parsed)
    by_locator = frame.set_index("locator")
    looked_up = {
        "overalltrend!B12": (date(1980, 6, 30), 2564),
        "overalltrend!B336": (date(2007, 6, 30), 6445),
        "gendertrend!C12": (date(1980, 6, 30), 129),
        "gendertrend!B139": (date(1991, 1, 31), 3414),
        "gendertrend!C336": (date(2007, 6, 30), 408),
        "Agetrend!B12": (date(1980, 6, 30), 590),
        "Agetrend!G336": (date(2007, 6, 30), 189),
        "Agetrend!D332": (date(2007, 2, 28), 1757),
    }
    assert {at: (by_locator["period_end"][at], by_locator["value"][at]) for at in looked_up} == looked_up
    # The publisher's own sums over all 325 months, which are not among the rows.
    sums = frame.groupby(["sex", "age"])["value"].sum().to_dict()
    assert sums == {
        ("_T", "_T"): 1302363,
        ("M", "_T"): 1239674,
        ("F", "_T"): 60101,
        ("_T", "Y15T19"): 143394,
        ("_T", "Y20T29"): 577516,
        ("_T", "Y30T39"): 333821,
        ("_T", "Y40T49"): 154298,
        ("_T", "Y50T59"): 57340,
        ("_T", "Y_GE60"): 26523,
    }
    assert len(frame) == 325 * 9
    assert max(frame["value"]) < 10000


@pytest.mark.parametrize(
    ("sheet", "change", "words"),
    [
        ("gendertrend", swap(1, 2, 12), "129 men and 2409 women"),
        ("Agetrend", swap(3, 4, 337), "Agetrend!D337: 154,298 stands where the days above add up to 333,821"),
        ("Agetrend", drop(100), "does not follow"),
        ("gendertrend", put(336, 2, 4080.0), "row 336, column Grand Total: 6445 is not the sum of its parts"),
    ],
)
def test_the_real_workbook_mutilated(
    raw: Path, monkeypatch: pytest.MonkeyPatch, sheet: str, change: Change, words: str
) -> None:
    (path,) = (raw / "new-zealand").glob("*.xls")
    with pytest.raises(Refused, match=words):
        parse_with(monkeypatch, SOURCE, FILE, path, {sheet: change})
