"""From a publisher's file to rows ready to be accepted: parsed, corrected, completed and checked.

Nothing is stored here; what becomes of a candidate is decided in `warehouse.intake`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import pandas as pd

from dictionary.model import dictionary
from sources import collecting
from sources import corrections as corrections_
from sources import rows as rows_
from sources.archive import Snapshot
from sources.catalogue import Source
from sources.errors import Refused, refusal
from sources.places import Resolver
from sources.reading import LeftOut, Parsed, RawFile
from warehouse import accepted, checks
from warehouse.accepted import as_arrow
from warehouse.results import CheckResult

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Candidate:
    """What a snapshot was parsed into, ready to be checked: complete rows by table, and the counts that add up.

    `stale` names the corrections whose error is not in it.
    """

    parsed: Parsed
    vintage: str
    observations: int
    left_out: int
    stale: list[str]
    tables: Mapping[str, pd.DataFrame]

    @property
    def stamped(self) -> bool:
        """Whether the file itself bears the vintage."""
        return self.parsed.vintage is not None


def _keeping_figures(call: Callable[Concatenate[Source, P], T]) -> Callable[Concatenate[Source, P], T]:
    """No message quotes a figure of a source whose figures may not leave the machine: a log may."""

    @wraps(call)
    def kept(source: Source, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(source, *args, **kwargs)
        except Refused as error:
            if source.licence_class != "internal":
                raise
            raise Refused(re.sub(r"\d", "#", str(error))) from None

    return kept


@collecting.later()
@_keeping_figures
def parse(source: Source, snapshot: Snapshot, data: bytes) -> Parsed:
    """What the source's parser makes of a file.

    Raises:
        Refused: when anything in the file is unknown, or the parser itself breaks.
    """
    raw = RawFile(snapshot.file_name, snapshot.file, data, Resolver.for_folder(source.folder, source.place_scheme))
    try:
        return source.parser()(raw)
    except Refused:
        raise
    except Exception as error:  # one source's broken parser must not stop the others
        broke = f"the parser of {source.id} broke on it ({type(error).__name__}: {error})"
        why = f"{broke}; mend sources/{source.id}/parse.py."
        raise refusal(raw.name, why) from error


@collecting.later()
@_keeping_figures
def complete(source: Source, snapshot: Snapshot, parsed: Parsed, vintage: str | None = None) -> Candidate:
    """Correct and complete what was parsed; `vintage` goes before the file's own stamp.

    Raises:
        Refused: when anything in it is unknown, doubled or uncounted.
    """
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
    return Candidate(parsed, stamp, sum(made.values()), out, stale, tables)


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
