"""Everybody in prison, in jail or under supervision in the United States, from the yearly report of the BJS.

The publisher's "incarcerated" is prisoners under jurisdiction and local jails together, those counted twice taken out.
`subjects.csv` says of each title which dataset it is and how it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from sources.bjs_tables import (
    STATES,
    TOTALS,
    Between,
    Block,
    Figure,
    Ledger,
    Name,
    Reading,
    Table,
    last_weekday_of_june,
    parse_table,
    states,
    year_of,
)
from sources.errors import refusal
from sources.reading import Parsed, RawFile

CHANGE = "change between years, which the publisher computes from the counts beside it"
SHARE = "share of the total, which the publisher computes from the counts beside it"
DUAL = "persons who belong to two of the populations at once: no measure holds them"
HOLDER = "kind of facility that holds them: no column holds it"
ERROR = "standard error: no column holds it"
NO_RATE = "rate of persons in prison or under supervision together: no measure holds it"
JUNE = "Local jails are counted on the last weekday in June."
SAYS_JUNE = "last weekday in June"

ALL = {"measure": "persons_under_correctional_supervision"}
COMMUNITY = {"measure": "persons_under_supervision"}
PROBATION = COMMUNITY | {"supervision": "PROBATION"}
PAROLE = COMMUNITY | {"supervision": "PAROLE"}
HELD = {"measure": "persons_held"}
JAIL = {"measure": "persons_held_local_jails"}
PRISON = {"measure": "prisoners_under_jurisdiction"}
COMMUNITY_RATE = {"measure": "persons_under_supervision_rate"}
HELD_RATE = {"measure": "persons_held_rate"}
WITH_JAILS = frozenset({"persons_under_correctional_supervision", "persons_held", "persons_held_rate"})
ADULT = {"definition": "per_adult"}
#: Of rates beside their counts, which must not be divided by each other: no state's population would come out.
COARSE = {"definition": "rounded_to_ten"}

BY_YEAR = {
    "": {"Total correctional population": ALL},
    "Community supervision": {"Total": COMMUNITY, "Probation": PROBATION, "Parole": PAROLE},
    "Incarcerated": {"Total": HELD, "Local jail": JAIL, "Prison": PRISON},
}
TWO_YEARS = {
    "Total": ALL,
    "Probation": PROBATION,
    "Prison": PRISON,
    "Parole": PAROLE,
    "Local jail": JAIL,
    "Offenders with dual correctional statuses": None,
}
RATES: Mapping[str, dict[str, str] | None] = {
    "Number supervised per 100,000 U.S. adult residents": None,
    "U.S. adult residents under correctional supervision": None,
    "Number supervised per 100,000 U.S. residents of all ages": None,
    "Number on probation or parole per 100,000 U.S. adult residents": COMMUNITY_RATE | ADULT,
    "Number on probation or parole per 100,000 U.S. residents of all ages": COMMUNITY_RATE,
    "Number in prison or local jail per 100,000 U.S. adult residents": HELD_RATE | ADULT,
    "Number in prison or local jail per 100,000 U.S. residents of all ages": HELD_RATE,
}
BY_STATE: Mapping[str, dict[str, str] | None] = {
    "Total correctional population, 12/31": ALL,
    "Correctional supervision rate per 100,000 ages 18 or older": None,
    "Correctional supervision rate per 100,000 U.S. residents of all ages": None,
    "Number on probation or parole, 12/31": COMMUNITY,
    "Community supervision rate per 100,000 U.S. residents ages 18 or older": COMMUNITY_RATE | ADULT,
    "Community supervision rate per 100,000 U.S. residents of all ages": COMMUNITY_RATE | COARSE,
    "Number in prison or local jail, 12/31": HELD,
    "Incarceration rate per 100,000 U.S. residents ages 18 or older": HELD_RATE | ADULT,
    "Incarceration rate per 100,000 U.S. residents of all ages": HELD_RATE | COARSE,
}
CUSTODY: Mapping[tuple[str, ...], dict[str, str]] = {
    ("Total",): {"place_id": "USA", "definition": "custody"} | HELD,
    ("Federal prisoners",): {"place_id": "USA-FED", "definition": "custody"} | HELD,
    ("State prisoners",): {"place_id": "USA-STATE", "definition": "custody_without_local_jails"} | HELD,
    ("Local jails",): {"place_id": "USA"} | JAIL,
    ("Incarceration rate",): {"place_id": "USA", "definition": "custody"} | HELD_RATE,
    ("Incarceration rate", "Adult incarceration rate"): {"place_id": "USA", "definition": "custody_per_adult"}
    | HELD_RATE,
}
HOLDERS = (
    "Prisons",
    "Federal facilities",
    "State facilities",
    "Privately operated facilities",
    "Community corrections centers",
)
SPAN = re.compile(r"(Average annual (percent )?change|Percent change), .+")
YEAR = re.compile(r"\b(?:19|20)\d\d\b", re.ASCII)
#: The table of two years repeats figures of the table of all years, whose title it shares; a key stands once.
TWO_YEARS_DATASET = "populations_in_two_years"
TITLE_YEAR = re.compile(r", (\d{4})$")


def parse(file: RawFile) -> Parsed:
    """Rows of one table, in the way that its title asks for."""
    return parse_table(file, Path(__file__).parent, READINGS, "observation")


def _name(ledger: Ledger, figure: Figure, text: str, known: Any) -> str:
    """Which of the words of ours a header or label is."""
    name = ledger.table.plain(text, known) if text else text
    if name is None or name not in known:
        raise ledger.table.refuse(figure, f"{text!r} is not one of {', '.join(filter(None, known))}.")
    return name


def _row(ledger: Ledger, figure: Figure, day: date, notes: list[str], **cells: Any) -> None:
    """A count, all of which the publisher estimates and rounds; of jails on their own day, whatever the row's."""
    if cells["measure"] == "persons_held_local_jails":
        day, notes = last_weekday_of_june(day.year), [*notes, JUNE]
    elif cells["measure"] in WITH_JAILS and ledger.dataset != "populations_by_state":
        notes = [*notes, JUNE]
    when: dict[str, Any] = {"period_start": day, "period_end": day, "period_kind": "point"}
    ledger.row(figure, when | cells, notes, status="E")


def _years(ledger: Ledger, figure: Figure) -> None:
    """The table of all years, or that of two years, which bears the same title."""
    head = figure.heads[-1]
    if head in ("Population", "Percent of total population"):
        return _two_years(ledger, figure)
    table, first = ledger.table, figure.labels[0]
    over = _name(ledger, figure, figure.heads[0], BY_YEAR)
    what = BY_YEAR[over]
    name = _name(ledger, figure, head, what)
    if SPAN.fullmatch(first) and len(figure.labels) == 1:
        return ledger.leave(figure, CHANGE)
    day, notes = date(year_of(table, figure, first), 12, 31), table.footnotes(head, what)
    if len(figure.labels) > 1:
        days = {"January 1": date(day.year, 1, 1), "December 31": day}
        label = figure.labels[-1]
        day, notes = days[_name(ledger, figure, label, days)], [*notes, *table.footnotes(label, days)]
    if day.month == 1 and figure.symbol == "~":
        return ledger.leave(figure, f"~ {table.meanings['~']}")
    table.say(figure, "prison counts are for December 31")
    table.say(figure, SAYS_JUNE)
    return _row(ledger, figure, day, notes, place_id="USA", **what[name])


def _two_years(ledger: Ledger, figure: Figure) -> None:
    label = figure.labels[-1]
    name = _name(ledger, figure, label, TWO_YEARS)
    cells = TWO_YEARS[name]
    if figure.heads[-1] == "Percent of total population":
        return ledger.leave(figure, SHARE)
    if cells is None:
        return ledger.leave(figure, DUAL)
    # A year stands over the middle of its two columns; the share, on the right of the count, is always below it.
    shares = [f for f in ledger.table.figures if (f.line, f.column) == (figure.line, figure.column + 1)]
    if len(shares) != 1 or shares[0].heads[-1] != "Percent of total population":
        raise ledger.table.refuse(figure, "no share of the total stands beside the count.")
    if figure.heads[0] not in ("", over := shares[0].heads[0]):
        raise ledger.table.refuse(figure, f"{figure.heads[0]} stands over the count and {over} over its share.")
    year = year_of(ledger.table, figure, over)
    notes = ledger.table.footnotes(label, TWO_YEARS)
    said = SAYS_JUNE if cells is JAIL else "December 31"
    if name != "Total" and not any(said in note for note in notes):
        raise ledger.table.refuse(figure, f"no footnote of {name} says {said!r}.")
    return _row(ledger, figure, date(year, 12, 31), notes, place_id="USA", dataset=TWO_YEARS_DATASET, **cells)


def _rates(ledger: Ledger, figure: Figure) -> None:
    name = _name(ledger, figure, figure.heads[-1], RATES)
    cells = RATES[name]
    if cells is None:
        return ledger.leave(figure, NO_RATE)
    year = year_of(ledger.table, figure, figure.labels[-1])
    notes = ledger.table.footnotes(figure.heads[-1], RATES)
    return _row(ledger, figure, date(year, 12, 31), notes, place_id="USA", **cells)


def _states(ledger: Ledger, figure: Figure) -> None:
    table, label = ledger.table, figure.labels[-1]
    if not (found := TITLE_YEAR.search(table.title)):
        raise table.refuse(figure, "the title names no year.")
    head = figure.heads[-1].replace(f"12/31/{found[1]}", "12/31")
    cells = BY_STATE[_name(ledger, figure, head, BY_STATE)]
    place = states()[_name(ledger, figure, label, states())]
    if cells is None:
        return ledger.leave(figure, NO_RATE)
    notes = [*table.footnotes(head, BY_STATE), *table.footnotes(label, states())]
    if place == "USA" and cells["measure"] in WITH_JAILS:
        cells = cells | {"definition": "_".join(filter(None, (cells.get("definition"), "jails_on_31_december")))}
    return _row(ledger, figure, date(int(found[1]), 12, 31), notes, place_id=place, **cells)


def _custody(ledger: Ledger, figure: Figure) -> None:
    table, head = ledger.table, figure.heads[-1]
    known = {label for labels in CUSTODY for label in labels}
    path = tuple(_name(ledger, figure, label, {*known, *HOLDERS}) for label in figure.labels)
    if SPAN.fullmatch(head):
        return ledger.leave(figure, CHANGE)
    if path[-1] in HOLDERS:
        return ledger.leave(figure, HOLDER)
    if path not in CUSTODY:
        raise table.refuse(figure, f"{' / '.join(figure.labels)} stands elsewhere than before.")
    table.say(figure, "Prison counts are for December 31, and jail counts are for the last weekday in June.")
    notes = table.footnotes(figure.labels[-1], known)
    return _row(ledger, figure, date(year_of(table, figure, head), 12, 31), notes, **CUSTODY[path])


def _jails(ledger: Ledger, figure: Figure) -> None:
    columns = ("Total", "Standard error")
    name = _name(ledger, figure, figure.heads[-1], columns)
    if name == "Standard error":
        return ledger.leave(figure, ERROR)
    if SAYS_JUNE not in ledger.table.meanings.get("*", ""):
        raise ledger.table.refuse(figure, f"no footnote says {SAYS_JUNE!r}.")
    year = year_of(ledger.table, figure, figure.labels[-1])
    return _row(ledger, figure, date(year, 12, 31), [], place_id="USA", **JAIL)


#: To what the publisher rounds counts, rates and shares.
HUNDRED, TEN, TENTH = 100, 10, 0.1
#: Persons of two statuses at once are taken out of totals: at most this share of those counted by status. The
#: publisher's largest are 180,500 of 6,794,000 in the whole country and 1,000 of 11,400 in the District of Columbia.
TWICE = 0.04
TWICE_IN_STATE = 0.12
WHOLE: Name = ("Total correctional population",)
OUTSIDE: Sequence[Name] = [("Community supervision", name) for name in BY_YEAR["Community supervision"]]
INSIDE: Sequence[Name] = [("Incarcerated", name) for name in BY_YEAR["Incarcerated"]]
POPULATION, OF_TOTAL = "Population", "Percent of total population"


def _span_of(table: Table, text: str) -> tuple[int, int, bool]:
    """The years between which a row or column gives the change, and whether it is the average of a year."""
    years = [int(year) for year in YEAR.findall(table.words.get(text, text))]
    if len(years) != 2:
        raise refusal(table.name, f"{text!r} does not say between which two years it gives the change.")
    return years[0], years[1], text.startswith("Average annual")


def _changes_hold(changes: Block, cell: tuple[Name, Name], before: Between, after: Between, text: str) -> None:
    first, last, average = _span_of(changes.table, text)
    made = after.growth(before, last - first) if average else after.change(before)
    changes.hold(*cell, made, "the counts of those years")


def _years_hold(table: Table) -> None:
    """The table of all years, or that of two years."""
    if any(figure.heads[-1] == POPULATION for figure in table.figures):
        return _two_years_hold(table)
    halved = {figure.labels[0].rstrip("*") for figure in table.figures if len(figure.labels) == 2}

    def end(year: int) -> Name:
        return (str(year), "December 31") if str(year) in halved else (str(year),)

    counts = Block.of(table, map(end, table.years()), [WHOLE, *OUTSIDE, *INSIDE], HUNDRED)
    counts.columns_add_up(WHOLE, [OUTSIDE[0], INSIDE[0]], TWICE)
    counts.columns_add_up(OUTSIDE[0], OUTSIDE[1:], TWICE)
    counts.columns_add_up(INSIDE[0], INSIDE[1:], TWICE)
    counts.columns_ordered(OUTSIDE[1], OUTSIDE[2])
    counts.columns_ordered(INSIDE[2], INSIDE[1])
    starts = Block.of(table, [(year, "January 1") for year in sorted(halved)], [WHOLE, *OUTSIDE], HUNDRED)
    starts.columns_add_up(OUTSIDE[0], OUTSIDE[1:], TWICE)
    for start in starts.rows:
        made = starts.around(start, OUTSIDE[0]) + counts.around(end(int(start[0]) - 1), INSIDE[0])
        starts.hold_sum(start, WHOLE, made, f"{OUTSIDE[0][0]} and those incarcerated a day before", TWICE)
    rows: list[Name] = list(dict.fromkeys((f.labels[0],) for f in table.figures if SPAN.fullmatch(f.labels[0])))
    changes = Block.of(table, rows or [("Percent change",)], counts.columns, TENTH, signed=True)
    for row in changes.rows:
        first, last, _ = _span_of(table, row[0])
        for column in changes.columns:
            if first == last and column in starts.columns:
                before = starts.around((str(first), "January 1"), column)
            else:
                before = counts.around(end(first - 1 if first == last else first), column)
            _changes_hold(changes, (row, column), before, counts.around(end(last), column), row[0])
    return None


def _two_years_hold(table: Table) -> None:
    rows: list[Name] = [(name,) for name in TWO_YEARS]
    whole, *statuses, dual = rows
    for year in table.two_years():
        share: Name = (str(year), OF_TOTAL)
        shares = Block.of(table, rows, [share], TENTH)
        shares.percent()
        beside = shares.cells[whole, share].column - 1
        over = next((f.heads for f in table.figures if f.column == beside), ("",))
        counts = Block.of(table, rows, [over], HUNDRED)
        made = counts.total((row, over) for row in statuses) - counts.around(dual, over)
        counts.hold(whole, over, made, "the sum of all statuses without those of two")
        for row in (whole, *statuses):
            part = counts.around(row, over) / counts.around(whole, over) * Between(100, 100)
            shares.hold(row, share, part, "the count beside it and the total")


def _same_adults(rates: Block, pairs: Sequence[tuple[Name, Name]]) -> None:
    """All rates of adults are of the same residents, and so are all rates of everybody: their relation is one."""
    for row in rates.rows:
        for (adult, everybody), (other_adult, other) in pairwise(pairs):
            share = rates.around(row, everybody) / rates.around(row, adult)
            made = rates.around(row, other_adult) * share
            rates.hold(row, other, made, f"{other_adult[0]!r} and the share of adults that other rates have")
        for adult, everybody in pairs:
            _of_adults(rates, (row, adult), (row, everybody))


def _of_adults(rates: Block, adults: tuple[Name, Name], everybody: tuple[Name, Name]) -> None:
    made = rates.around(*adults) * Between(0.65, 0.9)
    rates.likely(*everybody, made, "the rate of adults, if they are 65 to 90 % of residents")


def _rates_hold(table: Table) -> None:
    columns: list[Name] = [(name,) for name in RATES]
    all_adult, _, all_ages, *rest = columns
    rates = Block.of(table, [(str(year),) for year in table.years()], [all_adult, all_ages, *rest], TEN)
    _same_adults(rates, [(all_adult, all_ages), (rest[0], rest[1]), (rest[2], rest[3])])
    for whole, parts in ((all_adult, rest[::2]), (all_ages, rest[1::2])):
        rates.columns_add_up(whole, parts, TWICE)


def _states_hold(table: Table) -> None:
    year = table.years()[-1]
    names: list[Name] = [(name.replace("12/31", f"12/31/{year}"),) for name in BY_STATE]
    groups = [names[at : at + 3] for at in range(0, len(names), 3)]
    rows = [*TOTALS, *STATES]
    counts = Block.of(table, rows, names[::3], HUNDRED)
    rates = Block.of(table, rows, [name for group in groups for name in group[1:]], TEN)
    counts.rows_add_up(TOTALS[0], TOTALS[1:])
    counts.rows_add_up(TOTALS[2], STATES)
    counts.alphabetical(STATES)
    counts.columns_add_up(names[0], names[3::3], TWICE_IN_STATE)
    _same_adults(rates, [(adult, everybody) for _, adult, everybody in groups])
    for row in rows:
        for (count, *of_first), (other_count, *of_other) in pairwise(groups):
            for rate, other in zip(of_first, of_other, strict=True):
                residents = counts.around(row, count) / rates.around(row, rate)
                made = counts.around(row, other_count) / residents
                rates.hold(row, other, made, f"{other_count[0]!r} and the residents that other rates have")


def _custody_holds(table: Table) -> None:
    total, federal, state, jails, rate, adult = [path[-2:] for path in CUSTODY]
    prisons: Name = (*federal, "Prisons")
    kinds: Mapping[Name, Sequence[Name]] = {
        total: [federal, state, jails],
        federal: [prisons, (*federal, "Community corrections centers")],
        prisons: [("Prisons", "Federal facilities"), ("Prisons", "Privately operated facilities")],
        state: [(*state, "State facilities"), (*state, "Privately operated facilities")],
    }
    rows = list(dict.fromkeys([total, *(part for parts in kinds.values() for part in parts)]))
    columns: list[Name] = [(str(year),) for year in table.years()]
    counts = Block.of(table, rows, columns, HUNDRED)
    for whole, parts in kinds.items():
        counts.rows_add_up(whole, parts)
    rates = Block.of(table, [rate, adult], columns, TEN)
    for column in columns:
        _of_adults(rates, (adult, column), (rate, column))
    spans: list[Name] = sorted({(f.heads[-1],) for f in table.figures if SPAN.fullmatch(f.heads[-1])})
    changes = Block.of(table, [*rows, rate, adult], spans or [("Percent change",)], TENTH, signed=True)
    for row in changes.rows:
        block = rates if row in rates.rows else counts
        for column in changes.columns:
            first, last, _ = _span_of(table, column[0])
            before, after = block.around(row, (str(first),)), block.around(row, (str(last),))
            _changes_hold(changes, (row, column), before, after, column[0])


def _jails_hold(table: Table) -> None:
    rows: list[Name] = [(str(year),) for year in table.years()]
    counts = Block.of(table, rows, [("Total",)], HUNDRED)
    errors = Block.of(table, rows, [("Standard error",)], TEN)
    counts.alike([(row, ("Total",)) for row in rows], 1.5)
    for row in rows:
        made = counts.around(row, ("Total",)) * Between(0.001, 0.02)
        errors.likely(row, ("Standard error",), made, "a total whose error is 0.1 to 2 % of it")


READINGS: Mapping[str, Reading] = {
    "years": Reading(_years, _years_hold),
    "rates": Reading(_rates, _rates_hold),
    "states": Reading(_states, _states_hold),
    "custody": Reading(_custody, _custody_holds),
    "jails": Reading(_jails, _jails_hold),
}
