"""The rules by which figures are chosen, as figure_rules.yml states them; what they do is in the models."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dictionary.model import LOADER, dictionary
from sources.errors import Refused

PATH = Path(__file__).parent / "figure_rules.yml"

#: The lists that must rank every code of theirs; a missing figure is never chosen.
RANKED = {"tier": frozenset[str](), "period_kind": frozenset[str](), "status": frozenset({"M"}), "grade": frozenset()}

#: Stands in `headline` for the measure's own definition.
OWN = "own"
#: What table reference.rules has: the rules that are one number.
NUMBERS = (
    "disagreement_share",
    "stock_repeated_share",
    "juveniles_at_most",
    "out_of_scale",
    "back_at_most",
    "covered_at_least",
    "bound_at_most",
)


def read(path: Path) -> dict[str, Any]:
    """The rules of a file.

    Raises:
        Refused: where they leave a code unranked or name one that the dictionary does not have.
    """
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    words = dictionary()
    for name, unranked in RANKED.items():
        if differs := set(found[name]) ^ (set(words.codes(name)) - unranked):
            raise Refused(f"warehouse/{path.name}: the list {name} must rank every code once; see {min(differs)}.")
    if unknown := set(found["never_alone"]) - set(words.codes("grade")):
        raise Refused(f"warehouse/{path.name}: never_alone names {min(unknown)}, which is no grade.")
    for measure, definitions in found["headline"].items():
        if measure not in words.measures or OWN not in definitions:
            raise Refused(f"warehouse/{path.name}: headline needs measures, each with {OWN!r}; see {measure}.")
    return found


@cache
def rules() -> dict[str, Any]:
    """The rules of this installation, read once."""
    return read(PATH)
