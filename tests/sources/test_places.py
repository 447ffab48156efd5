"""Places; expected values come from ISO 3166, the UN's list of areas and the publishers' own files."""

from __future__ import annotations

import csv
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from sources import places as module
from sources.places import Place, Resolver, UnknownPlace, check, children, find, places

SOURCES = Path(module.__file__).parent


def rows_of(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


# The tables


def test_the_tables_are_sound() -> None:
    assert check() == []


def test_members_and_territories_are_as_many_as_iso_and_the_un_count() -> None:
    now = [place for place in places().values() if place.iso3 and place.valid_to is None]
    assert len(now) == 249  # ISO 3166-1
    assert sum(place.kind == "state" for place in now) == 195  # 193 members, 2 observers
    assert {place.kind for place in now} == {"state", "territory"}


@pytest.mark.parametrize(
    ("place_id", "iso2", "m49"),
    [
        ("AFG", "AF", "004"),
        ("NAM", "NA", "516"),
        ("GBR", "GB", "826"),
        ("GRC", "GR", "300"),
        ("USA", "US", "840"),
        ("SDN", "SD", "729"),
        ("SSD", "SS", "728"),
        ("TWN", "TW", "158"),
        ("PRI", "PR", "630"),
        ("ATA", "AQ", "010"),
        ("GEO", "GE", "268"),
        ("BES", "BQ", "535"),
    ],
)
def test_iso_codes(place_id: str, iso2: str, m49: str) -> None:
    place = find(iso2)
    assert (place.place_id, place.iso3, place.m49) == (place_id, place_id, m49)
    assert Resolver("m49", {})(m49) == Resolver("iso3", {})(place_id) == place_id


def test_unsd_numbers_parts_and_kosovo() -> None:
    resolve = Resolver("m49", {})
    wanted = {
        "412": "XKX", "827": "GBR-EAW", "828": "GBR-NIR", "829": "GBR-SCT", "369": "IRQ-CEN", "370": "IRQ-KR",
        "891": "SCG", "530": "ANT", "736": "M49-736", "001": "WLD", "202": "M49-202", "830": "M49-830",
    }  # fmt: skip
    assert {code: resolve(code) for code in wanted} == wanted


def test_kosovo_has_no_iso_code() -> None:
    assert places()["XKX"].iso3 is None
    assert places()["XKX"].kind == "state"
    with pytest.raises(UnknownPlace):
        Resolver("iso3", {})("XKX")


def test_every_place_a_curated_figure_names_is_there() -> None:
    parts = {f"AUS-{state}" for state in ("ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA")}
    parts |= {"ESP-CT", "GBR-EAW", "GBR-NIR", "GBR-SCT", "USA-NM", "USA-WA"}
    assert {places()[place_id].kind for place_id in parts} == {"part"}
    assert {places()[place_id].kind for place_id in ("REG-CARIBBEAN6", "REG-LATAM8")} == {"aggregate"}


def test_dates_of_succession() -> None:
    assert places()["SSD"].valid_from == date(2011, 7, 9)
    assert places()["ANT"].valid_to == date(2010, 10, 9)
    assert places()["CUW"].valid_from == places()["SXM"].valid_from == date(2010, 10, 10)
    assert not places()["ANT"].exists_on(date(2010, 10, 10))
    assert places()["ANT"].exists_on(date(2010, 10, 9))
    assert places()["SCG"].valid_to == date(2006, 6, 2)
    assert places()["MNE"].valid_from == places()["SRB"].valid_from == date(2006, 6, 3)


# Parents and parts


def test_the_united_kingdom_is_exactly_three_parts() -> None:
    assert children("GBR") == ("GBR-EAW", "GBR-NIR", "GBR-SCT")


def test_parts_elsewhere() -> None:
    assert children("IRQ") == ("IRQ-CEN", "IRQ-KR")
    assert children("BIH") == ("BIH-BIH", "BIH-SRP")
    assert children("FRA") == ()
    assert len(children("AUS")) == 8
    assert len(children("BRA")) == 27
    assert len(children("ESP")) == 19


def test_a_country_is_not_the_sum_of_its_states_without_the_federal_system() -> None:
    assert len(children("USA")) == 50 + 2  # with the District of Columbia and the federal system
    assert {"USA-DC", "USA-FED"} < set(children("USA"))
    assert "CAN-FED" in children("CAN")
    assert not {"USA-STATE", "CAN-PROV"} & {*children("USA"), *children("CAN")}


def test_territories_are_no_parts() -> None:
    sovereign = {"PRI": "USA", "GUM": "USA", "HKG": "CHN", "MAC": "CHN", "REU": "FRA", "ABW": "NLD"}
    for place_id, state in sovereign.items():
        place = places()[place_id]
        assert (place.kind, place.parent) == ("territory", state)
        assert place_id not in children(state)
    assert places()["TWN"].parent is None


def test_parts_on_a_day() -> None:
    assert "CAN-NTNU" in children("CAN", on=date(1999, 3, 31))
    assert not {"CAN-NT", "CAN-NU"} & set(children("CAN", on=date(1999, 3, 31)))
    assert {"CAN-NT", "CAN-NU"} < set(children("CAN", on=date(1999, 4, 1)))
    assert len(children("CAN", on=date(2022, 1, 1))) == 13 + 1  # with the federal system
    assert len(children("IND", on=date(2022, 12, 31))) == 28 + 8  # states and union territories
    assert len(children("IND", on=date(2018, 12, 31))) == 29 + 7


def test_children_of_nothing() -> None:
    with pytest.raises(UnknownPlace):
        children("XXX")


# Names


@pytest.mark.parametrize(
    ("text", "place_id"),
    [
        ("Republic of (South) Korea", "KOR"),
        ("Korea, Rep.", "KOR"),
        ("south   KOREA", "KOR"),
        ("Democratic People's Republic of (North) Korea", "PRK"),
        ("NA", "NAM"),
        ("na", "NAM"),
        ("Namibia", "NAM"),
        ("Congo", "COG"),
        ("Congo (Republic of)", "COG"),
        ("Democratic Republic of Congo (formerly Zaire)", "COD"),
        ("Guinea", "GIN"),
        ("Republic of Guinea", "GIN"),
        ("Guinea-Bissau", "GNB"),
        ("Equatorial Guinea", "GNQ"),
        ("Papua New Guinea", "PNG"),
        ("Georgia", "GEO"),
        ("Georgia (US)", "USA-GA"),
        ("Côte d\u2019Ivoire", "CIV"),
        ("Côte d'Ivoire", "CIV"),
        ("Cote d'Ivoire", "CIV"),
        ("Ivory Coast", "CIV"),
        ("Burma", "MMR"),
        ("Swaziland", "SWZ"),
        ("Turkey", "TUR"),
        ("Türkiye", "TUR"),
        ("Tu\u0308rkiye", "TUR"),  # a decomposed letter
        ("Czech Republic", "CZE"),
        ("USA", "USA"),
        ("United States", "USA"),
        ("UK", "GBR"),
        ("United Kingdom", "GBR"),
        ("United Kingdom: England & Wales", "GBR-EAW"),
        ("Scotland", "GBR-SCT"),
        ("Kurdistan Region of Iraq", "IRQ-KR"),
        ("Macau (China)", "MAC"),
        ("Hong Kong", "HKG"),
        ("Taiwan", "TWN"),
        ("Kosovo", "XKX"),
        ("Dominica", "DMA"),
        ("Dominican Republic", "DOM"),
        ("Niger", "NER"),
        ("Nigeria", "NGA"),
        ("Samoa", "WSM"),
        ("American Samoa", "ASM"),
        ("Sudan", "SDN"),
        ("Ireland", "IRL"),
        ("Northern Ireland", "GBR-NIR"),
        ("World", "WLD"),
        ("Deutschland", "DEU"),
        ("España", "ESP"),
        ("Espagne", "ESP"),
        ("日本", "JPN"),
        ("us-ca", "USA-CA"),
        ("USA-CA", "USA-CA"),
    ],
)
def test_names_in_use(text: str, place_id: str) -> None:
    assert find(text).place_id == place_id


@pytest.mark.parametrize(
    "text",
    [
        "Korea", "Micronesia", "Virgin Islands", "Saint Martin", "St. Martin", "Yugoslavia", "Washington",
        "Punjab", "Amazonas", "America", "England", "Great Britain", "Granada", "Germny", "Czechia!",
        "", "-", "n/a",
    ],
)  # fmt: skip
def test_what_is_ambiguous_or_unknown_is_refused(text: str) -> None:
    with pytest.raises(UnknownPlace):
        find(text)


def test_the_refusal_proposes_the_nearest() -> None:
    with pytest.raises(UnknownPlace) as refused:
        find("Soth Korea")
    assert len(refused.value.nearest) == 3
    assert refused.value.nearest[0] == places()["KOR"]
    message = str(refused.value)
    assert "'Soth Korea'" in message
    assert "Republic of Korea (KOR)" in message
    assert "\n" not in message
    assert message.endswith(".")


def test_a_bare_ambiguous_name_proposes_those_it_may_mean() -> None:
    with pytest.raises(UnknownPlace) as refused:
        find("Korea")
    assert {place.place_id for place in refused.value.nearest} > {"KOR", "PRK"}


def test_a_hostile_text_is_neither_repeated_in_full_nor_slow_to_refuse() -> None:
    with pytest.raises(UnknownPlace) as refused:
        find("x" * 1_000_000)
    assert len(str(refused.value)) < 500


def test_the_refusal_survives_another_process() -> None:
    error = pickle.loads(pickle.dumps(UnknownPlace("Soth Korea")))
    assert str(error) == str(UnknownPlace("Soth Korea"))
    assert error.nearest == UnknownPlace("Soth Korea").nearest


# Resolver


def test_aliases_come_first_and_nothing_is_normalised() -> None:
    resolve = Resolver("place_id", {"EL": "GRC"})
    assert resolve("EL") == "GRC"
    assert resolve("GRC") == "GRC"
    for code in ("el", " EL", "GR", "grc", "Greece", ""):
        with pytest.raises(UnknownPlace):
            resolve(code)


def test_the_scheme_name_knows_no_codes() -> None:
    resolve = Resolver("name", {"Georgia": "USA-GA"})
    assert resolve("Namibia") == "NAM"
    assert resolve("Georgia") == "USA-GA"
    for text in ("NA", "NAM", "namibia"):
        with pytest.raises(UnknownPlace):
            resolve(text)


def test_an_alias_must_name_a_place() -> None:
    with pytest.raises(UnknownPlace):
        Resolver("iso3", {"EL": "GRX"})


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="iso2"):
        Resolver("iso2", {})  # type: ignore[arg-type]


def test_a_folder_may_have_aliases(tmp_path: Path) -> None:
    assert Resolver.for_folder(tmp_path, "iso3")("NAM") == "NAM"
    (tmp_path / "aliases.csv").write_text("code,place_id\nNA,NAM\n", encoding="utf-8")
    assert Resolver.for_folder(tmp_path, "iso3")("NA") == "NAM"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "code;place_id\nNA;NAM\n",
        "code,place_id\nNA,NAM\nNA,NER\n",
        "code,place_id\nNA\n",
        "code,place_id\nA,B\n",
    ],
)
def test_a_wrong_alias_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "aliases.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError):
        Resolver.for_folder(tmp_path, "iso3")


@pytest.mark.parametrize(
    ("source", "code", "place_id"),
    [
        ("unodc_prisons", "GBR_E_W", "GBR-EAW"),
        ("unodc_prisons", "GBR_EW", "GBR-EAW"),
        ("unodc_prisons", "GBR_S", "GBR-SCT"),
        ("unodc_prisons", "GBR_NI", "GBR-NIR"),
        ("unodc_prisons", "IRQ_C", "IRQ-CEN"),
        ("unodc_prisons", "IRQ_KRI", "IRQ-KR"),
        ("unodc_prisons", "IRQ_KUR", "IRQ-KR"),
        ("unodc_prisons", "WORLD", "WLD"),
        ("unodc_prisons", "XKX", "XKX"),
        ("eurostat_prisons", "EL", "GRC"),
        ("eurostat_prisons", "UK", "GBR"),
        ("eurostat_prisons", "UKC-L", "GBR-EAW"),
        ("eurostat_prisons", "UKM", "GBR-SCT"),
        ("eurostat_prisons", "UKN", "GBR-NIR"),
        ("eurostat_prisons", "XK", "XKX"),
        ("eurostat_prisons", "CH", "CHE"),
        ("world_bank_population", "AFE", "WB-AFE"),
        ("world_bank_population", "CHI", "M49-830"),
        ("world_bank_population", "WLD", "WLD"),
        ("world_bank_population", "XKX", "XKX"),
    ],
)
def test_publishers_codes(source: str, code: str, place_id: str) -> None:
    assert Resolver.for_folder(SOURCES / source, "place_id")(code) == place_id


def test_not_classified_is_no_place() -> None:
    """The World Bank's INX has no figures and is to be dropped by name, not mapped."""
    with pytest.raises(UnknownPlace):
        Resolver.for_folder(SOURCES / "world_bank_population", "place_id")("INX")


# The check sees what it is for


def row(**cells: str) -> dict[str, str]:
    return dict.fromkeys(module.PLACE_COLUMNS, "") | {"place_id": "AAA", "name": "A", "kind": "state"} | cells


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(), row(name="B")], "twice"),
        ([row(place_id="AAA", m49="004"), row(place_id="BBB", name="B", m49="004")], "twice"),
        ([row(place_id="BBB"), row(place_id="AAA", name="B")], "sorted"),
        ([row(place_id="aaa")], "well-formed"),
        ([row(name=" A")], "clean name"),
        ([row(kind="country")], "kind"),
        ([row(m49="4")], "m49"),
        ([row(iso3="BBB")], "iso3"),
        ([row(kind="territory", parent="ZZZ")], "parent"),
        ([row(kind="part")], "without a parent"),
        ([row(), row(place_id="BBB-X", name="B", kind="part", parent="AAA")], "begin with"),
        ([row(), row(place_id="AAA-X", name="B", kind="part", parent="AAA")], "one part"),
        ([row(), row(place_id="BBB", name="B", parent="AAA")], "state with a parent"),
        (
            [row(kind="aggregate", parent="BBB"), row(place_id="BBB", kind="aggregate", parent="AAA")],
            "ancestor",
        ),
        ([row(region="Africa")], "subregion"),
        ([row(region="Atlantis", subregion="North")], "region"),
        ([row(valid_from="9 July 2011")], "no date"),
        ([row(valid_from="2011-07-09", valid_to="2011-07-08")], "before it begins"),
    ],
)
def test_a_wrong_place_is_seen(rows: list[dict[str, str]], words: str) -> None:
    assert words in " ".join(module._place_problems(rows))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([("B", "AAA")], "several"),  # the name of another place
        ([("ccc", "AAA"), ("CCC", "BBB")], "several"),
        ([("x", "AAA"), ("x", "AAA")], "twice"),
        ([("x", "ZZZ")], "unknown place"),
        ([(" ", "AAA")], "empty"),
    ],
)
def test_a_wrong_name_is_seen(names: list[tuple[str, str]], words: str) -> None:
    table = [row(), row(place_id="BBB", name="B")]
    found = module._name_problems(table, [{"name": name, "place_id": place_id} for name, place_id in names])
    assert words in " ".join(found)


def test_a_wrong_alias_is_seen() -> None:
    aliases = [
        {"code": "", "place_id": "AAA"},
        {"code": "x", "place_id": "ZZZ"},
        {"code": "x", "place_id": "AAA"},
    ]
    found = " ".join(module._alias_problems("s/aliases.csv", aliases, {"AAA"}))
    assert "empty" in found
    assert "unknown place 'ZZZ'" in found
    assert "twice" in found


def test_a_broken_file_is_a_problem_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("places.csv", "place_names.csv"):
        (tmp_path / name).write_bytes((SOURCES / name).read_bytes())
    (tmp_path / "a_source").mkdir()
    (tmp_path / "a_source" / "aliases.csv").write_text("code\nEL\n", encoding="utf-8")
    monkeypatch.setattr(module, "HERE", tmp_path)
    assert check() == ["a_source/aliases.csv must begin with the columns code, place_id."]


def test_tables_are_utf8_with_unix_line_ends() -> None:
    for path in [SOURCES / "places.csv", SOURCES / "place_names.csv", *SOURCES.glob("*/aliases.csv")]:
        content = path.read_bytes()
        assert b"\r" not in content
        assert not content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\n")
        content.decode("utf-8")


def test_importing_places_pulls_in_nothing_heavy() -> None:
    code = "import sys, sources.places; print({'pandas', 'numpy', 'duckdb', 'dagster'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=SOURCES.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# The publishers' files


def one(raw: Path, pattern: str) -> Path:
    found = sorted(raw.glob(pattern))
    assert found, f"there is no {pattern} among the publishers' files"
    return found[-1]


def test_every_place_in_the_unodc_workbook(raw: Path) -> None:
    workbook = CalamineWorkbook.from_path(str(one(raw, "unodc/2023-05-11/*.xlsx")))
    cells = workbook.get_sheet_by_index(0).to_python()
    assert cells[2][:4] == ["Iso3_code", "Country", "Region", "Subregion"]
    published = {tuple(map(str, cell[:4])) for cell in cells[3:]}
    assert len(published) == 227
    resolve = Resolver.for_folder(SOURCES / "unodc_prisons", "place_id")
    seen = set()
    for code, name, region, subregion in published:
        place = places()[resolve(code)]
        seen.add(place.place_id)
        assert find(name) == place
        assert (place.region, place.subregion) == (region, subregion)
    assert len(seen) == 227


def eurostat_geos(raw: Path) -> Iterator[tuple[str, set[str]]]:
    for path in sorted((raw / "eurostat").rglob("crim_*")):
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".tsv":
            lines = text.splitlines()
            assert lines[0].split("\t")[0].endswith("geo\\TIME_PERIOD")
            yield path.name, {line.split("\t")[0].rsplit(",", 1)[1].strip() for line in lines[1:]}
        else:
            yield path.name, {cells["geo"] for cells in rows_of(text)}


def test_every_geo_in_the_eurostat_files(raw: Path) -> None:
    resolve = Resolver.for_folder(SOURCES / "eurostat_prisons", "place_id")
    files = dict(eurostat_geos(raw))
    assert len(files) == 4
    for geos in files.values():
        assert len(geos) > 35
        assert len({resolve(geo) for geo in geos}) == len(geos)


def test_eurostat_labels_agree(raw: Path) -> None:
    resolve = Resolver.for_folder(SOURCES / "eurostat_prisons", "place_id")
    labelled = rows_of(one(raw, "eurostat/*/crim_pris_age.csv").read_text(encoding="utf-8-sig"))
    for geo, label in {(cells["geo"], cells["Geopolitical entity (reporting)"]) for cells in labelled}:
        assert find(label).place_id == resolve(geo)


def world_bank(raw: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(one(raw, "world-bank/2025-07-01/*.zip")) as archive:
        (member,) = (name for name in archive.namelist() if name.startswith("Metadata_Country"))
        return rows_of(archive.read(member).decode("utf-8-sig"))


def test_every_code_in_the_world_bank_zip(raw: Path) -> None:
    resolve = Resolver.for_folder(SOURCES / "world_bank_population", "place_id")
    published = world_bank(raw)
    assert len(published) == 265
    found = {cells["Country Code"]: places()[resolve(cells["Country Code"])] for cells in published}
    assert len({place.place_id for place in found.values()}) == 265
    for cells in published:
        place = found[cells["Country Code"]]
        # The World Bank gives every economy a region and no group one; the Channel Islands are one economy.
        assert (place.kind == "aggregate") == (not cells["Region"] or cells["Country Code"] == "CHI")
        if place.kind != "aggregate":
            assert find(cells["TableName"]) == place


def test_every_code_in_the_other_world_bank_files(raw: Path) -> None:
    resolve = Resolver.for_folder(SOURCES / "world_bank_population", "place_id")
    for pattern in ("world-bank/2023-10/*.csv", "world-bank/2026-03/*.csv"):
        published = rows_of(one(raw, pattern).read_text(encoding="utf-8-sig"))
        for name, code in {(cells["Country Name"], cells["Country Code"]) for cells in published} - {
            ("Not classified", "INX")
        }:
            place = places()[resolve(code)]
            assert place.kind == "aggregate" or find(name) == place


# What the UN Statistics Division lists that is no place: residuals, institutions, seas, fuel bunkers.
NO_PLACES = {"487", "527", "577", "636", "896", "907", "917", "918", "919", "921", "922", "938", "951"}


def test_every_area_of_the_un_statistics_division(raw: Path) -> None:
    listed = json.loads((raw / "unsd-sdg" / "api" / "GeoArea_List.json").read_text(encoding="utf-8"))
    resolve = Resolver("m49", {})
    refused = set()
    for area in listed:
        code = area["geoAreaCode"].zfill(3)
        try:
            place = places()[resolve(code)]
        except UnknownPlace:
            refused.add(code)
            continue
        if place.kind != "aggregate":
            assert find(area["geoAreaName"]) == place
    assert {code for code in refused if len(code) == 3} == NO_PLACES
    assert all(code.startswith("990") for code in refused - NO_PLACES)


def test_every_area_of_the_unsentenced_share(raw: Path) -> None:
    workbook = CalamineWorkbook.from_path(str(one(raw, "unsd-sdg/2019.Q1.G.02/*.xlsx")))
    header, *cells = workbook.get_sheet_by_index(0).to_python()
    code, iso = header.index("geoAreaCode"), header.index("ISO3CD")
    resolve = Resolver("m49", {})
    published = {(str(cell[code]).zfill(3), str(cell[iso])) for cell in cells}
    assert len(published) == 310
    for number, iso3 in published:
        place_id = resolve(number)
        assert not iso3 or places()[place_id].iso3 == iso3


def test_every_country_and_group_of_the_un_population_division(raw: Path) -> None:
    text = (raw / "un-locations" / "UNlocations.txt").read_text(encoding="utf-8")
    resolve = Resolver("m49", {})
    countries = [cells for cells in rows_of(text, "\t") if cells["location_type"] == "4"]
    assert len(countries) == 237
    finer = {"Eastern", "Middle", "Southern", "Western"}
    for cells in countries:
        place: Place = places()[resolve(cells["country_code"].zfill(3))]
        assert place.kind in {"state", "territory"}
        assert find(cells["name"]) == place
        area = cells["reg_name"]
        if area in {f"{side} Africa" for side in finer}:
            area = "Sub-Saharan Africa"
        elif area in {"Caribbean", "Central America", "South America"}:
            area = "Latin America and the Caribbean"
        elif area == "Australia/New Zealand":
            area = "Australia and New Zealand"
        if area:  # Northern America has no level below it
            assert place.subregion is not None
            assert place.subregion.casefold() == area.casefold()


def test_the_indian_and_australian_parts_are_those_in_the_national_files(raw: Path) -> None:
    workbook = CalamineWorkbook.from_path(str(one(raw, "australia/2019/*.xls")))
    sheet = workbook.get_sheet_by_index(1).to_python()
    (header,) = (cells for cells in sheet if cells and cells[0] == "Selected characteristics")
    short = {"Vic.": "VIC", "Qld": "QLD", "Tas.": "TAS"}
    states = [str(cell) for cell in header[1:] if cell not in ("", "Aust.")]
    assert {f"AUS-{short.get(name, name)}" for name in states} == set(children("AUS"))
    ncrb = rows_of(one(raw, "india/psi_2022*.csv").read_text(encoding="utf-8-sig"))
    assert sum(cells["sl_no"].isdigit() for cells in ncrb) == len(children("IND", on=date(2022, 12, 31)))
