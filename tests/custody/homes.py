"""Homes that tests share: each is made once for all of them. A test that changes one changes a copy."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from dictionary.model import dictionary
from dictionary.render import ddl
from sources.catalogue import open_alone, sources
from sources.home import Home
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
AS_OF = date(2025, 12, 31)
RELEASED_ON = "2026-11-23"

#: The places that the small warehouse keeps, so that a release of it takes no time.
KEPT = ("FRA", "BEL", "GBR", "GBR-EAW", "GBR-SCT", "GBR-NIR", "PRK", "NAM", "CIV", "WLD")


@cache
def scratch() -> Path:
    """A folder that is gone when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="custody-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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
) -> subprocess.CompletedProcess[str]:
    """What the command says, in a process of its own and away from the repository."""
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment(home, more),
        cwd=cwd or scratch(),
        capture_output=True,
        text=True,
        timeout=300,
    )


@cache
def first_run() -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home in which the main job has run once on the bundled figures, and what it printed."""
    home = scratch() / "built"
    return home, custody(home, "run", "--offline", "--as-of", "2025-12-31")


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
    home = copy(built(), scratch() / "released")
    said = custody(home, "release", "--date", RELEASED_ON)
    assert said.returncode == 0, said.stderr
    return home, said


def release_folder() -> Path:
    """The one release. Read it; to change it, copy it."""
    (folder,) = (path for path in (released()[0] / "releases").iterdir() if path.is_dir())
    return folder


@cache
def small() -> Path:
    """A home whose warehouse has all tables but few rows."""
    home = scratch() / "small"
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
            connection.execute(ddl(table))
            connection.execute(f'INSERT INTO "{table.name}" SELECT * FROM whole."{table.name}" {where}')
        connection.execute("DETACH whole")
    settle(home, built())
    _open_part(home)
    return home


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
