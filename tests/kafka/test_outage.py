"""A broker that dies and comes back: nothing is lost, little is said, and nobody waits for it for ever."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import Event

import psycopg
import pytest
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by documentation, not by its types
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from clusters import Cluster, Topics
from foldline import facts
from foldline.embedded.jars import JarCache, locked_jars
from foldline.embedded.java import find_java
from foldline.embedded.kafka import Kafka
from foldline.embedded.ports import Ports
from foldline.kafka.topics import create_topics
from foldline.watch.health import Health, Limits
from growing import Log
from harness import rows, workflow
from members import PROTOCOLS, Member, membership, short_sessions

_INTERLOPER = "UPDATE foldline_positions SET epoch = epoch + 1, owner = 'interloper' WHERE topic = %s"
_BLOCKED = """
SELECT count(*) FROM pg_stat_activity, pg_sleep(0.02)
WHERE datname = current_database() AND application_name LIKE 'foldline worker%%' AND wait_event_type = 'Lock'
"""
_ACLS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
_MOST_TROUBLES = 12
_PARTITIONS = 8
_LONGEST_LEAVE_SECONDS = 30.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """A broker of this module's own, to be killed; it refuses what an ACL denies."""
    with tempfile.TemporaryDirectory(prefix="foldline-outage-") as name:
        root = Path(name)
        jars = JarCache(Path.home() / ".cache/foldline", locked_jars()).complete(Event())
        kafka = Kafka(root, Ports(root), find_java(), jars, optimising=False, settings=_ACLS)
        kafka.start()
        yield kafka
        kafka.stop()


@pytest.fixture
def clusters(
    broker: Kafka, database_url: str, second_database_url: str, topic_name: Callable[[], str]
) -> dict[str, Cluster]:
    """Two topics and a database for each protocol."""
    made = {}
    for protocol, url in zip(PROTOCOLS, (database_url, second_database_url), strict=True):
        names = (topic_name(), topic_name())
        create_topics({"bootstrap.servers": broker.bootstrap_servers}, incoming=names, outgoing=())
        made[protocol] = Cluster(url, broker.bootstrap_servers, Topics(*names))
    return made


def test_a_topic_that_may_not_be_read_for_a_while_is_said_and_goes_on_by_itself(clusters: dict[str, Cluster]) -> None:
    cluster = clusters["classic"]
    log = Log(cluster)
    topic = cluster.topics.transitions
    of_topic = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*")
    denied = AclBinding(*of_topic, AclOperation.READ, AclPermissionType.DENY)
    granted = AclBindingFilter(*of_topic, AclOperation.READ, AclPermissionType.DENY)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    with membership() as join:
        member = join(cluster)
        member.wait_to_hold(8)
        admin.create_acls([denied])[denied].result()
        member.wait_until(
            lambda: any(f"{topic}[" in str(fact) for fact in member.all(facts.BrokerTrouble)), "word of the refusal"
        )
        cluster.publish(cluster.topics.workflows, [workflow("STARTED")])
        member.wait_for(facts.BatchApplied)
        admin.delete_acls([granted])[granted].result()
        _wait_until_granted(admin, topic)
        log.grow()
        member.wait_until(log.passed)
    log.check()
    assert not member.all(facts.PartitionStopped)


def test_workers_outlive_the_broker_and_claim_back_what_they_lost_meanwhile(
    broker: Kafka, clusters: dict[str, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.kafka.membership._LEAVE_WITHIN_SECONDS", 1.0)
    logs = {protocol: Log(cluster) for protocol, cluster in clusters.items()}
    with membership() as join:
        members = {
            protocol: join(cluster, kafka=short_sessions(cluster, protocol)) for protocol, cluster in clusters.items()
        }
        for member in members.values():
            member.wait_to_hold(8)
        with ExitStack() as interlopers:
            for protocol, cluster in clusters.items():
                _interlope(interlopers.enter_context(psycopg.connect(cluster.database_url)), cluster)
                logs[protocol].grow()
                _wait_until_blocked(cluster)
            broker.kill()
        for member in members.values():
            member.wait_for(facts.PartitionFenced)
            member.wait_for(facts.BrokerTrouble)
        classic = members["classic"]  # such a member sees by its own clock that its session has run out
        classic.wait_until(lambda: len(classic.all(facts.PartitionLost)) == _PARTITIONS, "the loss of all it had")
        assert not _ready(classic)
        broker.start()
        for protocol, member in members.items():
            logs[protocol].grow()
            member.wait_until(logs[protocol].passed)
            logs[protocol].check()
            assert len(member.all(facts.BrokerTrouble)) <= _MOST_TROUBLES, member.heard
            assert not member.all(facts.PartitionStopped)
            member.wait_until(partial(_ready, member), "being ready again")
        _leave_without_a_broker(broker, logs, members)


def _ready(member: Member) -> bool:
    health = Health(Limits(live=60, progress=300), lambda: 0.0)
    for fact in list(member.heard):
        health.hear(fact)
    return health.report(database=None).ready.ok


def _wait_until_granted(admin: AdminClient, topic: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(KafkaException):
            admin.describe_topics(TopicCollection([topic]))[topic].result()
            return
    raise AssertionError("the topic may not be read again")


def _leave_without_a_broker(broker: Kafka, logs: dict[str, Log], members: dict[str, Member]) -> None:
    for protocol, member in members.items():
        logs[protocol].grow()
        member.wait_until(logs[protocol].passed)
    broker.kill()
    began = time.monotonic()
    for member in members.values():
        member.leave()
    assert time.monotonic() - began < _LONGEST_LEAVE_SECONDS


def _interlope(interloper: psycopg.Connection, cluster: Cluster) -> None:
    """Take the partitions over, and hold whoever works on them up until the connection ends."""
    interloper.execute("LOCK TABLE foldline_positions IN SHARE MODE")
    interloper.execute(_INTERLOPER, (cluster.topics.transitions,))


def _wait_until_blocked(cluster: Cluster) -> None:
    for _ in range(3000):
        if rows(cluster.database_url, _BLOCKED) != [(0,)]:
            return
    raise AssertionError("no worker came to wait for a lock")
