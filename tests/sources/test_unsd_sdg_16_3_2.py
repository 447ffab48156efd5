"""UNSD's unsentenced share: workbook and API page, every refusal, and the real workbook against a plain reading."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from sources import corrections
from sources.catalogue import source
from sources.errors import Refused
from sources.places import Resolver, find, places
from sources.reading import Parsed
from tests.sources.fixtures import damaged, parse, workbook

SOURCE, OLD, NEW = "unsd_sdg_16_3_2", "vc_prs_unsec", "vc_prs_unsnt"
NAME, PAGE = "Data_16.3.2_VC_PRS_UNSEC.xlsx", "VC_PRS_UNSNT.json"
WORDS = "Unsentenced detainees as a proportion of overall prison population"
AFGHANISTAN = {
    "goalCode": "16", "goalDesc": "Peace", "targetCode": "16.3", "targetDesc": "Law", "indicatorCode": "16.3.2",
    "indicatorDesc": WORDS, "indicatorTier": "1", "seriesCode": "VC_PRS_UNSEC", "seriesDesc": f"{WORDS} (%)",
    "seriesRelease": "2019.Q1.G.02", "timePeriod": 2005, "geoAreaCode": "4", "geoAreaName": "Afghanistan",
    "level": 4, "parentCode": "34", "parentName": "Southern Asia", "type": "Country", "CountryProfile": "1",
    "ISO3CD": "AFG", "UNMember": "1", "X": "66.0", "Y": "33.8", "value": "81", "valueType": "Float",
    "timeDetail": "", "source": "UN-CTS", "footnotes": "2005: Data refer to 3 year average 2003-2005",
    "natureCode": "C", "unitsCode": "PERCENT", "reportingTypeCode": "G", "natureDesc": "Country data",
    "unitsDesc": "Percentage", "reportingTypeDesc": "Global",
}  # fmt: skip
NO_FIGURE = dict.fromkeys(
    ["value", "valueType", "source", "footnotes", "natureCode", "unitsCode", "reportingTypeCode", "natureDesc"], ""
)
WORLD = {"geoAreaCode": "1", "geoAreaName": "World", "type": "Region", "ISO3CD": "", "parentCode": ""}
RECORD: dict[str, Any] = {
    "goal": ["16"], "target": ["16.3"], "indicator": ["16.3.2"], "series": "VC_PRS_UNSNT",
    "seriesDescription": f"{WORDS} (%)", "seriesCount": "2402", "geoAreaCode": "250", "geoAreaName": "France",
    "timePeriodStart": 2021.0, "value": "27.5", "valueType": "Float", "time_detail": None, "timeCoverage": None,
    "upperBound": None, "lowerBound": None, "basePeriod": None, "source": "UN-CTS", "geoInfoUrl": None,
    "footnotes": [""], "attributes": {"Nature": "C", "Units": "PERCENT"}, "dimensions": {"Reporting Type": "G"},
}  # fmt: skip


def sheet(*rows: dict[str, Any]) -> bytes:
    """The workbook; a row is Afghanistan's but for its changes."""
    return workbook({"Sheet1": [list(AFGHANISTAN), *[list((AFGHANISTAN | row).values()) for row in rows]]})


def old(*rows: dict[str, Any]) -> Parsed:
    return parse(SOURCE, OLD, NAME, sheet(*rows))


def page(*records: Any, **changes: Any) -> bytes:
    """The API's answer; a record is France's but for its changes."""
    data = [RECORD | record if isinstance(record, dict) else record for record in records]
    answer = {"size": 20000, "totalElements": len(data), "totalPages": 1, "pageNumber": 1}
    return json.dumps({**answer, "attributes": [], "dimensions": [], "data": data, **changes}).encode()


def new(*records: Any, **changes: Any) -> Parsed:
    return parse(SOURCE, NEW, PAGE, page(*records, **changes))


def plain(parsed: Parsed) -> list[dict[Any, Any]]:
    frame = parsed.rows["observation"]
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def test_a_row_of_the_workbook_is_an_average_of_three_years() -> None:
    parsed = old({})
    assert (parsed.vintage, parsed.items, parsed.left_out) == ("2019", 1, [])
    assert plain(parsed) == [
        {
            "place_id": "AFG",
            "locator": "Sheet1!W2",
            "dataset": "VC_PRS_UNSEC",
            "measure": "unsentenced_share",
            "sex": "_T",
            "value": 81.0,
            "reported_by": "UN-CTS",
            "period_start": date(2003, 1, 1),
            "period_end": date(2005, 12, 31),
            "period_kind": "average",
            "status": "A",
            "note": None,
        }
    ]


def test_what_a_footnote_says_besides_is_the_note() -> None:
    said = "Italy: 2005: Data refer to 3 year average 2003-2005 and include prisoners who have appealed"
    context = "2005: Data refer to 3 year average 2003-2005; \nThe status of Kosovo is as it is. "
    italy = {"geoAreaCode": "380", "geoAreaName": "Italy", "ISO3CD": "ITA", "footnotes": said}
    kosovo = {"geoAreaCode": "412", "geoAreaName": "Kosovo", "ISO3CD": "", "footnotes": context}
    rows = plain(old(italy, kosovo))
    assert [(row["place_id"], row["note"]) for row in rows] == [
        ("ITA", said),
        ("XKX", "2005: Data refer to 3 year average 2003-2005; The status of Kosovo is as it is."),
    ]


def test_groups_and_cells_without_a_figure_are_left_out_and_zero_is_a_figure() -> None:
    antarctica = {"geoAreaCode": "10", "geoAreaName": "Antarctica", "ISO3CD": "ATA"}
    members = {"geoAreaCode": "938", "geoAreaName": "Member States", "type": "Group", "ISO3CD": ""}
    parsed = old(WORLD, antarctica | NO_FIGURE, WORLD | NO_FIGURE, {"value": "0"}, members)
    assert (parsed.items, [row["value"] for row in plain(parsed)]) == (5, [0.0])
    assert [(entry.locator, entry.reason, entry.items) for entry in parsed.left_out] == [
        ("Sheet1!W3", "missing", 1),
        ("Sheet1!W2", "a group of places", 1),
        ("Sheet1!W4", "a group of places", 1),
        ("Sheet1!W6", "a group of places", 1),
    ]
    assert parsed.left_out[1].raw["value"] == "81"


@pytest.mark.parametrize(
    ("code", "name", "place_id"),
    [
        ("412", "Kosovo", "XKX"),
        ("827", "United Kingdom (England and Wales)", "GBR-EAW"),
        ("828", "United Kingdom (Northern Ireland)", "GBR-NIR"),
        ("829", "United Kingdom (Scotland)", "GBR-SCT"),
        ("369", "Iraq (Central Iraq)", "IRQ-CEN"),
        ("370", "Iraq (Kurdistan Region)", "IRQ-KR"),
        ("8", "Albania", "ALB"),
        ("158", "Other non-specified areas", "TWN"),
    ],
)
def test_areas(code: str, name: str, place_id: str) -> None:
    (row,) = plain(old({"geoAreaCode": code, "geoAreaName": name, "ISO3CD": ""}))
    assert row["place_id"] == place_id
    assert row["note"] == ("published as 'Other non-specified areas'" if code == "158" else None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"geoAreaCode": "999"}, ("row 3", "geoAreaCode", "999", "groups.csv")),
        ({"geoAreaCode": "004"}, ("row 3", "'004' is not a code")),
        ({"geoAreaCode": "AF"}, ("row 3", "'AF' is not a code")),
        ({"geoAreaName": "Albania"}, ("row 3", "'4' and the name 'Albania' are different places")),
        ({"geoAreaName": "Atlantis"}, ("row 3", "'Atlantis'")),
        ({"type": "Region"}, ("row 3", "AFG is no group")),
        ({"type": "Territory"}, ("row 3", "'Territory' is not Country")),
        ({"ISO3CD": "ALB"}, ("row 3", "'ALB' is not AFG")),
        ({"seriesCode": "VC_PRS_UNSNT"}, ("row 3, column seriesCode", "'VC_PRS_UNSNT'")),
        ({"indicatorCode": "16.3.1"}, ("row 3, column indicatorCode", "'16.3.1'")),
        ({"seriesDesc": "Something else"}, ("row 3, column seriesDesc",)),
        ({"seriesRelease": "2019.Q2.G.01"}, ("'2019.Q1.G.02', '2019.Q2.G.01'",)),
        ({"timePeriod": 2006}, ("row 3", "are not the three years that end with 2006")),
        ({"timePeriod": 2005.5}, ("row 3", "2005.5 is not a year")),
        ({"timePeriod": "2005"}, ("row 3", "'2005' is not a year")),
        ({"footnotes": ""}, ("row 3", "does not say clearly")),
        ({"footnotes": "2005: Data refer to 2 year average 2004-2005"}, ("row 3", "does not say clearly")),
        ({"footnotes": "2005: Data refer to 3 year average 2002-2005"}, ("row 3", "are not the three years")),
        ({"footnotes": "2005: Data refer to 3 year average 2003-2005, average of means"}, ("does not say clearly",)),
        ({"timeDetail": "2003-2005"}, ("row 3, column timeDetail",)),
        ({"value": "8l"}, ("row 3, column value", "'8l' is not a number")),
        ({"value": "81,5"}, ("row 3, column value", "'81,5' is not a number")),
        ({"value": "<5"}, ("row 3, column value", "'<5' is not a number")),
        ({"value": "100.01"}, ("row 3, column value", "'100.01' is not a percentage")),
        ({"value": "291.77"}, ("row 3, column value", "'291.77' is not a percentage")),
        ({"value": "-1"}, ("row 3, column value", "'-1' is not a percentage")),
        ({"valueType": "Integer"}, ("row 3", "'Integer' is not Float")),
        ({"unitsCode": "RATIO"}, ("row 3", "'RATIO' is not PERCENT")),
        ({"unitsCode": ""}, ("row 3", "'' is not PERCENT")),
        ({"value": "", "unitsCode": "RATIO"}, ("row 3", "'RATIO' is not PERCENT")),
        ({"reportingTypeCode": "N"}, ("row 3", "'N' is not G")),
        ({"natureCode": "X"}, ("row 3", "'X' is not a nature")),
        ({"natureCode": ""}, ("row 3", "'' is not a nature")),
    ],
)
def test_a_cell_of_the_workbook_that_is_not_known_is_refused(change: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        old({}, change)
    for part in (NAME, *words):
        assert part in str(refused.value)


@pytest.mark.parametrize("column", ["value", "geoAreaCode", "footnotes", "reportingTypeDesc"])
def test_a_missing_a_new_and_a_shifted_column_are_refused(column: str) -> None:
    row = dict(AFGHANISTAN)
    without = {key: cell for key, cell in row.items() if key != column}
    for table, words in (
        ([list(without), list(without.values())], f"missing {column}"),
        ([[*row, "more"], [*row.values(), "x"]], "unknown 'more'"),
        ([[column, *without], [row[column], *without.values()]], "another order"),
        ([["UNSD"], list(row), list(row.values())], "the columns are not the expected ones"),
        ([list(row)], "a header and no rows"),
    ):
        with pytest.raises(Refused) as refused:
            parse(SOURCE, OLD, NAME, workbook({"Sheet1": table}))
        assert words in str(refused.value)


@pytest.mark.parametrize(
    "data", [b"", sheet({})[:500], workbook({"Data": [list(AFGHANISTAN)]}), b"<html></html>", page({})]
)
def test_what_is_no_whole_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=f"^{NAME}"):
        parse(SOURCE, OLD, NAME, data)


def test_a_workbook_of_groups_alone_is_refused() -> None:
    with pytest.raises(Refused, match="no figure of one place"):
        old(WORLD)


@pytest.mark.parametrize(("place", "value"), [(("144", "Sri Lanka", "LKA"), 291.77), (("332", "Haiti", "HTI"), 106.89)])
def test_a_percentage_above_100_that_a_correction_names_is_dropped_by_it(
    place: tuple[str, str, str], value: float
) -> None:
    own = dict(zip(("geoAreaCode", "geoAreaName", "ISO3CD"), place, strict=True))
    frame = old({}, own | {"value": str(value)}).rows["observation"]
    assert frame["value"].tolist() == [81, value]
    entries = corrections.read_corrections(source(SOURCE).folder)
    kept, dropped, record = corrections.apply(frame, [c for c in entries if c.file == OLD], NAME)
    assert kept["place_id"].tolist() == ["AFG"]
    assert [(entry.locator, "100" in entry.reason) for entry in dropped] == [("Sheet1!W3", True)]
    assert sorted(record["state"]) == ["applied", "stale"]
    with pytest.raises(Refused, match="is not a percentage"):
        old(own | {"value": str(value + 1)})


# The API


def test_a_record_of_the_api() -> None:
    parsed = new({}, {"geoAreaCode": "8", "geoAreaName": "Albania", "value": "61", "timePeriodStart": 2019.0})
    assert (parsed.vintage, parsed.items, parsed.left_out) == (None, 2, [])
    rows = plain(parsed)
    keys = ["place_id", "value", "locator", "dataset", "period_start", "period_end", "period_kind", "status", "note"]
    assert [[row[key] for key in keys] for row in rows] == [
        [
            "FRA",
            27.5,
            "/data/0/value",
            "VC_PRS_UNSNT",
            date(2021, 1, 1),
            date(2021, 12, 31),
            "unknown_day",
            "A",
            None,
        ],
        ["ALB", 61, "/data/1/value", "VC_PRS_UNSNT", date(2019, 1, 1), date(2019, 12, 31), "unknown_day", "A", None],
    ]


def test_attributes_and_dimensions_of_later_releases() -> None:
    attributes = {"Nature": "E", "Units": "PERCENT", "Observation Status": "I"}
    women = {"Reporting Type": "G", "Sex": "FEMALE"}
    rows = plain(new({"attributes": attributes, "dimensions": women, "footnotes": ["Women", "only"]}, {}))
    assert [(row["sex"], row["status"], row["note"]) for row in rows] == [
        ("F", "E", "imputed; Women; only"),
        ("_T", "A", None),
    ]


def test_an_average_that_the_api_states() -> None:
    (row,) = plain(new({"footnotes": ["Data refer to 3 year average 2019-2021"]}))
    assert (row["period_start"], row["period_end"], row["period_kind"], row["note"]) == (
        date(2019, 1, 1),
        date(2021, 12, 31),
        "average",
        None,
    )


def test_groups_and_missing_values_of_the_api_are_left_out() -> None:
    groups = [("1", "World"), ("722", "Small island developing States (SIDS)"), ("938", "Member States")]
    records = [{"geoAreaCode": code, "geoAreaName": name} for code, name in groups]
    parsed = new({}, *records, {"timePeriodStart": 2020.0, "value": "NaN"})
    assert [(entry.locator, entry.reason) for entry in parsed.left_out] == [
        ("/data/4/value", "missing"),
        ("/data/1/value", "a group of places"),
        ("/data/2/value", "a group of places"),
        ("/data/3/value", "a group of places"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "27,5"}, "'27,5' is not a number"),
        ({"value": "270.5"}, "'270.5' is not a percentage"),
        ({"value": True}, "True"),
        ({"geoAreaCode": "99999"}, "99999"),
        ({"geoAreaCode": 250}, "250 is not a code"),
        ({"geoAreaName": "Germany"}, "are different places"),
        ({"timePeriodStart": 2021.5}, "2021.5 is not a year"),
        ({"timePeriodStart": None}, "None is not a year"),
        ({"timePeriodStart": 1e300}, "is not a year"),
        ({"geoAreaName": None}, "None is no name"),
        ({"series": "VC_PRS_UNSEC"}, "'VC_PRS_UNSEC'"),
        ({"indicator": ["16.3.1"]}, "16.3.1"),
        ({"seriesDescription": "Convicted prisoners (%)"}, "'Convicted prisoners (%)'"),
        ({"attributes": {"Nature": "C", "Units": "NUMBER"}}, "'NUMBER' is not PERCENT"),
        ({"attributes": {"Nature": "Z", "Units": "PERCENT"}}, "'Z' is not a nature"),
        ({"attributes": {"Nature": "C", "Units": "PERCENT", "Observation Status": "Q"}}, "'Q' is not an observation"),
        ({"attributes": {"Units": "PERCENT"}}, "missing attributes/Nature"),
        ({"dimensions": {"Reporting Type": "N"}}, "'N'"),
        ({"dimensions": {"Reporting Type": "G", "Sex": "OTHER"}}, "'OTHER'"),
        ({"dimensions": {"Reporting Type": "G", "Age": "15+"}}, "unknown 'dimensions/Age'"),
        ({"upperBound": "30"}, "'30' stands where nothing stood"),
        ({"time_detail": "2020-2021"}, "'2020-2021' stands where nothing stood"),
        ({"footnotes": ["Average of 2019 and 2021"]}, "does not say clearly"),
        ({"footnotes": [3]}, "row /data/1, column footnotes: [3] is not a list of texts"),
        ({"footnotes": "Average"}, "'Average' is not a list of texts"),
        ({"source": 5}, "5 is not text"),
        ({"more": "x"}, "unknown 'more'"),
    ],
)
def test_a_record_that_is_not_known_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        new({"timePeriodStart": 2018.0}, change)
    assert str(refused.value).startswith(PAGE)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not readable JSON"),
        (page({})[:-20], "not readable JSON"),
        (b'{"Message": "An error has occurred."}', "not the API's answer"),
        (b"[]", "not the API's answer"),
        (page({}, more=1), "not the API's answer"),
        (page({}, data={}), "not the API's answer"),
        (page({}, totalPages=2), "page 1 of 2"),
        (page({}, pageNumber=2), "page 2 of 1"),
        (page({}, totalElements=2), "holds 1 of 2 records"),
        (page(), "empty"),
        (page("x"), "the columns are not the expected ones"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(SOURCE, NEW, PAGE, data)
    assert str(refused.value).startswith(PAGE)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    file, name, whole = data.draw(st.sampled_from([(OLD, NAME, sheet({})), (NEW, PAGE, page({}, WORLD))]))
    with contextlib.suppress(Refused):
        parse(SOURCE, file, name, damaged(data, whole))


def test_files_are_known_by_their_names() -> None:
    assert source(SOURCE).file_for(NAME) == OLD
    assert source(SOURCE).file_for(PAGE) == NEW


# The publisher's files


def test_the_real_workbook(raw: Path) -> None:
    path = raw / "unsd-sdg" / "2019.Q1.G.02" / NAME
    parsed = parse(SOURCE, OLD, NAME, path.read_bytes())
    published = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Sheet1").to_python(skip_empty_area=False)[1:]
    rows = parsed.rows["observation"]
    assert (parsed.vintage, parsed.items) == ("2019", len(published)) == ("2019", 620)
    assert (len(rows), len(parsed.left_out)) == (296, 324)
    assert rows["value"].tolist() == [float(row[22]) for row in published if row[22]]
    at = {row.locator: row for row in rows.itertuples()}
    for locator, place_id, value, end in (
        ("Sheet1!W4", "AFG", 81.0, 2005),
        ("Sheet1!W6", "ALB", 26.56, 2005),
        ("Sheet1!W77", "TWN", 10.88, 2005),
        ("Sheet1!W387", "TWN", 5.16, 2016),
        ("Sheet1!W474", "LBY", 90.01, 2016),
    ):
        row = at[locator]
        assert (row.place_id, row.value, row.period_end) == (place_id, value, date(end, 12, 31))
        assert row.period_start == date(end - 2, 1, 1)
    value = {(row.place_id, row.period_end.year): row.value for row in rows.itertuples()}
    assert [value[place, 2016] for place in ("XKX", "GBR-EAW", "GBR-NIR", "GBR-SCT")] == [27.41, 9.2, 24.35, 19.12]
    assert not {"IRQ-CEN", "IRQ-KR"} & set(rows["place_id"])
    assert set(rows["period_kind"]) == {"average"}
    noted = {row.place_id for row in rows.itertuples() if not pd.isna(row.note)}
    assert noted == {"ITA", "TWN", "XKX"}
    types = [row[16] for row in published]
    # Sark is a country to the publisher and lies within Guernsey
    assert (
        sum(entry.reason == "a group of places" for entry in parsed.left_out) == len(types) - types.count("Country") + 2
    )


def test_the_corrections_of_the_real_workbook(raw: Path) -> None:
    path = raw / "unsd-sdg" / "2019.Q1.G.02" / NAME
    frame = parse(SOURCE, OLD, NAME, path.read_bytes()).rows["observation"]
    entries = corrections.read_corrections(source(SOURCE).folder)
    kept, dropped, record = corrections.apply(frame, [c for c in entries if c.file == OLD], NAME)
    assert set(record["state"]) == {"applied"}
    assert [entry.locator for entry in dropped] == ["Sheet1!W68", "Sheet1!W131"]
    assert (len(kept), kept["value"].max()) == (294, 99.04)


def test_every_area_of_the_publisher_is_a_place_or_a_group(raw: Path) -> None:
    areas = json.loads((raw / "unsd-sdg" / "api" / "GeoArea_List.json").read_text(encoding="utf-8-sig"))
    resolver = Resolver.for_folder(source(SOURCE).folder, "m49")
    groups = (source(SOURCE).folder / "groups.csv").read_text(encoding="utf-8")
    for area in areas:
        code, name = area["geoAreaCode"], area["geoAreaName"]
        if f"\n{code}," in groups:
            assert name in groups
            continue
        place_id = resolver(code.zfill(3))
        assert places()[place_id].kind == "aggregate" or find(name).place_id == place_id
    assert len(areas) == 391
