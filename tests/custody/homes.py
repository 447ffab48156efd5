"""Homes that tests share, also tests in other processes: each is made once for all. A test that changes one changes a copy."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest

from dictionary.model import dictionary
from dictionary.render import ddl
from sources.catalogue import open_alone, sources
from sources.home import Home
from tests.custody import forking
from warehouse.records import all_vintages
from warehouse.standing import identify, inputs_digest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BUNDLED = sorted((REPOSITORY / "sources").glob("*/bundled/*/*/accepted.json"))
#: The sources in use, whether or not they come with figures.
IN_USE = sorted(
    path.parent.name
    for path in (REPOSITORY / "sources").glob("*/source.yml")
    if "\nenabled: false\n" not in path.read_text(encoding="utf-8")
)
MAIN = "from custody.cli import main; main()"
#: Before the command's own code: every check passes unasked, where a test is about something else. Great Expectations
#: takes longer than all the rest.
UNASKED = (
    "from tests.warehouse.conftest import nothing_asked\n"
    "import warehouse.checks, warehouse.checkers\n"
    "warehouse.checks.submit, warehouse.checkers.start = nothing_asked, lambda: None\n"
)
AS_OF = date(2025, 12, 31)
RELEASED_ON = "2026-11-23"

#: The places that the small warehouse keeps, so that a release of it takes no time.
KEPT = ("FRA", "BEL", "GBR", "GBR-EAW", "GBR-SCT", "GBR-NIR", "PRK", "NAM", "CIV", "WLD")


@cache
def scratch() -> Path:
    """The folder that all processes of a run of the tests share; it is gone when the tests end."""
    if shared := os.environ.get("TESTS_SHARE"):
        return Path(shared)
    folder = Path(tempfile.mkdtemp(prefix="custody-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def once(name: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    """A folder of `scratch()` that whoever needs it first makes, while others wait; and what `make` said of it."""
    folder, told = scratch() / name, scratch() / f"{name}.told"
    with (scratch() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one who failed
            said = make(folder)
            told.write_text(said, encoding="utf-8")
    return folder, told.read_text(encoding="utf-8")


def environment(home: Path | str | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command that knows the repository and no home but the given one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTODY_", "DAGSTER_", "PYTEST_"))}
    own = {} if home is None else {"CUSTODY_HOME": str(home)}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "160", **own, **(more or {})}


def custody(
    home: Path | str | None,
    *words: str,
    code: str = MAIN,
    cwd: Path | None = None,
    more: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> subprocess.CompletedProcess[str]:
    """What the command says, in a process of its own and away from the repository.

    A fresh process is one in which nothing has been imported; in any other the libraries have been, which is quicker.
    """
    if not fresh:
        return forking.run(words, code, environment(home, more), cwd or scratch(), 300)
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment(home, more),
        cwd=cwd or scratch(),
        capture_output=True,
        text=True,
        timeout=300,
    )


def _said(said: subprocess.CompletedProcess[str]) -> str:
    return json.dumps([said.args, said.returncode, said.stdout, said.stderr])


def _as_said(told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess(*json.loads(told))


@cache
def first_run() -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home in which the main job has run once on the bundled figures, and what it printed."""
    home, told = once(
        "built", lambda home: _said(custody(home, "run", "--offline", "--as-of", "2025-12-31", fresh=True))
    )
    return home, _as_said(told)


def built() -> Path:
    """The home of the first run. Read it; to change it, copy it."""
    home, said = first_run()
    assert said.returncode == 0, said.stderr
    return home


def copy(home: Path, to: Path) -> Path:
    """A copy of a home, without what Dagster remembers; the record knows the copied warehouse as its own."""
    shutil.copytree(home, to, ignore=shutil.ignore_patterns("dagster"))
    settle(to)
    if (to / "open").exists():
        settle(to / "open")
    return to


@cache
def released() -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home with one release of the whole warehouse, and what `custody release` printed."""

    def make(home: Path) -> str:
        said = custody(copy(built(), home), "release", "--date", RELEASED_ON, fresh=True)
        assert said.returncode == 0, said.stderr
        return _said(said)

    home, told = once("released", make)
    return home, _as_said(told)


def release_folder() -> Path:
    """The one release. Read it; to change it, copy it."""
    (folder,) = (path for path in (released()[0] / "releases").iterdir() if path.is_dir())
    return folder


@cache
def small() -> Path:
    """A home whose warehouse has all tables but few rows."""
    return once("small", _make_small)[0]


def _make_small(home: Path) -> str:
    home.mkdir()
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(f"ATTACH '{built() / 'warehouse.duckdb'}' AS whole (READ_ONLY)")
        for table in dictionary().tables.values():
            where = ""
            if "place_id" in table.column_names and "year" in table.column_names:
                where = f"WHERE place_id IN {KEPT} AND year >= 2018"
            elif table.name in ("estimate", "world_place", "backtest_case"):
                where = f"WHERE place_id IN {KEPT}"
            elif table.name == "observation":
                where = f"WHERE place_id IN {KEPT} AND period_end >= '2018-01-01'"
            elif table.name == "recidivism":
                where = f"WHERE place_id IN {KEPT} OR place_id = 'TWN'"
            elif table.name == "left_out":
                where = "QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY locator, reason) <= 50"
            connection.execute(ddl(table))
            connection.execute(f'INSERT INTO "{table.name}" SELECT * FROM whole."{table.name}" {where}')
        connection.execute("DETACH whole")
    settle(home, built())
    _open_part(home)
    return "made"


@cache
def little() -> Path:
    """The small home with one release, of the day when the whole one was released; no check was asked for it."""
    return once("little", _make_little)[0]


def _make_little(home: Path) -> str:
    from exports.release import release
    from warehouse import checks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "run", lambda *_: [])  # Great Expectations takes seconds
        release(Home(copy(small(), home)), date.fromisoformat(RELEASED_ON))
    return "made"


def _open_part(home: Path) -> None:
    """The warehouse of open sources alone, of few rows: a release would take its time to build it."""
    words = dictionary().tables
    open_ = home / "open"
    open_.mkdir()
    shutil.copy(home / "warehouse.duckdb", open_)
    lacking = {
        "world_total",
        "world_walk",
        "comparison",
        "claim",
        "claim_evidence",
        "world_place",
        "gap",
        "published_total",
    }
    classes = "SELECT source_id FROM source WHERE licence_class = 'open'"
    with duckdb.connect(str(open_ / "warehouse.duckdb")) as connection:
        for table in words.values():
            for column in {"source_id", "rival_source_id", "persons_held_source"} & set(table.column_names):
                connection.execute(f'DELETE FROM "{table.name}" WHERE {column} NOT IN ({classes})')
        for name in lacking:
            connection.execute(f'DELETE FROM "{name}"')
    settle(open_, built())
    record = json.loads((open_ / "warehouse.json").read_text(encoding="utf-8"))
    known = open_alone(sources())
    vintages = [v for v in all_vintages(Home(home)) if v.source_id in known]
    record |= {"left_out": dict.fromkeys(sorted(lacking), "Left out."), "digest": inputs_digest(vintages, AS_OF)}
    (open_ / "warehouse.json").write_text(json.dumps(record), encoding="utf-8")


def settle(home: Path, like: Path | None = None) -> None:
    """Write the record that belongs to a home's warehouse, as it stands now."""
    record = json.loads(((like or home) / "warehouse.json").read_text(encoding="utf-8"))
    record["file"] = identify(home / "warehouse.duckdb")
    (home / "warehouse.json").write_text(json.dumps(record), encoding="utf-8")


def alter(home: Path, *statements: str) -> None:
    """Change the warehouse of a home behind the program's back, as if another build had made it."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
    settle(home)
