"""Custody for users of Python: the releases that there are, and their tables as DataFrames.

A release is read from a folder on this machine or over http(s), and nothing is given that is not, byte for byte, what
was released.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exports import origin
from exports.listing import SUMS, Release
from sources.errors import Misused
from sources.home import Home

if TYPE_CHECKING:
    import pandas as pd


def load(
    table: str,
    release: str = "stable",
    path_or_url: str | Path | None = None,
    *,
    columns: Sequence[str] | None = None,
    place: str | Sequence[str] | None = None,
    filters: Any = None,
    home: str | Path | None = None,
) -> pd.DataFrame:
    """A table of a release as a typed DataFrame: text, Int64, float64, boolean and datetime64 columns.

    A missing value stays missing (never zero), and the code `NA` is Namibia. What the columns mean, with their units,
    is in the release's codebook.md. Over http(s) the table's file is fetched once and kept in a cache (the folder that
    CUSTODY_CACHE names, else the platform's); memory is taken for the wanted rows and columns, not for the file.

    Args:
        table: its name, such as `country_year` or `recidivism`.
        release: `stable` (the newest that is not retracted), `latest` (the newest), a version such as `2026.11.0`,
            or the path of a release's folder.
        path_or_url: where to read: a home, a folder with releases, one release's folder, or the https address of
            either of these two; by default the home that CUSTODY_HOME names.
        columns: the columns to read, in this order; all where None.
        place: keep the rows of this place or these places, by name or code, by column `place_id`; a place's parts are
            places of their own. All where None.
        filters: keep the rows that fulfil this: an expression of pyarrow, or a list such as
            `[("year", ">=", 2015)]`, as `pyarrow.parquet.read_table` takes it.
        home: the folder with Custody's state, as `path_or_url` takes it too.

    Returns:
        One row for each of the table's rows that are kept, in the release's order.

    Warns:
        RetractedRelease: the release was retracted; the message names what to use in its place.
        NotReached: the server cannot be reached, and what the cache holds is read.

    Raises:
        Refused: when there is no such release, table, column or place (the message says which there are), when bytes
            are not those that were released, or the server gives none.
    """
    found = _find(release, path_or_url, home)
    _warn(found.told)
    path, places = found.table(table), _places(place)
    for name, given in (("columns", columns), ("place", place)):
        if given is not None and not given:
            raise Misused(f"{name} is empty; leave it out for all.")
    if isinstance(columns, str):
        raise Misused(f"columns is one text, {columns!r}; give a list of names.")
    from exports.reading import read_table

    return read_table(path, table, columns, places, filters)


def releases(path_or_url: str | Path | None = None, *, home: str | Path | None = None) -> list[Release]:
    """The releases that can be read at a place, oldest first, the retracted ones too.

    Each has `version`, `date`, `schema_version`, `as_of` (the reference day of its world total), `digest` (over the
    content of all tables), `sums` (the SHA-256 of SHA256SUMS) and `retracted` (date, reason, replaced_by; or None).

    Args:
        path_or_url: as in `load`.
        home: as in `load`.

    Warns:
        NotReached: as `load`.

    Raises:
        Refused: when there are no releases at that place, or their list cannot be read.
    """
    at = _at(path_or_url, home)
    _warn(at.told)
    if at.alone is None:
        return at.known
    entry, _ = origin.entry_alone(at, at.alone)
    if entry is None:
        raise Misused(f"{at.alone} is one release, and no list beside it says when it was made and what became of it.")
    return [entry]


def cite(
    place: str,
    measure: str | None = None,
    year: int | None = None,
    release: str = "stable",
    path_or_url: str | Path | None = None,
    *,
    style: str = "apa",
    definition: str | None = None,
    estimate: bool = False,
    home: str | Path | None = None,
    **breakdowns: str,
) -> str:
    """A citation for one figure: release, row and value, the primary source with its licence, and what to beware of.

    Args:
        place: a place by name or code; or the id of a figure, without measure and year.
        measure: what is counted, such as `persons_held`.
        year: the year.
        release: as in `load`; cite a version, because `stable` moves on.
        path_or_url: as in `load`.
        style: `apa`, `chicago`, `bibtex` or `csl`.
        definition: the publisher's own definition, where the figure is not by the measure's.
        estimate: cite Custody's estimate for the year's end in place of a published figure.
        home: as in `load`.
        breakdowns: `sex`, `age`, `legal_status`, … by code, where the figure is not of all.

    Warns:
        RetractedRelease, NotReached: as `load`.

    Raises:
        Refused: when the release has no such figure, with the nearest that it has; and as `load`.
    """
    from exports.citing import Wanted, cite
    from exports.distant import Distant
    from exports.styles import STYLES

    if style not in STYLES:
        raise Misused(f"There is no style {style!r}; there are {', '.join(STYLES)}.")
    if (measure is None) != (year is None):
        raise Misused("Give place, measure and year, or the id of a figure alone.")
    if measure is None and (breakdowns or estimate or definition is not None):
        raise Misused("Breakdowns, definition and estimate belong to place, measure and year; an id stands alone.")
    found = _find(release, path_or_url, home)
    _warn(found.told)
    wanted: Wanted | str = place
    if measure is not None and year is not None:
        wanted = Wanted(place, measure, year, breakdowns, definition, estimate)
    return STYLES[style](cite(Distant(found), wanted))


def _at(path_or_url: str | Path | None, home: str | Path | None) -> origin.Published:
    if home is None:
        return origin.published(path_or_url)
    if path_or_url is not None:
        raise Misused("Both path_or_url and home are given; give one.")
    return origin.published(Home(Path(home)))


def _find(release: str, path_or_url: str | Path | None, home: str | Path | None) -> origin.Found:
    at = _at(path_or_url, home)
    if path_or_url is None and not at.has(release) and (Path(release) / SUMS).is_file():
        return origin.find(origin.published(release), "stable")
    return origin.find(at, release)


def _warn(told: Sequence[Warning]) -> None:
    """Warn where the user's line is: two calls up."""
    for warning in told:
        warnings.warn(warning, stacklevel=3)


def _places(place: str | Sequence[str] | None) -> list[str] | None:
    """The codes of places that are named."""
    if place is None:
        return None
    from sources.places import UnknownPlace, find

    try:
        return [find(name).place_id for name in ([place] if isinstance(place, str) else place)]
    except UnknownPlace as error:
        raise Misused(str(error)) from error
