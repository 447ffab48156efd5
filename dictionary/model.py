"""The dictionary as Python objects: tables, columns, code lists, measures and licences, read from YAML and checked.

Reading is strict: an unknown key, type, code list or column stops the program, because everything downstream is
generated from here. Renderings (DDL, Arrow, expectations, codebook) live in `dictionary.render`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

HERE = Path(__file__).parent
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Type = Literal["text", "integer", "number", "date", "boolean"]
Severity = Literal["critical", "warning"]
Group = Literal["accepted", "reference", "model"]
#: What a table or a source is mainly about; whoever shows many of them shows them by this.
Subject = Literal["prison_population", "supervision", "after_release", "population", "world_total", "reference"]
Breakdown = Literal["sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause"]

#: The breakdowns of an observation, in the order of the series key.
BREAKDOWNS: tuple[Breakdown, ...] = (
    "sex",
    "age",
    "legal_status",
    "citizenship",
    "offence",
    "supervision",
    "cause",
)

#: Code lists that other rooms hold: places are rows, not words.
ELSEWHERE = frozenset({"place"})


class DictionaryError(ValueError):
    """The dictionary contradicts itself; the message names the file and what to mend."""


def faults(error: Exception) -> str:
    """What is wrong with a file of settings, key by key in our own words, not those of the library that found it."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(str(part) for part in e['loc'])} {_fault(e)}".strip() for e in error.errors())


def _fault(error: Mapping[str, Any]) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return "is unknown"
    if error["type"] in ("value_error", "assertion_error"):
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return f"must be {error['ctx']['expected']}, not {error['input']!r}"
    kind = str(error["msg"]).removeprefix("Input should be ").partition(", unable")[0]
    return f"must be {kind}, not {str(error['input'])[:60]!r}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column: its type, meaning, unit, and what its values may be."""

    name: str
    type: Type
    description: str
    nullable: bool = False
    unit: str | None = None
    codes: str | None = None
    pattern: str | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    default: str | bool | float | None = None


class Where(_Strict):
    """Rows in which a column holds one of the values."""

    column: str
    values: tuple[str, ...]


class Check(_Strict):
    """A rule of a table beyond what its columns say; `kind` chooses the expectation it becomes."""

    kind: Literal["null_only_when", "between", "not_after", "unique_together"]
    severity: Severity
    reason: str
    column: str | None = None
    columns: tuple[str, ...] = ()
    other: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    when_column: str | None = None
    when_values: tuple[str, ...] = ()
    where: Where | None = None

    @model_validator(mode="after")
    def _complete(self) -> Check:
        needed = {
            "null_only_when": ("column", "when_column", "when_values"),
            "between": ("column",),
            "not_after": ("column", "other"),
            "unique_together": ("columns",),
        }
        if missing := [n for n in needed[self.kind] if getattr(self, n) in (None, ())]:
            raise ValueError(f"a check of kind {self.kind} needs {', '.join(missing)}")
        if self.kind == "between" and self.minimum is None and self.maximum is None:
            raise ValueError("a check of kind between needs a minimum or a maximum")
        return self


class Rule(_Strict):
    """A rule of the field: one SELECT gives the rows that it concerns, with a boolean `holds`.

    The other columns name each row (its key, its locator) and show what was compared. Of the rows at least the share
    `mostly` must hold; what cannot be told, a null, does not hold.
    """

    name: str = Field(pattern="^[a-z0-9_]+$")
    severity: Severity
    reason: str
    mostly: float = Field(default=1, gt=0, le=1)
    sql: str


def refuse_twice(rules: Sequence[Rule]) -> None:
    """Refuse rules of which two have one name.

    Raises:
        ValueError: naming it.
    """
    names = [rule.name for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the rule {twice[0]} is there twice")


class Identity(_Strict):
    """A column that identifies a row: a hash over source, the columns `of` and vintage, in this order."""

    column: str
    of: tuple[str, ...]


class Table(_Strict):
    """One table: what a row is, its columns in order, its key, its sort order and its own checks.

    `group` says who makes it: `accepted` rows come from sources, `reference` rows from Custody's own lists and
    records, `model` rows from a .sql file alone. All three have a .sql file. Its `rules` are asked of each vintage
    before it is accepted where its rows come from sources, else of the table as it was built. `lasting` are the columns
    by which a reader knows a row again in another release, where the key is of one vintage.
    """

    name: str
    title: str
    row: str
    group: Group
    subject: Subject
    key: tuple[str, ...]
    sort: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    rules: tuple[Rule, ...] = ()
    may_be_empty: bool = False
    identity: Identity | None = None
    lasting: tuple[str, ...] = ()

    @property
    def known_by(self) -> tuple[str, ...]:
        """The columns by which a row is the same in every release: the figure's, whatever its vintage."""
        return self.lasting or (("source_id", *self.identity.of) if self.identity else self.key)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(c.name for c in self.columns)

    @model_validator(mode="after")
    def _names_exist(self) -> Table:
        names = set(self.column_names)
        if len(names) != len(self.columns):
            raise ValueError("a column is listed twice")
        refuse_twice(self.rules)
        used: set[str] = {*self.key, *self.sort, *self.lasting}
        used |= {self.identity.column, *self.identity.of} if self.identity else set()
        for check in self.checks:
            used |= {c for c in (check.column, check.other, check.when_column, *check.columns) if c}
            used |= {check.where.column} if check.where else set()
        if missing := used - names:
            raise ValueError(f"no such column: {', '.join(sorted(missing))}")
        return self


class CodeList(_Strict):
    """A closed list of codes with their meanings."""

    title: str
    codes: Mapping[str, str]


class Measure(_Strict):
    """What is counted, in which unit, and which breakdowns mean something for it."""

    title: str
    unit: str
    nature: Literal["stock", "flow", "ratio"]
    applies: tuple[Breakdown, ...]
    description: str


class Licence(_Strict):
    """A licence of figures; `class` decides what a release may hold."""

    title: str
    licence_class: Literal["open", "attribution", "internal"]
    url: str | None

    @model_validator(mode="before")
    @classmethod
    def _class_is_a_keyword(cls, data: Any) -> Any:
        return {("licence_class" if k == "class" else k): v for k, v in data.items()}


class Dictionary(_Strict):
    """The whole dictionary; `version` is the semver of the tables."""

    version: str
    tables: Mapping[str, Table]
    code_lists: Mapping[str, CodeList]
    measures: Mapping[str, Measure]
    licences: Mapping[str, Licence]

    @field_validator("tables")
    @classmethod
    def _sorted(cls, tables: Mapping[str, Table]) -> Mapping[str, Table]:
        return dict(sorted(tables.items()))

    def codes(self, name: str) -> tuple[str, ...]:
        """The codes of a list that the dictionary itself holds, `measure` and `licence` included."""
        if name == "measure":
            return tuple(self.measures)
        if name == "licence":
            return tuple(self.licences)
        return tuple(self.code_lists[name].codes)

    @model_validator(mode="after")
    def _references_exist(self) -> Dictionary:
        known = set(self.code_lists) | {"measure", "licence"} | ELSEWHERE
        for table in self.tables.values():
            for column in table.columns:
                if column.codes and column.codes not in known:
                    raise ValueError(f"tables/{table.name}.yml, column {column.name}: no code list {column.codes!r}")
        units = set(self.codes("unit"))
        for name, measure in self.measures.items():
            if measure.unit not in units:
                raise ValueError(f"measures.yml: {name}: no unit {measure.unit!r}")
        return self


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = yaml.load((folder / name).read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DictionaryError(f"{name}: {error}") from error
    if not isinstance(content, dict):
        raise DictionaryError(f"{name}: must be a mapping of names to what they mean")
    return content


def _entries(folder: Path, name: str, kind: type[_Strict]) -> dict[str, Any]:
    entries = {}
    for key, entry in _read(folder, name).items():
        try:
            entries[key] = kind.model_validate(entry)
        except ValueError as error:
            raise DictionaryError(f"{name}: {key}: {faults(error)}") from error
    return entries


def _columns(table: str, listed: list[Any], shared: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    columns = []
    for item in listed:
        name, own = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        if name not in shared and "type" not in own:
            raise DictionaryError(f"tables/{table}.yml: column {name} is not in columns.yml and gives no type")
        columns.append({"name": name, **shared.get(name, {}), **own})
    return columns


def read(folder: Path) -> Dictionary:
    """Read the dictionary of `folder`.

    Raises:
        DictionaryError: naming the file and what to mend.
    """
    shared = _read(folder, "columns.yml")
    tables = {}
    for path in sorted((folder / "tables").glob("*.yml")):
        raw = _read(folder, f"tables/{path.name}")
        listed = _columns(path.stem, raw.pop("columns", None) or [], shared)
        try:
            if "name" in raw:
                raise ValueError("a table is named by its file alone")
            tables[path.stem] = Table.model_validate({**raw, "name": path.stem, "columns": listed})
        except ValueError as error:
            raise DictionaryError(f"tables/{path.name}: {faults(error)}") from error
    lists = {
        "code_lists": _entries(folder, "codes.yml", CodeList),
        "measures": _entries(folder, "measures.yml", Measure),
        "licences": _entries(folder, "licences.yml", Licence),
    }
    try:
        return Dictionary.model_validate({**_read(folder, "schema.yml"), "tables": tables, **lists})
    except ValueError as error:
        raise DictionaryError(f"schema.yml and what it holds together: {faults(error)}") from error


@cache
def dictionary() -> Dictionary:
    """The dictionary of this installation, read once."""
    return read(HERE)
