"""Questions about the log as it is now: which partitions, how far, and which topic this really is."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public by documentation

from foldline.core.batch import Partition
from foldline.errors import FoldlineError
from foldline.kafka.connection import PATIENCE, Connection
from foldline.kafka.properties import Properties, client_properties


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

    def beginnings(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The first offset that each partition still has."""
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # see above

    def topic_id(self, topic: str) -> str | None:
        """The id that Kafka gave the topic when it was created; None if the broker does not know ids."""
        try:
            futures = self._admin.describe_topics(TopicCollection([topic]), request_timeout=PATIENCE)
            return str(futures[topic].result().topic_id)
        except KafkaException as error:
            raise self._explained(error, asked=f"describe {topic}") from None

    def _explained(self, error: KafkaException, *, asked: str) -> FoldlineError:
        self._admin.poll(0)  # the connection hears of its trouble inside this call
        return self._connection.explain(error, asked=asked)

    def _offsets(self, partitions: Iterable[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        asked = {TopicPartition(p.topic, p.number): spec for p in partitions}
        if not asked:
            return {}
        try:
            futures = self._admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=PATIENCE
            )
            return {Partition(tp.topic, tp.partition): future.result().offset for tp, future in futures.items()}
        except KafkaException as error:
            raise self._explained(error, asked="list offsets") from None
