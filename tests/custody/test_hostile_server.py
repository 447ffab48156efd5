"""What servers answer that are broken or mean harm: one sentence of one type, and nothing that a terminal obeys."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import custody
from custody import printing
from exports import cache as caching
from exports import download
from sources.errors import obeyed
from tests.custody import published
from tests.custody.test_reading_client import QUICK
from tests.sources.server import Server, running, whole

ENTRY = {
    "version": "2026.11.0", "date": "2026-11-23", "schema_version": "1.0.0", "as_of": "2025-12-31", "digest": "d" * 64,
    "sums": "e" * 64,
}  # fmt: skip
ANSI = "\x1b[31mred\x1b[0m \x9b2J\u202e"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CUSTODY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUSTODY_HOME", str(tmp_path / "no-home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(download, "LIMITS", QUICK)
    return tmp_path / "cache"


Answering = Callable[[bytes], str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """An address at which each connection is answered with the same bytes, whatever they are."""
    sockets = []

    def serve(raw: bytes) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(1 << 16)
                        connection.sendall(raw)
                    except OSError:
                        pass

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for one in sockets:
        one.close()


def head(status: bytes = b"200 OK", *lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body), b"", body])


def leads(to: bytes) -> bytes:
    return head(b"302 Found", b"Location: " + to)


def list_of(**more: Any) -> bytes:
    return head(body=json.dumps({"releases": [{**ENTRY, **more}]}).encode())


DAMAGED, NOWHERE = "damaged or no list of releases; the server gives it so", "leads on to what is no address"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (leads(b"http://[::1"), NOWHERE),
        (leads(b"//[x]/"), NOWHERE),
        (leads(b"https://a.example.org:99999/"), NOWHERE),
        (leads(b"https://a.example.org:x/"), NOWHERE),
        (leads(b"https:///x"), NOWHERE),
        (leads(b"https://" + b"a" * 300 + b"/"), NOWHERE),
        (leads(b"https://\xe9\xff\x80.example/"), NOWHERE),
        (leads(b"https://:word@data.example.org/"), "leads on to another server without https"),
        (leads(b"file:///etc/passwd"), "leads on to another server without https"),
        (leads(b"/\x00\x1b[31m"), "leads on more than 5 times"),
        (head(b"302 Found"), "leads on more than 5 times"),
        (head(b"500 \xff\xfe\x1b[31m\xe2\x80\xae"), "the server answers 500; asked 3 times"),
        (head(b"404 \xff\x9b2J"), "There is no release in"),
        (b"\x1b[31mHELLO\xff\r\n\r\n", "the connection failed"),
        (b"HTTP/1.1 abc\r\n\r\n", "the connection failed"),
        (head(b"503 x", b"Retry-After: \xff\x1b[31m"), "the server answers 503"),
        (head(b"200 OK", b"Content-Encoding: \x1b[31m\xff"), "packs the file as"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broke in the middle of the file"),
        (head(body=b"[" * 10_000 + b"]" * 10_000), DAMAGED),
        (head(body=b'{"releases":' * 10_000 + b"1" + b"}" * 10_000), DAMAGED),
        (head(body=b'{"releases":[{"version":' + b"9" * 5000 + b"}]}"), DAMAGED),
        (head(body=b"\xff\xfe{}"), DAMAGED),
        (head(body=json.dumps({"releases": [ENTRY]}).encode()[:100]), DAMAGED),
        (list_of(version=f"2026.11.0{ANSI}"), DAMAGED),
        (list_of(retracted={"date": "d", "reason": 5}), DAMAGED),
        (list_of(retracted={"date": "d", "reason": "r", "replaced_by": ["2026.11.0"]}), DAMAGED),
        (list_of(retracted=True), DAMAGED),
    ],
)  # fmt: skip
def test_what_no_honest_server_answers_is_one_sentence(answering: Answering, raw: bytes, says: str) -> None:
    url = answering(raw)
    for call in (
        lambda: custody.releases(url),
        lambda: custody.load("place", "2026.11.0", url),
        lambda: custody.cite("France", "persons_held", 2020, "2026.11.0", url),
    ):
        with pytest.raises(custody.Refused, match=says) as refused:
            call()
        assert not any(obeyed(letter) for letter in str(refused.value))
        assert len(str(refused.value).splitlines()) == 1


def test_a_list_of_a_newer_custody_is_read_and_what_it_says_commands_nothing(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = {"date": "2026-12-01", "reason": f"{ANSI} \ud800", "replaced_by": None, "decided_by": {"name": "the board"}}
    url = answering(list_of(retracted=gone, doi="10.5281/zenodo.1", files=[1, 2]))
    (release,) = custody.releases(url)
    assert release.retracted is not None and release.retracted.reason == gone["reason"]  # data stays data
    with warnings.catch_warnings(record=True) as told, pytest.raises(custody.Refused):
        warnings.simplefilter("always")
        custody.load("place", "2026.11.0", url)
    assert not any(obeyed(letter) for one in told for letter in str(one.message))
    printing.as_json({"reason": gone["reason"]})
    shown = capsys.readouterr().out
    assert json.loads(shown)["reason"] == gone["reason"]
    assert not any(obeyed(letter) for letter in shown.replace("\n", ""))


# Releases of which every checksum holds, and which are none of Custody's


def written(folder: Path, **files: bytes) -> Path:
    """A release of these files, on a list."""
    folder = folder / "releases"
    for name, data in files.items():
        path = folder / "2026.11.0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()
    (folder / "2026.11.0" / "SHA256SUMS").write_bytes(sums)
    entry = {**ENTRY, "sums": hashlib.sha256(sums).hexdigest()}
    (folder / "releases.json").write_text(json.dumps({"releases": [entry]}), encoding="utf-8")
    return folder


PACKAGE = {"version": "2026.11.0", "created": "2026-11-23", "licenses": [], "resources": []}


@pytest.mark.parametrize(
    ("package", "says"),
    [
        (b"[" * 10_000 + b"]" * 10_000, "datapackage.json is damaged|is damaged"),
        (b"{}", "is not as Custody writes it"),
        (b"[]", "is not as Custody writes it"),
        (json.dumps({**PACKAGE, "created": "2026-99-99"}).encode(), "is not as Custody writes it"),
        (json.dumps({**PACKAGE, "resources": [{"name": 1}]}).encode(), "is not as Custody writes it"),
        (json.dumps(PACKAGE).encode(), "has tables that this Custody cannot ask"),
    ],
)
def test_a_release_that_is_none_is_one_sentence(tmp_path: Path, package: bytes, says: str) -> None:
    junk = {f"tables/{name}.parquet": b"PAR1 no Parquet PAR1" for name in ("figure", "place", "observation")}
    folder = written(tmp_path, **{"datapackage.json": package, "codebook.md": b"\xff\xfe"}, **junk)
    with running() as server:
        url = published.serve(server, folder)
        with pytest.raises(custody.Refused, match="no Parquet"):
            custody.load("place", path_or_url=url)
        for where in (url, folder):
            with pytest.raises(custody.Refused, match=says):
                custody.cite("France", "persons_held", 2020, path_or_url=where)


# What is remembered


def stopped(server: Server) -> None:
    server.shutdown()
    server.server_close()
    download._session().close()


def test_a_page_of_errors_does_not_take_the_place_of_a_good_list(tmp_path: Path) -> None:
    folder = published.two(tmp_path / "releases")
    with running() as server:
        url = published.serve(server, folder)
        assert len(custody.releases(url)) == 2
        server.answers["/data/releases.json"] = [whole(b"<html>maintenance</html>")]
        with pytest.raises(custody.Refused, match=DAMAGED):
            custody.releases(url)
        stopped(server)
    with pytest.warns(custody.NotReached):
        assert [r.version for r in custody.releases(url)] == ["2026.11.0", "2026.12.0"]


def test_a_damaged_list_in_the_cache_is_told_where_the_server_is_away(tmp_path: Path, cache: Path) -> None:
    """Half of it might still be a list, of fewer releases or without a retraction."""
    folder = published.two(tmp_path / "releases")
    published.retract(folder, "2026.12.0", "wrong")
    with running() as server:
        url = published.serve(server, folder)
        custody.releases(url)
        (kept,) = (cache / "said").iterdir()
        kept.write_bytes(kept.read_bytes().replace(b'"retracted"', b'"retrected"'))
        assert custody.releases(url)[1].retracted  # asked anew, and mended
        assert caching.remembered(f"{url}/releases.json") is not None
        kept.write_bytes(kept.read_bytes().replace(b'"retracted"', b'"retrected"'))
        stopped(server)
    with pytest.raises(custody.Refused, match="the connection failed.* What the cache holds of it, .*, is damaged"):
        custody.releases(url)


def test_that_nothing_was_there_when_it_was_asked_last_is_said(tmp_path: Path) -> None:
    with running() as server:
        url = published.serve(server, tmp_path)
        with pytest.raises(custody.Refused, match="There is no release in"):
            custody.releases(url)
        stopped(server)
    with pytest.raises(custody.Refused, match="this is what it said when it was last asked"):
        custody.releases(url)
