"""The schema as it was last released, and whether a change of it bears the version that it must.

A column renamed, removed, reordered, of another type or unit, another key, an identity made of other columns, a
measure in another unit and a code that is gone break what others have built: MAJOR. A table, column, measure or code
more, and a column that may be missing from now on, break nothing that asks by name: MINOR. The rule is the same before
1.0.0. Descriptions may be mended at any time.

A build refuses what is MAJOR; a table or column more may be built at once, and is refused by `make schema` and by a
release until `version` in `schema.yml` is raised. `make schema` writes `released_schema.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
    """The tables of one version: their columns in order, their keys, and the words that stand in them.

    `identities` are, by table, the column of a row's identity and the columns of which it is made; `measures` are the
    unit of each, `codes` those of each list. A release made before these were noted does not say them: None.
    """

    version: str
    columns: Mapping[str, Sequence[Field]]
    keys: Mapping[str, Sequence[str]]
    identities: Mapping[str, Sequence[str]] | None = None
    measures: Mapping[str, str] | None = None
    codes: Mapping[str, Sequence[str]] | None = None

    def words(self) -> dict[str, Any]:
        """What is noted beside the columns, as plain data."""
        listed = {name: list(columns) for name, columns in (self.identities or {}).items()}
        codes = {name: list(codes) for name, codes in (self.codes or {}).items()}
        return {"identities": listed, "measures": dict(self.measures or {}), "codes": codes}

    def as_json(self) -> str:
        """As it is written down: one line a column, measure or list, so that a change of one is one line."""
        tables = []
        for name, columns in self.columns.items():
            listed = ",\n".join(f"  {json.dumps([c.name, c.type, c.unit, c.nullable])}" for c in columns)
            key = json.dumps(list(self.keys[name]))
            tables.append(f' {json.dumps(name)}: {{"key": {key}, "columns": [\n{listed}\n ]}}')
        parts = [f' "version": {json.dumps(self.version)}', ' "tables": {\n' + ",\n".join(tables) + "\n }"]
        for part, words in self.words().items():
            lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(word)}" for name, word in words.items())
            parts.append(f' "{part}": {{\n{lines}\n }}')
        return "{\n" + ",\n".join(parts) + "\n}\n"


@dataclass(frozen=True)
class Change:
    """One change of the schema: of which table, measure or code list, what, and which part of the version it raises."""

    table: str
    what: str
    bump: Bump
    kind: Literal["table", "measure", "code list"] = "table"


def of_dictionary(words: Dictionary) -> Schema:
    """The schema that the dictionary describes."""
    return Schema(
        words.version,
        {t.name: tuple(Field(c.name, c.type, c.unit, c.nullable) for c in t.columns) for t in words.tables.values()},
        {t.name: t.key for t in words.tables.values()},
        {t.name: (t.identity.column, *t.identity.of) for t in words.tables.values() if t.identity},
        {name: measure.unit for name, measure in words.measures.items()},
        {name: words.codes(name) for name in (*words.code_lists, "licence")},
    )


def read(path: Path = RELEASED) -> Schema:
    """The schema that was released last.

    Raises:
        DictionaryError: when it is not there or damaged: no change could be told, and none would be refused.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        tables = plain["tables"]
        columns = {name: tuple(Field(*column) for column in table["columns"]) for name, table in tables.items()}
        keys = {name: tuple(table["key"]) for name, table in tables.items()}
        return Schema(plain["version"], columns, keys, *words_of(plain))
    except FileNotFoundError:
        why = "is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"cannot be read ({type(error).__name__}: {error})"
    raise DictionaryError(
        f"dictionary/{path.name} {why}, and without it no change of the schema is noticed; restore it from git."
    )


def words_of(
    plain: Mapping[str, Any],
) -> tuple[Mapping[str, Sequence[str]] | None, Mapping[str, str] | None, Mapping[str, Sequence[str]] | None]:
    """What is noted beside the columns, as `Schema.words` gave it; None for what was not noted yet."""
    identities, measures, codes = (plain.get(part) for part in ("identities", "measures", "codes"))
    listed = None if identities is None else {name: tuple(columns) for name, columns in identities.items()}
    return listed, measures, None if codes is None else {name: tuple(of) for name, of in codes.items()}


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
    found += [*_of_measures(before.measures, after.measures), *_of_codes(before.codes, after.codes)]
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
    if before.identities is not None and after.identities is not None:
        made = [", ".join(schema.get(table, ("none",))) for schema in (before.identities, after.identities)]
        if made[0] != made[1]:  # in this order too: it is a hash
            found.append(Change(table, f"its identity and what it is made of was {made[0]} and is {made[1]}", "MAJOR"))
    return found


def _of_measures(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> Iterator[Change]:
    if before is None or after is None:
        return
    for name in sorted({*before, *after}):
        if name not in after:
            yield Change(name, "it is gone or renamed", "MAJOR", "measure")
        elif name not in before:
            yield Change(name, "it is new", "MINOR", "measure")
        elif before[name] != after[name]:
            yield Change(name, f"it was in {before[name]} and is in {after[name]}", "MAJOR", "measure")


def _of_codes(
    before: Mapping[str, Sequence[str]] | None, after: Mapping[str, Sequence[str]] | None
) -> Iterator[Change]:
    if before is None or after is None:
        return
    for name in sorted({*before, *after}):
        old, new = before.get(name, ()), after.get(name, ())
        for code in (c for c in old if c not in new):
            yield Change(name, f"code {code} is gone or renamed", "MAJOR", "code list")
        for code in (c for c in new if c not in old):
            yield Change(name, f"code {code} is new", "MINOR", "code list")


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
        f"Since schema {before.version}, of {found[0].kind} {found[0].table} {found[0].what}{rest}: "
        f"that is a {bump} change; raise version in dictionary/schema.yml "
        f"from {after.version} to {'.'.join(map(str, least))}."
    )


def refuse_unversioned(bump: Bump) -> None:
    """Refuse a dictionary that differs so much from the released schema and bears no version that says so.

    Raises:
        DictionaryError: naming what changed and which version it must bear, or that nobody knows what was released.
    """
    released, now = read(), of_dictionary(dictionary())
    if (why := refusal(released, now)) is None:
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
