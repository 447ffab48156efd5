"""What stands behind a figure: the observations, each with its source, the publisher's file and any correction.

Both a citation and a trace are made of these. Many are looked up at once, so that every figure of a release can be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from exports.asking import Asked, Row
from exports.finding import Found

#: A row that has a locator, with its source and the publisher's file.
EVIDENCE = """
SELECT {columns}, source.title AS source_title, source.publisher, source.homepage, source.tier,
       source.citation AS source_citation, snapshot.file_name, snapshot.media_type, snapshot.retrieved_at,
       snapshot.obtained, snapshot.url, snapshot.accepted_despite
FROM {{{table}}}
LEFT JOIN {{source}} ON source.source_id = {table}.source_id
LEFT JOIN {{snapshot}} ON snapshot.source_id = {table}.source_id AND snapshot.file = {table}.file
  AND snapshot.vintage = {table}.vintage
WHERE {where}
"""
OBSERVATIONS = EVIDENCE.format(
    table="observation",
    columns="observation.*",
    where="observation.observation_id IN (SELECT unnest($ids::VARCHAR[]))",
)
GAPS = EVIDENCE.format(
    table="gap",
    columns="gap.*, gap.central AS value, 'persons' AS unit",
    where="gap.place_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY gap.place_id, gap.component",
)

#: The key of a correction, in the rows that name one.
CORRECTION = ("source_id", "file", "vintage", "correction_id")

#: What an estimate is made of where the figure after the day is part of it.
TWO_SIDED = ("interpolated", "brought_back")


def observations(asked: Asked, ids: Iterable[str]) -> Mapping[str, Row]:
    """The observations of those identities with their evidence; one that the release does not have is not in it."""
    found = asked.rows(OBSERVATIONS, ids=list(ids))
    _corrected(asked, found)
    return {row["observation_id"]: row for row in found}


def _corrected(asked: Asked, found: Iterable[Row]) -> None:
    """Put beside each row that names a correction what that says."""
    named = [row for row in found if row.get("correction_id")]
    if named:
        known = {tuple(row[c] for c in CORRECTION): row for row in asked.rows("SELECT * FROM {correction}")}
        for row in named:
            row["correction"] = known.get(tuple(row[c] for c in CORRECTION))


def with_file(asked: Asked, row: Row) -> Row:
    """A row that has a locator of its own, with its source and the publisher's file."""
    source = asked.row(
        "SELECT title AS source_title, publisher, homepage, tier, citation AS source_citation FROM {source} "
        "WHERE source_id = $source",
        source=row["source_id"],
    )
    snapshot = asked.row(
        "SELECT file_name, media_type, retrieved_at, obtained, url, accepted_despite FROM {snapshot} "
        "WHERE source_id = $source AND file = $file AND vintage = $vintage",
        source=row["source_id"],
        file=row["file"],
        vintage=row["vintage"],
    )
    found = {**row, **(source or {}), **(snapshot or {})}
    _corrected(asked, [found])
    return found


def figures(asked: Asked, ids: Iterable[str]) -> Mapping[str, Row]:
    """The figures of those identities."""
    found = asked.rows("SELECT * FROM {figure} WHERE figure_id IN (SELECT unnest($ids::VARCHAR[]))", ids=list(ids))
    return {row["figure_id"]: row for row in found}


def chosen_ids(figure: Row) -> list[str]:
    """The observation that a figure is, or those of which it is the sum."""
    return [figure["observation_id"]] if figure["observation_id"] else str(figure["parts"]).split(",")


def rivals(figure: Row) -> list[dict[str, Any]]:
    """The observations that were not chosen, as the row lists them."""
    listed: list[dict[str, Any]] = json.loads(figure["rivals"]) if figure["rivals"] else []
    return listed


def behind(asked: Asked, found: Found) -> list[Row]:
    """The figures of which a row is made: itself, those of an estimate, or those of the places in a total."""
    if found.table == "figure":
        return [found.row]
    if found.table == "estimate":
        of = parts(asked, found.row) if found.row["basis"] == "parts" else [found.row]
    elif found.table == "world_total":
        of = [place for place in places(asked, found.row) if place["adds"]]
    else:
        return []
    ids = [one for row in of for one in (row["figure_id"], row["next_figure_id"] if _two_sided(row) else None)]
    wanted = [one for one in ids if one]
    known = figures(asked, wanted)
    return [known[one] for one in wanted if one in known]


def _two_sided(estimate: Row) -> bool:
    """Whether the figure after the day is part of the estimate, and not merely there."""
    return estimate["basis"] in TWO_SIDED


def parts(asked: Asked, estimate: Row) -> list[Row]:
    """The estimates of the parts of a place on the same day."""
    return asked.rows(
        "SELECT estimate.* FROM {estimate} JOIN {place} ON place.place_id = estimate.place_id AND place.kind = 'part' "
        "WHERE estimate.as_of = $day AND place.parent = $place ORDER BY estimate.place_id",
        day=estimate["as_of"],
        place=estimate["place_id"],
    )


def gaps(asked: Asked, found: Found) -> list[Row]:
    """What is believed of people whom no source counts, where that is part of an estimate or total."""
    if found.table == "estimate":
        ids = [found.row["place_id"]] if found.row["basis"] == "gap" else []
    else:
        ids = [place["place_id"] for place in places(asked, found.row) if place["gap"] is not None]
    return asked.rows(GAPS, ids=ids) if ids else []


def places(asked: Asked, total: Row) -> list[Row]:
    """The places of a total: how each enters it and what it gives."""
    area = {"world": "true", "region": "world_place.region = $area"}.get(
        total["level"], "world_place.subregion = regexp_replace($area, ' \\(UN subregion\\)$', '')"
    )
    values = {} if total["level"] == "world" else {"area": total["name"]}
    return asked.rows(
        f"""
        SELECT world_place.*, estimate.persons, estimate.basis, estimate.estimate_id,
               world_place.role IN ('reported', 'carried_forward', 'brought_back') AS adds
        FROM {{world_place}}
        LEFT JOIN {{estimate}} ON estimate.as_of = world_place.as_of AND estimate.place_id = world_place.place_id
        WHERE world_place.as_of = $day AND {area}
        ORDER BY world_place.place_id
        """,
        day=total["as_of"],
        **values,
    )
