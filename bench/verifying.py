"""`python -m bench.verifying`: one worker projects a log, and `foldline verify` folds it again; then ten times the log.

Both on the same servers, one after the other, each in a process of its own. What is to be seen: how fast verify is
beside the line, and that its memory does not grow with the log.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
from rich.console import Console
from rich.table import Table

from bench import ours
from bench.contest import alone
from bench.databases import OURS, Databases
from bench.ground import Between, configure, home, kafka_version, publish
from bench.job import OTHER_TOPIC, TOPIC, Job
from bench.meter import Measured, ServerProcesses
from bench.report import describe, machine, show
from bench.workload import Workload
from foldline.embedded import embedded_servers

_MEGABYTE = 1_048_576
_LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Verified:
    """One run of verify. CPU in seconds, memory in bytes, of all its processes together."""

    events: int
    seconds: float
    cpu: float
    peak: int

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


class NotCleanError(Exception):
    """Verify ended otherwise than clean: what it measured means nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.verifying", description=__doc__)
    parser.add_argument("--events", type=Between(1_000, 1_000_000), default=50_000)
    parser.add_argument("--times", type=Between(1, 100), default=10, help="how much larger the second log is")
    options = parser.parse_args()
    console = Console()
    sizes = dict.fromkeys((options.events, options.events * options.times))
    show(_table([_measured(events, console) for events in sizes]), console)


def _measured(events: int, console: Console) -> tuple[Measured, Verified]:
    workload = Workload(events, older=0, gap=5_000)
    with home() as directory, embedded_servers(directory, optimising_jvm=True) as running:
        version = configure(running)
        show(machine(version, kafka_version()), console)
        bootstrap_servers = running.servers.bootstrap_servers
        show(describe(workload, publish(bootstrap_servers, workload)), console)
        databases = Databases(running.postgres.url, workload)
        databases.prepare()
        processes = ServerProcesses(running.postgres.pid, running.kafka.pid)
        with databases.copy(OURS) as url:
            live = alone(ours.run, Job(url, bootstrap_servers, processes, Workload(events, 0, 5_000), "bench", events))
            databases.verify(url, "fsm_state")
            verified = _verified(events, url, bootstrap_servers)
        running.check()
    show(f"live {live.rate:,.0f} events/s, verify {verified.rate:,.0f} events/s", console)
    return live, verified


def _verified(events: int, database_url: str, bootstrap_servers: str) -> Verified:
    places = {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "FOLDLINE_TRANSITION_TOPICS": TOPIC,
        "FOLDLINE_WORKFLOW_TOPICS": OTHER_TOPIC,
    }
    began, before = time.perf_counter(), _spent_by_children()
    command = [sys.executable, "-m", "foldline", "verify", "--processes", str(len(os.sched_getaffinity(0)))]
    with subprocess.Popen(command, env=os.environ | places) as process:
        peak = max(_memory(process))
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise NotCleanError(f"verify ended with {process.returncode}")
    return Verified(events, seconds, _spent_by_children() - before, peak)


def _memory(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """What its processes hold in memory, again and again until it ends."""
    yield 0
    first = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            yield sum(each.memory_info().rss for each in (first, *first.children(recursive=True)))
        except psutil.NoSuchProcess:  # one of them has just ended
            continue
        time.sleep(_LOOK_EVERY_SECONDS)


def _spent_by_children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _table(runs: list[tuple[Measured, Verified]]) -> Table:
    found = Table(title="one worker, then verify, on one log; CPU an event: of worker and PostgreSQL, of verify")
    found.add_column("events", justify="right")
    for name in ("live events/s", "verify events/s", "times", "live CPU µs", "verify CPU µs", "verify peak RSS"):
        found.add_column(name, justify="right")
    for live, verified in runs:
        found.add_row(
            f"{verified.events:,}",
            f"{live.rate:,.0f}",
            f"{verified.rate:,.0f}",
            f"{verified.rate / live.rate:.1f}",
            f"{live.client_us + live.postgres_us:.1f}",
            f"{1e6 * verified.cpu / verified.events:.1f}",
            f"{verified.peak / _MEGABYTE:,.0f} MB",
        )
    return found


if __name__ == "__main__":
    main()
