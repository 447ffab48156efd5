"""Strict reading: from a publisher's bytes to a table whose every cell knows where it stood.

Here belong the formats (workbook, CSV, TSV, JSON, zip) and the strict interpretation of cells. The unknown is an
error that names file, row, column and value; nothing is skipped, trimmed or guessed. What a column means is the
parser's own business.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from sources.archive import is_utf_16
from sources.errors import Refused, refusal
from sources.places import Resolver, UnknownPlace, find

T = TypeVar("T")
Row = int | str
Rows = list[list[Any]]
Locate = Callable[[Any, int], str]

NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

#: What the library raises on a zip that is cut off, damaged, locked or packed in a way it does not know.
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)

#: No publisher's member file is larger unpacked; a zip that says otherwise is a bomb.
UNPACKED_BYTES = 512 * 1024 * 1024

#: The texts that cells share are at most half a megabyte in known files; each entry takes far more room than its bytes.
SHARED_TEXTS = "sharedstrings.xml"
SHARED_BYTES = 32 * 1024 * 1024

#: No publisher's sheet has more cells laid out; a few bytes can claim seventeen thousand million.
SHEET_CELLS = 20_000_000


@dataclass(frozen=True)
class RawFile:
    """A publisher's file as a parser gets it: bytes, names, and the source's way of resolving places."""

    name: str
    file: str
    data: bytes
    places: Resolver


@dataclass
class Parsed:
    """What a parser makes of a file.

    Attributes:
        vintage: the publisher's version stamp as an ISO date, or None where the file bears none.
        items: how many items the file holds (rows of a tidy file, cells of a wide one), counted before reading them.
        rows: tidy rows by table name; columns are the dictionary's, those that are constant or default may be absent.
            Every frame has a column `locator`.
        left_out: items that are no row, with columns locator, items, reason, raw.
        about: tidy rows that describe what is counted (table `facility`) and are no items of their own.
    """

    vintage: str | None
    items: int
    rows: Mapping[str, pd.DataFrame]
    left_out: list[LeftOut] = field(default_factory=list)
    about: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """Items of a file that become no row, and why."""

    locator: str
    reason: str
    raw: Mapping[str, Any]
    items: int = 1


class Cells:
    """A rectangular table of cells under one header, each cell with its place in the file.

    Methods interpret one column at a time and refuse the whole file at the first cell that they cannot interpret.
    """

    def __init__(
        self,
        name: str,
        header: Sequence[str],
        columns: Sequence[Sequence[Any]],
        rows: Sequence[Row],
        locate: Locate,
    ):
        """Hold the columns; `rows` are the file's own row numbers, `locate(row, column index)` writes a locator.

        Two columns of one name are refused, because each would answer for the other.
        """
        if len(set(header)) != len(header):
            raise refusal(
                name,
                f"a column stands there twice: {next(c for c in header if list(header).count(c) > 1)!r}.",
            )
        self.name = name
        self.header = list(header)
        self.rows = rows
        self._columns = dict(zip(self.header, columns, strict=True))
        self._locate = locate
        self._codes: dict[str, tuple[np.ndarray[Any, np.dtype[np.intp]], int]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> Sequence[Any]:
        """The cells of a column as they are."""
        return self._columns[column]

    def refuse(self, index: int, column: str, why: str) -> Refused:
        """The error for one cell."""
        return refusal(self.name, why, self.rows[index], column)

    def locators(self, column: str) -> list[str]:
        """Where each cell of the column stands."""
        position = self.header.index(column)
        return [self._locate(row, position) for row in self.rows]

    def raw(self, index: int) -> dict[str, Any]:
        """One row as published."""
        return {column: cells[index] for column, cells in self._columns.items()}

    def keep(self, mask: np.ndarray[Any, Any]) -> Cells:
        """The rows where `mask` is true."""
        at = np.flatnonzero(mask).tolist()
        columns = [[cells[i] for i in at] for cells in self._columns.values()]
        return Cells(self.name, self.header, columns, [self.rows[i] for i in at], self._locate)

    def unpivot(self, keys: Sequence[str], column: str, value: str) -> Cells:
        """A wide table as a long one: one row for each cell that is not in a column of `keys`.

        The keys are repeated, the cell's header becomes the cell of `column`, the cell itself that of `value`.
        """
        wide = [c for c in self.header if c not in keys]
        at = [self.header.index(c) for c in wide]
        size = len(self)
        columns = [[cell for cell in self._columns[k] for _ in wide] for k in keys]
        columns += [wide * size, [self._columns[c][i] for i in range(size) for c in wide]]
        cells = [(row, position) for row in self.rows for position in at]
        rows = [f"{row}:{position + 1}" for row, position in cells]
        located = {name: self._locate(row, position) for name, (row, position) in zip(rows, cells, strict=True)}
        return Cells(self.name, [*keys, column, value], columns, rows, lambda row, _: located[row])

    def replace(
        self, columns: Sequence[str], into: Sequence[str], read: Callable[[tuple[Any, ...]], Sequence[Any]]
    ) -> Cells:
        """The same rows with `columns` replaced by those that `read` makes of each distinct combination of their cells.

        The new columns stand last, and are located where the first of `columns` stands.
        """
        made = list(zip(*self.lookup(columns, read), strict=True)) or [()] * len(into)
        kept = [c for c in self.header if c not in columns]
        at = [*map(self.header.index, kept), *[self.header.index(columns[0])] * len(into)]
        cells = [*(self._columns[c] for c in kept), *made]
        return Cells(self.name, [*kept, *into], cells, self.rows, lambda row, position: self._locate(row, at[position]))

    def each(self, column: str, read: Callable[[Any], T]) -> list[T]:
        """Interpret each distinct cell once with `read`, which raises ValueError for what it does not know."""
        return self.lookup([column], lambda cell: read(cell[0]))

    def lookup(self, columns: Sequence[str], read: Callable[[tuple[Any, ...]], T]) -> list[T]:
        """Interpret several columns together, each distinct combination once."""
        codes, firsts = self._coded(columns)
        known: list[T] = []
        for first in firsts:
            cells = tuple(self._columns[c][first] for c in columns)
            try:
                known.append(read(cells))
            except (ValueError, KeyError) as error:
                why = str(error) if isinstance(error, ValueError) else f"{_show(cells)} is not known"
                raise self.refuse(first, " + ".join(columns), why) from error
        return [known[code] for code in codes.tolist()]

    def _coded(self, columns: Sequence[str]) -> tuple[np.ndarray[Any, np.dtype[np.intp]], list[int]]:
        """The number of each row's combination of cells, counted as they first appear, and where each first stands."""
        codes = np.zeros(len(self), dtype=np.intp)
        for column in columns:
            of_column, distinct = self._coded_column(column)
            codes = codes * distinct + of_column
            if len(columns) > 1:
                codes = pd.factorize(codes)[0]  # small again, so that many columns cannot overflow
        seen = pd.Series(codes).duplicated().to_numpy()
        return codes, np.flatnonzero(~seen).tolist()

    def _coded_column(self, column: str) -> tuple[np.ndarray[Any, np.dtype[np.intp]], int]:
        """The number of each cell, counted as they first appear, and how many there are; kept for the next question."""
        if column not in self._codes:
            cells = self._columns[column]
            number = {cell: n for n, cell in enumerate(dict.fromkeys(cells))}
            codes = np.fromiter(map(number.__getitem__, cells), np.intp, len(self))
            self._codes[column] = codes, len(number)
        return self._codes[column]

    def translate(self, columns: Sequence[str], table: Path) -> pd.DataFrame:
        """Translate several columns together by a CSV of the source's folder.

        The first columns of the CSV hold the publisher's words, in the order of `columns`; the others are columns of
        ours and become those of the result, an empty cell a missing value.
        """
        with table.open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        width = len(columns)
        known = {tuple(row[:width]): number for number, row in enumerate(rows)}
        if len(known) != len(rows):
            raise Refused(f"{table.parent.name}/{table.name}: a combination stands there twice.")

        def read(cells: tuple[Any, ...]) -> int:
            if cells not in known:
                raise ValueError(
                    f"{_show(cells)} is not in {table.parent.name}/{table.name}; add it there once its meaning is known"
                )
            return known[cells]

        take = self.lookup(columns, read)
        by_column = dict(zip(header[width:], list(zip(*rows, strict=True))[width:], strict=True))
        meanings = pd.DataFrame({name: [c or None for c in cells] for name, cells in by_column.items()})
        return meanings.take(take).reset_index(drop=True)

    def codes(self, column: str, codes: Mapping[str, T]) -> list[T]:
        """Translate a column by an exact table."""

        def read(cell: Any) -> T:
            if cell not in codes:
                raise ValueError(f"{cell!r} is not one of the publisher's codes that Custody knows ({_some(codes)})")
            return codes[cell]

        return self.each(column, read)

    def constant(self, column: str, value: str) -> None:
        """Refuse the file unless every cell of the column is `value`."""
        self.codes(column, {value: value})

    def places(self, column: str, resolver: Resolver) -> list[str]:
        """Translate a column of the publisher's place codes."""

        def read(cell: Any) -> str:
            try:
                return resolver(cell)
            except UnknownPlace as error:
                raise ValueError(f"{error} If it is a new code, add it to the source's aliases.csv.") from error

        return self.each(column, read)

    def agree(self, column: str, names: str, resolver: Resolver) -> None:
        """Refuse the file where the place's name, in column `names`, is not a name of the place of its code."""

        def read(cells: tuple[Any, ...]) -> None:
            named = find(cells[1])  # UnknownPlace is a ValueError and says what is nearest
            if named.place_id != resolver(cells[0]):
                raise ValueError(f"the code {cells[0]!r} and the name {cells[1]!r} are different places")

        self.lookup([column, names], read)

    def integers(self, column: str, low: int, high: int) -> list[int]:
        """Whole numbers within bounds, from numeric cells or plain digits."""

        def read(cell: Any) -> int:
            whole = _number(cell)
            if whole != int(whole) or not low <= whole <= high:
                raise ValueError(f"{cell!r} is not a whole number from {low} to {high}")
            return int(whole)

        return self.each(column, read)

    def numbers_or_missing(self, column: str) -> list[float | None]:
        """Numbers, and None for an empty cell."""
        return self.each(column, lambda cell: None if cell in ("", None) else _number(cell))

    def numbers(self, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Numbers, none missing."""
        cells = self._columns[column]
        types = [type(cell) for cell in cells]
        if bool in types:  # Python takes TRUE for 1, so that each cell must be looked at by its type
            raise self.refuse(types.index(bool), column, f"{cells[types.index(bool)]!r} is not a number")
        if set(types) <= {float, int}:
            values = np.asarray(cells, dtype=np.float64)
            bad = ~np.isfinite(values)
            if bad.any():
                raise self.refuse(int(bad.argmax()), column, f"{cells[int(bad.argmax())]!r} is not a number")
            return values
        return np.asarray(self.each(column, _number), dtype=np.float64)


def _show(cells: Iterable[Any]) -> str:
    return " / ".join(repr(c) for c in cells)


def _some(codes: Iterable[Any], most: int = 12) -> str:
    listed = sorted(map(str, codes))
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _number(cell: Any) -> float:
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise ValueError(f"{cell!r} is not a number")
    if isinstance(cell, str) and not NUMBER.fullmatch(cell):
        raise ValueError(f"{cell!r} is not a number; a figure is digits with a point, without spaces or marks")
    if not np.isfinite(number := float(cell)):
        raise ValueError(f"{cell!r} is not a number")
    return number


def check_header(name: str, found: Sequence[Any], expected: Sequence[str], row: Row) -> None:
    """Refuse a header that is not exactly the expected one, and say what is missing or new."""
    if list(found) == list(expected):
        return
    missing = [c for c in expected if c not in found]
    new = [str(c) for c in found if c not in expected]
    what = "; ".join(
        part
        for part in (
            f"missing {', '.join(missing)}" if missing else "",
            f"unknown {', '.join(map(repr, new))}" if new else "",
            "" if missing or new else "the columns stand in another order",
        )
        if part
    )
    raise refusal(
        name,
        f"the columns are not the expected ones: {what}; the parser must be changed before this file can be read.",
        row,
    )


def column_letters(index: int) -> str:
    """The spreadsheet name of a zero-based column: A, B, … Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _zip_size(name: str, archive: zipfile.ZipFile) -> None:
    if (size := sum(info.file_size for info in archive.infolist())) > UNPACKED_BYTES:
        raise refusal(name, f"it would unpack to {size:,} bytes, more than any known file; it is not read.")


#: A cell that does not begin with a reference up to Z99999, one that begins with none, and one with a prefixed name.
ODD_CELL = re.compile(rb'<c(?![a-z])(?! r="[A-Z]\d{1,5}")')
STRANGE_CELL = re.compile(rb'<c(?![a-z])(?! r="[A-Za-z]{1,3}\d{1,9}")')
PREFIXED = re.compile(rb":c[\s/>]")
NARROW = (99_999, 26)
#: Every reference, and other ways to write the same that XML allows.
REFERENCE = re.compile(rb' r="([A-Za-z]{0,3})(\d{1,9})"')
UNUSUAL = (b" r='", b"\tr", b"\nr", b"\rr", b" r ", b"r= ")
#: A cell without a reference, which stands beside the one before it; any cell; and where rows begin.
UNREFERENCED = re.compile(rb"<(?:\w+:)?c(?=[\s/>])(?![^>]*\sr\s*=)")
CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
ROW = re.compile(rb"<(?:\w+:)?row\b")


def _xlsx_extent(xml: bytes, exact: bool) -> tuple[int, int]:
    """Rows and columns that a worksheet's cells reach at most; where all are ordinary, Z99999 is mostly near enough.

    One pass proves that, in a tenth of the time that laying the cells out takes.
    """
    start, end = xml.find(b"sheetData"), xml.rfind(b"sheetData")
    if start < 0:
        return 0, 0
    prefixed = xml.find(b":", start, end) >= 0 and PREFIXED.search(xml, start, end) is not None
    if not exact and not prefixed and ODD_CELL.search(xml, start, end) is None:
        return NARROW
    strange = prefixed or STRANGE_CELL.search(xml, start, end) is not None
    if strange and any(form in xml for form in UNUSUAL):
        xml = re.sub(rb"\s+r\s*=\s*(['\"])([A-Za-z]{0,3}\d{1,9})\1", rb' r="\2"', xml)
    found = set(REFERENCE.findall(xml))
    rows = max((int(row) for _, row in found), default=0)
    columns = max((_column_number(letters.upper()) for letters in {c for c, _ in found}), default=0)
    if strange and UNREFERENCED.search(xml):
        each = [len(CELL.findall(row)) for row in ROW.split(xml)]
        return rows + len(each), columns + max(each)
    return rows, columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _ods_extents(xml: bytes) -> list[tuple[int, int]]:
    """Rows and columns that the cells of each table reach, as repeated, to the last that is not empty."""
    extents = []
    for table in re.split(rb"<table:table[ >]", xml)[1:]:
        rows = height = width = 0
        for row in re.split(rb"<table:table-row\b", table)[1:]:
            head, _, cells = row.partition(b">")
            rows += _repeated(head, b"rows")
            if b"<text:p" not in cells and b"office:value" not in cells:
                continue
            height = rows
            at = 0
            for cell in re.split(rb"<table:(?:covered-)?table-cell\b", cells)[1:]:
                at += _repeated(cell.partition(b">")[0], b"columns")
                if b"<text:p" in cell or b"office:value" in cell:
                    width = max(width, at)
        extents.append((height, width))
    return extents


def _repeated(attributes: bytes, what: bytes) -> int:
    found = re.search(rb"number-" + what + rb'-repeated="(\d{1,9})"', attributes)
    return int(found[1]) if found else 1


def _unpacked(data: bytes, info: zipfile.ZipInfo) -> bytes:
    """A member of a zip, of which no more is unpacked than its directory says; zipfile would stop there in silence."""
    name_length, extra_length = struct.unpack_from("<HH", data, info.header_offset + 26)
    start = info.header_offset + 30 + name_length + extra_length
    packed = memoryview(data)[start : start + info.compress_size]
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{info.filename} is locked or packed in a way that is not known")
    if info.compress_type == zipfile.ZIP_STORED:
        unpacked = bytes(packed)
    else:
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, info.file_size + 1)
    if len(unpacked) != info.file_size or zlib.crc32(unpacked) != info.CRC:
        raise zipfile.BadZipFile(f"{info.filename} does not unpack to the {info.file_size:,} bytes that are said")
    return unpacked


def _cells_laid_out(file: RawFile, archive: zipfile.ZipFile, exact: bool) -> int:
    """How many cells all sheets of a workbook reach over; refused, where that is `exact`, when they are too many."""
    cells = 0
    for info in archive.infolist():
        if info.filename.lower().endswith(SHARED_TEXTS) and info.file_size > SHARED_BYTES:
            why = f"{info.filename} would unpack to {info.file_size:,} bytes, more than in any known file"
            raise refusal(file.name, f"{why}; it is not read.")
        unpacked = _unpacked(file.data, info)
        ods = info.filename == "content.xml"
        for rows, columns in _ods_extents(unpacked) if ods else [_xlsx_extent(unpacked, exact)]:
            cells += rows * columns
            if rows * columns > SHEET_CELLS or (exact and cells > SHEET_CELLS):
                why = f"{info.filename} reaches over {rows:,} rows and {columns:,} columns"
                all_of_them = f", all sheets so far over {cells:,} cells" if cells > rows * columns else ""
                raise refusal(file.name, f"{why}{all_of_them}, more than any known file; it is not read.")
    return cells


def _bounded(file: RawFile) -> None:
    """Refuse a workbook that would fill the memory, before anything lays its cells out."""
    if not file.data.startswith(b"PK"):
        return  # the older format has at most 65,536 rows of 256 columns
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            _zip_size(file.name, archive)
            # Many ordinary sheets may be much smaller than Z99999 each; then how far they reach is looked up.
            if _cells_laid_out(file, archive, exact=False) > SHEET_CELLS:
                _cells_laid_out(file, archive, exact=True)
    except DAMAGED_ZIP as error:
        why = f"not a readable workbook, truncated or damaged ({error}); get it again."
        raise refusal(file.name, why) from error


@contextmanager
def workbook(file: RawFile) -> Iterator[CalamineWorkbook]:
    """A workbook whose sheets may be read; every parser opens workbooks by this, because it asks how far they reach.

    Raises:
        Refused: when the workbook is damaged or too large.
    """
    _bounded(file)
    try:
        yield CalamineWorkbook.from_filelike(io.BytesIO(file.data))
    except (CalamineError, zipfile.BadZipFile, OSError) as error:
        raise refusal(file.name, f"not a readable workbook, truncated or damaged ({error}); get it again.") from error


def read_workbook(file: RawFile) -> dict[str, Rows]:
    """All rows of every sheet of a workbook, which is opened once, by the sheets' names.

    Raises:
        Refused: when the workbook is damaged or too large.
    """
    with workbook(file) as opened:
        return {name: _all_rows(opened, name) for name in opened.sheet_names}


def read_sheet(file: RawFile, sheet: str) -> Rows:
    """All rows of one sheet of a workbook.

    Raises:
        Refused: when the workbook is damaged or too large, the sheet is not there or it is empty.
    """
    with workbook(file) as opened:
        if sheet not in opened.sheet_names:
            raise refusal(file.name, f"there is no sheet {sheet!r}; the sheets are {', '.join(opened.sheet_names)}.")
        rows = _all_rows(opened, sheet)
    if not rows:
        raise refusal(file.name, f"sheet {sheet!r} is empty.")
    return rows


def _all_rows(opened: CalamineWorkbook, sheet: str) -> Rows:
    """The rows of a sheet from its first, as text, numbers, dates and booleans."""
    rows: Rows = opened.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return rows


def count_figures(rows: Iterable[Iterable[Any]], text: re.Pattern[str] | None = None) -> int:
    """How many cells hold a number, or text that is a figure or stands for one; dates and truths are none."""
    return sum(
        (isinstance(cell, (int, float)) and not isinstance(cell, bool))
        or (text is not None and isinstance(cell, str) and text.fullmatch(cell) is not None)
        for row in rows
        for cell in row
    )


def sheet_cells(file: RawFile, sheet: str, rows: Rows, header_row: int, expected: Sequence[str]) -> Cells:
    """The table of a sheet whose header stands in `header_row` (1 is the first) and is exactly `expected`."""
    if len(rows) < header_row:
        raise refusal(file.name, f"sheet {sheet!r} ends before the header, which belongs in row {header_row}.")
    check_header(file.name, rows[header_row - 1], expected, header_row)
    body = rows[header_row:]
    if not body:
        raise refusal(file.name, f"sheet {sheet!r} has a header and no rows.")
    letters = [column_letters(i) for i in range(len(expected))]
    numbers = range(header_row + 1, header_row + 1 + len(body))
    return Cells(
        file.name,
        expected,
        list(zip(*body, strict=True)),
        numbers,
        lambda row, col: f"{sheet}!{letters[col]}{row}",
    )


def decode(name: str, data: bytes, encoding: str = "utf-8-sig") -> str:
    """Text in the encoding that the publisher uses: UTF-8, with or without a byte order mark, unless another is given.

    A member of a zip is looked at here for the first time, a file was before it was stored.
    """
    words = "UTF-8" if encoding == "utf-8-sig" else encoding
    if is_utf_16(data):
        raise refusal(name, f"the text is UTF-16; save it as {words}.")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise refusal(
            name, f"not {words} text (byte {error.start}); get it again or say which encoding it is in."
        ) from error


def text_rows(name: str, text: str, delimiter: str = ",", ended: bool = True) -> tuple[list[list[str]], list[int]]:
    """The records of delimited text and the line on which each begins.

    A number that is cut off looks like a number, so that the last line must be `ended`; say False of a publisher who
    never ends it.

    Raises:
        Refused: when the text is empty, cut off in its last line or a quoted cell is never closed.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    before = 0
    try:
        for row in reader:
            rows.append(row)
            lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        raise refusal(name, f"not readable as delimited text ({error}).", before + 1) from error
    if not any(rows):
        raise refusal(name, "the file is empty.")
    if ended and not text.endswith(("\n", "\r")):
        raise refusal(name, "the last line does not end, so that the file may be cut off; get it again.", before)
    return rows, lines


def text_cells(name: str, rows: list[list[str]], lines: list[int], header: Sequence[str]) -> Cells:
    """A table of text records under `header`; each record must have exactly as many cells."""
    if not rows:
        raise refusal(name, "there is a header and no rows.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise refusal(
                name,
                f"{len(row)} cells where the header has {len(header)}; the row is cut off or shifted.",
                line,
            )
    return Cells(name, header, list(zip(*rows, strict=True)), lines, lambda row, col: f"{name}:{row}:{col + 1}")


def csv_cells(name: str, data: bytes, expected: Sequence[str], delimiter: str = ",") -> Cells:
    """A CSV whose first record is exactly the expected header."""
    rows, lines = text_rows(name, decode(name, data), delimiter)
    check_header(name, rows[0], expected, 1)
    return text_cells(name, rows[1:], lines[1:], expected)


def read_json(name: str, data: bytes) -> Any:
    """Parsed JSON, numbers as they are; NaN, a name given twice and nesting without end are refused."""

    def refuse_constant(text: str) -> Any:
        raise refusal(name, f"{text} is not a number in JSON.")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) != len(pairs):
            raise refusal(name, f"one name stands twice in {', '.join(key for key, _ in pairs)[:80]!r}.")
        return record

    try:
        return json.loads(decode(name, data), parse_constant=refuse_constant, object_pairs_hook=once)
    except (RecursionError, ValueError) as error:
        if not isinstance(error, json.JSONDecodeError):
            raise refusal(name, f"JSON that no publisher writes ({type(error).__name__}); get it again.") from error
        raise refusal(
            name, f"not readable JSON ({error.msg}, line {error.lineno}); it may be cut off, get it again."
        ) from error


def json_cells(name: str, records: Sequence[Any], expected: Sequence[str], pointer: str) -> Cells:
    """The table of a JSON array at `pointer`: objects with exactly the expected names, in whatever order.

    A value inside a value has the column `outer/inner`, so that pointer, row and column make its JSON pointer.
    """
    if not records:
        raise refusal(name, "the array of records is empty.", pointer)
    flat = [_flat(record) for record in records]
    for number, record in enumerate(flat):
        if sorted(record) != sorted(expected):
            check_header(name, sorted(record), sorted(expected), f"{pointer}/{number}")
    columns = [[record[c] for record in flat] for c in expected]
    return Cells(name, expected, columns, range(len(flat)), lambda row, col: f"{pointer}/{row}/{expected[col]}")


def _flat(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        return {"": repr(record)}
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat |= {f"{key}/{inner}": cell for inner, cell in _flat(value).items()}
        else:
            flat[key] = repr(value) if isinstance(value, (list, bool)) else value
    return flat


def zip_members(name: str, data: bytes) -> dict[str, bytes]:
    """The files in a zip, by name.

    Raises:
        Refused: when it is damaged or would unpack to more than any publisher's file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _zip_size(name, archive)
            names = archive.namelist()
            if twice := sorted({member for member in names if names.count(member) > 1}):
                raise refusal(name, f"the file {twice[0]} is in it twice.")
            return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    except DAMAGED_ZIP as error:
        raise refusal(name, f"not a readable zip, truncated or damaged ({error}); get it again.") from error


def iso_day(text: str, pattern: str) -> str:
    """An ISO date from text in the form of `pattern` (as in `strptime`); ValueError when it is not."""
    from datetime import datetime

    return datetime.strptime(text, pattern).date().isoformat()


def year_days(years: Sequence[int]) -> tuple[list[date], list[date]]:
    """First and last day of each year."""
    first = {year: date(year, 1, 1) for year in set(years)}
    last = {year: date(year, 12, 31) for year in set(years)}
    return [first[y] for y in years], [last[y] for y in years]


class Sheet:
    """One sheet as it is, for tables that are stacked or stand beside each other under headers of their own.

    Rows count from 1 and columns from 0; a cell outside the sheet is empty.
    """

    def __init__(self, file: str, name: str, rows: Rows):
        """Hold the cells of sheet `name` of the file, without the empty rows at its end."""
        self.file = file
        self.name = name
        last = max((number for number, row in enumerate(rows, start=1) if any(cell != "" for cell in row)), default=0)
        self.rows = rows[:last]

    def at(self, row: int, column: int) -> Any:
        """A cell as it is, the empty text where there is none."""
        return self.rows[row - 1][column] if row <= len(self.rows) and column < len(self.rows[row - 1]) else ""

    def line(self, row: int, first: int = 0, end: int | None = None) -> list[Any]:
        """The cells of a row from column `first` to before `end`, or without `end` to the last that is not empty."""
        if end is None:
            whole = self.rows[row - 1] if row <= len(self.rows) else []
            end = max((i + 1 for i, cell in enumerate(whole) if cell != ""), default=first)
        return [self.at(row, column) for column in range(first, end)]

    def locator(self, row: int, first: int, last: int | None = None) -> str:
        """Where a cell stands, or the cells of a row from `first` to `last`."""
        start = f"{self.name}!{column_letters(first)}{row}"
        return start if last is None or last == first else f"{start}:{column_letters(last)}{row}"

    def refuse(self, row: int, column: int, why: str) -> Refused:
        """The error for one cell."""
        return refusal(self.file, why, f"{row} of sheet {self.name!r}", column_letters(column))

    def expect(self, row: int, column: int, *expected: Any) -> Any:
        """The cell, which must be one of those expected."""
        if (cell := self.at(row, column)) not in expected or isinstance(cell, bool):
            known = " or ".join(map(repr, expected))
            raise self.refuse(row, column, f"{cell!r} stands where {known} is expected.")
        return cell

    def number(self, row: int, column: int, low: float = 0, high: float = 1e12, whole: bool = False) -> float:
        """The number in a numeric cell, within bounds; text is none, whatever it looks like."""
        cell = self.at(row, column)
        kind = "whole number" if whole else "number"
        if isinstance(cell, bool) or not isinstance(cell, (int, float)) or not low <= cell <= high:
            raise self.refuse(row, column, f"{cell!r} is not a {kind} from {low:g} to {high:g}.")
        if whole and cell != int(cell):
            raise self.refuse(row, column, f"{cell!r} is not a {kind}.")
        return float(cell)


def read_sheets(file: RawFile, expected: Sequence[str]) -> dict[str, Sheet]:
    """All sheets of a workbook by name; there must be exactly those expected.

    Raises:
        Refused: when the workbook is damaged, or a sheet is missing or unknown.
    """
    with workbook(file) as opened:
        names = opened.sheet_names
        if strange := sorted(set(names) ^ set(expected)):
            new = ", ".join(repr(name) for name in strange if name in names)
            missing = ", ".join(repr(name) for name in strange if name not in names)
            what = "; ".join(part for part in (new and f"unknown {new}", missing and f"missing {missing}") if part)
            raise refusal(file.name, f"the sheets are not the expected ones: {what}.")
        return {name: Sheet(file.name, name, _all_rows(opened, name)) for name in expected}


def said(cell: str) -> str:
    """A text that must not be empty."""
    if not cell.strip():
        raise ValueError("nothing is said here")
    return cell


def without_figure(cells: Cells, frame: pd.DataFrame, reasons: pd.Series[Any]) -> tuple[pd.DataFrame, list[LeftOut]]:
    """The rows made of `cells` that have no reason to be left out, and the entries for those that have one."""
    out = reasons.notna()
    entries = [LeftOut(frame["locator"][i], str(reasons[i]), cells.raw(i)) for i in out[out].index]
    return frame[~out].reset_index(drop=True), entries
