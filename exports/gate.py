"""The gate: what may not leave, and every check asked again of exactly the bytes that are to be published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dictionary.model import Rule, Table, dictionary
from dictionary.released import refusal
from dictionary.render import expectation, quote
from exports import tables
from exports.diff import Diff, schema_of
from exports.listing import Release
from exports.steady import unsteady
from warehouse import checks, rules
from warehouse.results import CheckResult


class GateClosed(Exception):
    """The release was not written; the message is one sentence that says why."""


NOTHING = "Nothing was released."


def _internal(source: pa.Table) -> set[str]:
    columns = source.select(["source_id", "licence_class"]).to_pylist()
    return {s["source_id"] for s in columns if s["licence_class"] == "internal"}


def _distinct(table: pa.Table, column: str) -> set[Any]:
    """The values of a column, each once: a table may have millions of rows."""
    return set(table.column(column).unique().to_pylist())


#: The columns by which it is told what may not leave.
TELLING = {
    "source_id", "rival_source_id", "persons_held_source", "licence", "licence_class", "rivals", "sources",
}  # fmt: skip


def refuse_internal(rows: dict[str, pa.Table]) -> None:
    """No row of an internal source, and none under an internal licence, may leave; this cannot be switched off."""
    internal = _internal(rows["source"])
    barred = {key for key, licence in dictionary().licences.items() if licence.licence_class == "internal"}
    for name, table in rows.items():
        if name != "source" and "licence" in table.column_names and (found := barred & _distinct(table, "licence")):
            raise GateClosed(
                f"Table {name} has rows under {sorted(found)[0]}, an internal licence; nothing was released."
            )
        for column in ("source_id", "rival_source_id", "persons_held_source"):
            if name != "source" and column in table.column_names and (found := internal & _distinct(table, column)):
                raise GateClosed(
                    f"Table {name} has rows of {sorted(found)[0]}, whose licence is internal; "
                    "run and release without CUSTODY_WITH. Nothing was released."
                )


def refuse_retracted(known: Sequence[Release], digest: str) -> None:
    """What was retracted is not published again as it was."""
    for release in known:
        if release.retracted and release.digest == digest:
            raise GateClosed(
                f"The tables are those of {release.version}, which was retracted: "
                f"{release.retracted.reason.rstrip('.')}. {NOTHING}"
            )


def refuse_unsteady(found: Diff, last: Path, new: Path, explained: str | None) -> list[str]:
    """What was published is not lost or moved, nor does the schema change, without a reason or a version.

    The first can be explained by a person, the second cannot. Gives what was explained, a sentence each.
    """
    if why := refusal(schema_of(last), schema_of(new)):
        raise GateClosed(f"{why} {NOTHING}")
    told = unsteady(found, last, new)
    if told and not explained:
        raise GateClosed(
            f'{" ".join(told)} If it is meant to be so, say why: `custody release --explain "…"`. {NOTHING}'
        )
    return told


#: Texts in which sources are named: as JSON, or as `column: source (definition)`.
NAMING = {"rivals": '"source_id":"{}"', "sources": ": {}"}


def refuse_named(rows: dict[str, pa.Table]) -> None:
    """No text that lists sources may name an internal one either."""
    internal = _internal(rows["source"])
    for name, table in rows.items():
        for column, form in NAMING.items():
            if column not in table.column_names or not internal:
                continue
            texts = _distinct(table, column) - {None}
            for source in sorted(internal):
                if any(form.format(source) in text for text in texts):
                    raise GateClosed(f"Table {name} names {source} in column {column}, an internal source. {NOTHING}")


def refuse_unproven(connection: duckdb.DuckDBPyConnection, there: Iterable[str]) -> None:
    """No row without a licence, and no fact without the file and the place in it that it is from, may leave.

    Raises:
        GateClosed: naming the table and the first such row's key.
    """
    words, names = dictionary(), list(there)
    licences = ", ".join(map(quote, words.licences))
    for table in (words.tables[name] for name in names):
        columns = set(table.column_names)
        if "licence" in columns:
            _refuse_any(connection, table, f"licence IS NULL OR licence NOT IN ({licences})", "bears no licence")
        if table.name == "snapshot" or not {"source_id", "file", "vintage"} <= columns:
            continue
        if "locator" in columns:
            _refuse_any(connection, table, "coalesce(locator, '') = ''", "has no locator")
        same = ", ".join(c for c in ("source_id", "file", "vintage", "snapshot") if c in columns)
        unknown = f"({same}) NOT IN (SELECT ({same}) FROM snapshot)"
        _refuse_any(connection, table, unknown, "is of no file that table snapshot has")
    behind = "coalesce(observation_id, nullif(parts, ''))"
    unproven = (
        f"{behind} IS NULL OR figure_id IN (SELECT figure_id FROM "
        f"(SELECT figure_id, unnest(string_split({behind}, ',')) AS one FROM figure) "
        "ANTI JOIN observation o ON o.observation_id = one)"
    )
    if "figure" in names:
        _refuse_any(connection, words.tables["figure"], unproven, "has no observation behind it")


def _refuse_any(connection: duckdb.DuckDBPyConnection, table: Table, bad: str, why: str) -> None:
    key = ", ".join(f'"{c}"' for c in table.key)
    found = connection.execute(
        f'SELECT {key}, count(*) OVER () FROM "{table.name}" WHERE {bad} ORDER BY {key} LIMIT 1'
    ).fetchall()
    if found:
        *values, rows = found[0]
        told = ", ".join(f"{c} {value}" for c, value in zip(table.key, values, strict=True))
        others = f" and {rows - 1:,} more" if rows > 1 else ""
        raise GateClosed(f"Of table {table.name}, the row of {told}{others} {why}. {NOTHING}")


#: Checks are answered in other processes: what waits for the answers, while more is read and asked.
WAITING = 2


def validate(folder: Path, digests: dict[str, str]) -> list[dict[str, Any]]:
    """Run every suite on the files to be published, and compare both formats with what the warehouse holds.

    Args:
        folder: where the files of the tables are.
        digests: of the content of each table that is to be there.

    Raises:
        GateClosed: when a file reads back otherwise, a row may not leave, or a critical check does not pass.
    """
    rows: dict[str, pa.Table] = {}
    with ThreadPoolExecutor(WAITING) as waiting:
        try:
            asked = []
            for table in (dictionary().tables[name] for name in digests):
                path = folder / f"{table.name}.parquet"
                asked.append(waiting.submit(_checked, table, path))
                types = {c.name: c.type for c in table.columns}
                found = {
                    "parquet": tables.parquet_digest(path),
                    "csv": tables.csv_digest(path.with_suffix(".csv"), types),
                }
                if other := [kind for kind, digest in found.items() if digest != digests[table.name]]:
                    said = f"Table {table.name} reads back from {other[0]} as other rows than were written"
                    raise GateClosed(f"{said}; nothing was released.")
                rows[table.name] = tables.read_parquet(path, [c for c in table.column_names if c in TELLING])
            refuse_internal(rows)
            refuse_named(rows)
            with duckdb.connect() as connection:
                connection.execute("SET enable_progress_bar = false")  # it goes to standard output
                for name in rows:
                    there = quote(str(folder / f"{name}.parquet"))
                    connection.execute(f'CREATE VIEW "{name}" AS FROM read_parquet({there})')
                refuse_unproven(connection, rows)
                for name, rule, concerned in _rules(connection, rows):
                    asked.append(waiting.submit(checks.run, name, concerned, [expectation(rule)]))
            return [plain for answers in asked for plain in _passed(answers.result())]
        except BaseException:
            waiting.shutdown(wait=False, cancel_futures=True)
            raise


def _checked(table: Table, path: Path) -> list[CheckResult]:
    """The answers to a table's suite; its rows are read when it has its turn, so that few tables are held at a time."""
    return checks.run(table.name, tables.read_parquet(path), checks.suite(table))


def _rules(connection: duckdb.DuckDBPyConnection, there: Iterable[str]) -> Iterator[tuple[str, Rule, pa.Table]]:
    """The rules of tables that are made here, with the rows that each concerns.

    Those of publishers' tables were asked of each vintage.
    """
    for table in (dictionary().tables[name] for name in there):
        for rule in table.rules if table.group != "accepted" else ():
            try:
                yield table.name, rule, rules.concerned(connection, rule)
            except (duckdb.Error, ValueError) as error:
                said = str(error).splitlines()[0]
                raise GateClosed(f"Rule {rule.name} of table {table.name} cannot be asked: {said} {NOTHING}") from error


def _passed(results: list[CheckResult]) -> list[dict[str, Any]]:
    for result in results:
        if result.blocks:
            raise GateClosed(f"{result.sentence()} {NOTHING}")
    return [result.as_dict() for result in results]
