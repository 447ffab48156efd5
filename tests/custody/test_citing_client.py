"""`custody.cite` on a folder and over http: the same words, and no more files asked for than they need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import custody
from tests.custody import homes

asked: list[str] = []


class Counting(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        asked.append(self.path)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("CUSTODY_CACHE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(homes.release_folder().parent)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("style", ["apa", "chicago", "bibtex", "csl"])
def test_a_figure_is_cited_alike_wherever_the_release_lies(url: str, style: str) -> None:
    here = custody.cite("France", "persons_held", 2020, path_or_url=homes.release_folder(), style=style)
    assert custody.cite("FRA", "persons_held", 2020, path_or_url=url, style=style) == here
    assert "62,543" in here or "62543" in here
    assert "2026.11.0" in here and "Eurostat" in here


def test_only_what_a_citation_needs_is_fetched(url: str) -> None:
    asked.clear()
    custody.cite("FRA", "persons_held", 2020, path_or_url=url)
    assert not [path for path in asked if path.endswith(".csv")]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"style": "mla"}, "There is no style 'mla'; there are apa, "),
        ({"year": None}, "Give place, measure and year"),
        ({"measure": "persons"}, "persons"),
        ({"place": "Atlantis"}, "Atlantis"),
        ({"place": "7f1e44a54efc7b49", "measure": None, "year": None, "sex": "F"}, "an id stands alone"),
        ({"year": 1000}, "has no persons_held of France in 1000"),
    ],
)
def test_what_cannot_be_cited_is_said(wrong: dict[str, object], told: str) -> None:
    asked = {"place": "FRA", "measure": "persons_held", "year": 2020, "path_or_url": homes.release_folder(), **wrong}
    with pytest.raises(custody.Refused, match=told):
        custody.cite(**asked)  # type: ignore[arg-type]
