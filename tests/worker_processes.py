"""`foldline run` as a process: what it logs is read, and it may be killed, frozen or asked to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clusters import Cluster
from foldline.settings import kafka_variable

_DEADLINE_SECONDS = 60
_SIX_SECONDS: Mapping[str, str] = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "500"}


_started: list[subprocess.Popen[str]] = []


def kill_all() -> None:
    """End what a test leaves behind, also what it has frozen: SIGKILL needs nobody who listens."""
    while _started:
        with _started.pop() as process:
            process.kill()


class Process:
    """`foldline run` as a process of its own, and the lines that it logs. `kill_all` ends those that are left."""

    def __init__(
        self, cluster: Cluster, *options: str, kafka: Mapping[str, str] = _SIX_SECONDS, **settings: str
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FOLDLINE_")} | {
            "DATABASE_URL": cluster.database_url,
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "FOLDLINE_TRANSITION_TOPICS": cluster.topics.transitions,
            "FOLDLINE_WORKFLOW_TOPICS": cluster.topics.workflows,
            "FOLDLINE_GROUP_ID": cluster.topics.transitions,
            "FOLDLINE_BATCH_SIZE": "40",
            **{kafka_variable(name): value for name, value in kafka.items()},
            **settings,
        }
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "foldline", "run", *options],
            env=environment,
            cwd=Path(__file__).parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        _started.append(self.popen)

    def wait_for(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        """Read log lines until the event was logged so often; returns what was logged."""
        assert self.popen.stderr is not None
        logged = []
        too_late = threading.Timer(_DEADLINE_SECONDS, self.popen.kill)
        too_late.start()
        for line in self.popen.stderr:
            if line.startswith("{"):
                logged.append(json.loads(line))
                times -= logged[-1]["event"] == event
            if times == 0:
                too_late.cancel()
                return logged
        raise AssertionError(f"the worker ended, or was ended after a minute, before it logged {event!r}")

    def kill(self) -> None:
        self.popen.kill()
        self.popen.communicate(timeout=_DEADLINE_SECONDS)

    def finish(self) -> str:
        """Wait until it ends by itself, which must be well."""
        _, log = self.popen.communicate(timeout=_DEADLINE_SECONDS)
        assert self.popen.returncode == 0, log
        return log
