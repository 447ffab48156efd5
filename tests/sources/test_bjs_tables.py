"""The layout of the BJS: headers and labels lead to figures, notes explain symbols, and the unknown is refused."""

from __future__ import annotations

import csv
import importlib
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.bjs_tables import Between, Block, Reading, Table, last_weekday_of_june, parse_table, read, states
from sources.catalogue import source
from sources.errors import Refused
from sources.places import places
from sources.reading import RawFile
from tests.sources.bjs import SOURCES, bjs_file, changed, real_table

of_each_source = pytest.mark.parametrize("name", SOURCES)
TITLE = "Table 2. Prisoners in somebody\u2019s care, by sex, 2019 and 2020"
NOTE = "Note: Counts are for December 31 of each year."
NOTES = [NOTE, ":Not calculated.", "/Not reported.", "*Comparison year.", "a/Of all ages.", "b/With others."]
TABLE = [
    ["", "", "2019", "", "2020", "", "", "Percent change, 2019\u20132020", ""],
    ["Jurisdiction", "", "Total", "Female", "Total", "", "Female/a", "Total", ""],
    ["", "U.S. total/a,b", "1,234", "34", "2,000*", "*", "40", "1.5", "%"],
    ["State", "", "", "", "", "", "", "", ""],
    ["", "Maineb", "7", ":", "8", "", " / ", "-2", ""],
]


def table(
    rows: Any = TABLE,
    notes: Any = NOTES,
    title: str = TITLE,
    key: str = "t02",
    name: str = "p20stt02.csv",
    **layout: Any,
) -> Table:
    return read(RawFile(name, key, bjs_file("p20stt02.csv", title, rows, notes, **layout), lambda code: code))


def test_a_figure_is_known_by_its_headers_and_labels() -> None:
    made = table()
    assert made.items == len(made.figures) == 10
    assert [(f.labels, f.heads, f.value) for f in made.figures[:4]] == [
        (("U.S. total/a,b",), ("2019", "Total"), 1234.0),
        (("U.S. total/a,b",), ("2019", "Female"), 34.0),
        (("U.S. total/a,b",), ("2020", "Total"), 2000.0),
        (("U.S. total/a,b",), ("2020", "Female/a"), 40.0),
    ]
    maine = made.figures[5:]
    assert {f.labels for f in maine} == {("State", "Maineb")}
    assert [f.value for f in maine] == [7, None, 8, None, -2]
    assert [f.symbol for f in maine] == [None, ":", None, "/", None]
    assert made.figures[4].heads == ("Percent change, 2019-2020", "Total")
    assert made.figures[4].marks == ("%",)
    assert made.figures[2].marks == ("*",)


def test_columns_may_move() -> None:
    moved = [["", *row[:4], "", *row[4:]] for row in TABLE]
    moved[1][:2] = ["Jurisdiction", ""]
    moved[3][:2] = ["State", ""]
    here, there = table(), table(moved)
    assert [(f.labels, f.heads, f.value) for f in there.figures] == [(f.labels, f.heads, f.value) for f in here.figures]
    assert [f.column for f in there.figures] != [f.column for f in here.figures]


def test_what_symbols_mean_is_read_in_the_notes() -> None:
    assert table().meanings == {
        ":": "Not calculated.", "/": "Not reported.", "*": "Comparison year.", "a": "Of all ages.", "b": "With others.",
    }  # fmt: skip
    other = table(notes=[n.replace("Not calculated", "Counts differ") for n in NOTES])
    assert other.meanings[":"] == "Counts differ."
    with pytest.raises(Refused, match=r"':' is neither a figure nor explained"):
        table(notes=[n for n in NOTES if not n.startswith(":")])


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-8-sig", "utf-8"])
def test_both_encodings(encoding: str) -> None:
    assert "somebody\u2019s" in table(encoding=encoding).title


@pytest.mark.parametrize(("version", "iso"), [("11/30/23", "2023-11-30"), ("4/6/2018", "2018-04-06")])
def test_the_date_of_version_is_the_vintage(version: str, iso: str) -> None:
    assert table(version=version).vintage == iso


@pytest.mark.parametrize("version", ["30/11/2023", "11/30/123", "2023-11-30", ""])
def test_another_date_of_version_is_refused(version: str) -> None:
    with pytest.raises(Refused, match="date of version"):
        table(version=version)


def test_the_subject_is_the_title_without_number_and_years() -> None:
    assert table().subject == "Prisoners in somebody\u2019s care, by sex"
    for end in ("2020 and 2021", "December 31, 2021", "2012\u20132022", "2000, 2010, and 2015\u20132016"):
        title = f"Table 2. Prisoners in somebody\u2019s care, by sex, {end}"
        assert table(title=title).subject == table().subject
    cohort = table(title="Table 2. Prisoners released in 30 states in 2005, by year")
    assert cohort.subject == "Prisoners released in # states in #, by year"


def test_footnotes_are_taken_off_known_labels_only() -> None:
    made = table()
    assert made.plain("Maine/a", ["Maine"]) == made.plain("Mainea", ["Maine"]) == "Maine"
    assert made.plain("Rape/sexual assault", ["Rape"]) is None
    assert made.plain("Maine/c", ["Maine"]) is None, "there is no footnote c"
    assert made.plain("Florida", ["Florid"]) == "Florid", "glued without a slash, a is a footnote where that is known"
    assert made.footnotes("U.S. total/a,b", ["U.S. total"]) == ["Of all ages.", "With others."]
    assert made.footnotes("Maine", ["Maine"]) == []


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (2, 2, "1,2o4", "neither a figure nor explained"),
        (2, 2, "1,23", "neither a figure nor explained"),
        (2, 2, " 1,234", "neither a figure nor explained"),
        (2, 2, "1,234**", "neither a figure nor explained"),
        (4, 3, "..", "neither a figure nor explained"),
        (2, 5, "12", "stands in a column without a header"),
        (2, 8, "percent", "stands in a column without a header"),
        (4, 2, "", "an empty cell"),
        (2, 7, "", "an empty cell"),
        (4, 0, "Ohio", "2 labels"),
        (4, 1, "", "0 labels"),
        (4, 1, "Note: more", "below the table's notes"),
    ],
)
def test_what_it_does_not_know_is_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        table(changed(TABLE, line, column, cell))


def test_a_file_that_is_cut_off_is_refused() -> None:
    whole = bjs_file("p20stt02.csv", TITLE, TABLE, NOTES)
    lines = whole.splitlines(keepends=True)
    for kept in range(1, len(lines)):
        with pytest.raises(Refused):
            read(RawFile("p20stt02.csv", "t02", b"".join(lines[:kept]), lambda code: code))
    with pytest.raises(Refused, match="does not end"):
        read(RawFile("p20stt02.csv", "t02", whole[:-4], lambda code: code))


def test_another_table_than_its_name_says_is_refused() -> None:
    with pytest.raises(Refused, match="it is another table"):
        table(key="t03")
    with pytest.raises(Refused, match="it is another table"):
        table(key="at02")
    with pytest.raises(Refused, match="not the title of the table described above"):
        table(above="Table 3. Something else, 2020")


def test_a_line_among_the_notes_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="neither a note, a footnote nor"):
        table(notes=[*NOTES, "Illinois, 5"])
    with pytest.raises(Refused, match="'a' is explained twice"):
        table(notes=[*NOTES, "a/Otherwise."])


def test_a_header_without_figures_is_refused() -> None:
    with pytest.raises(Refused):
        table(TABLE[:2])
    with pytest.raises(Refused):
        table(TABLE[2:])


SMALL = [
    ["Place", "", "2019", "2020", "Share"],
    ["", "All/a", "10", "200", "33.3"],
    ["Here", "", "6", "90", "40"],
    ["There", "", "^", "110", "~"],
]
SMALL_NOTES = [NOTE, "^Four or fewer persons.", "~Not applicable.", "/Not reported.", "a/Of all ages."]
ROWS, YEARS = [("All",), ("Here",), ("There",)], [("2019",), ("2020",)]


def block(line: int = 0, column: int = 0, cell: str = "Place", unit: float = 0) -> Block:
    rows = [list(row) for row in SMALL]
    rows[line][column] = cell
    return Block.of(table(rows, SMALL_NOTES), ROWS, YEARS, unit)


def test_parts_make_the_whole_as_far_as_symbols_and_rounding_leave_it_open() -> None:
    block().rows_add_up(ROWS[0], ROWS[1:])
    with pytest.raises(Refused, match="'11' does not agree with the sum of Here and There: 6 to 10"):
        block(1, 2, "11").rows_add_up(ROWS[0], ROWS[1:])
    with pytest.raises(Refused, match="'201' does not agree with the sum of Here and There: 200"):
        block(1, 3, "201").rows_add_up(ROWS[0], ROWS[1:])
    with pytest.raises(Refused, match="'10' does not agree with the sum of Here and There: 6[.]"):
        block(3, 2, "~").rows_add_up(ROWS[0], ROWS[1:])
    block(3, 2, "/").rows_add_up(ROWS[0], ROWS[1:])
    less = [SMALL[0], ["", "All", "5", "200", "1"], SMALL[2], ["There", "", "/", "110", "1"]]
    with pytest.raises(Refused, match="'5' does not agree with the sum of Here and There: at least 6"):
        Block.of(table(less, SMALL_NOTES), ROWS, YEARS).rows_add_up(ROWS[0], ROWS[1:])


@pytest.mark.parametrize(
    ("line", "column", "cell", "unit", "why"),
    [
        (2, 0, "Where", 0, "the row 'Here' is missing, one of 3"),
        (3, 0, "Here", 0, "the row 'Here' stands there twice"),
        (0, 3, "2021", 0, "the column '2020' is missing, one of 2"),
        (0, 4, "2020", 0, "the column '2020' stands there twice"),
        (2, 2, "6.5", 0, "'6.5' is not a multiple of 1"),
        (2, 2, "66", 10, "'66' is not a multiple of 10"),
        (2, 2, "-6", 0, "'-6' is below zero"),
        (2, 2, "1 in 6", 0, "'1 in 6' is not a number"),
    ],
)
def test_a_block_has_every_figure_once_in_its_unit(line: int, column: int, cell: str, unit: float, why: str) -> None:
    with pytest.raises(Refused, match=why):
        block(line, column, cell, unit)


def listed(folder: Path, misprints: str, proof: Any, rows: Any = SMALL) -> Any:
    """The small table, read by a source whose misprints are these."""
    (folder / "subjects.csv").write_text(
        'subject,dataset,reading,reason\n"Prisoners in somebody\u2019s care, by sex",small,small,\n', encoding="utf-8"
    )
    (folder / "misprints.csv").write_text(f"file,vintage,line,column,text,meant,why\n{misprints}\n", encoding="utf-8")
    file = RawFile("p20stt02.csv", "t02", bjs_file("p20stt02.csv", TITLE, rows, SMALL_NOTES), lambda code: code)
    readings = {"small": Reading(lambda ledger, figure: ledger.row(figure, {}), proof)}
    return parse_table(file, folder, readings, "observation")


@pytest.mark.parametrize(
    ("printed", "meant", "why"),
    [
        ("201", "200", ""),
        ("201", "202", "'201' does not agree with the sum of Here and There: 200"),
        ("203", "200", "'203' does not agree"),
    ],
)
def test_a_misprint_is_known_by_its_text_and_must_mean_what_the_others_say(
    tmp_path: Path, printed: str, meant: str, why: str
) -> None:
    rows = [SMALL[0], ["", "All/a", "10", printed, "33.3"], *SMALL[2:]]
    misprint = f"p20stt02.csv,2023-11-30,10,4,201,{meant},so"

    def proof(of: Table) -> None:
        Block.of(of, ROWS, YEARS).rows_add_up(ROWS[0], ROWS[1:])

    if why:
        with pytest.raises(Refused, match=why):
            listed(tmp_path, misprint, proof, rows)
    else:
        made = listed(tmp_path, misprint, proof, rows).rows["observation"]
        assert made["value"].tolist()[:2] == [10, 201], "the row is as it is printed"


def test_an_unlikely_figure_is_refused_unless_a_person_found_it_right(tmp_path: Path) -> None:
    def unlikely(of: Table) -> None:
        Block.of(of, ROWS, YEARS).alike([(ROWS[1], year) for year in YEARS], 2)

    def wrong(of: Table) -> None:
        Block.of(of, ROWS, YEARS).hold(ROWS[1], YEARS[1], Between(1, 2), "others")

    advice = (
        "'90' does not agree with Here beside it.*name the cell in the source's misprints.csv, meant as it is printed"
    )
    with pytest.raises(Refused, match=advice):
        listed(tmp_path, "", unlikely)
    right = "p20stt02.csv,2023-11-30,11,4,90,90,a prison was built"
    assert listed(tmp_path, right, unlikely).items == 9
    with pytest.raises(Refused, match="'90' does not agree with others: 1 to 2"):
        listed(tmp_path, right, wrong)
    for other in ("2023-11-30,11,4,91,91", "2023-11-29,11,4,90,90", "2023-11-30,11,3,90,90"):
        with pytest.raises(Refused, match="'90' does not agree with Here beside it"):
            listed(tmp_path, f"p20stt02.csv,{other},a prison was built", unlikely)


def test_a_symbol_where_a_figure_is_expected_is_refused_unless_a_person_found_it_right(tmp_path: Path) -> None:
    def given(of: Table) -> None:
        Block.of(of, ROWS, YEARS).given(ROWS[2], YEARS[0], "figures always stood")

    with pytest.raises(Refused, match=r"'\^' stands where figures always stood.*misprints.csv"):
        listed(tmp_path, "", given)
    assert listed(tmp_path, "p20stt02.csv,2023-11-30,12,3,^,^,few", given).items == 9


def test_a_header_is_meant_as_listed_in_the_edition_that_is_named(tmp_path: Path) -> None:
    found: list[Any] = []

    def words(of: Table) -> None:
        found.append(dict(of.words))

    listed(tmp_path, "p20stt02.csv,2023-11-30,9,5,Share,Share of all,so", words)
    listed(tmp_path, "p20stt02.csv,2023-11-29,9,5,Share,Share of all,so", words)
    assert found == [{"Share": "Share of all"}, {}]


@of_each_source
def test_every_misprint_says_why(name: str) -> None:
    with (source(name).folder / "misprints.csv").open(encoding="utf-8", newline="") as stream:
        assert all(len(row["why"]) > 20 for row in csv.DictReader(stream))


def test_what_rounded_figures_can_make() -> None:
    assert Between(9, 11) + Between(1, 2) == Between(10, 13)
    assert Between(9, 11) - Between(1, 2) == Between(7, 10)
    assert Between(9, 12) / Between(2, 3) == Between(3, 6)
    assert Between(1, 2) * Between(3, 4) == Between(3, 8)
    assert Between(150, 150).change(Between(100, 120)) == Between(25, 50)
    grown = Between(200, 200).growth(Between(100, 100), 10)
    assert (round(grown.low, 4), round(grown.high, 4)) == (6.9315, 6.9315)  # ln 2 / 10


def test_a_figure_that_another_is_computed_from_must_be_there() -> None:
    with pytest.raises(Refused, match="there is no figure of Here in 2018"):
        block().around(("Here",), ("2018",))


def test_the_years_of_the_title() -> None:
    title = "Table 2. Prisoners, by sex, {}"
    assert table(title=title.format("2000, 2010, and 2015\u20132017")).years() == [2000, 2010, 2015, 2016, 2017]
    assert table(title=title.format("December 31, 2022")).years() == [2022]
    assert table(title=title.format("2021 and 2022")).two_years() == (2021, 2022)
    with pytest.raises(Refused, match="3 years instead of two"):
        table(title=title.format("2020\u20132022")).two_years()
    with pytest.raises(Refused, match="does not end with years"):
        table(title="Table 2. Prisoners").years()


@of_each_source
def test_every_subject_is_read_or_says_why_not(name: str) -> None:
    folder = source(name).folder
    with (folder / "subjects.csv").open(encoding="utf-8", newline="") as stream:
        subjects = list(csv.DictReader(stream))
    assert len({row["subject"] for row in subjects}) == len(subjects) > 0
    known = set(importlib.import_module(f"sources.{name}.parse").READINGS)
    assert {row["reading"] for row in subjects if row["reading"]} == known
    assert all(bool(row["reading"]) != bool(row["reason"]) for row in subjects)


@of_each_source
def test_every_real_table_is_read_and_figures_that_an_edition_repeats_agree(raw: Path, name: str) -> None:
    used, repeated = set(), 0
    for edition in SOURCES[name]:
        parsed = [real_table(raw, name, path.stem) for path in sorted((raw / "bjs" / edition).glob("*.csv"))]
        assert all(table.items > 0 for table in parsed)
        figures = pd.concat([frame for table in parsed for frame in table.rows.values()])
        used |= set(figures["definition"].dropna())
        value = "rate_percent" if name == "bjs_recidivism" else "value"
        figures = figures.drop(columns=["locator", "note", "status"])
        assert not figures.duplicated([column for column in figures if column != value]).any()
        told = figures.dropna(subset=[value]).drop(columns="dataset")
        keys = [column for column in told if column != value]
        told[keys] = told[keys].astype(object).where(told[keys].notna(), "_T")
        values = told.groupby(keys)[value].agg(["size", "nunique"])
        assert (values["nunique"] == 1).all(), values[values["nunique"] > 1]
        repeated += int((values["size"] > 1).sum())
    assert used == set(source(name).definitions)
    assert repeated >= 10


@of_each_source
def test_a_file_name_is_one_table_of_its_source(name: str) -> None:
    own = source(name)
    stem = {"bjs_prisoners": "p23st", "bjs_correctional_populations": "cpus23"}.get(name, "rpr24s0810yfup0818")
    for key, file in own.files.items():
        assert own.file_for(f"{stem}{key}.csv") == key
        assert file.extends, "an edition covers other years than the one before"


def test_states_are_places_and_georgia_is_no_country_here() -> None:
    known = states()
    assert len(known) == 54, "50 states, the District of Columbia, and three totals"
    assert set(known.values()) <= set(places())
    assert (known["Georgia"], known["Washington"], known["Federal"]) == ("USA-GA", "USA-WA", "USA-FED")


def test_the_last_weekday_of_june() -> None:
    assert last_weekday_of_june(2016) == date(2016, 6, 30)  # a Thursday
    assert last_weekday_of_june(2012) == date(2012, 6, 29)  # 30 June was a Saturday
    assert last_weekday_of_june(2013) == date(2013, 6, 28)  # 30 June was a Sunday
