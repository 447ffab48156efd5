"""A day that the warehouse does not have: what is told of it is what a build for that day gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pytest

from sources.errors import Refused
from tests.warehouse.conftest import Desk, accept
from tests.warehouse.made import gap, observation
from warehouse.anyday import OF_THE_DAY, on_day
from warehouse.build import build, connect

PLACES = ["ALB", "AUT", "BEL", "BGR", "CHE", "CZE", "DEU", "EST", "GRC", "HRV", "HUN", "IRL", "ITA", "LTU"]
LAST, DAY, EARLY = date(2016, 12, 31), date(2012, 6, 30), date(2003, 12, 31)


def rows() -> list[dict[str, Any]]:
    """Places that go up and down, women among them, one with a first figure after the day, and everybody's population."""
    generator = np.random.default_rng(3)
    found = []
    for place in PLACES:
        persons = 5000 * np.exp(np.cumsum(generator.normal(0, 0.1, 13)))
        for year, value in zip(range(2003, 2016), np.rint(persons), strict=True):
            found.append(observation(place, value, year))
            found += [observation(place, np.rint(value / n), year, sex=sex) for n, sex in ((10, "F"), (10 / 9, "M"))]
    found.append(observation("CHN", 1000, 2014, on=date(2014, 7, 1)))
    people = [*PLACES, "CHN", "PRK"]
    return found + [observation(p, 1e6, 2003, measure="population") for p in people] + [
        observation("WLD", 1e6 * len(people), 2003, measure="population")
    ]  # fmt: skip


@pytest.fixture
def estimated(make_desk: Callable[..., Desk], unchecked: None) -> Desk:
    desk = make_desk(src={})
    gaps = [gap("CHN", 700, counts="instead"), gap("PRK", 100, low=80, high=150)]
    accept(desk.home, "src", "2023", observation=rows(), gap=gaps)
    build(desk.home, LAST)
    return desk


def told(connection: duckdb.DuckDBPyConnection, day: date) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: connection.execute(f"SELECT * FROM {name} WHERE as_of = ? ORDER BY ALL", [day]).fetchall()
        for name in OF_THE_DAY
    }


def test_what_is_told_of_a_day_is_what_a_build_for_it_gives(estimated: Desk) -> None:
    before = estimated.home.warehouse.read_bytes()
    with on_day(estimated.home, DAY) as connection:
        found = told(connection, DAY)
    # China's first figure is more than ten years off, so that a gap stands for it: others are drawn the same all the same.
    with on_day(estimated.home, EARLY) as connection:
        early = told(connection, EARLY)
    with pytest.raises(
        Refused, match="Too little of the world is known on 1990-01-01 for a total; choose a later day."
    ):
        on_day(estimated.home, date(1990, 1, 1)).__enter__()
    assert estimated.home.warehouse.read_bytes() == before, "the warehouse is only read"
    with connect(estimated.home) as connection:
        assert told(connection, DAY)["estimate"] == []
        assert early == told(connection, EARLY)
        (role,) = (
            connection.execute("SELECT role FROM world_place WHERE as_of = ? AND place_id = 'CHN'", [EARLY]).fetchone()
            or ()
        )
        assert role == "gap"

    build(estimated.home, DAY)
    with connect(estimated.home) as connection:
        expected = told(connection, DAY)
        basis = dict(connection.execute("SELECT place_id, basis FROM estimate WHERE as_of = ?", [DAY]).fetchall())
        (sexes,) = (
            connection.execute("SELECT count(DISTINCT sex) FROM world_total WHERE as_of = ?", [DAY]).fetchone() or ()
        )
    assert basis["ALB"] == "interpolated" and basis["CHN"] == "brought_back" and basis["PRK"] == "gap" and sexes == 3
    for name in OF_THE_DAY:
        assert found[name] and found[name] == expected[name], name


def test_without_a_warehouse_there_is_no_day(desk: Desk) -> None:
    with pytest.raises(Refused, match="run `custody run --offline` first"), on_day(desk.home, DAY):
        pass
