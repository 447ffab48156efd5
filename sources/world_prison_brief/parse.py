"""World Prison Brief: the page of one country, in the layout to early 2026 or the one since.

`pages.py` says how a page is laid out, this module what its words mean. Each figure bears a date of its own, in the
comment beside it; the whole comment stays in the note, in the publisher's words.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd

from sources.errors import refusal
from sources.places import UnknownPlace, find
from sources.reading import LeftOut, Parsed, RawFile
from sources.world_prison_brief.pages import Entry, read

#: Rows of a page that hold words.
WORDS = (
    "Country", "Ministry responsible", "Prison administration", "Contact address", "Contact telephone", "Contact fax",
    "Contact email", "Contact website", "Head of prison administration (and title)",
)  # fmt: skip
RATE = "Prison population rate (per 100,000 of national population)"
#: Forms of a figure: whether it has decimals, and whether a percent sign.
WHOLE = [(False, False)]
NUMBER = [(False, False), (True, False)]
PERCENT = [(False, True), (True, True)]
#: The measure and the form of each row of figures.
MEASURES = {
    "Prison population total (including pre-trial detainees / remand prisoners)": ("persons_held", WHOLE),
    RATE: ("persons_held_rate", NUMBER),
    "Pre-trial detainees / remand prisoners (percentage of prison population)": ("unsentenced_share", PERCENT),
    "Number of establishments / institutions": ("establishments", WHOLE),
    "Official capacity of prison system": ("official_capacity", WHOLE),
}
SHARE = "a percentage of persons held, for which there is no measure"
NO_MEASURE = {
    "Female prisoners (percentage of prison population)": SHARE,
    "Juveniles / minors / young prisoners incl. definition (percentage of prison population)": SHARE,
    "Foreign prisoners (percentage of prison population)": SHARE,
    "Occupancy level (based on official capacity)": "a ratio of two figures of the page, persons held and capacity",
}
TREND = "a table of earlier years, which is not read"
NO_FIGURE = "no figure stands there"
NO_DATE = "no date stands beside the figure"

#: Thousands are set apart by commas or by spaces, never by both in one number.
VALUE = re.compile(
    r"(?P<circa>c\. ?)?(?P<estimate>Estimate:? )?"
    r"(?P<number>(?:\d{1,3}(?P<apart>[, ])\d{3}(?:(?P=apart)\d{3})*|\d+)(?P<decimals>\.\d+)?)(?P<percent> ?%)?",
    re.ASCII,
)
BEFORE_DATE = re.compile(r"(?P<estimate>Estimate:?,? )?\(?(?:at )?", re.ASCII)
#: A rate is dated by the population that it was divided by.
BEFORE_RATE_DATE = re.compile(
    r"(?P<estimate>Estimate:?,? )?\(?based on an estimated national population of "
    r"(?:c\. ?)?[\d,. ]*\d(?: million)? at ",
    re.ASCII,
)
ORIGIN = re.compile(r" \(([^()]+)\)")

DAY = r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4}|\d{2})"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
#: After a date comes no more of it, and no second date.
ENDED = r"(?![\w/.\u2013-]*\w)(?! ?(?:to|and|or|[-\u2013]) ?\d)"
AVERAGE_TO = re.compile(rf"average for year to {DAY}{ENDED}", re.ASCII)
ON_DAY = re.compile(DAY + ENDED, re.ASCII)
IN_MONTH = re.compile(rf"(?P<month>{'|'.join(MONTHS)}) (?P<y>\d{{4}}){ENDED}", re.ASCII)
TWO_YEARS = re.compile(rf"(?P<y>\d{{4}})/(?P<next>\d{{2}}){ENDED}", re.ASCII)
IN_YEAR = re.compile(rf"(?:mid-)?(?P<y>\d{{4}}){ENDED}", re.ASCII)
#: Years of two digits are of this century up to here.
LAST_OF_CENTURY = 59


class Period(NamedTuple):
    """When a figure holds, and where in the comment that is said."""

    start: date
    end: date
    kind: str
    until: int


def parse(file: RawFile) -> Parsed:
    """The figures of one country's page."""
    page = read(file.name, file.data)
    try:
        place = find(page.country).place_id
    except UnknownPlace as error:
        raise refusal(file.name, f"{error} If it is a new name, add it to sources/place_names.csv.") from error
    rows = []
    left_out = [LeftOut(at, TREND, {"cells": count}, count) for at, count in page.other_tables.items()]
    figures = [entry for entry in page.entries if entry.label not in WORDS]
    for entry in figures:
        if entry.label not in MEASURES and entry.label not in NO_MEASURE:
            raise refusal(file.name, f"the row {entry.label!r} is not one that Custody knows.", entry.locator)
        raw = {"label": entry.label, "value": entry.value, "comment": entry.comment}
        if reason := NO_MEASURE.get(entry.label) or _missing(entry):
            left_out.append(LeftOut(entry.locator, reason, raw))
            continue
        try:
            rows.append({"locator": entry.locator, "place_id": place, **_figure(entry)})
        except ValueError as error:
            raise refusal(file.name, f"{entry.label}: {error}.", entry.locator) from error
    if not rows:
        raise refusal(file.name, "there is no figure with a date on the page.")
    items = len(figures) + sum(page.other_tables.values())
    return Parsed(None, items, {"observation": pd.DataFrame(rows)}, left_out)


def _missing(entry: Entry) -> str | None:
    if not entry.value:
        return NO_FIGURE
    return None if entry.comment else NO_DATE


def _figure(entry: Entry) -> dict[str, object]:
    """The columns of an observation that follow from one row of the page."""
    measure, form = MEASURES[entry.label]
    value = VALUE.fullmatch(entry.value)
    if not value or (bool(value["decimals"]), bool(value["percent"])) not in form:
        raise ValueError(f"{entry.value!r} is not a figure in the form that belongs there")
    before = (BEFORE_RATE_DATE if entry.label == RATE else BEFORE_DATE).match(entry.comment)
    if not before:
        raise ValueError(f"{entry.comment!r} does not name the population that the rate is of, with its date")
    period = _period(entry.comment, before.end())
    origin = None if entry.label == RATE else ORIGIN.match(entry.comment, period.until)
    return {
        "measure": measure,
        "value": float(re.sub("[, ]", "", value["number"])),
        "circa": bool(value["circa"]),
        "status": "E" if value["estimate"] or before["estimate"] else "A",
        "period_start": period.start,
        "period_end": period.end,
        "period_kind": period.kind,
        "reported_by": origin[1] if origin else None,
        "note": entry.comment,
    }


def _period(comment: str, at: int) -> Period:
    """The period that the comment names at this position; ValueError when it is none of the known forms."""
    if found := AVERAGE_TO.match(comment, at):
        end = _day(found)
        return Period(_year_before(end), end, "average", found.end())
    if found := ON_DAY.match(comment, at):
        return Period(_day(found), _day(found), "point", found.end())
    if found := IN_MONTH.match(comment, at):
        year, month = int(found["y"]), MONTHS.index(found["month"]) + 1
        last = monthrange(year, month)[1]
        return Period(date(year, month, 1), date(year, month, last), "unknown_day", found.end())
    if found := TWO_YEARS.match(comment, at):
        year = int(found["y"])
        if (year + 1) % 100 != int(found["next"]):
            raise ValueError(f"{comment!r}: {found[0]} is not a year and the one after it")
        # Which twelve months of the two years is not said.
        return Period(date(year, 1, 1), date(year + 1, 12, 31), "unknown_day", found.end())
    if found := IN_YEAR.match(comment, at):
        year = int(found["y"])
        return Period(date(year, 1, 1), date(year, 12, 31), "unknown_day", found.end())
    raise ValueError(f"{comment!r} does not begin with a date in a form that Custody knows")


def _day(found: re.Match[str]) -> date:
    year = int(found["y"])
    if len(found["y"]) == 2:
        year += 2000 if year <= LAST_OF_CENTURY else 1900
    try:
        return date(year, int(found["m"]), int(found["d"]))
    except ValueError as error:
        raise ValueError(f"{found[0]!r} is no date") from error


def _year_before(end: date) -> date:
    """The first of the twelve months' days that end on `end`."""
    following = end + timedelta(days=1)
    return following.replace(year=following.year - 1)
