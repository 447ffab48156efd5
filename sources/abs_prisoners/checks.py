"""The sums, shares and rates of the tables for Australia, compared with the counts that they are made of.

The publisher alters counts at random, each table's cells and totals on their own, and does not say by how much. Such
alterations add up as their root, so that sums of n figures may be apart by ALTERED times the root of n. ALTERED covers
every sum of the edition of 2019, of which the widest are 11 prisoners in a sum of three figures (Table_29!I23) and 17
in one of nine (Table_21!J112); 6.4 would do.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from sources.errors import refusal
from sources.sums import Floats, add_up, floats, follow

ALTERED = 7.0
#: Rates and percentages have one decimal.
HALF = 0.05 + 1e-6

NATION = "Aust."
NUMBER, PROPORTION, ALL, TOTAL = "NUMBER", "PROPORTION (%)", "Total prisoners", "Total"
#: Tables of counts by place, of which each block of rows has a total; their rows of ages are no counts.
BLOCKS = ("Table_16", "Table_21", "Table_23", "Table_29", "Table_30", "Table_31")
NO_COUNT = re.compile(r"(Mean|Median) age \(years\)")
#: Males, females and persons, as each table writes them.
SEXES = {
    "Table_21": ("MALES", "FEMALES", "PERSONS"),
    "Table_29": ("Males", "Females", "Persons"),
    "Table_30": ("Males", "Females", "Persons "),
}
#: Offences of two digits add up to the total. Those of three digits add up to theirs, but for divisions of which the
#: tables show only some.
DIVISION, SUBDIVISION = re.compile(r"\d\d .+"), re.compile(r"\d\d\d .+")
SHOWN_IN_PART = {("Table_23", "09"), ("Table_23", "14"), ("Table_31", "09"), ("Table_31", "10"), ("Table_31", "14")}
#: Persons held after the end of their sentence are neither sentenced nor unsentenced; in no year more than 1 percent.
LEGAL, POST_SENTENCE, POST_SENTENCE_SHARE = "Table_30", "Post-sentence", 0.01

#: Of the adults of a place, men are between 45 and 55 percent, and from one year to the next hardly more or fewer: at
#: most 1.9 points, in the Northern Territory in 2017, when the publisher took up the census of 2016. The number of
#: adults grew by 4.1 percent in a year at most.
MEN, MEN_STEP, ADULTS_STEP = (0.45, 0.55), 0.02, 0.06

#: A row of a table: its figures by place, Australia last, and where each stands. A table has its rows by heading,
#: subheading and label, and one of years by place and year.
Key = tuple[str, str, str]
Row = tuple[Floats, list[str]]
Table = dict[Key, Row]


def check_sums(file: str, frame: pd.DataFrame, edition: int) -> None:
    """Refuse tables that do not agree with themselves or with each other.

    The frame has one row a figure: the publisher's words of `meanings.csv`, place, year, value, locator and meaning.
    """
    by_place = frame[frame["column"].eq("<place>") & frame["label"].ne("<year>")]
    tables = {str(sheet): _rows(rows, ["heading", "subheading", "label"]) for sheet, rows in by_place.groupby("sheet")}
    for sheet in (*BLOCKS, "Table_14"):
        _check_states(file, sheet, tables[sheet])
    for sheet in BLOCKS:
        _check_blocks(file, sheet, tables[sheet], tables["Table_14"])
    for sheet in SEXES:
        _check_sexes(file, sheet, tables[sheet])
    _check_characteristics(file, tables["Table_14"])
    years = frame[frame["label"] == "<year>"]
    _check_years(file, {str(column): rows for column, rows in years.groupby(years["sheet"] + years["column"])})
    _check_populations(file, frame[frame["year"] == edition])


def _rows(frame: pd.DataFrame, keys: list[str]) -> Any:
    """The figures of each combination of the keys, in the order in which they stand, and where they stand."""
    return {
        key: (rows["value"].to_numpy(dtype=np.float64), rows["locator"].tolist())
        for key, rows in frame.groupby(keys, sort=False)
    }


def _apart(figures: int) -> float:
    """How far apart the sum of altered figures and its total may be, the total being one of the figures."""
    return ALTERED * float(np.sqrt(figures))


def _sum(file: str, table: Table, whole: Key, parts: list[Key], rest: Any = 0.0) -> None:
    """Refuse where the rows `parts` do not add up to the row `whole` in some place."""
    values, at = table[whole]
    of = " and ".join(" ".join(filter(None, part)).strip() for part in parts) if len(parts) < 4 else "its parts"
    add_up(file, at, values, [table[part][0] for part in parts], tolerance=_apart(len(parts) + 1), rest=rest, of=of)


def _check_states(file: str, sheet: str, table: Table) -> None:
    """Refuse a count of Australia that is not the sum of its states and territories."""
    for key, (values, at) in table.items():
        if key[0] != PROPORTION and not _is_age(sheet, key):
            of, apart = "the states and territories", _apart(len(values))
            add_up(file, at[-1:], values[-1:], [values[:-1].sum(keepdims=True)], tolerance=apart, of=of)


def _is_age(sheet: str, key: Key) -> bool:
    return NO_COUNT.fullmatch(key[2]) is not None or (sheet == "Table_14" and key[1] == "Median age (years)")


def _check_blocks(file: str, sheet: str, table: Table, characteristics: Table) -> None:
    """Refuse a total that is not the sum of the rows above it, or a division that is not that of its subdivisions."""
    rest = characteristics[NUMBER, "Legal status", POST_SENTENCE][0] if sheet == LEGAL else 0.0
    for heading, subheading in dict.fromkeys(key[:2] for key in table):
        block = [key for key in table if key[:2] == (heading, subheading) and not _is_age(sheet, key)]
        parts = [key for key in block if key[2] != TOTAL and not SUBDIVISION.fullmatch(key[2])]
        _sum(file, table, (heading, subheading, TOTAL), parts, rest)
        for division in (key for key in parts if DIVISION.fullmatch(key[2])):
            code = division[2][:2]
            within = [key for key in block if SUBDIVISION.fullmatch(key[2]) and key[2].startswith(code)]
            if within:
                _sum(file, table, division, within, np.inf if (sheet, code) in SHOWN_IN_PART else 0.0)


def _check_sexes(file: str, sheet: str, table: Table) -> None:
    """Refuse a count of persons that is not the sum of males and females."""
    males, females, persons = SEXES[sheet]
    for key in (key for key in table if key[1] == persons and not _is_age(sheet, key)):
        _sum(file, table, key, [(key[0], males, key[2]), (key[0], females, key[2])])


def _check_characteristics(file: str, table: Table) -> None:
    """Refuse a division of all prisoners that does not add up to them, or a percentage that is not of its count."""
    whole = (NUMBER, "", ALL)
    numbers = [key for key in table if key[0] == NUMBER and key != whole and not _is_age("Table_14", key)]
    for subheading in dict.fromkeys(key[1] for key in numbers):
        _sum(file, table, whole, [key for key in numbers if key[1] == subheading])
    for key in numbers:
        shown, at = table[PROPORTION, key[1], key[2]]
        follow(file, at, shown, table[key][0], table[whole][0], per=100, digits=1)


def _check_years(file: str, columns: dict[str, pd.DataFrame]) -> None:
    """Refuse a series of which the states do not add up, or of which counts, rates and shares do not agree."""
    everybody, sentenced = columns["Table_15Total prisoners"], columns["Table_27Total sentenced prisoners"]
    for rows in (everybody, sentenced):
        states = rows[rows["place_id"] != "AUS"].groupby("year")["value"].agg(["sum", "count"])
        nation = rows[rows["place_id"] == "AUS"].set_index("year").loc[states.index]
        add_up(
            file, nation["locator"].tolist(), nation["value"], [states["sum"]],
            tolerance=ALTERED * np.sqrt(states["count"] + 1), of="the states and territories",
        )  # fmt: skip
    told = {
        name: columns[column].set_index(["place_id", "year"])["value"].astype(float)
        for name, column in {
            "all": "Table_15Total prisoners", "sentenced": "Table_27Total sentenced prisoners",
            "unsentenced": "Table_15Unsentenced", "M": "Table_15Male imprisonment rate",
            "F": "Table_15Female imprisonment rate", "_T": "Table_19<place>",
        }.items()
    }  # fmt: skip
    each = pd.DataFrame(told)
    at = everybody.set_index(["place_id", "year"])["locator"].loc[each.index].tolist()
    add_up(
        file, at, each["all"], [each["sentenced"], each["unsentenced"] * each["all"] / 100],
        tolerance=_apart(3) + HALF / 100 * each["all"], rest=POST_SENTENCE_SHARE * each["all"],
        of="its unsentenced share and the sentenced of Table_27",
    )  # fmt: skip
    rates = columns["Table_19<place>"].set_index(["place_id", "year"])["locator"]
    for _, of_place in each.sort_index().groupby("place_id"):
        _check_steps(file, rates.loc[of_place.index].tolist(), of_place)


def _check_steps(file: str, at: list[str], rows: pd.DataFrame) -> None:
    """Refuse rates of men, women and all that are of impossible populations, or of ones that leap between years."""
    men = ((rows["_T"] - rows["F"]) / (rows["M"] - rows["F"])).to_numpy()
    adults = (rows["all"] / rows["_T"]).to_numpy()
    for i in np.flatnonzero((men < MEN[0]) | (men > MEN[1])).tolist():
        why = f"with the rates of men and women in Table_15 it would make {men[i]:.1%} of the adults men"
        raise refusal(file, f"{why}.", at[i])
    leaps = (np.abs(np.diff(men)) > MEN_STEP) | (np.abs(adults[1:] / adults[:-1] - 1) > ADULTS_STEP)
    for i in np.flatnonzero(leaps).tolist():
        why = f"by the counts and rates in Table_15 the adults or the men among them leap from {at[i]} to here"
        raise refusal(file, f"{why}.", at[i + 1])


def _check_populations(file: str, frame: pd.DataFrame) -> None:
    """Refuse where count and rate of men and of women are not of as many people together as those of all."""
    told = frame[frame["table"].eq("observation") & frame["legal_status"].isna() & frame["offence"].isna()]
    told = told.fillna({"sex": "_T", "age": "_T"}).drop_duplicates(["place_id", "age", "sex", "measure"])
    found = {
        (place, age, sex, measure): (value, at)
        for place, age, sex, measure, value, at in zip(
            *(told[column] for column in ("place_id", "age", "sex", "measure", "value", "locator")), strict=True
        )
    }
    for place, age in dict.fromkeys(key[:2] for key in found):
        counts = [found.get((place, age, sex, "persons_held")) for sex in ("_T", "M", "F")]
        rates = [found.get((place, age, sex, "persons_held_rate")) for sex in ("_T", "M", "F")]
        if None in counts or None in rates:
            continue
        count, rate_of = (floats([one[0] for one in ones if one]) for ones in (counts, rates))
        low, high = 1e5 * (count - ALTERED) / (rate_of + HALF), 1e5 * (count + ALTERED) / (rate_of - HALF)
        if low[1:].sum() > high[0] or high[1:].sum() < low[0]:
            why = f"with its count it is of {low[0]:,.0f} to {high[0]:,.0f} people where those of men and women are of"
            raise refusal(
                file, f"{why} {low[1:].sum():,.0f} to {high[1:].sum():,.0f}.", rates[0][1] if rates[0] else None
            )
