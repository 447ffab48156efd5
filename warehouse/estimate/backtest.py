"""The test on the past: what a reader would have been told in an earlier year, and what was published later.

For each year from which a reader may have asked, all is learnt anew from the figures up to that year alone. Figures are
those of the newest vintages, as those of that time are not in the archive: what was revised since is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from warehouse.estimate import bring, draw
from warehouse.estimate.bring import Draws, Outlooks, Standing
from warehouse.estimate.change import learn
from warehouse.estimate.given import Given
from warehouse.estimate.history import Bools, Floats, Ints, told_digits
from warehouse.estimate.rules import Rules
from warehouse.estimate.side import side_by_side

#: The levels of the intervals that are tested, and their ends.
LEVELS = (50, 80, 90)
ENDS = [end for level in LEVELS for end in (0.5 - level / 200, 0.5 + level / 200)]

Row = dict[str, Any]


def cases(given: Given, rules: Rules) -> Iterator[Row]:
    """Each case: of a place, a subregion, a region or the world, from one year, so many years ahead.

    `carried` is the last figure, or the sum of the last figures, taken unchanged.
    """
    counts = given.counts
    even = draw.chance(rules.seed, rules.draws, max(counts.years - 1, 1), given.units, given.regions)
    origins = range(rules.test_from - given.first_year, counts.years - 1)
    for found in side_by_side(lambda origin: list(_cases_from(given, origin, even, rules)), origins):
        yield from found


def _cases_from(given: Given, origin: int, even: draw.Chance, rules: Rules) -> Iterator[Row]:
    counts = given.counts
    onward = learn(counts, origin)
    if onward is None:
        return
    draws, last, donor = Draws.of(Outlooks(onward, None), even), _last(counts.level, origin), counts.donors(origin)
    for ahead in range(1, min(rules.test_ahead, counts.years - 1 - origin) + 1):
        target = origin + ahead
        same = counts.kind[np.arange(len(last)), last] == counts.kind[:, target]
        place = np.flatnonzero(
            donor & (last >= 0) & ~np.isnan(counts.level[:, target]) & np.where(last >= 0, same, False)
        )
        if len(place):
            yield from _from(given, draws, place, last[place], origin, target, rules)


def _last(level: Floats, origin: int) -> Ints:
    """The column of each place's last figure up to the origin; -1 where it has none."""
    there = ~np.isnan(level[:, : origin + 1])
    return np.where(there.any(axis=1), origin - np.argmax(there[:, ::-1], axis=1), -1).astype(np.int64)


def _from(given: Given, draws: Draws, place: Ints, last: Ints, origin: int, target: int, rules: Rules) -> Iterator[Row]:
    counts, known = given.counts, draws.known
    nothing, since = np.full(len(place), np.nan), (target - last).astype(np.float64)
    before, after = counts.level[place, last], counts.level[place, target]
    brought = bring.bring(known, Standing(place, since, before, last, nothing, nothing, last))
    # What comes back from a logarithm lacks its last digits; 1,000 persons are of the class that begins with 1,000.
    carried, published, central = np.exp(before).round(6), np.exp(after).round(6), bring.expected(brought)
    ends = [bring.end(known, brought, level) for level in ENDS]
    told = {"origin": given.first_year + origin, "year": given.first_year + target}
    for i in np.flatnonzero(last == origin):
        each = [float(end[i]) for end in ends]
        yield _row(told, "place", given.places[place[i]], 1, carried[i], central[i], published[i], each, rules)

    weights = draws.weights(float(central @ since / central.sum()))
    drawn = np.exp(draws.drawn(brought, place))
    for kind, name, which in _areas(given, place):
        least = rules.test_world_of_at_least if kind == "world" else rules.test_sums_of_at_least
        if which.sum() < least:
            continue
        each = draw.ends(drawn[which].sum(axis=0, keepdims=True), weights, ENDS)[:, 0].tolist()
        was, now, later = (float(values[which].sum()) for values in (carried, central, published))
        yield _row(told, kind, name, int(which.sum()), was, now, later, each, rules)


def _areas(given: Given, place: Ints) -> Iterator[tuple[str, str, Bools]]:
    yield "world", "World", np.ones(len(place), dtype=np.bool_)
    for level, kind in enumerate(("region", "subregion")):
        of = np.array([given.areas[p][level] for p in place], dtype=object)
        for name in sorted(set(of) - {""}):
            yield kind, name, of == name


def _row(
    told: Row, kind: str, area: str, places: int, carried: float, central: float, published: float,
    ends: list[float], rules: Rules,
) -> Row:  # fmt: skip
    size = int(np.searchsorted(rules.size_classes, carried, side="right")) if kind == "place" else None
    names = [f"{end}_{level}" for level in LEVELS for end in ("low", "high")]
    persons = {"carried": carried, "central": central, "published": published, **dict(zip(names, ends, strict=True))}
    return {
        **told, "level": kind, "area": area, "places": places, "size_class": size,
        **{name: told_digits(value) for name, value in persons.items()},
    }  # fmt: skip
