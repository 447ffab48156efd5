"""From the archive to accepted vintages: parse, correct, check, then accept or quarantine, one source at a time.

Each snapshot in the archive is tried once with the code that is there; it is tried again only when that code, the
source's folder or the dictionary has changed. A snapshot that is refused or fails a critical check leaves the last
good vintage in use.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import pandas as pd

from dictionary.model import dictionary
from sources import corrections as corrections_
from sources import rows as rows_
from sources.archive import Archive, Snapshot
from sources.catalogue import Source
from sources.errors import Refused, refusal
from sources.home import Home, new_folder, read_json, write_json
from sources.places import Resolver
from sources.reading import LeftOut, RawFile
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


def prepare(source: Source, snapshot: Snapshot, data: bytes, vintage: str | None = None) -> Candidate:
    """Parse, correct and complete the rows of one file; pure but for reading the source's folder.

    Raises:
        Refused: when anything in the file is unknown, doubled or uncounted.
    """
    resolver = Resolver.for_folder(source.folder, source.place_scheme)
    raw = RawFile(snapshot.file_name, snapshot.file, data, resolver)
    try:
        parsed = source.parser()(raw)
    except Refused:
        raise
    except Exception as error:  # one source's broken parser must not stop the others
        broke = f"the parser of {source.id} broke on it ({type(error).__name__}: {error})"
        why = f"{broke}; mend sources/{source.id}/parse.py."
        raise refusal(raw.name, why) from error
    stamp = vintage or parsed.vintage or snapshot.vintage_hint or snapshot.retrieved_at[:10]
    if not accepted.VINTAGE.fullmatch(stamp):
        raise refusal(raw.name, f"its vintage {stamp!r} is not a date such as 2026, 2026-04 or 2026-04-29.")
    provenance = {
        "source_id": source.id,
        "file": snapshot.file,
        "vintage": stamp,
        "snapshot": snapshot.sha256,
        "licence": source.licence,
    }
    left_out = list(parsed.left_out)
    tables: dict[str, pd.DataFrame] = {}
    dropped: list[LeftOut] = []
    for name, parsed_rows in parsed.rows.items():
        frame = parsed_rows
        if name == "observation":
            if "dataset" not in frame:
                frame = frame.assign(dataset=snapshot.file)
            frame = rows_.with_defaults(frame, raw.name)
            entries = corrections_.read_corrections(source.folder)
            if strange := [entry for entry in entries if entry.file not in source.files]:
                raise Refused(
                    f"{source.id}/corrections.yml: {strange[0].id} names a file {strange[0].file!r} that is none."
                )
            frame, dropped, record = corrections_.apply(frame, entries, snapshot.file, raw.name)
            if len(record):
                tables["correction"] = rows_.fill("correction", record, provenance, raw.name)
            frame = frame.assign(observation_id=rows_.identities(frame, source.id, stamp))
            rows_.refuse_duplicates(frame, raw.name)
        tables[name] = rows_.fill(name, frame, provenance, raw.name)
    made = {name: len(tables[name]) for name in parsed.rows}
    if left_out or dropped:
        entries_out = rows_.left_out_rows([*left_out, *dropped])
        entries_out.loc[len(left_out) :, "correction_id"] = [e.reason.split(":", 1)[0] for e in dropped]
        tables["left_out"] = rows_.fill("left_out", entries_out, provenance, raw.name)
    out = sum(e.items for e in [*left_out, *dropped])
    rows_.check_count(parsed, made, out, raw.name)
    known = tables.get("correction")
    stale = [] if known is None else known.loc[known["state"] == "stale", "correction_id"].tolist()
    return Candidate(stamp, parsed.vintage is not None, parsed.items, sum(made.values()), out, stale, tables)


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


def decide(home: Home, source: Source, archive: Archive, snapshot: Snapshot) -> Verdict:
    """Accept, quarantine or refuse one snapshot; what was decided before with the same code stands."""
    code = source.code_digest()
    for vintage in vintages(home, source):
        if (
            vintage.snapshot["sha256"] == snapshot.sha256
            and vintage.file == snapshot.file
            and (vintage.record["code"] == code)
        ):
            return _verdict(snapshot, "accepted", vintage.vintage, "", new=False)
    report = home.quarantine / source.id / snapshot.file / snapshot.sha256[:16]
    if (report / REPORT).exists():
        earlier = read_json(report / REPORT)
        if earlier["code"] == code:
            return _verdict(snapshot, earlier["state"], earlier["vintage"], earlier["message"], new=False)
    try:
        data = archive.read(snapshot)
    except Refused as error:  # says nothing of the file, so that no report may keep it from being tried again
        return _verdict(snapshot, "refused", None, str(error), new=True)
    try:
        candidate = prepare(source, snapshot, data, _own_vintage(home, source, snapshot))
        if (free := _reissue(home, source, snapshot, candidate.vintage)) != candidate.vintage:
            candidate = prepare(source, snapshot, data, free)
        results = [*check(candidate), *_shrunken(home, source, snapshot, candidate), *_foretold(snapshot, candidate)]
    except Refused as error:
        with new_folder(report) as folder:
            write_json(
                folder / REPORT,
                {
                    "state": "refused",
                    "code": code,
                    "vintage": None,
                    "message": str(error),
                    "snapshot": asdict(snapshot),
                },
            )
        return _verdict(snapshot, "refused", None, str(error), new=True)
    return settle(home, source, snapshot, candidate, results)


def settle(home: Home, source: Source, snapshot: Snapshot, candidate: Candidate, results: list[CheckResult]) -> Verdict:
    """Accept a checked candidate, or put it in quarantine with its report."""
    code = source.code_digest()
    report = home.quarantine / source.id / snapshot.file / snapshot.sha256[:16]
    blocking = [r for r in results if r.blocks]
    if blocking:
        first = blocking[0].sentence() + (f" And {len(blocking) - 1} more checks." if len(blocking) > 1 else "")
        message = f"{snapshot.file_name}: {first} The report is in {report}."
        with new_folder(report) as folder:
            for name, frame in candidate.tables.items():
                frame.to_parquet(folder / f"{name}.parquet")
            told = {
                "state": "quarantined",
                "code": code,
                "vintage": candidate.vintage,
                "message": message,
                "snapshot": asdict(snapshot),
            }
            write_json(folder / REPORT, {**told, "checks": to_plain(results)})
        return _verdict(snapshot, "quarantined", candidate.vintage, message, new=True)
    record = {
        "snapshot": asdict(snapshot),
        "items": candidate.items,
        "observations": candidate.observations,
        "left_out": candidate.left_out,
        "stale_corrections": candidate.stale,
        "code": code,
        "checks": to_plain(results),
    }
    accepted.write(home, source.id, snapshot.file, candidate.vintage, candidate.tables, record)
    shutil.rmtree(report, ignore_errors=True)
    return _verdict(snapshot, "accepted", candidate.vintage, "", new=True)


def _shrunken(home: Home, source: Source, snapshot: Snapshot, candidate: Candidate) -> list[CheckResult]:
    """Hold the size of a candidate against the newest vintage that other bytes gave, if there is one."""
    others = [v for v in vintages(home, source) if v.file == snapshot.file and v.snapshot["sha256"] != snapshot.sha256]
    if not others:
        return []
    last = others[-1]
    before, share = int(last.record["items"]), source.files[snapshot.file].min_share
    return [
        CheckResult(
            snapshot.file,
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


def _own_vintage(home: Home, source: Source, snapshot: Snapshot) -> str | None:
    """The vintage this very file already has here, so that re-reading it with newer code keeps its name."""
    for vintage in vintages(home, source):
        if vintage.file == snapshot.file and vintage.snapshot["sha256"] == snapshot.sha256:
            return vintage.vintage
    return None


def _reissue(home: Home, source: Source, snapshot: Snapshot, vintage: str) -> str:
    """The vintage, or its next reissue where other bytes already bear the stamp."""
    taken = {
        v.vintage for v in vintages(home, source) if v.file == snapshot.file and v.snapshot["sha256"] != snapshot.sha256
    }
    names = [vintage, *(f"{vintage}-r{n}" for n in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)


def _verdict(snapshot: Snapshot, state: State, vintage: str | None, message: str, new: bool) -> Verdict:
    return Verdict(snapshot.file, snapshot.sha256, snapshot.file_name, state, vintage, message, new)
