"""A release in the words of catalogues: Croissant for machine learning, schema.org's Dataset for search engines.

Pure functions from the dictionary and from what was written; nothing here reads or writes a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dictionary.model import Dictionary, Table
from exports.words import ABOUT, CREATOR, KEYWORDS, TITLE

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
CROISSANT_TYPES = {
    "text": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "date": "sc:Date",
    "boolean": "sc:Boolean",
}

#: The context that Croissant 1.0 prescribes, word for word.
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


@dataclass(frozen=True)
class Written:
    """One file of a release: its path there, media type, size and SHA-256."""

    path: str
    media: str
    bytes: int
    sha256: str


def croissant(name: str, day: str, tables: Sequence[Table], files: Sequence[Written], licences: list[str]) -> Any:
    """The Croissant 1.0 description: every file, and each table as a record set read from its CSV."""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "custody",
        "description": ABOUT,
        "version": name,
        "datePublished": day,
        "isLiveDataset": False,
        "license": licences,
        "creator": CREATOR,
        "keywords": list(KEYWORDS),
        "citeAs": f"{CREATOR['name']}: {TITLE}, release {name} ({day})",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": f.path,
                "name": f.path,
                "contentUrl": f.path,
                "contentSize": f"{f.bytes} B",
                "encodingFormat": f.media,
                "sha256": f.sha256,
            }
            for f in files
        ],
        "recordSet": [_record_set(table) for table in tables],
    }


def _record_set(table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.row,
        "key": [{"@id": f"{table.name}/{column}"} for column in table.key],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table.name}/{c.name}",
                "name": c.name,
                "description": c.description,
                "dataType": CROISSANT_TYPES[c.type],
                "source": {"fileObject": {"@id": f"tables/{table.name}.csv"}, "extract": {"column": c.name}},
            }
            for c in table.columns
        ],
    }


def dataset(
    name: str,
    day: str,
    words: Dictionary,
    files: Sequence[Written],
    sources: Sequence[Mapping[str, Any]],
    years: tuple[int, int] | None,
) -> Any:
    """The schema.org Dataset in JSON-LD: what search engines for data read."""
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": TITLE,
        "description": ABOUT,
        "version": name,
        "datePublished": day,
        "isAccessibleForFree": True,
        "creator": CREATOR,
        "keywords": list(KEYWORDS),
        "license": sorted({u for s in sources if (u := words.licences[s["licence"]].url)}),
        "spatialCoverage": {"@type": "Place", "name": "World"},
        **({"temporalCoverage": f"{years[0]}/{years[1]}"} if years else {}),
        "variableMeasured": [
            {"@type": "PropertyValue", "name": m.title, "description": m.description, "unitText": m.unit}
            for m in words.measures.values()
        ],
        "isBasedOn": [
            {
                "@type": "Dataset",
                "name": s["title"],
                "description": s["citation"],
                "creator": {"@type": "Organization", "name": s["publisher"]},
                **({"url": s["homepage"]} if s["homepage"] else {}),
                **({"license": u} if (u := words.licences[s["licence"]].url) else {}),
            }
            for s in sources
        ],
        "distribution": [
            {
                "@type": "DataDownload",
                "name": f.path,
                "contentUrl": f.path,
                "encodingFormat": f.media,
                "contentSize": f"{f.bytes} B",
                "sha256": f.sha256,
            }
            for f in files
        ],
    }
