"""The past: what each place published, year by year, and what that says of its pace and its unrest.

Rows are places, columns are calendar years; a cell is the logarithm of a count, or of the odds of a share, NaN where
nothing is published. Nothing here looks ahead: a column depends on itself and on those before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from warehouse.estimate.rules import Rules

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def told_digits(value: float) -> float:
    """A number as it is told, to eight digits: those after them differ from one kind of processor to another."""
    return float(f"{value:.8g}")


@dataclass(frozen=True)
class History:
    """What was published, and what is known of each place besides.

    Attributes:
        level: places by years; the logarithm of a count or of odds.
        kind: places by years; a code of the definition, as a change from one to another is no change of persons.
        size: places by years; the logarithm of persons held, by which places are alike.
        region: of each place; a code.
        donor: whether others may change as the place has.
        whole: of each part, the row of the place of which it is one; of others -1.
        drifts: whether the places have a pace that goes on.
    """

    level: Floats
    kind: Ints
    size: Floats
    region: Ints
    donor: Bools
    whole: Ints
    rules: Rules
    drifts: bool = True

    @property
    def years(self) -> int:
        """How many columns there are."""
        return int(self.level.shape[1])

    def reversed(self) -> History:
        """The same read from the end, so that going back is going on."""
        return replace(self, level=self.level[:, ::-1], kind=self.kind[:, ::-1], size=self.size[:, ::-1])

    def donors(self, until: int) -> Bools:
        """Places that others may change as, by what was known when column `until` was the last one.

        Parts of a place that publishes for itself are not two systems but one: what they do teaches nothing more.
        """
        publishes = (~np.isnan(self.level[:, : until + 1])).sum(axis=1) > 0
        return np.asarray(self.donor & ~((self.whole >= 0) & publishes[self.whole]))

    def change(self, span: int) -> Floats:
        """Places by years less the span: how much each has changed when `span` years have gone from a year."""
        changed = self.level[:, span:] - self.level[:, :-span]
        return np.where(self.kind[:, span:] == self.kind[:, :-span], changed, np.nan)

    @cached_property
    def pace(self) -> Floats:
        """Places by years: the yearly change up to a year, 0 where it is not known."""
        pace = np.full(self.level.shape, np.nan)
        if self.drifts:
            for span in self.rules.pace_over:
                if span < self.years:
                    known = self.change(span) / span
                    pace[:, span:] = np.where(np.isnan(pace[:, span:]), known, pace[:, span:])
        limit = self.rules.pace_at_most
        return np.asarray(np.clip(np.nan_to_num(pace), -limit, limit))

    @cached_property
    def _unrest(self) -> tuple[Floats, Floats]:
        """Places by years: absolute changes from figure to figure, each of a year's worth, added up; their number."""
        total, count = np.zeros(self.level.shape), np.zeros(self.level.shape)
        last = np.full(len(self.level), -1)
        everyone = np.arange(len(self.level))
        for year in range(self.years):
            there = ~np.isnan(self.level[:, year])
            if year:
                total[:, year], count[:, year] = total[:, year - 1], count[:, year - 1]
            moved = there & (last >= 0) & (self.kind[:, year] == self.kind[everyone, last])
            which = everyone[moved]
            step = np.abs(self.level[which, year] - self.level[which, last[which]]) / np.sqrt(year - last[which])
            total[which, year] += np.minimum(step, 1)
            count[which, year] += 1
            last[there] = year
        return total, count

    def usual_unrest(self, until: int) -> float:
        """That of the middle place and year, of what was known when column `until` was."""
        total, count = (part[:, : until + 1] for part in self._unrest)
        known = (count > 0) & ~np.isnan(self.level[:, : until + 1])
        return float(np.median(total[known] / count[known])) if known.any() else 0.0

    def unrest(self, place: Ints, year: Ints, usual: float) -> Floats:
        """The mean yearly change of places up to a year, drawn to the usual one where little is known."""
        total, count = self._unrest
        prior = self.rules.unrest_prior_years
        return np.asarray((total[place, year] + usual * prior) / (count[place, year] + prior))
