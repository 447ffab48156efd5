"""The World Bank's layouts, each brought to the three columns code, year and value.

The API answers with JSON: what it says of the paging, then one record a figure. The wide CSV has one row a
place and one column a year, under a preamble with the date of last update where it is whole, and comes in a
zip. A tidy copy that others make of it has one row a figure.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

from sources.errors import refusal
from sources.reading import (
    Cells,
    RawFile,
    check_header,
    decode,
    iso_day,
    json_cells,
    read_json,
    text_cells,
    text_rows,
    zip_members,
)

YEAR_COLUMN = re.compile("[0-9]{4}")
INDICATOR = "SP.POP.TOTL"
CODE, YEAR, VALUE = "Country Code", "Year", "Value"
WIDE = ["Country Name", CODE, "Indicator Name", "Indicator Code"]
TIDY = ["Country Name", CODE, YEAR, VALUE]
RECORD = [
    "indicator/id",
    "indicator/value",
    "country/id",
    "country/value",
    "countryiso3code",
    "date",
    "value",
    "unit",
    "obs_status",
    "decimal",
]
#: The API gives these no three-letter code; the World Bank's list of income levels has both.
INCOME_LEVELS = {"XD": "HIC", "XM": "LIC", "XN": "LMC", "XT": "UMC", "XY": "INX"}


def read(file: RawFile) -> tuple[str | None, Cells]:
    """The vintage, where the file bears one, and the table; a tidy copy has no other columns than TIDY."""
    if file.data.startswith(b"PK"):
        return _zip(file)
    if file.data.lstrip()[:1] in (b"[", b"{"):
        return _json(file)
    return _csv(file.name, file.data)


def _json(file: RawFile) -> tuple[str, Cells]:
    """The API's answer: what it says of the pages, then the records."""
    match read_json(file.name, file.data):
        case [{"message": message}]:
            raise refusal(file.name, f"the API answered with an error, get it again: {_words(message)}")
        case [dict() as meta, list() as records]:
            pass
        case _:
            raise refusal(file.name, "it is not the API's answer, a list of the paging and the records.")
    if (meta.get("page"), meta.get("pages"), meta.get("total")) != (1, 1, len(records)):
        page, pages, total = (meta.get(key) for key in ("page", "pages", "total"))
        found = f"it is page {page} of {pages} and holds {len(records)} of {total} records"
        raise refusal(file.name, f"{found}; get all on one page, with per_page=20000.")
    try:
        vintage = iso_day(meta["lastupdated"], "%Y-%m-%d")
    except (KeyError, TypeError, ValueError) as error:
        raise refusal(file.name, "there is no date lastupdated, yyyy-mm-dd.", "/0") from error
    cells = json_cells(file.name, records, RECORD, "/1")
    cells.constant("indicator/id", INDICATOR)
    cells.constant("unit", "")
    cells.constant("obs_status", "")

    def code(names: tuple[Any, ...]) -> list[str]:
        iso3, own = names
        if not (found := iso3 or INCOME_LEVELS.get(own)):
            raise ValueError(f"no three-letter code is given for {own!r}")
        return [found]

    cells = cells.replace(["countryiso3code", "country/id"], [CODE], code)
    return vintage, cells.replace(["date"], [YEAR], list).replace(["value"], [VALUE], list)


def _words(message: Any) -> str:
    entries = message if isinstance(message, list) else [message]
    return ", ".join(" ".join(map(str, e.values())) if isinstance(e, dict) else str(e) for e in entries)


def _zip(file: RawFile) -> tuple[str | None, Cells]:
    members = zip_members(file.name, file.data)
    tables = [name for name in members if fnmatch(name, f"API_{INDICATOR}*.csv")]
    others = [name for name in members if name not in tables and not fnmatch(name, "Metadata_*.csv")]
    if len(tables) != 1 or others:
        found = ", ".join(members) or "nothing"
        raise refusal(file.name, f"API_{INDICATOR}*.csv and Metadata_*.csv belong in it, but it holds {found}.")
    return _csv(f"{file.name}/{tables[0]}", members[tables[0]])


def _csv(name: str, data: bytes) -> tuple[str | None, Cells]:
    rows, lines = text_rows(name, decode(name, data))
    vintage, header = None, 0
    if rows[0][:1] == ["Data Source"]:
        header = 4
        try:
            vintage = iso_day(",".join(rows[2]), "Last Updated Date,%Y-%m-%d,")
        except (IndexError, ValueError) as error:
            raise refusal(name, "'Last Updated Date' with a date yyyy-mm-dd belongs here.", 3) from error
    rows, lines = rows[header:], lines[header:]
    if not rows:
        raise refusal(name, "it ends before the header.")
    if rows[0] == TIDY:
        return vintage, text_cells(name, rows[1:], lines[1:], TIDY)
    return vintage, _wide(name, rows, lines)


def _wide(name: str, rows: list[list[str]], lines: list[int]) -> Cells:
    """One row a place, one column a year, an empty column last."""
    header = rows[0]
    years = header[len(WIDE) : -1]
    first = int(years[0]) if years and YEAR_COLUMN.fullmatch(years[0]) else 1960
    check_header(name, header, [*WIDE, *map(str, range(first, first + max(len(years), 1))), ""], lines[0])
    cells = text_cells(name, rows[1:], lines[1:], header)
    cells.constant("Indicator Code", INDICATOR)
    cells.constant("", "")
    return cells.unpivot([*WIDE, ""], YEAR, VALUE)
