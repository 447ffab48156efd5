"""The models: one .sql file is one table; what it reads, and so the order of building, is told from the SQL itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from dictionary.model import Table, dictionary
from sources.errors import Refused
from warehouse.computed import COMPUTATIONS, Computation
from warehouse.reads import tables_read

HERE = Path(__file__).parent
FOLDER = HERE / "models"


@dataclass(frozen=True)
class Model:
    """One table: its SQL, its definition in the dictionary, the tables that it reads, and who computes others for it.

    What a computation reads, a model that uses it reads too.
    """

    name: str
    sql: str
    table: Table
    reads: frozenset[str]
    uses: frozenset[Computation] = frozenset()


def read_models(folder: Path, tables: Mapping[str, Table]) -> list[Model]:
    """The models of a folder in the order in which they can be built.

    Raises:
        Refused: for a table without SQL, SQL without a dictionary entry, SQL that cannot be parsed, or a circle.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    if lonely := sorted(set(paths) ^ set(tables)):
        name = lonely[0]
        lacks = f"dictionary/tables/{name}.yml" if name in paths else f"warehouse/models/{name}.sql"
        raise Refused(f"Table {name} has no {lacks}; a table is one .sql file and one dictionary entry.")
    models: dict[str, Model] = {}
    for name, path in paths.items():
        sql = path.read_text(encoding="utf-8")
        try:
            reads = tables_read(sql)
        except ValueError as error:
            raise Refused(f"warehouse/models/{path.name}: {error}") from error
        made = {c for c in COMPUTATIONS if reads & c.makes}
        reads = (reads - frozenset().union(*(c.makes for c in made))).union(*(c.reads() for c in made))
        if unknown := sorted(reads - set(paths)):
            raise Refused(f"warehouse/models/{path.name} reads {unknown[0]}, which is no table.")
        models[name] = Model(name, sql, tables[name], reads, frozenset(made))
    try:
        return [models[name] for name in _order({m.name: m.reads for m in models.values()})]
    except CycleError as error:
        raise Refused(f"The models {', '.join(error.args[1])} read each other in a circle.") from error


def _order(reads: Mapping[str, frozenset[str]]) -> list[str]:
    """What is read before what reads it, and of what could be next that on which most depends.

    So the great tables come early, and their checks run while the small ones are built.
    """
    sorter = TopologicalSorter(reads)
    behind = {name: {name} for name in reads}
    for name in reversed(list(sorter.static_order())):
        for read in reads[name]:
            behind[read] |= behind[name]
    sorter = TopologicalSorter(reads)
    sorter.prepare()
    ready: list[str] = []
    order: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=lambda name: (-len(behind[name]), name))
        order.append(ready.pop(0))
        sorter.done(order[-1])
    return order


@cache
def models() -> list[Model]:
    """The models of this installation."""
    return read_models(FOLDER, dictionary().tables)
