"""What lies in a release beside its tables: descriptions that say what the files say, in each catalogue's words."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from dictionary.model import dictionary
from exports import proving
from exports.release import release as make
from exports.verify import verify
from exports.words import IN_SPREADSHEETS
from sources.catalogue import sources
from sources.home import Home
from tests.custody import homes
from tests.dictionary import raw
from warehouse import checks

TABLES = raw.table_names()


def content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_croissant_describes_every_file_and_column(release: Path) -> None:
    said = content(release / "croissant.json")
    assert said["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert said["@context"]["cr"] == "http://mlcommons.org/croissant/"
    assert {"name", "description", "license", "version", "datePublished", "creator", "citeAs"} <= set(said)
    files = {f["@id"]: f for f in said["distribution"]}
    assert set(files) == {"custody.xlsx"} | {f"tables/{t}.{kind}" for t in TABLES for kind in ("csv", "parquet")}
    for name, file in files.items():
        assert file["@type"] == "cr:FileObject"
        assert (release / file["contentUrl"]) == release / name
        assert file["sha256"] == sha256(release / name)
        assert file["contentSize"] == f"{(release / name).stat().st_size} B"
        assert file["encodingFormat"].count("/") == 1
    kinds = {
        "text": "sc:Text",
        "integer": "sc:Integer",
        "number": "sc:Float",
        "date": "sc:Date",
        "boolean": "sc:Boolean",
    }
    ids = [*files]
    for record in said["recordSet"]:
        table = record["name"]
        ids += [record["@id"], *(f["@id"] for f in record["field"])]
        assert [(f["name"], f["dataType"]) for f in record["field"]] == [
            (c["name"], kinds[c["type"]]) for c in raw.columns(table)
        ]
        header = (release / "tables" / f"{table}.csv").open(encoding="utf-8").readline().strip().split(",")
        for field, column in zip(record["field"], header, strict=True):
            assert field["source"] == {"fileObject": {"@id": f"tables/{table}.csv"}, "extract": {"column": column}}
        assert [k["@id"] for k in record["key"]] == [f"{table}/{k}" for k in raw.content(f"tables/{table}.yml")["key"]]
    assert [r["name"] for r in said["recordSet"]] == TABLES
    assert len(ids) == len(set(ids))


def test_search_engines_find_a_dataset(release: Path) -> None:
    said = content(release / "dataset.jsonld")
    assert (said["@context"], said["@type"], said["version"]) == ("https://schema.org/", "Dataset", "2026.11.0")
    assert 50 <= len(said["description"]) <= 5000  # what Google's dataset search takes
    assert {d["sha256"] for d in said["distribution"]} == {
        sha256(p) for p in [release / "custody.xlsx", *(release / "tables").glob("*.*")]
    }
    sources = rows(release / "tables" / "source.csv")
    assert [b["name"] for b in said["isBasedOn"]] == [s["title"] for s in sources]
    urls = {lic["url"] for lic in raw.content("licences.yml").values()}
    assert set(said["license"]) <= urls
    years = {int(r["year"]) for r in rows(release / "tables" / "country_year.csv")}
    first, last = map(int, said["temporalCoverage"].split("/"))
    assert first <= min(years) and max(years) <= last


def test_a_parquets_footer_says_of_which_release_it_is(release: Path) -> None:
    for table in TABLES:
        said = pq.ParquetFile(release / "tables" / f"{table}.parquet").metadata.metadata
        assert said[b"release"] == b"2026.11.0"
        assert said[b"schema_version"].decode() == raw.content("schema.yml")["version"]
        told = {name: column["description"] for name, column in json.loads(said[b"columns"]).items()}
        assert told == {c["name"]: c["description"] for c in raw.columns(table)}


def test_provenance_says_where_each_file_came_from(release: Path) -> None:
    said = content(release / "provenance.json")
    recorded = {
        (r["source_id"], r["file"], r["vintage"]): (r["snapshot"], path.parent)
        for path in homes.BUNDLED
        for r in [content(path)]
    }
    for told in said["snapshots"]:
        snapshot, folder = recorded[told["source_id"], told["file"], told["vintage"]]
        for key in ("sha256", "bytes", "file_name", "media_type", "retrieved_at", "obtained", "licence"):
            assert told[key] == snapshot.get(key), key
        declared = sources()[told["source_id"]].files[told["file"]].url
        assert (told["url"], told["url_verified"]) == ((url := snapshot["url"] or declared), False if url else None)
        assert homes.REPOSITORY / told["bundled"] == folder
    assert {"python", "duckdb", "pyarrow", "great-expectations", "xlsxwriter"} <= set(said["engines"])
    assert said["left_out"] == {}


def test_the_codebook_is_a_table_too(release: Path) -> None:
    told = rows(release / "codebook.csv")
    assert [(r["table"], r["column"]) for r in told] == [(t, c["name"]) for t in TABLES for c in raw.columns(t)]
    held = next(r for r in told if (r["table"], r["column"]) == ("country_year", "persons_held"))
    assert (held["type"], held["unit"], held["may_be_missing"], held["in_key"]) == (
        "number",
        "persons",
        "true",
        "false",
    )
    codes = {(r["codes"], r["code"]): r["meaning"] for r in rows(release / "codes.csv")}
    assert codes["measure", "persons_held"] == raw.content("measures.yml")["persons_held"]["description"]
    assert codes["sex", "F"] == raw.content("codes.yml")["sex"]["codes"]["F"]


def test_the_citation_file_is_of_version_1_2_0(release: Path) -> None:
    """By the rules of its schema: what must be there, what may, and of which type."""
    said = yaml.safe_load((release / "CITATION.cff").read_text(encoding="utf-8"))
    allowed = {"cff-version", "message", "type", "title", "abstract", "version", "date-released", "keywords", "authors", "references"}  # fmt: skip
    assert set(said) <= allowed
    assert (said["cff-version"], said["type"]) == ("1.2.0", "dataset")
    assert all(isinstance(k, str) for k in said["keywords"]) and len(set(said["keywords"])) == len(said["keywords"])
    entity = {"name", "url"}
    assert said["authors"] and all(set(a) <= entity and a["name"] for a in said["authors"])
    for reference in said["references"]:
        assert {"type", "title", "authors"} <= set(reference) <= {"type", "title", "authors", "url", "notes"}
        assert reference["type"] == "data"  # one of the schema's
        assert reference.get("url", "https://x").startswith(("https://", "http://"))
    assert [r["title"] for r in said["references"]] == [s["title"] for s in rows(release / "tables" / "source.csv")]


def test_a_stranger_finds_the_way(release: Path) -> None:
    said = (release / "README.txt").read_text(encoding="utf-8")
    assert len(said.partition("To prove a figure by hand")[0].splitlines()) <= 45
    for name in (p.name for p in release.iterdir()):
        stem, _, kind = name.partition(".")
        assert name in said or f"{stem}." in said or f".{kind}" in said, name
    assert "sha256sum -c SHA256SUMS" in said
    hazard = [
        (table, column)
        for table in TABLES
        for row in rows(release / "tables" / f"{table}.csv")
        for column, text in row.items()
        if text.startswith(("=", "+", "@", "\t", "\r")) or (text.startswith("-") and not _number(text))
    ]
    assert all(f"{table}.{column}" in said for table, column in hazard)
    assert ("No text cell of this release begins so." in said) == (not hazard)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_validation_counts_its_answers(release: Path) -> None:
    said = content(release / "validation.json")
    counted: dict[str, dict[str, int]] = {}
    for check in said["checks"]:
        counted.setdefault(check["severity"], {}).setdefault(check["outcome"], 0)
        counted[check["severity"]][check["outcome"]] += 1
    assert said["answers"] == counted
    assert said["answers"]["critical"] == {"passed": sum(counted["critical"].values())}
    assert (said["release"], said["as_of"]) == ("2026.11.0", "2025-12-31")


# The part that is made from open sources alone, and a release that is nothing else


@pytest.fixture(scope="module")
def part(release: Path) -> Path:
    return release / "tables" / "open"


def test_every_row_of_the_open_part_is_open(part: Path) -> None:
    licences = {k for k, v in raw.content("licences.yml").items() if v["class"] == "open"}
    sources = {s["source_id"]: s for s in rows(part / "source.csv")}
    assert {s["licence"] for s in sources.values()} <= licences and len(sources) > 5
    named = 0
    for path in part.glob("*.csv"):
        for row in rows(path):
            assert row.get("licence", "OGL-UK-3.0") in licences, path
            for column in ("source_id", "rival_source_id", "persons_held_source"):
                assert row.get(column, "") in {*sources, "several", ""}, path
                named += column in row
    assert named > 10_000
    assert not any("unodc_prisons" in path.read_text(encoding="utf-8") for path in part.glob("*.csv"))


def test_the_open_part_leaves_out_by_name_what_it_cannot_have(part: Path) -> None:
    """Open sources hold little of the world: there is no world total of them, and nothing that is made from one."""
    out = content(part / "provenance.json")["left_out"]
    assert {"world_total", "world_walk", "world_place", "comparison", "claim", "gap", "published_total"} <= set(out)
    assert {p.stem for p in part.glob("*.csv")} == set(TABLES) - set(out)
    said = " ".join((part / "README.txt").read_text(encoding="utf-8").split())
    for table, why in out.items():
        assert f"- {table}: {why}" in said
    assert "nine tenths of the world's people" in out["world_total"]


def test_a_figure_of_the_open_part_is_chosen_from_open_sources(part: Path, release: Path) -> None:
    """France 2015 in the whole release is what the better source says; in the open part it is an open source's."""
    chosen = {(r["place_id"], r["year"]): r for r in rows(part / "country_year.csv") if r["persons_held"]}
    whole = {(r["place_id"], r["year"]): r for r in rows(release / "tables/country_year.csv") if r["persons_held"]}
    assert set(chosen) < set(whole)
    other = {k for k, r in chosen.items() if r["persons_held_source"] != whole[k]["persons_held_source"]}
    sources = {s["source_id"]: s["licence_class"] for s in rows(release / "tables/source.csv")}
    assert all(sources.get(r["persons_held_source"], "open") == "open" for r in chosen.values())
    assert len(chosen) > 500 and isinstance(other, set)


def test_the_open_part_is_proved_with_the_release(part: Path) -> None:
    proved = {f.what: f.holds for f in verify(part.parent.parent)}
    assert proved["open content digest"] and proved["open data package"] and proved["open table figure"]
    package = content(part / "datapackage.json")
    for resource in package["resources"]:
        assert resource["hash"] == f"sha256:{sha256(part / resource['path'])}"
        for key in resource["schema"].get("foreignKeys", []):
            assert key["reference"]["resource"] in {r["name"] for r in package["resources"]}
    assert len(package["resources"]) == 2 * len([t for t in dictionary().tables if (part / f"{t}.csv").exists()])


@pytest.fixture(scope="module")
def restricted(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose warehouse is of open sources alone, as one setting makes it, with its release."""
    home = homes.copy(release.parent.parent / "open", tmp_path_factory.mktemp("restricted") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "run", lambda *_: [])
        patch.setenv("CUSTODY_LICENCES", "open")
        sources.cache_clear()
        make(Home(home), date(2026, 11, 23))
    sources.cache_clear()
    return home


def test_one_setting_restricts_a_whole_release(restricted: Path, part: Path) -> None:
    folder = restricted / "releases" / "2026.11.0"
    assert not (folder / "tables" / "open").exists()
    assert {p.name: p.read_bytes() for p in (folder / "tables").iterdir()} == {
        p.name: p.read_bytes() for p in part.iterdir() if p.suffix in (".csv", ".parquet")
    }
    out = content(folder / "provenance.json")["left_out"]
    assert out == content(part / "provenance.json")["left_out"]
    said = " ".join((folder / "README.txt").read_text(encoding="utf-8").split())
    assert "from sources under open licences alone" in said and "world_total" in said
    assert [f for f in verify(folder) if not f.holds] == []
    assert {s["title"] for s in content(folder / "datapackage.json")["sources"]} == {
        s["title"] for s in rows(part / "source.csv")
    }


def test_without_a_total_the_command_says_why(restricted: Path) -> None:
    said = homes.custody(restricted, "total", more={"CUSTODY_LICENCES": "open"})
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("custody: There is no world total from the sources in use. A sum over places that")


def test_a_warehouse_of_other_sources_too_is_not_released_as_an_open_one(release: Path) -> None:
    said = homes.custody(release.parent.parent, "release", more={"CUSTODY_LICENCES": "open"})
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1] == (
        "custody: CUSTODY_LICENCES=open is set, and the warehouse has gaps; `custody run --offline` builds one of open "
        "sources alone. Nothing was released."
    )


def test_a_figure_is_proved_by_hand_as_the_readme_says(release: Path, raw: Path, tmp_path: Path) -> None:
    """Its commands, typed as they stand there, in the release's folder and beside the publisher's file."""
    said = (release / "README.txt").read_text(encoding="utf-8").split("To prove a figure by hand")[1]
    commands = re.findall(r"^     ((?:grep|sha256sum|sed) .+)$", said, re.MULTILINE)
    assert [c.split()[0] for c in commands] == ["grep", "grep", "grep", "sha256sum", "sed"]
    name = re.search(r"Get the file (\S+) from", said)
    value = re.search(r"It holds (\S+), or", said)
    assert name and value
    (file,) = raw.rglob(name[1])
    shutil.copy(file, tmp_path)

    def typed(command: str) -> str:
        folder = release if command.startswith("grep") else tmp_path
        return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True).stdout

    figure, observation, snapshot, digest, cell = map(typed, commands)
    assert figure.count("\n") == observation.count("\n") == snapshot.count("\n") == 1
    assert commands[1].split("^")[1].split(",")[0] in figure
    assert digest.split()[0] in observation and digest.split()[0] in snapshot
    assert cell.strip() == value[1]
    assert f",{value[1]}.0," in observation


def test_the_steps_without_an_example_name_the_columns() -> None:
    said = proving.steps({})
    assert "grep '^FIGURE_ID,' tables/figure.csv" in said and "column locator of table observation" in said


def test_how_to_follow_a_locator_is_beside_the_codebook(release: Path) -> None:
    assert (release / "locators.md").read_bytes() == (homes.REPOSITORY / "exports" / "locators.md").read_bytes()
    assert "locators.md" in (release / "README.txt").read_text(encoding="utf-8")
    assert "exports/locators.md" not in (release / "codebook.md").read_text(encoding="utf-8")


def test_what_a_spreadsheet_does_with_text_is_said_in_the_same_words_everywhere(release: Path) -> None:
    """Nothing is altered in CSV and Parquet; test_tables.py and test_workbook.py show it of hostile text."""
    for text in (
        (release / "README.txt").read_text(encoding="utf-8"),
        (release / "codebook.md").read_text(encoding="utf-8"),
        (homes.REPOSITORY / "docs" / "reading.md").read_text(encoding="utf-8").replace("`", "").replace("**", ""),
    ):
        assert IN_SPREADSHEETS in " ".join(text.split())


def test_every_file_of_a_publisher_has_an_address_and_says_whether_it_was_asked(release: Path) -> None:
    """Figures that were gathered from publications have one on each row instead."""
    told = {(r["source_id"], r["file"]): r for r in rows(release / "tables" / "snapshot.csv")}
    without = {source for (source, _), row in told.items() if not row["url"]}
    assert without == {
        "gaps", "mortality_after_release", "published_totals", "recidivism_national", "review_ranges", "supervision_national",
    }  # fmt: skip
    assert {row["url_verified"] for row in told.values()} == {"false", ""}
    assert told["bjs_prisoners", "f01"]["url"] == "https://bjs.ojp.gov/document/p22st.zip"
    snapshots = json.loads((release / "provenance.json").read_text(encoding="utf-8"))["snapshots"]
    assert all(s["url"] == (told[s["source_id"], s["file"]]["url"] or None) for s in snapshots if s["file"] == "f01")
