"""One at a time: whoever comes second is told who is at work, and no crash leaves a lock behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from sources.home import Home
from sources.lock import Busy, alone


def hold(root: Path, said: Connection) -> None:
    """In another process: take the lock, say so, and end when told to."""
    with alone(Home(root), "custody run"):
        said.send("held")
        said.recv()


@pytest.fixture
def other(tmp_path: Path) -> tuple[multiprocessing.context.SpawnProcess, Connection]:
    """Another process that holds the lock, and the line to it."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path, theirs), daemon=True)
    process.start()
    assert ours.recv() == "held"
    return process, ours


Other = tuple[multiprocessing.context.SpawnProcess, Connection]


def test_who_comes_second_is_told_who_is_at_work(tmp_path: Path, other: Other) -> None:
    with pytest.raises(Busy) as error, alone(Home(tmp_path), "custody import"):
        pytest.fail("two held one lock")
    said = str(error.value)
    assert said.startswith(f"custody run (process {other[0].pid} on ") and "nothing was done" in said


def test_who_waits_comes_next(tmp_path: Path, other: Other) -> None:
    slept: list[float] = []

    def end_it(seconds: float) -> None:
        slept.append(seconds)
        other[1].send("end")
        other[0].join()

    with alone(Home(tmp_path), "custody import", wait=60, sleep=end_it):
        assert len(slept) == 1


def test_a_killed_process_leaves_no_lock(tmp_path: Path, other: Other) -> None:
    os.kill(other[0].pid or 0, signal.SIGKILL)
    other[0].join()
    with alone(Home(tmp_path), "custody import"):
        assert "custody import" in (tmp_path / "lock").read_text(encoding="utf-8")


def test_who_has_it_goes_on(tmp_path: Path) -> None:
    with alone(Home(tmp_path), "custody run"):
        with alone(Home(tmp_path), "a step of it"):
            assert "custody run" in (tmp_path / "lock").read_text(encoding="utf-8")
        assert "custody run" in (tmp_path / "lock").read_text(encoding="utf-8")
    assert (tmp_path / "lock").read_text(encoding="utf-8") == ""


def test_a_home_in_which_nothing_was_stored_is_gone(tmp_path: Path) -> None:
    with alone(Home(tmp_path / "new"), "custody import"):
        assert (tmp_path / "new").exists()
    assert not (tmp_path / "new").exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_none(tmp_path: Path) -> None:
    with alone(Home(tmp_path), "custody run"):
        (tmp_path / "lock").unlink()
        (tmp_path / "lock").write_text("", encoding="utf-8")
    with alone(Home(tmp_path), "custody run"):
        assert "custody run" in (tmp_path / "lock").read_text(encoding="utf-8")


def test_a_thread_that_ends_first_leaves_the_lock_to_the_other(tmp_path: Path) -> None:
    inside, end = threading.Event(), threading.Event()

    def outer() -> None:
        with alone(Home(tmp_path), "custody run"):
            inside.wait()

    def inner() -> None:
        with alone(Home(tmp_path), "a step of it"):
            inside.set()
            end.wait()

    first = threading.Thread(target=outer)
    first.start()
    while not (tmp_path / "lock").exists() or not (tmp_path / "lock").read_text(encoding="utf-8"):
        pass
    second = threading.Thread(target=inner)
    second.start()
    first.join()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path, theirs), daemon=True)
    process.start()
    process.join(60)
    assert process.exitcode == 1 and not ours.poll()  # it was told that this process is at work
    end.set()
    second.join()
    assert (tmp_path / "lock").read_text(encoding="utf-8") == ""


def test_a_name_left_by_a_process_that_died_is_not_told_as_the_holders(tmp_path: Path, other: Other) -> None:
    lock = tmp_path / "lock"
    told = json.loads(lock.read_text(encoding="utf-8"))
    gone = multiprocessing.get_context("spawn").Process(target=print)
    gone.start()
    gone.join()
    lock.write_text(json.dumps({**told, "doing": "a dead one", "process": gone.pid}), encoding="utf-8")
    with pytest.raises(Busy, match="^Another process is at work"), alone(Home(tmp_path), "custody import"):
        pytest.fail("two held one lock")
