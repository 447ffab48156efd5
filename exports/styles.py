"""Citations in the styles that authors use: APA, Chicago, BibTeX and CSL-JSON.

APA is the seventh edition's entry for a data set; Chicago is the seventeenth edition's author-date entry of a reference
list, because a figure is cited in running text more often than in a note. Both as plain text, without italics. Each
style names the release, the figure's id, where it stands, the value, the primary source with its licence, and whatever
warns. A publisher's words are data here: what a terminal, a reference manager or TeX would obey is taken out or
escaped.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from exports.citing import AUTHOR, MONTHS, TITLE, Citation, Primary, amount

#: Marks that turn the direction of the text after them, and the two separators that end a line.
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ENDING = re.compile("[\u2028\u2029]")

#: What TeX obeys, and what prints it; BibTeX counts braces even where they are escaped, so that none may stay.
TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    **{mark: f"\\{mark}" for mark in "&%$#_"},
}

#: Of a publication that is quoted, no more than this is repeated.
LONGEST = 400


def plain(text: str) -> str:
    """A publisher's text as one line without marks that command, whatever script it is in."""
    text = TURNING.sub("", ENDING.sub(" ", text))
    text = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") else letter for letter in text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def tex(text: str) -> str:
    """A text for TeX, in which every mark that it obeys is printed."""
    return "".join(TEX.get(letter, letter) for letter in plain(text))


def apa(citation: Citation) -> str:
    """APA, seventh edition."""
    return (
        f"{AUTHOR}. ({citation.released_on[:4]}). {TITLE} (Version {plain(citation.release)}) [Data set]. "
        f"{title(citation)}. {citation.access}. {_source(citation)}{_notes(citation)}"
    )


def chicago(citation: Citation) -> str:
    """Chicago, seventeenth edition, author-date."""
    return (
        f"{AUTHOR}. {citation.released_on[:4]}. “{title(citation)}.” In {TITLE}, release {plain(citation.release)}, "
        f"{_day(citation.released_on)}. {citation.access}. {_source(citation)}{_notes(citation)}"
    )


def bibtex(citation: Citation) -> str:
    """BibTeX, for any of its styles: an entry of the kind `misc`."""
    key = re.sub(r"[^A-Za-z0-9.-]+", "-", f"custody-{citation.release}-{citation.id}")
    fields = {
        "author": f"{{{tex(AUTHOR)}}}",
        "title": f"{{{tex(title(citation))}}}",
        "howpublished": tex(f"{TITLE}, release {citation.release}, {citation.access}"),
        "year": citation.released_on[:4],
        "month": str(int(citation.released_on[5:7])),
        "note": tex_long(_source(citation) + _notes(citation)),
    }
    return "@misc{" + key + ",\n" + "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items()) + "}"


def tex_long(text: str) -> str:
    """As `tex`, of text that is already plain and may be long."""
    return "".join(TEX.get(letter, letter) for letter in text)


def csl(citation: Citation) -> str:
    """CSL-JSON: a list of one item of the kind `dataset`."""
    return json.dumps([csl_item(citation)], ensure_ascii=False, indent=1)


def csl_item(citation: Citation) -> Mapping[str, Any]:
    """The item of CSL-JSON."""
    return {
        "id": f"custody-{plain(citation.release)}-{citation.id}",
        "type": "dataset",
        "title": title(citation),
        "author": [{"literal": AUTHOR}],
        "container-title": TITLE,
        "version": plain(citation.release),
        "number": citation.id,
        "issued": {"date-parts": [[int(part) for part in citation.released_on.split("-")]]},
        "archive_location": citation.access,
        "references": _source(citation),
        "note": _notes(citation).strip(),
    }


#: The styles by the name under which they are asked for.
STYLES: Mapping[str, Callable[[Citation], str]] = {"apa": apa, "chicago": chicago, "bibtex": bibtex, "csl": csl}


def title(citation: Citation) -> str:
    """What the figure is, in one line: place, subject, time, value."""
    return plain(f"{citation.place}, {citation.subject}, {citation.reference}: {citation.stated}")


def _source(citation: Citation) -> str:
    """The primary sources, those of one file together."""
    if not citation.primary:
        return "No publisher's figure is behind it."
    files: dict[tuple[str, ...], list[Primary]] = {}
    for one in citation.primary:
        files.setdefault((one.citation, one.file_name or "", one.vintage or "", one.licence), []).append(one)
    said = "; ".join(_file(of_one, len(citation.primary) > 1) for of_one in files.values())
    return f"Primary source{'s' if len(files) > 1 else ''}: {said}."


def _file(of_one: list[Primary], several: bool) -> str:
    first = of_one[0]
    words = [plain(first.citation).rstrip(".")]
    if first.file_name:
        words.append(f"file {plain(first.file_name)} of version {plain(first.vintage or '')}")
        words += [_cell(one, several) for one in of_one]
    if address := first.url or first.homepage:
        words.append(plain(address))
    if first.retrieved_at:
        words.append(f"retrieved {_day(first.retrieved_at[:10])}")
    words.append(f"licence {plain(first.licence)} ({plain(first.licence_title)})")
    return ", ".join(words)


def _cell(one: Primary, several: bool) -> str:
    """Where a figure stands in its file; which figure it is, where there are several."""
    value = "unknown" if one.value is None else amount(one.value, one.unit or "persons")
    said = f" ({one.place_id}: {value})" if several else ""
    return f"at {plain(one.locator or '')}{said}"


def _notes(citation: Citation) -> str:
    return "".join(f" {plain(warning)}" for warning in citation.warnings)


def _day(text: str) -> str:
    """A day in words from its ISO form; what is none stands as it is."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    return f"{int(found[3])} {MONTHS[int(found[2]) - 1]} {found[1]}" if found else plain(text)
