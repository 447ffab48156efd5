"""What a release says of itself, in words and for machines: data package, provenance, licences, how to cite it."""

from __future__ import annotations

import platform
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from dictionary.model import dictionary
from dictionary.render import package_fields
from sources.catalogue import sources
from sources.home import Home, sha256_file
from warehouse.build import connect

ROOT = Path(__file__).parent.parent


def provenance(home: Home, as_of: date, warehouse: str, digest: str, digests: dict[str, str]) -> dict[str, Any]:
    """What the release was made of and with: commit, lock, engines, snapshots, digests."""
    with connect(home) as connection:
        found = connection.execute("SELECT source_id, file, vintage, snapshot FROM snapshot ORDER BY ALL").fetchall()
    lock = ROOT / "requirements.lock"
    return {
        "as_of": as_of.isoformat(),
        "content_digest": digest,
        "table_digests": digests,
        "warehouse": warehouse,
        "git_commit": commit(),
        "lock": sha256_file(lock) if lock.exists() else None,
        "engines": {name: version(name) for name in ("duckdb", "pyarrow", "pandas", "great-expectations")}
        | {"python": platform.python_version()},
        "snapshots": [dict(zip(("source_id", "file", "vintage", "sha256"), row, strict=True)) for row in found],
    }


def commit() -> str | None:
    """The git commit of the program, with `+changed` where files differ from it; None outside a checkout."""
    try:
        run = [
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return run[0] + ("+changed" if run[1] else "")


def package(folder: Path, name: str, today: date, rows: dict[str, pa.Table]) -> dict[str, Any]:
    """The Data Package v2 descriptor of the files in a release's folder."""
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


def definitions() -> str:
    """The definitions of publishers that differ from the measure's, which column `definition` names."""
    out = ["", "## Definitions of publishers", "", "| source | definition | meaning |", "| --- | --- | --- |"]
    for known in sources().values():
        out += [f"| {known.id} | {name} | {' '.join(text.split())} |" for name, text in known.definitions.items()]
    return "\n".join(out) + "\n"


def licences(source: pa.Table) -> str:
    """Each source with its licence and citation, in Markdown."""
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


def citation(name: str, today: date) -> str:
    """How to cite the release, as CITATION.cff."""
    return (
        "cff-version: 1.2.0\n"
        "message: Cite the release, and the primary source of the figure that you use.\n"
        "type: dataset\n"
        'title: "Custody: imprisonment in the world"\n'
        f"version: {name}\n"
        f"date-released: {today.isoformat()}\n"
        "authors:\n  - name: Custody contributors\n"
    )
