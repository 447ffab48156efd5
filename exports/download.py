"""Asking over http(s) for what was released: in pieces, no more than is meant, and only where the reader points.

`sources.http` asks publishers, at hosts that are known beforehand. Here the reader names the address, and what comes
is held against a checksum by whoever asks.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import time
from contextlib import closing
from functools import cache
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from sources.errors import Refused
from sources.http import CHUNK, MAY_PASS, MOVED, Again, Limits, asked_wait, reason

LIMITS = Limits(
    connect=10, read=30, total=3600, tries=4, first_wait=0.5, longest_wait=8, patience=60, max_bytes=4 << 30
)

#: Where it is 1, http is taken although nobody proves there who answers.
ALLOW_HTTP = "CUSTODY_ALLOW_HTTP"


#: Said of an address after which another is named that is none.
NOWHERE = "leads on to what is no address; nothing was taken. Tell whoever runs the server."


class Absent(Refused):
    """The server answers that there is no such file."""


class Unreachable(Refused):
    """The server did not answer, or not to the end, however often it was asked."""


def base(url: str) -> str:
    """The address of a folder, without the last slash.

    Raises:
        Refused: where it may not be asked; the message repeats no password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused(f"The address cannot be read ({error}); give one that begins with https://.") from None
    if parts.username or parts.password:
        raise Refused("The address holds a user name or a password; give it without: it would end in messages.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"{url} is no address that can be read; give a folder, or one that begins with https://.")
    if parts.query or parts.fragment:
        raise Refused(f"{url} is no address of a folder; give it without what follows ? or #.")
    if parts.scheme == "http" and not _loopback(parts.hostname) and os.environ.get(ALLOW_HTTP) != "1":
        raise Refused(
            f"{url} is plain http, where nobody proves who answers; use https, or set {ALLOW_HTTP}=1 to read it."
        )
    return url.rstrip("/").removesuffix("/releases.json")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def download(url: str, into: IO[bytes], most: int | None = None) -> str:
    """Write the file at an address into a stream, from its beginning, and give its SHA-256.

    Args:
        url: the address.
        into: takes the bytes; it is emptied before each try.
        most: how many bytes are taken at most.

    Raises:
        Absent: there is no such file.
        Unreachable: no answer, or none that is whole, in all tries.
        Refused: the server answers with something else, leads elsewhere, or sends more than is meant.
    """
    limits, begun, attempt = LIMITS, time.monotonic(), 0
    while True:
        attempt += 1
        into.seek(0)
        into.truncate()
        try:
            return _ask(url, into, limits.max_bytes if most is None else most, begun + limits.total)
        except Again as again:
            wait = limits.wait(attempt, again.wait)
            if attempt == limits.tries or time.monotonic() + wait > begun + limits.total:
                times = f"{attempt} times" if attempt > 1 else "once"
                raise Unreachable(f"{url}: {again}; asked {times}. Try again later.") from None
            time.sleep(wait)


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.auth = lambda request: request  # what ~/.netrc holds is for nobody here
    # Checksums are of the bytes as they were released, so they must not be packed on the way.
    session.headers.update({"User-Agent": "Custody/0.1 (reading client)", "Accept-Encoding": "identity"})
    return session


def _ask(url: str, into: IO[bytes], most: int, until: float) -> str:
    """One try, over all places to which the server leads on."""
    here, limits = url, LIMITS
    for _ in range(limits.redirects + 1):
        try:
            response = _session().get(here, stream=True, timeout=(limits.connect, limits.read), allow_redirects=False)
        except requests.exceptions.InvalidURL as error:
            raise Refused(f"{url} {NOWHERE}") from error
        except requests.exceptions.SSLError as error:
            raise Refused(f"{url}: the server's certificate does not hold ({reason(error)}).") from error
        except requests.Timeout as error:
            raise Again("the server does not answer in time") from error
        except requests.RequestException as error:
            raise Again(f"the connection failed ({reason(error)})") from error
        except ValueError as error:  # of the address to which it leads: requests looks at it without being asked to
            raise Refused(f"{url} {NOWHERE}") from error
        with closing(response):
            if response.status_code not in MOVED:
                _refuse(url, response)
                return _take(url, response, into, most, until)
            try:
                there = urljoin(here, response.headers.get("Location", ""))
                may = _may_lead(urlsplit(here), urlsplit(there))
            except ValueError as error:
                raise Refused(f"{url} {NOWHERE}") from error
            if not may:
                raise Refused(f"{url} leads on to another server without https; nothing was taken from there.")
            here = there
    raise Refused(f"{url} leads on more than {limits.redirects} times; nothing was taken.")


def _may_lead(here: SplitResult, there: SplitResult) -> bool:
    """Only on the same server, or to one that proves who it is."""
    same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    return same or (there.scheme == "https" and "@" not in there.netloc)


def _refuse(url: str, response: requests.Response) -> None:
    """Refuse an answer that is no file."""
    status = response.status_code
    if status in MAY_PASS:
        wait = asked_wait(response.headers.get("Retry-After"))
        if wait is not None and wait > LIMITS.patience:
            raise Unreachable(f"{url}: the server answers {status} and asks to wait {wait:,.0f} seconds.")
        raise Again(f"the server answers {status}", wait)
    if status in (403, 404, 410):  # a bucket whose list may not be read answers 403 for what is not there
        raise Absent(f"{url}: the server has no such file, or does not give it (it answers {status}).")
    if status != 200:
        raise Refused(f"{url}: the server answers {status}; nothing was taken.")
    if (encoding := response.headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise Refused(f"{url}: the server packs the file as {encoding!r}, which was not asked for.")


def _take(url: str, response: requests.Response, into: IO[bytes], most: int, until: float) -> str:
    """The body, whole and no larger than is meant, into the stream; its SHA-256."""
    digest, size = hashlib.sha256(), 0
    while chunk := _next(response):
        size += len(chunk)
        if size > most:
            raise Refused(f"{url}: more than {most:,} bytes come; it is not the file that was meant.")
        if time.monotonic() > until:
            raise Unreachable(f"{url}: not whole after {LIMITS.total:,.0f} seconds.")
        digest.update(chunk)
        into.write(chunk)
    return digest.hexdigest()


def _next(response: requests.Response) -> bytes:
    """The next bytes, as soon as there are some; none at the end of a body that is whole."""
    try:
        chunk: bytes = response.raw.read1(CHUNK, decode_content=False)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise Again("the server stops sending in the middle of the file") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Again("the connection broke in the middle of the file") from error
    return chunk
