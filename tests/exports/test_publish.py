"""Publishing to a folder and to an S3-compatible store: whole, in order, once, and taken up again where it broke off."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

import custody
from exports import listing, signed, stores
from exports import publish as publishing
from exports.listing import Release, Retraction
from exports.publish import publish
from exports.stores import Bucket, Directory, Store, store
from sources.errors import Misused, Refused
from sources.home import Home, sha256_file
from tests.custody import homes, published

TABLES = {name: {"place_id": ["FRA", "NAM"]} for name in ("place", "figure", "source", "world_total")}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-to-be-told"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with two releases of few files, which count as proved."""
    root = Home(tmp_path / "home")
    published.write(root.releases, "2026.10.0", "2026-10-23", TABLES)
    published.write(root.releases, "2026.11.0", "2026-11-23", {**TABLES, "claim": {"claim": ["a"]}})
    monkeypatch.setattr(publishing, "damage", lambda folder, entry: None)
    return root


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a release of all tables; nobody may change it."""
    root = tmp_path_factory.mktemp("publishing") / "home"
    folder, listed = homes.release_folder(), homes.released()[0] / "releases" / "releases.json"
    shutil.copytree(folder, root / "releases" / folder.name, copy_function=os.link)
    shutil.copy(listed, root / "releases")
    return Home(root)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server on loopback.

    moto looks at a condition and stores in two steps, where a store has one; a lock makes one of them.
    """
    from moto.s3.responses import S3Response
    from moto.server import ThreadedMotoServer

    one, put = threading.Lock(), S3Response.put_object

    def put_object(self: S3Response) -> Any:
        with one:
            return put(self)

    S3Response.put_object = put_object  # type: ignore[method-assign]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    S3Response.put_object = put  # type: ignore[method-assign]


@pytest.fixture
def address(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A prefix in a new bucket; the environment holds keys and endpoint."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{abs(hash(request.node.nodeid))}"
    assert requests.put(f"{endpoint}/{bucket}", timeout=5).ok
    return f"s3://{bucket}/custody/releases"


@pytest.fixture(params=["folder", "bucket"])
def to(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store, empty."""
    return store(str(tmp_path / "published") if request.param == "folder" else request.getfixturevalue("address"))


def released(home: Home, version: str) -> tuple[Path, Release, list[Release]]:
    known = listing.releases(home)
    (entry,) = (r for r in known if r.version == version)
    return home.releases / version, entry, known


def content(to: Store) -> dict[str, Any]:
    data = to.read("releases.json")
    return {} if data is None else dict(json.loads(data))


def write(to: Store, data: bytes) -> None:
    """Put a list there, whatever it held."""
    assert to.exchange("releases.json", to.read("releases.json"), data)


def versions(to: Store) -> list[str]:
    return [entry["version"] for entry in content(to).get("releases", [])]


def own(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in folder.rglob("*") if p.is_file()}


def there(to: Store, version: str) -> dict[str, str]:
    return {name: to.digest(f"{version}/{name}") for name in to.files(version)}


def recorded(to: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is put and written to a store from now on, in order."""
    told: list[str] = []
    put, exchange = to.put, to.exchange
    monkeypatch.setattr(to, "put", lambda path, name: (told.append(name), put(path, name))[1])
    monkeypatch.setattr(to, "exchange", lambda name, *more: (told.append(name), exchange(name, *more))[1])
    return told


class Stopped(BaseException):
    """As Ctrl-C."""


def stop_after(files: int) -> Callable[[str], None]:
    def progress(line: str) -> None:
        if line.startswith(f"{files} of "):
            raise Stopped

    return progress


def test_all_files_arrive_and_the_list_is_last(home: Home, to: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told, lines = recorded(to, monkeypatch), list[str]()
    folder, entry, known = released(home, "2026.10.0")
    done = publish(folder, entry, known, to, lines.append)
    assert there(to, "2026.10.0") == own(folder)
    assert told[-2:] == ["2026.10.0/SHA256SUMS", "releases.json"]
    assert (done.copied, done.there, done.listed) == (len(own(folder)), 0, True)
    assert len(told) == len(set(told)) == done.copied + 1 and len(lines) == done.copied + 1
    assert content(to)["aliases"] == {"latest": "2026.10.0", "stable": "2026.10.0"}
    told.clear()
    again = publish(folder, entry, known, to)
    assert (told, again.copied, again.there, again.listed) == ([], 0, done.copied, False)


def test_what_broke_off_is_taken_up_again(home: Home, to: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, entry, known = released(home, "2026.10.0")
    with pytest.raises(Stopped):
        publish(folder, entry, known, to, stop_after(3))
    assert len(to.files("2026.10.0")) == 3 and content(to) == {}
    told = recorded(to, monkeypatch)
    done = publish(folder, entry, known, to)
    assert (done.there, done.copied) == (3, len(own(folder)) - 3)
    assert len(told) == done.copied + 1
    assert there(to, "2026.10.0") == own(folder) and versions(to) == ["2026.10.0"]


def test_half_a_file_of_what_was_never_whole_is_sent_anew(home: Home, to: Store, tmp_path: Path) -> None:
    folder, entry, known = released(home, "2026.10.0")
    with pytest.raises(Stopped):
        publish(folder, entry, known, to, stop_after(2))
    name = sorted(to.files("2026.10.0"))[0]
    half = tmp_path / "half"
    half.write_bytes((folder / name).read_bytes()[:100])
    to.put(half, f"2026.10.0/{name}")
    publish(folder, entry, known, to)
    assert there(to, "2026.10.0") == own(folder)


def test_sending_that_is_interrupted_leaves_no_half_object(home: Home, address: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    to = Bucket(*address.removeprefix("s3://").split("/", 1))
    monkeypatch.setattr(stores, "PIECE", 1000)

    class Breaking:
        def __init__(self) -> None:
            self.reads = 0

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads > 3:
                raise Stopped
            return b"x" * size

    with pytest.raises(Stopped):
        to._send(Breaking(), "2026.10.0/a.csv", {})  # type: ignore[arg-type]
    assert to.files("2026.10.0") == set()


def test_a_process_that_is_killed_leaves_what_another_takes_up(real: Home, tmp_path: Path) -> None:
    """SIGKILL in the middle of writing a file into a folder; what the second process leaves proves true by itself."""
    code = """
import os, signal
from exports import publish as publishing, stores
publishing.verify = lambda folder, sums: []  # the second process asks
count = 0
def copy(source, stream, length):
    global count
    count += 1
    stream.write(source.read(100) if count == 15 else source.read())
    stream.flush()
    if count == 15:
        os.kill(os.getpid(), signal.SIGKILL)
stores.shutil.copyfileobj = copy
from custody.cli import main
main()
"""
    to, (entry,) = tmp_path / "published", listing.releases(real)
    killed = homes.custody(real.root, "publish", "stable", "--to", str(to), code=code)
    assert killed.returncode == -9
    assert not (to / "releases.json").exists()
    assert len(list(to.rglob(".writing-*"))) == 1
    said = homes.custody(real.root, "publish", "stable", "--to", str(to), "--json")
    assert said.returncode == 0, said.stderr
    done, copied = json.loads(said.stdout), to / entry.version
    assert (done["there"], done["copied"]) == (14, len(own(real.releases / entry.version)) - 14)
    assert own(copied) == own(real.releases / entry.version)
    run = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=copied, capture_output=True)
    assert (run.returncode, run.stdout) == (0, b"")
    assert {path.stat().st_mode & 0o777 for path in copied.rglob("*") if path.is_file()} == {0o444}


def test_what_was_published_is_never_overwritten(home: Home, to: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    folder, entry, known = released(home, "2026.10.0")
    publish(folder, entry, known, to)
    altered = tmp_path / "altered"
    data = bytearray((folder / "tables/figure.parquet").read_bytes())
    data[-2] ^= 1  # as long as before
    altered.write_bytes(data)
    to.put(altered, "2026.10.0/tables/figure.parquet")
    told = recorded(to, monkeypatch)
    with pytest.raises(Refused, match=r"2026\.10\.0/tables/figure\.parquet is published and differs"):
        publish(folder, entry, known, to)
    assert told == [] and to.digest("2026.10.0/tables/figure.parquet") == sha256_file(altered)


def test_a_file_that_was_lost_there_is_brought_again(home: Home, tmp_path: Path) -> None:
    folder, entry, known = released(home, "2026.10.0")
    to = Directory(tmp_path / "published")
    publish(folder, entry, known, to)
    (to.path / "2026.10.0" / "tables" / "place.parquet").unlink()
    assert publish(folder, entry, known, to).copied == 1
    assert there(to, "2026.10.0") == own(folder)


def test_a_file_that_is_not_of_the_release_is_said(home: Home, to: Store, tmp_path: Path) -> None:
    folder, entry, known = released(home, "2026.10.0")
    added = tmp_path / "added"
    added.write_bytes(b"x")
    to.put(added, "2026.10.0/tables/added.csv")
    with pytest.raises(Refused, match=r"tables/added\.csv is no file of release 2026\.10\.0; nothing was copied"):
        publish(folder, entry, known, to)
    assert to.files("2026.10.0") == {"tables/added.csv"}


def test_two_releases_stand_on_the_list_whichever_comes_first(home: Home, to: Store) -> None:
    publish(*released(home, "2026.11.0"), to)
    assert versions(to) == ["2026.11.0"]
    publish(*released(home, "2026.10.0"), to)
    assert versions(to) == ["2026.10.0", "2026.11.0"]
    assert content(to)["aliases"] == {"latest": "2026.11.0", "stable": "2026.11.0"}
    assert content(to)["releases"] == json.loads((home.releases / "releases.json").read_text())["releases"]


def test_what_others_published_and_retracted_there_stays(home: Home, tmp_path: Path) -> None:
    folder, entry, known = released(home, "2026.10.0")
    to = Directory(tmp_path)
    publish(folder, entry, known, to)
    list_ = content(to)
    older = {**list_["releases"][0], "version": "2026.09.0", "sums": "1" * 64, "remark": "theirs"}
    gone = {"date": "2026-12-01", "reason": "wrong", "replaced_by": None}
    list_["releases"] = [older, {**list_["releases"][0], "retracted": gone}]
    write(to, json.dumps({**list_, "title": "Custody"}).encode())
    publish(*released(home, "2026.11.0"), to)
    publish(folder, entry, known, to)
    merged = content(to)
    assert merged["title"] == "Custody" and merged["releases"][0] == older
    assert [e["version"] for e in merged["releases"]] == ["2026.09.0", "2026.10.0", "2026.11.0"]
    assert merged["releases"][1]["retracted"] == gone


def test_a_retraction_is_carried_to_all_releases_there(home: Home, tmp_path: Path) -> None:
    to = Directory(tmp_path)
    publish(*released(home, "2026.10.0"), to)
    folder, entry, known = released(home, "2026.11.0")
    marked = [replace(r, retracted=Retraction("2027-01-05", "wrong", "2026.11.0")) if r is not entry else r for r in known]  # fmt: skip
    publish(folder, entry, marked, to)
    assert content(to)["releases"][0]["retracted"] == {"date": "2027-01-05", "reason": "wrong", "replaced_by": "2026.11.0"}  # fmt: skip
    assert not publish(folder, entry, marked, to).listed
    with pytest.warns(custody.RetractedRelease, match="Use 2026.11.0"):
        custody.load("place", "2026.10.0", to.path)


def test_another_release_of_that_version_is_refused(home: Home, to: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, entry, known = released(home, "2026.10.0")
    write(to, json.dumps({"releases": [{**json.loads((home.releases / "releases.json").read_text())["releases"][0], "sums": "1" * 64}]}).encode())  # fmt: skip
    told = recorded(to, monkeypatch)
    with pytest.raises(Refused, match="has another release 2026.10.0; a version is published once"):
        publish(folder, entry, known, to)
    assert told == []


@pytest.mark.parametrize("list_", [b"<html>", b"[]", b'{"releases": [{"version": "1"}]}', b'{"releases": null}'])
def test_a_list_that_is_none_is_not_written_over(home: Home, tmp_path: Path, list_: bytes) -> None:
    to = Directory(tmp_path)
    write(to, list_)
    with pytest.raises(Refused, match="releases.json is damaged or no list of releases; mend it first"):
        publish(*released(home, "2026.10.0"), to)
    assert to.read("releases.json") == list_ and to.files("2026.10.0") == set()


def test_only_what_proves_true_is_published(real: Home, tmp_path: Path) -> None:
    (entry,) = listing.releases(real)
    copy = tmp_path / entry.version
    shutil.copytree(real.releases / entry.version, copy)
    (copy / "LICENCES.md").chmod(0o644)
    (copy / "LICENCES.md").write_bytes(b"all yours")
    to = Directory(tmp_path / "published")
    with pytest.raises(Refused, match="is not what was released .files: altered or missing: LICENCES.md"):
        publish(copy, entry, [entry], to)
    assert not to.path.exists()


def test_what_arrives_otherwise_than_it_was_sent_is_not_listed(home: Home, to: Store, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    put = to.put

    def broken(path: Path, name: str) -> None:
        put(path if name != "2026.10.0/tables/place.parquet" else Path(__file__), name)

    monkeypatch.setattr(to, "put", broken)
    with pytest.raises(Refused, match=r"2026\.10\.0/tables/place\.parquet reads back otherwise than it was sent"):
        publish(*released(home, "2026.10.0"), to)
    assert content(to) == {}


# Addresses, keys, and what the command says


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("s3://AKIAEXAMPLE:not-to-be-told@bucket/prefix", "holds more than bucket and prefix"),
        ("s3://bucket/prefix?secret_key=not-to-be-told", "holds more than bucket and prefix"),
        ("s3:///prefix", "is no place to publish to"),
        ("https://data.example.org/", "is no place to publish to"),
    ],
)
def test_what_is_no_store(to: str, told: str) -> None:
    with pytest.raises(Misused, match=told) as refused:
        store(to)
    assert "not-to-be-told" not in str(refused.value)


def test_what_a_store_refuses_is_said_without_keys(home: Home, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="NO_SUCH_BUCKET") as refused:
        publish(*released(home, "2026.10.0"), store("s3://no-such-bucket/x"))
    assert "\n" not in str(refused.value)
    with pytest.raises(Refused) as refused, stores.plainly(store(address)):
        raise OSError("AKIAEXAMPLE may not, with not-to-be-told")
    assert not set(KEYS.values()) & set(str(refused.value).split()) and "[AWS_SECRET_ACCESS_KEY]" in str(refused.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://AKIAEXAMPLE:not-to-be-told@127.0.0.1")
    with pytest.raises(Misused, match="AWS_ENDPOINT_URL is no address") as misused:
        store(address)
    assert "not-to-be-told" not in str(misused.value)


def test_a_store_that_is_down_is_said(home: Home, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Refused, match="the same command goes on"):
        publish(*released(home, "2026.10.0"), store(address))


def test_the_command_publishes_to_a_store_from_which_readers_read(home: Home, address: str, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    stub = "from exports import publish as p; p.damage = lambda *_: None; "
    said = homes.custody(home.root, "publish", "stable", "--to", address, code=stub + homes.MAIN)
    assert said.returncode == 0, said.stderr
    assert said.stdout == (
        f"Release 2026.11.0 is at {address}: 6 files copied and read back, 0 were there already; "
        "the list there was written last.\n"
    )
    assert "6 of 6: SHA256SUMS" in said.stderr
    assert not any(key in said.stdout + said.stderr for key in KEYS.values())
    url, (bucket, _, _) = address.replace("s3://", f"{endpoint}/"), address.removeprefix("s3://").split("/")
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    assert requests.put(f"{endpoint}/{bucket}?policy", json={"Statement": [everybody]}, timeout=5).ok
    told = requests.get(f"{url}/2026.11.0/tables/place.parquet", timeout=5).headers
    assert told["Content-Type"] == "application/vnd.apache.parquet" and "immutable" in told["Cache-Control"]
    assert requests.get(f"{url}/releases.json", timeout=5).headers["Cache-Control"] == "no-cache"
    monkeypatch.setenv("CUSTODY_CACHE", str(tmp_path / "cache"))
    for where in (url, f"{url}/2026.11.0", home.root):
        assert custody.load("place", path_or_url=where, place="Namibia")["place_id"].tolist() == ["NAM"]


def test_the_command_says_what_is_wrong(home: Home, tmp_path: Path) -> None:
    for words, status, told in [
        (("2020.01.0", "--to", "x"), 2, "There is no release '2020.01.0'; there are: 2026.10.0, 2026.11.0"),
        (("stable", "--to", "ftp://x/y"), 2, "is no place to publish to"),
        (("stable", "--to", "x"), 1, "Release 2026.11.0 is not what was released"),
    ]:
        said = homes.custody(home.root, "publish", *words, cwd=tmp_path)
        assert (said.returncode, said.stdout) == (status, "")
        assert told in said.stderr and "Traceback" not in said.stderr


def test_a_folder_that_cannot_be_written_is_said(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Refused, match="file/x: Not a directory. What was published is as it was"):
        publish(*released(home, "2026.11.0"), Directory(tmp_path / "file" / "x"))


# Several publishers at once


def other(to: Store, version: str) -> None:
    """What another publisher does: its release on the list, whatever stands there."""
    list_ = content(to) or {"releases": []}
    entry = {
        "version": version, "date": "2026-01-01", "schema_version": "1.0.0", "as_of": "2025-12-31", "digest": "0" * 64,
        "sums": version[-1] * 64,
    }  # fmt: skip
    write(to, json.dumps({**list_, "releases": [*list_["releases"], entry]}).encode())


def test_what_another_publisher_lists_between_reading_and_writing_is_kept(home: Home, to: Store, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    exchange, others = to.exchange, ["2026.01.1", "2026.01.2", "2026.01.3"]

    def overtaken(name: str, before: bytes | None, after: bytes) -> bool:
        if others:
            monkeypatch.setattr(to, "exchange", exchange)
            other(to, others.pop(0))
            monkeypatch.setattr(to, "exchange", overtaken)
        return exchange(name, before, after)

    monkeypatch.setattr(to, "exchange", overtaken)
    done = publish(*released(home, "2026.10.0"), to)
    assert done.listed
    assert versions(to) == ["2026.01.1", "2026.01.2", "2026.01.3", "2026.10.0"]


def test_whoever_is_overtaken_for_ever_ends_and_says_so(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    to = Directory(tmp_path / "published")
    monkeypatch.setattr(to, "exchange", lambda *_: False)
    with pytest.raises(Refused, match="never stays as it is written, in 20 tries"):
        publish(*released(home, "2026.10.0"), to)


def test_a_store_that_knows_no_conditions_is_written_all_the_same(home: Home, address: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    to = store(address)
    for nothing in (lambda *_: None, None):
        if nothing:
            monkeypatch.setattr(signed, "replace", nothing)
        else:
            monkeypatch.setattr(signed.Keys, "from_environment", classmethod(lambda cls: None))
        publish(*released(home, "2026.10.0" if nothing else "2026.11.0"), to)
    assert versions(to) == ["2026.10.0", "2026.11.0"]


ENTER = """
import sys
from pathlib import Path
from exports import publish
from exports.listing import Release
from exports.stores import store
publish.TRIES = 200
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 6):
    entry = Release(f"2026.01.{number}", "2026-01-01", "1.0.0", "2025-12-31", "0" * 64, f"{number:064d}")
    assert publish._enter([entry], entry, store(sys.argv[1]))
"""


def test_processes_that_publish_at_once_lose_no_entry(to: Store, tmp_path: Path) -> None:
    where = str(to)
    keys = {name: value for name, value in os.environ.items() if name.startswith("AWS_")} | {"NO_PROXY": "127.0.0.1"}
    run = [
        subprocess.Popen([sys.executable, "-c", ENTER, where, str(first)], env=homes.environment(None, keys))
        for first in (0, 6)
    ]
    assert [process.wait(timeout=120) for process in run] == [0, 0]
    assert versions(to) == [f"2026.01.{number}" for number in range(12)]


def test_requests_are_signed_as_amazon_describes_it() -> None:
    """The example "GET Object" of "Signature Calculations for the Authorization Header" in Amazon's S3 API reference."""
    keys = signed.Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    when = datetime(2013, 5, 24, tzinfo=UTC)
    url = "https://examplebucket.s3.amazonaws.com/test.txt"
    made = signed.sign("GET", url, b"", keys, "us-east-1", {"Range": "bytes=0-9"}, when)
    assert made["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_a_request_is_signed_as_another_program_signs_it() -> None:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = signed.address("http://127.0.0.1:9000", "bucket/a folder/réleases.json")
    keys = signed.Keys("AKIAEXAMPLE", "not-to-be-told", "a token")
    own = signed.sign("PUT", url, b"body", keys, "eu-west-1", {"If-Match": '"tag"'}, datetime.now(UTC))
    theirs = AWSRequest("PUT", url, {"If-Match": '"tag"'}, b"body")
    theirs.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials(keys.id, keys.secret, keys.token), "s3", "eu-west-1").add_auth(theirs)
    assert theirs.headers["X-Amz-Date"] == own["x-amz-date"]
    assert (
        theirs.headers["Authorization"].rpartition("Signature=")[2] == own["authorization"].rpartition("Signature=")[2]
    )


# Not into itself


def test_a_release_is_not_published_into_the_home_that_has_it(home: Home, tmp_path: Path) -> None:
    before = sorted(home.root.rglob("*"))
    (tmp_path / "link").symlink_to(home.releases)
    own = home.releases / "2026.10.0"
    for where in (home.root, home.releases, home.releases / "x", own, own / "tables", tmp_path / "link" / "y"):
        with pytest.raises(Misused, match="is where this home keeps its own releases; publish to a folder elsewhere"):
            publishing.refuse_own(home, own, store(str(where)))
    publishing.refuse_own(home, own, store(str(tmp_path / "elsewhere")))
    publishing.refuse_own(home, own, store(str(home.root / "published")))
    said = homes.custody(home.root, "publish", "2026.10.0", "--to", str(own))
    assert (said.returncode, said.stdout) == (2, "") and "keeps its own releases" in said.stderr
    assert sorted(home.root.rglob("*")) == before
