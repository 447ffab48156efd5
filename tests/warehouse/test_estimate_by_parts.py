"""The estimate of a place that stands by its parts: their sum, and nothing beside them."""

from __future__ import annotations

from tests.warehouse.made import World, observation


def test_a_territory_is_no_part_of_the_state_that_it_belongs_to() -> None:
    """Jersey is a place of its own, although its row names the United Kingdom as its parent."""
    counted = {"GBR-EAW": 1, "GBR-NIR": 2, "GBR-SCT": 4, "JEY": 100}
    made = World([observation(place, value, 2025) for place, value in counted.items()], until="world_total")
    estimate = made.one("SELECT basis, persons FROM estimate WHERE place_id = 'GBR'")
    assert estimate == {"basis": "parts", "persons": 7}
    total = made.one("SELECT central FROM world_total WHERE level = 'world' AND sex = '_T' AND legal_status = '_T'")
    assert total == {"central": 107}
