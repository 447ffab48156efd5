"""From the archive to accepted vintages: accept or quarantine each candidate, one source at a time.

Each snapshot in the archive is tried once with the code that is there; it is tried again only when that code, the
source's folder or the dictionary has changed. A snapshot that is refused or fails a critical check leaves the last
good vintage in use.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from sources.archive import Archive, Snapshot
from sources.catalogue import Source
from sources.errors import Refused
from sources.home import Home, new_folder, read_json, sha256_file, write_json
from warehouse import accepted, evaluate
from warehouse import candidate as candidate_
from warehouse.candidate import Candidate, check, complete, parse
from warehouse.records import REPORT, Vintage, vintage_order, vintages
from warehouse.results import CheckResult, to_plain

State = Literal["accepted", "quarantined", "refused"]


@dataclass(frozen=True)
class Verdict:
    """What became of one snapshot."""

    file: str
    sha256: str
    file_name: str
    state: State
    vintage: str | None
    message: str
    new: bool


@dataclass(frozen=True)
class Intake:
    """What became of one source: verdicts on its snapshots and the vintages now in use."""

    source_id: str
    vintages: list[Vintage]
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of figures in all vintages in use."""
        return sum(int(v.record["observations"]) for v in self.vintages)

    @property
    def newest(self) -> list[Vintage]:
        """The newest vintage of each file."""
        return list({v.file: v for v in self.vintages}.values())  # they come oldest first

    @property
    def stale_corrections(self) -> list[str]:
        """Corrections whose error is not in the newest vintage of their file; the publisher may have mended it."""
        return [stale for v in self.newest for stale in v.record["stale_corrections"]]

    @property
    def fallen_back(self) -> list[Verdict]:
        """Files whose newest snapshot could not be used, so that an older vintage stays."""
        newest = {v.file: v for v in self.verdicts}  # they come oldest first
        return [v for v in newest.values() if v.state != "accepted"]


@cache
def _own_code() -> str:
    """The digest of this room's part in making rows and asking checks."""
    return "".join(sha256_file(Path(str(module.__file__))) for module in (candidate_, accepted, evaluate))


class Ground:
    """What is known of one source while its snapshots are decided: its archive, its code, the vintages in use."""

    def __init__(self, home: Home, source: Source) -> None:
        self.home, self.source = home, source
        self.archive = Archive(home.archive)
        self.vintages = vintages(home, source)

    @cached_property
    def code(self) -> str:
        """The digest of all that turns the source's files into rows."""
        return hashlib.sha256((self.source.code_digest() + _own_code()).encode()).hexdigest()

    def changed(self) -> None:
        """Read again what is in use, because a vintage was accepted."""
        self.vintages = vintages(self.home, self.source)


def take_in(home: Home, source: Source) -> Intake:
    """Bring a source's accepted vintages up to date with its archive."""
    ground = Ground(home, source)
    found = [s for file in source.files for s in ground.archive.snapshots(source.id, file)]
    verdicts = [decide(ground, snapshot) for snapshot in found]
    return Intake(source.id, ground.vintages, verdicts)


@dataclass(frozen=True)
class _Case:
    """One snapshot and what is known before it is tried: the file's vintages, and where a report belongs."""

    ground: Ground
    snapshot: Snapshot
    own: list[Vintage]
    others: list[Vintage]

    @property
    def report(self) -> Path:
        """The folder of the report, should it be turned away."""
        return self.ground.home.quarantine / self.ground.source.id / self.snapshot.file / self.snapshot.sha256[:16]

    def verdict(self, state: State, vintage: str | None, message: str = "", *, new: bool) -> Verdict:
        """What became of it."""
        s = self.snapshot
        return Verdict(s.file, s.sha256, s.file_name, state, vintage, message, new)

    def refused(self, error: Refused) -> Verdict:
        """Turn it away, with a report."""
        with new_folder(self.report) as folder:
            write_json(folder / REPORT, self.told("refused", None, str(error)))
        return self.verdict("refused", None, str(error), new=True)

    def told(self, state: State, vintage: str | None, message: str) -> dict[str, Any]:
        """What every report says."""
        snapshot = asdict(self.snapshot)
        return {"state": state, "code": self.ground.code, "vintage": vintage, "message": message, "snapshot": snapshot}


def decide(ground: Ground, snapshot: Snapshot, candidate: Candidate | None = None) -> Verdict:
    """Accept, quarantine or refuse one snapshot; what was decided before with the same code stands.

    `candidate` spares the reading where the caller has made one of this very snapshot.
    """
    source = ground.source
    of_file = [v for v in ground.vintages if v.file == snapshot.file]
    own = [v for v in of_file if v.snapshot["sha256"] == snapshot.sha256]
    others = [v for v in of_file if v.snapshot["sha256"] != snapshot.sha256]
    case = _Case(ground, snapshot, own, others)
    for vintage in own:
        if vintage.record["code"] == ground.code:
            return case.verdict("accepted", vintage.vintage, new=False)
    if (case.report / REPORT).exists():
        earlier = read_json(case.report / REPORT)
        if earlier["code"] == ground.code:
            return case.verdict(earlier["state"], earlier["vintage"], earlier["message"], new=False)
    try:
        if candidate is None:
            try:
                data = ground.archive.read(snapshot)
            except Refused as error:  # says nothing of the file, so that no report may keep it from being tried again
                return case.verdict("refused", None, str(error), new=True)
            candidate = complete(source, snapshot, parse(source, snapshot, data))
        # Re-reading a file with newer code keeps the name that its vintage already has here.
        name = _reissue(case, own[0].vintage if own else candidate.vintage)
        if name != candidate.vintage:
            candidate = complete(source, snapshot, candidate.parsed, name)
    except Refused as error:
        return case.refused(error)
    return _settle(case, candidate)


class _Blocked(Exception):
    """A critical check did not pass, so that what was written is not put in its place."""


def _settle(case: _Case, candidate: Candidate) -> Verdict:
    """Write a candidate, check what was written, then accept it, or put it in quarantine with its report."""
    ground, snapshot = case.ground, case.snapshot
    target = ground.home.accepted / ground.source.id / snapshot.file / candidate.vintage
    results: list[CheckResult] = []
    try:
        with new_folder(target) as folder:
            tables = accepted.write_tables(candidate.tables, folder)
            results = [*check(folder, tables), *_shrunken(case, candidate), *_foretold(snapshot, candidate)]
            if ground.source.licence_class == "internal":  # examples hold figures, and a report is a log
                results = [replace(r, examples=()) for r in results]
            if any(r.blocks for r in results):
                raise _Blocked
            record = {
                "source_id": ground.source.id,
                "file": snapshot.file,
                "vintage": candidate.vintage,
                "snapshot": asdict(snapshot),
                "items": candidate.parsed.items,
                "observations": candidate.observations,
                "left_out": candidate.left_out,
                "stale_corrections": candidate.stale,
                "code": ground.code,
                "tables": tables,
            }
            accepted.write_record(record, results, folder)
    except _Blocked:
        return _quarantined(case, candidate, results)
    except Refused as error:
        return case.refused(error)
    ground.changed()
    shutil.rmtree(case.report, ignore_errors=True)
    return case.verdict("accepted", candidate.vintage, new=True)


def _quarantined(case: _Case, candidate: Candidate, results: list[CheckResult]) -> Verdict:
    """Put a candidate in quarantine, with the answers to its checks."""
    blocking = [r for r in results if r.blocks]
    first = blocking[0].sentence() + (f" And {len(blocking) - 1} more checks." if len(blocking) > 1 else "")
    message = f"{case.snapshot.file_name}: {first} The report is in {case.report}."
    with new_folder(case.report) as folder:
        for name, frame in candidate.tables.items():
            frame.to_parquet(folder / f"{name}.parquet")
        told = case.told("quarantined", candidate.vintage, message)
        write_json(folder / REPORT, {**told, "checks": to_plain(results)})
    return case.verdict("quarantined", candidate.vintage, message, new=True)


def _shrunken(case: _Case, candidate: Candidate) -> list[CheckResult]:
    """Hold the size of a candidate against the vintage before it, if other bytes gave one."""
    earlier = [v for v in case.others if vintage_order(v.vintage) < vintage_order(candidate.vintage)]
    if not earlier:
        return []
    last = earlier[-1]
    before, now = int(last.record["items"]), candidate.parsed.items
    share = case.ground.source.files[case.snapshot.file].min_share
    return [
        CheckResult(
            case.snapshot.file,
            "item_count_against_last_vintage",
            (),
            "critical",
            f"A new file has at least {share:.0%} of the {before:,} items of vintage {last.vintage}.",
            "passed" if now >= share * before else "failed",
            now,
            detail=f"It has {now:,}; if the publisher really dropped them, lower min_share in source.yml.",
        )
    ]


def _foretold(snapshot: Snapshot, candidate: Candidate) -> list[CheckResult]:
    """Refuse figures for years after the one in which the file was there."""
    frame = candidate.tables.get("observation")
    if frame is None or not len(frame):
        return []
    latest = max(int(candidate.vintage[:4]), int(snapshot.retrieved_at[:4]))
    late = [i for i, day in enumerate(frame["period_end"]) if day.year > latest]
    shown = frame.iloc[late[: evaluate.EXAMPLES]][["locator", "place_id", "period_end", "value"]]
    return [
        CheckResult(
            "observation",
            "period_end_not_after_the_file",
            ("period_end",),
            "critical",
            f"No figure is for a year after {latest}, when the file was there.",
            "failed" if late else "passed",
            len(frame),
            len(late),
            tuple({str(k): str(v) for k, v in row.items()} for row in shown.to_dict("records")),
        )
    ]


def _reissue(case: _Case, vintage: str) -> str:
    """The vintage, or its next reissue where other bytes already bear the stamp."""
    taken = {v.vintage for v in case.others}
    names = [vintage, *(f"{vintage}-r{n}" for n in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)
