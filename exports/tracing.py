"""The way of a figure back to its publisher: what was chosen and why, what was not, the file, the cell and its content.

Everything is told from the release's directory alone. Where the archive has the publisher's bytes as well, the cell is
read again by `exports.cells` and held against the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from exports import evidence
from exports.asking import Asked, Row
from exports.finding import BREAKDOWNS, Found, Wanted, by_id, by_meaning

#: Gives the bytes of a digest, or None where they are not at hand.
Bytes = Callable[[str], bytes | None]

#: Of how many cells the contents are shown; of more, their sum.
SHOWN = 200


def nothing_archived(digest: str) -> bytes | None:
    """The archive of who has none."""
    return None


def trace(asked: Asked, wanted: Wanted | str, archived: Bytes = nothing_archived) -> Mapping[str, Any]:
    """The way back of a figure, estimate, total or observation, by its identity or by what it means.

    Raises:
        Misused: when the release has no such row; the message says what there is.
        Refused: when a file of the release was altered.
    """
    found = by_id(asked, wanted) if isinstance(wanted, str) else by_meaning(asked, wanted)
    tell = {"figure": _figures, "observation": _observation, "estimate": _estimate, "world_total": _total}[found.table]
    return {
        "release": asked.version,
        "warning": asked.caution,
        "table": found.table,
        "id": found.id,
        "row": found.row,
        **tell(asked, found, Reader(archived)),
    }


class Reader:
    """Reads cells again, each file opened once."""

    def __init__(self, archived: Bytes) -> None:
        self._archived = archived
        self._opened = cache(self._open)

    def _open(self, digest: str, media_type: str, file_name: str) -> Any:
        from exports.cells import Opened

        data = self._archived(digest)
        return None if data is None else Opened(data, media_type, file_name)

    def published(self, row: Row) -> Mapping[str, Any]:
        """What stands in the publisher's cell, and whether it is the value.

        `holds` is `same`, `differs`, `text` where only the publisher's notes say what it means, `missing` where there
        is no value, or `not_archived`.
        """
        from exports.cells import Unreadable

        opened = self._opened(row["snapshot"], row["media_type"], row["file_name"])
        if opened is None:
            return {"cells": None, "holds": "not_archived"}
        try:
            read = opened.read(row["locator"])
        except Unreadable as error:
            return {"cells": None, "holds": "differs", "why": str(error)}
        shown = list(read.cells) if len(read.cells) <= SHOWN else None  # a sum over a thousand cells tells nobody
        return {
            "cells": shown,
            "sum": read.number if read.summed else None,
            "holds": _compared(read.number, row["value"]),
        }


def _compared(number: float | None, value: float | None) -> str:
    if value is None:
        return "missing" if number is None else "differs"
    if number is None:
        return "text"
    return "same" if number == value else "differs"


def step(row: Row, reader: Reader) -> Mapping[str, Any]:
    """One observation with its way back to the publisher's cell."""
    correction = row.get("correction")
    return {
        **{name: row[name] for name in ("observation_id", "place_id", "measure", *BREAKDOWNS)},
        **{name: row[name] for name in ("value", "unit", "status", "circa", "definition", "grade")},
        **{name: row[name] for name in ("period_start", "period_end", "period_kind", "reported_by", "note", "licence")},
        "source": {
            "source_id": row["source_id"],
            "title": row["source_title"],
            "publisher": row["publisher"],
            "tier": row["tier"],
            "homepage": row["homepage"],
            "citation": row["citation"],
            "evidence": row["evidence"],
        },
        "snapshot": {
            "sha256": row["snapshot"],
            "file": row["file"],
            "file_name": row["file_name"],
            "vintage": row["vintage"],
            "url": row["url"],
            "retrieved_at": row["retrieved_at"],
            "obtained": row["obtained"],
            "accepted_despite": row["accepted_despite"],
        },
        "locator": row["locator"],
        "correction": None
        if correction is None
        else {
            name: correction[name]
            for name in ("correction_id", "match", "expect", "change", "reason", "evidence", "decided_on")
        },
        "published": reader.published(row),
    }


def _figures(asked: Asked, found: Found, reader: Reader) -> Mapping[str, Any]:
    return {"figures": [_figure(asked, found.row, reader)]}


def _figure(asked: Asked, figure: Row, reader: Reader) -> Mapping[str, Any]:
    """A figure's rule, what it is made of, and every rival."""
    chosen = evidence.chosen_ids(figure)
    rivals = evidence.rivals(figure)
    known = evidence.observations(asked, [*chosen, *(rival["observation_id"] for rival in rivals)])
    disagreements = asked.rows(
        "SELECT * FROM {disagreement} WHERE figure_id = $id ORDER BY rival_observation_id", id=figure["figure_id"]
    )
    revisions = asked.rows(
        "SELECT * FROM {revision} WHERE observation_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY vintage", ids=chosen
    )
    return {
        "figure": figure,
        "rule": {"code": figure["rule"], "meaning": asked.meaning("rule", figure["rule"])},
        "chosen": [step(known[one], reader) for one in chosen],
        "rivals": [step(known[rival["observation_id"]], reader) for rival in rivals],
        "disagreements": disagreements,
        "revisions": revisions,
    }


def _observation(asked: Asked, found: Found, reader: Reader) -> Mapping[str, Any]:
    """An observation, and the figures for which it was chosen or is a part."""
    known = evidence.observations(asked, [found.id])
    figures = asked.rows(
        "SELECT figure_id, place_id, measure, year, value, rule FROM {figure} "
        "WHERE observation_id = $id OR contains(parts, $id) OR contains(rivals, $id) ORDER BY figure_id",
        id=found.id,
    )
    return {"chosen": [step(known[found.id], reader)], "stands_in": figures}


def _estimate(asked: Asked, found: Found, reader: Reader) -> Mapping[str, Any]:
    """The figures behind an estimate, with the rule that makes it of them."""
    basis = found.row["basis"]
    gaps = evidence.gaps(asked, found)
    return {
        "rule": {"code": basis, "meaning": asked.meaning("estimate_basis", basis)},
        "parts": evidence.parts(asked, found.row) if basis == "parts" else [],
        "gaps": [{**gap, "published": reader.published(gap)} for gap in gaps],
        "figures": [_figure(asked, figure, reader) for figure in evidence.behind(asked, found)],
    }


def _total(asked: Asked, found: Found, reader: Reader) -> Mapping[str, Any]:
    """The walk to a total, and every place with what it gives and the figure behind it."""
    walk: Sequence[Row] = ()
    if found.row["level"] == "world":
        walk = asked.rows("SELECT * FROM {world_walk} WHERE as_of = $day ORDER BY step", day=found.row["as_of"])
    gaps = evidence.gaps(asked, found)
    return {
        "walk": walk,
        "places": evidence.places(asked, found.row),
        "gaps": [{**gap, "published": reader.published(gap)} for gap in gaps],
    }
