"""A release is made again, with the same content, whatever the machine is like; and what is not as it was is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exports import reproduce
from exports.reproduce import Reproduction, other_program
from sources.errors import Refused
from sources.home import Home
from tests.custody import homes
from warehouse.build import BuildFailed

#: The command with another number of DuckDB's threads, and without Great Expectations, whose answers are no content.
ELSEWHERE = """
import duckdb
connect = duckdb.connect
def with_threads(*words, **named):
    made = connect(*words, **named)
    made.execute("SET threads = 5")
    return made
duckdb.connect = with_threads
"""


def test_a_release_of_open_sources_alone_is_made_again(tmp_path: Path) -> None:
    """The tables that such a release does not have are not missed; from all sources it is not the same, and why is said."""
    open_, code = {"CUSTODY_LICENCES": "open"}, homes.UNASKED + homes.MAIN
    home = tmp_path / "home"
    # What is left out follows from checks, which must be asked there.
    for how, *words in (
        (homes.MAIN, "run", "--offline", "--as-of", "2025-12-31"),
        (code, "release", "--date", homes.RELEASED_ON),
    ):
        said = homes.custody(home, *words, code=how, more=open_)
        assert said.returncode == 0, said.stderr
    said = homes.custody(home, "reproduce", "latest", "--json", code=code, more=open_)
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["holds"] and told["differing"] == []
    other = homes.custody(home, "reproduce", "latest", "--json", code=code)
    assert other.returncode == 1
    because = (
        "It was made from sources under open licences alone, and is made from all sources: CUSTODY_LICENCES says which."
    )
    assert because in json.loads(other.stdout)["reasons"]


def turkish(folder: Path) -> dict[str, str]:
    """The environment of a place where the small letter of I is none of English; it is made, and proved to be in force."""
    if not Path("/usr/share/i18n/locales/tr_TR").exists():
        pytest.skip("Debian's package locales is not here; .ci/run installs it")
    folder.mkdir()
    subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")], check=True)
    told = {"LOCPATH": str(folder), "LC_ALL": "tr_TR.UTF-8"}
    asks = "import locale; print(locale.setlocale(locale.LC_ALL, ''), locale.localeconv()['decimal_point'])"
    said = subprocess.run(
        [sys.executable, "-c", asks], env={**os.environ, **told}, check=True, capture_output=True, text=True
    )
    assert said.stdout == "tr_TR.UTF-8 ,\n"
    return told


def test_another_folder_time_zone_locale_processor_and_number_of_threads(release: Path, tmp_path: Path) -> None:
    """The release of this checkout, made again by a copy of it elsewhere."""
    clone = tmp_path / "another place" / "custody"
    for room in ("custody", "dictionary", "exports", "pipelines", "sources", "tests", "warehouse"):
        shutil.copytree(homes.REPOSITORY / room, clone / room, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "requirements.lock").symlink_to(homes.REPOSITORY / "requirements.lock")
    other = {
        "PYTHONPATH": str(clone),
        "PYTHONHASHSEED": "7",
        "TZ": "Pacific/Kiritimati",
        **turkish(tmp_path / "locales"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Nehalem",  # another kind of processor adds in another order
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3" if os.uname().machine == "x86_64" else "",
        "TMPDIR": str(tmp_path),
    }
    home = tmp_path / "elsewhere"
    said = homes.custody(
        home,
        "reproduce",
        str(release),
        "--json",
        code=ELSEWHERE + homes.UNASKED + homes.MAIN,
        cwd=tmp_path,
        more=other,
        fresh=True,
    )
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    stated = json.loads((release / "provenance.json").read_text(encoding="utf-8"))["content_digest"]
    assert told["holds"]
    assert told["made"] == told["stated"] == stated
    assert told["differing"] == []
    # A copy without git's folder cannot say which commit it is.
    assert told["reasons"] == ["It is not known whether the program is the same: git says nothing of it, now or then."]
    assert not home.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["another place", "locales"]


@pytest.fixture
def provenance(release: Path) -> Any:
    return json.loads((release / "provenance.json").read_text(encoding="utf-8"))


def test_what_of_the_program_is_another(provenance: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce.descriptors, "commit", lambda: "a" * 40)
    assert other_program(provenance | {"git_commit": "a" * 40}) == []
    assert other_program(provenance | {"git_commit": "b" * 40}) == [
        f"The program is another: it was commit {'b' * 40}, and is {'a' * 40}."
    ]
    other = provenance | {
        "git_commit": "a" * 40,
        "lock": "c" * 64,
        "engines": provenance["engines"] | {"duckdb": "0.1"},
    }
    told = other_program(other)
    assert told[0] == "The libraries are others: requirements.lock differs."
    assert told[1].startswith("duckdb was 0.1, and is ")
    monkeypatch.setattr(reproduce.descriptors, "commit", lambda: "a" * 40 + "+changed")
    assert "had changes beside commit" in other_program(provenance | {"git_commit": "a" * 40 + "+changed"})[0]


def made_of(release: Path, monkeypatch: pytest.MonkeyPatch, *statements: str) -> Reproduction:
    """What is told where the warehouse that is built is that of the release, altered."""

    def build(apart: Home, day: date, _: Any) -> None:
        assert day == date(2025, 12, 31)
        homes.copy(homes.built(), apart.root / "built")
        if statements:
            homes.alter(apart.root / "built", *statements)
        shutil.copy2(apart.root / "built" / "warehouse.duckdb", apart.warehouse)

    monkeypatch.setattr(reproduce, "damage", lambda *_: None)  # the proof takes seconds, and others test it
    monkeypatch.setattr(reproduce, "build", build)
    monkeypatch.setattr(reproduce, "_gather", lambda *_: ["x is neither in the archive nor bundled."])
    return reproduce.reproduce(Home(release.parent.parent), release)


def test_tables_that_differ_are_named_with_their_rows(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_of(
        release,
        monkeypatch,
        "UPDATE gap SET central = central + 1 WHERE place_id = 'PRK'",
        "DELETE FROM place WHERE place_id = 'NAM'",
    )
    assert not made.holds
    assert made.made not in (None, made.stated)
    assert [(d.table, d.only_released, d.only_made) for d in made.differing] == [("gap", 1, 1), ("place", 1, 0)]
    assert made.reasons[-1] == "x is neither in the archive nor bundled."


def test_where_nothing_can_be_built_it_says_why(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise BuildFailed("A check did not pass.")

    monkeypatch.setattr(reproduce, "damage", lambda *_: None)
    monkeypatch.setattr(reproduce, "_gather", lambda *_: [])
    monkeypatch.setattr(reproduce, "build", fails)
    made = reproduce.reproduce(Home(release.parent.parent), release)
    assert (made.holds, made.made, made.differing) == (False, None, [])
    assert made.reasons[-1] == "No warehouse could be built: A check did not pass."


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"content_digest": "x"}'])
def test_a_release_that_does_not_say_what_it_was_made_of(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "provenance.json").write_text(text, encoding="utf-8")
    with pytest.raises(Refused):
        reproduce.reproduce(Home(tmp_path / "home"), tmp_path)
    assert not (tmp_path / "home").exists()


def test_the_command_without_a_release(tmp_path: Path) -> None:
    said = homes.custody(tmp_path / "home", "reproduce", "latest")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "custody: There is no release yet; `custody release` makes one.\n"


def test_the_same_bytes_from_another_day_make_the_same_release(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When, whence and under which name a file came is not in its bytes; how large it is is."""
    came = "UPDATE snapshot SET retrieved_at = '2030-01-01', file_name = 'x.tsv' WHERE file = 'crim_pris_cap'"
    made = made_of(release, monkeypatch, came)
    assert (made.holds, made.differing) == (True, [])
    assert made.reasons[-1].startswith("The same bytes as those of crim_pris_cap.tsv came here on another occasion")
    made = made_of(release, monkeypatch, came, "UPDATE snapshot SET bytes = bytes + 1 WHERE file = 'crim_pris_cap'")
    assert not made.holds
    assert [(d.table, d.only_released, d.only_made) for d in made.differing] == [("snapshot", 1, 1)]


def test_a_damaged_release_is_not_made_again(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says of itself must not be believed, or a forger states the digest of what can be made."""
    copied = Path(shutil.copytree(release, tmp_path / "2026.11.0"))
    path = copied / "provenance.json"
    path.chmod(0o644)
    path.write_text(path.read_text(encoding="utf-8").replace('"previous": null', '"previous": "x"'), encoding="utf-8")
    monkeypatch.setattr(reproduce, "build", lambda *_: pytest.fail("it was built"))
    with pytest.raises(Refused) as error:
        reproduce.reproduce(Home(tmp_path / "home"), copied)
    assert str(error.value) == (
        f"{copied} is not what was released (files: altered or missing: provenance.json); "
        "take it from where it was published. Nothing was made again."
    )
