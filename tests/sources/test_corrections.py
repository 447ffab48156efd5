"""Corrections: applied where the publisher's error stands exactly as described, stale or refused everywhere else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from sources.catalogue import source, sources
from sources.corrections import Correction, apply, read_corrections
from sources.errors import Refused
from sources.rows import described

FILE = "file"


def correction(**changes: Any) -> Correction:
    """Saint Martin's 919 is Martinique's, but for the changes."""
    entry: dict[str, Any] = {
        "id": "one", "file": FILE, "match": {"value": 919}, "expect": {"place_id": "MAF"},
        "set": {"place_id": "MTQ"}, "reason": "Filed under the wrong code.", "evidence": "Row 3.",
        "decided_on": date(2026, 1, 2),
    }  # fmt: skip
    entry |= changes
    return Correction(**{k: v for k, v in entry.items() if v is not None or k not in ("set",)})


def frame(*rows: tuple[str, float], **columns: Any) -> pd.DataFrame:
    """Rows of place and value."""
    made = pd.DataFrame(rows, columns=["place_id", "value"])
    made["locator"] = [f"s!A{i}" for i in range(2, len(rows) + 2)]
    made["measure"] = "persons_held"
    made["period_start"], made["period_end"] = date(2022, 1, 1), date(2022, 12, 31)
    return described("observation", made.assign(**columns), "d", "file.csv")


def correct(rows: pd.DataFrame, *corrections: Correction) -> tuple[pd.DataFrame, list[Any], list[dict[Any, Any]]]:
    found, dropped, record = apply(rows, list(corrections), "file.csv")
    return found, dropped, record.to_dict("records")


def told(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows[["place_id", "value", "correction_id"]].itertuples(index=False)]


def test_an_error_is_corrected_and_marked_and_nothing_else_touched() -> None:
    rows, dropped, (record,) = correct(frame(("MTQ", 827), ("MAF", 919), ("FRA", 919), ("MAF", 1)), correction())
    assert told(rows) == [("MTQ", 827, None), ("MTQ", 919, "one"), ("FRA", 919, None), ("MAF", 1, None)]
    assert dropped == []
    assert (record["state"], record["rows"], record["decided_on"]) == ("applied", 1, date(2026, 1, 2))
    assert json.loads(record["match"]) == {"value": 919}
    assert json.loads(record["expect"]) == {"place_id": "MAF"}
    assert json.loads(record["change"]) == {"place_id": "MTQ"}


def test_the_rows_given_are_left_as_they_were() -> None:
    given = frame(("MAF", 919))
    before = given.copy(deep=True)
    correct(given, correction())
    pd.testing.assert_frame_equal(given, before)


def test_where_the_publisher_mended_the_error_the_correction_is_stale() -> None:
    rows, dropped, (record,) = correct(frame(("MTQ", 919)), correction())
    assert told(rows) == [("MTQ", 919, None)] and dropped == []
    assert (record["state"], record["rows"]) == ("stale", 0)


def test_where_the_figure_is_revised_the_correction_is_stale() -> None:
    rows, _, (record,) = correct(frame(("MAF", 920)), correction())
    assert told(rows) == [("MAF", 920, None)] and record["state"] == "stale"


def test_more_rows_than_said_are_refused() -> None:
    with pytest.raises(Refused, match=r"^file\.csv: correction one should concern 1 rows and concerns 2;"):
        correct(frame(("MAF", 919), ("MAF", 919)), correction())


def test_as_many_rows_as_said_are_all_corrected() -> None:
    rows, _, (record,) = correct(frame(("MAF", 919), ("MAF", 919)), correction(rows=2))
    assert told(rows) == [("MTQ", 919, "one")] * 2 and record["rows"] == 2


@pytest.mark.parametrize("part", ["match", "expect"])
def test_a_condition_on_a_column_that_is_not_there_is_refused(part: str) -> None:
    with pytest.raises(Refused, match="correction one names a column 'place' that the rows do not have"):
        correct(frame(("MAF", 919)), correction(**{part: {"place": "MAF"}}))


def test_setting_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="correction one sets a column 'place' that the rows do not have"):
        correct(frame(("MAF", 919)), correction(set={"place": "MTQ"}))


def test_dropped_rows_are_told_with_what_the_publisher_wrote() -> None:
    rows, dropped, (record,) = correct(
        frame(("MNG", 3.0), ("MNG", 288.0), ("MNG", 5.0)),
        correction(match={"place_id": "MNG"}, expect={"value": [3.0, 288.0]}, rows=2, set=None, drop=True),
    )
    assert told(rows) == [("MNG", 5.0, None)]
    assert [(d.locator, d.reason, d.items, d.raw["value"]) for d in dropped] == [
        ("s!A2", "one: Filed under the wrong code.", 1, 3.0),
        ("s!A3", "one: Filed under the wrong code.", 1, 288.0),
    ]
    assert (record["state"], record["rows"], record["change"]) == ("applied", 2, "drop")


def test_a_list_of_expected_values_holds_for_any_of_them() -> None:
    twice = correction(match={"place_id": "MNG"}, expect={"value": [3.0, 288.0]}, rows=2, set=None, drop=True)
    rows, dropped, (record,) = correct(frame(("MNG", 3.0), ("MNG", 289.0)), twice)
    assert len(rows) == 2 and dropped == [] and record["state"] == "stale"


def test_nothing_is_expected_where_a_value_is_missing() -> None:
    rows, _, _ = correct(
        frame(("MAF", 919), ("FRA", 919), note=[None, "said"]),
        correction(expect={"note": None}, set={"note": "doubtful"}),
    )
    assert rows["note"].tolist() == ["doubtful", "said"]


def test_days_are_matched_and_set_as_days() -> None:
    rows, _, _ = correct(
        frame(("MAR", 40260)).assign(period_start=date(1013, 1, 1), period_end=date(1013, 12, 31)),
        correction(
            match={"place_id": "MAR"},
            expect={"period_start": date(1013, 1, 1), "period_end": date(1013, 12, 31)},
            set={"period_start": date(2013, 1, 1), "period_end": date(2013, 12, 31)},
        ),
    )
    assert rows["period_start"].tolist() == [date(2013, 1, 1)] and rows["period_end"].tolist() == [date(2013, 12, 31)]


def test_a_row_that_one_correction_dropped_is_out_of_reach_of_the_next() -> None:
    drop = correction(id="first", set=None, drop=True)
    rows, dropped, records = correct(frame(("MAF", 919)), drop, correction(id="second"))
    assert len(rows) == 0 and len(dropped) == 1
    assert [(r["correction_id"], r["state"]) for r in records] == [("first", "applied"), ("second", "stale")]


# The file


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / "corrections.yml").write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    return folder


ENTRY = {
    "id": "one", "file": FILE, "match": {"value": 919}, "expect": {"place_id": "MAF"}, "set": {"place_id": "MTQ"},
    "reason": "x", "evidence": "y", "decided_on": date(2026, 1, 2),
}  # fmt: skip


def test_no_file_no_corrections(tmp_path: Path) -> None:
    assert read_corrections(tmp_path) == []


def test_entries_are_read_as_written(tmp_path: Path) -> None:
    dates = {"period_start": date(1013, 1, 1), "place_id": "NA", "value": 86400}
    (entry,) = read_corrections(write(tmp_path, {**ENTRY, "match": dates}))
    assert entry.match == dates and [type(v) for v in entry.match.values()] == [date, str, float]
    assert entry.rows == 1 and entry.change == {"place_id": "MTQ"} and not entry.drop


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([ENTRY, ENTRY], "an id is used twice"),
        ([{**ENTRY, "drop": True}], "correction one: give either `set` or `drop: true`"),
        ([{k: v for k, v in ENTRY.items() if k != "set"}], "correction one: give either `set` or `drop: true`"),
        ([{**ENTRY, "Evidence": "z"}], "Evidence"),
        ([{k: v for k, v in ENTRY.items() if k != "evidence"}], "evidence"),
        ([{**ENTRY, "rows": 0}], "rows"),
        ([{**ENTRY, "expect": {}}], "expect"),
        ([{**ENTRY, "id": "one: two"}], "id"),
    ],
)
def test_an_entry_that_is_not_clear_is_refused(tmp_path: Path, entries: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(Refused) as error:
        read_corrections(write(tmp_path, *entries))
    assert words in str(error.value) and str(error.value).startswith(f"{tmp_path.name}/corrections.yml: ")


def test_yaml_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corrections.yml").write_text("- {id: [", encoding="utf-8")
    with pytest.raises(Refused, match=r"corrections\.yml"):
        read_corrections(tmp_path)


@pytest.mark.parametrize("name", sorted(sources()))
def test_the_corrections_of_every_source_name_files_that_it_has(name: str) -> None:
    known = source(name)
    assert {entry.file for entry in read_corrections(known.folder)} <= set(known.files)


def test_a_correction_that_concerns_only_some_of_its_rows_is_refused() -> None:
    both = correction(match={}, expect={"place_id": "MNG"}, rows=2, set=None, drop=True)
    with pytest.raises(Refused, match="should concern 2 rows and concerns 1"):
        correct(frame(("MNG", 3.0), ("ALB", 289.0)), both)
