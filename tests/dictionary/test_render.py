"""What follows from the dictionary: DDL that DuckDB takes, Arrow schemas, expectations, codebook, package fields."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import duckdb
import pytest

from dictionary import arrow, render
from dictionary.model import Table, dictionary
from tests.dictionary import raw

TABLES = raw.table_names()

DUCKDB_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}

MADE = Table.model_validate(
    {
        "name": "made",
        "title": "Made up",
        "row": "One row; it's quoted -- \"so\".",
        "group": "model",
        "subject": "reference",
        "key": ["a", "b"],
        "sort": ["b", "a"],
        "columns": [
            {"name": "a", "type": "text", "description": "It's; DROP TABLE made; --", "codes": "letters"},
            {"name": "b", "type": "integer", "description": "A column of whole numbers.", "minimum": 0},
            {"name": "c", "type": "number", "description": "Share.", "maximum": 1, "minimum": 0, "nullable": True},
            {"name": "d", "type": "date", "description": "Day.", "minimum": "1900-01-01"},
            {"name": "e", "type": "date", "description": "Later day.", "nullable": True},
            {"name": "select", "type": "boolean", "description": "A word of SQL.", "nullable": True},
            {"name": "g", "type": "text", "description": "Form.", "pattern": "^x+$", "nullable": True},
        ],
        "checks": [
            {"kind": "null_only_when", "column": "c", "when_column": "a", "when_values": ["M", "N"],
             "severity": "warning", "reason": "one"},
            {"kind": "between", "column": "c", "maximum": 0.5, "where": {"column": "a", "values": ["K"]},
             "severity": "critical", "reason": "two"},
            {"kind": "between", "column": "b", "minimum": 1, "maximum": 9, "severity": "critical", "reason": "three"},
            {"kind": "not_after", "column": "d", "other": "e", "severity": "critical", "reason": "four"},
            {"kind": "unique_together", "columns": ["a", "d"], "severity": "critical", "reason": "five"},
        ],
    }
)  # fmt: skip


def described(table: Table) -> tuple[list[tuple[Any, ...]], str]:
    """What DuckDB says of a table made by its DDL: name, type, nullable and comment of each column; the comment."""
    with duckdb.connect() as connection:
        connection.execute(render.ddl(table))
        columns = connection.execute(
            "SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns() WHERE table_name = ? "
            "ORDER BY column_index",
            [table.name],
        ).fetchall()
        (comment,) = connection.execute("SELECT comment FROM duckdb_tables()").fetchone() or ("",)
    return columns, comment


@pytest.mark.parametrize("name", TABLES)
def test_ddl_makes_the_columns_of_the_dictionary(name: str) -> None:
    columns, comment = described(dictionary().tables[name])
    expected = [
        (c["name"], DUCKDB_TYPES[c["type"]], c["nullable"], c["description"].strip()) for c in raw.columns(name)
    ]
    assert [(n, t, null, text.strip()) for n, t, null, text in columns] == expected
    assert comment == raw.content(f"tables/{name}.yml")["row"]


def test_ddl_quotes_what_it_is_given() -> None:
    columns, comment = described(MADE)
    assert [c[0] for c in columns] == ["a", "b", "c", "d", "e", "select", "g"]
    assert columns[0][3] == "It's; DROP TABLE made; --"
    assert comment == 'One row; it\'s quoted -- "so".'


def test_ddl_refuses_a_missing_value_where_the_dictionary_does() -> None:
    row = {"a": "K", "b": 1, "c": 0.5, "d": "2020-01-01", "e": None, "select": True, "g": None}
    with duckdb.connect() as connection:
        connection.execute(render.ddl(MADE))
        for column in row:
            values = list({**row, column: None}.values())
            insert = f"INSERT INTO made VALUES ({', '.join('?' * len(values))})"
            if column in "abd":
                with pytest.raises(duckdb.ConstraintException, match=f"made.{column}"):
                    connection.execute(insert, values)
            else:
                connection.execute(insert, values)


def test_ddl_can_name_another_target() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA accepted")
        connection.execute(render.ddl(MADE, "accepted.made"))
        assert connection.execute("SELECT schema_name FROM duckdb_tables()").fetchall() == [("accepted",)]


@pytest.mark.parametrize("name", TABLES)
def test_arrow_schema_has_the_types_of_the_ddl(name: str) -> None:
    table = dictionary().tables[name]
    with duckdb.connect() as connection:
        connection.execute(render.ddl(table))
        stored = connection.sql(f'SELECT * FROM "{name}"').to_arrow_table().schema
    made = arrow.schema(table)
    assert [(f.name, f.type) for f in made] == [(f.name, f.type) for f in stored]
    assert [f.nullable for f in made] == [c["nullable"] for c in raw.columns(name)]
    for field, column in zip(made, raw.columns(name), strict=True):
        assert field.metadata[b"description"].decode() == column["description"]
        assert field.metadata.get(b"unit") == (column["unit"].encode() if column.get("unit") else None)


def test_every_rule_of_a_table_becomes_an_expectation() -> None:
    made = render.expectations(MADE, {"letters": ["K", "M", "N"]})
    told = [(e.type.removeprefix("expect_"), dict(e.kwargs), e.severity) for e in made]
    null, between = "column_values_to_not_be_null", "column_values_to_be_between"
    assert told == [
        ("table_columns_to_match_ordered_list", {"column_list": ["a", "b", "c", "d", "e", "select", "g"]}, "critical"),
        ("table_row_count_to_be_between", {"min_value": 1}, "critical"),
        ("compound_columns_to_be_unique", {"column_list": ["a", "b"], "ignore_row_if": "never"}, "critical"),
        (null, {"column": "a"}, "critical"),
        ("column_values_to_be_in_set", {"column": "a", "value_set": ["K", "M", "N"]}, "critical"),
        (null, {"column": "b"}, "critical"),
        (between, {"column": "b", "min_value": 0}, "critical"),
        (between, {"column": "c", "min_value": 0, "max_value": 1}, "critical"),
        (null, {"column": "d"}, "critical"),
        (between, {"column": "d", "min_value": "1900-01-01"}, "critical"),
        ("column_values_to_match_regex", {"column": "g", "regex": "^x+$"}, "critical"),
        (null, {"column": "c", "rows": {"column": "a", "operator": "not_in", "values": ["M", "N"]}}, "warning"),
        (
            between,
            {"column": "c", "max_value": 0.5, "rows": {"column": "a", "operator": "in", "values": ["K"]}},
            "critical",
        ),
        (between, {"column": "b", "min_value": 1, "max_value": 9}, "critical"),
        # A is later or equal to B: the end is not before the start.
        (
            "column_pair_values_a_to_be_greater_than_b",
            {"column_A": "e", "column_B": "d", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
            "critical",
        ),
        ("compound_columns_to_be_unique", {"column_list": ["a", "d"], "ignore_row_if": "never"}, "critical"),
    ]
    assert all(e.reason.strip() for e in made)


def test_a_single_key_is_unique_and_a_table_that_may_be_empty_may_be() -> None:
    table = MADE.model_copy(update={"key": ("b",), "may_be_empty": True})
    types = Counter(e.type for e in render.expectations(table, {"letters": []}))
    assert types["expect_column_values_to_be_unique"] == 1
    assert types["expect_table_row_count_to_be_between"] == 0


@pytest.mark.parametrize("name", TABLES)
def test_suites_hold_every_rule_of_the_files(name: str) -> None:
    known = {c["codes"]: ["x"] for c in raw.columns(name) if c.get("codes")}
    suite = render.expectations(dictionary().tables[name], known)
    found = Counter((e.type, str(e.kwargs.get("column"))) for e in suite if "rows" not in e.kwargs)
    columns, checks = raw.columns(name), raw.content(f"tables/{name}.yml").get("checks", [])
    for column in columns:
        ranged = column.get("minimum") is not None or column.get("maximum") is not None
        capped = sum(c["kind"] == "between" and c["column"] == column["name"] and not c.get("where") for c in checks)
        assert found["expect_column_values_to_not_be_null", column["name"]] == (not column["nullable"])
        assert found["expect_column_values_to_be_in_set", column["name"]] == bool(column.get("codes"))
        assert found["expect_column_values_to_match_regex", column["name"]] == bool(column.get("pattern"))
        assert found["expect_column_values_to_be_between", column["name"]] == ranged + capped
    reasons = [e.reason for e in suite]
    assert all(check["reason"] in reasons for check in checks)


def test_codebook_names_everything() -> None:
    book = render.codebook(dictionary())
    lines = book.splitlines()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", book, re.MULTILINE | re.DOTALL))
    for name in TABLES:
        said = raw.content(f"tables/{name}.yml")
        section = sections[f"{name}: {said['title']}"]
        assert said["row"] in section
        rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
        assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [c["name"] for c in raw.columns(name)]
        for row, column in zip(rows, raw.columns(name), strict=True):
            assert column["description"].strip() in row
            assert f"| {column['type']} | {column.get('unit') or ''} |" in row
    for name, codes in raw.content("codes.yml").items():
        section = sections[f"Code list {name}: {codes['title']}"]
        assert [line for line in section.splitlines() if line.startswith("| ")][2:] == [
            f"| {code} | {meaning} |" for code, meaning in codes["codes"].items()
        ]
    for name, measure in raw.content("measures.yml").items():
        (line,) = (line for line in lines if line.startswith(f"| {name} | {measure['unit']} |"))
        assert line.endswith(f"| {', '.join(measure['applies'])} | {measure['description']} |")
    for name, licence in raw.content("licences.yml").items():
        assert f"| {name} | {licence['class']} | {licence['title']} | {licence['url'] or ''} |" in lines


def test_no_cell_of_the_codebook_breaks_its_table() -> None:
    widths = [line.count(" | ") for line in render.codebook(dictionary()).splitlines() if line.startswith("| ")]
    assert set(widths) <= {1, 3, 4, 5}  # codes, licences, measures, columns
    texts = [c["description"] for t in TABLES for c in raw.columns(t)]
    assert [text for text in texts if "|" in text or "\n" in text.strip()] == []


# Table Schema of the Data Package standard, version 2: which constraints each type of field may have.
ALLOWED = {
    "string": {"required", "unique", "pattern", "enum", "minLength", "maxLength"},
    "integer": {"required", "unique", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": {"required", "unique", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "date": {"required", "unique", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": {"required", "enum"},
}
STANDARD = {"text": "string", "integer": "integer", "number": "number", "date": "date", "boolean": "boolean"}


@pytest.mark.parametrize("name", TABLES)
def test_package_fields_follow_the_standard(name: str) -> None:
    schema = render.package_fields(dictionary().tables[name], dictionary())
    assert [f["name"] for f in schema["fields"]] == [c["name"] for c in raw.columns(name)]
    assert schema["missingValues"] == [""]
    assert schema["primaryKey"] == raw.content(f"tables/{name}.yml")["key"]
    for field, column in zip(schema["fields"], raw.columns(name), strict=True):
        constraints = field.get("constraints", {})
        assert field["type"] == STANDARD[column["type"]]
        assert field["description"] == column["description"]
        assert set(constraints) <= ALLOWED[field["type"]]
        assert constraints.get("required", False) == (not column["nullable"])
        for bound in ("minimum", "maximum"):
            assert constraints.get(bound) == column.get(bound)
            if bound in constraints and field["type"] in {"integer", "number"}:
                assert isinstance(constraints[bound], (int, float))
        own = column.get("codes") and column["codes"] != "place"
        assert constraints.get("enum") == (raw.codes(column["codes"]) if own else None)
        assert constraints.get("pattern") == column.get("pattern")
        assert field.get("unit") == column.get("unit")


@pytest.mark.parametrize("name", TABLES)
def test_every_place_is_a_foreign_key(name: str) -> None:
    schema = render.package_fields(dictionary().tables[name], dictionary())
    to_places = [[c["name"]] for c in raw.columns(name) if c.get("codes") == "place"]
    keys = schema.get("foreignKeys", [])
    assert [k["fields"] for k in keys if k["reference"] == {"resource": "place", "fields": ["place_id"]}] == to_places
    assert schema.get("foreignKeys") != []  # the standard wants at least one key in the list


FOREIGN = {
    "place": [],
    "source": [],
    "snapshot": ["source_id -> source"],
    "observation": ["source_id -> source", "place_id -> place", "source_id,file,vintage -> snapshot"],
    "figure": ["place_id -> place", "observation_id -> observation"],  # its source may be `several`
    "revision": [
        "observation_id -> observation", "earlier_observation_id -> observation", "source_id -> source", "place_id -> place",
    ],
    "world_place": [
        "place_id -> place", "within -> place", "figure_id -> figure", "source_id -> source", "next_figure_id -> figure",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_keys(name: str) -> None:
    found = render.foreign_keys(dictionary().tables[name])
    assert [f"{','.join(own)} -> {other}" for own, other, _ in found] == FOREIGN[name]


def test_nothing_refers_to_a_table_that_is_not_there() -> None:
    schema = render.package_fields(dictionary().tables["figure"], dictionary(), {"figure", "place"})
    assert [k["reference"]["resource"] for k in schema["foreignKeys"]] == ["place"]


def test_the_codebook_as_a_table_has_every_column_and_code() -> None:
    words = dictionary()
    rows = render.codebook_rows(words)
    assert [(r["table"], r["column"]) for r in rows] == [(t, c["name"]) for t in TABLES for c in raw.columns(t)]
    assert [r["description"] for r in rows] == [c["description"] for t in TABLES for c in raw.columns(t)]
    told = {(r["codes"], r["code"]) for r in render.code_rows(words)}
    named = {c["codes"] for t in TABLES for c in raw.columns(t) if c.get("codes")} - {"place"}
    assert {(name, code) for name in named for code in raw.codes(name)} <= told
