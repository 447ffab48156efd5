"""Small files in the publishers' layouts, and the way of a file from bytes to rows with their identities.

A function here writes the layout; the figures are the test's own. Expected values do not belong here.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import pytest
from hypothesis import strategies as st

from sources import corrections, rows
from sources.catalogue import source
from sources.errors import Refused
from sources.places import Resolver
from sources.reading import LeftOut, Parsed, RawFile, column_letters

Table = Sequence[Sequence[Any]]

#: The columns of which an observation's identity is made, written down a second time: it must never change.
OBSERVATION = (
    "dataset", "place_id", "facility", "measure", "sex", "age", "legal_status", "citizenship", "offence", "supervision",
    "cause", "unit", "definition", "period_start", "period_end", "period_kind",
)  # fmt: skip


def raw_file(source_id: str, file: str, name: str, data: bytes) -> RawFile:
    """A file as the source's parser gets it."""
    own = source(source_id)
    return RawFile(name, file, data, Resolver.for_folder(own.folder, own.place_scheme))


def parse(source_id: str, file: str, name: str, data: bytes) -> Parsed:
    """What the source's parser makes of a file; every item must have become a row or been left out."""
    parsed = source(source_id).parser()(raw_file(source_id, file, name, data))
    made = {table: len(frame) for table, frame in parsed.rows.items()}
    rows.check_count(parsed, made, sum(entry.items for entry in parsed.left_out), name)
    return parsed


def complete(source_id: str, file: str, parsed: Parsed) -> tuple[pd.DataFrame, list[LeftOut], pd.DataFrame]:
    """Observations with all their columns, those that corrections dropped, and what became of corrections."""
    frame = rows.described("observation", parsed.rows["observation"], file, file)
    entries = [c for c in corrections.read_corrections(source(source_id).folder) if c.file == file]
    frame, dropped, record = corrections.apply(frame, entries, file)
    stamp = parsed.vintage or "2000-01-01"
    frame = frame.assign(observation_id=rows.identities(frame, OBSERVATION, source_id, stamp))
    rows.refuse_duplicates(frame, "observation_id", file)
    return frame, dropped, record


def delimited(table: Table, delimiter: str = ",", end: str = "\r\n", quote: bool = False) -> bytes:
    """A table as CSV or TSV."""
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    return text.getvalue().encode()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip of the members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def damaged(data: st.DataObject, whole: bytes) -> bytes:
    """The bytes with some of them lost, replaced or put in between."""
    at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    some = st.sampled_from([b"", b"\r\n", b",", b'"', b"\t", b"\0", b"\xff", b"x", b" ", b"{}", b"null", b"-1e9"])
    lost = data.draw(st.sampled_from([at, min(at + 1, end), end, len(whole)]))
    return whole[:at] + data.draw(some) + whole[lost:]


def never_breaks(source_id: str, file: str, name: str, whole: bytes, data: st.DataObject) -> None:
    """A damaged file is read, or refused in words; nothing else is raised."""
    with contextlib.suppress(Refused):
        parse(source_id, file, name, damaged(data, whole))


def is_refused(read: Callable[[], Any], words: str, name: str) -> None:
    """Reading is refused in a sentence that begins with the file's name and has the words in it."""
    with pytest.raises(Refused) as refused:
        read()
    assert str(refused.value).startswith(name)
    assert words in str(refused.value)


def figures_lost(found: Mapping[str, list[list[Any]]], sheets: Iterable[str], step: int) -> Iterator[str]:
    """The workbook with one number empty, for every so many of those of the sheets; yields where it stood."""
    for name in sheets:
        figures = [(row, at) for row in found[name] for at, cell in enumerate(row) if isinstance(cell, (int, float))]
        for row, at in figures[::step]:
            row[at], cell = "", row[at]
            yield f"{name}, column {at + 1} beside {row[0]!r}, where {cell} stood"
            row[at] = cell


def plain(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows, what is missing as None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


# Figures that a person read in publications


def facts_of(raw: Path, name: str) -> list[dict[str, str]]:
    """The rows of a curated file, cell for cell."""
    with (raw.parent / "facts" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def other_tables_are_refused(source_id: str, file: str, name: str, row: Mapping[str, str]) -> None:
    """A CSV whose columns are those of `row` is refused with others, too few cells, no rows, or a cut off end."""
    header, cells = list(row), list(row.values())
    whole = [header, cells]
    for table, words in (
        ([line[1:] for line in whole], f"missing {header[0]}"),
        ([[*header, "more"], [*cells, ""]], "unknown 'more'"),
        ([line[1:] + line[:1] for line in whole], "another order"),
        ([*whole, cells[:-1]], f"row 3: {len(row) - 1} cells where the header has {len(row)}"),
        ([header], "a header and no rows"),
        ([["<html></html>"]], "the columns are not the expected ones"),
    ):
        is_refused(partial(parse, source_id, file, name, delimited(table)), words, name)
    cut_off = delimited(whole, end="\n")[:-1]
    is_refused(partial(parse, source_id, file, name, cut_off), "the last line does not end", name)


# Workbooks

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(sheets: Mapping[str, Table]) -> bytes:
    """A workbook with text and numbers, no more than a reader needs."""
    numbered = list(enumerate(sheets.items(), start=1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": _relationships([(0, f"{DOCUMENT}/officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><sheets>'
        + "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in numbered)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relationships(
            [(n, f"{DOCUMENT}/worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered]
        ),
    }
    for n, (_, table) in numbered:
        body = "".join(_row(number, cells) for number, cells in enumerate(table, start=1))
        parts[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return zipped({name: (head + content).encode() for name, content in parts.items()})


def _relationships(items: Iterable[tuple[int, str, str]]) -> str:
    links = "".join(f'<Relationship Id="r{n}" Type="{kind}" Target="{to}"/>' for n, kind, to in items)
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def _row(number: int, cells: Sequence[Any]) -> str:
    made = ""
    for column, cell in enumerate(cells):
        at = f'r="{column_letters(column)}{number}"'
        if isinstance(cell, str):
            made += f'<c {at} t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
        elif cell is not None:
            made += f"<c {at}><v>{cell}</v></c>"
    return f'<row r="{number}">{made}</row>'


# UNODC

UNODC_SHEET = "data_cts_prisons_and_prisoners"
UNODC_HEADER = [
    "Iso3_code", "Country", "Region", "Subregion", "Indicator", "Dimension", "Category",
    "Sex", "Age", "Year", "Unit of measurement", "VALUE", "Source",
]  # fmt: skip


#: Names that the publisher gives to the codes in the tests.
COUNTRIES = {
    "MNG": "Mongolia", "PAN": "Panama", "MAR": "Morocco", "MAF": "Saint Martin (French Part)", "MTQ": "Martinique",
    "GBR_E_W": "United Kingdom (England and Wales)", "XKX": "Kosovo under UNSCR 1244", "AND": "Andorra",
    "FRA": "France", "DZA": "Algeria", "NAM": "Namibia", "BRB": "Barbados", "WORLD": "World",
}  # fmt: skip


def unodc_row(**changes: Any) -> list[Any]:
    """A row of the UNODC workbook: all persons held in Albania in 2019, but for the changes."""
    row = {
        "Iso3_code": "ALB", "Country": "Albania", "Region": "Europe", "Subregion": "Southern Europe",
        "Indicator": "Persons held", "Dimension": "Total", "Category": "Total", "Sex": "Total", "Age": "Total",
        "Year": 2019, "Unit_of_measurement": "Counts", "VALUE": 5000, "Source": "CTS",
    }  # fmt: skip
    assert set(changes) <= set(row)
    if "Country" not in changes and (named := COUNTRIES.get(changes.get("Iso3_code", ""))):
        changes = {"Country": named, **changes}
    return list((row | changes).values())


def unodc_workbook(table: Table, stamp: Any = "11/05/2023", header: Sequence[Any] = UNODC_HEADER) -> bytes:
    """The UNODC workbook."""
    return workbook({UNODC_SHEET: [["UNODC"], [stamp], header, *table]})


# Eurostat


def sdmx_csv_1(code: str, dimensions: Sequence[str], table: Table, update: str = "29/04/26 11:00:00") -> bytes:
    """SDMX-CSV 1.0; a row of `table` is the cells from freq on."""
    header = ["DATAFLOW", "LAST UPDATE", "freq", *dimensions, "geo", "TIME_PERIOD"]
    header += ["OBS_VALUE", "OBS_FLAG", "CONF_STATUS"]
    return delimited([header, *([f"ESTAT:{code}(1.0)", update, *row] for row in table)])


def sdmx_csv_2(code: str, dimensions: Sequence[str], table: Table, labels: bool = False) -> bytes:
    """SDMX-CSV 2.0, with or without a column of labels after each column of codes."""
    header = ["freq", *dimensions, "geo", "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", "CONF_STATUS"]
    start, names = ["dataflow", f"ESTAT:{code}(1.0)"], ["STRUCTURE", "STRUCTURE_ID"]
    if not labels:
        return delimited([[*names, *header], *([*start, *row] for row in table)])
    wide = [cell for name in header for cell in (name, f"Label of {name}")]
    lines = [[*start, "A title", *(c for cell in row for c in (cell, "a label"))] for row in table]
    return delimited([[*names, "STRUCTURE_NAME", *wide], *lines])


def eurostat_tsv(dimensions: Sequence[str], years: Sequence[int], series: Mapping[str, Sequence[str]]) -> bytes:
    """Eurostat's TSV; `series` gives the cells of each key, written with the space that follows each."""
    key = ",".join(["freq", *dimensions, "geo"]) + "\\TIME_PERIOD"
    lines = [[key, *(f"{year} " for year in years)]]
    lines += [[name, *(cell if " " in cell else f"{cell} " for cell in cells)] for name, cells in series.items()]
    return delimited(lines, "\t")


# World Bank

WORLD_BANK_MEMBER = "API_SP.POP.TOTL_DS2_en_csv_v2_1.csv"


def world_bank_wide(
    years: Sequence[int], table: Table, updated: str | None = "2025-07-01", indicator: str = "SP.POP.TOTL"
) -> bytes:
    """The wide CSV; a row of `table` is name, code and the cells of the years."""
    head = [["Data Source", "World Development Indicators", ""], [], ["Last Updated Date", updated, ""], []]
    header = ["Country Name", "Country Code", "Indicator Name", "Indicator Code", *years, ""]
    lines = [[name, code, "Population, total", indicator, *cells, ""] for name, code, *cells in table]
    return b"\xef\xbb\xbf" + delimited([*(head if updated else []), header, *lines], quote=True)


def world_bank_zip(table: bytes) -> bytes:
    """The zip with its three members."""
    about = delimited([["Country Code", "Region"], ["ALB", "Europe & Central Asia"]])
    return zipped(
        {
            f"Metadata_Indicator_{WORLD_BANK_MEMBER}": delimited([["INDICATOR_CODE"], ["SP.POP.TOTL"]]),
            WORLD_BANK_MEMBER: table,
            f"Metadata_Country_{WORLD_BANK_MEMBER}": about,
        }
    )


def world_bank_record(iso3: str, year: int, value: Any, own: str = "XX", **changes: Any) -> dict[str, Any]:
    """One record of the API's answer."""
    record = {
        "indicator": {"id": "SP.POP.TOTL", "value": "Population, total"},
        "country": {"id": own, "value": "A place"},
        "countryiso3code": iso3,
        "date": str(year),
        "value": value,
        "unit": "",
        "obs_status": "",
        "decimal": 0,
    }
    return record | changes


def world_bank_json(records: Sequence[Any], **changes: Any) -> bytes:
    """The API's answer."""
    meta = {"page": 1, "pages": 1, "per_page": 20000, "total": len(records)}
    meta |= {"sourceid": "2", "lastupdated": "2026-07-13", **changes}
    return json.dumps([meta, records]).encode()
