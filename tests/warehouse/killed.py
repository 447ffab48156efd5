"""A refresh in a process of its own that can be killed at any of its steps; see test_kill.py."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

from exports import pictures, release
from sources.archive import Archive
from sources.home import Home
from sources.lock import alone
from tests.warehouse.conftest import DAY, KNOWING, lines, make_source, nothing_asked
from warehouse import build, checks, intake

PLACES = [("DEU", 92e6), ("ALB", 3e6), ("WLD", 100e6)]
PEOPLE = [(place, value, {"measure": "population", "year": 2023}) for place, value in PLACES]
OLD = lines(("ALB", 5000, {"year": 2023}), ("DEU", 58_000, {"year": 2023}), *PEOPLE, stamp="2024-02")
NEW = lines(("ALB", 5100, {"year": 2023}), ("DEU", 57_000, {"year": 2023}), *PEOPLE, stamp="2024-05")

#: What changes something on disk, as Python tells whoever listens, each time before it does.
CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.link"})
FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def refresh(root: Path, sources: Path, data: bytes, steps: Any = None, at: Any = None) -> None:
    """Archive a file, take it in, build, release.

    Args:
        root: the home.
        sources: a folder for the one source.
        data: the publisher's file.
        steps: counts the steps that change something on disk, where it is given.
        at: the number of the step (int) or the seconds (float) at which the process kills itself.
    """
    home, source = Home(root), make_source(sources, "src")
    for module in (*KNOWING, "exports.descriptors"):
        setattr(importlib.import_module(module), "sources", lambda: {"src": source})  # noqa: B010
    checks.submit = nothing_asked
    pictures.write = lambda *_: []  # they are written as the tables are, and take seconds
    _listen(root, steps, at)
    with alone(home, "a refresh"):
        when = f"2026-05-0{2 if data == NEW else 1}"
        Archive(home.archive).put(source, "one", "one.csv", data, obtained="fetch", url=None, retrieved_at=when)
        intake.take_in(home, source)
        build.build(home, DAY)
        release.release(home, date.fromisoformat(when), as_of=DAY)


def _listen(root: Path, steps: Any, at: Any) -> None:
    if isinstance(at, float):
        threading.Timer(at, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return
    counted = 0

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal counted
        changes = event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & FLAGS)
        if changes and str(arguments[0]).startswith(str(root)):
            counted += 1
            if steps is not None:
                steps.value = counted
            if counted == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)
