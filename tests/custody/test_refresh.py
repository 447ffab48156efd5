"""A refresh with the command, from a server on loopback that serves the publishers' real files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.custody import homes
from tests.custody.publishers import Publishers, serve
from tests.sources.server import running, status

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
