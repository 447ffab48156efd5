"""The list of releases, releases.json: what there is, under which names, where, and what was retracted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from sources.errors import Misused, Refused, plain
from sources.home import Home, read_json, write_json

SUMS = "SHA256SUMS"
LIST = "releases.json"

VERSION = re.compile(r"\d{4}\.\d{2}\.\d+")
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Retraction:
    """When and why a release was retracted, and which one takes its place, where one does."""

    date: str
    reason: str
    replaced_by: str | None = None


@dataclass(frozen=True)
class Release:
    """One entry of releases.json.

    `digest` is over the content of all tables; `sums` is the SHA-256 of SHA256SUMS, and so of every file; `explained`
    is the reason that a person gave for what the gate would have stopped.
    """

    version: str
    date: str
    schema_version: str
    as_of: str
    digest: str
    sums: str
    explained: str | None = None
    retracted: Retraction | None = None


def read(content: Mapping[str, Any]) -> list[Release]:
    """The entries of what releases.json says, oldest first.

    A list that an older Custody wrote lacks keys, one of a newer Custody may have more.
    """
    return [_entry(told) for told in content["releases"]]


def _entry(told: Mapping[str, Any]) -> Release:
    gone = told.get("retracted")
    own = _texts(Release, {key: value for key, value in told.items() if key != "retracted"})
    return Release(**own, retracted=Retraction(**_texts(Retraction, gone)) if gone else None)


def _texts(kind: type[Release | Retraction], told: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an entry that this Custody knows; each is a text, and what may be left out may be null too."""
    known = {field.name: field.default for field in fields(kind)}
    kept = {key: value for key, value in told.items() if key in known}
    for key, value in kept.items():
        if not isinstance(value, str) and (value is not None or known[key] is MISSING):
            raise TypeError(f"{key} is no text")
    return kept


def parse(data: bytes) -> list[Release]:
    """The entries of a releases.json that comes from elsewhere, oldest first.

    Raises:
        ValueError: when it is none. Versions become paths and checksums names of files, so their form is held to.
    """
    try:
        known = read(json.loads(data))
        holds = all(VERSION.fullmatch(r.version) and DIGEST.fullmatch(r.sums) for r in known)
    except (KeyError, TypeError, AttributeError, RecursionError):  # the last of a list nested a thousand deep
        holds = False
    if not holds:
        raise ValueError(f"no {LIST}")
    return known


def releases(home: Home) -> list[Release]:
    """The releases that are there, oldest first."""
    path = home.releases / LIST
    return _read(path) if path.exists() else []


def read_beside(folder: Path) -> list[Release]:
    """The entries of the list that lies beside a release's folder, oldest first; none where there is no list."""
    path = folder.absolute().parent / LIST
    return _read(path) if path.is_file() else []


def _read(path: Path) -> list[Release]:
    try:
        return read(read_json(path))
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{path} is damaged ({error}); restore it from a backup.") from None


def aliases(known: Sequence[Release]) -> dict[str, str]:
    """The names that stand for a version: `latest` is the newest, `stable` the newest that is not retracted."""
    standing = last_standing(known)
    newest = {"latest": known[-1].version} if known else {}
    return newest | ({"stable": standing.version} if standing else {})


def last_standing(known: Sequence[Release]) -> Release | None:
    """The newest release that is not retracted; the next one is held against it."""
    return next((r for r in reversed(known) if not r.retracted), None)


def entry(known: Sequence[Release], name: str) -> Release | None:
    """The entry of a release by version or alias, None where there is none."""
    version = aliases(known).get(name, name)
    return next((r for r in known if r.version == version), None)


def entry_of(folder: Path) -> Release | None:
    """The entry of a release's folder in the list beside it, in a home or elsewhere; None where no list has it."""
    here = folder.resolve()
    return next((r for r in read_beside(here) if r.version == here.name), None)


def caution(folder: Path) -> str | None:
    """What must be said to whoever reads the release in a folder; None where nothing must."""
    return warning(entry_of(folder), read_beside(folder.resolve()))


def warning(release: Release | None, known: Sequence[Release] = ()) -> str | None:
    """What must be said to whoever reads a retracted release, in one or two sentences; None where nothing must.

    Args:
        release: the one that is read.
        known: all releases, so that a replacement that was itself retracted leads on to its own.
    """
    if release is None or release.retracted is None:
        return None
    told = release.retracted
    named, seen = told.replaced_by, {release.version}
    while named and named not in seen and (next_ := entry(known, named)) and next_.retracted:
        seen.add(named)
        named = next_.retracted.replaced_by
    if named and named not in seen:
        instead = f"Use {named} in its place."
    elif standing := last_standing(known):
        instead = f"No release was named to take its place; the newest that stands is {standing.version}."
    else:
        instead = "No release takes its place."
    return plain(f"Release {release.version} was retracted on {told.date}: {told.reason.rstrip('.')}. {instead}")


def locate(home: Home, name: str) -> Path:
    """The directory of a release by version, by `latest` or `stable`, or by path.

    Raises:
        Refused: when there is none.
    """
    known = releases(home)
    found = entry(known, name)
    if found and (home.releases / found.version).is_dir():
        return home.releases / found.version
    if (Path(name) / SUMS).exists():
        return Path(name)
    refuse(known, name)


def refuse(known: Sequence[Release], name: str) -> NoReturn:
    """Say that a name is no release's, and which there are.

    Raises:
        Refused: always.
    """
    if not known:
        raise Refused("There is no release yet; `custody release` makes one.")
    if name == "stable" and name not in aliases(known):
        raise Refused("Every release is retracted; `custody releases` says why, and a version names one all the same.")
    raise Misused(f"There is no release {name!r}; there are: {', '.join(r.version for r in known)}.")


def next_version(known: list[Release], today: date) -> str:
    """The next CalVer: year, month, and how many there are of the month."""
    stem = f"{today.year}.{today.month:02d}."
    return stem + str(sum(r.version.startswith(stem) for r in known))


def add(home: Home, known: Sequence[Release], entry: Release) -> Release:
    """Put a release on the list, as the latest."""
    _write(home, [*known, entry])
    return entry


def checksums(data: bytes, where: object) -> dict[str, str]:
    """The SHA-256 of each file of a release, by its path there, out of what its list of checksums says.

    Args:
        data: the list, which may come from anywhere.
        where: what to call the place in which it lies.

    Raises:
        Refused: naming the first line that names no file, the list itself, a file twice, or one outside the release.
    """
    found: dict[str, str] = {}
    text = data.decode("utf-8", "replace")
    if not text.endswith("\n"):
        raise Refused(f"{where}/{SUMS} ends in the middle of a line; get the release again.")
    for line in text.removesuffix("\n").split("\n"):  # not splitlines, which takes other characters for line ends
        digest, _, name = line.partition("  ")
        path = PurePosixPath(name)
        inside = name == path.as_posix() and not path.is_absolute() and ".." not in path.parts and "\0" not in name
        if not DIGEST.fullmatch(digest) or not inside or name in (".", SUMS) or name in found:
            raise Refused(f"{where}/{SUMS} has a line that is none: {line[:80]!r}; get the release again.")
        found[name] = digest
    return found


def sums(folder: Path) -> Mapping[str, str]:
    """The SHA-256 of each file of a release in a folder, by its path there.

    Raises:
        Refused: when the list of checksums is none.
    """
    return checksums((folder / SUMS).read_bytes(), folder)


def retract(home: Home, version: str, reason: str, today: date, replaced_by: str | None = None) -> tuple[Release, bool]:
    """Mark a release as retracted; nothing of it is deleted. The second value is False where it was marked so already.

    A replacement that comes later is named by retracting again with the same reason.

    Raises:
        Misused: when there is no such release or replacement, no reason, or it is retracted for another reason.
    """
    known, why = releases(home), " ".join(reason.split())
    by_version = {r.version: r for r in known}
    for named in (version, replaced_by):
        if named is not None and named not in by_version:
            there = ", ".join(by_version) or "none"
            raise Misused(f"There is no release {named!r} by version; there are: {there}.")
    if not why:
        raise Misused("--reason must say why, for those who have used its figures.")
    if replaced_by == version:
        raise Misused(f"{version} cannot take its own place.")
    if replaced_by and by_version[replaced_by].retracted:
        raise Misused(f"{replaced_by} is retracted too; name a release that stands.")
    release = by_version[version]
    told = release.retracted
    if told and told.reason != why:
        raise Misused(f"{version} is retracted since {told.date}, for another reason: {told.reason}")
    if told and told.replaced_by and replaced_by not in (None, told.replaced_by):
        raise Misused(f"{version} is replaced by {told.replaced_by} already, not by {replaced_by}.")
    day = told.date if told else today.isoformat()
    marked = replace(release, retracted=Retraction(day, why, replaced_by or (told.replaced_by if told else None)))
    if marked == release:
        return release, False
    _write(home, [marked if r.version == version else r for r in known])
    return marked, True


def _write(home: Home, known: Sequence[Release]) -> None:
    listed = [{k: v for k, v in asdict(r).items() if v is not None} for r in known]
    write_json(home.releases / LIST, {"releases": listed, "aliases": aliases(known)})
