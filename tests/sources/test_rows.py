"""From tidy rows to the dictionary's rows: defaults, identities, duplicates, and the count that adds up."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pandas as pd
import pytest

from dictionary.model import BREAKDOWNS, dictionary
from sources import rows
from sources.errors import Refused
from sources.reading import LeftOut, Parsed
from tests.exports.hostile import HOSTILE, IMPOSSIBLE
from tests.sources.fixtures import OBSERVATION


def tidy(*changes: dict[str, Any]) -> pd.DataFrame:
    """What a parser gives: one row for each of the changes."""
    row = {
        "locator": "s!L4", "place_id": "ALB", "dataset": "d", "measure": "persons_held", "value": 5000.0,
        "period_start": date(2019, 1, 1), "period_end": date(2019, 12, 31), "period_kind": "unknown_day",
    }  # fmt: skip
    return pd.DataFrame([{**row, **change} for change in changes or ({},)])


def complete(*changes: dict[str, Any]) -> pd.DataFrame:
    return rows.described("observation", tidy(*changes), "d", "file.csv")


# Defaults


@pytest.mark.parametrize("measure", sorted(dictionary().measures))
def test_what_a_measure_has_is_total_and_what_it_has_not_does_not_apply(measure: str) -> None:
    (row,) = complete({"measure": measure}).to_dict("records")
    applies = dictionary().measures[measure].applies
    assert {b: row[b] for b in BREAKDOWNS} == {b: "_T" if b in applies else "_Z" for b in BREAKDOWNS}
    assert row["unit"] == dictionary().measures[measure].unit


def test_defaults_that_no_measure_changes() -> None:
    (row,) = complete().to_dict("records")
    assert (row["facility"], row["status"], row["circa"]) == ("_T", "A", False)
    assert all(row[c] is None for c in ("definition", "reported_by", "correction_id", "note"))


def test_defaults_are_given_row_by_row_where_measures_differ() -> None:
    found = complete({"measure": "establishments"}, {"measure": "deaths_in_custody"}, {"measure": "persons_held"})
    assert found["sex"].tolist() == ["_Z", "_T", "_T"]
    assert found["cause"].tolist() == ["_Z", "_T", "_Z"]
    assert found["unit"].tolist() == ["establishments", "deaths", "persons"]


def test_a_breakdown_that_is_given_stays_and_an_empty_one_is_filled() -> None:
    found = complete(
        {"sex": "F"}, {"sex": None}, {"sex": float("nan")}, {"sex": "_T", "measure": "establishments"}, {"sex": "_T"}
    )
    assert found["sex"].tolist() == ["F", "_T", "_T", "_Z", "_T"]


def test_a_breakdown_of_a_measure_that_has_none_is_refused_with_its_cell() -> None:
    with pytest.raises(Refused) as error:
        complete({"cause": None}, {"cause": "SUICIDE", "locator": "s!L9"})
    assert str(error.value) == (
        "file.csv, row s!L9: persons_held has no breakdown by cause in dictionary/measures.yml, yet 'SUICIDE' is given."
    )


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(Refused, match="a measure 'prisoners' that dictionary/measures.yml does not have"):
        complete({}, {"measure": "prisoners"})


def test_the_parsers_frame_is_left_as_it_was() -> None:
    given = tidy({"sex": None})
    before = given.copy(deep=True)
    rows.described("observation", given, "d", "file.csv")
    pd.testing.assert_frame_equal(given, before)


# Identities


def by_hand(source: str, dataset: str, row: dict[str, Any], vintage: str) -> str:
    """The docstring in Python: source, dataset, series key, period and vintage joined by the unit separator."""
    key = [
        "place_id",
        "facility",
        "measure",
        "sex",
        "age",
        "legal_status",
        "citizenship",
        "offence",
        "supervision",
        "cause",
        "unit",
        "definition",
        "period_start",
        "period_end",
        "period_kind",
    ]
    texts = [source, dataset, *("" if row[c] is None else str(row[c]) for c in key), vintage]
    return hashlib.sha256("\x1f".join(texts).encode("utf-8")).hexdigest()[:16]


def test_an_identity_is_the_one_that_the_definition_gives() -> None:
    found = complete({}, {"sex": "F", "place_id": "GBR-EAW", "value": 1.0}, {"measure": "establishments"})
    found.loc[1, "definition"] = "ä"
    expected = [by_hand("src", "d", row, "2023-05-11") for row in found.to_dict("records")]
    assert rows.identities(found, OBSERVATION, "src", "2023-05-11") == expected
    text = "src\x1fd\x1fALB\x1f_T\x1fpersons_held\x1f_T\x1f_T\x1f_T\x1f_T\x1f_T\x1f_Z\x1f_Z\x1fpersons\x1f\x1f2019-01-01\x1f2019-12-31\x1funknown_day\x1f2023-05-11"
    assert expected[0] == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_dictionary_makes_it_of_the_same_columns() -> None:
    identity = dictionary().tables["observation"].identity
    assert identity is not None and (identity.column, identity.of) == ("observation_id", OBSERVATION)


def test_an_identity_never_changes() -> None:
    """A figure that was cited must be found again in every later version: this value may not be edited."""
    assert rows.identities(complete(), OBSERVATION, "src", "2023-05-11") == ["8095cba7f441bcad"]


@pytest.mark.parametrize(
    "change",
    [
        {"place_id": "AND"}, {"dataset": "e"}, {"measure": "admissions"}, {"sex": "F"}, {"age": "ADULT"},
        {"legal_status": "SENTENCED"}, {"citizenship": "FOREIGN"}, {"offence": "ICCS01"}, {"unit": "places"},
        {"definition": "x"}, {"period_start": date(2019, 1, 2)}, {"period_end": date(2019, 12, 30)},
        {"period_kind": "average"}, {"facility": "one"},
    ],
)  # fmt: skip
def test_whatever_makes_it_another_figure_makes_it_another_identity(change: dict[str, Any]) -> None:
    assert rows.identities(complete(change), OBSERVATION, "s", "2023") != rows.identities(
        complete(), OBSERVATION, "s", "2023"
    )


@pytest.mark.parametrize(
    "change", [{"value": 1.0}, {"locator": "s!L5"}, {"note": "n"}, {"status": "E"}, {"circa": True}]
)
def test_what_is_said_of_a_figure_does_not_make_it_another(change: dict[str, Any]) -> None:
    assert rows.identities(complete(change), OBSERVATION, "s", "2023") == rows.identities(
        complete(), OBSERVATION, "s", "2023"
    )


def test_source_and_vintage_are_in_the_identity_and_do_not_run_together() -> None:
    found = complete()
    all_of_them = [rows.identities(found, OBSERVATION, *x)[0] for x in (("s", "2023"), ("t", "2023"), ("s", "2024"))]
    assert len(set(all_of_them)) == 3
    assert rows.identities(complete({"dataset": "sd"}), OBSERVATION, "", "2023") != rows.identities(
        complete(), OBSERVATION, "sd", "2023"
    )


def test_the_order_of_rows_and_columns_does_not_matter() -> None:
    found = complete({}, {"sex": "F"}, {"sex": "M"}, {"place_id": "AND"})
    straight = rows.identities(found, OBSERVATION, "s", "2023")
    assert rows.identities(found.iloc[::-1][list(found.columns)[::-1]], OBSERVATION, "s", "2023") == straight[::-1]


# Duplicates


def refuse(found: pd.DataFrame) -> None:
    rows.refuse_duplicates(
        found.assign(observation_id=rows.identities(found, OBSERVATION, "s", "2023")), "observation_id", "file.csv"
    )


def test_one_key_twice_is_refused_with_both_places_and_values() -> None:
    with pytest.raises(Refused) as error:
        refuse(complete({"sex": "F"}, {"locator": "s!L7"}, {"locator": "s!L9", "value": 5000.5}))
    assert str(error.value).startswith(
        "file.csv: the key ALB / persons_held / _T / _T / _T / 2019-12-31 stands there 2 times "
        "(s!L7 = 5,000, s!L9 = 5,000.5; 2 rows in all are such)"
    )


def test_equal_values_under_one_key_are_refused_too() -> None:
    with pytest.raises(Refused, match="stands there 2 times"):
        refuse(complete({}, {"locator": "s!L5"}))


def test_a_missing_value_under_one_key_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="stands there 2 times"):
        refuse(complete({"value": None, "status": "M"}, {"value": 3.0, "locator": "s!L5"}))


def test_keys_that_differ_pass() -> None:
    refuse(complete({}, {"sex": "F"}, {"definition": "x"}, {"period_end": date(2019, 6, 1)}))


# Counting and filling


def parsed(items: int) -> Parsed:
    return Parsed(None, items, {"observation": tidy()})


def test_what_was_read_is_what_was_made_and_left_out() -> None:
    rows.check_count(parsed(5), {"observation": 3}, 2, "file.csv")


@pytest.mark.parametrize("made", [2, 4])
def test_an_item_lost_or_invented_is_refused(made: int) -> None:
    with pytest.raises(Refused, match=rf"file\.csv: 5 items were read, but {made} rows and 2 left out"):
        rows.check_count(parsed(5), {"observation": made}, 2, "file.csv")


PROVENANCE = {"source_id": "s", "file": "f", "vintage": "2023", "snapshot": "0" * 64, "licence": "CC-BY-4.0"}


def test_filled_rows_have_the_dictionarys_columns_in_its_order() -> None:
    found = complete().assign(observation_id="0" * 16)
    filled = rows.fill("observation", found, PROVENANCE, "file.csv")
    assert tuple(filled.columns) == dictionary().tables["observation"].column_names
    assert filled[list(PROVENANCE)].iloc[0].to_dict() == PROVENANCE
    assert filled["value"].tolist() == [5000.0]


def test_a_column_that_the_parser_gives_itself_is_not_overwritten() -> None:
    found = complete().assign(observation_id="0" * 16, licence="UN-terms")
    assert rows.fill("observation", found, PROVENANCE, "file.csv")["licence"].tolist() == ["UN-terms"]


def test_a_missing_column_is_refused_unless_it_may_be_missing() -> None:
    frame = pd.DataFrame({"component": ["x"], "place_id": ["CHN"], "measure": ["persons_held"]})
    with pytest.raises(Refused, match="the parser gives no column locator, counts of table gap"):
        rows.fill("gap", frame, PROVENANCE, "gaps.csv")
    filled = rows.fill("gap", frame.assign(locator="l", counts="beside"), PROVENANCE, "gaps.csv")
    assert filled[["low", "central", "high", "note"]].isna().all(axis=None)


def test_a_column_too_many_is_refused() -> None:
    found = complete().assign(observation_id="0" * 16, colour="red")
    with pytest.raises(Refused, match="gives a column colour that table observation does not have"):
        rows.fill("observation", found, PROVENANCE, "file.csv")


def test_what_is_left_out_keeps_what_was_written() -> None:
    found = rows.left_out_rows([LeftOut("s!A1", "missing", {"geo": "Curaçao", "day": date(2020, 1, 1)}, 3)])
    assert found.to_dict("records") == [
        {
            "locator": "s!A1", "items": 3, "reason": "missing",
            "raw": '{"geo": "Curaçao", "day": "2020-01-01"}', "correction_id": None,
        }
    ]  # fmt: skip
    assert rows.left_out_rows([]).empty


# Text


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_character_that_no_file_can_hold_is_refused_by_cell(text: str) -> None:
    frame = complete({}, {"locator": "s!L5", "note": text})
    sign = next(c for c in text if not c.isalpha() and c not in " [")
    with pytest.raises(Refused, match=rf"file\.csv, row s!L5: note has the character U\+{ord(sign):04X}, which no CSV"):
        rows.refuse_unprintable(frame, "file.csv")


@pytest.mark.parametrize("text", HOSTILE)
def test_any_other_text_is_taken_as_it_is(text: str) -> None:
    frame = complete({"note": text})
    rows.refuse_unprintable(frame, "file.csv")
    assert frame["note"].tolist() == [text]


def test_a_file_with_an_impossible_character_makes_no_row() -> None:
    constants = {"source_id": "s", "file": "f", "vintage": "2024", "snapshot": "0" * 64, "licence": "CC-BY-4.0"}
    frame = complete({"note": "a\0b"}).assign(observation_id="0" * 16)
    with pytest.raises(Refused, match=r"row s!L4: note has the character U\+0000"):
        rows.fill("observation", frame, constants, "file.csv")
