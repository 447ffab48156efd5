"""Scotland, reconviction rates: a workbook in which most sheets hold blocks of cohorts below each other.

`labels.csv` says, in the order of the blocks or lines of each table, whom each is about. An item is what a table says
of one group in one cohort: its number of offenders, reconviction rate and average number of reconvictions together.
In the tables without such groups, all of them left out, an item is a cell.

Most tables divide the same offenders in another way, so that they are held against each other: the persons in the parts
are those of the whole, and so are those reconvicted and their reconvictions, to the rounding of rates and averages.

What the symbols mean stands in a text box of the sheet `Notes`, which is no cell: `-` nil, `*` less than 0.5, `**`
rates based on fewer than 10 people and not suitable for publication.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import LeftOut, Parsed, RawFile, Sheet, read_sheets
from sources.sums import BINARY, add_up

Line = Mapping[str, str]

SHEETS = [
    "Index", "Notes", *(f"Table {n}" for n in range(1, 8)), "Tables 8a,b, & c", "Table 9", "Table 10a", "Table 10b",
    *(f"Table {n}" for n in range(11, 17)), "Table 17 ", *(f"Table {n}" for n in range(18, 22)), "Table B1", "Table B2",
]  # fmt: skip
COHORT = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
FOOTNOTE = re.compile(r"\d+\. \S.*|https://\S+|DA = domestic abuse|Stat - statutory", re.DOTALL)

NIL = ("-", " - ")
LOW = "*"
FEW = "**"
LEFT_OUT = {
    **dict.fromkeys(NIL, "nil (-)"),
    LOW: "less than 0.5 (*)",
    FEW: "rate based on fewer than 10 people and not suitable for publication (**)",
}
NO_RATE = "Rate and average: **, based on fewer than 10 people and not suitable for publication."
FEWEST = 10
#: Footnote of Table 3: before this cohort up to so many offenders have no known age.
AGE_KNOWN, UNKNOWN_AGE = "2006-07", 10
KIND = r"(reconvicted for: .*)"
UP_TO_A_YEAR = ("3 months or less", "Over 3 months to 6 months", "Over 6 months to 1 year")

COUNTS = ["Number of offenders", "Reconviction rate", "Average number of reconvictions per offender"]
RATES = "Reconviction rates and average number of reconvictions per offender"
ALL_YEARS = "{first} to {last} cohorts1"


@dataclass(frozen=True)
class Stack:
    """A sheet of blocks, each with one line for every cohort; without a label where there is but one block."""

    table: str
    title: str
    header: str
    labelled: bool = True
    follow_up_months: int = 12


STACKS = [
    Stack("1", f"Table 1: {RATES}: {ALL_YEARS}", "Cohort", labelled=False),
    Stack("2", "Table 2: Reconviction rates and average number of convictions per offender, by gender: " + ALL_YEARS,
          "Gender"),
    Stack("3", f"Table 3: {RATES}, by age: {ALL_YEARS}", "Age2"),
    Stack("4", f"Table 4: {RATES}, males by age: {ALL_YEARS}", "Age2"),
    Stack("5", f"Table 5: {RATES}, females by age: {ALL_YEARS}", "Age2"),
    Stack("6", f"Table 6: {RATES}, by index crime: {ALL_YEARS}", "Index Crime"),
    Stack("9", f"Table 9: {RATES}, by index disposal: {ALL_YEARS},2", "Index disposal"),
    Stack("10a", f"Table 10a - {RATES}, by custodial sentence length: {ALL_YEARS},2,3", "Custodial sentence length"),
    Stack("10b", f"Table 10b - {RATES}, by custodial sentence length one year or less: {ALL_YEARS},2,3",
          "Custodial sentence length"),
    Stack("14", "Table 14: Two year reconviction rates and two year average number of reconvictions per offender: "
          "{first} to {before} cohorts1", "Cohort", labelled=False, follow_up_months=24),
]  # fmt: skip

LISTS = {
    "12": (f"Table 12: {RATES}, by local authority group based on court location: {{last}} cohort",
           "Local authority group1", None),
    "13": (f"Table 13: {RATES}, by local authority based on residence of offenders: {{last}} cohort",
           "Local Authority", "Experimental statistics: of a quality too low yet for National Statistics."),
}  # fmt: skip

KINDS = {
    "Violent crime": "Violent Crime",
    "Sexual crime4": "Sexual Crime",
    "Crimes of dishonesty": "Dishonesty",
    "Criminal damage": "Criminal Damage",
    "Drug offences": "Drug Offences",
    "Breach of the peace5": "Breach of the Peace",
    "Other crimes and offences": "Other Crimes and Offences",
}

#: Lines and columns of the table by age, sex and previous convictions.
AGES = {
    "   under 21": "Y_LT21",
    "   21 to 25": "Y21T25",
    "   26 to 30": "Y26T30",
    "   31 to 40 ": "Y31T40",
    "   over 40 ": "Y_GE41",
}
PREVIOUS = ["None ", "1 or 2 ", "3 to 10", "Over 10"]
SINCE = "Previous convictions since the start of 1989."

NON_COURT = (
    "repeat disposals by police or prosecutors, without a court: neither the first nor the further one is a conviction"
)
BACKWARDS = (
    "persons convicted in a year by the number of their earlier convictions, in classes: followed backwards, not "
    "forwards, and no share of those convicted before is printed"
)
#: Sheets left out: how the title begins, the first row and column of figures, and why.
OTHERS = {
    "Table 15": ("Table 15: Individuals given police disposals", 6, 1, NON_COURT),
    "Table 16": ("Table 16: Individuals given COPFS disposals", 5, 1, NON_COURT),
    "Table 17 ": ("Table 17: Individuals given non-court disposals", 5, 1, NON_COURT),
    "Table 18": ("Table 18: Individuals given non-court disposals", 5, 1, NON_COURT),
    "Table 19": ("Table 19: Repeat non-court disposal rates", 7, 1, NON_COURT),
    "Table 20": ("Table 20: Individuals convicted in", 6, 1, BACKWARDS),
    "Table 21": ("Table 21 - Individuals convicted by number of previous convictions", 5, 1, BACKWARDS),
    "Table B1": ("Table B1 - Postcode coverage", 5, 2, "how many offenders' postcodes are known; nobody's return"),
    "Table B2": (
        "Table B2 - Revisions to reconviction rates", 5, 1,
        "rates of earlier editions, which Table 1 revises; the latest of them are in Table 1",
    ),
}  # fmt: skip


BREAKDOWNS = ["sex", "age", "offence", "subgroup"]
KEY = ["population", *BREAKDOWNS, "cohort", "follow_up_months"]
ALL: Line = {"population": "all_convicted", **dict.fromkeys(BREAKDOWNS, "")}


@dataclass
class Made:
    """The rows and what is left out, as they come, and the cohorts by name."""

    cohorts: dict[str, tuple[date, date]]
    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    items: int = 0

    @property
    def last(self) -> str:
        """The latest cohort."""
        return list(self.cohorts)[-1]

    def days(self, cohort: str) -> dict[str, date]:
        """First and last day of a cohort."""
        start, end = self.cohorts[cohort]
        return {"cohort_start": start, "cohort_end": end}

    def find(self, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row that is about the same group of the same cohort, followed for as long."""
        key = [found[name] for name in KEY]
        return next((row for row in self.rows if [row[name] for name in KEY] == key), None)


def parse(file: RawFile) -> Parsed:
    """One row from each group and cohort of the tables that follow persons from conviction or release."""
    sheets = read_sheets(file, SHEETS)
    made = Made(_cohorts(sheets["Table 1"]))
    for stack in STACKS:
        _stack(sheets[f"Table {stack.table}"], stack, made)
    for table in LISTS:
        _list(sheets[f"Table {table}"], table, made)
    _by_kind(sheets["Table 7"], made)
    _domestic_abuse(sheets["Tables 8a,b, & c"], made)
    _characteristics(sheets["Table 11"], made)
    for name, (title, first, left, why) in OTHERS.items():
        _leave_out(sheets[name], title, first, left, why, made)
    frame = pd.DataFrame(made.rows)
    _check_sums(file.name, frame)
    frame = frame.drop(columns="cohort")
    for column in BREAKDOWNS:
        frame[column] = frame[column].replace("", None).fillna("_T")
    frame["place_id"] = "GBR-SCT"
    frame["basis"] = "release_cohort"
    frame["outcome"] = "reconviction"
    frame["status"] = "A"
    return Parsed(None, made.items, {"recidivism": frame}, made.left_out)


def _cohorts(sheet: Sheet) -> dict[str, tuple[date, date]]:
    """The financial years of the first table, which must follow each other; every other table must have the same."""
    cohorts: dict[str, tuple[date, date]] = {}
    row = 5
    while found := COHORT.fullmatch(str(sheet.at(row, 0))):
        year = int(found[1])
        if (year + 1) % 100 != int(found[2]) or (cohorts and max(cohorts.values())[0].year != year - 1):
            raise sheet.refuse(row, 0, f"{found[0]!r} is not a financial year, or not the one after that above it.")
        cohorts[found[0]] = date(year, 4, 1), date(year + 1, 3, 31)
        row += 1
    if len(cohorts) < 2:
        raise sheet.refuse(row, 0, f"{sheet.at(row, 0)!r} is no cohort such as 2017-18.")
    return cohorts


@cache
def _lines(table: str) -> list[Line]:
    """The blocks or lines of a table in their order."""
    with Path(__file__).with_name("labels.csv").open(encoding="utf-8", newline="") as stream:
        return [line for line in csv.DictReader(stream) if line["table"] == table]


def _about(line: Line) -> dict[str, Any]:
    return {name: line[name] for name in ("population", *BREAKDOWNS)}


def _title(sheet: Sheet, row: int, title: str, made: Made) -> None:
    cohorts = list(made.cohorts)
    sheet.expect(row, 0, title.format(first=cohorts[0], before=cohorts[-2], last=cohorts[-1]))


def _header(sheet: Sheet, row: int, column: int, expected: Iterable[str]) -> None:
    for at, words in enumerate(expected, start=column):
        sheet.expect(row, at, words)


def _only_footnotes(sheet: Sheet, first: int, end: int | None = None) -> None:
    """Refuse anything but empty rows and footnotes from row `first` to before `end`."""
    for row in range(first, len(sheet.rows) + 1 if end is None else end):
        cells = sheet.line(row)
        if any(cell != "" for cell in cells[1:]) or (cells and not FOOTNOTE.fullmatch(str(cells[0]))):
            raise sheet.refuse(row, 0, f"{sheet.at(row, 0)!r} stands where only footnotes are expected.")


def _filled(sheet: Sheet, first: int, column: int, end: int | None = None, last: int | None = None) -> int:
    """How many cells are not empty, from row `first` to `last` and from `column` to before `end`."""
    return sum(cell != "" for row in sheet.rows[first - 1 : last] for cell in row[column:end])


def _counts(sheet: Sheet, row: int) -> dict[str, Any] | None:
    """Offenders, rate and average of one line, or None where all three are nil."""
    cells = sheet.line(row, 1, 4)
    if all(cell in NIL for cell in cells):
        return None
    size = sheet.number(row, 1, whole=True)
    if cells[1] == FEW:
        sheet.expect(row, 3, FEW)
        if size >= FEWEST:
            raise sheet.refuse(row, 2, f"{FEW!r} stands where {size:.0f} offenders are.")
        return {"cohort_size": size, "note": NO_RATE}
    rate, average = sheet.number(row, 2, high=100), sheet.number(row, 3)
    _belong_together(sheet, row, 3, rate, average)
    return {"cohort_size": size, "rate_percent": rate, "events_per_person": average}


def _belong_together(sheet: Sheet, row: int, column: int, rate: float, average: float) -> None:
    """Whoever is reconvicted is so once at least, and nowhere ten times on average."""
    if not rate / 100 - 0.0056 <= average <= rate / 10 + 0.0056:
        raise sheet.refuse(row, column, f"an average of {average!r} does not fit a rate of {rate!r} percent.")


def _stack(sheet: Sheet, stack: Stack, made: Made) -> None:
    _title(sheet, 2, stack.title, made)
    _header(sheet, 4, 0, [stack.header, *COUNTS])
    made.items += _filled(sheet, 5, 1, 2)
    cohorts = list(made.cohorts)
    if stack.follow_up_months > 12:  # the latest cohort has not been followed for so long
        cohorts = cohorts[:-1]
    row = 5
    for line in _lines(stack.table) if stack.labelled else [ALL]:
        if stack.labelled:
            _header(sheet, row, 0, [line["label"], "", "", ""])
            row += 1
        for cohort in cohorts:
            sheet.expect(row, 0, cohort)
            where = sheet.locator(row, 1, 3)
            if found := _counts(sheet, row):
                found |= _about(line) | made.days(cohort)
                found |= {"follow_up_months": stack.follow_up_months, "locator": where, "cohort": cohort}
                made.rows.append(found)
            else:
                made.left_out.append(LeftOut(where, LEFT_OUT[NIL[0]], _raw(sheet, row, COUNTS, line, cohort)))
            row += 1
    _only_footnotes(sheet, row)


def _raw(sheet: Sheet, row: int, header: list[str], line: Line, cohort: str) -> dict[str, Any]:
    return {"of": line["subgroup"], "cohort": cohort, **dict(zip(header, sheet.line(row, 1), strict=False))}


def _list(sheet: Sheet, table: str, made: Made) -> None:
    title, header, note = LISTS[table]
    _title(sheet, 2, title, made)
    _header(sheet, 4, 0, [header, *COUNTS])
    made.items += _filled(sheet, 5, 1, 2)
    lines = _lines(table)
    for row, line in enumerate(lines, start=5):
        sheet.expect(row, 0, line["label"])
        found = _counts(sheet, row)
        if found is None:
            raise sheet.refuse(row, 1, "there is nobody here, which never was so.")
        found |= _about(line) | made.days(made.last)
        found |= {"follow_up_months": 12, "locator": sheet.locator(row, 1, 3), "cohort": made.last}
        if not line["subgroup"]:
            _repeats(sheet, row, found, made)
            continue
        made.rows.append({**found, "note": found.get("note") or note})
    _only_footnotes(sheet, 5 + len(lines))


def _repeats(sheet: Sheet, row: int, found: dict[str, Any], made: Made) -> None:
    """Leave out a group that stands in an earlier table; its figures must be the same, or the same rounded."""
    known = made.find(found)
    if known is None:
        raise sheet.refuse(row, 0, "the table that it repeats does not have this group.")
    for name, slack in (("cohort_size", 0), ("rate_percent", 0.0500001), ("events_per_person", 0.0050001)):
        if name in found and not abs(found[name] - known.get(name, float("nan"))) <= slack:
            raise sheet.refuse(row, 1, f"{name} {found[name]!r} is {known.get(name)!r} in {known['locator']}.")
    figures = ("cohort_size", "rate_percent", "events_per_person")
    raw: dict[str, Any] = {name: found[name] for name in figures if name in found}
    made.left_out.append(LeftOut(found["locator"], f"repeats {known['locator']}", raw))


def _by_kind(sheet: Sheet, made: Made) -> None:
    """Percentages by crime of which the person was reconvicted; those of any crime stand in another table."""
    _title(sheet, 2, "Table 7: Reconviction rates for crimes by index crime: {last} cohort", made)
    _header(sheet, 4, 0, [f"Index crime3 {made.last}", "Total number (=100%)"])
    sheet.expect(4, 2, "Percentage reconvicted within 1 year for1:")
    _header(sheet, 5, 2, ["Any crime2", *KINDS])
    lines = _lines("7")
    made.items += _filled(sheet, 6, 2)
    for row, line in enumerate(lines, start=6):
        sheet.expect(row, 0, line["label"])
        size = sheet.number(row, 1, whole=True)
        same = {
            "cohort_size": size,
            "follow_up_months": 12,
            "cohort": made.last,
            **_about(line),
            **made.days(made.last),
        }
        anything = sheet.number(row, 2, high=100)
        _repeats(sheet, row, {**same, "rate_percent": anything, "locator": sheet.locator(row, 2)}, made)
        for column, kind in enumerate(KINDS.values(), start=3):
            _of_persons(sheet, row, column, sheet.number(row, column, high=anything), size)
            made.rows.append({
                **same,
                "subgroup": _joined(line["subgroup"], f"reconvicted for: {kind}"),
                "rate_percent": sheet.number(row, column, high=anything),
                "definition": "sct_reconviction_for_a_kind",
                "locator": sheet.locator(row, column),
            })  # fmt: skip
    _only_footnotes(sheet, 6 + len(lines))


def _of_persons(sheet: Sheet, row: int, column: int, rate: float, size: float) -> None:
    """Refuse a rate that is written in full and yet is not that of a whole number of persons."""
    persons = rate * size / 100
    if abs(persons - round(persons)) > BINARY:
        raise sheet.refuse(
            row, column, f"{rate!r} percent of {size:.0f} are {persons:.4f}, no whole number of persons."
        )


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


@dataclass(frozen=True)
class Abuse:
    """What the columns of a part of the tables on domestic abuse are about."""

    index: list[str]
    kind: str
    note: str


BY_IDENTIFIER = Abuse(
    ["DA index1", "Non-DA index", "All index"],
    "reconvicted for: domestic abuse crime or offence",
    "DA = domestic abuse: crimes and offences marked with a domestic abuse identifier.",
)
BY_STATUTE = Abuse(
    ["Stat DA index1", "Non-stat DA index", "All index"],
    "reconvicted for: crime or offence with a statutory domestic abuse aggravation",
    "Stat DA = statutory domestic abuse aggravation, for crimes from 24 April 2017 on; many convictions of the cohort "
    "are for earlier ones.",
)


def _domestic_abuse(sheet: Sheet, made: Made) -> None:
    """Rates and averages stand in two tables below each other for the identifier, in two lines for the statute."""
    first = "2009-10"
    if first not in made.cohorts:
        raise refusal(sheet.file, f"there is no cohort {first}, with which Table 8a begins.")
    cohorts = list(made.cohorts)[list(made.cohorts).index(first) :]
    rates, averages = 5, 12 + len(cohorts)
    statute = averages + len(cohorts) + 7
    of_abuse = "crimes and offences"
    years = f"2009-10 to {made.last} cohorts"
    sheet.expect(2, 0, f"Table 8a: Reconviction rates for domestic abuse and non-domestic abuse {of_abuse}, {years}")
    _abuse_header(sheet, 3, "Index year", "Percentage reconvicted for a domestic abuse crime or offence1",
                  "Percentage reconvicted for any crime or offence2", BY_IDENTIFIER)  # fmt: skip
    _only_footnotes(sheet, rates + len(cohorts), averages - 3)
    sheet.expect(averages - 3, 0, "Table 8b: Average number of reconvictions per offender for domestic abuse and "
                 f"non-domestic abuse {of_abuse}, {years}")  # fmt: skip
    _abuse_header(sheet, averages - 2, "Index year",
                  "Average number of reconvictions for a domestic abuse crime or offence per offender1",
                  "Average number of reconvictions for any crime or offence per offender2", BY_IDENTIFIER)  # fmt: skip
    _only_footnotes(sheet, averages + len(cohorts), statute - 3)
    sheet.expect(statute - 3, 0, "Table 8c: Reconvictions for crimes and offences with the statutory domestic abuse "
                 f"aggravation1, {made.last} cohort")  # fmt: skip
    _abuse_header(sheet, statute - 2, "Measure of reconvictions",
                  "Reconvictions for crimes or offences with a statutory domestic abuse aggravation1",
                  "Reconvictions for any crime or offence2", BY_STATUTE)  # fmt: skip
    _only_footnotes(sheet, statute + 2)
    made.items += _filled(sheet, rates, 4, last=rates + len(cohorts) - 1) + _filled(sheet, statute, 4, last=statute)
    for number, cohort in enumerate(cohorts):
        sheet.expect(rates + number, 0, cohort)
        sheet.expect(averages + number, 0, cohort)
        _abuse_line(sheet, rates + number, averages + number, cohort, BY_IDENTIFIER, made)
    sheet.expect(statute, 0, "Percentage reconvicted")
    sheet.expect(statute + 1, 0, "Average number of reconvictions")
    _abuse_line(sheet, statute, statute + 1, made.last, BY_STATUTE, made)


def _abuse_header(sheet: Sheet, row: int, first: str, of_abuse: str, of_any: str, abuse: Abuse) -> None:
    _header(sheet, row, 0, [first, "Number of offenders", "", "", of_abuse, "", "", of_any])
    _header(sheet, row + 1, 0, ["", *abuse.index * 3])


def _abuse_line(sheet: Sheet, rates: int, averages: int, cohort: str, abuse: Abuse, made: Made) -> None:
    for column in range(4, 10):
        index = (column - 4) % 3
        size = sheet.number(rates, 1 + index, whole=True)
        sheet.expect(averages, 1 + index, size)
        rate, average = sheet.number(rates, column, high=100), sheet.number(averages, column)
        _belong_together(sheet, averages, column, rate, average)
        whom = f"index: {abuse.index[index].removesuffix('1')}" if index < 2 else ""
        kind = abuse.kind if column < 7 else ""
        found = _about(ALL) | made.days(cohort)
        found |= {"cohort_size": size, "rate_percent": rate, "events_per_person": average, "cohort": cohort}
        found |= {"subgroup": _joined(whom, kind), "follow_up_months": 12, "note": abuse.note}
        found["locator"] = f"{sheet.locator(rates, column)},{sheet.locator(averages, column).split('!')[1]}"
        if kind:
            found["definition"] = "sct_reconviction_for_a_kind"
        if found["subgroup"]:
            made.rows.append(found)
        else:
            _repeats(sheet, rates, found, made)


def _check_sums(file: str, frame: pd.DataFrame) -> None:
    """Hold the tables that divide the same offenders in different ways against each other."""
    table = frame["locator"].str.split("!").str[0].str.removeprefix("Table ")
    frame = frame.assign(kind=frame["subgroup"].str.extract(KIND)[0])
    of = {name: frame[table == name] for name in table.unique()}
    everybody, kinds, abuses = of["1"], of["7"], of["Tables 8a,b, & c"]
    by_both = pd.concat([of["4"], of["5"]])
    outside = of["9"]["population"] != "released_prisoners"
    for parts in (of["2"], of["6"], of["9"], pd.concat([of["9"][outside], of["10a"]]), of["12"], of["13"]):
        _hold(file, everybody, parts)
    _hold(file, everybody, of["3"], ages=True)
    _hold(file, of["2"], by_both, by="sex", ages=True)
    _hold(file, of["3"], by_both, by="age")
    short = of["10a"]["subgroup"].isin([f"custodial sentence length: {length}" for length in UP_TO_A_YEAR])
    _hold(file, of["10b"], of["10a"][short])
    _hold(file, kinds[kinds["subgroup"] == kinds["kind"]], kinds[kinds["subgroup"] != kinds["kind"]], by="kind", half=0)
    for abuse in (BY_IDENTIFIER, BY_STATUTE):
        own = abuses[abuses["note"] == abuse.note]
        _hold(file, everybody, own[own["kind"].isna()])
        _hold(file, own[own["subgroup"] == abuse.kind], own[own["kind"].notna() & (own["subgroup"] != abuse.kind)])
    later = of["14"].merge(everybody, on="cohort", suffixes=("", "_1"))
    at, of_one = later["locator"].tolist(), "those of Table 1"
    add_up(file, at, later["cohort_size"], [later["cohort_size_1"]], of=of_one)
    for name in ("rate_percent", "events_per_person"):
        add_up(file, at, later[name], [later[f"{name}_1"]], rest=np.inf, of=f"{of_one}, after one year and not two,")


def _hold(
    file: str, whole: pd.DataFrame, parts: pd.DataFrame, *, by: str = "cohort", ages: bool = False, half: float = 0.5
) -> None:
    """Refuse a whole whose persons, persons reconvicted or reconvictions are not those of its parts.

    Args:
        file: the file's name, for the sentence.
        whole: one row for each cohort and each group of `by`.
        parts: the rows of one cohort and one group are the parts of a whole.
        by: what tells the rows of one cohort apart, if anything.
        ages: whether those are missing whose age is not known.
        half: half of the last digit of rates (of one digit) and averages (of two), 0 where they are written in full.
    """
    keys = list(dict.fromkeys(["cohort", by]))
    size, rate = parts["cohort_size"], parts["rate_percent"]
    sums = parts.assign(
        few=size.where(rate.isna(), 0), returned=size * rate / 100, events=size * parts["events_per_person"]
    )
    of_parts = sums.groupby(keys)[["cohort_size", "few", "returned", "events"]].sum().add_prefix("sum_").reset_index()
    both = whole.merge(of_parts, on=keys)
    at, size = both["locator"].tolist(), both["cohort_size"]
    untold = np.where(both["cohort"] < AGE_KNOWN, UNKNOWN_AGE if ages else 0, 0)
    add_up(file, at, size, [both["sum_cohort_size"]], rest=untold, of="the persons in its parts")
    # Of those in no part, and of the few without a rate, anything from none to all may have been reconvicted.
    others = size - both["sum_cohort_size"] + both["sum_few"]
    returned, events = size * both["rate_percent"] / 100, size * both["events_per_person"]
    # Rates and averages are rounded in the whole and in each part, whose persons are as many again.
    add_up(file, at, returned, [both["sum_returned"]], tolerance=half * size / 500, rest=others,
           of="the persons reconvicted in its parts")  # fmt: skip
    add_up(file, at, events, [both["sum_events"]], tolerance=half * size / 50, rest=10 * others,
           of="the reconvictions in its parts")  # fmt: skip


def _characteristics(sheet: Sheet, made: Made) -> None:
    """Rates alone, by disposal, age, sex and number of earlier convictions."""
    _title(sheet, 2, "Table 11: Reconviction rates by offender characteristics: {last} cohort", made)
    sheet.expect(4, 0, f"Index disposal in {made.last} by age")
    for column, words in ((1, "Percentage of male offenders reconvicted1"),
                          (5, "Percentage of female offenders reconvicted1")):  # fmt: skip
        sheet.expect(4, column, words)
        sheet.expect(5, column, "Number of previous convictions2")
    _header(sheet, 6, 1, PREVIOUS * 2)
    made.items += _filled(sheet, 7, 1)
    row = 7
    for first in (1, 5):
        rates = [sheet.at(row, column) for column in range(first, first + 4)]
        figures = [rate for rate in rates if isinstance(rate, float)]
        if figures != sorted(figures):
            why = "the rate of all does not rise with the number of previous convictions; columns may be exchanged."
            raise sheet.refuse(row, first, why)
    for line in _lines("11"):
        _between(sheet, row)
        for label, age in {line["label"]: "", **AGES}.items():
            sheet.expect(row, 0, label)
            for column in range(1, 9):
                _characteristic(sheet, row, column, {**_about(line), "age": age}, made)
            row += 1
        if line is not _lines("11")[-1]:
            _header(sheet, row, 0, [""] * 9)
            row += 1
    _only_footnotes(sheet, row)


def _between(sheet: Sheet, row: int) -> None:
    """Refuse a rate of all ages that is not between those of the five ages below it, where all are published."""
    for column in range(1, 9):
        whole, *ages = (sheet.at(row + at, column) for at in range(len(AGES) + 1))
        rates = [age for age in ages if age not in NIL]
        if not isinstance(whole, float) or not rates or not all(isinstance(rate, float) for rate in rates):
            continue
        if not min(rates) - 0.1 <= whole <= max(rates) + 0.1:
            raise sheet.refuse(row, column, f"{whole!r} is not between the rates of the ages below it.")


def _characteristic(sheet: Sheet, row: int, column: int, about: dict[str, Any], made: Made) -> None:
    cell = sheet.at(row, column)
    previous = PREVIOUS[(column - 1) % 4].strip()
    if cell in LEFT_OUT:
        raw = {"row": sheet.at(row, 0), "of": about["subgroup"], "previous convictions": previous, "cell": cell}
        made.left_out.append(LeftOut(sheet.locator(row, column), LEFT_OUT[cell], raw))
        return
    made.rows.append({
        **about,
        **made.days(made.last),
        "cohort": made.last,
        "sex": "M" if column < 5 else "F",
        "subgroup": _joined(about["subgroup"], f"number of previous convictions: {previous}"),
        "rate_percent": sheet.number(row, column, high=100),
        "follow_up_months": 12,
        "locator": sheet.locator(row, column),
        "note": SINCE,
    })  # fmt: skip


def _leave_out(sheet: Sheet, title: str, row: int, column: int, why: str, made: Made) -> None:
    if not str(sheet.at(2, 0)).startswith(title):
        raise sheet.refuse(2, 0, f"{sheet.at(2, 0)!r} does not begin with {title!r}.")
    items = _filled(sheet, row, column)
    width = max(map(len, sheet.rows))
    made.items += items
    where = f"{sheet.locator(row, column)}:{sheet.locator(len(sheet.rows), width - 1).split('!')[1]}"
    made.left_out.append(LeftOut(where, why, {"title": sheet.at(2, 0)}, items))
