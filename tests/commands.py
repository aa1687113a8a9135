"""The command line as people use it: in this process, or as one of its own where signals and pipes count."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
import typer
from jsonschema import Draft202012Validator

from clusters import Topics
from foldline.cli import main
from foldline.cli.program import app
from foldline.cli.shapes import schema, shapes_of

_LIMIT_SECONDS = 90
_OURS = ("FOLDLINE_", "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command prints
        """What a command that succeeded printed, held against the shape that it declares."""
        assert self.code == 0, self.err
        return self.document

    @property
    def document(self) -> Any:  # noqa: ANN401 - see above
        """The same, however the command ended."""
        document = json.loads(self.out)
        shapes = shapes_of(_command(self.words).callback)
        assert shapes, f"foldline {' '.join(self.words)} declares no shape: see foldline.cli.shapes"
        Draft202012Validator(schema(*shapes)).validate(document)
        return document


def _command(words: tuple[str, ...]) -> Any:  # noqa: ANN401 - the command of a library without such a type
    command = typer.main.get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    return command


@dataclass
class Commands:
    """Runs foldline with these settings and no others, in an empty directory."""

    directory: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    settings: dict[str, str] = field(default_factory=dict, repr=False)

    def set(self, **settings: str) -> None:
        """Settings for all commands from now on."""
        self.settings.update(settings)

    def __call__(self, *words: str) -> Answer:
        """Run it in this process."""
        with self.monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(_OURS):
                    patch.delenv(name)
            for name, value in self.settings.items():
                patch.setenv(name, value)
            patch.chdir(self.directory)
            self.capture.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(words)
        said = self.capture.readouterr()
        return Answer(words, int(ended.value.code or 0), said.out, said.err)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of foldline's gets to see."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return kept | self.settings

    def process(self, *words: str) -> Process:
        """Start it as a process."""
        return Process(words, self.environment, self.directory)


class Process:
    """A running command; what it says on stderr can be waited for."""

    def __init__(self, words: tuple[str, ...], environment: Mapping[str, str], directory: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "foldline", *words],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._words = words
        self._said = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.communicate()

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until stderr has said `text` so often; fails if it ends first."""
        assert self.popen.stderr is not None
        deadline = time.monotonic() + _LIMIT_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.popen.stderr, selectors.EVENT_READ)
            while self._said.count(text.encode()) < times:
                assert selector.select(deadline - time.monotonic()), f"{text} is not said: {self._said.decode()}"
                octets = os.read(self.popen.stderr.fileno(), 65_536)
                assert octets, f"it ended before it said {text}: {self._said.decode()}"
                self._said += octets

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def end(self) -> Answer:
        """Wait for its end."""
        out, err = self.popen.communicate(timeout=_LIMIT_SECONDS)
        return Answer(self._words, self.popen.returncode, out.decode(), (self._said + err).decode())


def cluster_settings(database_url: str, bootstrap_servers: str, topics: Topics) -> dict[str, str]:
    """The settings of a worker on topics and a database of a test's own."""
    return {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "FOLDLINE_GROUP_ID": topics.transitions,
        "FOLDLINE_TRANSITION_TOPICS": topics.transitions,
        "FOLDLINE_WORKFLOW_TOPICS": topics.workflows,
        "FOLDLINE_INTENT_TOPIC": f"{topics.transitions}.intents",
        "FOLDLINE_DEADLETTER_TOPIC": f"{topics.transitions}.deadletters",
    }
