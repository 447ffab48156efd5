"""What differs between two releases is found, row by row, with its reason, and nothing else is."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exports import changes, diff, pictures
from exports.diff import Diff
from exports.gate import GateClosed
from exports.listing import last_standing, releases, retract
from exports.release import release
from sources.errors import Refused
from sources.home import Home
from tests.custody import homes
from warehouse import checks

pytestmark = pytest.mark.usefixtures("unpainted")

SECOND = date(2026, 12, 1)

#: A later vintage of Eurostat's table, in which France is gone in 2019 and Belgium has another count.
NEW_VINTAGE = (
    "INSERT INTO snapshot SELECT * REPLACE ('2027-01-31' AS vintage, 'f' || substr(snapshot, 2) AS snapshot, "
    "position + 100 AS position) FROM snapshot WHERE file = 'crim_pris_ctz'",
    "CREATE TEMP TABLE now AS SELECT * REPLACE (md5(observation_id)[:16] AS observation_id, '2027-01-31' AS vintage, "
    "'f' || substr(snapshot, 2) AS snapshot, value + if(place_id = 'BEL' AND year(period_end) = 2019, 7, 0) AS value) "
    "FROM observation WHERE file = 'crim_pris_ctz' AND NOT (place_id = 'FRA' AND year(period_end) = 2019)",
    "INSERT INTO observation SELECT * FROM now",
    "UPDATE figure SET value = value + 7, vintage = '2027-01-31', observation_id = md5(observation_id)[:16] "
    "WHERE dataset = 'crim_pris_ctz' AND place_id = 'BEL' AND year = 2019 AND measure = 'persons_held' AND citizenship = '_T'",
    "UPDATE figure SET vintage = '2027-01-31', observation_id = md5(observation_id)[:16] "
    "WHERE dataset = 'crim_pris_ctz' AND vintage = '2026-04-29' AND NOT (place_id = 'FRA' AND year = 2019)",
    "DELETE FROM figure WHERE dataset = 'crim_pris_ctz' AND place_id = 'FRA' AND year = 2019",
    "UPDATE headline SET value = value + 7 WHERE place_id = 'BEL' AND year = 2019",
)  # fmt: skip


#: Why figures may be lost with it.
GONE = "France took its figures of 2019 back."


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Great Expectations, which take seconds and have no part in what is tested here."""
    monkeypatch.setattr(checks, "run", lambda *_: [])


@pytest.fixture(scope="module")
def first() -> Path:
    """A small home with one release. Nobody may change it."""
    return homes.little()


@pytest.fixture
def home(first: Path, tmp_path: Path) -> Home:
    """A copy of it, to be altered and released again."""
    return Home(homes.copy(first, tmp_path / "home"))


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same with a second release, after a new vintage has come in. Nobody may change it."""
    home = Home(homes.copy(first, tmp_path_factory.mktemp("second") / "home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "run", lambda *_: [])
        patch.setattr(pictures, "write", lambda *_: [])
        again(home, *NEW_VINTAGE, explained=GONE)
    return home


@pytest.fixture
def later(second: Home, tmp_path: Path) -> Home:
    """A copy of that."""
    return Home(homes.copy(second.root, tmp_path / "later"))


def again(home: Home, *statements: str, explained: str | None = None) -> Diff:
    """The difference that statements make."""
    homes.alter(home.root, *statements)
    made, new = release(home, SECOND, explained=explained)
    assert new
    return diff.compare(home.releases / "2026.11.0", home.releases / made.version)


def told(found: Diff, *tables: str) -> list[tuple[Any, ...]]:
    """Table, change, place, year, old, new and reason of the lines of some tables, all where none is named."""
    rows = found.ask(
        "SELECT table_name, change, place_id, year, old, new, because FROM line "
        "WHERE len($1) = 0 OR list_contains($1, table_name) ORDER BY ALL",
        list(tables),
    )
    return [tuple(row.values()) for row in rows]


def test_the_first_release_says_that_it_is(first: Path) -> None:
    folder = first / "releases" / "2026.11.0"
    assert (folder / "CHANGES.md").read_text() == "# Changes\n\nThis is the first release: there is none before it.\n"
    assert (folder / "changes.csv").read_text() == (
        "table,change,key,place_id,measure,year,what,column,old,new,size,share,old_source,new_source,because\n"
    )


def test_a_release_does_not_differ_from_itself(first: Path) -> None:
    folder = first / "releases" / "2026.11.0"
    found = diff.compare(folder, folder)
    assert (told(found), found.schema, found.unexplained) == ([], [], [])
    assert {(c.added, c.removed, c.changed, c.restated) for c in found.counts} == {(0, 0, 0, 0)}
    assert all(c.old_rows == c.new_rows for c in found.counts)
    assert (found.world.as_of, found.world.walk, found.world.places) == ("2025-12-31", [], [])


def test_a_new_vintage(first: Path, second: Home) -> None:
    """By what a figure is about, not by its vintage: only Belgium 2019 differs, and France 2019 is gone."""
    ask = "SELECT count(*) FROM observation WHERE file = 'crim_pris_ctz'"
    with duckdb.connect(str(first / "warehouse.duckdb"), read_only=True) as connection:
        ((before,),) = connection.execute(ask).fetchall()
        belgian = connection.execute(
            "SELECT value FROM figure WHERE place_id = 'BEL' AND year = 2019 AND measure = 'persons_held' "
            "AND dataset = 'crim_pris_ctz' AND citizenship = '_T' AND sex = '_T'"
        ).fetchall()
        french = connection.execute(
            "SELECT value FROM figure WHERE place_id = 'FRA' AND year = 2019 AND dataset = 'crim_pris_ctz' ORDER BY value"
        ).fetchall()
    assert before
    assert french
    assert belgian == [(10_794.0,)]  # as in Eurostat's file
    found = diff.compare(second.releases / "2026.11.0", second.releases / "2026.12.0")
    value = [line for line in told(found, "figure") if line[1] != "restated"]
    gone = [("figure", "removed", "FRA", 2019, value, None, "new_vintage") for (value,) in french]
    assert value == [("figure", "changed", "BEL", 2019, 10_794.0, 10_801.0, "new_vintage"), *gone]
    observed = [line for line in told(found, "observation") if line[1] != "restated"]
    assert {line[-1] for line in observed} == {"new_vintage"}
    assert {line[:4] for line in observed} == {("observation", "changed", "BEL", 2019)}
    assert told(found, "snapshot")[0][:2] == ("snapshot", "added")
    assert found.unexplained == []
    (line,) = found.ask("FROM line WHERE table_name = 'figure' AND change = 'changed'")
    assert (line["old_source"], line["new_source"]) == (
        "eurostat_prisons crim_pris_ctz 2026-04-29",
        "eurostat_prisons crim_pris_ctz 2027-01-31",
    )
    assert (line["size"], line["share"], line["what"]) == (7, 7 / 10_794, "")


@pytest.mark.usefixtures("unchecked")
def test_what_has_no_new_file_behind_it_is_told_first(home: Home) -> None:
    """One observation read otherwise, and a figure chosen otherwise, by the same files."""
    chosen = "SELECT observation_id FROM figure WHERE place_id = 'BEL' AND year = 2020 AND measure = 'persons_held' AND citizenship = '_T' AND sex = '_T' AND age = '_T' AND legal_status = '_T' AND facility = '_T' AND definition IS NULL"  # fmt: skip
    found = again(
        home,
        f"UPDATE observation SET value = value + 1 WHERE observation_id = ({chosen})",
        f"UPDATE figure SET value = value + 1 WHERE observation_id = ({chosen})",
"UPDATE figure SET value = value + 3 WHERE place_id = 'FRA' AND year = 2020 AND measure = 'persons_held' AND sex = '_T' AND legal_status = '_T' AND citizenship = '_T' AND age = '_T'",
    )  # fmt: skip
    reasons = {(t, place, because) for t, change, place, *_, because in told(found) if change == "changed"}
    assert reasons == {
        ("observation", "BEL", "read_otherwise"),
        ("figure", "BEL", "read_otherwise"),
        ("figure", "FRA", "other_choice"),
    }
    text = (home.releases / "2026.12.0" / "CHANGES.md").read_text(encoding="utf-8")
    assert text.index("## No new file is behind these") < text.index("## Figures by measure")
    assert "| figure | Belgium | persons\\_held 2020" in text or "| figure | Belgium | persons_held 2020" in text


@pytest.mark.usefixtures("unchecked")
def test_an_older_vintage_that_reads_otherwise_is_found(later: Home) -> None:
    """Its figures stand for nothing, but they are what was published."""
    homes.alter(
        later.root,
        "UPDATE observation SET value = 1 WHERE vintage = '2026-04-29' AND place_id = 'BEL' AND file = 'crim_pris_ctz' "
        "AND year(period_end) = 2021 AND measure = 'persons_held' AND citizenship = '_T'",
    )
    made, _ = release(later, date(2027, 1, 1))
    found = diff.compare(later.releases / "2026.12.0", later.releases / made.version)
    ((table, change, place, year, _, new, because),) = told(found)
    assert (table, change, place, year, new, because) == ("observation", "changed", "BEL", 2021, 1, "read_otherwise")


@pytest.mark.usefixtures("unchecked")
def test_computed_rows_that_differ_alone_are_the_programs(home: Home) -> None:
    found = again(home, "UPDATE estimate SET low = low - 1 WHERE place_id = 'FRA' AND as_of = '2025-12-31'")
    ((table, change, place, year, old, new, because),) = told(found)
    assert (table, change, place, year, new - old, because) == ("estimate", "changed", "FRA", 2025, -1, "program")


@pytest.mark.parametrize(("day", "because"), [("2025-12-31", "program"), ("2026-06-30", "reference_day")])
def test_computed_rows_of_another_reference_day_are_no_fault(
    first: Path, tmp_path: Path, day: str, because: str
) -> None:
    old = first / "releases" / "2026.11.0"
    new = Path(shutil.copytree(old, tmp_path / "2026.12.0", copy_function=shutil.copyfile))
    provenance = json.loads((new / "provenance.json").read_text(encoding="utf-8"))
    (new / "provenance.json").write_text(json.dumps({**provenance, "as_of": day}), encoding="utf-8")
    table = new / "tables/estimate.parquet"
    lower = "low - if(place_id = 'FRA' AND as_of = '2024-12-31', 1, 0) AS low"
    duckdb.sql(f"COPY (SELECT * REPLACE ({lower}) FROM '{old / 'tables/estimate.parquet'}') TO '{table}'")
    found = diff.compare(old, new)
    assert [(line[:4], line[-1]) for line in told(found)] == [(("estimate", "changed", "FRA", 2024), because)]
    assert bool(found.unexplained) == (because == "program")


@pytest.mark.usefixtures("unchecked")
def test_the_world_total_is_walked(home: Home) -> None:
    """North Korea's gap grows by 5,000, and with it the total."""
    found = again(
        home,
        "UPDATE gap SET central = central + 5000 WHERE place_id = 'PRK'",
        "UPDATE source SET homepage = 'https://example.org' WHERE source_id = 'gaps'",
        "UPDATE world_place SET gap = gap + 5000 WHERE place_id = 'PRK' AND as_of = '2025-12-31'",
        "UPDATE world_walk SET value = value + 5000 WHERE as_of = '2025-12-31' "
        "AND (role = 'total' OR code LIKE 'PRK: %')",
        "UPDATE world_total SET central = central + 5000, gaps = gaps + 5000, high = high + 5000 "
        "WHERE place_id = 'WLD' AND as_of = '2025-12-31' AND sex = '_T' AND legal_status = '_T'",
        explained="The camps were counted anew.",
    )
    world = found.world
    assert world.as_of == "2025-12-31"
    assert (world.new or 0) - (world.old or 0) == 5000
    assert [(row["role"], row["change"]) for row in world.walk] == [("component", 5000), ("total", 5000)]
    assert [(row["place_id"], row["change"]) for row in world.places] == [("PRK", 5000)]
    assert world.days == []
    # The figures of a row that is said otherwise are as they were.
    (row,) = found.ask("FROM line WHERE change = 'restated'")
    assert [row[c] for c in ("table_name", "column_name", "old", "new", "because")] == [
        "source", "homepage", None, None, "program",
    ]  # fmt: skip
    assert json.loads(row["key"]) == {"source_id": "gaps"}
    text = (home.releases / "2026.12.0" / "CHANGES.md").read_text(encoding="utf-8")
    assert "**Explained by the releaser:** The camps were counted anew." in text
    assert releases(home)[-1].explained == "The camps were counted anew."


def test_changes_csv_holds_every_line(second: Home) -> None:
    found = diff.compare(second.releases / "2026.11.0", second.releases / "2026.12.0")
    with (second.releases / "2026.12.0" / "changes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == found.lines.num_rows
    (belgium,) = (r for r in rows if r["table"] == "figure" and r["change"] == "changed")
    assert [belgium[c] for c in ("place_id", "measure", "year", "column", "old", "new", "size", "because")] == [
        "BEL", "persons_held", "2019", "value", "10794.0", "10801.0", "7.0", "new_vintage",
    ]  # fmt: skip


@pytest.mark.usefixtures("unchecked")
def test_a_release_is_held_against_the_last_that_stands(later: Home) -> None:
    retract(later, "2026.12.0", "wrong", SECOND, replaced_by="2026.11.0")
    with pytest.raises(GateClosed, match="The tables are those of 2026.12.0, which was retracted: wrong"):
        release(later, date(2027, 1, 1))
    homes.alter(later.root, "UPDATE gap SET note = 'right' WHERE place_id = 'PRK'")
    made, _ = release(later, date(2027, 1, 1), explained=GONE)
    text = (later.releases / made.version / "CHANGES.md").read_text(encoding="utf-8")
    assert text.startswith("# Changes of 2027.01.0 since 2026.11.0\n")
    assert last_standing(releases(later)) == made


def test_the_schemas_are_compared(home: Home, tmp_path: Path) -> None:
    old, new = home.releases / "2026.11.0", tmp_path / "other"
    new.mkdir()
    (new / "tables").symlink_to(old / "tables")
    package = json.loads((old / "datapackage.json").read_text(encoding="utf-8"))
    (gap,) = (r for r in package["resources"] if r["name"] == "gap")
    fields = gap["schema"]["fields"]
    next(f for f in fields if f["name"] == "central")["unit"] = "per_100k"
    fields.append({"name": "added", "type": "string", "description": "x"})
    (new / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(duckdb.Error):  # the package says of a column what the file does not have
        diff.compare(new, old.parent / "other")
    schema = [(c.bump, c.table, c.what) for c in diff.changes(diff.schema_of(old), diff.schema_of(new))]
    assert schema == [
        ("MAJOR", "gap", "column central was in persons and is in per_100k"),
        ("MINOR", "gap", "column added is new"),
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: (f / "tables/gap.parquet").write_bytes(b"PAR1"),
        lambda f: (f / "tables/gap.parquet").unlink(),
        lambda f: (f / "datapackage.json").write_text("{}"),
    ],
)
def test_what_was_altered_is_not_compared(home: Home, spoil: Callable[[Path], Any]) -> None:
    folder = home.releases / "2026.11.0"
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    spoil(folder)
    with pytest.raises(Refused, match="is not the file that was released"):
        diff.prove(folder)
    said = homes.custody(home.root, "diff", "latest", "latest")
    assert (said.returncode, said.stdout) == (1, "")
    assert len(said.stderr.splitlines()) == 1


def test_publishers_text_is_no_markdown() -> None:
    assert changes._cell("a|b\n# c <script> [x](y) `z` *") == "a\\|b # c &lt;script&gt; \\[x\\](y) \\`z\\` \\*"


@pytest.fixture(scope="module")
def two(second: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two releases, of which the first is retracted."""
    home = Home(homes.copy(second.root, tmp_path_factory.mktemp("two") / "home"))
    retract(home, "2026.11.0", "Belgium was old", SECOND, replaced_by="2026.12.0")
    return home.root


def test_the_command(two: Path) -> None:
    said = homes.custody(two, "diff", "2026.11.0", "stable")
    assert said.returncode == 0
    assert said.stderr.startswith(
        "custody: Release 2026.11.0 was retracted on 2026-12-01: Belgium was old. Use 2026.12.0"
    )
    assert said.stdout.startswith("2026.12.0 since 2026.11.0. Of the chosen figures, 1 have changed, ")
    assert "crim_pris_ctz" in said.stdout
    plain = json.loads(homes.custody(two, "diff", "2026.11.0", "latest", "--json", "--place", "Belgium").stdout)
    assert {line["place_id"] for line in plain["changes"]} == {"BEL"}
    (row,) = plain["by_place_and_measure"]
    assert row == {
        "place_id": "BEL", "measure": "persons_held", "added": 0, "removed": 0, "changed": 1, "largest": 7.0,
    }  # fmt: skip
    other = json.loads(homes.custody(two, "diff", "2026.11.0", "latest", "--json", "--measure", "admissions").stdout)
    assert other["changes"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["2026.11.0", "2026.13.0"], "There is no release '2026.13.0'"),
        (["2026.11.0", "latest", "--place", "Atlantis"], "Atlantis"),
        (["2026.11.0", "latest", "--measure", "joy"], "There is no measure 'joy'"),
    ],
)
def test_the_command_misused(two: Path, words: list[str], says: str) -> None:
    said = homes.custody(two, "diff", *words)
    assert (said.returncode, said.stdout) == (2, "")
    assert says in said.stderr
    assert "Traceback" not in said.stderr
