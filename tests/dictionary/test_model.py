"""The dictionary says everything once and completely, and a contradiction in it is refused by the file's name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dictionary import model
from dictionary.model import DictionaryError
from tests.dictionary import raw


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the dictionary that may be spoilt."""
    return Path(shutil.copytree(raw.FOLDER, tmp_path / "words", ignore=shutil.ignore_patterns("*.py", "__pycache__")))


def put(name: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of one file, which must find what it replaces."""

    def edit(folder: Path) -> None:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def add(name: str, line: str) -> Callable[[Path], None]:
    return lambda folder: put_at_end(folder / name, line)


def put_at_end(path: Path, line: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")


def test_the_copy_reads_as_the_original(folder: Path) -> None:
    assert model.read(folder) == model.dictionary()


def test_columns_are_those_of_the_files_in_their_order() -> None:
    read = {name: list(table.column_names) for name, table in model.dictionary().tables.items()}
    assert read == {name: [c["name"] for c in raw.columns(name)] for name in raw.table_names()}


def test_everything_has_a_description() -> None:
    words = model.dictionary()
    texts = {
        **{f"{t.name}.{c.name}": c.description for t in words.tables.values() for c in t.columns},
        **{f"{t.name} title": t.title for t in words.tables.values()},
        **{f"{t.name} row": t.row for t in words.tables.values()},
        **{f"{name} {code}": text for name, codes in words.code_lists.items() for code, text in codes.codes.items()},
        **{f"measure {name}": m.description for name, m in words.measures.items()},
        **{f"measure {name} title": m.title for name, m in words.measures.items()},
        **{f"licence {name}": lic.title for name, lic in words.licences.items()},
    }
    assert {name: text for name, text in texts.items() if len(text.strip()) < 3} == {}


def test_keys_are_never_null() -> None:
    """A key that may be missing identifies nothing."""
    tables = model.dictionary().tables.values()
    assert [(t.name, c.name) for t in tables for c in t.columns if c.name in t.key and c.nullable] == []


def test_rows_have_one_order() -> None:
    """A release sorts by `sort`: without the whole key in it, equal rows could change places between engines."""
    assert [t.name for t in model.dictionary().tables.values() if not set(t.key) <= set(t.sort)] == []


def test_a_column_that_no_table_lists_is_not_kept() -> None:
    used = {c["name"] for table in raw.table_names() for c in raw.columns(table)}
    assert sorted(set(raw.content("columns.yml")) - used) == []


def test_a_code_list_that_no_column_names_is_not_kept() -> None:
    # Units are named by measures and columns too; a licence's class by licences.
    used = {c["codes"] for table in raw.table_names() for c in raw.columns(table) if c.get("codes")}
    assert sorted(set(raw.content("codes.yml")) - used) == []


def test_breakdowns_of_measures_are_columns_with_a_total_and_a_does_not_apply() -> None:
    observation = {c["name"]: c for c in raw.columns("observation")}
    measures = raw.content("measures.yml")
    applied = {breakdown for measure in measures.values() for breakdown in measure["applies"]}
    assert applied == set(model.BREAKDOWNS)
    for breakdown in applied:
        assert {"_T", "_Z"} <= set(raw.codes(observation[breakdown]["codes"]))


def test_measures_have_a_unit_of_their_nature() -> None:
    for name, measure in raw.content("measures.yml").items():
        ratio = measure["unit"] in {"per_100k", "percent"}
        assert ratio == (measure["nature"] == "ratio"), name
        assert measure["unit"] in raw.codes("unit")


def test_regular_expressions_compile_and_match_whole_cells() -> None:
    patterns = {c["pattern"] for t in raw.table_names() for c in raw.columns(t) if c.get("pattern")}
    assert patterns
    for pattern in patterns:
        re.compile(pattern)
        assert pattern.startswith("^")
        assert pattern.endswith("$")


REFUSED = {
    "a key of a table": (add("tables/gap.yml", "colour: red"), "tables/gap.yml", "colour"),
    "a key of a column": (put("tables/gap.yml", "{type: number,", "{type: number, colour: red,"), "gap.yml", "colour"),
    "a key of a shared column": (put("columns.yml", "file: {type", "file: {colour: red, type"), ".yml", "colour"),
    "a key of a check": (
        put("tables/observation.yml", "- {kind:", "- {colour: red, kind:"),
        "observation.yml",
        "colour",
    ),
    "a key of a code list": (put("codes.yml", "  title: Sex", "  title: Sex\n  colour: red"), "codes.yml", "colour"),
    "a key of a measure": (put("measures.yml", "  unit:", "  colour: red\n  unit:"), "measures.yml", "colour"),
    "a key of a licence": (put("licences.yml", "  class:", "  colour: red\n  class:"), "licences.yml", "colour"),
    "a key beside the version": (add("schema.yml", "colour: red"), "schema.yml", "colour"),
    "a type": (put("tables/gap.yml", "{type: number,", "{type: float,"), "tables/gap.yml", "columns.9.type"),
    "a group": (put("tables/gap.yml", "group: accepted", "group: guessed"), "tables/gap.yml", "group"),
    "a subject": (put("tables/gap.yml", "subject: world_total", "subject: gaps"), "tables/gap.yml", "subject"),
    "a code list": (put("tables/place.yml", "codes: place_kind", "codes: gender"), "tables/place.yml", "'gender'"),
    "a column without type": (put("tables/gap.yml", "  - locator", "  - locater"), "tables/gap.yml", "locater"),
    "a breakdown": (put("measures.yml", "applies: [sex,", "applies: [hair,"), "measures.yml", "applies.0"),
    "a unit of a measure": (put("measures.yml", "unit: persons", "unit: souls"), "measures.yml", "'souls'"),
    "a nature": (put("measures.yml", "nature: stock", "nature: shock"), "measures.yml", "nature"),
    "a class of licences": (put("licences.yml", "class: open", "class: shut"), "licences.yml", "class"),
    "a kind of check": (put("tables/observation.yml", "kind: between", "kind: beyond"), "observation.yml", "kind"),
    "a severity": (
        put("tables/observation.yml", "severity: critical", "severity: mild"),
        "observation.yml",
        "severity",
    ),
}
MISSING = {
    "in a key": (put("tables/gap.yml", "key: [place_id,", "key: [plaice,"), "tables/gap.yml", "plaice"),
    "in a sort order": (put("tables/gap.yml", "sort: [place_id,", "sort: [plaice,"), "tables/gap.yml", "plaice"),
    "in a check": (put("tables/observation.yml", "column: value, when", "column: valeu, when"), "observation.yml", "valeu"),
    "in a check's other": (put("tables/observation.yml", "other: period_end", "other: period_ende"), "observation.yml", "period_ende"),
    "in a check's condition": (put("tables/observation.yml", "when_column: status", "when_column: state"), "observation.yml", "state"),
    "in a check's rows": (put("tables/observation.yml", "where: {column: unit", "where: {column: unite"), "observation.yml", "unite"),
    "in a check's columns": (put("tables/figure.yml", "columns: [place_id,", "columns: [plaice,"), "tables/figure.yml", "plaice"),
}  # fmt: skip
INCOMPLETE = {
    "a check without its column": (put("tables/observation.yml", "null_only_when, column: value,", "null_only_when,"), "observation.yml", "column"),
    "a check without its bound": (put("tables/observation.yml", " maximum: 5000, where", " where"), "observation.yml", "maximum"),
    "a column without description": (put("tables/gap.yml", ', description: "Which people."', ""), "gap.yml", "description"),
    "a column listed twice": (put("tables/gap.yml", "  - source_id", "  - source_id\n  - source_id"), "gap.yml", "twice"),
    "a table without columns": (put("tables/gap.yml", "columns:", "colums:"), "tables/gap.yml", "colums"),
    "an empty file": (lambda folder: (folder / "tables/gap.yml").write_text(""), "tables/gap.yml", "mapping"),
    "a file that is no YAML": (lambda folder: (folder / "codes.yml").write_text("a: [1"), "codes.yml", "line 1"),
    "a file that is not there": (lambda folder: (folder / "measures.yml").unlink(), "measures.yml", "No such file"),
    "a table named within": (add("tables/gap.yml", "name: hole"), "tables/gap.yml", "named by its file"),
    "no version": (lambda folder: (folder / "schema.yml").write_text("v: 1\n"), "schema.yml", "version"),
    "a code that YAML reads as no": (put("codes.yml", "    F: Female", "    NO: Female"), "codes.yml", "sex"),
}  # fmt: skip


@pytest.mark.parametrize("what", [*REFUSED, *MISSING, *INCOMPLETE])
def test_a_contradiction_is_refused_by_the_name_of_its_file(folder: Path, what: str) -> None:
    spoil, file, word = {**REFUSED, **MISSING, **INCOMPLETE}[what]
    spoil(folder)
    with pytest.raises(DictionaryError) as error:
        model.read(folder)
    assert file in str(error.value)
    assert word in str(error.value)
