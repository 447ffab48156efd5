"""The command as its users meet it: what it says, how it ends, and that it never shows a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from custody.app import ORDER
from custody.cli import app
from sources.archive import Archive
from sources.asked import Asked, Asking
from sources.catalogue import source
from sources.home import Home
from tests.custody import homes
from tests.custody.conftest import Command
from tests.sources.fixtures import zipped

COMMANDS = sorted(c.name or str(c.callback.__name__) for c in app.registered_commands if c.callback)  # type: ignore[attr-defined]

#: What takes long to import. A command that computes nothing needs none of it.
HEAVY = ("great_expectations", "dagster", "pandas", "duckdb", "pyarrow", "numpy", "lxml", "python_calamine")
TELL_IMPORTS = (
    "import sys\n"
    "from custody.cli import command\n"
    "try: command()\n"
    f"finally: print('IMPORTED', [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
)


def one_sentence(said: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """What a refused command says: nothing on standard output, one line on the other, no traceback."""
    assert said.returncode == status, said.stderr
    assert said.stdout == ""
    (line,) = said.stderr.splitlines()
    assert line.startswith("custody: ")
    return line.removeprefix("custody: ")


def wrong_usage(said: subprocess.CompletedProcess[str]) -> None:
    assert said.returncode == 2
    assert said.stdout == ""
    assert "Traceback" not in said.stderr
    assert said.stderr.strip()


def as_json(said: subprocess.CompletedProcess[str]) -> Any:
    assert said.returncode == 0, said.stderr

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(said.stdout, parse_constant=no_constant)


# Help and imports


def test_there_are_the_commands_of_the_design() -> None:
    assert {
        "run",
        "build",
        "import",
        "status",
        "sources",
        "places",
        "release",
        "releases",
        "verify",
        "sql",
        "ui",
    } <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str, tmp_path: Path) -> None:
    said = homes.custody(tmp_path / "none", command, "--help", code=TELL_IMPORTS, fresh=True)
    assert said.returncode == 0
    assert said.stderr == "IMPORTED []\n"
    (example,) = re.findall(r"Example: (custody \S+)", said.stdout)
    assert example == f"custody {command}"
    assert not (tmp_path / "none").exists()


def test_examples_are_words_that_the_command_takes(command: Command) -> None:
    """Every option that an example names is one that the command has."""
    for name in COMMANDS:
        text = command(homes.scratch(), name, "--help").stdout
        options = set(re.findall(r"--[a-z-]+", text.split("Example: ")[1]))
        assert options <= set(re.findall(r"--[a-z-]+", text.split("Example: ")[0])), name


@pytest.mark.parametrize("words", [["--help"], ["status"], ["status", "--json"], ["places", "France"], ["sources"]])
def test_nothing_heavy_is_imported_to_compute_nothing(home: Path, words: list[str]) -> None:
    said = homes.custody(home, *words, code=TELL_IMPORTS, fresh=True)
    assert said.returncode == 0
    assert said.stderr == "IMPORTED []\n"


def test_the_check_for_heavy_imports_would_see_one(home: Path) -> None:
    said = homes.custody(home, "sql", "SELECT 1", code=TELL_IMPORTS, fresh=True)
    assert "duckdb" in said.stderr


def test_help_lists_every_command(command: Command) -> None:
    said = command(homes.scratch(), "--help")
    assert set(COMMANDS) <= set(re.findall(r"^  (\w+) ", said.stdout, re.MULTILINE))


# Places


@pytest.mark.parametrize(
    ("name", "place_id"),
    [
        ("Republic of (South) Korea", "KOR"),
        ("FRA", "FRA"),
        ("Namibia", "NAM"),
        ("Kosovo", "XKX"),
        ("Scotland", "GBR-SCT"),
    ],
)
def test_places_that_are_known(command: Command, name: str, place_id: str) -> None:
    assert as_json(command(homes.scratch(), "places", name, "--json"))["place_id"] == place_id
    said = command(homes.scratch(), "places", name)
    assert (said.returncode, said.stderr) == (0, "")
    assert re.search(rf"^place_id +{place_id} *$", said.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", ["Frnace", "", "'; DROP TABLE place; --", "x" * 2000, "[bold]France[/bold]"])
def test_places_that_are_unknown(command: Command, name: str) -> None:
    line = one_sentence(command(homes.scratch(), "places", name))
    assert "the nearest are" in line
    said = command(homes.scratch(), "places", name, "--json")
    assert (said.returncode, said.stderr) == (1, "")
    told = json.loads(said.stdout)
    assert (told["name"], told["place_id"]) == (name, None)
    assert all(set(near) == {"place_id", "name"} for near in told["nearest"])
    assert len(told["nearest"]) == 3


def test_the_nearest_place_is_proposed(command: Command) -> None:
    said = command(homes.scratch(), "places", "Frnace", "--json")
    assert {"place_id": "FRA", "name": "France"} in json.loads(said.stdout)["nearest"]


# What is there


def bundled() -> list[Any]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in homes.BUNDLED]


def test_status_without_a_home(command: Command, tmp_path: Path) -> None:
    told = as_json(command(tmp_path / "none", "status", "--json"))
    assert told["warehouse"] is None
    assert told["failed"] == []
    assert {(v["source"], v["file"], v["vintage"], v["rows"]) for v in told["vintages"]} == {
        (r["source_id"], r["file"], r["vintage"], r["observations"]) for r in bundled()
    }
    said = command(tmp_path / "none", "status")
    assert "There is no warehouse yet" in said.stdout
    assert not (tmp_path / "none").exists()


def test_status_of_a_warehouse(command: Command, home: Path) -> None:
    told = as_json(command(home, "status", "--json"))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        counts = {n: connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in names}  # type: ignore[index]
    assert told["warehouse"]["tables"] == counts
    assert told["warehouse"]["as_of"] == "2025-12-31"
    said = command(home, "status")
    assert f"{sum(counts.values()):,} rows in {len(counts)} tables" in said.stdout


def test_status_lists_every_source_in_use(command: Command, home: Path) -> None:
    without = sorted(set(homes.IN_USE) - {r["source_id"] for r in bundled()})
    assert without
    assert as_json(command(home, "status", "--json"))["without_figures"] == without
    said = command(home, "status").stdout
    listed = re.findall(r"^([a-z_0-9]+) +(\d+) ", said, re.MULTILINE)
    assert sorted(name for name, _ in listed) == homes.IN_USE
    assert [name for name, files in listed if files == "0"] == without and "nothing yet" in said


def test_status_tells_a_warehouse_that_is_not_of_what_is_accepted(command: Command, own: Path) -> None:
    """As after a build that was killed, or one that failed."""
    assert as_json(command(own, "status", "--json"))["warehouse"]["current"] is True
    assert "warning" not in command(own, "status").stdout
    record = json.loads((own / "warehouse.json").read_text())
    (own / "warehouse.json").write_text(json.dumps({**record, "digest": "another"}))
    assert as_json(command(own, "status", "--json"))["warehouse"]["current"] is False
    said = command(own, "status").stdout
    assert "warning: the warehouse is older than what is accepted, or than the program. `custody run --offline`" in said
    why = "gap: The key of gap is unique. 8 of 8 rows break it."
    (own / "build-failed.json").write_text(json.dumps({"at": "2026-11-24T04:15:00Z", "why": why}))
    assert as_json(command(own, "status", "--json"))["build_failed"] == {"at": "2026-11-24T04:15:00Z", "why": why}
    said = command(own, "status").stdout
    assert f"warning: the last build failed, on 2026-11-24T04:15:00Z: {why}\n" in said
    assert "Once that is mended, `custody run --offline` builds it anew." in said
    (own / "warehouse.duckdb").unlink()
    assert "There is no warehouse yet; once that is mended, `custody run --offline`" in command(own, "status").stdout


def test_status_tells_an_altered_file_of_the_last_good_figures(own: Path) -> None:
    from tests.pipelines.test_runs import accept, gaps

    accept(own, gaps(), "0" * 64)
    assert homes.custody(own, "build", "--as-of", "2025-12-31").returncode == 1
    said = homes.custody(own, "status")
    assert said.returncode == 0
    assert re.search(r"warning: the last build failed, on 20\S+Z: The accepted rows of gaps/gaps", said.stdout)
    assert "warning: the warehouse is older than what is accepted" in said.stdout


@pytest.mark.parametrize(
    ("why", "waits"),
    [
        ("https://x.example/a: the server answers 503; asked 4 times. The last good file stays; the next run asks again.", True),
        ("https://x.example/a: the server answers 404. The file may have moved. Look at the publisher's page.", False),
    ],
)  # fmt: skip
def test_status_says_what_to_do_where_waiting_does_not_help(command: Command, own: Path, why: str, waits: bool) -> None:
    Asking(Home(own)).note(Asked("unodc_prisons", "x", "https://x.example/a", "failed", why, "2026-11-24T00:00:00Z"))
    said = command(own, "status").stdout
    assert f"not fetched on 2026-11-24: unodc_prisons/x: {why}\n" in said
    assert ("`custody fetch unodc_prisons`" in said) is not waits
    (asked,) = as_json(command(own, "status", "--json"))["not_fetched"]
    assert asked["passes"] is waits and asked["message"] == why


def test_sources_as_json(command: Command, home: Path) -> None:
    told = {s["source"]: s for s in as_json(command(home, "sources", "--json"))}
    assert sorted(told) == homes.IN_USE
    assert told["eurostat_prisons"]["files"] == 4
    newest = {s: max((r["vintage"] for r in bundled() if r["source_id"] == s), default=None) for s in told}
    assert {s: told[s]["latest vintage"] for s in told} == newest


def test_releases_as_json(command: Command, tmp_path: Path) -> None:
    assert as_json(command(tmp_path, "releases", "--json")) == []
    (entry,) = as_json(command(homes.released()[0], "releases", "--json"))
    assert entry["version"] == "2026.11.0"
    assert command(homes.released()[0], "releases").stdout.count("2026.11.0") == 1


# SQL


def test_sql_answers(command: Command, home: Path) -> None:
    said = command(home, "sql", "SELECT place_id, 1 AS one FROM place WHERE place_id IN ('NAM', 'FRA') ORDER BY 1")
    assert [line.split() for line in said.stdout.splitlines()] == [["place_id", "one"], ["FRA", "1"], ["NAM", "1"]]


def test_sql_as_json(command: Command, home: Path) -> None:
    query = (
        "SELECT 1 AS a, 'x' AS a, NULL AS n, 'nan'::DOUBLE AS x, ['-inf'::DOUBLE] AS l, DATE '2024-02-29' AS d, "
        "true AS t, 9007199254740993 AS big, {'k': 0.5::DOUBLE} AS s"
    )
    (row,) = as_json(command(home, "sql", query, "--json"))
    assert row == {
        "a": 1, "a_1": "x", "n": None, "x": None, "l": [None], "d": "2024-02-29", "t": True,
        "big": 9007199254740993, "s": {"k": 0.5},
    }  # fmt: skip


def test_sql_without_rows(command: Command, home: Path) -> None:
    assert as_json(command(home, "sql", "SELECT 1 WHERE false", "--json")) == []


def test_sql_that_takes_long_prints_nothing_but_its_answer(command: Command, home: Path) -> None:
    """DuckDB draws a progress bar on standard output after two seconds."""
    query = "SELECT count(*) AS n FROM range(6000000000) a"
    assert as_json(command(home, "sql", query, "--json")) == [{"n": 6000000000}]


WRITES = [
    "CREATE TABLE x (a INTEGER)",
    "DROP TABLE figure",
    "DELETE FROM figure",
    "UPDATE figure SET value = 0",
    "INSERT INTO place SELECT * FROM place",
    "ALTER TABLE place RENAME TO lieu",
    "SELECT 1; DROP TABLE figure",
    "CREATE VIEW x AS SELECT 1",
    "CHECKPOINT; DROP SCHEMA main CASCADE",
]


@pytest.mark.parametrize("query", WRITES)
def test_sql_refuses_writes(command: Command, home: Path, query: str) -> None:
    path = home / "warehouse.duckdb"
    before = path.read_bytes()
    one_sentence(command(home, "sql", query), 2 if "; " in query else 1)
    assert path.read_bytes() == before


FILES = [
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY place TO '{folder}/out.parquet'",
    "EXPORT DATABASE '{folder}/out'",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM glob('{folder}/*')",
    "ATTACH '{folder}/out.duckdb'",
    "ATTACH '{folder}/out.duckdb' AS other; CREATE TABLE other.x (a INTEGER)",
    "SELECT 1; COPY (SELECT 1) TO '{folder}/out.csv'",
    "INSTALL httpfs",
    "LOAD '{secret}'",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "CREATE TEMP TABLE x AS SELECT * FROM read_csv('{secret}')",
    "IMPORT DATABASE '{folder}'",
]


@pytest.mark.parametrize("query", FILES)
def test_sql_refuses_files(command: Command, home: Path, tmp_path: Path, query: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("word\nxyzzy\n", encoding="utf-8")
    said = command(home, "sql", query.format(folder=tmp_path, secret=secret))
    one_sentence(said, 2 if "; " in query else 1)
    assert "xyzzy" not in said.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "query", ["SELEC 1", "SELECT * FROM nowhere", "SELECT nothing FROM place", "SELECT 1/'a'", "'"]
)
def test_sql_that_is_wrong(command: Command, home: Path, query: str) -> None:
    one_sentence(command(home, "sql", query))


@pytest.mark.parametrize("query", ["", "  ", ";", "/* nothing */"])
def test_sql_that_is_empty(command: Command, home: Path, query: str) -> None:
    assert "empty" in one_sentence(command(home, "sql", query), status=2)


def test_sql_reads_while_another_reads(home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("SELECT 1")
        assert as_json(homes.custody(home, "sql", "SELECT 1 AS one", "--json")) == [{"one": 1}]


@pytest.mark.parametrize("words", [["sql", "SELECT 1"], ["release"]])
def test_before_the_first_run(command: Command, tmp_path: Path, words: list[str]) -> None:
    assert "run `custody run --offline`" in one_sentence(command(tmp_path / "none", *words))
    assert not (tmp_path / "none").exists()


# The main job


def walk(said: str) -> dict[str, str]:
    """The walk as printed: from each step's words to its persons."""
    rows = re.findall(r"^[+= ]  (\S.*?)  +(-?[\d,]+|-)  +\d+  ", said, re.MULTILINE)
    return {title: persons for title, persons in rows}


def test_the_first_run_prints_a_world_total(home: Path) -> None:
    _, said = homes.first_run()
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        day = "as_of = DATE '2025-12-31'"
        steps = connection.execute(f"SELECT title, value, role FROM world_walk WHERE {day} ORDER BY step").fetchall()
        (stored,) = connection.execute(
            f"SELECT central FROM world_total WHERE level = 'world' AND sex = '_T' AND legal_status = '_T' AND {day}"
        ).fetchone() or (0,)
    added = sum(value or 0 for _, value, role in steps if role == "component")
    assert round(added) == round(stored)
    assert 10_000_000 < added < 13_000_000
    printed = walk(said.stdout)
    assert f"\n{added:,.0f} persons" in said.stdout
    assert printed[next(title for title, _, role in steps if role == "total")] == f"{added:,.0f}"
    assert all(printed.get(title, "-") == ("-" if value is None else f"{value:,.0f}") for title, value, _ in steps)
    rows: Counter[str] = Counter()
    for record in bundled():
        rows[record["source_id"]] += record["observations"]
    for publisher, number in rows.items():
        assert re.search(rf"^{publisher} .* {number:,} ", said.stdout, re.MULTILINE), publisher
    assert "Traceback" not in said.stderr


def test_nothing_is_drawn_on_standard_output() -> None:
    """DuckDB's progress bar appears there when a query takes two seconds, and breaks `--json`."""
    assert "▕" not in homes.first_run()[1].stdout


def test_a_second_run_builds_nothing_and_says_the_same(own: Path) -> None:
    printed = homes.first_run()[1].stdout.replace(str(homes.built()), "HOME")
    first = printed[printed.index("source ") :]
    path = own / "warehouse.duckdb"
    before = (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
    again = homes.custody(own, "run", "--offline", "--as-of", "2025-12-31")
    assert again.returncode == 0, again.stderr
    assert again.stdout.replace(str(own), "HOME") == first
    assert (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) == before
    assert not list((own).glob("accepted/*"))

    # Strict too, as there is nothing to be strict about.
    told = as_json(homes.custody(own, "run", "--offline", "--as-of", "2025-12-31", "--json", "--strict"))
    assert f"\n{told['total']['central']:,.0f} persons" in first
    assert len(told["sources"]) == len(homes.BUNDLED)
    assert [s["value"] for s in told["walk"]]
    assert path.stat().st_mtime_ns == before[1]


def test_build_does_the_same_without_dagster(own: Path) -> None:
    said = homes.custody(own, "build", "--as-of", "2025-12-31", code=TELL_IMPORTS, fresh=True)
    assert said.returncode == 0
    assert said.stdout.endswith("tables; nothing had changed.\n")
    assert "'dagster'" not in said.stderr


@pytest.mark.parametrize("job", [["run", "--offline"], ["build"]])
@pytest.mark.parametrize("day", ["2025-02-30", "yesterday", "31.12.2025", "2025-12", ""])
def test_a_day_that_is_none(command: Command, tmp_path: Path, job: list[str], day: str) -> None:
    assert repr(day) in one_sentence(command(tmp_path / "none", *job, "--as-of", day), status=2)
    assert not (tmp_path / "none").exists()


@pytest.mark.thorough
def test_a_refused_snapshot_falls_back(own: Path) -> None:
    """A workbook that is none, put in the archive as a fetch would: the last good vintage stays in use."""
    before = (own / "warehouse.duckdb").read_bytes()
    bad = zipped({"xl/workbook.xml": b"<workbook/>", "[Content_Types].xml": b"<Types/>"})
    archive, unodc = Archive(own / "archive"), source("unodc_prisons")
    archive.put(
        unodc,
        "data_cts_prisons_and_prisoners",
        "data_cts_prisons_and_prisoners.xlsx",
        bad,
        obtained="fetch",
        url=None,
        retrieved_at="2026-11-23T00:00:00Z",
    )
    strict = homes.custody(own, "run", "--offline", "--as-of", "2025-12-31", "--strict")
    assert strict.returncode == 3, strict.stderr
    assert "data_cts_prisons_and_prisoners.xlsx" in strict.stderr
    assert "Traceback" not in strict.stderr
    lenient = homes.custody(own, "run", "--offline", "--as-of", "2025-12-31")
    assert lenient.returncode == 0
    assert walk(lenient.stdout) == walk(strict.stdout) == walk(homes.first_run()[1].stdout)
    assert (own / "warehouse.duckdb").read_bytes() == before

    told = as_json(homes.custody(own, "status", "--json"))
    (failed,) = told["failed"]
    assert failed["state"] == "refused"
    assert failed["message"].startswith("data_cts_prisons_and_prisoners.xlsx")
    said = homes.custody(own, "status").stdout
    named = "unodc_prisons/data_cts_prisons_and_prisoners"
    assert f"refused: {named}: data_cts_prisons_and_prisoners.xlsx" in said
    words = f"{named.replace('/', ' ')} {failed['snapshot']['sha256'][:12]}"
    assert f"What to do: see `custody quarantine show {words}`." in said


INTERRUPTED = {
    "a command": (
        "import os, signal, time; from sources import places\n"
        "places.find = lambda name: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60))\n",
        ["places", "France"],
    ),
    "a query": (
        "import os, signal, threading; from warehouse import build\n"
        "connect = build.connect\n"
        "def then_stop(home):\n"
        "    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    return connect(home)\n"
        "build.connect = then_stop\n",
        ["sql", "SELECT count(*) FROM range(9000000000000) a"],
    ),
}


@pytest.mark.parametrize("what", INTERRUPTED)
def test_ctrl_c_is_told_in_one_sentence(home: Path, what: str) -> None:
    before, words = INTERRUPTED[what]
    # A shell that runs the tests in the background has every process below it ignore the signal.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    said = homes.custody(home, *words, code=heard + before + homes.MAIN, fresh=True)
    assert (said.returncode, said.stdout) == (130, "")
    assert said.stderr == "custody: stopped; the last good state is as it was.\n"


# Wrong usage


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["frobnicate"],
        ["run", "--sideways"],
        ["run", "extra"],
        ["places"],
        ["sql"],
        ["sql", "SELECT 1", "SELECT 2"],
        ["verify"],
        ["import"],
        ["import", "unodc_prisons"],
        ["ui", "--port", "many"],
        ["release", "--date"],
    ],
)
def test_wrong_usage(command: Command, tmp_path: Path, words: list[str]) -> None:
    wrong_usage(command(tmp_path / "none", *words))
    assert not (tmp_path / "none").exists()


def test_bundling_a_source_that_is_none(command: Command, tmp_path: Path) -> None:
    assert "There is no source 'nowhere'" in one_sentence(command(tmp_path, "bundle", "nowhere"), 2)


CSV = b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("words", "name", "data", "told"),
    [
        (["nowhere"], "a.csv", CSV, "There is no source 'nowhere'"),
        (["unodc_prisons"], "missing.xlsx", None, "cannot be read (No such file or directory)"),
        (["unodc_prisons"], ".", None, "cannot be read (Is a directory)"),
        (["eurostat_prisons"], "a.csv", CSV, "none of the files of eurostat_prisons match this name"),
        (["eurostat_prisons", "--file", "crim_x"], "a.csv", CSV, "has no file 'crim_x'"),
        (["eurostat_prisons"], "crim_pris_ctz.csv", b"", "is empty"),
        (["eurostat_prisons"], "crim_pris_ctz.csv", b"<!DOCTYPE html><html>", "looks like a web page"),
        (["eurostat_prisons"], "crim_pris_ctz.csv", CSV, "crim_pris_ctz.csv"),
        (["unodc_prisons"], "data_cts_prisons_and_prisoners.xlsx", b"PK\x03\x04cut", "the content is zip"),
        (["eurostat_prisons", "--vintage", "soon"], "crim_pris_ctz.csv", CSV, "'soon' is not a date"),
        (["eurostat_prisons", "--vintage", "../../x"], "crim_pris_ctz.csv", CSV, "is not a date"),
    ],
)
def test_an_import_that_is_refused_stores_nothing(
    command: Command, tmp_path: Path, words: list[str], name: str, data: bytes | None, told: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    said = command(tmp_path / "home", "import", words[0], str(path), *words[1:])
    *progress, line = said.stderr.splitlines()
    misused = any(
        word in told for word in ("There is no", "cannot be read", "match this name", "has no file", "a date")
    )
    assert (said.returncode, said.stdout) == (2 if misused else 1, "")
    assert line.startswith("custody: ")
    assert told in line
    assert "Traceback" not in said.stderr
    assert len(progress) <= 1
    assert not (tmp_path / "home").exists()


def test_an_import_on_a_day_that_is_none(command: Command, tmp_path: Path) -> None:
    said = command(tmp_path / "home", "import", "unodc_prisons", "x.xlsx", "--retrieved", "soon")
    assert "--retrieved 'soon' is not a day" in one_sentence(said, status=2)


# Homes that cannot be used


def homes_that_cannot_be_made(tmp_path: Path) -> list[Path]:
    file = tmp_path / "file"
    file.write_bytes(b"")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    # The superuser may write to a closed folder, but makes no folder in /sys either.
    return [file / "home", Path("/sys/custody"), *([] if os.geteuid() == 0 else [closed / "home"])]


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    for home in homes_that_cannot_be_made(tmp_path):
        said = homes.custody(home, "run", "--offline")
        *_, line = said.stderr.splitlines()
        assert said.returncode == 1
        assert line.startswith("custody: ")
        assert str(home.parent) in line
        assert "CUSTODY_HOME" in line
        assert "Traceback" not in said.stderr


@pytest.mark.parametrize("words", [["status"], ["sources"], ["releases"], ["places", "France"]])
def test_reading_needs_no_home(command: Command, tmp_path: Path, words: list[str]) -> None:
    for home in homes_that_cannot_be_made(tmp_path):
        said = command(home, *words)
        assert (said.returncode, said.stderr) == (0, "")


GARBAGE = {"warehouse.duckdb": b"garbage" * 1000, "warehouse.json": b"{"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("warehouse.duckdb", ["status"]),
        ("warehouse.duckdb", ["release"]),
        ("warehouse.duckdb", ["sql", "SELECT count(*) FROM figure"]),
        ("warehouse.json", ["sql", "SELECT count(*) FROM figure"]),
        ("warehouse.json", ["status"]),
        ("warehouse.json", ["release"]),
    ],
)
def test_a_damaged_home_is_told_without_a_traceback(command: Command, own: Path, name: str, words: list[str]) -> None:
    (own / name).write_bytes(GARBAGE[name])
    said = command(own, *words)
    assert "Traceback" not in said.stderr
    assert said.returncode in (0, 1)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["warehouse.duckdb", "warehouse.json"])
def test_a_run_mends_a_damaged_warehouse(own: Path, name: str) -> None:
    (own / name).write_bytes(GARBAGE[name])
    said = homes.custody(own, "run", "--offline", "--as-of", "2025-12-31", code=homes.UNASKED + homes.MAIN)
    assert said.returncode == 0, said.stderr
    assert walk(said.stdout) == walk(homes.first_run()[1].stdout)


# What is said of wrong usage, and the order of help


def test_help_lists_the_commands_in_the_one_stated_order(command: Command) -> None:
    listed = re.findall(r"^  ([a-z]+)  ", command(homes.scratch(), "--help").stdout, re.MULTILINE)
    assert listed == list(ORDER)
    assert set(ORDER) == {*COMMANDS, "quarantine"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("cite", "France", "persons_held", "MMXXI"), "the year 'MMXXI' is not a whole number."),
        (("trace", "France", "persons_held", "2021.5"), "the year '2021.5' is not a whole number."),
        (("ui", "--port", "x"), "--port 'x' is not a whole number."),
    ],
)
def test_a_word_that_is_no_number_is_said_in_our_own_words(
    command: Command, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    assert one_sentence(command(tmp_path, *words), 2) == says


def test_commands_that_name_a_figure_take_the_same_arguments(command: Command) -> None:
    """As they stand in help, without those that one of them has besides."""
    texts = [command(homes.scratch(), name, "--help").stdout for name in ("cite", "trace")]
    options = [re.findall(r"^  (?:--[a-z-]+|\S*(?:PLACE|MEASURE|YEAR)\S*) .*", text, re.MULTILINE) for text in texts]
    assert [o for o in options[0] if not o.startswith("  --style")] == options[1]
    assert len(options[1]) > 10
