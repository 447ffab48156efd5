"""What `custody run` tells at its end: the sources, the walk to the world total, and how others' totals compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from custody import printing
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
