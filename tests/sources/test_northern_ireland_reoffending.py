"""Northern Ireland's workbook on reoffending: layout, refusals, and the real workbook against a reading by hand."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.model import dictionary
from sources import rows
from sources.catalogue import source
from sources.errors import Refused
from sources.northern_ireland_reoffending.parse import TITLES
from sources.reading import Parsed, read_workbook
from tests.sources.fixtures import figures_lost, is_refused, never_breaks, parse, plain, raw_file, workbook

SOURCE, FILE = "northern_ireland_reoffending", "adult_and_youth_reoffending"
NAME = "adult-and-youth-reoffending.ods"

Sheets = dict[str, list[list[Any]]]

SAID = "Source: Adult and Youth Reoffending in Northern Ireland (2021/22 Cohort)"
#: Of everybody 120 came back of 1,200; the same stand for men and women. A twelfth of all comes to 10 of 100.
PEOPLE = {"Overall": (120, 1200), "Adult": (96, 900), "Youth": (24, 300)}
YEARS = [f"20{year}/{year + 1}" for year in range(10, 21)]
MONTHS = ["1 month", *(f"{n} months" for n in range(2, 13))]
KINDS = [
    "VAP", "Sexual", "Robbery", "Theft", "Burglary", "Criminal Damage & Arson", "Drugs", "Possession of Weapons",
    "Public Order", "Motoring", "Fraud", "Misc",
]  # fmt: skip


def three(returned: int, size: int) -> list[Any]:
    """Reoffenders, cohort and rate as the publisher writes them."""
    return [returned, size, "x" if size < 50 else returned / size]


def header(*groups: tuple[str, str]) -> list[str]:
    cells = []
    for persons, rate in groups:
        who = "Total number" if persons == "total" else f"Number of {persons}"
        cells += [f"{who} who reoffended", f"{who} in cohort", f"{rate} one-year proven reoffending rate (%)"]
    return cells


BY_AGE = header(("total", "Overall"), ("adults", "Adult"), ("youths", "Youth"))
BY_SEX = header(("total", "Overall"), ("males", "Male"), ("females", "Female"))
TOTALS = [cell for pair in PEOPLE.values() for cell in three(*pair)]


def labels(table: str) -> list[dict[str, str]]:
    path = source(SOURCE).folder / "labels.csv"
    return [line for line in csv.DictReader(path.open(encoding="utf-8")) if line["table"] == table]


def by_year() -> list[list[Any]]:
    names = {"Overall": "Total number", "Adult": "Number of adults", "Youth": "Number of youths"}
    before = {"Overall": (1300, 199, 0.1531), "Adult": (1000, 159, 0.159), "Youth": (300, 40, 0.1333)}
    heads: list[list[Any]] = [[] for _ in range(3 + len(YEARS))]
    for letter, (words, who) in zip("abc", names.items(), strict=True):
        returned, size = PEOPLE[words]
        block: list[list[Any]] = [
            [f"Table 1{letter}: {words} reoffending rates", "", "", "", ""],
            ["Year ", f"{who} in cohort", f"{who} who reoffended within one year",
             f"{words} one-year proven reoffending rate (%)", ""],
            *([year, *before[words], ""] for year in YEARS),
            ["2021/22", size, returned, round(returned / size, 3), ""],
        ]  # fmt: skip
        heads = [[*line, *cells] for line, cells in zip(heads, block, strict=True)]
    return [[f"Worksheet 1: {TITLES['1']}"], [], [], [SAID], *(line[:-1] for line in heads)]


def matrix(sheet: str, label: str, titles: list[str], columns: list[str], below: list[str]) -> list[list[Any]]:
    """Three tables beside each other: numbers, the total that another table has too, then percentages."""
    lines = [line["first"] for line in labels(sheet)]
    table: list[list[Any]] = [[] for _ in range(2 + len(lines) + len(below) * (len(lines) + 1))]
    for title, words in zip(titles, PEOPLE, strict=True):
        block: list[list[Any]] = [[title, *[""] * 13], [label, *columns, "Total"]]
        for number, name in enumerate(lines):
            # The adults stand in the first column, the youths in the third.
            youths, all_of_them = (2, number + 5) if sheet == "7" else (2, 10)
            if name == "Total":
                youths, all_of_them = PEOPLE["Youth"][0], PEOPLE["Overall"][0]
            first = 0 if words == "Youth" else all_of_them - youths
            third = 0 if words == "Adult" else youths
            block.append([name, first, 0, third, *[0] * 9, first + third])
        for name in below:
            block += [[name, *["%"] * 13], *([line, *["x"] * 13] for line in lines)]
        table = [line + cells + [""] for line, cells in zip(table, block, strict=True)]
    return [[f"Worksheet {sheet}: {TITLES[sheet]}"], [], [], [], [SAID], *(line[:-1] for line in table)]


def simple(sheet: str, names: list[str], head: list[str], total: list[Any]) -> list[list[Any]]:
    """Lines that add up to the total, the last before it a little larger; two tables do not add up."""
    lines: list[list[Any]] = []
    parts = len(labels(sheet)) - 1
    for number, line in enumerate(labels(sheet)):
        cells = [line["first"], line["second"]][: len(names)]
        groups = [(number + 5, 60), (number + 3, 50), (2, 10)][: len(head) // 3]
        if sheet not in ("8", "9"):
            of_both = [PEOPLE["Adult"], PEOPLE["Youth"]]
            groups = [(returned // parts, size // parts) for returned, size in of_both]
            if number == parts - 1:
                others = zip(of_both, groups, strict=True)
                groups = [(r - number * part, s - number * of) for (r, s), (part, of) in others]
            groups = [(groups[0][0] + groups[1][0], groups[0][1] + groups[1][1]), *groups]
        lines.append([*cells, *(total if line["total"] else [c for g in groups for c in three(*g)])])
    return [[f"Worksheet {sheet}: {TITLES[sheet]}"], [], [], [], [SAID], [*names, *head], *lines]


def disposals() -> list[list[Any]]:
    """The totals of the groups are those of the table by month."""
    table = simple("8", ["Disposal group\xa0", "Disposal"], BY_AGE, TOTALS)
    groups = [row for row in table if row[1:2] == ["Total"]]
    for number, row in enumerate(groups):
        row[2:] = [*three(number + 5, 60), *three(number + 3, 50), *three(2, 10)]
    return table


def sheets() -> Sheets:
    """A workbook of two years, in the publisher's layout."""
    custody = ["Total number who reoffended", "Total number in cohort", "One-year proven reoffending rate (%)"]
    order = "Criminal Justice (NI)  Order 2008 list"
    reoffences = [
        "Number of proven reoffences ", "Total number who reoffended", "Percent of total who reoffended (%)",
        "Number of adults who reoffended", "Percent of adults who reoffended (%) ",
        "Number of youths who reoffended", "Percent of youths who reoffended (%)",
    ]  # fmt: skip
    found: Sheets = {
        "Cover_Sheet": [["Title"], ["The data tables were originally published at 9.30am on 17 October 2024"]],
        "Table_of_Contents": [["Table of contents"]],
        "Notes": [
            ["note 1", "Percentage cannot be shown where denominator is less than 50."],
            ["note 5", "Individual disposals will not sum to overall total.  For each of these groupings, only the "
             "first instance a person is included in this category is counted."],
            ["note 6", "Individual disposals will not sum to overall total. Figures for less than 12 months are also "
             "inclusive of those up to three months."],
        ],
        "1": by_year(),
        "2": simple("2", ["Age"], BY_SEX, TOTALS),
        "3": simple("3", ["Number of previous offences"], BY_AGE, TOTALS),
        "4": simple("4", ["Age"], BY_AGE, TOTALS),
        "5": simple("5", ["Time in Years"], BY_AGE, TOTALS),
        "6": [[f"Worksheet 6: {TITLES['6']}"], [], [], [SAID], reoffences, ["One", 120, 1, 96, 1, 24, 1]],
        "7": matrix("7", "Disposal group", [f"Table 7{letter}: {words} reoffending interval by disposal group"
                    for letter, words in zip("abc", PEOPLE, strict=True)], MONTHS,
                    ["Percent (%)", "Cumulative percent (%)"]),
        "8": disposals(),
        "9": simple("9", ["Custodial sentence length band", "Custodial sentence length"], custody, three(5, 60)),
        "10": simple("10", ["Baseline offence category"], BY_AGE, TOTALS),
        "11": matrix("11", "Baseline offence category", [
            f"Table 11{letter}: {words} baseline offence category by first reoffence category"
            for letter, words in zip("abc", PEOPLE, strict=True)], KINDS, ["Percent (%)"]),
        "12": [
            [f"Worksheet 12: {TITLES['12']}"], [], [], [], [SAID],
            ["Table 12a: Reoffending rate by specified and serious offences", *[""] * 10,
             "Table 12b: Proportion of offenders with a baseline specified and serious offence, whose first reoffence "
             "was also specified or serious"],
            [order, *BY_AGE, "", order, *BY_AGE],
            *([name, *three(6, 60), *three(5, 50), *three(1, 10), "", name, *three(1, 6), *three(1, 5), *three(0, 1)]
              for name in ("Specified offences", "Serious offences")),
        ],
    }  # fmt: skip
    return found


def read(found: Sheets) -> Parsed:
    return parse(SOURCE, FILE, NAME, workbook(found))


def one(parsed: Parsed, **wanted: Any) -> dict[Any, Any]:
    """The only row of the latest cohort, followed for the whole year, that has the cells wanted."""
    if "subgroup" not in wanted:
        wanted = {"population": "all_convicted"} | wanted
    wanted = {"sex": "_T", "age": "_T", "subgroup": "_T", "follow_up_months": 12, "follow_up_from_months": 0} | wanted
    wanted = {"cohort_start": date(2021, 4, 1), **wanted}
    frame = parsed.rows["recidivism"]
    for name, cell in wanted.items():
        frame = frame[frame[name] == cell]
    assert len(frame) == 1, frame
    return plain(frame)[0]


def figures(row: dict[Any, Any]) -> tuple[Any, ...]:
    return row["returned"], row["cohort_size"], row["rate_percent"], row["locator"]


def test_a_year_and_the_stamp() -> None:
    parsed = read(sheets())
    assert parsed.vintage == "2024-10-17"
    row = one(parsed, cohort_start=date(2020, 4, 1), age="ADULT")
    assert figures(row) == (159, 1000, 15.9, "1!G17:I17")
    assert (row["cohort_end"], row["place_id"], row["basis"]) == (date(2021, 3, 31), "GBR-NIR", "release_cohort")
    assert (row["outcome"], row["population"]) == ("reconviction", "all_convicted")
    assert (row["counts_technical_violations"], row["definition"]) == (False, "ni_proven_reoffending")
    assert figures(one(parsed)) == (120, 1200, 10, "1!B18:D18")


def test_by_age_and_sex() -> None:
    parsed = read(sheets())
    assert figures(one(parsed, age="Y_GE60", sex="M")) == (8, 75, 10.666666666667, "2!E18:G18")
    assert figures(one(parsed, sex="F")) == (24, 300, 8, "2!H19:J19")
    row = one(parsed, age="Y14", sex="F")
    assert figures(row) == (2, 25, None, "2!H8:J8")
    assert row["note"] == "Rate: x, percentage cannot be shown where denominator is less than 50."


def test_disposals_and_what_they_are() -> None:
    parsed = read(sheets())
    custody = one(parsed, subgroup="_T", population="released_prisoners")
    assert (custody["population"], *figures(custody)) == ("released_prisoners", 5, 60, 8.333333333333, "8!C15:E15")
    other = one(parsed, subgroup="disposal group: Community other; disposal: Monetary Penalty", age="ADULT")
    assert (other["population"], other["locator"]) == ("community_sentences", "8!F25:H25")
    assert one(parsed, subgroup="disposal group: Diversionary disposal")["population"] == "all_convicted"
    assert "only the first instance" in custody["note"]
    short = one(parsed, subgroup="custodial sentence length: Up to 3 months")
    assert (short["population"], short["locator"]) == ("released_prisoners", "9!C7:E7")


def test_the_month_of_the_first_reoffence() -> None:
    parsed = read(sheets())
    months = {"subgroup": "_T", "population": "released_prisoners", "follow_up_from_months": 2, "follow_up_months": 3}
    row = one(parsed, **months)
    assert figures(row) == (2, None, None, "7!D8")
    assert one(parsed, **months, age="JUVENILE")["locator"] == "7!AH8"


def test_the_category_of_the_first_reoffence() -> None:
    words = "baseline offence category: Drugs; first reoffence category: Violence Against the Person"
    row = one(read(sheets()), subgroup=words, age="ADULT")
    assert figures(row) == (8, None, None, "11!Q14")
    assert (row["offence"], row["definition"]) == ("ICCS06", "ni_first_reoffence_of_a_kind")


def test_what_is_left_out() -> None:
    parsed = read(sheets())
    reasons = {entry.locator: (entry.reason, entry.items) for entry in parsed.left_out}
    assert reasons["3!E19:G19"] == ("repeats 1!G18:I18", 1)
    assert reasons["9!C13:E13"] == ("repeats 8!C15:E15", 1)
    assert reasons["7!AC9"] == ("repeats 8!F23:H23", 1)
    assert reasons["7!B14:N24"][1] == 13 * 10
    assert reasons["12!M8:U9"][1] == 18
    assert reasons["6!B6:G6"][1] == 6


def test_no_figure_stands_twice() -> None:
    frame = rows.described("recidivism", read(sheets()).rows["recidivism"], FILE, NAME)
    identity = dictionary().tables["recidivism"].identity
    assert identity is not None
    assert len(set(rows.identities(frame, identity.of, SOURCE, "2024-10-17"))) == len(frame)
    assert set(frame["definition"]) == set(source(SOURCE).definitions)


@pytest.mark.parametrize(
    ("sheet", "row", "column", "cell", "words"),
    [
        ("1", 17, 0, "2019/20", "row 17 of sheet '1', column A: '2019/20' does not follow"),
        ("1", 17, 0, "2020/22", "'2020/22' is not a year such as 2021/22"),
        ("1", 7, 5, "2011/12", "row 7 of sheet '1', column F: '2011/12' stands where the first year, 2010/11,"),
        ("1", 18, 1, "12OO", "row 18 of sheet '1', column B: '12OO' is not a whole number"),
        ("1", 18, 1, "1200", "'1200' is not a whole number"),
        ("1", 18, 1, 1200.5, "1200.5 is not a whole number"),
        ("1", 18, 3, 10, "column D: 10"),
        ("1", 18, 3, 0.25, "0.25 is not the share of 120 in 1200"),
        ("1", 7, 1, 1302, "row 1!B7: 1,302 stands where columns G, L add up to 1,300"),
        ("2", 8, 4, 9, "row 8 of sheet '2', column G"),
        ("4", 18, 7, 3, "row 4!B18: 10 stands where columns E, H add up to 11"),
        ("8", 13, 8, 3, "add up to"),
        ("7", 8, 2, 1, "row 7!C8: 1 stands where columns R, AG add up to 0"),
        ("7", 14, 1, 0.7, "row 7!B14: 0.7 stands where 3 of 5 give 0.6"),
        ("7", 20, 3, 0.9, "row 7!D20: 0.9 stands where 5 of 5 give 1.0"),
        ("11", 9, 16, 9, "row 11!Q20: 96 stands where the lines above it add up to 97"),
        ("12", 8, 13, 7, "row 8 of sheet '12', column N: 7.0 stands where 6.0 is expected"),
        ("12", 8, 12, 7, "row 8 of sheet '12', column M: 7.0 is not a whole number from 0 to 6"),
        ("1", 6, 1, "Total number who reoffended within one year", "row 6 of sheet '1', column B"),
        ("1", 4, 0, SAID.replace("2021/22", "2022/23"), "different cohorts, 2021/22 and 2022/23"),
        ("2", 7, 0, "9 to 13 years old", "row 7 of sheet '2', column A: '9 to 13 years old'"),
        ("2", 6, 4, "Number of females who reoffended", "row 6 of sheet '2', column E"),
        ("2", 8, 3, "*", "row 8 of sheet '2', column D: '*' is not a number"),
        ("2", 8, 3, "x", "'x' stands where 100 persons are in the cohort"),
        ("2", 8, 3, "", "'' is not a number"),
        ("2", 8, 1, 101, "101.0 is not a whole number from 0 to 100"),
        ("2", 8, 1, -1, "-1.0 is not a whole number from 0 to 100"),
        ("3", 1, 0, "Worksheet 3: Something else", "row 1 of sheet '3', column A"),
        ("7", 8, 13, 6, "row 7!N8: 6 stands where columns AC, AR add up to 5"),
        ("7", 13, 0, "Share", "row 13 of sheet '7', column A"),
        ("7", 7, 1, "2 months", "row 7 of sheet '7', column B"),
        ("11", 9, 0, "Sexuall", "row 9 of sheet '11', column A"),
        ("12", 8, 0, "Other offences", "'Other offences'"),
        ("Notes", 1, 1, "Percentage cannot be shown where denominator is less than 10.", "note 1 of sheet 'Notes'"),
        ("Cover_Sheet", 2, 0, "Published some day", "does not say when"),
        ("Cover_Sheet", 2, 0, "It was originally published at 9.30am on 31 June 2024", "'31 June 2024' is not a date"),
    ],
)
def test_what_is_not_known_is_refused(sheet: str, row: int, column: int, cell: Any, words: str) -> None:
    found = sheets()
    found[sheet][row - 1][column] = cell
    is_refused(lambda: read(found), words, NAME)


def test_a_total_that_another_table_contradicts_is_refused() -> None:
    found = sheets()
    found["3"][18][1:4] = three(119, 1200)
    with pytest.raises(Refused, match=r"row 19 of sheet '3', column B: 119 is 120 in 1!B18:D18"):
        read(found)


def test_months_that_do_not_add_up_to_their_total_or_another_table_are_refused() -> None:
    found = sheets()
    for column in (2, 17):
        found["7"][7][column] = 1
    with pytest.raises(Refused, match=r"row 7!N8: 5 stands where columns B, C, .*, M add up to 6"):
        read(found)
    found = sheets()
    found["8"][22][2:8] = [*three(7, 60), *three(5, 50)]
    with pytest.raises(Refused, match=r"row 9 of sheet '7', column N: 6 is 7 in 8!C23:E23"):
        read(found)


def test_a_lost_figure_is_refused_though_a_row_of_figures_is_one_item() -> None:
    found = sheets()
    tried = 0
    for where in figures_lost(found, ["1", "2", "3", "4", "5", "7", "8", "9", "10", "11"], 29):
        tried += 1
        with pytest.raises(Refused):
            pytest.fail(f"{where}: {read(found).items} items are read")
    assert tried > 20


def drop_sheet(found: Sheets) -> None:
    del found["9"]


def add_sheet(found: Sheets) -> None:
    found["13"] = [["Worksheet 13"]]


def drop_line(found: Sheets) -> None:
    del found["4"][9]


def cut_off(found: Sheets) -> None:
    del found["10"][12:]


def add_line(found: Sheets) -> None:
    found["5"].append(["Unknown", 1, 2, "x", 1, 2, "x", 0, 0, "x"])


def below_the_matrix(found: Sheets) -> None:
    found["7"].append(["Median", 3])


def drop_column(found: Sheets) -> None:
    for row in found["8"][5:]:
        del row[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop_sheet, "missing '9'"),
        (add_sheet, "unknown '13'"),
        (drop_line, "row 10 of sheet '4', column A"),
        (cut_off, "row 13 of sheet '10', column A: ''"),
        (add_line, "row 15 of sheet '5', column A: 'Unknown' stands below"),
        (below_the_matrix, "something stands below the last line"),
        (drop_column, "row 6 of sheet '8', column C"),
    ],
)
def test_another_layout_is_refused(change: Callable[[Sheets], None], words: str) -> None:
    found = sheets()
    change(found)
    is_refused(lambda: read(found), words, NAME)


WHOLE = workbook(sheets())


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_but_never_breaks(data: st.DataObject) -> None:
    never_breaks(SOURCE, FILE, NAME, WHOLE, data)


# The publisher's workbook


@pytest.fixture(scope="module")
def real(raw: Path) -> Parsed:
    path = raw / "northern-ireland" / "2021-22" / NAME
    return parse(SOURCE, FILE, NAME, path.read_bytes())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, (3386, 19196, 17.6, "1!B18:D18")),
        ({"cohort_start": date(2010, 4, 1), "age": "ADULT"}, (4875, 30576, 15.94, "1!G7:I7")),
        ({"age": "JUVENILE"}, (202, 861, 23.5, "1!L18:N18")),
        ({"age": "Y18T19", "sex": "F"}, (21, 146, 14.383561643836, "2!H12:J12")),
        ({"subgroup": "_T", "population": "released_prisoners"}, (543, 1196, 45.401337792642, "8!C15:E15")),
        (
            {"subgroup": "disposal group: Custody release; disposal: Imprisonment"},
            (416, 779, 53.401797175866, "8!C12:E12"),
        ),
        (
            {"subgroup": "disposal group: Custody release; disposal: Young Offender Centre"},
            (26, 41, None, "8!C13:E13"),
        ),
        (
            {"subgroup": "_T", "population": "released_prisoners", "follow_up_from_months": 0, "follow_up_months": 1},
            (181, None, None, "7!B8"),
        ),
        (
            {"subgroup": "baseline offence category: Violence Against the Person; first reoffence category: Fraud"},
            (4, None, None, "11!L8"),
        ),
    ],
)
def test_figures_of_the_real_workbook(real: Parsed, wanted: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert figures(one(real, **wanted)) == pytest.approx(expected, abs=1e-11)


def test_the_parts_of_the_real_workbook_add_up(real: Parsed) -> None:
    assert real.vintage == "2024-10-17"
    frame = real.rows["recidivism"]
    latest = frame[frame["cohort_start"] == date(2021, 4, 1)]

    def parts(start: str, **wanted: Any) -> tuple[float, float]:
        part = latest[latest["subgroup"].str.fullmatch(start)]
        for name, cell in wanted.items():
            part = part[part[name] == cell]
        return part["returned"].sum(), part["cohort_size"].sum()

    whole, year = (3386, 19196), {"age": "_T", "follow_up_months": 12, "follow_up_from_months": 0}
    ages = latest[latest["age"].str.startswith("Y") & (latest["sex"] == "_T")]
    assert (ages["returned"].sum(), ages["cohort_size"].sum(), len(ages)) == (*whole, 12)
    sexes = latest[(latest["sex"] != "_T") & (latest["age"] == "_T")]
    assert (sexes["returned"].sum(), sexes["cohort_size"].sum()) == whole
    assert parts("number of previous offences: [^;]*", **year) == whole
    assert parts("age at first recorded offence: [^;]*", **year) == whole
    assert parts("baseline offence category: [^;]*", **year) == whole
    assert parts("custodial sentence length band: [^;]*", **year) == (543, 1196)
    assert parts("first reoffence category: [^;]*", **year)[0] == 3386
    months = latest[(latest["definition"] == "ni_proven_reoffending") & latest["cohort_size"].isna()]
    custody = months[
        (months["population"] == "released_prisoners") & (months["subgroup"] == "_T") & (months["age"] == "_T")
    ]
    assert (custody["returned"].sum(), len(custody)) == (543, 12)


def test_every_item_of_the_real_workbook(real: Parsed) -> None:
    """Tables 1 to 5, 8 to 10 and 12a by threes; 6, 7, 11 and 12b by cells, of which 7c leaves one empty."""
    threes = 36 + 39 + 39 + 39 + 24 + 90 + 7 + 39 + 6
    cells = 72 + (3 * 13 * 15 - 1) + 3 * 13 * 26 + 18
    assert real.items == threes + cells
    assert pd.notna(real.rows["recidivism"]["returned"]).all()


@pytest.mark.parametrize(
    ("sheet", "row", "column", "cell", "words"),
    [
        ("1", 7, 1, 33824, "row 1!C7: 5,646 stands where columns H, M add up to 5,647"),
        ("7", 8, 1, 182, "row 7!B8: 182 stands where columns Q, AF add up to 181"),
        ("8", 12, 3, 779.5, "not a whole number"),
        ("10", 16, 4, 1077, "row 10!B16: 1,097 stands where columns E, H add up to 1,096"),
        ("11", 17, 10, 7270, "row 11!K20: 1,137 stands where the lines above it add up to 7,680"),
        ("12", 8, 13, 53, "row 8 of sheet '12', column N: 53.0 stands where 533.0 is expected"),
    ],
)
def test_a_figure_of_the_real_workbook_changed_is_refused(
    raw: Path, sheet: str, row: int, column: int, cell: float, words: str
) -> None:
    """The first year does not add up as it is printed, and is taken only so."""
    data = (raw / "northern-ireland" / "2021-22" / NAME).read_bytes()
    found = read_workbook(raw_file(SOURCE, FILE, NAME, data))
    found[sheet][row - 1][column] = cell
    is_refused(lambda: read(found), words, NAME)
