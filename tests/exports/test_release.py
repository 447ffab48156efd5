"""A release as it lies there: complete, the same in both formats, and true in all that it says of itself."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import stat
import subprocess
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from sources.catalogue import sources
from tests.custody import homes
from tests.dictionary import raw

TABLES = raw.table_names()
WORDS = {
    "CHANGES.md", "CITATION.cff", "LICENCES.md", "README.txt", "SHA256SUMS", "backtest.html", "changes.csv", "codebook.csv",
    "codebook.md", "codes.csv", "croissant.json", "datapackage.json", "dataset.jsonld", "locators.md", "provenance.json",
    "validation.json", "zenodo.json",
}  # fmt: skip
#: What test_pictures.py looks into.
PICTURES = {
    f"pictures/{name}{kind}"
    for name in ("calibration", "disagreement", "errors", "series", "walk")
    for kind in (".svg", ".png", "-narrow.svg")
}
BOOK = "custody.xlsx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parquet(release: Path, table: str) -> str:
    """The published Parquet, as DuckDB names it in a query."""
    return f"read_parquet('{release / 'tables' / table}.parquet')"


def ask(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


@cache
def cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a published CSV."""
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream, strict=True)
    return header, rows


def content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_the_command_said() -> None:
    home, said = homes.released()
    assert said.stdout.startswith(f"Release 2026.11.0 is in {home / 'releases' / '2026.11.0'}.")
    assert re.search(r"Content digest [0-9a-f]{64}\.$", said.stdout.strip())
    assert "Traceback" not in said.stderr


def test_files(release: Path) -> None:
    there = {p.relative_to(release).as_posix() for p in release.rglob("*") if not p.is_dir()}
    whole = {name for name in there if not name.startswith("tables/open/")}
    assert whole == WORDS | PICTURES | {BOOK} | {f"tables/{t}.{kind}" for t in TABLES for kind in ("csv", "parquet")}
    assert release.name == "2026.11.0"


def test_nobody_may_write(release: Path) -> None:
    modes = {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in release.rglob("*") if p.is_file()}
    assert set(modes.values()) == {"0o444"}, modes


def test_checksums_hold_by_sha256sum(release: Path) -> None:
    run = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    there = [p for p in release.rglob("*") if p.is_file()]
    assert run.stdout.count(": OK\n") == len(there) - 1 > len(WORDS) + 2 * len(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_csv_is_plain(release: Path, table: str) -> None:
    data = (release / "tables" / f"{table}.csv").read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data
    assert b"\0" not in data
    assert data.endswith(b"\n")
    data.decode("utf-8")
    header, rows = cells(release / "tables" / f"{table}.csv")
    assert header == [c["name"] for c in raw.columns(table)]
    assert {len(row) for row in rows} <= {len(header)}


@pytest.mark.parametrize("table", TABLES)
def test_csv_and_parquet_hold_the_same(release: Path, table: str) -> None:
    """Read by Python's csv module and by DuckDB: neither wrote both."""
    header, rows = cells(release / "tables" / f"{table}.csv")
    columns = {c["name"]: c["type"] for c in raw.columns(table)}
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        answer = connection.execute(f"SELECT * FROM {parquet(release, table)}")
        assert [d[0] for d in answer.description] == header
        stored = answer.fetchall()
    assert len(stored) == len(rows)
    # A table without rows has no columns to turn: no two vintages of one file come with the program.
    assert rows or table == "vanished"
    for name, given, found in zip(header, zip(*rows, strict=True), zip(*stored, strict=True), strict=bool(rows)):
        differing = [
            (text, value) for text, value in zip(given, found, strict=True) if not same(columns[name], text, value)
        ]
        assert differing[:3] == [], name


def same(type_: str, text: str, value: Any) -> bool:
    """Whether a cell of a CSV says what a typed value is; exactly, numbers included."""
    if value is None or text == "":
        return value is None and text == ""
    match type_:
        case "number":
            return math.isfinite(value) and float(text) == value
        case "integer":
            return text == str(value)
        case "boolean":
            return text == ("true" if value else "false")
        case "date":
            return text == value.isoformat()
    return bool(text == value)


@pytest.mark.parametrize("table", TABLES)
def test_types_are_the_dictionarys(release: Path, table: str) -> None:
    types = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}
    found = ask(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {parquet(release, table)})")
    assert found == [(c["name"], types[c["type"]]) for c in raw.columns(table)]


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_the_warehouse_in_the_dictionarys_order(release: Path, table: str) -> None:
    sort = ", ".join(f'"{c}"' for c in raw.content(f"tables/{table}.yml")["sort"])
    with duckdb.connect(str(homes.released()[0] / "warehouse.duckdb"), read_only=True) as connection:
        key = ", ".join(f'"{c}"' for c in raw.content(f"tables/{table}.yml")["key"])
        kept = connection.execute(f'SELECT {key} FROM "{table}" ORDER BY {sort}').fetchall()
    assert ask(f"SELECT {key} FROM {parquet(release, table)}") == kept


@pytest.mark.parametrize("table", TABLES)
def test_every_constraint_of_the_descriptor_holds(release: Path, table: str) -> None:
    """What datapackage.json promises of the CSV, asked of the CSV with every cell read as text."""
    (resource,) = (r for r in content(release / "datapackage.json")["resources"] if r["name"] == table)
    broken = []
    with duckdb.connect() as connection:
        source = f"read_csv('{release / 'tables' / table}.csv', all_varchar = true, nullstr = '')"
        connection.execute(f"CREATE TABLE t AS SELECT * FROM {source}")

        def rows(condition: str, *values: Any) -> int:
            (count,) = connection.execute(f"SELECT count(*) FROM t WHERE {condition}", list(values)).fetchone() or (0,)
            return int(count)

        assert rows("true") == resource["rows"]
        types = {"integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN", "string": "VARCHAR"}
        for field in resource["schema"]["fields"]:
            name, rules, type_ = f'"{field["name"]}"', field.get("constraints", {}), types[field["type"]]
            if rules.get("required") and rows(f"{name} IS NULL"):
                broken.append((name, "required"))
            if rows(f"{name} IS NOT NULL AND try_cast({name} AS {type_}) IS NULL"):
                broken.append((name, type_))
            if "enum" in rules and rows(f"NOT list_contains(?, {name})", rules["enum"]):
                broken.append((name, "enum"))
            if "pattern" in rules and rows(f"NOT regexp_full_match({name}, ?)", rules["pattern"]):
                broken.append((name, "pattern"))
            for bound, sign in (("minimum", "<"), ("maximum", ">")):
                if bound in rules and rows(f"{name}::{type_} {sign} ?::{type_}", rules[bound]):
                    broken.append((name, bound))
        key = ", ".join(f'"{k}"' for k in resource["schema"]["primaryKey"])
        if connection.execute(f"SELECT {key} FROM t GROUP BY ALL HAVING count(*) > 1").fetchall():
            broken.append((key, "primary key"))
        for foreign in resource["schema"].get("foreignKeys", []):
            own, other = (
                ", ".join(f'"{c}"' for c in columns) for columns in (foreign["fields"], foreign["reference"]["fields"])
            )
            referred = (
                f"read_csv('{release}/tables/{foreign['reference']['resource']}.csv', all_varchar = true, nullstr = '')"
            )
            if rows(f"({own}) NOT IN (SELECT ({other}) FROM {referred})"):
                broken.append((own, "foreign key"))
    assert broken == []


def test_namibia_is_there(release: Path) -> None:
    """NA and NAM are codes, not missing values."""
    header, rows = cells(release / "tables" / "place.csv")
    named = {row[header.index("place_id")]: row[header.index("name")] for row in rows}
    assert named["NAM"] == "Namibia"
    assert named["CIV"].startswith("Côte d")


def test_breakdowns_that_mean_nothing_do_not_apply(release: Path) -> None:
    measures = raw.content("measures.yml")
    breakdowns = ("sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause")
    for breakdown in breakdowns:
        given = dict(
            ask(
                f"SELECT measure, list_sort(list(DISTINCT {breakdown} = '_Z')) "
                f"FROM {parquet(release, 'observation')} GROUP BY 1"
            )
        )
        assert given == {name: [breakdown not in measures[name]["applies"]] for name in given}


# The data package


def test_descriptor_tells_the_truth_of_every_file(release: Path) -> None:
    package = content(release / "datapackage.json")
    resources = package["resources"]
    assert len({r["name"] for r in resources}) == len(resources) == 2 * len(TABLES)
    assert {r["path"] for r in resources} == {f"tables/{t}.{kind}" for t in TABLES for kind in ("csv", "parquet")}
    for resource in resources:
        path = release / resource["path"]
        assert resource["hash"] == f"sha256:{sha256(path)}"
        assert resource["bytes"] == path.stat().st_size
        assert resource["type"] == "table"  # a resource with a schema is a table in version 2 of the standard
        assert resource["format"] == path.suffix[1:]
        table = path.stem
        assert resource["rows"] == len(cells(release / "tables" / f"{table}.csv")[1])
        assert resource["title"] == raw.content(f"tables/{table}.yml")["title"]


def test_descriptor_is_a_version_2_data_package(release: Path) -> None:
    package = content(release / "datapackage.json")
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert package["version"] == "2026.11.0"
    assert package["created"] == f"{homes.RELEASED_ON}T00:00:00Z"
    assert package["schema_version"] == raw.content("schema.yml")["version"]
    for licence in package["licenses"]:
        assert re.fullmatch(r"[-a-zA-Z0-9._]+", licence["name"])
    for each in [*package["licenses"], *package["sources"]]:
        assert each.get("path", "https://x").startswith(("https://", "http://"))
    used = {code for t in TABLES if "licence" in cells_header(release, t) for code in values(release, t, "licence")}
    assert used <= {licence["name"] for licence in package["licenses"]}
    folders = [homes.REPOSITORY / "sources" / name / "source.yml" for name in homes.IN_USE]
    published = {yaml.safe_load(path.read_text(encoding="utf-8"))["title"] for path in folders}
    assert {s["title"] for s in package["sources"]} == published


def cells_header(release: Path, table: str) -> list[str]:
    return cells(release / "tables" / f"{table}.csv")[0]


def values(release: Path, table: str, column: str) -> set[str]:
    header, rows = cells(release / "tables" / f"{table}.csv")
    return {row[header.index(column)] for row in rows}


# Words beside the tables


def test_provenance_lists_every_snapshot(release: Path) -> None:
    provenance = content(release / "provenance.json")
    bundled = [content(path) for path in homes.BUNDLED]
    expected = {(r["source_id"], r["file"], r["vintage"], r["snapshot"]["sha256"]) for r in bundled}
    found = [(s["source_id"], s["file"], s["vintage"], s["sha256"]) for s in provenance["snapshots"]]
    assert len(found) == len(expected) > 100
    assert set(found) == expected
    assert provenance["as_of"] == "2025-12-31"
    assert provenance["lock"] == sha256(homes.REPOSITORY / "requirements.lock")
    assert provenance["engines"]["duckdb"] == duckdb.__version__
    assert set(provenance["table_digests"]) == set(TABLES)


def test_provenance_holds_no_place_on_this_machine(release: Path) -> None:
    for name in WORDS:
        text = (release / name).read_text(encoding="utf-8")
        assert str(homes.scratch()) not in text
        assert str(homes.REPOSITORY) not in text


def test_every_row_names_a_snapshot_that_provenance_lists(release: Path) -> None:
    listed = {s["sha256"] for s in content(release / "provenance.json")["snapshots"]}
    tables = [t for t in TABLES if "snapshot" in cells_header(release, t)]
    assert {"observation", "gap", "published_total", "left_out"} <= set(tables)
    for table in tables:
        assert values(release, table, "snapshot") <= listed


def test_validation_tells_of_every_table(release: Path) -> None:
    checks = content(release / "validation.json")["checks"]
    assert {c["table"] for c in checks} == set(TABLES)
    assert [c for c in checks if c["severity"] == "critical" and c["outcome"] != "passed"] == []
    for table in TABLES:
        required = {c["name"] for c in raw.columns(table) if not c["nullable"]}
        asked = {c["columns"][0] for c in checks if c["table"] == table and c["type"].endswith("to_not_be_null")}
        assert required <= asked
    rows = {c["table"]: c["rows"] for c in checks if c["type"].startswith("expect_table_columns")}
    assert rows == {t: len(cells(release / "tables" / f"{t}.csv")[1]) for t in TABLES}


def test_citation_and_licences(release: Path) -> None:
    citation = yaml.safe_load((release / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == "2026.11.0"
    assert citation["date-released"] == date(2026, 11, 23)
    assert {"message", "title", "authors"} <= set(citation)
    licences = (release / "LICENCES.md").read_text(encoding="utf-8")
    header, rows = cells(release / "tables" / "source.csv")
    for row in rows:
        source = dict(zip(header, row, strict=True))
        (line,) = (line for line in licences.splitlines() if line.startswith(f"- {source['title']}: "))
        assert source["licence"] in line
        assert source["citation"] in line


def test_list_of_releases() -> None:
    home, said = homes.released()
    listed = content(home / "releases" / "releases.json")
    (entry,) = listed["releases"]
    assert listed["aliases"]["latest"] == entry["version"] == "2026.11.0"
    assert entry["date"] == homes.RELEASED_ON
    assert entry["sums"] == sha256(home / "releases" / "2026.11.0" / "SHA256SUMS")
    assert entry["digest"] in said.stdout
    assert entry["digest"] == content(home / "releases" / "2026.11.0" / "provenance.json")["content_digest"]


# The digest


def digest_by_hand(path: Path, types: dict[str, str]) -> str:
    """The content digest of a published CSV, by the words of its definition and nothing of the program."""
    header, rows = cells(path)
    lines = []
    for row in rows:
        texts = []
        for name, cell in zip(header, row, strict=True):
            if cell == "":
                texts.append("\0")
            else:
                texts.append(repr(float(cell) + 0.0) if types[name] == "number" else cell)
        lines.append("\x1f".join(texts))
    digest = hashlib.sha256("\x1f".join(header).encode())
    for line in sorted(lines):
        digest.update(b"\x1e" + line.encode())
    return digest.hexdigest()


def test_digest_by_hand(release: Path) -> None:
    stated = content(release / "provenance.json")
    for table in TABLES:
        types = {c["name"]: c["type"] for c in raw.columns(table)}
        assert digest_by_hand(release / "tables" / f"{table}.csv", types) == stated["table_digests"][table], table
    lines = "".join(f"{t} {stated['table_digests'][t]}\n" for t in TABLES)
    assert hashlib.sha256(lines.encode()).hexdigest() == stated["content_digest"]


def test_the_codebook_says_what_every_definition_means(release: Path) -> None:
    said = (release / "codebook.md").read_text(encoding="utf-8")
    for known in sources().values():
        for name in known.definitions:
            assert f"| {known.id} | {name} | " in said
