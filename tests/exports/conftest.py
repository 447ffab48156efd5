"""What tests of releases share: one real release, and homes that are small enough to release often."""

from __future__ import annotations

from pathlib import Path

import pytest

from exports import pictures
from tests.custody import homes


@pytest.fixture(scope="session")
def release() -> Path:
    """The release of the whole warehouse. Nobody may change it."""
    return homes.release_folder()


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases without pictures, which take seconds."""
    monkeypatch.setattr(pictures, "write", lambda *_: [])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy of the small home."""
    return homes.copy(homes.small(), tmp_path / "small")
