"""What a citation says of one figure: which release, which row, which value, whose figure it is, and what to beware of.

Facts alone, each from the release itself; how a style writes them belongs to `exports.styles`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from exports import evidence, keys
from exports.asking import Asked, Row
from exports.finding import BREAKDOWNS, IDENTITIES, Found, by_id, by_meaning, column_of
from exports.finding import Wanted as Wanted
from sources.errors import Misused

AUTHOR = "Custody contributors"
TITLE = "Custody: imprisonment in the world"

#: How a value is written with its unit.
UNITS = {
    "persons": "{} persons",
    "places": "{} places",
    "establishments": "{} establishments",
    "deaths": "{} deaths",
    "per_100k": "{} per 100,000 inhabitants",
    "percent": "{} percent",
}

#: Statuses that a reader must know of.
TOLD = ("B", "E", "P")

#: Rivals further off than this share of the value are told; the table `disagreement` has the same limit.
DISAGREES = 0.02


@dataclass(frozen=True)
class Primary:
    """A primary source: whose figure it is, in which file and cell, from where, and under which licence.

    `title` is the source's, or that of the publication in which the figure was read, which then is the `citation` too.
    `locator` and what belongs to one file is None where a total has figures of many; `homepage` stands where the
    address of the file is not known.
    """

    source_id: str
    title: str
    publisher: str
    citation: str
    licence: str
    licence_title: str
    licence_url: str | None
    homepage: str | None
    observation_id: str | None = None
    value: float | None = None
    unit: str | None = None
    place_id: str | None = None
    place: str | None = None
    file: str | None = None
    file_name: str | None = None
    vintage: str | None = None
    locator: str | None = None
    sha256: str | None = None
    url: str | None = None
    retrieved_at: str | None = None
    reported_by: str | None = None
    note: str | None = None
    obtained: str | None = None


@dataclass(frozen=True)
class Citation:
    """All that is to be said of one figure of one release.

    `value` is in `unit`; `low` and `high` are the ends of the interval of 90 % of what is estimated, or of a range that
    is published. `access` says in which file of the release the row stands and by which key. `warnings` are sentences
    that belong to every use. `citable` is false where it is of a build that was not released; `url` is where the
    release was read, None where that is no address.
    """

    release: str
    released_on: str
    table: str
    id: str
    access: str
    place_id: str | None
    place: str
    measure: str
    subject: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    stated: str
    reference: str
    status: str
    definition: str | None
    primary: tuple[Primary, ...]
    warnings: tuple[str, ...]
    citable: bool = True
    url: str | None = None


def cite(asked: Asked, wanted: Wanted | str) -> Citation:
    """The citation of a figure, by its identity or by what it means.

    Raises:
        Misused: when the release has no such figure; the message says what there is.
        Refused: when a file of the release was altered.
    """
    found = by_id(asked, wanted) if isinstance(wanted, str) else by_meaning(asked, wanted)
    if found.table == "figure":
        return _figure(asked, found)
    if found.table in ("estimate", "world_total"):
        return _estimated(asked, found)
    if found.table in PUBLISHED:
        return _published(asked, found)
    if found.table == "observation":
        raise Misused(
            f"{found.id} is an observation of one publisher in one vintage; a figure is cited, and `custody trace` "
            "tells of the observation."
        )
    raise Misused(f"A row of table {found.table} is not cited; `custody trace` leads from it to the figures that are.")


def _figure(asked: Asked, found: Found) -> Citation:
    row = found.row
    known = evidence.observations(asked, evidence.chosen_ids(row))
    parts = [known[one] for one in evidence.chosen_ids(row)]
    return Citation(
        **_common(asked, found, _place(asked, row["place_id"])),
        measure=row["measure"],
        subject=_subject(asked, row),
        value=row["value"],
        unit=row["unit"],
        low=None,
        high=None,
        stated=amount(row["value"], row["unit"]),
        reference=period(row["period_start"], row["period_end"], row["period_kind"]),
        status=asked.meaning("status", row["status"]),
        definition=row["definition"],
        primary=tuple(_primary(asked, part) for part in parts),
        warnings=(*_release_warnings(asked, found), *_figure_warnings(asked, row, parts)),
    )


def _estimated(asked: Asked, found: Found) -> Citation:
    row = found.row
    is_total = found.table == "world_total"
    value = row["central"] if is_total else row["persons"]
    figures = evidence.behind(asked, found)
    gaps = evidence.gaps(asked, found)
    if is_total:
        primary = _sources(asked, {one["source_id"] for one in (*figures, *gaps)})
        said = "This total is Custody's estimate and published by nobody else; table world_walk shows how it adds up."
    else:
        ids = [one for figure in figures for one in evidence.chosen_ids(figure)]
        known = evidence.observations(asked, ids)
        primary = tuple(_primary(asked, row) for row in (*(known[one] for one in ids), *gaps))
        basis = asked.meaning("estimate_basis", row["basis"])
        said = f"This is an estimate by Custody, no published figure: {_lower(basis)}."
        if row["basis"] == "published":
            said = "This stands in the table of estimates, unchanged from the figure published for the day."
        if caution := row.get("caution"):
            said += f" It is known to be off: {caution}"
    codes = [(name, row[name]) for name in ("sex", "legal_status") if is_total and row[name] != "_T"]
    return Citation(
        **_common(asked, found, row["name"]),
        measure="persons_held",
        subject=", ".join(["persons held", *(_lower(asked.meaning(name, code)) for name, code in codes)]),
        value=value,
        unit="persons",
        low=row["low"],
        high=row["high"],
        stated=amount(value, "persons") + _interval(row["low"], row["high"]),
        reference=f"on {day(row['as_of'])}",
        status="Estimated by Custody",
        definition=None,
        primary=primary,
        warnings=(*_release_warnings(asked, found), said),
    )


#: What a row of these tables says, which its publisher published as it stands: the columns with the value, its unit,
#: what it is of, and when. The value in the publisher's words, where the row has it, goes before the number.
PUBLISHED: Mapping[str, tuple[str, str, Sequence[str], str]] = {
    "recidivism": ("rate_percent", "percent", ("outcome",), "cohort_end"),
    "mortality_after_release": ("value", "measure_text", ("outcome_text", "window_text"), "cohort_text"),
    "published_total": ("value", "unit_text", ("topic",), "reference"),
    "review_range": ("low", "unit_text", ("outcome_text", "follow_up_text"), "reference"),
    "gap": ("central", "persons", ("component",), "reference"),
}


def _published(asked: Asked, found: Found) -> Citation:
    """A row that stands in a publication by itself: no figure was chosen, nothing is estimated."""
    row = evidence.with_file(asked, found.row)
    column, unit, subject, when = PUBLISHED[found.table]
    value, unit = row[column], row.get(unit, unit)
    # Of a publication that gives none, the unit is a dash.
    stated = f"{row['value_text']} {unit}".rstrip(" -") if row.get("value_text") else amount(value, unit)
    if found.table == "gap" and None not in (row["low"], row["high"]) and row["low"] != row["high"]:
        stated += f" (between {row['low']:,.0f} and {row['high']:,.0f})"
    keyed = keys.tables(asked)[found.table]
    name, place = keys.name_of(found.table, keyed, found.row), row.get("place_id")
    said = _return_warnings(asked, row) if found.table == "recidivism" else []
    if row.get("grade"):
        said.append(f"What was read: {_lower(asked.meaning('grade', row['grade']))}.")
    return Citation(
        citable=asked.citable,
        release=asked.version,
        released_on=asked.released_on,
        url=asked.url,
        table=found.table,
        id=found.id,
        access=f"{asked.where(found.table)}, {'/'.join(keyed.key)} = {name.partition(':')[2]}",
        place_id=place,
        place=_place(asked, place) if place else str(row.get("geography") or "World"),
        measure=str(row[subject[0]]),
        subject=_return_subject(row) if found.table == "recidivism" else ", ".join(str(row[c]) for c in subject),
        value=value,
        unit=unit,
        low=row.get("ci_low", row.get("low")),
        high=row.get("ci_high", row.get("high")),
        stated=stated,
        reference=_cohort(row) if found.table == "recidivism" else str(row[when]),
        status=asked.meaning("status", row["status"]) if "status" in row else "As published",
        definition=row.get("definition"),
        primary=(_primary(asked, {**row, "value": value, "unit": unit}),),
        warnings=(*_release_warnings(asked, found), *said),
    )


def _return_subject(row: Row) -> str:
    """What a figure on return counts: of whom, within what time, and which part of the cohort."""
    within = "" if row["follow_up_months"] is None else f" within {row['follow_up_months']:g} months"
    parts = [row[name] for name in ("sex", "age", "offence", "subgroup", "return_offence") if row[name] != "_T"]
    words = [f"{row['outcome']} of {row['population']}{within}".replace("_", " "), *parts]
    return ", ".join(words)


def _cohort(row: Row) -> str:
    if row["cohort_start"] is None or row["cohort_end"] is None:
        return "cohort not stated"
    return f"cohort of {period(row['cohort_start'], row['cohort_end'], 'during').removeprefix('during ')}"


def _return_warnings(asked: Asked, row: Row) -> list[str]:
    """What must be known before a figure on return stands beside another."""
    basis = _lower(asked.meaning("basis", row["basis"])).rstrip(".")
    said = [
        f"Basis: {basis}. It may stand only beside figures of the same basis, outcome, population and follow-up.",
    ]
    if row["rate_percent"] is None:
        said.append("No rate is published.")
    if row["counts_technical_violations"] is not None:
        counts = "are counted" if row["counts_technical_violations"] else "are not counted"
        said.append(f"Breaches of conditions {counts}.")
    if row["circa"]:
        said.append("The publisher itself calls the figure approximate.")
    if row["definition"]:
        meaning = asked.definition(row["source_id"], row["definition"]) or "see the codebook"
        said.append(f"By the publisher's own definition, {row['definition']}: {meaning.rstrip('.')}.")
    if correction := row.get("correction"):
        said.append(f"Corrected by Custody ({correction['correction_id']}): {correction['reason'].rstrip('.')}.")
    return said


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None or low == high:
        return ""
    return f" (with a probability of 90 percent between {low:,.0f} and {high:,.0f})"


def _common(asked: Asked, found: Found, place: str) -> dict[str, Any]:
    column = IDENTITIES[found.table][0]
    return {
        "citable": asked.citable,
        "url": asked.url,
        "release": asked.version,
        "released_on": asked.released_on,
        "table": found.table,
        "id": found.id,
        "access": f"{asked.where(found.table)}, {column} = {found.id}",
        "place_id": found.row["place_id"],
        "place": place,
    }


def _place(asked: Asked, place_id: str) -> str:
    found = asked.row("SELECT name FROM {place} WHERE place_id = $place", place=place_id)
    return str(found["name"]) if found else place_id


def _subject(asked: Asked, row: Row) -> str:
    """What is counted, in words: the measure, its breakdowns, and the establishment where it is one."""
    codes = [(name, row[name]) for name in BREAKDOWNS if row[name] not in ("_T", "_Z")]
    words = [row["measure"].replace("_", " "), *(_lower(asked.meaning(name, code)) for name, code in codes)]
    if row["facility"] != "_T":
        found = asked.row("SELECT name FROM {facility} WHERE facility = $facility", facility=row["facility"])
        words.append(str(found["name"]) if found else row["facility"])
    return ", ".join(words)


def _primary(asked: Asked, row: Row) -> Primary:
    title, url = asked.licence(row["licence"])
    said = row.get("citation") or row["source_citation"]
    return Primary(
        source_id=row["source_id"],
        title=row["source_title"] if said == row["source_citation"] else said,
        publisher=row["publisher"],
        citation=said,
        licence=row["licence"],
        licence_title=title,
        licence_url=url,
        homepage=row["homepage"],
        observation_id=row.get("observation_id"),
        value=row["value"],
        unit=row["unit"],
        place_id=row.get("place_id"),
        place=_place(asked, row["place_id"]) if row.get("place_id") else None,
        file=row["file"],
        file_name=row["file_name"],
        vintage=row["vintage"],
        locator=row["locator"],
        sha256=row["snapshot"],
        url=row.get("evidence") or row["url"],
        retrieved_at=row["retrieved_at"],
        obtained=row["obtained"],
        reported_by=row.get("reported_by"),
        note=row["note"],
    )


def _sources(asked: Asked, ids: Iterable[str]) -> tuple[Primary, ...]:
    """The sources of a total's figures, each once, without a file."""
    found = asked.rows(
        "SELECT * FROM {source} WHERE source_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY source_id", ids=list(ids)
    )
    made = []
    for row in found:
        title, url = asked.licence(row["licence"])
        made.append(
            Primary(
                row["source_id"], row["title"], row["publisher"], row["citation"], row["licence"], title, url,
                row["homepage"],
            )
        )  # fmt: skip
    return tuple(made)


def _release_warnings(asked: Asked, found: Found) -> list[str]:
    """What is to be said of the release itself, and what has become of the row since."""
    said = [asked.caution] if asked.caution else []
    newest = asked.newest()
    if newest is None:
        return said
    value, unit = _value(found.table)
    try:
        now = by_id(newest, found.id).row
    except Misused:
        said.append(f"The newest release that stands, {newest.version}, no longer has this row.")
        return said
    if now[value] != found.row[value]:
        was, is_ = (amount(row[value], row.get(unit, unit)) for row in (found.row, now))
        said.append(f"Revised since: {was} here, {is_} in the newest release that stands, {newest.version}.")
    return said


def _value(table: str) -> tuple[str, str]:
    """The column of a table that is cited, and its unit or the column that has it."""
    if table in PUBLISHED:
        column, unit, _, _ = PUBLISHED[table]
        return column, unit
    return {"estimate": ("persons", "persons"), "world_total": ("central", "persons")}.get(table, ("value", "unit"))


def _figure_warnings(asked: Asked, row: Row, parts: Sequence[Row]) -> list[str]:
    """What a reader of the figure must know beside the number."""
    said = []
    if row["derived"]:
        of = ", ".join(f"{_place(asked, part['place_id'])} {part['value']:,g}" for part in parts)
        said.append(f"Added up by Custody from all parts of the place, not published for it: {of}.")
    if row["circa"]:
        said.append("The publisher itself calls the figure approximate.")
    if row["status"] in TOLD:
        said.append(f"Status: {_lower(asked.meaning('status', row['status']))}.")
    if row["definition"]:
        meaning = asked.definition(row["source_id"], row["definition"]) or "see the codebook"
        said.append(f"By the publisher's own definition, {row['definition']}: {meaning.rstrip('.')}.")
    if row["grade"]:
        said.append(f"What was read: {_lower(asked.meaning('grade', row['grade']))}.")
    for part in parts:
        if correction := part.get("correction"):
            said.append(f"Corrected by Custody ({correction['correction_id']}): {correction['reason'].rstrip('.')}.")
    if row["spread"] is not None and row["spread"] > DISAGREES:
        said.append(f"Other sources differ by up to {row['spread']:.1%}; table disagreement has them.")
    if _contradicts(asked, row):
        said.append("It contradicts other figures of the place, so table country_year leaves it out.")
    return said


def _contradicts(asked: Asked, row: Row) -> bool:
    shown = asked.row(
        "SELECT inconsistent FROM {country_year} WHERE place_id = $place AND year = $year",
        place=row["place_id"],
        year=row["year"],
    )
    return shown is not None and column_of(row) in str(shown["inconsistent"]).split(", ")


def amount(value: float | None, unit: str) -> str:
    """A value with its unit, thousands separated, decimals as they are; in a word where there is none."""
    if value is None:
        return "unknown"
    number = f"{value:,.0f}" if value == round(value) else f"{value:,.10g}"
    return UNITS.get(unit, "{} " + unit).format(number)


def day(when: date) -> str:
    """A day in words, as in 31 December 2021."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def period(start: date, end: date, kind: str) -> str:
    """The reference period in words."""
    whole = (start.month, start.day, end.month, end.day) == (1, 1, 12, 31)
    if whole and start.year == end.year:
        span = str(start.year)
    elif whole:
        span = f"{start.year} to {end.year}"
    else:
        span = f"{day(start)} to {day(end)}"
    if start == end:
        return f"on {day(end)}"
    return {"average": f"average of {span}", "during": f"during {span}"}.get(kind, f"in {span}, day not stated")


def _lower(text: str) -> str:
    """A phrase inside a sentence: its first letter small, unless the word is one of capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def as_row(citation: Citation) -> Mapping[str, Any]:
    """The citation for programs."""
    from dataclasses import asdict

    return asdict(citation)
