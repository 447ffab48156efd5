"""Deaths after release from prison: figures that publications give, word for word.

`geographies.csv` gives the place where the text means exactly one, `grades.csv` what was read. A text that is not
in them is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sources.reading import NUMBER, Cells, Parsed, RawFile, csv_cells, said

HERE = Path(__file__).parent
HEADER = [
    "place", "cohort", "window", "outcome", "measure", "value", "ci_low", "ci_high", "reference_population", "source",
    "evidence_url", "evidence",
]  # fmt: skip
#: A range over studies, or observed and expected deaths.
TWO_NUMBERS = re.compile(r"[0-9.]+(-| / )[0-9.]+")
#: Columns that are kept as they were read, and what they are here.
TEXTS = {
    "place": "geography", "cohort": "cohort_text", "window": "window_text", "outcome": "outcome_text",
    "measure": "measure_text", "value": "value_text", "source": "citation", "evidence_url": "evidence",
}  # fmt: skip


def parse(file: RawFile) -> Parsed:
    """One figure from each row; of a range or a pair of numbers there is the text alone."""
    cells = csv_cells(file.name, file.data, HEADER)
    frame = pd.DataFrame({own: cells.each(theirs, said) for theirs, own in TEXTS.items()})
    frame["locator"] = cells.locators("value")
    frame["place_id"] = cells.translate(["place"], HERE / "geographies.csv")["place_id"]
    frame["grade"] = cells.translate(["evidence"], HERE / "grades.csv")["grade"]
    frame["value"] = pd.Series(cells.each("value", _number), dtype=float)
    for bound in ("ci_low", "ci_high"):
        frame[bound] = pd.Series(cells.numbers_or_missing(bound), dtype=float)
    _refuse_strange_intervals(cells, frame)
    frame["reference_population"] = cells.each("reference_population", lambda cell: cell or None)
    return Parsed(None, len(cells), {"mortality_after_release": frame})


def _number(text: str) -> float | None:
    if NUMBER.fullmatch(text):
        return float(text)
    if TWO_NUMBERS.fullmatch(text):
        return None
    raise ValueError(f"{text!r} is neither a plain number nor a range or pair of numbers")


def _refuse_strange_intervals(cells: Cells, frame: pd.DataFrame) -> None:
    """Refuse half of an interval, and one that its value is not in."""
    given = frame[["ci_low", "ci_high"]].notna()
    inside = (frame["ci_low"] <= frame["value"]) & (frame["value"] <= frame["ci_high"])
    wrong = (given.any(axis=1) & ~inside).to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        interval = f"{cells['ci_low'][at]!r} to {cells['ci_high'][at]!r}"
        raise cells.refuse(at, "value", f"{cells['value'][at]!r} does not lie in its interval, {interval}")
