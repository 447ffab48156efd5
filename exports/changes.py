"""What changed since the last release, as two files of a release: CHANGES.md for people, changes.csv for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from dictionary.render import quote
from exports.diff import Diff
from exports.lines import BECAUSE, EMPTY, LINE, UNEXPLAINED
from exports.listing import Retraction
from exports.tables import CSV_OPTIONS

#: How many lines each part of CHANGES.md has at most; changes.csv has all.
MOST = 100
PLACES = 15

FIRST = "# Changes\n\nThis is the first release: there is none before it.\n"

#: Headings of changes.csv where SQL has another meaning for the word.
HEADINGS = {"table_name": "table", "column_name": "column"}


def write_csv(diff: Diff | None, path: Path) -> None:
    """Every added, removed, changed and restated row, a line each; the heading alone for the first release."""
    columns = ", ".join(f'{name} AS "{HEADINGS.get(name, name)}"' for name in LINE)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        connection.register("line", diff.lines) if diff else connection.execute(EMPTY)
        connection.execute(f"COPY (SELECT {columns} FROM line) TO {quote(str(path))} ({CSV_OPTIONS})")


def as_markdown(
    diff: Diff,
    names: dict[str, str],
    explained: str | None,
    retracted: Retraction | None = None,
    waived: Sequence[str] = (),
) -> str:
    """The changes for people, the worst first.

    Args:
        diff: what differs.
        names: of places, by id.
        explained: the reason that a person gave for what the gate would have stopped.
        retracted: when and why the earlier release was retracted, where it was.
        waived: what the gate would have stopped, a sentence each.
    """
    parts = [
        f"# Changes of {diff.new} since {diff.old}\n",
        _retracted(diff.old, retracted) if retracted else "",
        summary(diff) + "\n",
        f"**Explained by the releaser:** {_cell(explained)}\n" if explained else "",
        "What that explains:\n\n" + "".join(f"- {_cell(one)}\n" for one in waived) if waived else "",
        _unexplained(diff, names),
        _schema(diff),
        _world(diff),
        _headlines(diff, names),
        _by_measure(diff),
        _tables(diff),
        "Every row that differs is in changes.csv.\n",
    ]
    return "\n".join(part for part in parts if part)


def _retracted(version: str, told: Retraction) -> str:
    """That the release before is one that was retracted, and why it is held against all the same."""
    reason = _cell(told.reason).rstrip(".")
    return f"{version} was retracted on {told.date}: {reason}. None stands, so that what differs from it is told.\n"


def summary(diff: Diff) -> str:
    """One sentence on figures, one on the world total."""
    figures, told = next((c for c in diff.counts if c.table == "figure"), None), []
    if figures:
        told.append(
            f"Of the chosen figures, {figures.changed:,} have changed, {figures.removed:,} are gone and "
            f"{figures.added:,} are new."
        )
    world = diff.world
    if world.as_of and world.old is not None and world.new is not None:
        move = f"from {world.old:,.0f} to {world.new:,.0f} ({_share(world.new - world.old, world.old)})"
        same = f"is as it was, {world.new:,.0f}"
        told.append(f"The world total of {world.as_of} {same if world.old == world.new else 'moves ' + move}.")
    schema = f"{len(diff.schema)} changes of the schema" if diff.schema else "The schema is the same"
    return " ".join([*told, f"{schema}."])


def _unexplained(diff: Diff, names: dict[str, str]) -> str:
    if not diff.unexplained:
        return ""
    rows = diff.ask(
        "SELECT * FROM line WHERE list_contains($1, because) "
        "ORDER BY list_position($1, because), table_name <> 'figure', abs(size) DESC NULLS LAST, table_name, key",
        list(UNEXPLAINED),
    )
    counted = [f"- {row['table_name']}: {row['lines']:,} lines; {BECAUSE[row['because']]}." for row in diff.unexplained]
    shown = [
        {
            "table": row["table_name"],
            "place": _named(row["place_id"], names),
            "figure": " ".join(str(part) for part in (row["measure"], row["what"], row["year"]) if part),
            "was": _number(row["old"]),
            "is": _number(row["new"]),
            "change": row["change"],
        }
        for row in rows[:MOST]
    ]
    return "## No new file is behind these\n\n" + "\n".join(counted) + "\n\n" + _table(shown, len(rows))


def _schema(diff: Diff) -> str:
    if not diff.schema:
        return ""
    return "## Schema\n\n" + "\n".join(f"- {c.bump}: {c.kind} {c.table}: {c.what}." for c in diff.schema) + "\n"


def _world(diff: Diff) -> str:
    world = diff.world
    if not world.walk and not world.places:
        return ""
    walk = [
        {
            "step": row["title"],
            "was": _number(row["old"]),
            "is": _number(row["new"]),
            "change": f"{row['change']:+,.0f}",
        }
        for row in world.walk
        if row["role"] != "memo"
    ]
    moved = [
        {
            "place": row["name"],
            "was": _number(row["old"]),
            "is": _number(row["new"]),
            "change": f"{row['change']:+,.0f}",
            "as": row["new_role"]
            if row["old_role"] == row["new_role"]
            else f"{row['old_role']}, now {row['new_role']}",
        }
        for row in world.places
    ]
    return f"## World total of {world.as_of}\n\n{_table(walk, len(walk))}\nThe places that moved it most:\n\n" + _table(
        moved[:PLACES], len(moved)
    )


HEADLINES = """
SELECT change, place_id, year, old, new, size, share, old_source, new_source FROM line
WHERE table_name = 'headline' AND column_name = 'value'
ORDER BY change = 'removed' DESC, change = 'changed' DESC, abs(size) DESC, place_id, year
"""


def _headlines(diff: Diff, names: dict[str, str]) -> str:
    rows = diff.ask(HEADLINES)
    if not rows:
        return ""
    shown = [
        {
            "place": _named(row["place_id"], names),
            "year": row["year"],
            "was": _number(row["old"]),
            "is": _number(row["new"]),
            "change": "" if row["size"] is None else f"{row['size']:+,.10g}",
            "or": "" if row["share"] is None else f"{row['share']:+.1%}",
            "source": " → ".join(dict.fromkeys(s for s in (row["old_source"], row["new_source"]) if s)),
        }
        for row in rows[:MOST]
    ]
    return "## Everybody held in a place: headline figures\n\n" + _table(shown, len(rows))


BY_MEASURE = """
SELECT measure, count(*) FILTER (change = 'removed') AS gone, count(*) FILTER (change = 'changed') AS changed,
       count(*) FILTER (change = 'added') AS new, count(DISTINCT place_id) AS places
FROM line WHERE table_name = 'figure' AND column_name = 'value'
GROUP BY measure ORDER BY gone DESC, changed DESC, measure
"""


def _by_measure(diff: Diff) -> str:
    rows = diff.ask(BY_MEASURE)
    return "## Figures by measure\n\n" + _table(rows, len(rows)) if rows else ""


def _tables(diff: Diff) -> str:
    rows = [
        {
            "table": c.table,
            "rows were": _number(c.old_rows),
            "are": _number(c.new_rows),
            "gone": c.removed,
            "changed": c.changed,
            "new": c.added,
            "other words": c.restated,
        }
        for c in diff.counts
        if c.removed or c.changed or c.added or c.restated or c.old_rows != c.new_rows
    ]
    return "## Rows by table\n\n" + _table(rows, len(rows)) if rows else ""


def _table(rows: list[dict[str, Any]], in_all: int) -> str:
    """A table in Markdown; says how many rows there are besides."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    lines += ["| " + " | ".join(_cell(value) for value in row.values()) + " |" for row in rows]
    more = f"\n{in_all - len(rows):,} more are in changes.csv.\n" if in_all > len(rows) else ""
    return "\n".join(lines) + "\n" + more


def _cell(value: Any) -> str:
    """A value as text that Markdown takes for nothing else."""
    text = "" if value is None else " ".join(str(value).split())
    for sign in "\\|[]*`":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _named(place_id: str | None, names: dict[str, str]) -> str:
    return names.get(place_id, place_id) if place_id else ""


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.10g}"


def _share(change: float, of: float) -> str:
    return f"{change:+,.0f}, {change / of:+.2%}" if of else f"{change:+,.0f}"
