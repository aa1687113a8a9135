"""What every short-lived client of the cluster shares: quiet on stderr, and failures that end in one clear line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from foldline.errors import FoldlineError, LogError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 10.0
"""Seconds that a question to the cluster may take before it counts as not answered."""

_SILENT = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError.REQUEST_TIMED_OUT}  # noqa: SLF001  librdkafka's own codes are spelt with an underscore

SILENT = logging.getLogger("foldline.kafka.librdkafka")
"""Where librdkafka's own log lines go: what matters of them comes as an error too."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


class Connection:
    """Properties of one client, and the last trouble that librdkafka reported about reaching the cluster."""

    def __init__(self, properties: Mapping[str, str | int | bool]) -> None:
        self.servers = str(properties.get("bootstrap.servers", ""))
        self.properties: dict[str, Any] = {"log_level": 3, **properties, "error_cb": self._notice, "logger": SILENT}
        self._trouble = ""

    def _notice(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  it follows the cause and says less
            self._trouble = error.str()

    def explain(self, error: KafkaException, *, asked: str) -> FoldlineError:
        """Return what to raise in place of `error`: which question failed, why, and what to look at."""
        cause = reason_of(error)
        if cause.code() == KafkaError._INVALID_ARG:  # noqa: SLF001
            return SettingError(
                f"A Kafka property is refused: {cause.str()}.",
                remedy="FOLDLINE_KAFKA__<PROPERTY> takes the names and values of librdkafka.",
            )
        if cause.code() in _SILENT:
            return LogError(
                f"Kafka at {self.servers} cannot be reached ({self._trouble or cause.str()}).",
                remedy="Start the broker, or correct KAFKA_BOOTSTRAP_SERVERS or the FOLDLINE_KAFKA__ settings.",
            )
        return LogError(
            f"Kafka at {self.servers} refused to {asked}: {cause.str()}.",
            remedy="The broker's log says why; most often this user lacks the permission.",
        )


def reason_of(error: KafkaException) -> KafkaError:
    """Return the KafkaError that every KafkaException carries."""
    reason = error.args[0]
    assert isinstance(reason, KafkaError)
    return reason
