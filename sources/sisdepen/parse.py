"""SISDEPEN, prisons of Brazil: one sheet, one row an establishment, 1,331 columns of which some 70 are read.

`columns.csv` says what each column of the sections 1.3, 4.1, 4.5 and 6.8 counts; `level` is `row` where each cell
becomes an observation of the establishment, `sum` where only the country's sum does, and empty where nothing does.
`groups.csv` says why the columns of every other section are left out, `monitoring.csv` which prisons are prisons
although their row speaks of electronic monitoring.

The publisher gives the country as the sum of the rows, and the file has only the rows. The sums are made here, each
with the number of establishments and the columns in it, and are items besides the filled cells. Virtual units, whose
people wear a monitor at home, are no custody: their people are under supervision, and no other figure of theirs is
kept.

Column 2 is the personal number of whoever closed the form. It is dropped before anything else is looked at, and no
refusal quotes a long number: of one in the wrong place, only how many digits it has is said.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from sources.errors import refusal
from sources.places import UnknownPlace
from sources.reading import LeftOut, Parsed, RawFile, column_letters, read_sheet

HERE = Path(__file__).parent
SHEET = "Sheet0"
COUNTRY = "BRA"

PERSONAL = "Responsável pela Finalização"
NAME, STATE, KIND = "Nome do Estabelecimento", "UF", "1.2 Tipo de estabelecimento - originalmente destinado"
OTHER_PLACES = "1.3 Capacidade do estabelecimento | Outro(s). Qual(is)?"
EVERYBODY = "4.1 População prisional | Total"
#: Columns that must say the same in every row.
CONSTANT = {"Situação de Preenchimento": "Validado", "Situação do Estabelecimento": "Ativo"}
DESCRIBING = (NAME, STATE, KIND, *CONSTANT)

KINDS = {
    "Estabelecimento destinado ao recolhimento de presos provisórios",
    "Estabelecimento destinado ao cumprimento de pena em regime fechado",
    "Estabelecimento destinado ao cumprimento de pena em regime semiaberto",
    "Estabelecimento destinado ao cumprimento de pena em regime aberto ou de limitação de fim de semana",
    "Estabelecimento destinado ao cumprimento de medida de segurança de internação ou tratamento ambulatorial",
    "Estabelecimento destinado a diversos tipos de regime",
    "Estabelecimento destinado à realização de exames gerais e criminológico",
    "Patronato",
}
OTHER_KIND = "Outro : "
VIRTUAL = re.compile("monitora", re.IGNORECASE)
MAYBE_VIRTUAL = re.compile("monitor|tornozel|virtual|eletr[oôó]nic", re.IGNORECASE)

#: The only date in a file is in its name: the half-year whose last day is the reference day.
CYCLE = re.compile(r"(?P<month>jun|dez)(?:ho|embro)?[-_ ]*(?:de)?[-_ ]*(?P<year>20\d\d)\.xlsx", re.IGNORECASE)
#: Eight digits or more, with or without marks that part them: a telephone or a person's number, never a figure.
LONG_NUMBER = re.compile(r"\d(?:[\W_]*\d){7,}")
MOST = 999_999

REGIMES = ("SENTENCED_CLOSED", "SENTENCED_SEMI_OPEN", "SENTENCED_OPEN")
FLOWS = ("admissions", "releases", "deaths_in_custody")
NOT_CUSTODY = "of virtual monitoring units, whose people are not in custody"


@dataclass(frozen=True)
class Key:
    """What a figure counts, in the columns of an observation; None is what the measure does not have."""

    measure: str
    sex: str
    legal_status: str | None = None
    cause: str | None = None
    supervision: str | None = None
    definition: str | None = None


@dataclass(frozen=True)
class Column:
    """One column of figures: where it stands, and what becomes of it."""

    name: str
    letters: str
    cells: list[int | None]
    level: str
    key: Key
    reason: str


def parse(file: RawFile) -> Parsed:
    """An observation from each cell that is read, and one for each sum of the country."""
    start, end = _half_year(file.name)
    columns = _read(file)
    names, states = columns[NAME][1], _states(file, columns[STATE][1])
    virtual = _virtual(file, columns)
    rows = range(2, len(names) + 2)
    facilities = [f"sisdepen:{state}:{name}" for state, name in zip(columns[STATE][1], names, strict=True)]
    if len(set(facilities)) != len(facilities):
        again = pd.Series(facilities).duplicated().to_numpy().argmax()
        raise refusal(file.name, "an establishment of this name and state stands there already.", rows[again], NAME)

    figures = _figures(file, columns)
    _refuse_unequal(file, figures)
    made: list[dict[str, Any]] = []
    left_out = _left_out(columns, figures, virtual)
    for column in figures:
        if column.level != "row":
            continue
        for at, value in enumerate(column.cells):
            key = _at_home(column) if virtual[at] else column.key
            if value is None or key is None:
                continue
            locator = f"{SHEET}!{column.letters}{rows[at]}"
            place = {"place_id": states[at], "facility": facilities[at], "locator": locator}
            made.append({**vars(key), **place, "value": value, "note": None})
    sums = _sums(figures, virtual)
    frame = pd.DataFrame([*made, *sums]).astype({"value": "float64"})
    flow = frame["measure"].isin(FLOWS)
    frame["period_start"] = [start if flows else end for flows in flow]
    frame["period_end"] = end
    frame["period_kind"] = flow.map({True: "during", False: "point"})
    frame["status"] = "A"

    kinds = columns[KIND][1]
    facility = pd.DataFrame(
        {
            "locator": [f"{SHEET}!{columns[NAME][0]}{row}" for row in rows],
            "facility": facilities,
            "place_id": states,
            "name": names,
            "kind": ["not_custody" if no_custody else "prison" for no_custody in virtual],
            "kind_text": kinds,
            "note": ["virtual unit of electronic monitoring" if no_custody else None for no_custody in virtual],
        }
    )
    filled = sum(cell != "" for name, (_, cells) in columns.items() if name not in DESCRIBING for cell in cells)
    return Parsed(end.isoformat(), filled + len(sums), {"observation": frame}, left_out, {"facility": facility})


def _half_year(name: str) -> tuple[date, date]:
    """First and last day of the half-year that the file's name states."""
    if not (found := CYCLE.search(name)):
        raise refusal(name, "the name does not end in the half-year, such as Junhode2020.xlsx; keep the publisher's.")
    year = int(found["year"])
    if found["month"].lower() == "jun":
        return date(year, 1, 1), date(year, 6, 30)
    return date(year, 7, 1), date(year, 12, 31)


def _read(file: RawFile) -> dict[str, tuple[str, list[Any]]]:
    """The letters and cells of each column by its name, without the personal one; no cell of the header is quoted.

    A file without a header would show a person's number in its place.
    """
    header, *body = read_sheet(file, SHEET)
    if len(header) < 2 or header[1] != PERSONAL:
        raise refusal(file.name, f"column B is not {PERSONAL!r}, so that it is not known what to drop.", 1)
    if not body:
        raise refusal(file.name, "there is a header and no rows.")
    for number, row in enumerate(body, start=2):
        if row[1] == "" or row[1] in row[:1] or row[1] in row[2:]:
            why = f"{PERSONAL!r} is empty or stands there twice; the row is shifted."
            raise refusal(file.name, why, number, "B")
    columns: dict[str, tuple[str, list[Any]]] = {}
    known = _known()
    for at, name in enumerate(header):
        if at == 1:
            continue
        letters = column_letters(at)
        if name in columns:
            raise refusal(file.name, "the name of the column stands there twice.", 1, letters)
        section = str(name).split(" | ", 1)[0]
        if name not in DESCRIBING and name not in known and (section not in _groups() or section in _sections()):
            raise refusal(file.name, "the column's name is in neither columns.csv nor groups.csv.", 1, letters)
        columns[name] = (letters, [row[at] for row in body])
    if missing := [name for name in (*DESCRIBING, *known) if name not in columns]:
        raise refusal(file.name, f"missing {', '.join(missing)}; the columns are not the expected ones.", 1)
    for name in (NAME, STATE, KIND, *CONSTANT):
        letters, cells = columns[name]
        for number, cell in enumerate(cells, start=2):
            if not isinstance(cell, str) or LONG_NUMBER.search(cell):
                raise refusal(file.name, "not words, or a long number is in them.", number, letters)
            if cell == "":
                raise refusal(file.name, f"{name!r} is empty.", number, letters)
            if name in CONSTANT and cell != CONSTANT[name]:
                raise refusal(file.name, f"{cell!r} is not {CONSTANT[name]!r}.", number, letters)
            if name == KIND and cell not in KINDS and not cell.startswith(OTHER_KIND):
                raise refusal(file.name, f"{cell!r} is not a kind of establishment that is known.", number, letters)
    return columns


@cache
def _known() -> dict[str, dict[str, str]]:
    """Each column of the sections that are read, with what it counts."""
    with (HERE / "columns.csv").open(encoding="utf-8", newline="") as stream:
        return {row["column"]: row for row in csv.DictReader(stream)}


@cache
def _sections() -> set[str]:
    return {name.split(" | ", 1)[0] for name in _known()}


@cache
def _groups() -> dict[str, str]:
    """Why each other section is left out."""
    with (HERE / "groups.csv").open(encoding="utf-8", newline="") as stream:
        return {row["group"]: row["reason"] for row in csv.DictReader(stream)}


@cache
def _prisons() -> set[tuple[str, str]]:
    """Prisons whose row speaks of monitoring, by state and name."""
    with (HERE / "monitoring.csv").open(encoding="utf-8", newline="") as stream:
        return {(row[STATE], row[NAME]) for row in csv.DictReader(stream)}


def _states(file: RawFile, cells: list[str]) -> list[str]:
    """The place of each row, from the two letters of its state."""
    places = {}
    for number, cell in enumerate(cells, start=2):
        if cell in places:
            continue
        try:
            places[cell] = file.places(f"{COUNTRY}-{cell}")
        except UnknownPlace as error:
            raise refusal(file.name, str(error), number, STATE) from error
    return [places[cell] for cell in cells]


def _virtual(file: RawFile, columns: dict[str, tuple[str, list[Any]]]) -> list[bool]:
    """Which rows are virtual units: those so named; one that only speaks of monitoring must have been looked at."""
    found = []
    told = zip(*(columns[name][1] for name in (STATE, NAME, KIND, OTHER_PLACES)), strict=True)
    for number, (state, name, kind, other) in enumerate(told, start=2):
        virtual = VIRTUAL.search(name) is not None
        if not virtual and MAYBE_VIRTUAL.search(f"{name} {kind} {other}") and (state, name) not in _prisons():
            why = f"{name!r} speaks of monitoring; add it to monitoring.csv if it is a prison all the same."
            raise refusal(file.name, why, number, columns[NAME][0])
        found.append(virtual)
    return found


def _figures(file: RawFile, columns: dict[str, tuple[str, list[Any]]]) -> list[Column]:
    """The columns of the sections that are read, their cells whole numbers or None."""
    figures = []
    for name, row in _known().items():
        if not row["measure"]:
            continue
        letters, cells = columns[name]
        try:
            numbers = [_number(cell) for cell in cells]
        except ValueError:
            at = next(i for i, cell in enumerate(cells) if not _whole(cell))
            why = f"{_shown(cells[at])} is not a whole number from 0 to {MOST:,}"
            raise refusal(file.name, why, at + 2, letters) from None
        given = {name: row[name] or None for name in ("legal_status", "cause", "definition")}
        figures.append(
            Column(name, letters, numbers, row["level"], Key(row["measure"], row["sex"], **given), row["reason"])
        )
    return figures


def _whole(cell: Any) -> bool:
    number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    return cell == "" or (number and cell == cell // 1 and 0 <= cell <= MOST)


def _number(cell: Any) -> int | None:
    if not _whole(cell):
        raise ValueError
    return None if cell == "" else int(cell)


def _shown(cell: Any) -> str:
    """A cell as a refusal may quote it."""
    text = f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell)
    if found := LONG_NUMBER.search(text):
        return f"a number of {sum(sign.isdigit() for sign in found[0])} digits"
    return repr(cell)


def _refuse_unequal(file: RawFile, figures: list[Column]) -> None:
    """Refuse a row whose parts do not add up to its total: a column was shifted, or the parts are not the parts."""
    persons = [c for c in figures if c.key.measure == "persons_held"]
    everybody = next(c for c in persons if c.name == EVERYBODY)
    regimes = [c for c in persons if c.level == "row" and c is not everybody]
    for total, parts in [
        (everybody, regimes),
        *((regime, [c for c in persons if c.level == "sum" and _of_regime(c, regime)]) for regime in regimes),
    ]:
        for at, value in enumerate(total.cells):
            found = sum(part.cells[at] or 0 for part in parts)
            if found != (value or 0):
                why = f"{total.name!r} is {value}, but its parts add up to {found}"
                raise refusal(file.name, why, at + 2, total.letters)
            if value is None and total is everybody:
                raise refusal(file.name, f"{total.name!r} is empty.", at + 2, total.letters)


def _of_regime(column: Column, regime: Column) -> bool:
    return column.key.legal_status == regime.key.legal_status


def _at_home(column: Column) -> Key | None:
    """What a figure of a virtual unit counts, if anything."""
    if column.name != EVERYBODY:
        return None
    return Key("persons_under_supervision", "_T", None, None, "ELECTRONIC_MONITORING", "virtual_unit")


def _sums(figures: list[Column], virtual: list[bool]) -> list[dict[str, Any]]:
    """The observations of the country."""
    of: defaultdict[tuple[Key, str], list[Column]] = defaultdict(list)
    for column in figures:
        for key, scope in _sums_with(column):
            of[key, scope].append(column)
    made = []
    for (key, scope), columns in of.items():
        within = [scope == "all" or no_custody == (scope == "virtual") for no_custody in virtual]
        filled = [at for at, inside in enumerate(within) if inside and any(c.cells[at] is not None for c in columns)]
        if not filled:
            continue
        value = sum(c.cells[at] or 0 for c in columns for at in filled)
        note = f"sum of {len(filled):,} establishments in the file"
        locator = f"{SHEET}!{'+'.join(c.letters for c in columns)}[{_ranges(within)}]"
        place = {"place_id": COUNTRY, "facility": "_T", "locator": locator}
        made.append({**vars(key), **place, "value": value, "note": note})
    return made


def _ranges(within: list[bool]) -> str:
    """The rows of the establishments that are in a sum, as in `2-13,15`, so that a person can add them up again."""
    ranges: list[list[int]] = []
    for row in (at + 2 for at, inside in enumerate(within) if inside):
        if ranges and ranges[-1][1] == row - 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)


def _sums_with(column: Column) -> list[tuple[Key, str]]:
    """Which sums of the country a column is part of, and over which rows: custody, virtual units or all."""
    key = column.key
    keys = [(key, "custody")]
    if key.measure == "official_capacity":
        keys.append((replace(key, sex="_T"), "custody"))
    if key.measure != "persons_held":
        return keys
    if key.legal_status in REGIMES:
        keys.append((replace(key, legal_status="SENTENCED"), "custody"))
    if key.sex != "_T":
        keys.append((replace(key, legal_status="_T"), "custody"))
    if key.sex != "_T" or column.name == EVERYBODY:
        supervised = Key("persons_under_supervision", key.sex, None, None, "ELECTRONIC_MONITORING", "virtual_unit")
        both = Key("persons_under_correctional_supervision", key.sex, definition="prison_population_with_virtual")
        keys += [(supervised, "virtual"), (both, "all")]
    return keys


def _left_out(columns: dict[str, tuple[str, list[Any]]], figures: list[Column], virtual: list[bool]) -> list[LeftOut]:
    """The filled cells that become no observation of an establishment, by column."""
    by_name = {column.name: column for column in figures}
    left_out = []
    for name, (letters, cells) in columns.items():
        if name in DESCRIBING:
            continue
        filled = [at for at, cell in enumerate(cells) if cell != ""]
        column = by_name.get(name)
        if column is None:
            reason = _known()[name]["reason"] if name in _known() else _groups()[name.split(" | ", 1)[0]]
        elif column.level == "row":
            filled = [at for at in filled if virtual[at] and _at_home(column) is None]
            reason = NOT_CUSTODY
        else:
            reason = column.reason
        if filled:
            left_out.append(LeftOut(f"{SHEET}!{letters}", reason, {"column": name}, len(filled)))
    return left_out
