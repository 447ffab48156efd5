"""What is made: a snapshot and an accepted asset for each source, an asset for each table, one job for all of them.

An asset's checks come from the step that made it, because Great Expectations has run there already. A source that
fell back on an older vintage shows a failed check and does not stop the others. What makes these without being asked
is in `pipelines.automation`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date

import dagster as dg
from pydantic import Field

from pipelines import alive, describing
from pipelines.describing import markdown
from sources import fetch
from sources.archive import Snapshot
from sources.asked import Asked
from sources.catalogue import Source, sources
from sources.errors import Misused, Refused
from sources.home import Home, sha256
from sources.lock import alone
from warehouse.build import BuildFailed, build
from warehouse.intake import Intake, take_in
from warehouse.models import Model, models
from warehouse.records import snapshots
from warehouse.reread import reread
from warehouse.results import CheckResult
from warehouse.standing import BuiltTable, default_as_of, find

JOB = "custody"
CHECK = "expectations"
PATIENCE = 3600  # seconds for which a step waits until another process has ended
LOGGER = logging.getLogger("custody")

#: The first question that a person has of an asset is whom to ask.
OWNERS = ["team:custody"]

#: For what is unexpected, such as a disk that was full: after one minute and two more, by a daemon that has the time.
RETRIES = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)

Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


class RunOptions(dg.ConfigurableResource["RunOptions"]):
    """What a run may be told.

    `as_of` is the reference day as YYYY-MM-DD, by default the last day of last year. `ask` says which publishers are
    asked: those that are `due` by their cadence, `all`, or `none`. With `reread` every file in the archive is read
    again, also where the same code has read it before; with `files` or `vintages` beside it, only what is of one of
    these files and became one of these vintages.
    """

    as_of: str = ""
    ask: str = Field(default="due", pattern="^(due|all|none)$")
    reread: bool = False
    files: list[str] = Field(default_factory=list)
    vintages: list[str] = Field(default_factory=list)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Name the process that is at work on the run; in the in-process executor it is that of every step."""
        if context.instance and context.run:
            context.instance.add_run_tags(context.run.run_id, {alive.PROCESS: alive.name_of_this_process()})

    @property
    def day(self) -> date:
        """The reference day.

        Raises:
            Misused: when it is none.
        """
        try:
            return date.fromisoformat(self.as_of) if self.as_of else default_as_of(date.today())
        except ValueError:
            raise Misused(f"as_of {self.as_of!r} is not a day such as 2025-12-31; start the run with one.") from None


def _alone(home: Home) -> AbstractContextManager[None]:
    """The lock of the home, which `custody run` holds already; a step of a scheduled run waits for its turn."""
    return alone(home, "a run of Dagster's", wait=PATIENCE)


@contextmanager
def _refusals() -> Iterator[None]:
    """What is refused is told in its own sentence, and would be refused again."""
    try:
        yield
    except (BuildFailed, Refused) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def _tags(source: Source) -> dict[str, str]:
    return {"tier": source.tier, "licence_class": source.licence_class, "cadence": source.cadence}


def snapshot_key(source: Source) -> dg.AssetKey:
    """The files of a source."""
    return dg.AssetKey(["snapshot", source.id])


@dg.multi_asset(
    name="fetch",
    specs=[
        dg.AssetSpec(
            snapshot_key(source),
            group_name=source.subject,
            kinds={"file"},
            owners=OWNERS,
            tags=_tags(source),
            freshness_policy=describing.freshness_of_source(source),
            description=f"The files of {source.title}, byte for byte as {source.publisher} gave them.",
        )
        for source in sources().values()
    ],
    can_subset=True,
    retry_policy=RETRIES,
)
def fetch_step(options: RunOptions) -> Iterator[dg.MaterializeResult[None]]:
    """Ask publishers for what is due, those of different hosts at the same time, and tell what the archive holds."""
    home = Home.from_environment()
    # Asked for here: Dagster does not know the type of a parameter where annotations are postponed.
    wanted = dg.AssetExecutionContext.get().selected_asset_keys
    chosen = [s for s in sources().values() if snapshot_key(s) in wanted]
    asked: dict[str, list[Asked]] = {s.id: [] for s in chosen}
    with _refusals():
        if options.ask != "none":
            with _alone(home):
                due_only = options.ask == "due"
                for answer in fetch.fetch(home, chosen, fetch.client(), due_only=due_only, progress=LOGGER.info):
                    asked[answer.source_id].append(answer)
    for source in chosen:
        try:
            known = snapshots(home, source)
        except Refused as error:  # told again where the source is taken in, as what it fell back for
            LOGGER.info(f"{source.id}: {error}")
            known = []
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
                "asked": markdown(
                    ["file", "outcome", "what was said", "address"],
                    [(a.file or "addresses", a.outcome, a.message, a.url) for a in asked[source.id]],
                ),
            },
        )


def _digest_of(known: Sequence[Snapshot]) -> str:
    return sha256("".join(sorted(s.sha256 for s in known)).encode())


def source_step(source: Source) -> dg.AssetsDefinition:
    """The step that takes a source in."""
    accepted = dg.AssetKey(["accepted", source.id])

    @dg.multi_asset(
        name=f"take_in_{source.id}",
        specs=[
            dg.AssetSpec(
                accepted,
                deps=[snapshot_key(source)],
                group_name=source.subject,
                kinds={"parquet"},
                owners=OWNERS,
                tags=_tags(source),
                freshness_policy=describing.freshness_of_source(source),
                description=f"{source.title}: rows that passed every critical check, all vintages.",
            ),
        ],
        check_specs=[dg.AssetCheckSpec(CHECK, asset=accepted, description="Great Expectations on the newest files.")],
        retry_policy=RETRIES,
    )
    def step(options: RunOptions) -> Events:
        with _refusals(), _alone(home := Home.from_environment()):
            again = reread(home, source, options.files, options.vintages) if options.reread else []
            intake = take_in(home, source)
        told = {(v.file, v.sha256) for v in intake.fallen_back}
        unread = [v for v in again if v.state != "accepted" and (v.file, v.sha256) not in told]
        intake = replace(intake, fallen_back=[*intake.fallen_back, *unread])
        LOGGER.info(_told(intake))
        for verdict in intake.verdicts:
            for warning in verdict.warnings:
                LOGGER.info(f"warning: {verdict.file_name}: {warning}")
        # Always told, with no rows where there is nothing yet: Dagster would skip the build without a word.
        yield dg.MaterializeResult(
            asset_key=accepted,
            metadata={
                "dagster/row_count": intake.rows,
                "vintages": _vintages(intake),
                "latest figures": describing.headline(source, intake),
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
                "results": _results([c for v in intake.newest for c in v.checks()]),
            },
        )

    return step


def _told(intake: Intake) -> str:
    stamps = ", ".join(sorted({v.vintage for v in intake.vintages})) or "none yet"
    fell_back = "".join(f"; FELL BACK: {v.message}" for v in intake.fallen_back)
    stale = "".join(f"; correction {c} is stale, its error is no longer there" for c in intake.stale_corrections)
    return f"{intake.source_id}: {intake.rows:,} rows, vintages {stamps}{fell_back}{stale}"


def _vintages(intake: Intake) -> dg.MarkdownMetadataValue:
    counts = ("items", "observations", "left_out")
    return markdown(
        ["file", "vintage", "items", "rows", "left out"],
        [(v.file, v.vintage, *(v.record[count] for count in counts)) for v in intake.vintages],
    )


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


FRESHNESS = describing.freshness_of_tables()


@dg.multi_asset(
    name="build_warehouse",
    specs=[
        dg.AssetSpec(
            model.name,
            deps=_depends_on(model),
            group_name=model.table.subject,
            kinds={"duckdb"},
            owners=OWNERS,
            tags={"rows": model.table.group},
            description=model.table.row,
            metadata={"dagster/column_schema": describing.columns(model.table)},
            freshness_policy=FRESHNESS,
        )
        for model in models()
    ],
    check_specs=[dg.AssetCheckSpec(CHECK, asset=model.name) for model in models()],
    retry_policy=RETRIES,
)
def build_step(options: RunOptions) -> Events:
    """Build the warehouse and report each of its tables."""
    with _refusals(), _alone(home := Home.from_environment()):
        last = find(home)
        built = build(home, options.day, LOGGER.info)
        shown, total = describing.previews(home), describing.world_total(home)
    before = {table.name: table.rows for table in last.tables} if last else {}
    for table in built.tables:
        rows_before = before.get(table.name)
        yield dg.MaterializeResult(
            asset_key=table.name,
            metadata={
                "dagster/row_count": table.rows,
                **({} if rows_before is None else {"rows before": rows_before, "change": table.rows - rows_before}),
                **(total if table.name == "world_total" else {}),
                **({"first rows": shown[table.name]} if table.name in shown else {}),
                "as_of": built.as_of.isoformat(),
                "built anew": built.new,
                "inputs sha256": built.digest,
                "warehouse": dg.MetadataValue.path(str(home.warehouse)),
                "how every check answered": describing.report(built.report),
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
            "results": _results(table.checks),
        },
    )


def _results(checks: Sequence[CheckResult]) -> dg.MarkdownMetadataValue:
    return markdown(
        ["outcome", "columns", "expectation", "rows", "failing"],
        [(c.outcome, ", ".join(c.columns), c.reason, c.rows, c.failing) for c in checks],
    )


#: All that the command line needs.
made = dg.Definitions(
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
    return made.resolve_job_def(JOB)
