"""Citations of real figures, each value looked up in the publisher's file, and what a citation warns of.

The values and where they stand: France 2021, line 2650 of Eurostat's crim_pris_ctz.csv (69448); California 2016, line 20
of the BJS's cpus16at01.csv (202,700); the United Kingdom 2020, rows 8018 to 8020 of UNODC's workbook (79,514, 1,374 and
7,004); Kazakhstan, rows 8038 (2020: 31,632) and 8253 (2022: 35,228) of the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exports.asking import Asked
from exports.citing import Citation, Wanted, amount, cite, period
from exports.styles import STYLES
from sources.errors import Misused, Refused
from tests.custody import homes

HERE = "tables/figure.csv, figure_id = "


def key(*parts: str) -> str:
    """The identity of a figure, as table figure says it is made: SHA-256 over what it means, parted by U+001F."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def held(place: str, year: int, definition: str = "", sex: str = "_T") -> str:
    return key(place, "_T", "persons_held", sex, "_T", "_T", "_T", "_T", "_Z", "_Z", "persons", definition, str(year))


@pytest.fixture(scope="module")
def asked(release: Path) -> Asked:
    return Asked(release)


def text(asked: Asked, style: str, *words: Any, **more: Any) -> str:
    return STYLES[style](cite(asked, Wanted(*words, **more)))


# Identities


def test_known_identities_are_what_arithmetic_makes_of_their_meaning(asked: Asked) -> None:
    """These stand in publications: a change of what a figure's id is made of is an error, whatever the reason."""
    known = {
        "7f1e44a54efc7b49": held("FRA", 2021),
        "db614fc2dc5a8e51": held("USA-CA", 2016),
        "654dd95f4876deb6": held("USA", 2016, "custody"),
        "2e62a820e15b0759": held("GBR", 2020),
        "1e3b91b7c55cbc4a": held("USA", 2016, sex="F"),
    }
    assert list(known) == list(known.values())
    for figure in known:
        assert asked.row("SELECT value FROM {figure} WHERE figure_id = $id", id=figure) is not None


def test_what_is_estimated_has_an_identity_of_table_place_and_day(asked: Asked) -> None:
    for table, column in (("estimate", "estimate_id"), ("world_total", "total_id")):
        rows = asked.rows(f"SELECT * FROM {{{table}}}")
        more = ("sex", "legal_status") if table == "world_total" else ()
        made = [":".join([table, row["place_id"], row["as_of"].isoformat(), *(row[c] for c in more)]) for row in rows]
        assert [row[column] for row in rows] == made
        assert len(set(made)) == len(made)


# Real figures


def test_france_in_apa(asked: Asked) -> None:
    assert text(asked, "apa", "France", "persons_held", 2021) == (
        "Custody contributors. (2026). Custody: imprisonment in the world (Version 2026.11.0) [Data set]. "
        "France, persons held, in 2021, day not stated: 69,448 persons. "
        f"{HERE}7f1e44a54efc7b49. "
        "Primary source: Eurostat, Prisons and prisoners (crim_pris), ec.europa.eu/eurostat, "
        "file crim_pris_ctz.csv of version 2026-04-29, at crim_pris_ctz.csv:2650:8, "
        "https://ec.europa.eu/eurostat/api/dissemination/sdmx/2.1/data/CRIM_PRIS_CTZ?format=SDMX-CSV&compressed=false, "
        "retrieved 24 November 2026, "
        "licence CC-BY-4.0 (Creative Commons Attribution 4.0 International)."
    )


def test_california_in_chicago(asked: Asked) -> None:
    assert text(asked, "chicago", "USA-CA", "persons_held", 2016) == (
        "Custody contributors. 2026. “California, persons held, on 31 December 2016: 202,700 persons.” "
        "In Custody: imprisonment in the world, release 2026.11.0, 23 November 2026. "
        f"{HERE}db614fc2dc5a8e51. "
        "Primary source: US Bureau of Justice Statistics, Correctional Populations in the United States, bjs.ojp.gov, "
        "file cpus16at01.csv of version 2018-04-26, at cpus16at01.csv:20:11, "
        "https://www.bjs.gov/content/pub/sheets/cpus16.zip, retrieved 24 November 2026, "
        "licence US-public-domain (Work of the United States government, not subject to copyright). "
        "Status: estimated by the publisher."
    )


def test_the_united_kingdom_in_bibtex(asked: Asked) -> None:
    assert text(asked, "bibtex", "GBR", "persons_held", 2020) == (
        "@misc{custody-2026.11.0-2e62a820e15b0759,\n"
        "  author = {{Custody contributors}},\n"
        "  title = {{United Kingdom of Great Britain and Northern Ireland, persons held, in 2020, day not stated: "
        "87,892 persons}},\n"
        "  howpublished = {Custody: imprisonment in the world, release 2026.11.0, tables/figure.csv, "
        r"figure\_id = 2e62a820e15b0759},"
        "\n  year = {2026},\n  month = {11},\n"
        "  note = {Primary source: United Nations Office on Drugs and Crime, Prisons and prisoners, data.unodc.org, "
        r"file data\_cts\_prisons\_and\_prisoners.xlsx of version 2023-05-11, "
        r"at data\_cts\_prisons\_and\_prisoners!L8018 (GBR-EAW: 79,514 persons), "
        r"at data\_cts\_prisons\_and\_prisoners!L8019 (GBR-NIR: 1,374 persons), "
        r"at data\_cts\_prisons\_and\_prisoners!L8020 (GBR-SCT: 7,004 persons), "
        "https://data.unodc.org/datareport/prison-held, retrieved 24 November 2026, "
        "licence UN-terms (United Nations terms of use). "
        "Added up by Custody from all parts of the place, not published for it: "
        "England and Wales 79,514, Northern Ireland 1,374, Scotland 7,004.},\n}"
    )
    assert 79514 + 1374 + 7004 == 87892


def test_the_estimate_of_kazakhstan_in_csl(asked: Asked) -> None:
    """No count of 2021 is published; half-way between two counts on a line of logarithms is their geometric mean."""
    assert round(sqrt(31632 * 35228)) == 33382
    (item,) = json.loads(text(asked, "csl", "Kazakhstan", "persons_held", 2021, estimate=True))
    title = item.pop("title")
    assert title.startswith(
        "Kazakhstan, persons held, on 31 December 2021: 33,382 persons (with a probability of 90 percent between "
    )
    assert item == {
        "id": "custody-2026.11.0-estimate:KAZ:2021-12-31",
        "type": "dataset",
        "author": [{"literal": "Custody contributors"}],
        "container-title": "Custody: imprisonment in the world",
        "version": "2026.11.0",
        "number": "estimate:KAZ:2021-12-31",
        "issued": {"date-parts": [[2026, 11, 23]]},
        "archive_location": "tables/estimate.csv, estimate_id = estimate:KAZ:2021-12-31",
        "references": (
            "Primary source: United Nations Office on Drugs and Crime, Prisons and prisoners, data.unodc.org, "
            "file data_cts_prisons_and_prisoners.xlsx of version 2023-05-11, "
            "at data_cts_prisons_and_prisoners!L8038 (KAZ: 31,632 persons), "
            "at data_cts_prisons_and_prisoners!L8253 (KAZ: 35,228 persons), "
            "https://data.unodc.org/datareport/prison-held, retrieved 24 November 2026, "
            "licence UN-terms (United Nations terms of use)."
        ),
        "note": (
            "This is an estimate by Custody, no published figure: the published figures before and after the day, on a "
            "straight line of logarithms between them."
        ),
    }


def test_the_publishers_cells_hold_what_the_citations_say(raw: Path) -> None:
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_path(raw / "unodc/2023-05-11/data_cts_prisons_and_prisoners.xlsx").get_sheet_by_index(
        0
    )
    rows = sheet.to_python(skip_empty_area=False)
    cells = {number: rows[number - 1][11] for number in (8018, 8019, 8020, 8038, 8253)}
    assert cells == {8018: 79514, 8019: 1374, 8020: 7004, 8038: 31632, 8253: 35228}
    eurostat = (raw / "eurostat/2026-04-29/crim_pris_ctz.csv").read_text(encoding="utf-8").splitlines()
    assert eurostat[2649].endswith(",A,TOTAL,NR,FR,2021,69448,,")
    bjs = (raw / "bjs/cpus16/cpus16at01.csv").read_text(encoding="windows-1252").splitlines()
    assert bjs[19].startswith(",California,") and '"202,700"' in bjs[19]


def test_the_world_is_cited_with_its_interval_and_all_its_sources(asked: Asked) -> None:
    found = cite(asked, Wanted("World", "persons_held", 2022))
    assert found.id == "world_total:WLD:2022-12-31:_T:_T"
    assert found.low is not None and found.high is not None and found.low < found.value < found.high
    assert f"between {found.low:,.0f} and {found.high:,.0f}" in found.stated
    assert {"unodc_prisons", "eurostat_prisons", "gaps"} <= {one.source_id for one in found.primary}
    of_women = cite(asked, Wanted("WLD", "persons_held", 2022, {"sex": "F"}))
    assert (of_women.id, of_women.subject) == ("world_total:WLD:2022-12-31:F:_T", "persons held, female")


def test_the_definition_is_that_of_country_year_unless_another_is_asked_for(asked: Asked) -> None:
    """BJS, appendix table 3 of 2016: 2,157,800 in custody; UNODC and the tables by authority give another number."""
    shown = cite(asked, Wanted("USA", "persons_held", 2016))
    assert (shown.value, shown.definition, shown.id) == (2157800, "custody", held("USA", 2016, "custody"))
    assert any(warning.startswith("By the publisher's own definition, custody: ") for warning in shown.warnings)
    own = cite(asked, Wanted("USA", "persons_held", 2016, definition="own"))
    assert (own.value, own.definition, own.id) == (2162400, None, held("USA", 2016))


def test_figures_of_all_measures_can_be_cited_in_all_styles(asked: Asked) -> None:
    rows = asked.rows("SELECT measure, min(figure_id) AS figure_id FROM {figure} GROUP BY measure ORDER BY measure")
    for row in rows:
        citation = cite(asked, row["figure_id"])
        assert all(style(citation) for style in STYLES.values())
        assert citation.primary and citation.primary[0].locator


def test_an_estimate_of_a_gap_cites_the_publication_of_its_range(asked: Asked) -> None:
    found = cite(asked, "estimate:PRK:2021-12-31")
    assert found.value == 100000
    assert found.primary[0].citation.startswith("UN Commission of Inquiry on Human Rights in the DPRK")


# What is not there


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted("Kazakhstan", "persons_held", 2021), "it has 2005 to 2006, 2008 to 2018, 2020, 2022, and for 2021-12-31"),
        (Wanted("France", "person_held", 2021), "the nearest are persons_held"),
        (Wanted("Frnace", "persons_held", 2021), "the nearest are France (FRA)"),
        (Wanted("France", "persons_held", 2021, {"sex": "X"}), "There is no sex 'X'; the nearest are F"),
        (Wanted("World", "persons_held", 1999), "has no total of persons_held of World for the end of 1999; it has 2003 to"),
        (Wanted("France", "persons_held", 2021, {"sex": "F"}, estimate=True), "Only persons_held is estimated"),
        ("0000000000000000", "has no figure or observation 0000000000000000"),
        ("estimate:FRA:1950-12-31", "has no estimate estimate:FRA:1950-12-31"),
        ("France", "'France' is no identity of a figure"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_a_sentence(asked: Asked, wanted: Wanted | str, says: str) -> None:
    with pytest.raises(Misused) as told:
        cite(asked, wanted)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


# What has become of a release since


def again(release: Path, releases: Path, version: str, *statements: str) -> Path:
    """Another release beside it, in which statements have changed table figure."""
    folder = releases / version
    shutil.copytree(
        release, folder, ignore=lambda at, names: [] if "tables" not in at else [n for n in names if ".csv" in n]
    )
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    figures = folder / "tables" / "figure.parquet"
    if statements:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE figure AS FROM read_parquet('{figures}')")
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"COPY figure TO '{figures}' (FORMAT parquet)")
    package = folder / "datapackage.json"
    package.write_text(json.dumps({**json.loads(package.read_text(encoding="utf-8")), "version": version}))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return folder


def listed(releases: Path, *entries: Mapping[str, Any]) -> None:
    (releases / "releases.json").write_text(json.dumps({"releases": entries, "aliases": {}}), encoding="utf-8")


@pytest.fixture(scope="module")
def two(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases, of which the later has other figures of France and Belgium."""
    releases = tmp_path_factory.mktemp("releases")
    again(release, releases, "2026.11.0")
    again(
        release,
        releases,
        "2026.12.0",
        f"UPDATE figure SET value = 69500 WHERE figure_id = '{held('FRA', 2021)}'",
        f"DELETE FROM figure WHERE figure_id = '{held('BEL', 2020)}'",
    )
    return releases


def of(releases: Path, version: str, place: str, year: int) -> Citation:
    return cite(Asked(releases / version), Wanted(place, "persons_held", year))


def test_a_figure_revised_since_is_told_with_both_values(two: Path) -> None:
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0"})
    revised = of(two, "2026.11.0", "France", 2021)
    assert revised.value == 69448
    assert "Revised since: 69,448 persons here, 69,500 persons in the newest release, 2026.12.0." in revised.warnings
    gone = of(two, "2026.11.0", "Belgium", 2020)
    assert "The newest release, 2026.12.0, no longer has this row." in gone.warnings
    assert of(two, "2026.11.0", "France", 2020).warnings == of(two, "2026.12.0", "France", 2020).warnings
    for style in STYLES.values():
        assert "Revised since: 69,448 persons here, 69,500 persons" in style(revised)


def test_the_newest_release_is_not_compared_with_itself(two: Path) -> None:
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0"})
    assert not any("newest" in warning for warning in of(two, "2026.12.0", "France", 2021).warnings)


def test_a_retracted_release_warns_first_and_names_its_replacement(two: Path) -> None:
    gone = {"date": "2026-12-03", "reason": "a file was a draft.", "replaced_by": "2026.12.0"}
    listed(two, {"version": "2026.11.0", "retracted": gone}, {"version": "2026.12.0"})
    found = of(two, "2026.11.0", "France", 2021)
    says = "Release 2026.11.0 was retracted on 2026-12-03: a file was a draft; use 2026.12.0 instead."
    assert found.warnings[0] == says
    assert all(says in style(found) for style in STYLES.values())


def test_a_retracted_release_is_never_the_newest(two: Path) -> None:
    gone = {"date": "2026-12-03", "reason": "wrong", "replaced_by": None}
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0", "retracted": gone})
    assert not any("newest" in warning for warning in of(two, "2026.11.0", "France", 2021).warnings)
    assert of(two, "2026.12.0", "France", 2021).warnings[0].endswith(": wrong.")


def test_an_altered_table_is_not_cited(two: Path, tmp_path: Path) -> None:
    folder = tmp_path / "2026.11.0"
    shutil.copytree(two / "2026.11.0", folder)
    path = folder / "tables" / "figure.parquet"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(Refused, match="is not the file that was released"):
        cite(Asked(folder), Wanted("France", "persons_held", 2021))


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is no release"):
        Asked(tmp_path)


# Words


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1.0, "persons", "1 persons"),
        (1234567.0, "persons", "1,234,567 persons"),
        (69448.5, "persons", "69,448.5 persons"),
        (104.25, "per_100k", "104.25 per 100,000 inhabitants"),
        (0.0, "deaths", "0 deaths"),
    ],
)
def test_amounts(value: float, unit: str, said: str) -> None:
    assert amount(value, unit) == said


def test_every_unit_of_the_dictionary_has_words() -> None:
    from tests.dictionary.raw import codes

    assert all("{}" not in amount(2, unit) and amount(2, unit) != f"2 {unit}_" for unit in codes("unit"))


@pytest.mark.parametrize(
    ("start", "end", "kind", "said"),
    [
        ((2021, 12, 31), (2021, 12, 31), "point", "on 31 December 2021"),
        ((2021, 1, 1), (2021, 12, 31), "unknown_day", "in 2021, day not stated"),
        ((2021, 1, 1), (2021, 12, 31), "during", "during 2021"),
        ((2015, 1, 1), (2017, 12, 31), "average", "average of 2015 to 2017"),
        ((2018, 4, 1), (2019, 3, 31), "during", "during 1 April 2018 to 31 March 2019"),
    ],
)
def test_periods(start: tuple[int, int, int], end: tuple[int, int, int], kind: str, said: str) -> None:
    from datetime import date

    assert period(date(*start), date(*end), kind) == said


def test_the_release_of_these_tests_is_the_one_they_name() -> None:
    assert homes.RELEASED_ON == "2026-11-23"
