"""Proving a release from its directory alone: every byte, every row, both formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from dictionary.render import PACKAGE_TYPES
from exports import listing, tables
from exports.listing import SUMS, Release
from sources.errors import Refused
from sources.home import read_json, sha256_file

#: The dictionary's type for each of the data package's.
WORDS = {package: own for own, package in PACKAGE_TYPES.items()}


@dataclass(frozen=True)
class Finding:
    """One thing proved or disproved."""

    what: str
    holds: bool
    detail: str


def verify(folder: Path, sums: str | None = None) -> list[Finding]:
    """Hold a release directory against its own checksums, descriptor and content digest.

    Args:
        folder: the directory.
        sums: the SHA-256 of SHA256SUMS that releases.json states, where it is known.
    """
    if links := sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink()):
        return [Finding("files", False, f"{links[0]} is a link to elsewhere; a release has files alone")]
    if not (folder / SUMS).is_file():
        return [Finding("list of checksums", False, f"{SUMS} is missing")]
    try:
        listed = listing.sums(folder)
    except Refused as error:
        return [Finding("list of checksums", False, str(error))]
    findings = []
    if sums is not None:
        found = sha256_file(folder / SUMS)
        findings.append(
            Finding(
                "list of checksums",
                found == sums,
                "is the one of releases.json" if found == sums else f"{SUMS} was altered",
            )
        )
    wrong = sorted(name for name, digest in listed.items() if _digest(folder / name) != digest)
    folders = {parent.as_posix() for name in listed for parent in PurePosixPath(name).parents}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*")} - folders - {SUMS}
    added = sorted(there - set(listed))
    findings.append(
        Finding(
            "files",
            not wrong,
            f"{len(listed)} files as listed" if not wrong else f"altered or missing: {', '.join(wrong)}",
        )
    )
    findings.append(
        Finding(
            "nothing added", not added, "no other file or folder" if not added else f"not listed: {', '.join(added)}"
        )
    )
    if wrong:
        return findings
    try:
        return [*findings, *_content(folder)]
    except (OSError, Refused, ValueError, KeyError, TypeError) as error:
        detail = f"cannot be read as a release's: {type(error).__name__} {error}"
        return [*findings, Finding("descriptors", False, detail)]


def damage(folder: Path, entry: Release | None = None) -> str | None:
    """What of a release does not hold, in a few words; None where all of it does.

    Args:
        folder: the directory.
        entry: its entry in releases.json, where there is one.
    """
    bad = [f for f in findings(folder, entry) if not f.holds]
    return f"{bad[0].what}: {bad[0].detail}" if bad else None


def findings(folder: Path, entry: Release | None) -> list[Finding]:
    """Hold a release against itself, and where there is an entry in releases.json against that too."""
    return [*verify(folder, entry.sums), *as_listed(folder, entry)] if entry else verify(folder)


def as_listed(folder: Path, entry: Release) -> list[Finding]:
    """Hold what a release says of itself against its entry in releases.json."""
    try:
        package, provenance = read_json(folder / "datapackage.json"), read_json(folder / "provenance.json")
        own = {
            "version": package["version"],
            "date": package["created"][:10],
            "schema_version": package["schema_version"],
            "as_of": provenance["as_of"],
            "digest": provenance["content_digest"],
        }
    except (OSError, Refused, KeyError, TypeError) as error:
        return [Finding("entry in releases.json", False, f"cannot be held against the release: {error}")]
    odd = [name for name, value in own.items() if value != getattr(entry, name)]
    detail = f"says another {' and '.join(odd)} than the release" if odd else f"of {entry.version}, as the release says"
    return [Finding("entry in releases.json", not odd, detail)]


def _digest(path: Path) -> str | None:
    """SHA-256 of a file, None where there is none to read."""
    try:
        return sha256_file(path) if path.is_file() else None
    except (OSError, ValueError):
        return None


def _content(folder: Path) -> list[Finding]:
    findings = _tables(folder, folder / "tables")
    part = folder / "tables" / "open"
    return [*findings, *(_tables(part, part, "open ") if part.is_dir() else [])]


#: The kinds of file that each table has.
KINDS = (".csv", ".parquet")


def _unnamed(package: Mapping[str, Any], provenance: Mapping[str, Any], folder: Path, where: Path) -> str | None:
    """Which table is not named by all that must name it: the descriptor, the provenance, and a file of each kind."""
    stems = {name: where / name for name in provenance["table_digests"]}
    if not stems:
        return "it has no table, and nothing is proved of none"
    stated = {path.with_name(path.name + kind) for path in stems.values() for kind in KINDS}
    described = {folder / resource["path"] for resource in package["resources"]}
    there = {path for path in where.iterdir() if path.suffix in KINDS}
    if odd := sorted((stated | described | there) - (stated & described & there)):
        name = odd[0].relative_to(folder).as_posix()
        return f"{name} is not named by each of datapackage.json, provenance.json and the folder"
    return None


def _tables(folder: Path, where: Path, part: str = "") -> list[Finding]:
    """Hold the tables of a folder against its descriptor and its provenance; `where` is the folder of the tables."""
    package = read_json(folder / "datapackage.json")
    provenance = read_json(folder / "provenance.json")
    if told := _unnamed(package, provenance, folder, where):
        return [Finding(f"{part}tables", False, told)]
    described = [r for r in package["resources"] if r["hash"] != f"sha256:{sha256_file(folder / r['path'])}"]
    findings = [
        Finding(
            f"{part}data package",
            not described,
            f"{len(package['resources'])} resources as described"
            if not described
            else f"not as described: {described[0]['path']}",
        )
    ]
    digests: dict[str, str] = {}
    types = {r["name"]: {f["name"]: WORDS[f["type"]] for f in r["schema"]["fields"]} for r in package["resources"]}
    for name, stated in provenance["table_digests"].items():
        try:
            parquet = tables.parquet_digest(where / f"{name}.parquet")
            csv = tables.csv_digest(where / f"{name}.csv", types[name])
            rows = tables.count(where / f"{name}.parquet")
        except (OSError, KeyError, pa.ArrowException) as error:
            findings.append(Finding(f"{part}table {name}", False, f"cannot be read: {error}"))
            continue
        holds = parquet == csv == stated
        findings.append(
            Finding(
                f"{part}table {name}",
                holds,
                f"{rows:,} rows, the same in Parquet and CSV" if holds else "Parquet, CSV and the stated digest differ",
            )
        )
        digests[name] = stated
    total = tables.release_digest(digests)
    holds = total == provenance["content_digest"]
    return [*findings, Finding(f"{part}content digest", holds, total if holds else "is not the stated one")]
