"""What `source.yml` says: one folder is one source, and nothing in it is guessed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from dictionary.model import dictionary
from sources import catalogue
from sources.catalogue import Source, read_source, source, sources
from sources.errors import Refused

ENTRY = {
    "title": "T", "publisher": "P", "tier": "national", "subject": "prison_population", "licence": "CC-BY-4.0", "cadence": "yearly", "citation": "C",
    "verified": False, "files": {"one": {"pattern": "one*.csv", "types": ["csv"]}, "two": {"pattern": "*two*", "types": ["csv"]}},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "src"
    made.mkdir()
    (made / "source.yml").write_text(yaml.safe_dump(ENTRY))
    (made / "parse.py").write_text("def parse(file): ...\n")
    return made


#: Sources that are off by default.
OFF = {"world_prison_brief"}


def test_every_folder_with_a_source_yml_is_a_source() -> None:
    here = Path(catalogue.__file__).parent
    folders = {path.parent.name for path in here.glob("*/source.yml")}
    assert set(sources()) | OFF == folders and not set(sources()) & OFF
    assert {"unodc_prisons", "gaps"} <= folders


def test_a_source_that_is_off_is_used_only_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for asked in ("world_prison_brief", "gaps,world_prison_brief,"):
        monkeypatch.setenv("CUSTODY_WITH", asked)
        sources.cache_clear()
        assert source("world_prison_brief").licence_class == "internal"
    monkeypatch.setenv("CUSTODY_WITH", "world_prison_breif")
    sources.cache_clear()
    with pytest.raises(Refused, match="CUSTODY_WITH names 'world_prison_breif', which is no source"):
        sources()
    monkeypatch.delenv("CUSTODY_WITH")
    sources.cache_clear()
    with pytest.raises(Refused, match="world_prison_brief is off unless CUSTODY_WITH=world_prison_brief"):
        source("world_prison_brief")


def test_every_internal_source_is_off() -> None:
    """Its figures are for the operator's own comparison; whoever wants them must say so."""
    assert {s.id for s in sources().values() if s.licence_class == "internal"} == set()


@pytest.mark.parametrize("name", sorted(sources()))
def test_every_source_has_a_parser_a_citation_and_a_known_licence(name: str) -> None:
    known = source(name)
    assert (
        callable(known.parser())
        and known.citation
        and known.licence_class == dictionary().licences[known.licence].licence_class
    )


@pytest.mark.parametrize("name", sorted(sources()))
def test_every_definition_that_a_parser_names_is_described(name: str) -> None:
    """A `definition` is the id of an entry in source.yml: the bundled rows use no other."""
    import pyarrow.parquet as pq

    used = {
        value
        for path in source(name).bundled.rglob("observation.parquet")
        for value in pq.read_table(path, columns=["definition"])["definition"].unique().to_pylist()
        if value is not None
    }
    assert used <= set(source(name).definitions)


def test_an_unknown_source_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused, match="There is no source 'unodc'; there are .*unodc_prisons"):
        source("unodc")


def test_a_source_yml_is_read(folder: Path) -> None:
    found = read_source(folder)
    assert (found.id, found.folder, found.tier, found.place_scheme) == ("src", folder, "national", "place_id")
    assert found.bundled == folder / "bundled" and found.licence_class == "open"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"licence": "mine"}, "no licence 'mine'"),
        ({"tier": "local"}, "tier"),
        ({"subject": "prisons"}, "subject"),
        ({"colour": "red"}, "colour"),
        ({"files": {"one": {"pattern": "*", "types": ["docx"]}}}, "files.one.types"),
        ({"title": None}, "title"),
    ],
)
def test_a_source_yml_that_is_not_clear_is_refused(folder: Path, change: dict[str, object], words: str) -> None:
    (folder / "source.yml").write_text(yaml.safe_dump({**ENTRY, **change}))
    with pytest.raises(Refused) as error:
        read_source(folder)
    assert str(error.value).startswith("src/source.yml: ") and words in str(error.value)


def test_a_name_that_matches_one_file_is_that_file(folder: Path) -> None:
    found = read_source(folder)
    assert found.file_for("one_2020.csv") == "one" and found.file_for("the two.csv") == "two"


@pytest.mark.parametrize(
    ("name", "words"), [("three.csv", "none of the files"), ("one_two.csv", "several of the files")]
)
def test_a_name_that_matches_none_or_several_is_refused(folder: Path, name: str, words: str) -> None:
    with pytest.raises(Refused, match=rf"{name}: {words} of src match this name; say which with --file"):
        read_source(folder).file_for(name)


def changed(found: Source, path: Path, text: str) -> bool:
    before = found.code_digest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return found.code_digest() != before


@pytest.mark.parametrize("name", ["parse.py", "corrections.yml", "aliases.csv", "source.yml", "inner/more.py"])
def test_whatever_turns_bytes_into_rows_changes_the_digest(folder: Path, name: str) -> None:
    assert changed(read_source(folder), folder / name, "x: 1\n")


@pytest.mark.parametrize("name", ["notes.md", "bundled/one/2020/x.csv"])
def test_what_does_not_turn_bytes_into_rows_does_not(folder: Path, name: str) -> None:
    assert not changed(read_source(folder), folder / name, "x")


def test_the_digest_is_the_same_in_another_place(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "src"
    shutil.copytree(folder, other)
    assert read_source(folder).code_digest() == read_source(other).code_digest()


def test_open_licences_alone_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = {name: used.licence_class for name, used in sources().items()}
    assert set(classes.values()) == {"open", "attribution"}
    monkeypatch.setenv("CUSTODY_LICENCES", "open")
    monkeypatch.setenv("CUSTODY_WITH", "world_prison_brief")  # all rights reserved
    sources.cache_clear()
    try:
        assert list(sources()) == [name for name, class_ in classes.items() if class_ == "open"]
        with pytest.raises(Refused, match="unodc_prisons is under no open licence, and CUSTODY_LICENCES=open is set"):
            source("unodc_prisons")
        monkeypatch.setenv("CUSTODY_LICENCES", "openly")
        sources.cache_clear()
        with pytest.raises(Refused, match="CUSTODY_LICENCES is 'openly'; it is `open`, or not set at all"):
            sources()
    finally:
        monkeypatch.undo()
        sources.cache_clear()


def test_what_is_wrong_is_said_key_by_key_in_our_own_words(folder: Path) -> None:
    entry = {name: value for name, value in ENTRY.items() if name != "publisher"}
    (folder / "source.yml").write_text(yaml.safe_dump({**entry, "tier": "local", "colour": "red", "title": 5}))
    with pytest.raises(Refused) as error:
        read_source(folder)
    said = str(error.value)
    assert "publisher is missing" in said and "colour is unknown" in said
    assert "tier must be 'national', 'international' or 'curated', not 'local'" in said
    assert "title must be a valid string, not '5'" in said
    assert "pydantic" not in said and "input_value" not in said and "validation error" not in said
