"""Trouble with the brokers: what an error of a partition means, and how often the same is said."""

from __future__ import annotations

import re
import time

from confluent_kafka import KafkaError

from foldline import facts
from foldline.core.batch import Partition
from foldline.kafka.truncation import cut_off
from foldline.lost_log import Loss, Standing, explained
from foldline.ports import PartitionFault, Unavailable

_SAY_AGAIN_SECONDS = 30.0
_MILLISECONDS = re.compile(r"\d+ms")
_NOT_THERE = "the topic or the partition is not there"
_NOT_THAT_FAR = "the log does not have the offset that we stand at"
_LOOK_AGAIN = {
    KafkaError._AUTO_OFFSET_RESET: _NOT_THAT_FAR,  # noqa: SLF001 - the library's public names
    KafkaError._UNKNOWN_PARTITION: _NOT_THERE,  # noqa: SLF001
    KafkaError._UNKNOWN_TOPIC: _NOT_THERE,  # noqa: SLF001
    KafkaError.OFFSET_OUT_OF_RANGE: _NOT_THAT_FAR,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _NOT_THERE,
}


class SeldomSaid:
    """Announces the same trouble once in a while: while a broker is away the client says it many times a second."""

    def __init__(self, announce: facts.Announce) -> None:
        self._announce = announce
        self._said_at: dict[str, float] = {}
        self._said_all_down: set[str] = set()

    def hear(self, trouble: facts.BrokerTrouble) -> None:
        """Announce it, unless it was said lately; texts that differ in a duration are one."""
        now, known = time.monotonic(), _MILLISECONDS.sub("", trouble.problem)
        if now - self._said_at.get(known, -_SAY_AGAIN_SECONDS) >= _SAY_AGAIN_SECONDS:
            self._said_at[known] = now
            if trouble.all_down:
                self._said_all_down.add(known)
            self._announce(trouble)

    def answered(self) -> None:
        """A broker has answered: that none can be reached is news once more, and the client says it once only."""
        while self._said_all_down:
            del self._said_at[self._said_all_down.pop()]


def meaning_of(
    error: KafkaError, partition: Partition, stands_at: int
) -> PartitionFault | Unavailable | facts.BrokerTrouble:
    """What the client's error about a partition that is read up to `stands_at` means.

    What a claim looks at is claimed again, and the claim names the cause; that a log was cut off and has grown since,
    only the client sees.
    """
    if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:  # the client asks again by itself until it may
        return facts.BrokerTrouble(f"Kafka refuses to deliver {partition} ({error.name()}).")
    if cut_off(error):
        return explained(Loss.CUT_OFF, Standing(partition, stands_at, None))
    if (why := _LOOK_AGAIN.get(error.code())) is not None:
        return Unavailable(f"Kafka cannot deliver {partition}: {why} ({error.name()}).", remedy="Looking again.")
    return PartitionFault(f"Kafka refuses to deliver {partition} ({error.name()}).", remedy="See the broker.")
