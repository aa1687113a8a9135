"""What every client of the cluster shares: quiet on stderr, and failures that end in one clear line without secrets."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from foldline import facts
from foldline.errors import FoldlineError, LogError, SettingError
from foldline.kafka.secrecy import concealed
from foldline.settings import kafka_variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE = 10.0
"""Seconds that a question to the cluster may take before it counts as not answered."""

_SILENT = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError.REQUEST_TIMED_OUT}  # noqa: SLF001  librdkafka's own codes are spelt with an underscore

_LOGGER = logging.getLogger("foldline.kafka.librdkafka")
"""Where librdkafka's own log lines go: what matters of them comes as an error too."""
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.propagate = False

_WORD = re.compile(r"[a-z][a-z._]*[a-z]")

_Client = TypeVar("_Client")


def _unheard(_trouble: facts.BrokerTrouble) -> None:
    """Tell nobody."""


class Connection:
    """Properties of one client, and the last trouble that librdkafka reported about reaching the cluster.

    `heard` is told of every trouble as it is reported.
    """

    def __init__(
        self, properties: Mapping[str, str | int | bool], *, heard: Callable[[facts.BrokerTrouble], None] = _unheard
    ) -> None:
        self.servers = str(properties.get("bootstrap.servers", ""))
        self._properties = properties
        self._heard = heard
        self._trouble = ""

    def client(self, make: Callable[[dict[str, Any]], _Client]) -> _Client:
        """Make the client.

        Raises:
            SettingError: librdkafka refuses a property.
        """
        try:
            return make({"log_level": 3, **self._properties, "error_cb": self._notice, "logger": _LOGGER})
        except KafkaException as error:
            raise self._refused(reason_of(error)) from None

    def explain(self, error: KafkaException, *, asked: str) -> FoldlineError:
        """Return what to raise in place of `error`: which question failed, why, and what to look at."""
        cause = reason_of(error)
        if cause.code() == KafkaError._INVALID_ARG:  # noqa: SLF001
            return self._refused(cause)
        said = concealed(cause.str(), self._properties)
        if cause.code() in _SILENT:
            return LogError(
                f"Kafka at {self.servers} cannot be reached ({self._trouble or said}).",
                remedy="Start the broker, or correct KAFKA_BOOTSTRAP_SERVERS or the FOLDLINE_KAFKA__ settings.",
            )
        return LogError(
            f"Kafka at {self.servers} refused to {asked}: {said}.",
            remedy="The broker's log says why; most often this user lacks the permission.",
        )

    def unanswered(self, *, asked: str) -> LogError:
        """Return what to raise where no answer came in time."""
        return LogError(
            f"Kafka at {self.servers} does not answer when asked to {asked} ({self._trouble or 'timed out'}).",
            remedy="Look at the brokers.",
        )

    def _refused(self, cause: KafkaError) -> SettingError:
        """Name the settings whose properties librdkafka speaks of."""
        said = cause.str()
        words = set(_WORD.findall(said))
        named = [kafka_variable(name) for name in self._properties if name in words]
        return SettingError(
            f"librdkafka refuses its properties: {concealed(said, self._properties)}.",
            remedy=f"Correct {' or '.join(named) or 'the FOLDLINE_KAFKA__ settings'}; `foldline config` shows them.",
        )

    def _notice(self, error: KafkaError) -> None:
        said = concealed(error.str(), self._properties)
        all_down = error.code() == KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001  it follows the cause and says less
        self._heard(facts.BrokerTrouble(said, all_down))
        if not all_down:
            self._trouble = said


def reason_of(error: KafkaException) -> KafkaError:
    """Return the KafkaError that every KafkaException carries."""
    reason = error.args[0]
    assert isinstance(reason, KafkaError)
    return reason
