"""Decoding: the bytes of a record to an event, or to the reason why it is none. Total: no input raises."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from msgspec import Raw

from foldline.core.events import STEP_KINDS, Headers, Kind, Lease, TransitionEvent, Undecodable, WorkflowEvent
from foldline.core.freejson import free_json_fault
from foldline.core.identity import derived_event_id, identity_digest
from foldline.core.members import Fault
from foldline.core.times import format_time, parse_time
from foldline.core.wire import WireLease, WireTransition, WireWorkflow, read_transition, read_workflow

MAX_ERROR_MESSAGE_BYTES = 8 * 1024
_MAX_BYTES_PER_CHARACTER = 4


def decode_transition(value: bytes | None, headers: Headers = ()) -> TransitionEvent | Undecodable:
    """The transition event in a record's value, plain or in a CloudEvents envelope, which headers may be part of."""
    try:
        return _transition(read_transition(value, headers))
    except Fault as fault:
        return fault.verdict


def decode_workflow(value: bytes | None, headers: Headers = ()) -> WorkflowEvent | Undecodable:
    """The workflow event in a record's value, plain or in a CloudEvents envelope, which headers may be part of."""
    try:
        return _workflow(read_workflow(value, headers))
    except Fault as fault:
        return fault.verdict


def _missing(name: str) -> NoReturn:
    raise Fault("invalid", f"{name}: required")


def _occurred_at(text: str | None) -> datetime:
    try:
        return parse_time(text if text is not None else _missing("occurred_at"))
    except ValueError as error:
        raise Fault("invalid", f"occurred_at: {error}") from None


def _free_json(name: str, raw: Raw, *, must_be_object: bool = False) -> str | None:
    octets = bytes(raw)
    if octets == b"null":
        return None
    if must_be_object and not octets.startswith(b"{"):
        raise Fault("invalid", f"{name}: must be an object")
    fault = free_json_fault(octets)
    if fault is not None:
        raise Fault("invalid", f"{name}: {fault}")
    return octets.decode()


def _error_message(text: str | None) -> str | None:
    if (
        text is not None
        and len(text) * _MAX_BYTES_PER_CHARACTER > MAX_ERROR_MESSAGE_BYTES
        and len(text.encode()) > MAX_ERROR_MESSAGE_BYTES
    ):
        raise Fault("invalid", f"error_message: longer than {MAX_ERROR_MESSAGE_BYTES // 1024} KiB of UTF-8")
    return text


def _lease(wire: WireLease | None) -> Lease | None:
    if wire is None:
        return None
    if wire.lease_epoch is None:
        _missing("lease.lease_epoch")
    return Lease(wire.lease_id or _missing("lease.lease_id"), wire.lease_epoch)


def _transition(wire: WireTransition) -> TransitionEvent:
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


def _workflow(wire: WireWorkflow) -> WorkflowEvent:
    correlation_id = wire.correlation_id or _missing("correlation_id")
    occurred_at = _occurred_at(wire.occurred_at)
    workflow_id = wire.workflow_id or _missing("workflow_id")
    if wire.kind is None:
        raise Fault("invalid", "kind: required")
    if wire.kind is Kind.STARTED:
        if wire.operation_type is None:
            _missing("operation_type")
        if wire.entity_id is None:
            _missing("entity_id")
    if wire.kind in STEP_KINDS and wire.step is None:
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
