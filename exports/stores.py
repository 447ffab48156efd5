"""Where releases are published to: a folder, or a bucket of an S3-compatible store.

What is put there, and in which order, is decided in `exports.publish`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from exports import signed
from sources.errors import Misused, Refused
from sources.home import WRITING, Home, sha256_file, write_bytes, writing
from sources.lock import alone

PIECE = 1 << 20

#: For how many seconds another publisher is waited for, who writes a file of a few kilobytes.
PATIENCE = 60

#: What a browser is told that a file is.
MEDIA = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".md": "text/markdown; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Store(Protocol):
    """A place to publish to; names are paths below it."""

    def files(self, folder: str) -> set[str]:
        """The files below a folder, by their path there."""
        ...

    def digest(self, name: str) -> str:
        """The SHA-256 of a file, read back from the store."""
        ...

    def put(self, path: Path, name: str) -> None:
        """Copy a file of this machine, that will not change, to the store."""
        ...

    def read(self, name: str) -> bytes | None:
        """A small file; None where there is none."""
        ...

    def exchange(self, name: str, before: bytes | None, after: bytes) -> bool:
        """Write a small file in one step if it still holds what it held before; False where it does not."""
        ...


def store(to: str) -> Store:
    """The store that an argument means.

    Raises:
        Misused: when it means none; the message repeats no key.
    """
    if "://" not in to:
        return Directory(Path(to))
    parts = urlsplit(to)
    if "@" in parts.netloc or parts.query:
        raise Misused("The address holds more than bucket and prefix; keys belong in the environment.")
    if parts.scheme != "s3" or not parts.netloc:
        raise Misused(f"{to} is no place to publish to; give a folder, or s3://bucket/prefix.")
    return Bucket(parts.netloc, parts.path.strip("/"))


class Directory:
    """A folder on this machine, or one that is mounted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def files(self, folder: str) -> set[str]:
        """As `Store.files`, without what a killed process left half written."""
        root = self.path / folder
        paths = [p for p in root.rglob("*") if not p.is_dir() and not p.name.startswith(WRITING)]
        return {p.relative_to(root).as_posix() for p in paths}

    def digest(self, name: str) -> str:
        """As `Store.digest`."""
        return sha256_file(self.path / name)

    def put(self, path: Path, name: str) -> None:
        """As `Store.put`; nobody may write the copy."""
        with path.open("rb") as source, writing(self.path / name) as stream:
            shutil.copyfileobj(source, stream, PIECE)
        (self.path / name).chmod(0o444)

    def read(self, name: str) -> bytes | None:
        """As `Store.read`."""
        path = self.path / name
        return path.read_bytes() if path.is_file() else None

    def exchange(self, name: str, before: bytes | None, after: bytes) -> bool:
        """As `Store.exchange`; one publisher at a time."""
        with alone(Home(self.path), "custody publish", wait=PATIENCE):
            if self.read(name) != before:
                return False
            write_bytes(self.path / name, after)
        return True


class Bucket:
    """A bucket of an S3-compatible store.

    Keys, region and endpoint are those of AWS's usual environment variables.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        from pyarrow import fs

        self._root = f"{bucket}/{prefix}" if prefix else bucket
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        options: dict[str, Any] = {"region": region}
        self._endpoint = endpoint and endpoint.rstrip("/")
        if endpoint:
            parts = urlsplit(endpoint)
            if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
                raise Misused("AWS_ENDPOINT_URL is no address such as https://s3.example.org.")
            options = {"scheme": parts.scheme, "endpoint_override": parts.netloc, "region": region or "us-east-1"}
        self._fs = fs.S3FileSystem(
            connect_timeout=10,
            request_timeout=60,
            allow_delayed_open=True,  # a small object is sent in one piece
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=3),
            **options,
        )

    def __str__(self) -> str:
        return f"s3://{self._root}"

    def files(self, folder: str) -> set[str]:
        """As `Store.files`."""
        from pyarrow import fs

        root = f"{self._root}/{folder}"
        found = self._fs.get_file_info(fs.FileSelector(root, allow_not_found=True, recursive=True))
        return {f.path.removeprefix(f"{root}/") for f in found if f.type == fs.FileType.File}

    def digest(self, name: str) -> str:
        """As `Store.digest`: a store's own tags are of its own making, and say nothing of an object sent in parts."""
        digest = hashlib.sha256()
        with self._fs.open_input_stream(f"{self._root}/{name}") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
        return digest.hexdigest()

    def put(self, path: Path, name: str) -> None:
        """As `Store.put`."""
        with path.open("rb") as source:
            self._send(source, name, {"Cache-Control": "public, max-age=31536000, immutable"})

    def read(self, name: str) -> bytes | None:
        """As `Store.read`."""
        if keys := signed.Keys.from_environment():
            return signed.read(self._address(name), keys, self._fs.region)[0]
        try:
            with self._fs.open_input_stream(f"{self._root}/{name}") as stream:
                data: bytes = stream.read()
        except FileNotFoundError:
            return None
        return data

    def exchange(self, name: str, before: bytes | None, after: bytes) -> bool:
        """As `Store.exchange`, on a condition; without it, where store or keys allow none, as soon as it was read."""
        headers, done = {"Cache-Control": "no-cache"}, None
        if keys := signed.Keys.from_environment():
            whole = {**headers, "Content-Type": MEDIA[Path(name).suffix]}
            done = signed.replace(self._address(name), before, after, keys, self._fs.region, whole)
        if done is not None:
            return done
        if self.read(name) != before:
            return False
        with ThreadPoolExecutor(1) as second:  # Ctrl-C reaches the first thread, and would store half of it or nothing
            second.submit(self._send, BytesIO(after), name, headers).result()
        return True

    def _address(self, name: str) -> str:
        endpoint = self._endpoint or f"https://s3.{self._fs.region}.amazonaws.com"
        return signed.address(endpoint, f"{self._root}/{name}")

    def _send(self, source: IO[bytes], name: str, more: Mapping[str, str]) -> None:
        from pyarrow import fs

        path, media = (
            f"{self._root}/{name}",
            MEDIA.get(Path(name).suffix, "text/plain; charset=utf-8"),
        )
        standing = self._fs.get_file_info(path).type is not fs.FileType.NotFound
        try:
            with self._fs.open_output_stream(path, metadata={"Content-Type": media, **more}) as stream:
                while piece := source.read(PIECE):
                    stream.write(piece)
        except BaseException:
            if not standing:  # pyarrow stores what it had when it is interrupted; what stood there is never deleted
                with suppress(OSError):
                    self._fs.delete_file(path)
            raise


@contextmanager
def plainly(to: Store) -> Iterator[None]:
    """Have what a store answers said in one sentence, without any key.

    Raises:
        Refused: where it fails.
    """
    try:
        yield
    except OSError as error:
        why = " ".join(str(error.strerror or error).split(" (Request ID")[0].split())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            if secret := os.environ.get(name):
                why = why.replace(secret, f"[{name}]")
        raise Refused(f"{to}: {why}. What was published is as it was; the same command goes on.") from None
