"""The page on the back-test: in words, tables and pictures, how the estimate was tested on the past and how it did.

Every number on it is of table `backtest`, or of the rules by which the test was made. One file without script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from math import exp
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from exports.chart_backtest import AREAS, CASES, GOAL, GOAL_AHEAD, LEVELS, meets, size_name
from exports.chart_world import totals
from exports.drawing import Row, Tables, day, percent
from warehouse.estimate.rules import Rules
from warehouse.quality import STYLE

HERE = Path(__file__).parent
#: The pictures that belong to the test.
SHOWN = ("calibration", "errors", "series")


@dataclass(frozen=True)
class Group:
    """All rows of the table that are of the same sums or places."""

    name: str
    rows: Sequence[Row]

    def of(self, cases: str) -> list[Row]:
        """The rows of some cases, by years ahead."""
        return sorted((row for row in self.rows if row["cases"] == cases), key=lambda row: row["years_ahead"])


@cache
def _template() -> Template:
    known = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    known.filters["percent"] = percent
    known.filters["times"] = lambda logarithm: f"{exp(logarithm):.2f}"
    return known.get_template("backtest.html.j2")


def page(tables: Tables, rules: Rules, drawn: Mapping[str, str], edition: str) -> str:
    """The page; `drawn` holds the SVG of each picture by name, and under the name with `-narrow` its narrow form."""
    groups = grouped(tables["backtest"], rules.size_classes)
    world = [group for group in groups if group.rows[0]["level"] == "world"]
    of_world = [row["tested"] for group in world for row in group.of("all")]
    return _template().render(
        style=STYLE,
        edition=edition,
        reference=day(totals(tables)[-1]["as_of"]),
        rules=rules,
        levels=LEVELS,
        goal=[percent(end, 0) for end in GOAL],
        goal_ahead=GOAL_AHEAD,
        cases_named=CASES,
        fewest=min(of_world, default=0),
        most=max(of_world, default=0),
        places=[group for group in groups if group.rows[0]["level"] == "place"],
        sums=[group for group in groups if group.rows[0]["level"] != "place"],
        verdict=verdict,
        coverage=coverage(groups),
        against=against,
        groups=groups,
        whole=[group for group in groups if group.rows[0]["size_class"] == "_T"],
        across=[text for group in world for text in across_2020(group)],
        pictures=[(name, drawn[name], drawn[f"{name}-narrow"]) for name in SHOWN],
    )


def grouped(rows: Sequence[Row], bounds: Sequence[int]) -> list[Group]:
    """The rows of the table by what they are of: the world first, places last, these also by size."""

    def order(row: Row) -> tuple[int, str]:
        return list(AREAS).index(row["level"]), "" if row["size_class"] == "_T" else row["size_class"]

    found = []
    for (area, size), same in groupby(sorted(rows, key=order), key=order):
        level = list(AREAS)[area]
        found.append(Group(size_name(size or "_T", bounds) if level == "place" else AREAS[level], list(same)))
    return found


def verdict(row: Row) -> str:
    """Whether the intervals of 90 % held as often as they should."""
    if meets(row["covered_90"]):
        return "met"
    return "too wide" if row["covered_90"] > GOAL[1] else "too narrow"


def _sentence(row: Row, name: str) -> str:
    # At the very bound one more digit tells on which side it lies.
    digits = 2 if percent(row["covered_90"], 0) in {percent(end, 0) for end in GOAL} else 1
    return (
        f"{name}, {_years(row['years_ahead'])} ahead: {percent(row['covered_90'], digits)} of {row['tested']:,} cases"
    )


def _years(ahead: int) -> str:
    return f"{ahead} year{'s' if ahead > 1 else ''}"


def coverage(groups: Sequence[Group]) -> dict[str, object]:
    """Of the groups of places that the goal is set for: how many meet it, and each that does not, with its share."""
    judged = [
        (group.name, row)
        for group in groups
        if group.rows[0]["level"] == "place"
        for row in group.of("all")
        if row["years_ahead"] <= GOAL_AHEAD
    ]
    return {
        "judged": len(judged),
        "met": [_sentence(row, name) for name, row in judged if verdict(row) == "met"],
        "too_wide": [_sentence(row, name) for name, row in judged if verdict(row) == "too wide"],
        "too_narrow": [_sentence(row, name) for name, row in judged if verdict(row) == "too narrow"],
    }


def against(group: Group) -> str:
    """At how many distances the estimate erred by less than the last figure taken unchanged, and by at most half."""
    rows = group.of("all")
    smaller = sum(row["absolute_error"] < row["absolute_error_of_carrying"] for row in rows)
    half = sum(row["absolute_error"] <= row["absolute_error_of_carrying"] / 2 for row in rows)
    return f"{group.name}: the estimate's is the smaller at {smaller} of {len(rows)} distances, at most half at {half}."


def across_2020(group: Group) -> list[str]:
    """What the intervals of 90 % did for estimates from before 2020 for 2020 or later."""
    return [
        f"{_years(row['years_ahead'])} ahead: {percent(row['covered_90'], 0)} of {row['tested']:,} "
        f"case{'s' if row['tested'] > 1 else ''} in the interval of 90 %, the middle error "
        f"{'too high' if row['bias'] > 0 else 'too low'} by {percent(abs(row['bias']))}."
        for row in group.of("crossing_2020")
    ]
