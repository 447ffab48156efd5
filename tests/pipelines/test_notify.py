"""Telling people: what is said, by which way, that no secret shows, and that what cannot be told ends no run."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from pipelines import automation, notify
from sources import catalogue
from sources.errors import Misused, Refused
from sources.fetch import Asked, Asking
from sources.home import Home
from tests.custody import homes

SECRET = "T000-B000-s3cret"
PASSWORD = "pa55:w0rd"


@dataclass
class Webhook:
    """An incoming webhook, and what came to it."""

    url: str = ""
    status: int = 200
    texts: list[str] = field(default_factory=list)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    here = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/json" and list(body) == ["text"]
            here.texts.append(body["text"])
            self.send_response(here.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here.url = f"http://127.0.0.1:{server.server_port}/{SECRET}"
        monkeypatch.setenv(notify.WEBHOOK, here.url)
        yield here
        server.shutdown()


@dataclass
class Post:
    """A mail server: what it was told, line by line."""

    port: int = 0
    said: list[str] = field(default_factory=list)


@contextmanager
def post(accepts: bool = True) -> Iterator[Post]:
    here = Post()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().rstrip("\r\n"):
                here.said.append(line)
                word = line.split()[0].upper()
                if word == "EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                elif word == "AUTH":
                    self.wfile.write(b"235 ok\r\n" if accepts else f"535 no {PASSWORD}\r\n".encode())
                elif word == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                        here.said.append(text)
                    self.wfile.write(b"250 ok\r\n")
                elif word == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here.port = server.server_address[1]
        yield here
        server.shutdown()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told but by what a test names."""
    for name in (notify.WEBHOOK, notify.SMTP, notify.MAIL_FROM, notify.MAIL_TO, catalogue.ALSO):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def mail_by(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv(notify.SMTP, f"smtp://ada:{PASSWORD.replace(':', '%3A')}@127.0.0.1:{port}")
    monkeypatch.setenv(notify.MAIL_FROM, "custody@example.org")
    monkeypatch.setenv(notify.MAIL_TO, "ada@example.org, bo@example.org")


WHY = {"unodc_prisons": "data.xlsx, row 7: <!channel> & 'x' is no number."}


def test_a_webhook_is_told_which_source_why_what_stands_and_what_to_do(webhook: Webhook, home: Home) -> None:
    warnings: list[str] = []
    notify.tell(Home(homes.built()), "the disk is full", WHY, "2026-11-24T00:00:00Z", warnings.append)
    (text,) = webhook.texts
    lines = text.splitlines()
    assert lines[0].startswith("Custody on ") and lines[0].endswith(": the run failed.")
    assert lines[1] == "Why: the disk is full"
    # Slack would call everybody, had the word come as it was written.
    assert (
        lines[2]
        == "unodc_prisons does not use its newest file, the last good one stays: data.xlsx, row 7: &lt;!channel&gt; &amp; 'x' is no number."
    )
    assert (
        lines[3]
        == f"What stands: the warehouse as of 2025-12-31 in {homes.built()}/warehouse.duckdb; last good figures are kept."
    )
    assert "`custody status`" in lines[4] and len(lines) == 5
    assert warnings == []


def test_a_letter_says_the_same(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    warnings: list[str] = []
    with post() as server:
        mail_by(monkeypatch, server.port)
        notify.tell(home, None, WHY, "2026-11-24T00:00:00Z", warnings.append)
    assert warnings == []
    assert "mail FROM:<custody@example.org>" in " ".join(server.said).replace(" size=", " ")
    assert [line for line in server.said if line.startswith("rcpt")] == [
        "rcpt TO:<ada@example.org>", "rcpt TO:<bo@example.org>",
    ]  # fmt: skip
    letter = message_from_string("\n".join(server.said[server.said.index("data") + 1 :]), policy=policy.default)
    assert letter["Subject"] == notify.SUBJECT
    text = letter.get_content()
    assert (
        "unodc_prisons does not use its newest file, the last good one stays: data.xlsx, row 7: <!channel> & 'x' is no number.\n"
        in text
    )
    assert ": the run ended, but not as it should.\n" in text and "no warehouse yet" in text


def test_where_all_went_well_nobody_is_told(webhook: Webhook, home: Home) -> None:
    notify.tell(home, None, {}, "2026-11-24T00:00:00Z", pytest.fail)
    assert webhook.texts == []


def test_publishers_who_were_asked_in_vain_in_this_run_are_named(webhook: Webhook, home: Home) -> None:
    for source, at in (("eurostat_prisons", "2026-11-24T00:00:01Z"), ("unodc_prisons", "2026-11-23T23:59:59Z")):
        url = f"https://{source}.example/x"
        Asking(home).note(Asked(source, "x", url, "failed", f"{url}: HTTP 500.", at))
    notify.tell(home, None, {}, "2026-11-24T00:00:00Z", pytest.fail)
    (text,) = webhook.texts
    assert "eurostat_prisons was asked in vain: https://eurostat_prisons.example/x: HTTP 500." in text
    assert "unodc" not in text


def test_figures_that_may_not_be_passed_on_are_not_told(
    webhook: Webhook, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(catalogue.ALSO, "world_prison_brief")
    catalogue.sources.cache_clear()
    try:
        notify.tell(home, "row 7 says 4711", {"world_prison_brief": "4712 is no number"}, "2026", pytest.fail)
    finally:
        catalogue.sources.cache_clear()
    (text,) = webhook.texts
    assert "world_prison_brief does not use its newest file, the last good one stays: see `custody status`" in text
    assert "4711" not in text and "4712" not in text


def test_what_cannot_be_told_is_one_warning_without_a_secret(
    webhook: Webhook, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    webhook.status = 500
    with post(accepts=False) as server:
        mail_by(monkeypatch, server.port)
        notify.tell(home, "x", {}, "2026", warnings.append)
    assert warnings == [
        "People could not be told by CUSTODY_WEBHOOK: it answered 500.",
        "People could not be told by CUSTODY_SMTP: SMTPAuthenticationError.",
    ]
    monkeypatch.setenv(notify.WEBHOOK, f"http://127.0.0.1:1/{SECRET}")  # nobody listens there, nor at the other
    notify.tell(home, "x", {}, "2026", warnings.append)
    assert warnings[2:] == [
        "People could not be told by CUSTODY_WEBHOOK: ConnectionError.",
        "People could not be told by CUSTODY_SMTP: ConnectionRefusedError.",
    ]
    assert not [w for w in warnings if SECRET in w or PASSWORD in w]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (notify.MAIL_TO, "", "CUSTODY_SMTP: CUSTODY_MAIL_FROM or CUSTODY_MAIL_TO is not set"),
        (
            notify.SMTP,
            f"mail://ada:{PASSWORD}@x",
            "CUSTODY_SMTP: it must be smtp://user:password@host:port or smtps://",
        ),
    ],
)
def test_half_an_address_is_told_to_whoever_looks(
    monkeypatch: pytest.MonkeyPatch, home: Home, variable: str, value: str, said: str
) -> None:
    mail_by(monkeypatch, 1)
    monkeypatch.setenv(variable, value)
    warnings: list[str] = []
    notify.tell(home, "x", {}, "2026", warnings.append)
    (warning,) = warnings
    assert said in warning and PASSWORD not in warning


def test_a_password_does_not_go_in_the_clear(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    import smtplib
    import socket

    with post() as server:
        mail_by(monkeypatch, server.port)
        monkeypatch.setenv(notify.SMTP, f"smtp://ada:{PASSWORD}@mail.example.org:{server.port}")
        here = ("127.0.0.1", server.port)
        monkeypatch.setattr(smtplib.SMTP, "_get_socket", lambda *_: socket.create_connection(here))
        warnings: list[str] = []
        notify.tell(home, "x", {}, "2026", warnings.append)
    assert "offers no encryption" in warnings[0] and not [line for line in server.said if "AUTH" in line]


@pytest.mark.parametrize(("error", "told"), [(OSError("disk"), 1), (Refused("busy"), 1), (Misused("word"), 0)])
def test_an_error_that_ends_the_command_is_told(webhook: Webhook, home: Home, error: Exception, told: int) -> None:
    with pytest.raises(type(error)), notify.when_it_breaks(home, pytest.fail):
        raise error
    assert len(webhook.texts) == told


def test_custody_run_tells_and_ends_as_before(webhook: Webhook, tmp_path: Path) -> None:
    from tests.pipelines.test_runs import FAILING, accept

    rows, digest, sentence = FAILING["a check"]
    home = homes.copy(homes.built(), tmp_path / "own")
    accept(home, rows, digest)
    for webhook.status in (200, 500):
        said = homes.custody(home, "run", "--offline", "--as-of", "2025-12-31", more={notify.WEBHOOK: webhook.url})
        assert (said.returncode, said.stdout) == (1, "")
        assert SECRET not in said.stderr
    assert "People could not be told by CUSTODY_WEBHOOK: it answered 500." in said.stderr
    assert [sentence in text for text in webhook.texts] == [True, True]


# The sensors


def ended(instance: dg.DagsterInstance, *, fails: bool) -> dg.ExecuteInProcessResult:
    """A run of one accepted source that falls back, and of another step that may fail."""

    @dg.asset(key=["accepted", "gaps"], check_specs=[dg.AssetCheckSpec("expectations", asset=["accepted", "gaps"])])
    def gaps() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        yield dg.Output(None)
        yield dg.AssetCheckResult(passed=False, description="gaps.csv, row 2: no.")

    @dg.asset(deps=[gaps])
    def later() -> None:
        if fails:
            raise dg.Failure("the table is empty", allow_retries=False)

    return dg.materialize([gaps, later], instance=instance, raise_on_error=False)


def test_the_daemon_tells_of_failed_runs_and_of_sources_that_fell_back(
    webhook: Webhook, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTODY_HOME", str(home.root))
    with dg.DagsterInstance.ephemeral() as instance:
        failed = ended(instance, fails=True)
        context = dg.build_run_status_sensor_context(
            "tell_what_failed", failed.get_run_failure_event(), instance, failed.dagster_run
        )
        automation.tell_what_failed(context.for_run_failure())
        well = ended(instance, fails=False)
        automation.tell_what_fell_back(
            dg.build_run_status_sensor_context(
                "tell_what_fell_back", well.get_run_success_event(), instance, well.dagster_run
            )
        )
    first, second = webhook.texts
    assert (
        "Why: the table is empty" in first
        and "gaps does not use its newest file, the last good one stays: gaps.csv, row 2: no." in first
    )
    assert (
        "Why:" not in second
        and "gaps does not use its newest file, the last good one stays: gaps.csv, row 2: no." in second
    )
