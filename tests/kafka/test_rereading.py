"""Spans of the log read once more: exactly their records, to their end, or an error that says what is gone."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from clusters import Cluster, read_topic
from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.errors import LogError
from foldline.kafka.log import LogReader
from foldline.kafka.rereading import Rereading
from harness import transition
from topic_changes import TopicChanges


def _events(count: int) -> list[dict[str, object]]:
    return [transition("START_PROCESSING", event_id=str(number)) for number in range(count)]


def _offsets(
    rereading: Rereading, partition: Partition, start: int, end: int, topic_id: str | None = None
) -> list[int]:
    return [record.offset for chunk in rereading.span(partition, start, end, topic_id=topic_id) for record in chunk]


@pytest.fixture
def rereading(cluster: Cluster) -> Rereading:
    return Rereading({"bootstrap.servers": cluster.bootstrap_servers, "group.protocol": "consumer"}, patience=20)


def test_a_span_has_the_records_that_are_committed_and_ends_where_it_should(
    cluster: Cluster, rereading: Rereading
) -> None:
    topic = cluster.topics.transitions
    first, second = Partition(topic, 0), Partition(topic, 1)
    cluster.publish(topic, _events(4500))
    cluster.publish_in_transaction(topic, _events(3), commit=False)  # 4500 to 4502, and the mark of its end
    cluster.publish_in_transaction(topic, _events(2), commit=True)  # 4504 and 4505, and the mark of its end
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    producer.produce(topic, None, partition=1, headers=[("a", b"1"), ("a", None)], timestamp=1234)
    producer.produce(topic, b"v", b"k", partition=1)
    producer.flush(30)
    with rereading:
        for start, end, expected in (
            (0, 4507, [*range(4500), 4504, 4505]),
            (4499, 4503, [4499]),
            (4500, 4504, []),
            (4506, 4507, []),
            (10, 12, [10, 11]),
            (7, 7, []),
        ):
            assert _offsets(rereading, first, start, end) == expected
        assert [len(chunk) for chunk in rereading.span(first, 0, 4500)] == [2000, 2000, 500]
        assert rereading.record(second, 0) == Record(0, None, None, (("a", b"1"), ("a", None)), 1234)
        found = rereading.record(first, 1234)
        (same,) = (each for each in read_topic(cluster.bootstrap_servers, topic) if each.offset() == 1234)
        assert found is not None
        assert (found.key, found.value, found.timestamp_ms) == (same.key(), same.value(), same.timestamp()[1])
        assert rereading.record(first, 4501) is None
        with pytest.raises(LogError, match=r"up to 9000, but the log ends at 4507"):
            _offsets(rereading, first, 4400, 9000)
        TopicChanges(cluster.bootstrap_servers).delete_before(topic, 0, 100)
        with pytest.raises(LogError, match=r"from 99 on, but the log begins at 100 now"):
            _offsets(rereading, first, 99, 4507)
        assert _offsets(rereading, first, 100, 102) == [100, 101]
        with pytest.raises(LogError, match="up to 1, but the log ends at 0"):
            rereading.record(Partition(topic, 77), 0)


def test_another_topic_of_the_same_name_is_another_log(cluster: Cluster, rereading: Rereading) -> None:
    topic, changes = cluster.topics.transitions, TopicChanges(cluster.bootstrap_servers)
    first = Partition(topic, 0)
    cluster.publish(topic, _events(3))
    topic_id = LogReader({"bootstrap.servers": cluster.bootstrap_servers}).facts(first).topic_id
    with rereading:
        assert _offsets(rereading, first, 0, 3, topic_id) == [0, 1, 2]
        changes.create_again(topic)
        cluster.publish(topic, _events(5))
        with pytest.raises(LogError, match="deleted and created again"):
            _offsets(rereading, first, 0, 3, topic_id)
        assert _offsets(rereading, first, 0, 3) == [0, 1, 2]


def test_records_that_expire_while_they_are_read_are_missed(cluster: Cluster) -> None:
    topic = cluster.topics.transitions
    for _ in range(2):
        cluster.publish(topic, _events(2500))
    one_batch = {"max.partition.fetch.bytes": 1, "queued.min.messages": 1}
    with Rereading({"bootstrap.servers": cluster.bootstrap_servers, **one_batch}, patience=20) as rereading:
        chunks = rereading.span(Partition(topic, 0), 0, 5000)
        assert len(next(chunks)) == 2000
        TopicChanges(cluster.bootstrap_servers).delete_before(topic, 0, -1)
        with pytest.raises(LogError, match="from 0 on, but the log begins at 5000 now"):
            list(chunks)


def test_what_is_not_committed_yet_is_waited_for_no_longer_than_the_patience(cluster: Cluster) -> None:
    topic = cluster.topics.transitions

    def meanwhile() -> None:
        with (
            Rereading({"bootstrap.servers": cluster.bootstrap_servers}, patience=0.2) as rereading,
            pytest.raises(LogError, match=r"does not answer when asked to deliver .* from 2 up to 3"),
        ):
            _offsets(rereading, Partition(topic, 0), 1, 3)

    cluster.publish(topic, _events(2))
    cluster.publish_in_transaction(topic, _events(1), commit=True, meanwhile=meanwhile)
