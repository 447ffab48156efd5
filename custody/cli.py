"""The `custody` command. Each command imports what it needs when it is called, so that none waits for the others."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from custody import printing
from custody import publishing as publishing  # importing it registers its commands
from custody.app import (
    DONE,
    FAILED,
    FELL_BACK,
    INTERRUPTED,
    USAGE,
    AsOf,
    Json,
    app,
    as_day,
    as_number,
    fail,
    reference_day,
)
from sources.errors import Misused, Refused
from sources.home import Home, now
from sources.lock import alone

#: What the system says where there is no room to write.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """The console script: run the command and end the process at once.

    Tearing down Dagster, pandas and DuckDB module by module takes up to a second, and nothing of it is to be kept.
    """
    status = FAILED
    try:
        command()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else DONE
    except BaseException:
        traceback.print_exc()
    if "warehouse.checkers" in sys.modules:
        sys.modules["warehouse.checkers"].stop()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status)


def command() -> None:
    """Run the command; a user's mistake ends in one sentence, never in a traceback.

    Raises:
        SystemExit: always, with the exit status.
    """
    try:
        app()
    except Refused as error:
        print(f"custody: {error}", file=sys.stderr)
        sys.exit(USAGE if isinstance(error, Misused) else FAILED)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            print("custody: stopped; the last good state is as it was.", file=sys.stderr)
        raise
    except BrokenPipeError:
        sys.exit(DONE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        if error.errno in FULL:
            todo = "the last good state is as it was; make room, then run the command again"
        else:
            todo = "CUSTODY_HOME must name a folder that can be written"
        print(f"custody: {where}{error.strerror or error}; {todo}.", file=sys.stderr)
        sys.exit(FAILED)


@app.command(epilog="Example: custody places 'Republic of (South) Korea'")
def places(name: Annotated[str, typer.Argument(help="A name or code.")], json: Json = False) -> None:
    """Say which place a name means; exit 1 and propose the nearest where it is no place's."""
    from dataclasses import asdict

    from sources.places import UnknownPlace, find

    try:
        place = find(name)
    except UnknownPlace as error:
        if json:
            nearest = [{"place_id": p.place_id, "name": p.name} for p in error.nearest]
            printing.as_json({"name": name, "place_id": None, "nearest": nearest})
            raise typer.Exit(FAILED) from None
        raise fail(str(error)) from None
    if json:
        printing.as_json(asdict(place))
    else:
        printing.table([{"field": k, "value": v} for k, v in asdict(place).items() if v is not None])


@app.command(epilog="Example: custody sources --json")
def sources(json: Json = False) -> None:
    """List the sources: publisher, licence, how often they appear, what is here."""
    from sources.catalogue import sources as all_sources
    from warehouse.records import summaries, vintage_order

    home = Home.from_environment()
    rows = [
        {
            "source": s.id,
            "publisher": s.publisher,
            "licence": s.licence,
            "class": s.licence_class,
            "cadence": s.cadence,
            "files": len(s.files),
            "latest vintage": max((str(v["vintage"]) for v in summaries(home, s)), key=vintage_order, default=None),
            "address tried": "yes" if s.verified else "no",
        }
        for s in all_sources().values()
    ]
    printing.as_json(rows) if json else printing.table(rows, right=["files"])


@app.command(epilog="Example: custody status")
def status(json: Json = False) -> None:
    """Say what is here by source (with --json by file), what was refused and why, and how the warehouse stands."""
    from custody.report import print_status, status

    told = status(Home.from_environment())
    printing.as_json(told) if json else print_status(told)


@app.command(epilog="Example: custody run --offline --as-of 2022-12-31")
def run(
    offline: Annotated[
        bool, typer.Option("--offline", help="Use what is in the archive and what is bundled; no network.")
    ] = False,
    as_of: AsOf = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 where a source fell back on an older vintage.")
    ] = False,
    json: Json = False,
) -> None:
    """The main job: parse and check what is new, build the warehouse, add up the world, print the walk."""
    from custody.report import print_run
    from custody.world import world
    from pipelines import notify
    from warehouse.standing import REPORT

    home = Home.from_environment()
    day = reference_day(as_of)
    began = now()
    with notify.when_it_breaks(home, printing.progress), alone(home, "custody run"):
        from pipelines.execute import execute

        outcome = execute(home, day, printing.progress, offline=offline)
    notify.tell(home, outcome.failure, outcome.fallen_back, began, printing.progress)
    if outcome.failure:
        raise fail(outcome.failure)
    told = {**world(home), "stale_corrections": outcome.stale_corrections, "report": str(home.reports / REPORT)}
    printing.as_json({"sources": outcome.sources, **told}) if json else print_run(outcome, told)
    if strict and (outcome.fallen_back or outcome.in_vain):
        raise typer.Exit(FELL_BACK)


@app.command(epilog="Example: custody total --as-of 2022-12-31 --by region")
def total(
    as_of: AsOf = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="PART", help="region, subregion, sex, legal_status or year.")
    ] = None,
    json: Json = False,
) -> None:
    """How many people are in prison in the world on a day, with the interval: the walk, or by parts."""
    from custody.world import print_total
    from custody.world import total as of_day

    told = of_day(Home.from_environment(), reference_day(as_of) if as_of else None, by)
    printing.as_json(told) if json else print_total(told)


@app.command("claims", epilog="Example: custody claims up_to_70_percent_return")
def claims_(
    claim: Annotated[str | None, typer.Argument(help="One claim, with all that bears on it.")] = None,
    json: Json = False,
) -> None:
    """Statements in wide use, with the verdict that follows from the figures."""
    from custody.world import claims, print_claims

    found = claims(Home.from_environment(), claim)
    printing.as_json(found) if json else print_claims(found, whole=claim is not None)


@app.command("fetch", epilog="Example: custody fetch eurostat_prisons unodc_prisons")
def fetch_(
    names: Annotated[list[str] | None, typer.Argument(help="Sources; by default all.")] = None, json: Json = False
) -> None:
    """Ask publishers for their files now, due or not, and archive what is new; exit 1 where one could not be had."""
    from dataclasses import asdict

    from sources import fetch
    from sources.catalogue import source
    from sources.catalogue import sources as all_sources

    home = Home.from_environment()
    chosen = [source(name) for name in names] if names else list(all_sources().values())
    with alone(home, "custody fetch"):
        asked = fetch.fetch(home, chosen, fetch.client(), due_only=False, progress=printing.progress)
    if json:
        printing.as_json([asdict(a) for a in asked])
    else:
        printing.table(
            [
                {
                    "source": a.source_id,
                    "file": a.file or ("addresses" if a.outcome != "by_hand" else ""),
                    "outcome": a.outcome.replace("_", " "),
                    "what was said": a.message,
                }
                for a in asked
            ]
        )
        if any(a.outcome == "new" for a in asked):
            print("Next: custody run --offline")
    if any(a.outcome == "failed" for a in asked):
        raise typer.Exit(FAILED)


@app.command(epilog="Example: custody build --as-of 2022-12-31")
def build(as_of: AsOf = None) -> None:
    """From the archive to the warehouse, without Dagster and without network."""
    from sources.catalogue import sources as all_sources
    from warehouse.build import BuildFailed
    from warehouse.build import build as build_warehouse
    from warehouse.intake import take_in

    home = Home.from_environment()
    day = reference_day(as_of)
    with alone(home, "custody build"):
        for source in all_sources().values():
            for verdict in take_in(home, source).verdicts:
                if verdict.state != "accepted":
                    print(f"custody: {source.id} keeps its last good vintage: {verdict.message}", file=sys.stderr)
        try:
            built = build_warehouse(home, day, printing.progress)
        except BuildFailed as error:
            raise fail(str(error)) from None
    print(
        f"{home.warehouse}: {sum(t.rows for t in built.tables):,} rows in {len(built.tables)} tables"
        + ("." if built.new else "; nothing had changed.")
    )


@app.command("import", epilog="Example: custody import eurostat_prisons crim_pris_ctz.csv")
def import_(
    source: Annotated[str, typer.Argument(help="The source; `custody sources` lists them.")],
    files: Annotated[list[Path], typer.Argument(help="Files as the publisher gives them.")],
    file: Annotated[
        str | None,
        typer.Option("--file", help="Which of the source's files it is, where the name does not say."),
    ] = None,
    vintage: Annotated[
        str | None,
        typer.Option(help="The publisher's stamp (2026, 2026-04 or 2026-04-29), where the file bears none."),
    ] = None,
    retrieved: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="When it was retrieved; by default now.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where it was retrieved, if known.")] = None,
) -> None:
    """Take files obtained by hand: read and check each, then archive and accept it; a refused file changes nothing."""
    from warehouse.by_hand import import_file

    home = Home.from_environment()
    day = as_day(retrieved, "--retrieved")
    for path in files:
        printing.progress(f"{path.name}: reading and checking")
        with alone(home, "custody import"):
            verdict = import_file(home, source, path, file=file, vintage=vintage, retrieved=day, url=url)
        if verdict.state != "accepted":
            raise fail(verdict.message)
        again = (f" ({verdict.message})" if verdict.message else "") if verdict.new else "; it was here already"
        print(
            f"{path.name}: accepted as {source}/{verdict.file}, vintage {verdict.vintage}{again}. "
            "Next: custody run --offline"
        )
        for warning in verdict.warnings:
            print(f"warning: {warning}")


@app.command(
    epilog="Example: custody withdraw eurostat_prisons crim_pris_ctz 2026-04-29-r2 --reason 'one digit too many'"
)
def withdraw(
    source: Annotated[str, typer.Argument(help="The source.")],
    file: Annotated[str, typer.Argument(help="Which of its files.")],
    vintage: Annotated[str, typer.Argument(help="The vintage; `custody status --json` lists them.")],
    reason: Annotated[str, typer.Option(help="Why, for those who come after.")],
) -> None:
    """Use an imported vintage no longer; its bytes stay in the archive, and importing them again takes it back."""
    from warehouse import by_hand

    home = Home.from_environment()
    with alone(home, "custody withdraw"):
        by_hand.withdraw(home, source, file, vintage, reason)
    print(f"{source}/{file}, vintage {vintage}, is withdrawn. Next: custody run --offline")


quarantine_ = typer.Typer(
    help="Files that were turned away: list them, see why, or accept one all the same.",
    epilog="Example: custody quarantine show unodc_prisons data_cts_prisons_and_prisoners",
    rich_markup_mode=None,
)
app.add_typer(quarantine_, name="quarantine")
TurnedAway = Annotated[str, typer.Argument(help="The source.")]
TurnedAwayFile = Annotated[str, typer.Argument(help="Which of its files.")]


@quarantine_.callback(invoke_without_command=True)
def quarantine(context: typer.Context, json: Json = False) -> None:
    """Files that were turned away: list them, see why, or accept one all the same."""
    from sources.catalogue import sources as all_sources
    from warehouse.records import turned_away

    if context.invoked_subcommand:
        return
    home = Home.from_environment()
    rows = [
        {
            "source": report["snapshot"]["source_id"],
            "file": report["snapshot"]["file"],
            "sha256": report["snapshot"]["sha256"] if json else report["snapshot"]["sha256"][:12],
            "state": report["state"],
            "vintage": report["vintage"],
            "retrieved": report["snapshot"]["retrieved_at"],
            "why": report["message"],
        }
        for source in all_sources().values()
        for report in turned_away(home, source)
    ]
    if json:
        printing.as_json(rows)
    elif rows:  # the reasons are too long for a table
        for row in rows:
            print(f"{row['source']} {row['file']} {row['sha256']}: {row['state']}, retrieved {row['retrieved']}.")
            print(f"  {row['why']}")
    else:
        print("Nothing was turned away.")


@quarantine_.command("show", epilog="Example: custody quarantine show eurostat_prisons crim_pris_ctz 5f1c0a --json")
def quarantine_show(
    source: TurnedAway,
    file: TurnedAwayFile,
    sha: Annotated[
        str, typer.Argument(help="The beginning of its SHA-256, where several were turned away.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Show why a file was turned away: the checks that did not pass, with the rows that break them."""
    from custody.report import print_turned_away
    from sources.catalogue import source as one_source
    from warehouse.records import find_report

    report = find_report(Home.from_environment(), one_source(source), file, sha)
    printing.as_json(report) if json else print_turned_away(report)


@quarantine_.command(
    "accept",
    epilog="Example: custody quarantine accept eurostat_prisons crim_pris_ctz 5f1c0a --reason 'the prison closed'",
)
def quarantine_accept(
    source: TurnedAway,
    file: TurnedAwayFile,
    sha: Annotated[str, typer.Argument(help="The beginning of its SHA-256.")],
    reason: Annotated[str, typer.Option(help="Why, for those who come after.")],
    json: Json = False,
) -> None:
    """Accept a file although checks failed; the reason stays with the file and in table snapshot."""
    from dataclasses import asdict

    from warehouse import by_hand

    home = Home.from_environment()
    with alone(home, "custody quarantine accept"):
        verdict = by_hand.accept_despite(home, source, file, sha, reason)
    if verdict.state != "accepted":
        raise fail(verdict.message)
    if json:
        printing.as_json(asdict(verdict))
    else:
        said = verdict.message or "accepted"
        print(f"{source}/{file}, vintage {verdict.vintage}, is {said}. Next: custody run --offline")


@quarantine_.command(
    "dismiss",
    epilog="Example: custody quarantine dismiss eurostat_prisons crim_pris_ctz 5f1c0a --reason 'a page of errors'",
)
def quarantine_dismiss(
    source: TurnedAway,
    file: TurnedAwayFile,
    sha: Annotated[str, typer.Argument(help="The beginning of its SHA-256.")],
    reason: Annotated[str, typer.Option(help="Why, for those who come after.")],
) -> None:
    """Set a file that was turned away aside, so that it is no longer missed; its bytes and the reason stay."""
    from warehouse import by_hand

    home = Home.from_environment()
    with alone(home, "custody quarantine dismiss"):
        by_hand.dismiss(home, source, file, sha, reason)
    print(f"{source}/{file} {sha} is set aside; importing the file again brings it back.")


@app.command(epilog="Example: custody changes --since 2026-01-31 --place Norway")
def changes(
    since: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Only what came in on or after this day."),
    ] = None,
    after_vintage: Annotated[
        str | None, typer.Option(metavar="VINTAGE", help="Only what came in vintages newer than this one.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    place: Annotated[str | None, typer.Option(help="Only of this place and its parts; a name or code.")] = None,
    json: Json = False,
) -> None:
    """Say which figures a publisher has changed from one vintage to the next, the largest change first."""
    from custody import report
    from sources.catalogue import source as one_source
    from sources.places import UnknownPlace, find

    home = Home.from_environment()
    try:
        place_id = find(place).place_id if place else None
    except UnknownPlace as error:
        raise fail(str(error), USAGE) from None
    day, only = as_day(since, "--since"), one_source(source).id if source else None
    rows = report.changes(home, only, place_id, since=day, after=after_vintage)
    printing.as_json(rows) if json else report.print_changes(rows)


@app.command(epilog="Example: custody bundle unodc_prisons")
def bundle(
    names: Annotated[list[str] | None, typer.Argument(help="Sources; by default all.")] = None,
) -> None:
    """For maintainers: put the latest accepted vintage of each file into the source's folder, as bundled figures."""
    from sources.catalogue import source
    from sources.catalogue import sources as all_sources
    from warehouse.by_hand import bundle_source

    home = Home.from_environment()
    for name in names or list(all_sources()):
        for vintage in bundle_source(home, source(name)):
            print(
                f"{vintage.source_id}/{vintage.file}: vintage {vintage.vintage}, "
                f"{vintage.record['observations']:,} rows, in {vintage.folder}"
            )


@app.command(epilog='Example: custody sql "SELECT place_id, year, persons_held FROM country_year LIMIT 5"')
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT on the warehouse, DuckDB's SQL.")],
    json: Json = False,
) -> None:
    """Ask the warehouse, read-only."""
    from custody.query import select

    rows = select(Home.from_environment(), query)
    if rows is None:
        raise fail("the query is empty; give one SELECT.", USAGE)
    printing.as_json(rows) if json else printing.table(rows)


@app.command(epilog="Example: custody ui --port 3000")
def ui(
    port: Annotated[int, typer.Option(metavar="NUMBER", parser=as_number("--port"), help="Port.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
) -> None:
    """Start Dagster's web interface and daemon on the same definitions that `custody run` executes."""
    from pipelines.execute import serve

    raise typer.Exit(serve(Home.from_environment(), host, port))
