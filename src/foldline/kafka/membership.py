"""A consumer as a member of its group: what it commits, whether the group knows it, what the group says, and leaving.

Nothing is read back from what is committed: it is a courtesy to lag tools, and a question whether we are a member. No
commit is waited for by librdkafka's own means: while the group's coordinator is away, such a call lasts as long as a
session may, and takes no limit.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Thread
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from foldline import facts
from foldline.core.batch import Partition
from foldline.kafka.connection import Connection, reason_of
from foldline.kafka.group import end_of_membership
from foldline.kafka.properties import Properties
from foldline.kafka.secrecy import concealed
from foldline.ports import Unavailable

_COMMIT_EVERY_SECONDS = 1.0
_CONFIRMED_WITHIN_SECONDS = 3.0
_LEAVE_WITHIN_SECONDS = 10.0


class Membership:
    """One consumer, and its group.

    Args:
        properties: the consumer's.
        heard: told of trouble with the brokers or the group.
        statistics: given librdkafka's statistics, where a property asks for them.

    Raises:
        SettingError: librdkafka refuses a property.
    """

    def __init__(
        self,
        properties: Properties,
        heard: Callable[[facts.BrokerTrouble], None],
        statistics: Callable[[str], None],
    ) -> None:
        self._properties = properties
        self._statistics = statistics
        self._heard = heard
        self._due: dict[Partition, int] = {}
        self._sent_at = float("-inf")
        self._questions = itertools.count(1)
        self._asked = ""
        self._answers: list[KafkaError | None] = []
        self.consumer = Connection(properties, heard=heard).client(self._made)

    def hear(self, message: Message) -> None:
        """Hear what the group says, in a message of no topic. Raises `GroupError` where that is the end."""
        error = message.error()
        assert error is not None, "a record has its topic"
        if end := end_of_membership(error, self._properties):
            raise end
        self._heard(facts.BrokerTrouble(concealed(error.str(), self._properties)))

    def acknowledge(self, partition: Partition, next_offset: int) -> None:
        """Note how far we are."""
        self._due[partition] = next_offset

    def commit_due(self, now: float) -> None:
        """Commit what was noted, once a second at most."""
        if self._due and now - self._sent_at >= _COMMIT_EVERY_SECONDS:
            self._sent_at = now
            self._commit(self._due)
            self._due = {}

    def hand_over(self, partitions: Iterable[Partition]) -> None:
        """Commit what was noted of these, which are no longer ours afterwards: librdkafka lets it end before that."""
        self._commit({partition: self._due.pop(partition) for partition in partitions if partition in self._due})

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These are not ours any more."""
        for partition in partitions:
            self._due.pop(partition, None)

    def confirm(self, partition: Partition, next_offset: int, serve: Callable[[], None]) -> None:
        """Commit now, as the member that we believe to be; `serve` serves the consumer's callbacks for a moment.

        Raises:
            Unavailable: the group does not know us, or does not answer.
        """
        until = time.monotonic() + _CONFIRMED_WITHIN_SECONDS
        self._asked = f"foldline {next(self._questions)}"
        self._answers.clear()
        try:
            question = TopicPartition(partition.topic, partition.number, next_offset, self._asked)
            self.consumer.commit(offsets=[question], asynchronous=True)
            while not self._answers and time.monotonic() < until:
                serve()
            error = self._answers[0] if self._answers else KafkaError(KafkaError.REQUEST_TIMED_OUT)
        except KafkaException as refused:
            error = reason_of(refused)
        if error is not None:
            problem = f"The group does not confirm us for {partition} ({error.name()})."
            raise Unavailable(problem, remedy="Asking again.")

    def leave(self) -> None:
        """Leave the group, unless that lasts too long: commits that nobody answers hold librdkafka up for a session."""
        leaving = Thread(target=self.consumer.close, name="foldline-leave", daemon=True)
        leaving.start()
        leaving.join(_LEAVE_WITHIN_SECONDS)

    def _made(self, properties: dict[str, Any]) -> Consumer:
        return Consumer({**properties, "on_commit": self._committed, "stats_cb": self._statistics})

    def _committed(self, error: KafkaError | None, listed: list[TopicPartition]) -> None:
        """Hear the answer to a commit. A question is known by its metadata, which come back with the answer."""
        for each in listed:
            if each.metadata == self._asked:
                self._answers.append(error or each.error)

    def _commit(self, offsets: dict[Partition, int]) -> None:
        if offsets:
            listed = [TopicPartition(p.topic, p.number, offset) for p, offset in offsets.items()]
            with suppress(KafkaException):
                self.consumer.commit(offsets=listed, asynchronous=True)
