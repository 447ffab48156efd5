"""Telling people: what is said, by which way, that no secret shows, and that what cannot be told ends no run."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_string, policy
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from pipelines import automation, notify
from sources import catalogue, fetch
from sources.errors import Misused, Refused
from sources.fetch import Asked, Asking
from sources.home import Home
from tests.custody import homes
from tests.sources.server import running, status

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
    built = homes.copy(homes.built(), home.root)
    notify.tell(home, "the disk is full", WHY, "2026-11-24T00:00:00Z", warnings.append)
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
        == f"What stands: the warehouse as of 2025-12-31 in {built}/warehouse.duckdb; last good figures are kept."
    )
    assert (
        lines[4] == "What to do: what the sentences say; `custody status` says more. Then `custody run`."
        and len(lines) == 5
    )
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
    assert abs((parsedate_to_datetime(letter["Date"]) - datetime.now(UTC)).total_seconds()) < 120
    assert re.fullmatch(r"<[^<>@\s]+@example\.org>", letter["Message-ID"])
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
    assert "eurostat_prisons/x was asked for in vain: https://eurostat_prisons.example/x: HTTP 500." in text
    assert "unodc" not in text


def in_vain(home: Home, source: str, *files: str, why: str = "HTTP 404. Look at the publisher's page.") -> None:
    for file in files:
        url = f"https://{source}.example/{file}"
        Asking(home).note(Asked(source, file, url, "failed", f"{url}: {why}", "2026-11-24T00:00:01Z"))


def test_every_file_of_a_source_that_was_asked_for_in_vain_is_named_or_counted(webhook: Webhook, home: Home) -> None:
    in_vain(home, "eurostat_prisons", "a", "b", "c", "d", "e")
    in_vain(home, "unodc_prisons", "a", "")
    notify.tell(home, None, {}, "2026-11-24T00:00:00Z", pytest.fail)
    (text,) = webhook.texts
    named = [line.split(" was")[0] for line in text.splitlines() if "was asked for in vain" in line]
    assert named == [
        "eurostat_prisons/a", "eurostat_prisons/b", "eurostat_prisons/c",
        "unodc_prisons/a", "unodc_prisons, its addresses,",
    ]  # fmt: skip
    assert "eurostat_prisons: 2 more of its files were asked for in vain." in text


ANSWERS = {
    "it is down": (status(503), True),
    "it asks to wait": (status(429, Retry_After="7200"), True),
    "it is gone": (status(404), False),
    "it refuses": (status(403), False),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_where_only_waiting_helps_nobody_is_told_to_mend_anything(webhook: Webhook, home: Home, what: str) -> None:
    answer, waits = ANSWERS[what]
    known = catalogue.source("world_bank_population")
    with running() as server:
        for file in known.files.values():
            server.on(str(file.url), answer)
        asked = fetch.fetch(home, [known], server.client(), due_only=False)
    assert {a.outcome for a in asked} == {"failed"} and {a.passes for a in asked} == {waits}
    notify.tell(home, None, {}, "2026", pytest.fail)
    (text,) = webhook.texts
    assert ("What to do: nothing now; they are asked again by themselves." in text) is waits
    assert ("What to do: what the sentences say" in text) is not waits


# What was told before


def at(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setattr(notify, "now", lambda: when)


def test_what_stands_is_told_once_a_day_and_what_is_new_at_once(
    webhook: Webhook, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_vain(home, "eurostat_prisons", "a")
    at(monkeypatch, "2026-11-24T04:15:30Z")
    notify.tell(home, None, WHY, "2026-11-24T00:00:00Z", pytest.fail)
    for later in ("2026-11-24T05:00:00Z", "2026-11-24T23:00:00Z"):
        at(monkeypatch, later)
        notify.tell(home, None, WHY, "2026-11-24T00:00:00Z", pytest.fail)
    assert len(webhook.texts) == 1
    notify.tell(home, "the disk is full", WHY, "2026-11-24T00:00:00Z", pytest.fail)
    second = webhook.texts[1]
    assert "Why: the disk is full" in second and "unodc_prisons" not in second and "eurostat" not in second
    assert "what was told in the last day still stands: 2 in number" in second
    at(monkeypatch, "2026-11-25T04:15:00Z")  # the run of the next day, a little early
    notify.tell(home, None, WHY, "2026-11-24T00:00:00Z", pytest.fail)
    assert "unodc_prisons does not use" in webhook.texts[2] and "eurostat_prisons/a was asked" in webhook.texts[2]
    assert len(webhook.texts) == 3


def test_a_server_that_is_down_in_other_words_is_the_same_trouble(webhook: Webhook, home: Home) -> None:
    for why in ("HTTP 503; asked 5 times; the next run asks again.", "HTTP 500; asked once; the next run asks again."):
        in_vain(home, "eurostat_prisons", "a", why=why)
        notify.tell(home, None, {}, "2026-11-24T00:00:00Z", pytest.fail)
    assert len(webhook.texts) == 1
    in_vain(home, "eurostat_prisons", "a")  # now somebody must look
    notify.tell(home, None, {}, "2026-11-24T00:00:00Z", pytest.fail)
    assert len(webhook.texts) == 2


def test_what_could_not_be_told_is_told_by_that_way_the_next_time(
    webhook: Webhook, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.status, warnings = 500, list[str]()
    notify.tell(home, "x", {}, "2026", warnings.append)
    assert warnings == ["People could not be told by CUSTODY_WEBHOOK: it answered 500."]
    webhook.status = 200
    with post() as server:
        mail_by(monkeypatch, server.port)
        for _ in range(2):
            notify.tell(home, "x", {}, "2026", pytest.fail)
    assert len(webhook.texts) == 2  # the one that was refused, and one that was taken
    assert server.said.count("data") == 1


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"CUSTODY_WEBHOOK x": 5}', b"\xff\xfe", b'{"a": "2026-11-24"}'])
def test_a_damaged_memory_is_no_memory(webhook: Webhook, home: Home, damage: bytes) -> None:
    home.root.mkdir()
    (home.root / "told.json").write_bytes(damage)
    notify.tell(home, "x", {}, "2026", pytest.fail)
    notify.tell(home, "x", {}, "2026", pytest.fail)
    assert len(webhook.texts) == 1
    (home.root / "told.json").unlink()
    (home.root / "told.json").mkdir()  # it cannot be written: people are rather told twice
    notify.tell(home, "x", {}, "2026", pytest.fail)
    notify.tell(home, "x", {}, "2026", pytest.fail)
    assert len(webhook.texts) == 3


def test_what_is_written_down_of_it_holds_no_word(webhook: Webhook, home: Home) -> None:
    notify.tell(home, "row 7 says 4711", {"gaps": "4712 is no number"}, "2026", pytest.fail)
    written = (home.root / "told.json").read_text()
    assert "4711" not in written and "gaps" not in written and SECRET not in written


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
        *(
            (notify.WEBHOOK, f"{wrong}{PASSWORD}", "CUSTODY_WEBHOOK: it is no address such as https://chat.example.org")
            for wrong in ("hooks.example.org/", "slack://", "https:///", "https://[")
        ),
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
    warning = warnings[0]
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
    for webhook.status in (500, 200):
        said = homes.custody(home, "run", "--offline", "--as-of", "2025-12-31", more={notify.WEBHOOK: webhook.url})
        assert (said.returncode, said.stdout) == (1, "")
        assert SECRET not in said.stderr
        warned = "People could not be told by CUSTODY_WEBHOOK: it answered 500." in said.stderr
        assert warned is (webhook.status == 500)
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
        (home.root / "told.json").unlink()  # it is the same trouble
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


def test_a_run_that_was_configured_wrongly_tells_why(
    webhook: Webhook, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.definitions import defs

    monkeypatch.setenv("CUSTODY_HOME", str(home.root))
    for config, why in (
        ({"ask": "sometimes"}, "ask String should match pattern '^(due|all|none)$'"),
        ({"as_of": "2025-13-01"}, "as_of '2025-13-01' is not a day such as 2025-12-31; start the run with one."),
    ):
        with dg.DagsterInstance.ephemeral() as instance:
            run = defs.resolve_job_def("build").execute_in_process(
                run_config={"resources": {"options": {"config": config}}}, instance=instance, raise_on_error=False
            )
            context = dg.build_run_status_sensor_context(
                "tell_what_failed", run.get_run_failure_event(), instance, run.dagster_run
            )
            automation.tell_what_failed(context.for_run_failure())
        assert why in webhook.texts[-1].splitlines()[1]
