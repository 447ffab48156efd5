"""Telling people what needs them: a webhook and mail, as far as the environment names them.

The addresses hold secrets: no message, log or error repeats any part of them. Whatever goes wrong here is one
warning, and never the end of a run.
"""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from itertools import groupby
from urllib.parse import unquote, urlsplit

from sources.asked import Asking
from sources.catalogue import sources
from sources.errors import Misused, Refused
from sources.home import Home, now, read_json, sha256, write_json
from warehouse.standing import find

#: Takes `{"text": ...}` by POST, as Slack's and Mattermost's incoming webhooks do.
WEBHOOK = "CUSTODY_WEBHOOK"

#: smtp://user:password@host:port or smtps://...; and who writes to whom, several separated by commas.
SMTP, MAIL_FROM, MAIL_TO = "CUSTODY_SMTP", "CUSTODY_MAIL_FROM", "CUSTODY_MAIL_TO"

PATIENCE = 10  # seconds for a webhook or a mail server
LONGEST = 600  # characters of one sentence; a refusal that lists much says the rest in `custody status`
SUBJECT = "Custody needs somebody"

#: What of a source was asked for in vain is named up to so many files; of more it is said how many.
MOST = 3

#: What was told is not told again for a day, or a little less, because a run of every day may begin some minutes early.
AGAIN = timedelta(hours=20)

Warn = Callable[[str], object]


class NotTold(Exception):
    """What could not be told, in words that hold no secret."""


@dataclass(frozen=True)
class Trouble:
    """One thing that people should know.

    `key` tells it from others, also in a later run; `of` is the source of which much may be told alike. Where it
    `passes`, there is nothing to do but wait.
    """

    key: str
    line: str
    of: str = ""
    passes: bool = False

    @property
    def mark(self) -> str:
        """Its key as it is written down: a sentence may hold what is to be kept nowhere."""
        return sha256(self.key.encode())[:16]


def tell(home: Home, failure: str | None, fallen_back: Mapping[str, str], since: str, warn: Warn) -> None:
    """Tell of a run that failed, of sources that fell back, and of publishers asked in vain `since` a second.

    Nothing is told where there is nothing of these, or nothing that was not told in the last day.
    """
    ways = {WEBHOOK: _to_webhook, SMTP: _by_mail}
    configured = {name: way for name, way in ways.items() if os.environ.get(name)}
    if not configured:
        return
    try:
        found = troubles(home, failure, fallen_back, since)
        stands = _stands(home)
    except Exception as error:  # whatever is damaged in the home, the failure itself is told
        found = [Trouble(f"failure {failure}", f"Why: {_sentence(failure or 'it did not end as it should')}")]
        stands = f"What else is to be told could not be read ({type(error).__name__}); see `custody status`."
    told = Told(home)
    for name, way in configured.items():
        fresh = [each for each in found if not told.lately(name, each)]
        if not fresh:
            continue
        try:
            way(message(failure, fresh, len(found) - len(fresh), stands))
        except NotTold as error:
            warn(f"People could not be told by {name}: {error}.")
        except Exception as error:  # its words may repeat the address
            warn(f"People could not be told by {name}: {type(error).__name__}.")
        else:
            told.note(name, fresh)


@contextmanager
def when_it_breaks(home: Home, warn: Warn) -> Iterator[None]:
    """Tell of an error that ends the block; not of a word that the command did not know, nor of Ctrl-C."""
    try:
        yield
    except Misused:
        raise
    except Exception as error:
        why = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
        tell(home, why, {}, now(), warn)
        raise


class Told:
    """What was told by which way and when, in a small file of the home; a damaged one means that nothing was."""

    def __init__(self, home: Home) -> None:
        self.path = home.root / "told.json"
        self.at = now()
        try:
            read = read_json(self.path)
            self.known = {str(key): str(at) for key, at in read.items() if self._recent(str(at))}
        except (OSError, Refused, AttributeError):
            self.known = {}

    def _recent(self, at: str) -> bool:
        try:
            return timedelta(0) <= datetime.fromisoformat(self.at) - datetime.fromisoformat(at) < AGAIN
        except (ValueError, TypeError):  # no time, or one without a zone
            return False

    def lately(self, way: str, trouble: Trouble) -> bool:
        """Whether it was told by this way in the last day."""
        return f"{way} {trouble.mark}" in self.known

    def note(self, way: str, troubles: Iterable[Trouble]) -> None:
        """Write down that these were told."""
        self.known |= {f"{way} {each.mark}": self.at for each in troubles}
        with suppress(OSError):  # of a full disk, on which people are rather told twice
            write_json(self.path, self.known)


def troubles(home: Home, failure: str | None, fallen_back: Mapping[str, str], since: str) -> list[Trouble]:
    """All that there is to tell: which source and file, and why."""
    found = [Trouble(f"failure {failure}", f"Why: {_sentence(failure)}")] if failure else []
    for source, why in fallen_back.items():
        line = f"{source} does not use its newest file, the last good one stays: {_sentence(why)}"
        found.append(Trouble(f"{source} {why}", line))
    asking = Asking(home)
    for known in sources().values():
        for asked in asking.failures(known):
            if asked.asked_at >= since:
                named = f"{asked.source_id}/{asked.file}" if asked.file else f"{asked.source_id}, its addresses,"
                # A server that is down says it in other words each time, and is the same trouble.
                key = f"{asked.source_id} {asked.file} {asked.url} {asked.passes or asked.message}"
                line = f"{named} was asked for in vain: {_sentence(asked.message)}"
                found.append(Trouble(key, line, asked.source_id, asked.passes))
    return found


def message(failure: str | None, fresh: Sequence[Trouble], others: int, stands: str) -> str:
    """What is wrong and why, what stands and what to do; `others` were told before."""
    lines = [f"Custody on {socket.gethostname()}: the run {'failed' if failure else 'ended, but not as it should'}."]
    for source, group in groupby(fresh, key=lambda each: each.of):
        own = list(group)
        lines += [each.line for each in (own[:MOST] if source else own)]
        if source and len(own) > MOST:
            lines.append(f"{source}: {len(own) - MOST} more of its files were asked for in vain.")
    if others:
        lines.append(f"Beside that, what was told in the last day still stands: {others} in number.")
    lines.append(stands)
    wait = "nothing now; they are asked again by themselves. If it lasts for days, look at the publisher's page."
    look = "what the sentences say; `custody status` says more. Then `custody run`."
    lines.append(f"What to do: {wait if all(each.passes for each in fresh) else look}")
    return "\n".join(lines)


def _stands(home: Home) -> str:
    built = find(home)
    stands = f"the warehouse as of {built.as_of} in {home.warehouse}" if built else "no warehouse yet"
    return f"What stands: {stands}; last good figures are kept."


def _sentence(why: str) -> str:
    """One line; a refusal quotes figures, and those of some sources may not be passed on."""
    if any(source.licence_class == "internal" for source in sources().values()):
        return "see `custody status`; a source in use may not be quoted."
    line = " ".join(why.split())
    return line if len(line) <= LONGEST else line[:LONGEST] + " ..."


def _to_webhook(text: str) -> None:
    import requests
    from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema

    # Slack reads <!channel> as a call to everybody; what publishers write is no such call.
    quiet = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    try:
        answer = requests.post(os.environ[WEBHOOK], json={"text": quiet}, timeout=PATIENCE, allow_redirects=False)
    except (MissingSchema, InvalidSchema, InvalidURL):
        raise NotTold("it is no address such as https://chat.example.org/hooks/x") from None
    if not answer.ok or answer.is_redirect:
        raise NotTold(f"it answered {answer.status_code}")


def _by_mail(text: str) -> None:
    if not (os.environ.get(MAIL_FROM) and os.environ.get(MAIL_TO)):
        raise NotTold(f"{MAIL_FROM} or {MAIL_TO} is not set")
    server = urlsplit(os.environ[SMTP])
    if server.scheme not in ("smtp", "smtps") or not server.hostname:
        raise NotTold("it must be smtp://user:password@host:port or smtps://...")
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = SUBJECT, os.environ[MAIL_FROM], os.environ[MAIL_TO]
    # Some servers take a letter without these for unwanted; the part behind the @ must not say what this machine is.
    domain = parseaddr(os.environ[MAIL_FROM])[1].rpartition("@")[2]
    letter["Date"], letter["Message-ID"] = (
        format_datetime(datetime.now(UTC)),
        make_msgid(domain=domain or "custody.invalid"),
    )
    letter.set_content(text)
    context = ssl.create_default_context()
    safe = server.scheme == "smtps"
    with (
        smtplib.SMTP_SSL(server.hostname, server.port or 465, timeout=PATIENCE, context=context)
        if safe
        else smtplib.SMTP(server.hostname, server.port or 587, timeout=PATIENCE)
    ) as connection:
        connection.ehlo()
        if not safe and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
            safe = True
        if server.username:
            if not safe and server.hostname not in ("localhost", "127.0.0.1", "::1"):
                raise NotTold("the server offers no encryption, and the password would go in the clear")
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(letter)
