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
    {"gap": ("gap_id", "place_id", "year")},
    {"persons_held": "persons", "deaths_in_custody": "deaths"},
    {"sex": ("_T", "F", "M"), "licence": ("CC0",)},
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
    fewer = replace(BEFORE, version="1.9.0", columns={"gap": BEFORE.columns["gap"]}, keys={"gap": BEFORE.keys["gap"]})
    assert "of table place the table is gone: that is a MAJOR change" in str(refusal(BEFORE, fewer))
    assert "of table place the table is new: that is a MINOR change" in str(
        refusal(replace(fewer, version="1.4.2"), BEFORE)
    )
    other_key = replace(BEFORE, keys={**BEFORE.keys, "gap": ("place_id",)})
    assert "its key was place_id, year and is place_id: that is a MAJOR" in str(refusal(BEFORE, other_key))


IDENTITIES, MEASURES, CODES = (dict(part or {}) for part in (BEFORE.identities, BEFORE.measures, BEFORE.codes))
OTHER_WORDS: dict[str, tuple[Schema, str, str]] = {
    "a measure in another unit": (
        replace(BEFORE, measures={**MEASURES, "deaths_in_custody": "persons"}),
        "of measure deaths_in_custody it was in deaths and is in persons", "MAJOR",
    ),
    "a measure gone": (
        replace(BEFORE, measures={"persons_held": "persons"}),
        "of measure deaths_in_custody it is gone or renamed", "MAJOR",
    ),
    "a measure more": (
        replace(BEFORE, measures={**MEASURES, "releases": "persons"}), "of measure releases it is new", "MINOR"
    ),
    "a code gone": (
        replace(BEFORE, codes={**CODES, "sex": ("_T", "F")}), "of code list sex code M is gone or renamed", "MAJOR"
    ),
    "a list gone": (
        replace(BEFORE, codes={"sex": CODES["sex"]}), "of code list licence code CC0 is gone or renamed", "MAJOR"
    ),
    "a code more": (
        replace(BEFORE, codes={**CODES, "sex": ("_T", "F", "X", "M")}), "of code list sex code X is new", "MINOR"
    ),
    "an identity of fewer columns": (
        replace(BEFORE, identities={"gap": ("gap_id", "place_id")}),
        "of table gap its identity and what it is made of was gap_id, place_id, year and is gap_id, place_id", "MAJOR",
    ),
    "an identity in another order": (
        replace(BEFORE, identities={"gap": ("gap_id", "year", "place_id")}), "of table gap its identity", "MAJOR"
    ),
    "an identity gone": (replace(BEFORE, identities={}), "of table gap its identity", "MAJOR"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHER_WORDS)
def test_words_that_stand_in_the_tables(what: str) -> None:
    """A figure in another unit, and a code that a reader asks for in vain, are as bad as a column that is gone."""
    after, says, bump = OTHER_WORDS[what]
    least = {"MAJOR": "2.0.0", "MINOR": "1.5.0"}[bump]
    why = str(refusal(BEFORE, after))
    assert says in why and f"that is a {bump} change" in why and why.endswith(f"to {least}.")
    assert refusal(BEFORE, replace(after, version=least)) is None


def test_the_order_of_codes_is_no_change() -> None:
    assert changes(BEFORE, replace(BEFORE, codes={**CODES, "sex": ("M", "F", "_T")})) == []


def test_a_release_that_does_not_say_its_words_is_held_against_by_its_columns() -> None:
    silent = replace(BEFORE, identities=None, measures=None, codes=None)
    assert changes(silent, BEFORE) == changes(BEFORE, silent) == []


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"version": "1.0.0", "tables": {"gap": {}}}'])
def test_without_the_released_schema_nothing_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    """Or a deleted file would be a licence to change anything."""
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(released.read, "__defaults__", (path,))
    says = "is missing" if text is None else "cannot be read"
    for refuse in (lambda: released.refuse_unversioned("MAJOR"), released.write):
        with pytest.raises(DictionaryError, match=rf"dictionary/schema\.json {says}.*; restore it from git\."):
            refuse()
    with pytest.raises(BuildFailed, match="without it no change of the schema is noticed"):
        build(Home(tmp_path / "home"), date(2025, 12, 31))


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
    assert (now.measures or {})["deaths_in_custody"] == "deaths"
    assert (now.identities or {})["review_range"][0] == "review_range_id"
    assert (now.codes or {})["sex"] == ("_T", "_Z", "F", "M")


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
