"""Tables as files: what is written reads back, and the digest knows content from form."""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.arrow import schema
from dictionary.model import Table
from exports import tables
from tests.exports.hostile import HOSTILE, IMPOSSIBLE

COLUMNS = {"key": "text", "words": "text", "count": "integer", "share": "number", "day": "date", "yes": "boolean"}
TABLE = Table.model_validate(
    {
        "name": "made",
        "title": "Made up",
        "row": "One row.",
        "group": "model",
        "subject": "reference",
        "key": ["key"],
        "sort": ["key"],
        "columns": [
            {"name": n, "type": t, "description": f"The {n}.", "nullable": n != "key"} for n, t in COLUMNS.items()
        ],
    }
)
HARD = [
    {"key": "a", "words": "", "count": 0, "share": 0.0, "day": date(1900, 1, 1), "yes": False},
    {"key": "b", "words": None, "count": None, "share": None, "day": None, "yes": None},
    {"key": "c", "words": 'a "quoted", cell', "count": -1, "share": 0.1, "day": date(2024, 2, 29), "yes": True},
    {"key": "d", "words": "two\nlines", "count": 2**63 - 1, "share": 1 / 3, "day": date(9999, 12, 31), "yes": True},
    {"key": "e", "words": "Côte d'Ivoire, Việt Nam, 中国 🏛", "count": 7, "share": 1e300, "day": None, "yes": False},
    {"key": "f", "words": "NA", "count": 1, "share": 5e-324, "day": None, "yes": None},
    {"key": "g", "words": "null", "count": 2, "share": 1234567.1, "day": None, "yes": None},
    {"key": "h", "words": " padded ", "count": 3, "share": 80669.0, "day": None, "yes": None},
    {"key": "i", "words": "=1+1", "count": 4, "share": 2.5e-7, "day": None, "yes": None},
    {"key": "j", "words": "carriage\rreturn", "count": 5, "share": 0.30000000000000004, "day": None, "yes": None},
    {"key": "k", "words": '"', "count": 6, "share": 1e16, "day": None, "yes": None},
    {"key": "l", "words": "# no comment", "count": 8, "share": -0.5, "day": None, "yes": None},
    {"key": "m", "words": "back\\slash", "count": 9, "share": 100.0, "day": None, "yes": None},
]


def arrow(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema(TABLE))


def test_hard_cells_read_back_from_both(tmp_path: Path) -> None:
    parquet, text = tables.write(arrow(HARD), TABLE, tmp_path)
    assert tables.read_parquet(parquet).to_pylist() == HARD
    assert tables.read_csv(text, COLUMNS).to_pylist() == HARD


def test_hard_cells_read_back_by_others(tmp_path: Path) -> None:
    _, text = tables.write(arrow(HARD), TABLE, tmp_path)
    with text.open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream, strict=True))
    assert [r["words"] for r in read] == [r["words"] or "" for r in HARD]
    assert [float(r["share"]) if r["share"] else None for r in read] == [r["share"] for r in HARD]
    with duckdb.connect() as connection:
        types = {"key": "VARCHAR", "words": "VARCHAR", "count": "BIGINT", "share": "DOUBLE", "day": "DATE"}
        found = connection.execute(
            f"SELECT * FROM read_csv('{text}', header = true, nullstr = '', quote = '\"', escape = '\"', "
            f"allow_quoted_nulls = false, columns = {types | {'yes': 'BOOLEAN'}})"
        ).fetchall()
    assert [dict(zip(COLUMNS, row, strict=True)) for row in found] == HARD


def test_hostile_text_arrives_intact_in_both(tmp_path: Path) -> None:
    """As it is, also where a spreadsheet would take it for a formula: programs read these files, and must not be lied to."""
    rows = [{**HARD[1], "key": f"{i:03}", "words": text} for i, text in enumerate(HOSTILE)]
    parquet, text = tables.write(arrow(rows), TABLE, tmp_path)
    with text.open(encoding="utf-8", newline="") as stream:
        by_python = [row["words"] for row in csv.DictReader(stream, strict=True)]
    with duckdb.connect() as connection:
        by_duckdb = connection.execute(f"SELECT words FROM read_parquet('{parquet}') ORDER BY key").fetchall()
    assert by_python == list(HOSTILE) == [words for (words,) in by_duckdb]
    assert tables.read_csv(text, COLUMNS).to_pylist() == rows
    assert tables.content_digest(tables.read_csv(text, COLUMNS)) == tables.content_digest(arrow(rows))


def test_cells_that_a_spreadsheet_takes_for_formulas_are_counted() -> None:
    texts = ["=1+1", "=1+1", "+33", "-2+3", "@A", "\t=1", "\r=1", "\n=1", " =1", "a=1", "-2", "-2.5", "", None]
    rows = [{**HARD[1], "key": f"{i:03}", "words": text} for i, text in enumerate(texts)]
    assert tables.formula_like({"made": arrow(rows)}) == [("made", "words", 7)]
    assert tables.formula_like({"made": arrow(rows[7:])}) == []


def test_characters_that_no_file_can_hold_are_counted() -> None:
    rows = [{**HARD[1], "key": f"{i:03}", "words": text} for i, text in enumerate([*IMPOSSIBLE, *HOSTILE])]
    assert tables.unprintable({"made": arrow(rows)}) == [("made", "words", len(IMPOSSIBLE))]
    assert tables.unprintable({"made": arrow(rows[len(IMPOSSIBLE) :])}) == []


def test_a_parquet_says_what_it_is(tmp_path: Path) -> None:
    parquet, _ = tables.write(arrow(HARD), TABLE, tmp_path, {"release": "2026.11.0", "schema_version": "9.8.7"})
    said = {k.decode(): v.decode() for k, v in pq.ParquetFile(parquet).metadata.metadata.items()}
    assert {
        "release": "2026.11.0",
        "schema_version": "9.8.7",
        "table": "made",
        "title": "Made up",
    }.items() <= said.items()
    assert (said["row"], said["key"]) == ("One row.", "key")
    assert json.loads(said["columns"]) == {name: {"description": f"The {name}."} for name in COLUMNS}


def test_csv_is_plain(tmp_path: Path) -> None:
    rows = [row for row in HARD if "\r" not in (row["words"] or "")]
    _, text = tables.write(arrow(rows), TABLE, tmp_path)
    data = text.read_bytes()
    assert data.startswith(b"key,words,count,share,day,yes\n")
    assert b"\r" not in data
    lines = io.StringIO(data.decode("utf-8"), newline="").read()
    assert '\na,"",0,0.0,1900-01-01,false\n' in lines  # empty
    assert "\nb,,,,,\n" in lines  # missing
    assert lines.endswith("\n")


def test_a_folder_with_a_quote_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    _, text = tables.write(arrow(HARD), TABLE, folder)
    assert tables.read_csv(text, COLUMNS).num_rows == len(HARD)


def test_digest_is_the_same_in_any_order_format_and_engine(tmp_path: Path) -> None:
    parquet, text = tables.write(arrow(HARD), TABLE, tmp_path)
    expected = tables.content_digest(arrow(HARD))
    mixed = list(HARD)
    for seed in range(5):
        random.Random(seed).shuffle(mixed)
        assert mixed != HARD
        assert tables.content_digest(arrow(mixed)) == expected
    assert tables.content_digest(tables.read_parquet(parquet)) == expected
    assert tables.content_digest(tables.read_csv(text, COLUMNS)) == expected
    with duckdb.connect() as connection:
        by_duckdb = connection.sql(f"SELECT * FROM read_parquet('{parquet}') ORDER BY share").to_arrow_table()
    assert tables.content_digest(by_duckdb) == expected
    plain, chunked = tmp_path / "plain.parquet", tmp_path / "chunked.parquet"
    pq.write_table(arrow(HARD), plain, compression="none", use_dictionary=False)
    pq.write_table(arrow(HARD), chunked, row_group_size=2, compression="snappy")
    assert plain.read_bytes() != parquet.read_bytes() != chunked.read_bytes()
    assert tables.content_digest(pq.read_table(plain)) == expected
    assert tables.content_digest(pq.read_table(chunked)) == expected


def test_minus_zero_is_zero() -> None:
    below = [{**row, "share": -0.0} if row["share"] == 0.0 else row for row in HARD]
    assert tables.content_digest(arrow(below)) == tables.content_digest(arrow(HARD))


CHANGES = {
    "words": ["x", "", None, "NA ", "\n"],
    "count": [10, None, -10],
    "share": [0.30000000000000009, None, 1e301],
    "day": [date(2000, 1, 1), None],
    "yes": [True, False, None],
    "key": ["z"],
}


@pytest.mark.parametrize(
    ("at", "column", "value"),
    [
        (at, column, value)
        for at in range(len(HARD))
        for column, changed in CHANGES.items()
        for value in changed
        if HARD[at][column] != value
    ],
)
def test_digest_differs_when_a_cell_changes(at: int, column: str, value: Any) -> None:
    changed = [{**row, column: value} if i == at else row for i, row in enumerate(HARD)]
    assert tables.content_digest(arrow(changed)) != tables.content_digest(arrow(HARD))


def test_digest_differs_when_a_row_is_lost_added_or_doubled() -> None:
    expected = tables.content_digest(arrow(HARD))
    for rows in (HARD[1:], HARD[:-1], [*HARD, HARD[0]], [*HARD, {**HARD[0], "key": "n"}], []):
        assert tables.content_digest(arrow(rows)) != expected


def test_digest_differs_when_columns_change_names_or_places() -> None:
    rows = arrow(HARD)
    expected = tables.content_digest(rows)
    assert tables.content_digest(rows.rename_columns(["key", "text", "count", "share", "day", "yes"])) != expected
    assert tables.content_digest(rows.select(["words", "key", "count", "share", "day", "yes"])) != expected
    assert tables.content_digest(rows.select(["key", "words", "count", "share", "day"])) != expected


def test_cells_do_not_run_into_each_other() -> None:
    def pair(one: str, other: str) -> pa.Table:
        return pa.table({"one": [one], "other": [other]})

    assert tables.content_digest(pair("ab", "c")) != tables.content_digest(pair("a", "bc"))
    assert tables.content_digest(pa.table({"one": ["a", "b"]})) != tables.content_digest(pa.table({"one": ["ab", ""]}))


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1e\x1f"), max_size=8)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(CELL | st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_any_text_and_number_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[Any, float]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    rows = [
        {"key": f"{i:04}", "words": words, "count": i, "share": share + 0.0, "day": None, "yes": None}
        for i, (words, share) in enumerate(cells)
    ]
    _, text = tables.write(arrow(rows), TABLE, folder)
    assert tables.read_csv(text, COLUMNS).to_pylist() == rows


@pytest.mark.parametrize("seed", range(3))
def test_many_rows_sorted_on_disk_have_the_same_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Missing cells, every letter, and rows of which one is the beginning of another; read in pieces from both files."""
    chance = random.Random(seed)
    texts = [*HOSTILE, "", None, "a", "ab", "\U0010ffff", "\ue000"]
    rows = [
        {**chance.choice(HARD), "key": f"{i:05}", "words": chance.choice(texts)}
        for i in chance.sample(range(9000), 2500)
    ]
    found = arrow(sorted(rows, key=lambda row: row["key"]))
    in_memory = tables.content_digest(found)
    parquet, text = tables.write(found, TABLE, tmp_path)
    for name, size in {"PIECE": 700, "SORTED_IN_MEMORY": 100, "LARGE": 100, "AT_ONCE": 1 << 16}.items():
        monkeypatch.setattr(tables, name, size)
    assert tables.content_digest(found) == in_memory
    assert tables.parquet_digest(parquet) == in_memory
    assert tables.csv_digest(text, COLUMNS) == in_memory
    assert tables.content_digest(found.slice(1)) != in_memory
