"""The commands on releases: making them, listing them, proving them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from custody import printing
from custody.app import USAGE, AsOf, Json, app, as_day, fail, reference_day
from sources.home import Home
from sources.lock import alone


@app.command(epilog="Example: custody release")
def release(
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="YYYY-MM-DD", help="Date of the release; by default today."),
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Publish the warehouse as an immutable directory of CSV and Parquet with checksums."""
    from exports.gate import GateClosed
    from exports.release import release as write_release
    from warehouse.standing import standing

    home = Home.from_environment()
    today = as_day(day, "--date") or date.today()
    if today > date.today():
        raise fail(f"--date {today} has not come yet.", USAGE)
    standing(home)  # before anything is written, the lock's file too
    try:
        with alone(home, "custody release"):
            made, new = write_release(home, today, printing.progress, as_of=reference_day(as_of))
    except GateClosed as error:
        raise fail(str(error)) from None
    if not new:
        print(f"Nothing has changed since {made.version}; no release was written.")
        return
    print(
        f"Release {made.version} is in {home.releases / made.version}. "
        f"The world total in it is as of {made.as_of}. Content digest {made.digest}."
    )


@app.command(epilog="Example: custody releases --json")
def releases(json: Json = False) -> None:
    """List the releases."""
    from dataclasses import asdict

    from exports.listing import releases as known

    rows = [asdict(r) for r in known(Home.from_environment())]
    if json:
        printing.as_json(rows)
    else:
        printing.table([{**r, "digest": r["digest"][:16], "sums": r["sums"][:16]} for r in rows])


@app.command(epilog="Example: custody verify latest")
def verify(
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="A version, `latest`, or a directory.")],
    json: Json = False,
) -> None:
    """Prove a release from its directory alone: checksums, descriptor, and every row in both formats."""
    from dataclasses import asdict

    from exports.listing import locate, releases
    from exports.verify import verify as prove

    home = Home.from_environment()
    folder = locate(home, name)
    own = {(home.releases / r.version).resolve(): r.sums for r in releases(home)}
    stated = own.get(folder.resolve())
    findings = prove(folder, stated)
    if json:
        printing.as_json([asdict(f) for f in findings])
    else:
        printing.table([{"": "holds" if f.holds else "FAILS", "what": f.what, "found": f.detail} for f in findings])
    if not all(f.holds for f in findings):
        raise fail(f"{folder} is not what it says; take the release from where it was published.")
