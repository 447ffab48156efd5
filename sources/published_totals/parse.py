"""Published totals: what others have published as a total, word for word, and what a reader made of it.

The tables of this folder are readings by hand, and a text that is not in them is refused:

- `geographies.csv`: the place, where the text means exactly one place. A figure for agencies that answered a
  survey, or for prison and supervision together, is not a figure for a place.
- `references.csv`: the year that the text names; of a list's edition, the year of the edition, which gives
  counts of that year and before; nothing for a span of years.
- `units.csv`: how many persons one of the unit is; nothing for what is no number of persons at one time.
- `national.csv`: which texts are the total of one country, on which day, of what; such a text is also an observation,
  with its grade, and so an item of the file twice.
- `evidence.csv`: what was read. A copy of the whole publication on another site is a report copy; a page that
  repeats its figure is secondary, and so is the publisher's page where the figure was read in a quotation.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sources.reading import NUMBER, Cells, Parsed, RawFile, csv_cells

HERE = Path(__file__).parent
HEADER = ["topic", "geography", "reference", "value", "unit", "source", "evidence_url", "caveat"]
TOPICS = ("prison_total", "supervision_total", "releases")
NATIONAL = [
    "locator", "dataset", "place_id", "measure", "supervision", "period_start", "period_end", "period_kind", "value",
    "circa", "citation", "evidence", "grade", "note",
]  # fmt: skip
#: Values in words, and numbers with more than a number about them.
NOT_ONE_NUMBER = (">25% increase", ">30", "~3.5", "NONE", "see XLSX", "88423 intramuros + 19525 extramuros")


def parse(file: RawFile) -> Parsed:
    """One published total from each row."""
    cells = csv_cells(file.name, file.data, HEADER)
    frame = pd.DataFrame(
        {
            "locator": cells.locators("value"),
            "topic": cells.codes("topic", {topic: topic for topic in TOPICS}),
            "geography": cells["geography"],
            "reference": cells["reference"],
            "value_text": cells["value"],
            "unit_text": cells["unit"],
            "citation": cells["source"],
            "evidence": cells["evidence_url"],
        }
    )
    frame["place_id"] = cells.translate(["geography"], HERE / "geographies.csv")["place_id"]
    years = cells.translate(["reference"], HERE / "references.csv")["reference_year"]
    frame["reference_year"] = pd.to_numeric(years).astype("Int64")
    frame["grade"] = cells.translate(["source", "evidence_url"], HERE / "evidence.csv")["grade"]
    persons = pd.to_numeric(cells.translate(["unit"], HERE / "units.csv")["persons"])
    frame["value"] = (persons * pd.Series(cells.each("value", _number), dtype=float)).round(6)
    frame["circa"] = cells.each("value", lambda text: any(mark in text for mark in "~>"))
    frame["note"] = cells.each("caveat", lambda cell: cell or None)
    national = _national(cells, frame)
    return Parsed(None, len(cells) + len(national), {"published_total": frame, "observation": national})


def _national(cells: Cells, totals: pd.DataFrame) -> pd.DataFrame:
    """Totals of one country as observations: those that national.csv names."""
    meanings = pd.read_csv(HERE / "national.csv", dtype=str)
    named = totals.drop(columns="place_id").reset_index(names="at")
    named = named.merge(meanings, on=["topic", "geography", "reference"], validate="m:1")
    if (wordy := named[named["value"].isna()]).size:
        at, text = wordy[["at", "value_text"]].iloc[0]
        raise cells.refuse(at, "value", f"{text!r} is no number, yet national.csv names the row")
    days = {day: pd.to_datetime(named[day]).dt.date for day in ("period_start", "period_end")}
    return named.assign(dataset=named["citation"], **days)[NATIONAL]


def _number(text: str) -> float | None:
    if NUMBER.fullmatch(text):
        return float(text)
    if text in NOT_ONE_NUMBER:
        return None
    raise ValueError(f"{text!r} is neither a plain number nor one of the texts in NOT_ONE_NUMBER")
