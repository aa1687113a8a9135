"""A worker on the real broker: control records, two workers in one group, and a worker that leaves."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Consumer, TopicPartition

from clusters import Cluster, run_until
from foldline.app import Projection
from harness import COUNTS, rows, transition, workflow

STARTS = [transition("START_PROCESSING", event_id="1", entity_id=f"doc-{n}") for n in range(40)]


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


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_leaves(cluster: Cluster) -> None:
    topic = cluster.topics.transitions

    def publish(first: int, last: int) -> None:
        for number in range(4):
            cluster.publish(topic, STARTS[number * 10 + first : number * 10 + last], partition=number)

    with cluster.worker() as stays:
        publish(0, 5)
        run_until(stays, stays.until_caught_up())
        with cluster.worker() as leaves:
            run_until(stays, _turning(leaves, lambda: stays.custody.held == leaves.custody.held == 4))
            publish(5, 8)
            run_until(stays, _turning(leaves, stays.until_caught_up()))
        publish(8, 10)
        run_until(stays, stays.until_caught_up())
        assert stays.custody.held == 8
    assert rows(cluster.database_url, "SELECT count(*), count(DISTINCT entity_id) FROM fsm_state_history") == [(40, 40)]


def _turning(other: Projection, reached: Callable[[], bool]) -> Callable[[], bool]:
    """The condition, with a turn of the other worker before each look."""

    def turned() -> bool:
        other.worker.turn()
        return reached()

    return turned
