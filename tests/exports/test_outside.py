"""A release in programs that know nothing of Custody: a validator, LibreOffice and R."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from dictionary.arrow import schema
from dictionary.model import dictionary
from exports import tables, workbook
from tests.custody import homes
from tests.exports.hostile import HOSTILE
from tests.exports.test_workbook import made

NEEDS_OFFICE = pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice (soffice) is not installed")
NEEDS_R = pytest.mark.skipif(not shutil.which("Rscript"), reason="R (Rscript) is not installed")


@pytest.fixture(scope="module")
def little() -> Path:
    """A release of few rows. Nobody may change it."""
    return homes.little() / "releases" / "2026.11.0"


@pytest.mark.parametrize("part", [".", "tables/open"])
def test_the_data_package_is_valid_by_an_independent_validator(little: Path, part: str) -> None:
    """Every CSV against its schema, hash and size; keys are held against each other in test_release.py, of all rows."""
    from frictionless import Checklist, Package
    from frictionless.resource import Resource

    folder = little / part
    package = Package.from_descriptor(str(folder / "datapackage.json"))
    assert list(package.metadata_validate(package.to_descriptor())) == []
    tested = 0
    for resource in package.resources:
        if resource.format != "csv":
            continue
        descriptor = {k: v for k, v in resource.to_descriptor().items() if k != "rows"}
        descriptor["schema"].pop("foreignKeys", None)
        report = Resource.from_descriptor(descriptor, basepath=str(folder)).validate(Checklist())
        assert report.valid, (resource.name, report.flatten(["rowNumber", "fieldName", "note"])[:3])
        tested += 1
    assert tested == len(list((little / part / ("tables" if part == "." else ".")).glob("*.csv")))


def test_the_validator_sees_a_wrong_cell(little: Path, tmp_path: Path) -> None:
    from frictionless import Package

    shutil.copytree(little, tmp_path / "copy")
    path = tmp_path / "copy" / "tables" / "gap.csv"
    path.chmod(0o644)
    path.write_text(path.read_text(encoding="utf-8").replace("100000.0", "many"), encoding="utf-8")
    package = Package.from_descriptor(str(tmp_path / "copy" / "datapackage.json"))
    told = package.get_resource("gap").validate().flatten(["type"])
    assert ["type-error"] in told and ["hash-count"] in told


def office(tmp_path: Path, *words: str, file: Path) -> Path:
    """What LibreOffice makes of a file, as a workbook; with a profile of its own, so that nothing is remembered."""
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    out = tmp_path / "out"
    words = ("soffice", profile, "--headless", *words, "--convert-to", "xlsx", "--outdir", str(out), str(file))
    subprocess.run(words, check=True, capture_output=True, timeout=180, env={**os.environ, "HOME": str(tmp_path)})
    return out / f"{file.stem}.xlsx"


@NEEDS_OFFICE
def test_libreoffice_opens_csv_and_workbook_with_accents_and_without_formulas(little: Path, tmp_path: Path) -> None:
    """The CSV is read as UTF-8 with commas, as LibreOffice proposes; the workbook holds what no CSV can be safe with."""
    opened = office(tmp_path, "--infilter=CSV:44,34,76,1", file=little / "tables" / "place.csv")
    header, *rows = CalamineWorkbook.from_path(opened).get_sheet_by_index(0).to_python()
    names = {row[header.index("place_id")]: row[header.index("name")] for row in rows}
    with (little / "tables" / "place.csv").open(encoding="utf-8", newline="") as stream:
        assert names == {row["place_id"]: row["name"] for row in csv.DictReader(stream)}
    assert names["CIV"].startswith("Côte d") and names["NAM"] == "Namibia" and "Å" in names["ALA"]

    texts = [text for text in HOSTILE if "\r" not in text]  # LibreOffice reads every line end as its own
    book = tmp_path / "hostile.xlsx"
    workbook.write(book, "2026.11.0", date(2026, 11, 23), made(gap=[{"place_id": "A", "note": t} for t in texts]))
    sheet = CalamineWorkbook.from_path(office(tmp_path, file=book)).get_sheet_by_name("gap").to_python()
    assert [row[sheet[0].index("note")] for row in sheet[1:]] == texts


SUM = """
rows <- read.csv("country_year.csv", encoding = "UTF-8", na.strings = "")
places <- read.csv("place.csv", encoding = "UTF-8", na.strings = "")
cat(format(sum(rows$persons_held, na.rm = TRUE), digits = 15), sum(!is.na(rows$persons_held)), nrow(places),
    places$name[places$place_id == "NAM"], nchar(places$name[places$place_id == "CIV"], "chars"), sep = "\\n")
"""


@NEEDS_R
def test_base_r_reads_the_same_sum(little: Path) -> None:
    said = subprocess.run(["Rscript", "--vanilla", "-e", SUM], cwd=little / "tables", capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    total, count, places, namibia, letters = said.stdout.splitlines()
    with (little / "tables" / "country_year.csv").open(encoding="utf-8", newline="") as stream:
        held = [float(row["persons_held"]) for row in csv.DictReader(stream) if row["persons_held"]]
    with (little / "tables" / "place.csv").open(encoding="utf-8", newline="") as stream:
        named = {row["place_id"]: row["name"] for row in csv.DictReader(stream)}
    assert (float(total), int(count)) == (pytest.approx(sum(held), abs=0.01), len(held)) and held
    assert (int(places), namibia, int(letters)) == (len(named), "Namibia", len(named["CIV"]))


@NEEDS_R
def test_base_r_reads_hostile_text(tmp_path: Path) -> None:
    definition = dictionary().tables["gap"]
    blank = dict.fromkeys(definition.column_names)
    rows = [{**blank, "place_id": f"{i:03}", "note": text} for i, text in enumerate(HOSTILE) if "\r" not in text]
    loose = pa.schema([field.with_nullable(True) for field in schema(definition)])
    tables.write(pa.Table.from_pylist(rows, schema=loose), definition, tmp_path)
    ask = 'cat(sapply(read.csv("gap.csv", encoding = "UTF-8", na.strings = "")$note, function(t) paste(utf8ToInt(t), collapse = " ")), sep = "\\n")'
    said = subprocess.run(["Rscript", "--vanilla", "-e", ask], cwd=tmp_path, capture_output=True, text=True)
    read = ["".join(chr(int(c)) for c in line.split()) for line in said.stdout.rstrip("\n").split("\n")]
    assert [hashlib.sha256(t.encode()).hexdigest() for t in read] == [
        hashlib.sha256(str(row["note"]).encode()).hexdigest() for row in rows
    ], said.stderr
