"""Two releases from two vintages of publishers' real files: the difference is what the publishers changed, and no more."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from exports import diff, reproduce
from exports.diff import Diff
from exports.release import release
from sources.home import Home, read_json
from sources.places import UnknownPlace, find
from tests.warehouse.conftest import nothing_asked
from warehouse.build import build
from warehouse.by_hand import import_file
from warehouse.estimate.rules import rules
from warehouse.records import all_vintages, withdrawn_folder

DAY = date(2025, 12, 31)
#: What comes with the program and is not about persons held.
KEPT = {"world_bank_population", "gaps", "published_totals"}
BJS = ("t02", "t04")


@pytest.fixture(scope="module")
def home(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with two releases: of Eurostat's table by capacity and BJS's edition of 2021, then with those that followed."""
    made = Home(tmp_path_factory.mktemp("two") / "home")
    for vintage in all_vintages(made):
        if vintage.source_id not in KEPT:
            withdrawn_folder(made, vintage).mkdir(parents=True)
    few = replace(rules(), draws=50, test_from=2020)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warehouse.checks.submit", nothing_asked)
        patch.setattr("warehouse.checkers.start", lambda: None)
        patch.setattr("warehouse.estimate.tables.rules", lambda: few)
        patch.setattr("exports.pictures.write", lambda *_: [])
        patch.setattr("exports.workbook.write", lambda path, *_: path.write_bytes(b""))
        import_file(made, "eurostat_prisons", raw / "eurostat/2023-04/crim_pris_cap.tsv", vintage="2023-04")
        for table in BJS:
            import_file(made, "bjs_prisoners", raw / f"bjs/p21st/p21st{table}.csv")
        build(made, DAY)
        release(made, date(2026, 11, 23))
        import_file(made, "eurostat_prisons", raw / "eurostat/2026-04-29/crim_pris_ctz.csv")
        for table in BJS:
            import_file(made, "bjs_prisoners", raw / f"bjs/p22st/p22st{table}.csv")
        build(made, DAY)
        release(made, date(2026, 11, 24), explained="Eurostat's table by citizenship has come in.")
        yield made


@pytest.fixture(scope="module")
def found(home: Home) -> Diff:
    return diff.compare(home.releases / "2026.11.0", home.releases / "2026.11.1")


def test_belgium_2019(found: Diff) -> None:
    """10,559 in the table by capacity (2023), 10,794 in the table by citizenship (2026)."""
    (line,) = found.ask(
        "SELECT old, new, size, old_source, new_source, because FROM line WHERE table_name = 'figure' AND change = 'changed' "
        "AND column_name = 'value' AND place_id = 'BEL' AND year = 2019 AND measure = 'persons_held' AND what = ''"
    )
    assert list(line.values()) == [
        10_559, 10_794, 235,
        "eurostat_prisons crim_pris_cap 2023-04", "eurostat_prisons crim_pris_ctz 2026-04-29", "new_vintage",
    ]  # fmt: skip


def states(path: Path, column: int) -> dict[str, float]:
    """A column of a table of the BJS by state, read without the program's reader."""
    told = {}
    with path.open(encoding="cp1252", newline="") as stream:
        for row in csv.reader(stream):
            name = re.sub(r"/.*", "", row[1]).strip() if len(row) > column and not row[0] else ""
            if name and re.fullmatch(r"[\d,]+", row[column]):
                with suppress(UnknownPlace):  # totals, and the federal prisons
                    told[find(name).place_id] = float(row[column].replace(",", ""))
    return {place: value for place, value in told.items() if place.startswith("USA-")}


def test_the_revisions_of_the_bjs(raw: Path, found: Diff) -> None:
    """The total of 2021 under jurisdiction, as the edition of 2021 gives it and as that of 2022 does."""
    old = states(raw / "bjs/p21st/p21stt02.csv", 5)
    new = states(raw / "bjs/p22st/p22stt02.csv", 2)
    assert old.keys() == new.keys()
    assert len(old) == 48  # Georgia and Washington are other places' names too
    expected = {(place, old[place], new[place]) for place in old if old[place] != new[place]}
    assert expected == {("USA-IL", 28_475, 28_980), ("USA-IN", 24_716, 24_972), ("USA-UT", 5_907, 5_911)}
    lines = found.ask(
        "SELECT place_id, old, new FROM line WHERE table_name = 'figure' AND change = 'changed' AND column_name = 'value' "
        "AND year = 2021 AND measure = 'prisoners_under_jurisdiction' AND what = '' AND place_id IN (SELECT unnest($1))",
        list(old),
    )
    assert {tuple(line.values()) for line in lines} == expected


def test_nothing_else_differs_without_a_reason(found: Diff) -> None:
    assert found.unexplained == []
    assert found.schema == []
    other = found.ask(
        "SELECT * FROM line WHERE table_name IN ('figure', 'observation') AND change <> 'added' AND NOT "
        "(because = 'new_vintage' AND new_source SIMILAR TO '(eurostat_prisons|bjs_prisoners) .*')"
    )
    assert other == []
    places = found.ask("SELECT DISTINCT place_id FROM line WHERE table_name = 'headline' AND change = 'changed'")
    assert {"place_id": "BEL"} in places


def test_what_the_release_says_of_it(home: Home) -> None:
    text = (home.releases / "2026.11.1" / "CHANGES.md").read_text(encoding="utf-8")
    assert "| Belgium | 2019 | 10,559 | 10,794 | +235 | +2.2% | eurostat\\_prisons |" in text or (
        "| Belgium | 2019 | 10,559 | 10,794 | +235 | +2.2% | eurostat_prisons |" in text
    )
    assert "No new file is behind these" not in text
    assert "Eurostat's table by citizenship has come in." in text


def test_what_a_release_was_made_of_is_read_again_from_the_archive(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows come out of the same bytes, and the vintages that came later stay out."""
    monkeypatch.setattr("warehouse.checks.submit", nothing_asked)
    before = {p: p.stat().st_mtime_ns for p in home.root.rglob("*")}
    named = reproduce.named(read_json(home.releases / "2026.11.0" / "provenance.json"))
    apart = Home(tmp_path / "apart")
    assert reproduce._gather(home, apart, named, lambda _: None) == []
    mine = {reproduce._name(v): v for v in all_vintages(apart)}
    assert set(mine) == set(named)
    own = {reproduce._name(v): v for v in all_vintages(home) if not v.bundled}
    again = [n for n in named if n in own]
    assert len(again) == 1 + len(BJS)
    for name in again:
        assert mine[name].folder.is_relative_to(apart.root)
        assert mine[name].record["tables"] == own[name].record["tables"]

    spoilt = Home(tmp_path / "spoilt")
    lost = again[0]
    kept = reproduce.Archive.kept
    monkeypatch.setattr(reproduce.Archive, "kept", lambda s, d: None if d == lost.sha256 else kept(s, d))
    assert reproduce._gather(home, spoilt, named, lambda _: None) == [
        f"The bytes of {lost} are not in the archive; its rows are taken as accepted."
    ]
    strange = reproduce.Named("gaps", "gaps", "1999", "0" * 64)
    assert reproduce._gather(Home(tmp_path / "none"), Home(tmp_path / "x"), [strange], lambda _: None) == [
        f"{strange} is neither in the archive nor bundled."
    ]
    assert before == {p: p.stat().st_mtime_ns for p in home.root.rglob("*")}
