"""Which release is asked where none is named: `stable`, and where nothing is released yet the build, which says so.

This is the one rule by which citations and traces choose. A build changes with the next run, so that nothing of it can
be cited: whatever is said from it says that first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exports.asking import Asked
from exports.listing import Release, locate, releases
from sources.home import Home

if TYPE_CHECKING:
    import duckdb

#: The release that is meant where none is named: the newest that is not retracted.
DEFAULT = "stable"


def chosen(home: Home, name: str = DEFAULT) -> Asked:
    """The release that a name means: a version, `stable`, `latest` or a folder; the build where nothing is released.

    Raises:
        Refused: when there is neither; when every release is retracted.
        Misused: when there is no such release.
    """
    if name == DEFAULT and not releases(home):
        return Built(home)
    return Asked(locate(home, name))


class Built(Asked):
    """The warehouse as it was built last, open for the same questions as a release."""

    citable = False

    def __init__(self, home: Home) -> None:
        """Open the warehouse of a home.

        Raises:
            Refused: when there is none.
        """
        from warehouse.standing import standing

        standing(home)
        self.folder = home.root
        self._home = home

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        from warehouse.build import connect

        return connect(self._home)

    def _table(self, name: str) -> str:
        return f'"{name}"'

    @cached_property
    def package(self) -> Mapping[str, Any]:
        """What the data package of a release would say that is asked for here."""
        from dictionary.model import dictionary
        from dictionary.render import package_fields

        words = dictionary()
        return {
            "version": f"unreleased-{self.released_on}",
            "created": self.released_on,
            "licenses": [{"name": key, "title": lic.title, "path": lic.url} for key, lic in words.licences.items()],
            "resources": [
                {"name": table.name, "path": f"tables/{table.name}.csv", "schema": package_fields(table, words, set())}
                for table in words.tables.values()
            ],
        }

    @property
    def version(self) -> str:
        """In place of a version, what it is."""
        return str(self.package["version"])

    @property
    def released_on(self) -> str:
        """The day of the build."""
        return datetime.fromtimestamp(self._home.warehouse.stat().st_mtime, UTC).date().isoformat()

    def _codebook(self) -> str:
        from dictionary.model import dictionary
        from dictionary.render import codebook
        from exports.descriptors import definitions

        return codebook(dictionary()) + definitions()

    def where(self, table: str) -> str:
        """As `Asked.where`."""
        return f"table {table} of the warehouse"

    @cached_property
    def listed(self) -> Sequence[Release]:
        """There is no list of builds."""
        return []

    @property
    def caution(self) -> str | None:
        """That it is no release."""
        return (
            "There is no release yet: this is from an unreleased build, which changes with the next run and "
            "must not be cited; `custody release` makes what can be."
        )

    def newest(self) -> Asked | None:
        """Nothing was released."""
        return None
