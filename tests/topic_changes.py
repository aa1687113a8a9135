"""What happens to topics on a real broker: deleted and created again, expired, compacted, given more partitions."""

from __future__ import annotations

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by documentation
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

_TRIES = 500


class TopicChanges:
    """Changes the topics of one cluster."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})

    def delete(self, topic: str) -> None:
        """Delete it."""
        self._admin.delete_topics([topic])[topic].result()

    def create(self, topic: str, partitions: int = 4) -> None:
        """Create it, as soon as a deletion is through."""
        for _ in range(_TRIES):
            try:
                self._admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()
            except KafkaException as error:
                assert "ALREADY_EXISTS" in str(error)  # noqa: PT017 - see above
            else:
                return
        raise AssertionError(f"{topic} cannot be created")

    def create_again(self, topic: str) -> None:
        """Delete it and create it at once."""
        self.delete(topic)
        self.create(topic)

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Let the records before this offset expire; -1: all there are."""
        asked = TopicPartition(topic, partition, offset)
        self._admin.delete_records([asked])[asked].result()

    def configure(self, topic: str, name: str, value: str) -> None:
        """Set one property of the topic."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        self._admin.incremental_alter_configs([resource])[resource].result()

    def add_partitions(self, topic: str, total: int) -> None:
        """Give the topic so many partitions."""
        self._admin.create_partitions([NewPartitions(topic, total)])[topic].result()
