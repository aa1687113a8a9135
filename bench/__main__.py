"""`python -m bench`: embedded servers, one log, every contestant on it in turn, one table."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from rich.console import Console

from bench.contest import Contest, Run
from bench.databases import Databases
from bench.job import OTHER_TOPIC, TOPIC
from bench.meter import ServerProcesses
from bench.report import describe, disturbance, line, machine, ratios, show, table
from bench.workload import Workload
from foldline.embedded import embedded_servers
from foldline.embedded.jars import locked_jars
from foldline.embedded.servers import RunningServers
from foldline.kafka.publisher import Publisher, Routed
from foldline.kafka.topics import create_topics

_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
_MOST_EVENTS = 5_000_000
_MOST_PASSES = 20


def main() -> None:
    options = _options()
    workload = Workload(2_000, 1_000, 100) if options.smoke else Workload(options.events, options.older, options.gap)
    passes = 1 if options.smoke else options.passes
    console = Console()
    with _home() as home, embedded_servers(home, optimising_jvm=True, announce=console.print) as running:
        version = _configure(running)
        show(machine(version, _kafka_version()), console)
        sizes = _publish(running.servers.bootstrap_servers, workload)
        show(describe(workload, sizes), console)
        show(f"PostgreSQL is durable as it comes; for all alike: {_settings()}. A checkpoint before each run.", console)
        databases = Databases(running.postgres.url, workload)
        databases.prepare()
        processes = ServerProcesses(running.postgres.pid, running.kafka.pid)
        contest = Contest(running.servers.bootstrap_servers, processes, workload, databases)
        runs: list[Run] = []
        for run in contest.runs(passes):
            runs.append(run)
            show(line(run), console)
        running.check()
    show(table(runs), console)
    show(ratios(runs), console)
    show(disturbance(runs), console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=_between(1_000, _MOST_EVENTS), default=200_000)
    parser.add_argument("--passes", type=_between(1, _MOST_PASSES), default=3)
    parser.add_argument(
        "--older", type=_between(0, _MOST_EVENTS), default=100_000, help="entities that are there before"
    )
    parser.add_argument("--gap", type=_between(1, _MOST_EVENTS), default=5_000, help="records between an entity's hops")
    parser.add_argument("--smoke", action="store_true", help="tiny and in seconds: does the benchmark itself work?")
    return parser.parse_args()


class _Between:
    """A whole number within bounds, as argparse wants it."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most

    def __call__(self, text: str) -> int:
        number = int(text)
        if not self._least <= number <= self._most:
            raise argparse.ArgumentTypeError(f"must be from {self._least:,} to {self._most:,}")
        return number


def _between(least: int, most: int) -> _Between:
    return _Between(least, most)


@contextmanager
def _home() -> Iterator[Path]:
    # As root, PostgreSQL runs as an account that must be able to pass through.
    with tempfile.TemporaryDirectory(prefix="foldline-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "home"


def _configure(running: RunningServers) -> str:
    """Set what is set for all alike, and return the version of the server."""
    with psycopg.connect(running.postgres.url, autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    running.postgres.restart()
    with psycopg.connect(running.postgres.url) as connection:
        return connection.info.parameter_status("server_version") or "?"


def _settings() -> str:
    return ", ".join(f"{name} {value}" for name, value in _SETTINGS.items())


def _publish(bootstrap_servers: str, workload: Workload) -> list[int]:
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


def _kafka_version() -> str:
    return next(jar.version for jar in locked_jars() if jar.artifact == "kafka-server")


if __name__ == "__main__":
    main()
