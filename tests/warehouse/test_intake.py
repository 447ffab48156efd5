"""From the archive to accepted vintages: once, whole, append-only, and never at the price of the last good one."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from dictionary.arrow import schema
from dictionary.model import dictionary
from sources.errors import Refused
from sources.home import Home, read_json
from tests.warehouse.conftest import Desk, Synthetic, copied, lines
from warehouse import accepted, intake
from warehouse.records import all_vintages, failures, summaries, vintage_order, vintages

FIRST = lines(("ALB", 5000), ("AND", 60), ("XKX", ""), stamp="2023-05-11")
SECOND = lines(("ALB", 5100), stamp="2024-05-11")
NEGATIVE = lines(("ALB", -5), ("AND", 60), stamp="2025-05-11")
UNKNOWN = lines(("Atlantis", 5), stamp="2025-05-11")


def rows(desk: Desk, vintage: str, table: str = "observation") -> list[dict[str, Any]]:
    path = desk.home.accepted / "src" / "one" / vintage / f"{table}.parquet"
    return pq.read_table(path).to_pylist()


def in_use(desk: Desk) -> list[str]:
    return [v.vintage for v in vintages(desk.home, desk.source)]


def states(taken: intake.Intake) -> list[tuple[str, str | None, bool]]:
    return [(v.state, v.vintage, v.new) for v in taken.verdicts]


# Accepting


def test_a_file_becomes_a_vintage_with_every_row_and_a_record_that_adds_up(desk: Desk) -> None:
    snapshot = desk.put(FIRST)
    taken = desk.take_in()
    assert states(taken) == [("accepted", "2023-05-11", True)] and taken.rows == 2 and taken.fallen_back == []
    (vintage,) = taken.vintages
    record = vintage.record
    assert (record["items"], record["observations"], record["left_out"]) == (3, 2, 1)
    assert record["items"] == sum(entry["rows"] for entry in record["tables"].values())
    found = rows(desk, "2023-05-11")
    assert [(r["place_id"], r["value"], r["locator"]) for r in found] == [
        ("ALB", 5000, "one.csv:2:5"),
        ("AND", 60, "one.csv:3:5"),
    ]
    assert {(r["source_id"], r["file"], r["vintage"], r["snapshot"], r["licence"]) for r in found} == {
        ("src", "one", "2023-05-11", snapshot.sha256, "CC-BY-4.0")
    }
    (out,) = rows(desk, "2023-05-11", "left_out")
    assert (out["locator"], out["items"], out["reason"], json.loads(out["raw"])["place"]) == (
        "one.csv:4:5",
        1,
        "missing",
        "XKX",
    )


@pytest.mark.usefixtures("unchecked")
def test_accepted_rows_have_the_dictionarys_types_and_order(desk: Desk) -> None:
    desk.put(lines(("XKX", 1), ("ALB", 2), ("ALB", 3, {"measure": "admissions"}), stamp="2023"))
    desk.take_in()
    table = dictionary().tables["observation"]
    found = pq.read_table(desk.home.accepted / "src" / "one" / "2023" / "observation.parquet")
    assert [(f.name, f.type) for f in found.schema] == [(f.name, f.type) for f in schema(table)]
    keys = [tuple(str(r[c]) for c in table.sort) for r in found.to_pylist()]
    assert keys == sorted(keys) and keys[0][:2] == ("ALB", "admissions")


def test_taking_in_again_does_nothing(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    before = {p: p.stat().st_mtime_ns for p in desk.home.root.rglob("*")}
    assert states(desk.take_in()) == [("accepted", "2023-05-11", False)]
    assert {p: p.stat().st_mtime_ns for p in desk.home.root.rglob("*")} == before


@pytest.mark.usefixtures("unchecked")
def test_the_same_file_in_two_homes_gives_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    desk.put(FIRST)
    desk.take_in()
    other = Desk(Home(tmp_path / "other"), desk.sources)
    other.put(FIRST)
    other.take_in()
    assert (
        {k: v for k, v in other.files("accepted").items() if k.endswith("parquet")}
        == {k: v for k, v in desk.files("accepted").items() if k.endswith("parquet")}
        != {}
    )


@pytest.mark.usefixtures("unchecked")
def test_vintages_stay_beside_each_other(desk: Desk) -> None:
    desk.put(SECOND)
    desk.put(FIRST, retrieved_at="2026-06-01")
    desk.take_in()
    assert in_use(desk) == ["2023-05-11", "2024-05-11"]
    assert [r["value"] for v in in_use(desk) for r in rows(desk, v) if r["place_id"] == "ALB"] == [5000, 5100]
    ids = [{r["observation_id"] for r in rows(desk, v)} for v in in_use(desk)]
    assert not ids[0] & ids[1]


@pytest.mark.usefixtures("unchecked")
def test_other_bytes_under_one_stamp_are_a_reissue_beside_the_first(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    before = desk.files("accepted")
    desk.put(lines(("ALB", 5001), stamp="2023-05-11"), retrieved_at="2026-06-01")
    desk.put(lines(("ALB", 5002), stamp="2023-05-11"), retrieved_at="2026-07-01")
    assert [v.vintage for v in desk.take_in().verdicts] == ["2023-05-11", "2023-05-11-r2", "2023-05-11-r3"]
    assert in_use(desk) == ["2023-05-11", "2023-05-11-r2", "2023-05-11-r3"]
    assert [rows(desk, v)[0]["value"] for v in in_use(desk)] == [5000, 5001, 5002]
    assert {r["vintage"] for r in rows(desk, "2023-05-11-r2")} == {"2023-05-11-r2"}
    after = desk.files("accepted")
    assert {k: after[k] for k in before} == before
    assert [v.new for v in desk.take_in().verdicts] == [False] * 3


@pytest.mark.parametrize(
    ("stamp", "said", "expected"),
    [
        ("2023-05-11", {"vintage_hint": "2020"}, "2023-05-11"),
        (None, {"vintage_hint": "2020-04"}, "2020-04"),
        (None, {"retrieved_at": "2026-05-01T10:11:12Z"}, "2026-05-01"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_the_vintage_is_the_publishers_else_the_one_given_else_the_day(
    desk: Desk, stamp: str | None, said: dict[str, Any], expected: str
) -> None:
    desk.put(lines(("ALB", 1), stamp=stamp), **said)
    assert [v.vintage for v in desk.take_in().verdicts] == [expected]


def test_a_stamp_that_is_no_date_is_never_a_folder(desk: Desk) -> None:
    desk.put(lines(("ALB", 1), stamp="../../evil"))
    taken = desk.take_in()
    assert [v.state for v in taken.verdicts] != ["accepted"]
    assert not list(desk.home.root.parent.rglob("*evil*"))


@pytest.mark.usefixtures("unchecked")
def test_files_of_a_source_are_taken_in_each_for_itself(desk: Desk) -> None:
    desk.put(FIRST)
    desk.put(FIRST, name="two.csv")
    taken = desk.take_in()
    assert [(v.file, v.vintage) for v in taken.vintages] == [("one", "2023-05-11"), ("two", "2023-05-11")]
    assert taken.rows == 4


# Reading anew


@pytest.mark.usefixtures("unchecked")
def test_changed_code_reads_the_file_anew_under_its_own_name(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    old = read_json(desk.home.accepted / "src" / "one" / "2023-05-11" / "accepted.json")
    (desk.source.folder / "rules.csv").write_text("changed")
    assert states(desk.take_in()) == [("accepted", "2023-05-11", True)] and in_use(desk) == ["2023-05-11"]
    new = read_json(desk.home.accepted / "src" / "one" / "2023-05-11" / "accepted.json")
    assert new["code"] != old["code"] and new["tables"] == old["tables"]
    assert states(desk.take_in()) == [("accepted", "2023-05-11", False)]


@pytest.mark.usefixtures("unchecked")
def test_a_reissue_read_anew_keeps_its_own_name(desk: Desk) -> None:
    desk.put(FIRST)
    desk.put(lines(("ALB", 5001), stamp="2023-05-11"), retrieved_at="2026-06-01")
    desk.take_in()
    (desk.source.folder / "rules.csv").write_text("changed")
    assert states(desk.take_in()) == [("accepted", "2023-05-11", True), ("accepted", "2023-05-11-r2", True)]


@pytest.mark.usefixtures("unchecked")
def test_a_correction_added_later_is_applied_to_what_was_accepted_before(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    correct(desk, match={"place_id": "ALB"}, expect={"value": 5000}, set={"value": 500})
    desk.take_in()
    found = {r["place_id"]: (r["value"], r["correction_id"]) for r in rows(desk, "2023-05-11")}
    assert found == {"ALB": (500, "one"), "AND": (60, None)}
    (record,) = rows(desk, "2023-05-11", "correction")
    assert (record["correction_id"], record["state"], record["rows"]) == ("one", "applied", 1)


def correct(desk: Desk, **more: Any) -> None:
    entry = {"id": "one", "file": "one", "reason": "r: s", "evidence": "e", "decided_on": "2026-01-01", **more}
    (desk.source.folder / "corrections.yml").write_text(yaml.safe_dump([entry]))


@pytest.mark.usefixtures("unchecked")
def test_what_a_correction_drops_is_left_out_by_name_and_counted(desk: Desk) -> None:
    correct(desk, match={"place_id": "ALB"}, expect={"value": 5000}, drop=True)
    desk.put(FIRST)
    (vintage,) = desk.take_in().vintages
    assert (vintage.record["items"], vintage.record["observations"], vintage.record["left_out"]) == (3, 1, 2)
    out = {r["locator"]: (r["reason"], r["correction_id"]) for r in rows(desk, "2023-05-11", "left_out")}
    assert out == {"one.csv:4:5": ("missing", None), "one.csv:2:5": ("one: r: s", "one")}


def test_a_correction_of_a_file_that_is_none_is_refused(desk: Desk) -> None:
    """It would never be applied, and nobody would know."""
    correct(desk, match={}, expect={"value": 5000}, drop=True, file="onne")
    desk.put(FIRST)
    (verdict,) = desk.take_in().verdicts
    assert verdict.state == "refused" and "one names a file 'onne'" in verdict.message


# Turning away


@pytest.mark.parametrize("bad", [NEGATIVE, UNKNOWN])
def test_a_bad_file_leaves_the_last_good_vintage_in_use_byte_for_byte(desk: Desk, bad: bytes) -> None:
    desk.put(FIRST)
    desk.take_in()
    before = desk.files("accepted")
    desk.put(bad, retrieved_at="2026-06-01")
    taken = desk.take_in()
    assert [v.state for v in taken.verdicts][0] == "accepted" and len(taken.fallen_back) == 1
    assert desk.files("accepted") == before and in_use(desk) == ["2023-05-11"]


def test_a_file_that_breaks_a_critical_check_is_in_quarantine_with_its_rows_and_a_report(desk: Desk) -> None:
    snapshot = desk.put(NEGATIVE)
    (verdict,) = desk.take_in().verdicts
    assert (verdict.state, verdict.vintage, verdict.new) == ("quarantined", "2025-05-11", True)
    assert verdict.message.startswith("one.csv: observation: value is at least 0. 1 of 2 rows break it")
    folder = desk.home.quarantine / "src" / "one" / snapshot.sha256[:16]
    assert str(folder) in verdict.message and ", value -5. The report" in verdict.message
    report = read_json(folder / "report.json")
    assert (report["state"], report["vintage"], report["message"]) == ("quarantined", "2025-05-11", verdict.message)
    assert report["snapshot"]["sha256"] == snapshot.sha256
    failed = [c for c in report["checks"] if c["outcome"] != "passed"]
    assert [(c["columns"], c["failing"]) for c in failed] == [(["value"], 1)]
    assert failed[0]["examples"][0]["locator"] == "one.csv:2:5"
    assert pd.read_parquet(folder / "observation.parquet")["value"].tolist() == [-5, 60]
    assert [f["message"] for f in failures(desk.home, desk.source)] == [verdict.message]
    assert not desk.home.accepted.exists()


def test_a_file_that_is_refused_has_a_report_and_no_rows(desk: Desk) -> None:
    snapshot = desk.put(UNKNOWN)
    (verdict,) = desk.take_in().verdicts
    assert (verdict.state, verdict.vintage) == ("refused", None)
    assert verdict.message.startswith("one.csv, row 2, column place: No place is known as 'Atlantis'; the nearest are ")
    folder = desk.home.quarantine / "src" / "one" / snapshot.sha256[:16]
    assert [p.name for p in folder.iterdir()] == ["report.json"]
    assert read_json(folder / "report.json")["message"] == verdict.message


@pytest.mark.parametrize("bad", [NEGATIVE, UNKNOWN])
def test_a_file_turned_away_is_not_read_again_until_the_code_changes(desk: Desk, bad: bytes) -> None:
    desk.put(bad)
    (first,) = desk.take_in().verdicts
    before = desk.files()
    (second,) = desk.take_in().verdicts
    assert (second.state, second.message, second.new) == (first.state, first.message, False) and desk.files() == before
    (desk.source.folder / "rules.csv").write_text("changed")
    (third,) = desk.take_in().verdicts
    assert (third.state, third.new) == (first.state, True)


def test_what_is_accepted_after_all_has_no_report_any_more(desk: Desk) -> None:
    desk.put(NEGATIVE)
    desk.take_in()
    correct(desk, match={"place_id": "ALB"}, expect={"value": -5}, set={"value": 5})
    assert states(desk.take_in()) == [("accepted", "2025-05-11", True)]
    assert failures(desk.home, desk.source) == [] and [f for f in desk.files("quarantine")] == []


@pytest.mark.usefixtures("unchecked")
def test_an_altered_archive_is_refused_and_taken_in_once_it_is_mended(desk: Desk) -> None:
    snapshot = desk.put(FIRST)
    path = desk.archive.object_path(snapshot.sha256)
    path.write_bytes(FIRST.replace(b"5000", b"9000"))
    taken = desk.take_in()
    assert states(taken) == [("refused", None, True)] and "were altered" in taken.verdicts[0].message
    assert taken.vintages == []
    desk.put(FIRST)
    assert states(desk.take_in()) == [("accepted", "2023-05-11", True)]


def test_a_critical_check_that_could_not_run_keeps_the_file_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from dictionary.render import Expectation

    monkeypatch.setattr(
        "warehouse.checks.suite",
        lambda _: [Expectation("expect_column_values_to_match_regex", {"column": "sex", "regex": "("}, "critical", "r")],
    )  # fmt: skip
    desk.put(FIRST)
    (verdict,) = desk.take_in().verdicts
    assert verdict.state == "quarantined" and "the check could not run" in verdict.message
    assert verdict.message.endswith("The next run tries it again.")
    monkeypatch.undo()  # what kept it from running has passed
    monkeypatch.setenv("CUSTODY_HOME", str(desk.home.root))
    assert intake.take_in(desk.home, desk.source).verdicts[0].state == "accepted"
    assert failures(desk.home, desk.source) == []


@pytest.mark.usefixtures("unchecked")
def test_a_parser_that_breaks_stops_its_own_file_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: Synthetic) -> Callable[..., Any]:
        def parse(file: Any) -> Any:
            raise IndexError("list index out of range")

        return parse

    desk.put(FIRST)
    desk.take_in()
    desk.put(SECOND, retrieved_at="2026-06-01")
    monkeypatch.setattr(Synthetic, "parser", breaks)
    taken = desk.take_in()
    assert states(taken) == [("accepted", "2023-05-11", False), ("refused", None, True)]
    assert "the parser of src broke on it (IndexError: list index out of range)" in taken.verdicts[1].message


@pytest.mark.parametrize(
    ("column", "value", "state"),
    [("dataset", None, "quarantined"), ("value", "many", "refused"), ("period_start", "2020", "refused")],
)
def test_a_parser_that_gives_a_wrong_cell_stops_its_own_file_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, column: str, value: Any, state: str
) -> None:
    sound = Synthetic.parser

    def wrong(self: Synthetic) -> Callable[..., Any]:
        def parse(file: Any) -> Any:
            parsed = sound(self)(file)
            frame = parsed.rows["observation"]
            frame[column] = [value, *frame[column].tolist()[1:]]
            return parsed

        return parse

    desk.put(FIRST)
    monkeypatch.setattr(Synthetic, "parser", wrong)
    (verdict,) = desk.take_in().verdicts
    assert verdict.state == state and not desk.home.accepted.exists()


def test_a_parser_that_loses_a_row_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Synthetic.parser

    def loses(self: Synthetic) -> Callable[..., Any]:
        def parse(file: Any) -> Any:
            parsed = sound(self)(file)
            return replace(parsed, rows={"observation": parsed.rows["observation"].iloc[1:]})

        return parse

    desk.put(FIRST)
    monkeypatch.setattr(Synthetic, "parser", loses)
    (verdict,) = desk.take_in().verdicts
    assert "3 items were read, but 1 rows and 1 left out were made of them" in verdict.message


# Crashes and tampering


@pytest.mark.parametrize(
    "where", ["warehouse.accepted.write_parquet", "warehouse.accepted.write_json", "sources.home.os.replace"]
)
@pytest.mark.usefixtures("unchecked")
def test_a_crash_while_accepting_leaves_what_was_and_the_next_run_finishes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    desk.put(FIRST)
    desk.take_in()
    before = desk.files("accepted")
    desk.put(SECOND, retrieved_at="2026-06-01")

    def power_cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, power_cut)
        with pytest.raises(KeyboardInterrupt):
            desk.take_in()
    assert desk.files("accepted") == before and in_use(desk) == ["2023-05-11"]
    desk.take_in()
    assert in_use(desk) == ["2023-05-11", "2024-05-11"]


@pytest.mark.usefixtures("unchecked")
def test_a_half_written_folder_is_no_vintage(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    folder = desk.home.accepted / "src" / "one"
    os.rename(folder / "2023-05-11", folder / ".writing-abc")  # where a kill just before the rename leaves it
    assert in_use(desk) == []
    desk.take_in()
    assert in_use(desk) == ["2023-05-11"]


@pytest.mark.usefixtures("unchecked")
def test_a_folder_moved_aside_by_a_crash_is_still_the_vintage(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    folder = desk.home.accepted / "src" / "one"
    os.rename(folder / "2023-05-11", folder / ".old-2023-05-11")
    assert in_use(desk) == ["2023-05-11"]
    copied(folder / ".old-2023-05-11", folder / "2023-05-11")
    (vintage,) = vintages(desk.home, desk.source)
    assert vintage.folder == folder / "2023-05-11"


def flips(path: Path, count: int) -> list[tuple[int, int]]:
    """Places and bits of a file, by chance; the first and the last among them."""
    chance = random.Random(20261128)
    size = path.stat().st_size
    return [(0, 0), (size - 2, 3), *((chance.randrange(size), chance.randrange(8)) for _ in range(count))]


@pytest.mark.usefixtures("unchecked")
def test_a_record_of_accepted_rows_with_one_flipped_bit_is_made_anew(desk: Desk) -> None:
    """Whichever bit it is: also one that leaves it readable, and gives another vintage or another file."""
    desk.put(FIRST)
    desk.take_in()
    record = desk.home.accepted / "src/one/2023-05-11/accepted.json"
    whole, before = record.read_bytes(), rows(desk, "2023-05-11")
    for at, bit in flips(record, 60):
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << bit
        record.write_bytes(spoilt)
        taken = desk.take_in()
        assert states(taken) == [("accepted", "2023-05-11", True)] and taken.fallen_back == [], (at, bit)
        assert in_use(desk) == ["2023-05-11"] and rows(desk, "2023-05-11") == before
        assert record.read_bytes() == whole


@pytest.mark.usefixtures("unchecked")
def test_a_record_of_accepted_rows_that_nothing_can_make_anew_is_told(desk: Desk) -> None:
    """Of its source alone, whose other vintages stay."""
    desk.put(FIRST)
    desk.put(SECOND)
    desk.take_in()
    record = desk.home.accepted / "src/one/2024-05-11/accepted.json"
    record.write_bytes(b"{")
    shutil.rmtree(desk.home.archive)
    taken = desk.take_in()
    assert [v.vintage for v in taken.vintages] == ["2023-05-11"]
    (told,) = taken.fallen_back
    assert told.vintage == "2024-05-11" and f"{record} is damaged" in told.message
    with pytest.raises(Refused, match="or delete .*2024-05-11 to do without"):
        all_vintages(desk.home)
    shutil.rmtree(record.parent)
    assert in_use(desk) == ["2023-05-11"]


@pytest.mark.usefixtures("unchecked")
def test_a_record_of_a_file_with_one_flipped_bit_stops_nothing_else(desk: Desk) -> None:
    desk.put(FIRST)
    desk.put(b"# 2024-05-11\n" + FIRST.partition(b"\n")[2], name="two.csv")
    desk.take_in()
    (record,) = (desk.home.archive / "snapshots/src/one").glob("*.json")
    whole = record.read_bytes()
    for at, bit in flips(record, 60):
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << bit
        record.write_bytes(spoilt)
        taken = desk.take_in()
        assert [(v.file, v.vintage) for v in taken.vintages] == [("one", "2023-05-11"), ("two", "2024-05-11")]
        (told,) = taken.fallen_back
        assert (told.file, told.state) == ("one", "refused") and f"{record} is damaged" in told.message, (at, bit)
    record.unlink()
    desk.put(FIRST)
    assert desk.take_in().fallen_back == []


def flip(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [flip, Path.unlink])
@pytest.mark.usefixtures("unchecked")
def test_altered_accepted_rows_are_made_anew_from_the_archive(desk: Desk, spoil: Callable[[Path], None]) -> None:
    desk.put(FIRST)
    desk.take_in()
    before = desk.files("accepted")
    spoil(desk.home.accepted / "src" / "one" / "2023-05-11" / "observation.parquet")
    (verdict,) = desk.take_in().verdicts
    assert (verdict.state, verdict.new) == ("accepted", True) and "altered or lost" in verdict.message
    assert desk.files("accepted") == before
    assert not desk.take_in().verdicts[0].new


@pytest.mark.usefixtures("unchecked")
def test_a_vintage_before_that_was_altered_says_nothing_of_the_next(desk: Desk) -> None:
    first = desk.put(FIRST)
    desk.take_in()
    path = desk.home.accepted / "src" / "one" / "2023-05-11" / "observation.parquet"
    whole = path.read_bytes()
    flip(path)
    desk.archive.object_path(first.sha256).unlink()
    second = desk.put(SECOND)
    (verdict,) = (v for v in desk.take_in().verdicts if v.sha256 == second.sha256)
    assert verdict.state == "refused" and "2023-05-11 (observation.parquet) were altered or lost" in verdict.message
    assert {r["snapshot"]["sha256"] for r in failures(desk.home, desk.source)} == {first.sha256, second.sha256}
    path.write_bytes(whole)
    desk.put(FIRST)
    assert {v.state for v in desk.take_in().verdicts} == {"accepted"}
    assert desk.files("quarantine") == {}


def test_a_file_without_any_item_is_no_vintage(desk: Desk) -> None:
    desk.put(lines())
    (verdict,) = desk.take_in().verdicts
    assert verdict.state == "refused" and "there is a header and no rows" in verdict.message


def test_a_file_of_which_nothing_became_a_row_is_held_against_the_one_before(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    desk.put(lines(("ALB", ""), ("FRA", ""), stamp="2025-05-11"), retrieved_at="2026-05-02")
    verdict = desk.take_in().verdicts[-1]
    assert verdict.state == "quarantined" and "1% of the 2 rows of observation of vintage 2023-05-11" in verdict.message
    assert in_use(desk) == ["2023-05-11"]


@pytest.mark.parametrize("how", ["altered", "gone"])
@pytest.mark.usefixtures("unchecked")
def test_altered_accepted_rows_are_refused_by_name(desk: Desk, how: str) -> None:
    desk.put(FIRST)
    (vintage,) = desk.take_in().vintages
    vintage.prove()
    path = vintage.folder / "observation.parquet"
    path.unlink() if how == "gone" else path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(
        Refused, match=r"accepted rows of src/one 2023-05-11 \(observation.parquet\) were altered or lost"
    ):
        vintage.prove()


# Which vintage is which


@pytest.mark.usefixtures("unchecked")
def test_a_vintage_of_ones_own_goes_before_the_bundled_one_of_the_same_stamp(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    copied(desk.home.accepted / "src", desk.source.bundled)
    (own,) = vintages(desk.home, desk.source)
    assert not own.bundled
    for path in sorted((desk.home.accepted).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (bundled,) = vintages(desk.home, desk.source)
    assert bundled.bundled and bundled.vintage == "2023-05-11"
    assert states(desk.take_in()) == [("accepted", "2023-05-11", False)], "the bundled rows are of this very file"
    assert [s["from"] for s in summaries(desk.home, desk.source)] == ["bundled"]


@pytest.mark.usefixtures("unchecked")
def test_other_bytes_under_the_stamp_of_a_bundled_vintage_are_a_reissue(desk: Desk) -> None:
    desk.put(FIRST)
    desk.take_in()
    os.rename(desk.home.accepted / "src", desk.source.bundled)
    desk.put(lines(("ALB", 1), stamp="2023-05-11"), retrieved_at="2026-06-01")
    desk.take_in()
    assert in_use(desk) == ["2023-05-11", "2023-05-11-r2"]


def test_the_order_of_vintages_is_that_of_their_dates_and_reissues() -> None:
    order = [
        "2022",
        "2022-r2",
        "2022-r10",
        "2023-04",
        "2023-04-r3",
        "2023-04-29",
        "2023-04-29-r9",
        "2023-04-29-r10",
        "2024",
    ]
    assert sorted(order[::-1], key=vintage_order) == order


@pytest.mark.parametrize(
    "name",
    ["2023-5-11", "23", "latest", "2023-05-11-r", "2023/05", "", "..", "2023-05-11\n", "2023-13", "2023-02-30", "0000"],
)
def test_a_vintage_that_is_no_date_is_refused(name: str) -> None:
    assert not accepted.is_vintage(name)


@pytest.mark.parametrize("name", ["2023", "2023-05", "2023-05-11", "2024-02-29", "2023-r2", "2023-05-11-r10"])
def test_a_year_a_month_or_a_day_is_a_vintage(name: str) -> None:
    assert accepted.is_vintage(name)


@pytest.mark.usefixtures("unchecked")
def test_a_stamp_of_a_day_that_had_not_come_is_refused(desk: Desk) -> None:
    desk.put(lines(("ALB", 1), stamp="2026-05-02"), retrieved_at="2026-05-01")
    desk.put(lines(("ALB", 2), stamp="2026-05"), retrieved_at="2026-05-01")
    taken = desk.take_in()
    assert sorted(v.state for v in taken.verdicts) == ["accepted", "refused"]
    assert any("its vintage 2026-05-02 is later than 2026-05-01" in v.message for v in taken.verdicts)


@pytest.mark.usefixtures("unchecked")
def test_all_vintages_are_those_of_all_sources(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(a={}, b={})
    for source in ("a", "b"):
        desk.put(FIRST, source=source)
        desk.take_in(source)
    assert [(v.source_id, v.vintage) for v in all_vintages(desk.home)] == [("a", "2023-05-11"), ("b", "2023-05-11")]
    ids = [
        pq.read_table(v.folder / "observation.parquet")["observation_id"].to_pylist() for v in all_vintages(desk.home)
    ]
    assert not set(ids[0]) & set(ids[1])


@pytest.mark.usefixtures("unchecked")
def test_a_correction_concerns_its_own_file_and_table_alone(desk: Desk) -> None:
    correct(desk, match={"place_id": "ALB"}, expect={"value": 5000.0}, set={"value": 5001.0}, file="two")
    desk.put(lines(("ALB", 5000), stamp="2023-05-11"))
    assert desk.take_in().vintages[0].record["tables"].keys() == {"observation"}
    correct(desk, match={"place_id": "ALB"}, expect={"value": 5000.0}, set={"value": 5001.0}, table="recidivism")
    (verdict,) = desk.take_in().verdicts
    assert verdict.state == "refused" and "is of table recidivism, of which the file has no rows" in verdict.message
