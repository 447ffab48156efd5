"""What `custody cite` and `custody trace` print; what they say is found by `exports.citing` and `exports.tracing`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from custody import printing
from custody.app import USAGE, fail
from exports.chosen import chosen
from exports.citing import Citation
from exports.citing import as_row as facts
from exports.citing import cite as cited
from exports.finding import BREAKDOWNS, Wanted
from exports.styles import STYLES, apa, plain
from exports.tracing import trace as traced
from sources.archive import Archive
from sources.home import Home


def cite(release: str, what: Wanted | str, style: str | None, json: bool) -> None:
    """Print the citation: in a style, as JSON, or with all that is known of the figure."""
    if style is not None and style not in STYLES:
        raise fail(f"there is no style {style!r}; there are {', '.join(STYLES)}.", USAGE)
    citation = cited(chosen(Home.from_environment(), release), what)
    if json:
        printing.as_json({**facts(citation), **({"text": STYLES[style](citation)} if style else {})})
    elif style:
        print(STYLES[style](citation))
        for warning in citation.warnings:  # also where the style is pasted without being read
            print(f"custody: {plain(warning)}", file=sys.stderr)
    else:
        _account(citation)


def trace(release: str, what: Wanted | str, json: bool) -> None:
    """Print the way of a figure back to the publisher's cell, which is read again where the archive has the file."""
    home = Home.from_environment()
    told = traced(chosen(home, release), what, Archive(home.archive).kept)
    if json:
        printing.as_json(told)
        return
    for line in _way(told):
        print(line)


def _way(told: Mapping[str, Any]) -> Iterator[str]:
    """The lines that tell a trace to a person."""
    name = told["id"] if told["id"].startswith(f"{told['table']}:") else f"{told['table']} {told['id']}"
    yield plain(f"{name} of release {told['release']}: {_what(told)}")
    if told["warning"]:
        yield f"Beware: {plain(told['warning'])}"
    if rule := told.get("rule"):
        yield _line("made of", rule["meaning"])
    for part in told.get("parts", ()):
        yield _line("part", f"{part['place_id']}: {part['persons']:,.0f} ({part['basis']}), {part['estimate_id']}")
    for line in told.get("walk", ()):
        amount = "-" if line["value"] is None else f"{line['value']:,.0f}"
        yield f"  {line['step']:>3}  {line['role']:<9} {amount:>12}  {plain(line['title'])}"
    for place in (place for place in told.get("places", ()) if place["adds"]):
        behind = place["figure_id"] or place["next_figure_id"]
        gives = f"{place['persons']:>12,.0f}  {place['basis']:<16}figure {behind}"
        yield f"  {place['place_id']:<9}{gives}  {plain(place['name'])}"
    for gap in told.get("gaps", ()):
        amount = "unknown" if gap["central"] is None else f"{gap['central']:,.0f}"
        yield _line("gap", f"{gap['place_id']}, {gap['component']}: {amount}; {gap['citation']}")
    for figure in told.get("figures", ()):
        yield from _figure(figure)
    for step in told.get("observations", ()):
        yield from _step(step, "observed")
    for cell in told.get("cells", ()):
        yield _line(
            "as", ", ".join(f"{n} {v:,.10g}" for n, v in cell["values"].items() if v is not None) or "no number"
        )
        yield from _origin(cell, told["row"])
    for one in told.get("rows", ()):
        yield _line("leads to", f"{one}; `custody trace {shlex.quote(one)}` goes on")
    if told.get("why"):
        yield _line("behind it", told["why"])
    if told["table"] == "observation":
        yield from _step(told["chosen"][0], "observed")
        for one in told["stands_in"]:
            yield _line("stands in", f"figure {one['figure_id']}: {one['place_id']}, {one['measure']}, {one['year']}")


#: What a row of which table says, where no number does, in the order of how much it tells.
SAYING = ("what", "title", "text", "reason", "outcome", "outcome_text", "topic", "name", "component", "citation")


def _what(told: Mapping[str, Any]) -> str:
    """A row in a few words: place, what, when and how many."""
    row = told["row"]
    value = next(
        (row[name] for name in ("value", "persons", "central", "rate_percent", "published") if name in row), None
    )
    when = row.get("year") or row.get("as_of") or row.get("period_end") or row.get("cohort_end")
    measure = "measure" in row or told["table"] in ("estimate", "world_total")
    saying = _subject(row) if measure else next((row[name] for name in SAYING if row.get(name)), told["table"])
    said = ", ".join(dict.fromkeys(str(word) for word in (told["place"], saying, when) if word))
    return said if value is None and not measure else f"{said}: {'missing' if value is None else f'{value:,.10g}'}"


def _subject(row: Mapping[str, Any]) -> str:
    """What is counted, with the codes of whom if it is not everybody."""
    codes = [row[name] for name in BREAKDOWNS if row.get(name) not in (None, "_T", "_Z")]
    measure = str(row.get("measure", "persons_held"))
    return f"{measure} ({', '.join(codes)})" if codes else measure


def _line(name: str, text: str, indent: int = 2) -> str:
    return f"{'':{indent}}{name:<{14 - indent}}{plain(text)}"


def _figure(figure: Mapping[str, Any]) -> Iterator[str]:
    one, rule = figure["figure"], figure["rule"]
    said = f"{one['place_id']}, {_subject(one)}, {one['year']}, {one['value']:,.10g} {one['unit']}"
    yield _line("figure", f"{one['figure_id']}: {said}")
    yield _line("chosen by", f"{rule['code']}: {rule['meaning']}")
    for step in figure["chosen"]:
        yield from _step(step, "chosen")
    for step in figure["rivals"]:
        yield from _step(step, "rival")
    for entry in figure["disagreements"]:
        share = "" if entry["difference"] is None else f" by {entry['difference']:+.1%}"
        yield _line("disagrees", f"{entry['rival_observation_id']} differs{share}")
    for entry in figure["revisions"]:
        earlier, now = f"{entry['earlier_vintage']} had {entry['earlier_value']}", f"{entry['vintage']} has"
        yield _line("revised", f"{earlier}, {now} {entry['value']}")


def _step(step: Mapping[str, Any], what: str) -> Iterator[str]:
    value = "missing" if step["value"] is None else f"{step['value']:,.10g} {step['unit']}"
    period = f"{step['period_start']} to {step['period_end']}"
    yield _line(what, f"{step['observation_id']}: {step['place_id']}, {value}, {period}")
    yield from _origin(step, step)


def _origin(step: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
    """The lines on the publisher's file and cell."""
    snapshot, source = step["snapshot"], step["source"]
    lines = {
        "source": f"{source['publisher']}: {source['title']}",
        "file": f"{snapshot['file_name']}, vintage {snapshot['vintage']}, retrieved {snapshot['retrieved_at']}",
        "sha256": snapshot["sha256"],
        "address": source["evidence"]
        or snapshot["url"]
        or f"not known; see {source['homepage'] or source['citation']}",
        "cell": step["locator"],
        "published": _published(step["published"], row, _import_words(source["source_id"], snapshot)),
    }
    if correction := step["correction"]:
        lines["corrected"] = f"{correction['correction_id']}: {correction['reason']} Evidence: {correction['evidence']}"
    for name, text in lines.items():
        yield _line(name, text, 4)


def _import_words(source_id: str, snapshot: Mapping[str, Any]) -> str:
    """The words with which the file is taken in as what it was."""
    return shlex.join([source_id, snapshot["file_name"], "--file", snapshot["file"], "--vintage", snapshot["vintage"]])


#: What reading the cell again says.
HOLDS = {
    "same": "the same figure",
    "differs": "ANOTHER FIGURE",
    "text": "text, which the parser interprets",
    "missing": "no figure, as here",
}


def _published(published: Mapping[str, Any], row: Mapping[str, Any], file: str) -> str:
    """What stands in the cell, as published; and as it was read, where that is another text.

    Args:
        published: what reading the cell again gave.
        row: the row of the release.
        file: the words with which `custody import` takes the file.
    """
    if published["holds"] == "not_archived":
        return f"the archive has no file of this SHA-256; who has it adds it: `custody import {file}`"
    if published["holds"] == "left_out":
        return f"{row['raw']}, left out"
    if why := published.get("why"):
        return f"cannot be read: {why}"
    if published["sum"] is not None:
        return f"{published['sum']:,.10g} added up: {HOLDS[published['holds']]}"
    if published["texts"] is None:
        return f"many cells: {HOLDS[published['holds']]}"
    cells = " | ".join(repr(text) if text != text.strip() or not text else text for text in published["texts"])
    value = row.get("value")
    same = value is None or published["holds"] != "same" or cells == f"{value:.15g}"
    return f"{cells}{'' if same else f', read as {value:.15g}'}: {HOLDS[published['holds']]}"


def _account(citation: Citation) -> None:
    print(plain(f"{citation.place}, {citation.subject}, {citation.reference}: {citation.stated}"))
    lines = {
        "release": f"{citation.release} of {citation.released_on}",
        "id": citation.id,
        "where": citation.access,
        "status": citation.status,
    }
    for name, text in lines.items():
        print(f"  {name:<8}{plain(text)}")
    for one in citation.primary:
        print(f"\n  {plain(one.citation)}")
        file = f"{one.file_name}, vintage {one.vintage}, {one.locator}" if one.file_name else None
        lines = {
            "file": file or "",
            "value": "" if one.value is None else f"{one.value:,.10g} ({one.place or one.unit})",
            "sha256": one.sha256 or "",
            "address": one.url or one.homepage or "not known",
            "taken on": one.retrieved_at or "",
            "licence": f"{one.licence}: {one.licence_title}{f', {one.licence_url}' if one.licence_url else ''}",
            "origin": one.reported_by or "",
            "note": one.note or "",
        }
        for name, text in lines.items():
            if text:
                print(f"    {name:<10}{plain(text)}")
    for warning in citation.warnings:
        print(f"\n  Beware: {plain(warning)}")
    print(f"\n{apa(citation)}")
