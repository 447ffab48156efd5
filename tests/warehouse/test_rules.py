"""The rules of choice name every code once and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from sources.errors import Refused
from warehouse.rules import PATH, read


@pytest.mark.parametrize(
    ("stated", "instead", "told"),
    [
        ("tier: [national, international, curated]", "tier: [national, curated]", "rank every code once; see international"),
        ("secondary, press]\n# Then", "secondary, press, rumour]\n# Then", "rank every code once; see rumour"),
        ("never_alone: [table_in_review, secondary", "never_alone: [table_in_review, second_hand", "names second_hand"),
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
