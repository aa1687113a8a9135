"""The wire: a record's bytes to the members of an event, each by its own rule; what they mean together is decode's.

Each event is read by one msgspec decoder in one pass. Where that refuses, the members are read one by one: that names
the field and its rule, and it settles what the single pass is too strict for: a repeated key whose earlier value breaks
the rule (the last one counts), and a CloudEvents envelope, whose `specversion` no plain event has. What the single pass
is too lenient for, a text that spells a NUL and an envelope of headers, goes that way at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from foldline.core.cloudevents import SPECVERSION, envelope_headers, event_members
from foldline.core.events import Headers, Kind
from foldline.core.freejson import text_fault
from foldline.core.members import ABSENT, Fault, Members, Text255, members_of, read_member

_MAX_EPOCH = 2**63 - 1

Text50 = Annotated[str, Meta(min_length=1, max_length=50)]
Text100 = Annotated[str, Meta(min_length=1, max_length=100)]
Epoch = Annotated[int, Meta(ge=0, le=_MAX_EPOCH)]
_NO_HEADERS: Mapping[str, bytes] = {}


class WireLease(Struct, gc=False):
    """A lease as it stands in the record."""

    lease_id: Text255 | None = None
    lease_epoch: Epoch | None = None


class WireTransition(Struct, gc=False):
    """A transition event as it stands in the record; None and `null` are the same as absent."""

    correlation_id: Text255 | None = None
    event_id: Text255 | None = None
    occurred_at: str | None = None
    fsm_type: Text50 | None = None
    entity_id: Text255 | None = None
    action: Text50 | None = None
    from_state: Text50 | None = None
    to_state: Text50 | None = None
    success: bool | None = None
    error_message: str | None = None
    metadata: Raw = ABSENT
    lease: WireLease | None = None
    specversion: None = None


class WireWorkflow(Struct, gc=False):
    """A workflow event as it stands in the record; None and `null` are the same as absent."""

    correlation_id: Text255 | None = None
    event_id: Text255 | None = None
    occurred_at: str | None = None
    workflow_id: Text255 | None = None
    kind: Kind | None = None
    operation_type: Text50 | None = None
    entity_id: Text255 | None = None
    step: Text100 | None = None
    input_payload: Raw = ABSENT
    output_results: Raw = ABSENT
    error_message: str | None = None
    metadata: Raw = ABSENT
    lease: WireLease | None = None
    specversion: None = None


_Shape = TypeVar("_Shape", WireTransition, WireWorkflow, WireLease)


_transition_decoder = msgspec.json.Decoder(WireTransition)
_workflow_decoder = msgspec.json.Decoder(WireWorkflow)
_by_member: Mapping[type[Struct], Mapping[str, msgspec.json.Decoder[Any]]] = {
    shape: {
        field.name: msgspec.json.Decoder(field.type)
        for field in msgspec.structs.fields(shape)
        if field.name != SPECVERSION
    }
    for shape in (WireTransition, WireWorkflow, WireLease)
}


def read_transition(value: bytes | None, headers: Headers = ()) -> WireTransition:
    """The members of a transition event. Raises `Fault`."""
    return _read(value, headers, WireTransition, _transition_decoder)


def read_workflow(value: bytes | None, headers: Headers = ()) -> WireWorkflow:
    """The members of a workflow event. Raises `Fault`."""
    return _read(value, headers, WireWorkflow, _workflow_decoder)


def _read(value: bytes | None, headers: Headers, shape: type[_Shape], one_pass: msgspec.json.Decoder[_Shape]) -> _Shape:
    if value is None:
        raise Fault("malformed", "no value (a tombstone): publish a JSON object")
    fault = text_fault(value)
    if fault is not None:
        raise Fault("malformed", fault)
    envelope = envelope_headers(headers) if headers else _NO_HEADERS
    if not envelope and b"\\u0000" not in value:
        try:
            return one_pass.decode(value)
        except (msgspec.DecodeError, RecursionError):
            pass
    return _by_members(event_members(members_of(value), envelope), shape)


def _by_members(members: Members, shape: type[_Shape], path: str = "") -> _Shape:
    """The slow way: each member against its own rule, in the order of the contract's table."""
    found: dict[str, Any] = {}
    for name, decoder in _by_member[shape].items():
        raw = members.get(name, ABSENT)
        if raw == ABSENT:
            continue
        if name == "lease":
            found[name] = _by_members(members_of(raw, name), WireLease, "lease.")
        else:
            found[name] = read_member(raw, decoder, path + name)
    return shape(**found)
