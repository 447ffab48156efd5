"""Where the weekly files are: the collection names its publications, a publication its files.

Both are documents of the gov.uk Content API.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from sources import asked
from sources.errors import refusal
from sources.reading import read_json

NAME = "gov.uk Content API"
#: From these hosts alone may an address lead on.
DOCUMENTS = "https://www.gov.uk/api/content/"
FILES = "https://assets.publishing.service.gov.uk/"

#: Weekly and monthly files stood together in one publication until 2023, and in one of their own each since.
WEEKLY = re.compile(r"Prison population(: weekly estate figures \d{4}| figures: \d{4})", re.ASCII)
OTHER = re.compile(
    r"Prison population: monthly prison figures \d{4}|Population in custody: [A-Za-z0-9 ]+ to [A-Za-z0-9 ]+", re.ASCII
)


COLLECTION = f"{DOCUMENTS}government/collections/prison-population-statistics"


class Link(NamedTuple):
    """An address with the publisher's title for it."""

    title: str
    url: str


def discover(get: Callable[[str], bytes]) -> list[asked.Link]:
    """Every weekly file of the two publications that are listed first: of the running year, and of the one before.

    A year's last files come when the next one's publication stands already.
    """
    listed = publications(get(COLLECTION))
    if not listed:
        raise refusal(NAME, "the collection lists no weekly publication; look at its page.")
    found = [link for publication in listed[:2] for link in attachments(get(publication.url))]
    if not found:
        raise refusal(NAME, f"{listed[0].title!r} and the one before have no weekly ODS file; look at their pages.")
    return [asked.Link("weekly_estate_figures", link.url) for link in found]


def publications(api_json: bytes) -> list[Link]:
    """The Content API addresses of the publications of a collection that may hold weekly files, as they are listed.

    Raises:
        Refused: when this is no collection, or a title is neither that of a weekly publication nor of a known other.
    """
    found = []
    for document in _list(api_json, "links", "documents"):
        link = _link(document, "api_url", DOCUMENTS)
        if WEEKLY.fullmatch(link.title):
            found.append(link)
        elif not OTHER.fullmatch(link.title):
            raise refusal(NAME, f"the collection has a publication {link.title!r}; say what it holds in discover.py.")
    return found


def attachments(api_json: bytes) -> list[Link]:
    """The weekly ODS files of one publication, as they are listed; older ones offer XLS alone and have none.

    Raises:
        Refused: when this is no publication with attachments, or an ODS file's title says neither weekly nor monthly.
    """
    found = []
    for attachment in _list(api_json, "details", "attachments"):
        if not str(attachment.get("url")).endswith(".ods"):
            continue
        link = _link(attachment, "url", FILES)
        words = re.findall(r"[a-z]+", link.title.casefold())
        if ("weekly" in words) == ("monthly" in words):
            raise refusal(NAME, f"the title {link.title!r} does not say whether the file is weekly or monthly.")
        if "weekly" in words:
            found.append(link)
    return found


def _list(api_json: bytes, outer: str, inner: str) -> list[dict[str, Any]]:
    """The objects of one list in a document."""
    document = read_json(NAME, api_json)
    part = document.get(outer) if isinstance(document, dict) else None
    listed = part.get(inner) if isinstance(part, dict) else None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise refusal(NAME, f"the document has no list {outer}/{inner}; its layout has changed or it is another one.")
    return listed


def _link(entry: dict[str, Any], key: str, host: str) -> Link:
    """Title and address of an entry, the address below `host`."""
    title, url = entry.get("title"), entry.get(key)
    if not isinstance(title, str) or not isinstance(url, str) or not url.startswith(host):
        raise refusal(NAME, f"the entry {title!r} has the address {url!r}, not one that begins with {host}.")
    return Link(title, url)
