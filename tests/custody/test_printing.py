"""How the command prints."""

from __future__ import annotations

import json

import pytest

from custody import printing


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0, "0"), (0.4, "0"), (11449219.6, "11,449,220"), (-33098, "-33,098")]
)
def test_numbers(value: float | None, text: str) -> None:
    assert printing.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0, "0.0%"), (0.8225, "82.2%"), (1, "100.0%")])
def test_shares(value: float | None, text: str) -> None:
    assert printing.share(value) == text


def test_a_table_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Text from publishers is data: nothing in it is markup."""
    printing.table([{"a": "[red]x[/red]", "b": None}, {"a": "[/]", "b": 0}], right=["b"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["a", "b"], ["[red]x[/red]"], ["[/]", "0"]]


def test_nothing_shown_is_obeyed_by_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table([{"a": "\x1b[2Jgone"}])
    printing.progress("a file \x1b[2Jgone")
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert "\x1b" not in text and r"\x1b[2Jgone" in text


def test_an_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table([])
    assert capsys.readouterr().out == "Nothing.\n"


def test_long_cells_are_folded_and_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table([{"a": "x" * 500, "b": "y"}])
    out = capsys.readouterr().out
    assert out.count("x") == 500
    assert max(len(line) for line in out.splitlines()) <= 160


def test_json_keeps_letters_and_has_no_word_for_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    printing.as_json({"a": ["é", float("nan"), (float("inf"), 1.5)], "b": {1: float("-inf")}})
    out = capsys.readouterr().out
    assert "é" in out
    assert json.loads(out) == {"a": ["é", None, [None, 1.5]], "b": {"1": None}}


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    printing.progress("half")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "  half\n")
