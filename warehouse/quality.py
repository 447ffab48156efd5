"""The quality report of a build: every check with its answer, what was turned away, corrected or left out, and why.

`quality.json` holds all of it, `quality.html` the same for people: one file, without network or script. Text and
figures of sources whose licence is `internal` are in neither. A build whose checks fail leaves `failed.json` and
`failed.html` in the same form, beside those of the warehouse that stands.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb

from sources import catalogue
from sources.asked import Asked, Asking
from sources.home import Home, now, write_bytes
from warehouse.records import Vintage, failures
from warehouse.results import NO_ROW, as_text, to_plain
from warehouse.standing import FAILED_REPORT, REPORT, Build

HERE = Path(__file__).parent

CORRECTIONS = """
SELECT c.source_id AS source, file, vintage, correction_id, state, rows, reason, evidence,
       decided_on::VARCHAR AS decided_on
FROM correction c JOIN snapshot USING (source_id, file, vintage) WHERE current
ORDER BY state DESC, source, file, correction_id
"""
LEFT_OUT = """
SELECT source_id AS source, file, vintage, reason, count(*) AS entries, sum(items)::BIGINT AS items,
       min(locator) AS first
FROM left_out GROUP BY ALL ORDER BY source, items DESC, file, vintage, reason
"""

#: What a person reads of a line's `verdict`, the gravest first.
VERDICTS = {
    "failed": "failed",
    "could_not_run": "could not run",
    "waived": "failed, accepted by hand",
    "warned": "warned",
    "nothing": "nothing to check",
    "passed": "passed",
}

#: Verdicts of which there is nothing to look at.
QUIET = ("nothing", "passed")


def write(home: Home, built: Build, vintages: Sequence[Vintage]) -> None:
    """Write the report, unless the one that is there tells of the same build and of the same failures beside it."""
    turned_away, in_vain = _failures(home)
    path = home.reports / REPORT
    mark = _mark(built, turned_away, in_vain)
    if path.exists() and path.with_suffix(".json").exists() and mark in path.open(encoding="utf-8").readline():
        return
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        told = content(connection, built, vintages, turned_away, in_vain)
    _write(path, told, mark)


def write_failed(home: Home, connection: duckdb.DuckDBPyConnection, failed: Build, vintages: Sequence[Vintage]) -> Path:
    """Write the report of a build whose checks failed, from the tables that it made; the one of the warehouse stays."""
    turned_away, in_vain = _failures(home)
    told = content(connection, failed, vintages, turned_away, in_vain)
    _write(home.reports / FAILED_REPORT, told, _mark(failed, turned_away, in_vain))
    return home.reports / FAILED_REPORT


def forget_failed(home: Home) -> None:
    """Remove the report of a build that failed, after one that did not."""
    for suffix in (".html", ".json"):
        (home.reports / FAILED_REPORT).with_suffix(suffix).unlink(missing_ok=True)


def _failures(home: Home) -> tuple[list[dict[str, Any]], list[Asked]]:
    """The files that were turned away, and the questions to publishers that were asked in vain."""
    known, asking = catalogue.sources().values(), Asking(home)
    turned_away = [report for source in known for report in failures(home, source)]
    return turned_away, [asked for source in known for asked in asking.failures(source)]


def _mark(built: Build, turned_away: Sequence[Mapping[str, Any]], in_vain: Sequence[Asked]) -> str:
    """What tells one report from another."""
    asked = [vars(each) for each in in_vain]
    return hashlib.sha256(json.dumps([built.digest, turned_away, asked, STYLE]).encode()).hexdigest()


def _write(path: Path, told: Mapping[str, Any], mark: str) -> None:
    # Without indentation, which takes longer than all the rest.
    write_bytes(path.with_suffix(".json"), (json.dumps(told, ensure_ascii=False, default=str) + "\n").encode())
    write_bytes(path, page(told, mark).encode())  # last: it bears the mark of both


def _is_internal(source_id: str) -> bool:
    return catalogue.sources()[source_id].licence_class == "internal"


def content(
    connection: duckdb.DuckDBPyConnection,
    built: Build,
    vintages: Sequence[Vintage],
    turned_away: Iterable[Mapping[str, Any]],
    in_vain: Iterable[Asked],
) -> dict[str, Any]:
    """All that the report tells, as plain data; `connection` leads to the tables of the build."""
    secret = {v.source_id for v in vintages if _is_internal(v.source_id)}
    checks = []
    for vintage in vintages:
        where = {"source": vintage.source_id, "file": vintage.file, "vintage": vintage.vintage}
        waived = vintage.snapshot.get("waived") or ()
        checks += _lines(where, vintage.plain_checks(), waived, hide=vintage.source_id in secret)
    for table in built.tables:  # a row of a table may be of any source
        checks += _lines({"source": "", "file": "", "vintage": ""}, to_plain(table.checks), (), hide=bool(secret))
    fell_back = []
    for report in turned_away:
        snapshot = report["snapshot"]
        hide = _is_internal(snapshot["source_id"])
        where = {"source": snapshot["source_id"], "file": snapshot["file"], "vintage": report["vintage"] or "not read"}
        lines = _lines(where, report["checks"], (), hide=hide)
        checks += [
            {**line, "verdict": "warned" if line["severity"] == "warning" else line["verdict"]} for line in lines
        ]
        if not lines and not hide:
            reason = {
                "table": "",
                "type": "reading",
                "severity": "critical",
                "reason": report["message"],
                "columns": [],
            }
            checks.append(
                {**where, **reason, "verdict": "failed", "rows": 0, "failing": 0, "detail": None, "examples": []}
            )
        told = "Its licence keeps its text out of this report; see `custody quarantine`." if hide else report["message"]
        kept = ("sha256", "retrieved_at", "obtained")
        fell_back.append({**where, "state": report["state"], "why": told, **{k: snapshot[k] for k in kept}})
    corrections = _rows(connection, CORRECTIONS, secret)
    left_out = _rows(connection, LEFT_OUT, secret)
    verdicts = Counter(line["verdict"] for line in checks)
    blocks = any(check.blocks for table in built.tables for check in table.checks)
    return {
        "as_of": built.as_of.isoformat(),
        "failed": blocks,
        "made_at": now(),
        "inputs": built.digest,
        "summary": {verdict: verdicts[verdict] for verdict in VERDICTS},
        "checks": checks,
        "fell_back": fell_back,
        "asked_in_vain": [
            {
                "source": a.source_id, "file": a.file or "addresses", "asked_at": a.asked_at,
                "why": "See `custody status`." if _is_internal(a.source_id) else a.message,
            }
            for a in in_vain
        ],
        "accepted_despite": [
            {
                "source": v.source_id, "file": v.file, "vintage": v.vintage, "checks": v.snapshot["waived"],
                "why": v.snapshot["accepted_despite"],
            }
            for v in vintages
            if v.snapshot.get("accepted_despite")
        ],
        "corrections": corrections,
        "left_out": left_out,
    }  # fmt: skip


def _lines(
    where: Mapping[str, str], results: Sequence[Mapping[str, Any]], waived: Sequence[str], *, hide: bool
) -> list[dict[str, Any]]:
    lines = []
    for plain in results:
        passed, warning = plain["outcome"] == "passed", plain["severity"] == "warning"
        verdict = "warned" if plain["outcome"] == "failed" and warning else plain["outcome"]
        if plain["type"] in waived and not passed and not warning:
            verdict = "waived"
        if passed and plain["detail"] == NO_ROW:
            verdict = "nothing"
        kept = ("table", "type", "severity", "reason", "columns", "rows", "failing")
        shown = {"detail": None, "examples": []} if hide or passed else {k: plain[k] for k in ("detail", "examples")}
        lines.append({**where, **{k: plain[k] for k in kept}, "verdict": verdict, **shown})
    return lines


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, secret: set[str]) -> list[dict[str, Any]]:
    answer = connection.execute(sql)
    names = [column[0] for column in answer.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    return [row for row in rows if row["source"] not in secret]


# The page

STYLE = (HERE / "quality.css").read_text(encoding="utf-8")


def page(told: Mapping[str, Any], mark: str) -> str:
    """The report as one page, which needs nothing else."""
    summary = told["summary"]
    of = "a build that failed, of which nothing is in use," if told["failed"] else "the warehouse"
    tiles = "".join(f'<li class="{key}"><b>{summary[key]:,}</b> {name}</li>' for key, name in VERDICTS.items())
    lists = {
        name: _table(told[name], list(told[name][0]) if told[name] else ())
        for name in ("fell_back", "asked_in_vain", "accepted_despite", "corrections", "left_out")
    }
    stale = sum(c["state"] == "stale" for c in told["corrections"])
    order = list(VERDICTS)
    troubled = [line for line in told["checks"] if line["verdict"] not in QUIET]
    troubled.sort(key=lambda line: (order.index(line["verdict"]), line["source"], line["table"]))
    of_source = itemgetter("source")
    each = groupby(sorted(told["checks"], key=of_source), key=of_source)
    return f"""<!doctype html><!-- {mark} -->
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Custody: quality of the record</title>
<style>{STYLE}</style>
<header>
<h1>Quality of the record</h1>
<p>Of {of} as of {told["as_of"]}; this report was made at {told["made_at"]}. Checks are asked of rows when they
are accepted or built. A critical one that fails keeps the rows out; a warning is for a person to look at.</p>
<ul class="tiles">{tiles}</ul>
<p>{len(told["fell_back"]):,} files turned away, {len(told["asked_in_vain"]):,} asked for in vain,
{len(told["accepted_despite"]):,} vintages accepted by hand,
{len(told["corrections"]):,} corrections, of which {stale:,} stale.</p>
</header>
<main>
<h2>To look at</h2>
{"".join(map(_troubled, troubled)) or "<p>Every check passed.</p>"}
<h2>Files turned away: an older vintage stays in use</h2>
{lists["fell_back"]}
<h2>Asked for in vain: what was here before stays in use</h2>
{lists["asked_in_vain"]}
<h2>Accepted by hand although checks failed</h2>
{lists["accepted_despite"]}
<h2>Corrections of publishers' evident errors</h2>
<p>A stale one expects an error that the newest vintage no longer has: the publisher may have mended it.</p>
{lists["corrections"]}
<h2>Left out</h2>
{lists["left_out"]}
<h2>Every check</h2>
{"".join(_of_source(source, list(lines)) for source, lines in each)}
</main>
</html>
"""


def _troubled(line: Mapping[str, Any]) -> str:
    where = " ".join(filter(None, [line["source"], line["file"], line["vintage"], line["table"]]))
    rows = f"{line['failing']:,} of {line['rows']:,} rows break it. " if line["failing"] else ""
    found = escape(rows + (line["detail"] or ""))
    examples = line["examples"]
    more = ""
    if examples:
        columns = list(dict.fromkeys(key for example in examples for key in example))
        more = f"<details><summary>The first {len(examples)} rows</summary>{_table(examples, columns)}</details>"
    return (
        f'<section class="{line["verdict"]}"><h3><span>{VERDICTS[line["verdict"]]}</span> {escape(where)}</h3>'
        f"<p>{escape(line['reason'])} <small>{escape(line['type'])}, {line['severity']}</small></p>"
        f"{f'<p>{found}</p>' if found else ''}{more}</section>"
    )


def _of_source(source: str, lines: Sequence[Mapping[str, Any]]) -> str:
    """The checks of a source, one line for those that differ only in file and vintage."""
    grouped: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for line in lines:
        key = tuple(str(line[k]) for k in ("verdict", "table", "type", "columns", "severity", "reason"))
        grouped.setdefault(key, []).append(line)
    rows = [
        {
            "result": VERDICTS[alike[0]["verdict"]], "table": alike[0]["table"], "check": alike[0]["reason"],
            "severity": alike[0]["severity"], "files": len(alike), "rows": sum(line["rows"] for line in alike),
            "failing": sum(line["failing"] for line in alike),
        }
        for alike in grouped.values()
    ]  # fmt: skip
    title = f"{escape(source) or 'Tables of the warehouse'}: {len(lines):,} checks"
    return f"<details><summary>{title}</summary>{_table(rows, list(rows[0]))}</details>"


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(c.replace('_', ' '))}" for c in columns)
    body = "".join("<tr>" + "".join(map(_cell, (row.get(c) for c in columns))) for row in rows)
    return f'<div class="scrolls" tabindex="0"><table><thead><tr>{head}<tbody>{body}</table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'<td class="number">{as_text(value)}'
    text = ", ".join(map(str, value)) if isinstance(value, list) else as_text(value)
    return f"<td>{escape(text)}"
