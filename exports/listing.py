"""The list of releases, releases.json: what there is, under which names, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from sources.errors import Misused, Refused
from sources.home import Home, read_json, write_json

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Release:
    """One entry of releases.json.

    `digest` is over the content of all tables; `sums` is the SHA-256 of SHA256SUMS, and so of every file.
    """

    version: str
    date: str
    schema_version: str
    as_of: str
    digest: str
    sums: str


def releases(home: Home) -> list[Release]:
    """The releases that are there, oldest first."""
    path = home.releases / "releases.json"
    return [Release(**entry) for entry in read_json(path)["releases"]] if path.exists() else []


def locate(home: Home, name: str) -> Path:
    """The directory of a release by version, by `latest`, or by path.

    Raises:
        Refused: when there is none.
    """
    known = releases(home)
    if name == "latest" and known:
        name = known[-1].version
    if name in {r.version for r in known} and (home.releases / name).is_dir():
        return home.releases / name
    if (Path(name) / SUMS).exists():
        return Path(name)
    if not known:
        raise Refused("There is no release yet; `custody release` makes one.")
    raise Misused(f"There is no release {name!r}; there are: {', '.join(r.version for r in known)}.")


def next_version(known: list[Release], today: date) -> str:
    """The next CalVer: year, month, and how many there are of the month."""
    stem = f"{today.year}.{today.month:02d}."
    return stem + str(sum(r.version.startswith(stem) for r in known))


def add(home: Home, known: list[Release], entry: Release) -> Release:
    """Put a release on the list, as the latest."""
    listed = [asdict(r) for r in [*known, entry]]
    write_json(home.releases / "releases.json", {"releases": listed, "aliases": {"latest": entry.version}})
    return entry


def sums(folder: Path) -> Mapping[str, str]:
    """The sha256 of each file of a release, by its path there."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
