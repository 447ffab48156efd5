"""From the archive to accepted vintages: parse, correct, check, then accept or quarantine, one source at a time.

Each snapshot in the archive is tried once with the code that is there; it is tried again only when that code, the
source's folder or the dictionary has changed. A snapshot that is refused or fails a critical check leaves the last
good vintage in use.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from dictionary.model import dictionary
from sources import collecting
from sources import corrections as corrections_
from sources import rows as rows_
from sources.archive import Archive, Snapshot
from sources.catalogue import Source
from sources.errors import Refused, refusal
from sources.home import Home, new_folder, read_json, write_json
from sources.places import Resolver
from sources.reading import LeftOut, Parsed, RawFile
from warehouse import accepted, checks, evaluate
from warehouse.accepted import as_arrow
from warehouse.records import REPORT, Vintage, vintages
from warehouse.results import CheckResult, from_plain, to_plain

State = Literal["accepted", "quarantined", "refused"]


@dataclass(frozen=True)
class Candidate:
    """What a snapshot was parsed into, ready to be checked: complete rows by table, and the counts that add up.

    `stamped` says whether the file itself bears the vintage; `stale` names the corrections whose error is not in it.
    """

    vintage: str
    stamped: bool
    items: int
    observations: int
    left_out: int
    stale: list[str]
    tables: Mapping[str, pd.DataFrame]


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
    def stale_corrections(self) -> list[str]:
        """Corrections whose error is not in the newest vintage of their file; the publisher may have mended it."""
        newest = {v.file: v for v in self.vintages}
        return [stale for v in newest.values() for stale in v.record["stale_corrections"]]

    @property
    def fallen_back(self) -> list[Verdict]:
        """Files whose newest snapshot could not be used, so that an older vintage stays."""
        newest = {v.file: v for v in self.verdicts}  # they come oldest first
        return [v for v in newest.values() if v.state != "accepted"]


@collecting.later()
def parse(source: Source, snapshot: Snapshot, data: bytes) -> Parsed:
    """What the source's parser makes of a file.

    Raises:
        Refused: when anything in the file is unknown, or the parser itself breaks.
    """
    with _figures_kept_in(source):
        return _parse(source, snapshot, data)


def _parse(source: Source, snapshot: Snapshot, data: bytes) -> Parsed:
    raw = RawFile(snapshot.file_name, snapshot.file, data, Resolver.for_folder(source.folder, source.place_scheme))
    try:
        return source.parser()(raw)
    except Refused:
        raise
    except Exception as error:  # one source's broken parser must not stop the others
        broke = f"the parser of {source.id} broke on it ({type(error).__name__}: {error})"
        why = f"{broke}; mend sources/{source.id}/parse.py."
        raise refusal(raw.name, why) from error


@contextmanager
def _figures_kept_in(source: Source) -> Iterator[None]:
    """No message quotes a figure of a source whose figures may not leave the machine; a log may."""
    try:
        yield
    except Refused as error:
        if source.licence_class != "internal":
            raise
        raise Refused(re.sub(r"\d", "#", str(error))) from None


@collecting.later()
def complete(source: Source, snapshot: Snapshot, parsed: Parsed, vintage: str | None = None) -> Candidate:
    """Correct and complete what was parsed; `vintage` goes before the file's own stamp.

    Raises:
        Refused: when anything in it is unknown, doubled or uncounted.
    """
    with _figures_kept_in(source):
        return _complete(source, snapshot, parsed, vintage)


def _complete(source: Source, snapshot: Snapshot, parsed: Parsed, vintage: str | None) -> Candidate:
    name = snapshot.file_name
    stamp = vintage or parsed.vintage or snapshot.vintage_hint or snapshot.retrieved_at[:10]
    if not accepted.VINTAGE.fullmatch(stamp):
        raise refusal(name, f"its vintage {stamp!r} is not a date such as 2026, 2026-04 or 2026-04-29.")
    provenance = {
        "source_id": source.id,
        "file": snapshot.file,
        "vintage": stamp,
        "snapshot": snapshot.sha256,
        "licence": source.licence,
    }
    parsed_rows = {**parsed.rows, **parsed.about}
    frames = {table: rows_.described(table, frame, snapshot.file, name) for table, frame in parsed_rows.items()}
    dropped: list[LeftOut] = []
    if "observation" in frames:
        entries = _corrections(source)
        frames["observation"], dropped, corrections = corrections_.apply(
            frames["observation"], entries, snapshot.file, name
        )
        if len(corrections):
            frames["correction"] = corrections
    for table, frame in frames.items():
        if identity := dictionary().tables[table].identity:
            ids = rows_.identities(frame, identity.of, source.id, stamp)
            frames[table] = frame.assign(**{identity.column: ids})
            rows_.refuse_duplicates(frames[table], identity.column, name)
    left_out = [*parsed.left_out, *dropped]
    if left_out:
        frames["left_out"] = rows_.left_out_rows(left_out)
        frames["left_out"].loc[len(parsed.left_out) :, "correction_id"] = [e.reason.split(":", 1)[0] for e in dropped]
    tables = {table: rows_.fill(table, frame, provenance, name) for table, frame in frames.items()}
    made = {table: len(tables[table]) for table in parsed.rows}
    out = sum(e.items for e in left_out)
    rows_.check_count(parsed, made, out, name)
    known = tables.get("correction")
    stale = [] if known is None else known.loc[known["state"] == "stale", "correction_id"].tolist()
    return Candidate(stamp, parsed.vintage is not None, parsed.items, sum(made.values()), out, stale, tables)


def _corrections(source: Source) -> list[corrections_.Correction]:
    entries = corrections_.read_corrections(source.folder)
    if strange := [entry for entry in entries if entry.file not in source.files]:
        raise Refused(f"{source.id}/corrections.yml: {strange[0].id} names a file {strange[0].file!r} that is none.")
    return entries


def check(candidate: Candidate) -> list[CheckResult]:
    """Run the suites of all of a candidate's tables."""
    words = dictionary().tables
    return [
        result
        for name, frame in candidate.tables.items()
        for result in checks.run(name, as_arrow(name, frame), checks.suite(words[name]))
    ]


def checks_of(vintage: Vintage) -> list[CheckResult]:
    """The answers to the checks that a vintage passed when it was accepted."""
    return [from_plain(plain) for plain in vintage.record["checks"]]


def take_in(home: Home, source: Source) -> Intake:
    """Bring a source's accepted vintages up to date with its archive."""
    archive = Archive(home.archive)
    verdicts = []
    for file in source.files:
        for snapshot in archive.snapshots(source.id, file):
            verdicts.append(decide(home, source, archive, snapshot))
    return Intake(source.id, vintages(home, source), verdicts)


@dataclass(frozen=True)
class _Case:
    """One snapshot and what is known before it is tried: the code, the file's vintages, and where a report belongs."""

    home: Home
    source: Source
    snapshot: Snapshot
    code: str
    own: list[Vintage]
    others: list[Vintage]

    @property
    def report(self) -> Path:
        """The folder of the report, should it be turned away."""
        return self.home.quarantine / self.source.id / self.snapshot.file / self.snapshot.sha256[:16]

    def verdict(self, state: State, vintage: str | None, message: str = "", *, new: bool) -> Verdict:
        """What became of it."""
        s = self.snapshot
        return Verdict(s.file, s.sha256, s.file_name, state, vintage, message, new)

    def told(self, state: State, vintage: str | None, message: str) -> dict[str, Any]:
        """What every report says."""
        snapshot = asdict(self.snapshot)
        return {"state": state, "code": self.code, "vintage": vintage, "message": message, "snapshot": snapshot}


def decide(home: Home, source: Source, archive: Archive, snapshot: Snapshot, parsed: Parsed | None = None) -> Verdict:
    """Accept, quarantine or refuse one snapshot; what was decided before with the same code stands.

    `parsed` spares the reading where the caller has parsed these bytes already.
    """
    of_file = [v for v in vintages(home, source) if v.file == snapshot.file]
    own = [v for v in of_file if v.snapshot["sha256"] == snapshot.sha256]
    others = [v for v in of_file if v.snapshot["sha256"] != snapshot.sha256]
    case = _Case(home, source, snapshot, source.code_digest(), own, others)
    for vintage in own:
        if vintage.record["code"] == case.code:
            return case.verdict("accepted", vintage.vintage, new=False)
    if (case.report / REPORT).exists():
        earlier = read_json(case.report / REPORT)
        if earlier["code"] == case.code:
            return case.verdict(earlier["state"], earlier["vintage"], earlier["message"], new=False)
    try:
        data = archive.read(snapshot)
    except Refused as error:  # says nothing of the file, so that no report may keep it from being tried again
        return case.verdict("refused", None, str(error), new=True)
    try:
        parsed = parse(source, snapshot, data) if parsed is None else parsed
        # Re-reading a file with newer code keeps the name that its vintage already has here.
        candidate = complete(source, snapshot, parsed, own[0].vintage if own else None)
        if (free := _reissue(case, candidate.vintage)) != candidate.vintage:
            candidate = complete(source, snapshot, parsed, free)
        results = [*check(candidate), *_shrunken(case, candidate), *_foretold(snapshot, candidate)]
    except Refused as error:
        with new_folder(case.report) as folder:
            write_json(folder / REPORT, case.told("refused", None, str(error)))
        return case.verdict("refused", None, str(error), new=True)
    return _settle(case, candidate, results)


def _settle(case: _Case, candidate: Candidate, results: list[CheckResult]) -> Verdict:
    """Accept a checked candidate, or put it in quarantine with its report."""
    if case.source.licence_class == "internal":  # examples hold figures, and a report is a log
        results = [replace(r, examples=()) for r in results]
    blocking = [r for r in results if r.blocks]
    if blocking:
        first = blocking[0].sentence() + (f" And {len(blocking) - 1} more checks." if len(blocking) > 1 else "")
        message = f"{case.snapshot.file_name}: {first} The report is in {case.report}."
        with new_folder(case.report) as folder:
            for name, frame in candidate.tables.items():
                frame.to_parquet(folder / f"{name}.parquet")
            told = case.told("quarantined", candidate.vintage, message)
            write_json(folder / REPORT, {**told, "checks": to_plain(results)})
        return case.verdict("quarantined", candidate.vintage, message, new=True)
    record = {
        "snapshot": asdict(case.snapshot),
        "items": candidate.items,
        "observations": candidate.observations,
        "left_out": candidate.left_out,
        "stale_corrections": candidate.stale,
        "code": case.code,
        "checks": to_plain(results),
    }
    accepted.write(case.home, case.source.id, case.snapshot.file, candidate.vintage, candidate.tables, record)
    shutil.rmtree(case.report, ignore_errors=True)
    return case.verdict("accepted", candidate.vintage, new=True)


def _shrunken(case: _Case, candidate: Candidate) -> list[CheckResult]:
    """Hold the size of a candidate against the newest vintage that other bytes gave, if there is one."""
    if not case.others:
        return []
    last = case.others[-1]
    before, share = int(last.record["items"]), case.source.files[case.snapshot.file].min_share
    return [
        CheckResult(
            case.snapshot.file,
            "item_count_against_last_vintage",
            (),
            "critical",
            f"A new file has at least {share:.0%} of the {before:,} items of vintage {last.vintage}.",
            "passed" if candidate.items >= share * before else "failed",
            candidate.items,
            detail=f"It has {candidate.items:,}; if the publisher really dropped them, lower min_share in source.yml.",
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
