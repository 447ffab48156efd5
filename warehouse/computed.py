"""Tables that no SELECT can give: computed while a warehouse is built, from tables that are there, for models to read.

They stand in schema `computed` and are gone when the warehouse is built; what is published of them is a model.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from warehouse import claims
from warehouse.reads import COMPUTED


@dataclass(frozen=True)
class Computation:
    """Tables made together by a function of a module, which is imported where it is needed.

    Attributes:
        module: name of the module.
        function: name of the function, which takes a connection.
        makes: tables, as `computed.name`.
        reads: gives the models that must be there before.
    """

    module: str
    function: str
    makes: frozenset[str]
    reads: Callable[[], frozenset[str]]

    def make(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables."""
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {COMPUTED}")
        getattr(importlib.import_module(self.module), self.function)(connection)


def _read_by_the_estimate() -> frozenset[str]:
    return frozenset({"headline", "world_place", "gap", "place"})


COMPUTATIONS = (
    Computation(
        "warehouse.estimate.tables",
        "make_estimate",
        frozenset({"computed.place_estimate", "computed.area_estimate", "computed.change_rule"}),
        _read_by_the_estimate,
    ),
    Computation(
        "warehouse.estimate.tables", "make_backtest", frozenset({"computed.backtest_case"}), _read_by_the_estimate
    ),
    Computation("warehouse.claims", "make_evidence", frozenset({"computed.claim_evidence"}), claims.reads),
)
