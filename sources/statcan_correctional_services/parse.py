"""Statistics Canada, correctional services: tables of provinces and territories by fiscal year.

`<table>.csv` says what each series counts; its columns before `uom` are the publisher's, `reason` stands where a
series is left out. The publisher offers a zip of the table and its metadata, which bears no date of release.

Table 35-10-0154 also goes round with four of its columns, without unit, status, symbol and end of series. It can be
read, because the words of a series decide its unit, but nothing in it says why a figure is missing, and an estimate or
a revision cannot be told from any other figure: each row says so.

Each year's series must add up, and the provinces to their total, as far as figures are there; averages are rounded to
one decimal. The total is without the provinces that have no figure, and its rates are without their population.
"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import Cells, LeftOut, Parsed, RawFile, check_header, decode, text_cells, text_rows, zip_members
from sources.sums import Floats, add_up

HERE = Path(__file__).parent
YEAR, GEO, VALUE = "REF_DATE", "GEO", "VALUE"
BEFORE = [YEAR, GEO, "DGUID"]
AFTER = [
    "UOM", "UOM_ID", "SCALAR_FACTOR", "SCALAR_ID", "VECTOR", "COORDINATE", VALUE, "STATUS", "SYMBOL", "TERMINATED",
    "DECIMALS",
]  # fmt: skip
#: The table that goes round with four of its columns.
REDUCED = "35100154"
REDUCED_NOTE = "read from a copy of the table without its columns of status and symbol"
NO_REASON = "no figure; this copy of the table lacks the column that says why"

#: The publisher's standard symbols: where there is no figure, and beside one.
MISSING = {
    "..": "not available for a specific reference period",
    "...": "not applicable",
    "x": "suppressed to meet the confidentiality requirements of the Statistics Act",
    "F": "too unreliable to be published",
}
STATUS = {"": None, "E": "use with caution"}
SYMBOL = {"": ("A", None), "p": ("P", None), "r": ("A", "revised")}
TERMINATED = {"": None, "t": "the publisher has ended the series"}

#: The end of the publisher's geographical code of each place, under the vintage and level before it.
DGUID = re.compile(r"(20\d\d)A000(?P<code>011124|2\d\d)")
DGUIDS = {
    "CAN-PROV": "011124", "CAN-NL": "210", "CAN-PE": "211", "CAN-NS": "212", "CAN-NB": "213", "CAN-QC": "224",
    "CAN-ON": "235", "CAN-MB": "246", "CAN-SK": "247", "CAN-AB": "248", "CAN-BC": "259", "CAN-YT": "260",
    "CAN-NT": "261", "CAN-NU": "262", "CAN-NTNU": None,
}  # fmt: skip

TOTAL, TOGETHER, PARTS = "CAN-PROV", "CAN-NTNU", ("CAN-NT", "CAN-NU")

DECIMALS = {"Persons": "1", "Number": "0", "Rate": "2"}
#: Of each table, what its averages are rounded to; admissions are counted.
STEP = {"35100003": 0.1, "35100015": 0.0, "35100016": 0.0, "35100154": 0.1}
ADMISSIONS, STATUSES = "Total, custodial admissions", ["Sentenced", "Remand", "Other custodial statuses"]
BY_SEX = ("Total, custodial admission by sex", ["Male", "Female", "Sex unknown"])
BY_IDENTITY = (
    "Total, custodial admissions by Indigenous identity",
    ["Indigenous identity", "Non-Indigenous identity", "Indigenous identity unknown"],
)
Sums = dict[str, list[list[str]]]


def _by_status_and(total: str, groups: list[str]) -> Sums:
    """Admissions by status, each of them by group."""
    sums: Sums = {}
    for status in (ADMISSIONS, *STATUSES):
        sums.setdefault(f"{status} / {total}", []).append([f"{status} / {group}" for group in groups])
    for group in (total, *groups):
        sums.setdefault(f"{ADMISSIONS} / {group}", []).append([f"{status} / {group}" for status in STATUSES])
    return sums


#: Of each table, the series that are sums of others; a series of two columns is named by both.
SUMS: dict[str, Sums] = {
    "35100003": {
        "Total sentenced custody, actual-in count": [
            ["Sentenced secure custody, actual-in count", "Sentenced open custody, actual-in count"]
        ],
        "Total actual-in count": [
            [
                "Total sentenced custody, actual-in count",
                "Pre-trial detention and other temporary detention, actual-in count",
            ]
        ],
        "Total community supervision count": [
            [
                "Probation, community supervision",
                "Community portion of custody sentence, community supervision",
                "Deferred custody, community supervision",
                "Intensive support and supervision, community supervision",
            ]
        ],
    },
    "35100015": _by_status_and(*BY_SEX),
    "35100016": _by_status_and(*BY_IDENTITY),
    "35100154": {
        "Total actual-in count": [
            ["Sentenced, actual-in count", "Remand, actual-in count", "Other statuses, actual-in count"]
        ],
        "Total community supervision count": [
            [
                "Probation, community supervision",
                "Conditional sentence, community supervision",
                "Provincial parole, community supervision",
            ]
        ],
    },
}
#: The youth table's total and what it holds besides its parts since 2003/2004: at most a tenth of it, or one person.
YOUTH, YOUTH_HELD = "35100003", "Total actual-in count"
REST_SINCE, REST_SHARE, REST_PERSONS = 2003, 0.1, 1.0
#: Until 2002/2003 the youth table has in its totals of those held, and of those held before trial, 252 to 308 persons
#: whom none of the provinces has; the publisher does not say where they were.
NOWHERE = [YOUTH_HELD, "Pre-trial detention and other temporary detention, actual-in count"]
NOWHERE_UNTIL, NOWHERE_PERSONS = 2002, 310
#: Rates that are read, with the count that each is of; two rates of a place and year are of one population.
PER, RATE_DIGITS = 100_000, 2
RATES: dict[str, list[tuple[str, str]]] = {
    "35100154": [
        ("Incarceration rates per 100,000 adults", "Total actual-in count"),
        ("Probation rates per 100,000 adults", "Probation, community supervision"),
    ]
}

#: Whom a table counts.
AGE = {"35100003": "JUVENILE", "35100015": "ADULT", "35100016": "ADULT", "35100154": "ADULT"}
FISCAL_YEAR = re.compile(r"(\d{4})/(\d{4})")


def parse(file: RawFile) -> Parsed:
    """One observation from each figure of a series that is read; the others are left out."""
    table = HERE / f"{file.file}.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    series = header[: header.index("uom")]
    cells, whole = _cells(file, series)
    if whole:
        cells.constant("SCALAR_FACTOR", "units")
        cells.constant("SCALAR_ID", "0")

    frame = cells.translate(series, table)
    frame["place_id"] = cells.places(GEO, file.places)
    frame["locator"] = cells.locators(VALUE)
    frame["age"] = AGE[file.file]
    years = cells.each(YEAR, _fiscal_year)
    frame["period_start"] = [date(year, 4, 1) for year in years]
    frame["period_end"] = [date(year + 1, 3, 31) for year in years]
    frame["period_kind"] = np.where(frame["measure"] == "admissions", "during", "average")
    if whole:
        _check_units(cells, frame["uom"].tolist())
        _check_geography(cells, frame["place_id"].tolist())
        cells.lookup(["UOM", "VALUE", "DECIMALS"], _check_decimals)

    series_left_out = frame["reason"].notna().to_numpy()
    missing = np.array([cell == "" for cell in cells[VALUE]], dtype=bool)
    if missing.all():
        raise refusal(file.name, "there is no figure in it, only marks for missing ones.")
    marks = cells.keep(missing)
    reasons = marks.codes("STATUS", {k: f"{k}: {v}" for k, v in MISSING.items()}) if whole else [NO_REASON] * len(marks)
    left_out = [
        LeftOut(at, reason, marks.raw(i))
        for i, (at, reason) in enumerate(zip(marks.locators(VALUE), reasons, strict=True))
    ]
    left_out += _unread(cells, series, frame["reason"].tolist(), series_left_out & ~missing)

    figures = cells.keep(~missing)
    values = figures.numbers(VALUE)
    if (values < 0).any():
        raise figures.refuse(int((values < 0).argmax()), VALUE, "a figure below zero")
    names = list(map(" / ".join, zip(*(cells[column] for column in series), strict=True)))
    _check_sums(file, frame.assign(value=_with_gaps(values, missing)), names)
    absent = _absent(cells, series, frame["place_id"].tolist(), missing)
    frame = frame[~missing].reset_index(drop=True)
    frame["value"] = values
    if whole:
        frame["status"], said = _said(figures)
    else:
        frame["status"], said = "A", [REDUCED_NOTE] * len(frame)
    of_total = [absent[at] for at in np.flatnonzero(~missing).tolist()]
    frame["note"] = ["; ".join(filter(None, notes)) or None for notes in zip(of_total, said, strict=True)]
    frame = frame[~series_left_out[~missing]].reset_index(drop=True)
    return Parsed(None, len(cells), {"observation": frame.drop(columns=["uom", "reason"])}, left_out)


def _cells(file: RawFile, series: list[str]) -> tuple[Cells, bool]:
    """The table of a zip or CSV, and whether it has all of its columns."""
    name, data = file.name, file.data
    if data.startswith(b"PK"):
        members = zip_members(name, data)
        name = f"{file.file}.csv"
        if unknown := sorted(set(members) - {name, f"{file.file}_MetaData.csv"}):
            raise refusal(file.name, f"a file {unknown[0]} is in it that is not known.")
        if name not in members:
            raise refusal(file.name, f"the table {name} is not in it.")
        data = members[name]
    rows, lines = text_rows(name, decode(name, data))
    reduced = file.file == REDUCED and rows[0] == [YEAR, GEO, *series, VALUE]
    header = rows[0] if reduced else [*BEFORE, *series, *AFTER]
    check_header(name, rows[0], header, 1)
    return text_cells(name, rows[1:], lines[1:], header), not reduced


def _fiscal_year(cell: str) -> int:
    """The year in which a fiscal year begins, on 1 April."""
    found = FISCAL_YEAR.fullmatch(cell)
    if not found or int(found[2]) != int(found[1]) + 1 or not 1900 <= int(found[1]) <= 2100:
        raise ValueError(f"{cell!r} is not a fiscal year such as 2021/2022")
    return int(found[1])


def _check_units(cells: Cells, expected: list[str]) -> None:
    for at, (unit, known) in enumerate(zip(cells["UOM"], expected, strict=True)):
        if unit != known:
            raise cells.refuse(at, "UOM", f"{unit!r} where the series is known as {known!r}")


def _check_decimals(cells: tuple[Any, ...]) -> None:
    """Refuse a figure with more decimals than are said, or than its unit has: a column is shifted."""
    unit, value, decimals = cells
    if decimals != DECIMALS[unit] or len(value.partition(".")[2]) > int(decimals):
        raise ValueError(f"{value!r} and {decimals!r} decimals are not {unit} to {DECIMALS[unit]}")


def _check_geography(cells: Cells, places: list[str]) -> None:
    """Refuse a geographical code that is not that of the place named."""
    for at, (code, place) in enumerate(zip(cells["DGUID"], places, strict=True)):
        found = DGUID.fullmatch(code)
        if (found["code"] if found else code or None) != DGUIDS[place]:
            raise cells.refuse(at, "DGUID", f"{code!r} is not the code of {cells[GEO][at]!r}")


def _unread(cells: Cells, series: list[str], reasons: list[Any], mask: np.ndarray[Any, Any]) -> list[LeftOut]:
    """The figures of series that are left out, one entry for each series."""
    found: dict[tuple[str, ...], list[int]] = {}
    for at in np.flatnonzero(mask).tolist():
        found.setdefault(tuple(cells[column][at] for column in series), []).append(at)
    located = cells.locators(VALUE)
    return [
        LeftOut(f"{located[rows[0]]} and on", reasons[rows[0]], dict(zip(series, key, strict=True)), len(rows))
        for key, rows in found.items()
    ]


def _absent(cells: Cells, series: list[str], places: list[str], missing: np.ndarray[Any, Any]) -> list[str | None]:
    """For each row of the total, the provinces whose own cell of that year is empty; the total may be without them.

    Before 1999 the Northwest Territories stand there with Nunavut, and their two parts are empty.
    """
    keys = list(zip(cells[YEAR], *(cells[column] for column in series), strict=True))
    empty: dict[tuple[str, ...], list[str]] = {}
    together: set[tuple[str, ...]] = set()
    for key, place, none in zip(keys, places, missing.tolist(), strict=True):
        if place == TOGETHER and not none:
            together.add(key)
        elif none and place not in (TOTAL, TOGETHER):
            empty.setdefault(key, []).append(place)
    notes: list[str | None] = []
    for key, place in zip(keys, places, strict=True):
        named = [p for p in empty.get(key, []) if not (key in together and p in PARTS)] if place == TOTAL else []
        notes.append(f"the table has no figure of {', '.join(named)} for this year" if named else None)
    return notes


def _with_gaps(values: Floats, missing: np.ndarray[Any, Any]) -> Floats:
    """The figures where they stand, NaN between them."""
    whole = np.full(len(missing), np.nan)
    whole[~missing] = values
    return whole


def _check_sums(file: RawFile, frame: pd.DataFrame, series: list[str]) -> None:
    """Refuse a table whose series do not add up, or whose provinces do not, or whose rates are of two populations."""
    frame = frame.assign(year=[day.year for day in frame["period_start"]], series=series)
    if (twice := frame.duplicated(["year", "place_id", "series"])).any():
        raise refusal(file.name, "a second row of the same year, place and series.", frame["locator"][twice].iloc[0])
    index, columns = ["year", "place_id"], "series"
    values = frame.pivot(index=index, columns=columns, values="value")
    at = frame.pivot(index=index, columns=columns, values="locator")
    for whole, divisions in SUMS[file.file].items():
        for parts in divisions:
            _check_series(file, values, at, whole, parts)
    with_totals = TOTAL in values.index.get_level_values("place_id")  # else the copy is of some provinces alone
    for one in values if with_totals else ():
        if "rate" not in str(one).lower():
            _check_provinces(file, str(one), values[one], at[one])
    _check_rates(file, values, at)


def _check_series(file: RawFile, values: pd.DataFrame, at: pd.DataFrame, whole: str, parts: list[str]) -> None:
    """Refuse a series that is not the sum of others; where one of these has no figure, it may not be less than they."""
    if whole not in values:
        return
    figures = [values.get(part, pd.Series(np.nan, index=values.index)).to_numpy() for part in parts]
    rest = np.where(np.isnan(figures).any(axis=0), np.inf, 0.0)
    if (file.file, whole) == (YOUTH, YOUTH_HELD):
        allowed = np.maximum(REST_SHARE * values[whole].fillna(0), REST_PERSONS)
        rest = rest + np.where(values.index.get_level_values("year") >= REST_SINCE, allowed, 0)
    add_up(
        file.name, at[whole].tolist(), values[whole], np.nan_to_num(figures), rest=rest,
        tolerance=STEP[file.file] / 2 * (len(parts) + 1), of=" and ".join(parts),
    )  # fmt: skip


def _check_provinces(file: RawFile, series: str, values: pd.Series[float], at: pd.Series[str]) -> None:
    """Refuse a year's total that is not the sum of those provinces which have a figure, or that has lost its row."""
    is_total = values.index.get_level_values("place_id") == TOTAL
    of_provinces = values[~is_total].dropna().groupby("year").agg(["sum", "count"])
    totals, located = values[is_total].droplevel("place_id"), at[is_total].droplevel("place_id").dropna()
    if lost := sorted(set(of_provinces.index) - set(located.index)):
        why = f"there is no row of {TOTAL} for {series} in {lost[0]}/{lost[0] + 1}; it may be cut off"
        raise refusal(file.name, f"{why}.")
    of_provinces = of_provinces.join(totals.rename("total"))
    nowhere = file.file == YOUTH and series in NOWHERE
    add_up(
        file.name, located[of_provinces.index].tolist(), of_provinces["total"], [of_provinces["sum"]],
        tolerance=STEP[file.file] / 2 * (of_provinces["count"] + 1),
        rest=np.where(nowhere & (of_provinces.index <= NOWHERE_UNTIL), NOWHERE_PERSONS, 0), of="the provinces",
    )  # fmt: skip


def _check_rates(file: RawFile, values: pd.DataFrame, at: pd.DataFrame) -> None:
    """Refuse rates that are of two populations: the two of one place, or the total's and that of its provinces."""
    least = pd.Series(0.0, index=values.index)
    most = pd.Series(np.inf, index=values.index)
    of_each = {}
    for rate, count in RATES.get(file.file, []):
        if rate in values and count in values:
            counts, rates = values[count], values[rate]
            half = 0.5 * 10**-RATE_DIGITS
            low = PER * (counts - STEP[file.file] / 2) / (rates + half)
            high = PER * (counts + STEP[file.file] / 2) / (rates - half)
            of_each[rate] = (counts, low, high)
    is_total = values.index.get_level_values("place_id") == TOTAL
    for rate, (_, low, high) in of_each.items():
        least, most = np.fmax(least, low), np.fmin(most, high)
        if (wrong := ~is_total & (least > most)).any():
            i = int(wrong.argmax())
            why = f"{values[rate].iloc[i]:g} is not of the population of the other rate of the same place and year"
            raise refusal(file.name, f"{why}.", at[rate].iloc[i])
    for rate, (counts, low, high) in of_each.items():
        with_figure = ~is_total & counts.notna()
        known = with_figure & np.isfinite(most)
        together = pd.DataFrame({"low": least, "high": most})[known].groupby("year").sum()
        unknown = set(values.index[with_figure & ~known].get_level_values("year"))
        for year, place in values.index[is_total & low.notna()]:
            own = low[year, place], high[year, place]
            if year in together.index and year not in unknown:
                other = together.loc[year]
                if own[0] > other["high"] or own[1] < other["low"]:
                    why = f"{values.loc[(year, place), rate]:g} is of a population of {own[0]:,.0f} to {own[1]:,.0f}"
                    why += f" where the provinces have {other['low']:,.0f} to {other['high']:,.0f} together"
                    raise refusal(file.name, f"{why}.", at.loc[(year, place), rate])


def _said(figures: Cells) -> tuple[list[str], list[str | None]]:
    """Status and note of each figure, from the publisher's marks beside it."""
    symbols = figures.codes("SYMBOL", SYMBOL)
    words = zip(
        figures.codes("STATUS", STATUS),
        (said for _, said in symbols),
        figures.codes("TERMINATED", TERMINATED),
        strict=True,
    )
    return [status for status, _ in symbols], ["; ".join(filter(None, said)) or None for said in words]
