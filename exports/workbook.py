"""The tables as one workbook for people in Excel: typed cells, contents, sources, notes; no formula comes from data.

The largest tables are not in it, and its first sheet says where they are. The same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import xlsxwriter  # type: ignore[import-untyped]

from dictionary.model import Column, Table, dictionary
from exports.words import ABOUT, TITLE, TO_MIND

NAME = "custody.xlsx"

# Of xlsxwriter, which has no types.
Workbook: TypeAlias = Any
Worksheet: TypeAlias = Any
Format: TypeAlias = Any

#: A table with more cells stays out: a sheet with millions opens slowly, and Excel ends at 1,048,576 rows.
MOST_CELLS = 250_000
#: Long lists by which the record and the method are checked, and what country_year has side by side.
ELSEWHERE = frozenset({"left_out", "backtest_case", "estimate", "headline", "population"})
#: What one cell of Excel can hold, in units of UTF-16.
LONGEST = 32_767
CUT = " [cut here: a cell of Excel holds no more; all of it is in {file}]"
#: The greatest whole number that Excel, which counts in floating point, keeps exactly.
EXACT = 2**53
FIRST_DAY = date(1900, 3, 1)  # before it, Excel counts a day that never was
SHEET_NAME = 31
WIDEST = 60
FROZEN = 4  # columns that may stay in sight; more would leave no room for the others
LOOKED_AT = 200  # rows from which a column's width is taken

#: Nothing in a publisher's text becomes a formula, a link or a number.
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}
NUMBERS = {
    "persons": "#,##0",
    "places": "#,##0",
    "establishments": "#,##0",
    "deaths": "#,##0",
    "bytes": "#,##0",
    "per_100k": "#,##0.0",
    "share": "0.0%",
    "percent": "0.0",
}


@dataclass(frozen=True)
class Sheet:
    """One table and the sheet it is on; None where it is not in the workbook."""

    table: Table
    rows: int
    sheet: str | None


def write(path: Path, name: str, today: date, rows: Mapping[str, pa.Table]) -> None:
    """Write the workbook of a release.

    Its date of making is the day of the release, so that the same rows give the same bytes.
    """
    words = dictionary()
    sheets = [_sheet(words.tables[table], found) for table, found in rows.items()]
    with xlsxwriter.Workbook(str(path), OPTIONS) as book:
        made = datetime(today.year, today.month, today.day)
        book.set_properties({"title": TITLE, "subject": f"Release {name}", "author": "Custody", "created": made})
        formats = {key: book.add_format(how) for key, how in FORMATS.items()}
        _contents(book, formats, name, today, sheets)
        _sources(book, formats, rows["source"])
        for of_table in sheets:
            if of_table.sheet:
                _table(book, formats, of_table, rows[of_table.table.name])


FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16},
    "heading": {"bold": True, "bottom": 1},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "top": {"valign": "top"},
    "count": {"num_format": "#,##0", "valign": "top"},
    "link": {"font_color": "#0563C1", "underline": 1, "valign": "top"},
    "date": {"num_format": "yyyy-mm-dd"},
    **{number: {"num_format": number} for number in NUMBERS.values()},
}


def _sheet(table: Table, rows: pa.Table) -> Sheet:
    fits = rows.num_rows * rows.num_columns <= MOST_CELLS and table.name not in ELSEWHERE
    return Sheet(table, rows.num_rows, table.name[:SHEET_NAME] if fits else None)


def _contents(book: Workbook, formats: Mapping[str, Format], name: str, today: date, sheets: Sequence[Sheet]) -> None:
    page = book.add_worksheet("Contents")
    page.hide_gridlines(2)
    for column, width in enumerate((28, 12, 92, 36)):
        page.set_column(column, column, width)
    page.write_string(0, 0, TITLE, formats["title"])
    page.set_row(1, 30)
    page.merge_range(1, 0, 1, 3, f"Release {name} of {today}. {ABOUT}", formats["wrapped"])
    page.write_url(2, 0, "internal:'Sources'!A1", formats["link"], "Sources, their licences, and how to cite them")
    for column, heading in enumerate(("Table", "Rows", "A row is", "Where")):
        page.write_string(4, column, heading, formats["heading"])
    at = 5
    for at, each in enumerate(sheets, 5):
        table = each.table
        if each.sheet:
            page.write_url(at, 0, f"internal:'{each.sheet}'!A1", formats["link"], table.name)
        else:
            page.write_string(at, 0, table.name, formats["top"])
        page.write_number(at, 1, each.rows, formats["count"])
        page.write_string(at, 2, table.row, formats["wrapped"])
        where = "in this workbook" if each.sheet else f"not in this workbook: tables/{table.name}.csv"
        page.write_string(at, 3, where, formats["top"])
    page.write_string(at + 2, 0, "Notes", formats["heading"])
    for line, said in enumerate((*TO_MIND, *OF_THE_WORKBOOK), at + 3):
        page.set_row(line, 30)
        page.merge_range(line, 0, line, 3, f"{line - at - 2}. {said}", formats["wrapped"])


OF_THE_WORKBOOK = (
    "What a column means stands in the note on its heading, and in codebook.md beside this workbook.",
    f"A text of more than {LONGEST:,} characters is cut, and says so; the CSV has all of it.",
    "Publishers' text is text here, also where it begins like a formula.",
)


def _sources(book: Workbook, formats: Mapping[str, Format], source: pa.Table) -> None:
    page = book.add_worksheet("Sources")
    words = dictionary()
    headings = ("source_id", "Title", "Publisher", "Cite as", "Licence", "Class", "Homepage")
    for column, (heading, width) in enumerate(zip(headings, (30, 44, 36, 70, 44, 12, 50), strict=True)):
        page.set_column(column, column, width)
        page.write_string(0, column, heading, formats["heading"])
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, max(source.num_rows, 1), len(headings) - 1)
    for at, s in enumerate(source.to_pylist(), 1):
        licence = words.licences[s["licence"]].title
        said = (s["source_id"], s["title"], s["publisher"], s["citation"], licence, s["licence_class"])
        for column, text in enumerate(said):
            page.write_string(at, column, text, formats["wrapped"])
        if s["homepage"] and s["homepage"].startswith(("https://", "http://")):
            page.write_url(at, len(said), s["homepage"], formats["link"])


def _table(book: Workbook, formats: Mapping[str, Format], of_table: Sheet, rows: pa.Table) -> None:
    table = of_table.table
    page = book.add_worksheet(of_table.sheet)
    beside = 1 + max(table.column_names.index(c) for c in table.key)
    page.freeze_panes(1, beside if beside <= FROZEN else 1)
    page.autofilter(0, 0, max(rows.num_rows, 1), rows.num_columns - 1)
    columns = [rows.column(c.name).to_pylist() for c in table.columns]
    for at, (column, values) in enumerate(zip(table.columns, columns, strict=True)):
        page.set_column(at, at, _width(column, values))
        page.write_string(0, at, column.name, formats["heading"])
        said = column.description + (f" Unit: {column.unit}." if column.unit else "")
        page.write_comment(0, at, said, {"x_scale": 3, "y_scale": 1 + len(said) / 200, "author": "Custody"})
    cut = CUT.format(file=f"tables/{table.name}.csv")
    writers = [_writer(page, formats, column, cut) for column in table.columns]
    for line, values in enumerate(zip(*columns, strict=True), 1):
        for at, (write_cell, value) in enumerate(zip(writers, values, strict=True)):
            if value is not None:
                write_cell(line, at, value)


def _width(column: Column, values: Sequence[Any]) -> int:
    longest = max((len(str(v)) for v in values[:LOOKED_AT] if v is not None), default=0)
    return min(max(longest, len(column.name) + 3) + 1, WIDEST)


def _writer(
    page: Worksheet, formats: Mapping[str, Format], column: Column, cut: str
) -> Callable[[int, int, Any], object]:
    """What writes a cell of a column as its type; what Excel cannot keep exactly is written as text."""

    def text(line: int, at: int, value: Any) -> None:
        page.write_string(line, at, _fit(str(value), cut))

    def number(line: int, at: int, value: Any) -> None:
        if abs(value) > EXACT and column.type == "integer":
            text(line, at, value)
        else:
            page.write_number(line, at, value, form)

    def day(line: int, at: int, value: Any) -> None:
        if value < FIRST_DAY:
            text(line, at, value)
        else:
            page.write_datetime(line, at, value, formats["date"])

    form = formats[NUMBERS[column.unit]] if column.unit in NUMBERS else None
    kinds: dict[str, Callable[[int, int, Any], object]]
    kinds = {"integer": number, "number": number, "date": day, "boolean": page.write_boolean}
    return kinds.get(column.type, text)


def _fit(text: str, cut: str) -> str:
    """A text that fits a cell: a longer one is cut between two characters and says so."""
    if len(text) * 2 <= LONGEST or len(text.encode("utf-16-le")) <= LONGEST * 2:
        return text
    room = (LONGEST - len(cut)) * 2
    return text.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + cut
