"""The figures read by hand: each row becomes a row, word for word, and an unknown word is refused."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.model import dictionary
from sources.catalogue import source
from sources.errors import Refused
from sources.places import places
from tests.sources.fixtures import damaged, delimited, parse

GAP_HEADER = ["place_id", "component", "low", "central", "high", "reference", "source", "note"]
GAP = ["PRK", "political prison camps", "80000", "100000", "120000", "2014", "A/HRC/25/63", ""]
TOTAL_HEADER = ["topic", "geography", "reference", "value", "unit", "source", "evidence_url", "caveat"]
TOTAL = [
    "prison_total",
    "World",
    "2022",
    "11.5",
    "million",
    "UNODC Prison Matters 2024",
    "https://gna.org.gh/?p=382181",
    "",
]


def gaps(*rows: list[str], header: list[str] = GAP_HEADER) -> list[dict[Any, Any]]:
    parsed = parse("gaps", "gaps", "gaps.csv", delimited([header, *rows], end="\n"))
    return plain(parsed.rows["gap"])


def totals(*rows: list[str], header: list[str] = TOTAL_HEADER) -> list[dict[Any, Any]]:
    data = delimited([header, *rows], end="\n")
    parsed = parse("published_totals", "published_totals", "published_totals.csv", data)
    return plain(parsed.rows["published_total"])


def plain(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows, what is missing as None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def other(row: list[str], header: list[str], **changes: str) -> list[str]:
    return list((dict(zip(header, row, strict=True)) | changes).values())


def test_a_gap() -> None:
    (row,) = gaps(GAP)
    assert row == {
        "place_id": "PRK",
        "component": "political prison camps",
        "counts": "beside",
        "measure": "persons_held",
        "locator": "gaps.csv:2:4",
        "low": 80000,
        "central": 100000,
        "high": 120000,
        "reference": "2014",
        "citation": "A/HRC/25/63",
        "note": None,
    }


def test_what_nobody_has_estimated_is_missing_and_not_zero() -> None:
    unknown = ["ERI", "all prisons", "", "", "", "", "none", "no figure"]
    zero = other(GAP, GAP_HEADER, low="0")
    rows = gaps(unknown, zero)
    assert [rows[0][c] for c in ("low", "central", "high", "reference", "citation")] == [None] * 5
    assert rows[1]["low"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place_id": "PRX"}, "row 2, column place_id: No place is known as 'PRX'"),
        ({"place_id": ""}, "row 2, column place_id"),
        ({"low": "80,000"}, "row 2, column low: '80,000' is not a number"),
        ({"central": "1OO000"}, "row 2, column central: '1OO000' is not a number"),
        ({"high": "NaN"}, "row 2, column high: 'NaN' is not a number"),
    ],
)
def test_a_gap_that_is_not_clear_is_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(Refused) as refused:
        gaps(other(GAP, GAP_HEADER, **change))
    assert str(refused.value).startswith("gaps.csv")
    assert words in str(refused.value)


def test_a_total() -> None:
    (row,) = totals(TOTAL)
    assert row == {
        "locator": "published_totals.csv:2:4",
        "topic": "prison_total",
        "geography": "World",
        "place_id": "WLD",
        "reference": "2022",
        "reference_year": 2022,
        "value_text": "11.5",
        "unit_text": "million",
        "value": 11_500_000,
        "circa": False,
        "citation": "UNODC Prison Matters 2024",
        "evidence": "https://gna.org.gh/?p=382181",
        "grade": "press",
        "note": None,
    }


@pytest.mark.parametrize(
    ("value", "unit", "number", "circa"),
    [
        ("10.35", "million", 10_350_000, False),
        ("1349220", "persons (31 agencies)", 1_349_220, False),
        ("~3.5", "million", None, True),
        (">30", "million people released per year", None, True),
        ("30", "million people released per year", None, False),
        (">25% increase", "change", None, True),
        ("NONE", "-", None, False),
        ("0", "persons", 0, False),
    ],
)
def test_a_value_is_a_number_of_persons_or_none(value: str, unit: str, number: float | None, circa: bool) -> None:
    (row,) = totals(other(TOTAL, TOTAL_HEADER, value=value, unit=unit))
    assert (row["value"], row["circa"], row["value_text"], row["unit_text"]) == (number, circa, value, unit)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"topic": "prisons"}, "row 2, column topic: 'prisons'"),
        (
            {"geography": "Atlantis"},
            "row 2, column geography: 'Atlantis' is not in published_totals/geographies.csv; add it",
        ),
        (
            {"reference": "early 2026"},
            "row 2, column reference: 'early 2026' is not in published_totals/references.csv; add it",
        ),
        ({"unit": "thousand"}, "row 2, column unit: 'thousand' is not in published_totals/units.csv; add it"),
        ({"value": "11,5"}, "row 2, column value: '11,5' is neither"),
        ({"value": "1l.5"}, "row 2, column value: '1l.5' is neither"),
        ({"value": "NaN"}, "row 2, column value: 'NaN' is neither"),
        ({"value": ""}, "row 2, column value: '' is neither"),
        ({"evidence_url": "https://example.org"}, "is not in published_totals/evidence.csv; add it"),
        (
            {"source": "Somebody"},
            "'Somebody' / 'https://gna.org.gh/?p=382181' is not in published_totals/evidence.csv; add it",
        ),
    ],
)
def test_a_total_that_is_not_clear_is_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(Refused) as refused:
        totals(other(TOTAL, TOTAL_HEADER, **change))
    assert str(refused.value).startswith("published_totals.csv")
    assert words in str(refused.value)


@pytest.mark.parametrize(("read", "header", "row"), [(gaps, GAP_HEADER, GAP), (totals, TOTAL_HEADER, TOTAL)])
def test_other_columns_and_short_rows_are_refused(read: Any, header: list[str], row: list[str]) -> None:
    with pytest.raises(Refused, match=f"missing {header[0]}"):
        read(row[1:], header=header[1:])
    with pytest.raises(Refused, match="unknown 'more'"):
        read([*row, ""], header=[*header, "more"])
    with pytest.raises(Refused, match="row 3: 7 cells where the header has 8"):
        read(row, row[:-1])


@pytest.mark.parametrize("name", ["gaps", "published_totals"])
def test_files_that_are_no_table_are_refused(name: str) -> None:
    header = delimited([GAP_HEADER if name == "gaps" else TOTAL_HEADER])
    for data in (b"", b"<html></html>\n", header, header + b"a,b", b"\x00\xff\xfe\n"):
        with pytest.raises(Refused, match=f"^{name}.csv"):
            parse(name, name, f"{name}.csv", data)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    name, header, row = data.draw(
        st.sampled_from([("gaps", GAP_HEADER, GAP), ("published_totals", TOTAL_HEADER, TOTAL)])
    )
    with contextlib.suppress(Refused):
        parse(name, name, f"{name}.csv", damaged(data, delimited([header, row])))


def test_the_total_of_a_country_is_an_observation_too_with_its_grade() -> None:
    row = [
        "prison_total", "Mexico", "31 Dec 2023", "200", "persons", "BJS PPUS 2022",
        "https://www.ojp.gov/library/publications/probation-and-parole-united-states-2022", "",
    ]  # fmt: skip
    parsed = parse("published_totals", "published_totals", "p.csv", delimited([TOTAL_HEADER, TOTAL, row]))
    (found,) = plain(parsed.rows["observation"])
    assert (parsed.items, found["place_id"], found["value"], found["grade"]) == (3, "MEX", 200, "official_page")
    with pytest.raises(Refused, match="'see XLSX' is no number, yet national.csv names the row"):
        parse(
            "published_totals", "published_totals", "p.csv", delimited([TOTAL_HEADER, [*row[:3], "see XLSX", *row[4:]]])
        )


def test_the_tables_by_hand_hold_only_what_the_dictionary_knows() -> None:
    folder = source("published_totals").folder
    tables = {
        path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) for path in folder.glob("*.csv")
    }
    assert set(tables) == {"geographies", "references", "units", "evidence", "national"}
    assert {row["grade"] for row in tables["evidence"]} <= set(dictionary().codes("grade"))
    assert {row["place_id"] for row in tables["geographies"]} - {""} <= set(places())
    for row in tables["references"]:
        year = row["reference_year"]
        assert not year or year in row["reference"]
    whole_world = [row["geography"] for row in tables["geographies"] if row["place_id"] == "WLD"]
    assert whole_world == ["World"]


# The figures as they were read


def facts(raw: Path, name: str) -> tuple[bytes, list[dict[str, str]]]:
    path = raw.parent / "facts" / name
    with path.open(encoding="utf-8", newline="") as stream:
        return path.read_bytes(), list(csv.DictReader(stream))


def test_the_real_gaps(raw: Path) -> None:
    data, read = facts(raw, "gaps.csv")
    parsed = parse("gaps", "gaps", "gaps.csv", data)
    rows = plain(parsed.rows["gap"])
    assert (parsed.vintage, parsed.items, len(rows)) == (None, len(read), 4)
    for row, fact in zip(rows, read, strict=True):
        for column in ("place_id", "component", "reference", "note"):
            assert (row[column] or "") == fact[column]
        for column in ("low", "central", "high"):
            assert row[column] == (float(fact[column]) if fact[column] else None)
        assert row["citation"] == (None if fact["source"] == "none" else fact["source"])
    assert [row["central"] for row in rows] == [1_690_000, 650_000, 100_000, None]


def test_the_real_totals(raw: Path) -> None:
    data, read = facts(raw, "published_totals.csv")
    parsed = parse("published_totals", "published_totals", "published_totals.csv", data)
    rows = plain(parsed.rows["published_total"])
    national = [
        (r["place_id"], r["measure"], str(r["period_end"]), r["value"], r["grade"])
        for r in plain(parsed.rows["observation"])
    ]
    assert sorted(national) == [
        ("AUS", "persons_held", "2025-06-30", 46_998, "secondary"),
        ("MEX", "persons_held", "2023-12-31", 233_277, "press"),
        ("MEX", "persons_held", "2024-12-31", 236_773, "press"),
        ("NGA", "persons_held", "2025-06-30", 81_710, "press"),
        ("USA", "persons_under_correctional_supervision", "2019-12-31", 6_344_000, "secondary"),
        ("USA", "persons_under_supervision", "2016-12-31", 4_537_100, "raw_file"),
        ("USA", "persons_under_supervision", "2018-12-31", 4_399_000, "secondary"),
        ("USA", "persons_under_supervision", "2021-12-31", 3_745_000, "secondary"),
        ("USA", "persons_under_supervision", "2022-12-31", 3_668_800, "official_page"),
    ]
    assert (parsed.vintage, parsed.items, len(rows)) == (None, len(read) + len(national), 26)
    ours = ["topic", "geography", "reference", "value_text", "unit_text", "citation", "evidence", "note"]
    for row, fact in zip(rows, read, strict=True):
        assert [row[column] or "" for column in ours] == list(fact.values())
        assert row["circa"] == ("~" in fact["value"] or ">" in fact["value"])
    world = {row["reference_year"]: row["value"] for row in rows if row["geography"] == "World" and row["value"]}
    assert world == {
        2019: 11_700_000,
        2022: 11_500_000,
        2013: 10_200_000,
        2016: 10_350_000,
        2021: 10_770_000,
        2024: 10_990_000,
    }
    assert sum(row["value"] is None for row in rows) == 7
    nowhere = {row["geography"] for row in rows if row["place_id"] is None}
    assert nowhere == {"Europe", "CoE responding agencies", "USA correctional total"}
    (file,) = [row for row in rows if row["grade"] == "raw_file"]
    assert (file["place_id"], file["reference_year"], file["value"]) == ("USA", 2016, 4_537_100)
    text = (raw.parent / file["evidence"]).read_text(encoding="cp1252")
    assert "4,537,100" in text or "4537100" in text
