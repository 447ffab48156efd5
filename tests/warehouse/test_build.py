"""Building the warehouse: whole or not at all, only when something has changed, and never of altered rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from dictionary.model import dictionary
from dictionary.render import SQL_TYPES
from sources.errors import Refused
from sources.home import Home, read_json, read_sealed, sha256_file, write_bytes, write_json, write_sealed
from tests.warehouse.conftest import DAY, WORLD, Desk, accept, total
from tests.warehouse.made import World, gap, observation
from warehouse import build as build_
from warehouse.build import BuildFailed, build, connect, left_out
from warehouse.by_hand import withdraw
from warehouse.checks import Asked
from warehouse.models import models
from warehouse.results import CheckResult
from warehouse.standing import BuiltTable, default_as_of, failure, find, is_current, standing


def query(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with connect(home) as connection:
        return connection.execute(sql).fetchall()


def litter(home: Home) -> list[str]:
    """What a build has left in the home beside what belongs there."""
    belongs = {
        "accepted",
        "archive",
        "quarantine",
        "warehouse.duckdb",
        "warehouse.json",
        "build-failed.json",
        "reports",
    }
    return sorted({p.name for p in home.root.iterdir()} - belongs)


def in_the_middle(error: type[BaseException]) -> Any:
    """A progress that raises once half of the tables are made."""
    seen: list[str] = []

    def progress(line: str) -> None:
        seen.append(line)
        if len(seen) == len(models()) // 2:
            raise error

    return progress


# What is built


def test_a_warehouse_holds_every_table_with_the_dictionarys_columns_and_types(accepted_desk: Desk) -> None:
    made = build(accepted_desk.home, DAY)
    assert made.new and made.as_of == DAY
    with connect(accepted_desk.home) as connection:
        found = {
            (table, column): (kind, nullable)
            for table, column, kind, nullable in connection.execute(
                "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
                "WHERE table_schema = 'main' ORDER BY ordinal_position"
            ).fetchall()
        }
        order = [k[1] for k in found if k[0] == "figure"]
        described = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'figure'").fetchone()
        schemas = {s for (s,) in connection.execute("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()}
    assert found == {
        (t.name, c.name): (SQL_TYPES[c.type], "YES" if c.nullable else "NO")
        for t in dictionary().tables.values()
        for c in t.columns
    }
    assert tuple(order) == dictionary().tables["figure"].column_names
    assert described == (dictionary().tables["figure"].row,)
    assert schemas == {"main"}, "the schemas from which the tables are made are gone"
    assert litter(accepted_desk.home) == []


def test_it_holds_the_figures_that_were_accepted(built_desk: Desk) -> None:
    assert query(built_desk.home, "SELECT place_id, value FROM observation WHERE measure = 'persons_held' ORDER BY value") == [
        ("ALB", 4800), ("ALB", 5000), ("DEU", 58_000),
    ]  # fmt: skip
    (row,) = query(
        built_desk.home,
        "SELECT central, gaps, population_share FROM world_total WHERE place_id = 'WLD' AND as_of = DATE '2024-12-31'",
    )
    assert row == (163_000, 100_000, 0.95)


@pytest.mark.usefixtures("unchecked")
def test_it_is_what_the_models_alone_make_of_the_same_rows(accepted_desk: Desk) -> None:
    """The tables that `World` gives the models are those that `build` gives them."""
    rows = [
        *(observation(p, n, 2020) for n, p in enumerate(("GBR-EAW", "GBR-NIR", "GBR-SCT", "FRA", "MTQ", "IRQ", "IRQ-CEN"))),
        observation("FRA", 30, 2020, dataset="b"), observation("DEU", 2, 2023, sex="F", definition="d"),
    ]  # fmt: skip
    accept(
        accepted_desk.home, "src", "2024", observation=[*WORLD, *rows], gap=[gap("PRK", 7)], published_total=[total()]
    )
    build(accepted_desk.home, DAY)
    with connect(accepted_desk.home) as connection:
        real = {t: connection.execute(f"SELECT * FROM {t}").df() for t in COMPARED}
        given = connection.execute("SELECT * FROM observation").df().to_dict("records")
    typed = [
        {k: (v.date() if isinstance(v, pd.Timestamp) else None if pd.isna(v) else v) for k, v in r.items()}
        for r in given
    ]
    alone = World(
        [{**r, "source_id": "readings"} for r in typed],
        [gap("PRK", 7, source_id="readings", file="one", vintage="2024")], as_of=DAY.isoformat(),
        also=[f"{year}-12-31" for year in range(2003, DAY.year)],
    )  # fmt: skip
    for table in COMPARED:
        other = alone.connection.execute(f"SELECT * FROM {table}").df()
        keys = list(dictionary().tables[table].key)
        columns = [c for c in other.columns if "source" not in c and c != "rivals"]
        left, right = (f[columns].sort_values(keys).reset_index(drop=True) for f in (real[table], other))
        pd.testing.assert_frame_equal(left, right[left.columns], check_dtype=False)


COMPARED = ["figure", "disagreement", "population", "country_year", "world_place", "world_total", "world_walk"]


@pytest.mark.usefixtures("unchecked")
def test_rows_are_put_in_by_name_and_not_by_position(accepted_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    turned = [
        replace(m, sql=f"SELECT {', '.join(reversed(m.table.column_names))} FROM ({m.sql.rstrip().rstrip(';')})")
        for m in models()
    ]
    monkeypatch.setattr(build_, "models", lambda: turned)
    build(accepted_desk.home, DAY)
    assert query(accepted_desk.home, "SELECT name, kind, region FROM place WHERE place_id = 'ALB'") == [
        ("Albania", "state", "Europe")
    ]


@pytest.mark.usefixtures("unchecked")
def test_accepted_rows_are_read_by_name_and_not_by_position(accepted_desk: Desk) -> None:
    home = accepted_desk.home
    vintage = accept(home, "src", "2022", observation=WORLD[:2])
    path = vintage.folder / "observation.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.select(rows.column_names[::-1]), path)
    record = read_sealed(vintage.folder / "accepted.json")
    record["tables"]["observation"]["sha256"] = sha256_file(path)
    write_sealed(vintage.folder / "accepted.json", record)
    build(home, DAY)
    found = query(home, "SELECT place_id, value, locator FROM observation WHERE vintage = '2022' ORDER BY value")
    assert found == [("ALB", 4800, "f.csv:1:1"), ("ALB", 5000, "f.csv:1:1")]


@pytest.mark.usefixtures("unchecked")
def test_older_vintages_stay_in_observation_and_are_not_chosen(accepted_desk: Desk) -> None:
    home = accepted_desk.home
    accept(home, "src", "2022", observation=[observation("ALB", 1, 2023), observation("AND", 1, 2023)])
    build(home, DAY)
    held = "WHERE measure = 'persons_held' AND period_end = '2023-12-31' AND place_id <> 'DEU'"
    assert query(home, f"SELECT place_id, vintage, value FROM observation {held} ORDER BY vintage, place_id") == [
        ("ALB", "2022", 1), ("AND", "2022", 1), ("ALB", "2023", 5000),
    ]  # fmt: skip
    assert query(home, f"SELECT place_id, value FROM figure {held}") == [("ALB", 5000)]


def test_a_revised_list_of_gaps_or_totals_does_not_stop_the_build(accepted_desk: Desk) -> None:
    home = accepted_desk.home
    accept(home, "src", "2024", observation=WORLD, gap=[gap("PRK", 90_000)], published_total=[total(value_text="12")])
    build(home, DAY)
    assert query(home, "SELECT central FROM gap") == [(90_000,)]
    assert query(home, "SELECT value_text FROM published_total") == [("12",)]


# Only when something has changed


@pytest.mark.usefixtures("unchecked")
def test_nothing_is_built_when_nothing_has_changed(accepted_desk: Desk) -> None:
    home = accepted_desk.home
    first = build(home, DAY)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in home.root.rglob("*")}
    second = build(home, DAY)
    assert not second.new and replace(second, new=True) == first
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in home.root.rglob("*")} == before
    assert is_current(home, DAY) and standing(home) == second


@pytest.mark.usefixtures("unchecked")
def test_it_is_built_anew_for_another_day_other_rows_other_words_and_other_bytes(built_desk: Desk) -> None:
    home = built_desk.home

    def changed(day: date = DAY) -> bool:
        current = is_current(home, day)
        made = build(home, day)
        assert made.new != current
        return made.new

    assert not changed()
    assert changed(date(2023, 12, 31))
    assert query(home, "SELECT max(as_of) FROM world_total") == [(date(2023, 12, 31),)]
    assert changed(DAY) and not changed()
    accept(home, "other", "2023", observation=[observation("AND", 1, 2023, source_id="other")])
    assert changed() and not changed()
    accept(home, "src", "2023", observation=[*WORLD, observation("AND", 3, 2020)], gap=[gap("PRK", 100_000)])
    assert not is_current(home, DAY)
    (built_desk.sources["other"].folder / "source.yml").write_text("title: another\n")
    assert not is_current(home, DAY)


@pytest.mark.usefixtures("unchecked")
def test_a_warehouse_that_is_gone_or_cut_off_is_built_anew(built_desk: Desk) -> None:
    home = built_desk.home
    home.warehouse.write_bytes(home.warehouse.read_bytes()[:-4096])
    assert not is_current(home, DAY)
    home.warehouse.unlink()
    assert find(home) is None and not is_current(home, DAY)
    assert build(home, DAY).new and query(home, "SELECT count(*) FROM world_total")[0][0] > 0


def test_the_record_is_read_as_it_was_written(accepted_desk: Desk) -> None:
    made = build(accepted_desk.home, DAY)
    found = find(accepted_desk.home)
    assert found is not None and replace(found, new=True) == made
    rows = {t.name: t.rows for t in found.tables}
    assert rows == {
        name: query(accepted_desk.home, f"SELECT count(*) FROM {name}")[0][0] for name in dictionary().tables
    }
    assert all(c.outcome == "passed" for t in found.tables for c in t.checks)


# Whole or not at all


def fails(home: Home, *words: str, day: date = DAY) -> None:
    """Another build fails with these words, and nothing of the one that stands is touched."""
    before = (home.warehouse.read_bytes(), home.build_record.read_bytes())
    with pytest.raises((BuildFailed, Refused)) as error:
        build(home, day)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert (failure(home) or {}).get("why") == str(error.value)
    assert (home.warehouse.read_bytes(), home.build_record.read_bytes()) == before
    assert litter(home) == []


def test_a_critical_check_that_fails_keeps_the_old_warehouse(built_desk: Desk) -> None:
    home = built_desk.home
    accept(home, "other", "2024", gap=[gap("PRK", 5, source_id="other", locator="here")])
    page = home.reports / "failed.html"
    sentence = "gap: The key of gap is unique. 2 of 2 rows break it, the first: place_id PRK, "
    fails(home, sentence, "The last warehouse stays", f"are in {page}")
    told = read_json(home.root / "build-failed.json")
    (check,) = told["checks"]
    assert (check["table"], check["failing"], check["outcome"]) == ("gap", 2, "failed")
    assert told["why"].startswith(sentence) and told["as_of"] == DAY.isoformat()
    assert query(home, "SELECT central FROM gap") == [(100_000,)]

    report = read_json(page.with_suffix(".json"))
    assert report["failed"] and [c["table"] for c in report["checks"] if c["verdict"] == "failed"] == ["gap"]
    html = page.read_text(encoding="utf-8")
    assert "a build that failed, of which nothing is in use" in html and "The key of gap is unique." in html
    assert "<link" not in html and "<script" not in html and "src=" not in html
    shutil.rmtree(home.accepted / "other")
    build(home, DAY)  # which stands already
    assert failure(home) is None and not page.exists() and not page.with_suffix(".json").exists()


def test_checks_that_could_not_run_blame_no_file(built_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(table: str, *_: Any) -> Asked:
        answer: Future[list[CheckResult]] = Future()
        answer.set_result([CheckResult(table, "x", (), "critical", "Why.", "could_not_run", 0, detail="It was ended.")])
        return Asked(table, [], answer)

    monkeypatch.setattr("warehouse.checks.submit", ended)
    home = built_desk.home
    fails(home, "the check could not run (Why. It was ended.)", "Run the command again.", day=date(2023, 12, 31))
    assert "withdraw" not in (failure(home) or {})["why"]


def test_a_source_of_which_all_was_withdrawn_is_named(accepted_desk: Desk) -> None:
    """Where a table is empty for want of it, there is no file that could be withdrawn to mend that."""
    home = accepted_desk.home
    accept(home, "src", "2023", observation=WORLD, published_total=[total()])
    accept(home, "other", "2023", gap=[gap("PRK", 100_000, source_id="other")])
    withdraw(home, "other", "one", "2023", "it was not so")
    with pytest.raises(BuildFailed, match="gap: The table is never empty") as error:
        build(home, DAY)
    assert "All of other was withdrawn: `custody import other FILE`" in str(error.value)
    assert "`custody withdraw`" not in str(error.value)
    shutil.rmtree(home.accepted / "other")
    accept(home, "other", "2023", gap=[gap("PRK", 100_000, source_id="other")])
    assert build(home, DAY).new


def test_a_total_over_too_little_of_the_world_is_refused(built_desk: Desk) -> None:
    home = built_desk.home
    less = [{**r, "value": 200e6} if r["place_id"] == "WLD" else r for r in WORLD]
    accept(home, "src", "2024", observation=less, gap=[gap("PRK", 5)], published_total=[total()])
    fails(home, "world_total: A sum over places that hold less than nine tenths")


def test_a_total_over_an_unknown_part_of_the_world_is_refused(accepted_desk: Desk) -> None:
    with pytest.raises(BuildFailed, match="world_total"):
        build(accepted_desk.home, date(2022, 12, 31))  # there is a figure of 2022, and no population before 2023


@pytest.mark.usefixtures("unchecked")
def test_a_model_that_cannot_run_keeps_the_old_warehouse(built_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    home = built_desk.home
    broken = [
        replace(m, sql=m.sql.replace("h.period_end <= day", "h.period_end <= CAST('x' AS DATE)")) for m in models()
    ]
    monkeypatch.setattr(build_, "models", lambda: broken)
    fails(home, "warehouse/models/world_place.sql: ", "The last warehouse stays.", day=date(2023, 12, 31))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT 1 AS place_id", "place.sql lacks iso3, kind"),
        ("SELECT *, 1 AS colour FROM reference.place", "place.sql has colour too many"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_model_that_does_not_give_the_dictionarys_columns_is_refused(
    built_desk: Desk, monkeypatch: pytest.MonkeyPatch, sql: str, words: str
) -> None:
    home = built_desk.home
    changed = [replace(m, sql=sql) if m.name == "place" else m for m in models()]
    monkeypatch.setattr(build_, "models", lambda: changed)
    fails(home, words, day=date(2023, 12, 31))


@pytest.mark.usefixtures("unchecked")
def test_a_missing_value_in_a_column_that_has_none_keeps_the_old_warehouse(
    built_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = built_desk.home
    changed = [
        replace(m, sql="SELECT * REPLACE (NULL AS kind) FROM reference.place") if m.name == "place" else m
        for m in models()
    ]
    monkeypatch.setattr(build_, "models", lambda: changed)
    fails(home, "warehouse/models/place.sql", "kind", day=date(2023, 12, 31))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
@pytest.mark.usefixtures("unchecked")
def test_a_build_stopped_in_the_middle_leaves_what_was_and_the_next_one_finishes(
    built_desk: Desk, error: type[BaseException]
) -> None:
    home = built_desk.home
    before = (home.warehouse.read_bytes(), home.build_record.read_bytes())
    accept(home, "other", "2024", observation=[observation("AND", 1, 2023, source_id="other")])
    with pytest.raises(error):
        build(home, DAY, in_the_middle(error))
    assert (home.warehouse.read_bytes(), home.build_record.read_bytes()) == before and litter(home) == []
    assert build(home, DAY).new
    assert query(home, "SELECT value FROM figure WHERE place_id = 'AND'") == [(1,)]


@pytest.mark.usefixtures("unchecked")
def test_the_first_build_stopped_in_the_middle_leaves_nothing(accepted_desk: Desk) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(accepted_desk.home, DAY, in_the_middle(KeyboardInterrupt))
    assert not accepted_desk.home.warehouse.exists() and litter(accepted_desk.home) == []


@pytest.mark.usefixtures("unchecked")
def test_a_crash_between_the_file_and_its_record_is_not_taken_for_the_old_warehouse(
    built_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The total of one day must never be shown as that of another."""
    home = built_desk.home

    def power_cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_, "write_json", power_cut)
        with pytest.raises(KeyboardInterrupt):
            build(home, date(2023, 12, 31))
    build(home, DAY)
    assert query(home, "SELECT max(as_of) FROM world_total") == [(DAY,)]


@pytest.mark.usefixtures("unchecked")
def test_what_a_killed_build_left_is_removed_by_the_next(accepted_desk: Desk) -> None:
    home = accepted_desk.home
    gone = subprocess.Popen(["true"])
    gone.wait()
    (home.root / f".building-{gone.pid}.duckdb").write_bytes(b"x" * 1000)
    (home.root / f".building-{gone.pid}.duckdb.wal").write_bytes(b"x")
    build(home, DAY)
    assert litter(home) == []


@pytest.mark.usefixtures("unchecked")
def test_a_report_of_failure_is_gone_once_a_build_succeeds(accepted_desk: Desk) -> None:
    home = accepted_desk.home
    write_json(home.build_failure, {"at": "2026-11-24T00:00:00Z", "why": "the gap"})
    assert failure(home) == {"at": "2026-11-24T00:00:00Z", "why": "the gap"}
    write_bytes(home.build_failure, b"{")
    told = failure(home)
    assert told and "is damaged" in told["why"]
    build(home, DAY)
    assert not (home.root / "build-failed.json").exists()


# Altered rows, and nothing to build


@pytest.mark.parametrize("how", ["altered", "gone", "swapped"])
def test_altered_accepted_rows_are_refused_by_name(built_desk: Desk, how: str) -> None:
    home = built_desk.home
    other = accept(home, "other", "2024", observation=[observation("AND", 1, 2023, source_id="other")])
    path = other.folder / "observation.parquet"
    if how == "gone":
        path.unlink()
    elif how == "altered":
        path.write_bytes(path.read_bytes() + b"\0")
    else:
        path.write_bytes((home.accepted / "src" / "one" / "2023" / "observation.parquet").read_bytes())
    fails(home, "The accepted rows of other/one 2024 (observation.parquet) were altered or lost")


def test_without_accepted_rows_nothing_is_built(desk: Desk) -> None:
    with pytest.raises(Refused, match="There are no accepted figures; import a file with"):
        build(desk.home, DAY)
    assert not desk.home.root.exists()


def test_without_a_warehouse_nothing_is_read(desk: Desk) -> None:
    for ask in (connect, standing):
        with pytest.raises(Refused, match="There is no warehouse yet; run `custody run --offline` first"):
            ask(desk.home)


# Readers


@pytest.mark.usefixtures("unchecked")
def test_a_reader_keeps_the_old_warehouse_while_a_new_one_is_put_in_its_place(built_desk: Desk) -> None:
    home = built_desk.home
    seen: list[Any] = []
    with connect(home) as reader:
        count = "SELECT count(*), max(value) FROM observation"
        old = reader.execute(count).fetchone()
        accept(home, "other", "2024", observation=[observation("AND", 9e9, 2023, source_id="other")])
        build(home, DAY, lambda _: seen.append(reader.execute(count).fetchone()))
        assert set(seen) == {old} and reader.execute(count).fetchone() == old
        # Another process, because DuckDB gives one process the file that it already has open.
        code = f"import duckdb; print(duckdb.connect({str(home.warehouse)!r}, read_only=True).execute({count!r}).fetchone())"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert told.strip() == str((len(WORLD) + 1, 9e9))


def test_the_warehouse_is_read_only(built_desk: Desk) -> None:
    with connect(built_desk.home) as connection, pytest.raises(duckdb.Error):
        connection.execute("DELETE FROM figure")


def test_two_readers_at_once(built_desk: Desk) -> None:
    with connect(built_desk.home) as one, connect(built_desk.home) as two:
        assert (
            one.execute("SELECT count(*) FROM figure").fetchone()
            == two.execute("SELECT count(*) FROM figure").fetchone()
        )


def test_the_reference_day_is_the_last_of_the_last_whole_year() -> None:
    assert default_as_of(date(2026, 1, 1)) == default_as_of(date(2026, 12, 31)) == date(2025, 12, 31)


@pytest.mark.usefixtures("unchecked")
def test_a_home_with_a_quote_in_its_name_is_built(accepted_desk: Desk) -> None:
    other = Home(accepted_desk.home.root.parent / "o'clock; DROP")
    os.rename(accepted_desk.home.root, other.root)
    assert build(other, DAY).new


# Of open sources alone


def result(table: str, rows: int, failing: int = 0, kind: str = "a_rule") -> BuiltTable:
    outcome = "failed" if failing or not rows else "passed"
    check = CheckResult(table, kind, (), "critical", "It must be so.", outcome, rows, failing)  # type: ignore[arg-type]
    return BuiltTable(table, rows, [check])


def test_what_open_sources_cannot_give_is_left_out_with_all_that_is_made_of_it() -> None:
    sound = [result(m.name, 5) for m in models() if m.name not in ("world_total", "gap")]
    out = left_out([*sound, result("world_total", 23, failing=23), result("gap", 0)])
    assert out["world_total"] == "It must be so. 23 of 23 rows break it."
    assert out["gap"] == "No source used has a row of it."
    made_of_it = {m.name for m in models() if "world_total" in m.reads}
    assert {"world_walk", "comparison", "claim_evidence"} <= made_of_it <= set(out)
    assert "claim" in out  # made of claim_evidence
    assert out["world_place"] == "It says what places give to the world total, which is left out."
    assert not {"estimate", "country_year", "figure", "observation"} & set(out)  # an empty gap table is no wrong one
    assert left_out([result(m.name, 5) for m in models()]) == {}
