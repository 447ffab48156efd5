"""The front door: the `custody` command, and `custody.load()` for users of Python.

Here belong the command's words, its printing, and what reads a release. What is done is done in the other rooms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custody.client import Comparison, compare_recidivism, load

__all__ = ["Comparison", "compare_recidivism", "load"]


def __getattr__(name: str) -> Any:
    """What is named above, imported at its first use: the command must not wait for pandas."""
    if name in __all__:
        from custody import client

        return getattr(client, name)
    raise AttributeError(f"module 'custody' has no attribute {name!r}")
