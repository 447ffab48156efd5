"""Disagreement in a picture: figures that were not chosen, as multiples of those that were."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import inf
from statistics import median
from typing import Any

import altair as alt

from dictionary.model import dictionary
from exports.chart_world import totals
from exports.drawing import (
    INK,
    MIDDLE,
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

#: Counts below this are drawn short: one person more or less is a large share of them.
FEW = 100
#: Steps of the axis, as multiples.
MARKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def source_name(source: Row) -> str:
    """A source by its publisher's short name where it has one; Custody's own tables by their title."""
    if source["publisher"] == "Custody":
        return plain(source["title"])
    short = re.search(r"\(([A-Z]{3,8})\)", source["publisher"])
    return short[1] if short else plain(source["publisher"])


def multiple(row: Row) -> float:
    """The rival as a multiple of the chosen value; infinite where only that is zero."""
    if row["value"]:
        return float(row["rival_value"] / row["value"])
    return inf if row["rival_value"] else 1.0


def disagreement(tables: Tables) -> Picture:
    """Each rival as a multiple of the figure chosen over it, by measure and by the two sources."""
    sources = {source["source_id"]: source_name(source) for source in tables["source"]}
    places = {place["place_id"]: plain(place["name"]) for place in tables["place"]}
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in tables["disagreement"]:
        groups.setdefault((row["measure"], row["source_id"], row["rival_source_id"]), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    named = [(_name(key, rows, sources), rows) for key, rows in ordered]
    every = tables["disagreement"]
    within = sum(row["difference"] is not None and abs(row["difference"]) <= 0.1 for row in every)
    return Picture(
        title=(
            f"{len(every):,} published figures differ by more than 2 % from the one chosen over them, "
            f"{within:,} of them by up to 10 %"
            if every
            else "No published figure differs by more than 2 % from the one chosen over it"
        ),
        subtitle=(
            "Each line is one figure that was not chosen, as a multiple of the chosen one that counts the same, by "
            "measure and source. The scale is logarithmic: half and twice are equally far from one."
        ),
        source=f"Custody, table disagreement. Reference day: {day(totals(tables)[-1]['as_of'])}.",
        told=" ".join(f"{name}: {_told(rows, places)}." for name, rows in named) or "There is none.",
        panels=lambda width: _strips(named, places, width),
    )


def _name(key: tuple[str, str, str], rows: Sequence[Row], sources: Mapping[str, str]) -> str:
    measure, chosen, rival = key
    title = dictionary().measures[measure].title
    who = (
        f"two datasets of {sources[chosen]}"
        if chosen == rival
        else f"{sources[rival]}, where {sources[chosen]} was chosen"
    )
    return f"{title}: {who} ({len(rows):,})"


def _farthest(rows: Sequence[Row]) -> Row:
    """The rival that is farthest from the chosen figure, among those that have a place on the scale."""

    def distance(row: Row) -> float:
        ratio = multiple(row)
        return max(ratio, 1 / ratio) if 0 < ratio < inf else 0.0

    return max(rows, key=distance)


def _times(ratio: float) -> str:
    return f"{ratio:,.{2 if ratio < 10 else 1}f} times"


def _told(rows: Sequence[Row], places: Mapping[str, str]) -> str:
    far = _farthest(rows)
    ends = f"{persons(far['rival_value'])} against {persons(far['value'])}"
    return f"middle {_times(median(map(multiple, rows)))}, farthest {places[far['place_id']]} {far['year']} with {ends}"


def _strips(named: Sequence[tuple[str, Sequence[Row]]], places: Mapping[str, str], width: int) -> list[Panel]:
    ratios = [ratio for _, rows in named for row in rows if 0 < (ratio := multiple(row)) < inf]
    low, high = min([*ratios, 0.8]) / 1.25, max([*ratios, 1.25]) * 1.25
    texts, ticks, middles, names, edges = [], [], [], [], []
    top = 0.0
    for name, rows in named:
        lines = wrapped(name, width)
        texts.append({"y": top, "text": "\n".join(lines)})
        top += len(lines) * SIZE * 1.25 + 11
        for row in rows:
            ratio = multiple(row)
            if 0 < ratio < inf:
                half = 4 if row["value"] < FEW and dictionary().measures[row["measure"]].nature != "ratio" else 9
                ticks.append({"x": ratio, "y": top - half, "y2": top + half, "rival": row["rival_observation_id"]})
            else:
                edges.append({"x": low if ratio == 0 else high, "y": top, "rival": row["rival_observation_id"]})
        middle = median(map(multiple, rows))
        if 0 < middle < inf:
            middles.append({"x": middle, "y": top})
        far = _farthest(rows)
        if 0 < (ratio := multiple(far)) < inf:
            side = "right" if ratio > (low * high) ** 0.5 else "left"
            names.append(
                {
                    "x": ratio,
                    "y": top + 12,
                    "side": side,
                    "text": f"{places[far['place_id']]} {far['year']}: {_times(ratio)}",
                }
            )
        top += 9 + SMALL + 18
    height = max(top, 1)
    values = [mark for mark in MARKS if low <= mark <= high and (width > 500 or str(mark).strip("0.")[0] in "15")]
    x = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(
            values=values,
            labelExpr="'\N{MULTIPLICATION SIGN} ' + datum.value",
            title="rival as a multiple of the chosen figure",
            titleAnchor="start",
            grid=True,
        ),
    )
    y, y2 = at("y", 0, height, down=True), alt.Y2("y2:Q")
    layers = [
        alt.Chart(data([{"x": 1, "y": 0, "y2": height}]))
        .mark_rule(color=SOFT, strokeWidth=1.5)
        .encode(x=x, y=y, y2=y2),
        *_written(texts, names, x, y, color=PAPER, stroke=PAPER, strokeWidth=4),  # under the words, over the grid
        alt.Chart(data(ticks)).mark_rule(color=STRONG, strokeWidth=1.2, opacity=0.6).encode(x=x, y=y, y2=y2),
        point(edges, "cross", MIDDLE, False, 70, x=x, y=y),
        point(middles, "diamond", MIDDLE, True, 70, x=x, y=y),
        *_written(texts, names, x, y),
    ]
    key = [
        Words("the middle one of its row", SMALL, sign="diamond", sign_tone=MIDDLE, hollow=True),
        Words(f"Short lines: the chosen figure is a count below {FEW}.", SMALL),
    ]
    if edges:
        zeros = sum(edge["x"] == low for edge in edges)
        said = [f"{zeros:,} rivals are nought, at the left edge"] if zeros else []
        said += [f"{len(edges) - zeros:,} chosen figures are nought, at the right edge"] if zeros < len(edges) else []
        key.append(Words("; ".join(said), SMALL, sign="cross", sign_tone=MIDDLE))
    return [layer(*layers, width=width, height=height), block(key, width)]


def _written(texts: Sequence[Row], names: Sequence[Row], x: alt.X, y: alt.X | alt.Y, **tones: Any) -> list[alt.Chart]:
    titles = alt.Chart(data(texts)).mark_text(
        baseline="top", align="left", lineBreak="\n", lineHeight=SIZE * 1.25, **({"color": INK} | tones)
    )
    layers = [titles.encode(x=alt.value(0), y=y, text=alt.Text("text:N"))]
    for side in ("left", "right"):
        mark = alt.Chart(data(name for name in names if name["side"] == side)).mark_text(
            baseline="top", align=side, fontSize=SMALL, **({"color": SOFT} | tones)
        )
        layers.append(mark.encode(x=x, y=y, text=alt.Text("text:N")))
    return layers
