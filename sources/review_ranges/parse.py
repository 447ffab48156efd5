"""Ranges over countries that reviews of many studies give, word for word.

`grades.csv` says what was read; a text that is not in it is refused. No figure here is a country's own.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sources.reading import NUMBER, Parsed, RawFile, csv_cells, said

HERE = Path(__file__).parent
HEADER = [
    "measure_type", "country", "cohort_or_date", "followup", "outcome", "value", "unit", "source", "evidence_url",
    "evidence_kind",
]  # fmt: skip
RANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)-([0-9]+(?:\.[0-9]+)?)")
KINDS = ("review_range",)
#: Columns that are kept as they were read, and what they are here.
TEXTS = {
    "country": "geography", "outcome": "outcome_text", "value": "value_text", "unit": "unit_text",
    "source": "citation", "evidence_url": "evidence",
}  # fmt: skip
#: Those that may be empty.
OPTIONAL = {"cohort_or_date": "reference", "followup": "follow_up_text"}


def parse(file: RawFile) -> Parsed:
    """One range from each row."""
    cells = csv_cells(file.name, file.data, HEADER)
    frame = pd.DataFrame({"kind_text": cells.codes("measure_type", {kind: kind for kind in KINDS})})
    for theirs, own in TEXTS.items():
        frame[own] = cells.each(theirs, said)
    for theirs, own in OPTIONAL.items():
        frame[own] = cells.each(theirs, lambda cell: cell or None)
    frame["locator"] = cells.locators("value")
    frame["grade"] = cells.translate(["evidence_kind"], HERE / "grades.csv")["grade"]
    frame["low"], frame["high"] = zip(*cells.each("value", _range), strict=True)
    return Parsed(None, len(cells), {"review_range": frame})


def _range(text: str) -> tuple[float, float]:
    """Both ends; one number is both."""
    if NUMBER.fullmatch(text):
        return float(text), float(text)
    if not (match := RANGE.fullmatch(text)):
        raise ValueError(f"{text!r} is neither a plain number nor a range of two")
    low, high = float(match[1]), float(match[2])
    if low > high:
        raise ValueError(f"{text!r} begins above its end")
    return low, high
