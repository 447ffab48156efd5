"""Building the warehouse: a new DuckDB file from accepted Parquet and the models, checked, then put in place.

One process builds; readers keep the old file open and never see half a warehouse. When nothing that goes in has
changed, nothing is built.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from dictionary.model import DictionaryError, dictionary
from dictionary.released import refuse_unversioned
from dictionary.render import ABOUT_THE_WHOLE, ddl, quote
from sources.catalogue import Source, only_open, open_alone, sources
from sources.errors import Refused
from sources.home import Home, lives, now, read_json, write_json
from warehouse import checkers, checks, quality, reference, rules
from warehouse.computed import Computation
from warehouse.models import Model, models
from warehouse.reads import COMPUTED
from warehouse.records import Vintage, all_vintages, withdrawals
from warehouse.results import CheckResult, to_plain
from warehouse.standing import REPORT, Build, BuiltTable, find, identify, inputs_digest, record

Progress = Callable[[str], None]


class BuildFailed(Exception):
    """No warehouse could be made; the old one stays. The message is one sentence, `checks` are those that failed."""

    def __init__(self, message: str, checks: Sequence[CheckResult] = ()) -> None:
        super().__init__(message)
        self.checks = checks


def build(home: Home, as_of: date, progress: Progress = lambda _: None) -> Build:
    """Bring the warehouse up to date; where that fails, why is written down for `custody status`.

    Raises:
        BuildFailed: when a critical check fails, or the schema has changed and its version has not; the warehouse is
            then as it was.
        Refused: when accepted rows were altered or there are none.
    """
    try:
        built = _build(home, as_of, progress)
    except (BuildFailed, Refused) as error:
        if home.root.exists():
            _note(home, as_of, error)
        raise
    home.build_failure.unlink(missing_ok=True)
    quality.forget_failed(home)
    return built


def _note(home: Home, as_of: date, error: BuildFailed | Refused) -> None:
    failed = error.checks if isinstance(error, BuildFailed) else ()
    with suppress(OSError):  # of a full disk, and then the sentence is all that is left of it
        told = {"at": now(), "as_of": as_of.isoformat(), "why": str(error), "checks": to_plain(failed)}
        write_json(home.build_failure, told)


def _build(home: Home, as_of: date, progress: Progress) -> Build:
    try:
        refuse_unversioned("MAJOR")
    except DictionaryError as error:
        raise BuildFailed(f"{error} The last warehouse stays.") from None
    vintages = all_vintages(home)
    if not vintages:
        raise Refused(
            "There are no accepted figures; import a file with `custody import SOURCE FILE`, "
            "or restore the bundled ones."
        )
    for vintage in vintages:
        vintage.prove()
    digest = inputs_digest(vintages, as_of)
    standing = find(home)
    _finish(home)
    if standing and standing.digest == digest:
        quality.write(home, standing, vintages)
        return standing
    checkers.start()
    home.root.mkdir(parents=True, exist_ok=True)
    beside = _beside(home)
    try:
        tables = make(beside, vintages, sources(), as_of, progress)
        lacking = left_out(tables) if only_open() else {}
        made = Build(digest, as_of, tables, True, home.reports / REPORT, lacking)
        with duckdb.connect(str(beside), read_only=True) as connection:
            _refuse_failed(home, connection, made, vintages)
        made = _put(home, beside, made)
    except duckdb.Error as error:  # of a full disk, for one
        raise BuildFailed(f"{_first(error)} The last warehouse stays.") from error
    finally:
        _remove_leftovers(home)
    quality.write(home, made, vintages)
    return made


def _first(error: duckdb.Error) -> str:
    """What DuckDB says first, as a sentence."""
    said = str(error).splitlines()[0].rstrip()
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _finish(home: Home) -> None:
    """Finish what a build that was killed at its last step left undone, or remove what belongs to nothing any more."""
    if home.next_record.exists():
        belongs = home.warehouse.exists() and read_json(home.next_record)["file"] == identify(home.warehouse)
        os.replace(home.next_record, home.build_record) if belongs else home.next_record.unlink()


def build_open(home: Home, as_of: date) -> Build:
    """Bring the warehouse of open sources alone up to date, which lies within the home and serves releases.

    Tables that cannot be had from these are left out of it.

    Raises:
        BuildFailed: when a model cannot be made.
        Refused: when accepted rows were altered.
    """
    inner = open_home(home)
    known = open_alone(sources())
    vintages = [v for v in all_vintages(home) if v.source_id in known]
    digest = inputs_digest(vintages, as_of)
    if (standing := find(inner)) and standing.digest == digest:
        return standing
    for vintage in vintages:
        vintage.prove()
    checkers.start()
    inner.root.mkdir(parents=True, exist_ok=True)
    beside = _beside(inner)
    try:
        tables = make(beside, vintages, known, as_of, lambda _: None)
        return _put(inner, beside, Build(digest, as_of, tables, True, inner.reports / REPORT, left_out(tables)))
    except duckdb.Error as error:
        raise BuildFailed(f"{_first(error)} Nothing was changed.") from error
    finally:
        _remove_leftovers(inner)


def open_home(home: Home) -> Home:
    """Where the warehouse of open sources alone lies."""
    return Home(home.root / "open")


def _beside(home: Home) -> Path:
    return home.warehouse.with_name(f".building-{os.getpid()}.duckdb")


def _put(home: Home, beside: Path, built: Build) -> Build:
    """Put a new warehouse in the place of the old one, its left-out tables emptied."""
    for name in built.left_out:
        with duckdb.connect(str(beside)) as connection:
            connection.execute(f'DELETE FROM "{name}"')
    tables = [replace(t, rows=0) if t.name in built.left_out else t for t in built.tables]
    made = replace(built, tables=tables)
    # Each record names the file that it belongs to, so that a crash between these three leaves no file without one.
    write_json(home.next_record, record(made, identify(beside)))
    os.replace(beside, home.warehouse)
    os.replace(home.next_record, home.build_record)
    return made


def make(
    path: Path, vintages: list[Vintage], known: Mapping[str, Source], as_of: date, progress: Progress
) -> list[BuiltTable]:
    """Make all tables of vintages in a new DuckDB file and have their checks answered; whoever calls decides by these.

    Raises:
        BuildFailed: when a model cannot be made.
    """
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        _load_inputs(connection, vintages, known, as_of)
        connection.begin()
        pending = list(_make_all(connection, progress))
        connection.commit()
        ruled = {
            model.name: list(rules.ask(connection, model.name, model.table.rules))
            for model in models()
            if model.table.group != "accepted"  # whose rules each vintage met before it was accepted
        }
        tables = [_checked(rows, [asked, *ruled.get(asked.table, ())], progress) for rows, asked in pending]
        for schema in ("accepted", "reference", COMPUTED):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    return tables


def left_out(tables: Sequence[BuiltTable]) -> dict[str, str]:
    """The tables that cannot be had from the sources of one licence class, each with the reason.

    One is empty that may not be, one fails a critical check (a sum over a part of the world is no world total), others
    are made from that one.
    """
    failed = {t.name: next(c for c in t.checks if c.blocks) for t in tables if any(c.blocks for c in t.checks)}
    empty = {t.name for t in tables if t.name in failed and not t.rows}
    wrong: set[str] = set(failed) - empty
    out: dict[str, str] = {}
    for model in models():
        if made_from := sorted(model.reads & wrong):
            wrong.add(model.name)
            out[model.name] = f"It is made from {made_from[0]}, which is left out."
        elif model.name in empty:
            out[model.name] = "No source used has a row of it."
        elif model.name in failed:
            check = failed[model.name]
            out[model.name] = f"{check.reason} {check.failing:,} of {check.rows:,} rows break it."
    if "world_total" in out:
        out["world_place"] = "It says what places give to the world total, which is left out."
    return out


def _remove_leftovers(home: Home) -> None:
    """Remove what this process, or one that no longer lives, left of a build."""
    for left in home.root.glob(".building-*"):
        maker = int(left.name.split("-")[1].split(".")[0])
        if maker == os.getpid() or not lives(maker):
            left.unlink(missing_ok=True)


def connect(home: Home) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the warehouse.

    Raises:
        Refused: when there is none.
    """
    if not home.warehouse.exists():
        raise Refused("There is no warehouse yet; run `custody run --offline` first.")
    try:
        connection = duckdb.connect(str(home.warehouse), read_only=True)
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        return connection
    except duckdb.Error as error:
        raise Refused(f"{home.warehouse} cannot be read; delete it and run `custody run --offline`.") from error


def _refuse_failed(home: Home, connection: duckdb.DuckDBPyConnection, made: Build, vintages: Sequence[Vintage]) -> None:
    failed = [c for t in made.tables if t.name not in made.left_out for c in t.checks if c.blocks]
    if failed:
        todo = "If a file taken in since is to blame, `custody withdraw` takes it out of use."
        used = {vintage.source_id for vintage in vintages}
        if gone := [s.id for s in sources().values() if s.id not in used and withdrawals(home, s)]:
            todo = (
                f"All of {', '.join(gone)} was withdrawn: `custody import {gone[0]} FILE` takes a file of it in, and "
                f"without {home.accepted / gone[0]} what comes with the program is used again."
            )
        if all(check.outcome == "could_not_run" for check in failed):  # which says nothing of any file
            todo = "Run the command again."
        raise BuildFailed(
            f"{failed[0].sentence()} The last warehouse stays. "
            f"Critical failures, {len(failed)} in all, are in {_reported(home, connection, made, vintages)}. " + todo,
            failed,
        )


def _reported(home: Home, connection: duckdb.DuckDBPyConnection, made: Build, vintages: Sequence[Vintage]) -> Path:
    """Where the checks that failed can be read: in a report, or where none can be written, in what is written down."""
    try:
        return quality.write_failed(home, connection, made, vintages)
    except (OSError, duckdb.Error):  # of a full disk; the failure itself must be told
        return home.build_failure


def _load_inputs(
    connection: duckdb.DuckDBPyConnection, vintages: list[Vintage], known: Mapping[str, Source], as_of: date
) -> None:
    connection.execute("CREATE SCHEMA accepted; CREATE SCHEMA reference")
    for table in dictionary().tables.values():
        if table.group != "accepted":
            continue
        connection.execute(ddl(table, f"accepted.no_{table.name}"))
        rows = f"SELECT * FROM accepted.no_{table.name}"
        if paths := [str(p) for v in vintages if (p := v.path(table.name))]:
            # A list of files cannot be bound to a view, and these paths are ours, not a publisher's.
            listed = ", ".join(quote(p) for p in paths)
            rows += f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true)"
        # A column that is younger than a vintage is missing there.
        defaults = {c.name: c.default for c in table.columns if c.default is not None}
        filled = ", ".join(f'coalesce("{c}", {_literal(value)}) AS "{c}"' for c, value in defaults.items())
        replaced = f" REPLACE ({filled})" if filled else ""
        connection.execute(f"CREATE VIEW accepted.{table.name} AS SELECT *{replaced} FROM ({rows})")
    reference.load(connection, vintages, known, as_of)


def _literal(value: object) -> str:
    return quote(value) if isinstance(value, str) else str(value)


def _make_all(connection: duckdb.DuckDBPyConnection, progress: Progress) -> Iterator[tuple[int, checks.Asked]]:
    made: set[Computation] = set()
    for model in models():
        for computation in model.uses - made:
            computation.make(connection)
            made.add(computation)
        yield _make(connection, model, progress)


def _make(connection: duckdb.DuckDBPyConnection, model: Model, progress: Progress) -> tuple[int, checks.Asked]:
    """Make one table from a SELECT that gives the dictionary's columns, inserted by name, in the table's own order."""
    names = model.table.column_names
    sql = model.sql.rstrip().rstrip(";")
    try:
        has = {row[0] for row in connection.execute(f"DESCRIBE {sql}").fetchall()}
        if has != set(names):
            missing, extra = sorted(set(names) - has), sorted(has - set(names))
            differs = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(extra)} too many"
            raise Refused(f"warehouse/models/{model.name}.sql {differs}; its columns must be those of the dictionary.")
        listed = ", ".join(f'"{n}"' for n in names)
        # Accepted rows come sorted, vintage by vintage, and are many.
        order = "" if model.table.group == "accepted" else f" ORDER BY {', '.join(model.table.sort)}"
        connection.execute(ddl(model.table))
        made = connection.execute(f'INSERT INTO "{model.name}" ({listed}) SELECT {listed} FROM ({sql}){order}')
        (rows,) = made.fetchall()[0]
    except duckdb.Error as error:
        raise BuildFailed(f"warehouse/models/{model.name}.sql: {_first(error)} The last warehouse stays.") from error
    expected = [e for e in checks.suite(model.table) if e.type not in checks.ENFORCED_BY_DDL or "rows" in e.kwargs]
    if model.table.group == "accepted":  # each vintage passed the whole suite when it was accepted
        expected = [e for e in expected if e.type in ABOUT_THE_WHOLE]
    asked = ", ".join(f'"{n}"' for n in checks.columns_asked(model.table, expected))
    given = connection.sql(f'SELECT {asked} FROM "{model.name}"').to_arrow_table()
    progress(f"{model.name}: {rows:,} rows")
    return rows, checks.submit(model.name, given, expected)


def _checked(rows: int, asked: list[checks.Asked], progress: Progress) -> BuiltTable:
    results = [result for each in asked for result in each.answers()]
    for result in results:
        if result.outcome != "passed" and not result.blocks:  # what blocks is told at the end
            progress(f"{result.severity}: {result.sentence()}")
    return BuiltTable(asked[0].table, rows, results)
