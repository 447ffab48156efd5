"""Pictures and the page on the back-test: they show what the tables hold, to everybody, and the same each time."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from datetime import date
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair as alt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exports import backtest_page, drawing, pictures
from exports.gate import GateClosed
from sources.home import Home
from tests.custody import homes
from warehouse.estimate.rules import rules

NAMES = ("calibration", "disagreement", "errors", "series", "walk")
SVG = "{http://www.w3.org/2000/svg}"
EDITION = "Custody, release 2026.11.0, 23 November 2026."
HOSTILE = "<script>alert('x')</script> & \"A\"\x07\n]]> \ufffe" + "W" * 90
#: What must be left of it: no character that XML cannot hold, and no line of its own.
TAMED = "<script>alert('x')</script> & \"A\" ]]> " + "W" * 90


def ask(release: Path, query: str, *given: Any) -> list[tuple[Any, ...]]:
    """Rows of the published tables, which `query` names in braces."""
    for table in set(re.findall(r"\{(\w+)\}", query)):
        query = query.replace(f"{{{table}}}", f"'{release}/tables/{table}.parquet'")
    with duckdb.connect() as connection:
        return connection.execute(query, list(given)).fetchall()


@cache
def published(release: Path) -> dict[str, pa.Table]:
    return {name: pq.read_table(release / "tables" / f"{name}.parquet") for name in pictures.TABLES}


def plain_rows(rows: dict[str, pa.Table]) -> dict[str, Any]:
    return {name: table.to_pylist() for name, table in rows.items()}


def spec(release: Path, name: str, width: int = drawing.WIDE) -> dict[str, Any]:
    return drawing.spec(pictures.pictures(plain_rows(published(release)))[name], width)


def values(part: Any, *keys: str) -> list[tuple[Any, ...]]:
    """All data of a drawing that has the given fields, which is drawn more than once where marks lie on each other."""
    if isinstance(part, list):
        return [row for each in part for row in values(each, *keys)]
    if not isinstance(part, dict):
        return []
    own = part.get("data", {}).get("values", [])
    found = [tuple(row[key] for key in keys) for row in own if all(key in row for key in keys)]
    return found + [row for key, each in part.items() if key != "data" for row in values(each, *keys)]


def words(svg: Path) -> str:
    """All that is written in a picture, a line after the other."""
    root = ElementTree.fromstring(svg.read_bytes())
    return " ".join(" ".join(node.itertext()) for node in root.iter(f"{SVG}text"))


# What is there


def test_a_release_has_every_picture_and_the_page(release: Path) -> None:
    assert {p.name for p in (release / "pictures").iterdir()} == {
        f"{name}{kind}" for name in NAMES for kind in (".svg", ".png", "-narrow.svg")
    }
    assert (release / "backtest.html").is_file()


@pytest.mark.parametrize("name", [f"{name}{narrow}" for name in NAMES for narrow in ("", "-narrow")])
def test_svg_is_well_formed_described_and_alone(release: Path, name: str) -> None:
    root = ElementTree.fromstring((release / "pictures" / f"{name}.svg").read_bytes())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    title, told = root[0], root[1]
    assert (title.tag, told.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
    assert title.text and told.text and len(told.text) > 100
    assert {node.tag for node in root.iter()} <= {
        f"{SVG}{t}" for t in ("svg title desc metadata style rect g path line text tspan".split())
    }
    assert "Reference day: 31 December 2025" in words(release / "pictures" / f"{name}.svg")
    assert all("http" not in text for node in root.iter() for text in node.attrib.values())
    assert {node.get("id") for node in root.iter() if node.get("id")} == {title.get("id"), told.get("id")}
    wide = drawing.NARROW if name.endswith("narrow") else drawing.WIDE
    assert wide - 4 <= float(root.get("width", 0)) <= wide + 8


@pytest.mark.parametrize("name", NAMES)
def test_png_is_as_wide_as_it_should_be(release: Path, name: str) -> None:
    data = (release / "pictures" / f"{name}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    (width,) = struct.unpack(">I", data[16:20])
    assert 2 * (drawing.WIDE - 4) <= width <= 2 * (drawing.WIDE + 8)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_that_is_passed_on_says_of_which_release_it_is(release: Path, name: str) -> None:
    for suffix in ("", "-narrow"):
        svg = release / "pictures" / f"{name}{suffix}.svg"
        assert words(svg).endswith(EDITION)
        assert [node.text for node in ElementTree.parse(svg).iter(f"{SVG}metadata")] == [EDITION]
    chunks = dict(chunks_of((release / "pictures" / f"{name}.png").read_bytes()))
    assert chunks[b"tEXt"] == b"Source\0" + EDITION.encode()
    assert b"IDAT" in chunks and b"IEND" in chunks
    assert f"<footer><p>{EDITION}</p></footer>" in page(release)


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, each held against its own checksum."""
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        chunk = png[at + 4 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(chunk),)
        yield chunk[:4], chunk[4:]
        at += 12 + length


def emptied(part: Any) -> Any:
    """A drawing without its data, which take the schema long."""
    if isinstance(part, list):
        return [emptied(each) for each in part]
    if isinstance(part, dict):
        return {key: {"values": []} if key == "data" else emptied(each) for key, each in part.items()}
    return part


@pytest.mark.parametrize("name", NAMES)
def test_drawings_keep_to_the_schema(release: Path, name: str) -> None:
    drawn = emptied(spec(release, name))
    alt.VConcatChart.from_dict(drawn, validate=True)
    with pytest.raises(Exception, match="rectangle"):
        alt.VConcatChart.from_dict({**drawn, "vconcat": [{"mark": "rectangle"}]}, validate=True)


def test_colours_of_the_dark_page_are_of_all_that_is_drawn(release: Path) -> None:
    for name in NAMES:
        text = (release / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
        drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+|[a-z]+)"', text)) - {"none", "transparent"}
        assert drawn <= set(drawing.DARK), name


# What is shown


def test_the_walk_shows_every_step(release: Path) -> None:
    steps = ask(
        release,
        "SELECT step, value, title, role FROM {world_walk} WHERE as_of = (SELECT max(as_of) FROM {world_walk}) ORDER BY step",
    )
    bars = values(spec(release, "walk"), "step", "x", "x2")
    assert {(step, round(end - start)) for step, start, end in bars} == {
        (s, v) for s, v, _, _ in steps if v is not None
    }
    level = 0
    for step, value, _, role in steps:  # each begins where the last one ended, sums at nought
        if value is not None:
            (start,) = {start for s, start, _ in bars if s == step}
            assert start == (level if role == "component" else 0)
            level += value if role == "component" else 0
    (total,) = ask(
        release,
        "SELECT low, high FROM {world_total} WHERE place_id = 'WLD' AND sex = '_T' AND legal_status = '_T' ORDER BY as_of DESC LIMIT 1",
    )
    assert total in values(spec(release, "walk"), "x", "x2")
    for name in ("walk", "walk-narrow"):
        written = words(release / "pictures" / f"{name}.svg")
        for _, value, title, _ in steps:
            number = "unknown" if value is None else f"{abs(value):,.0f}"
            assert number in written
            assert re.sub(r"\W+", "", title) in re.sub(r"\W+", "", written)
        assert f"{total[0]:,.0f} to {total[1]:,.0f}" in written


def test_the_series_shows_every_year_and_every_published_total(release: Path) -> None:
    drawn = spec(release, "series")
    years = ask(
        release,
        "SELECT year(as_of), central, low, high FROM {world_total} WHERE place_id = 'WLD' AND sex = '_T' AND legal_status = '_T'",
    )
    assert len(years) == 2025 - 2003 + 1
    assert set(values(drawn, "x", "central", "low", "high")) == set(years)
    others = ask(release, "SELECT year(as_of), published, published + coalesce(of_gaps_left_out, 0) FROM {comparison}")
    assert set(values(drawn, "x", "published", "with")) == set(others)
    written = words(release / "pictures" / "series.svg")
    for citation, value in ask(release, "SELECT citation, published FROM {comparison}"):
        assert citation in written
        assert f"{value:,.0f}" in written
    scales = [s for s in scales_of(drawn, "y") if s != [0, drawn]]
    assert min(low for low, high in scales if high > 1e6) == 0  # the axis of persons begins at nought


def scales_of(part: Any, channel: str) -> Iterator[list[float]]:
    if isinstance(part, list):
        for each in part:
            yield from scales_of(each, channel)
    elif isinstance(part, dict):
        domain = part.get("encoding", {}).get(channel, {}).get("scale", {}).get("domain")
        if domain:
            yield domain
        for each in part.values():
            yield from scales_of(each, channel)


def panels(part: Any) -> Iterator[dict[str, Any]]:
    """The panels of a drawing that have a title."""
    for each in part.get("vconcat", []) + part.get("hconcat", []):
        if "title" in each:
            yield each
        yield from panels(each)


def test_the_calibration_shows_every_share(release: Path) -> None:
    shown = {
        panel["title"]["text"]: set(values(panel, "ahead", "nominal", "y", "outside"))
        for panel in panels(spec(release, "calibration"))
    }
    classes = {
        "All places": "_T", "Fewer than 1,000 prisoners": "0", "1,000 to 9,999 prisoners": "1",
        "10,000 to 49,999 prisoners": "2", "50,000 prisoners and more": "3",
    }  # fmt: skip
    assert set(shown) == set(classes)
    for title, size in classes.items():
        rows = ask(
            release,
            "SELECT years_ahead::VARCHAR, covered_50, covered_80, covered_90 FROM {backtest} "
            "WHERE level = 'place' AND cases = 'all' AND size_class = ?",
            size,
        )
        expected = {
            (ahead, level, 100 * share, level == 90 and not 0.87 <= share <= 0.93)
            for ahead, *held in rows
            for level, share in zip((50, 80, 90), held, strict=True)
        }
        assert shown[title] == expected


def test_the_errors_show_every_distance(release: Path) -> None:
    levels = {"The world": "world", "Regions": "region", "Subregions": "subregion", "Places": "place"}
    cases = {"all cases": "all", "not across 2020": "not_crossing_2020", "across 2020": "crossing_2020"}
    seen = set()
    for panel in panels(spec(release, "errors")):
        title = panel["title"]
        rows = ask(
            release,
            "SELECT years_ahead, 100 * absolute_error, 100 * absolute_error_of_carrying FROM {backtest} "
            "WHERE size_class = '_T' AND level = ? AND cases = ?",
            levels[title["text"]],
            cases[title["subtitle"][0]],
        )
        assert set(values(panel, "x", "y")) == {(ahead, error) for ahead, *both in rows for error in both}
        seen.add((title["text"], title["subtitle"][0]))
    assert len(seen) == len(levels) * len(cases)


def test_the_disagreements_are_all_there(release: Path) -> None:
    drawn = spec(release, "disagreement")
    rows = ask(release, "SELECT rival_observation_id, value, rival_value FROM {disagreement}")
    shown = values(drawn, "rival", "x")
    assert len(shown) == len(rows)
    at = dict(shown)
    for rival, value, other in rows:
        if value and other:
            assert at[rival] == pytest.approx(other / value)
        else:
            assert rival in at  # at an edge, as a logarithm has no nought
    nought = sum(not other for _, _, other in rows)
    assert f"{nought} rivals are nought" in words(release / "pictures" / "disagreement.svg")


# The page


def page(release: Path) -> str:
    return (release / "backtest.html").read_text(encoding="utf-8")


def test_the_page_has_every_row_of_the_table(release: Path) -> None:
    found = dict(re.findall(r'<tr data-row="([^"]+)">(.*?)(?=<tr|</table>)', page(release), re.DOTALL))
    rows = ask(
        release,
        "SELECT concat_ws(' ', level, size_class, years_ahead, cases), years_ahead, tested, covered_50, covered_80, covered_90, "
        "below_90, above_90, bias, absolute_error, absolute_error_of_carrying, exp(width_90), origins, places FROM {backtest}",
    )
    assert set(found) == {row[0] for row in rows}
    for key, ahead, tested, *shares, width, origins, places in rows:
        cells = [re.sub(r"<[^>]*>|[▲▼]", "", cell).strip() for cell in re.split(r"<t[hd][^>]*>", found[key])[1:]]
        percents = [f"{100 * share:.1f}\u00a0%".replace("-", "\u2212") for share in shares]
        assert [unescape(cell) for cell in cells] == [
            str(ahead),
            f"{tested:,}",
            *percents,
            f"{width:.2f}",
            str(origins),
            str(places),
        ], key


def test_the_page_states_where_the_intervals_are_right(release: Path) -> None:
    where = "FROM {backtest} WHERE level = 'place' AND cases = 'all' AND years_ahead <= 4"
    ((judged, met),) = ask(release, f"SELECT count(*), count(*) FILTER (covered_90 BETWEEN 0.87 AND 0.93) {where}")
    assert f"<span>{met} of {judged}</span>" in page(release)
    stated = re.findall(r"<li>([^<]*) ahead: ([\d.]+)\u00a0% of ([\d,]+) cases", page(release).split("<details>")[0])
    expected = ask(release, f"SELECT tested, covered_90 {where} AND covered_90 NOT BETWEEN 0.87 AND 0.93")
    assert sorted((int(n.replace(",", "")), float(p)) for _, p, n in stated) == [
        (n, pytest.approx(100 * share, abs=0.051)) for n, share in sorted(expected)
    ]


def test_the_page_states_what_happens_across_2020(release: Path) -> None:
    section = page(release).split("<h2>Across 2020</h2>")[1].split("<details>")[0]
    for ahead, tested, share, bias in ask(
        release,
        "SELECT years_ahead, tested, covered_90, bias FROM {backtest} WHERE level = 'world' AND cases = 'crossing_2020'",
    ):
        (line,) = re.findall(rf"<li>{ahead} years? ahead: (.*?)(?=<li>|</ul>)", section)
        assert line.startswith(f"{100 * share:.0f}\u00a0% of {tested} case")
        assert f"too {'high' if bias > 0 else 'low'} by {100 * abs(bias):.1f}\u00a0%" in line


def test_the_page_needs_nothing_else(release: Path) -> None:
    text = page(release)
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=|@import|url\(", text)
    assert len(re.findall(r'id="([^"]+)"', text)) == len(set(re.findall(r'id="([^"]+)"', text)))


# What may come


def changed(rows: dict[str, pa.Table], table: str, column: str, value: Any) -> dict[str, pa.Table]:
    """The rows with one value in a column of a table everywhere."""
    old = rows[table]
    at = old.column_names.index(column)
    return {
        **rows,
        table: old.set_column(at, old.schema.field(at), pa.array([value] * old.num_rows, old.schema.field(at).type)),
    }


@pytest.fixture(scope="module")
def hostile(release: Path) -> dict[str, str]:
    """What is drawn where every name is hostile and no total has an interval, and the page with it."""
    rows = published(release)
    for table, column in (
        ("world_walk", "title"), ("comparison", "citation"), ("comparison", "reference"), ("place", "name"),
        ("source", "title"), ("source", "publisher"),
    ):  # fmt: skip
        rows = changed(rows, table, column, HOSTILE)
    for end in ("low", "high"):
        rows = changed(rows, "world_total", end, None)
    rows["disagreement"] = rows["disagreement"].slice(0, 40)
    known = pictures.pictures(plain_rows(rows))
    drawn = {
        name: drawing.svg(name, known[name], drawing.spec(known[name], drawing.NARROW))
        for name in ("walk", "series", "disagreement")
    }
    shown = {f"{name}{narrow}": drawn["series"] for name in backtest_page.SHOWN for narrow in ("", "-narrow")}
    return {**drawn, "page": backtest_page.page(plain_rows(rows), rules(), shown, EDITION)}


def test_names_are_text_and_nothing_else(hostile: dict[str, str]) -> None:
    for name, text in hostile.items():
        assert "<script" not in text, name
        if name != "page":
            root = ElementTree.fromstring(text)
            assert not [node for node in root.iter() if "script" in node.tag]
            assert TAMED in root[1].text  # in the description it is whole, in the picture on several lines


def test_what_has_no_interval_says_so(hostile: dict[str, str]) -> None:
    told = ElementTree.fromstring(hostile["walk"])[1].text
    assert "Interval of 90 %: not known, the history is too short" in told
    assert " between " not in ElementTree.fromstring(hostile["series"])[1].text


def test_a_history_too_short_to_test_is_said_in_words(release: Path) -> None:
    rows = plain_rows(published(release)) | {"backtest": []}
    for name in ("calibration", "errors"):
        picture = pictures.pictures(rows)[name]
        assert "<svg" in drawing.svg(name, picture, drawing.spec(picture, drawing.NARROW))
    shown = {f"{name}{narrow}": "" for name in backtest_page.SHOWN for narrow in ("", "-narrow")}
    text = backtest_page.page(rows, rules(), shown, EDITION)
    assert "too short for a test" in text
    assert "<table" not in text


def test_no_disagreement_is_said_in_words(release: Path) -> None:
    rows = plain_rows(published(release)) | {"disagreement": []}
    picture = pictures.pictures(rows)["disagreement"]
    assert picture.title.startswith("No published figure differs")
    assert "<svg" in drawing.svg("none", picture, drawing.spec(picture, drawing.NARROW))


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("Persons in prison in the world", 100),
        ("W" * 50, 100),
        ("", 100),
        ("one", 8),
        ("a " * 40, 60),
        ("监狱 " * 9, 90),
    ],
)
def test_lines_are_no_wider_than_their_room(text: str, width: int) -> None:
    lines = drawing.wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert (
            sum(drawing.WIDTHS.get(letter, drawing.CAPITAL) for letter in line) * 12 / 1000 <= width or len(line) == 1
        )


def test_the_same_rows_give_the_same_bytes(release: Path) -> None:
    """Another process, one processor instead of all, and the rows from the published files instead of the warehouse."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        drawn = pictures.files(published(release), EDITION)
    finally:
        os.sched_setaffinity(0, processors)
    for name, content in drawn.items():
        assert (release / ("" if name == pictures.PAGE else "pictures") / name).read_bytes() == content, name


# The command


def test_the_command_draws_the_warehouse(small: Path, tmp_path: Path) -> None:
    said = homes.custody(small, "pictures", "--to", str(tmp_path / "made"), "--json")
    assert said.returncode == 0, said.stderr
    made = {path.name for path in (tmp_path / "made").iterdir()}
    assert made == {f"{name}{kind}" for name in NAMES for kind in (".svg", ".png", "-narrow.svg")} | {"backtest.html"}
    assert all(str(tmp_path / "made" / name) in said.stdout for name in made)
    assert re.search(r"Custody, unreleased, \d+ [A-Z][a-z]+ 20\d\d\.$", words(tmp_path / "made" / "walk-narrow.svg"))


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = homes.custody(tmp_path, "pictures", "--to", str(tmp_path / "file"))
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    none = homes.custody(tmp_path, "pictures")
    assert (none.returncode, none.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "pictures").exists()


def test_figures_that_may_not_leave_are_not_drawn(small: Path) -> None:
    source = "(SELECT source_id FROM headline LIMIT 1)"
    homes.alter(small, f"UPDATE source SET licence_class = 'internal' WHERE source_id = {source}")
    with pytest.raises(GateClosed, match="internal"):
        pictures.of_warehouse(Home(small), small / "pictures", date(2026, 11, 23))
    assert not (small / "pictures").exists()


# In a browser


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(release: Path, scheme: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in (390, 1280):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
            seen = context.new_page()
            troubles: list[str] = []
            seen.on("console", lambda message, troubles=troubles: troubles.append(message.text))
            seen.goto((release / "backtest.html").as_uri())
            assert troubles == []
            seen.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert seen.evaluate("document.documentElement.scrollWidth") == width
            assert seen.locator("figure svg >> visible=true").count() == 3
            for box in (svg.bounding_box() for svg in seen.locator("figure svg >> visible=true").all()):
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
            # Letters as large as they were drawn, on the paper of the page.
            assert seen.locator(f"figure .{'narrow' if width == 390 else 'wide'} svg").first.is_visible()
            paper = seen.evaluate("getComputedStyle(document.querySelector('figure svg > rect')).fill")
            assert paper == seen.evaluate("getComputedStyle(document.body).backgroundColor")
            dark = sum(map(int, re.findall(r"\d+", paper))) < 3 * 128
            assert dark == (scheme == "dark")
        browser.close()
