"""A disk that is full or may only be read, and two runs at once: one sentence, the last good state, the next finishes.

The disk is a small one of its own where the tests may mount one, and else a limit on the size of files, which
libraries meet as they meet a full disk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sources.catalogue import source
from tests.custody import homes
from tests.custody.publishers import Publishers
from tests.sources.server import running, whole

#: No file may grow beyond so many bytes, for libraries as for Python: what a full disk does to whoever writes.
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))\n"

ROOM = 500 << 20


def state(home: Path) -> dict[str, bytes]:
    """Every file but Dagster's, the lock's, and why the last build failed."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name not in ("lock", "build-failed.json") and "dagster" not in path.parts
    }


@dataclass
class Disk:
    """A disk with one home on it."""

    root: Path
    mounted: bool

    @property
    def home(self) -> Path:
        return self.root / "home"

    def full(self, free: int) -> str:
        """Leave so little room; gives what the command's code must begin with, where it is not the disk that is full."""
        if not self.mounted:
            return FULL.format(free)
        self._remount(f"size={shutil.disk_usage(self.root).used + free}")
        return ""

    def roomy(self) -> None:
        """Make room."""
        if self.mounted:
            self._remount(f"size={ROOM}")

    def readable_only(self, only: bool) -> None:
        """Nothing can be written, or all can again."""
        if self.mounted:
            self._remount("ro" if only else "rw")
            return
        for path in [self.home, *(p for p in self.home.rglob("*") if p.is_dir())]:
            path.chmod(0o555 if only else 0o755)

    def _remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", self.root], check=True)


@pytest.fixture
def disk(home: Path, tmp_path: Path) -> Iterator[Disk]:
    """A disk with a copy of the home of the first run."""
    root = tmp_path / "disk"
    root.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", root], capture_output=True)
    own = Disk(root, made.returncode == 0)
    homes.copy(home, own.home)
    try:
        yield own
    finally:
        if own.mounted:
            subprocess.run(["umount", "--lazy", root], check=True)


def one_sentence(said: subprocess.CompletedProcess[str]) -> str:
    """What the command ends with, after its progress."""
    assert (said.returncode, said.stdout) == (1, ""), said.stderr
    *progress, line = said.stderr.splitlines()
    assert all(each.startswith("  ") for each in progress) and "Traceback" not in said.stderr, said.stderr
    assert line.startswith("custody: ")
    return line


def test_a_build_on_a_full_disk(home: Path, tmp_path: Path) -> None:
    own = homes.copy(home, tmp_path / "own")
    before = state(own)
    for most in (1_000_000, 30_000):
        said = homes.custody(own, "build", "--as-of", "2022-12-31", code=FULL.format(most) + homes.MAIN)
        assert said.returncode == 1 and "Traceback" not in said.stderr
        assert said.stderr.splitlines()[-1].startswith("custody: ")
        assert "File too large" in said.stderr and "The last warehouse stays." in said.stderr
        assert state(own) == before
    again = homes.custody(own, "build", "--as-of", "2022-12-31", code=homes.UNASKED + homes.MAIN)
    assert again.returncode == 0, again.stderr
    assert not (own / "build-failed.json").exists()


@pytest.mark.parametrize("free", [20_000, 200_000, 4_000_000])
def test_a_run_on_a_full_disk(disk: Disk, free: int) -> None:
    """Dagster's own record comes first and takes a megabyte or two; then there is no room for the new warehouse."""
    before = state(disk.home)
    day = "2022-12-31" if free == 4_000_000 else "2025-12-31"
    said = homes.custody(disk.home, "run", "--offline", "--as-of", day, code=disk.full(free) + homes.MAIN)
    line = one_sentence(said)
    assert "make room" in line or "The last warehouse stays" in line
    assert state(disk.home) == before
    disk.roomy()
    again = homes.custody(disk.home, "run", "--offline", "--as-of", "2025-12-31")
    assert again.returncode == 0, again.stderr
    assert state(disk.home) == before


def test_a_fetch_on_a_full_disk(disk: Disk) -> None:
    before = state(disk.home)
    known = source("world_bank_population")
    ((name, file),) = known.files.items()
    with running() as server:
        server.on(str(file.url), whole(json.dumps([{"page": 1}, list(range(400_000))]).encode(), ETag='"1"'))
        publishers = Publishers(server, disk.home)
        said = publishers.custody("fetch", known.id, before=disk.full(300_000))
        assert "make room, then run the command again" in one_sentence(said)
        assert state(disk.home) == before
        disk.roomy()
        again = publishers.custody("fetch", known.id, "--json")
        assert again.returncode == 0, again.stderr
    assert [(a["file"], a["outcome"]) for a in json.loads(again.stdout)] == [(name, "new")]


def test_a_home_that_can_only_be_read(disk: Disk) -> None:
    if not disk.mounted and os.geteuid() == 0:
        pytest.skip("the superuser writes to what is closed, and may not mount a disk here")
    before = state(disk.home)
    disk.readable_only(True)
    try:
        for words in (["run", "--offline"], ["fetch", "gaps"], ["build"]):
            line = one_sentence(homes.custody(disk.home, *words))
            assert str(disk.home) in line and "CUSTODY_HOME must name a folder that can be written" in line
        assert homes.custody(disk.home, "status").returncode == 0
        assert homes.custody(disk.home, "sql", "SELECT count(*) FROM figure").returncode == 0
    finally:
        disk.readable_only(False)
    assert state(disk.home) == before
    assert homes.custody(disk.home, "run", "--offline", "--as-of", "2025-12-31").returncode == 0


def test_two_runs_at_once(home: Path, tmp_path: Path) -> None:
    own = homes.copy(home, tmp_path / "own")
    before, lock = state(own), own / "lock"
    lock.touch()
    words = [sys.executable, "-c", homes.MAIN, "run", "--offline", "--as-of", "2025-12-31"]
    runs = []
    for _ in range(2):
        begun = subprocess.Popen(
            words, env=homes.environment(own), cwd=homes.scratch(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        runs.append(begun)
        # Who comes second can be told by whom the home is held only once that one has written it down.
        while begun is runs[0] and begun.poll() is None and f'"process": {begun.pid}' not in lock.read_text():
            time.sleep(0.01)
    said = sorted((run.communicate(timeout=300) + (run.returncode,) for run in runs), key=lambda each: each[2])
    (_, _, first), (out, err, second) = said
    assert (first, second, out) == (0, 1, "")
    (line,) = err.splitlines()
    assert line.startswith("custody: custody run (process ") and "is at work in" in line
    assert state(own) == before


def test_a_home_that_cannot_be_made() -> None:
    for words in (["build"], ["fetch", "gaps"], ["run", "--offline"]):
        said = homes.custody("/proc/custody", *words)
        assert said.returncode == 1 and len(said.stderr.splitlines()) == 1
        assert said.stderr.startswith("custody: /proc/custody") and "CUSTODY_HOME must name a folder" in said.stderr
