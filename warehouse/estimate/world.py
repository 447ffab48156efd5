"""The estimate: every place and every area on every day, from what is given, and the same from the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from warehouse.estimate import bring, draw, sums
from warehouse.estimate.bring import ENDS, Draws
from warehouse.estimate.change import LEVELS, Outlook
from warehouse.estimate.given import Day, Given, around
from warehouse.estimate.history import Bools, Floats, Ints, told_digits
from warehouse.estimate.rules import Rules
from warehouse.estimate.side import side_by_side

WORLD = "World"
#: A row of a table, by column.
Row = dict[str, Any]


@dataclass
class Estimate:
    """Rows of places, of areas and of what was learnt of changes."""

    places: list[Row] = field(default_factory=list)
    areas: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)


def estimate(given: Given, rules: Rules) -> Estimate:
    """Bring every place to every day and add up."""
    made = Estimate()
    known = bring.outlooks(given.counts)
    splits = {name: bring.outlooks(split.history) for name, split in given.splits.items()}
    windows = known.onward.windows if known.onward else 1
    # The same numbers for a place on every day, so that what differs between two days is not chance.
    draws = rules.draws if known.onward else 1
    even, split_even = (draw.chance(rules.seed + i, draws, windows, given.units, given.regions) for i in range(2))
    counts = Draws.of(known, even)
    split = {name: Draws.of(outlooks, split_even) for name, outlooks in splits.items()}
    for part in side_by_side(lambda day: _day(given, day, counts, split, rules), given.days):
        made.places += part.places
        made.areas += part.areas
    made.changes = [*_changes("onward", known.onward), *_changes("backward", known.backward)]
    return made


def _changes(direction: str, outlook: Outlook | None) -> Iterator[Row]:
    """What was learnt of persons held, so that a place's estimate can be reckoned by hand."""
    for span, learnt in enumerate(outlook.horizons if outlook else (), 1):
        low, high = np.interp(ENDS, LEVELS, learnt.levels)
        numbers = {
            "drift": learnt.drift, "follow": learnt.follow,
            **dict(zip(("spread_base", "spread_size", "spread_unrest"), learnt.spread, strict=True)),
            "usual_unrest": outlook.usual if outlook else 0.0, "low_90": low, "high_90": high,
        }  # fmt: skip
        yield {
            "direction": direction, "span": span, "windows": len(learnt.end), "changes": len(learnt.bank),
            **{name: told_digits(float(number)) for name, number in numbers.items()},
        }  # fmt: skip


def _day(given: Given, day: Day, draws: Draws, splits: Mapping[str, Draws], rules: Rules) -> Estimate:
    made, known, even = Estimate(), draws.known, draws.even
    rows = day.standing.place
    brought = bring.bring(known, day.standing)
    persons = np.rint(bring.expected(brought))
    ends = [np.rint(bring.end(known, brought, level)) for level in ENDS]
    certain = known.onward is not None
    for i, row in enumerate(rows):
        if row in day.by_parts:  # told below, as the sum of its parts
            continue
        sure = day.basis[i] == "published"
        made.places.append(
            {
                "as_of": day.day, "place_id": given.places[row], "basis": day.basis[i], "persons": persons[i],
                "low": min(ends[0][i], persons[i]) if certain or sure else None,
                "high": max(ends[1][i], persons[i]) if certain or sure else None,
                "years": float(brought.years[i]), "figure_id": day.figures[i][0], "next_figure_id": day.figures[i][1],
            }
        )  # fmt: skip
    counted = np.flatnonzero(day.counted)
    weights = draws.weights(persons[counted] @ brought.years[counted] / max(persons[counted].sum(), 1))
    added = bring.bring(known, day.standing.of(counted))
    drawn = np.exp(draws.drawn(added, rows[counted]))
    strayed = [sums.gap_drawn(known.onward, gap, even.own[gap.pattern]) for gap in day.gaps]
    unit = np.append(rows[counted], [gap.pattern for gap in day.gaps]).astype(np.int64)
    units = sums.Units(
        unit,
        given.counts.region[unit],
        np.append(persons[counted], [gap.central for gap in day.gaps]),
        np.vstack([drawn, *strayed]),
    )
    place = np.append(rows[counted], [gap.place for gap in day.gaps]).astype(np.int64)
    is_gap = np.arange(len(place)) >= len(counted)

    areas = dict(_areas(given, place))
    members = list(areas.values())
    everybody, everybody_drawn = sums.by_area(units.persons, members), sums.by_area(units.drawn, members)
    for name, total in zip(areas, sums.added(everybody, everybody_drawn, weights), strict=True):
        made.areas.append(_row(day.day, name, "_T", "_T", total, 1.0, certain))
    made.places += _by_parts_and_gaps(given, day, units, weights, place, is_gap, certain)
    stated = {"female": np.full(len(place), np.nan), "unsentenced": np.full(len(place), np.nan)}
    stated["unsentenced"][is_gap] = [gap.unsentenced for gap in day.gaps]
    for name, split_draws in splits.items():
        unit, standing = around(given.splits[name], day.day, np.where(is_gap, -1, place))
        split = sums.Split(split_draws, unit, standing)
        share, drawn_share, there = sums.shares(split, units, stated[name])
        if np.isnan(share).any():
            continue
        drawn_share *= units.drawn
        some, some_drawn = sums.by_area(np.rint(units.persons * share), members), sums.by_area(drawn_share, members)
        parts = [(some, some_drawn, "F", "_T"), (everybody - some, everybody_drawn - some_drawn, "M", "_T")]
        if name == "unsentenced":
            parts = [(some, some_drawn, "_T", "UNSENTENCED")]
        covered = sums.by_area(units.persons * there, members) / np.maximum(everybody, 1)
        for values, strayed_sums, sex, status in parts:
            for area, total, known_share in zip(areas, sums.added(values, strayed_sums, weights), covered, strict=True):
                if known_share >= rules.split_known_at_least:
                    made.areas.append(_row(day.day, area, sex, status, total, float(known_share), certain))
    return made


def _areas(given: Given, place: Ints) -> Iterator[tuple[str, Ints]]:
    """Which units each area has: the world, and each region and subregion by name."""
    yield WORLD, np.arange(len(place))
    for level in (0, 1):
        of = np.array([given.areas[p][level] for p in place], dtype=object)
        for name in sorted(set(of) - {""}):
            yield name, np.flatnonzero(of == name)


def _by_parts_and_gaps(
    given: Given, day: Day, units: sums.Units, weights: Floats, place: Ints, is_gap: Bools, certain: bool
) -> list[Row]:
    """Places that stand by their parts, or by what is believed of people whom no source counts."""
    whole = [given.whole[p] for p in place]
    found: list[tuple[int, str, Bools]] = [
        (row, "parts", np.array([p == given.places[row] for p in whole])) for row in day.by_parts
    ]
    told = {*day.standing.place.tolist(), *day.by_parts}
    found += [(int(row), "gap", is_gap & (place == row)) for row in sorted(set(place[is_gap].tolist()) - told)]
    if not found:
        return []
    members = [np.flatnonzero(which) for _, _, which in found]
    totals = sums.added(sums.by_area(units.persons, members), sums.by_area(units.drawn, members), weights)
    return [
        {
            "as_of": day.day, "place_id": given.places[row], "basis": basis, "persons": total.central,
            "low": np.rint(total.low) if certain else None, "high": np.rint(total.high) if certain else None,
            "years": None, "figure_id": None, "next_figure_id": None,
        }
        for (row, basis, which), total in zip(found, totals, strict=True)
        if which.any()
    ]  # fmt: skip


def _row(day: date, area: str, sex: str, status: str, total: sums.Sum, known: float, certain: bool) -> Row:
    return {
        "as_of": day, "area": area, "sex": sex, "legal_status": status, "central": total.central,
        "low": float(np.rint(total.low)) if certain else None, "high": float(np.rint(total.high)) if certain else None,
        "known_share": known,
    }  # fmt: skip
