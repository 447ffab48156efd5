"""What assets show of themselves in Dagster's interface: columns, the first rows, the headline figures.

Figures of sources that may not be passed on are never shown: what Dagster keeps is a log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from dictionary.model import BREAKDOWNS, Table, dictionary
from dictionary.render import quote
from pipelines.execute import SHOWN_AT
from sources import fetch
from sources.catalogue import Source, sources
from sources.home import Home
from warehouse.build import connect
from warehouse.intake import Intake
from warehouse.records import all_vintages
from warehouse.results import as_text

#: How much of a table is shown.
ROWS, COLUMNS, CHARACTERS = 10, 14, 80

#: Columns that say where a row comes from and not what it says.
PROVENANCE = frozenset({"source_id", "file", "dataset", "vintage", "locator", "licence", "evidence", "period_start"})
#: What a figure may not be shown without.
ALWAYS = ("place_id", "grade", "definition")
HASH = re.compile(r"\^\[0-9a-f\]\{\d+\}\$")

#: By which rows are the latest and, of these, the greatest first; a table without a time keeps its own order.
TIMES, SIZE = ("period_end", "cohort_end", "year"), "value"

#: Tables that say something of rows and are no figures.
BESIDE = frozenset({"left_out", "correction", "facility"})

SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#|~])")


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> dg.MarkdownMetadataValue:
    """A table; what stands in it is text, whoever wrote it."""
    lines = [["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return dg.MetadataValue.md("\n".join("| " + " | ".join(line) + " |" for line in [list(head), *lines]))


def _cell(value: Any) -> str:
    return SPECIAL.sub(r"\\\1", " ".join(as_text(value).split()))


def report(path: Path) -> dg.UrlMetadataValue | dg.PathMetadataValue:
    """A link to the quality report of the last build, where the environment says that it can be read at an address."""
    if at := os.environ.get(SHOWN_AT):
        return dg.MetadataValue.url(f"{at.rstrip('/')}/{path.name}")
    return dg.MetadataValue.path(str(path))


def columns(table: Table) -> dg.TableSchema:
    """The columns as the dictionary describes them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                f"{column.description} Unit: {column.unit}." if column.unit else column.description,
                dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.columns
        ]
    )


def freshness_of_source(source: Source) -> dg.FreshnessPolicy | None:
    """How long it may be since a publisher's turn to be asked came; None where there is no address to ask at."""
    return _window(fetch.DUE[source.cadence]) if fetch.has_address(source) else None


def freshness_of_tables() -> dg.FreshnessPolicy:
    """How long it may be since the tables were built, or found to be of what is accepted, which is done each day."""
    return _window(1)


def _window(days: int) -> dg.FreshnessPolicy:
    return dg.FreshnessPolicy.time_window(warn_window=timedelta(days=2 * days), fail_window=timedelta(days=3 * days))


def headline(source: Source, intake: Intake) -> dg.MarkdownMetadataValue | str:
    """The latest and greatest figures of a source's newest vintages."""
    if source.licence_class == "internal":
        return "not shown: they may not be passed on"
    tables = {name for vintage in intake.newest for name in vintage.record["tables"]} - BESIDE
    if not tables:
        return "none yet"
    name = "observation" if "observation" in tables else min(tables)
    paths = ", ".join(quote(str(path)) for v in intake.newest if (path := v.path(name)))
    rows = f"read_parquet([{paths}], union_by_name = true)"
    try:
        return _first(duckdb.default_connection(), rows, dictionary().tables[name])
    except duckdb.Error as error:  # accepted long ago, before a column was added; the build says what is wrong
        return f"not shown: {str(error).splitlines()[0]}"


def previews(home: Home) -> dict[str, dg.MarkdownMetadataValue]:
    """The first rows of each table of the warehouse; none where any may not be passed on."""
    used = {vintage.source_id for vintage in all_vintages(home)}
    if any(source.licence_class == "internal" for source in sources().values() if source.id in used):
        return {}
    with connect(home) as connection:
        return {name: _first(connection, f'"{name}"', table) for name, table in dictionary().tables.items()}


def _first(connection: duckdb.DuckDBPyConnection, rows: str, table: Table) -> dg.MarkdownMetadataValue:
    """Ten rows, and of their columns those that say something."""
    has = table.column_names
    told = [c.name for c in table.columns if c.name not in PROVENANCE and not HASH.match(c.pattern or "")]
    told.sort(key=lambda name: name not in ALWAYS)
    query = f"SELECT {', '.join(map(_name, told))} FROM {rows}"
    if table.name == "observation":
        query += " WHERE " + " AND ".join(f"{_name(c)} IN ('_T', '_Z')" for c in ("facility", *BREAKDOWNS))
    if times := [c for c in TIMES if c in has]:
        newest = [*times, *([SIZE] if SIZE in has else [])]
        query += " ORDER BY " + ", ".join(f"{_name(c)} DESC NULLS LAST" for c in newest)
    found = connection.execute(f"{query} LIMIT {ROWS}").fetchall()
    says = [at for at in range(len(told)) if {row[at] for row in found} - {None, "_T", "_Z", ""}][:COLUMNS]
    return markdown([told[at] for at in says], [[_cut(row[at]) for at in says] for row in found])


def _name(column: str) -> str:
    return f'"{column}"'


def _cut(value: Any) -> Any:
    return f"{value[:CHARACTERS]} …" if isinstance(value, str) and len(value) > CHARACTERS else value


def world_total(home: Home) -> dict[str, dg.FloatMetadataValue | dg.IntMetadataValue]:
    """The number itself and how many places stand behind it, as the interface draws them over time."""
    with connect(home) as connection:
        asked = connection.execute(
            "SELECT central, low, high, places FROM world_total"
            " WHERE level = 'world' AND sex = '_T' AND legal_status = '_T' ORDER BY as_of DESC LIMIT 1"
        )
        if not (found := asked.fetchall()):  # open sources alone may be too few for a total
            return {}
        ((*persons, places),) = found
    named = zip(("persons in prison", "low", "high"), persons, strict=True)
    told = {name: dg.MetadataValue.float(float(value)) for name, value in named if value is not None}
    return {**told, "places": dg.MetadataValue.int(int(places))}
