"""What one seed works on: a migrated database and topics of its own, on servers that all seeds share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from foldline.embedded import embedded_servers
from foldline.embedded.servers import RunningServers
from foldline.kafka.topics import create_topics
from foldline.postgres.migrations import Runner
from torture.log import PARTITIONS
from torture.schedule import SESSION_SECONDS, Conditions

_HEARTBEAT_MS = 300
_BROKER = {
    "group.consumer.session.timeout.ms": str(int(SESSION_SECONDS * 1000)),
    "group.consumer.heartbeat.interval.ms": str(_HEARTBEAT_MS),
}
"""Sessions end sooner than those of embedded servers do, so that partitions change hands often."""
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'foldline worker%'"""


@dataclass(frozen=True)
class Installation:
    """Where a worker of this seed finds everything."""

    database_url: str = field(repr=False)
    bootstrap_servers: str
    transitions: str
    workflows: str

    @property
    def topics(self) -> tuple[str, str]:
        """Both."""
        return self.transitions, self.workflows

    @property
    def database_port(self) -> int:
        """Of PostgreSQL itself."""
        return int(str(conninfo_to_dict(self.database_url)["port"]))

    def settings(self, conditions: Conditions, number: int, port: int | None = None) -> Mapping[str, str]:
        """The environment of a worker; with a port, it goes by the proxy that listens there."""
        direct = make_conninfo(self.database_url, sslmode="disable", gssencmode="disable")
        settings = {
            "DATABASE_URL": direct if port is None else make_conninfo(direct, port=port),
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "FOLDLINE_TRANSITION_TOPICS": self.transitions,
            "FOLDLINE_WORKFLOW_TOPICS": self.workflows,
            "FOLDLINE_GROUP_ID": f"{self.transitions}.group",
            "FOLDLINE_BATCH_SIZE": str(conditions.batch_size),
            "FOLDLINE_KAFKA__GROUP_PROTOCOL": conditions.protocol,
            "FOLDLINE_KAFKA__RECONNECT_BACKOFF_MAX_MS": "500",
        }
        if conditions.protocol == "classic":
            settings["FOLDLINE_KAFKA__SESSION_TIMEOUT_MS"] = str(int(SESSION_SECONDS * 1000))
            settings["FOLDLINE_KAFKA__HEARTBEAT_INTERVAL_MS"] = str(_HEARTBEAT_MS)
        if conditions.static:
            settings["FOLDLINE_KAFKA__GROUP_INSTANCE_ID"] = f"worker-{number}"
        return settings


@contextmanager
def servers() -> Iterator[RunningServers]:
    """PostgreSQL and Kafka on a home that is removed at the end."""
    with TemporaryDirectory(prefix="foldline-torture-", dir="/var/tmp") as name:
        Path(name).chmod(0o711)  # as root, PostgreSQL runs as an account that must be able to pass through
        with embedded_servers(Path(name) / "home", broker_settings=_BROKER) as running:
            yield running


def installed(database_url: str, bootstrap_servers: str, name: str) -> Installation:
    """Make the database and the topics."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    made = Installation(
        make_conninfo(database_url, dbname=name), bootstrap_servers, f"{name}.transitions", f"{name}.workflows"
    )
    Runner(made.database_url).apply()
    properties = {"bootstrap.servers": bootstrap_servers}
    create_topics(properties, incoming=made.topics, outgoing=(), partitions=PARTITIONS)
    return made


def restart_database(running: RunningServers) -> None:
    """As after a crash: no checkpoint, no goodbye."""
    os.kill(running.postgres.pid, signal.SIGQUIT)
    running.postgres.stop()
    running.postgres.start()


def kill_broker(running: RunningServers, seconds: float) -> None:
    """SIGKILL, and a start so much later."""
    running.kafka.kill()
    time.sleep(seconds)
    running.kafka.start()


def end_sessions(database_url: str) -> int:
    """Terminate every session of every worker; returns how many."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return len(connection.execute(_END_SESSIONS).fetchall())
