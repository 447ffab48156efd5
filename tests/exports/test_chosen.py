"""Which release is asked where none is named, and what is said from a build that nobody has released."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import custody
from custody import publishing as commands
from exports.asking import Asked
from exports.chosen import DEFAULT, Built, chosen
from exports.citing import Wanted, cite
from exports.styles import STYLES
from exports.tracing import trace
from sources.errors import Misused, Refused
from sources.home import Home
from tests.custody import homes, published

FRANCE = Wanted("France", "persons_held", 2021)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three releases, the newest of which is retracted."""
    made = Home(tmp_path)
    published.two(made.releases)
    published.write(made.releases, "2027.01.0", "2027-01-04", {"place": published.PLACES})
    published.retract(made.releases, "2027.01.0", "wrong")
    return made


def test_every_reader_means_the_same_release_where_none_is_named() -> None:
    readers = (custody.load, custody.cite, custody.compare_recidivism, commands.cite, commands.trace)
    assert {inspect.signature(reader).parameters["release"].default for reader in readers} == {DEFAULT} == {"stable"}


def test_the_newest_that_stands_is_chosen(home: Home) -> None:
    assert chosen(home).version == "2026.12.0"
    assert chosen(home, "latest").version == "2027.01.0"
    assert chosen(home, "2026.11.0").version == chosen(home, str(home.releases / "2026.11.0")).version == "2026.11.0"
    with pytest.raises(Misused, match="There is no release '2020.01.0'"):
        chosen(home, "2020.01.0")


def test_where_every_release_is_retracted_none_is_chosen(home: Home) -> None:
    for version in ("2026.11.0", "2026.12.0"):
        published.retract(home.releases, version, "wrong")
    with pytest.raises(Refused, match="Every release is retracted"):
        chosen(home)


def test_where_nothing_is_released_the_build_is_asked_and_says_so(release: Path) -> None:
    built = chosen(Home(homes.built()))
    assert isinstance(built, Built)
    of_build, of_release = cite(built, FRANCE), cite(Asked(release), FRANCE)
    assert (of_build.citable, of_release.citable) == (False, True)
    assert (of_build.value, of_build.id, of_build.primary) == (69448, of_release.id, of_release.primary)
    assert of_build.access == "table figure of the warehouse, figure_id = 7f1e44a54efc7b49"
    assert of_build.warnings[0].startswith("There is no release yet: this is from an unreleased build")
    assert all("must not be cited" in style(of_build) for style in STYLES.values())
    told = trace(built, FRANCE)
    assert told["warning"] == of_build.warnings[0]
    assert told["figures"][0]["rule"] == trace(Asked(release), FRANCE)["figures"][0]["rule"]


def test_a_home_with_neither_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no warehouse yet; run `custody run --offline` first"):
        chosen(Home(tmp_path))
    with pytest.raises(Refused, match="There is no release yet"):
        chosen(Home(tmp_path), "latest")
    assert list(tmp_path.iterdir()) == []


def test_a_definition_of_a_publisher_is_known_to_the_build_too(release: Path) -> None:
    wanted = Wanted("USA", "persons_held", 2016)
    assert set(cite(Asked(release), wanted).warnings) <= set(cite(Built(Home(homes.built())), wanted).warnings)
