"""The test on the past in pictures: how often intervals were right, and how far estimates were off."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

import altair as alt

from exports.chart_world import totals
from exports.drawing import (
    INK,
    MIDDLE,
    PALE,
    PAPER,
    SMALL,
    SOFT,
    STRONG,
    Panel,
    Picture,
    Row,
    Tables,
    Words,
    beside,
    block,
    data,
    day,
    layer,
    percent,
    point,
)

#: The shares that the intervals are named for.
LEVELS = (50, 80, 90)
#: An interval of 90 % is taken to be right where it held between these shares of what was published later, up to so
#: many years ahead: three points to either side, which the chance of a thousand cases would hardly exceed.
GOAL, GOAL_AHEAD = (0.87, 0.93), 4

#: A box behind one digit.
BOX = "M-0.6,-1H0.6V1H-0.6Z"

#: The sums and places that are tested, the largest first.
AREAS = {"world": "The world", "region": "Regions", "subregion": "Subregions", "place": "Places"}
CASES = {"all": "all cases", "not_crossing_2020": "not across 2020", "crossing_2020": "across 2020"}


def size_name(size_class: str, bounds: Sequence[int]) -> str:
    """What places a class of size holds; a class is how many of the bounds they reach."""
    if size_class == "_T":
        return "All places"
    reached = int(size_class)
    if reached == 0:
        return f"Fewer than {bounds[0]:,} prisoners"
    if reached == len(bounds):
        return f"{bounds[-1]:,} prisoners and more"
    return f"{bounds[reached - 1]:,} to {bounds[reached] - 1:,} prisoners"


def meets(share: float) -> bool:
    """Whether an interval of 90 % that held this share is right."""
    return GOAL[0] <= share <= GOAL[1]


def _of(tables: Tables, **wanted: str) -> list[Row]:
    rows = [row for row in tables["backtest"] if all(row[key] == value for key, value in wanted.items())]
    return sorted(rows, key=lambda row: row["years_ahead"])


def _reference(tables: Tables) -> str:
    return f"Reference day: {day(totals(tables)[-1]['as_of'])}."


# Calibration


def calibration(tables: Tables, bounds: Sequence[int]) -> Picture:
    """The share that intervals of 50, 80 and 90 % held, against these shares, by size of place and years ahead."""
    classes = sorted({row["size_class"] for row in tables["backtest"] if row["level"] == "place"}, key=_place_in_order)
    panels = {c: _of(tables, level="place", size_class=c, cases="all") for c in classes}
    judged = [row for rows in panels.values() for row in rows if row["years_ahead"] <= GOAL_AHEAD]
    met = sum(meets(row["covered_90"]) for row in judged)
    low, high = (percent(end, 0) for end in GOAL)
    return Picture(
        title=f"In {met} of {len(judged)} groups of cases, intervals of 90 % held {low} to {high}",
        subtitle=(
            "How often the interval for a place held what was published later, against the share that it is named for; "
            "groups by the place's prisoners and by years ahead, of n cases each. The title counts those up to "
            f"{GOAL_AHEAD} years ahead."
        ),
        source=f"Custody, table backtest; cases of one place overlap in time. {_reference(tables)}",
        told=" ".join(
            f"{size_name(c, bounds)}, {row['years_ahead']} years ahead, {row['tested']:,} cases: "
            + ", ".join(f"{level} % held {percent(row[f'covered_{level}'])}" for level in LEVELS)
            + "."
            for c, rows in panels.items()
            for row in rows
        ),
        panels=lambda width: _calibration_panels(panels, bounds, width),
        margin=40,
    )


def _place_in_order(size_class: str) -> int:
    return -1 if size_class == "_T" else int(size_class)


def _calibration_panels(panels: dict[str, list[Row]], bounds: Sequence[int], width: int) -> list[Panel]:
    shares = [row[f"covered_{level}"] for rows in panels.values() for row in rows for level in LEVELS]
    lowest = min(0.4, floor(10 * min(shares, default=0.4)) / 10)
    across = 2 if width > 500 else 1
    each = (width - 40) // across - (26 if across > 1 else 0)
    made = [_calibration_panel(rows, size_name(c, bounds), lowest, each) for c, rows in panels.items()]
    low, high = (percent(end, 0) for end in GOAL)
    key = [
        Words("The numbers are years ahead of the last figure.", SMALL),
        Words("exactly the share that it is named for", SMALL, sign="line", sign_tone=STRONG),
        Words("the diagonal of all such shares", SMALL, sign="dashed", sign_tone=SOFT),
        Words(f"{low} to {high} for 90 %", SMALL, sign="band", sign_tone=PALE),
        Words("outside of it", SMALL, sign=BOX, sign_tone=INK),
    ]
    rows = [beside(made[i : i + across]) for i in range(0, len(made), across)]
    return [*rows, block(key, width, 40)]


def _calibration_panel(rows: Sequence[Row], name: str, lowest: float, width: int) -> Panel:
    middle = (len(rows) - 1) / 2
    points = [
        {
            "x": level + (i - middle) * 1.75,
            "y": 100 * row[f"covered_{level}"],
            "ahead": str(row["years_ahead"]),
            "nominal": level,
            "outside": level == 90 and not meets(row["covered_90"]),
        }
        for i, row in enumerate(rows)
        for level in LEVELS
    ]
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[44, 96], nice=False, zero=False),
        axis=alt.Axis(values=list(LEVELS), labelExpr="datum.value + ' %'", title="interval", grid=False),
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[100 * lowest, 100], nice=False, zero=False),
        axis=alt.Axis(
            values=list(range(round(100 * lowest), 101, 10)),
            labelExpr="datum.value + ' %'",
            title=None,
            minExtent=34,
            maxExtent=34,
        ),
    )
    x2, y2 = alt.X2("x2:Q"), alt.Y2("y2:Q")
    half = 4.7
    goal = [{"x": 90 - half, "x2": 90 + half, "y": 100 * GOAL[0], "y2": 100 * GOAL[1]}]
    exact = [{"x": level - half, "x2": level + half, "y": level} for level in LEVELS]
    diagonal = [{"x": end, "y": end} for end in (44, 96)]
    cases = [row["tested"] for row in rows]
    layers: list[alt.Chart] = [
        alt.Chart(data(goal)).mark_rect(color=PALE, opacity=1).encode(x=x, x2=x2, y=y, y2=y2),
        alt.Chart(data(diagonal)).mark_line(color=SOFT, strokeWidth=1, strokeDash=[5, 3]).encode(x=x, y=y),
        alt.Chart(data(exact)).mark_rule(color=STRONG, strokeWidth=2).encode(x=x, x2=x2, y=y),
    ]
    digits: dict[str, Any] = {"fontSize": SMALL, "fontWeight": "bold", "dy": 0.5}
    inside, outside = ([p for p in points if p["outside"] == out] for out in (False, True))
    for look in ({"color": PAPER, "stroke": PAPER, "strokeWidth": 2.5}, {"color": INK}):
        layers.append(alt.Chart(data(inside)).mark_text(**digits, **look).encode(x=x, y=y, text=alt.Text("ahead:N")))
    layers.append(point(outside, BOX, INK, False, 100, x=x, y=y))
    layers.append(alt.Chart(data(outside)).mark_text(**digits, color=PAPER).encode(x=x, y=y, text=alt.Text("ahead:N")))
    title = alt.TitleParams(
        text=name,
        subtitle=f"n = {_range(cases)}",
        anchor="start",
        fontSize=12,
        subtitleFontSize=SMALL,
        color=INK,
        subtitleColor=SOFT,
        offset=6,
    )
    return layer(*layers, width=width, height=200, title=title)


# Errors


def errors(tables: Tables) -> Picture:
    """The median absolute error of the estimate and of the last figure taken unchanged, by years ahead."""
    found = {
        (level, cases): _of(tables, level=level, size_class="_T", cases=cases) for level in AREAS for cases in CASES
    }
    better = {
        level: sum(row["absolute_error"] < row["absolute_error_of_carrying"] for row in found[level, "all"])
        for level in AREAS
    }
    distances = len(found["world", "all"])
    return Picture(
        title=(
            f"For the world, the estimate erred by less than carrying forward at {better['world']} of {distances} "
            f"distances; for places at {better['place']} of {len(found['place', 'all'])}"
        ),
        subtitle=(
            "The middle size of the error against what was published later, by years ahead: of the estimate, and of "
            "the last figure taken unchanged. n: number of cases. Each row has its own scale, from nought."
        ),
        source=f"Custody, table backtest. {_reference(tables)}",
        told=" ".join(
            f"{AREAS[level]}, {CASES[cases]}, {row['years_ahead']} years ahead: "
            f"{percent(row['absolute_error'])} against {percent(row['absolute_error_of_carrying'])}."
            for (level, cases), rows in found.items()
            for row in rows
        ),
        panels=lambda width: [
            block(
                [
                    Words("the estimate", SMALL, sign="circle", sign_tone=STRONG),
                    Words(
                        "the last figure, taken unchanged", SMALL, sign="square", sign_tone=MIDDLE, hollow=True, after=0
                    ),
                ],
                width,
                40,
            ),
            *(_error_row(level, {cases: found[level, cases] for cases in CASES}, width - 40) for level in AREAS),
        ],
        margin=40,
    )


def _error_row(level: str, panels: dict[str, list[Row]], width: int) -> Panel:
    every = [row for rows in panels.values() for row in rows]
    reach = 1.12 * max((100 * max(r["absolute_error"], r["absolute_error_of_carrying"]) for r in every), default=1)
    farthest = max((row["years_ahead"] for row in every), default=1)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if reach / step < 5)
    ticks = [
        tick for tick in range(0, int(reach) + 1, step) if tick < 0.93 * reach
    ]  # one at the top would move the title
    each = width // len(panels) - 10
    made = []
    for i, (cases, rows) in enumerate(panels.items()):
        x = alt.X(
            "x:Q",
            scale=alt.Scale(domain=[0.6, farthest + 0.4], nice=False, zero=False),
            axis=alt.Axis(
                values=list(range(1, farthest + 1)),
                format="d",
                title="years ahead" if level == "place" else None,
                grid=False,
            ),
        )
        axis = alt.Axis(
            values=ticks, labels=i == 0, ticks=False, domain=False, title=None, labelExpr="datum.value + ' %'",
            minExtent=34 if i == 0 else 0,
            maxExtent=34 if i == 0 else 0,
        )  # fmt: skip
        y = alt.Y("y:Q", scale=alt.Scale(domain=[0, reach], nice=False), axis=axis)
        layers: list[alt.Chart] = []
        for column, tone, dash, shape, hollow in (
            ("absolute_error_of_carrying", MIDDLE, [5, 3], "square", True),
            ("absolute_error", STRONG, [1, 0], "circle", False),
        ):
            points = [{"x": row["years_ahead"], "y": 100 * row[column]} for row in rows]
            layers.append(
                alt.Chart(data(points)).mark_line(color=tone, strokeWidth=1.8, strokeDash=dash).encode(x=x, y=y)
            )
            layers.append(point(points, shape, tone, hollow, 46, x=x, y=y))
        tested = [row["tested"] for row in rows]
        title = alt.TitleParams(
            text=AREAS[level], subtitle=[CASES[cases], f"n = {_range(tested)}"], anchor="start", frame="group",
            fontSize=12, subtitleFontSize=SMALL, color=INK, subtitleColor=SOFT, offset=6,
        )  # fmt: skip
        made.append(layer(*layers, width=each, height=110, title=title))
    return beside(made)


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers, default=0), max(numbers, default=0)
    return f"{low:,}" if low == high else f"{low:,}\N{EN DASH}{high:,}"
