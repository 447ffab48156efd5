"""What a release says of itself, in words and for machines: data package, provenance, licences, how to cite it."""

from __future__ import annotations

import csv as csv_
import io
import platform
import subprocess
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from dictionary.model import dictionary
from dictionary.released import of_dictionary
from dictionary.render import package_fields
from exports import proving
from exports.linked import CSV, PARQUET, Written
from exports.tables import formula_like
from exports.words import ABOUT, CREATOR, IN_SPREADSHEETS, KEYWORDS, TITLE, TO_MIND
from sources.catalogue import sources
from sources.home import Home, sha256_file
from warehouse.build import connect
from warehouse.records import all_vintages
from warehouse.standing import Build

ROOT = Path(__file__).parent.parent


def provenance(home: Home, built: Build, digest: str, digests: dict[str, str]) -> dict[str, Any]:
    """What the release was made of and with: commit, lock, engines, publishers' files, digests."""
    lock = ROOT / "requirements.lock"
    return {
        "as_of": built.as_of.isoformat(),
        "content_digest": digest,
        "table_digests": digests,
        "warehouse": built.digest,
        "git_commit": commit(),
        "lock": sha256_file(lock) if lock.exists() else None,
        "engines": {name: version(name) for name in ENGINES} | {"python": platform.python_version()},
        "left_out": dict(built.left_out),
        "snapshots": snapshots(home),
    }


ENGINES = ("duckdb", "pyarrow", "pandas", "numpy", "great-expectations", "python-calamine", "xlsxwriter")
TOLD = (
    "file_name",
    "bytes",
    "media_type",
    "obtained",
    "retrieved_at",
    "url",
    "url_verified",
    "licence",
    "accepted_despite",
)


def snapshots(home: Home) -> list[dict[str, Any]]:
    """The publishers' files behind the rows; `bundled` is where their rows come with the program, if they do."""
    bundled = {
        (v.source_id, v.file, v.vintage): v.folder.relative_to(ROOT).as_posix()
        for v in all_vintages(home)
        if v.bundled and v.folder.is_relative_to(ROOT)
    }
    columns = ("source_id", "file", "vintage", "snapshot", *TOLD)
    with connect(home) as connection:
        found = connection.execute(f"SELECT {', '.join(columns)} FROM snapshot ORDER BY ALL").fetchall()
    told = [dict(zip(("source_id", "file", "vintage", "sha256", *TOLD), row, strict=True)) for row in found]
    return [{**t, "bundled": bundled.get((t["source_id"], t["file"], t["vintage"]))} for t in told]


def commit() -> str | None:
    """The git commit of the program, with `+changed` where files differ from it; None outside a checkout."""
    try:
        run = [
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"], ["rev-parse", "--show-toplevel"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    if Path(run[2]).resolve() != ROOT.resolve():  # the program lies in somebody else's checkout
        return None
    return run[0] + ("+changed" if run[1] else "")


def described(folder: Path, paths: Iterable[str]) -> list[Written]:
    """What is to be said of files of a release: path, media type, size and SHA-256."""
    made = [(path, folder / path) for path in paths]
    return [Written(path, MEDIA[file.suffix], file.stat().st_size, sha256_file(file)) for path, file in made]


MEDIA = {
    ".csv": CSV,
    ".parquet": PARQUET,
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def package(files: Sequence[Written], name: str, today: date, rows: Mapping[str, pa.Table]) -> dict[str, Any]:
    """The Data Package v2 descriptor of tables as files: a resource for each, by the dictionary's words."""
    words = dictionary()
    resources = []
    for file in files:
        table = words.tables[Path(file.path).stem]
        csv = file.media == CSV
        resources.append(
            {
                "name": table.name if csv else f"{table.name}-parquet",
                "title": table.title,
                "description": table.row,
                "type": "table",
                "path": file.path,
                "format": Path(file.path).suffix[1:],
                "mediatype": file.media,
                **({"encoding": "utf-8", "dialect": DIALECT} if csv else {}),
                "bytes": file.bytes,
                "hash": f"sha256:{file.sha256}",
                "rows": rows[table.name].num_rows,
                "schema": package_fields(table, words, set(rows)),
            }
        )
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "custody",
        "title": TITLE,
        "description": ABOUT,
        "keywords": list(KEYWORDS),
        "version": name,
        "created": f"{today.isoformat()}T00:00:00Z",
        "schema_version": words.version,
        **of_dictionary(words).words(),
        "contributors": [{"title": CREATOR["name"], "roles": ["creator"]}],
        "licenses": [
            {"name": key, "title": lic.title, **({"path": lic.url} if lic.url else {})}
            for key, lic in words.licences.items()
            if key in set(rows["source"].column("licence").to_pylist())
        ],
        "sources": _sources(rows),
        "resources": resources,
    }


#: How a CSV is written, for readers that would guess.
DIALECT = {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True, "header": True}


def _sources(rows: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """The sources as the standard names them; a source's version is the newest of its vintages that is used."""
    newest: dict[str, str] = {}
    for used in rows["snapshot"].select(["source_id", "vintage"]).to_pylist():
        newest[used["source_id"]] = max(used["vintage"], newest.get(used["source_id"], ""))
    return [
        {
            "title": s["title"],
            **({"path": s["homepage"]} if s["homepage"] else {}),
            **({"version": newest[s["source_id"]]} if s["source_id"] in newest else {}),
        }
        for s in rows["source"].to_pylist()
    ]


def codebook_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows of the codebook as CSV, written as the tables are: missing is an empty cell, true and false in words."""
    text = io.StringIO(newline="")
    writer = csv_.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: str(v).lower() if isinstance(v, bool) else v for k, v in row.items()} for row in rows)
    return text.getvalue().encode()


def definitions() -> str:
    """The definitions of publishers that differ from the measure's, which column `definition` names."""
    out = ["", "## Definitions of publishers", "", "| source | definition | meaning |", "| --- | --- | --- |"]
    for known in sources().values():
        out += [f"| {known.id} | {name} | {' '.join(text.split())} |" for name, text in known.definitions.items()]
    return "\n".join(out) + "\n"


CLASSES = {
    "open": "Open: may be used, changed and passed on, with attribution where the licence asks for it.",
    "attribution": "Attribution: may be used with attribution; terms for passing on in bulk are unclear or unverified.",
}


def licences(source: pa.Table) -> str:
    """Each source with its licence, the licence's address and how the source is cited, by class, in Markdown."""
    words = dictionary()
    lines = [
        "# Licences of the figures",
        "",
        "Every row names its licence in column `licence`; these are the sources and theirs.",
    ]
    told = source.to_pylist()
    for class_, meaning in CLASSES.items():
        of_class = [s for s in told if s["licence_class"] == class_]
        lines += ["", f"## {meaning}", ""] if of_class else []
        for s in of_class:
            licence = words.licences[s["licence"]]
            where = f", {licence.url}" if licence.url else ""
            lines.append(f"- {s['title']}: {licence.title} ({s['licence']}{where}). Cite as: {s['citation']}.")
    return "\n".join(lines) + "\n"


def citation(name: str, today: date, source: pa.Table) -> str:
    """How to cite the release, as CITATION.cff 1.2.0; its references are the primary sources."""
    said = {
        "cff-version": "1.2.0",
        "message": "Cite the release by its version, and the primary source of the figure that you use. No DOI and no "
        "address is registered for the release.",
        "type": "dataset",
        "title": TITLE,
        "abstract": ABOUT,
        "version": name,
        "date-released": today,
        "keywords": list(KEYWORDS),
        "authors": [{"name": CREATOR["name"]}],
        "references": [
            {
                "type": "data",
                "title": s["title"],
                "authors": [{"name": s["publisher"]}],
                **({"url": s["homepage"]} if s["homepage"] else {}),
                "notes": s["citation"],
            }
            for s in source.to_pylist()
        ],
    }
    text: str = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=110)
    return text


def readme(name: str, today: date, as_of: date, rows: Mapping[str, pa.Table]) -> str:
    """Half a page for a stranger: what is what here, and how to check it."""
    words = dictionary()
    minded = "\n".join(textwrap.fill(f"- {said}", 100, subsequent_indent="  ") for said in TO_MIND)
    closed = set(rows["source"].column("licence_class").to_pylist()) - {"open"}
    without = sorted(set(words.tables) - set(rows))
    left_out = (
        f"Tables that this release does not have: {', '.join(without)}; see provenance.json.\n" if without else ""
    )
    return README.format(
        title=TITLE, name=name, today=today, as_of=as_of, about=textwrap.fill(ABOUT, 100), schema=words.version,
        pictures=PICTURES if "world_total" in rows else "",
        minded=minded, left_out=left_out, open_part=OPEN_PART if closed else ALL_OPEN, formulas=_formulas(rows),
        proof=proving.steps(rows),
    )  # fmt: skip


def _formulas(rows: Mapping[str, pa.Table]) -> str:
    """What a spreadsheet would do with a CSV's text cells, in a sentence."""
    found = formula_like(rows)
    if not found:
        said = "No text cell of this release begins so."
    else:
        said = "Such cells are in " + ", ".join(f"{table}.{column} ({count})" for table, column, count in found) + "."
    return textwrap.fill(f"{IN_SPREADSHEETS} {said}", 100)


#: How a locator is followed.
LOCATORS = Path(__file__).with_name("locators.md")

PICTURES = """\
pictures/, backtest.html  the walk to the total, the series, disagreements; how the estimate was tested on the past
"""
OPEN_PART = "tables/open/              what can be built from sources under open licences alone; see its own README.txt"
ALL_OPEN = "                          all of it is built from sources under open licences alone"

README = """{title}
Release {name} of {today}; reference day {as_of}; schema {schema}.

{about}

tables/*.parquet, *.csv   the tables; the same rows in both. UTF-8, comma, line feed; an empty cell is missing
{open_part}
custody.xlsx              the tables for Excel, with contents, sources and notes; the largest are only in tables/
{pictures}codebook.md, .csv         what each column means; codes.csv: what each code means
locators.md               how to follow a figure to its publisher's cell by hand
datapackage.json          the same for programs (Data Package 2.0); croissant.json, dataset.jsonld: for catalogues
provenance.json           the publishers' files with SHA-256, the program's commit, digests of every table's content
validation.json           every check of the published files, with its answer
CHANGES.md, changes.csv   what changed since the release before, figure by figure
LICENCES.md, CITATION.cff each source's licence; how to cite; zenodo.json: the same for a deposit
SHA256SUMS                checksums of all files

Begin with country_year (a place in a year), figure (the one figure chosen) or observation (all that was published).

{minded}

{formulas}
{left_out}
To check that nothing was altered: sha256sum -c SHA256SUMS
To check every row in both formats, with Custody at hand: custody verify .

{proof}"""
