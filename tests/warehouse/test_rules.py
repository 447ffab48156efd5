"""The rules of the field: each holds of sound rows, breaks on the error that it is for, and tells its own failures apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dictionary.model import Rule, dictionary, read
from sources.catalogue import File, Source
from sources.errors import Refused
from sources.home import read_json
from sources.reading import LeftOut, Parsed
from tests.warehouse.conftest import Desk, lines, make_source
from tests.warehouse.made import frame, observation
from warehouse import accepted, rules
from warehouse.records import vintages
from warehouse.results import CheckResult

Rows = Sequence[Mapping[str, Any]]


class Asker:
    """Writes rows as a candidate and the vintage before it, and asks the rules of their table."""

    def __init__(self, folder: Path, table: str = "observation") -> None:
        self.folder, self.table = folder, table
        self.source = make_source(folder / "sources", "src")

    def __call__(
        self, rows: Rows, earlier: Rows = (), source: Source | None = None, **more: Any
    ) -> dict[str, CheckResult]:
        known = {"vintage": "2023", "retrieved_at": "2023-05-01", "min_share": 0.9, "extends": False, **more}
        paths = [self._write(name, given) for name, given in (("now", rows), ("earlier", earlier)) if given]
        before = dict(zip([self.table], paths[1:], strict=False))
        asked = rules.ask_of_candidate(source or self.source, {self.table: paths[0]}, before, known)
        return {r.type: r for a in asked for r in a.answers()}

    def _write(self, name: str, rows: Rows) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        accepted.write_tables({self.table: frame(self.table, rows)}, folder)
        return folder / f"{self.table}.parquet"


@pytest.fixture
def ask(tmp_path: Path) -> Asker:
    return Asker(tmp_path)


def broken(results: Mapping[str, CheckResult]) -> dict[str, int]:
    """The rules that did not pass, each with the rows that break it."""
    return {name: r.failing for name, r in results.items() if r.outcome != "passed"}


SOUND = [
    observation("ALB", 5000, 2022), observation("ALB", 5400, 2023), observation("ALB", 300, 2023, sex="F"),
    observation("ALB", 5100, 2023, sex="M"), observation("ALB", 3000, 2023, legal_status="SENTENCED"),
    observation("ALB", 2400, 2023, legal_status="UNSENTENCED"), observation("ALB", 6000, 2023, measure="official_capacity"),
    observation("ALB", 190, 2023, measure="persons_held_rate"),
]  # fmt: skip


def test_sound_rows_break_no_rule_and_every_rule_is_asked(ask: Asker) -> None:
    results = ask(SOUND, SOUND)
    assert broken(results) == {} and len(results) == 17
    # The one on editions that cover other times has a test of its own, below.
    assert {name for name, r in results.items() if not r.rows} == {"digit_too_many_since_last_edition"}


def test_a_rule_that_concerns_no_row_says_so(ask: Asker) -> None:
    results = ask([observation("ALB", 5000, 2023)])
    assert {r.outcome for r in results.values()} == {"passed"}
    assert {n for n, r in results.items() if r.detail == "No row is concerned."} == set(results) - {
        "year_not_in_future"
    }


#: What is changed in the sound rows, and which rules it breaks by how many rows.
ERRORS: dict[str, tuple[Rows, dict[str, int]]] = {
    "a year to come": ([*SOUND, observation("AND", 60, 2024)], {"year_not_in_future": 1}),
    "a rate that cannot be": (
        [*SOUND, observation("AND", 3001, 2023, measure="persons_held_rate")],
        {"rate_is_possible": 1},
    ),
    "men of another table": (
        [r if r["sex"] != "M" else observation("ALB", 4000, 2023, sex="M") for r in SOUND],
        {"sexes_against_total": 1, "sexes_against_totals_of_a_file": 1},
    ),
    "a status that is another's": (
        [r if r["legal_status"] != "SENTENCED" else {**r, "value": 1000.0} for r in SOUND],
        {"legal_statuses_against_total": 1, "legal_statuses_against_totals_of_a_file": 1},
    ),
    "places that have lost a digit": (
        [r if r["measure"] != "official_capacity" else {**r, "value": 539.0} for r in SOUND],
        {"occupancy": 1},
    ),
    "a small place that doubles": ([observation("AND", 45, 2022), observation("AND", 98, 2023)], {}),
    "a great place that doubles": ([observation("FRA", 45_000, 2022), observation("FRA", 98_000, 2023)], {"jump_over_a_year": 1}),
    "a digit too many": (
        [observation("FRA", 45_000, 2022), observation("FRA", 450_000, 2023)],
        {"jump_over_a_year": 1, "digit_too_many_over_a_year": 1},
    ),
    "a part that jumps": (
        [observation("FRA", 1500, 2022, sex="F"), observation("FRA", 7500, 2023, sex="F")],
        {"jump_over_a_year": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("error", list(ERRORS))
def test_an_error_breaks_the_rule_that_is_for_it(ask: Asker, error: str) -> None:
    rows, expected = ERRORS[error]
    assert broken(ask(rows)) == expected


def test_the_row_that_breaks_a_rule_is_shown_with_what_was_compared(ask: Asker) -> None:
    result = ask([observation("FRA", 45_000, 2022), observation("FRA", 450_000, 2023)])["digit_too_many_over_a_year"]
    (shown,) = result.examples
    assert (shown["place_id"], shown["year"], shown["year_before"], shown["value"]) == ("FRA", 2023, 45_000, 450_000)
    assert shown["locator"] == "f.csv:1:1" and "holds" not in shown and result.columns == ()


def test_unknown_statuses_beside_them_need_not_add_up(ask: Asker) -> None:
    rows = [r if r["legal_status"] != "SENTENCED" else {**r, "value": 1000.0} for r in SOUND]
    assert broken(ask([*rows, observation("AND", 9, 2023, legal_status="OTHER")])) == {}


# Against the vintage before


def many(values: Mapping[int, float] | None = None) -> list[dict[str, Any]]:
    """A hundred years of one place, with some values changed."""
    return [observation("FRA", (values or {}).get(y, 50_000), y) for y in range(1923, 2023)]


def test_a_few_revised_figures_are_told_and_many_are_refused(ask: Asker) -> None:
    held = {"jump_over_a_year"}  # the changed years stand out of their neighbours too
    two = broken(ask(many({1930: 75_000, 1950: 75_000}), many()))
    three = broken(ask(many({1930: 75_000, 1950: 75_000, 1970: 75_000}), many()))
    assert {k: v for k, v in two.items() if k not in held} == {"value_against_last_vintage": 2}
    assert {k: v for k, v in three.items() if k not in held} == {
        "value_against_last_vintage": 3,
        "values_against_last_vintage": 3,
    }


def test_one_digit_too_many_is_critical_however_many_figures_there_are(ask: Asker) -> None:
    result = ask(many({2022: 500_000}), many())["digit_too_many_against_last_vintage"]
    assert (result.outcome, result.severity, result.failing) == ("failed", "critical", 1)
    assert (result.examples[0]["value_before"], result.examples[0]["value"]) == (50_000, 500_000)


def test_a_figure_that_became_zero_is_a_digit_too_few(ask: Asker) -> None:
    assert "digit_too_many_against_last_vintage" in broken(ask(many({2022: 0}), many()))


def places(*codes: str) -> list[dict[str, Any]]:
    return [observation(code, 5000, 2022) for code in codes]


TEN = ("ALB", "AND", "ARM", "AUT", "AZE", "BEL", "BGR", "BIH", "CHE", "CYP")


def test_one_place_of_ten_that_goes_is_critical_and_more_are_no_coverage(ask: Asker) -> None:
    assert broken(ask(places(*TEN[1:]), places(*TEN))) == {"gone_since_last_vintage": 1, "place_not_gone": 1}
    results = ask(places(*TEN[2:]), places(*TEN))
    assert broken(results) == {
        "gone_since_last_vintage": 2, "place_not_gone": 2, "coverage_against_last_vintage": 1,
    }  # fmt: skip
    (shown,) = results["coverage_against_last_vintage"].examples
    assert (shown["what"], shown["before"], shown["gone"], shown["which"]) == ("places", 10, 2, "ALB, AND")


def test_years_may_go_only_where_editions_add_to_each_other(ask: Asker) -> None:
    now, before = [observation("ALB", 5000, 2022)], [observation("ALB", 5000, 2021), observation("ALB", 5000, 2022)]
    assert broken(ask(now, before)) == {"gone_since_last_vintage": 1, "coverage_against_last_vintage": 1}
    assert broken(ask(now, before, extends=True)) == {}


def years(*of: int) -> Rows:
    return [observation("ALB", 5000, year) for year in of]


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        (range(2001, 2022), 1),  # the newest
        ([y for y in range(2001, 2023) if y != 2010], 1),  # one between
        (range(2003, 2024), 0),  # a series that begins later, as one that moves on does
    ],
)
def test_a_year_that_goes_is_critical_unless_the_series_begins_later(ask: Asker, now: Sequence[int], gone: int) -> None:
    results = ask(years(*now), years(*range(2001, 2023)), min_share=0.01)
    assert (results["year_not_gone"].failing, results["year_not_gone"].severity) == (gone, "critical")
    assert (results["year_not_gone"].outcome == "passed") == (gone == 0)
    assert ask(years(*now), years(*range(2001, 2023)), min_share=0.01, extends=True)["year_not_gone"].rows == 0


def test_a_place_that_was_told_of_long_ago_alone_may_go(ask: Asker) -> None:
    before = [*places(*TEN), observation("GBR", 80_000, 2018)]
    assert "place_not_gone" not in broken(ask(places(*TEN), before, min_share=0.01))


# Return


def returned(**more: Any) -> dict[str, Any]:
    """One row of table recidivism."""
    row = {
        "source_id": "src", "file": "one", "dataset": "one", "vintage": "2023", "snapshot": "1" * 64, "locator": "f.csv:2:2",
        "place_id": "NOR", "basis": "release_cohort", "outcome": "reconviction", "population": "released_prisoners",
        "sex": "_T", "age": "_T", "offence": "_T", "subgroup": "_T", "return_offence": "_T",
        "cohort_start": date(2018, 1, 1), "cohort_end": date(2018, 12, 31), "cohort_size": 5000.0, "follow_up_from_months": 0.0,
        "follow_up_months": 24.0, "counts_technical_violations": None, "returned": 1000.0, "rate_percent": 20.0,
        "events_per_person": None, "status": "A", "circa": False, "definition": None, "reported_by": None, "citation": None,
        "evidence": None, "grade": None, "correction_id": None, "note": None, "licence": "CC-BY-4.0",
    }  # fmt: skip
    assert not set(more) - set(row)
    row |= more
    row["recidivism_id"] = hashlib.sha256(repr(sorted(row.items(), key=str)).encode()).hexdigest()[:16]
    return row


RETURN = [
    *(returned(place_id=place) for place in TEN),
    *(returned(place_id=place, follow_up_months=60.0, returned=1500.0, rate_percent=30.0) for place in TEN),
]

#: What is changed in these, and which rules it breaks by how many rows.
RETURN_ERRORS: dict[str, tuple[Rows, dict[str, int]]] = {
    "nothing": (RETURN, {}),
    "a cohort to come": (
        [*RETURN, returned(cohort_start=date(2199, 1, 1), cohort_end=date(2199, 12, 31))], {"year_not_in_future": 1},
    ),
    "rates a tenth of what they were": (
        [returned(**{k: v for k, v in {**r, "rate_percent": r["rate_percent"] / 10}.items() if k != "recidivism_id"}) for r in RETURN],
        {"rate_against_count": 20, "values_against_last_vintage": 20},
    ),
    "fewer after more time": (
        [*RETURN[:10], *RETURN[11:], returned(place_id=TEN[0], follow_up_months=60.0, returned=900.0, rate_percent=18.0)],
        {"longer_follow_up_against_shorter": 1},  # one rate of twenty may change by more than 5 points
    ),
    "a place that is gone": ([r for r in RETURN if r["place_id"] != "ALB"], {"place_not_gone": 1}),
    "one place of ten": (
        [r for r in RETURN if r["place_id"] == "ALB"], {"place_not_gone": 9, "coverage_against_last_vintage": 1},
    ),
    "another kind of return": (
        [returned(place_id=place, outcome="rearrest") for place in TEN], {"coverage_against_last_vintage": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("error", RETURN_ERRORS)
def test_an_error_in_figures_of_return_breaks_the_rule_that_is_for_it(tmp_path: Path, error: str) -> None:
    rows, expected = RETURN_ERRORS[error]
    results = Asker(tmp_path, "recidivism")(rows, RETURN)
    assert broken(results) == expected
    assert {r.type for r in results.values()} == {rule.name for rule in dictionary().tables["recidivism"].rules}


def test_a_table_of_which_nothing_is_left_is_refused_whatever_it_is_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a file has as many items as before, of which none became a figure."""
    full = Parsed("2024-01", 20, {"recidivism": frame("recidivism", RETURN).drop(columns=[*GIVEN])})
    none = Parsed("2024-02", 20, {}, [LeftOut(f"f.csv:{i}", "no figure", {}) for i in range(20)])
    said = iter([full, none])
    monkeypatch.setattr(type(desk.source), "parser", lambda _: lambda file: next(said))
    desk.put(b"a,b\n1,2\n")
    assert [v.state for v in desk.take_in().verdicts] == ["accepted"]
    desk.put(b"a,b\n1,3\n", retrieved_at="2026-05-02")
    verdict = desk.take_in().verdicts[-1]
    assert verdict.state == "quarantined" and "of the 20 rows of recidivism of vintage 2024-01" in str(
        read_json(desk.home.quarantine / "src/one" / verdict.sha256[:16] / "report.json")["checks"]
    )
    assert [v.vintage for v in vintages(desk.home, desk.source)] == ["2024-01"]


#: Columns of an accepted row that intake fills in.
GIVEN = ("recidivism_id", "source_id", "file", "vintage", "snapshot", "licence")


def test_a_digit_too_many_in_the_next_edition_is_seen_though_no_period_is_the_same(ask: Asker) -> None:
    before, now = [observation("FRA", 88_000, 2023)], [observation("FRA", 880_000, 2024)]
    name = "digit_too_many_since_last_edition"
    result = ask(now, before, extends=True)[name]
    assert (result.outcome, result.severity, result.failing) == ("failed", "critical", 1)
    assert ask([observation("FRA", 89_000, 2024)], before, extends=True)[name].outcome == "passed"
    assert ask([observation("FRA", 880_000, 2025)], before, extends=True)[name].rows == 0  # two years later
    assert ask(now, before)[name].rows == 0  # an edition that is no continuation is held against the same period


def test_a_table_that_is_gone_is_asked_about(tmp_path: Path) -> None:
    ask = Asker(tmp_path)
    path = ask._write("earlier", places("ALB", "AND"))
    known = {"vintage": "2023", "retrieved_at": "2023-05-01", "min_share": 0.9, "extends": False}
    results = {
        r.type: r for a in rules.ask_of_candidate(ask.source, {}, {"observation": path}, known) for r in a.answers()
    }
    assert results["coverage_against_last_vintage"].outcome == "failed"


def test_a_measure_that_is_gone_is_told(ask: Asker) -> None:
    before = [*places("ALB"), observation("ALB", 9, 2022, measure="deaths_in_custody")]
    assert broken(ask(places("ALB"), before, min_share=0.5)) == {"gone_since_last_vintage": 1}


# The bridge


def own(**more: Any) -> Rule:
    sql = "SELECT observation_id, locator, value, value > 10 AS holds FROM observation"
    return Rule(**{"name": "own", "severity": "critical", "reason": "Why.", "sql": sql, **more})


def with_rule(folder: Path, rule: Rule) -> Source:
    return make_source(folder / "others", "src", rules={"observation": (rule,)})


@pytest.mark.parametrize(
    ("rule", "outcome", "failing", "said"),
    [
        (own(), "failed", 1, None),
        (own(mostly=0.5), "passed", 1, None),
        (own(mostly=0.51), "failed", 1, None),
        (own(sql="SELECT NULL::BOOLEAN AS holds FROM observation"), "failed", 2, None),
        (own(sql="SELECT 1 AS holds FROM observation"), "could_not_run", 0, "holds is int32, not boolean."),
        (own(sql="SELECT true AS hold FROM observation"), "could_not_run", 0, "holds"),
        (own(sql="SELECT error('broken') AS holds FROM observation"), "could_not_run", 0, "broken"),
        (own(sql="SELECT true AS holds FROM nowhere"), "could_not_run", 0, "nowhere"),
        (own(sql="SELECT ("), "could_not_run", 0, "syntax error"),
    ],
)
def test_failed_and_could_not_run_are_told_apart(
    ask: Asker, tmp_path: Path, rule: Rule, outcome: str, failing: int, said: str | None
) -> None:
    rows = [observation("ALB", 5), observation("AND", 50)]
    result = ask(rows, source=with_rule(tmp_path, rule))["own"]
    assert (result.outcome, result.failing) == (outcome, failing) and result.blocks == (outcome != "passed")
    assert said is None or said in str(result.detail)


def test_a_rule_of_a_source_goes_before_the_tables_of_the_same_name(ask: Asker, tmp_path: Path) -> None:
    rule = own(name="rate_is_possible", sql="SELECT false AS holds FROM observation")
    results = ask([observation("ALB", 5)], source=with_rule(tmp_path, rule))
    assert broken(results) == {"rate_is_possible": 1} and len(results) == 17


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("rules: {nowhere: [{name: a, severity: warning, reason: r, sql: s}]}", "'nowhere' is none"),
        ("rules: {figure: [{name: a, severity: warning, reason: r, sql: s}]}", "'figure' is none"),
        ("rules: {observation: [{name: a, severity: fatal, reason: r, sql: s}]}", "severity"),
        ("rules: {observation: [{name: a, severity: warning, reason: r, sql: s, mostly: 0}]}", "mostly"),
        ("rules: {observation: [{name: a, severity: warning, reason: r, sql: s}, {name: a, severity: warning, reason: r, sql: s}]}",
         "the rule a is there twice"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused(tmp_path: Path, given: str, said: str) -> None:
    from sources.catalogue import read_source

    folder = tmp_path / "src"
    folder.mkdir()
    text = (
        "title: t\npublisher: p\ntier: national\nlicence: CC-BY-4.0\ncadence: yearly\nsubject: prison_population\ncitation: c\nverified: false\n"
        "files: {}\n"
    )
    (folder / "source.yml").write_text(text)
    read_source(folder)
    (folder / "source.yml").write_text(text + given + "\n")
    with pytest.raises(Refused, match=said):
        read_source(folder)


def test_the_rules_of_the_dictionary_are_read_strictly(tmp_path: Path) -> None:
    import shutil

    import dictionary.model as model

    copy = tmp_path / "words"
    shutil.copytree(model.HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / "tables" / "observation.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("name: occupancy", "name: rate_is_possible"), encoding="utf-8")
    with pytest.raises(model.DictionaryError, match="the rule rate_is_possible is there twice"):
        read(copy)


# At intake


def state(desk: Desk, data: bytes, **more: Any) -> tuple[str, str]:
    """What becomes of a file, and what is said."""
    desk.put(data, **more)
    verdict = desk.take_in().verdicts[-1]
    return verdict.state, verdict.message


def test_a_file_that_breaks_a_critical_rule_is_in_quarantine(desk: Desk) -> None:
    said, message = state(
        desk, lines(("FRA", 45_000, {"year": 2022}), ("FRA", 450_000, {"year": 2023}), stamp="2024-05-11")
    )
    assert said == "quarantined"
    assert "Persons held in a whole place change by less than a factor of 8" in message and "value 450,000" in message


def test_a_file_is_held_against_the_vintage_before_it_and_no_other(desk: Desk) -> None:
    desk.put(lines(("FRA", 45_000), stamp="2024-05-11"))
    desk.put(lines(("FRA", 90_000), stamp="2023-05-11"), retrieved_at="2026-05-02")  # older, imported by hand
    desk.put(lines(("FRA", 46_000), stamp="2025-05-11"), retrieved_at="2026-05-03")
    assert [v.state for v in desk.take_in().verdicts] == ["accepted"] * 3
    said, message = state(desk, lines(("FRA", 460_000), stamp="2026-04-11"), retrieved_at="2026-05-04")
    assert said == "quarantined" and "at most 2 percent change" in message and "value_before 46,000" in message


@pytest.mark.parametrize(
    ("items", "said"), [(19, "accepted"), (20, "accepted"), (21, "quarantined"), (9, "accepted"), (8, "quarantined")]
)
def test_the_number_of_items_may_neither_fall_nor_more_than_double(make_desk: Any, items: int, said: str) -> None:
    file = File(pattern="one*", types=("csv", "text"), min_share=0.9)
    desk = make_desk(src={"files": {"one": file}})
    measures = ("persons_held", "admissions", "releases")

    def rows(count: int) -> bytes:
        keys = [(p, y, m) for m in measures for y in (2023, 2024) for p in TEN[:5]][:count]  # no place or year is lost
        return lines(*((p, 50, {"measure": m, "year": y}) for p, y, m in keys), stamp=f"20{10 + count % 7}-05-11")

    desk.put(rows(10), retrieved_at="2026-05-01")
    desk.put(rows(items).replace(rows(items)[:12], b"# 2025-05-11"), retrieved_at="2026-05-02")
    assert [v.state for v in desk.take_in().verdicts] == ["accepted", said]


# Rules of tables that are built


def asked_of_table(table: str, rule: str, **tables: str) -> CheckResult:
    """The answer of one rule of a table that is built, of rows that SELECTs give."""
    (wanted,) = (r for r in dictionary().tables[table].rules if r.name == rule)
    with duckdb.connect() as connection:
        for name, sql in tables.items():
            connection.execute(f"CREATE TABLE {name} AS {sql}")
        (answer,) = (r for a in rules.ask(connection, table, [wanted]) for r in a.answers())
    return answer


def country(held: int, capacity: int, rate: float) -> str:
    return (
        f"SELECT 'ALB' AS place_id, 2022 AS year, {held} AS persons_held, 's' AS persons_held_source, 1 AS population,"
        f" {capacity} AS official_capacity, {rate} AS persons_held_per_100k"
    )


@pytest.mark.parametrize(
    ("rule", "sound", "odd"),
    [
        ("occupancy_of_countries", country(5000, 6000, 180), country(5000, 60, 180)),
        ("possible_rate_of_countries", country(5000, 6000, 180), country(5000, 6000, 18_000)),
    ],
)
def test_a_country_with_a_digit_too_many_is_told(rule: str, sound: str, odd: str) -> None:
    assert asked_of_table("country_year", rule, country_year=sound).outcome == "passed"
    assert asked_of_table("country_year", rule, country_year=odd).outcome == "failed"


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "passed"), (10.0, "failed")])
def test_published_rates_are_held_against_count_and_population(factor: float, outcome: str) -> None:
    """Twelve places, of which two (of twelve) or none have a rate of ten times what count and population make."""
    cells = "'s' AS source_id, 'f' AS file, '2023' AS vintage, 'd' AS dataset, NULL AS definition, '_T' AS facility, '_T' AS sex,"
    cells += " '_T' AS age, '_T' AS legal_status, '_T' AS citizenship, '_T' AS offence, DATE '2022-12-31' AS period_end"
    observation = f"""
        SELECT 'o' || i AS observation_id, 'l' AS locator, 'P' || i AS place_id, measure, {cells},
               CASE measure WHEN 'persons_held' THEN 2000.0 ELSE 200.0 * CASE WHEN i < 2 THEN {factor} ELSE 1 END END AS value
        FROM range(12) AS t(i), (VALUES ('persons_held'), ('persons_held_rate')) AS m(measure)
    """
    population = "SELECT 'P' || i AS place_id, 2022 AS year, 1000000.0 AS value FROM range(12) AS t(i)"
    for rule in ("published_rates_fit", "published_rates_fit_in_each_year"):
        answer = asked_of_table("population", rule, observation=observation, population=population)
        assert answer.outcome == outcome and answer.rows == (12 if rule == "published_rates_fit" else 1)
