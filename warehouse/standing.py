"""The warehouse that stands: what it was built from, what it holds, and whether it is still the one to have.

Read from the record beside the DuckDB file. Nothing heavy is imported here: `custody run` asks first whether there is
anything to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sources.catalogue import sources
from sources.errors import Refused
from sources.home import Home, read_json
from warehouse.records import Vintage, all_vintages, as_first_met
from warehouse.results import CheckResult, from_plain, to_plain

HERE = Path(__file__).parent

#: The quality report, and that of a build whose checks failed, below the home's folder of reports.
REPORT = "quality.html"
FAILED_REPORT = "failed.html"


@dataclass(frozen=True)
class BuiltTable:
    """One table of the warehouse: its rows and the answers to its checks."""

    name: str
    rows: int
    checks: list[CheckResult]


@dataclass(frozen=True)
class Build:
    """A warehouse as it stands; `new` says whether this call made it, `report` is its quality report.

    `left_out` are tables that are empty because a warehouse of open sources alone cannot have them, with the reason.
    """

    digest: str
    as_of: date
    tables: list[BuiltTable]
    new: bool
    report: Path
    left_out: Mapping[str, str] = field(default_factory=dict)


def default_as_of(today: date) -> date:
    """The last day of the last complete year."""
    return date(today.year - 1, 12, 31)


def code_digest() -> str:
    """A digest of all that turns accepted rows into tables: SQL, rules, the dictionary and this room's code."""
    digest = hashlib.sha256()
    own = [*HERE.rglob("*.sql"), *HERE.glob("*.yml"), *HERE.rglob("*.py")]
    for path in sorted([*own, *(HERE.parent / "dictionary").rglob("*.yml"), *(HERE.parent / "sources").glob("*.csv")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def inputs_digest(vintages: list[Vintage], as_of: date) -> str:
    """A digest of all that a warehouse is made from."""
    digest = hashlib.sha256(f"{code_digest()} {as_of} {version('duckdb')}".encode())
    for source in sources().values():
        digest.update((source.folder / "source.yml").read_bytes())
    for vintage, snapshot in zip(vintages, as_first_met(vintages), strict=True):
        named = [vintage.source_id, vintage.file, vintage.vintage, vintage.record["tables"], snapshot]
        digest.update(json.dumps(named, sort_keys=True).encode())
    return digest.hexdigest()


def is_current(home: Home, as_of: date) -> bool:
    """Whether the warehouse that is there is the one that `build` would make of what is accepted now."""
    return wanted(home, as_of) is None


def wanted(home: Home, as_of: date) -> str | None:
    """A name for the build that is to be made, None where the warehouse that is there is current.

    It names what is to be built and what stands now: figures that are withdrawn lead back to a warehouse that was
    built before, and it is to be built again.
    """
    found = find(home)
    digest = inputs_digest(all_vintages(home), as_of)
    if found is None:
        return f"{digest} on none"
    return None if found.digest == digest else f"{digest} on {identify(home.warehouse)['modified_ns']}"


def find(home: Home) -> Build | None:
    """The warehouse that is there, if its record belongs to it."""
    record = _record(home)
    if record is None:
        return None
    tables = [BuiltTable(t["name"], t["rows"], [from_plain(c) for c in t["checks"]]) for t in record["tables"]]
    day, lacking = date.fromisoformat(record["as_of"]), record.get("left_out", {})
    return Build(record["digest"], day, tables, False, home.reports / REPORT, lacking)


def _record(home: Home) -> dict[str, Any] | None:
    """The record that belongs to the warehouse; a build that was killed may have left it under its first name."""
    for path in (home.build_record, home.next_record):
        try:
            record = read_json(path)
            if record["file"] == identify(home.warehouse):
                return dict(record)
        except (OSError, Refused, KeyError, TypeError):  # a damaged record belongs to no warehouse
            continue
    return None


def failure(home: Home) -> dict[str, Any] | None:
    """What is written down of the last build if it failed: when, and why; None after a good one."""
    try:
        told = read_json(home.build_failure)
        return {"at": str(told["at"]), "why": str(told["why"])}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (Refused, KeyError, TypeError):
        return {"at": "an unknown time", "why": f"{home.build_failure} is damaged and does not say why."}


def standing(home: Home) -> Build:
    """The warehouse that is there.

    Raises:
        Refused: when there is none.
    """
    found = find(home)
    if found is None:
        raise Refused("There is no warehouse yet; run `custody run --offline` first.")
    return found


def identify(path: Path) -> dict[str, int]:
    """What tells one file from another made in its place; a rename or a faithful copy keeps it."""
    told = path.stat()
    return {"bytes": told.st_size, "modified_ns": told.st_mtime_ns}


def record(built: Build, file: dict[str, int]) -> dict[str, Any]:
    """What is written beside the DuckDB file; `file` says which one it belongs to."""
    tables = [{"name": t.name, "rows": t.rows, "checks": to_plain(t.checks)} for t in built.tables]
    return {
        "digest": built.digest,
        "as_of": built.as_of.isoformat(),
        "file": file,
        "left_out": dict(built.left_out),
        "tables": tables,
    }
