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
from pathlib import Path
from typing import IO

from sources.errors import Refused
from sources.home import Home, now

#: How often a waiting process looks, in seconds.
LOOK_EVERY = 0.2

_held: dict[Path, int] = {}
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
    with _guard:
        inside = path in _held
        if inside:
            _held[path] += 1
    if inside:
        try:
            yield
        finally:
            with _guard:
                _held[path] -= 1
        return
    absent = not home.root.exists()
    stream = _taken(path, home, time.monotonic() + wait, sleep)
    try:
        _held[path] = 1
        stream.truncate(0)
        told = {"process": os.getpid(), "host": socket.gethostname(), "doing": doing, "since": now()}
        stream.write(json.dumps(told) + "\n")
        stream.flush()
        yield
    finally:
        _held.pop(path, None)
        with suppress(OSError):  # of a full disk: an old name in a lock that nobody holds is read by nobody
            stream.truncate(0)
        if absent and [p.name for p in home.root.iterdir()] == [path.name]:  # nothing was stored
            path.unlink()
            home.root.rmdir()
        stream.close()


def _taken(path: Path, home: Home, until: float, sleep: Callable[[float], None]) -> IO[str]:
    """The lock's file, locked."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
            stream.close()  # who held it has removed the file
            continue
        except BlockingIOError:
            if time.monotonic() >= until:
                with stream:
                    raise Busy(
                        f"{_holder(stream)} is at work in {home.root}; nothing was done. Try when it has ended."
                    ) from None
            stream.close()
        sleep(LOOK_EVERY)


def _holder(stream: IO[str]) -> str:
    stream.seek(0)
    try:
        told = json.loads(stream.read())
        return f"{told['doing']} (process {told['process']} on {told['host']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):  # it has the lock and has not yet written its name
        return "Another process"
