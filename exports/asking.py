"""Asking a release about single rows, from its directory alone: tables by SQL, its own words, and what is said of it.

No warehouse and no dictionary is asked: a release of three years ago is read by what stands in it. Each table is held
against the release's checksums before its first row is given. Whole tables as DataFrames are `exports.reading`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exports.listing import SUMS, Release, last_standing, read_beside, sums, warning
from sources.errors import Refused
from sources.home import read_json, sha256_file

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

#: A line of a table of the codebook, and the marks that Markdown has there.
CELLS = re.compile(r"\| (.*) \|")
HEADING = re.compile(r"## (?:Code list (\w+):|(Measures|Definitions of publishers))")


class Asked:
    """A release's directory, open for questions."""

    #: Whether what it says will be the same in years to come.
    citable = True

    def __init__(self, folder: Path) -> None:
        """Open the release in `folder`.

        Raises:
            Refused: when it is none.
        """
        self.folder = folder
        try:
            self._sums = sums(folder)
        except (OSError, ValueError) as error:
            raise Refused(f"{folder} is no release: its {SUMS} cannot be read ({error}).") from error
        self._proved: set[str] = set()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        return duckdb.connect(config={"threads": 1})

    def _path(self, name: str) -> Path:
        """A file of the release, proved against its checksums once."""
        path = self.folder / name
        if name not in self._proved:
            if name not in self._sums:
                raise Refused(f"Release {self.version} has no file {name}.")
            if not path.is_file() or sha256_file(path) != self._sums[name]:
                raise Refused(f"{path} is not the file that was released; get the release again.")
            self._proved.add(name)
        return path

    def rows(self, select: str, **values: Any) -> list[Row]:
        """The rows of a SELECT in which `{table}` stands for each table; `$name` for each of `values`.

        Raises:
            Refused: when a table is missing or altered, or lacks what is asked for.
        """
        text = re.sub(r"\{(\w+)\}", lambda found: f"{self._table(found[1])} AS {found[1]}", select)
        import duckdb

        try:
            found = self._connection.execute(text, values)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:  # the file is the one that was released, and not as Custody writes it
            said = str(error).split("\n")[0]
            raise Refused(f"Release {self.version} has tables that this Custody cannot ask ({said}).") from error

    def _table(self, name: str) -> str:
        """A table in the words of DuckDB."""
        path = str(self._path(f"tables/{name}.parquet")).replace("'", "''")
        return f"read_parquet('{path}')"

    def row(self, select: str, **values: Any) -> Row | None:
        """The first row of a SELECT, if any."""
        found = self.rows(select, **values)
        return found[0] if found else None

    @cached_property
    def package(self) -> Mapping[str, Any]:
        """The release's own data package."""
        package = read_json(self._path("datapackage.json"))
        try:
            holds = isinstance(package["version"], str) and bool(date.fromisoformat(package["created"][:10]))
            holds = holds and all(isinstance(licence["name"], str) for licence in package["licenses"])
            holds = holds and all(isinstance(resource["name"], str) for resource in package["resources"])
        except (KeyError, TypeError, ValueError):
            holds = False
        if not holds:
            raise Refused(f"{self.folder}/datapackage.json is not as Custody writes it; nothing can be cited from it.")
        return dict(package)

    @property
    def version(self) -> str:
        """The release's version, which is the name of its directory unless somebody has renamed that."""
        return str(self.package["version"]) if "datapackage.json" in self._sums else self.folder.name

    @property
    def released_on(self) -> str:
        """The day of the release."""
        return str(self.package["created"])[:10]

    def licence(self, licence: str) -> tuple[str, str | None]:
        """Title and address of a licence."""
        known = {entry["name"]: entry for entry in self.package["licenses"]}
        entry = known.get(licence, {})
        return str(entry.get("title", licence)), str(entry["path"]) if entry.get("path") else None

    @cached_property
    def _words(self) -> Mapping[str, Mapping[tuple[str, ...], str]]:
        """What the codebook says each code means: by list, then by the cells before the meaning."""
        words: dict[str, dict[tuple[str, ...], str]] = {}
        current: dict[tuple[str, ...], str] = {}
        for line in self._codebook().splitlines():
            if line.startswith("## "):
                found = HEADING.match(line)
                current = words.setdefault(found[1] or found[2], {}) if found else {}
            elif cells := CELLS.fullmatch(line):
                *codes, meaning = cells[1].split(" | ")
                current[tuple(codes)] = meaning
        return words

    def _codebook(self) -> str:
        return self._path("codebook.md").read_text(encoding="utf-8", errors="replace")

    def meaning(self, codes: str, code: str) -> str:
        """What a code of a list means in this release; the code itself where its codebook does not say."""
        return self._words.get(codes, {}).get((code,), code)

    def definition(self, source: str, definition: str) -> str | None:
        """What a source's definition says, if the codebook has it."""
        return self._words.get("Definitions of publishers", {}).get((source, definition))

    @property
    def url(self) -> str | None:
        """The address of the release, where it was read from one: none is registered, and none is made up."""
        return None

    def where(self, table: str) -> str:
        """Where the rows of a table stand, in words for a citation."""
        return f"tables/{table}.csv"

    @cached_property
    def listed(self) -> Sequence[Release]:
        """The entries of the list of releases beside the release, oldest first; none where there is no list."""
        return read_beside(self.folder)

    @property
    def caution(self) -> str | None:
        """What must be said before anything that the release holds: that it was retracted; None where nothing must."""
        return warning(next((r for r in self.listed if r.version == self.version), None), self.listed)

    def newest(self) -> Asked | None:
        """The newest release beside this one that is not retracted; None where it is this one or is not here."""
        standing = last_standing(self.listed)
        if standing is None or standing.version == self.version or self.version not in {r.version for r in self.listed}:
            return None
        folder = self.folder.parent / standing.version
        return Asked(folder) if (folder / SUMS).is_file() else None
