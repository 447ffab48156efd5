"""From publishers' servers into the archive: what is asked for, what is kept of it, and what stays when it fails."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sources import fetch as fetching
from sources.archive import Archive
from sources.asked import Asked, Asking, Link
from sources.catalogue import Source, source
from sources.england_wales_prison_population.discover import COLLECTION, DOCUMENTS, FILES
from sources.fetch import fetch, is_due
from sources.home import Home, read_sealed, sha256, write_json
from tests.sources.server import QUICK, Request, Server, cut, running, status, whole

EUROSTAT = source("eurostat_prisons")
URLS = {name: str(file.url) for name, file in EUROSTAT.files.items()}
CTZ = URLS["crim_pris_ctz"]
UNODC = source("unodc_prisons")
WEEKLY = "england_wales_prison_population"
BOOK = "data_cts_prisons_and_prisoners.xlsx"
LIST = (
    "https://data.unodc.org/jsonapi/file/file?filter[fn][condition][path]=filename"
    "&filter[fn][condition][operator]=CONTAINS&filter[fn][condition][value]=data_cts_prisons_and_prisoners.xlsx"
)


def csv(persons: int = 1) -> bytes:
    return f"DATAFLOW,LAST UPDATE,OBS_VALUE\r\nx,29/04/26 11:00:00,{persons}\r\n".encode()


def entry(name: str, changed: str, url: str) -> dict[str, object]:
    return {"attributes": {"filename": name, "uri": {"url": url}, "changed": changed}}


def listed(*entries: dict[str, object]) -> bytes:
    return json.dumps({"data": list(entries)}).encode()


@dataclass
class Desk:
    """A home and the publishers' server."""

    home: Home
    server: Server

    def ask(self, *ids: str, due_only: bool = False) -> list[Asked]:
        chosen = [source(name) for name in ids or ["eurostat_prisons"]]
        self.server.asked.clear()
        return fetch(self.home, chosen, self.server.client(), due_only=due_only)

    def outcomes(self, *ids: str, due_only: bool = False) -> dict[str, str]:
        return {a.file: a.outcome for a in self.ask(*ids, due_only=due_only)}

    def snapshots(self, source_id: str, file: str) -> list[bytes]:
        archive = Archive(self.home.archive)
        return [archive.read(s) for s in archive.snapshots(source_id, file)]

    def serve(self, **given: bytes) -> None:
        """Eurostat's four files, each with a tag of its bytes."""
        for name, url in URLS.items():
            body = given.get(name, csv())
            self.server.on(url, whole(body, ETag=f'"{sha256(body)}"', Last_Modified="Wed, 29 Apr 2026 11:00:00 GMT"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running() as server:
        yield Desk(Home(tmp_path / "home"), server)


def test_files_enter_the_archive_with_all_that_was_said_of_them(desk: Desk) -> None:
    desk.serve(crim_pris_ctz=csv(7))
    assert set(desk.outcomes().values()) == {"new"}
    (snapshot,) = Archive(desk.home.archive).snapshots("eurostat_prisons", "crim_pris_ctz")
    assert desk.snapshots("eurostat_prisons", "crim_pris_ctz") == [csv(7)]
    assert (snapshot.obtained, snapshot.url, snapshot.media_type) == ("fetch", CTZ, "csv")
    answer = snapshot.answer or {}
    assert (answer["status"], answer["final_url"], answer["tries"]) == (200, CTZ, 1)
    assert answer["headers"]["Last-Modified"] == "Wed, 29 Apr 2026 11:00:00 GMT"
    assert answer["requested_at"] == snapshot.retrieved_at
    assert answer["redirects"] == [] and "tests@example.org" in answer["request"]["User-Agent"]
    # A record of before they were kept is read as it is.
    (record,) = (desk.home.archive / "snapshots/eurostat_prisons/crim_pris_ctz").glob("*.json")
    earlier = {name: value for name, value in answer.items() if name not in ("redirects", "request")}
    write_json(record, {**read_sealed(record), "answer": earlier})  # which bore no digest of itself
    assert Archive(desk.home.archive).snapshots("eurostat_prisons", "crim_pris_ctz")[0].answer == earlier


def test_where_nothing_has_changed_each_address_is_asked_once_on_condition(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    assert set(desk.outcomes().values()) == {"unchanged"}
    assert len(desk.server.asked) == len(URLS)
    assert all("If-None-Match" in headers for _, headers in desk.server.asked)
    lines = (desk.home.archive / "snapshots/eurostat_prisons/crim_pris_ctz/seen.jsonl").read_text().splitlines()
    assert [json.loads(line)["answer"]["status"] for line in lines] == [200, 304]


def test_the_same_bytes_under_a_new_date_are_no_new_file(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    desk.server.on(CTZ, whole(csv(), ETag='"later"', Last_Modified="Thu, 30 Apr 2026 11:00:00 GMT"))
    assert desk.outcomes()["crim_pris_ctz"] == "unchanged"
    assert len(desk.snapshots("eurostat_prisons", "crim_pris_ctz")) == 1
    desk.ask()
    ((_, headers),) = [(path, h) for path, h in desk.server.asked if "CRIM_PRIS_CTZ" in path]
    assert headers["If-None-Match"] == '"later"'


def test_new_bytes_stand_beside_the_old(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    desk.serve(crim_pris_ctz=csv(2))
    assert desk.outcomes() == {**dict.fromkeys(URLS, "unchanged"), "crim_pris_ctz": "new"}
    assert sorted(desk.snapshots("eurostat_prisons", "crim_pris_ctz")) == [csv(1), csv(2)]


def test_what_failed_is_said_and_the_others_come(desk: Desk) -> None:
    desk.serve()
    desk.server.on(CTZ, status(404))
    asked = {a.file: a for a in desk.ask()}
    assert [name for name, a in asked.items() if a.outcome == "failed"] == ["crim_pris_ctz"]
    assert asked["crim_pris_ctz"].message.startswith(f"{CTZ}: the server answers 404.")
    assert desk.snapshots("eurostat_prisons", "crim_pris_ctz") == []


def test_an_error_page_with_200_is_no_file_and_the_last_good_one_stays(desk: Desk) -> None:
    desk.serve()
    desk.ask()
    desk.server.on(CTZ, status(200, b"<!DOCTYPE html><html>Sorry"))
    asked = {a.file: a for a in desk.ask()}["crim_pris_ctz"]
    assert asked.outcome == "failed" and "looks like a web page" in asked.message
    assert desk.snapshots("eurostat_prisons", "crim_pris_ctz") == [csv()]
    # What is known of the last good answer is not forgotten.
    desk.serve()
    assert desk.outcomes()["crim_pris_ctz"] == "unchanged"
    assert all("If-None-Match" in headers for _, headers in desk.server.asked)


def test_a_file_cut_short_leaves_nothing(desk: Desk) -> None:
    desk.serve()
    desk.server.on(CTZ, cut(csv(), 20))
    assert desk.outcomes()["crim_pris_ctz"] == "failed"
    assert desk.snapshots("eurostat_prisons", "crim_pris_ctz") == []


@pytest.mark.parametrize("harm", ["lost", "altered"])
def test_what_the_archive_has_lost_comes_again_whole(desk: Desk, harm: str) -> None:
    desk.serve()
    desk.ask()
    archive = Archive(desk.home.archive)
    (snapshot,) = archive.snapshots("eurostat_prisons", "crim_pris_ctz")
    path = archive.object_path(snapshot.sha256)
    if harm == "lost":
        for each in archive.root.glob("objects/*/*"):
            each.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"0")
    desk.ask()
    assert archive.read(snapshot) == csv()


# What is due


def test_only_what_is_due_is_asked_for(desk: Desk) -> None:
    desk.serve()
    desk.ask(due_only=True)
    assert len(desk.server.asked) == len(URLS)
    assert set(desk.outcomes(due_only=True).values()) == {"not_due"}
    assert desk.server.asked == []


def test_what_failed_is_due(desk: Desk) -> None:
    desk.serve()
    desk.server.on(CTZ, status(404))
    desk.ask(due_only=True)
    desk.serve()
    assert desk.outcomes(due_only=True)["crim_pris_ctz"] == "new"


@pytest.mark.parametrize(
    ("asked_at", "at", "due"),
    [
        ("2026-02-01T12:00:00Z", "2026-03-01T05:59:59Z", False),
        ("2026-02-01T12:00:00Z", "2026-03-01T06:00:00Z", True),  # a timetable of the first of each month
        ("2026-05-01T00:00:00Z", "2026-04-30T00:00:00Z", True),  # a clock was set back
    ],
)
def test_a_yearly_source_is_due_after_the_shortest_month_but_for_some_hours(asked_at: str, at: str, due: bool) -> None:
    last = Asked("eurostat_prisons", "crim_pris_ctz", CTZ, "unchanged", "", asked_at)
    assert EUROSTAT.cadence == "yearly"
    assert is_due(EUROSTAT, last, at) is due


@pytest.mark.parametrize(
    "damage", [lambda _: b"\0", lambda whole: whole.replace(b'"asked_at": "20', b'"asked_at": "x')]
)
def test_a_damaged_note_of_what_was_asked_only_means_that_it_is_asked_again(
    desk: Desk, damage: Callable[[bytes], bytes]
) -> None:
    desk.serve()
    desk.ask()
    for path in (desk.home.archive / "asked").rglob("*.json"):
        assert path.read_bytes() != damage(path.read_bytes())
        path.write_bytes(damage(path.read_bytes()))
    assert set(desk.outcomes(due_only=True).values()) == {"unchanged"}


# Where an address moves


def test_a_file_is_found_where_it_has_moved_to(desk: Desk) -> None:
    first, second = "/sites/default/files/a.xlsx", "/sites/default/files/b.xlsx"
    name = "data_cts_prisons_and_prisoners.xlsx"
    from tests.sources.fixtures import workbook

    book = workbook({"Sheet": [["a"]]})
    desk.server.on(LIST, whole(listed(entry(name, "2025-01-01T00:00:00+00:00", first)), ETag='"1"'))
    desk.server.on(f"https://data.unodc.org{first}", whole(book))
    assert desk.outcomes("unodc_prisons") == {"data_cts_prisons_and_prisoners": "new"}
    later = entry(name.replace(".xlsx", "_0.xlsx"), "2026-01-01T00:00:00+00:00", second)
    desk.server.on(LIST, whole(listed(entry(name, "2025-01-01T00:00:00+00:00", first), later), ETag='"2"'))
    desk.server.on(f"https://data.unodc.org{first}", status(404))
    desk.server.on(f"https://data.unodc.org{second}", whole(workbook({"Sheet": [["b"]]})))
    assert desk.outcomes("unodc_prisons") == {"data_cts_prisons_and_prisoners": "new"}
    # The old address is forgotten: it is not due for ever because it failed.
    assert set(desk.outcomes("unodc_prisons", due_only=True).values()) == {"not_due"}
    assert len(list((desk.home.archive / "asked/unodc_prisons").glob("data_cts*"))) == 1
    documents = (desk.home.archive / "documents/unodc_prisons.jsonl").read_text().splitlines()
    assert len(documents) == 2


def test_a_list_that_has_not_changed_does_not_come_again(desk: Desk) -> None:
    from tests.sources.fixtures import workbook

    desk.server.on(
        LIST, whole(listed(entry("data_cts_prisons_and_prisoners.xlsx", "2025-01-01", "/a.xlsx")), ETag='"1"')
    )
    desk.server.on("https://data.unodc.org/a.xlsx", whole(workbook({"Sheet": [["a"]]}), ETag='"a"'))
    desk.ask("unodc_prisons")
    assert desk.outcomes("unodc_prisons") == {"data_cts_prisons_and_prisoners": "unchanged"}
    assert [headers.get("If-None-Match") for _, headers in desk.server.asked] == ['"1"', '"a"']


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (b"<html>maintenance", "UNODC's list of files"),
        (listed(), "none of its 0 files"),
        (b"", "the answer is empty"),
        (
            listed(entry(BOOK, "2025-01-01", "/a.xlsx"), entry(BOOK, "2025-01-02T00:00:00Z", "/b.xlsx")),
            "without their time zone",
        ),
        (b"[" * 90_000, "UNODC's list of files"),
        (b'{"data": "\xff"}', "UNODC's list of files"),
    ],
)
def test_a_search_that_finds_nothing_is_a_failure_of_that_source_alone(desk: Desk, page: bytes, told: str) -> None:
    desk.serve()
    desk.server.on(LIST, status(200, page))
    asked = desk.ask("unodc_prisons", "eurostat_prisons")
    (failed,) = [a for a in asked if a.outcome == "failed"]
    assert (failed.source_id, failed.file) == ("unodc_prisons", "") and told in failed.message
    assert failed.message.startswith(LIST) and "\n" not in failed.message
    assert sum(a.outcome == "new" for a in asked) == len(URLS)
    assert Asking(desk.home).failed(UNODC)


@pytest.mark.parametrize("url", ["https://data.unodc.org:abc/x.xlsx", "https://data.unodc.org:99999/x.xlsx"])
def test_a_link_that_is_no_address_is_a_failure_of_that_file_alone(desk: Desk, url: str) -> None:
    desk.serve()
    desk.server.on(LIST, status(200, listed(entry(BOOK, "2025-01-01", url))))
    (failed,) = [a for a in desk.ask("unodc_prisons", "eurostat_prisons") if a.outcome == "failed"]
    assert failed.source_id == "unodc_prisons" and failed.message.startswith(f"{url}: is no address")


def test_a_link_to_a_host_that_source_yml_does_not_name_is_not_asked(desk: Desk) -> None:
    """Whoever may edit the publisher's list must not lead anybody anywhere."""
    elsewhere = f"https://elsewhere.example/{BOOK}"
    desk.server.on(LIST, whole(listed(entry(BOOK, "2025-01-01", elsewhere))))
    desk.server.on(elsewhere, whole(b"whatever"))
    (failed,) = desk.ask("unodc_prisons")
    assert failed.outcome == "failed"
    assert f"{elsewhere} is found at a host that source.yml does not name" in failed.message
    assert [path for path, _ in desk.server.asked if "elsewhere" in path] == []
    assert desk.snapshots("unodc_prisons", "data_cts_prisons_and_prisoners") == []


def weekly(*titles: str) -> dict[str, object]:
    return {"details": {"attachments": [{"title": f"Weekly {name}", "url": f"{FILES}{name}.ods"} for name in titles]}}


def publish(desk: Desk, **publications: tuple[str, ...]) -> None:
    """The weekly publications of the gov.uk collection, as they are listed, each with its files."""
    documents = [
        {"title": f"Prison population: weekly estate figures {year[1:]}", "api_url": f"{DOCUMENTS}{year}"}
        for year in publications
    ]
    desk.server.on(COLLECTION, whole(json.dumps({"links": {"documents": documents}}).encode()))
    for year, names in publications.items():
        desk.server.on(f"{DOCUMENTS}{year}", whole(json.dumps(weekly(*names)).encode()))
        for name in names:
            desk.server.on(f"{FILES}{name}.ods", whole(ods(name), ETag=f'"{name}"'))


def ods(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"<x>{text}</x>")
    return packed.getvalue()


def test_the_last_file_of_a_year_is_found_when_the_next_years_publication_stands_already(desk: Desk) -> None:
    publish(desk, y2026=("2026-12-19",))
    assert [a.outcome for a in desk.ask(WEEKLY)] == ["new"]
    publish(desk, y2027=(), y2026=("2026-12-19", "2026-12-26"), y2025=("2025-12-27",))
    assert [a.outcome for a in desk.ask(WEEKLY)] == ["unchanged", "new"]


def test_files_that_come_one_after_the_other_are_no_clock_set_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of many is younger than the moment at which the run began to ask."""
    began = datetime.now(UTC)
    minutes = count(1)
    monkeypatch.setattr(
        "sources.http.now", lambda: (began + timedelta(minutes=next(minutes))).isoformat(timespec="seconds")[:19] + "Z"
    )
    publish(desk, y2026=("2026-01-03", "2026-01-10", "2026-01-17"))
    assert [a.outcome for a in desk.ask(WEEKLY)] == ["new"] * 3


def test_a_list_from_which_every_file_has_gone_is_a_failure(desk: Desk) -> None:
    publish(desk, y2026=("2026-01-03", "2026-01-10"))
    assert [a.outcome for a in desk.ask(WEEKLY)] == ["new", "new"]
    publish(desk, y2026=())
    (failed,) = desk.ask(WEEKLY)
    assert failed.outcome == "failed" and "have no weekly ODS file" in failed.message
    assert Asking(desk.home).had(source(WEEKLY)) == {"weekly_estate_figures"}, "the addresses are not forgotten"


def test_a_file_that_a_search_finds_no_more_is_a_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the search itself thinks of that."""
    publish(desk, y2026=("2026-01-03",))
    desk.ask(WEEKLY)
    monkeypatch.setattr("sources.fetch._finder", lambda _: lambda get: [])
    (failed,) = desk.ask(WEEKLY)
    assert failed.outcome == "failed" and "no address of weekly_estate_figures is found any more" in failed.message


@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(hours=23, minutes=50), timedelta(days=400)])
def test_nothing_is_retrieved_by_a_clock_that_was_set_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, back: timedelta
) -> None:
    """It would be dated before what is here, and never be in use."""
    desk.serve(crim_pris_ctz=csv(1))
    desk.ask()
    desk.serve(crim_pris_ctz=csv(2))
    before = (datetime.now(UTC) - back).isoformat(timespec="seconds").replace("+00:00", "Z")
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "now", lambda: before)
        told = desk.ask()
    assert {a.outcome for a in told} == {"failed"} and desk.server.asked == []
    assert all("set it right" in a.message and "\n" not in a.message for a in told)
    assert desk.outcomes()["crim_pris_ctz"] == "new"
    assert set(desk.snapshots("eurostat_prisons", "crim_pris_ctz")) == {csv(1), csv(2)}


def test_a_file_whose_record_was_deleted_comes_again(desk: Desk) -> None:
    """Its bytes are there, and without the record nobody would look at them."""
    desk.serve(crim_pris_ctz=csv(7))
    desk.ask()
    (record,) = (desk.home.archive / "snapshots/eurostat_prisons/crim_pris_ctz").glob("*.json")
    record.unlink()
    assert desk.outcomes() == {name: "new" if name == "crim_pris_ctz" else "unchanged" for name in URLS}
    assert desk.snapshots("eurostat_prisons", "crim_pris_ctz") == [csv(7)]


def test_who_stops_it_does_not_wait_for_the_publishers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under way is left to itself; nothing more is asked."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(request: Request) -> None:
        asked.set()
        go_on.wait(20)
        request.give(200, csv())

    for url in URLS.values():
        desk.server.on(url, slow)

    def stop() -> None:
        asked.wait(20)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(desk.home, [EUROSTAT], desk.server.client(replace(QUICK, read=30)), due_only=False)
    assert time.monotonic() - begun < 15
    go_on.set()
    time.sleep(0.3)
    assert len(desk.server.asked) == 1


def test_a_link_with_brackets_is_no_address(desk: Desk) -> None:
    desk.serve()
    desk.server.on(LIST, status(200, listed(entry(BOOK, "2025-01-01", "https://[x/x.xlsx"))))
    (failed,) = [a for a in desk.ask("unodc_prisons", "eurostat_prisons") if a.outcome == "failed"]
    assert failed.source_id == "unodc_prisons" and failed.message.startswith(LIST)


def broken(*_: object) -> list[Link]:
    raise KeyError("a mistake of ours")


@pytest.mark.parametrize("where", ["sources.unodc_prisons.discover.latest", "sources.fetch._finder"])
def test_a_mistake_of_ours_in_one_source_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    desk.serve()
    desk.server.on(LIST, whole(listed()))
    if where.endswith("latest"):
        monkeypatch.setattr(where, broken)
    else:
        own = fetching._finder
        monkeypatch.setattr(where, lambda s: broken() if s.id == "unodc_prisons" else own(s))
    asked = desk.ask("unodc_prisons", "eurostat_prisons")
    (failed,) = [a for a in asked if a.outcome == "failed"]
    assert failed.source_id == "unodc_prisons" and "KeyError: 'a mistake of ours'" in failed.message
    assert sum(a.outcome == "new" for a in asked) == len(URLS)
    assert [a.message for a in Asking(desk.home).failures(UNODC)] == [failed.message]
    monkeypatch.undo()
    desk.server.on(LIST, status(200, listed(entry(BOOK, "2025-01-01", "/a.xlsx"))))
    assert not [a for a in desk.ask("unodc_prisons", due_only=True) if a.file == "" and a.outcome == "failed"]


def test_a_mistake_of_ours_over_one_file_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.serve()
    own = Archive.put

    def put(self: Archive, source: Source, file: str, *args: Any, **said: Any) -> Any:
        return broken() if file == "crim_pris_ctz" else own(self, source, file, *args, **said)

    monkeypatch.setattr(Archive, "put", put)
    asked = {a.file: a for a in desk.ask()}
    assert asked.pop("crim_pris_ctz").message.startswith(f"{CTZ}: what is there could not be taken in (KeyError")
    assert {a.outcome for a in asked.values()} == {"new"}


def test_a_full_disk_is_no_fault_of_a_publisher(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    desk.serve()
    monkeypatch.setattr(Archive, "put", put)
    with pytest.raises(OSError, match="No space left"):
        desk.ask()


def test_what_a_publisher_writes_does_nothing_to_the_terminal(desk: Desk) -> None:
    url = "https://data.unodc.org/x%0a%1b[31mss.xlsx"
    desk.server.on(LIST, status(200, listed(entry(BOOK, "2025-01-01", url))))
    desk.server.on(url, status(200, b"<html>"))
    said: list[str] = []
    fetch(desk.home, [UNODC], desk.server.client(), due_only=False, progress=said.append)
    (told,) = said
    assert r"\x1b[31mss.xlsx" in told and "looks like a web page" in told and told.isprintable()


def test_a_source_without_address_is_left_to_people(desk: Desk) -> None:
    (asked,) = desk.ask("gaps")
    assert asked.outcome == "by_hand" and desk.server.asked == []


def test_who_asks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, fetching.CONTACT, "statistics@example.org")
    assert "statistics@example.org" in str(fetching.client()._session.headers["User-Agent"])


def test_an_address_is_one_record(desk: Desk) -> None:
    asking, link = Asking(desk.home), Link("crim_pris_ctz", CTZ)
    asking.note(Asked("eurostat_prisons", *link, "failed", "why", "2026-05-01T00:00:00Z"))
    assert asking.last(EUROSTAT, link) is not None
    asking.forget_all_but(EUROSTAT, [Link("crim_pris_ctz", "https://elsewhere.example/a.csv")])
    assert asking.last(EUROSTAT, link) is None
