"""The numbers of estimate_rules.yml, and the form that they must have."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dictionary.model import LOADER
from sources.errors import Refused

RULES = Path(__file__).parent.parent / "estimate_rules.yml"


@dataclass(frozen=True)
class Rules:
    """See the comments in estimate_rules.yml; years, persons, logs and shares as they stand there."""

    first_year: int
    draws: int
    seed: int
    longest: int
    windows: int
    places_in_window: int
    places_in_region: int
    pace_over: list[int]
    pace_at_most: float
    unrest_prior_years: float
    spread_at_most: float
    spreads_at_most: float
    split_known_at_least: float
    gap_unsentenced: dict[str, float]
    test_from: int
    test_ahead: int
    test_sums_of_at_least: int
    test_world_of_at_least: int
    size_classes: list[int]


@cache
def rules() -> Rules:
    """The rules of this installation."""
    return read(RULES.read_text(encoding="utf-8"))


def read(text: str) -> Rules:
    """The rules that a text gives.

    Raises:
        Refused: when one is missing, unknown, or no positive number or list or mapping of numbers.
    """
    given: dict[str, Any] = yaml.load(text, Loader=LOADER)
    if odd := set(given) ^ {field.name for field in fields(Rules)}:
        raise Refused(f"{RULES.name}: {min(odd)} is missing or unknown.")
    for name, value in given.items():
        numbers = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        least = 0 if isinstance(value, dict) else 1e-9
        if not numbers or any(type(n) not in (int, float) or n < least for n in numbers):
            raise Refused(f"{RULES.name}: {name} is {value!r}, which are no positive numbers.")
    return Rules(**given)
