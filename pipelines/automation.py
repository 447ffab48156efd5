"""What runs without being asked: publishers are asked by a timetable, what was accepted is built, people are told.

The daemon that `custody ui` starts does this. Schedules and sensors are on unless somebody turns them off there.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg

from pipelines import alive, notify
from pipelines.assets import build_step, snapshot_key
from pipelines.endings import fallen_back, reason, reason_of_run
from sources import fetch
from sources.asked import Asking
from sources.catalogue import Source, sources
from sources.home import Home, sha256
from warehouse.records import last_accepted
from warehouse.standing import default_as_of, wanted

#: Seconds between two looks at whether there is something to build.
LOOK_EVERY = 60

ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
GOING_ON = [status for status in dg.DagsterRunStatus if status not in ENDED]


def timetable(source: Source) -> str:
    """When a publisher is asked, as cron says it; each at a time of its own, so that not all are asked at once.

    `sources.fetch.DUE` says how often that is; what is not due is not asked for.
    """
    number = int(sha256(source.id.encode())[:8], 16)
    clock = f"{number % 60} {number // 60 % 24}"
    days = fetch.DUE[source.cadence]
    if days == 1:
        return f"{clock} * * *"
    if days == 3:
        return f"{clock} {number % 3 + 1}-31/3 * *"
    if days == 7:
        return f"{clock} * * {number % 7}"
    return f"{clock} {number % 28 + 1} * *"


def _keys(source: Source) -> tuple[dg.AssetKey, dg.AssetKey]:
    """What is made when a publisher is asked."""
    return snapshot_key(source), dg.AssetKey(["accepted", source.id])


def _asking(source: Source) -> dg.ScheduleDefinition:
    """The schedule by which one publisher is asked, and what came is taken in."""
    own = dg.AssetSelection.assets(*_keys(source))
    return dg.ScheduleDefinition(
        name=f"ask_{source.id}",
        cron_schedule=timetable(source),
        execution_timezone="UTC",
        job=dg.define_asset_job(f"ask_{source.id}", selection=own),
        run_config={"resources": {"options": {"config": {"ask": "due"}}}},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Ask {source.publisher} for what is due, and take it in.",
    )


WITH_ADDRESS = [s for s in sources().values() if fetch.has_address(s)]


@dg.schedule(
    name="ask_again",
    cron_schedule="45 4 * * *",
    execution_timezone="UTC",
    job=dg.define_asset_job(
        "ask_again", selection=dg.AssetSelection.assets(*(k for s in WITH_ADDRESS for k in _keys(s)))
    ),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Ask the publishers who were never asked, or gave no answer, however seldom they are asked else.",
)
def ask_again() -> dg.RunRequest | dg.SkipReason:
    """Ask for a run of the sources that were asked in vain, or of which a new installation has asked nothing yet."""
    asking = Asking(Home.from_environment())
    waiting = [source for source in WITH_ADDRESS if asking.never(source) or asking.failures(source)]
    if not waiting:
        return dg.SkipReason("Everybody was asked and has answered.")
    return dg.RunRequest(
        asset_selection=[key for source in waiting for key in _keys(source)],
        run_config={"resources": {"options": {"config": {"ask": "due"}}}},
    )


BUILD = dg.define_asset_job("build", selection=dg.AssetSelection.assets(build_step))

#: Each day the tables are held against what is accepted, which takes seconds where they are of it. So they are late
#: where the build fails or nobody looks, and not because publishers had nothing new.
CONFIRM = dg.ScheduleDefinition(
    name="confirm_what_is_built",
    cron_schedule="45 5 * * *",
    execution_timezone="UTC",
    job=BUILD,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Say that the tables are of what is accepted, or build them.",
)


@dg.sensor(
    name="build_what_was_accepted",
    job=BUILD,
    minimum_interval_seconds=LOOK_EVERY,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Build the tables when what is accepted is no longer what they were built from.",
)
def build_what_was_accepted(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a build of what is accepted; Dagster runs no key twice, so that one that failed waits a day."""
    alive.bury(context.instance)
    if context.instance.get_runs(dg.RunsFilter(statuses=GOING_ON), limit=1):
        return dg.SkipReason("A run is at work or waits for its turn; what it leaves is looked at when it has ended.")
    as_of, home = default_as_of(date.today()), Home.from_environment()
    build = wanted(home, as_of)
    if build is None:
        return dg.SkipReason("The warehouse is current.")
    # Whether a run of this key was killed, met a full disk or failed for good, a day is soon enough to try
    # again, unless something was accepted since, which may be the same as before, made anew.
    key = f"{build} on {date.today()} after {last_accepted(home)}"
    return dg.RunRequest(run_key=key, run_config={"resources": {"options": {"config": {"as_of": as_of.isoformat()}}}})


@dg.run_failure_sensor(
    name="tell_what_failed",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tell people that a run failed, by the webhook and the mail that the environment names.",
)
def tell_what_failed(context: dg.RunFailureSensorContext) -> None:
    """Tell of a failed run."""
    steps = context.get_step_failure_events()
    _tell(context, reason(steps[0]) if steps else reason_of_run(context.failure_event))


@dg.run_status_sensor(
    name="tell_what_fell_back",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tell people that a source's newest file could not be used or had, so that an older vintage stays.",
)
def tell_what_fell_back(context: dg.RunStatusSensorContext) -> None:
    """Tell of what did not go well in a run that ended well."""
    _tell(context, None)


def _tell(context: dg.RunStatusSensorContext, failure: str | None) -> None:
    run_id = context.dagster_run.run_id
    logged = context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.dagster_event.asset_check_evaluation_data for entry in logged if entry.dagster_event]
    record = context.instance.get_run_record_by_id(run_id)
    began = datetime.fromtimestamp((record and record.start_time) or 0, UTC)
    since = began.isoformat(timespec="seconds").replace("+00:00", "Z")
    notify.tell(Home.from_environment(), failure, fallen_back(checks), since, context.log.warning)


automated = dg.Definitions(
    schedules=[*(_asking(source) for source in WITH_ADDRESS), ask_again, CONFIRM],
    sensors=[build_what_was_accepted, tell_what_failed, tell_what_fell_back],
)
