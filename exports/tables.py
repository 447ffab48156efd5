"""Tables as files: Parquet and CSV with the dictionary's types, and a digest of content that no engine changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dictionary.arrow import ARROW_TYPES, schema
from dictionary.model import Table

CSV_OPTIONS = "HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''"


def read_warehouse(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.Table:
    """A table of the warehouse, columns and rows in the dictionary's order."""
    columns = ", ".join(f'"{c}"' for c in table.column_names)
    order = ", ".join(f'"{c}"' for c in table.sort)
    rows = connection.sql(f'SELECT {columns} FROM "{table.name}" ORDER BY {order}').to_arrow_table()
    typed: pa.Table = rows.cast(schema(table))
    return typed


def write(rows: pa.Table, table: Table, folder: Path) -> list[Path]:
    """Write `<table>.parquet` and `<table>.csv`; CSV is UTF-8 without BOM, LF, a missing value is an empty cell."""
    parquet, csv = folder / f"{table.name}.parquet", folder / f"{table.name}.csv"
    pq.write_table(rows, parquet, compression="zstd", compression_level=9)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        connection.register("rows_to_write", rows)
        # COPY takes no parameter for its target, which is a path of ours.
        target = str(csv).replace("'", "''")
        connection.execute(f"COPY rows_to_write TO '{target}' ({CSV_OPTIONS})")
    return [parquet, csv]


def read_parquet(path: Path) -> pa.Table:
    """Rows of a published Parquet."""
    return pq.read_table(path)


def read_csv(path: Path, types: Mapping[str, str]) -> pa.Table:
    """Rows of a published CSV, by another engine than wrote it; `types` are the dictionary's, by column."""
    convert = pa_csv.ConvertOptions(
        column_types={name: ARROW_TYPES[type_] for name, type_ in types.items()},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return pa_csv.read_csv(path, convert_options=convert, parse_options=pa_csv.ParseOptions(newlines_in_values=True))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value + 0.0)  # the shortest text that reads back as the same number; -0.0 is 0.0
    return value.isoformat() if isinstance(value, date) else str(value)


def content_digest(rows: pa.Table) -> str:
    """SHA-256 over the column names and the sorted rows in canonical text, the same for every file format and engine.

    A row's text joins its cells with the unit separator; a missing cell is the NUL character, which no cell holds.
    """
    texts: Callable[[Any], str] = _text
    columns = []
    for name in rows.column_names:
        encoded = rows.column(name).combine_chunks().dictionary_encode()
        words = ["\0" if v is None else texts(v) for v in encoded.dictionary.to_pylist()]
        columns.append(["\0" if i is None else words[i] for i in encoded.indices.to_pylist()])
    digest = hashlib.sha256("\x1f".join(rows.column_names).encode())
    for line in sorted("\x1f".join(cells) for cells in zip(*columns, strict=True)):
        digest.update(b"\x1e" + line.encode())
    return digest.hexdigest()


def release_digest(digests: dict[str, str]) -> str:
    """One digest for all tables' digests."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
