"""What the command tells of the world: the total of any day, the walk to it, its parts, what others say, claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from custody import printing
from sources.errors import Misused, Refused
from sources.home import Home

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

#: Characters of a note that a person is shown.
NOTE = 400
REST = " ...; all of it is in table world_walk."

#: By what a total can be divided, and which rows of world_total that is.
BY = {
    "region": "level = 'region' AND sex = '_T' AND legal_status = '_T'",
    "subregion": "level = 'subregion' AND sex = '_T' AND legal_status = '_T'",
    "sex": "level = 'world' AND legal_status = '_T'",
    "legal_status": "level = 'world' AND sex = '_T'",
}
#: Which share stands beside a part: of the split, unless it is one of these.
SHARE = {"year": "population_share", "region": "published_share", "subregion": "published_share"}
WORLD = "level = 'world' AND sex = '_T' AND legal_status = '_T'"
WALK = (
    "SELECT step, role, title, value, places, population_share, note FROM world_walk WHERE as_of = $day ORDER BY step"
)
OTHERS = "SELECT * FROM comparison ORDER BY as_of DESC, citation"


def rows(connection: duckdb.DuckDBPyConnection, query: str, **given: Any) -> list[Row]:
    """The rows of a query."""
    answer = connection.execute(query, given or None)
    columns = [d[0] for d in answer.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


def world(home: Home) -> dict[str, Any]:
    """The total of the reference day, the walk to it, and the totals that others have published.

    A warehouse of open sources alone may have no total; then `left_out` says why.
    """
    from warehouse.build import connect
    from warehouse.standing import standing

    with connect(home) as connection:
        found = rows(connection, f"SELECT * FROM world_total WHERE {WORLD} ORDER BY as_of DESC LIMIT 1")
        total = found[0] if found else None
        return {
            "total": total,
            "left_out": dict(standing(home).left_out),
            "walk": rows(connection, WALK, day=total["as_of"]) if total else [],
            "published_by_others": rows(connection, OTHERS),
            "warehouse": str(home.warehouse),
        }


def total(home: Home, day: date | None, by: str | None) -> dict[str, Any]:
    """The world on a day, by default the reference day, with its walk; also divided, where that is asked for.

    A day that the warehouse does not have is estimated from its figures as a build for that day would.

    Raises:
        Misused: when the total cannot be divided so.
    """
    from warehouse.anyday import on_day
    from warehouse.build import connect
    from warehouse.standing import standing

    if by is not None and by not in (*BY, "year"):
        raise Misused(f"--by {by} is not known; the total is told by {', '.join(BY)} and year.")
    with connect(home) as stored:
        years = rows(stored, f"SELECT * FROM world_total WHERE {WORLD} ORDER BY as_of")
    days = [year["as_of"] for year in years]
    if not days:
        raise Refused(_without(standing(home).left_out))
    wanted = day or days[-1]
    with connect(home) if wanted in days else on_day(home, wanted) as connection:
        (found,) = rows(connection, f"SELECT * FROM world_total WHERE {WORLD} AND as_of = $day", day=wanted)
        if by is None:
            parts = []
        elif by == "year":
            parts = years
        else:
            where = f"({BY[by]}) AND as_of = $day ORDER BY level, central DESC"
            parts = rows(connection, f"SELECT * FROM world_total WHERE {where}", day=wanted)
        return {"total": found, "by": by, "parts": parts, "walk": rows(connection, WALK, day=wanted)}


def _without(left_out: Mapping[str, str]) -> str:
    """Why there is no world total, and no claims that are held against it."""
    return f"There is no world total from the sources in use. {left_out.get('world_total', '')}".strip()


def _begun(note: str) -> str:
    """A note, of which a long one is cut after a name or a sentence."""
    if len(note) <= NOTE:
        return note
    cut = max(note.rfind(mark, 0, NOTE) for mark in (", ", "; ", ". "))
    return note[: cut + 1] + REST


def interval(low: float | None, high: float | None) -> str:
    """An interval for a person."""
    return "-" if low is None or high is None else f"{low:,.0f} to {high:,.0f}"


def print_walk(walk: Iterable[Row]) -> None:
    """Print the walk."""
    printing.table(
        [
            {
                "": {"component": "+", "subtotal": "=", "total": "=", "memo": " "}[step["role"]],
                "step": step["title"],
                "persons": printing.number(step["value"]),
                "places": printing.number(step["places"]),
                "of world population": printing.share(step["population_share"]),
            }
            for step in walk
        ],
        right=["persons", "places", "of world population"],
    )


def print_sentence(total: Mapping[str, Any]) -> None:
    """Print the total in words."""
    rate = (
        ""
        if total["per_100k"] is None
        else f", {total['per_100k']:,.0f} of 100,000 people of {total['population_year']}"
    )
    sure = (
        "The history behind it is too short for an interval."
        if total["low"] is None
        else f"With a probability of 90 % between {total['low']:,.0f} and {total['high']:,.0f}, as tested on the past "
        "of places that publish."
    )
    print(
        f"\n{printing.number(total['central'])} persons{rate}. {sure}\n"
        f"From {total['places']} places with a published figure ({total['places_reported']} of them no older than a"
        f" year), which hold {printing.share(total['published_share'])} of the world's people, and the gaps; with the"
        f" places of the gaps, some of which are known in part, {printing.share(total['population_share'])}."
    )


def print_world(told: Mapping[str, Any]) -> None:
    """Print the walk of the reference day, the total in words and what others have published."""
    total = told["total"]
    if total is None:
        print(f"\n{_without(told['left_out'])}\nNot in this warehouse: {', '.join(told['left_out'])}.")
        return
    print(f"\nPersons in prison in the world, as of {total['as_of']}\n")
    print_walk(told["walk"])
    for step in told["walk"]:
        if step["note"] and step["value"] != 0:
            print(f"\n  {step['title']}:\n    {_begun(step['note'])}")
    print_sentence(total)
    print_comparison(told["published_by_others"])


def print_comparison(others: Sequence[Mapping[str, Any]]) -> None:
    """Print what others have published beside the totals of the nearest year's end."""
    print("\nWhat others have published, beside the total for the nearest end of a year:\n")
    printing.table(
        [
            {
                "by": other["citation"],
                "for": other["reference"],
                "persons": ("about " if other["circa"] else "") + printing.number(other["published"]),
                "this total": printing.number(other["central"]),
                "of": str(other["as_of"]),
                "differs by": f"{other['difference']:+,.0f}",
                "as it leaves out": "unknown" if (out := other["of_gaps_left_out"]) is None else printing.number(out),
                "as it counts at home": f"{other['of_wider_counts']:+,.0f}",
                "as it takes old figures": f"{other['of_bringing_to_the_day']:+,.0f}",
                "and other": f"{other['of_the_rest']:+,.0f}",
            }
            for other in others
        ],
        right=[
            "persons",
            "this total",
            "differs by",
            "as it leaves out",
            "as it counts at home",
            "as it takes old figures",
            "and other",
        ],
    )
    for note in dict.fromkeys(other["note"] for other in others):
        of = ", ".join(other["citation"] for other in others if other["note"] == note)
        print(f"\n  {of}:\n    {note}")


def print_total(told: Mapping[str, Any]) -> None:
    """Print the total of a day, and its parts where they were asked for."""
    total = told["total"]
    print(f"Persons in prison in the world, as of {total['as_of']}\n")
    if told["by"] is None:
        print_walk(told["walk"])
    else:
        printing.table(
            [
                {
                    "end of year" if told["by"] == "year" else told["by"].replace("_", " "): _part(told["by"], part),
                    "persons": printing.number(part["central"]),
                    "90 % interval": interval(part["low"], part["high"]),
                    "per 100,000": "-" if part["per_100k"] is None else f"{part['per_100k']:,.1f}",
                    "of world population" if told["by"] == "year" else "published for": printing.share(
                        part[SHARE.get(told["by"], "known_share")]
                    ),
                }
                for part in told["parts"]
            ],
            right=["persons", "90 % interval", "per 100,000", "published for", "of world population"],
        )
        if told["by"] in ("sex", "legal_status"):
            print("\nPublished for: the share of the persons who are held in places that publish this split.")
            print("A place that does not publish it is taken to have the share of its region.")
        if told["by"] in ("region", "subregion"):
            print("\nPublished for: the share of the people who live in places with a published figure.")
        if told["by"] == "sex":
            print("Per 100,000 people of both sexes.")
    print_sentence(total)


def _part(by: str, part: Mapping[str, Any]) -> str:
    if by == "year":
        return str(part["as_of"])
    if by in ("sex", "legal_status"):
        from dictionary.model import dictionary

        return dictionary().code_lists[by].codes[part[by]].split(",")[0].split(" (")[0]
    return str(part["name"])


def claims(home: Home, wanted: str | None) -> list[Row]:
    """Every claim, or one, with all that bears on it.

    Raises:
        Misused: when there is no such claim.
    """
    from warehouse.build import connect
    from warehouse.standing import standing

    with connect(home) as connection:
        if "claim" in standing(home).left_out:
            raise Refused(_without(standing(home).left_out))
        found = rows(connection, "SELECT * FROM claim ORDER BY claim")
        evidence = rows(connection, "SELECT * FROM claim_evidence ORDER BY claim, item")
    if wanted is not None and wanted not in {claim["claim"] for claim in found}:
        raise Misused(f"There is no claim {wanted!r}; these are {', '.join(c['claim'] for c in found)}.")
    return [
        claim | {"evidence": [e for e in evidence if e["claim"] == claim["claim"]]}
        for claim in found
        if wanted in (None, claim["claim"])
    ]


def _value(value: float | None, unit: str) -> str:
    """A figure that bears on a claim: persons are whole, of anything else a reader needs no more than four digits."""
    if value is None:
        return "-"
    return printing.number(value) if unit == "persons" else f"{value:,.4g}"


def print_claims(found: Sequence[Mapping[str, Any]], *, whole: bool) -> None:
    """Print claims with their verdicts; whole, also all that bears on them."""
    for i, claim in enumerate(found):
        print(
            ("\n" if i else "") + f"{claim['text']}\n  {claim['verdict'].replace('_', ' ').upper()}  ({claim['claim']})"
        )
        print(f"  Said by: {claim['said_by']}; {claim['citation']}.\n  {claim['conditions']}")
        if whole:
            print()
            printing.table(
                [
                    {
                        "it": e["bears"], "figure": e["what"],
                        "value": _value(e["value"], e["unit_text"]),
                        "unit": e["unit_text"], "row": f"{e['row_table']} {e['row_key']}",
                    }
                    for e in claim["evidence"]
                ],
                right=["value"],
            )  # fmt: skip
    if not whole:
        print("\nWhat bears on one of them, figure by figure: custody claims CLAIM")
