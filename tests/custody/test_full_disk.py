"""A disk that is full, and a home that cannot be made: one sentence, the last good state, and the next run finishes."""

from __future__ import annotations

from pathlib import Path

from tests.custody import homes

#: No file may grow beyond so many bytes, for libraries as for Python: what a full disk does to whoever writes.
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))\n"


def state(home: Path) -> dict[str, bytes]:
    """Every file but Dagster's and the lock's."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name != "lock" and "dagster" not in path.parts
    }


def test_a_build_on_a_full_disk(home: Path, tmp_path: Path) -> None:
    own = homes.copy(home, tmp_path / "own")
    before = state(own)
    for most in (1_000_000, 30_000):
        said = homes.custody(own, "build", "--as-of", "2022-12-31", code=FULL.format(most) + homes.MAIN)
        assert said.returncode == 1 and "Traceback" not in said.stderr
        assert said.stderr.splitlines()[-1].startswith("custody: ")
        assert "File too large" in said.stderr and "The last warehouse stays." in said.stderr
        assert state(own) == before
    assert homes.custody(own, "build", "--as-of", "2022-12-31").returncode == 0


def test_a_home_that_cannot_be_made() -> None:
    for words in (["build"], ["fetch", "gaps"], ["run", "--offline"]):
        said = homes.custody("/proc/custody", *words)
        assert said.returncode == 1 and len(said.stderr.splitlines()) == 1
        assert said.stderr.startswith("custody: /proc/custody") and "CUSTODY_HOME must name a folder" in said.stderr
