"""`custody cite` and `custody trace`: what they print, how they fail, and that the release's directory is enough."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.custody import homes
from tests.custody.conftest import Command
from tests.custody.test_cli import HEAVY, TELL_IMPORTS, as_json, one_sentence

FRANCE = ("France", "persons_held", "2021")


@pytest.fixture(scope="module")
def released() -> Path:
    return homes.release_folder().parent.parent


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the release's directory and nothing else: no home, no warehouse, no list of releases."""
    return Path(shutil.copytree(homes.release_folder(), tmp_path_factory.mktemp("kept") / "2026.11.0"))


def test_all_that_is_known_is_printed(command: Command, released: Path) -> None:
    said = command(released, "cite", *FRANCE)
    assert said.returncode == 0
    for words in (
        "France, persons held, in 2021, day not stated: 69,448 persons",
        "figure_id = 7f1e44a54efc7b49",
        "crim_pris_ctz.csv:2650:8",
        "92e8c0c506a2d2752a99f157a8036761d7a66758a15c13e08231b6c79c7bf954",
        "https://creativecommons.org/licenses/by/4.0/",
        "Custody contributors. (2026).",
    ):
        assert words in said.stdout


def test_the_directory_alone_is_enough(command: Command, alone: Path, tmp_path: Path) -> None:
    for words in (["cite", *FRANCE, "--style", "apa"], ["trace", "7f1e44a54efc7b49"]):
        said = command(tmp_path / "none", *words, "--release", str(alone))
        assert said.returncode == 0, said.stderr
        assert "crim_pris_ctz.csv:2650:8" in said.stdout
    assert not (tmp_path / "none").exists()


def test_a_style_is_printed_alone_and_its_warnings_beside_it(command: Command, released: Path) -> None:
    said = command(released, "cite", "GBR", "persons_held", "2020", "--style", "bibtex")
    assert said.stdout.startswith("@misc{") and said.stdout.endswith("}\n")
    assert said.stderr.startswith("custody: Added up by Custody")
    assert json.loads(command(released, "cite", *FRANCE, "--style", "csl").stdout)[0]["type"] == "dataset"


def test_json_has_the_facts(command: Command, released: Path) -> None:
    found = as_json(command(released, "cite", *FRANCE, "--style", "apa", "--json"))
    assert (found["value"], found["primary"][0]["locator"]) == (69448, "crim_pris_ctz.csv:2650:8")
    assert found["text"].startswith("Custody contributors. (2026).")
    told = as_json(command(released, "trace", *FRANCE, "--json"))
    assert told["figures"][0]["chosen"][0]["value"] == 69448


def test_breakdowns_and_definitions_are_options(command: Command, released: Path) -> None:
    said = command(released, "cite", "USA", "persons_held", "2016", "--sex", "F")
    assert "persons held, female" in said.stdout and "id      1e3b91b7c55cbc4a" in said.stdout
    own = command(released, "cite", "USA", "persons_held", "2016", "--definition", "own")
    assert "2,162,400 persons" in own.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["Kazakhstan", "persons_held", "2021"], "an estimate of 33,382, which --estimate gives"),
        (["Frnace", "persons_held", "2021"], "the nearest are France"),
        (["France", "persons_held"], "Which figure of France? Give place, measure and year"),
        (["France"], "Which figure of France? Give place, measure and year"),
        (["7f1e44a54efc7b49", "--sex", "F"], "an id stands alone"),
        (["Scotland", "reconviction", "2017", "--estimate"], "Only persons_held is estimated"),
        (["recidivism:0"], "a row is recidivism:recidivism_id, such as recidivism:"),
        ([*FRANCE, "--release", "2020.1.0"], "There is no release '2020.1.0'"),
    ],
)
def test_what_cannot_be_cited_or_traced_is_one_sentence(
    command: Command, released: Path, words: list[str], says: str
) -> None:
    for verb in ("cite", "trace"):
        assert says in one_sentence(command(released, verb, *words), 2)


def test_an_unknown_style_is_one_sentence(command: Command, released: Path) -> None:
    assert "there are apa, chicago, bibtex, csl" in one_sentence(
        command(released, "cite", *FRANCE, "--style", "mla"), 2
    )


def test_nothing_heavy_is_imported_but_the_engine_that_reads_the_release(released: Path) -> None:
    for verb in ("cite", "trace"):
        said = homes.custody(released, verb, *FRANCE, code=TELL_IMPORTS, fresh=True)
        assert said.returncode == 0
        assert said.stderr.endswith("IMPORTED ['duckdb']\n"), said.stderr
    assert "duckdb" in HEAVY


@pytest.mark.parametrize("what", ["7f1e44a54efc7b49", "estimate:KAZ:2021-12-31", "estimate:PRK:2021-12-31",
                                  "estimate:GBR:2021-12-31", "world_total:WLD:2022-12-31:_T:_T"])  # fmt: skip
def test_each_kind_is_traced_in_words(command: Command, released: Path, what: str) -> None:
    said = command(released, "trace", what)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{'' if ':' in what else 'figure '}{what} of release 2026.11.0: ")
    assert len(said.stdout.splitlines()) > 2


def test_the_cell_is_read_from_the_archive_of_the_home(
    command: Command, released: Path, raw: Path, tmp_path: Path
) -> None:
    from sources.archive import Archive
    from sources.catalogue import source

    data = (raw / "eurostat/2026-04-29/crim_pris_ctz.csv").read_bytes()
    Archive(tmp_path / "archive").put(
        source("eurostat_prisons"), "crim_pris_ctz", "crim_pris_ctz.csv", data,
        obtained="import", url=None, retrieved_at="2026-11-24T00:00:00Z",
    )  # fmt: skip
    folder = str(released / "releases" / "2026.11.0")
    said = command(tmp_path, "trace", *FRANCE, "--release", folder)
    assert "published 69448: the same figure" in said.stdout


def test_the_cell_is_shown_as_published_and_as_read_where_they_differ() -> None:
    """UNODC's workbook keeps Kazakhstan's 31632 of 2020 as 31632.0; the BJS writes 202,700 for California."""
    from custody.proof import _published

    read = {"sum": None, "holds": "same"}
    assert _published({**read, "texts": ["31632"]}, {"value": 31632.0}, "") == "31632: the same figure"
    assert _published({**read, "texts": ["202,700"]}, {"value": 202700.0}, "") == (
        "202,700, read as 202700: the same figure"
    )
    assert _published({"holds": "not_archived"}, {}, "unodc_prisons 'a file.xlsx'").endswith(
        "`custody import unodc_prisons 'a file.xlsx'`"
    )
    assert _published({**read, "texts": [" 9"], "holds": "differs"}, {"value": 8.0}, "") == "' 9': ANOTHER FIGURE"
