"""The rules of choice name every code once and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from sources.catalogue import sources
from sources.errors import Refused
from warehouse.choice import OWN, PATH, read, rules


@pytest.mark.parametrize(
    ("stated", "instead", "told"),
    [
        ("tier: [national, international, curated]", "tier: [national, curated]", "rank every code once; see international"),
        ("secondary, press]\n# Then", "secondary, press, rumour]\n# Then", "rank every code once; see rumour"),
        ("never_alone: [table_in_review, secondary", "never_alone: [table_in_review, second_hand", "names second_hand"),
        ("    - own\n", "", "headline needs measures, each with 'own'; see persons_held"),
        ("  persons_held:\n", "  prisoners:\n", "see prisoners"),
    ],
)  # fmt: skip
def test_a_code_that_is_not_ranked_or_not_known_is_refused(
    tmp_path: Path, stated: str, instead: str, told: str
) -> None:
    text = PATH.read_text(encoding="utf-8")
    assert stated in text
    (tmp_path / PATH.name).write_text(text.replace(stated, instead), encoding="utf-8")
    with pytest.raises(Refused, match=told):
        read(tmp_path / PATH.name)


def test_every_definition_that_may_stand_for_a_measure_is_one_of_a_source() -> None:
    known = {definition for source in sources().values() for definition in source.definitions}
    for definitions in rules()["headline"].values():
        assert set(definitions) <= {OWN, *known}
