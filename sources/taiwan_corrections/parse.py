"""Taiwan, prisons: four small tables of the Ministry of Justice, years in the Republic's count (1 is 1912).

Those counted are 受刑人, prisoners under a sentence in prisons (監獄). The overview (監獄人數概況) does not say so
itself, but the table by prison, which is entitled 受刑人, has the same five totals for its year (98), and the table of
releases, entitled so too, adds up to its exits in every year but one (77). Accused persons held for trial are not
among them, so that the stock is not everybody held.

The tables by reason and by kind of offender have no totals of their own. `totals.csv` has each year's exits and new
admissions, which the overview gives, and every file's figures must add up to them. Nothing published says what a column
of theirs adds up to, so that two that have changed places would not be seen: `COLUMN_SUMS` has what they held over all
years when they were first read. An edition with other years needs new ones.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import Cells, LeftOut, Parsed, RawFile, check_header, decode, text_cells, text_rows
from sources.sums import add_up

HERE = Path(__file__).parent
PLACE = "TWN"
#: Year 1 of the Republic is 1912.
REPUBLIC = 1911
FIRST, LAST = 75, 104
#: The first and last year of each table of years.
YEARS_OF = {"overview": (75, 104), "release_reasons": (75, 103), "new_admissions": (75, 104)}

YEAR, PRISON = "民國", "機關別"
BEFORE, ENTRIES, EXITS, NEW, STOCK = "上年底留監人數", "本年入監人數", "本年出獄人數", "新入監人數", "本年年底留監人數"
#: Stock of the year before and entries together, under two names.
DURING, DURING_BY_PRISON = "本年執行人數", "上年底留監人數+本年入監人數"

#: The stock of the year before, where it is not the stock that the row before gives: year, stock before, stock there.
OTHER_STOCK_BEFORE = {(79, 18144, 18125), (99, 55255, 55225)}
FROM_FLOWS = "the stock before and entries less exits"
#: Years whose stock does not follow from the stock before, entries and exits.
NOT_FROM_FLOWS = {77, 79}
#: What each column of the other two tables holds over all their years.
COLUMN_SUMS = {
    "死刑之執行": 521, "徒刑拘役執行完畢": 417721, "罰金易服勞役執行完畢": 32358, "假釋(縮短刑期)": 263964,
    "執行完畢(縮短刑期)": 126042, "無期徒刑(假釋)": 2396, "有期徒刑(假釋)": 6888, "停止刑之執行": 2228,
    "保外醫治": 4446, "移送觀察勒戒或強制戒治": 14856, "脫逃": 362, "死亡": 1530, "本監移送他監執行": 291685,
    "借提返回原監所": 111648, "借提出監": 113592, "其他": 18977, "初犯": 400979, "再犯": 162411, "累犯": 345506,
}  # fmt: skip
#: Sums of the other two tables that are not the overview's total of their year.
OTHER_SUMS = {("exits", 77): 29002, ("new admissions", 79): 21123}

OTHER_COHORT = "The cohort is the sum of its three kinds; the overview gives another number of new admissions."

PRISONS = ("臺灣", "福建")
#: A reformatory school for sentenced young people, which the publisher lists among prisons.
SCHOOL = "明陽中學"


def parse(file: RawFile) -> Parsed:
    """One row from each figure that counts something of its own."""
    return READERS[file.file](file)


def _cells(file: RawFile, header: Sequence[str], encoding: str = "utf-8-sig", ended: bool = False) -> Cells:
    """The file as a table; the publisher ends the last line of one file only."""
    rows, lines = text_rows(file.name, decode(file.name, file.data, encoding), ended=ended)
    check_header(file.name, rows[0], header, 1)
    return text_cells(file.name, rows[1:], lines[1:], header)


def _years(cells: Cells, file: str) -> list[int]:
    """The Republic's years, which must follow one another from the table's first to its last."""
    years = cells.integers(YEAR, FIRST, LAST)
    for index, year in enumerate(years):
        if year != years[0] + index:
            raise cells.refuse(index, YEAR, f"{year} does not follow the year before it")
    first, last = YEARS_OF[file]
    if (years[0], years[-1]) != (first, last):
        why = f"the years are {years[0]} to {years[-1]} where {first} to {last} are known; some are lost, or it is new."
        raise refusal(cells.name, why, cells.rows[-1])
    return years


def _counts(cells: Cells, columns: Sequence[str]) -> dict[str, list[int]]:
    return {column: cells.integers(column, 0, 1_000_000) for column in columns}


def _stock(year: int) -> dict[str, Any]:
    """The last day of a year."""
    day = date(year + REPUBLIC, 12, 31)
    return {"period_start": day, "period_end": day, "period_kind": "point"}


def _flow(year: int) -> dict[str, Any]:
    """A year through."""
    return {
        "period_start": date(year + REPUBLIC, 1, 1),
        "period_end": date(year + REPUBLIC, 12, 31),
        "period_kind": "during",
    }


def _row(locator: str, measure: str, value: int, period: Mapping[str, Any], definition: str | None) -> dict[str, Any]:
    """An observation of sentenced prisoners; deaths have no legal status but in their definition."""
    legal_status = None if measure == "deaths_in_custody" else "SENTENCED"
    words = {"locator": locator, "place_id": PLACE, "measure": measure, "legal_status": legal_status}
    return {**words, "value": value, "definition": definition, "note": None, **period}


def _check_totals(cells: Cells, total: str, years: Sequence[int], columns: Sequence[str]) -> None:
    """Refuse a year whose figures do not add up to the total of that year in totals.csv."""
    with (HERE / "totals.csv").open(encoding="utf-8", newline="") as stream:
        known = {int(row["year"]): float(row[total]) for row in csv.DictReader(stream)}
    if len(columns) > 1:
        known |= {year: value for (name, year), value in OTHER_SUMS.items() if name == total}
    sums = np.sum([cells.integers(column, 0, 1_000_000) for column in columns], axis=0)
    totals = [known[year] for year in years]
    add_up(cells.name, cells.locators(columns[-1]), sums, [totals], of=f"the {total} of the year in totals.csv")


def _check_columns(cells: Cells, counts: Mapping[str, Sequence[int]]) -> None:
    """Refuse a column that does not hold over all years what it held when it was first read."""
    at = [f"{cells.rows[-1]}, column {column}" for column in counts]
    sums = [sum(of_years) for of_years in counts.values()]
    add_up(cells.name, at, sums, [[COLUMN_SUMS[column] for column in counts]], of="all years, when first read,")


#: Flows that the overview and the table by prison have in common.
FLOWS: Mapping[str, tuple[str, str | None]] = {
    ENTRIES: ("admissions", "movements"),
    EXITS: ("releases", "movements"),
    NEW: ("admissions", None),
}


def _overview(file: RawFile) -> Parsed:
    """Stock at the end of each year, entries, exits and new admissions."""
    columns = [BEFORE, ENTRIES, EXITS, NEW, STOCK, DURING]
    cells = _cells(file, [YEAR, *columns])
    years, counts = _years(cells, file.file), _counts(cells, columns)
    for column, total in ((EXITS, "exits"), (NEW, "new admissions")):
        _check_totals(cells, total, years, [column])
    at = {column: cells.locators(column) for column in columns}
    rows: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    for i, year in enumerate(years):
        _adds_up(cells, i, counts, DURING)
        before = counts[STOCK][i - 1] if i else counts[BEFORE][i]
        if i == 0:
            rows.append(_row(at[BEFORE][i], "persons_held", before, _stock(year - 1), None))
        else:
            left_out.append(LeftOut(at[BEFORE][i], _stock_before(cells, i, year, before), cells.raw(i)))
        for column, (measure, definition) in FLOWS.items():
            rows.append(_row(at[column][i], measure, counts[column][i], _flow(year), definition))
        held = _row(at[STOCK][i], "persons_held", counts[STOCK][i], _stock(year), None)
        if before + counts[ENTRIES][i] - counts[EXITS][i] != counts[STOCK][i]:
            if year not in NOT_FROM_FLOWS:
                raise cells.refuse(i, STOCK, "it is not the stock before plus entries less exits")
            held["note"] = "the same table's stock of the year before, entries and exits do not lead to it"
        rows.append(held)
        left_out.append(LeftOut(at[DURING][i], "stock of the year before and entries together", cells.raw(i)))
    return Parsed(None, len(cells) * len(columns), {"observation": pd.DataFrame(rows)}, left_out)


def _adds_up(cells: Cells, i: int, counts: Mapping[str, Sequence[int]], total: str) -> None:
    """Refuse a row whose last cell is not what it says, because it may be cut off."""
    if counts[BEFORE][i] + counts[ENTRIES][i] != counts[total][i]:
        raise cells.refuse(
            i, total, f"{counts[total][i]} is not {BEFORE} and {ENTRIES} together; the row is cut off or shifted"
        )


def _stock_before(cells: Cells, i: int, year: int, before: int) -> str:
    """Why the stock of the year before is no row."""
    own = int(cells[BEFORE][i])
    if own == before:
        return "repeats the stock at the end of the year before"
    if (year, own, before) not in OTHER_STOCK_BEFORE:
        raise cells.refuse(i, BEFORE, f"{own} is not the stock at the end of the year before, {before}")
    return f"the stock at the end of the year before, which the row of that year gives as {before}"


def _by_prison(file: RawFile) -> Parsed:
    """The same of each prison in the one year that the file's name bears; the last row is their total."""
    found = re.search(r"(?<!\d)(\d{2,3})年", file.name, re.ASCII)
    if found is None or not FIRST <= int(found[1]) <= LAST:
        raise refusal(file.name, "its name does not bear the Republic's year (98年), and nothing in it does.")
    year = int(found[1])
    columns = [BEFORE, ENTRIES, EXITS, NEW, STOCK, DURING_BY_PRISON]
    whole = _cells(file, [PRISON, *columns], "big5", ended=True)
    last = pd.Series(range(len(whole))) == len(whole) - 1
    total, cells = whole.keep(last.to_numpy()), whole.keep(~last.to_numpy())
    names = cells.each(PRISON, _prison)
    total.constant(PRISON, "")
    total.constant(DURING_BY_PRISON, "")
    counts = _counts(cells, columns)
    for column, (sum_of,) in _counts(total, columns[:-1]).items():
        if sum(counts[column]) != sum_of:
            raise total.refuse(0, column, f"{sum_of} is not the sum of the prisons, {sum(counts[column])}")

    for column, name in ((EXITS, "exits"), (NEW, "new admissions")):
        _check_totals(total, name, [year], [column])

    at = {column: cells.locators(column) for column in [PRISON, *columns]}
    less = np.negative(counts[EXITS])
    add_up(file.name, at[STOCK], counts[STOCK], [counts[BEFORE], counts[ENTRIES], less], of=FROM_FLOWS)
    add_up(file.name, at[ENTRIES], counts[ENTRIES], [counts[NEW]], rest=np.inf, of=f"{NEW}, a part of them,")
    rows: list[dict[str, Any]] = []
    left_out = [
        LeftOut(total.locators(BEFORE)[0], "totals of the prisons, as in the overview", total.raw(0), len(columns) - 1)
    ]
    for i, name in enumerate(names):
        _adds_up(cells, i, counts, DURING_BY_PRISON)
        made = [
            _row(at[BEFORE][i], "persons_held", counts[BEFORE][i], _stock(year - 1), None),
            _row(at[STOCK][i], "persons_held", counts[STOCK][i], _stock(year), None),
        ]
        for column, (measure, definition) in FLOWS.items():
            made.append(_row(at[column][i], measure, counts[column][i], _flow(year), definition))
        rows += [row | {"facility": f"taiwan_corrections:{name}"} for row in made]
        reason = "stock of the year before and entries together"
        left_out.append(LeftOut(at[DURING_BY_PRISON][i], reason, cells.raw(i)))
    about = pd.DataFrame(
        {
            "locator": at[PRISON],
            "facility": [f"taiwan_corrections:{name}" for name in names],
            "place_id": PLACE,
            "name": names,
            "kind": "prison",
            "kind_text": None,
            "note": None,
        }
    )
    items = len(cells) * len(columns) + len(columns) - 1
    return Parsed(None, items, {"observation": pd.DataFrame(rows)}, left_out, {"facility": about})


def _prison(cell: str) -> str:
    if cell == SCHOOL or (cell.startswith(PRISONS) and cell.endswith("監獄")):
        return cell
    raise ValueError(f"{cell!r} is neither a prison (監獄) nor {SCHOOL}")


def _release_reasons(file: RawFile) -> Parsed:
    """Exits of each year by reason, as `release_reasons.csv` says."""
    reasons = list(pd.read_csv(HERE / "release_reasons.csv", dtype=str)["reason"])
    cells = _cells(file, [YEAR, *reasons, ""])
    _check_totals(cells, "exits", _years(cells, file.file), reasons)
    _check_columns(cells, _counts(cells, reasons))
    cells.constant("", "")
    long = Cells(
        file.name,
        [YEAR, *reasons],
        [cells[column] for column in [YEAR, *reasons]],
        cells.rows,
        lambda row, column: f"{file.name}:{row}:{column + 1}",
    ).unpivot([YEAR], "reason", "count")
    meanings = long.translate(["reason"], HERE / "release_reasons.csv")
    years, counts = long.integers(YEAR, FIRST, LAST), long.integers("count", 0, 1_000_000)
    rows: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    for i, (locator, said) in enumerate(
        zip(
            long.locators("count"),
            meanings.astype(object).where(meanings.notna(), None).to_dict("records"),
            strict=True,
        )
    ):
        if said["measure"] is None:
            left_out.append(LeftOut(locator, said["left_out"], long.raw(i)))
        else:
            rows.append(_row(locator, said["measure"], counts[i], _flow(years[i]), said["definition"]))
    return Parsed(None, len(long), {"observation": pd.DataFrame(rows)}, left_out)


def _new_admissions(file: RawFile) -> Parsed:
    """New admissions: first offenders as admissions, the others as those among admissions who come back.

    The three kinds are all who are newly admitted, so that together they are the cohort; no file states the share.
    """
    returned = {"再犯": "repeat_offenders", "累犯": "statutory_recidivists"}
    cells = _cells(file, [YEAR, "初犯", *returned])
    years, counts = _years(cells, file.file), _counts(cells, ["初犯", *returned])
    _check_totals(cells, "new admissions", years, ["初犯", *returned])
    _check_columns(cells, counts)
    admitted = [sum(kinds) for kinds in zip(*counts.values(), strict=True)]
    first = [
        _row(locator, "admissions", count, _flow(year), "first_offenders")
        for locator, count, year in zip(cells.locators("初犯"), counts["初犯"], years, strict=True)
    ]
    back = [
        {
            "locator": locator,
            "place_id": PLACE,
            "basis": "admission_share",
            "outcome": "reconviction",
            "population": "admitted_prisoners",
            "cohort_start": date(year + REPUBLIC, 1, 1),
            "cohort_end": date(year + REPUBLIC, 12, 31),
            "cohort_size": size,
            "returned": count,
            "definition": definition,
            "note": OTHER_COHORT if ("new admissions", year) in OTHER_SUMS else None,
        }
        for column, definition in returned.items()
        for locator, count, size, year in zip(cells.locators(column), counts[column], admitted, years, strict=True)
    ]
    rows = {"observation": pd.DataFrame(first), "recidivism": pd.DataFrame(back)}
    return Parsed(None, len(cells) * (len(cells.header) - 1), rows)


READERS: Mapping[str, Callable[[RawFile], Parsed]] = {
    "overview": _overview,
    "by_prison": _by_prison,
    "release_reasons": _release_reasons,
    "new_admissions": _new_admissions,
}
