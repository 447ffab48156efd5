"""kill -9 at the steps of a refresh: nothing wrong to read after it, and the next refresh finishes the work."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exports.listing import releases
from exports.verify import verify
from sources.archive import Archive
from sources.home import Home
from tests.warehouse import killed
from tests.warehouse.conftest import make_source
from warehouse.records import vintages
from warehouse.standing import find

#: A few in every run of the tests, many when asked: `make kill`.
KILLS = int(os.environ.get("CUSTODY_KILLS", "5"))
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.warehouse.killed"])


def run(root: Path, data: bytes, steps: Any = None, at: Any = None) -> int:
    """A refresh in a process of its own; gives its exit status, which is -9 where it was killed."""
    folder = root.parent / "sources"
    shutil.rmtree(folder, ignore_errors=True)
    process = CONTEXT.Process(target=killed.refresh, args=(root, folder, data, steps, at))
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def tables(root: Path) -> dict[str, list[Any]]:
    """All rows of the warehouse."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall() for name in sorted(names)}


def state(root: Path) -> dict[str, Any]:
    """What a home holds, apart from times."""
    home = Home(root)
    records = vintages(home, source(root))
    return {
        "archived": sorted(p.name for p in (home.archive / "objects").glob("*/*")),
        "accepted": [(v.vintage, v.record["tables"]) for v in records],
        "tables": tables(root),
        "releases": [(r.version, r.digest) for r in releases(home)],
        "left": [str(p) for p in root.rglob("*") if p.name.startswith((".writing-", ".building-", ".old-"))],
    }


def source(root: Path) -> Any:
    folder = root.parent / "known"
    shutil.rmtree(folder, ignore_errors=True)
    return make_source(folder, "src")


@dataclass
class Known:
    """The states before and after a refresh that nobody killed, its steps and its time."""

    before: Path
    old: dict[str, Any]
    new: dict[str, Any]
    steps: int
    seconds: float


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    folder = tmp_path_factory.mktemp("known")
    before, after = folder / "a" / "home", folder / "b" / "home"
    before.parent.mkdir()
    assert run(before, killed.OLD) == 0
    shutil.copytree(before, after)
    settle(after)
    steps = CONTEXT.Value("i", 0)
    begun = time.monotonic()
    assert run(after, killed.NEW, steps) == 0
    yield Known(before, state(before), state(after), steps.value, time.monotonic() - begun)


def settle(root: Path) -> None:
    """A copied warehouse is another file; its record knows it as its own."""
    from tests.custody import homes

    homes.settle(root)


def points(known: Known) -> list[int | float]:
    """Where to kill: at steps that change something on disk, and at times, for what DuckDB does by itself."""
    chance = random.Random(20261124)
    steps = chance.sample(range(1, known.steps + 1), min(known.steps, KILLS * 4 // 5))
    return [*sorted(steps), *(round(chance.uniform(0.05, known.seconds), 3) for _ in range(KILLS - len(steps)))]


def test_the_refresh_changes_what_it_should(known: Known) -> None:
    assert len(known.old["accepted"]) == 1 and len(known.new["accepted"]) == 2
    assert known.old["tables"]["world_total"] != known.new["tables"]["world_total"]
    assert [v for v, _ in known.new["releases"]] == ["2026.05.0", "2026.05.1"]
    assert known.steps >= 50 and known.old["left"] == known.new["left"] == []


@pytest.mark.parametrize("part", range(4))
def test_nothing_wrong_stands_after_a_kill_and_the_next_refresh_finishes(
    known: Known, part: int, tmp_path: Path
) -> None:
    died = 0
    for at in points(known)[part::4]:
        root = tmp_path / f"at-{at}" / "home"
        root.parent.mkdir()
        shutil.copytree(known.before, root)
        settle(root)
        status = run(root, killed.NEW, at=at)
        assert status == -9 or isinstance(at, float), f"step {at}: {status}"
        died += status == -9
        told = f"killed at {at}"
        home = Home(root)
        # What can be read is the old or the new, whole.
        assert tables(root) in (known.old["tables"], known.new["tables"]), told
        assert find(home) is not None, told  # whatever stands is known
        for vintage in vintages(home, source(root)):
            vintage.prove()
        for snapshot in Archive(home.archive).snapshots("src", "one"):
            assert Archive(home.archive).kept(snapshot.sha256), told
        for release in releases(home):
            findings = verify(home.releases / release.version, release.sums)
            assert all(f.holds for f in findings), told
        # The next refresh finishes the work.
        assert run(root, killed.NEW) == 0, told
        assert state(root) == known.new, told
        shutil.rmtree(root.parent)
    assert died
