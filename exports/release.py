"""Writing a release: a directory that is complete, checked on its own bytes, and never changed once it is in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa

from dictionary.model import dictionary
from exports import changes, contents, descriptors, diff, gate, listing, opened, pictures, tables, workbook
from exports.gate import GateClosed
from exports.listing import SUMS, Release, next_version, releases
from exports.verify import damage
from sources.errors import Refused
from sources.home import Home, new_folder, read_json, sha256_file, write_bytes
from sources.places import places
from warehouse.build import connect
from warehouse.standing import standing

Progress = Callable[[str], None]


def release(
    home: Home,
    today: date,
    progress: Progress = lambda _: None,
    *,
    as_of: date | None = None,
    explained: str | None = None,
) -> tuple[Release, bool]:
    """Write the next release of the warehouse; the second value is False where nothing has changed since the last.

    Raises:
        GateClosed: when a check fails on the bytes to be published, rows may not be published, what was published is
            lost or moves and nobody has `explained` it, or the warehouse is of another reference day than `as_of`,
            where that is given: a look at another day must not become the published total by accident.
        Refused: when there is no warehouse.
    """
    built = standing(home)
    if as_of is not None and built.as_of != as_of:
        raise GateClosed(
            f"The warehouse is as of {built.as_of}, not {as_of}; `custody run --offline --as-of {as_of}` builds that, "
            f"or `custody release --as-of {built.as_of}` publishes what is there."
        )
    known = releases(home)
    name = next_version(known, today)
    if known and today < date.fromisoformat(known[-1].date):
        raise GateClosed(f"The release of {known[-1].date} is newer than {today}; nothing was released.")
    words = dictionary()
    with connect(home) as connection:
        there = [t for t in words.tables.values() if t.name not in built.left_out]
        rows = {t.name: tables.read_warehouse(connection, t) for t in there}
    all_open = opened.all_open(rows)
    digests = {table: tables.content_digest(r) for table, r in rows.items()}
    digest = tables.release_digest(digests)
    last = listing.last_standing(known)
    if last and last.digest == digest:
        return last, False
    gate.refuse_retracted(known, digest)
    gate.refuse_internal(rows)
    if (home.releases / name).exists():
        return listing.add(home, known, _unlisted(home.releases / name, digest)), True
    contents.refuse_unprintable(rows)
    with new_folder(home.releases / name) as folder:
        contents.write_tables(folder / "tables", name, rows)
        progress(f"{len(rows)} tables written")
        with ThreadPoolExecutor(1) as second:  # the checks are answered in other processes meanwhile
            made = second.submit(_write_for_people, folder, name, today, rows)
            validation = gate.validate(folder / "tables", digests)
            made.result()
        if not all_open:
            opened.write(folder, home, name, today, built.as_of, progress)
        progress(f"{len(validation)} checks asked of the files as published; none that is critical failed")
        previous = last or (known[-1] if known else None)
        provenance = descriptors.provenance(home, built, digest, digests)
        provenance |= {"previous": previous.version if previous else None, "explained": explained}
        contents.write_words(folder, name, today, rows, provenance, validation)
        _write_changes(folder, name, home, previous, explained)
        write_bytes(folder / SUMS, _sums(folder).encode())
        for path in folder.rglob("*"):
            path.chmod(0o444 if path.is_file() else 0o755)
        sums = sha256_file(folder / SUMS)
        entry = Release(name, today.isoformat(), words.version, built.as_of.isoformat(), digest, sums, explained)
        if why := damage(folder, entry):
            raise GateClosed(f"What was written does not prove to be what was to be released ({why}). {gate.NOTHING}")
    return listing.add(home, known, entry), True


def _write_for_people(folder: Path, name: str, today: date, rows: Mapping[str, pa.Table]) -> None:
    """Write the workbook, and the pictures where there is a world total to be seen."""
    workbook.write(folder / workbook.NAME, name, today, rows)
    if set(pictures.TABLES) <= set(rows):
        pictures.write(folder / "pictures", folder / pictures.PAGE, rows, pictures.edition(name, today))


def _write_changes(folder: Path, name: str, home: Home, last: Release | None, explained: str | None) -> None:
    """Hold a release against the newest that stands, or where none stands the newest, and write down what differs.

    Raises:
        GateClosed: when that one is not there or was altered, or what differs needs an explanation and has none.
    """
    found, waived = None, list[str]()
    if last is not None:
        there = home.releases / last.version
        try:
            diff.prove(there)
        except OSError:
            raise GateClosed(f"{there} is gone, and a release is held against it; restore it.") from None
        found = diff.compare(there, folder, name)
        waived = gate.refuse_unsteady(found, there, folder, explained)
    changes.write_csv(found, folder / "changes.csv")
    names = {place.place_id: place.name for place in places().values()}
    gone = last.retracted if last else None
    told = changes.as_markdown(found, names, explained, gone, waived) if found else changes.FIRST
    write_bytes(folder / "CHANGES.md", told.encode())


def _unlisted(folder: Path, digest: str) -> Release:
    """The entry of a release that was interrupted before it was listed; any other folder there is left as it is."""
    try:
        package, provenance = read_json(folder / "datapackage.json"), read_json(folder / "provenance.json")
        stated, sums = provenance["content_digest"], sha256_file(folder / SUMS)
        version, day, explained = package["schema_version"], package["created"][:10], provenance.get("explained")
        entry = Release(folder.name, day, version, provenance["as_of"], stated, sums, explained)
    except (OSError, Refused, KeyError, TypeError):
        stated = None
    if stated != digest:
        raise GateClosed(f"{folder} is there, but releases.json does not list it; restore that list from a backup.")
    if why := damage(folder, entry):
        raise GateClosed(f"{folder} is there, releases.json does not list it, and it is damaged ({why}); remove it.")
    return entry


def _sums(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    return "".join(f"{sha256_file(p)}  {p.relative_to(folder).as_posix()}\n" for p in files)
