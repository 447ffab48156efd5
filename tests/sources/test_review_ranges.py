"""Ranges in reviews, as read by hand: each row word for word, and an unknown word is refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.model import dictionary
from sources.catalogue import source
from sources.rows import fill
from tests.sources.fixtures import delimited, facts_of, is_refused, never_breaks, other_tables_are_refused, parse, plain

SOURCE, TABLE = "review_ranges", "review_range"
NAME = f"{SOURCE}.csv"
ROW = {
    "measure_type": "review_range", "country": "5 countries", "cohort_or_date": "reviews to 2001", "followup": "3y",
    "outcome": "rearrest", "value": "12-34.5", "unit": "%", "source": "Somebody 2005",
    "evidence_url": "https://example.org/1", "evidence_kind": "table in review",
}  # fmt: skip


def table(*changes: dict[str, str]) -> bytes:
    """The file; a row is ROW but for its changes."""
    return delimited([list(ROW), *[list((ROW | change).values()) for change in changes]], end="\n")


def read(data: bytes) -> list[dict[Any, Any]]:
    parsed = parse(SOURCE, SOURCE, NAME, data)
    frame = parsed.rows[TABLE]
    assert (parsed.vintage, parsed.items, parsed.left_out) == (None, len(frame), [])
    return plain(frame)


def test_a_row() -> None:
    assert read(table({})) == [
        {
            "kind_text": "review_range",
            "geography": "5 countries",
            "outcome_text": "rearrest",
            "value_text": "12-34.5",
            "unit_text": "%",
            "citation": "Somebody 2005",
            "evidence": "https://example.org/1",
            "reference": "reviews to 2001",
            "follow_up_text": "3y",
            "locator": f"{NAME}:2:6",
            "grade": "table_in_review",
            "low": 12,
            "high": 34.5,
        }
    ]


def test_the_rows_are_those_of_the_table() -> None:
    frame = parse(SOURCE, SOURCE, NAME, table({})).rows[TABLE]
    given = {"review_range_id": "x", "source_id": SOURCE, "file": SOURCE, "vintage": "v", "snapshot": "s"}
    assert list(fill(TABLE, frame, given | {"licence": "l"}, NAME)) == list(dictionary().tables[TABLE].column_names)


@pytest.mark.parametrize(("text", "low", "high"), [("26-60", 26, 60), ("0-0.5", 0, 0.5), ("41", 41, 41), ("7-7", 7, 7)])
def test_a_value_is_a_range_or_one_number(text: str, low: float, high: float) -> None:
    (row,) = read(table({"value": text}))
    assert (row["value_text"], row["low"], row["high"]) == (text, low, high)


def test_what_is_not_said_is_missing() -> None:
    (row,) = read(table({"cohort_or_date": "", "followup": ""}))
    assert (row["reference"], row["follow_up_text"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"measure_type": "pooled"}, "row 3, column measure_type: 'pooled'"),
        ({"evidence_kind": "hearsay"}, "row 3, column evidence_kind: 'hearsay' is not in review_ranges/grades.csv"),
        ({"value": "26–60"}, "row 3, column value: '26–60' is neither"),  # noqa: RUF001  (a dash)
        ({"value": "26-6O"}, "row 3, column value: '26-6O' is neither"),
        ({"value": "26-60-70"}, "row 3, column value: '26-60-70' is neither"),
        ({"value": "26 - 60"}, "row 3, column value: '26 - 60' is neither"),
        ({"value": "60-26"}, "row 3, column value: '60-26' begins above its end"),
        ({"value": "~26"}, "row 3, column value: '~26' is neither"),
        ({"value": ""}, "row 3, column value"),
        ({"country": ""}, "row 3, column country: nothing is said here"),
        ({"unit": ""}, "row 3, column unit: nothing is said here"),
        ({"source": ""}, "row 3, column source: nothing is said here"),
        ({"evidence_url": " "}, "row 3, column evidence_url: nothing is said here"),
    ],
)
def test_a_row_that_is_not_clear_is_refused(change: dict[str, str], words: str) -> None:
    is_refused(lambda: read(table({}, change)), words, NAME)


def test_other_columns_short_rows_and_files_that_are_no_table_are_refused() -> None:
    other_tables_are_refused(SOURCE, SOURCE, NAME, ROW)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    never_breaks(SOURCE, SOURCE, NAME, table({}), data)


def test_the_grades_are_the_dictionary_s() -> None:
    lines = (source(SOURCE).folder / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert [row["grade"] for row in csv.DictReader(lines)] == list(dictionary().codes("grade"))


# The ranges as they were read


def test_the_real_ranges(raw: Path) -> None:
    rows = read((raw.parent / "facts" / NAME).read_bytes())
    facts = facts_of(raw, NAME)
    texts = ["kind_text", "geography", "reference", "follow_up_text", "outcome_text", "value_text", "unit_text"]
    for row, fact in zip(rows, facts, strict=True):
        assert [row[column] for column in (*texts, "citation", "evidence", "grade")] == list(fact.values())
    ends = [(26, 60), (20, 63), (14, 45), (18, 55), (10, 47), (14, 43), (9, 35)]
    assert [(row["low"], row["high"]) for row in rows] == ends
