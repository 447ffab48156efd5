"""Scotland's workbook on reconvictions: layout, refusals, and the real workbook against a reading by hand."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dictionary.model import dictionary
from sources import rows
from sources.catalogue import source
from sources.errors import Refused
from sources.reading import Parsed, read_workbook
from sources.scotland_reconvictions.parse import OTHERS, SHEETS
from tests.sources.fixtures import figures_lost, is_refused, never_breaks, parse, plain, raw_file, workbook

SOURCE, FILE = "scotland_reconvictions", "main_publication_tables"
NAME = "main-publication-tables.xlsx"

Sheets = dict[str, list[list[Any]]]

YEARS = ["2008-09", "2009-10", "2010-11"]
COUNTS = ["Number of offenders", "Reconviction rate", "Average number of reconvictions per offender"]
RATES = "Reconviction rates and average number of reconvictions per offender"
NOTE = ["1. Figures for previous cohorts may differ."]
ALL = [[48000, 30.5, 0.6], [47000, 30.6, 0.56], [46000, 26.3, 0.46]]
#: Of each cohort, and men and those discharged from custody among them.
EVERYBODY, MEN, CUSTODY = [48000, 47000, 46000], [38000, 37000, 36000], [7000, 7000, 7000]
FEW = [5, "**", "**"]
NOBODY = [" - ", " - ", " - "]
AGES = ["   under 21", "   21 to 25", "   26 to 30", "   31 to 40 ", "   over 40 "]


def labels(table: str) -> list[str]:
    path = source(SOURCE).folder / "labels.csv"
    return [line["label"] for line in csv.DictReader(path.open(encoding="utf-8")) if line["table"] == table]


def spread(total: int, parts: int) -> list[int]:
    """A whole number in almost equal parts, the last a little larger."""
    return [total // parts] * (parts - 1) + [total - (parts - 1) * (total // parts)]


def in_blocks(totals: list[int], parts: int) -> list[list[int]]:
    """The persons of each block in each cohort, of which each has its total."""
    return [list(block) for block in zip(*(spread(total, parts) for total in totals), strict=True)]


def stack(title: str, header: str, names: list[str], blocks: list[list[int]]) -> list[list[Any]]:
    """Blocks of three cohorts; rate and average of every part are those of the whole, so that any division adds up."""
    lines: list[list[Any]] = []
    for name, persons in zip(names, blocks, strict=True):
        lines += [[name, "", "", ""], *([y, n, *whole[1:]] for y, n, whole in zip(YEARS, persons, ALL, strict=True))]
    return [["Return to Index"], [title], [], [header, *COUNTS], *lines, NOTE]


def plus(*blocks: list[int]) -> list[int]:
    return [sum(persons) for persons in zip(*blocks, strict=True)]


def minus(whole: list[int], part: list[int]) -> list[int]:
    return [one - other for one, other in zip(whole, part, strict=True)]


def stacks() -> Sheets:
    years = "2008-09 to 2010-11 cohorts1"
    lone = [[year, *cells] for year, cells in zip(YEARS, ALL, strict=True)]
    two = "Two year reconviction rates and two year average number of reconvictions per offender"
    wrong = "Reconviction rates and average number of convictions per offender"
    women, extended = minus(EVERYBODY, MEN), [0, 5, 12]
    men_by_age, by_age = in_blocks(MEN, 5), in_blocks(women, 5)
    supervised = in_blocks(minus(EVERYBODY, plus(CUSTODY, extended)), 7)[0]
    lengths = in_blocks(plus(CUSTODY, extended, supervised), 6)
    found: Sheets = {
        "Table 1": [["Return to Index"], [f"Table 1: {RATES}: {years}"], [], ["Cohort", *COUNTS], *lone, NOTE],
        "Table 2": stack(f"Table 2: {wrong}, by gender: {years}", "Gender", labels("2"), [MEN, women]),
        "Table 3": stack(f"Table 3: {RATES}, by age: {years}", "Age2", labels("3"), list(map(plus, men_by_age, by_age))),
        "Table 4": stack(f"Table 4: {RATES}, males by age: {years}", "Age2", labels("4"), men_by_age),
        "Table 5": stack(f"Table 5: {RATES}, females by age: {years}", "Age2", labels("5"), by_age),
        "Table 6": stack(f"Table 6: {RATES}, by index crime: {years}", "Index Crime", labels("6"),
                         in_blocks(EVERYBODY, 7)),
        "Table 9": stack(f"Table 9: {RATES}, by index disposal: {years},2", "Index disposal", labels("9"),
                         [CUSTODY, extended, *in_blocks(minus(EVERYBODY, plus(CUSTODY, extended)), 7)]),
        "Table 10a": stack(f"Table 10a - {RATES}, by custodial sentence length: {years},2,3",
                           "Custodial sentence length", labels("10a"), lengths),
        "Table 10b": stack(f"Table 10b - {RATES}, by custodial sentence length one year or less: {years},2,3",
                           "Custodial sentence length", labels("10b"), [plus(*lengths[:3])]),
        "Table 14": [[""], [f"Table 14: {two}: 2008-09 to 2009-10 cohorts1"], [], ["Cohort", *COUNTS],
                     ["2008-09", 48000, 42.4, 1.08], ["2009-10", 47000, 41.5, 1.03], NOTE],
    }  # fmt: skip
    found["Table 9"][9:12] = [["2008-09", *NOBODY], ["2009-10", *FEW], ["2010-11", 12, 25, 0.25]]
    return found


def by_kind() -> list[list[Any]]:
    kinds = ["Violent crime", "Sexual crime4", "Crimes of dishonesty", "Criminal damage", "Drug offences",
             "Breach of the peace5", "Other crimes and offences"]  # fmt: skip
    persons = spread(46000, 7)
    again = [[100 * crime + 10 * kind for kind in range(1, 8)] for crime in range(1, 8)]
    lines = [["All offenders", 46000, 26.3, *(100 * sum(kind) / 46000 for kind in zip(*again, strict=True))]]
    for name, size, counts in zip(labels("7")[1:], persons, again, strict=True):
        lines.append([name, size, 26.3, *(100 * count / size for count in counts)])
    head = ["Index crime3 2010-11", "Total number (=100%)", "Percentage reconvicted within 1 year for1:"]
    title = "Table 7: Reconviction rates for crimes by index crime: 2010-11 cohort"
    return [[""], [title], [], head, ["", "", "Any crime2", *kinds], *lines, NOTE]


def domestic_abuse() -> list[list[Any]]:
    who, by_statute = ["DA index1", "Non-DA index", "All index"], ["Stat DA index1", "Non-stat DA index", "All index"]
    what = "domestic abuse and non-domestic abuse crimes and offences, 2009-10 to 2010-11 cohorts"
    sizes = {"2009-10": [7000, 40000, 47000], "2010-11": [6000, 40000, 46000]}
    notes = [["DA = domestic abuse"], ["1. Marked with an identifier."], ["2. Also includes others."]]

    def head(first: str, abuse: str, anything: str, index: list[str]) -> list[list[Any]]:
        return [[first, "Number of offenders", "", "", abuse, "", "", anything], ["", *index * 3]]

    return [
        [""],
        [f"Table 8a: Reconviction rates for {what}"],
        *head("Index year", "Percentage reconvicted for a domestic abuse crime or offence1",
              "Percentage reconvicted for any crime or offence2", who),
        ["2009-10", *sizes["2009-10"], 7.9, 2.9, 3.6, 19, 32.6, 30.6],
        ["2010-11", *sizes["2010-11"], 7.4, 2.8, 3.4, 19.1, 27.4, 26.3],
        *notes,
        [],
        [f"Table 8b: Average number of reconvictions per offender for {what}"],
        *head("Index year", "Average number of reconvictions for a domestic abuse crime or offence per offender1",
              "Average number of reconvictions for any crime or offence per offender2", who),
        ["2009-10", *sizes["2009-10"], 0.09, 0.03, 0.04, 0.28, 0.61, 0.56],
        ["2010-11", *sizes["2010-11"], 0.08, 0.03, 0.04, 0.29, 0.49, 0.46],
        *notes,
        [],
        ["Table 8c: Reconvictions for crimes and offences with the statutory domestic abuse aggravation1, "
         "2010-11 cohort"],
        *head("Measure of reconvictions",
              "Reconvictions for crimes or offences with a statutory domestic abuse aggravation1",
              "Reconvictions for any crime or offence2", by_statute),
        ["Percentage reconvicted", 2000, 44000, 46000, 7, 2.4, 2.6, 17.6, 26.7, 26.3],
        ["Average number of reconvictions", 2000, 44000, 46000, 0.08, 0.03, 0.03, 0.25, 0.47, 0.46],
        *notes,
    ]  # fmt: skip


def characteristics() -> list[list[Any]]:
    classes = ["None ", "1 or 2 ", "3 to 10", "Over 10"]
    ages = [[10 + n, 17 + n, 3, 4, 7 + n, 6, 31 + n, 50 + n] for n in range(5)]
    lines: list[list[Any]] = []
    for name in labels("11"):
        lines += [
            [name, 10.5, 17.7, "*", "**", 7.6, "-", 31.2, 50.4],
            *([a, *rates] for a, rates in zip(AGES, ages, strict=True)),
            [],
        ]
    return [
        [""],
        ["Table 11: Reconviction rates by offender characteristics: 2010-11 cohort"],
        [],
        ["Index disposal in 2010-11 by age", "Percentage of male offenders reconvicted1", "", "", "",
         "Percentage of female offenders reconvicted1"],
        ["", "Number of previous convictions2", "", "", "", "Number of previous convictions2"],
        ["", *classes * 2],
        *lines[:-1],
        NOTE,
    ]  # fmt: skip


def places(table: str, title: str, header: str) -> list[list[Any]]:
    names = labels(table)[1:]
    lines = [[name, size, 26.3, 0.46] for name, size in zip(names, spread(46000, len(names)), strict=True)]
    return [[""], [f"Table {table}: {RATES}, by {title}: 2010-11 cohort"], [], [header, *COUNTS],
            ["All", 46000, 26.3, 0.46], *lines, ["1. About the areas."]]  # fmt: skip


def other(title: str, first: int, cells: list[Any]) -> list[list[Any]]:
    return [[""], [title], *([] for _ in range(first - 3)), ["a line", *cells], NOTE]


def sheets() -> Sheets:
    """A workbook of three cohorts, in the publisher's layout."""
    found: Sheets = {
        "Index": [["All tables"]],
        "Notes": [["Return to index"]],
        **stacks(),
        "Table 7": by_kind(),
        "Tables 8a,b, & c": domestic_abuse(),
        "Table 11": characteristics(),
        "Table 12": places("12", "local authority group based on court location", "Local authority group1"),
        "Table 13": places("13", "local authority based on residence of offenders", "Local Authority"),
        "Table 15": other("Table 15: Individuals given police disposals", 6, [1, 2, 3]),
        "Table 16": other("Table 16: Individuals given COPFS disposals", 5, [1, 2, 3]),
        "Table 17 ": other("Table 17: Individuals given non-court disposals", 5, [1, 2, 3]),
        "Table 18": other("Table 18: Individuals given non-court disposals", 5, [1, 2, 3]),
        "Table 19": other("Table 19: Repeat non-court disposal rates", 7, [1, 2, "**"]),
        "Table 20": other("Table 20: Individuals convicted in 2011-12", 6, [1, 2, 3]),
        "Table 21": other("Table 21 - Individuals convicted by number of previous convictions", 5, [1, 2, 3]),
        "Table B1": other("Table B1 - Postcode coverage", 5, ["Angus", 2, 3]),
        "Table B2": other("Table B2 - Revisions to reconviction rates", 5, [1, "-", 3]),
    }  # fmt: skip
    return found


def read(found: Sheets) -> Parsed:
    return parse(SOURCE, FILE, NAME, workbook(found))


def one(parsed: Parsed, **wanted: Any) -> dict[Any, Any]:
    """The only row that has the cells wanted and is else about all offenders, followed for a year."""
    frame = parsed.rows["recidivism"]
    usual = {"sex": "_T", "age": "_T", "offence": "_T", "subgroup": "_T", "follow_up_months": 12}
    if "subgroup" not in wanted:
        usual["population"] = "all_convicted"
    for name, cell in {**usual, **wanted}.items():
        frame = frame[frame[name] == cell]
    assert len(frame) == 1, frame
    return plain(frame)[0]


def figures(row: dict[Any, Any]) -> tuple[Any, ...]:
    return row["cohort_size"], row["rate_percent"], row["events_per_person"], row["locator"]


LATEST = {"cohort_start": date(2010, 4, 1)}


def test_all_offenders() -> None:
    parsed = read(sheets())
    row = one(parsed, **LATEST)
    assert figures(row) == (46000, 26.3, 0.46, "Table 1!B7:D7")
    assert (row["cohort_end"], row["place_id"], row["basis"]) == (date(2011, 3, 31), "GBR-SCT", "release_cohort")
    assert (row["outcome"], row["population"], row.get("returned")) == ("reconviction", "all_convicted", None)
    two = one(parsed, cohort_start=date(2009, 4, 1), follow_up_months=24)
    assert figures(two) == (47000, 41.5, 1.03, "Table 14!B6:D6")
    assert parsed.vintage is None


def test_breakdowns() -> None:
    parsed = read(sheets())
    assert one(parsed, **LATEST, sex="F")["cohort_size"] == 10000
    assert one(parsed, **LATEST, sex="M", age="Y_GE41")["locator"] == "Table 4!B24:D24"
    crime = one(parsed, **LATEST, subgroup="index crime: Drug Offences", offence="ICCS06")
    assert figures(crime) == (6571, 26.3, 0.46, "Table 6!B24:D24")
    custody = one(parsed, **LATEST, subgroup="_T", population="released_prisoners")
    assert (custody["population"], custody["cohort_size"]) == ("released_prisoners", 7000)
    order = one(parsed, **LATEST, subgroup="index disposal: Community Payback Order")
    assert (order["population"], order["locator"]) == ("community_sentences", "Table 9!B28:D28")
    fine = one(parsed, **LATEST, subgroup="index disposal: Monetary Disposal")
    assert (fine["population"], fine["locator"]) == ("all_convicted", "Table 9!B36:D36")
    length = one(parsed, **LATEST, subgroup="custodial sentence length: Over 4 years")
    assert (length["population"], length["locator"]) == ("released_prisoners", "Table 10a!B28:D28")
    home = one(parsed, **LATEST, subgroup="local authority of residence: Aberdeenshire")
    assert (figures(home), "Experimental" in home["note"]) == ((1352, 26.3, 0.46, "Table 13!B7:D7"), True)


def test_what_persons_are_reconvicted_for() -> None:
    parsed = read(sheets())
    row = one(parsed, **LATEST, subgroup="reconvicted for: Dishonesty")
    # 130, 230, … 730 of 46,000 persons: 3,010 in all
    assert figures(row) == (46000, pytest.approx(301000 / 46000), None, "Table 7!F6")
    assert row["definition"] == "sct_reconviction_for_a_kind"
    abuse = one(parsed, **LATEST, subgroup="index: DA index; reconvicted for: domestic abuse crime or offence")
    assert figures(abuse) == (6000, 7.4, 0.08, "Tables 8a,b, & c!E6,E15")
    anything = one(parsed, **LATEST, subgroup="index: Stat DA index")
    assert (figures(anything), anything["definition"]) == ((2000, 17.6, 0.25, "Tables 8a,b, & c!H23,H24"), None)


def test_symbols() -> None:
    parsed = read(sheets())
    few = one(parsed, cohort_start=date(2009, 4, 1), subgroup="index disposal: Extended Sentences")
    assert figures(few) == (5, None, None, "Table 9!B11:D11")
    assert few["note"] == "Rate and average: **, based on fewer than 10 people and not suitable for publication."
    reasons = {entry.locator: entry.reason for entry in parsed.left_out}
    assert reasons["Table 9!B10:D10"] == "nil (-)"
    assert reasons["Table 11!D7"] == "less than 0.5 (*)"
    assert reasons["Table 11!E7"].startswith("rate based on fewer than 10 people")
    assert reasons["Table 11!G7"] == "nil (-)"
    assert reasons["Table 12!B5:D5"] == "repeats Table 1!B7:D7"
    assert reasons["Table 7!C7"] == "repeats Table 6!B8:D8"
    words = "index disposal: Community Payback Order; number of previous convictions: 3 to 10"
    assert one(parsed, **LATEST, sex="F", age="Y26T30", subgroup=words)["rate_percent"] == 33


def test_no_figure_stands_twice() -> None:
    frame = rows.described("recidivism", read(sheets()).rows["recidivism"], FILE, NAME)
    identity = dictionary().tables["recidivism"].identity
    assert identity is not None
    assert len(set(rows.identities(frame, identity.of, SOURCE, "2020-10"))) == len(frame)
    assert set(frame["definition"].dropna()) == set(source(SOURCE).definitions)


@pytest.mark.parametrize(
    ("sheet", "row", "column", "cell", "words"),
    [
        ("Table 1", 6, 0, "2009-11", "row 6 of sheet 'Table 1', column A: '2009-11' is not a financial year"),
        ("Table 1", 6, 0, "2010-11", "'2010-11' is not a financial year, or not the one after"),
        ("Table 1", 5, 1, "48O", "row 5 of sheet 'Table 1', column B: '48O' is not a whole number"),
        ("Table 1", 5, 1, 480.5, "480.5 is not a whole number"),
        ("Table 1", 5, 2, 105, "105.0 is not a number from 0 to 100"),
        ("Table 1", 5, 2, 0.305, "an average of 0.6 does not fit a rate of 0.305 percent"),
        ("Table 1", 5, 3, 0.06, "an average of 0.06 does not fit a rate of 30.5 percent"),
        ("Table 1", 5, 2, "", "row 5 of sheet 'Table 1', column C: ''"),
        ("Table 1", 5, 2, "**", "row 5 of sheet 'Table 1', column D"),
        ("Table 1", 5, 2, "n/a", "'n/a' is not a number"),
        ("Table 2", 2, 0, "Table 2: Something else", "row 2 of sheet 'Table 2', column A"),
        ("Table 2", 4, 2, "Average number of reconvictions per offender", "row 4 of sheet 'Table 2', column C"),
        ("Table 2", 5, 0, "Men", "row 5 of sheet 'Table 2', column A: 'Men' stands where 'Males' is expected"),
        ("Table 3", 6, 0, "2009-10", "row 6 of sheet 'Table 3', column A: '2009-10' stands where '2008-09'"),
        ("Table 3", 25, 1, 3, "row 25 of sheet 'Table 3', column A"),
        ("Table 6", 25, 0, "Piracy", "row 25 of sheet 'Table 6', column A: 'Piracy'"),
        ("Table 9", 11, 1, 10, "'**' stands where 10 offenders are"),
        ("Table 7", 7, 1, 99, "cohort_size 99.0 is 6571.0 in Table 6!B8:D8"),
        ("Table 7", 7, 2, 26.36, "rate_percent 26.36 is 26.3 in Table 6!B8:D8"),
        ("Table 7", 7, 3, 1.7, "column D: 1.7 percent of 6571 are 111.7070, no whole number of persons"),
        (
            "Table 7",
            7,
            3,
            100 * 111 / 6571,
            "row Table 7!D6: 2,870 stands where the persons reconvicted in its parts add up to 2,871",
        ),
        ("Table 1", 5, 1, 48001, "48,001 stands where the persons in its parts add up to 48,000"),
        ("Table 3", 6, 1, 9589, "row Table 1!B5:D5: 48,000 stands where the persons in its parts add up to 47,989"),
        ("Table 3", 6, 1, 9601, "row Table 1!B5:D5: 48,000 stands where the persons in its parts add up to 48,001"),
        ("Table 4", 6, 2, 32.5, "row Table 2!B6:D6: 11,590 stands where the persons reconvicted in its parts"),
        ("Table 5", 6, 1, 2001, "row Table 2!B10:D10: 10,000 stands where the persons in its parts add up to 10,001"),
        ("Table 6", 6, 3, 0.68, "28,800 stands where the reconvictions in its parts add up to 29,348.56"),
        ("Table 10a", 6, 2, 40.5, "14,640 stands where the persons reconvicted in its parts add up to"),
        ("Table 10b", 7, 1, 6000, "row Table 10b!B7:D7: 6,000 stands where the persons in its parts add up to"),
        ("Table 12", 6, 1, 1841, "row Table 1!B7:D7: 46,000 stands where the persons in its parts add up to 46,001"),
        ("Table 13", 6, 2, 30.3, "12,098 stands where the persons reconvicted in its parts add up to 12,152.08"),
        ("Table 14", 5, 1, 48001, "row Table 14!B5:D5: 48,001 stands where those of Table 1 add up to 48,000"),
        ("Table 14", 6, 2, 30.5, "30.5 stands where those of Table 1, after one year and not two, add up to 30.6"),
        ("Tables 8a,b, & c", 6, 4, 8.4, "1,564 stands where the persons reconvicted in its parts add up to 1,624"),
        ("Tables 8a,b, & c", 6, 7, 20.1, "12,098 stands where the persons reconvicted in its parts add up to 12,166"),
        ("Table 11", 7, 1, 18.5, "the rate of all does not rise with the number of previous convictions"),
        ("Table 11", 14, 2, 22, "row 14 of sheet 'Table 11', column C: 22.0 is not between the rates of the ages"),
        ("Table 7", 5, 4, "Drug offences", "row 5 of sheet 'Table 7', column E"),
        ("Tables 8a,b, & c", 14, 1, 71, "row 14 of sheet 'Tables 8a,b, & c', column B: 71"),
        ("Tables 8a,b, & c", 4, 1, "All index", "row 4 of sheet 'Tables 8a,b, & c', column B"),
        ("Tables 8a,b, & c", 5, 0, "2008-09", "row 5 of sheet 'Tables 8a,b, & c', column A"),
        ("Table 11", 7, 1, "***", "row 7 of sheet 'Table 11', column B: '***' is not a number"),
        ("Table 11", 8, 0, "under 21", "row 8 of sheet 'Table 11', column A: 'under 21'"),
        ("Table 12", 5, 1, 461, "cohort_size 461.0 is 46000.0 in Table 1!B7:D7"),
        ("Table 13", 6, 0, "Aberdeen", "row 6 of sheet 'Table 13', column A: 'Aberdeen'"),
        ("Table 15", 2, 0, "Table 15: Reconvictions", "row 2 of sheet 'Table 15', column A"),
    ],
)
def test_what_is_not_known_is_refused(sheet: str, row: int, column: int, cell: Any, words: str) -> None:
    found = sheets()
    line = found[sheet][row - 1]
    found[sheet][row - 1] = [*line, *[""] * (column + 1 - len(line))]
    found[sheet][row - 1][column] = cell
    is_refused(lambda: read(found), words, NAME)


def test_a_lost_figure_is_refused_though_a_row_of_figures_is_one_item() -> None:
    found = sheets()
    tried = 0
    for where in figures_lost(found, [name for name in SHEETS if name.startswith("Table") and name not in OTHERS], 29):
        tried += 1
        with pytest.raises(Refused):
            pytest.fail(f"{where}: {read(found).items} items are read")
    assert tried > 20


def drop_sheet(found: Sheets) -> None:
    del found["Table 10b"]


def add_sheet(found: Sheets) -> None:
    found["Table 22"] = [["Return to Index"]]


def cut_off(found: Sheets) -> None:
    del found["Table 9"][20:]


def drop_column(found: Sheets) -> None:
    for row in found["Table 5"]:
        del row[1:2]


def drop_a_cohort_everywhere_but_once(found: Sheets) -> None:
    del found["Table 1"][4]


def add_a_place(found: Sheets) -> None:
    found["Table 13"].insert(-1, ["Rockall", 1, 0, 0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop_sheet, "missing 'Table 10b'"),
        (add_sheet, "unknown 'Table 22'"),
        (cut_off, "row 21 of sheet 'Table 9', column A: ''"),
        (drop_column, "row 4 of sheet 'Table 5', column B"),
        (drop_a_cohort_everywhere_but_once, "row 2 of sheet 'Table 1', column A"),
        (add_a_place, "'Rockall' stands where only footnotes are expected"),
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
def path(raw: Path) -> Path:
    return raw / "scotland" / "2017-18" / NAME


@pytest.fixture(scope="module")
def real(path: Path) -> Parsed:
    return parse(SOURCE, FILE, NAME, path.read_bytes())


REAL = {"cohort_start": date(2017, 4, 1)}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, (36700, 26.3, 0.46, "Table 1!B25:D25")),
        ({"cohort_start": date(1997, 4, 1)}, (53460, 31.8, 0.62, "Table 1!B5:D5")),
        ({"sex": "F"}, (6314, 23.2, 0.42, "Table 2!B48:D48")),
        ({"sex": "M", "age": "Y_LT21"}, (3175, 32.3, 0.6, "Table 4!B26:D26")),
        ({"subgroup": "_T", "population": "released_prisoners"}, (5719, 41, 0.78, "Table 9!B26:D26")),
        (
            {"cohort_start": date(1999, 4, 1), "subgroup": "index disposal: Drug Treatment and Testing Order"},
            (1, None, None, "Table 9!B140:D140"),
        ),
        ({"subgroup": "custodial sentence length: 3 months or less"}, (1066, 57.7, 1.17, "Table 10a!B26:D26")),
        (
            {"subgroup": "index crime: Violent Crime; reconvicted for: Violent Crime"},
            (9905, 8.4098939929328633, None, "Table 7!D7"),
        ),
        (
            {"subgroup": "index: DA index; reconvicted for: domestic abuse crime or offence"},
            (6723, 8.8, 0.1, "Tables 8a,b, & c!E13,E29"),
        ),
        (
            {"cohort_start": date(2016, 4, 1), "follow_up_months": 24},
            (40607, 37.2, 0.86, "Table 14!B24:D24"),
        ),
        ({"subgroup": "local authority group of the court: Glasgow City"}, (6873, 26.9, 0.46, "Table 12!B17:D17")),
        (
            {
                "sex": "F",
                "age": "Y21T25",
                "population": "released_prisoners",
                "subgroup": "number of previous convictions: Over 10",
            },
            (None, 63.2, None, "Table 11!I16"),
        ),
    ],
)
def test_figures_of_the_real_workbook(real: Parsed, wanted: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert figures(one(real, **{**REAL, **wanted})) == expected


def test_the_parts_of_the_real_workbook_add_up(real: Parsed) -> None:
    frame = real.rows["recidivism"]
    frame = frame[frame["definition"].isna() & (frame["follow_up_months"] == 12)]
    whole = (frame["subgroup"] == "_T") & (frame["age"] == "_T") & (frame["population"] == "all_convicted")
    totals = frame[whole].pivot_table(index="cohort_start", columns="sex", values="cohort_size", aggfunc="sum")
    assert (totals["F"] + totals["M"] == totals["_T"]).all()
    assert (len(totals), totals["_T"].sum()) == (21, 964406)
    latest = frame[frame["cohort_start"] == date(2017, 4, 1)]
    for dimension in ("index crime", "index disposal", "local authority of residence",
                      "local authority group of the court"):  # fmt: skip
        parts = latest[latest["subgroup"].str.fullmatch(f"{dimension}: [^;]*") & latest["cohort_size"].notna()]
        # Those discharged from custody are a population of their own, and no subgroup of it.
        custody = 5719 if dimension == "index disposal" else 0
        assert parts["cohort_size"].sum() + custody == 36700
    length = latest[latest["subgroup"].str.startswith("custodial sentence length: ")]
    assert length["cohort_size"].sum() == 5719 + 195 + 249 + 3911  # the last once more, as 1 year or less


def test_the_latest_revision_is_the_rate_of_the_first_table(path: Path, real: Parsed) -> None:
    """Table B2, which is left out, says the same of each cohort as Table 1."""
    plain = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Table B2").to_python(skip_empty_area=False)
    found = {}
    for row in plain[4:16]:
        found[date(int(str(row[0])[:4]), 4, 1)] = [cell for cell in row[1:8:2] if cell != "-"][-1]
    assert len(found) == 12
    for start, rate in found.items():
        assert one(real, cohort_start=start)["rate_percent"] == rate


def test_every_item_of_the_real_workbook(real: Parsed) -> None:
    """Lines of the tables of groups and cohorts, then cells: of Tables 7, 8 and 11, and of the tables left out."""
    cohorts = 21 * (1 + 2 + 3 * 5 + 7 + 9 + 6 + 1) + 20
    places = 26 + 35
    kinds = 8 * 8 + 9 * 6 + 6
    characteristics = 10 * 6 * 8
    non_court = 150 + 150 + 60 + 150 + 13 * 3 * 6
    others = 29 * 12 + (10 + 4 * 20) + 87 * 2 + 12 * 8
    assert real.items == cohorts + places + kinds + characteristics + non_court + others


@pytest.mark.parametrize(
    ("sheet", "row", "column", "cell", "words"),
    [
        ("Table 2", 26, 2, 17.0, "9,652.1 stands where the persons reconvicted in its parts add up to 6,630.468"),
        ("Table 3", 26, 1, 37280, "36,700 stands where the persons in its parts add up to 70,252"),
        ("Table 4", 26, 3, 0.06, "an average of 0.06 does not fit"),
        ("Table 6", 26, 3, 0.43, "16,882 stands where the reconvictions in its parts add up to"),
        ("Table 7", 9, 4, 3.500175008750438, "row Table 7!E6: 151 stands where the persons reconvicted"),
        ("Table 9", 26, 2, 4.1, "does not fit a rate of 4.1 percent"),
        ("Table 10a", 26, 1, 1166, "36,700 stands where the persons in its parts add up to 36,800"),
        ("Table 13", 6, 2, 28.3, "9,652.1 stands where the persons reconvicted in its parts add up to"),
    ],
)
def test_a_figure_of_the_real_workbook_changed_is_refused(
    path: Path, sheet: str, row: int, column: int, cell: float, words: str
) -> None:
    found = read_workbook(raw_file(SOURCE, FILE, NAME, path.read_bytes()))
    found[sheet][row - 1][column] = cell
    is_refused(lambda: read(found), words, NAME)
