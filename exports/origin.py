"""Where releases are read from: a home, a folder with releases, one release's folder, or the address of either.

Whatever the place, a release is found by version or alias, its list of checksums is the one that releases.json
states, and each file is the one that the list of checksums states. How a table is made of a file: `exports.reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import quote, urlsplit

from exports import listing
from exports.listing import LIST, SUMS, Release
from sources.errors import Misused, Refused
from sources.home import Home, sha256, sha256_file

#: No list of releases or checksums is larger.
SMALL = 16 << 20


class RetractedRelease(UserWarning):
    """The release that is read was retracted; the message says why, and what to use in its place."""


class NotReached(UserWarning):
    """The server cannot be reached, and what it said when it was last asked is used: a retraction may be missed."""


#: Raises where bytes are not what is meant.
Check = Callable[[bytes], object]


class Origin(Protocol):
    """A folder or an address below which released files lie; `todo` is what to do where a list there is none."""

    todo: ClassVar[str]

    def small(self, name: str, check: Check) -> bytes | None:
        """A file that nothing vouches for, None where there is none; `check` raises where it is not what is meant."""
        ...

    def file(self, name: str, digest: str) -> Path:
        """A file on this machine with that SHA-256."""
        ...

    def below(self, name: str) -> Origin:
        """A folder in this one."""
        ...

    def above(self) -> Origin:
        """The folder that holds this one."""
        ...

    def name(self) -> str:
        """The last part of the folder's name."""
        ...


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    path: Path
    todo: ClassVar[str] = "get it again from where it was published"

    def __str__(self) -> str:
        return str(self.path)

    def small(self, name: str, check: Check) -> bytes | None:
        """As `Origin.small`."""
        path = self.path / name
        data = path.read_bytes() if path.is_file() else None
        if data is not None:
            check(data)
        return data

    def file(self, name: str, digest: str) -> Path:
        """As `Origin.file`."""
        path = self.path / name
        try:
            found = sha256_file(path)
        except OSError as error:
            raise Refused(f"{path}: cannot be read ({error.strerror}); get the release again.") from error
        if found != digest:
            raise Refused(f"{path} is not the file that was released; get the release again.")
        return path

    def below(self, name: str) -> Folder:
        """As `Origin.below`."""
        return Folder(self.path / name)

    def above(self) -> Folder:
        """As `Origin.above`."""
        return Folder(self.path.absolute().parent)

    def name(self) -> str:
        """As `Origin.name`."""
        return self.path.absolute().name


@dataclass(frozen=True)
class Site:
    """An address; what comes from it is kept in the cache. `told` gathers what the reader must be warned of."""

    url: str
    todo: ClassVar[str] = "the server gives it so; try again later, or tell whoever publishes it"
    told: list[Warning] = field(default_factory=list, compare=False)

    def __str__(self) -> str:
        return self.url

    def small(self, name: str, check: Check) -> bytes | None:
        """As `Origin.small`; where the server cannot be reached, what it said when it was last asked.

        What does not pass the check is not remembered, so that a page of errors never takes the place of a good list.
        """
        from exports import cache
        from exports.download import Absent, Unreachable, download

        url, stream = self._url(name), BytesIO()
        kept, damage = None, ""
        try:
            kept = cache.remembered(url)
        except cache.Damaged as error:
            damage = f" {error}"
        if self.told and kept is not None:  # once in vain is enough
            return kept or None
        try:
            download(url, stream, SMALL)
            found = stream.getvalue()
            check(found)
        except Absent:
            found = b""
        except Unreachable as error:
            if kept is None:
                raise Unreachable(f"{error}{damage}") from error
            found = kept
            self.told.append(NotReached(f"{error} What the server said when it was last asked is used."))
        if found != kept:
            cache.remember(url, found)
        return found or None

    def file(self, name: str, digest: str) -> Path:
        """As `Origin.file`."""
        from exports import cache
        from exports.download import download

        return cache.file(digest, self._url(name), download)

    def below(self, name: str) -> Site:
        """As `Origin.below`."""
        return Site(self._url(name), self.told)

    def above(self) -> Site:
        """As `Origin.above`."""
        return Site(self.url.rpartition("/")[0] if urlsplit(self.url).path else self.url, self.told)

    def name(self) -> str:
        """As `Origin.name`."""
        return self.url.rpartition("/")[2]

    def _url(self, name: str) -> str:
        return f"{self.url}/{quote(name)}"


@dataclass(frozen=True)
class Published:
    """What can be read at a place: the list there, and the one release where that was named by itself."""

    origin: Origin
    known: list[Release]
    alone: Origin | None = None

    @property
    def told(self) -> list[Warning]:
        """What its reader must be warned of."""
        return self.origin.told if isinstance(self.origin, Site) else []

    def has(self, name: str) -> bool:
        """Whether the list has a release of that version or alias."""
        return listing.entry(self.known, name) is not None


@dataclass(frozen=True)
class Found:
    """One release: where it is, its name, the SHA-256 of each file, what to warn of, and what else is at that place."""

    origin: Origin
    version: str
    sums: Mapping[str, str]
    told: list[Warning]
    at: Published

    def file(self, name: str) -> Path:
        """A file of the release by its path there, on this machine and as it was released.

        Raises:
            Refused: when the release has no such file, or it is not the one that was released.
        """
        if name not in self.sums:
            raise Refused(f"Release {self.version} has no file {name}.")
        return self.origin.file(name, self.sums[name])

    def table(self, name: str) -> Path:
        """The Parquet of a table, on this machine and as it was released.

        Raises:
            Refused: when the release has no such table, or its file is not the one that was released.
        """
        path = f"tables/{name}.parquet"
        if path not in self.sums:
            files = sorted(n for n in self.sums if n.startswith("tables/") and n.endswith(".parquet"))
            tables = ", ".join(n.removeprefix("tables/").removesuffix(".parquet") for n in files)
            raise Refused(f"Release {self.version} has no table {name!r}; it has {tables}.")
        return self.file(path)


def published(where: str | Path | Home | None = None) -> Published:
    """What can be read at a place.

    Args:
        where: a home, a folder that holds one, a folder with releases, one release's folder, or the http(s) address
            of either of these two; by default the home that CUSTODY_HOME names.

    Raises:
        Refused: when there is neither, or it cannot be read.
    """
    if where is None or isinstance(where, Home):
        releases = Folder((where or Home.from_environment()).releases)
        return _with_list(releases) or Published(releases, [])
    origin, inside = _origin(where)
    for candidate in (origin, *inside):
        if found := _with_list(candidate):
            return found
    if origin.small(SUMS, partial(listing.checksums, where=origin)) is not None:
        above = origin.above()
        listed = _with_list(above) or Published(above, [])
        return Published(listed.origin, listed.known, origin)
    told = Published(origin, []).told
    asked = " The server cannot be reached, and this is what it said when it was last asked." if told else ""
    raise Refused(
        f"There is no release in {origin}: neither {LIST}, for a folder of releases, nor {SUMS}, for one.{asked}"
    )


def _origin(where: str | Path) -> tuple[Origin, list[Origin]]:
    """The place that is meant, and where else in it the list may be."""
    if "://" in str(where):
        from exports.download import base

        return Site(base(str(where))), []
    folder = Folder(Path(where).parent if Path(where).name == LIST else Path(where))
    return folder, [folder.below("releases")]


def _with_list(origin: Origin) -> Published | None:
    """The list in a folder; None where there is none."""
    try:
        data = origin.small(LIST, listing.parse)
    except ValueError:
        raise Refused(f"{origin}/{LIST} is damaged or no list of releases; {origin.todo}.") from None
    return None if data is None else Published(origin, listing.parse(data))


def find(at: Published, name: str) -> Found:
    """A release by version or alias (`stable`, `latest`).

    Raises:
        Refused: when there is none of that name, with those that there are; or it is not what the list says.
    """
    if at.alone is not None:
        origin, entry, data = at.alone, *entry_alone(at, at.alone)
        version = entry.version if entry else origin.name()
        if name not in ("stable", "latest", version):
            raise Misused(f"{origin} is release {version}, not {name}.")
    else:
        entry = listing.entry(at.known, name)
        if entry is None:
            listing.refuse(at.known, name)
        origin, version = at.origin.below(entry.version), entry.version
        data = origin.file(SUMS, entry.sums).read_bytes()
    retracted = listing.warning(entry, at.known)
    told = [*at.told, *([RetractedRelease(retracted)] if retracted else [])]
    return Found(origin, version, listing.checksums(data, origin), told, at)


def entry_alone(at: Published, origin: Origin) -> tuple[Release | None, bytes]:
    """The checksums of a release that was named by itself, and its entry where the list beside it has one."""
    data = origin.small(SUMS, partial(listing.checksums, where=origin)) or b""
    digest = sha256(data)
    entry = next((r for r in at.known if r.sums == digest), None)
    if entry is None and origin.name() in {r.version for r in at.known}:
        raise Refused(f"{origin}/{SUMS} is not the one that {LIST} beside it states; get the release again.")
    return entry, data
