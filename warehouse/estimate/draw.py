"""Draws of what places may hold, so that sums have an interval.

Each draw is one calendar window of the past: all places change as places did in that window, and the places of one
region as those of one region of it, so that what is common to a time or a region stays common. A year may come that is
like none of those seen: after n of them that has a chance of 1 / (n + 1) a year, and where it comes all places rank
alike: each is as far up or down in its own interval as all others.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from warehouse.estimate.change import LEVELS, Change, Outlook
from warehouse.estimate.history import Floats, Ints


@dataclass(frozen=True)
class Chance:
    """Even random numbers, spread evenly (Latin hypercube) so that few draws suffice.

    The last draws, as many as there are LEVELS, are of a year like none before.

    Attributes:
        window: draws; in order, so that draws of a window stand together.
        own: units by draws.
        region: regions by draws.
        alike: the rank of all places in each of the last draws.
    """

    window: Floats
    own: Floats
    region: Floats
    alike: Floats

    def weights(self, unseen: float) -> Floats:
        """What each draw weighs where a year like none before has this chance."""
        last = len(self.alike)
        seen = len(self.window) - last
        return np.repeat([(1 - unseen) / seen, unseen / last], [seen, last])


def chance(seed: int, draws: int, windows: int, units: Sequence[str], regions: Sequence[str]) -> Chance:
    """Random numbers for so many draws of years that have been, and for the draws of a year like none before.

    Those of a unit or region hang on its name alone, so that none moves because another comes or goes.
    """
    last = len(LEVELS)
    window = np.append((np.arange(draws) + 0.5) / draws, np.zeros(last))
    block = np.minimum((window * windows).astype(np.int64), windows - 1)
    block[draws:] = windows
    alike = np.random.default_rng(seed).permutation(LEVELS)
    return Chance(window, _even(seed, block, units), _even(seed, block, [f"region {r}" for r in regions]), alike)


def _even(seed: int, block: Ints, names: Sequence[str]) -> Floats:
    """Names by draws, in each block of draws one number out of each equal part of 0 to 1."""
    size = np.bincount(block)
    begin, each = np.cumsum(size) - size, size[block]
    even = np.empty((len(names), len(block)))
    for row, name in zip(even, names, strict=True):
        order, jitter = np.random.default_rng([seed, zlib.crc32(name.encode())]).random((2, len(block)))
        row[np.argsort(block + order)] = np.arange(len(block))
        row += jitter - begin[block]
    even /= each
    return even


def unseen_share(outlook: Outlook, years: float) -> float:
    """The chance that in so many years there is one that is like none of those seen."""
    return float(1 - (outlook.windows / (outlook.windows + 1)) ** years)


@dataclass(frozen=True)
class Straying:
    """By how many spreads units change besides the middle, as changes have been, by the same numbers every time.

    Attributes:
        outlook: what is known of changes.
        even: the numbers of all units.
    """

    outlook: Outlook
    even: Chance
    _found: dict[int, tuple[Ints, Ints]] = field(default_factory=dict, repr=False)

    def drawn(self, change: Change, unit: Ints) -> Floats:
        """Units by draws; `change` is of each, `unit` are rows of the numbers and of the history alike."""
        region = self.outlook.history.region[unit]
        drawn = np.empty((len(unit), len(self.even.window)))
        for horizon in np.unique(change.horizon).tolist():
            which = np.flatnonzero(change.horizon == horizon)
            first, count = self._donors(horizon)
            learnt = self.outlook.horizons[horizon - 1]
            at = (self.even.own[unit[which]] * count[region[which]]).astype(np.int64)
            at += first[region[which]]
            drawn[which] = learnt.bank[at]
            drawn[which, -len(self.even.alike) :] = np.interp(self.even.alike, LEVELS, learnt.levels)
        return drawn

    def _donors(self, horizon: int) -> tuple[Ints, Ints]:
        """Regions by draws: where in the bank the changes begin of the window and region drawn, and how many."""
        if horizon not in self._found:
            self._found[horizon] = _donors(self.outlook, horizon, self.even)
        return self._found[horizon]


def _donors(outlook: Outlook, horizon: int, even: Chance) -> tuple[Ints, Ints]:
    learnt = outlook.horizons[horizon - 1]
    # A window is known by its end. Where a longer span has none that ends so, its others stand for it, each as often.
    wanted = outlook.horizons[0].end
    found = np.searchsorted(learnt.end, wanted) % len(learnt.end)
    found = np.where(learnt.end[found] == wanted, found, np.arange(len(wanted)) % len(learnt.end))
    window = found[np.minimum((even.window * len(wanted)).astype(np.int64), len(wanted) - 1)]
    enough = np.where(learnt.count >= outlook.history.rules.places_in_region, learnt.count, 0)
    lacking = enough.sum(axis=1) == 0
    enough[lacking] = learnt.count[lacking]
    reached = np.cumsum(enough, axis=1) / enough.sum(axis=1, keepdims=True)
    donor = (even.region[:, :, None] >= reached[window]).sum(axis=2)  # regions by draws
    donor = np.minimum(donor, learnt.count.shape[1] - 1)
    return learnt.first[window, donor], learnt.count[window, donor]


def ends(drawn: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """Levels by sums: what each sum does not pass with the probability of each level; `drawn` is sums by draws."""
    order = np.argsort(drawn, axis=1)
    weight = weights[order]
    reached = np.cumsum(weight, axis=1) - weight / 2
    in_order = np.take_along_axis(drawn, order, axis=1)
    return np.array([np.interp(levels, *each) for each in zip(reached, in_order, strict=True)]).T
