"""SISDEPEN's workbook: what a column counts, sums of the country, refusals, and that no personal number goes on."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from sources.errors import Refused
from sources.home import Home
from sources.reading import LeftOut, Parsed
from tests.sources.fixtures import complete, parse, workbook
from warehouse.by_hand import import_file

SOURCE, FILE = "sisdepen", "establishments"
NAME = "InfopenJunhode2020.xlsx"
JUNE, DECEMBER = "brazil/2020-06/InfopenJunhode2020.xlsx", "brazil/2019-12/infopen-dez-2019.xlsx"
PERSONAL = "Responsável pela Finalização"
FOLDER = Path(__file__).resolve().parents[2] / "sources" / SOURCE

POPULATION = "4.1 População prisional"
REMAND = f"{POPULATION} | Presos provisórios (sem condenação)"
CLOSED = f"{POPULATION} | Presos sentenciados - regime fechado"
EVERYBODY = f"{POPULATION} | Total"
CAPACITY = "1.3 Capacidade do estabelecimento"
OTHER_PLACES = f"{CAPACITY} | Outro(s). Qual(is)?"
ADMITTED = "4.5 Movimentação no Sistema Prisional (total do período de referência) | Entradas | Número de inclusões originárias"
SUICIDES = "6.8 Mortalidade no Sistema Prisional (total do período) | Óbitos suicídios"
RACE = "5.2 Quantidade de pessoas privadas de liberdade por cor de pele/raça/etnia | Branca | Masculino"
RECENT = "Estabelecimento destinado a diversos tipos de regime"


def header() -> list[str]:
    """The columns that the parser reads, in the publisher's order of sections, and one of another section."""
    with (FOLDER / "columns.csv").open(encoding="utf-8", newline="") as stream:
        known = [line["column"] for line in csv.DictReader(stream)]
    first = [
        "Situação de Preenchimento",
        PERSONAL,
        "Nome do Estabelecimento",
        "Situação do Estabelecimento",
        "Endereço",
    ]
    return [*first, "UF", "1.2 Tipo de estabelecimento - originalmente destinado", *known, RACE]


HEADER = header()


def line(name: str, personal: str = "98765432100", **changes: Any) -> list[Any]:
    """A prison of Acre with ten men on remand and five women in the closed regime, but for the changes."""
    cells: dict[str, Any] = dict.fromkeys(HEADER)
    cells |= {
        "Situação de Preenchimento": "Validado", PERSONAL: personal, "Nome do Estabelecimento": name,
        "Situação do Estabelecimento": "Ativo", "UF": "AC", HEADER[6]: RECENT,
        f"{REMAND} | Justiça Estadual Masculino": 8, f"{REMAND} | Justiça Federal Masculino": 2, f"{REMAND} | Total": 10,
        f"{CLOSED} | Justiça Estadual Feminino": 5, f"{CLOSED} | Total": 5, EVERYBODY: 15,
        f"{CAPACITY} | Masculino | Total": 9, f"{CAPACITY} | Feminino | Total": 4,
        f"{ADMITTED} | Masculino": 3, f"{ADMITTED} | Total": 3, f"{SUICIDES} | Total": 0, RACE: 6,
    }  # fmt: skip
    for key, value in changes.items():
        name_of = {"state": "UF", "kind": HEADER[6], "other": OTHER_PLACES, "total": EVERYBODY}.get(key, key)
        assert name_of in cells
        cells[name_of] = value
    return list(cells.values())


#: Two prisons, one of another state, and a virtual unit.
TABLE = [
    line("PRESÍDIO A", "11144477735"),
    line("PRESÍDIO A", "22255588846", state="SP"),
    line("CENTRAL DE MONITORAÇÃO ELETRÔNICA", "33366699957", kind="Outro : Central"),
]
NUMBERS = ["11144477735", "22255588846", "33366699957"]


def book(*table: list[Any], head: list[Any] = HEADER) -> bytes:
    return workbook({"Sheet0": [head, *table]})


def read(data: bytes, name: str = NAME) -> Parsed:
    return parse(SOURCE, FILE, name, data)


def frame_of(parsed: Parsed) -> pd.DataFrame:
    return complete(SOURCE, FILE, parsed)[0]


def without(column: str) -> Callable[[list[Any]], list[Any]]:
    at = HEADER.index(column)
    return lambda cells: [*cells[:at], *cells[at + 1 :]]


def test_cells_of_an_establishment() -> None:
    parsed = read(book(*TABLE))
    assert parsed.vintage == "2020-06-30"
    frame = frame_of(parsed)
    first = frame[frame["facility"] == "sisdepen:AC:PRESÍDIO A"]
    keys = ["measure", "sex", "legal_status", "cause", "value", "period_kind"]
    assert sorted(first[keys].itertuples(index=False, name=None)) == [
        ("admissions", "M", "_T", "_Z", 3, "during"),
        ("admissions", "_T", "_T", "_Z", 3, "during"),
        ("deaths_in_custody", "_T", "_Z", "SUICIDE", 0, "during"),
        ("official_capacity", "F", "_Z", "_Z", 4, "point"),
        ("official_capacity", "M", "_Z", "_Z", 9, "point"),
        ("persons_held", "_T", "SENTENCED_CLOSED", "_Z", 5, "point"),
        ("persons_held", "_T", "UNSENTENCED", "_Z", 10, "point"),
        ("persons_held", "_T", "_T", "_Z", 15, "point"),
    ]
    assert set(first["place_id"]) == {"BRA-AC"}
    assert set(first[first["period_kind"] == "point"]["period_start"]) == {date(2020, 6, 30)}
    assert set(first[first["period_kind"] == "during"]["period_start"]) == {date(2020, 1, 1)}
    assert set(first["period_end"]) == {date(2020, 6, 30)}
    assert first["definition"].isna().all()


def test_a_virtual_unit_is_under_supervision_and_not_in_custody() -> None:
    parsed = read(book(*TABLE))
    frame = frame_of(parsed)
    (found,) = frame[frame["facility"] == "sisdepen:AC:CENTRAL DE MONITORAÇÃO ELETRÔNICA"].to_dict("records")
    assert (found["measure"], found["supervision"], found["value"], found["definition"]) == (
        "persons_under_supervision",
        "ELECTRONIC_MONITORING",
        15,
        "virtual_unit",
    )
    facility = parsed.about["facility"]
    assert facility["kind"].tolist() == ["prison", "prison", "not_custody"]
    assert facility["kind_text"].tolist() == [RECENT, RECENT, "Outro : Central"]
    assert facility["locator"].tolist() == ["Sheet0!C2", "Sheet0!C3", "Sheet0!C4"]


def test_sums_of_the_country() -> None:
    frame = frame_of(read(book(*TABLE)))
    country = frame[frame["place_id"] == "BRA"]
    assert set(country["facility"]) == {"_T"}
    keys = ["measure", "sex", "legal_status"]
    sums = country.set_index(keys)["value"].to_dict()
    assert sums["persons_held", "_T", "_T"] == 30
    assert sums["persons_held", "M", "_T"] == 20
    assert sums["persons_held", "F", "_T"] == 10
    assert sums["persons_held", "M", "UNSENTENCED"] == 20
    assert sums["persons_held", "_T", "SENTENCED"] == sums["persons_held", "F", "SENTENCED"] == 10
    assert sums["official_capacity", "_T", "_Z"] == 26
    assert sums["persons_under_supervision", "_T", "_Z"] == 15
    assert sums["persons_under_correctional_supervision", "_T", "_Z"] == 45
    held = country[(country["measure"] == "persons_held") & (country["sex"] == "_T")].set_index("legal_status")
    assert held["note"]["_T"] == "sum of 2 establishments in the file"
    # The columns, and the rows of prisons, of virtual units and of both.
    assert re.fullmatch(r"Sheet0![A-Z]+\[2-3\]", held["locator"]["_T"])
    supervised = country[country["sex"] == "_T"].drop_duplicates("measure").set_index("measure")["locator"]
    assert re.fullmatch(r"Sheet0![A-Z]+\[4\]", supervised["persons_under_supervision"])
    assert re.fullmatch(r"Sheet0![A-Z]+\[2-4\]", supervised["persons_under_correctional_supervision"])
    # A regime that nobody gives is no sum of nothing.
    assert ("persons_held", "_T", "SENTENCED_OPEN") not in sums


def test_an_empty_cell_is_nothing_and_a_zero_is_a_figure() -> None:
    frame = frame_of(read(book(line("PRESÍDIO A", **{f"{SUICIDES} | Total": None, f"{ADMITTED} | Masculino": 0}))))
    assert frame[frame["measure"] == "deaths_in_custody"].empty
    assert frame[(frame["measure"] == "admissions") & (frame["sex"] == "M")]["value"].tolist() == [0, 0]


def test_each_column_that_is_not_read_says_why() -> None:
    parsed = read(book(*TABLE))
    entries = {entry.raw["column"]: entry for entry in parsed.left_out}
    assert entries[RACE].items == 3
    assert "race" in entries[RACE].reason
    assert entries[f"{REMAND} | Justiça Estadual Masculino"].items == 3
    assert entries[f"{CAPACITY} | Masculino | Total"].items == 1  # of the virtual unit
    assert "not in custody" in entries[f"{CAPACITY} | Masculino | Total"].reason
    assert EVERYBODY not in entries
    assert all(list(entry.raw) == ["column"] for entry in parsed.left_out)


def everything(parsed: Parsed) -> str:
    """All that a parser hands on, as one text."""
    frames = [*parsed.rows.values(), *parsed.about.values()]
    said = [frame.astype(object).to_csv() for frame in frames]
    return "\n".join([*said, *(json.dumps(vars(entry), ensure_ascii=False) for entry in parsed.left_out)])


def test_the_personal_number_goes_nowhere() -> None:
    text = everything(read(book(*TABLE)))
    assert "PRESÍDIO A" in text
    assert not [number for number in NUMBERS if number in text]
    assert PERSONAL not in text


@pytest.mark.parametrize("personal", ["11144477735", "111.444.777-35", 11144477735])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda cells: [*cells[1:], None],  # shifted to the left: the number stands in the first column
        lambda cells: [None, *cells[:-1]],  # to the right: it stands for the name
        lambda cells: [*cells[:5], cells[1], *cells[6:]],  # for the state
        lambda cells: [*cells[:6], cells[1], *cells[7:]],  # for the kind
        lambda cells: [*cells[:5], "ZZ", *cells[6:]],
        lambda cells: [*cells[:6], "Casa", *cells[7:]],
        lambda cells: [*cells[:30], cells[1], *cells[31:]],  # for figures
        lambda cells: [*cells[:1], None, cells[1], *cells[3:]],
        lambda cells: [*cells[:1], None, *cells[2:50], cells[1], *cells[51:]],
        lambda cells: [*cells[:1], "x", *cells[2:50], cells[1], *cells[51:]],
        lambda cells: [*cells[:1], "x", *cells[2:5], cells[1], *cells[6:]],
        lambda cells: [*cells[:1], "x", cells[1], *cells[3:]],
    ],
)
def test_no_refusal_shows_the_personal_number(wrong: Callable[[list[Any]], list[Any]], personal: Any) -> None:
    cells = line("PRESÍDIO A")
    cells[1] = personal
    with pytest.raises(Refused) as refused:
        read(book(wrong(cells)))
    assert not re.search(r"111\W*444\W*777\W*35|1\.1144477735", str(refused.value))


#: Invented numbers as a form may hold them, and what may be said of each.
LONG = [
    ("11144477735", 11), (11144477735, 11), ("111.444.777-35", 11), ("111 444 777 / 35", 11), (32221234, 8),
    ("3222-1234", 8), ("(68) 3222-1234", 10), ("+55 (68) 93222-1234", 13), ("tel. 3222 1234, Ana", 8), (-32221234, 8),
    (32221234.5, 9), (0.32221234, 9),
]  # fmt: skip


@pytest.mark.parametrize(("number", "digits"), LONG)
def test_of_a_long_number_among_the_figures_only_its_length_is_said(number: Any, digits: int) -> None:
    with pytest.raises(Refused) as refused:
        read(book(line("PRESÍDIO A", total=number)))
    assert f": a number of {digits} digits is not a whole number from 0 to 999,999" in str(refused.value)
    assert not re.search(r"3222|1234|111|777", str(refused.value))


@pytest.mark.parametrize("place", ["state", "kind", "Nome do Estabelecimento", "Situação do Estabelecimento"])
@pytest.mark.parametrize("number", ["3222-1234", "Outro : (68) 3222-1234", 32221234])
def test_no_telephone_number_stands_among_the_words(place: str, number: Any) -> None:
    with pytest.raises(Refused, match="not words, or a long number is in them") as refused:
        read(book(line("PRESÍDIO A", **{place: number})))
    assert "3222" not in str(refused.value)


@pytest.mark.parametrize("number", ["111.444.777-35", "(68) 3222-1234"])
def test_a_long_number_is_in_no_output_record_or_log(
    number: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where the file is refused for it, nor where it stands in a column that is left out."""
    path, home = tmp_path / NAME, Home(tmp_path / "home")
    path.write_bytes(book(line("PRESÍDIO A", total=number)))
    with pytest.raises(Refused, match="a number of 1. digits") as refused:
        import_file(home, SOURCE, path)
    assert not [found for found in home.root.rglob("*") if found.is_file()]
    left = everything(read(book(line("PRESÍDIO A", number, **{"Endereço": f"Rua 1, {number}"}))))
    assert "Endereço" in left
    assert not [text for text in (str(refused.value), *capfd.readouterr(), caplog.text, left) if number in text]


def test_a_file_without_its_header_shows_nobody() -> None:
    for head in (line("PRESÍDIO A", "11144477735"), ["11144477735"], HEADER[1:], [HEADER[0], *HEADER[2:], PERSONAL]):
        with pytest.raises(Refused, match="column B is not 'Responsável") as refused:
            read(book(*TABLE, head=head))
        assert "11144477735" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "XX"}, ("row 3", "column UF", "BRA-XX")),
        ({"state": ""}, ("row 3", "column F", "'UF' is empty")),
        ({"kind": "Casa"}, ("row 3", "column G", "'Casa' is not a kind")),
        ({"Situação do Estabelecimento": "Inativo"}, ("row 3", "'Inativo' is not 'Ativo'")),
        ({"Situação de Preenchimento": "Pendente"}, ("row 3", "'Pendente' is not 'Validado'")),
        ({"total": 16}, ("row 3", "is 16, but its parts add up to 15")),
        ({"total": None}, ("row 3", "is None, but its parts add up to 15")),
        ({f"{REMAND} | Justiça Federal Masculino": 3}, ("row 3", "is 10, but its parts add up to 11")),
        ({"total": "15"}, ("row 3", "'15' is not a whole number")),
        ({"total": "1S"}, ("row 3", "'1S' is not a whole number")),
        ({"total": 15.5}, ("row 3", "15.5 is not a whole number")),
        ({"total": -15}, ("row 3", "-15.0 is not a whole number")),
        ({f"{CAPACITY} | Masculino | Total": 1_000_000}, ("row 3", "1000000.0 is not a whole number")),
        ({"other": "Tornozeleira"}, ("row 3", "speaks of monitoring", "monitoring.csv")),
        ({"kind": "Outro : unidade virtual"}, ("row 3", "speaks of monitoring")),
    ],
)
def test_a_cell_that_is_not_known_is_refused(change: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(book(line("PRESÍDIO B"), line("PRESÍDIO A", **change)))
    for part in (NAME, *words):
        assert part in str(refused.value)


def test_a_prison_that_was_looked_at_may_speak_of_monitoring() -> None:
    parsed = read(book(line("UNIDADE PENITENCIARIA EVARISTO DE MORAES", other="Equipamentos de Monitoramento")))
    assert parsed.about["facility"]["kind"].tolist() == ["prison"]


def test_the_same_establishment_twice_is_refused() -> None:
    with pytest.raises(Refused, match="row 3, column Nome do Estabelecimento: an establishment of this name"):
        read(book(line("PRESÍDIO A"), line("PRESÍDIO A", "22255588846")))


@pytest.mark.parametrize(
    "column", ["UF", "Nome do Estabelecimento", EVERYBODY, f"{CLOSED} | Justiça Estadual Feminino", OTHER_PLACES]
)
def test_a_missing_a_renamed_and_a_doubled_column_are_refused(column: str) -> None:
    drop = without(column)
    with pytest.raises(Refused, match="missing") as refused:
        read(book(*map(drop, TABLE), head=drop(HEADER)))
    assert column in str(refused.value)
    with pytest.raises(Refused, match=r"neither columns\.csv nor groups\.csv"):
        read(book(*TABLE, head=[f"{c} (novo)" if c == column else c for c in HEADER]))
    with pytest.raises(Refused, match="stands there twice"):
        read(book(*([*cells, None] for cells in TABLE), head=[*HEADER, column]))


@pytest.mark.parametrize("new", ["8.1 Nova seção | Total", f"{POPULATION} | Regime novo | Total", "Outra"])
def test_a_new_column_is_refused(new: str) -> None:
    with pytest.raises(Refused, match=r"row 1, column [A-Z]+: the column's name is in neither"):
        read(book(*([*cells, 1] for cells in TABLE), head=[*HEADER, new]))


@pytest.mark.parametrize("name", ["Infopen2020.xlsx", "infopen-mar-2020.xlsx", "InfopenJunho.xlsx"])
def test_a_name_without_a_half_year_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="the name does not end in the half-year"):
        read(book(*TABLE), name)


def test_december_is_the_second_half_year() -> None:
    parsed = read(book(*TABLE), "infopen-dez-2019.xlsx")
    frame = parsed.rows["observation"]
    assert parsed.vintage == "2019-12-31"
    assert set(frame[frame["period_kind"] == "during"]["period_start"]) == {date(2019, 7, 1)}


def test_a_file_that_is_no_whole_workbook_is_refused() -> None:
    for data in (b"", book(*TABLE)[:500], workbook({"Plan1": [HEADER]}), book(), workbook({"Sheet0": []})):
        with pytest.raises(Refused, match=NAME):
            read(data)


# The publisher's files. Values were looked up in the workbook's XML.


@pytest.fixture(scope="module")
def june(raw: Path) -> Parsed:
    return read((raw / JUNE).read_bytes())


@pytest.fixture(scope="module")
def december(raw: Path) -> Parsed:
    return read((raw / DECEMBER).read_bytes(), "infopen-dez-2019.xlsx")


def column_sum(path: Path, letters: str) -> tuple[int, float]:
    """Filled cells of a column and their sum, from the XML alone."""
    with zipfile.ZipFile(path) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
    values = re.findall(rf'<c r="{letters}[0-9]+"(?: s="\d+")?(?: t="n")?><v>([^<]*)</v>', xml)
    return len(values), sum(map(float, values))


def country(parsed: Parsed) -> dict[tuple[str, ...], float]:
    frame = frame_of(parsed)
    of = frame[frame["facility"] == "_T"]
    keys = ["measure", "sex", "legal_status", "cause"]
    return dict(zip(of[keys].itertuples(index=False, name=None), of["value"], strict=True))


def test_the_real_june_2020(raw: Path, june: Parsed) -> None:
    sums = country(june)
    everybody = "persons_under_correctional_supervision"
    assert column_sum(raw / JUNE, "PT") == (1444, 753966)
    assert sums[everybody, "_T", "_Z", "_Z"] == 753966
    assert sums["persons_under_supervision", "_T", "_Z", "_Z"] == 51897
    assert sums["persons_held", "_T", "_T", "_Z"] == 753966 - 51897
    assert sums[everybody, "M", "_Z", "_Z"] + sums[everybody, "F", "_Z", "_Z"] == 753966
    facility = june.about["facility"]
    assert (len(facility), (facility["kind"] == "not_custody").sum()) == (1444, 49)
    assert facility["place_id"].nunique() == 27
    assert (june.vintage, june.rows["observation"]["period_end"].iloc[0]) == ("2020-06-30", date(2020, 6, 30))


def test_the_real_december_2019(raw: Path, december: Parsed) -> None:
    sums = country(december)
    assert column_sum(raw / DECEMBER, "PT") == (1435, 748009)
    assert sums["persons_under_correctional_supervision", "_T", "_Z", "_Z"] == 748009
    parts = (
        sums["persons_held", "_T", s, "_Z"]
        for s in (
            "UNSENTENCED",
            "SENTENCED_CLOSED",
            "SENTENCED_SEMI_OPEN",
            "SENTENCED_OPEN",
            "SECURITY_MEASURE_INPATIENT",
            "SECURITY_MEASURE_OUTPATIENT",
        )
    )
    assert (
        sum(parts)
        == sums["persons_held", "_T", "_T", "_Z"]
        == 748009 - sums["persons_under_supervision", "_T", "_Z", "_Z"]
    )


def test_the_real_cells(june: Parsed, december: Parsed) -> None:
    cells = june.rows["observation"].set_index("locator")
    evaristo = {at: cells["value"][f"Sheet0!{at}13"] for at in ("PT", "OJ", "OQ", "OX", "PL", "AL", "AM", "QP")}
    assert evaristo == {"PT": 535, "OJ": 199, "OQ": 311, "OX": 24, "PL": 1, "AL": 609, "AM": 41, "QP": 1}
    assert cells["facility"]["Sheet0!PT13"] == "sisdepen:AC:UNIDADE PENITENCIARIA EVARISTO DE MORAES"
    assert (cells["measure"]["Sheet0!PT34"], cells["value"]["Sheet0!PT34"]) == ("persons_under_supervision", 3518)
    assert not {"Sheet0!OX34", "Sheet0!AL34", "Sheet0!QG34"} & set(cells.index)
    assert cells["value"]["Sheet0!AL900"] == 288
    earlier = december.rows["observation"].set_index("locator")
    assert (earlier["measure"]["Sheet0!PT5"], earlier["value"]["Sheet0!PT5"]) == ("persons_under_supervision", 1724)
    assert (earlier["measure"]["Sheet0!PT13"], earlier["value"]["Sheet0!OQ13"]) == ("persons_held", 485)


@pytest.mark.parametrize(("path", "which"), [(JUNE, "june"), (DECEMBER, "december")])
def test_the_real_files_show_no_personal_number(
    raw: Path, path: str, which: str, request: pytest.FixtureRequest
) -> None:
    sheet = CalamineWorkbook.from_path(str(raw / path)).get_sheet_by_name("Sheet0").to_python(skip_empty_area=False)
    numbers = {re.sub(r"\D", "", str(row[1])) for row in sheet[1:]}
    assert len(numbers) > 100
    assert {len(number) for number in numbers} == {11}
    text = everything(request.getfixturevalue(which))
    assert not numbers & set(re.findall(r"\d{11}", text))
    assert not [n for n in numbers if n in text or f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}" in text]
    assert not {n.lstrip("0") for n in numbers} & set(re.findall(r"\d{9,}", text))


@pytest.mark.parametrize(("path", "which"), [(JUNE, "june"), (DECEMBER, "december")])
def test_the_real_items_are_the_filled_cells(raw: Path, path: str, which: str, request: pytest.FixtureRequest) -> None:
    head, *body = (
        CalamineWorkbook.from_path(str(raw / path)).get_sheet_by_name("Sheet0").to_python(skip_empty_area=False)
    )
    describing = {0, 1, 2, 3, 9, 14}  # columns A to D, J and O
    filled = sum(cell != "" for row in body for at, cell in enumerate(row) if at not in describing)
    parsed: Parsed = request.getfixturevalue(which)
    frame = parsed.rows["observation"]
    out: list[LeftOut] = parsed.left_out
    of_establishments = (frame["facility"] != "_T").sum()
    assert of_establishments + sum(entry.items for entry in out) == filled
    assert parsed.items == filled + (frame["facility"] == "_T").sum()
    assert len({entry.locator for entry in out}) == len(out) <= len(head)
