"""One table of two releases, row by row: what was added, removed, changed or said otherwise, and why.

Written in SQL for a connection in which `exports.diff` has opened both releases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from dictionary.model import BREAKDOWNS, dictionary
from dictionary.released import Field, Schema

#: Why a row differs, worst first; those that are not UNEXPLAINED need no explanation.
BECAUSE = {
    "read_otherwise": "the same file is read otherwise: the program or a correction has changed",
    "other_choice": "another of the same observations is chosen: the rules have changed",
    "computed_otherwise": "it is computed otherwise from the same figures: the program has changed",
    "program": "a list of the program's own has changed",
    "vintage_gone": "the vintage is no longer in use",
    "new_vintage": "a new vintage has come in",
    "reference_day": "computed for another reference day",
    "follows": "computed from rows that have changed",
}
UNEXPLAINED = ("read_otherwise", "other_choice", "computed_otherwise", "program")
#: A figure that is new; one that is gone is no news that would move a place.
NEW = "new_vintage"

#: The columns of changes.csv.
LINE = (
    "table_name", "change", "key", "place_id", "measure", "year", "what", "column_name", "old", "new", "size", "share",
    "old_source", "new_source", "because",
)  # fmt: skip
EMPTY = """
CREATE TABLE line (
  table_name VARCHAR, change VARCHAR, key VARCHAR, place_id VARCHAR, measure VARCHAR, year BIGINT, what VARCHAR,
  column_name VARCHAR, old DOUBLE, new DOUBLE, size DOUBLE, share DOUBLE, old_source VARCHAR, new_source VARCHAR,
  because VARCHAR
)"""

#: Breakdowns of a figure, told where they say something.
PARTS = ("facility", *BREAKDOWNS, "definition")
#: What else a row is about, where it is known by it.
ABOUT = (
    "dataset", "file", "vintage", "component", "basis", "outcome", "population", "subgroup", "return_offence",
    "follow_up_months", "topic", "geography", "reference", "citation", "level", "as_of", "step", "origin", "claim",
    "item", "correction_id", "locator",
)  # fmt: skip
#: What differs with every vintage, or tells of others, and is no news of a row whose figures are as they were.
NO_NEWS = frozenset(
    {
        "file",
        "vintage",
        "snapshot",
        "locator",
        "parts",
        "rivals",
        "candidates",
        "observation_id",
        "rival_observation_id",
    }
)

#: The column that tells of a row as a whole, in a table that has one of these; else its first number.
MAIN = ("value", "rate_percent", "persons", "central", "persons_held")


#: Vintages that both releases were made of, files of which one has come in, and where each observation is from.
SNAPSHOTS = """
CREATE TABLE shared AS
  SELECT source_id, file, vintage FROM a_snapshot JOIN b_snapshot USING (source_id, file, vintage, snapshot);
CREATE TABLE vintage AS SELECT {'source_id': source_id, 'file': file, 'vintage': vintage} AS v FROM shared;
CREATE TABLE fresh AS SELECT DISTINCT source_id, file FROM b_snapshot ANTI JOIN shared USING (source_id, file, vintage);
CREATE TABLE origin AS
  SELECT observation_id, any_value(v) FILTER (side = 'a') AS old, any_value(v) FILTER (side = 'b') AS new,
         any_value(value) FILTER (side = 'a') AS old_value, any_value(value) FILTER (side = 'b') AS new_value
  FROM (
    SELECT side, observation_id, {'source_id': source_id, 'file': file, 'vintage': vintage} AS v, value
    FROM (SELECT *, 'a' AS side FROM a_observation UNION ALL BY NAME SELECT *, 'b' AS side FROM b_observation)
  )
  GROUP BY observation_id
"""

#: Columns of country_year that hang on other figures than those of the place and year, or on people.
LEARNT = (
    "estimate", "estimate_low", "estimate_high", "estimate_basis", "population", "persons_held_per_100k", "sources",
    "admissions", "inconsistent",
)  # fmt: skip
#: What only repeats figures of a place and year differs although none of these does.
REPEATED_OTHERWISE = f"""
UPDATE line SET because = 'computed_otherwise'
WHERE because = 'follows'
  AND (table_name = 'headline' OR (table_name = 'country_year' AND CASE
    WHEN change IN ('added', 'removed') THEN coalesce(old, new) IS NOT NULL
    ELSE len(list_filter(string_split(column_name, ' '), lambda c: c NOT IN {LEARNT})) > 0 END))
  AND (place_id, year) NOT IN (
    SELECT (place_id, year) FROM line WHERE table_name = 'figure' AND place_id IS NOT NULL AND year IS NOT NULL
  )
"""

#: What is computed differs although nothing that it is computed from does: ? is the reason for that.
NOTHING_CAME_IN = """
UPDATE line SET because = ?
WHERE because = 'follows' AND NOT EXISTS (SELECT 1 FROM line WHERE because NOT IN ('follows', 'program'))
"""


@dataclass(frozen=True)
class Compared:
    """A table that both releases have: by what its rows are known, and which of its columns are figures."""

    name: str
    group: str
    subject: str
    known_by: tuple[str, ...]
    key: tuple[str, ...]
    identity: str | None
    columns: tuple[Field, ...]

    @property
    def figures(self) -> list[str]:
        """Columns that hold figures: numbers, and whole numbers of a unit."""
        return [
            c.name
            for c in self.columns
            if c.name not in self.known_by and (c.type == "number" or (c.type == "integer" and c.unit))
        ]

    @property
    def words(self) -> list[str]:
        """Columns of which a difference is told where the figures are the same."""
        apart = {*self.figures, *self.known_by, *NO_NEWS, self.identity}
        return [c.name for c in self.columns if c.name not in apart]

    def has(self, *names: str) -> bool:
        """Whether it has these columns."""
        return {*names} <= {c.name for c in self.columns}


def _compared(name: str, before: Schema, after: Schema) -> Compared | None:
    """How to compare a table; None where nothing is left by which its rows are known."""
    there = {c.name: c for c in before.columns[name]}
    common = tuple(c for c in after.columns[name] if c.name in there and there[c.name].type == c.type)
    names, table = {c.name for c in common}, dictionary().tables.get(name)
    key = tuple(after.keys[name])
    known_by = table.known_by if table and names >= {*table.known_by} else key
    if not names >= {*key, *known_by}:
        return None
    identity = table.identity.column if table and table.identity and known_by != key else None
    group, subject = (table.group, table.subject) if table else ("model", "reference")
    return Compared(name, group, subject, known_by, key, identity, common)


def compare(connection: duckdb.DuckDBPyConnection, name: str, before: Schema, after: Schema) -> None:
    """Add the lines of one table."""
    table = _compared(name, before, after)
    if table is None:
        return
    connection.execute(_touched(table))
    if connection.execute("SELECT count(*) FROM touched").fetchall() == [(0,)]:
        return
    same = " AND ".join(f'a."{c}" IS NOT DISTINCT FROM b."{c}"' for c in table.known_by)
    there = ["a._there IS NULL", "b._there IS NULL"]
    newest = "coalesce(a._nth, b._nth) = 1" if table.identity else "true"
    connection.execute(
        f"CREATE OR REPLACE TABLE pair AS SELECT a, b FROM ({_side(table, 'a')}) a FULL JOIN ({_side(table, 'b')}) b "
        f"ON {same} AND a._nth = b._nth WHERE {newest} AND ({_differs([*table.figures, *table.words], there)})"
    )
    _add_lines(connection, table)
    if table.identity:  # an older vintage must read as it did
        connection.execute(
            f"CREATE OR REPLACE TABLE pair AS SELECT a, b FROM ({_side(table, 'a')}) a JOIN ({_side(table, 'b')}) b "
            f'ON a."{table.identity}" = b."{table.identity}" '
            f"WHERE (a._nth > 1 OR b._nth > 1) AND ({_differs(table.figures)})"
        )
        _add_lines(connection, table)


def _differs(columns: list[str], or_else: Sequence[str] = ()) -> str:
    return " OR ".join([*or_else, *(f'a."{c}" IS DISTINCT FROM b."{c}"' for c in columns)]) or "false"


def _touched(table: Compared) -> str:
    """What rows are known by of which any is in one release alone or differs; most do not, and are left out at once."""
    known = ", ".join(f'"{c}"' for c in table.known_by)
    all_of_it = ", ".join(f'"{c}"' for c in dict.fromkeys([*table.key, *table.figures, *table.words]))
    sides = [f'SELECT hash({known}) AS k, hash({all_of_it}) AS h FROM "{side}_{table.name}"' for side in ("a", "b")]
    return (
        f"CREATE OR REPLACE TABLE touched AS SELECT DISTINCT k FROM (({sides[0]} EXCEPT {sides[1]}) "
        f"UNION ALL ({sides[1]} EXCEPT {sides[0]}))"
    )


def _side(table: Compared, side: str) -> str:
    """The rows of one release, numbered among those that are known by the same: the newest vintage first."""
    known, key = (", ".join(f't."{c}"' for c in columns) for columns in (table.known_by, table.key))
    newest, joined = ("", "")
    if table.identity:
        newest, joined = "s.position DESC, ", f"JOIN {side}_snapshot s USING (source_id, file, vintage) "
    return (
        f"SELECT t.*, true AS _there, row_number() OVER (PARTITION BY {known} ORDER BY {newest}{key}) AS _nth "
        f'FROM "{side}_{table.name}" t {joined}WHERE hash({known}) IN (SELECT k FROM touched)'
    )


def _add_lines(connection: duckdb.DuckDBPyConnection, table: Compared) -> None:
    """A line for each row of `pair` that is there once, each figure that differs, and each row of other words."""
    both = "a._there AND b._there"
    shared = _shared(table)
    numbered = table.figures
    main = next((c for c in MAIN if c in numbered), next(iter(numbered), None))
    old, new = (f'{side}."{main}"::DOUBLE' if main else "NULL::DOUBLE" for side in ("a", "b"))
    shown = f"'{main}'" if main else "NULL"
    selects = [
        f"SELECT {shared}, if(a._there IS NULL, 'added', 'removed') AS change, {shown} AS column_name, {old} AS old, "
        f"{new} AS new FROM explained WHERE a._there IS NULL OR b._there IS NULL"
    ]
    selects += _changed(table, shared, main)
    if table.words:
        named = ", ".join(f'if(a."{c}" IS DISTINCT FROM b."{c}", \'{c}\', NULL)' for c in table.words)
        equal = " AND ".join(["true", *(f'a."{c}" IS NOT DISTINCT FROM b."{c}"' for c in numbered)])
        selects.append(
            f"SELECT {shared}, 'restated', concat_ws(' ', {named}), NULL, NULL FROM explained "
            f"WHERE {both} AND {equal} AND concat_ws(' ', {named}) <> ''"
        )
    connection.execute(
        f"INSERT INTO line BY NAME WITH explained AS ({_explained(table)}), found AS ({' UNION ALL '.join(selects)}) "
        "SELECT *, new - old AS size, CASE WHEN old <> 0 THEN (new - old) / abs(old) END AS share FROM found"
    )


def _changed(table: Compared, shared: str, main: str | None) -> Iterator[str]:
    """SELECTs of the figures that differ: each of them; of the estimate, which all differs at once, one of each row."""
    computed = table.group == "model" and table.subject == "world_total"
    before: list[str] = []
    for c in sorted(table.figures, key=lambda c: c != main):
        apart = "".join(f' AND a."{b}" IS NOT DISTINCT FROM b."{b}"' for b in before)
        yield (
            f"SELECT {shared}, 'changed', '{c}', a.\"{c}\"::DOUBLE, b.\"{c}\"::DOUBLE FROM explained "
            f'WHERE a._there AND b._there AND a."{c}" IS DISTINCT FROM b."{c}"{apart}'
        )
        before += [c] if computed else []


def _shared(table: Compared) -> str:
    """The columns of a line that say which row it is about."""

    def either(column: str) -> str:
        return f'coalesce(b."{column}", a."{column}")'

    def source(side: str) -> str:
        told = ", ".join(f'{side}."{c}"' for c in ("source_id", "dataset", "vintage") if table.has(c))
        return f"nullif(concat_ws(' ', {told}), '')" if table.has("source_id") else "NULL"

    key = ", ".join(f"'{c}': {either(c)}" for c in table.known_by)
    years = [("year", "{}"), ("period_end", "year({})"), ("cohort_end", "year({})"), ("as_of", "year({})")]
    year = next((form.format(either(c)) for c, form in years if table.has(c)), "NULL")
    about = [c for c in (*PARTS, *ABOUT) if table.has(c) and (c in table.known_by or c in PARTS)]
    what = ", ".join(f"if({either(c)}::VARCHAR IN ('_T', '_Z'), NULL, '{c}=' || {either(c)}::VARCHAR)" for c in about)
    return (
        f"'{table.name}' AS table_name, to_json({{{key}}})::VARCHAR AS key, "
        f"{either('place_id') if table.has('place_id') else 'NULL'} AS place_id, "
        f"{either('measure') if table.has('measure') else 'NULL'} AS measure, {year} AS year, "
        f"{f'concat_ws(chr(32), {what})' if what else repr('')} AS what, "
        f"{source('a')} AS old_source, {source('b')} AS new_source, because"
    )


#: Of figures: what became of the observations behind them, first of the chosen ones, then of all that stood for choice.
_CHOICE = """
SELECT pair.*, coalesce(why.because, 'other_choice') AS because FROM pair LEFT JOIN (
  SELECT figure_id, coalesce(any_value(because) FILTER (tier = 1), any_value(because) FILTER (tier = 2)) AS because
  FROM (
    SELECT figure_id, tier,
      CASE WHEN bool_or(side = 'b' AND o.new NOT IN (SELECT v FROM vintage)) THEN 'new_vintage'
           WHEN bool_or(side = 'a' AND o.old NOT IN (SELECT v FROM vintage)) THEN 'vintage_gone'
           WHEN bool_or(o.old IS NULL OR o.new IS NULL OR o.old_value IS DISTINCT FROM o.new_value)
             THEN 'read_otherwise'
           WHEN bool_or(side = 'a' AND (o.old.source_id, o.old.file) IN (SELECT (source_id, file) FROM fresh))
             THEN 'new_vintage'
      END AS because
    FROM (
      SELECT a.figure_id AS figure_id, 'a' AS side, 1 AS tier, unnest({chosen_a}) AS id FROM pair WHERE a._there
      UNION ALL SELECT b.figure_id, 'b', 1, unnest({chosen_b}) FROM pair WHERE b._there
      UNION ALL SELECT a.figure_id, 'a', 2, unnest({rivals_a}) FROM pair WHERE a._there
      UNION ALL SELECT b.figure_id, 'b', 2, unnest({rivals_b}) FROM pair WHERE b._there
    ) used JOIN origin o ON o.observation_id = used.id
    GROUP BY figure_id, tier
  ) GROUP BY figure_id
) why ON why.figure_id = coalesce(b.figure_id, a.figure_id)
"""


def _explained(table: Compared) -> str:
    """The rows of `pair` with `because`."""
    if table.name == "figure" and table.has("observation_id", "parts", "rivals"):
        ids = {f"chosen_{s}": f"string_split(coalesce({s}.observation_id, {s}.parts), ',')" for s in ("a", "b")}
        named = '\'"observation_id":"([0-9a-f]{16})"\''
        ids |= {f"rivals_{s}": f"regexp_extract_all(coalesce({s}.rivals, ''), {named}, 1)" for s in ("a", "b")}
        return _CHOICE.format(**ids)
    because = "'follows'"
    if table.name == "snapshot":
        because = (
            "CASE WHEN b._there IS NULL THEN 'vintage_gone' "
            "WHEN b.source_id IN (SELECT source_id FROM fresh) THEN 'new_vintage' ELSE 'program' END"
        )
    elif table.has("source_id", "file", "vintage") and table.group == "accepted":
        known = "({0}.source_id, {0}.file, {0}.vintage) IN (SELECT (source_id, file, vintage) FROM shared)"
        because = (
            f"CASE WHEN b._there AND NOT {known.format('b')} THEN 'new_vintage' "
            f"WHEN a._there AND NOT {known.format('a')} THEN 'vintage_gone' "
            "WHEN b._there IS NULL AND (a.source_id, a.file) IN (SELECT (source_id, file) FROM fresh) "
            "THEN 'new_vintage' ELSE 'read_otherwise' END"
        )
    elif table.group == "reference":
        because = "'program'"
    return f"SELECT *, {because} AS because FROM pair"
