"""Naming any row of a release by its table's key: `TABLE:KEY`, as table claim_evidence names rows.

The parts of a key are joined by slashes. Where a table has locators, one does as well, if it is of one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sources.errors import Misused, Refused

if TYPE_CHECKING:
    from exports.asking import Asked, Row


@dataclass(frozen=True)
class Keyed:
    """A table of a release: the columns of its key, and all of them."""

    key: Sequence[str]
    columns: Sequence[str]


def tables(asked: Asked) -> Mapping[str, Keyed]:
    """The tables of a release by name, as its own data package describes them."""
    try:
        described = {r["name"]: r["schema"] for r in asked.package["resources"] if str(r["path"]).endswith(".csv")}
        return {
            name: Keyed(schema["primaryKey"], [field["name"] for field in schema["fields"]])
            for name, schema in described.items()
        }
    except (KeyError, TypeError):
        raise Refused(f"The datapackage.json of release {asked.version} does not say the keys of its tables.") from None


def name_of(table: str, keyed: Keyed, row: Row) -> str:
    """The name of a row."""
    return f"{table}:{'/'.join(str(row[column]) for column in keyed.key)}"


def row_of(asked: Asked, text: str) -> tuple[str, Row] | None:
    """The table and the row that `TABLE:KEY` names; None where the text names no table.

    Raises:
        Misused: when the table has no such row, or several that bear a locator.
    """
    table, _, key = text.partition(":")
    keyed = tables(asked).get(table)
    if keyed is None:
        return None
    whole = "concat_ws('/', " + ", ".join(f'"{column}"::VARCHAR' for column in keyed.key) + ")"
    for by in (whole, *(["locator"] if "locator" in keyed.columns else [])):
        found = asked.rows(f"SELECT * FROM {{{table}}} WHERE {by} = $key ORDER BY ALL LIMIT 2", key=key)
        if len(found) == 1:
            return table, found[0]
        if found:
            raise Misused(f"Several rows of table {table} are at {key!r}; name one by {'/'.join(keyed.key)}.")
    example = asked.row(f"SELECT * FROM {{{table}}}")
    such = f", such as {name_of(table, keyed, example)}" if example else "; it has no rows"
    raise Misused(f"Release {asked.version} has no {table} {key!r}; a row is {table}:{'/'.join(keyed.key)}{such}.")
