"""The estimate as tables of schema `computed`, from the models that come before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.estimate import backtest, given, world
from warehouse.estimate.rules import rules
from warehouse.reads import COMPUTED

PLACE: dict[str, pa.DataType] = {
    "as_of": pa.date32(), "place_id": pa.string(), "basis": pa.string(), "persons": pa.float64(), "low": pa.float64(),
    "high": pa.float64(), "years": pa.float64(), "figure_id": pa.string(), "next_figure_id": pa.string(),
}  # fmt: skip
AREA: dict[str, pa.DataType] = {
    "as_of": pa.date32(), "area": pa.string(), "sex": pa.string(), "legal_status": pa.string(), "central": pa.float64(),
    "low": pa.float64(), "high": pa.float64(), "known_share": pa.float64(),
}  # fmt: skip
LEARNT = ("drift", "follow", "spread_base", "spread_size", "spread_unrest", "usual_unrest", "low_90", "high_90")
CHANGE: dict[str, pa.DataType] = {
    "direction": pa.string(), "span": pa.int64(), **dict.fromkeys(LEARNT, pa.float64()), "windows": pa.int64(),
    "changes": pa.int64(),
}  # fmt: skip
CASE: dict[str, pa.DataType] = {
    "origin": pa.int64(), "year": pa.int64(), "level": pa.string(), "area": pa.string(), "places": pa.int64(),
    "size_class": pa.int64(), "carried": pa.float64(), "central": pa.float64(), "published": pa.float64(),
    **{f"{end}_{level}": pa.float64() for level in backtest.LEVELS for end in ("low", "high")},
}  # fmt: skip


def make_estimate(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of places, of areas and of what was learnt of changes."""
    made = world.estimate(given.read(connection, rules()), rules())
    _put(connection, "place_estimate", PLACE, made.places)
    _put(connection, "area_estimate", AREA, made.areas)
    _put(connection, "change_rule", CHANGE, made.changes)


def make_backtest(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of the cases of the back-test."""
    _put(connection, "backtest_case", CASE, list(backtest.cases(given.read(connection, rules()), rules())))


def _put(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, pa.DataType], rows: Sequence[dict[str, Any]]
) -> None:
    content = pa.table({column: pa.array([row[column] for row in rows], type=t) for column, t in columns.items()})
    connection.register("computed_rows", content)
    connection.execute(f"CREATE TABLE {COMPUTED}.{name} AS FROM computed_rows")
    connection.unregister("computed_rows")
