"""The world total on a day: every place counted once, and a walk that adds up to the person.

The worlds here are too small to learn from how places change, so that figures are carried on as they are; what is learnt
is in test_estimate.py.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from sources.places import Place, places
from tests.warehouse.made import EUROSTAT, UNODC, World, gap, observation
from warehouse.estimate import tables
from warehouse.estimate.rules import rules

Row = dict[str, Any]

COUNTED = ("reported", "carried_forward", "brought_back")


def world(*rows: Row, **more: Any) -> World:
    return World(rows, **{"until": "world_walk", **more})


def held(place: str, value: float, year: int, **more: Any) -> Row:
    return observation(place, value, year, **more)


def adds_up(made: World) -> None:
    """What holds of every world: components make the total, regions make the world, roles make the sums."""
    walk = made.rows("SELECT * FROM world_walk ORDER BY step")
    total = made.total()
    components = sum(s["value"] or 0 for s in walk if s["role"] == "component")
    assert components == pytest.approx(total["central"], abs=1e-6)
    (last,) = [s for s in walk if s["role"] == "total"]
    assert last["value"] == total["central"]
    assert total["central"] == sum(total[role] for role in (*COUNTED, "gaps"))
    (subtotal,) = [s for s in walk if s["role"] == "subtotal"]
    before = [s["value"] for s in walk if s["role"] == "component" and s["step"] < subtotal["step"]]
    assert sum(before) == pytest.approx(subtotal["value"], abs=1e-6)
    for level in ("region", "subregion"):
        areas = made.rows("SELECT * FROM world_total WHERE level = ? AND sex = '_T' AND legal_status = '_T'", level)
        for column in ("central", *COUNTED, "gaps", "places", "places_reported"):
            assert sum(a[column] for a in areas) == pytest.approx(total[column], abs=1e-6), (level, column)
    rows = made.one("SELECT count(*) AS n, count(DISTINCT (as_of, place_id)) AS places FROM estimate")
    assert rows["n"] == rows["places"]
    assert [s["step"] for s in walk] == list(range(1, len(walk) + 1))


# One place


def test_the_latest_figure_on_or_before_the_day_is_taken() -> None:
    rows = [held("ALB", 1000, 2019), held("ALB", 2000, 2021), held("ALB", 4000, 2022)]
    for as_of, value in [("2025-06-01", 4000), ("2022-12-31", 4000), ("2021-12-31", 2000), ("2019-12-31", 1000)]:
        made = world(*rows, as_of=as_of)
        assert made.total()["central"] == value, as_of
        assert made.one("SELECT latest FROM world_place WHERE place_id = 'ALB'")["latest"] == value
        adds_up(made)


def test_between_two_figures_the_logarithms_lie_on_a_straight_line() -> None:
    rows = [held("ALB", 1000, 2019), held("ALB", 2000, 2021), held("ALB", 4000, 2022)]
    for as_of, value in [("2022-12-30", 3992), ("2022-07-02", 2831), ("2020-12-31", 1415), ("2020-01-01", 1001)]:
        made = world(*rows, as_of=as_of)
        assert made.total()["central"] == value, as_of
        assert made.one("SELECT basis FROM estimate WHERE place_id = 'ALB'")["basis"] == "interpolated"
        adds_up(made)


def test_a_place_is_brought_back_from_its_first_figure_of_the_next_ten_years() -> None:
    rows = [held("ALB", 1000, 2022), held("DEU", 50, 2005)]
    for as_of, value, role in [("2012-12-31", 1000, "brought_back"), ("2012-12-29", 0, None)]:
        made = world(*rows, as_of=as_of)
        total = made.total()
        assert total["central"] == 50 + value and total["brought_back"] == value and made.roles().get("ALB") == role
        adds_up(made)


def test_no_line_is_drawn_from_one_definition_to_another() -> None:
    made = world(
        held("AUS", 30_000, 2015), held("AUS", 43_000, 2019, definition="adult_prisons"), held("AUS", 44_000, 2021),
        as_of="2018-12-31",
    )  # fmt: skip
    place = made.one("SELECT latest, next_value FROM world_place WHERE place_id = 'AUS'")
    assert (place["latest"], place["next_value"]) == (30_000, 44_000)
    adds_up(made)


@pytest.mark.parametrize(
    ("day", "as_of", "role"),
    [
        (date(2024, 12, 31), "2024-12-31", "reported"),
        (date(2023, 12, 31), "2024-12-31", "reported"),  # 366 days, of a leap year
        (date(2023, 12, 30), "2024-12-31", "carried_forward"),
        (date(2022, 12, 31), "2023-12-31", "reported"),  # 365 days
        (date(2022, 12, 30), "2023-12-31", "reported"),  # 366 days
        (date(2022, 12, 29), "2023-12-31", "carried_forward"),
    ],
)
def test_a_figure_of_more_than_366_days_is_carried_forward(day: date, as_of: str, role: str) -> None:
    made = world(observation("ALB", 5000, on=day), as_of=as_of)
    assert made.roles() == {"ALB": role}
    total = made.total()
    assert total[role] == total["central"] == 5000 and total["places_reported"] == (role == "reported")


def test_only_everybody_in_all_prisons_by_the_measures_own_definition_is_counted() -> None:
    changes: list[Row] = [
        {"sex": "F"}, {"age": "ADULT"}, {"legal_status": "SENTENCED"}, {"citizenship": "NATIONAL"}, {"offence": "ICCS01"},
        {"facility": "one"}, {"definition": "d"}, {"measure": "official_capacity"}, {"measure": "admissions"},
        {"measure": "persons_held_rate"}, {"measure": "population"}, {"measure": "persons_under_supervision"},
    ]  # fmt: skip
    made = world(*(held("ALB", 7, 2024, **change) for change in changes))
    assert made.roles() == {} and made.total()["central"] == 0
    adds_up(made)


def test_a_definition_that_may_stand_for_the_measure_is_counted_where_it_is_the_first_of_the_latest_year() -> None:
    made = world(
        held("USA", 2_162_400, 2016, on=date(2016, 12, 31)), held("USA", 2_157_800, 2016, on=date(2016, 6, 30), definition="custody"),
        held("AUS", 43_984, 2019), held("AUS", 43_028, 2019, on=date(2019, 12, 31), definition="adult_prisons"),
        held("USA", 7, 2017, definition="prisons_without_local_jails"),
    )  # fmt: skip
    assert made.total()["central"] == 2_157_800 + 43_984
    adds_up(made)


def test_the_figure_behind_a_place_is_named() -> None:
    made = world(held("ALB", 5000, 2024), held("ALB", 4000, 2023))
    place = made.one("SELECT * FROM world_place WHERE place_id = 'ALB'")
    assert place["figure_id"] == made.figure("ALB", 2024)["figure_id"]
    assert (place["latest"], place["source_id"], place["period_end"]) == (5000, UNODC, date(2024, 12, 31))


def test_aggregates_are_never_counted() -> None:
    made = world(held("WLD", 1e7, 2024), held("M49-150", 1e6, 2024), held("ALB", 5, 2024))
    assert made.total()["central"] == 5


def test_before_any_figure_there_is_no_one_and_nothing_is_claimed() -> None:
    made = world(held("ALB", 5000, 2024), held("ALB", 3e6, 2024, measure="population"), as_of="1990-01-01")
    total = made.total()
    assert (total["central"], total["places"], total["population_share"]) == (0, 0, None)
    assert made.roles() == {}
    adds_up(made)


def test_every_state_territory_and_part_in_being_is_in_the_table_once() -> None:
    for as_of in ("2025-12-31", "2006-06-02", "1999-03-31"):
        found = [r["place_id"] for r in world(as_of=as_of).rows("SELECT place_id FROM world_place")]
        assert sorted(found) == sorted(
            p.place_id for p in places().values() if p.kind != "aggregate" and p.exists_on(date.fromisoformat(as_of))
        )


def test_a_place_that_is_gone_is_not_counted_any_more() -> None:
    rows = [held("SCG", 8000, 2005), held("SRB", 7000, 2007), held("MNE", 800, 2007)]
    assert world(*rows, as_of="2006-06-02").total()["central"] == 8000
    made = world(*rows, as_of="2006-06-03")
    assert made.roles() == {"SRB": "brought_back", "MNE": "brought_back"} and made.total()["central"] == 7800
    assert world(*rows, as_of="2007-12-31").total()["central"] == 7800


def test_a_successor_counts_before_its_day_where_it_was_counted_then_already() -> None:
    rows = [held("SRB", 7000, 2003), held("MNE", 800, 2004), held("SSD", 7000, 2012)]
    made = world(*rows, as_of="2004-12-31")
    assert made.roles() == {"SRB": "reported", "MNE": "reported"}, (
        "South Sudan is brought back to no time before its own"
    )
    assert made.total()["central"] == 7800
    adds_up(made)
    both = world(*rows, held("SCG", 9000, 2004), as_of="2004-12-31")
    assert both.roles() == {"SCG": "reported", "SRB": "inside_other", "MNE": "inside_other"}
    assert both.total()["central"] == 9000
    adds_up(both)


# Parts


def test_a_parent_as_recent_as_its_parts_stands_for_them() -> None:
    made = world(held("IRQ", 100, 2022), held("IRQ-CEN", 60, 2022), held("IRQ-KR", 30, 2021))
    assert made.roles() == {"IRQ": "carried_forward", "IRQ-CEN": "inside_parent", "IRQ-KR": "inside_parent"}
    assert made.total()["central"] == 100
    within = made.rows("SELECT place_id FROM world_place WHERE within = 'IRQ' ORDER BY 1")
    assert [w["place_id"] for w in within] == ["IRQ-CEN", "IRQ-KR"]
    adds_up(made)


def test_parts_more_recent_than_their_parent_are_counted_instead_of_it() -> None:
    made = world(held("IRQ", 100, 2019), held("IRQ-CEN", 60, 2022), held("IRQ-KR", 30, 2021))
    assert made.roles() == {"IRQ": "by_parts", "IRQ-CEN": "carried_forward", "IRQ-KR": "carried_forward"}
    assert made.total()["central"] == 90 and made.total()["places"] == 2
    adds_up(made)


def test_some_of_the_parts_never_stand_for_a_parent_that_has_a_figure() -> None:
    made = world(held("IRQ", 100, 2010), held("IRQ-CEN", 60, 2024))
    assert made.roles()["IRQ"] == "carried_forward" and made.total()["central"] == 100
    adds_up(made)


def test_a_later_figure_of_its_own_is_not_brought_back_over_parts_that_were_counted() -> None:
    rows = [held("IRQ", 200, 2021), held("IRQ-CEN", 60, 2013), held("IRQ-KR", 30, 2013)]
    for year in (2014, 2018, 2020):
        made = world(*rows, as_of=f"{year}-12-31")
        assert made.roles()["IRQ"] == "by_parts" and made.total()["central"] == 90
    assert world(*rows, as_of="2012-12-31").roles()["IRQ"] == "by_parts", "the parts' are nearer"
    assert world(*rows, as_of="2021-12-31").total()["central"] == 200
    one_part = world(*rows[:2], as_of="2018-12-31")
    assert one_part.roles()["IRQ"] == "brought_back" and one_part.total()["central"] == 200
    adds_up(one_part)


def test_parts_that_are_counted_later_do_not_stand_for_a_parent_that_was_counted_before() -> None:
    """India's states have figures of the end of 2022 alone; on the first of August India's own of 2021 counts."""
    rows = [held("IRQ", 100, 2021), held("IRQ", 121, 2022), held("IRQ-CEN", 60, 2022), held("IRQ-KR", 30, 2022)]
    made = world(*rows, as_of="2022-08-01")
    assert made.roles() == {"IRQ": "reported", "IRQ-CEN": "inside_parent", "IRQ-KR": "inside_parent"}
    assert 100 < made.total()["central"] < 121
    adds_up(made)


def test_the_turn_from_parent_to_parts_follows_the_day() -> None:
    rows = [held("IRQ", 100, 2021), held("IRQ-CEN", 60, 2020), held("IRQ-KR", 30, 2020), held("IRQ-CEN", 65, 2022),
            held("IRQ-KR", 40, 2023)]  # fmt: skip
    days = [f"{year}-12-31" for year in (2020, 2021, 2022, 2023)]
    by_day = {day: world(*rows, as_of=day).total()["central"] for day in days}
    # In 2022 Kurdistan's own figures are of 2020 and 2023, so that Iraq's of 2021 is nearer.
    assert by_day == {"2020-12-31": 90, "2021-12-31": 100, "2022-12-31": 100, "2023-12-31": 105}


def test_parts_are_counted_each_at_its_own_latest_year() -> None:
    rows = [
        held("GBR-EAW", 87489, 2024),
        held("GBR-NIR", 1877, 2022),
        held("GBR-SCT", 8000, 2023),
        held("GBR-SCT", 1, 2020),
    ]
    made = world(*rows)
    assert made.roles() == {
        "GBR": "by_parts", "GBR-EAW": "reported", "GBR-NIR": "carried_forward", "GBR-SCT": "carried_forward",
    }  # fmt: skip
    assert made.total()["central"] == 87489 + 1877 + 8000
    adds_up(made)


def test_the_territories_of_a_place_are_no_parts_of_it() -> None:
    made = world(
        *(held(p, n, 2024) for p, n in [("GBR-EAW", 1), ("GBR-NIR", 2), ("GBR-SCT", 4), ("BMU", 8), ("JEY", 16)])
    )
    assert made.total()["central"] == 31
    assert made.one("SELECT persons, basis FROM estimate WHERE place_id = 'GBR'") == {"persons": 7, "basis": "parts"}
    adds_up(made)


def test_a_sum_of_parts_is_not_counted_beside_the_parts() -> None:
    made = world(*(held(p, n, 2024) for p, n in [("GBR-EAW", 1), ("GBR-NIR", 2), ("GBR-SCT", 4)]))
    assert made.figure("GBR", 2024)["derived"] and made.roles()["GBR"] == "by_parts"
    assert made.total()["central"] == 7 and made.total()["places"] == 3
    adds_up(made)


# Places inside another's figure


FRANCE = [held("FRA", 80000, 2024), held("MTQ", 900, 2022), held("NCL", 600, 2021)]


@pytest.mark.parametrize("source", [UNODC, EUROSTAT])
def test_the_territories_of_france_are_in_its_figure(source: str) -> None:
    made = world({**FRANCE[0], "source_id": source, "file": source}, *FRANCE[1:])
    roles = made.roles()
    assert [roles[p] for p in ("FRA", "MTQ", "NCL", "GLP")] == ["reported", *["inside_other"] * 3]
    assert made.total()["central"] == 80000
    step = made.one("SELECT * FROM world_walk WHERE code = 'inside_other'")
    assert (step["value"], step["places"]) == (-1500, 2)
    adds_up(made)


def test_they_are_whatever_the_source_of_its_figure() -> None:
    made = world({**FRANCE[0], "source_id": "ministry", "file": "ministry"}, *FRANCE[1:])
    assert [made.roles()[p] for p in ("FRA", "MTQ", "NCL")] == ["reported", "inside_other", "inside_other"]
    assert made.total()["central"] == 80000
    adds_up(made)


def test_they_are_not_where_its_source_leaves_them_out() -> None:
    inside = {"FRA": (["ministry"], ["MTQ", "NCL"])}
    made = world({**FRANCE[0], "source_id": "ministry", "file": "ministry"}, *FRANCE[1:], coverage=inside)
    assert made.roles() == {"FRA": "reported", "MTQ": "carried_forward", "NCL": "carried_forward"}
    assert made.total()["central"] == 81500
    adds_up(made)


def test_they_are_not_where_its_figure_is_of_another_scope() -> None:
    """And no line is drawn from the one scope to the other, which would count them by half."""
    made = world(
        held("FRA", 55000, 2005, definition="metropolitan"), held("MTQ", 600, 2005), held("FRA", 58000, 2006),
        as_of="2006-06-30",
    )  # fmt: skip
    assert made.roles() == {"FRA": "reported", "MTQ": "reported"} and made.total()["central"] == 55600
    adds_up(made)
    later = world(held("FRA", 55000, 2005, definition="metropolitan"), held("FRA", 58000, 2006), held("MTQ", 600, 2005),
                  as_of="2006-12-31")  # fmt: skip
    assert later.roles()["MTQ"] == "inside_other" and later.total()["central"] == 58000


def test_they_are_not_where_france_has_no_figure() -> None:
    made = world(*FRANCE[1:])
    assert made.roles() == {"MTQ": "carried_forward", "NCL": "carried_forward"} and made.total()["central"] == 1500


# Whom nobody counts


def test_a_gap_is_added_and_named() -> None:
    made = world(held("ALB", 5000, 2024), gaps=[gap("PRK", 100_000, low=80_000, high=120_000)])
    assert made.roles() == {"ALB": "reported", "PRK": "gap"}
    total = made.total()
    assert (total["central"], total["gaps"], total["places"]) == (105_000, 100_000, 1)
    step = made.one("SELECT * FROM world_walk WHERE code LIKE '%: %'")
    assert (step["value"], step["role"], step["places"]) == (100_000, "component", 1)
    assert "Range 80,000 to 120,000." in step["note"] and step["note"].endswith("Somebody, 2020.")
    adds_up(made)


def test_a_gap_of_a_place_that_has_a_figure_is_added_to_it() -> None:
    made = world(held("CHN", 1_690_000, 2024), gaps=[gap("CHN", 650_000), gap("CHN", 100_000, "other")])
    assert made.roles() == {"CHN": "reported"} and made.total()["central"] == 2_440_000
    assert made.one("SELECT places FROM world_walk WHERE role = 'total'")["places"] == 1, "one place, once"
    adds_up(made)


def test_what_nobody_has_estimated_counts_as_nothing_in_words() -> None:
    made = world(held("ALB", 1, 2024), gaps=[gap("ERI", None, citation=None), gap("PRK", None, low=5, high=None)])
    assert made.total()["gaps"] == 0 and "ERI" not in made.roles()
    steps = made.rows("SELECT * FROM world_walk WHERE code LIKE '%: %' ORDER BY step")
    assert [(s["value"], s["places"]) for s in steps] == [(None, 0), (None, 0)]
    assert steps[0]["note"] == "Unknown; counts as nothing. As of 2020."
    assert steps[1]["note"].startswith("Unknown; counts as nothing. As of 2020. Range 5 to unknown.")
    adds_up(made)


def test_a_gap_that_counts_instead_of_a_figure_is_not_added_to_one() -> None:
    for role, rows in [
        ("reported", [held("GBR", 80_000, 2024)]),
        ("by_parts", [held(p, 1000, 2024) for p in ("GBR-EAW", "GBR-NIR", "GBR-SCT")]),
    ]:
        gaps = [gap("GBR", 5000, "all", counts="instead"), gap("GBR", 70, "some")]
        made = world(*rows, gaps=gaps)
        assert made.roles()["GBR"] == role and made.total()["gaps"] == 70
        assert made.total()["central"] == sum(r["value"] for r in rows) + 70
        steps = made.rows("SELECT * FROM world_walk WHERE code LIKE '%: %' ORDER BY step")
        assert [(s["role"], s["value"]) for s in steps] == [("memo", 5000), ("component", 70)]
        assert steps[0]["note"].startswith("Not added: there is a published figure now.")
        adds_up(made)


def test_a_gap_that_counts_instead_is_not_added_inside_the_figure_of_another_place() -> None:
    made = world(held("FRA", 80_000, 2024), gaps=[gap("MTQ", 900, counts="instead")])
    assert made.roles()["MTQ"] == "inside_other" and made.total()["central"] == 80_000
    adds_up(made)


def test_a_gap_beside_a_figure_that_is_inside_another_is_added_once() -> None:
    made = world(held("FRA", 80_000, 2024), held("MTQ", 900, 2024), gaps=[gap("MTQ", 30)])
    assert made.total()["central"] == 80_030
    place = made.one("SELECT basis, persons FROM estimate WHERE place_id = 'MTQ'")
    assert (place["basis"], place["persons"]) == ("brought_forward", 900)
    adds_up(made)


def test_a_revised_list_of_gaps_takes_the_place_of_the_old_one() -> None:
    """A component under another name must not be counted beside itself."""
    old = [gap("PRK", 100_000, "camps"), gap("CHN", 650_000, "detention")]
    new = [gap("PRK", 90_000, "camps", vintage="2027-01-01"), gap("CHN", 600_000, "pre-trial", vintage="2027-01-01")]
    made = world(held("ALB", 1, 2024), gaps=[*old, *new])
    assert made.total()["gaps"] == 690_000
    assert len(made.rows("SELECT * FROM gap")) == 2
    adds_up(made)


def test_an_estimate_that_is_known_to_be_off_says_why() -> None:
    rows = [held("SLV", 40_000, 2021), held("ALB", 5000, 2021), held("IRQ-CEN", 60, 2013), held("IRQ-KR", 30, 2013)]
    made = world(*rows, as_of="2022-12-31", also=["2021-12-31", "2022-03-26"])
    said = made.rows("SELECT as_of, place_id FROM estimate WHERE caution IS NOT NULL ORDER BY ALL")
    assert [(str(r["as_of"]), r["place_id"]) for r in said] == [("2022-12-31", "SLV")]
    before = world(*rows, as_of="2020-12-31").one("SELECT caution FROM estimate WHERE place_id = 'IRQ'")
    assert "two parts whose last figures are of 2013" in before["caution"]


# Population behind the total


def people(place: str, value: float, year: int = 2024) -> Row:
    return observation(place, value, year, measure="population", source_id="world_bank_population")


def test_the_share_of_people_is_that_of_the_places_counted_or_estimated() -> None:
    rows = [people("WLD", 1000), people("ALB", 100), people("DEU", 300), people("PRK", 200), people("ITA", 400)]
    made = world(held("ALB", 1, 2024), held("DEU", 2, 2010), *rows, gaps=[gap("PRK", 5)])
    assert made.total()["population_share"] == pytest.approx(0.6)
    assert made.total()["published_share"] == pytest.approx(0.4), "those counted, without the gap's"
    assert made.total("M49-150")["population_share"] == pytest.approx(400 / 800)
    step = made.one("SELECT * FROM world_walk WHERE role = 'subtotal'")
    assert step["population_share"] == pytest.approx(0.4)
    missing = made.one("SELECT * FROM world_walk WHERE code = 'missing'")
    assert missing["population_share"] == pytest.approx(0.4)
    assert missing["note"].startswith("of others nothing: Italy; and their population is not known either: ")


def test_a_place_of_which_a_part_is_published_is_named_first_with_it() -> None:
    made = world(held("ALB", 1, 2024), held("TWN", 500, 2014, legal_status="SENTENCED"), held("TWN", 480, 2015, legal_status="SENTENCED"),
                 people("ITA", 400))  # fmt: skip
    missing = made.one("SELECT * FROM world_walk WHERE code = 'missing'")
    assert missing["note"].startswith(
        "of some a part is published, which is not added: Taiwan (480 sentenced at the end of 2015); of others nothing: Italy; "
    )
    assert made.total()["central"] == 1


def test_a_share_of_an_unknown_population_is_unknown_and_not_the_whole() -> None:
    made = world(held("ALB", 1, 2024), people("ALB", 100), as_of="2025-12-31")
    assert made.total()["population_share"] is None
    assert {s["population_share"] for s in made.rows("SELECT * FROM world_walk")} == {None}
    assert world(held("ALB", 1, 2024), people("WLD", 1000)).total()["population_share"] is None


def test_more_people_in_the_places_than_in_the_world_are_all_of_them() -> None:
    assert world(held("ALB", 1, 2024), people("ALB", 1001), people("WLD", 1000)).total()["population_share"] == 1


def test_population_is_that_of_the_latest_year_up_to_the_day() -> None:
    rows = [people("WLD", 1000, 2020), people("WLD", 10, 2025), people("ALB", 500, 2019), people("ALB", 9, 2025)]
    assert world(held("ALB", 1, 2019), *rows, as_of="2024-12-31").total()["population_share"] == 0.5


# Many worlds


def test_nobody_is_outside_the_regions() -> None:
    """Antarctica alone has none, and no prison."""
    assert [p.place_id for p in places().values() if p.kind != "aggregate" and not p.region] == ["ATA"]


def by_hand(rows: Iterable[Row], gaps: Iterable[Row], as_of: date) -> dict[str, float]:
    """What each region holds, told once more in Python: the figures around the day, each place once, plus gaps."""
    here = {k: p for k, p in places().items() if p.kind != "aggregate" and p.exists_on(as_of)}
    before: dict[str, Row] = {}
    after: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row["period_end"]):
        if row["place_id"] in here:
            if row["period_end"] <= as_of:
                before[row["place_id"]] = row
            elif (row["period_end"] - as_of).days <= 3652 or row["place_id"] in before:
                after.setdefault(row["place_id"], row)
    away = {k: (as_of - row["period_end"]).days for k, row in before.items()}
    away = {k: (row["period_end"] - as_of).days for k, row in after.items()} | away
    parts: dict[str, list[Place]] = defaultdict(list)
    for place in here.values():
        if place.kind == "part" and place.parent:
            parts[place.parent].append(place)

    def persons(name: str) -> float:
        if name not in before:
            return float(after[name]["value"])
        earlier, later = before[name], after.get(name)
        if not later or not earlier["value"] or not later["value"]:
            return float(earlier["value"])
        share = away[name] / (later["period_end"] - earlier["period_end"]).days
        return round(float(earlier["value"] ** (1 - share) * later["value"] ** share))

    def stands(parent: str) -> bool:
        if parent not in away:
            return False
        every = [p.place_id for p in parts[parent]]
        if all(p in before for p in every):
            return parent in before and away[parent] <= max(away[p] for p in every)
        if parent in before or not all(p in away for p in every):
            return True
        return away[parent] <= max(away[p] for p in every)

    french = ["BLM", "GLP", "GUF", "MAF", "MTQ", "MYT", "NCL", "PYF", "REU", "SPM", "WLF"]
    sums: dict[str, float] = defaultdict(float)
    for name in away:
        place = here[name]
        if place.kind == "part" and place.parent and stands(place.parent):
            continue
        if any(p.place_id in away for p in parts[name]) and not stands(name):
            continue
        if "FRA" in away and name in french:
            continue
        sums[str(place.region)] += persons(name)
    for entry in gaps:
        if entry["place_id"] in here:
            sums[str(here[entry["place_id"]].region)] += entry["central"] or 0
    return {region: value for region, value in sums.items() if value}


@pytest.mark.parametrize("seed", range(25))
def test_any_world_adds_up_to_the_person(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "rules", lambda: replace(rules(), windows=1000))  # nothing is learnt
    draw = random.Random(seed)
    leaves = [p.place_id for p in places().values() if p.kind != "aggregate" and p.region]
    some = draw.sample(leaves, draw.choice([3, 40, 250])) + ["FRA", "MTQ", "IRQ", "IRQ-CEN", "IRQ-KR", "GBR", "GBR-EAW",
                                                             "GBR-NIR", "GBR-SCT", "BIH", "BIH-BIH", "BIH-SRP"]  # fmt: skip
    rows = []
    for place in sorted(set(some)):
        if draw.random() < 0.15:
            continue
        for year in draw.sample(range(2015, 2025), draw.choice([1, 2, 4])):
            day = date(year, 1, 1) + timedelta(days=draw.randrange(365))
            source = draw.choice([UNODC, EUROSTAT, "ministry"])
            on = draw.choice([None, day])
            rows.append(held(place, draw.randrange(0, 2_000_000), year, on=on, source_id=source))
    listed = {p: [gap(p, draw.choice([None, draw.randrange(10**6)]), c) for c in "ab"] for p in draw.sample(leaves, 4)}
    as_of = date(draw.choice([2014, 2018, 2022, 2025]), draw.choice([6, 12]), 30)
    gaps = [g for p, entries in listed.items() for g in entries if places()[p].exists_on(as_of)]
    made = world(*rows, gaps=gaps, as_of=as_of.isoformat())
    adds_up(made)
    expected = by_hand(rows, gaps, as_of)
    regions = made.rows("SELECT * FROM world_total WHERE level = 'region' AND sex = '_T' AND legal_status = '_T'")
    found = {r["name"]: r["central"] for r in regions}
    assert {k: v for k, v in found.items() if v} == expected
    assert made.total()["central"] == sum(expected.values())
    counted = made.one("SELECT count(*) AS n, count(DISTINCT place_id) AS d FROM world_place WHERE role IN ?", COUNTED)
    assert counted["n"] == counted["d"] == made.total()["places"]
