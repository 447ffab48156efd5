"""A page of the World Prison Brief as rows of label, value and comment.

- To early 2026: the tables in `#basic_data`; a value's remark stands in an element of class
  `field-name-field-comment`.
- Since: `table.data.d-table`, a row a `th` and a `td`; the remark stands in `div.comment`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree, html  # type: ignore[import-untyped]

from sources.errors import refusal
from sources.reading import decode

#: The end of a whole page; a browser would mend one that is cut off, and so would the reader, in the midst of a number.
ENDS = re.compile(r"</html>\s*(<!--[^<>]*-->\s*)*\Z", re.IGNORECASE)


def _of_class(name: str) -> str:
    """The XPath condition that an element has this class among others."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


OLD = "//*[@id='basic_data']//table"
NEW = f"//table[{_of_class('data')} and {_of_class('d-table')}]"
APART = " | "
REMARK = f"self::div[{_of_class('comment')}] or {_of_class('field-name-field-comment')}"


@dataclass(frozen=True)
class Entry:
    """One row of the page: its label, the text of its value, the remark beside it, and where the value stands.

    Pieces of a value that stand in elements of their own are kept apart by `APART`: two numbers never run into one.
    """

    label: str
    value: str
    comment: str
    locator: str


@dataclass(frozen=True)
class Page:
    """The rows about one country, and how many cells with text each of the page's other tables has."""

    country: str
    entries: list[Entry]
    other_tables: dict[str, int]


def read(name: str, data: bytes) -> Page:
    """The rows of a page in either layout.

    Raises:
        Refused: when the page is cut off, has neither layout or both, or a row is not one label and one value.
    """
    if not ENDS.search(decode(name, data)):
        raise refusal(name, "the page does not end as one; it is cut off or no page, get it again.")
    try:
        tree = html.document_fromstring(data, parser=html.HTMLParser(encoding="utf-8"))
    except etree.LxmlError as error:
        raise refusal(name, f"not a readable page ({error}); get it again.") from error
    old, new = tree.xpath(OLD), tree.xpath(NEW)
    if bool(old) == bool(new):
        what = "both of the known layouts" if old else "neither of the known layouts"
        raise refusal(name, f"the page has {what} (#basic_data, table.data.d-table).")
    entries = [_entry(name, row) for table in old or new for row in table.xpath(".//tr")]
    labels = [entry.label for entry in entries]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise refusal(name, f"the row {twice[0]!r} stands there twice.")
    others = {
        _locator(name, table): count
        for table in tree.xpath("//table")
        if table not in (old or new) and (count := sum(bool(_text(cell)) for cell in table.xpath(".//td")))
    }
    return Page(_country(name, tree, entries), entries, others)


def _country(name: str, tree: Any, entries: list[Entry]) -> str:
    """The name in the row `Country`, or else in the only heading of the first order."""
    if named := [entry.value for entry in entries if entry.label == "Country"]:
        return named[0]
    headings = [_text(heading) for heading in tree.xpath("//h1")]
    if len(headings) != 1:
        raise refusal(name, f"the page names no country: no row 'Country', and {len(headings)} headings.")
    return headings[0]


def _entry(name: str, row: Any) -> Entry:
    heads, cells = row.xpath("./th"), row.xpath("./td")
    if len(heads) != 1 or len(cells) != 1:
        raise refusal(name, f"{_text(row)[:80]!r} is not one label and one value.", _locator(name, row))
    remarks = cells[0].xpath(f".//*[{REMARK}]")
    if len(remarks) > 1:
        raise refusal(name, f"{_text(cells[0])[:80]!r} has more than one remark.", _locator(name, row))
    value = [" ".join(text.split()) for text in cells[0].xpath(f".//text()[not(ancestor::*[{REMARK}])]")]
    return Entry(
        label=_text(heads[0]),
        value=APART.join(filter(None, value)),
        comment=_text(remarks[0]) if remarks else "",
        locator=_locator(name, cells[0]),
    )


def _text(element: Any) -> str:
    """The element's text, a run of blanks as one, and a blank between elements."""
    return " ".join(" ".join(element.xpath(".//text()")).split())


def _locator(name: str, element: Any) -> str:
    return f"{name}:{element.getroottree().getpath(element)}"
