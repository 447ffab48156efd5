"""The world in pictures: the walk to the total of the reference day, and the total of every year's end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt

from exports.drawing import (
    INK,
    MIDDLE,
    PALE,
    PAPER,
    SIZE,
    SMALL,
    SOFT,
    STRONG,
    Panel,
    Picture,
    Row,
    Tables,
    Words,
    at,
    block,
    data,
    day,
    layer,
    persons,
    plain,
    point,
    wrapped,
)

MILLION = 1_000_000


def millions(value: float) -> str:
    """A count in millions."""
    return f"{value / MILLION:.1f} million"


def totals(tables: Tables) -> list[Row]:
    """The total of the world on each day, everybody, the latest last."""
    rows = [
        row for row in tables["world_total"] if row["level"] == "world" and row["sex"] == row["legal_status"] == "_T"
    ]
    return sorted(rows, key=lambda row: row["as_of"])


# The walk


def walk(tables: Tables) -> Picture:
    """How the total of the reference day is made: a waterfall, of which each step also states its number."""
    total = totals(tables)[-1]
    steps = sorted((r for r in tables["world_walk"] if r["as_of"] == total["as_of"]), key=lambda r: r["step"])
    sure = total["low"] is not None
    interval = f"{persons(total['low'])} to {persons(total['high'])}" if sure else "not known, the history is too short"
    return Picture(
        title=f"How {millions(total['central'])} prisoners add up",
        subtitle=(
            "Persons in prison in the world, from the plain sum of what is published to the total. Filled bars are "
            "added, hollow ones taken away, narrow ones stand beside the sum; what is unknown counts as nothing."
        ),
        source=f"Custody, tables world_walk and world_total. Reference day: {day(total['as_of'])}.",
        told=" ".join(f"{_title(step)}: {_value(step)}." for step in steps) + f" Interval of 90 %: {interval}.",
        panels=lambda width: [_steps(steps, total, interval, width)],
    )


def _title(step: Row) -> str:
    places = step["places"]
    return plain(step["title"]) + (
        f" ({places:,}\N{NO-BREAK SPACE}place{'s' if places != 1 else ''})" if places else ""
    )


def _value(step: Row) -> str:
    if step["value"] is None:
        return "unknown"
    return persons(step["value"], sign=step["role"] == "component" and step["step"] > 1)


def _steps(steps: Sequence[Row], total: Row, interval: str, width: int) -> Panel:
    bars: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    level, top, sum_at = 0.0, 0.0, 0.0
    for step in steps:
        value, role = step["value"], step["role"]
        memo, sums = role == "memo", role in ("subtotal", "total")
        size = SMALL if memo else SIZE
        lines = wrapped(_title(step), width - 92, size, bold=sums)
        text = {"y": top, "kind": "memo" if memo else "sum" if sums else "step"}
        texts += [text | {"side": "left", "text": "\n".join(lines)}, text | {"side": "right", "text": _value(step)}]
        top += (len(lines) - 1) * size * 1.25 + size + 3
        if value is not None:
            start = level if role == "component" else 0.0
            level = start + value if not memo else level
            high = 5 if memo else 13
            kind = "memo" if memo else "sum" if sums else "taken" if value < 0 else "added"
            bars.append(
                {"step": step["step"], "x": start, "x2": start + value, "y": top, "y2": top + high, "kind": kind}
            )
            if links and not memo:
                links[-1]["y2"] = top
            top += high
            if not memo:
                links.append({"x": level, "y": top})
        if role == "total":
            sum_at = top - 6.5
            texts.append({"y": top + 5, "kind": "memo", "side": "left", "text": f"90 % interval: {interval}"})
            top += 5 + SMALL * 1.25
        top += 14
    reach = 1.01 * max([total["high"] or 0, *(max(bar["x"], bar["x2"]) for bar in bars)])
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, reach], nice=False),
        axis=_million_axis(reach, title="million persons", titleAnchor="start", grid=False),
    )
    x2, y, y2 = alt.X2("x2:Q"), at("y", 0, top, down=True), alt.Y2("y2:Q")
    looks: dict[str, dict[str, Any]] = {
        "sum": {"fill": STRONG, "stroke": STRONG}, "added": {"fill": MIDDLE, "stroke": MIDDLE},
        "taken": {"fill": PAPER, "stroke": MIDDLE}, "memo": {"fill": PALE, "stroke": STRONG, "strokeWidth": 0.5},
    }  # fmt: skip
    layers: list[alt.Chart] = [
        alt.Chart(data(links[:-1])).mark_rule(color=SOFT, strokeDash=[2, 2]).encode(x=x, y=y, y2=y2),
        *_written(texts, y, width, color=PAPER, stroke=PAPER, strokeWidth=4),  # under the words, over the dashed lines
    ]
    for kind, look in looks.items():
        of_kind = [bar for bar in bars if bar["kind"] == kind]
        layers.append(alt.Chart(data(of_kind)).mark_rect(**{"strokeWidth": 1.5, **look}).encode(x=x, x2=x2, y=y, y2=y2))
    if total["low"] is not None:
        line = {"x": total["low"], "x2": total["high"], "y": sum_at}
        caps = [{"x": total[end], "y": sum_at - 5, "y2": sum_at + 5} for end in ("low", "high")]
        for tone, thick in ((PAPER, 4.5), (INK, 1.8)):  # paper around ink, to be seen on the bar and beside it
            layers.append(alt.Chart(data([line])).mark_rule(color=tone, strokeWidth=thick).encode(x=x, x2=x2, y=y))
            layers.append(alt.Chart(data(caps)).mark_rule(color=tone, strokeWidth=thick).encode(x=x, y=y, y2=y2))
    return layer(*layers, *_written(texts, y, width), width=width, height=top)


def _written(texts: Sequence[Row], y: alt.X | alt.Y, width: int, **tones: Any) -> list[alt.Chart]:
    layers = []
    for kind, tone, size in (("memo", SOFT, SMALL), ("step", INK, SIZE), ("sum", INK, SIZE)):
        for side, where in (("left", 0), ("right", width)):
            look: dict[str, Any] = {
                "align": side,
                "baseline": "top",
                "lineBreak": "\n",
                "lineHeight": size * 1.25,
                "fontSize": size,
            }
            look["fontWeight"] = "bold" if kind == "sum" else "normal"
            mark = alt.Chart(data(t for t in texts if t["kind"] == kind and t["side"] == side)).mark_text(
                **look, **({"color": tone} | tones)
            )
            layers.append(mark.encode(x=alt.value(where), y=y, text=alt.Text("text:N")))
    return layers


def _million_axis(reach: float, **more: Any) -> alt.Axis:
    step = 2 if reach > 6 * MILLION else 1
    values = [i * MILLION for i in range(0, int(reach / MILLION) + 1, step)]
    return alt.Axis(values=values, labelExpr="format(datum.value / 1e6, ',')", **more)


# The series


def series(tables: Tables) -> Picture:
    """The total of each year's end with its interval, and what others have published."""
    years = totals(tables)
    others = sorted(tables["comparison"], key=lambda r: (r["as_of"], r["citation"], r["reference"]))
    first, last = years[0], years[-1]
    inside = sum(bool(row["inside_interval"]) for row in others)
    within = sum(bool(row["inside_interval_with_gaps"]) for row in others)
    return Picture(
        title=(
            f"From {millions(first['central'])} to {millions(last['central'])} people in prison, "
            f"{first['as_of'].year} to {last['as_of'].year}"
        ),
        subtitle=(
            "Million persons in prison in the world at each year's end, the interval of 90 % as tested on the past, "
            "and totals that others have published, at the nearest year's end. The axis begins at nought."
        ),
        source=f"Custody, tables world_total and comparison. Reference day: {day(last['as_of'])}.",
        told=(
            " ".join(f"{day(row['as_of'])}: {persons(row['central'])}{_between(row)}." for row in years)
            + " Published by others: "
            + " ".join(f"{_other(row)}." for row in others)
            + f" Of {len(others)}, {inside} lie in the interval, {within} when what they leave out is added."
        ),
        panels=lambda width: [_years(years, others, width - 26), block(_key(others), width, 26)],
        margin=26,
    )


def _between(row: Row) -> str:
    return "" if row["low"] is None else f", between {persons(row['low'])} and {persons(row['high'])}"


def _other(row: Row) -> str:
    left = row["of_gaps_left_out"]
    out = f"; leaves out {persons(left)} that no source counts" if left else ""
    about = "about " if row["circa"] else ""
    return f"{plain(row['citation'])}, {plain(row['reference'])}: {about}{persons(row['published'])}{out}"


def _key(others: Sequence[Row]) -> list[Words]:
    key = [
        Words("Custody's total", sign="line", sign_tone=STRONG),
        Words("its interval of 90 %", sign="band", sign_tone=PALE),
    ]
    if others:
        more = "the same with the people added whom it leaves out and no source counts"
        key.append(Words("published by others, numbered below", sign="diamond", sign_tone=MIDDLE))
        key.append(Words(more, sign="diamond", sign_tone=MIDDLE, hollow=True, after=8))
    return key + [Words(f"{i}  {_other(row)}", SMALL, SOFT) for i, row in enumerate(others, 1)]


def place_in_time(when: date) -> float:
    """A day in years, so that a year's last day is the year itself."""
    return when.year + (when.timetuple().tm_yday - date(when.year, 12, 31).timetuple().tm_yday) / 365


def _years(years: Sequence[Row], others: Sequence[Row], width: int) -> Panel:
    rows = [
        {"x": place_in_time(r["as_of"]), "central": r["central"], "low": r["low"], "high": r["high"]} for r in years
    ]
    points = [
        {
            "x": place_in_time(r["as_of"]),
            "published": r["published"],
            "with": r["published"] + (r["of_gaps_left_out"] or 0),
            "no": str(i),
        }
        for i, r in enumerate(others, 1)
    ]
    sure = [row for row in rows if row["low"] is not None]
    reach = 1.06 * max(v for row in rows for v in (row["central"], row["high"] or 0))
    first, last = rows[0]["x"], rows[-1]["x"]
    room = (last - first or 1) * 86 / max(width - 86, 1)  # at the right, for the last year's numbers
    ticks = [year for year in range(int(first), int(last) + 1) if (int(last) - year) % (4 if width < 500 else 2) == 0]
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[first - 0.3, last + room], nice=False, zero=False),
        axis=alt.Axis(values=ticks, format="d", title="end of year", titleAnchor="start", grid=False),
    )
    scale = alt.Scale(domain=[0, reach], nice=False)
    grid = _million_axis(reach, title=None, grid=True, domain=False, ticks=False, minExtent=20, maxExtent=20)
    base = alt.Chart(data(rows)).encode(x=x)
    thin: dict[str, Any] = {"color": STRONG, "strokeWidth": 0.8, "strokeDash": [2, 2]}
    held = alt.Chart(data(sure)).encode(x=x)
    low, high = alt.Y("low:Q", scale=scale, axis=grid), alt.Y("high:Q", scale=scale)
    layers: list[alt.Chart] = [
        held.mark_area(color=PALE, opacity=1).encode(y=low, y2=alt.Y2("high:Q")),
        held.mark_line(**thin).encode(y=low),
        held.mark_line(**thin).encode(y=high),
        base.mark_line(color=STRONG, strokeWidth=2.5).encode(y=alt.Y("central:Q", scale=scale, axis=grid)),
    ]
    if points:
        moved = [p for p in points if p["with"] != p["published"]]
        y, up = alt.Y("published:Q", scale=scale), alt.Y("with:Q", scale=scale)
        layers += [
            alt.Chart(data(moved))
            .mark_rule(color=MIDDLE, strokeWidth=1.5, strokeDash=[2, 2])
            .encode(x=x, y=y, y2=alt.Y2("with:Q")),
            point(moved, "diamond", MIDDLE, True, 46, x=x, y=up),
            point(points, "diamond", MIDDLE, False, 90, x=x, y=y),
            alt.Chart(data(points))
            .mark_text(dy=15, fontWeight="bold", color=INK)
            .encode(x=x, y=y, text=alt.Text("no:N")),
        ]
    ends: list[tuple[str, dict[str, Any]]] = [
        ("central", {"fontWeight": "bold"}),
        ("low", {"color": SOFT}),
        ("high", {"color": SOFT}),
    ]
    for which, look in ends:
        if rows[-1][which] is None:
            continue
        label = [{"x": last, "y": rows[-1][which], "text": millions(rows[-1][which])}]
        mark = alt.Chart(data(label)).mark_text(align="left", dx=8, **look)
        layers.append(mark.encode(x=x, y=alt.Y("y:Q", scale=scale), text=alt.Text("text:N")))
    return layer(*layers, width=width, height=360)
