"""Finding one figure in a release: by its identity, or by place, measure and year as a person says them.

What is found is one row: of table figure, estimate, world_total or observation, and by its key of any other. What is
not there is told in one sentence that says what is; the nearest is proposed, never taken. What is said about the row
belongs to `exports.citing`, where it came from to `exports.tracing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import groupby

from exports import keys
from exports.asking import Asked, Row
from sources.errors import Misused
from sources.places import Place, UnknownPlace, find

#: The breakdowns of a figure, in the order of the series key. A figure of everybody is `_T` or, where it means nothing
#: for the measure, `_Z` in each.
BREAKDOWNS = ("sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause")

#: The column by which each table's rows are cited, and the form that tells them apart.
IDENTITIES = {
    "estimate": ("estimate_id", re.compile(r"estimate:[^:]+:\d{4}-\d\d-\d\d")),
    "world_total": ("total_id", re.compile(r"world_total:[^:]+:\d{4}-\d\d-\d\d:[^:]+:[^:]+")),
    "figure": ("figure_id", re.compile(r"[0-9a-f]{16}")),
    "observation": ("observation_id", re.compile(r"[0-9a-f]{16}")),
}

#: Tables of what was published on what happens after release; an id of theirs alone is one of these.
AFTER_RELEASE = {
    "recidivism": "recidivism_id",
    "mortality_after_release": "mortality_id",
    "review_range": "review_range_id",
}

#: What alone is estimated.
HELD = "persons_held"

#: What table recidivism counts, in place of a measure.
OUTCOMES = ("rearrest", "reconviction", "reimprisonment", "return_any")

#: The end of a column of country_year by the breakdowns that it has.
ENDINGS = {
    (): "",
    ("F",): "_female",
    ("M",): "_male",
    ("SENTENCED",): "_sentenced",
    ("UNSENTENCED",): "_unsentenced",
    ("FOREIGN",): "_foreign",
    ("JUVENILE",): "_juvenile",
}


@dataclass(frozen=True)
class Wanted:
    """What a person asks for; `breakdowns` holds only those that are not the total. Without a year it is not enough."""

    place: str
    measure: str
    year: int | None
    breakdowns: Mapping[str, str] = field(default_factory=dict)
    definition: str | None = None
    estimate: bool = False


@dataclass(frozen=True)
class Found:
    """A row of a release, the table that it is of, and its identity there."""

    table: str
    id: str
    row: Row


def by_id(asked: Asked, text: str) -> Found:
    """The row of an identity, or of a table and a key as in `recidivism:02ffaf4d71ef73db`.

    Raises:
        Misused: when it is neither, or the release has no such row.
    """
    forms = [table for table, (_, form) in IDENTITIES.items() if form.fullmatch(text)]
    for table in forms:
        column = IDENTITIES[table][0]
        if row := asked.row(f"SELECT * FROM {{{table}}} WHERE {column} = $id", id=text):
            return Found(table, text, row)
    if "figure" in forms:
        for table in AFTER_RELEASE.keys() & keys.tables(asked).keys():
            if row := asked.row(f"SELECT * FROM {{{table}}} WHERE {AFTER_RELEASE[table]} = $id", id=text):
                return Found(table, f"{table}:{text}", row)
        forms = [*forms, *AFTER_RELEASE]
    if forms:
        raise Misused(f"Release {asked.version} has no {' or '.join(forms)} {text}.")
    if named := keys.row_of(asked, text):
        table, row = named
        own = row[IDENTITIES[table][0]] if table in IDENTITIES else keys.name_of(table, keys.tables(asked)[table], row)
        return Found(table, own, row)
    with suppress(UnknownPlace):
        raise _unsaid(asked, find(text), None)
    raise Misused(
        f"{text[:60]!r} is neither a place nor an identity: those are 16 hexadecimal characters, estimate:PLACE:DAY, "
        "world_total:AREA:DAY:SEX:LEGAL_STATUS, or TABLE:KEY with the parts of the key joined by slashes."
    )


def by_meaning(asked: Asked, wanted: Wanted) -> Found:
    """The row that a place, measure and year mean.

    Raises:
        Misused: when the place, measure or code is unknown, or there is no such figure; the message says what there is.
    """
    try:
        place = find(wanted.place)
    except UnknownPlace as error:
        raise Misused(str(error)) from None
    if unknown := [name for name in wanted.breakdowns if name not in BREAKDOWNS]:
        raise Misused(f"There is no breakdown {unknown[0]!r}; there are {', '.join(BREAKDOWNS)}.")
    if wanted.year is None:
        raise _unsaid(asked, place, wanted.measure)
    if wanted.measure in OUTCOMES:
        return _return(asked, place, wanted)
    if place.kind == "aggregate" and wanted.measure == HELD:
        return _total(asked, place, wanted)
    return _estimate(asked, place, wanted) if wanted.estimate else _figure(asked, place, wanted)


def column_of(row: Row) -> str:
    """The column of country_year in which a figure stands, where it is one of those."""
    codes = tuple(row[name] for name in BREAKDOWNS if row[name] not in ("_T", "_Z"))
    return f"{row['measure']}{ENDINGS.get(codes, '?')}"


def _figure(asked: Asked, place: Place, wanted: Wanted) -> Found:
    rows = asked.rows(
        "SELECT * FROM {figure} WHERE place_id = $place AND measure = $measure AND year = $year AND facility = '_T'",
        place=place.place_id,
        measure=wanted.measure,
        year=wanted.year,
    )
    rows = [row for row in rows if _fits(row, wanted.breakdowns)]
    if wanted.definition is not None:
        chosen = [row for row in rows if (row["definition"] or "own") == wanted.definition]
    else:
        chosen = rows if len(rows) < 2 else _headline(asked, rows) or [r for r in rows if r["definition"] is None]
    if len(chosen) == 1:
        return Found("figure", chosen[0]["figure_id"], chosen[0])
    if rows:
        said = ", ".join(f"{row['definition'] or 'own'} ({row['value']:,g})" for row in rows)
        raise Misused(
            f"Release {asked.version} has {_told(wanted)} of {place.name} in {wanted.year} by the definitions "
            f"{said}; choose one with --definition."
        )
    raise _absent(asked, place, wanted)


def _fits(row: Row, breakdowns: Mapping[str, str]) -> bool:
    return all(
        row[name] == breakdowns[name] if name in breakdowns else row[name] in ("_T", "_Z") for name in BREAKDOWNS
    )


def _headline(asked: Asked, rows: Sequence[Row]) -> list[Row]:
    """Of figures by several definitions, the one that country_year shows."""
    one = rows[0]
    shown = asked.row(
        "SELECT sources FROM {country_year} WHERE place_id = $place AND year = $year",
        place=one["place_id"],
        year=one["year"],
    )
    return _shown(rows, str(shown["sources"])) if shown else []


def _shown(figures: Sequence[Row], sources: str) -> list[Row]:
    """The figures that stand in a row of country_year, which names source and definition of each column."""
    entries = [entry.partition(": ") for entry in sources.split("; ")]
    named = {column: re.fullmatch(r"\w+(?: \((.+)\))?", said) for column, _, said in entries}
    return [f for f in figures if (found := named.get(column_of(f))) and f["definition"] == found[1]]


def figures_shown(asked: Asked, row: Row) -> list[Row]:
    """The figures that stand in a row of country_year."""
    figures = asked.rows(
        "SELECT * FROM {figure} WHERE place_id = $place AND year = $year AND facility = '_T' "
        "ORDER BY measure, figure_id",
        place=row["place_id"],
        year=row["year"],
    )
    return [f for f in _shown(figures, str(row["sources"])) if row.get(column_of(f)) is not None]


def _return(asked: Asked, place: Place, wanted: Wanted) -> Found:
    """The one row of table recidivism on a cohort of that year; of several, their ids are told."""
    if unknown := [name for name in wanted.breakdowns if name not in ("sex", "age", "offence")]:
        raise Misused(f"Figures on return are by sex, age or offence, not by {unknown[0]}.")
    if wanted.estimate:
        raise Misused(f"Only {HELD} is estimated, and that of everybody.")
    rows = asked.rows(
        "SELECT * FROM {recidivism} WHERE place_id = $place AND outcome = $outcome "
        "AND (sex, age, offence, subgroup, return_offence) = ($sex, $age, $offence, '_T', '_T') "
        "ORDER BY cohort_end, population, follow_up_months, vintage, recidivism_id",
        place=place.place_id,
        outcome=wanted.measure,
        **{name: wanted.breakdowns.get(name, "_T") for name in ("sex", "age", "offence")},
    )
    if wanted.definition is not None:
        rows = [row for row in rows if (row["definition"] or "own") == wanted.definition]
    of_year = [row for row in rows if row["cohort_end"] is not None and row["cohort_end"].year == wanted.year]
    if len(of_year) == 1:
        return Found("recidivism", f"recidivism:{of_year[0]['recidivism_id']}", of_year[0])
    if of_year:
        said = "; ".join(f"{row['recidivism_id']} ({_return_in_words(row)})" for row in of_year)
        raise Misused(
            f"Release {asked.version} has {len(of_year)} figures on {_told(wanted)} of {place.name} of the cohort of "
            f"{wanted.year}, which must not be taken for each other; name one by its id: {said}."
        )
    there = years({row["cohort_end"].year for row in rows if row["cohort_end"] is not None})
    has = f"it has cohorts of {there}" if there else _outcomes(asked, place)
    raise Misused(
        f"Release {asked.version} has no {_told(wanted)} of {place.name} of a cohort of {wanted.year}; {has}."
    )


def _return_in_words(row: Row) -> str:
    rate = "no rate" if row["rate_percent"] is None else f"{row['rate_percent']:.10g} percent"
    within = "" if row["follow_up_months"] is None else f" within {row['follow_up_months']:g} months"
    population, basis = row["population"].replace("_", " "), row["basis"].replace("_", " ")
    return f"{population}{within}, {basis}, {row['citation'] or row['source_id']} {row['vintage']}: {rate}"


def _outcomes(asked: Asked, place: Place) -> str:
    """What there is of a place on return, where what is wanted is not."""
    rows = asked.rows(
        "SELECT outcome, max(year(cohort_end)) AS last FROM {recidivism} WHERE place_id = $place GROUP BY outcome "
        "ORDER BY outcome",
        place=place.place_id,
    )
    spans = {row["outcome"]: f" (to {row['last']})" if row["last"] else "" for row in rows}
    known = ", ".join(f"{outcome}{span}" for outcome, span in spans.items())
    return f"it has of the place: {known}" if known else "it has none of any year"


def _unsaid(asked: Asked, place: Place, measure: str | None) -> Misused:
    """The sentence for whoever names a place and no year, with what there is."""
    rows = asked.rows(
        "SELECT measure, min(year) AS first, max(year) AS last, count(DISTINCT year) AS n FROM {figure} "
        "WHERE place_id = $place AND facility = '_T' GROUP BY measure ORDER BY measure",
        place=place.place_id,
    )
    if place.kind == "aggregate":
        totals = "SELECT year(min(as_of)) AS first, year(max(as_of)) AS last FROM {world_total} WHERE place_id = $place"
        rows = [{"measure": HELD, **row} for row in asked.rows(totals, place=place.place_id) if row["first"]]
    if measure is not None and measure in {row["measure"] for row in rows}:
        rows = [row for row in rows if row["measure"] == measure]
    there = ", ".join(f"{row['measure']} ({row['first']} to {row['last']})" for row in rows) or "none"
    example = next((row for row in rows if row["measure"] == HELD), rows[0] if rows else None)
    such = f", as in {place.place_id} {example['measure']} {example['last']}" if example else ""
    return Misused(
        f"Which figure of {place.name}? Give place, measure and year{such}; release {asked.version} has: {there}."
    )


def _estimate(asked: Asked, place: Place, wanted: Wanted) -> Found:
    if wanted.measure != HELD or wanted.breakdowns:
        raise Misused(f"Only {HELD} is estimated, and that of everybody.")
    rows = asked.rows("SELECT * FROM {estimate} WHERE place_id = $place ORDER BY as_of", place=place.place_id)
    return _of_year(asked, place, wanted, [Found("estimate", row["estimate_id"], row) for row in rows])


def _total(asked: Asked, place: Place, wanted: Wanted) -> Found:
    if unknown := [name for name in wanted.breakdowns if name not in ("sex", "legal_status")]:
        raise Misused(f"Totals are by sex or by legal status, not by {unknown[0]}.")
    rows = asked.rows(
        "SELECT * FROM {world_total} WHERE place_id = $place AND sex = $sex AND legal_status = $status ORDER BY as_of",
        place=place.place_id,
        sex=wanted.breakdowns.get("sex", "_T"),
        status=wanted.breakdowns.get("legal_status", "_T"),
    )
    return _of_year(asked, place, wanted, [Found("world_total", row["total_id"], row) for row in rows])


def _of_year(asked: Asked, place: Place, wanted: Wanted, known: Sequence[Found]) -> Found:
    """The last of a year: that of its end, else that of the release's reference day."""
    of_year = [found for found in known if found.row["as_of"].year == wanted.year]
    if of_year:
        return of_year[-1]
    there = years([found.row["as_of"].year for found in known])
    has = f"it has {there}" if there else "it has none of any year"
    kind = "total" if place.kind == "aggregate" else "estimate"
    raise Misused(
        f"Release {asked.version} has no {kind} of {_told(wanted)} of {place.name} for the end of {wanted.year}; {has}."
    )


def _absent(asked: Asked, place: Place, wanted: Wanted) -> Misused:
    """The sentence on a figure that is not there, with what is."""
    measures = [row["measure"] for row in asked.rows("SELECT DISTINCT measure FROM {figure} ORDER BY measure")]
    if wanted.measure not in measures:
        near = get_close_matches(wanted.measure, measures, 3, 0.4) or measures
        return Misused(
            f"Release {asked.version} has no measure {wanted.measure[:60]!r}; the nearest are {', '.join(near)}."
        )
    for name, code in wanted.breakdowns.items():
        codes = [row[name] for row in asked.rows(f"SELECT DISTINCT {name} FROM {{figure}} ORDER BY ALL")]
        if code not in codes:
            near = get_close_matches(code, codes, 3, 0.4) or codes
            return Misused(f"There is no {name} {code[:60]!r}; the nearest are {', '.join(near)}.")
    rows = asked.rows(
        "SELECT * FROM {figure} WHERE place_id = $place AND measure = $measure AND facility = '_T'",
        place=place.place_id,
        measure=wanted.measure,
    )
    there = years({row["year"] for row in rows if _fits(row, wanted.breakdowns)})
    said = f"it has {there}" if there else "it has none of any year"
    if wanted.measure == HELD and not wanted.breakdowns and (estimate := _estimated(asked, place, wanted.year)):
        said += f", and for {estimate['as_of']} an estimate of {estimate['persons']:,.0f}, which --estimate gives"
    return Misused(f"Release {asked.version} has no {_told(wanted)} of {place.name} in {wanted.year}; {said}.")


def _estimated(asked: Asked, place: Place, year: int | None) -> Row | None:
    return asked.row(
        "SELECT * FROM {estimate} WHERE place_id = $place AND year(as_of) = $year ORDER BY as_of DESC",
        place=place.place_id,
        year=year,
    )


def _told(wanted: Wanted) -> str:
    return " ".join([wanted.measure, *(f"({code})" for code in wanted.breakdowns.values())])


def years(known: Sequence[int] | set[int]) -> str:
    """Years as a person lists them: `2003 to 2018, 2020`."""
    runs = groupby(enumerate(sorted(set(known))), lambda pair: pair[1] - pair[0])
    spans = [[year for _, year in run] for _, run in runs]
    return ", ".join(f"{span[0]} to {span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)
