"""From publishers' servers into the archive: what is due is asked for, and kept with all that was said of it.

Where an address moves, the source's `discover.py` finds it in documents that are archived too. What failed is written
down beside the archive, and nothing that is there is touched. Nothing is parsed here.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from sources.archive import Archive
from sources.asked import ADDRESSES, DOCUMENT, Asked, Asking, Link
from sources.catalogue import Source
from sources.errors import Refused
from sources.home import Home, now
from sources.http import Answer, Client, NotFetched

#: Days after which a publisher of that cadence is asked again. Publishers correct between editions, and a question
#: whose answer is "not changed" costs them little.
DUE = {"weekly": 1, "monthly": 3, "quarterly": 7, "yearly": 28, "irregular": 28}

#: A question asked by a timetable comes some minutes earlier or later than the one before it, and is due all the same.
EARLY = timedelta(hours=6)

#: How a publisher can reach who runs this: an address of mail or of a page.
CONTACT = "CUSTODY_CONTACT"

Get = Callable[[str], bytes]
Progress = Callable[[str], None]


#: The file of a source's folder that finds its addresses where they move.
FINDER = "discover.py"


def client() -> Client:
    """Who asks, as the environment says."""
    return Client(os.environ.get(CONTACT) or "who runs it has given no address")


def is_due(source: Source, last: Asked | None, at: str) -> bool:
    """Whether a file is to be asked for: never asked, failed, long ago, or at a time that has not come yet."""
    if last is None or last.outcome == "failed":
        return True
    age = datetime.fromisoformat(at) - datetime.fromisoformat(last.asked_at)
    return not timedelta(0) <= age < timedelta(days=DUE[source.cadence]) - EARLY


def has_address(source: Source) -> bool:
    """Whether there is an address at which to ask for any of a source's files."""
    return any(file.url for file in source.files.values()) or (source.folder / FINDER).is_file()


def fetch(
    home: Home, sources: Iterable[Source], client: Client, *, due_only: bool, progress: Progress = lambda _: None
) -> list[Asked]:
    """Ask for the files of sources and archive what is new; those of different hosts at the same time.

    Raises:
        OSError: of this machine's own disk, after all that could be asked for was.
    """
    chosen = list(sources)
    pool = ThreadPoolExecutor(max(1, len(chosen)))  # most wait: the client asks few hosts at once, each in turn
    try:
        answers = pool.map(lambda source: _fetched(home, source, client, due_only, progress), chosen)
        told = [asked for of_source in answers for asked in of_source]
        pool.shutdown()
        return told
    except Exception:
        pool.shutdown()
        raise
    except BaseException:  # somebody stops this: what is under way is left, and nothing more is asked
        client.stop()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


@contextmanager
def _guarded(where: str) -> Iterator[None]:
    """What breaks over something that a publisher says is a failure at that address; our own disk is everybody's."""
    try:
        yield
    except (Refused, OSError):
        raise
    except Exception as error:
        why = f"what is there could not be taken in ({type(error).__name__}: {error})"
        raise Refused(f"{where}: {why}; tell who keeps Custody. The last good file stays.") from error


def _fetched(home: Home, source: Source, client: Client, due_only: bool, progress: Progress) -> list[Asked]:
    """What became of a source's files; whatever breaks is this source's failure alone."""
    answers: list[Asked] = []
    try:
        with _guarded(source.id):
            for asked in _fetch(home, source, client, due_only, progress):
                answers.append(asked)
    except Refused as error:
        progress(f"{source.id}: {error}")
        answers.append(Asking(home).note(Asked(source.id, *ADDRESSES, "failed", str(error), now())))
    return answers


def _fetch(home: Home, source: Source, client: Client, due_only: bool, progress: Progress) -> Iterator[Asked]:
    asking, archive, at = Asking(home), Archive(home.archive), now()
    finder = _finder(source)
    links = [Link(name, file.url) for name, file in source.files.items() if file.url]
    asks = [*links, *([ADDRESSES] if finder else [])]
    if not asks:
        yield Asked(source.id, "", "", "by_hand", "no address is known; obtain its files by hand", at)
        return
    due = asking.failed(source) or any(is_due(source, asking.last(source, link), at) for link in asks)
    if due_only and not due:
        yield from (Asked(source.id, *link, "not_due", "", at) for link in asks)
        return
    found = True
    if finder:
        documents: list[Link] = []

        def get(url: str) -> bytes:
            documents.append(Link(DOCUMENT, _named(source, url)))
            return _document(asking, archive, source, client, url)

        try:
            with _guarded(f"{source.id}/{FINDER}"):
                links += [Link(link.file, _named(source, link.url)) for link in finder(get)]
            if lost := sorted(asking.had(source) - {link.file for link in links}):
                raise Refused(f"no address of {lost[0]} is found any more; look at the publisher's page.")
            asking.note(Asked(source.id, *ADDRESSES, "unchanged", "", at))
        except Refused as error:
            found, met = False, documents[-1].url if documents else ""
            message = str(error) if met in str(error) else f"{met}: {error}"
            progress(f"{source.id}: {message}")
            yield asking.note(Asked(source.id, *ADDRESSES, "failed", message, at))
        asks = [ADDRESSES, *documents, *links]

    @cache  # what comes in this very run is younger than `at`
    def newest(file: str) -> str:
        fetched = (s.retrieved_at for s in archive.snapshots(source.id, file) if s.obtained == "fetch")
        return max(fetched, default="")

    for link in links:
        asked = asking.note(_one(archive, source, client, link, asking.last(source, link), at, newest))
        if asked.outcome != "unchanged":
            progress(f"{source.id}/{link.file}: {asked.message or asked.outcome}")
        yield asked
    if found:
        asking.forget_all_but(source, asks)


def _one(
    archive: Archive,
    source: Source,
    client: Client,
    link: Link,
    last: Asked | None,
    at: str,
    newest: Callable[[str], str],
) -> Asked:
    """Ask for one file; where that fails, what is known of the last good answer stays.

    `at` is when this run began to ask the source, `newest` when the newest of a file was retrieved before.
    """
    made = Asked(source.id, *link, "unchanged", "", at)
    # Unless what is here is whole: the file must come again where the archive has lost it.
    whole = last and last.sha256 and archive.kept(last.sha256) and archive.knows(source.id, link.file, last.sha256)
    known = last.validators if last and whole else None
    try:
        with _guarded(link.url):
            if at < (before := newest(link.file)):  # what came now would never be the newest
                raise Refused(
                    f"{link.url}: it is {at} by the clock of this machine, and a file of {source.id} was retrieved "
                    f"at {before}, by the same clock; set it right. Nothing was asked, and the next run asks again."
                )
            answer = client.get(link.url, source.hosts, known)
            if last and last.sha256 and answer.body is None:  # which was asked for only where all is whole
                archive.seen(source.id, link.file, last.sha256, "fetch", answer.told())
                return replace(last, outcome="unchanged", message="", asked_at=at)
            body = answer.body or b""
            snapshot, new = archive.put(
                source, link.file, _name(link, answer), body,
                obtained="fetch", url=link.url, retrieved_at=answer.requested_at, answer=answer.told(),
            )  # fmt: skip
    except Refused as error:
        return replace(last or made, outcome="failed", message=str(error), asked_at=at)
    said = answer.validators
    return replace(
        made,
        outcome="new" if new else "unchanged",
        message=f"{len(body):,} bytes",
        sha256=snapshot.sha256,
        etag=said.etag,
        last_modified=said.last_modified,
    )


def _named(source: Source, url: str) -> str:
    """An address that was found, refused where source.yml does not name its host: a list may be anybody's to edit."""
    declared = {urlsplit(file.url).hostname for file in source.files.values() if file.url}
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if host not in {*source.hosts, *declared}:
        raise Refused(f"{url} is found at a host that source.yml does not name; add it to `hosts` if it is right.")
    return url


def _document(asking: Asking, archive: Archive, source: Source, client: Client, url: str) -> bytes:
    """A document in which an address is looked for, kept in the archive; one that has not changed is taken from it."""
    last = asking.last(source, Link(DOCUMENT, url))
    kept = archive.kept(last.sha256) if last and last.sha256 else None
    answer = client.get(url, source.hosts, last.validators if last and kept else None)
    body = kept if answer.body is None else answer.body
    if not body:
        raise NotFetched(f"{url}: the answer is empty; look at the publisher's page.")
    digest = archive.put_document(source.id, body, answer.told())
    said = last.validators if last and answer.body is None else answer.validators
    asking.note(
        Asked(source.id, DOCUMENT, url, "unchanged", "", answer.requested_at, digest, said.etag, said.last_modified)
    )
    return body


def _finder(source: Source) -> Callable[[Get], Iterable[Link]] | None:
    """The `discover` of the source's own file, where it has one."""
    if not (source.folder / FINDER).is_file():
        return None
    finder: Callable[[Get], Iterable[Link]] = importlib.import_module(f"sources.{source.id}.discover").discover
    return finder


def _name(link: Link, answer: Answer) -> str:
    """A name for the file: the last part of the address that was reached at last."""
    name = PurePosixPath(unquote(urlsplit(answer.final_url).path)).name
    return name or link.file
