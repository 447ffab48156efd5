"""Claims in wide use and the queries for what bears on each, as claims.yml has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from dictionary.model import LOADER, dictionary
from dictionary.render import quote
from sources.errors import Refused
from warehouse.reads import COMPUTED, tables_read

PATH = Path(__file__).parent / "claims.yml"
#: What a claim says of itself, and what its query gives.
SAYS = ("claim", "text", "said_by", "citation", "conditions")
GIVES = ("row_table", "row_key", "what", "value", "unit", "bears")


@cache
def claims() -> list[dict[str, Any]]:
    """The claims.

    Raises:
        Refused: when one lacks something or has something unknown.
    """
    found: list[dict[str, Any]] = yaml.load(PATH.read_text(encoding="utf-8"), Loader=LOADER)
    for claim in found:
        if odd := set(claim) ^ {*SAYS, "evidence"}:
            raise Refused(f"{PATH.name}: {claim.get('claim')}: {min(odd)} is missing or unknown.")
    return found


def reads() -> frozenset[str]:
    """The models that the queries read.

    Raises:
        Refused: when a query is none.
    """
    found: set[str] = set()
    for claim in claims():
        try:
            found |= tables_read(claim["evidence"])
        except ValueError as error:
            raise Refused(f"{PATH.name}: {claim['claim']}: {error}") from error
    return frozenset(found)


def make_evidence(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of all that bears on the claims.

    Raises:
        Refused: when a query does not give what it should.
    """
    given = ", ".join("value::DOUBLE AS value" if name == "value" else name for name in GIVES)
    asked = (f"SELECT {quote(c['claim'])} AS claim, {given} FROM ({c['evidence']})" for c in claims())
    made = " UNION ALL ".join(asked)
    try:
        connection.execute(f"CREATE TABLE {COMPUTED}.claim_evidence AS {made}")
    except duckdb.BinderException as error:
        raise Refused(f"{PATH.name}: {str(error).splitlines()[0]}") from error
    bearings = dictionary().codes("bearing")
    (unknown,) = connection.execute(
        f"SELECT any_value(bears) FROM {COMPUTED}.claim_evidence WHERE NOT list_contains(?, bears)", [list(bearings)]
    ).fetchall()[0]
    if unknown:
        raise Refused(f"{PATH.name}: {unknown} is no way to bear on a claim; these are {', '.join(bearings)}.")
