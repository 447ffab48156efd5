"""Running the job from the command line, on the store that Dagster's web interface reads; starting that interface."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from dictionary.model import LOADER
from pipelines import endings
from sources import collecting
from sources.asked import Asking
from sources.catalogue import sources
from sources.errors import Refused
from sources.home import Home, write_bytes
from warehouse import checkers
from warehouse.records import all_vintages, stale_corrections, summary
from warehouse.standing import is_current

ROOT = Path(__file__).parent.parent

#: Dagster's own settings. Nothing is sent anywhere. One run at a time; others wait in the queue. A run whose process
#: was killed is missed by the daemon within seconds; should it not be, it counts as failed after three hours, and the
#: queue does not wait for ever.
SETTINGS = b"""\
# Written by Custody, which keeps it up to date as long as nobody has changed it.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
  max_runtime_seconds: 10800
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days: {skipped: 1, success: 90, failure: 90}
"""

#: What earlier versions wrote.
EARLIER = (b"telemetry:\n  enabled: false\nnux:\n  enabled: false\n",)

#: By this label the web interface shows the run on the page of its job; the name is the one in workspace.yaml.
LABEL = {".dagster/repository": "__repository__@custody"}


#: By this variable of the environment one says at which address the folder of the quality report can be read.
SHOWN_AT = "CUSTODY_REPORTS"


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `failure` is one sentence, or None where the warehouse stands as wanted.

    `sources` is one line a vintage, `stale_corrections` those whose error is no longer there. `fallen_back` says for
    each source that uses an older vintage why it does; `in_vain`, whether a publisher was asked and gave no file.
    """

    run_id: str
    failure: str | None
    sources: list[dict[str, Any]] = field(default_factory=list)
    stale_corrections: list[dict[str, Any]] = field(default_factory=list)
    fallen_back: dict[str, str] = field(default_factory=dict)
    in_vain: bool = False


class _Lines(logging.Handler):
    """Hands each line of the job's own logger to a function."""

    def __init__(self, show: Callable[[str], None]):
        super().__init__(logging.INFO)
        self.show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        self.show(record.getMessage())


def prepare_store(home: Home) -> None:
    """Make Dagster's folder with Custody's settings, and name it to Dagster; settings that somebody changed stay."""
    settings = home.dagster / "dagster.yaml"
    if not settings.exists() or settings.read_bytes() in EARLIER:
        write_bytes(settings, SETTINGS)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["CUSTODY_HOME"] = str(home.root)


def execute(home: Home, as_of: date, progress: Callable[[str], None], *, offline: bool) -> Outcome:
    """Run the job of `pipelines.assets` in this process; nobody is asked when `offline`, and nothing is tried twice."""
    prepare_store(home)
    with suppress(Refused):  # of a damaged record, which may be made anew
        if not is_current(home, as_of):
            checkers.start()
    with collecting.later():
        import dagster as dg
        from sqlalchemy import Engine, event

        from pipelines import alive
        from pipelines.assets import LOGGER, custody_job

    gc.freeze()  # what was imported stays to the end, and no search need look through it again
    event.listen(Engine, "connect", _do_not_wait_for_the_disk)

    handler = _Lines(progress)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    config = {
        "resources": {"options": {"config": {"as_of": as_of.isoformat(), "ask": "none" if offline else "due"}}},
        "execution": {"config": {"retries": {"disabled": {}}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    try:
        with _written(home), _instance(home) as instance:
            alive.bury(instance)
            job = dg.reconstructable(custody_job)
            result = dg.execute_job(job, instance=instance, run_config=config, tags=LABEL)
            failure = None if result.success else _failure(result)
    finally:
        gc.unfreeze()  # or DuckDB complains at the end that its own types were never let go
        LOGGER.removeHandler(handler)
        event.remove(Engine, "connect", _do_not_wait_for_the_disk)
    known = all_vintages(home)
    fallen_back = endings.fallen_back(result.get_asset_check_evaluations())
    in_vain = [] if offline else [a for source in sources().values() for a in Asking(home).failures(source)]
    told, stale = [summary(v) for v in known], stale_corrections(known)
    return Outcome(result.run_id, failure, told, stale, fallen_back, bool(in_vain))


@contextmanager
def _written(home: Home) -> Iterator[None]:
    """What keeps Dagster from writing its own store ends in one sentence; figures are not kept there."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise Refused(
            f"Dagster's record of the run in {home.dagster} could not be written ({why}). What was accepted or built "
            "before is whole; make room if the disk is full, then run the command again."
        ) from error


def _instance(home: Home) -> Any:
    """Dagster's instance; faster where dagster.yaml does not say otherwise, as for PostgreSQL."""
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    settings = yaml.load((home.dagster / "dagster.yaml").read_text(encoding="utf-8"), Loader=LOADER) or {}
    faster = {
        "storage": {
            "custom": {
                "module": "pipelines.kept_sqlite",
                "class": "KeptSqliteStorage",
                "config": {"base_dir": str(home.dagster)},
            }
        },
        # What a step prints goes to who called the command; two processes a step would copy it into files.
        "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
    }
    stock = {k: v for k, v in faster.items() if k not in settings and "event_log_storage" not in settings}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=stock))


def _do_not_wait_for_the_disk(connection: Any, _: Any) -> None:
    """Dagster commits some five hundred times a run, each time waiting for the disk.

    Its store is a log of runs: a power cut may cost the last run's entry there, and no figure. A killed process costs
    nothing.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def _failure(result: Any) -> str:
    """The first failed step's own sentence."""
    for event in result.all_node_events:
        if event.is_step_failure:
            if endings.stopped(event):
                raise KeyboardInterrupt
            return endings.reason(event)
    failed = [event for event in result.all_events if event.is_failure]
    return endings.reason_of_run(failed[-1]) if failed else "the run failed; `custody ui` shows its log."


class _Reports(SimpleHTTPRequestHandler):
    """Gives the files of one folder, and says nothing of it."""

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def _reports_shown(home: Home, host: str, port: int) -> Iterator[None]:
    """Give the quality report at an address that Dagster's pages can lead to, unless the environment names another.

    A page of the web interface may not lead to a file. Where the port is taken, assets name the file alone.
    """
    if SHOWN_AT in os.environ:
        yield
        return
    try:
        server = ThreadingHTTPServer((host, port), partial(_Reports, directory=str(home.reports)))
    except OSError:
        yield
        return
    os.environ[SHOWN_AT] = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    threading.Thread(target=server.serve_forever, name="reports", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        del os.environ[SHOWN_AT]


def serve(home: Home, host: str, port: int) -> int:
    """Start the web interface and the daemon; returns their exit status when they are stopped.

    The quality report is at the next port.
    """
    prepare_store(home)
    with _reports_shown(home, host, port + 1):
        return _serve(host, port)


def _serve(host: str, port: int) -> int:
    dagster = Path(sys.executable).with_name("dagster")
    words = [str(dagster), "dev", "-w", str(ROOT / "workspace.yaml"), "-h", host, "-p", str(port)]
    # Who was started in the background may have been told to ignore Ctrl-C, and Dagster would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A group of its own, so that all of Dagster's processes end with this one.
    child = subprocess.Popen(words, cwd=ROOT, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return child.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End Dagster's processes: the first is asked to end the others in order; then all of them are told to."""
    child.send_signal(signal.SIGINT)
    for last_word in (signal.SIGTERM, signal.SIGKILL):
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, last_word)
