"""What was turned away: why, for how long, and how a person accepts it all the same without losing the reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from sources.catalogue import File
from sources.errors import Misused, Refused
from sources.home import read_json, read_sealed, sha256, write_sealed
from tests.warehouse.conftest import WORLD, Desk, accept, copied, lines, total
from tests.warehouse.made import gap
from warehouse.build import build, connect
from warehouse.by_hand import accept_despite, bundle_source, dismiss, withdraw
from warehouse.records import failures, find_report, stale_corrections, turned_away, vintages

GOOD = lines(("FRA", 45_000, {"year": 2022}), stamp="2023-05-11")
BAD = lines(("FRA", 45_000, {"year": 2022}), ("FRA", 450_000, {"year": 2023}), stamp="2024-05-11")
NEGATIVE = lines(("ALB", -5), stamp="2025-05-11")
LATER = {"retrieved_at": "2026-06-01"}


def in_use(desk: Desk) -> list[str]:
    return [v.vintage for v in vintages(desk.home, desk.source)]


_one: list[Path] = []


@pytest.fixture
def one(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, str]:
    """A home with a file that breaks a rule, and its SHA-256; it is made once and copied."""
    if not _one:
        desk.put(GOOD)
        desk.put(BAD, **LATER)
        assert [v.state for v in desk.take_in().verdicts] == ["accepted", "quarantined"]
        _one.append(copied(desk.home.root, tmp_path_factory.mktemp("one") / "home"))
    else:
        copied(_one[0], desk.home.root)
    return desk, sha256(BAD)


# Accepting by hand


def test_a_person_accepts_a_file_and_the_reason_stays_with_it_everywhere(one: tuple[Desk, str]) -> None:
    desk, digest = one
    verdict = accept_despite(desk.home, "src", "one", digest[:8], "  the ministry confirms it ")
    assert (verdict.state, verdict.vintage) == (
        "accepted",
        "2024-05-11",
    ) and "the ministry confirms it" in verdict.message
    assert in_use(desk) == ["2023-05-11", "2024-05-11"] and turned_away(desk.home, desk.source) == []
    record = read_json(desk.home.accepted / "src" / "one" / "2024-05-11" / "accepted.json")["snapshot"]
    archived = read_json(desk.home.archive / "snapshots" / "src" / "one" / f"{digest}.json")
    for told in (record, archived):
        assert told["accepted_despite"].endswith("Z the ministry confirms it") and told["accepted_despite"][:2] == "20"
        assert told["waived"] == ["digit_too_many_over_a_year"]
    kept = {c.type: c.outcome for c in vintages(desk.home, desk.source)[-1].checks()}
    assert kept["digit_too_many_over_a_year"] == "failed", "that it failed is not forgotten"
    assert [(v.state, v.new) for v in desk.take_in().verdicts] == [("accepted", False)] * 2


def test_it_stays_accepted_when_the_file_is_read_anew_but_other_checks_still_count(
    one: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, digest = one
    accept_despite(desk.home, "src", "one", digest, "it is so")
    (desk.source.folder / "rules.csv").write_text("changed")
    assert [(v.state, v.new) for v in desk.take_in().verdicts] == [("accepted", True)] * 2
    monkeypatch.setattr("warehouse.trial.LEAST", 100)  # now it breaks another rule besides
    (desk.source.folder / "rules.csv").write_text("changed again")
    (verdict,) = desk.take_in().fallen_back
    assert verdict.state == "quarantined" and "at least a tenth" in verdict.message


def test_the_reason_comes_with_the_bundled_figures(one: tuple[Desk, str]) -> None:
    desk, digest = one
    accept_despite(desk.home, "src", "one", digest, "it is so")
    (bundled,) = bundle_source(desk.home, desk.source)
    assert bundled.snapshot["accepted_despite"].endswith("it is so")


def test_withdrawing_takes_the_acceptance_back(one: tuple[Desk, str]) -> None:
    desk, digest = one
    accept_despite(desk.home, "src", "one", digest, "it is so")
    withdraw(desk.home, "src", "one", "2024-05-11", "it was not so")
    desk.put(BAD, **LATER)  # a person brings it again
    assert desk.take_in().verdicts[-1].state == "quarantined" and in_use(desk) == ["2023-05-11"]


def test_what_the_tables_rely_on_cannot_be_waived(desk: Desk) -> None:
    digest = desk.put(NEGATIVE).sha256
    desk.take_in()
    with pytest.raises(Refused, match="value is at least 0.*cannot be accepted"):
        accept_despite(desk.home, "src", "one", digest, "they owe us five")
    assert [v.state for v in desk.take_in().verdicts] == ["quarantined"]
    assert desk.archive.snapshots("src", "one")[0].accepted_despite is None


def test_a_check_that_could_not_run_cannot_be_waived(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.rules.concerned", broken)
    digest = desk.put(GOOD).sha256
    assert [v.state for v in desk.take_in().verdicts] == ["quarantined"]
    with pytest.raises(Refused, match="could not run.*no table.*cannot be accepted"):
        accept_despite(desk.home, "src", "one", digest, "so be it")


def broken(*_: Any) -> Any:
    raise ValueError("no table")


def test_a_file_that_could_not_be_read_cannot_be_accepted(desk: Desk) -> None:
    digest = desk.put(lines(("Atlantis", 5), stamp="2025-05-11")).sha256
    desk.take_in()
    with pytest.raises(Refused, match="Atlantis.*nothing to accept"):
        accept_despite(desk.home, "src", "one", digest, "it exists")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("src", "one", "ffff", "r"), "src/one ffff is not in quarantine"),
        (("src", "two", "", "r"), "src/two is not in quarantine"),
        (("src", "one", "", " "), "--reason must say why"),
        (("nobody", "one", "", "r"), "There is no source 'nobody'"),
    ],
)
def test_words_that_mean_nothing_are_refused(one: tuple[Desk, str], words: Any, said: str) -> None:
    with pytest.raises(Misused, match=said):
        accept_despite(one[0].home, *words)


def test_the_one_that_is_meant_must_be_said_where_there_are_several(one: tuple[Desk, str]) -> None:
    desk, first = one
    second = desk.put(BAD.replace(b"450000", b"460000"), retrieved_at="2026-07-01").sha256
    desk.take_in()
    with pytest.raises(Misused, match=f"say which: {first[:12]}, {second[:12]}"):
        find_report(desk.home, desk.source, "one")
    assert find_report(desk.home, desk.source, "one", second[:6])["snapshot"]["sha256"] == second


def test_what_was_turned_away_is_listed_although_a_newer_file_was_accepted_since(one: tuple[Desk, str]) -> None:
    desk, digest = one
    desk.put(GOOD.replace(b"2023-05-11", b"2024-05-12"), retrieved_at="2026-07-01")
    desk.take_in()
    assert failures(desk.home, desk.source) == []
    assert [r["snapshot"]["sha256"] for r in turned_away(desk.home, desk.source)] == [digest]


def test_it_is_in_table_snapshot(accepted_desk: Desk) -> None:

    rows = {"observation": WORLD, "gap": [gap("PRK", 100_000)], "published_total": [total()]}
    vintage = accept(accepted_desk.home, "src", "2024", **rows)
    path = vintage.folder / "accepted.json"
    record = read_sealed(path)
    record["snapshot"] |= {"accepted_despite": "2026-01-01T00:00:00Z it is so", "waived": ["occupancy"]}
    write_sealed(path, record)
    build(accepted_desk.home, date(2024, 12, 31))
    with connect(accepted_desk.home) as connection:
        found = connection.execute("SELECT vintage, accepted_despite FROM snapshot ORDER BY vintage").fetchall()
    assert found == [("2023", None), ("2024", "2026-01-01T00:00:00Z it is so")]


# What a server gives


FETCH = {"obtained": "fetch", "url": "https://example.org/one.csv"}
OLDER = lines(("FRA", 44_000, {"year": 2022}), stamp="2022-05-11")


def test_an_older_vintage_than_what_was_here_is_turned_away_where_a_server_gave_it(desk: Desk) -> None:
    desk.put(GOOD)
    before = desk.take_in() and desk.files("accepted")
    digest = desk.put(OLDER, **LATER, **FETCH).sha256
    (verdict,) = desk.take_in().fallen_back
    assert verdict.state == "quarantined" and desk.files("accepted") == before
    assert (
        "A server does not give an older vintage than 2023-05-11" in verdict.message
        and "gave 2022-05-11" in verdict.message
    )
    assert accept_despite(desk.home, "src", "one", digest, "wanted for the series").state == "accepted"
    assert in_use(desk) == ["2022-05-11", "2023-05-11"]


def test_an_older_vintage_may_be_imported_or_have_been_fetched_before(make_desk: Any) -> None:
    desk = make_desk(src={}, other={})
    desk.put(GOOD, **LATER)
    desk.put(OLDER, retrieved_at="2026-05-31", **FETCH)  # before the newer one was here
    desk.put(GOOD, source="other")
    desk.put(OLDER, source="other", **LATER)  # by hand
    for source in ("src", "other"):
        assert [v.state for v in desk.take_in(source).verdicts] == ["accepted"] * 2


def test_an_older_edition_may_come_late_where_editions_add_to_each_other(make_desk: Any) -> None:
    file = File(pattern="one*", types=("csv", "text"), extends=True)
    desk = make_desk(src={"files": {"one": file}})
    desk.put(GOOD)
    desk.put(OLDER, **LATER, **FETCH)
    assert [v.state for v in desk.take_in().verdicts] == ["accepted"] * 2


def test_the_same_stamp_with_other_bytes_is_told(desk: Desk) -> None:
    desk.put(GOOD)
    desk.put(GOOD.replace(b"45000", b"45001"), **LATER, **FETCH)
    first, second = desk.take_in().verdicts
    assert (first.message, second.vintage) == ("", "2023-05-11-r2")
    assert second.message == "other bytes bear the same stamp already, so it is the reissue 2023-05-11-r2"


# Size


def sized(size: int, stamp: str) -> bytes:
    """The same figure in a file of a size: zeros after the point say nothing."""
    data = lines(("FRA", "45000.", {"year": 2022}), stamp=stamp)
    return data[:-1] + b"0" * (size - len(data)) + b"\n"


@pytest.mark.parametrize(
    ("before", "now", "broken"),
    [
        (1000, 500, []),
        (1000, 499, ["size_against_last_vintage"]),
        (1000, 2000, []),
        (1000, 2001, ["size_against_last_vintage"]),
        (1000, 100, ["size_against_last_vintage"]),
        (1000, 99, ["size_against_last_vintage", "least_size_of_a_file"]),
    ],
)
def test_the_size_of_a_file_is_held_against_the_one_before(
    desk: Desk, before: int, now: int, broken: list[str]
) -> None:
    desk.put(sized(before, "2023-05-11"))
    desk.put(sized(now, "2024-05-11"), **LATER)
    taken = desk.take_in()
    turned = turned_away(desk.home, desk.source)
    assert [v.state for v in taken.verdicts] == ["accepted", "quarantined" if len(broken) > 1 else "accepted"]
    checks = turned[0]["checks"] if turned else [vars(c) for c in taken.vintages[-1].checks()]
    assert [c["type"] for c in checks if c["outcome"] != "passed"] == broken


# Corrections


def test_a_correction_whose_error_was_mended_is_told_of_the_newest_vintage_alone(desk: Desk) -> None:
    entry = {
        "id": "one", "file": "one", "reason": "r", "evidence": "e", "decided_on": "2026-01-01",
        "match": {"place_id": "FRA"}, "expect": {"value": 45_000}, "set": {"value": 46_000},
    }  # fmt: skip
    (desk.source.folder / "corrections.yml").write_text(yaml.safe_dump([entry]))
    desk.put(GOOD)
    assert desk.take_in().stale_corrections == [] == stale_corrections(vintages(desk.home, desk.source))
    desk.put(lines(("FRA", 46_000, {"year": 2022}), stamp="2024-05-11"), **LATER)
    assert desk.take_in().stale_corrections == ["one"]
    told = {"source": "src", "file": "one", "vintage": "2024-05-11", "correction": "one"}
    assert stale_corrections(vintages(desk.home, desk.source)) == [told]


# What is still missed


def fetched(stamp: str | None, value: object, at: str) -> tuple[bytes, dict[str, Any]]:
    """A file as a server gave it, and what is said of it."""
    return lines(("ALB", value), ("AND", 60), stamp=stamp), {
        "obtained": "fetch",
        "url": "https://x.example",
        "retrieved_at": at,
    }


@pytest.mark.usefixtures("unchecked")
def test_a_file_turned_away_is_missed_until_the_server_gives_again_what_is_in_use(desk: Desk) -> None:
    good, said = fetched("2025-01-01", 5000, "2026-05-01T00:00:00Z")
    desk.put(good, **said)
    desk.put(b"place,nothing\nALB,5\n", **{**said, "retrieved_at": "2026-05-02T00:00:00Z"})
    assert [v.state for v in desk.take_in().fallen_back] == ["refused"]
    assert len(failures(desk.home, desk.source)) == 1
    desk.archive.seen("src", "one", desk.archive.snapshots("src", "one")[0].sha256, "fetch")
    assert desk.take_in().fallen_back == [] and failures(desk.home, desk.source) == []
    assert len(turned_away(desk.home, desk.source)) == 1  # it stays listed


def test_what_is_in_quarantine_is_missed_though_an_older_vintage_was_accepted_later(one: tuple[Desk, str]) -> None:
    desk, digest = one
    older = GOOD.replace(b"2023-05-11", b"2023-08-01")
    desk.put(older, retrieved_at="2026-09-01")
    taken = desk.take_in()
    assert in_use(desk) == ["2023-05-11", "2023-08-01"]
    assert [v.sha256 for v in taken.fallen_back] == [digest]
    assert [r["snapshot"]["sha256"] for r in failures(desk.home, desk.source)] == [digest]


@pytest.mark.usefixtures("unchecked")
def test_a_verdict_does_not_outlive_the_vintage_that_it_was_held_against(make_desk: Any) -> None:
    """Eleven items are more than twice five, and after the five were withdrawn no more than twice ten."""
    desk = make_desk(src={"files": {"one": File(pattern="one*", types=("csv", "text"), min_share=0.5)}})
    for day, count in ((1, 10), (2, 5), (3, 11)):
        data = lines(*(("ALB", 1000, {"year": 2000 + n}) for n in range(count)), stamp=f"2024-0{day}")
        desk.put(data, retrieved_at=f"2026-0{day}-01", obtained="fetch")
    assert [v.state for v in desk.take_in().verdicts] == ["accepted", "accepted", "quarantined"]
    withdraw(desk.home, "src", "one", "2024-02", "half of it was missing")
    assert [v.state for v in desk.take_in().verdicts] == ["accepted", "accepted"]
    assert in_use(desk) == ["2024-01", "2024-03"]


@pytest.mark.usefixtures("unchecked")
def test_a_publisher_that_takes_a_revision_back_is_told(desk: Desk) -> None:
    first, said = fetched("2025-01-01", 5000, "2026-05-01T00:00:00Z")
    second, later = fetched("2025-02-01", 5100, "2026-05-02T00:00:00Z")
    desk.put(first, **said)
    desk.put(second, **later)
    assert desk.take_in().fallen_back == []
    desk.put(first, **{**said, "retrieved_at": "2026-05-03T00:00:00Z"})
    (told,) = desk.take_in().fallen_back
    assert "gave again what it first gave on 2026-05-01; 2025-02-01 stays in use" in told.message
    withdraw(desk.home, "src", "one", "2025-02-01", "the publisher took it back")
    assert desk.take_in().fallen_back == [] and in_use(desk) == ["2025-01-01"]


@pytest.mark.usefixtures("unchecked")
def test_a_newer_file_that_a_person_brought_is_not_taken_back_by_a_server_that_has_the_older(desk: Desk) -> None:
    first, said = fetched("2025-01-01", 5000, "2026-05-01T00:00:00Z")
    desk.put(first, **said)
    desk.put(lines(("ALB", 5100), ("AND", 60), stamp="2025-02-01"), retrieved_at="2026-05-02")
    desk.archive.seen("src", "one", desk.archive.snapshots("src", "one")[0].sha256, "fetch")
    assert desk.take_in().fallen_back == []


@pytest.mark.usefixtures("unchecked")
def test_each_edition_that_was_turned_away_is_missed_where_editions_add_to_each_other(make_desk: Any) -> None:
    files = {"one": File(pattern="one*", types=("csv", "text"), min_share=0.01, extends=True)}
    desk = make_desk(src={"files": files})
    for day, data in (
        (1, lines(("ALB", 5000, {"year": 2021}), stamp="2022-01-01")),
        (2, lines(("Atlantis", 5, {"year": 2022}), stamp="2023-01-01")),
        (3, lines(("ALB", 5200, {"year": 2023}), stamp="2024-01-01")),
    ):
        desk.put(data, retrieved_at=f"2026-05-0{day}")
    taken = desk.take_in()
    assert [v.state for v in taken.verdicts] == ["accepted", "refused", "accepted"]
    (told,) = taken.fallen_back
    assert "Atlantis" in told.message and len(failures(desk.home, desk.source)) == 1
    dismiss(desk.home, "src", "one", told.sha256[:8], "it was never meant to be published")
    assert desk.take_in().fallen_back == [] and turned_away(desk.home, desk.source) == []
    assert desk.archive.kept(told.sha256) is not None
    with pytest.raises(Refused, match="is not in quarantine"):
        dismiss(desk.home, "src", "one", told.sha256[:8], "again")
