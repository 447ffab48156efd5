"""Eurostat's layouts, each brought to the columns of SDMX-CSV with codes.

SDMX-CSV 1.0 and 2.0 have one row a figure; the former bears the date of last update, the latter may have a
column of labels after each column of codes. TSV has one row a series and one column a year. Labels change
from file to file, so that copies without codes are not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

from sources.errors import refusal
from sources.reading import Cells, RawFile, check_header, decode, iso_day, text_cells, text_rows

GZIP = b"\x1f\x8b"
AFTER_DIMENSIONS = ["geo", "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", "CONF_STATUS"]
#: Where the name of the table stands, by the first column.
FLOW = {"DATAFLOW": 0, "STRUCTURE": 1}
#: A space follows every figure, flags or none; without it the cell is cut off.
TSV_CELL = re.compile(r"(\S+) ([a-z]*) ?")


def read(file: RawFile, dimensions: Sequence[str]) -> tuple[str | None, Cells]:
    """The vintage, where the file bears one, and the table: freq, the dimensions, geo and so on."""
    if file.data.startswith(GZIP):
        raise refusal(file.name, "it is packed with gzip; unpack it, or get it with compressed=false.")
    text = decode(file.name, file.data)
    if "\t" in text.partition("\n")[0]:
        vintage, cells = None, _tsv(file.name, text, dimensions)
    else:
        vintage, cells = _sdmx(file, text, dimensions)
    if "CONF_STATUS" not in cells.header:  # TSV and older files have none
        cells = cells.replace(["OBS_FLAG"], ["OBS_FLAG", "CONF_STATUS"], lambda cell: (*cell, ""))
    cells.each("freq", _annual)
    return vintage, cells


def _sdmx(file: RawFile, text: str, dimensions: Sequence[str]) -> tuple[str | None, Cells]:
    rows, lines = text_rows(file.name, text)
    header = rows[0]
    flow = FLOW.get("".join(header[:1]))
    if flow is not None:
        if "freq" not in header:
            raise refusal(file.name, "it has labels instead of codes; get it with codes.", 1)
        _refuse_other_tables(file, rows[1:], flow)
    codes = ["freq", *dimensions, *AFTER_DIMENSIONS]
    if "CONF_STATUS" not in header:
        codes.remove("CONF_STATUS")
    if header[2:3] == ["STRUCTURE_NAME"]:
        labels = [*header[4::2], *[""] * len(codes)][: len(codes)]  # under whatever names
        codes = ["STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", *chain(*zip(codes, labels, strict=True))]
    elif flow == 1:
        codes = ["STRUCTURE", "STRUCTURE_ID", *codes]
    else:
        codes = ["DATAFLOW", "LAST UPDATE", *codes]
    check_header(file.name, header, codes, 1)
    cells = text_cells(file.name, rows[1:], lines[1:], header)
    if flow == 1:
        cells.constant("STRUCTURE", "dataflow")
        return None, cells
    updates = sorted(set(cells.each("LAST UPDATE", lambda cell: iso_day(cell, "%d/%m/%y %H:%M:%S"))))
    if len(updates) > 1:
        raise refusal(file.name, f"its rows bear several dates of last update ({', '.join(updates)}).")
    return updates[0], cells


def _refuse_other_tables(file: RawFile, rows: list[list[str]], column: int) -> None:
    own = f"ESTAT:{file.file.upper()}(1.0)"
    if others := sorted({row[column] for row in rows if len(row) > column} - {own}):
        raise refusal(file.name, f"it holds the table {', '.join(others)}, not {own}.")


def _tsv(name: str, text: str, dimensions: Sequence[str]) -> Cells:
    rows, lines = text_rows(name, text, "\t")
    key, years = rows[0][0], [year.removesuffix(" ") for year in rows[0][1:]]
    codes = ["freq", *dimensions, "geo"]
    check_header(name, [key], [",".join(codes) + "\\TIME_PERIOD"], 1)

    def series(cells: tuple[Any, ...]) -> list[str]:
        parts: list[str] = cells[0].split(",")
        if len(parts) != len(codes):
            raise ValueError(f"{cells[0]!r} is not {len(codes)} codes with commas between them")
        return parts

    def figure(cells: tuple[Any, ...]) -> tuple[str, str]:
        if not (match := TSV_CELL.fullmatch(cells[0])):
            raise ValueError(f"{cells[0]!r} is not a figure, or a colon, with its flags after a space")
        return match[1], match[2] or ""

    wide = text_cells(name, rows[1:], lines[1:], [key, *years])
    long = wide.unpivot([key], "TIME_PERIOD", "figure").replace([key], codes, series)
    return long.replace(["figure"], ["OBS_VALUE", "OBS_FLAG"], figure)


def _annual(cell: str) -> None:
    if cell != "A":
        raise ValueError(
            f"{cell!r} is not A, annual; a copy with labels instead of codes is not read, get it with codes"
        )
