"""Return of released state prisoners in the United States, from the reports of the BJS on cohorts.

Not all states take part, and not the same for each kind of return, so that every figure has a definition that names
how many do. `subjects.csv` says of each title which dataset it is and how it is read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from sources.bjs_tables import Between, Block, Figure, Ledger, Name, Reading, Table, parse_table
from sources.errors import refusal
from sources.reading import Parsed, RawFile

ERROR = "standard error: no column holds it"
MEDIAN = "median time served, which is no figure on return"
COHORT_SIZE = "number of the cohort, which is no figure on return"

COHORT = re.compile(r"released in (?:(\d+) states in )?(\d{4})\b")
TAKE_PART = re.compile(r"across the (\d+) states")
WITHIN = re.compile(r"within (\d+) years")
FOLLOWED = re.compile(r"data collection, (\d{4})-(\d{4})")
YEAR = re.compile(r"Year (\d+)|(\d+)(?:st|nd|rd|th)")

OUTCOMES = {"Arrest": "rearrest", "Conviction": "reconviction", "Return to prison": "reimprisonment"}
VIOLATIONS = "probation or parole violation or an arrest that led to a new sentence"
SEXES = {"Male": "M", "Female": "F"}
EVERYBODY = frozenset({"All released prisoners", "All first releases"})
GROUPS = ("Violent", "Property", "Drug", "Public order")
OTHER_VIOLENT = ("Rape/sexual assault", "Robbery", "Assault")
OTHER_PROPERTY = ("Burglary", "Larceny/motor vehicle theft", "Fraud/forgery")
KILLED = ("Homicide", "Murder/nonnegligent manslaughter")
OFFENCES = frozenset({*GROUPS, *KILLED, *OTHER_VIOLENT, *OTHER_PROPERTY})
#: Columns of arrests by their offence, and what the table by offence alone calls it.
ARRESTED_FOR = {
    "Total violent": "Violent",
    "Homicide": "Homicide",
    "Rape/sexual assault": "Rape/sexual assault",
    "Robbery": "Robbery",
    "Assault": "Assault",
    "Total property": "Property",
    "Burglary": "Burglary",
    "Larceny/motor vehicle theft": "Larceny/motor vehicle theft",
    "Fraud/ forgery": "Fraud/forgery",
    "Drug": "Drug",
    "Public order": "Public order",
}
#: Columns that are parts of another; some parts are not shown.
SHOWN: Mapping[str, Sequence[str]] = {
    "Total violent": ("Homicide", "Rape/sexual assault", "Robbery", "Assault"),
    "Total property": ("Burglary", "Larceny/motor vehicle theft", "Fraud/ forgery"),
}
#: Kinds of arrest in the table by offence alone.
ARRESTS: Mapping[str, Sequence[str]] = {
    "Violent": ("Homicide", "Rape/sexual assault", "Robbery", "Assault", "Other violent"),
    "Property": ("Burglary", "Larceny/motor vehicle theft", "Fraud/forgery", "Other property"),
    "Drug": ("Possession", "Trafficking", "Other drug"),
    "Public order": ("Weapons", "DUI/DWI", "Other public order"),
}
RELEASED = "Number of released prisoners"
AFTER = "Percent of released prisoners who were arrested within {} years after serving—"
LONGER = "61 or more"
SHORTER = ("6 months or less", "7-12", "13-18", "19-24", "25-36", "37-60")
LONG = ("61-80", "81 or more")
AROUND_MEDIAN = (
    "Less than the median time served before first release",
    "More than the median time served before first release",
)


def parse(file: RawFile) -> Parsed:
    """Rows of one table, in the way that its title asks for."""
    return parse_table(file, Path(__file__).parent, READINGS, "recidivism")


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
    year, in_title = _released(table)
    if not (number := states or in_title):
        raise table.refuse(figure, "the title does not say how many states take part.")
    definition = "participating_states"
    if first_releases:
        table.say(figure, f"First releases include prisoners released in {year} for the first time")
        definition = "first_releases_in_participating_states"
    cohort = {
        "place_id": "USA",
        "basis": "release_cohort",
        "population": "released_prisoners",
        "outcome": outcome,
        "cohort_start": date(year, 1, 1),
        "cohort_end": date(year, 12, 31),
        "definition": definition,
    }
    ledger.row(figure, {**cohort, **cells}, [f"{number} states.", *notes], column="rate_percent", percent=True)


def _after(ledger: Ledger, figure: Figure) -> int:
    """How many years after release the label names."""
    if not (found := YEAR.fullmatch(figure.labels[-1])):
        raise ledger.table.refuse(figure, f"{figure.labels[-1]!r} is not a year after release.")
    return int(found[1] or found[2])


def _released(table: Table) -> tuple[int, str | None]:
    """In which year the cohort was released, and by how many states where the title says it."""
    if not (found := COHORT.search(table.title)):
        raise refusal(table.name, "the title names no cohort.")
    return int(found[2]), found[1]


def _followed(table: Table) -> int:
    """For how many years the cohort was followed, by the last line of the table."""
    if not (found := FOLLOWED.search(table.source)):
        raise refusal(table.name, "the last line does not say in which years the prisoners were followed.")
    year, first, last = _released(table)[0], int(found[1]), int(found[2])
    if not year == first < last:
        raise refusal(
            table.name, f"the title says released in {year} and the last line followed from {first} to {last}."
        )
    return last - first


def _years_within(table: Table) -> int:
    """Within how many years after release, by the title."""
    if not (found := WITHIN.search(table.title)):
        raise refusal(table.name, "the title does not say within how many years.")
    if int(found[1]) > (followed := _followed(table)):
        raise refusal(table.name, f"the title says {found[0]}, and the last line that {followed} were followed.")
    return int(found[1])


def _within(ledger: Ledger) -> dict[str, int]:
    return {"follow_up_from_months": 0, "follow_up_months": 12 * _years_within(ledger.table)}


def _after_serving(table: Table) -> str:
    """The header over arrests by time served."""
    return AFTER.format(_years_within(table))


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
    head = figure.heads[-1]
    name = _name(ledger, figure, head, {*ARRESTED_FOR, "Any"})
    part, _ = _offence(ledger, figure)  # its footnotes are about arrests for that offence
    cells = {"subgroup": _subgroup(part), "return_offence": ARRESTED_FOR.get(name, "_T"), **_within(ledger)}
    _row(ledger, figure, "rearrest", cells, ledger.table.footnotes(head, ARRESTED_FOR))


def _by_arrest(ledger: Ledger, figure: Figure) -> None:
    kinds = {*ARRESTS, *(kind for parts in ARRESTS.values() for kind in parts)}
    name = _name(ledger, figure, figure.labels[-1], {*kinds, "Any", RELEASED})
    if _name(ledger, figure, figure.heads[-1], ("Percent", "Standard error")) != "Percent":
        return ledger.leave(figure, ERROR)
    if name == RELEASED:
        return ledger.leave(figure, COHORT_SIZE)
    cells = {"return_offence": "_T" if name == "Any" else name, **_within(ledger)}
    return _row(ledger, figure, "rearrest", cells)


def _by_time_served(ledger: Ledger, figure: Figure) -> None:
    over = _name(ledger, figure, figure.heads[0], {_after_serving(ledger.table), LONGER})
    head = _name(ledger, figure, figure.heads[-1], {*SHORTER, *LONG, "Total"})
    if (head in ("Total", *LONG)) != (over == LONGER):
        raise ledger.table.refuse(figure, f"{head} stands below {over!r}; the headers have changed.")
    part, notes = _offence(ledger, figure)
    served = LONGER if head == "Total" else head
    months = "" if "months" in served else " months"
    cells = {"subgroup": _subgroup(part, f"Time served in prison: {served}{months}"), **_within(ledger)}
    return _row(ledger, figure, "rearrest", cells, notes, first_releases=True)


def _by_median(ledger: Ledger, figure: Figure) -> None:
    head = _name(ledger, figure, figure.heads[-1], {*AROUND_MEDIAN, "Median time served in prison"})
    if head not in AROUND_MEDIAN:
        return ledger.leave(figure, MEDIAN)
    if _name(ledger, figure, figure.heads[0], {_after_serving(ledger.table), "Standard error"}) == "Standard error":
        return ledger.leave(figure, ERROR)
    part, notes = _offence(ledger, figure)
    cells = {"subgroup": _subgroup(part, f"Time served in prison: {head}"), **_within(ledger)}
    return _row(ledger, figure, "rearrest", cells, notes, first_releases=True)


def _years_followed(table: Table) -> list[Name]:
    """A row for each year of the follow-up."""
    years = range(1, _followed(table) + 1)
    if table.figures[0].labels[-1].startswith("Year"):
        return [(f"Year {year}",) for year in years]
    return [(f"{year}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(year, 'th') }",) for year in years]


def _shares(table: Table, rows: Sequence[Name], columns: Sequence[Name]) -> Block:
    block = Block.of(table, rows, columns, 0.1)
    block.percent()
    return block


def _cumulative_hold(table: Table) -> None:
    """Who has returned within a year has returned within two; and who was convicted after release was arrested.

    Convictions come later than returns, because a prison that takes somebody back needs no court.
    """
    shares = _shares(table, _years_followed(table), [(outcome,) for outcome in OUTCOMES])
    for before, row in pairwise(shares.rows):
        for column in shares.columns:
            grown = shares.around(before, column).low + shares.unit / 2
            why = f"{before[0]}, since shares of those who returned only grow"
            shares.hold(row, column, Between(grown, 100), why)
    for row in shares.rows:
        arrested = shares.around(row, ("Arrest",))
        shares.hold(row, ("Conviction",), Between(0, arrested.high), "those arrested, of whom they are a part")
    first, last, returned = shares.rows[0], shares.rows[-1], ("Return to prison",)
    early = shares.around(first, returned) / shares.around(last, returned) * shares.around(last, ("Conviction",))
    why = "those returned to prison, if more of these than of the convictions are of the first year"
    shares.likely(first, ("Conviction",), Between(0, early.high), why)


def _annual_hold(table: Table, columns: Sequence[Name]) -> Block:
    """From year to year fewer are arrested, but more than half as many."""
    shares = _shares(table, _years_followed(table), columns)
    for column in columns:
        for before, row in pairwise(shares.rows):
            near = shares.around(before, column)
            why = f"{before[0]}, if fewer are arrested than in the year before, but more than half as many"
            shares.likely(row, column, Between(near.low / 2, near.high), why)
    return shares


def _annual_of_all_holds(table: Table) -> None:
    _annual_hold(table, [("Percent",)])


def _annual_by_sex_holds(table: Table) -> None:
    _annual_hold(table, [(sex,) for sex in SEXES]).columns_ordered(("Male",), ("Female",))


def _rows_of_offences(everybody: str, killed: str) -> list[Name]:
    return [(name,) for name in (everybody, *GROUPS, killed, *OTHER_VIOLENT, *OTHER_PROPERTY)]


def _by_offence_holds(table: Table) -> None:
    """The share of all lies between those of the groups that make them up; who was arrested for one was arrested."""
    shares = _shares(
        table, _rows_of_offences("All released prisoners", "Homicide"), [("Any",), *((of,) for of in ARRESTED_FOR)]
    )
    _among_groups(shares)
    for row in shares.rows:
        narrower = max(shares.around(row, column).low for column in shares.columns[1:])
        shares.hold(row, ("Any",), Between(narrower, 100), "the largest share of one kind of arrest")
        for whole, parts in SHOWN.items():
            part = max(shares.around(row, (kind,)).low for kind in parts)
            shares.hold(row, (whole,), Between(part, 100), f"{' and '.join(parts)}, which are among them")


def _by_arrest_holds(table: Table) -> None:
    """Who was arrested for a part of a group was arrested for the group, and the parts are all that it has."""
    parts = [(kind,) for kinds in ARRESTS.values() for kind in kinds]
    shares = Block.of(table, [("Any",), *((group,) for group in ARRESTS), *parts], [("Percent",)], 0.1)
    shares.percent()
    for whole, kinds in {"Any": tuple(ARRESTS), **ARRESTS}.items():
        within = [shares.around((kind,), ("Percent",)) for kind in kinds]
        made = Between(max(part.low for part in within), sum(part.high for part in within))
        shares.hold((whole,), ("Percent",), made, f"{' and '.join(kinds)}, of whom some are counted in several")


def _among_groups(shares: Block) -> None:
    for column in shares.columns:
        groups = [shares.around((group,), column) for group in GROUPS]
        made = Between(min(group.low for group in groups), max(group.high for group in groups))
        shares.hold(shares.rows[0], column, made, "the shares of violent, property, drug and public order offenders")


def _by_time_holds(table: Table, columns: Sequence[Name]) -> Block:
    """The same by time served, whose shares never differ by as much as a moved decimal point would make them."""
    rows = _rows_of_offences("All first releases", "Murder/nonnegligent manslaughter")
    shares = _shares(table, rows, columns)
    _among_groups(shares)
    for row in rows:
        shares.alike([(row, column) for column in columns], 2)
    return shares


def _by_time_served_holds(table: Table) -> None:
    times = [(_after_serving(table), time) for time in SHORTER]
    longer: Name = (LONGER, "Total")
    shares = _by_time_holds(table, [*times, longer, *((LONGER, time) for time in LONG)])
    for row in shares.rows:
        parts = [shares.around(row, (LONGER, time)) for time in LONG]
        made = Between(min(part.low for part in parts), max(part.high for part in parts))
        shares.hold(row, longer, made, f"{' and '.join(LONG)} months, which make it up")


def _by_median_holds(table: Table) -> None:
    _by_time_holds(table, [(_after_serving(table), half) for half in AROUND_MEDIAN])


READINGS: Mapping[str, Reading] = {
    "cumulative": Reading(_cumulative, _cumulative_hold),
    "annual": Reading(_annual_of_all, _annual_of_all_holds),
    "annual_by_sex": Reading(_annual_by_sex, _annual_by_sex_holds),
    "by_offence": Reading(_by_offence, _by_offence_holds),
    "by_arrest": Reading(_by_arrest, _by_arrest_holds),
    "by_time_served": Reading(_by_time_served, _by_time_served_holds),
    "by_median": Reading(_by_median, _by_median_holds),
}
