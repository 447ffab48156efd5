"""Figures reckoned by hand, from the files of a release alone and the words of docs/method.md.

Nothing of Custody is imported: whoever has the CSV files can do the same with these pages as the recipe.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

Row = dict[str, str]


class Tables:
    """The CSV files of a release; a missing value is an empty cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tables"
        self.rows = cache(self._rows)

    def _rows(self, name: str) -> list[Row]:
        return list(self.read(name))

    def read(self, name: str, **values: str) -> Iterator[Row]:
        """The rows with these values, one after the other: a file may be large."""
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            header = next(lines)
            wanted = [(header.index(column), value) for column, value in values.items()]
            for cells in lines:
                if all(cells[i] == value for i, value in wanted):
                    yield dict(zip(header, cells, strict=True))

    def where(self, name: str, **values: str) -> list[Row]:
        return [row for row in self.rows(name) if all(row[k] == v for k, v in values.items())]

    def one(self, name: str, **values: str) -> Row:
        (row,) = self.where(name, **values)
        return row


@pytest.fixture(scope="module")
def tables(release: Path) -> Tables:
    return Tables(release)


# One place's chosen figure

# docs/method.md, "Choosing one figure": what goes first in each respect, in the order in which they are asked.
TIERS = ["national", "international", "curated"]
GRADES = ["", "raw_file", "official_page", "report_copy", "abstract", "table_in_review", "secondary", "press"]
KINDS = ["point", "during", "average", "unknown_day"]
STATUSES = ["A", "B", "P", "E"]
SOURCES = ["eurostat_prisons", "unodc_prisons"]
RULES = ["tier", "grade", "period_kind", "status", "later_day", "vintage", "order"]
EVERYBODY = {
    "facility": "_T",
    "measure": "persons_held",
    "sex": "_T",
    "age": "_T",
    "legal_status": "_T",
    "citizenship": "_T",
    "offence": "_T",
    "definition": "",
}


@pytest.mark.parametrize("place", ["DEU", "POL", "SWE"])
def test_one_places_chosen_figures(tables: Tables, place: str) -> None:
    tier = {row["source_id"]: row["tier"] for row in tables.rows("source")}
    current = {(s["source_id"], s["file"], s["vintage"]) for s in tables.where("snapshot", current="true")}
    candidates: dict[int, list[Row]] = {}
    for row in tables.read("observation", place_id=place, **EVERYBODY):
        begin, end = (date.fromisoformat(row[day]) for day in ("period_start", "period_end"))
        if row["value"] and (end - begin).days <= 366 and (row["source_id"], row["file"], row["vintage"]) in current:
            candidates.setdefault(end.year, []).append(row)

    def rank(row: Row) -> tuple[object, ...]:
        source = SOURCES.index(row["source_id"]) if row["source_id"] in SOURCES else len(SOURCES)
        day = -date.fromisoformat(row["period_end"]).toordinal()
        newer = tuple(-ord(c) for c in row["vintage"])  # the newer vintage first
        return (TIERS.index(tier[row["source_id"]]), GRADES.index(row["grade"]), KINDS.index(row["period_kind"]),
                STATUSES.index(row["status"]), day, newer, (source, row["source_id"], row["dataset"]))  # fmt: skip

    figures = {int(row["year"]): row for row in tables.read("figure", place_id=place, derived="false", **EVERYBODY)}
    assert set(figures) == set(candidates) and len(figures) >= 15
    decided = set()
    for year, rivals in candidates.items():
        chosen, *others = sorted(rivals, key=rank)
        figure = figures[year]
        assert (figure["observation_id"], float(figure["value"])) == (
            chosen["observation_id"],
            float(chosen["value"]),
        ), year
        assert int(figure["candidates"]) == len(rivals)
        assert [r["observation_id"] for r in json.loads(figure["rivals"] or "[]")] == [
            r["observation_id"] for r in others
        ]
        differs = [a != b for a, b in zip(rank(chosen), rank(others[0]), strict=True)] if others else []
        assert figure["rule"] == (RULES[differs.index(True)] if others else "only"), year
        decided.add(figure["rule"])
    assert decided - {"only"}, "the rules have decided something"


# One place brought to the day

SPANS_OF_PACE = (3, 2, 4, 5, 1)
PACE_AT_MOST, PRIOR_YEARS, LEAST_UNREST, SPREAD_AT_MOST = 0.15, 4, 0.005, 1.0
DAY = "2025-12-31"


class Place:
    """The published history of a place up to a day, and what docs/method.md makes of it."""

    def __init__(self, tables: Tables, place: str, day: str) -> None:
        figures = [
            f for f in tables.where("headline", place_id=place) if f["period_end"] <= day and float(f["value"]) > 0
        ]
        self.logs = {int(f["year"]): (math.log(float(f["value"])), f["definition"]) for f in figures}
        self.last = max(figures, key=lambda f: f["period_end"])
        self.year, self.value = int(self.last["year"]), float(self.last["value"])
        self.years = (date.fromisoformat(day) - date.fromisoformat(self.last["period_end"])).days / 365.25
        self.rules = {
            int(r["years"]): {k: float(v) for k, v in r.items() if k != "direction"}
            for r in tables.where("change_rule", direction="onward")
        }
        at = min(max(self.years, 1), len(self.rules))
        self.lower, self.upper = math.floor(at), min(math.floor(at) + 1, len(self.rules))
        self.part, self.beyond, self.nearest = at - math.floor(at), self.years / at, round(at)

    @property
    def pace(self) -> float:
        """Its yearly change over the first of the spans for which there are two figures by one definition."""
        now, definition = self.logs[self.year]
        for span in SPANS_OF_PACE:
            before, by = self.logs.get(self.year - span, (0.0, None))
            if by == definition:
                return max(-PACE_AT_MOST, min(PACE_AT_MOST, (now - before) / span))
        return 0.0

    @property
    def unrest(self) -> float:
        """Its mean absolute yearly change, drawn to the usual one."""
        steps = []
        known = sorted(self.logs)
        for before, after in pairwise(known):
            (a, by), (b, definition) = self.logs[before], self.logs[after]
            if by == definition:
                steps.append(min(1, abs(b - a) / math.sqrt(after - before)))
        usual = self.rules[1]["usual_unrest"]
        return max(LEAST_UNREST, (sum(steps) + PRIOR_YEARS * usual) / (len(steps) + PRIOR_YEARS))

    @property
    def persons(self) -> float:
        """The last figure times exp(years x (drift + follow x pace)), between two numbers of years mixed of both."""
        lower, upper = (
            n * (self.rules[n]["drift"] + self.rules[n]["follow"] * self.pace) for n in (self.lower, self.upper)
        )
        return self.value * math.exp(((1 - self.part) * lower + self.part * upper) * self.beyond)

    @property
    def width(self) -> float:
        """The logarithm of the upper over the lower end of its interval."""
        lower, upper = (
            math.exp(
                r["spread_base"] + r["spread_size"] * math.log(self.value) + r["spread_unrest"] * math.log(self.unrest)
            )
            for r in (self.rules[self.lower], self.rules[self.upper])
        )
        spread = min(SPREAD_AT_MOST, ((1 - self.part) * lower + self.part * upper) * math.sqrt(self.beyond))
        return spread * (self.rules[self.nearest]["high_90"] - self.rules[self.nearest]["low_90"])


def test_one_places_estimate(tables: Tables) -> None:
    brazil = Place(tables, "BRA", DAY)
    estimate = tables.one("estimate", place_id="BRA", as_of=DAY)
    assert estimate["basis"] == "brought_forward" and estimate["figure_id"] == brazil.last["figure_id"]
    assert float(estimate["years"]) == pytest.approx(brazil.years)
    assert float(estimate["persons"]) == round(brazil.persons)
    assert math.log(float(estimate["high"]) / float(estimate["low"])) == pytest.approx(brazil.width, abs=1e-4)


def test_every_other_estimate_that_is_brought_forward_is_made_so(tables: Tables) -> None:
    found = [e for e in tables.where("estimate", as_of=DAY, basis="brought_forward") if float(e["persons"])]
    assert len(found) > 150
    for estimate in found:
        place = Place(tables, estimate["place_id"], DAY)
        persons, low, high = (float(estimate[name]) for name in ("persons", "low", "high"))
        assert persons == pytest.approx(place.persons, abs=0.501), estimate["place_id"]
        if low > 5000:  # below, that persons are whole shows
            assert math.log(high / low) == pytest.approx(place.width, abs=1e-3), estimate["place_id"]


def test_a_line_between_two_figures(tables: Tables) -> None:
    figures = {row["figure_id"]: row for row in tables.rows("headline")}
    found = [e for e in tables.where("estimate", as_of="2009-12-31", basis="interpolated") if float(e["persons"])]
    assert len(found) > 5
    for estimate in found:
        before, after = figures[estimate["figure_id"]], figures[estimate["next_figure_id"]]
        since, day, until = (
            date.fromisoformat(d) for d in (before["period_end"], estimate["as_of"], after["period_end"])
        )
        share = (day - since).days / (until - since).days
        persons = float(before["value"]) ** (1 - share) * float(after["value"]) ** share
        assert float(estimate["persons"]) == pytest.approx(persons, abs=0.501), estimate["place_id"]


# One year's total


@pytest.mark.parametrize("day", ["2022-12-31", DAY])
def test_one_years_total(tables: Tables, day: str) -> None:
    """Places that stand in the total by a figure of their own, and the gaps: beside figures, or instead where there is none."""
    role = {row["place_id"]: row["role"] for row in tables.where("world_place", as_of=day)}
    region = {row["place_id"]: row["region"] for row in tables.rows("place")}
    sums: dict[str, float] = {}
    for estimate in tables.where("estimate", as_of=day):
        if role[estimate["place_id"]] in ("reported", "carried_forward", "brought_back"):
            sums[region[estimate["place_id"]]] = sums.get(region[estimate["place_id"]], 0) + float(estimate["persons"])
    for gap in tables.rows("gap"):
        if gap["central"] and (gap["counts"] == "beside" or role[gap["place_id"]] == "gap"):
            sums[region[gap["place_id"]]] += float(gap["central"])
    total = tables.one("world_total", as_of=day, level="world", sex="_T", legal_status="_T")
    assert float(total["central"]) == sum(sums.values())
    regions = tables.where("world_total", as_of=day, level="region", sex="_T", legal_status="_T")
    assert {row["name"]: float(row["central"]) for row in regions} == sums
    assert float(total["per_100k"]) == pytest.approx(sum(sums.values()) / float(total["population"]) * 100_000)


# How often the intervals were right


@pytest.mark.parametrize(
    ("level", "size_class", "ahead"), [("place", "_T", "2"), ("place", "3", "4"), ("world", "_T", "3")]
)
def test_one_coverage_of_the_back_test(tables: Tables, level: str, size_class: str, ahead: str) -> None:
    cases = [
        {
            name: float(case[name])
            for name in ("central", "carried", "published", "low_50", "high_50", "low_90", "high_90")
        }
        for case in tables.where("backtest_case", level=level, years_ahead=ahead)
        if size_class in ("_T", case["size_class"])
    ]
    row = tables.one("backtest", level=level, size_class=size_class, years_ahead=ahead, cases="all")
    assert int(row["tested"]) == len(cases)
    for share in ("50", "90"):
        inside = [case[f"low_{share}"] <= case["published"] <= case[f"high_{share}"] for case in cases]
        assert float(row[f"covered_{share}"]) == pytest.approx(sum(inside) / len(cases))
    errors = [abs(math.log(case["central"] / case["published"])) for case in cases]
    assert float(row["absolute_error"]) == pytest.approx(median(errors))
    carried = [abs(math.log(case["carried"] / case["published"])) for case in cases]
    assert float(row["absolute_error_of_carrying"]) == pytest.approx(median(carried))
