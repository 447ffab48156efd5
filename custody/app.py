"""What the commands share: the application, its options, days as arguments, and how one ends that fails."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sources.errors import plain

#: The commands as `custody --help` lists them: what a newcomer does first, then whoever looks a figure up, whoever
#: keeps a home, whoever publishes and cites.
ORDER = (
    "run", "status", "sources", "places", "sql", "total", "claims", "changes",
    "fetch", "import", "quarantine", "withdraw", "build", "ui",
    "release", "releases", "verify", "cite", "trace", "diff", "publish", "retract", "reproduce", "pictures", "bundle",
)  # fmt: skip


class InOrder(TyperGroup):
    """Lists the commands in their order; one that has no place in it comes last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="custody",
    cls=InOrder,
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


def as_number(what: str) -> Callable[[str], int]:
    """How an argument is read that must be a whole number."""

    def read(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise fail(f"{what} {text!r} is not a whole number.", USAGE) from None

    return read


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
