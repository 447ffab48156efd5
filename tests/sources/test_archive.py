"""The archive and the writing beneath it: nothing overwritten, nothing half done, nothing altered unnoticed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import home as home_
from sources.archive import Archive, Snapshot, check_type, media_type
from sources.catalogue import source
from sources.errors import Refused
from sources.home import Home, new_folder, read_json, sha256_file, write_bytes, write_json
from tests.sources.fixtures import damaged, workbook, zipped

EUROSTAT, FILE = "eurostat_prisons", "crim_pris_ctz"
CSV = b"a,b\r\n1,2\r\n"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def put(archive: Archive, data: bytes = CSV, name: str = "crim_pris_ctz.csv", **more: Any) -> tuple[Snapshot, bool]:
    said = {"obtained": "import", "url": None, "retrieved_at": "2026-05-01", **more}
    return archive.put(source(EUROSTAT), FILE, name, data, **said)


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def seen(archive: Archive) -> list[dict[str, Any]]:
    path = archive.root / "snapshots" / EUROSTAT / FILE / "seen.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# What lies where


def test_bytes_lie_under_their_own_digest(archive: Archive) -> None:
    snapshot, new = put(archive)
    digest = hashlib.sha256(CSV).hexdigest()
    assert new and snapshot.sha256 == digest and snapshot.bytes == 10
    assert (archive.root / "objects" / digest[:2] / digest).read_bytes() == CSV
    assert archive.read(snapshot) == CSV


def test_a_record_says_what_came_and_how(archive: Archive) -> None:
    snapshot, _ = put(
        archive, url="https://example.org/a.csv", retrieved_at="2026-05-01T10:00:00Z", vintage_hint="2026"
    )
    assert archive.snapshots(EUROSTAT, FILE) == [snapshot]
    assert snapshot == Snapshot(
        EUROSTAT, FILE, hashlib.sha256(CSV).hexdigest(), "crim_pris_ctz.csv", 10, "csv", "2026-05-01T10:00:00Z",
        "import", "https://example.org/a.csv", "CC-BY-4.0", "2026",
    )  # fmt: skip


def test_the_same_bytes_are_no_new_snapshot_but_are_seen_again(archive: Archive) -> None:
    first, _ = put(archive)
    before = files(archive.root)
    again, new = put(archive, name="another_name.csv", retrieved_at="2026-06-01", vintage_hint="1999")
    assert not new and again == first, "the first record stands, under its first name"
    after = files(archive.root)
    assert {k: v for k, v in after.items() if not k.endswith("seen.jsonl")} == {
        k: v for k, v in before.items() if not k.endswith("seen.jsonl")
    }
    assert [line["sha256"] for line in seen(archive)] == [first.sha256] * 2
    occasions = [(line["file_name"], line["retrieved_at"]) for line in seen(archive)]
    assert occasions == [("crim_pris_ctz.csv", "2026-05-01"), ("another_name.csv", "2026-06-01")]


def test_other_bytes_lie_beside_the_first(archive: Archive) -> None:
    one, _ = put(archive)
    two, new = put(archive, CSV + b"3,4\r\n", retrieved_at="2026-04-01")
    assert new and archive.read(one) == CSV and archive.read(two) == CSV + b"3,4\r\n"
    assert archive.snapshots(EUROSTAT, FILE) == [two, one], "oldest retrieval first"
    assert len(seen(archive)) == 2


def test_the_same_bytes_of_another_file_have_a_record_of_their_own_and_one_object(archive: Archive) -> None:
    put(archive)
    said: dict[str, Any] = {"obtained": "import", "url": None, "retrieved_at": "2026-05-01"}
    _, new = archive.put(source(EUROSTAT), "crim_pris_cap", "crim_pris_cap.csv", CSV, **said)
    assert new and len([p for p in (archive.root / "objects").rglob("*") if p.is_file()]) == 1


def test_an_archive_without_a_folder_has_no_snapshots(archive: Archive) -> None:
    assert archive.snapshots(EUROSTAT, FILE) == [] and not archive.root.exists()


# Damage


def test_an_altered_object_is_refused_by_name(archive: Archive) -> None:
    snapshot, _ = put(archive)
    archive.object_path(snapshot.sha256).write_bytes(CSV.replace(b"2", b"3"))
    with pytest.raises(Refused, match=rf"crim_pris_ctz.csv \({snapshot.sha256[:12]}\) were altered"):
        archive.read(snapshot)


def test_a_missing_object_is_refused_by_name(archive: Archive) -> None:
    snapshot, _ = put(archive)
    archive.object_path(snapshot.sha256).unlink()
    with pytest.raises(Refused, match=rf"of crim_pris_ctz.csv \({snapshot.sha256[:12]}\) were lost"):
        archive.read(snapshot)


@pytest.mark.parametrize("left", [b"", CSV[:-1], CSV + b"\0", None])
def test_a_damaged_object_is_mended_by_the_same_bytes(archive: Archive, left: bytes | None) -> None:
    snapshot, _ = put(archive)
    path = archive.object_path(snapshot.sha256)
    path.unlink() if left is None else path.write_bytes(left)
    again, new = put(archive)
    assert archive.read(again) == CSV and not new


def test_a_crash_between_bytes_and_record_is_finished_by_the_next_import(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sources.archive.write_sealed", crash)
        with pytest.raises(RuntimeError):
            put(archive)
    assert archive.snapshots(EUROSTAT, FILE) == []
    _, new = put(archive)
    assert new and len(archive.snapshots(EUROSTAT, FILE)) == 1


def crash(*_: Any) -> None:
    raise RuntimeError("power cut")


def test_a_line_that_a_crash_tore_off_spoils_no_other(archive: Archive) -> None:
    put(archive)
    path = archive.root / "snapshots" / EUROSTAT / FILE / "seen.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    put(archive)
    first, torn, last = path.read_bytes().splitlines()
    assert (first + b"\n", torn) == (whole, whole[:20]) and json.loads(last)["obtained"] == "import"
    path.write_bytes(whole[:-1])  # all but its end
    put(archive)
    assert len(seen(archive)) == 2


# Types


def ods() -> bytes:
    return zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<!DOCTYPE html><html>", "html"),
        (b"\xef\xbb\xbf\r\n  <html>", "html"),
        (b'<?xml version="1.0"?><x/>', "html"),
        (b'[{"page": 1}]', "json"),
        (b'\xef\xbb\xbf {"a": 1}', "json"),
        (b"a,b\n1,2\n", "csv"),
        (b"\xef\xbb\xbfa;b\n1;2\n", "csv"),
        (b"a,b\\TIME\t2019 \t2020 \n", "tsv"),
        (b"one column\n1\n", "text"),
        (zipped({"a.csv": b"a,b\n"}), "zip"),
        (workbook({"s": [["a"]]}), "xlsx"),
        (ods(), "ods"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504, "xls"),
        (b"PK\x05\x06" + b"\0" * 18, "zip"),
        (b"\x00\x01\x02\x03", None),
        (b"a,b\n1,\x002\n", None),
        ("a,b\n1,2\n".encode("utf-16"), None),
        (b"%PDF-1.7\n\x00\x01", None),
    ],
)
def test_the_type_is_told_from_the_content(data: bytes, kind: str | None) -> None:
    assert media_type(data) == kind


def test_a_truncated_workbook_is_a_zip_and_no_workbook() -> None:
    whole = workbook({"s": [["a"]]})
    assert media_type(whole[: len(whole) // 2]) == "zip"


@given(st.data())
def test_no_damage_to_a_zip_breaks_the_telling_of_its_type(data: st.DataObject) -> None:
    media_type(damaged(data, data.draw(st.sampled_from([workbook({"s": [["a"]]}), zipped({"ä.csv": b"a,b\n"})]))))


@given(st.binary(max_size=60), st.sampled_from([b"", b"PK", b"PK\x05\x06", b"PK\x03\x04", b"\xd0\xcf"]))
def test_any_bytes_have_a_type_or_none(data: bytes, start: bytes) -> None:
    media_type(start + data)


def test_a_zip_of_a_kind_that_python_cannot_open_is_still_a_zip() -> None:
    data = bytearray(zipped({"a.csv": b"a,b\n"}))
    at = data.index(b"PK\x01\x02") + 6  # version needed to extract, in the central directory
    data[at : at + 2] = (990).to_bytes(2, "little")
    with pytest.raises(NotImplementedError):
        zipfile.ZipFile(io.BytesIO(bytes(data)))
    assert media_type(bytes(data)) == "zip"


def test_an_empty_file_is_refused_and_nothing_is_stored(archive: Archive) -> None:
    with pytest.raises(Refused, match=r"^crim_pris_ctz.csv: the file is empty; get it again\.$"):
        put(archive, b"")
    assert not archive.root.exists()


def test_a_web_page_is_refused_as_one_and_nothing_is_stored(archive: Archive) -> None:
    with pytest.raises(Refused, match="content is html, not csv or tsv .* web page, perhaps an error page"):
        put(archive, b"<html>503</html>")
    assert not archive.root.exists()


def test_bytes_with_nul_are_refused_and_nothing_is_stored(archive: Archive) -> None:
    with pytest.raises(Refused, match="content is of no known type"):
        put(archive, b"a,b\n\0,2\n")
    assert not archive.root.exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_text_in_two_bytes_a_letter_is_named_as_such(archive: Archive, encoding: str) -> None:
    with pytest.raises(Refused, match="It is text in UTF-16; save it as UTF-8"):
        put(archive, CSV.decode().encode(encoding))
    assert not archive.root.exists()


@pytest.mark.parametrize("data", [b"\0" * 40, b"a,b\n\0,2\n" * 9, bytes(range(256))])
def test_what_is_no_text_is_not_taken_for_utf_16(archive: Archive, data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        put(archive, data)
    assert "UTF-16" not in str(refused.value)


def test_the_declared_types_decide() -> None:
    assert (
        check_type(source("unodc_prisons"), "data_cts_prisons_and_prisoners", "x", workbook({"s": [["a"]]})) == "xlsx"
    )
    with pytest.raises(Refused, match="content is csv, not xlsx"):
        check_type(source("unodc_prisons"), "data_cts_prisons_and_prisoners", "x.xlsx", CSV)


# Writing that a crash cannot leave half done


def test_a_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_bytes(path, b"old")
    write_bytes(path, b"new and longer")
    assert files(tmp_path) == {os.path.join("deep", "file"): b"new and longer"}
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "os.chmod"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(f"sources.home.{step}", disk_full)
        with pytest.raises(OSError):
            write_bytes(path, b"new")
    assert files(tmp_path) == {"file": b"old"}


def disk_full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_json_comes_back_as_it_went(tmp_path: Path) -> None:
    content = {"z": "Curaçao", "a": [1, 2.5, None, True]}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == content
    assert "Curaçao" in (tmp_path / "x.json").read_text(encoding="utf-8")
    assert list(read_json(tmp_path / "x.json")) == ["z", "a"]


def folder_with(target: Path, text: str) -> None:
    with new_folder(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text(text)


def test_a_new_folder_is_on_the_disk_with_all_that_is_in_it_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a name could stand for half of it after the machine went down, and a release would be damaged unnoticed."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("renamed"), replace(a, b)))
    with new_folder(tmp_path / "made") as folder:
        (folder / "tables").mkdir()
        (folder / "tables" / "a.csv").write_bytes(b"a")
        (folder / "b.md").write_bytes(b"b")
    at = done.index("renamed")
    assert {Path(name).relative_to(folder).as_posix() for name in done[:at]} == {".", "b.md", "tables", "tables/a.csv"}
    assert done[at + 1 :] == [str(tmp_path)], "and its name in the folder that holds it"


def test_a_new_folder_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "2026"
    folder_with(target, "old")
    (target / "only in the old one").write_text("x")
    folder_with(target, "new")
    assert files(tmp_path) == {os.path.join("deep", "2026", "inner", "file"): b"new"}
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_while_a_folder_is_filled_leaves_the_old_state(
    tmp_path: Path, old: bool, error: type[BaseException]
) -> None:
    target = tmp_path / "2026"
    if old:
        folder_with(target, "old")
    before = files(tmp_path)
    with pytest.raises(error), new_folder(target) as folder:
        (folder / "half").write_text("x")
        raise error
    assert files(tmp_path) == before and target.exists() == old
    assert [p.name for p in tmp_path.iterdir()] == (["2026"] if old else [])


def test_a_failure_of_the_last_rename_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "2026"
    folder_with(target, "old")
    real = os.replace

    def second_fails(a: Any, b: Any) -> None:
        if Path(b) == target and Path(a).name.startswith(".writing-"):
            raise OSError(28, "No space left on device")
        real(a, b)

    with monkeypatch.context() as patch:
        patch.setattr("sources.home.os.replace", second_fails)
        with pytest.raises(OSError):
            folder_with(target, "new")
    assert files(tmp_path) == {os.path.join("2026", "inner", "file"): b"old"}


def test_killed_between_the_two_renames_the_old_folder_survives_the_next_attempt_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves the old folder aside; it may go only when a new one stands."""
    target = tmp_path / "2026"
    folder_with(target, "old")
    aside = tmp_path / ".old-2026"
    os.replace(target, aside)  # where a kill between the two renames leaves it
    with monkeypatch.context() as patch:
        patch.setattr("sources.home.os.replace", disk_full)
        with pytest.raises(OSError):
            folder_with(target, "new")
    assert (target if target.exists() else aside).joinpath("inner", "file").read_text() == "old"
    folder_with(target, "new")
    assert files(tmp_path) == {os.path.join("2026", "inner", "file"): b"new"}


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    assert (
        sha256_file(tmp_path / "big") == hashlib.sha256(b"x" * 3_000_000).hexdigest() == home_.sha256(b"x" * 3_000_000)
    )


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUSTODY_HOME", str(tmp_path / "h"))
    assert Home.from_environment().root == tmp_path / "h"
    monkeypatch.chdir(tmp_path)
    for nothing in (None, ""):
        monkeypatch.delenv("CUSTODY_HOME") if nothing is None else monkeypatch.setenv("CUSTODY_HOME", nothing)
        assert Home.from_environment().root == tmp_path / "var"


# Macros

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("source_id", "file", "data"),
    [
        ("abs_prisoners", None, OLE + b"\0" * 64 + "_VBA_PROJECT_CUR".encode("utf-16-le")),
        ("unodc_prisons", "data_cts_prisons_and_prisoners", "xlsx"),
    ],
)
def test_a_workbook_with_macros_is_refused_where_the_publisher_has_none(
    source_id: str, file: str | None, data: bytes | str
) -> None:
    own = source(source_id)
    name = file or next(iter(own.files))
    if isinstance(data, str):
        whole = zipfile.ZipFile(io.BytesIO(workbook({"a": [["x"]]})))
        members = {n: whole.read(n) for n in whole.namelist()}
        check_type(own, name, "f.xlsx", zipped(members))
        data = zipped({**members, "xl/vbaProject.bin": b"x"})
    with pytest.raises(Refused, match="the workbook holds macros, which a file of .* never did"):
        check_type(own, name, "f", data)


def test_a_workbook_with_macros_is_taken_where_the_publisher_is_known_for_them() -> None:
    own = source("new_zealand_corrections")
    data = OLE + "_VBA_PROJECT_CUR".encode("utf-16-le")
    assert check_type(own, next(iter(own.files)), "f.xls", data) == "xls"
