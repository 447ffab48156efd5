"""Northern Ireland, one-year proven reoffending: a workbook whose sheets hold one table or several beside each other.

`labels.csv` says, in the order of the lines of each table, whom each line is about. An item is what a table says of
one group: the number who reoffended, the number in the cohort and the rate together, or a cell where a table has only
one.

Adults and youths are everybody, men and women too, the lines of a table are its total where notes 5 and 6 do not say
otherwise, and those who reoffended did so in one month and one category.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd

from sources.errors import refusal
from sources.reading import LeftOut, Parsed, RawFile, Sheet, column_letters, iso_day, read_sheets
from sources.sums import add_up, floats, follow

Line = Mapping[str, str]

SHEETS = ["Cover_Sheet", "Table_of_Contents", "Notes", *map(str, range(1, 13))]
STAMP = re.compile(r".*originally published at \S+ on (\d{1,2} [A-Z][a-z]+ \d{4})")
SOURCE = re.compile(r"Source: Adult and Youth Reoffending in Northern Ireland \((\d{4}/\d{2}) Cohort\)")
COHORT = re.compile(r"(\d{4})/(\d{2})", re.ASCII)

#: What the symbol and the groups mean; where the publisher changes these words, the parser must be changed too.
NOTES = {
    "note 1": "Percentage cannot be shown where denominator is less than 50.",
    "note 5": "Individual disposals will not sum to overall total.  For each of these groupings, only the first "
    "instance a person is included in this category is counted.",
    "note 6": "Individual disposals will not sum to overall total. Figures for less than 12 months are also inclusive "
    "of those up to three months.",
}
SUPPRESSED = "x"
LEAST = 50
NO_RATE = f"Rate: {SUPPRESSED}, {NOTES['note 1'][0].lower()}{NOTES['note 1'][1:]}"

#: First words of the title of each sheet; `[notes 1]` is the publisher's.
TITLES = {
    "1": "Annual reoffending rates",
    "2": "Reoffending rate by age and gender [notes 1] [note 2]",
    "3": "Reoffending rate by number of previous offences [note 1]",
    "4": "Reoffending rate by age at first recorded offence [note 1] [note 3]",
    "5": "Reoffending rate by time between first recorded offence and baseline date [note 1] [note 4]",
    "6": "Number of proven reoffences",
    "7": "Reoffending interval by disposal group [note 1] [note 5]",
    "8": "Reoffending rate by disposal [note 1] [note 5]",
    "9": "Reoffending rate by custodial sentence length [note 1] [note 6]",
    "10": "Reoffending rate by baseline offence category [note 1]",
    "11": "Baseline offence category by first reoffence category [note 1] [note 7]",
    "12": "Reoffending rate by specified and serious offences [note 1]",
}
FIRST_YEAR = "2010/11"
#: What Table 1 says of everybody, adults and youths in that year, which does not add up.
NOT_ADULTS_AND_YOUTHS = {((33815, 30576, 3248), (5646, 4875, 772))}
AGES = {"Overall": "_T", "Adult": "ADULT", "Youth": "JUVENILE"}

OVERALL = ["Total number who reoffended", "Total number in cohort", "Overall one-year proven reoffending rate (%)"]
BY_AGE = [
    *OVERALL,
    "Number of adults who reoffended", "Number of adults in cohort", "Adult one-year proven reoffending rate (%)",
    "Number of youths who reoffended", "Number of youths in cohort", "Youth one-year proven reoffending rate (%)",
]  # fmt: skip
BY_SEX = [
    *OVERALL,
    "Number of males who reoffended", "Number of males in cohort", "Male one-year proven reoffending rate (%)",
    "Number of females who reoffended", "Number of females in cohort", "Female one-year proven reoffending rate (%)",
]  # fmt: skip
CUSTODY = [*OVERALL[:2], "One-year proven reoffending rate (%)"]
BY_YEAR = {
    "Overall": ["Year ", "Total number in cohort", "Total number who reoffended within one year",
                "Overall one-year proven reoffending rate (%)"],
    "Adult": ["Year ", "Number of adults in cohort", "Number of adults who reoffended within one year",
              "Adult one-year proven reoffending rate (%)"],
    "Youth": ["Year ", "Number of youths in cohort", "Number of youths who reoffended within one year",
              "Youth one-year proven reoffending rate (%)"],
}  # fmt: skip
REOFFENCES = [
    "Number of proven reoffences ", "Total number who reoffended", "Percent of total who reoffended (%)",
    "Number of adults who reoffended", "Percent of adults who reoffended (%) ",
    "Number of youths who reoffended", "Percent of youths who reoffended (%)",
]  # fmt: skip
MONTHS = ["1 month", *(f"{month} months" for month in range(2, 13))]
KINDS = [
    "VAP", "Sexual", "Robbery", "Theft", "Burglary", "Criminal Damage & Arson", "Drugs", "Possession of Weapons",
    "Public Order", "Motoring", "Fraud", "Misc",
]  # fmt: skip
WORDS = {"VAP": "Violence Against the Person", "Misc": "Miscellaneous"}


@dataclass(frozen=True)
class Table:
    """A table with one line for a group, then three columns for each of its breakdowns."""

    sheet: str
    labels: list[str]
    header: list[str]
    breakdowns: list[Mapping[str, str]]
    header_row: int = 6
    note: str | None = None
    lines_add_up: bool = True


OF_ALL: Mapping[str, str] = {}
AGE_COLUMNS = [OF_ALL, {"age": "ADULT"}, {"age": "JUVENILE"}]
TABLES = [
    Table("2", ["Age"], BY_SEX, [OF_ALL, {"sex": "M"}, {"sex": "F"}]),
    Table("3", ["Number of previous offences"], BY_AGE, AGE_COLUMNS),
    Table("4", ["Age"], BY_AGE, AGE_COLUMNS),
    Table("5", ["Time in Years"], BY_AGE, AGE_COLUMNS),
    Table("8", ["Disposal group\xa0", "Disposal"], BY_AGE, AGE_COLUMNS, note=NOTES["note 5"], lines_add_up=False),
    Table(
        "9",
        ["Custodial sentence length band", "Custodial sentence length"],
        CUSTODY,
        [OF_ALL],
        note=NOTES["note 6"],
        lines_add_up=False,
    ),
    Table("10", ["Baseline offence category"], BY_AGE, AGE_COLUMNS),
    Table("12", ["Criminal Justice (NI)  Order 2008 list"], BY_AGE, AGE_COLUMNS, header_row=7, lines_add_up=False),
]

DISTRIBUTION = (
    "distribution of those who reoffended by number of reoffences; neither a share of the cohort nor a mean number"
)
OF_REOFFENDERS = "percentage of those who reoffended, not of the cohort; the numbers themselves are in the same sheet"
AGAIN = "share of those who reoffended whose first reoffence is on the list too; no population of reoffenders is known"


@dataclass
class Made:
    """The rows and what is left out, as they come."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    items: int = 0


def parse(file: RawFile) -> Parsed:
    """One row from each group of each table, and one from each number by month or by category."""
    sheets = read_sheets(file, SHEETS)
    vintage = _stamp(sheets["Cover_Sheet"])
    _check_notes(sheets["Notes"])
    latest = _check_titles(sheets)
    made = Made()
    _by_year(sheets["1"], latest, made)
    for table in TABLES:
        _table(sheets[table.sheet], table, latest, made)
    _reoffences(sheets["6"], made)
    _months(sheets["7"], latest, made)
    _kinds(sheets["11"], latest, made)
    _first_reoffence_on_the_list(sheets["12"], made)
    frame = pd.DataFrame(made.rows).fillna({"sex": "_T", "age": "_T", "offence": "_T", "subgroup": "_T"})
    frame["follow_up_from_months"] = frame["follow_up_from_months"].fillna(0)
    frame["place_id"] = "GBR-NIR"
    frame["basis"] = "release_cohort"
    frame["outcome"] = "reconviction"
    frame["counts_technical_violations"] = False
    frame["status"] = "A"
    return Parsed(vintage, made.items, {"recidivism": frame}, made.left_out)


def _stamp(sheet: Sheet) -> str:
    for row in range(1, len(sheet.rows) + 1):
        if found := STAMP.fullmatch(str(sheet.at(row, 0))):
            try:
                return iso_day(found[1], "%d %B %Y")
            except ValueError as error:
                raise sheet.refuse(row, 0, f"{found[1]!r} is not a date.") from error
    raise refusal(sheet.file, f"sheet {sheet.name!r} does not say when the tables were published.")


def _check_notes(sheet: Sheet) -> None:
    found = {sheet.at(row, 0): sheet.at(row, 1) for row in range(1, len(sheet.rows) + 1)}
    for number, words in NOTES.items():
        if found.get(number) != words:
            raise refusal(sheet.file, f"{number} of sheet {sheet.name!r} is not {words!r} but {found.get(number)!r}.")


def _check_titles(sheets: Mapping[str, Sheet]) -> str:
    """Check that each sheet is about what it should be; gives the year of the cohort of all but the first."""
    years = set()
    for name, words in TITLES.items():
        sheet = sheets[name]
        sheet.expect(1, 0, f"Worksheet {name}: {words}")
        row = 5 if name not in ("1", "6") else 4
        found = SOURCE.fullmatch(str(sheet.at(row, 0)))
        if not found:
            raise sheet.refuse(row, 0, f"{sheet.at(row, 0)!r} does not say which cohort the table is about.")
        years.add(found[1])
    if len(years) > 1:
        raise refusal(sheets["1"].file, f"the sheets are about different cohorts, {' and '.join(sorted(years))}.")
    return years.pop()


def _days(sheet: Sheet, row: int, column: int, year: str) -> tuple[date, date]:
    """First and last day of a financial year such as 2021/22."""
    found = COHORT.fullmatch(year)
    if not found or (int(found[1]) + 1) % 100 != int(found[2]):
        raise sheet.refuse(row, column, f"{year!r} is not a year such as 2021/22.")
    return date(int(found[1]), 4, 1), date(int(found[1]) + 1, 3, 31)


@cache
def _lines(table: str) -> list[Line]:
    """The lines of a table in their order."""
    with Path(__file__).with_name("labels.csv").open(encoding="utf-8", newline="") as stream:
        return [line for line in csv.DictReader(stream) if line["table"] == table]


def _header(sheet: Sheet, row: int, column: int, expected: list[str]) -> None:
    for at, words in enumerate(expected, start=column):
        sheet.expect(row, at, words)


def _percent(cell: float) -> float:
    """The publisher's fraction as the percentage that it is; what a computer's division left behind is no digit."""
    return round(float(Decimal(repr(cell)).scaleb(2)), 12)


def _figures(sheet: Sheet, row: int, returned_at: int, size_at: int, rate_at: int) -> dict[str, Any]:
    """Number who reoffended, number in the cohort and rate, which must belong together."""
    size = sheet.number(row, size_at, whole=True)
    returned = sheet.number(row, returned_at, high=size, whole=True)
    found = {"cohort_size": size, "returned": returned, "follow_up_months": 12, "definition": "ni_proven_reoffending"}
    if sheet.at(row, rate_at) == SUPPRESSED:
        if size >= LEAST:
            raise sheet.refuse(row, rate_at, f"{SUPPRESSED!r} stands where {size:.0f} persons are in the cohort.")
        return {**found, "note": NO_RATE}
    rate = sheet.number(row, rate_at, high=1)
    # Some rates are rounded before they are written, one to a thousandth; a rate further off is another group's.
    if not size or abs(rate - returned / size) > 0.0006:
        raise sheet.refuse(row, rate_at, f"{rate!r} is not the share of {returned:.0f} in {size:.0f}.")
    return {**found, "rate_percent": _percent(rate)}


def _by_year(sheet: Sheet, latest: str, made: Made) -> None:
    first = 7
    last = len(sheet.rows)
    made.items += sum(cell != "" for row in sheet.rows[first - 1 :] for cell in row) // 4
    for block, (words, header) in enumerate(BY_YEAR.items()):
        at = block * 5
        sheet.expect(5, at, f"Table 1{'abc'[block]}: {words} reoffending rates")
        _header(sheet, 6, at, header)
        before: date | None = None
        for row in range(first, last + 1):
            year = str(sheet.at(row, at))
            start, end = _days(sheet, row, at, year)
            if before is None and year != FIRST_YEAR:
                raise sheet.refuse(row, at, f"{year!r} stands where the first year, {FIRST_YEAR}, is expected.")
            if before and start.year != before.year + 1:
                raise sheet.refuse(row, at, f"{year!r} does not follow the year above it.")
            before = start
            found = _figures(sheet, row, at + 2, at + 1, at + 3)
            found |= {"population": "all_convicted", "age": AGES[words], "cohort_start": start, "cohort_end": end}
            made.rows.append({**found, "locator": sheet.locator(row, at + 1, at + 3)})
        if sheet.at(last, at) != latest:
            raise sheet.refuse(
                last, at, f"{sheet.at(last, at)!r} is the last year, but the cohort is that of {latest}."
            )

    for row in range(first, last + 1):
        told = tuple(tuple(int(sheet.at(row, block * 5 + of)) for block in range(len(BY_YEAR))) for of in (1, 2))
        if told not in NOT_ADULTS_AND_YOUTHS:
            for of in (1, 2):
                _beside(sheet, range(row, row + 1), of, [5 + of, 10 + of])


def _beside(sheet: Sheet, rows: range, whole: int, parts: Sequence[int]) -> None:
    """Refuse a line in which a number is not the sum of those in other columns."""
    at = [sheet.locator(row, whole) for row in rows]
    columns = [[sheet.number(row, column) for row in rows] for column in (whole, *parts)]
    named = f"columns {', '.join(map(column_letters, parts))}"
    add_up(sheet.file, at, columns[0], columns[1:], of=named)


def _above(sheet: Sheet, rows: range, columns: Iterable[int]) -> None:
    """Refuse a column whose last number is not the sum of those above it."""
    for column in columns:
        *parts, whole = ([sheet.number(row, column)] for row in rows)
        add_up(sheet.file, [sheet.locator(rows[-1], column)], whole, parts, of="the lines above it")


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row of the latest cohort, followed for the whole year, is about."""
    whole = row["follow_up_months"] == 12 and not row.get("follow_up_from_months")
    about = (row.get(name) or "_T" for name in ("population", "sex", "age", "offence", "subgroup"))
    return (*about, row["cohort_start"], whole)


def _repeated(sheet: Sheet, row: int, column: int, found: Mapping[str, Any], made: Made) -> str | None:
    """Where the same group stands already, or None; the same figure twice must be the same."""
    for earlier in made.rows:
        if _key(earlier) == _key(found):
            for name in ("returned", "cohort_size"):
                if name in found and found[name] != earlier[name]:
                    raise sheet.refuse(
                        row, column, f"{found[name]:.0f} is {earlier[name]:.0f} in {earlier['locator']}."
                    )
            return str(earlier["locator"])
    return None


def _table(sheet: Sheet, table: Table, latest: str, made: Made) -> None:
    width = len(table.labels) + len(table.header)
    _header(sheet, table.header_row, 0, [*table.labels, *table.header])
    start, end = _days(sheet, table.header_row, 0, latest)
    first = table.header_row + 1
    body = [row[len(table.labels) : width] for row in sheet.rows[first - 1 :]]
    made.items += sum(cell != "" for row in body for cell in row) // 3
    lines = _lines(table.sheet)
    for row, line in _numbered(sheet, first, len(table.labels), lines):
        for number, breakdown in enumerate(table.breakdowns):
            at = len(table.labels) + 3 * number
            found = _figures(sheet, row, at, at + 1, at + 2) | _about(line) | dict(breakdown)
            found |= {"cohort_start": start, "cohort_end": end, "locator": sheet.locator(row, at, at + 2)}
            notes = [note for note in (found.get("note"), table.note) if note]
            found["note"] = " ".join(notes) or None
            if line["total"] and (where := _repeated(sheet, row, at, found, made)):
                raw = dict(zip(table.header[at - len(table.labels) :], sheet.line(row, at, at + 3), strict=False))
                made.left_out.append(LeftOut(found["locator"], f"repeats {where}", raw))
            else:
                made.rows.append(found)
    rows, numbers = range(first, first + len(lines)), (len(table.labels), len(table.labels) + 1)
    for column in numbers if len(table.breakdowns) > 1 else ():
        _beside(sheet, rows, column, [column + 3, column + 6])
    if table.lines_add_up:
        _above(sheet, rows, [column + 3 * of for column in numbers for of in range(len(table.breakdowns))])


def _about(line: Line) -> dict[str, str]:
    return {name: line[name] for name in ("population", "age", "offence", "subgroup") if line[name]}


def _numbered(
    sheet: Sheet, first: int, labels: int, lines: list[Line], last: int | None = None
) -> Iterator[tuple[int, Line]]:
    """Each line of a table with its row; the labels must be those expected, and nothing may follow."""
    for row, line in enumerate(lines, start=first):
        for column, name in enumerate(("first", "second")[:labels]):
            sheet.expect(row, column, line[name])
        yield row, line
    after = first + len(lines)
    if last is None and any(sheet.line(after)):
        raise sheet.refuse(after, 0, f"{sheet.at(after, 0)!r} stands below the last line that is known.")


def _reoffences(sheet: Sheet, made: Made) -> None:
    _header(sheet, 5, 0, REOFFENCES)
    body = [row[1:] for row in sheet.rows[5:]]
    items = sum(cell != "" for row in body for cell in row)
    made.items += items
    made.left_out.append(LeftOut(f"6!B6:G{len(sheet.rows)}", DISTRIBUTION, {"header": REOFFENCES}, items))


@dataclass(frozen=True)
class Matrix:
    """Numbers of those who reoffended, by line and by column, with a total; three beside each other, one for each age.

    Below the numbers stand percentages in blocks of the same lines, each under a heading.
    """

    sheet: str
    label: str
    title: str
    columns: list[str]
    below: list[str]


INTERVALS = Matrix("7", "Disposal group", "{} reoffending interval by disposal group", MONTHS,
                   ["Percent (%)", "Cumulative percent (%)"])  # fmt: skip
CATEGORIES = Matrix("11", "Baseline offence category", "{} baseline offence category by first reoffence category",
                    KINDS, ["Percent (%)"])  # fmt: skip


def _cells_of(sheet: Sheet, matrix: Matrix, made: Made) -> Iterator[tuple[int, int, str, Line]]:
    """Row, first column, age and line of each line of numbers; counts all items, and leaves out the percentages."""
    lines = _lines(matrix.sheet)
    width = len(matrix.columns) + 3
    heads = [8 + len(lines) + block * (len(lines) + 1) for block in range(len(matrix.below))]
    after = heads[0] + len(matrix.below) * (len(lines) + 1)
    if any(cell != "" for row in sheet.rows[after - 1 :] for cell in row):
        raise sheet.refuse(after, 0, "something stands below the last line that is known.")
    rows = range(8, heads[0])
    for column in range(1, width - 1):
        _beside(sheet, rows, column, [column + width, column + 2 * width])
    for number, (words, age) in enumerate(AGES.items()):
        at = number * width
        sheet.expect(6, at, f"Table {matrix.sheet}{'abc'[number]}: {matrix.title.format(words)}")
        _header(sheet, 7, at, [matrix.label, *matrix.columns, "Total"])
        percentages = 0
        for head, words_of in zip(heads, matrix.below, strict=True):
            _header(sheet, head, at, [words_of, *["%"] * (width - 2)])
            for row, line in enumerate(lines, start=head + 1):
                sheet.expect(row, at, line["first"])
                percentages += sum(sheet.at(row, column) != "" for column in range(at + 1, at + width - 1))
        numbers = [sheet.at(row, at + 1 + c) for row in range(8, heads[0]) for c in range(width - 2)]
        made.items += sum(cell != "" for cell in numbers) + percentages
        where = f"{sheet.locator(heads[0] + 1, at + 1)}:{sheet.locator(after - 1, at + width - 2).split('!')[1]}"
        made.left_out.append(LeftOut(where, OF_REOFFENDERS, {"below": matrix.below}, percentages))
        _beside(sheet, rows, at + width - 2, range(at + 1, at + width - 2))
        _check_percentages(sheet, rows, at, width, heads)
        for row, line in enumerate(lines, start=8):
            sheet.expect(row, at, line["first"])
            yield row, at, age, line


def _check_percentages(sheet: Sheet, rows: range, at: int, width: int, heads: list[int]) -> None:
    """Refuse a percentage, or a cumulative one in the second block, that is not that of the numbers above it."""
    for row in rows:
        *numbers, total = (sheet.number(row, column) for column in range(at + 1, at + width - 1))
        for head, counts in zip(heads, (numbers, list(accumulate(numbers))), strict=False):
            line = head + 1 + row - rows[0]
            cells = sheet.line(line, at + 1, at + width - 2)
            rates = floats([cell if isinstance(cell, float) else None for cell in cells])
            where = [sheet.locator(line, column) for column in range(at + 1, at + width - 2)]
            follow(sheet.file, where, rates, counts, [total] * len(counts), per=1, digits=9)


def _number_row(
    sheet: Sheet, row: int, column: int, age: str, line: Line, days: tuple[date, date], **more: Any
) -> dict[str, Any]:
    found: dict[str, Any] = _about(line) | {"age": age, "cohort_start": days[0], "cohort_end": days[1]}
    found |= {"returned": sheet.number(row, column, whole=True), "locator": sheet.locator(row, column)}
    return found | {"follow_up_months": 12, **more}


def _total(sheet: Sheet, row: int, column: int, found: dict[str, Any], made: Made) -> None:
    """Leave out a total, which must be the number of another table."""
    where = _repeated(sheet, row, column, found, made)
    if where is None:
        raise sheet.refuse(row, column, "no other table has this total.")
    made.left_out.append(LeftOut(found["locator"], f"repeats {where}", {"Total": found["returned"]}))


def _months(sheet: Sheet, latest: str, made: Made) -> None:
    days = _days(sheet, 5, 0, latest)
    for row, at, age, line in _cells_of(sheet, INTERVALS, made):
        for month in range(1, 13):
            found = _number_row(sheet, row, at + month, age, line, days, definition="ni_proven_reoffending")
            found |= {"follow_up_from_months": month - 1, "follow_up_months": month}
            made.rows.append({**found, "note": "Persons by the month of their first reoffence."})
        _total(sheet, row, at + 13, _number_row(sheet, row, at + 13, age, line, days), made)


def _kinds(sheet: Sheet, latest: str, made: Made) -> None:
    days = _days(sheet, 5, 0, latest)
    _above(sheet, range(8, 8 + len(_lines("11"))), [block * 15 + 1 + kind for block in range(3) for kind in range(13)])
    for row, at, age, line in _cells_of(sheet, CATEGORIES, made):
        for column, kind in enumerate(KINDS, start=at + 1):
            of = "; ".join(filter(None, [line["subgroup"], f"first reoffence category: {WORDS.get(kind, kind)}"]))
            found = _number_row(sheet, row, column, age, line, days, definition="ni_first_reoffence_of_a_kind")
            made.rows.append({**found, "subgroup": of})
        _total(sheet, row, at + 13, _number_row(sheet, row, at + 13, age, line, days), made)


def _first_reoffence_on_the_list(sheet: Sheet, made: Made) -> None:
    sheet.expect(6, 0, "Table 12a: Reoffending rate by specified and serious offences")
    sheet.expect(
        6,
        11,
        "Table 12b: Proportion of offenders with a baseline specified and serious offence, whose first reoffence was "
        "also specified or serious",
    )
    header = ["Criminal Justice (NI)  Order 2008 list", *BY_AGE]
    _header(sheet, 7, 11, header)
    for row in (8, 9):
        for column in (1, 4, 7):  # those who reoffended are the whole of whom a part did so by an offence on the list
            sheet.expect(row, 12 + column, sheet.at(row, column))
            sheet.number(row, 11 + column, high=sheet.number(row, 12 + column), whole=True)
    items = sum(cell != "" for row in sheet.rows[7:] for cell in row[12:])
    made.items += items
    made.left_out.append(LeftOut("12!M8:U9", AGAIN, {"header": header}, items))
