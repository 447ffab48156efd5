"""One at a time: whoever changes a home's state holds its lock, and whoever finds it held is told by whom.

The lock is the operating system's on an open file, so that it ends with the process that holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sources.errors import Refused
from sources.home import Home, lives, now

#: How often a waiting process looks, in seconds.
LOOK_EVERY = 0.2


@dataclass
class _Hold:
    """This process's hold of a home: the locked file, whether the home is new, and how many blocks are inside."""

    stream: IO[str]
    absent: bool
    blocks: int = 1


_held: dict[Path, _Hold] = {}
_guard = threading.Lock()


class Busy(Refused):
    """Another process is at work on the same home; the sentence says which."""


@contextmanager
def alone(home: Home, doing: str, *, wait: float = 0, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock of a home while the block lasts; a process that has it already goes on.

    Args:
        home: whose state is to be changed.
        doing: what for, as others are told.
        wait: seconds for which another's end is waited for.
        sleep: waits so many seconds.

    Raises:
        Busy: when another process holds it still.
    """
    path = home.root / "lock"
    _enter(path, home, doing, time.monotonic() + wait, sleep)
    try:
        yield
    finally:
        _leave(path)


def _enter(path: Path, home: Home, doing: str, until: float, sleep: Callable[[float], None]) -> None:
    """Go in beside other blocks of this process, or be the first of it."""
    while True:
        with _guard:
            if path in _held:
                _held[path].blocks += 1
                return
            absent = not home.root.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = path.open("a+", encoding="utf-8")
            locked = _locked(stream)
            if locked and _is_at(stream, path):
                _held[path] = _Hold(stream, absent)
                with suppress(OSError):  # of a full disk: who holds it is then not told
                    stream.truncate(0)
                    told = {"process": os.getpid(), "host": socket.gethostname(), "doing": doing, "since": now()}
                    stream.write(json.dumps(told) + "\n")
                    stream.flush()
                return
        with stream:
            if locked:  # who held it has removed the file
                continue
            if time.monotonic() >= until:
                raise Busy(f"{_holder(stream)} is at work in {home.root}; nothing was done. Try when it has ended.")
        sleep(LOOK_EVERY)


def _locked(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(stream: IO[str], path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat())


def _leave(path: Path) -> None:
    """Go out; the last block of this process lets the lock go."""
    with _guard:
        hold = _held[path]
        hold.blocks -= 1
        if hold.blocks:
            return
        del _held[path]
        with suppress(OSError):  # of a full disk: an old name in a lock that nobody holds is read by nobody
            hold.stream.truncate(0)
        if hold.absent and [p.name for p in path.parent.iterdir()] == [path.name]:  # nothing was stored
            path.unlink()
            path.parent.rmdir()
        with suppress(OSError):
            hold.stream.close()


def _holder(stream: IO[str]) -> str:
    stream.seek(0)
    try:
        told = json.loads(stream.read())
        if told["host"] == socket.gethostname() and not lives(told["process"]):
            return "Another process"  # it has the lock, and what stands there is still the name of one that died
        return f"{told['doing']} (process {told['process']} on {told['host']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):  # it has the lock and has not yet written its name
        return "Another process"
