"""The arithmetic of a publisher's table within itself: parts add up to their whole, rates follow from their counts.

A row that is lost, a column that is shifted and a decimal point in the wrong place leave figures that look right. A
parser declares what must add up; the first whole that does not is refused, with both values. How far apart they may be
comes from what the publisher says: whole counts not at all, rounded figures half of their last digit each.

A missing figure is NaN. It is never taken for zero: a sum with one in it is not held, and the parser that wants the
others compared says so by giving zero in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sources.errors import refusal

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: What floating point adds to a sum or a quotient of published figures.
BINARY = 1e-6


def floats(values: Sequence[float | None]) -> Floats:
    """The figures, NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def add_up(
    file: str,
    at: Sequence[str],
    whole: ArrayLike,
    parts: Sequence[ArrayLike],
    *,
    tolerance: ArrayLike = 0.0,
    rest: ArrayLike = 0.0,
    of: str = "its parts",
) -> None:
    """Refuse the first whole that is not the sum of its parts.

    Args:
        file: the file's name, for the sentence.
        at: where each whole stands.
        whole: the figures that are compared.
        parts: as many figures each, in the order of `whole`.
        tolerance: how far apart both may be because of rounding or alteration.
        rest: how much more the whole may be, because it holds others that no part counts.
        of: what the parts are, for the sentence.
    """
    wholes = np.asarray(whole, dtype=np.float64)
    sums = np.sum([np.asarray(part, dtype=np.float64) for part in parts], axis=0)
    over = wholes - sums
    with np.errstate(invalid="ignore"):
        wrong = (over < -np.asarray(tolerance) - BINARY) | (over > np.asarray(tolerance) + np.asarray(rest) + BINARY)
    if wrong.any():
        i = int(wrong.argmax())
        raise refusal(file, f"{wholes[i]:,.10g} stands where {of} add up to {sums[i]:,.10g}.", at[i])


def follow(
    file: str,
    at: Sequence[str],
    rate: ArrayLike,
    count: ArrayLike,
    base: ArrayLike,
    *,
    per: float,
    digits: int,
    tolerance: ArrayLike = 0.0,
) -> None:
    """Refuse the first rate that is not `count` per so many of `base`, to the `digits` with which it is published."""
    rates, counts, bases = (np.asarray(values, dtype=np.float64) for values in (rate, count, base))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = per * counts / bases
        wrong = np.abs(rates - found) > 0.5 * 10**-digits + np.asarray(tolerance) + BINARY
    if wrong.any():
        i = int(wrong.argmax())
        why = f"{rates[i]:,.10g} stands where {counts[i]:,.10g} of {bases[i]:,.10g} give {found[i]:,.{digits + 2}f}."
        raise refusal(file, why, at[i])
