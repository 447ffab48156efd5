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
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

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
        "version": tex(citation.release),
        **_dated(citation.released_on),
        **({"url": address} if (address := _url(citation.url or "")) else {}),
        "note": tex_long(_source(citation) + _unregistered(citation) + _notes(citation)),
    }
    sources = [
        _entry(f"{key}-source-{number}", _bibtex_source(of_one, len(citation.primary) > 1))
        for number, of_one in enumerate(_files(citation), 1)
    ]
    return "\n\n".join([_entry(key, fields), *sources])


def _entry(key: str, fields: Mapping[str, str]) -> str:
    """One entry; a month is one of BibTeX's own words, which stand without braces."""
    said = {name: text if name == "month" else f"{{{text}}}" for name, text in fields.items()}
    return "@misc{" + key + ",\n" + "".join(f"  {name} = {text},\n" for name, text in said.items()) + "}"


def _bibtex_source(of_one: Sequence[Primary], several: bool) -> Mapping[str, str]:
    """The publisher's table as an entry of its own."""
    first, address = of_one[0], _address(of_one[0])
    return {
        **({} if _read_elsewhere(first) else {"author": f"{{{tex(first.publisher)}}}"}),
        "title": f"{{{tex(first.title)}}}",
        **({"howpublished": tex_long(where)} if (where := _in_file(of_one, several)) else {}),
        **({"version": tex(first.vintage)} if first.vintage else {}),
        **(_dated(first.vintage) if first.vintage else {}),
        **({"url": address} if address else {}),
        **({"urldate": day} if (day := _asked_on(first)) else {}),
        "note": tex(f"Cite as: {first.citation.rstrip('.')}. Licence {first.licence} ({first.licence_title})"),
    }


def _read_elsewhere(one: Primary) -> bool:
    """Whether the figure was read in a publication, whose authors its title names; the source only gathers such."""
    return one.title == one.citation


def _dated(text: str) -> Mapping[str, str]:
    """Year and month of a day or of a version that begins as one; nothing where it does not."""
    found = re.match(r"((?:19|20)\d\d)(?:-(0[1-9]|1[0-2]))?(?!\d)", text)
    if not found:
        return {}
    return {"year": found[1], **({"month": MONTHS[int(found[2]) - 1][:3].lower()} if found[2] else {})}


def _asked_on(one: Primary) -> str | None:
    """The day on which the file came from its address; None where it came by hand, and the address is only stated."""
    found = re.match(r"\d{4}-\d\d-\d\d", one.retrieved_at or "")
    return found[0] if found and one.obtained == "fetch" else None


def _address(one: Primary) -> str | None:
    """Where a primary source is, if that is an address; what could end a field or begin a command is encoded."""
    return _url(one.url or one.homepage or "")


def _url(text: str) -> str | None:
    return quote(text, safe="/:?&=#%~+,;@!$'()*[]-._") if re.match(r"https?://", text) else None


def tex_long(text: str) -> str:
    """As `tex`, of text that is already plain and may be long."""
    return "".join(TEX.get(letter, letter) for letter in text)


def csl(citation: Citation) -> str:
    """CSL-JSON: a list of items of the kind `dataset`, the figure first, then each publisher's table behind it."""
    sources = [
        _csl_source(f"{_csl_id(citation)}-source-{number}", of_one, len(citation.primary) > 1)
        for number, of_one in enumerate(_files(citation), 1)
    ]
    return json.dumps([csl_item(citation), *sources], ensure_ascii=False, indent=1)


def _csl_id(citation: Citation) -> str:
    return f"custody-{plain(citation.release)}-{citation.id}"


def _csl_source(id_: str, of_one: Sequence[Primary], several: bool) -> Mapping[str, Any]:
    """The publisher's table as an item of its own."""
    first, address = of_one[0], _address(of_one[0])
    issued = re.match(r"((?:19|20)\d\d)(?:-(\d\d))?(?:-(\d\d))?(?!\d)", first.vintage or "")
    return {
        "id": id_,
        "type": "dataset",
        "title": plain(first.title),
        **({} if _read_elsewhere(first) else {"author": [{"literal": plain(first.publisher)}]}),
        **({"version": plain(first.vintage)} if first.vintage else {}),
        **({"issued": {"date-parts": [[int(part) for part in issued.groups() if part]]}} if issued else {}),
        **({"accessed": _date_parts(day)} if (day := _asked_on(first)) else {}),
        **({"URL": address} if address else {}),
        **({"archive_location": where} if (where := _in_file(of_one, several)) else {}),
        "note": plain(f"Cite as: {first.citation.rstrip('.')}. Licence {first.licence} ({first.licence_title})."),
    }


def _date_parts(day: str) -> Mapping[str, Any]:
    return {"date-parts": [[int(part) for part in day.split("-")]]}


def csl_item(citation: Citation) -> Mapping[str, Any]:
    """The item of CSL-JSON."""
    return {
        "id": _csl_id(citation),
        "type": "dataset",
        "title": title(citation),
        "author": [{"literal": AUTHOR}],
        "container-title": TITLE,
        "version": plain(citation.release),
        "number": citation.id,
        "issued": _date_parts(citation.released_on),
        **({"URL": address} if (address := _url(citation.url or "")) else {}),
        "archive_location": citation.access,
        "references": _source(citation),
        "note": (_unregistered(citation) + _notes(citation)).strip(),
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
    files = _files(citation)
    said = "; ".join(_file(of_one, len(citation.primary) > 1) for of_one in files)
    return f"Primary source{'s' if len(files) > 1 else ''}: {said}."


def _files(citation: Citation) -> list[list[Primary]]:
    """The primary sources by file."""
    files: dict[tuple[str, ...], list[Primary]] = {}
    for one in citation.primary:
        files.setdefault((one.citation, one.file_name or "", one.vintage or "", one.licence), []).append(one)
    return list(files.values())


def _in_file(of_one: Sequence[Primary], several: bool) -> str:
    """The file and the cells in it; nothing where no single file is meant."""
    first = of_one[0]
    if not first.file_name:
        return ""
    named = f"file {plain(first.file_name)} of version {plain(first.vintage or '')}"
    return ", ".join([named, *(_cell(one, several) for one in of_one)])


def _file(of_one: Sequence[Primary], several: bool) -> str:
    first = of_one[0]
    words = [plain(first.citation).rstrip("."), *filter(None, [_in_file(of_one, several)])]
    asked = first.obtained == "fetch"
    if address := first.url or first.homepage:
        words.append(plain(address) if asked or not first.file_name else f"offered at {plain(address)}")
    if first.retrieved_at:
        words.append(f"{'retrieved' if asked else 'taken in on'} {_day(first.retrieved_at[:10])}")
    words.append(f"licence {plain(first.licence)} ({plain(first.licence_title)})")
    return ", ".join(words)


def _cell(one: Primary, several: bool) -> str:
    """Where a figure stands in its file; which figure it is, where there are several."""
    value = amount(one.value, one.unit or "persons")
    said = f" ({plain(one.place or one.place_id or '')}: {value})" if several else ""
    return f"at {plain(one.locator or '')}{said}"


def _unregistered(citation: Citation) -> str:
    """That there is no address to put in, for whom a reference manager will ask."""
    return "" if citation.url else " No DOI and no address is registered for the release."


def _notes(citation: Citation) -> str:
    return "".join(f" {plain(warning)}" for warning in citation.warnings)


def _day(text: str) -> str:
    """A day in words from its ISO form; what is none stands as it is."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    return f"{int(found[3])} {MONTHS[int(found[2]) - 1]} {found[1]}" if found else plain(text)
