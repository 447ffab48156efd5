"""Return of released prisoners in the United States: who, after how long, and the real report."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.bjs import bjs_file, changed, real_table, refuses_change
from tests.sources.fixtures import parse

SOURCE = "bjs_recidivism"
REPORT = "rpr24s0810yfup0818"
CUMULATIVE = (
    "Figure 2. Cumulative percent of state prisoners released in 2008 who had a new arrest, conviction, or return to "
    "prison after release, by year following release"
)
BY_SEX = "Figure 3. Annual arrest percentage of state prisoners released in 24 states in 2008, by sex"
NOTES = [
    "Note: See tables.",
    "a/Prisoners released across the 24 states in the study.",
    "b/Prisoners released across the 22 states that had data.",
    "c/Released across the 18 states that had data on persons returned to prison for a probation or parole violation or an arrest "
    "that led to a new sentence.",
]
TABLE = [
    ["Year of release", "Arrest/a", "", "Conviction/b", "", "Return to prison/c", ""],
    ["1st", "40", "%", "20", "%", "30", "%"],
    ["2nd", "50.5", "", "30.5", "", "35.5", ""],
]


def made(
    table: Any = TABLE, notes: Any = NOTES, title: str = CUMULATIVE, key: str = "f02", until: int = 2010
) -> Parsed:
    name = f"{REPORT}{key}.csv"
    source = f"Source: Bureau of Justice Statistics, Prisoners Released in 2008 data collection, 2008\u2013{until}."
    return parse(SOURCE, key, name, bjs_file(name, title, table, notes, version="9/8/2021", source=source))


def test_cumulative_return() -> None:
    parsed = made()
    rows = parsed.rows["recidivism"].to_dict("records")
    assert (parsed.vintage, parsed.items, len(rows)) == ("2021-09-08", 6, 6)
    assert [(r["outcome"], r["follow_up_months"], r["rate_percent"], r["note"].split(".")[0]) for r in rows] == [
        ("rearrest", 12, 40, "24 states"),
        ("reconviction", 12, 20, "22 states"),
        ("reimprisonment", 12, 30, "18 states"),
        ("rearrest", 24, 50.5, "24 states"),
        ("reconviction", 24, 30.5, "22 states"),
        ("reimprisonment", 24, 35.5, "18 states"),
    ]
    assert {r["definition"] for r in rows} == {"participating_states"}
    assert {r["follow_up_from_months"] for r in rows} == {0}
    assert (rows[0]["cohort_start"], rows[0]["cohort_end"]) == (date(2008, 1, 1), date(2008, 12, 31))
    assert [r["counts_technical_violations"] for r in rows[:3]] == [None, None, True]


ANNUAL = [
    ["", "Percent of released prisoners arrested", "", "", ""],
    ["Year after release", "Male", "", "Female", ""],
    ["1st", "40", "%", "35", "%"],
    ["2nd", "36.5", "", "30", ""],
    ["3rd", "33", "", "28", ""],
]


def test_annual_arrests_are_of_one_year_only() -> None:
    rows = made(ANNUAL, NOTES[:1], BY_SEX, "f03", 2011).rows["recidivism"].to_dict("records")[-2:]
    assert [(r["sex"], r["follow_up_from_months"], r["follow_up_months"], r["rate_percent"]) for r in rows] == [
        ("M", 24, 36, 33),
        ("F", 24, 36, 28),
    ]


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (2, 1, "4", "'36.5' does not agree with 1st, if fewer are arrested than in the year before"),
        (2, 3, "350", "'350' does not agree with percentages"),
        (3, 1, "3.65", "'3.65' is not a multiple of 0.1"),
    ],
)
def test_annual_arrests_with_a_moved_point_are_refused(line: int, column: int, cell: str, why: str) -> None:
    rows = [list(row) for row in ANNUAL]
    rows[line][column] = cell
    with pytest.raises(Refused, match=why):
        made(rows, NOTES[:1], BY_SEX, "f03", 2011)


def test_each_year_of_the_follow_up_stands_there_once() -> None:
    with pytest.raises(Refused, match="the row '3rd' is missing, one of 3"):
        made(until=2011)
    with pytest.raises(Refused, match="the row '1st' is missing, one of 2"):
        made([TABLE[0], TABLE[2]])
    with pytest.raises(Refused, match="the row '1st' stands there twice"):
        made([*TABLE[:2], *TABLE[1:]])
    with pytest.raises(Refused, match="the column 'Conviction' is missing, one of 3"):
        made([row[:3] + row[5:] for row in TABLE])
    with pytest.raises(Refused, match="does not say in which years"):
        parse(
            SOURCE, "f02", "rpr24s0810yfup0818f02.csv", bjs_file("rpr24s0810yfup0818f02.csv", CUMULATIVE, TABLE, NOTES)
        )


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (2, 1, "39.9", "'39.9' does not agree with 1st, since shares of those who returned only grow"),
        (1, 1, "400", "'400' does not agree with percentages"),
        (2, 3, "50.7", "'50.7' does not agree with those arrested, of whom they are a part"),
    ],
)
def test_cumulative_shares_that_cannot_be_are_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        made(changed(TABLE, line, column, cell))


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("t11", "All released prisoners,81.9", "All released prisoners,8.1", "'8.1' does not agree with the shares of"),
        ("t11", "Homicide,57.4,,28.1", "Homicide,5.7,,28.1", "'5.7' does not agree with the largest share of one kind"),
        ("t14", "129,,,57,", "129,,,5.7,", "'42.5' does not agree with Murder/nonnegligent manslaughter beside it"),
        ("t15", "All first releases,81.7,", "All first releases,8.1,", "'8.1' does not agree with the shares of"),
        ("t15", "47,,57.5,,45.9", "67,,57.5,,45.9", "'67' does not agree with 61-80 and 81 or more months"),
        ("f01", "Year 10,21.9,", "Year 10,2.1,", "'2.1' does not agree with Year 9, if fewer are arrested"),
        (
            "f01",
            "Year 3,32.9,\r\nYear 4,31,",
            "Year 3,31,\r\nYear 4,32.9,",
            "'32.9' does not agree with Year 3, if fewer",
        ),
        ("f03", ",Male,,Female,", ",Female,,Male,", "'34.4' does not agree with Female, which is never the larger: "),
        (
            "f02",
            "Conviction/b,,Return to prison/c",
            "Return to prison/c,,Conviction/b",
            "'30.7' does not agree with those returned to prison, if",
        ),
    ],
)
def test_a_mutilated_real_table_is_refused(raw: Path, name: str, old: str, new: str, why: str) -> None:
    refuses_change(raw, SOURCE, f"{REPORT}{name}", old, new, why)


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (0, 1, "Trial/a", "'Trial/a' is not one of"),
        (0, 1, "Arrest", "no footnote of Arrest says how many states"),
        (0, 5, "Return to prison/a", "no footnote of Return to prison says"),
        (1, 0, "First", "'First' is not a year after release"),
        (1, 1, "4O", "neither a figure nor explained"),
    ],
)
def test_what_it_does_not_know_is_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        made(changed(TABLE, line, column, cell))


MEDIAN = "First releases include prisoners released in 2006 for the first time since beginning their sentence."
OF_OTHERS = "of state prisoners released in 31 states in 2006"


def other_cohort(key: str, title: str, table: Any, notes: Any, last: str = "2006\u20132010") -> Parsed:
    """A table of another report, about prisoners released in 2006 and followed for four years."""
    name = f"rpr31s064yfup0610{key}.csv"
    source = (
        f"Source: Bureau of Justice Statistics, Recidivism of State Prisoners Released in 2006 data collection, {last}."
    )
    return parse(SOURCE, key, name, bjs_file(name, title, table, notes, version="5/6/2012", source=source))


FOUR_YEARS = [*TABLE, ["3rd", "55", "", "33", "", "36.5", ""], ["4th", "57.5", "", "34", "", "37", ""]]
OTHER_NOTES = [
    note.replace("24 states", "31 states").replace("22 states", "29 states").replace("18 states", "20 states")
    for note in NOTES
]
HALVES = "Table 13. Percent {} who were arrested within {} years, by most serious commitment offense and median time served in prison before first release"


def by_median(header: str = "4", title: str = "4") -> Parsed:
    over = f"Percent of released prisoners who were arrested within {header} years after serving\u2014"
    rows = [
        ["", "", over, ""],
        ["Offense", "", *(f"{half} than the median time served before first release" for half in ("Less", "More"))],
        ["", "All first releases", "71.5", "66"],
        *([offence, "", "71.5", "66"] for offence in ("Violent", "Property", "Drug", "Public order")),
        *(["", name, "71.5", "66"] for name in (
            "Murder/nonnegligent manslaughter", "Rape/sexual assault", "Robbery", "Assault", "Burglary",
            "Larceny/motor vehicle theft", "Fraud/forgery")),
    ]  # fmt: skip
    return other_cohort("t13", HALVES.format(OF_OTHERS, title), rows, [f"Note: {MEDIAN}"])


def test_another_cohort_says_itself_who_was_released_when_and_how_long_they_were_followed() -> None:
    title = CUMULATIVE.replace("2008", "2006").replace("Figure 2", "Figure 1")
    rows = other_cohort("f01", title, FOUR_YEARS, OTHER_NOTES).rows["recidivism"].to_dict("records")
    assert [(r["follow_up_months"], r["rate_percent"], r["note"].split(".")[0]) for r in rows[-3:]] == [
        (48, 57.5, "31 states"),
        (48, 34, "29 states"),
        (48, 37, "20 states"),
    ]
    assert {(r["cohort_start"], r["cohort_end"]) for r in rows} == {(date(2006, 1, 1), date(2006, 12, 31))}
    assert {r["definition"] for r in rows} == {"participating_states"}
    halves = by_median().rows["recidivism"].to_dict("records")
    assert {(r["follow_up_months"], r["note"], r["definition"], r["cohort_start"]) for r in halves} == {
        (48, "31 states.", "first_releases_in_participating_states", date(2006, 1, 1))
    }


def test_a_cohort_that_does_not_say_enough_or_contradicts_itself_is_refused() -> None:
    title = CUMULATIVE.replace("2008", "2006").replace("Figure 2", "Figure 1")
    with pytest.raises(Refused, match="the title says released in 2006 and the last line followed from 2005"):
        other_cohort("f01", title, FOUR_YEARS, OTHER_NOTES, "2005\u20132009")
    with pytest.raises(Refused, match="the last line followed from 2006 to 2006"):
        other_cohort("f01", title, FOUR_YEARS, OTHER_NOTES, "2006\u20132006")
    with pytest.raises(Refused, match="the row '5th' is missing, one of 5"):
        other_cohort("f01", title, FOUR_YEARS, OTHER_NOTES, "2006\u20132011")
    with pytest.raises(Refused, match="the title says within 5 years, and the last line that 4 were followed"):
        by_median("5", "5")
    with pytest.raises(Refused, match="'Percent of released prisoners who were arrested within 3 years"):
        by_median("3")
    years = [["Year", "Percent"], *([f"Year {year}", "30"] for year in (1, 2, 3, 4))]
    annual = "Figure 2. Annual arrest percentage of state prisoners released in {}2006"
    assert len(other_cohort("f02", annual.format("31 states in "), years, NOTES[:1]).rows["recidivism"]) == 4
    with pytest.raises(Refused, match="'Annual arrest percentage of state prisoners released in #' is not in"):
        other_cohort("f02", annual.format(""), years, NOTES[:1])


def test_tables_of_the_report_that_are_not_interpreted_say_why() -> None:
    rows = [["", "Year 1", "Year 2"], ["All released prisoners", "40", "50"]]
    for table, about in {
        "4": "Cumulative percent {} who were arrested following release, by sex, race or ethnicity, age at release, and "
        "year following release",
        "17": "Annual arrest percentage {}, by sex, race or ethnicity, age at release, and year following release",
    }.items():
        for number, errors in ((table, ""), ("3", f"Standard errors for table {table}: ")):
            title = f"Table {number}. {errors}{about.format(OF_OTHERS)}"
            parsed = other_cohort(f"t{number:>02}", title, rows, [])
            assert not parsed.rows and sum(left.items for left in parsed.left_out) == 2


def real(raw: Path, key: str) -> pd.DataFrame:
    frame = real_table(raw, SOURCE, REPORT + key).rows["recidivism"]
    frame["at"] = frame["locator"].str.removeprefix(f"{REPORT}{key}.csv:")
    return frame.set_index("at")


def test_real_return_within_ten_years(raw: Path) -> None:
    frame = real(raw, "f02")
    last = frame[frame["follow_up_months"] == 120].set_index("outcome")["rate_percent"]
    assert last.to_dict() == {"rearrest": 81.9, "reconviction": 68.8, "reimprisonment": 60.7}
    assert frame.loc["12:6", "rate_percent"] == 30.7
    for _, series in frame.groupby("outcome"):
        assert series["rate_percent"].is_monotonic_increasing, "cumulative"


def test_real_arrests_by_year_sex_and_offence(raw: Path) -> None:
    annual = real(raw, "f01").loc["21:2"]
    assert (annual["rate_percent"], annual["follow_up_from_months"], annual["follow_up_months"]) == (21.9, 108, 120)
    women = real(raw, "f03").loc["13:4"]
    assert (women["sex"], women["rate_percent"]) == ("F", 34.4)
    offences = real(raw, "t11")
    assert offences.loc["15:3", "subgroup"] == "Most serious commitment offense: Violent"
    assert offences.loc["15:3", "rate_percent"] == 76.7
    assert (offences.loc["14:3", "subgroup"], offences.loc["14:3", "rate_percent"]) == ("_T", 81.9)
    assert len(offences) == 12 * 12
    for_assault = offences.loc["19:13"]  # of those sentenced for assault, 45 % were arrested for assault
    assert (for_assault["return_offence"], for_assault["rate_percent"]) == ("Assault", 45)
    assert for_assault["subgroup"] == "Most serious commitment offense: Assault"
    kinds = real(raw, "t10").set_index("return_offence")
    assert len(kinds) == 20 and set(kinds["outcome"]) == {"rearrest"} and set(kinds["follow_up_months"]) == {120}
    assert kinds.loc[["_T", "Violent", "DUI/DWI", "Other public order"], "rate_percent"].tolist() == [
        81.9,
        39.6,
        14.2,
        63.4,
    ]


def test_real_arrests_by_time_served(raw: Path) -> None:
    frame = real(raw, "t15")
    robbery = frame.loc["17:15"]
    assert robbery["subgroup"] == "Most serious commitment offense: Robbery; Time served in prison: 61 or more months"
    assert (robbery["rate_percent"], robbery["definition"]) == (71.9, "first_releases_in_participating_states")
    assert robbery["note"].startswith("24 states.")
    too_few = frame.loc["19:17"]
    assert (too_few["status"], pd.isna(too_few["rate_percent"])) == ("M", True)
    assert too_few["note"].startswith("^ Too few sample cases")
    longer = real(raw, "t14").loc["13:8"]
    assert longer["rate_percent"] == 75.5
    assert longer["subgroup"] == "Time served in prison: More than the median time served before first release"
