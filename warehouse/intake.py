"""From the archive to accepted vintages: accept or quarantine each candidate, one source at a time.

Each snapshot in the archive is tried once with the code that is there; it is tried again only when that code, the
source's folder or the dictionary has changed. A snapshot that is refused or fails a critical check leaves the last
good vintage in use. How one is tried is in `warehouse.trial`; nothing heavy is imported before there is one to try.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sources.archive import Archive, Snapshot
from sources.catalogue import Source
from sources.errors import Refused
from sources.home import Home, read_json, sha256_file
from warehouse.records import REPORT, Vintage, missing, newest, sound_vintages, stale_corrections, vintage_order

if TYPE_CHECKING:
    from warehouse.candidate import Candidate

State = Literal["accepted", "quarantined", "refused"]

#: This room's part in making rows and asking checks.
OWN_CODE = ("accepted.py", "candidate.py", "checks.py", "evaluate.py", "results.py", "rules.py", "trial.py")


@dataclass(frozen=True)
class Verdict:
    """What became of one snapshot; where it was accepted just now, `warnings` are the checks that did not pass."""

    file: str
    sha256: str
    file_name: str
    state: State
    vintage: str | None
    message: str
    new: bool
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, s: Snapshot, state: State, vintage: str | None, message: str = "", *, new: bool) -> Verdict:
        """What became of `s`."""
        return cls(s.file, s.sha256, s.file_name, state, vintage, message, new)


@dataclass(frozen=True)
class Intake:
    """What became of one source: verdicts on its snapshots and the vintages now in use.

    `fallen_back` are files that are not in use as their publisher gives them: an older vintage stays, or a newer one.
    """

    source_id: str
    vintages: list[Vintage]
    verdicts: list[Verdict] = field(default_factory=list)
    fallen_back: list[Verdict] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of figures in all vintages in use."""
        return sum(int(v.record["observations"]) for v in self.vintages)

    @property
    def newest(self) -> list[Vintage]:
        """The newest vintage of each file."""
        return newest(self.vintages)

    @property
    def stale_corrections(self) -> list[str]:
        """Corrections whose error is not in the newest vintage of their file; the publisher may have mended it."""
        return [stale["correction"] for stale in stale_corrections(self.vintages)]


@cache
def _own_code() -> str:
    return "".join(sha256_file(Path(__file__).with_name(name)) for name in OWN_CODE)


class Ground:
    """What is known of one source while its snapshots are decided: its archive, its code, the vintages in use.

    Where `again`, what was decided before with the same code is decided anew.
    """

    def __init__(self, home: Home, source: Source, *, again: bool = False) -> None:
        self.home, self.source, self.again = home, source, again
        self.archive = Archive(home.archive)
        self.vintages, self.damaged = sound_vintages(home, source)

    @cached_property
    def code(self) -> str:
        """The digest of all that turns the source's files into rows."""
        return hashlib.sha256((self.source.code_digest() + _own_code()).encode()).hexdigest()

    def report(self, snapshot: Snapshot) -> Path:
        """The folder of a snapshot's report, should it be turned away."""
        return self.home.quarantine / self.source.id / snapshot.file / snapshot.sha256[:16]

    def changed(self) -> None:
        """Read again what is in use, because a vintage was accepted."""
        self.vintages, self.damaged = sound_vintages(self.home, self.source)


def take_in(home: Home, source: Source, *, again: bool = False) -> Intake:
    """Bring a source's accepted vintages up to date with its archive; read every snapshot once more where `again`."""
    ground = Ground(home, source, again=again)
    found: list[Snapshot] = []
    lost: list[Verdict] = []
    for file in source.files:
        try:
            found += ground.archive.snapshots(source.id, file)
        except Refused as error:  # what was accepted before stays in use, and other files are none the worse
            lost.append(Verdict(file, "", "", "refused", None, str(error), False))
    verdicts = [decide(ground, snapshot) for snapshot in found]
    for record, said in ground.damaged.items():  # of which the archive has no file to make it anew
        lost.append(Verdict(record.parents[1].name, "", "", "refused", record.parent.name, said, False))
    fallen_back = _fallen_back(ground, found, verdicts)
    return Intake(source.id, ground.vintages, [*verdicts, *lost], [*fallen_back, *lost])


def _fallen_back(ground: Ground, found: list[Snapshot], verdicts: list[Verdict]) -> list[Verdict]:
    """What is not in use although it should be, the last word on each file."""
    source, missed = ground.source, missing(ground.home, ground.source, ground.vintages)
    both = list(zip(found, verdicts, strict=True))  # oldest first
    last = {v.sha256 if source.files[v.file].extends else v.file: (s, v) for s, v in both}
    held = sorted(  # one of which may be of a newer vintage than what came last
        ((s, v) for s, v in both if v.state == "quarantined" and v.vintage and not source.files[v.file].extends),
        key=lambda each: vintage_order(each[1].vintage or ""),
    )
    newest_held = {v.file: (s, v) for s, v in held}
    of_all = {v.sha256: (s, v) for s, v in [*newest_held.values(), *last.values()]}
    turned_away = [v for s, v in of_all.values() if v.state != "accepted" and missed(v.file, s.retrieved_at, v.vintage)]
    return [*turned_away, *(told for s, v in both if (told := _taken_back(ground, s, v)))]


def _taken_back(ground: Ground, snapshot: Snapshot, verdict: Verdict) -> Verdict | None:
    """Says so where the server gives again what it gave before the vintage that is in use."""
    if verdict.state != "accepted" or ground.source.files[verdict.file].extends:
        return None
    served = ground.archive.served(ground.source.id, verdict.file)
    last = [v for v in ground.vintages if v.file == verdict.file][-1]
    if not served or served[0] != snapshot.sha256 or last.snapshot["sha256"] == snapshot.sha256:
        return None
    if last.snapshot["obtained"] != "fetch":  # a person has brought a newer one
        return None
    words = f"custody withdraw {ground.source.id} {verdict.file} {last.vintage} --reason"
    message = (
        f"{snapshot.file_name}: on {served[1][:10]} the server gave again what it first gave on "
        f"{snapshot.retrieved_at[:10]}; {last.vintage} stays in use. If it is taken back: {words} '...'."
    )
    return replace(verdict, message=message)


def decide(ground: Ground, snapshot: Snapshot, candidate: Candidate | None = None) -> Verdict:
    """Accept, quarantine or refuse one snapshot; what was decided before with the same code stands.

    `candidate` spares the reading where the caller has made one of this very snapshot.
    """
    if not ground.again and (standing := _standing(ground, snapshot)):
        return standing
    from warehouse.trial import attempt

    return attempt(ground, snapshot, candidate)


def before(others: Sequence[Vintage], vintage: str) -> Vintage | None:
    """The newest of a file's vintages that is older than another of it; they come oldest first."""
    earlier = [v for v in others if vintage_order(v.vintage) < vintage_order(vintage)]
    return earlier[-1] if earlier else None


def against(others: Sequence[Vintage], vintage: str) -> list[str | None]:
    """Which bytes one of a file's vintages is held against: those before it, and the newest."""
    held = (before(others, vintage), others[-1] if others else None)
    return [str(v.snapshot["sha256"]) if v else None for v in held]


def _forget_what_was_mended(ground: Ground, snapshot: Snapshot) -> None:
    """Remove the report that a file's bytes were lost or altered, once they are there again."""
    report = ground.report(snapshot)
    if report.exists() and ground.archive.kept(snapshot.sha256) is not None:
        shutil.rmtree(report)


def _standing(ground: Ground, snapshot: Snapshot) -> Verdict | None:
    """What was decided before with the same code."""
    for vintage in ground.vintages:
        same = (vintage.file, vintage.snapshot["sha256"]) == (snapshot.file, snapshot.sha256)
        if same and vintage.record["code"] == ground.code and not vintage.altered():
            _forget_what_was_mended(ground, snapshot)
            return Verdict.of(snapshot, "accepted", vintage.vintage, new=False)
    if (report := ground.report(snapshot) / REPORT).exists():
        try:
            told = read_json(report)
        except Refused:  # a damaged report is written anew
            return None
        # A check that could not run says nothing of the file; what kept it from running may have passed.
        if told.get("undecided"):
            return None
        others = [v for v in ground.vintages if v.file == snapshot.file and v.snapshot["sha256"] != snapshot.sha256]
        held = told["vintage"] and against(others, told["vintage"])
        same = told["snapshot"].get("waived") == snapshot.waived and told.get("against") == held
        if told["code"] == ground.code and same:
            return Verdict.of(snapshot, told["state"], told["vintage"], told["message"], new=False)
    return None
