"""Spans of the log read once more, by a consumer of no group: nothing is committed, and nobody is disturbed.

A span ends where it was said to end, also if control records, aborted records or the end of the partition lie there.
Whoever reads it is told of every way in which the log is no longer the one that was asked about: an iteration that ends
without an error has delivered every record that the log has there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.errors import LogError
from foldline.kafka.connection import Connection
from foldline.kafka.log import LogReader
from foldline.kafka.properties import Properties, rereading_properties
from foldline.kafka.reading import record_of
from foldline.ports import LogFacts

_CHUNK = 2_000
_LINGER_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0


class Rereading:
    """One consumer for any number of spans, one after the other; closed at the end of the `with` block.

    Args:
        properties: librdkafka's, as the user set them.
        patience: how many seconds the brokers may deliver nothing.
        committed: whether records of aborted transactions, and of open ones, are passed over, as workers do.

    Raises:
        SettingError: librdkafka refuses a property.
    """

    def __init__(self, properties: Properties, *, patience: float = _PATIENCE_SECONDS, committed: bool = True) -> None:
        self._connection = Connection(rereading_properties(properties, committed=committed))
        self._log = LogReader(properties)
        self._consumer = self._connection.client(Consumer)
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def facts(self, partition: Partition) -> LogFacts:
        """What the broker says of a partition now. Raises LogError."""
        return self._log.facts(partition)

    def record(self, partition: Partition, offset: int) -> Record | None:
        """The record at this offset; None: what lies there is none, or was removed by compaction. Raises as `span`."""
        return next((record for chunk in self.span(partition, offset, offset + 1) for record in chunk), None)

    def span(
        self, partition: Partition, start: int, end: int, *, topic_id: str | None = None
    ) -> Iterator[Sequence[Record]]:
        """The records from `start` up to, not including, `end`, in their order, some thousand at a time.

        Args:
            partition: of which partition.
            start: the first offset.
            end: the offset behind the last.
            topic_id: the id that the topic must have, asked once all is read; None: whichever.

        Raises:
            LogError: the brokers do not deliver, the log has no longer all of the span, or this is another topic.
        """
        if start < end:
            self._see(partition, start, end)
            self._consumer.assign([TopicPartition(partition.topic, partition.number, start)])
            yield from self._read(partition, start, end)
            self._consumer.unassign()
        if topic_id is not None and self._log.facts(partition).topic_id not in {topic_id, None}:
            raise _another_log(partition)

    def _read(self, partition: Partition, start: int, end: int) -> Iterator[list[Record]]:
        at, silent_since = start, time.monotonic()
        while at < end:
            # It waits until it has that many: asked for no more than there can be, it is done with the last of them.
            messages = self._consumer.consume(min(_CHUNK, end - at), _LINGER_SECONDS)
            said = [message for message in messages if message.error() is not None]
            delivered = [message for message in messages if message.error() is None] if said else messages
            records = list(map(record_of, delivered))
            if records and records[-1].offset >= end:
                at = end
                records = [record for record in records if record.offset < end]
            if records:
                at = max(at, records[-1].offset + 1)
                yield records
            if delivered:
                silent_since = time.monotonic()
            for message in said:
                at = max(at, self._heard(message, partition, start, end))
            if at < end and time.monotonic() - silent_since > self._patience:
                raise self._connection.unanswered(asked=f"deliver {partition} from {at} up to {end}")

    def _heard(self, message: Message, partition: Partition, start: int, end: int) -> int:
        """How far the partition is read, by what the client says in place of a record."""
        error, offset = message.error(), message.offset()
        assert error is not None, "a message that is no record"
        if message.topic() is None:  # of a broker, or of groups: what of it matters ends in silence
            return start
        at_end = error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - the library's public name for it
        if at_end and offset is not None and offset >= end:
            return offset
        self._see(partition, start, end)
        if at_end:  # what follows is not committed yet, or the brokers do not know it yet to be
            return offset or start
        raise LogError(f"Kafka refuses to deliver {partition} ({error.name()}).", remedy="See the broker.")

    def _see(self, partition: Partition, start: int, end: int) -> None:
        """See that the log has the span."""
        log = self._log.facts(partition)
        if start < log.low:
            raise LogError(
                f"{partition} is wanted from {start} on, but the log begins at {log.low} now: records are gone.",
                remedy="Restore them; lengthen the topic's retention.",
            )
        if end > log.high:
            raise LogError(
                f"{partition} is wanted up to {end}, but the log ends at {log.high}.",
                remedy="If records are gone that were there, restore them.",
            )


def _another_log(partition: Partition) -> LogError:
    return LogError(
        f"The topic of {partition} was deleted and created again: this is another log.",
        remedy="Restore the former topic; what came of it cannot be folded again.",
    )
