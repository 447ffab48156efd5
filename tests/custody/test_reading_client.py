"""Reading releases from folders and over http: what is given is what was released, and everything else is said."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

import custody
from exports import download
from exports.download import Unreachable
from sources.errors import Misused
from sources.http import Limits
from tests.custody import homes, published
from tests.sources.server import Request, Server, cut, running, status, whole

QUICK = Limits(connect=2, read=0.5, total=20, tries=3, first_wait=0, patience=5, max_bytes=1_000_000)
TABLE = "/data/2026.12.0/tables/country_year.parquet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return published.two(tmp_path / "releases")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "LIMITS", QUICK)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with running() as server:
        yield server


@pytest.fixture
def url(server: Server, folder: Path) -> str:
    """Where the folder is served."""
    return published.serve(server, folder)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CUSTODY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUSTODY_HOME", str(tmp_path / "no-home"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    """A warning that no test expects is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def france(where: Any, release: str = "stable") -> float:
    """Persons held in France in 2020: 62,543 in the first release, 62,673 in the second."""
    rows = custody.load("country_year", release, where, place="France", filters=[("year", "=", 2020)])
    return float(rows["persons_held"].item())


def files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file() and "sha256" in path.parts)


def asked(server: Server) -> list[str]:
    return [path.rpartition("/")[2] for path, _ in server.asked]


# Where releases are


@pytest.mark.parametrize("release", ["stable", "latest", "2026.12.0"])
def test_a_folder_of_releases_and_its_address_are_read_alike(folder: Path, url: str, release: str) -> None:
    assert france(folder, release) == france(url, release) == france(f"{url}/", release) == 62673
    assert france(folder / "releases.json", release) == france(f"{url}/releases.json", release) == 62673
    assert france(folder, "2026.11.0") == france(url, "2026.11.0") == 62543


def test_a_home_is_read_by_its_folder_or_by_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert france(folder.parent) == 62673
    monkeypatch.setenv("CUSTODY_HOME", str(folder.parent))
    assert france(None) == 62673
    assert custody.load("place", home=folder.parent)["place_id"].tolist() == ["FRA", "NAM", "CIV"]
    with pytest.raises(Misused, match="Both path_or_url and home are given"):
        custody.load("place", path_or_url=folder, home=folder.parent)


def test_one_release_is_read_by_itself(folder: Path, url: str) -> None:
    assert france(folder / "2026.11.0") == france(f"{url}/2026.11.0") == 62543
    assert france(None, str(folder / "2026.11.0")) == 62543
    with pytest.raises(Misused, match=r"2026\.11\.0 is release 2026\.11\.0, not 2026\.12\.0"):
        france(f"{url}/2026.11.0", "2026.12.0")


def test_one_release_without_a_list_is_read(folder: Path, server: Server) -> None:
    (folder / "releases.json").unlink()
    url = published.serve(server, folder)
    assert france(folder / "2026.11.0") == france(f"{url}/2026.11.0") == 62543
    with pytest.raises(Misused, match="is one release, and no list beside it says when it was made"):
        custody.releases(f"{url}/2026.11.0")


def test_releases_are_listed(folder: Path, url: str) -> None:
    for where in (folder, url):
        assert [(r.version, r.date) for r in custody.releases(where)] == [
            ("2026.11.0", "2026-11-23"),
            ("2026.12.0", "2026-12-20"),
        ]
    assert [r.version for r in custody.releases(f"{url}/2026.11.0")] == ["2026.11.0"]


def test_what_is_not_there_is_said_with_what_is(url: str, tmp_path: Path) -> None:
    with pytest.raises(custody.Refused, match="There is no release '2020.01.0'; there are: 2026.11.0, 2026.12.0"):
        france(url, "2020.01.0")
    with pytest.raises(custody.Refused, match="Release 2026.12.0 has no table 'contry'; it has country_year, place"):
        custody.load("contry", path_or_url=url)
    for nowhere in (f"{url}/elsewhere", str(tmp_path / "elsewhere")):
        with pytest.raises(custody.Refused, match="There is no release in .*elsewhere: neither releases.json"):
            custody.load("place", path_or_url=nowhere)


# What is read


def test_types_and_missing_values_over_http(url: str) -> None:
    frame = custody.load("country_year", path_or_url=url)
    assert {c: str(t) for c, t in frame.dtypes.items()} == {
        "place_id": "str", "year": "Int64", "persons_held": "float64", "derived": "boolean",
    }  # fmt: skip
    assert frame["persons_held"].isna().tolist() == [False, False, True]
    assert frame["derived"].isna().tolist() == [False, True, False]


def test_only_what_is_wanted_is_given(folder: Path) -> None:
    def load(**more: Any) -> Any:
        return custody.load("country_year", path_or_url=folder, **more)

    assert list(load(columns=["year", "place_id"]).columns) == ["year", "place_id"]
    assert load(columns=["year"], place=["France", "NAM"]).to_numpy().tolist() == [[2019], [2020], [2020]]
    assert load(place="Namibia")["year"].tolist() == [2020]
    assert len(load(place="Belgium")) == 0
    assert load(filters=pc.field("year") < 2020, place="FRA")["persons_held"].tolist() == [70739]
    for wrong, told in [
        ({"columns": ["yaer"]}, "Table country_year has no column 'yaer'; it has place_id, year,"),
        ({"columns": "year"}, "columns is one text, 'year'"),
        ({"columns": []}, "columns is empty"),
        ({"place": []}, "place is empty"),
        ({"place": "Atlantis"}, "No place is known as 'Atlantis'"),
        ({"filters": [("yaer", "=", 2020)]}, "The filters cannot be asked of table country_year"),
        ({"filters": [("year", "=", "2020-x")]}, "The filters cannot be asked of table country_year"),
    ]:
        with pytest.raises(Misused, match=told):
            load(**wrong)


def test_a_table_without_places_cannot_be_asked_by_place(tmp_path: Path) -> None:
    published.write(tmp_path, "2026.11.0", "2026-11-23", {"source": {"source_id": ["s"]}})
    with pytest.raises(Misused, match="Table source has no column 'place_id'; it has source_id"):
        custody.load("source", path_or_url=tmp_path, place="France")


# Retracted


def test_a_retracted_release_warns_and_names_its_replacement(folder: Path, server: Server) -> None:
    published.retract(folder, "2026.11.0", "Chad was read as Niger", "2026.12.0")
    url = published.serve(server, folder)
    for where, release in ((folder, "2026.11.0"), (url, "2026.11.0"), (folder / "2026.11.0", "stable"), (f"{url}/2026.11.0", "stable")):  # fmt: skip
        with pytest.warns(
            custody.RetractedRelease,
            match="2026.11.0 was retracted on 2027-01-05: Chad was read as Niger. Use 2026.12.0",
        ) as told:
            assert france(where, release) == 62543
        assert told[0].filename == __file__
    assert france(url) == 62673


def test_stable_is_the_newest_that_stands(folder: Path, server: Server) -> None:
    published.retract(folder, "2026.12.0", "wrong")
    url = published.serve(server, folder)
    assert france(folder) == france(url) == 62543
    with pytest.warns(
        custody.RetractedRelease, match="No release was named to take its place; the newest that stands is 2026.11.0"
    ):
        assert france(url, "latest") == 62673
    published.retract(folder, "2026.11.0", "wrong too")
    with pytest.raises(custody.Refused, match="Every release is retracted"):
        france(folder)


# Bytes that are others than those released


@pytest.mark.parametrize("name", ["SHA256SUMS", "tables/country_year.parquet"])
def test_altered_bytes_are_refused_and_not_kept(folder: Path, server: Server, url: str, cache: Path, name: str) -> None:
    altered = bytearray((folder / "2026.12.0" / name).read_bytes())
    altered[len(altered) // 2] ^= 1
    server.answers[f"/data/2026.12.0/{name}"] = [whole(bytes(altered))]
    before = files(cache)
    with pytest.raises(custody.Refused, match=f"{name} is not the file that was released"):
        france(url)
    assert published.sha256(bytes(altered)) not in {path.name for path in files(cache)}
    assert len(files(cache)) - len(before) == name.count("/")  # the list of checksums alone
    (folder / "2026.12.0" / name).write_bytes(altered)
    with pytest.raises(custody.Refused, match=f"{name} is not the file that was released"):
        france(folder)


def test_a_release_by_itself_must_be_the_one_of_the_list_beside_it(folder: Path, server: Server) -> None:
    """Whoever alters a table and its checksum is found out by the list."""
    path = folder / "2026.11.0" / "SHA256SUMS"
    path.write_text(path.read_text(encoding="utf-8").replace("a", "b"), encoding="utf-8")
    url = published.serve(server, folder)
    for where in (folder / "2026.11.0", f"{url}/2026.11.0"):
        with pytest.raises(custody.Refused, match="is not the one that releases.json beside it states"):
            france(where)


@pytest.mark.parametrize(
    "content",
    [
        "<html>", "[]", '{"releases": [{}]}', '{"releases": [{"version": "2026.11.0"}]}',
        '{"releases": [{"version": "../../2026.11.0", "date": "d", "schema_version": "1", "as_of": "d", "digest": "", "sums": "%s"}]}' % ("0" * 64),
        '{"releases": [{"version": "2026.11.0", "date": "d", "schema_version": "1", "as_of": "d", "digest": "", "sums": "../../x"}]}',
    ],
)  # fmt: skip
def test_a_list_that_is_none_is_refused(folder: Path, server: Server, url: str, content: str) -> None:
    server.answers["/data/releases.json"] = [whole(content.encode())]
    (folder / "releases.json").write_text(content, encoding="utf-8")
    for where in (folder, url):
        with pytest.raises(custody.Refused, match="releases.json is damaged or no list of releases"):
            france(where)


def test_checksums_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text("not a checksum\n", encoding="utf-8")
    with pytest.raises(custody.Refused, match="SHA256SUMS has a line that is none: 'not a checksum'"):
        custody.load("place", path_or_url=tmp_path)


# Servers and lines that fail


def test_what_breaks_off_is_asked_again(folder: Path, server: Server, url: str) -> None:
    data = (folder / "2026.12.0/tables/country_year.parquet").read_bytes()
    server.answers[TABLE] = [cut(data, 100), status(500), whole(data)]
    assert france(url) == 62673


def test_what_is_never_whole_is_refused(folder: Path, server: Server, url: str, cache: Path) -> None:
    data = (folder / "2026.12.0/tables/country_year.parquet").read_bytes()
    server.answers[TABLE] = [cut(data, 100)]
    with pytest.raises(Unreachable, match="the connection broke in the middle of the file; asked 3 times"):
        france(url)
    assert len(files(cache)) == 1
    assert not list(cache.rglob(".writing-*"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (status(404), "the server has no such file"),
        (status(410), "the server has no such file"),
        (status(403), "or does not give it .it answers 403"),
        (status(401), "the server answers 401"),
        (status(500), "the server answers 500; asked 3 times"),
        (status(503, Retry_After="3600"), "asks to wait 3,600 seconds"),
        (whole(b"x" * 100, Content_Encoding="gzip"), "packs the file as 'gzip'"),
        (whole(b"<html>maintenance</html>"), "is not the file that was released"),
        (lambda request: request.reset(), "the connection failed"),
    ],
)
def test_other_answers_are_said(server: Server, url: str, answer: Any, told: str) -> None:
    server.answers[TABLE] = [answer]
    with pytest.raises(custody.Refused, match=told):
        france(url)


def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch, server: Server, url: str) -> None:
    import time

    monkeypatch.setattr(download, "LIMITS", replace(QUICK, read=0.1, tries=2))
    server.answers[TABLE] = [lambda request: time.sleep(0.5)]
    with pytest.raises(Unreachable, match="does not answer in time; asked 2 times"):
        france(url)


def endless(request: Request) -> None:
    """A body that says nothing of its length and does not end by itself."""
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    with suppress(OSError):  # the client turns away
        for _ in range(1000):
            request.wfile.write(b"x" * 100_000)


@pytest.mark.parametrize("answer", [whole(b"x" * 2_000_000), endless])
def test_a_huge_body_is_not_taken(server: Server, url: str, cache: Path, answer: Any) -> None:
    server.answers[TABLE] = [answer]
    with pytest.raises(custody.Refused, match="more than 1,000,000 bytes come"):
        france(url)
    assert len(files(cache)) == 1
    assert not list(cache.rglob(".writing-*"))


def test_a_redirect_on_the_same_server_is_followed(folder: Path, server: Server, url: str) -> None:
    server.answers["/moved"] = server.answers[TABLE]
    server.answers[TABLE] = [status(302, Location="/moved")]
    assert france(url) == 62673


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_redirect_to_another_server_without_https_is_not(server: Server, url: str, host: str) -> None:
    with running() as other:
        server.answers[TABLE] = [status(302, Location=f"http://{host}:{other.server_address[1]}/x")]
        with pytest.raises(custody.Refused, match="leads on to another server without https"):
            france(url)
        assert other.asked == []


def test_a_circle_of_redirects_ends(server: Server, url: str) -> None:
    server.answers[TABLE] = [status(302, Location=TABLE)]
    with pytest.raises(custody.Refused, match="leads on more than 5 times"):
        france(url)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://data.example.org/custody", "is plain http, where nobody proves who answers"),
        ("https://reader:hunter2@data.example.org/", "holds a user name or a password"),
        ("https://data.example.org/?list=1", "is no address of a folder"),
        ("ftp://data.example.org/", "is no address that can be read"),
        ("https://data.example.org:x/", "The address cannot be read"),
        ("https://[data/", "The address cannot be read"),
    ],
)
def test_addresses_that_are_not_asked(address: str, told: str) -> None:
    with pytest.raises(custody.Refused, match=told) as refused:
        custody.load("place", path_or_url=address)
    assert "hunter2" not in str(refused.value)


def test_plain_http_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTODY_ALLOW_HTTP", "1")
    assert download.base("http://data.example.org/custody/") == "http://data.example.org/custody"


# The cache


def test_what_was_read_once_is_not_fetched_again(server: Server, url: str) -> None:
    france(url)
    france(url)
    assert asked(server) == ["releases.json", "SHA256SUMS", "country_year.parquet", "releases.json"]


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, url: str, cache: Path) -> None:
    france(url)
    kept = files(cache)
    assert len(kept) == 2
    for path in kept:
        path.write_bytes(path.read_bytes()[:-1])
    server.asked.clear()
    assert france(url) == 62673
    assert asked(server) == ["releases.json", "SHA256SUMS", "country_year.parquet"]
    assert {path.name for path in files(cache)} == {published.sha256(path.read_bytes()) for path in files(cache)}


def test_a_cache_that_cannot_be_written_is_said(url: str, cache: Path) -> None:
    cache.write_bytes(b"")  # a file where the folder should be
    with pytest.raises(custody.Refused, match="CUSTODY_CACHE names another"):
        france(url)


def test_the_cache_is_where_the_platform_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from exports.cache import folder

    monkeypatch.delenv("CUSTODY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: Path("/home-of"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    for platform, expected in [
        ("linux", tmp_path / "custody"),
        ("darwin", Path("/home-of/Library/Caches/custody")),
        ("win32", tmp_path / "Local" / "custody" / "Cache"),
    ]:
        monkeypatch.setattr(sys, "platform", platform)
        assert folder() == expected
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folder() == Path("/home-of/.cache/custody")


@pytest.mark.parametrize("below", ["", "/2026.12.0"])
def test_without_a_line_a_full_cache_is_enough(server: Server, url: str, below: str) -> None:
    assert france(url + below) == 62673
    server.shutdown()
    server.server_close()
    download._session().close()  # a connection that is kept would still be answered
    with pytest.warns(custody.NotReached, match="What the server said when it was last asked is used") as told:
        assert france(url + below) == 62673
    assert len(told) == 1
    with pytest.warns(custody.NotReached), pytest.raises(Unreachable, match="place.parquet: the connection failed"):
        custody.load("place", path_or_url=url + below)
    with pytest.raises(Unreachable, match="elsewhere/releases.json: the connection failed"):
        france(f"{url}/elsewhere")


# Memory, time, types

MEASURED = """
import os, sys
import custody

def most():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

custody.load("small", path_or_url=sys.argv[1])
before = most()
rows = custody.load("big", path_or_url=sys.argv[1], columns=["year"], filters=[("year", "<", 3)])
print(os.stat(sys.argv[2]).st_size, most() - before, len(rows))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most memory of a process is read from /proc")
def test_memory_is_taken_for_what_is_wanted(tmp_path: Path, server: Server) -> None:
    """A file of 80 MB, fetched and read by one column: what memory that takes is less than half of it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, columns = 500_000, 20
    noise = np.random.default_rng(1).random(rows)
    table = {f"c{n}": pa.array(np.roll(noise, n)) for n in range(columns)}
    folder = tmp_path / "releases"
    published.write(folder, "2026.11.0", "2026-11-23", {"small": {"x": [1]}, "big": {"x": [1]}})
    big = folder / "2026.11.0" / "tables" / "big.parquet"
    years = pa.array(np.arange(rows) // 1000)
    pq.write_table(pa.table({"year": years, **table}), big, compression="none", use_dictionary=False, row_group_size=25_000)  # fmt: skip
    sums = folder / "2026.11.0" / "SHA256SUMS"
    small = published.sha256((folder / "2026.11.0/tables/small.parquet").read_bytes())
    sums.write_text(f"{published.sha256(big.read_bytes())}  tables/big.parquet\n{small}  tables/small.parquet\n", encoding="utf-8")  # fmt: skip
    content = json.loads((folder / "releases.json").read_text(encoding="utf-8"))
    content["releases"][0]["sums"] = published.sha256(sums.read_bytes())
    (folder / "releases.json").write_text(json.dumps(content), encoding="utf-8")
    url = published.serve(server, folder)
    more = {"CUSTODY_CACHE": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1"}
    said = subprocess.run(
        [sys.executable, "-c", MEASURED, url, str(big)],
        env=homes.environment(None, more), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    size, taken, length = map(int, said.stdout.split())
    assert size > 80_000_000 and length == 3000
    assert taken < size / 2


def test_importing_custody_waits_for_nothing() -> None:
    code = (
        "import sys, custody; custody.releases; custody.RetractedRelease; custody.Refused;"
        "print(*{'pandas', 'pyarrow', 'requests', 'duckdb', 'pydantic', 'dagster'} & set(sys.modules))"
    )
    assert homes.custody(None, code=code, fresh=True).stdout.split() == []


def test_every_name_is_there() -> None:
    for name in custody.__all__:
        assert getattr(custody, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = custody.laod  # type: ignore[attr-defined]


def test_the_rooms_say_that_they_are_typed() -> None:
    project = tomllib.loads((homes.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert "*.typed" in project["tool"]["setuptools"]["package-data"]["*"]
    rooms = {name for name in project["tool"]["setuptools"]["packages"]["find"]["include"] if "." not in name}
    assert {path.parent.name for path in homes.REPOSITORY.glob("*/py.typed")} == rooms
