"""The models: one .sql file is one table, in an order that is told from the SQL itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dictionary.model import Table, dictionary
from sources.errors import Refused
from tests.warehouse.conftest import copied
from warehouse import standing
from warehouse.models import FOLDER, models, read_models
from warehouse.reads import tables_read


def tables(*names: str) -> dict[str, Table]:
    return {n: dictionary().tables["place"].model_copy(update={"name": n}) for n in names}


def read(folder: Path, sql: Mapping[str, str], *names: str) -> list[str]:
    for name, text in sql.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return [model.name for model in read_models(folder, tables(*(names or sql)))]


# What a SELECT reads


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", set()),
        ("-- SELECT * FROM not_this\nSELECT * FROM a", {"a"}),
        ("SELECT 'FROM b' FROM a", {"a"}),
        ("SELECT * FROM a JOIN b USING (x) LEFT JOIN c ON c.x = a.x", {"a", "b", "c"}),
        ("SELECT * FROM a ANTI JOIN b USING (x)", {"a", "b"}),
        ("SELECT * FROM a, b", {"a", "b"}),
        ("SELECT (SELECT max(x) FROM b) FROM a WHERE x IN (SELECT x FROM c) AND EXISTS (FROM d)", {"a", "b", "c", "d"}),
        ("FROM a UNION ALL BY NAME FROM b EXCEPT FROM c", {"a", "b", "c"}),
        ("WITH x AS (SELECT * FROM a), y AS (SELECT * FROM x JOIN b USING (i)) SELECT * FROM y", {"a", "b"}),
        ("WITH x AS (WITH z AS (SELECT * FROM a) SELECT * FROM z) SELECT * FROM x JOIN b USING (i)", {"a", "b"}),
        ("WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x WHERE i < 3) SELECT * FROM x", set()),
        ("SELECT * FROM accepted.a JOIN reference.b USING (x) JOIN c USING (x)", {"c"}),
        ("SELECT * FROM (SELECT * FROM a) AS s, LATERAL (SELECT s.x FROM b)", {"a", "b"}),
        ('SELECT * FROM "a" AS "b"', {"a"}),
        ("WITH RECURSIVE x AS (FROM a UNION ALL FROM x JOIN b USING (i)) SELECT * FROM x", {"a", "b"}),
        ("SELECT * FROM read_csv('x.csv'), a", {"a"}),
    ],
)
def test_what_a_select_reads(sql: str, reads: set[str]) -> None:
    assert tables_read(sql) == reads


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "", "SELECT * FROM", "DROP TABLE figure", "SELECT 1; SELECT 2", "PIVOT a ON x USING sum(y)"]
)
def test_what_is_not_one_select_is_refused(tmp_path: Path, sql: str) -> None:
    with pytest.raises(Refused, match=r"warehouse/models/a\.sql"):
        read(tmp_path, {"a": sql})


# The order


def test_a_table_comes_after_those_that_it_reads(tmp_path: Path) -> None:
    order = read(
        tmp_path, {"a": "FROM b JOIN c USING (x)", "b": "FROM d", "c": "FROM d", "d": "SELECT 1", "e": "FROM a"}
    )
    at = {name: n for n, name in enumerate(order)}
    assert at["d"] < min(at["b"], at["c"]) and max(at["b"], at["c"]) < at["a"] < at["e"]


def test_the_order_is_always_the_same(tmp_path: Path) -> None:
    sql = {name: "SELECT 1" for name in "qwertyuiop"}
    assert read(tmp_path, sql) == read(tmp_path, dict(reversed(sql.items())))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ({"a": "FROM b", "b": "FROM c", "c": "FROM a"}, {"a", "b", "c"}),
        ({"a": "FROM b", "b": "FROM a"}, {"a", "b"}),
        ({"a": "FROM a"}, {"a"}),
    ],
)
def test_a_circle_is_refused_by_name(tmp_path: Path, sql: dict[str, str], words: set[str]) -> None:
    with pytest.raises(Refused, match="read each other in a circle") as error:
        read(tmp_path, sql)
    named = str(error.value).removeprefix("The models ").partition(" read each other")[0]
    assert set(named.split(", ")) == words


def test_a_cte_may_bear_the_name_of_a_table(tmp_path: Path) -> None:
    assert read(tmp_path, {"a": "WITH b AS (SELECT 1) SELECT * FROM b", "b": "FROM a"}) == ["a", "b"]


def test_a_table_read_inside_a_cte_of_its_own_name_is_read() -> None:
    """`WITH b AS (SELECT * FROM b)`: the inner b is the table, which must have been built before."""
    assert tables_read("WITH b AS (SELECT * FROM b WHERE x) SELECT * FROM b") == {"b"}


def test_an_inner_cte_does_not_hide_a_table_that_is_read_outside() -> None:
    sql = "WITH a AS (WITH b AS (SELECT 1 AS i) SELECT * FROM b) SELECT * FROM a JOIN b USING (i)"
    assert tables_read(sql) == {"b"}


# What belongs together


def test_sql_without_a_dictionary_entry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Table b has no dictionary/tables/b\.yml"):
        read(tmp_path, {"a": "SELECT 1", "b": "SELECT 1"}, "a")


def test_a_dictionary_entry_without_sql_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Table b has no warehouse/models/b\.sql"):
        read(tmp_path, {"a": "SELECT 1"}, "a", "b")


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"warehouse/models/a\.sql reads figures, which is no table"):
        read(tmp_path, {"a": "SELECT * FROM figures"})


def test_the_models_of_the_house() -> None:
    found = models()
    assert {m.name for m in found} == set(dictionary().tables) == {p.stem for p in FOLDER.glob("*.sql")}
    at = {m.name: n for n, m in enumerate(found)}
    assert all(at[read] < at[m.name] for m in found for read in m.reads)
    assert "gap" in next(m for m in found if m.name == "world_place").reads
    assert at["observation"] < at["figure"] < at["world_place"] < at["world_total"] < at["world_walk"]
    assert {m.name: m.table for m in found} == dictionary().tables


def test_the_digest_of_the_code_changes_with_any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = copied(standing.HERE, tmp_path / "warehouse")
    copied(standing.HERE.parent / "dictionary", tmp_path / "dictionary")
    (tmp_path / "sources").mkdir()
    monkeypatch.setattr(standing, "HERE", here)
    seen = [standing.code_digest()]
    assert standing.code_digest() == seen[0]
    for path in ("models/figure.sql", "figure_rules.yml", "coverage.yml", "build.py", "../dictionary/codes.yml"):
        target = here / path
        target.write_text(target.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        seen.append(standing.code_digest())
    assert len(set(seen)) == len(seen)
