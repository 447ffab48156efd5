"""`custody total` and `custody claims`: the world on any day, by parts, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.custody.conftest import Command

OWN_DAY = "2022-06-30"  # no end of a year: not in the warehouse


def told(command: Command, home: Path, *words: str) -> Any:
    said = command(home, *words, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def stored(home: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def refused(command: Command, home: Path, status: int, *words: str) -> str:
    """The one sentence with which the command ends."""
    said = command(home, *words)
    assert said.returncode == status and said.stdout == "", said
    (line,) = said.stderr.splitlines()
    return line


def test_the_total_of_the_reference_day_is_the_warehouses(home: Path, command: Command) -> None:
    found = told(command, home, "total")
    (row,) = stored(
        home,
        "SELECT as_of, central, low, high FROM world_total WHERE place_id = 'WLD' AND sex = '_T' AND legal_status = '_T' ORDER BY as_of DESC LIMIT 1",
    )
    assert (found["total"]["as_of"], found["total"]["central"], found["total"]["low"], found["total"]["high"]) == (
        str(row[0]),
        *row[1:],
    )
    assert found["parts"] == [] and found["by"] is None
    assert sum(s["value"] or 0 for s in found["walk"] if s["role"] == "component") == pytest.approx(row[1])
    printed = command(home, "total").stdout
    assert f"as of {row[0]}" in printed and f"\n{row[1]:,.0f} persons" in printed
    assert f"With a probability of 90 % between {row[2]:,.0f} and {row[3]:,.0f}" in printed


@pytest.mark.parametrize("day", ["2019-12-31", OWN_DAY])
@pytest.mark.parametrize("by", ["region", "subregion", "sex", "legal_status"])
def test_parts_make_the_total_of_a_day(home: Path, command: Command, by: str, day: str) -> None:
    found = told(command, home, "total", "--as-of", day, "--by", by)
    parts = found["parts"]
    assert found["by"] == by and found["total"]["as_of"] == day and {p["as_of"] for p in parts} == {day}
    if by in ("region", "subregion"):
        assert {p["level"] for p in parts} == {by} and sum(p["central"] for p in parts) == found["total"]["central"]
        assert len({p["name"] for p in parts}) == len(parts) == {"region": 5, "subregion": len(parts)}[by]
        assert [p["central"] for p in parts] == sorted((p["central"] for p in parts), reverse=True)
    else:
        persons = {p[by]: p["central"] for p in parts}
        assert persons.pop("_T") == found["total"]["central"]
        if by == "sex":
            assert set(persons) == {"F", "M"} and sum(persons.values()) == found["total"]["central"]
        else:
            assert set(persons) == {"UNSENTENCED"} and 0.2 < persons["UNSENTENCED"] / found["total"]["central"] < 0.45
    assert all(p["low"] <= p["central"] <= p["high"] for p in parts)


def test_each_division_is_printed(home: Path, command: Command) -> None:
    for by, words in [
        ("region", "Oceania"),
        ("subregion", "Sub-Saharan Africa"),
        ("sex", "Per 100,000 people of both sexes."),
        ("legal_status", "Held without a final sentence"),
        ("year", "2003-12-31"),
    ]:
        said = command(home, "total", "--by", by)
        assert said.returncode == 0 and words in said.stdout, by


@pytest.mark.parametrize("words", [(), ("--as-of", OWN_DAY)])
def test_by_year_all_years_are_told(home: Path, command: Command, words: tuple[str, ...]) -> None:
    found = told(command, home, "total", "--by", "year", *words)
    assert [p["as_of"] for p in found["parts"]] == [f"{year}-12-31" for year in range(2003, 2026)]


def test_a_day_that_the_warehouse_does_not_have_lies_between_its_neighbours(home: Path, command: Command) -> None:
    """That it is what a build for that day gives is in tests/warehouse/test_anyday.py."""
    before = (home / "warehouse.duckdb").read_bytes()
    found = told(command, home, "total", "--as-of", OWN_DAY)
    assert (home / "warehouse.duckdb").read_bytes() == before
    totals = dict(
        stored(
            home,
            "SELECT as_of::VARCHAR, central FROM world_total WHERE place_id = 'WLD' AND sex = '_T' AND legal_status = '_T'",
        )
    )
    low, high = sorted((totals["2021-12-31"], totals["2022-12-31"]))
    assert low * 0.99 < found["total"]["central"] < high * 1.01
    assert found["total"]["low"] < found["total"]["central"] < found["total"]["high"]
    assert sum(s["value"] or 0 for s in found["walk"] if s["role"] == "component") == pytest.approx(
        found["total"]["central"]
    )


def test_what_cannot_be_told_is_refused_in_one_sentence(home: Path, command: Command, tmp_path: Path) -> None:
    assert "choose a later day" in refused(command, home, 1, "total", "--as-of", "1950-01-01")
    assert "--by colour is not known; the total is told by region, subregion, sex, legal_status and year." in refused(
        command, home, 2, "total", "--by", "colour"
    )
    assert "in the future" in refused(command, home, 2, "total", "--as-of", "2999-01-01")
    assert "is not a day" in refused(command, home, 2, "total", "--as-of", "yesterday")
    assert "run `custody run --offline` first" in refused(command, tmp_path / "none", 1, "total")
    assert "run `custody run --offline` first" in refused(command, tmp_path / "none", 1, "claims")
    assert not (tmp_path / "none").exists()


def test_claims_are_told_with_their_verdicts(home: Path, command: Command) -> None:
    found = told(command, home, "claims")
    verdicts = dict(stored(home, "SELECT claim, verdict FROM claim"))
    assert {c["claim"]: c["verdict"] for c in found} == verdicts and len(verdicts) == 5
    for claim in found:
        assert [e["item"] for e in claim["evidence"]] == list(range(1, len(claim["evidence"]) + 1))
        weights = [["supports", "contradicts", "limits", "background"].index(e["bears"]) for e in claim["evidence"]]
        assert weights == sorted(weights)
    printed = command(home, "claims").stdout
    for claim in found:
        assert (
            claim["text"] in printed and f"{claim['verdict'].replace('_', ' ').upper()}  ({claim['claim']})" in printed
        )


def test_one_claim_is_told_with_all_that_bears_on_it(home: Path, command: Command) -> None:
    (claim,) = told(command, home, "claims", "up_to_70_percent_return")
    printed = command(home, "claims", "up_to_70_percent_return").stdout
    assert claim["evidence"]
    for e in claim["evidence"]:
        assert f"{e['row_table']} {e['row_key']}" in printed


def test_an_unknown_claim_is_wrong_usage(home: Path, command: Command) -> None:
    line = refused(command, home, 2, "claims", "everything")
    assert line.startswith("custody: There is no claim 'everything'; these are death_18_times_in_the_first_week, ")
