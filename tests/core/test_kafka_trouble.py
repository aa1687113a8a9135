"""What the Kafka client's errors about a partition are called."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from foldline.core.batch import Partition
from foldline.kafka.trouble import meaning_of
from foldline.ports import Unavailable


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (KafkaError._AUTO_OFFSET_RESET, "the log does not have the offset that we stand at (_AUTO_OFFSET_RESET)"),  # noqa: SLF001 - the library's public names
        (KafkaError.OFFSET_OUT_OF_RANGE, "the log does not have the offset that we stand at (OFFSET_OUT_OF_RANGE)"),
        (KafkaError._UNKNOWN_TOPIC, "the topic or the partition is not there (_UNKNOWN_TOPIC)"),  # noqa: SLF001
        (KafkaError._UNKNOWN_PARTITION, "the topic or the partition is not there (_UNKNOWN_PARTITION)"),  # noqa: SLF001
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "the topic or the partition is not there (UNKNOWN_TOPIC_OR_PART)"),
    ],
)
def test_what_a_claim_looks_at_again_is_said_in_words_and_by_its_name(code: int, words: str) -> None:
    fault = meaning_of(KafkaError(code), Partition("t", 0), 7)
    assert isinstance(fault, Unavailable)
    assert fault.problem == f"Kafka cannot deliver t[0]: {words}."
