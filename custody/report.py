"""What the command tells at length: the end of a run, what changed, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from custody import printing
from custody.world import print_world, rows
from sources.errors import Misused
from sources.home import Home
from warehouse.records import vintage_order

if TYPE_CHECKING:
    from pipelines.execute import Outcome


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


def print_run(outcome: Outcome, told: Mapping[str, Any]) -> None:
    """Print the end of a run: what is here, the world, and where the files are."""
    print_sources(outcome.sources)
    print_world(told)
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
        return rows(connection, CHANGES, **wanted)


#: The parts of a key that are told only where they say something.
PARTS = ("facility", "sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause", "definition")


def print_changes(changed: Sequence[Mapping[str, Any]]) -> None:
    """Print for a person, one line a figure."""
    if not changed:
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
            for row in changed
        ],
        right=["was", "is", "change", "or"],
    )
    print(
        f"\n{len(changed):,} figures differ from the vintage before; "
        "the days are those on which the files were retrieved."
    )


def _plain(value: float | None) -> str:
    return "missing" if value is None else f"{value:,.10g}"
