"""The front door: the `custody` command, and `custody.load()` for users of Python.

Here belong the command's words, its printing, and what reads a release. What is done is done in the other rooms.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custody.client import cite, load, releases
    from custody.comparing import Comparison, compare_recidivism
    from exports.listing import Release, Retraction
    from exports.origin import NotReached, RetractedRelease
    from sources.errors import Refused

__all__ = [
    "Comparison",
    "NotReached",
    "Refused",
    "Release",
    "RetractedRelease",
    "Retraction",
    "cite",
    "compare_recidivism",
    "load",
    "releases",
]

#: Where each of them is.
_MODULES = {
    "custody.client": ("cite", "load", "releases"),
    "custody.comparing": ("Comparison", "compare_recidivism"),
    "exports.listing": ("Release", "Retraction"),
    "exports.origin": ("NotReached", "RetractedRelease"),
    "sources.errors": ("Refused",),
}


def __getattr__(name: str) -> Any:
    """What is named above, imported at its first use: the command must not wait for pandas."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'custody' has no attribute {name!r}")
