"""What follows from the dictionary alone: DDL, expectations, codebook text and data package fields.

Pure functions from `Table` to text or plain data; no framework is imported. Arrow schemas are in `dictionary.arrow`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dictionary.model import Check, Column, Dictionary, Rule, Severity, Table

SQL_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}
PACKAGE_TYPES = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "date": "date",
    "boolean": "boolean",
}


def quote(text: str) -> str:
    """A text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def ddl(table: Table, name: str | None = None) -> str:
    """The CREATE TABLE statement with comments; uniqueness is a check, not an index."""
    target = name or f'"{table.name}"'
    columns = ",\n".join(f'  "{c.name}" {SQL_TYPES[c.type]}{"" if c.nullable else " NOT NULL"}' for c in table.columns)
    comments = [f"COMMENT ON TABLE {target} IS {quote(table.row)};"]
    comments += [f'COMMENT ON COLUMN {target}."{c.name}" IS {quote(c.description)};' for c in table.columns]
    return f"CREATE TABLE {target} (\n{columns}\n);\n" + "\n".join(comments)


#: Expectations that a union of accepted vintages can break although each vintage has passed.
ABOUT_THE_WHOLE = frozenset(
    {
        "expect_table_columns_to_match_ordered_list",
        "expect_table_row_count_to_be_between",
        "expect_column_values_to_be_unique",
        "expect_compound_columns_to_be_unique",
    }
)


@dataclass(frozen=True)
class Expectation:
    """One Great Expectations expectation as plain data, with what Custody adds: severity, reason, a rule's name."""

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    reason: str
    rule: str | None = None

    @property
    def name(self) -> str:
        """What an answer is called by: the rule's name, else the type."""
        return self.rule or self.type

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about; none where it is about the whole table, or a rule's own columns."""
        if self.rule:
            return ()
        if "column_list" in self.kwargs:
            return () if self.type.startswith("expect_table") else tuple(self.kwargs["column_list"])
        return tuple(self.kwargs[k] for k in ("column", "column_A", "column_B") if k in self.kwargs)


def expectations(table: Table, codes: Mapping[str, Sequence[str]]) -> list[Expectation]:
    """The suite of a table.

    Args:
        table: the table.
        codes: the allowed codes of every code list that the table's columns name.
    """
    suite: list[Expectation] = []

    def expect(type_: str, reason: str, severity: Severity = "critical", **kwargs: Any) -> None:
        suite.append(Expectation(type_, kwargs, severity, reason))

    expect(
        "expect_table_columns_to_match_ordered_list",
        "The columns are those of the dictionary, in its order.",
        column_list=list(table.column_names),
    )
    if not table.may_be_empty:
        expect("expect_table_row_count_to_be_between", "The table is never empty.", min_value=1)
    _unique(expect, table.key, f"The key of {table.name} is unique.")
    for column in table.columns:
        _column(expect, column, codes)
    for check in table.checks:
        suite.append(_domain(check))
    return suite


def expectation(rule: Rule) -> Expectation:
    """What is expected of the rows that the SELECT of a rule gives."""
    kwargs = {"column": "holds", "value_set": [True], "mostly": rule.mostly}
    return Expectation("expect_column_values_to_be_in_set", kwargs, rule.severity, rule.reason, rule.name)


def _unique(expect: Any, columns: Sequence[str], reason: str) -> None:
    if len(columns) == 1:
        expect("expect_column_values_to_be_unique", reason, column=columns[0])
    else:
        expect("expect_compound_columns_to_be_unique", reason, column_list=list(columns), ignore_row_if="never")


def _column(expect: Any, column: Column, codes: Mapping[str, Sequence[str]]) -> None:
    name = column.name
    if not column.nullable:
        expect("expect_column_values_to_not_be_null", f"{name} is never missing.", column=name)
    if column.codes:
        expect(
            "expect_column_values_to_be_in_set",
            f"{name} holds only codes of the list {column.codes}.",
            column=name,
            value_set=list(codes[column.codes]),
        )
    if column.pattern:
        expect(
            "expect_column_values_to_match_regex",
            f"{name} has the form {column.pattern}.",
            column=name,
            regex=column.pattern,
        )
    if column.minimum is not None or column.maximum is not None:
        bounds = {"min_value": column.minimum, "max_value": column.maximum}
        expect(
            "expect_column_values_to_be_between",
            f"{name} is {_bounds(column)}.",
            column=name,
            **{k: v for k, v in bounds.items() if v is not None},
        )


def _bounds(column: Column) -> str:
    def bound(value: float | str | None, number: str, day: str) -> list[str]:
        if value is None:
            return []
        return [f"{day} {value}" if isinstance(value, str) else f"{number} {value:g}"]

    low = bound(column.minimum, "at least", "not before")
    return " and ".join(low + bound(column.maximum, "at most", "not after"))


def _domain(check: Check) -> Expectation:
    match check.kind:
        case "null_only_when":
            rows = {"column": check.when_column, "operator": "not_in", "values": list(check.when_values)}
            kwargs: dict[str, Any] = {"column": check.column, "rows": rows}
            return Expectation("expect_column_values_to_not_be_null", kwargs, check.severity, check.reason)
        case "between":
            bounds = {"min_value": check.minimum, "max_value": check.maximum}
            kwargs = {"column": check.column, **{k: v for k, v in bounds.items() if v is not None}}
            if check.where:
                kwargs["rows"] = {
                    "column": check.where.column,
                    "operator": "in",
                    "values": list(check.where.values),
                }
            return Expectation("expect_column_values_to_be_between", kwargs, check.severity, check.reason)
        case "not_after":
            kwargs = {"column_A": check.other, "column_B": check.column, "or_equal": True}
            kwargs["ignore_row_if"] = "either_value_is_missing"
            type_ = "expect_column_pair_values_a_to_be_greater_than_b"
            return Expectation(type_, kwargs, check.severity, check.reason)
        case "unique_together":
            kwargs = {"column_list": list(check.columns), "ignore_row_if": "never"}
            return Expectation("expect_compound_columns_to_be_unique", kwargs, check.severity, check.reason)


def package_fields(table: Table, words: Dictionary, there: Collection[str] | None = None) -> dict[str, Any]:
    """The Table Schema (Data Package v2) of a table: fields, constraints, keys, missing values.

    `there` are the tables that the package has, where it does not have all: nothing can refer to another.
    """
    fields = []
    for column in table.columns:
        constraints: dict[str, Any] = {} if column.nullable else {"required": True}
        if column.codes and column.codes not in ("place",):
            constraints["enum"] = list(words.codes(column.codes))
        if column.pattern:
            constraints["pattern"] = column.pattern
        if column.minimum is not None:
            constraints["minimum"] = column.minimum
        if column.maximum is not None:
            constraints["maximum"] = column.maximum
        field: dict[str, Any] = {
            "name": column.name,
            "type": PACKAGE_TYPES[column.type],
            "description": column.description,
        }
        if column.unit:
            field["unit"] = column.unit
        if constraints:
            field["constraints"] = constraints
        fields.append(field)
    schema: dict[str, Any] = {"fields": fields, "primaryKey": list(table.key), "missingValues": [""]}
    keys = [
        {"fields": list(own), "reference": {"resource": other, "fields": list(theirs)}}
        for own, other, theirs in foreign_keys(table)
        if there is None or other in there
    ]
    return schema | ({"foreignKeys": keys} if keys else {})


#: Identities of rows of other tables: a column of that name, alone or at the end of its own, says which row.
REFERS = {"source_id": "source", "figure_id": "figure", "observation_id": "observation"}
#: Tables whose `source_id` may be `several`, for a figure that is added up from parts of several sources.
OF_SEVERAL_SOURCES = frozenset({"figure", "disagreement", "supervision"})
FILE = ("source_id", "file", "vintage")


def foreign_keys(table: Table) -> list[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """The columns of a table that name rows of another one: these columns, that table, and its columns."""
    keys: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = []
    for column in table.columns:
        if column.codes == "place":
            keys.append(((column.name,), "place", ("place_id",)))
            continue
        for identity, other in REFERS.items():
            mixed = column.name == "source_id" and table.name in OF_SEVERAL_SOURCES
            if (column.name == identity or column.name.endswith(f"_{identity}")) and other != table.name and not mixed:
                keys.append(((column.name,), other, (identity,)))
    if set(FILE) <= set(table.column_names) and table.name != "snapshot":
        keys.append((FILE, "snapshot", FILE))
    return keys


def codebook_rows(words: Dictionary) -> list[dict[str, Any]]:
    """The codebook as a table: a row for each column of each table."""
    return [
        {
            "table": table.name,
            "position": position,
            "column": c.name,
            "type": c.type,
            "unit": c.unit,
            "may_be_missing": c.nullable,
            "in_key": c.name in table.key,
            "codes": c.codes,
            "pattern": c.pattern,
            "minimum": c.minimum,
            "maximum": c.maximum,
            "description": c.description,
        }
        for table in words.tables.values()
        for position, c in enumerate(table.columns, 1)
    ]


def code_rows(words: Dictionary) -> list[dict[str, Any]]:
    """Every code of every list with its meaning; measures and licences are lists too."""
    rows = [
        {"codes": name, "code": code, "meaning": meaning}
        for name, codes in words.code_lists.items()
        for code, meaning in codes.codes.items()
    ]
    rows += [{"codes": "measure", "code": code, "meaning": m.description} for code, m in words.measures.items()]
    return rows + [{"codes": "licence", "code": code, "meaning": lic.title} for code, lic in words.licences.items()]


def codebook(words: Dictionary) -> str:
    """The codebook in Markdown: every table, column, code list, measure and licence."""
    out = ["# Codebook", "", "Made from the data dictionary; every word here is the one the checks use.", ""]
    for table in words.tables.values():
        out += [f"## {table.name}: {table.title}", "", table.row, ""]
        out += [f"Key: {', '.join(table.key)}. Sorted by: {', '.join(table.sort)}.", ""]
        out += [
            "| column | type | unit | may be missing | codes | meaning |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        out += [
            f"| {c.name} | {c.type} | {c.unit or ''} | {'yes' if c.nullable else 'no'} | {c.codes or ''} "
            f"| {c.description} |"
            for c in table.columns
        ]
        out += [""]
    out += [
        "## Measures",
        "",
        "| measure | unit | nature | breakdowns | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    out += [
        f"| {name} | {m.unit} | {m.nature} | {', '.join(m.applies)} | {m.description} |"
        for name, m in words.measures.items()
    ]
    for name, codes in words.code_lists.items():
        out += ["", f"## Code list {name}: {codes.title}", "", "| code | meaning |", "| --- | --- |"]
        out += [f"| {code} | {meaning} |" for code, meaning in codes.codes.items()]
    out += [
        "",
        "## Licences of the figures",
        "",
        "| licence | class | title | address |",
        "| --- | --- | --- | --- |",
    ]
    out += [f"| {name} | {lic.licence_class} | {lic.title} | {lic.url or ''} |" for name, lic in words.licences.items()]
    return "\n".join(out) + "\n"
