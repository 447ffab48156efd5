"""France, persons on the register of prisons: a workbook of fifty sheets on the first day of a month.

`sheets.csv` names every sheet with its title and says which hold tables that are read, which establishments, which
nothing but text, and why the others are left out. `cells.csv` says of each row label and column of a table what it
counts, which cell of another sheet it repeats (and must equal), or why it is left out; `month` stands for the date
that begins a row of a monthly series.

Sums, percentages and changes are compared with what stands beside them, and the establishments with the national
table, so that no row or column is lost or shifted without a word.

The counts cover metropolitan France and all overseas departments and collectivities ("Métropole et Outre-Mer").
Persons detained (`détenus`) are held; persons on the register (`écrouées`) are so whether detained or not.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.reading import (
    Cells,
    LeftOut,
    Parsed,
    RawFile,
    Rows,
    column_letters,
    count_figures,
    read_workbook,
    sheet_cells,
)
from sources.sums import Floats, add_up, floats, follow

HERE = Path(__file__).parent

NATIONAL = "Champ : Métropole et Outre-Mer"
MONTH = "month"
PLACE = "FRA"
PARTS_OF_A_DATE = re.compile(r"(\d{4})-(\d{2})-01", re.ASCII)
UPDATED = re.compile(r"Effectifs actualisés au 1er (\w+) (\d{4})")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip

WHOLE = re.compile(r"\d{1,3}( \d{3})*|\d+", re.ASCII)
#: `Inf` is persons held in a quarter that has no operational place.
PERCENT = re.compile(r"-?\d+,\d %|--|NC|Inf", re.ASCII)
#: Whatever looks like a figure in a sheet, read or not.
FIGURE = re.compile(r"-?\d+( \d{3})*(,\d+)?( %)?|NC|--|Inf", re.ASCII)
NOT_DISCLOSED, NO_PERCENTAGE, ENDLESS = "NC", "--", "Inf"
NOT_DISCLOSED_NOTE = "NC, non communiqué: not disclosed, statistical secrecy"

#: Columns of a table that hold percentages or changes in percent, and the two counts of which each is a ratio; the
#: change is that of the column named.
PERCENTAGES = ("Variation mensuelle", "Pourcentage de prévenus", "Densité carcérale")
RATIOS = {
    "Densité carcérale": ("Ecroués détenus", "Capacité opérationnelle"),
    "Pourcentage de prévenus": ("PR", "Ecroués détenus"),
}
CHANGES = {"Tab2": "Ecroués détenus", "Tab27": "Ecroués mineurs", "Tab34": "Femmes écrouées", "Tab37": "Ecroués"}
#: Columns that are the sum of others of their row, and rows that are the sum of others of their column.
COLUMN_SUMS = {
    "Tab1": {"Total écroués": ["Ecroués détenus", "Ecroués non détenus"]},
    "Tab2": {"Ecroués détenus": ["PR", "CP", "CO"]},
    "Tab12": {"Total France entière": ["Métropole", "Outre-Mer"]},
    "Tab27": {
        "Détenus mineurs": ["PR", "CP", "CO détenus"],
        "Ecroués mineurs": ["Détenus mineurs", "CO non détenus"],
    },
    "Tab34": {
        "Femmes détenues": ["PR", "CP", "CO détenues"],
        "Femmes écrouées": ["Femmes détenues", "CO non détenues"],
    },
    "Tab37": {"Détenus": ["PR", "CP", "CO"], "Ecroués": ["Détenus", "DDSE", "PENH"]},
}
PARTS_OF_FRANCE = {"Total France entière": ["Métropole", "Outre-Mer"]}
ROW_SUMS = {
    "Tab1": PARTS_OF_FRANCE,
    "Tab6": PARTS_OF_FRANCE,
    "Tab12": {
        "Total PR": ["Femmes PR", "Hommes PR"],
        "Total CO et CP": ["Femmes CO et CP", "Hommes CO et CP"],
        "Femmes": ["Femmes PR", "Femmes CO et CP"],
        "Hommes": ["Hommes PR", "Hommes CO et CP"],
        "Total détenus": ["Femmes", "Hommes"],
    },
}

ESTABLISHMENTS = [
    "Etablissement", "Quartier (1)", "Capacité norme circulaire", "Capacité opérationnelle", "Ecroués détenus",
    "Densité carcérale",
]  # fmt: skip
COUNTED: Mapping[str, tuple[str, str | None]] = {
    "Capacité norme circulaire": ("official_capacity", "circular_norm"),
    "Capacité opérationnelle": ("official_capacity", None),
    "Ecroués détenus": ("persons_held", None),
}
#: Where a sheet's title says so, the wings against organised crime (QLCO) are in its totals of those held but not in
#: its rows.
WITHOUT_SOME = "hors QLCO"
#: Kinds of establishment, by which its name begins, and of the quarters that the publisher counts.
KINDS = ("CD", "CP", "CSL", "EPM", "MA", "MC")
QUARTERS = ("CD/QCD", "CNE", "CSL/QSL", "EPM", "EPSN", "MA/QMA", "MC/QMC", "SAS")
DIRECTORATE = ("Direction Interrégionale", "Total")


def parse(file: RawFile) -> Parsed:
    """Observations from tables and establishments; other sheets are left out, each with how many figures it holds."""
    sheets = read_workbook(file)
    known = {sheet["sheet"]: sheet for sheet in _records(HERE / "sheets.csv")}
    day = _day(file, sheets, known)
    tables = {name: _table(file, name, sheets[name], day) for name in known if known[name]["kind"] == "table"}
    observations, left_out = _tables(file, tables, day)

    facilities: list[dict[str, Any]] = []
    directorates: list[Floats] = []
    for name, rows in sheets.items():
        kind, figures = known[name]["kind"], count_figures(rows, FIGURE)
        if kind == "establishments":
            made, others, counted, total = _establishments(file, name, rows, day)
            observations, left_out, facilities = observations + made, left_out + others, facilities + counted
            directorates.append(total)
        elif kind == "left_out":
            if not figures:
                raise refusal(file.name, f"sheet {name!r} holds no figure any more; it may be cut off.")
            locator = f"{name}!A1:{column_letters(len(rows[0]) - 1)}{len(rows)}"
            left_out.append(LeftOut(locator, known[name]["reason"], {"title": rows[0][0]}, figures))
        elif kind == "text" and figures:
            raise refusal(file.name, f"sheet {name!r} holds {figures} figures where there were none before.")

    france = tables["Tab6"]
    cell_of = {(france["Niveau"][i], column): i for i, column in enumerate(france["column"])}
    whole = [cell_of["Total France entière", column] for column in COUNTED]
    at, held = [france.locators("cell")[i] for i in whole], [_whole(france["cell"][i]) for i in whole]
    add_up(file.name, at, held, directorates, of="the directorates of the sheets of establishments")

    items = sum(count_figures(rows, FIGURE) for rows in sheets.values())
    about = {"facility": _facilities(facilities)}
    return Parsed(day.isoformat(), items, {"observation": pd.DataFrame(observations)}, left_out, about)


def _records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _day(file: RawFile, sheets: Mapping[str, Rows], known: Mapping[str, Mapping[str, str]]) -> date:
    """The day of which all sheets are, once they are the known sheets under their known titles."""
    if missing := [name for name in known if name not in sheets]:
        raise refusal(
            file.name, f"there is no sheet {missing[0]!r}; the parser must be changed if it is gone for good."
        )
    if new := [name for name in sheets if name not in known]:
        raise refusal(file.name, f"the sheet {new[0]!r} is not known; add it to france_prisons/sheets.csv.")
    days: dict[date, str] = {}
    for name, rows in sheets.items():
        if not rows or (known[name]["title"] and rows[0][0] != known[name]["title"]):
            found = rows[0][0] if rows else ""
            raise refusal(
                file.name,
                f"sheet {name!r} has the title {found!r} and not {known[name]['title']!r}; its meaning may be another.",
                1,
            )
        if not name.startswith(("Tab", "Graph")):
            continue
        said = UPDATED.fullmatch(str(rows[1][0])) if len(rows) > 1 else None
        if said is None or said[1] not in MONTHS:
            raise refusal(file.name, f"sheet {name!r} does not say of which day it is (Effectifs actualisés au …).", 2)
        days.setdefault(date(int(said[2]), MONTHS.index(said[1]) + 1, 1), name)
    if len(days) != 1:
        listed = ", ".join(f"{name} of {day}" for day, name in days.items())
        raise refusal(file.name, f"its sheets are of different days: {listed or 'none says of which'}.", 2)
    return next(iter(days))


def _cells(file: RawFile, sheet: str, rows: Rows, header: list[str]) -> Cells:
    """The table of a sheet: its header is found by its text, and it ends with the last row of several cells."""
    words = {word for word in header if word}
    at = next((i for i, row in enumerate(rows) if words & set(row)), None)
    if at is None:
        raise refusal(file.name, f"sheet {sheet!r} has no row with the header {', '.join(sorted(words))}.")
    several = [i for i, row in enumerate(rows) if any(cell != "" for cell in row[1:])]
    end = several[-1] + 1 if several else at
    for number, row in enumerate(rows[end:], start=end + 1):
        if count_figures([row], FIGURE):
            raise refusal(file.name, f"{sheet}: {row[0]!r} stands alone below the table.", number)
    return sheet_cells(file, sheet, rows[:end], at + 1, header)


def _table(file: RawFile, sheet: str, rows: Rows, day: date) -> Cells:
    """A table that `cells.csv` describes, as one row a cell: label or date, column, cell."""
    described = [cell for cell in _records(HERE / "cells.csv") if cell["sheet"] == sheet]
    columns = list(dict.fromkeys(cell["column"] for cell in described))
    labels = list(dict.fromkeys(cell["label"] for cell in described))
    first = {"Tab12": "", "Tab1": "Niveau", "Tab6": "Niveau"}.get(sheet, "Date")
    if len(rows) < 3 or rows[2][0] != NATIONAL:
        raise refusal(file.name, f"sheet {sheet!r} does not say {NATIONAL!r}; it may cover another part of France.", 3)
    cells = _cells(file, sheet, rows, [first, *columns])
    if labels == [MONTH]:
        _months(cells, day)
    elif list(cells[first]) != labels:
        index = next((i for i, label in enumerate(cells[first]) if label not in labels), 0)
        raise cells.refuse(index, first, f"sheet {sheet!r} must have the rows {', '.join(labels)}, each once")
    _check_sums(cells, sheet, columns)
    return cells.unpivot([first], "column", "cell")


def _check_sums(cells: Cells, sheet: str, columns: list[str]) -> None:
    """Refuse a table in which a total is not the sum of its parts, or a percentage or change not what counts give."""
    labels, at = list(cells[cells.header[0]]), {column: cells.locators(column) for column in columns}
    counts = {c: floats(cells.each(c, _whole)) for c in columns if c not in PERCENTAGES}
    for total, parts in COLUMN_SUMS.get(sheet, {}).items():
        add_up(cells.name, at[total], counts[total], [counts[part] for part in parts], of=" and ".join(parts))
    for total, parts in ROW_SUMS.get(sheet, {}).items():
        row, of = labels.index(total), [labels.index(part) for part in parts]
        for column, values in counts.items():
            add_up(cells.name, [at[column][row]], values[[row]], [values[[i]] for i in of], of=" and ".join(parts))
    if "dont SL" in counts:
        within = [counts["dont SL"], counts["dont PEH"]]
        add_up(cells.name, at["CO"], counts["CO"], within, rest=np.inf, of="dont SL and dont PEH")
    for column in (c for c in columns if c in RATIOS):
        of_these, in_these = (counts[c] for c in RATIOS[column])
        _check_percentages(cells, column, of_these, in_these)
    if sheet in CHANGES:
        now = counts[CHANGES[sheet]]
        before = np.concatenate([[np.nan], now[:-1]])
        _check_percentages(cells, "Variation mensuelle", now - before, before)


def _check_percentages(cells: Cells, column: str, counts: Floats, bases: Floats) -> None:
    """Refuse a percentage that does not follow from its counts, and a mark that stands where they give a figure."""
    found = cells.each(column, _percentage)
    for i, (percentage, count, base) in enumerate(zip(found, counts.tolist(), bases.tolist(), strict=True)):
        if np.isnan(base):
            expected = NO_PERCENTAGE
        elif np.isnan(count):
            expected = NOT_DISCLOSED
        elif base == 0:
            expected = ENDLESS if count else NO_PERCENTAGE
        else:
            continue
        if percentage != expected:
            raise cells.refuse(i, column, f"{cells[column][i]!r} stands where {expected!r} is expected")
    shown = floats([None if isinstance(percentage, str) else percentage for percentage in found])
    marked = np.isnan(shown) & ~np.isnan(counts) & ~np.isnan(bases) & (bases != 0)
    if marked.any():
        i = int(marked.argmax())
        raise cells.refuse(i, column, f"{cells[column][i]!r} stands where {counts[i]:g} of {bases[i]:g} give a figure")
    follow(cells.name, cells.locators(column), shown, counts, bases, per=100, digits=1)


def _months(cells: Cells, day: date) -> None:
    """Refuse a series of which a month is missing or twice, or that does not end on the day of the workbook."""

    def number(cell: Any) -> int:
        if not isinstance(cell, str) or not (parts := PARTS_OF_A_DATE.fullmatch(cell)) or not 0 < int(parts[2]) < 13:
            raise ValueError(f"{cell!r} is not the first day of a month, written YYYY-MM-01")
        return int(parts[1]) * 12 + int(parts[2])

    numbers = cells.each("Date", number)
    last = day.year * 12 + day.month
    if (expected := list(range(last - len(numbers) + 1, last + 1))) != numbers:
        at = next(i for i, pair in enumerate(zip(numbers, expected, strict=True)) if pair[0] != pair[1])
        raise cells.refuse(at, "Date", f"{cells['Date'][at]!r}: the months do not follow one another up to {day}")


def _tables(file: RawFile, tables: Mapping[str, Cells], day: date) -> tuple[list[dict[str, Any]], list[LeftOut]]:
    """Observations from the national tables, and what is left out of them once it is what it repeats."""
    meanings = {(said["sheet"], said["label"], said["column"]): said for said in _records(HERE / "cells.csv")}
    observations: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    repeated: list[tuple[Cells, int, int, tuple[str, str, str]]] = []
    counted: dict[tuple[str, str, str], int] = {}
    for sheet, cells in tables.items():
        first, columns = cells.header[0], cells["column"]
        monthly = first == "Date"
        read = cells.lookup(["column", "cell"], lambda c: None if c[0] in PERCENTAGES else _whole(c[1]))
        for index, (label, column, locator) in enumerate(
            zip(cells[first], columns, cells.locators("cell"), strict=True)
        ):
            said = meanings[sheet, MONTH if monthly else label, column]
            when = date.fromisoformat(label) if monthly else day
            if said["measure"]:
                value = read[index]
                counted[sheet, when.isoformat(), column] = int(value or 0)
                words = {c: said[c] or None for c in ("sex", "age", "legal_status", "supervision", "definition")}
                observations.append(_observation(sheet, locator, when, said["measure"], value) | words)
                continue
            if said["repeats_sheet"]:
                of = (said["repeats_sheet"], when.isoformat(), said["repeats_column"])
                repeated.append((cells, index, int(read[index] or 0), of))
            left_out.append(LeftOut(locator, said["reason"], cells.raw(index)))
    for cells, index, value, of in repeated:
        if counted.get(of) != value:
            raise cells.refuse(
                index, cells["column"][index], f"{value} should repeat {of[0]}, which has {counted.get(of)} for {of[2]}"
            )
    return observations, left_out


def _observation(sheet: str, locator: str, day: date, measure: str, value: int | None) -> dict[str, Any]:
    """A stock on one day; without a value it is one that the publisher does not disclose."""
    return {
        "dataset": sheet,
        "locator": locator,
        "place_id": PLACE,
        "facility": "_T",
        "measure": measure,
        "period_start": day,
        "period_end": day,
        "period_kind": "point",
        "value": value,
        "status": "A" if value is not None else "M",
        "note": None if value is not None else NOT_DISCLOSED_NOTE,
    }


def _establishments(
    file: RawFile, sheet: str, rows: Rows, day: date
) -> tuple[list[dict[str, Any]], list[LeftOut], list[dict[str, Any]], Floats]:
    """Observations of the quarters of one directorate, what is left out, the quarters, and the directorate's totals."""
    cells = _cells(file, sheet, rows, ESTABLISHMENTS)
    names = cells.lookup(["Etablissement", "Quartier (1)"], _quarter)
    values = {c: cells.each(c, _whole_or_not_disclosed if c == "Ecroués détenus" else _whole) for c in COUNTED}
    total = _check_totals(cells, names, values, WITHOUT_SOME in rows[0][0])
    locators = {c: cells.locators(c) for c in ESTABLISHMENTS}
    observations: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    facilities: list[dict[str, Any]] = []
    for index, (name, quarter) in enumerate(zip(cells["Etablissement"], cells["Quartier (1)"], strict=True)):
        raw = cells.raw(index)
        if not names[index]:
            reason = "a total of the rows above; the directorate is no place of Custody"
            left_out.append(LeftOut(locators["Capacité norme circulaire"][index], reason, raw, len(COUNTED) + 1))
            continue
        facility = f"france_prisons:{name} {quarter}"
        for column, (measure, definition) in COUNTED.items():
            made = _observation(sheet, locators[column][index], day, measure, values[column][index])
            observations.append(made | {"facility": facility, "definition": definition})
        left_out.append(
            LeftOut(locators["Densité carcérale"][index], "persons held as a percentage of operational places", raw)
        )
        facilities.append(
            {
                "locator": locators["Etablissement"][index],
                "facility": facility,
                "place_id": PLACE,
                "name": name,
                "kind_text": quarter,
                "note": rows[2][0].removeprefix("Champ : "),
            }
        )
    return observations, left_out, facilities, total


def _check_totals(
    cells: Cells, is_quarter: list[bool], values: Mapping[str, Sequence[int | None]], without_some: bool
) -> Floats:
    """The directorate's totals, once each kind's total is the sum of the rows above it, and these add up to them."""
    kinds, last = cells["Quartier (1)"], len(cells) - 1
    begun, blocks = 0, []
    for i in range(last):
        if kinds[i] != kinds[begun] or (cells["Etablissement"][i], kinds[i]) == DIRECTORATE:
            raise cells.refuse(i, "Quartier (1)", f"{kinds[i]!r} stands among the rows of {kinds[begun]!r}")
        if not is_quarter[i]:
            blocks.append((slice(begun, i), i))
            begun = i + 1
    if begun != last or (cells["Etablissement"][last], kinds[last]) != DIRECTORATE:
        raise cells.refuse(last, "Etablissement", f"the rows do not end with {' '.join(DIRECTORATE)!r}")
    totals = [i for _, i in blocks]
    if twice := next((i for n, i in enumerate(totals) if kinds[i] in [kinds[j] for j in totals[:n]]), None):
        raise cells.refuse(twice, "Quartier (1)", f"{kinds[twice]!r} has a second total")
    for column, cells_of in values.items():
        at, figures = cells.locators(column), floats(cells_of)
        for part, i in blocks:
            hidden = np.isnan(figures[part]).any() or (without_some and column == "Ecroués détenus")
            add_up(
                cells.name, [at[i]], figures[[i]], [[np.nansum(figures[part])]],
                rest=np.inf if hidden else 0, of=f"the {part.stop - part.start} rows of {kinds[i]}",
            )  # fmt: skip
        add_up(cells.name, [at[last]], figures[[last]], [figures[[i]] for i in totals], of="the totals above")
    counts = {column: floats(cells_of) for column, cells_of in values.items()}
    _check_percentages(cells, "Densité carcérale", *(counts[c] for c in RATIOS["Densité carcérale"]))
    return np.array([counts[column][last] for column in COUNTED])


def _quarter(cells: tuple[Any, ...]) -> bool:
    """Whether a row is of a quarter; else it is a total."""
    name, quarter = cells
    if (name, quarter) == DIRECTORATE or (name == "Total" and quarter in QUARTERS):
        return False
    if quarter not in QUARTERS:
        raise ValueError(f"{quarter!r} is not a known kind of quarter ({', '.join(QUARTERS)})")
    if not isinstance(name, str) or not name.startswith(tuple(f"{kind} " for kind in KINDS)):
        raise ValueError(f"{name!r} does not begin with a known kind of establishment ({', '.join(KINDS)})")
    return True


def _facilities(quarters: list[dict[str, Any]]) -> pd.DataFrame:
    """Quarters: where its publisher counts an establishment as one quarter alone, that is the establishment."""
    frame = pd.DataFrame(quarters)
    alone = ~frame["name"].duplicated(keep=False)
    frame["kind"] = alone.map({True: "prison", False: "unit"})
    return frame


def _whole(cell: Any) -> int:
    """A count from a numeric cell or from text with a space between thousands."""
    if isinstance(cell, str) and WHOLE.fullmatch(cell):
        return int(cell.replace(" ", ""))
    if isinstance(cell, float) and cell.is_integer() and cell >= 0:
        return int(cell)
    raise ValueError(f"{cell!r} is not a whole number, written with spaces between thousands")


def _whole_or_not_disclosed(cell: Any) -> int | None:
    return None if cell == NOT_DISCLOSED else _whole(cell)


def _percentage(cell: Any) -> float | str:
    """A percentage, or the mark that stands for one."""
    if not isinstance(cell, str) or not PERCENT.fullmatch(cell):
        raise ValueError(f"{cell!r} is not a percentage such as '26,4 %', nor '--', 'NC' or 'Inf'")
    return float(cell.removesuffix(" %").replace(",", ".")) if cell.endswith(" %") else cell
