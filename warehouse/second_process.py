"""A second process in which Great Expectations is imported while this one reads and builds.

The import takes longer than a whole build, and two cores do both at once. Nothing heavy is imported here.
"""

from __future__ import annotations

import atexit
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context


@cache
def pool() -> ProcessPoolExecutor:
    """The one process that runs checks, for as long as this one lives."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=_prepare)


def start() -> None:
    """Begin the import, because checks will follow."""
    pool().submit(os.getpid)  # the process is started by the first thing that it is asked


def _prepare() -> None:
    # What Great Expectations leaves behind takes a second to tear down, and nothing of it is to be kept.
    atexit.register(os._exit, 0)
    from warehouse.evaluate import batches

    batches()
