"""Parts and their whole, rates and their counts: both values are named, and a missing figure is never zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sources.errors import Refused
from sources.sums import add_up, floats, follow

AT = ["s!D1", "s!D2"]


def test_the_first_whole_that_does_not_add_up_is_named_with_both_values() -> None:
    add_up("f.csv", AT, [3, 70], [[1, 30], [2, 40]])
    with pytest.raises(Refused, match=r"^f\.csv, row s!D2: 71 stands where M and F add up to 1,070\.$"):
        add_up("f.csv", AT, [3, 71], [[1, 30], [2, 1040]], of="M and F")


def test_a_sum_with_a_missing_figure_is_not_held() -> None:
    add_up("f.csv", AT, [3, 70], [[1, 30], floats([2, None])])
    add_up("f.csv", AT, floats([None, 70]), [[1, 30], [2, 40]])
    with pytest.raises(Refused, match="s!D1"):
        add_up("f.csv", AT, [4, 70], [[1, 30], floats([2, None])])


@pytest.mark.parametrize(
    ("whole", "allowed"), [(9.7, True), (9.6, False), (10.3, True), (10.4, False), (15.3, False), (np.nan, True)]
)
def test_figures_may_be_apart_by_as_much_as_is_said_to_either_side(whole: float, allowed: bool) -> None:
    held(whole, allowed, tolerance=0.3)


@pytest.mark.parametrize(("whole", "allowed"), [(9.6, False), (10.4, True), (15.3, True), (15.4, False)])
def test_a_whole_may_hold_others_but_never_fewer(whole: float, allowed: bool) -> None:
    held(whole, allowed, tolerance=0.3, rest=5)


def held(whole: float, allowed: bool, **how: Any) -> None:
    if allowed:
        add_up("f", ["at"], [whole], [[4], [6]], **how)
    else:
        with pytest.raises(Refused, match="stands where its parts add up to 10"):
            add_up("f", ["at"], [whole], [[4], [6]], **how)


def test_a_rate_follows_from_its_counts_to_the_last_digit_published() -> None:
    """1 of 3 is 33.33... percent, 2 of 3 is 66.66...; 1 of 8 is 12.5, of which both roundings are one."""
    follow("f", AT, [33.3, 66.7], [1, 2], [3, 3], per=100, digits=1)
    follow("f", AT, [12, 13], [1, 1], [8, 8], per=100, digits=0)
    follow("f", AT, floats([None, 66.7]), [1, 2], [3, 3], per=100, digits=1)
    with pytest.raises(Refused, match=r"^f, row s!D2: 66\.6 stands where 2 of 3 give 66\.667\.$"):
        follow("f", AT, [33.3, 66.6], [1, 2], [3, 3], per=100, digits=1)
    follow("f", AT, [33.3, 66.6], [1, 2], [3, 3], per=100, digits=1, tolerance=0.1)
