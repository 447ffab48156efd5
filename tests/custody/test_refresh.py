"""A refresh with the command, from a server on loopback that serves the publishers' real files."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines import alive
from sources.home import Home
from tests.custody import homes
from tests.custody.publishers import Publishers, serve
from tests.sources.server import running, status
from warehouse.records import all_vintages
from warehouse.standing import find

#: One in every run of the tests; `make kill` asks for more.
KILLS = max(1, int(os.environ.get("CUSTODY_KILLS", "0")) // 10)

#: Whoever reads a file fails.
UNREAD = """
from warehouse import trial
def parse(*_): raise AssertionError("a file was read")
trial.parse = parse
"""


@pytest.fixture
def publishers(raw: Path, home: Path, tmp_path: Path) -> Iterator[Publishers]:
    with running() as server:
        serve(server, raw)
        yield Publishers(server, homes.copy(home, tmp_path / "home"))


def test_a_refresh_in_which_nothing_changed(publishers: Publishers) -> None:
    first = publishers.custody("run", "--as-of", "2025-12-31", before=homes.UNASKED)
    assert first.returncode == 0, first.stderr
    assert {path for path, _ in publishers.paths()} == set(publishers.server.answers)
    warehouse = (publishers.home / "warehouse.duckdb").read_bytes()
    again = publishers.custody("run", "--as-of", "2025-12-31", before=UNREAD)
    assert again.returncode == 0, again.stderr
    # One conditional request for each address, and nothing read or built.
    assert sorted(publishers.paths()) == sorted((path, True) for path in publishers.server.answers)
    assert "a file was read" not in again.stdout + again.stderr
    assert (publishers.home / "warehouse.duckdb").read_bytes() == warehouse
    assert not any("rows" in line and "vintages" not in line for line in again.stderr.splitlines())


def test_a_night_on_which_everybody_is_down(publishers: Publishers) -> None:
    for path in publishers.server.answers:
        publishers.server.answers[path] = [status(503)]
    said = publishers.custody("run", "--as-of", "2025-12-31", "--strict")
    assert said.returncode == 3, said.stderr
    assert "the server answers 503; asked 4 times. The last good file stays" in said.stderr
    assert "11," in said.stdout  # the total still stands
    asked = homes.custody(publishers.home, "status")
    assert "503" in asked.stdout


def test_fetch_alone_fills_the_archive_and_says_what_failed(publishers: Publishers) -> None:
    said = publishers.custody("fetch", "france_prisons", "eurostat_prisons")
    assert said.returncode == 1  # three of Eurostat's files are not served here
    assert re.search(r"france_prisons +statistique_etablissements +new", said.stdout)
    assert re.search(r"eurostat_prisons +crim_pris_cap +failed +https://ec.europa.eu", said.stdout)


def differing(one: Path, other: Path) -> dict[str, int]:
    """How many rows of each table of two warehouses differ, but for when files were retrieved."""
    with duckdb.connect() as connection:
        for name, home in (("a", one), ("b", other)):
            connection.execute(f"ATTACH '{home / 'warehouse.duckdb'}' AS {name} (READ_ONLY)")
        names = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'a'").fetchall()
        found = {}
        for (name,) in names:
            columns = "* EXCLUDE (retrieved_at)" if name == "snapshot" else "*"
            left, right = (f'SELECT {columns} FROM {side}."{name}"' for side in ("a", "b"))
            both = f"(({left}) EXCEPT ALL ({right})) UNION ALL (({right}) EXCEPT ALL ({left}))"
            ((rows,),) = connection.execute(f"SELECT count(*) FROM ({both})").fetchall()
            found[name] = rows
        return {name: rows for name, rows in found.items() if rows}


def test_the_command_is_killed_and_the_next_one_finishes(publishers: Publishers, home: Path, tmp_path: Path) -> None:
    """The whole of it: publishers asked, real files read, Great Expectations, Dagster's store, the build."""
    words = ("run", "--as-of", "2025-12-31")
    before = publishers.home
    publishers.home = homes.copy(before, tmp_path / "whole" / "home")
    begun = time.monotonic()
    assert publishers.killed(words, 300) == 0
    seconds, whole = time.monotonic() - begun, publishers.home
    chance = random.Random(20261128)
    for number in range(KILLS):
        after = chance.uniform(0.2, 0.95) * seconds
        publishers.home = homes.copy(before, tmp_path / f"killed-{number}" / "home")
        assert publishers.killed(words, after) in (-9, 0)
        told = f"killed after {after:.1f} of {seconds:.1f} seconds"
        assert find(Home(publishers.home)), told
        assert differing(publishers.home, before) == {} or differing(publishers.home, whole) == {}, told
        for vintage in all_vintages(Home(publishers.home)):
            vintage.prove()
        assert publishers.killed(words, 300) == 0, told
        assert differing(publishers.home, whole) == {}, told
        with dg.DagsterInstance.from_config(str(publishers.home / "dagster")) as instance:
            assert not instance.get_runs(dg.RunsFilter(statuses=alive.WORKING)), "no dead run keeps others waiting"
        shutil.rmtree(publishers.home.parent)
