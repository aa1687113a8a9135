"""`python -m torture.recovery`: how long projecting pauses when a worker is killed, and when PostgreSQL crashes.

Two workers as a user would run them; events arrive all the time. What is measured is printed with what governs it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.console import Console
from rich.table import Table

from foldline.embedded.servers import RunningServers
from torture.installation import Installation, installed, restart_database, servers
from torture.log import Log
from torture.proxy import Proxy
from torture.schedule import Conditions
from torture.workers import Worker, crew
from torture.writing import writing

_CONDITIONS = Conditions("classic", static=False, workers=2, batch_size=500)
_POSITIONS = "SELECT topic, partition, next_offset, owner FROM foldline_positions"
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 90
_EVENTS_PER_SECOND = 200

Partition = tuple[str, int]


@dataclass(frozen=True)
class Standing:
    """Where a partition stands, and which process owns it."""

    next_offset: int
    pid: int


def main() -> int:
    """Measure, and print; returns the exit code."""
    options = _options()
    heartbeat = options.session_ms // 6
    kafka = {"SESSION_TIMEOUT_MS": options.session_ms, "HEARTBEAT_INTERVAL_MS": heartbeat}
    console = Console(soft_wrap=True, highlight=False)
    with TemporaryDirectory(prefix="foldline-recovery-") as logs, servers() as running:
        place = installed(running.servers.database_url, running.servers.bootstrap_servers, "recovery")
        settings = {
            **place.settings(_CONDITIONS, 0),
            **{f"FOLDLINE_KAFKA__{name}": str(number) for name, number in kafka.items()},
        }
        pair = [Worker(number, Proxy(0), settings, Path(logs)) for number in range(_CONDITIONS.workers)]
        with crew(pair), writing(Log(1, *place.topics), place.bootstrap_servers, per_second=_EVENTS_PER_SECOND):
            killed = [_after_a_kill(place, pair) for _ in range(options.times)]
            restarted = [_after_a_restart(place, pair, running) for _ in range(options.times)]
            for worker in pair:
                worker.leave()
            for worker in pair:
                worker.wait()
    table = Table("seconds", "median", "least", "most", title=f"{options.times} times each, {os.cpu_count()} cores")
    table.add_row("SIGKILL of one of two: first event of its partitions", *_shown([each[0] for each in killed]))
    table.add_row("SIGKILL of one of two: every partition goes on", *_shown([each[1] for each in killed]))
    table.add_row("PostgreSQL crashes: it answers again", *_shown([each[0] for each in restarted]))
    table.add_row("PostgreSQL crashes: first commit", *_shown([each[1] for each in restarted]))
    console.print(table)
    console.print(
        f"Governed by session.timeout.ms {options.session_ms} (a killed worker's partitions are given away when it is"
        f" over), heartbeat.interval.ms {heartbeat} (when the others hear of it), and the worker's back-off from the"
        " database: 0.1 to 10 s, doubled each time, with jitter.",
        markup=False,
    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m torture.recovery", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--session-ms", type=int, default=6000, help="session.timeout.ms of the workers (6000)")
    return parser.parse_args()


def _after_a_kill(place: Installation, pair: Sequence[Worker]) -> tuple[float, float]:
    """Seconds until the first, and until every partition of the killed worker goes on under the other."""
    before = _both_at_work(place, pair)
    victim, other = pair
    owned = {where for where, standing in before.items() if standing.pid == victim.pid}
    other_pid = other.pid
    began = time.monotonic()
    victim.kill()
    at_death = _standings(place)

    def gone_on() -> int:
        now = _standings(place)
        return sum(
            now[where].pid == other_pid and now[where].next_offset > at_death[where].next_offset for where in owned
        )

    first = _until(lambda: gone_on() > 0, began)
    return first, _until(lambda: gone_on() == len(owned), began)


def _after_a_restart(place: Installation, pair: Sequence[Worker], running: RunningServers) -> tuple[float, float]:
    """Seconds until PostgreSQL answers again after a crash, and until the first commit after it."""
    before = _both_at_work(place, pair)
    began = time.monotonic()
    restart_database(running)
    answers = time.monotonic() - began
    at_crash = _standings(place)
    assert at_crash.keys() == before.keys(), "no partition comes or goes"

    def commits() -> bool:
        now = _standings(place)
        return any(now[where].next_offset > at_crash[where].next_offset for where in now)

    return answers, _until(commits, began)


def _both_at_work(place: Installation, pair: Sequence[Worker]) -> dict[Partition, Standing]:
    """Start who is not there, and wait until both own partitions and every partition has moved under its owner."""
    for worker in pair:
        if not worker.alive:
            worker.start()
    seen: dict[Partition, Standing] = {}
    pids = {worker.pid for worker in pair}

    def at_work() -> bool:
        now = _standings(place)
        for where, standing in now.items():
            seen.setdefault(where, standing)
        moved = all(now[where].next_offset > seen[where].next_offset for where in now)
        return len(now) > 0 and moved and {standing.pid for standing in now.values()} == pids

    _until(at_work, time.monotonic())
    return _standings(place)


def _standings(place: Installation) -> dict[Partition, Standing]:
    with suppress(psycopg.OperationalError), psycopg.connect(place.database_url, connect_timeout=2) as connection:
        rows = connection.execute(_POSITIONS).fetchall()
        return {
            (topic, number): Standing(offset, int(owner.rpartition(":")[2])) for topic, number, offset, owner in rows
        }
    return {}


def _until(holds: Callable[[], bool], began: float) -> float:
    """Seconds from `began` until it holds."""
    while not holds():
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise TimeoutError("the workers do not come to it")
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - began


def _shown(seconds: Sequence[float]) -> tuple[str, str, str]:
    return f"{statistics.median(seconds):.1f}", f"{min(seconds):.1f}", f"{max(seconds):.1f}"


if __name__ == "__main__":
    sys.exit(main())
