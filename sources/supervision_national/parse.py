"""Supervision outside prison: figures that a reader found in publications, each with its address and grade.

The tables of this folder are readings by hand, and a text that is not in them is refused:

- `references.csv`: the period of each place's reference date. A month or year of a stock is an unknown day in it; a
  date that a reader took from the article, or as the year's end, is an unknown day up to it; about a year is an unknown
  day of that year, the one before or the one after. The plain years of Canada are fiscal years from that April:
  probation of `1998` is 101,868, and the same count stands in table 35-10-0154 for 1998/1999. What names no period is
  left out.
- `notes.csv`: what each note means: a definition that differs (of persons, of the rate), an age group, a figure that
  calls itself approximate, a status.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sources.reading import Parsed, RawFile, csv_cells, said, without_figure

HERE = Path(__file__).parent
HEADER = [
    "place", "type", "period_kind", "reference_date", "persons", "rate_per_100k", "definition_note", "source",
    "evidence_url", "evidence",
]  # fmt: skip
FIGURES = ("persons", "rate_per_100k")
TYPES = {
    "total": "_T",
    "probation": "PROBATION",
    "parole": "PAROLE",
    "community_service": "COMMUNITY_SERVICE",
    "conditional_sentence": "CONDITIONAL_SENTENCE",
    "electronic_monitoring": "ELECTRONIC_MONITORING",
    "house_arrest": "HOME_DETENTION",
    "pre_trial": "PRETRIAL",
}
#: A rate of entries has no measure, and none is known.
MEASURES = {
    ("point", "persons"): "persons_under_supervision",
    ("average", "persons"): "persons_under_supervision",
    ("during", "persons"): "supervision_entries",
    ("point", "rate_per_100k"): "persons_under_supervision_rate",
    ("average", "rate_per_100k"): "persons_under_supervision_rate",
}
GRADES = {
    "raw file": "raw_file",
    "official page": "official_page",
    "report copy": "report_copy",
    "secondary": "secondary",
    "press": "press",
}


def parse(file: RawFile) -> Parsed:
    """One observation from each filled cell of figures: persons, and the publisher's own rate."""
    table = csv_cells(file.name, file.data, HEADER)
    filled = [[cell != "" for cell in table[figure]] for figure in FIGURES]
    if not all(map(any, zip(*filled, strict=True))):
        at = next(i for i, row in enumerate(zip(*filled, strict=True)) if not any(row))
        raise table.refuse(at, " + ".join(FIGURES), "neither persons nor a rate is given")
    long = table.unpivot([c for c in HEADER if c not in FIGURES], "figure", "value")
    cells = long.keep(np.array([cell != "" for cell in long["value"]]))
    notes = cells.translate(["definition_note"], HERE / "notes.csv")
    periods = cells.translate(["place", "period_kind", "reference_date"], HERE / "references.csv")
    measures = cells.lookup(["period_kind", "figure"], lambda cell: MEASURES[cell])
    citations = cells.each("source", said)
    frame = pd.DataFrame(
        {
            "locator": cells.locators("value"),
            # Publications differ for the same quantity, and their figures stand side by side.
            "dataset": citations,
            "place_id": cells.places("place", file.places),
            "measure": measures,
            "age": notes["age"],
            "supervision": cells.codes("type", TYPES),
            "period_start": pd.to_datetime(periods["period_start"]).dt.date,
            "period_end": pd.to_datetime(periods["period_end"]).dt.date,
            "period_kind": periods["period_kind"],
            "value": cells.each("value", _figure),
            "status": notes["status"].fillna("A"),
            "circa": notes["circa"].eq("yes"),
            "definition": notes["definition"].where(
                pd.Series(list(cells["figure"])).eq("persons"), notes["rate_definition"]
            ),
            "citation": citations,
            "evidence": cells.each("evidence_url", said),
            "grade": cells.codes("evidence", GRADES),
            "note": [
                f"{note} (reference date as given: {date})" if worded == "yes" else note
                for note, date, worded in zip(
                    cells.each("definition_note", said), cells["reference_date"], periods["worded"], strict=True
                )
            ],
        }
    )
    rows, left_out = without_figure(cells, frame, periods["reason"])
    items = sum(map(sum, filled))
    return Parsed(None, items, {"observation": rows}, left_out)


def _figure(text: str) -> float:
    whole, _, decimals = text.partition(".")
    if not (whole + decimals).isascii() or not (whole + decimals).isdigit():
        raise ValueError(f"{text!r} is not a number; a figure is digits with a point, without spaces or marks")
    return float(text)
