"""What was asked of publishers' servers, beside the archive: one small record for each address.

Nothing heavy is imported here: `custody status` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from sources.catalogue import Source
from sources.errors import Refused
from sources.home import Home, read_json, sha256, write_json

#: How sentences end that ask for patience and for nothing else, as `sources.http` makes them.
WAIT = re.compile(r"\basks? (again|later)\.$")

Outcome = Literal["new", "unchanged", "failed", "not_due", "by_hand"]


@dataclass(frozen=True)
class Validators:
    """What a server said of a file by which it can tell whether it has changed."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """As a condition."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


class Link(NamedTuple):
    """Where a file is now, as a `discover.py` finds it: `discover(get) -> Iterable[Link]`."""

    file: str
    url: str


#: Stands for the search for addresses, among links.
ADDRESSES = Link("", "")

#: The `file` of a document in which addresses are looked for, among links.
DOCUMENT = "document"


@dataclass(frozen=True)
class Asked:
    """What became of one file, or of the search for a source's addresses (`file` is then empty)."""

    source_id: str
    file: str
    url: str
    outcome: Outcome
    message: str
    asked_at: str
    sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validators(self) -> Validators:
        """By which the next request can ask whether the file has changed."""
        return Validators(self.etag, self.last_modified)

    @property
    def passes(self) -> bool:
        """Whether a failure may be gone the next time by itself, as its own sentence says; else somebody must look."""
        return bool(WAIT.search(self.message))


class Asking:
    """What was asked before, beside the archive: one small record for each address."""

    def __init__(self, home: Home) -> None:
        self.root = home.archive / "asked"

    def _path(self, source_id: str, link: Link) -> Path:
        return self.root / source_id / f"{link.file or 'addresses'}-{sha256(link.url.encode())[:12]}.json"

    def last(self, source: Source, link: Link) -> Asked | None:
        """The last question about a file at an address."""
        return _record(self._path(source.id, link))

    def failures(self, source: Source) -> list[Asked]:
        """The questions to the source that failed the last time."""
        return [a for a in self._all(source) if a and a.outcome == "failed"]

    def failed(self, source: Source) -> bool:
        """Whether any question to the source failed the last time, or it is not known how one went."""
        return any(a is None or a.outcome == "failed" for a in self._all(source))

    def never(self, source: Source) -> bool:
        """Whether the source was never asked for anything."""
        return not self._all(source)

    def had(self, source: Source) -> set[str]:
        """The files that an address of the source has ever given."""
        return {a.file for a in self._all(source) if a and a.sha256 and a.file in source.files}

    def _all(self, source: Source) -> list[Asked | None]:
        return [_record(path) for path in sorted((self.root / source.id).glob("*.json"))]

    def forget_all_but(self, source: Source, links: Iterable[Link]) -> None:
        """Forget addresses that are no longer the source's: a file that has moved is not missed for ever."""
        kept = {self._path(source.id, link) for link in links}
        for path in (self.root / source.id).glob("*.json"):
            if path not in kept:
                path.unlink()

    def note(self, asked: Asked) -> Asked:
        """Write down what became of a question."""
        write_json(self._path(asked.source_id, Link(asked.file, asked.url)), asdict(asked))
        return asked


def _record(path: Path) -> Asked | None:
    try:
        asked = Asked(**read_json(path))
        datetime.fromisoformat(asked.asked_at)
        return asked
    except (FileNotFoundError, Refused, TypeError, ValueError):  # a damaged record only means that nothing is known
        return None
