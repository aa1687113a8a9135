"""Publishing: an idempotent producer that has delivered every record when it returns, or says how far it came.

Order is what the log is for, so a record that fails must not leave a gap before its successors: a hop that arrives
ahead of the one it follows is rejected for good. So one request at a time is on its way to a broker. What the broker
may find too large, any record beyond the size of a batch, travels alone: all before it has arrived, and nothing waits
behind it. After every other failure `enable.gapless.guarantee` ends the producer, with all that it has not sent yet.

The guarantee ends the whole producer by a fatal error. `poll` raises that between delivery reports, `flush` in the
midst of them: this module polls and never flushes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from foldline.core.batch import Partition
from foldline.errors import FoldlineError, PublishError
from foldline.kafka.connection import PATIENCE, Connection, reason_of
from foldline.kafka.lines import Routed, read_lines, route, routes
from foldline.kafka.properties import BATCH, producer_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from confluent_kafka import Message

    from foldline.kafka.properties import Properties

__all__ = ["Place", "Publisher", "Routed", "read_lines", "route", "routes"]

_TOO_LARGE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE, KafkaError.RECORD_LIST_TOO_LARGE}
_CONSEQUENCES = {KafkaError._FATAL, KafkaError._GAPLESS_GUARANTEE, KafkaError._PURGE_QUEUE}  # noqa: SLF001  codes
_APPEARS_SECONDS = 2.0
_BY_KEY = -1
_AGAIN = "Then publish all of it again: what has arrived is recognised as a duplicate."


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a record lies now."""

    partition: Partition
    offset: int


class _Delivery:
    """What became of the records of one `publish`."""

    def __init__(self, arrived: Callable[[Routed, Place], None]) -> None:
        self.delivered = 0
        self.failed: tuple[Routed, KafkaError] | None = None
        self._arrived = arrived

    def settle(self, record: Routed, error: KafkaError | None, message: Message | None = None) -> None:
        """Note a delivery report. Of several failures the first that is a cause is kept; of sizes the largest."""
        if error is None:
            self.delivered += 1
            self._arrived(record, _place_of(record, message))
        elif self.failed is None or _weight(record, error) > _weight(*self.failed):
            self.failed = record, error


class Publisher:
    """A context manager around one producer. `properties` are librdkafka's; those the guarantees rest on are overruled.

    `patience` is the seconds that the brokers have to say whether a topic is there. After a failed `publish` nothing
    more can be sent: open another.
    """

    def __init__(self, properties: Properties, *, patience: float = PATIENCE) -> None:
        self._connection = Connection(producer_properties(properties))
        self._patience = patience
        self._topics: set[str] = set()
        self._ended = False
        self._producer = self._connection.client(Producer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self._producer):  # only an interruption leaves records behind
            self._producer.purge()
        self._producer.close()

    def publish(
        self, records: Iterable[Routed], arrived: Callable[[Routed, Place], None] = lambda _record, _place: None
    ) -> int:
        """Send the records in order and return how many there were, all of them acknowledged by all in-sync replicas.

        `records` may itself raise a FoldlineError: what came before it is sent first. `arrived` is told of each record
        that was acknowledged, also when a later one fails; where that one went to another partition, not in order.

        Raises:
            PublishError: A record was not delivered, or `records` raised; says how many were delivered.
            LogError: The brokers cannot be reached.
        """
        delivery = _Delivery(arrived)
        stopped: FoldlineError | None = None
        try:
            for record in records:
                self._require(record.topic)
                self._send(record, delivery)
                if delivery.failed is not None:
                    break
        except FoldlineError as error:
            stopped = error
        self._settle_all()
        if delivery.failed is not None:
            raise _undelivered(*delivery.failed, delivered=delivery.delivered)
        if stopped is not None:
            problem = f"{stopped.problem.rstrip('.')}; {_sent(delivery.delivered)}."
            raise type(stopped)(problem, remedy=stopped.remedy) from stopped
        return delivery.delivered

    def _send(self, record: Routed, delivery: _Delivery) -> None:
        alone = record.octets > BATCH
        if alone:
            self._settle_all()
        if delivery.failed is None:
            self._produce(record, partial(delivery.settle, record))
        if alone:
            self._settle_all()

    def _produce(self, record: Routed, settle: Callable[..., None]) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    partition=_BY_KEY if record.partition is None else record.partition,
                    headers=list(record.headers),
                    on_delivery=settle,
                )
            except BufferError:
                self._poll(0.1)
            except KafkaException as error:
                settle(reason_of(error))
                return
            else:
                self._poll(0)
                return

    def _settle_all(self) -> None:
        """Wait until every record that was sent has its delivery report; `message.timeout.ms` bounds it."""
        while len(self._producer):
            if self._ended:  # what was in flight at the end comes back to the queue and would wait there in vain
                self._producer.purge(in_flight=False)
            self._poll(0.1)

    def _poll(self, timeout: float) -> None:
        try:
            self._producer.poll(timeout)
        except KafkaException as error:
            if not reason_of(error).fatal():
                raise
            self._ended = True  # of what, the delivery reports of the records in question say too

    def _require(self, topic: str) -> None:
        """Ask for each topic whether it is there: librdkafka itself would wait for it to appear.

        One that was created a moment ago may not be known to every broker yet.
        """
        if topic in self._topics:
            return
        appears_until = time.monotonic() + _APPEARS_SECONDS
        while (error := self._told_of(topic)) is not None and error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            if time.monotonic() > appears_until:
                break
            self._poll(0.05)
        if error is not None:
            raise PublishError(
                f"Topic {topic} cannot be written: {error.str()}",
                remedy="foldline topics create creates what is missing.",
            )
        self._topics.add(topic)

    def _told_of(self, topic: str) -> KafkaError | None:
        try:
            told: KafkaError | None = self._producer.list_topics(topic, timeout=self._patience).topics[topic].error
        except KafkaException as failure:
            self._producer.poll(0)
            raise self._connection.explain(failure, asked=f"describe the topic {topic}") from None
        return told


def _weight(record: Routed, error: KafkaError) -> tuple[int, int]:
    """Rank a failure by how much it explains: a batch that is too large fails as a whole, and then all that follows."""
    if _is_too_large(error):
        return 2, record.octets
    return int(error.code() not in _CONSEQUENCES), 0


def _is_too_large(error: KafkaError) -> bool:
    return error.code() in _TOO_LARGE


def _place_of(record: Routed, message: Message | None) -> Place:
    assert message is not None, "a delivery report carries its record"
    number, offset = message.partition(), message.offset()
    assert number is not None, "what was acknowledged has its place"
    assert offset is not None, "what was acknowledged has its place"
    return Place(Partition(record.topic, number), offset)


def _sent(delivered: int) -> str:
    return f"{delivered:,} sent"


def _undelivered(record: Routed, error: KafkaError, *, delivered: int) -> PublishError:
    if _is_too_large(error):
        return PublishError(
            f"{record.name} has {record.octets:,} bytes, more than topic {record.topic} takes; {_sent(delivered)}.",
            remedy=f"Shorten it, or raise the topic's max.message.bytes. {_AGAIN}",
        )
    return PublishError(
        f"{record.name} was not delivered to topic {record.topic}: {error.str()}; {_sent(delivered)}.",
        remedy=f"See to the broker. {_AGAIN}",
    )
