"""Decoding: the bytes of a record to an event, or to the reason why it is none. Total: no input raises.

Each event is decoded by one msgspec decoder in one pass. Where that refuses, the members are decoded one by one: that
names the field and its rule, and it settles the one case in which the single pass is too strict, a repeated key whose
earlier value breaks the rule (the last one counts).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from foldline.core.events import Kind, Lease, TransitionEvent, Undecodable, WorkflowEvent
from foldline.core.freejson import free_json_fault, text_fault
from foldline.core.identity import derived_event_id, identity_digest
from foldline.core.times import format_time, parse_time

MAX_ERROR_MESSAGE_BYTES = 8 * 1024
_MAX_BYTES_PER_CHARACTER = 4
_MAX_EPOCH = 2**63 - 1

Text50 = Annotated[str, Meta(min_length=1, max_length=50)]
Text100 = Annotated[str, Meta(min_length=1, max_length=100)]
Text255 = Annotated[str, Meta(min_length=1, max_length=255)]
Epoch = Annotated[int, Meta(ge=0, le=_MAX_EPOCH)]
_ABSENT = Raw(b"null")


class _Lease(Struct, gc=False):
    lease_id: Text255 | None = None
    lease_epoch: Epoch | None = None


class _Transition(Struct, gc=False):
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
    lease: _Lease | None = None


class _Workflow(Struct, gc=False):
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
    lease: _Lease | None = None


_Shape = TypeVar("_Shape", _Transition, _Workflow, _Lease)
_STEP_KINDS = frozenset({Kind.STEP_STARTED, Kind.STEP_COMPLETED, Kind.STEP_FAILED})


class _Fault(Exception):  # noqa: N818 - never leaves this module; the caller gets a value
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = Undecodable(reason, detail)


_transition_decoder = msgspec.json.Decoder(_Transition)
_workflow_decoder = msgspec.json.Decoder(_Workflow)
_members = msgspec.json.Decoder(dict[str, Raw])
_by_member: Mapping[type[Struct], Mapping[str, msgspec.json.Decoder[Any]]] = {
    shape: {field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(shape)}
    for shape in (_Transition, _Workflow, _Lease)
}


def decode_transition(value: bytes | None) -> TransitionEvent | Undecodable:
    """The transition event in a record's value."""
    try:
        wire = _wire(value, _Transition, _transition_decoder)
        return _transition(wire, nul_possible=value is not None and b"\\u0000" in value)
    except _Fault as fault:
        return fault.verdict


def decode_workflow(value: bytes | None) -> WorkflowEvent | Undecodable:
    """The workflow event in a record's value."""
    try:
        wire = _wire(value, _Workflow, _workflow_decoder)
        return _workflow(wire, nul_possible=value is not None and b"\\u0000" in value)
    except _Fault as fault:
        return fault.verdict


def _wire(value: bytes | None, shape: type[_Shape], one_pass: msgspec.json.Decoder[_Shape]) -> _Shape:
    if value is None:
        raise _Fault("malformed", "no value (a tombstone): publish a JSON object")
    fault = text_fault(value)
    if fault is not None:
        raise _Fault("malformed", fault)
    try:
        return one_pass.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return _by_members(value, shape, path="")


def _by_members(value: bytes | Raw, shape: type[_Shape], path: str) -> _Shape:
    """The slow way: the last value of every member, each against its own rule, in the order of the contract's table."""
    try:
        members = _members.decode(value)
    except msgspec.ValidationError:
        if path:
            raise _Fault("invalid", f"{path[:-1]}: must be an object") from None
        raise _Fault("malformed", "not a JSON object") from None
    except msgspec.DecodeError as error:
        raise _Fault("malformed", f"not JSON: {error}") from None
    except RecursionError:
        raise _Fault("malformed", "nested too deep") from None
    found: dict[str, Any] = {}
    for name, decoder in _by_member[shape].items():
        if name not in members:
            continue
        try:
            found[name] = decoder.decode(members[name])
        except msgspec.ValidationError as error:
            if name == "lease" and not path:
                found[name] = _by_members(members[name], _Lease, path="lease.")
                continue
            raise _Fault("invalid", f"{path}{name}: {_rule(error)}") from None
    return shape(**found)


def _rule(error: msgspec.ValidationError) -> str:
    text = str(error).partition(" - at ")[0]
    if text.startswith("Invalid enum value"):  # it would go on with the value
        return f"must be one of {', '.join(Kind)}"
    return text.replace("Expected", "expected").replace(" | null", "")


def _missing(name: str) -> NoReturn:
    raise _Fault("invalid", f"{name}: required")


def _occurred_at(text: str | None) -> datetime:
    try:
        return parse_time(text if text is not None else _missing("occurred_at"))
    except ValueError as error:
        raise _Fault("invalid", f"occurred_at: {error}") from None


def _free_json(name: str, raw: Raw, *, must_be_object: bool = False) -> str | None:
    octets = bytes(raw)
    if octets == b"null":
        return None
    if must_be_object and not octets.startswith(b"{"):
        raise _Fault("invalid", f"{name}: must be an object")
    fault = free_json_fault(octets)
    if fault is not None:
        raise _Fault("invalid", f"{name}: {fault}")
    return octets.decode()


def _error_message(text: str | None) -> str | None:
    if (
        text is not None
        and len(text) * _MAX_BYTES_PER_CHARACTER > MAX_ERROR_MESSAGE_BYTES
        and len(text.encode()) > MAX_ERROR_MESSAGE_BYTES
    ):
        raise _Fault("invalid", f"error_message: longer than {MAX_ERROR_MESSAGE_BYTES // 1024} KiB of UTF-8")
    return text


def _lease(wire: _Lease | None) -> Lease | None:
    if wire is None:
        return None
    if wire.lease_epoch is None:
        _missing("lease.lease_epoch")
    return Lease(wire.lease_id or _missing("lease.lease_id"), wire.lease_epoch)


def _refuse_nul(wire: Struct, path: str = "") -> None:
    for name in wire.__struct_fields__:
        member = getattr(wire, name)
        if isinstance(member, str) and "\0" in member:
            raise _Fault("invalid", f"{path}{name}: a NUL character (\\u0000)")
        if isinstance(member, _Lease):
            _refuse_nul(member, "lease.")


def _transition(wire: _Transition, *, nul_possible: bool) -> TransitionEvent:
    if nul_possible:
        _refuse_nul(wire)
    correlation_id = wire.correlation_id or _missing("correlation_id")
    occurred_at = _occurred_at(wire.occurred_at)
    fsm_type = wire.fsm_type or _missing("fsm_type")
    entity_id = wire.entity_id or _missing("entity_id")
    action = wire.action or _missing("action")
    success = wire.success is not False
    event_id = wire.event_id
    if event_id is None:
        event_id = derived_event_id(
            "transition", fsm_type, entity_id, correlation_id, action,
            wire.from_state, wire.to_state, format_time(occurred_at), success,
        )  # fmt: skip
    return TransitionEvent(
        correlation_id,
        event_id,
        occurred_at,
        fsm_type,
        entity_id,
        action,
        wire.from_state,
        wire.to_state,
        success,
        _error_message(wire.error_message),
        _free_json("metadata", wire.metadata, must_be_object=True),
        _lease(wire.lease),
        identity_digest("transition", fsm_type, entity_id, correlation_id, event_id),
    )


def _workflow(wire: _Workflow, *, nul_possible: bool) -> WorkflowEvent:
    if nul_possible:
        _refuse_nul(wire)
    correlation_id = wire.correlation_id or _missing("correlation_id")
    occurred_at = _occurred_at(wire.occurred_at)
    workflow_id = wire.workflow_id or _missing("workflow_id")
    if wire.kind is None:
        raise _Fault("invalid", "kind: required")
    if wire.kind is Kind.STARTED:
        if wire.operation_type is None:
            _missing("operation_type")
        if wire.entity_id is None:
            _missing("entity_id")
    if wire.kind in _STEP_KINDS and wire.step is None:
        _missing("step")
    event_id = wire.event_id
    if event_id is None:
        event_id = derived_event_id(
            "workflow", workflow_id, correlation_id, wire.kind, wire.step, format_time(occurred_at)
        )
    return WorkflowEvent(
        correlation_id,
        event_id,
        occurred_at,
        workflow_id,
        wire.kind,
        wire.operation_type,
        wire.entity_id,
        wire.step,
        _free_json("input_payload", wire.input_payload),
        _free_json("output_results", wire.output_results),
        _error_message(wire.error_message),
        _free_json("metadata", wire.metadata, must_be_object=True),
        _lease(wire.lease),
        identity_digest("workflow", workflow_id, correlation_id, event_id),
    )
