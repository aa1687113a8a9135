"""docs/publish-java-go-node.md holds: each program sends exactly these records, and they are projected."""

from __future__ import annotations

import json
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import Message

from acceptance.publishers.page import PublishedRecord, published_records
from acceptance.publishers.workshop import TOOLCHAINS, Workshop, require
from clusters import Cluster, Topics, read_topic
from foldline.embedded import Servers
from foldline.kafka.publisher import Publisher, Routed
from harness import rows

TRANSITION_TOPIC, WORKFLOW_TOPIC = "fsm.transitions.v1", "workflow.executions.v1"
NO_PRODUCER_ID = -1
VERDICTS = (
    "SELECT sum(applied)::int, sum(duplicate)::int, sum(rejected)::int, sum(undecodable)::int FROM foldline_positions"
)


def _promised(topics: Topics) -> list[PublishedRecord]:
    """The page's records, on these topics."""
    ours = {TRANSITION_TOPIC: topics.transitions, WORKFLOW_TOPIC: topics.workflows}
    return [replace(record, topic=ours[record.topic]) for record in published_records()]


def _found(bootstrap_servers: str, topics: Topics) -> list[PublishedRecord]:
    """What lies in the two topics, each partition in its order."""
    return [
        _as_published(topic, record)
        for topic in (topics.transitions, topics.workflows)
        for record in read_topic(bootstrap_servers, topic)
    ]


def _as_published(topic: str, record: Message) -> PublishedRecord:
    key, value, partition = record.key(), record.value(), record.partition()
    assert key is not None
    assert value is not None
    assert partition is not None
    headers = cast("list[tuple[str, bytes]]", record.headers() or [])
    return PublishedRecord(topic, partition, key, value, tuple(headers))


def _producer_ids(home: Path, topic: str, partition: int) -> list[int]:
    """Who wrote each batch of a partition: from the embedded broker's own file, for no client is told."""
    segment = (home / "kafka" / f"{topic}-{partition}" / f"{0:020}.log").read_bytes()
    found: list[int] = []
    at = 0
    while at < len(segment):
        (length,) = struct.unpack_from(">i", segment, at + 8)
        found += struct.unpack_from(">q", segment, at + 43)
        at += 12 + length
    return found


def test_the_page_s_keys_are_those_that_order_its_events() -> None:
    for record in published_records():
        event = json.loads(record.value)
        assert record.key.decode() == event["entity_id" if record.topic == TRANSITION_TOPIC else "workflow_id"]


def test_the_log_holds_what_the_page_shows(bootstrap_servers: str, topics: Topics) -> None:
    assert _found(bootstrap_servers, topics) == sorted(_promised(topics), key=lambda record: record.topic)


def test_the_producer_is_idempotent(servers: Servers, bootstrap_servers: str, topics: Topics) -> None:
    for record in _found(bootstrap_servers, topics):
        assert NO_PRODUCER_ID not in _producer_ids(servers.home, record.topic, record.partition)


def test_what_was_sent_is_projected(cluster: Cluster) -> None:
    cluster.catch_up()
    assert rows(
        cluster.database_url,
        "SELECT fsm_type, entity_id, from_state, to_state, correlation_id, event_id, metadata->>'amount'"
        " FROM fsm_state_history ORDER BY id",
    ) == [
        ("INGESTION", "café-7", "RECEIVED", "PROCESSING", "order-1001", "evt-1", "9007199254740993.10"),
        ("INGESTION", "café-7", "PROCESSING", "INDEXED", "order-1001", "evt-2", None),
    ]
    assert rows(cluster.database_url, "SELECT entity_id, previous_state, current_state FROM fsm_state") == [
        ("café-7", "PROCESSING", "INDEXED")
    ]
    assert rows(
        cluster.database_url, "SELECT workflow_id, operation_type, entity_id, status FROM workflow_executions"
    ) == [("wf-10", "DOCUMENT_INGESTION", "café-7", "RUNNING")]
    assert rows(cluster.database_url, VERDICTS) == [(3, 0, 0, 0)]


def test_keys_go_where_foldline_puts_them_and_what_it_sent_before_is_a_duplicate(
    workshop: Workshop, database_url: str, bootstrap_servers: str, uneven_topics: Topics
) -> None:
    with Publisher({"bootstrap.servers": bootstrap_servers}) as publisher:
        publisher.publish(
            Routed(record.topic, record.key, record.value, record.headers) for record in _promised(uneven_topics)
        )
    by_foldline = Counter(_found(bootstrap_servers, uneven_topics))
    workshop.run(bootstrap_servers, uneven_topics)
    assert Counter(_found(bootstrap_servers, uneven_topics)) == by_foldline + by_foldline
    Cluster(database_url, bootstrap_servers, uneven_topics).catch_up()
    assert rows(database_url, VERDICTS) == [(3, 3, 0, 0)]


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_a_toolchain_that_is_missing_is_named_with_what_to_install(language: str, tmp_path: Path) -> None:
    toolchain = TOOLCHAINS[language]
    with pytest.raises(pytest.fail.Exception, match=f"^{toolchain.programs[0]} is not on PATH. Install "):
        require(toolchain, str(tmp_path))
