"""The part of a release that anybody may pass on: tables made anew from sources under open licences alone.

Rows are not picked from the whole: what is chosen and added up there may rest on sources that are not open. The models
are built a second time, from open vintages.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from dictionary.model import dictionary
from exports import contents, descriptors, gate, tables
from exports.gate import GateClosed
from sources.catalogue import LICENCES, only_open
from sources.home import Home, write_bytes, write_json
from warehouse.build import build_open, connect, open_home

FOLDER = "tables/open"


def write(folder: Path, home: Home, name: str, today: date, as_of: date, progress: Callable[[str], None]) -> None:
    """Write the open part of a release into its folder, with the answers to the checks of its files as published.

    Raises:
        GateClosed: when a row in it is not under an open licence, or as `gate.validate`.
    """
    made = build_open(home, as_of)
    lacking = made.left_out
    with connect(open_home(home)) as connection:
        words = dictionary().tables
        rows = {t.name: tables.read_warehouse(connection, t) for t in words.values() if t.name not in lacking}
    refuse_closed(rows)
    contents.refuse_unprintable(rows)
    target = folder / FOLDER
    contents.write_tables(target, name, rows)
    digests = {table: tables.content_digest(found) for table, found in rows.items()}
    checks = gate.validate(target, digests)
    files = descriptors.described(target, contents.table_files(rows))
    told = {
        "release": name,
        "as_of": as_of.isoformat(),
        "sources": (used := rows["source"].column("source_id").to_pylist()),
        "left_out": dict(lacking),
        "content_digest": tables.release_digest(digests),
        "table_digests": digests,
    }
    write_json(target / "provenance.json", told)
    write_json(target / "datapackage.json", descriptors.package(files, name, today, rows))
    write_bytes(target / "LICENCES.md", descriptors.licences(rows["source"]).encode())
    write_bytes(target / "README.txt", readme(name, lacking).encode())
    write_json(target / "validation.json", contents.validation_of(name, as_of.isoformat(), checks))
    progress(f"{len(rows)} tables from {len(used)} open sources; left out: {', '.join(sorted(lacking)) or 'none'}")


def refuse_closed(rows: Mapping[str, pa.Table]) -> None:
    """No row under another than an open licence, and none of a source under one, may be in the open part.

    Raises:
        GateClosed: naming the table.
    """
    words = dictionary()
    licences = {key for key, licence in words.licences.items() if licence.licence_class == "open"}
    known = {*rows["source"].column("source_id").to_pylist(), "several", None}
    allowed = {"licence": licences, "source_id": known, "rival_source_id": known, "persons_held_source": known}
    for name, table in rows.items():
        for column, values in allowed.items():
            if column in table.column_names and (odd := set(table.column(column).unique().to_pylist()) - values):
                raise GateClosed(f"{FOLDER}: {name}.{column} has {sorted(odd)[0]}, not open; nothing was released.")


def readme(name: str, lacking: Mapping[str, str]) -> str:
    """What the open part is, and which tables it does not have, with the reason of each."""
    said = (
        f"Release {name} of Custody, the part that is made from sources under open licences alone (LICENCES.md). The "
        "figures were chosen, added up and estimated a second time from these sources, so that a figure chosen here, "
        "and an estimate, may differ from the one in the whole release, which knows more. Columns are those of "
        "codebook.md of the whole release; datapackage.json describes the files."
    )
    out = [textwrap.fill(f"- {table}: {why}", 100, subsequent_indent="  ") for table, why in sorted(lacking.items())]
    without = "\n\nTables that are left out, and why:\n\n" + "\n".join(out) if out else ""
    return textwrap.fill(said, 100) + without + "\n"


def all_open(rows: Mapping[str, pa.Table]) -> bool:
    """Whether tables are of open sources alone.

    Raises:
        GateClosed: when they are not, and the environment asks for no others.
    """
    closed = [s for s in rows["source"].to_pylist() if s["licence_class"] != "open"]
    if closed and only_open():
        raise GateClosed(
            f"{LICENCES}=open is set, and the warehouse has {closed[0]['source_id']}; "
            "`custody run --offline` builds one of open sources alone. Nothing was released."
        )
    return not closed
