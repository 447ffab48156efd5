"""The quality report: what it tells is what happened, it is whole on its own, and nothing secret or foreign runs in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sources.asked import Asked, Asking
from sources.home import read_json
from tests.warehouse.conftest import DAY, WORLD, Desk, accept, lines, total
from tests.warehouse.made import gap
from warehouse import accepted, quality
from warehouse.build import build
from warehouse.records import all_vintages
from warehouse.results import NO_ROW, CheckResult


def told(desk: Desk) -> dict[str, Any]:
    content: dict[str, Any] = read_json(desk.home.reports / "quality.json")
    return content


def page(desk: Desk) -> str:
    return (desk.home.reports / "quality.html").read_text(encoding="utf-8")


EVIL = "<script>alert('x')</script>"


def check(outcome: str, severity: str = "critical", **more: Any) -> CheckResult:
    said: dict[str, Any] = {"table": "observation", "type": "own", "columns": (), "reason": "Why.", "rows": 9, **more}
    return CheckResult(severity=severity, outcome=outcome, **said)  # type: ignore[arg-type]


def answer(desk: Desk, results: list[CheckResult], source: str = "src") -> None:
    """Have the accepted vintage of a source bear these answers."""
    (vintage,) = [v for v in all_vintages(desk.home) if v.source_id == source]
    accepted.write_record(vintage.record, results, vintage.folder)


def test_a_build_writes_it_and_names_it(accepted_desk: Desk) -> None:
    made = build(accepted_desk.home, DAY)
    assert made.report == accepted_desk.home.reports / "quality.html" and made.report.exists()
    content = told(accepted_desk)
    assert content["as_of"] == DAY.isoformat() and content["inputs"] == made.digest
    quiet = content["summary"]["passed"] + content["summary"]["nothing"]
    assert quiet == sum(len(t.checks) for t in made.tables) - content["summary"]["warned"]
    again = build(accepted_desk.home, DAY)
    assert not again.new and again.report == made.report


def test_each_answer_is_counted_and_what_did_not_pass_is_shown(accepted_desk: Desk) -> None:
    rows = ({"locator": "f.csv:2:2", "value": 5},)
    answer(
        accepted_desk,
        [
            check("passed"),
            check("failed", "warning", failing=2, examples=rows, reason="Too <many>."),
            check("could_not_run", "warning", detail="no such column"),
        ],
    )
    made = build(accepted_desk.home, DAY)
    others = sum(len(t.checks) for t in made.tables)
    content = told(accepted_desk)
    nothing = content["summary"].pop("nothing")
    assert content["summary"] == {
        "failed": 0, "could_not_run": 1, "waived": 0, "warned": 1, "passed": others - nothing + 1,
    }  # fmt: skip
    html = page(accepted_desk)
    assert "f.csv:2:2" in html and "Too &lt;many&gt;." in html and "2 of 9 rows break it." in html
    assert "no such column" in html


def test_what_was_waived_is_told_apart(accepted_desk: Desk) -> None:
    (vintage,) = all_vintages(accepted_desk.home)
    snapshot = {**vintage.snapshot, "accepted_despite": "2026-01-01T00:00:00Z so it is", "waived": ["own"]}
    record = {**vintage.record, "snapshot": snapshot}
    accepted.write_record(record, [check("failed", failing=1)], vintage.folder)
    build(accepted_desk.home, DAY)
    content = told(accepted_desk)
    assert content["summary"]["waived"] == 1 and content["summary"]["failed"] == 0
    assert content["accepted_despite"][0]["why"] == "2026-01-01T00:00:00Z so it is"


def test_a_file_turned_away_after_the_build_is_in_it_without_a_new_build(built_desk: Desk) -> None:
    build(built_desk.home, DAY)
    assert told(built_desk)["fell_back"] == []
    built_desk.put(
        lines(("FRA", 45_000, {"year": 2022}), ("FRA", 450_000, {"year": 2023}), stamp="2024"), source="other"
    )
    built_desk.put(lines(("Atlantis", 1), stamp="2024"), name="two.csv", source="other")
    built_desk.take_in("other")
    assert not build(built_desk.home, DAY).new
    content = told(built_desk)
    assert {(f["file"], f["state"]) for f in content["fell_back"]} == {("one", "quarantined"), ("two", "refused")}
    assert {c["type"] for c in content["checks"] if c["verdict"] == "failed"} == {
        "digit_too_many_over_a_year",
        "reading",
    }
    assert ">450,000<" in page(built_desk) and "Atlantis" in page(built_desk)


def test_it_is_not_written_again_where_nothing_changed(built_desk: Desk) -> None:
    build(built_desk.home, DAY)
    path = built_desk.home.reports / "quality.html"
    before = path.stat().st_mtime_ns, path.stat().st_ino
    build(built_desk.home, DAY)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_a_part_that_was_deleted_is_made_again(built_desk: Desk) -> None:
    build(built_desk.home, DAY)
    for name in ("quality.json", "quality.html"):
        (built_desk.home.reports / name).unlink()
        build(built_desk.home, DAY)
        assert told(built_desk)["as_of"] == DAY.isoformat() and "</html>" in page(built_desk)


def test_publishers_asked_in_vain_are_listed(built_desk: Desk) -> None:
    build(built_desk.home, DAY)
    assert told(built_desk)["asked_in_vain"] == [] and "0 asked for in vain" in page(built_desk)
    why = "https://x.example/a: the server answers 404. <b>Look</b> at the publisher's page."
    asked = Asked("src", "one", "https://x.example/a", "failed", why, "2026-11-24T00:00:00Z")
    Asking(built_desk.home).note(asked)
    build(built_desk.home, DAY)
    assert told(built_desk)["asked_in_vain"] == [
        {"source": "src", "file": "one", "asked_at": "2026-11-24T00:00:00Z", "why": why}
    ]
    assert "the server answers 404. &lt;b&gt;Look" in page(built_desk)
    Asking(built_desk.home).note(replace(asked, outcome="unchanged", message=""))
    build(built_desk.home, DAY)
    assert told(built_desk)["asked_in_vain"] == [] and "404" not in page(built_desk)


def test_a_check_that_concerns_no_row_has_not_passed_anything(accepted_desk: Desk) -> None:
    answer(accepted_desk, [check("passed", detail=NO_ROW, rows=0, reason="Of nobody."), check("passed")])
    build(accepted_desk.home, DAY)
    verdicts = {c["reason"]: c["verdict"] for c in told(accepted_desk)["checks"] if c["source"] == "src"}
    assert verdicts == {"Of nobody.": "nothing", "Why.": "passed"}
    html = page(accepted_desk)
    number = told(accepted_desk)["summary"]["nothing"]
    assert f'<li class="nothing"><b>{number}</b> nothing to check</li>' in html
    to_look_at = html.split("<h2>To look at</h2>")[1].split("<h2>")[0]
    assert "Of nobody." not in to_look_at and "Of nobody." in html


def test_years_are_no_counts(accepted_desk: Desk) -> None:
    rows = ({"year": 2023, "before": 2022.0, "value": 12_345.0, "rate": 0.25},)
    answer(accepted_desk, [check("failed", "warning", failing=1, examples=rows)])
    build(accepted_desk.home, DAY)
    html = page(accepted_desk)
    assert all(f">{shown}<" in html for shown in ("2023", "2022", "12,345", "0.25")) and "2,023" not in html


class Strict(HTMLParser):
    """What could run or be loaded, and what is left open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base", "form"):
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on") or name in ("src", "href", "style")]


def test_it_needs_nothing_else_and_text_of_others_is_only_text(accepted_desk: Desk) -> None:
    examples = ({"locator": EVIL, EVIL: '"><img src=x onerror=alert(1)>'},)
    texts = {"reason": EVIL, "detail": EVIL, "type": EVIL}
    answer(accepted_desk, [check("failed", "warning", failing=1, examples=examples, **texts)])
    build(accepted_desk.home, DAY)
    html = page(accepted_desk)
    parser = Strict()
    parser.feed(html)
    assert parser.found == [] and "&lt;script&gt;" in html and "&lt;img src=x" in html
    assert not re.search(r"https?://|@import|url\(", html.split("</style>")[0])
    assert "prefers-color-scheme: dark" in html and "overflow-x: auto" in html and "width=device-width" in html


def test_text_of_internal_sources_never_appears(make_desk: Any) -> None:
    desk = make_desk(src={}, secret={"licence": "all-rights-reserved"})
    if desk.sources["secret"].licence_class != "internal":
        pytest.fail("the licence is not internal")
    accept(desk.home, "src", "2023", observation=WORLD, gap=[gap("PRK", 100_000)], published_total=[total()])
    out = {
        "source_id": "secret", "file": "one", "vintage": "2023", "snapshot": "1" * 64, "locator": "SECRET:1", "items": 1,
        "reason": "SECRET", "raw": "SECRET", "correction_id": None,
    }  # fmt: skip
    accept(desk.home, "secret", "2023", left_out=[out])
    answer(desk, [check("failed", "warning", failing=1, detail="SECRET", examples=({"value": "SECRET"},))], "secret")
    Asking(desk.home).note(Asked("secret", "one", "https://x.example", "failed", "SECRET", "2026-11-24T00:00:00Z"))
    desk.put(lines(("SECRET", 5), stamp="2024"), source="secret")
    desk.take_in("secret")
    made = build(desk.home, DAY)
    rows = [check("failed", "warning", table="figure", examples=({"value": "SECRET"},), detail="SECRET", failing=1)]
    tables = [type(t)(t.name, t.rows, rows) for t in made.tables]
    (desk.home.reports / "quality.html").unlink()
    quality.write(desk.home, type(made)(made.digest, made.as_of, tables, True, made.report), all_vintages(desk.home))
    assert [a["source"] for a in told(desk)["asked_in_vain"]] == ["secret"]
    assert told(desk)["fell_back"][0]["source"] == "secret" and told(desk)["summary"]["warned"] > 1
    for path in sorted(Path(desk.home.reports).iterdir()):
        assert "SECRET" not in path.read_text(encoding="utf-8"), path


def test_what_was_left_out_and_corrected_is_told_by_reason(accepted_desk: Desk) -> None:
    common = {"source_id": "src", "file": "one", "vintage": "2024"}
    out = [
        {
            **common,
            "snapshot": "1" * 64,
            "locator": f"f.csv:{i}",
            "items": i,
            "reason": r,
            "raw": "{}",
            "correction_id": None,
        }
        for i, r in [(1, "missing"), (2, "missing"), (3, "a subtotal")]
    ]
    fixed = {
        **common, "correction_id": "one", "state": "stale", "rows": 0, "match": "{}", "expect": "{}", "change": "drop",
        "reason": "wrong", "evidence": "seen", "decided_on": date(2026, 1, 1),
    }  # fmt: skip
    tables = {"observation": WORLD, "gap": [gap("PRK", 1)], "published_total": [total()]}
    accept(accepted_desk.home, "src", "2024", **tables, left_out=out, correction=[fixed])
    build(accepted_desk.home, DAY)
    content = told(accepted_desk)
    assert [(e["reason"], e["entries"], e["items"]) for e in content["left_out"]] == [
        ("a subtotal", 1, 3),
        ("missing", 2, 3),
    ]
    assert [(c["correction_id"], c["state"], c["evidence"]) for c in content["corrections"]] == [
        ("one", "stale", "seen")
    ]
    assert "of which 1 stale" in page(accepted_desk)
