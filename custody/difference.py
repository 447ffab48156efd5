"""How `custody diff` prints what differs between two releases."""

from __future__ import annotations

from custody import printing
from exports.changes import summary
from exports.diff import BY_PLACE_AND_MEASURE, Diff
from exports.lines import BECAUSE

#: How many lines each part has at most; --json has all.
MOST = 20

LARGEST = """
SELECT place_id, measure, what, year, old, new, size, share, old_source, new_source, because FROM line
WHERE table_name IN ('figure', 'recidivism') AND change = 'changed' AND column_name IN ('value', 'rate_percent')
ORDER BY abs(size) DESC NULLS FIRST, key LIMIT $1
"""


def show(diff: Diff, *, whole: bool) -> None:
    """Print for a person; `whole` where no place and no measure was asked for."""
    print(f"{diff.new} since {diff.old}. {summary(diff)}" if whole else f"{diff.new} since {diff.old}.")
    for change in diff.schema:
        print(f"  schema, {change.bump}: {change.kind} {change.table}: {change.what}")
    for row in diff.unexplained:
        print(f"  no new file behind {row['lines']:,} lines of {row['table_name']}: {BECAUSE[row['because']]}")
    counts = [c for c in diff.counts if c.added or c.removed or c.changed or c.restated]
    if not counts:
        print("No row differs.")
        return
    print()
    columns = ("table", "old_rows", "new_rows", "added", "removed", "changed", "restated")
    printing.table([{c: getattr(count, c) for c in columns} for count in counts], right=columns[1:])
    _by_place(diff)
    _largest(diff)
    if whole:
        _world(diff)


def _by_place(diff: Diff) -> None:
    rows = diff.ask(BY_PLACE_AND_MEASURE)
    if rows:
        print("\nChosen figures by place and measure, the largest change first:")
        shown = [{**row, "largest": _change(row["largest"])} for row in rows[:MOST]]
        printing.table(shown, right=("added", "removed", "changed", "largest"))
        _more(len(rows))


def _largest(diff: Diff) -> None:
    rows = diff.ask(LARGEST, MOST)
    if rows:
        print("\nThe largest changes:")
        printing.table(
            [
                {
                    "place": row["place_id"],
                    "figure": " ".join(str(part) for part in (row["measure"], row["what"], row["year"]) if part),
                    "was": _number(row["old"]),
                    "is": _number(row["new"]),
                    "change": _change(row["size"]),
                    "or": "" if row["share"] is None else f"{row['share']:+.1%}",
                    "from": row["old_source"],
                    "to": row["new_source"],
                    "because": row["because"],
                }
                for row in rows
            ],
            right=("was", "is", "change", "or"),
        )


def _world(diff: Diff) -> None:
    for title, rows, name in (
        (f"The walk to the world total of {diff.world.as_of}:", diff.world.walk, "title"),
        ("The places that moved it most:", diff.world.places, "name"),
    ):
        if rows:
            print(f"\n{title}")
            printing.table(
                [
                    {
                        "": row[name],
                        "was": _number(row["old"]),
                        "is": _number(row["new"]),
                        "change": _change(row["change"]),
                    }
                    for row in rows[:MOST]
                ],
                right=("was", "is", "change"),
            )
            _more(len(rows))


def _more(rows: int) -> None:
    if rows > MOST:
        print(f"{rows - MOST:,} more with --json.")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.10g}"


def _change(value: float | None) -> str:
    return "-" if value is None else f"{value:+,.10g}"
