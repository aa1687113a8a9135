"""Questions about the log as it is now: which partitions, how far, and which topic this really is."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by documentation
    AdminClient,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from foldline.core.batch import Partition
from foldline.errors import FoldlineError
from foldline.kafka.connection import PATIENCE, Connection
from foldline.kafka.properties import Properties, client_properties
from foldline.ports import LogFacts

_POLICY = "cleanup.policy"


@dataclass(frozen=True, slots=True)
class Question:
    """What a topic is, asked of the cluster and not waited for.

    Attributes:
        topic: its name.
        described: its id and its partitions.
        configured: its configuration; None if that was not asked.
    """

    topic: str
    described: Future[Any]
    configured: Future[Any] | None

    @property
    def answered(self) -> bool:
        """Whether there is an answer to everything that was asked."""
        return self.described.done() and (self.configured is None or self.configured.done())

    def topic_id(self) -> str:
        """The id that Kafka gave the topic. Raises KafkaException: the topic is not there, or not for us to see."""
        return str(self.described.result(0).topic_id)

    def partitions(self) -> list[int]:
        """The numbers of its partitions. Raises as `topic_id`."""
        return sorted(each.id for each in self.described.result(0).partitions)

    def compacted(self) -> bool | None:
        """Whether the topic is compacted; None if that was not asked, or is not for us to know."""
        if self.configured is None:
            return None
        try:
            return "compact" in str(self.configured.result(0)[_POLICY].value)
        except KafkaException:
            return None


class LogReader:
    """Asks the cluster; every question is bounded in time and may raise `LogError`."""

    def __init__(self, properties: Properties) -> None:
        self._connection = Connection(client_properties(properties))
        self._admin = self._connection.client(AdminClient)

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        """Every partition of these topics; a topic that does not exist has none."""
        try:
            known = self._admin.list_topics(timeout=PATIENCE).topics
        except KafkaException as error:
            raise self._explained(error, asked="list topics") from None
        return [
            Partition(topic, number) for topic in topics if topic in known for number in sorted(known[topic].partitions)
        ]

    def stable_ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The last stable offset of each partition: where a reader of committed records stops."""
        return self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # see above

    def ask_ends(self, partitions: Iterable[Partition]) -> dict[Partition, Future[Any]]:
        """Ask for the last stable offsets; each answer has its `offset`, and comes by itself or not in `PATIENCE`."""
        return self._ask_offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # see above

    def beginnings(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The first offset that each partition still has."""
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # see above

    def ask(self, topic: str, *, configuration: bool) -> Question:
        """Ask what a topic is; the answer comes by itself, or not within `PATIENCE`."""
        described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=PATIENCE)[topic]
        if not configuration:
            return Question(topic, described, None)
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return Question(topic, described, self._admin.describe_configs([resource], request_timeout=PATIENCE)[resource])

    def facts(self, partition: Partition) -> LogFacts:
        """What the broker says of a partition now, and of the others of its topic as far as it concerns this one."""
        question = self.ask(partition.topic, configuration=True)
        wait([each for each in (question.described, question.configured) if each is not None], PATIENCE)
        try:
            topic_id, numbers = question.topic_id(), question.partitions()
        except (KafkaException, TimeoutError) as error:
            raise self._explained(error, asked=f"describe {partition.topic}") from None
        if partition.number not in numbers:  # the topic was made again, with fewer
            return LogFacts(0, 0, topic_id, {}, question.compacted())
        low = self.beginnings([partition])[partition]
        ends = self._offsets(
            (Partition(partition.topic, number) for number in numbers),
            OffsetSpec.latest(),  # type: ignore[no-untyped-call]  # see above
            isolation=IsolationLevel.READ_UNCOMMITTED,
        )
        by_number = {each.number: end for each, end in ends.items()}
        return LogFacts(low, by_number[partition.number], topic_id, by_number, question.compacted())

    def _explained(self, error: Exception, *, asked: str) -> FoldlineError:
        self._admin.poll(0)  # the connection hears of its trouble inside this call
        if not isinstance(error, KafkaException):
            return self._connection.unanswered(asked=asked)
        return self._connection.explain(error, asked=asked)

    def _offsets(
        self,
        partitions: Iterable[Partition],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[Partition, int]:
        try:
            asked = self._ask_offsets(partitions, spec, isolation)
            return {partition: answer.result().offset for partition, answer in asked.items()}
        except KafkaException as error:
            raise self._explained(error, asked="list offsets") from None

    def _ask_offsets(
        self,
        partitions: Iterable[Partition],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[Partition, Future[Any]]:
        asked: dict[TopicPartition, OffsetSpec] = {TopicPartition(p.topic, p.number): spec for p in partitions}
        if not asked:
            return {}
        answers = self._admin.list_offsets(asked, isolation_level=isolation, request_timeout=PATIENCE)
        return {Partition(tp.topic, tp.partition): answer for tp, answer in answers.items()}
