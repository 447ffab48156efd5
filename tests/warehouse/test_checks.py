"""Checks: passed, failed and could not run are three things, and a failing row is named where it stands."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from dictionary.model import dictionary
from dictionary.render import Expectation
from sources.places import places
from tests.warehouse.made import frame, gap, observation
from warehouse import checks, evaluate
from warehouse.accepted import as_arrow
from warehouse.results import CheckResult

Row = dict[str, Any]


def ask(*rows: Row, table: str = "observation") -> list[CheckResult]:
    """The whole suite of a table on the rows."""
    return checks.run(table, as_arrow(table, frame(table, rows)), checks.suite(dictionary().tables[table]))


def broken(*rows: Row, table: str = "observation") -> list[CheckResult]:
    return [r for r in ask(*rows, table=table) if r.outcome != "passed"]


def put(expected: Expectation, *rows: Row) -> CheckResult:
    (answer,) = checks.run("observation", as_arrow("observation", frame("observation", rows)), [expected])
    return answer


FINE = [
    observation("ALB", 5000),
    observation("ALB", 0, 2019),
    observation("GBR-EAW", 79092.5, on=date(2020, 3, 31)),
    observation("DEU", None, status="M", note="not available"),
    observation("FRA", 4999.9, measure="persons_held_rate"),
]


def test_rows_as_they_should_be_pass_every_expectation() -> None:
    answers = ask(*FINE)
    assert {a.outcome for a in answers} == {"passed"} and len(answers) > 30
    assert not any(a.blocks or a.failing or a.examples for a in answers)


#: One wrong cell a row, with its column.
WRONG: list[tuple[str, Any]] = [
    ("place_id", "ZZZ"), ("place_id", "alb"), ("place_id", ""), ("measure", "prisoners"), ("sex", "X"), ("status", "Q"),
    ("unit", "kg"), ("licence", "mine"), ("period_kind", "sometime"), ("value", -1.0), ("value", -0.001),
    ("vintage", "May 2023"), ("vintage", "2023-05-11-r"), ("vintage", "../2023"), ("snapshot", "0" * 63),
    ("snapshot", "G" * 64), ("observation_id", "xyz"), ("period_start", date(1013, 1, 1)),
    ("period_start", date(1899, 12, 31)), ("locator", None), ("facility", None), ("vintage", None), ("unit", None),
]  # fmt: skip


def test_every_wrong_cell_among_many_rows_is_found_and_named_and_no_other() -> None:
    wrong = [{**observation("ALB", 1, 1950 + n, note=str(n)), c: cell} for n, (c, cell) in enumerate(WRONG)]
    answers = broken(*FINE, *wrong)
    assert {a.outcome for a in answers} == {"failed"} and all(a.blocks and a.rows == 5 + len(WRONG) for a in answers)
    found = sorted((a.columns[0], str(e[a.columns[0]])) for a in answers for e in a.examples)
    assert found == sorted((column, str(cell)) for column, cell in WRONG)
    assert sum(a.failing for a in answers) == len(WRONG)


def test_one_wrong_cell_is_told_with_its_place_in_the_file() -> None:
    (answer,) = broken(*FINE, observation("ALB", 1, sex="X", locator="f.csv:77:1"))
    assert (answer.outcome, answer.columns, answer.failing, answer.rows) == ("failed", ("sex",), 1, 6)
    assert answer.blocks and answer.examples[0]["locator"] == "f.csv:77:1" and answer.examples[0]["sex"] == "X"
    assert "1 of 6 rows break it" in answer.sentence() and "f.csv:77:1" in answer.sentence()


def test_a_period_before_the_year_1900_fails_on_both_ends() -> None:
    found = broken(*FINE, observation("MAR", 40260, period_start=date(1013, 1, 1), period_end=date(1013, 12, 31)))
    assert sorted(a.columns for a in found) == [("period_end",), ("period_start",)]
    assert {e["period_end"] for a in found for e in a.examples if "period_end" in e} == {"1013-12-31"}


def test_a_rate_above_5000_per_100_000_fails_and_a_count_above_does_not() -> None:
    fine = observation("FRA", 5000, 2018, measure="persons_held_rate")
    assert broken(*FINE, observation("FRA", 5001, 2018), fine) == []
    (answer,) = broken(*FINE, observation("FRA", 5001, 2018, measure="persons_held_rate", locator="f.csv:9:1"))
    assert (answer.outcome, answer.failing, answer.blocks) == ("failed", 1, True)
    assert answer.rows == 2, "only rates are asked"
    assert answer.examples[0]["locator"] == "f.csv:9:1" and answer.examples[0]["value"] == 5001


@pytest.mark.parametrize("status", ["A", "B", "E", "P"])
def test_a_missing_value_that_does_not_say_so_fails(status: str) -> None:
    (answer,) = broken(*FINE, observation("FRA", None, 2018, status=status, locator="f.csv:9:1"))
    assert answer.outcome == "failed" and answer.examples[0]["locator"] == "f.csv:9:1" and answer.blocks


def test_a_period_that_ends_before_it_begins_fails() -> None:
    turned = observation("FRA", 1, period_start=date(2020, 7, 1), period_end=date(2020, 6, 30), locator="f.csv:9:1")
    (answer,) = broken(*FINE, turned)
    assert answer.outcome == "failed" and answer.failing == 1 and answer.blocks
    example = answer.examples[0]
    assert (example["locator"], example["period_start"], example["period_end"]) == (
        "f.csv:9:1",
        "2020-07-01",
        "2020-06-30",
    )


def test_one_identity_twice_fails() -> None:
    twice = observation("FRA", 1, locator="f.csv:9:1")
    (answer,) = broken(*FINE, twice, {**twice, "value": 2.0})
    assert (answer.columns, answer.failing) == (("observation_id",), 2)


def test_several_broken_expectations_are_all_told() -> None:
    found = broken({**observation("ZZZ", -1), "sex": "X"}, *FINE)
    assert {a.columns for a in found} == {("place_id",), ("value",), ("sex",)}


# Long lists of codes are cut to those that occur


def test_one_unknown_place_among_hundreds_of_known_ones_fails() -> None:
    rows = [observation(p, 1, locator=p) for p in places()]
    assert len(rows) > 10 * evaluate.LONG_LIST
    assert broken(*rows) == []
    (answer,) = broken(*rows[:300], observation("ZZZ", 1, locator="here"), *rows[300:])
    assert answer.failing == 1 and answer.examples[0]["locator"] == "here" and answer.examples[0]["place_id"] == "ZZZ"


def test_unknown_places_alone_fail() -> None:
    (answer,) = broken(observation("ZZZ", 1), observation("YYY", 1))
    assert answer.failing == 2


def test_no_more_than_twenty_examples_are_kept() -> None:
    (answer,) = broken(*(observation("ZZZ", 1, 1950 + n) for n in range(50)))
    assert answer.failing == 50 and len(answer.examples) == evaluate.EXAMPLES == 20


# Nothing, and nulls


def test_a_table_without_rows_fails_unless_it_may_be_empty() -> None:
    found = broken()
    assert [(a.type, a.outcome, a.blocks) for a in found] == [("expect_table_row_count_to_be_between", "failed", True)]
    assert dictionary().tables["left_out"].may_be_empty and broken(table="left_out") == []


@pytest.mark.parametrize("name", sorted(dictionary().tables))
def test_every_table_that_may_not_be_empty_says_so(name: str) -> None:
    assert any(a.blocks for a in broken(table=name)) != dictionary().tables[name].may_be_empty


def test_a_key_of_several_columns_is_unique_also_where_it_is_missing() -> None:
    (answer,) = [a for a in broken(gap("PRK", 1), gap("PRK", 2), table="gap") if "unique" in a.type]
    assert answer.failing == 2 and answer.columns == ("place_id", "component")
    key = Expectation(
        "expect_compound_columns_to_be_unique",
        {"column_list": ["note", "reported_by"], "ignore_row_if": "never"}, "critical", "r",
    )  # fmt: skip
    assert put(key, *FINE[:2]).outcome == "failed", "both rows have neither"
    assert put(key, FINE[0], {**FINE[1], "note": "n"}).outcome == "passed"


def test_what_may_be_missing_may_be_missing() -> None:
    assert broken(gap("PRK", None, citation=None, reference=None, note=None), table="gap") == []


# What could not run


@pytest.mark.parametrize(
    ("type_", "kwargs"),
    [
        ("expect_column_values_to_match_regex", {"column": "note", "regex": "("}),
        ("expect_column_values_to_match_regex", {"column": "sex", "regex": "["}),
        ("expect_column_values_to_be_between", {"column": "no_such_column", "min_value": 0}),
        ("expect_column_values_to_be_between", {"column": "sex", "min_value": 0}),
        ("expect_column_values_to_please", {"column": "sex"}),
        ("expect_column_values_to_be_between", {"column": "value"}),
    ],
)
def test_a_check_that_raises_could_not_run_and_blocks(type_: str, kwargs: Row) -> None:
    rows = [{**row, "note": "n"} for row in FINE]
    answer = put(Expectation(type_, kwargs, "critical", "The reason."), *rows)
    assert (answer.outcome, answer.blocks) == ("could_not_run", True)
    assert answer.detail and answer.sentence().startswith("observation: the check could not run (The reason. ")


def test_a_check_that_could_not_run_takes_no_other_with_it() -> None:
    rows = as_arrow("observation", frame("observation", FINE))
    suite = [
        Expectation("expect_column_values_to_match_regex", {"column": "sex", "regex": "("}, "warning", "a"),
        Expectation("expect_column_values_to_not_be_null", {"column": "value"}, "warning", "b"),
        Expectation("expect_column_values_to_not_be_null", {"column": "sex"}, "critical", "c"),
    ]
    answers = checks.run("observation", rows, suite)
    assert [(a.reason, a.outcome) for a in answers] == [("a", "could_not_run"), ("b", "failed"), ("c", "passed")]
    assert not any(a.blocks for a in answers), "a warning does not block, whatever became of it"


def test_a_failed_warning_does_not_block() -> None:
    answer = put(Expectation("expect_column_values_to_not_be_null", {"column": "value"}, "warning", "r"), *FINE)
    assert (answer.outcome, answer.blocks, answer.failing) == ("failed", False, 1)


def test_columns_in_another_order_or_number_fail() -> None:
    rows = as_arrow("observation", frame("observation", FINE))
    suite = checks.suite(dictionary().tables["observation"])[:1]
    for changed in (
        rows.select(rows.column_names[::-1]),
        rows.drop_columns(["note"]),
        rows.append_column("x", pa.nulls(5)),
    ):
        (answer,) = checks.run("observation", changed, suite)
        assert (answer.outcome, answer.blocks) == ("failed", True)
    assert checks.run("observation", rows, suite)[0].outcome == "passed"


def test_a_condition_concerns_only_its_rows() -> None:
    rows = {"column": "unit", "operator": "in", "values": ["per_100k"]}
    e = Expectation(
        "expect_column_values_to_be_between", {"column": "value", "max_value": 10, "rows": rows}, "critical", "r"
    )
    assert put(e, observation("FRA", 11)).outcome == "passed"
    assert put(e, observation("FRA", 11)).detail == "No row is concerned."
    assert put(e, observation("FRA", 11, measure="persons_held_rate")).outcome == "failed"


def test_the_answer_as_plain_data_can_be_written_down() -> None:
    (answer,) = broken(observation("ZZZ", 1))
    plain = answer.as_dict()
    assert CheckResult(**plain) == answer and plain["examples"][0]["place_id"] == "ZZZ"


def test_the_rows_given_are_left_as_they_were() -> None:
    rows = as_arrow("observation", frame("observation", FINE))
    given = rows.to_pandas()
    before = given.copy(deep=True)
    checks.run("observation", rows, checks.suite(dictionary().tables["observation"]))
    pd.testing.assert_frame_equal(given, before)


def test_whatever_goes_wrong_in_the_other_process_is_no_answer() -> None:
    """Also an error that is nobody's: the check could not run, and the step goes on to say so."""
    from concurrent.futures import Future

    from warehouse import checks

    answer: Future[list[CheckResult]] = Future()
    answer.set_exception(MemoryError("no room"))
    expected = checks.suite(dictionary().tables["gap"])
    results = checks.Asked("gap", expected, answer).answers()
    assert len(results) == len(expected) and {r.outcome for r in results} == {"could_not_run"}
    assert {r.detail for r in results} == {"MemoryError: no room"}
