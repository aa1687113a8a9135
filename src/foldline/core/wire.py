"""The wire: a record's bytes to the members of an event, each by its own rule; what they mean together is decode's.

Each event is read by one msgspec decoder in one pass. Where that refuses, the members are read one by one: that names
the field and its rule, and it settles the one case in which the single pass is too strict, a repeated key whose earlier
value breaks the rule (the last one counts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from foldline.core.events import Kind, Undecodable
from foldline.core.freejson import text_fault

_MAX_EPOCH = 2**63 - 1

Text50 = Annotated[str, Meta(min_length=1, max_length=50)]
Text100 = Annotated[str, Meta(min_length=1, max_length=100)]
Text255 = Annotated[str, Meta(min_length=1, max_length=255)]
Epoch = Annotated[int, Meta(ge=0, le=_MAX_EPOCH)]
_ABSENT = Raw(b"null")


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
    metadata: Raw = _ABSENT
    lease: WireLease | None = None


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
    input_payload: Raw = _ABSENT
    output_results: Raw = _ABSENT
    error_message: str | None = None
    metadata: Raw = _ABSENT
    lease: WireLease | None = None


_Shape = TypeVar("_Shape", WireTransition, WireWorkflow, WireLease)


class Fault(Exception):  # noqa: N818 - never leaves decoding; the caller gets its verdict
    """Why a record is no event."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = Undecodable(reason, detail)


_transition_decoder = msgspec.json.Decoder(WireTransition)
_workflow_decoder = msgspec.json.Decoder(WireWorkflow)
_members = msgspec.json.Decoder(dict[str, Raw])
_by_member: Mapping[type[Struct], Mapping[str, msgspec.json.Decoder[Any]]] = {
    shape: {field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(shape)}
    for shape in (WireTransition, WireWorkflow, WireLease)
}


def read_transition(value: bytes | None) -> WireTransition:
    """The members of a transition event. Raises `Fault`."""
    return _read(value, WireTransition, _transition_decoder)


def read_workflow(value: bytes | None) -> WireWorkflow:
    """The members of a workflow event. Raises `Fault`."""
    return _read(value, WireWorkflow, _workflow_decoder)


def _read(value: bytes | None, shape: type[_Shape], one_pass: msgspec.json.Decoder[_Shape]) -> _Shape:
    if value is None:
        raise Fault("malformed", "no value (a tombstone): publish a JSON object")
    fault = text_fault(value)
    if fault is not None:
        raise Fault("malformed", fault)
    try:
        wire = one_pass.decode(value)
    except (msgspec.DecodeError, RecursionError):
        wire = _by_members(value, shape, path="")
    if b"\\u0000" in value:
        _refuse_nul(wire)
    return wire


def _by_members(value: bytes | Raw, shape: type[_Shape], path: str) -> _Shape:
    """The slow way: the last value of every member, each against its own rule, in the order of the contract's table."""
    try:
        members = _members.decode(value)
    except msgspec.ValidationError:
        if path:
            raise Fault("invalid", f"{path[:-1]}: must be an object") from None
        raise Fault("malformed", "not a JSON object") from None
    except msgspec.DecodeError as error:
        raise Fault("malformed", f"not JSON: {error}") from None
    except RecursionError:
        raise Fault("malformed", "nested too deep") from None
    found: dict[str, Any] = {}
    for name, decoder in _by_member[shape].items():
        if name not in members:
            continue
        try:
            found[name] = decoder.decode(members[name])
        except msgspec.ValidationError as error:
            if name == "lease" and not path:
                found[name] = _by_members(members[name], WireLease, path="lease.")
                continue
            raise Fault("invalid", f"{path}{name}: {_rule(error)}") from None
    return shape(**found)


def _rule(error: msgspec.ValidationError) -> str:
    text = str(error).partition(" - at ")[0]
    if text.startswith("Invalid enum value"):  # it would go on with the value
        return f"must be one of {', '.join(Kind)}"
    return text.replace("Expected", "expected").replace(" | null", "")


def _refuse_nul(wire: Struct, path: str = "") -> None:
    for name in wire.__struct_fields__:
        member = getattr(wire, name)
        if isinstance(member, str) and "\0" in member:
            raise Fault("invalid", f"{path}{name}: a NUL character (\\u0000)")
        if isinstance(member, WireLease):
            _refuse_nul(member, "lease.")
