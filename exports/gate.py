"""The gate: what may not leave, and every check asked again of exactly the bytes that are to be published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from dictionary.model import dictionary
from exports import tables
from warehouse import checks


class GateClosed(Exception):
    """The release was not written; the message is one sentence that says why."""


def refuse_internal(rows: dict[str, pa.Table]) -> None:
    """No row of an internal source, and none under an internal licence, may leave; this cannot be switched off."""
    internal = {
        s["source_id"]
        for s in rows["source"].select(["source_id", "licence_class"]).to_pylist()
        if s["licence_class"] == "internal"
    }
    barred = {key for key, licence in dictionary().licences.items() if licence.licence_class == "internal"}
    for name, table in rows.items():
        if (
            name != "source"
            and "licence" in table.column_names
            and (found := barred & set(table.column("licence").to_pylist()))
        ):
            raise GateClosed(
                f"Table {name} has rows under {sorted(found)[0]}, an internal licence; nothing was released."
            )
        for column in ("source_id", "rival_source_id", "persons_held_source"):
            if (
                name != "source"
                and column in table.column_names
                and (found := internal & set(table.column(column).to_pylist()))
            ):
                raise GateClosed(
                    f"Table {name} has rows of {sorted(found)[0]}, whose licence is internal; "
                    "run and release without CUSTODY_WITH. Nothing was released."
                )


def validate(folder: Path, digests: dict[str, str]) -> list[dict[str, Any]]:
    """Run every suite on the files to be published, and compare both formats with what the warehouse holds."""
    results: list[dict[str, Any]] = []
    for table in dictionary().tables.values():
        parquet = tables.read_parquet(folder / "tables" / f"{table.name}.parquet")
        csv = tables.read_csv(folder / "tables" / f"{table.name}.csv", {c.name: c.type for c in table.columns})
        for kind, read in (("parquet", parquet), ("csv", csv)):
            if tables.content_digest(read) != digests[table.name]:
                raise GateClosed(
                    f"Table {table.name} reads back from {kind} as other rows than were written; nothing was released."
                )
        for result in checks.run(table.name, parquet, checks.suite(table)):
            if result.blocks:
                raise GateClosed(f"{result.sentence()} Nothing was released.")
            results.append(result.as_dict())
    return results
