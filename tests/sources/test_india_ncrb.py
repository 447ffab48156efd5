"""India, table 1.2: a small table in the publisher's layout, each refusal, and the transcripts of two editions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import delimited, parse

SOURCE, FILE = "india_ncrb", "table_1_2"
NAME = "psi_2023_table1-2_transcribed.csv"
HEADER = [
    "section", "sl_no", "State/UT",
    *(f"Available Capacity M F Tr. Total ({n})" for n in (3, 4, 5, 6)),
    *(f"Inmate Population M F Tr. Total ({n})" for n in (7, 8, 9, 10)),
    *(f"Occupancy Rate$ (in %) M F Tr. Total ({n})" for n in (11, 12, 13, 14)),
]  # fmt: skip
FOOT = ["", "", "Inmate Population $ Occupancy Rate = x", "-------------------------------", "100", *[""] * 10]
TABLE: list[list[str]] = [
    ["", "1", "GOA", "100", "10", "0", "110", "50", "5", "1", "56", "50.0", "50.0", "-", "50.9"],
    ["", "2", "WEST BENGAL #", "300", "0", "2", "302", "600", "0", "1", "601", "200.0", "-", "50.0", "199.0"],
    ["", "", "TOTAL (STATES)", "400", "10", "2", "412", "650", "5", "2", "657", "162.5", "50.0", "100.0", "159.5"],
    ["", "3", "DELHI", "10", "2", "0", "12", "20", "1", "0", "21", "200.0", "50.0", "-", "175.0"],
    ["", "", "TOTAL (UTs)", "10", "2", "0", "12", "20", "1", "0", "21", "200.0", "50.0", "-", "175.0"],
    ["", "", "TOTAL (ALL-INDIA)", "410", "12", "2", "424", "670", "6", "2", "678", "163.4", "50.0", "100.0", "159.9"],
    FOOT,
]


def read(table: list[list[str]], name: str = NAME, header: list[str] = HEADER) -> Parsed:
    return parse(SOURCE, FILE, name, delimited([header, *table], end="\n"))


def changed(row: int, column: int, cell: str) -> list[list[str]]:
    table = [list(cells) for cells in TABLE]
    table[row][column] = cell
    return table


def by_key(parsed: Parsed) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows = parsed.rows["observation"].to_dict("records")
    return {(row["place_id"], row["measure"], row["sex"]): row for row in rows}


def test_what_the_table_counts() -> None:
    parsed = read(TABLE)
    rows = by_key(parsed)
    assert {key: row["value"] for key, row in rows.items()} == {
        ("IND-GA", "official_capacity", "M"): 100,
        ("IND-GA", "official_capacity", "F"): 10,
        ("IND-GA", "official_capacity", "_T"): 110,
        ("IND-GA", "persons_held", "M"): 50,
        ("IND-GA", "persons_held", "F"): 5,
        ("IND-GA", "persons_held", "_T"): 56,
        ("IND-WB", "official_capacity", "M"): 300,
        ("IND-WB", "official_capacity", "F"): 0,
        ("IND-WB", "official_capacity", "_T"): 302,
        ("IND-WB", "persons_held", "M"): 600,
        ("IND-WB", "persons_held", "F"): 0,
        ("IND-WB", "persons_held", "_T"): 601,
        ("IND-DL", "official_capacity", "M"): 10,
        ("IND-DL", "official_capacity", "F"): 2,
        ("IND-DL", "official_capacity", "_T"): 12,
        ("IND-DL", "persons_held", "M"): 20,
        ("IND-DL", "persons_held", "F"): 1,
        ("IND-DL", "persons_held", "_T"): 21,
        ("IND", "official_capacity", "M"): 410,
        ("IND", "official_capacity", "F"): 12,
        ("IND", "official_capacity", "_T"): 424,
        ("IND", "persons_held", "M"): 670,
        ("IND", "persons_held", "F"): 6,
        ("IND", "persons_held", "_T"): 678,
    }
    goa = rows["IND-GA", "persons_held", "_T"]
    assert (goa["period_start"], goa["period_end"], goa["period_kind"]) == (
        date(2023, 12, 31),
        date(2023, 12, 31),
        "point",
    )
    assert (goa["locator"], goa["grade"]) == (f"{NAME}:2:11", "report_copy")


def test_what_is_left_out() -> None:
    parsed = read(TABLE)
    assert parsed.items == 6 * 12
    reasons = [entry.reason.split(",")[0] for entry in parsed.left_out]
    assert {reason: reasons.count(reason) for reason in reasons} == {
        "transgender persons": 2 * 4,
        "a percentage that repeats the two counts of the same row": 4 * 4,
        "sum over a group of places that is no place; it was compared with its parts": 2 * 12,
    }


def test_a_mark_says_that_older_figures_are_repeated() -> None:
    rows = by_key(read(TABLE))
    bengal, goa, india = (rows[place, "persons_held", "_T"] for place in ("IND-WB", "IND-GA", "IND"))
    assert (bengal["status"], goa["status"], india["status"]) == ("E", "A", "A")
    assert "earlier year" in bengal["note"]
    assert pd.isna(goa["note"])
    assert india["note"].endswith("WEST BENGAL.")


def test_the_name_says_year_and_reissue() -> None:
    parsed = read(TABLE, "psi_2024_table1-2_asOn2026-09-15_transcribed.csv")
    assert parsed.vintage == "2026-09-15"
    assert set(parsed.rows["observation"]["period_end"]) == {date(2024, 12, 31)}
    assert read(TABLE).vintage is None
    with pytest.raises(Refused, match="does not say the year"):
        read(TABLE, "psi_table1-2.csv")


@pytest.mark.parametrize(
    ("row", "column", "cell", "words"),
    [
        (0, 2, "GOA ", "No place is known as 'GOA '"),
        (0, 2, "GOA *", "No place is known as 'GOA \\*'"),
        (0, 7, "5O", "row 2, column Inmate Population M F Tr. Total \\(7\\): '5O' is not a number"),
        (0, 7, "", "'' is not a number"),
        (0, 7, "-", "'-' is not a number"),
        (0, 7, "51", "56 is not 57, the sum of M, F and Tr"),
        (5, 10, "679", "679 is not 678, the sum of M, F and Tr"),
        (3, 1, "4", "'4' stands there where 3 was expected"),
        (2, 2, "TOTAL", "'TOTAL' is not the total that belongs there"),
        (0, 0, "states", "'states' is not one of"),
        (0, 14, "51.9", "the rate '51.9' is not what 56 inmates in 110 places give"),
        (0, 13, "0.0", "ought to be '-'"),
        (0, 12, "-", "the rate '-' is not what 5 inmates"),
        (6, 4, "1000", "is not the note on the occupancy rate"),
    ],
)
def test_it_refuses(row: int, column: int, cell: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(changed(row, column, cell))


def test_a_total_that_its_rows_do_not_give() -> None:
    table = changed(0, 3, "101")
    table[0][6], table[0][11], table[0][14] = "111", "49.5", "50.5"
    with pytest.raises(Refused, match="row 4, .*400 is not 401, the sum of the rows"):
        read(table)


def test_a_file_that_is_cut_off_or_shifted() -> None:
    with pytest.raises(Refused, match="is not the note"):
        read(TABLE[:-1])
    with pytest.raises(Refused, match="'TOTAL \\(ALL-INDIA\\)' is not there"):
        read([*TABLE[:-2], FOOT])
    with pytest.raises(Refused, match="columns are not the expected ones"):
        read([row[:-1] for row in TABLE], header=HEADER[:-1])
    with pytest.raises(Refused, match="another order"):
        read(TABLE, header=[*HEADER[:3], HEADER[4], HEADER[3], *HEADER[5:]])
    with pytest.raises(Refused, match="14 cells where the header has 15"):
        read([TABLE[0][1:], *TABLE[1:]])


# The transcripts


def real(raw: Path, name: str) -> tuple[Parsed, dict[tuple[str, str, str], dict[str, Any]]]:
    parsed = parse(SOURCE, FILE, name, (raw / "india" / name).read_bytes())
    return parsed, by_key(parsed)


def test_the_edition_of_2022(raw: Path) -> None:
    parsed, rows = real(raw, "psi_2022_table1-2_transcribed.csv")
    assert (parsed.vintage, parsed.items, len(rows)) == (None, 39 * 12, 37 * 6)
    looked_up = {
        ("IND", "persons_held", "_T"): 573220,
        ("IND", "persons_held", "M"): 549351,
        ("IND", "persons_held", "F"): 23772,
        ("IND", "official_capacity", "_T"): 436266,
        ("IND-WB", "persons_held", "_T"): 28789,
        ("IND-DH", "persons_held", "_T"): 176,
        ("IND-LD", "official_capacity", "F"): 0,
        ("IND-UP", "official_capacity", "M"): 63827,
    }
    assert {key: rows[key]["value"] for key in looked_up} == looked_up
    assert {row["status"] for row in rows.values()} == {"A"}


def test_the_edition_of_2024(raw: Path) -> None:
    parsed, rows = real(raw, "psi_2024_table1-2_asOn2026-02-26_transcribed.csv")
    assert (parsed.vintage, parsed.items, len(rows)) == ("2026-02-26", 39 * 12, 37 * 6)
    looked_up = {
        ("IND", "persons_held", "_T"): 511542,
        ("IND", "persons_held", "F"): 21183,
        ("IND", "official_capacity", "_T"): 453769,
        ("IND-WB", "persons_held", "_T"): 25774,
        ("IND-UP", "persons_held", "_T"): 86762,
        ("IND-DL", "persons_held", "M"): 18758,
        ("IND-PB", "official_capacity", "F"): 2170,
    }
    assert {key: rows[key]["value"] for key in looked_up} == looked_up
    assert {key[0] for key, row in rows.items() if row["status"] == "E"} == {"IND-WB"}
    parts = sum(row["value"] for key, row in rows.items() if key[0] != "IND" and key[1:] == ("persons_held", "_T"))
    assert parts == 511542
