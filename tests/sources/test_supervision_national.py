"""Supervision outside prison: stocks, averages and flows stay apart, and a text that nobody has read is refused."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictionary.model import dictionary
from sources.catalogue import source
from sources.places import places
from sources.reading import Parsed
from tests.sources.fixtures import (
    complete,
    delimited,
    facts_of,
    is_refused,
    never_breaks,
    other_tables_are_refused,
    parse,
    plain,
)

SOURCE, FILE = "supervision_national", "supervision_by_country"
NAME = f"{FILE}.csv"
STOCK = {
    "place": "USA",
    "type": "parole",
    "period_kind": "point",
    "reference_date": "2016-12-31",
    "persons": "1234",
    "rate_per_100k": "",
    "definition_note": "persons on parole",
    "source": "A report",
    "evidence_url": "https://example.org/report",
    "evidence": "raw file",
}
HEADER = list(STOCK)


def read(*changes: dict[str, str]) -> Parsed:
    """The file of one row for each of the changes to STOCK."""
    table = [[(STOCK | change)[column] for column in HEADER] for change in changes]
    return parse(SOURCE, FILE, NAME, delimited([HEADER, *table], end="\n"))


def row(**change: str) -> dict[Any, Any]:
    (only,) = plain(read(change).rows["observation"])
    return only


def test_a_stock() -> None:
    assert row() == {
        "locator": "supervision_by_country.csv:2:5",
        "dataset": "A report",
        "place_id": "USA",
        "measure": "persons_under_supervision",
        "age": None,
        "supervision": "PAROLE",
        "period_start": date(2016, 12, 31),
        "period_end": date(2016, 12, 31),
        "period_kind": "point",
        "value": 1234,
        "status": "A",
        "circa": False,
        "definition": None,
        "citation": "A report",
        "evidence": "https://example.org/report",
        "grade": "raw_file",
        "note": "persons on parole",
    }


def test_persons_and_rate_of_a_row_are_two_figures() -> None:
    parsed = read({"rate_per_100k": "56.5"}, {"persons": "", "rate_per_100k": "0"})
    assert parsed.items == 3
    assert [(r["locator"], r["measure"], r["value"]) for r in plain(parsed.rows["observation"])] == [
        (f"{NAME}:2:5", "persons_under_supervision", 1234),
        (f"{NAME}:2:6", "persons_under_supervision_rate", 56.5),
        (f"{NAME}:3:6", "persons_under_supervision_rate", 0),
    ]


@pytest.mark.parametrize(
    ("place", "said", "text", "measure", "first", "last", "kind"),
    [
        ("ITA", "during", "2020", "supervision_entries", "2020-01-01", "2020-12-31", "during"),
        ("GBR-SCT", "during", "2010-11", "supervision_entries", "2010-04-01", "2011-03-31", "during"),
        ("PER", "point", "2012-11", "persons_under_supervision", "2012-11-01", "2012-11-30", "unknown_day"),
        ("AUS", "average", "2016-Q3", "persons_under_supervision", "2016-07-01", "2016-09-30", "average"),
        ("CAN", "average", "2005/2006", "persons_under_supervision", "2005-04-01", "2006-03-31", "average"),
        ("CAN", "average", "1998", "persons_under_supervision", "1998-04-01", "1999-03-31", "average"),
        ("NZL", "average", "2015/16", "persons_under_supervision", "2015-07-01", "2016-06-30", "average"),
        ("BRA", "point", "2024", "persons_under_supervision", "2024-01-01", "2024-12-31", "unknown_day"),
        ("ZWE", "during", "1994/1997-08", "supervision_entries", "1994-01-01", "1997-08-31", "during"),
    ],
)
def test_a_reference_date_means_a_period_and_its_kind_the_measure(
    place: str, said: str, text: str, measure: str, first: str, last: str, kind: str
) -> None:
    found = row(place=place, period_kind=said, reference_date=text)
    assert (found["measure"], found["period_kind"]) == (measure, kind)
    assert (found["period_start"].isoformat(), found["period_end"].isoformat()) == (first, last)


def test_a_date_in_words_is_read_and_repeated() -> None:
    found = row(place="ARG", reference_date="undated (2019, month not shown)")
    assert (found["period_start"], found["period_end"]) == (date(2019, 1, 1), date(2019, 12, 31))
    assert found["period_kind"] == "unknown_day"
    assert found["note"] == "persons on parole (reference date as given: undated (2019, month not shown))"


def test_what_names_no_period_is_left_out() -> None:
    parsed = read({"place": "ZAF", "reference_date": "undated", "rate_per_100k": "3"}, {})
    assert [r["place_id"] for r in plain(parsed.rows["observation"])] == ["USA"]
    assert [(e.locator, e.items) for e in parsed.left_out] == [(f"{NAME}:2:5", 1), (f"{NAME}:2:6", 1)]
    assert "no date" in parsed.left_out[0].reason


@pytest.mark.parametrize(
    ("note", "column", "value"),
    [
        ("community payback orders in force (orders, not persons)", "definition", "community_payback_orders"),
        ("Flanders only: persons placed on EM in the year", "definition", "flanders_only"),
        ("young persons (12-17) only; average count, rounded to integer here", "age", "JUVENILE"),
        ("adults on parole", "age", "ADULT"),
        ("adults on parole, rounded estimate", "status", "E"),
        ("rounded", "circa", True),
    ],
)
def test_what_a_note_warns_of(note: str, column: str, value: Any) -> None:
    found = row(definition_note=note)
    assert (found[column], found["note"]) == (value, note)


def test_a_denominator_that_differs_concerns_the_rate_alone() -> None:
    note = "average of first-day-of-month counts; rate per 100,000 adults"
    persons, rate = plain(read({"rate_per_100k": "56", "definition_note": note}).rows["observation"])
    assert (persons["definition"], rate["definition"]) == (None, "rate_per_adults")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place": "USX"}, "'USX'"),
        ({"type": "prison"}, "row 2:5, column type: 'prison'"),
        ({"period_kind": "total"}, "'total'"),
        ({"reference_date": "2016"}, "'USA' / 'point' / '2016' is not in supervision_national/references.csv; add it"),
        ({"reference_date": "undated"}, "is not in supervision_national/references.csv; add it"),
        ({"persons": ""}, "neither persons nor a rate is given"),
        ({"persons": "1,234"}, "row 2:5, column value: '1,234' is not a number"),
        ({"persons": "l234"}, "row 2:5, column value: 'l234' is not a number"),
        ({"persons": "-1"}, "row 2:5, column value: '-1' is not a number"),
        ({"persons": "NaN"}, "row 2:5, column value: 'NaN' is not a number"),
        ({"rate_per_100k": " "}, "row 2:6, column value: ' ' is not a number"),
        ({"definition_note": "parolees, perhaps"}, "'parolees, perhaps' is not in supervision_national/notes.csv"),
        ({"definition_note": ""}, "'' is not in supervision_national/notes.csv"),
        ({"source": ""}, "column source: nothing is said here"),
        ({"evidence_url": " "}, "column evidence_url: nothing is said here"),
        ({"evidence": "hearsay"}, "column evidence: 'hearsay'"),
        (
            {"place": "ITA", "period_kind": "during", "reference_date": "2020", "rate_per_100k": "5"},
            "row 2:6, column period_kind + figure: 'during' / 'rate_per_100k' is not known",
        ),
    ],
)
def test_what_is_not_clear_is_refused(change: dict[str, str], words: str) -> None:
    is_refused(lambda: read(change), words, NAME)


def test_other_columns_and_short_rows_are_refused() -> None:
    other_tables_are_refused(SOURCE, FILE, NAME, STOCK)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    never_breaks(SOURCE, FILE, NAME, delimited([HEADER, list(STOCK.values())]), data)


def test_the_tables_by_hand_hold_only_what_is_known() -> None:
    own = source(SOURCE)
    notes, references = (
        list(csv.DictReader((own.folder / name).read_text(encoding="utf-8").splitlines()))
        for name in ("notes.csv", "references.csv")
    )
    used = {n["definition"] for n in notes} | {n["rate_definition"] for n in notes}
    assert used - {""} == set(own.definitions)
    assert {n["age"] for n in notes} == {"", "ADULT", "JUVENILE"}
    assert {n["status"] for n in notes} - {""} <= set(dictionary().codes("status"))
    assert {n["circa"] for n in notes} | {r["worded"] for r in references} == {"", "yes"}
    kinds = {"point": {"point", "unknown_day"}, "average": {"average"}, "during": {"during"}}
    for r in references:
        if r["reason"]:
            assert not r["period_start"] and not r["period_end"] and not r["period_kind"]
            continue
        first, last = date.fromisoformat(r["period_start"]), date.fromisoformat(r["period_end"])
        assert r["period_kind"] in kinds[r["said_kind"]]
        assert (first == last) == (r["period_kind"] == "point")
        assert first <= last
        if r["period_kind"] == "average":
            assert (last - first).days < 366


# The figures as they were read


@pytest.fixture(scope="module")
def facts(raw: Path) -> list[dict[str, str]]:
    return facts_of(raw, NAME)


@pytest.fixture(scope="module")
def real(raw: Path) -> Parsed:
    return parse(SOURCE, FILE, NAME, (raw.parent / "facts" / NAME).read_bytes())


UNDATED = {242, 261, 283, 285, 372, 455, 456, 457}


def test_every_real_figure_is_a_row_word_for_word(raw: Path, facts: list[dict[str, str]], real: Parsed) -> None:
    found = {r["locator"]: r for r in plain(real.rows["observation"])}
    cells = {
        f"{NAME}:{line}:{column}": (fact, fact[figure])
        for line, fact in enumerate(facts, 2)
        for column, figure in ((5, "persons"), (6, "rate_per_100k"))
        if fact[figure]
    }
    assert (real.vintage, len(facts), real.items, len(cells)) == (None, 457, 482, 482)
    assert {e.locator for e in real.left_out} == {f"{NAME}:{line}:5" for line in UNDATED}
    assert set(found) == set(cells) - {e.locator for e in real.left_out}
    for locator, r in found.items():
        fact, figure = cells[locator]
        assert [r["place_id"], r["citation"], r["evidence"]] == [fact["place"], fact["source"], fact["evidence_url"]]
        assert r["value"] == float(figure)
        assert r["note"].startswith(fact["definition_note"])
        assert r["grade"] == fact["evidence"].replace(" ", "_")
        assert r["measure"] == (
            "persons_under_supervision_rate" if locator.endswith(":6")
            else "supervision_entries" if fact["period_kind"] == "during"
            else "persons_under_supervision"
        )  # fmt: skip


def test_the_real_counts(raw: Path, facts: list[dict[str, str]], real: Parsed) -> None:
    frame = real.rows["observation"]
    lines = frame.assign(line=[int(text.split(":")[1]) for text in frame["locator"]]).drop_duplicates("line")
    flows = lines["measure"].eq("supervision_entries")
    # 91 flows and 366 stocks or averages in the file, of which 4 and 4 name no period.
    assert (int(flows.sum()), int((~flows).sum())) == (91 - 4, 366 - 4)
    assert Counter(lines["grade"]) == {
        "official_page": 189, "raw_file": 116, "press": 108 - 4, "secondary": 26 - 1, "report_copy": 18 - 3,
    }  # fmt: skip
    assert set(frame["place_id"]) == {fact["place"] for fact in facts}
    kinds = Counter(places()[p].kind for p in set(frame["place_id"]))
    assert kinds == {"state": 57, "part": 3, "territory": 1}
    assert frame["supervision"].nunique() == 8
    gone = sum(int(facts[line - 2]["persons"]) for line in UNDATED)
    persons = frame[~frame["measure"].eq("persons_under_supervision_rate")]
    assert persons["value"].sum() + gone == sum(int(fact["persons"]) for fact in facts if fact["persons"])


def test_no_two_real_rows_are_the_same_figure(raw: Path, real: Parsed) -> None:
    frame, dropped, _ = complete(SOURCE, FILE, real)
    assert (len(frame), len(dropped)) == (474, 0)


def test_the_parts_of_real_rows_add_up(raw: Path, real: Parsed) -> None:
    found = {r["locator"]: r["value"] for r in plain(real.rows["observation"])}

    def value(line: int) -> float:
        return float(found[f"{NAME}:{line}:5"])

    assert value(40) + value(48) + value(78) == value(120) == 119_428  # Canada, 1998
    assert value(254) + 48_890 == value(255)  # Italy: the note says of whom 48,890 are inquiries
    assert value(359) + value(361) + value(364) == value(366) == 10_965  # Sweden, 2018, as the note says
    assert value(360) + value(362) + value(365) == value(367) == 10_250  # Sweden, 2020


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        # Read in the file, line by line.
        ("452:5", {"place_id": "USA", "value": 3_668_800, "age": "ADULT", "period_start": date(2022, 12, 31)}),
        ("446:6", {"place_id": "USA", "value": 1400, "definition": None, "grade": "raw_file"}),
        ("422:6", {"place_id": "USA", "value": 1568, "definition": "rate_per_adults", "grade": "press"}),
        ("12:6", {"place_id": "AUS", "value": 327, "definition": "rate_per_adults"}),
        ("57:6", {"place_id": "CAN", "value": 3.9, "definition": "provincial_parole", "age": "ADULT"}),
        ("26:5", {"place_id": "BEL", "value": 2593, "definition": "wallonia_brussels_only"}),
        ("191:5", {"place_id": "GBR-NIR", "value": 5886, "definition": "orders_and_licences"}),
        ("190:5", {"place_id": "GBR-NIR", "value": 4258, "definition": None, "period_end": date(2024, 3, 31)}),
        ("240:5", {"place_id": "IRL", "value": 17_150, "definition": "dealt_with", "measure": "supervision_entries"}),
        ("32:5", {"place_id": "BRA", "value": 6027, "period_kind": "unknown_day"}),
        ("2:6", {"place_id": "ALB", "value": 413, "definition": "probation_agency", "grade": "press"}),
        ("277:6", {"place_id": "MKD", "value": 9.7, "period_start": date(2023, 1, 31)}),
        ("172:5", {"place_id": "DEU", "value": 170_000, "circa": True, "period_end": date(2016, 12, 31)}),
        ("358:6", {"place_id": "SRB", "value": 35}),
    ],
)
def test_real_figures_that_a_person_looked_up(raw: Path, real: Parsed, cell: str, expected: dict[str, Any]) -> None:
    (found,) = [r for r in plain(real.rows["observation"]) if r["locator"] == f"{NAME}:{cell}"]
    assert {column: found[column] for column in expected} == expected
