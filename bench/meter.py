"""One measured stretch: time, CPU of this process, CPU of the whole PostgreSQL server, bytes of WAL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg


@dataclass(frozen=True, slots=True)
class ServerProcesses:
    """The process ids of the two servers."""

    postmaster: int
    kafka: int


@dataclass(frozen=True, slots=True)
class _Spent:
    """CPU seconds so far."""

    client: float
    postgres: float
    kafka: float
    machine: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run took for `events` events. CPU in seconds; `others` is how many cores strangers kept busy meanwhile."""

    events: int
    seconds: float
    client_cpu: float
    postgres_cpu: float
    others: float
    wal_bytes: int

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def client_us(self) -> float:
        """Microseconds of CPU per event in the client."""
        return 1e6 * self.client_cpu / self.events

    @property
    def postgres_us(self) -> float:
        """Microseconds of CPU per event in PostgreSQL."""
        return 1e6 * self.postgres_cpu / self.events

    @property
    def wal(self) -> float:
        """Bytes of WAL per event."""
        return self.wal_bytes / self.events


class Meter:
    """Starts when it is told to and reads everything at once when it is told to stop."""

    def __init__(self, database_url: str, servers: ServerProcesses) -> None:
        self._connection: psycopg.Connection[Any] = psycopg.connect(database_url, autocommit=True)
        self._servers = servers
        self._began = 0.0
        self._before = _Spent(0, 0, 0, 0)
        self._wal = 0

    @property
    def started(self) -> bool:
        """Whether the clock runs."""
        return self._began > 0

    def start(self) -> None:
        """The work begins now."""
        self._wal = self._position()
        self._before = self._spent()
        self._began = time.perf_counter()

    def stop(self, events: int) -> Measured:
        """The work is done: `events` events are committed."""
        seconds = time.perf_counter() - self._began
        before, after = self._before, self._spent()
        wal = self._position() - self._wal
        self._connection.close()
        client = after.client - before.client
        postgres = after.postgres - before.postgres
        others = after.machine - before.machine - client - postgres - (after.kafka - before.kafka)
        return Measured(events, seconds, client, postgres, max(0.0, others / seconds), wal)

    def _position(self) -> int:
        row = self._connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
        assert row is not None, "the function has one answer"
        return int(row[0])

    def _spent(self) -> _Spent:
        machine = psutil.cpu_times()
        return _Spent(
            time.process_time(),
            _of_tree(self._servers.postmaster),
            _of_tree(self._servers.kafka),
            sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice,
        )


def _of_tree(pid: int) -> float:
    """CPU of a process, of its children that live, and of those that have ended."""
    process = psutil.Process(pid)
    ours = process.cpu_times()
    total = ours.user + ours.system + ours.children_user + ours.children_system
    for child in process.children():
        try:
            spent = child.cpu_times()
        except psutil.NoSuchProcess:  # it ended meanwhile: hundredths of a second at most
            continue
        total += spent.user + spent.system
    return float(total)
