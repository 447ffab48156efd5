"""The sources: what each `source.yml` says. A folder with a `source.yml` is a source; there is no other list."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dictionary.model import LOADER, Rule, Subject, dictionary, faults, refuse_twice
from sources.errors import Misused, Refused

if TYPE_CHECKING:
    from sources.reading import Parsed, RawFile

HERE = Path(__file__).parent

#: Names sources that are off by default and to be used all the same, separated by commas.
ALSO = "CUSTODY_WITH"

#: `open` restricts everything, from fetching to releases, to sources under open licences.
LICENCES = "CUSTODY_LICENCES"

MediaType = Literal["xlsx", "xls", "ods", "zip", "json", "csv", "tsv", "html", "text"]


class File(BaseModel):
    """One file that a publisher offers.

    `pattern` is matched against file names given to `custody import`; `types` are the types that its content may
    have; `url` is where the publisher offers it, or null where that moves. A new vintage with less than `min_share` of
    the items, places, measures or years of the last good one goes to quarantine: a file cut off at the end of a line
    reads like a whole one. So does one with more than twice the items, or more than that share allows backwards. Where
    it `extends`, an edition covers other years than the one before, and figures of both stand. A workbook with `macros`
    is refused unless it is known that the publisher's has some; they are never run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    pattern: str
    types: tuple[MediaType, ...]
    url: str | None = None
    min_share: float = Field(default=0.9, gt=0, le=1)
    extends: bool = False
    macros: bool = False


class Source(BaseModel):
    """What `source.yml` says of one dataset; every key is described in CONTRIBUTING.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    folder: Path
    title: str
    publisher: str
    tier: Literal["national", "international", "curated"]
    subject: Subject
    homepage: str | None = None
    licence: str
    cadence: Literal["weekly", "monthly", "quarterly", "yearly", "irregular"]
    citation: str
    verified: bool
    enabled: bool = True
    place_scheme: Literal["place_id", "iso3", "m49", "name"] = "place_id"
    hosts: tuple[str, ...] = ()
    files: Mapping[str, File]
    definitions: Mapping[str, str] = {}
    rules: Mapping[str, tuple[Rule, ...]] = {}

    @field_validator("rules")
    @classmethod
    def _of_tables(cls, rules: Mapping[str, tuple[Rule, ...]]) -> Mapping[str, tuple[Rule, ...]]:
        for name, own in rules.items():
            table = dictionary().tables.get(name)
            if table is None or table.group != "accepted":
                raise ValueError(f"rules are of tables whose rows come from sources; {name!r} is none")
            refuse_twice(own)
        return rules

    @field_validator("licence")
    @classmethod
    def _licence_known(cls, licence: str) -> str:
        if licence not in dictionary().licences:
            raise ValueError(f"no licence {licence!r} in dictionary/licences.yml")
        return licence

    @property
    def licence_class(self) -> str:
        """What the licence lets Custody do."""
        return dictionary().licences[self.licence].licence_class

    @property
    def bundled(self) -> Path:
        """The accepted vintages that come with the program."""
        return self.folder / "bundled"

    def parser(self) -> Callable[[RawFile], Parsed]:
        """The `parse` function of the folder's parse.py."""
        module = importlib.import_module(f"sources.{self.id}.parse")
        return cast("Callable[[RawFile], Parsed]", module.parse)

    def file_for(self, name: str) -> str:
        """The file whose pattern `name` matches.

        Raises:
            Misused: when none or several match.
        """
        matching = [key for key, file in self.files.items() if fnmatch(name, file.pattern)]
        if len(matching) == 1:
            return matching[0]
        patterns = ", ".join(f"{key} ({file.pattern})" for key, file in self.files.items())
        raise Misused(
            f"{name}: {'several' if matching else 'none'} of the files of {self.id} match this name; "
            f"say which with --file, one of {patterns}."
        )

    def code_digest(self) -> str:
        """A digest of all that turns this source's bytes into rows: its folder, the shared code and the dictionary."""
        own = [
            p for p in self.folder.rglob("*") if p.suffix in {".py", ".yml", ".csv"} and self.bundled not in p.parents
        ]
        digest = hashlib.sha256(_shared_digest())
        for path in sorted(own):
            digest.update(path.relative_to(self.folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


@cache
def _shared_digest() -> bytes:
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.py"), *HERE.glob("*.csv"), *(HERE.parent / "dictionary").rglob("*.*")]):
        if path.suffix in {".py", ".csv", ".yml"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.digest()


def read_source(folder: Path) -> Source:
    """Read one `source.yml`.

    Raises:
        Refused: naming the file and the key that is wrong.
    """
    path = folder / "source.yml"
    try:
        return Source(id=folder.name, folder=folder, **yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER))
    except (ValidationError, TypeError, yaml.YAMLError) as error:
        raise Refused(f"{folder.name}/source.yml: {faults(error)}.") from error


@cache
def sources() -> Mapping[str, Source]:
    """Every source in use, by id: all that are enabled, and those that the environment variable names besides.

    Where only open licences are wanted, those of others are not in use.
    """
    asked = {name for name in os.environ.get(ALSO, "").split(",") if name}
    known = {path.parent.name: read_source(path.parent) for path in sorted(HERE.glob("*/source.yml"))}
    if strange := sorted(asked - set(known)):
        raise Refused(f"{ALSO} names {strange[0]!r}, which is no source; there are {', '.join(known)}.")
    used = {name: source for name, source in known.items() if source.enabled or name in asked}
    return open_alone(used) if only_open() else used


def only_open() -> bool:
    """Whether the environment asks for sources under open licences alone.

    Raises:
        Refused: when it asks for something else: a misspelt restriction must not become none.
    """
    wanted = os.environ.get(LICENCES, "")
    if wanted not in ("", "open"):
        raise Refused(f"{LICENCES} is {wanted!r}; it is `open`, or not set at all.")
    return wanted == "open"


def open_alone(known: Mapping[str, Source]) -> dict[str, Source]:
    """The sources under open licences, of those given."""
    return {name: source for name, source in known.items() if source.licence_class == "open"}


def source(source_id: str) -> Source:
    """One source.

    Raises:
        Misused: when there is none of that name; the sentence lists those there are.
    """
    if source_id in sources():
        return sources()[source_id]
    if (HERE / source_id / "source.yml").is_file():
        if only_open() and read_source(HERE / source_id).licence_class != "open":
            raise Misused(f"The source {source_id} is under no open licence, and {LICENCES}=open is set.")
        raise Misused(f"The source {source_id} is off unless {ALSO}={source_id} is set; see README.")
    raise Misused(f"There is no source {source_id!r}; there are {', '.join(sources())}.")
