"""Writing an accepted vintage: one folder with a Parquet per table and a record, whole or not at all.

What may be accepted is decided in `warehouse.intake`; which vintages there are is read in `warehouse.records`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dictionary.arrow import schema
from dictionary.model import dictionary
from sources.errors import Refused
from sources.home import sha256_file, write_json, write_sealed
from warehouse.records import CHECKS, RECORD
from warehouse.results import CheckResult, to_plain

VINTAGE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?(?:-r[0-9]+)?", re.ASCII)


def is_vintage(text: str) -> bool:
    """Whether a text is a year, a month or a day, with or without the number of a reissue."""
    if not (found := VINTAGE.fullmatch(text)):
        return False
    try:
        date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return False
    return True


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> dict[str, Any]:
    """Write a Parquet for each table; gives what the record says of them."""
    entries: dict[str, Any] = {}
    for name, frame in tables.items():
        path = folder / f"{name}.parquet"
        write_parquet(name, frame, path)
        entries[name] = {"rows": len(frame), "bytes": path.stat().st_size, "sha256": sha256_file(path)}
    return entries


def write_record(record: Mapping[str, Any], results: Sequence[CheckResult], folder: Path) -> None:
    """Write a vintage's record, and the answers to its checks."""
    write_json(folder / CHECKS, to_plain(results))
    write_sealed(folder / RECORD, record)


def as_arrow(table: str, frame: pd.DataFrame) -> pa.Table:
    """A frame as rows of the dictionary's table, sorted as it says.

    Raises:
        Refused: when a cell is not of its column's type.
    """
    definition = dictionary().tables[table]
    frame = frame.sort_values(list(definition.sort), kind="stable")
    fields = pa.schema([(field.name, field.type) for field in schema(definition)])  # the checks say what is missing
    try:
        return pa.Table.from_pandas(frame, schema=fields, preserve_index=False).replace_schema_metadata()
    except pa.ArrowException as error:
        raise Refused(f"The rows do not fit table {table}; mend the parser ({error}).") from error


def write_parquet(table: str, frame: pd.DataFrame, path: Path) -> None:
    """Write a frame sorted and typed as the dictionary says, without its words: bytes change only with data."""
    pq.write_table(as_arrow(table, frame), path, compression="zstd", compression_level=9)
