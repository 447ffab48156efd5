"""From a parser's tidy rows to rows of the dictionary: constants, defaults, identities, and the count that adds up.

Pure functions. Corrections are applied in between (see `sources.corrections`), before identities are given.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dictionary.model import BREAKDOWNS, Table, dictionary
from sources.errors import refusal
from sources.reading import LeftOut, Parsed

#: Columns of a key by which a person finds the row, and those that hold a figure.
TELLING = (
    "place_id", "measure", "basis", "outcome", "population", "sex", "age", "offence", "subgroup",
    "follow_up_months", "period_end", "cohort_end",
)  # fmt: skip
FIGURES = ("value", "rate_percent", "returned")

#: How many columns of a key are joined at once: few enough to have far fewer combinations than rows.
GROUP = 4


def _with_breakdowns(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """An observation frame with its unit and every breakdown, in which what a measure does not have is `_Z`."""
    frame = frame.copy(deep=False)
    measures = dictionary().measures
    measure, names = pd.factorize(frame["measure"], use_na_sentinel=False)
    if unknown := [name for name in names if name not in measures]:
        raise refusal(file, f"the parser gives a measure {unknown[0]!r} that dictionary/measures.yml does not have.")
    if "unit" not in frame:
        frame["unit"] = _repeat([measures[n].unit for n in names], measure, frame.index)
    for breakdown in BREAKDOWNS:
        fallback = _repeat(["_T" if breakdown in measures[n].applies else "_Z" for n in names], measure, frame.index)
        if breakdown not in frame:
            frame[breakdown] = fallback
            continue
        given = frame[breakdown]
        empty, none = given.isna().to_numpy(), (fallback == "_Z").to_numpy()
        wrong = none & ~empty & ~given.isin(["_T", "_Z"]).to_numpy()
        if wrong.any():
            at = int(wrong.argmax())
            raise refusal(
                file,
                f"{frame['measure'].iloc[at]} has no breakdown by {breakdown} in dictionary/measures.yml, "
                f"yet {given.iloc[at]!r} is given.",
                frame["locator"].iloc[at],
            )
        frame[breakdown] = given.astype("str").where(~(empty | none), fallback)
    return frame


def described(table: str, frame: pd.DataFrame, dataset: str, file: str) -> pd.DataFrame:
    """A parser's frame with every column that the measure, a default or nothing gives; `file` is for messages."""
    known = dictionary().tables[table]
    for needed in ("locator", "measure"):
        if needed in known.column_names and needed not in frame:
            raise refusal(file, f"the parser gives no column {needed} of table {table}.")
    if "dataset" in known.column_names and "dataset" not in frame:
        frame = frame.assign(dataset=dataset)
    frame = _with_breakdowns(frame, file) if table == "observation" else frame
    return _with_defaults(known, frame)


def _with_defaults(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the default, or nothing, in each column that it lacks and that may be so."""
    absent = [c for c in table.columns if c.name not in frame and (c.nullable or c.default is not None)]
    return frame.assign(**{c.name: c.default for c in absent})


def identities(frame: pd.DataFrame, of: Sequence[str], source_id: str, vintage: str) -> list[str]:
    """The identity of each row, over the columns `of`.

    The text that is hashed joins source, those columns and vintage by the unit separator, so that no value can run
    into the next; missing is the empty text.
    """
    parts = [_joined(frame, of[at : at + GROUP]) for at in range(0, len(of), GROUP)]
    join, digest = "\x1f".join, hashlib.sha256
    return [digest(join((source_id, *key, vintage)).encode()).hexdigest()[:16] for key in zip(*parts, strict=True)]


def _joined(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The text of each row's cells in `columns`, joined, each distinct combination made once."""
    codes, texts = np.zeros(len(frame), dtype=np.intp), [""]
    for position, column in enumerate(columns):
        of_column, distinct = pd.factorize(frame[column])
        cells = [*map(str, distinct), ""]  # code -1 is the last: missing
        pairs, found = pd.factorize(codes * len(cells) + of_column % len(cells))
        begun = [divmod(pair, len(cells)) for pair in found.tolist()]
        texts = [f"{texts[first]}\x1f{cells[second]}" if position else cells[second] for first, second in begun]
        codes = pairs
    return [texts[code] for code in codes.tolist()]


def _repeat(values: list[str], codes: np.ndarray[Any, np.dtype[np.intp]], index: pd.Index) -> pd.Series[str]:
    """The value of each code, as a column."""
    return pd.Series(values, dtype="str").take(codes).set_axis(index)


def refuse_duplicates(frame: pd.DataFrame, identity: str, file: str) -> None:
    """Refuse a file that gives one key twice; which of two values is right is not for a program to say."""
    twice = frame[identity].duplicated(keep=False).to_numpy()
    if not twice.any():
        return
    first = frame[frame[identity] == frame[identity][twice].iloc[0]]
    named = [c for c in TELLING if c in frame]
    key = " / ".join(str(first[c].iloc[0]) for c in named)
    shown = next(c for c in (*FIGURES, identity) if c in frame and first[c].notna().any())
    values = ", ".join(
        f"{at} = {value:,.10g}" if isinstance(value, float) else f"{at} = {value}"
        for at, value in zip(first["locator"], first[shown], strict=True)
    )
    raise refusal(
        file,
        f"the key {key} stands there {len(first)} times ({values}; {int(twice.sum())} rows in all are such); "
        "name each in the source's corrections.yml, with evidence, before the file can be accepted.",
    )


def left_out_rows(entries: list[LeftOut]) -> pd.DataFrame:
    """Rows of table `left_out`, provenance still to come."""
    return pd.DataFrame(
        {
            "locator": [e.locator for e in entries],
            "items": [e.items for e in entries],
            "reason": [e.reason for e in entries],
            "raw": [json.dumps(e.raw, ensure_ascii=False, default=str) for e in entries],
            "correction_id": pd.Series([None] * len(entries), dtype=object),
        }
    )


def check_count(parsed: Parsed, rows: Mapping[str, int], left_out: int, file: str) -> None:
    """Refuse when items read are not rows made plus items left out: something was lost."""
    made = sum(rows.values())
    if parsed.items != made + left_out:
        raise refusal(
            file,
            f"{parsed.items:,} items were read, but {made:,} rows and {left_out:,} left out were made of them; "
            "the parser loses or invents some.",
        )


def fill(table: str, frame: pd.DataFrame, constants: Mapping[str, Any], file: str) -> pd.DataFrame:
    """The frame with exactly the dictionary's columns in its order, provenance constants filled in."""
    known = dictionary().tables[table]
    names = known.column_names
    given = {c: value for c, value in constants.items() if c in names and c not in frame}
    frame = _with_defaults(known, frame.assign(**given))
    if missing := [n for n in names if n not in frame]:
        raise refusal(file, f"the parser gives no column {', '.join(missing)} of table {table}.")
    if extra := [c for c in frame.columns if c not in names]:
        raise refusal(file, f"the parser gives a column {', '.join(map(str, extra))} that table {table} does not have.")
    refuse_unprintable(frame, file)
    return frame[list(names)]


#: What neither CSV nor XLSX can hold; of control characters, a text may have the tab and the line ends.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def refuse_unprintable(frame: pd.DataFrame, file: str) -> None:
    """Refuse a text that could not be published as it is; a program must not drop a character of it."""
    for column in frame.columns:
        if frame[column].dtype.kind not in "OU" and frame[column].dtype != "str":
            continue
        texts = [text for text in frame[column].dropna().unique() if isinstance(text, str)]
        if UNPRINTABLE.search("".join(texts)):
            (first, *_) = (text for text in texts if UNPRINTABLE.search(text))
            at = frame["locator"][frame[column] == first].iloc[0] if "locator" in frame else None
            (sign, *_) = UNPRINTABLE.findall(first)
            raise refusal(file, f"{column} has the character U+{ord(sign):04X}, which no CSV or workbook can hold.", at)
