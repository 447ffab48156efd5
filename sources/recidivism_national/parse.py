"""Return to prison: figures that a reader found in publications, each with its address and the grade of what was read.

The tables of this folder are readings by hand, and a text that is not in them is refused:

- `cohorts.csv`: first and last day of each place's cohort. Most years are calendar years; two years of a cohort of the
  United Kingdom are its fiscal year, April to March, except where months are named.
- `notes.csv`: what each note means: a definition that differs, a breakdown, a figure that calls itself approximate, a
  status, or the reason why it is no figure of its publisher.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sources.reading import Parsed, RawFile, csv_cells, said, without_figure

HERE = Path(__file__).parent
HEADER = [
    "place", "basis", "outcome", "population", "cohort_start", "cohort_end", "follow_up_months", "cohort_size",
    "rate_percent", "counts_technical_violations", "definition_note", "source", "evidence_url", "evidence",
]  # fmt: skip
BASES = ("release_cohort", "stock_share", "admission_share", "legal_status_share")
OUTCOMES = ("rearrest", "reconviction", "reimprisonment", "return_any")
POPULATIONS = ("released_prisoners", "community_sentences", "all_convicted")
SHARES = {"stock_share": "prisoners", "legal_status_share": "prisoners", "admission_share": "admitted_prisoners"}
COUNTS = {"yes": True, "no": False, "unknown": None}
GRADES = {
    "official page": "official_page",
    "report copy": "report_copy",
    "abstract": "abstract",
    "table in review": "table_in_review",
    "secondary": "secondary",
    "press": "press",
}


def parse(file: RawFile) -> Parsed:
    """One figure from each row; the share is the figure, and the size of the cohort stands beside it."""
    cells = csv_cells(file.name, file.data, HEADER)
    notes = cells.translate(["definition_note"], HERE / "notes.csv")
    cohorts = cells.translate(["place", "cohort_start", "cohort_end"], HERE / "cohorts.csv")
    follow_up = cells.lookup(["basis", "follow_up_months"], _follow_up)
    frame = pd.DataFrame(
        {
            "locator": cells.locators("rate_percent"),
            "dataset": file.file,
            "place_id": cells.places("place", file.places),
            "basis": cells.codes("basis", {code: code for code in BASES}),
            "outcome": cells.codes("outcome", {code: code for code in OUTCOMES}),
            "population": cells.lookup(["basis", "population"], _population),
            "age": notes["age"].fillna("_T"),
            "subgroup": notes["subgroup"].fillna("_T"),
            "cohort_start": pd.to_datetime(cohorts["cohort_start"]).dt.date,
            "cohort_end": pd.to_datetime(cohorts["cohort_end"]).dt.date,
            "cohort_size": cells.numbers_or_missing("cohort_size"),
            "follow_up_months": pd.Series(follow_up, dtype="Float64"),
            "counts_technical_violations": pd.Series(
                cells.codes("counts_technical_violations", COUNTS), dtype="boolean"
            ),
            "rate_percent": cells.each("rate_percent", _percent),
            "status": notes["status"].fillna("A"),
            "circa": notes["circa"].eq("yes"),
            "definition": notes["definition"],
            "citation": cells.each("source", said),
            "evidence": cells.each("evidence_url", said),
            "grade": cells.codes("evidence", GRADES),
            "note": cells.each("definition_note", lambda text: text or None),
        }
    )
    rows, left_out = without_figure(cells, frame, notes["reason"])
    return Parsed(None, len(cells), {"recidivism": rows}, left_out)


def _population(cell: tuple[str, str]) -> str:
    """Who is counted; the reader wrote `released_prisoners` of shares of those held or admitted too."""
    basis, population = cell
    if population not in POPULATIONS:
        raise ValueError(f"{population!r} is not one of {', '.join(POPULATIONS)}")
    return SHARES.get(basis, population) if population == "released_prisoners" else population


def _follow_up(cell: tuple[str, str]) -> float | None:
    basis, months = cell
    if not months:
        return None
    if basis != "release_cohort":
        raise ValueError(f"{months!r} months of follow-up, yet a {basis} follows nobody")
    if not (months.isascii() and months.isdigit()) or int(months) == 0:
        raise ValueError(f"{months!r} is not a whole number of months")
    return float(months)


def _percent(text: str) -> float:
    whole, _, decimals = text.partition(".")
    if not (whole + decimals).isascii() or not (whole + decimals).isdigit() or float(text) > 100:
        raise ValueError(f"{text!r} is not a percentage from 0 to 100")
    return float(text)
