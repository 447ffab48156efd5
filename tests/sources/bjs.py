"""Small files in the layout of the US Bureau of Justice Statistics; the figures are the test's own."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sources.fixtures import delimited

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
