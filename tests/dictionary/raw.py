"""The dictionary as the YAML files say it, read without the program's loader, for what tests expect."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent.parent / "dictionary"


@cache
def content(name: str) -> dict[str, Any]:
    """One file."""
    return dict(yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")))


def table_names() -> list[str]:
    """The tables: one file each."""
    return sorted(path.stem for path in (FOLDER / "tables").glob("*.yml"))


@cache
def columns(table: str) -> list[dict[str, Any]]:
    """The columns of a table in order, what it says itself laid over what all tables share."""
    shared = content("columns.yml")
    made = []
    for item in content(f"tables/{table}.yml")["columns"]:
        (name, own), *_ = [(item, {})] if isinstance(item, str) else item.items()
        made.append({"name": name, "nullable": False, **shared.get(name, {}), **own})
    return made


def codes(name: str) -> list[str]:
    """The codes of a list that the dictionary holds."""
    whole = {"measure": "measures.yml", "licence": "licences.yml"}
    return list(content(whole[name])) if name in whole else list(content("codes.yml")[name]["codes"])
