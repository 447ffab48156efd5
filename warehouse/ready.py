"""Importing this imports Great Expectations, in the process whose children run checks."""

from __future__ import annotations

import atexit
import gc
import os

from warehouse.evaluate import batches

# What Great Expectations leaves behind takes a second to tear down, and nothing of it is to be kept.
atexit.register(os._exit, 0)
batches()
gc.freeze()  # or the children's first search for garbage copies all of it
