"""A refresh with the command, from a server on loopback that serves the publishers' real files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sources.catalogue import source
from sources.france_prisons.discover import PAGE
from tests.custody import homes
from tests.sources.server import Server, running, status, whole
from tests.sources.test_fetch import LIST, entry, listed

BOOK = "https://data.unodc.org/sites/dataportal.unodc.org/files/2023-05/data_cts_prisons_and_prisoners.xlsx"
WORKBOOK = re.compile(rb"https://www\.justice\.gouv\.fr/[^\"]+01072026\.xlsx")

#: Before the command's own code: publishers are asked on loopback, and everything is due.
LED = """
from sources import fetch
from sources.http import Limits
from tests.sources.server import QUICK, led
from dataclasses import replace
fetch.client = lambda: led({port}, replace(QUICK, max_bytes=64 << 20))
fetch.is_due = lambda *_: True
"""
#: Whoever reads a file fails.
UNREAD = """
from warehouse import trial
def parse(*_): raise AssertionError("a file was read")
trial.parse = parse
"""


@dataclass
class Publishers:
    """The server, the addresses that it knows, and a home."""

    server: Server
    home: Path
    addresses: list[str]

    def custody(self, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
        """What the command says when publishers are asked here."""
        self.server.asked.clear()
        code = LED.format(port=self.server.server_address[1]) + before + homes.MAIN
        return homes.custody(self.home, *words, code=code)

    def paths(self) -> list[tuple[str, bool]]:
        """What was asked for among what is served, and whether on condition."""
        known = set(self.server.answers)
        return [(path, "If-None-Match" in headers) for path, headers in self.server.asked if path in known]


@pytest.fixture
def publishers(raw: Path, home: Path, tmp_path: Path) -> Iterator[Publishers]:
    with running() as server:
        page = (raw / "france/pages/2026.html").read_bytes()
        found = WORKBOOK.search(page)
        assert found
        served = {
            str(source("eurostat_prisons").files["crim_pris_ctz"].url): "eurostat/2026-04-29/crim_pris_ctz.csv",
            BOOK: "unodc/2023-05-11/data_cts_prisons_and_prisoners.xlsx",
            PAGE: "france/pages/2026.html",
            found[0].decode(): "france/2026-07-01/statistique_etablissements_personnes_ecrouees_01072026.xlsx",
        }
        for url, path in served.items():
            server.on(url, whole((raw / path).read_bytes(), ETag=f'"{path}"'))
        name = BOOK.rsplit("/", 1)[1]
        server.on(LIST, whole(listed(entry(name, "2023-05-11T00:00:00+00:00", BOOK)), ETag='"list"'))
        yield Publishers(server, homes.copy(home, tmp_path / "home"), [*served, LIST])


def test_a_refresh_in_which_nothing_changed(publishers: Publishers) -> None:
    first = publishers.custody("run", "--as-of", "2025-12-31")
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
