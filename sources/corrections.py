"""Corrections of publishers' evident errors: data with evidence, held against the file each time.

`corrections.yml` in a source's folder lists them. `match` finds rows by our own columns, `expect` states the wrong
value (a list where several rows bear one each); only where both hold, for as many rows as `rows` says, is `set` applied
or the rows dropped. Where the publisher has mended the error, `expect` no longer holds and the correction is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dictionary.model import LOADER, faults
from sources.errors import Refused, refusal
from sources.reading import LeftOut

Scalar = date | float | str | None


class Correction(BaseModel):
    """One entry of corrections.yml; `rows` is how many rows it must concern."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern="^[a-z0-9-]+$")
    file: str
    table: str = "observation"
    match: Mapping[str, Scalar]
    expect: Mapping[str, Scalar | list[Scalar]] = Field(min_length=1)
    change: Mapping[str, Scalar] | None = Field(default=None, alias="set")
    drop: bool = False
    rows: int = Field(default=1, ge=1)
    reason: str
    evidence: str
    decided_on: date

    @model_validator(mode="after")
    def _one_change(self) -> Correction:
        if self.drop == (self.change is not None):
            raise ValueError(f"correction {self.id}: give either `set` or `drop: true`")
        return self


def read_corrections(folder: Path) -> list[Correction]:
    """The corrections of a source, none where it has no corrections.yml.

    Raises:
        Refused: naming the file and the entry that is wrong.
    """
    path = folder / "corrections.yml"
    if not path.exists():
        return []
    try:
        entries = [Correction(**raw) for raw in yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)]
    except (ValidationError, TypeError, yaml.YAMLError) as error:
        raise Refused(f"{folder.name}/corrections.yml: {faults(error)}.") from error
    if len({e.id for e in entries}) != len(entries):
        raise Refused(f"{folder.name}/corrections.yml: an id is used twice.")
    return entries


def _concerned(
    frame: pd.DataFrame, conditions: Iterable[tuple[str, Scalar | list[Scalar]]], file: str, correction: str
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows hold all conditions; each is asked only of the rows that hold those before it."""
    at = np.arange(len(frame))
    for column, wanted in conditions:
        if column not in frame:
            raise refusal(file, f"correction {correction} names a column {column!r} that the rows do not have.")
        cells = frame[column].take(at) if len(at) < len(frame) else frame[column]
        several = cells.isin(wanted) if isinstance(wanted, list) else cells == wanted
        holds = cells.isna() if wanted is None else several
        at = at[holds.to_numpy(dtype=bool, na_value=False)]
    mask = np.zeros(len(frame), dtype=bool)
    mask[at] = True
    return mask


def apply(
    frame: pd.DataFrame, corrections: list[Correction], name: str
) -> tuple[pd.DataFrame, list[LeftOut], pd.DataFrame]:
    """Correct the rows that one file gives to a table.

    Args:
        frame: the rows with every describing column, not yet with identities.
        corrections: those of this file and table.
        name: the file's own name, for messages.

    Returns:
        The corrected rows, the rows dropped, and what became of each correction (columns of table `correction`).

    Raises:
        Refused: when a correction concerns another number of rows than it says, or one row is concerned by two. Where
            it concerns none, or not every value of a list is there, the publisher has mended the error, and the
            correction is stale.
    """
    frame = frame.reset_index(drop=True)
    dropped: list[LeftOut] = []
    gone = np.zeros(len(frame), dtype=bool)
    record: list[dict[str, Any]] = []
    for c in corrections:
        mask = _concerned(frame, [*c.match.items(), *c.expect.items()], name, c.id) & ~gone
        found = int(mask.sum())
        mended = found < c.rows and any(isinstance(value, list) for value in c.expect.values())
        if found not in (0, c.rows) and not mended:
            raise refusal(
                name,
                f"correction {c.id} should concern {c.rows} rows and concerns {found}; "
                "look at the file and mend corrections.yml.",
            )
        applied = found == c.rows
        if applied and c.drop:
            gone |= mask
            dropped += [
                LeftOut(row["locator"], f"{c.id}: {c.reason}", _telling(row)) for row in frame[mask].to_dict("records")
            ]
        elif applied and c.change is not None:
            for column, value in c.change.items():
                if column not in frame:
                    raise refusal(name, f"correction {c.id} sets a column {column!r} that the rows do not have.")
                frame.loc[mask, column] = value
            if (before := frame.loc[mask, "correction_id"].dropna()).size:
                raise refusal(name, f"corrections {before.iloc[0]} and {c.id} concern the same row; make them one.")
            frame.loc[mask, "correction_id"] = c.id
        record.append(
            {
                "correction_id": c.id,
                "state": "applied" if applied else "stale",
                "rows": found if applied else 0,
                "match": _json(c.match),
                "expect": _json(c.expect),
                "change": "drop" if c.drop else _json(c.change),
                "reason": c.reason,
                "evidence": c.evidence,
                "decided_on": c.decided_on,
            }
        )
    return frame[~gone], dropped, pd.DataFrame(record)


def _telling(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): v for k, v in row.items() if not pd.isna(v) and v not in ("_T", "_Z", False) and k != "locator"}


def _json(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, default=str)
