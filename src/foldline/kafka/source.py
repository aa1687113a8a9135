"""Kafka as the line reads it: one consumer of a group, its records handed out partition by partition.

Positions belong to the tables: the consumer never commits by itself, never resets, and reads where it is told to. What
the group assigns is only noted; nothing is read before the database has said from where.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from foldline import facts
from foldline.core.batch import Partition
from foldline.errors import LogError
from foldline.kafka.connection import reason_of
from foldline.kafka.ends import Ends
from foldline.kafka.log import LogReader
from foldline.kafka.membership import Membership
from foldline.kafka.properties import Properties, consumer_properties
from foldline.kafka.reading import Reading
from foldline.kafka.statistics import GroupAnswer
from foldline.kafka.trouble import SeldomSaid, meaning_of
from foldline.kafka.truncation import read_on
from foldline.kafka.watching import TopicWatch
from foldline.lost_log import Loss, Standing, explained
from foldline.ports import Chunk, Claim, Listener, LogFacts, Unavailable

_LINGER_SECONDS = 0.02
_CONFIRM_SECONDS = 0.1
_MOST_BUFFERED_BATCHES = 4


class KafkaSource:
    """The port `Source` on a consumer group.

    Args:
        properties: librdkafka's, as the user set them; those that the guarantees rest on are ours.
        group_id: the consumer group.
        topics: what to subscribe to.
        batch_size: most records in a chunk.
        announce: told of trouble with the brokers.
    """

    def __init__(
        self,
        properties: Properties,
        *,
        group_id: str,
        topics: Sequence[str],
        batch_size: int,
        announce: facts.Announce,
    ) -> None:
        self._log = LogReader(properties)
        self._watch = TopicWatch(self._log, topics)
        self._ends = Ends(self._log)
        self._asked_at: dict[str, float] = {}
        self._topics = list(topics)
        self._batch_size = batch_size
        self._answer = GroupAnswer()
        self._trouble = SeldomSaid(announce)
        wanted = consumer_properties(properties, group_id)
        self._membership = Membership(wanted, self._trouble.hear, self._hear_statistics)
        self._consumer = self._membership.consumer
        self._reading: dict[Partition, Reading] = {}
        self._turns: deque[Partition] = deque()
        self._asked_ends: dict[Partition, int] = {}
        self._asked_low: dict[Partition, int] = {}

    def listen(self, listener: Listener) -> None:
        """Join the group; the listener hears of its assignment from now on, inside `poll` and `keep_alive`."""
        self._listener = listener
        self._consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def close(self) -> None:
        """Leave the group."""
        self._membership.leave()

    def poll(self, *, wait: bool) -> Chunk | None:
        """Records of one claimed partition, partitions in turn; None if there is nothing (`wait`: for a moment)."""
        self._fetch(_LINGER_SECONDS if wait else 0.0)
        self._membership.commit_due(time.monotonic())
        self._look()
        unconfirmed = {each.partition.topic for each in self._reading.values() if each.ready() and not self._sure(each)}
        if unconfirmed:
            if not self._watch.ask(unconfirmed, time.monotonic(), _CONFIRM_SECONDS):
                time.sleep(_CONFIRM_SECONDS)
            self._look()
        for _ in range(len(self._turns)):
            reading = self._reading[self._turns[0]]
            self._turns.rotate(-1)
            if reading.ready() and self._sure(reading):
                return reading.chunk(self._batch_size)
        return None

    def keep_alive(self, seconds: float, unless: Callable[[], bool]) -> None:
        """Stay in the group, delivering nothing, for so long, or until `unless` is true."""
        until = time.monotonic() + seconds
        self._consumer.pause([TopicPartition(p.topic, p.number) for p in self._reading])
        while (left := until - time.monotonic()) > 0 and not unless():
            self._take(self._consumer.consume(1, min(left, 0.1)))
            self._look()
            self._ends.turn(self._reading, time.monotonic())
        self._consumer.resume([TopicPartition(p.topic, p.number) for p in self._reading])

    def known_end(self, partition: Partition) -> int | None:
        """Where the partition ends for a reader of committed records, by what is known unasked; None: not known yet."""
        reading = self._reading.get(partition)
        if reading is None:
            return None
        asked = TopicPartition(partition.topic, partition.number)
        try:
            _, high = self._consumer.get_watermark_offsets(asked, cached=True) or (-1, -1)
        except KafkaException:  # the client knows nothing of the partition yet
            high = -1
        return reading.known_end(max(high, self._asked_ends.get(partition, -1)), self._ends.known(partition))

    def read_from(self, claim: Claim, offset: int) -> None:
        """Deliver the claimed partition's records from this offset on.

        Where the leader epoch of the last record before it is known, reading begins behind that record, and the client
        sees whether the log was cut off before it. What was cut off behind it, control records, shows in records that
        lie where there were none.
        """
        partition = claim.partition
        self.stop_reading(partition)
        self._consumer.incremental_assign([TopicPartition(partition.topic, partition.number, offset)])
        read_to = claim.read_to
        if read_to is not None and offset == claim.next_offset and read_to.offset >= self._asked_low.get(partition, 0):
            try:  # only a seek has the client compare it
                self._consumer.seek(read_on(partition, read_to))
            except KafkaException as error:
                self._consumer.incremental_unassign([TopicPartition(partition.topic, partition.number)])
                raise Unavailable(f"Kafka cannot deliver {partition} ({reason_of(error).name()}).", remedy="") from None
        self._reading[partition] = Reading(partition, offset)
        self._turns.append(partition)
        self._watch.watch(claim, self._asked_at.get(partition.topic, 0.0))

    def stop_reading(self, partition: Partition) -> None:
        """Deliver nothing more of this partition."""
        self._leave(self._consumer, [partition])

    def log_facts(self, partition: Partition) -> LogFacts:
        """Ask the broker."""
        asked_at = time.monotonic()
        try:
            found = self._log.facts(partition)
            self._asked_ends[partition], self._asked_low[partition] = found.high, found.low
        except LogError as error:
            raise Unavailable(error.problem, remedy="Asking again.") from None
        self._asked_at[partition.topic] = asked_at
        return found

    def acknowledge(self, partition: Partition, next_offset: int) -> None:
        """Tell the group how far we are, once a second at most: a courtesy to lag tools."""
        self._membership.acknowledge(partition, next_offset)

    def confirm_membership(self, partition: Partition, next_offset: int) -> None:
        """Commit to the group now, as the member we believe to be; the listener may hear of its assignment."""
        self._membership.confirm(partition, next_offset, lambda: self._take(self._consumer.consume(1, 0.1)))

    def _fetch(self, linger: float) -> None:
        """Take what the client has fetched, until a batch is full or there is no more for now."""
        while True:
            if self._enough():
                self._take(self._consumer.consume(1, 0))  # serves the group's callbacks
                return
            messages = self._consumer.consume(self._batch_size, 0 if self._any_ready() else linger)
            self._take(messages)
            if not messages:
                return

    def _enough(self) -> bool:
        sizes = [len(reading.messages) for reading in self._reading.values()]
        return (
            any(size >= self._batch_size for size in sizes) or sum(sizes) >= _MOST_BUFFERED_BATCHES * self._batch_size
        )

    def _any_ready(self) -> bool:
        return any(reading.ready() for reading in self._reading.values())

    def _take(self, messages: Iterable[Message]) -> None:
        now = time.monotonic()
        for (topic, number), run in groupby(messages, key=lambda message: (message.topic(), message.partition())):
            if topic is None or number is None:
                for message in run:
                    self._membership.hear(message)
                continue
            self._trouble.answered()
            partition = Partition(topic, number)
            for message in run:
                reading = self._reading.get(partition)
                if reading is None:  # it was given away, or stopped, after the client had fetched this
                    break
                reading.fetched_at = now
                error = message.error()
                if error is None and (message.offset() or 0) < reading.begun_at:
                    self._listener.broken(
                        partition, explained(Loss.CUT_OFF, Standing(partition, reading.begun_at, None))
                    )
                elif error is None:
                    reading.messages.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's public name for it
                    reading.end = message.offset() or 0
                else:
                    self._broken(reading, error)

    def _broken(self, reading: Reading, error: KafkaError) -> None:
        match meaning_of(error, reading.partition, reading.start):
            case facts.BrokerTrouble() as trouble:
                self._trouble.hear(trouble)
            case fault:
                self._listener.broken(reading.partition, fault)

    def _sure(self, reading: Reading) -> bool:
        return self._watch.confirmed(reading.partition, reading.fetched_at)

    def _look(self) -> None:
        """Hear of topics that are not what they were."""
        now = time.monotonic()
        for partition, fault in self._watch.turn(now):
            self._listener.broken(partition, fault)
        for topic in self._watch.gone(now):
            said = f"Topic {topic} is not there: nothing of it is projected. Restore it; a new one is another log."
            self._trouble.hear(facts.BrokerTrouble(said))

    def _assigned(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        self._answer.came()
        consumer.incremental_assign([])  # noted only: what to read is assigned once it is claimed
        self._listener.assigned(_partitions(given))

    def _hear_statistics(self, said: str) -> None:
        if self._answer.is_nothing(said, time.monotonic()):
            self._listener.assigned([])

    def _revoked(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = _partitions(taken)
        self._listener.revoked(partitions)
        self._membership.hand_over(partitions)
        self._leave(consumer, partitions)

    def _lost(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = _partitions(taken)
        self._answer.lost(time.monotonic())
        self._membership.forget(partitions)
        self._listener.lost(partitions)
        self._leave(consumer, partitions)

    def _leave(self, consumer: Consumer, partitions: Sequence[Partition]) -> None:
        read = [TopicPartition(each.topic, each.number) for each in partitions if self._drop(each)]
        consumer.resume(read)  # a pause would outlive the assignment, and nothing would come after the next claim
        consumer.incremental_unassign(read)

    def _drop(self, partition: Partition) -> bool:
        if self._reading.pop(partition, None) is None:
            return False
        self._turns.remove(partition)
        self._watch.leave(partition)
        self._ends.forget(partition)
        return True


def _partitions(listed: Iterable[TopicPartition]) -> list[Partition]:
    return [Partition(each.topic, each.partition) for each in listed]
