"""Persons in prison, jail or under supervision in the United States: by year, by state, and the real edition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.bjs import bjs_file
from tests.sources.fixtures import parse

SOURCE = "bjs_correctional_populations"
TITLE = (
    "Table 1. Number of persons supervised by U.S. adult correctional systems, by correctional status, 2010 and 2011"
)
NOTES = [
    "Note: All probation, parole, and prison counts are for December 31; jail counts are for the last weekday in June.",
    "*Comparison year.",
    "~Not applicable.",
    "a/Adjusted.",
]
TABLE = [
    ["", "", "", "Community supervision", "", "", "Incarcerated", "", ""],
    ["Year", "", "Total correctional populationa", "Total/a", "Probation", "Parole", "Total", "Local jail", "Prison"],
    ["2010", "", "1,000", "700", "600", "100", "300", "90", "210"],
    ["2011*", "", "", "", "", "", "", "", ""],
    ["", " January 1/a", "1,010", "710", "610", "100", " ~ ", " ~ ", " ~ "],
    ["", "December 31", "1,020", "720", "620", "100", "300", "80", "220"],
    ["Percent change, 2010\u20132011", "", "2", "2.9", "3.3", "0", "0", "-11.1", "4.8"],
]


def made(table: Any = TABLE, notes: Any = NOTES, title: str = TITLE, key: str = "t01") -> Parsed:
    name = f"cpus11{key}.csv"
    return parse(SOURCE, key, name, bjs_file(name, title, table, notes, version="4/26/2018"))


def frame_of(parsed: Parsed) -> pd.DataFrame:
    frame = parsed.rows["observation"]
    for column in ("supervision", "definition"):
        frame[column] = frame[column].fillna("") if column in frame else ""
    return frame


def changed(line: int, column: int, cell: str) -> list[list[str]]:
    rows = [list(row) for row in TABLE]
    rows[line][column] = cell
    return rows


def test_populations_by_year() -> None:
    parsed = made()
    frame = frame_of(parsed)
    assert (parsed.items, len(frame), sum(left.items for left in parsed.left_out)) == (28, 18, 10)
    cells = frame.set_index(["measure", "supervision", "period_end"])["value"]
    day = date(2011, 12, 31)
    assert cells["persons_under_correctional_supervision", "", day] == 1020
    assert cells["persons_under_supervision", "", day] == 720
    assert cells["persons_under_supervision", "PROBATION", day] == 620
    assert cells["persons_under_supervision", "PAROLE", day] == 100
    assert cells["persons_held", "", day] == 300
    assert cells["prisoners_under_jurisdiction", "", day] == 220
    assert cells["persons_under_supervision", "", date(2011, 1, 1)] == 710
    assert set(frame["status"]) == {"E"}


def test_jails_are_counted_in_june() -> None:
    jails = frame_of(made()).query("measure == 'persons_held_local_jails'")
    assert jails["period_end"].tolist() == [date(2010, 6, 30), date(2011, 6, 30)]
    assert jails["value"].tolist() == [90, 80]
    with pytest.raises(Refused, match="last weekday in June"):
        made(notes=["Note: All probation, parole, and prison counts are for December 31.", *NOTES[1:]])


@pytest.mark.parametrize(
    ("line", "column", "cell", "why"),
    [
        (0, 6, "Imprisoned", "'Imprisoned' is not one of"),
        (1, 6, "All", "'All' is not one of"),
        (1, 4, "Bail", "'Bail' is not one of"),
        (2, 0, "2010r", "is not a year"),
        (5, 1, "November 30", "is not one of"),
        (2, 4, "60O", "neither a figure nor explained"),
        (4, 2, ":", "neither a figure nor explained"),
    ],
)
def test_what_it_does_not_know_is_refused(line: int, column: int, cell: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        made(changed(line, column, cell))


TWO_YEARS = [
    ["", "", "", "2007", "", "", "2016", "", ""],
    ["Correctional population", "", "Population", "Percent of total population", "", "", "Population",
     "Percent of total population", ""],
    ["", "Total", "1,000", "100", "%", "", "2,000", "100", "%"],
    ["Prison/b", "", "400", "40", "", "", "900", "45", ""],
    ["Local jail/c", "", "600", "60", "", "", "1,100", "55", ""],
]  # fmt: skip
TWO_NOTES = ["Note: Rounded.", "b/Population as of December 31.", "c/Population as of the last weekday in June."]


def test_two_years_whose_headers_stand_in_the_middle() -> None:
    frame = frame_of(made(TWO_YEARS, TWO_NOTES, TITLE.replace("Table 1", "Table 2"), "t02"))
    cells = frame.set_index(["measure", "period_end"])["value"]
    assert cells["prisoners_under_jurisdiction", date(2007, 12, 31)] == 400
    assert cells["persons_held_local_jails", date(2007, 6, 29)] == 600  # 30 June 2007 was a Saturday
    assert cells["prisoners_under_jurisdiction", date(2016, 12, 31)] == 900
    assert len(cells) == 6


def test_two_years_without_their_shares_or_days_are_refused() -> None:
    title = TITLE.replace("Table 1", "Table 2")
    apart = [[*row[:3], "", *row[3:]] for row in TWO_YEARS]
    with pytest.raises(Refused, match="no share of the total stands beside"):
        made(apart, TWO_NOTES, title, "t02")
    with pytest.raises(Refused, match="says 'December 31'"):
        made(TWO_YEARS, [TWO_NOTES[0], "b/Population as of June 30.", TWO_NOTES[2]], title, "t02")


def real(raw: Path, key: str) -> pd.DataFrame:
    name = f"cpus16{key}.csv"
    parsed = parse(SOURCE, key, name, (raw / "bjs" / "cpus16" / name).read_bytes())
    assert parsed.vintage == "2018-04-26"
    return frame_of(parsed)


def at(frame: pd.DataFrame, name: str, line: int, column: int) -> Any:
    (row,) = frame[frame["locator"] == f"{name}.csv:{line}:{column}"].to_dict("records")
    return row


def test_every_real_table_is_read(raw: Path) -> None:
    for path in sorted((raw / "bjs" / "cpus16").glob("*.csv")):
        key = path.stem.removeprefix("cpus16")
        assert parse(SOURCE, key, path.name, path.read_bytes()).items > 0


def test_real_populations_by_year(raw: Path) -> None:
    frame = real(raw, "t01")
    for line, column, measure, day, value in [
        (26, 5, "persons_under_supervision", date(2016, 12, 31), 4537100),
        (26, 12, "persons_held", date(2016, 12, 31), 2162400),
        (26, 3, "persons_under_correctional_supervision", date(2016, 12, 31), 6613500),
        (26, 14, "persons_held_local_jails", date(2016, 6, 30), 740700),
        (26, 16, "prisoners_under_jurisdiction", date(2016, 12, 31), 1505400),
        (25, 3, "persons_under_correctional_supervision", date(2016, 1, 1), 6676200),
        (13, 12, "persons_held", date(2000, 12, 31), 1945400),
    ]:
        row = at(frame, "cpus16t01", line, column)
        assert (row["measure"], row["period_end"], row["value"], row["place_id"]) == (measure, day, value, "USA")
    community = frame[frame["measure"] == "persons_under_supervision"].pivot(
        index="period_end", columns="supervision", values="value"
    )
    parts = community["PROBATION"] + community["PAROLE"]
    assert ((parts - community[""]) >= -100).all(), "parolees on probation are counted once in the total"
    assert ((parts - community[""]) <= 13000).all()


def test_real_populations_by_state(raw: Path) -> None:
    frame = real(raw, "at01")
    texas = at(frame, "cpus16at01", 59, 11)
    assert (texas["place_id"], texas["measure"], texas["value"], texas["definition"]) == (
        "USA-TX", "persons_held", 218500, "",
    )  # fmt: skip
    whole = at(frame, "cpus16at01", 13, 11)
    assert (whole["value"], whole["definition"]) == (2131000, "jails_on_31_december")
    rate = at(frame, "cpus16at01", 59, 13)
    assert (rate["measure"], rate["value"], rate["definition"]) == ("persons_held_rate", 780, "rounded_to_ten")
    unknown = at(frame, "cpus16at01", 26, 7)
    assert (unknown["place_id"], unknown["status"], unknown["value"] is None or pd.isna(unknown["value"])) == (
        "USA-GA", "M", True,
    )  # fmt: skip
    held = frame[(frame["measure"] == "persons_held") & ~frame["place_id"].isin(["USA", "USA-STATE", "USA-FED"])]
    assert len(held) == 51
    assert abs(held["value"].sum() - 1942600) <= 51 * 50, "each rounded to the nearest 100"


def test_real_custody_rates_and_jails(raw: Path) -> None:
    custody = at(real(raw, "at03"), "cpus16at03", 13, 7)
    assert (custody["measure"], custody["value"], custody["definition"]) == ("persons_held", 2157800, "custody")
    rate = at(real(raw, "t04"), "cpus16t04", 24, 9)
    assert (rate["measure"], rate["value"], rate["definition"]) == ("persons_held_rate", 860, "per_adult")
    assert at(real(raw, "at04"), "cpus16at04", 18, 2)["period_end"] == date(2012, 6, 29)
    assert at(real(raw, "t02"), "cpus16t02", 14, 3)["value"] == 4293000
