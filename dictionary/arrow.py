"""Arrow schemas from the dictionary. Apart from `dictionary.render` because pyarrow takes time to import."""

from __future__ import annotations

import pyarrow as pa

from dictionary.model import Table

ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table, with descriptions and units in the fields' metadata."""
    return pa.schema(
        [
            pa.field(
                c.name,
                ARROW_TYPES[c.type],
                nullable=c.nullable,
                metadata={"description": c.description, **({"unit": c.unit} if c.unit else {})},
            )
            for c in table.columns
        ],
        metadata={"table": table.name, "row": table.row},
    )
