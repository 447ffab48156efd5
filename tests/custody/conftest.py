"""What tests of the command share: the home of the first run, and calling the command without a new process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from custody import cli
from tests.custody import homes

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="session")
def home() -> Path:
    """The home of the first run. Nobody may change it."""
    return homes.built()


@pytest.fixture
def own(home: Path, tmp_path: Path) -> Path:
    """A copy of that home."""
    return homes.copy(home, tmp_path / "own")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """What the command says, in this process: quick, and an error that escapes it fails the test."""

    def call(home: Path, *words: str) -> CompletedProcess[str]:
        monkeypatch.setenv("CUSTODY_HOME", str(home))
        monkeypatch.chdir(homes.scratch())
        monkeypatch.setattr(sys, "argv", ["custody", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.command()
        out, err = capfd.readouterr()
        return CompletedProcess(words, int(ended.value.code or 0), out, err)

    return call
