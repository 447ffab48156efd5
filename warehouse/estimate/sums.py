"""Persons added up on one day: the world and its parts, everybody and by sex and legal status, each with its interval.

What is added is a unit: a place that is counted, or a component of people whom no source counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.estimate import bring, draw
from warehouse.estimate.bring import ENDS, Draws, Standing
from warehouse.estimate.change import LEVELS, Outlook, ahead, excess
from warehouse.estimate.history import Bools, Floats, Ints


@dataclass(frozen=True)
class Gap:
    """A component of persons whom no source counts; values are persons, NaN where nobody has stated one.

    Attributes:
        place: row of the history.
        central, low, high: as stated.
        pattern: row of the history that tells how a number of that size strays.
        years: from the day of the stated number to the reference day; NaN where it has none.
        unsentenced: its share without a sentence; NaN where it is not known.
    """

    place: int
    central: float
    low: float
    high: float
    pattern: int
    years: float
    unsentenced: float

    @property
    def ends(self) -> tuple[float, float]:
        """The range; an end that is not stated is taken as far off as the other one, or where none is, as no range."""
        below, above = self.central - self.low, self.high - self.central
        if np.isnan(below):
            below = above
        if np.isnan(above):
            above = below
        if np.isnan(below):
            return self.central, self.central
        return max(self.central - below, 0.0), self.central + above


@dataclass(frozen=True)
class Units:
    """What is added up: rows of random numbers, regions, persons expected (whole), and units by draws."""

    row: Ints
    region: Ints
    persons: Floats
    drawn: Floats


@dataclass(frozen=True)
class Split:
    """What is published of a split: of which units, and the logarithms of their odds around the day."""

    draws: Draws
    unit: Ints
    standing: Standing


@dataclass(frozen=True)
class Sum:
    """Persons of an area: as expected, and the ends of the interval."""

    central: float
    low: float
    high: float


def gap_drawn(outlook: Outlook | None, gap: Gap, even: Floats) -> Floats:
    """Draws of a component, from even random numbers.

    A range is gone through evenly, on either side of the central value half of the time. One number of a stated day
    strays as figures of its size and age do, about itself and whatever others do.
    """
    low, high = gap.ends
    if low < high or outlook is None or not gap.years > 0:
        return np.interp(even, [0, 0.5, 1], [low, gap.central, high])
    change = ahead(outlook, np.array([gap.pattern]), np.array([outlook.until]), np.array([gap.years]))
    strayed = np.interp(even, LEVELS, outlook.horizons[change.horizon[0] - 1].levels)
    return np.asarray(gap.central * np.exp(change.spread * strayed - excess(outlook, change)))


def added(persons: Floats, drawn: Floats, weights: Floats) -> list[Sum]:
    """Each area, of which `drawn` (areas by draws) are draws of the sum; `weights` are those of the draws."""
    if not len(persons):
        return []
    ends = zip(persons, *draw.ends(drawn, weights, ENDS), strict=True)
    return [Sum(float(c), float(min(low, c)), float(max(high, c))) for c, low, high in ends]


def by_area(values: Floats, members: Sequence[Ints]) -> Floats:
    """Sums over the units that each area has; `values` are of units, or units by draws."""
    return np.stack([values[member].sum(axis=0) for member in members])


def shares(split: Split, units: Units, stated: Floats) -> tuple[Floats, Floats, Bools]:
    """The share of each unit: as expected, drawn (units by draws), and whether it is published of the unit itself.

    `stated` is a share that is known of a unit without a history, else NaN. A unit of which nothing is known has the
    share of its region's units that are known, else of all; drawn, that of one of them. Each counts by its persons.
    """
    even = split.draws.even
    share, drawn = stated.copy(), np.repeat(stated[:, None], len(even.window), axis=1)
    if len(split.unit):
        brought = bring.bring(split.draws.known, split.standing)
        share[split.unit] = _share(brought.base)
        strayed = split.draws.drawn(brought, units.row[split.unit])
        drawn[split.unit] = _share(strayed)
    known = ~np.isnan(share)
    for missing in np.flatnonzero(~known) if known.any() else ():
        near = known & (units.region == units.region[missing])
        like = np.flatnonzero(near if near.any() else known)
        like = like[np.argsort(share[like])]
        weight = np.maximum(units.persons[like], 1)
        reached = (np.cumsum(weight) - weight / 2) / weight.sum()
        share[missing] = np.average(share[like], weights=weight)
        drawn[missing] = np.interp(even.own[units.row[missing]], reached, share[like])
    published = np.zeros(len(share), dtype=np.bool_)
    published[split.unit] = True
    return share, drawn, published


def _share(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)))
