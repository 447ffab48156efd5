"""Editions that add to each other, what they revise, better evidence first, and the table of supervision."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.warehouse.made import EUROSTAT, UNODC, World, observation

Row = dict[str, Any]


def edition(vintage: str, value: float | None, year: int = 2020, **more: Any) -> Row:
    """A figure of one edition of a file whose editions add to each other."""
    row = {"file": "editions", "dataset": "by_state", "source_id": "bureau", "vintage": vintage, **more}
    return observation("USA", value, year, **row)


def test_a_year_that_only_an_older_edition_has_still_stands() -> None:
    world = World([edition("2020", 1, 2018), edition("2022", 3, 2020)], until="figure")
    assert (world.figure("USA", 2018)["value"], world.figure("USA", 2020)["value"]) == (1, 3)


def test_an_older_edition_is_no_rival_of_the_newer_one() -> None:
    world = World(
        [edition("2020", 1), edition("2022", 3), edition("2022-r2", 4), edition("2022-r10", 5)], until="figure"
    )
    figure = world.figure("USA")
    assert (figure["value"], figure["candidates"], figure["rule"]) == (5, 1, "only")


def test_of_a_file_that_is_replaced_whole_an_older_vintage_is_gone() -> None:
    world = World([edition("2020", 1, 2018, file="whole"), edition("2022", 3, 2020, file="whole")], until="figure")
    assert world.rows("SELECT year FROM figure") == [{"year": 2020}]


@pytest.mark.parametrize("file", ["editions", "whole"])
def test_a_value_that_differs_between_two_vintages_is_a_revision(file: str) -> None:
    rows = [edition("2020", 100, file=file), edition("2021", 110, file=file), edition("2022", 110, file=file)]
    (found,) = World(rows, until="revision").rows("SELECT * FROM revision")
    same = ("vintage", "earlier_vintage", "value", "earlier_value", "change", "change_share", "observation_id")
    assert [found[c] for c in same] == ["2021", "2020", 110, 100, 10, 0.1, rows[1]["observation_id"]]
    assert found["earlier_observation_id"] == rows[0]["observation_id"]


def test_a_figure_given_up_or_first_given_is_no_revision_and_missing_against_given_is() -> None:
    rows = [edition("2020", 1, 2018), edition("2021", 2, 2019), edition("2020", None, status="M"), edition("2021", 5)]
    (found,) = World(rows, until="revision").rows("SELECT * FROM revision")
    assert (found["earlier_value"], found["value"], found["change"]) == (None, 5, None)


def test_a_figure_that_is_given_no_more_is_told() -> None:
    """In a file whose editions each stand for the whole; where they extend each other, the older one's figure stands."""
    kept = observation("FRA", 100, 2023, source_id="src", file="one", vintage="2024")
    gone = observation("DEU", 58_000, 2023, source_id="src", file="one", vintage="2024")
    again = observation("FRA", 100, 2023, source_id="src", file="one", vintage="2025")
    (found,) = World([kept, gone, again], until="vanished").rows("SELECT * FROM vanished")
    assert (found["place_id"], found["value"], found["vintage"], found["later_vintage"]) == (
        "DEU",
        58_000,
        "2024",
        "2025",
    )
    assert found["observation_id"] == gone["observation_id"]
    rows = [edition("2020", 1, 2018), edition("2021", 2, 2019)]
    assert World(rows, until="vanished").rows("SELECT * FROM vanished") == []


def test_a_change_from_zero_has_no_share() -> None:
    (found,) = World([edition("2020", 0), edition("2021", 5)], until="revision").rows("SELECT * FROM revision")
    assert (found["change"], found["change_share"]) == (5, None)


@pytest.mark.parametrize(
    ("better", "worse"),
    [(None, "raw_file"), ("official_page", "report_copy"), ("abstract", "table_in_review"), ("secondary", "press")],
)
def test_the_better_evidence_goes_first(better: str | None, worse: str) -> None:
    good = observation("FRA", 1, source_id="readings", file="a", vintage="2020", grade=better, status="E")
    poor = observation("FRA", 2, source_id="readings", file="b", vintage="2026", grade=worse, on=date(2020, 12, 31))
    figure = World([poor, good], until="figure").figure("FRA")
    assert (figure["value"], figure["rule"], figure["grade"]) == (1, "grade", better)


@pytest.mark.parametrize("grade", ["table_in_review", "secondary", "press"])
def test_poor_evidence_is_in_no_headline(grade: str) -> None:
    world = World([observation("FRA", 70_000, 2025, source_id="readings", grade=grade)])
    assert world.figure("FRA", 2025)["value"] == 70_000
    assert world.rows("SELECT * FROM country_year") == []
    assert world.total()["central"] == 0


def supervised(value: float | None, **more: Any) -> Row:
    return observation("FRA", value, **{"measure": "persons_under_supervision", **more})


def test_a_row_of_supervision_holds_the_stock_against_people_and_prisoners() -> None:
    rows = [
        supervised(200, supervision="PROBATION"),
        observation("FRA", 0.3, measure="persons_under_supervision_rate", supervision="PROBATION"),
        observation("FRA", 50_000, measure="population", source_id="world_bank_population"),
        observation("FRA", 100),
    ]
    (found,) = World(rows, until="supervision").rows("SELECT * FROM supervision")
    told = ("supervision", "age", "persons", "published_per_100k", "per_100k", "per_prisoner")
    assert [found[c] for c in told] == ["PROBATION", "_T", 200, 0.3, 400, 2]
    proof = ("observation_id", "source_id", "citation", "definition", "grade")
    # The source of a world that a test makes is cited by its own name.
    assert [found[c] for c in proof] == [rows[0]["observation_id"], UNODC, UNODC, None, None]
    held = "SELECT figure_id FROM figure WHERE measure = 'persons_held'"
    assert found["held_figure_id"] == World(rows, until="figure").one(held)["figure_id"]


def test_a_rate_alone_is_a_row_without_persons() -> None:
    (found,) = World([observation("ALB", 413, measure="persons_under_supervision_rate")], until="supervision").rows(
        "FROM supervision"
    )
    assert (found["persons"], found["published_per_100k"]) == (None, 413)


def test_a_flow_is_never_in_it() -> None:
    assert (
        World([observation("FRA", 5, measure="supervision_entries")], until="supervision").rows("FROM supervision")
        == []
    )


def test_no_prisoners_give_no_ratio() -> None:
    (found,) = World([supervised(200), observation("FRA", 0)], until="supervision").rows("FROM supervision")
    assert found["per_prisoner"] is None


def test_another_day_of_one_series_is_a_candidate_and_no_disagreement() -> None:
    months = [observation("FRA", 100.0 + 10 * m, on=date(2020, m, 1), source_id="ministry") for m in (1, 6, 12)]
    world = World([*months, observation("FRA", 150, source_id=EUROSTAT)], until="disagreement")
    figure = world.figure("FRA")
    assert (figure["value"], figure["candidates"], figure["rule"]) == (220, 4, "later_day")
    assert figure["spread"] == pytest.approx(70 / 220)
    assert [d["rival_source_id"] for d in world.rows("FROM disagreement")] == [EUROSTAT]


@pytest.mark.parametrize(
    ("start", "end", "there"),
    [("2020-01-01", "2020-06-30", False), ("2019-04-01", "2020-03-31", True), ("2020-01-01", "2020-12-31", True)],
)
def test_a_flow_of_half_a_year_is_no_figure_of_the_year(start: str, end: str, there: bool) -> None:
    days = {"period_start": date.fromisoformat(start), "period_end": date.fromisoformat(end)}
    rows = World([observation("FRA", 5, measure="admissions", **days)], until="figure").rows("FROM figure")
    assert bool(rows) == there


def test_what_may_be_of_any_of_three_years_is_no_figure_of_one() -> None:
    undated = {"period_start": date(2018, 1, 1), "period_end": date(2020, 12, 31), "period_kind": "unknown_day"}
    assert World([observation("KAZ", 28_000, **undated)], until="figure").rows("FROM figure") == []


def test_juveniles_are_not_held_against_everybody() -> None:
    people = observation("FRA", 50_000, measure="population", source_id="world_bank_population")
    (found,) = World([supervised(200, age="JUVENILE"), people, observation("FRA", 100)], until="supervision").rows(
        "FROM supervision"
    )
    assert (found["per_100k"], found["per_prisoner"]) == (None, None)


DAY = {"on": date(2020, 12, 31)}
FISCAL = {"period_start": date(2019, 4, 1), "period_end": date(2020, 3, 31), "period_kind": "average"}


@pytest.mark.parametrize(
    ("supervision", "prisoners", "ratio"),
    [
        (FISCAL, {}, None),
        (FISCAL, FISCAL, 2),
        (DAY, {}, 2),
        (DAY, DAY, 2),
        ({}, DAY, 2),
        (DAY, {"on": date(2020, 6, 30)}, None),
        ({"age": "ADULT"}, {}, None),
        ({"age": "ADULT"}, {"age": "ADULT"}, 2),
        ({}, {"age": "ADULT"}, None),
        ({"age": "JUVENILE"}, {"age": "JUVENILE"}, None),
        ({"definition": "one_agency"}, {}, None),
        ({}, {"definition": "prisons_without_local_jails"}, None),
        ({}, {"definition": "adult_prisons"}, 2),
        ({}, {"source_id": "readings", "grade": "press"}, None),
    ],
)
def test_only_what_is_of_like_time_and_scope_is_divided(supervision: Row, prisoners: Row, ratio: float | None) -> None:
    """Canada, 2020: an average of April to March is not held against a count of the calendar year."""
    (found,) = World([supervised(200, **supervision), observation("FRA", 100, **prisoners)], until="supervision").rows(
        "FROM supervision"
    )
    assert found["per_prisoner"] == ratio
    assert (found["held_figure_id"] is None) == (ratio is None)


def test_a_definition_of_its_own_gives_no_rate_of_all_people() -> None:
    people = observation("FRA", 50_000, measure="population", source_id="world_bank_population")
    (found,) = World([supervised(200, definition="devices"), people], until="supervision").rows("FROM supervision")
    assert (found["persons"], found["definition"], found["per_100k"]) == (200, "devices", None)


@pytest.mark.parametrize(
    ("all_ages", "adults", "expected"),
    [
        # United States, 2016: one number, of all ages in one source and of adults in another
        ({}, {"value": 4_537_100.0, "grade": "raw_file"}, [("ADULT", 4_537_100, UNODC)]),
        ({"grade": "press"}, {"value": 4_537_100.0, "grade": "raw_file"}, [("ADULT", 4_537_100, "readings")]),
        ({}, {"value": 4_537_000.0}, [("ADULT", 4_537_000, "readings"), ("_T", 4_537_100, UNODC)]),
        ({"definition": "d"}, {"value": 4_537_100.0}, [("ADULT", 4_537_100, "readings"), ("_T", 4_537_100, UNODC)]),
        ({"supervision": "PAROLE"}, {"value": 4_537_100.0}, [("ADULT", 4_537_100, "readings"), ("_T", 4_537_100, UNODC)]),
    ],
)  # fmt: skip
def test_adults_counted_as_of_all_ages_too_stand_once(all_ages: Row, adults: Row, expected: list[Any]) -> None:
    rows = [supervised(4_537_100, **all_ages), supervised(age="ADULT", source_id="readings", **adults)]
    for order in (rows, rows[::-1]):
        found = World(order, until="supervision").rows("SELECT age, persons, source_id FROM supervision ORDER BY age")
        assert [tuple(row.values()) for row in found] == expected
