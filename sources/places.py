"""Places: which places exist, what they are called, and which one a publisher's code means.

Here belong `places.csv` (one row a place), `place_names.csv` (other names in use), the lookup of a name that
a person typed, the strict resolver of a publisher's codes, and the check of all these tables. Figures,
populations, and anything that guesses do not belong here: a text that is not in a table is refused, with the
nearest places proposed.

The columns of `places.csv` mean:

- `place_id`: ISO 3166-1 alpha-3; a part has its parent's id, a hyphen and the ISO 3166-2 suffix where ISO has
  one. Ids of our own: XKX (ISO leaves the code to users), IRQ-CEN (the area under the central administration
  of Iraq), TZA-MAIN and TZA-ZAN, CAN-NTNU, USA-FED, CAN-FED, USA-STATE, CAN-PROV; `M49-nnn` for areas that
  only the UN Statistics Division numbers, `WB-xxx` for groups of the World Bank, `LOC-nnn` for groups of the
  UN Population Division, `REG-xxx` for groups that a single study pooled.
- `iso3`: the ISO code, also of former countries; empty where ISO has none.
- `m49`: the three-digit code in the UN Statistics Division's list of areas, zero-padded. That list is wider
  than M49 proper: it numbers Kosovo 412, parts of Iraq and of the United Kingdom, and files Taiwan under 158,
  which it labels only as an area not specified elsewhere.
- `kind`: `state` is a member or observer state of the United Nations, or Kosovo, or a former state;
  `territory` is every other entry of ISO 3166-1, past ones included; `part` and `aggregate` are described
  next. The kind is a statistical convenience and takes no position on the status of any place.
- `parent`: of a `part`, the place that is the sum of its parts. All parts are listed, so that a sum over some
  of them is never taken for the whole. USA-FED and CAN-FED are systems, not areas, and are parts because
  without them the states or provinces do not add up to the country. Bosnia and Herzegovina counts as its two
  entities; the Brčko District has no row. Of a `territory`, the state that it belongs to politically and
  nothing more: its figures are not in that state's figures, and nothing is summed over it; it is empty for
  Taiwan, Western Sahara and Antarctica. Of an `aggregate`, the next larger area.
- `aggregate`: anything that overlaps other places and must never be added to them, a small area like Sark
  included.
- `region`, `subregion`: the UN's names, empty for aggregates other than the world.
- `valid_from`, `valid_to`: first and last day of existence, given only where they are certain and matter.
  They describe the place, not the figures: publishers do carry figures back to before a place existed.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

HERE = Path(__file__).resolve().parent
KINDS = frozenset({"state", "territory", "part", "aggregate"})
REGIONS = frozenset({"Africa", "Americas", "Asia", "Europe", "Oceania", "World"})
PLACE_COLUMNS = (
    "place_id", "name", "iso3", "m49", "kind", "parent", "region", "subregion", "valid_from", "valid_to",
)  # fmt: skip
NAME_COLUMNS = ("name", "place_id")
ALIAS_COLUMNS = ("code", "place_id")

Scheme = Literal["place_id", "iso3", "m49", "name"]

_ID = re.compile(r"[A-Z]{3}(-[A-Z0-9]+)?|M49-\d{3}|WB-[A-Z]{3}|LOC-\d{3,4}|REG-[A-Z0-9]+")
_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'"})
_LONGEST_TEXT = 80  # more of a text than this is neither compared nor repeated in a message


@dataclass(frozen=True)
class Place:
    """One row of places.csv; None stands for an empty cell."""

    place_id: str
    name: str
    iso3: str | None
    m49: str | None
    kind: str
    parent: str | None
    region: str | None
    subregion: str | None
    valid_from: date | None
    valid_to: date | None

    def exists_on(self, day: date) -> bool:
        """Whether the place existed on that day, as far as the table knows."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class UnknownPlace(ValueError):
    """A text that no table maps to a place; `nearest` holds the three most similar places."""

    def __init__(self, text: str, nearest: Sequence[Place] | None = None) -> None:
        self.text = text
        self.nearest: list[Place] = _nearest(text) if nearest is None else list(nearest)
        shown = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
        proposals = ", ".join(f"{place.name} ({place.place_id})" for place in self.nearest)
        super().__init__(f"No place is known as {shown!r}; the nearest are {proposals}.")

    def __reduce__(self) -> tuple[type[UnknownPlace], tuple[str, list[Place]]]:
        return type(self), (self.text, self.nearest)


@cache
def places() -> Mapping[str, Place]:
    """Every place by its place_id, in the order of the table."""
    table: dict[str, Place] = {}
    for row in _read(HERE / "places.csv", PLACE_COLUMNS):
        place = Place(
            place_id=row["place_id"],
            name=row["name"],
            iso3=row["iso3"] or None,
            m49=row["m49"] or None,
            kind=row["kind"],
            parent=row["parent"] or None,
            region=row["region"] or None,
            subregion=row["subregion"] or None,
            valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        if place.place_id in table:
            raise ValueError(f"places.csv has {place.place_id!r} twice.")
        table[place.place_id] = place
    return MappingProxyType(table)


def find(text: str) -> Place:
    """The place that a person means by an id, an ISO 3166-1 code or a name.

    Case, width, spacing and the shape of apostrophes are ignored; nothing else is.
    """
    found = _index().get(_key(text), frozenset())
    if len(found) != 1:
        raise UnknownPlace(text)
    return places()[next(iter(found))]


def children(place_id: str, on: date | None = None) -> tuple[str, ...]:
    """The parts whose sum the place is, sorted: all ever listed, or those that existed `on` a day.

    Parts that succeeded each other are both listed, so a sum for a period needs `on`.
    """
    if place_id not in places():
        raise UnknownPlace(place_id)
    return tuple(
        sorted(
            place.place_id
            for place in places().values()
            if place.kind == "part" and place.parent == place_id and (on is None or place.exists_on(on))
        )
    )


class Resolver:
    """Turns one publisher's codes into place_ids, by exact match: its aliases first, then one column.

    The scheme names that column of places.csv. `name` means this column alone, not place_names.csv, where a
    mark like `NA` is the code of Namibia. `m49` wants three digits: pad a publisher's `4` to `004` before.
    """

    def __init__(self, scheme: Scheme, aliases: Mapping[str, str]) -> None:
        for place_id in aliases.values():
            if place_id not in places():
                raise UnknownPlace(place_id)
        self.scheme = scheme
        self.aliases: Mapping[str, str] = MappingProxyType(dict(aliases))
        self._column = _column(scheme)

    @classmethod
    def for_folder(cls, folder: Path, scheme: Scheme) -> Resolver:
        """A resolver with the aliases.csv of a source's folder, where there is one."""
        path = folder / "aliases.csv"
        aliases: dict[str, str] = {}
        if path.exists():
            for row in _read(path, ALIAS_COLUMNS):
                if row["code"] in aliases:
                    raise ValueError(f"{folder.name}/aliases.csv has the code {row['code']!r} twice.")
                aliases[row["code"]] = row["place_id"]
        return cls(scheme, aliases)

    def __call__(self, code: str) -> str:
        """The place_id that the code means."""
        place_id = self.aliases.get(code) or self._column.get(code)
        if place_id is None:
            raise UnknownPlace(code)
        return place_id


def check() -> list[str]:
    """What is wrong with the tables, one sentence a problem; empty when all is well."""
    tables: dict[str, list[dict[str, str]]] = {}
    problems: list[str] = []
    wanted = [(HERE / "places.csv", PLACE_COLUMNS), (HERE / "place_names.csv", NAME_COLUMNS)]
    wanted += [(path, ALIAS_COLUMNS) for path in sorted(HERE.glob("*/aliases.csv"))]
    for path, columns in wanted:
        label = path.relative_to(HERE).as_posix()
        try:
            tables[label] = _read(path, columns)
        except ValueError as error:
            problems.append(str(error))
            tables[label] = []
    rows, names = tables.pop("places.csv"), tables.pop("place_names.csv")
    problems += _place_problems(rows)
    problems += _name_problems(rows, names)
    ids = {row["place_id"] for row in rows}
    for label, aliases in tables.items():
        problems += _alias_problems(label, aliases, ids)
    return problems


def _read(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    label = f"{path.parent.name}/{path.name}"
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        if next(reader, None) != list(columns):
            raise ValueError(f"{label} must begin with the columns {', '.join(columns)}.")
        rows = []
        for cells in reader:
            if len(cells) != len(columns):
                raise ValueError(f"{label}:{reader.line_num} has {len(cells)} cells, not {len(columns)}.")
            rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold().split())


@cache
def _index() -> Mapping[str, frozenset[str]]:
    keys: dict[str, set[str]] = {}
    for place in places().values():
        for text in (place.place_id, place.iso3, place.name):
            if text is not None:
                keys.setdefault(_key(text), set()).add(place.place_id)
    for row in _read(HERE / "place_names.csv", NAME_COLUMNS):
        keys.setdefault(_key(row["name"]), set()).add(row["place_id"])
    return MappingProxyType({key: frozenset(ids) for key, ids in keys.items()})


@cache
def _column(scheme: Scheme) -> Mapping[str, str]:
    getters: dict[Scheme, Callable[[Place], str | None]] = {
        "place_id": lambda place: place.place_id,
        "iso3": lambda place: place.iso3,
        "m49": lambda place: place.m49,
        "name": lambda place: place.name,
    }
    if scheme not in getters:
        raise ValueError(f"A resolver's scheme is one of {', '.join(getters)}, not {scheme!r}.")
    get = getters[scheme]
    return MappingProxyType({code: place.place_id for place in places().values() if (code := get(place)) is not None})


def _nearest(text: str, count: int = 3) -> list[Place]:
    """The places with the most similar names; a name that contains the text as whole words goes first."""
    wanted = _key(text[:_LONGEST_TEXT])
    words = re.compile(rf"\b{re.escape(wanted)}\b") if wanted else None
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best: dict[str, float] = {}
    for key, ids in _index().items():
        matcher.set_seq1(key)
        score = matcher.ratio()
        if words is not None and words.search(key):
            score += 1
        for place_id in ids:
            best[place_id] = max(score, best.get(place_id, 0.0))
    ranked = sorted(best, key=lambda place_id: (-best[place_id], place_id))
    return [places()[place_id] for place_id in ranked[:count] if place_id in places()]


def _repeated(values: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return sorted({value for value in values if value in seen or seen.add(value)})  # type: ignore[func-returns-value]


def _date_problems(row: Mapping[str, str]) -> list[str]:
    days: dict[str, date] = {}
    problems = []
    for column in ("valid_from", "valid_to"):
        if row[column]:
            try:
                days[column] = date.fromisoformat(row[column])
            except ValueError:
                problems.append(f"{row['place_id']} has {column} {row[column]!r}, which is no date.")
    if len(days) == 2 and days["valid_from"] > days["valid_to"]:
        problems.append(f"{row['place_id']} ends before it begins.")
    return problems


def _place_problems(rows: Sequence[Mapping[str, str]]) -> list[str]:
    by_id = {row["place_id"]: row for row in rows}
    problems: list[str] = []
    for column in ("place_id", "iso3", "m49"):
        twice = _repeated(row[column] for row in rows if row[column])
        problems += [f"The {column} {value!r} is there twice." for value in twice]
    if [row["place_id"] for row in rows] != sorted(row["place_id"] for row in rows):
        problems.append("places.csv is not sorted by place_id.")
    for row in rows:
        problems += _row_problems(row, by_id)
        problems += _date_problems(row)
    counts: dict[str, int] = {}
    for row in rows:
        if row["kind"] == "part":
            counts[row["parent"]] = counts.get(row["parent"], 0) + 1
    lonely = [parent for parent, count in counts.items() if count == 1]
    problems += [f"{parent} has one part only, which would pass for it." for parent in lonely]
    return problems


def _row_problems(row: Mapping[str, str], by_id: Mapping[str, Mapping[str, str]]) -> list[str]:
    place_id, kind, parent = row["place_id"], row["kind"], row["parent"]
    tests = (
        (not _ID.fullmatch(place_id), "is not a well-formed place_id"),
        (not row["name"] or row["name"] != row["name"].strip(), "has no clean name"),
        (kind not in KINDS, f"has the unknown kind {kind!r}"),
        (bool(row["m49"]) and not re.fullmatch(r"[0-9]{3}", row["m49"]), "has an m49 not of three digits"),
        (bool(row["iso3"]) and row["iso3"] != place_id, "has an iso3 other than its place_id"),
        (bool(parent) and (parent not in by_id or parent == place_id), f"has the unknown parent {parent!r}"),
        (kind == "part" and not parent, "is a part without a parent"),
        (kind == "part" and not place_id.startswith(f"{parent}-"), "does not begin with its parent's id"),
        (kind == "state" and bool(parent), "is a state with a parent"),
        (bool(row["region"]) != bool(row["subregion"]), "has a region without a subregion, or the reverse"),
        (bool(row["region"]) and row["region"] not in REGIONS, f"has the unknown region {row['region']!r}"),
    )
    problems = [f"{place_id} {what}." for wrong, what in tests if wrong]
    seen = {place_id}
    while parent in by_id and parent not in seen:
        seen.add(parent)
        parent = by_id[parent]["parent"]
    if parent in seen:
        problems.append(f"{place_id} is its own ancestor.")
    return problems


def _name_problems(rows: Sequence[Mapping[str, str]], names: Sequence[Mapping[str, str]]) -> list[str]:
    ids = {row["place_id"] for row in rows}
    problems = [f"The name {value!r} is there twice." for value in _repeated(row["name"] for row in names)]
    meant: dict[str, set[str]] = {}
    for row in rows:
        for text in (row["place_id"], row["iso3"], row["name"]):
            if text:
                meant.setdefault(_key(text), set()).add(row["place_id"])
    for row in names:
        if not row["name"].strip():
            problems.append(f"{row['place_id']} has an empty name in place_names.csv.")
        if row["place_id"] not in ids:
            problems.append(f"The name {row['name']!r} maps to the unknown place {row['place_id']!r}.")
        meant.setdefault(_key(row["name"]), set()).add(row["place_id"])
    problems += [
        f"The name {key!r} means several places: {', '.join(sorted(found))}."
        for key, found in meant.items()
        if len(found) > 1
    ]
    return problems


def _alias_problems(label: str, aliases: Sequence[Mapping[str, str]], ids: set[str]) -> list[str]:
    problems = [f"{label} has the code {code!r} twice." for code in _repeated(row["code"] for row in aliases)]
    for row in aliases:
        if not row["code"]:
            problems.append(f"{label} has an empty code.")
        if row["place_id"] not in ids:
            problems.append(f"{label} maps {row['code']!r} to the unknown place {row['place_id']!r}.")
    return problems
