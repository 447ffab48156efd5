"""What a person does by hand: importing files that they obtained, and bundling accepted vintages with the program."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

from sources.archive import Archive, Snapshot, check_type
from sources.catalogue import Source, source
from sources.errors import Misused, Refused
from sources.home import Home, new_folder, now, sha256, write_json
from warehouse import checkers
from warehouse.accepted import is_vintage
from warehouse.candidate import complete, parse
from warehouse.intake import Ground, Verdict, decide
from warehouse.records import REASON, Vintage, find_report, vintage_order, vintages, withdrawn_folder
from warehouse.results import from_plain


def import_file(
    home: Home,
    source_id: str,
    path: Path,
    *,
    file: str | None = None,
    vintage: str | None = None,
    retrieved: date | None = None,
    url: str | None = None,
) -> Verdict:
    """Read a file, refuse it or archive it, then check and accept it.

    A file that cannot be read without guessing is refused before anything is stored; one that fails a critical check
    is archived and put in quarantine.

    Raises:
        Refused: with one sentence that says what is wrong and what to do.
    """
    known = source(source_id)
    if vintage is not None and not is_vintage(vintage):
        raise Misused(f"--vintage {vintage!r} is not a date such as 2026, 2026-04 or 2026-04-29.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Misused(f"{path}: cannot be read ({error.strerror}).") from error
    which = file if file is not None else known.file_for(path.name)
    if which not in known.files:
        raise Misused(f"{source_id} has no file {which!r}; it has {', '.join(known.files)}.")
    kind = check_type(known, which, path.name, data)
    checkers.start()  # what checks need is imported while this process reads
    when = retrieved.isoformat() if retrieved else now()
    if when > now():
        raise Misused(f"--retrieved {when} has not come yet.")
    snapshot = Snapshot(
        known.id,
        which,
        sha256(data),
        path.name,
        len(data),
        kind,
        when,
        "import",
        url,
        known.licence,
        vintage,
    )
    candidate = complete(known, snapshot, parse(known, snapshot, data))
    if candidate.stamped and vintage is not None and candidate.vintage != vintage:
        raise Refused(f"{path.name}: the file bears the stamp {candidate.vintage}; leave --vintage {vintage} out.")
    if not (candidate.stamped or vintage or retrieved):
        raise Misused(
            f"{path.name}: the file bears no stamp of its publisher's; say which vintage it is with --vintage, "
            "or when it was retrieved with --retrieved."
        )
    ground = Ground(home, known)
    stored, _ = ground.archive.put(
        known, which, path.name, data, obtained="import", url=url, retrieved_at=when, vintage_hint=vintage
    )
    # Bytes that are here already keep the record under which they came.
    verdict = decide(ground, stored, candidate if stored == snapshot else None)
    if vintage is not None and verdict.state == "accepted" and str(verdict.vintage).split("-r")[0] != vintage:
        raise Refused(f"{path.name}: these bytes are here already, as vintage {verdict.vintage}, not {vintage}.")
    return verdict


def withdraw(home: Home, source_id: str, file: str, vintage: str, reason: str) -> None:
    """Use a vintage no longer: its rows and its file's bytes stay, and neither is taken in again.

    Raises:
        Misused: when there is no such vintage, or no reason.
    """
    if not reason.strip():
        raise Misused("Say why in --reason: whoever comes after must know.")
    known = source(source_id)
    named = f"{source_id}/{file} {vintage}"
    own = [v for v in vintages(home, known) if (v.file, v.vintage) == (file, vintage)]
    if not own:
        raise Misused(f"There is no vintage {named}; `custody status --json` lists them.")
    digest = own[0].snapshot["sha256"]
    Archive(home.archive).withdraw(source_id, file, digest, reason)
    aside = withdrawn_folder(home, own[0])
    shutil.rmtree(aside, ignore_errors=True)
    told = {"source": source_id, "file": file, "vintage": vintage, "sha256": digest, "at": now(), "reason": reason}
    if own[0].bundled:
        write_json(aside / REASON, told)
    else:  # the reason is there before the rows are out of use, whatever ends this in between
        write_json(own[0].folder / REASON, told)
        os.replace(own[0].folder, aside)


def accept_despite(home: Home, source_id: str, file: str, digest: str, reason: str) -> Verdict:
    """Accept a snapshot although checks failed; the reason stays with its record, and those checks are waived for it.

    Raises:
        Misused: when there is no such snapshot in quarantine, or no reason.
        Refused: when it could not be read, a check could not run, or the tables could not hold its rows.
    """
    known = source(source_id)
    if not reason.strip():
        raise Misused("--reason must say why, for those who come after.")
    report = find_report(home, known, file, digest)
    ground = Ground(home, known)
    stored = {s.sha256: s for s in ground.archive.snapshots(source_id, file)}.get(report["snapshot"]["sha256"])
    if stored is None:
        raise Refused(f"{report['snapshot']['file_name']} was withdrawn; import it again first.")
    verdict = decide(ground, stored)  # with the code that is there now
    if verdict.state == "accepted":
        return verdict
    if verdict.state == "refused":
        raise Refused(f"{verdict.message} It was not read, so there is nothing to accept.")
    report = find_report(home, known, file, stored.sha256)
    blocking = [c for c in map(from_plain, report["checks"]) if c.blocks]
    for check in blocking:
        if not check.can_be_waived:
            raise Refused(f"{check.sentence()} This cannot be accepted: the tables must be able to rely on it.")
    return decide(ground, ground.archive.waive(stored, [c.type for c in blocking], reason.strip()))


def dismiss(home: Home, source_id: str, file: str, digest: str, reason: str) -> None:
    """Set a file that was turned away aside for good: its bytes and the reason stay in the archive, its report goes.

    Raises:
        Misused: when there is no such snapshot in quarantine, or no reason.
    """
    if not reason.strip():
        raise Misused("--reason must say why, for those who come after.")
    known = source(source_id)
    snapshot = Snapshot(**find_report(home, known, file, digest)["snapshot"])
    Archive(home.archive).withdraw(source_id, file, snapshot.sha256, reason.strip())
    shutil.rmtree(Ground(home, known).report(snapshot))


def bundle_source(home: Home, known: Source) -> list[Vintage]:
    """Copy what is accepted into the source's folder, in place of what was bundled.

    The latest vintage of each file; all of them where vintages of the file add to each other.

    Raises:
        Refused: when the accepted rows of a vintage were altered.
    """
    bundled = []
    of_file: dict[str, list[Vintage]] = {}
    for vintage in sorted(vintages(home, known), key=lambda v: vintage_order(v.vintage)):
        of_file.setdefault(vintage.file, []).append(vintage)
    for file, all_of_it in sorted(of_file.items()):
        chosen = all_of_it if known.files[file].extends else all_of_it[-1:]
        target = known.bundled / file
        if not all(v.bundled for v in chosen):
            for vintage in chosen:
                vintage.prove()
            with new_folder(target) as folder:
                for vintage in chosen:
                    shutil.copytree(vintage.folder, folder / vintage.vintage)
                for path in folder.rglob("*"):
                    path.chmod(0o755 if path.is_dir() else 0o644)
        bundled += [replace(v, folder=target / v.vintage, bundled=True) for v in chosen]
    return bundled
