"""Trying one snapshot: it is read, written, checked as written, and put in its place or turned away with a report."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dictionary.model import Severity
from sources.archive import Snapshot
from sources.errors import Refused
from sources.home import new_folder, write_json
from warehouse import accepted, rules
from warehouse.candidate import Candidate, check, complete, parse
from warehouse.checks import Asked
from warehouse.intake import Ground, State, Verdict, against, before
from warehouse.records import REPORT, Vintage, vintage_order
from warehouse.results import CheckResult, Outcome, to_plain


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
        return self.ground.report(self.snapshot)

    def before(self, candidate: Candidate) -> Vintage | None:
        """The newest vintage of other bytes that is older than the candidate."""
        return before(self.others, candidate.vintage)

    def refused(self, error: Refused, *, undecided: bool = False) -> Verdict:
        """Turn it away, with a report; where `undecided`, it is tried again each time."""
        with new_folder(self.report) as folder:
            write_json(folder / REPORT, {**self.told("refused", None, str(error)), "undecided": undecided})
        return Verdict.of(self.snapshot, "refused", None, str(error), new=True)

    def told(self, state: State, vintage: str | None, message: str) -> dict[str, Any]:
        """What every report says."""
        held = vintage and against(self.others, vintage)
        return {
            "state": state, "code": self.ground.code, "vintage": vintage, "against": held, "message": message,
            "snapshot": asdict(self.snapshot),
        }  # fmt: skip


def attempt(ground: Ground, snapshot: Snapshot, candidate: Candidate | None = None) -> Verdict:
    """Read, check, and accept, quarantine or refuse one snapshot.

    `candidate` spares the reading where the caller has made one of this very snapshot.
    """
    source = ground.source
    of_file = [v for v in ground.vintages if v.file == snapshot.file]
    own = [v for v in of_file if v.snapshot["sha256"] == snapshot.sha256]
    others = [v for v in of_file if v.snapshot["sha256"] != snapshot.sha256]
    case = _Case(ground, snapshot, own, others)
    try:
        if candidate is None:
            try:
                data = ground.archive.read(snapshot)
            except Refused as error:  # which says nothing of the file
                return case.refused(error, undecided=True)
            candidate = complete(source, snapshot, parse(source, snapshot, data))
        # Re-reading a file with newer code keeps the name that its vintage already has here.
        name = _reissue(case, own[0].vintage if own else candidate.vintage)
        if name != candidate.vintage:
            candidate = complete(source, snapshot, candidate.parsed, name)
    except Refused as error:
        return case.refused(error)
    if last := case.before(candidate):
        try:
            last.prove()
        except Refused as error:  # nor does this
            return case.refused(error, undecided=True)
    return _settle(case, candidate)


class _Blocked(Exception):
    """A critical check did not pass, so that what was written is not put in its place."""


def _settle(case: _Case, candidate: Candidate) -> Verdict:
    """Write a candidate, check what was written, then accept it, or put it in quarantine with its report."""
    ground, snapshot = case.ground, case.snapshot
    target = ground.home.accepted / ground.source.id / snapshot.file / candidate.vintage
    results: list[CheckResult] = []
    said = ["its accepted rows were altered or lost, and are made anew"] if any(v.altered() for v in case.own) else []
    try:
        with new_folder(target) as folder:
            tables = accepted.write_tables(candidate.tables, folder)
            asked = _ask_rules(case, candidate, folder)
            results = [*check(folder, tables), *_bands(case, candidate), *(r for a in asked for r in a.answers())]
            if ground.source.licence_class == "internal":  # examples hold figures, and a report is a log
                results = [replace(r, examples=(), detail=re.sub(r"\d", "#", r.detail or "")) for r in results]
            waived = snapshot.waived or ()
            if any(r.blocks and not (r.can_be_waived and r.type in waived) for r in results):
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
    if snapshot.accepted_despite:
        said.append(f"accepted despite failed checks: {snapshot.accepted_despite}")
    if "-r" in candidate.vintage:
        said.append(f"other bytes bear the same stamp already, so it is the reissue {candidate.vintage}")
    verdict = Verdict.of(case.snapshot, "accepted", candidate.vintage, "; ".join(said), new=True)
    return replace(verdict, warnings=tuple(r.sentence() for r in results if r.outcome != "passed"))


def _quarantined(case: _Case, candidate: Candidate, results: list[CheckResult]) -> Verdict:
    """Put a candidate in quarantine, with the answers to its checks."""
    blocking = [r for r in results if r.blocks]
    first = blocking[0].sentence() + (f" And {len(blocking) - 1} more checks." if len(blocking) > 1 else "")
    undecided = any(r.outcome == "could_not_run" for r in blocking)
    again = " The next run tries it again." if undecided else ""
    message = f"{case.snapshot.file_name}: {first} The report is in {case.report}.{again}"
    with new_folder(case.report) as folder:
        for name, frame in candidate.tables.items():
            frame.to_parquet(folder / f"{name}.parquet")
        told = case.told("quarantined", candidate.vintage, message)
        write_json(folder / REPORT, {**told, "undecided": undecided, "checks": to_plain(results)})
    return Verdict.of(case.snapshot, "quarantined", candidate.vintage, message, new=True)


def _ask_rules(case: _Case, candidate: Candidate, folder: Path) -> list[Asked]:
    """Ask the rules of the field about what was written of a candidate, beside the vintage before it."""
    last = case.before(candidate)
    file = case.ground.source.files[case.snapshot.file]
    known = {
        "vintage": candidate.vintage,
        "retrieved_at": case.snapshot.retrieved_at,
        "min_share": file.min_share,
        "extends": file.extends,
    }
    now = {table: folder / f"{table}.parquet" for table in candidate.tables}
    tables = [*now, *(last.record["tables"] if last else ())]
    before = {table: path for table in tables if last and (path := last.path(table))}
    return rules.ask_of_candidate(case.ground.source, now, before, known)


#: Tables that tell of what was done to a file's items, of which there may be fewer.
ABOUT_ROWS = ("left_out", "correction")

#: A file of the same type may be this many times as large or as small as the one before without a word.
USUAL = 2
#: One smaller than this share is no new edition of the same file.
LEAST = 0.1


def _bands(case: _Case, candidate: Candidate) -> list[CheckResult]:
    """Hold a candidate's stamp and size against the vintages that other bytes gave."""
    results: list[CheckResult] = []
    snapshot, file, items = case.snapshot, case.ground.source.files[case.snapshot.file], candidate.parsed.items

    def band(name: str, severity: Severity, reason: str, holds: bool, detail: str) -> None:
        outcome: Outcome = "passed" if holds else "failed"
        results.append(CheckResult(snapshot.file, name, (), severity, reason, outcome, items, detail=detail))

    # A server that goes back must not replace what it gave before; editions that add to each other may come late.
    if case.others and snapshot.obtained == "fetch" and not (file.extends or case.own):
        newest = case.others[-1]
        newer = vintage_order(newest.vintage) > vintage_order(candidate.vintage)
        band(
            "vintage_against_newest",
            "critical",
            f"A server does not give an older vintage than {newest.vintage}, which was here before it answered.",
            not (newer and str(newest.snapshot["retrieved_at"]) <= snapshot.retrieved_at),
            f"On {snapshot.retrieved_at[:10]} it gave {candidate.vintage}.",
        )
    if (last := case.before(candidate)) is None:
        return results
    most, before = max(USUAL, 1 / file.min_share), int(last.record["items"])
    band(
        "item_count_against_last_vintage",
        "critical",
        f"A new file has at least {file.min_share:.0%} of the {before:,} items of vintage {last.vintage}, "
        f"and at most {most:g} times as many.",
        file.min_share * before <= items <= most * before,
        f"It has {items:,}; if the publisher really changed so much, accept it by hand or change min_share.",
    )
    for table, entry in last.record["tables"].items():
        if table in ABOUT_ROWS or not entry["rows"]:
            continue
        now, had = len(candidate.tables.get(table, ())), int(entry["rows"])
        band(
            f"rows_of_{table}_against_last_vintage",
            "critical",
            f"A new file has at least {file.min_share:.0%} of the {had:,} rows of {table} of vintage {last.vintage}.",
            now >= file.min_share * had,
            f"It has {now:,}.",
        )
    if last.snapshot["media_type"] == snapshot.media_type:
        size, had = snapshot.bytes, int(last.snapshot["bytes"])
        of = f"as large as that of vintage {last.vintage}, {had:,} bytes."
        detail = f"It has {size:,} bytes."
        usual = had <= USUAL * size and size <= USUAL * had
        band("size_against_last_vintage", "warning", f"A new file is half to twice {of}", usual, detail)
        band("least_size_of_a_file", "critical", f"A new file is at least a tenth {of}", size >= LEAST * had, detail)
    return results


def _reissue(case: _Case, vintage: str) -> str:
    """The vintage, or its next reissue where other bytes already bear the stamp."""
    taken = {v.vintage for v in case.others}
    names = [vintage, *(f"{vintage}-r{n}" for n in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)
