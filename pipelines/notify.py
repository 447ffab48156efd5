"""Telling people what needs them: a webhook and mail, as far as the environment names them.

The addresses hold secrets: no message, log or error repeats any part of them. Whatever goes wrong here is one
warning, and never the end of a run.
"""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from sources.asked import Asking
from sources.catalogue import sources
from sources.errors import Misused
from sources.home import Home, now
from warehouse.standing import find

#: Takes `{"text": ...}` by POST, as Slack's and Mattermost's incoming webhooks do.
WEBHOOK = "CUSTODY_WEBHOOK"

#: smtp://user:password@host:port or smtps://...; and who writes to whom, several separated by commas.
SMTP, MAIL_FROM, MAIL_TO = "CUSTODY_SMTP", "CUSTODY_MAIL_FROM", "CUSTODY_MAIL_TO"

PATIENCE = 10  # seconds for a webhook or a mail server
LONGEST = 600  # characters of one sentence; a refusal that lists much says the rest in `custody status`
SUBJECT = "Custody needs somebody"

Warn = Callable[[str], object]


class NotTold(Exception):
    """What could not be told, in words that hold no secret."""


def tell(home: Home, failure: str | None, fallen_back: Mapping[str, str], since: str, warn: Warn) -> None:
    """Tell of a run that failed, of sources that fell back, and of publishers asked in vain `since` a second.

    Nothing is told where there is nothing of these.
    """
    ways = {WEBHOOK: _to_webhook, SMTP: _by_mail}
    configured = {name: way for name, way in ways.items() if os.environ.get(name)}
    if not configured:
        return
    try:
        text = message(home, failure, fallen_back, since)
    except Exception as error:  # whatever is damaged in the home, the failure itself is told
        text = f"Custody on {socket.gethostname()}: {_sentence(failure or 'a run did not end as it should')}" + (
            f" What else is to be told could not be read ({type(error).__name__}); see `custody status`."
        )
    for name, way in configured.items() if text else ():
        try:
            way(text)
        except NotTold as error:
            warn(f"People could not be told by {name}: {error}.")
        except Exception as error:  # its words may repeat the address
            warn(f"People could not be told by {name}: {type(error).__name__}.")


@contextmanager
def when_it_breaks(home: Home, warn: Warn) -> Iterator[None]:
    """Tell of an error that ends the block; not of a word that the command did not know, nor of Ctrl-C."""
    try:
        yield
    except Misused:
        raise
    except Exception as error:
        tell(home, f"{type(error).__name__}: {error}", {}, now(), warn)
        raise


def message(home: Home, failure: str | None, fallen_back: Mapping[str, str], since: str) -> str:
    """Which source, why, what stands and what to do; empty where nothing is to be told."""
    asking = Asking(home)
    in_vain = {
        source.id: asked.message
        for source in sources().values()
        for asked in asking.failures(source)
        if asked.asked_at >= since
    }
    if not (failure or fallen_back or in_vain):
        return ""
    lines = [f"Custody on {socket.gethostname()}: the run {'failed' if failure else 'ended, but not as it should'}."]
    if failure:
        lines.append(f"Why: {_sentence(failure)}")
    for source, why in fallen_back.items():
        lines.append(f"{source} does not use its newest file, the last good one stays: {_sentence(why)}")
    for source, why in in_vain.items():
        lines.append(f"{source} was asked in vain: {_sentence(why)}")
    built = find(home)
    stands = f"the warehouse as of {built.as_of} in {home.warehouse}" if built else "no warehouse yet"
    lines.append(f"What stands: {stands}; last good figures are kept.")
    lines.append("What to do: `custody status` says what was turned away and why; mend it, then `custody run`.")
    return "\n".join(lines)


def _sentence(why: str) -> str:
    """One line; a refusal quotes figures, and those of some sources may not be passed on."""
    if any(source.licence_class == "internal" for source in sources().values()):
        return "see `custody status`; a source in use may not be quoted."
    line = " ".join(why.split())
    return line if len(line) <= LONGEST else line[:LONGEST] + " ..."


def _to_webhook(text: str) -> None:
    import requests

    # Slack reads <!channel> as a call to everybody; what publishers write is no such call.
    quiet = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    answer = requests.post(os.environ[WEBHOOK], json={"text": quiet}, timeout=PATIENCE, allow_redirects=False)
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
