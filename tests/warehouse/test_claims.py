"""Claims: what their file must have, and that a verdict follows from what bears on the claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import duckdb
import pytest

from sources.errors import Refused
from warehouse import claims
from warehouse.models import FOLDER

SOUND = """
- claim: one
  text: All is one.
  said_by: somebody
  citation: a book
  conditions: None.
  evidence: SELECT 'figure' AS row_table, '1' AS row_key, 'one' AS what, 1 AS value, 'persons' AS unit, 'supports' AS bears FROM figure
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts another text in the place of claims.yml."""

    def write(text: str) -> None:
        (tmp_path / "claims.yml").write_text(text, encoding="utf-8")
        monkeypatch.setattr(claims, "PATH", tmp_path / "claims.yml")
        claims.claims.cache_clear()

    yield write
    claims.claims.cache_clear()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA computed; CREATE TABLE figure AS SELECT 1 AS i")
        yield connection


def test_a_sound_claim_is_read(written: Callable[[str], None], connection: duckdb.DuckDBPyConnection) -> None:
    written(SOUND)
    assert claims.reads() == {"figure"}
    claims.make_evidence(connection)
    assert connection.execute("SELECT claim, value, bears FROM computed.claim_evidence").fetchall() == [
        ("one", 1, "supports")
    ]


@pytest.mark.parametrize("key", ["text", "said_by", "citation", "conditions", "evidence", "claim"])
def test_a_claim_that_lacks_something_is_refused(written: Callable[[str], None], key: str) -> None:
    written(
        "\n".join(
            line.replace(f"- {key}:", "- other:") for line in SOUND.splitlines() if not line.startswith(f"  {key}:")
        )
    )
    with pytest.raises(Refused, match="claims.yml: .*is missing or unknown"):
        claims.claims()


def test_a_claim_that_says_something_unknown_is_refused(written: Callable[[str], None]) -> None:
    written(SOUND + "  verdict: supported\n")
    with pytest.raises(Refused, match="claims.yml: one: verdict is missing or unknown"):
        claims.claims()


@pytest.mark.parametrize("query", ["SELECT FROM WHERE", "DROP TABLE figure", "SELECT 1; SELECT 2"])
def test_what_is_no_select_is_refused(written: Callable[[str], None], query: str) -> None:
    written(SOUND[: SOUND.index("SELECT")] + query)
    with pytest.raises(Refused, match="claims.yml: one: "):
        claims.reads()


def test_a_query_that_does_not_give_what_it_should_is_refused(
    written: Callable[[str], None], connection: duckdb.DuckDBPyConnection
) -> None:
    written(SOUND.replace("'persons' AS unit", "'persons' AS units"))
    with pytest.raises(Refused, match="claims.yml: .*unit"):
        claims.make_evidence(connection)


def test_an_unknown_way_to_bear_on_a_claim_is_refused(
    written: Callable[[str], None], connection: duckdb.DuckDBPyConnection
) -> None:
    written(SOUND.replace("'supports'", "'proves'"))
    with pytest.raises(
        Refused, match="proves is no way to bear on a claim; these are supports, contradicts, limits, background"
    ):
        claims.make_evidence(connection)


def test_the_verdict_follows_from_what_bears_on_the_claim() -> None:
    """Every mixture of what bears on a claim, each kind not at all, once or twice."""
    bearings = ("supports", "limits", "contradicts", "background")
    mixtures = list(product((0, 1, 2), repeat=4))
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA reference; CREATE TABLE claim_evidence (claim VARCHAR, bears VARCHAR)")
        connection.execute(
            "CREATE TABLE reference.claim (claim VARCHAR, text VARCHAR, said_by VARCHAR, citation VARCHAR, conditions VARCHAR)"
        )
        for i, mixture in enumerate(mixtures):
            connection.execute("INSERT INTO reference.claim VALUES (?, '', '', '', '')", [str(i)])
            rows = [(str(i), bears) for bears, n in zip(bearings, mixture, strict=True) for _ in range(n)]
            if rows:
                connection.executemany("INSERT INTO claim_evidence VALUES (?, ?)", rows)
        sql = (FOLDER / "claim.sql").read_text(encoding="utf-8")
        found = {int(c): v for c, v in connection.execute(f"SELECT claim, verdict FROM ({sql})").fetchall()}
    for i, (supports, limits, contradicts, _) in enumerate(mixtures):
        if not supports and not limits and not contradicts:
            expected = "cannot_be_checked"
        elif not supports:
            expected = "not_supported"
        elif limits or contradicts:
            expected = "supported_with_conditions"
        else:
            expected = "supported"
        assert found[i] == expected, mixtures[i]
