"""Asking a server: what is asked, what is waited for, and each way in which an answer is no file."""

from __future__ import annotations

import gzip
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sources.asked import Validators
from sources.http import Client, NotFetched
from tests.sources.server import QUICK, Answering, Request, Server, cut, rest, running, status, whole

URL = "https://publisher.example/files/prisons.csv"
BODY = b"place,persons\nALB,5000\n" * 400


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own."""
    with running() as made:
        yield made


def refused(client: Client, url: str = URL, hosts: tuple[str, ...] = ()) -> str:
    """The one sentence by which an address is refused."""
    with pytest.raises(NotFetched) as error:
        client.get(url, hosts)
    said = str(error.value)
    assert said.startswith(url) and "\n" not in said
    return said


def test_a_file_comes_with_all_that_is_said_of_it(server: Server) -> None:
    server.on(URL, whole(BODY, ETag='"a"', Last_Modified="Wed, 29 Apr 2026 11:00:00 GMT", Content_Type="text/csv"))
    answer = server.client().get(URL)
    assert (answer.body, answer.status, answer.final_url, answer.tries) == (BODY, 200, URL, 1)
    assert answer.validators == Validators('"a"', "Wed, 29 Apr 2026 11:00:00 GMT")
    told = answer.told()
    assert "body" not in told and told["headers"]["Content-Type"] == "text/csv"
    ((path, headers),) = server.asked
    assert path == "/publisher.example/files/prisons.csv"
    assert "Custody" in headers["User-Agent"] and "tests@example.org" in headers["User-Agent"]
    assert told["request"] == {name: headers[name] for name in ("User-Agent", "Accept", "Accept-Encoding")}
    assert told["redirects"] == []


def test_whatever_the_server_says_is_told_but_for_secrets_and_what_has_no_end(server: Server) -> None:
    server.on(URL, whole(BODY, etag='"a"', Cache_Control="max-age=60", X_Long="x" * 5000, Set_Cookie="session=secret"))
    told = server.client().get(URL).told()["headers"]
    assert (told["ETag"], told["Cache-Control"], told["X-Long"]) == ('"a"', "max-age=60", "x" * 1000)
    assert "secret" not in str(told) and len({name.lower() for name in told}) == len(told)


def test_no_secret_is_told(server: Server) -> None:
    server.on(URL, status(500, Set_Cookie="session=secret"), whole(BODY))
    client = server.client()
    client._session.headers["Authorization"] = "Bearer secret"
    assert client.get(URL, known=Validators('"a"')).told()["request"]["If-None-Match"] == '"a"'
    assert "secret" not in str(client.get(URL).told())
    assert "secret" in str(server.asked), "what was sent is not what is told"


@pytest.mark.parametrize("known", [Validators(etag='"a"'), Validators(last_modified="Wed, 29 Apr 2026 11:00:00 GMT")])
def test_a_file_that_has_not_changed_is_asked_for_once_and_does_not_come(server: Server, known: Validators) -> None:
    server.on(URL, whole(BODY, ETag='"a"', Last_Modified="Wed, 29 Apr 2026 11:00:00 GMT"))
    answer = server.client().get(URL, known=known)
    assert (answer.status, answer.body) == (304, None)
    assert len(server.asked) == 1


def test_not_changed_is_no_answer_to_what_was_never_asked(server: Server) -> None:
    server.on(URL, status(304))
    assert "answers 304" in refused(server.client())


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: Server, code: int) -> None:
    server.on(URL, status(code), status(code), whole(BODY))
    answer = server.client().get(URL)
    assert (answer.body, answer.tries) == (BODY, 3)


def test_what_does_not_pass_is_said_after_the_last_try(server: Server) -> None:
    server.on(URL, status(500))
    assert "the server answers 500; asked 4 times. The last good file stays" in refused(server.client())
    assert len(server.asked) == 4


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_what_will_not_pass_is_asked_once(server: Server, code: int) -> None:
    server.on(URL, status(code, b"<html>"))
    assert f"the server answers {code}." in refused(server.client())
    assert len(server.asked) == 1


def test_waits_double_and_are_no_ones_rhythm(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.on(URL, status(500))
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    waits: list[float] = []
    refused(server.client(replace(QUICK, first_wait=2, longest_wait=5, tries=5, total=100), waits.append))
    assert waits == [2, 4, 5, 5]


def test_a_server_that_asks_to_wait_is_given_its_time(server: Server) -> None:
    on_the_day = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.on(URL, status(429, Retry_After="7"), status(503, Retry_After=on_the_day), whole(BODY))
    waits: list[float] = []
    assert server.client(replace(QUICK, patience=200, total=200), waits.append).get(URL).body == BODY
    assert 6 < waits[0] <= 7 and 80 < waits[1] <= 90


def test_a_server_that_asks_for_hours_is_asked_later(server: Server) -> None:
    server.on(URL, status(503, Retry_After="86400"))
    assert "asks to wait 86,400 seconds" in refused(server.client())
    assert len(server.asked) == 1


def test_a_host_that_asks_to_wait_rests_for_all_that_is_asked_of_it(server: Server) -> None:
    begun, seen = time.monotonic(), []

    def timed(answer: Answering) -> Answering:
        def answering(request: Request) -> None:
            seen.append((request.path[-1], time.monotonic() - begun))
            answer(request)

        return answering

    one, two = "https://publisher.example/1", "https://publisher.example/2"
    server.on(one, timed(status(429, Retry_After="1")), timed(whole(BODY)))
    server.on(two, timed(whole(BODY)))
    client = server.client(QUICK, time.sleep)
    first = threading.Thread(target=client.get, args=(one,))
    first.start()
    while not seen:
        time.sleep(0.01)
    client.get(two)
    first.join()
    assert seen[0][0] == "1" and sorted(which for which, _ in seen[1:]) == ["1", "2"]
    assert all(at > 1 for _, at in seen[1:])


def test_a_host_that_asks_for_hours_is_asked_nothing_else(server: Server) -> None:
    server.on(URL, status(503, Retry_After="86400"))
    client = server.client()
    refused(client)
    assert "publisher.example has asked to wait, 86,400 seconds from now" in refused(client, URL + "2")
    assert len(server.asked) == 1


# Being led on


def test_a_server_may_lead_on_within_its_host_and_to_those_that_are_named(server: Server) -> None:
    other = "https://files.example/a.csv"
    server.on(URL, status(301, Location="/new.csv"))
    server.on("https://publisher.example/new.csv", status(302, Location=other))
    server.on(other, whole(BODY))
    answer = server.client().get(URL, ["files.example"])
    assert (answer.body, answer.final_url) == (BODY, other)
    assert answer.told()["redirects"] == [
        {"status": 301, "to": "https://publisher.example/new.csv"},
        {"status": 302, "to": other},
    ]


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("https://elsewhere.example/a.csv", "at a host that source.yml does not name"),
        ("http://publisher.example/a.csv", "is no https address"),
        ("file:///etc/passwd", "is no https address"),
        ("https://publisher.example:8443/a.csv", "at a host that source.yml does not name"),
        ("https://user:word@publisher.example/a.csv", "at a host that source.yml does not name"),
        ("https://:word@publisher.example/a.csv", "at a host that source.yml does not name"),
        ("https://publisher.example:abc/", "is no address"),
        ("https://publisher.example:99999/x", "is no address"),
        ("https://[bad/", "is no address"),
        ("/\xe9\xff", "is no address"),
    ],
)
def test_a_server_may_not_lead_elsewhere(server: Server, to: str, why: str) -> None:
    server.on(URL, status(302, Location=to))
    assert why in refused(server.client())
    assert len(server.asked) == 1


def test_letters_beyond_ascii_are_led_on_to_as_utf_8(server: Server) -> None:
    server.on(URL, status(302, Location="/caf\u00c3\u00a9.csv"))  # the two bytes of an e with an accent
    server.on("https://publisher.example/caf%C3%A9.csv", whole(BODY))
    assert server.client().get(URL).body == BODY


def test_what_is_sent_along_with_where_to_go_is_not_read(server: Server) -> None:
    def endless(request: Request) -> None:
        request.send_response(302)
        request.send_header("Location", "/new.csv")
        request.send_header("Content-Length", "1000000000")
        request.end_headers()
        request.wfile.write(b"x" * 1000)
        time.sleep(1)

    server.on(URL, endless)
    server.on("https://publisher.example/new.csv", whole(BODY))
    answer = server.client().get(URL)
    assert (answer.body, answer.tries) == (BODY, 1)


@pytest.mark.parametrize(
    "url", ["https://publisher.example:abc/a", "https://[bad/a", "https://publisher.example:99999/"]
)
def test_what_is_no_address_is_refused(server: Server, url: str) -> None:
    assert "is no address" in refused(server.client(), url)
    assert not server.asked


ABSURD = "Wed, 29 Apr 2026 11:00:00 +99999999999999999999"


@pytest.mark.parametrize("date", [ABSURD, "Wed, 29 Apr 99999999999999999999 11:00:00 GMT", "Wed, 31 Feb 2026", "soon"])
def test_a_day_that_is_none_is_as_good_as_none(server: Server, date: str) -> None:
    def dated(request: Request) -> None:
        request.send_response_only(200)
        for name, value in {"Date": date, "Content-Length": str(len(BODY))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(BODY)

    server.on(URL, status(429, Retry_After=date), dated)
    answer = server.client().get(URL)
    assert (answer.body, answer.tries, answer.headers["Date"]) == (BODY, 2, date)


@pytest.mark.parametrize("lengths", [("5", "7"), ("-5",), ("abc",)])
def test_lengths_that_are_none_are_refused_or_take_nothing_in(server: Server, lengths: tuple[str, ...]) -> None:
    def answer(request: Request) -> None:
        request.send_response(200)
        for length in lengths:
            request.send_header("Content-Length", length)
        request.end_headers()
        request.reset()

    server.on(URL, answer)
    refused(server.client())


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.8", "169.254.169.254", "192.168.1.1", "::1", "fd00::1", "64:ff9b::a00:1", "ff02::1"],
)
def test_no_private_address_is_asked(server: Server, address: str) -> None:
    server.addresses["publisher.example"] = ["93.184.216.34", address]
    assert f"is at {address}, which is no public address" in refused(server.client())
    assert not server.asked


@pytest.mark.parametrize("address", ["10.0.0.7", "::1"])
def test_a_server_may_not_lead_to_a_private_address(server: Server, address: str) -> None:
    """Neither at a host that source.yml names, nor at the publisher's own once its name has come to mean another."""
    inside = server.on("https://inside.example/a.csv", whole(BODY))
    server.addresses["inside.example"] = [address]
    server.on(URL, status(302, Location=inside))
    assert f"inside.example is at {address}, which is no public address" in refused(
        server.client(), hosts=("inside.example",)
    )

    def moved(request: Request) -> None:
        server.addresses["publisher.example"] = [address]
        request.give(302, Location="/b.csv")

    server.on(URL, moved)
    server.on("https://publisher.example/b.csv", whole(BODY))
    assert f"publisher.example is at {address}, which is no public address" in refused(server.client())
    assert [path for path, _ in server.asked] == ["/publisher.example/files/prisons.csv"] * 2


def test_a_server_may_not_lead_in_a_circle(server: Server) -> None:
    server.on(URL, status(302, Location="/b"))
    server.on("https://publisher.example/b", status(302, Location=URL))
    assert "leads on in a circle" in refused(server.client())


def test_a_server_may_not_lead_on_for_ever(server: Server) -> None:
    for step in range(10):
        server.on(f"https://publisher.example/{step}", status(302, Location=f"/{step + 1}"))
    assert "leads on in a circle" in refused(server.client(), "https://publisher.example/0")
    assert len(server.asked) == QUICK.redirects + 1


def test_a_name_that_nobody_knows(server: Server) -> None:
    server.addresses["publisher.example"] = []
    assert "the name publisher.example is not known (Name or service not known); asked 4 times" in refused(
        server.client()
    )


def test_a_server_that_is_down() -> None:
    with running() as gone:
        client = gone.client()
    assert "the connection failed (Connection refused); asked 4 times" in refused(client)


# The body


def test_a_file_that_breaks_off_is_asked_for_again(server: Server) -> None:
    server.on(URL, cut(BODY, 1000), cut(BODY, 2000), whole(BODY))
    answer = server.client().get(URL)
    assert (answer.body, answer.tries) == (BODY, 3)
    assert all("Range" not in headers for _, headers in server.asked), "without a tag no two parts are of one file"


def test_only_the_rest_is_asked_for_where_the_file_is_known_to_be_the_same(server: Server) -> None:
    server.on(URL, cut(BODY, 1000, ETag='"a"'), rest(BODY, ETag='"a"'))
    assert server.client().get(URL).body == BODY
    assert server.asked[1][1]["Range"] == "bytes=1000-" and server.asked[1][1]["If-Range"] == '"a"'


def test_a_file_that_changed_meanwhile_is_taken_whole(server: Server) -> None:
    server.on(URL, cut(b"x" * 5000, 1000, ETag='"a"'), whole(BODY, ETag='"b"'))
    assert server.client().get(URL).body == BODY


def test_the_wrong_part_is_not_joined(server: Server) -> None:
    wrong = status(206, BODY[7:], Content_Range=f"bytes 7-{len(BODY) - 1}/{len(BODY)}", ETag='"a"')
    server.on(URL, cut(BODY, 1000, ETag='"a"'), wrong, whole(BODY))
    assert server.client().get(URL).body == BODY


@pytest.mark.parametrize(
    "after",
    [
        {"ETag": '"b"'},
        {},
        {"ETag": 'W/"a"'},
        {"ETag": '"a"', "Last_Modified": "Thu, 30 Apr 2026 11:00:00 GMT"},
        {"ETag": '"a"', "Content_Encoding": "gzip"},
    ],
)
def test_a_rest_of_another_file_is_not_joined(server: Server, after: dict[str, str]) -> None:
    other = BODY.replace(b"5000", b"9999")
    before = cut(BODY, 1000, ETag='"a"', Last_Modified="Wed, 29 Apr 2026 11:00:00 GMT")
    server.on(URL, before, rest(other, **after), whole(other, ETag='"b"'))
    answer = server.client().get(URL)
    assert answer.body == other
    assert [headers.get("Range") for _, headers in server.asked] == [None, "bytes=1000-", None]


@pytest.mark.parametrize(
    "span",
    [
        f"bytes 1000-1099/{len(BODY)}",  # a part of the rest
        "bytes 1000-1099/1100",  # of a file of another length
        "bytes 1000-1099/*",
        f"bytes 999-1098/{len(BODY)}",
        f"bytes 1000-{len(BODY)}/{len(BODY)}",
        "lines 1000-1099/1100",
        "",
    ],
)
def test_a_short_rest_is_not_taken_for_the_whole(server: Server, span: str) -> None:
    short = status(206, BODY[1000:1100], Content_Range=span, ETag='"a"')
    server.on(URL, cut(BODY, 1000, ETag='"a"'), short, whole(BODY, ETag='"a"'))
    answer = server.client().get(URL)
    assert (answer.body, answer.tries) == (BODY, 3)


def test_a_rest_shorter_than_it_says_is_not_taken_for_the_whole(server: Server) -> None:
    span = f"bytes 1000-{len(BODY) - 1}/{len(BODY)}"
    short = status(206, BODY[1000:1100], Content_Range=span, ETag='"a"')
    server.on(URL, cut(BODY, 1000, ETag='"a"'), short)
    assert f"the file has 1,100 bytes where the server says {len(BODY):,}" in refused(
        server.client(replace(QUICK, tries=2))
    )
    server.on(URL, cut(BODY, 1000, ETag='"a"'), short, whole(BODY))
    assert server.client().get(URL).body == BODY


def test_a_part_that_was_not_asked_for_is_no_file(server: Server) -> None:
    part = status(206, BODY[:100], Content_Range=f"bytes 0-99/{len(BODY)}", ETag='"a"')
    server.on(URL, part)
    assert "another part of the file than was asked for" in refused(server.client())
    whole_as_part = status(206, BODY, Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}", ETag='"a"')
    server.on(URL, whole_as_part)
    assert "another part of the file than was asked for" in refused(server.client())


def test_where_the_rest_is_gone_one_starts_anew(server: Server) -> None:
    server.on(URL, cut(BODY, 1000, ETag='"a"'), status(416, Content_Range="bytes */5"), whole(BODY[:5], ETag='"b"'))
    assert server.client().get(URL).body == BODY[:5]


def test_the_rest_is_asked_for_where_the_beginning_came_from(server: Server) -> None:
    """Another address to which the server leads on the second time may give the same tag to another file."""
    other = BODY.replace(b"5000", b"9999")
    server.on(URL, status(302, Location="/a"), status(302, Location="/b"))
    server.on("https://publisher.example/a", cut(BODY, 1000, ETag='"1"'))
    server.on("https://publisher.example/b", whole(other, ETag='"1"'))
    assert server.client().get(URL).body == other
    assert all("Range" not in headers for _, headers in server.asked)


def test_a_rest_whose_whole_length_was_not_said_before(server: Server) -> None:
    def chunked(request: Request) -> None:
        request.send_response(200)
        request.send_header("ETag", '"a"')
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"3e8\r\n" + BODY[:1000] + b"\r\n")
        request.reset()

    server.on(URL, chunked, rest(BODY, ETag='"a"'))
    answer = server.client().get(URL)
    assert (answer.body, answer.tries) == (BODY, 2)


def test_a_file_that_always_breaks_off_is_refused(server: Server) -> None:
    server.on(URL, cut(BODY, 1000))
    assert "broke in the middle of the file; asked 4 times" in refused(server.client())


def test_a_server_that_falls_silent(server: Server) -> None:
    def silent(request: Request) -> None:
        request.give(200, BODY[:10], Content_Length=str(len(BODY)))
        time.sleep(1)

    server.on(URL, silent)
    assert "stops sending in the middle" in refused(server.client(replace(QUICK, read=0.1, tries=2)))


def test_a_server_that_never_answers(server: Server) -> None:
    server.on(URL, lambda request: time.sleep(1))
    assert "does not answer in time" in refused(server.client(replace(QUICK, read=0.1, tries=2)))


def test_a_file_that_drips_is_given_up(server: Server) -> None:
    def drip(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        for _ in range(40):
            request.wfile.write(b"x")
            request.wfile.flush()
            time.sleep(0.05)

    server.on(URL, drip)
    begun = time.monotonic()
    assert "not whole after 1 seconds" in refused(server.client(replace(QUICK, total=1)))
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\nX", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"]
)
def test_what_drips_before_the_file_is_given_up_too(server: Server, beginning: bytes) -> None:
    def drip(request: Request) -> None:
        request.connection.sendall(beginning)
        with suppress(OSError):
            for _ in range(200):
                request.connection.sendall(b"x")
                time.sleep(0.05)

    server.on(URL, drip)
    begun = time.monotonic()
    assert "not whole after 1 seconds" in refused(server.client(replace(QUICK, total=1)))
    assert time.monotonic() - begun < 5
    assert len(server.asked) == 1


def test_an_answer_cut_off_by_the_clock_is_not_taken_for_a_whole_one(server: Server) -> None:
    """Without a length, the end of the connection is the end of the file."""

    def endless(request: Request) -> None:
        request.connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        with suppress(OSError):
            for _ in range(30):
                request.connection.sendall(b"1,2\n")
                time.sleep(0.05)

    server.on(URL, endless)
    assert "not whole after 0 seconds" in refused(server.client(replace(QUICK, total=0.4)))


def test_the_time_of_a_file_does_not_run_while_its_host_is_busy(server: Server) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.6)
        request.give(200, BODY)

    urls = [server.on(f"https://publisher.example/{n}", slow) for n in range(3)]
    client = server.client(replace(QUICK, total=1.5, read=5, tries=1))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(client.get, urls))
    assert [answer.body for answer in answers] == [BODY] * 3
    assert all(0.6 <= answer.seconds < 1.5 for answer in answers)


def test_a_file_larger_than_allowed_is_not_taken_in(server: Server) -> None:
    server.on(URL, whole(b"x" * 200_000))
    assert "more than 100,000 bytes come" in refused(server.client())


def test_a_packed_file_is_unpacked(server: Server) -> None:
    server.on(URL, whole(gzip.compress(BODY, mtime=0), Content_Encoding="gzip"))
    assert server.client().get(URL).body == BODY


def test_a_packed_bomb_is_not_unpacked(server: Server) -> None:
    server.on(URL, whole(gzip.compress(b"0" * 50_000_000), Content_Encoding="gzip"))
    assert "unpacks to more than 100,000 bytes" in refused(server.client())


@pytest.mark.parametrize(
    ("packed", "encoding", "why"),
    [
        (gzip.compress(BODY, mtime=0)[:-9], "gzip", "is not whole; asked 4 times"),
        (BODY, "gzip", "cannot be unpacked; asked 4 times"),
        (gzip.compress(BODY, mtime=0) + b"more", "gzip", "is not whole"),
        (BODY, "br", "packs the file as 'br', which was not asked for"),
    ],
)
def test_a_badly_packed_file_is_refused(server: Server, packed: bytes, encoding: str, why: str) -> None:
    server.on(URL, whole(packed, Content_Encoding=encoding))
    assert why in refused(server.client())


# Politeness


def test_one_host_is_asked_one_thing_at_a_time_and_two_hosts_at_once(server: Server) -> None:
    inside: dict[str, int] = {"a.example": 0, "b.example": 0}
    most: dict[str, int] = {"a.example": 0, "b.example": 0, "both": 0}

    def counted(host: str) -> Answering:
        def answer(request: Request) -> None:
            inside[host] += 1
            most[host] = max(most[host], inside[host])
            most["both"] = max(most["both"], min(inside.values()))
            time.sleep(0.05)
            inside[host] -= 1
            request.give(200, BODY)

        return answer

    client = server.client(replace(QUICK, read=5))
    urls = [server.on(f"https://{host}/{n}", counted(host)) for host in ("a.example", "b.example") for n in range(4)]
    threads = [threading.Thread(target=client.get, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == {"a.example": 1, "b.example": 1, "both": 1}


def test_no_more_hosts_are_asked_at_once_than_may_be_and_one_that_rests_is_none_of_them(server: Server) -> None:
    inside, most = 0, 0

    def counted(request: Request) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.1)
        inside -= 1
        request.give(200, BODY)

    rested = threading.Event()
    client = server.client(replace(QUICK, read=5, at_once=2), lambda _: rested.wait(30) and None)
    resting = server.on("https://resting.example/a", status(429, Retry_After="10"), whole(BODY))
    urls = [server.on(f"https://{host}.example/a", counted) for host in "abcdef"]
    with ThreadPoolExecutor(8) as pool:
        waiting = pool.submit(client.get, resting)
        while not server.asked:
            time.sleep(0.01)
        list(pool.map(client.get, urls))
        assert not waiting.done()
        rested.set()
        assert waiting.result().body == BODY
    assert most == 2


def test_between_two_questions_a_host_has_a_pause(server: Server) -> None:
    server.on(URL, whole(BODY))
    waits: list[float] = []
    client = server.client(replace(QUICK, pause=30), waits.append)
    client.get(URL)
    client.get(URL)
    assert len(waits) == 1 and 29 < waits[0] <= 30
