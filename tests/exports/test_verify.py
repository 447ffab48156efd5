"""Verifying: whatever is done to a release is found, in words, from its directory alone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import custody
from exports import verify as module
from exports.listing import releases, retract
from exports.tables import release_digest
from exports.verify import Finding, as_listed, verify
from sources.home import Home
from tests.custody import homes

FLIPS = 500


def writable(release: Path, to: Path) -> Path:
    """A copy of a release that may be written."""
    made = Path(shutil.copytree(release, to))
    for path in made.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return made


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a release of few rows, which is quickly read whole."""
    home = homes.copy(homes.little(), tmp_path_factory.mktemp("little") / "home")
    for path in (home / "releases/2026.11.0").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return home


@pytest.fixture
def folder(little: Path, tmp_path: Path) -> Path:
    """A copy of the small release."""
    return writable(little / "releases/2026.11.0", tmp_path / "2026.11.0")


@pytest.fixture(scope="module")
def copied(little: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy of the small release for many tests, each of which leaves it as it was."""
    return writable(little / "releases/2026.11.0", tmp_path_factory.mktemp("copied") / "2026.11.0")


@pytest.fixture(scope="module")
def known() -> dict[tuple[Path, int, int], str]:
    """The digests of files as they were found, by path, time and size."""
    return {}


@pytest.fixture
def hashed_once(monkeypatch: pytest.MonkeyPatch, known: dict[tuple[Path, int, int], str]) -> None:
    """Files that are as they were are not hashed again, where a test changes only the list of them."""
    hashed = module.sha256_file

    def digest(path: Path) -> str:
        found = path.stat()
        key = (path, found.st_mtime_ns, found.st_size)
        if path.name == "SHA256SUMS" or key not in known:
            known[key] = hashed(path)
        return known[key]

    monkeypatch.setattr(module, "sha256_file", digest)


def failing(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if not f.holds]


def sums(folder: Path) -> str:
    return hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


def sum_up(folder: Path) -> None:
    """Write SHA256SUMS anew, as a careful forger does."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def test_a_true_release_holds(release: Path) -> None:
    findings = verify(release, sums(release))
    assert failing(findings) == []
    proved = {f.what for f in findings}
    assert {"list of checksums", "files", "nothing added", "data package", "content digest"} <= proved
    assert {f"table {p.stem}" for p in (release / "tables").glob("*.csv")} <= proved


def flips(release: Path) -> list[tuple[str, int, int]]:
    """Every file at least once, the rest by chance: file, position, bit."""
    chance = random.Random(20261123)
    files = sorted(p.relative_to(release).as_posix() for p in release.rglob("*") if p.is_file())
    chosen = files + [chance.choice(files) for _ in range(FLIPS - len(files))]
    return [(name, chance.randrange((release / name).stat().st_size), chance.randrange(8)) for name in chosen]


def flip(path: Path, at: int, bit: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(at)
        (byte,) = stream.read(1)
        stream.seek(at)
        stream.write(bytes([byte ^ 1 << bit]))


def test_every_flipped_bit_is_found(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are as they were are not hashed again for each flip; the one that is flipped always is."""
    copied, cases = writable(release, tmp_path / "2026.11.0"), flips(release)
    assert len(cases) == FLIPS
    assert {name for name, _, _ in cases} == {
        p.relative_to(release).as_posix() for p in release.rglob("*") if p.is_file()
    }
    known: dict[Path, str] = {}
    hashed = module.sha256_file
    monkeypatch.setattr(
        module, "sha256_file", lambda path: known[path] if path in known else known.setdefault(path, hashed(path))
    )
    assert module.verify(copied, sums(release))[0].holds
    unnoticed = []
    for name, at, bit in cases:
        flip(copied / name, at, bit)
        known.pop(copied / name, None)
        if not failing(verify(copied)):
            unnoticed.append((name, at, bit))
        flip(copied / name, at, bit)
        known.pop(copied / name, None)
    assert unnoticed == []
    assert sums(copied) == sums(release)


@pytest.mark.usefixtures("hashed_once")
def test_every_kind_of_flip_in_the_list_is_found(copied: Path) -> None:
    """Also one that turns a line end into another character that some count as one."""
    path = copied / "SHA256SUMS"
    whole = path.read_bytes()
    ends = [i for i, byte in enumerate(whole) if byte == 0x0A]
    unnoticed = []
    for at in (0, 63, 64, 65, 66, ends[3], ends[-1]):
        for bit in range(8):
            flip(path, at, bit)
            if not failing(verify(copied)):
                unnoticed.append((at, bit))
            path.write_bytes(whole)
    assert unnoticed == []


LISTS: dict[str, Callable[[bytes], bytes]] = {
    "a path that leads outside": lambda b: b.replace(b"  codebook.md", b"  ../codebook.md"),
    "a path that leads outside and back": lambda b: b.replace(b"  codebook.md", b"  tables/../codebook.md"),
    "an absolute path": lambda b: b.replace(b"  codebook.md", b"  /etc/passwd"),
    "a line missing": lambda b: b.split(b"\n", 1)[1],
    "a line twice": lambda b: b + b.split(b"\n", 1)[0] + b"\n",
    "a file twice, once wrongly": lambda b: b"0" * 64 + b"  codebook.md\n" + b,
    "a line of words": lambda b: b + b"trust me\n",
    "an empty line": lambda b: b + b"\n",
    "a short digest": lambda b: b[1:],
    "a long name": lambda b: b + b"0" * 64 + b"  " + b"x" * 300 + b"\n",
    "a name with a NUL": lambda b: b + b"0" * 64 + b"  a\0b\n",
    "a folder for a file": lambda b: b + b"0" * 64 + b"  tables\n",
    "no name": lambda b: b + b"0" * 64 + b"  \n",
    "line ends of Windows": lambda b: b.replace(b"\n", b"\r\n"),
    "bytes that are no UTF-8": lambda b: b + b"0" * 64 + b"  \xff\xfe\n",
    "nothing": lambda b: b"",
    "its last line end lost": lambda b: b[:-1],
    "one letter": lambda b: b"x",
}


@pytest.mark.usefixtures("hashed_once")
@pytest.mark.parametrize("what", LISTS)
def test_an_edited_list_is_found(copied: Path, what: str) -> None:
    path = copied / "SHA256SUMS"
    whole = path.read_bytes()
    edited = LISTS[what](whole)
    assert edited != whole
    path.write_bytes(edited)
    found = failing(verify(copied))
    path.write_bytes(whole)
    assert found


def test_a_path_outside_is_not_read(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copied / "SHA256SUMS"
    whole = path.read_bytes()
    outside = copied.parent / "outside"
    outside.write_bytes(b"")
    path.write_text(f"{hashlib.sha256(b'').hexdigest()}  ../outside\n", encoding="utf-8")
    opened: list[Path] = []
    monkeypatch.setattr(module, "sha256_file", lambda p: opened.append(p) or "")
    found = failing(verify(copied))
    path.write_bytes(whole)
    assert found
    assert opened == []


def swap(folder: Path, one: str, other: str) -> None:
    (folder / one).rename(folder / "held")
    (folder / other).rename(folder / one)
    (folder / "held").rename(folder / other)


def link(path: Path, elsewhere: Path) -> None:
    """Move what is there away, and leave a link to it."""
    path.mkdir(exist_ok=True) if not path.suffix else None
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a table missing": (lambda f: (f / "tables/gap.csv").unlink(), "tables/gap.csv"),
    "the descriptor missing": (lambda f: (f / "datapackage.json").unlink(), "datapackage.json"),
    "the list missing": (lambda f: (f / "SHA256SUMS").unlink(), "SHA256SUMS"),
    "a file added": (lambda f: (f / "tables/extra.csv").write_text("x"), "tables/extra.csv"),
    "a hidden file added": (lambda f: (f / ".hidden").write_text("x"), ".hidden"),
    "a file deep within": (lambda f: ((f / "a/b").mkdir(parents=True), (f / "a/b/c").write_text("x")), "a/b/c"),
    "an empty folder": (lambda f: (f / "tables/later").mkdir(), "tables/later"),
    "a link to nowhere": (lambda f: (f / "link").symlink_to("nowhere"), "link"),
    "a linked folder": (lambda f: (f / "link").symlink_to(f / "tables"), "link"),
    "two tables swapped": (lambda f: swap(f, "tables/gap.csv", "tables/source.csv"), "tables/gap.csv"),
    "two Parquets swapped": (lambda f: swap(f, "tables/gap.parquet", "tables/place.parquet"), "tables/place.parquet"),
    "a link to the same bytes": (lambda f: link(f / "codebook.md", f.parent / "elsewhere"), "codebook.md"),
    "a linked folder with the same files": (lambda f: link(f / "pictures", f.parent / "elsewhere"), "pictures"),
    "a file emptied": (lambda f: (f / "codebook.md").write_bytes(b""), "codebook.md"),
    "a file turned folder": (lambda f: ((f / "codebook.md").unlink(), (f / "codebook.md").mkdir()), "codebook.md"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_folder_is_found_by_name(folder: Path, what: str) -> None:
    change, name = CHANGES[what]
    change(folder)
    assert name in " ".join(f.detail for f in failing(verify(folder)))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def forget_gap(provenance: Any) -> None:
    """Leave a table out, and state the digest of the others."""
    provenance["table_digests"].pop("gap")
    provenance["content_digest"] = release_digest(provenance["table_digests"])


FORGERIES: dict[str, Callable[[Path], Any]] = {
    "a figure in one format": lambda f: replace(f / "tables/gap.csv", "100000.0", "100001.0"),
    "a figure, and what describes its file": lambda f: (
        replace(f / "tables/gap.csv", "100000.0", "100001.0"),
        edit(f / "datapackage.json", lambda p: p["resources"][resource(p, "gap")].update(hash=digest(f, "gap.csv"))),
    ),
    "no descriptor": lambda f: (f / "datapackage.json").unlink(),
    "no provenance": lambda f: (f / "provenance.json").unlink(),
    "a broken descriptor": lambda f: (f / "datapackage.json").write_text("{"),
    "a descriptor that is a list": lambda f: (f / "datapackage.json").write_text("[]"),
    "a descriptor without resources": lambda f: edit(f / "datapackage.json", lambda p: p.pop("resources")),
    "a resource without hash": lambda f: edit(f / "datapackage.json", lambda p: p["resources"][0].pop("hash")),
    "a resource that is not there": lambda f: edit(
        f / "datapackage.json", lambda p: p["resources"][0].update(path="tables/none.csv")
    ),
    "an unknown type": lambda f: edit(
        f / "datapackage.json", lambda p: p["resources"][0]["schema"]["fields"][0].update(type="geojson")
    ),
    "another table's digest": lambda f: edit(f / "provenance.json", lambda p: p["table_digests"].update(gap="0" * 64)),
    "a table without digest": lambda f: edit(f / "provenance.json", lambda p: p["table_digests"].pop("gap")),
    "a table that is not there": lambda f: edit(
        f / "provenance.json", lambda p: p["table_digests"].update(none="0" * 64)
    ),
    "no content digest": lambda f: edit(f / "provenance.json", lambda p: p.pop("content_digest")),
    "no table at all": lambda f: (
        shutil.rmtree(f / "tables"),
        (f / "tables").mkdir(),
        edit(f / "datapackage.json", lambda p: p.update(resources=[])),
        edit(f / "provenance.json", lambda p: p.update(table_digests={}, content_digest=release_digest({}))),
    ),
    "a table that nothing describes": lambda f: (f / "tables" / "more.csv").write_text("a,b\n1,2\n"),
    "a table that the provenance does not name, with a fresh digest": lambda f: edit(f / "provenance.json", forget_gap),
    "a Parquet that is none": lambda f: (
        (f / "tables/gap.parquet").write_bytes(b"PAR1"),
        edit(
            f / "datapackage.json",
            lambda p: p["resources"][resource(p, "gap-parquet")].update(hash=digest(f, "gap.parquet")),
        ),
    ),
    "a CSV that is none": lambda f: (
        (f / "tables/gap.csv").write_bytes(b'"\xff'),
        edit(f / "datapackage.json", lambda p: p["resources"][resource(p, "gap")].update(hash=digest(f, "gap.csv"))),
    ),
}


def resource(package: Any, name: str) -> int:
    return next(i for i, r in enumerate(package["resources"]) if r["name"] == name)


def digest(folder: Path, name: str) -> str:
    return f"sha256:{hashlib.sha256((folder / 'tables' / name).read_bytes()).hexdigest()}"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forgery_with_fresh_checksums_is_found(folder: Path, what: str) -> None:
    """Even of a copy whose list of checksums nobody has kept: the parts no longer agree."""
    FORGERIES[what](folder)
    sum_up(folder)
    assert failing(verify(folder))


@pytest.mark.parametrize("named", ["latest", "2026.11.0", "absolute", "relative", "linked"])
def test_the_kept_list_finds_what_the_folder_alone_cannot(little: Path, tmp_path: Path, named: str) -> None:
    """Words that no other file describes, altered together with their checksum."""
    home = homes.copy(little, tmp_path / "home")
    folder = home / "releases" / "2026.11.0"
    replace(folder / "LICENCES.md", "Every row", "No row")
    sum_up(folder)
    assert failing(verify(folder)) == []
    (tmp_path / "link").symlink_to(folder)
    name = {"absolute": str(folder), "relative": "home/releases/2026.11.0", "linked": "link"}.get(named, named)
    said = homes.custody(home, "verify", name, "--json", cwd=tmp_path)
    assert said.returncode == 1
    assert "SHA256SUMS was altered" in [f["detail"] for f in json.loads(said.stdout) if not f["holds"]]
    assert "is not what it says" in said.stderr


def test_a_release_can_be_verified_anywhere(little: Path, tmp_path: Path) -> None:
    """Without the home that made it, and without making one."""
    elsewhere = Path(shutil.copytree(little / "releases/2026.11.0", tmp_path / "downloads" / "custody"))
    for name, cwd in (("downloads/custody", tmp_path), (str(elsewhere), tmp_path), (".", elsewhere)):
        said = homes.custody(None, "verify", name, cwd=cwd)
        assert (said.returncode, said.stderr) == (0, "")
        assert "FAILS" not in said.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["downloads"]

    flip(elsewhere / "tables" / "gap.csv", 200, 0)
    said = homes.custody(None, "verify", str(elsewhere))
    assert said.returncode == 1
    assert "FAILS" in said.stdout
    assert "tables/gap.csv" in said.stdout
    assert "Traceback" not in said.stderr
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["2026.12.0", "../..", "", "nowhere", "releases.json"])
def test_what_is_no_release(little: Path, name: str) -> None:
    said = homes.custody(little, "verify", name, cwd=little / "releases")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"custody: There is no release {name!r}; there are: 2026.11.0.\n"


@pytest.mark.parametrize("key", ["version", "date", "schema_version", "as_of", "digest"])
def test_an_entry_that_says_another_thing_than_the_release_is_found(little: Path, tmp_path: Path, key: str) -> None:
    home = homes.copy(little, tmp_path / "home")
    folder = home / "releases" / "2026.11.0"
    (entry,) = releases(Home(home))
    assert as_listed(folder, entry) == [Finding("entry in releases.json", True, "of 2026.11.0, as the release says")]
    (found,) = as_listed(folder, dataclasses.replace(entry, **{key: "another"}))
    assert (found.holds, found.detail) == (False, f"says another {key} than the release")
    (folder / "datapackage.json").write_text("{}", encoding="utf-8")
    assert not as_listed(folder, entry)[0].holds


def test_a_retracted_release_is_proved_with_a_warning(little: Path, tmp_path: Path) -> None:
    home = homes.copy(little, tmp_path / "home")
    retract(Home(home), "2026.11.0", "Chad was read as Niger", date(2026, 12, 1))
    said = homes.custody(home, "verify", "latest")
    assert said.returncode == 0
    assert said.stderr == (
        "custody: Release 2026.11.0 was retracted on 2026-12-01: Chad was read as Niger. No release takes its place.\n"
    )
    assert "as the release says" in said.stdout
    with pytest.warns(UserWarning, match="2026.11.0 was retracted on 2026-12-01"):
        custody.load("gap", "2026.11.0", home=home)
    # And from a copy elsewhere, by the list that lies beside it there.
    elsewhere = tmp_path / "copy"
    shutil.copytree(home / "releases", elsewhere)
    copied = homes.custody(tmp_path / "another", "verify", str(elsewhere / "2026.11.0"))
    assert (copied.returncode, copied.stderr) == (0, said.stderr)
