"""Releases that tests write themselves, small and with few tables, in a folder as `custody publish` fills one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.sources.server import Server, whole

PLACES = {"place_id": ["FRA", "NAM", "CIV"], "name": ["France", "Namibia", "Côte d'Ivoire"]}
FIGURES = {
    "place_id": ["FRA", "FRA", "NAM"],
    "year": [2019, 2020, 2020],
    "persons_held": [70739.0, 62543.0, None],
    "derived": [False, None, True],
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, version: str, date: str, tables: Mapping[str, Mapping[str, list[Any]]], **more: Any) -> None:
    """Write a release and put it on the list of the folder, as the newest."""
    files = {}
    for name, columns in tables.items():
        path = folder / version / "tables" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(dict(columns)), path)
        files[f"tables/{name}.parquet"] = sha256(path.read_bytes())
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()
    (folder / version / "SHA256SUMS").write_bytes(sums)
    entry = {
        "version": version, "date": date, "schema_version": "1.0.0", "as_of": "2025-12-31", "digest": "0" * 64,
        "sums": sha256(sums), **more,
    }  # fmt: skip
    path = folder / "releases.json"
    known = json.loads(path.read_text(encoding="utf-8"))["releases"] if path.exists() else []
    path.write_text(json.dumps({"releases": [*known, entry], "aliases": {}}), encoding="utf-8")


def two(folder: Path) -> Path:
    """A folder with two releases; the later one has another figure for France in 2020."""
    write(folder, "2026.11.0", "2026-11-23", {"place": PLACES, "country_year": FIGURES})
    later = {**FIGURES, "persons_held": [70739.0, 62673.0, None]}
    write(folder, "2026.12.0", "2026-12-20", {"place": PLACES, "country_year": later})
    return folder


def retract(folder: Path, version: str, reason: str, replaced_by: str | None = None) -> None:
    """Mark a release on the list as retracted."""
    path = folder / "releases.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for entry in content["releases"]:
        if entry["version"] == version:
            entry["retracted"] = {"date": "2027-01-05", "reason": reason, "replaced_by": replaced_by}
    path.write_text(json.dumps(content), encoding="utf-8")


def serve(server: Server, folder: Path, at: str = "/data") -> str:
    """Have a server give each file of a folder, and nothing else below that address; gives the address."""
    for known in [path for path in server.answers if path.startswith(f"{at}/")]:
        del server.answers[known]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            server.answers[f"{at}/{path.relative_to(folder).as_posix()}"] = [whole(path.read_bytes())]
    return f"http://127.0.0.1:{server.server_address[1]}{at}"
