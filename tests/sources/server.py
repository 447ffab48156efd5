"""A publishers' server on loopback, which answers as it is told, and requests led to it whatever host they are for."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from urllib3 import HTTPConnectionPool

from sources.http import Client, Limits
from sources.wire import Adapter, Watched

#: What a publisher's host resolves to here: an address that is public, and that nobody asks.
PUBLIC = "93.184.216.34"

#: Short times, so that a test of patience is short.
QUICK = Limits(connect=2, read=0.5, total=20, tries=4, first_wait=0, pause=0, max_bytes=100_000)

Answering = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request, to be answered by what the test wants."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer with the next of the answers for the address; the last one stands for all that follow."""
        self.server.asked.append((self.path, {k.title(): v for k, v in self.headers.items()}))
        answers = self.server.answers.get(self.path, [status(404)])
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def give(self, code: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; headers with _ for -."""
        self.send_response(code)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(body))} | given).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Break the connection, as a crashed server does."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """Answers by address: `host/path?query`, and what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers: dict[str, list[Answering]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.addresses: dict[str, list[str]] = {}

    def handle_error(self, *client: Any) -> None:
        """A connection that the other side breaks is what many tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(*client)

    def on(self, url: str, *answers: Answering) -> str:
        """Answer an address so, one after the other; gives the address."""
        self.answers[_path(requests.Request("GET", url).prepare().url)] = list(
            answers
        )  # as brackets and spaces are sent
        return url

    def serves(self, url: str) -> bool:
        """Whether there is an answer for an address."""
        return _path(requests.Request("GET", url).prepare().url) in self.answers

    def resolve(self, host: str) -> list[str]:
        """The addresses of a host, as the test says."""
        if not (found := self.addresses.get(host, [PUBLIC])):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    def client(self, limits: Limits = QUICK, sleep: Callable[[float], None] = lambda _: None) -> Client:
        """A client whose requests come here."""
        return led(self.server_address[1], limits, self.resolve, sleep)


class Plain(HTTPConnectionPool):
    """Connections to a server on loopback, which knows no TLS."""

    ConnectionCls = Watched


class Led(Adapter):
    """Leads requests for any host to one server."""

    pools: ClassVar = {"http": Plain}

    def __init__(self, to: str) -> None:
        super().__init__()
        self.to = to

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """As `Adapter.send`."""
        request.url = self.to + _path(request.url)
        return super().send(request, *args, **kwargs)


def led(
    port: int,
    limits: Limits = QUICK,
    resolve: Callable[[str], list[str]] = lambda _: [PUBLIC],
    sleep: Callable[[float], None] = lambda _: None,
) -> Client:
    """A client whose requests go to a port of this machine."""
    adapter = Led(f"http://127.0.0.1:{port}")
    return Client("tests@example.org", limits, adapter=adapter, resolve=resolve, sleep=sleep)


def _path(url: str | None) -> str:
    """Where the server keeps the answer for an address."""
    parts = urlsplit(url or "")
    return f"/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


@contextmanager
def running() -> Iterator[Server]:
    """A server while the block lasts."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def status(code: int, body: bytes = b"", **headers: str) -> Answering:
    """Answer with a status."""
    return lambda request: request.give(code, body, **headers)


def whole(body: bytes, **headers: str) -> Answering:
    """Answer with a file, or with 304 where the condition holds."""

    def answer(request: Request) -> None:
        asked = request.headers
        if asked["If-None-Match"]:  # goes before a day, says RFC 9110
            same = asked["If-None-Match"] == headers.get("ETag")
        else:
            same = "Last_Modified" in headers and asked["If-Modified-Since"] == headers["Last_Modified"]
        request.give(304 if same else 200, b"" if same else body, **headers)

    return answer


def cut(body: bytes, at: int, **headers: str) -> Answering:
    """Promise a whole file and break off."""

    def answer(request: Request) -> None:
        request.give(200, body[:at], Content_Length=str(len(body)), **headers)
        request.reset()

    return answer


def rest(body: bytes, **headers: str) -> Answering:
    """Answer with the part that is asked for."""

    def answer(request: Request) -> None:
        first = int((request.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {first}-{len(body) - 1}/{len(body)}"
        request.give(206, body[first:], Content_Range=span, **headers)

    return answer
