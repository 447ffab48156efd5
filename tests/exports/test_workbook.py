"""The workbook: typed cells as calamine reads them, nothing of data that runs, nothing dropped without a word."""

from __future__ import annotations

import hashlib
import os
import re
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from dictionary.arrow import schema
from dictionary.model import dictionary
from exports import workbook
from tests.exports.hostile import HOSTILE

DAY = date(2026, 11, 23)
Row = dict[str, Any]


def made(**tables: list[Row]) -> dict[str, pa.Table]:
    """Tables of a release; a row gives only the columns that a test is about."""
    words = dictionary().tables
    source = {"source_id": "s", "title": "A source", "publisher": "An office", "citation": "An office, A source", "licence": "OGL-UK-3.0", "licence_class": "open", "homepage": "https://example.org/a"}  # fmt: skip
    rows = {"source": [source], **tables}
    blank = {name: dict.fromkeys(words[name].column_names) for name in rows}
    return {
        name: pa.Table.from_pylist([{**blank[name], **row} for row in given], schema=_nullable(name))
        for name, given in rows.items()
    }


def _nullable(name: str) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema(dictionary().tables[name])])


def write(tmp_path: Path, rows: dict[str, pa.Table], name: str = "custody.xlsx") -> Path:
    workbook.write(tmp_path / name, "2026.11.0", DAY, rows)
    return tmp_path / name


def read(path: Path, sheet: str) -> list[Row]:
    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def xml(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as parts:
        return {name: parts.read(name).decode() for name in parts.namelist() if name.endswith((".xml", ".rels"))}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_intact_and_is_no_formula(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, made(gap=[{"place_id": "PRK", "component": text, "note": text}]))
    (row,) = read(path, "gap")
    lines = text.replace("\r\n", "\n").replace("\r", "\n")  # calamine reads line ends as XML does
    assert {row["component"], row["note"]} <= {text, lines}
    for name, content in xml(path).items():
        assert "<f>" not in content and "<f " not in content, name
        if name.endswith(".rels"):
            assert "External" not in content or "https://example.org/a" in content


def test_a_links_text_of_a_publisher_is_no_link(tmp_path: Path) -> None:
    texts = ["https://evil.example/x", "file:///etc/passwd", "internal:Contents!A1", "mailto:a@b.example"]
    path = write(tmp_path, made(gap=[{"place_id": "PRK", "component": t, "note": t} for t in texts]))
    (number,) = (n for n, name in enumerate(CalamineWorkbook.from_path(path).sheet_names, 1) if name == "gap")
    assert "hyperlink" not in xml(path)[f"xl/worksheets/sheet{number}.xml"]
    assert [row["note"] for row in read(path, "gap")] == texts


def test_cells_have_their_types(tmp_path: Path) -> None:
    row = {
        "place_id": "FRA", "name": "France", "year": 2024, "persons_held": 80669.0, "persons_held_date": date(2024, 12, 1),
        "persons_held_derived": False, "persons_held_per_100k": 117.75,
    }  # fmt: skip
    early = {"place_id": "NAM", "year": 1900, "persons_held_date": date(1900, 1, 31), "persons_held": 0.0}
    path = write(tmp_path, made(country_year=[row, early]))
    first, second = read(path, "country_year")
    assert first["persons_held"] == 80669 and isinstance(first["persons_held"], float)
    assert first["persons_held_date"] == date(2024, 12, 1)
    assert first["persons_held_derived"] is False
    assert first["persons_held_per_100k"] == 117.75
    assert first["official_capacity"] == ""  # missing is an empty cell
    assert second["persons_held"] == 0  # and zero is a zero
    assert second["persons_held_date"] == "1900-01-31"  # Excel would say 30 January or shift it by a day
    assert second["place_id"] == "NAM"


def test_a_whole_number_that_excel_would_round_is_text(tmp_path: Path) -> None:
    path = write(tmp_path, made(snapshot=[{"source_id": "s", "bytes": 2**53 + 1}, {"source_id": "t", "bytes": 2**53}]))
    assert [row["bytes"] for row in read(path, "snapshot")] == ["9007199254740993", 2.0**53]


@pytest.mark.parametrize("letter", ["a", "é", "\N{CLASSICAL BUILDING}"])
def test_a_text_that_no_cell_can_hold_is_cut_and_says_so(tmp_path: Path, letter: str) -> None:
    units = len(letter.encode("utf-16-le")) // 2
    fits, over = letter * (32_767 // units), letter * (32_767 // units + 1)
    path = write(tmp_path, made(gap=[{"place_id": "A", "note": fits}, {"place_id": "B", "note": over}]))
    whole, cut = (str(row["note"]) for row in read(path, "gap"))
    assert whole == fits
    assert re.fullmatch(rf"{letter}+ \[cut here: .* all of it is in tables/gap\.csv\]", cut)
    assert 32_767 - units < len(cut.encode("utf-16-le")) // 2 <= 32_767


def test_a_large_table_is_not_there_and_the_contents_say_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 3 * len(dictionary().tables["gap"].columns))
    rows = made(gap=[{"place_id": "A"}] * 4, published_total=[{"topic": "prison_total"}])
    path = write(tmp_path, rows)
    assert CalamineWorkbook.from_path(path).sheet_names == ["Contents", "Sources", "source", "published_total"]
    told = {row[0]: row for row in CalamineWorkbook.from_path(path).get_sheet_by_name("Contents").to_python()}
    assert told["gap"][1:4] == [4, dictionary().tables["gap"].row, "not in this workbook: tables/gap.csv"]
    assert told["published_total"][3] == "in this workbook"


def test_no_sheet_is_beyond_what_excel_can_hold() -> None:
    fewest = min(len(table.columns) for table in dictionary().tables.values())
    assert workbook.MOST_CELLS / fewest < 1_048_576 - 1
    names = [name[:31].casefold() for name in dictionary().tables]
    assert len({*names, "contents", "sources"}) == len(names) + 2


def test_sources_are_told_with_licence_and_link(tmp_path: Path) -> None:
    path = write(tmp_path, made())
    (row,) = read(path, "Sources")
    assert row["Cite as"] == "An office, A source"
    assert row["Licence"] == "Open Government Licence v3.0 (United Kingdom)"
    assert row["Homepage"] == "https://example.org/a"
    assert 'Target="https://example.org/a"' in "".join(xml(path).values())


def test_headers_stay_in_sight_and_tell_what_a_column_means(tmp_path: Path) -> None:
    path = write(tmp_path, made(country_year=[{"place_id": "FRA", "year": 2024}]))
    parts = xml(path)
    sheet = next(text for text in parts.values() if "<autoFilter" in text and 'topLeftCell="E2"' in text)
    assert 'state="frozen"' in sheet
    comments = "".join(text for name, text in parts.items() if "comments" in name)
    assert "Persons held in prison, remand included. Unit: persons." in comments


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever and wherever it is written: the date is the release's, and no time zone enters."""
    rows = made(country_year=[{"place_id": "FRA", "year": 2024}], gap=[{"place_id": "PRK", "note": "é"}])
    sums = set()
    for zone, mask in (("UTC", 0o022), ("Pacific/Auckland", 0o077), ("America/Los_Angeles", 0o022)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        before = os.umask(mask)
        path = write(tmp_path, rows, f"{zone.replace('/', '-')}.xlsx")
        os.umask(before)
        sums.add(hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.undo()
    time.tzset()
    assert len(sums) == 1
    assert ">2026-11-23T00:00:00Z</dcterms:created>" in xml(path)["docProps/core.xml"]
