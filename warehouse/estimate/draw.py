"""Draws of what places may hold, so that sums have an interval.

Each draw is one calendar window of the past: all places change as places did in that window, and the places of one
region as those of one region of it, so that what is common to a time or a region stays common. A year may come that is
like none of those seen: after n of them that has a chance of 1 / (n + 1) a year, and where it comes all places rank
alike, which is the most that can be common to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from warehouse.estimate.change import LEVELS, Change, Outlook
from warehouse.estimate.history import Floats, Ints


@dataclass(frozen=True)
class Chance:
    """Even random numbers, spread evenly (Latin hypercube) so that few draws suffice.

    The last draws, as many as there are LEVELS, are of a year like none before.

    Attributes:
        window: draws; in order, so that draws of a window stand together.
        own: draws by places.
        region: draws by regions.
        alike: the rank of all places in each of the last draws.
    """

    window: Floats
    own: Floats
    region: Floats
    alike: Floats

    def of(self, places: Ints) -> Chance:
        """The numbers of some of the places."""
        return replace(self, own=self.own[:, places])

    def weights(self, unseen: float) -> Floats:
        """What each draw weighs where a year like none before has this chance."""
        last = len(self.alike)
        seen = len(self.window) - last
        return np.repeat([(1 - unseen) / seen, unseen / last], [seen, last])


def chance(generator: np.random.Generator, draws: int, places: int, regions: int, windows: int) -> Chance:
    """Random numbers for so many draws of years that have been, and for the draws of a year like none before."""
    last = len(LEVELS)
    window = np.append((np.arange(draws) + 0.5) / draws, np.zeros(last))
    block = np.minimum((window * windows).astype(np.int64), windows - 1)
    block[draws:] = windows
    return Chance(
        window, _even(generator, block, places), _even(generator, block, regions), generator.permutation(LEVELS)
    )


def _even(generator: np.random.Generator, block: Ints, columns: int) -> Floats:
    """Draws by columns, in each block of draws one number out of each equal part of 0 to 1."""
    order = np.argsort(block[:, None] + generator.random((len(block), columns)), axis=0)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(block))[:, None], axis=0)
    size = np.bincount(block)
    begin = np.cumsum(size) - size
    return np.asarray((rank - begin[block][:, None] + generator.random(rank.shape)) / size[block][:, None])


def unseen_share(outlook: Outlook, years: float) -> float:
    """The chance that in so many years there is one that is like none of those seen."""
    return float(1 - (outlook.windows / (outlook.windows + 1)) ** years)


def spreads(outlook: Outlook, change: Change, region: Ints, even: Chance) -> Floats:
    """Draws by places: by how many spreads each changes besides the middle.

    Args:
        outlook: what is known of changes.
        change: of each place.
        region: of each place; a code.
        even: its columns of `own` are these places.
    """
    drawn = np.empty(even.own.shape)
    for horizon in np.unique(change.horizon):
        which = np.flatnonzero(change.horizon == horizon)
        drawn[:, which] = _of_horizon(outlook, int(horizon), region[which], even.of(which))
        ranked = np.interp(even.alike, LEVELS, outlook.horizons[horizon - 1].levels)
        drawn[-len(ranked) :, which] = ranked[:, None]
    return drawn


def _of_horizon(outlook: Outlook, horizon: int, region: Ints, even: Chance) -> Floats:
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
    donors = (even.region[:, :, None] >= reached[window][:, None, :]).sum(axis=2)  # draws by regions
    donor = np.minimum(donors, learnt.count.shape[1] - 1)[:, region]
    first, count = learnt.first[window[:, None], donor], learnt.count[window[:, None], donor]
    return np.asarray(learnt.bank[first + (even.own * count).astype(np.int64)])


def ends(drawn: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """Levels by sums: what each sum does not pass with the probability of each level; `drawn` is draws by sums."""
    order = np.argsort(drawn, axis=0)
    reached = np.cumsum(weights[order], axis=0) - weights[order] / 2
    sorted_ = np.take_along_axis(drawn, order, axis=0)
    return np.array([np.interp(levels, reached[:, i], sorted_[:, i]) for i in range(drawn.shape[1])]).T
