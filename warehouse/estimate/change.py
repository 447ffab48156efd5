"""How figures change: the middle of it, the spread of it, and the bank of changes that have been.

A change over a number of years is a drift, plus a part of the place's own pace, plus a spread times a number out of the
bank. Drift and part are those that have erred least for persons (robust regression, each place weighing by the square
root of its persons); the spread goes with the place's size and its own unrest; the bank holds what is left of every
change that has been, in spreads, by the calendar window in which it happened and the region. No form of distribution
is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.estimate.history import Floats, History, Ints

#: Levels at which the distribution of a bank is kept.
LEVELS: Floats = (np.arange(400) + 0.5) / 400
#: The least change (in logs) that tells of the spread: a figure that is only repeated has none.
LEAST = 0.005
#: Rounds of the robust regression, which changes no more after about ten.
ROUNDS = 12
#: Huber's constant, by which the regression is 95 % as sure as the common one where errors are normal.
HUBER = 1.345
#: By which the median of absolute values becomes a standard deviation of normal ones.
NORMAL = 0.6745


@dataclass(frozen=True)
class Horizon:
    """What is learnt about changes over one span of years.

    Attributes:
        drift, follow: the yearly change is `drift + follow * pace`.
        spread: of the logarithm of the spread on 1, size and the logarithm of unrest.
        end: of each window, the column with which it ends.
        bank: what is left of each change, in spreads, by window, then by region, in order of size.
        first, count: windows by regions; where in the bank those of a window and region begin, how many they are.
        levels: the bank's distribution at LEVELS, each window weighing the same.
    """

    drift: float
    follow: float
    spread: Floats
    end: Ints
    bank: Floats
    first: Ints
    count: Ints
    levels: Floats


@dataclass(frozen=True)
class Outlook:
    """What was known of changes when column `until` was the last one; `horizons[k - 1]` is of spans of k years."""

    history: History
    until: int
    usual: float
    horizons: Sequence[Horizon]

    @property
    def windows(self) -> int:
        """How many calendar years have been seen."""
        return len(self.horizons[0].count)


@dataclass(frozen=True)
class Change:
    """Of each of some places: the middle of its change, its spread, and by which horizon's bank (1 is the first)."""

    middle: Floats
    spread: Floats
    horizon: Ints


def learn(history: History, until: int) -> Outlook | None:
    """What the history up to a column says of changes; nothing where it is too short to say anything."""
    rules, horizons = history.rules, []
    usual = max(history.usual_unrest(until), LEAST)
    for span in range(1, min(rules.longest, until) + 1):
        learnt = _learn(history, until, span, usual)
        if learnt is None:
            break
        horizons.append(learnt)
    return Outlook(history, until, usual, horizons) if horizons else None


def _learn(history: History, until: int, span: int, usual: float) -> Horizon | None:
    rules = history.rules
    change = history.change(span)[:, : until - span + 1]
    place, year = np.nonzero(~np.isnan(change) & history.donors(until)[:, None])
    begins, per_window = np.unique(year, return_counts=True)
    begins = begins[per_window >= rules.places_in_window]
    if len(begins) < rules.windows:
        return None
    kept = np.isin(year, begins)
    place, year = place[kept], year[kept]
    changed, size = change[place, year], history.size[place, year]
    drift, follow = 0.0, 0.0
    if history.drifts:
        known = np.stack([np.ones(len(place)), history.pace[place, year]], axis=1)
        drift, follow = robust(known, changed / span, np.exp(size / 2))
    left = changed - span * (drift + follow * history.pace[place, year])
    known = np.stack([np.ones(len(place)), size, np.log(np.maximum(history.unrest(place, year, usual), LEAST))], axis=1)
    spread = np.linalg.lstsq(known, np.log(np.maximum(np.abs(left), LEAST)), rcond=None)[0]
    limit = rules.spreads_at_most
    bank = np.clip(left / np.exp(known @ spread), -limit, limit)

    window, region = np.searchsorted(begins, year), history.region[place]
    regions = int(history.region.max()) + 1
    order = np.lexsort((bank, window * regions + region))
    count = np.bincount(window * regions + region, minlength=len(begins) * regions).reshape(-1, regions)
    first = (np.cumsum(count) - count.ravel()).reshape(count.shape)
    levels = _levels(bank, 1 / count.sum(axis=1)[window])
    return Horizon(drift, follow, spread, begins + span, bank[order], first, count, levels)


def robust(known: Floats, wanted: Floats, weight: Floats) -> Floats:
    """The coefficients by which `known` gives `wanted` with the least weighted error, large errors counting singly."""
    weight = weight / weight.mean()
    error, found = wanted, np.zeros(known.shape[1])
    for _ in range(ROUNDS):
        scale = max(float(np.median(np.abs(error))) / NORMAL * HUBER, 1e-9)
        each = weight * np.minimum(1, scale / np.maximum(np.abs(error), 1e-12))
        answer = np.linalg.lstsq(known.T @ (known * each[:, None]), known.T @ (wanted * each), rcond=None)
        found = np.asarray(answer[0], dtype=np.float64)
        error = wanted - known @ found
    return found


def _levels(values: Floats, weight: Floats) -> Floats:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(LEVELS, reached / weight.sum(), values[order])


def ahead(outlook: Outlook, place: Ints, year: Ints, years: Floats) -> Change:
    """How places change in a number of years, whole or not, from the figure that each has in a column on."""
    spans = len(outlook.horizons)
    middles, spreads = _at_spans(outlook, place, year)
    at = np.clip(years, 1, spans)
    lower = np.minimum(np.floor(at).astype(np.int64), spans)
    upper = np.minimum(lower + 1, spans)
    each, part = np.arange(len(place)), at - lower
    beyond = years / at  # below the first span and past the last one, change goes on at an even pace
    middle = ((1 - part) * middles[lower - 1, each] + part * middles[upper - 1, each]) * beyond
    spread = ((1 - part) * spreads[lower - 1, each] + part * spreads[upper - 1, each]) * np.sqrt(beyond)
    return Change(middle, _bounded(outlook, spread), np.rint(at).astype(np.int64))


def between(outlook: Outlook, place: Ints, year: Ints, since: Floats, until: Floats) -> Change:
    """How places may be off the straight line from the figure of a column to a later one, years from and to them."""
    _, spreads = _at_spans(outlook, place, year)
    spread = spreads[0] * np.sqrt(since * until / (since + until))
    return Change(np.zeros(len(place)), _bounded(outlook, spread), np.ones(len(place), dtype=np.int64))


def _at_spans(outlook: Outlook, place: Ints, year: Ints) -> tuple[Floats, Floats]:
    """Spans by places: the middle of the change, and its spread."""
    history = outlook.history
    unrest = np.maximum(history.unrest(place, year, outlook.usual), LEAST)
    known = np.stack([np.ones(len(place)), history.size[place, year], np.log(unrest)])
    pace = history.pace[place, year]
    middles = [span * (h.drift + h.follow * pace) for span, h in enumerate(outlook.horizons, 1)]
    return np.array(middles), np.exp(np.array([h.spread for h in outlook.horizons]) @ known)


def _bounded(outlook: Outlook, spread: Floats) -> Floats:
    return np.minimum(spread, outlook.history.rules.spread_at_most)


def level_of(outlook: Outlook, change: Change, level: float) -> Floats:
    """The change that is not passed with a probability of `level`, in spreads."""
    at = np.array([np.interp(level, LEVELS, h.levels) for h in outlook.horizons])
    return np.asarray(at[change.horizon - 1])


def excess(outlook: Outlook, change: Change) -> Floats:
    """The logarithm of what the spread alone adds to the expected value."""
    added = np.zeros(len(change.spread))
    for horizon in np.unique(change.horizon):
        which = change.horizon == horizon
        levels = outlook.horizons[horizon - 1].levels
        added[which] = np.log(np.exp(np.outer(change.spread[which], levels)).mean(axis=1))
    return added
