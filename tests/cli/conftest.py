"""The command line with an empty environment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import Topics
from commands import Commands, cluster_settings


@pytest.fixture
def foldline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Commands:
    """foldline without any server: nothing is set, and its home is empty."""
    directory = tmp_path / "here"
    directory.mkdir()
    return Commands(directory, monkeypatch, capfd, {"FOLDLINE_HOME": str(tmp_path / "home")})


@pytest.fixture
def alone(foldline: Commands) -> Iterator[Commands]:
    """foldline that may start servers of its own, in a home that is gone afterwards."""
    # Not pytest's own directory: PostgreSQL's account must be able to pass through.
    with tempfile.TemporaryDirectory(prefix="foldline-alone-") as name:
        Path(name).chmod(0o711)
        foldline.set(FOLDLINE_HOME=str(Path(name) / "home"))
        yield foldline


@pytest.fixture
def on_cluster(foldline: Commands, database_url: str, bootstrap_servers: str, topics: Topics) -> Commands:
    """foldline on a database and topics of this test's own."""
    foldline.set(**cluster_settings(database_url, bootstrap_servers, topics))
    return foldline
