"""What the commands share: the application, its options, days as arguments, and how one ends that fails."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated

import typer

from sources.errors import plain

app = typer.Typer(
    name="custody",
    help="The open, versioned, citable record of imprisonment in the world.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="YYYY-MM-DD",
        help="Reference day of the world total; by default the last day of last year.",
    ),
]

DONE, FAILED, USAGE, FELL_BACK = 0, 1, 2, 3
INTERRUPTED = 130  # so typer ends on Ctrl-C


def fail(message: str, status: int = FAILED) -> typer.Exit:
    """Print one sentence on standard error and give the exit to raise."""
    print(f"custody: {plain(message)}", file=sys.stderr)
    return typer.Exit(status)


def as_day(text: str | None, what: str) -> date | None:
    """The day that an argument means; ends with wrong usage where it means none."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise fail(f"{what} {text!r} is not a day such as 2025-12-31.", USAGE) from None


def reference_day(text: str | None) -> date:
    """The reference day that is asked for, by default the last complete year's end."""
    from warehouse.standing import default_as_of

    today = date.today()
    day = as_day(text, "--as-of") or default_as_of(today)
    if day > today:
        raise fail(
            f"--as-of {day} is in the future; Custody adds up what has been published, it does not foretell.", USAGE
        )
    return day
