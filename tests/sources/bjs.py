"""Small files in the layout of the US Bureau of Justice Statistics, whose figures are the test's own, and its real ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import delimited, parse

#: The sources of the bureau, and where in `raw/bjs` their real files are.
SOURCES = {
    "bjs_prisoners": ("p20st", "p21st", "p22st"),
    "bjs_correctional_populations": ("cpus16",),
    "bjs_recidivism": ("rpr24s0810yfup0818",),
}

Lines = Sequence[Sequence[str]]


def bjs_file(
    name: str,
    title: str,
    table: Lines,
    notes: Sequence[str],
    *,
    version: str = "11/30/23",
    encoding: str = "windows-1252",
    above: str | None = None,
    source: str = "Source: Bureau of Justice Statistics, National Prisoner Statistics.",
) -> bytes:
    """A table of the bureau: what describes it, title, header and body, and the notes, all equally wide."""
    width = max(map(len, table))
    described = [
        "Bureau of Justice Statistics",
        f"Filename: {name}",
        above or title,
        "Report title: Prisoners \u2013 Statistical Tables NCJ 000000",
        "Refer questions to: somebody@example.org",
        f"Date of version: {version}",
        "",
        title,
    ]
    lines = (
        [[text] for text in described] + [list(row) for row in table] + [[text] for text in [*notes, source] if text]
    )
    filled = [[*line, *[""] * (width - len(line))] for line in lines]
    return delimited(filled).decode().encode(encoding)


def changed(table: Lines, line: int, column: int, cell: str) -> list[list[str]]:
    """The table with another cell."""
    rows = [list(row) for row in table]
    rows[line][column] = cell
    return rows


def read_as(source_id: str, name: str, data: bytes) -> Parsed:
    """What the parser makes of a table, whose key is the end of its name."""
    key = re.search(r"(at|t|f)\d\d$", name)
    assert key, name
    return parse(source_id, key[0], f"{name}.csv", data)


def real_bytes(raw: Path, name: str) -> bytes:
    """The publisher's file."""
    (path,) = (raw / "bjs").glob(f"*/{name}.csv")
    return path.read_bytes()


def real_table(raw: Path, source_id: str, name: str) -> Parsed:
    """What the parser makes of the publisher's file."""
    return read_as(source_id, name, real_bytes(raw, name))


def refuses_change(raw: Path, source_id: str, name: str, old: str, new: str, why: str) -> None:
    """The publisher's file is refused where `old`, which stands there once, is `new`."""
    whole = real_bytes(raw, name)
    assert whole.count(old.encode()) == 1
    with pytest.raises(Refused, match=why):
        read_as(source_id, name, whole.replace(old.encode(), new.encode()))


def at(frame: pd.DataFrame, name: str, line: int, column: int) -> Any:
    """The row of the figure that stands there."""
    (row,) = frame[frame["locator"] == f"{name}.csv:{line}:{column}"].to_dict("records")
    return row
