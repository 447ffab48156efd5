"""The way back of a figure: what was chosen and why, its rivals, the file, the cell and what stands there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exports.asking import Asked
from exports.finding import Wanted
from exports.tracing import Bytes, Reader, trace
from sources.errors import Misused
from tests.warehouse.test_bundled import by_digest


@pytest.fixture(scope="module")
def asked(release: Path) -> Asked:
    return Asked(release)


@pytest.fixture(scope="module")
def archived(raw: Path) -> Bytes:
    """An archive that has every publisher's file."""
    files = by_digest(raw.parent)
    return lambda digest: files[digest].read_bytes() if digest in files else None


def held(asked: Asked, place: str, year: int, archived: Bytes | None = None, **more: Any) -> Mapping[str, Any]:
    wanted = Wanted(place, "persons_held", year, **more)
    return trace(asked, wanted) if archived is None else trace(asked, wanted, archived)


def test_a_figure_leads_to_file_and_cell_without_an_archive(asked: Asked) -> None:
    (figure,) = held(asked, "France", 2021)["figures"]
    (step,) = figure["chosen"]
    assert step["value"] == figure["figure"]["value"] == 69448
    assert step["locator"] == "crim_pris_ctz.csv:2650:8"
    assert step["snapshot"]["sha256"] == "92e8c0c506a2d2752a99f157a8036761d7a66758a15c13e08231b6c79c7bf954"
    assert (step["snapshot"]["vintage"], step["snapshot"]["file_name"]) == ("2026-04-29", "crim_pris_ctz.csv")
    assert step["published"] == {"cells": None, "holds": "not_archived"}


def test_the_cell_is_read_again_where_the_archive_has_the_file(asked: Asked, archived: Bytes) -> None:
    (figure,) = held(asked, "USA-CA", 2016, archived)["figures"]
    assert figure["chosen"][0]["published"] == {
        "cells": ["202,700"], "texts": ["202,700"], "sum": None, "holds": "same",
    }  # fmt: skip


def test_rivals_are_followed_as_well_and_what_disagrees_is_told(asked: Asked, archived: Bytes) -> None:
    """Guam 2022: the BJS's 654 in custody, and UNODC's 700, which is 7 percent more."""
    (figure,) = held(asked, "Guam", 2022, archived)["figures"]
    (chosen,), (rival,) = figure["chosen"], figure["rivals"]
    assert (figure["rule"]["code"], chosen["value"], rival["value"]) == ("tier", 654, 700)
    assert (chosen["locator"], chosen["published"]["cells"]) == ("p22stt25.csv:15:5", ["654"])
    assert (rival["locator"], rival["published"]["cells"]) == ("data_cts_prisons_and_prisoners!L8244", [700.0])
    (disagreement,) = figure["disagreements"]
    assert disagreement["rival_observation_id"] == rival["observation_id"]
    assert disagreement["difference"] == pytest.approx(700 / 654 - 1)


def test_a_sum_of_cells_is_added_up_again(asked: Asked, archived: Bytes) -> None:
    """Brazil 2019: the ministry's 731,188 in prisons, one cell an establishment."""
    (figure,) = held(asked, "Brazil", 2019, archived)["figures"]
    (chosen,) = figure["chosen"]
    assert chosen["published"] == {"cells": None, "texts": None, "sum": 731188.0, "holds": "same"}


def test_a_sum_leads_to_all_its_parts(asked: Asked, archived: Bytes) -> None:
    (figure,) = held(asked, "GBR", 2020, archived)["figures"]
    assert figure["rule"]["code"] == "sum_of_parts"
    assert {step["place_id"]: step["published"]["cells"] for step in figure["chosen"]} == {
        "GBR-EAW": [79514.0], "GBR-NIR": [1374.0], "GBR-SCT": [7004.0],
    }  # fmt: skip


def test_a_correction_is_shown_with_its_reason_and_evidence(asked: Asked, archived: Bytes) -> None:
    """Row 8260 of UNODC's workbook gives Martinique's 919 prisoners of 2022 to Saint Martin."""
    (figure,) = held(asked, "Martinique", 2022, archived)["figures"]
    steps = [step for step in [*figure["chosen"], *figure["rivals"]] if step["correction"]]
    (step,) = steps
    assert step["correction"]["correction_id"] == "martinique-held-2022-under-saint-martin"
    assert "MAF" in step["correction"]["expect"] and "MTQ" in step["correction"]["change"]
    assert step["correction"]["evidence"].startswith("Row 8260.")
    assert step["published"]["cells"] == [919.0]


def test_an_estimate_leads_to_both_figures_between_which_it_lies(asked: Asked) -> None:
    told = held(asked, "Kazakhstan", 2021, estimate=True)
    assert told["rule"]["code"] == "interpolated"
    assert [(f["figure"]["year"], f["chosen"][0]["value"]) for f in told["figures"]] == [(2020, 31632), (2022, 35228)]


def test_an_estimate_by_parts_and_one_of_a_gap(asked: Asked) -> None:
    told = trace(asked, "estimate:GBR:2021-12-31")
    assert [part["place_id"] for part in told["parts"]] == ["GBR-EAW", "GBR-NIR", "GBR-SCT"]
    assert sum(part["persons"] for part in told["parts"]) == told["row"]["persons"]
    assert {figure["figure"]["place_id"] for figure in told["figures"]} == {"GBR-EAW", "GBR-NIR", "GBR-SCT"}
    (gap,) = trace(asked, "estimate:PRK:2021-12-31")["gaps"]
    assert (gap["central"], gap["locator"]) == (100000, "gaps.csv:4:4")


def test_the_world_leads_to_its_walk_and_its_places(asked: Asked) -> None:
    told = trace(asked, "world_total:WLD:2022-12-31:_T:_T")
    components = sum(step["value"] or 0 for step in told["walk"] if step["role"] == "component")
    assert components == told["row"]["central"]
    adding = [place for place in told["places"] if place["adds"]]
    assert len(adding) == told["row"]["places"]
    assert sum(place["persons"] for place in adding) + sum(gap["central"] or 0 for gap in told["gaps"]) == components
    region = trace(asked, "world_total:M49-150:2022-12-31:_T:_T")
    assert region["walk"] == () and {place["region"] for place in region["places"]} == {"Europe"}


def test_an_observation_tells_the_figures_in_which_it_stands(asked: Asked) -> None:
    (figure,) = held(asked, "GBR", 2020)["figures"]
    told = trace(asked, figure["chosen"][0]["observation_id"])
    assert told["table"] == "observation"
    assert figure["figure"]["figure_id"] in {one["figure_id"] for one in told["stands_in"]}


def test_another_figure_in_the_cell_is_told(asked: Asked) -> None:
    """Bytes that are not those of the digest cannot come from the archive; a value that was altered could."""
    data = b"a,b\nx,69449\n"
    row = {"snapshot": hashlib.sha256(data).hexdigest(), "media_type": "csv", "file_name": "f.csv", "value": 69448.0}
    reader = Reader(lambda digest: data)
    assert reader.published({**row, "locator": "f.csv:2:2"})["holds"] == "differs"
    assert reader.published({**row, "locator": "f.csv:2:1"})["holds"] == "text"
    assert reader.published({**row, "locator": "f.csv:3:1"})["holds"] == "differs"
    assert reader.published({**row, "locator": "f.csv:2:1", "value": None})["holds"] == "missing"
    assert reader.published({**row, "locator": "f.csv:2:2", "value": None})["holds"] == "differs"


def test_an_unknown_identity_is_told(asked: Asked) -> None:
    with pytest.raises(Misused, match="has no figure or observation"):
        trace(asked, "f" * 16)
