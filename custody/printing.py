"""How the command prints: tables for people, JSON for programs, progress and errors on standard error."""

from __future__ import annotations

import json
import math
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
    """Print as JSON, which has no word for a number that is none: it becomes null."""
    print(json.dumps(_finite(content), indent=1, ensure_ascii=False, default=str, allow_nan=False))


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


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
