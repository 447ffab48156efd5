"""What is read from the records of vintages: the same bytes are one file, whenever and from wherever they came again."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sources.catalogue import source
from sources.home import Home
from warehouse.records import RECORD, Vintage, all_vintages, as_first_met, vintages, withdrawn_folder
from warehouse.standing import inputs_digest

EUROSTAT, FILE = "eurostat_prisons", "crim_pris_cap"


def of_file(home: Home) -> Vintage:
    (found,) = [v for v in vintages(home, source(EUROSTAT)) if v.file == FILE]
    return found


def bring_again(home: Home, **occasion: Any) -> dict[str, Any]:
    """What comes with the program, accepted here as well, from the same bytes on another occasion; gives the first."""
    bundled = of_file(home)
    own = home.accepted / EUROSTAT / FILE / bundled.vintage
    shutil.copytree(bundled.folder, own)
    record = json.loads((own / RECORD).read_text(encoding="utf-8"))
    record["snapshot"] |= occasion
    (own / RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert not of_file(home).bundled
    return dict(bundled.snapshot)


def test_the_same_bytes_again_are_published_as_they_first_came(tmp_path: Path) -> None:
    home = Home(tmp_path)
    day = date(2025, 12, 31)
    digest = inputs_digest(all_vintages(home), day)
    first = bring_again(home, retrieved_at="2030-01-01T00:00:00Z", file_name="cap (2).tsv", url="https://example.org")
    (told,) = as_first_met([of_file(home)])
    assert told == first
    assert inputs_digest(all_vintages(home), day) == digest, "there is nothing to build anew"


def test_what_came_before_the_program_did_stands_and_is_built_anew(tmp_path: Path) -> None:
    home = Home(tmp_path)
    day = date(2025, 12, 31)
    digest = inputs_digest(all_vintages(home), day)
    first = bring_again(home, retrieved_at="2023-05-02", url="https://example.org")
    (told,) = as_first_met([of_file(home)])
    assert told == {**first, "retrieved_at": "2023-05-02", "url": "https://example.org"}
    assert inputs_digest(all_vintages(home), day) != digest


@pytest.mark.parametrize(("day", "stands"), [("2026-11-24", False), ("2026-11-23", True)])
def test_a_day_without_its_hour_is_not_before_an_hour_of_it(tmp_path: Path, day: str, stands: bool) -> None:
    home = Home(tmp_path)
    first = bring_again(home, retrieved_at=day)
    assert first["retrieved_at"].startswith("2026-11-24T")
    (told,) = as_first_met([of_file(home)])
    assert told["retrieved_at"] == (day if stands else first["retrieved_at"])


def test_bytes_that_were_withdrawn_and_are_imported_again_first_came_when_they_did(tmp_path: Path) -> None:
    home = Home(tmp_path)
    bundled = of_file(home)
    first = bring_again(home, retrieved_at="2030-01-01T00:00:00Z")
    withdrawn_folder(home, bundled).mkdir(parents=True)
    (told,) = as_first_met([of_file(home)])
    assert told == first
