"""The processes that run checks, in which Great Expectations is imported while this one reads and builds.

The import takes longer than a whole build, and two cores do both at once. Once it is there, that process divides, so
that two answer. Nothing heavy is imported here.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import forkserver, get_context, parent_process, resource_tracker, util
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

WORKERS = 2

_calls: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[object, ...]]] = SimpleQueue()


@cache
def _pool() -> ProcessPoolExecutor:
    start()
    # A process that multiprocessing made, such as a run of Dagster's daemon, waits at its end for those that it made
    # itself, before anything else would end them: they are told to go first, and before the queue to them (10) closes.
    util.Finalize(None, stop, exitpriority=100)
    return ProcessPoolExecutor(WORKERS, get_context("forkserver"), initializer=_end_with_the_caller)


def _end_with_the_caller() -> None:
    """In each of the processes: end when the one that asks has ended, though it was killed and could not say so."""
    threading.Thread(target=_wait_for_the_caller, name="caller", daemon=True).start()


def _wait_for_the_caller() -> None:
    if caller := parent_process():
        caller.join()
        os._exit(1)


def start() -> None:
    """Begin the import, because checks will follow."""
    forkserver.set_forkserver_preload(["warehouse.ready"])
    resource_tracker.ensure_running()  # it would end the block below
    # Ctrl-C is for this process alone; what it starts here inherits that.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def submit(call: Callable[..., T], *arguments: object) -> Future[T]:
    """Have one of the processes make a call; the answer raises `BrokenExecutor` where they were ended from outside."""
    _hand()
    answer: Future[T] = Future()
    _calls.put((answer, call, arguments))
    return answer


def forget() -> None:
    """Have new processes made at the next call, after the old ones broke."""
    _pool.cache_clear()


def stop() -> None:
    """End the processes; what they were asked and have not answered is dropped."""
    if _pool.cache_info().currsize:
        _pool().shutdown(cancel_futures=True)


@cache
def _hand() -> threading.Thread:
    """Hands calls over, which waits until the import is done: whoever builds must not wait, nor whoever is stopped."""
    thread = threading.Thread(target=_hand_over, name="checks", daemon=True)
    thread.start()
    return thread


def _hand_over() -> None:
    while True:
        answer, call, arguments = _calls.get()
        try:
            _pool().submit(call, *arguments).add_done_callback(partial(_pass_on, answer))
        except Exception as error:  # whoever waits must learn it
            answer.set_exception(error)


def _pass_on(answer: Future[Any], given: Future[Any]) -> None:
    if error := given.exception():
        answer.set_exception(error)
    else:
        answer.set_result(given.result())
