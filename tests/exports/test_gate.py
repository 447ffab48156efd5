"""Making releases: names follow the calendar, nothing is written twice, and what may not leave does not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dictionary.model import Licence, dictionary
from exports import descriptors, gate, opened, tables, workbook
from exports.gate import GateClosed
from exports.listing import Release, next_version, releases, retract
from exports.release import release
from exports.verify import verify
from sources.errors import Refused
from sources.home import Home
from tests.custody import homes
from warehouse import checks

pytestmark = pytest.mark.usefixtures("unpainted")

NOVEMBER = date(2026, 11, 23)
WORKBOOK = workbook.write


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Great Expectations, which take seconds: for tests of what comes before and after them."""
    monkeypatch.setattr(checks, "run", lambda *_: [])


def listed(*versions: str) -> list[Release]:
    return [Release(v, "2026-01-01", "0.1.0", "2025-12-31", "d", "s") for v in versions]


@pytest.mark.parametrize(
    ("known", "today", "expected"),
    [
        ((), date(2026, 11, 1), "2026.11.0"),
        (("2026.11.0",), date(2026, 11, 30), "2026.11.1"),
        (("2026.11.0", "2026.11.1"), date(2026, 11, 30), "2026.11.2"),
        (("2026.11.0",), date(2026, 12, 1), "2026.12.0"),
        (("2026.11.0", "2026.12.0"), date(2027, 1, 1), "2027.01.0"),
        (("2025.11.0",), date(2026, 11, 1), "2026.11.0"),
        (tuple(f"2026.11.{n}" for n in range(10)), date(2026, 11, 1), "2026.11.10"),
    ],
)
def test_names_follow_the_calendar(known: tuple[str, ...], today: date, expected: str) -> None:
    assert next_version(listed(*known), today) == expected


@pytest.mark.usefixtures("unchecked")
def test_a_series_of_releases(small: Path) -> None:
    home = Home(small)
    first, new = release(home, NOVEMBER)
    assert (first.version, new) == ("2026.11.0", True)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in home.releases.rglob("*") if p.is_file()}

    again, new = release(home, date(2027, 3, 1))
    assert (again, new) == (first, False)
    assert before == {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in home.releases.rglob("*") if p.is_file()}

    homes.alter(small, "UPDATE gap SET central = central + 1 WHERE place_id = 'PRK'")
    second, new = release(home, NOVEMBER)
    assert (second.version, new) == ("2026.11.1", True)
    homes.alter(small, "UPDATE gap SET central = central - 1 WHERE place_id = 'PRK'")
    third, new = release(home, date(2026, 12, 1))
    assert (third.version, new) == ("2026.12.0", True)
    assert third.digest == first.digest != second.digest  # content that came back is the same content

    assert releases(home) == [first, second, third]
    kept = json.loads((home.releases / "releases.json").read_text(encoding="utf-8"))
    assert kept["aliases"] == {"latest": "2026.12.0", "stable": "2026.12.0"}
    old = {p: value for p, value in before.items() if p.name != "releases.json"}
    assert old == {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in old}
    for entry in (first, second, third):
        assert [f for f in verify(home.releases / entry.version, entry.sums) if not f.holds] == []


@pytest.mark.usefixtures("unchecked")
def test_the_same_rows_give_the_same_bytes_of_every_file(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "write", WORKBOOK)
    other = homes.copy(small, tmp_path / "other")
    for home in (small, other):
        release(Home(home), NOVEMBER)
    folders = [h / "releases/2026.11.0" for h in (small, other)]
    made = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders]
    assert made[0] == made[1]
    assert len(made[0]) > 2 * len(dictionary().tables)


@pytest.mark.usefixtures("unchecked")
def test_a_day_before_the_last_release_is_refused(once: Path) -> None:
    """Else `latest` would be older than another release."""
    home = Home(once)
    homes.alter(once, "UPDATE gap SET central = central + 1 WHERE place_id = 'PRK'")
    with pytest.raises(GateClosed, match="2026-11-23 is newer than 2026-10-31"):
        release(home, date(2026, 10, 31))
    assert [r.version for r in releases(home)] == ["2026.11.0"]


@pytest.mark.usefixtures("unchecked")
def test_a_release_that_was_interrupted_before_it_was_listed_is_finished(once: Path) -> None:
    home = Home(once)
    (made,) = releases(home)
    bytes_ = {p: p.read_bytes() for p in (home.releases / "2026.11.0").rglob("*") if p.is_file()}
    (home.releases / "releases.json").unlink()
    found, new = release(home, date(2026, 11, 29))
    assert (found, new) == (made, True)
    assert releases(home) == [made]
    assert bytes_ == {p: p.read_bytes() for p in (home.releases / "2026.11.0").rglob("*") if p.is_file()}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("spoilt", [False, True])
def test_an_unlisted_release_is_never_overwritten(once: Path, spoilt: bool) -> None:
    home = Home(once)
    (home.releases / "releases.json").unlink()
    folder = home.releases / "2026.11.0"
    if spoilt:
        (folder / "provenance.json").unlink()
    else:
        homes.alter(once, "UPDATE gap SET central = central + 1 WHERE place_id = 'PRK'")
    bytes_ = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(GateClosed, match=r"releases\.json does not list it; restore"):
        release(home, NOVEMBER)
    assert bytes_ == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.usefixtures("unchecked")
def test_an_unlisted_release_that_is_damaged_is_not_listed(small: Path) -> None:
    home = Home(small)
    release(home, NOVEMBER)
    (home.releases / "releases.json").unlink()
    path = home.releases / "2026.11.0" / "LICENCES.md"
    path.chmod(0o644)
    path.write_text("All of it is free.", encoding="utf-8")
    with pytest.raises(GateClosed, match=r"it is damaged \(files: altered or missing: LICENCES\.md\)"):
        release(home, NOVEMBER)
    assert releases(home) == []


@pytest.mark.usefixtures("unchecked")
def test_what_was_written_is_proved_before_it_has_its_name(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same proof as the command's: here the descriptor forgets a table."""
    whole = descriptors.package

    def forgetful(*words: Any) -> dict[str, Any]:
        told = whole(*words)
        return {**told, "resources": [r for r in told["resources"] if r["name"] != "gap"]}

    monkeypatch.setattr(descriptors, "package", forgetful)
    with pytest.raises(GateClosed, match=r"does not prove to be .* \(tables: tables/gap\.csv is not named by each"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


@pytest.mark.usefixtures("unchecked")
def test_after_the_only_release_was_retracted_the_next_is_held_against_it(small: Path) -> None:
    home = Home(small)
    release(home, NOVEMBER)
    retract(home, "2026.11.0", "Chad was read as Niger.", NOVEMBER)
    homes.alter(small, "UPDATE gap SET central = central + 1 WHERE place_id = 'PRK'")
    second, _ = release(home, NOVEMBER)
    folder = home.releases / second.version
    told = (folder / "CHANGES.md").read_text(encoding="utf-8")
    assert told.splitlines()[0] == "# Changes of 2026.11.1 since 2026.11.0"
    assert "2026.11.0 was retracted on 2026-11-23: Chad was read as Niger. None stands" in told
    assert "first release" not in told
    assert json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["previous"] == "2026.11.0"
    # And what is lost against it must be explained.
    retract(home, "2026.11.1", "Niger was right.", NOVEMBER)
    homes.alter(small, "UPDATE world_total SET central = central * 1.5 WHERE place_id = 'WLD'")
    with pytest.raises(GateClosed, match="If it is meant to be so, say why"):
        release(home, NOVEMBER)


def nothing_was_written(home: Home) -> bool:
    return not home.releases.exists() or list(home.releases.iterdir()) == []


def test_rows_of_an_internal_source_close_the_gate(small: Path) -> None:
    homes.alter(small, "UPDATE source SET licence_class = 'internal' WHERE source_id = 'unodc_prisons'")
    with pytest.raises(
        GateClosed,
        match="unodc_prisons, whose licence is internal; run and release without CUSTODY_WITH. Nothing was released",
    ):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


@pytest.mark.parametrize("table", ["observation", "figure", "gap", "left_out", "snapshot", "published_total"])
def test_one_internal_row_closes_the_gate(small: Path, table: str) -> None:
    columns = {c.name for c in dictionary().tables[table].columns}
    assert "source_id" in columns
    homes.alter(
        small,
        "INSERT INTO source SELECT * REPLACE ('secret' AS source_id, 'internal' AS licence_class) FROM source LIMIT 1",
        f"UPDATE {table} SET source_id = 'secret' WHERE rowid = (SELECT min(rowid) FROM {table})",
    )
    with pytest.raises(GateClosed, match="rows of secret"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


@pytest.mark.usefixtures("unchecked")
def test_an_internal_source_without_rows_closes_nothing(small: Path) -> None:
    homes.alter(
        small,
        "INSERT INTO source SELECT * REPLACE ('secret' AS source_id, 'internal' AS licence_class) FROM source LIMIT 1",
    )
    _, new = release(Home(small), NOVEMBER)
    assert new


def test_a_row_under_an_internal_licence_closes_the_gate(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the source's own licence is another: a row's licence goes before its source's."""
    barred = Licence.model_validate({"title": "All rights reserved", "class": "internal", "url": None})
    words = dictionary()
    altered = words.model_copy(update={"licences": {**words.licences, "all-rights-reserved": barred}})
    monkeypatch.setattr(gate, "dictionary", lambda: altered)
    homes.alter(small, "UPDATE gap SET licence = 'all-rights-reserved' WHERE place_id = 'PRK'")
    with pytest.raises(GateClosed, match="gap has rows under all-rights-reserved"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


SPOILT = {
    "range": ("UPDATE gap SET central = -1 WHERE place_id = 'PRK'", "1 of 4 rows break it, the first: place_id PRK, "),
    "code": ("UPDATE country_year SET kind = 'empire' WHERE place_id = 'FRA'", "only codes of the list place_kind"),
    "key": ("INSERT INTO correction SELECT * FROM correction LIMIT 1", "The key of correction is unique"),
    "empty": ("DELETE FROM country_year", "never empty"),
}


def test_a_failing_check_of_the_open_part_closes_the_gate(small: Path) -> None:
    """It is asked of the files, not taken over from the build: the whole has this row right."""
    homes.alter(small / "open", "UPDATE country_year SET kind = 'empire' WHERE place_id = 'FRA'")
    with pytest.raises(GateClosed, match="only codes of the list place_kind"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


@pytest.mark.parametrize("what", SPOILT)
def test_a_failing_check_closes_the_gate(small: Path, what: str) -> None:
    """The warehouse passed its checks when it was built; a release trusts only what it publishes."""
    statement, reason = SPOILT[what]
    homes.alter(small, statement)
    with pytest.raises(GateClosed, match="Nothing was released") as error:
        release(Home(small), NOVEMBER)
    assert reason in str(error.value)
    assert nothing_was_written(Home(small))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("part", "table", "old"), [("tables", "gap", "100000.0"), ("open", "country_year", "FRA")])
def test_a_file_that_reads_back_otherwise_closes_the_gate(
    small: Path, monkeypatch: pytest.MonkeyPatch, part: str, table: str, old: str
) -> None:
    write = tables.write

    def careless(rows: Any, of: Any, folder: Path, about: Any) -> list[Path]:
        made = write(rows, of, folder, about)
        if (folder.name, of.name) == (part, table):
            whole = made[1].read_text(encoding="utf-8")
            assert old in whole
            made[1].write_text(whole.replace(old, old[::-1]), encoding="utf-8")
        return made

    monkeypatch.setattr(tables, "write", careless)
    with pytest.raises(GateClosed, match=f"Table {table} reads back from csv as other rows"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


def test_a_crash_on_the_way_leaves_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(descriptors, "package", full)
    monkeypatch.setattr(gate, "validate", lambda *_: [])
    with pytest.raises(OSError, match="No space"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


def test_without_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="custody run --offline"):
        release(Home(tmp_path), NOVEMBER)
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_that_its_record_does_not_belong_to_is_not_released(small: Path) -> None:
    with (small / "warehouse.duckdb").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(Refused):
        release(Home(small), NOVEMBER)


def test_the_command_says_kindly_that_nothing_has_changed(once: Path) -> None:
    again = homes.custody(once, "release", "--date", "2026-11-24")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "Nothing has changed since 2026.11.0; no release was written.\n"
    assert sorted(p.name for p in (once / "releases").iterdir()) == ["2026.11.0", "releases.json"]


def test_the_command_says_in_one_sentence_why_the_gate_is_closed(small: Path) -> None:
    homes.alter(small, "UPDATE source SET licence_class = 'internal' WHERE source_id = 'gaps'")
    said = homes.custody(small, "release")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.splitlines() == [
        "custody: Table gap has rows of gaps, whose licence is internal; run and release without CUSTODY_WITH. Nothing was released."
    ]


def test_a_look_at_another_day_does_not_become_the_published_total_by_accident(small: Path) -> None:
    home = Home(small)
    with pytest.raises(GateClosed, match=r"The warehouse is as of [\d-]+, not 1999-12-31"):
        release(home, NOVEMBER, as_of=date(1999, 12, 31))
    assert not home.releases.exists()


@pytest.mark.usefixtures("unchecked")
def test_a_text_that_no_csv_can_hold_closes_the_gate(small: Path) -> None:
    homes.alter(small, "UPDATE gap SET note = 'a' || chr(1) || 'b' WHERE place_id = 'PRK'")
    with pytest.raises(GateClosed, match=r"\d cells of gap\.note hold a control character; nothing was released"):
        release(Home(small), NOVEMBER)
    assert nothing_was_written(Home(small))


def test_a_row_that_is_not_open_closes_the_gate_of_the_open_part() -> None:
    """The open part is made of open vintages alone; that it holds nothing else is looked at all the same."""
    source = pa.table({"source_id": ["fine"], "licence_class": ["open"]})
    for table in (
        pa.table({"source_id": ["fine", "unodc_prisons"]}),
        pa.table({"licence": ["CC-BY-4.0", "UN-terms"]}),
        pa.table({"rival_source_id": [None, "unodc_prisons"]}),
    ):
        with pytest.raises(GateClosed, match="tables/open: made\\..* has UN-terms|has unodc_prisons, not open"):
            opened.refuse_closed({"source": source, "made": table})
    opened.refuse_closed({"source": source, "made": pa.table({"source_id": ["fine", "several"]})})


def test_a_warehouse_of_an_older_program_is_told_in_one_sentence(small: Path) -> None:
    homes.alter(small, "DROP TABLE world_walk")
    with pytest.raises(Refused, match="no table world_walk as this version of Custody describes it; run `custody run"):
        release(Home(small), NOVEMBER)
