from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from foldline.embedded import RunningServers, Servers, embedded_servers, running_servers
from foldline.errors import EmbeddedError


def admin_of(servers: Servers) -> AdminClient:
    return AdminClient({"bootstrap.servers": servers.bootstrap_servers, "log_level": 0})


def make_topic(servers: Servers, topic: str) -> None:
    admin = admin_of(servers)
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)


def produce(servers: Servers, topic: str, text: str) -> None:
    producer = Producer({"bootstrap.servers": servers.bootstrap_servers, "log_level": 0})
    producer.produce(topic, text)
    assert producer.flush(20) == 0


def consume_one(servers: Servers, topic: str, group: str) -> bytes | None:
    consumer = Consumer(
        {
            "bootstrap.servers": servers.bootstrap_servers,
            "group.id": group,
            "group.protocol": "consumer",  # only a broker formatted by its own tool knows these groups
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None, message.error()
        return message.value()
    finally:
        consumer.close()


def ask(servers: Servers, query: str) -> object:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_the_topic_of_group_offsets_is_made_before_any_group_asks(running: RunningServers) -> None:
    admin = admin_of(running.servers)
    deadline = time.monotonic() + 20
    while "__consumer_offsets" not in admin.list_topics(timeout=20).topics:
        assert time.monotonic() < deadline, "no group was touched"


def test_postgres_is_the_version_asked_for_and_sorts_by_code_point(running: RunningServers) -> None:
    assert str(ask(running.servers, "SHOW server_version")).startswith("18.")
    assert ask(running.servers, "SELECT 'é' > 'z' AND 'a' > 'Z' AND upper('é') = 'É'") is True


def test_postgres_lets_nobody_in_without_the_password(running: RunningServers) -> None:
    user_and_password = running.servers.database_url.split("//")[1].split("@")[0]
    url = running.servers.database_url.replace(user_and_password, "foldline:guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_kafka_carries_a_record_to_a_group_of_the_new_protocol(running: RunningServers) -> None:
    make_topic(running.servers, "carried")
    produce(running.servers, "carried", "hello")
    assert consume_one(running.servers, "carried", "readers") == b"hello"


def test_other_processes_find_the_running_servers(running: RunningServers) -> None:
    assert running_servers(running.servers.home) == running.servers


def test_secrets_are_in_private_files_and_in_no_representation(running: RunningServers) -> None:
    home = running.servers.home
    password = (home / "postgres.password").read_text()
    assert len(password) >= 32
    assert password not in repr(running)
    assert password in running.servers.database_url
    for name in ("running.json", "postgres.password", "postgres.log", "kafka.log"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name
    for name in ("postgres.log", "kafka.log", "ports.json", "kafka.properties"):
        assert password not in (home / name).read_text(), name


def test_a_second_holder_is_told_who_holds_the_home(running: RunningServers) -> None:
    with (
        pytest.raises(EmbeddedError, match=rf"in use by process {os.getpid()}\."),
        embedded_servers(running.servers.home),
    ):
        pass
    assert running_servers(running.servers.home) == running.servers


def test_killed_servers_are_noticed_and_come_back_with_their_data(running: RunningServers) -> None:
    make_topic(running.servers, "kept")
    produce(running.servers, "kept", "still there")
    with psycopg.connect(running.servers.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    running.check()
    for server in (running.postgres, running.kafka):
        dead = server.pid
        server.kill()
        with pytest.raises(EmbeddedError, match=rf"{server.name} ended by itself with code -9"):
            running.check()
        server.start()
        assert server.pid != dead
        running.check()
    assert ask(running.servers, "SELECT number FROM kept") == 1
    assert consume_one(running.servers, "kept", "late readers") == b"still there"


def test_a_second_start_has_the_same_urls_and_data_until_a_fresh_one(place: Path) -> None:
    with embedded_servers(place / "home") as running:
        first = running.servers
        make_topic(first, "kept")
        produce(first, "kept", "across starts")
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    assert running_servers(place / "home") is None

    with embedded_servers(place / "home") as running:
        assert running.servers == first
        assert ask(first, "SELECT number FROM kept") == 1
        assert consume_one(first, "kept", "readers") == b"across starts"

    heard: list[str] = []
    with embedded_servers(
        place / "home", fresh=True, postgres_major=16, optimising_jvm=True, announce=heard.append
    ) as running:
        assert running.servers.database_url != first.database_url
        assert ask(running.servers, "SELECT to_regclass('kept') IS NULL") is True
        assert str(ask(running.servers, "SHOW server_version")).startswith("16.")
        assert ask(running.servers, "SELECT 'é' > 'z' AND 'a' > 'Z'") is True
        assert "kept" not in admin_of(running.servers).list_topics(timeout=20).topics
    assert len(heard) == 1
    assert str(place / "home") in heard[0]
