"""Workbooks that no publisher makes: refused by one sentence, before they fill the memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from sources import reading
from sources.catalogue import source
from sources.errors import Refused
from sources.places import Resolver
from sources.reading import RawFile, read_sheet
from tests.sources.fixtures import MAIN, workbook, zipped

NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
CELL = '<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>'


def ods(rows: str) -> bytes:
    """An ODS with one sheet of the rows."""
    manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    sheet = f'<table:table table:name="Data">{rows}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    return zipped(
        {
            "mimetype": kind.encode(),
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{manifest}">{entry}</manifest:manifest>'.encode(),
            "content.xml": f"<office:document-content {NAMESPACES}>{body}</office:document-content>".encode(),
        }
    )


def xlsx(sheet: str) -> bytes:
    """A workbook whose sheet is the given XML."""
    with zipfile.ZipFile(io.BytesIO(workbook({"Data": [["x"]]}))) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    members["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>'.encode()
    )
    return zipped(members)


def read(name: str, data: bytes) -> list[list[object]]:
    return read_sheet(RawFile(name, "f", data, Resolver("place_id", {})), "Data")


FAR = '<row r="1"><c r="A1"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "row",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1048576"><c r="Z1048576"><v>1</v></c></row>',
        '<row r="99999"><c r="AAA1"><v>1</v></c></row>',
        '<row><c r="AAA99999"><v>1</v></c></row>',
        '<row r="1048576" spans="1:16384"><c s="1" r="ZZ3"><v>1</v></c></row>',
        "<row r='300000'><c r='ZZ300000'><v>1</v></c></row>",
        '<row\n r = "300000"><c\tr="ZZ300000"><v>1</v></c></row>',
        '<row><c r="xfd99999"><v>1</v></c></row>',
        '<row r="99999"><x:c r="ZZZ99999"><v>1</v></x:c></row>',
        '<row r="2">' + "<c><v>1</v></c>" * 300 + '</row><row r="99999"><c r="A99999"><v>1</v></c></row>',
        '<row r="2">' + "<c s='1'/>" * 300 + '</row><row r="99999"><c r="A99999"><v>1</v></c></row>',
    ],
)
def test_a_sheet_that_reaches_too_far_is_refused_before_it_is_laid_out(row: str) -> None:
    data = xlsx(FAR + row)
    tracemalloc.start()
    with pytest.raises(Refused, match=r"^f.xlsx: .*sheet1.xml reaches over [\d,]+ rows and [\d,]+ columns"):
        read("f.xlsx", data)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_sheet_is_asked_wherever_it_lies_in_the_zip() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx(FAR + '<row r="99999"><c r="ZZZ99999"><v>1</v></c></row>'))) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    members["xl/elsewhere.xml"] = members.pop("xl/worksheets/sheet1.xml")
    links = members["xl/_rels/workbook.xml.rels"].replace(b"worksheets/sheet1.xml", b"elsewhere.xml")
    with pytest.raises(Refused, match=r"xl/elsewhere.xml reaches over 99,999 rows and 18,278 columns"):
        read("f.xlsx", zipped(members | {"xl/_rels/workbook.xml.rels": links}))


def lying(members: dict[str, bytes], name: str, size: int) -> bytes:
    """A zip that says of a member, before it and in its directory, that it has `size` bytes and their checksum."""
    data = bytearray(zipped(members))
    said = struct.pack("<I", zlib.crc32(members[name][:size]))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        at = archive.start_dir
        for info in archive.infolist():
            if info.filename == name:
                for head, to in ((info.header_offset, 14), (at, 16)):
                    data[head + to : head + to + 4] = said
                    data[head + to + 8 : head + to + 12] = struct.pack("<I", size)
            at += 46 + len(info.filename.encode()) + len(info.extra) + len(info.comment)
    return bytes(data)


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
def test_a_zip_that_unpacks_to_more_than_it_says_is_refused_before_it_does(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx(FAR))) as whole:
        members = {member: whole.read(member) for member in whole.namelist()}
    members[name] = members.get(name, b"<sst/>") + b" " * 50_000_000
    data = lying(members, name, 1_000)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:  # which zipfile believes
        assert len(archive.read(name)) == 1_000
    tracemalloc.start()
    with pytest.raises(Refused, match=f"{name} does not unpack to the 1,000 bytes that are said"):
        read("f.xlsx", data)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_cells_without_references_are_read() -> None:
    rows = "<row>" + "<c><v>1</v></c>" * 40 + "</row>"
    assert [len(row) for row in read("f.xlsx", xlsx(rows * 50))] == [40] * 50


@pytest.mark.parametrize(
    "source_id",
    ["france_prisons", "scotland_reconvictions", "abs_prisoners", "new_zealand_corrections", "unodc_prisons"],
)
def test_every_parser_of_workbooks_asks_first(source_id: str) -> None:
    data = xlsx(FAR + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    with pytest.raises(Refused, match="reaches over 1,048,576 rows and 16,384 columns"):
        known = source(source_id)
        known.parser()(RawFile("f.xlsx", next(iter(known.files)), data, Resolver("place_id", {})))


def test_a_long_sheet_of_few_columns_and_a_wide_one_of_few_rows_are_read() -> None:
    assert len(read("f.xlsx", xlsx(FAR + '<row r="200000"><c r="B200000"><v>2</v></c></row>'))) == 200_000
    (row,) = read("f.xlsx", xlsx('<row r="1"><c r="A1"><v>1</v></c><c r="BYI1"><v>2</v></c></row>'))
    assert (len(row), row[-1]) == (2011, 2.0)


def row(cells: str, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{cells}</table:table-row>'


def empty(times: int) -> str:
    return f'<table:table-cell table:number-columns-repeated="{times}"/>'


@pytest.mark.parametrize(
    "rows",
    [
        row(empty(30) + CELL, 1_000_000),
        row(empty(16_000) + CELL) + row(empty(1), 1_000_000) + row(CELL),
        row(CELL.replace("cell office", 'cell table:number-columns-repeated="5000" office'), 5_000),
    ],
)
def test_an_ods_of_repeated_cells_is_refused(rows: str) -> None:
    with pytest.raises(Refused, match=r"^f.ods: content.xml reaches over [\d,]+ rows and [\d,]+ columns"):
        read("f.ods", ods(rows))


def test_a_million_repeated_empty_rows_at_the_end_mean_nothing() -> None:
    """Every spreadsheet program writes them."""
    assert read("f.ods", ods(row(CELL) + row(empty(16_384), 1_048_575))) == [["x"]]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_workbook_that_would_unpack_to_too_much_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "UNPACKED_BYTES", 100_000)
    data = xlsx(FAR + " " * 200_000) if kind == "xlsx" else ods(" " * 200_000)
    assert len(data) < 10_000
    with pytest.raises(Refused, match=r"it would unpack to 2\d\d,\d\d\d bytes, more than any known file"):
        read(f"f.{kind}", data)


def test_many_sheets_that_are_each_small_enough_are_not_laid_out_together() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1000000"><c r="S1000000"><v>1</v></c></row>'
    whole = workbook({f"S{n}": [["x"]] for n in range(4)})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in members:
        if name.startswith("xl/worksheets/sheet"):
            members[name] = f'<worksheet xmlns="{MAIN}"><sheetData>{far}</sheetData></worksheet>'.encode()
    tracemalloc.start()
    with pytest.raises(Refused, match="all sheets so far over 38,000,000 cells"):
        reading.read_workbook(RawFile("f.xlsx", "f", zipped(members), Resolver("place_id", {})))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "XL/SHAREDSTRINGS.XML", "xl\\sharedStrings.xml"])
def test_shared_texts_without_end_are_refused_before_they_are_unpacked(name: str) -> None:
    """36 million empty entries are 180 MB of XML, 180 kB of zip and would be a gigabyte of memory."""
    with zipfile.ZipFile(io.BytesIO(xlsx(FAR))) as whole:
        members = {member: whole.read(member) for member in whole.namelist()}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        with archive.open(name, "w") as stream:
            stream.write(f'<sst xmlns="{MAIN}">'.encode())
            for _ in range(36):
                stream.write(b"<si/>" * 1_000_000)
            stream.write(b"</sst>")
    tracemalloc.start()
    with pytest.raises(Refused, match=r"^f.xlsx: .* would unpack to 180,000,\d{3} bytes, more than in any known file"):
        read("f.xlsx", data.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_many_ordinary_sheets_are_read() -> None:
    whole = workbook({f"S{n}": [["x"], [1]] for n in range(60)})
    assert len(reading.read_workbook(RawFile("f.xlsx", "f", whole, Resolver("place_id", {})))) == 60


def test_many_tables_of_an_ods_are_added_up() -> None:
    table = row(CELL.replace("cell office", 'cell table:number-columns-repeated="4000" office'), 3_000)
    second = f'</table:table><table:table table:name="More">{table}'
    with pytest.raises(Refused, match="all sheets so far over 24,000,000 cells"):
        read("f.ods", ods(table + second))
