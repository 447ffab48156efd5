"""Taiwan's four tables of prisons: layout, refusals, and the real files against each other."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
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
from sources.reading import Parsed
from sources.taiwan_corrections import parse as module
from tests.sources.fixtures import damaged, delimited, parse

SOURCE = "taiwan_corrections"
NAMES = {
    "overview": "correction_監獄人數概況.csv",
    "by_prison": "correction_98年監所受刑人人數.csv",
    "release_reasons": "correction_監獄受刑人出獄原因與人數概況.csv",
    "new_admissions": "correction_新入監犯罪次數與種類.csv",
}
OVERVIEW = "民國,上年底留監人數,本年入監人數,本年出獄人數,新入監人數,本年年底留監人數,本年執行人數".split(",")
BY_PRISON = (
    "機關別,上年底留監人數,本年入監人數,本年出獄人數,新入監人數,本年年底留監人數,上年底留監人數+本年入監人數".split(",")
)
REASONS = (
    "民國,死刑之執行,徒刑拘役執行完畢,罰金易服勞役執行完畢,假釋(縮短刑期),執行完畢(縮短刑期),無期徒刑(假釋),"
    "有期徒刑(假釋),停止刑之執行,保外醫治,移送觀察勒戒或強制戒治,脫逃,死亡,本監移送他監執行,借提返回原監所,"
    "借提出監,其他,"
).split(",")
NEW = ["民國", "初犯", "再犯", "累犯"]

#: Exits and new admissions are those of the years 80 and 81, and those of the prisons of the year 98.
YEARS = [
    ["80", "22963", "30916", "30806", "20871", "23073", "53879"],
    ["81", "23073", "39233", "32700", "24865", "29606", "62306"],
]
PRISONS = [
    ["臺灣甲監獄", "60", "66800", "66700", "42300", "160", "66860"],
    ["福建乙監獄", "40", "100", "81", "35", "59", "140"],
    ["明陽中學", "5", "1", "2", "1", "4", "6"],
    ["", "105", "66901", "66783", "42336", "223", ""],
]
EXITS = [["80", *map(str, range(1, 16)), "30686", ""], ["81", *map(str, range(21, 36)), "32280", ""]]
BACK = [["80", "12317", "2461", "6093"], ["81", "14426", "3149", "7290"]]


@pytest.fixture(autouse=True)
def _short_tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables written here have two years; what their columns add up to is worked out by hand."""
    if "raw" in request.fixturenames:
        return
    of_reasons = {name: 2 * at + 20 for at, name in enumerate(REASONS[1:-2], start=1)} | {"其他": 62966}
    monkeypatch.setattr(module, "COLUMN_SUMS", {**of_reasons, "初犯": 26743, "再犯": 5610, "累犯": 13383})
    monkeypatch.setattr(module, "YEARS_OF", dict.fromkeys(module.YEARS_OF, (80, 81)))


def unended(table: Sequence[Sequence[str]]) -> bytes:
    return delimited(table).rstrip(b"\r\n")


def whole(file: str, table: Sequence[Sequence[str]], header: Sequence[str] | None = None) -> bytes:
    """A file as the publisher writes it: three of four without an end to the last line, one in Big5."""
    headers = {"overview": OVERVIEW, "by_prison": BY_PRISON, "release_reasons": REASONS, "new_admissions": NEW}
    table = [header or headers[file], *table]
    return delimited(table).decode().encode("big5") if file == "by_prison" else unended(table)


def read(file: str, data: bytes, name: str | None = None) -> Parsed:
    return parse(SOURCE, file, name or NAMES[file], data)


def changed(table: Sequence[Sequence[str]], row: int, column: int, to: str) -> list[list[str]]:
    copy = [list(line) for line in table]
    copy[row][column] = to
    return copy


def by_locator(parsed: Parsed, *columns: str) -> dict[str, tuple[Any, ...]]:
    frame = parsed.rows["observation"].astype(object)
    frame = frame.where(frame.notna(), None)
    return {row["locator"].split(":", 1)[1]: tuple(row[c] for c in columns) for row in frame.to_dict("records")}


def test_each_file_is_known_by_its_name() -> None:
    for file, name in NAMES.items():
        assert source(SOURCE).file_for(name) == file


def test_the_overview() -> None:
    parsed = read("overview", whole("overview", YEARS))
    last, first = date(1991, 12, 31), date(1991, 1, 1)
    found = by_locator(
        parsed, "measure", "legal_status", "definition", "value", "period_start", "period_end", "period_kind"
    )
    before = date(1990, 12, 31)
    assert found["2:2"] == ("persons_held", "SENTENCED", None, 22963, before, before, "point")
    assert found["2:3"] == ("admissions", "SENTENCED", "movements", 30916, first, last, "during")
    assert found["2:4"] == ("releases", "SENTENCED", "movements", 30806, first, last, "during")
    assert found["2:5"] == ("admissions", "SENTENCED", None, 20871, first, last, "during")
    assert found["2:6"] == ("persons_held", "SENTENCED", None, 23073, last, last, "point")
    assert found["3:6"][3:6] == (29606, date(1992, 12, 31), date(1992, 12, 31))
    assert (parsed.vintage, parsed.items, len(found)) == (None, 12, 9)
    assert [entry.locator.split(":", 1)[1] for entry in parsed.left_out] == ["2:7", "3:2", "3:7"]
    assert parsed.rows["observation"]["note"].isna().all()
    assert set(parsed.rows["observation"]["place_id"]) == {"TWN"}


def test_the_years_whose_stock_the_publisher_misprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.YEARS_OF, "overview", (98, 99))
    known = [
        ["98", "52708", "69300", "66783", "42336", "55225", "122008"],
        ["99", "55255", "64102", "62239", "37159", "57088", "119357"],
    ]
    parsed = read("overview", whole("overview", known))
    reasons = {entry.locator.split(":", 1)[1]: entry.reason for entry in parsed.left_out}
    assert reasons["3:2"].endswith("gives as 55225")
    with pytest.raises(Refused, match="55256 is not the stock at the end of the year before, 55225"):
        read("overview", whole("overview", [known[0], ["99", "55256", "64102", "62239", "37159", "57088", "119358"]]))

    monkeypatch.setitem(module.YEARS_OF, "overview", (77, 77))
    leap = read("overview", whole("overview", [["77", "22047", "29925", "29182", "13886", "13790", "51972"]]))
    assert by_locator(leap, "value", "note")["2:6"][0] == 13790
    assert "do not lead to it" in by_locator(leap, "note")["2:6"][0]
    monkeypatch.setitem(module.YEARS_OF, "overview", (78, 78))
    with pytest.raises(Refused, match="row 2, column 本年年底留監人數: it is not the stock before plus"):
        read("overview", whole("overview", [["78", "22047", "29925", "23627", "19375", "13790", "51972"]]))


def test_prisons() -> None:
    parsed = read("by_prison", whole("by_prison", PRISONS))
    found = by_locator(parsed, "facility", "measure", "legal_status", "definition", "value", "period_end")
    first = f"{SOURCE}:臺灣甲監獄"
    assert found["2:2"] == (first, "persons_held", "SENTENCED", None, 60, date(2008, 12, 31))
    assert found["2:6"] == (first, "persons_held", "SENTENCED", None, 160, date(2009, 12, 31))
    assert found["2:3"] == (first, "admissions", "SENTENCED", "movements", 66800, date(2009, 12, 31))
    assert found["4:4"] == (f"{SOURCE}:明陽中學", "releases", "SENTENCED", "movements", 2, date(2009, 12, 31))
    assert found["3:5"][3:5] == (None, 35)
    assert (parsed.items, len(found)) == (3 * 6 + 5, 3 * 5)
    assert {entry.locator.split(":", 1)[1]: entry.items for entry in parsed.left_out}["5:2"] == 5
    about = parsed.about["facility"]
    assert about["name"].tolist() == ["臺灣甲監獄", "福建乙監獄", "明陽中學"]
    assert set(about["facility"]) == set(parsed.rows["observation"]["facility"])


def test_releases_by_reason() -> None:
    parsed = read("release_reasons", whole("release_reasons", EXITS))
    found = by_locator(parsed, "measure", "legal_status", "definition", "value", "period_start")
    start = date(1991, 1, 1)
    assert found["2:2"] == ("deaths_in_custody", None, "executions", 1, start)
    assert found["2:3"] == ("releases", "SENTENCED", "sentence_served", 2, start)
    assert found["2:5"] == ("releases", "SENTENCED", "parole_shortened", 4, start)
    assert found["2:7"] == ("releases", "SENTENCED", "parole_life", 6, start)
    assert found["2:8"] == ("releases", "SENTENCED", "parole_fixed_term", 7, start)
    assert found["3:13"] == ("deaths_in_custody", None, "deaths_but_executions", 32, date(1992, 1, 1))
    # 16 reasons; treatment, escape, two ways of lending, transfer and "other" are no releases.
    assert (parsed.items, len(found), len(parsed.left_out)) == (32, 20, 12)
    assert all(entry.reason for entry in parsed.left_out)
    defined = source(SOURCE).definitions
    assert {row[2] for row in found.values()} <= set(defined)


def test_new_admissions() -> None:
    parsed = read("new_admissions", whole("new_admissions", BACK))
    assert by_locator(parsed, "measure", "definition", "value")["3:2"] == ("admissions", "first_offenders", 14426)
    back = parsed.rows["recidivism"].set_index("locator")
    keys = ["basis", "population", "definition", "returned", "cohort_size", "cohort_start", "cohort_end"]
    at = f"{NAMES['new_admissions']}:2:"
    year = [date(1991, 1, 1), date(1991, 12, 31)]
    of = ["admission_share", "admitted_prisoners"]
    assert back.loc[f"{at}3", keys].tolist() == [*of, "repeat_offenders", 2461, 20871, *year]
    assert back.loc[f"{at}4", keys].tolist() == [*of, "statutory_recidivists", 6093, 20871, *year]
    assert "rate_percent" not in back.columns
    assert back["note"].isna().all()
    assert (parsed.items, len(back)) == (6, 4)


@pytest.mark.parametrize(
    ("file", "table", "words"),
    [
        ("overview", changed(YEARS, 1, 0, "82"), ("row 3, column 民國", "82 does not follow")),
        ("overview", changed(YEARS, 1, 0, "1992"), ("row 3, column 民國", "'1992' is not a whole number from")),
        ("overview", changed(YEARS, 1, 0, "八十一"), ("row 3, column 民國", "'八十一' is not a number")),
        ("overview", changed(YEARS, 1, 2, "4O"), ("row 3, column 本年入監人數", "'4O' is not a number")),
        ("overview", changed(YEARS, 1, 2, ""), ("row 3, column 本年入監人數", "'' is not a number")),
        ("overview", changed(YEARS, 1, 2, "-40"), ("row 3, column 本年入監人數", "'-40' is not a whole number")),
        ("overview", changed(YEARS, 1, 6, "15"), ("row 3", "15 is not 上年底留監人數", "cut off")),
        ("overview", changed(YEARS, 1, 5, "29607"), ("row 3", "it is not the stock before plus")),
        ("overview", [YEARS[0], YEARS[1][:5]], ("row 3", "5 cells where the header has 7")),
        ("overview", [], ("there is a header and no rows",)),
        ("by_prison", changed(PRISONS, 0, 0, "臺北看守所"), ("'臺北看守所' is neither a prison",)),
        ("by_prison", changed(PRISONS, 3, 1, "106"), ("row 5", "106 is not the sum of the prisons, 105")),
        ("by_prison", changed(PRISONS, 3, 6, "166"), ("row 5", "'166' is not one of")),
        ("by_prison", PRISONS[:3], ("row 4, column 機關別", "'明陽中學' is not one of")),
        ("by_prison", changed(PRISONS, 1, 6, "141"), ("row 3", "141 is not 上年底留監人數")),
        ("release_reasons", changed(EXITS, 0, 17, "9"), ("row 2", "'9' is not one of")),
        ("release_reasons", changed(EXITS, 0, 16, "x"), ("row 2, column 其他", "'x' is not a number")),
        ("release_reasons", [EXITS[0], EXITS[1][:-1]], ("row 3", "17 cells where the header has 18")),
        ("overview", changed(YEARS, 1, 3, "3270"), (":3:4", "3,270 stands where the exits of the year in", "32,700")),
        (
            "overview",
            changed(YEARS, 0, 4, "208710"),
            ("208,710 stands where the new admissions of the year in totals", "20,871"),
        ),
        (
            "by_prison",
            [[row[0], row[2], row[1], *row[3:]] for row in PRISONS],
            (":2:3", "60 stands where 新入監人數, a part of them, add up to 42,300"),
        ),
        (
            "by_prison",
            changed(changed(PRISONS, 0, 5, "159"), 1, 5, "60"),
            (":2:6", "159 stands where the stock before and entries less exits add up to 160"),
        ),
        (
            "by_prison",
            changed(changed(PRISONS, 3, 4, "42335"), 0, 4, "42299"),
            (":5:5", "42,335 stands where the new admissions of the year in totals.csv add up to 42,336"),
        ),
        (
            "release_reasons",
            changed(EXITS, 1, 16, "3228"),
            (":3:17", "3,648 stands where the exits of the year in totals.csv add up to 32,700"),
        ),
        (
            "new_admissions",
            changed(BACK, 1, 1, "144260"),
            (":3:4", "154,699 stands where the new admissions of the year in totals.csv add up to 24,865"),
        ),
        ("new_admissions", changed(BACK, 0, 3, "8.5"), ("row 2, column 累犯", "'8.5' is not a whole number")),
        ("new_admissions", [BACK[0], BACK[0]], ("row 3, column 民國", "80 does not follow")),
        ("overview", YEARS[1:], ("row 2: the years are 81 to 81 where 80 to 81 are known",)),
        ("release_reasons", EXITS[:1], ("row 2: the years are 80 to 80 where 80 to 81 are known",)),
        ("new_admissions", BACK[:1], ("row 2: the years are 80 to 80 where 80 to 81 are known",)),
        (
            "new_admissions",
            [[year, again, first, law] for year, first, again, law in BACK],
            ("row 3, column 初犯: 5,610 stands where all years, when first read, add up to 26,743",),
        ),
        (
            "release_reasons",
            [[year, two, one, *rest] for year, one, two, *rest in EXITS],
            ("row 3, column 死刑之執行: 24 stands where all years, when first read, add up to 22",),
        ),
    ],
)
def test_what_is_not_known_is_refused(file: str, table: list[list[str]], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(file, whole(file, table))
    for part in (NAMES[file], *words):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("file", "header", "table"),
    [
        ("overview", OVERVIEW, YEARS),
        ("by_prison", BY_PRISON, PRISONS),
        ("release_reasons", REASONS, EXITS),
        ("new_admissions", NEW, BACK),
    ],
)
def test_another_header_is_refused(file: str, header: list[str], table: list[list[str]]) -> None:
    shifted = [*header[1:], header[0]]
    for other in (shifted, [*header[:1], "其它", *header[2:]]):
        with pytest.raises(Refused, match="row 1: the columns are not the expected ones"):
            read(file, whole(file, table, other))


def test_another_encoding_a_name_without_a_year_and_a_lost_end_are_refused() -> None:
    ended = delimited([BY_PRISON, *PRISONS])
    with pytest.raises(Refused, match="not big5 text|the columns are not the expected ones"):
        read("by_prison", ended)
    with pytest.raises(Refused, match="not UTF-8 text"):
        read("overview", unended([OVERVIEW, *YEARS]).decode().encode("big5"))
    with pytest.raises(Refused, match="does not bear the Republic's year"):
        read("by_prison", whole("by_prison", PRISONS), "年監所受刑人人數.csv")
    with pytest.raises(Refused, match="the last line does not end"):
        read("by_prison", whole("by_prison", PRISONS).rstrip(b"\r\n"))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    file, table = data.draw(
        st.sampled_from(
            [("overview", YEARS), ("by_prison", PRISONS), ("release_reasons", EXITS), ("new_admissions", BACK)]
        )
    )
    with contextlib.suppress(Refused):
        read(file, damaged(data, whole(file, table)))


# The publisher's files


@pytest.fixture(scope="module")
def real(raw: Path) -> dict[str, Parsed]:
    return {file: read(file, (raw / "taiwan" / name).read_bytes()) for file, name in NAMES.items()}


def plain(raw: Path, file: str) -> list[list[str]]:
    encoding = "big5" if file == "by_prison" else "utf-8"
    return list(csv.reader(io.StringIO((raw / "taiwan" / NAMES[file]).read_text(encoding=encoding))))


def of(parsed: Parsed, measure: str, definition: str | None = None) -> pd.Series[Any]:
    """Values by the year's last day, of the whole system."""
    frame = parsed.rows["observation"]
    same = frame["definition"].isna() if definition is None else frame["definition"] == definition
    return frame[same & (frame["measure"] == measure)].set_index("period_end")["value"]


def test_the_real_stock(real: dict[str, Parsed]) -> None:
    held = of(real["overview"], "persons_held")
    assert (held[date(1985, 12, 31)], held[date(1986, 12, 31)], held[date(2015, 12, 31)]) == (25641, 25246, 56948)
    assert held[date(2015, 12, 31)] == 57633 + 53776 - 54461
    assert len(held) == 31
    assert real["overview"].items == 30 * 6


def test_the_real_flows(real: dict[str, Parsed]) -> None:
    end = date(2015, 12, 31)
    overview = real["overview"]
    assert of(overview, "admissions", "movements")[end] == 53776
    assert of(overview, "releases", "movements")[end] == 54461
    assert of(overview, "admissions")[end] == 33864
    notes = overview.rows["observation"].set_index("locator")["note"].dropna()
    assert [locator.split(":", 1)[1] for locator in notes.index] == ["4:6", "6:6"]


def test_the_real_releases(raw: Path, real: dict[str, Parsed]) -> None:
    parsed, end = real["release_reasons"], date(2014, 12, 31)
    by_hand = {
        "parole_shortened": 10869, "parole_life": 43, "parole_fixed_term": 472, "sentence_served": 17863,
        "medical_bail": 229, "fine_labour_served": 1846,
    }  # fmt: skip
    assert {name: of(parsed, "releases", name)[end] for name in by_hand} == by_hand
    assert of(parsed, "deaths_in_custody", "deaths_but_executions")[end] == 134
    assert of(parsed, "deaths_in_custody", "executions")[end] == 5
    assert (parsed.items, len(parsed.rows["observation"])) == (29 * 16, 29 * 10)
    # All reasons together, transfers among them, are the exits of the overview, but for one year.
    exits = of(real["overview"], "releases", "movements")
    sums = {int(row[0]): sum(map(int, row[1:-1])) for row in plain(raw, "release_reasons")[1:]}
    differing = {year: total for year, total in sums.items() if exits[date(year + 1911, 12, 31)] != total}
    assert differing == {77: 29002}


def test_the_real_new_admissions(raw: Path, real: dict[str, Parsed]) -> None:
    back = real["new_admissions"].rows["recidivism"]
    last = back[back["cohort_end"] == date(2015, 12, 31)].set_index("definition")["returned"]
    assert last.to_dict() == {"repeat_offenders": 9179, "statutory_recidivists": 17081}
    of_year = back.set_index(["cohort_end", "definition"])[["cohort_size", "note"]]
    assert of_year.loc[date(2015, 12, 31), "cohort_size"].tolist() == [33864, 33864]
    noted = back[back["note"].notna()]
    assert set(noted["cohort_end"]) == {date(1990, 12, 31)} and set(noted["cohort_size"]) == {21123}
    new = of(real["overview"], "admissions")
    sums = {int(row[0]): sum(map(int, row[1:])) for row in plain(raw, "new_admissions")[1:]}
    assert {year for year, total in sums.items() if new[date(year + 1911, 12, 31)] != total} == {79}
    assert of(real["new_admissions"], "admissions", "first_offenders")[date(2015, 12, 31)] == 7604


def test_the_real_prisons_are_those_of_the_overview(real: dict[str, Parsed]) -> None:
    frame = real["by_prison"].rows["observation"]
    values = frame.set_index("locator")["value"]
    assert values[f"{NAMES['by_prison']}:2:6"] == 6030
    assert values[f"{NAMES['by_prison']}:25:6"] == 316
    held = frame[frame["measure"] == "persons_held"].groupby("period_end")["value"].sum()
    overview = of(real["overview"], "persons_held")
    assert held.to_dict() == {day: overview[day] for day in (date(2008, 12, 31), date(2009, 12, 31))}
    assert len(real["by_prison"].about["facility"]) == 25
    assert real["by_prison"].items == 25 * 6 + 5


@pytest.mark.parametrize(
    ("file", "before", "after", "words"),
    [
        ("overview", "98,52708,69300,66783,42336,", "98,52708,69300,66783,423360,", "423,360 stands where"),
        ("by_prison", "69300,66783,42336", "69300,42336,66783", "66783 is not the sum|42336 is not the sum"),
        ("release_reasons", "103,5,17863,", "103,5,178630,", "215,840 stands where .* add up to 55,073"),
        ("new_admissions", "7604,9179,17081", "7604,9179,1708", "18,491 stands where .* add up to 33,864"),
    ],
)
def test_the_real_files_mutilated(raw: Path, file: str, before: str, after: str, words: str) -> None:
    encoding = "big5" if file == "by_prison" else "utf-8"
    text = (raw / "taiwan" / NAMES[file]).read_bytes().decode(encoding)
    assert text.count(before) == 1
    with pytest.raises(Refused, match=words):
        read(file, text.replace(before, after).encode(encoding))


@pytest.mark.parametrize("file", ["overview", "release_reasons", "new_admissions"])
def test_no_two_columns_of_the_real_tables_may_change_places(raw: Path, file: str) -> None:
    header, *rows = plain(raw, file)
    figures = [at for at, name in enumerate(header) if at and name]
    for first, second in itertools.pairwise(figures):
        moved = [[*row[:first], row[second], *row[first + 1 : second], row[first], *row[second + 1 :]] for row in rows]
        with pytest.raises(Refused, match="stands where|is not"):
            read(file, unended([header, *moved]))


@pytest.mark.parametrize("file", ["overview", "release_reasons", "new_admissions"])
@pytest.mark.parametrize("lost", [0, -1])
def test_no_year_of_the_real_tables_may_be_lost(raw: Path, file: str, lost: int) -> None:
    table = plain(raw, file)
    del table[1 if lost == 0 else lost]
    with pytest.raises(Refused, match=r"the years are \d+ to \d+ where 75 to 10[34] are known"):
        read(file, unended(table))
