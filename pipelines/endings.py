"""How a run ended, from what Dagster wrote down of it: why a step failed, and which sources fell back.

Dagster itself is not imported: the objects are given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: What Dagster writes down of a step that Ctrl-C ended.
INTERRUPTED = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")
STOPPED = "Query interrupted"  # DuckDB's word for it, in a RuntimeError


def _errors(event: Any) -> list[Any]:
    """The error of a failed step and what led to it, the first cause last."""
    return _causes(event.step_failure_data.error)


def _causes(error: Any) -> list[Any]:
    errors = [error] if error else []
    while cause := errors and (errors[-1].cause or errors[-1].context):
        errors.append(cause)
    return errors


def stopped(event: Any) -> bool:
    """Whether a step failed because somebody stopped it."""
    return any(e.cls_name in INTERRUPTED or STOPPED in e.message for e in _errors(event))


def reason(event: Any) -> str:
    """The sentence of a failed step."""
    told = event.step_failure_data.user_failure_data
    if told and told.description:
        return str(told.description)
    errors = _errors(event)
    first = errors[-1].message.strip().splitlines()[0] if errors else "no reason was given"
    return f"step {event.step_key} failed: {first}"


def reason_of_run(event: Any) -> str:
    """The sentence of a run that failed before or between its steps, as where its configuration is wrong."""
    causes = _causes(getattr(event.event_specific_data, "error", None))
    said = " ".join((causes[-1].message if causes else event.message or "no reason was given").split())
    return f"the run failed: {said.split(' For further information visit ')[0]}"  # an address that pydantic adds


def fallen_back(checks: Iterable[Any]) -> dict[str, str]:
    """For each source that uses an older vintage, why; `checks` are the answers that a run gave."""
    return {
        check.asset_key.path[-1]: check.description or ""
        for check in checks
        if check.asset_key.path[0] == "accepted" and not check.passed
    }
