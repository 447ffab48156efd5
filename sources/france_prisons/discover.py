"""Where the monthly workbook is: its link on the ministry's listing page of a year.

The folder in the link is the month of upload, not of the figures, and names are not always made the same way, so that
a link is found by its title under the heading of its month, never made.
"""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

from sources.asked import Link
from sources.errors import refusal
from sources.france_prisons.parse import MONTHS

TITLE = "Statistiques mensuelles de la population détenue et écrouée (format xlsx)"
FILES = "https://www.justice.gouv.fr/sites/default/files/"
FILE = "statistique_etablissements"
#: The page of 2026. A year's page has a number of its own: the one of the next year is to be put here.
PAGE = "https://www.justice.gouv.fr/documentation/etudes-et-statistiques/statistiques-mensuelles-population-detenue-ecrouee-11"


def discover(get: Callable[[str], bytes]) -> list[Link]:
    """The latest workbook on the page of the year."""
    return [Link(FILE, workbook(PAGE, get(PAGE).decode("utf-8", errors="strict")))]


def workbook(name: str, page: str) -> str:
    """The address of the latest workbook on the page, whose file or address is `name`.

    Raises:
        Refused: when the page has no such link, or its months do not stand latest first with one workbook each, so
            that which is the latest would be a guess.
    """
    return workbooks(name, page)[0][1]


def workbooks(name: str, page: str) -> list[tuple[int, str]]:
    """Month (1 to 12) and address of every workbook on a year's page, the latest first."""
    listing = _Listing()
    listing.feed(page)
    listing.close()
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
    """Links with the workbook's title, each with the heading above it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self._heading = ""
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "h2":
            self._heading, self._in_heading = "", True
        elif tag == "a" and (given.get("title") or "").strip() == TITLE:
            self.links.append((self._heading, given.get("href") or ""))

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self._heading += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "h2":
            self._in_heading = False
