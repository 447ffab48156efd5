"""The one error by which a publisher's file is turned away, and how text of others is made harmless in it."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    r"""Text of whoever on one line: what a terminal would obey, or show in another order, is written as `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_plain(letter) for letter in text)


def _plain(letter: str) -> str:
    if letter in "\t\n\r":
        return " "
    if obeyed(letter):
        return letter.encode("unicode_escape").decode()
    return letter


def obeyed(letter: str) -> bool:
    """Whether a terminal may obey a character, show what follows in another order, or fail to print it."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")


class Refused(Exception):
    """A file that cannot be read without guessing.

    The message is one sentence for a person: it names the file, the row and the value where there is one, and says
    what to do. Nothing has been stored when it is raised. What publishers or users wrote may be put in as it came.
    """

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class Misused(Refused):
    """A word given to the command that means nothing here: no such source, file or day."""


def refusal(file: str, why: str, row: int | str | None = None, column: str | None = None) -> Refused:
    """Make the sentence: file, then row and column where known, then what is wrong and what to do."""
    where = file if row is None else f"{file}, row {row}"
    return Refused(f"{where}, column {column}: {why}" if column else f"{where}: {why}")
