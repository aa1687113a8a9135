"""Whether the topics that are read are still the ones that were claimed.

A topic that is deleted and created again answers a fetch at our offset with its own records, and the client does not
say so. But an id is never used again: the answer to a question that was asked after records had been fetched proves
which topic they are of. So records are handed out once such an answer has come, which takes a round trip; and while
nothing comes, the topics are asked all the same, to hear of one that is gone.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import wait
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException

from foldline.core.batch import Partition
from foldline.kafka.connection import reason_of
from foldline.kafka.log import LogReader, Question
from foldline.lost_log import Loss, Standing, explained
from foldline.ports import Claim, PartitionFault, Unavailable

_ASK_EVERY_SECONDS = 1.0
_ASK_CONFIGURATION_EVERY_SECONDS = 30.0
_ASK_ABOUT_UNREAD_EVERY_SECONDS = 10.0


@dataclass(slots=True)
class _Topic:
    """What is known of one topic, and the question that is on its way."""

    claims: dict[Partition, Claim]
    confirmed_at: float
    asked_at: float
    configuration_asked_at: float
    question: Question | None = None
    failed_at: float = -_ASK_EVERY_SECONDS


class TopicWatch:
    """Watches the topics of what is read. `now` is a monotonic clock's reading in seconds, everywhere."""

    def __init__(self, log: LogReader, subscribed: Collection[str]) -> None:
        self._log = log
        self._subscribed = subscribed
        self._topics: dict[str, _Topic] = {}
        self._unread: dict[str, Question] = {}
        self._unread_asked_at = 0.0

    def watch(self, claim: Claim, asked_at: float) -> None:
        """Watch the topic of a claimed partition; what the claim compared was asked at `asked_at`."""
        topic = self._topics.get(claim.partition.topic)
        if topic is None:
            self._topics[claim.partition.topic] = _Topic({claim.partition: claim}, asked_at, asked_at, asked_at)
        else:
            topic.claims[claim.partition] = claim

    def leave(self, partition: Partition) -> None:
        """This partition is not read any more."""
        topic = self._topics.get(partition.topic)
        if topic is not None:
            topic.claims.pop(partition, None)
            if not topic.claims:
                del self._topics[partition.topic]

    def confirmed(self, partition: Partition, fetched_at: float) -> bool:
        """Whether what was fetched then is certainly of the log that was claimed."""
        return self._topics[partition.topic].confirmed_at >= fetched_at

    def ask(self, topics: Collection[str], now: float, patience: float) -> bool:
        """Ask about these now, and wait for the answers so many seconds at most; `turn` takes them in.

        False: the cluster has just failed to answer for one, and is left alone for a second.
        """
        asked = [self._topics[name] for name in topics]
        if any(now - topic.failed_at < _ASK_EVERY_SECONDS for topic in asked):
            return False
        for name, topic in zip(topics, asked, strict=True):
            if topic.question is None:
                self._ask(name, topic, now)
        wait([topic.question.described for topic in asked if topic.question is not None], patience)
        return True

    def turn(self, now: float) -> list[tuple[Partition, PartitionFault | Unavailable]]:
        """Ask what is due, take the answers in, and return which partitions cannot be read on, and why."""
        broken: list[tuple[Partition, PartitionFault | Unavailable]] = []
        for name, topic in self._topics.items():
            if topic.question is not None and topic.question.answered:
                broken += self._answered(topic, topic.question, now)
                topic.question = None
            if topic.question is None and now - topic.asked_at >= _ASK_EVERY_SECONDS:
                self._ask(name, topic, now)
        return broken

    def gone(self, now: float) -> list[str]:
        """Ask about topics that are subscribed to and of which nothing is read; returns those that are not there."""
        answered = [question for question in self._unread.values() if question.answered]
        for question in answered:
            del self._unread[question.topic]
        if now - self._unread_asked_at >= _ASK_ABOUT_UNREAD_EVERY_SECONDS:
            self._unread_asked_at = now
            unread = [name for name in self._subscribed if name not in self._topics and name not in self._unread]
            self._unread |= {name: self._log.ask(name, configuration=False) for name in unread}
        return [question.topic for question in answered if _is_gone(question)]

    def _ask(self, name: str, topic: _Topic, now: float) -> None:
        configuration = now - topic.configuration_asked_at >= _ASK_CONFIGURATION_EVERY_SECONDS
        topic.question, topic.asked_at = self._log.ask(name, configuration=configuration), now
        topic.configuration_asked_at = now if configuration else topic.configuration_asked_at

    def _answered(
        self, topic: _Topic, question: Question, now: float
    ) -> list[tuple[Partition, PartitionFault | Unavailable]]:
        try:
            topic_id = question.topic_id()
        except KafkaException as error:
            topic.failed_at = now
            return _unavailable(topic, question.topic, error)
        compacted = question.compacted()
        topic.confirmed_at = topic.asked_at
        broken: list[tuple[Partition, PartitionFault | Unavailable]] = []
        for partition, claim in topic.claims.items():
            standing = Standing(partition, claim.next_offset, claim.topic_id, claim.compaction_accepted)
            if claim.topic_id is not None and claim.topic_id != topic_id:
                broken.append((partition, explained(Loss.CREATED_AGAIN, standing)))
            elif compacted and not claim.compaction_accepted:
                broken.append((partition, explained(Loss.COMPACTED, standing)))
        return broken


_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED}


def _unavailable(
    topic: _Topic, name: str, error: KafkaException
) -> list[tuple[Partition, PartitionFault | Unavailable]]:
    """A topic that is gone cannot be read; a cluster that does not answer is asked again."""
    reason = reason_of(error)
    if reason.code() not in _GONE:
        return []
    fault = Unavailable(f"Topic {name} is gone, or not for this user ({reason.name()}).", remedy="Looking again.")
    return [(partition, fault) for partition in topic.claims]


def _is_gone(question: Question) -> bool:
    try:
        question.topic_id()
    except KafkaException as error:
        return reason_of(error).code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    return False
