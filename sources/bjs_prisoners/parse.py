"""Prisoners under the jurisdiction of the states and the federal system, from the yearly report of the BJS.

Jurisdiction is legal authority, wherever the prisoner is held; it is never taken for persons held. `subjects.csv` says
of each title which dataset it is and how it is read, because the numbers of tables change between editions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import inf
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
    parse_table,
    states,
    year_of,
)
from sources.reading import Parsed, RawFile

COUNT = "prisoners_under_jurisdiction"
RATE = "prisoners_under_jurisdiction_rate"
SHARE = "prisoners_under_jurisdiction_share"
MORE_THAN_A_YEAR = {"legal_status": "SENTENCED_GT1Y"}
SAYS_SENTENCE = "sentence of more than 1 year"
SAYS_DAY = "are for December 31 of each year"

CHANGE = "change between years, which the publisher computes from the counts beside it"
RACE = "race or Hispanic origin: no column holds it"
KIND = "kind of admission or release: no column holds it"
WHOLE = "100 %, the whole of which the other rows are parts"
TERRITORIES = "sum of the territories: no place holds it"
OCCUPANCY = "custody population as a share of capacity, which the publisher computes from the counts beside it"
FOREIGN_SHARE = "share of non-citizens, which the publisher computes from the counts beside it"

SEXES: Mapping[str, dict[str, str]] = {"Total": {}, "Male": {"sex": "M"}, "Female": {"sex": "F"}}
SYSTEMS: Mapping[str, dict[str, str]] = {
    "Total": {"place_id": "USA"},
    "Federal": {"place_id": "USA-FED"},
    "State": {"place_id": "USA-STATE"},
    "Male": {"place_id": "USA", "sex": "M"},
    "Female": {"place_id": "USA", "sex": "F"},
}
RACES = frozenset(
    {
        "White",
        "Black",
        "Hispanic",
        "American Indian/Alaska Native",
        "Asian",
        "Native Hawaiian/Other Pacific Islander",
        "Two or more races",
        "Other",
    }
)
AGES = {
    "Total": "_T", "18-19": "Y18T19", "20-24": "Y20T24", "25-29": "Y25T29", "30-34": "Y30T34", "35-39": "Y35T39",
    "40-44": "Y40T44", "45-49": "Y45T49", "50-54": "Y50T54", "55-59": "Y55T59", "60-64": "Y60T64",
    "65 or older": "Y_GE65",
}  # fmt: skip
NUMBER = "Number of sentenced prisoners"
GROUPS: Mapping[str, dict[str, str]] = {"Total": {}, "All male": {"sex": "M"}, "All female": {"sex": "F"}}
CAPACITY = {"Rated": "rated_capacity", "Operational": "operational_capacity", "Design": "design_capacity"}
#: Kinds of admissions and releases, as the headers call them after the year.
ENTRIES: Mapping[str, dict[str, Any] | None] = {
    "total": {"measure": "admissions", **MORE_THAN_A_YEAR},
    "new court commitments": None,
    "conditional supervision violations": None,
}
EXITS: Mapping[str, dict[str, Any] | None] = {
    "total": {"measure": "releases", **MORE_THAN_A_YEAR},
    "unconditional": None,
    "conditional": None,
    "deaths": {"measure": "deaths_in_custody", "definition": "sentenced_under_jurisdiction"},
}
FOREIGN = "Non-U.S. citizens as a percent of prison population"
TERRITORY = {
    "American Samoa": "ASM",
    "Guam": "GUM",
    "Northern Mariana Islands": "MNP",
    "Puerto Rico": "PRI",
    "U.S. Virgin Islands": "VIR",
}
SPAN = re.compile(r"(?:Percent change|Change), \d{4}-\d{4}")
YEAR_IN_RATE = re.compile(r"Per 100,000 U\.S\. residents within each group in (\d{4})")
FLOW = re.compile(r"(\d{4}) (.+)")
DAY = re.compile(r"December 31, (\d{4})")
#: What a footnote says of the figures beside it.
CAPACITY_IN_NOTE = re.compile(r"(Rated|Operational|Design) capacity (?:may )?(?:include|exclude)")


def parse(file: RawFile) -> Parsed:
    """Rows of one table, in the way that its title asks for."""
    return parse_table(file, Path(__file__).parent, READINGS, "observation")


def _place(ledger: Ledger, figure: Figure) -> tuple[str, list[str]]:
    """The place of a row by jurisdiction, and what its footnotes say."""
    table, known = ledger.table, states()
    above, label = figure.labels[:-1], figure.labels[-1]
    name = table.plain(label, known)
    if name is None:
        raise table.refuse(figure, f"{label!r} is not a jurisdiction that Custody knows.")
    expected = 0 if known[name] in ("USA", "USA-FED", "USA-STATE") else 1
    if len(above) != expected or any(table.plain(text, ("State",)) is None for text in above):
        raise table.refuse(figure, f"{name} stands below {' / '.join(above) or 'nothing'}; the levels have changed.")
    return known[name], table.footnotes(label, known)


def _one(ledger: Ledger, figure: Figure, text: str, known: Mapping[str, Any]) -> Any:
    """What a header or label is in a table of ours."""
    name = ledger.table.plain(text, known)
    if name is None:
        raise ledger.table.refuse(figure, f"{text!r} is not one of {', '.join(known)}.")
    return known[name]


def _year_end(ledger: Ledger, figure: Figure, year: int) -> dict[str, Any]:
    """The last day of a year, if the table says that its counts are of that day."""
    ledger.table.say(figure, SAYS_DAY)
    return _on(date(year, 12, 31))


def _on(day: date) -> dict[str, Any]:
    return {"period_start": day, "period_end": day, "period_kind": "point"}


def _titled_day(ledger: Ledger, figure: Figure) -> dict[str, Any]:
    """The day that the title names."""
    if not (found := DAY.search(ledger.table.title)):
        raise ledger.table.refuse(figure, "the title names no 31 December.")
    return _on(date(int(found[1]), 12, 31))


def _sentenced(ledger: Ledger, figure: Figure) -> dict[str, str]:
    """The sentences that the publisher's word `sentenced` means, if the note says so."""
    ledger.table.say(figure, SAYS_SENTENCE)
    return MORE_THAN_A_YEAR


def _sentenced_rate(ledger: Ledger, figure: Figure) -> dict[str, str]:
    """The same for rates, whose note did not always say it: 419 per 100,000 in 2019 is what both editions give."""
    if "based on sentenced prisoners" not in ledger.table.note:
        ledger.table.say(figure, SAYS_SENTENCE)
    return MORE_THAN_A_YEAR


def _jurisdictions(ledger: Ledger, figure: Figure, of: Callable[[Ledger, Figure], dict[str, str]]) -> None:
    if len(figure.heads) != 2:
        raise ledger.table.refuse(figure, f"{len(figure.heads)} headers over the figure instead of 2.")
    over, head = figure.heads
    sex = _one(ledger, figure, head, SEXES)
    place, notes = _place(ledger, figure)
    if SPAN.fullmatch(over):
        return ledger.leave(figure, CHANGE)
    when = _year_end(ledger, figure, year_of(ledger.table, figure, over))
    cells = {"place_id": place, "measure": COUNT, **sex, **when, **of(ledger, figure)}
    return ledger.row(figure, cells, notes)


def _everybody(ledger: Ledger, figure: Figure) -> dict[str, str]:
    return {}


def _rates_of_jurisdictions(ledger: Ledger, figure: Figure) -> None:
    groups = {**SEXES, "Age 18 or older": {"age": "Y_GE18"}}
    if len(figure.heads) != 3 or not (found := YEAR_IN_RATE.fullmatch(figure.heads[0])):
        raise ledger.table.refuse(figure, f"{' / '.join(figure.heads)} are not the headers of a rate and its year.")
    ledger.table.say(figure, SAYS_DAY)
    place, notes = _place(ledger, figure)
    group = _one(ledger, figure, figure.heads[2], groups)
    when = _on(date(int(found[1]), 12, 31))
    cells = {"place_id": place, "measure": RATE, **group, **when, **_sentenced_rate(ledger, figure)}
    ledger.row(figure, cells, notes)


def _flow(ledger: Ledger, figure: Figure, measures: Mapping[str, dict[str, Any] | None]) -> None:
    """A count of a year; `measures` says what the words after the year mean, None of what no column holds."""
    place, notes = _place(ledger, figure)
    head = figure.heads[-1]
    if SPAN.fullmatch(head):
        return ledger.leave(figure, CHANGE)
    if len(figure.heads) != 1 or not (found := FLOW.fullmatch(head)):
        raise ledger.table.refuse(figure, f"{head!r} is not a year and what is counted.")
    cells = _one(ledger, figure, found[2], measures)
    if cells is None:
        return ledger.leave(figure, KIND)
    ledger.table.say(figure, "January 1 through December 31")
    year = int(found[1])
    when = {"period_start": date(year, 1, 1), "period_end": date(year, 12, 31), "period_kind": "during"}
    return ledger.row(figure, {"place_id": place, **cells, **when}, notes)


def _admissions(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_SENTENCE)
    _flow(ledger, figure, ENTRIES)


def _releases(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_SENTENCE)
    _flow(ledger, figure, EXITS)


def _capacity(ledger: Ledger, figure: Figure) -> None:
    place, notes = _place(ledger, figure)
    head = figure.heads[-1]
    if head in ("Lowest capacity", "Highest capacity"):
        return ledger.leave(figure, OCCUPANCY)
    if head == "Custody population":
        cells = {"measure": "persons_held", "definition": "in_own_facilities"}
    else:
        cells = {"measure": "official_capacity", "definition": _one(ledger, figure, head, CAPACITY)}
    return ledger.row(figure, {"place_id": place, **cells, **_titled_day(ledger, figure)}, notes)


def _years(ledger: Ledger, figure: Figure, measure: str, cells: Mapping[str, str]) -> None:
    """A table with a year in each row and systems, sexes and races in its columns."""
    head = figure.heads[-1]
    if figure.labels[0] == "Percent change" and len(figure.labels) == 2:
        return ledger.leave(figure, CHANGE)
    if len(figure.labels) != 1:
        raise ledger.table.refuse(figure, f"{' / '.join(figure.labels)} is not a year.")
    if ledger.table.plain(head, RACES):
        return ledger.leave(figure, RACE)
    who = _one(ledger, figure, head, SYSTEMS)
    when = _on(date(year_of(ledger.table, figure, figure.labels[0]), 12, 31))
    notes = ledger.table.footnotes(head, SYSTEMS)
    return ledger.row(figure, {"measure": measure, **who, **when, **cells}, notes)


def _years_all(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_DAY)
    _years(ledger, figure, COUNT, {})


def _years_sentenced(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_DAY)
    _years(ledger, figure, COUNT, _sentenced(ledger, figure))


def _rates_of_years(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_DAY)
    _years(ledger, figure, RATE, _sentenced(ledger, figure))


def _rates_of_years_adults(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_DAY)
    _years(ledger, figure, RATE, {"age": "Y_GE18", **_sentenced(ledger, figure)})


def _ages(ledger: Ledger, figure: Figure, place: str, measure: str = SHARE) -> None:
    """A table with ages in its rows, sexes and races in its columns, and the number of prisoners in its last row."""
    label, head = figure.labels[-1], figure.heads[-1]
    if ledger.table.plain(head, RACES):
        return ledger.leave(figure, RACE)
    sex = _one(ledger, figure, head, GROUPS)
    known = {**AGES, NUMBER: "_T"}
    age = _one(ledger, figure, label, known)
    counted = ledger.table.plain(label, (NUMBER,)) is not None
    if measure == SHARE and age == "_T" and not counted:
        return ledger.leave(figure, WHOLE)
    notes = [*ledger.table.footnotes(head, GROUPS), *ledger.table.footnotes(label, known)]
    cells = {"place_id": place, "measure": COUNT if counted else measure, "age": age, **sex}
    cells |= _sentenced(ledger, figure) | _titled_day(ledger, figure)
    return ledger.row(figure, cells, notes, percent=measure == SHARE and not counted)


def _minors(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, "excluding prisoners held in local jails and in the custody of other jurisdictions")
    place, notes = _place(ledger, figure)
    when = _year_end(ledger, figure, year_of(ledger.table, figure, figure.heads[-1]))
    cells = {"measure": "persons_held", "age": "Y_LT18", "definition": "prisons_without_local_jails"}
    ledger.row(figure, {"place_id": place, **cells, **when}, notes)


def _citizens(ledger: Ledger, figure: Figure) -> None:
    groups = {"U.S. citizen prisoners": "NATIONAL", "Non-U.S. citizen prisoners": "FOREIGN"}
    place, notes = _place(ledger, figure)
    over, head = figure.heads[0], figure.heads[-1]
    if ledger.table.plain(head, (FOREIGN,)):
        return ledger.leave(figure, FOREIGN_SHARE)
    cells = {
        "place_id": place,
        "measure": "persons_held",
        "definition": "prisons_without_local_jails",
        "citizenship": _one(ledger, figure, over, groups),
        **_one(ledger, figure, head, SEXES),
        **_titled_day(ledger, figure),
    }
    return ledger.row(figure, cells, notes)


def _territories(ledger: Ledger, figure: Figure) -> None:
    head = figure.heads[-1]
    stocks: dict[str, dict[str, str]] = {
        "Total": {"measure": COUNT},
        "Sentenced to more than 1 year": {"measure": COUNT, **MORE_THAN_A_YEAR},
        "Total custody population": {"measure": "persons_held"},
    }
    stocks |= {name: {"measure": "official_capacity", "definition": of} for name, of in CAPACITY.items()}
    cells = _one(ledger, figure, head, stocks)
    label = figure.labels[-1]
    if label == "Total":
        return ledger.leave(figure, TERRITORIES)
    place = _one(ledger, figure, label, TERRITORY)
    notes = ledger.table.footnotes(label, TERRITORY)
    return ledger.row(figure, {"place_id": place, **cells, **_titled_day(ledger, figure)}, notes)


#: The federal system holds the prisoners of the District of Columbia.
PRISON_STATES = [state for state in STATES if state != ("District of Columbia",)]
ALL_ROWS = [*TOTALS, *PRISON_STATES]
OF_GROUPS: Sequence[Name] = [(group,) for group in GROUPS]


def _systems_add_up(block: Block) -> None:
    """Totals are the sums of their rows; labels exchanged are out of order, but nothing tells two states' figures."""
    block.alphabetical(PRISON_STATES)
    block.rows_add_up(TOTALS[0], TOTALS[1:])
    block.rows_add_up(TOTALS[2], PRISON_STATES)


def _changes_hold(counts: Block, span: str, of: Mapping[Name, tuple[Name, Name]]) -> None:
    """Changes in percent, and in numbers where there are some, are those between two columns of counts.

    `span` is the years as the headers write them; `of` says by what else stands in the header which columns.
    """
    absolute, percent = f"Change, {span}", f"Percent change, {span}"
    shares = Block.of(counts.table, counts.rows, [(percent, *rest) for rest in of], 0.1, signed=True)
    changes = None
    if any(counts.table.plain(figure.heads[0], (absolute,)) for figure in counts.table.figures):
        changes = Block.of(counts.table, counts.rows, [(absolute, *rest) for rest in of], signed=True)
    for row in counts.rows:
        for rest, (first, last) in of.items():
            before, after = counts.around(row, first), counts.around(row, last)
            why = f"{' / '.join(first)} and {' / '.join(last)}"
            shares.hold(row, (percent, *rest), after.change(before), why)
            if changes:
                changes.hold(row, (absolute, *rest), after - before, why)


def _sexes_hold(rates: Block, total: Name, male: Name, female: Name) -> None:
    """The rate of all lies where men, who are two to three fifths of any population here, put it."""
    for row in rates.rows:
        men, women = rates.around(row, male), rates.around(row, female)
        low, high = 0.4 * men.low + 0.6 * women.low, 0.6 * men.high + 0.4 * women.high
        rates.likely(row, total, Between(low, high), f"{male[-1]} and {female[-1]}, if each is 40 to 60 % of residents")


def _jurisdictions_hold(table: Table) -> None:
    first, last = map(str, table.two_years())
    counts = Block.of(table, ALL_ROWS, [(year, sex) for year in (first, last) for sex in SEXES])
    for year in (first, last):
        counts.columns_add_up((year, "Total"), [(year, "Male"), (year, "Female")])
        counts.columns_ordered((year, "Male"), (year, "Female"))
    _systems_add_up(counts)
    _changes_hold(counts, f"{first}-{last}", {(sex,): ((first, sex), (last, sex)) for sex in SEXES})


def _rates_of_jurisdictions_hold(table: Table) -> None:
    first, last = (f"Per 100,000 U.S. residents within each group in {year}" for year in table.two_years())
    groups = [("All ages", sex) for sex in SEXES] + [("All ages", "Age 18 or older")]
    total, male, female, adults = groups
    rates = Block.of(table, ALL_ROWS, [(over, *group) for over in (first, last) for group in groups], 1)
    rates.rows_add_up(TOTALS[0], TOTALS[1:])
    rates.alphabetical(PRISON_STATES)
    for over in (first, last):
        _sexes_hold(rates, (over, *total), (over, *male), (over, *female))
        for row in rates.rows:
            expected = rates.around(row, (over, *total)) / Between(0.65, 0.9)
            why = "the rate of all ages, if adults are 65 to 90 % of residents"
            rates.likely(row, (over, *adults), expected, why)
    for row in rates.rows:
        for group in groups:
            rates.alike([(row, (over, *group)) for over in (first, last)], 3)


def _flow_holds(table: Table, kinds: Sequence[str]) -> None:
    """Those of all kinds, which have others beside the kinds that are shown, of which the last are the fewest.

    The totals of kinds leave out the states that do not report them, in every edition, while those of all kinds
    estimate them. Of the kinds there are no changes: two years of deaths that are exchanged are told only where
    a total is then too small.
    """
    first, last = table.two_years()
    years = [str(first), str(last)]
    counts = Block.of(table, ALL_ROWS, [(f"{year} {kind}",) for kind in ("total", *kinds) for year in years])
    _systems_add_up(counts)
    for year in years:
        of_kinds: list[Name] = [(f"{year} {kind}",) for kind in kinds]
        counts.columns_within((f"{year} total",), of_kinds)
        for column in of_kinds:
            told = counts.total((state, column) for state in PRISON_STATES if counts.around(state, column).high < inf)
            counts.likely(TOTALS[2], column, told, "the sum of the states that report it, the only ones it counts")
        fewest = counts.around(TOTALS[2], of_kinds[-1])
        for column in of_kinds[:-1]:
            counts.likely(TOTALS[2], column, Between(fewest.low, inf), f"{of_kinds[-1][0]}, which are never the more")
    _changes_hold(counts, f"{first}-{last}", {(): ((f"{first} total",), (f"{last} total",))})


def _capacity_holds(table: Table) -> None:
    """The shares are of the lowest and highest capacity; which is which kind is told by footnotes and one fact.

    That the federal system publishes its rated capacity and no other is its policy.
    """
    rows = [TOTALS[1], *PRISON_STATES]
    capacities = Block.of(table, rows, [(of,) for of in CAPACITY])
    held: Name = ("Custody population",)
    persons = Block.of(table, rows, [held])
    shares = Block.of(table, rows, [("Lowest capacity",), ("Highest capacity",)], 0.1)
    persons.alphabetical(PRISON_STATES)
    capacities.given(TOTALS[1], ("Rated",), "the federal system gives its rated capacity")
    for row in rows:
        notes = table.footnotes(persons.cells[row, held].labels[-1], states())
        if said := CAPACITY_IN_NOTE.search(" ".join(notes)):
            capacities.given(row, (said[1],), f"a footnote speaks of {said[1].lower()} capacity")
        known = [c for of in CAPACITY if (c := capacities.around(row, (of,))).low == c.high]
        for name, of_known in (("Lowest capacity", min), ("Highest capacity", max)) if known else ():
            capacity = of_known(known, key=lambda c: c.low)
            share = persons.around(row, held) / capacity * Between(100, 100)
            shares.hold(row, (name,), share, f"the custody population and the {name.lower()}")


def _years_hold(table: Table, unit: float = 0) -> None:
    """Counts (no unit) or rates of each year; the changes over the last year and over all are computed from them."""
    years = table.years()
    columns: list[Name] = [(of,) for of in SYSTEMS]
    counts = Block.of(table, [(str(year),) for year in years], columns, unit)
    counts.columns_add_up(("Total",), [("Federal",), ("State",)])
    counts.columns_ordered(("State",), ("Federal",))
    counts.columns_ordered(("Male",), ("Female",))
    for column in columns:
        counts.alike([(row, column) for row in counts.rows], 2)
    if unit:
        _sexes_hold(counts, ("Total",), ("Male",), ("Female",))
    else:
        counts.columns_add_up(("Total",), [("Male",), ("Female",)])
    spans = [(years[0], years[-1]), (years[-2], years[-1])]
    changes = Block.of(table, [("Percent change", f"{a}-{b}") for a, b in spans], columns, 0.1, signed=True)
    for row, (first, last) in zip(changes.rows, spans, strict=True):
        for column in columns:
            before, after = counts.around((str(first),), column), counts.around((str(last),), column)
            changes.hold(row, column, after.change(before), f"{first} and {last}")


def _numbers_of_sexes(table: Table) -> Block:
    numbers = Block.of(table, [(NUMBER,)], OF_GROUPS)
    numbers.columns_add_up(OF_GROUPS[0], OF_GROUPS[1:])
    numbers.columns_ordered(*OF_GROUPS[1:])
    return numbers


def _ages_hold(table: Table) -> None:
    """Shares of ages make the whole, and those of the sexes, weighted by their numbers, those of all."""
    numbers = _numbers_of_sexes(table)
    ages = [(age,) for age in AGES]
    shares = Block.of(table, ages, OF_GROUPS, 0.1)
    shares.rows_add_up(ages[0], ages[1:])
    everybody, *sexes = OF_GROUPS
    for age in ages:
        made = _weighted(shares, numbers, age, sexes)
        shares.hold(age, everybody, made, "All male and All female, weighted by their numbers")


def _weighted(shares: Block, numbers: Block, row: Name, parts: Sequence[Name]) -> Between:
    made = Between(0, 0)
    for part in parts:
        made += shares.around(row, part) * numbers.around((NUMBER,), part)
    return made / numbers.total(((NUMBER,), part) for part in parts)


def _rates_of_ages_hold(table: Table) -> None:
    _numbers_of_sexes(table)
    rates = Block.of(table, [(age,) for age in AGES], OF_GROUPS, 1)
    _sexes_hold(rates, *OF_GROUPS)


def _minors_hold(table: Table) -> None:
    """Totals are the sums of their rows; nothing in this edition tells when the two years are exchanged."""
    _systems_add_up(Block.of(table, ALL_ROWS, [(str(year),) for year in table.two_years()]))


def _citizens_hold(table: Table) -> None:
    rows = [TOTALS[1], *PRISON_STATES]
    nationals, foreigners = "U.S. citizen prisoners", "Non-U.S. citizen prisoners"
    counts = Block.of(table, rows, [(group, sex) for group in (nationals, foreigners) for sex in SEXES])
    counts.alphabetical(PRISON_STATES)
    for group in (nationals, foreigners):
        counts.columns_add_up((group, "Total"), [(group, "Male"), (group, "Female")])
        counts.columns_ordered((group, "Male"), (group, "Female"))
    share: Name = (FOREIGN,)
    shares = Block.of(table, rows, [share], 0.1)
    for row in rows:
        foreign = counts.around(row, (foreigners, "Total"))
        known = foreign + counts.around(row, (nationals, "Total"))
        # The base has those of unknown citizenship too, or is another population than the two counts: see the notes.
        base = known * Between(0.9, 1.5)
        why = "the counts of citizens and others, if those of unknown citizenship are few"
        shares.likely(row, share, foreign / base * Between(100, 100), why)


def _territories_hold(table: Table) -> None:
    """Persons add up; nothing tells when two kinds of capacity are exchanged, or the sentenced and those in custody."""
    rows: list[Name] = [(name,) for name in TERRITORY]
    persons: list[Name] = [("Total",), ("Sentenced to more than 1 year",), ("Total custody population",)]
    counts = Block.of(table, [("Total",), *rows], persons)
    counts.rows_add_up(("Total",), rows)
    counts.columns_within(persons[0], persons[1:2])
    counts.alphabetical(rows)
    capacities = Block.of(table, [("Total",), *rows], [(of,) for of in CAPACITY])
    for row in rows:
        capacities.alike([(row, of) for of in capacities.columns], 3)


READINGS: Mapping[str, Reading] = {
    "jurisdictions": Reading(lambda ledger, figure: _jurisdictions(ledger, figure, _everybody), _jurisdictions_hold),
    "jurisdictions_sentenced": Reading(
        lambda ledger, figure: _jurisdictions(ledger, figure, _sentenced), _jurisdictions_hold
    ),
    "rates_of_jurisdictions": Reading(_rates_of_jurisdictions, _rates_of_jurisdictions_hold),
    "admissions": Reading(_admissions, lambda table: _flow_holds(table, list(ENTRIES)[1:])),
    "releases": Reading(_releases, lambda table: _flow_holds(table, list(EXITS)[1:])),
    "capacity": Reading(_capacity, _capacity_holds),
    "years": Reading(_years_all, _years_hold),
    "years_sentenced": Reading(_years_sentenced, _years_hold),
    "rates_of_years": Reading(_rates_of_years, lambda table: _years_hold(table, 1)),
    "rates_of_years_adults": Reading(_rates_of_years_adults, lambda table: _years_hold(table, 1)),
    "ages": Reading(lambda ledger, figure: _ages(ledger, figure, "USA"), _ages_hold),
    "ages_state": Reading(lambda ledger, figure: _ages(ledger, figure, "USA-STATE"), _ages_hold),
    "ages_federal": Reading(lambda ledger, figure: _ages(ledger, figure, "USA-FED"), _ages_hold),
    "rates_of_ages": Reading(lambda ledger, figure: _ages(ledger, figure, "USA", RATE), _rates_of_ages_hold),
    "minors": Reading(_minors, _minors_hold),
    "citizens": Reading(_citizens, _citizens_hold),
    "territories": Reading(_territories, _territories_hold),
}
