"""France's workbook of fifty sheets: layout, refusals, the link on the listing page, and the real files."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from sources import france_prisons
from sources.asked import Link
from sources.errors import Refused
from sources.france_prisons.discover import FILES, PAGE, PAGES, SERIES, TITLE, discover, later, workbook, workbooks
from sources.reading import Parsed
from tests.sources import fixtures
from tests.sources.fixtures import damaged, parse
from tests.sources.mutated import Change, drop, parse_with, put, swap

SOURCE, FILE = "france_prisons", "statistique_etablissements"
NAME = "statistique_etablissements_personnes_ecrouees_01032026.xlsx"
Sheets = dict[str, list[list[Any]]]

NATIONAL = "Champ : Métropole et Outre-Mer"
UPDATED = "Effectifs actualisés au 1er mars 2026"
NOTE = "Source : GENESIS / Traitement : DGAP-SSER"
FIVE = [[UPDATED], [NATIONAL], [NOTE], []]
SIX = [[UPDATED], [NATIONAL], [NOTE], ["Places opérationnelles : Ministère de la Justice"], []]
SEVEN = [[UPDATED], [NATIONAL], ["Sources :"], [NOTE], [NOTE], []]
WOMEN = ["Date", "PR", "CP", "CO détenues", "Femmes détenues", "CO non détenues", "Femmes écrouées"]
MINORS = ["Date", "PR", "CP", "CO détenus", "Détenus mineurs", "CO non détenus", "Ecroués mineurs"]
ESTABLISHMENTS = [
    "Etablissement", "Quartier (1)", "Capacité norme circulaire", "Capacité opérationnelle", "Ecroués détenus",
    "Densité carcérale",
]  # fmt: skip


def directorate(*table: list[str], total: list[str]) -> list[list[Any]]:
    head = [[UPDATED], ["Champ : Direction Interrégionale de Ville"], [NOTE], [NOTE], [], ESTABLISHMENTS]
    return [*head, *table, ["Direction Interrégionale", "Total", *total], ["(1) Une remarque."]]


def sheets() -> Sheets:
    """All sheets, with few rows; titles and names are the publisher's, figures are made up."""
    with (Path(france_prisons.__path__[0]) / "sheets.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    titles = {row["sheet"]: row["title"] or "Les chiffres au 1er mars 2026" for row in listed}
    head: list[list[Any]] = [[UPDATED], [NATIONAL], [NOTE]]
    tables: Sheets = {row["sheet"]: [*head, *([["Total", 1]] if row["kind"] == "left_out" else [])] for row in listed}
    tables["Chiffres_cles"] = [[], ["Catégories", "Au 1er du mois"], ["Matelas au sol", 77], ["Total", "1 020"]]
    tables["Tab7"] = [
        *head,
        [],
        ["Direction Interrégionale", "Ecroués détenus"],
        ["DISP DIJON", 5],
        ["DISP LYON", "NC"],
    ]
    tables["Tab1"] = [
        *FIVE,
        ["Niveau", "Ecroués détenus", "Ecroués non détenus", "Total écroués"],
        ["Métropole", 1000, 20, 1020],
        ["Outre-Mer", 100, 2, 102],
        ["Total France entière", 1100, 22, 1122],
    ]
    tables["Tab2"] = [
        *FIVE,
        ["Date", "PR", "CP", "CO", "Ecroués détenus", "Variation mensuelle", "Pourcentage de prévenus"],
        ["2026-02-01", 1000, 6, 64, 1070, "--", "93,5 %"],
        ["2026-03-01", 1033, 7, 60, 1100, "2,8 %", "93,9 %"],
    ]
    tables["Tab6"] = [
        *SIX,
        ["Niveau", "Capacité norme circulaire", "Capacité opérationnelle", "Ecroués détenus", "Densité carcérale"],
        ["Métropole", 1053, 1047, 1000, "95,5 %"],
        ["Outre-Mer", 100, 90, 100, "111,1 %"],
        ["Total France entière", 1153, 1137, 1100, "96,7 %"],
        ["Densité carcérale : une remarque."],
    ]
    tables["Tab12"] = [
        *FIVE,
        [None, "Métropole", "Outre-Mer", "Total France entière"],
        ["Femmes PR", "30", "3", "33"],
        ["Hommes PR", "905", "95", "1 000"],
        ["Total PR", "935", "98", "1 033"],
        ["Femmes CO et CP", "9", "1", "10"],
        ["Hommes CO et CP", "56", "1", "57"],
        ["Total CO et CP", "65", "2", "67"],
        ["Femmes", "39", "4", "43"],
        ["Hommes", "961", "96", "1 057"],
        ["Total détenus", "1 000", "100", "1 100"],
    ]
    tables["Tab27"] = [
        *FIVE,
        [*MINORS, "Variation mensuelle"],
        ["2026-02-01", 4, 0, 2, 6, 1, 7, "--"],
        ["2026-03-01", 5, 1, 2, 8, 3, 11, "57,1 %"],
        ["Effectifs mineurs garçons et filles confondus."],
    ]
    tables["Tab34"] = [
        *FIVE,
        [*WOMEN, "Variation mensuelle"],
        ["2026-02-01", 31, 1, 8, 40, 2, 42, "--"],
        ["2026-03-01", 33, 2, 8, 43, 4, 47, "11,9 %"],
    ]
    tables["Tab37"] = [
        *SEVEN,
        ["Date", "PR", "CP", "CO", "dont SL", "dont PEH", "Détenus", "DDSE", "PENH", "Ecroués", "Variation mensuelle"],
        ["2026-02-01", 1000, 6, 64, 4, 1, 1070, 19, 2, 1091, "--"],
        ["2026-03-01", 1033, 7, 60, 4, 1, 1100, 20, 2, 1122, "2,8 %"],
        ["Sont pris en compte à la fois les DDSE, PEH, PENH et SL."],
    ]
    for number in range(15, 24):
        counts = ["10", "9", "1", "11,1 %"]
        rows = [[f"MA VILLE {number}", "MA/QMA", *counts], ["Total", "MA/QMA", *counts]]
        tables[f"Tab{number}"] = directorate(*rows, total=counts)
    tables["Tab14"] = directorate(
        ["CD MUR", "CD/QCD", "55", "50", "49", "98,0 %"],
        ["CP BAIE", "CD/QCD", "6", "5", "NC", "NC"],
        ["Total", "CD/QCD", "61", "55", "52", "94,5 %"],
        ["CP BAIE", "MA/QMA", "1 002", "1 001", "1 035", "103,4 %"],
        ["Total", "MA/QMA", "1 002", "1 001", "1 035", "103,4 %"],
        ["CP BAIE", "SAS", "0", "0", "4", "Inf"],
        ["Total", "SAS", "0", "0", "4", "Inf"],
        total=["1 063", "1 056", "1 091", "103,3 %"],
    )
    return {name: [[titles[name]], *map(list, table)] for name, table in tables.items()}


def made(table: Sheets) -> bytes:
    """The workbook; a short row ends where its table does, as in the publisher's."""
    return fixtures.workbook(table)


def read(data: bytes) -> Parsed:
    return parse(SOURCE, FILE, NAME, data)


def change(sheet: str, row: int, column: int, to: Any) -> Callable[[Sheets], None]:
    """Set one cell; row 1 is the first."""

    def apply(table: Sheets) -> None:
        table[sheet][row - 1][column] = to

    return apply


def changes(sheet: str, cells: Mapping[tuple[int, int], Any]) -> Callable[[Sheets], None]:
    """Set several cells of a sheet, so that all sums hold but one."""

    def apply(table: Sheets) -> None:
        for (row, column), to in cells.items():
            change(sheet, row, column, to)(table)

    return apply


KEYS = ["dataset", "measure", "sex", "age", "legal_status", "supervision", "definition"]


def counts(parsed: Parsed, facility: str = "_T") -> dict[str, tuple[Any, ...]]:
    """Of each locator, what it counts and how many."""
    frame = parsed.rows["observation"]
    chosen = frame[frame["facility"] == facility].astype(object)
    chosen = chosen.where(chosen.notna(), None)
    return {row["locator"]: (*(row[k] for k in KEYS), row["value"]) for row in chosen.to_dict("records")}


def test_the_national_figures() -> None:
    parsed = read(made(sheets()))
    assert parsed.vintage == "2026-03-01"
    held, register, sentenced = "persons_held", "persons_on_prison_register", "SENTENCED"
    found = counts(parsed)
    both, alone = "convicted_and_awaiting_trial", "convicted_only"
    expected = {
        "Tab1!C9": ("Tab1", register, None, None, None, None, "not_detained", 22),
        "Tab2!B8": ("Tab2", held, None, None, "UNSENTENCED", None, None, 1033),
        "Tab2!C8": ("Tab2", held, None, None, sentenced, None, both, 7),
        "Tab2!D8": ("Tab2", held, None, None, sentenced, None, alone, 60),
        "Tab2!E8": ("Tab2", held, None, None, None, None, None, 1100),
        "Tab2!E7": ("Tab2", held, None, None, None, None, None, 1070),
        "Tab6!B10": ("Tab6", "official_capacity", None, None, None, None, "circular_norm", 1153),
        "Tab6!C10": ("Tab6", "official_capacity", None, None, None, None, None, 1137),
        "Tab12!D8": ("Tab12", held, "M", None, "UNSENTENCED", None, None, 1000),
        "Tab12!D10": ("Tab12", held, "F", None, sentenced, None, None, 10),
        "Tab12!D11": ("Tab12", held, "M", None, sentenced, None, None, 57),
        "Tab12!D12": ("Tab12", held, None, None, sentenced, None, None, 67),
        "Tab12!D14": ("Tab12", held, "M", None, None, None, None, 1057),
        "Tab27!E8": ("Tab27", held, None, "JUVENILE", None, None, None, 8),
        "Tab27!F8": ("Tab27", register, None, "JUVENILE", sentenced, None, "not_detained", 3),
        "Tab27!G8": ("Tab27", register, None, "JUVENILE", None, None, None, 11),
        "Tab34!B8": ("Tab34", held, "F", None, "UNSENTENCED", None, None, 33),
        "Tab34!D8": ("Tab34", held, "F", None, sentenced, None, alone, 8),
        "Tab34!G8": ("Tab34", register, "F", None, None, None, None, 47),
        "Tab37!H10": (
            "Tab37", "persons_under_supervision", None, None, None, "ELECTRONIC_MONITORING", "ddse_on_register", 20,
        ),
        "Tab37!J10": ("Tab37", register, None, None, None, None, None, 1122),
    }  # fmt: skip
    assert {at: found.get(at) for at in expected} == expected
    # Tab1 1, Tab6 2, Tab12 5; of two months each Tab2 4, Tab27 and Tab34 6, Tab37 2.
    assert len(found) == 1 + 2 + 5 + 2 * (4 + 6 + 6 + 2)

    frame = parsed.rows["observation"].set_index("locator")
    assert frame.loc["Tab2!E7", "period_start"] == frame.loc["Tab2!E7", "period_end"] == date(2026, 2, 1)
    assert frame.loc["Tab1!C9", "period_end"] == date(2026, 3, 1)
    assert set(frame["period_kind"]) == {"point"}
    assert set(frame["place_id"]) == {"FRA"}


def test_establishments() -> None:
    parsed = read(made(sheets()))
    frame = parsed.rows["observation"]
    bay = frame[frame["facility"] == "france_prisons:CP BAIE MA/QMA"].set_index("locator")
    assert bay["value"].to_dict() == {"Tab14!C11": 1002, "Tab14!D11": 1001, "Tab14!E11": 1035}
    assert bay["measure"].tolist() == ["official_capacity", "official_capacity", "persons_held"]
    assert bay["definition"].tolist()[0] == "circular_norm"
    assert pd.isna(bay["definition"].iloc[1])
    assert set(bay["period_end"]) == {date(2026, 3, 1)}

    hidden = frame[frame["status"] == "M"]
    assert hidden["locator"].tolist() == ["Tab14!E9"]
    assert hidden["value"].isna().all()
    assert "secr" in hidden["note"].iloc[0]
    empty = frame.set_index("locator").loc["Tab14!D13"]
    assert (empty["value"], empty["status"]) == (0, "A")

    about = parsed.about["facility"].set_index("facility")
    assert len(about) == 4 + 9
    assert about.loc["france_prisons:CP BAIE SAS", ["name", "kind", "kind_text"]].tolist() == ["CP BAIE", "unit", "SAS"]
    assert about.loc["france_prisons:CD MUR CD/QCD", "kind"] == "prison"
    assert about.loc["france_prisons:CD MUR CD/QCD", "note"] == "Direction Interrégionale de Ville"
    assert set(frame["facility"]) == {"_T", *about.index}


def test_every_figure_is_a_row_or_left_out_with_a_reason() -> None:
    parsed = read(made(sheets()))
    entries = {entry.locator: entry for entry in parsed.left_out}
    assert all(entry.reason for entry in parsed.left_out)
    assert (entries["Chiffres_cles!A1:B5"].items, entries["Tab7!A1:B8"].items) == (2, 2)
    assert entries["Tab9!A1:B5"].items == 1
    assert (entries["Tab14!C10"].items, entries["Tab14!F9"].items) == (4, 1)
    assert entries["Tab1!B9"].reason == "repeats Tab2"
    assert entries["Tab2!G8"].raw["cell"] == "93,9 %"
    # Counted by hand in the fixture: Chiffres_cles 2, Tab7 2, 20 sheets of 1, Tab1 9, Tab2 12, Tab6 12, Tab12 27, Tab27 14, Tab34 14,
    # Tab37 20, Tab14 eight rows of 4, Tab15 to Tab23 three rows of 4 each.
    assert parsed.items == 2 + 2 + 20 + 9 + 12 + 12 + 27 + 14 + 14 + 20 + 8 * 4 + 9 * 3 * 4


REFUSALS: list[tuple[Callable[[Sheets], Any], tuple[str, ...]]] = [
    (lambda t: t.pop("Tab9"), ("there is no sheet 'Tab9'",)),
    (lambda t: t.update(Tab44=[["Tableau 44"]]), ("'Tab44' is not known", "sheets.csv")),
    (change("Tab2", 1, 0, "Tableau 2 : Autre chose"), ("row 1", "'Tab2'", "'Tableau 2 : Autre chose'")),
    (change("Tab2", 2, 0, "Effectifs au 1er mars 2026"), ("row 2", "'Tab2' does not say of which day")),
    (change("Tab2", 2, 0, "Effectifs actualisés au 1er mai 2026"), ("row 2", "different days")),
    (change("Tab2", 3, 0, "Champ : Métropole"), ("row 3", "'Tab2' does not say", "Outre-Mer")),
    (change("Tab2", 6, 2, "Condamnés"), ("row 6", "missing CP", "unknown 'Condamnés'")),
    (lambda t: t["Tab2"][5].reverse(), ("row 6", "another order")),
    (lambda t: t["Tab2"].pop(5), ("'Tab2' has no row with the header",)),
    (change("Tab2", 8, 1, "1O33"), ("row 8, column PR", "'1O33' is not a whole number")),
    (change("Tab2", 8, 1, "1 0333"), ("'1 0333' is not a whole number",)),
    (change("Tab2", 8, 1, 1033.5), ("1033.5 is not a whole number",)),
    (change("Tab2", 8, 1, -1033), ("-1033.0 is not a whole number",)),
    (change("Tab2", 8, 1, None), ("'' is not a whole number",)),
    (change("Tab2", 8, 1, "NC"), ("'NC' is not a whole number",)),
    (change("Tab2", 8, 6, 0.939), ("0.939 is not a percentage",)),
    (change("Tab2", 8, 0, "2026-04-01"), ("row 8, column Date", "do not follow one another")),
    (change("Tab2", 8, 0, "mars 2026"), ("'mars 2026' is not the first day of a month",)),
    (change("Tab2", 8, 0, "2026-13-01"), ("'2026-13-01' is not the first day of a month",)),
    (lambda t: t["Tab2"].pop(7), ("column Date", "do not follow one another")),
    (change("Tab1", 8, 0, "Corse"), ("row 8, column Niveau", "must have the rows Métropole")),
    (lambda t: t["Tab12"].pop(7), ("must have the rows Femmes PR, Hommes PR",)),
    (
        changes("Tab1", {(7, 1): 1001, (7, 3): 1021, (9, 1): 1101, (9, 3): 1123}),
        ("1101 should repeat Tab2, which has 1100",),
    ),
    (
        changes("Tab37", {(9, 2): 7, (9, 6): 1071, (9, 9): 1092, (10, 10): "2,7 %"}),
        ("7 should repeat Tab2, which has 6",),
    ),
    (
        changes(
            "Tab12",
            {(7, 1): 31, (7, 3): 34, (8, 1): 904, (8, 3): 999, (13, 1): 40, (13, 3): 44, (14, 1): 960, (14, 3): 1056},
        ),
        ("34 should repeat Tab34, which has 33",),
    ),
    (change("Tab1", 9, 1, 1101), ("row Tab1!D9", "1,122 stands where Ecroués détenus and Ecroués non dét", "1,123")),
    (change("Tab6", 10, 1, 1154), ("row Tab6!B10", "1,154 stands where Métropole and Outre-Mer add up to 1,153")),
    (change("Tab2", 8, 3, 600), ("row Tab2!E8", "1,100 stands where PR and CP and CO add up to 1,640")),
    (change("Tab2", 8, 5, "0,3 %"), ("row Tab2!F8", "0.3 stands where 30 of 1,070 give 2.804")),
    (change("Tab2", 7, 5, "2,8 %"), ("row 7, column Variation mensuelle", "'2,8 %' stands where '--' is expected")),
    (change("Tab2", 8, 6, "--"), ("row 8", "'--' stands where 1033 of 1100 give a figure")),
    (change("Tab6", 8, 4, "9,6 %"), ("row Tab6!E8", "9.6 stands where 1,000 of 1,047 give 95.511")),
    (change("Tab27", 8, 4, 80), ("row Tab27!E8", "80 stands where PR and CP and CO détenus add up to 8")),
    (change("Tab34", 8, 5, 40), ("row Tab34!G8", "47 stands where Femmes détenues and CO non détenues add up to 83")),
    (change("Tab37", 10, 4, 400), ("row Tab37!D10", "60 stands where dont SL and dont PEH add up to 401")),
    (change("Tab37", 10, 7, 200), ("row Tab37!J10", "1,122 stands where Détenus and DDSE and PENH add up to 1,302")),
    (lambda t: t["Tab14"].pop(7), ("row Tab14!C9", "61 stands where the 1 rows of CD/QCD add up to 6")),
    (lambda t: t["Tab14"].pop(9), ("row 10", "'MA/QMA' stands among the rows of 'CD/QCD'")),
    (lambda t: t["Tab14"].pop(14), ("row 14", "the rows do not end with 'Direction Interrégionale Total'")),
    (lambda t: t["Tab14"].insert(10, t["Tab14"][9]), ("row 11", "'CD/QCD' has a second total")),
    (change("Tab14", 8, 2, "550"), ("row Tab14!C10", "61 stands where the 2 rows of CD/QCD add up to 556")),
    (change("Tab14", 8, 4, "53"), ("row Tab14!E10", "52 stands where the 2 rows of CD/QCD add up to 53")),
    (change("Tab14", 9, 5, "60,0 %"), ("row 9, column Densité", "'60,0 %' stands where 'NC' is expected")),
    (change("Tab14", 13, 5, "--"), ("row 13, column Densité", "'--' stands where 'Inf' is expected")),
    (change("Tab14", 11, 5, "1034,0 %"), ("row Tab14!F11", "1,034 stands where 1,035 of 1,001 give 103.397")),
    (change("Tab14", 15, 2, "1 064"), ("row Tab14!C15", "1,064 stands where the totals above add up to 1,063")),
    (
        lambda t: [row.__setitem__(2, row[3]) for row in t["Tab15"][7:10]],
        ("row Tab6!B10", "1,153 stands where the directorates of the sheets of establishments add up to 1,152"),
    ),
    (lambda t: t["Tab34"].append(["12"]), ("row 9", "'12' stands alone below the table")),
    (change("Tab14", 8, 0, "QX MUR"), ("row 8", "'QX MUR' does not begin with a known kind")),
    (change("Tab14", 8, 1, "QLCO"), ("row 8", "'QLCO' is not a known kind of quarter")),
    (change("Tab14", 8, 3, "NC"), ("row 8", "'NC' is not a whole number")),
    (change("Tab14", 8, 4, "<5"), ("row 8", "'<5' is not a whole number")),
    (change("Tab14", 8, 5, "98 %"), ("row 8", "'98 %' is not a percentage")),
    (change("Tab14", 7, 4, "Détenus"), ("row 7", "missing Ecroués détenus")),
    (lambda t: t["Tab9"].pop(), ("'Tab9' holds no figure any more",)),
    (lambda t: t["Graph5"].append([None, 5]), ("'Graph5' holds 1 figures where there were none",)),
]


@pytest.mark.parametrize(("alter", "words"), REFUSALS)
def test_what_is_not_known_is_refused(alter: Callable[[Sheets], Any], words: tuple[str, ...]) -> None:
    table = sheets()
    alter(table)
    with pytest.raises(Refused) as refused:
        read(made(table))
    for part in (NAME, *words):
        assert part in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"<html></html>", made(sheets())[:900]])
def test_a_file_that_is_no_whole_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=r"xlsx: not a readable workbook"):
        read(data)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    with contextlib.suppress(Refused):
        read(damaged(data, made(sheets())))


# The link on the listing page


def listing(*months: tuple[str, str], title: str = TITLE) -> str:
    """A year's page: under each heading the link of a PDF and that of the workbook."""
    body = "".join(
        f'<h2 class="fr-title" >{month}</h2><ul><li><a href="{FILES}2026-01/x.pdf" title="{title[:-6]} pdf)">pdf</a>'
        f'</li><li><a\n href="{address}"   title="{title} " download="x">xlsx</a></li></ul>'
        for month, address in months
    )
    return f'<html><h2>Typologie</h2><a href="{FILES}2026-09/other.xlsx" title="Autre">x</a>{body}<h2>Suite</h2></html>'


MARCH = ("Mars", f"{FILES}2026-04/Statistique_des_etablissements_2026-03-01.xlsx")
FEBRUARY = ("Février ", f"{FILES}2026-03/statistique_etablissements_personnes_ecrouees_01022026.xlsx")


def test_the_link_is_found_whatever_its_folder_and_name() -> None:
    page = listing(MARCH, FEBRUARY)
    assert workbook("2026.html", page) == MARCH[1]
    assert workbooks("2026.html", page) == [(3, MARCH[1]), (2, FEBRUARY[1])]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("", "no link has the title"),
        (listing(MARCH, title="Statistiques trimestrielles (format xlsx)"), "no link has the title"),
        (listing(FEBRUARY, MARCH), r"the months stand as \[2, 3\]"),
        (listing(MARCH, MARCH), r"the months stand as \[3, 3\]"),
        (listing(("Printemps", MARCH[1])), "'Printemps', which is no month"),
        (listing(("Mars", f"{FILES}2026-04/x.pdf")), "is no .xlsx among the ministry's files"),
        (listing(("Mars", "https://example.org/x.xlsx")), "is no .xlsx among the ministry's files"),
        (listing(("Mars", "")), "is no .xlsx among the ministry's files"),
    ],
)
def test_a_page_on_which_the_latest_would_be_a_guess_is_refused(page: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        workbook("2026.html", page)
    assert str(refused.value).startswith("2026.html")


def year_page(year: int, *months: tuple[str, str], card: str = "") -> bytes:
    return (f"<p>pour l'année {year}</p>" + listing(*months) + card).encode()


def card(year: int, address: str) -> str:
    return f'<h3><a href="{address}" title="{SERIES}" class="c">\n{SERIES} </a></h3><p>pour l&#039;année {year}\n</p>'


def test_the_page_of_a_new_year_is_found_from_the_one_before() -> None:
    new = f"{PAGES}statistiques-mensuelles-13"
    pages = {
        PAGE: year_page(
            2026, FEBRUARY, card=card(2025, "/x") + card(2027, new.removeprefix("https://www.justice.gouv.fr"))
        ),
        new: year_page(2027, MARCH, card=card(2026, PAGE) + card(2027, new)),
    }
    assert discover(pages.__getitem__) == [Link(FILE, FEBRUARY[1]), Link(FILE, MARCH[1])]


def test_a_page_of_a_new_year_elsewhere_is_refused() -> None:
    with pytest.raises(Refused, match="the page of 2027 is at 'https://example.org/x', not among"):
        discover(lambda _: year_page(2026, MARCH, card=card(2027, "https://example.org/x")))


def test_pages_that_lead_on_for_ever_are_left() -> None:
    years = iter(range(2026, 9999))

    def page(url: str) -> bytes:
        year = next(years)
        return year_page(year, MARCH, card=card(year + 1, f"{PAGES}{year + 1}"))

    with pytest.raises(Refused, match="the 10th page after"):
        discover(page)


def test_a_page_in_another_encoding_is_refused() -> None:
    with pytest.raises(Refused, match="not UTF-8 text"):
        discover(lambda _: "<html>é".encode("latin-1"))


def test_the_real_page_of_a_year_leads_to_the_next(raw: Path) -> None:
    pages = {year: (raw / "france" / "pages" / f"{year}.html").read_text(encoding="utf-8") for year in (2025, 2026)}
    assert later("2025", pages[2025]) == PAGE
    assert later("2026", pages[2026]) is None


def test_the_real_pages(raw: Path) -> None:
    pages = {year: (raw / "france" / "pages" / f"{year}.html").read_text(encoding="utf-8") for year in ("2025", "2026")}
    latest = f"{FILES}2026-07/statistique_etablissements_personnes_ecrouees_01072026.xlsx"
    assert workbook("2026", pages["2026"]) == latest
    of_2026, of_2025 = dict(workbooks("2026", pages["2026"])), dict(workbooks("2025", pages["2025"]))
    assert of_2026[2] == f"{FILES}2026-03/statistique_etablissements_personnes_ecrouees_01022026.xlsx"
    assert of_2025[5] == f"{FILES}2025-05/Statistique_des_etablissements_2025-05-01.xlsx"
    assert (list(of_2026), list(of_2025)) == ([7, 6, 5, 4, 3, 2, 1], list(range(12, 0, -1)))


# The publisher's workbook


@pytest.fixture(scope="module")
def real(raw: Path) -> tuple[Path, Parsed]:
    (path,) = (raw / "france" / "2026-07-01").glob("*.xlsx")
    return path, read(path.read_bytes())


def test_the_real_workbook(real: tuple[Path, Parsed]) -> None:
    parsed = real[1]
    found = counts(parsed)
    assert parsed.vintage == "2026-07-01"
    by_hand = {
        "Tab2!E7": 78509, "Tab2!E13": 80669, "Tab2!E31": 89446, "Tab2!B31": 24021, "Tab6!C10": 63289,
        "Tab6!B10": 64271, "Tab1!C9": 19190, "Tab37!J33": 108636, "Tab37!J9": 95695, "Tab37!H33": 18187,
        "Tab12!D14": 86448, "Tab12!D12": 65425, "Tab27!E31": 805, "Tab27!G31": 890, "Tab34!E31": 2998,
        "Tab34!G31": 4159,
    }  # fmt: skip
    assert {at: found[at][-1] for at in by_hand} == by_hand
    assert len([at for at in found if at.startswith("Tab2!")]) == 25 * 4


def test_the_parts_of_the_real_workbook_add_up(real: tuple[Path, Parsed]) -> None:
    frame = real[1].rows["observation"]
    national = frame[frame["facility"] == "_T"].set_index("locator")["value"]
    for row in range(7, 32):
        for sheet in ("Tab2", "Tab27", "Tab34"):
            assert sum(national[f"{sheet}!{c}{row}"] for c in "BCD") == national[f"{sheet}!E{row}"]
    assert national["Tab37!J33"] == 89446 + 19190
    assert national["Tab34!E31"] + national["Tab12!D14"] == national["Tab2!E31"]


def test_the_real_establishments(real: tuple[Path, Parsed]) -> None:
    path, parsed = real
    frame = parsed.rows["observation"]
    of_prisons = frame[frame["facility"] != "_T"]
    about = parsed.about["facility"]
    assert (len(about), about["name"].nunique()) == (278, 186)
    held = of_prisons[of_prisons["measure"] == "persons_held"]
    assert (held["value"].sum(), held["value"].isna().sum()) == (89283, 6)
    usable = of_prisons[(of_prisons["measure"] == "official_capacity") & of_prisons["definition"].isna()]
    assert usable["value"].sum() == 63289
    by_hand = {"Tab14!E19": 1133, "Tab22!E22": 1251, "Tab23!D11": 239, "Tab16!E39": 104}
    values = of_prisons.set_index("locator")["value"]
    assert {at: values[at] for at in by_hand} == by_hand

    workbook = CalamineWorkbook.from_path(str(path))
    plain = 0
    for number in range(14, 24):
        for row in workbook.get_sheet_by_name(f"Tab{number}").to_python():
            if row[1] == "Total":
                plain += int(row[3].replace(" ", ""))
    assert plain == 63289


def test_what_the_real_workbook_leaves_out(real: tuple[Path, Parsed]) -> None:
    left = {entry.locator: entry.items for entry in real[1].left_out}
    # 9 directorates and 3 totals of 3 counts; 131 establishments of 4 cells; 196 rows of 7 cells and 197 figures.
    assert (left["Tab7!A1:D18"], left["Tab24!A1:G140"]) == (12 * 3, 131 * 4)
    assert left["Tab41!A1:I205"] == (205 - 8) * 7


@pytest.mark.parametrize(
    ("sheet", "change", "words"),
    [
        ("Tab14", drop(20), "Tab14!C32: 2,377 stands where the 13 rows of MA/QMA add up to 2,010"),
        ("Tab14", drop(33), "'MC/QMC' stands among the rows of 'MA/QMA'"),
        ("Tab20", swap(2, 3, 8), "Tab20!F9: 96 stands where 798 of 837 give 95.341"),
        ("Tab19", swap(3, 4, 8), "row 35, column Densité carcérale: '0,0 %' stands where 'Inf' is expected"),
        ("Tab23", put(25, 4, "4 970"), "Tab23!E36: 4,117 stands where the 11 rows of MA/QMA add up to 8,579"),
        ("Tab16", put(39, 2, "9"), "Tab16!C40"),
        ("Tab34", swap(4, 5, 7), "Tab34!E7: 959 stands where"),
        ("Tab37", put(33, 7, 1818.7), "1818.7 is not a whole number"),
        ("Tab37", put(33, 7, 181870.0), "Tab37!J33: 108,636 stands where .* add up to 272,319"),
    ],
)
def test_the_real_workbook_mutilated(
    raw: Path, monkeypatch: pytest.MonkeyPatch, sheet: str, change: Change, words: str
) -> None:
    (path,) = (raw / "france" / "2026-07-01").glob("*.xlsx")
    with pytest.raises(Refused, match=words):
        parse_with(monkeypatch, SOURCE, FILE, path, {sheet: change})
