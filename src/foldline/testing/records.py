"""Whatever a publisher may have in its hands, as the record that it would publish."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from foldline.core.batch import Decoded
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record
from foldline.kafka.lines import route

Headers = Mapping[str, bytes | str | None] | Sequence[tuple[str, bytes | str | None]]

_WORKFLOWS = "workflows"


@runtime_checkable
class HasValue(Protocol):
    """A record, or an event that knows its record's value."""

    @property
    def value(self) -> bytes:
        """What Kafka would hold."""


@runtime_checkable
class Model(Protocol):
    """A pydantic model."""

    def model_dump_json(self) -> str:
        """Return its JSON text."""


Event = Mapping[str, object] | bytes | str | HasValue | Model
"""A dictionary of JSON values, the JSON text itself, or an object that has it."""


def decoded(event: Event, headers: Headers, offset: int) -> Decoded:
    """The record that publishing the event would make, decoded as its topic would have it: see `foldline publish`.

    Raises:
        TypeError: it is no event at all, or a dictionary that json cannot write.
    """
    value = _value(event)
    own = getattr(event, "headers", None)
    record = Record(offset, None, value, (*_pairs(own or ()), *_pairs(headers)))
    topic = route(value, transition_topic="transitions", workflow_topic=_WORKFLOWS, raw=True).topic
    decode = decode_workflow if topic == _WORKFLOWS else decode_transition
    return Decoded(record, decode(value, record.headers))


def _value(event: Event) -> bytes:
    if isinstance(event, Mapping):
        return json.dumps(event).encode()
    if isinstance(event, str):
        return event.encode()
    if isinstance(event, bytes):
        return event
    if isinstance(event, HasValue) and isinstance(event.value, bytes):
        return event.value
    if isinstance(event, Model):
        return event.model_dump_json().encode()
    raise TypeError(
        f"{type(event).__name__} is no event: give a dict, JSON as str or bytes, or an object with .value (bytes)"
        " or .model_dump_json()."
    )


def _pairs(headers: Headers) -> Iterator[tuple[str, bytes | None]]:
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        yield name, value.encode() if isinstance(value, str) else value
