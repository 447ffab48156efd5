"""Reading a table: the wanted rows and columns of a released Parquet as a typed DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.errors import Misused, Refused

#: The pandas type of a column where missing must stay missing and whole numbers whole.
TYPES = {pa.string(): "str", pa.int64(): "Int64", pa.bool_(): "boolean"}


def read_table(
    path: Path,
    table: str,
    columns: Sequence[str] | None = None,
    places: Sequence[str] | None = None,
    filters: Any = None,
) -> pd.DataFrame:
    """The table in a Parquet: text, Int64, float64, boolean and datetime64 columns.

    Only the columns that are asked for are decoded, and only the row groups that can hold wanted rows.

    Args:
        path: the file.
        table: its name, for messages.
        columns: names, in the order wanted; all where None.
        places: values of `place_id` to keep; all where None.
        filters: as in `pyarrow.parquet.read_table`.

    Raises:
        Misused: for a column that is not there, or a filter that cannot be asked of the table.
    """
    try:
        there = pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused(f"Table {table} was released as a file that is no Parquet ({_first_line(error)}).") from error
    wanted = [*(columns or []), *(["place_id"] if places is not None else [])]
    if unknown := [name for name in wanted if name not in there.names]:
        raise Misused(f"Table {table} has no column {unknown[0]!r}; it has {', '.join(there.names)}.")
    try:
        asked = filters if filters is None or isinstance(filters, pc.Expression) else pq.filters_to_expression(filters)
        if places is not None:
            of_places = pc.field("place_id").isin(list(places))
            asked = of_places if asked is None else asked & of_places
        rows = pq.read_table(path, columns=None if columns is None else list(columns), filters=asked)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise Misused(f"The filters cannot be asked of table {table}: {_first_line(error)}.") from error
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    return frame.astype({field.name: TYPES[field.type] for field in rows.schema if field.type in TYPES})


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
