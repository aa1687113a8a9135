"""A worker on the real broker: events of both kinds, what the group hears, and control records."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition

from clusters import Cluster
from harness import COUNTS, rows, transition, workflow

STARTS = [transition("START_PROCESSING", event_id="1", entity_id=f"doc-{n}") for n in range(6)]


def test_events_of_both_kinds_end_in_the_tables_and_the_group_hears_of_it(cluster: Cluster) -> None:
    cluster.publish(cluster.topics.transitions, [STARTS[0], b"poison", STARTS[0]], partition=2)
    cluster.publish(cluster.topics.workflows, [workflow("STARTED"), workflow("PAUSED"), None], partition=1)
    cluster.catch_up()
    assert [row for row in rows(cluster.database_url, COUNTS) if any(row)] == [(1, 1, 0, 1), (2, 0, 0, 1)]
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": cluster.topics.transitions})
    (committed,) = consumer.committed([TopicPartition(cluster.topics.transitions, 2)], timeout=30)
    consumer.close()
    assert committed.offset == 3


def test_aborted_records_are_no_records_and_positions_pass_them(cluster: Cluster) -> None:
    topic = cluster.topics.transitions
    cluster.publish_in_transaction(topic, STARTS[:3], commit=True)
    cluster.publish_in_transaction(topic, STARTS[3:6], commit=False)
    cluster.catch_up()
    assert rows(cluster.database_url, "SELECT count(*) FROM fsm_state") == [(3,)]
    positions = "SELECT next_offset, applied FROM foldline_positions WHERE topic = %s AND partition = 0"
    assert rows(cluster.database_url, positions, topic) == [(8, 3)]
