"""UNODC's workbook: layout, refusals, corrections, and the real workbook against a plain reading of it."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from sources import rows
from sources.errors import Refused
from sources.reading import Cells, Parsed, column_letters
from tests.sources.fixtures import (
    UNODC_HEADER,
    UNODC_SHEET,
    complete,
    damaged,
    parse,
    unodc_row,
    unodc_workbook,
    workbook,
)

SOURCE, FILE = "unodc_prisons", "data_cts_prisons_and_prisoners"
NAME = f"{FILE}.xlsx"


def read(data: bytes) -> Parsed:
    return parse(SOURCE, FILE, NAME, data)


def rows_of(*table: list[Any]) -> list[dict[Any, Any]]:
    return complete(SOURCE, FILE, read(unodc_workbook(table)))[0].to_dict("records")


def test_a_row() -> None:
    parsed = read(unodc_workbook([unodc_row(VALUE=5000.5, Source="CTS / WPB-ICPR")]))
    assert (parsed.vintage, parsed.items, parsed.left_out) == ("2023-05-11", 1, [])
    (row,) = complete(SOURCE, FILE, parsed)[0].to_dict("records")
    assert (row["place_id"], row["measure"], row["value"], row["unit"]) == (
        "ALB",
        "persons_held",
        5000.5,
        "persons",
    )
    assert (row["period_start"], row["period_end"]) == (date(2019, 1, 1), date(2019, 12, 31))
    assert (row["locator"], row["reported_by"]) == (f"{UNODC_SHEET}!L4", "CTS / WPB-ICPR")
    assert (row["period_kind"], row["note"]) == ("unknown_day", "not a whole number as published")


def test_what_a_row_counts() -> None:
    found = rows_of(
        unodc_row(VALUE=0),
        unodc_row(Sex="Female", Age="Juveniles", Year=2018),
        unodc_row(Dimension="by status", Category="Unsentenced", Iso3_code="GBR_E_W"),
        unodc_row(Dimension="by citizenship", Category="Foreign citizens", Iso3_code="XKX"),
        unodc_row(Indicator="Persons entering prison", Unit_of_measurement="Rate per 100,000 population"),
        unodc_row(
            Indicator="Mortality in prison",
            Dimension="by type of death",
            Category="Deaths due to external causes: by suicide",
        ),
        unodc_row(Indicator="Prisons facilities and capacity", Category="Official prison capacity"),
    )
    keys = [
        "place_id",
        "measure",
        "sex",
        "age",
        "legal_status",
        "citizenship",
        "cause",
        "unit",
        "period_kind",
    ]
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("ALB", "persons_held", "_T", "_T", "_T", "_T", "_Z", "persons", "unknown_day"),
        ("ALB", "persons_held", "F", "JUVENILE", "_T", "_T", "_Z", "persons", "unknown_day"),
        ("GBR-EAW", "persons_held", "_T", "_T", "UNSENTENCED", "_T", "_Z", "persons", "unknown_day"),
        ("XKX", "persons_held", "_T", "_T", "_T", "FOREIGN", "_Z", "persons", "unknown_day"),
        ("ALB", "admissions_rate", "_T", "_T", "_T", "_T", "_Z", "per_100k", "during"),
        ("ALB", "deaths_in_custody", "_T", "_T", "_Z", "_Z", "SUICIDE", "deaths", "during"),
        ("ALB", "official_capacity", "_T", "_T", "_Z", "_Z", "_Z", "places", "unknown_day"),
    ]
    assert found[0]["value"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Indicator": "Persons held at home"}, ("row 5", "'Persons held at home'", "not in unodc_prisons/series.csv")),
        ({"Category": "Total "}, ("row 5", "'Total '", "not in unodc_prisons/series.csv")),
        ({"Unit_of_measurement": "Percent"}, ("row 5", "'Percent'", "not in unodc_prisons/series.csv")),
        ({"Iso3_code": "GBR_X"}, ("row 5, column Iso3_code", "'GBR_X'", "aliases.csv")),
        ({"Sex": "Unknown"}, ("row 5, column Sex", "'Unknown'")),
        ({"Age": "Youth"}, ("row 5, column Age", "'Youth'")),
        ({"Year": 2019.5}, ("row 5, column Year", "2019.5")),
        ({"Year": "FY2019"}, ("row 5, column Year", "'FY2019'")),
        ({"VALUE": "5O00"}, ("row 5, column VALUE", "'5O00' is not a number")),
        ({"VALUE": "5,000"}, ("row 5, column VALUE", "'5,000' is not a number")),
        ({"VALUE": "<5"}, ("row 5, column VALUE", "'<5' is not a number")),
        ({"VALUE": ""}, ("row 5, column VALUE", "'' is not a number")),
        ({"VALUE": None}, ("row 5, column VALUE", "is not a number")),
        ({"VALUE": "NaN"}, ("row 5, column VALUE", "'NaN' is not a number")),
        ({"VALUE": "1e999"}, ("row 5, column VALUE", "is not a number")),
        ({"VALUE": "\u0665"}, ("row 5, column VALUE", "is not a number")),
    ],
)
def test_a_cell_that_is_not_known_is_refused(change: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(unodc_workbook([unodc_row(), unodc_row(**change)]))
    for part in (NAME, *words):
        assert part in str(refused.value)


@pytest.mark.parametrize("column", UNODC_HEADER)
def test_a_missing_a_new_and_a_renamed_column_are_refused(column: str) -> None:
    at = UNODC_HEADER.index(column)
    without = UNODC_HEADER[:at] + UNODC_HEADER[at + 1 :]
    row = unodc_row()
    for header, cells, words in (
        (without, row[:at] + row[at + 1 :], f"missing {column}"),
        ([*UNODC_HEADER, "Note"], [*row, "x"], "unknown 'Note'"),
        ([*UNODC_HEADER[:at], "Other", *UNODC_HEADER[at + 1 :]], row, f"missing {column}; unknown 'Other'"),
        ([*without, column], row, "" if column == UNODC_HEADER[-1] else "another order"),
    ):
        if not words:
            continue
        with pytest.raises(Refused, match="row 3: the columns are not the expected ones") as refused:
            read(unodc_workbook([cells], header=header))
        assert words in str(refused.value)


@pytest.mark.parametrize("stamp", ["", None, "2023-05-11", "11/05/23", 45057, "31/02/2023", "Iso3_code"])
def test_a_missing_stamp_is_refused(stamp: Any) -> None:
    with pytest.raises(Refused, match="row 2: the publication stamp dd/mm/yyyy is not there"):
        read(unodc_workbook([unodc_row()], stamp=stamp))


def test_the_sheet_is_chosen_by_name() -> None:
    table = [["UNODC"], ["11/05/2023"], UNODC_HEADER, unodc_row()]
    parsed = read(workbook({"About": [["Read me"]], UNODC_SHEET: table, "Notes": [["x"]]}))
    assert parsed.rows["observation"]["value"].tolist() == [5000]
    with pytest.raises(Refused, match=f"there is no sheet '{UNODC_SHEET}'; the sheets are Sheet1"):
        read(workbook({"Sheet1": table}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a readable workbook"),
        (b"<html><body>Service unavailable</body></html>", "not a readable workbook"),
        (unodc_workbook([unodc_row()])[:400], "not a readable workbook"),
        (unodc_workbook([]), "a header and no rows"),
        (workbook({UNODC_SHEET: [["UNODC"], ["11/05/2023"]]}), "ends before the header"),
        (workbook({UNODC_SHEET: []}), "is empty"),
    ],
)
def test_a_file_that_is_no_whole_workbook_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data)
    assert str(refused.value).startswith(NAME)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    with contextlib.suppress(Refused):
        read(damaged(data, unodc_workbook([unodc_row()])))


def test_one_key_twice_is_refused() -> None:
    twice = [unodc_row(), unodc_row(VALUE=5001), unodc_row(Year=2018)]
    with pytest.raises(
        Refused, match=r"ALB / persons_held / _T / _T / _T / 2019-12-31 stands there 2 times"
    ) as refused:
        complete(SOURCE, FILE, read(unodc_workbook(twice)))
    assert f"{UNODC_SHEET}!L4 = 5,000, {UNODC_SHEET}!L5 = 5,001; 2 rows in all" in str(refused.value)


MONGOLIA = [unodc_row(Iso3_code="MNG", Sex="Female", VALUE=value) for value in (3, 288)]


def test_a_correction_drops_what_it_names_and_nothing_else() -> None:
    other = unodc_row(Iso3_code="MNG", Sex="Female", VALUE=288, Year=2018)
    frame, dropped, record = complete(SOURCE, FILE, read(unodc_workbook([*MONGOLIA, other])))
    assert frame["period_end"].tolist() == [date(2018, 12, 31)]
    assert [entry.locator for entry in dropped] == [f"{UNODC_SHEET}!L4", f"{UNODC_SHEET}!L5"]
    states = record.set_index("correction_id")["state"]
    assert states["mongolia-2019-female-twice"] == "applied"
    assert states["panama-2017-female-twice"] == "stale"


def test_a_correction_that_the_publisher_made_is_stale() -> None:
    frame, dropped, record = complete(SOURCE, FILE, read(unodc_workbook(MONGOLIA[1:])))
    assert (frame["value"].tolist(), dropped) == ([288], [])
    assert set(record["state"]) == {"stale"}


def test_a_year_in_the_wrong_century_is_corrected_by_name_alone() -> None:
    capacity = {
        "Indicator": "Prisons facilities and capacity",
        "Category": "Official prison capacity",
        "Year": 1013,
    }
    morocco = unodc_row(Iso3_code="MAR", VALUE=40260, **capacity)
    elsewhere = unodc_row(Iso3_code="DZA", VALUE=40260, **capacity)
    found = rows_of(morocco, elsewhere)
    assert [(row["period_start"], row["correction_id"]) for row in found] == [
        (date(2013, 1, 1), "morocco-capacity-year-1013"),
        (date(1013, 1, 1), None),
    ]


def test_a_truth_value_is_no_number() -> None:
    cells = Cells("f", ["VALUE"], [[1, True]], [4, 5], lambda row, column: f"{row}")
    with pytest.raises(Refused, match="f, row 5, column VALUE: True is not a number"):
        cells.numbers("VALUE")


@settings(deadline=None)
@given(st.integers(0, 20_000))
def test_column_letters_count_as_spreadsheets_do(index: int) -> None:
    number = 0
    for letter in column_letters(index):
        number = number * 26 + ord(letter) - ord("A") + 1
    assert number == index + 1


def value_of(text: str) -> float:
    return float(Cells("f", ["VALUE"], [[text]], [1], lambda row, column: "").numbers("VALUE")[0])


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_a_publisher_can_write_is_read(value: float) -> None:
    assert value_of(repr(value)) == value


@settings(deadline=None)
@given(st.text(max_size=6))
def test_a_text_is_a_number_only_if_it_is_plainly_one(text: str) -> None:
    plain = set(text) <= set("0123456789.eE+-")
    try:
        value = value_of(text)
    except Refused:
        return
    assert plain
    assert value == float(text)


# The publisher's workbook


@pytest.fixture(scope="module")
def real(raw: Path) -> tuple[Path, Parsed]:
    (path,) = (raw / "unodc" / "2023-05-11").glob("*.xlsx")
    return path, read(path.read_bytes())


def test_the_real_workbook(raw: Path, real: tuple[Path, Parsed]) -> None:
    path, parsed = real
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    published = sheet[3:]
    frame = parsed.rows["observation"]
    assert (parsed.vintage, parsed.items, parsed.left_out) == ("2023-05-11", len(published), [])
    assert (len(frame), frame["place_id"].nunique()) == (65797, 227)
    assert frame["value"].tolist() == [row[11] for row in published]
    assert [int(locator.rsplit("!L")[1]) for locator in frame["locator"]] == list(range(4, 65801))
    assert sheet[41273][11] == 3
    assert frame["value"][41270] == 3


def test_the_latest_figure_of_each_place(raw: Path, real: tuple[Path, Parsed]) -> None:
    """Before corrections, as the publisher has it, once from our rows and once from the plain cells."""
    path, parsed = real
    frame = rows.described("observation", parsed.rows["observation"], FILE, FILE)
    total = (frame["measure"] == "persons_held") & (frame["dataset"] == "persons_held")
    for breakdown in ("sex", "age", "legal_status", "citizenship", "offence"):
        total &= frame[breakdown] == "_T"
    latest = frame[total].sort_values("period_end").groupby("place_id").last()
    assert (total.sum(), len(latest), latest["value"].sum()) == (2970, 225, 8_932_238)

    plain: dict[str, tuple[int, float]] = {}
    for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)[3:]:
        if row[4:9] == ["Persons held", "Total", "Total", "Total", "Total"] and row[10] == "Counts":
            plain[row[0]] = max(plain.get(row[0], (0, 0.0)), (int(row[9]), float(row[11])))
    assert (len(plain), sum(value for _, value in plain.values())) == (225, 8_932_238)


def test_the_corrections_of_the_real_workbook(real: tuple[Path, Parsed]) -> None:
    frame, dropped, record = complete(SOURCE, FILE, real[1])
    assert set(record["state"]) == {"applied"}
    assert len(frame) + len(dropped) == 65797
    twice = [entry for entry in dropped if entry.reason.startswith(("mongolia", "panama"))]
    assert len(twice) == 24
    assert frame["observation_id"].is_unique
    assert min(frame["period_start"]).year == 1998
    changed = frame[frame["correction_id"].notna()].set_index("correction_id")
    morocco = changed.loc["morocco-capacity-year-1013"]
    assert (morocco["place_id"], morocco["period_start"], morocco["value"]) == (
        "MAR",
        date(2013, 1, 1),
        40260,
    )
    martinique = changed.loc["martinique-held-2022-under-saint-martin"]
    assert (martinique["place_id"], martinique["period_end"], martinique["value"]) == (
        "MTQ",
        date(2022, 12, 31),
        919,
    )
    held = frame[(frame["place_id"] == "MAF") & (frame["value"] == 919)]
    assert held.empty
    assert not pd.isna(frame["value"]).any()
