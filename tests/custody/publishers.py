"""Publishers on loopback: a server that gives their real files, and the command led to it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from sources.catalogue import source, sources
from sources.england_wales_prison_population.discover import COLLECTION, DOCUMENTS, FILES
from sources.france_prisons.discover import PAGE
from tests.custody import homes
from tests.sources.server import Server, whole
from tests.sources.test_fetch import LIST, entry, listed

BOOK = "https://data.unodc.org/sites/dataportal.unodc.org/files/2023-05/data_cts_prisons_and_prisoners.xlsx"
WORKBOOK = re.compile(rb"https://www\.justice\.gouv\.fr/[^\"]+01072026\.xlsx")

#: Before the command's own code: publishers are asked on loopback, and everything is due. Nobody waits, unless it is
#: for the pauses between questions to one host that are made in earnest.
LED = """
from sources import fetch
from sources.http import Limits
from tests.sources.server import QUICK, led
from dataclasses import replace
limits = replace(QUICK, max_bytes=64 << 20)
if {pauses}:
    import time
    fetch.client = lambda: led({port}, replace(limits, pause=Limits.pause), sleep=time.sleep)
else:
    fetch.client = lambda: led({port}, limits)
fetch.is_due = lambda *_: True
"""


@dataclass
class Publishers:
    """The server and a home."""

    server: Server
    home: Path
    pauses: bool = False

    def custody(self, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
        """What the command says when publishers are asked here."""
        self.server.asked.clear()
        code = LED.format(port=self.server.server_address[1], pauses=self.pauses) + before + homes.MAIN
        return homes.custody(self.home, *words, code=code)

    def killed(self, words: tuple[str, ...], after: float) -> int:
        """Run the command in a process of its own and kill it after some seconds; gives how it ended."""
        code = LED.format(port=self.server.server_address[1], pauses=False) + homes.MAIN
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], env=homes.environment(self.home), cwd=homes.scratch(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def paths(self) -> list[tuple[str, bool]]:
        """What was asked for among what is served, and whether on condition."""
        known = set(self.server.answers)
        return [(path, "If-None-Match" in headers) for path, headers in self.server.asked if path in known]


def serve(server: Server, raw: Path) -> None:
    """Files of three publishers, at the addresses of two of which one has to look first."""
    page = (raw / "france/pages/2026.html").read_bytes()
    found = WORKBOOK.search(page)
    assert found
    served = {
        str(source("eurostat_prisons").files["crim_pris_ctz"].url): "eurostat/2026-04-29/crim_pris_ctz.csv",
        BOOK: "unodc/2023-05-11/data_cts_prisons_and_prisoners.xlsx",
        PAGE: "france/pages/2026.html",
        found[0].decode(): "france/2026-07-01/statistique_etablissements_personnes_ecrouees_01072026.xlsx",
    }
    for url, path in served.items():
        server.on(url, whole((raw / path).read_bytes(), ETag=f'"{path}"'))
    name = BOOK.rsplit("/", 1)[1]
    server.on(LIST, whole(listed(entry(name, "2023-05-11T00:00:00+00:00", BOOK)), ETag='"list"'))


def serve_the_rest(server: Server) -> None:
    """At each other address something of the right type, which will be refused: it is only asked for."""
    table = b"a,b\r\n1,2\r\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", table)
    for known in sources().values():
        for file in known.files.values():
            if file.url and not server.serves(file.url):
                body = packed.getvalue() if file.url.endswith(".zip") else table if "CSV" in file.url else b"{}"
                server.on(file.url, whole(body, ETag=f'"{file.url}"'))
    weekly = f"{DOCUMENTS}government/publications/weekly"
    title = "Prison population: weekly estate figures 2026"
    collection = {"links": {"documents": [{"title": title, "api_url": weekly}]}}
    sheet = f"{FILES}weekly.ods"
    attached = {"details": {"attachments": [{"title": "Prison population: weekly figures", "url": sheet}]}}
    server.on(sheet, whole(_ods(), ETag=f'"{sheet}"'))
    for url, document in {COLLECTION: collection, weekly: attached}.items():
        server.on(url, whole(json.dumps(document).encode(), ETag=f'"{url}"'))


def _ods() -> bytes:
    """A sheet without a cell."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    return packed.getvalue()
