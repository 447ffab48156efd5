"""What tests of releases share: one real release, and homes that are small enough to release often."""

from __future__ import annotations

from pathlib import Path

import pytest

from exports import pictures, workbook
from tests.custody import homes


@pytest.fixture(scope="session")
def release() -> Path:
    """The release of the whole warehouse. Nobody may change it."""
    return homes.release_folder()


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases without pictures and with an empty workbook, which take seconds."""
    monkeypatch.setattr(pictures, "write", lambda *_: [])
    monkeypatch.setattr(workbook, "write", lambda path, *_: path.write_bytes(b""))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy of the small home."""
    return homes.copy(homes.small(), tmp_path / "small")


@pytest.fixture
def once(tmp_path: Path) -> Path:
    """A copy of the small home with its release of 23 November 2026."""
    return homes.copy(homes.little(), tmp_path / "once")
