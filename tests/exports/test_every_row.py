"""Every table of a release, not those of figures alone: a row leads to what is behind it, or says why to nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exports import keys, leads
from exports.asking import Asked
from exports.finding import by_id
from exports.tracing import TELLING, trace
from sources.errors import Misused
from tests.dictionary import raw as yaml_of
from tests.exports.test_tracing import archived as archived

#: Tables whose rows are no figures, or figures of nobody's but Custody's.
WITHOUT = {"backtest", "change_rule", "place", "snapshot", "source"}
#: Tables of which the bundled figures may give no row.
EMPTY = {"vanished"}


@pytest.fixture(scope="module")
def asked(release: Path) -> Asked:
    return Asked(release)


def behind(told: Mapping[str, Any]) -> list[Any]:
    """All that a trace leads to."""
    named = ("figures", "observations", "rows", "cells", "chosen", "walk", "places", "gaps", "parts")
    return [one for name in named for one in told.get(name) or ()]


def test_no_table_is_forgotten() -> None:
    known = {*TELLING, *leads.VALUES, *leads.OF_TABLE}
    assert set(yaml_of.table_names()) == known
    assert len(known) == len(TELLING) + len(leads.VALUES) + len(leads.OF_TABLE)


@pytest.mark.parametrize("table", yaml_of.table_names())
def test_the_first_and_a_random_row_lead_to_what_is_behind_them(asked: Asked, table: str) -> None:
    """Named by the key that the dictionary's file gives, joined by hand."""
    key = yaml_of.content(f"tables/{table}.yml")["key"]
    count = asked.rows(f"SELECT count(*) AS n FROM {{{table}}}")[0]["n"]
    if table in EMPTY and not count:
        pytest.skip(f"no row of {table} in the release")
    for offset in (0, random.Random(table).randrange(count)):
        (row,) = asked.rows(f"SELECT * FROM {{{table}}} LIMIT 1 OFFSET {offset}")
        name = f"{table}:{'/'.join(str(row[column]) for column in key)}"
        told = trace(asked, name)
        assert (told["table"], told["row"]) == (table, row)
        if table in WITHOUT or not behind(told):
            assert re.fullmatch(r"[A-Z][^\n]+\.", told["why"]), name
        else:
            assert told.get("why") is None, name
        assert table not in WITHOUT or not behind(told)
        for one in told.get("rows") or ():
            by_id(asked, one)


def test_the_evidence_of_every_claim_is_followed_by_the_key_that_the_table_names(asked: Asked) -> None:
    rows = asked.rows("SELECT * FROM {claim_evidence}")
    assert len(rows) > 20
    for row in rows:
        found = by_id(asked, f"{row['row_table']}:{row['row_key']}")
        assert found.table == row["row_table"], row
        key = keys.tables(asked)[found.table].key
        assert row["row_key"] in ("/".join(str(found.row[c]) for c in key), found.row.get("locator")), row


def test_only_rows_of_places_without_any_figure_lead_nowhere(asked: Asked) -> None:
    """Of the day of the release: who gives to the total has a figure, a gap or parts; who does not says so."""
    rows = asked.rows("SELECT * FROM {world_place} WHERE as_of = (SELECT max(as_of) FROM {world_place})")
    for row in rows:
        led = leads.behind(asked, "world_place", row)
        assert bool(led.why) == (row["role"] in ("no_figure", "inside_parent", "inside_other") and not row["figure_id"])
        assert led.why is None or (row["name"] in led.why and len(led.why) > len(row["name"]) + 40)


def test_every_column_of_a_country_and_year_leads_to_its_figure(asked: Asked) -> None:
    """Spain 2021 in UNODC's workbook: 185 deaths in row 29843 of column L, 63,150 places in row 37463."""
    told = trace(asked, "country_year:ESP/2021")
    found = {f["figure"]["measure"]: f["chosen"][0]["locator"] for f in told["figures"]}
    assert found["deaths_in_custody"] == "data_cts_prisons_and_prisoners!L29843"
    assert found["official_capacity"] == "data_cts_prisons_and_prisoners!L37463"
    shown = {name for name, value in told["row"].items() if isinstance(value, float)}
    of_others = {
        "population",
        "persons_held_per_100k",
        "persons_held_spread",
        "estimate",
        "estimate_low",
        "estimate_high",
    }
    assert len(told["figures"]) == len(shown - of_others)
    assert [one["measure"] for one in told["observations"]] == ["population"]


@pytest.mark.parametrize(
    ("named", "texts"),
    [
        ("recidivism:7e81c546ec038ee9", ["40607", "27.3", "0.48"]),  # Scotland, table 1, row 24
        ("published_total:published_totals.csv:4:4", ["11.5"]),  # million, says the column beside it
        ("gap:PRK/political prison camps", ["100000"]),
    ],
)
def test_a_row_with_a_cell_of_its_own_is_read_again(asked: Asked, archived: Any, named: str, texts: list[str]) -> None:
    (cell,) = trace(asked, named, archived)["cells"]
    assert (cell["published"]["holds"], cell["published"]["texts"]) == ("same", texts)


def test_a_cell_without_a_figure_is_shown_as_text(asked: Asked, archived: Any) -> None:
    row = asked.row("SELECT * FROM {facility} WHERE name = 'James Nash House'")
    assert row is not None
    (cell,) = trace(asked, f"facility:{row['facility']}", archived)["cells"]
    assert cell["published"]["holds"] == "text"
    (left,) = trace(asked, "left_out:abs_prisoners/state_tables/2019-12-05/Table_14!B12", archived)["cells"]
    assert left["published"]["holds"] == "left_out"


def test_what_names_no_row_is_told_with_the_form_of_a_name(asked: Asked) -> None:
    with pytest.raises(Misused, match="has no country_year 'ESP/1900'; a row is country_year:place_id/year, such as"):
        trace(asked, "country_year:ESP/1900")
    twice = asked.row("SELECT locator, count(*) AS n FROM {left_out} GROUP BY locator HAVING n > 1")
    assert twice is not None
    with pytest.raises(Misused, match="Several rows of table left_out are at"):
        trace(asked, f"left_out:{twice['locator']}")
