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
            row(series="Incarceration rates per 100,000 adults", UOM="Rate"),
            row(series="Total community supervision count"),
            row(series="Conditional sentence, community supervision"),
            row(series="Provincial parole, community supervision"),
            row(series="Probation rates per 100,000 adults", UOM="Rate"),
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
    with pytest.raises(Refused, match="stands there 2 times"):
        complete(SOURCE, ADULTS, read(table(row(), row(VALUE="13"))))


def test_youth() -> None:
    parsed = read(
        table(
            row(),
            row(series="Sentenced open custody, actual-in count"),
            row(series="Incarceration rates per 10,000 young persons", UOM="Rate", VALUE="3.1"),
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
        cells = row(series=series, UOM="Number", VALUE=value)
        return [*cells[:4], label, *cells[4:]]

    lines = [line(total, "Remand", "900"), line(part, "Remand", "7"), line(part, "Sentenced", "8")]
    parsed = read(table(*lines, header=header), file)
    (found,) = complete(SOURCE, file, parsed)[0].to_dict("records")
    assert (found["measure"], found["legal_status"], found["value"]) == ("admissions", "UNSENTENCED", 900)
    assert (found["period_kind"], found["definition"]) == ("during", "admissions_to_programs")
    assert [(e.items, e.raw["Custodial admissions"]) for e in parsed.left_out] == [(1, "Remand"), (1, "Sentenced")]


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
