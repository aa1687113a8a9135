"""Reads a log back from Kafka, as a consumer that knows nothing of foldline: committed records, to the stable end."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from oracle.projection import Record

_SILENCE_SECONDS = 30
Partition = tuple[str, int]


def read_log(
    bootstrap_servers: str, topics: Sequence[str], partitions: int
) -> tuple[list[Record], dict[Partition, int]]:
    """Every committed record, partition by partition in its order, and where each partition ends.

    Raises:
        TimeoutError: the end of a partition does not come.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "torture.reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            "log_level": 0,
        }
    )
    unread = {(topic, number) for topic in topics for number in range(partitions)}
    found: list[Record] = []
    ends: dict[Partition, int] = {}
    try:
        consumer.assign([TopicPartition(topic, number, 0) for topic, number in sorted(unread)])
        heard_at = time.monotonic()
        while unread:
            messages = consumer.consume(1000, 0.1)
            if messages:
                heard_at = time.monotonic()
            if time.monotonic() - heard_at > _SILENCE_SECONDS:
                raise TimeoutError(f"the ends of {sorted(unread)} do not come")
            for message in messages:
                error = message.error()
                if error is None:
                    found.append(_record(message))
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's public name for it
                    where = (str(message.topic()), message.partition() or 0)
                    unread.discard(where)
                    ends[where] = message.offset() or 0
    finally:
        consumer.close()
    return found, ends


def _record(message: Message) -> Record:
    place = (str(message.topic()), message.partition() or 0, message.offset() or 0)
    headers = message.headers() or []
    assert isinstance(headers, list), "a list of pairs"
    octets = [(name, value.encode() if isinstance(value, str) else value) for name, value in headers]
    return Record(place, message.key(), message.value(), tuple(octets), message.timestamp()[1])
