"""Measures speed as ratios within one run and rewrites docs/benchmarks.md; `make bench` calls it.

Nothing here is a test with a time limit: machines differ and are noisy, ratios less so. Each figure is the median of
several runs that alternate with what it is compared with.
"""

from __future__ import annotations

import io
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = 5
TIMES = 20
IMPORTS = "import dagster, great_expectations, duckdb, pandas"
UNODC = "unodc/2023-05-11/data_cts_prisons_and_prisoners.xlsx"


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def process(*words: str, home: Path) -> Callable[[], object]:
    """A call that runs a command to its end in a home of its own."""
    environment = {**os.environ, "CUSTODY_HOME": str(home)}
    return lambda: subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)


def commands() -> list[tuple[str, str, float, float, float]]:
    """What the command takes, against the bare imports: (what, aim, seconds, compared seconds, ratio)."""
    custody = str(Path(sys.executable).with_name("custody"))
    seconds: dict[str, list[float]] = {}
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for name, words in {
                "imports": (sys.executable, "-c", IMPORTS),
                "first run": (custody, "run", "--offline"),
                "nothing changed": (custody, "run", "--offline"),
                "--help": (custody, "--help"),
                "status": (custody, "status"),
                "places": (custody, "places", "Kazakhstan"),
            }.items():
                seconds.setdefault(name, []).append(timed(process(*words, home=home)))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    rows = []
    for name, what, aim in [
        ("first run", "`custody run --offline`, bundled figures, empty home", "at most 1.5"),
        ("nothing changed", "the same again, nothing changed", "at most 1.0"),
    ]:
        rows.append((what, aim, median[name], median["imports"], median[name] / median["imports"]))
    for name in ("--help", "status", "places"):
        rows.append(
            (f"`custody {name}`", "at most 0.5 s", median[name], median["imports"], median[name] / median["imports"])
        )
    return rows


def releasing() -> tuple[list[tuple[str, str, float, float, float]], str]:
    """What writing a release takes, against the bare imports; and what reading one place's series reads of large files."""
    from tests.exports.test_ranges import LARGE, grown, share

    custody = str(Path(sys.executable).with_name("custody"))
    bare, written = [], []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        process(custody, "run", "--offline", home=home)()
        for run in range(RUNS + 1):
            shutil.rmtree(home / "releases", ignore_errors=True)
            bare.append(timed(process(sys.executable, "-c", IMPORTS, home=home)))
            written.append(timed(process(custody, "release", home=home)))
            if run == 0:  # the warehouse of open sources alone is built with the first release, and stays
                first = written.pop()
                bare.clear()
        imports, again = statistics.median(bare), statistics.median(written)
        (release,) = (path for path in (home / "releases").iterdir() if path.is_dir())
        rows = []
        for table, (_, shift, columns, more) in LARGE.items():
            path = home / "large.parquet"
            grown(release, table, TIMES, shift, path)
            _, few = share(path, "KAZ", columns, **more)
            _, whole = share(path, "KAZ", [], **more)
            rows.append(
                f"| `{table}`, {TIMES} times its rows | {path.stat().st_size / 1e6:,.0f} MB | {few:.2%} | {whole:.2%} |"
            )
    what = [
        ("`custody release`, the first of a home", "", first, imports, first / imports),
        ("`custody release`, a later one", "", again, imports, again / imports),
    ]
    head = "| file | size | its series, the columns of a chart | every column |\n| --- | ---: | ---: | ---: |\n"
    return what, head + "\n".join(rows) + "\n"


def estimating() -> list[tuple[str, str, float, float, float]]:
    """What the estimate with its back-test takes, against the bare imports."""
    from sources.home import Home
    from warehouse.build import connect
    from warehouse.estimate import backtest, given, world
    from warehouse.estimate.rules import rules

    custody = str(Path(sys.executable).with_name("custody"))
    with tempfile.TemporaryDirectory() as folder:
        process(custody, "run", "--offline", home=Path(folder))()
        with connect(Home(Path(folder))) as connection:
            bare, made = [], []
            for _ in range(RUNS):
                bare.append(timed(process(sys.executable, "-c", IMPORTS, home=Path(folder))))
                begin = time.perf_counter()
                known = given.read(connection, rules())
                world.estimate(known, rules())
                list(backtest.cases(known, rules()))
                made.append(time.perf_counter() - begin)
    imports, seconds = statistics.median(bare), statistics.median(made)
    return [("the estimate of every year's end with its back-test", "at most 5 s", seconds, imports, seconds / imports)]


def refresh(raw: Path) -> list[tuple[str, str, float, float, float]]:
    """What a refresh takes when every publisher, on loopback, answers that nothing has changed."""
    from tests.custody.publishers import Publishers, serve, serve_the_rest
    from tests.sources.server import running

    with tempfile.TemporaryDirectory() as folder, running() as server:
        serve(server, raw)
        serve_the_rest(server)
        publishers = Publishers(server, Path(folder), pauses=True)
        for _ in range(2):  # what is refused is tried once more after the others have come
            publishers.custody("run").check_returncode()
        bare, asked = [], []
        for _ in range(RUNS):
            bare.append(timed(process(sys.executable, "-c", IMPORTS, home=Path(folder))))
            asked.append(timed(lambda: publishers.custody("run").check_returncode()))
        assert sorted(publishers.paths()) == sorted((path, True) for path in server.answers)
    imports, seconds = statistics.median(bare), statistics.median(asked)
    what = f"`custody run`, {len(server.answers)} addresses asked, none has anything new"
    return [(what, "at most 1.0", seconds, imports, seconds / imports)]


def parsing(raw: Path) -> list[tuple[str, str, float, float, float]]:
    """What reading the UNODC workbook takes, against python-calamine's bare read of the same bytes."""
    from python_calamine import CalamineWorkbook

    from sources.archive import Snapshot
    from sources.catalogue import source
    from sources.home import sha256
    from warehouse.accepted import write_tables
    from warehouse.candidate import check, complete, parse

    path = raw / UNODC
    data = path.read_bytes()
    unodc = source("unodc_prisons")
    snapshot = Snapshot(
        unodc.id, "data_cts_prisons_and_prisoners", sha256(data), path.name, len(data), "xlsx", "2023-05-11", "import",
        None, unodc.licence,
    )  # fmt: skip
    bare, parsed, checked = [], [], []
    for run in range(RUNS + 1):
        bare.append(timed(lambda: CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()))
        begin = time.perf_counter()
        candidate = complete(unodc, snapshot, parse(unodc, snapshot, data))
        parsed.append(time.perf_counter() - begin)
        with tempfile.TemporaryDirectory() as folder:
            check(Path(folder), write_tables(candidate.tables, Path(folder)))
        checked.append(time.perf_counter() - begin)
        if run == 0:  # the checkers' own imports are not what is measured here
            for seconds in (bare, parsed, checked):
                seconds.clear()
    read = statistics.median(bare)
    return [
        (what, aim, statistics.median(values), read, statistics.median(values) / read)
        for what, aim, values in [
            ("UNODC workbook (65,797 rows) to complete observations", "at most 2", parsed),
            ("the same with all checks of its tables", "at most 5", checked),
        ]
    ]


def raw_folder() -> Path | None:
    """The publishers' files, where they are at hand."""
    folder = Path(os.environ.get("CUSTODY_TEST_RAW") or ROOT.parent / "shared" / "raw")
    return folder if folder.is_dir() else None


def table(rows: list[tuple[str, str, float, float, float]], compared: str) -> str:
    """Rows as a Markdown table."""
    head = f"| what | aim | seconds | {compared}, seconds | ratio |\n| --- | --- | ---: | ---: | ---: |\n"
    return head + "".join(f"| {w} | {a} | {s:.2f} | {c:.2f} | {r:.2f} |\n" for w, a, s, c, r in rows)


def main() -> None:
    """Measure and write."""
    import dagster
    import duckdb
    import great_expectations

    raw = raw_folder()
    written, little = releasing()
    parts = [
        "# Benchmarks\n",
        "Written by `make bench`. Ratios within one run; seconds are of one machine on one day.\n",
        f"{date.today()}, {os.cpu_count()} cores, Python {platform.python_version()}, Dagster {dagster.__version__}, "
        f"Great Expectations {great_expectations.__version__}, DuckDB {duckdb.__version__}; medians of {RUNS} runs.\n",
        "## The command\n",
        f'Compared with `python -c "{IMPORTS}"`.\n',
        table(commands() + estimating() + (refresh(raw) if raw else []) + written, "imports"),
        "## Reading little of a large file\n",
        "What one place's series reads of a published Parquet; the aim is under 2 %.\n",
        little,
        "## Reading\n",
        "Compared with python-calamine's bare read of the same bytes; everything is imported before.\n",
        table(parsing(raw), "bare read") if raw else "Not measured: the publishers' files were not at hand.\n",
    ]
    (ROOT / "docs" / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")
    print("\n".join(parts))


if __name__ == "__main__":
    main()
