"""What stands behind a row that is neither a figure nor an observation: to which rows it leads, or why to none.

Every table of a release has its entry here. Rows that bear a locator of their own (recidivism, gaps, published totals)
lead to the publisher's cell; the others to the figures and observations of which they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from exports.asking import Asked, Row
from exports.finding import figures_shown


@dataclass(frozen=True)
class Leads:
    """Where a row leads: figures and observations by id, other rows by name; or in a sentence why nowhere."""

    figures: Sequence[str | None] = ()
    observations: Sequence[str | None] = ()
    rows: Sequence[str] = ()
    why: str | None = None


#: The columns with a number, of tables whose rows bear a locator. The first that is not missing is what is shown.
VALUES: Mapping[str, Sequence[str]] = {
    "recidivism": ("rate_percent", "returned", "cohort_size", "events_per_person"),
    "mortality_after_release": ("value", "ci_low", "ci_high"),
    "review_range": ("low", "high"),
    "published_total": ("value",),
    "gap": ("central", "low", "high"),
    "facility": (),
    "left_out": (),
}


def _of_no_publisher(what: str) -> Callable[[Asked, Row], Leads]:
    return lambda _asked, _row: Leads(why=what)


def _country_year(asked: Asked, row: Row) -> Leads:
    population = asked.row(
        "SELECT observation_id FROM {population} WHERE place_id = $place AND year = $year",
        place=row["place_id"],
        year=row["year"],
    )
    behind = [population["observation_id"]] if population and row["population"] is not None else []
    estimate = [f"estimate:{row['place_id']}:{row['year']}-12-31"] if row["estimate"] is not None else []
    figures = [f["figure_id"] for f in figures_shown(asked, row) if f["measure"] != "population"]
    return Leads(figures, behind, estimate)


def _supervision_bound(asked: Asked, row: Row) -> Leads:
    if row["figure_ids"]:
        return Leads([*str(row["figure_ids"]).split(","), row["held_figure_id"]])
    counted = asked.rows("SELECT place_id FROM {supervision_bound} WHERE figure_ids IS NOT NULL ORDER BY place_id")
    return Leads(rows=[f"supervision_bound:{one['place_id']}" for one in counted])


def _world_place(asked: Asked, row: Row) -> Leads:
    behind = [one for one in (row["figure_id"], row["next_figure_id"]) if one]
    if behind:
        return Leads(behind)
    gaps = asked.rows("SELECT component FROM {gap} WHERE place_id = $place ORDER BY component", place=row["place_id"])
    if row["role"] == "gap" and gaps:
        return Leads(rows=[f"gap:{row['place_id']}/{gap['component']}" for gap in gaps])
    parts = asked.rows(
        "SELECT world_place.place_id FROM {world_place} JOIN {place} ON place.place_id = world_place.place_id "
        "WHERE world_place.as_of = $day AND place.parent = $place ORDER BY ALL",
        day=row["as_of"],
        place=row["place_id"],
    )
    if row["role"] == "by_parts" and parts:
        return Leads(rows=[f"world_place:{row['as_of']}/{part['place_id']}" for part in parts])
    meaning = asked.meaning("world_role", row["role"]).rstrip(".")
    return Leads(why=f"No figure of {row['name']} is behind it on {row['as_of']} ({row['role']}: {meaning}).")


def _backtest_case(asked: Asked, row: Row) -> Leads:
    if row["level"] == "place":
        return Leads(rows=[f"headline:{row['place_id']}/{row['year']}"])
    return Leads(why="It is of a sum of places; the cases of the places are rows of this table, with the same years.")


def _comparison(asked: Asked, row: Row) -> Leads:
    named = f"published_total:{row['locator']}" if row["locator"] else None
    return Leads(rows=[*([named] if named else []), f"world_total:WLD:{row['as_of']}:_T:_T"])


def _claim(asked: Asked, row: Row) -> Leads:
    bearing = asked.rows("SELECT item FROM {claim_evidence} WHERE claim = $claim ORDER BY item", claim=row["claim"])
    if not bearing:
        return Leads(why="No figure of the release bears on it.")
    return Leads(rows=[f"claim_evidence:{row['claim']}/{one['item']}" for one in bearing])


def _correction(asked: Asked, row: Row) -> Leads:
    named = {name: row[name] for name in ("source_id", "file", "vintage", "correction_id")}
    where = " AND ".join(f"{name} = ${name}" for name in named)
    changed = asked.rows(f"SELECT observation_id FROM {{observation}} WHERE {where} ORDER BY ALL", **named)
    others = asked.rows(f"SELECT recidivism_id FROM {{recidivism}} WHERE {where} ORDER BY ALL", **named)
    dropped = asked.rows(f"SELECT locator FROM {{left_out}} WHERE {where} ORDER BY ALL", **named)
    at = "/".join(row[name] for name in ("source_id", "file", "vintage"))
    rows = [f"recidivism:{one['recidivism_id']}" for one in others]
    rows += [f"left_out:{at}/{one['locator']}" for one in dropped]
    if not changed and not rows:
        return Leads(why=f"No row of the release was changed by it; its state is {row['state']}.")
    return Leads(observations=[one["observation_id"] for one in changed], rows=rows)


#: What is behind the rows of each table, of those without an identity and a locator of their own.
OF_TABLE: Mapping[str, Callable[[Asked, Row], Leads]] = {
    "backtest": _of_no_publisher("It is computed from the cases in table backtest_case; no publisher gave it."),
    "backtest_case": _backtest_case,
    "change_rule": _of_no_publisher("It is computed from the history in table headline; no publisher gave it."),
    "claim": _claim,
    "claim_evidence": lambda asked, row: Leads(rows=[f"{row['row_table']}:{row['row_key']}"]),
    "comparison": _comparison,
    "correction": _correction,
    "country_year": _country_year,
    "disagreement": lambda asked, row: Leads([row["figure_id"]], [row["rival_observation_id"]]),
    "headline": lambda asked, row: Leads([row["figure_id"]]),
    "place": _of_no_publisher("It says what a place is; it is no figure, and country_year has those of the place."),
    "population": lambda asked, row: Leads(observations=[row["observation_id"]]),
    "revision": lambda asked, row: Leads(observations=[row["observation_id"], row["earlier_observation_id"]]),
    "snapshot": _of_no_publisher(
        "It says which file was read; it is no figure, and rows with its snapshot have those."
    ),
    "source": _of_no_publisher("It says who publishes; it is no figure, and rows with its source_id have those."),
    "supervision": lambda asked, row: Leads([row["figure_id"], row["held_figure_id"]]),
    "supervision_bound": _supervision_bound,
    "vanished": lambda asked, row: Leads(observations=[row["observation_id"]]),
    "world_place": _world_place,
    "world_walk": lambda asked, row: Leads(rows=[f"world_total:WLD:{row['as_of']}:_T:_T"]),
}


def behind(asked: Asked, table: str, row: Row) -> Leads:
    """Where a row of a table leads."""
    if table not in OF_TABLE:  # of a release whose tables this Custody does not know
        return Leads(why=f"How rows of table {table} are made, this version of Custody does not know.")
    return OF_TABLE[table](asked, row)
