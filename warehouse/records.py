"""Which vintages are accepted and which snapshots were turned away, read from their records alone.

Vintages bundled with the program count as accepted. Nothing heavy is imported here: `custody status` needs no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sources.archive import Archive, Snapshot
from sources.catalogue import Source, sources
from sources.errors import Misused, Refused
from sources.home import WRITING, Home, read_json, read_sealed, sha256_file
from warehouse.results import CheckResult, from_plain

#: How the name of a vintage's folder begins once it is withdrawn.
WITHDRAWN = ".withdrawn-"

RECORD = "accepted.json"
#: What a record of an accepted vintage says.
KNOWN = {
    "source_id", "file", "vintage", "snapshot", "items", "observations", "left_out", "stale_corrections", "code",
    "tables",
}  # fmt: skip
CHECKS = "checks.json"  # apart, because it is long and seldom read
REPORT = "report.json"
REASON = "withdrawn.json"


@dataclass(frozen=True)
class Vintage:
    """One accepted vintage of one file: where it lies and what its record says."""

    folder: Path
    bundled: bool
    record: Mapping[str, Any]

    @property
    def source_id(self) -> str:
        """The source."""
        return str(self.record["source_id"])

    @property
    def file(self) -> str:
        """The publisher's file."""
        return str(self.record["file"])

    @property
    def vintage(self) -> str:
        """The publisher's stamp."""
        return str(self.record["vintage"])

    @property
    def snapshot(self) -> Mapping[str, Any]:
        """The record of the raw file."""
        record: Mapping[str, Any] = self.record["snapshot"]
        return record

    def path(self, table: str) -> Path | None:
        """The Parquet of a table, None where the vintage has no rows of it."""
        return self.folder / f"{table}.parquet" if table in self.record["tables"] else None

    def checks(self) -> list[CheckResult]:
        """The answers to the checks when it was accepted; none where they were not kept."""
        return [from_plain(plain) for plain in self.plain_checks()]

    def plain_checks(self) -> list[dict[str, Any]]:
        """The same as they are written down."""
        path = self.folder / CHECKS
        answers: list[dict[str, Any]] = read_json(path) if path.exists() else []
        return answers

    def altered(self) -> str | None:
        """The first table whose Parquet is missing or not the one that was accepted."""
        for table, entry in self.record["tables"].items():
            path = self.folder / f"{table}.parquet"
            if not path.exists() or sha256_file(path) != entry["sha256"]:
                return str(table)
        return None

    def prove(self) -> None:
        """Compare every Parquet with the digest in the record.

        Raises:
            Refused: when one is missing or altered.
        """
        if table := self.altered():
            # What the archive still has was made anew before this is asked.
            again = f"import its file again, or delete {self.folder} to do without it"
            where = "restore the program's files" if self.bundled else again
            raise Refused(
                f"The accepted rows of {self.source_id}/{self.file} {self.vintage} ({table}.parquet) "
                f"were altered or lost; {where}."
            )


def _list(root: Path, bundled: bool, *, damaged: list[Path] | None = None) -> list[Vintage]:
    """The vintages below a folder; where a record is damaged, it is added to those, or else refused."""
    found = []
    for path in _whole(root, RECORD):
        try:
            found.append(Vintage(path.parent, bundled, _read(path)))
        except Refused:
            if damaged is None:
                raise Refused(_damaged(path)) from None
            damaged.append(path)
    return found


def _read(path: Path) -> dict[str, Any]:
    record = read_sealed(path)
    if record.keys() != KNOWN:
        raise Refused(f"{path} was altered; restore it.")
    return record


def _damaged(record: Path) -> str:
    return (
        f"{record} is damaged, and its rows are used no more; import or fetch the file of them again, or delete "
        f"{record.parent} to do without."
    )


def _whole(root: Path, name: str) -> list[Path]:
    """The records two folders down, but for those withdrawn and what a crash left: half written, or moved aside."""

    def left(folder: Path) -> bool:
        new = folder.name.removeprefix(".old-")
        return folder.name.startswith((WRITING, WITHDRAWN)) or (new != folder.name and folder.with_name(new).exists())

    return [path for path in sorted(root.glob(f"*/*/{name}")) if not left(path.parent)]


def vintages(home: Home, source: Source) -> list[Vintage]:
    """The accepted vintages of a source, oldest first; an own one goes before the bundled one of the same stamp.

    Raises:
        Refused: when a record of one is damaged.
    """
    return _vintages(home, source, None)


def sound_vintages(home: Home, source: Source) -> tuple[list[Vintage], dict[Path, str]]:
    """The same of those whose records can be read; and of each other one, by its record, what is to be said of it."""
    damaged: list[Path] = []
    found = _vintages(home, source, damaged)
    return found, {path: _damaged(path) for path in damaged}


def _vintages(home: Home, source: Source, damaged: list[Path] | None) -> list[Vintage]:
    bundled = _list(source.bundled, True)
    known = {(v.file, v.vintage): v for v in bundled if not withdrawn_folder(home, v).exists()}
    known |= {(v.file, v.vintage): v for v in _list(home.accepted / source.id, False, damaged=damaged)}
    return sorted(known.values(), key=lambda v: (v.file, vintage_order(v.vintage)))


def withdrawn_folder(home: Home, vintage: Vintage) -> Path:
    """Where a vintage lies, or is named, once it is withdrawn."""
    name = f"{WITHDRAWN}{vintage.vintage}-{vintage.snapshot['sha256'][:16]}"
    return home.accepted / vintage.source_id / vintage.file / name


def withdrawals(home: Home, source: Source) -> list[dict[str, str]]:
    """What is no longer used: file, vintage, when and why; nothing of what was imported again."""
    told = [read_json(path) for path in sorted((home.accepted / source.id).glob(f"*/{WITHDRAWN}*/{REASON}"))]
    if not told:
        return []
    used = {(v.file, v.snapshot["sha256"]) for v in vintages(home, source)}
    return [t for t in told if (t["file"], t["sha256"]) not in used]


def snapshots(home: Home, source: Source) -> list[Snapshot]:
    """The publisher's files that are here: in the archive, and behind the vintages that come with the program."""
    archive = Archive(home.archive)
    bundled = [Snapshot(**v.snapshot) for v in _list(source.bundled, True)]
    own = [s for file in source.files for s in archive.snapshots(source.id, file)]
    return list({(s.file, s.sha256): s for s in [*bundled, *own]}.values())


#: What of a snapshot's record is of the occasion on which the bytes came, not of the bytes.
OCCASION = ("file_name", "retrieved_at", "obtained", "url")


def as_first_met(all_of_them: Iterable[Vintage]) -> list[dict[str, Any]]:
    """The record of each vintage's file as it is published: the same bytes are one file, whenever they came again.

    The earliest occasion stands: what comes with the program may be older than what was imported here, or younger.
    """
    bundled: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    told = []
    for vintage in all_of_them:
        if vintage.source_id not in bundled:
            there = _list(sources()[vintage.source_id].bundled, True)
            bundled[vintage.source_id] = {(v.file, v.snapshot["sha256"]): v.snapshot for v in there}
        own = vintage.snapshot
        other = bundled[vintage.source_id].get((vintage.file, own["sha256"]), own)
        first = min(own, other, key=lambda record: _when(record["retrieved_at"]))
        told.append({**own, **{key: first[key] for key in OCCASION}})
    return told


def _when(retrieved_at: str) -> str:
    """A sort key: a day of which the hour is not known is not before any hour of it."""
    return retrieved_at if "T" in retrieved_at else f"{retrieved_at}T24"


def last_accepted(home: Home) -> str:
    """When rows were last accepted here, as a person's clock says; nothing where none were."""
    times = [path.stat().st_mtime for path in home.accepted.glob(f"*/*/*/{RECORD}")]
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="milliseconds") if times else "nothing"


def all_vintages(home: Home) -> list[Vintage]:
    """The accepted vintages of all sources."""
    return [v for source in sources().values() for v in vintages(home, source)]


def vintage_order(vintage: str) -> tuple[str, int]:
    """A sort key: by date, then by reissue."""
    stamp, _, reissue = vintage.partition("-r")
    return stamp, int(reissue or 0)


def summaries(home: Home, source: Source) -> list[dict[str, Any]]:
    """One line a vintage, for people."""
    return [summary(v) for v in vintages(home, source)]


def summary(v: Vintage) -> dict[str, Any]:
    """One vintage, for people."""
    return {
        "source": v.source_id,
        "file": v.file,
        "vintage": v.vintage,
        "rows": v.record["observations"],
        "left out": v.record["left_out"],
        "from": "bundled" if v.bundled else v.snapshot["obtained"],
        "accepted despite": v.snapshot.get("accepted_despite"),
        "sha256": v.snapshot["sha256"][:12],
    }


def turned_away(home: Home, source: Source) -> list[dict[str, Any]]:
    """The reports on snapshots that were turned away, oldest first; of their checks only those that did not pass."""
    written: list[dict[str, Any]] = [read_json(path) for path in _whole(home.quarantine / source.id, REPORT)]
    reports = [{**r, "checks": [c for c in r.get("checks", []) if c["outcome"] != "passed"]} for r in written]
    return sorted(reports, key=lambda r: (r["snapshot"]["file"], r["snapshot"]["retrieved_at"]))


def find_report(home: Home, source: Source, file: str, digest: str = "") -> dict[str, Any]:
    """The report on one snapshot that was turned away, by the beginning of its SHA-256 where there are several.

    Raises:
        Misused: when there is none, or several.
    """
    of_file = [r for r in turned_away(home, source) if r["snapshot"]["file"] == file]
    found = [r for r in of_file if r["snapshot"]["sha256"].startswith(digest)]
    if not found:
        named = f"{source.id}/{file} {digest}".strip()
        raise Misused(f"{named} is not in quarantine; `custody quarantine` lists what is.")
    if len(found) > 1:
        which = ", ".join(r["snapshot"]["sha256"][:12] for r in found)
        raise Misused(f"Several snapshots of {source.id}/{file} are in quarantine; say which: {which}.")
    return found[0]


def newest(all_of_them: Iterable[Vintage]) -> list[Vintage]:
    """The newest vintage of each file, of vintages that come oldest first."""
    return list({(v.source_id, v.file): v for v in all_of_them}.values())


def stale_corrections(all_of_them: Iterable[Vintage]) -> list[dict[str, Any]]:
    """Corrections whose error is not in the newest vintage of their file; the publisher may have mended it."""
    return [
        {"source": v.source_id, "file": v.file, "vintage": v.vintage, "correction": stale}
        for v in newest(all_of_them)
        for stale in v.record["stale_corrections"]
    ]


def failures(home: Home, source: Source) -> list[dict[str, Any]]:
    """The reports on snapshots that were turned away and are still missed."""
    reports = turned_away(home, source)
    if not reports:
        return []
    missed = missing(home, source, vintages(home, source))
    return [r for r in reports if missed(r["snapshot"]["file"], r["snapshot"]["retrieved_at"], r["vintage"])]


def missing(home: Home, source: Source, used: Iterable[Vintage]) -> Callable[[str, str, str | None], bool]:
    """Tells whether a snapshot of a file that was retrieved then and turned away is still missed.

    It is not, where the server has since given again what is in use, or one of the same file was accepted that came
    later and is of no older vintage. Of editions that add to each other each is missed.
    """
    archive = Archive(home.archive)
    given_again, accepted, in_use = dict[str, str](), dict[str, str](), dict[str, str]()
    for vintage in used:  # oldest first
        file, in_use[vintage.file] = vintage.file, vintage.vintage
        if not vintage.bundled:
            accepted[file] = max(str(vintage.snapshot["retrieved_at"]), accepted.get(file, ""))
        served = archive.served(source.id, file)
        if served and served[0] == vintage.snapshot["sha256"]:
            given_again[file] = max(served[1], given_again.get(file, ""))
    extending = {name for name, file in source.files.items() if file.extends}

    def missed(file: str, retrieved_at: str, vintage: str | None) -> bool:
        if file in extending:
            return True
        if retrieved_at < given_again.get(file, ""):
            return False
        newer = vintage and file in in_use and vintage_order(vintage) > vintage_order(in_use[file])
        return bool(newer) or retrieved_at >= accepted.get(file, "")

    return missed
