"""Asking a publisher's server: politely, with patience, and taking in no more than is wanted.

One host is asked one thing at a time. What may pass is tried again with growing waits; what will not pass is said in
one sentence. Nothing is stored here and nothing is known of sources: see `sources.fetch`.
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from sources.asked import Validators
from sources.errors import Refused
from sources.home import now
from sources.wire import Adapter, NotPublic, at_most, is_public

MOVED = frozenset({301, 302, 303, 307, 308})
MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
CHUNK = 1 << 16


class NotFetched(Refused):
    """An address that gave no file; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """How long and how much: seconds, tries, bytes.

    `connect` and `read` are the longest waits for the server's next sign of life, `total` for the whole file with all
    its tries and the waits between them, but not the wait until its host is free; `patience` is the longest wait that a
    server may ask for, and `at_once` how many hosts are asked at the same time.
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
    at_once: int = 8

    def wait(self, attempt: int, asked: float | None) -> float:
        """As long as the server asks, or else a random part of a time that doubles: many must not come at once."""
        if asked is not None:
            return asked
        return random.uniform(0, min(self.longest_wait, self.first_wait * 2 ** (attempt - 1)))


@dataclass(frozen=True)
class Answer:
    """What a server answered; `body` is None where the file has not changed.

    `redirects` are the answers that led on to another address, in their order; `request` is what was sent with the last
    question, of which none is a secret. Records of an earlier Custody have neither.
    """

    url: str
    final_url: str
    status: int
    requested_at: str
    seconds: float
    tries: int
    headers: dict[str, str]
    redirects: list[dict[str, Any]]
    request: dict[str, str]
    body: bytes | None = field(repr=False)

    @property
    def validators(self) -> Validators:
        """By which the next request can ask whether the file has changed."""
        return Validators(self.headers.get("ETag"), self.headers.get("Last-Modified"))

    def told(self) -> dict[str, Any]:
        """All of it but the body, for the record."""
        return {k: v for k, v in vars(self).items() if k != "body"}


#: The headers of an answer that are known by these names, however they were written; the others are kept as they came.
KEPT = ("Date", "ETag", "Last-Modified", "Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition")

#: What a server hands out to be handed back is nobody's to keep.
SECRET = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate"})

#: So many letters are kept of a header that no question is asked by.
LETTERS = 1000

#: The headers of a question that are kept.
SENT = ("User-Agent", "Accept", "Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range", "If-Range")


class Again(Exception):
    """What may pass, and is worth another try; `wait` is how long the server asks to wait."""

    def __init__(self, why: str, wait: float | None = None):
        super().__init__(why)
        self.wait = wait


CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)


@dataclass
class _Part:
    """What came of a file before the connection broke, and by what one knows the rest to be of the same file.

    `tag` is strong; `length` is that of the whole, where it was said.
    """

    url: str = ""
    tag: str | None = None
    last_modified: str | None = None
    length: int | None = None
    data: bytearray = field(default_factory=bytearray)

    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        """Start anew with an answer that is the whole file."""
        self.forget()
        tag, length = headers.get("ETag", ""), headers.get("Content-Length", "")
        self.url, self.last_modified = url, headers.get("Last-Modified")
        self.tag = tag if tag.startswith('"') and _packing(headers) == "identity" else None
        self.length = int(length) if length.isdecimal() and "Transfer-Encoding" not in headers else None

    def forget(self) -> None:
        """What came is of no use."""
        self.url, self.tag, self.last_modified, self.length = "", None, None, None
        self.data.clear()

    def headers(self, url: str) -> dict[str, str]:
        """Ask for the rest, if the file is still the same."""
        if url != self.url or not self.tag or not self.data:
            return {}
        return {"Range": f"bytes={len(self.data)}-", "If-Range": self.tag}

    def goes_on(self, url: str, headers: Mapping[str, str]) -> bool:
        """Whether an answer is what was asked for: all the rest, from where the connection broke, of the same file."""
        span = CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if not span or not self.headers(url) or _packing(headers) != "identity" or headers.get("ETag") != self.tag:
            return False
        if headers.get("Last-Modified", self.last_modified) != self.last_modified:
            return False
        first, last, length = map(int, span.groups())
        if first != len(self.data) or last + 1 != length or self.length not in (None, length):
            return False
        self.length = length
        return True


@dataclass
class _Errand:
    """One file to be got, over all tries: what is asked, how long it took, and what came of it so far."""

    url: str
    hosts: Collection[str]
    known: Validators
    seconds: float = 0
    part: _Part = field(default_factory=_Part)


def addresses(host: str) -> list[str]:
    """The addresses of a host."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


class _Reached(NamedTuple):
    """What was met at last, and on which way."""

    url: str
    status: int
    headers: Mapping[str, str]
    redirects: list[dict[str, Any]]
    sent: Mapping[str, str]
    body: bytes | None


class _Session(requests.Session):
    """Follows nobody: where a server leads on is looked at by the client, and what it sends along is not read."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class Client:
    """Asks for files; may be used by several threads.

    Args:
        contact: where a publisher can reach who runs this; it stands in every request.
        limits: how long and how much.
        adapter: how requests travel; tests lead them to a server of their own.
        resolve: the addresses of a host.
        sleep: waits so many seconds; unless it is given, as long as nobody stops the client.
    """

    def __init__(
        self,
        contact: str,
        limits: Limits | None = None,
        *,
        adapter: BaseAdapter | None = None,
        resolve: Callable[[str], list[str]] = addresses,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._stopped = threading.Event()
        self._resolve, self._sleep = resolve, sleep or self._stopped.wait
        self._session = _Session()
        self._session.auth = lambda request: request  # what ~/.netrc holds is for nobody here
        self._session.headers.update(
            {"User-Agent": f"Custody/0.1 (open record of imprisonment; {contact})", "Accept": "*/*"}
        )
        self._session.headers["Accept-Encoding"] = "gzip"
        self._session.mount("https://", adapter or Adapter(pool_connections=16, pool_maxsize=4))
        self._turns: dict[str, threading.Lock] = {}
        self._free: dict[str, float] = {}
        self._slots = threading.BoundedSemaphore(self.limits.at_once)
        self._guard = threading.Lock()

    def stop(self) -> None:
        """Ask for nothing more, from whichever thread; what is waited for is waited for no longer."""
        self._stopped.set()

    def get(self, url: str, hosts: Collection[str] = (), known: Validators | None = None) -> Answer:
        """The file at an address, unless it is still the one that is `known`.

        Args:
            url: the address.
            hosts: to which else the server may lead on; its own host always.
            known: what the last answer said.

        Raises:
            NotFetched: with one sentence that says why.
        """
        try:
            return self._get(_Errand(url, hosts, known or Validators()))
        except (ValueError, OverflowError) as error:  # of whatever a server may say that no server should
            why = f"the address or the answer is not as HTTP has it ({reason(error)})"
            raise NotFetched(f"{url}: {why}; look at the publisher's page.") from error

    def _get(self, errand: _Errand) -> Answer:
        """The file, in as many tries as it takes."""
        url, asked_at = errand.url, now()
        for attempt in range(1, self.limits.tries + 1):
            try:
                reached = self._ask(errand)
            except Again as again:
                wait = self.limits.wait(attempt, again.wait)
                errand.seconds += wait
                if attempt == self.limits.tries or errand.seconds > self.limits.total:
                    times = f"{attempt} times" if attempt > 1 else "once"
                    raise NotFetched(
                        f"{url}: {again}; asked {times}. The last good file stays; the next run asks again."
                    ) from None
                if again.wait is None:  # else the host rests, for whatever is asked of it
                    self._sleep(wait)
                continue
            self._same_day(url, asked_at, reached.headers.get("Date"))
            return Answer(
                url, reached.url, reached.status, asked_at, round(errand.seconds, 3), attempt,
                _answered(reached.headers), reached.redirects, _kept(reached.sent, SENT), reached.body,
            )  # fmt: skip
        raise AssertionError("a request is made at least once")

    def _same_day(self, url: str, asked_at: str, date: str | None) -> None:
        """Refuse where this machine's clock was set back: what is retrieved then would never be the newest."""
        try:
            ahead = parsedate_to_datetime(date or "") - datetime.fromisoformat(asked_at)
        except (ValueError, TypeError, OverflowError):
            return
        if ahead > timedelta(days=1):
            raise NotFetched(f"{url}: it is {date} there and {asked_at} by the clock of this machine; set the clock.")

    def _ask(self, errand: _Errand) -> _Reached:
        """One try, over all places to which the server leads on."""
        url = here = errand.url
        redirects: list[dict[str, Any]] = []
        while True:
            host = self._allowed(errand, here)
            with self._turn(url, host), self._in_time(errand), closing(self._send(errand, here)) as response:
                if response.status_code in (*MOVED, 304):
                    _drain(response)
                if response.status_code in MOVED:
                    here = _led(url, here, response.headers.get("Location", ""))
                    met = [url, *(each["to"] for each in redirects)]
                    if here in met or len(met) > self.limits.redirects:
                        raise NotFetched(
                            f"{url}: the server leads on in a circle, at last to {here}; look at the page."
                        )
                    redirects.append({"status": response.status_code, "to": here})
                    continue
                sent = response.request.headers
                if response.status_code == 304 and errand.known.headers():
                    return _Reached(here, 304, response.headers, redirects, sent, None)
                self._refuse(errand, here, host, response)
                return _Reached(here, 200, response.headers, redirects, sent, self._body(errand, here, response))

    def _allowed(self, errand: _Errand, here: str) -> str:
        """The host, refused unless it may be asked."""
        url = errand.url
        led = "" if here == url else f" leads on to {here}, which"
        try:
            parts = urlsplit(here)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise NotFetched(f"{url}:{led} is no address ({error}); look at the publisher's page.") from error
        if parts.scheme != "https":
            raise NotFetched(
                f"{url}:{led} is no https address; say the new one in source.yml if it is the publisher's."
            )
        if host not in (urlsplit(url).hostname, *errand.hosts) or "@" in parts.netloc or port not in (None, 443):
            raise NotFetched(
                f"{url}:{led} is at a host that source.yml does not name; add it to `hosts` if it is right."
            )
        try:
            found = self._resolve(host)
        except OSError as error:
            raise Again(f"the name {host} is not known ({error.strerror or error})") from None
        if private := [address for address in found if not is_public(address)]:
            raise _not_public(url, host, private[0])
        return host

    @contextmanager
    def _turn(self, url: str, host: str) -> Iterator[None]:
        """A host is asked one thing at a time, with a pause between, and with the rest that it asks for."""
        with self._guard:
            turn = self._turns.setdefault(host, threading.Lock())
        with turn:
            if (left := self._free.get(host, 0) - time.monotonic()) > self.limits.patience:
                raise NotFetched(f"{url}: {host} has asked to wait, {left:,.0f} seconds from now; ask later.")
            if left > 0:
                self._sleep(left)
            if self._stopped.is_set():
                raise NotFetched(f"{url}: asking was stopped; the next run asks again.")
            with self._slots:
                try:
                    yield
                finally:
                    self._rest(host, self.limits.pause)

    def _rest(self, host: str, seconds: float) -> None:
        """Ask nothing of a host, of whose turn this is, for so long."""
        self._free[host] = max(self._free.get(host, 0), time.monotonic() + seconds)

    @contextmanager
    def _in_time(self, errand: _Errand) -> Iterator[None]:
        """Give up what is not whole in time, whatever has come of it."""
        begun = time.monotonic()
        try:
            with at_most(self.limits.total - errand.seconds) as exchange:
                yield
        except Again:
            if not exchange.over:
                raise
        finally:
            errand.seconds += time.monotonic() - begun
        if exchange.over:
            raise NotFetched(f"{errand.url}: not whole after {self.limits.total:,.0f} seconds; ask again later.")

    def _send(self, errand: _Errand, here: str) -> requests.Response:
        url = errand.url
        try:
            return self._session.get(
                here,
                headers={**errand.known.headers(), **errand.part.headers(here)},
                stream=True,
                timeout=(self.limits.connect, self.limits.read),
                allow_redirects=False,
            )
        except NotPublic as error:
            raise _not_public(url, str(urlsplit(here).hostname), error.address) from error
        except requests.exceptions.SSLError as error:
            if not isinstance(_innermost(error), ssl.SSLCertVerificationError):
                raise Again(f"the connection failed ({reason(error)})") from error
            raise NotFetched(f"{url}: the server's certificate does not hold ({reason(error)}).") from error
        except requests.Timeout as error:
            raise Again("the server does not answer in time") from error
        except requests.RequestException as error:
            if isinstance(error, ValueError):  # an address or a header that will be as wrong the next time
                raise
            raise Again(f"the connection failed ({reason(error)})") from error

    def _refuse(self, errand: _Errand, here: str, host: str, response: requests.Response) -> None:
        """Refuse an answer that is no file."""
        url, status = errand.url, response.status_code
        if status == 416 and errand.part.headers(here):
            errand.part.forget()
            raise Again("the server has no such rest of the file as was asked for")
        if status in MAY_PASS:
            wait = asked_wait(response.headers.get("Retry-After"))
            self._rest(host, wait or 0)
            if wait is not None and wait > self.limits.patience:
                raise NotFetched(f"{url}: the server answers {status} and asks to wait {wait:,.0f} seconds; ask later.")
            raise Again(f"the server answers {status}", wait)
        if status not in (200, 206):
            hint = {404: " The file may have moved.", 410: " The file was taken away.", 403: " It may refuse programs."}
            raise NotFetched(f"{url}: the server answers {status}.{hint.get(status, '')} Look at the publisher's page.")

    def _body(self, errand: _Errand, here: str, response: requests.Response) -> bytes:
        """The body, whole, unpacked, and no larger than allowed."""
        url, part, most = errand.url, errand.part, self.limits.max_bytes
        encoding = _packing(response.headers)
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise NotFetched(f"{url}: the server packs the file as {encoding!r}, which was not asked for.")
        if response.status_code != 206:
            part.begin(here, response.headers)
        elif not part.goes_on(here, response.headers):
            part.forget()
            raise Again("the server gives another part of the file than was asked for")
        try:
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                part.data += chunk
                if len(part.data) > most:
                    raise NotFetched(f"{url}: more than {most:,} bytes come; it is not the file that was expected.")
        except urllib3.exceptions.ReadTimeoutError as error:
            raise Again("the server stops sending in the middle of the file") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Again("the connection broke in the middle of the file") from error
        data, length = bytes(part.data), part.length
        part.forget()
        if length not in (None, len(data)):
            raise Again(f"the file has {len(data):,} bytes where the server says {length:,}")
        return data if encoding == "identity" else self._unpacked(url, data)

    def _unpacked(self, url: str, data: bytes) -> bytes:
        unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            plain = unpacking.decompress(data, self.limits.max_bytes + 1)
        except zlib.error as error:
            raise Again("the file is packed as gzip and cannot be unpacked") from error
        if len(plain) > self.limits.max_bytes:
            raise NotFetched(f"{url}: it unpacks to more than {self.limits.max_bytes:,} bytes; nothing was kept.")
        if not unpacking.eof or unpacking.unused_data:
            raise Again("the file is packed as gzip and is not whole")
        return plain


def _not_public(url: str, host: str, address: str) -> NotFetched:
    return NotFetched(f"{url}: {host} is at {address}, which is no public address; nothing was asked.")


def _drain(response: requests.Response) -> None:
    """Read the little that an answer without a file may have, so that its connection serves the next question."""
    with suppress(urllib3.exceptions.HTTPError, OSError):
        response.raw.read(CHUNK)


def _answered(headers: Mapping[str, str]) -> dict[str, str]:
    """All headers of an answer that may be kept."""
    others = {
        name: value[:LETTERS]
        for name, value in headers.items()
        if name.lower() not in SECRET and name.lower() not in {kept.lower() for kept in KEPT}
    }
    return {**_kept(headers, KEPT), **others}


def _kept(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of the headers, under their usual names."""
    return {name: headers[name] for name in names if name in headers}


def _packing(headers: Mapping[str, str]) -> str:
    """How the body is packed."""
    return headers.get("Content-Encoding", "identity").lower()


def _led(url: str, here: str, location: str) -> str:
    """The address to which a server leads on; its bytes, which came as Latin-1, are UTF-8 where they are not ASCII."""
    try:
        return urljoin(here, location.encode("latin-1").decode("utf-8"))
    except ValueError as error:
        where = f"leads on to {location!r}, which is no address"
        raise NotFetched(f"{url}: {where}; look at the publisher's page.") from error


def asked_wait(header: str | None) -> float | None:
    """Seconds that a Retry-After asks for, which is a number or a day; None where there is none."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def reason(error: BaseException) -> str:
    """The innermost reason that libraries give, without their wrapping."""
    inner = _innermost(error)
    return str(getattr(inner, "strerror", None) or inner).split("(")[0].strip() or type(inner).__name__


def _innermost(error: BaseException) -> BaseException:
    """The error that others were raised for."""
    while (inner := error.__cause__ or error.__context__ or getattr(error, "reason", None)) and isinstance(
        inner, BaseException
    ):
        error = inner
    return error
