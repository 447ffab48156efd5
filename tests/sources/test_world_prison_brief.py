"""Pages of the World Prison Brief in copies of both layouts, with figures of the test's own."""

from __future__ import annotations

import contextlib
from datetime import date
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import rows
from sources.catalogue import HERE, read_source
from sources.errors import Refused
from sources.places import Resolver
from sources.reading import Parsed, RawFile
from sources.world_prison_brief.parse import parse
from tests.sources.fixtures import damaged

NAME = "albania.html"
TOTAL = "Prison population total (including pre-trial detainees / remand prisoners)"
RATE = "Prison population rate (per 100,000 of national population)"
PRETRIAL = "Pre-trial detainees / remand prisoners (percentage of prison population)"
FEMALE = "Female prisoners (percentage of prison population)"
JUVENILE = "Juveniles / minors / young prisoners incl. definition (percentage of prison population)"
FOREIGN = "Foreign prisoners (percentage of prison population)"
ESTABLISHMENTS = "Number of establishments / institutions"
CAPACITY = "Official capacity of prison system"
OCCUPANCY = "Occupancy level (based on official capacity)"
AT = "at 31.12.23 (national prison administration)"
FIGURES: dict[str, tuple[str, str]] = {
    TOTAL: ("12,345", AT),
    RATE: (
        "456",
        "based on an estimated national population of 2.71 million at mid-2025 (from United Nations figures)",
    ),
    PRETRIAL: ("c. 34.5%", "(average for year to 31.3.2024)"),
    FEMALE: ("5.0%", "(31.12.2023)"),
    JUVENILE: ("0.7%", "(31.12.2023 - under 18)"),
    FOREIGN: ("2.5%", "(31.12.2023)"),
    ESTABLISHMENTS: ("23", "(2021/22)"),
    CAPACITY: ("c. 11,000", "Estimate, December 2023 (Ministry)"),
    OCCUPANCY: ("112.2%", "(31.12.2023)"),
}
TREND = "<table><tr><th>Year</th><th>Total</th></tr><tr><td>2000</td><td>9,000</td></tr><tr><td></td><td>1</td></tr></table>"


def new_page(figures: dict[str, tuple[str, str]], country: str = "Albania", more: str = "") -> bytes:
    """The layout since 2026."""
    lines = "".join(
        f"<tr><th>{escape(label)}</th><td>\n {value} <div class='field comment'><p>{escape(comment)}</p></div></td></tr>"
        for label, (value, comment) in figures.items()
    )
    words = "<tr><th>Ministry responsible</th><td>Ministry of Justice</td></tr>"
    table = f'<table class="data d-table striped">{words}{lines}</table>'
    return f"<!DOCTYPE html><html><body><h1>{country}</h1>{table}{more}</body></html>\n".encode()


def old_page(figures: dict[str, tuple[str, str]], country: str = "Albania", more: str = "") -> bytes:
    """The layout to early 2026: three tables, in nested elements, thousands set apart by a space."""
    lines = "".join(
        f'<tr><th>{escape(label)}</th><td><div class="field-collection"><div class="field-name-field-integer">'
        f'<div class="field-item">{value.replace(",", "&nbsp;")}</div></div><div class="field field-name-field-comment">'
        f'<div class="field-item">{escape(comment)}</div></div></div></td></tr>'
        for label, (value, comment) in figures.items()
    )
    name = f"<table><tr><th>Country</th><td><strong>{country}</strong></td></tr></table>"
    contact = "<table><tr><th>Contact address</th><td>A street<br>A town</td></tr></table>"
    body = f'<h1>World Prison Brief data</h1><div id="basic_data">{name}{contact}<table>{lines}</table></div>{more}'
    return f"<!DOCTYPE html><html><body>{body}</body></html><!-- end -->\n".encode()


LAYOUTS = pytest.mark.parametrize("page", [new_page, old_page])


def read(data: bytes) -> Parsed:
    folder = HERE / "world_prison_brief"
    parsed = parse(RawFile(NAME, "country", data, Resolver.for_folder(folder, read_source(folder).place_scheme)))
    made = {table: len(frame) for table, frame in parsed.rows.items()}
    rows.check_count(parsed, made, sum(entry.items for entry in parsed.left_out), NAME)
    return parsed


def one(value: str, comment: str, label: str = TOTAL) -> dict[str, Any]:
    """The row that one figure becomes."""
    (row,) = read(new_page({label: (value, comment)})).rows["observation"].to_dict("records")
    return {str(column): cell for column, cell in row.items()}


@LAYOUTS
def test_a_page(page: Any) -> None:
    parsed = read(page(FIGURES))
    frame = parsed.rows["observation"]
    assert set(frame["place_id"]) == {"ALB"}
    said = frame[["measure", "value", "circa", "status", "reported_by"]].astype(object)
    assert said.where(said.notna(), None).to_numpy().tolist() == [
        ["persons_held", 12345, False, "A", "national prison administration"],
        ["persons_held_rate", 456, False, "A", None],
        ["unsentenced_share", 34.5, True, "A", None],
        ["establishments", 23, False, "A", None],
        ["official_capacity", 11000, True, "E", "Ministry"],
    ]
    assert frame[["period_start", "period_end", "period_kind"]].to_numpy().tolist() == [
        [date(2023, 12, 31), date(2023, 12, 31), "point"],
        [date(2025, 1, 1), date(2025, 12, 31), "unknown_day"],
        [date(2023, 4, 1), date(2024, 3, 31), "average"],
        [date(2021, 1, 1), date(2022, 12, 31), "unknown_day"],
        [date(2023, 12, 1), date(2023, 12, 31), "unknown_day"],
    ]
    assert frame["note"].tolist() == [FIGURES[label][1] for label in (TOTAL, RATE, PRETRIAL, ESTABLISHMENTS, CAPACITY)]
    assert frame["locator"].is_unique
    assert frame["locator"].str.startswith(f"{NAME}:/html/body/").all()
    assert parsed.items == 9
    assert [entry.raw["label"] for entry in parsed.left_out] == [FEMALE, JUVENILE, FOREIGN, OCCUPANCY]


def test_every_measure_may_have_what_it_is_given() -> None:
    frame = rows.described("observation", read(new_page(FIGURES)).rows["observation"], "country", NAME)
    assert frame.set_index("measure")["unit"].to_dict() == {
        "persons_held": "persons",
        "persons_held_rate": "per_100k",
        "unsentenced_share": "percent",
        "establishments": "establishments",
        "official_capacity": "places",
    }


@LAYOUTS
def test_other_tables_are_left_out_with_their_cells(page: Any) -> None:
    parsed = read(page(FIGURES, more=TREND))
    (trend,) = [entry for entry in parsed.left_out if "earlier years" in entry.reason]
    assert (trend.items, parsed.items) == (3, 12)


@LAYOUTS
def test_a_row_without_figure_or_date_is_left_out(page: Any) -> None:
    parsed = read(page({TOTAL: ("1 000", AT), CAPACITY: ("", AT), ESTABLISHMENTS: ("12", "")}))
    assert len(parsed.rows["observation"]) == 1
    assert [entry.reason for entry in parsed.left_out] == ["no figure stands there", "no date stands beside the figure"]


def test_the_source_is_off_and_never_in_a_release() -> None:
    own = read_source(HERE / "world_prison_brief")
    assert (own.enabled, own.licence_class, own.verified) == (False, "internal", False)


@pytest.mark.parametrize("country", ["United Kingdom: England &amp; Wales", "UNITED KINGDOM: ENGLAND &amp; WALES"])
@LAYOUTS
def test_a_part_of_a_country(page: Any, country: str) -> None:
    assert set(read(page(FIGURES, country)).rows["observation"]["place_id"]) == {"GBR-EAW"}


@pytest.mark.parametrize(
    ("comment", "start", "end", "kind"),
    [
        ("at 31.12.23", date(2023, 12, 31), date(2023, 12, 31), "point"),
        ("(1.9.98)", date(1998, 9, 1), date(1998, 9, 1), "point"),
        ("at 1.9.2024, not counting police cells", date(2024, 9, 1), date(2024, 9, 1), "point"),
        ("mid-2025", date(2025, 1, 1), date(2025, 12, 31), "unknown_day"),
        ("(2019 - of which 3 are closed)", date(2019, 1, 1), date(2019, 12, 31), "unknown_day"),
        ("at February 2024", date(2024, 2, 1), date(2024, 2, 29), "unknown_day"),
        ("1999/00", date(1999, 1, 1), date(2000, 12, 31), "unknown_day"),
        ("average for year to 31.12.2024", date(2024, 1, 1), date(2024, 12, 31), "average"),
        ("average for year to 29.2.24", date(2023, 3, 1), date(2024, 2, 29), "average"),
        ("average for year to 28.2.2025", date(2024, 3, 1), date(2025, 2, 28), "average"),
    ],
)
def test_dates(comment: str, start: date, end: date, kind: str) -> None:
    row = one("1,000", comment)
    assert (row["period_start"], row["period_end"], row["period_kind"], row["note"]) == (start, end, kind, comment)


@pytest.mark.parametrize(
    ("value", "comment", "label", "number", "circa", "status"),
    [
        ("1234567", AT, TOTAL, 1234567, False, "A"),
        ("1,234,567", AT, TOTAL, 1234567, False, "A"),
        ("1 234 567", AT, TOTAL, 1234567, False, "A"),
        ("c.600", AT, TOTAL, 600, True, "A"),
        ("Estimate 600", AT, TOTAL, 600, False, "E"),
        ("c. Estimate 600", AT, TOTAL, 600, True, "E"),
        ("600", "Estimate at 31.12.23", TOTAL, 600, False, "E"),
        ("0", AT, TOTAL, 0, False, "A"),
        ("45.5", "based on an estimated national population of 54,000 at 1.7.2024", RATE, 45.5, False, "A"),
        ("7 %", AT, PRETRIAL, 7, False, "A"),
    ],
)
def test_values(value: str, comment: str, label: str, number: float, circa: bool, status: str) -> None:
    row = one(value, comment, label)
    assert (row["value"], row["circa"], row["status"]) == (number, circa, status)


@pytest.mark.parametrize(
    ("value", "comment", "label", "words"),
    [
        ("12,34", AT, TOTAL, "'12,34' is not a figure"),
        ("1,234 567", AT, TOTAL, "is not a figure"),
        ("12.345", AT, TOTAL, "'12.345' is not a figure"),
        ("l2,345", AT, TOTAL, "'l2,345' is not a figure"),
        ("12,345*", AT, TOTAL, "is not a figure"),
        ("about 600", AT, TOTAL, "'about 600' is not a figure"),
        ("40<br>544", AT, TOTAL, "'40 | 544' is not a figure"),
        ("12%", AT, TOTAL, "'12%' is not a figure"),
        ("34.5", AT, PRETRIAL, "'34.5' is not a figure"),
        ("-5", AT, TOTAL, "'-5' is not a figure"),
        ("\u0661", AT, TOTAL, "is not a figure"),
        ("600", "31.13.2023", TOTAL, "'31.13.2023' is no date"),
        ("600", "average for year to 30.2.2024", TOTAL, "is no date"),
        ("600", "national prison administration, 31.12.23", TOTAL, "does not begin with a date"),
        ("600", "at 31.12.023", TOTAL, "does not begin with a date"),
        ("600", "31.12.2021 to 31.12.2022", TOTAL, "does not begin with a date"),
        ("600", "31.12.2021-31.12.2022", TOTAL, "does not begin with a date"),
        ("600", "2021-22", TOTAL, "does not begin with a date"),
        ("600", "2021 or 2022", TOTAL, "does not begin with a date"),
        ("600", "2021/23", TOTAL, "2021/23 is not a year and the one after it"),
        ("600", "2021/2022", TOTAL, "does not begin with a date"),
        ("600", "end of 2021", TOTAL, "does not begin with a date"),
        ("600", AT, RATE, "does not name the population that the rate is of"),
    ],
)
def test_what_is_not_known_is_refused(value: str, comment: str, label: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(new_page({label: (value, comment)}))
    for part in (NAME, label, words):
        assert part in str(refused.value)


ROW = b"<tr><th>Ministry responsible</th>"
WHOLE = new_page(FIGURES)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off or no page"),
        (b"</html>", "not a readable page"),
        (WHOLE[: WHOLE.index(b"12,345") + 4], "cut off or no page"),
        (b"<html><body><h1>Albania</h1></body></html>", "neither of the known layouts"),
        (WHOLE.replace(b"data d-table", b"data d-tables"), "neither of the known layouts"),
        (new_page(FIGURES, more=old_page(FIGURES).decode()), "both of the known layouts"),
        (new_page({"Prisoners on leave": ("5", AT)}), "the row 'Prisoners on leave' is not one that Custody knows"),
        (new_page({TOTAL.replace("including", "excluding"): ("5", AT)}), "is not one that Custody knows"),
        (new_page(FIGURES, "Ruritania"), "No place is known as 'Ruritania'"),
        (old_page(FIGURES, "Ruritania"), "No place is known as 'Ruritania'"),
        (WHOLE.replace(b"<h1>", b"<h1>A</h1><h1>"), "the page names no country"),
        (WHOLE.replace(ROW, ROW + b"<td>1</td>"), "is not one label and one value"),
        (WHOLE.replace(ROW, b"<tr><td>Ministry responsible</td>"), "is not one label and one value"),
        (WHOLE.replace(b"</table>", ROW + b"<td></td></tr></table>"), "'Ministry responsible' stands there twice"),
        (WHOLE.replace(b"<td>\n 12", b"<td><div class='comment'>at 1.1.2020</div> 12"), "more than one remark"),
        (new_page({FEMALE: ("5%", AT)}), "no figure with a date"),
        (WHOLE.replace(b"Justice", b"Justi\xe7a"), "not UTF-8 text"),
    ],
)
def test_a_page_that_is_not_known_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data)
    assert str(refused.value).startswith(NAME)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.data(), st.sampled_from([WHOLE, old_page(FIGURES)]))
def test_a_damaged_page_is_read_or_refused_in_words(data: st.DataObject, whole: bytes) -> None:
    with contextlib.suppress(Refused):
        read(damaged(data, whole))
