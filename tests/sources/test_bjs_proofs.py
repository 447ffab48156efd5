"""Tables of the BJS prove themselves: a row or column lost, or a decimal point moved, is refused in every reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.bjs_prisoners.parse import PRISON_STATES
from sources.bjs_tables import STATES
from sources.errors import Refused
from tests.sources.bjs import bjs_file
from tests.sources.fixtures import never_breaks, parse

Rows = list[list[str]]


@dataclass(frozen=True)
class Sample:
    """A small table of one reading; `header` is how many of its rows stand above the figures.

    `unproved` are figures, by line and column of the table, of which nothing in it tells when their point has moved;
    `optional` are columns that not every edition has.
    """

    source: str
    name: str
    title: str
    header: int
    table: Rows
    notes: Sequence[str]
    source_line: str = "Source: Bureau of Justice Statistics, National Prisoner Statistics."
    unproved: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    optional: frozenset[int] = frozenset()

    @property
    def key(self) -> str:
        return "at" + self.name[-2:] if self.name[-4] == "a" else self.name[-3:]

    def file(self, table: Rows) -> bytes:
        return bjs_file(f"{self.name}.csv", self.title, table, self.notes, source=self.source_line)

    def read(self, table: Rows) -> Any:
        return parse(self.source, self.key, f"{self.name}.csv", self.file(table))


PRISONERS, POPULATIONS, RECIDIVISM = "bjs_prisoners", "bjs_correctional_populations", "bjs_recidivism"
OF_PRISONERS = "prisoners under the jurisdiction of state or federal correctional authorities"
MORE = "Note: Counts and rates are for December 31 of each year, with a sentence of more than 1 year"
SYMBOLS = [":Not calculated.", "/Not reported.", "^Four or fewer persons.", "~Not applicable."]
FOLLOWED = "Source: Bureau of Justice Statistics, Prisoners Released in 2008 data collection, 2008\u20132018."


def by_state(header: Rows, whole: str, federal: str, state: str, first: str, others: str, dc: bool = False) -> Rows:
    """The three totals, Alabama with `first`, and the other states with `others`; figures are split at spaces."""
    names = [name for (name,) in (STATES if dc else PRISON_STATES)]
    return [
        *header,
        *([["", "U.S. total", *whole.split()]] if whole else []),
        ["Federal", "", *federal.split()],
        ["State", "", *(state.split() or [""] * len(federal.split()))],
        ["", names[0], *first.split()],
        *(["", name, *others.split()] for name in names[1:]),
    ]


def offences(header: Rows, everybody: str, killed: str, shares: str) -> Rows:
    """A row of shares for everybody, and the same for each offence."""
    return [
        *header,
        ["", everybody, *shares.split()],
        ["Violent", "", *shares.split()],
        *(["", name, *shares.split()] for name in (killed, "Rape/sexual assault", "Robbery", "Assault")),
        ["Property", "", *shares.split()],
        *(["", name, *shares.split()] for name in ("Burglary", "Larceny/motor vehicle theft", "Fraud/forgery")),
        ["Drug", "", *shares.split()],
        ["Public order", "", *shares.split()],
    ]


AGES = ["18-19", "20-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-59", "60-64", "65 or older"]
NUMBERS = ["", "Number of sentenced prisoners", "1,200", "1,000", "200"]
RATE = "Per 100,000 U.S. residents within each group in"
SERVED = ["6 months or less", "7\u201312", "13\u201318", "19\u201324", "25\u201336", "37\u201360"]
AFTER = "Percent of released prisoners who were arrested within 10 years after serving\u2014"
KINDS = [
    "Total violent", "Homicide", "Rape/sexual assault", "Robbery", "Assault", "Total property", "Burglary",
    "Larceny/motor vehicle theft", "Fraud/ forgery", "Drug", "Public order",
]  # fmt: skip
OF_COHORT = "of state prisoners released in 24 states in 2008 who were arrested within 10 years"

SAMPLES = [
    Sample(PRISONERS, "p22stt07", f"Table 7. Imprisonment rates of U.S. residents, based on sentenced {OF_PRISONERS}, "
           "by sex, age, and jurisdiction, 2021 and 2022", 3,
           by_state([["", "", f"{RATE} 2021", "", "", "", f"{RATE} 2022", "", "", ""],
                     ["", "", "All ages", "", "", "", "All ages", "", "", ""],
                     ["Jurisdiction", "", *["Total", "Male", "Female", "Age 18 or older"] * 2]],
                    "350 658 47 448 355 666 49 453", "43 81 6 56 44 82 6 56", "307 577 41 393 311 584 43 397",
                    "383 738 47 491 390 749 51 500", "205 370 36 270 213 383 38 281"), [f"{MORE}.", *SYMBOLS]),
    Sample(PRISONERS, "p22stt08", f"Table 8. Admissions of sentenced {OF_PRISONERS}, by jurisdiction, 2021 and 2022", 1,
           by_state([["Jurisdiction", "", "2021 total", "2022 total", "Change, 2021\u20132022",
                      "Percent change, 2021\u20132022", "2021 new court commitments", "2022 new court commitments",
                      "2021 conditional supervision violations", "2022 conditional supervision violations"]],
                    "1,990 2,000 10 0.5 1,090 1,090 900 910", "1,000 1,010 10 1 590 590 410 420",
                    "990 990 0 0 500 500 490 490", "10 10 0 0 10 10 0 0", "20 20 0 0 10 10 10 10"),
           [f"{MORE}. Counts cover January 1 through December 31.", *SYMBOLS], optional=frozenset({4})),
    Sample(PRISONERS, "p22stt09", f"Table 9. Releases of sentenced {OF_PRISONERS}, by jurisdiction, 2021 and 2022", 1,
           by_state([["Jurisdiction", "", "2021 total", "2022 total", "Change, 2021\u20132022",
                      "Percent change, 2021\u20132022", "2021 unconditional", "2022 unconditional",
                      "2021 conditional", "2022 conditional", "2021 deaths", "2022 deaths"]],
                    "1,990 2,000 10 0.5 980 980 990 1,000 20 20", "1,000 1,010 10 1 490 490 500 510 10 10",
                    "990 990 0 0 490 490 490 490 10 10", "10 10 0 0 0 0 0 0 10 10", "20 20 0 0 10 10 10 10 0 0"),
           [f"{MORE}. Counts cover January 1 through December 31.", *SYMBOLS], optional=frozenset({4})),
    Sample(PRISONERS, "p22stt21", "Table 21. Prison facility capacity, custody population, and percent of capacity, by "
           "jurisdiction, December 31, 2022", 2,
           by_state([["", "", "Type of capacity", "", "", "", "Custody population as a percent of\u2014", ""],
                     ["Jurisdiction", "", "Rated", "Operational", "Design", "Custody population", "Lowest capacity",
                      "Highest capacity"]],
                    "", "100 / 200 150 150 75", "", "300 / / 360 120 120", "/ 1,000 2,000 1,500 150 75"),
           ["Note: Of capacity.", *SYMBOLS]),
    Sample(PRISONERS, "p22stt01", "Table 1. Prisoners under the jurisdiction of state or federal correctional "
           "authorities, by jurisdiction and sex, 2020\u20132022", 1,
           [["Year", "", "Total", "Federal", "State", "Male", "Female"],
            ["2020", "", "1,000", "100", "900", "910", "90"],
            ["2021", "", "1,100", "110", "990", "999", "101"],
            ["2022", "", "1,210", "122", "1,088", "1,100", "110"],
            ["Percent change", "", "", "", "", "", ""],
            ["", "2020\u20132022", "21", "22", "20.9", "20.9", "22.2"],
            ["", "2021\u20132022", "10", "10.9", "9.9", "10.1", "8.9"]], [f"{MORE}.", *SYMBOLS]),
    Sample(PRISONERS, "p22stt05", "Table 5. Imprisonment rates of U.S. residents of all ages, based on sentenced "
           f"{OF_PRISONERS}, by jurisdiction, sex, and race or Hispanic origin, 2021\u20132022", 1,
           [["Year", "", "Total", "Federal", "State", "Male", "Female"],
            ["2021", "", "350", "43", "307", "658", "47"],
            ["2022", "", "355", "44", "311", "666", "49"],
            ["Percent change", "", "", "", "", "", ""],
            ["", "2021\u20132022", "1.2", "0.7", "1.3", "1.1", "3.4"]], [f"{MORE}.", *SYMBOLS]),
    Sample(PRISONERS, "p22stt10", f"Table 10. Percent of sentenced {OF_PRISONERS}, by sex, race or Hispanic origin, "
           "and age, December 31, 2022", 1,
           [["Age", "", "Total", "All male", "All female"], ["", "Total", "100", "100", "100"],
            [AGES[0], "", "10", "9", "15"], *[[age, "", "9", "9.1", "8.5"] for age in AGES[1:]], NUMBERS],
           [f"{MORE}.", *SYMBOLS]),
    Sample(PRISONERS, "p22stt13", "Table 13. Imprisonment rates of sentenced prisoners under the jurisdiction of state "
           "or federal correctional authorities, per 100,000 U.S. residents, by demographic characteristics, "
           "December 31, 2022", 1,
           [["Age", "", "Total", "All male", "All female"], ["", "Total", "550", "1,000", "100"],
            *[[age, "", "550", "1,000", "100"] for age in AGES], NUMBERS], [f"{MORE}.", *SYMBOLS],
           unproved=frozenset((line, 4) for line in range(1, 13))),
    Sample(PRISONERS, "p22stt15", "Table 15. Prisoners age 17 or younger in the custody of publicly or privately "
           "operated state or federal prisons, by jurisdiction, 2021 and 2022", 1,
           by_state([["Jurisdiction", "", "2021", "2022"]], "1,000 1,020", "10 20", "990 1,000", "10 ^", "20 ~")[:-1]
           + [["", "Wyoming", "20", "998"]],
           ["Note: excluding prisoners held in local jails and in the custody of other jurisdictions. Counts are for "
            "December 31 of each year.", *SYMBOLS]),
    Sample(PRISONERS, "p22stt22", "Table 22. Citizenship status of prisoners in the custody of publicly or privately "
           "operated state or federal prisons, excluding jails, by sex and jurisdiction, December 31, 2022", 2,
           by_state([["", "", "U.S. citizen prisoners", "", "", "Non-U.S. citizen prisoners", "", "", ""],
                     ["Jurisdiction", "", *["Total", "Male", "Female"] * 2,
                      "Non-U.S. citizens as a percent of prison population"]],
                    "", "900 800 100 100 90 10 9.8", "", "90 80 10 10 ^^ ^ 10", "900 800 100 100 90 10 9"),
           ["Note: Of citizens.", *SYMBOLS, "^^Suppressed."]),
    Sample(PRISONERS, "p22stt25", "Table 25. Prisoners under the jurisdiction or in the custody of correctional "
           "authorities in U.S. territories and commonwealths, by prison facility capacity, December 31, 2022", 1,
           [["Territory", "", "Total", "Sentenced to more than 1 year", "Total custody population", "Rated",
             "Operational", "Design"], ["", "Total", "500", "250", "400", ":", ":", ":"],
            *[[name, "", "100", "50", "80", "100", "120", "110"] for name in (
                "American Samoa", "Guam", "Northern Mariana Islands", "Puerto Rico", "U.S. Virgin Islands")]],
           ["Note: Of territories.", *SYMBOLS]),
    Sample(POPULATIONS, "cpus16t04", "Table 4. Rate of persons supervised by U.S. adult correctional systems, by "
           "correctional status, 2000 and 2006", 1,
           [["Year", "Number supervised per 100,000 U.S. adult residents",
             "U.S. adult residents under correctional supervision",
             "Number supervised per 100,000 U.S. residents of all ages",
             "Number on probation or parole per 100,000 U.S. adult residents",
             "Number on probation or parole per 100,000 U.S. residents of all ages",
             "Number in prison or local jail per 100,000 U.S. adult residents",
             "Number in prison or local jail per 100,000 U.S. residents of all ages"],
            ["2000", "3,000", "1 in 33", "2,250", "2,000", "1,500", "1,000", "750"],
            ["2006", "3,200", "1 in 31", "2,400", "2,200", "1,650", "1,000", "750"]], ["Note: Rounded."]),
    Sample(POPULATIONS, "cpus16at01", "Appendix table 1. Estimated number and rate of persons supervised by U.S. adult "
           "correctional systems, by jurisdiction and correctional status, 2016", 1,
           by_state([["Jurisdiction", "", "Total correctional population, 12/31/2016",
                      "Correctional supervision rate per 100,000 ages 18 or older",
                      "Correctional supervision rate per 100,000 U.S. residents of all ages",
                      "Number on probation or parole, 12/31/2016",
                      "Community supervision rate per 100,000 U.S. residents ages 18 or older",
                      "Community supervision rate per 100,000 U.S. residents of all ages",
                      "Number in prison or local jail, 12/31/2016",
                      "Incarceration rate per 100,000 U.S. residents ages 18 or older",
                      "Incarceration rate per 100,000 U.S. residents of all ages"]],
                    "5,200,000 2,600 2,080 3,640,000 1,820 1,460 1,560,000 780 620",
                    "100,000 50 40 70,000 40 30 30,000 20 10",
                    "5,100,000 2,550 2,040 3,570,000 1,790 1,430 1,530,000 770 610",
                    "100,000 2,500 2,000 70,000 1,750 1,400 30,000 750 600",
                    "100,000 2,500 2,000 70,000 1,750 1,400 30,000 750 600", dc=True), ["Note: Rounded."]),
    Sample(POPULATIONS, "cpus16at03", "Appendix table 3. Persons held in custody in state or federal prisons or in "
           "local jails, 2015\u20132016", 1,
           [["Persons", "", "", "2015", "2016", "Percent change, 2015\u20132016"],
            ["", "Total", "", "2,000,000", "2,100,000", "5"],
            ["Federal prisoners", "", "", "200,000", "210,000", "5"],
            ["", "Prisons", "", "190,000", "200,000", "5.3"],
            ["", "", "Federal facilities", "160,000", "170,000", "6.3"],
            ["", "", "Privately operated facilities", "30,000", "30,000", "0"],
            ["", "Community corrections centers", "", "10,000", "10,000", "0"],
            ["State prisoners", "", "", "1,200,000", "1,200,000", "0"],
            ["", "State facilities", "", "1,100,000", "1,000,000", "-9.1"],
            ["", "Privately operated facilities", "", "100,000", "200,000", "100"],
            ["Local jails", "", "", "600,000", "690,000", "15"],
            ["Incarceration rate", "", "", "600", "630", "5"],
            ["", "Adult incarceration rate", "", "800", "840", "5"]],
           ["Note: Prison counts are for December 31, and jail counts are for the last weekday in June."]),
    Sample(POPULATIONS, "cpus16at04", "Appendix table 4. Standard errors for local jail inmates at midyear, "
           "2014\u20132016", 1,
           [["Year", "Total", "Standard error*"], ["2014", "744,600", "8,380"], ["2015", "727,400", "7,190"],
            ["2016", "740,700", "5,940"]], ["Note: Rounded.", "*Inmates on the last weekday in June."]),
    Sample(RECIDIVISM, "rpr24s0810yfup0818t11", f"Table 11. Percent {OF_COHORT} following release, by most serious "
           "commitment offense and type of post-release arrest offense", 1,
           offences([["Offense", "", "Any", *KINDS]], "All released prisoners", "Homicide",
                    "80 70.5 1.5 2.5 7.5 30.5 40.5 14.5 28.5 16.5 47.5 60.5"), ["Note: Of arrests."], FOLLOWED,
           # Of one kind of arrest a share may be anything up to that of any arrest.
           unproved=frozenset((line, at) for line in range(2, 13) for at in range(4, 12))),
    Sample(RECIDIVISM, "rpr24s0810yfup0818t10", f"Table 10. Percent {OF_COHORT} following release, by type of "
           "post-release arrest offense", 1,
           [["Arrest", "", "Percent"], ["", "Any", "81.9"],
            *(["", kind, share] for kind, share in zip(
                ["Violent", "Homicide", "Rape/sexual assault", "Robbery", "Assault", "Other violent", "Property", "Burglary",
                 "Larceny/motor vehicle theft", "Fraud/forgery", "Other property", "Drug", "Possession", "Trafficking",
                 "Other drug", "Public order", "Weapons", "DUI/DWI", "Other public order"],
                "33.3 5.5 6.6 7.7 13.3 8.8 33.4 9.1 12.3 8.7 14.4 32.2 12.2 13.1 17.5 33.5 11.1 12.4 18.2".split(),
                strict=True))],
           ["Note: A person may be arrested for more than one offense."], FOLLOWED),
    Sample(RECIDIVISM, "rpr24s0810yfup0818t14", f"Table 14. Percent {OF_COHORT}, by most serious commitment offense "
           "and median time served in prison before first release", 2,
           offences([["", "", AFTER, ""], ["Offense", "", "Less than the median time served before first release",
                                           "More than the median time served before first release"]],
                    "All first releases", "Murder/nonnegligent manslaughter", "80.5 75.5"),
           ["Note: First releases include prisoners released in 2008 for the first time."], FOLLOWED),
    Sample(RECIDIVISM, "rpr24s0810yfup0818t15", f"Table 15. Percent {OF_COHORT}, by most serious commitment offense "
           "and time served in prison", 2,
           offences([["", "", AFTER, *[""] * 5, "61 or more", "", ""],
                     ["Offense", "", *SERVED, "Total", "61\u201380", "81 or more"]], "All first releases",
                    "Murder/nonnegligent manslaughter", "80.5 80.5 78.5 77.5 76.5 75.5 65.5 70.5 60.5"),
           ["Note: First releases include prisoners released in 2008 for the first time."], FOLLOWED),
    Sample(RECIDIVISM, "rpr24s0810yfup0818f01", "Figure 1. Annual arrest percentage of state prisoners released in 24 "
           "states in 2008", 1, [["Year", "Percent"], ["Year 1", "42.9"], ["Year 2", "35.7"]], ["Note: Of arrests."],
           FOLLOWED.replace("2018", "2010")),
]  # fmt: skip

of_each = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


@of_each
def test_a_whole_table_is_read(sample: Sample) -> None:
    assert sample.read(sample.table).items > 0


def number(cell: str) -> float | None:
    """The number in a cell, if it is one."""
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return None


def lines(sample: Sample) -> list[int]:
    """The lines of figures; of the states, which are alike, the first and the last."""
    found = [line for line in range(sample.header, len(sample.table)) if any(map(number, sample.table[line][1:]))]
    return found if len(found) < 20 else [*found[:4], found[-1]]


@of_each
def test_a_lost_row_or_column_is_refused(sample: Sample) -> None:
    for line in lines(sample):
        with pytest.raises(Refused):
            pytest.fail(f"without {sample.table[line]}, {sample.read(sample.table[:line] + sample.table[line + 1 :])}")
    filled = {at for line in lines(sample) for at, cell in enumerate(sample.table[line]) if at and number(cell)}
    for at in filled - sample.optional:
        with pytest.raises(Refused):
            pytest.fail(f"without column {at}, {sample.read([row[:at] + row[at + 1 :] for row in sample.table])}")


@of_each
def test_a_moved_decimal_point_is_refused(sample: Sample) -> None:
    tried = 0
    for line in lines(sample):
        for at, cell in enumerate(sample.table[line]):
            if not at or (line, at) in sample.unproved or not (value := number(cell)):
                continue
            for moved in (f"{value * 10:.0f}", f"{value / 10:.10g}"):
                rows = [list(row) for row in sample.table]
                rows[line][at] = moved
                tried += 1
                with pytest.raises(Refused):
                    pytest.fail(f"{cell} as {moved} in {sample.table[line]}, {sample.read(rows).items} items")
    assert tried > 3


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_words(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    never_breaks(sample.source, sample.key, f"{sample.name}.csv", sample.file(sample.table), data)
