"""Which pictures there are, from which tables they are drawn, and writing them with the page on the back-test.

The same rows give the same bytes: nothing here asks the clock, chance or the network. A PNG is painted with the
machine's Liberation Sans where it has one, else with the one that vl-convert brings, which may differ by a shade.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from sources.home import Home, write_bytes
from warehouse.estimate.rules import rules

if TYPE_CHECKING:
    from exports.drawing import Picture, Tables

#: The tables that pictures and page are made of; `headline` only tells whose figures are behind them.
TABLES = (
    "backtest", "comparison", "disagreement", "headline", "place", "source", "world_total", "world_walk",
)  # fmt: skip
PAGE = "backtest.html"


def pictures(tables: Tables) -> dict[str, Picture]:
    """Each picture by its name."""
    from exports import chart_backtest, chart_disagreement, chart_world  # Altair takes half a second

    return {
        "walk": chart_world.walk(tables),
        "series": chart_world.series(tables),
        "calibration": chart_backtest.calibration(tables, rules().size_classes),
        "errors": chart_backtest.errors(tables),
        "disagreement": chart_disagreement.disagreement(tables),
    }


def edition(release: str | None, when: date) -> str:
    """What a picture says of where it is from: the release, or that it is of none, and the day."""
    from exports.drawing import day

    return f"Custody, {f'release {release}' if release else 'unreleased'}, {day(when)}."


def files(rows: Mapping[str, pa.Table], edition: str) -> dict[str, bytes]:
    """Every picture as SVG, wide and narrow, and as PNG, and the page, by file name; each says of which `edition`."""
    from exports import backtest_page, drawing

    tables = {name: rows[name].to_pylist() for name in TABLES if name != "headline"}
    widths = {"": drawing.WIDE, "-narrow": drawing.NARROW}
    specs = {
        name + suffix: (picture, drawing.spec(picture, width))
        for name, picture in ((n, replace(p, edition=edition)) for n, p in pictures(tables).items())
        for suffix, width in widths.items()
    }
    with ThreadPoolExecutor() as pool:  # letters are measured and PNGs painted outside of Python
        drawn = dict(zip(specs, pool.map(lambda name: drawing.svg(name, *specs[name]), specs), strict=True))
        wide = [name for name in specs if not name.endswith("-narrow")]
        painted = dict(zip(wide, pool.map(lambda name: drawing.png(drawn[name], edition), wide), strict=True))
    page = backtest_page.page(tables, rules(), drawn, edition)
    return {
        **{f"{name}.svg": svg.encode() for name, svg in drawn.items()},
        **{f"{name}.png": png for name, png in painted.items()},
        PAGE: page.encode(),
    }


def write(folder: Path, page: Path, rows: Mapping[str, pa.Table], edition: str) -> list[Path]:
    """Write the pictures into a folder, and the page where it is to be."""
    written = []
    for name, content in sorted(files(rows, edition).items()):
        path = page if name == PAGE else folder / name
        write_bytes(path, content)
        written.append(path)
    return written


def of_warehouse(home: Home, folder: Path, today: date) -> list[Path]:
    """Write the pictures and the page of the warehouse into a folder.

    Raises:
        GateClosed: when figures are behind them that may not be passed on: pictures are made to be.
    """
    from dictionary.model import dictionary
    from exports import gate, tables
    from warehouse.build import connect

    known = dictionary().tables
    with connect(home) as connection:
        rows = {name: tables.read_warehouse(connection, known[name]) for name in TABLES}
    gate.refuse_internal(rows)
    return write(folder, folder / PAGE, rows, edition(None, today))
