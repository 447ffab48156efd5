"""What the command tells at length: the end of a run with the walk to the world total, what changed, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from custody import printing
from sources.errors import Misused
from sources.home import Home
from warehouse.records import vintage_order

if TYPE_CHECKING:
    from pipelines.execute import Outcome

#: Characters of a note that a person is shown.
NOTE = 400
REST = " ...; all of it is in table world_walk."

WALK = "SELECT step, role, title, value, places, population_share, note FROM world_walk ORDER BY step"
WORLD = "SELECT * FROM world_total WHERE place_id = 'WLD'"
OTHERS = """
SELECT reference, value, circa, citation, grade, note
FROM published_total
WHERE topic = 'prison_total' AND place_id = 'WLD' AND value IS NOT NULL
ORDER BY reference_year DESC, citation
"""


def world(home: Home) -> dict[str, Any]:
    """The walk, the total and the totals that others have published."""
    from warehouse.build import connect

    with connect(home) as connection:

        def rows(query: str) -> list[dict[str, Any]]:
            answer = connection.execute(query)
            columns = [d[0] for d in answer.description]
            return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]

        (total,) = rows(WORLD)
        return {
            "total": total,
            "walk": rows(WALK),
            "published_by_others": rows(OTHERS),
            "warehouse": str(home.warehouse),
        }


def _begun(note: str) -> str:
    """A note, of which a long one is cut after a name or a sentence."""
    if len(note) <= NOTE:
        return note
    cut = max(note.rfind(mark, 0, NOTE) for mark in (", ", "; ", ". "))
    return note[: cut + 1] + REST


def by_source(vintages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Vintages as `warehouse.records.summaries` gives them, one line a source."""
    lines = []
    for source, group in groupby(sorted(vintages, key=itemgetter("source")), key=itemgetter("source")):
        own = list(group)
        lines.append(
            {
                "source": source,
                "files": len({v["file"] for v in own}),
                "vintages": len({v["vintage"] for v in own}),
                "newest": max((v["vintage"] for v in own), key=vintage_order),
                "rows": printing.number(sum(v["rows"] for v in own)),
                "left out": printing.number(sum(v["left out"] for v in own)),
                "from": " and ".join(sorted({v["from"] for v in own})),
            }
        )
    return lines


def print_sources(vintages: Sequence[Mapping[str, Any]]) -> None:
    """Print what is here, one line a source."""
    printing.table(by_source(vintages), right=["files", "vintages", "rows", "left out"])


def print_world(outcome: Outcome, told: dict[str, Any]) -> None:
    """Print for a person."""
    total = told["total"]
    print_sources(outcome.sources)
    print(f"\nPersons in prison in the world, as of {total['as_of']}\n")
    printing.table(
        [
            {
                "": {"component": "+", "subtotal": "=", "total": "=", "memo": " "}[step["role"]],
                "step": step["title"],
                "persons": printing.number(step["value"]),
                "places": printing.number(step["places"]),
                "of world population": printing.share(step["population_share"]),
            }
            for step in told["walk"]
        ],
        right=["persons", "places", "of world population"],
    )
    for step in told["walk"]:
        if step["note"] and step["value"] != 0:
            print(f"\n  {step['title']}:\n    {_begun(step['note'])}")
    print(
        f"\n{printing.number(total['total'])} persons: from {total['places']} places with a published figure"
        f" ({total['places_reported']} of them no older than a year), which hold"
        f" {printing.share(total['published_share'])} of the world's people, and the gaps; with the places of the gaps,"
        f" some of which are known in part, {printing.share(total['population_share'])}."
        "\nOlder figures are taken unchanged; no interval is stated until the estimate is calibrated.\n"
    )
    print(f"What others have published, for the day or year that they state; this total is for {total['as_of']}.\n")
    printing.table(
        [
            {
                "by": other["citation"],
                "for": other["reference"],
                "persons": ("about " if other["circa"] else "") + printing.number(other["value"]),
                "this total is": f"{total['total'] - other['value']:+,.0f}",
                "or": f"{total['total'] / other['value'] - 1:+.1%}",
                "read in": other["grade"].replace("_", " "),
                "they add": other["note"],
            }
            for other in told["published_by_others"]
        ],
        right=["persons", "this total is", "or"],
    )
    print(f"\nThe warehouse is {told['warehouse']}; ask it with `custody sql`, publish it with `custody release`.")
    print(f"How every check answered is in {told['report']}.")
    print_stale(told["stale_corrections"])


def print_stale(stale: Sequence[Mapping[str, Any]]) -> None:
    """Warn of corrections whose error is not there any more."""
    for each in stale:
        print(
            f"warning: correction {each['correction']} of {each['source']} is stale: {each['file']}, "
            f"vintage {each['vintage']}, does not have its error. Look at the file, then mend corrections.yml."
        )


def print_turned_away(report: Mapping[str, Any]) -> None:
    """Print why one file was turned away."""
    from warehouse.results import from_plain

    snapshot = report["snapshot"]
    print(
        f"{snapshot['source_id']}/{snapshot['file']}, {snapshot['file_name']}, {report['state']}; "
        f"vintage {report['vintage'] or 'not read'}, retrieved {snapshot['retrieved_at']} by {snapshot['obtained']}.\n"
        f"SHA-256 {snapshot['sha256']}"
    )
    if not report["checks"]:
        print(f"\n{report['message']}")
    checks = [from_plain(plain) for plain in report["checks"]]
    for check in checks:
        print(f"\n{check.severity}, {check.type}: {replace(check, examples=()).sentence()}")
        if check.examples:
            printing.table(check.examples)
    if any(check.blocks for check in checks):
        print("\nA person may take it all the same: custody quarantine accept SOURCE FILE SHA --reason '...'")


CHANGES = """
SELECT r.source_id AS source, r.dataset, r.place_id AS place, r.facility, r.measure, r.sex, r.age, r.legal_status,
       r.citizenship, r.offence, r.supervision, r.cause, r.definition, r.period_start, r.period_end, r.unit,
       r.earlier_vintage, was.retrieved_at AS earlier_retrieved, r.earlier_value, r.vintage,
       now.retrieved_at AS retrieved, r.value, r.change, r.change_share, e.locator AS earlier_locator, o.locator
FROM revision AS r
JOIN observation AS o USING (observation_id)
JOIN observation AS e ON e.observation_id = r.earlier_observation_id
JOIN snapshot AS now ON now.source_id = o.source_id AND now.file = o.file AND now.vintage = o.vintage
JOIN snapshot AS was ON was.source_id = e.source_id AND was.file = e.file AND was.vintage = e.vintage
WHERE ($source IS NULL OR r.source_id = $source)
  AND ($place IS NULL OR r.place_id = $place OR starts_with(r.place_id, $place || '-'))
  AND ($day IS NULL OR left(now.retrieved_at, 10) >= $day)
  AND ($vintage IS NULL OR now.position > (
    SELECT max(position) FROM snapshot WHERE source_id = r.source_id AND vintage = $vintage
  ))
ORDER BY abs(r.change) DESC NULLS FIRST, abs(r.change_share) DESC, r.observation_id
"""


def changes(home: Home, since: str | None, source: str | None, place: str | None) -> list[dict[str, Any]]:
    """Figures that differ between two vintages, the largest change first; one that is missing in either goes before.

    `since` is a vintage where any file bears that stamp, else a day.

    Raises:
        Misused: when it is neither.
    """
    from warehouse.build import connect

    with connect(home) as connection:
        stamped = "SELECT count(*) FROM snapshot WHERE vintage = $1 AND ($2 IS NULL OR source_id = $2)"
        is_vintage = since is not None and connection.execute(stamped, [since, source]).fetchall()[0][0] > 0
        if since is not None and not is_vintage:
            try:
                date.fromisoformat(since)
            except ValueError:
                raise Misused(
                    f"--since {since!r} is neither a day such as 2026-01-31 nor a vintage that is here."
                ) from None
        vintage, day = (since, None) if is_vintage else (None, since)
        wanted = {"source": source, "place": place, "day": day, "vintage": vintage}
        answer = connection.execute(CHANGES, wanted)
        columns = [column[0] for column in answer.description]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


#: The parts of a key that are told only where they say something.
PARTS = ("facility", "sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause", "definition")


def print_changes(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print for a person, one line a figure."""
    if not rows:
        print("No figure has been changed.")
        return
    printing.table(
        [
            {
                "place": row["place"],
                "measure": row["measure"],
                "of": " ".join(str(row[part]) for part in PARTS if row[part] not in (None, "_T", "_Z")),
                "for": str(row["period_end"]),
                "was": _plain(row["earlier_value"]),
                "in": f"{row['earlier_vintage']} ({row['earlier_retrieved'][:10]})",
                "is": _plain(row["value"]),
                "in vintage": f"{row['vintage']} ({row['retrieved'][:10]})",
                "change": "-" if row["change"] is None else f"{row['change']:+,.10g}",
                "or": "-" if row["change_share"] is None else f"{row['change_share']:+.1%}",
                "source": row["source"],
            }
            for row in rows
        ],
        right=["was", "is", "change", "or"],
    )
    print(
        f"\n{len(rows):,} figures differ from the vintage before; the days are those on which the files were retrieved."
    )


def _plain(value: float | None) -> str:
    return "missing" if value is None else f"{value:,.10g}"
