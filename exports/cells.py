"""Reading a publisher's cell by its locator, as a stranger would by hand with the file and exports/locators.md.

It shares nothing with the parsers that wrote the locators: a locator that leads to another cell shows here. It only
reads; what a cell means is the parser's business.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

#: The grammar: a sheet's cell, a line of text with a column, and what stands in a sheet's place for several cells.
CELL = re.compile(r"([A-Z]{1,3})(\d+)", re.ASCII)
SUM = re.compile(r"([A-Z]{1,3}(?:\+[A-Z]{1,3})*)\[([\d,-]+)\]", re.ASCII)
LINE = re.compile(r"(.+):(\d+):(\d+)", re.DOTALL)

#: A figure as publishers write it: plain digits, or thousands apart by a comma or a space; then Eurostat's flags, or
#: the marks of a note.
FIGURE = re.compile(
    r"(-?(?:\d{1,3}(?:[,\u0020\u00a0\u202f]\d{3})+|\d+)(?:\.\d+)?|-?\.\d+)(?: [a-z]{1,3}|[*†‡]{1,2})?", re.ASCII
)

WORKBOOKS = ("xlsx", "xls", "ods")


class Unreadable(ValueError):
    """A locator that leads to no cell of the file; the message says why."""


@dataclass(frozen=True)
class Read:
    """The cells that a locator names, as published, and whether they are to be added up."""

    cells: tuple[Any, ...]
    summed: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The cells as a reader of the file sees them."""
        return tuple(as_published(cell) for cell in self.cells)

    @property
    def number(self) -> float | None:
        """The figure that the cells give; None where they give none, or several that are not to be added up."""
        found = [figure(cell) for cell in self.cells if not self.summed or cell not in ("", None)]
        if self.summed:
            return None if None in found else float(sum(one for one in found if one is not None))
        return found[0] if len(found) == 1 else None


@dataclass
class Opened:
    """A publisher's file, of which each sheet or member is read once."""

    data: bytes
    media_type: str
    file_name: str
    _kept: dict[str, Any] = field(default_factory=dict)

    def read(self, locator: str) -> Read:
        """The cells at a locator.

        Raises:
            Unreadable: when there are none.
        """
        try:
            if self.media_type in WORKBOOKS:
                return self._of_sheet(locator)
            if self.media_type == "json":
                return Read((self._pointed(locator),))
            return Read((self._of_text(locator),))
        except Unreadable:
            raise
        except (LookupError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise Unreadable(f"{locator!r} is not in {self.file_name} ({type(error).__name__}: {error})") from error

    def _of_sheet(self, locator: str) -> Read:
        sheet, _, where = locator.rpartition("!")
        if sheet not in self._kept:
            from python_calamine import CalamineWorkbook

            if "" not in self._kept:
                self._kept[""] = CalamineWorkbook.from_filelike(io.BytesIO(self.data))
            if sheet not in self._kept[""].sheet_names:
                raise Unreadable(f"there is no sheet {sheet!r} in {self.file_name}")
            self._kept[sheet] = self._kept[""].get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        rows = self._kept[sheet]
        if found := SUM.fullmatch(where):
            columns = [_column(letters) for letters in found[1].split("+")]
            return Read(tuple(_at(rows, row, column) for row in _rows(found[2]) for column in columns), summed=True)
        return Read(tuple(_at(rows, row, column) for row, column in _addresses(where)))

    def _of_text(self, locator: str) -> Any:
        found = LINE.fullmatch(locator)
        if not found:
            raise Unreadable(f"{locator!r} is no place in a text")
        records = self._records(found[1])
        if int(found[2]) not in records:
            raise Unreadable(f"no record of {found[1]} begins on line {found[2]}")
        return records[int(found[2])][int(found[3]) - 1]

    def _records(self, name: str) -> dict[int, list[str]]:
        """The records of a text by the line on which each begins."""
        if name not in self._kept:
            data = self.data
            if self.media_type == "zip":
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    data = archive.read(name.removeprefix(f"{self.file_name}/"))
            text = io.StringIO(_decoded(data), newline="")
            reader = csv.reader(text, delimiter="\t" if self.media_type == "tsv" else ",")
            records, before = {}, 0
            for record in reader:
                records[before + 1] = record
                before = reader.line_num
            self._kept[name] = records
        found: dict[int, list[str]] = self._kept[name]
        return found

    def _pointed(self, pointer: str) -> Any:
        """The value at a JSON pointer (RFC 6901)."""
        if "" not in self._kept:
            self._kept[""] = json.loads(_decoded(self.data))
        value = self._kept[""]
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            value = value[int(name)] if isinstance(value, list) else value[name]
        return value


def figure(cell: Any) -> float | None:
    """The number in a cell; None where it is text that is no figure."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return float(cell)
    found = FIGURE.fullmatch(str(cell).strip())
    return float(re.sub(r"[^\d.-]", "", found[1])) if found else None


def as_published(cell: Any) -> str:
    """A cell as whoever opens the file sees it: a workbook keeps 31632 as 31632.0 and shows no more than 15 digits."""
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() else f"{cell:.15g}"
    return "" if cell is None else str(cell)


def _decoded(data: bytes) -> str:
    """Text in the encodings that publishers use; a mark that is in neither is shown as such."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("windows-1252", "replace")


def _addresses(where: str) -> list[tuple[int, int]]:
    """Row and column, from 1, of a cell, of a range in one row (`B7:D7`) or of several cells (`I9,I25`)."""
    found: list[tuple[int, int]] = []
    for one in where.split(","):
        first, _, last = one.partition(":")
        start, end = CELL.fullmatch(first), CELL.fullmatch(last or first)
        if not start or not end or start[2] != end[2]:
            raise Unreadable(f"{where!r} is no cell of a sheet")
        found += [(int(start[2]), column) for column in range(_column(start[1]), _column(end[1]) + 1)]
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _rows(text: str) -> list[int]:
    """The rows of `2-13,15`."""
    spans = [span.split("-") for span in text.split(",")]
    return [row for span in spans for row in range(int(span[0]), int(span[-1]) + 1)]


def _at(rows: list[list[Any]], row: int, column: int) -> Any:
    """A cell by row and column from 1."""
    if not 1 <= row <= len(rows) or not 1 <= column <= len(rows[row - 1]):
        raise Unreadable(f"row {row}, column {column} is outside the sheet")
    return rows[row - 1][column - 1]
