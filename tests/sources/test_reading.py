"""Strict reading: every cell knows where it stood, and what is not plain is refused with file, row and value."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from sources import reading
from sources.errors import Refused
from sources.reading import (
    RawFile,
    check_header,
    count_figures,
    csv_cells,
    decode,
    iso_day,
    json_cells,
    read_json,
    read_sheet,
    read_workbook,
    sheet_cells,
    text_rows,
    year_days,
    zip_members,
)
from tests.sources.fixtures import damaged, delimited, raw_file, workbook, zipped

HEADER = ["place", "year", "value"]


def cells(*lines: str, header: str = "place,year,value") -> reading.Cells:
    return csv_cells("f.csv", "\n".join([header, *lines, ""]).encode(), HEADER)


def sheet(data: bytes) -> RawFile:
    return raw_file("unodc_prisons", "data_cts_prisons_and_prisoners", "f.xlsx", data)


# Cells


def test_cells_know_line_and_column() -> None:
    found = cells("ALB,2019,5", "AND,2020,6")
    assert found["value"] == ("5", "6") and len(found) == 2
    assert found.locators("value") == ["f.csv:2:3", "f.csv:3:3"]
    assert found.raw(1) == {"place": "AND", "year": "2020", "value": "6"}


def test_a_cell_over_several_lines_does_not_shift_the_lines_after_it() -> None:
    assert cells('"A\nB\nC",2019,5', "AND,2020,6").locators("value") == ["f.csv:2:3", "f.csv:5:3"]


def test_the_first_bad_cell_is_named_with_row_column_and_value() -> None:
    with pytest.raises(Refused, match=r"^f\.csv, row 3, column value: '5,5' is not a number"):
        cells("ALB,2019,5", 'AND,2020,"5,5"', "ARG,2020,x").numbers("value")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 5",
        "5 ",
        "5,000",
        "5 000",
        "1'000",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e999",
        "0x10",
        "1_000",
        "٣",
        "½",
        "5%",
        "--5",
        "+5",
        ":",
        "x",
        "12l",
        "O",
    ],
)
def test_what_is_not_plainly_a_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="column value"):
        cells(f'ALB,2019,"{text}"').numbers("value")


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5), ("-5.25", -5.25), ("0", 0), (".5", 0.5), ("1e3", 1000), ("5.", 5)]
)
def test_what_is_plainly_a_number_is_one(text: str, number: float) -> None:
    assert cells(f"ALB,2019,{text}").numbers("value").tolist() == [number]


@pytest.mark.parametrize("year", ["1899", "2101", "2019.5", "1013", "19", "", "2019-20"])
def test_a_year_out_of_bounds_is_refused(year: str) -> None:
    with pytest.raises(Refused, match="column year"):
        cells(f"ALB,{year},5").integers("year", 1900, 2100)


def test_a_missing_number_is_missing_and_zero_is_zero() -> None:
    assert cells("A,1,", "A,2,0").numbers_or_missing("value") == [None, 0]


def test_truth_values_are_no_numbers_wherever_they_stand() -> None:
    found = json_cells("f.json", [{"a": 1}, {"a": True}], ["a"], "/1")
    with pytest.raises(Refused, match="row 1, column a"):
        found.numbers("a")


def test_a_place_that_is_not_known_names_the_nearest() -> None:
    resolver = raw_file("unodc_prisons", "data_cts_prisons_and_prisoners", "x", b"").places
    with pytest.raises(
        Refused, match=r"^f\.csv, row 3, column place: No place is known as 'Atlantis'; the nearest are "
    ):
        cells("ALB,2019,5", "Atlantis,2019,5").places("place", resolver)


def test_namibia_is_not_missing() -> None:
    resolver = raw_file("eurostat_prisons", "crim_pris_ctz", "x", b"").places
    found = cells("NAM,2019,5")
    assert found.places("place", resolver) == ["NAM"]
    assert csv_cells("f.csv", b"code\nNA\n", ["code"])["code"] == ("NA",)


def test_codes_are_exact() -> None:
    known = {"Total": "_T", "Female": "F"}
    assert cells("Total,1,1", "Female,1,1", "Total,1,1").codes("place", known) == ["_T", "F", "_T"]
    with pytest.raises(Refused, match="row 2, column place: 'total' is not one of the publisher's codes"):
        cells("total,1,1").codes("place", known)


def test_a_translation_keeps_rows_together(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("place,year,measure,note\nA,1,x,\nB,1,y,n\n")
    found = cells("B,1,0", "A,1,0", "B,1,0").translate(["place", "year"], tmp_path / "t.csv")
    assert found["measure"].tolist() == ["y", "x", "y"] and found["note"].fillna("-").tolist() == ["n", "-", "n"]
    with pytest.raises(Refused, match="row 3, column place . year: 'A' / '2' is not in .*/t.csv"):
        cells("A,1,0", "A,2,0").translate(["place", "year"], tmp_path / "t.csv")


def test_a_translation_with_one_combination_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("place,measure\nA,x\nA,y\n")
    with pytest.raises(Refused, match="a combination stands there twice"):
        cells("A,1,0").translate(["place"], tmp_path / "t.csv")


def test_kept_rows_keep_their_numbers() -> None:
    kept = cells("A,1,1", "B,1,2", "C,1,3").keep(np.array([True, False, True]))
    assert kept["place"] == ["A", "C"] and kept.locators("value") == ["f.csv:2:3", "f.csv:4:3"]


def test_a_wide_table_becomes_long_and_each_figure_keeps_its_cell() -> None:
    wide = csv_cells("w.csv", b"place,2019,2020\nA,1,2\nB,3,4\n", ["place", "2019", "2020"])
    long = wide.unpivot(["place"], "year", "value")
    assert list(zip(long["place"], long["year"], long["value"], long.locators("value"), strict=True)) == [
        ("A", "2019", "1", "w.csv:2:2"),
        ("A", "2020", "2", "w.csv:2:3"),
        ("B", "2019", "3", "w.csv:3:2"),
        ("B", "2020", "4", "w.csv:3:3"),
    ]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="a column stands there twice: 'a'"):
        csv_cells("f.csv", b"a,a\n1,2\n", ["a", "a"])


# Headers and text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (["place", "year"], "missing value;"),
        (["place", "year", "value", "new"], "unknown 'new';"),
        (["place", "Year", "value"], "missing year; unknown 'Year';"),
        (["year", "place", "value"], "the columns stand in another order;"),
        (["place", "year", "value", "value"], "the columns stand in another order;"),
        ([], "missing place, year, value;"),
    ],
)
def test_a_header_that_is_not_the_expected_one_is_refused(found: list[str], words: str) -> None:
    with pytest.raises(Refused) as error:
        check_header("f.csv", found, HEADER, 1)
    assert f"f.csv, row 1: the columns are not the expected ones: {words}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("place,year,value\n", "there is a header and no rows"),
        ("place,year,value\nALB,2019,50", "row 2: the last line does not end"),
        ("place,year,value\nALB,2019\n", "row 2: 2 cells where the header has 3"),
        ("place,year,value\nALB,2019,5,6\n", "row 2: 4 cells where the header has 3"),
        ("place,year,value\nALB,2019,5\n\nAND,2019,6\n", "row 3: 0 cells where the header has 3"),
        ('place,year,value\nALB,2019,"5\n', "not readable as delimited text"),
        ('place,year,value\nALB,"2019"x,5\n', "row 2: not readable as delimited text"),
    ],
)
def test_text_that_is_cut_off_or_shifted_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused) as error:
        csv_cells("f.csv", text.encode(), HEADER)
    assert words in str(error.value)


def test_text_in_another_encoding_is_refused_with_the_byte() -> None:
    with pytest.raises(Refused, match=r"not UTF-8 text \(byte 3\)"):
        decode("f.csv", "Cura\xe7ao".encode("latin-1")[1:])
    assert decode("f.csv", b"\xef\xbb\xbfCura\xc3\xa7ao") == "Curaçao"


def test_text_in_utf_16_is_named_and_short_text_is_not_taken_for_it() -> None:
    with pytest.raises(Refused, match=r"^f\.csv: the text is UTF-16; save it as UTF-8\.$"):
        decode("f.csv", "place,year\n".encode("utf-16"))
    with pytest.raises(Refused, match=r"^f\.csv: the text is UTF-16; save it as big5\.$"):
        decode("f.csv", "機關別,\n".encode("utf-16"), "big5")
    assert [decode("f.csv", data) for data in (b"", b"a", b"ab")] == ["", "a", "ab"]


@given(st.lists(st.lists(st.text("ab,\"\n\r ;'é"), min_size=2, max_size=2), min_size=1))
def test_what_was_written_as_csv_is_read_as_it_was(table: list[list[str]]) -> None:
    assert text_rows("f", delimited(table, quote=True).decode())[0] == table


# JSON


def test_json_cells_have_pointers() -> None:
    records = [{"a": 1, "b": {"c": "x"}}, {"b": {"c": "y"}, "a": 2}]
    found = json_cells("f.json", records, ["a", "b/c"], "/1")
    assert found["b/c"] == ["x", "y"] and found.locators("b/c") == ["/1/0/b/c", "/1/1/b/c"]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "row /1: the array of records is empty"),
        ([{"a": 1}, {}], "row /1/1: the columns are not the expected ones: missing a"),
        ([{"a": 1, "z": 2}], "row /1/0: the columns are not the expected ones: unknown 'z'"),
        ([5], "row /1/0: the columns are not the expected ones"),
        ([None], "row /1/0"),
    ],
)
def test_json_that_is_not_as_expected_is_refused(records: list[Any], words: str) -> None:
    with pytest.raises(Refused) as error:
        json_cells("f.json", records, ["a"], "/1")
    assert words in str(error.value)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', '{"a": 1', "", "[1,]", "\xff"])
def test_json_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"^f\.json"):
        read_json("f.json", text.encode("latin-1"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a": 1, "a": 2}', id="one name twice"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param('{"a": ' + "9" * 5000 + "}", id="too many digits"),
    ],
)
def test_json_that_python_takes_in_its_own_way_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"^f\.json"):
        read_json("f.json", text.encode())


# Zip


def test_members_of_a_zip() -> None:
    assert zip_members("f.zip", zipped({"a.csv": b"1", "b/c.csv": b"2"})) == {"a.csv": b"1", "b/c.csv": b"2"}


@given(st.data())
def test_a_damaged_zip_is_read_or_refused(data: st.DataObject) -> None:
    try:
        zip_members("f.zip", damaged(data, zipped({"a.csv": b"place,year\n" * 20})))
    except Refused as error:
        assert str(error).startswith("f.zip: ")


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "UNPACKED_BYTES", 1000)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(Refused, match="it would unpack to 1,001 bytes"):
        zip_members("f.zip", zipped({"a": b"0" * 600, "b": b"0" * 401}))


def test_a_zip_that_lies_about_its_size_gives_no_more_than_it_says() -> None:
    data = bytearray(zipped({"a": b"0" * 5000}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(Refused, match="not a readable zip"):
        zip_members("f.zip", bytes(data))


def test_one_member_name_twice_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.csv", b"old")
        archive.writestr("a.csv", b"new")
    with pytest.raises(Refused, match=r"a\.csv"):
        zip_members("f.zip", made.getvalue())


# Workbooks


def test_a_sheet_is_read_from_its_first_row() -> None:
    data = sheet(workbook({"other": [["x"]], "s": [[], ["place", "year"], ["ALB", 2019]]}))
    found = sheet_cells(data, "s", read_sheet(data, "s"), 2, ["place", "year"])
    assert found["year"] == (2019.0,) and found.locators("year") == ["s!B3"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (workbook({"other": [["x"]]}), "there is no sheet 's'; the sheets are other"),
        (workbook({"s": []}), "sheet 's' is empty"),
        (workbook({"s": [["place", "year"]]}), "sheet 's' has a header and no rows"),
        (workbook({"s": [["place", "year"], ["ALB", 1]]})[:-100], "not a readable workbook"),
        (b"", "not a readable workbook"),
        (zipped({"a": b"b"}), "not a readable workbook"),
    ],
)
def test_a_workbook_that_is_not_as_expected_is_refused(data: bytes, words: str) -> None:
    file = sheet(data)
    with pytest.raises(Refused) as error:
        sheet_cells(file, "s", read_sheet(file, "s"), 1, ["place", "year"])
    assert words in str(error.value)


# Days


def test_every_sheet_is_read_by_one_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Counted:
        @staticmethod
        def from_filelike(stream: io.BytesIO) -> CalamineWorkbook:
            opened.append(stream)
            return CalamineWorkbook.from_filelike(stream)

    monkeypatch.setattr(reading, "CalamineWorkbook", Counted)
    assert read_workbook(sheet(workbook({"a": [[1]], "b": [["x", 2]]}))) == {"a": [[1.0]], "b": [["x", 2.0]]}
    assert len(opened) == 1


def test_figures_are_counted_as_numbers_and_as_the_text_that_stands_for_one() -> None:
    rows = [[1, 2.5, True, "", "3"], [date(2020, 1, 1), None, "n.p.", "n.p. ", 0]]
    assert (count_figures(rows), count_figures(rows, re.compile(r"n\.p\."))) == (3, 4)


def test_days() -> None:
    assert iso_day("11/05/2023", "%d/%m/%Y") == "2023-05-11"
    with pytest.raises(ValueError, match="day is out of range"):
        iso_day("31/02/2023", "%d/%m/%Y")
    assert year_days([2020, 2019, 2020]) == (
        [date(2020, 1, 1), date(2019, 1, 1), date(2020, 1, 1)],
        [date(2020, 12, 31), date(2019, 12, 31), date(2020, 12, 31)],
    )


def test_json_keeps_numbers_as_they_are() -> None:
    assert read_json("f", json.dumps({"a": [1, 2.5, None]}).encode()) == {"a": [1, 2.5, None]}
