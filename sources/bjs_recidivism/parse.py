"""Return of released state prisoners in the United States, from the reports of the BJS on cohorts.

Not all states take part, and not the same for each kind of return, so that every figure has a definition that names
how many do. `subjects.csv` says of each title which dataset it is and how it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sources.bjs_tables import Figure, Ledger, read, subject
from sources.reading import Parsed, RawFile

SUBJECTS = Path(__file__).with_name("subjects.csv")

ERROR = "standard error: no column holds it"
MEDIAN = "median time served, which is no figure on return"
NARROWER = "arrests for one kind of offence, which is no kind of return in this table: not interpreted yet"

#: How many states the definitions of source.yml know.
STATES = frozenset({"24", "22", "18"})
COHORT = re.compile(r"released in (?:(\d+) states in )?(\d{4})\b")
TAKE_PART = re.compile(r"across the (\d+) states")
WITHIN = re.compile(r"within (\d+) years")
YEAR = re.compile(r"Year (\d+)|(\d+)(?:st|nd|rd|th)")

OUTCOMES = {"Arrest": "rearrest", "Conviction": "reconviction", "Return to prison": "reimprisonment"}
VIOLATIONS = "probation or parole violation or an arrest that led to a new sentence"
SEXES = {"Male": "M", "Female": "F"}
EVERYBODY = frozenset({"All released prisoners", "All first releases"})
OFFENCES = frozenset(
    {
        "Violent",
        "Homicide",
        "Murder/nonnegligent manslaughter",
        "Rape/sexual assault",
        "Robbery",
        "Assault",
        "Property",
        "Burglary",
        "Larceny/motor vehicle theft",
        "Fraud/forgery",
        "Drug",
        "Public order",
    }
)
ARRESTED_FOR = frozenset(
    {
        "Total violent",
        "Total property",
        "Homicide",
        "Rape/sexual assault",
        "Robbery",
        "Assault",
        "Burglary",
        "Larceny/motor vehicle theft",
        "Fraud/ forgery",
        "Drug",
        "Public order",
    }
)
AFTER = "Percent of released prisoners who were arrested within 10 years after serving—"
LONGER = "61 or more"
SERVED = frozenset({"6 months or less", "7-12", "13-18", "19-24", "25-36", "37-60", "61-80", "81 or more"})
AROUND_MEDIAN = frozenset(
    {
        "Less than the median time served before first release",
        "More than the median time served before first release",
    }
)


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
    return ledger.parsed("recidivism")


def _name(ledger: Ledger, figure: Figure, text: str, known: Collection[str]) -> str:
    """Which of the publisher's words that are known a header or label is."""
    name = ledger.table.plain(text, known)
    if name is None:
        raise ledger.table.refuse(figure, f"{text!r} is not one of {', '.join(sorted(known))}.")
    return name


def _row(
    ledger: Ledger,
    figure: Figure,
    outcome: str,
    cells: Mapping[str, Any],
    notes: Sequence[str] = (),
    states: str | None = None,
    first_releases: bool = False,
) -> None:
    """A share of the cohort that the title names; `states` is how many take part where the title does not say it."""
    table = ledger.table
    if not (found := COHORT.search(table.title)):
        raise table.refuse(figure, "the title names no cohort.")
    number = states or found[1]
    if number not in STATES:
        raise table.refuse(figure, f"{number} states are no definition that Custody knows.")
    definition = f"states_{number}"
    if first_releases:
        table.say(figure, "First releases include prisoners released in 2008 for the first time")
        definition = f"first_releases_{definition}"
    cohort = {
        "place_id": "USA",
        "basis": "release_cohort",
        "population": "released_prisoners",
        "outcome": outcome,
        "cohort_start": date(int(found[2]), 1, 1),
        "cohort_end": date(int(found[2]), 12, 31),
        "definition": definition,
    }
    ledger.row(figure, {**cohort, **cells}, notes, column="rate_percent", percent=True)


def _after(ledger: Ledger, figure: Figure) -> int:
    """How many years after release the label names."""
    if not (found := YEAR.fullmatch(figure.labels[-1])):
        raise ledger.table.refuse(figure, f"{figure.labels[-1]!r} is not a year after release.")
    return int(found[1] or found[2])


def _within(ledger: Ledger, figure: Figure) -> dict[str, int]:
    if not (found := WITHIN.search(ledger.table.title)):
        raise ledger.table.refuse(figure, "the title does not say within how many years.")
    return {"follow_up_from_months": 0, "follow_up_months": 12 * int(found[1])}


def _cumulative(ledger: Ledger, figure: Figure) -> None:
    head = figure.heads[-1]
    name = _name(ledger, figure, head, OUTCOMES)
    notes = ledger.table.footnotes(head, OUTCOMES)
    found = TAKE_PART.search(" ".join(notes))
    if found is None:
        raise ledger.table.refuse(figure, f"no footnote of {name} says how many states take part.")
    if name == "Return to prison" and VIOLATIONS not in " ".join(notes):
        raise ledger.table.refuse(figure, f"no footnote of {name} says that it counts a {VIOLATIONS}.")
    cells = {
        "follow_up_from_months": 0,
        "follow_up_months": 12 * _after(ledger, figure),
        "counts_technical_violations": True if name == "Return to prison" else None,
    }
    _row(ledger, figure, OUTCOMES[name], cells, notes, states=found[1])


def _annual(ledger: Ledger, figure: Figure, **cells: str) -> None:
    """The share arrested in one year after release, whether or not in another year too."""
    year = _after(ledger, figure)
    when = {"follow_up_from_months": 12 * (year - 1), "follow_up_months": 12 * year}
    _row(ledger, figure, "rearrest", {**when, **cells})


def _annual_of_all(ledger: Ledger, figure: Figure) -> None:
    _name(ledger, figure, figure.heads[-1], ("Percent",))
    _annual(ledger, figure)


def _annual_by_sex(ledger: Ledger, figure: Figure) -> None:
    _name(ledger, figure, figure.heads[0], ("Percent of released prisoners arrested",))
    _annual(ledger, figure, sex=SEXES[_name(ledger, figure, figure.heads[-1], SEXES)])


def _subgroup(*parts: str) -> str:
    return "; ".join(filter(None, parts)) or "_T"


def _offence(ledger: Ledger, figure: Figure) -> tuple[str, list[str]]:
    """The offence that the row's prisoners had been sentenced for, as a subgroup, and its footnotes."""
    label, known = figure.labels[-1], EVERYBODY | OFFENCES
    name = _name(ledger, figure, label, known)
    part = "" if name in EVERYBODY else f"Most serious commitment offense: {name}"
    return part, ledger.table.footnotes(label, known)


def _by_offence(ledger: Ledger, figure: Figure) -> None:
    if _name(ledger, figure, figure.heads[-1], ARRESTED_FOR | {"Any"}) != "Any":
        return ledger.leave(figure, NARROWER)
    part, _ = _offence(ledger, figure)  # its footnotes are about arrests for that offence
    return _row(ledger, figure, "rearrest", {"subgroup": _subgroup(part), **_within(ledger, figure)})


def _by_time_served(ledger: Ledger, figure: Figure) -> None:
    over = _name(ledger, figure, figure.heads[0], {AFTER, LONGER})
    head = _name(ledger, figure, figure.heads[-1], {*SERVED, "Total"})
    if (head in ("Total", "61-80", "81 or more")) != (over == LONGER):
        raise ledger.table.refuse(figure, f"{head} stands below {over!r}; the headers have changed.")
    part, notes = _offence(ledger, figure)
    served = LONGER if head == "Total" else head
    months = "" if "months" in served else " months"
    cells = {"subgroup": _subgroup(part, f"Time served in prison: {served}{months}"), **_within(ledger, figure)}
    return _row(ledger, figure, "rearrest", cells, notes, first_releases=True)


def _by_median(ledger: Ledger, figure: Figure) -> None:
    head = _name(ledger, figure, figure.heads[-1], {*AROUND_MEDIAN, "Median time served in prison"})
    if head not in AROUND_MEDIAN:
        return ledger.leave(figure, MEDIAN)
    if _name(ledger, figure, figure.heads[0], {AFTER, "Standard error"}) != AFTER:
        return ledger.leave(figure, ERROR)
    part, notes = _offence(ledger, figure)
    cells = {"subgroup": _subgroup(part, f"Time served in prison: {head}"), **_within(ledger, figure)}
    return _row(ledger, figure, "rearrest", cells, notes, first_releases=True)


READINGS: Mapping[str, Callable[[Ledger, Figure], None]] = {
    "cumulative": _cumulative,
    "annual": _annual_of_all,
    "annual_by_sex": _annual_by_sex,
    "by_offence": _by_offence,
    "by_time_served": _by_time_served,
    "by_median": _by_median,
}
