"""foldline as a process with the page's settings, and how a refusal looks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commands import Answer

DATABASE_CANARY = "canary-for-postgres"
KAFKA_CANARY = "canary-for-kafka"
WRONG_CANARY = "canary-that-is-wrong"
SECRETS = (DATABASE_CANARY, KAFKA_CANARY, WRONG_CANARY, "PRIVATE KEY")
_OURS = ("FOLDLINE_", "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "PG")
_LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Foldline:
    """Runs commands in this directory with these settings and no others."""

    directory: Path
    settings: Mapping[str, str] = field(repr=False)

    def __call__(self, *words: str) -> Answer:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        home = {"HOME": str(self.directory), "FOLDLINE_HOME": str(self.directory)}
        done = subprocess.run(
            [sys.executable, "-m", "foldline", *words],
            cwd=self.directory,
            env={**kept, **home, **self.settings},
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
        return Answer(words, done.returncode, done.stdout, done.stderr)

    def but(self, **settings: str) -> Foldline:
        """With some of the settings changed."""
        return Foldline(self.directory, {**self.settings, **settings})


def assert_refused(answer: Answer, said: str) -> None:
    """It ended with one clear line; at most a trace stands before that, and no secret in either."""
    assert answer.code == 1, answer.err
    assert answer.out == ""
    *trace, line = answer.err.splitlines()
    assert line.startswith("foldline: "), answer.err
    assert "Unexpected" not in line
    assert said in line
    assert bool(trace) == ("Traceback (most recent call last):" in trace), answer.err
    assert not any(secret in answer.err for secret in SECRETS)
