"""The world on a day that a warehouse does not have, from the figures that it has; the warehouse is not touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb

from dictionary.model import dictionary
from dictionary.render import quote
from sources.errors import Refused
from sources.home import Home
from warehouse import reference
from warehouse.build import connect
from warehouse.computed import Computation
from warehouse.models import models

#: The models that depend on the day and are made anew.
OF_THE_DAY = ("world_place", "estimate", "world_total", "world_walk")


@contextmanager
def on_day(home: Home, day: date) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which these tables are of one day, and all others the warehouse's.

    Raises:
        Refused: when there is no warehouse, or on the day too little is known of the world.
    """
    connect(home).close()  # says what is wrong with the warehouse, if anything is
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {quote(str(home.warehouse))} AS stored (READ_ONLY)")
        connection.execute("CREATE SCHEMA reference; SET search_path = 'memory.main,stored.main'")
        reference.load_rules(connection, [day])
        made: set[Computation] = set()
        for model in models():
            if model.name in OF_THE_DAY:
                for computation in model.uses - made:
                    computation.make(connection)
                made |= model.uses
                columns = ", ".join(f'"{name}"' for name in model.table.column_names)
                connection.execute(
                    f"CREATE TABLE memory.main.{model.name} AS SELECT {columns} FROM ({model.sql.rstrip().rstrip(';')})"
                )
        ((share,),) = connection.execute(
            "SELECT max(population_share) FROM world_total WHERE level = 'world'"
        ).fetchall()
        (least,) = (c.minimum for c in dictionary().tables["world_total"].checks if c.column == "population_share")
        if share is None or least is None or share < least:
            raise Refused(f"Too little of the world is known on {day} for a total; choose a later day.")
        yield connection
