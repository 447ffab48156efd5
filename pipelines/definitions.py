"""What Dagster knows: a snapshot and an accepted asset for each source, an asset for each table, one job.

An asset's checks come from the step that made it, because Great Expectations has run there already. A source that
fell back on an older vintage shows a failed check and does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg

from sources.catalogue import Source, sources
from sources.errors import Refused
from sources.home import Home
from warehouse.build import BuildFailed, build
from warehouse.intake import Intake, take_in
from warehouse.models import Model, models
from warehouse.results import CheckResult
from warehouse.standing import BuiltTable, default_as_of

JOB = "custody"
CHECK = "expectations"
LOGGER = logging.getLogger("custody")

Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


class RunOptions(dg.ConfigurableResource["RunOptions"]):
    """What a run may be told: the reference day as YYYY-MM-DD, by default the last day of last year."""

    as_of: str = ""

    @property
    def day(self) -> date:
        """The reference day."""
        return date.fromisoformat(self.as_of) if self.as_of else default_as_of(date.today())


def source_step(source: Source) -> dg.AssetsDefinition:
    """The step that takes a source in."""
    snapshot, accepted = dg.AssetKey(["snapshot", source.id]), dg.AssetKey(["accepted", source.id])

    @dg.multi_asset(
        name=f"take_in_{source.id}",
        specs=[
            dg.AssetSpec(
                snapshot,
                group_name="snapshots",
                kinds={"file"},
                skippable=True,
                description=f"The newest file of {source.title}, byte for byte as {source.publisher} gave it.",
            ),
            dg.AssetSpec(
                accepted,
                deps=[snapshot],
                group_name="accepted",
                kinds={"parquet"},
                description=f"{source.title}: rows that passed every critical check, all vintages.",
            ),
        ],
        check_specs=[dg.AssetCheckSpec(CHECK, asset=accepted, description="Great Expectations on the newest files.")],
    )
    def step() -> Events:
        intake = take_in(Home.from_environment(), source)
        LOGGER.info(_told(intake))
        newest = max(intake.vintages, key=lambda v: str(v.snapshot["retrieved_at"]), default=None)
        if newest:
            told = ("sha256", "bytes", "media_type", "retrieved_at", "file_name")
            yield dg.MaterializeResult(
                asset_key=snapshot,
                data_version=dg.DataVersion(newest.snapshot["sha256"]),
                metadata={
                    **{key: newest.snapshot[key] for key in told},
                    "vintage": newest.vintage,
                    "licence": source.licence,
                    "bundled": newest.bundled,
                    "all files": dg.MetadataValue.json(
                        {f"{v.file} {v.vintage}": v.snapshot["sha256"] for v in intake.vintages}
                    ),
                },
            )
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
        built = build(Home.from_environment(), options.day, LOGGER.info)
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
    assets=[*(source_step(source) for source in sources().values()), build_step],
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
