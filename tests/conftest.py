"""What every test may use: the publishers' files, which may not be skipped where they are at hand."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


#: The modules that take longest, and are begun first: one that is begun last keeps one process at work when the others
#: have ended. The first makes what others wait for, the second needs nothing of it.
LONGEST = (
    "exports/test_release.py", "warehouse/test_kill.py", "custody/test_full_disk.py", "custody/test_cli.py",
    "exports/test_gate.py", "exports/test_diff.py", "pipelines/test_runs.py", "warehouse/test_quarantine.py",
    "exports/test_verify.py", "custody/test_refresh.py", "pipelines/test_automation.py", "warehouse/test_faults.py",
    "warehouse/test_build.py", "exports/test_two_vintages.py", "exports/test_contents.py", "exports/test_reproduce.py",
    "exports/test_pictures.py", "pipelines/test_notify.py", "warehouse/test_figure.py", "warehouse/test_world.py",
    "warehouse/test_editions.py", "exports/test_every_figure.py", "warehouse/test_bundled.py",
)  # fmt: skip


#: What takes longest is not in `make test`: whole releases, the command run to be stopped or to meet a full disk, real
#: runs of Dagster's, every bundled figure read again. `.ci/run` asks for it, and so does `make test ALL=1`.
THOROUGH = (
    "custody/test_full_disk.py", "custody/test_refresh.py", "exports/test_diff.py", "exports/test_gate.py",
    "exports/test_publish.py", "exports/test_release.py", "exports/test_reproduce.py", "exports/test_two_vintages.py",
    "pipelines/test_notify.py", "pipelines/test_runs.py", "warehouse/test_bundled.py", "warehouse/test_kill.py",
)  # fmt: skip


def is_thorough(item: pytest.Item) -> bool:
    """Whether a test is of the modules above, or needs the one whole release of tests/exports/conftest.py."""
    path = item.path.relative_to(REPOSITORY / "tests").as_posix()
    whole_release = path.startswith("exports/") and "release" in getattr(item, "fixturenames", ())
    return path in THOROUGH or whole_release


def raw_is_required() -> bool:
    """Whether a test that skips for want of the publishers' files is a failure."""
    return os.environ.get("CUSTODY_RAW_REQUIRED") == "1"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder in which the processes of this run share what takes long to make (tests/custody/homes.py)."""
    if "TESTS_SHARE" not in os.environ:  # else a process that has made it started this one
        folder = tempfile.mkdtemp(prefix="custody-tests-")
        os.environ["TESTS_SHARE"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(scope="session")
def raw() -> Path:
    """The folder of the publishers' files; a test that asks for it is marked `raw` without saying so."""
    named = os.environ.get("CUSTODY_TEST_RAW")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "raw"
    if not folder.is_dir():
        pytest.skip("the publishers' files are not here: CUSTODY_TEST_RAW names their folder")
    return folder


@pytest.hookimpl(tryfirst=True)  # before `-m raw` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "raw" in getattr(item, "fixturenames", ()):
            item.add_marker("raw")
        if is_thorough(item):
            item.add_marker("thorough")
    turn = {REPOSITORY / "tests" / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(item.path, len(turn)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as skipped too, but it did run.
    if raw_is_required() and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("raw"):
        fail_the_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    # A module that skips as a whole hides its tests, and with them their marks.
    if raw_is_required() and report.skipped and "mark.raw" in collector.path.read_text(encoding="utf-8"):
        fail_the_skip(report)
    return report


def fail_the_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that repeats the skip's reason."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"The publishers' files are required in this run (CUSTODY_RAW_REQUIRED=1). {reason}"
