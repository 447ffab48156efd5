"""What a release may not lose or move against the last one that stands, unless a person says why."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from dictionary.model import LOADER
from dictionary.render import quote
from exports.diff import Diff
from exports.lines import NEW
from sources.errors import Refused

LIMITS = Path(__file__).parent / "gate.yml"


@dataclass(frozen=True)
class Limits:
    """See the comments in gate.yml."""

    places_lost_at_most: int
    figures_lost_at_most: float
    population_share_lost_at_most: float
    unexplained_share_at_most: float
    total_moves_at_most: float


@cache
def limits() -> Limits:
    """The limits of this installation.

    Raises:
        Refused: when one is missing, unknown, or no number.
    """
    given: dict[str, Any] = yaml.load(LIMITS.read_text(encoding="utf-8"), Loader=LOADER)
    if odd := set(given) ^ {field.name for field in fields(Limits)}:
        raise Refused(f"{LIMITS.name}: {min(odd)} is missing or unknown.")
    if odd := {name for name, value in given.items() if type(value) not in (int, float) or value < 0}:
        raise Refused(f"{LIMITS.name}: {min(odd)} is no number of 0 or more.")
    return Limits(**given)


def unsteady(diff: Diff, old: Path, new: Path) -> list[str]:
    """One sentence for each thing that a person must explain; none where nothing must be."""
    if not any(count.table == "world_total" for count in diff.counts):
        return _lost(diff)  # both are of open sources alone, of which there is no total
    return [*_shrunken(old, new), *_lost(diff), *_moved(diff)]


LOST = """
SELECT table_name, count(*) AS lost, any_value(place_id ORDER BY abs(old) DESC) AS place
FROM line WHERE table_name IN ('figure', 'headline') AND change = 'removed' GROUP BY ALL ORDER BY ALL
"""


def _lost(diff: Diff) -> list[str]:
    """Chosen figures, and those that stand for a place and year, that are in the last release and not in this one."""
    before = {count.table: count.old_rows or 0 for count in diff.counts}
    return [
        f"{row['lost']:,} of {before[row['table_name']]:,} rows of table {row['table_name']} are in this release no "
        f"more; the greatest is of {row['place']}."
        for row in diff.ask(LOST)
        if row["lost"] > limits().figures_lost_at_most * before[row["table_name"]]
    ]


COVERAGE = """
SELECT as_of, places, population_share FROM read_parquet({file})
WHERE place_id = 'WLD' AND sex = '_T' AND legal_status = '_T' ORDER BY as_of
"""


def _shrunken(old: Path, new: Path) -> list[str]:
    """What is lost of the world: on the newest day of each, and on every day that both have."""
    told = []
    with duckdb.connect() as connection:
        try:
            before, after = (
                {
                    day: (places, share)
                    for day, places, share in connection.execute(
                        COVERAGE.format(file=quote(str(folder / "tables" / "world_total.parquet")))
                    ).fetchall()
                }
                for folder in (old, new)
            )
        except duckdb.Error:  # of another schema
            return ["The coverage of the last release cannot be compared with this one's."]
    if not before or not after:
        return ["There is no world total to compare."] if before else []
    gone = sorted(day for day in {*before} - {*after} if (day.month, day.day) == (12, 31))
    if gone:
        told.append(
            f"The world totals of {len(gone)} year's ends that the last release had, up to {gone[-1]}, are in this one "
            "no more."
        )
    pairs = [(max(before), max(after)), *((day, day) for day in sorted({*before} & {*after}, reverse=True))]
    for then, now in pairs:
        (places, share), (places_now, share_now) = before[then], after[now]
        if places - places_now > limits().places_lost_at_most:
            told.append(f"The world total of {now} counts {places_now} places, and of {then} it counted {places}.")
        if share_now is None or share - share_now > limits().population_share_lost_at_most:
            stands = "an unknown share" if share_now is None else f"{share_now:.2%}"
            told.append(f"Behind the world total of {now} stand {stands} of the world's people, and {share:.2%} did.")
        if told:
            return told
    return told


def _moved(diff: Diff) -> list[str]:
    """What of a change of the world total no new figure explains, and a change that is too large to be believed."""
    world, told = diff.world, []
    if world.as_of is None or not world.old or world.new is None:
        return ["There is no day of which both releases have a world total, so that nobody can say how it moved."]
    with_news = {
        row["place_id"]
        for row in diff.ask(
            "SELECT DISTINCT place_id FROM line WHERE list_contains($1, because) "
            "AND (table_name = 'gap' OR table_name IN ('figure', 'observation') AND measure = 'persons_held')",
            [NEW],
        )
    }
    rest = [place for place in world.places if place["place_id"] not in with_news]
    # Not the sum of what they move it by: one place's people may stand against another's.
    moved = sum(abs(place["change"]) for place in rest)
    if moved > limits().unexplained_share_at_most * world.old:
        named = ", ".join(f"{place['name']} {place['change']:+,.0f}" for place in rest[:3])
        told.append(
            f"The world total of {world.as_of} moves from {world.old:,.0f} to {world.new:,.0f}, and places of which no "
            f"figure is new move by {moved:,.0f} in either direction ({named})."
        )
    days = [{"as_of": world.as_of, "old": world.old, "new": world.new}, *world.days]
    for day in (d for d in days if d["old"]):
        if abs(day["new"] - day["old"]) > limits().total_moves_at_most * day["old"]:
            share = day["new"] / day["old"] - 1
            told.append(
                f"The world total of {day['as_of']} moves from {day['old']:,.0f} to {day['new']:,.0f}, "
                f"by {share:+.1%}, which is more than new figures have ever moved it."
            )
            break
    return told
