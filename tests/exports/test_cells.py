"""Reading a publisher's cell by its locator, on files that are written here."""

from __future__ import annotations

import io
import zipfile

import pytest

from exports.cells import Opened, Unreadable, as_published, figure
from tests.sources.fixtures import workbook

TEXT = '﻿a,b,c\r\n"two\nlines",1,"1,234"\r\nlast,.5,"1 233"\r\n'


def sheet() -> Opened:
    return Opened(
        workbook({"T 1!x": [["name", "m", "w"], ["A", 1, 10], ["B", "", 20], ["C", 3, 30]]}), "xlsx", "book.xlsx"
    )


def test_a_cell_of_a_sheet_whose_name_has_an_exclamation_mark() -> None:
    assert sheet().read("T 1!x!B4").cells == (3.0,)
    assert sheet().read("T 1!x!C2").number == 10


def test_cells_side_by_side_and_cells_apart_are_shown_and_not_added() -> None:
    assert sheet().read("T 1!x!A2:C2").cells == ("A", 1.0, 10.0)
    assert sheet().read("T 1!x!B2,C4").cells == (1.0, 30.0)
    assert sheet().read("T 1!x!B2,C4").number is None


def test_columns_with_rows_are_added_up_and_an_empty_cell_adds_nothing() -> None:
    read = sheet().read("T 1!x!B+C[2-3,4]")
    assert read.number == 1 + 10 + 20 + 3 + 30
    assert sheet().read("T 1!x!B[3]").number == 0


def test_a_sum_over_text_is_no_number() -> None:
    assert sheet().read("T 1!x!A+B[2-4]").number is None


def test_a_line_is_that_on_which_the_record_begins() -> None:
    opened = Opened(TEXT.encode(), "csv", "f.csv")
    assert opened.read("f.csv:2:3").cells == ("1,234",)
    assert opened.read("f.csv:2:3").number == 1234
    assert opened.read("f.csv:4:2").number == 0.5
    with pytest.raises(Unreadable, match="no record of f.csv begins on line 3"):
        opened.read("f.csv:3:1")


def test_tabs_and_a_byte_that_is_no_utf_8() -> None:
    assert Opened(b"a\tb\nx\t12 e\n", "tsv", "f.tsv").read("f.tsv:2:2").number == 12
    assert Opened(b"a,b\nCura\xe7ao,7\n", "csv", "f.csv").read("f.csv:2:1").cells == ("Curaçao",)


def test_a_member_of_a_zip() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/data.csv", "a,b\nx,5\n")
    assert Opened(packed.getvalue(), "zip", "all.zip").read("all.zip/in/data.csv:2:2").number == 5


def test_a_json_pointer() -> None:
    opened = Opened(b'{"data": [{"a/b": 1}, {"a/b": 2.5}]}', "json", "f.json")
    assert opened.read("/data/1/a~1b").number == 2.5


@pytest.mark.parametrize("locator", ["T 1!x!D9", "T 1!x!B99", "none!B2", "T 1!x!B", "T 1!x!B2:C3", "B2", "f.csv:1:1"])
def test_a_locator_that_leads_nowhere_says_so(locator: str) -> None:
    with pytest.raises(Unreadable):
        sheet().read(locator)


@pytest.mark.parametrize("locator", ["f.csv:9:1", "f.csv:1:9", "/data/0", "f.csv"])
def test_a_place_that_a_text_does_not_have(locator: str) -> None:
    with pytest.raises(Unreadable):
        Opened(TEXT.encode(), "csv", "f.csv").read(locator)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (7, 7), (7.5, 7.5), ("7", 7), (" 1,234,567 ", 1234567), ("1\u202f233", 1233), ("-3", -3), ("12 bp", 12), ("621,100**", 621100),
        ("12,3", None), ("1,23,456", None), ("**", None), ("", None), (None, None), (True, None), ("12 persons", None),
        ("1 in 33", None), ("٣", None),
    ],
)  # fmt: skip
def test_what_is_a_figure(cell: object, number: float | None) -> None:
    assert figure(cell) == number


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(31632.0, "31632"), (0.1 + 0.2, "0.3"), (104.25, "104.25"), (-5.0, "-5"), (1e17, "100000000000000000"),
     ("202,700", "202,700"), ("**", "**"), ("", ""), (None, ""), (7, "7")],
)  # fmt: skip
def test_a_cell_is_shown_as_the_file_shows_it(cell: object, shown: str) -> None:
    """A workbook has no whole numbers: 31632 is kept as a float, and nobody who opens it sees a point."""
    assert as_published(cell) == shown
