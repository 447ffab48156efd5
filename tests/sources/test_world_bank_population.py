"""The World Bank's population: layouts, refusals, and the real files against what csv reads in them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.catalogue import source
from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import (
    WORLD_BANK_MEMBER,
    complete,
    damaged,
    delimited,
    parse,
    world_bank_json,
    world_bank_record,
    world_bank_wide,
    world_bank_zip,
    zipped,
)

SOURCE, FILE = "world_bank_population", "population"
TABLE = [
    ["Albania", "ALB", "1608800", "1659800"],
    ["West Bank and Gaza", "PSE", "", "1000"],
    ["World", "WLD", "3021529124", "0"],
    ["Low income", "LIC", "1", "2"],
    ["Not classified", "INX", "", ""],
]
RECORDS = [world_bank_record("ALB", 2024, 2377128), world_bank_record("ALB", 2023, None)]


def read(data: bytes, name: str = "API_SP.POP.TOTL_1.csv") -> Parsed:
    return parse(SOURCE, FILE, name, data)


def figures(parsed: Parsed) -> dict[tuple[str, int], float]:
    rows = complete(SOURCE, FILE, parsed)[0]
    return {(r.place_id, r.period_end.year): r.value for r in rows.itertuples()}


EXPECTED = {
    ("ALB", 1960): 1608800,
    ("ALB", 1961): 1659800,
    ("PSE", 1961): 1000,
    ("WLD", 1960): 3021529124,
    ("WLD", 1961): 0,
    ("WB-LIC", 1960): 1,
    ("WB-LIC", 1961): 2,
}


def test_the_zip() -> None:
    parsed = read(world_bank_zip(world_bank_wide([1960, 1961], TABLE)), "pop.zip")
    assert (parsed.vintage, parsed.items) == ("2025-07-01", 10)
    assert figures(parsed) == EXPECTED
    row = complete(SOURCE, FILE, parsed)[0].iloc[0]
    assert (row["measure"], row["unit"], row["dataset"]) == ("population", "persons", "SP.POP.TOTL")
    assert (row["period_start"], row["period_kind"]) == (date(1960, 1, 1), "unknown_day")
    assert row["locator"] == f"pop.zip/{WORLD_BANK_MEMBER}:6:5"
    assert [(e.locator.rsplit("/")[-1], e.reason, e.items) for e in parsed.left_out] == [
        (f"{WORLD_BANK_MEMBER}:7:5", "missing", 1),
        (f"{WORLD_BANK_MEMBER}:10:5", "not classified: no place", 2),
    ]
    assert parsed.left_out[0].raw == {"Country Code": "PSE", "values": {"1960": ""}}


def test_the_wide_csv_alone_with_and_without_its_preamble() -> None:
    whole = read(world_bank_wide([1960, 1961], TABLE))
    bare = read(world_bank_wide([1960, 1961], TABLE, updated=None))
    assert (whole.vintage, bare.vintage) == ("2025-07-01", None)
    assert figures(whole) == figures(bare) == EXPECTED
    assert bare.rows["observation"]["locator"][0] == "API_SP.POP.TOTL_1.csv:2:5"
    assert pd.isna(bare.rows["observation"]["note"]).all()


def test_the_tidy_copy() -> None:
    table = [["Country Name", "Country Code", "Year", "Value"], ["Kosovo", "XKX", "2024", "1527324"]]
    parsed = read(delimited(table), "population.csv")
    assert (parsed.vintage, parsed.items, figures(parsed)) == (None, 1, {("XKX", 2024): 1527324})
    assert parsed.rows["observation"]["locator"][0] == "population.csv:2:4"
    assert "not in the World Bank's own layout" in parsed.rows["observation"]["note"][0]


def test_the_api() -> None:
    levels = [("XD", "HIC"), ("XM", "LIC"), ("XN", "LMC"), ("XT", "UMC")]
    records = [*RECORDS, *(world_bank_record("", 2024, n, own) for n, (own, _) in enumerate(levels))]
    records += [world_bank_record("CHI", 2024, 170000.0), world_bank_record("", 2024, 7, "XY")]
    parsed = read(world_bank_json(records), "population.json")
    assert (parsed.vintage, parsed.items) == ("2026-07-13", 8)
    expected = {(f"WB-{iso3}", 2024): n for n, (_, iso3) in enumerate(levels)}
    assert figures(parsed) == {("ALB", 2024): 2377128, ("M49-830", 2024): 170000, **expected}
    assert parsed.rows["observation"]["locator"][0] == "/1/0/value"
    assert [(e.locator, e.reason) for e in parsed.left_out] == [
        ("/1/1/value", "missing"),
        ("/1/7/value", "not classified: no place"),
    ]
    assert parsed.left_out[0].raw == {"Country Code": "ALB", "values": {"2023": None}}


def test_the_order_of_names_in_a_record_means_nothing() -> None:
    turned = [dict(reversed(record.items())) for record in RECORDS]
    assert figures(read(world_bank_json(turned))) == {("ALB", 2024): 2377128}


ERROR = [{"message": [{"id": "120", "key": "Invalid value", "value": "The provided parameter value is not valid"}]}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (json.dumps(ERROR).encode(), "The provided parameter value is not valid"),
        (b'{"error": 1}', "not the API's answer"),
        (b"[]", "not the API's answer"),
        (b'[{"page": 0, "pages": 0, "total": 0}, null]', "not the API's answer"),
        (world_bank_json([]), "the array of records is empty"),
        (world_bank_json(RECORDS)[:-20], "not readable JSON"),
        (world_bank_json(RECORDS, pages=2), "page 1 of 2"),
        (world_bank_json(RECORDS, page=2, pages=2), "page 2 of 2"),
        (world_bank_json(RECORDS, total=16758), "2 of 16758 records"),
        (world_bank_json(RECORDS, lastupdated="13/07/2026"), "no date lastupdated"),
        (world_bank_json(RECORDS, lastupdated=None), "no date lastupdated"),
        (world_bank_json([RECORDS[1]]), "no figure"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data, "population.json")
    assert str(refused.value).startswith("population.json")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"indicator": {"id": "SM.POP.TOTL.ZS", "value": "Migrants"}}, ("indicator/id", "'SM.POP.TOTL.ZS'")),
        ({"countryiso3code": ""}, ("row 2", "no three-letter code is given for 'XX'")),
        ({"countryiso3code": None}, ("row 2", "no three-letter code is given for 'XX'")),
        ({"countryiso3code": "AL"}, ("row 2, column Country Code", "'AL'")),
        ({"countryiso3code": "ATL", "value": None}, ("row 2, column Country Code", "'ATL'")),
        ({"date": "2024Q1"}, ("row 2, column Year", "2024Q1")),
        ({"date": "24", "value": None}, ("row 2, column Year", "'24'")),
        ({"value": "2 377 128"}, ("row 2, column Value", "'2 377 128'")),
        ({"value": "2377l28"}, ("row 2, column Value", "'2377l28'")),
        ({"value": True}, ("row 2, column Value", "True")),
        ({"value": [1]}, ("row 2, column Value", "[1]")),
        ({"obs_status": "F"}, ("row 2, column obs_status", "'F'")),
        ({"unit": "thousand"}, ("row 2, column unit", "'thousand'")),
        ({"footnote": ""}, ("row /1/2", "unknown 'footnote'")),
        ({"indicator": "SP.POP.TOTL"}, ("row /1/2", "missing indicator/id, indicator/value")),
    ],
)
def test_a_record_that_is_not_known_is_refused(change: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(world_bank_json([*RECORDS, world_bank_record("AUT", 2024, 1) | change]), "population.json")
    for part in ("population.json", *words):
        assert part in str(refused.value)


def test_nan_a_missing_name_and_a_record_that_is_none_are_refused() -> None:
    with pytest.raises(Refused, match="NaN is not a number"):
        read(world_bank_json(RECORDS).replace(b"2377128", b"NaN"))
    with pytest.raises(Refused, match="missing decimal"):
        read(world_bank_json([{k: v for k, v in RECORDS[0].items() if k != "decimal"}]))
    with pytest.raises(Refused, match="row /1/1: the columns are not the expected ones"):
        read(world_bank_json([RECORDS[0], "text"]))


def wide(*rows: Sequence[Any], years: Sequence[int] = (1960, 1961), **more: Any) -> bytes:
    return world_bank_wide(years, rows, **more)


GOOD = wide(["Albania", "ALB", "1", "2"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"<html><head><title>Error 400</title></head></html>\n", "the columns are not the expected ones"),
        (b'<?xml version="1.0"?><wb:error>throttled</wb:error>\n', "the columns are not the expected ones"),
        (wide(["Albania", "ALB", "1", "2x"]), "row 6:6, column Value: '2x' is not a number"),
        (wide(["Albania", "ALB", "1", ".."]), "row 6:6, column Value: '..' is not a number"),
        (wide(["Albania", "ALB", "1", "NaN"]), "row 6:6, column Value: 'NaN' is not a number"),
        (wide(["Albania", "ALB", "1,000", "2"]), "row 6:5, column Value: '1,000' is not a number"),
        (wide(["Atlantis", "ATL", "1", "2"]), "column Country Code: No place is known as 'ATL'"),
        (wide(["Atlantis", "ATL", "", ""], ["Albania", "ALB", "1", "2"]), "No place is known as 'ATL'"),
        (wide(["Albania", "ALB", "1", "2"], indicator="SM.POP.TOTL.ZS"), "'SM.POP.TOTL.ZS'"),
        (wide(["Albania", "ALB", "", ""]), "no figure"),
        (wide(["Albania", "ALB", "1"]), "row 6: 6 cells where the header has 7"),
        (wide(["Albania", "ALB", "1", "2"], years=[1960, 1962]), "missing 1961; unknown '1962'"),
        (wide(["Albania", "ALB", "1", "2"], years=[1961, 1960]), "missing 1962; unknown '1960'"),
        (wide(["Albania", "ALB", "1", "2"], updated="01.07.2025"), "row 3: 'Last Updated Date'"),
        (GOOD.replace(b"Last Updated Date", b"Updated"), "row 3: 'Last Updated Date'"),
        (GOOD.replace(b'"Indicator Name",', b""), "missing Indicator Name"),
        (GOOD.replace(b'"1961",', b'"1961","Note",'), "missing 1962; unknown 'Note'"),
        (GOOD.replace(b'"2",""', b'"2","x"'), "'x' is not one of the publisher's codes"),
        (GOOD[: GOOD.index(b'"Country Name"')], "ends before the header"),
        (GOOD.split(b"\r\n")[0] + b"\r\n", "row 3: 'Last Updated Date'"),
        (GOOD[:-8], "row 6"),
        (GOOD[:-2], "row 6: the last line does not end"),
        (
            b"Country Name,Country Code,Year,Value\r\nAlbania,ALB,2024,2377",
            "row 2: the last line does not end",
        ),
        (delimited([["Country Name", "Country Code", "Year"], ["Albania", "ALB", "2024"]]), "missing"),
        (delimited([["Country Name", "Country Code", "Year", "Value"]]), "a header and no rows"),
    ],
)
def test_a_csv_that_is_not_clear_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data)
    assert "API_SP.POP.TOTL_1.csv" in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (world_bank_zip(GOOD)[:-30], "truncated or damaged"),
        (world_bank_zip(GOOD)[:200], "truncated or damaged"),
        (
            zipped({"Metadata_Country_API_SP.POP.TOTL_1.csv": GOOD}),
            "belong in it, but it holds Metadata_Country",
        ),
        (zipped({"API_SM.POP.TOTL.ZS_1.csv": GOOD}), "it holds API_SM.POP.TOTL.ZS_1.csv"),
        (zipped({"API_SP.POP.TOTL_1.csv": GOOD, "API_SP.POP.TOTL_2.csv": GOOD}), "belong in it"),
        (zipped({"API_SP.POP.TOTL_1.csv": GOOD, "readme.txt": b""}), "belong in it"),
        (zipped({}), "it holds nothing"),
        (world_bank_zip(GOOD.replace(b'"1"', b'"I"')), f"pop.zip/{WORLD_BANK_MEMBER}, row 6:5"),
    ],
)
def test_a_zip_that_is_not_whole_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data, "pop.zip")
    assert str(refused.value).startswith("pop.zip")
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([GOOD, world_bank_zip(GOOD), world_bank_json(RECORDS)]))
    with contextlib.suppress(Refused):
        read(damaged(data, whole), "pop")


def test_a_place_twice_is_refused() -> None:
    parsed = read(wide(["Albania", "ALB", "1", "2"], ["Albania", "ALB", "3", "2"]))
    with pytest.raises(Refused, match=r"csv:6:5 = 1, .*csv:7:5 = 3"):
        complete(SOURCE, FILE, parsed)


@pytest.mark.parametrize(
    "name",
    ["API_SP.POP.TOTL_DS2_en_csv_v2_38144.zip", "population.csv", "SP.POP.TOTL.json", "population-total.csv"],
)
def test_names_that_people_give_to_it(name: str) -> None:
    assert source(SOURCE).file_for(name) == FILE


# The publisher's files


def one(raw: Path, pattern: str) -> tuple[Path, bytes]:
    (path,) = (raw / "world-bank").glob(pattern)
    return path, path.read_bytes()


def wide_figures(text: str, header: int) -> tuple[list[tuple[str, int, float]], int]:
    """The figures of a wide CSV in the order of the file, and how many cells it has for them."""
    records = list(csv.reader(io.StringIO(text)))
    years = [int(year) for year in records[header][4:-1]]
    cells = [
        (record[1], year, cell)
        for record in records[header + 1 :]
        for year, cell in zip(years, record[4:-1], strict=True)
    ]
    return [(code, year, float(cell)) for code, year, cell in cells if cell], len(cells)


def test_the_real_zip(raw: Path) -> None:
    path, data = one(raw, "2025-07-01/*.zip")
    parsed = read(data, path.name)
    with zipfile.ZipFile(path) as archive:
        (member,) = (name for name in archive.namelist() if name.startswith("API_"))
        expected, cells = wide_figures(archive.read(member).decode("utf-8-sig"), 4)
    rows = complete(SOURCE, FILE, parsed)[0]
    assert (
        (parsed.vintage, parsed.items, len(rows))
        == ("2025-07-01", cells, len(expected))
        == ("2025-07-01", 17290, 17195)
    )
    assert rows["value"].tolist() == [value for _, _, value in expected]
    assert [day.year for day in rows["period_start"]] == [year for _, year, _ in expected]
    found = figures(parsed)
    countries = {(code, year): value for code, year, value in expected if (code, year) in found}
    assert len(countries) > 200 * 65
    assert {key: found[key] for key in countries} == countries
    assert [found["WLD", 2024], found["XKX", 2024], found["PSE", 2024]] == [8142056446, 1527324, 5289152]
    assert [(e.raw["Country Code"], e.items) for e in parsed.left_out] == [("PSE", 30), ("INX", 65)]


def test_the_real_csv_without_preamble(raw: Path) -> None:
    path, data = one(raw, "2023-10/*.csv")
    parsed = read(data, path.name)
    expected, cells = wide_figures(data.decode("utf-8-sig"), 0)
    assert (parsed.vintage, parsed.items) == (None, cells)
    assert complete(SOURCE, FILE, parsed)[0]["value"].tolist() == [value for _, _, value in expected]


def test_the_real_tidy_copy(raw: Path) -> None:
    path, data = one(raw, "2026-03/population.csv")
    parsed = read(data, path.name)
    with path.open(encoding="utf-8", newline="") as stream:
        published = [float(record["Value"]) for record in csv.DictReader(stream)]
    assert complete(SOURCE, FILE, parsed)[0]["value"].tolist() == published
    assert (parsed.items, parsed.left_out) == (17195, [])


def test_the_real_answer_for_another_indicator_is_refused_by_name(raw: Path) -> None:
    path, data = one(raw, "api-v2-envelope_*.json")
    with pytest.raises(Refused, match=r"'SM\.POP\.TOTL\.ZS' is not one of"):
        read(data, path.name)


def test_the_real_answer_with_the_indicator_of_the_population(raw: Path) -> None:
    """The envelope is the API's own; with the right indicator in it the parser reads all of it."""
    data = one(raw, "api-v2-envelope_*.json")[1]
    parsed = read(data.replace(b"SM.POP.TOTL.ZS", b"SP.POP.TOTL"))
    meta, records = json.loads(data)
    assert (parsed.vintage, parsed.items) == (meta["lastupdated"], len(records)) == ("2026-07-13", 91)
    assert parsed.rows["observation"]["value"].tolist() == [record["value"] for record in records]
