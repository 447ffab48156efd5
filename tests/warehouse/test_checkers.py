"""The processes that run checks end with whoever asked them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.custody import homes

#: What a run of Dagster's daemon is: a process made by multiprocessing. It asks one thing, and tells who answered.
RUN = """
import os, sys, time
from multiprocessing import forkserver, get_context
from pathlib import Path

def run(told, stays):
    from warehouse import checkers
    forkserver.set_forkserver_preload = lambda _: None  # Great Expectations takes long, and is not asked
    who = [checkers.submit(os.getpid).result(), checkers.submit(os.getppid).result()]
    Path(told).with_suffix(".part").write_text(" ".join(map(str, [os.getpid(), *who])))
    os.rename(Path(told).with_suffix(".part"), told)
    if stays:
        time.sleep(60)

if __name__ == "__main__":
    child = get_context("spawn").Process(target=run, args=(sys.argv[1], "stays" in sys.argv))
    child.start()
    child.join()
"""


def started(tmp_path: Path, *words: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A process with such a run below it, and the numbers of the run and of those that it asked."""
    script, told = tmp_path / "run.py", tmp_path / "told"
    script.write_text(RUN, encoding="utf-8")
    first = subprocess.Popen([sys.executable, script, told, *words], env=homes.environment(tmp_path / "home"))
    deadline = time.monotonic() + 60
    while not told.exists():
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.05)
    return first, [int(word) for word in told.read_text().split()]


def are_gone(processes: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while left := [p for p in processes if lives(p)]:
        if time.monotonic() > deadline:
            for process in left:
                os.kill(process, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True


def lives(process: int) -> bool:
    """Whether it runs; one that has ended and was not yet cleared away does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_run_that_multiprocessing_made_ends_with_all_that_it_asked(tmp_path: Path) -> None:
    first, processes = started(tmp_path)
    assert len(processes) == 3  # the run, the process that answered and the one that this was divided from
    gone = are_gone(processes)
    assert gone
    assert first.wait(30) == 0


def test_a_run_that_is_killed_leaves_nobody(tmp_path: Path) -> None:
    first, processes = started(tmp_path, "stays")
    os.kill(processes[0], signal.SIGKILL)
    gone = are_gone(processes)
    assert gone
    assert first.wait(30) == 0
