"""Where the monthly workbook is: its link on the ministry's listing page of a year.

The folder in the link is the month of upload, not of the figures, and names are not always made the same way, so that
a link is found by its title under the heading of its month, never made. A year's page has an address of its own, and
the page of an earlier year shows a card of the next: a new year is found from the page that is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urljoin

from sources.asked import Link
from sources.errors import refusal
from sources.france_prisons.parse import MONTHS
from sources.reading import decode

TITLE = "Statistiques mensuelles de la population détenue et écrouée (format xlsx)"
FILES = "https://www.justice.gouv.fr/sites/default/files/"
FILE = "statistique_etablissements"
PAGES = "https://www.justice.gouv.fr/documentation/etudes-et-statistiques/"
#: The page of 2026, from which those of later years are found.
PAGE = f"{PAGES}statistiques-mensuelles-population-detenue-ecrouee-11"
#: The title of every year's page, and where it says its year.
SERIES = "Statistiques mensuelles de la population détenue et écrouée"
YEAR = re.compile(r"pour l['\u2019]année (\d{4})", re.ASCII)
#: So many years after the page that is known, another is put there.
MOST_PAGES = 10


def discover(get: Callable[[str], bytes]) -> list[Link]:
    """The latest workbook on the page that is known, and on that of each year after."""
    found, url = [], PAGE
    for _ in range(MOST_PAGES):
        page = decode(url, get(url))
        found.append(Link(FILE, workbook(url, page)))
        following = later(url, page)
        if following is None:
            return found
        url = following
    raise refusal(url, f"it is the {MOST_PAGES}th page after {PAGE}; put a later one into discover.py.")


def later(name: str, page: str) -> str | None:
    """The address of the page of the nearest later year, if the page, whose file or address is `name`, shows a card.

    Raises:
        Refused: when the card leads elsewhere.
    """
    listing = _Listing.of(page)
    following = sorted((year, address) for year, address in listing.cards if year > (listing.year or year))
    if not following:
        return None
    address = urljoin(PAGE, following[0][1])
    if not address.startswith(PAGES):
        raise refusal(name, f"the page of {following[0][0]} is at {address!r}, not among the ministry's statistics.")
    return address


def workbook(name: str, page: str) -> str:
    """The address of the latest workbook on the page, whose file or address is `name`.

    Raises:
        Refused: when the page has no such link, or its months do not stand latest first with one workbook each, so
            that which is the latest would be a guess.
    """
    return workbooks(name, page)[0][1]


def workbooks(name: str, page: str) -> list[tuple[int, str]]:
    """Month (1 to 12) and address of every workbook on a year's page, the latest first."""
    listing = _Listing.of(page)
    found: list[tuple[int, str]] = []
    for heading, address in listing.links:
        month = heading.strip().lower()
        if month not in MONTHS:
            raise refusal(name, f"the workbook {address} stands under {heading!r}, which is no month.")
        if not address.startswith(FILES) or not address.endswith(".xlsx"):
            raise refusal(name, f"the workbook's link {address!r} is no .xlsx among the ministry's files.")
        found.append((MONTHS.index(month) + 1, address))
    if not found:
        raise refusal(name, f"no link has the title {TITLE!r}; the page has been changed or is another one.")
    months = [month for month, _ in found]
    if months != sorted(set(months), reverse=True):
        raise refusal(name, f"the months stand as {months}, not latest first with one workbook each.")
    return found


class _Listing(HTMLParser):
    """Links with the workbook's title, each with the heading above it; the page's year, and cards of other years."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.year: int | None = None
        self.cards: list[tuple[int, str]] = []
        self._card: str | None = None
        self._heading = ""
        self._in_heading = False

    @classmethod
    def of(cls, page: str) -> _Listing:
        """What stands on a page."""
        listing = cls()
        listing.feed(page)
        listing.close()
        return listing

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "h2":
            self._heading, self._in_heading = "", True
        elif tag == "a" and (given.get("title") or "").strip() == TITLE:
            self.links.append((self._heading, given.get("href") or ""))
        elif tag == "a" and (given.get("title") or "").strip() == SERIES:
            self._card = given.get("href") or ""

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self._heading += data
        if said := YEAR.search(data):
            if self._card is not None:
                self.cards.append((int(said[1]), self._card))
            elif self.year is None:
                self.year = int(said[1])
            self._card = None

    def handle_endtag(self, tag: str) -> None:
        if tag == "h2":
            self._in_heading = False
