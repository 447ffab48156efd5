"""The publishers' real files on a server that goes wrong: what is in use stays, one sentence says why, the next run mends it.

`docs/reliability.md` lists each fault with its test; a test there holds the two against each other.
"""

from __future__ import annotations

import gzip
import io
import re
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sources.asked import Asked
from sources.catalogue import source
from sources.fetch import fetch
from sources.home import Home, sha256
from tests.conftest import REPOSITORY
from tests.sources.server import QUICK, Answering, Request, Server, cut, led, rest, running, status, whole
from warehouse.intake import Intake, take_in
from warehouse.records import vintages

EUROSTAT, CTZ = "eurostat_prisons", "crim_pris_ctz"
URL = str(source(EUROSTAT).files[CTZ].url)
UNODC, BOOK = "unodc_prisons", "data_cts_prisons_and_prisoners"
BOOK_URL = "https://data.unodc.org/sites/dataportal.unodc.org/files/2023-05/data_cts_prisons_and_prisoners.xlsx"
LIMITS = replace(QUICK, max_bytes=64 << 20, total=3)
PAST = "Wed, 29 Apr 2026 11:00:00 GMT"


@dataclass
class Night:
    """A home, the publishers' files and their server."""

    home: Home
    server: Server
    raw: Path

    @property
    def ctz(self) -> bytes:
        """Eurostat's real table of persons held by citizenship."""
        return (self.raw / "eurostat/2026-04-29/crim_pris_ctz.csv").read_bytes()

    @property
    def book(self) -> bytes:
        """UNODC's real workbook."""
        return (self.raw / "unodc/2023-05-11/data_cts_prisons_and_prisoners.xlsx").read_bytes()

    def serve(self, *ctz: Answering) -> None:
        """Eurostat's addresses: the table as told, or as it really is; the others unchanged."""
        for name, file in source(EUROSTAT).files.items():
            self.server.on(
                str(file.url), status(404) if name != CTZ else whole(self.ctz, ETag='"a"', Last_Modified=PAST)
            )
        if ctz:
            self.server.on(URL, *ctz)

    def serve_book(self, data: bytes) -> None:
        """UNODC's list of files and the workbook."""
        from tests.sources.test_fetch import LIST, entry, listed

        name = f"{BOOK}.xlsx"
        self.server.on(LIST, whole(listed(entry(name, "2023-05-11T00:00:00+00:00", BOOK_URL))))
        self.server.on(BOOK_URL, whole(data))

    def asked(
        self, source_id: str = EUROSTAT, file: str = CTZ, *, hosts: tuple[str, ...] = (), port: int | None = None
    ) -> Asked:
        """What the night's question about a file came to; `hosts` are named in source.yml too, `port` is another server's."""
        known = source(source_id)
        own = known.model_copy(update={"hosts": (*known.hosts, *hosts)})
        client = led(port or self.server.server_address[1], LIMITS, self.server.resolve)
        return {a.file: a for a in fetch(self.home, [own], client, due_only=False)}[file]

    def taken(self, source_id: str = EUROSTAT) -> Intake:
        """What became of what is in the archive."""
        return take_in(self.home, source(source_id))

    def in_use(self, source_id: str = EUROSTAT) -> list[tuple[str, str, Any]]:
        """The vintages in use, proved."""
        found = vintages(self.home, source(source_id))
        for vintage in found:
            vintage.prove()
        return [(v.file, v.vintage, v.record["tables"]) for v in found]


@pytest.fixture
def night(tmp_path: Path, raw: Path, unchecked: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A home in which Eurostat's table was fetched once, an hour ago and in good order."""
    with running() as server:
        made = Night(Home(tmp_path / "home"), server, raw)
        made.serve()
        with monkeypatch.context() as earlier:
            hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
            earlier.setattr("sources.http.now", lambda: hour_ago)
            assert made.asked().outcome == "new"
        taken = made.taken()
        assert taken.fallen_back == []
        yield made


def drip(request: Request) -> None:
    """One byte every tenth of a second, for ever."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    for _ in range(200):
        try:
            request.wfile.write(b"x")
            request.wfile.flush()
        except OSError:
            return
        time.sleep(0.1)


def hang(request: Request) -> None:
    """Half an answer and then nothing."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    request.wfile.flush()
    time.sleep(1.5)


def no_answer(request: Request) -> None:
    """The connection breaks after the question."""
    request.reset()


def dripping_headers(request: Request) -> None:
    """The beginning of an answer, one byte every tenth of a second."""
    with suppress(OSError):
        request.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        for _ in range(200):
            request.connection.sendall(b"x")
            time.sleep(0.1)


def part(request: Request) -> None:
    """A part of a file that nobody asked for."""
    request.give(206, b"x" * 100, Content_Range="bytes 0-99/5000", ETag='"a"')


BOMB = gzip.compress(b"\0" * (65 << 20))

#: Faults on the way: what the server does, and what is told.
ON_THE_WAY: dict[str, tuple[Answering, str]] = {
    "the connection breaks before an answer": (no_answer, "the connection failed"),
    "the connection breaks in the middle of the file": (cut(b"x" * 5000, 2500), "in the middle of the file"),
    "the file drips in slowly": (drip, "not whole after 3 seconds"),
    "the headers drip in slowly": (dripping_headers, "not whole after 3 seconds"),
    "a part that was not asked for": (part, "another part of the file than was asked for"),
    "the server falls silent": (hang, "stops sending in the middle of the file"),
    "moved to another host": (status(301, Location="https://elsewhere.example/a.csv"), "does not name"),
    "led on in a circle": (status(302, Location=URL), "in a circle"),
    "led on to what is no address": (status(302, Location="https://ec.europa.eu:abc/"), "is no address"),
    "led on to plain http": (status(302, Location="http://ec.europa.eu/a.csv"), "no https address"),
    "403": (status(403), "answers 403"),
    "404": (status(404), "answers 404"),
    "429 for hours": (status(429, Retry_After="86400"), "asks to wait 86,400 seconds"),
    "500 each time": (status(500), "answers 500; asked 4 times"),
    "an error page with 200": (status(200, b"<!DOCTYPE html><html>Sorry"), "looks like a web page"),
    "an empty body": (status(200, b""), "the file is empty"),
    "fewer bytes than promised": (status(200, b"x" * 10, Content_Length="20", Connection="close"), "in the middle"),
    "a gzip bomb": (status(200, BOMB, Content_Encoding="gzip"), "unpacks to more than"),
    "an unknown packing": (status(200, b"x", Content_Encoding="br"), "was not asked for"),
}


@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_on_the_way(night: Night, fault: str) -> None:
    before, archived = night.in_use(), files(night.home.archive / "objects")
    answer, told = ON_THE_WAY[fault]
    night.serve(answer)
    asked = night.asked()
    assert asked.outcome == "failed" and told in asked.message and "\n" not in asked.message
    assert night.taken().fallen_back == []  # nothing of it came so far as to be tried
    assert night.in_use() == before and files(night.home.archive / "objects") == archived
    night.serve()
    assert night.asked().outcome == "unchanged"


def test_the_connection_is_refused(night: Night) -> None:
    before = night.in_use()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    asked = night.asked(port=port)
    assert asked.outcome == "failed" and "the connection failed (Connection refused); asked 4 times" in asked.message
    assert night.in_use() == before
    assert night.asked().outcome == "unchanged"


@pytest.mark.parametrize("address", ["10.0.0.7", "::1", "64:ff9b::a00:7"])
def test_led_on_to_a_private_address(night: Night, address: str) -> None:
    """By a host that source.yml names: what it means is looked up when one is led there."""
    before = night.in_use()
    inside = night.server.on("https://inside.example/a.csv", whole(night.ctz))
    night.server.addresses["inside.example"] = [address]
    night.serve(status(302, Location=inside))
    night.server.asked.clear()
    asked = night.asked(hosts=("inside.example",))
    assert asked.outcome == "failed" and f"inside.example is at {address}, which is no public address" in asked.message
    assert not [path for path, _ in night.server.asked if "inside" in path]
    assert night.in_use() == before
    night.serve()
    assert night.asked().outcome == "unchanged"


def test_the_file_changes_between_its_two_halves(night: Night) -> None:
    """The rest of another file comes, under another tag: none of it is joined, and the new file is taken whole."""
    changed = night.ctz.replace(b",2008,36,", b",2008,37,", 1)
    assert changed != night.ctz
    half = cut(night.ctz, len(night.ctz) // 2, ETag='"b"')
    night.serve(half, rest(changed, ETag='"c"'), whole(changed, ETag='"c"'))
    asked = night.asked()
    assert (asked.outcome, asked.sha256) == ("new", sha256(changed))


def files(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_size for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("addresses", "told"), [([], "is not known"), (["10.0.0.7"], "no public address"), (["::1"], "no public address")]
)
def test_a_name_that_leads_nowhere_or_inside(night: Night, addresses: list[str], told: str) -> None:
    before = night.in_use()
    night.server.addresses["ec.europa.eu"] = addresses
    assert told in night.asked().message
    assert night.in_use() == before
    night.server.addresses.clear()
    assert night.asked().outcome == "unchanged"


@pytest.mark.parametrize("first", [status(500), status(429, Retry_After="1"), cut(b"x" * 5000, 2500)])
def test_what_passes_is_waited_for(night: Night, first: Answering) -> None:
    night.serve(first, whole(night.ctz, ETag='"a"'))
    assert night.asked().outcome == "unchanged"


def test_not_changed(night: Night) -> None:
    before = night.in_use()
    night.server.asked.clear()
    assert night.asked().outcome == "unchanged"
    assert [h.get("If-None-Match") for path, h in night.server.asked if "CTZ" in path] == ['"a"']
    assert not any(v.new for v in night.taken().verdicts) and night.in_use() == before


def test_the_same_bytes_with_a_new_date(night: Night) -> None:
    before = night.in_use()
    night.serve(whole(night.ctz, ETag='"b"', Last_Modified="Thu, 30 Apr 2026 11:00:00 GMT"))
    assert night.asked().outcome == "unchanged"
    assert not any(v.new for v in night.taken().verdicts) and night.in_use() == before


def test_new_bytes_with_the_same_stamp(night: Night) -> None:
    """A revision in place: both stand, the later as a reissue."""
    before = night.in_use()
    line = next(at for at in night.ctz.split(b"\n") if b",AL,2016," in at and b",TOTAL," in at)
    changed = re.sub(rb"(,AL,2016,)(\d+)", lambda m: m[1] + b"%d" % (int(m[2]) + 1), line)
    assert changed != line
    night.serve(whole(night.ctz.replace(line, changed), ETag='"b"'))
    assert night.asked().outcome == "new"
    assert night.taken().fallen_back == []
    added = [(file, vintage) for file, vintage, tables in night.in_use() if (file, vintage, tables) not in before]
    assert added == [(CTZ, "2026-04-29-r2")]
    assert [v for v in night.in_use() if v in before] == before


def test_a_vintage_older_than_what_is_here(night: Night) -> None:
    before = night.in_use()
    older = night.ctz.replace(b"29/04/26 ", b"29/04/25 ")
    assert older != night.ctz
    night.serve(whole(older, ETag='"old"'))
    assert night.asked().outcome == "new"
    (fell_back,) = night.taken().fallen_back
    assert (fell_back.state, fell_back.vintage) == ("quarantined", "2025-04-29")
    assert "does not give an older vintage than 2026-04-29, which was here" in fell_back.message
    assert night.in_use() == before
    night.serve()
    assert night.asked().outcome == "unchanged"
    assert night.in_use() == before


#: Faults of the table itself: what is changed in it, and what is told.
IN_THE_TABLE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a header is renamed": (lambda d: d.replace(b",geo,", b",country,", 1), "'country'"),
    "a column is new": (lambda d: d.replace(b",geo,", b",prison,geo,", 1), "unknown 'prison'"),
    "a place is unknown": (lambda d: d.replace(b",AT,", b",ATL,", 1), "ATL"),
    "a number is a word": (lambda d: re.sub(rb"(,AT,\d{4},)\d+", rb"\1many", d, count=1), "many"),
    "cut off in the middle of a line": (lambda d: d[: len(d) // 2], "may be cut off"),
    "another table under its name": (lambda d: d.replace(b"CRIM_PRIS_CTZ", b"CRIM_PRIS_CAP"), "CRIM_PRIS_CAP"),
}


@pytest.mark.parametrize("fault", IN_THE_TABLE)
def test_in_the_table(night: Night, fault: str) -> None:
    before = night.in_use()
    change, told = IN_THE_TABLE[fault]
    data = change(night.ctz)
    assert data != night.ctz
    night.serve(whole(data, ETag='"bad"'))
    assert night.asked().outcome == "new"  # archived as evidence
    (fell_back,) = night.taken().fallen_back
    assert fell_back.state == "refused" and told in fell_back.message and "\n" not in fell_back.message
    assert night.in_use() == before
    # Tried once with the code that is there, and told again.
    assert [(v.state, v.new) for v in night.taken().fallen_back] == [("refused", False)]
    night.serve(whole(night.ctz, ETag='"a"'))
    assert night.asked().outcome == "unchanged"
    assert night.in_use() == before


def member(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A zip with one of its files changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            content = old.read(each)
            changed = change(content) if each == name else content
            assert each != name or changed != content
            new.writestr(each, changed)
    return made.getvalue()


def bomb(data: bytes) -> bytes:
    """The workbook with a sheet that unpacks to more than any file may."""
    return member(data, "xl/worksheets/sheet1.xml", lambda xml: xml[:-20] + b" " * (513 << 20) + xml[-20:])


#: Faults of the workbook: what is changed in it, whether it gets as far as being read, and what is told.
IN_THE_WORKBOOK: dict[str, tuple[Callable[[bytes], bytes], bool, str]] = {
    "a truncated zip": (lambda d: d[: len(d) // 2], False, "cut off or damaged"),
    "a renamed sheet": (
        lambda d: member(d, "xl/workbook.xml", lambda x: re.sub(rb'<sheet name="[^"]*"', b'<sheet name="Other"', x)),
        True,
        "Other",
    ),
    "a zip bomb": (bomb, True, "bytes, more than any known file; it is not read"),
}


@pytest.mark.parametrize("fault", IN_THE_WORKBOOK)
def test_in_the_workbook(night: Night, fault: str) -> None:
    before = night.in_use(UNODC)
    change, archived, told = IN_THE_WORKBOOK[fault]
    night.serve_book(change(night.book))
    asked = night.asked(UNODC, BOOK)
    if archived:
        (fell_back,) = night.taken(UNODC).fallen_back
        assert asked.outcome == "new" and fell_back.state == "refused" and told in fell_back.message
    else:
        assert asked.outcome == "failed" and told in asked.message
    assert night.in_use(UNODC) == before
    night.serve_book(night.book)
    assert night.asked(UNODC, BOOK).outcome == "new"


def test_a_link_that_has_moved_is_found_again(night: Night) -> None:
    from tests.sources.test_fetch import LIST, entry, listed

    night.serve_book(night.book)
    night.asked(UNODC, BOOK)
    moved = BOOK_URL.replace("2023-05", "2026-05")
    night.server.on(BOOK_URL, status(404))
    night.server.on(LIST, whole(listed(entry(f"{BOOK}.xlsx", "2026-05-11T00:00:00+00:00", moved))))
    night.server.on(moved, whole(night.book))
    assert night.asked(UNODC, BOOK).outcome == "unchanged"  # the same bytes at another address


@pytest.mark.parametrize("flipped", [True, False])
def test_a_flipped_bit_in_the_archive_is_mended_by_the_next_fetch(night: Night, flipped: bool) -> None:
    before = night.in_use()
    (path,) = [p for p in (night.home.archive / "objects").glob("*/*") if p.stat().st_size == len(night.ctz)]
    path.write_bytes(bytes([night.ctz[0] ^ 1]) + night.ctz[1:] if flipped else b"")
    assert night.in_use() == before  # the rows have been accepted and are proved by digests of their own
    assert night.asked().outcome == "unchanged"
    assert path.read_bytes() == night.ctz


def test_a_clock_set_back(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    before, archived = night.in_use(), files(night.home.archive / "objects")
    night.serve(whole(night.ctz.replace(b",2008,36,", b",2008,37,", 1), ETag='"b"'))
    with monkeypatch.context() as wrong:
        for module in ("sources.fetch", "sources.http", "sources.archive"):
            wrong.setattr(f"{module}.now", lambda: "2001-01-01T00:00:00Z")
        asked = night.asked()
    assert asked.outcome == "failed" and "set it right" in asked.message
    assert night.in_use() == before and files(night.home.archive / "objects") == archived
    assert night.asked().outcome == "new"


def test_the_page_lists_every_fault() -> None:
    page = (REPOSITORY / "docs/reliability.md").read_text(encoding="utf-8")
    for fault in [*ON_THE_WAY, *IN_THE_TABLE, *IN_THE_WORKBOOK]:
        assert f"| {fault} |" in page, fault
    for module, name in re.findall(r"`(test_\w+\.py)::(test_\w+)", page):
        (found,) = (REPOSITORY / "tests").rglob(module)
        assert f"def {name}(" in found.read_text(encoding="utf-8"), name
