"""Statistics Canada's correctional services: the full layout, the copy of four columns, refusals and the real files."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import complete, delimited, parse, zipped

SOURCE = "statcan_correctional_services"
ADULTS, YOUTH, BY_SEX, BY_IDENTITY = "35100154", "35100003", "35100015", "35100016"
COUNTS = "Custodial and community supervision"
AFTER = [
    "UOM", "UOM_ID", "SCALAR_FACTOR", "SCALAR_ID", "VECTOR", "COORDINATE", "VALUE", "STATUS", "SYMBOL", "TERMINATED",
    "DECIMALS",
]  # fmt: skip
HEADER = ["REF_DATE", "GEO", "DGUID", COUNTS, *AFTER]


def row(**changes: str) -> list[str]:
    """A row of table 35-10-0154: everybody held in Ontario in a fiscal year, but for the changes."""
    cells = {
        "REF_DATE": "2019/2020", "GEO": "Ontario", "DGUID": "2021A000235", "series": "Total actual-in count",
        "UOM": "Persons", "UOM_ID": "249", "SCALAR_FACTOR": "units", "SCALAR_ID": "0", "VECTOR": "v1",
        "COORDINATE": "7.1", "VALUE": "12.5", "STATUS": "", "SYMBOL": "", "TERMINATED": "", "DECIMALS": "1",
    }  # fmt: skip
    assert set(changes) <= set(cells)
    return list((cells | changes).values())


def table(*lines: list[str], header: list[str] = HEADER) -> bytes:
    return b"\xef\xbb\xbf" + delimited([header, *lines], end="\n", quote=True)


def read(data: bytes, file: str = ADULTS, name: str | None = None) -> Parsed:
    return parse(SOURCE, file, name or f"{file}.csv", data)


def test_a_row() -> None:
    parsed = read(table(row()))
    assert (parsed.vintage, parsed.items, parsed.left_out) == (None, 1, [])
    (found,) = complete(SOURCE, ADULTS, parsed)[0].to_dict("records")
    assert (found["place_id"], found["measure"], found["value"]) == ("CAN-ON", "persons_held", 12.5)
    assert (found["period_start"], found["period_end"]) == (date(2019, 4, 1), date(2020, 3, 31))
    assert (found["period_kind"], found["status"], found["age"]) == ("average", "A", "ADULT")
    assert (found["locator"], found["note"]) == ("35100154.csv:2:11", None)


def test_a_fiscal_year_may_turn_the_century() -> None:
    (found,) = read(table(row(REF_DATE="1999/2000"))).rows["observation"].to_dict("records")
    assert (found["period_start"], found["period_end"]) == (date(1999, 4, 1), date(2000, 3, 31))


def test_what_a_series_counts() -> None:
    parsed = read(
        table(
            row(series="Remand, actual-in count"),
            row(series="Other statuses, actual-in count"),
            row(series="On-register count"),
            row(series="Incarceration rates per 100,000 adults", UOM="Rate", DECIMALS="2"),
            row(series="Total community supervision count", VALUE="25.0"),
            row(series="Conditional sentence, community supervision"),
            row(series="Provincial parole, community supervision"),
            row(series="Probation rates per 100,000 adults", UOM="Rate", DECIMALS="2"),
        )
    )
    keys = ["measure", "legal_status", "supervision", "unit"]
    assert [tuple(r[k] for k in keys) for r in complete(SOURCE, ADULTS, parsed)[0].to_dict("records")] == [
        ("persons_held", "UNSENTENCED", "_Z", "persons"),
        ("persons_held", "OTHER", "_Z", "persons"),
        ("persons_on_prison_register", "_T", "_Z", "persons"),
        ("persons_held_rate", "_T", "_Z", "per_100k"),
        ("persons_under_supervision", "_Z", "_T", "persons"),
        ("persons_under_supervision", "_Z", "CONDITIONAL_SENTENCE", "persons"),
        ("persons_under_supervision", "_Z", "PAROLE", "persons"),
        ("persons_under_supervision_rate", "_Z", "PROBATION", "per_100k"),
    ]


def test_a_missing_figure_is_left_out_with_what_the_mark_means() -> None:
    lines = [row(), *(row(REF_DATE=f"20{n}/20{n + 1}", VALUE="", STATUS=s) for n, s in ((11, ".."), (12, "x")))]
    parsed = read(table(*lines))
    assert [(e.locator, e.reason.split(" ")[:3]) for e in parsed.left_out] == [
        ("35100154.csv:3:11", ["..:", "not", "available"]),
        ("35100154.csv:4:11", ["x:", "suppressed", "to"]),
    ]
    assert len(parsed.rows["observation"]) == 1
    with pytest.raises(Refused, match="column STATUS: ''"):
        read(table(row(), row(VALUE="")))
    with pytest.raises(Refused, match=r"column STATUS: '\.\.'"):
        read(table(row(STATUS="..")))


def test_a_zero_is_a_figure() -> None:
    assert read(table(row(VALUE="0.0"))).rows["observation"]["value"].tolist() == [0]


def test_marks_beside_a_figure() -> None:
    years = ["2010/2011", "2011/2012", "2012/2013", "2013/2014"]
    marks = [{"SYMBOL": "p"}, {"SYMBOL": "r"}, {"STATUS": "E"}, {"TERMINATED": "t"}]
    found = read(table(*(row(REF_DATE=y, **m) for y, m in zip(years, marks, strict=True)))).rows["observation"]
    assert found["status"].tolist() == ["P", "A", "A", "A"]
    assert found["note"].isna().tolist() == [True, False, False, False]
    assert [note.split(" ")[0] for note in found["note"][1:]] == ["revised", "use", "the"]


def test_a_total_says_which_provinces_have_no_figure() -> None:
    total = {"GEO": "Provinces and Territories", "DGUID": "2021A000011124"}
    quebec = {"GEO": "Quebec", "DGUID": "2021A000224", "VALUE": "", "STATUS": ".."}
    early = {"REF_DATE": "1997/1998"}
    together = {"GEO": "Northwest Territories including Nunavut", "DGUID": ""}
    nunavut = {"GEO": "Nunavut", "DGUID": "2021A000262", "VALUE": "", "STATUS": ".."}
    parsed = read(
        table(
            row(**total),
            row(),
            row(**quebec),
            row(**total, **early),
            row(**together, **early),
            row(**nunavut, **early),
        )
    )
    found = parsed.rows["observation"]
    assert found["place_id"].tolist() == ["CAN-PROV", "CAN-ON", "CAN-PROV", "CAN-NTNU"]
    assert found["note"][0] == "the table has no figure of CAN-QC for this year"
    assert found["note"][1:].isna().all()


def test_a_zip_is_read_and_its_metadata_is_not() -> None:
    data = zipped({"35100154.csv": table(row()), "35100154_MetaData.csv": b"whatever"})
    assert read(data, name="35100154-eng.zip").rows["observation"]["locator"].tolist() == ["35100154.csv:2:11"]
    with pytest.raises(Refused, match=r"a file other\.csv is in it"):
        read(zipped({"35100154.csv": table(row()), "other.csv": b"x"}), name="35100154-eng.zip")
    with pytest.raises(Refused, match=r"35100154\.csv is not in it"):
        read(zipped({"35100154_MetaData.csv": b"x"}), name="35100154-eng.zip")
    with pytest.raises(Refused, match="not a readable zip"):
        read(data[:200], name="35100154-eng.zip")


def test_the_copy_of_four_columns_says_what_it_lacks() -> None:
    header = ["REF_DATE", "GEO", COUNTS, "VALUE"]
    lines = [["2019/2020", "Ontario", "Total actual-in count", "12"], ["2020/2021", "Ontario", "On-register count", ""]]
    parsed = read(table(*lines, header=header))
    (found,) = parsed.rows["observation"].to_dict("records")
    assert (found["value"], found["locator"]) == (12, "35100154.csv:2:4")
    assert "without its columns of status" in found["note"]
    assert [(e.locator, "says why" in e.reason) for e in parsed.left_out] == [("35100154.csv:3:4", True)]
    with pytest.raises(Refused, match="missing DGUID"):
        read(table(*lines, header=header), file=YOUTH)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"series": "Total actual in count"}, ("'Total actual in count'", "35100154.csv")),
        ({"GEO": "Canada"}, ("column GEO", "'Canada'", "aliases.csv")),
        ({"DGUID": "2021A000224"}, ("column DGUID", "'2021A000224' is not the code of 'Ontario'")),
        ({"DGUID": ""}, ("column DGUID", "is not the code of 'Ontario'")),
        ({"REF_DATE": "2019/2021"}, ("column REF_DATE", "'2019/2021' is not a fiscal year")),
        ({"REF_DATE": "2019"}, ("column REF_DATE", "'2019' is not a fiscal year")),
        ({"UOM": "Rate"}, ("column UOM", "'Rate' where the series is known as 'Persons'")),
        ({"SCALAR_FACTOR": "thousands"}, ("column SCALAR_FACTOR", "'thousands'")),
        ({"SCALAR_ID": "3"}, ("column SCALAR_ID", "'3'")),
        ({"VALUE": "12O"}, ("column VALUE", "'12O' is not a number")),
        ({"VALUE": "1,200"}, ("column VALUE", "'1,200' is not a number")),
        ({"VALUE": "-1"}, ("column VALUE", "below zero")),
        ({"VALUE": "", "STATUS": "q"}, ("column STATUS", "'q'")),
        ({"SYMBOL": "z"}, ("column SYMBOL", "'z'")),
        ({"TERMINATED": "y"}, ("column TERMINATED", "'y'")),
    ],
)
def test_a_cell_that_is_not_known_is_refused(change: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(table(row(REF_DATE="2001/2002"), row(**change)))
    for part in ("35100154.csv, row 3", *words):
        assert part in str(refused.value)


@pytest.mark.parametrize("column", HEADER)
def test_a_missing_and_a_renamed_column_are_refused(column: str) -> None:
    at = HEADER.index(column)
    with pytest.raises(Refused, match=f"missing {column}"):
        read(table(row()[:at] + row()[at + 1 :], header=HEADER[:at] + HEADER[at + 1 :]))
    with pytest.raises(Refused, match=f"missing {column}; unknown 'Other'"):
        read(table(row(), header=[*HEADER[:at], "Other", *HEADER[at + 1 :]]))


@pytest.mark.parametrize("cut", [1, 6, 40])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(Refused):
        read(table(row(), row(REF_DATE="2001/2002"))[:-cut])


def test_a_file_without_a_figure_and_a_doubled_row_are_refused() -> None:
    with pytest.raises(Refused, match="there is no figure in it"):
        read(table(row(VALUE="", STATUS="..")))
    with pytest.raises(Refused, match="35100154.csv:3:11: a second row of the same year"):
        complete(SOURCE, ADULTS, read(table(row(), row(VALUE="13"))))


def test_youth() -> None:
    parsed = read(
        table(
            row(),
            row(series="Sentenced open custody, actual-in count"),
            row(series="Incarceration rates per 10,000 young persons", UOM="Rate", DECIMALS="2", VALUE="3.1"),
        ),
        YOUTH,
    )
    found = parsed.rows["observation"]
    assert found["age"].tolist() == ["JUVENILE", "JUVENILE"]
    assert found["definition"].tolist()[1] == "youth_open_custody"
    assert [(e.items, e.raw[COUNTS]) for e in parsed.left_out] == [(1, "Incarceration rates per 10,000 young persons")]


@pytest.mark.parametrize(
    ("file", "column", "total", "part"),
    [
        (BY_SEX, "Sex", "Total, custodial admission by sex", "Sex unknown"),
        (
            BY_IDENTITY,
            "Indigenous identity",
            "Total, custodial admissions by Indigenous identity",
            "Indigenous identity unknown",
        ),
    ],
)
def test_admissions(file: str, column: str, total: str, part: str) -> None:
    header = ["REF_DATE", "GEO", "DGUID", "Custodial admissions", column, *AFTER]

    def line(label: str, series: str, value: str) -> list[str]:
        cells = row(series=series, UOM="Number", VALUE=value, DECIMALS="0")
        return [*cells[:4], label, *cells[4:]]

    lines = [line(total, "Remand", "900"), line(part, "Remand", "7"), line(part, "Sentenced", "8")]
    parsed = read(table(*lines, header=header), file)
    (found,) = complete(SOURCE, file, parsed)[0].to_dict("records")
    assert (found["measure"], found["legal_status"], found["value"]) == ("admissions", "UNSENTENCED", 900)
    assert (found["period_kind"], found["definition"]) == ("during", "admissions_to_programs")
    assert [(e.items, e.raw["Custodial admissions"]) for e in parsed.left_out] == [(1, "Remand"), (1, "Sentenced")]


TOTAL = {"GEO": "Provinces and Territories", "DGUID": "2021A000011124"}
QUEBEC = {"GEO": "Quebec", "DGUID": "2021A000224"}
HELD, SENTENCED, REMAND, OTHER = (
    {"series": series}
    for series in (
        "Total actual-in count", "Sentenced, actual-in count", "Remand, actual-in count",
        "Other statuses, actual-in count",
    )
)  # fmt: skip
PROBATION = {"series": "Probation, community supervision"}
RATE = {"series": "Incarceration rates per 100,000 adults", "UOM": "Rate", "DECIMALS": "2"}
PROBATION_RATE = {"series": "Probation rates per 100,000 adults", "UOM": "Rate", "DECIMALS": "2"}
EMPTY = {"VALUE": "", "STATUS": ".."}
SECURE, OPEN = ({"series": f"Sentenced {kind} custody, actual-in count"} for kind in ("secure", "open"))
YOUTH_SENTENCED = {"series": "Total sentenced custody, actual-in count"}
PRE_TRIAL = {"series": "Pre-trial detention and other temporary detention, actual-in count"}


def lines(*rows: dict[str, str]) -> bytes:
    """A table of rows; the last word of each is its value."""
    return table(*(row(**changes) for changes in rows))


def v(value: str, *changes: dict[str, str]) -> dict[str, str]:
    merged = {"VALUE": value}
    for change in changes:
        merged |= change
    return merged


@pytest.mark.parametrize(
    ("file", "rows", "words"),
    [
        # Three parts and their whole, each rounded to a tenth, may be 0.2 apart.
        (ADULTS, [v("10.0", HELD), v("5.0", SENTENCED), v("4.0", REMAND), v("0.8", OTHER)], None),
        (
            ADULTS,
            [v("10.0", HELD), v("5.0", SENTENCED), v("4.0", REMAND), v("0.7", OTHER)],
            "154.csv:2:11: 10 stands where .* add up to 9.7",
        ),
        (ADULTS, [v("10.0", HELD), v("5.0", SENTENCED), v("4.0", REMAND), v("", OTHER, EMPTY)], None),
        (
            ADULTS,
            [v("10.0", HELD), v("5.0", SENTENCED), v("40.0", REMAND), v("", OTHER, EMPTY)],
            "10 stands where .* add up to 45",
        ),
        (ADULTS, [v("10.0", TOTAL), v("6.0"), v("4.1", QUEBEC)], None),
        (ADULTS, [v("10.0", TOTAL), v("6.0"), v("40.0", QUEBEC)], ":2:11: 10 stands where the provinces add up to 46"),
        (ADULTS, [v("6.0", TOTAL), v("6.0"), v("", QUEBEC, EMPTY)], None),
        (
            ADULTS,
            [v("10.0", TOTAL), v("10.0"), v("3.0", SENTENCED)],
            "there is no row of CAN-PROV for Sentenced, actual-in count in 2019/2020",
        ),
        # 100 per 100,000 of 20 held and 50 per 100,000 of 10 on probation are both of 20,000 adults.
        (ADULTS, [v("20.0"), v("100.00", RATE), v("10.0", PROBATION), v("50.00", PROBATION_RATE)], None),
        (
            ADULTS,
            [v("20.0"), v("100.00", RATE), v("10.0", PROBATION), v("5.00", PROBATION_RATE)],
            ":5:11: 5 is not of the population of the other rate of the same place and year",
        ),
        (ADULTS, [v("30.0", TOTAL), v("75.00", TOTAL, RATE), v("20.0"), v("100.00", RATE), v("10.0", QUEBEC), v("50.00", QUEBEC, RATE)], None),
        (
            ADULTS,
            [v("30.0", TOTAL), v("7.50", TOTAL, RATE), v("20.0"), v("100.00", RATE), v("10.0", QUEBEC), v("50.00", QUEBEC, RATE)],
            ":3:11: 7.5 is of a population of 399,.* to 400,.* where the provinces have 39,.* to 40,",
        ),
        (YOUTH, [v("7.0", YOUTH_SENTENCED), v("4.0", SECURE), v("3.0", OPEN)], None),
        (YOUTH, [v("7.0", YOUTH_SENTENCED), v("4.0", SECURE), v("30.0", OPEN)], "003.csv:2:11: 7 stands where"),
        (YOUTH, [v("100.0", HELD), v("50.0", YOUTH_SENTENCED), v("40.0", PRE_TRIAL)], None),
        (YOUTH, [v("100.0", HELD), v("50.0", YOUTH_SENTENCED), v("39.0", PRE_TRIAL)], "100 stands where .* up to 89"),
        (YOUTH, [v("100.0", HELD), v("50.0", YOUTH_SENTENCED), v("51.0", PRE_TRIAL)], "100 stands where .* up to 101"),
        (
            YOUTH,
            [v(value, series, {"REF_DATE": "2002/2003"}) for value, series in (("100.0", HELD), ("50.0", YOUTH_SENTENCED), ("49.0", PRE_TRIAL))],
            "100 stands where .* up to 99",
        ),
        (YOUTH, [v("318.0", TOTAL, HELD, {"REF_DATE": "2002/2003"}), v("10.0", HELD, {"REF_DATE": "2002/2003"})], None),
        (YOUTH, [v("321.0", TOTAL, HELD, {"REF_DATE": "2002/2003"}), v("10.0", HELD, {"REF_DATE": "2002/2003"})], "provinces add up to 10"),
        (YOUTH, [v("318.0", TOTAL, HELD, {"REF_DATE": "2003/2004"}), v("10.0", HELD, {"REF_DATE": "2003/2004"})], "provinces add up to 10"),
        (ADULTS, [v("12.55")], "'12.55' and '1' decimals are not Persons to 1"),
        (ADULTS, [v("12.5", {"DECIMALS": "2"})], "'12.5' and '2' decimals are not Persons to 1"),
    ],
)  # fmt: skip
def test_what_must_add_up(file: str, rows: list[dict[str, str]], words: str | None) -> None:
    if words is None:
        assert read(lines(*rows), file).items == len(rows)
        return
    with pytest.raises(Refused, match=words):
        read(lines(*rows), file)


def test_admissions_are_counted_and_must_add_up_exactly() -> None:
    header = ["REF_DATE", "GEO", "DGUID", "Custodial admissions", "Sex", *AFTER]

    def admissions(unknown: str) -> bytes:
        sexes = {"Total, custodial admission by sex": "900", "Male": "800", "Female": "93", "Sex unknown": unknown}
        cells = [[*row(UOM="Number", VALUE=value, DECIMALS="0"), sex] for sex, value in sexes.items()]
        return table(*([*c[:3], "Remand", c[-1], *c[4:-1]] for c in cells), header=header)

    assert read(admissions("7"), BY_SEX).items == 4
    with pytest.raises(Refused, match=r"35100015.csv:2:12: 900 stands where .* add up to 899"):
        read(admissions("6"), BY_SEX)


# The publisher's files; figures were looked up in them with grep.


def real(raw: Path, file: str, name: str) -> tuple[Parsed, dict[tuple[Any, ...], float]]:
    parsed = read((raw / "canada" / "2021-2022" / name).read_bytes(), file, name)
    frame = complete(SOURCE, file, parsed)[0]
    keys = ["place_id", "period_end", "measure", "sex", "legal_status", "supervision"]
    plain = frame[frame["definition"].isna() | frame["definition"].eq("admissions_to_programs")]
    return parsed, dict(zip(plain[keys].itertuples(index=False, name=None), plain["value"], strict=True))


def counted(raw: Path, name: str) -> dict[str, int]:
    """Rows of a file, and those without a figure, by the csv module alone."""
    with (raw / "canada" / "2021-2022" / name).open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    return {"rows": len(lines), "empty": sum(line["VALUE"] == "" for line in lines)}


END = date(2022, 3, 31)


def test_the_real_adults(raw: Path) -> None:
    name = "35100154_four-columns.csv"
    parsed, found = real(raw, ADULTS, name)
    assert counted(raw, name) == {"rows": 6536, "empty": 1306}
    assert (parsed.items, len(parsed.rows["observation"]), len(parsed.left_out)) == (6536, 5230, 1306)
    held = {
        s: found["CAN-PROV", END, "persons_held", "_T", s, "_Z"] for s in ("_T", "SENTENCED", "UNSENTENCED", "OTHER")
    }
    assert held == {"_T": 20438.5, "SENTENCED": 5798.3, "UNSENTENCED": 14414.5, "OTHER": 225.7}
    supervised = "persons_under_supervision"
    forms = {
        s: found["CAN-PROV", END, supervised, "_T", "_Z", s]
        for s in ("_T", "PROBATION", "CONDITIONAL_SENTENCE", "PAROLE")
    }
    assert forms == {"_T": 68792.8, "PROBATION": 60993.9, "CONDITIONAL_SENTENCE": 7150.4, "PAROLE": 648.5}
    assert found["CAN-ON", END, "persons_held", "_T", "_T", "_Z"] == 7247.7
    assert found["CAN-PROV", date(1979, 3, 31), "persons_held", "_T", "_T", "_Z"] == 13479
    # Parts that the publisher shows add up to its total in each year, whatever province is absent.
    for key, value in found.items():
        if key[0] == "CAN-PROV" and not key[2].endswith("_rate"):
            parts = [v for k, v in found.items() if k[0] != "CAN-PROV" and k[1:] == key[1:]]
            assert sum(parts) == pytest.approx(value, abs=1), key


def test_the_real_notes_name_provinces_without_a_figure(raw: Path) -> None:
    parsed, _ = real(raw, ADULTS, "35100154_four-columns.csv")
    frame = parsed.rows["observation"]
    total = frame[(frame["place_id"] == "CAN-PROV") & (frame["period_end"] == END)]
    (supervised,) = total[(total["measure"] == "persons_under_supervision") & (total["supervision"] == "_T")]["note"]
    assert supervised.startswith("the table has no figure of CAN-NL, CAN-NS, CAN-NB, CAN-NU for this year")


def test_the_real_youth(raw: Path) -> None:
    parsed, found = real(raw, YOUTH, "35100003.csv")
    assert counted(raw, "35100003.csv") == {"rows": 4140, "empty": 782}
    assert parsed.items == 4140
    assert set(parsed.rows["observation"]["age"]) == {"JUVENILE"}
    assert found["CAN-PROV", END, "persons_held", "_T", "_T", "_Z"] == 459.2
    assert found["CAN-PROV", END, "persons_held", "_T", "UNSENTENCED", "_Z"] == 274.2
    assert found["CAN-PROV", END, "persons_under_supervision", "_T", "_Z", "_T"] == 3320.5
    assert found["CAN-NTNU", date(1998, 3, 31), "persons_held", "_T", "_T", "_Z"] == 69.5
    assert ("CAN-QC", END, "persons_held", "_T", "_T", "_Z") not in found


@pytest.mark.parametrize(("file", "empty"), [(BY_SEX, 306), (BY_IDENTITY, 320)])
def test_the_real_admissions(raw: Path, file: str, empty: int) -> None:
    parsed, found = real(raw, file, f"{file}.csv")
    assert counted(raw, f"{file}.csv") == {"rows": 4860, "empty": empty}
    assert parsed.items == 4860
    assert found["CAN-PROV", END, "admissions", "_T", "_T", "_Z"] == 149921
    assert found["CAN-PROV", END, "admissions", "_T", "UNSENTENCED", "_Z"] == 92673
    assert found["CAN-PROV", date(2001, 3, 31), "admissions", "_T", "_T", "_Z"] == 201357
    if file == BY_SEX:
        assert found["CAN-PROV", END, "admissions", "F", "_T", "_Z"] == 20012
        assert found["CAN-PROV", END, "admissions", "M", "_T", "_Z"] == 149921 - 20012 - 41


def test_the_sample_of_the_full_layout(raw: Path) -> None:
    name = "3510015401_sample.csv"
    parsed = read((raw / "canada" / name).read_bytes(), ADULTS, name)
    frame = complete(SOURCE, ADULTS, parsed)[0]
    assert (parsed.items, len(frame), parsed.left_out) == (14, 14, [])
    assert frame.set_index("locator")["value"][f"{name}:6:11"] == 25349.8
    assert set(frame["place_id"]) == {"CAN-PROV"}
    assert frame["note"].isna().all()


@pytest.mark.parametrize(
    ("file", "name", "before", "after", "words"),
    [
        (
            ADULTS,
            "35100154_four-columns.csv",
            '1978/1979,Newfoundland and Labrador,"Sentenced, actual-in count",208\n',
            "",
            "10,428 stands where the provinces add up to 10,220",
        ),
        (
            ADULTS,
            "35100154_four-columns.csv",
            'Provinces and Territories,"Incarceration rates per 100,000 adults",80.44',
            'Provinces and Territories,"Incarceration rates per 100,000 adults",804.4',
            "804.4 is of a population of 1,67.* where the provinces have 16,7",
        ),
        (YOUTH, "35100003.csv", '"15.3","1775.4"', '"15.3","177.5"', "3,825.4 stands where .* add up to 2,227.5"),
        (BY_SEX, "35100015.csv", '"19893"', '"1989"', "201,357 stands where .* add up to 183,453"),
    ],
)
def test_the_real_files_mutilated(raw: Path, file: str, name: str, before: str, after: str, words: str) -> None:
    text = (raw / "canada" / "2021-2022" / name).read_bytes().decode()
    assert before in text
    with pytest.raises(Refused, match=words):
        read(text.replace(before, after, 1).encode(), file, name)
