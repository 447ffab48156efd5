"""What Dagster knows: every asset there should be, what it is made from, and one job that runs in process."""

from __future__ import annotations

import json
import re

import dagster as dg
import pytest
import yaml

from pipelines.assets import JOB
from pipelines.definitions import defs
from tests.custody import homes

MODELS = {path.stem: path for path in (homes.REPOSITORY / "warehouse" / "models").glob("*.sql")}
SOURCES = homes.IN_USE


def tables_in(sql: str) -> set[str]:
    """What a query reads, told by its words: what stands after FROM and JOIN and is no name of its own."""
    sql = re.sub(r"--.*|\bDISTINCT FROM\b", "", sql)
    sql = re.sub(r"'(?:[^']|'')*'", "''", sql)
    ends = {}
    for own in re.finditer(
        r"(?:\bWITH|,)\s+(?:RECURSIVE\s+)?(\w+)(?:\s*\([\w, ]*\))?\s+AS\s+(?:MATERIALIZED\s+)?\(", sql
    ):
        depth, at = 1, own.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[at], 0)
            at += 1
        ends[own[1]] = at
    named = re.finditer(r"\b(?:FROM|JOIN)\s+([A-Za-z_][\w.]*)\b(?!\s*\()", sql)
    # Until a name of the query's own is complete, it still means the table.
    return {each[1] for each in named if each.start() < ends.get(each[1], len(sql))}


#: The estimate and the back-test are computed from these, as queries in warehouse/estimate/given.py say.
ESTIMATED_FROM = {"headline", "world_place", "gap", "place"}
READ_BY_COMPUTATIONS = {
    "place_estimate": ESTIMATED_FROM,
    "area_estimate": ESTIMATED_FROM,
    "change_rule": ESTIMATED_FROM,
    "backtest_case": ESTIMATED_FROM,
    # Whatever the queries in claims.yml name.
    "claim_evidence": set().union(
        *(
            tables_in(claim["evidence"])
            for claim in yaml.safe_load((homes.REPOSITORY / "warehouse/claims.yml").read_text("utf-8"))
        )
    ),
}


def expected_parents(name: str) -> set[dg.AssetKey]:
    parents = set()
    for table in tables_in(MODELS[name].read_text(encoding="utf-8")):
        schema, _, bare = table.rpartition(".")
        if not schema:
            assert bare in MODELS, f"{name}.sql reads {bare}"
            parents.add(dg.AssetKey(bare))
        elif schema == "computed":
            parents |= {dg.AssetKey(read) for read in READ_BY_COMPUTATIONS[bare]}
        elif schema == "accepted":
            parents |= {dg.AssetKey(["accepted", source]) for source in SOURCES}
        elif table == "reference.snapshot":
            # Not on snapshots: one source without any would have Dagster skip the build.
            parents |= {dg.AssetKey(["accepted", source]) for source in SOURCES}
    return parents


@pytest.fixture(scope="module")
def graph() -> dg.AssetGraph:  # type: ignore[name-defined]
    return defs.resolve_asset_graph()


def test_definitions_can_be_loaded() -> None:
    dg.Definitions.validate_loadable(defs)


def test_there_is_an_asset_for_each_snapshot_accepted_source_and_table(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    expected = {dg.AssetKey([kind, source]) for kind in ("snapshot", "accepted") for source in SOURCES}
    assert graph.get_all_asset_keys() == expected | {dg.AssetKey(name) for name in MODELS}
    assert "world_prison_brief" not in SOURCES and len(SOURCES) >= 24


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_table_depends_on_what_its_sql_reads(graph: dg.AssetGraph, name: str) -> None:  # type: ignore[name-defined]
    assert set(graph.get(dg.AssetKey(name)).parent_keys) == expected_parents(name)


def test_the_way_from_a_snapshot_to_the_world_total(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    for source in SOURCES:
        accepted = dg.AssetKey(["accepted", source])
        assert set(graph.get(accepted).parent_keys) == {dg.AssetKey(["snapshot", source])}
        reached, waiting = set(), [accepted]
        while waiting:
            reached.add(key := waiting.pop())
            waiting += graph.get(key).child_keys - reached
        assert dg.AssetKey("world_total") in reached


def test_every_asset_says_what_it_is(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert len(node.description or "") > 10, key
        assert node.owners == ["team:custody"]


def test_assets_stand_in_the_group_of_their_subject(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    for key in graph.get_all_asset_keys():
        where = f"dictionary/tables/{key.path[0]}.yml" if len(key.path) == 1 else f"sources/{key.path[1]}/source.yml"
        said = (homes.REPOSITORY / where).read_text(encoding="utf-8")
        assert f"\nsubject: {graph.get(key).group_name}\n" in said, key


def test_a_source_is_tagged_with_tier_licence_and_cadence(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    told = {"tier": "international", "licence_class": "open", "cadence": "yearly"}
    for kind in ("snapshot", "accepted"):
        tags = graph.get(dg.AssetKey([kind, "eurostat_prisons"])).tags
        assert {name: tags[name] for name in told} == told


def test_columns_are_described_as_in_the_dictionary(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    schema = graph.get(dg.AssetKey("world_total")).metadata["dagster/column_schema"]
    (share,) = (c for c in schema.columns if c.name == "published_share")
    assert (share.type, share.constraints.nullable) == ("number", True)
    assert (share.description or "").startswith("Share of the population that lives in the places counted")
    assert (share.description or "").endswith("Unit: share.")
    words = (homes.REPOSITORY / "dictionary/tables/world_total.yml").read_text(encoding="utf-8")
    assert [c.name for c in schema.columns] == re.findall(r"^  - (\w+)", words.split("checks:")[0], re.MULTILINE)


def test_sources_are_fresh_when_they_were_asked_and_tables_when_they_were_confirmed(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    windows = {
        "england_wales_prison_population": (2, 3),  # weekly, asked daily
        "france_prisons": (6, 9),  # monthly, asked every third day
        "eurostat_prisons": (56, 84),  # yearly, asked every month
        "gaps": None,  # has no address
    }
    for source, days in windows.items():
        for kind in ("snapshot", "accepted"):  # both are made when a publisher is asked, whatever it answers
            policy = graph.get(dg.AssetKey([kind, source])).freshness_policy
            found = policy and (policy.warn_window.to_timedelta().days, policy.fail_window.to_timedelta().days)
            assert found == days, (kind, source)
    for name in MODELS:
        policy = graph.get(dg.AssetKey(name)).freshness_policy
        assert (policy.warn_window.to_timedelta().days, policy.fail_window.to_timedelta().days) == (2, 3)


def test_what_is_checked(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    checked = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    names = [*MODELS, *(f"accepted/{source}" for source in SOURCES)]
    assert checked == {(name, "expectations") for name in names}


def test_the_job_is_all_of_it_and_runs_in_process(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    job = defs.resolve_job_def(JOB)
    assert job.executor_def is dg.in_process_executor
    assert set(job.asset_layer.executable_asset_keys) == graph.get_all_asset_keys()


def test_the_words_for_a_table_are_the_dictionarys(graph: dg.AssetGraph) -> None:  # type: ignore[name-defined]
    book = json.loads(json.dumps({name: graph.get(dg.AssetKey(name)).description for name in MODELS}))
    for name, description in book.items():
        assert f"row: {description}\n" in (homes.REPOSITORY / f"dictionary/tables/{name}.yml").read_text(
            encoding="utf-8"
        )
