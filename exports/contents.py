"""What lies in a release's folder beside the proof: tables in both formats, and all the words about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dictionary.model import dictionary
from dictionary.render import code_rows, codebook, codebook_rows
from exports import descriptors, linked, tables, workbook, zenodo
from exports.gate import GateClosed
from exports.words import IN_SPREADSHEETS, TITLE
from sources.home import write_bytes, write_json


def refuse_unprintable(rows: Mapping[str, pa.Table]) -> None:
    """No control character may leave: CSV and XLSX cannot hold it, and the digest parts cells by two of them.

    Raises:
        GateClosed: naming the column.
    """
    for table, column, count in tables.unprintable(rows):
        raise GateClosed(f"{count} cells of {table}.{column} hold a control character; nothing was released.")


def write_tables(folder: Path, name: str, rows: Mapping[str, pa.Table]) -> None:
    """Write each table as Parquet and CSV; a Parquet says in its footer of which release it is."""
    words = dictionary()
    about = {"release": name, "schema_version": words.version, "dataset": TITLE}
    folder.mkdir(parents=True)
    for table, found in rows.items():
        tables.write(found, words.tables[table], folder, about)


def table_files(rows: Mapping[str, pa.Table]) -> list[str]:
    """The names of the files of tables."""
    return [f"{table}.{kind}" for table in rows for kind in ("csv", "parquet")]


def write_words(
    folder: Path,
    name: str,
    today: date,
    rows: Mapping[str, pa.Table],
    provenance: Mapping[str, Any],
    validation: Sequence[Mapping[str, Any]],
) -> None:
    """Write all that tells of the tables: descriptors, codebook, provenance, answers to checks, licences, README."""
    words = dictionary()
    day = today.isoformat()
    files = descriptors.described(folder, [f"tables/{file}" for file in table_files(rows)])
    every = [*files, *descriptors.described(folder, [workbook.NAME])]
    there = [words.tables[table] for table in rows]
    told = rows["source"].to_pylist()
    urls = sorted({url for s in told if (url := words.licences[s["licence"]].url)})
    write_json(folder / "validation.json", validation_of(name, provenance["as_of"], validation))
    write_json(folder / "provenance.json", {"release": name, **provenance})
    write_json(folder / "datapackage.json", descriptors.package(files, name, today, rows))
    write_json(folder / "croissant.json", linked.croissant(name, day, there, every, urls))
    write_json(folder / "dataset.jsonld", linked.dataset(name, day, words, every, told, _years(rows)))
    write_bytes(
        folder / "codebook.md", (codebook(words) + descriptors.definitions() + f"\n{IN_SPREADSHEETS}\n").encode()
    )
    write_bytes(folder / "locators.md", descriptors.LOCATORS.read_bytes())
    write_bytes(folder / "codebook.csv", descriptors.codebook_csv(codebook_rows(words)))
    write_bytes(folder / "codes.csv", descriptors.codebook_csv(code_rows(words)))
    write_json(folder / "zenodo.json", zenodo.deposit(name, today, told))
    write_bytes(folder / "LICENCES.md", descriptors.licences(rows["source"]).encode())
    write_bytes(folder / "CITATION.cff", descriptors.citation(name, today, rows["source"]).encode())
    as_of = date.fromisoformat(provenance["as_of"])
    write_bytes(folder / "README.txt", descriptors.readme(name, today, as_of, rows).encode())


def validation_of(name: str, as_of: str, checks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answers to all checks, and how many there are of each."""
    answers: dict[str, dict[str, int]] = {}
    for check in checks:
        of_severity = answers.setdefault(check["severity"], {})
        of_severity[check["outcome"]] = of_severity.get(check["outcome"], 0) + 1
    said = {"release": name, "schema_version": dictionary().version, "as_of": as_of}
    return {**said, "answers": answers, "checks": list(checks)}


def _years(rows: Mapping[str, pa.Table]) -> tuple[int, int] | None:
    """The first and the last year of the figures."""
    years = pc.min_max(rows["figure"].column("year")).as_py()
    return (years["min"], years["max"]) if years["min"] is not None else None
