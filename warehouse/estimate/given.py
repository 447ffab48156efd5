"""What the estimate takes from the warehouse, as arrays: who published what when, and who is counted on which day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import numpy as np

from warehouse.estimate.bring import Standing
from warehouse.estimate.history import Bools, Floats, History, Ints
from warehouse.estimate.rules import Rules
from warehouse.estimate.sums import Gap

#: What a place is when it is added to the world total by a figure of its own.
COUNTED = ("reported", "carried_forward", "brought_back")
YEAR = 365.25
#: More than the ordinal of any day.
_DAYS = 10_000_000

PLACES = """
SELECT place_id, coalesce(region, '') AS region, coalesce(subregion, '') AS subregion,
       if(kind = 'part', parent, NULL) AS whole
FROM place WHERE kind IN ('state', 'territory', 'part') ORDER BY place_id
"""
FIGURES = """
SELECT place_id, year, value, coalesce(definition, '') AS definition, period_end, female_share, unsentenced_share
FROM headline SEMI JOIN (FROM place WHERE kind IN ('state', 'territory', 'part')) USING (place_id)
ORDER BY place_id, year
"""
STANDING = """
SELECT as_of, place_id, role, latest, period_end, next_value, next_period_end, figure_id, next_figure_id
FROM world_place ORDER BY as_of, place_id
"""
GAPS = """
SELECT w.as_of, g.place_id, g.component, g.low, g.central, g.high, try_cast(g.reference AS DATE) AS reference
FROM gap g JOIN world_place w USING (place_id)
WHERE g.central IS NOT NULL AND (g.counts = 'beside' OR w.role = 'gap')
ORDER BY 1, 2, 3
"""
#: Added up on a day or not.
PATTERNS = """
SELECT DISTINCT place_id, component, central
FROM gap SEMI JOIN (FROM place WHERE kind IN ('state', 'territory', 'part')) USING (place_id)
WHERE central IS NOT NULL ORDER BY ALL
"""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Day:
    """Who is where in the world on one day.

    Attributes:
        day: the day.
        standing: of every place that has a figure.
        basis: of each of these, in the order of `standing`; a code of `estimate_basis`.
        figures: of each, the figures behind it: the earlier and the later one.
        counted: of each, whether it is added to the world.
        by_parts: rows of places that stand in the world by their parts.
        gaps: components of people whom no source counts.
    """

    day: date
    standing: Standing
    basis: list[str]
    figures: list[tuple[str | None, str | None]]
    counted: Bools
    by_parts: list[int]
    gaps: list[Gap]


@dataclass(frozen=True)
class Given:
    """All that the estimate is made of.

    Attributes:
        first_year: that of the first column of every history.
        places: ids, in the order of the rows of every history.
        units: names of all rows: the places, then components of people whom no source counts.
        regions: names, in the order of their codes.
        areas: of each place, region and subregion by name; empty where it has none.
        whole: of each part, the place of which it is one; of others nothing. A territory is no part.
        counts: persons held.
        splits: by name, the odds of a share of them, with its figures.
        days: in order.
    """

    first_year: int
    places: list[str]
    units: list[str]
    regions: list[str]
    areas: list[tuple[str, str]]
    whole: list[str | None]
    counts: History
    splits: Mapping[str, SplitGiven]
    days: list[Day]


@dataclass(frozen=True)
class SplitGiven:
    """The history of a share, and each figure of it, by place and day.

    Attributes:
        history: of the odds.
        place, day, odds, column: of each figure, the row of its place, its day as an ordinal, the logarithm of the odds
            and the column of its year.
    """

    history: History
    place: Ints
    day: Ints
    odds: Floats
    column: Ints


def read(connection: duckdb.DuckDBPyConnection, rules: Rules) -> Given:
    """What the tables say."""
    places, figures = _rows(connection, PLACES), _rows(connection, FIGURES)
    standing, gaps = _rows(connection, STANDING), _rows(connection, GAPS)
    ids = [place["place_id"] for place in places]
    row = {place: i for i, place in enumerate(ids)}
    regions = sorted({place["region"] for place in places})
    patterns = [tuple(p.values()) for p in _rows(connection, PATTERNS)]
    first = min([f["year"] for f in figures] + [rules.first_year])
    last = max([f["year"] for f in figures] + [rules.first_year])
    rows, columns = len(ids) + len(patterns), last - first + 1

    level, kind = np.full((rows, columns), np.nan), np.full((rows, columns), -1)
    kinds = {name: i for i, name in enumerate(sorted({f["definition"] for f in figures}))}
    for figure in figures:
        at = row[figure["place_id"]], figure["year"] - first
        kind[at] = kinds[figure["definition"]]
        if figure["value"] > 0:
            level[at] = np.log(figure["value"])
    region = np.array([regions.index(place["region"]) for place in places], dtype=np.int64)
    region = np.append(region, [region[row[place]] for place, _, _ in patterns]).astype(np.int64)
    donor = np.arange(rows) < len(ids)
    whole = np.full(rows, -1)
    whole[: len(ids)] = [row.get(place["whole"], -1) for place in places]
    # A number without a history strays as those of its size do.
    size = level.copy()
    for i, (_, _, central) in enumerate(patterns, len(ids)):
        size[i] = np.log(max(central, 1))
    counts = History(level, kind, size, region, donor, whole, rules)

    splits = {
        name: _split(counts, [f for f in figures if f[column] is not None], column, row, first)
        for name, column in (("female", "female_share"), ("unsentenced", "unsentenced_share"))
    }
    component = {pattern[:2]: i for i, pattern in enumerate(patterns, len(ids))}
    days = [
        _day(day, [s for s in standing if s["as_of"] == day], row, first, _gaps(gaps, day, row, component, rules))
        for day in sorted({s["as_of"] for s in standing})
    ]
    areas = [(place["region"], place["subregion"]) for place in places]
    units = [*ids, *(f"{place}: {name}" for place, name, _ in patterns)]
    return Given(first, ids, units, regions, areas, [place["whole"] for place in places], counts, splits, days)


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    answer = connection.execute(sql)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, values, strict=True)) for values in answer.fetchall()]


def _split(counts: History, figures: Rows, column: str, row: Mapping[str, int], first: int) -> SplitGiven:
    """A share of nobody or of everybody has no odds; half a person is given to either side, as is usual."""
    place = np.array([row[f["place_id"]] for f in figures], dtype=np.int64)
    year = np.array([f["year"] - first for f in figures], dtype=np.int64)
    persons = np.array([f["value"] for f in figures], dtype=np.float64)
    some = np.array([f[column] for f in figures], dtype=np.float64) * persons
    odds = np.log((some + 0.5) / (persons - some + 0.5))
    level = np.full(counts.level.shape, np.nan)
    level[place, year] = odds
    history = replace(counts, level=level, drifts=False)
    day = np.array([f["period_end"].toordinal() for f in figures], dtype=np.int64)
    return SplitGiven(history, place, day, odds, year)


def around(split: SplitGiven, day: date, places: Ints) -> tuple[Ints, Standing]:
    """Which of some places (rows; -1 for none) have the share, and the last figure up to the day and the next one."""
    keys = split.place * _DAYS + split.day
    last = np.searchsorted(keys, places * _DAYS + day.toordinal(), side="right") - 1
    before, after = (
        np.where((at >= 0) & (at < len(keys)) & (split.place[at % max(len(keys), 1)] == places), at, -1)
        if len(keys)
        else np.full(len(places), -1)
        for at in (last, last + 1)
    )
    unit = np.flatnonzero((before >= 0) | (after >= 0))
    return unit, Standing(places[unit], *_figure(split, day, before[unit], 1), *_figure(split, day, after[unit], -1))


def _figure(split: SplitGiven, day: date, at: Ints, sign: int) -> tuple[Floats, Floats, Ints]:
    """Years from or to figures, the figures and their columns; NaN where there is none (-1)."""
    if not len(split.day):
        return np.full(len(at), np.nan), np.full(len(at), np.nan), np.zeros(len(at), dtype=np.int64)
    years = sign * (day.toordinal() - split.day[at]) / YEAR
    return np.where(at >= 0, years, np.nan), np.where(at >= 0, split.odds[at], np.nan), split.column[at]


def _gaps(
    gaps: Rows, day: date, row: Mapping[str, int], component: Mapping[tuple[str, str], int], rules: Rules
) -> list[Gap]:
    def number(value: float | None) -> float:
        return np.nan if value is None else float(value)

    return [
        Gap(
            row[gap["place_id"]],
            number(gap["central"]), number(gap["low"]), number(gap["high"]),
            component[gap["place_id"], gap["component"]],
            abs((day - gap["reference"]).days) / YEAR if gap["reference"] else np.nan,
            number(rules.gap_unsentenced.get(f"{gap['place_id']}: {gap['component']}")),
        )
        for gap in gaps
        if gap["as_of"] == day
    ]  # fmt: skip


def _day(day: date, standing: Rows, row: Mapping[str, int], first: int, gaps: list[Gap]) -> Day:
    known = [s for s in standing if s["latest"] is not None or s["next_value"] is not None]
    with np.errstate(divide="ignore"):  # of zero persons the logarithm is -inf, which stays what it is
        before, after = (
            np.log(np.array([np.nan if s[name] is None else s[name] for s in known], dtype=np.float64))
            for name in ("latest", "next_value")
        )
    return Day(
        day,
        Standing(
            np.array([row[s["place_id"]] for s in known], dtype=np.int64),
            np.array([_years(s["period_end"], day) for s in known], dtype=np.float64), before,
            np.array([_column(s["period_end"], first) for s in known], dtype=np.int64),
            np.array([_years(day, s["next_period_end"]) for s in known], dtype=np.float64), after,
            np.array([_column(s["next_period_end"], first) for s in known], dtype=np.int64),
        ),
        [_basis(s, day) for s in known],
        [(s["figure_id"], s["next_figure_id"]) for s in known],
        np.array([s["role"] in COUNTED for s in known], dtype=np.bool_),
        [row[s["place_id"]] for s in standing if s["role"] == "by_parts"],
        gaps,
    )  # fmt: skip


def _years(begin: date | None, end: date | None) -> float:
    return np.nan if begin is None or end is None else (end - begin).days / YEAR


def _column(day: date | None, first: int) -> int:
    return 0 if day is None else day.year - first


def _basis(standing: Mapping[str, Any], day: date) -> str:
    if standing["latest"] is None:
        return "brought_back"
    if standing["period_end"] == day:
        return "published"
    # There is no line of logarithms to or from nobody.
    return "interpolated" if standing["latest"] and standing["next_value"] else "brought_forward"
