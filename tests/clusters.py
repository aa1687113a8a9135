"""Workers on the real broker: settings, a log to publish to, and runs until everything is caught up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from foldline import facts
from foldline.app import Place, Projection, projection
from foldline.kafka.topics import create_topics
from foldline.settings import Settings
from harness import encoded

_LIMIT_SECONDS = 60
_ONE_AT_A_TIME = {"max.in.flight.requests.per.connection": 1}  # on a topic just made an event may be lost otherwise


@dataclass(frozen=True)
class Topics:
    """A transition topic and a workflow topic that no other test uses."""

    transitions: str
    workflows: str


@contextmanager
def topics_made(bootstrap_servers: str, topics: Topics) -> Iterator[Topics]:
    """Four partitions of each, deleted at the end of the block."""
    names = (topics.transitions, topics.workflows)
    create_topics({"bootstrap.servers": bootstrap_servers}, incoming=names, outgoing=())
    yield topics
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for future in admin.delete_topics(list(names)).values():
        future.result()


@dataclass
class Cluster:
    """Topics of this test's own, and a worker on them and on this test's database."""

    database_url: str = field(repr=False)
    bootstrap_servers: str
    topics: Topics
    announced: list[facts.Fact] = field(default_factory=list)

    def settings(self, **changes: object) -> Settings:
        """Settings as the environment would give them."""
        return Settings.model_validate(
            {
                "DATABASE_URL": self.database_url,
                "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
                "transition_topics": (self.topics.transitions,),
                "workflow_topics": (self.topics.workflows,),
                "group_id": self.topics.transitions,
                **changes,
            }
        )

    def publish(self, topic: str, events: Iterable[dict[str, Any] | bytes | None], partition: int = 0) -> None:
        """Append to one partition."""
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "enable.idempotence": True, **_ONE_AT_A_TIME})
        for event in events:
            producer.produce(topic, encoded(event), key=b"k", partition=partition)
        assert producer.flush(30) == 0

    def publish_in_transaction(
        self,
        topic: str,
        events: Sequence[dict[str, Any]],
        *,
        commit: bool,
        partition: int = 0,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Append in one transaction of a producer, which leaves a control record behind; readers do not see it open."""
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "transactional.id": topic, **_ONE_AT_A_TIME})
        producer.init_transactions(30)
        producer.begin_transaction()
        for event in events:
            producer.produce(topic, encoded(event), key=b"k", partition=partition)
        producer.flush(30)
        meanwhile()
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)

    def worker(self, **changes: object) -> AbstractContextManager[Projection]:
        """A worker in a `with` block."""
        return projection(Place(self.settings(**changes), None), self.announced.append)

    def catch_up(self, **changes: object) -> Projection:
        """Run one worker until everything is projected."""
        with self.worker(**changes) as ours:
            run_until(ours, ours.until_caught_up())
            return ours


def run_until(ours: Projection, reached: Callable[[], bool]) -> None:
    """Turn the worker until the condition holds; fails after a minute."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    ours.worker.run(lambda: reached() or time.monotonic() > deadline)
    assert time.monotonic() < deadline, "not caught up within a minute"


def read_topic(bootstrap_servers: str, topic: str) -> list[Message]:
    """Everything in a topic, each partition in its order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": topic,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        unread = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, 0) for number in unread])
        found: list[Message] = []
        while unread:
            record = consumer.poll(10)
            assert record is not None, f"after {len(found)} records the ends of {unread} do not come"
            error = record.error()
            if error is None:
                found.append(record)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error  # noqa: SLF001  a code
                unread -= {record.partition()}
        return found
    finally:
        consumer.close()
