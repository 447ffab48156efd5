"""What closes the gate: facts without proof or licence, coverage that shrinks, a world total that moves by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from exports import gate, steady
from exports.diff import Count, Diff, World
from exports.gate import GateClosed
from exports.lines import EMPTY
from sources.errors import Refused
from tests.dictionary import raw as words


@pytest.fixture(scope="module")
def tables(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the whole release, to be altered and put back."""
    with duckdb.connect() as connection:
        for name in words.table_names():
            path = release / "tables" / f"{name}.parquet"
            connection.execute(f"CREATE TABLE \"{name}\" AS FROM read_parquet('{path}')")
        yield connection


def test_a_true_release_is_proven(tables: duckdb.DuckDBPyConnection) -> None:
    gate.refuse_unproven(tables, words.table_names())


ONE = "WHERE rowid = (SELECT min(rowid) FROM {0})"
UNPROVEN = {
    "no licence": ("observation", "licence = NULL", "bears no licence"),
    "an unknown licence": ("figure", "licence = 'mine'", "bears no licence"),
    "no licence of a gap": ("gap", "licence = ''", "bears no licence"),
    "no licence of a source": ("source", "licence = NULL", "bears no licence"),
    "no locator": ("observation", "locator = NULL", "has no locator"),
    "an empty locator": ("recidivism", "locator = ''", "has no locator"),
    "no snapshot": ("observation", "snapshot = NULL", "is of no file that table snapshot has"),
    "another snapshot": ("observation", "snapshot = repeat('0', 64)", "is of no file that table snapshot has"),
    "another vintage": ("gap", "vintage = '1999'", "is of no file that table snapshot has"),
    "another file": ("left_out", "file = 'none'", "is of no file that table snapshot has"),
    "a figure without observation": ("figure", "observation_id = NULL, parts = NULL", "has no observation behind it"),
    "a figure of an unknown one": ("figure", "observation_id = repeat('0', 16)", "has no observation behind it"),
    "a sum without parts": ("figure", "observation_id = NULL, parts = ''", "has no observation behind it"),
    "a sum of unknown parts": ("figure", "observation_id = NULL, parts = 'a,b'", "has no observation behind it"),
}


@pytest.mark.parametrize("what", UNPROVEN)
def test_a_fact_without_proof_closes_the_gate(tables: duckdb.DuckDBPyConnection, what: str) -> None:
    table, change, why = UNPROVEN[what]
    tables.execute(f"BEGIN; UPDATE {table} SET {change} {ONE.format(table)}")
    try:
        with pytest.raises(GateClosed, match=f"^Of table {table}, the row of .* {why}. Nothing was released.$"):
            gate.refuse_unproven(tables, words.table_names())
    finally:
        tables.execute("ROLLBACK")


def test_many_are_counted(tables: duckdb.DuckDBPyConnection) -> None:
    ((gaps,),) = tables.execute("SELECT count(*) FROM gap").fetchall()
    tables.execute("BEGIN; UPDATE gap SET locator = ''")
    with pytest.raises(GateClosed, match=f"and {gaps - 1} more has no locator"):
        gate.refuse_unproven(tables, words.table_names())
    tables.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        ("figure", "rivals", json.dumps([{"observation_id": "0" * 16, "source_id": "secret"}], separators=(",", ":"))),
        ("country_year", "sources", "persons_held: secret (of its own)"),
    ],
)
def test_a_text_that_names_an_internal_source_closes_the_gate(table: str, column: str, text: str) -> None:
    source = pa.table({"source_id": ["secret", "open"], "licence_class": ["internal", "open"]})
    gate.refuse_named({"source": source, table: pa.table({column: [None, text.replace("secret", "open")]})})
    with pytest.raises(GateClosed, match=f"Table {table} names secret in column {column}"):
        gate.refuse_named({"source": source, table: pa.table({column: [None, text]})})


def test_rivals_are_written_as_the_gate_reads_them(release: Path) -> None:
    """Without spaces, or an internal rival would pass."""
    with duckdb.connect() as connection:
        ((rivals,),) = connection.execute(
            f"SELECT any_value(rivals) FROM read_parquet('{release}/tables/figure.parquet') WHERE rivals IS NOT NULL"
        ).fetchall()
        ((sources,),) = connection.execute(
            f"SELECT any_value(sources) FROM read_parquet('{release}/tables/country_year.parquet') WHERE sources <> ''"
        ).fetchall()
    one = json.loads(rivals)[0]["source_id"]
    assert gate.NAMING["rivals"].format(one) in rivals
    assert any(
        gate.NAMING["sources"].format(name) in sources
        for name in ("unodc_prisons", "eurostat_prisons", "several", *sources.replace(";", " ").split())
    )


# Against the last release


def folder(path: Path, *rows: tuple[str, int, float | None]) -> Path:
    """A release's folder that has a world total alone: day, places, share of population."""
    (path / "tables").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE w (as_of DATE, place_id VARCHAR, sex VARCHAR, legal_status VARCHAR, places BIGINT, population_share DOUBLE)"
        )
        for day, places, share in rows:
            connection.execute("INSERT INTO w VALUES (?, 'WLD', '_T', '_T', ?, ?)", [day, places, share])
            connection.execute("INSERT INTO w VALUES (?, 'WLD', 'F', '_T', 1, 0.1)", [day])
        connection.execute(f"COPY w TO '{path}/tables/world_total.parquet'")
    return path


OLD = (("2024-12-31", 215, 0.994), ("2025-12-31", 215, 0.994))


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (OLD, None),
        ((*OLD, ("2026-12-31", 216, 0.995)), None),
        ((OLD[0], ("2025-12-31", 216, 0.993)), None),
        ((OLD[0], ("2025-12-31", 214, 0.994)), "The world total of 2025-12-31 counts 214 places, and of 2025-12-31 it counted 215."),
        ((OLD[0], ("2025-12-31", 215, 0.9919)), "stand 99.19% of the world's people, and 99.40% did."),
        ((OLD[0], ("2025-12-31", 215, None)), "stand an unknown share"),
        ((("2024-12-31", 200, 0.994), OLD[1]), "The world total of 2024-12-31 counts 200 places"),
        ((*OLD, ("2026-12-31", 214, 0.994)), "The world total of 2026-12-31 counts 214 places, and of 2025-12-31 it counted 215."),
        ((OLD[0],), "The world totals of 1 year's ends that the last release had, up to 2025-12-31, are in this one no more."),
        ((*OLD, ("2026-06-30", 216, 0.995)), None),
        ((), "There is no world total to compare."),
    ],
)  # fmt: skip
def test_coverage_does_not_shrink(tmp_path: Path, new: tuple[tuple[str, int, float], ...], says: str | None) -> None:
    told = steady._shrunken(folder(tmp_path / "old", *OLD), folder(tmp_path / "new", *new))
    assert (told == []) == (says is None), told
    assert says is None or says in told[0]


def test_coverage_that_cannot_be_compared_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (told,) = steady._shrunken(tmp_path / "empty", folder(tmp_path / "new", *OLD))
    assert told == "The coverage of the last release cannot be compared with this one's."


def moved(
    old: float, new: float, places: list[tuple[str, float]], news: tuple[str, ...] = (), because: str = "new_vintage"
) -> Diff:
    """A difference in which places move the world total, some of them by new figures."""
    with duckdb.connect() as connection:
        connection.execute(EMPTY)
        for place in news:
            connection.execute(
                "INSERT INTO line BY NAME SELECT 'figure' AS table_name, 'changed' AS change, '{}' AS key, "
                "? AS place_id, 'persons_held' AS measure, ? AS because",
                [place, because],
            )
        lines: pa.Table = connection.sql("FROM line").to_arrow_table()
    told: list[dict[str, Any]] = [{"place_id": p, "name": p, "change": change} for p, change in places]
    counts = [Count("world_total", 1, 1, 0, 0, 1, 0)]
    return Diff("a", "b", [], counts, lines, World("2025-12-31", old, new, [], told, []))


MILLION = 1_000_000.0


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (moved(11.5 * MILLION, 11.5 * MILLION, []), None),
        # 0.25 % of 11.5 million is 28,750
        (moved(11.5 * MILLION, 11.5 * MILLION + 28_750, [("USA", 28_750)]), None),
        (moved(11.5 * MILLION, 11.5 * MILLION + 28_751, [("USA", 28_751)]), "places of which no figure is new move by 28,751 in either direction (USA +28,751)"),
        (moved(11.5 * MILLION, 11.5 * MILLION + 80_000, [("TUR", 80_000)], ("TUR",)), None),
        (moved(11.5 * MILLION, 11.5 * MILLION + 80_000, [("TUR", 80_000)], ("TUR",), "read_otherwise"), "TUR +80,000"),
        (moved(11.5 * MILLION, 11.5 * MILLION + 80_000, [("TUR", 80_000)], ("TUR",), "other_choice"), "TUR +80,000"),
        (moved(11.5 * MILLION, 11.5 * MILLION + 40_000, [("TUR", 80_000), ("USA", -40_000)], ("TUR",)), "USA -40,000"),
        # What is lost is no news, and one place does not make good for another.
        (moved(11.5 * MILLION, 11.5 * MILLION - 80_000, [("TUR", -80_000)], ("TUR",), "vintage_gone"), "TUR -80,000"),
        (moved(11.5 * MILLION, 11.5 * MILLION, [("ARG", 90_000), ("BGD", -90_000)]), "move by 180,000 in either direction"),
        # 3 % is 345,000
        (moved(11.5 * MILLION, 11.5 * MILLION - 345_000, [("CHN", -345_000)], ("CHN",)), None),
        (moved(11.5 * MILLION, 11.5 * MILLION - 345_001, [("CHN", -345_001)], ("CHN",)), "by -3.0%, which is more than new figures have ever moved it"),
        (replace(moved(1, 1, []), world=World(None, None, None, [], [], [])), "There is no day of which both"),
    ],
)  # fmt: skip
def test_the_world_total_does_not_move_by_itself(found: Diff, says: str | None) -> None:
    told = steady._moved(found)
    assert (told == []) == (says is None), told
    assert says is None or says in " ".join(told)


def test_releases_of_open_sources_alone_have_no_total_to_move(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name / "tables").mkdir(parents=True)
    found = replace(moved(1, 1, []), counts=[], world=World(None, None, None, [], [], []))
    assert steady.unsteady(found, tmp_path / "old", tmp_path / "new") == []


@pytest.mark.parametrize(("gone", "said"), [(2, False), (3, True)])
def test_figures_are_not_lost(gone: int, said: bool) -> None:
    """0.2 % of 1,000 are 2."""
    with duckdb.connect() as connection:
        connection.execute(EMPTY)
        for number in range(gone):
            connection.execute(
                "INSERT INTO line BY NAME SELECT 'figure' AS table_name, 'removed' AS change, ? AS key, "
                "if(? = 1, 'TUR', 'MLT') AS place_id, ? AS old",
                [str(number), number, 80_000.0 if number == 1 else 600.0],
            )
        lines: pa.Table = connection.sql("FROM line").to_arrow_table()
    found = Diff(
        "a", "b", [], [Count("figure", 1000, 1000 - gone, 0, gone, 0, 0)], lines, World(None, None, None, [], [], [])
    )
    told = steady._lost(found)
    assert told == (
        ["3 of 1,000 rows of table figure are in this release no more; the greatest is of TUR."] if said else []
    )


def test_a_past_day_does_not_move_either() -> None:
    found = moved(11.5 * MILLION, 11.5 * MILLION, [])
    world = replace(found.world, days=[{"as_of": "2010-12-31", "old": 10.0 * MILLION, "new": 9.0 * MILLION}])
    (told,) = steady._moved(replace(found, world=world))
    assert told.startswith("The world total of 2010-12-31 moves from 10,000,000 to 9,000,000, by -10.0%")


def test_only_a_person_lifts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gate, "refusal", lambda *_: None)
    monkeypatch.setattr(gate, "schema_of", lambda _: None)
    monkeypatch.setattr(gate, "unsteady", lambda *_: ["The sky fell.", "It fell far."])
    found = moved(1, 1, [])
    with pytest.raises(
        GateClosed, match="^The sky fell. It fell far. If it is meant to be so, say why: `custody release --explain"
    ):
        gate.refuse_unsteady(found, tmp_path, tmp_path, None)
    assert gate.refuse_unsteady(found, tmp_path, tmp_path, "It was nailed on badly.") == [
        "The sky fell.",
        "It fell far.",
    ]
    monkeypatch.setattr(gate, "refusal", lambda *_: "A column is gone.")
    with pytest.raises(GateClosed, match="A column is gone. Nothing was released."):
        gate.refuse_unsteady(found, tmp_path, tmp_path, "No matter.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("places_lost_at_most: 0", "is missing or unknown"),
        ("{places_lost_at_most: 0, figures_lost_at_most: 0, population_share_lost_at_most: x, unexplained_share_at_most: 1, total_moves_at_most: 1}", "population_share_lost_at_most is no number"),
        ("{places_lost_at_most: -1, figures_lost_at_most: 0, population_share_lost_at_most: 0, unexplained_share_at_most: 1, total_moves_at_most: 1}", "places_lost_at_most is no number"),
    ],
)  # fmt: skip
def test_limits_that_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "gate.yml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(steady, "LIMITS", tmp_path / "gate.yml")
    steady.limits.cache_clear()
    with pytest.raises(Refused, match=says):
        steady.limits()
    monkeypatch.undo()
    steady.limits.cache_clear()
    assert steady.limits().places_lost_at_most == 0
