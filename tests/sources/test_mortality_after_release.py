"""Deaths after release, as read by hand: each row word for word, and an unknown word is refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.model import dictionary
from sources.catalogue import source
from sources.places import places
from sources.rows import fill
from tests.sources.fixtures import delimited, facts_of, is_refused, never_breaks, other_tables_are_refused, parse, plain

SOURCE = "mortality_after_release"
NAME = f"{SOURCE}.csv"
ROW = {
    "place": "NOR", "cohort": "1,000 released in 2001", "window": "first week", "outcome": "all causes",
    "measure": "relative risk", "value": "3.5", "ci_low": "3.2", "ci_high": "3.8",
    "reference_population": "everybody else", "source": "Somebody (2005)", "evidence_url": "https://example.org/1",
    "evidence": "abstract",
}  # fmt: skip


def table(*changes: dict[str, str]) -> bytes:
    """The file; a row is ROW but for its changes."""
    return delimited([list(ROW), *[list((ROW | change).values()) for change in changes]], end="\n")


def read(data: bytes) -> list[dict[Any, Any]]:
    parsed = parse(SOURCE, SOURCE, NAME, data)
    frame = parsed.rows[SOURCE]
    assert (parsed.vintage, parsed.items, parsed.left_out) == (None, len(frame), [])
    return plain(frame)


def test_a_row() -> None:
    assert read(table({})) == [
        {
            "geography": "NOR",
            "cohort_text": "1,000 released in 2001",
            "window_text": "first week",
            "outcome_text": "all causes",
            "measure_text": "relative risk",
            "value_text": "3.5",
            "citation": "Somebody (2005)",
            "evidence": "https://example.org/1",
            "locator": f"{NAME}:2:6",
            "place_id": "NOR",
            "grade": "abstract",
            "value": 3.5,
            "ci_low": 3.2,
            "ci_high": 3.8,
            "reference_population": "everybody else",
        }
    ]


def test_the_rows_are_those_of_the_table() -> None:
    frame = parse(SOURCE, SOURCE, NAME, table({})).rows[SOURCE]
    given = {"mortality_id": "x", "source_id": SOURCE, "file": SOURCE, "vintage": "v", "snapshot": "s", "licence": "l"}
    assert list(fill(SOURCE, frame, given, NAME)) == list(dictionary().tables[SOURCE].column_names)


NO_INTERVAL = {"ci_low": "", "ci_high": ""}


@pytest.mark.parametrize(
    ("text", "number"),
    [("129", 129), ("0", 0), ("2.0", 2), ("3-8", None), ("1.0-9.4", None), ("342 / 45.8", None)],
)
def test_a_value_is_one_plain_number_or_text_alone(text: str, number: float | None) -> None:
    (row,) = read(table({"value": text} | NO_INTERVAL))
    assert (row["value_text"], row["value"], row["ci_low"], row["ci_high"]) == (text, number, None, None)


@pytest.mark.parametrize(
    ("text", "place_id"),
    [("USA-WA", "USA-WA"), ("GBR", "GBR"), ("GBR USA AUS", None), ("international", None), ("8 countries", None)],
)
def test_a_place_is_given_where_the_text_is_one(text: str, place_id: str | None) -> None:
    (row,) = read(table({"place": text}))
    assert (row["geography"], row["place_id"]) == (text, place_id)


@pytest.mark.parametrize(
    ("text", "grade"), [("report copy", "report_copy"), ("secondary", "secondary"), ("press", "press")]
)
def test_grades(text: str, grade: str) -> None:
    assert read(table({"evidence": text}))[0]["grade"] == grade


def test_nobody_to_compare_with_is_missing() -> None:
    assert read(table({"reference_population": ""}))[0]["reference_population"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place": "Atlantis"}, "row 3, column place: 'Atlantis' is not in mortality_after_release/geographies.csv"),
        ({"place": ""}, "row 3, column place"),
        ({"evidence": "hearsay"}, "row 3, column evidence: 'hearsay' is not in mortality_after_release/grades.csv"),
        ({"evidence": "Abstract"}, "'Abstract' is not in mortality_after_release/grades.csv"),
        ({"value": "3,5"}, "row 3, column value: '3,5' is neither"),
        ({"value": "3.S"}, "row 3, column value: '3.S' is neither"),
        ({"value": "~3.5"}, "row 3, column value: '~3.5' is neither"),
        ({"value": ""}, "row 3, column value"),
        ({"ci_low": "3.l"}, "row 3, column ci_low: '3.l' is not a number"),
        ({"ci_high": "NaN"}, "row 3, column ci_high: 'NaN' is not a number"),
        ({"ci_low": ""}, "row 3, column value: '3.5' does not lie in its interval"),
        ({"ci_low": "3.6"}, "row 3, column value: '3.5' does not lie in its interval, '3.6' to '3.8'"),
        ({"ci_high": "3.4"}, "row 3, column value: '3.5' does not lie in its interval"),
        ({"value": "3-8"}, "row 3, column value: '3-8' does not lie in its interval"),
        ({"cohort": ""}, "row 3, column cohort: nothing is said here"),
        ({"source": " "}, "row 3, column source: nothing is said here"),
        ({"evidence_url": ""}, "row 3, column evidence_url: nothing is said here"),
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


def test_the_tables_by_hand_hold_only_what_the_dictionary_knows() -> None:
    folder = source(SOURCE).folder

    def column(name: str, of: str) -> list[str]:
        return [row[of] for row in csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines())]

    assert column("grades.csv", "grade") == list(dictionary().codes("grade"))
    assert set(column("geographies.csv", "place_id")) - {""} <= set(places())


# The figures as they were read


def test_the_real_figures(raw: Path) -> None:
    rows = read((raw.parent / "facts" / NAME).read_bytes())
    facts = facts_of(raw, NAME)
    assert len(rows) == len(facts) == 37
    texts = ["geography", "cohort_text", "window_text", "outcome_text", "measure_text", "value_text"]
    texts += ["reference_population", "citation", "evidence"]
    theirs = ["place", "cohort", "window", "outcome", "measure", "value"]
    theirs += ["reference_population", "source", "evidence_url"]
    for row, fact in zip(rows, facts, strict=True):
        assert [row[column] or "" for column in texts] == [fact[column] for column in theirs]
        assert row["grade"] == fact["evidence"].replace(" ", "_")
        for bound in ("ci_low", "ci_high"):
            assert row[bound] == (float(fact[bound]) if fact[bound] else None)
    first = rows[1]
    assert (first["place_id"], first["value"], first["ci_low"], first["ci_high"]) == ("USA-WA", 129, 89, 186)
    assert [row["value_text"] for row in rows if row["value"] is None] == [
        "3-8", "342 / 45.8", "100 / 8.3", "1.0-9.4", "2.6-41.3", "720-2054",
    ]  # fmt: skip
    assert {row["geography"] for row in rows if row["place_id"] is None} == {
        "8 countries", "GBR USA AUS", "GBR AUS USA", "international",
    }  # fmt: skip
    assert sum(row["grade"] == "secondary" for row in rows) == 4
    assert sum(row["grade"] == "report_copy" for row in rows) == 2
