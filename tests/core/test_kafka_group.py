"""What the group says to a consumer: which of it is the end, and what a person is told then. Without a broker."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from foldline.kafka.group import end_of_membership

_FATAL = KafkaError._FATAL  # noqa: SLF001  a code
MEMBER = {"group.id": "ours", "group.instance.id": "pod-1", "sasl.password": "c4n4ry"}


@pytest.mark.parametrize(
    ("code", "problem", "remedy"),
    [
        (KafkaError.FENCED_INSTANCE_ID, "GROUP_INSTANCE_ID, 'pod-1', and took our place.", "an instance id of its own"),
        (KafkaError.UNRELEASED_INSTANCE_ID, "holds our FOLDLINE_KAFKA__GROUP_INSTANCE_ID, 'pod-1'.", "session has to"),
        (KafkaError.GROUP_MAX_SIZE_REACHED, "as many members as the broker allows", "group.consumer.max.size"),
        (KafkaError.UNSUPPORTED_VERSION, "that FOLDLINE_KAFKA__GROUP_PROTOCOL asks for", "Unset FOLDLINE_KAFKA__GROUP"),
        (KafkaError.UNSUPPORTED_ASSIGNOR, "does not know the assignor", "FOLDLINE_KAFKA__GROUP_REMOTE_ASSIGNOR"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "may not join the group 'ours'", "FOLDLINE_GROUP_ID"),
    ],
)
def test_an_end_names_its_cause_and_the_setting(code: int, problem: str, remedy: str) -> None:
    said = f"Fatal error: {KafkaError(code).str()}: ConsumerGroupHeartbeat fatal error: {KafkaError(code).str()}"
    end = end_of_membership(KafkaError(_FATAL, said), MEMBER)
    assert end is not None
    assert problem in end.problem
    assert remedy in end.remedy


def test_an_end_that_nobody_foresaw_is_told_as_librdkafka_tells_it_without_secrets() -> None:
    end = end_of_membership(KafkaError(_FATAL, "Fatal error: c4n4ry is no more"), MEMBER)
    assert end is not None
    assert end.problem == "The group ended our membership: Fatal error: *** is no more."


@pytest.mark.parametrize("code", [KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._MAX_POLL_EXCEEDED])  # noqa: SLF001
def test_what_librdkafka_goes_on_trying_is_no_end(code: int) -> None:
    assert end_of_membership(KafkaError(code), MEMBER) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (KafkaError.INVALID_SESSION_TIMEOUT, "FOLDLINE_KAFKA__SESSION_TIMEOUT_MS=100"),
        (KafkaError.INCONSISTENT_GROUP_PROTOCOL, "group 'ours' has members that are no foldline workers"),
    ],
)
def test_what_librdkafka_tries_for_ever_in_vain_is_the_end(code: int, problem: str) -> None:
    end = end_of_membership(KafkaError(code), {**MEMBER, "session.timeout.ms": "100"})
    assert end is not None
    assert problem in end.problem
