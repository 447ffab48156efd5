"""The estimate on small panels of which the answer is known by arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.errors import Refused
from tests.warehouse.made import World, gap, observation
from warehouse.estimate import backtest, bring, change, draw, sums
from warehouse.estimate.bring import Draws, Outlooks, Standing
from warehouse.estimate.given import Given, SplitGiven, around
from warehouse.estimate.history import Floats, History
from warehouse.estimate.rules import RULES, Rules, read, rules

NONE = float("nan")
PLACES, YEARS = 30, 14


def panel(persons: Any, *, kind: Any = 0, region: Any = 0, **more: Any) -> History:
    """A history of persons, places by years; NaN where nothing is published."""
    level = np.log(np.array(persons, dtype=np.float64))
    drifts = more.pop("drifts", True)
    return History(
        level, np.broadcast_to(kind, level.shape).astype(np.int64), level.copy(),
        np.broadcast_to(region, len(level)).astype(np.int64), np.ones(len(level), dtype=np.bool_),
        np.full(len(level), -1), replace(rules(), **more), drifts,
    )  # fmt: skip


def growing(rate: float, years: int = YEARS) -> Floats:
    """Places of all sizes that grow at one rate."""
    return np.outer(np.geomspace(100, 100_000, PLACES), (1 + rate) ** np.arange(years))


def wandering(seed: int, years: int = YEARS, missing: float = 0.2) -> Floats:
    """Places of all sizes that go up and down, with years in which nothing is published."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(0.01, 0.08, (PLACES, years)) + generator.normal(0, 0.03, years)
    persons = np.geomspace(100, 100_000, PLACES)[:, None] * np.exp(np.cumsum(steps, axis=1))
    return np.where(generator.random(persons.shape) < missing, NONE, np.rint(persons))


def standing(
    history: History, since: float | None, before: float = NONE, column: int | None = None, **later: Any
) -> Standing:
    """One place, which is the first row of the history."""
    last = history.years - 1 if column is None else column
    none = np.array([NONE])
    with np.errstate(divide="ignore"):
        return Standing(
            np.array([0]), none if since is None else np.array([since]), np.log([before]), np.array([last]),
            np.array([later.get("until", NONE)]), np.log([later.get("after", NONE)]), np.array([later.get("after_column", last)]),
        )  # fmt: skip


def brought(history: History, at: Standing) -> tuple[float, float, float]:
    """The persons expected, and the ends of their interval."""
    known = bring.outlooks(history)
    found = bring.bring(known, at)
    low, high = (float(bring.end(known, found, level)[0]) for level in bring.ENDS)
    return float(bring.expected(found)[0]), low, high


# One place


@pytest.mark.parametrize("years", [0.25, 1, 3, 4.5, 10, 12.5])
def test_where_all_grow_by_two_percent_a_year_a_figure_is_brought_on_at_two_percent(years: float) -> None:
    history = panel(growing(0.02))
    expected = 1000 * 1.02**years
    assert brought(history, standing(history, years, 1000)) == pytest.approx((expected,) * 3, rel=1e-6)


@pytest.mark.parametrize("years", [0.5, 2, 7])
def test_and_brought_back_at_two_percent(years: float) -> None:
    history = panel(growing(0.02))
    at = standing(history, None, until=years, after=1000, after_column=0)
    assert brought(history, at) == pytest.approx((1000 / 1.02**years,) * 3, rel=1e-6)


def test_the_pace_of_a_place_of_its_own_is_followed_as_far_as_places_have_gone_on_at_theirs() -> None:
    """Half of the places grow by 5 % a year and half shrink by 5 %: each goes on as it did, and there is no drift."""
    rates = np.where(np.arange(PLACES) % 2, 1.05, 1 / 1.05)
    history = panel(1000 * rates[:, None] ** np.arange(40), places_in_window=1)
    # Of the first year no pace is known; such changes are outliers, which do not bend the regression.
    known = bring.outlooks(history).onward
    assert known
    assert known.horizons[0].follow == pytest.approx(1, abs=0.02) and known.horizons[0].drift == pytest.approx(
        0, abs=1e-3
    )
    assert brought(history, standing(history, 1, 1000))[0] == pytest.approx(1000 / 1.05, rel=2e-3)


def test_a_time_between_two_numbers_of_years_is_mixed_of_both() -> None:
    history = panel(wandering(1, missing=0))
    known = bring.outlooks(history)
    assert known.onward
    two, three, mixed = (
        change.ahead(known.onward, np.array([4]), np.array([13]), np.array([years])) for years in (2.0, 3.0, 2.25)
    )
    assert mixed.middle == pytest.approx(0.75 * two.middle + 0.25 * three.middle)
    assert mixed.spread == pytest.approx(0.75 * two.spread + 0.25 * three.spread)


@pytest.mark.parametrize("seed", range(3))
def test_zero_stays_zero(seed: int) -> None:
    history = panel(wandering(seed))
    assert brought(history, standing(history, 4, 0)) == (0, 0, 0)
    assert brought(history, standing(history, None, until=3.0, after=0.0, after_column=2)) == (0, 0, 0)


@pytest.mark.parametrize("persons", [1, 17, 1_230_100])
def test_a_figure_of_the_day_itself_is_unchanged(persons: int) -> None:
    history = panel(wandering(5))
    later = {"until": 1.0, "after": persons * 3.0}
    for at in (standing(history, 0, persons), standing(history, 0, persons, **later)):
        assert brought(history, at) == pytest.approx((persons,) * 3, rel=1e-12)


def test_between_two_figures_is_their_geometric_mean_weighted_by_time() -> None:
    history = panel(wandering(2, missing=0))
    at = standing(history, 1, 1000, 5, until=3.0, after=2000, after_column=9)
    central, low, high = brought(history, at)
    assert central == pytest.approx(1000 * 2 ** (1 / 4))
    assert low < central < high
    widths = []
    for since in (0.02, 1, 2, 3, 3.98):
        _, low, high = brought(history, standing(history, since, 1000, 5, until=4 - since, after=2000, after_column=9))
        widths.append(math.log(high / low))
    assert widths[0] < widths[1] < widths[2] and widths[2] > widths[3] > widths[4], "widest in the middle"


def test_a_change_of_definition_is_no_change_of_persons() -> None:
    """All double when the definition changes, and grow by 2 % before and after."""
    persons = growing(0.02)
    persons[:, 7:] *= 2
    kinds = np.where(np.arange(YEARS) >= 7, 1, 0)
    history = panel(persons, kind=kinds)
    assert brought(history, standing(history, 3, 1000))[0] == pytest.approx(1000 * 1.02**3, rel=1e-6)
    crossed = panel(persons)
    assert brought(crossed, standing(crossed, 3, 1000))[0] > 1000 * 1.02**3 * 1.01, "the test can tell"
    assert np.isnan(history.change(3)[:, 4:7]).all() and not np.isnan(history.change(3)[:, :4]).any()
    assert history.unrest(np.arange(PLACES), np.full(PLACES, YEARS - 1), 0.0) == pytest.approx(12 * math.log(1.02) / 16)


def test_a_history_that_is_too_short_says_nothing() -> None:
    history = panel(growing(0.02, 4))  # three windows, of which four are needed
    assert bring.outlooks(history) == Outlooks(None, None)
    assert brought(history, standing(history, 5, 1000)) == pytest.approx((1000,) * 3)


def test_parts_teach_nothing_from_the_year_on_in_which_their_whole_publishes() -> None:
    """Two places of six are parts of another, which publishes from the ninth year on."""
    persons = growing(0.02)[:6]
    persons[0, :8] = NONE
    history = replace(panel(persons), whole=np.array([-1, 0, 0, -1, -1, -1]))
    assert history.donors(7).tolist() == [True] * 6
    for until in (8, 13):
        assert history.donors(until).tolist() == [True, False, False, True, True, True]


def test_places_that_teach_nothing_are_not_learnt_from() -> None:
    persons = growing(0.02)
    more = np.vstack([persons, growing(0.3)])
    donor = np.arange(2 * PLACES) < PLACES
    history = replace(panel(more), donor=donor)
    assert brought(history, standing(history, 3, 1000))[0] == pytest.approx(1000 * 1.02**3, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.floats(0.01, 15), st.integers(1, 10**6), st.booleans(),
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=2),
)  # fmt: skip
def test_intervals_are_in_order_and_grow_with_their_level(
    seed: int, years: float, persons: int, back: bool, levels: Sequence[float]
) -> None:
    history = panel(wandering(seed % 7))
    known = KNOWN.setdefault(seed % 7, bring.outlooks(history))
    place = np.array([seed % PLACES])
    columns = np.flatnonzero(~np.isnan(history.level[place[0]]))
    at = standing(history, None if back else years, persons, int(columns[-1]), until=years if back else NONE,
                  after=persons if back else NONE, after_column=int(columns[0]))  # fmt: skip
    found = bring.bring(known, replace(at, place=place))
    ends = [float(bring.end(known, found, level)[0]) for level in sorted(levels)]
    assert 0 < ends[0] <= ends[1]
    assert found.change.spread[0] > 0
    # The expected value is that of the distribution: the mean over all levels.
    whole = [float(bring.end(known, found, level)[0]) for level in change.LEVELS]
    assert np.mean(whole) == pytest.approx(float(bring.expected(found)[0]), rel=1e-9)


KNOWN: dict[int, Outlooks] = {}


# The history


def test_pace_is_taken_over_the_first_span_that_is_known_and_is_bounded() -> None:
    per_year = math.log(1.1)
    history = panel(
        [
            [100, NONE, NONE, 100 * 1.1**3],  # three years
            [100, NONE, 100 * 1.1**2, NONE],  # two, told in the third year
            [NONE, NONE, 100, 110],  # one
            [100, 400, 1600, 6400],  # beyond the limit
            [100, NONE, NONE, NONE],
        ]
    )
    assert history.pace[:, 3] == pytest.approx([per_year, 0, per_year, rules().pace_at_most, 0])
    assert history.pace[:, 2] == pytest.approx([0, per_year, 0, rules().pace_at_most, 0])
    assert history.pace[:, 0] == pytest.approx(0)


def test_unrest_is_the_mean_yearly_change_drawn_to_the_usual_one() -> None:
    e = math.exp
    history = panel([[1, e(0.1), NONE, e(0.3)], [1, NONE, NONE, NONE], [1, e(5), 1, 1]])
    prior, usual = rules().unrest_prior_years, 0.05
    place = np.arange(3)
    assert history.unrest(place, np.full(3, 3), usual) == pytest.approx(
        [
            (0.1 + 0.2 / math.sqrt(2) + prior * usual) / (2 + prior),
            usual,
            (1 + 1 + 0 + prior * usual) / (3 + prior),  # a jump counts as 1
        ]
    )
    assert history.unrest(place, np.full(3, 0), usual) == pytest.approx(usual)
    assert history.usual_unrest(1) == pytest.approx(np.median([0.1, 1]))


def test_read_from_the_end_a_history_is_the_same_backwards() -> None:
    history = panel(wandering(3))
    assert np.array_equal(history.reversed().level, history.level[:, ::-1], equal_nan=True)
    assert np.array_equal(history.reversed().change(2), -history.change(2)[:, ::-1], equal_nan=True)


def test_nothing_in_the_history_looks_ahead() -> None:
    persons = wandering(4)
    for until in (5, 9):
        altered = persons.copy()
        altered[:, until + 1 :] *= np.random.default_rng(0).uniform(0.2, 5, altered[:, until + 1 :].shape)
        one, other = panel(persons), panel(altered)
        assert np.array_equal(one.pace[:, : until + 1], other.pace[:, : until + 1])
        assert one.usual_unrest(until) == other.usual_unrest(until)
        learnt, again = change.learn(one, until), change.learn(other, until)
        assert learnt and again and len(learnt.horizons) == len(again.horizons)
        for a, b in zip(learnt.horizons, again.horizons, strict=True):
            for name in a.__dataclass_fields__:
                assert np.array_equal(getattr(a, name), getattr(b, name)), name


# Learning


def test_the_regression_is_exact_where_a_line_is_and_few_outliers_do_not_bend_it() -> None:
    x = np.linspace(-1, 1, 101)
    known = np.stack([np.ones(101), x], axis=1)
    assert change.robust(known, 3 - 2 * x, np.ones(101)) == pytest.approx([3, -2])
    bent = 3 - 2 * x + 0.01 * np.sin(37 * x)
    bent[::10] += 100
    assert change.robust(known, bent, np.ones(101)) == pytest.approx([3, -2], abs=0.02)


def test_places_weigh_in_the_regression_as_they_are_told_to() -> None:
    wanted = np.array([0.0] * 50 + [1.0] * 50)
    found = change.robust(np.ones((100, 1)), wanted, np.array([1.0] * 50 + [1e6] * 50))
    assert found == pytest.approx([1], abs=1e-3)


def test_drift_and_pace_err_least_for_persons() -> None:
    """Small places grow by 10 %, the larger ones, which hold nearly everybody, by 1 %."""
    sizes = np.array([100.0] * 15 + [1_000_000.0] * 15)
    rates = np.array([1.1] * 15 + [1.01] * 15)
    history = panel(sizes[:, None] * rates[:, None] ** np.arange(YEARS), pace_over=[50])
    known = bring.outlooks(history)
    assert known.onward and known.onward.horizons[0].drift == pytest.approx(math.log(1.01), abs=0.002)


def test_each_window_of_the_past_weighs_the_same_however_many_places_it_has() -> None:
    values = np.array([0.0] * 90 + [1.0] * 10)
    weights = np.array([1 / 90] * 90 + [1 / 10] * 10)
    levels = change._levels(values, weights)
    assert levels[:190] == pytest.approx(0) and levels[220:] == pytest.approx(1)


# Draws


@pytest.mark.parametrize(("draws", "windows"), [(100, 7), (64, 3), (50, 50)])
def test_draws_are_spread_evenly(draws: int, windows: int) -> None:
    """In each window, the numbers of every place and region are one out of each equal part of 0 to 1."""
    even = draw.chance(1, draws, windows, "abcde", "xyz")
    block = np.minimum((even.window[:draws] * windows).astype(int), windows - 1)
    assert np.bincount(block).max() - np.bincount(block).min() <= 1
    assert (even.own.shape, even.region.shape) == ((5, draws + 400), (3, draws + 400))
    for numbers in (even.own[:, :draws], even.region[:, :draws]):
        for window in range(windows):
            inside = numbers[:, block == window]
            parts = np.sort((inside * inside.shape[1]).astype(int), axis=1)
            assert (parts == np.arange(inside.shape[1])).all()
    assert np.abs(np.corrcoef(even.own[:, :draws]) - np.eye(5)).max() < 0.5, "places are not drawn alike"


def test_the_numbers_of_a_place_are_its_own_whoever_else_is_there() -> None:
    one = draw.chance(1, 100, 7, ["FRA", "DEU", "JPN"], ["Europe", "Asia"])
    other = draw.chance(1, 100, 7, ["JPN", "FRA"], ["Africa", "Asia"])
    assert np.array_equal(one.own[[0, 2]], other.own[[1, 0]]) and np.array_equal(one.region[1], other.region[1])
    assert not np.array_equal(one.own[0], draw.chance(2, 100, 7, ["FRA"], []).own[0]), "another seed, other numbers"


def test_the_draws_of_a_place_are_those_of_its_interval() -> None:
    history = panel(wandering(6))
    known = bring.outlooks(history)
    place = np.arange(PLACES)
    last = np.array([np.flatnonzero(~np.isnan(row))[-1] for row in history.level])
    nothing = np.full(PLACES, NONE)
    at = Standing(place, np.full(PLACES, 2.0), history.level[place, last], last, nothing, nothing, last)
    found = bring.bring(known, at)
    even = draw.chance(1, 2000, YEARS - 1, [str(i) for i in range(PLACES)], ["everywhere"])
    drawn, weights = np.exp(Draws.of(known, even).drawn(found, place)), even.weights(0.0)
    assert weights.sum() == pytest.approx(1)
    assert drawn @ weights == pytest.approx(bring.expected(found), rel=0.02)
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        reached = (drawn < bring.end(known, found, level)[:, None]) @ weights
        assert reached == pytest.approx(np.full(PLACES, level), abs=0.04)


def test_the_ends_of_a_sum_are_quantiles_of_its_draws() -> None:
    drawn = np.random.default_rng(2).permutation(1000).reshape(1, -1) + 0.5
    low, middle, high = draw.ends(drawn, np.full(1000, 1 / 1000), [0.05, 0.5, 0.95])[:, 0]
    assert (low, middle, high) == pytest.approx((50, 500, 950), abs=0.5)
    weights = np.where(drawn[0] < 500, 1.8, 0.2) / 1000
    assert draw.ends(drawn, weights, [0.45])[0, 0] == pytest.approx(250, abs=1), "what weighs more is reached sooner"


# Sums


def test_persons_are_added_up_as_they_are() -> None:
    persons, weights = np.array([100.0, 50.0, 7.0]), np.full(3, 1 / 3)
    drawn = persons[:, None] * np.array([0.9, 1.0, 1.1])
    members = [np.array([0, 1, 2]), np.array([1, 2])]
    found = sums.added(sums.by_area(persons, members), sums.by_area(drawn, members), weights)
    assert [s.central for s in found] == [157, 57]
    assert all(s.low <= s.central <= s.high for s in found)
    assert found[0].low == pytest.approx(157 * 0.9) and found[0].high == pytest.approx(157 * 1.1)
    assert sums.added(np.array([]), np.empty((0, 3)), weights) == []


def test_an_interval_contains_the_central_value_whatever_is_drawn() -> None:
    (found,) = sums.added(np.array([10.0]), np.array([[20.0, 30.0]]), np.full(2, 0.5))
    assert found.low == 10 and found.central == 10 < found.high


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (200, 1000, (200, 1000)),
        (200, NONE, (200, 1100)),
        (NONE, 1000, (300, 1000)),
        (NONE, 1800, (0, 1800)),
        (NONE, NONE, (650, 650)),
    ],
)
def test_the_range_of_a_gap_is_gone_through_evenly_on_either_side(
    low: float, high: float, ends: tuple[float, float]
) -> None:
    numbers = np.linspace(0, 1, 1001)
    """An end that nobody has stated is as far off as the other one, but never below nothing."""
    drawn = sums.gap_drawn(None, sums.Gap(0, 650, low, high, 0, NONE, NONE), numbers)
    assert (drawn.min(), np.median(drawn), drawn.max()) == (ends[0], 650, ends[1])
    assert drawn[250] == pytest.approx((ends[0] + 650) / 2) and drawn[750] == pytest.approx((650 + ends[1]) / 2)


def test_a_gap_of_one_number_strays_with_its_age() -> None:
    history = panel(wandering(1))
    outlook = bring.outlooks(history).onward
    widths = []
    for years in (NONE, 0, 1, 4):
        drawn = sums.gap_drawn(outlook, sums.Gap(0, 650, 650, 650, 0, years, NONE), change.LEVELS)
        assert drawn.mean() == pytest.approx(650, rel=1e-6), "it is expected to be what it was"
        widths.append(drawn.max() - drawn.min())
    assert widths[0] == widths[1] == 0 < widths[2] < widths[3]


def test_a_place_without_a_split_has_that_of_its_region_else_of_all() -> None:
    persons = np.array([100.0, 300, 50, 1000, 10, 20])
    units = sums.Units(np.arange(6), np.array([0, 0, 0, 1, 1, 2]), persons, np.ones((6, 401)))
    stated = np.array([0.1, 0.2, NONE, 0.5, NONE, NONE])
    share, drawn, there = sums.shares(no_split("abcdef"), units, stated)
    of_all = (10 + 60 + 500) / 1400
    assert share == pytest.approx([0.1, 0.2, 70 / 400, 0.5, 0.5, of_all])
    assert not there.any(), "what is stated of a gap is assumed and published of nobody"
    assert drawn.shape == (6, 401)
    assert (drawn[2].min() >= 0.1) and (drawn[2].max() <= 0.2) and (drawn[4] == 0.5).all()


def no_split(units: str) -> sums.Split:
    """A split of which nothing is published."""
    draws = Draws.of(Outlooks(None, None), draw.chance(0, 1, 1, units, "xyz"))
    return sums.Split(draws, np.array([], dtype=np.int64), NO_STANDING)


NO_STANDING = Standing(*(np.array([], dtype=t) for t in (np.int64, float, float, np.int64, float, float, np.int64)))  # type: ignore[call-overload]


def test_shares_of_which_nothing_is_known_are_not_made_up() -> None:
    units = sums.Units(np.array([0]), np.array([0]), np.array([100.0]), np.ones((1, 401)))
    share, _, there = sums.shares(no_split("a"), units, np.array([NONE]))
    assert np.isnan(share).all() and not there.any()


# Shares around a day


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=14), st.integers(-1, 13),
    st.lists(st.integers(-1, 4), min_size=1, max_size=5, unique=True),
)  # fmt: skip
def test_the_figures_around_a_day_are_found(figures: set[tuple[int, int]], day: int, asked: list[int]) -> None:
    """Months of one year, places 0 to 3; -1 and 4 are none that has a figure."""

    def ordinal(month: int) -> int:
        return date(2020, 1, 15).toordinal() + 30 * month

    known = sorted(figures)
    place, month = (np.array([f[i] for f in known], dtype=np.int64) for i in (0, 1))
    odds = 10.0 * place + month
    history = panel(np.ones((5, 3)), drifts=False)
    split = SplitGiven(
        history, place, np.array([ordinal(m) for m in month], dtype=np.int64), odds, np.zeros_like(place)
    )
    unit, found = around(split, date.fromordinal(ordinal(day)), np.array(asked, dtype=np.int64))
    expected = {}
    for at, p in enumerate(asked):
        before = [m for q, m in known if q == p and m <= day]
        after = [m for q, m in known if q == p and m > day]
        if before or after:
            expected[at] = (max(before, default=None), min(after, default=None))
    assert unit.tolist() == sorted(expected)
    for i, at in enumerate(unit):
        for value, years, m, sign in zip(
            (found.before[i], found.after[i]), (found.since[i], found.until[i]), expected[at], (1, -1), strict=True
        ):
            assert math.isnan(value) if m is None else value == 10.0 * asked[at] + m
            assert math.isnan(years) if m is None else years == pytest.approx(sign * 30 * (day - m) / 365.25)


# The back-test


def foretold(persons: Floats, **more: Any) -> list[dict[str, Any]]:
    asked = replace(rules(), draws=40, test_from=2008, **more)
    history = panel(persons, region=np.arange(len(persons)) % 2)
    places = [f"P{i:02}" for i in range(len(persons))]
    areas = [(f"R{i % 2}", f"S{i % 4}") for i in range(len(persons))]
    everything = Given(
        2003, places, places, ["R0", "R1"], areas, [None] * len(persons), replace(history, rules=asked), {}, []
    )
    return list(backtest.cases(everything, asked))


def test_the_past_is_foretold_where_it_goes_on_as_before() -> None:
    found = foretold(growing(0.02), test_world_of_at_least=PLACES)
    assert {(c["origin"], c["year"]) for c in found} == {
        (origin, year) for origin in range(2008, 2016) for year in range(origin + 1, min(origin + 5, 2016) + 1)
    }
    for case in found:
        ahead = case["year"] - case["origin"]
        assert case["central"] == pytest.approx(case["published"], rel=1e-6)
        assert case["published"] / case["carried"] == pytest.approx(1.02**ahead)
        assert case["low_90"] == pytest.approx(case["high_90"], rel=1e-6)
    kinds = [(c["level"], c["places"]) for c in found if (c["origin"], c["year"]) == (2010, 2012)]
    assert kinds.count(("place", 1)) == PLACES and kinds.count(("world", PLACES)) == 1
    assert kinds.count(("region", PLACES // 2)) == 2 and [k for k, _ in kinds].count("subregion") == 4


@pytest.mark.parametrize("seed", range(3))
def test_no_case_knows_what_was_published_after_the_year_it_stands_in(seed: int) -> None:
    persons = wandering(seed)
    origin = 2003 + 8
    altered = persons.copy()
    altered[:, 9:] *= np.random.default_rng(seed).uniform(0.3, 3, altered[:, 9:].shape)
    one, other = ({(c["level"], c["area"], c["origin"], c["year"]): c for c in foretold(p)} for p in (persons, altered))
    assert one.keys() == other.keys()
    until = [key for key in one if key[2] <= origin]
    after = [key for key in one if key[2] > origin]
    said = [name for name in one[until[0]] if name != "published"]
    assert {"central", "carried", "low_90", "high_50", "places", "size_class"} <= set(said)
    for key in until:
        assert {n: one[key][n] for n in said} == {n: other[key][n] for n in said}
    assert any(one[key]["central"] != other[key]["central"] for key in after), "the test can tell"


def test_places_are_tested_from_a_figure_of_the_year_itself_and_by_one_definition() -> None:
    persons = growing(0.02)
    persons[0, 8:10] = NONE  # 2011 and 2012
    found = [c for c in foretold(persons) if c["area"] == "P00"]
    assert {c["origin"] for c in found} == {2008, 2009, 2010, 2013, 2014, 2015}
    assert all(c["year"] not in (2011, 2012) for c in found)
    # In sums it stands by its last figure: 2010 for 2013 asked in 2012, which is 1.02 ** 3.
    (region,) = [
        c for c in foretold(persons) if (c["level"], c["area"], c["origin"], c["year"]) == ("region", "R0", 2012, 2013)
    ]
    whole = persons[::2]
    assert region["published"] == pytest.approx(whole[:, 10].sum())
    assert region["carried"] == pytest.approx(whole[1:, 9].sum() + persons[0, 7])
    assert region["central"] == pytest.approx(region["published"], rel=1e-6)


def test_size_classes_go_by_the_last_figure() -> None:
    found = foretold(np.outer([999, 1000, 9999, 10_000, 50_000, *range(2000, 2025)], np.ones(YEARS)))
    classes = {c["area"]: c["size_class"] for c in found if c["level"] == "place"}
    assert [classes[f"P{i:02}"] for i in range(5)] == [0, 1, 1, 2, 3]
    assert {c["size_class"] for c in found if c["level"] != "place"} == {None}


# Through the tables


STATES = ["ALB", "AUT", "BEL", "BGR", "CHE", "CZE", "DEU", "EST", "GRC", "HRV", "HUN", "IRL"]


def rows_of_growth() -> list[dict[str, Any]]:
    rows = [
        observation(place, 1000 * (i + 1) * 1.02**n, 2003 + n)
        for i, place in enumerate(STATES) for n in range(10) if (place, n) != ("ALB", 9)
    ]  # fmt: skip
    return rows + [observation("ITA", 0, 2010), observation("POL", 5000, 2013, on=date(2013, 6, 30))]


@pytest.fixture(scope="module")
def grown() -> World:
    """Twelve places that grow by 2 % a year until 2012, Albania's last figure missing; a zero; a first figure of 2013."""
    return World(
        rows_of_growth(),
        [gap("PRK", 100, low=80, high=120)],
        as_of="2014-12-31",
        also=["2012-12-31", "2011-12-31", "2008-06-30"],
    )


def estimates(made: World, day: str) -> dict[str, dict[str, Any]]:
    return {r["place_id"]: r for r in made.rows("SELECT * FROM estimate WHERE as_of = ?", day)}


def test_tables_bring_places_on_at_their_growth(grown: World) -> None:
    found = estimates(grown, "2014-12-31")
    for i, place in enumerate(STATES):
        years = 3 if place == "ALB" else 2
        last = round(1000 * (i + 1) * 1.02 ** (11 - years), 6)
        assert found[place]["persons"] == pytest.approx(last * 1.02**years, abs=1), place
        assert found[place]["basis"] == "brought_forward" and found[place]["years"] == pytest.approx(years, abs=0.01)
        assert found[place]["low"] <= found[place]["persons"] <= found[place]["high"]
    assert (found["ITA"]["persons"], found["ITA"]["low"], found["ITA"]["high"]) == (0, 0, 0)
    assert (found["PRK"]["basis"], found["PRK"]["persons"], found["PRK"]["counted"]) == ("gap", 100, True)
    assert 80 <= found["PRK"]["low"] < 90 and 110 < found["PRK"]["high"] <= 120


def test_tables_bring_places_back_and_draw_lines(grown: World) -> None:
    found = estimates(grown, "2008-06-30")
    years = (date(2013, 6, 30) - date(2008, 6, 30)).days / 365.25
    assert found["POL"]["basis"] == "brought_back" and found["POL"]["figure_id"] is None
    assert found["POL"]["persons"] == pytest.approx(5000 / 1.02**years, abs=1)
    assert found["BEL"]["basis"] == "interpolated"
    share = (date(2008, 6, 30) - date(2007, 12, 31)).days / 366
    assert found["BEL"]["persons"] == pytest.approx(3000 * 1.02 ** (4 + share), abs=1)
    assert estimates(grown, "2012-12-31")["BEL"]["basis"] == "published"
    assert {"ITA", "POL"} & set(estimates(grown, "2011-12-31")) == {"ITA", "POL"}


def test_a_world_in_which_nobody_is_held_says_so() -> None:
    rows = [
        observation(place, 0, year, sex=sex)
        for place in STATES
        for year in range(2003, 2013)
        for sex in ("_T", "F", "M")
    ]
    found = estimates(World(rows, as_of="2014-12-31"), "2014-12-31")
    assert {(r["persons"], r["low"], r["high"]) for r in found.values()} == {(0, None, None)}


def test_what_was_learnt_is_in_the_tables(grown: World) -> None:
    found = grown.rows("SELECT * FROM change_rule ORDER BY direction, years")
    assert {r["direction"] for r in found} == {"onward", "backward"}
    # Ten years have nine windows of one year and four of six; a seventh has three, of which four are needed.
    assert [(r["years"], r["windows"]) for r in found if r["direction"] == "onward"] == [
        (n, 10 - n) for n in range(1, 7)
    ]
    for row in found:
        sign = 1 if row["direction"] == "onward" else -1
        assert row["drift"] + row["follow"] * sign * math.log(1.02) == pytest.approx(sign * math.log(1.02), abs=1e-4)
    # Albania's last figure is missing from each window that ends with it.
    assert found[-1]["changes"] == 12 * 4 - 1


def test_country_year_has_the_estimate_beside_what_was_published_and_apart_from_it(grown: World) -> None:
    rows = {r["year"]: r for r in grown.rows("SELECT * FROM country_year WHERE place_id = 'BEL'")}
    assert rows[2012]["estimate"] == round(rows[2012]["persons_held"]) and rows[2012]["estimate_basis"] == "published"
    assert rows[2014]["persons_held"] is None and rows[2014]["estimate"] and rows[2014]["estimate_low"]
    assert rows[2008]["estimate"] is None, "30 June is no end of a year"


# The rules


def test_the_rules_of_the_house_are_read() -> None:
    assert isinstance(rules(), Rules)


@pytest.mark.parametrize(
    ("change_", "named"),
    [
        (("draws: 2000\n", ""), "draws"), (("draws: 2000", "draws: 2000\nother: 1"), "other"), (("draws: 2000", "draws: many"), "draws"),
        (("draws: 2000", "draws: 0"), "draws"), (("[3, 2, 4, 5, 1]", "[]"), "pace_over"), (("[3, 2, 4, 5, 1]", "[3, no]"), "pace_over"),
        (("pace_at_most: 0.15", "pace_at_most: -0.15"), "pace_at_most"), (("draws: 2000", "draws: true"), "draws"),
    ],
)  # fmt: skip
def test_rules_that_are_no_numbers_are_refused(change_: tuple[str, str], named: str) -> None:
    text = RULES.read_text(encoding="utf-8")
    assert change_[0] in text
    with pytest.raises(Refused, match=f"estimate_rules.yml: {named}"):
        read(text.replace(*change_))
