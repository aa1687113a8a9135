"""Places for homes, and scripts that run in a process of their own, to be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foldline.embedded import RunningServers, embedded_servers

RunScript = Callable[..., subprocess.Popen[str]]


@contextmanager
def _place() -> Iterator[Path]:
    # Not pytest's own: those are 0700, and as root PostgreSQL runs as an account that must be able to pass through.
    with tempfile.TemporaryDirectory(prefix="foldline-embedded-") as name:
        Path(name).chmod(0o711)
        yield Path(name).resolve()


@pytest.fixture
def place() -> Iterator[Path]:
    with _place() as path:
        yield path


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServers]:
    with _place() as path, embedded_servers(path / "höme of all") as servers:
        yield servers


@pytest.fixture
def run_script() -> Iterator[RunScript]:
    started = []

    def run(script: str, *words: str | Path, path: list[Path] | None = None) -> subprocess.Popen[str]:
        environment = dict(os.environ)
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
        process = subprocess.Popen(
            [sys.executable, *(["-S"] if path is not None else []), "-c", script, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
