"""The one error by which a publisher's file is turned away."""

from __future__ import annotations


class Refused(Exception):
    """A file that cannot be read without guessing.

    The message is one sentence for a person: it names the file, the row and the value where there is one, and says
    what to do. Nothing has been stored when it is raised.
    """


class Misused(Refused):
    """A word given to the command that means nothing here: no such source, file or day."""


def refusal(file: str, why: str, row: int | str | None = None, column: str | None = None) -> Refused:
    """Make the sentence: file, then row and column where known, then what is wrong and what to do."""
    where = file if row is None else f"{file}, row {row}"
    return Refused(f"{where}, column {column}: {why}" if column else f"{where}: {why}")
