"""Prisoners in Australia: a workbook in the publisher's layout, each refusal, and the real workbook of 2019.

Every figure of the workbook made here is 1, and every percentage 100, so that tables that repeat each other agree, but
for the test's changes. So few prisoners may be apart from their sums, because the publisher alters counts.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.catalogue import source
from sources.errors import Refused
from sources.reading import Parsed
from tests.sources.fixtures import parse, workbook
from tests.sources.mutated import Change, drop, parse_with, put, swap

SOURCE, FILE, NAME = "abs_prisoners", "state_tables", "4517do002_2019.xls"
PLACES = ["NSW", "Vic.", "Qld", "SA", "WA", "Tas.", "NT", "ACT", "Aust."]
IN_FULL = [
    "NEW SOUTH WALES", "VICTORIA", "QUEENSLAND", "SOUTH AUSTRALIA", "WESTERN AUSTRALIA", "TASMANIA",
    "NORTHERN TERRITORY", "AUSTRALIAN CAPITAL TERRITORY", "AUSTRALIA",
]  # fmt: skip
FIRST = {
    "Table_14": "Selected characteristics",
    "Table_16": "Indigenous status and most serious offence/charge",
    "Table_17": "Selected characteristics",
    "Table_19": "Year",
    "Table_21": "Indigenous status, sex and age ",
    "Table_23": "Most serious offence",
    "Table_29": "Indigenous status, sex and prior imprisonment",
    "Table_30": "Indigenous status, sex and legal status",
    "Table_31": "Most serious charge",
}
SERIES = {
    "Table_15": (
        [],
        ["Total prisoners", "Male imprisonment rate", "Female imprisonment rate", "Mean age", "Median age",
         "Aboriginal and Torres Strait Islander", "Known prior imprisonment", "Unsentenced"],
        ["no.", "no.", "no.", "years", "years", "%", "%", "%"],
    ),
    "Table_27": (
        [["", "Aggregate sentence length"]],
        ["Under 1 year", "1 & under 5 years", "5 & under 10 years", "10 years & over", "Median",
         "Sentenced in last 12 months", "Total sentenced prisoners"],
        ["%", "%", "%", "%", "years", "%", "no."],
    ),
}  # fmt: skip
STAMP = "45170DO002_2019 Prisoners in Australia, 2019"
RELEASED = "Released at 11:30 am (Canberra time) Thurs 5 Dec 2019"
Sheets = dict[str, list[list[Any]]]


def listed(name: str) -> list[dict[str, str]]:
    """A table of the source's folder: the publisher's words, in the publisher's order."""
    with (source(SOURCE).folder / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def sheets() -> Sheets:
    words = listed("meanings.csv")
    made: Sheets = {"Contents": [["", "Contents"], ["", 14.0]]}
    for sheet in listed("sheets.csv"):
        name = sheet["sheet"]
        rows: list[list[Any]] = [["            Australian Bureau of Statistics"], [STAMP], [RELEASED]]
        rows.append([sheet["title"].replace("<years>", "2018\N{EN DASH}2019")])
        if name in SERIES:
            above, columns, units = SERIES[name]
            rows += [*above, ["State/territory and year", *columns], ["", *units]]
            for place in IN_FULL:
                figures = [100 if unit == "%" else 1 for unit in units]
                rows += [[place], *([year, *figures] for year in (2018, 2019))]
        elif name == "Table_34":
            rows.append(["Sex and prison location", "Number of prisoners"])
            for place in IN_FULL[:-1]:
                prison = [f"{place.title()} Prison ", 1]
                rows += [[place], ["Males"], prison, ["Total", 1], ["Females"], list(prison), ["Total", 1]]
                rows.append(["Total prisoners", 1])
        elif name == "Table_19":
            rows += [["Year", *PLACES], [2018, *[1] * 9], [2019, *[1] * 9]]
        elif name in FIRST:
            rows.append([FIRST[name], *PLACES, *(["Imprisonment rate"] if name == "Table_21" else [])])
            rated = {tuple(w.values())[1:4] for w in words if w["column"] == "Imprisonment rate"}
            heading = subheading = ""
            for row in (w for w in words if w["sheet"] == name and w["column"] == "<place>"):
                if row["heading"] != heading:
                    heading, subheading = row["heading"], ""
                    rows.append([heading])
                if row["subheading"] != subheading:
                    subheading = row["subheading"]
                    rows += [[], [subheading]]
                key = (row["heading"], row["subheading"], row["label"])
                figure = 100 if heading == "PROPORTION (%)" else 1
                rows.append([row["label"], *[figure] * 9, *([1] if name == "Table_21" and key in rated else [])])
        else:
            rows += [["Something else", "No.", "Mean"], ["a", 5, 5], ["b", 5, "n.p."]]
        width = max(map(len, rows))
        rows = [[*row, *[""] * (width - len(row))] for row in rows]
        made[name] = [*rows, [""] * width, ["\N{COPYRIGHT SIGN} Commonwealth of Australia 2019"]]
    return made


def at(table: list[list[Any]], *labels: Any) -> int:
    """The row below which the labels follow each other in the first column; the last one's row."""
    row = -1
    for label in labels:
        row = next(i for i in range(row + 1, len(table)) if table[i][0] == label)
    return row


def read(tables: Sheets) -> Parsed:
    return parse(SOURCE, FILE, NAME, workbook(tables))


def one(parsed: Parsed, **wanted: Any) -> dict[str, Any]:
    frame = parsed.rows["observation"]
    frame = frame[frame["facility"] == "_T"]
    wanted = {"sex": "_T", "age": "_T", "legal_status": "_T", "offence": "_T", "measure": "persons_held"} | wanted
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    (row,) = frame.to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_what_the_tables_count() -> None:
    tables = sheets()
    t21, t23, t30, t31 = (tables[name] for name in ("Table_21", "Table_23", "Table_30", "Table_31"))
    t21[at(t21, "TOTAL", "MALES", "18 years")][1] = 6
    t21[at(t21, "TOTAL", "FEMALES", "65 years and over")][9:11] = [7, 1.3]
    t23[at(t23, "061 Robbery")][2] = 8
    t23[at(t23, "012 Attempted murder")][3] = 9
    t23[at(t23, "10 Illicit drug offences")][4] = 10
    t30[at(t30, "TOTAL", "Females", "Unsentenced ")][8] = 5
    t31[at(t31, "10 Illicit drug offences")][9] = 11
    t15, t19, t27 = (tables[name] for name in ("Table_15", "Table_19", "Table_27"))
    t15[at(t15, "TASMANIA", 2018)][1:4] = [12, 20.5, 3.5]
    t15[at(t15, "TASMANIA", 2018)][7:] = [63.4, 28.8]
    t15[at(t15, "NORTHERN TERRITORY", 2018)][1:4] = [15, 20, 10]
    t15[at(t15, "AUSTRALIA", 2018)][1:4] = [20, 30, 10]
    t19[at(t19, 2018)][6:] = [12, 15, 1, 20]
    t27[at(t27, "AUSTRALIA", 2018)][7] = 9
    parsed = read(tables)
    assert parsed.vintage == "2019-12-05"

    now, then = date(2019, 6, 30), date(2018, 6, 30)
    expected: list[tuple[float, dict[str, Any]]] = [
        (6, {"place_id": "AUS-NSW", "sex": "M", "age": "Y18", "period_end": now}),
        (7, {"place_id": "AUS", "sex": "F", "age": "Y_GE65"}),
        (1.3, {"place_id": "AUS", "sex": "F", "age": "Y_GE65", "measure": "persons_held_rate"}),
        (8, {"place_id": "AUS-VIC", "legal_status": "SENTENCED", "offence": "ICCS0401"}),
        (9, {"place_id": "AUS-QLD", "legal_status": "SENTENCED", "offence": "ICCS0102"}),
        (10, {"place_id": "AUS-SA", "legal_status": "SENTENCED", "offence": "ICCS0601"}),
        (5, {"place_id": "AUS-ACT", "sex": "F", "legal_status": "UNSENTENCED"}),
        (11, {"place_id": "AUS", "legal_status": "UNSENTENCED", "offence": "ICCS0601"}),
        (12, {"place_id": "AUS-TAS", "period_end": then}),
        (20.5, {"place_id": "AUS-TAS", "sex": "M", "period_end": then, "measure": "persons_held_rate"}),
        (3.5, {"place_id": "AUS-TAS", "sex": "F", "period_end": then, "measure": "persons_held_rate"}),
        (28.8, {"place_id": "AUS-TAS", "period_end": then, "measure": "unsentenced_share"}),
        (9, {"place_id": "AUS", "legal_status": "SENTENCED", "period_end": then}),
        (15, {"place_id": "AUS-NT", "period_end": then, "measure": "persons_held_rate"}),
    ]
    assert [one(parsed, **wanted)["value"] for _, wanted in expected] == [value for value, _ in expected]
    rate = one(parsed, place_id="AUS-NT", period_end=then, measure="persons_held_rate")
    assert (rate["definition"], rate["period_start"], rate["period_kind"]) == ("adult_population", then, "point")
    assert one(parsed, place_id="AUS-TAS", period_end=then)["definition"] == "adult_prisons"


def test_those_in_prison_before() -> None:
    tables = sheets()
    t14, t29, t15 = tables["Table_14"], tables["Table_29"], tables["Table_15"]
    t14[at(t14, "NUMBER", "Total prisoners")][2] = 4
    t14[at(t14, "NUMBER", "Prior imprisonment")][2] = 3
    for row in t14[at(t14, "PROPORTION (%)") + 1 : -1]:
        row[2] = 25.0 if row[2] == 100 and row[0] != "Total prisoners" else row[2]
    t14[at(t14, "PROPORTION (%)", "Prior imprisonment")][2] = 75.0
    for sheet, labels in (
        ("Table_16", ["TOTAL", "Total"]),
        ("Table_21", ["TOTAL", "PERSONS", "Total"]),
        ("Table_29", ["TOTAL", "Persons", "Total"]),
        ("Table_30", ["TOTAL", "Persons ", "Total"]),
    ):
        tables[sheet][at(tables[sheet], *labels)][2] = 4
    tables["Table_34"][at(tables["Table_34"], "VICTORIA", "Total prisoners")][1] = 4
    t15[at(t15, "VICTORIA", 2019)][2:4] = [6, 2]
    for sex, rate in (("Males", 6), ("Females", 2)):
        tables["Table_17"][at(tables["Table_17"], sex, "Total")][2] = rate
    t15[at(t15, "VICTORIA", 2019)][1] = tables["Table_17"][at(tables["Table_17"], "Persons", "Total")][2] = 4
    tables["Table_19"][at(tables["Table_19"], 2019)][2] = 4
    t15[at(t15, "VICTORIA", 2019)][7:] = [75.0, 25.0]
    t15[at(t15, "VICTORIA", 2018)][7] = 61.5
    t29[at(t29, "TOTAL", "Persons", "Prior imprisonment")][2] = 3
    t29[at(t29, "NON-INDIGENOUS", "Females", "Prior imprisonment")][2] = 4
    t29[at(t29, "NON-INDIGENOUS", "Females", "Total")][2] = 5
    frame = read(tables).rows["recidivism"].set_index(["place_id", "cohort_end", "sex", "subgroup"]).sort_index()
    now, then = date(2019, 6, 30), date(2018, 6, 30)
    fields = ["returned", "cohort_size", "rate_percent"]
    assert frame.loc[("AUS-VIC", now, "_T", "_T"), fields].tolist() == [3, 4, 75.0]
    row = frame.loc[("AUS-VIC", then, "_T", "_T")]
    about = ["rate_percent", "basis", "population", "outcome"]
    assert row[about].tolist() == [61.5, "stock_share", "prisoners", "reimprisonment"]
    assert row[["returned", "cohort_size"]].isna().all()
    women = frame.loc[("AUS-VIC", now, "F", "Indigenous status: Non-Indigenous")]
    assert (women["returned"], women["cohort_size"], women["cohort_start"]) == (4, 5, now)


def test_those_held_in_each_establishment() -> None:
    tables = sheets()
    t34 = tables["Table_34"]
    row = at(t34, "VICTORIA", "Females", "Victoria Prison ")
    t34[row][1] = 4
    t34.insert(row, ["Tarrengower Prison", 2])
    parsed = read(tables)
    frame = parsed.rows["observation"].set_index(["facility", "sex"])
    women = frame.loc[("abs_prisoners:Victoria Prison", "F")]
    assert (women["value"], women["place_id"], women["period_end"]) == (4, "AUS-VIC", date(2019, 6, 30))
    assert (women["measure"], women["locator"]) == ("persons_held", f"Table_34!B{row + 2}")
    assert frame.loc[("abs_prisoners:Victoria Prison", "M"), "value"] == 1
    assert frame.loc[("abs_prisoners:Tarrengower Prison", "F"), "value"] == 2
    assert pd.isna(women["definition"])
    named = parsed.about["facility"].set_index("facility")
    assert len(named) == 8 + 1
    assert named["name"]["abs_prisoners:Victoria Prison"] == "Victoria Prison "
    assert named["place_id"]["abs_prisoners:Tarrengower Prison"] == "AUS-VIC"


def test_what_is_left_out() -> None:
    parsed = read(sheets())
    left_out = {entry.locator: (entry.items, entry.reason) for entry in parsed.left_out}
    assert left_out["Table_22"] == (4, next(s["left_out"] for s in listed("sheets.csv") if s["sheet"] == "Table_22"))
    tables = sheets()
    total = at(tables["Table_16"], "TOTAL", "Total") + 1
    assert left_out[f"Table_16!B{total}"] == (1, "repeats Table_14!B7")
    murder = at(tables["Table_23"], "011 Murder") + 1
    assert "ANZSOC" in left_out[f"Table_23!J{murder}"][1]


@pytest.mark.parametrize(
    ("sheet", "labels", "column", "cell", "words"),
    [
        (
            "Table_14",
            ["Total prisoners"],
            0,
            "Prisoners",
            "'Prisoners' / '<place>' is not in abs_pris",
        ),
        ("Table_14", ["Sex"], 0, "Gender", "'Gender' is not in abs_prisoners/headings.csv"),
        ("Table_14", ["Sex", "Males"], 1, "12,508", "Table_14!B10, column value: '12,508' is not a number"),
        ("Table_14", ["Sex", "Males"], 1, "", "Table_14!B10, column value: '' is not a number"),
        ("Table_14", ["Sex", "Males"], 2, "n.p.", "Table_14!C10, column value: 'n.p.' is not a number"),
        ("Table_30", ["TOTAL", "Males", "Total"], 1, 2, "2 stands for the same quantity as 1 in Table_14!B10"),
        ("Table_15", ["VICTORIA"], 0, "VICTORIA ", "No place is known as 'VICTORIA '"),
        ("Table_15", ["VICTORIA", 2018], 0, 2017, "the places and years of Table_15"),
        ("Table_15", ["", "NEW SOUTH WALES"], 1, 1, "the places and years of Table_15"),
        ("Table_16", ["TOTAL", "Total"], 9, 2, "2 stands for the same quantity as 1 in Table_14!J7"),
        ("Table_19", [2018], 0, "2018p", "the places and years of Table_19"),
        ("Table_21", ["TOTAL", "MALES", "19 years"], 0, "20 years", "'20 years' / '<place>' is not in abs_pris"),
        ("Table_34", ["TASMANIA"], 0, "Tasmania island", "row Table_34!A\\d+: No place is known as 'Tasmania island'"),
        ("Table_34", ["TASMANIA", "Females"], 0, "Women", "No place is known as 'Women'"),
        ("Table_34", ["TASMANIA", "Males"], 0, "", "1.0 stands under no state, sex or name"),
        ("Table_34", ["TASMANIA", "Tasmania Prison "], 0, " ", "1.0 stands under no state, sex or name"),
        ("Table_34", ["TASMANIA", "Tasmania Prison "], 0, "Victoria Prison", "stands in two states"),
        (
            "Table_34",
            ["TASMANIA", "Tasmania Prison "],
            1,
            0.3,
            "row Table_34!B\\d+: 0.3 is not a whole number of prison",
        ),
        ("Table_14", ["Sex", "Males"], 1, 1.5, "row Table_14!B10: 1.5 is not a whole number of prisoners"),
        ("Table_34", ["TASMANIA", "Tasmania Prison "], 1, "5O", "'5O' is not a number"),
        ("Table_34", ["TASMANIA", "Total"], 1, 2, "2 stands for the same quantity as 1 in Table_14!G10"),
        ("Table_34", ["TASMANIA", "Total prisoners"], 0, "All", "1.0 stands under no state, sex or name"),
        ("Table_14", [STAMP], 0, "45170DO002_2019 Prisoners in Australia, 2018", "one edition and one day"),
        ("Table_16", [RELEASED], 0, "Released at 11:30 am (Canberra time) Fri 6 Dec 2019", "one edition and one day"),
        ("Table_16", [FIRST["Table_16"]], 1, "Vic", "missing NSW; unknown 'Vic'"),
    ],
)
def test_it_refuses(sheet: str, labels: list[Any], column: int, cell: Any, words: str) -> None:
    tables = sheets()
    tables[sheet][at(tables[sheet], *labels)][column] = cell
    with pytest.raises(Refused, match=words):
        read(tables)


@pytest.mark.parametrize(
    ("sheet", "labels", "cells", "words"),
    [
        ("Table_14", ["NUMBER", "Sentenced"], {9: 30}, "J19: 30 stands where the states and territories add up to 8"),
        (
            "Table_14",
            ["NUMBER", "Males"],
            {1: 20, 9: 20},
            "B7: 1 stands where NUMBER Sex Males and NUMBER Sex Females add up to 21",
        ),
        ("Table_14", ["PROPORTION (%)", "Males"], {1: 10.0}, r"Table_14!B\d\d: 10 stands where 1 of 1 give 100"),
        ("Table_16", ["TOTAL", "01 Homicide and related offences"], {2: 20, 9: 20}, "1 stands where its parts add up"),
        ("Table_21", ["TOTAL", "PERSONS", "18 years"], {3: 15, 9: 15}, "15 stands where TOTAL MALES 18 years and TOT"),
        ("Table_23", ["061 Robbery"], {1: 30, 9: 30}, "1 stands where 061 Robbery and 062 .* add up to 31"),
        (
            "Table_23",
            ["091 Obtain benefit by deception"],
            {4: 20, 9: 20},
            "1 stands where 091 Obtain benefit by deception add up to 20",
        ),
        (
            "Table_29",
            ["NON-INDIGENOUS", "Males", "Total"],
            {5: 40, 9: 40},
            "40 stands where NON-INDIGENOUS Males Prior",
        ),
        ("Table_30", ["TOTAL", "Males", "Total"], {6: 16, 9: 16}, "16 stands where TOTAL Males Sentenced and TOTAL"),
        ("Table_31", ["012 Attempted murder"], {1: 30, 9: 30}, "1 stands where 011 Murder and 012 .* add up to 32"),
        ("Table_15", ["AUSTRALIA", 2018], {1: 100}, "100 stands where the states and territories add up to 8"),
        ("Table_27", ["AUSTRALIA", 2018], {7: 100}, "100 stands where the states and territories add up to 8"),
        ("Table_15", ["VICTORIA", 2018], {2: 2, 3: 0.2}, "Table_19!C6: with the rates of men and women .* make 44.4%"),
        ("Table_34", ["VICTORIA", "Victoria Prison "], {1: 12}, "1 stands where the establishments add up to 12"),
    ],
)
def test_what_must_add_up(sheet: str, labels: list[Any], cells: dict[int, Any], words: str) -> None:
    tables = sheets()
    for column, cell in cells.items():
        tables[sheet][at(tables[sheet], *labels)][column] = cell
    with pytest.raises(Refused, match=words):
        read(tables)


def test_a_few_prisoners_apart_are_altered_counts() -> None:
    """Three figures may be 7 times 1.73 apart, which is 12 prisoners and not 13."""
    tables = sheets()
    t29 = tables["Table_29"]
    t29[at(t29, "NON-INDIGENOUS", "Persons", "Total")][5] = 8
    t29[at(t29, "NON-INDIGENOUS", "Males", "Total")][5] = 14
    read(tables)
    t29[at(t29, "NON-INDIGENOUS", "Males", "Total")][5] = 15
    with pytest.raises(Refused, match="15 stands where .* add up to 2"):
        read(tables)


def test_sheets_that_are_unknown_missing_shifted_or_cut_off() -> None:
    tables = sheets()
    with pytest.raises(Refused, match="unknown 'Table_36'"):
        read(tables | {"Table_36": [["x"]]})
    with pytest.raises(Refused, match="missing Table_35"):
        read({name: rows for name, rows in tables.items() if name != "Table_35"})
    with pytest.raises(Refused, match="is not the title"):
        read(tables | {"Table_18": tables["Table_20"]})
    with pytest.raises(Refused, match="'Table_31' does not end"):
        read(tables | {"Table_31": tables["Table_31"][:-1]})
    with pytest.raises(Refused, match="does not have one total of men, women and all for each state"):
        read(tables | {"Table_34": [*tables["Table_34"][:-10], tables["Table_34"][-1]]})
    with pytest.raises(Refused, match="is not there; the sheet may be cut off"):
        read(tables | {"Table_31": [*tables["Table_31"][:-4], tables["Table_31"][-1]]})
    swapped = [[row[0], row[2], row[1], *row[3:]] if len(row) > 2 else row for row in tables["Table_23"]]
    with pytest.raises(Refused, match="another order"):
        read(tables | {"Table_23": swapped})
    with pytest.raises(Refused, match="not a readable workbook"):
        parse(SOURCE, FILE, NAME, workbook(tables)[:-400])


# The publisher's workbook


@pytest.fixture(scope="module")
def real(raw: Path) -> Parsed:
    path = raw / "australia" / "2019" / NAME
    return parse(SOURCE, FILE, NAME, path.read_bytes())


def test_cells_of_the_real_workbook(real: Parsed) -> None:
    assert real.vintage == "2019-12-05"
    rows = real.rows["observation"].set_index("locator")
    looked_up = {
        "Table_14!B7": ("AUS-NSW", 2019, 13458),
        "Table_14!J7": ("AUS", 2019, 43028),
        "Table_14!J10": ("AUS", 2019, 3494),
        "Table_14!H17": ("AUS-NT", 2019, 523),
        "Table_14!D18": ("AUS-QLD", 2019, 46),
        "Table_15!B83": ("AUS-NT", 2012, 1413),
        "Table_15!D92": ("AUS-ACT", 2009, 16.5),
        "Table_15!I60": ("AUS-WA", 2013, 19.7),
        "Table_16!J54": ("AUS", 2019, 6573),
        "Table_17!E20": ("AUS-SA", 2019, 207.3),
        "Table_19!F13": ("AUS-WA", 2016, 313.8),
        "Table_21!J140": ("AUS", 2019, 27),
        "Table_21!K140": ("AUS", 2019, 1.3),
        "Table_23!C29": ("AUS-VIC", 2019, 395),
        "Table_27!H69": ("AUS-TAS", 2009, 410),
        "Table_30!I38": ("AUS-ACT", 2019, 14),
        "Table_31!D8": ("AUS-QLD", 2019, 51),
        "Table_34!B26": ("AUS-NSW", 2019, 834),
        "Table_34!B149": ("AUS-WA", 2019, 3),
        "Table_34!B188": ("AUS-ACT", 2019, 33),
    }
    found = {at: (rows["place_id"][at], rows["period_end"][at].year, rows["value"][at]) for at in looked_up}
    assert found == looked_up
    # The rate of 2019 stands in tables 17 and 19; the first is kept.
    assert "Table_19!E16" in {entry.locator for entry in real.left_out}


def test_those_in_prison_before_in_the_real_workbook(real: Parsed) -> None:
    rows = real.rows["recidivism"].set_index("locator")
    all_of_them = rows.loc["Table_14!J20", ["returned", "cohort_size", "rate_percent"]]
    assert all_of_them.tolist() == [24907, 43028, 57.9]
    assert rows["rate_percent"]["Table_15!H98"] == 74.7
    women = rows.loc["Table_29!H38"]
    assert (women["place_id"], women["sex"], women["returned"], women["cohort_size"]) == ("AUS-NT", "F", 71, 114)
    shares = 100 * rows["returned"] / rows["cohort_size"]
    assert (shares - rows["rate_percent"]).abs().max() < 0.06


def test_the_real_figures_fit_together(real: Parsed) -> None:
    frame = real.rows["observation"]
    each = frame[frame["facility"] != "_T"]
    assert (len(each), len(real.about["facility"])) == (161 - 3 * 8, each["facility"].nunique())
    states = each.groupby("place_id")["value"].sum()
    assert abs(states["AUS-WA"] - 6943) <= 30
    assert abs(states.sum() - 43028) <= 60
    frame = frame[frame["facility"] == "_T"]
    whole = frame[(frame[["sex", "age", "legal_status", "offence"]] == "_T").all(axis=1)]
    held = whole[whole["measure"] == "persons_held"].pivot_table("value", "period_end", "place_id")
    assert held.shape == (11, 9)
    # Altered at random, so that the states only nearly add up.
    assert (held.drop(columns="AUS").sum(axis=1) - held["AUS"]).abs().max() <= 10
    rate = whole[whole["measure"] == "persons_held_rate"].pivot_table("value", "period_end", "place_id")
    adults = held["AUS"] / rate["AUS"] * 100_000
    assert 16_000_000 < adults.iloc[0] < adults.iloc[-1] < 20_000_000  # Australia had 21.7 and 25.4 million people
    ages = frame[(frame["age"] != "_T") & (frame["measure"] == "persons_held") & (frame["place_id"] == "AUS")]
    sums = ages.groupby("sex")["value"].sum()
    for sex, total in {"_T": 43028, "M": 39538, "F": 3494}.items():
        assert abs(sums[sex] - total) <= 30


@pytest.mark.parametrize(
    ("sheet", "change", "words"),
    [
        ("Table_34", drop(30), "Table_34!B49: 12,508 stands where the establishments add up to 12,103"),
        ("Table_34", put(141, 1, 115.5), "stands where the establishments|is not"),
        ("Table_21", swap(1, 2, 6), "stands for the same quantity|stands where"),
        ("Table_21", put(129, 2, 16100.0), "Table_21!"),
        ("Table_23", put(42, 4, 2070.0), "Table_23!"),
        ("Table_15", swap(2, 3, 7), "Table_17!B20: with its count it is of 6,2.* people where those of men and women"),
        (
            "Table_15",
            put(16, 8, 3.25),
            "13,149 stands where its unsentenced share and the sentenced of Table_27 add up",
        ),
        ("Table_21", put(148, 10, 2998.0), "Table_21!K148: with its count it is of 17.,... to 176,... people where"),
        ("Table_15", put(16, 3, 3.23), "would make|leap"),
        ("Table_27", put(42, 7, 61520.0), "Table_27!H114: 29,030 stands where .* add up to 84,399"),
        ("Table_19", put(10, 1, 17.1), "leap|would make"),
    ],
)
def test_the_real_workbook_mutilated(
    raw: Path, monkeypatch: pytest.MonkeyPatch, sheet: str, change: Change, words: str
) -> None:
    (path,) = (raw / "australia" / "2019").glob("*.xls")
    with pytest.raises(Refused, match=words):
        parse_with(monkeypatch, SOURCE, FILE, path, {sheet: change})
