"""What a run leaves in Dagster's store, how it fails, and that Dagster's own programs load the same definitions."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import alive, describing
from sources.errors import Refused
from sources.home import read_sealed, write_sealed
from tests.custody import homes

BIN = Path(sys.executable).parent
BUNDLED = [json.loads(path.read_text(encoding="utf-8")) for path in homes.BUNDLED]
SOURCES = sorted({record["source_id"] for record in BUNDLED})


@pytest.fixture(scope="module")
def store() -> Iterator[dg.DagsterInstance]:
    """Dagster's store in the home of the first run."""
    with dg.DagsterInstance.from_config(str(homes.built() / "dagster")) as instance:
        yield instance


def counts(home: Path) -> dict[str, int]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: len(connection.execute(f'SELECT 1 FROM "{name}"').fetchall()) for name in names}


def materialised(store: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, Any]:
    """The metadata of an asset's one materialisation."""
    (record,) = store.fetch_materializations(key, limit=5).records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def store_metadata(store: dg.DagsterInstance, name: str) -> Mapping[str, dg.MetadataValue[Any]]:
    (record,) = store.fetch_materializations(dg.AssetKey(name), limit=1).records
    assert record.asset_materialization is not None
    return record.asset_materialization.metadata


def test_the_run_is_there(store: dg.DagsterInstance) -> None:
    (run,) = store.get_runs()
    assert run.job_name == "custody"
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert run.is_resume_retry is False
    assert alive.is_gone(run.tags[alive.PROCESS]), "it names the process that was at work, which has ended"


def test_nothing_is_sent_anywhere(store: dg.DagsterInstance) -> None:
    assert store.telemetry_enabled is False


def test_tables_tell_their_rows(store: dg.DagsterInstance) -> None:
    expected = counts(homes.built())
    assert len(expected) >= 15
    found = {name: materialised(store, dg.AssetKey(name))["dagster/row_count"] for name in expected}
    assert found == expected
    assert {materialised(store, dg.AssetKey(name))["as_of"] for name in expected} == {"2025-12-31"}
    (report,) = {materialised(store, dg.AssetKey(name))["how every check answered"] for name in expected}
    assert report == str(homes.built() / "reports" / "quality.html")
    assert "<title>" in Path(report).read_text(encoding="utf-8")


def test_the_report_is_linked_where_it_can_be_read_at_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of the interface may not lead to a file: browsers refuse that."""
    path = Path("reports/quality.html")
    assert isinstance(describing.report(path), dg.PathMetadataValue)
    monkeypatch.setenv("CUSTODY_REPORTS", "http://127.0.0.1:3001/")
    link = describing.report(path)
    assert isinstance(link, dg.UrlMetadataValue) and link.url == "http://127.0.0.1:3001/quality.html"


@pytest.mark.parametrize("source", SOURCES)
def test_snapshots_tell_their_bytes(store: dg.DagsterInstance, source: str) -> None:
    snapshots = [r["snapshot"] for r in BUNDLED if r["source_id"] == source]
    newest = max(snapshots, key=lambda s: s["retrieved_at"])
    told = materialised(store, dg.AssetKey(["snapshot", source]))
    candidates = [s for s in snapshots if s["retrieved_at"] == newest["retrieved_at"]]
    assert (told["sha256"], told["bytes"]) in [(s["sha256"], s["bytes"]) for s in candidates]
    assert told["files"] == len({s["file"] for s in snapshots})
    assert told["snapshots"] == len({(s["file"], s["sha256"]) for s in snapshots})


@pytest.mark.parametrize("source", sorted(set(homes.IN_USE) - set(SOURCES)))
def test_a_source_without_files_says_that_it_has_none(store: dg.DagsterInstance, source: str) -> None:
    told = materialised(store, dg.AssetKey(["snapshot", source]))
    assert (told["files"], told["snapshots"]) == (0, 0) and "sha256" not in told


@pytest.mark.parametrize("source", SOURCES)
def test_accepted_sources_tell_rows_and_digests(store: dg.DagsterInstance, source: str) -> None:
    records = [r for r in BUNDLED if r["source_id"] == source]
    told = materialised(store, dg.AssetKey(["accepted", source]))
    assert told["dagster/row_count"] == sum(r["observations"] for r in records)
    assert told["sha256"] == {
        f"{r['file']} {r['vintage']}": {table: entry["sha256"] for table, entry in r["tables"].items()} for r in records
    }


def test_every_check_was_evaluated(store: dg.DagsterInstance) -> None:
    (run,) = store.get_runs()
    logged = store.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    events = [entry.dagster_event.asset_check_evaluation_data for entry in logged if entry.dagster_event]
    passed = {e.asset_key.to_user_string(): e.passed for e in events}
    assert set(passed) == {*counts(homes.built()), *(f"accepted/{source}" for source in homes.IN_USE)}
    recorded = json.loads((homes.built() / "warehouse.json").read_text(encoding="utf-8"))["tables"]
    broken = {t["name"] for t in recorded if any(c["outcome"] != "passed" for c in t["checks"])}
    assert {name for name, holds in passed.items() if not holds} == broken
    expectations = {e.asset_key.to_user_string(): e.metadata for e in events}
    for table in recorded:
        assert expectations[table["name"]]["expectations"].value == len(table["checks"])


def accept(home: Path, rows: pa.Table, sha256: str | None = None) -> None:
    """Put rows in the place of the accepted gaps, with a record that belongs to them unless another digest is given."""
    import hashlib

    (record,) = (path for path in homes.BUNDLED if path.parts[-5] == "gaps")
    folder = Path(shutil.copytree(record.parent, home / "accepted" / "gaps" / "gaps" / record.parent.name))
    pq.write_table(rows, folder / "gap.parquet")
    content = read_sealed(record)
    own = hashlib.sha256((folder / "gap.parquet").read_bytes()).hexdigest()
    content["tables"]["gap"]["sha256"] = sha256 or own
    write_sealed(folder / "accepted.json", content)


def gaps() -> pa.Table:
    (record,) = (path for path in homes.BUNDLED if path.parts[-5] == "gaps")
    return pq.read_table(record.parent / "gap.parquet")


FAILING = {
    "a check": (pa.concat_tables([gaps(), gaps()]), None, "The key of gap is unique. 8 of 8 rows break it"),
    "an altered file": (gaps(), "0" * 64, "gap.parquet) were altered or lost"),
}


@pytest.mark.parametrize("what", FAILING)
def test_a_failing_build_says_why_and_keeps_the_warehouse(tmp_path: Path, what: str) -> None:
    rows, digest, sentence = FAILING[what]
    home = homes.copy(homes.built(), tmp_path / "home")
    kept = [(home / name).read_bytes() for name in ("warehouse.duckdb", "warehouse.json")]
    accept(home, rows, digest)
    said = homes.custody(home, "run", "--offline", "--as-of", "2025-12-31")
    assert (said.returncode, said.stdout) == (1, "")
    (line,) = (line for line in said.stderr.splitlines() if line.startswith("custody: "))
    assert sentence in line
    assert "Traceback" not in said.stderr
    assert [(home / name).read_bytes() for name in ("warehouse.duckdb", "warehouse.json")] == kept
    assert [p.name for p in home.glob(".*")] == []
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE

    shutil.rmtree(home / "accepted")
    again = homes.custody(home, "run", "--offline", "--as-of", "2025-12-31")
    assert again.returncode == 0, again.stderr
    assert (home / "warehouse.duckdb").read_bytes() == kept[0]


def dagster_home(tmp_path: Path) -> Path:
    folder = tmp_path / "dagster"
    shutil.copytree(homes.built() / "dagster", folder)
    return folder


def test_dagster_validates_the_workspace(tmp_path: Path) -> None:
    said = subprocess.run(
        [BIN / "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=homes.REPOSITORY,
        env=homes.environment(tmp_path / "none", {"DAGSTER_HOME": str(dagster_home(tmp_path))}),
        capture_output=True,
        text=True,
        timeout=180,
    )
    told = said.stdout + said.stderr
    assert said.returncode == 0, told
    assert "Validation successful for code location custody" in told
    # Dagster says of this very command that another one is preferred; that is none of our making.
    warnings = [line for line in told.splitlines() if "warning" in line.lower()]
    assert [line for line in warnings if "SupersessionWarning" not in line] == []
    assert not (tmp_path / "none").exists()


QUERY = """{
  assetNodes { assetKey { path } opNames jobNames assetMaterializations(limit: 1) { runId } }
  repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } location { name } } } }
  workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } }
  pipelineRunsOrError(filter: { pipelineName: "custody" }) { ... on Runs { results { status repositoryOrigin { repositoryLocationName } } } }
}"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def ask(port: int) -> dict[str, Any]:
    body = json.dumps({"query": QUERY}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return dict(json.loads(answer.read()))


def test_the_web_interface_shows_the_same(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    words = [BIN / "dagster-webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    environment = homes.environment(tmp_path / "none", {"DAGSTER_HOME": str(dagster_home(tmp_path))})
    with log.open("wb") as stream:
        server = subprocess.Popen(
            words, cwd=homes.REPOSITORY, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 180
        while True:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                told = ask(port)
                break
            except OSError:
                time.sleep(0.5)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    assert "errors" not in told
    data = told["data"]
    (entry,) = data["workspaceOrError"]["locationEntries"]
    assert entry["locationOrLoadError"]["__typename"] == "RepositoryLocation"
    (repository,) = data["repositoriesOrError"]["nodes"]
    assert {job["name"] for job in repository["jobs"]} >= {"custody"}
    names = {"/".join(node["assetKey"]["path"]) for node in data["assetNodes"]}
    assert names == {
        *counts(homes.built()),
        *(f"{kind}/{s}" for kind in ("snapshot", "accepted") for s in homes.IN_USE),
    }
    assert all("custody" in node["jobNames"] for node in data["assetNodes"])
    # The run from the command line is there, on the page of the job that the interface shows.
    (run,) = data["pipelineRunsOrError"]["results"]
    assert run["status"] == "SUCCESS"
    assert all(node["assetMaterializations"] for node in data["assetNodes"])


# What is tried again


def broken(monkeypatch: pytest.MonkeyPatch, error: Exception) -> dg.ExecuteInProcessResult:
    """The step of one source, by a daemon that waits for nothing, where taking it in ends in an error."""
    from pipelines import assets
    from sources.catalogue import source

    def fail(*_: object, **__: object) -> None:
        raise error

    assert (assets.RETRIES.max_retries, assets.RETRIES.delay, assets.RETRIES.backoff) == (2, 60, dg.Backoff.EXPONENTIAL)
    monkeypatch.setattr(assets, "RETRIES", dg.RetryPolicy(max_retries=assets.RETRIES.max_retries))
    monkeypatch.setattr(assets, "take_in", fail)
    monkeypatch.setenv("CUSTODY_HOME", str(homes.scratch() / "none"))
    step = assets.source_step(source("gaps"))
    return dg.materialize([step], resources={"options": assets.RunOptions()}, raise_on_error=False)


@pytest.mark.parametrize(("error", "retries"), [(OSError("disk"), 2), (Refused("gaps.csv, row 2: no."), 0)])
def test_what_is_unexpected_is_tried_again_and_what_is_refused_is_not(
    monkeypatch: pytest.MonkeyPatch, error: Exception, retries: int
) -> None:
    result = broken(monkeypatch, error)
    assert not result.success
    kinds = [event.event_type for event in result.all_events]
    assert kinds.count(dg.DagsterEventType.STEP_UP_FOR_RETRY) == retries
    assert kinds.count(dg.DagsterEventType.STEP_FAILURE) == 1


def test_every_step_has_that_policy() -> None:
    from pipelines import assets
    from pipelines.definitions import defs

    steps = [node.definition for node in defs.resolve_job_def("custody").nodes]
    assert len(steps) == 2 + len(homes.IN_USE)
    assert {step.retry_policy for step in steps} == {assets.RETRIES}


def test_the_command_tries_nothing_twice(tmp_path: Path) -> None:
    home = homes.copy(homes.built(), tmp_path / "home")
    code = (
        "import warehouse.intake as intake\n"
        "def fail(*_, **__): raise OSError('disk')\n"
        "intake.take_in = fail\n"
    )  # fmt: skip
    said = homes.custody(home, "run", "--offline", code=code + homes.MAIN)
    assert said.returncode == 1 and "disk" in said.stderr
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert list(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)) == []
        assert list(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE))


# What assets show


def test_tables_tell_their_first_rows_and_how_they_changed(store: dg.DagsterInstance, tmp_path: Path) -> None:
    told = materialised(store, dg.AssetKey("world_total"))
    with duckdb.connect(str(homes.built() / "warehouse.duckdb"), read_only=True) as connection:
        asked = connection.execute(
            "SELECT central, places FROM world_total "
            "WHERE level = 'world' AND sex = '_T' AND legal_status = '_T' AND as_of = DATE '2025-12-31'"
        ).fetchall()
    assert (told["persons in prison"], told["places"]) == asked[0]
    assert told["warehouse"] == str(homes.built() / "warehouse.duckdb")
    assert "rows before" not in told  # the first build
    lines = materialised(store, dg.AssetKey("gap"))["first rows"].splitlines()
    assert lines[0].startswith("| place_id |") and len(lines) == 2 + 4
    assert sum(line.startswith("| CHN |") for line in lines) == 2

    home = homes.copy(homes.built(), tmp_path / "home")
    changed = json.loads((home / "warehouse.json").read_text())
    (gap,) = (t for t in changed["tables"] if t["name"] == "gap")
    gap["rows"] = 7
    (home / "warehouse.json").write_text(json.dumps({**changed, "digest": "another"}))
    said = homes.custody(home, "run", "--offline", "--as-of", "2025-12-31", code=homes.UNASKED + homes.MAIN)
    assert said.returncode == 0, said.stderr
    with dg.DagsterInstance.from_config(str(home / "dagster")) as again:
        told = materialised(again, dg.AssetKey("gap"))
        assert (told["dagster/row_count"], told["rows before"], told["change"]) == (4, 7, -3)


def test_a_source_shows_its_latest_figures(store: dg.DagsterInstance) -> None:
    lines = materialised(store, dg.AssetKey(["accepted", "france_prisons"]))["latest figures"].splitlines()
    head = [cell.strip() for cell in lines[0].strip("|").split("|")]
    rows = [dict(zip(head, (c.strip() for c in line.strip("|").split("|")), strict=True)) for line in lines[2:]]
    assert len(rows) == 10 and rows[0]["period_end"] == "2026-07-01"
    # As printed in the publisher's workbook of 1 July 2026.
    assert ("persons\\_held", "89,446") in {(row["measure"], row["value"]) for row in rows}


def test_figures_that_may_not_be_passed_on_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import describing
    from sources.catalogue import read_source
    from sources.home import Home
    from warehouse.intake import Intake

    internal = read_source(homes.REPOSITORY / "sources" / "world_prison_brief")
    assert describing.headline(internal, Intake(internal.id, [])) == "not shown: they may not be passed on"
    assert describing.previews(Home(homes.built()))
    monkeypatch.setattr(describing, "sources", lambda: {"gaps": internal.model_copy(update={"id": "gaps"})})
    assert describing.previews(Home(homes.built())) == {}


def test_what_publishers_wrote_is_no_markup() -> None:
    from pipelines.describing import markdown

    text = markdown(["a"], [["<b>|x|\n_y_"], [1234567], [0.12345678], [2016], [None]]).value
    assert text.splitlines()[2:] == [r"| \<b\>\|x\| \_y\_ |", "| 1,234,567 |", "| 0.1235 |", "| 2016 |", "|  |"]
