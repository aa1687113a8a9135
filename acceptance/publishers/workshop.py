"""Builds a program of the page in a directory of its own, in the background, and runs it as often as asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from acceptance.publishers.page import Program
from clusters import Topics

_SHELL = ("bash", "-euo", "pipefail", "-c")
_BUILD_SECONDS = 600
_RUN_SECONDS = 150
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",  # Java 17 reads sources in the locale's encoding
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",  # half the time for a program this short
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
}


@dataclass(frozen=True)
class Toolchain:
    """What has to be on PATH, and what to install if it is not."""

    programs: tuple[str, ...]
    install: str


TOOLCHAINS = {
    "Java": Toolchain(("java", "javac"), "a JDK, 17 or newer (Debian: openjdk-17-jdk-headless)"),
    "Go": Toolchain(("go",), "Go, 1.26 or newer"),
    "Node": Toolchain(("node", "npm"), "Node.js, 20 or newer, with npm"),
}


def require(toolchain: Toolchain, path: str | None = None) -> None:
    """Fail with what to install unless all of it is on the search path (PATH's by default)."""
    for name in toolchain.programs:
        if shutil.which(name, path=path) is None:
            pytest.fail(f"{name} is not on PATH. Install {toolchain.install}.", pytrace=False)


class Workshop:
    """A directory with the program in it and its build running, which ends with the `with` block at the latest."""

    def __init__(self, program: Program, directory: Path) -> None:
        require(TOOLCHAINS[program.language])
        self.language = program.language
        self._run = program.run
        self._directory = directory
        self._environment = {**os.environ, **_ENVIRONMENT}
        (directory / program.file_name).write_text(program.source, encoding="utf-8")
        self._log = directory / "build.log"
        with self._log.open("wb") as log:
            self._build = subprocess.Popen(
                [*_SHELL, program.build],
                cwd=directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._build.poll() is None:
            os.killpg(self._build.pid, signal.SIGKILL)  # the compilers too
            self._build.wait()

    def run(self, bootstrap_servers: str, topics: Topics) -> None:
        """Run the program to its end once it is built; fails with what it says if it fails."""
        assert self._build.wait(_BUILD_SECONDS) == 0, self._log.read_text(encoding="utf-8")
        ran = subprocess.run(
            [*_SHELL, self._run],
            cwd=self._directory,
            env={
                **self._environment,
                "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
                "TRANSITION_TOPIC": topics.transitions,
                "WORKFLOW_TOPIC": topics.workflows,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
