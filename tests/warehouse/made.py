"""Rows that a test writes, and the models run on them without anything else: no file, no check, no other source.

`World` gives the models what `warehouse.build` would give them, written down here a second time, so that an error in one
of the two shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from dictionary.arrow import schema
from dictionary.model import BREAKDOWNS, dictionary
from dictionary.render import ddl, quote
from sources.places import places
from warehouse import models

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
        "definition": None, "reported_by": None, "correction_id": None, "note": None, "licence": "CC-BY-4.0",
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
        "place_id": place, "component": component, "measure": "persons_held", "low": None, "central": central,
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
        coverage: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None = None,
        vintages: Iterable[tuple[str, str, str]] = (),
        until: str | None = None,
    ):
        """Run the models, or one of them and those that it reads.

        Args:
            observations: rows of `observation`.
            gaps: rows of `gap`.
            as_of: the reference day.
            coverage: place, to the sources whose figure includes other places, and those; by default that of the house.
            vintages: source, file and vintage of files that gave no row.
            until: the model that is wanted; by default all.
        """
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("CREATE SCHEMA accepted; CREATE SCHEMA reference")
        self.connection.execute("SET VARIABLE as_of = CAST(? AS DATE)", [as_of])
        given = {"observation": list(observations), "gap": list(gaps)}
        for table in dictionary().tables.values():
            if table.group == "accepted":
                self.connection.execute(_bare(ddl(table, f"accepted.{table.name}")))
                self._fill(table.name, given.get(table.name, []))
        self._reference([*given["observation"], *given["gap"]], coverage, vintages)
        for model in _needed(until):
            self.connection.execute(f'CREATE TABLE "{model.name}" AS {model.sql.rstrip().rstrip(";")}')

    def _fill(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            import pyarrow as pa

            arrow = pa.Table.from_pylist([dict(r) for r in rows], schema=schema(dictionary().tables[table]))
            self.connection.register("given", arrow)
            self.connection.execute(f"INSERT INTO accepted.{table} BY NAME SELECT * FROM given")
            self.connection.unregister("given")

    def _reference(
        self,
        rows: Sequence[Mapping[str, Any]],
        coverage: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None,
        vintages: Iterable[tuple[str, str, str]],
    ) -> None:
        def table(name: str, columns: str, content: Iterable[Sequence[Any]]) -> None:
            self.connection.execute(f"CREATE TABLE reference.{name} ({columns})")
            if content := list(content):
                lines = ", ".join(f"({', '.join(_literal(cell) for cell in row)})" for row in content)
                self.connection.execute(f"INSERT INTO reference.{name} VALUES {lines}")

        def typed(name: str, content: pd.DataFrame) -> None:
            self.connection.execute(_bare(ddl(dictionary().tables[name], f"reference.{name}")))
            self.connection.register("given", content)
            self.connection.execute(f"INSERT INTO reference.{name} BY NAME SELECT * FROM given")
            self.connection.unregister("given")

        typed("place", _places())
        kinds = {**SOURCES, "gaps": ("curated", "attribution")}
        typed("source", pd.DataFrame([_source(name, *kind) for name, kind in kinds.items()]))
        files = {(r["source_id"], r["file"], r["vintage"]) for r in rows} | set(vintages)
        typed(
            "snapshot", pd.DataFrame([_snapshot(*file) for file in sorted(files)] or [_snapshot("gaps", "x", "2000")])
        )
        table(
            "measure", "measure VARCHAR, nature VARCHAR, unit VARCHAR",
            [(k, m.nature, m.unit) for k, m in dictionary().measures.items()],
        )  # fmt: skip
        rules = _rules()
        ranks = [(k, c, i) for k, v in rules.items() if isinstance(v, list) for i, c in enumerate(v, 1)]
        ranks += [("licence_class", c, i) for i, c in enumerate(("open", "attribution", "internal"), 1)]
        table("rank", "list VARCHAR, code VARCHAR, position INTEGER", ranks)
        table("rules", "disagreement_share DOUBLE", [(rules["disagreement_share"],)])
        if coverage is None:
            listed = yaml.safe_load((HERE / "coverage.yml").read_text(encoding="utf-8"))
            coverage = {entry["place"]: (entry["sources"], entry["includes"]) for entry in listed}
        inside = [(p, s, i) for p, (sources, included) in coverage.items() for s in sources for i in included]
        table("coverage", "place_id VARCHAR, source_id VARCHAR, included VARCHAR", inside)

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
        return self.one("SELECT * FROM world_total WHERE place_id = ?", area)


@cache
def _places() -> pd.DataFrame:
    return pd.DataFrame([vars(p) for p in places().values()])


@cache
def _rules() -> dict[str, Any]:
    return dict(yaml.safe_load((HERE / "figure_rules.yml").read_text(encoding="utf-8")))


def _bare(statements: str) -> str:
    return statements.partition(";\n")[0]  # the comments on columns take most of the time


def _literal(cell: Any) -> str:
    return str(cell) if isinstance(cell, (int, float)) else quote(cell)


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
        "observations": 1, "left_out": 0, "licence": "CC-BY-4.0",
    }  # fmt: skip
