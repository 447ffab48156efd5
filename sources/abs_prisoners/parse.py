"""Prisoners in Australia, the tables by state and territory: prisoners on 30 June, one sheet a table.

`sheets.csv` names every sheet with its title, `headings.csv` the lines that head a group of rows, `meanings.csv` what
each row and column counts or why it is left out; table 34 has one row an establishment and sex. Several tables give one
figure; the first is kept, and the others must be equal to it. Counts are altered at random by the publisher, so that
parts and their sums are apart by a few; `checks.py` says by how many, and refuses what is more.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sources.abs_prisoners.checks import ALTERED, check_sums
from sources.errors import Refused, refusal
from sources.places import UnknownPlace
from sources.reading import (
    Cells,
    LeftOut,
    Parsed,
    RawFile,
    Rows,
    check_header,
    column_letters,
    count_figures,
    iso_day,
    read_workbook,
)
from sources.sums import add_up

HERE = Path(__file__).parent
EDITION = re.compile(r"45170DO002_(\d{4}) Prisoners in Australia, \1", re.ASCII)
RELEASED = re.compile(r"Released at .+ \(Canberra time\) \w+ (\d{1,2} [A-Z][a-z]{2} \d{4})", re.ASCII)
YEARS = re.compile("(\\d{4})\N{EN DASH}(\\d{4})", re.ASCII)
END = "© Commonwealth of Australia "
NOT_PUBLISHED = re.compile(r"n\.p\.")

PLACES = ["NSW", "Vic.", "Qld", "SA", "WA", "Tas.", "NT", "ACT", "Aust."]
RATE = "Imprisonment rate"
HEADERS = {
    "Table_14": ["Selected characteristics", *PLACES],
    "Table_15": [
        "State/territory and year", "Total prisoners", "Male imprisonment rate", "Female imprisonment rate", "Mean age",
        "Median age", "Aboriginal and Torres Strait Islander", "Known prior imprisonment", "Unsentenced",
    ],
    "Table_16": ["Indigenous status and most serious offence/charge", *PLACES],
    "Table_17": ["Selected characteristics", *PLACES],
    "Table_19": ["Year", *PLACES],
    "Table_21": ["Indigenous status, sex and age ", *PLACES, RATE],
    "Table_23": ["Most serious offence", *PLACES],
    "Table_27": [
        "State/territory and year", "Under 1 year", "1 & under 5 years", "5 & under 10 years", "10 years & over",
        "Median", "Sentenced in last 12 months", "Total sentenced prisoners",
    ],
    "Table_29": ["Indigenous status, sex and prior imprisonment", *PLACES],
    "Table_30": ["Indigenous status, sex and legal status", *PLACES],
    "Table_31": ["Most serious charge", *PLACES],
    "Table_34": ["Sex and prison location", "Number of prisoners"],
}  # fmt: skip
#: The line of units under the header of the tables whose headings are places and whose rows are years.
UNITS = {
    "Table_15": ["", "no.", "no.", "no.", "years", "years", "%", "%", "%"],
    "Table_27": ["", "%", "%", "%", "%", "years", "%", "no."],
}
#: What stands in meanings.csv for any place and for any year.
PLACE, YEAR = "<place>", "<year>"
#: The table of establishments, whose labels are names.
LOCATIONS = "Table_34"
SUM, ALL_OF_THEM, EACH = "Total", "Total prisoners", "the establishments"
TOTAL_KEYS = ["place_id", "sex", "value", "locator"]
SEXES = {"Males": "M", "Females": "F"}
#: What every figure is about but the rates, whose definition says it as well, and those of one establishment.
ADULT_PRISONS = "adult_prisons"
KEYS = ["sheet", "heading", "subheading", "label", "column"]

REASONS = {
    "indigenous": "Aboriginal and Torres Strait Islander people and others apart: no column for Indigenous status",
    "percentage": "a percentage that repeats counts of the same table",
    "complement": "those not known to have been in prison before: the rest of the same table's total",
    "age": "a mean or median age, for which there is no measure",
    "ratio": "a ratio of two rates of the same table",
    "offence": "an offence of the Australian classification (ANZSOC) that is not surely the same as one of ICCS",
    "sentence": "length or date of the sentence, for which there is no column",
}
NOTE_ALTERED = "The publisher alters small counts at random; parts need not add up to the total."
NOTE_BEFORE = (
    "Of all persons held, unsentenced ones included, those known to have been in prison before. " + NOTE_ALTERED
)
BREAKDOWNS = ["sex", "age", "legal_status", "offence"]
OBSERVED = ["place_id", "year", "measure", *BREAKDOWNS, "definition"]
FIELDS = ["returned", "cohort_size", "rate_percent"]
RETURNED = ["place_id", "year", "sex", "subgroup"]


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows, and what sheets.csv says of it."""

    name: str
    rows: Rows
    header_row: int | None
    why_not: str
    first_year: int | None


def parse(file: RawFile) -> Parsed:
    """Observations from the tables that are read, and of prior imprisonment rows of recidivism."""
    sheets, edition, vintage = _sheets(file)
    items = sum(_figures(sheet.rows) for sheet in sheets)
    left_out = [
        LeftOut(sheet.name, sheet.why_not, {"sheet": sheet.name}, items=_figures(sheet.rows))
        for sheet in sheets
        if sheet.header_row is None
    ]

    read = [sheet for sheet in sheets if sheet.header_row is not None and sheet.name != LOCATIONS]
    cells = _long(file, read, edition)
    frame = cells.translate(KEYS, HERE / "meanings.csv")
    frame["value"] = cells.numbers("value")
    frame["locator"] = list(cells.rows)
    frame["place_id"] = cells.places("place", file.places)
    frame["year"] = cells.integers("year", 1900, edition)
    frame["sheet"] = list(cells["sheet"])
    _check_whole(file, frame[frame["measure"].eq("persons_held") | frame["field"].isin(["returned", "cohort_size"])])
    check_sums(file.name, frame.assign(**{word: list(cells[word]) for word in (*KEYS, "place")}), edition)

    without = frame[frame["left_out"].notna()]
    left_out += _left_out(without, without["left_out"].map(REASONS))
    frame[BREAKDOWNS] = frame[BREAKDOWNS].fillna("_T")
    frame["definition"] = frame["definition"].fillna(ADULT_PRISONS)
    observed, repeated = _first_of_each(file, frame[frame["table"] == "observation"], OBSERVED)
    returned, merged = _returned(file, frame[frame["table"] == "recidivism"])
    left_out += repeated + merged
    (locations,) = (sheet for sheet in sheets if sheet.name == LOCATIONS)
    held, names, repeated = _held_in_each(file, locations, observed[observed["year"] == edition])
    left_out += repeated
    observed = pd.concat([observed.assign(facility="_T"), held], ignore_index=True)

    broken = (observed["measure"] == "persons_held") & (observed[BREAKDOWNS] != "_T").any(axis=1)
    observed["note"] = broken.map({True: NOTE_ALTERED, False: None})
    observed["year"] = observed["year"].fillna(edition).astype(int)
    observed["period_start"] = observed["period_end"] = [date(year, 6, 30) for year in observed["year"]]
    observed["period_kind"] = "point"
    observed["dataset"] = returned["dataset"] = "prisoners_in_australia"
    columns = ["measure", "place_id", "facility", *BREAKDOWNS, "definition", "value", "period_start", "period_end"]
    observed = observed[[*columns, "period_kind", "dataset", "locator", "note"]].reset_index(drop=True)
    return Parsed(vintage, items, {"observation": observed, "recidivism": returned}, left_out, {"facility": names})


def _sheets(file: RawFile) -> tuple[list[Sheet], int, str]:
    """The sheets that sheets.csv names, the year of the edition and the day of its release."""
    with (HERE / "sheets.csv").open(encoding="utf-8", newline="") as stream:
        known = list(csv.DictReader(stream))
    found = read_workbook(file)
    check_header(file.name, list(found), ["Contents", *(sheet["sheet"] for sheet in known)], "names of the sheets")

    sheets, stamps = [], set()
    for sheet in known:
        rows = found[sheet["sheet"]]
        if len(rows) < 6:
            raise refusal(file.name, f"sheet {sheet['sheet']!r} ends before its table.")
        title = str(rows[3][0])
        if YEARS.sub("<years>", title) != sheet["title"]:
            raise refusal(file.name, f"{title!r} is not the title {sheet['title']!r}.", f"{sheet['sheet']}!A4")
        years = YEARS.search(title)
        header_row = int(sheet["header_row"]) if sheet["header_row"] else None
        sheets.append(Sheet(sheet["sheet"], rows, header_row, sheet["left_out"], int(years[1]) if years else None))
        stamps.add((str(rows[1][0]), str(rows[2][0]), years[2] if years else None))
    editions = {EDITION.fullmatch(edition) for edition, _, _ in stamps}
    days = {RELEASED.fullmatch(released) for _, released, _ in stamps}
    named = {m[1] if m else None for m in editions}, {m[1] if m else None for m in days}
    if None in named[0] | named[1] or len(named[0]) != 1 or len(named[1]) != 1:
        raise refusal(file.name, "the sheets do not all bear one edition and one day of release.", "2 and 3")
    (edition,), (day,) = named
    assert edition is not None
    assert day is not None
    if {last for _, _, last in stamps} - {None, edition}:
        raise refusal(file.name, f"a title's years do not end with the edition's, {edition}.", 4)
    return sheets, int(edition), iso_day(day, "%d %b %Y")


def _figures(rows: Rows) -> int:
    """How many figures a sheet holds; its first column has labels and years."""
    return count_figures((row[1:] for row in rows), NOT_PUBLISHED)


def _long(file: RawFile, sheets: Sequence[Sheet], edition: int) -> Cells:
    """Every figure of the sheets with the words that say what it is; none of those in meanings.csv may be missing."""
    with (HERE / "meanings.csv").open(encoding="utf-8", newline="") as stream:
        known = {tuple(row[: len(KEYS)]) for row in list(csv.reader(stream))[1:]}
    records = [record for sheet in sheets for record in _records(file, sheet, edition, known)]
    found = {record[1][: len(KEYS)] for record in records}
    if not found - known and (gone := sorted(known - found)):  # what is not known is refused by its own name
        raise refusal(file.name, f"the row or column {gone[0]!r} is not there; the sheet may be cut off.", gone[0][0])
    header = [*KEYS, "place", "year", "value"]
    columns = list(zip(*(cells for _, cells in records), strict=True))
    return Cells(file.name, header, columns, [at for at, _ in records], lambda row, _: str(row))


def _records(
    file: RawFile, sheet: Sheet, edition: int, known: set[tuple[str, ...]]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Locator and cells of each figure of one sheet."""
    assert sheet.header_row is not None
    name, header, start = sheet.name, HEADERS[sheet.name], sheet.header_row
    check_header(file.name, sheet.rows[start - 1], header, f"{name}!{start}")
    if name in UNITS:
        start += 1
        check_header(file.name, sheet.rows[start - 1], UNITS[name], f"{name}!{start}")

    levels = _levels(name)
    heading = subheading = ""
    records, series = [], []
    for number, row in enumerate(sheet.rows[start:], start=start + 1):
        label, others = row[0], row[1:]
        if str(label).startswith(END):
            break
        if all(cell == "" for cell in others):
            if name in UNITS and label != "":
                heading = _place_named(file, label, f"{name}!A{number}")
            elif label != "":
                if label not in levels:
                    raise refusal(file.name, f"{label!r} is not in abs_prisoners/headings.csv.", f"{name}!A{number}")
                heading, subheading = (label, "") if levels[label] == "1" else (heading, label)
            continue
        by_year = name in UNITS or name == "Table_19"
        if by_year:
            series.append((heading, label))
        for position, (column, cell) in enumerate(zip(header[1:], others, strict=True), start=1):
            at = f"{name}!{column_letters(position)}{number}"
            place = column if column in PLACES else heading if name in UNITS else "Aust."
            words = YEAR if by_year else label
            key = (name, PLACE if name in UNITS else heading, subheading, words, PLACE if column in PLACES else column)
            if cell == "" and key not in known:
                continue
            records.append((at, (*key, place, label if by_year else edition, cell)))
    else:
        raise refusal(file.name, f"sheet {name!r} does not end with {END!r}; it may be cut off.")
    if series:
        assert sheet.first_year is not None
        years = range(sheet.first_year, edition + 1)
        places = dict.fromkeys(place for place, _ in series)
        if series != [(place, year) for place in places for year in years] or len(places) not in (1, len(PLACES)):
            raise refusal(file.name, f"the places and years of {name} are not those of its title, each once.", name)
    return records


def _held_in_each(
    file: RawFile, sheet: Sheet, observed: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[LeftOut]]:
    """Men and women held in each establishment, the establishments, and the totals that table 14 has too."""
    check_header(file.name, sheet.rows[4], HEADERS[sheet.name], f"{sheet.name}!5")
    state = sex = None
    records, lines = [], []
    for number, (label, cell) in enumerate(sheet.rows[5:], start=6):
        at = f"{sheet.name}!A{number}"
        if str(label).startswith(END):
            break
        if cell != "":
            if state is None or (sex is None and label != ALL_OF_THEM) or str(label).strip() == "":
                raise refusal(file.name, f"{cell!r} stands under no state, sex or name.", at)
            records.append((state, "_T" if label == ALL_OF_THEM else sex, label, cell))
            lines.append(f"{sheet.name}!B{number}")
            sex = None if label in (SUM, ALL_OF_THEM) else sex
        elif label in SEXES:
            sex = SEXES[label]
        elif label != "":
            state, sex = file.places(_place_named(file, label, at)), None
    else:
        raise refusal(file.name, f"sheet {sheet.name!r} does not end with {END!r}; it may be cut off.")
    header = ["place_id", "sex", "name", "value"]
    cells = Cells(file.name, header, list(zip(*records, strict=True)), lines, lambda row, _: str(row))
    frame = pd.DataFrame({column: list(cells[column]) for column in header[:3]})
    frame["value"] = cells.numbers("value")
    frame["locator"] = lines

    _check_whole(file, frame)

    is_total = frame["name"].isin([SUM, ALL_OF_THEM])
    held_in = frame[~is_total].groupby(["place_id", "sex"])["value"].agg(["sum", "count"])
    of_sex = frame[frame["name"] == SUM].merge(held_in, on=["place_id", "sex"], how="left")
    apart = ALTERED * np.sqrt(of_sex["count"] + 1)
    add_up(file.name, of_sex["locator"].tolist(), of_sex["value"], [of_sex["sum"].fillna(0)], tolerance=apart, of=EACH)
    whole = observed[(observed["measure"] == "persons_held") & (observed[BREAKDOWNS[1:]] == "_T").all(axis=1)]
    wanted = {(p, s): (v, at) for p, s, v, at in zip(*(whole[c] for c in TOTAL_KEYS), strict=True) if p != "AUS"}
    totals = frame[is_total].merge(pd.Series(wanted, name="other").rename_axis(["place_id", "sex"]).reset_index())
    if len(totals) != is_total.sum() or totals.duplicated(["place_id", "sex"]).any() or len(totals) != len(wanted):
        raise refusal(file.name, f"{sheet.name} does not have one total of men, women and all for each state.")
    for _, row in totals.iterrows():
        if row["value"] != row["other"][0]:
            raise _differ(file, row, pd.Series({"value": row["other"][0], "locator": row["other"][1]}))
    repeats = "repeats " + totals["other"].str[1]

    held = frame[~is_total].assign(year=None, measure="persons_held", age="_T", legal_status="_T", offence="_T")
    held["facility"] = "abs_prisoners:" + held["name"].str.strip()
    names = held.drop_duplicates(["place_id", "facility"])[["locator", "facility", "place_id", "name"]]
    if (twice := names["facility"].duplicated()).any():
        raise refusal(file.name, "an establishment of this name stands in two states.", names[twice]["locator"].iloc[0])
    return held, names.assign(kind="prison"), _left_out(totals, repeats)


def _check_whole(file: RawFile, counts: pd.DataFrame) -> None:
    """Refuse a count of persons that is no whole number."""
    for value, at in zip(counts["value"], counts["locator"], strict=True):
        if value % 1:
            raise refusal(file.name, f"{value:g} is not a whole number of prisoners.", at)


def _levels(sheet: str) -> dict[Any, str]:
    with (HERE / "headings.csv").open(encoding="utf-8", newline="") as stream:
        return {row["heading"]: row["level"] for row in csv.DictReader(stream) if row["sheet"] == sheet}


def _place_named(file: RawFile, label: Any, at: str) -> str:
    try:
        file.places(label)
    except UnknownPlace as error:
        raise refusal(file.name, str(error), at) from error
    return str(label)


def _left_out(frame: pd.DataFrame, reasons: pd.Series[str]) -> list[LeftOut]:
    return [
        LeftOut(at, why, {"value": value})
        for at, why, value in zip(frame["locator"], reasons, frame["value"], strict=True)
    ]


def _first_of_each(file: RawFile, frame: pd.DataFrame, key: list[str]) -> tuple[pd.DataFrame, list[LeftOut]]:
    """The first figure of each key, the equal ones of later tables being left out."""
    frame = frame.reset_index(drop=True)
    group = frame.groupby(key, dropna=False, sort=False).ngroup()
    first = frame.groupby(group, sort=False)[["locator", "value", "sheet"]].transform("first")
    later = group.duplicated()
    wrong = later & ((frame["value"] != first["value"]) | (frame["sheet"] == first["sheet"]))
    if wrong.any():
        raise _differ(file, frame[wrong].iloc[0], first[wrong].iloc[0])
    return frame[~later].copy(), _left_out(frame[later], "repeats " + first["locator"][later])


def _differ(file: RawFile, one: pd.Series[Any], other: pd.Series[Any]) -> Refused:
    why = f"{one['value']:g} stands for the same quantity as {other['value']:g} in {other['locator']}."
    return refusal(file.name, why, one["locator"])


def _returned(file: RawFile, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[LeftOut]]:
    """One row for each group's persons, those of them in prison before and their share, as far as published."""
    frame = frame.assign(subgroup=frame["subgroup"].fillna("_T"))
    frame, left_out = _first_of_each(file, frame, [*RETURNED, "field"])
    rows = []
    for _, group in frame.groupby(RETURNED, sort=False):
        own = group.iloc[0]
        given = dict(zip(group["field"], group["value"], strict=True))
        at = dict(zip(group["field"], group["locator"], strict=True))
        main = next((field for field in ("returned", "rate_percent") if field in at), None)
        if main is None:
            raise refusal(file.name, "a total without those who were in prison before.", at["cohort_size"])
        rest = group[group["field"] != main]
        left_out += _left_out(rest, rest["field"].map(lambda field, row=at[main]: f"is the {field} of the row {row}"))
        rows.append({**own[RETURNED], **given, "locator": at[main]})
    made = pd.DataFrame(rows, columns=[*RETURNED, *FIELDS, "locator"])
    made["cohort_start"] = made["cohort_end"] = [date(year, 6, 30) for year in made.pop("year")]
    constants = {"basis": "stock_share", "outcome": "reimprisonment", "population": "prisoners"}
    return made.assign(**constants, definition=ADULT_PRISONS, note=NOTE_BEFORE), left_out
