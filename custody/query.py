"""One SELECT on the warehouse, as `custody sql` asks it: read-only, without files or network, and heard by Ctrl-C."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb

from custody.app import USAGE, fail
from sources.home import Home
from warehouse.build import connect


def select(home: Home, query: str) -> list[dict[str, Any]] | None:
    """The rows that a query gives; None where it is empty.

    Raises:
        Exit: when it is several statements, or DuckDB refuses it; one sentence has been printed.
    """
    with connect(home) as connection:
        connection.execute(
            "SET enable_progress_bar = false; SET enable_external_access = false; SET lock_configuration = true"
        )

        def ask() -> list[dict[str, Any]] | None:
            if len(connection.extract_statements(query)) > 1:
                raise fail("that is several statements; give one SELECT.", USAGE)
            answer = connection.execute(query)
            if answer is None:  # nothing but white space, comments and semicolons
                return None
            columns = _told_apart([d[0] for d in answer.description or []])
            return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]

        with ThreadPoolExecutor(1) as second:  # in the first thread, DuckDB does not always hear Ctrl-C
            asked = second.submit(ask)
            try:
                rows = asked.result()
            except duckdb.Error as error:
                said = str(error).split("\n\nLINE ")[0]  # the rest repeats the query and points into it
                raise fail(" ".join(said.split())) from None
            except KeyboardInterrupt:
                connection.interrupt()
                raise
    return rows


def _told_apart(names: list[str]) -> list[str]:
    """Column names, of which a join may give one twice, each once."""
    made: list[str] = []
    for name in names:
        free = (name, *(f"{name}_{n}" for n in range(1, len(names) + 1)))
        made.append(next(each for each in free if each not in made))
    return made
