"""How every picture is drawn: its type and tones, its frame of words, and how it becomes SVG and PNG.

What a picture shows is in the `chart_` modules; nothing here knows a table. Drawing asks no
network, and needs no font of the machine: vl-convert brings Liberation Sans.
"""

from __future__ import annotations

import re
import struct
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any
from zlib import crc32

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

Row = Mapping[str, Any]
#: Rows by table.
Tables = Mapping[str, Sequence[Row]]
#: A part of a picture, as Vega-Lite.
Panel = dict[str, Any]

#: Widths in pixels: of a page or a screen, and of a telephone held upright.
WIDE, NARROW = 720, 344
PADDING = 12
#: Pixels of a PNG for each of an SVG: sharp in print at 16 cm.
SCALE = 2
#: Where the first chunk of a PNG, which has its size, ends: others follow it in any order.
AFTER_HEADER = 33

#: Metrically the same everywhere, so that words fit wherever an SVG is looked at.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
SIZE, TITLE, SMALL = 12, 17, 11
#: How wide letters are, in thousandths of the size of the type; any other is taken to be as wide as a capital.
WIDTHS = {
    letter: width
    for width, letters in {
        222: "'ijl|", 278: " !,./:;I[\\]ft\N{NO-BREAK SPACE}", 333: "()-`r", 500: "Jckvsxyz",
        556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~\N{MINUS SIGN}", 611: "FTZ",
    }.items()
    for letter in letters
}  # fmt: skip
CAPITAL, BOLD = 780, 1.07

# Five tones, apart in grey as well, and each with its counterpart on dark paper. Nothing is told by tone alone.
INK, SOFT, LINE, PAPER = "#1c1c1a", "#5d5c57", "#d0cec6", "#fcfcfa"
STRONG, MIDDLE, PALE = "#17456e", "#c0792a", "#c3d5e6"
DARK = {
    INK: "#ecebe6", SOFT: "#b3b1a9", LINE: "#45443f", PAPER: "#171716",
    STRONG: "#9ccbf5", MIDDLE: "#e8a455", PALE: "#2f4a64",
}  # fmt: skip

#: The paper is part of a picture, as dark letters on nothing cannot be read where the page behind is dark. A browser
#: that asks for dark pages gets dark paper; whatever knows no such question shows, and prints, the light one.
STYLE = (
    "@media screen and (prefers-color-scheme: dark) {"
    + "".join(
        f' .custody-picture [{part}="{light}"] {{ {part}: {dark}; }}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
    + " }"
)

#: What XML cannot hold, and what would break a line where we do not.
ODD = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


@dataclass(frozen=True)
class Picture:
    """What is to be seen, in words and marks.

    `told` is for those who do not see it. `panels` gives the marks for a width, below the title and above the source;
    `margin` is the room in it for the labels of the y axis. `edition` says of which release it is: a picture is passed
    on alone.
    """

    title: str
    subtitle: str
    source: str
    told: str
    panels: Callable[[int], list[Panel]]
    margin: int = 0
    edition: str = ""


def plain(text: object) -> str:
    """A publisher's words on one line, without characters that an SVG cannot hold."""
    return ODD.sub(" ", str(text)).strip()


def day(when: date) -> str:
    """A day for a reader: 31 December 2025."""
    return f"{when.day} {when:%B %Y}"


def persons(value: float, *, sign: bool = False) -> str:
    """A count of persons, with a true minus."""
    return f"{value:{'+' if sign else ''},.0f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float, digits: int = 1) -> str:
    """A share in percent, with a true minus."""
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")


def wrapped(text: str, width: float, size: float = SIZE, *, bold: bool = False) -> list[str]:
    """The lines of a text that are no wider than `width` pixels; a word that is wider is broken."""
    room = width * 1000 / size / (BOLD if bold else 1)
    lines, line, used = [], "", 0
    for word in text.split(" "):
        wide = sum(WIDTHS.get(letter, CAPITAL) for letter in word)
        if line and used + WIDTHS[" "] + wide > room:
            lines.append(line)
            line, used = "", 0
        if wide > room:
            *full, word = textwrap.wrap(word, max(int(room / CAPITAL), 1)) or [""]
            lines += full
            wide = len(word) * CAPITAL
        line, used = (f"{line} {word}", used + WIDTHS[" "] + wide) if line else (word, wide)
    return [*lines, line]


def data(rows: Iterable[Row]) -> alt.InlineData:
    """Rows as the data of marks."""
    return alt.InlineData(values=[dict(row) for row in rows])


def layer(*marks: alt.Chart, width: int, height: float, title: alt.TitleParams | None = None) -> Panel:
    """Marks upon each other, of a width and height.

    Panels are put together as plain data: Altair copies whatever is put into something else, each time anew.
    """
    panel: Panel = {"layer": [_bare(mark) for mark in marks], "width": width, "height": height}
    return panel if title is None else panel | {"title": title.to_dict()}


def beside(panels: Sequence[Panel]) -> Panel:
    """Panels beside each other."""
    return {"hconcat": list(panels), "spacing": 12}


def _bare(mark: alt.Chart) -> Panel:
    made: Panel = mark.to_dict(validate=False)
    return {key: value for key, value in made.items() if key not in ("$schema", "config")}


def at(name: str, low: float, high: float, *, down: bool = False) -> alt.X | alt.Y:
    """A position on a scale that is ours alone, without an axis; `down` where it grows downwards."""
    kind = alt.Y if name.startswith("y") else alt.X
    return kind(f"{name}:Q", scale=alt.Scale(domain=[low, high], nice=False, zero=False, reverse=down), axis=None)


@dataclass(frozen=True)
class Words:
    """Some lines of text, with a sign before them or none: `line`, `dashed`, `band`, or the name of a point's shape."""

    text: str
    size: float = SIZE
    tone: str = INK
    bold: bool = False
    sign: str | None = None
    sign_tone: str = INK
    hollow: bool = False
    after: float = 3


def block(words: Sequence[Words], width: int, margin: int = 0) -> Panel:
    """Words below each other from the left edge of a picture on, beside a `margin` that axes take elsewhere."""
    layers: list[alt.Chart] = []
    top = 0.0
    drawn: list[tuple[Words, str, float]] = []
    for each in words:
        lines = wrapped(each.text, width - (34 if each.sign else 0), each.size, bold=each.bold)
        drawn.append((each, "\n".join(lines), top))
        top += len(lines) * each.size * 1.3 + each.after
    height = max(round(top), 1)
    x, y = at("x", 0, width - margin), at("y", 0, height, down=True)
    x2, y2 = alt.X2("x2:Q"), alt.Y2("y2:Q")
    for each, text, y_top in drawn:
        left, middle = -margin, y_top + each.size * 0.62
        if each.sign:
            line = {"x": left, "x2": left + 26, "y": middle, "y2": middle}
            if each.sign in ("line", "dashed"):
                dash = [5, 3] if each.sign == "dashed" else [1, 0]
                mark = alt.Chart(data([line])).mark_rule(color=each.sign_tone, strokeWidth=2, strokeDash=dash)
                layers.append(mark.encode(x=x, x2=x2, y=y))
            elif each.sign == "band":
                rect = alt.Chart(data([line | {"y": middle - 6, "y2": middle + 6}])).mark_rect(color=each.sign_tone)
                layers.append(rect.encode(x=x, x2=x2, y=y, y2=y2))
            else:
                layers.append(point([{"x": left + 13, "y": middle}], each.sign, each.sign_tone, each.hollow, x=x, y=y))
            left += 34
        font: dict[str, Any] = {"fontSize": each.size, "fontWeight": "bold" if each.bold else "normal"}
        mark = alt.Chart(data([{"x": left, "y": y_top, "text": text}])).mark_text(
            align="left", baseline="top", lineBreak="\n", lineHeight=each.size * 1.3, color=each.tone, **font
        )
        layers.append(mark.encode(x=x, y=y, text=alt.Text("text:N")))
    return layer(*layers, width=width - margin, height=height)


def point(rows: Iterable[Row], shape: str, tone: str, hollow: bool, size: int = 60, **where: Any) -> alt.Chart:
    """Points of one shape; a hollow one is filled with paper."""
    mark = alt.Chart(data(rows)).mark_point(
        shape=shape, size=size, opacity=1, filled=True, fill=PAPER if hollow else tone, stroke=tone, strokeWidth=1.5
    )
    drawn: alt.Chart = mark.encode(**where)
    return drawn


def spec(picture: Picture, width: int) -> dict[str, Any]:
    """The Vega-Lite of a picture that is `width` pixels wide."""
    inner, margin = width - 2 * PADDING, picture.margin
    head = [Words(picture.title, TITLE, bold=True, after=5), Words(picture.subtitle, SIZE, SOFT, after=0)]
    config = alt.Config(
        aria=False,  # the picture is described as a whole
        background=PAPER,
        font=FONT,
        padding=PADDING,
        view=alt.ViewConfig(stroke=None),
        text=alt.MarkConfig(fontSize=SIZE, color=INK),
        axis=alt.AxisConfig(
            labelFontSize=SMALL, labelColor=SOFT, titleFontSize=SMALL, titleFontWeight="normal", titleColor=SOFT,
            domainColor=SOFT, tickColor=SOFT, gridColor=LINE,
        ),
    )  # fmt: skip
    # Altair would ask the schema of every part, which takes longer than drawing; a test asks it of the whole.
    with debug_mode(False), alt.data_transformers.enable("default", consolidate_datasets=False):
        parts = [block(head, inner, margin), *picture.panels(inner)]
        foot = [Words(text, SMALL, SOFT) for text in (picture.source, picture.edition) if text]
        parts.append(block(foot, inner, margin))
        return {"$schema": alt.SCHEMA_URL, "config": config.to_dict(), "vconcat": parts, "spacing": 16}


def svg(name: str, picture: Picture, drawing: Panel) -> str:
    """A picture, by its Vega-Lite, as SVG with title and description; `name` keeps its ids apart on a page."""
    drawn: str = vl_convert.vegalite_to_svg(drawing, allowed_base_urls=[])
    title, told = escape(plain(picture.title)), escape(plain(picture.told))
    named = f'class="custody-picture" role="img" aria-labelledby="{name}-title {name}-desc"'
    words = f'<title id="{name}-title">{title}</title><desc id="{name}-desc">{told}</desc><style>{STYLE}</style>'
    words += f"<metadata>{escape(plain(picture.edition))}</metadata>"
    return drawn.replace('class="marks"', named, 1).replace(">", f">{words}", 1)


def png(drawn: str, edition: str) -> bytes:
    """An SVG as PNG, on light paper; of which release it is stands in its chunk of text named Source."""
    made: bytes = vl_convert.svg_to_png(drawn, scale=SCALE)
    chunk = b"tEXt" + b"Source\0" + edition.encode("latin-1", "replace")
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", crc32(chunk))
    return made[:AFTER_HEADER] + framed + made[AFTER_HEADER:]
