"""Sentences for people: nothing that publishers or users wrote does anything to the terminal that shows it."""

from __future__ import annotations

import pytest

from sources.errors import Misused, Refused, plain, refusal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Curaçao's “détenus”, 1 020 €", "Curaçao's “détenus”, 1 020 €"),
        ("a\xa0b", "a\xa0b"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\r\nok\tdone", "a  ok done"),
        ("\u202ecba\u2069\u200b", r"\u202ecba\u2069\u200b"),
        ("\u2028line", r"\u2028line"),
        ("\ud800", r"\ud800"),
        ("\x00\x7f", r"\x00\x7f"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    assert plain(text) == shown
    for error in (Refused(text), Misused(text)):
        assert str(error) == shown
    assert str(refusal(text, "why", row=text, column=text)) == f"{shown}, row {shown}, column {shown}: why"
