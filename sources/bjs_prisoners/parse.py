"""Prisoners under the jurisdiction of the states and the federal system, from the yearly report of the BJS.

Jurisdiction is legal authority, wherever the prisoner is held; it is never taken for persons held. `subjects.csv` says
of each title which dataset it is and how it is read, because the numbers of tables change between editions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sources.bjs_tables import Figure, Ledger, read, states, subject, year_of
from sources.reading import Parsed, RawFile

SUBJECTS = Path(__file__).with_name("subjects.csv")

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
CAPACITY = {"Rated": "rated_capacity", "Operational": "operational_capacity", "Design": "design_capacity"}
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


def parse(file: RawFile) -> Parsed:
    """Rows of one table, in the way that its title asks for."""
    table = read(file)
    about = subject(table, SUBJECTS)
    ledger = Ledger(table, about.dataset)
    for figure in table.figures:
        if about.reading:
            READINGS[about.reading](ledger, figure)
        else:
            ledger.leave(figure, about.reason)
    return ledger.parsed("observation")


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
    ledger.table.say(figure, "December 31")
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
    entries = {"measure": "admissions", **MORE_THAN_A_YEAR}
    _flow(ledger, figure, {"total": entries, "new court commitments": None, "conditional supervision violations": None})


def _releases(ledger: Ledger, figure: Figure) -> None:
    ledger.table.say(figure, SAYS_SENTENCE)
    deaths = {"measure": "deaths_in_custody", "definition": "sentenced_under_jurisdiction"}
    out = {"measure": "releases", **MORE_THAN_A_YEAR}
    _flow(ledger, figure, {"total": out, "unconditional": None, "conditional": None, "deaths": deaths})


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
    groups = {"Total": {}, "All male": {"sex": "M"}, "All female": {"sex": "F"}}
    label, head = figure.labels[-1], figure.heads[-1]
    if ledger.table.plain(head, RACES):
        return ledger.leave(figure, RACE)
    sex = _one(ledger, figure, head, groups)
    known = {**AGES, NUMBER: "_T"}
    age = _one(ledger, figure, label, known)
    counted = ledger.table.plain(label, (NUMBER,)) is not None
    if measure == SHARE and age == "_T" and not counted:
        return ledger.leave(figure, WHOLE)
    notes = [*ledger.table.footnotes(head, groups), *ledger.table.footnotes(label, known)]
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
    if ledger.table.plain(head, ("Non-U.S. citizens as a percent of prison population",)):
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


READINGS: Mapping[str, Callable[[Ledger, Figure], None]] = {
    "jurisdictions": lambda ledger, figure: _jurisdictions(ledger, figure, _everybody),
    "jurisdictions_sentenced": lambda ledger, figure: _jurisdictions(ledger, figure, _sentenced),
    "rates_of_jurisdictions": _rates_of_jurisdictions,
    "admissions": _admissions,
    "releases": _releases,
    "capacity": _capacity,
    "years": _years_all,
    "years_sentenced": _years_sentenced,
    "rates_of_years": _rates_of_years,
    "rates_of_years_adults": _rates_of_years_adults,
    "ages": lambda ledger, figure: _ages(ledger, figure, "USA"),
    "ages_state": lambda ledger, figure: _ages(ledger, figure, "USA-STATE"),
    "ages_federal": lambda ledger, figure: _ages(ledger, figure, "USA-FED"),
    "rates_of_ages": lambda ledger, figure: _ages(ledger, figure, "USA", RATE),
    "minors": _minors,
    "citizens": _citizens,
    "territories": _territories,
}
