"""From a publisher's file to rows ready to be accepted: parsed, corrected, completed and checked.

Nothing is stored here; what becomes of a candidate is decided in `warehouse.intake`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pandas as pd
import pyarrow.parquet as pq

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
from warehouse.records import vintage_order
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


def _guarded(
    call: Callable[Concatenate[Source, Snapshot, P], T],
) -> Callable[Concatenate[Source, Snapshot, P], T]:
    """One source's broken parser must not stop the others; nor does a message quote a figure that may not go out.

    A message may stand in a log, and the figures of an `internal` source may not.
    """

    @wraps(call)
    def guarded(source: Source, snapshot: Snapshot, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(source, snapshot, *args, **kwargs)
        except Refused as error:
            if source.licence_class != "internal":
                raise
            raise Refused(re.sub(r"\d", "#", str(error))) from None
        except Exception as error:
            why = f"{type(error).__name__}: {error}" if source.licence_class != "internal" else type(error).__name__
            broke = f"the parser of {source.id} broke on it ({why}); mend sources/{source.id}/parse.py."
            raise refusal(snapshot.file_name, broke) from error

    return guarded


@collecting.later()
@_guarded
def parse(source: Source, snapshot: Snapshot, data: bytes) -> Parsed:
    """What the source's parser makes of a file.

    Raises:
        Refused: when anything in the file is unknown, or the parser itself breaks.
    """
    places = Resolver.for_folder(source.folder, source.place_scheme)
    return source.parser()(RawFile(snapshot.file_name, snapshot.file, data, places))


@collecting.later()
@_guarded
def complete(source: Source, snapshot: Snapshot, parsed: Parsed, vintage: str | None = None) -> Candidate:
    """Correct and complete what was parsed; `vintage` goes before the file's own stamp.

    Raises:
        Refused: when anything in it is unknown, doubled or uncounted.
    """
    name = snapshot.file_name
    stamp = vintage or parsed.vintage or snapshot.vintage_hint or snapshot.retrieved_at[:10]
    if not accepted.is_vintage(stamp):
        raise refusal(name, f"its vintage {stamp!r} is not a date such as 2026, 2026-04 or 2026-04-29.")
    day, _ = vintage_order(stamp)
    if day > snapshot.retrieved_at[: len(day)]:
        raise refusal(name, f"its vintage {stamp} is later than {snapshot.retrieved_at[:10]}, when the file was there.")
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
    corrected = []
    for table, entries in _corrections(source, snapshot.file).items():
        if table not in frames:
            raise refusal(name, f"correction {entries[0].id} is of table {table}, of which the file has no rows.")
        frames[table], out_of_table, record = corrections_.apply(frames[table], entries, name)
        dropped += out_of_table
        corrected.append(record)
    if corrected:
        frames["correction"] = pd.concat(corrected, ignore_index=True)
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
    if not parsed.items:
        raise refusal(name, "it has no item at all; a file without figures is no vintage.")
    known = tables.get("correction")
    stale = [] if known is None else known.loc[known["state"] == "stale", "correction_id"].tolist()
    return Candidate(parsed, stamp, sum(made.values()), out, stale, tables)


def _corrections(source: Source, file: str) -> dict[str, list[corrections_.Correction]]:
    """The corrections of a file, by the table whose rows they concern."""
    entries = corrections_.read_corrections(source.folder)
    if strange := [entry for entry in entries if entry.file not in source.files]:
        raise Refused(f"{source.id}/corrections.yml: {strange[0].id} names a file {strange[0].file!r} that is none.")
    by_table: dict[str, list[corrections_.Correction]] = {}
    for entry in entries:
        if entry.file == file:
            by_table.setdefault(entry.table, []).append(entry)
    return by_table


def check(folder: Path, tables: Iterable[str]) -> list[CheckResult]:
    """Run the suites of tables on what was written of them."""
    results: list[CheckResult] = []
    for name in tables:
        rows = pq.read_table(folder / f"{name}.parquet")
        results += checks.run(name, rows, checks.suite(dictionary().tables[name]))
    return results
