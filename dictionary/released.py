"""The schema as it was last released, and whether a change of it bears the version that it must.

A column renamed, removed, reordered, of another type or unit, and another key, break what others have built: MAJOR. A
table or column more, and a column that may be missing from now on, break nothing that asks by name: MINOR. The rule
is the same before 1.0.0. Codes are content, and descriptions may be mended at any time.

A build refuses what is MAJOR; a table or column more may be built at once, and is refused by `make schema` and by a
release until `version` in `schema.yml` is raised. `make schema` writes `released_schema.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dictionary.model import HERE, Dictionary, DictionaryError, dictionary

RELEASED = HERE / "released_schema.json"

Bump = Literal["MAJOR", "MINOR"]


@dataclass(frozen=True)
class Field:
    """What of a column others rely on."""

    name: str
    type: str
    unit: str | None
    nullable: bool


@dataclass(frozen=True)
class Schema:
    """The tables of one version: their columns in order, and their keys."""

    version: str
    columns: Mapping[str, Sequence[Field]]
    keys: Mapping[str, Sequence[str]]

    def as_json(self) -> str:
        """As it is written down: one line a column, so that a change of one is one line."""
        tables = []
        for name, columns in self.columns.items():
            listed = ",\n".join(f"  {json.dumps([c.name, c.type, c.unit, c.nullable])}" for c in columns)
            key = json.dumps(list(self.keys[name]))
            tables.append(f' {json.dumps(name)}: {{"key": {key}, "columns": [\n{listed}\n ]}}')
        return f'{{"version": {json.dumps(self.version)}, "tables": {{\n' + ",\n".join(tables) + "\n}}\n"


@dataclass(frozen=True)
class Change:
    """One change of the schema: which table, what, and which part of the version it raises."""

    table: str
    what: str
    bump: Bump


def of_dictionary(words: Dictionary) -> Schema:
    """The schema that the dictionary describes."""
    return Schema(
        words.version,
        {t.name: tuple(Field(c.name, c.type, c.unit, c.nullable) for c in t.columns) for t in words.tables.values()},
        {t.name: t.key for t in words.tables.values()},
    )


def read(path: Path = RELEASED) -> Schema | None:
    """The schema that was released last; None where none was."""
    if not path.exists():
        return None
    plain = json.loads(path.read_text(encoding="utf-8"))
    tables = plain["tables"]
    columns = {name: tuple(Field(*column) for column in table["columns"]) for name, table in tables.items()}
    return Schema(plain["version"], columns, {name: tuple(table["key"]) for name, table in tables.items()})


def changes(before: Schema, after: Schema) -> list[Change]:
    """What of the schema differs, MAJOR first."""
    found: list[Change] = []
    for table in sorted({*before.columns, *after.columns}):
        if table not in after.columns:
            found.append(Change(table, "the table is gone", "MAJOR"))
        elif table not in before.columns:
            found.append(Change(table, "the table is new", "MINOR"))
        else:
            found += _of_table(table, before, after)
    return sorted(found, key=lambda change: (change.bump, change.table))


def _of_table(table: str, before: Schema, after: Schema) -> list[Change]:
    old, new = ({c.name: c for c in schema.columns[table]} for schema in (before, after))
    gone, fresh = [n for n in old if n not in new], [n for n in new if n not in old]
    found = [Change(table, f"column {name} is gone or renamed", "MAJOR") for name in gone]
    found += [Change(table, f"column {name} is new", "MINOR") for name in fresh]
    kept, now = [n for n in old if n in new], [n for n in new if n in old]
    if kept != now:
        first = next(b for a, b in zip(kept, now, strict=True) if a != b)
        found.append(Change(table, f"the columns are in another order, from {first} on", "MAJOR"))
    for name in kept:
        a, b = old[name], new[name]
        if a.type != b.type:
            found.append(Change(table, f"column {name} was of type {a.type} and is of type {b.type}", "MAJOR"))
        if a.unit != b.unit:
            found.append(
                Change(table, f"column {name} was in {a.unit or 'no unit'} and is in {b.unit or 'none'}", "MAJOR")
            )
        if b.nullable and not a.nullable:
            found.append(Change(table, f"column {name} may be missing from now on", "MINOR"))
    if tuple(before.keys[table]) != tuple(after.keys[table]):
        keys = [", ".join(schema.keys[table]) for schema in (before, after)]
        found.append(Change(table, f"its key was {keys[0]} and is {keys[1]}", "MAJOR"))
    return found


def _parts(version: str) -> tuple[int, int, int]:
    try:
        major, minor, patch = (int(part) for part in version.split("."))
    except ValueError:
        raise DictionaryError(f"schema.yml: the version {version!r} is not three numbers such as 1.2.0") from None
    return major, minor, patch


def refusal(before: Schema, after: Schema) -> str | None:
    """Why `after` may not be released after `before`: what changed and which version it must bear; None where it may.

    Raises:
        DictionaryError: when a version is none.
    """
    old, new = _parts(before.version), _parts(after.version)
    found = changes(before, after)
    if new < old:
        return f"schema_version is {after.version}, and {before.version} was released; a version never goes back."
    if not found:
        return None
    bump = found[0].bump
    least = (old[0] + 1, 0, 0) if bump == "MAJOR" else (old[0], old[1] + 1, 0)
    if new >= least:
        return None
    rest = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"Since schema {before.version}, of table {found[0].table} {found[0].what}{rest}: that is a {bump} change; "
        f"raise version in dictionary/schema.yml from {after.version} to {'.'.join(map(str, least))}."
    )


def refuse_unversioned(bump: Bump) -> None:
    """Refuse a dictionary that differs so much from the released schema and bears no version that says so.

    Raises:
        DictionaryError: naming what changed and which version it must bear.
    """
    released, now = read(), of_dictionary(dictionary())
    if released is None or (why := refusal(released, now)) is None:
        return
    if bump == "MINOR" or "MAJOR" in {change.bump for change in changes(released, now)}:
        raise DictionaryError(why)


def write() -> Schema:
    """Note the dictionary's schema as released.

    Raises:
        DictionaryError: as `refuse_unversioned`.
    """
    refuse_unversioned("MINOR")
    schema = of_dictionary(dictionary())
    RELEASED.write_text(schema.as_json(), encoding="utf-8")
    return schema


if __name__ == "__main__":
    try:
        print(f"Schema {write().version} is noted in {RELEASED.name}.")
    except DictionaryError as error:
        sys.exit(str(error))
