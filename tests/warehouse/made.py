"""Rows that a test writes, and the models run on them without anything else: no file, no check, no other source.

`World` gives the models what `warehouse.build` would give them, written down here a second time, so that an error in one
of the two shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import yaml

from dictionary.arrow import schema
from dictionary.model import BREAKDOWNS, Table, dictionary
from sources.places import places
from warehouse import models
from warehouse.choice import NUMBERS
from warehouse.computed import Computation

UNODC, EUROSTAT = "unodc_prisons", "eurostat_prisons"

#: Tier and class of licence of every source that a test may name.
SOURCES: Mapping[str, tuple[str, str]] = {
    UNODC: ("international", "attribution"),
    EUROSTAT: ("international", "open"),
    "aaa_international": ("international", "open"),
    "zzz_international": ("international", "open"),
    "ministry": ("national", "open"),
    "bureau": ("national", "open"),
    "readings": ("curated", "open"),
    "secret": ("national", "internal"),
    "world_bank_population": ("international", "open"),
}

HERE = Path(models.__file__).parent


def observation(place: str, value: float | None, year: int = 2020, **more: Any) -> dict[str, Any]:
    """One row of table observation.

    `on` makes it a stock on that day. A rate, a capacity and so on get their own unit and breakdowns. The identity is
    made of everything that is said here, so that equal calls make equal rows.
    """
    on = more.pop("on", None)
    measure = more.get("measure", "persons_held")
    known = dictionary().measures[measure]
    source = more.get("source_id", UNODC)
    row: dict[str, Any] = {
        "source_id": source, "file": source, "dataset": source, "vintage": "2023-05-11", "snapshot": "0" * 64,
        "locator": "f.csv:1:1", "place_id": place, "facility": "_T", "measure": measure,
        **{b: "_T" if b in known.applies else "_Z" for b in BREAKDOWNS},
        "period_start": on or date(year, 1, 1), "period_end": on or date(year, 12, 31),
        "period_kind": "point" if on else "during" if known.nature == "flow" else "unknown_day",
        "value": None if value is None else float(value), "unit": known.unit, "status": "A", "circa": False,
        "definition": None, "reported_by": None, "citation": None, "evidence": None, "grade": None, "correction_id": None, "note": None, "licence": "CC-BY-4.0",
    }  # fmt: skip
    unknown = set(more) - set(row)
    assert not unknown, unknown
    row |= more
    row["observation_id"] = hashlib.sha256(repr(sorted(row.items(), key=str)).encode()).hexdigest()[:16]
    return row


def gap(place: str, central: float | None, component: str = "camps", **more: Any) -> dict[str, Any]:
    """One row of table gap."""
    return {
        "source_id": "gaps", "file": "gaps", "vintage": "2026-11-23", "snapshot": "1" * 64, "locator": "g.csv:2:2",
        "place_id": place, "component": component, "counts": "beside", "measure": "persons_held", "low": None, "central": central,
        "high": None, "reference": "2020", "citation": "Somebody, 2020", "note": None, "licence": "facts-cited", **more,
    }  # fmt: skip


def frame(table: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame of the dictionary's table."""
    return pd.DataFrame(list(rows), columns=list(dictionary().tables[table].column_names))


class World:
    """The tables that the models make of the rows, as of a day."""

    def __init__(
        self,
        observations: Iterable[Mapping[str, Any]] = (),
        gaps: Iterable[Mapping[str, Any]] = (),
        *,
        as_of: str = "2025-12-31",
        also: Iterable[str] = (),
        coverage: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None = None,
        vintages: Iterable[tuple[str, str, str]] = (),
        until: str | None = None,
    ):
        """Run the models, or one of them and those that it reads.

        Args:
            observations: rows of `observation`.
            gaps: rows of `gap`.
            as_of: the reference day, the only one of the world unless
            also: has others.
            coverage: place, to the sources whose figure does not include other places, and those; by default the house's.
            vintages: source, file and vintage of files that gave no row.
            until: the model that is wanted; by default all.
        """
        self.connection = _base().cursor()
        name = f"world{next(_numbers)}"
        self._execute(f"ATTACH ':memory:' AS {name}", f"USE {name}", "CREATE SCHEMA accepted")
        self._execute("CREATE SCHEMA reference", *(f"CREATE VIEW reference.{n} AS FROM base.{n}" for n in SAME))
        days = [date.fromisoformat(day) for day in (*also, as_of)]
        self._put("reference.day", pa.table({"day": pa.array(sorted(days), pa.date32())}))
        given = {"observation": list(observations), "gap": list(gaps)}
        for table in _accepted():
            if table.name in given:
                rows = pa.Table.from_pylist([dict(r) for r in given[table.name]], schema=schema(table))
                self._put(f"accepted.{table.name}", rows)
            else:
                self._execute(f"CREATE VIEW accepted.{table.name} AS FROM base.no_{table.name}")
        files = {(r["source_id"], r["file"], r["vintage"]) for rows in given.values() for r in rows} | set(vintages)
        known = [_snapshot(*file) for file in sorted(files)]
        self._put("reference.snapshot", pa.Table.from_pylist(known, schema=schema(dictionary().tables["snapshot"])))
        inside = _coverage() if coverage is None else coverage
        listed = [
            {"place_id": p, "included": i, "unless": list(unless)}
            for p, (unless, included) in inside.items()
            for i in included
        ]
        columns = {"place_id": pa.string(), "included": pa.string(), "unless": pa.list_(pa.string())}
        self._put("reference.coverage", pa.Table.from_pylist(listed, schema=pa.schema(columns)))
        made: set[Computation] = set()
        for model in _needed(until):
            for computation in model.uses - made:
                computation.make(self.connection)
            made |= model.uses
            self._execute(f'CREATE TABLE "{model.name}" AS {model.sql.rstrip().rstrip(";")}')

    def _execute(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def _put(self, name: str, content: pa.Table) -> None:
        self.connection.register("given", content)
        self.connection.execute(f"CREATE TABLE {name} AS FROM given")
        self.connection.unregister("given")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        found = self.connection.execute(sql, list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, sql: str, *values: Any) -> dict[str, Any]:
        """The one row of a query."""
        (row,) = self.rows(sql, *values)
        return row

    def figure(self, place: str, year: int = 2020, measure: str = "persons_held") -> dict[str, Any]:
        """The one figure of a place without breakdown, of the measure's own definition."""
        return self.one(
            "SELECT * FROM figure WHERE place_id = ? AND year = ? AND measure = ? AND sex IN ('_T', '_Z') "
            "AND age IN ('_T', '_Z') AND legal_status IN ('_T', '_Z') AND citizenship IN ('_T', '_Z') "
            "AND offence IN ('_T', '_Z') AND cause IN ('_T', '_Z') AND facility = '_T' AND definition IS NULL",
            place, year, measure,
        )  # fmt: skip

    def roles(self) -> dict[str, str]:
        """The roles of places that have any figure or gap, or are inside something that has."""
        return {
            r["place_id"]: r["role"] for r in self.rows("SELECT * FROM world_place WHERE role NOT LIKE 'no_figure%'")
        }

    def total(self, area: str = "WLD") -> dict[str, Any]:
        """The total of the world or a region."""
        return self.one(
            "SELECT * FROM world_total WHERE place_id = ? AND sex = '_T' AND legal_status = '_T'"
            " AND as_of = (SELECT max(as_of) FROM world_total)",
            area,
        )


#: What is the same in every world.
SAME = ("place", "source", "measure", "rank", "rules", "headline", "claim", "comparison", "caution")

_numbers = count()


@cache
def _base() -> duckdb.DuckDBPyConnection:
    """One DuckDB for all worlds; each is a database of its own in it, which is quicker than a DuckDB for each."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("ATTACH ':memory:' AS base")
    kinds = {**SOURCES, "gaps": ("curated", "attribution")}
    rules = yaml.safe_load((HERE / "figure_rules.yml").read_text(encoding="utf-8"))
    ranks = [(k, c, i) for k, v in rules.items() if isinstance(v, list) for i, c in enumerate(v, 1)]
    ranks += [("licence_class", c, i) for i, c in enumerate(("open", "attribution", "internal"), 1)]
    tables = {
        "place": pa.Table.from_pylist([vars(p) for p in places().values()]),
        "source": pa.Table.from_pylist([_source(name, *kind) for name, kind in kinds.items()]),
        "measure": _table(
            ("measure", "nature", "unit"), [(k, m.nature, m.unit) for k, m in dictionary().measures.items()]
        ),
        "rank": _table(("list", "code", "position"), ranks),
        "rules": _table(
            NUMBERS,
            [tuple(float(rules[name]) for name in NUMBERS)],
        ),
        "headline": _table(
            ("measure", "definition", "position"),
            [
                (measure, {"own": None}.get(definition, definition), i)
                for measure in dictionary().measures
                for i, definition in enumerate(rules["headline"].get(measure, ["own"]), 1)
            ],
        ),
    }
    claims = yaml.safe_load((HERE / "claims.yml").read_text(encoding="utf-8"))
    tables["claim"] = pa.Table.from_pylist([{k: v for k, v in c.items() if k != "evidence"} for c in claims])
    tables["comparison"] = pa.Table.from_pylist(yaml.safe_load((HERE / "comparisons.yml").read_text(encoding="utf-8")))
    tables["caution"] = pa.Table.from_pylist(yaml.safe_load((HERE / "cautions.yml").read_text(encoding="utf-8")))
    assert set(tables) == set(SAME)
    tables |= {f"no_{table.name}": schema(table).empty_table() for table in _accepted()}
    for name, content in tables.items():
        connection.register("given", content)
        connection.execute(f"CREATE TABLE base.{name} AS FROM given")
        connection.unregister("given")
    return connection


def _table(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    if not rows:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))


def _accepted() -> list[Table]:
    return [table for table in dictionary().tables.values() if table.group == "accepted"]


@cache
def _coverage() -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
    listed = yaml.safe_load((HERE / "coverage.yml").read_text(encoding="utf-8"))
    return {entry["place"]: (entry["unless"], entry["includes"]) for entry in listed}


def _needed(until: str | None) -> list[models.Model]:
    known = {model.name: model for model in models.models()}
    wanted, reads = set(known) if until is None else {until}, set[str]()
    while wanted != reads:
        reads, wanted = wanted, wanted | {name for model in wanted for name in known[model].reads}
    return [model for model in known.values() if model.name in wanted]


def _source(name: str, tier: str, licence_class: str) -> dict[str, Any]:
    return {
        "source_id": name, "title": name, "publisher": name, "tier": tier, "homepage": None, "licence": "CC-BY-4.0",
        "licence_class": licence_class, "cadence": "yearly", "citation": name, "verified": False,
    }  # fmt: skip


def _snapshot(source: str, file: str, vintage: str) -> dict[str, Any]:
    return {
        "source_id": source, "file": file, "vintage": vintage, "snapshot": "0" * 64, "file_name": file, "bytes": 1,
        "media_type": "csv", "retrieved_at": "2026-01-01", "obtained": "import", "url": None, "items": 1,
        "observations": 1, "left_out": 0, "position": None, "current": None, "extends": file.startswith("editions"), "licence": "CC-BY-4.0",
    }  # fmt: skip
