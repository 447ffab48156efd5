"""How the command prints: tables for people, JSON for programs, progress and errors on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sources.errors import obeyed, plain


def number(value: float | int | None) -> str:
    """A count with thousands separated; a dash where it is missing."""
    return "-" if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """A share as a percentage; a dash where it is missing."""
    return "-" if value is None else f"{value:.1%}"


def as_json(content: Any) -> None:
    """Print as JSON, which has no word for a number that is none: it becomes null.

    What a terminal would obey stands as JSON's own escape, so that a program reads what was written.
    """
    text = json.dumps(_finite(content), indent=1, ensure_ascii=False, default=str, allow_nan=False)
    if not text.isascii() or "\x7f" in text:  # JSON itself has escapes for the others of ASCII
        text = "".join(json.dumps(letter)[1:-1] if letter != "\n" and obeyed(letter) else letter for letter in text)
    print(text)


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


#: A word longer than this may be broken.
LONGEST = 40


def table(rows: Sequence[Mapping[str, Any]], right: Sequence[str] = ()) -> None:
    """Print rows as a table; columns in `right` are aligned right.

    As wide as the terminal, but never so narrow that a word, a number or a day is broken.
    """
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print("Nothing.")
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    texts = [["" if v is None else str(v) for v in row.values()] for row in rows]
    least = 0
    for at, column in enumerate(rows[0]):
        words = (len(word) for cells in texts for word in cells[at].split())
        width = max([*(len(word) for word in column.split()), *(w for w in words if w <= LONGEST)], default=1)
        least += width + 1
        made.add_column(column, justify="right" if column in right else "left", overflow="fold", min_width=width)
    for cells in texts:
        made.add_row(*map(_escape, cells))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(made, width=max(console.width, least), soft_wrap=False, crop=False)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(plain(text))


def progress(line: str) -> None:
    """One line of progress."""
    print(f"  {plain(line)}", file=sys.stderr, flush=True)
