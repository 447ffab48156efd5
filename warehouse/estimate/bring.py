"""Figures brought to a day: onward from the last one, back from the first one, or between the two around the day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warehouse.estimate import draw
from warehouse.estimate.change import Change, Outlook, ahead, between, excess, learn, level_of
from warehouse.estimate.history import Bools, Floats, History, Ints

#: The probabilities of the two ends of the interval that is published.
ENDS = (0.05, 0.95)


@dataclass(frozen=True)
class Standing:
    """What is known of some places around one day; each has an earlier figure, a later one, or both.

    Attributes:
        place: row of the history.
        since: years from the earlier figure to the day; NaN where there is none.
        before: the earlier figure, in logs; -inf where it is zero.
        before_column: its column.
        until, after, after_column: the same of the later one.
    """

    place: Ints
    since: Floats
    before: Floats
    before_column: Ints
    until: Floats
    after: Floats
    after_column: Ints

    def of(self, which: Bools | Ints) -> Standing:
        """Some of the places."""
        return Standing(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Brought:
    """Places on the day: the figure or the line between two, and how it changes, by what was learnt on or back.

    Attributes:
        base: in logs.
        change: from the base to the day.
        back: whether the change is one back in time.
        years: to the figure that is nearest.
    """

    base: Floats
    change: Change
    back: Bools
    years: Floats


@dataclass(frozen=True)
class Outlooks:
    """What is known of changes on and back; nothing where the history is too short."""

    onward: Outlook | None
    backward: Outlook | None


def outlooks(history: History) -> Outlooks:
    """What the whole history says."""
    last = history.years - 1
    return Outlooks(learn(history, last), learn(history.reversed(), last))


def bring(known: Outlooks, standing: Standing) -> Brought:
    """Bring places to the day. There is no change where none is known, and none of a figure of the day or of zero."""
    on, back = ~np.isnan(standing.since), np.isnan(standing.since)
    middle = on & ~np.isnan(standing.until) & np.isfinite(standing.before) & np.isfinite(standing.after)
    base = np.where(on, standing.before, standing.after)
    whole = np.where(middle, standing.since + standing.until, 1)
    line = np.where(middle, standing.after, 0) - np.where(middle, standing.before, 0)
    base = np.where(middle, base + line * np.where(middle, standing.since, 0) / whole, base)
    years = np.where(on, standing.since, standing.until)
    zeros = np.zeros(len(base))
    found = Change(zeros, zeros.copy(), np.ones(len(base), dtype=np.int64))
    moves = (years > 0) & np.isfinite(base)
    if known.onward:
        outlook = known.onward
        _put(found, moves & on & ~middle, standing, lambda s: ahead(outlook, s.place, s.before_column, s.since))
        _put(found, moves & middle, standing, lambda s: between(outlook, s.place, s.before_column, s.since, s.until))
    if known.backward:
        behind, last = known.backward, known.backward.history.years - 1
        _put(found, moves & back, standing, lambda s: ahead(behind, s.place, last - s.after_column, s.until))
    return Brought(base, found, back, np.fmin(standing.since, standing.until))


def _put(into: Change, which: Bools, standing: Standing, change: Callable[[Standing], Change]) -> None:
    if which.any():
        made = change(standing.of(which))
        into.middle[which], into.spread[which], into.horizon[which] = made.middle, made.spread, made.horizon


def _each(known: Outlooks, brought: Brought, ask: Callable[[Outlook, Change], Floats]) -> Floats:
    """What is asked of each place's own outlook, and 0 where its change has no spread."""
    answer = np.zeros(len(brought.base))
    for outlook, back in ((known.onward, False), (known.backward, True)):
        which = np.flatnonzero((brought.back == back) & (brought.change.spread > 0))
        if outlook and len(which):
            change = brought.change
            answer[which] = ask(outlook, Change(change.middle[which], change.spread[which], change.horizon[which]))
    return answer


def expected(brought: Brought) -> Floats:
    """The persons expected: such that over all places and windows of the past the sum was right."""
    return np.exp(brought.base + brought.change.middle)


def centre(known: Outlooks, brought: Brought) -> Floats:
    """In logs, from where spreads are reckoned, so that the expected persons are those of `expected`."""
    return brought.base + brought.change.middle - _each(known, brought, excess)


def end(known: Outlooks, brought: Brought, level: float) -> Floats:
    """The persons that are not passed with a probability of `level`."""
    reached = _each(known, brought, lambda outlook, change: level_of(outlook, change, level))
    return np.exp(centre(known, brought) + brought.change.spread * reached)


@dataclass(frozen=True)
class Draws:
    """What is known of changes, and the random numbers by which it is drawn from; both for any number of days."""

    known: Outlooks
    even: draw.Chance
    onward: draw.Straying | None
    backward: draw.Straying | None

    @classmethod
    def of(cls, known: Outlooks, even: draw.Chance) -> Draws:
        """Draws by these numbers."""
        return cls(known, even, *(draw.Straying(o, even) if o else None for o in (known.onward, known.backward)))

    def weights(self, years: float) -> Floats:
        """What each draw weighs where the figures behind a sum are so many years off."""
        return self.even.weights(draw.unseen_share(self.known.onward, years) if self.known.onward else 0.0)

    def drawn(self, brought: Brought, unit: Ints) -> Floats:
        """Places by draws: from what each is reckoned and how far it strays, in logs; `unit` are rows of numbers."""
        strayed = np.zeros((len(unit), len(self.even.window)))
        change = brought.change
        for straying, back in ((self.onward, False), (self.backward, True)):
            which = np.flatnonzero((brought.back == back) & (change.spread > 0))
            if straying and len(which):
                some = Change(change.middle[which], change.spread[which], change.horizon[which])
                strayed[which] = straying.drawn(some, unit[which])
        strayed *= change.spread[:, None]
        strayed += centre(self.known, brought)[:, None]
        return strayed
