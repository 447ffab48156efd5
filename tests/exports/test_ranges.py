"""Reading little of a large Parquet: one place's series, through a file that counts what is read of it.

A reader over HTTP asks for the same ranges of bytes; see the test of the reading client on a server of ranges.
"""

from __future__ import annotations

import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dictionary.arrow import schema
from dictionary.model import dictionary
from exports import tables


class Counted(io.RawIOBase):
    """A file that counts the bytes read of it."""

    def __init__(self, path: Path):
        self.file, self.read_of_it = path.open("rb"), 0

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.read_of_it += len(data)
        return data

    def seek(self, at: int, whence: int = 0) -> int:
        return self.file.seek(at, whence)

    def tell(self) -> int:
        return self.file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def share(path: Path, place: str, columns: list[str], **more: str) -> tuple[pa.Table, float]:
    """The rows of one place, of all columns where none are named, and the share of the file that was read for them."""
    counted = Counted(path)
    filters = [("place_id", "=", place), *((column, "=", value) for column, value in more.items())]
    rows = pq.read_table(counted, columns=columns or None, filters=filters)
    return rows, counted.read_of_it / path.stat().st_size


def grown(release: Path, table: str, times: int, shift: str, path: Path) -> None:
    """A published table with `times` as many rows: the same places, in years that are not there."""
    definition = dictionary().tables[table]
    order = ", ".join(definition.sort)
    columns = ", ".join(definition.column_names)
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"SELECT {columns} FROM (SELECT * REPLACE ({shift}) FROM read_parquet('{release}/tables/{table}.parquet'), "
            f"range({times}) AS t(n)) ORDER BY {order}"
        ).to_arrow_table()
    tables.write_parquet(rows.cast(schema(definition)), definition, path, {})


COUNTS = (
    "persons_held", "persons_held_female", "persons_held_male", "persons_held_sentenced", "persons_held_unsentenced",
    "official_capacity", "admissions", "population", "persons_held_per_100k", "estimate", "estimate_low", "estimate_high",
)  # fmt: skip
LARGE = {
    "observation": (
        8,
        "period_start - (n * 30000)::INTEGER AS period_start, period_end - (n * 30000)::INTEGER AS period_end, "
        "left(md5(observation_id || n), 16) AS observation_id",
        ["period_start", "period_end", "value", "sex", "legal_status"],
        {"measure": "persons_held"},
    ),
    "country_year": (
        100,
        ", ".join(["year + n * 50 AS year", *(f"{c} * (1 + n / {900 + i}) AS {c}" for i, c in enumerate(COUNTS))]),
        ["year", "persons_held", "persons_held_source"],
        {},
    ),
}


@pytest.mark.parametrize("table", LARGE)
def test_one_places_series_reads_under_two_percent_of_a_large_file(release: Path, tmp_path: Path, table: str) -> None:
    times, shift, columns, more = LARGE[table]
    path = tmp_path / "large.parquet"
    grown(release, table, times, shift, path)
    for place in ("KAZ", "NAM"):
        rows, read = share(path, place, columns, **more)
        with duckdb.connect() as connection:
            where = " AND ".join([f"place_id = '{place}'", *(f"{c} = '{v}'" for c, v in more.items())])
            asked = f"SELECT count(*) FROM read_parquet('{release}/tables/{table}.parquet') WHERE {where}"
            ((expected,),) = connection.execute(asked).fetchall()
        assert rows.num_rows == times * expected > 0
        assert read < 0.02, (place, read)


def test_of_the_published_files_a_series_reads_little(release: Path) -> None:
    """They are small: most of what is read is the footer."""
    for table, (_, _, columns, more) in LARGE.items():
        path = release / "tables" / f"{table}.parquet"
        _, read = share(path, "KAZ", columns, **more)
        assert read * path.stat().st_size < 250_000, table


def test_rows_of_a_group_grow_with_the_root_of_the_table() -> None:
    assert tables.rows_in_group(0) == tables.rows_in_group(5_000) == 1_000
    assert tables.rows_in_group(10_000_000) == pytest.approx(12 * 10_000_000**0.5, rel=0.001)
