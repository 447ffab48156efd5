"""UNSD, SDG indicator 16.3.2: the unsentenced share of the prison population, in percent, as published.

The files lie in two layouts (`layouts.py`). Groups of countries are left out: those that `places.csv` calls
aggregates, and those of `groups.csv`, which the publisher's list of areas has besides.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sources.corrections import read_corrections
from sources.errors import refusal
from sources.places import Resolver, find, places
from sources.reading import Cells, LeftOut, Parsed, RawFile
from sources.unsd_sdg_16_3_2.layouts import (
    AREA,
    FOOTNOTES,
    ISO3,
    MISSING,
    NAME,
    NATURE,
    SERIES,
    SEX,
    SOURCE,
    STATUS,
    TYPE,
    VALUE,
    YEAR,
    page,
    workbook,
)

HERE = Path(__file__).parent
#: How the publisher lists the area that it numbers 158, which is Taiwan.
UNNAMED = ("158", "Other non-specified areas")
AVERAGE = re.compile(r"Data refer to 3 year average ([0-9]{4})-([0-9]{4})")
SEXES = {"BOTHSEX": "_T", "FEMALE": "F", "MALE": "M"}
#: Status and note by the nature of the data.
NATURES = {
    "C": ("A", None),
    "CA": ("A", "country data, adjusted by the agency that compiled them"),
    "E": ("E", None),
    "G": ("A", "from the monitoring of the agency that compiled them"),
    "M": ("E", "modelled"),
}
#: Status and note where the observation itself bears a status; otherwise the nature says it.
STATUSES = {"A": None, "": None, "B": ("B", None), "E": ("E", None), "I": ("E", "imputed"), "P": ("P", None)}


def parse(file: RawFile) -> Parsed:
    """One observation from each figure of one place; groups and cells without a figure are left out."""
    vintage, cells = workbook(file) if file.file == "vc_prs_unsec" else page(file)
    groups = _groups()
    found = cells.lookup([AREA, NAME], partial(_place, file.places, groups))
    if TYPE in cells.header:
        _compare(cells, file.places, groups)
    group = np.array([place is None for place in found], dtype=bool)
    missing = np.array([value in MISSING for value in cells[VALUE]], dtype=bool) & ~group
    if (group | missing).all():
        raise refusal(file.name, "there is no figure of one place in it.")
    figures = cells.keep(~group & ~missing)

    place_ids = [place for place, out in zip(found, group | missing, strict=True) if place and not out]
    frame = pd.DataFrame({"place_id": place_ids})
    frame["locator"] = figures.locators(VALUE)
    frame["dataset"] = figures[SERIES]
    frame["measure"] = "unsentenced_share"
    frame["sex"] = figures.codes(SEX, SEXES)
    frame["value"] = _percent(figures, place_ids)
    frame["reported_by"] = figures.each(SOURCE, _said)
    periods = figures.lookup([YEAR, FOOTNOTES], partial(_period, file.file == "vc_prs_unsec"))
    frame["period_start"], frame["period_end"], frame["period_kind"], said = zip(*periods, strict=True)
    statuses = figures.lookup([NATURE, STATUS], _status)
    frame["status"] = [status for status, _ in statuses]
    unnamed = figures.lookup([AREA, NAME], lambda pair: f"published as {pair[1]!r}" if pair == UNNAMED else None)
    notes = zip([note for _, note in statuses], said, unnamed, strict=True)
    frame["note"] = ["; ".join(filter(None, parts)) or None for parts in notes]
    left_out = _left_out(cells.keep(missing), "missing") + _left_out(cells.keep(group), "a group of places")
    return Parsed(vintage, len(cells), {"observation": frame}, left_out)


def _groups() -> set[str]:
    with (HERE / "groups.csv").open(encoding="utf-8", newline="") as stream:
        return {row[AREA] for row in csv.DictReader(stream)}


def _place(resolver: Resolver, groups: set[str], cells: tuple[Any, ...]) -> str | None:
    """The place that code and name mean; None for a group."""
    code, name = cells
    if code in groups:
        return None
    if not isinstance(code, str) or not re.fullmatch("[1-9][0-9]{0,4}", code):
        raise ValueError(f"{code!r} is not a code of one to five digits")
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no name")
    try:
        place_id = resolver(code.zfill(3))
    except ValueError as error:
        raise ValueError(f"{error} If it is a new code of a group, add it to the source's groups.csv.") from error
    if places()[place_id].kind == "aggregate":
        return None
    if cells != UNNAMED and find(name).place_id != place_id:
        raise ValueError(f"the code {code!r} and the name {name!r} are different places")
    return place_id


def _compare(cells: Cells, resolver: Resolver, groups: set[str]) -> None:
    """Refuse a workbook whose own words on an area, its type and three-letter code, say something else than ours."""

    def read(area: tuple[Any, ...]) -> None:
        code, kind, iso3 = area
        if kind not in ("Country", "Region", "Group"):
            raise ValueError(f"{kind!r} is not Country, Region or Group")
        if code in groups:
            return
        place = places()[resolver(code.zfill(3))]
        if kind != "Country" and place.kind != "aggregate":
            raise ValueError(f"{place.place_id} is no group, but is said to be a {kind}")
        if iso3 not in ("", place.place_id):
            raise ValueError(f"{iso3!r} is not {place.place_id}, which the code {code!r} means")

    cells.lookup([AREA, TYPE, ISO3], read)


def _percent(figures: Cells, place_ids: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The figures; one that no percentage can be is refused, unless corrections.yml names it."""
    values = figures.numbers(VALUE)
    named = [(entry.match.get("place_id"), entry.expect.get("value")) for entry in read_corrections(HERE)]
    for at in np.flatnonzero((values < 0) | (values > 100)).tolist():
        if (place_ids[at], values[at]) not in named:
            raise figures.refuse(at, VALUE, f"{figures[VALUE][at]!r} is not a percentage of the persons held")
    return values


def _said(cell: Any) -> str | None:
    if cell is not None and not isinstance(cell, str):
        raise ValueError(f"{cell!r} is not text")
    return cell or None


def _period(averages: bool, cells: tuple[Any, ...]) -> tuple[date, date, str, str | None]:
    """First and last day, kind and note; in the workbook every figure is an average of three years."""
    year, footnotes = cells[0], _said(cells[1]) or ""
    if isinstance(year, bool) or not isinstance(year, (int, float)) or not 1990 <= year <= 2100 or year != int(year):
        raise ValueError(f"{year!r} is not a year")
    said = AVERAGE.findall(footnotes)
    rest = AVERAGE.sub("", footnotes, count=1)
    if len(said) > 1 or "average" in rest.casefold() or (averages and not said):
        raise ValueError(f"{footnotes!r} does not say clearly of which years the figure is an average")
    last = int(year)
    first = int(said[0][0]) if said else last
    if said and (first, int(said[0][1])) != (last - 2, last):
        raise ValueError(f"{said[0][0]}-{said[0][1]} are not the three years that end with {last}")
    plain = rest in ("", f"{last}: ")
    note = None if plain else " ".join(footnotes.split())
    return date(first, 1, 1), date(last, 12, 31), "average" if said else "unknown_day", note


def _status(cells: tuple[Any, ...]) -> tuple[str, str | None]:
    nature, status = cells
    if nature not in NATURES:
        raise ValueError(f"{nature!r} is not a nature of the data that Custody knows ({', '.join(NATURES)})")
    if status not in STATUSES:
        raise ValueError(f"{status!r} is not an observation status that Custody knows ({', '.join(STATUSES)})")
    own = STATUSES[status]
    return NATURES[nature] if own is None else (own[0], own[1] or NATURES[nature][1])


def _left_out(cells: Cells, reason: str) -> list[LeftOut]:
    telling = (AREA, NAME, YEAR, VALUE)
    locators = cells.locators(VALUE)
    return [LeftOut(at, reason, {c: cells[c][i] for c in telling}) for i, at in enumerate(locators)]
