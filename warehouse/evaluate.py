"""Running expectations with Great Expectations, and telling passed, failed and could-not-run apart.

This is all that knows Great Expectations. It takes longer to import than everything else together, so it is imported
at the first use, and that is in the processes of `warehouse.checkers`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa

from dictionary.model import Table
from dictionary.render import ABOUT_THE_WHOLE, Expectation
from sources import collecting
from warehouse.results import NO_ROW, CheckResult, Outcome

#: Great Expectations compares dates one by one, but numbers at once: days are counted from here.
EPOCH = pd.Timestamp("1970-01-01")

#: A code list longer than this is cut to the codes that occur.
LONG_LIST = 50

#: How many failing rows a report shows.
EXAMPLES = 20


@cache
def batches() -> Any:
    """Great Expectations, imported and ready to be handed frames."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with collecting.later():
        import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas("frames")
    return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")


def _concerned(frame: pd.DataFrame, expectation: Expectation) -> pd.DataFrame:
    rows = expectation.kwargs["rows"]
    among = frame[rows["column"]].isin(rows["values"])
    concerned: pd.DataFrame = frame[among if rows["operator"] == "in" else ~among]
    return concerned


def _arguments(expectation: Expectation, table: Table, frame: pd.DataFrame) -> dict[str, Any]:
    kwargs = {k: v for k, v in expectation.kwargs.items() if k != "rows"}
    dates = {c.name for c in table.columns if c.type == "date"}
    for bound in ("min_value", "max_value"):
        if kwargs.get("column") in dates and bound in kwargs:
            kwargs[bound] = (pd.Timestamp(kwargs[bound]) - EPOCH).days
    if len(kwargs.get("value_set", ())) > LONG_LIST:
        # Great Expectations copies the list dozens of times; codes that no row holds cannot change the answer.
        kwargs["value_set"] = sorted(set(kwargs["value_set"]) & set(frame[kwargs["column"]].dropna().unique()))
    return kwargs


def _examples(
    frame: pd.DataFrame, index: Sequence[int], columns: Sequence[str], table: Table
) -> tuple[dict[str, Any], ...]:
    show = [c for c in dict.fromkeys([*table.key, "locator", "place_id", *columns]) if c in frame.columns]
    dates = {c.name for c in table.columns if c.type == "date"}

    def told(column: str, value: Any) -> Any:
        if pd.isna(value):
            return None
        return str((EPOCH + pd.Timedelta(days=value)).date()) if column in dates else value

    rows = frame.loc[list(index[:EXAMPLES]), show].to_dict("records")
    return tuple({str(c): told(str(c), v) for c, v in row.items()} for row in rows)


def evaluate(table: Table, rows: pa.Table, expected: Sequence[Expectation]) -> list[CheckResult]:
    """Hold a table's rows against expectations, in this process.

    An expectation that raises is `could_not_run`, never passed, and a table without rows fails unless the dictionary
    says that it may be empty.
    """
    frame = rows.to_pandas()
    for column in table.columns:
        if column.type == "date" and column.name in frame:
            frame[column.name] = _day_numbers(frame[column.name])
    answers: dict[int, CheckResult] = {}
    for concerned, group in _by_rows(expected).items():
        part = frame if concerned is None else _concerned(frame, expected[group[0]])
        answers |= _validate(table, part, {i: expected[i] for i in group})
    return [answers[i] for i in range(len(expected))]


def _day_numbers(days: pd.Series[Any]) -> pd.Series[Any]:
    return (pd.to_datetime(days) - EPOCH).dt.days


def _by_rows(expected: Sequence[Expectation]) -> dict[str | None, list[int]]:
    """Positions of the expectations, together where they concern the same rows: one pass over the data for each."""
    groups: dict[str | None, list[int]] = {}
    for i, expectation in enumerate(expected):
        rows = expectation.kwargs.get("rows")
        groups.setdefault(None if rows is None else repr(rows), []).append(i)
    return groups


def _validate(table: Table, frame: pd.DataFrame, expected: dict[int, Expectation]) -> dict[int, CheckResult]:
    answers: dict[int, CheckResult] = {}

    def answer(i: int, outcome: Outcome, **more: Any) -> None:
        e = expected[i]
        answers[i] = CheckResult(table.name, e.name, e.columns, e.severity, e.reason, outcome, len(frame), **more)

    runnable: list[Any] = []
    for i, expectation in expected.items():
        if frame.empty and expectation.type not in ABOUT_THE_WHOLE:
            answer(i, "passed", detail=NO_ROW)
            continue
        try:
            runnable.append(_configured(expectation, table, frame, i))
        except Exception as error:  # whatever a check raises, it has not passed
            answer(i, "could_not_run", detail=f"{type(error).__name__}: {error}")
    if not runnable:
        return answers
    try:
        given = _ask(table.name, frame, runnable, "BOOLEAN_ONLY")
        # Which rows break an expectation is asked only where some do: it takes as long as all the rest.
        broken = [e for e in runnable if not given[e.meta["position"]].success]
        given |= _ask(table.name, frame, broken, "COMPLETE") if broken else {}
    except Exception as error:  # as above
        for i in expected.keys() - answers.keys():
            answer(i, "could_not_run", detail=f"{type(error).__name__}: {error}")
        return answers
    for i, each in given.items():
        if raised := _raised(each.exception_info):
            answer(i, "could_not_run", detail=raised)
        elif each.success:
            rule = expected[i].rule  # of which a share may break
            answer(i, "passed", failing=int((~frame["holds"]).sum()) if rule else 0)
        else:
            shown = [c for c in frame.columns if c != "holds"] if expected[i].rule else expected[i].columns
            index = [int(at) for at in each.result.get("unexpected_index_list") or []]
            answer(
                i,
                "failed",
                failing=int(each.result.get("unexpected_count") or 0),
                examples=_examples(frame, index, shown, table),
                detail=None if index else f"Found: {each.result.get('observed_value')}.",
            )
    for i in expected.keys() - answers.keys():
        answer(i, "could_not_run", detail="Great Expectations gave no answer.")
    return answers


def _ask(name: str, frame: pd.DataFrame, expectations: list[Any], result_format: str) -> dict[int, Any]:
    """Great Expectations' answers, by the position that each expectation bears."""
    from great_expectations import ExpectationSuite

    batch = batches().get_batch(batch_parameters={"dataframe": frame})
    given = batch.validate(ExpectationSuite(name=name, expectations=expectations), result_format=result_format)
    return {each.expectation_config.meta["position"]: each for each in given.results}


def _configured(expectation: Expectation, table: Table, frame: pd.DataFrame, position: int) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return ExpectationConfiguration(
        type=expectation.type, kwargs=_arguments(expectation, table, frame), meta={"position": position}
    ).to_domain_obj()


def _raised(info: Any) -> str | None:
    """The message of an exception inside Great Expectations, which keeps one for all or one per metric."""
    entries = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    messages = [str(e.get("exception_message")) for e in entries if isinstance(e, dict) and e.get("raised_exception")]
    return "; ".join(messages) or None
