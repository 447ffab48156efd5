"""A home of one's own for every test, and a source in a temporary folder that is read, checked and built like any other."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sources.archive import Archive, Snapshot
from sources.catalogue import File, Source
from sources.home import Home
from sources.reading import LeftOut, Parsed, RawFile, csv_cells, year_days
from tests.warehouse.made import frame, gap, observation
from warehouse import accepted, intake
from warehouse.build import build
from warehouse.checks import Asked
from warehouse.intake import Intake
from warehouse.records import Vintage
from warehouse.results import CheckResult
from warehouse.standing import is_current

HEADER = ["place", "measure", "sex", "year", "value"]


class Synthetic(Source):
    """A source whose files are CSV with the columns of HEADER; the first line may bear a stamp, as `# 2023-05-11`."""

    def parser(self) -> Callable[[RawFile], Parsed]:
        """Its parser, which leaves out what has no value."""
        return parse


def parse(file: RawFile) -> Parsed:
    stamp, data = None, file.data
    if data.startswith(b"# "):
        first, _, data = data.partition(b"\n")
        stamp = first[2:].decode()
    cells = csv_cells(file.name, data, HEADER)
    missing = np.array([value == "" for value in cells["value"]], dtype=bool)
    kept = cells.keep(~missing)
    frame = pd.DataFrame({"place_id": kept.places("place", file.places), "measure": kept["measure"]})
    frame["sex"] = kept.each("sex", lambda cell: cell or None)
    frame["locator"] = kept.locators("value")
    frame["dataset"] = file.file
    frame["value"] = kept.numbers("value")
    frame["period_start"], frame["period_end"] = year_days(kept.integers("year", 1000, 2100))
    frame["period_kind"] = "unknown_day"
    others = cells.keep(missing)
    left_out = [LeftOut(at, "missing", others.raw(i)) for i, at in enumerate(others.locators("value"))]
    return Parsed(stamp, len(cells), {"observation": frame} if len(kept) else {}, left_out)


def lines(*rows: tuple[Any, ...], stamp: str | None = None) -> bytes:
    """A file of the synthetic source; a row is place, value and what else it says, by default persons held in 2024."""
    text = f"# {stamp}\n" if stamp else ""
    text += ",".join(HEADER) + "\n"
    for place, value, *more in rows:
        row: dict[str, Any] = {"measure": "persons_held", "sex": "", "year": 2024, **(more[0] if more else {})}
        text += f"{place},{row['measure']},{row['sex']},{row['year']},{value}\n"
    return text.encode()


@dataclass
class Desk:
    """One home, its sources, and the ways in which a test puts files into it."""

    home: Home
    sources: dict[str, Source]

    @property
    def source(self) -> Source:
        """The only source."""
        (only,) = self.sources.values()
        return only

    @property
    def archive(self) -> Archive:
        """The archive of the home."""
        return Archive(self.home.archive)

    def put(self, data: bytes, name: str = "one.csv", source: str = "src", **more: Any) -> Snapshot:
        """Store a file in the archive."""
        said = {"obtained": "import", "url": None, "retrieved_at": "2026-05-01", **more}
        known = self.sources[source]
        return self.archive.put(known, known.file_for(name), name, data, **said)[0]

    def take_in(self, source: str = "src") -> Intake:
        """Bring a source up to date."""
        return intake.take_in(self.home, self.sources[source])

    def files(self, *below: str) -> dict[str, bytes]:
        """Every file of the home below a folder."""
        root = self.home.root.joinpath(*below)
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def make_source(folder: Path, name: str, **more: Any) -> Synthetic:
    (folder / name).mkdir(parents=True)
    (folder / name / "source.yml").write_text(f"title: {name}\n")
    said: dict[str, Any] = {
        "id": name, "folder": folder / name, "title": name, "publisher": "P", "tier": "international", "subject": "prison_population",
        "licence": "CC-BY-4.0", "cadence": "yearly", "citation": "C", "verified": False,
        "files": {"one": File(pattern="one*", types=("csv", "text"), min_share=0.01), "two": File(pattern="two*", types=("csv", "text"), min_share=0.01)},
        **more,
    }  # fmt: skip
    return Synthetic(**said)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home."""
    root = tmp_path / "home"
    monkeypatch.setenv("CUSTODY_HOME", str(root))
    return Home(root)


def nothing_asked(table: str, *_: Any) -> Asked:
    """Stands for `warehouse.checks.submit`: every check passes unasked."""
    answer: Future[list[CheckResult]] = Future()
    answer.set_result([])
    return Asked(table, [], answer)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check passes unasked, where a test is about something else: asking takes most of the time."""
    monkeypatch.setattr("warehouse.checks.submit", nothing_asked)


#: The modules that know the sources by `sources()`.
KNOWING = ("sources.catalogue", "warehouse.build", "warehouse.records", "warehouse.reference", "warehouse.standing")


@pytest.fixture
def make_desk(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Desk]:
    """A home in which there are the sources that are named, and no other."""

    def make(**named: Mapping[str, Any]) -> Desk:
        made: dict[str, Source] = {k: make_source(tmp_path / "sources", k, **v) for k, v in named.items()}
        for module in KNOWING:
            monkeypatch.setattr(f"{module}.sources", lambda: made)
        return Desk(home, made)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A home with one synthetic source."""
    return make_desk(src={})


def copied(folder: Path, to: Path) -> Path:
    """A copy of a folder."""
    return Path(shutil.copytree(folder, to))


def accept(home: Home, source: str, vintage: str, file: str = "one", **tables: list[dict[str, Any]]) -> Vintage:
    """A vintage with these rows, written as intake writes it but neither parsed nor checked."""
    mine = {"source_id": source, "file": file, "vintage": vintage}
    frames = {name: frame(name, [_named({**row, **mine}) for row in rows]) for name, rows in tables.items()}
    snapshot = {
        "source_id": source, "file": file, "sha256": hashlib.sha256(vintage.encode()).hexdigest(), "file_name": "one.csv",
        "bytes": 1, "media_type": "csv", "retrieved_at": "2026-05-01", "obtained": "import", "url": None,
        "licence": "CC-BY-4.0", "vintage_hint": None,
    }  # fmt: skip
    rows = sum(map(len, tables.values()))
    record = {**mine, "snapshot": snapshot, "items": rows, "observations": rows, "left_out": 0, "code": "x"}
    record["stale_corrections"] = []
    folder = home.accepted / source / file / vintage
    folder.mkdir(parents=True, exist_ok=True)
    full = {**record, "tables": accepted.write_tables(frames, folder)}
    accepted.write_record(full, [], folder)
    return Vintage(folder, False, full)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """The row with an identity of its own in its vintage."""
    if "observation_id" in row:
        text = row["observation_id"] + row["source_id"] + row["vintage"]
        row["observation_id"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return row


def total(**more: Any) -> dict[str, Any]:
    """One row of table published_total."""
    return {
        "source_id": "src", "file": "one", "vintage": "2023", "snapshot": "1" * 64, "locator": "t.csv:2:4",
        "topic": "prison_total", "geography": "World", "place_id": "WLD", "reference": "2022", "reference_year": 2022,
        "value_text": "11.5", "unit_text": "million", "value": 11_500_000.0, "circa": False, "citation": "Somebody",
        "evidence": "somewhere", "grade": "report_copy", "note": None, "licence": "CC-BY-4.0", **more,
    }  # fmt: skip


#: Rows of which a warehouse can be built: two places that are nearly the world, a gap and a published total.
WORLD: list[dict[str, Any]] = [
    observation("ALB", 5000, 2023),
    observation("ALB", 4800, 2022),
    observation("DEU", 58_000, 2023),
    *(observation(p, v, 2023, measure="population") for p, v in [("WLD", 100e6), ("ALB", 3e6), ("DEU", 92e6)]),
]


@pytest.fixture
def accepted_desk(make_desk: Callable[..., Desk]) -> Desk:
    """A home in which a warehouse can be built, of two sources."""
    desk = make_desk(src={}, other={})
    accept(desk.home, "src", "2023", observation=WORLD, gap=[gap("PRK", 100_000)], published_total=[total()])
    return desk


DAY = date(2024, 12, 31)

_built: list[Path] = []


@pytest.fixture
def built_desk(accepted_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The same with the warehouse of DAY, which is built once and copied."""
    files = (accepted_desk.home.warehouse, accepted_desk.home.build_record)
    if not _built:
        build(accepted_desk.home, DAY)
        _built.append(tmp_path_factory.mktemp("built"))
        for path in files:
            shutil.copy2(path, _built[0])
    for path in files:
        shutil.copy2(_built[0] / path.name, path)
    assert is_current(accepted_desk.home, DAY)
    return accepted_desk
