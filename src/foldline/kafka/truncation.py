"""Where a log that was cut off parts from the one that was read: asked as a consumer that has read so far."""

from __future__ import annotations

import re

from confluent_kafka import Consumer, KafkaError, TopicPartition

from foldline.core.batch import Partition
from foldline.kafka.connection import PATIENCE, Connection
from foldline.kafka.properties import Properties, consumer_properties

_END = re.compile(r"end offset is (\d+)")


def cut_off(error: KafkaError) -> bool:
    """Whether a consumer's error says that the log was cut off before what was read; librdkafka has no code for it."""
    return error.code() == KafkaError._LOG_TRUNCATION or "truncation detected" in error.str()  # noqa: SLF001 - its public name


def diverges_at(properties: Properties, partition: Partition, next_offset: int, leader_epoch: int) -> int | None:
    """The offset from which on the log is another than the one that was read up to `next_offset`.

    None: it is the same, as far as the broker can tell within `PATIENCE`. See KIP-320: `leader_epoch` is that of the
    record before `next_offset`, and the broker knows where the log of that epoch ends.
    """
    wanted = {name: value for name, value in properties.items() if not name.startswith("group.")}
    consumer = Connection(consumer_properties(wanted, "foldline.none")).client(Consumer)
    try:
        consumer.assign([TopicPartition(partition.topic, partition.number, next_offset)])
        consumer.seek(TopicPartition(partition.topic, partition.number, next_offset, leader_epoch=leader_epoch))
        message = consumer.poll(PATIENCE)
        error = None if message is None else message.error()
        found = _END.search(error.str()) if error is not None and cut_off(error) else None
        return None if found is None else int(found[1])
    finally:
        consumer.close()
