"""Prisoners in the United States: each table by its title, revisions under one key, and the real editions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.bjs_prisoners.parse import PRISON_STATES
from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.bjs import at, bjs_file, changed, real_table, refuses_change
from tests.sources.fixtures import parse

SOURCE = "bjs_prisoners"
KEY = ["dataset", "place_id", "measure", "sex", "legal_status", "period_start", "period_end", "period_kind"]

TITLE = (
    "Table 2. Prisoners under the jurisdiction of state or federal correctional authorities, by sex and jurisdiction, "
)
SENTENCED = TITLE.replace("Prisoners", "Sentenced prisoners").replace("Table 2", "Table 4")
NOTES = [
    "Note: Counts are for December 31 of each year.",
    ":Not calculated.",
    "/Not reported.",
    "a/Prisons and jails form one system.",
]
#: Two years, then the change; the second layout has spacers between the blocks, as newer editions do.
NARROW = [
    [
        "",
        "",
        "2018",
        "",
        "",
        "2019",
        "",
        "",
        "Change, 2018\u20132019",
        "",
        "",
        "Percent change, 2018\u20132019",
        "",
        "",
    ],
    ["Jurisdiction", "", *["Total", "Male", "Female"] * 4],
    ["", "U.S. total", "1,100", "1,000", "100", "1,210", "1,100", "110", "110", "100", "10", "10", "10", "10"],
    ["Federal", "", "500", "450", "50", "600", "540", "60", "100", "90", "10", "20", "20", "20"],
    ["State", "", "600", "550", "50", "610", "560", "50", "10", "10", "0", "1.7", "1.8", "0"],
    ["", "Alabama/a", "400", "370", "30", "410", "380", "30", "10", "10", "0", "2.5", "2.7", "0"],
    ["", "Alaskaa", "200", "180", "20", "200", "180", "/", ":", ":", ":", "0", "0", ":"],
]
NARROW += [["", state, *["0"] * 9, *":::"] for (state,) in PRISON_STATES if state not in ("Alabama", "Alaska")]
WIDE = [[*row[:5], "", *row[5:8], "", *row[8:]] for row in NARROW]


def by_sex(
    table: Sequence[Sequence[str]] = NARROW,
    notes: Sequence[str] = NOTES,
    title: str = TITLE + "2018 and 2019",
    key: str = "t02",
    **layout: Any,
) -> Parsed:
    name = f"p19st{key}.csv"
    return parse(SOURCE, key, name, bjs_file(name, title, table, notes, **layout))


def observations(parsed: Parsed) -> pd.DataFrame:
    frame = parsed.rows["observation"]
    for column in ("sex", "age", "legal_status", "citizenship"):
        frame[column] = frame[column].fillna("_T") if column in frame else "_T"
    if "definition" not in frame:
        frame["definition"] = None
    return frame


@pytest.mark.parametrize("layout", [NARROW, WIDE])
def test_prisoners_by_jurisdiction_and_sex(layout: list[list[str]]) -> None:
    parsed = by_sex(layout)
    frame = observations(parsed)
    assert (parsed.items, len(frame), sum(left.items for left in parsed.left_out)) == (636, 318, 318)
    assert {left.reason[:20] for left in parsed.left_out} == {"change between years"}
    last = frame[frame["period_end"] == date(2019, 12, 31)].set_index(["place_id", "sex"])["value"]
    assert last["USA", "_T"] == 1210
    assert last["USA-FED", "F"] == 60
    assert last["USA-STATE", "M"] == 560
    assert last["USA-AL", "_T"] == 410
    assert last["USA-AK", "M"] == 180
    assert set(frame["measure"]) == {"prisoners_under_jurisdiction"}
    assert set(frame["dataset"]) == {"jurisdiction_by_state_and_sex"}
    assert (frame["period_start"] == frame["period_end"]).all()
    assert set(frame["period_kind"]) == {"point"}


def test_a_symbol_is_a_missing_figure_that_says_why() -> None:
    frame = observations(by_sex())
    missing = frame[frame["value"].isna()]
    assert missing["locator"].tolist() == ["p19stt02.csv:15:8"]
    assert missing["status"].tolist() == ["M"]
    assert missing["note"].tolist() == ["/ Not reported. Prisons and jails form one system."]


def test_two_editions_give_one_figure_under_one_key() -> None:
    first, second = observations(by_sex()), observations(by_sex(WIDE, version="12/1/2024", encoding="utf-8-sig"))
    assert first[KEY].values.tolist() == second[KEY].values.tolist()


def test_sentenced_is_a_sentence_of_more_than_a_year_only_where_the_note_says_so() -> None:
    said = [
        "Note: Counts are for December 31 of each year, of prisoners with a sentence of more than 1 year.",
        *NOTES[1:],
    ]
    frame = observations(by_sex(notes=said, title=SENTENCED + "2018 and 2019", key="t04"))
    assert set(frame["legal_status"]) == {"SENTENCED_GT1Y"}
    with pytest.raises(Refused, match="sentence of more than 1 year"):
        by_sex(title=SENTENCED + "2018 and 2019", key="t04")


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (5, 1, "Guam", "'Guam' is not a jurisdiction"),
        (5, 1, "Alabama/b", "'Alabama/b' is not a jurisdiction"),
        (2, 1, "Maine", "the levels have changed"),
        (4, 0, "Federal/a", "the levels have changed"),
        (4, 0, "Sum of states", "not a jurisdiction"),
        (1, 3, "Men", "'Men' is not one of Total, Male, Female"),
        (1, 3, "", "stands in a column without a header"),
        (0, 2, "2018r", "is not a year"),
        (0, 8, "Average", "is not a year"),
        (2, 2, "1,1OO", "neither a figure nor explained"),
        (2, 2, "1 in 10", "is not a number"),
    ],
)
def test_what_it_does_not_know_is_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        by_sex(changed(NARROW, line, column, cell))


def test_a_year_that_does_not_stand_over_its_block_is_refused() -> None:
    rows = [list(row) for row in NARROW]
    rows[0][2:4] = ["", "2018"]
    with pytest.raises(Refused, match="'' is not a year"):
        by_sex(rows)


def test_a_percentage_is_never_a_count() -> None:
    rows = [[*row[:3], "%" if at == 2 else "", *row[3:]] for at, row in enumerate(NARROW)]
    with pytest.raises(Refused, match="followed by %"):
        by_sex(rows)


def test_another_day_is_refused() -> None:
    with pytest.raises(Refused, match="December 31"):
        by_sex(notes=["Note: Counts are for June 30 of each year.", *NOTES[1:]])


def test_a_table_about_something_else_is_refused() -> None:
    with pytest.raises(Refused, match="is not in bjs_prisoners/subjects.csv"):
        by_sex(title="Table 2. Prisoners and their pets, 2018 and 2019")


def test_every_state_and_total_stands_there_once() -> None:
    for line in range(2, len(NARROW)):
        if line == 4:
            continue
        with pytest.raises(Refused, match="is missing, one of 53"):
            by_sex(NARROW[:line] + NARROW[line + 1 :])
        with pytest.raises(Refused, match="stands there twice"):
            by_sex([*NARROW[: line + 1], *NARROW[line:]])


def test_labels_that_are_exchanged_are_out_of_their_order() -> None:
    with pytest.raises(Refused, match="Vermont stands above Utah, out of the order of the alphabet"):
        by_sex([[{"Utah": "Vermont", "Vermont": "Utah"}.get(cell, cell) for cell in row] for row in NARROW])


def test_every_column_stands_there() -> None:
    for column in range(2, 14):
        with pytest.raises(Refused, match=r"is missing|no figure|is not a year|stands there twice"):
            by_sex([row[:column] + row[column + 1 :] for row in NARROW])


def test_changes_in_numbers_may_be_absent_but_not_in_part() -> None:
    without = [row[:8] + row[11:] for row in NARROW]
    assert len(observations(by_sex(without))) == 318
    without[3][8] = "2"
    with pytest.raises(Refused, match="'2' does not agree with 2018 / Total and 2019 / Total: 20"):
        by_sex(without)
    part = [row[:9] + row[10:] for row in NARROW]
    with pytest.raises(Refused, match="the column 'Change, 2018-2019 / Male' is missing, one of 3"):
        by_sex(part)
    with pytest.raises(Refused, match="the column 'Percent change, 2018-2019 / Total' is missing, one of 3"):
        by_sex([row[:11] for row in NARROW])


def test_figures_under_the_wrong_header_are_refused() -> None:
    for column in range(2, 13):
        swapped = [[*row[:column], row[column + 1], row[column], *row[column + 2 :]] for row in NARROW[2:]]
        with pytest.raises(Refused, match=r"does not agree|not a multiple|below zero"):
            by_sex([*NARROW[:2], *swapped])


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (2, 3, "10,000", "'1,100' does not agree with the sum of 2018 / Male and 2018 / Female: 10,100"),
        (3, 4, "5", "'500' does not agree with the sum of 2018 / Male and 2018 / Female: 455"),
        (3, 4, "50.5", "'50.5' is not a multiple of 1"),
        (3, 4, "-50", "'-50' is below zero"),
        (3, 8, "1,000", "'1,000' does not agree with 2018 / Total and 2019 / Total: 100"),
        (3, 11, "2", "'2' does not agree with 2018 / Total and 2019 / Total: 20"),
        (3, 11, "20.05", "'20.05' is not a multiple of 0.1"),
        (7, 2, "1", "'0' does not agree|'1' does not agree"),
        (7, 2, "1 in 10", "is not a number"),
    ],
)
def test_figures_that_do_not_add_up_are_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        by_sex(changed(NARROW, line, column, cell))


def test_states_that_do_not_make_the_states_are_refused() -> None:
    rows = [list(row) for row in NARROW]
    rows[7][2:4] = ["7", "7"]
    with pytest.raises(Refused, match="'600' does not agree with the sum of Alabama to Wyoming: 607"):
        by_sex(rows)


# The publisher's files


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("p22stt02", ",Alabama,", ",Alabama\r\n,Bama,", "labels|wide|cells|figure"),
        ("p22stt07", ",Alabama,383,738,47,", ",Alabama,383,738,470,", "'383' does not agree with Male and Female"),
        ("p22stt07", ",Alabama,383,738,47,", ",Alabama,383,47,738,", "'383' does not agree with Male and Female"),
        ("p22stt07", "738,47,491,", "738,47,4910,", "'4910' does not agree with the rate of all ages"),
        (
            "p22stt08",
            '"6,218"',
            '"62,180"',
            "'261,597' does not agree with the sum of Alabama to Wyoming: at least 317,559",
        ),
        ("p22stt09", "188,252", "1880,252", "does not agree with the sum of"),
        ("p22stt21", '"135,841"', '"13,584"', "'106.9' does not agree with the custody population and the lowest"),
        ("p22stt21", '"20,676"', '"206,760"', "'170.7' does not agree with the custody population and the lowest"),
        ("p22stt01", '"217,815"', '"21,781"', "'1,570,397' does not agree with the sum of Federal and State"),
        ("p22stt05", "2012,,480,,62", "2012,,480,,620", "'480' does not agree with the sum of Federal and State"),
        ("p22stt10", "6.3,,6.3", "6.3,,63", "does not agree with"),
        ("p22stt13", "50,92,30", "50,9,30", "'50' does not agree with All male and All female"),
        ("p22stt15", "Arizona,17,19", "Arizona,170,19", "'271' does not agree with the sum of Alabama to Wyoming"),
        ("p22stt22", '"1,018",960,58', '"1,018",96,58', "'1,018' does not agree with the sum of"),
        ("p22stt22", "294,274,20,1.9", "294,274,20,19", "'19' does not agree with the counts of citizens and others"),
        (
            "p22stt21",
            "Rated,Operational,Design",
            "Operational,Rated,Design",
            "'/' stands where the federal system gives",
        ),
        (
            "p22stt21",
            "Rated,Operational,Design",
            "Design,Operational,Rated",
            "'/' stands where the federal system gives",
        ),
        (
            "p22stt21",
            "Rated,Operational,Design",
            "Rated,Design,Operational",
            "'/' stands where a footnote speaks of oper",
        ),
        (
            "p22stt09",
            ",188,252",
            ",88,252",
            "'4,642' does not agree with the sum of the states that report it, .*: 4,542",
        ),
        (
            "p22stt09",
            "2021 unconditional/a,2022 unconditional/a,2021 conditional/b,2022 conditional/b,2021 deaths/c,2022 deaths/c",
            "2021 deaths/c,2022 deaths/c,2021 conditional/b,2022 conditional/b,2021 unconditional/a,2022 unconditional/a",
            "'4,642' does not agree with 2021 deaths, which are never the more: at least 76,597",
        ),
        ("p22stt25", '"7,067"', '"70,670"', "'8,633' does not agree with the sum of American Samoa to"),
    ],
)
def test_a_mutilated_real_table_is_refused(raw: Path, name: str, old: str, new: str, why: str) -> None:
    refuses_change(raw, SOURCE, name, old, new, why)


def test_the_misprinted_admissions_of_2020_are_known_and_no_others(raw: Path) -> None:
    why = "'346,461' does not agree with the sum of Federal and State: 347,262"
    refuses_change(raw, SOURCE, "p20stt08", '"319,946"', '"319,947"', why)


EDITIONS = {"p20st": (2019, 2020), "p21st": (2020, 2021), "p22st": (2021, 2022)}


def real(raw: Path, edition: str, key: str) -> pd.DataFrame:
    return observations(real_table(raw, SOURCE, edition + key))


def test_real_prisoners_by_state(raw: Path) -> None:
    found = {edition: real(raw, edition, "t02") for edition in EDITIONS}
    hand = [
        ("p22st", 13, 3, "USA", 2021, 1205087),
        ("p22st", 13, 7, "USA", 2022, 1230143),
        ("p21st", 13, 6, "USA", 2021, 1204322),
        ("p20st", 20, 6, "USA-CA", 2020, 97328),
        ("p21st", 20, 3, "USA-CA", 2020, 100396),
        ("p22st", 25, 7, "USA-GA", 2022, 48439),
        ("p22st", 62, 7, "USA-WA", 2022, 13772),
        ("p20st", 14, 3, "USA-FED", 2019, 175116),
    ]
    for edition, line, column, place, year, value in hand:
        row = at(found[edition], f"{edition}t02", line, column)
        assert (row["place_id"], row["value"], row["sex"]) == (place, value, "_T")
        assert row["period_end"] == date(year, 12, 31)
    assert real_table(raw, SOURCE, "p20stt02").vintage == "2021-12-14"
    assert real_table(raw, SOURCE, "p21stt02").vintage == "2022-12-20"
    assert real_table(raw, SOURCE, "p22stt02").vintage == "2023-11-30"


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("key", ["t02", "t04"])
def test_real_parts_add_up(raw: Path, edition: str, key: str) -> None:
    frame = real(raw, edition, key)
    for year in EDITIONS[edition]:
        cells = frame[frame["period_end"] == date(year, 12, 31)].set_index(["place_id", "sex"])["value"]
        states = {place for place, _ in cells.index} - {"USA", "USA-FED", "USA-STATE"}
        assert len(states) == 50
        for sex in ("_T", "M", "F"):
            assert sum(cells[state, sex] for state in states) == cells["USA-STATE", sex]
            assert cells["USA-STATE", sex] + cells["USA-FED", sex] == cells["USA", sex]
        for place in (*states, "USA", "USA-FED", "USA-STATE"):
            assert cells[place, "M"] + cells[place, "F"] == cells[place, "_T"]


def test_real_rates_flows_and_capacity(raw: Path) -> None:
    rate = at(real(raw, "p22st", "t07"), "p22stt07", 29, 7)
    assert (rate["place_id"], rate["value"], rate["age"], rate["legal_status"]) == (
        "USA-IL",
        236,
        "_T",
        "SENTENCED_GT1Y",
    )
    assert at(real(raw, "p22st", "t07"), "p22stt07", 29, 10)["age"] == "Y_GE18"
    entry = at(real(raw, "p22st", "t08"), "p22stt08", 12, 4)
    assert (entry["measure"], entry["value"], entry["period_start"]) == ("admissions", 469217, date(2022, 1, 1))
    deaths = at(real(raw, "p22st", "t09"), "p22stt09", 12, 13)
    assert (deaths["measure"], deaths["value"]) == ("deaths_in_custody", 4898)
    assert deaths["definition"] == "sentenced_under_jurisdiction"
    capacity = real(raw, "p22st", "t21")
    assert at(capacity, "p22stt21", 15, 3)["status"] == "M"
    assert at(capacity, "p22stt21", 15, 4)["value"] == 22255
    assert at(capacity, "p22stt21", 15, 4)["definition"] == "operational_capacity"
    older = at(real(raw, "p20st", "t19"), "p20stt19", 13, 6)
    assert (older["dataset"], older["place_id"], older["value"]) == ("capacity_by_state", "USA-FED", 123529)


def test_real_citizens_minors_ages_and_territories(raw: Path) -> None:
    citizens = real(raw, "p22st", "t22")
    texas = at(citizens, "p22stt22", 57, 6)
    assert (texas["place_id"], texas["citizenship"], texas["value"]) == ("USA-TX", "FOREIGN", 7145)
    hidden = at(citizens, "p22stt22", 33, 7)
    assert hidden["status"] == "M"
    assert hidden["note"].startswith("^^ Suppressed to protect confidentiality.")
    minors = at(real(raw, "p22st", "t15"), "p22stt15", 23, 4)
    assert (minors["place_id"], minors["age"], minors["value"]) == ("USA-FL", "Y_LT18", 59)
    young = at(real(raw, "p22st", "t10"), "p22stt10", 15, 5)
    assert (young["measure"], young["sex"], young["age"], young["value"]) == (
        "prisoners_under_jurisdiction_share", "M", "Y20T24", 6.3,
    )  # fmt: skip
    rico = at(real(raw, "p22st", "t25"), "p22stt25", 17, 5)
    assert (rico["place_id"], rico["measure"], rico["value"]) == ("PRI", "persons_held", 5798)
