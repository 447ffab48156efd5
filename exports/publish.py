"""Publishing a release: a copy that is proved, its data first and the list that points to it last.

A copy that was broken off is taken up again: what has arrived whole is not sent twice. What was published is never
overwritten by something else. Stores, and how they are reached: `exports.stores`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exports import listing
from exports.listing import LIST, SUMS, Release
from exports.stores import Directory, Store, plainly
from exports.verify import damage
from sources.errors import Misused, Refused
from sources.home import Home, json_bytes

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Published:
    """What was done: files that were copied and that had been there, and whether the list was written anew."""

    copied: int
    there: int
    listed: bool


#: How often the list is read and written anew where others write it as well.
TRIES = 20


def refuse_own(home: Home, folder: Path, to: Store) -> None:
    """Refuse to publish a release into itself, or into the place where this home keeps its own.

    Raises:
        Misused: where `to` is there.
    """
    if not isinstance(to, Directory):
        return
    here, root = to.path.resolve(), home.root.resolve()
    kept = [home.releases.resolve(), folder.resolve()]
    if here == root or any(here.is_relative_to(own) for own in kept):
        raise Misused(f"{to} is where this home keeps its own releases; publish to a folder elsewhere.")


def publish(
    folder: Path, entry: Release, known: Sequence[Release], to: Store, progress: Progress = lambda _: None
) -> Published:
    """Copy a release to a store and put it on the store's list.

    Args:
        folder: the release's directory.
        entry: its entry in releases.json.
        known: all releases of the home: what was retracted of those that the store has is marked there too.
        to: the store.
        progress: is told of each file.

    Raises:
        Refused: when the release does not prove true, the store has something else under its name, or fails.
    """
    if why := damage(folder, entry):
        raise Refused(f"Release {entry.version} is not what was released ({why}); nothing was copied.")
    progress(f"{entry.version} is what was released")
    with plainly(to):
        merge(_parsed(to.read(LIST), to), known, entry, to)  # before anything is copied
        own = {**listing.sums(folder), SUMS: entry.sums}
        missing, there = _compare(own, entry.version, to)
        for number, name in enumerate(missing, 1):
            to.put(folder / name, f"{entry.version}/{name}")
            if to.digest(f"{entry.version}/{name}") != own[name]:
                raise Refused(f"{to}/{entry.version}/{name} reads back otherwise than it was sent; publish again.")
            progress(f"{number} of {len(missing)}: {name}, {(folder / name).stat().st_size:,} bytes")
        listed = _enter(known, entry, to)
    return Published(len(missing), there, listed)


def _enter(known: Sequence[Release], entry: Release, to: Store) -> bool:
    """Put a release on the store's list and read it back; False where it stands there so already.

    Whatever another publisher puts there meanwhile is kept: the list is read again until it has both.
    """
    for attempt in range(TRIES):
        data = to.read(LIST)
        before = _parsed(data, to)
        after = merge(before, known, entry, to)
        if after == before:
            return attempt > 0
        to.exchange(LIST, data, json_bytes(after))
    raise Refused(f"{to}/{LIST} never stays as it is written, in {TRIES} tries; others may publish too, so try again.")


def _compare(own: Mapping[str, str], version: str, to: Store) -> tuple[list[str], int]:
    """The files that are to be copied, the list of checksums last, and the number of those that are there already.

    Args:
        own: the SHA-256 of each file of the release.
        version: the release.
        to: the store.
    """
    there = to.files(version)
    if added := sorted(there - own.keys()):
        raise Refused(f"{to}/{version}/{added[0]} is no file of release {version}; nothing was copied.")
    same = {name for name in there if to.digest(f"{version}/{name}") == own[name]}
    # The list of checksums is the last to arrive: where it is not, what differs was broken off.
    if (differing := sorted(there - same)) and SUMS in there:
        raise Refused(
            f"{to}/{version}/{differing[0]} is published and differs from the release here; "
            "what was published is never overwritten, so find out which of them was altered."
        )
    return sorted(own.keys() - same, key=lambda name: (name == SUMS, name)), len(same)


def _parsed(data: bytes | None, to: Store) -> dict[str, Any] | None:
    """The store's own list; None where it has none."""
    if data is None:
        return None
    try:
        listing.parse(data)
    except ValueError:
        raise Refused(f"{to}/{LIST} is damaged or no list of releases; mend it first.") from None
    content: dict[str, Any] = json.loads(data)
    return content


def merge(there: Mapping[str, Any] | None, known: Sequence[Release], entry: Release, to: Store) -> dict[str, Any]:
    """The store's list with a release on it, and with what has been retracted here; nothing that it has is lost.

    Raises:
        Refused: when the store has another release under that version.
    """
    content = dict(there or {})
    by_version: dict[str, dict[str, Any]] = {e["version"]: dict(e) for e in content.get("releases", [])}
    for release in known:
        theirs = by_version.get(release.version)
        if theirs is not None and theirs["sums"] != release.sums:
            if release.version == entry.version:
                raise Refused(f"{to} has another release {entry.version}; a version is published once.")
        elif theirs is not None or release.version == entry.version:
            by_version[release.version] = _both(theirs or {}, _stated(asdict(release)))
    entries = sorted(by_version.values(), key=lambda e: tuple(map(int, e["version"].split("."))))
    return {**content, "releases": entries, "aliases": listing.aliases(listing.read({"releases": entries}))}


def _both(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with what either says; where both speak, what is said here."""
    retracted = {**(theirs.get("retracted") or {}), **ours.get("retracted", {})}
    return {**theirs, **ours, **({"retracted": retracted} if retracted else {})}


def _stated(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without what it leaves open."""
    return {k: _stated(v) if isinstance(v, Mapping) else v for k, v in entry.items() if v is not None}
