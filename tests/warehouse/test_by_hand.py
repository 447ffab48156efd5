"""Importing by hand: a file is refused in one sentence with nothing stored, or it is in the record with every row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sources.catalogue import Source, source
from sources.errors import Misused, Refused
from sources.home import Home, read_json
from sources.reading import Parsed
from tests.sources.fixtures import UNODC_HEADER, sdmx_csv_1, unodc_row, unodc_workbook, workbook
from tests.warehouse.conftest import Desk, Synthetic, lines
from tests.warehouse.made import World
from warehouse import by_hand
from warehouse.by_hand import bundle_source, import_file, withdraw
from warehouse.intake import Verdict, take_in
from warehouse.records import vintages, withdrawals

UNODC, UNODC_FILE = "unodc_prisons", "data_cts_prisons_and_prisoners"
EUROSTAT = "eurostat_prisons"
CTZ = ["citizen", "unit"]


def bring(home: Home, name: str, data: bytes, known: str, **more: Any) -> Verdict:
    home.root.parent.mkdir(parents=True, exist_ok=True)
    path = home.root.parent / name
    path.write_bytes(data)
    return import_file(home, known, path, **more)


@pytest.fixture(autouse=True, scope="module")
def nothing_bundled() -> Iterator[None]:
    """The figures that come with the program stay out, so that what is imported is what is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "bundled", property(lambda source: source.folder / "nothing"))
        yield


@pytest.fixture
def untouched(home: Home) -> Home:
    """A home with things in it, of which every byte must be the same at the end."""
    for path in (home.warehouse, home.build_record, home.accepted / EUROSTAT / "x", home.archive / "objects" / "y"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"as it was")
    return home


def refused(home: Home, name: str, data: bytes, known: str, **more: Any) -> str:
    """The sentence with which the file is refused; nothing may have been stored."""
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.root.rglob("*") if p.is_file()}
    with pytest.raises(Refused) as error:
        bring(home, name, data, known, **more)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.root.rglob("*") if p.is_file()} == before
    sentence = str(error.value)
    assert "\n" not in sentence and "Traceback" not in sentence and len(sentence) < 700
    assert sentence.startswith(name)
    return sentence


# UNODC's workbook


def unodc(*rows: list[Any], **more: Any) -> bytes:
    return unodc_workbook([unodc_row(Year=2018), *rows], **more)


BAD_UNODC: list[tuple[str, bytes, list[str]]] = [
    ("unknown place", unodc(unodc_row(Iso3_code="ATL")), ["row 5", "column Iso3_code", "'ATL'", "the nearest are"]),
    ("empty place", unodc(unodc_row(Iso3_code="")), ["row 5", "column Iso3_code"]),
    ("unknown indicator", unodc(unodc_row(Indicator="Escapes")), ["row 5", "Indicator", "'Escapes'"]),
    ("unknown category", unodc(unodc_row(Category="Most")), ["row 5", "Category", "'Most'"]),
    ("unknown sex", unodc(unodc_row(Sex="Other")), ["row 5", "column Sex", "'Other'"]),
    ("unknown unit", unodc(unodc_row(Unit_of_measurement="Per mille")), ["row 5", "'Per mille'"]),
    ("letter in a number", unodc(unodc_row(VALUE="5O00")), ["row 5", "column VALUE", "'5O00'"]),
    ("comma in a number", unodc(unodc_row(VALUE="5,000")), ["row 5", "column VALUE", "'5,000'"]),
    ("empty number", unodc(unodc_row(VALUE="")), ["row 5", "column VALUE"]),
    ("half a year", unodc(unodc_row(Year=2019.5)), ["row 5", "column Year", "2019.5"]),
    ("year in the future", unodc(unodc_row(Year=2190)), ["row 5", "column Year", "2190"]),
    ("duplicate row", unodc(unodc_row(), unodc_row()), ["ALB / persons_held", "2 times", "!L5 = 5,000", "!L6 = 5,000"]),
    ("duplicate key", unodc(unodc_row(), unodc_row(VALUE=1)), ["ALB / persons_held", "!L5 = 5,000", "!L6 = 1"]),
    ("missing column", unodc_workbook([unodc_row()[:-1]], header=UNODC_HEADER[:-1]), ["row 3", "missing Source"]),
    ("new column", unodc_workbook([[*unodc_row(), 1]], header=[*UNODC_HEADER, "Note"]), ["row 3", "unknown 'Note'"]),
    ("columns turned", unodc_workbook([unodc_row()[::-1]], header=UNODC_HEADER[::-1]), ["row 3", "another order"]),
    ("no stamp", unodc(stamp=None), ["row 2", "publication stamp"]),
    ("no rows", unodc_workbook([]), ["has a header and no rows"]),
    ("empty sheet", workbook({UNODC_FILE: []}), ["is empty"]),
    ("another sheet", workbook({"Sheet1": [["x"]]}), ["there is no sheet", "Sheet1"]),
    ("web page", b"<!DOCTYPE html><html>404</html>", ["html, not xlsx", "error page"]),
    ("nothing", b"", ["the file is empty"]),
    ("truncated", unodc()[: len(unodc()) // 2], ["not xlsx"]),
    ("comma separated", b"a,b\n1,2\n", ["csv, not xlsx"]),
    ("zeros", b"\0" * 100, ["of no known type"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), [pytest.param(d, w, id=i) for i, d, w in BAD_UNODC])
def test_a_workbook_that_cannot_be_read_is_refused_in_one_sentence(
    untouched: Home, data: bytes, words: list[str]
) -> None:
    sentence = refused(untouched, f"{UNODC_FILE}.xlsx", data, UNODC)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_workbook_cut_off_anywhere_is_refused(untouched: Home, share: float) -> None:
    data = unodc(*(unodc_row(Year=y) for y in range(1980, 2010)))
    refused(untouched, f"{UNODC_FILE}.xlsx", data[: int(len(data) * share)], UNODC)


# Eurostat's SDMX-CSV


def row(geo: str = "FR", year: str = "2024", value: str = "80669", **more: str) -> list[str]:
    cells = {
        "freq": "A",
        "citizen": "TOTAL",
        "unit": "NR",
        "geo": geo,
        "year": year,
        "value": value,
        "flag": "",
        "conf": "",
    }
    return list((cells | more).values())


def ctz(*rows: list[str]) -> bytes:
    """A file with a stamp that no bundled vintage bears."""
    return sdmx_csv_1("CRIM_PRIS_CTZ", CTZ, [row(year="2023"), *rows], update="01/05/26 11:00:00")


BAD_EUROSTAT: list[tuple[str, bytes, list[str]]] = [
    ("unknown place", ctz(row("XX")), ["row 3", "column geo", "'XX'", "the nearest are"]),
    ("unknown citizenship", ctz(row(citizen="SOME")), ["row 3", "citizen", "'SOME'"]),
    ("letter in a number", ctz(row(value="8O669")), ["row 3", "column OBS_VALUE", "'8O669'"]),
    ("space in a number", ctz(row(value="80 669")), ["row 3", "column OBS_VALUE", "'80 669'"]),
    ("half a year", ctz(row(year="2024-Q1")), ["row 3", "column TIME_PERIOD", "'2024-Q1'"]),
    ("unknown flag", ctz(row(flag="w")), ["row 3", "OBS_FLAG", "'w'"]),
    ("duplicate row", ctz(row(), row()), ["FRA / persons_held", "2 times", ":3:", ":4:"]),
    ("missing column", sdmx_csv_1("CRIM_PRIS_CTZ", ["unit"], [[*row()[:1], *row()[2:]]]), ["row 1", "missing citizen"]),
    ("a cell too few", ctz(row()[:-1]), ["row 3", "cells where the header has"]),
    ("another table", sdmx_csv_1("CRIM_PRIS_CAP", CTZ, [row()]), ["CRIM_PRIS_CAP(1.0)", "not ESTAT:CRIM_PRIS_CTZ(1.0)"]),
    ("cut off in the last line", ctz(row())[:-9], ["cut off"]),
    ("header alone", ctz()[: ctz().index(b"\r\n") + 2], ["no rows"]),
    ("no figure", sdmx_csv_1("CRIM_PRIS_CTZ", CTZ, [row(value=":")]), ["no figure"]),
    ("web page", b"<html><body>Service unavailable</body></html>", ["html, not csv or tsv", "error page"]),
    ("nothing", b"", ["the file is empty"]),
    ("another encoding", ctz(row("Cura\xe7ao")).replace("\xe7".encode(), b"\xe7"), ["not UTF-8 text"]),
    ("a zip", unodc(), ["xlsx, not csv or tsv"]),
    ("two bytes a letter", ctz(row()).decode().encode("utf-16"), ["text in UTF-16; save it as UTF-8"]),
    ("json", b'{"error": "not found, sorry"}', ["json, not csv or tsv"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), [pytest.param(d, w, id=i) for i, d, w in BAD_EUROSTAT])
def test_a_csv_that_cannot_be_read_is_refused_in_one_sentence(untouched: Home, data: bytes, words: list[str]) -> None:
    sentence = refused(untouched, "crim_pris_ctz.csv", data, EUROSTAT)
    assert all(word in sentence for word in words), sentence


def test_a_file_that_cannot_be_opened_is_refused(home: Home, tmp_path: Path) -> None:
    for path in (tmp_path / "crim_pris_ctz.csv", tmp_path):
        with pytest.raises(Refused, match=rf"^{re.escape(str(path))}: cannot be read"):
            import_file(home, EUROSTAT, path, file="crim_pris_ctz")


@pytest.mark.parametrize(
    ("known", "more", "words"),
    [
        ("eurostat", {}, "There is no source 'eurostat'; there are "),
        (EUROSTAT, {"file": "crim"}, "eurostat_prisons has no file 'crim'; it has crim_pris_ctz, "),
        (EUROSTAT, {"vintage": "May"}, "--vintage 'May' is not a date"),
        (EUROSTAT, {"vintage": "../x"}, "--vintage '../x' is not a date"),
    ],
)
def test_a_wrong_name_is_refused(untouched: Home, known: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as error:
        bring(untouched, "crim_pris_ctz.csv", ctz(row()), known, **more)
    assert str(error.value).startswith(words)
    assert {p.read_bytes() for p in untouched.root.rglob("*") if p.is_file()} == {b"as it was"}


def test_a_name_that_no_file_has_is_refused(untouched: Home) -> None:
    with pytest.raises(Refused, match=r"prisons\.csv: none of the files of eurostat_prisons match this name"):
        bring(untouched, "prisons.csv", ctz(row()), EUROSTAT)


# What is accepted


def test_a_good_file_is_archived_and_accepted(home: Home) -> None:
    data = ctz(row(), row("DE", value="58798"), row("SE", value=":"))
    verdict = bring(home, "crim_pris_ctz.csv", data, EUROSTAT, retrieved=date(2026, 5, 1))
    assert (verdict.state, verdict.vintage, verdict.new, verdict.message) == ("accepted", "2026-05-01", True, "")
    (vintage,) = [v for v in vintages(home, source(EUROSTAT)) if v.file == "crim_pris_ctz" and not v.bundled]
    assert vintage.snapshot["retrieved_at"] == "2026-05-01" and vintage.snapshot["obtained"] == "import"
    assert vintage.snapshot["url"] is None
    assert (vintage.record["items"], vintage.record["observations"], vintage.record["left_out"]) == (4, 3, 1)
    assert (home.archive / "objects" / verdict.sha256[:2] / verdict.sha256).read_bytes() == data


@pytest.mark.usefixtures("unchecked")
def test_the_same_file_again_is_nothing_new(home: Home) -> None:
    data = ctz(row())
    assert bring(home, "crim_pris_ctz.csv", data, EUROSTAT).new
    before = {p: p.read_bytes() for p in home.root.rglob("*.*") if p.is_file() and p.name != "seen.jsonl"}
    verdict = bring(home, "crim_pris_ctz (2).csv", data, EUROSTAT)
    assert (verdict.state, verdict.new) == ("accepted", False)
    assert {p: p.read_bytes() for p in home.root.rglob("*.*") if p.is_file() and p.name != "seen.jsonl"} == before


def test_a_file_that_breaks_a_check_is_archived_and_in_quarantine(home: Home) -> None:
    verdict = bring(home, "crim_pris_ctz.csv", ctz(row(value="-1")), EUROSTAT)
    assert verdict.state == "quarantined" and "value is at least 0" in verdict.message
    assert (home.archive / "objects" / verdict.sha256[:2] / verdict.sha256).exists() and not home.accepted.exists()
    again = bring(home, "crim_pris_ctz.csv", ctz(row(value="-1")), EUROSTAT)
    assert (again.state, again.new, again.message) == ("quarantined", False, verdict.message)


def test_a_rate_with_a_misplaced_point_is_in_quarantine(home: Home) -> None:
    verdict = bring(home, "crim_pris_ctz.csv", ctz(row(unit="P_HTHAB", value="11723")), EUROSTAT)
    assert verdict.state == "quarantined" and "crim_pris_ctz.csv:3:" in verdict.message


def test_a_year_in_the_wrong_century_is_in_quarantine(home: Home) -> None:
    verdict = bring(home, f"{UNODC_FILE}.xlsx", unodc(unodc_row(Year=1013)), UNODC)
    assert verdict.state == "quarantined" and "1013" in verdict.message


def test_a_broken_parser_is_refused_in_one_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Synthetic) -> Callable[..., Parsed]:
        raise KeyError("x")

    monkeypatch.setattr(by_hand, "source", desk.sources.__getitem__)
    monkeypatch.setattr(Synthetic, "parser", broken)
    assert "the parser of src broke on it (KeyError: 'x')" in refused(desk.home, "one.csv", lines(("ALB", 1)), "src")


# Bundling


def bundled(desk: Desk) -> list[tuple[str, str, int]]:
    return [(v.file, v.vintage, v.record["observations"]) for v in vintages(Home(Path("/nowhere")), desk.source)]


@pytest.mark.usefixtures("unchecked")
def test_the_latest_vintage_of_each_file_is_bundled_in_place_of_the_last(desk: Desk) -> None:
    desk.put(lines(("ALB", 1), stamp="2023"))
    desk.put(lines(("ALB", 1), ("AND", 2), stamp="2024"))
    desk.put(lines(("ALB", 1), stamp="2020"), name="two.csv")
    desk.take_in()
    made = bundle_source(desk.home, desk.source)
    assert [(v.file, v.vintage, v.bundled) for v in made] == [("one", "2024", True), ("two", "2020", True)]
    assert bundled(desk) == [("one", "2024", 2), ("two", "2020", 1)]
    for vintage in vintages(Home(Path("/nowhere")), desk.source):
        vintage.prove()
    desk.put(lines(("ALB", 1), ("AND", 2), ("XKX", 3), stamp="2024"), retrieved_at="2026-06-01")
    desk.take_in()
    bundle_source(desk.home, desk.source)
    assert bundled(desk) == [("one", "2024-r2", 3), ("two", "2020", 1)]


@pytest.mark.usefixtures("unchecked")
def test_altered_rows_are_not_bundled(desk: Desk) -> None:
    desk.put(lines(("ALB", 1), stamp="2023"))
    (vintage,) = desk.take_in().vintages
    (vintage.folder / "observation.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match="were altered or lost"):
        bundle_source(desk.home, desk.source)
    assert bundled(desk) == []


# The publishers' own files


@pytest.fixture(scope="module")
def workbook_home(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with UNODC's real workbook, imported once."""
    home = Home(tmp_path_factory.mktemp("unodc"))
    verdict = import_file(home, UNODC, raw / "unodc" / "2023-05-11" / f"{UNODC_FILE}.xlsx")
    assert (verdict.state, verdict.vintage, verdict.message) == ("accepted", "2023-05-11", "")
    return home


def accepted(home: Home, known: str, table: str) -> list[dict[str, Any]]:
    return [
        r for path in sorted((home.accepted / known).rglob(f"{table}.parquet")) for r in pq.read_table(path).to_pylist()
    ]


def test_every_row_of_the_workbook_is_an_observation_or_left_out_by_name(workbook_home: Home) -> None:
    rows, out = (accepted(workbook_home, UNODC, t) for t in ("observation", "left_out"))
    assert len(rows) + sum(o["items"] for o in out) == 65_797
    locators = [r["locator"] for r in rows + out]
    assert len(set(locators)) == 65_797
    assert {int(re.sub(r".*!L", "", at)) for at in locators} == set(range(4, 65_797 + 4))
    assert len({r["observation_id"] for r in rows}) == len(rows)


def test_what_is_left_out_of_the_workbook(workbook_home: Home) -> None:
    """Twelve keys that stand there twice, and figures under the code of Saint Martin."""
    out = accepted(workbook_home, UNODC, "left_out")
    by_correction = Counter(o["correction_id"] for o in out)
    twice = {k: n for k, n in by_correction.items() if k.endswith("-twice")}
    assert len(twice) == 12 and set(twice.values()) == {2} and sum(twice.values()) == 24
    assert {k.rsplit("-", 1)[0] for k in set(by_correction) - set(twice)} == {
        "saint-martin-unsentenced", "saint-martin-juveniles",
    }  # fmt: skip
    states = {c["correction_id"]: c["state"] for c in accepted(workbook_home, UNODC, "correction")}
    assert set(states.values()) == {"applied"} and set(by_correction) <= set(states)


@pytest.fixture(scope="module")
def real_figures(workbook_home: Home) -> World:
    return World(accepted(workbook_home, UNODC, "observation"), until="disagreement")


def test_the_figures_that_were_corrected(real_figures: World) -> None:
    capacity = real_figures.figure("MAR", 2013, "official_capacity")
    assert (capacity["value"], capacity["derived"]) == (40_260, False)
    assert real_figures.figure("MTQ", 2022)["value"] == 919
    assert real_figures.rows("SELECT * FROM figure WHERE place_id = 'MAF' AND measure = 'persons_held'") == []
    assert real_figures.rows("SELECT * FROM figure WHERE year < 1900 OR place_id = 'MNG' AND year = 2019 AND sex <> '_T'"
                             " AND measure LIKE 'persons_held%' AND legal_status = '_T' AND age = '_T'"
                             " AND citizenship = '_T' AND offence = '_T'") == []  # fmt: skip


def test_the_latest_figures_of_the_workbook_by_plain_sql(workbook_home: Home, real_figures: World) -> None:
    """One source alone: the latest figure of each place is that of the workbook's rows, whatever the models do."""
    path = workbook_home.accepted / UNODC / UNODC_FILE / "2023-05-11" / "observation.parquet"
    where = "measure = 'persons_held' AND list_unique([sex, age, legal_status, citizenship, offence, '_T']) = 1"
    latest = "SELECT count(*), sum(v) FROM (SELECT max_by(value, period_end) AS v FROM {} WHERE {} GROUP BY place_id)"
    (plain,) = duckdb.sql(latest.format(f"'{path}'", where)).fetchall()
    chosen = real_figures.connection.execute(latest.format("figure", f"{where} AND NOT derived")).fetchone()
    # Before corrections 8,932,238 over 225 places; then Martinique's 919 no longer stands beside its older 827.
    assert plain == chosen == (224, 8_932_238 - 827)


def test_two_tables_of_eurostat_that_differ_are_both_kept_and_their_difference_shown(raw: Path, home: Home) -> None:
    for name, folder, more in (
        ("crim_pris_ctz.csv", "2026-04-29", {}),
        ("crim_pris_cap.tsv", "2023-04", {"vintage": "2023-04"}),
    ):
        verdict = import_file(home, EUROSTAT, raw / "eurostat" / folder / name, **more)
        assert verdict.state == "accepted", verdict.message
    world = World(accepted(home, EUROSTAT, "observation"), until="disagreement")
    both = world.rows(
        "SELECT dataset, value FROM observation WHERE place_id = 'BEL' AND measure = 'persons_held' "
        "AND citizenship = '_T' AND year(period_end) = 2019 ORDER BY value"
    )
    assert both == [{"dataset": "crim_pris_cap", "value": 10_559}, {"dataset": "crim_pris_ctz", "value": 10_794}]
    figure = world.figure("BEL", 2019)
    assert figure["value"] == 10_794 and '"value":10559.0' in figure["rivals"].replace(" ", "")
    shown = world.one("SELECT * FROM disagreement WHERE figure_id = ?", figure["figure_id"])
    assert (shown["value"], shown["rival_value"]) == (10_794, 10_559)
    latest = {p: world.figure(p, 2024)["value"] for p in ("FRA", "DEU", "SWE")}
    assert latest == {"FRA": 80_669, "DEU": 58_798, "SWE": 11_235}


# Taking back


def own_vintages(home: Home) -> list[str]:
    return [v.vintage for v in vintages(home, source(EUROSTAT)) if v.file == "crim_pris_ctz" and not v.bundled]


@pytest.mark.usefixtures("unchecked")
def test_what_proved_wrong_is_withdrawn_and_comes_back_only_when_it_is_imported_again(home: Home) -> None:
    data = ctz(row(), row("DE", value="58798"), row("SE", value=":"))
    bring(home, "crim_pris_ctz.csv", data, EUROSTAT)
    withdraw(home, EUROSTAT, "crim_pris_ctz", "2026-05-01", "one digit too many")
    assert own_vintages(home) == []
    take_in(home, source(EUROSTAT))
    assert own_vintages(home) == [], "the archive does not bring it back"
    (record,) = (home.archive / "snapshots" / EUROSTAT / "crim_pris_ctz").glob("*.json")
    assert read_json(record)["withdrawn"].endswith(" one digit too many")
    assert list((home.accepted / EUROSTAT / "crim_pris_ctz").glob(".withdrawn-2026-05-01-*/observation.parquet"))
    bring(home, "crim_pris_ctz.csv", data, EUROSTAT)
    assert own_vintages(home) == ["2026-05-01"] and read_json(record)["withdrawn"] is None


@pytest.mark.usefixtures("unchecked")
def test_a_withdrawal_that_is_killed_is_done_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it did before, the rows are in use or the reason can be read."""
    bring(home, "crim_pris_ctz.csv", ctz(row()), EUROSTAT)
    steps = ["warehouse.by_hand.write_json", "warehouse.by_hand.os.replace"]
    for step in steps:
        with monkeypatch.context() as patch:
            patch.setattr(step, killed)
            with pytest.raises(SystemExit):
                withdraw(home, EUROSTAT, "crim_pris_ctz", "2026-05-01", "one digit too many")
        assert own_vintages(home) == ["2026-05-01"]
    withdraw(home, EUROSTAT, "crim_pris_ctz", "2026-05-01", "one digit too many")
    assert own_vintages(home) == []
    assert [told["reason"] for told in withdrawals(home, source(EUROSTAT))] == ["one digit too many"]


def killed(*_: object) -> None:
    raise SystemExit("killed")


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_nothing_is_withdrawn(home: Home, reason: str) -> None:
    with pytest.raises(Misused, match="Say why"):
        withdraw(home, EUROSTAT, "crim_pris_cap", "2023-04", reason)
    assert not home.root.exists()


def test_what_is_not_there_is_not_withdrawn(home: Home) -> None:
    with pytest.raises(Misused, match="There is no vintage eurostat_prisons/crim_pris_ctz 1999"):
        withdraw(home, EUROSTAT, "crim_pris_ctz", "1999", "a reason")
    assert not home.root.exists()


def test_a_file_is_not_retrieved_tomorrow(home: Home) -> None:
    with pytest.raises(Misused, match="has not come yet"):
        bring(home, "crim_pris_ctz.csv", ctz(row()), EUROSTAT, retrieved=date(2999, 1, 1))
    assert not home.root.exists()
