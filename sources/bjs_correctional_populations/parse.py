"""Everybody in prison, in jail or under supervision in the United States, from the yearly report of the BJS.

The publisher's "incarcerated" is prisoners under jurisdiction and local jails together, those counted twice taken out.
`subjects.csv` says of each title which dataset it is and how it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sources.bjs_tables import Figure, Ledger, last_weekday_of_june, read, states, subject, year_of
from sources.reading import Parsed, RawFile

SUBJECTS = Path(__file__).with_name("subjects.csv")

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
    ("State prisoners",): {"place_id": "USA-STATE", "definition": "custody"} | HELD,
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
#: The table of two years repeats figures of the table of all years, whose title it shares; a key stands once.
TWO_YEARS_DATASET = "populations_in_two_years"
TITLE_YEAR = re.compile(r", (\d{4})$")


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


READINGS: Mapping[str, Callable[[Ledger, Figure], None]] = {
    "years": _years,
    "rates": _rates,
    "states": _states,
    "custody": _custody,
    "jails": _jails,
}
