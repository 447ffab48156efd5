"""Where state lives: the folders under CUSTODY_HOME, and writing that a crash cannot leave half done."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sources.errors import Refused

#: How the name of something half written begins; then comes the number of the process that writes it.
WRITING = ".writing-"


@dataclass(frozen=True)
class Home:
    """The folders of one installation's state."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """CUSTODY_HOME, or `var` in the current folder."""
        return cls(Path(os.environ.get("CUSTODY_HOME") or "var").absolute())

    @property
    def archive(self) -> Path:
        """Raw bytes and snapshot records."""
        return self.root / "archive"

    @property
    def accepted(self) -> Path:
        """Parquet of accepted vintages."""
        return self.root / "accepted"

    @property
    def quarantine(self) -> Path:
        """Candidate rows that failed a critical check, with reports."""
        return self.root / "quarantine"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def build_record(self) -> Path:
        """What the DuckDB file was built from, with every check's result."""
        return self.root / "warehouse.json"

    @property
    def next_record(self) -> Path:
        """The same of a file that is about to be put in its place."""
        return self.root / "warehouse-next.json"

    @property
    def build_failure(self) -> Path:
        """The checks that the last build failed; absent after a good one."""
        return self.root / "build-failed.json"

    @property
    def reports(self) -> Path:
        """The quality report of the warehouse."""
        return self.root / "reports"

    @property
    def releases(self) -> Path:
        """Published releases."""
        return self.root / "releases"

    @property
    def dagster(self) -> Path:
        """Dagster's own store."""
        return self.root / "dagster"


def now() -> str:
    """This second, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes stand at `path` in one step when the block ends well; readers see the old file or the new.

    It may be read back and rewritten within the block.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_fresh(path.parent))
    try:
        with os.fdopen(handle, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old one or the new one, also after a crash."""
    with writing(path) as stream:
        stream.write(data)


def json_bytes(content: Any) -> bytes:
    """JSON as Custody writes it, keys in the order given."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def write_json(path: Path, content: Any) -> None:
    """Write JSON as `write_bytes` does."""
    write_bytes(path, json_bytes(content))


def read_json(path: Path) -> Any:
    """Read JSON written by `write_json`.

    Raises:
        Refused: when the file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # the last of what is nested ten thousand deep
        raise Refused(f"{path} is damaged ({error}); restore it, or delete it and run the command again.") from None


#: By what a record is known to be as it was written.
SEAL = "seal"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record as JSON with a digest of itself, so that one flipped bit in it is noticed."""
    write_json(path, {**content, SEAL: sha256(json_bytes(content))})


def read_sealed(path: Path) -> dict[str, Any]:
    """Read what `write_sealed` wrote; a record of an earlier Custody bears no digest.

    Raises:
        Refused: when the file is damaged or altered.
    """
    told = read_json(path)
    if not isinstance(told, dict) or (SEAL in told and told.pop(SEAL) != sha256(json_bytes(told))):
        raise Refused(f"{path} was altered; restore it.")
    return told


def lives(process: int) -> bool:
    """Whether a process of that number is running."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _fresh(folder: Path) -> str:
    """The beginning of a name for what this process writes in a folder; what a killed one left there is removed."""
    for left in folder.glob(f"{WRITING}*"):
        maker = left.name.removeprefix(WRITING).split("-")[0]
        if maker.isdecimal() and not lives(int(maker)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return f"{WRITING}{os.getpid()}-"


def _sync(path: Path) -> None:
    """Have the disk hold what was written of a file, or which files a folder has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _settle(folder: Path) -> None:
    """Have the disk hold a folder with all that is in it, so that its name never stands for less after a crash."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            _sync(path)
    _sync(folder)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, put in the place of `target` in one step when the block ends well.

    An older folder at `target` is moved aside first and removed after; a crash between the two leaves it under a
    name that begins with `.old-`, where it stays until a new one is in its place.
    """
    absent = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    filling = Path(tempfile.mkdtemp(dir=target.parent, prefix=_fresh(target.parent)))
    old = target.parent / f".old-{target.name}"
    try:
        filling.chmod(0o755)
        yield filling
        _settle(filling)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.replace(target, old)
        os.replace(filling, target)
        _sync(target.parent)
    except BaseException:
        if old.exists() and not target.exists():
            with suppress(OSError):
                os.replace(old, target)
        shutil.rmtree(filling, ignore_errors=True)
        with suppress(OSError):  # nothing is left but what was there, or what another process put there meanwhile
            for folder in absent:
                folder.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
