"""What Dagster knows: a snapshot and an accepted asset for each source, an asset for each table, one job.

An asset's checks come from the step that made it, because Great Expectations has run there already. A source that
fell back on an older vintage shows a failed check and does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date

import dagster as dg
from pydantic import Field

from sources import fetch
from sources.archive import Snapshot
from sources.asked import Asked
from sources.catalogue import Source, sources
from sources.errors import Refused
from sources.home import Home, sha256
from sources.lock import alone
from warehouse.build import BuildFailed, build
from warehouse.intake import Intake, take_in
from warehouse.models import Model, models
from warehouse.records import snapshots
from warehouse.results import CheckResult
from warehouse.standing import BuiltTable, default_as_of

JOB = "custody"
CHECK = "expectations"
PATIENCE = 3600  # seconds for which a step waits until another process has ended
LOGGER = logging.getLogger("custody")

Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


class RunOptions(dg.ConfigurableResource["RunOptions"]):
    """What a run may be told.

    `as_of` is the reference day as YYYY-MM-DD, by default the last day of last year. `ask` says which publishers are
    asked: those that are `due` by their cadence, `all`, or `none`.
    """

    as_of: str = ""
    ask: str = Field(default="due", pattern="^(due|all|none)$")

    @property
    def day(self) -> date:
        """The reference day."""
        return date.fromisoformat(self.as_of) if self.as_of else default_as_of(date.today())


def _alone(home: Home) -> AbstractContextManager[None]:
    """The lock of the home, which `custody run` holds already; a step of a scheduled run waits for its turn."""
    return alone(home, "a run of Dagster's", wait=PATIENCE)


def snapshot_key(source: Source) -> dg.AssetKey:
    """The files of a source."""
    return dg.AssetKey(["snapshot", source.id])


@dg.multi_asset(
    name="fetch",
    specs=[
        dg.AssetSpec(
            snapshot_key(source),
            group_name="snapshots",
            kinds={"file"},
            description=f"The files of {source.title}, byte for byte as {source.publisher} gave them.",
        )
        for source in sources().values()
    ],
    can_subset=True,
)
def fetch_step(options: RunOptions) -> Iterator[dg.MaterializeResult[None]]:
    """Ask publishers for what is due, those of different hosts at the same time, and tell what the archive holds."""
    home = Home.from_environment()
    # Asked for here: Dagster does not know the type of a parameter where annotations are postponed.
    wanted = dg.AssetExecutionContext.get().selected_asset_keys
    chosen = [s for s in sources().values() if snapshot_key(s) in wanted]
    asked: dict[str, list[Asked]] = {s.id: [] for s in chosen}
    if options.ask != "none":
        with _alone(home):
            due_only = options.ask == "due"
            for answer in fetch.fetch(home, chosen, fetch.client(), due_only=due_only, progress=LOGGER.info):
                asked[answer.source_id].append(answer)
    for source in chosen:
        known = snapshots(home, source)
        newest = max(known, key=lambda s: (s.retrieved_at, s.sha256), default=None)
        told = ("file", "file_name", "sha256", "bytes", "media_type", "retrieved_at", "obtained", "url")
        yield dg.MaterializeResult(
            asset_key=snapshot_key(source),
            data_version=dg.DataVersion(_digest_of(known)),
            metadata={
                "files": len({s.file for s in known}),
                "snapshots": len(known),
                "licence": source.licence,
                **({key: getattr(newest, key) for key in told} if newest else {}),
                "asked": dg.MetadataValue.md(_asked(asked[source.id])),
            },
        )


def _digest_of(known: Sequence[Snapshot]) -> str:
    return sha256("".join(sorted(s.sha256 for s in known)).encode())


def _asked(answers: Sequence[Asked]) -> str:
    rows = [f"| {a.file or 'addresses'} | {a.outcome} | {a.message} | {a.url} |" for a in answers]
    return "\n".join(["| file | outcome | what was said | address |", "| --- | --- | --- | --- |", *rows])


def source_step(source: Source) -> dg.AssetsDefinition:
    """The step that takes a source in."""
    accepted = dg.AssetKey(["accepted", source.id])

    @dg.multi_asset(
        name=f"take_in_{source.id}",
        specs=[
            dg.AssetSpec(
                accepted,
                deps=[snapshot_key(source)],
                group_name="accepted",
                kinds={"parquet"},
                description=f"{source.title}: rows that passed every critical check, all vintages.",
            ),
        ],
        check_specs=[dg.AssetCheckSpec(CHECK, asset=accepted, description="Great Expectations on the newest files.")],
    )
    def step() -> Events:
        with _alone(home := Home.from_environment()):
            intake = take_in(home, source)
        LOGGER.info(_told(intake))
        # Always told, with no rows where there is nothing yet: Dagster would skip the build without a word.
        yield dg.MaterializeResult(
            asset_key=accepted,
            metadata={
                "dagster/row_count": intake.rows,
                "vintages": dg.MetadataValue.md(_vintages(intake)),
                "sha256": dg.MetadataValue.json(_digests(intake)),
            },
        )
        yield dg.AssetCheckResult(
            asset_key=accepted,
            check_name=CHECK,
            passed=not intake.fallen_back,
            severity=dg.AssetCheckSeverity.ERROR,
            description=" ".join(v.message for v in intake.fallen_back) or None,
            metadata={
                "files that fell back": len(intake.fallen_back),
                "stale corrections": ", ".join(intake.stale_corrections) or "none",
                "results": dg.MetadataValue.md(_results([c for v in intake.newest for c in v.checks()])),
            },
        )

    return step


def _told(intake: Intake) -> str:
    stamps = ", ".join(sorted({v.vintage for v in intake.vintages})) or "none yet"
    fell_back = "".join(f"; FELL BACK: {v.message}" for v in intake.fallen_back)
    stale = "".join(f"; correction {c} is stale, its error is no longer there" for c in intake.stale_corrections)
    return f"{intake.source_id}: {intake.rows:,} rows, vintages {stamps}{fell_back}{stale}"


def _vintages(intake: Intake) -> str:
    rows = [
        f"| {v.file} | {v.vintage} | {v.record['items']:,} | {v.record['observations']:,} | {v.record['left_out']:,} |"
        for v in intake.vintages
    ]
    return "\n".join(["| file | vintage | items | rows | left out |", "| --- | --- | --- | --- | --- |", *rows])


def _depends_on(model: Model) -> list[dg.AssetKey]:
    # Not on snapshots: a source that has none yet would have Dagster skip the build without a word.
    from_sources = model.table.group == "accepted" or model.name == "snapshot"
    files = [dg.AssetKey(["accepted", source_id]) for source_id in sources()] if from_sources else []
    return [*files, *(dg.AssetKey(name) for name in sorted(model.reads))]


def _digests(intake: Intake) -> dict[str, dict[str, str]]:
    return {
        f"{v.file} {v.vintage}": {table: entry["sha256"] for table, entry in v.record["tables"].items()}
        for v in intake.vintages
    }


@dg.multi_asset(
    name="build_warehouse",
    specs=[
        dg.AssetSpec(
            model.name,
            deps=_depends_on(model),
            group_name="tables",
            kinds={"duckdb"},
            description=model.table.row,
        )
        for model in models()
    ],
    check_specs=[dg.AssetCheckSpec(CHECK, asset=model.name) for model in models()],
)
def build_step(options: RunOptions) -> Events:
    """Build the warehouse and report each of its tables."""
    try:
        with _alone(home := Home.from_environment()):
            built = build(home, options.day, LOGGER.info)
    except (BuildFailed, Refused) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    for table in built.tables:
        yield dg.MaterializeResult(
            asset_key=table.name,
            metadata={
                "dagster/row_count": table.rows,
                "as_of": built.as_of.isoformat(),
                "built anew": built.new,
                "inputs sha256": built.digest,
            },
        )
        yield _checked(table)


def _checked(table: BuiltTable) -> dg.AssetCheckResult:
    broken = [c for c in table.checks if c.outcome != "passed"]
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(table.name),
        check_name=CHECK,
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN,  # a critical one has failed the build before this is told
        metadata={
            "expectations": len(table.checks),
            "not passed": len(broken),
            "results": dg.MetadataValue.md(_results(table.checks)),
        },
    )


def _results(checks: Sequence[CheckResult]) -> str:
    rows = [f"| {c.outcome} | {', '.join(c.columns)} | {c.reason} | {c.rows:,} | {c.failing:,} |" for c in checks]
    head = ["| outcome | columns | expectation | rows | failing |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


defs = dg.Definitions(
    assets=[fetch_step, *(source_step(source) for source in sources().values()), build_step],
    jobs=[
        dg.define_asset_job(
            JOB,
            selection=dg.AssetSelection.all(),
            description="Take in what is new, build the warehouse, add up the world.",
        )
    ],
    resources={"options": RunOptions()},
    executor=dg.in_process_executor,
)


def custody_job() -> dg.JobDefinition:
    """The job as Dagster's interface resolves it, for the command line to execute."""
    return defs.resolve_job_def(JOB)
