"""A publisher's real workbook with some cells changed, as a parser would meet it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sources.reading import Parsed, read_workbook
from tests.sources.fixtures import parse, raw_file

Rows = list[list[Any]]
Change = Callable[[Rows], None]


def parse_with(
    monkeypatch: pytest.MonkeyPatch, source_id: str, file: str, path: Path, changes: Mapping[str, Change]
) -> Parsed:
    """What the parser makes of the workbook once each change was made to the rows of its sheet."""
    sheets = read_workbook(raw_file(source_id, file, path.name, path.read_bytes()))
    for sheet, change in changes.items():
        change(sheets[sheet])
    monkeypatch.setattr(importlib.import_module(f"sources.{source_id}.parse"), "read_workbook", lambda _: sheets)
    return parse(source_id, file, path.name, b"")


def swap(first: int, second: int, start: int) -> Change:
    """Two columns change places in every row from `start` (1 is the first) on, so that the header stays."""

    def change(rows: Rows) -> None:
        for row in rows[start - 1 :]:
            row[first], row[second] = row[second], row[first]

    return change


def drop(row: int) -> Change:
    """A row is lost."""
    return lambda rows: rows.__delitem__(row - 1)


def put(row: int, column: int, cell: Any) -> Change:
    """Another cell stands there."""
    return lambda rows: rows[row - 1].__setitem__(column, cell)
