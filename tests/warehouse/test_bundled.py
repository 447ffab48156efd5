"""The bundled figures against the publishers' files from which they were made, where those are at hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sources.archive import Snapshot
from sources.catalogue import source, sources
from sources.home import Home, sha256_file
from warehouse.accepted import as_arrow
from warehouse.by_hand import withdraw
from warehouse.candidate import complete, parse
from warehouse.records import vintages, withdrawals

BUNDLED = sorted(name for name, known in sources().items() if known.bundled.is_dir())


@cache
def by_digest(folder: Path) -> dict[str, Path]:
    """The files below a folder, by their SHA-256."""
    return {sha256_file(path): path for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_rows_are_those_of_the_publishers_files(name: str, raw: Path, tmp_path: Path) -> None:
    """Whoever changes a bundled figure, and its digest with it, is found out here."""
    known = source(name)
    own = vintages(Home(tmp_path), known)
    assert own
    for vintage in own:
        path = by_digest(raw.parent)[vintage.snapshot["sha256"]]
        snapshot = Snapshot(**vintage.snapshot)
        candidate = complete(known, snapshot, parse(known, snapshot, path.read_bytes()), vintage.vintage)
        assert set(candidate.tables) == set(vintage.record["tables"])
        for table, frame in candidate.tables.items():
            bundled = pq.read_table(vintage.folder / f"{table}.parquet")
            assert as_arrow(table, frame).equals(bundled), f"{vintage.file} {vintage.vintage}: {table}"
        counts = (candidate.parsed.items, candidate.observations, candidate.left_out)
        assert counts == tuple(vintage.record[k] for k in ("items", "observations", "left_out"))


def test_every_bundled_figure_is_in_the_package() -> None:
    """A kind of file that pyproject.toml does not name is missing from a wheel, which an editable install hides."""
    import tomllib

    root = Path(__file__).parents[2]
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    rooms = ("custody", "dictionary", "sources", "warehouse", "exports", "pipelines")
    kinds = {
        p.suffix for room in rooms for p in (root / room).rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    assert {f"*{kind}" for kind in kinds - {".py"}} <= set(listed)


def test_what_came_with_the_program_is_withdrawn_like_any_other(tmp_path: Path) -> None:
    home, eurostat = Home(tmp_path / "home"), "eurostat_prisons"
    (bundled,) = [v for v in vintages(home, source(eurostat)) if v.file == "crim_pris_cap"]
    withdraw(home, eurostat, "crim_pris_cap", bundled.vintage, "taken from a draft")
    assert not [v for v in vintages(home, source(eurostat)) if v.file == "crim_pris_cap"]
    assert bundled.folder.is_dir()
    (told,) = withdrawals(home, source(eurostat))
    assert (told["file"], told["vintage"], told["reason"]) == ("crim_pris_cap", bundled.vintage, "taken from a draft")
