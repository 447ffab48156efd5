"""How the command prints: tables for people, JSON for programs, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def number(value: float | int | None) -> str:
    """A count with thousands separated; a dash where it is missing."""
    return "-" if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """A share as a percentage; a dash where it is missing."""
    return "-" if value is None else f"{value:.1%}"


def as_json(content: Any) -> None:
    """Print as JSON."""
    print(json.dumps(content, indent=1, ensure_ascii=False, default=str))


def table(rows: Sequence[Mapping[str, Any]], right: Sequence[str] = ()) -> None:
    """Print rows as a table as wide as the terminal; columns in `right` are aligned right."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print("Nothing.")
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0]:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if v is None else _escape(str(v)) for v in row.values()))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(made)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def progress(line: str) -> None:
    """One line of progress."""
    print(f"  {line}", file=sys.stderr, flush=True)
