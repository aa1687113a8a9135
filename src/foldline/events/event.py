"""What both kinds of event have in common: how they are read, and what a producer sends of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from foldline.core.events import Headers, Undecodable
from foldline.core.members import Fault
from foldline.core.times import format_time
from foldline.events.cloudevents import Envelope
from foldline.events.exact import written
from foldline.events.fields import CorrelationId, EventId, OccurredAt
from foldline.events.reading import Eyes, members, octets, refusal
from foldline.events.record import Record


class Event(BaseModel):
    """An event that every worker can decode.

    Building one is strict, and a field that does not exist is refused. `from_record` reads one as a worker does:
    whatever a worker can decode, with the same values; fields that do not exist are ignored.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    _eyes: ClassVar[Eyes]
    _cloudevents_type: ClassVar[str]

    correlation_id: CorrelationId
    event_id: EventId = None
    occurred_at: OccurredAt

    @classmethod
    def from_record(cls, value: bytes | None, headers: Iterable[tuple[str, bytes | None]] | None = ()) -> Self:
        """Read what a record holds, plain or in a CloudEvents envelope. `headers` are as any Kafka client gives them.

        Numbers with a fraction or an exponent become Decimals.

        Raises:
            pydantic.ValidationError: a worker would find the record undecodable.
        """
        return cls.model_validate(cls._members(value, tuple(headers or ())))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:  # noqa: ANN401
        """The same for a value without headers, by pydantic's own name: it too keeps every digit."""
        return cls.model_validate(cls._members(octets(json_data)), **options)

    @classmethod
    def _members(cls, value: bytes | None, headers: Headers = ()) -> dict[str, object]:
        try:
            return members(cls._eyes.wire(value, headers))
        except Fault as fault:
            raise refusal(cls.__name__, fault) from None

    @property
    @abstractmethod
    def key(self) -> bytes:
        """The record's key: what keeps the events that need an order on one partition."""

    @property
    def value(self) -> bytes:
        """The record's value: compact JSON in UTF-8, every digit kept, without the fields that say nothing."""
        return self._json()

    def to_record(self) -> Record:
        """Key, value and headers, for a topic of this kind of events."""
        return Record(self.key, self.value, [])

    def to_cloudevent(
        self,
        *,
        source: str,
        mode: Literal["structured", "binary"] = "structured",
        type: str | None = None,  # noqa: A002 - the attribute's own name
    ) -> Record:
        """Key, value and headers of the same event in a CloudEvents 1.0 envelope, for the same topic.

        `source` (a URI reference) and `type` are for others who read the topic; foldline ignores them. An envelope must
        have an id: an event without `event_id` gets the one that a worker would derive.

        Raises:
            PublishError: an attribute is empty, or holds what CloudEvents does not admit in one, a control character.
        """
        decoded = self._eyes.event(self.value, ())
        assert not isinstance(decoded, Undecodable), "what validates can be decoded"
        envelope = Envelope(
            id=decoded.event_id,
            source=source,
            type=self._cloudevents_type if type is None else type,
            time=format_time(self.occurred_at),
            correlationid=self.correlation_id,
        )
        wrapped = {"structured": envelope.structured, "binary": envelope.binary}[mode]
        return Record(self.key, *wrapped(self._json(without=Event.model_fields)))

    def _json(self, without: Container[str] = ()) -> bytes:
        members = (
            f'"{name}":{_text(value)}'
            for name, field in type(self).model_fields.items()
            if name not in without and (value := getattr(self, name)) != field.default
        )
        return f"{{{','.join(members)}}}".encode()


def _text(value: object) -> str:
    match value:
        case datetime():
            return written(format_time(value))
        case BaseModel():
            return written(value.model_dump())
        case _:
            return written(value)
