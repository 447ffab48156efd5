"""Choosing one figure, and what follows from it for one place and year: rivals, disagreements, sums of parts, ratios."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from datetime import date
from typing import Any

import pytest

from sources.places import children
from tests.warehouse.made import EUROSTAT, SOURCES, UNODC, World, observation
from warehouse.records import vintage_order

Row = dict[str, Any]


def figures(*rows: Row, **more: Any) -> World:
    return World(rows, until="disagreement", **more)


def chosen(*rows: Row, place: str = "FRA", year: int = 2020) -> tuple[Any, str]:
    """Value and rule of the figure; the order in which the rows come must not matter."""
    found = {(f["value"], f["rule"]) for order in (rows, rows[::-1]) for f in [figures(*order).figure(place, year)]}
    assert len(found) == 1
    return found.pop()


# The choice, one criterion after the other


def test_an_only_figure_is_taken_as_it_is() -> None:
    row = observation("FRA", 69448.5, reported_by="CTS", circa=True, status="E", note="n", licence="UN-terms")
    f = figures(row).figure("FRA")
    same = ["value", "status", "circa", "definition", "period_start", "period_end", "period_kind", "source_id", "dataset",
            "vintage", "observation_id", "licence", "unit", "facility"]  # fmt: skip
    assert {c: f[c] for c in same} == {c: row[c] for c in same}
    assert (f["rule"], f["candidates"], f["rivals"], f["spread"], f["derived"], f["parts"]) == (
        "only", 1, None, None, False, None,
    )  # fmt: skip


def test_what_names_no_publication_is_cited_as_its_source_asks() -> None:
    rows = [observation("FRA", 1), observation("FRA", 2, source_id="readings", citation="A report, 2020")]
    found = World(rows, until="observation").rows("SELECT value, citation FROM observation ORDER BY value")
    cited = World(rows, until="source").one("SELECT citation FROM source WHERE source_id = ?", UNODC)["citation"]
    assert [row["citation"] for row in found] == [cited, "A report, 2020"]


def test_a_source_nearer_to_the_counting_goes_first_whatever_else_is_said_of_it() -> None:
    national = observation("FRA", 1, source_id="ministry", status="E", vintage="2021")
    international = observation("FRA", 2, on=date(2020, 12, 31), vintage="2025")
    curated = observation("FRA", 3, source_id="readings", on=date(2020, 12, 31), vintage="2026")
    assert chosen(national, international, curated) == (1, "tier")
    assert chosen(international, curated) == (2, "tier")


@pytest.mark.parametrize(("first", "second"), [*itertools.pairwise(["point", "during", "average", "unknown_day"])])
def test_a_stated_day_goes_before_an_average_before_an_unknown_day(first: str, second: str) -> None:
    better = observation("FRA", 1, period_kind=first, status="E", vintage="2021")
    worse = observation("FRA", 2, period_kind=second, status="A", vintage="2025", file="other")
    assert chosen(better, worse) == (1, "period_kind")


@pytest.mark.parametrize(("first", "second"), [*itertools.pairwise("ABPE")])
def test_normal_goes_before_break_before_provisional_before_estimated(first: str, second: str) -> None:
    better = observation("FRA", 1, on=date(2020, 1, 1), status=first, vintage="2021")
    worse = observation("FRA", 2, on=date(2020, 12, 31), status=second, vintage="2025", file="other")
    assert chosen(better, worse) == (1, "status")


def test_the_later_day_of_the_year_goes_first() -> None:
    late = observation("FRA", 1, on=date(2020, 12, 31), vintage="2021")
    early = observation("FRA", 2, on=date(2020, 1, 1), vintage="2025", file="other")
    assert chosen(late, early) == (1, "later_day")


def test_the_newer_vintage_goes_first() -> None:
    newer = observation("FRA", 1, source_id="zzz_international", vintage="2024-01-02")
    assert chosen(newer, observation("FRA", 2, source_id=EUROSTAT, vintage="2024-01-01")) == (1, "vintage")


def test_then_the_order_of_sources_and_last_their_names() -> None:
    def of(source: str, value: float, dataset: str = "d") -> Row:
        return observation("FRA", value, source_id=source, vintage="2024", dataset=dataset)

    assert chosen(of(EUROSTAT, 1), of(UNODC, 2), of("aaa_international", 3)) == (1, "order")
    assert chosen(of(UNODC, 2), of("aaa_international", 3)) == (2, "order")
    assert chosen(of("zzz_international", 4), of("aaa_international", 3)) == (3, "order")
    assert chosen(of(UNODC, 1, "a"), of(UNODC, 2, "b")) == (1, "order")


def test_the_choice_is_the_one_that_a_plain_reading_of_the_rules_makes() -> None:
    """Many candidates at once, against a sort in Python by the criteria of docs/method.md."""
    random.seed(7)
    tiers = {"national": 0, "international": 1, "curated": 2}
    kinds = {"point": 0, "during": 1, "average": 2, "unknown_day": 3}
    statuses = {"A": 0, "B": 1, "P": 2, "E": 3}
    names = [s for s, (_, licence) in SOURCES.items() if licence != "internal"]
    vintage = {s: random.choice(["2022", "2023-04", "2023-04-15"]) for s in names}
    rows = [
        observation(
            place, n + 1, source_id=source, vintage=vintage[source], dataset=random.choice("ab"), locator=str(n),
            period_kind=random.choice(list(kinds)), status=random.choice(list(statuses)),
            period_end=random.choice([date(2020, 12, 31), date(2020, 6, 30)]),
        )
        for n, (place, source) in enumerate((p, s) for p in ("FRA", "DEU", "ESP", "ITA", "POL", "SWE") for s in names)
        if random.random() < 0.6
    ]  # fmt: skip

    def better_first(row: Row) -> tuple[Any, ...]:
        preferred = {EUROSTAT: 0, UNODC: 1}.get(row["source_id"], 2)
        newest = tuple(-ord(c) for c in row["vintage"].ljust(10, "\0"))
        return (
            tiers[SOURCES[row["source_id"]][0]], kinds[row["period_kind"]], statuses[row["status"]],
            -row["period_end"].toordinal(), newest, preferred, row["source_id"], row["dataset"],
        )  # fmt: skip

    world = figures(*rows)
    for place in {r["place_id"] for r in rows}:
        order = sorted((r for r in rows if r["place_id"] == place), key=better_first)
        f = world.figure(place)
        assert f["value"] == order[0]["value"] and f["candidates"] == len(order)
        rivals = json.loads(f["rivals"]) if f["rivals"] else []
        assert [r["observation_id"] for r in rivals] == [r["observation_id"] for r in order[1:]]


# What may stand for choice


def test_only_the_latest_vintage_of_each_file_stands_for_choice() -> None:
    rows = [observation("FRA", n, vintage=v) for n, v in enumerate(["2022-05-11", "2023-05-11", "2023-05-10"])]
    assert chosen(*rows) == (1, "only")


def test_a_figure_that_the_latest_vintage_no_longer_has_is_gone() -> None:
    rows = [observation("FRA", 1, vintage="2022"), observation("DEU", 2, vintage="2023")]
    assert [f["place_id"] for f in figures(*rows).rows("SELECT place_id FROM figure")] == ["DEU"]


def test_files_of_one_source_keep_their_own_latest_vintages() -> None:
    cap = observation("BEL", 10559, source_id=EUROSTAT, file="cap", dataset="cap", vintage="2023-04")
    ctz = observation("BEL", 10794, source_id=EUROSTAT, file="ctz", dataset="ctz", vintage="2026-04-29")
    f = figures(cap, ctz).figure("BEL")
    assert (f["value"], f["rule"], f["candidates"]) == (10794, "vintage", 2)


VINTAGES = ["2022", "2022-r2", "2022-r9", "2022-r10", "2023-04", "2023-04-r2", "2023-04-r10", "2023-04-29", "2023-04-29-r2",
            "2023-04-29-r3", "2023-04-29-r11", "2023-05", "2024"]  # fmt: skip


@pytest.mark.parametrize(
    ("older", "newer"), [*itertools.pairwise(VINTAGES), ("2022-r2", "2022-06-30"), ("2022", "2024")]
)
def test_the_latest_vintage_is_the_one_that_the_records_say(older: str, newer: str) -> None:
    assert vintage_order(older) < vintage_order(newer), "what the records say"
    rows = [observation("FRA", 1, vintage=older), observation("FRA", 2, vintage=newer)]
    assert chosen(*rows)[0] == 2


def test_a_missing_value_is_no_candidate_and_zero_is_one() -> None:
    missing = observation("FRA", None, on=date(2020, 12, 31), status="M", source_id="ministry")
    assert chosen(missing, observation("FRA", 0)) == (0, "only")


def test_an_unlike_definition_never_stands_for_the_measure_itself() -> None:
    unlike = observation("FRA", 1, source_id="ministry", on=date(2020, 12, 31), definition="sentenced_only")
    assert chosen(unlike, observation("FRA", 2)) == (2, "only")
    world = figures(unlike, observation("FRA", 2), observation("FRA", 3, source_id="bureau", definition="other"))
    found = world.rows("SELECT value, definition, candidates, rivals FROM figure ORDER BY value")
    assert found == [
        {"value": v, "definition": d, "candidates": 1, "rivals": None}
        for v, d in [(1, "sentenced_only"), (2, None), (3, "other")]
    ]
    assert world.rows("SELECT * FROM disagreement") == []


def test_alike_definitions_compete_with_each_other() -> None:
    one = observation("FRA", 1, definition="d", source_id="ministry")
    f = figures(one, observation("FRA", 2, definition="d")).one("SELECT * FROM figure")
    assert (f["value"], f["candidates"], f["definition"]) == (1, 2, "d")


def test_an_internal_figure_is_never_chosen_nor_named() -> None:
    secret = observation("FRA", 1, source_id="secret", on=date(2020, 12, 31))
    world = figures(secret, observation("FRA", 2), observation("SWE", 3, source_id="secret"))
    (f,) = world.rows("SELECT * FROM figure")
    assert (f["place_id"], f["value"], f["candidates"], f["rivals"]) == ("FRA", 2, 1, None)
    assert world.rows("SELECT * FROM disagreement") == []


def test_an_internal_part_is_never_in_a_sum() -> None:
    rows = uk(1, 2, 4)
    rows[1] |= {"source_id": "secret", "file": "secret"}
    assert "GBR" not in {f["place_id"] for f in figures(*rows).rows("SELECT place_id FROM figure")}


def test_every_breakdown_year_and_measure_is_a_figure_of_its_own() -> None:
    base: Row = {"place": "FRA", "value": 1}
    changes: list[Row] = [
        {}, {"sex": "F"}, {"age": "ADULT"}, {"legal_status": "SENTENCED"}, {"citizenship": "FOREIGN"},
        {"offence": "ICCS01"}, {"year": 2019}, {"measure": "official_capacity"}, {"facility": "one"}, {"place": "DEU"},
        {"measure": "deaths_in_custody"}, {"measure": "deaths_in_custody", "cause": "SUICIDE"},
    ]  # fmt: skip
    world = figures(*(observation(**{**base, **change}) for change in changes))
    found = world.rows("SELECT figure_id, candidates FROM figure")
    assert len(found) == len({f["figure_id"] for f in found}) == len(changes)
    assert {f["candidates"] for f in found} == {1}


def test_a_stock_belongs_to_the_year_of_its_day_and_a_period_to_that_of_its_end() -> None:
    new_year = observation("FRA", 1, on=date(2021, 1, 1))
    fiscal = observation("FRA", 2, period_start=date(2018, 4, 1), period_end=date(2019, 3, 31), period_kind="average")
    f = figures(new_year, fiscal)
    assert (f.figure("FRA", 2021)["value"], f.figure("FRA", 2021)["period_end"]) == (1, date(2021, 1, 1))
    assert f.figure("FRA", 2019)["value"] == 2


def test_an_identity_is_made_of_what_it_says_and_not_of_value_source_or_vintage() -> None:
    text = "\x1f".join(["FRA", "_T", "persons_held", "F", "_T", "_T", "_T", "_T", "_Z", "_Z", "persons", "", "2020"])
    expected = hashlib.sha256(text.encode()).hexdigest()[:16]
    for row in (observation("FRA", 1, sex="F"), observation("FRA", 2, sex="F", source_id="ministry", vintage="2025")):
        assert figures(row).one("SELECT figure_id FROM figure")["figure_id"] == expected


# Rivals and disagreements


def test_rivals_are_listed_in_order_with_what_tells_them_apart() -> None:
    best = observation("FRA", 100, on=date(2020, 12, 31))
    second = observation("FRA", 90, dataset="b", on=date(2020, 7, 1))
    third = observation("FRA", 130.5, source_id="readings", grade="press")
    f = figures(third, best, second).figure("FRA")
    assert f["observation_id"] == best["observation_id"] and f["candidates"] == 3
    assert json.loads(f["rivals"]) == [
        {
            "observation_id": r["observation_id"], "source_id": r["source_id"], "dataset": r["dataset"],
            "period_start": str(r["period_start"]), "period_end": str(r["period_end"]), "value": r["value"],
            "grade": r["grade"],
        }
        for r in (second, third)
    ]  # fmt: skip
    assert f["spread"] == pytest.approx(0.305, abs=1e-12)


def test_the_spread_is_that_of_the_farthest_rival_on_either_side() -> None:
    def spread(*values: float) -> float:
        rows = [observation("FRA", v, dataset=f"d{i}") for i, v in enumerate(values)]
        return figures(*rows).figure("FRA")["spread"]

    assert spread(100, 70, 110) == pytest.approx(0.3)
    assert spread(100, 100) == 0
    assert spread(0, 5) is None


@pytest.mark.parametrize(
    ("also", "witnesses"),
    [
        ([], 1),
        ([{"value": 101, "source_id": "ministry"}], 2),
        ([{"value": 100, "source_id": "ministry"}], 1),  # a copy, to the person
        ([{"value": 101, "source_id": "ministry", "reported_by": "CTS"}], 1),  # of one origin
        ([{"value": 101, "source_id": "ministry"}, {"value": 101, "source_id": "bureau"}], 2),
        ([{"value": 101, "source_id": "ministry"}, {"value": 102, "source_id": "bureau"}], 3),
        ([{"value": 101, "on": date(2020, 3, 1)}], 1),  # another day of one series
    ],
)
def test_whoever_copies_a_third_is_one_witness_with_it(also: list[dict[str, Any]], witnesses: int) -> None:
    first = observation("FRA", 100, reported_by="CTS", on=date(2020, 6, 1))
    rows = [observation("FRA", a["value"], **{k: v for k, v in a.items() if k != "value"}) for a in also]
    assert figures(first, *rows).figure("FRA")["witnesses"] == witnesses


@pytest.mark.parametrize(
    ("value", "rival", "apart"),
    [
        (10000, 10200, False), (10000, 10201, True), (10000, 9800, False), (10000, 9799, True), (10000, 10000, False),
        (50, 51, False), (49, 50, True), (0, 0, False), (0, 1, True), (1, 0, True), (0.5, 0.5101, True),
    ],
)  # fmt: skip
def test_what_differs_by_more_than_two_percent_is_a_disagreement(value: float, rival: float, apart: bool) -> None:
    a, b = observation("FRA", value, dataset="a"), observation("FRA", rival, dataset="b")
    assert bool(figures(a, b).rows("SELECT * FROM disagreement")) == apart


def test_a_disagreement_names_both_sides() -> None:
    ctz = observation("BEL", 10794, 2019, source_id=EUROSTAT, file="ctz", dataset="ctz", vintage="2026")
    cap = observation("BEL", 10559, 2019, source_id=EUROSTAT, file="cap", dataset="cap", vintage="2023")
    other = observation("BEL", 10800, 2019, vintage="2022")
    told = observation("BEL", 12000, 2019, source_id="readings", grade="press")
    world = figures(ctz, cap, other, told)
    far = world.one("SELECT * FROM disagreement WHERE rival_source_id = 'readings'")
    assert (far["rival_value"], far["grade"], far["rival_grade"]) == (12000, None, "press")
    assert world.one("SELECT * FROM disagreement WHERE rival_source_id <> 'readings'") == {
        "figure_id": world.figure("BEL", 2019)["figure_id"], "place_id": "BEL", "measure": "persons_held", "year": 2019,
        "sex": "_T", "age": "_T", "legal_status": "_T", "citizenship": "_T", "offence": "_T", "supervision": "_Z", "cause": "_Z",
        "value": 10794, "source_id": EUROSTAT, "dataset": "ctz", "grade": None, "period_start": date(2019, 1, 1),
        "period_end": date(2019, 12, 31), "rival_observation_id": cap["observation_id"], "rival_value": 10559,
        "rival_source_id": EUROSTAT, "rival_dataset": "cap", "rival_grade": None, "rival_period_start": date(2019, 1, 1),
        "rival_period_end": date(2019, 12, 31), "difference": pytest.approx(-235 / 10794),
    }  # fmt: skip


def test_a_difference_from_zero_has_no_share() -> None:
    rows = [observation("FRA", 0, dataset="a"), observation("FRA", 7, dataset="b")]
    assert figures(*rows).one("SELECT difference FROM disagreement")["difference"] is None


# Sums of parts


def uk(*values: float, year: int = 2020, **more: Any) -> list[Row]:
    places = ("GBR-EAW", "GBR-NIR", "GBR-SCT")
    return [observation(p, v, year, **more) for p, v in zip(places, values, strict=False)]


def test_a_place_without_a_figure_is_the_sum_of_all_its_parts() -> None:
    rows = uk(79092, 1441, 7339)
    f = figures(*rows).figure("GBR")
    assert (f["value"], f["derived"], f["rule"], f["candidates"]) == (79092 + 1441 + 7339, True, "sum_of_parts", 3)
    assert (f["observation_id"], f["rivals"], f["spread"]) == (None, None, None)
    assert f["parts"] == ",".join(r["observation_id"] for r in rows)
    assert f["definition"] is None and f["source_id"] == UNODC


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_two_of_three_parts_are_no_sum(missing: int) -> None:
    rows = uk(1, 2, 4)
    del rows[missing]
    assert {f["place_id"] for f in figures(*rows).rows("SELECT * FROM figure")} == {r["place_id"] for r in rows}


def test_parts_of_different_years_are_no_sum() -> None:
    rows = [*uk(1, 2), observation("GBR-SCT", 4, 2019)]
    assert figures(*rows).rows("SELECT * FROM figure WHERE derived") == []


def test_parts_of_different_breakdowns_or_measures_are_no_sum() -> None:
    for change in ({"sex": "F"}, {"measure": "official_capacity"}, {"facility": "one"}, {"definition": "d"}):
        rows = [*uk(1, 2), observation("GBR-SCT", 4, **change)]
        assert figures(*rows).rows("SELECT * FROM figure WHERE derived") == []


def test_a_place_with_a_figure_of_its_own_is_never_a_sum() -> None:
    f = figures(*uk(1, 2, 4), observation("GBR", 9, source_id="readings", status="E")).figure("GBR")
    assert (f["value"], f["derived"], f["rule"]) == (9, False, "only")


def test_a_figure_of_an_unlike_definition_does_not_stand_in_the_way_of_the_sum() -> None:
    found = figures(*uk(1, 2, 4), observation("GBR", 9, definition="d")).rows(
        "SELECT value, derived FROM figure WHERE place_id = 'GBR' ORDER BY value"
    )
    assert found == [{"value": 7, "derived": True}, {"value": 9, "derived": False}]


def test_years_and_breakdowns_are_summed_each_for_itself() -> None:
    rows = [*uk(1, 2, 4), *uk(10, 20, 40, year=2021), *uk(100, 200, 400, sex="F"), observation("GBR", 5, 2021)]
    found = figures(*rows).rows("SELECT year, sex, value FROM figure WHERE derived ORDER BY value")
    assert found == [{"year": 2020, "sex": "_T", "value": 7}, {"year": 2020, "sex": "F", "value": 700}]


def test_rates_and_shares_are_never_added_up() -> None:
    rows = [r for m in ("persons_held_rate", "unsentenced_share") for r in uk(100, 100, 100, measure=m)]
    assert figures(*rows).rows("SELECT * FROM figure WHERE derived") == []


def test_a_sum_is_no_better_than_its_weakest_part() -> None:
    rows = uk(1, 2, 4)
    rows[1] |= {"status": "E", "circa": True}
    rows[2] |= {"source_id": EUROSTAT, "file": EUROSTAT, "dataset": "ctz", "vintage": "2026", "licence": "UN-terms"}
    f = figures(*rows).figure("GBR")
    assert (f["status"], f["circa"], f["source_id"], f["dataset"]) == ("E", True, "several", "several")
    assert f["vintage"] == "2026" and f["licence"] == "CC-BY-4.0", "the licence of the strictest source"


def test_days_of_a_sum_reach_from_the_first_to_the_last_of_its_parts() -> None:
    places = {"GBR-EAW": date(2020, 3, 31), "GBR-NIR": date(2020, 1, 1), "GBR-SCT": date(2020, 6, 30)}
    f = figures(*(observation(p, 1, on=day) for p, day in places.items())).figure("GBR")
    assert (f["period_start"], f["period_end"], f["period_kind"]) == (
        date(2020, 1, 1),
        date(2020, 6, 30),
        "unknown_day",
    )
    f = figures(*(observation(p, 1, on=date(2020, 3, 31)) for p in places)).figure("GBR")
    assert (f["period_start"], f["period_end"], f["period_kind"]) == (date(2020, 3, 31), date(2020, 3, 31), "point")


def test_a_part_that_two_sources_count_is_in_the_sum_once() -> None:
    rows = [*uk(1, 2, 4), observation("GBR-SCT", 5, source_id="ministry")]
    f = figures(*rows).figure("GBR")
    assert (f["value"], f["candidates"]) == (1 + 2 + 5, 3)


def test_large_places_are_summed_by_all_their_parts() -> None:
    parts = children("AUS")
    assert len(parts) == 8
    rows = [observation(p, 2**n) for n, p in enumerate(parts)]
    assert figures(*rows).figure("AUS")["value"] == 2**8 - 1


# Population and the wide table


def implied(place: str = "FRA", count: float = 100, rate: float = 50, year: int = 2020, **more: Any) -> list[Row]:
    return [
        observation(place, count, year, **more),
        observation(place, rate, year, measure="persons_held_rate", **more),
    ]


def population(*rows: Row) -> list[tuple[Any, ...]]:
    found = World(rows, until="population").rows("SELECT * FROM population ORDER BY place_id, year")
    return [(p["place_id"], p["year"], p["value"], p["basis"]) for p in found]


def wb(place: str, value: float, year: int = 2020, **more: Any) -> Row:
    return observation(place, value, year, measure="population", source_id="world_bank_population", **more)


def test_a_published_population_is_taken() -> None:
    row = wb("FRA", 67e6)
    assert population(row) == [("FRA", 2020, 67e6, "published")]
    assert World([row], until="population").one("SELECT * FROM population")["observation_id"] == row["observation_id"]


def test_a_count_and_its_own_rate_imply_a_population() -> None:
    assert population(*implied(count=312, rate=41.7)) == [("FRA", 2020, round(312 / 41.7 * 100_000), "implied")]


def test_a_published_population_goes_before_an_implied_one_in_its_own_year() -> None:
    rows = [wb("FRA", 67e6), *implied(), *implied(year=2021)]
    assert population(*rows) == [("FRA", 2020, 67e6, "published"), ("FRA", 2021, 200_000, "implied")]


@pytest.mark.parametrize(
    "other",
    [
        {"snapshot": "2" * 64}, {"dataset": "other"}, {"place_id": "DEU"}, {"sex": "F"}, {"legal_status": "SENTENCED"},
        {"citizenship": "FOREIGN"}, {"offence": "ICCS01"}, {"age": "ADULT"}, {"correction_id": "c"}, {"value": 0.0},
        {"period_end": date(2020, 6, 30)}, {"facility": "one"}, {"definition": "d"},
    ],
)  # fmt: skip
def test_a_rate_of_anything_else_implies_nothing(other: Row) -> None:
    count, rate = implied()
    assert population(count, {**rate, **other}) == []


def test_a_rate_beside_one_of_another_definition_still_implies_one_population() -> None:
    count, rate = implied()
    unlike = {**rate, "definition": "d", "observation_id": "f" * 16, "value": 25.0}
    assert population(count, rate, unlike) == [("FRA", 2020, 200_000, "implied")]


def test_only_the_count_that_was_chosen_implies_a_population() -> None:
    rows = [*implied(), observation("FRA", 120, source_id="ministry")]
    assert population(*rows) == []


def test_a_corrected_count_implies_nothing() -> None:
    count, rate = implied()
    assert population({**count, "correction_id": "c"}, rate) == []


#: The columns of country_year that hold a figure of table figure.
HEADLINES = {
    "persons_held", "persons_held_female", "persons_held_male", "persons_held_sentenced", "persons_held_unsentenced",
    "persons_held_foreign", "persons_held_juvenile", "official_capacity", "establishments", "admissions",
    "deaths_in_custody", "persons_under_supervision",
}  # fmt: skip


def test_one_year_of_a_place_side_by_side() -> None:
    def held(value: float, **more: Any) -> Row:
        return observation("FRA", value, **more)

    def counted(measure: str, value: float, **more: Any) -> Row:
        return observation("FRA", value, measure=measure, **more)

    rows = [
        held(1000, on=date(2020, 9, 1)), held(40, sex="F"), held(960, sex="M"), held(700, legal_status="SENTENCED"),
        held(300, legal_status="UNSENTENCED"), held(200, citizenship="FOREIGN"), held(30, age="JUVENILE"),
        # none of these may stand for a total or a single breakdown
        held(9, sex="F", age="JUVENILE"), held(8, sex="F", legal_status="SENTENCED"), held(7, offence="ICCS01"),
        held(6, sex="M", citizenship="FOREIGN"), held(5, facility="one"), held(4, definition="d"),
        held(3, offence="ICCS01", sex="F"), held(2, legal_status="UNSENTENCED_LT6M"), held(11, age="ADULT"),
        counted("official_capacity", 1100), counted("official_capacity", 1, sex="F"),
        counted("official_capacity", 2, age="ADULT"), counted("establishments", 12), counted("admissions", 500),
        counted("admissions", 2, sex="F"), counted("deaths_in_custody", 6), counted("deaths_in_custody", 2, cause="SUICIDE"),
        counted("deaths_in_custody", 1, sex="F"), counted("persons_under_supervision", 80),
        counted("persons_held_rate", 1), wb("FRA", 2_000_000), wb("DEU", 5),
    ]  # fmt: skip
    expected = {
        "place_id": "FRA", "name": "France", "kind": "state", "year": 2020, "persons_held": 1000,
        "persons_held_derived": False, "persons_held_date": date(2020, 9, 1), "persons_held_source": UNODC,
        "persons_held_female": 40, "persons_held_male": 960, "persons_held_sentenced": 700, "persons_held_unsentenced": 300,
        "persons_held_foreign": 200, "persons_held_juvenile": 30, "official_capacity": 1100, "establishments": 12,
        "admissions": 500, "deaths_in_custody": 6, "persons_under_supervision": 80, "population": 2_000_000,
        "persons_held_per_100k": 50, "persons_held_definition": None, "persons_held_spread": None,
        "inconsistent": None,
        **dict.fromkeys(("estimate", "estimate_low", "estimate_high", "estimate_basis")),  # of an end of a year alone
    }  # fmt: skip
    counted_by_unodc = sorted(name for name, value in expected.items() if name in HEADLINES and value is not None)
    sources = [f"{name}: {UNODC}" for name in counted_by_unodc]
    expected["sources"] = "; ".join([*sources, "population: world_bank_population"])
    for order in (rows, rows[::-1]):
        assert World(order, until="country_year").one("SELECT * FROM country_year WHERE year = 2020") == expected


def test_what_is_not_known_of_a_year_is_missing_and_not_zero() -> None:
    found = World([observation("FRA", 40, sex="F")]).one("SELECT * FROM country_year")
    filled = {"place_id", "name", "kind", "year", "persons_held_female", "sources"}
    assert {k for k, v in found.items() if v is not None} == filled


def test_the_day_is_told_only_where_the_publisher_told_it() -> None:
    assert (
        World([observation("FRA", 1)], until="country_year").one("SELECT * FROM country_year WHERE year = 2020")[
            "persons_held_date"
        ]
        is None
    )


def year_of(*rows: Row, place: str = "FRA", year: int = 2020) -> Row:
    world = World(rows, until="country_year")
    return world.one("SELECT * FROM country_year WHERE place_id = ? AND year = ?", place, year)


@pytest.mark.parametrize(
    ("parts", "left_out"),
    [
        # England and Wales, 2012: 77,215 sentenced and 11,324 unsentenced of 84,886 held
        ({"sentenced": 77_215, "unsentenced": 11_324, "held": 84_886}, {"sentenced", "unsentenced"}),
        ({"sentenced": 700, "unsentenced": 320, "held": 1000}, set()),
        ({"sentenced": 700, "unsentenced": 321, "held": 1000}, {"sentenced", "unsentenced"}),
        ({"sentenced": 200, "unsentenced": 100, "held": 1000}, set()),  # others are held for other reasons
        ({"unsentenced": 1021, "held": 1000}, {"unsentenced"}),
        # Estonia, 2014: the juveniles of either sex stand for all women and all men
        ({"female": 2, "male": 31, "held": 3034}, {"female", "male"}),
        ({"female": 60, "male": 920, "held": 1000}, set()),
        ({"female": 60, "male": 919, "held": 1000}, {"female", "male"}),
        ({"female": 100, "male": 921, "held": 1000}, {"female", "male"}),
        ({"female": 60, "held": 1000}, set()),
        ({"female": 1021, "held": 1000}, {"female"}),
        ({"foreign": 1021, "juvenile": 500, "held": 1000}, {"foreign"}),
        ({"juvenile": 501, "held": 1000}, {"juvenile"}),
        ({"female": 60, "male": 3}, set()),
    ],
)  # fmt: skip
def test_parts_that_contradict_the_persons_held_are_left_out_and_named(parts: Row, left_out: set[str]) -> None:
    says: Row = {
        "held": {}, "female": {"sex": "F"}, "male": {"sex": "M"}, "sentenced": {"legal_status": "SENTENCED"},
        "unsentenced": {"legal_status": "UNSENTENCED"}, "foreign": {"citizenship": "FOREIGN"},
        "juvenile": {"age": "JUVENILE"},
    }  # fmt: skip
    found = year_of(*(observation("FRA", value, **says[name]) for name, value in parts.items()))
    named = {name.removeprefix("persons_held_") for name in (found["inconsistent"] or "").split(", ")} - {""}
    assert named == left_out
    assert found["persons_held"] == parts.pop("held", None)
    shown = {name: found[f"persons_held_{name}"] for name in parts}
    assert shown == {name: None if name in left_out else value for name, value in parts.items()}


def admitted(year: int, value: float) -> Row:
    return observation("FRA", value, year, measure="admissions")


@pytest.mark.parametrize(("held", "shown"), [(722_120, None), (722_843, 722_120), (721_397, 722_120), (722_842, None)])
def test_a_stock_repeated_as_a_flow_is_no_count_of_admissions(held: float, shown: float | None) -> None:
    """Brazil, 2016: 722,120 held and as many admitted; 723 more or fewer are more than one in a thousand."""
    found = year_of(observation("FRA", held), admitted(2020, 722_120))
    assert (found["admissions"], found["inconsistent"]) == (shown, None if shown else "admissions")


@pytest.mark.parametrize(
    ("stocks", "shown"),
    [
        # Brazil, 2019: admissions are UNODC's persons held, and SISDEPEN's are the figure of the year
        ([{"value": 755_274, "source_id": "other"}, {"value": 731_188, "source_id": "src"}], False),
        # China, 2015: the sentenced, where nobody counted all
        ([{"value": 755_274, "legal_status": "SENTENCED"}], False),
        ([{"value": 755_275, "legal_status": "SENTENCED"}], True),  # a part may come near by chance
        # China, 2014: women and men together
        ([{"value": 700_000, "sex": "M"}, {"value": 55_274, "sex": "F"}], False),
        ([{"value": 700_000, "sex": "M"}, {"value": 25_274, "sex": "F"}], True),
        ([{"value": 755_274, "citizenship": "FOREIGN"}], True),
    ],
)
def test_a_stock_under_another_name_is_no_count_of_admissions(stocks: list[Row], shown: bool) -> None:
    rows = [observation("FRA", s.pop("value"), **s) for s in stocks]
    found = year_of(*rows, admitted(2020, 755_274))
    assert (found["admissions"] is not None) is shown
    assert ("admissions" in (found["inconsistent"] or "")) is not shown


@pytest.mark.parametrize(
    ("value", "shown"), [(1_408, False), (5_468, False), (5_469, True), (557_320, True), (557_321, False)]
)
def test_admissions_of_another_scale_than_the_other_years_are_left_out(value: float, shown: bool) -> None:
    """Canada: between 54,533 and 61,797 a year, and 1,408 in 2018. The middle one is 54,687, or 55,732 with a high one."""
    others = [admitted(year, v) for year, v in [(2012, 61_797), (2014, 54_687), (2016, 54_533), (2017, 55_732)]]
    found = year_of(*others, admitted(2020, value))
    assert (found["admissions"], found["inconsistent"]) == ((value, None) if shown else (None, "admissions"))
    assert year_of(*others, admitted(2020, value), year=2016)["admissions"] == 54_533


def test_the_headline_is_of_the_first_definition_that_may_stand_for_the_measure() -> None:
    by_authority, by_holder = observation("USA", 2_162_400), observation("USA", 2_157_800, definition="custody")
    found = year_of(by_authority, by_holder, place="USA")
    assert (found["persons_held"], found["persons_held_definition"]) == (2_157_800, "custody")
    assert found["sources"] == f"persons_held: {UNODC} (custody)"
    everybody, adults = observation("AUS", 43_984), observation("AUS", 43_028, definition="adult_prisons")
    found = year_of(everybody, adults, place="AUS")
    assert (found["persons_held"], found["persons_held_definition"]) == (43_984, None)
    found = year_of(adults, place="AUS")
    assert (found["persons_held"], found["persons_held_definition"]) == (43_028, "adult_prisons")


@pytest.mark.parametrize(
    "other",
    [
        {"measure": "prisoners_under_jurisdiction"}, {"definition": "prisons_without_local_jails"},
        {"measure": "official_capacity", "definition": "custody"},
    ],
)  # fmt: skip
def test_what_counts_others_never_stands_for_the_measure(other: Row) -> None:
    assert World([observation("USA", 1_230_100, **other)], until="country_year").rows("FROM country_year") == []
