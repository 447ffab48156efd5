"""The archive: publishers' bytes under their SHA-256, never overwritten, each with a snapshot record.

Layout below the archive folder: `objects/<2 hex>/<sha256>` holds the bytes, `snapshots/<source>/<file>/<sha256>.json`
the record, and `seen.jsonl` beside the records one line each time the same or other bytes were met.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from sources.catalogue import MediaType, Source
from sources.errors import Refused, refusal
from sources.home import now, read_sealed, sha256, write_bytes, write_sealed


@dataclass(frozen=True)
class Snapshot:
    """The record of one publisher's file as it came.

    `vintage_hint` is the stamp given by hand where the file bears none; `retrieved_at` is ISO 8601; `withdrawn` says
    when and why it is no longer used; `accepted_despite` when and why a person accepted it although the checks `waived`
    fail; `answer` is all that the server said, where one was asked (see
    `sources.http.Answer`).
    """

    source_id: str
    file: str
    sha256: str
    file_name: str
    bytes: int
    media_type: str
    retrieved_at: str
    obtained: str
    url: str | None
    licence: str
    vintage_hint: str | None = None
    withdrawn: str | None = None
    answer: Mapping[str, Any] | None = None
    accepted_despite: str | None = None
    waived: list[str] | None = None


def is_utf_16(data: bytes) -> bool:
    """Whether text is in two bytes a letter: it begins with a byte order mark, or with plain letters so written."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return len(data) > 1 and any(data[0:20:2]) != any(data[1:20:2])


def media_type(data: bytes) -> MediaType | None:
    """The type of a file by its content; None where it is none that Custody reads."""
    if data[:2] == b"PK":
        try:
            names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
        except Exception:  # damaged or packed in an unknown way; whoever reads it says so
            return "zip"
        if "xl/workbook.xml" in names:
            return "xlsx"
        return "ods" if "content.xml" in names and "mimetype" in names else "zip"
    if data[:8] == bytes.fromhex("d0cf11e0a1b11ae1"):
        return "xls"
    start = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return "json"
    if start[:1] == b"<":
        return "html"
    if b"\0" in start:
        return None
    first = start.split(b"\n", 1)[0]
    if b"\t" in first:
        return "tsv"
    return "csv" if b"," in first or b";" in first else "text"


def check_type(source: Source, file: str, name: str, data: bytes) -> MediaType:
    """The type of the content, refused when it is not one that `source.yml` declares for the file."""
    if not data:
        raise refusal(name, "the file is empty; get it again.")
    found = media_type(data)
    declared = source.files[file].types
    if found not in declared:
        hints = {"html": " It looks like a web page, perhaps an error page.", "zip": " It may be cut off or damaged."}
        hint = hints.get(found or "", "")
        if found is None and is_utf_16(data):
            hint = " It is text in UTF-16; save it as UTF-8, or in whichever other encoding the publisher uses."
        raise refusal(
            name,
            f"the content is {found or 'of no known type'}, not {' or '.join(declared)} as {source.id} declares for "
            f"{file}.{hint} Nothing was stored.",
        )
    if found in ("xlsx", "xls", "ods") and _has_macros(found, data) and not source.files[file].macros:
        raise refusal(
            name,
            f"the workbook holds macros, which a file of {source.id} never did; look whether it is the publisher's, "
            f"and if so say `macros: true` for {file} in source.yml. Nothing was stored.",
        )
    return found


def _has_macros(kind: MediaType, data: bytes) -> bool:
    if kind == "xls":
        return "_VBA_PROJECT".encode("utf-16-le") in data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return any(n.lower().endswith("vbaproject.bin") or n.startswith("Basic/") for n in archive.namelist())


def _is_torn(stream: IO[bytes]) -> bool:
    """Whether the last line of a file is not ended."""
    if stream.seek(0, os.SEEK_END) == 0:
        return False
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) != b"\n"


def _read(record: Path) -> Snapshot:
    try:
        return Snapshot(**read_sealed(record))
    except (Refused, TypeError):
        raise Refused(
            f"{record} is damaged, and with it what is known of a file; restore it, or delete it and fetch or import "
            "that file again."
        ) from None


class Archive:
    """The archive under one folder."""

    def __init__(self, root: Path):
        """Use the folder; it is made when the first file enters."""
        self.root = root

    def _records(self, source_id: str, file: str) -> Path:
        return self.root / "snapshots" / source_id / file

    def _record(self, source_id: str, file: str, digest: str) -> Path:
        return self._records(source_id, file) / f"{digest}.json"

    def object_path(self, digest: str) -> Path:
        """Where the bytes of a digest lie."""
        return self.root / "objects" / digest[:2] / digest

    def put(
        self,
        source: Source,
        file: str,
        name: str,
        data: bytes,
        *,
        obtained: str,
        url: str | None,
        retrieved_at: str,
        vintage_hint: str | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> tuple[Snapshot, bool]:
        """Store a file; the second value says whether its bytes are new.

        Raises:
            Refused: when the content is not of a declared type.
        """
        kind = check_type(source, file, name, data)
        digest = sha256(data)
        snapshot = Snapshot(
            source.id,
            file,
            digest,
            name,
            len(data),
            kind,
            retrieved_at,
            obtained,
            url,
            source.licence,
            vintage_hint,
            answer=answer,
        )
        record = self._record(source.id, file, digest)
        new = not record.exists()
        self._keep(digest, data)
        if new:
            write_sealed(record, asdict(snapshot))
        else:
            snapshot = _read(record)
            if snapshot.withdrawn and obtained == "import":  # a person wants it again; a fetch meets what it met before
                snapshot = replace(snapshot, withdrawn=None)
                write_sealed(record, asdict(snapshot))
        occasion = {"file_name": name, "retrieved_at": retrieved_at, "url": url}
        self.seen(source.id, file, digest, obtained, answer, occasion)
        return snapshot, new

    def seen(
        self,
        source_id: str,
        file: str,
        digest: str,
        obtained: str,
        answer: Mapping[str, Any] | None = None,
        occasion: Mapping[str, str | None] | None = None,
    ) -> None:
        """Note that the bytes of a digest were met again, or that a server said that they have not changed.

        The `occasion` says under which name, when and where: the record beside keeps the first one alone.
        """
        line = {"sha256": digest, "seen_at": now(), "obtained": obtained, "answer": answer, **(occasion or {})}
        self._append(self._records(source_id, file) / "seen.jsonl", line)

    def served(self, source_id: str, file: str) -> tuple[str, str] | None:
        """What a server gave the last time that it was asked: the digest, and when that was."""
        path = self._records(source_id, file) / "seen.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for line in reversed(lines):
            with suppress(ValueError):  # of a line that a crash has cut
                told = json.loads(line)
                if told["obtained"] == "fetch":
                    return str(told["sha256"]), str(told["seen_at"])
        return None

    def put_document(self, source_id: str, data: bytes, answer: Mapping[str, Any]) -> str:
        """Store a document in which an address was looked for; it is no publisher's file and becomes no snapshot."""
        digest = sha256(data)
        self._keep(digest, data)
        line = {"sha256": digest, "seen_at": now(), "answer": answer}
        self._append(self.root / "documents" / f"{source_id}.jsonl", line)
        return digest

    def knows(self, source_id: str, file: str, digest: str) -> bool:
        """Whether there is a record of a file with these bytes."""
        return self._record(source_id, file, digest).exists()

    def kept(self, digest: str) -> bytes | None:
        """The bytes of a digest; None where they are lost or altered."""
        path = self.object_path(digest)
        data = path.read_bytes() if path.exists() else b""
        return data if sha256(data) == digest else None

    def _keep(self, digest: str, data: bytes) -> None:
        if self.kept(digest) is None:  # a damaged object is mended by the same bytes
            write_bytes(self.object_path(digest), data)

    def _append(self, path: Path, line: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as stream:
            # A line that a crash tore off is ended, so that it spoils no other.
            stream.write((b"\n" if _is_torn(stream) else b"") + json.dumps(line).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def withdraw(self, source_id: str, file: str, digest: str, reason: str) -> None:
        """Note that a snapshot, where it is here, is no longer used; its bytes stay."""
        record = self._record(source_id, file, digest)
        if record.exists():
            gone = replace(_read(record), accepted_despite=None, waived=None, withdrawn=f"{now()} {reason}")
            write_sealed(record, asdict(gone))

    def waive(self, snapshot: Snapshot, checks: Iterable[str], reason: str) -> Snapshot:
        """Note that a person accepts a snapshot although some checks fail."""
        made = replace(snapshot, accepted_despite=f"{now()} {reason}", waived=sorted(set(checks)))
        write_sealed(self._record(snapshot.source_id, snapshot.file, snapshot.sha256), asdict(made))
        return made

    def snapshots(self, source_id: str, file: str) -> list[Snapshot]:
        """The snapshots of one file that are not withdrawn, oldest retrieval first.

        Raises:
            Refused: when a record is damaged.
        """
        found = [_read(path) for path in self._records(source_id, file).glob("*.json")]
        return sorted((s for s in found if not s.withdrawn), key=lambda s: (s.retrieved_at, s.sha256))

    def read(self, snapshot: Snapshot) -> bytes:
        """The bytes of a snapshot, proved against their digest.

        Raises:
            Refused: when they are gone or altered.
        """
        data = self.kept(snapshot.sha256)
        if data is None:
            what = "altered" if self.object_path(snapshot.sha256).exists() else "lost"
            raise Refused(
                f"The archived bytes of {snapshot.file_name} ({snapshot.sha256[:12]}) were {what}; "
                "restore the archive, or import or fetch the file again."
            )
        return data
