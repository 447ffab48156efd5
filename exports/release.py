"""Writing a release: a directory that is complete, checked on its own bytes, and never changed once it is in place."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from dictionary.model import dictionary
from dictionary.render import codebook, package_fields
from exports import tables
from sources.catalogue import sources
from sources.errors import Misused, Refused
from sources.home import Home, new_folder, read_json, sha256_file, write_bytes, write_json
from warehouse import checks
from warehouse.build import connect
from warehouse.standing import standing

ROOT = Path(__file__).parent.parent
SUMS = "SHA256SUMS"
Progress = Callable[[str], None]


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


class GateClosed(Exception):
    """The release was not written; the message is one sentence that says why."""


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


def content_digest(digests: dict[str, str]) -> str:
    """One digest for all tables' digests."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def release(
    home: Home, today: date, progress: Progress = lambda _: None, *, as_of: date | None = None
) -> tuple[Release, bool]:
    """Write the next release of the warehouse; the second value is False where nothing has changed since the last.

    Raises:
        GateClosed: when a check fails on the bytes to be published, rows may not be published, or the warehouse is of
            another reference day than `as_of`, where that is given: a look at another day must not become the
            published total by accident.
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
        rows = {t.name: tables.read_warehouse(connection, t) for t in words.tables.values()}
    digests = {table: tables.content_digest(r) for table, r in rows.items()}
    digest = content_digest(digests)
    if known and known[-1].digest == digest:
        return known[-1], False
    _refuse_internal(rows)
    if (home.releases / name).exists():
        return _list(home, known, _unlisted(home.releases / name, digest)), True
    with new_folder(home.releases / name) as folder:
        (folder / "tables").mkdir()
        for table in words.tables.values():
            tables.write(rows[table.name], table, folder / "tables")
        progress(f"{len(rows)} tables written")
        validation = _validate(folder, digests)
        progress(f"{len(validation)} checks asked of the files as published; none that is critical failed")
        write_json(folder / "validation.json", {"checks": validation})
        provenance = _provenance(home, built.as_of, built.digest, digest, digests)
        write_json(folder / "provenance.json", provenance)
        write_bytes(folder / "codebook.md", (codebook(words) + _definitions()).encode())
        write_bytes(folder / "LICENCES.md", _licences(rows["source"]).encode())
        write_bytes(folder / "CITATION.cff", _citation(name, today).encode())
        write_json(folder / "datapackage.json", _package(folder, name, today, rows))
        write_bytes(folder / SUMS, _sums(folder).encode())
        for path in folder.rglob("*"):
            path.chmod(0o444 if path.is_file() else 0o755)
        sums = sha256_file(folder / SUMS)
    entry = Release(name, today.isoformat(), words.version, built.as_of.isoformat(), digest, sums)
    return _list(home, known, entry), True


def _list(home: Home, known: list[Release], entry: Release) -> Release:
    listed = [asdict(r) for r in [*known, entry]]
    write_json(home.releases / "releases.json", {"releases": listed, "aliases": {"latest": entry.version}})
    return entry


def _unlisted(folder: Path, digest: str) -> Release:
    """The entry of a release that was interrupted before it was listed; any other folder there is left as it is."""
    try:
        package, provenance = read_json(folder / "datapackage.json"), read_json(folder / "provenance.json")
        stated, sums = provenance["content_digest"], sha256_file(folder / SUMS)
        entry = Release(
            folder.name, package["created"][:10], package["schema_version"], provenance["as_of"], stated, sums
        )
    except (OSError, Refused, KeyError, TypeError):
        stated = None
    if stated != digest:
        raise GateClosed(f"{folder} is there, but releases.json does not list it; restore that list from a backup.")
    return entry


def _refuse_internal(rows: dict[str, pa.Table]) -> None:
    """No row of an internal source, and none under an internal licence, may leave; this cannot be switched off."""
    internal = {
        s["source_id"]
        for s in rows["source"].select(["source_id", "licence_class"]).to_pylist()
        if s["licence_class"] == "internal"
    }
    barred = {key for key, licence in dictionary().licences.items() if licence.licence_class == "internal"}
    for name, table in rows.items():
        if (
            name != "source"
            and "licence" in table.column_names
            and (found := barred & set(table.column("licence").to_pylist()))
        ):
            raise GateClosed(
                f"Table {name} has rows under {sorted(found)[0]}, an internal licence; nothing was released."
            )
        for column in ("source_id", "rival_source_id", "persons_held_source"):
            if (
                name != "source"
                and column in table.column_names
                and (found := internal & set(table.column(column).to_pylist()))
            ):
                raise GateClosed(
                    f"Table {name} has rows of {sorted(found)[0]}, whose licence is internal; "
                    "run and release without CUSTODY_WITH. Nothing was released."
                )


def _validate(folder: Path, digests: dict[str, str]) -> list[dict[str, Any]]:
    """Run every suite on the files to be published, and compare both formats with what the warehouse holds."""
    results: list[dict[str, Any]] = []
    for table in dictionary().tables.values():
        parquet = tables.read_parquet(folder / "tables" / f"{table.name}.parquet")
        csv = tables.read_csv(folder / "tables" / f"{table.name}.csv", {c.name: c.type for c in table.columns})
        for kind, read in (("parquet", parquet), ("csv", csv)):
            if tables.content_digest(read) != digests[table.name]:
                raise GateClosed(
                    f"Table {table.name} reads back from {kind} as other rows than were written; nothing was released."
                )
        for result in checks.run(table.name, parquet, checks.suite(table)):
            if result.blocks:
                raise GateClosed(f"{result.sentence()} Nothing was released.")
            results.append(result.as_dict())
    return results


def _provenance(home: Home, as_of: date, warehouse: str, digest: str, digests: dict[str, str]) -> dict[str, Any]:
    with connect(home) as connection:
        found = connection.execute("SELECT source_id, file, vintage, snapshot FROM snapshot ORDER BY ALL").fetchall()
    lock = ROOT / "requirements.lock"
    return {
        "as_of": as_of.isoformat(),
        "content_digest": digest,
        "table_digests": digests,
        "warehouse": warehouse,
        "git_commit": _commit(),
        "lock": sha256_file(lock) if lock.exists() else None,
        "engines": {name: version(name) for name in ("duckdb", "pyarrow", "pandas", "great-expectations")}
        | {"python": platform.python_version()},
        "snapshots": [dict(zip(("source_id", "file", "vintage", "sha256"), row, strict=True)) for row in found],
    }


def _commit() -> str | None:
    """The git commit of the program, with `+changed` where files differ from it; None outside a checkout."""
    try:
        run = [
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return run[0] + ("+changed" if run[1] else "")


def _package(folder: Path, name: str, today: date, rows: dict[str, pa.Table]) -> dict[str, Any]:
    words = dictionary()
    resources = []
    for table in words.tables.values():
        for kind, media in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            path = folder / "tables" / f"{table.name}.{kind}"
            resources.append(
                {
                    "name": table.name if kind == "csv" else f"{table.name}-parquet",
                    "title": table.title,
                    "description": table.row,
                    "type": "table",
                    "path": f"tables/{path.name}",
                    "format": kind,
                    "mediatype": media,
                    **({"encoding": "utf-8"} if kind == "csv" else {}),
                    "bytes": path.stat().st_size,
                    "hash": f"sha256:{sha256_file(path)}",
                    "rows": rows[table.name].num_rows,
                    "schema": package_fields(table, words),
                }
            )
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "custody",
        "title": "Custody: imprisonment in the world",
        "version": name,
        "created": f"{today.isoformat()}T00:00:00Z",
        "schema_version": words.version,
        "licenses": [
            {"name": key, "title": lic.title, **({"path": lic.url} if lic.url else {})}
            for key, lic in words.licences.items()
        ],
        "sources": [
            {"title": s["title"], "path": s["homepage"]} if s["homepage"] else {"title": s["title"]}
            for s in rows["source"].to_pylist()
        ],
        "resources": resources,
    }


def _definitions() -> str:
    """The definitions of publishers that differ from the measure's, which column `definition` names."""
    out = ["", "## Definitions of publishers", "", "| source | definition | meaning |", "| --- | --- | --- |"]
    for known in sources().values():
        out += [f"| {known.id} | {name} | {' '.join(text.split())} |" for name, text in known.definitions.items()]
    return "\n".join(out) + "\n"


def _licences(source: pa.Table) -> str:
    words = dictionary()
    lines = [
        "# Licences of the figures",
        "",
        "Every row names its licence; these are the sources and theirs.",
        "",
    ]
    for s in source.to_pylist():
        licence = words.licences[s["licence"]]
        lines += [
            f"- {s['title']}: {licence.title} ({s['licence']}, {licence.licence_class}). Cite as: {s['citation']}."
        ]
    return "\n".join(lines) + "\n"


def _citation(name: str, today: date) -> str:
    return (
        "cff-version: 1.2.0\n"
        "message: Cite the release, and the primary source of the figure that you use.\n"
        "type: dataset\n"
        'title: "Custody: imprisonment in the world"\n'
        f"version: {name}\n"
        f"date-released: {today.isoformat()}\n"
        "authors:\n  - name: Custody contributors\n"
    )


def _sums(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    return "".join(f"{sha256_file(p)}  {p.relative_to(folder).as_posix()}\n" for p in files)
