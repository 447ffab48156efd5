"""What runs without being asked: timetables, the build of what was accepted, one run at a time, reading again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.request import urlopen

import dagster as dg
import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context  # type: ignore[import-untyped]
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from pipelines import alive, assets, automation, execute
from pipelines.definitions import defs
from sources import catalogue, fetch
from sources.archive import Snapshot
from sources.home import Home, write_bytes
from tests.custody import homes
from tests.warehouse.conftest import nothing_asked
from warehouse.build import build
from warehouse.by_hand import import_file
from warehouse.estimate.rules import rules
from warehouse.intake import Ground
from warehouse.records import failures
from warehouse.standing import default_as_of

#: The sources with a `url:` that is none of null, or a discover.py, as their folders say.
WITH_ADDRESS = sorted(
    path.parent.name
    for path in (homes.REPOSITORY / "sources").glob("*/source.yml")
    if path.parent.name in homes.IN_USE
    and (
        (path.parent / "discover.py").exists() or re.search(r"^ +url: *\S*https", path.read_text("utf-8"), re.MULTILINE)
    )
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the home of the first run, as the environment names it."""
    home = Home(homes.copy(homes.built(), tmp_path / "home"))
    monkeypatch.setenv("CUSTODY_HOME", str(home.root))
    return home


# The timetable


def test_every_source_with_an_address_has_a_schedule_that_runs() -> None:
    others = ("ask_again", "confirm_what_is_built")
    schedules = {s.name: s for s in defs.get_repository_def().schedule_defs if s.name not in others}
    assert sorted(schedules) == [f"ask_{source}" for source in WITH_ADDRESS] and len(schedules) >= 7
    for name, schedule in schedules.items():
        source = name.removeprefix("ask_")
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        chosen = defs.resolve_job_def(schedule.job_name).asset_layer.executable_asset_keys
        assert set(chosen) == {dg.AssetKey(["snapshot", source]), dg.AssetKey(["accepted", source])}
        told = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=datetime.now(UTC)))
        (request,) = told.run_requests or []
        assert request.run_config["resources"]["options"]["config"] == {"ask": "due"}


@pytest.mark.parametrize("source", WITH_ADDRESS)
def test_a_publisher_is_asked_as_often_as_its_cadence_says(source: str) -> None:
    known = catalogue.source(source)
    ticks = _ticks(automation.timetable(known), datetime(2027, 1, 1, tzinfo=UTC), 40)
    apart = {(later - earlier).days for earlier, later in pairwise(ticks)}
    allowed = {"weekly": {1}, "monthly": {1, 3, 4}, "quarterly": {7}}.get(known.cadence, {28, 29, 30, 31})
    assert apart <= allowed, apart
    # The one before was asked twenty minutes late. After a day, at a month's end, it is not due, and the next time it is.
    for earlier, later in pairwise(ticks):
        asked_at = (earlier + timedelta(minutes=20)).isoformat(timespec="seconds")
        last = fetch.Asked(source, "x", "https://x.example", "unchanged", "", asked_at)
        due = fetch.is_due(known, last, later.isoformat(timespec="seconds"))
        assert due is ((later - earlier).days > 1 or known.cadence == "weekly"), (earlier, later)


def _ticks(cron: str, start: datetime, number: int) -> list[datetime]:
    from dagster._utils.schedules import cron_string_iterator

    ticks = cron_string_iterator(start.timestamp(), cron, "UTC")
    return [next(ticks) for _ in range(number)]


def test_publishers_are_asked_at_times_of_their_own_that_stay() -> None:
    clocks = [tuple(automation.timetable(catalogue.source(source)).split()[:2]) for source in WITH_ADDRESS]
    assert len(set(clocks)) == len(clocks)
    # sha256("eurostat_prisons") begins with e03a4223 (by `sha256sum`), which is 3,761,914,403: minute 23, hour 13, day 24.
    assert automation.timetable(catalogue.source("eurostat_prisons")) == "23 13 24 * *"


def test_who_was_asked_in_vain_is_asked_again_the_next_day_and_nobody_else(home: Home) -> None:
    (schedule,) = (s for s in defs.get_repository_def().schedule_defs if s.name == "ask_again")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    clock = schedule.cron_schedule
    assert isinstance(clock, str) and clock.split()[2:] == ["*", "*", "*"]  # every day

    def requests() -> list[dg.RunRequest]:
        context = dg.build_schedule_context(scheduled_execution_time=datetime.now(UTC))
        return list(schedule.evaluate_tick(context).run_requests or [])

    asking = fetch.Asking(home)
    at = "2026-11-01T00:00:00Z"
    # Of a new installation nobody has been asked yet, and a yearly source's own turn may be a month away.
    (request,) = requests()
    keys = {dg.AssetKey([kind, source]) for kind in ("snapshot", "accepted") for source in WITH_ADDRESS}
    assert set(request.asset_selection or ()) == keys
    for source in WITH_ADDRESS:
        asking.note(fetch.Asked(source, "y", "https://y.example", "unchanged", "", at))
    assert requests() == []
    asking.note(fetch.Asked("unodc_prisons", "x", "https://x.example", "failed", "down", at))
    asking.note(fetch.Asked("eurostat_prisons", "x", "https://x.example", "unchanged", "", at))
    (request,) = requests()
    assert set(request.asset_selection or ()) == {
        dg.AssetKey(["snapshot", "unodc_prisons"]),
        dg.AssetKey(["accepted", "unodc_prisons"]),
    }
    # Who failed is due whatever the cadence says, so that the run does ask.
    assert asking.failed(catalogue.source("unodc_prisons"))


# Building what was accepted


def look(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    told = automation.build_what_was_accepted(dg.build_sensor_context(instance=instance))
    assert isinstance(told, (dg.RunRequest, dg.SkipReason))
    return told


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


GAPS = """place_id,component,low,central,high,reference,source,note
CHN,sentenced prisoners in Ministry of Justice prisons,1600000,1600000,1600000,2018-12-31,Invented,
CHN,pre-trial and administrative detention,100000,600000,,2009 to 2025,Invented,
PRK,political prison camps,70000,90000,110000,2014,Invented,
ERI,all prisons,,,,,Invented,nobody knows
"""


def take_gaps(home: Home) -> None:
    """Accept another vintage of the gaps."""
    path = home.root / "gaps.csv"
    path.write_text(GAPS, encoding="utf-8")
    assert import_file(home, "gaps", path, vintage="2026-11-24").state == "accepted"


def test_a_build_is_asked_for_once_when_something_was_accepted(home: Home, instance: dg.DagsterInstance) -> None:
    if default_as_of(date.today()) == date(2025, 12, 31):  # the day of the first run of the tests
        assert isinstance(look(instance), dg.SkipReason)
    take_gaps(home)
    first, second = look(instance), look(instance)
    assert isinstance(first, dg.RunRequest) and isinstance(second, dg.RunRequest)
    # Dagster makes no second run of one key, also where the first has failed.
    assert first.run_key and first.run_key == second.run_key
    config = first.run_config["resources"]["options"]["config"]
    assert config == {"as_of": default_as_of(date.today()).isoformat()}


@pytest.mark.thorough
def test_what_was_withdrawn_and_taken_back_is_built_again(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leads back to what was built before, which must not count as asked for already."""
    few = replace(rules(), draws=50, test_from=2020)  # what is estimated, and whether it is good, is tested elsewhere
    monkeypatch.setattr("warehouse.estimate.tables.rules", lambda: few)
    monkeypatch.setattr("warehouse.checks.submit", nothing_asked)
    monkeypatch.setattr("warehouse.checkers.start", lambda: None)
    as_of = default_as_of(date.today())
    build(home, as_of)
    keys = set()
    for step in (take_gaps, lambda home: shutil.rmtree(home.accepted / "gaps"), take_gaps):
        step(home)
        told = look(instance)
        assert isinstance(told, dg.RunRequest)
        keys.add(told.run_key)
        build(home, as_of)
        assert isinstance(look(instance), dg.SkipReason)
    assert len(keys) == 3


def test_no_build_is_asked_for_while_a_run_is_at_work(home: Home, instance: dg.DagsterInstance) -> None:
    take_gaps(home)
    run = instance.create_run_for_job(defs.resolve_job_def("build"), status=dg.DagsterRunStatus.STARTED)
    assert isinstance(look(instance), dg.SkipReason)
    instance.report_run_failed(run)
    assert isinstance(look(instance), dg.RunRequest)


def test_every_day_the_tables_are_found_to_be_of_what_is_accepted(home: Home, instance: dg.DagsterInstance) -> None:
    """So that a quiet month turns nothing red, and a build that fails does."""
    (schedule,) = (s for s in defs.get_repository_def().schedule_defs if s.name == "confirm_what_is_built")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert isinstance(schedule.cron_schedule, str) and schedule.cron_schedule.split()[2:] == ["*", "*", "*"]
    told = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=datetime.now(UTC)))
    (request,) = told.run_requests or []
    build(home, default_as_of(date.today()))
    before = home.warehouse.stat().st_mtime_ns
    job = defs.resolve_job_def(schedule.job_name)
    result = job.execute_in_process(run_config=request.run_config, instance=instance)
    made = result.get_asset_materialization_events()
    assert {event.asset_key for event in made} == set(job.asset_layer.executable_asset_keys) and len(made) >= 20
    assert {event.materialization.metadata["built anew"].value for event in made} == {False}
    assert home.warehouse.stat().st_mtime_ns == before


def test_sensors_run_without_being_turned_on() -> None:
    sensors = {s.name: s.default_status for s in defs.get_repository_def().sensor_defs}
    names = {"build_what_was_accepted", "tell_what_failed", "tell_what_fell_back"}
    assert sensors == dict.fromkeys(names, dg.DefaultSensorStatus.RUNNING)
    made = defs.resolve_job_def("build").asset_layer.executable_asset_keys
    assert {key.path[0] for key in made} == {
        path.stem for path in (homes.REPOSITORY / "warehouse/models").glob("*.sql")
    }


# Dagster's own settings


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home without anything."""
    for name in ("DAGSTER_HOME", "CUSTODY_HOME"):
        monkeypatch.setenv(name, "")  # what prepare_store sets is taken back at the end
    return Home(tmp_path / "home")


def test_one_run_at_a_time_and_old_ticks_are_forgotten(own: Home) -> None:
    execute.prepare_store(own)
    with dg.DagsterInstance.from_config(str(own.dagster)) as instance:
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None and queue.max_concurrent_runs == 1
        assert instance.run_monitoring_enabled and instance.telemetry_enabled is False
        from dagster._core.definitions.run_request import InstigatorType
        from dagster._core.scheduler.instigation import TickStatus

        assert instance.get_tick_retention_settings(InstigatorType.SENSOR)[TickStatus.SKIPPED] == 1
        assert set(instance.get_tick_retention_settings(InstigatorType.SCHEDULE).values()) == {90}


def test_settings_of_an_earlier_version_are_renewed_and_changed_ones_stay(own: Home) -> None:
    settings = own.dagster / "dagster.yaml"
    write_bytes(settings, b"telemetry:\n  enabled: false\nnux:\n  enabled: false\n")
    execute.prepare_store(own)
    assert b"max_concurrent_runs: 1" in settings.read_bytes()
    changed = b"telemetry:\n  enabled: false\nnux:\n  enabled: false\n# mine\n"
    write_bytes(settings, changed)
    execute.prepare_store(own)
    assert settings.read_bytes() == changed


def test_a_run_whose_process_was_killed_makes_way(home: Home, instance: dg.DagsterInstance) -> None:
    """At the next look; Dagster itself would wait for hours."""
    take_gaps(home)
    says = "from pipelines import alive; print(alive.name_of_this_process(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", says], cwd=homes.REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    tags = {alive.PROCESS: process.stdout.readline().strip()}
    run = instance.create_run_for_job(defs.resolve_job_def("build"), status=dg.DagsterRunStatus.STARTED, tags=tags)
    assert isinstance(look(instance), dg.SkipReason)
    process.kill()
    process.wait()
    assert isinstance(look(instance), dg.RunRequest)
    found = instance.get_run_by_id(run.run_id)
    assert found and found.status == dg.DagsterRunStatus.FAILURE


def test_a_number_that_was_given_again_is_no_sign_of_life() -> None:
    host, number, start = alive.name_of_this_process().split()
    assert not alive.is_gone(f"{host} {number} {start}")
    assert alive.is_gone(f"{host} {number} {int(start) - 1}")
    assert not alive.is_gone(f"elsewhere {number} {int(start) - 1}"), "of another machine nothing is known"


def test_what_is_made_anew_is_built_on_the_same_day(home: Home, instance: dg.DagsterInstance) -> None:
    """As where a build has failed of altered rows: the same is accepted again, and built."""
    take_gaps(home)
    first = look(instance)
    record = home.accepted / "gaps" / "gaps" / "2026-11-24" / "accepted.json"
    os.utime(record, ns=(0, record.stat().st_mtime_ns + 10**9))
    second = look(instance)
    assert isinstance(first, dg.RunRequest) and isinstance(second, dg.RunRequest) and first.run_key != second.run_key


def test_a_file_that_cannot_be_read_again_is_told(home: Home, instance: dg.DagsterInstance) -> None:
    take_gaps(home)
    (stored,) = (home.archive / "objects").glob("*/*")
    stored.write_bytes(stored.read_bytes()[:-2] + b"X\n")
    chosen = {dg.AssetKey(["accepted", "gaps"])}
    job = defs.get_implicit_global_asset_job_def().get_subset(asset_selection=chosen)
    config = {"resources": {"options": {"config": {"reread": True}}}}
    result = job.execute_in_process(run_config=config, instance=instance)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed and "were altered" in (check.description or "")
    assert [r["state"] for r in failures(home, catalogue.source("gaps"))] == ["refused"], (
        "`custody status` tells it too"
    )
    take_gaps(home)
    assert failures(home, catalogue.source("gaps")) == []


def test_a_killed_run_does_not_keep_the_queue_waiting_for_ever(own: Home) -> None:
    execute.prepare_store(own)
    with (
        dg.DagsterInstance.from_config(str(own.dagster)) as instance,
        create_test_daemon_workspace_context(EmptyWorkspaceTarget(), instance) as context,
    ):
        run = instance.create_run_for_job(assets.custody_job(), status=dg.DagsterRunStatus.STARTED)
        began = time.time()

        def status_after(hours: float) -> dg.DagsterRunStatus:
            from dagster._core.storage.runs.schema import RunsTable

            with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
                row = RunsTable.update().where(RunsTable.c.run_id == run.run_id)
                connection.execute(row.values(start_time=began - hours * 3600))
            list(execute_run_monitoring_iteration(context, _logger()))
            found = instance.get_run_by_id(run.run_id)
            assert found is not None
            return found.status

        assert status_after(2.9) == dg.DagsterRunStatus.STARTED
        assert status_after(3.1) == dg.DagsterRunStatus.FAILURE


def _logger() -> object:
    import logging

    return logging.getLogger("dagster.test")


# Reading again


def test_archived_files_of_chosen_sources_are_read_again_when_told(home: Home, instance: dg.DagsterInstance) -> None:
    take_gaps(home)
    record = home.accepted / "gaps" / "gaps" / "2026-11-24" / "accepted.json"
    made, kept = record.stat().st_mtime_ns, json.loads(record.read_text())
    chosen = {dg.AssetKey(["accepted", "gaps"])}
    job = defs.get_implicit_global_asset_job_def().get_subset(asset_selection=chosen)
    for options, anew in (({}, False), ({"reread": True}, True)):
        config = {"resources": {"options": {"config": options}}}
        result = job.execute_in_process(run_config=config, instance=instance)
        assert {m.asset_key for m in result.get_asset_materialization_events()} == chosen
        assert (record.stat().st_mtime_ns != made) is anew
    assert json.loads(record.read_text())["tables"] == kept["tables"]


def test_only_the_chosen_vintages_and_files_are_read_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from sources.errors import Misused
    from warehouse import reread

    take_gaps(home)
    (home.root / "gaps.csv").write_text(GAPS.replace("70000", "71000"), encoding="utf-8")
    assert import_file(home, "gaps", home.root / "gaps.csv", vintage="2026-11-25").state == "accepted"
    read: list[str] = []

    def decide(ground: Ground, snapshot: Snapshot) -> None:
        assert ground.again
        read.append(str(snapshot.vintage_hint))

    monkeypatch.setattr(reread, "decide", decide)
    gaps = catalogue.source("gaps")
    for chosen, expected in (
        ({}, ["2026-11-24", "2026-11-25"]),
        ({"vintages": ["2026-11-25"]}, ["2026-11-25"]),
        ({"files": ["gaps"]}, ["2026-11-24", "2026-11-25"]),
        ({"files": ["gaps"], "vintages": ["2026-11-24"]}, ["2026-11-24"]),
    ):
        read.clear()
        reread.reread(home, gaps, **chosen)
        assert sorted(read) == expected, chosen
    for nothing in ({"vintages": ["2020"]}, {"files": ["holes"]}, {"files": ["gaps"], "vintages": ["2020"]}):
        with pytest.raises(Misused, match=r"Nothing of gaps in the archive is .*; `custody status --json` lists"):
            reread.reread(home, gaps, **nothing)


def test_the_options_of_a_run_choose_what_is_read_again(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], list[str]]] = []
    monkeypatch.setattr(assets, "reread", lambda _home, _source, files, vintages: asked.append((files, vintages)) or [])
    chosen = {dg.AssetKey(["accepted", "gaps"])}
    job = defs.get_implicit_global_asset_job_def().get_subset(asset_selection=chosen)
    for options in ({"vintages": ["x"]}, {"reread": True, "files": ["gaps"], "vintages": ["2026-11-24"]}):
        config = {"resources": {"options": {"config": options}}}
        assert job.execute_in_process(run_config=config, instance=instance).success
    assert asked == [(["gaps"], ["2026-11-24"])]


# The interface and the daemon together


@pytest.mark.thorough
def test_ui_starts_everything_and_ends_all_of_it(tmp_path: Path) -> None:
    from tests.pipelines.test_runs import free_port

    home, port, log = tmp_path / "home", free_port(), tmp_path / "log"
    write_bytes(Home(home).reports / "quality.html", b"how every check answered")
    with log.open("wb") as stream:
        ui = subprocess.Popen(
            [sys.executable, "-c", homes.MAIN, "ui", "--port", str(port)],
            env=homes.environment(home), cwd=homes.scratch(), stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 180
        while not all(word in log.read_text() for word in ("Serving dagster-webserver", "build_what_was_accepted")):
            assert ui.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        with urlopen(f"http://127.0.0.1:{port + 1}/quality.html", timeout=20) as answer:
            assert answer.read() == b"how every check answered"
        (session,) = _children(ui.pid)
        members = _session(session)
        assert len(members) >= 4  # the first, the web interface, the daemon, the code
    finally:
        ui.send_signal(signal.SIGTERM)
        ui.wait(timeout=90)
    deadline = time.monotonic() + 10  # a killed process is gone when the system has cleared it away
    while left := _session(session):
        assert time.monotonic() < deadline, [Path(f"/proc/{p}/cmdline").read_text() for p in left]
        time.sleep(0.1)
    assert "Traceback" not in log.read_text().split("Serving dagster-webserver")[0]


def _children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session and "State:\tZ" not in (path / "status").read_text():
                found.append(int(path.name))
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found
