"""The weekly file of England and Wales in a copy of its layout, and gov.uk's documents, both written and real."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.catalogue import source
from sources.england_wales_prison_population.discover import Link, attachments, publications
from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import complete, damaged, parse, zipped

SOURCE, FILE = "england_wales_prison_population", "weekly_estate_figures"
NAME = "prison-population-weekly-1.ods"

TITLE = "Population and Capacity Briefing for Monday 24 August 2026"
HEADER = ["", "Total", "Adult Male", "Female", "YCS"]
#: Figures of the test's own: the parts add up, and headroom is capacity less population.
BLOCK: list[list[Any]] = [
    ["Population", 9100, 8000, 1000, 100],
    ["Useable Operational Capacity", 9350, 8150, 1050, 150],
    ["Headroom", 250, 150, 50, 50],
    ["Home Detention Curfew caseload", 410],
]
BELOW: list[list[Any]] = [
    ["Population and Capacity on previous Mondays"],
    ["Last Week: 17 August 2026", *HEADER[1:]],
    ["Population", 9090, 7990, 1000, 100],
    ["Useable Operational Capacity", "9,340", "8,140", "1,050", "150"],
    ["12 Months Ago: 25 August 2025", *HEADER[1:]],
    ["Population", "Historic data not available"],
    ["Definitions"],
    ["Useable Operational Capacity", "The sum of all capacities less a margin."],
    ["Overall Estate", 160],
    ["YCS", 10],
]


def sheet_of(block: Sequence[Sequence[Any]] = BLOCK, title: str = TITLE, header: Sequence[Any] = HEADER) -> list[Any]:
    return [[title], header, *block, *BELOW]


def ods(*sheets: tuple[str, Sequence[Sequence[Any]]]) -> bytes:
    """An OpenDocument spreadsheet, no more than a reader needs, with the empty rows that such files end with."""
    spaces = "urn:oasis:names:tc:opendocument:xmlns:"
    names = " ".join(f'xmlns:{name}="{spaces}{name}:1.0"' for name in ("office", "table", "text", "manifest"))
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    empty = '<table:table-row table:number-rows-repeated="900"><table:table-cell/></table:table-row>'
    tables = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(map(row_of, table))}{empty}</table:table>'
        for name, table in sheets
    )
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    parts = {
        "mimetype": kind,
        "META-INF/manifest.xml": f"<manifest:manifest {names}>{entry}</manifest:manifest>",
        "content.xml": f"<office:document-content {names}>{body}</office:document-content>",
    }
    return zipped({name: content.encode() for name, content in parts.items()})


def row_of(cells: Sequence[Any]) -> str:
    made = ""
    for cell in cells:
        if isinstance(cell, str):
            made += f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
        else:
            shown = f"<text:p>{cell:,}</text:p>"
            made += f'<table:table-cell office:value-type="float" office:value="{cell}">{shown}</table:table-cell>'
    return f"<table:table-row>{made}</table:table-row>"


def read(table: Sequence[Sequence[Any]]) -> Parsed:
    return parse(SOURCE, FILE, NAME, ods(("Data", table)))


def changed(row: int, column: int, cell: Any) -> list[list[Any]]:
    block = [list(line) for line in BLOCK]
    block[row][column] = cell
    return block


def test_the_figures_of_the_day() -> None:
    parsed = read(sheet_of())
    frame = complete(SOURCE, FILE, parsed)[0]
    assert parsed.vintage == "2026-08-24"
    assert set(frame["period_start"]) == set(frame["period_end"]) == {date(2026, 8, 24)}
    assert set(frame["period_kind"]) == {"point"}
    assert set(frame["place_id"]) == {"GBR-EAW"}
    found = frame[["locator", "measure", "sex", "age", "supervision", "definition", "value"]]
    places = "useable_operational_capacity"
    assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
        ["Data!B3", "persons_held", "_T", "_T", "_Z", None, 9100],
        ["Data!C3", "persons_held", "M", "ADULT", "_Z", "adult_male_estate", 8000],
        ["Data!D3", "persons_held", "F", "_T", "_Z", "female_estate", 1000],
        ["Data!E3", "persons_held", "_T", "JUVENILE", "_Z", "youth_custody_estate", 100],
        ["Data!B4", "official_capacity", "_T", "_T", "_Z", places, 9350],
        ["Data!C4", "official_capacity", "M", "ADULT", "_Z", places, 8150],
        ["Data!D4", "official_capacity", "F", "_T", "_Z", places, 1050],
        ["Data!E4", "official_capacity", "_T", "JUVENILE", "_Z", places, 150],
        ["Data!B6", "persons_under_supervision", "_T", "_T", "ELECTRONIC_MONITORING", "home_detention_curfew", 410],
    ]
    defined = set(frame["definition"].dropna())
    assert defined == set(source(SOURCE).definitions)


def test_what_is_left_out_has_its_cell_and_reason() -> None:
    parsed = read(sheet_of())
    assert parsed.items == 13 + 8 + 2
    by_reason: dict[str, list[str]] = {}
    for entry in parsed.left_out:
        by_reason.setdefault(entry.reason.split(":")[0].split(",")[0], []).append(entry.locator)
    assert by_reason == {
        "headroom": ["Data!B5", "Data!C5", "Data!D5", "Data!E5"],
        "a figure of an earlier day": [f"Data!{column}{row}" for row in (9, 10) for column in "BCDE"],
        "among the definitions": ["Data!B15", "Data!B16"],
    }


def test_commas_between_thousands_and_spacer_rows_and_columns_change_nothing() -> None:
    block = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in line] for line in BLOCK]
    spaced = [[""], *([cell for each in line for cell in ("", each)] + [""] for line in sheet_of(block)), [""]]
    parsed = read(spaced)
    plain = read(sheet_of())
    assert parsed.rows["observation"]["value"].tolist() == plain.rows["observation"]["value"].tolist()
    assert parsed.rows["observation"]["locator"].tolist()[:2] == ["Data!D4", "Data!F4"]
    assert parsed.items == plain.items


def test_headroom_may_be_negative() -> None:
    block = [list(line) for line in BLOCK]
    block[1][1], block[2][1] = 9050, -50
    assert read(sheet_of(block)).rows["observation"]["value"].tolist()[4] == 9050


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (sheet_of(title="Population and Capacity Briefing for Tuesday 24 August 2026"), "that day is a Monday"),
        (sheet_of(title="Population and Capacity Briefing for Monday 31 June 2026"), "names no day"),
        (sheet_of(title="Population and Capacity Briefing for Monday 24 Agust 2026"), "names no day"),
        (sheet_of(title="Population Briefing, 24 August 2026"), "is not the title with its day"),
        ([[TITLE, "x"], *sheet_of()[1:]], "is not the title with its day"),
        (sheet_of(header=["", "Total", "Adult Male", "YCS", "Female"]), "the header is"),
        (sheet_of(header=["", "Total", "Male", "Female", "YCS"]), "the header is ['Total', 'Male'"),
        (sheet_of(header=["", "Total", "Adult Male", "Female"]), "the header is"),
        (sheet_of(header=HEADER[1:]), "the header is"),
        (sheet_of([BLOCK[1], BLOCK[0], *BLOCK[2:]]), "has the rows 'Useable"),
        (sheet_of(BLOCK[:3]), "has the rows 'Population'"),
        (sheet_of([*BLOCK, ["Police cells", 5]]), "'Police cells'"),
        (sheet_of(changed(0, 0, "Population*")), "'Population*'"),
        (sheet_of(changed(0, 1, "91O0")), "row 3 of sheet 'Data', column B: '91O0'"),
        (sheet_of(changed(0, 1, "9,10")), "column B: '9,10'"),
        (sheet_of(changed(0, 2, 8000.5)), "column C: 8000.5"),
        (sheet_of(changed(0, 4, -100)), "column E: -100"),
        (sheet_of(changed(1, 3, "Historic data not available")), "column D: 'Historic data not available'"),
        (sheet_of(changed(0, 3, "")), "Population has figures for"),
        (sheet_of([*BLOCK[:3], [*BLOCK[3], 5]]), "Home Detention Curfew caseload has figures for"),
        (sheet_of([[*BLOCK[0], 7], *BLOCK[1:]]), "'column 6'"),
        (sheet_of(changed(0, 2, 1000)), "headroom 150 is not 8150 places less 1000 persons"),
        ([[TITLE], HEADER, *BLOCK], "stands 0 times"),
        ([*sheet_of(), BELOW[0]], "stands 2 times"),
        ([[TITLE]], "ends before the header"),
    ],
)
def test_what_is_not_known_is_refused(table: list[list[Any]], words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(table)
    assert str(refused.value).startswith(NAME)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a readable workbook"),
        (ods(("Data", sheet_of()))[:300], "not a readable workbook"),
        (ods(("Headlines", sheet_of())), "unknown 'Headlines'; missing 'Data'"),
        (ods(("Data", sheet_of()), ("Chart", [["x"]])), "unknown 'Chart'"),
    ],
)
def test_a_file_that_is_no_weekly_file_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(SOURCE, FILE, NAME, data)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    with contextlib.suppress(Refused):
        parse(SOURCE, FILE, NAME, damaged(data, ods(("Data", sheet_of()))))


# gov.uk's documents

API = "https://www.gov.uk/api/content/government/"
ASSETS = "https://assets.publishing.service.gov.uk/media/"


def publication(*files: tuple[str, str]) -> bytes:
    return json.dumps({"details": {"attachments": [{"title": t, "url": u} for t, u in files]}}).encode()


def collection(*documents: tuple[str, str]) -> bytes:
    return json.dumps({"links": {"documents": [{"title": t, "api_url": u} for t, u in documents]}}).encode()


def test_weekly_files_are_told_from_monthly_and_other_ones() -> None:
    weekly = Link("Population bulletin: weekly 24 August 2026", ASSETS + "1/a.ods")
    assert attachments(
        publication(
            weekly,
            ("Population bulletin: monthly August 2026", ASSETS + "2/b.ods"),
            ("Population Bulletin - Weekly 6 January 2012", ASSETS + "3/c.xls"),
        )
    ) == [weekly]


def test_weekly_publications_are_told_from_monthly_ones() -> None:
    wanted = Link("Prison population: weekly estate figures 2026", API + "publications/w")
    assert publications(
        collection(wanted, ("Prison population: monthly prison figures 2024", API + "publications/m"))
    ) == [wanted]


@pytest.mark.parametrize(
    ("title", "url", "words"),
    [
        (
            "Population bulletin 24 August 2026",
            ASSETS + "1/a.ods",
            "does not say whether the file is weekly or monthly",
        ),
        ("Weekly and monthly figures", ASSETS + "1/a.ods", "does not say whether the file is weekly or monthly"),
        ("Weekly", "https://example.org/a.ods", "not one that begins with https://assets"),
        ("Weekly", "http://assets.publishing.service.gov.uk/media/a.ods", "not one that begins with"),
    ],
)
def test_an_attachment_that_is_not_clear_is_refused(title: str, url: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        attachments(publication((title, url)))
    assert words in str(refused.value)


def test_a_publication_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refused, match="'Prison capacity: 2027'; say what it holds"):
        publications(collection(("Prison capacity: 2027", API + "x")))
    with pytest.raises(Refused, match=r"not one that begins with https://www\.gov\.uk/api/content/"):
        publications(collection(("Prison population: weekly estate figures 2027", "https://www.gov.uk.example.org/")))


@pytest.mark.parametrize(
    "data",
    [b"", b"<html></html>", b"[]", b"{}", b'{"details": []}', b'{"details": {}}', b'{"details": {"attachments": [1]}}'],
)
def test_another_document_is_refused(data: bytes) -> None:
    for find in (attachments, publications):
        with pytest.raises(Refused, match=r"gov\.uk Content API"):
            find(data)


def test_the_real_collection(raw: Path) -> None:
    found = publications((raw / "england-wales/govuk-api/collection_prison-population-statistics.json").read_bytes())
    assert len(found) == 15  # of 17: one is monthly, one is of 2009 and 2010
    assert found[0] == Link(
        "Prison population: weekly estate figures 2025",
        "https://www.gov.uk/api/content/government/publications/prison-population-weekly-estate-figures-2025",
    )
    assert found[-1].url == "https://www.gov.uk/api/content/government/statistics/prison-population-2011"


def test_the_real_publication_of_a_year_without_ods_has_none_and_the_same_with_ods_has_each_week(raw: Path) -> None:
    data = (raw / "england-wales/govuk-api/prison-population-2012.json").read_bytes()
    assert data.count(b'.xls"') > 51
    assert attachments(data) == []
    found = attachments(data.replace(b'.xls"', b'.ods"'))
    assert len(found) == 51
    assert found[0] == Link(
        "Population Bulletin - Weekly 28 December 2012",
        "https://assets.publishing.service.gov.uk/media/5a7c77d8ed915d6969f45155/prison-population-281212.ods",
    )
    with pytest.raises(Refused, match="no list links/documents"):
        publications(data)
