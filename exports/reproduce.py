"""Making a release again from the files and vintages that it names, in a place of its own, and comparing the content.

The home is read and never written: what the release was made of is copied out of it, or taken from what comes with the
program, and the warehouse is built anew from that alone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dictionary.model import Table, dictionary
from dictionary.render import quote
from exports import descriptors, listing, tables
from exports.verify import damage
from sources.archive import Archive
from sources.catalogue import LICENCES, Source, only_open, sources
from sources.errors import Refused
from sources.home import Home, read_json, sha256_file, write_bytes
from warehouse.build import BuildFailed, build, connect
from warehouse.intake import take_in
from warehouse.records import OCCASION, Vintage, vintages, withdrawn_folder

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Named:
    """A vintage that a release was made of."""

    source_id: str
    file: str
    vintage: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.source_id}/{self.file} {self.vintage} ({self.sha256[:12]})"


#: Which sources a release is made from.
OPEN, ALL = "sources under open licences alone", "all sources"


@dataclass(frozen=True)
class Differing:
    """A table that was not made as it was: rows that only the release has, and rows that were made and it has not."""

    table: str
    only_released: int | None
    only_made: int | None


@dataclass(frozen=True)
class Reproduction:
    """What came of it; `reasons` say what is not as it was when the release was made."""

    version: str
    stated: str
    made: str | None
    differing: list[Differing]
    reasons: list[str]

    @property
    def holds(self) -> bool:
        """Whether the content is the same."""
        return self.made == self.stated


def reproduce(home: Home, folder: Path, progress: Progress = lambda _: None) -> Reproduction:
    """Make the release of a directory again, once it is proved to be what was released.

    Raises:
        Refused: when the release is damaged, or does not say what it was made of.
    """
    entry = listing.entry_of(folder)
    if why := damage(folder, entry):
        where = "take it from where it was published"
        raise Refused(f"{folder} is not what was released ({why}); {where}. Nothing was made again.")
    progress(f"{folder.name} is what it says")
    provenance = read_json(folder / "provenance.json")
    stated, digests = provenance["content_digest"], provenance["table_digests"]
    try:
        as_of, wanted = date.fromisoformat(provenance["as_of"]), named(provenance)
    except (KeyError, TypeError, ValueError):
        raise Refused(f"{folder / 'provenance.json'} does not say what the release was made of.") from None
    reasons = other_program(provenance)
    left_out = provenance.get("left_out") or {}
    if bool(left_out) != only_open():
        was, is_ = (OPEN if each else ALL for each in (left_out, only_open()))
        reasons.append(f"It was made from {was}, and is made from {is_}: {LICENCES} says which.")
    with tempfile.TemporaryDirectory(prefix="custody-reproduce-") as root:
        apart = Home(Path(root) / "home")
        reasons += _gather(home, apart, wanted, progress)
        try:
            build(apart, as_of, progress)
        except (BuildFailed, Refused) as error:
            return Reproduction(folder.name, stated, None, [], [*reasons, f"No warehouse could be built: {error}"])
        made: dict[str, str] = {}
        differing = []
        with connect(apart) as connection:
            for table in dictionary().tables.values():
                if table.name in left_out and table.name not in digests:
                    continue
                rows = tables.read_warehouse(connection, table)
                if table.name == "snapshot":
                    rows, told = _as_released(rows, table, folder)
                    reasons += told
                made[table.name] = tables.content_digest(rows)
                if made[table.name] != digests.get(table.name):
                    differing.append(_differing(table.name, rows, folder))
        differing += [_differing(name, None, folder) for name in sorted(digests.keys() - made.keys())]
    return Reproduction(folder.name, stated, tables.release_digest(made), differing, reasons)


def _as_released(rows: pa.Table, table: Table, folder: Path) -> tuple[pa.Table, list[str]]:
    """The files behind what was made, with the occasion on which the release says that each came.

    Bytes do not tell under which name, when and whence they came, and whoever has them from elsewhere has them from
    later. What differs is told.
    """
    columns = [column for column in (*OCCASION, "url_verified") if column in table.column_names]
    try:
        told = {_file(row): row for row in tables.read_parquet(folder / "tables" / "snapshot.parquet").to_pylist()}
        found = [{**row, **{c: told.get(_file(row), row)[c] for c in columns}} for row in rows.to_pylist()]
    except (OSError, KeyError):  # a release of another schema
        return rows, []
    other = [row for row, was in zip(found, rows.to_pylist(), strict=True) if row != was]
    if not other:
        return rows, []
    files = ", ".join(row["file_name"] for row in other[:3]) + (f" and {len(other) - 3} more" if len(other) > 3 else "")
    said = f"The same bytes as those of {files} came here on another occasion; when and whence is taken as released."
    return pa.Table.from_pylist(found, rows.schema), [said]


def _file(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("source_id", "file", "vintage", "snapshot"))


def named(provenance: dict[str, Any]) -> list[Named]:
    """The vintages that a release says it was made of; it may say more of them."""
    own = [field.name for field in fields(Named)]
    return [Named(**{name: snapshot[name] for name in own}) for snapshot in provenance["snapshots"]]


def other_program(provenance: dict[str, Any]) -> list[str]:
    """What of the program is not as it was when a release was made."""
    told = []
    commit, then = descriptors.commit(), provenance.get("git_commit")
    if then is None or commit is None:
        told.append("It is not known whether the program is the same: git says nothing of it, now or then.")
    elif then != commit:
        told.append(f"The program is another: it was commit {then}, and is {commit}.")
    elif then.endswith("+changed"):
        told.append(f"The program had changes beside commit {then.removesuffix('+changed')}, as it has now.")
    lock = descriptors.ROOT / "requirements.lock"
    if lock.exists() and provenance.get("lock") != sha256_file(lock):
        told.append("The libraries are others: requirements.lock differs.")
    engines = {name: was for name, was in provenance.get("engines", {}).items() if name != "python"}
    for name, was in engines.items():
        try:
            now = version(name)
        except PackageNotFoundError:
            now = "not there"
        if now != was:
            told.append(f"{name} was {was}, and is {now}.")
    return told


def _gather(home: Home, apart: Home, named: Sequence[Named], progress: Progress) -> list[str]:
    """Bring into a home of its own just what is named; gives a sentence for each vintage that could not be had."""
    told = []
    wanted = {(n.source_id, n.file, n.vintage): n for n in named}
    for source_id in sorted({n.source_id for n in named} - set(sources())):
        told.append(f"There is no source {source_id} in use.")
    for source in sources().values():
        own = {_name(v): v for v in vintages(home, source) if not v.bundled}
        for bundled in vintages(apart, source):
            if wanted.get(_key(bundled)) != _name(bundled) or _name(bundled) in own:
                withdrawn_folder(apart, bundled).mkdir(parents=True)
        mine = [own[n] for n in named if n in own]
        if mine:
            progress(f"{source.id}: {len(mine)} vintages read again")
            told += _read_again(home, apart, source, mine)
        there = {_name(v) for v in vintages(apart, source)}
        of_source = {n for n in named if n.source_id == source.id}
        told += [f"{n} is neither in the archive nor bundled." for n in sorted(of_source - there, key=str)]
        told += [f"{n} came out of it and is not named." for n in sorted(there - of_source, key=str)]
    return told


def _key(vintage: Vintage) -> tuple[str, str, str]:
    return vintage.source_id, vintage.file, vintage.vintage


def _name(vintage: Vintage) -> Named:
    return Named(*_key(vintage), vintage.snapshot["sha256"])


def _read_again(home: Home, apart: Home, source: Source, mine: Sequence[Vintage]) -> list[str]:
    """Read vintages from the archived bytes; where these are gone, take the rows as they were accepted."""
    told, archive, copied = [], Archive(home.archive), Archive(apart.archive)
    for vintage in mine:
        digest = vintage.snapshot["sha256"]
        record = Path("snapshots") / source.id / vintage.file / f"{digest}.json"
        data = archive.kept(digest)
        if data is None or not (home.archive / record).exists():
            vintage.prove()
            target = apart.accepted / source.id / vintage.file / vintage.vintage
            shutil.copytree(vintage.folder, target)
            told.append(f"The bytes of {_name(vintage)} are not in the archive; its rows are taken as accepted.")
            continue
        write_bytes(copied.object_path(digest), data)
        write_bytes(apart.archive / record, (home.archive / record).read_bytes())
    taken = take_in(apart, source)
    return told + [f"{v.file_name} is {v.state}: {v.message}" for v in taken.verdicts if v.state != "accepted"]


def _differing(table: str, made: pa.Table | None, folder: Path) -> Differing:
    """How many rows differ; unknown where the columns do, or one of the two has no such table."""
    released = f"read_parquet({quote(str(folder / 'tables' / f'{table}.parquet'))})"
    counts = []
    with duckdb.connect() as connection:
        if made is not None:
            connection.register("made", made)
        for one, other in ((released, "made"), ("made", released)):
            try:
                ((count,),) = connection.execute(
                    f"SELECT count(*) FROM (FROM {one} EXCEPT ALL SELECT * FROM {other})"
                ).fetchall()
            except duckdb.Error:
                return Differing(table, None, None)
            counts.append(int(count))
    return Differing(table, *counts)
