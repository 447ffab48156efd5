"""What a check answers: passed, failed or could not run, on how many rows, and which rows break it.

Apart from `warehouse.checks` so that reading answers takes no library to import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dictionary.model import Severity

Outcome = Literal["passed", "failed", "could_not_run"]

#: The `detail` of a check that passed because there was no row to hold against it.
NO_ROW = "No row is concerned."


@dataclass(frozen=True)
class CheckResult:
    """The answer to one expectation.

    `type` is the kind of expectation, or the name of a rule. `failing` counts rows that break it (of a rule that holds
    for a share, also where it passed), `examples` are the first of them, and `detail` says what was found where no rows
    are to blame or the check could not run.
    """

    table: str
    type: str
    columns: tuple[str, ...]
    severity: Severity
    reason: str
    outcome: Outcome
    rows: int
    failing: int = 0
    examples: tuple[dict[str, Any], ...] = ()
    detail: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether the data may not be used: a critical expectation that did not pass, for whatever reason."""
        return self.severity == "critical" and self.outcome != "passed"

    @property
    def can_be_waived(self) -> bool:
        """Whether a person may accept the data all the same: what the tables need in order to hold them must be so."""
        return self.outcome == "failed" and not self.type.startswith("expect_")

    def sentence(self) -> str:
        """What happened, for a person."""
        if self.outcome == "could_not_run":
            return f"{self.table}: the check could not run ({self.reason} {self.detail})"
        first = f", the first: {in_words(self.examples[0])}" if self.examples else ""
        broken = f"{self.failing:,} of {self.rows:,} rows break it{first}." if self.failing else None
        return f"{self.table}: " + " ".join(filter(None, [self.reason, broken, self.detail]))

    def as_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        return asdict(self)


def in_words(row: Mapping[str, Any]) -> str:
    """A row as part of a sentence: each column's name and what stands there."""
    return ", ".join(f"{name} {'missing' if value is None else as_text(value)}" for name, value in row.items())


def as_text(value: Any) -> str:
    """A value for people: nothing where it is missing, and thousands told apart from five digits on, as in no year."""
    if value is None:
        return ""
    if isinstance(value, float):
        value = int(value) if value.is_integer() else round(value, 4)
    return f"{value:,}" if isinstance(value, (int, float)) and abs(value) >= 10_000 else str(value)


def from_plain(plain: Mapping[str, Any]) -> CheckResult:
    """The result that `as_dict` made plain."""
    return CheckResult(**{**plain, "columns": tuple(plain["columns"]), "examples": tuple(plain["examples"])})


def to_plain(results: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """Results as JSON holds them, which `from_plain` reads back."""
    plain: list[dict[str, Any]] = json.loads(json.dumps([r.as_dict() for r in results], default=str))
    return plain
