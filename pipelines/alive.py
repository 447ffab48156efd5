"""Which runs are at work: each names its process, and one whose process is gone has failed.

Dagster's own launcher does not look; without this a killed run would keep all others waiting for hours.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import dagster as dg

from sources.home import lives

#: The tag by which a run names its process.
PROCESS = "custody/process"

WORKING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]

ENDED = (
    "the process of the run was ended from outside. What was accepted or built before is whole, and the next run "
    "finishes the work."
)


def name_of_this_process() -> str:
    """Host, number and, where the system tells it, start of this process: a number may be given again."""
    return f"{socket.gethostname()} {os.getpid()} {_start(os.getpid())}"


def _start(process: int) -> str:
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    return "unknown"


def is_gone(named: str) -> bool:
    """Whether a process of that name is no longer there; of one on another host that is not known."""
    host, number, start = named.split()
    if host != socket.gethostname():
        return False
    return not lives(int(number)) or _start(int(number)) != start


def bury(instance: dg.DagsterInstance) -> None:
    """Write down as failed what no process is at work on any more."""
    for run in instance.get_runs(dg.RunsFilter(statuses=WORKING)):
        if (named := run.tags.get(PROCESS)) and is_gone(named):
            instance.report_run_failed(run, ENDED)
