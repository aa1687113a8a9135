"""What the group says to a consumer that is not about a partition: trouble that passes, and the consumer's end.

librdkafka says it in messages without a topic. One with the code `_FATAL` is the last that such a consumer ever says:
it neither delivers nor joins again, nobody tells it that its partitions were lost, and only its text says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError

from foldline.errors import GroupError
from foldline.kafka.secrecy import concealed
from foldline.settings import kafka_variable


@dataclass(frozen=True, slots=True)
class _End:
    problem: str
    remedy: str


_INSTANCE = kafka_variable("group.instance.id")
_PROTOCOL = kafka_variable("group.protocol")
_ENDS = {
    KafkaError.FENCED_INSTANCE_ID: _End(
        f"Another worker joined the group under our {_INSTANCE}, {{instance!r}}, and took our place.",
        "Give every worker an instance id of its own, or none.",
    ),
    KafkaError.UNRELEASED_INSTANCE_ID: _End(
        f"Another member of the group holds our {_INSTANCE}, {{instance!r}}.",
        "Give every worker an instance id of its own, or none. If it was killed, its session has to end first.",
    ),
    KafkaError.GROUP_MAX_SIZE_REACHED: _End(
        "The group has as many members as the broker allows.", "Run fewer workers, or raise group.consumer.max.size."
    ),
    KafkaError.UNSUPPORTED_VERSION: _End(
        f"The broker does not know the group protocol that {_PROTOCOL} asks for.",
        f"Unset {_PROTOCOL}, or upgrade the brokers to 4.0.",
    ),
    KafkaError.UNSUPPORTED_ASSIGNOR: _End(
        "The broker does not know the assignor that is asked for.",
        f"Correct or unset {kafka_variable('group.remote.assignor')}.",
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: _End(
        "This user may not join the group {group!r}.", "Allow it to read the group, or correct FOLDLINE_GROUP_ID."
    ),
}


_REFUSALS = {
    KafkaError.INVALID_SESSION_TIMEOUT: _End(
        f"The broker does not allow {kafka_variable('session.timeout.ms')}={{session}}.",
        "Set it between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms.",
    ),
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: _End(
        "The group {group!r} has members that are no foldline workers: they share partitions in another way.",
        "Give the workers a group of their own with FOLDLINE_GROUP_ID.",
    ),
}
"""What librdkafka tries again for ever although the answer will not change."""


def end_of_membership(error: KafkaError, properties: Mapping[str, object]) -> GroupError | None:
    """What to raise if this consumer is at its end; None if the group only has trouble that passes."""
    if refusal := _REFUSALS.get(error.code()):
        return _ended(refusal, properties)
    if error.code() != KafkaError._FATAL:  # noqa: SLF001 - the library's public name for it
        return None
    said = concealed(error.str(), properties)
    for code, end in _ENDS.items():
        if KafkaError(code).str() in said:
            return _ended(end, properties)
    return GroupError(f"The group ended our membership: {said}.", remedy="The broker's log says why; then start again.")


def _ended(end: _End, properties: Mapping[str, object]) -> GroupError:
    named = {
        "instance": properties.get("group.instance.id"),
        "group": properties.get("group.id"),
        "session": properties.get("session.timeout.ms"),
    }
    return GroupError(end.problem.format(**named), remedy=end.remedy)
