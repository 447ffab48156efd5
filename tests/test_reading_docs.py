"""Every block of docs/reading.md, run as a reader would copy it; what it prints has the figure that the CSV has."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from tests.custody import homes

PAGE = homes.REPOSITORY / "docs" / "reading.md"
ADDRESS = "https://data.example.org/custody"


def blocks() -> Iterator[tuple[int, str, str, str]]:
    """Line, language, what it needs besides, and text of each block that is code."""
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+) ?(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if found[1] != "text":
            yield text[: found.start()].count("\n") + 1, found[1], found[2], found[3]


BLOCKS = list(blocks())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def releases() -> Path:
    return homes.release_folder().parent


@pytest.fixture(scope="module")
def url(releases: Path) -> Iterator[str]:
    """The releases on a web server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(releases)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The blocks share one cache, as one reader's do."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def published(releases: Path) -> int:
    """Persons held in France in the last year that the table has, by Python's own reader of CSV."""
    with (releases / "2026.11.0" / "tables" / "country_year.csv").open(encoding="utf-8", newline="") as stream:
        held = {row["year"]: row["persons_held"] for row in csv.DictReader(stream) if row["place_id"] == "FRA"}
    assert held["2020"] == "62543.0"  # as in crim_pris_ctz.csv of 2026-04-29, line 2649
    return int(float(held[max(year for year, value in held.items() if value)]))


def run_python(code: str) -> str:
    said = StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, str(PAGE), "exec"), {"__name__": "__main__"})
    return said.getvalue()


def run_sql(code: str) -> str:
    with duckdb.connect() as connection:
        return str(connection.execute(code).fetchall())


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_r(code: str) -> str:
    return run("Rscript", "--vanilla", "-e", code)


def run_sh(code: str) -> str:
    return run("bash", "-euo", "pipefail", "-c", code)


RUN = {"python": run_python, "sql": run_sql, "r": run_r, "sh": run_sh}


def missing(language: str, needed: str) -> str | None:
    """Why a block cannot be run here; None where it can."""
    if language == "r" and not shutil.which("Rscript"):
        return "R is not installed (Debian: r-base-core)"
    if language == "python" and needed and not importlib.util.find_spec(needed):
        return f"{needed} is not installed"
    if language == "sql" and needed:
        try:
            duckdb.connect().execute(f"LOAD {needed}")
        except duckdb.Error:
            return f"DuckDB's extension {needed} is not installed, and installing it asks a server"
    if language == "r" and needed:
        asked = f"quit(status = !requireNamespace('{needed}', quietly = TRUE))"
        if subprocess.run(["Rscript", "--vanilla", "-e", asked], capture_output=True).returncode:
            return f"R's package {needed} is not installed"
    return None


def test_there_is_a_block_for_each() -> None:
    assert {language for _, language, _, _ in BLOCKS} == set(RUN)


@pytest.mark.parametrize(
    ("language", "needed", "code"),
    [pytest.param(*block[1:], id=f"line {block[0]}: {' '.join(block[1:3]).strip()}") for block in BLOCKS],
)
def test_a_block_does_what_it_says(
    language: str, needed: str, code: str, releases: Path, url: str, cache: Path, published: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    if why := missing(language, needed):
        pytest.skip(why)
    (tmp_path / "releases").symlink_to(releases)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTODY_CACHE", str(cache))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    said = RUN[language](code.replace(ADDRESS, url))
    if language == "sh":
        assert "every file is as listed" in said or said == "2026.11.0 holds\n"
    else:
        assert re.search(rf"\b{published}\b", said), said
