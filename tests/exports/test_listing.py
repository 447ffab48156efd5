"""The list of releases: what its names mean, what a retraction says, and that an older list is still read."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

from exports import listing
from exports.listing import Release, Retraction, aliases, locate, retract, warning
from sources.errors import Misused, Refused
from sources.home import Home
from tests.custody import homes

TODAY = date(2027, 1, 5)
OLD = {
    "releases": [
        {
            "version": version,
            "date": "2026-11-23",
            "schema_version": "0.1.0",
            "as_of": "2025-12-31",
            "digest": "d" * 64,
            "sums": "e" * 64,
        }
        for version in ("2026.11.0", "2026.12.0", "2027.01.0")
    ],
    "aliases": {"latest": "2027.01.0"},
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three releases as the first Custody listed them, with nothing in their folders."""
    made = Home(tmp_path / "home")
    for entry in OLD["releases"]:
        (made.releases / entry["version"]).mkdir(parents=True)
    (made.releases / "releases.json").write_text(json.dumps(OLD), encoding="utf-8")
    return made


def kept(home: Home) -> dict[str, object]:
    told: dict[str, object] = json.loads((home.releases / "releases.json").read_text(encoding="utf-8"))
    return told


def test_an_old_list_is_read(home: Home) -> None:
    known = listing.releases(home)
    assert [r.version for r in known] == ["2026.11.0", "2026.12.0", "2027.01.0"]
    assert {(r.retracted, r.explained) for r in known} == {(None, None)}
    assert aliases(known) == {"latest": "2027.01.0", "stable": "2027.01.0"}


def test_a_list_of_a_newer_custody_is_read() -> None:
    gone = {"date": "2027-01-05", "reason": "wrong", "replaced_by": None, "decided_by": "the board"}
    newer = {**OLD["releases"][0], "doi": "10.5281/zenodo.1", "retracted": gone}
    (read,) = listing.read({"releases": [newer]})
    assert (read.version, read.retracted) == ("2026.11.0", Retraction("2027-01-05", "wrong"))


@pytest.mark.parametrize("change", [{"as_of": 2025}, {"date": None}, {"retracted": {"date": "d", "reason": ["r"]}},
                                    {"retracted": {"date": "d", "reason": "r", "replaced_by": {}}}, {"retracted": "yes"},
                                    {"retracted": {"date": "d"}}])  # fmt: skip
def test_a_list_of_another_form_is_damaged(home: Home, change: dict[str, object]) -> None:
    (home.releases / "releases.json").write_text(json.dumps({"releases": [{**OLD["releases"][0], **change}]}))
    with pytest.raises(Refused, match=r"releases\.json is damaged"):
        listing.releases(home)


def test_what_a_retraction_says_commands_no_terminal() -> None:
    entry = Release(
        "2026.11.0", "d", "1", "d", "d", "s", retracted=Retraction("d", "\x1b[31mwrong\x1b[0m\u202e\nagain")
    )
    assert str(warning(entry)) == (
        "Release 2026.11.0 was retracted on d: \\x1b[31mwrong\\x1b[0m\\u202e again. No release takes its place."
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"releases": 1}', '{"releases": [{"version": "x"}]}', "{}"])
def test_a_damaged_list_is_told_in_one_sentence(home: Home, text: str) -> None:
    (home.releases / "releases.json").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=r"releases\.json is damaged"):
        listing.releases(home)


def test_what_is_retracted_is_marked_and_stays(home: Home) -> None:
    retract(home, "2027.01.0", "Chad was read\nas Niger.", TODAY, replaced_by="2026.12.0")
    found = listing.releases(home)
    assert [r.version for r in found] == ["2026.11.0", "2026.12.0", "2027.01.0"]
    assert found[2].retracted == Retraction("2027-01-05", "Chad was read as Niger.", "2026.12.0")
    assert kept(home)["aliases"] == aliases(found) == {"latest": "2027.01.0", "stable": "2026.12.0"}
    assert locate(home, "latest").name == "2027.01.0"
    assert locate(home, "stable").name == "2026.12.0"
    assert locate(home, "2027.01.0").is_dir()
    assert warning(found[2], found) == (
        "Release 2027.01.0 was retracted on 2027-01-05: Chad was read as Niger. Use 2026.12.0 in its place."
    )
    assert warning(found[1], found) is None


def test_retracting_twice_changes_nothing(home: Home) -> None:
    retract(home, "2026.11.0", "wrong", TODAY)
    path = home.releases / "releases.json"
    before = path.stat().st_mtime_ns, path.read_bytes()
    _, new = retract(home, "2026.11.0", " wrong ", date(2028, 1, 1))
    assert (new, before) == (False, (path.stat().st_mtime_ns, path.read_bytes()))


def test_a_replacement_may_be_named_later_and_not_be_changed(home: Home) -> None:
    retract(home, "2026.11.0", "wrong", TODAY)
    known = listing.releases(home)
    assert str(warning(known[0])).endswith("wrong. No release takes its place.")
    assert str(warning(known[0], known)).endswith(
        "wrong. No release was named to take its place; the newest that stands is 2027.01.0."
    )
    marked, new = retract(home, "2026.11.0", "wrong", date(2028, 1, 1), replaced_by="2026.12.0")
    assert (new, marked.retracted) == (True, Retraction("2027-01-05", "wrong", "2026.12.0"))
    with pytest.raises(Misused, match="replaced by 2026.12.0 already"):
        retract(home, "2026.11.0", "wrong", TODAY, replaced_by="2027.01.0")


def test_a_replacement_that_was_itself_retracted_leads_on(home: Home) -> None:
    retract(home, "2026.11.0", "wrong", TODAY, replaced_by="2026.12.0")
    retract(home, "2026.12.0", "wrong too", TODAY, replaced_by="2027.01.0")
    known = listing.releases(home)
    assert str(warning(known[0], known)).endswith("wrong. Use 2027.01.0 in its place.")


def test_replacements_in_a_circle_end() -> None:
    """Which a hand that edits the list can make."""
    one = Release("1", "d", "1", "d", "d", "s", retracted=Retraction("d", "r", "2"))
    two = Release("2", "d", "1", "d", "d", "s", retracted=Retraction("d", "r", "1"))
    assert str(warning(one, [one, two])).endswith("No release takes its place.")


@pytest.mark.parametrize(
    ("version", "reason", "replaced_by", "says"),
    [
        ("2026.10.0", "wrong", None, "no release '2026.10.0' by version"),
        ("latest", "wrong", None, "no release 'latest' by version"),
        ("2026.11.0", " \n", None, "must say why"),
        ("2026.11.0", "wrong", "2026.10.0", "no release '2026.10.0'"),
        ("2026.11.0", "wrong", "2026.11.0", "cannot take its own place"),
        ("2026.11.0", "wrong", "2026.12.0", "2026.12.0 is retracted too"),
        ("2026.12.0", "another", None, "for another reason: why not"),
    ],
)
def test_what_is_no_retraction(home: Home, version: str, reason: str, replaced_by: str | None, says: str) -> None:
    retract(home, "2026.12.0", "why not", TODAY)
    before = kept(home)
    with pytest.raises(Misused, match=says):
        retract(home, version, reason, TODAY, replaced_by)
    assert kept(home) == before


def test_a_crash_leaves_the_old_list(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        retract(home, "2026.11.0", "wrong", TODAY)
    monkeypatch.undo()
    assert kept(home) == OLD
    assert [p.name for p in home.releases.iterdir() if p.is_file()] == ["releases.json"]


def test_where_all_are_retracted_nothing_is_stable(home: Home) -> None:
    for version in ("2026.11.0", "2026.12.0", "2027.01.0"):
        retract(home, version, "wrong", TODAY)
    assert kept(home)["aliases"] == {"latest": "2027.01.0"}
    with pytest.raises(Refused, match="Every release is retracted"):
        locate(home, "stable")


def test_the_commands_on_a_retracted_release(home: Home) -> None:
    for words, status, says in (
        (["2026.11.0"], 2, "--reason"),
        (["2026.10.0", "--reason", "x"], 2, "no release '2026.10.0' by version"),
    ):
        said = homes.custody(home.root, "retract", *words)
        assert (said.returncode, said.stdout) == (status, "")
        assert says in said.stderr
        assert "Traceback" not in said.stderr
    said = homes.custody(home.root, "retract", "2026.11.0", "--reason", "wrong", "--replaced-by", "2026.12.0")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.endswith(": wrong. Use 2026.12.0 in its place.\n")
    again = homes.custody(home.root, "retract", "2026.11.0", "--reason", "wrong")
    assert (again.returncode, again.stdout) == (
        0,
        f"2026.11.0 was retracted already; nothing has changed. {said.stdout}",
    )
    shown = homes.custody(home.root, "releases")
    assert said.stdout in shown.stdout
    assert "stable" in shown.stdout
    (first, *others) = json.loads(homes.custody(home.root, "releases", "--json").stdout)
    assert first["retracted"]["replaced_by"] == "2026.12.0"
    assert first["warning"] in said.stdout
    assert {r["warning"] for r in others} == {None}


def test_a_home_without_releases(tmp_path: Path) -> None:
    said = homes.custody(tmp_path / "none", "retract", "2026.11.0", "--reason", "x")
    assert (said.returncode, said.stderr) == (2, "custody: There is no release yet.\n")
    assert not (tmp_path / "none").exists()
