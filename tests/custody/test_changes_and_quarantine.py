"""What changed and what was turned away, as the command tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dictionary.model import dictionary
from sources.archive import Archive
from sources.catalogue import source
from sources.home import Home
from tests.custody import homes
from tests.custody.conftest import Command
from tests.custody.test_cli import as_json, one_sentence
from warehouse.intake import take_in

# Changes: the values are in tables 2 and 9 of the BJS's editions of 2020 (p20st), 2021 (p21st) and 2022 (p22st).


def test_changes_name_both_values_both_vintages_and_the_size(command: Command, home: Path) -> None:
    rows = as_json(command(home, "changes", "--place", "USA-IN", "--source", "bjs_prisoners", "--json"))
    (women,) = [
        r
        for r in rows
        if (r["dataset"], r["sex"], r["vintage"]) == ("jurisdiction_by_state_and_sex", "F", "2022-12-20")
    ]
    assert (women["earlier_vintage"], women["earlier_value"], women["value"]) == ("2021-12-14", 2209, 2634)
    assert women["change"] == 425 and round(women["change_share"], 4) == round(425 / 2209, 4)
    assert women["earlier_retrieved"][:2] == women["retrieved"][:2] == "20" and women["period_end"] == "2020-12-31"
    assert women["earlier_locator"].startswith("p20stt02.csv:29") and women["locator"].startswith("p21stt02.csv:29")
    sizes = [abs(r["change"]) for r in rows]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 26_051 - 23_944


def test_a_figure_that_became_missing_is_told_first(command: Command, home: Path) -> None:
    said = command(home, "changes", "--place", "Michigan").stdout
    first = next(line for line in said.splitlines() if "deaths_in_custody" in line)
    assert "36" in first and "missing" in first
    assert said.index("missing") < said.index("-100.0%")


def test_changes_after_a_vintage(command: Command, home: Path) -> None:
    every = as_json(command(home, "changes", "--json"))
    later = as_json(command(home, "changes", "--after-vintage", "2022-12-20", "--json"))
    assert {r["vintage"] for r in later} == {"2023-11-30"} < {r["vintage"] for r in every}
    assert later == [r for r in every if r["vintage"] == "2023-11-30"]


def test_changes_since_a_day_are_those_that_came_in_then_or_later(command: Command, home: Path) -> None:
    every = as_json(command(home, "changes", "--json"))
    days = {r["retrieved"][:10] for r in every}
    last = max(days)
    of_the_day = as_json(command(home, "changes", "--since", last, "--json"))
    assert of_the_day == [r for r in every if r["retrieved"][:10] == last] != []
    assert as_json(command(home, "changes", "--since", "2020-01-01", "--json")) == every
    assert as_json(command(home, "changes", "--since", "2099-01-01", "--json")) == []


def test_a_day_that_a_vintage_is_named_after_is_a_day_too(command: Command, own: Path) -> None:
    """What came in today under today's stamp is no older than today."""
    every = as_json(command(own, "changes", "--json"))
    last = max(r["retrieved"][:10] for r in every)
    of_the_day = [r for r in every if r["retrieved"][:10] == last]
    one = of_the_day[0]
    key = f"source_id = '{one['source']}' AND vintage = '{one['vintage']}'"
    homes.alter(
        own,
        *(f"UPDATE {table} SET vintage = '{last}' WHERE {key}" for table in ("snapshot", "observation", "revision")),
    )
    found = as_json(command(own, "changes", "--since", last, "--json"))
    assert len(found) == len(of_the_day) and last in {r["vintage"] for r in found}


def test_a_country_means_its_parts_too(command: Command, home: Path) -> None:
    places = {r["place"] for r in as_json(command(home, "changes", "--place", "United States of America", "--json"))}
    assert {"USA", "USA-IN"} <= places


def test_what_is_given_no_more_is_told_first_by_edition_and_year(command: Command, own: Path) -> None:
    """As where a publisher leaves a year out: 2,209 women of Indiana are in the edition before."""
    (women,) = (
        r
        for r in as_json(command(own, "changes", "--place", "USA-IN", "--source", "bjs_prisoners", "--json"))
        if (r["dataset"], r["sex"], r["vintage"]) == ("jurisdiction_by_state_and_sex", "F", "2022-12-20")
    )
    columns = ", ".join(c for c in dictionary().tables["vanished"].column_names if c != "later_vintage")
    homes.alter(
        own,
        f"INSERT INTO vanished BY NAME SELECT {columns}, '2022-12-20' AS later_vintage FROM observation "
        f"WHERE locator = '{women['earlier_locator']}' AND vintage = '2021-12-14'",
    )
    gone, *others = as_json(command(own, "changes", "--place", "USA-IN", "--json"))
    assert (gone["earlier_value"], gone["value"], gone["locator"], gone["change"]) == (2209, None, None, None)
    assert (gone["earlier_vintage"], gone["vintage"]) == ("2021-12-14", "2022-12-20") and women in others
    said = command(own, "changes", "--source", "bjs_prisoners").stdout
    assert said.index("1 figures are given no more; table vanished has each of them.") < said.index("figures differ")
    line = next(line for line in said.splitlines() if "jurisdiction_by_state_and_sex" in line)
    assert line.split() == "bjs_prisoners jurisdiction_by_state_and_sex 2021-12-14 2022-12-20 2020 1 USA-IN".split()
    assert as_json(command(own, "changes", "--since", "2099-01-01", "--json")) == []


def test_no_change_is_said(command: Command, home: Path) -> None:
    assert command(home, "changes", "--place", "Norway").stdout == "No figure has been changed.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "2026-11"], "--since '2026-11' is not a day such as 2025-12-31"),
        (["--since", "soon"], "--since 'soon' is not a day"),
        (["--after-vintage", "2026-11"], "'2026-11' is no vintage that is here; `custody status --json` lists them"),
        (["--place", "Atlantis"], "No place is known as 'Atlantis'"),
        (["--source", "nobody"], "There is no source 'nobody'"),
    ],
)
def test_changes_of_what_is_not_there(command: Command, home: Path, words: list[str], said: str) -> None:
    assert said in one_sentence(command(home, "changes", *words), status=2)


# Quarantine

SOURCE, FILE = "world_bank_population", "population"


@pytest.fixture
def turned_away(own: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A home whose archive holds a file of a few people, in place of all of them, and its SHA-256."""
    known = source(SOURCE)
    (bundled,) = (known.bundled / FILE).iterdir()
    assert bundled.is_dir()
    data = json.dumps(
        [
            {"page": 1, "pages": 1, "per_page": 20000, "total": 2, "sourceid": "2", "lastupdated": "2026-07-01"},
            [person("2023", 38_000_000), person("2022", 3_800_000)],
        ]
    ).encode()
    archive = Archive(own / "archive")
    said = {"obtained": "fetch", "url": "https://api.worldbank.org/v2", "retrieved_at": "2026-11-24T12:00:00Z"}
    snapshot, _ = archive.put(known, FILE, "SP.POP.TOTL.json", data, **said)
    taken = take_in(Home(own), known)
    assert [v.state for v in taken.verdicts] == ["quarantined"], taken.verdicts
    return own, snapshot.sha256


def person(year: str, value: int) -> dict[str, object]:
    return {
        "indicator": {"id": "SP.POP.TOTL", "value": "Population, total"}, "country": {"id": "CA", "value": "Canada"},
        "countryiso3code": "CAN", "date": year, "value": value, "unit": "", "obs_status": "", "decimal": 0,
    }  # fmt: skip


def test_what_was_turned_away_is_listed(command: Command, turned_away: tuple[Path, str]) -> None:
    own, digest = turned_away
    (row,) = as_json(command(own, "quarantine", "--json"))
    assert (row["source"], row["file"], row["sha256"], row["state"]) == (SOURCE, FILE, digest, "quarantined")
    assert digest[:12] in command(own, "quarantine").stdout


def test_why_is_shown_with_the_rows(command: Command, turned_away: tuple[Path, str]) -> None:
    own, digest = turned_away
    told = as_json(command(own, "quarantine", "show", SOURCE, FILE, digest[:6], "--json"))
    failed = {c["type"]: c for c in told["checks"]}
    (shown,) = failed["jump_over_a_year"]["examples"]
    assert (shown["place_id"], shown["year_before"], shown["value"]) == ("CAN", 3_800_000, 38_000_000)
    assert shown["locator"] and "item_count_against_last_vintage" in failed
    said = command(own, "quarantine", "show", SOURCE, FILE).stdout
    assert "critical, jump_over_a_year" in said and "3800000" in said and str(shown["locator"]) in said


def test_it_is_accepted_with_a_reason_that_is_told(command: Command, turned_away: tuple[Path, str]) -> None:
    own, digest = turned_away
    said = command(own, "quarantine", "accept", SOURCE, FILE, digest[:6], "--reason", "a test of ours")
    assert said.returncode == 0 and "accepted despite failed checks" in said.stdout and "a test of ours" in said.stdout
    assert command(own, "quarantine").stdout == "Nothing was turned away.\n"
    (line,) = [x for x in command(own, "status").stdout.splitlines() if x.startswith("accepted despite failed checks")]
    assert f"{SOURCE}/{FILE} 2026-07-01" in line and line.endswith("a test of ours")
    despite = [v for v in as_json(command(own, "status", "--json"))["vintages"] if v["accepted despite"]]
    assert [(v["source"], v["vintage"]) for v in despite] == [(SOURCE, "2026-07-01")]


@pytest.mark.parametrize("how", ["waivable", "relied on", "could not run", "not read"])
def test_what_can_be_done_is_said_and_only_that(command: Command, turned_away: tuple[Path, str], how: str) -> None:
    """The command to accept it is shown where it would accept it, and nowhere else."""
    own, digest = turned_away
    (path,) = (own / "quarantine" / SOURCE / FILE).glob("*/report.json")
    report = json.loads(path.read_text())
    broken = {
        "relied on": {"type": "expect_compound_columns_to_be_unique", "outcome": "failed", "severity": "critical"},
        "could not run": {"outcome": "could_not_run", "severity": "critical"},
    }
    if how in broken:
        report["checks"] = [{**report["checks"][0], **broken[how]}, *report["checks"]]
    if how == "not read":
        report = {**{k: v for k, v in report.items() if k != "checks"}, "state": "refused"}
    path.write_text(json.dumps(report))
    words = f"{SOURCE} {FILE} {digest[:12]} --reason '...'"
    said = command(own, "quarantine", "show", SOURCE, FILE)
    assert said.returncode == 0
    assert (f"custody quarantine accept {words}" in said.stdout) is (how == "waivable")
    assert f"custody quarantine dismiss {words}" in said.stdout
    done = {
        "waivable": "If the figures are right all the same", "relied on": "the tables rely on what it breaks",
        "could not run": "custody run --offline tries it again", "not read": "It was not read",
    }  # fmt: skip
    assert [key for key, part in done.items() if part in said.stdout] == [how]
    accepted = command(own, "quarantine", "accept", SOURCE, FILE, digest[:12], "--reason", "a test").returncode == 0
    if how in ("waivable", "relied on"):  # what could not run or be read is decided anew
        assert accepted is (how == "waivable")


def test_a_reason_must_be_given(command: Command, turned_away: tuple[Path, str]) -> None:
    own, digest = turned_away
    assert command(own, "quarantine", "accept", SOURCE, FILE, digest).returncode == 2
    assert "--reason must say why" in one_sentence(
        command(own, "quarantine", "accept", SOURCE, FILE, digest, "--reason", ""), status=2
    )


def test_nothing_heavy_is_imported_to_list_or_show(home: Path) -> None:
    from tests.custody.test_cli import TELL_IMPORTS

    said = homes.custody(home, "quarantine", code=TELL_IMPORTS, fresh=True)
    assert (said.stdout, said.stderr) == ("Nothing was turned away.\n", "IMPORTED []\n")


def test_the_status_names_the_quality_report(command: Command, home: Path) -> None:
    path = home / "reports" / "quality.html"
    assert path.exists() and as_json(command(home, "status", "--json"))["warehouse"]["report"] == str(path)
    assert str(path) in homes.first_run()[1].stdout
