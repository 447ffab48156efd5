"""Figures of a source whose licence is internal: no message and no report of a check quotes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.catalogue import source, sources
from sources.errors import Refused
from sources.home import Home
from tests.sources.test_world_prison_brief import TOTAL, new_page
from warehouse.by_hand import import_file

SECRET = "7,654,329x"


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The internal source, switched on."""
    monkeypatch.setenv("CUSTODY_WITH", "world_prison_brief")
    sources.cache_clear()
    yield "world_prison_brief"
    monkeypatch.undo()
    sources.cache_clear()


def test_a_refusal_quotes_no_figure(brief: str, tmp_path: Path) -> None:
    path = tmp_path / "cyprus.html"
    path.write_bytes(new_page({TOTAL: (SECRET, "at 31.12.2023")}))
    with pytest.raises(Refused) as refused:
        import_file(Home(tmp_path / "home"), brief, path, file=next(iter(source(brief).files)), vintage="2026-11-23")
    assert "#,###,###x" in str(refused.value) and "7654329" not in str(refused.value).replace(",", "")
    assert not [p for p in (tmp_path / "home").rglob("*") if p.is_file() and b"7,654,329" in p.read_bytes()]
