"""Return to prison: what a note says becomes columns, and a text that nobody has read is refused."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.model import dictionary
from sources.catalogue import source
from sources.places import places
from sources.reading import Parsed
from tests.sources.fixtures import delimited, facts_of, is_refused, never_breaks, other_tables_are_refused, parse, plain

SOURCE, FILE = "recidivism_national", "recidivism_by_country"
NAME = f"{FILE}.csv"
COHORT = {
    "place": "USA",
    "basis": "release_cohort",
    "outcome": "reimprisonment",
    "population": "released_prisoners",
    "cohort_start": "2012",
    "cohort_end": "2012",
    "follow_up_months": "36",
    "cohort_size": "1000",
    "rate_percent": "12.5",
    "counts_technical_violations": "yes",
    "definition_note": "all",
    "source": "A report",
    "evidence_url": "https://example.org/report",
    "evidence": "official page",
}
HEADER = list(COHORT)


def read(*changes: dict[str, str]) -> Parsed:
    """The file of one row for each of the changes to COHORT."""
    table = [[(COHORT | change)[column] for column in HEADER] for change in changes]
    return parse(SOURCE, FILE, NAME, delimited([HEADER, *table], end="\n"))


def row(**change: str) -> dict[Any, Any]:
    (only,) = plain(read(change).rows["recidivism"])
    return only


def test_a_cohort() -> None:
    assert row() == {
        "locator": "recidivism_by_country.csv:2:9",
        "dataset": FILE,
        "place_id": "USA",
        "basis": "release_cohort",
        "outcome": "reimprisonment",
        "population": "released_prisoners",
        "age": "_T",
        "subgroup": "_T",
        "cohort_start": date(2012, 1, 1),
        "cohort_end": date(2012, 12, 31),
        "cohort_size": 1000,
        "follow_up_months": 36,
        "counts_technical_violations": True,
        "rate_percent": 12.5,
        "status": "A",
        "circa": False,
        "definition": None,
        "citation": "A report",
        "evidence": "https://example.org/report",
        "grade": "official_page",
        "note": "all",
    }


@pytest.mark.parametrize(("said", "meant"), [("yes", True), ("no", False), ("unknown", None)])
def test_what_is_not_said_of_technical_violations_is_neither_yes_nor_no(said: str, meant: bool | None) -> None:
    assert row(counts_technical_violations=said)["counts_technical_violations"] is meant


def test_a_share_of_a_stock_follows_nobody_and_what_is_missing_is_not_zero() -> None:
    share = row(basis="stock_share", follow_up_months="", cohort_size="", definition_note="")
    assert [share[c] for c in ("follow_up_months", "cohort_size", "note")] == [None, None, None]
    assert row(rate_percent="0")["rate_percent"] == 0


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        (("GBR-SCT", "2016", "2017"), date(2016, 4, 1), date(2017, 3, 31)),
        (("AUS", "2012-07", "2013-06"), date(2012, 7, 1), date(2013, 6, 30)),
        (("NZL", "2002-04", "2003-03"), date(2002, 4, 1), date(2003, 3, 31)),
        (("DNK", "2005", "2005"), date(2005, 1, 1), date(2005, 12, 31)),
        (("ZAF", "", ""), None, None),
    ],
)
def test_the_days_of_a_cohort(said: tuple[str, str, str], first: date | None, last: date | None) -> None:
    cohort = row(place=said[0], cohort_start=said[1], cohort_end=said[2])
    assert (cohort["cohort_start"], cohort["cohort_end"]) == (first, last)


@pytest.mark.parametrize(
    ("note", "column", "value"),
    [
        ("released on parole (1,373 of 4,904 released in 2016)", "subgroup", "release: released on parole"),
        ("34 states; any new arrest", "definition", "some_regions"),
        ("adult ex-prisoners, any reconviction within 2 years", "age", "ADULT"),
        ("1-year; 'some 40%'", "circa", True),
        ("3-year; published 'under reservation'", "status", "P"),
    ],
)
def test_what_a_note_warns_of(note: str, column: str, value: Any) -> None:
    cohort = row(definition_note=note)
    assert (cohort[column], cohort["note"]) == (value, note)


def test_a_share_that_readers_computed_is_no_row() -> None:
    note = (
        "complement of 54.27% reaching sentence expiry without readmission while on conditional release "
        "(computed here: 100-54.27)"
    )
    parsed = read({"definition_note": note}, {"follow_up_months": "60"})
    assert [r["follow_up_months"] for r in plain(parsed.rows["recidivism"])] == [60]
    (entry,) = parsed.left_out
    assert (entry.locator, entry.items, entry.raw["rate_percent"]) == (f"{NAME}:2:9", 1, "12.5")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place": "USX"}, "'USX'"),
        ({"basis": "cohort"}, "row 2, column basis"),
        ({"outcome": "return"}, "row 2, column outcome: 'return'"),
        ({"population": "prisoners"}, "row 2, column basis + population: 'prisoners' is not one of"),
        ({"cohort_start": "about 2012"}, "is not in recidivism_national/cohorts.csv; add it"),
        ({"cohort_end": "2013"}, "is not in recidivism_national/cohorts.csv; add it"),
        ({"follow_up_months": "3 years"}, "'3 years' is not a whole number of months"),
        ({"follow_up_months": "0"}, "'0' is not a whole number of months"),
        ({"basis": "stock_share"}, "a stock_share follows nobody"),
        ({"cohort_size": "1,000"}, "row 2, column cohort_size: '1,000' is not a number"),
        ({"rate_percent": ""}, "row 2, column rate_percent: '' is not a percentage"),
        ({"rate_percent": "l2.5"}, "row 2, column rate_percent: 'l2.5' is not a percentage"),
        ({"rate_percent": "-1"}, "row 2, column rate_percent: '-1' is not a percentage"),
        ({"rate_percent": "100.1"}, "row 2, column rate_percent: '100.1' is not a percentage"),
        ({"rate_percent": "12,5"}, "row 2, column rate_percent: '12,5' is not a percentage"),
        ({"counts_technical_violations": ""}, "row 2, column counts_technical_violations: ''"),
        ({"definition_note": "all of them"}, "'all of them' is not in recidivism_national/notes.csv; add it"),
        ({"source": " "}, "row 2, column source: nothing is said here"),
        ({"evidence_url": ""}, "row 2, column evidence_url: nothing is said here"),
        ({"evidence": "official_page"}, "row 2, column evidence: 'official_page'"),
    ],
)
def test_what_is_not_clear_is_refused(change: dict[str, str], words: str) -> None:
    is_refused(lambda: read(change), words, NAME)


def test_other_columns_and_short_rows_are_refused() -> None:
    other_tables_are_refused(SOURCE, FILE, NAME, COHORT)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    never_breaks(SOURCE, FILE, NAME, delimited([HEADER, list(COHORT.values())]), data)


def test_the_tables_by_hand_hold_only_what_is_known() -> None:
    own = source(SOURCE)
    notes, cohorts = (
        list(csv.DictReader((own.folder / name).read_text(encoding="utf-8").splitlines()))
        for name in ("notes.csv", "cohorts.csv")
    )
    assert {n["definition"] for n in notes} - {""} == set(own.definitions)
    assert {n["age"] for n in notes} - {""} <= set(dictionary().codes("age"))
    assert {n["status"] for n in notes} - {""} <= set(dictionary().codes("status"))
    assert {n["circa"] for n in notes} == {"", "yes"}
    assert all(": " in part for n in notes if n["subgroup"] for part in n["subgroup"].split("; "))
    assert {c["place"] for c in cohorts} <= set(places())
    for c in cohorts:
        assert bool(c["said_start"]) == bool(c["cohort_start"]) == bool(c["cohort_end"])
        if c["said_start"]:
            assert c["cohort_start"].startswith(c["said_start"]) and c["cohort_end"].startswith(c["said_end"])
            assert date.fromisoformat(c["cohort_start"]) < date.fromisoformat(c["cohort_end"])


# The figures as they were read


@pytest.fixture(scope="module")
def facts(raw: Path) -> list[dict[str, str]]:
    return facts_of(raw, NAME)


@pytest.fixture(scope="module")
def real(raw: Path) -> Parsed:
    return parse(SOURCE, FILE, NAME, (raw.parent / "facts" / NAME).read_bytes())


def test_every_real_row_is_a_row_word_for_word(raw: Path, facts: list[dict[str, str]], real: Parsed) -> None:
    found = plain(real.rows["recidivism"])
    assert (real.vintage, real.items, len(found), len(facts)) == (None, 234, 233, 234)
    by_line = {int(r["locator"].split(":")[1]): r for r in found}
    (gone,) = real.left_out
    assert gone.locator == f"{NAME}:46:9" and "100-54.27" in facts[44]["definition_note"]
    for line, fact in enumerate(facts, 2):
        if line == 46:
            continue
        r = by_line[line]
        for ours, theirs in (
            ("place_id", "place"),
            ("basis", "basis"),
            ("outcome", "outcome"),
            ("citation", "source"),
            ("evidence", "evidence_url"),
            ("note", "definition_note"),
        ):
            assert (r[ours] or "") == fact[theirs]
        # The reader wrote `released_prisoners` of shares of the held and of the admitted too.
        held = {"stock_share": "prisoners", "admission_share": "admitted_prisoners"}
        released = fact["population"] == "released_prisoners"
        assert r["population"] == (held.get(fact["basis"], "released_prisoners") if released else fact["population"])
        for ours in ("rate_percent", "cohort_size", "follow_up_months"):
            assert r[ours] == (float(fact[ours]) if fact[ours] else None)
        assert r["grade"] == fact["evidence"].replace(" ", "_")


def test_the_real_counts(raw: Path, real: Parsed) -> None:
    frame = real.rows["recidivism"]
    # 208 release cohorts in the file, of which one share is computed and left out.
    assert Counter(frame["basis"]) == {
        "release_cohort": 207, "stock_share": 15, "legal_status_share": 6, "admission_share": 5,
    }  # fmt: skip
    assert Counter(frame["grade"]) == {
        "press": 89, "official_page": 82, "secondary": 25, "report_copy": 15, "abstract": 11, "table_in_review": 11,
    }  # fmt: skip
    kinds = Counter(places()[p].kind for p in set(frame["place_id"]))
    assert kinds == {"part": 12, "aggregate": 2, "state": 40, "territory": 2}
    assert Counter(frame["place_id"])["AUS"] == 9


def test_no_two_real_rows_are_the_same_figure(raw: Path, real: Parsed) -> None:
    table = dictionary().tables["recidivism"]
    assert table.identity is not None
    frame = real.rows["recidivism"]
    assert not frame.duplicated(subset=[c for c in table.identity.of if c in frame]).any()


def test_a_real_cohort_without_follow_up_says_so(raw: Path, real: Parsed) -> None:
    frame = real.rows["recidivism"]
    cohorts = frame[frame["basis"].eq("release_cohort") & frame["follow_up_months"].isna()]
    assert len(cohorts) == 26
    assert set(cohorts["definition"]) == {
        "follow_up_not_stated", "followed_to_a_date", "no_time_limit", "pooled_studies", "low_end_of_estimates",
        "high_end_of_estimates",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # Read in the file, line by line.
        (229, {"place_id": "USA", "outcome": "rearrest", "rate_percent": 71, "cohort_size": 408_300,
               "definition": "some_regions", "grade": "report_copy"}),
        (70, {"place_id": "DNK", "rate_percent": 63, "age": "Y_GE20", "definition": "extra_time_for_conviction"}),
        (65, {"place_id": "DNK", "rate_percent": 29, "definition": "nordic_common_measure"}),
        (140, {"rate_percent": 21, "subgroup": "release: released on parole", "cohort_size": 1373}),
        (139, {"rate_percent": 39, "subgroup": "release: released after full sentence", "cohort_size": None}),
        (108, {"place_id": "GBR-SCT", "cohort_start": date(2016, 4, 1), "cohort_end": date(2017, 3, 31),
               "cohort_size": 40_606, "rate_percent": 27.2}),
        (173, {"place_id": "NZL", "cohort_end": date(2003, 3, 31), "follow_up_months": 12, "rate_percent": 26}),
        (177, {"place_id": "NZL", "rate_percent": 52, "circa": True, "status": "E", "definition": "predicted"}),
        (209, {"place_id": "THA", "rate_percent": 33, "circa": True, "cohort_start": None}),
        (128, {"place_id": "IRL", "rate_percent": 64, "definition": "cso_method_2020"}),
        (127, {"place_id": "IRL", "rate_percent": 48.9, "definition": "cso_old_method", "status": "P"}),
        (182, {"place_id": "REG-LATAM8", "basis": "stock_share", "definition": "survey", "cohort_start": None}),
    ],
)  # fmt: skip
def test_real_figures_that_a_person_looked_up(raw: Path, real: Parsed, line: int, expected: dict[str, Any]) -> None:
    (found,) = [r for r in plain(real.rows["recidivism"]) if r["locator"] == f"{NAME}:{line}:9"]
    assert {column: found[column] for column in expected} == expected
