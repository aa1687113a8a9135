"""Chunks of a partition: one begins where the one before it ended, and passes over nothing that is still to come."""

from __future__ import annotations

import pytest

from clusters import Cluster, read_topic
from foldline.core.batch import Partition, Span
from foldline.kafka.reading import Reading
from harness import transition

_RECORDS = 5
_END = 7  # behind the last record there is what ends a transaction, and no message


@pytest.mark.parametrize(
    ("most", "spans"),
    [
        (2, [Span(0, 2), Span(2, 4), Span(4, _END)]),
        (4, [Span(0, 4), Span(4, _END)]),
        (_RECORDS, [Span(0, _END)]),
        (1000, [Span(0, _END)]),
    ],
)
def test_more_than_a_chunk_is_there_and_the_end_is_known(cluster: Cluster, most: int, spans: list[Span]) -> None:
    topic = cluster.topics.transitions
    cluster.publish(topic, [transition("START_PROCESSING", event_id=str(number)) for number in range(_RECORDS)])
    reading = Reading(Partition(topic, 0), 0)
    reading.messages.extend(read_topic(cluster.bootstrap_servers, topic))
    reading.end = _END
    chunks = [reading.chunk(most) for _ in spans]
    assert [chunk.span for chunk in chunks] == spans
    assert [record.offset for chunk in chunks for record in chunk.records] == [*range(_RECORDS)]
    assert not reading.ready()
