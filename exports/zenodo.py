"""What Zenodo asks of a deposit: a release's metadata in the words of Zenodo's interface for deposits.

`zenodo.json` in a release is the body of the request that describes a new deposit; nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from exports.words import ABOUT, CREATOR, KEYWORDS, TITLE, TO_MIND

#: Zenodo has one licence for a deposit; a release has one for each source. These are its words for several.
OPEN, ATTRIBUTION = "other-open", "other-at"


def deposit(version: str, day: date, sources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The metadata of a release, as Zenodo takes them.

    Args:
        version: the release.
        day: its date.
        sources: the rows of its table `source`.
    """
    known: Sequence[Mapping[str, Any]] = sorted(sources, key=lambda s: str(s["source_id"]))
    homepages = dict.fromkeys(s["homepage"] for s in known if s["homepage"])
    return {
        "metadata": {
            "upload_type": "dataset",
            "title": TITLE,
            "version": version,
            "publication_date": day.isoformat(),
            "creators": [{"name": CREATOR["name"]}],
            "description": _html(),
            "access_right": "open",
            "license": OPEN if all(s["licence_class"] == "open" for s in known) else ATTRIBUTION,
            "language": "eng",
            "keywords": list(KEYWORDS),
            "references": list(dict.fromkeys(s["citation"] for s in known)),
            "related_identifiers": [
                {"identifier": url, "relation": "isDerivedFrom", "scheme": "url", "resource_type": "dataset"}
                for url in homepages
            ],
        }
    }


def _html() -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in TO_MIND)
    return f"<p>{escape(ABOUT)}</p><ul>{items}</ul>"
