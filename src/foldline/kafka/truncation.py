"""Where a log that was cut off parts from the one that was read: asked as a consumer that has read so far."""

from __future__ import annotations

import re

from confluent_kafka import Consumer, KafkaError, TopicPartition

from foldline.core.batch import Partition
from foldline.kafka.connection import PATIENCE, Connection
from foldline.kafka.properties import Properties, rereading_properties
from foldline.ports import ReadTo

_END = re.compile(r"end offset is (\d+)")


def cut_off(error: KafkaError) -> bool:
    """Whether a consumer's error says that the log was cut off before what was read; librdkafka has no code for it."""
    return error.code() == KafkaError._LOG_TRUNCATION or "truncation detected" in error.str()  # noqa: SLF001 - its public name


def read_on(partition: Partition, read_to: ReadTo) -> TopicPartition:
    """Where to seek to for the broker to compare its log with the one that was read; see KIP-320."""
    return TopicPartition(partition.topic, partition.number, read_to.offset, leader_epoch=read_to.leader_epoch)


def diverges_at(properties: Properties, partition: Partition, read_to: ReadTo, next_offset: int) -> int | None:
    """The offset from which on the log is another than the one that the position `next_offset` was made with.

    None: it is the same, as far as the broker can tell within `PATIENCE`. It knows where the log of a leader epoch
    ends; and a record between `read_to` and the position lies where there were control records.
    """
    consumer = Connection(rereading_properties(properties)).client(Consumer)
    try:
        consumer.assign([TopicPartition(partition.topic, partition.number, read_to.offset)])
        consumer.seek(read_on(partition, read_to))
        message = consumer.poll(PATIENCE)
        error = None if message is None else message.error()
        if error is not None:
            found = _END.search(error.str()) if cut_off(error) else None
            return None if found is None else int(found[1])
        offset = None if message is None else message.offset()
        return offset if offset is not None and offset < next_offset else None
    finally:
        consumer.close()
