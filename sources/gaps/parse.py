"""Gaps: groups of people in custody whom no source counts, each with the range that a publication gives.

`components.csv` says of each, as read by hand, whether it counts instead of a published figure or beside it.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sources.reading import Parsed, RawFile, csv_cells

COMPONENTS = Path(__file__).with_name("components.csv")
HEADER = ["place_id", "component", "low", "central", "high", "reference", "source", "note"]


def parse(file: RawFile) -> Parsed:
    """One gap from each row; a range that nobody has given stays empty."""
    cells = csv_cells(file.name, file.data, HEADER)
    frame = pd.DataFrame({"place_id": cells.places("place_id", file.places), "component": cells["component"]})
    frame["counts"] = cells.translate(["place_id", "component"], COMPONENTS)["counts"]
    frame["measure"] = "persons_held"
    frame["locator"] = cells.locators("central")
    for bound in ("low", "central", "high"):
        frame[bound] = cells.numbers_or_missing(bound)
    frame["reference"] = cells.each("reference", lambda cell: cell or None)
    frame["citation"] = cells.each("source", lambda cell: None if cell == "none" else cell)
    frame["note"] = cells.each("note", lambda cell: cell or None)
    return Parsed(None, len(cells), {"gap": frame})
