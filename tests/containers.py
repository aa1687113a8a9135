"""PostgreSQL and Kafka in containers, for a session that asks for them: reached on 127.0.0.1 only, gone at the end."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy

_HOST = "127.0.0.1"


@contextmanager
def containers(*, postgres_major: int) -> Iterator[tuple[str, str]]:
    """Start both; yields the URL of PostgreSQL, as its superuser, and the bootstrap servers of Kafka."""
    password, database_port, kafka_port = secrets.token_hex(), _free_port(), _free_port()
    with (
        _published(_postgres(postgres_major, password), 5432, database_port),
        _published(_kafka(kafka_port), 9094, kafka_port),
    ):
        yield f"postgresql://postgres:{password}@{_HOST}:{database_port}/postgres", f"{_HOST}:{kafka_port}"


def _postgres(major: int, password: str) -> DockerContainer:
    # Over TCP: the server that initialises the directory listens on its socket only.
    ready = ExecWaitStrategy(["pg_isready", f"--host={_HOST}", "--username=postgres"])
    return DockerContainer(f"postgres:{major}", env={"POSTGRES_PASSWORD": password}).waiting_for(ready)


def _kafka(port: int) -> DockerContainer:
    """One node; a broker tells its clients where it is, so the port outside has to be known before it starts."""
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
        "KAFKA_LISTENERS": "INSIDE://:9092,CONTROLLER://:9093,OUTSIDE://:9094",
        "KAFKA_ADVERTISED_LISTENERS": f"INSIDE://localhost:9092,OUTSIDE://{_HOST}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS": "100",
    }
    return DockerContainer("apache/kafka:4.3.0", env=environment).waiting_for(
        LogMessageWaitStrategy("Kafka Server started")
    )


def _published(container: DockerContainer, inside: int, outside: int) -> DockerContainer:
    container.ports[str(inside)] = (_HOST, outside)  # type: ignore[assignment]  # Docker takes an address, too
    return container


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port
