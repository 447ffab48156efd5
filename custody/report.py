"""What the command tells at length: what is here, the end of a run, what changed, what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from custody import printing
from custody.world import print_world, rows
from sources.asked import Asking
from sources.catalogue import sources
from sources.errors import Misused
from sources.home import Home
from warehouse import standing
from warehouse.records import all_vintages, failures, stale_corrections, summary, vintage_order, withdrawals

if TYPE_CHECKING:
    from pipelines.execute import Outcome
    from warehouse.results import CheckResult


def by_source(vintages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Vintages as `warehouse.records.summaries` gives them, one line a source; those in use without any are last."""
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
    nothing = {"files": 0, "vintages": 0, "newest": "-", "rows": "-", "left out": "-", "from": "nothing yet"}
    return [*lines, *({"source": name, **nothing} for name in without_figures(vintages))]


def without_figures(vintages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sources in use of which no vintage is accepted."""
    return sorted(set(sources()) - {v["source"] for v in vintages})


def status(home: Home) -> dict[str, Any]:
    """What is here, what was turned away or asked for in vain, and whether the warehouse is of what is accepted."""
    known = all_vintages(home)
    told = [summary(v) for v in known]
    built = standing.find(home)
    return {
        "home": str(home.root),
        "vintages": told,
        "without_figures": without_figures(told),
        "failed": [f for s in sources().values() for f in failures(home, s)],
        "not_fetched": [asdict(a) | {"passes": a.passes} for s in sources().values() for a in Asking(home).failures(s)],
        "withdrawn": [w for s in sources().values() for w in withdrawals(home, s)],
        "stale_corrections": stale_corrections(known),
        "build_failed": standing.failure(home),
        "warehouse": built and _warehouse(home, built),
    }


def _warehouse(home: Home, built: standing.Build) -> dict[str, Any]:
    return {
        "path": str(home.warehouse),
        "current": standing.is_current(home, built.as_of),
        "report": str(built.report) if built.report.exists() else None,
        "as_of": built.as_of.isoformat(),
        "tables": {table.name: table.rows for table in built.tables},
    }


def print_status(told: Mapping[str, Any]) -> None:
    """Print for a person, with what to do about each thing that is not as it should be."""
    print_sources(told["vintages"])
    print()
    for row in told["vintages"]:
        if row["accepted despite"]:
            named = f"{row['source']}/{row['file']} {row['vintage']}"
            print(f"accepted despite failed checks: {named}: {row['accepted despite']}")
    print_stale(told["stale_corrections"])
    for report in told["failed"]:
        said = report["snapshot"]
        words = f"{said['source_id']} {said['file']} {said['sha256'][:12]}"
        print(f"{report['state']}: {said['source_id']}/{said['file']}: {report['message']}")
        print(f"  What to do: see `custody quarantine show {words}`.")
    for gone in told["withdrawn"]:
        print(f"withdrawn: {gone['source']}/{gone['file']}, vintage {gone['vintage']}: {gone['reason']}")
    for asked in told["not_fetched"]:
        where = f"{asked['source_id']}/{asked['file']}" if asked["file"] else f"{asked['source_id']}, its addresses"
        print(f"not fetched on {asked['asked_at'][:10]}: {where}: {asked['message']}")
        if not asked["passes"]:
            print(f"  What to do: what the sentence says, then `custody fetch {asked['source_id']}`.")
    _print_warehouse(told["warehouse"], told["build_failed"])


def _print_warehouse(warehouse: Mapping[str, Any] | None, failed: Mapping[str, str] | None) -> None:
    """How the warehouse stands, and what there is to do about it."""
    if failed:
        print(f"warning: the last build failed, on {failed['at']}: {failed['why']}")
    mended = "Once that is mended, `" if failed else "`"
    if not warehouse:
        print(f"There is no warehouse yet; {mended[0].lower()}{mended[1:]}custody run --offline` builds one.")
        return
    print(
        f"Warehouse: {warehouse['path']}, world total as of {warehouse['as_of']}, "
        f"{sum(warehouse['tables'].values()):,} rows in {len(warehouse['tables'])} tables."
        + (f" Quality report: {warehouse['report']}." if warehouse["report"] else "")
    )
    if not warehouse["current"]:
        print(
            "warning: the warehouse is older than what is accepted, or than the program. "
            f"{mended}custody run --offline` builds it anew."
        )


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
    print(f"\n{_next(report, [check for check in checks if check.blocks])}")


def _next(report: Mapping[str, Any], blocking: Sequence[CheckResult]) -> str:
    """What a person can do about a file that was turned away."""
    snapshot = report["snapshot"]
    words = f"{snapshot['source_id']} {snapshot['file']} {snapshot['sha256'][:12]} --reason '...'"
    aside = f"If it is not wanted: custody quarantine dismiss {words}"
    if any(check.outcome == "could_not_run" for check in blocking):
        return f"What kept a check from running may have passed: custody run --offline tries it again. {aside}"
    if not blocking:
        return (
            "It was not read, so there is nothing to accept. A new file of the publisher's replaces it; where this one "
            "is as it should be, the source's parser must be changed (CONTRIBUTING.md), and the next run reads it "
            f"again. {aside}"
        )
    if not all(check.can_be_waived for check in blocking):
        return (
            "It cannot be accepted by hand: the tables rely on what it breaks. A new file of the publisher's replaces "
            f"it; an evident error can be named in the source's corrections.yml (CONTRIBUTING.md). {aside}"
        )
    return f"If the figures are right all the same: custody quarantine accept {words}\n{aside}"


#: Figures of which an earlier and a later vintage say different things, with the files that say so.
DIFFERING = """
SELECT r.source_id AS source, r.dataset, r.place_id AS place, r.facility, r.measure, r.sex, r.age, r.legal_status,
       r.citizenship, r.offence, r.supervision, r.cause, r.definition, r.period_start, r.period_end, r.unit,
       r.earlier_vintage, was.retrieved_at AS earlier_retrieved, r.earlier_value, r.vintage,
       now.retrieved_at AS retrieved, r.value, r.change, r.change_share, e.locator AS earlier_locator, r.locator
FROM ({figures}) AS r
JOIN observation AS e ON e.observation_id = r.earlier_observation_id
JOIN snapshot AS now ON now.source_id = r.source_id AND now.file = r.file AND now.vintage = r.vintage
JOIN snapshot AS was ON was.source_id = e.source_id AND was.file = e.file AND was.vintage = e.vintage
WHERE ($source IS NULL OR r.source_id = $source)
  AND ($place IS NULL OR r.place_id = $place OR starts_with(r.place_id, $place || '-'))
  AND ($day IS NULL OR left(now.retrieved_at, 10) >= $day)
  AND ($vintage IS NULL OR now.position > (
    SELECT max(position) FROM snapshot WHERE source_id = r.source_id AND vintage = $vintage
  ))
ORDER BY {order}
"""
CHANGES = DIFFERING.format(
    figures="SELECT revision.*, o.file, o.locator FROM revision JOIN observation AS o USING (observation_id)",
    order="abs(r.change) DESC NULLS FIRST, abs(r.change_share) DESC, r.observation_id",
)
#: What a vintage has and the next one of the same file has not.
GONE = DIFFERING.format(
    figures="""
      SELECT vanished.* EXCLUDE (vintage, value), o.file, vanished.observation_id AS earlier_observation_id,
             vanished.vintage AS earlier_vintage, vanished.value AS earlier_value, later_vintage AS vintage,
             NULL AS value, NULL AS change, NULL AS change_share, NULL AS locator
      FROM vanished JOIN observation AS o USING (observation_id)""",
    order="r.source_id, r.dataset, r.period_end, r.place_id, r.observation_id",
)


def changes(
    home: Home, source: str | None, place: str | None, *, since: date | None = None, after: str | None = None
) -> list[dict[str, Any]]:
    """Figures that differ between two vintages, the largest change first; one that is missing in either goes before.

    The first of all are those that the later vintage does not have at all, of which `locator` is null.

    Args:
        home: where the warehouse is.
        source: only of this source.
        place: only of this place and its parts.
        since: only what was retrieved on or after this day.
        after: only what came in vintages newer than this one.

    Raises:
        Misused: when no file bears the vintage.
    """
    from warehouse.build import connect

    with connect(home) as connection:
        stamped = "SELECT count(*) FROM snapshot WHERE vintage = $1 AND ($2 IS NULL OR source_id = $2)"
        if after is not None and not connection.execute(stamped, [after, source]).fetchall()[0][0]:
            raise Misused(f"--after-vintage {after!r} is no vintage that is here; `custody status --json` lists them.")
        wanted = {"source": source, "place": place, "day": since and since.isoformat(), "vintage": after}
        return [*rows(connection, GONE, **wanted), *rows(connection, CHANGES, **wanted)]


#: How many places are named of those of which figures have gone.
PLACES_NAMED = 8

#: The parts of a key that are told only where they say something.
PARTS = ("facility", "sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause", "definition")


def print_changes(changed: Sequence[Mapping[str, Any]]) -> None:
    """Print for a person: what is given no more, a line an edition and year; then a line a figure."""
    if not changed:
        print("No figure has been changed.")
        return
    gone = [row for row in changed if row["locator"] is None]
    changed = [row for row in changed if row["locator"] is not None]
    if gone:
        _print_gone(gone)
    if not changed:
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
    of_each = ", ".join(f"{source} {count:,}" for source, count in Counter(r["source"] for r in changed).most_common())
    print(
        f"\n{len(changed):,} figures differ from the vintage before ({of_each}); "
        "the days are those on which the files were retrieved."
    )


def _print_gone(gone: Sequence[Mapping[str, Any]]) -> None:
    """Print what a publisher gives no more."""
    editions: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in gone:
        key = (row["source"], row["dataset"], row["earlier_vintage"], row["vintage"], row["period_end"].year)
        editions.setdefault(key, []).append(row)
    lines = []
    for (source, dataset, earlier, later, year), of_it in editions.items():
        places = sorted({row["place"] for row in of_it})
        more = f" and {len(places) - PLACES_NAMED} more" if len(places) > PLACES_NAMED else ""
        lines.append(
            {
                "source": source, "table": dataset, "in": earlier, "no more in": later, "year": year,
                "figures": len(of_it), "places": ", ".join(places[:PLACES_NAMED]) + more,
            }
        )  # fmt: skip
    printing.table(lines, right=["figures"])
    print(f"\n{len(gone):,} figures are given no more; table vanished has each of them.\n")


def _plain(value: float | None) -> str:
    return "missing" if value is None else f"{value:,.10g}"
