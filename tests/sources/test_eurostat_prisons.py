"""Eurostat's tables: every layout, every refusal, and the real files against what csv reads in them."""

from __future__ import annotations

import contextlib
import csv
import gzip
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.catalogue import source
from sources.errors import Refused
from sources.eurostat_prisons.parse import FLAGS
from sources.reading import Parsed
from tests.sources.fixtures import complete, damaged, delimited, eurostat_tsv, parse, sdmx_csv_1, sdmx_csv_2

SOURCE = "eurostat_prisons"
ROW = ["A", "TOTAL", "NR", "FR", "2024", "80669", "", ""]
DIMENSIONS = {
    "crim_pris_ctz": ["citizen", "unit"],
    "crim_pris_cap": ["indic_cr", "unit"],
    "crim_pris_off": ["iccs", "sex", "unit"],
    "crim_pris_age": ["age", "sex", "unit"],
}


def read(data: bytes, file: str = "crim_pris_ctz", name: str | None = None) -> Parsed:
    return parse(SOURCE, file, name or f"{file}.csv", data)


def rows_of(*table: Sequence[str], file: str = "crim_pris_ctz", layout: Any = sdmx_csv_1) -> Parsed:
    return read(layout(file.upper(), DIMENSIONS[file], table), file)


def tsv(series: dict[str, list[str]], years: Sequence[int] = (2011, 2012)) -> Parsed:
    data = eurostat_tsv(DIMENSIONS["crim_pris_cap"], years, series)
    return read(data, "crim_pris_cap", "crim_pris_cap.tsv")


def changed(**changes: str) -> list[str]:
    names = ["freq", "citizen", "unit", "geo", "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", "CONF_STATUS"]
    return list((dict(zip(names, ROW, strict=True)) | changes).values())


def only(parsed: Parsed) -> Any:
    (row,) = complete(SOURCE, "crim_pris_ctz", parsed)[0].to_dict("records")
    return row


def test_a_row_of_sdmx_csv_1() -> None:
    parsed = rows_of(ROW)
    assert (parsed.vintage, parsed.items, parsed.left_out) == ("2026-04-29", 1, [])
    row = only(parsed)
    assert (row["place_id"], row["measure"], row["value"], row["unit"]) == (
        "FRA",
        "persons_held",
        80669,
        "persons",
    )
    assert (row["dataset"], row["locator"]) == ("crim_pris_ctz", "crim_pris_ctz.csv:2:8")
    assert (row["period_start"], row["period_end"]) == (date(2024, 1, 1), date(2024, 12, 31))
    assert (row["period_kind"], row["status"], row["citizenship"]) == ("unknown_day", "A", "_T")
    assert pd.isna(row["note"])
    assert pd.isna(row["definition"])


def test_sdmx_csv_2_with_codes_or_with_codes_and_labels() -> None:
    table = [["A", "ICCS03012", "F", "P_HTHAB", "EL", "2022", "0.15", "", ""]]
    for labels, locator in ((False, "crim_pris_off.csv:2:9"), (True, "crim_pris_off.csv:2:16")):
        data = sdmx_csv_2("CRIM_PRIS_OFF", DIMENSIONS["crim_pris_off"], table, labels)
        parsed = read(data, "crim_pris_off")
        assert parsed.vintage is None
        row = only(parsed)
        assert (row["place_id"], row["measure"], row["unit"]) == ("GRC", "persons_held_rate", "per_100k")
        assert (row["offence"], row["sex"], row["value"]) == ("ICCS03012", "F", 0.15)
        assert row["locator"] == locator


def test_ages() -> None:
    table = [
        ["A", "JUVENILE", "F", "NR", "AL", "2019", "3", "", ""],
        ["A", "ADULT", "T", "P_HTHAB", "UKM", "2019", "150.25", "", ""],
        ["A", "TOTAL", "M", "NR", "XK", "2019", "7436.5", "", ""],
    ]
    for labels in (False, True):
        parsed = read(sdmx_csv_2("CRIM_PRIS_AGE", DIMENSIONS["crim_pris_age"], table, labels), "crim_pris_age")
        keys = ["place_id", "measure", "age", "sex", "value", "period_kind"]
        rows = parsed.rows["observation"].astype(object).where(parsed.rows["observation"].notna(), None)
        assert rows[keys].to_numpy().tolist() == [
            ["ALB", "persons_held", "JUVENILE", "F", 3, "unknown_day"],
            ["GBR-SCT", "persons_held_rate", "ADULT", "_T", 150.25, "unknown_day"],
            ["XKX", "persons_held", "_T", "M", 7436.5, "unknown_day"],
        ]
        assert rows["note"].tolist() == [None, None, "not a whole number as published"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"age": "Y18-24"}, "'Y18-24' / 'F' / 'NR' is not in eurostat_prisons/crim_pris_age.csv"),
        ({"age": "Adult"}, "'Adult' / 'F' / 'NR' is not in eurostat_prisons/crim_pris_age.csv"),
        ({"sex": "UNK"}, "'ADULT' / 'UNK' / 'NR' is not in eurostat_prisons/crim_pris_age.csv"),
        ({"unit": "PC"}, "'ADULT' / 'F' / 'PC' is not in eurostat_prisons/crim_pris_age.csv"),
        ({"geo": "Albania"}, "column geo"),
        ({"value": "1O1"}, "'1O1' is not a number"),
    ],
)
@pytest.mark.parametrize("labels", [False, True])
def test_an_age_that_is_not_known_is_refused(change: dict[str, str], words: str, labels: bool) -> None:
    names = ["freq", "age", "sex", "unit", "geo", "TIME_PERIOD", "value", "OBS_FLAG", "CONF_STATUS"]
    row = dict(zip(names, ["A", "ADULT", "F", "NR", "AL", "2019", "101", "", ""], strict=True))
    table = [list(row.values()), list((row | {"TIME_PERIOD": "2020"} | change).values())]
    with pytest.raises(Refused) as refused:
        read(sdmx_csv_2("CRIM_PRIS_AGE", DIMENSIONS["crim_pris_age"], table, labels), "crim_pris_age")
    assert "crim_pris_age.csv, row 3" in str(refused.value)
    assert words in str(refused.value)


def test_ages_with_labels_instead_of_codes_are_refused() -> None:
    header = ["STRUCTURE", "STRUCTURE_ID", "Time frequency", "Age class", "Sex", "Unit of measure"]
    row = ["dataflow", "ESTAT:CRIM_PRIS_AGE(1.0)", "Annual", "Adult", "Females", "Number"]
    with pytest.raises(Refused, match="labels instead of codes"):
        read(delimited([header, row]), "crim_pris_age")


@pytest.mark.parametrize("layout", [sdmx_csv_1, sdmx_csv_2])
def test_files_from_before_conf_status(layout: Any) -> None:
    lines = layout("CRIM_PRIS_CTZ", DIMENSIONS["crim_pris_ctz"], [ROW]).decode().splitlines()
    older = "\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n"
    assert only(read(older.encode()))["value"] == 80669


def test_each_cell_of_a_tsv_is_an_item() -> None:
    parsed = tsv({"A,PRIS_ACT_CAP,NR,BE": ["11040", ": "], "A,PRIS_OFF_CAP,P_HTHAB,UKM": [": c", "83.74 be"]})
    assert (parsed.vintage, parsed.items) == (None, 4)
    rows = complete(SOURCE, "crim_pris_cap", parsed)[0].to_dict("records")
    keys = [(r["place_id"], r["measure"], r["value"], r["period_end"].year, r["locator"]) for r in rows]
    assert keys == [
        ("BEL", "persons_held", 11040, 2011, "crim_pris_cap.tsv:2:2"),
        ("GBR-SCT", "official_capacity_rate", 83.74, 2012, "crim_pris_cap.tsv:3:3"),
    ]
    assert [row["status"] for row in rows] == ["A", "E"]
    assert rows[1]["note"] == "Eurostat's flags: break in time series, estimated"
    assert [(e.locator, e.reason, e.items) for e in parsed.left_out] == [
        ("crim_pris_cap.tsv:2:3", "missing", 1),
        ("crim_pris_cap.tsv:3:2", "missing", 1),
    ]
    assert parsed.left_out[1].raw["OBS_FLAG"] == "c"


@pytest.mark.parametrize(
    ("flags", "status", "definition", "note"),
    [
        ("", "A", None, None),
        ("b", "B", None, None),
        ("e", "E", None, None),
        ("p", "P", None, None),
        ("d", "A", "eurostat_flag_d", None),
        ("u", "A", None, "Eurostat's flags: low reliability"),
        ("r", "A", None, "Eurostat's flags: revised"),
        ("s", "E", None, "Eurostat's flags: Eurostat estimate"),
        ("bp", "P", None, "Eurostat's flags: break in time series, provisional"),
        ("bd", "B", "eurostat_flag_d", "Eurostat's flags: break in time series, definition differs"),
    ],
)
def test_flags(flags: str, status: str, definition: str | None, note: str | None) -> None:
    row = only(rows_of(changed(OBS_FLAG=flags)))
    found = [None if pd.isna(row[c]) else row[c] for c in ("status", "definition", "note")]
    assert found == [status, definition, note]
    assert definition is None or definition in source(SOURCE).definitions


@settings(deadline=None)
@given(st.text("bdeprsu", max_size=3), st.integers(0, 10**7), st.booleans())
def test_flags_and_figures_survive_the_tsv(flags: str, value: int, spaced: bool) -> None:
    cell = f"{value} {flags}" + (" " if spaced and flags else "")
    (row,) = tsv({"A,PRIS_ACT_CAP,NR,BE": [cell]}, [2011]).rows["observation"].to_dict("records")
    assert row["value"] == value
    assert row["status"] == next((s for f, s in zip("espb", "EEPB", strict=True) if f in flags), "A")
    assert (row["definition"] == "eurostat_flag_d") == ("d" in flags)


def test_missing_is_left_out_and_zero_is_a_figure() -> None:
    parsed = rows_of(
        changed(OBS_VALUE="0"),
        changed(geo="DE", OBS_VALUE="", OBS_FLAG="c", CONF_STATUS="C"),
        changed(geo="SE", OBS_VALUE=":"),
    )
    assert parsed.items == 3
    assert parsed.rows["observation"]["value"].tolist() == [0]
    assert [entry.raw["geo"] for entry in parsed.left_out] == ["DE", "SE"]


def test_a_count_that_is_not_whole_says_so() -> None:
    parsed = rows_of(
        changed(OBS_VALUE="7579.07547169811"),
        changed(geo="DE", OBS_VALUE="71.5", OBS_FLAG="u"),
        changed(geo="SE", unit="P_HTHAB", OBS_VALUE="139.9"),
    )
    notes = parsed.rows["observation"]["note"]
    assert notes[0] == "not a whole number as published"
    assert notes[1] == "Eurostat's flags: low reliability; not a whole number as published"
    assert pd.isna(notes[2])
    assert set(parsed.rows["observation"]["period_kind"]) == {"unknown_day"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"geo": "EU27_2020"}, ("row 3, column geo", "EU27_2020", "aliases.csv")),
        ({"citizen": "EU27_2020"}, ("row 3", "'EU27_2020' / 'NR' is not in eurostat_prisons/crim_pris_ctz.csv")),
        ({"unit": "PC"}, ("row 3", "'TOTAL' / 'PC'")),
        ({"freq": "Q"}, ("row 3, column freq", "'Q' is not A")),
        ({"freq": "Annual"}, ("row 3, column freq", "labels instead of codes")),
        ({"TIME_PERIOD": "2024-Q1"}, ("row 3, column TIME_PERIOD", "2024-Q1")),
        ({"OBS_VALUE": "8O669"}, ("row 3, column OBS_VALUE", "'8O669' is not a number")),
        ({"OBS_VALUE": "80,669"}, ("row 3, column OBS_VALUE", "'80,669' is not a number")),
        ({"OBS_VALUE": "80 669"}, ("row 3, column OBS_VALUE", "'80 669' is not a number")),
        ({"OBS_VALUE": "NaN"}, ("row 3, column OBS_VALUE", "'NaN' is not a number")),
        ({"OBS_VALUE": "1e999"}, ("row 3, column OBS_VALUE",)),
        ({"OBS_FLAG": "x"}, ("row 3, column OBS_FLAG", "the flag 'x'")),
        ({"OBS_FLAG": "c"}, ("row 3, column OBS_FLAG", "the flag 'c'")),
        ({"OBS_VALUE": ":", "OBS_FLAG": "x"}, ("row 3, column OBS_FLAG", "the flag 'x'")),
        ({"CONF_STATUS": "C"}, ("row 3, column CONF_STATUS", "'C'")),
        ({"OBS_VALUE": ":", "CONF_STATUS": "X"}, ("row 3, column CONF_STATUS", "'X'")),
        ({"OBS_VALUE": ":", "geo": "EU27_2020"}, ("row 3, column geo", "EU27_2020")),
    ],
)
def test_a_cell_that_is_not_known_is_refused(change: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        rows_of(changed(geo="DE"), changed(**change))
    for part in ("crim_pris_ctz.csv", *words):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({"A,PRIS_ACT_CAP,NR,BE": ["123b", "1"]}, ("row 2:2", "123b")),
        ({"A,PRIS_ACT_CAP,NR,BE": ["1 234", "1"]}, ("row 2:2", "1 234")),
        ({"A,PRIS_ACT_CAP,NR,BE": ["1  b", "1"]}, ("row 2:2", "1  b")),
        ({"A,PRIS_ACT_CAP,NR,BE": ["1", ""]}, ("row 2:3", "' '")),
        ({"A,PRIS_ACT_CAP,NR,BE": ["12x4", "1"]}, ("row 2:2", "12x4")),
        ({"A,PRIS_ACT_CAP,NR,BE": ["12 B", "1"]}, ("row 2:2", "12 B")),
        ({"A,PRIS_ACT_CAP,NR,BE": ["12 f", "1"]}, ("row 2:2", "the flag 'f'")),
        ({"A,PRIS_ACT_CAP,NR,BE": [": ", ":"]}, ("no figure",)),
        ({"A,PRIS_ACT_CAP,NR,BE": ["1"]}, ("row 2", "2 cells where the header has 3")),
        ({"A,PRIS_ACT_CAP,BE": ["1", "1"]}, ("row 2:2", "'A,PRIS_ACT_CAP,BE' is not 4 codes")),
        ({"A,PRIS_ACT_CAP,NR,BX": ["1", "1"]}, ("row 2:2, column geo", "BX")),
        ({"A,PRIS_USE_CAP,NR,BE": ["1", "1"]}, ("row 2:2", "PRIS_USE_CAP")),
    ],
)
def test_a_tsv_that_is_not_clear_is_refused(series: dict[str, list[str]], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        tsv(series)
    for part in ("crim_pris_cap.tsv", *words):
        assert part in str(refused.value)


@pytest.mark.parametrize("end", [b"1 ", b"1", b"1\n"])
def test_a_tsv_cut_off_in_its_last_cell_is_refused(end: bytes) -> None:
    good = eurostat_tsv(["indic_cr", "unit"], [2011], {"A,PRIS_ACT_CAP,NR,BE": ["11040"]})
    with pytest.raises(Refused, match=r"does not end|'1' is not a figure"):
        read(good.replace(b"11040 \r\n", end), "crim_pris_cap", "crim_pris_cap.tsv")


def test_a_tsv_of_another_table_or_with_a_year_twice_is_refused() -> None:
    other = eurostat_tsv(["citizen", "unit"], [2011], {"A,TOTAL,NR,BE": ["1"]})
    with pytest.raises(Refused, match="missing freq,indic_cr,unit,geo"):
        read(other, "crim_pris_cap", "crim_pris_cap.tsv")
    with pytest.raises(Refused, match="twice: '2011'"):
        tsv({"A,PRIS_ACT_CAP,NR,BE": ["1", "2"]}, [2011, 2011])


GOOD = sdmx_csv_1("CRIM_PRIS_CTZ", DIMENSIONS["crim_pris_ctz"], [ROW])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (
            b"<!DOCTYPE html>\n<html><body>Too many requests</body></html>\n",
            "the columns are not the expected ones",
        ),
        (gzip.compress(GOOD), "packed with gzip"),
        (GOOD.replace(b"citizen,", b""), "missing citizen"),
        (GOOD.replace(b"OBS_FLAG", b"OBS_STATUS"), "unknown 'OBS_STATUS'"),
        (GOOD.replace(b"CONF_STATUS", b"CONF_STATUS,NOTE"), "unknown 'NOTE'"),
        (GOOD.replace(b"citizen,unit", b"unit,citizen"), "another order"),
        (GOOD[:-9] + b"\r\n", "row 2: 8 cells where the header has 10; the row is cut off"),
        (GOOD[:-9], "row 2: the last line does not end"),
        (GOOD.splitlines(True)[0], "a header and no rows"),
        (GOOD.replace(b"80669", b'"80669'), "not readable as delimited text"),
        (GOOD.replace(b"FR", b"\xff"), "not UTF-8"),
        (GOOD.replace(b"CRIM_PRIS_CTZ", b"CRIM_PRIS_POP"), "it holds the table ESTAT:CRIM_PRIS_POP(1.0)"),
        (GOOD.replace(b"29/04/26", b"2026-04-29"), "column LAST UPDATE"),
        (GOOD.replace(b"29/04/26", b"29/13/26"), "column LAST UPDATE"),
        (
            delimited([["DATAFLOW", "LAST UPDATE", "Time frequency", "Citizenship"], ["x", "y", "Annual", "Total"]]),
            "labels instead of codes",
        ),
        (
            sdmx_csv_2("CRIM_PRIS_CTZ", ["citizen", "unit"], [ROW]).replace(b"dataflow", b"datastructure"),
            "column STRUCTURE",
        ),
        (
            sdmx_csv_2("CRIM_PRIS_CTZ", ["citizen", "unit"], [ROW], True).replace(b"Label of geo,", b""),
            "the columns are not the expected ones",
        ),
    ],
)
def test_a_file_that_is_not_clear_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data)
    assert "crim_pris_ctz.csv" in str(refused.value)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    series = {"A,PRIS_ACT_CAP,NR,BE": ["11040", ": "], "A,PRIS_OFF_CAP,NR,UKM": [": c", "83 be"]}
    file, whole = data.draw(
        st.sampled_from(
            [
                ("crim_pris_ctz", GOOD),
                ("crim_pris_ctz", sdmx_csv_2("CRIM_PRIS_CTZ", ["citizen", "unit"], [ROW], True)),
                ("crim_pris_cap", eurostat_tsv(["indic_cr", "unit"], [2011, 2012], series)),
            ]
        )
    )
    with contextlib.suppress(Refused):
        read(damaged(data, whole), file)


def test_two_dates_of_last_update_are_refused() -> None:
    table = [[*ROW], changed(geo="DE")]
    data = sdmx_csv_1("CRIM_PRIS_CTZ", DIMENSIONS["crim_pris_ctz"], table)
    with pytest.raises(Refused, match="2026-04-29, 2026-05-01"):
        read(data[::-1].replace(b"62/40/92", b"62/50/10", 1)[::-1])


def test_one_key_twice_is_refused() -> None:
    parsed = rows_of(ROW, changed(OBS_VALUE="80670"))
    with pytest.raises(Refused, match=r"csv:2:8 = 80,669, crim_pris_ctz\.csv:3:8 = 80,670"):
        complete(SOURCE, "crim_pris_ctz", parsed)


def test_every_flag_has_words() -> None:
    assert all(len(flag) == 1 and words for flag, words in FLAGS.items())


# The publisher's files


def real(raw: Path, pattern: str) -> tuple[Path, bytes]:
    (path,) = (raw / "eurostat").glob(pattern)
    return path, path.read_bytes()


MEASURE = {"NR": "persons_held", "P_HTHAB": "persons_held_rate"}


def test_citizenship(raw: Path) -> None:
    path, data = real(raw, "2026-04-29/crim_pris_ctz.csv")
    parsed = read(data)
    rows, dropped, _ = complete(SOURCE, "crim_pris_ctz", parsed)
    assert (parsed.vintage, parsed.items, len(rows), parsed.left_out, dropped) == (
        "2026-04-29",
        3682,
        3682,
        [],
        [],
    )
    with path.open(encoding="utf-8", newline="") as stream:
        published = list(csv.DictReader(stream))
    code = {"TOTAL": "_T", "FOR": "FOREIGN", "NAT": "NATIONAL"}
    expected = [
        (MEASURE[p["unit"]], code[p["citizen"]], int(p["TIME_PERIOD"]), float(p["OBS_VALUE"])) for p in published
    ]
    years = [day.year for day in rows["period_end"]]
    assert list(zip(rows["measure"], rows["citizenship"], years, rows["value"], strict=True)) == expected
    held = rows[(rows["measure"] == "persons_held") & (rows["citizenship"] == "_T")]
    value = {(r.place_id, r.period_start.year): r.value for r in held.itertuples()}
    assert [value[place, 2024] for place in ("FRA", "DEU", "SWE")] == [80669, 58798, 11235]
    assert value["BEL", 2019] == 10794
    assert value["GBR-EAW", 2018] == 81904


def test_capacity(raw: Path) -> None:
    path, data = real(raw, "2023-04/crim_pris_cap.tsv")
    parsed = read(data, "crim_pris_cap", path.name)
    rows = complete(SOURCE, "crim_pris_cap", parsed)[0]
    cells = [cell.strip() for line in data.decode().splitlines()[1:] for cell in line.split("\t")[1:]]
    assert (parsed.vintage, parsed.items) == (None, len(cells)) == (None, 1620)
    assert rows["value"].tolist() == [float(cell) for cell in cells if cell != ":"]
    assert len(parsed.left_out) == cells.count(":") == 196
    value = {(r.place_id, r.measure, r.period_start.year): (r.value, r.locator) for r in rows.itertuples()}
    assert value["BEL", "persons_held", 2019] == (10559, "crim_pris_cap.tsv:5:10")
    assert value["BEL", "official_capacity", 2012][0] == 9401
    assert data.decode().splitlines()[4].split("\t")[9] == "10559 "


def test_offences(raw: Path) -> None:
    path, data = real(raw, "2025-04/crim_pris_off.csv")
    parsed = read(data, "crim_pris_off")
    rows = complete(SOURCE, "crim_pris_off", parsed)[0]
    assert (parsed.vintage, parsed.items, len(rows), parsed.left_out) == (None, 7200, 7200, [])
    with path.open(encoding="utf-8", newline="") as stream:
        published = list(csv.DictReader(stream))
    sex = {"F": "F", "M": "M", "T": "_T"}
    expected = [(MEASURE[p["unit"]], p["iccs"], sex[p["sex"]], float(p["OBS_VALUE"])) for p in published]
    assert list(zip(rows["measure"], rows["offence"], rows["sex"], rows["value"], strict=True)) == expected


def test_age_and_sex(raw: Path) -> None:
    path, data = real(raw, "2026-04/crim_pris_age.csv")
    parsed = read(data, "crim_pris_age")
    rows = parsed.rows["observation"]
    assert (parsed.vintage, parsed.items, len(rows), parsed.left_out) == (None, 10530, 10530, [])
    with path.open(encoding="utf-8", newline="") as stream:
        published = list(csv.DictReader(stream))
    age = {"TOTAL": "_T", "ADULT": "ADULT", "JUVENILE": "JUVENILE"}
    sex = {"F": "F", "M": "M", "T": "_T"}
    expected = [
        (MEASURE[p["unit"]], age[p["age"]], sex[p["sex"]], int(p["TIME_PERIOD"]), float(p["OBS_VALUE"]))
        for p in published
    ]
    years = [day.year for day in rows["period_end"]]
    assert list(zip(rows["measure"], rows["age"], rows["sex"], years, rows["value"], strict=True)) == expected
    assert (min(years), max(years)) == (2008, 2023)

    held = {
        (r.place_id, r.age, r.sex, r.period_start.year): r for r in rows.itertuples() if r.measure == "persons_held"
    }
    total = {(place, year): row.value for (place, a, s, year), row in held.items() if (a, s) == ("_T", "_T")}
    # Not what crim_pris_ctz has: 11,893, 3,023 and 297,860
    assert [total[key] for key in (("BEL", 2023), ("EST", 2013), ("TUR", 2021))] == [11983, 3123, 297863]
    assert held["ALB", "ADULT", "F", 2008].value == 101
    noted = {key: row.value for key, row in held.items() if not pd.isna(row.note)}
    assert noted == {
        ("GBR-SCT", "_T", "_T", 2016): 7579.07547169811,
        ("GBR-SCT", "_T", "_T", 2017): 7436.47058823529,
    }


def test_a_real_file_under_another_name_is_refused(raw: Path) -> None:
    data = real(raw, "2026-04-29/crim_pris_ctz.csv")[1]
    with pytest.raises(Refused, match=r"it holds the table ESTAT:CRIM_PRIS_CTZ\(1\.0\), not ESTAT:CRIM_PRIS_OFF"):
        read(data, "crim_pris_off")


def test_a_total_by_age_never_stands_for_everybody(raw: Path) -> None:
    """Portugal's men of all ages in 2016 are 309 there, which is the minors alone."""
    data = (raw / "eurostat" / "2026-04" / "crim_pris_age.csv").read_bytes()
    frame = parse("eurostat_prisons", "crim_pris_age", "crim_pris_age.csv", data).rows["observation"]
    total = frame["age"] == "_T"
    assert total.any() and set(frame.loc[total, "definition"]) == {"total_of_the_table_by_age"}
    assert "total_of_the_table_by_age" not in set(frame.loc[~total, "definition"])
    assert "total_of_the_table_by_age" in source("eurostat_prisons").definitions


def test_what_the_table_says_goes_before_the_flag() -> None:
    """Both a total of the table by age and one of its ages bear the flag d here; only the latter keeps its meaning."""
    figures = [["A", age, "M", "NR", "PT", 2016, 300, "d", ""] for age in ("TOTAL", "ADULT")]
    data = sdmx_csv_1("CRIM_PRIS_AGE", ["age", "sex", "unit"], figures)
    frame = parse("eurostat_prisons", "crim_pris_age", "crim_pris_age.csv", data).rows["observation"]
    assert frame["definition"].tolist() == ["total_of_the_table_by_age", "eurostat_flag_d"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("TOTAL,NR,FR,2017,68974,", "TOTAL,NR,FR,2017,689740,", "689740 and its rate 103.25"),
        ("TOTAL,NR,FR,2017,68974,", "TOTAL,NR,FR,2017,6897,", "6897 and its rate 103.25"),
    ],
)
def test_a_real_file_with_a_decimal_point_shifted(raw: Path, before: str, after: str, words: str) -> None:
    text = (raw / "eurostat" / "2026-04-29" / "crim_pris_ctz.csv").read_text(encoding="utf-8-sig")
    assert text.count(before) == 1
    with pytest.raises(Refused, match=words):
        parse("eurostat_prisons", "crim_pris_ctz", "crim_pris_ctz.csv", text.replace(before, after).encode())


@pytest.mark.parametrize(("count", "allowed"), [(299, True), (301, False), (34, True), (33, False)])
def test_a_count_whose_rate_is_of_another_population(count: int, allowed: bool) -> None:
    """Two years of 100 per 100,000 are of 100,000 people; a third may be of three times as many or few, no more."""
    figures = [["A", "FOR", unit, "PT", year, 100, "", ""] for year in (2014, 2015) for unit in ("NR", "P_HTHAB")]
    figures += [["A", "FOR", "NR", "PT", 2016, count, "", ""], ["A", "FOR", "P_HTHAB", "PT", 2016, 100, "", ""]]
    data = sdmx_csv_1("CRIM_PRIS_CTZ", ["citizen", "unit"], figures)
    if allowed:
        assert parse("eurostat_prisons", "crim_pris_ctz", "crim_pris_ctz.csv", data).items == 6
        return
    with pytest.raises(Refused, match=f"row 6, column OBS_VALUE: {count} and its rate 100 are of another population"):
        parse("eurostat_prisons", "crim_pris_ctz", "crim_pris_ctz.csv", data)
