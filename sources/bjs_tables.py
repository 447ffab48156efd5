"""Tables of the US Bureau of Justice Statistics, which all its reports publish in one layout.

A file is one table: lines that describe it, its title, one to four header rows, the body, and notes that explain every
symbol and footnote used above. Columns move between editions, so that a figure is known by the headers above it and the
labels before it, never by its column; and what a symbol means is read in the file's own notes. Which table it is, is
read in its title, because table numbers change their meaning. What the figures mean belongs to the parsers, and so does
what must hold among them: a table is proved by its own sums, changes and shares, because nothing outside it says how
many rows and columns an edition should have.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from math import inf, log
from pathlib import Path
from typing import Any

import pandas as pd

from sources.errors import Refused, refusal
from sources.reading import LeftOut, Parsed, RawFile, iso_day, text_rows

#: A figure as the publisher writes it, with commas between thousands; a year has none.
FIGURE = re.compile(r"-?(\d{1,3}(,\d{3})*|\d+)(\.\d+)?", re.ASCII)
YEAR = re.compile(r"(19|20)\d\d", re.ASCII)

#: Figures in words: "1 in 33", "15 mos.", "<0.01".
IN_WORDS = re.compile(r"1 in \d+|\d+ mos\.|<\d+\.\d+", re.ASCII)

#: What stands beside a figure and is none: units, and marks of comparison, which the notes explain.
UNITS = frozenset({"%", "yrs.", "mos.", "arsts."})
MARKS = frozenset({"*", "**", "†", "‡"})

FOOTNOTE = re.compile(r"([a-z])/(.+)", re.DOTALL)
SYMBOL = re.compile(r"(\^\^|\^|\*\*|\*|†|‡|~|:|#|--|…|\.\.\.|\.\.|/)\s*(\S.*)", re.DOTALL)
SLASHED = re.compile(r"(.*\S)/([a-z](?:,\s?[a-z])*)", re.DOTALL)
NUMBERED = re.compile(r"(Appendix table|Table|Figure) (\d+)\. (.+)", re.IGNORECASE | re.DOTALL)
KEY = re.compile(r"(at|t|f)\d\d(?=\.csv$)", re.ASCII)
STAMP = re.compile(r"\d{1,2}/\d{1,2}/(\d{4}|\d{2})", re.ASCII)

_YEARS = r"\d{4}(?:-\d{4})?(?:(?:,? and|,) \d{4}(?:-\d{4})?)*"
_DAY = r"(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2}, "
TITLE_END = re.compile(rf", (?:{_DAY})?(?P<years>{_YEARS})$", re.ASCII)

#: What differs between the titles of one table about two cohorts, and what stands for it in a list of subjects.
COHORT = (
    (re.compile(r"\b\d+ states in (?:19|20)\d\d\b", re.ASCII), "# states in #"),
    (re.compile(r"\bin (?:19|20)\d\d\b", re.ASCII), "in #"),
    (re.compile(r"\bwithin \d+ years\b", re.ASCII), "within # years"),
    (re.compile(r"Standard errors for table \d+: .+", re.DOTALL), "Standard errors for table #"),
)


#: What symbols leave open of a count, by their meaning in the notes; any other symbol says nothing about it.
HIDDEN = {"Four or fewer persons.": (0.0, 4.0), "Not applicable.": (0.0, 0.0)}

#: What a person can do where a figure is only unlikely.
UNLESS = " If it is right all the same, name the cell in the source's misprints.csv, meant as it is printed, and why."

#: A row or column by the end of its labels or headers, from the outermost inwards.
Name = tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A cell of figures: the labels of its row and the headers of its column, both from the outermost inwards.

    `value` is None where the cell is a symbol of the notes, then in `symbol`, or a figure in words.
    """

    line: int
    column: int
    labels: tuple[str, ...]
    heads: tuple[str, ...]
    text: str
    value: float | None
    symbol: str | None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table as published.

    Attributes:
        title: the title that stands over the header.
        subject: the title without its number and the years at its end; `#` stands for what is a cohort's own.
        vintage: the publisher's date of version, as an ISO date.
        note: the general note, empty where there is none.
        source: the last line, which names the surveys.
        meanings: what each symbol and each footnote letter means, from the notes.
        items: cells of figures, counted before any is interpreted.
        meant: by line and column, what a figure is by others of the table that contradict it, where a person said so.
        words: what a header or label is meant to say, by what is printed, where a person said so.
        granted: by line and column, what a person found to be right although it is unlikely.
    """

    name: str
    title: str
    subject: str
    vintage: str
    note: str
    source: str
    meanings: Mapping[str, str]
    figures: Sequence[Figure]
    items: int
    meant: Mapping[tuple[int, int], float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    granted: frozenset[tuple[int, int]] = frozenset()

    def refuse(self, figure: Figure, why: str) -> Refused:
        """The error for one cell."""
        return refusal(self.name, why, figure.line, str(figure.column))

    def plain(self, text: str, known: Collection[str]) -> str | None:
        """The one of `known` that `text` is, footnotes apart; None when it is none.

        A footnote letter is glued to a label with a slash, or without one, so that only a known label can tell.
        """
        return next((base for base, _ in self._bases(text) if base in known), None)

    def footnotes(self, text: str, known: Collection[str]) -> list[str]:
        """What the footnotes glued to `text` say, in their order."""
        letters = next((letters for base, letters in self._bases(text) if base in known), ())
        return [self.meanings[letter] for letter in letters]

    def say(self, figure: Figure, needed: str) -> None:
        """Refuse unless the table's note says `needed`, on which the meaning of the figure rests."""
        if needed not in self.note:
            raise self.refuse(figure, f"the table's note no longer says {needed!r}; read the note again.")

    def years(self) -> list[int]:
        """The years that the title names at its end."""
        if not (found := TITLE_END.search(_tidy(self.title))):
            raise refusal(self.name, f"the title {self.title!r} does not end with years.")
        spans = [part.split("-") for part in re.split(r",? and |, ", found["years"])]
        return [year for span in spans for year in range(int(span[0]), int(span[-1]) + 1)]

    def two_years(self) -> tuple[int, int]:
        """The two years that the title names."""
        if len(years := self.years()) != 2:
            raise refusal(self.name, f"the title names {len(years)} years instead of two.")
        return years[0], years[1]

    def _bases(self, text: str) -> list[tuple[str, tuple[str, ...]]]:
        """The texts that `text` may be, each with the footnotes that are then glued to it."""
        bases: list[tuple[str, tuple[str, ...]]] = [(text, ())]
        if (found := SLASHED.fullmatch(text)) and all(x in self.meanings for x in found[2].replace(" ", "").split(",")):
            bases.append((found[1], tuple(found[2].replace(" ", "").split(","))))
        if text[-1:] in self.meanings:
            bases.append((text[:-1].rstrip(), (text[-1],)))
        return bases


@dataclass
class Ledger:
    """Every figure of a table, once: as a row or among those left out."""

    table: Table
    dataset: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    out: dict[tuple[str, int], list[Figure]] = field(default_factory=dict)

    def row(
        self,
        figure: Figure,
        cells: Mapping[str, Any],
        notes: Sequence[str] = (),
        column: str = "value",
        percent: bool = False,
        status: str = "A",
    ) -> None:
        """The figure as a row; a symbol is a missing figure, and its meaning the note.

        Where the publisher writes % beside the figure, it must be one of a column of percentages.
        """
        if not percent and "%" in figure.marks:
            raise self.table.refuse(figure, f"{figure.text!r} is followed by % in a column that is no percentage.")
        if figure.value is None and figure.symbol is None:
            raise self.table.refuse(figure, f"{figure.text!r} is not a number.")
        said = [*notes]
        if figure.symbol is not None:
            said.insert(0, f"{figure.symbol} {self.table.meanings[figure.symbol]}")
        self.rows.append(
            {
                "locator": f"{self.table.name}:{figure.line}:{figure.column}",
                "dataset": self.dataset,
                column: figure.value,
                "status": status if figure.symbol is None else "M",
                "note": " ".join(said) or None,
                **cells,
            }
        )

    def leave(self, figure: Figure, reason: str) -> None:
        """The figure as left out; those of one column and reason are one entry."""
        self.out.setdefault((reason, figure.column), []).append(figure)

    def parsed(self, table: str) -> Parsed:
        """All of it."""
        left = []
        for (reason, column), figures in self.out.items():
            first, last = figures[0], figures[-1]
            where = f"{self.table.name}:{first.line}" + (f"-{last.line}" if last.line != first.line else "")
            raw = {"header": " / ".join(filter(None, first.heads)), "cells": {f.line: f.text for f in figures}}
            left.append(LeftOut(f"{where}:{column}", reason, raw, len(figures)))
        rows = {table: pd.DataFrame(self.rows)} if self.rows else {}
        return Parsed(self.table.vintage, self.table.items, rows, left)


@dataclass(frozen=True)
class Between:
    """From what to what a figure can lie that is known only as it was rounded, or only by its symbol.

    The arithmetic is that of figures that are not below zero: what two of them can make at the least and at the most.
    """

    low: float
    high: float

    def __add__(self, other: Between) -> Between:
        return Between(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Between) -> Between:
        return Between(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Between) -> Between:
        return Between(self.low * other.low, self.high * other.high if self.high and other.high else 0)

    def __truediv__(self, other: Between) -> Between:
        low = self.low / other.high if other.high else inf
        return Between(low if self.low else 0, self.high / other.low if other.low else inf)

    def change(self, before: Between) -> Between:
        """The change from `before` to this in percent."""
        ratio = self / before
        return Between(100 * ratio.low - 100, 100 * ratio.high - 100)

    def growth(self, before: Between, years: int) -> Between:
        """The same as a rate of growth over so many years, which the publisher calls the average annual change."""
        ratio = self / before
        return Between(*(100 * log(bound) / years if bound else -inf for bound in (ratio.low, ratio.high)))


@dataclass(frozen=True)
class Block:
    """Figures of one kind: every one of the declared rows and columns, once.

    Attributes:
        unit: to what the figures are rounded; 0 for a count of persons that is not.
    """

    table: Table
    rows: Sequence[Name]
    columns: Sequence[Name]
    unit: float
    cells: Mapping[tuple[Name, Name], Figure]

    @classmethod
    def of(
        cls, table: Table, rows: Iterable[Name], columns: Iterable[Name], unit: float = 0, signed: bool = False
    ) -> Block:
        """The block, proved to be whole and written in its unit; only changes are `signed`.

        Raises:
            Refused: naming the row or column that is missing or stands there twice, or the figure that cannot be.
        """
        rows, columns = list(rows), list(columns)
        row_of = {labels: _named(table, labels, rows) for labels in {f.labels for f in table.figures}}
        column_of = {heads: _named(table, heads, columns) for heads in {f.heads for f in table.figures}}
        cells: dict[tuple[Name, Name], Figure] = {}
        for figure in table.figures:
            row, column = row_of[figure.labels], column_of[figure.heads]
            if row is None or column is None:
                continue
            if other := cells.get((row, column)):
                again = f"row {' / '.join(row)!r}" if other.line != figure.line else f"column {' / '.join(column)!r}"
                raise table.refuse(figure, f"the {again} stands there twice.")
            cells[row, column] = figure
            _written(table, figure, unit or 1, signed)
        for kind, names, found in (("row", rows, row_of.values()), ("column", columns, column_of.values())):
            if absent := [" / ".join(name) for name in names if name not in found]:
                raise refusal(
                    table.name, f"the {kind} {absent[0]!r} is missing, one of {len(names)} that it must have."
                )
        if gaps := [(row, column) for row in rows for column in columns if (row, column) not in cells]:
            at, under = map(" / ".join, gaps[0])
            raise refusal(table.name, f"the row {at!r} has no figure in column {under!r}.")
        return cls(table, rows, columns, unit, cells)

    def around(self, row: Name, column: Name) -> Between:
        """From what to what the figure can lie before it was rounded, as far as the table says."""
        if (figure := self.cells.get((row, column))) is None:
            named = f"{' / '.join(row)} in {' / '.join(column)}"
            raise refusal(self.table.name, f"there is no figure of {named}, from which another is computed.")
        if (value := self._value(figure)) is None:
            return Between(*HIDDEN.get(self.table.meanings.get(figure.symbol or "", ""), (0, inf)))
        return Between(max(0, value - self.unit / 2), value + self.unit / 2)

    def _value(self, figure: Figure) -> float | None:
        return self.table.meant.get((figure.line, figure.column), figure.value)

    def total(self, cells: Iterable[tuple[Name, Name]]) -> Between:
        """The sum of figures."""
        return sum((self.around(*cell) for cell in cells), Between(0, 0))

    def hold(self, row: Name, column: Name, expected: Between, why: str) -> None:
        """Refuse unless the figure, as it was rounded, lies where others say that it must; a symbol says nothing."""
        self._hold(self.cells[row, column], expected, why)

    def likely(self, row: Name, column: Name, expected: Between, why: str) -> None:
        """The same for where it lies in all that is known, unless a person found that this one is right outside."""
        if not self._granted(figure := self.cells[row, column]):
            self._hold(figure, expected, why, UNLESS)

    def given(self, row: Name, column: Name, why: str) -> None:
        """Refuse a symbol where a figure is expected, unless a person found that it is right."""
        figure = self.cells[row, column]
        if figure.value is None and not self._granted(figure):
            raise self.table.refuse(figure, f"{figure.text.strip()!r} stands where {why}.{UNLESS}")

    def alphabetical(self, rows: Sequence[Name]) -> None:
        """Refuse rows that stand in another order than that of their names, because two labels may be exchanged."""
        figures = [self.cells[row, self.columns[0]] for row in rows]
        for (before, above), (row, figure) in pairwise(zip(rows, figures, strict=True)):
            if figure.line < above.line and not self._granted(figure):
                why = f"{' / '.join(row)} stands above {' / '.join(before)}, out of the order of the alphabet."
                raise self.table.refuse(figure, why + UNLESS)

    def _granted(self, figure: Figure) -> bool:
        return (figure.line, figure.column) in self.table.granted

    def _hold(self, figure: Figure, expected: Between, why: str, advice: str = "") -> None:
        if (value := self._value(figure)) is None:
            return
        slack = self.unit / 2 + 1e-9 * max(1, abs(value))
        if not expected.low - slack <= value <= expected.high + slack:
            low, high = (f"{round(bound, 3):,.12g}" for bound in (expected.low, expected.high))
            made = low if low == high else f"at least {low}" if high == "inf" else f"{low} to {high}"
            raise self.table.refuse(figure, f"{figure.text.strip()!r} does not agree with {why}: {made}.{advice}")

    def hold_sum(self, row: Name, column: Name, made: Between, why: str, twice: float = 0) -> None:
        """Refuse unless the figure is the sum `made`, of which a share of at most `twice` may be counted twice."""
        self.hold(row, column, Between(0 if twice else made.low, made.high), why)
        if twice:
            once = Between(made.low * (1 - twice), inf)
            self.likely(row, column, once, f"{why}, if at most {twice:.0%} are counted twice")

    def rows_add_up(self, whole: Name, parts: Sequence[Name]) -> None:
        """In each column, the parts make the whole."""
        for column in self.columns:
            made = self.total((part, column) for part in parts)
            self.hold(whole, column, made, f"the sum of {_listed(parts)}")

    def columns_add_up(self, whole: Name, parts: Sequence[Name], twice: float = 0) -> None:
        """In each row, the parts make the whole, of which a share of at most `twice` may be counted in two of them."""
        for row in self.rows:
            made = self.total((row, part) for part in parts)
            self.hold_sum(row, whole, made, f"the sum of {_listed(parts)}", twice)

    def columns_within(self, whole: Name, parts: Sequence[Name]) -> None:
        """In each row, the parts do not exceed the whole, which has others too."""
        for row in self.rows:
            made = self.total((row, part) for part in parts)
            self.hold(row, whole, Between(made.low, inf), f"the sum of {_listed(parts)}, which it includes")

    def columns_ordered(self, more: Name, less: Name) -> None:
        """In each row, the one is at least the other, as in all that was ever published: columns have not changed."""
        for row in self.rows:
            why = f"{' / '.join(less)}, which is never the larger"
            self.likely(row, more, Between(self.around(row, less).low, inf), why)

    def percent(self) -> None:
        """No figure is outside 0 to 100."""
        for cell in self.cells:
            self.hold(*cell, Between(0, 100), "percentages")

    def alike(self, names: Sequence[tuple[Name, Name]], times: float) -> None:
        """Figures that follow each other differ by less than `times`: a decimal point has not moved."""
        for before, cell in pairwise(names):
            near = self.around(*before)
            why = f"{' / '.join(before[0])} beside it, if it is less than {times:g} times as much or as little"
            self.likely(*cell, Between(near.low / times, near.high * times), why)


def _named(table: Table, texts: Sequence[str], names: Sequence[Name]) -> Name | None:
    """Which of the names the labels or headers end with, footnotes apart; the longest of several."""
    last = table.plain(texts[-1], {name[-1] for name in names})
    fits = [
        name
        for name in names
        if name[-1] == last
        and len(name) <= len(texts)
        and all(table.plain(text, (part,)) is not None for text, part in zip(texts[-len(name) :], name, strict=True))
    ]
    return max(fits, key=len, default=None)


def _written(table: Table, figure: Figure, unit: float, signed: bool) -> None:
    """Refuse a figure of a block that is no number, is finer than its unit, or below zero."""
    if figure.value is None:
        if figure.symbol is None:
            raise table.refuse(figure, f"{figure.text!r} is not a number.")
    elif abs(figure.value / unit - round(figure.value / unit)) > 1e-6:
        raise table.refuse(figure, f"{figure.text.strip()!r} is not a multiple of {unit:g}, to which the table rounds.")
    elif figure.value < 0 and not signed:
        raise table.refuse(figure, f"{figure.text.strip()!r} is below zero.")


def _listed(names: Sequence[Name]) -> str:
    """The names, of many only the first and the last."""
    said = [" / ".join(name) for name in names]
    return " and ".join(said) if len(said) < 4 else f"{said[0]} to {said[-1]}"


@dataclass(frozen=True)
class Reading:
    """How a table is read: what each figure means, and what must hold among them."""

    figure: Callable[[Ledger, Figure], None]
    proof: Callable[[Table], None]


@dataclass(frozen=True)
class Subject:
    """What a table is about: its dataset, the way of reading it, and why it is left out where there is none."""

    dataset: str
    reading: str
    reason: str


def subject(table: Table, path: Path) -> Subject:
    """The table's entry in a source's list of subjects, by its title."""
    with path.open(encoding="utf-8", newline="") as stream:
        known = {row.pop("subject"): Subject(**row) for row in csv.DictReader(stream)}
    if table.subject not in known:
        raise refusal(
            table.name,
            f"a table about {table.subject!r} is not in {path.parent.name}/{path.name}; add it there once it is read.",
        )
    return known[table.subject]


def _with_meant(table: Table, path: Path) -> Table:
    """The table with what its misprints are meant to say, where the cell still is what is listed."""
    with path.open(encoding="utf-8", newline="") as stream:
        listed = [row for row in csv.DictReader(stream) if (row["file"], row["vintage"]) == (table.name, table.vintage)]
    figures = {(figure.line, figure.column): figure.text for figure in table.figures}
    meant: dict[tuple[int, int], float] = {}
    words: dict[str, str] = {}
    granted: set[tuple[int, int]] = set()
    for row in listed:
        at, text = (int(row["line"]), int(row["column"])), row["text"]
        if at not in figures:
            words[_tidy(text)] = row["meant"]
        elif figures[at] == text == row["meant"]:
            granted.add(at)
        elif figures[at] == text:
            meant[at] = float(row["meant"])
    return replace(table, meant=meant, words=words, granted=frozenset(granted))


def parse_table(file: RawFile, folder: Path, readings: Mapping[str, Reading], into: str) -> Parsed:
    """Rows of one table, in the way that its title asks for; those of a source are known by its `subjects.csv`.

    A figure that others of the table contradict is refused, unless the source's `misprints.csv` says what it is meant
    to be; then that must agree with all of them, and the row still has the figure as it is printed. One that is only
    unlikely is refused too, unless it is listed there as meant so. A header or label is listed by its text.
    """
    table = _with_meant(read(file), folder / "misprints.csv")
    about = subject(table, folder / "subjects.csv")
    ledger = Ledger(table, about.dataset)
    for figure in table.figures:
        if about.reading:
            readings[about.reading].figure(ledger, figure)
        else:
            ledger.leave(figure, about.reason)
    if about.reading:
        readings[about.reading].proof(table)
    return ledger.parsed(into)


def read(file: RawFile) -> Table:
    """The table in a file.

    Raises:
        Refused: naming the line and cell that are not as in any known edition.
    """
    rows, lines = text_rows(file.name, _decode(file.name, file.data))
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    for row, line in zip(rows, lines, strict=False):
        if len(row) != len(rows[0]):
            raise refusal(file.name, f"{len(row)} cells where the first line has {len(rows[0])}.", line)
    blank = next((at for at, row in enumerate(rows) if not any(cell.strip() for cell in row)), None)
    if blank is None or blank + 1 >= len(rows):
        raise refusal(file.name, "no blank line after the lines that describe the table, and nothing below it.")
    vintage, number = _described(file, [row[0].strip() for row in rows[:blank]])
    title = _tidy(rows[blank + 1][0])
    if not (found := NUMBERED.fullmatch(title)) or (found[1].casefold(), found[2]) != number:
        raise refusal(file.name, f"{title!r} is not the title of the table described above.", lines[blank + 1])
    if not rows[-1][0].startswith("Source:"):
        raise refusal(file.name, "the table does not end with its source; it may be cut off, get it again.", len(rows))
    end = 1 + max((at for at, row in enumerate(rows) if any(cell.strip() for cell in row[1:])), default=0)
    if end <= blank + 2:
        raise refusal(file.name, "there are no figures below the title.", lines[blank + 1])
    note, meanings = _notes(file.name, rows[end:], lines[end:])
    figures, items = _body(file.name, rows[blank + 2 : end], lines[blank + 2 : end], meanings)
    about = TITLE_END.sub("", found[3])
    for varying, constant in COHORT:
        about = varying.sub(constant, about)
    return Table(file.name, title, about, vintage, note, _tidy(rows[-1][0]), meanings, figures, items)


def _tidy(text: str) -> str:
    """A title, label or header with single spaces and plain hyphens, because editions differ in both."""
    return " ".join(text.replace("\u2013", "-").split())


def _decode(name: str, data: bytes) -> str:
    """UTF-8 where it is, or else Windows-1252, the two that the publisher uses."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("windows-1252")
    except UnicodeDecodeError as error:
        raise refusal(name, f"neither UTF-8 nor Windows-1252 text (byte {error.start}).") from error


def _described(file: RawFile, lines: Sequence[str]) -> tuple[str, tuple[str, str]]:
    """The date of version and the number of the table, from the lines above it."""
    if lines[0] != "Bureau of Justice Statistics":
        raise refusal(file.name, f"the first line is {lines[0]!r}, not the publisher's name.", 1)

    def the(*names: str) -> str:
        found = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0] in names]
        if len(found) != 1:
            raise refusal(file.name, f"the lines above the table have {len(found)} of {' or '.join(names)}.")
        return found[0]

    key = KEY.search(named := the("Filename", "File name"))
    if not key or key[0] != file.file:
        raise refusal(file.name, f"it calls itself {named!r} and is taken for {file.file}; it is another table.")
    stamp = the("Date of version")
    try:
        if not (form := STAMP.fullmatch(stamp)):
            raise ValueError
        vintage = iso_day(stamp, "%m/%d/%Y" if len(form[1]) == 4 else "%m/%d/%y")
    except ValueError as error:
        raise refusal(file.name, f"the date of version {stamp!r} is not a date as month/day/year.") from error
    numbers = [found for line in lines if (found := NUMBERED.fullmatch(line))]
    if len(numbers) != 1:
        raise refusal(file.name, "the lines above the table do not name it as a table, appendix table or figure.")
    return vintage, (numbers[0][1].casefold(), numbers[0][2])


def _notes(name: str, rows: Sequence[Sequence[str]], lines: Sequence[int]) -> tuple[str, dict[str, str]]:
    """The general note, and the meanings of symbols and footnotes."""
    note, meanings = "", {}
    for row, line in zip(rows, lines, strict=False):
        text = row[0].strip()
        if text.startswith("Note:"):
            note = _tidy(text)
        elif text.startswith("Source:"):
            continue
        elif found := FOOTNOTE.fullmatch(text) or SYMBOL.fullmatch(text):
            if found[1] in meanings:
                raise refusal(name, f"{found[1]!r} is explained twice.", line)
            meanings[found[1]] = found[2].strip()
        else:
            raise refusal(name, f"{text[:60]!r} is neither a note, a footnote nor the meaning of a symbol.", line)
    return note, meanings


def _figure(cell: str, meanings: Mapping[str, str]) -> tuple[float | None, str | None] | None:
    """Value and symbol of a cell of figures; None for a cell that is none."""
    bare = cell.strip()
    number = bare.rstrip("*†‡")
    if FIGURE.fullmatch(number) and (number == cell or bare[len(number) :] in meanings):
        return float(number.replace(",", "")), None
    if bare in meanings and bare not in MARKS and not bare.isalpha():
        return None, bare
    return (None, None) if IN_WORDS.fullmatch(bare) else None


def _is_header(row: Sequence[str], meanings: Mapping[str, str]) -> bool:
    """Whether a row above the first figures is a header: no figure but years, and not a label alone."""
    filled = [at for at, cell in enumerate(row) if cell.strip()]
    if not filled or filled == [0]:
        return False
    return not any(_figure(row[at], meanings) and not YEAR.fullmatch(row[at].strip()) for at in filled if at)


def _body(
    name: str, rows: Sequence[Sequence[str]], lines: Sequence[int], meanings: Mapping[str, str]
) -> tuple[list[Figure], int]:
    """The figures of header and body, and how many there are, counted by what cells look like."""
    depth = next((at for at, row in enumerate(rows) if not _is_header(row, meanings)), len(rows))
    if not depth or depth == len(rows):
        raise refusal(name, "the title is not followed by a header and figures.", lines[0] if lines else None)
    header, body = rows[:depth], rows[depth:]
    looks = [[bool(at and _figure(cell, meanings)) for at, cell in enumerate(row)] for row in body]
    first = min((row.index(True) for row in looks if True in row), default=0)
    if not first:
        raise refusal(name, "there are no figures below the header.", lines[depth])
    heads = _heads(header, first)
    figures: list[Figure] = []
    stack: list[str] = []
    for row, line in zip(body, lines[depth:], strict=False):
        stack = _labels(name, row[:first], line, stack)
        for at in range(first, len(row)):
            if not (cell := row[at]).strip():
                if at in heads and any(other.strip() for other in row[first:]):
                    raise refusal(name, "an empty cell, where a figure or its symbol belongs.", line, str(at + 1))
                continue
            if at in heads:
                if (read := _figure(cell, meanings)) is None:
                    raise refusal(name, f"{cell!r} is neither a figure nor explained in the notes.", line, str(at + 1))
                labels = tuple(filter(None, stack))
                figures.append(Figure(line, at + 1, labels, heads[at], cell, *read))
            elif not set(cell.split()) <= UNITS | (MARKS & set(meanings)):
                raise refusal(name, f"{cell!r} stands in a column without a header.", line, str(at + 1))
            else:
                last = figures[-1] if figures and figures[-1].line == line else None
                if last is None:
                    raise refusal(name, f"the mark {cell!r} stands beside no figure.", line, str(at + 1))
                figures[-1] = replace(last, marks=(*last.marks, *cell.split()))
    return figures, sum(map(sum, looks))


def _heads(header: Sequence[Sequence[str]], first: int) -> dict[int, tuple[str, ...]]:
    """The headers over each column of figures; an upper header stands over all columns up to the next one."""
    spans: list[list[str]] = []
    for row in header[:-1]:
        over, span = "", []
        for at, cell in enumerate(row):
            over = _tidy(cell) or (over if at > first else "")
            span.append(over)
        spans.append(span)
    return {
        at: (*(span[at] for span in spans), _tidy(cell))
        for at, cell in enumerate(header[-1])
        if at >= first and cell.strip()
    }


def _labels(name: str, cells: Sequence[str], line: int, before: Sequence[str]) -> list[str]:
    """The labels of a row: its own in the column of its level, and those of the levels over it from rows before."""
    filled = [at for at, cell in enumerate(cells) if cell.strip()]
    if len(filled) != 1:
        raise refusal(name, f"{len(filled)} labels before the figures of a row; there must be one.", line)
    if (label := _tidy(cells[level := filled[0]])).startswith(("Note:", "Source:")):
        raise refusal(name, "a figure stands below the table's notes.", line)
    return [*before[:level], *[""] * (level - len(before)), label]


def year_of(table: Table, figure: Figure, text: str) -> int:
    """A year as label or header, a mark of comparison apart."""
    bare = text.strip().rstrip("*")
    if not YEAR.fullmatch(bare):
        raise table.refuse(figure, f"{text!r} is not a year.")
    return int(bare)


def last_weekday_of_june(year: int) -> date:
    """The day to which the publisher's counts of local jails refer."""
    day = date(year, 6, 30)
    return day - timedelta(days=max(0, day.weekday() - 4))


@cache
def states() -> Mapping[str, str]:
    """The place of each jurisdiction, by the publisher's label; Georgia and Washington are states here."""
    with Path(__file__).with_name("bjs_states.csv").open(encoding="utf-8", newline="") as stream:
        return {row["label"]: row["place_id"] for row in csv.DictReader(stream)}


#: The rows of a table by jurisdiction: the totals, and the states with the District of Columbia.
TOTALS: Sequence[Name] = [("U.S. total",), ("Federal",), ("State",)]
STATES: Sequence[Name] = [(label,) for label in states() if (label,) not in TOTALS]
