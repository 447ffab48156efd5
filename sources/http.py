"""Asking a publisher's server: politely, with patience, and taking in no more than is wanted.

One host is asked one thing at a time. What may pass is tried again with growing waits; what will not pass is said in
one sentence. Nothing is stored here and nothing is known of sources: see `sources.fetch`.
"""

from __future__ import annotations

import ipaddress
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from sources.asked import Validators
from sources.errors import Refused
from sources.home import now

MOVED = frozenset({301, 302, 303, 307, 308})
MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
CHUNK = 1 << 16


class NotFetched(Refused):
    """An address that gave no file; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """How long and how much: seconds, tries, bytes.

    `connect` and `read` are the longest waits for the server's next sign of life, `total` for the whole file with all
    its tries; `patience` is the longest wait that a server may ask for.
    """

    connect: float = 15
    read: float = 60
    total: float = 900
    tries: int = 5
    first_wait: float = 2
    longest_wait: float = 60
    patience: float = 300
    pause: float = 0.25
    redirects: int = 5
    max_bytes: int = 256 << 20


@dataclass(frozen=True)
class Answer:
    """What a server answered; `body` is None where the file has not changed."""

    url: str
    final_url: str
    status: int
    requested_at: str
    seconds: float
    tries: int
    headers: dict[str, str]
    body: bytes | None = field(repr=False)

    @property
    def validators(self) -> Validators:
        """By which the next request can ask whether the file has changed."""
        return Validators(self.headers.get("ETag"), self.headers.get("Last-Modified"))

    def told(self) -> dict[str, Any]:
        """All of it but the body, for the record."""
        return {k: v for k, v in vars(self).items() if k != "body"}


#: The headers of an answer that are kept.
KEPT = ("Date", "ETag", "Last-Modified", "Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition")


class _Again(Exception):
    """What may pass; `wait` is how long the server asks to wait."""

    def __init__(self, why: str, wait: float | None = None):
        super().__init__(why)
        self.wait = wait


@dataclass
class _Partial:
    """The part of a file that came before the connection broke, with the strong tag of the file that it is part of."""

    data: bytearray = field(default_factory=bytearray)
    tag: str | None = None

    def headers(self) -> dict[str, str]:
        """Ask for the rest, if the file is still the same."""
        return {"Range": f"bytes={len(self.data)}-", "If-Range": self.tag} if self.tag and self.data else {}


def addresses(host: str) -> list[str]:
    """The addresses of a host."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


class Client:
    """Asks for files; may be used by several threads.

    Args:
        contact: where a publisher can reach who runs this; it stands in every request.
        limits: how long and how much.
        adapter: how requests travel; tests lead them to a server of their own.
        resolve: the addresses of a host.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        contact: str,
        limits: Limits | None = None,
        *,
        adapter: HTTPAdapter | None = None,
        resolve: Callable[[str], list[str]] = addresses,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits = limits or Limits()
        self._resolve, self._sleep = resolve, sleep
        self._session = requests.Session()
        self._session.auth = lambda request: request  # what ~/.netrc holds is for nobody here
        self._session.headers.update(
            {"User-Agent": f"Custody/0.1 (open record of imprisonment; {contact})", "Accept": "*/*"}
        )
        self._session.headers["Accept-Encoding"] = "gzip"
        self._session.mount("https://", adapter or HTTPAdapter(pool_connections=16, pool_maxsize=4))
        self._turns: dict[str, threading.Lock] = {}
        self._last: dict[str, float] = {}
        self._guard = threading.Lock()

    def get(self, url: str, hosts: Collection[str] = (), known: Validators | None = None) -> Answer:
        """The file at an address, unless it is still the one that is `known`.

        Args:
            url: the address.
            hosts: to which else the server may lead on; its own host always.
            known: what the last answer said.

        Raises:
            NotFetched: with one sentence that says why.
        """
        allowed = {urlsplit(url).hostname or "", *hosts}
        begun, asked_at = time.monotonic(), now()
        partial, why = _Partial(), ""
        for attempt in range(1, self.limits.tries + 1):
            try:
                final, response_headers, status, body = self._ask(url, allowed, known or Validators(), partial, begun)
            except _Again as again:
                why = str(again)
                wait = self._wait(attempt, again.wait)
                if attempt == self.limits.tries or time.monotonic() + wait > begun + self.limits.total:
                    times = f"{attempt} times" if attempt > 1 else "once"
                    raise NotFetched(
                        f"{url}: {why}; asked {times}. The last good file stays; the next run asks again."
                    ) from None
                self._sleep(wait)
                continue
            self._same_day(url, asked_at, response_headers.get("Date"))
            kept = {name: response_headers[name] for name in KEPT if name in response_headers}
            return Answer(url, final, status, asked_at, round(time.monotonic() - begun, 3), attempt, kept, body)
        raise AssertionError("a request is made at least once")

    def _same_day(self, url: str, asked_at: str, date: str | None) -> None:
        """Refuse where this machine's clock was set back: what is retrieved then would never be the newest."""
        try:
            ahead = parsedate_to_datetime(date or "") - datetime.fromisoformat(asked_at)
        except (ValueError, TypeError):
            return
        if ahead > timedelta(days=1):
            raise NotFetched(f"{url}: it is {date} there and {asked_at} by the clock of this machine; set the clock.")

    def _wait(self, attempt: int, asked: float | None) -> float:
        """As long as the server asks, or else a random part of a time that doubles: many must not come at once."""
        if asked is not None:
            return asked
        return random.uniform(0, min(self.limits.longest_wait, self.limits.first_wait * 2 ** (attempt - 1)))

    def _ask(
        self, url: str, allowed: Collection[str], known: Validators, partial: _Partial, begun: float
    ) -> tuple[str, requests.structures.CaseInsensitiveDict[str], int, bytes | None]:
        """One try, over all places to which the server leads on."""
        here, seen = url, {url}
        while True:
            host = self._allowed(url, here, allowed)
            with self._turn(host), closing(self._send(here, known, partial)) as response:
                if response.status_code in MOVED:
                    here = urljoin(here, response.headers.get("Location", ""))
                    if here in seen or len(seen) > self.limits.redirects:
                        raise NotFetched(
                            f"{url}: the server leads on in a circle, at last to {here}; look at the page."
                        )
                    seen.add(here)
                    continue
                if response.status_code == 304 and known.headers():
                    return here, response.headers, 304, None
                self._refuse(url, response)
                return here, response.headers, 200, self._body(url, response, partial, begun)

    def _allowed(self, url: str, here: str, allowed: Collection[str]) -> str:
        """The host, refused unless it may be asked."""
        parts = urlsplit(here)
        host = parts.hostname or ""
        led = "" if here == url else f" leads on to {here}, which"
        if parts.scheme != "https":
            raise NotFetched(
                f"{url}:{led} is no https address; say the new one in source.yml if it is the publisher's."
            )
        if host not in allowed or parts.username or parts.port not in (None, 443):
            raise NotFetched(
                f"{url}:{led} is at a host that source.yml does not name; add it to `hosts` if it is right."
            )
        try:
            found = self._resolve(host)
        except OSError as error:
            raise _Again(f"the name {host} is not known ({error.strerror or error})") from None
        if private := [a for a in found if not ipaddress.ip_address(a.split("%")[0]).is_global]:
            raise NotFetched(f"{url}: {host} is at {private[0]}, which is no public address; nothing was asked.")
        return host

    @contextmanager
    def _turn(self, host: str) -> Iterator[None]:
        """A host is asked one thing at a time, with a pause between."""
        with self._guard:
            turn = self._turns.setdefault(host, threading.Lock())
        with turn:
            if (left := self._last.get(host, -self.limits.pause) + self.limits.pause - time.monotonic()) > 0:
                self._sleep(left)
            try:
                yield
            finally:
                self._last[host] = time.monotonic()

    def _send(self, url: str, known: Validators, partial: _Partial) -> requests.Response:
        try:
            return self._session.get(
                url,
                headers={**known.headers(), **partial.headers()},
                stream=True,
                timeout=(self.limits.connect, self.limits.read),
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise NotFetched(f"{url}: the server's certificate does not hold ({_reason(error)}).") from error
        except requests.Timeout as error:
            raise _Again("the server does not answer in time") from error
        except requests.RequestException as error:
            raise _Again(f"the connection failed ({_reason(error)})") from error

    def _refuse(self, url: str, response: requests.Response) -> None:
        """Refuse an answer that is no file."""
        status = response.status_code
        if status in MAY_PASS:
            wait = _asked_wait(response.headers.get("Retry-After"))
            if wait is not None and wait > self.limits.patience:
                raise NotFetched(f"{url}: the server answers {status} and asks to wait {wait:,.0f} seconds; ask later.")
            raise _Again(f"the server answers {status}", wait)
        if status not in (200, 206):
            hint = {404: " The file may have moved.", 410: " The file was taken away.", 403: " It may refuse programs."}
            raise NotFetched(f"{url}: the server answers {status}.{hint.get(status, '')} Look at the publisher's page.")

    def _body(self, url: str, response: requests.Response, partial: _Partial, begun: float) -> bytes:
        """The body, whole, unpacked, and no larger than allowed."""
        headers, most = response.headers, self.limits.max_bytes
        encoding = headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise NotFetched(f"{url}: the server packs the file as {encoding!r}, which was not asked for.")
        if response.status_code == 206:
            if not headers.get("Content-Range", "").startswith(f"bytes {len(partial.data)}-"):
                partial.data.clear()
                raise _Again("the server gives another part of the file than was asked for")
        else:
            partial.data.clear()
        tag = headers.get("ETag", "")
        partial.tag = tag if encoding == "identity" and tag.startswith('"') else None
        try:
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                partial.data += chunk
                if len(partial.data) > most:
                    raise NotFetched(f"{url}: more than {most:,} bytes come; it is not the file that was expected.")
                if time.monotonic() > begun + self.limits.total:
                    raise NotFetched(f"{url}: not whole after {self.limits.total:,.0f} seconds; ask again later.")
        except urllib3.exceptions.ReadTimeoutError as error:
            raise _Again("the server stops sending in the middle of the file") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Again("the connection broke in the middle of the file") from error
        data = bytes(partial.data)
        partial.data.clear()
        return data if encoding == "identity" else self._unpacked(url, data)

    def _unpacked(self, url: str, data: bytes) -> bytes:
        unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            plain = unpacking.decompress(data, self.limits.max_bytes + 1)
        except zlib.error as error:
            raise _Again("the file is packed as gzip and cannot be unpacked") from error
        if len(plain) > self.limits.max_bytes:
            raise NotFetched(f"{url}: it unpacks to more than {self.limits.max_bytes:,} bytes; nothing was kept.")
        if not unpacking.eof or unpacking.unused_data:
            raise _Again("the file is packed as gzip and is not whole")
        return plain


def _asked_wait(header: str | None) -> float | None:
    """Seconds that a Retry-After asks for, which is a number or a day; None where there is none."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _reason(error: BaseException) -> str:
    """The innermost reason that libraries give, without their wrapping."""
    while (inner := error.__cause__ or error.__context__ or getattr(error, "reason", None)) and isinstance(
        inner, BaseException
    ):
        error = inner
    return str(getattr(error, "strerror", None) or error).split("(")[0].strip() or type(error).__name__
