"""Tables as files: Parquet and CSV with the dictionary's types, and a digest of content that no engine changes."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dictionary.arrow import ARROW_TYPES, schema
from dictionary.model import Table
from sources.errors import Refused

CSV_OPTIONS = "HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''"


def read_warehouse(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.Table:
    """A table of the warehouse, columns and rows in the dictionary's order.

    Raises:
        Refused: when the warehouse does not have it so, because another version of the program built it.
    """
    columns = ", ".join(f'"{c}"' for c in table.column_names)
    order = ", ".join(f'"{c}"' for c in table.sort)
    try:
        rows = connection.sql(f'SELECT {columns} FROM "{table.name}" ORDER BY {order}').to_arrow_table()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        built_by_another = f"The warehouse has no table {table.name} as this version of Custody describes it"
        raise Refused(f"{built_by_another}; run `custody run --offline`.") from error
    typed: pa.Table = rows.cast(schema(table))
    return typed


def write(rows: pa.Table, table: Table, folder: Path, about: Mapping[str, str] | None = None) -> list[Path]:
    """Write `<table>.parquet` and `<table>.csv`; CSV is UTF-8 without BOM, LF, a missing value is an empty cell.

    `about` is what the Parquet's footer says beside the table's own words: the release, the version of the schema.
    """
    parquet, csv = folder / f"{table.name}.parquet", folder / f"{table.name}.csv"
    write_parquet(rows, table, parquet, about or {})
    with _engine().cursor() as connection:
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        connection.register("rows_to_write", rows)
        # COPY takes no parameter for its target, which is a path of ours.
        target = str(csv).replace("'", "''")
        connection.execute(f"COPY rows_to_write TO '{target}' ({CSV_OPTIONS})")
    return [parquet, csv]


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One DuckDB without data for all tables that are written: to make one takes longer than to write a small table."""
    return duckdb.connect()


def write_parquet(rows: pa.Table, table: Table, path: Path, about: Mapping[str, str]) -> None:
    """Write a Parquet of which one place's rows are read by few bytes.

    The rows come sorted, so that a place lies in one or two groups of rows, which a reader finds by the statistics of
    the columns by which they are sorted. More statistics, page indexes and Bloom filters would make the footer longer,
    which every reader reads, and find nothing sooner in groups as small as these.
    """
    said_once = pa.schema([field.remove_metadata() for field in rows.schema])
    plain = pa.table(rows.columns, schema=said_once)
    pq.write_table(
        plain.replace_schema_metadata({**footer(table), **about}),
        path,
        row_group_size=rows_in_group(rows.num_rows),
        compression="zstd",
        compression_level=3,  # 9 takes twice the time and saves nothing
        use_dictionary=[name for name in rows.column_names if _repeats(rows.column(name))],
        write_statistics=list(table.sort),
        sorting_columns=[pq.SortingColumn(table.column_names.index(c)) for c in table.sort],
    )


def _repeats(column: pa.ChunkedArray) -> bool:
    """Whether a dictionary of a column's values is much shorter than the column."""
    return int(pc.count_distinct(column, mode="all").as_py()) * 10 <= len(column)


def rows_in_group(rows: int) -> int:
    """How many rows a group of a Parquet has.

    The footer, which every reader reads, grows with the number of groups, and what is read beside one series with
    their size. The sum of both is least at the square root; the factor is from observations as they are, where a
    group takes some 2,600 bytes of the footer and a row some 20 of the file.
    """
    return max(1_000, 12 * math.isqrt(rows))


def footer(table: Table) -> dict[str, str]:
    """What a Parquet's footer says of a table: name, title, what a row is, and each column's meaning and unit."""
    columns = {c.name: {"description": c.description} | ({"unit": c.unit} if c.unit else {}) for c in table.columns}
    said = {"table": table.name, "title": table.title, "row": table.row}
    return {**said, "key": ",".join(table.key), "columns": json.dumps(columns, ensure_ascii=False)}


def formula_like(rows: Mapping[str, pa.Table]) -> list[tuple[str, str, int]]:
    """The text columns with cells that a spreadsheet takes for a formula in a CSV: table, column, how many cells.

    A negative number is none.
    """
    return _cells_like(rows, r"^[=+\-@\t\r]", but=r"^-[0-9]+([.][0-9]+)?$")


def unprintable(rows: Mapping[str, pa.Table]) -> list[tuple[str, str, int]]:
    """The text columns with control characters other than tab and line ends, which neither CSV nor XLSX can hold."""
    return _cells_like(rows, r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{fffe}\x{ffff}]")


def _cells_like(rows: Mapping[str, pa.Table], pattern: str, but: str | None = None) -> list[tuple[str, str, int]]:
    found = []
    for name, table in rows.items():
        for column in (f.name for f in table.schema if pa.types.is_string(f.type)):
            distinct = table.column(column).unique()  # a regular expression takes time, and texts repeat
            hits = distinct.filter(pc.match_substring_regex(distinct, pattern))
            hits = hits.filter(pc.invert(pc.match_substring_regex(hits, but))) if but else hits
            if count := pc.sum(pc.is_in(table.column(column), hits.drop_null())).as_py():
                found.append((name, column, count))
    return found


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of a published Parquet; of all columns where none are named."""
    return pq.read_table(path, columns=None if columns is None else list(columns))


def count(path: Path) -> int:
    """How many rows a published Parquet has."""
    return int(pq.read_metadata(path).num_rows)


def read_csv(path: Path, types: Mapping[str, str]) -> pa.Table:
    """Rows of a published CSV, by another engine than wrote it; `types` are the dictionary's, by column."""
    return pa_csv.read_csv(path, convert_options=_typed(types), parse_options=LINES_IN_CELLS)


LINES_IN_CELLS = pa_csv.ParseOptions(newlines_in_values=True)


def _typed(types: Mapping[str, str]) -> pa_csv.ConvertOptions:
    return pa_csv.ConvertOptions(
        column_types={name: ARROW_TYPES[type_] for name, type_ in types.items()},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )


#: A file that has more bytes is read in pieces; no row is longer than one.
LARGE = 64 << 20
AT_ONCE = 16 << 20


def parquet_digest(path: Path) -> str:
    """The digest of the content of a published Parquet, read in pieces where it is large."""
    if path.stat().st_size <= LARGE // 16:  # it takes a tenth of the room of its rows, and less
        return content_digest(read_parquet(path))
    with pq.ParquetFile(path) as file:
        return content_digest(pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(PIECE)))


def csv_digest(path: Path, types: Mapping[str, str]) -> str:
    """The digest of the content of a published CSV, read in pieces where it is large."""
    if path.stat().st_size <= LARGE:
        return content_digest(read_csv(path, types))
    reading = pa_csv.ReadOptions(block_size=AT_ONCE)
    with pa_csv.open_csv(path, reading, LINES_IN_CELLS, _typed(types)) as rows:
        return content_digest(rows)


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """Each cell in canonical text."""
    if pa.types.is_floating(column.type):
        numbers = column.combine_chunks().dictionary_encode()
        # The shortest text that reads back as the same number; -0.0 is 0.0.
        words = pa.array([repr(n + 0.0) for n in numbers.dictionary.to_pylist()], pa.large_string())
        return words.take(numbers.indices)
    return column.cast(pa.large_string()).combine_chunks()


#: Rows that are hashed at a time, rows that are sorted in memory, and the memory that sorting more may take.
PIECE = 100_000
SORTED_IN_MEMORY = 500_000
SORTING = "1GB"


def content_digest(rows: pa.Table | pa.RecordBatchReader) -> str:
    """SHA-256 over the column names and the sorted rows in canonical text, the same for every file format and engine.

    A row's text joins its cells with the unit separator; a missing cell is the NUL character, which no cell holds.
    Rows are sorted by their bytes in UTF-8, and each is preceded by the record separator. Many rows are sorted on disk.
    """
    digest = hashlib.sha256("\x1f".join(rows.schema.names).encode())
    pieces = rows.to_batches(PIECE) if isinstance(rows, pa.Table) else rows
    if isinstance(rows, pa.Table) and rows.num_rows <= SORTED_IN_MEMORY:
        found = _sorted_in_memory(rows) if rows.num_rows else iter(())
    else:
        found = _sorted_on_disk(_lines(pa.Table.from_batches([piece])) for piece in pieces if piece.num_rows)
    for text in found:
        digest.update(text)
    return digest.hexdigest()


def _lines(rows: pa.Table) -> pa.Array:
    """Each row in canonical text."""
    cells = [_texts(rows.column(name)).fill_null("\0") for name in rows.column_names]
    lines = pc.binary_join_element_wise(*cells, pa.scalar("\x1f", pa.large_string()))
    del cells
    return pc.binary_join_element_wise(pa.scalar("", pa.large_string()), lines, pa.scalar("\x1e", pa.large_string()))


def _sorted_in_memory(rows: pa.Table) -> Iterator[bytes]:
    lines = _lines(rows)
    order = pc.array_sort_indices(lines)
    for at in range(0, len(order), PIECE):
        yield "".join(lines.take(order[at : at + PIECE]).to_pylist()).encode()


def _sorted_on_disk(pieces: Iterable[pa.Array]) -> Iterator[bytes]:
    with (
        tempfile.TemporaryDirectory(prefix="custody-digest-") as folder,
        duckdb.connect(str(Path(folder) / "lines.duckdb")) as connection,
    ):
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        connection.execute(f"SET memory_limit = '{SORTING}'")
        connection.execute("CREATE TABLE line (bytes BLOB)")
        for piece in pieces:
            connection.register("piece", pa.table({"bytes": piece.cast(pa.large_binary())}))
            connection.execute("INSERT INTO line FROM piece")
            connection.unregister("piece")
        for batch in connection.sql("FROM line ORDER BY bytes").to_arrow_reader(PIECE):
            yield b"".join(batch.column(0).to_pylist())


def release_digest(digests: dict[str, str]) -> str:
    """One digest for all tables' digests."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
