"""Persons in prison, jail or under supervision in the United States: by year, by state, and the real edition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.bjs import at, bjs_file, changed, read_as, real_bytes, real_table, refuses_change
from tests.sources.fixtures import complete, parse

SOURCE = "bjs_correctional_populations"
TITLE = (
    "Table 1. Number of persons supervised by U.S. adult correctional systems, by correctional status, 2010 and 2011"
)
NOTES = [
    "Note: All probation, parole, and prison counts are for December 31; jail counts are for the last weekday in June.",
    "*Comparison year.",
    "~Not applicable.",
    "a/Adjusted.",
]
TABLE = [
    ["", "", "", "Community supervision", "", "", "Incarcerated", "", ""],
    ["Year", "", "Total correctional populationa", "Total/a", "Probation", "Parole", "Total", "Local jail", "Prison"],
    ["2010", "", "100,000", "70,000", "60,000", "10,000", "30,000", "9,000", "21,000"],
    ["2011*", "", "", "", "", "", "", "", ""],
    ["", " January 1/a", "101,000", "71,000", "61,000", "10,000", " ~ ", " ~ ", " ~ "],
    ["", "December 31", "102,000", "72,000", "62,000", "10,000", "30,000", "8,000", "22,000"],
    ["Percent change, 2010\u20132011", "", "2", "2.9", "3.3", "0", "0", "-11.1", "4.8"],
]


def made(table: Any = TABLE, notes: Any = NOTES, title: str = TITLE, key: str = "t01") -> Parsed:
    name = f"cpus11{key}.csv"
    return parse(SOURCE, key, name, bjs_file(name, title, table, notes, version="4/26/2018"))


def frame_of(parsed: Parsed) -> pd.DataFrame:
    frame = parsed.rows["observation"]
    for column in ("supervision", "definition"):
        frame[column] = frame[column].fillna("") if column in frame else ""
    return frame


def test_populations_by_year() -> None:
    parsed = made()
    frame = frame_of(parsed)
    assert (parsed.items, len(frame), sum(left.items for left in parsed.left_out)) == (28, 18, 10)
    cells = frame.set_index(["measure", "supervision", "period_end"])["value"]
    day = date(2011, 12, 31)
    assert cells["persons_under_correctional_supervision", "", day] == 102000
    assert cells["persons_under_supervision", "", day] == 72000
    assert cells["persons_under_supervision", "PROBATION", day] == 62000
    assert cells["persons_under_supervision", "PAROLE", day] == 10000
    assert cells["persons_held", "", day] == 30000
    assert cells["prisoners_under_jurisdiction", "", day] == 22000
    assert cells["persons_under_supervision", "", date(2011, 1, 1)] == 71000
    assert set(frame["status"]) == {"E"}


def test_jails_are_counted_in_june() -> None:
    jails = frame_of(made()).query("measure == 'persons_held_local_jails'")
    assert jails["period_end"].tolist() == [date(2010, 6, 30), date(2011, 6, 30)]
    assert jails["value"].tolist() == [9000, 8000]
    with pytest.raises(Refused, match="last weekday in June"):
        made(notes=["Note: All probation, parole, and prison counts are for December 31.", *NOTES[1:]])


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (0, 6, "Imprisoned", "'Imprisoned' is not one of"),
        (1, 6, "All", "'All' is not one of"),
        (1, 4, "Bail", "'Bail' is not one of"),
        (2, 0, "2010r", "is not a year"),
        (5, 1, "November 30", "is not one of"),
        (2, 4, "60O", "neither a figure nor explained"),
        (4, 2, ":", "neither a figure nor explained"),
    ],
)
def test_what_it_does_not_know_is_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        made(changed(TABLE, line, column, cell))


TWO_YEARS = [
    ["", "", "", "2007", "", "", "2016", "", ""],
    ["Correctional population", "", "Population", "Percent of total population", "", "", "Population",
     "Percent of total population", ""],
    ["", "Total", "100,000", "100", "%", "", "200,000", "100", "%"],
    ["Probation/b", "", "50,000", "50", "", "", "90,000", "45", ""],
    ["Prison/b", "", "30,000", "30", "", "", "80,000", "40", ""],
    ["Parole/b", "", "10,000", "10", "", "", "20,000", "10", ""],
    ["Local jail/c", "", "20,000", "20", "", "", "25,000", "12.5", ""],
    ["Offenders with dual correctional statuses", "", "10,000", ":", "", "", "15,000", ":", ""],
]  # fmt: skip
TWO_NOTES = [
    "Note: Rounded.",
    ": Not calculated.",
    "b/Population as of December 31.",
    "c/Population as of the last weekday in June.",
]
OF_TWO = TITLE.replace("Table 1", "Table 2").replace("2010 and 2011", "2007 and 2016")


def test_two_years_whose_headers_stand_in_the_middle() -> None:
    frame = frame_of(made(TWO_YEARS, TWO_NOTES, OF_TWO, "t02"))
    cells = frame.set_index(["measure", "period_end"])["value"]
    assert cells["prisoners_under_jurisdiction", date(2007, 12, 31)] == 30000
    assert cells["persons_held_local_jails", date(2007, 6, 29)] == 20000  # 30 June 2007 was a Saturday
    assert cells["prisoners_under_jurisdiction", date(2016, 12, 31)] == 80000
    assert len(cells) == 10


def test_two_years_without_their_shares_or_days_are_refused() -> None:
    apart = [[*row[:3], "", *row[3:]] for row in TWO_YEARS]
    with pytest.raises(Refused, match="no share of the total stands beside"):
        made(apart, TWO_NOTES, OF_TWO, "t02")
    with pytest.raises(Refused, match="says 'December 31'"):
        made(TWO_YEARS, [*TWO_NOTES[:2], "b/Population as of June 30.", TWO_NOTES[3]], OF_TWO, "t02")


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (
            2,
            2,
            "10,000",
            "'10,000' does not agree with the sum of Community supervision / Total and Incarcerated / Total",
        ),
        (2, 4, "600,000", "'70,000' does not agree with the sum of Community supervision / Probation and"),
        (2, 7, "900", "'30,000' does not agree with the sum of Incarcerated / Local jail and Incarcerated / Prison"),
        (2, 7, "9,010", "'9,010' is not a multiple of 100"),
        (4, 2, "71,000", "'71,000' does not agree with Community supervision and those incarcerated a day before"),
        (6, 2, "20", "'20' does not agree with the counts of those years: 1"),
        (6, 8, "-4.8", "'-4.8' does not agree with the counts of those years"),
    ],
)
def test_years_that_do_not_add_up_are_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        made(changed(TABLE, line, column, cell))


def test_a_year_of_the_title_that_is_missing_or_doubled_is_refused() -> None:
    with pytest.raises(Refused, match="the row '2010' is missing, one of 2"):
        made([*TABLE[:2], *TABLE[3:]])
    with pytest.raises(Refused, match="the row '2010' stands there twice"):
        made([*TABLE[:3], *TABLE[2:]])
    with pytest.raises(Refused, match="the row 'Percent change' is missing"):
        made(TABLE[:-1])
    with pytest.raises(Refused, match="the column 'Incarcerated / Prison' is missing"):
        made([row[:8] for row in TABLE])


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (2, 2, "1,000,000", "'1,000,000' does not agree with the sum of all statuses without those of two"),
        (3, 3, "5", "'5' does not agree with the count beside it and the total: "),
        (3, 7, "450", "'450' does not agree with percentages"),
    ],
)
def test_two_years_that_do_not_add_up_are_refused(line: int, column: int, cell: str, why: str) -> None:
    rows = [list(row) for row in TWO_YEARS]
    rows[line][column] = cell
    with pytest.raises(Refused, match=why):
        made(rows, TWO_NOTES, OF_TWO, "t02")
    with pytest.raises(Refused, match="the row 'Parole' is missing"):
        made([row for row in TWO_YEARS if row[0] != "Parole/b"], TWO_NOTES, OF_TWO, "t02")


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("at01", '"54,100"', '"541,000"', "does not agree with"),
        ("at01", '"1,030",790', '790,"1,030"', "does not agree with"),
        ("at03", '"207,000"', '"20,700"', "does not agree with the sum of"),
        ("at03", "1.8,%,-3.7", "1.8,%,-37", "'-37' does not agree with the counts of those years"),
        ("at03", '"748,700"', '"749,700"', "'1,517,800' does not agree with the sum of Federal prisoners and"),
        ("at03", '"1,517,800"', '"1,517,900"', "'1,517,900' does not agree with the sum of Federal prisoners and"),
        ("at04", '"3,550"', '"35,500"', "'35,500' does not agree with a total whose error is 0.1 to 2 % of it"),
        ("t04", '2000,"3,060"', '2000,"30,600"', "does not agree with"),
        ("t01", '"4,236,800"', '"423,680"', "'423,680' is not a multiple of 100"),
    ],
)
def test_a_mutilated_real_table_is_refused(raw: Path, name: str, old: str, new: str, why: str) -> None:
    refuses_change(raw, SOURCE, f"cpus16{name}", old, new, why)


def test_the_misprinted_header_is_known_in_its_own_edition_only(raw: Path) -> None:
    whole = real_bytes(raw, "cpus16at03").replace(b'"1,517,800"', b'"2,266,500"')
    assert read_as(SOURCE, "cpus16at03", whole).items > 0
    later = whole.replace(b"Date of version: 4/26/2018", b"Date of version: 4/27/2018")
    assert later != whole
    # 100 ln(195,600 / 140,100) / 15 is 2.22 a year to 2015, which the header says, and the figure is that to 2016.
    with pytest.raises(Refused, match="'1.8' does not agree with the counts of those years: 2.22"):
        read_as(SOURCE, "cpus16at03", later)


def real(raw: Path, key: str) -> pd.DataFrame:
    parsed = real_table(raw, SOURCE, f"cpus16{key}")
    assert parsed.vintage == "2018-04-26"
    return frame_of(parsed)


def test_real_populations_by_year(raw: Path) -> None:
    frame = real(raw, "t01")
    for line, column, measure, day, value in [
        (26, 5, "persons_under_supervision", date(2016, 12, 31), 4537100),
        (26, 12, "persons_held", date(2016, 12, 31), 2162400),
        (26, 3, "persons_under_correctional_supervision", date(2016, 12, 31), 6613500),
        (26, 14, "persons_held_local_jails", date(2016, 6, 30), 740700),
        (26, 16, "prisoners_under_jurisdiction", date(2016, 12, 31), 1505400),
        (25, 3, "persons_under_correctional_supervision", date(2016, 1, 1), 6676200),
        (13, 12, "persons_held", date(2000, 12, 31), 1945400),
    ]:
        row = at(frame, "cpus16t01", line, column)
        assert (row["measure"], row["period_end"], row["value"], row["place_id"]) == (measure, day, value, "USA")
    community = frame[frame["measure"] == "persons_under_supervision"].pivot(
        index="period_end", columns="supervision", values="value"
    )
    parts = community["PROBATION"] + community["PAROLE"]
    assert ((parts - community[""]) >= -100).all(), "parolees on probation are counted once in the total"
    assert ((parts - community[""]) <= 13000).all()


def test_real_populations_by_state(raw: Path) -> None:
    frame = real(raw, "at01")
    texas = at(frame, "cpus16at01", 59, 11)
    assert (texas["place_id"], texas["measure"], texas["value"], texas["definition"]) == (
        "USA-TX", "persons_held", 218500, "",
    )  # fmt: skip
    whole = at(frame, "cpus16at01", 13, 11)
    assert (whole["value"], whole["definition"]) == (2131000, "jails_on_31_december")
    rate = at(frame, "cpus16at01", 59, 13)
    assert (rate["measure"], rate["value"], rate["definition"]) == ("persons_held_rate", 780, "rounded_to_ten")
    unknown = at(frame, "cpus16at01", 26, 7)
    assert (unknown["place_id"], unknown["status"], unknown["value"] is None or pd.isna(unknown["value"])) == (
        "USA-GA", "M", True,
    )  # fmt: skip
    held = frame[(frame["measure"] == "persons_held") & ~frame["place_id"].isin(["USA", "USA-STATE", "USA-FED"])]
    assert len(held) == 51
    assert abs(held["value"].sum() - 1942600) <= 51 * 50, "each rounded to the nearest 100"


def test_the_real_total_of_2010_that_leaves_local_jails_out_is_dropped(raw: Path) -> None:
    parsed = real_table(raw, SOURCE, "cpus16at03")
    frame, dropped, record = complete(SOURCE, "at03", parsed)
    assert [entry.locator for entry in dropped] == ["cpus16at03.csv:13:5"]
    assert record["state"].tolist() == ["applied"]
    totals = frame[(frame["place_id"] == "USA") & (frame["measure"] == "persons_held")]
    assert totals["value"].tolist() == [1938500, 2166600, 2157800]  # 2000, 2015 and 2016


def test_real_custody_rates_and_jails(raw: Path) -> None:
    custody = at(real(raw, "at03"), "cpus16at03", 13, 7)
    assert (custody["measure"], custody["value"], custody["definition"]) == ("persons_held", 2157800, "custody")
    states = at(real(raw, "at03"), "cpus16at03", 19, 7)  # state prisons alone: 1,228,800 of the 1,942,600 of table at01
    assert (states["value"], states["definition"]) == (1228800, "custody_without_local_jails")
    rate = at(real(raw, "t04"), "cpus16t04", 24, 9)
    assert (rate["measure"], rate["value"], rate["definition"]) == ("persons_held_rate", 860, "per_adult")
    assert at(real(raw, "at04"), "cpus16at04", 18, 2)["period_end"] == date(2012, 6, 29)
    assert at(real(raw, "t02"), "cpus16t02", 14, 3)["value"] == 4293000
