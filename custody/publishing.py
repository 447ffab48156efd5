"""The commands on releases: making them, listing them, proving them."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from custody import printing
from custody.app import USAGE, AsOf, Json, app, as_day, fail, reference_day
from custody.naming import of_a_figure
from exports.finding import Wanted
from sources.home import Home
from sources.lock import alone


def _warn(folder: Path) -> None:
    """Say on standard error what must be known of a release: that it was retracted."""
    from exports.listing import caution

    if told := caution(folder):
        print(f"custody: {told}", file=sys.stderr)


@app.command(epilog="Example: custody release")
def release(
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="YYYY-MM-DD", help="Date of the release; by default today."),
    ] = None,
    as_of: AsOf = None,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain", metavar="REASON", help="Why figures are lost or the world total moves; stands in the release."
        ),
    ] = None,
) -> None:
    """Publish the warehouse as an immutable directory of CSV and Parquet with checksums."""
    from exports.gate import GateClosed
    from exports.release import release as write_release
    from warehouse.standing import standing

    home = Home.from_environment()
    today = as_day(day, "--date") or date.today()
    if today > date.today():
        raise fail(f"--date {today} has not come yet.", USAGE)
    explained = " ".join((explain or "").split()) or None
    if explain is not None and not explained:
        raise fail("--explain must say why, for those who use the figures.", USAGE)
    standing(home)  # before anything is written, the lock's file too
    try:
        with alone(home, "custody release"):
            made, new = write_release(home, today, printing.progress, as_of=reference_day(as_of), explained=explained)
    except GateClosed as error:
        raise fail(str(error)) from None
    if not new:
        print(f"Nothing has changed since {made.version}; no release was written.")
        return
    print(
        f"Release {made.version} is in {home.releases / made.version}. "
        f"Its reference day is {made.as_of}. Content digest {made.digest}."
    )


@app.command(epilog="Example: custody releases --json")
def releases(json: Json = False) -> None:
    """List the releases."""
    from dataclasses import asdict

    from exports.listing import aliases, warning
    from exports.listing import releases as known

    listed = known(Home.from_environment())
    names = {version: name for name, version in sorted(aliases(listed).items())}
    if json:
        printing.as_json([{**asdict(r), "warning": warning(r, listed)} for r in listed])
        return
    shown = ("version", "date", "schema_version", "as_of")
    printing.table(
        [
            {k: getattr(r, k) for k in shown}
            | {"digest": r.digest[:16], "": "retracted" if r.retracted else names.get(r.version, "")}
            for r in listed
        ]
    )
    for told in filter(None, (warning(r, listed) for r in listed)):
        print(told)


@app.command(epilog="Example: custody retract 2026.11.0 --reason 'Chad was read as Niger' --replaced-by 2026.11.1")
def retract(
    version: Annotated[str, typer.Argument(metavar="RELEASE", help="A version; no alias, which would move on.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence that whoever reads it is shown.")],
    replaced_by: Annotated[
        str | None, typer.Option("--replaced-by", metavar="RELEASE", help="The version to use in its place.")
    ] = None,
) -> None:
    """Mark a release as retracted: nothing is deleted, and whoever reads it is warned."""
    from exports import listing

    home = Home.from_environment()
    if not listing.releases(home):
        raise fail("There is no release yet.", USAGE)
    with alone(home, "custody retract"):
        marked, new = listing.retract(home, version, reason, date.today(), replaced_by)
        known = listing.releases(home)
    print("" if new else f"{version} was retracted already; nothing has changed. ", end="")
    print(listing.warning(marked, known))


@app.command(epilog="Example: custody publish stable --to s3://custody/releases")
def publish(
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="A version, `latest` or `stable`.")],
    to: Annotated[str, typer.Option("--to", metavar="DIR|s3://BUCKET/PREFIX", help="Where readers find it.")],
    json: Json = False,
) -> None:
    """Copy a release, proved first, to a folder or an S3-compatible store: data first, the list last.

    Run again after an interruption, it goes on; what is there already is not sent twice, and what was published is
    never overwritten. Keys, region and endpoint of a store are those of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION and AWS_ENDPOINT_URL.
    """
    from dataclasses import asdict

    from exports import listing
    from exports import publish as publishing
    from exports.stores import store

    home, target = Home.from_environment(), store(to)
    known = listing.releases(home)
    if (entry := listing.entry(known, name)) is None:
        listing.refuse(known, name)
    publishing.refuse_own(home, home.releases / entry.version, target)
    with alone(home, "custody publish"):
        known = listing.releases(home)  # again: one may have been retracted since
        entry = listing.entry(known, entry.version) or entry
        done = publishing.publish(home.releases / entry.version, entry, known, target, printing.progress)
    if json:
        printing.as_json({"version": entry.version, "to": str(target), **asdict(done)})
        return
    list_ = "the list there was written last" if done.listed else "the list there is as it was"
    print(
        f"Release {entry.version} is at {target}: {done.copied} files copied and read back, "
        f"{done.there} were there already; {list_}."
    )
    if told := listing.warning(entry, known):
        print(f"custody: {told}", file=sys.stderr)


@app.command(epilog="Example: custody verify latest")
def verify(
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="A version, `latest`, `stable`, or a directory.")],
    json: Json = False,
) -> None:
    """Prove a release from its directory alone: checksums, descriptor, and every row in both formats."""
    from dataclasses import asdict

    from exports.listing import entry_of, locate
    from exports.verify import findings

    folder = locate(Home.from_environment(), name)
    found = findings(folder, entry_of(folder))
    _warn(folder)
    if json:
        printing.as_json([asdict(f) for f in found])
    else:
        printing.table([{"": "holds" if f.holds else "FAILS", "what": f.what, "found": f.detail} for f in found])
    if not all(f.holds for f in found):
        raise fail(f"{folder} is not what it says; take the release from where it was published.")


@app.command(epilog="Example: custody cite France persons_held 2021 --style bibtex")
@of_a_figure
def cite(
    what: Wanted | str,
    release: str,
    style: Annotated[
        str | None, typer.Option(help="apa, chicago, bibtex or csl; by default all that is known.")
    ] = None,
    json: Json = False,
) -> None:
    """Cite one figure of a release, its primary source included; warn where it must be used with care."""
    from custody import proof

    proof.cite(release, what, style, json)


@app.command(epilog="Example: custody trace France persons_held 2021")
@of_a_figure
def trace(what: Wanted | str, release: str, json: Json = False) -> None:
    """Follow a figure back: to what was chosen and why, its rivals, the publisher's file and cell.

    Any row of any table is named by TABLE:KEY, the parts of the key joined by slashes, as claim_evidence names rows.
    """
    from custody import proof

    proof.trace(release, what, json)


@app.command(epilog="Example: custody pictures --to slides")
def pictures(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FOLDER", help="Where to write them; by default `pictures` in CUSTODY_HOME."),
    ] = None,
    json: Json = False,
) -> None:
    """Draw the warehouse: the walk, the world series, the back-test and disagreements, as SVG and PNG, and the page."""
    from exports.gate import GateClosed
    from exports.pictures import of_warehouse
    from warehouse.standing import standing

    home = Home.from_environment()
    folder = home.root / "pictures" if to is None else Path(to).absolute()
    if not folder.is_dir() and any(path.exists() for path in (folder, *folder.parents) if not path.is_dir()):
        raise fail(f"--to {to} is no folder, nor can it become one.", USAGE)
    standing(home)
    try:
        written = of_warehouse(home, folder, date.today())
    except GateClosed as error:
        raise fail(str(error)) from None
    if json:
        printing.as_json([str(path) for path in written])
    else:
        print(f"{len(written)} files are in {folder}; {folder / 'backtest.html'} tells how the estimate was tested.")


@app.command(epilog="Example: custody diff 2026.11.0 latest --place Belgium --measure persons_held")
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A version, `latest`, `stable`, or a directory.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later one.")],
    place: Annotated[str | None, typer.Option(help="Only of this place and its parts; a name or code.")] = None,
    measure: Annotated[str | None, typer.Option(help="Only of this measure.")] = None,
    json: Json = False,
) -> None:
    """Say what differs between two releases: schema, figures by place and measure, and the world total."""
    from custody.difference import show
    from dictionary.model import dictionary
    from exports import diff as comparison
    from exports.listing import locate
    from sources.places import UnknownPlace, find

    home = Home.from_environment()
    try:
        place_id = find(place).place_id if place else None
    except UnknownPlace as error:
        raise fail(str(error), USAGE) from None
    if measure is not None and measure not in (measures := dictionary().measures):
        raise fail(f"There is no measure {measure!r}; there are {', '.join(measures)}.", USAGE)
    before, after = locate(home, old), locate(home, new)
    for folder in (before, after):
        _warn(folder)
        comparison.prove(folder)
    found = comparison.compare(before, after)
    whole = place_id is None and measure is None
    found = found if whole else found.of(place_id, measure)
    printing.as_json(found.as_plain()) if json else show(found, whole=whole)


@app.command(epilog="Example: custody reproduce 2026.11.0")
def reproduce(
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="A version, `latest`, `stable`, or a directory.")],
    json: Json = False,
) -> None:
    """Make a release again from the archive and compare its content; exit 1 and say what differs, and why."""
    from dataclasses import asdict

    from exports.listing import locate
    from exports.reproduce import reproduce as make_again

    home = Home.from_environment()
    folder = locate(home, name)
    _warn(folder)
    made = make_again(home, folder, printing.progress)
    if json:
        printing.as_json({**asdict(made), "holds": made.holds})
    else:
        for reason in made.reasons:
            print(reason)
        if made.differing:
            printing.table(
                [
                    {
                        "table": d.table,
                        "rows only in the release": printing.number(d.only_released),
                        "rows only made now": printing.number(d.only_made),
                    }
                    for d in made.differing
                ],
                right=("rows only in the release", "rows only made now"),
            )
    if not made.holds:
        found = f"its content digest is {made.made}" if made.made else "nothing could be made"
        raise fail(f"{made.version} was not made again: {found}, and {made.stated} is stated.")
    if not json:
        print(f"{made.version} was made again: every table has the same content, digest {made.stated}.")
