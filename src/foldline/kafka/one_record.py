"""What lies at one offset of the log: a record, or why there is none that a reader of committed records would see.

Asked by a consumer of no group: nothing is committed, and nobody is disturbed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.errors import LogError
from foldline.kafka.connection import PATIENCE, Connection
from foldline.kafka.log import LogReader
from foldline.kafka.properties import Properties, consumer_properties
from foldline.kafka.reading import record_of


@dataclass(frozen=True, slots=True)
class Present:
    """A record."""

    record: Record


@dataclass(frozen=True, slots=True)
class Aborted:
    """A record of a transaction that its producer aborted: no reader of committed records sees it."""

    record: Record


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """A transaction is open from `stable_end` on: whether what follows is a record is not decided."""

    stable_end: int


@dataclass(frozen=True, slots=True)
class NoRecord:
    """A control record, which ends a transaction; or compaction has removed what lay there."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The log begins later, at `begins`: retention has removed it."""

    begins: int


@dataclass(frozen=True, slots=True)
class Beyond:
    """The log ends before, at `ends`."""

    ends: int


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Kafka has no such topic, or no such partition of it."""


Lying = Present | Aborted | Uncommitted | NoRecord | Gone | Beyond | Nowhere


def what_lies_at(properties: Properties, partition: Partition, offset: int) -> Lying:
    """Ask the cluster; each question is bounded by `PATIENCE`.

    Raises:
        LogError: the brokers cannot be reached, or do not deliver.
    """
    log = LogReader(properties)
    if partition not in log.partitions([partition.topic]):
        return Nowhere()
    facts = log.facts(partition)
    if offset < facts.low:
        return Gone(facts.low)
    if offset >= facts.high:
        return Beyond(facts.high)
    stable_end = log.stable_ends([partition])[partition]
    if offset >= stable_end:
        return Uncommitted(stable_end)
    record = _read(properties, partition, offset, "read_committed")
    if record is not None:
        return Present(record)
    record = _read(properties, partition, offset, "read_uncommitted")
    return Aborted(record) if record is not None else NoRecord()


def _read(properties: Properties, partition: Partition, offset: int, isolation: str) -> Record | None:
    """The record at this offset; None if what is delivered first lies behind it."""
    wanted = {name: value for name, value in properties.items() if not name.startswith("group.")}
    connection = Connection({**consumer_properties(wanted, "foldline.none"), "isolation.level": isolation})
    consumer = connection.client(Consumer)
    try:
        consumer.assign([TopicPartition(partition.topic, partition.number, offset)])
        message = _first(consumer)
        if message is None:
            raise connection.unanswered(asked=f"deliver {partition} from {offset} on")
        error = message.error()
        if error is None:
            return record_of(message) if message.offset() == offset else None
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - a code
            return None
        raise LogError(f"Kafka refuses to deliver {partition} ({error.name()}).", remedy="See the broker's log.")
    finally:
        consumer.close()


def _first(consumer: Consumer) -> Message | None:
    """What the client says first of the partition. What it says of brokers, too, ends in silence if it matters."""
    until = time.monotonic() + PATIENCE
    while (left := until - time.monotonic()) > 0:
        message = consumer.poll(left)
        if message is not None and message.topic() is not None:
            return message
    return None
