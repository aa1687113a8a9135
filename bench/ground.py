"""The ground of every benchmark: embedded servers set up alike, and the log published once."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.job import OTHER_TOPIC, TOPIC
from bench.workload import Workload
from foldline.embedded.jars import locked_jars
from foldline.embedded.servers import RunningServers
from foldline.kafka.publisher import Publisher, Routed
from foldline.kafka.topics import create_topics

_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB"}


class Between:
    """A whole number within bounds, as argparse wants it."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most

    def __call__(self, text: str) -> int:
        """The number."""
        number = int(text)
        if not self._least <= number <= self._most:
            raise argparse.ArgumentTypeError(f"must be from {self._least:,} to {self._most:,}")
        return number


@contextmanager
def home() -> Iterator[Path]:
    """A directory for the embedded servers, removed afterwards."""
    # As root, PostgreSQL runs as an account that must be able to pass through.
    with tempfile.TemporaryDirectory(prefix="foldline-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "home"


def configure(running: RunningServers) -> str:
    """Set what is set for all alike, and return the version of the server."""
    with psycopg.connect(running.postgres.url, autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    running.postgres.restart()
    with psycopg.connect(running.postgres.url) as connection:
        return connection.info.parameter_status("server_version") or "?"


def settings() -> str:
    """What `configure` sets, in words."""
    return ", ".join(f"{name} {value}" for name, value in _SETTINGS.items())


def publish(bootstrap_servers: str, workload: Workload) -> list[int]:
    """Publish the log once, and return the size of every event."""
    properties = {"bootstrap.servers": bootstrap_servers}
    create_topics(properties, incoming=(TOPIC, OTHER_TOPIC), outgoing=())
    sizes: list[int] = []

    def records() -> Iterator[Routed]:
        for event in workload.log():
            value = event.value
            sizes.append(len(value))
            yield Routed(TOPIC, event.key.encode(), value)

    with Publisher(properties) as publisher:
        publisher.publish(records())
    return sizes


def kafka_version() -> str:
    """The version of the embedded broker."""
    return next(jar.version for jar in locked_jars() if jar.artifact == "kafka-server")
