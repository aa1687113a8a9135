"""Where logs end, asked while nothing is fetched: the client hears of ends only with what it fetches."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException

from foldline.core.batch import Partition
from foldline.kafka.log import LogReader

_ASK_EVERY_SECONDS = 2.0


class Ends:
    """Asks for the ends of partitions, never waiting. `now` is a monotonic clock's reading in seconds."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._known: dict[Partition, int] = {}
        self._asked: dict[Partition, Future[Any]] = {}
        self._asked_at = -_ASK_EVERY_SECONDS

    def known(self, partition: Partition) -> int:
        """Where it ended for a reader of committed records when it was last asked; -1: not known."""
        return self._known.get(partition, -1)

    def forget(self, partition: Partition) -> None:
        """It is not read on: its log may become another."""
        self._known.pop(partition, None)
        self._asked.pop(partition, None)

    def turn(self, partitions: Collection[Partition], now: float) -> None:
        """Take in what is answered, and ask again when it is due and nothing is on its way any more."""
        for partition in [partition for partition, answer in self._asked.items() if answer.done()]:
            with suppress(KafkaException):
                self._known[partition] = self._asked.pop(partition).result().offset
        if partitions and not self._asked and now - self._asked_at >= _ASK_EVERY_SECONDS:
            self._asked, self._asked_at = self._log.ask_ends(partitions), now
