"""What a SELECT reads, told from the SQL itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

#: The schema of tables that are computed while a warehouse is built; see `warehouse.computed`.
COMPUTED = "computed"


def tables_read(sql: str) -> frozenset[str]:
    """The unqualified tables that a SELECT names, its own CTEs left out, and `computed.x` where it names that.

    Raises:
        ValueError: when the SQL cannot be parsed or is not one SELECT.
    """
    answer = json.loads(duckdb.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if answer["error"]:
        raise ValueError(answer["error_message"])
    if len(answer["statements"]) != 1:
        raise ValueError("a model is one SELECT statement")
    return frozenset(_tables(answer, frozenset()))


def _tables(node: Any, ctes: frozenset[str]) -> Iterator[str]:
    """The tables named below a node where `ctes` are known; a CTE is known after itself, so `x AS (FROM x)` reads x."""
    if isinstance(node, list):
        for value in node:
            yield from _tables(value, ctes)
    if not isinstance(node, dict):
        return
    for entry in (node.get("cte_map") or {}).get("map", []):
        yield from _tables(entry["value"], ctes)
        ctes |= {entry["key"]}
    if node.get("type") == "RECURSIVE_CTE_NODE":
        ctes |= {node["cte_name"]}
    if node.get("type") == "BASE_TABLE":
        if node["schema_name"] == COMPUTED:
            yield f"{COMPUTED}.{node['table_name']}"
        elif not node["schema_name"] and node["table_name"] not in ctes:
            yield node["table_name"]
    for key, value in node.items():
        if key != "cte_map":
            yield from _tables(value, ctes)
