"""Custody for users of Python: which figures on return to prison may stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from custody.client import load
from dictionary.model import dictionary
from sources.errors import Refused
from sources.places import UnknownPlace, find
from warehouse.choice import rules


@dataclass(frozen=True)
class Comparison:
    """Rows of table `recidivism` that may stand side by side, one a place, and those left out, each with its reason."""

    rows: pd.DataFrame
    left_out: pd.DataFrame


#: Whom a basis means, where nothing else is asked for.
MEANT = {"release_cohort": "released_prisoners", "admission_share": "admitted_prisoners"}


def compare_recidivism(
    places: Sequence[str] | None = None,
    *,
    outcome: str,
    follow_up_months: float | None,
    population: str | None = None,
    basis: str = "release_cohort",
    counts_technical_violations: bool | None = None,
    any_definition: bool = False,
    release: str = "stable",
    path_or_url: str | Path | None = None,
    home: str | Path | None = None,
) -> Comparison:
    """Figures on return to prison that are of one kind: one a place, the newest cohort of those in good evidence.

    Reviews, secondary texts and the press (`never_alone` in figure_rules.yml) are taken only where a place has nothing
    better. Only rows of equal basis, outcome, population and follow-up are one kind. A publisher's own definition
    is taken where it counts the same in its own way (`comparable` in figure_rules.yml). Of what differs besides, the
    rows tell: columns `counts_technical_violations`, `definition`, `grade` and `note` belong to any use of them.

    Args:
        places: names or codes; all places where None.
        outcome: `rearrest`, `reconviction`, `reimprisonment` or `return_any`.
        follow_up_months: months of follow-up, as published; None for a basis that follows nobody (`stock_share`).
        population: who was followed, or of whom the figure is a share; by default whom the basis means: the
            released of a cohort, the prisoners of a stock, the admitted of admissions.
        basis: what the figure is a share of.
        counts_technical_violations: keep only rows that say so, or only those that say not; both where None.
        any_definition: keep rows of every definition, also of those that count others, such as some states alone.
        release: as in `load`.
        path_or_url: as in `load`.
        home: as in `load`.

    Raises:
        Refused: for a code that the dictionary does not have, a name that is no place's, and as `load`.
    """
    population = population or MEANT.get(basis, "prisoners")
    for name, value in {"basis": basis, "outcome": outcome, "recidivism_population": population}.items():
        if value not in (known := dictionary().codes(name)):
            raise Refused(f"There is no {name.removeprefix('recidivism_')} {value!r}; there are {', '.join(known)}.")
    if isinstance(places, str):
        raise Refused(f"places is one text, {places!r}; give a list of names or codes.")
    if places is not None and not places:
        raise Refused("places is empty; give names or codes, or None for all places.")
    if basis != "release_cohort":
        if follow_up_months is not None:
            raise Refused(f"The basis {basis} follows nobody; give follow_up_months=None.")
    elif isinstance(follow_up_months, bool) or not isinstance(follow_up_months, (int, float)) or follow_up_months <= 0:
        raise Refused(f"follow_up_months is {follow_up_months!r}; give a number of months such as 24.")
    if counts_technical_violations not in (None, True, False):
        raise Refused(f"counts_technical_violations is {counts_technical_violations!r}; give True, False or None.")
    table = load("recidivism", release, path_or_url, home=home)
    if places is not None:
        try:
            wanted = [find(name).place_id for name in places]
        except UnknownPlace as error:
            raise Refused(str(error)) from error
        table = table[table["place_id"].isin(wanted)]
    else:
        wanted = []
    reason = pd.Series("", index=table.index, dtype="str")

    def leave_out(which: pd.Series[bool], why: pd.Series[str] | str) -> None:
        reason.update(pd.Series(why, index=table.index, dtype="str")[which.astype(bool) & (reason == "")])

    def words(column: str) -> pd.Series[str]:
        return table[column].astype("str").fillna("not stated")

    for column, value in (("basis", basis), ("outcome", outcome), ("population", population)):
        leave_out(table[column] != value, f"another {column}: " + words(column))
    months = table["follow_up_months"]
    if follow_up_months is not None:
        leave_out(months.isna(), "follows nobody for a stated time")
    other_time = months.notna() if follow_up_months is None else months != follow_up_months
    leave_out(other_time, "another follow-up: " + months.map("{:g} months".format))
    leave_out(table["follow_up_from_months"] != 0, "not counted from release on")
    for column in ("sex", "age", "offence", "subgroup"):
        leave_out(table[column] != "_T", f"a part of the cohort, {column}: " + words(column))
    leave_out(table["return_offence"] != "_T", "return for one kind of offence: " + words("return_offence"))
    if not any_definition:
        other_count = table["definition"].notna() & ~table["definition"].isin(rules()["comparable"])
        leave_out(other_count, "a definition that counts otherwise: " + words("definition"))
    if counts_technical_violations is not None:
        other = table["counts_technical_violations"].ne(counts_technical_violations).fillna(True)
        leave_out(other, "breaking conditions counts otherwise, or the publisher does not say")
    leave_out(table["rate_percent"].isna(), "no rate is published")

    order = table.assign(
        _poor=table["grade"].isin(rules()["never_alone"]),
        # A figure from its publisher's own file has no grade and goes before all that have.
        _grade=table["grade"].map({grade: n for n, grade in enumerate(rules()["grade"], 1)}).fillna(0),
    )[reason == ""].sort_values(
        ["place_id", "_poor", "cohort_end", "_grade", "vintage", "recidivism_id"],
        ascending=[True, True, False, True, False, True],
    )
    first = order.drop_duplicates("place_id")
    taken = first.set_index("place_id")["cohort_end"].reindex(table["place_id"]).set_axis(table.index)
    later = pd.Series(~table.index.isin(first.index), index=table.index)
    leave_out(later & table["cohort_end"].isna(), "cohort not stated")
    leave_out(later & taken.isna(), "cohort of the figure taken not stated")
    leave_out(later & (table["cohort_end"] != taken), "another cohort of the place is taken")
    leave_out(later, "another publication of the same cohort")
    rows = table.loc[first.index].reset_index(drop=True)
    left_out = table[reason != ""].assign(reason=reason[reason != ""])
    without = [place for place in dict.fromkeys(wanted) if place not in set(table["place_id"])]
    nothing = pd.DataFrame({"place_id": without, "reason": "no figure at all"})
    return Comparison(rows, pd.concat([left_out, nothing], ignore_index=True))
