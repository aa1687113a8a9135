"""The compose project under test: its commands, its containers, its tables, its log."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

CHECKOUT = Path(__file__).parents[2]
_HOST = "127.0.0.1"
_LIMIT_SECONDS = 120
_PAUSE_SECONDS = 0.1
_AWKWARD = "'\" $@:/%\\"
"""In every password: nothing may read it as anything else."""


@dataclass(frozen=True)
class Container:
    """One container as Docker sees it. `owner` is what its worker calls itself."""

    id: str
    name: str
    state: str
    exit_code: int

    @property
    def owner(self) -> str:
        """The worker is the first process of a host named like the container."""
        return f"{self.id[:12]}:1"


class Stack:
    """A project of its own on free ports, with passwords of its own."""

    def __init__(self) -> None:
        self.project = f"foldline-acceptance-{os.getpid()}"
        self.passwords = {
            user: secrets.token_hex(8) + _AWKWARD for user in ("postgres", "migrator", "worker", "reader")
        }
        self._ports = {"POSTGRES_PORT": _free_port(), "KAFKA_PORT": _free_port()}
        named = {f"{user.upper()}_PASSWORD": password for user, password in self.passwords.items()}
        ports = {name: str(port) for name, port in self._ports.items()}
        self._environment: Mapping[str, str] = {**os.environ, **named, **ports, "WORKERS": "2"}

    def compose(self, *words: str, given: bytes = b"") -> str:
        """Run `docker compose` on the project; returns what it printed."""
        project = ("--file", "docker-compose.yml", "--project-name", self.project)
        return _run(["docker", "compose", *project, *words], self._environment, given)

    def docker(self, *words: str) -> str:
        """Run `docker`; returns what it printed."""
        return _run(["docker", *words], self._environment, b"")

    def python(self, lines: str) -> int:
        """Run Python as the first process of a container of the image; returns its exit code."""
        words = ["docker", "run", "--rm", "--entrypoint", "python", "foldline", "-c", lines]
        return subprocess.run(words, env=self._environment, check=False).returncode

    def foldline(self, *words: str, given: bytes = b"") -> str:
        """Run a command of foldline in a container of its own."""
        return self.compose("run", "--rm", "--no-TTY", "foldline", *words, given=given)

    def publish(self, lines: bytes) -> None:
        """Publish from this machine, through the published port."""
        servers = f"{_HOST}:{self._ports['KAFKA_PORT']}"
        environment = {**self._environment, "KAFKA_BOOTSTRAP_SERVERS": servers}
        _run([sys.executable, "-m", "foldline", "publish", "-"], environment, lines)

    def rows(self, statement: str, user: str = "reader") -> list[tuple[Any, ...]]:
        """Run SQL from this machine, through the published port, as one of the users."""
        with psycopg.connect(
            host=_HOST,
            port=self._ports["POSTGRES_PORT"],
            dbname="foldline",
            user=user,
            password=self.passwords[user],
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description is not None else []

    def containers(self, service: str) -> list[Container]:
        """The containers of one service, running or not."""
        listed = self.compose("ps", "--all", "--no-trunc", "--format", "json", service).splitlines()
        found = [json.loads(line) for line in listed]
        return [Container(each["ID"], each["Name"], each["State"], each["ExitCode"]) for each in found]

    def logged(self, container: Container, event: str) -> list[dict[str, Any]]:
        """The lines with this event that a worker has logged."""
        said = [json.loads(line) for line in self.log(container) if line.startswith("{")]
        return [line for line in said if line["event"] == event]

    def log(self, container: Container) -> list[str]:
        """Every line that a container has said, on either of its streams."""
        return _run(["docker", "logs", container.name], self._environment, b"", errors=subprocess.STDOUT).splitlines()

    def owners(self) -> dict[str, int]:
        """How many partitions each worker has claimed."""
        return dict(self.rows("SELECT owner, count(*) FROM foldline_positions GROUP BY owner"))

    def said(self) -> str:
        """The containers, and the last lines that each of them said."""
        return self.compose("ps", "--all") + self.compose("logs", "--tail", "20")

    def remove(self) -> None:
        """Remove containers, network and volumes. Images stay."""
        self.compose("--profile", "commands", "down", "--volumes", "--timeout", "20")

    def left(self) -> str:
        """What of the project there still is."""
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        return "".join(self.docker(*kind, *mine) for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls")))


def _run(words: list[str], environment: Mapping[str, str], given: bytes, *, errors: int = subprocess.PIPE) -> str:
    done = subprocess.run(
        words, cwd=CHECKOUT, env=environment, input=given, stdout=subprocess.PIPE, stderr=errors, check=False
    )
    said = done.stdout.decode()
    problem = (done.stderr or b"").decode() + said
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{problem}"
    return said


def wait_until(reached: Callable[[], bool], what: str) -> None:
    """Ask until it is so; fails after two minutes."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not reached():
        assert time.monotonic() < deadline, f"not within {_LIMIT_SECONDS} s: {what}"
        time.sleep(_PAUSE_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port
