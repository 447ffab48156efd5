"""The way of a figure back to its publisher: what was chosen and why, what was not, the file, the cell and its content.

Everything is told from the release's directory alone. Where the archive has the publisher's bytes as well, the cell is
read again by `exports.cells` and held against the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import isclose
from typing import Any

from exports import evidence, leads
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
    """The way back of a figure by its identity or by what it means; of any row by its table and key.

    Raises:
        Misused: when the release has no such row; the message says what there is.
        Refused: when a file of the release was altered.
    """
    found = by_id(asked, wanted) if isinstance(wanted, str) else by_meaning(asked, wanted)
    tell = _own if found.table in leads.VALUES else TELLING.get(found.table, _led)
    named = asked.row("SELECT name FROM {place} WHERE place_id = $place", place=found.row.get("place_id"))
    return {
        "release": asked.version,
        "warning": asked.caution,
        "table": found.table,
        "id": found.id,
        "place": named and named["name"],
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

    def published(self, row: Row, values: Sequence[float | None] | None = None) -> Mapping[str, Any]:
        """What stands in the publisher's cell, and whether it is the value; or the values, of a row that has several.

        `cells` are the contents, `texts` the same as the file shows them. `holds` is `same`, `differs`, `text` where
        only the publisher's notes say what it means, `missing` where there is no value, or `not_archived`.
        """
        from exports.cells import Unreadable

        opened = self._opened(row["snapshot"], row["media_type"], row["file_name"])
        if opened is None:
            return {"cells": None, "holds": "not_archived"}
        try:
            read = opened.read(row["locator"])
        except Unreadable as error:
            return {"cells": None, "holds": "differs", "why": str(error)}
        few = len(read.cells) <= SHOWN  # a sum over a thousand cells tells nobody
        return {
            "cells": list(read.cells) if few else None,
            "texts": list(read.texts) if few else None,
            "sum": read.number if read.summed else None,
            "holds": _compared(read.number, row["value"]) if values is None else _one_of(read.cells, values),
        }


def _compared(number: float | None, value: float | None) -> str:
    if value is None:
        return "missing" if number is None else "differs"
    if number is None:
        return "text"
    return "same" if number == value else "differs"


def _one_of(cells: Sequence[Any], values: Sequence[float | None]) -> str:
    """As `_compared`, where each number in the cells is one of several; a percentage may be published as a share."""
    from exports.cells import figure

    numbers = [number for cell in cells if (number := figure(cell)) is not None]
    given = [value for value in values if value is not None]
    if not numbers:
        return "text" if given or not values else "missing"
    if all(
        any(number == value or isclose(number * 100, value, rel_tol=1e-12) for value in given) for number in numbers
    ):
        return "same"
    return "differs" if values else "text"


def step(row: Row, reader: Reader) -> Mapping[str, Any]:
    """One observation with its way back to the publisher's cell."""
    return {
        **{name: row[name] for name in ("observation_id", "place_id", "measure", *BREAKDOWNS)},
        **{name: row[name] for name in ("value", "unit", "status", "circa", "definition", "grade")},
        **{name: row[name] for name in ("period_start", "period_end", "period_kind", "reported_by", "note", "licence")},
        **_where(row),
        "published": reader.published(row),
    }


def _where(row: Row) -> Mapping[str, Any]:
    """Of a row with its evidence: whose it is, in which file and where there, and what was corrected."""
    correction = row.get("correction")
    return {
        "source": {
            "source_id": row["source_id"],
            "title": row["source_title"],
            "publisher": row["publisher"],
            "tier": row["tier"],
            "homepage": row["homepage"],
            "citation": row.get("citation") or row["source_citation"],
            "evidence": row.get("evidence"),
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
    }


def _own(asked: Asked, found: Found, reader: Reader) -> Mapping[str, Any]:
    """A row that stands in a publisher's file by itself."""
    row = evidence.with_file(asked, found.row)
    values = {name: row[name] for name in leads.VALUES[found.table]}
    if found.table == "left_out":  # may be a whole column of a table; the row repeats it
        published: Mapping[str, Any] = {"cells": None, "holds": "left_out"}
    else:
        published = reader.published(row, list(values.values()))
    if row.get("value_text") is not None and published.get("texts") == [row["value_text"]]:
        published = {**published, "holds": "same"}  # such as 11.5, of which the unit is millions
    cell = {"place_id": row.get("place_id"), "values": values, "note": row.get("note"), **_where(row)}
    return {"cells": [{**cell, "published": published}]}


def _led(asked: Asked, found: Found, reader: Reader) -> Mapping[str, Any]:
    """A row that is made of others: those with their way back, or why there are none."""
    led = leads.behind(asked, found.table, found.row)
    known = evidence.figures(asked, filter(None, led.figures))
    observed = evidence.observations(asked, filter(None, led.observations))
    return {
        "figures": [_figure(asked, known[one], reader) for one in led.figures if one and one in known],
        "observations": [step(observed[one], reader) for one in led.observations if one and one in observed],
        "rows": list(led.rows),
        "why": led.why,
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


#: How a row of each of these tables is told of.
TELLING: Mapping[str, Callable[[Asked, Found, Reader], Mapping[str, Any]]] = {
    "figure": _figures,
    "observation": _observation,
    "estimate": _estimate,
    "world_total": _total,
}
