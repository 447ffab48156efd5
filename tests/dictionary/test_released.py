"""The schema bears a version that says what has changed since it was released."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dictionary import released
from dictionary.model import DictionaryError, dictionary
from dictionary.released import Field, Schema, changes, of_dictionary, refusal
from sources.home import Home
from warehouse.build import BuildFailed, build

BEFORE = Schema(
    "1.4.2",
    {
        "gap": (
            Field("place_id", "text", None, False),
            Field("year", "integer", None, False),
            Field("value", "number", "persons", False),
        ),
        "place": (Field("place_id", "text", None, False),),
    },
    {"gap": ("place_id", "year"), "place": ("place_id",)},
)


def gap(change: Callable[[list[Field]], Sequence[Field]], version: str = "1.4.2") -> Schema:
    """The schema with other columns of table gap."""
    return replace(
        BEFORE, version=version, columns={**BEFORE.columns, "gap": tuple(change(list(BEFORE.columns["gap"])))}
    )


LOW = Field("low", "number", "persons", True)
BREAKING: dict[str, tuple[Callable[[list[Field]], Sequence[Field]], str]] = {
    "renamed": (lambda c: [c[0], replace(c[1], name="period"), c[2]], "column year is gone or renamed"),
    "removed": (lambda c: c[:2], "column value is gone or renamed"),
    "reordered": (lambda c: [c[1], c[0], c[2]], "the columns are in another order, from year on"),
    "retyped": (
        lambda c: [c[0], c[1], replace(c[2], type="integer")],
        "column value was of type number and is of type integer",
    ),
    "re-united": (
        lambda c: [c[0], c[1], replace(c[2], unit="per_100k")],
        "column value was in persons and is in per_100k",
    ),
    "without its unit": (
        lambda c: [c[0], c[1], replace(c[2], unit=None)],
        "column value was in persons and is in none",
    ),
    "reordered and more": (lambda c: [c[1], LOW, c[0], c[2]], "the columns are in another order, from year on"),
}
ADDING: dict[str, tuple[Callable[[list[Field]], Sequence[Field]], str]] = {
    "added": (lambda c: [*c, LOW], "column low is new"),
    "added between": (lambda c: [c[0], LOW, *c[1:]], "column low is new"),
    "may be missing": (lambda c: [c[0], c[1], replace(c[2], nullable=True)], "column value may be missing from now on"),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_breaks_readers_is_major(what: str) -> None:
    change, says = BREAKING[what]
    for version in ("1.4.2", "1.4.3", "1.5.0", "1.99.0"):
        why = str(refusal(BEFORE, gap(change, version)))
        assert f"of table gap {says}" in why
        assert "that is a MAJOR change; " in why
        assert f"from {version} to 2.0.0" in why
    for version in ("2.0.0", "2.1.0", "3.0.0"):
        assert refusal(BEFORE, gap(change, version)) is None


@pytest.mark.parametrize("what", ADDING)
def test_what_only_adds_is_minor(what: str) -> None:
    change, says = ADDING[what]
    for version in ("1.4.2", "1.4.3"):
        why = str(refusal(BEFORE, gap(change, version)))
        assert f"of table gap {says}: that is a MINOR change; " in why
        assert "to 1.5.0." in why
    for version in ("1.5.0", "1.6.0", "2.0.0"):
        assert refusal(BEFORE, gap(change, version)) is None


def test_tables_and_keys() -> None:
    fewer = Schema("1.9.0", {"gap": BEFORE.columns["gap"]}, {"gap": BEFORE.keys["gap"]})
    assert "of table place the table is gone: that is a MAJOR change" in str(refusal(BEFORE, fewer))
    assert "of table place the table is new: that is a MINOR change" in str(
        refusal(replace(fewer, version="1.4.2"), BEFORE)
    )
    other_key = replace(BEFORE, keys={**BEFORE.keys, "gap": ("place_id",)})
    assert "its key was place_id, year and is place_id: that is a MAJOR" in str(refusal(BEFORE, other_key))


def test_what_is_required_from_now_on_breaks_nobody() -> None:
    loose = replace(gap(lambda c: [c[0], c[1], replace(c[2], nullable=True)]), version="1.4.2")
    assert refusal(loose, BEFORE) is None


def test_the_worst_is_told_and_the_rest_is_counted() -> None:
    both = gap(lambda c: [c[1], c[2], LOW])
    assert [c.bump for c in changes(BEFORE, both)] == ["MAJOR", "MINOR"]
    assert "column place_id is gone or renamed and 1 more: that is a MAJOR" in str(refusal(BEFORE, both))


def test_a_version_never_goes_back_and_is_three_numbers() -> None:
    assert "a version never goes back" in str(refusal(BEFORE, replace(BEFORE, version="1.4.1")))
    for odd in ("1.4", "v1.4.2", "1.4.2-beta", ""):
        with pytest.raises(DictionaryError, match="not three numbers"):
            refusal(BEFORE, replace(BEFORE, version=odd))


def test_before_1_the_rule_is_the_same() -> None:
    before = replace(BEFORE, version="0.3.0")
    change = BREAKING["removed"][0]
    assert "to 1.0.0" in str(refusal(before, gap(change, "0.4.0")))
    assert refusal(before, gap(change, "1.0.0")) is None


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    now = of_dictionary(dictionary())
    path.write_text(now.as_json(), encoding="utf-8")
    assert released.read(path) == now
    assert released.read(tmp_path / "none.json") is None


def test_the_dictionary_bears_the_version_that_it_must() -> None:
    """`version` in schema.yml is raised with the change; `make schema` notes it when it is released."""
    assert released.RELEASED.is_file()
    released.refuse_unversioned("MAJOR")


def test_a_build_refuses_a_schema_without_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = of_dictionary(dictionary())
    columns = {**now.columns, "gap": (*now.columns["gap"], Field("gone", "text", None, True))}
    path = tmp_path / "schema.json"
    path.write_text(replace(now, columns=columns).as_json(), encoding="utf-8")
    monkeypatch.setattr(released.read, "__defaults__", (path,))
    with pytest.raises(BuildFailed, match="of table gap column gone is gone or renamed"):
        build(Home(tmp_path / "home"), date(2025, 12, 31))
    monkeypatch.setattr(released, "RELEASED", path)
    with pytest.raises(DictionaryError, match="MAJOR"):
        released.write()
    assert not (tmp_path / "home").exists()
