"""Reading a release: a table as a typed DataFrame, after its bytes were held against the release's checksums."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from exports.listing import sums
from sources.errors import Refused

#: The pandas type of a column where missing must stay missing and whole numbers whole.
TYPES = {pa.string(): "str", pa.int64(): "Int64", pa.bool_(): "boolean"}


def read_table(folder: Path, table: str) -> pd.DataFrame:
    """One table of the release in `folder`: text, Int64, float64, boolean and datetime64 columns.

    Raises:
        Refused: when the release has no such table, or its file is not the one that was released.
    """
    known, name = sums(folder), f"tables/{table}.parquet"
    if name not in known:
        tables = sorted(Path(n).stem for n in known if n.endswith(".parquet") and n.startswith("tables/"))
        raise Refused(f"Release {folder.name} has no table {table!r}; it has {', '.join(tables)}.")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise Refused(f"{folder / name}: cannot be read ({error.strerror}); get the release again.") from error
    if hashlib.sha256(data).hexdigest() != known[name]:
        raise Refused(f"{folder / name} is not the file that was released; get the release again.")
    rows = pq.read_table(io.BytesIO(data))
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    return frame.astype({field.name: TYPES[field.type] for field in rows.schema if field.type in TYPES})
