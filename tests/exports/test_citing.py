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
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from exports.asking import Asked
from exports.citing import PUBLISHED, Citation, Wanted, amount, cite, period
from exports.keys import name_of, tables
from exports.listing import read_beside, warning
from exports.styles import STYLES, apa, chicago
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
        "offered at "
        "https://ec.europa.eu/eurostat/api/dissemination/sdmx/2.1/data/CRIM_PRIS_CTZ?format=SDMX-CSV&compressed=false, "
        "taken in on 24 November 2026, "
        "licence CC-BY-4.0 (Creative Commons Attribution 4.0 International)."
    )


def test_california_in_chicago(asked: Asked) -> None:
    assert text(asked, "chicago", "USA-CA", "persons_held", 2016) == (
        "Custody contributors. 2026. “California, persons held, on 31 December 2016: 202,700 persons.” "
        "In Custody: imprisonment in the world, release 2026.11.0, 23 November 2026. "
        f"{HERE}db614fc2dc5a8e51. "
        "Primary source: US Bureau of Justice Statistics, Correctional Populations in the United States, bjs.ojp.gov, "
        "file cpus16at01.csv of version 2018-04-26, at cpus16at01.csv:20:11, "
        "offered at https://www.bjs.gov/content/pub/sheets/cpus16.zip, taken in on 24 November 2026, "
        "licence US-public-domain (Work of the United States government, not subject to copyright). "
        "Status: estimated by the publisher."
    )


def test_the_united_kingdom_in_bibtex(asked: Asked) -> None:
    cells = (
        r"file data\_cts\_prisons\_and\_prisoners.xlsx of version 2023-05-11, "
        r"at data\_cts\_prisons\_and\_prisoners!L8018 (England and Wales: 79,514 persons), "
        r"at data\_cts\_prisons\_and\_prisoners!L8019 (Northern Ireland: 1,374 persons), "
        r"at data\_cts\_prisons\_and\_prisoners!L8020 (Scotland: 7,004 persons)"
    )
    assert text(asked, "bibtex", "GBR", "persons_held", 2020) == (
        "@misc{custody-2026.11.0-2e62a820e15b0759,\n"
        "  author = {{Custody contributors}},\n"
        "  title = {{United Kingdom of Great Britain and Northern Ireland, persons held, in 2020, day not stated: "
        "87,892 persons}},\n"
        "  howpublished = {Custody: imprisonment in the world, release 2026.11.0, tables/figure.csv, "
        r"figure\_id = 2e62a820e15b0759},"
        "\n  version = {2026.11.0},\n  year = {2026},\n  month = nov,\n"
        "  note = {Primary source: United Nations Office on Drugs and Crime, Prisons and prisoners, data.unodc.org, "
        f"{cells}, offered at https://data.unodc.org/datareport/prison-held, taken in on 24 November 2026, "
        "licence UN-terms (United Nations terms of use). No DOI and no address is registered for the release. "
        "Added up by Custody from all parts of the place, not published for it: "
        "England and Wales 79,514, Northern Ireland 1,374, Scotland 7,004.},\n}\n\n"
        "@misc{custody-2026.11.0-2e62a820e15b0759-source-1,\n"
        "  author = {{United Nations Office on Drugs and Crime (UNODC)}},\n"
        "  title = {{Prisons and prisoners (United Nations Survey of Crime Trends, UN-CTS)}},\n"
        f"  howpublished = {{{cells}}},\n  version = {{2023-05-11}},\n  year = {{2023}},\n  month = may,\n"
        "  url = {https://data.unodc.org/datareport/prison-held},\n"
        "  note = {Cite as: United Nations Office on Drugs and Crime, Prisons and prisoners, data.unodc.org. "
        "Licence UN-terms (United Nations terms of use)},\n}"
    )
    assert 79514 + 1374 + 7004 == 87892


def test_the_estimate_of_kazakhstan_in_csl(asked: Asked) -> None:
    """No count of 2021 is published; half-way between two counts on a line of logarithms is their geometric mean."""
    assert round(sqrt(31632 * 35228)) == 33382
    item, source = json.loads(text(asked, "csl", "Kazakhstan", "persons_held", 2021, estimate=True))
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
            "at data_cts_prisons_and_prisoners!L8038 (Kazakhstan: 31,632 persons), "
            "at data_cts_prisons_and_prisoners!L8253 (Kazakhstan: 35,228 persons), "
            "offered at https://data.unodc.org/datareport/prison-held, taken in on 24 November 2026, "
            "licence UN-terms (United Nations terms of use)."
        ),
        "note": (
            "No DOI and no address is registered for the release. "
            "This is an estimate by Custody, no published figure: the published figures before and after the day, on a "
            "straight line of logarithms between them."
        ),
    }

    assert source == {
        "id": "custody-2026.11.0-estimate:KAZ:2021-12-31-source-1",
        "type": "dataset",
        "title": "Prisons and prisoners (United Nations Survey of Crime Trends, UN-CTS)",
        "author": [{"literal": "United Nations Office on Drugs and Crime (UNODC)"}],
        "version": "2023-05-11",
        "issued": {"date-parts": [[2023, 5, 11]]},
        "URL": "https://data.unodc.org/datareport/prison-held",
        "archive_location": (
            "file data_cts_prisons_and_prisoners.xlsx of version 2023-05-11, "
            "at data_cts_prisons_and_prisoners!L8038 (Kazakhstan: 31,632 persons), "
            "at data_cts_prisons_and_prisoners!L8253 (Kazakhstan: 35,228 persons)"
        ),
        "note": (
            "Cite as: United Nations Office on Drugs and Crime, Prisons and prisoners, data.unodc.org. "
            "Licence UN-terms (United Nations terms of use)."
        ),
    }


def test_an_address_that_was_asked_is_told_apart_from_one_that_is_only_stated(asked: Asked) -> None:
    """By hand came every bundled file: no reader may think that its address was opened on that day."""
    by_hand = cite(asked, Wanted("France", "persons_held", 2021))
    (primary,) = by_hand.primary
    assert primary.obtained == "import"
    fetched = replace(by_hand, primary=(replace(primary, obtained="fetch"),))
    said = {
        how: {name: style(one) for name, style in STYLES.items()}
        for how, one in (("import", by_hand), ("fetch", fetched))
    }
    for style in ("apa", "chicago", "bibtex"):
        assert "offered at https://ec" in said["import"][style] and "retrieved" not in said["import"][style]
        assert "offered at" not in said["fetch"][style] and ", retrieved 24 November 2026, " in said["fetch"][style]
    assert "urldate" not in said["import"]["bibtex"] and "urldate = {2026-11-24}" in said["fetch"]["bibtex"]
    assert "accessed" not in json.loads(said["import"]["csl"])[1]
    assert json.loads(said["fetch"]["csl"])[1]["accessed"] == {"date-parts": [[2026, 11, 24]]}


def test_a_rate_of_return_is_cited_with_what_it_may_stand_beside(asked: Asked) -> None:
    """Scotland's main publication tables, table 14, row 24: of 40,607 convicted in 2016-17, 37.2 percent in two years."""
    found = cite(asked, "9b47270bd48de3d4")
    assert (found.value, found.unit, found.stated) == (37.2, "percent", "37.2 percent")
    assert found.subject == "reconviction of all convicted within 24 months"
    assert found.reference == "cohort of 1 April 2016 to 31 March 2017"
    assert found.access == "tables/recidivism.csv, recidivism_id = 9b47270bd48de3d4"
    assert found.primary[0].locator == "Table 14!B24:D24"
    assert "It may stand only beside figures of the same basis, outcome, population and follow-up." in found.warnings[0]
    assert all("37.2 percent" in style(found) for style in STYLES.values())


def test_what_was_read_in_a_publication_is_cited_by_that(asked: Asked) -> None:
    """Not by Custody's list of such figures, in which it was found."""
    row = asked.row("SELECT * FROM {published_total} WHERE locator = 'published_totals.csv:4:4'")
    assert row is not None
    found = cite(asked, "published_total:published_totals.csv:4:4")
    assert (found.value, found.stated) == (11_500_000, f"11.5 {row['unit_text']}")
    assert found.primary[0].title == row["citation"] == "UNODC Prison Matters 2024"
    _, source = json.loads(STYLES["csl"](found))
    assert "author" not in source and source["title"] == row["citation"]


def test_every_kind_of_row_that_stands_in_a_publication_is_cited_in_all_styles(asked: Asked) -> None:
    """The gaps' ranges: facts/gaps.csv has 80,000 to 120,000 for the camps of the DPRK."""
    for table in PUBLISHED:
        for row in asked.rows(f"SELECT * FROM {{{table}}} ORDER BY ALL LIMIT 40"):
            citation = cite(asked, name_of(table, tables(asked)[table], row))
            assert citation.stated and not citation.stated.endswith("-")
            assert all(citation.stated in style(citation) for style in (apa, chicago))
            assert STYLES["bibtex"](citation) and STYLES["csl"](citation)
    found = cite(asked, "gap:PRK/political prison camps")
    assert (found.low, found.high) == (80000, 120000)
    assert found.stated == "100,000 persons (between 80,000 and 120,000)"


def test_a_release_that_was_read_from_an_address_is_cited_with_it(asked: Asked) -> None:
    found = replace(cite(asked, Wanted("France", "persons_held", 2021)), url="https://data.example.org/2026.11.0")
    assert "  url = {https://data.example.org/2026.11.0},\n" in STYLES["bibtex"](found)
    assert json.loads(STYLES["csl"](found))[0]["URL"] == "https://data.example.org/2026.11.0"
    assert not any("No DOI" in style(found) for style in STYLES.values())


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


def test_an_estimate_that_is_known_to_be_off_is_cited_with_the_reason(asked: Asked) -> None:
    said = cite(asked, "estimate:SLV:2025-12-31").warnings[-1]
    assert "It is known to be off: The newest figure is of 2022 and lacks most of the mass arrests" in said
    assert "known to be off" not in cite(asked, "estimate:KAZ:2021-12-31").warnings[-1]


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
        ("headline:FRA/2021", "A row of table headline is not cited; `custody trace` leads from it to the figures"),
        ("0000000000000000", "has no figure or observation or recidivism or mortality_after_release or review_range 0000000000000000"),
        ("estimate:FRA:1950-12-31", "has no estimate estimate:FRA:1950-12-31"),
        ("France", "Which figure of France? Give place, measure and year, as in FRA persons_held 20"),
        ("World", "release 2026.11.0 has: persons_held (2003 to 2025)"),
        (Wanted("France", "persons_held", None), "has: persons_held (2000 to "),
        ("Frnace", "'Frnace' is neither a place nor an identity"),
        (Wanted("Scotland", "reconviction", 2017), "has 4 figures on reconviction of Scotland of the cohort of 2017"),
        (Wanted("Norway", "reimprisonment", 2019), "has no reimprisonment of Norway of a cohort of 2019; it has of the place:"),
        (Wanted("Norway", "reconviction", 2005), "released prisoners within 24 months, release cohort, "),
        (Wanted("Scotland", "reconviction", 1950), "has no reconviction of Scotland of a cohort of 1950; it has cohorts of"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_a_sentence(asked: Asked, wanted: Wanted | str, says: str) -> None:
    with pytest.raises(Misused) as told:
        cite(asked, wanted)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


# What has become of a release since


def again(release: Path, releases: Path, version: str, *statements: str) -> Path:
    """Another release beside it, in which statements have changed tables figure and recidivism."""
    folder = releases / version
    shutil.copytree(
        release, folder, ignore=lambda at, names: [] if "tables" not in at else [n for n in names if ".csv" in n]
    )
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    paths = {name: folder / "tables" / f"{name}.parquet" for name in ("figure", "recidivism")}
    if statements:
        with duckdb.connect() as connection:
            for name, path in paths.items():
                connection.execute(f"CREATE TABLE {name} AS FROM read_parquet('{path}')")
            for statement in statements:
                connection.execute(statement)
            for name, path in paths.items():
                connection.execute(f"COPY {name} TO '{path}' (FORMAT parquet)")
    package = folder / "datapackage.json"
    package.write_text(json.dumps({**json.loads(package.read_text(encoding="utf-8")), "version": version}))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return folder


def listed(releases: Path, *entries: Mapping[str, Any]) -> None:
    rest = {
        "date": "2026-11-23",
        "schema_version": "1.0.0",
        "as_of": "2025-12-31",
        "digest": "d" * 64,
        "sums": "e" * 64,
    }
    entries = tuple({**rest, **entry} for entry in entries)
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
        "UPDATE recidivism SET rate_percent = 40 WHERE recidivism_id = '9b47270bd48de3d4'",
    )
    return releases


def of(releases: Path, version: str, place: str, year: int) -> Citation:
    return cite(Asked(releases / version), Wanted(place, "persons_held", year))


def test_a_figure_revised_since_is_told_with_both_values(two: Path) -> None:
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0"})
    revised = of(two, "2026.11.0", "France", 2021)
    assert revised.value == 69448
    assert (
        "Revised since: 69,448 persons here, 69,500 persons in the newest release that stands, 2026.12.0."
        in revised.warnings
    )
    gone = of(two, "2026.11.0", "Belgium", 2020)
    assert "The newest release that stands, 2026.12.0, no longer has this row." in gone.warnings
    assert of(two, "2026.11.0", "France", 2020).warnings == of(two, "2026.12.0", "France", 2020).warnings
    for style in STYLES.values():
        assert "Revised since: 69,448 persons here, 69,500 persons" in style(revised)


def test_a_figure_on_return_revised_since_is_told_as_well(two: Path) -> None:
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0"})
    told = cite(Asked(two / "2026.11.0"), "9b47270bd48de3d4").warnings
    assert "Revised since: 37.2 percent here, 40 percent in the newest release that stands, 2026.12.0." in told
    assert not any("Revised" in warning for warning in cite(Asked(two / "2026.12.0"), "9b47270bd48de3d4").warnings)


def test_the_newest_release_is_not_compared_with_itself(two: Path) -> None:
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0"})
    assert not any("newest" in warning for warning in of(two, "2026.12.0", "France", 2021).warnings)


def test_a_retracted_release_warns_first_and_names_its_replacement(two: Path) -> None:
    gone = {"date": "2026-12-03", "reason": "a file was a draft.", "replaced_by": "2026.12.0"}
    listed(two, {"version": "2026.11.0", "retracted": gone}, {"version": "2026.12.0"})
    found = of(two, "2026.11.0", "France", 2021)
    says = "Release 2026.11.0 was retracted on 2026-12-03: a file was a draft. Use 2026.12.0 in its place."
    assert found.warnings[0] == says
    assert all(says in style(found) for style in STYLES.values())


def test_a_retracted_release_is_never_the_newest(two: Path) -> None:
    gone = {"date": "2026-12-03", "reason": "wrong", "replaced_by": None}
    listed(two, {"version": "2026.11.0"}, {"version": "2026.12.0", "retracted": gone})
    assert not any("newest" in warning for warning in of(two, "2026.11.0", "France", 2021).warnings)
    assert (
        of(two, "2026.12.0", "France", 2021)
        .warnings[0]
        .endswith(": wrong. No release was named to take its place; the newest that stands is 2026.11.0.")
    )


def test_a_retracted_replacement_is_never_named(two: Path) -> None:
    """It leads on to its own, or to nothing; the command and the citation say the same."""
    gone = {"date": "2026-12-03", "reason": "wrong", "replaced_by": "2026.12.0"}
    also = {"date": "2026-12-05", "reason": "wrong too", "replaced_by": "2027.01.0"}
    listed(two, {"version": "2026.11.0", "retracted": gone}, {"version": "2026.12.0", "retracted": also}, {"version": "2027.01.0"})  # fmt: skip
    (said, *_) = of(two, "2026.11.0", "France", 2021).warnings
    assert said == "Release 2026.11.0 was retracted on 2026-12-03: wrong. Use 2027.01.0 in its place."
    known = read_beside(two / "2026.11.0")
    assert said == warning(known[0], known)
    listed(two, {"version": "2026.11.0", "retracted": gone}, {"version": "2026.12.0", "retracted": {**also, "replaced_by": None}})  # fmt: skip
    assert of(two, "2026.11.0", "France", 2021).warnings[0].endswith(": wrong. No release takes its place.")


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


def test_no_file_of_a_release_gives_it_a_doi_or_an_address(release: Path) -> None:
    """None is registered, so that none may be made up, and all say the same; CITATION.cff says that there is none."""
    cff = yaml.safe_load((release / "CITATION.cff").read_text(encoding="utf-8"))
    told = {name: json.loads((release / name).read_text(encoding="utf-8")) for name in ("croissant.json", "dataset.jsonld", "datapackage.json")}  # fmt: skip
    told |= {"CITATION.cff": cff, "zenodo.json": json.loads((release / "zenodo.json").read_text())["metadata"]}
    for name, said in told.items():
        assert not {"doi", "url", "identifier", "identifiers", "homepage", "id", "@id", "prereserve_doi"} & set(said), (
            name
        )
    assert "No DOI and no address is registered for the release." in cff["message"]
    repository = yaml.safe_load((homes.REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert not {"doi", "url", "identifiers", "repository", "repository-code"} & set(repository)
