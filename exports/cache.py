"""The reader's cache: files by their SHA-256, and what an address last held.

The folder is the one that CUSTODY_CACHE names, else the platform's own for caches. All of it may be removed at any
time. A file in it is held against its name before each use, so that a damaged one is never read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sources.errors import Refused
from sources.home import sha256, sha256_file, write_bytes, writing


class Damaged(Refused):
    """What the cache holds of an address is not what was put there."""


def folder() -> Path:
    """Where the cache is."""
    if named := os.environ.get("CUSTODY_CACHE"):
        return Path(named).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "custody" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "custody"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "custody"


def file(digest: str, url: str, download: Callable[[str, IO[bytes]], str]) -> Path:
    """The file of a SHA-256, downloaded where it is not here or no longer whole.

    Raises:
        Refused: when what comes is another file, or the cache cannot be used; and as `download`.
    """
    path = folder() / "sha256" / digest[:2] / digest
    with _usable():
        if path.is_file() and sha256_file(path) == digest:
            return path
        with writing(path) as stream:
            if download(url, stream) != digest:
                raise Refused(f"{url} is not the file that was released; nothing of it was kept.")
    return path


def remember(url: str, data: bytes) -> None:
    """Keep what an address holds, for when it cannot be reached."""
    with _usable():
        write_bytes(_said(url), sha256(data).encode() + b"\n" + data)


def remembered(url: str) -> bytes | None:
    """What an address held when it was last asked, nothing where it had no such file; None where none is known.

    Raises:
        Damaged: when the cache no longer holds what was put there.
    """
    path = _said(url)
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if digest != sha256(data).encode():
        raise Damaged(f"What the cache holds of it, {path}, is damaged; remove that file.")
    return data


def _said(url: str) -> Path:
    return folder() / "said" / sha256(url.encode())


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise Refused(f"The cache in {folder()} cannot be used ({why}); CUSTODY_CACHE names another.") from error
