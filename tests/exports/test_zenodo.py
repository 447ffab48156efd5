"""What Zenodo is told of a release: every mandatory field, in Zenodo's own codes, and each source once."""

from __future__ import annotations

import json
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exports import zenodo

SOURCES = [
    {"source_id": "b", "homepage": "https://b.example.org", "citation": "B <2020>", "licence_class": "open"},
    {"source_id": "a", "homepage": None, "citation": "A", "licence_class": "open"},
    {"source_id": "c", "homepage": "https://b.example.org", "citation": "B <2020>", "licence_class": "open"},
]


def deposit(*sources: dict[str, Any]) -> dict[str, Any]:
    made = zenodo.deposit("2026.11.0", date(2026, 11, 23), sources)
    assert set(made) == {"metadata"}
    return dict(made["metadata"])


def test_what_zenodo_demands_is_there() -> None:
    """The fields without which Zenodo refuses a deposit, by its documentation, and those of the release."""
    told = deposit(*SOURCES)
    assert {"upload_type", "publication_date", "title", "creators", "description", "access_right", "license"} <= set(told)  # fmt: skip
    assert (told["upload_type"], told["access_right"]) == ("dataset", "open")
    assert (told["version"], told["publication_date"]) == ("2026.11.0", "2026-11-23")
    assert told["creators"] == [{"name": "Custody contributors"}]
    assert told["keywords"] and all(isinstance(word, str) for word in told["keywords"])


def test_each_source_is_named_once() -> None:
    told = deposit(*SOURCES)
    assert [r["identifier"] for r in told["related_identifiers"]] == ["https://b.example.org"]
    assert {r["relation"] for r in told["related_identifiers"]} == {"isDerivedFrom"}
    assert told["references"] == ["A", "B <2020>"]


@pytest.mark.parametrize(("class_", "licence"), [("open", "other-open"), ("attribution", "other-at")])
def test_the_licence_is_the_narrowest(class_: str, licence: str) -> None:
    assert deposit(*SOURCES, {**SOURCES[0], "licence_class": class_})["license"] == licence


def test_the_description_is_well_formed() -> None:
    open_: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            open_.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_.pop() == tag

    Reader().feed(deposit(*SOURCES)["description"])
    assert open_ == []


def test_a_release_brings_its_own(release: Path) -> None:
    told = json.loads((release / "zenodo.json").read_text(encoding="utf-8"))["metadata"]
    with duckdb.connect() as connection:
        table = f"read_csv('{release}/tables/source.csv', all_varchar = true)"
        homepages = connection.execute(f"SELECT DISTINCT homepage FROM {table} WHERE homepage IS NOT NULL").fetchall()
    assert {(r["identifier"],) for r in told["related_identifiers"]} == set(homepages)
    assert told["version"] == release.name and told["license"] == "other-at"
