"""The reading client on a small release that the test writes itself: types, checksums, and what may be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import custody
from dictionary.arrow import schema
from dictionary.model import dictionary
from sources.catalogue import sources
from sources.errors import Refused
from warehouse.choice import rules

Row = dict[str, Any]


def cohort(place: str, rate: float | None, year: int = 2018, **more: Any) -> Row:
    """Persons released in a year, reconvicted within two."""
    row: Row = {
        "source_id": "s", "file": "f", "dataset": "d", "vintage": "2024", "snapshot": "0" * 64, "locator": "f:1:1",
        "place_id": place, "basis": "release_cohort", "outcome": "reconviction", "population": "released_prisoners",
        "sex": "_T", "age": "_T", "offence": "_T", "subgroup": "_T", "return_offence": "_T", "cohort_start": date(year, 1, 1),
        "cohort_end": date(year, 12, 31), "cohort_size": None, "follow_up_from_months": 0.0, "follow_up_months": 24.0,
        "counts_technical_violations": None, "returned": None, "rate_percent": rate, "events_per_person": None,
        "status": "A", "circa": False, "definition": None, "reported_by": None, "citation": None, "evidence": None,
        "grade": None, "correction_id": None, "note": None, "licence": "CC-BY-4.0",
    }  # fmt: skip
    assert not set(more) - set(row)
    row |= more
    return {"recidivism_id": hashlib.sha256(repr(row).encode()).hexdigest()[:16], **row}


Write = Callable[..., Path]


@pytest.fixture
def release(tmp_path: Path) -> Write:
    """Writes a release of one table."""

    def write(*rows: Row) -> Path:
        folder = tmp_path / "2026.11.0"
        (folder / "tables").mkdir(parents=True)
        path = folder / "tables" / "recidivism.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema(dictionary().tables["recidivism"])), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "SHA256SUMS").write_text(f"{digest}  tables/recidivism.parquet\n", encoding="utf-8")
        return folder

    return write


def compare(folder: Path, places: list[str] | None = None, **more: Any) -> custody.Comparison:
    asked = {"outcome": "reconviction", "follow_up_months": 24, "release": str(folder), **more}
    return custody.compare_recidivism(places, **asked)


def rates(found: custody.Comparison) -> dict[str, float]:
    return dict(zip(found.rows["place_id"], found.rows["rate_percent"], strict=True))


def reasons(found: custody.Comparison) -> list[tuple[str, str]]:
    return sorted(zip(found.left_out["place_id"], found.left_out["reason"], strict=True))


def test_a_table_is_typed(release: Write) -> None:
    rows = cohort("NAM", 40.0), cohort("FRA", None, counts_technical_violations=False, note="n")
    frame = custody.load("recidivism", str(release(*rows)))
    kinds = {c: str(frame[c].dtype) for c in ("place_id", "note", "cohort_end", "rate_percent", "circa")}
    assert kinds["place_id"] == kinds["note"] == "str" and kinds["rate_percent"] == "float64"
    assert kinds["cohort_end"].startswith("datetime64") and kinds["circa"] == "boolean"
    assert list(frame["place_id"]) == ["NAM", "FRA"]
    assert frame["note"].isna().tolist() == [True, False] and frame["rate_percent"].isna().tolist() == [False, True]
    assert frame["counts_technical_violations"].tolist() == [pd.NA, False]


def test_what_is_not_the_released_file_is_refused(release: Write) -> None:
    folder = release(cohort("FRA", 40.0))
    with pytest.raises(Refused, match="Release 2026.11.0 has no table 'recidivsm'; it has recidivism."):
        custody.load("recidivsm", str(folder))
    path = folder / "tables" / "recidivism.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Refused, match="is not the file that was released"):
        custody.load("recidivism", str(folder))
    path.unlink()
    with pytest.raises(Refused, match="get the release again"):
        custody.load("recidivism", str(folder))


def test_no_release_is_told_kindly(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no release yet; `custody release` makes one"):
        custody.load("recidivism", home=tmp_path)


def test_rows_of_one_kind_stand_side_by_side(release: Write) -> None:
    found = compare(release(cohort("FRA", 40.0), cohort("NAM", 30.0)), ["France", "NAM"])
    assert (rates(found), reasons(found)) == ({"FRA": 40, "NAM": 30}, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"basis": "stock_share"}, "another basis: stock_share"),
        ({"outcome": "rearrest"}, "another outcome: rearrest"),
        ({"population": "community_sentences"}, "another population: community_sentences"),
        ({"follow_up_months": 12.0}, "another follow-up: 12 months"),
        ({"follow_up_months": None}, "follows nobody for a stated time"),
        ({"follow_up_from_months": 12.0}, "not counted from release on"),
        ({"sex": "F"}, "a part of the cohort, sex: F"),
        ({"subgroup": "disposal: Custody"}, "a part of the cohort, subgroup: disposal: Custody"),
        ({"return_offence": "Violent"}, "return for one kind of offence: Violent"),
        ({"definition": "three_states"}, "a definition that counts otherwise: three_states"),
        ({"rate_percent": None}, "no rate is published"),
    ],
)
def test_what_is_of_another_kind_is_left_out_and_the_reason_said(release: Write, change: Row, reason: str) -> None:
    other = {**cohort("NAM", 30.0), **change}
    found = compare(release(cohort("FRA", 40.0), other))
    assert (rates(found), reasons(found)) == ({"FRA": 40}, [("NAM", reason)])


def test_each_place_stands_there_once_with_its_newest_cohort_from_the_best_evidence(release: Write) -> None:
    rows = [
        cohort("FRA", 41.0, 2015), cohort("FRA", 45.0, 2018, grade="press", citation="a"),
        cohort("FRA", 44.0, 2018, grade="official_page", citation="b"),
    ]  # fmt: skip
    found = compare(release(*rows))
    assert rates(found) == {"FRA": 44}
    assert reasons(found) == [
        ("FRA", "another cohort of the place is taken"),
        ("FRA", "another publication of the same cohort"),
    ]


@pytest.mark.parametrize("poor", ["table_in_review", "secondary", "press"])
def test_poor_evidence_never_wins_against_better(release: Write, poor: str) -> None:
    found = compare(release(cohort("FRA", 41.0, 2015, grade="abstract"), cohort("FRA", 45.0, 2018, grade=poor)))
    assert rates(found) == {"FRA": 41}


def test_where_there_is_nothing_better_a_press_figure_bears_its_grade(release: Write) -> None:
    found = compare(release(cohort("FRA", 45.0, 2018, grade="press")))
    assert found.rows[["rate_percent", "grade"]].to_numpy().tolist() == [[45.0, "press"]]


@pytest.mark.parametrize(
    ("asked", "expected"), [(True, {"FRA": 1}), (False, {"NAM": 2}), (None, {"FRA": 1, "NAM": 2, "BEL": 3})]
)
def test_breaking_conditions(release: Write, asked: bool | None, expected: dict[str, float]) -> None:
    rows = [
        cohort("FRA", 1.0, counts_technical_violations=True), cohort("NAM", 2.0, counts_technical_violations=False),
        cohort("BEL", 3.0),
    ]  # fmt: skip
    assert rates(compare(release(*rows), counts_technical_violations=asked)) == expected


@pytest.mark.parametrize("unknown", [{"outcome": "return to prison"}, {"basis": "b"}, {"population": "everybody"}])
def test_an_unknown_code_is_refused_with_those_there_are(release: Write, unknown: dict[str, str]) -> None:
    ((name, value),) = unknown.items()
    with pytest.raises(Refused, match=f"There is no {name} '{value}'; there are "):
        compare(release(cohort("FRA", 40.0)), **unknown)


def test_a_definition_of_its_own_may_be_asked_for(release: Write) -> None:
    assert rates(compare(release(cohort("USA", 60.0, definition="states_24")), any_definition=True)) == {"USA": 60}


def test_a_definition_that_counts_the_same_in_its_own_way_is_taken_and_shown(release: Write) -> None:
    """Northern Ireland: 25.0 of the cohort of 2005, from a review, and the publisher's own 45.4 of 2021/22."""
    own = cohort("GBR-NIR", 45.401338, 2021, definition="ni_proven_reoffending")
    found = compare(release(cohort("GBR-NIR", 25.0, 2005, grade="table_in_review"), own))
    assert found.rows[["rate_percent", "definition"]].to_numpy().tolist() == [[45.401338, "ni_proven_reoffending"]]
    assert reasons(found) == [("GBR-NIR", "another cohort of the place is taken")]


def test_every_definition_that_counts_the_same_is_one_of_a_source() -> None:
    assert set(rules()["comparable"]) <= {d for source in sources().values() for d in source.definitions}


def test_of_one_cohort_the_best_evidence_is_taken(release: Write) -> None:
    graded = [("press", 1.0), ("abstract", 2.0), (None, 3.0), ("raw_file", 4.0), ("official_page", 5.0)]
    rows = [cohort("FRA", rate, grade=grade, vintage="2024" if grade else "2020") for grade, rate in graded]
    assert rates(compare(release(*rows))) == {"FRA": 3}


def test_a_cohort_that_is_not_stated_is_not_said_to_be_another(release: Write) -> None:
    unknown = {"cohort_start": None, "cohort_end": None}
    found = compare(release(cohort("FRA", 40.0), cohort("FRA", 41.0, **unknown)))
    assert (rates(found), reasons(found)) == ({"FRA": 40}, [("FRA", "cohort not stated")])


def test_where_the_cohort_of_what_is_taken_is_not_stated_that_is_said(release: Write) -> None:
    taken = cohort("FRA", 41.0, cohort_start=None, cohort_end=None)
    found = compare(release(cohort("FRA", 40.0, grade="press"), taken))
    assert (rates(found), reasons(found)) == ({"FRA": 41}, [("FRA", "cohort of the figure taken not stated")])


def test_a_share_that_follows_nobody_is_asked_for_without_a_time(release: Write) -> None:
    share = {
        "basis": "stock_share", "outcome": "reimprisonment", "population": "prisoners", "follow_up_months": None,
    }  # fmt: skip
    folder = release(cohort("AUS", 46.4, **share), cohort("FRA", 40.0, **{**share, "follow_up_months": 24.0}))
    found = compare(folder, basis="stock_share", outcome="reimprisonment", follow_up_months=None)
    assert (rates(found), reasons(found)) == ({"AUS": 46.4}, [("FRA", "another follow-up: 24 months")])


def test_a_place_without_a_figure_is_said_and_no_place_is_refused(release: Write) -> None:
    folder = release(cohort("FRA", 40.0))
    assert reasons(compare(folder, ["FRA", "Namibia"])) == [("NAM", "no figure at all")]
    with pytest.raises(Refused, match="Atlantis"):
        compare(folder, ["Atlantis"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"places": "Norway"}, "places is one text, 'Norway'"),
        ({"places": []}, "places is empty"),
        ({"follow_up_months": "24"}, "follow_up_months is '24'"),
        ({"follow_up_months": -5}, "follow_up_months is -5"),
        ({"follow_up_months": None}, "follow_up_months is None"),
        ({"basis": "stock_share"}, "The basis stock_share follows nobody; give follow_up_months=None"),
        ({"counts_technical_violations": "maybe"}, "counts_technical_violations is 'maybe'"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_gives_no_empty_table(release: Write, wrong: Any, told: str) -> None:
    folder = release(cohort("FRA", 40.0))
    with pytest.raises(Refused, match=told.split("[")[0]):
        compare(folder, **wrong)
