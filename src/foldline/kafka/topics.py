"""The topics: what those that are read and written are like, what they should be, and creating the missing ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeAlias

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by documentation, not by its types
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from foldline.errors import LogError
from foldline.kafka.connection import PATIENCE, Connection, reason_of
from foldline.kafka.properties import client_properties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foldline.kafka.properties import Properties

Direction: TypeAlias = Literal["in", "out"]

PARTITIONS = 4
NO_EXPIRY = -1
BROKER_DEFAULT = -1
_PROPAGATION = 30.0
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicReport:
    """One topic as it is.

    Attributes:
        name: its name.
        direction: in if it is read, out if it is written.
        exists: whether it is there.
        partitions: how many partitions it has; 0 if it is not there.
        retention_ms: how long records are kept, in milliseconds; -1 is for ever; null if that was not to be learnt.
        cleanup_policy: delete, compact or both; null likewise.
        problem: what is not as it should be; empty if nothing is.
        remedy: what to do about that.
        created: whether it was created now.
    """

    name: str
    direction: Direction
    exists: bool
    partitions: int = 0
    retention_ms: int | None = None
    cleanup_policy: str | None = None
    problem: str = ""
    remedy: str = ""
    created: bool = False


def check_topics(
    properties: Properties, *, incoming: Sequence[str], outgoing: Sequence[str], patience: float = PATIENCE
) -> tuple[TopicReport, ...]:
    """Report on each topic, those that are read first. Changes nothing; each question waits `patience` seconds at most.

    Raises:
        LogError: The brokers cannot be reached, or refuse to list topics.
    """
    return _Cluster(properties, patience).report(_directions(incoming, outgoing))


def create_topics(
    properties: Properties,
    *,
    incoming: Sequence[str],
    outgoing: Sequence[str],
    partitions: int = PARTITIONS,
    retention_ms: int = NO_EXPIRY,
    replication_factor: int = BROKER_DEFAULT,
) -> tuple[TopicReport, ...]:
    """Create the topics that are missing and report on all, once the cluster serves them. Existing ones are left alone.

    Raises:
        LogError: The brokers cannot be reached, or refuse to create one of the topics.
    """
    cluster = _Cluster(properties, PATIENCE)
    directions = _directions(incoming, outgoing)
    wanted = [
        NewTopic(
            report.name,
            num_partitions=partitions,
            replication_factor=replication_factor,
            config={"retention.ms": str(retention_ms), "cleanup.policy": "delete"},
        )
        for report in cluster.report(directions)
        if not report.exists
    ]
    created = cluster.create(wanted)
    return tuple(replace(report, created=report.name in created) for report in cluster.report(directions))


def _directions(incoming: Sequence[str], outgoing: Sequence[str]) -> dict[str, Direction]:
    directions: dict[str, Direction] = dict.fromkeys(outgoing, "out")
    directions.update(dict.fromkeys(incoming, "in"))
    return directions


class _Cluster:
    """The admin client's questions, each bounded in time and answered or explained."""

    def __init__(self, properties: Properties, patience: float) -> None:
        self._patience = patience
        self._connection = Connection(client_properties(properties))
        self._admin = self._connection.client(AdminClient)

    def partitions(self) -> dict[str, int]:
        """Return how many partitions each topic of the cluster has, of those that have a leader everywhere."""
        try:
            listed = self._admin.list_topics(timeout=self._patience).topics.values()
        except KafkaException as error:
            self._admin.poll(0)
            raise self._connection.explain(error, asked="list its topics") from None
        return {str(topic.topic): len(topic.partitions) for topic in listed if topic.error is None}

    def report(self, directions: Mapping[str, Direction]) -> tuple[TopicReport, ...]:
        """Report on each topic, those that are read first."""
        partitions = self.partitions()
        configs = self._configs([name for name in directions if name in partitions])
        ordered = sorted(directions, key=lambda name: directions[name] != "in")
        return tuple(_judge(name, directions[name], partitions.get(name), configs.get(name)) for name in ordered)

    def _configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the settings of the topics whose settings this user may read."""
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        found: dict[str, dict[str, str]] = {}
        for resource, answer in self._admin.describe_configs(resources, request_timeout=self._patience).items():
            try:
                entries = answer.result()
            except KafkaException as error:
                if reason_of(error).code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    continue
                raise self._connection.explain(error, asked=f"describe the topic {resource.name}") from None
            found[str(resource.name)] = {name: entry.value for name, entry in entries.items()}
        return found

    def create(self, topics: Sequence[NewTopic]) -> set[str]:
        """Create topics, wait until the cluster serves them, and return those that nobody else created meanwhile."""
        if not topics:
            return set()
        created = set()
        answers = self._admin.create_topics(list(topics), operation_timeout=_PROPAGATION, request_timeout=_PROPAGATION)
        for name, answer in answers.items():
            try:
                answer.result()
            except KafkaException as error:
                if reason_of(error).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise self._connection.explain(error, asked=f"create the topic {name}") from None
            else:
                created.add(name)
        self._await({topic.topic for topic in topics})
        return created

    def _await(self, names: set[str]) -> None:
        deadline = monotonic() + _PROPAGATION
        while missing := names - self.partitions().keys():
            if monotonic() > deadline:
                raise LogError(
                    f"Kafka created {', '.join(sorted(missing))} but does not serve it.",
                    remedy="Look at the brokers; then foldline topics check.",
                )
            self._admin.poll(0.1)


def _judge(name: str, direction: Direction, partitions: int | None, config: dict[str, str] | None) -> TopicReport:
    """Say what one topic is like and what is wrong with it; the first of several problems is the one."""
    if partitions is None:
        return TopicReport(
            name, direction, exists=False, problem="does not exist", remedy="foldline topics create creates it."
        )
    if config is None:
        return TopicReport(
            name,
            direction,
            exists=True,
            partitions=partitions,
            problem="its settings may not be read",
            remedy="Grant DescribeConfigs on the topic, or look yourself whether it is kept without expiry.",
        )
    retention_ms = int(config["retention.ms"])
    policy = config["cleanup.policy"]
    problem, remedy = _fault(direction, retention_ms, int(config["retention.bytes"]), policy)
    return TopicReport(name, direction, True, partitions, retention_ms, policy, problem, remedy)  # noqa: FBT003  exists


def _fault(direction: Direction, retention_ms: int, retention_bytes: int, policy: str) -> tuple[str, str]:
    loss = "a rebuild cannot fold them" if direction == "in" else "a reader that comes later misses them"
    if "compact" in policy:
        return (
            f"compaction removes older records of a key: {loss}",
            "Set cleanup.policy=delete on the topic.",
        )
    if "delete" not in policy:
        return "", ""
    if retention_ms != NO_EXPIRY:
        return (
            f"records expire after {_duration(retention_ms)}: {loss}",
            "Set retention.ms=-1 on the topic.",
        )
    if retention_bytes != NO_EXPIRY:
        return (
            f"records expire beyond {retention_bytes:,} bytes a partition: {loss}",
            "Set retention.bytes=-1 on the topic.",
        )
    return "", ""


def _duration(milliseconds: int) -> str:
    days = milliseconds / _DAY_MS
    return f"{days:g} days" if days >= 1 else f"{milliseconds / 1000:g} s"
