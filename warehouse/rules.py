"""Rules of the field: SELECTs of the dictionary and of sources, each giving the rows that it concerns with `holds`.

A rule on a table whose rows come from sources is asked of each candidate before it is accepted, beside the vintage
before it; a rule on another table is asked when that is built. Great Expectations answers, as for every check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dictionary.model import Rule, dictionary
from dictionary.render import expectation, quote
from sources.catalogue import Source
from warehouse import checks
from warehouse.checks import Asked
from warehouse.results import CheckResult


def of_source(source: Source, table: str) -> list[Rule]:
    """The rules of a table for one source, whose own goes before the table's of the same name."""
    named = {rule.name: rule for rule in dictionary().tables[table].rules}
    return list((named | {rule.name: rule for rule in source.rules.get(table, ())}).values())


def ask_of_candidate(
    source: Source, candidate: Mapping[str, Path], earlier: Mapping[str, Path], known: Mapping[str, Any]
) -> list[Asked]:
    """Ask the rules of what was written of a candidate.

    Its tables go by their names; `earlier` is the same table of the vintage before, without rows where there is none.
    A table that only the vintage before has is asked about as well: it has no rows any more.

    Args:
        source: the source.
        candidate: the Parquet of each of its tables.
        earlier: that of the vintage before.
        known: what rules may ask for by `getvariable`.
    """
    asked = []
    with duckdb.connect() as connection:
        for name, value in known.items():
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        for table, path in {**earlier, **candidate}.items():
            gone = " WHERE false" if table not in candidate else ""
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet({quote(str(path))}){gone}")
        for table in {**candidate, **earlier}:
            before = f"FROM {table} WHERE false"
            if table in earlier:  # a column may be younger than that vintage
                before += f" UNION ALL BY NAME FROM read_parquet({quote(str(earlier[table]))})"
            connection.execute(f"CREATE OR REPLACE VIEW earlier AS {before}")
            asked += list(ask(connection, table, of_source(source, table)))
    return asked


def ask(connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule]) -> Iterator[Asked]:
    """Ask rules of a table; one whose SELECT cannot be answered could not run."""
    for rule in rules:
        try:
            rows = concerned(connection, rule)
        except (duckdb.Error, ValueError) as error:
            answer: Future[list[CheckResult]] = Future()
            said = " ".join(str(error).split("\n\nLINE ")[0].split())
            answer.set_result(
                [CheckResult(table, rule.name, (), rule.severity, rule.reason, "could_not_run", 0, detail=said)]
            )
            yield Asked(table, [], answer)
        else:
            yield checks.submit(table, rows, [expectation(rule)])


def concerned(connection: duckdb.DuckDBPyConnection, rule: Rule) -> pa.Table:
    """The rows that a rule is about; what cannot be told does not hold.

    Raises:
        duckdb.Error: when its SELECT cannot be answered.
        ValueError: when `holds` is not boolean.
    """
    sql = rule.sql.rstrip().rstrip(";")
    rows: pa.Table = connection.sql(f"SELECT * REPLACE (coalesce(holds, false) AS holds) FROM ({sql})").to_arrow_table()
    if (kind := rows.schema.field("holds").type) != pa.bool_():
        raise ValueError(f"holds is {kind}, not boolean.")
    return rows
