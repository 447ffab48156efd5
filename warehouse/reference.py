"""What the models read that no source gives: places, sources, snapshots, measures and the rules of choice.

DuckDB takes the rows as they are; pandas, by which it would take frames, stays unimported in the process that builds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import yaml

from dictionary.model import LOADER, dictionary
from dictionary.render import SQL_TYPES
from sources.catalogue import Source, sources
from sources.places import places
from warehouse import choice, claims
from warehouse.choice import NUMBERS, OWN
from warehouse.estimate.rules import rules
from warehouse.models import HERE
from warehouse.records import Vintage, as_first_met

Rows = Iterable[Mapping[str, Any]]


def load(
    connection: duckdb.DuckDBPyConnection, vintages: list[Vintage], known: Mapping[str, Source], as_of: date
) -> None:
    """Make the tables of schema `reference`, which is there; `known` are the sources that the vintages are of."""
    year_ends = (date(year, 12, 31) for year in range(rules().first_year, as_of.year))
    load_rules(connection, sorted({*year_ends, as_of}))
    words = dictionary()
    for name, rows in {"place": _places(), "source": _sources(known), "snapshot": _snapshots(vintages)}.items():
        _make(connection, name, _columns(name), rows)
    _make(
        connection,
        "measure",
        {"measure": "VARCHAR", "nature": "VARCHAR", "unit": "VARCHAR"},
        [{"measure": k, "nature": m.nature, "unit": m.unit} for k, m in words.measures.items()],
    )


def load_rules(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    """What does not come from vintages: the days of the world total, and the rules by which figures are chosen."""
    _make(connection, "day", {"day": "DATE"}, [{"day": day} for day in days])
    coverage = yaml.load((HERE / "coverage.yml").read_text(encoding="utf-8"), Loader=LOADER)
    _make(
        connection,
        "coverage",
        {"place_id": "VARCHAR", "included": "VARCHAR", "unless": "VARCHAR[]"},
        [{"place_id": e["place"], "included": i, "unless": e["unless"]} for e in coverage for i in e["includes"]],
    )
    cautions = yaml.load((HERE / "cautions.yml").read_text(encoding="utf-8"), Loader=LOADER)
    columns = {"place": "VARCHAR", "since": "DATE", "until": "DATE", "reason": "VARCHAR"}
    _make(connection, "caution", columns, cautions)
    _make(connection, "claim", dict.fromkeys(claims.SAYS, "VARCHAR"), claims.claims())
    others = yaml.load((HERE / "comparisons.yml").read_text(encoding="utf-8"), Loader=LOADER)
    columns = {
        "citation": "VARCHAR",
        "reference": "VARCHAR",
        "day": "DATE",
        "without": "VARCHAR[]",
        "counts_also": "VARCHAR[]",
    }
    _make(connection, "comparison", columns | {"takes_latest": "BOOLEAN", "rest": "VARCHAR"}, others)
    chosen_by = choice.rules()
    lists = {k: v for k, v in chosen_by.items() if isinstance(v, list)} | {
        "licence_class": ["open", "attribution", "internal"]
    }
    _make(connection, "rules", dict.fromkeys(NUMBERS, "DOUBLE"), [chosen_by])
    _make(
        connection,
        "rank",
        {"list": "VARCHAR", "code": "VARCHAR", "position": "BIGINT"},
        [{"list": k, "code": c, "position": i} for k, codes in lists.items() for i, c in enumerate(codes, 1)],
    )
    _make(
        connection,
        "headline",
        {"measure": "VARCHAR", "definition": "VARCHAR", "position": "BIGINT"},
        [
            {"measure": m, "definition": None if d == OWN else d, "position": i}
            for m in dictionary().measures
            for i, d in enumerate(chosen_by["headline"].get(m, [OWN]), 1)
        ],
    )


def _columns(table: str) -> dict[str, str]:
    return {column.name: SQL_TYPES[column.type] for column in dictionary().tables[table].columns}


def _places() -> Rows:
    return [{column: getattr(place, column) for column in _columns("place")} for place in places().values()]


def _sources(known: Mapping[str, Source]) -> Rows:
    named = [column for column in _columns("source") if column != "source_id"]
    return [{"source_id": s.id} | {column: getattr(s, column) for column in named} for s in known.values()]


def _snapshots(vintages: list[Vintage]) -> Rows:
    for vintage, snapshot in zip(vintages, as_first_met(vintages), strict=True):
        known = sources()[vintage.source_id]
        file = known.files[vintage.file]
        url = snapshot["url"] or file.url
        yield {
            **snapshot,
            **{k: vintage.record[k] for k in ("file", "vintage", "items", "observations", "left_out")},
            "snapshot": vintage.snapshot["sha256"],
            "url": url,
            "url_verified": None if url is None else snapshot["obtained"] == "fetch" or known.verified,
            "extends": file.extends,
        }


def _make(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Rows) -> None:
    """Make one table of its columns' types; what a row has besides is left out, what it lacks is null."""
    named = ", ".join(f'"{column}" {type_}' for column, type_ in columns.items())
    connection.execute(f"CREATE TABLE reference.{name} ({named})")
    given = [{column: row.get(column) for column in columns} for row in rows]
    connection.execute(
        f"INSERT INTO reference.{name} SELECT r.* FROM (SELECT unnest($1::STRUCT({named})[]) AS r)", [given]
    )
