"""What differs between two releases: the schema, every row and figure, and what that does to the world total.

Rows are known again by what they are about, never by a vintage: a figure by its place, measure, breakdown and year. Of
figures as published the newest vintage of each is compared. All is read from the two directories alone, by DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dictionary.released import Change, Field, Schema, changes, words_of
from dictionary.render import PACKAGE_TYPES, quote
from exports import lines
from exports.lines import LINE, UNEXPLAINED
from exports.listing import sums
from sources.errors import Refused
from sources.home import read_json, sha256_file

#: What a table may be called: its name stands in SQL, and a release may come from anywhere.
TABLE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Count:
    """How many rows of a table differ; `restated` ones have the same figures and other words about them."""

    table: str
    old_rows: int | None
    new_rows: int | None
    added: int
    removed: int
    changed: int
    restated: int


@dataclass(frozen=True)
class World:
    """What became of the world total of one day, the newest that both releases have.

    Attributes:
        as_of: the day; None where they have none in common.
        old, new: the total.
        walk: the steps to it that differ: role, title, old, new, change.
        places: what each place adds, where that differs, the largest change first.
        days: the total of every other day that differs.
    """

    as_of: str | None
    old: float | None
    new: float | None
    walk: list[dict[str, Any]]
    places: list[dict[str, Any]]
    days: list[dict[str, Any]]


@dataclass(frozen=True)
class Diff:
    """All that differs between two releases; `lines` has a row for each added, removed, changed and restated row."""

    old: str
    new: str
    schema: list[Change]
    counts: list[Count]
    lines: pa.Table
    world: World

    def ask(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a SELECT over table `line`."""
        with duckdb.connect() as connection:
            connection.register("line", self.lines)
            return _rows(connection, sql, *values)

    @cached_property
    def unexplained(self) -> list[dict[str, Any]]:
        """How many lines have no new file behind them, by table and reason."""
        return self.ask(
            "SELECT table_name, because, count(*) AS lines FROM line WHERE list_contains($1, because) "
            "GROUP BY ALL ORDER BY lines DESC, table_name, because",
            list(UNEXPLAINED),
        )

    def of(self, place_id: str | None, measure: str | None) -> Diff:
        """The same, of one place (its parts too) or measure alone."""
        with duckdb.connect() as connection:
            connection.register("line", self.lines)
            kept: pa.Table = connection.sql(
                "FROM line WHERE ($p IS NULL OR place_id = $p OR starts_with(place_id, $p || '-')) "
                "AND ($m IS NULL OR measure = $m)",
                params={"p": place_id, "m": measure},
            ).to_arrow_table()
        counts = _counted(kept, {c.table: (c.old_rows, c.new_rows) for c in self.counts})
        return Diff(self.old, self.new, self.schema, counts, kept, self.world)

    def as_plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "old": self.old,
            "new": self.new,
            "schema": [asdict(change) for change in self.schema],
            "tables": [asdict(count) for count in self.counts],
            "by_place_and_measure": self.ask(BY_PLACE_AND_MEASURE),
            "unexplained": self.unexplained,
            "world_total": asdict(self.world),
            "changes": self.lines.to_pylist(),
        }


BY_PLACE_AND_MEASURE = """
SELECT place_id, measure,
       count(*) FILTER (change = 'added') AS added, count(*) FILTER (change = 'removed') AS removed,
       count(*) FILTER (change = 'changed') AS changed, arg_max(size, abs(size)) AS largest
FROM line WHERE table_name = 'figure' AND change <> 'restated' AND coalesce(column_name, 'value') = 'value'
GROUP BY ALL ORDER BY abs(largest) DESC NULLS LAST, changed + added + removed DESC, place_id, measure
"""


def prove(folder: Path) -> None:
    """Hold the files that a comparison reads against the release's checksums.

    Raises:
        Refused: when one is missing or altered.
    """
    for name, digest in sums(folder).items():
        read = name in ("datapackage.json", "provenance.json") or (
            name.startswith("tables/") and name.endswith(".parquet")
        )
        try:
            holds = not read or sha256_file(folder / name) == digest
        except OSError:
            holds = False
        if not holds:
            raise Refused(f"{folder / name} is not the file that was released; get the release again.")


def schema_of(folder: Path) -> Schema:
    """The schema that a release's datapackage.json describes."""
    package, own = read_json(folder / "datapackage.json"), {theirs: ours for ours, theirs in PACKAGE_TYPES.items()}
    columns, keys = {}, {}
    for resource in package["resources"]:
        if resource["format"] == "csv" and Path(resource["path"]).parent.as_posix() == "tables":
            schema, name = resource["schema"], Path(resource["path"]).stem
            columns[name] = tuple(
                Field(f["name"], own[f["type"]], f.get("unit"), not f.get("constraints", {}).get("required", False))
                for f in schema["fields"]
            )
            keys[name] = tuple(schema["primaryKey"])
    return Schema(package["schema_version"], columns, keys, *words_of(package))


def compare(old: Path, new: Path, version: str | None = None) -> Diff:
    """Compare two releases' directories.

    Args:
        old: the directory of the earlier one.
        new: the directory of the later one.
        version: the name of the later one, where its directory does not bear it yet.
    """
    with _both(old, new) as connection:
        before, after = schema_of(old), schema_of(new)
        rows: dict[str, tuple[int | None, int | None]] = {}
        for name in sorted({*before.columns, *after.columns}):
            rows[name] = (
                _size(connection, f"a_{name}") if name in before.columns else None,
                _size(connection, f"b_{name}") if name in after.columns else None,
            )
            if name in before.columns and name in after.columns:
                lines.compare(connection, name, before, after)
        connection.execute(lines.REPEATED_OTHERWISE)
        connection.execute(lines.NOTHING_CAME_IN, ["program" if _day(old) == _day(new) else "reference_day"])
        order = ", ".join(LINE)
        found: pa.Table = connection.sql(f"SELECT {order} FROM line ORDER BY ALL").to_arrow_table()
        world = _world(connection) if _has_world(before) and _has_world(after) else World(None, None, None, [], [], [])
    return Diff(old.name, version or new.name, changes(before, after), _counted(found, rows), found, world)


@contextmanager
def _both(old: Path, new: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with every table of both, as `a_<table>` and `b_<table>`."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for side, folder in (("a", old), ("b", new)):
            for path in sorted((folder / "tables").glob("*.parquet")):
                if not TABLE.fullmatch(path.stem):
                    raise Refused(f"{path} is no table of a release; get the release again.")
                connection.execute(f'CREATE VIEW "{side}_{path.stem}" AS FROM read_parquet({quote(str(path))})')
        connection.execute(lines.EMPTY)
        connection.execute(lines.SNAPSHOTS)
        yield connection


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[dict[str, Any]]:
    answer = connection.execute(sql, list(values))
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _day(folder: Path) -> str:
    """The reference day of a release."""
    return str(read_json(folder / "provenance.json")["as_of"])


def _size(connection: duckdb.DuckDBPyConnection, view: str) -> int:
    (size,) = connection.execute(f'SELECT count(*) FROM "{view}"').fetchall()[0]
    return int(size)


def _counted(lines: pa.Table, rows: Mapping[str, tuple[int | None, int | None]]) -> list[Count]:
    """How many rows of each table differ."""
    with duckdb.connect() as connection:
        connection.register("line", lines)
        found = connection.execute(
            "SELECT table_name, count(*) FILTER (change = 'added'), count(*) FILTER (change = 'removed'), "
            "count(DISTINCT key) FILTER (change = 'changed'), count(*) FILTER (change = 'restated') "
            "FROM line GROUP BY ALL"
        ).fetchall()
    by_table = {name: numbers for name, *numbers in found}
    return [Count(name, *sizes, *by_table.get(name, (0, 0, 0, 0))) for name, sizes in rows.items()]


WORLD_NEEDS = {
    "world_total": ("as_of", "place_id", "sex", "legal_status", "central"),
    "world_walk": ("as_of", "step", "code", "role", "title", "value"),
    "world_place": ("as_of", "place_id", "name", "role", "gap"),
    "estimate": ("as_of", "place_id", "persons"),
}
TOTALS = """
SELECT as_of, a.central AS old, b.central AS new
FROM a_world_total a JOIN b_world_total b USING (as_of, place_id, sex, legal_status)
WHERE place_id = 'WLD' AND sex = '_T' AND legal_status = '_T' ORDER BY as_of DESC
"""
WALK = """
SELECT coalesce(b.role, a.role) AS role, coalesce(b.title, a.title) AS title, a.value AS old, b.value AS new,
       coalesce(b.value, 0) - coalesce(a.value, 0) AS change
FROM (FROM a_world_walk WHERE as_of = $1) a FULL JOIN (FROM b_world_walk WHERE as_of = $1) b USING (code)
WHERE a.value IS DISTINCT FROM b.value ORDER BY coalesce(b.step, a.step), title
"""
#: What a place adds to the world: its estimate where its own figures count, and people whom no source counts.
ADDS = """
SELECT place_id, w.name, w.role,
       if(w.role IN ('reported', 'carried_forward', 'brought_back'), e.persons, 0) + coalesce(w.gap, 0) AS persons
FROM {side}_world_place w LEFT JOIN {side}_estimate e USING (as_of, place_id) WHERE as_of = $1
"""
PLACES = f"""
SELECT place_id, coalesce(b.name, a.name) AS name, a.role AS old_role, b.role AS new_role,
       coalesce(a.persons, 0) AS old, coalesce(b.persons, 0) AS new, new - old AS change
FROM ({ADDS.format(side="a")}) a FULL JOIN ({ADDS.format(side="b")}) b USING (place_id)
WHERE coalesce(a.persons, 0) <> coalesce(b.persons, 0) ORDER BY abs(change) DESC, place_id
"""


def _has_world(schema: Schema) -> bool:
    return all({*needed} <= {c.name for c in schema.columns.get(table, ())} for table, needed in WORLD_NEEDS.items())


def _world(connection: duckdb.DuckDBPyConnection) -> World:
    """What became of the world total."""
    totals = [{**row, "as_of": row["as_of"].isoformat()} for row in _rows(connection, TOTALS)]
    if not totals:
        return World(None, None, None, [], [], [])
    first, *others = totals
    day = first["as_of"]
    return World(
        day,
        first["old"],
        first["new"],
        _rows(connection, WALK, day),
        _rows(connection, PLACES, day),
        [row for row in others if row["old"] != row["new"]],
    )
