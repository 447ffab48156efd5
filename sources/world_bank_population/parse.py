"""World Bank, total population: mid-year estimates, of which the files name the year and no day.

How the table is laid out in a file is said in `layouts.py`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import Cells, LeftOut, Parsed, RawFile, year_days
from sources.world_bank_population.layouts import CODE, INDICATOR, TIDY, VALUE, YEAR, read

NO_PLACE = "INX"  # not classified
COPY = "read in a tidied copy, not in the World Bank's own layout"


def parse(file: RawFile) -> Parsed:
    """One observation from each figure; what is missing or no place is left out."""
    vintage, cells = read(file)
    no_place = np.array([code == NO_PLACE for code in cells[CODE]], dtype=bool)
    missing = np.array([value in ("", None) for value in cells[VALUE]], dtype=bool) & ~no_place
    if (missing | no_place).all():
        raise refusal(file.name, "there is no figure in it.")
    figures, others, apart = cells.keep(~missing & ~no_place), cells.keep(missing), cells.keep(no_place)
    others.places(CODE, file.places)
    cells.integers(YEAR, 1900, 2100)

    frame = pd.DataFrame({"place_id": figures.places(CODE, file.places)})
    frame["locator"] = figures.locators(VALUE)
    frame["dataset"] = INDICATOR
    frame["measure"] = "population"
    frame["value"] = figures.numbers(VALUE)
    frame["period_start"], frame["period_end"] = year_days(figures.integers(YEAR, 1900, 2100))
    frame["period_kind"] = "unknown_day"
    frame["note"] = COPY if cells.header == TIDY else None
    left_out = _left_out(others, "missing") + _left_out(apart, "not classified: no place")
    return Parsed(vintage, len(cells), {"observation": frame}, left_out)


def _left_out(cells: Cells, reason: str) -> list[LeftOut]:
    """One entry a place, located at its first cell."""
    at: dict[str, list[int]] = {}
    for index, code in enumerate(cells[CODE]):
        at.setdefault(code, []).append(index)
    locators = cells.locators(VALUE)

    def published(own: list[int]) -> dict[str, object]:
        return {str(cells[YEAR][i]): cells[VALUE][i] for i in own}

    return [
        LeftOut(locators[own[0]], reason, {CODE: code, "values": published(own)}, len(own)) for code, own in at.items()
    ]
