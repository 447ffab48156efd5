"""Every figure of a release, not a sample: it leads to observations with a locator, and the locator to the figure."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from python_calamine import CalamineWorkbook

from exports import evidence
from exports.asking import Asked
from exports.cells import Opened
from tests.dictionary import raw as yaml_of
from tests.warehouse.test_bundled import by_digest

Row = dict[str, Any]

#: What each column of country_year shows: the measure, and the one breakdown that is not the total.
COLUMNS = {
    "persons_held": ("persons_held", None, None),
    "persons_held_female": ("persons_held", "sex", "F"),
    "persons_held_male": ("persons_held", "sex", "M"),
    "persons_held_sentenced": ("persons_held", "legal_status", "SENTENCED"),
    "persons_held_unsentenced": ("persons_held", "legal_status", "UNSENTENCED"),
    "persons_held_foreign": ("persons_held", "citizenship", "FOREIGN"),
    "persons_held_juvenile": ("persons_held", "age", "JUVENILE"),
    "official_capacity": ("official_capacity", None, None),
    "establishments": ("establishments", None, None),
    "admissions": ("admissions", None, None),
    "deaths_in_custody": ("deaths_in_custody", None, None),
    "persons_under_supervision": ("persons_under_supervision", None, None),
}
#: Columns with a number that are computed from others, or estimated; each is followed in a test of its own.
OTHERS = {"population", "persons_held_per_100k", "persons_held_spread", "estimate", "estimate_low", "estimate_high"}
BREAKDOWNS = ("sex", "age", "legal_status", "citizenship", "offence", "supervision", "cause")


@pytest.fixture(scope="module")
def asked(release: Path) -> Asked:
    return Asked(release)


@cache
def all_observations(folder: Path) -> Mapping[str, Row]:
    """Every observation of the release with its evidence, as a trace of it would have it."""
    asked = Asked(folder)
    ids = [row["observation_id"] for row in asked.rows("SELECT observation_id FROM {observation}")]
    return evidence.observations(asked, ids)


def followed(asked: Asked, figures: list[Row]) -> None:
    """Each figure is one observation, or the sum of several, each of which says where in which file it stands."""
    known = all_observations(asked.folder)
    for figure in figures:
        made_of = [known[one] for one in evidence.chosen_ids(figure)]
        assert sum(one["value"] for one in made_of) == figure["value"], figure
        assert figure["derived"] == (figure["parts"] is not None), figure
        for one in made_of:
            assert one["locator"], one
            assert re.fullmatch("[0-9a-f]{64}", one["snapshot"]), one
            assert one["file_name"] and one["publisher"] and one["retrieved_at"] and one["citation"], one


def test_no_column_of_country_year_is_forgotten() -> None:
    numbers = {column["name"] for column in yaml_of.columns("country_year") if column["type"] == "number"}
    assert numbers == COLUMNS.keys() | OTHERS


@pytest.mark.parametrize("column", COLUMNS)
def test_every_figure_of_a_column_leads_to_a_cell(asked: Asked, column: str) -> None:
    measure, breakdown, code = COLUMNS[column]
    keys = [f"figure.{name} {f'= {code!r}' if name == breakdown else IN_TOTAL}" for name in BREAKDOWNS]
    # As `sources` says it: the definition in brackets, nothing where it is the measure's own.
    says = "figure.source_id || coalesce(' (' || figure.definition || ')', '')"
    joined = asked.rows(
        f"""
        SELECT country_year.place_id, country_year.year, country_year.{column} AS shown, figure.* EXCLUDE (place_id, year)
        FROM {{country_year}}
        LEFT JOIN {{figure}} ON figure.place_id = country_year.place_id AND figure.year = country_year.year
          AND figure.measure = '{measure}' AND figure.facility = '_T' AND {" AND ".join(keys)}
          AND list_contains(string_split(country_year.sources, '; '), '{column}: ' || {says})
        WHERE country_year.{column} IS NOT NULL
        """
    )
    there = asked.rows(f"SELECT count({column}) AS n FROM {{country_year}}")[0]["n"]
    assert len(joined) == there > 0  # each has one figure, and one only
    assert [row for row in joined if row["figure_id"] is None or row["value"] != row["shown"]] == []
    followed(asked, joined)


IN_TOTAL = "IN ('_T', '_Z')"


def test_every_figure_leads_to_a_cell(asked: Asked) -> None:
    figures = asked.rows("SELECT figure_id, value, derived, observation_id, parts FROM {figure}")
    assert len(figures) > 100_000
    followed(asked, figures)


def test_every_population_leads_to_a_cell_and_every_rate_to_its_two_figures(asked: Asked) -> None:
    rows = asked.rows(
        "SELECT c.persons_held, c.population AS shown, c.persons_held_per_100k AS rate, population.* "
        "FROM (SELECT * FROM {country_year}) c LEFT JOIN {population} "
        "ON population.place_id = c.place_id AND population.year = c.year "
        "WHERE c.population IS NOT NULL"
    )
    known = all_observations(asked.folder)
    assert rows
    for row in rows:
        assert row["shown"] == row["value"]
        assert known[row["observation_id"]]["locator"]
        if row["basis"] == "published":
            assert known[row["observation_id"]]["value"] == row["value"]
        if row["rate"] is not None:
            assert row["rate"] == pytest.approx(row["persons_held"] / row["shown"] * 100_000, rel=1e-12)


def test_every_estimate_leads_to_figures_to_parts_or_to_a_gap(asked: Asked) -> None:
    """The figures are followed above; that they are there, and what else there is, is followed here."""
    figures = {row["figure_id"] for row in asked.rows("SELECT figure_id FROM {figure}")}
    rows = asked.rows("SELECT * FROM {estimate}")
    of_place = defaultdict(list)
    for row in asked.rows("SELECT place_id, parent FROM {place} WHERE kind = 'part'"):
        of_place[row["parent"]].append(row["place_id"])
    gaps = {row["place_id"] for row in asked.rows("SELECT place_id FROM {gap} WHERE locator <> '' AND snapshot <> ''")}
    estimated = {(row["as_of"], row["place_id"]): row["persons"] for row in rows}
    for row in rows:
        behind = {row["figure_id"], row["next_figure_id"]} - {None}
        assert behind <= figures, row
        if row["basis"] == "parts":
            parts = [estimated.get((row["as_of"], part)) for part in of_place[row["place_id"]]]
            assert sum(part for part in parts if part is not None) == row["persons"], row
        elif row["basis"] == "gap":
            assert row["place_id"] in gaps, row
        else:
            assert behind, row
        assert row["basis"] != "interpolated" or len(behind) == 2, row


def test_every_total_is_the_sum_of_its_places_and_gaps(asked: Asked) -> None:
    of_everybody = "SELECT * FROM {world_total} WHERE sex = '_T' AND legal_status = '_T' AND year(as_of) > 2020"
    for total in asked.rows(of_everybody):
        places = evidence.places(asked, total)
        adding = [place for place in places if place["adds"]]
        assert all(place["figure_id"] or place["next_figure_id"] for place in adding)
        persons = sum(place["persons"] for place in adding) + sum(place["gap"] or 0 for place in places)
        assert persons == total["central"], total["total_id"]


# The publisher's cell, read by the few lines below, which no parser and no other reader shares


def reader(path: Path, media_type: str, file_name: str) -> Callable[[str], list[Any]]:
    """A function from a locator to the cells there."""
    if media_type in ("xlsx", "xls", "ods"):
        book = CalamineWorkbook.from_path(path)
        sheets = cache(lambda name: book.get_sheet_by_name(name).to_python(skip_empty_area=False))

        def at(sheet: str, column: str, row: int) -> Any:
            number = 0
            for letter in column:
                number = number * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
            return sheets(sheet)[row - 1][number - 1]

        def of_sheet(locator: str) -> list[Any]:
            sheet, where = locator.rsplit("!", 1)
            if "[" in where:
                columns, rows = where.rstrip("]").split("[")
                spans = [[int(row) for row in span.split("-")] for span in rows.split(",")]
                numbers = [number for span in spans for number in range(span[0], span[-1] + 1)]
                return [sum(cell for c in columns.split("+") for n in numbers if (cell := at(sheet, c, n)) != "")]
            found = re.findall(r"([A-Z]+)([0-9]+)", where)
            if ":" in where:
                (first, row), (last, _) = found
                assert len(first) == len(last) == 1
                found = [(chr(letter), row) for letter in range(ord(first), ord(last) + 1)]
            return [at(sheet, column, int(row)) for column, row in found]

        return of_sheet

    @cache
    def records(member: str) -> dict[int, list[str]]:
        data = zipfile.ZipFile(path).read(member) if member else path.read_bytes()
        text = data.decode("utf-8-sig" if media_type in ("tsv", "zip") or not latin(data) else "cp1252")
        found, lines = {}, csv.reader(io.StringIO(text, newline=""), delimiter="\t" if media_type == "tsv" else ",")
        begins = 1
        for record in lines:
            found[begins], begins = record, lines.line_num + 1
        return found

    def of_text(locator: str) -> list[Any]:
        name, line, column = locator.rsplit(":", 2)
        assert name.startswith(file_name)
        return [records(name[len(file_name) + 1 :])[int(line)][int(column) - 1]]

    return of_text


def latin(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def as_number(cell: Any) -> float | None:
    """A figure as these publishers write it: a number, or digits with commas or spaces between thousands, and marks."""
    if isinstance(cell, (int, float)):
        return float(cell)
    digits = re.sub(r"(?<=\d)[, \u00a0\u202f](?=\d{3})", "", cell.strip().rstrip("*"))
    return float(digits) if re.fullmatch(r"-?\d*\.?\d+", digits) else None


#: What each table holds of the cells that its locator names.
VALUES = {
    "observation": ("value",),
    "recidivism": ("rate_percent", "returned", "cohort_size", "events_per_person"),
    "mortality_after_release": ("value",),
    "gap": ("central",),
}


@pytest.mark.parametrize("table", VALUES)
def test_the_cell_of_every_row_holds_its_value(asked: Asked, raw: Path, table: str) -> None:
    """All rows of all files, read once by this reader and once by the one that `custody trace` uses."""
    rows = asked.rows(
        f"SELECT t.locator, t.snapshot, {', '.join('t.' + c for c in VALUES[table])}, s.media_type, s.file_name "
        f"FROM (SELECT * FROM {{{table}}}) t LEFT JOIN (SELECT * FROM {{snapshot}}) s "
        "ON s.source_id = t.source_id AND s.file = t.file AND s.vintage = t.vintage"
    )
    files = by_digest(raw.parent)
    assert {row["snapshot"] for row in rows} <= files.keys()
    opened: dict[str, tuple[Callable[[str], list[Any]], Opened]] = {}
    wrong = []
    for row in rows:
        path, kind, name = files[row["snapshot"]], row["media_type"], row["file_name"]
        if row["snapshot"] not in opened:
            opened[row["snapshot"]] = reader(path, kind, name), Opened(path.read_bytes(), kind, name)
        here, traced = opened[row["snapshot"]]
        numbers = [as_number(cell) for cell in here(row["locator"])]
        told = traced.read(row["locator"])
        # Of a missing figure the cell has a symbol; of several cells each number is one of the row's.
        values = [row[column] for column in VALUES[table] if row[column] is not None]
        found = [number for number in numbers if number is not None]
        holds = bool(found) == bool(values) and all(any(same(n, value) for value in values) for n in found)
        holds = holds and told.number == (numbers[0] if len(numbers) == 1 else None)
        if not holds:
            wrong.append((row, numbers, told))
    assert wrong[:5] == []


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def bare_cells(path: Path, column: str) -> dict[str, str]:
    """The texts of one column of the first sheet of a workbook, by address, out of its XML and without any library for it."""
    with zipfile.ZipFile(path) as book:
        shared = [
            "".join(text.text or "" for text in item.iter(f"{MAIN}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        found = {}
        with book.open("xl/worksheets/sheet1.xml") as sheet:
            for _, row in ElementTree.iterparse(sheet):
                if row.tag != f"{MAIN}row":
                    continue
                for cell in row:
                    value = cell.find(f"{MAIN}v")
                    if re.fullmatch(column + "[0-9]+", cell.get("r", "")) and value is not None and value.text:
                        is_shared = cell.get("t") == "s"
                        found[cell.get("r", "")] = shared[int(value.text)] if is_shared else value.text
                row.clear()
    return found


def test_every_figure_of_the_united_nations_is_in_the_bare_xml(asked: Asked, raw: Path) -> None:
    """65,797 rows from row 4 on; of 37 no row was made (docs: twins, and one year of another millennium)."""
    rows = asked.rows("SELECT locator, value, snapshot, file_name FROM {observation} JOIN {snapshot} USING (source_id, file, vintage, snapshot) WHERE source_id = 'unodc_prisons'")  # fmt: skip
    assert len(rows) == 65_760
    cells = bare_cells(by_digest(raw.parent)[rows[0]["snapshot"]], "L")
    wrong = [row for row in rows if float(cells[row["locator"].split("!")[1]]) != row["value"]]
    assert wrong == []


def same(number: float | None, value: float) -> bool:
    """Equal, or a share of one that a percentage gives."""
    return number is not None and (number == value or value == pytest.approx(number * 100, rel=1e-12))


def test_how_to_follow_a_locator_is_said_of_every_source() -> None:
    from sources.catalogue import sources

    said = (Path(__file__).parents[2] / "exports" / "locators.md").read_text(encoding="utf-8")
    assert [name for name in sources() if f"`{name}`" not in said] == []
