"""A release that lies elsewhere, open for the same questions as one in a folder: each file comes when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from exports import listing, origin
from exports.asking import Asked
from exports.listing import Release
from exports.origin import Found


class Distant(Asked):
    """A release wherever it was found."""

    def __init__(self, found: Found) -> None:
        self.folder = Path(found.version)
        self._sums = found.sums
        self._found = found

    def _path(self, name: str) -> Path:
        return self._found.file(name)

    @cached_property
    def listed(self) -> Sequence[Release]:
        """The entries of the list at that place, oldest first."""
        return self._found.at.known

    @property
    def url(self) -> str | None:
        """As `Asked.url`; the address of a server on this machine is nobody else's."""
        at = str(self._found.origin)
        return at if isinstance(self._found.origin, origin.Site) and at.startswith("https://") else None

    def newest(self) -> Asked | None:
        """The newest release at that place that is not retracted; None where it is this one or there is no list."""
        at = self._found.at
        standing = listing.last_standing(at.known)
        if standing is None or standing.version == self.version:
            return None
        return Distant(origin.find(origin.Published(at.origin, at.known), standing.version))
