"""What the line carries: records as Kafka holds them, and the events that they decode to."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

REDRIVE_HEADER = "foldline-redrive"

Headers = tuple[tuple[str, bytes | None], ...]
"""A record's headers as they came: in order, names repeated, None for a null value."""


class Verdict(StrEnum):
    """How a record ends: as exactly one of these."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UNDECODABLE = "undecodable"


class Kind(StrEnum):
    """What a workflow event reports."""

    STARTED = "STARTED"
    STEP_STARTED = "STEP_STARTED"
    STEP_COMPLETED = "STEP_COMPLETED"
    STEP_FAILED = "STEP_FAILED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    RETRIED = "RETRIED"


STEP_KINDS = frozenset({Kind.STEP_STARTED, Kind.STEP_COMPLETED, Kind.STEP_FAILED})
"""The kinds that are about a step."""


class Record(Struct, frozen=True, gc=False):
    """One record of a partition, as it came. `timestamp_ms` is None where the broker has none."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int | None = None

    @property
    def redrive(self) -> bool:
        """Whether this record asks for a rejected identity to be judged again."""
        return any(name == REDRIVE_HEADER for name, _ in self.headers)

    @property
    def header_text(self) -> str | None:
        """The headers as a dead letter keeps them: a JSON list of [name, value in base64 or null]; None without any."""
        if not self.headers:
            return None
        return json.dumps(
            [[name, None if value is None else b64encode(value).decode()] for name, value in self.headers]
        )


class Lease(Struct, frozen=True, gc=False):
    """The fencing token of the actor that caused an event."""

    id: str
    epoch: int


class TransitionEvent(Struct, frozen=True, gc=False):
    """A well-formed transition event. `metadata` is JSON text; `identity` the digest of its identity."""

    correlation_id: str
    event_id: str
    occurred_at: datetime
    fsm_type: str
    entity_id: str
    action: str
    from_state: str | None
    to_state: str | None
    success: bool
    error_message: str | None
    metadata: str | None
    lease: Lease | None
    identity: str


class WorkflowEvent(Struct, frozen=True, gc=False):
    """A well-formed workflow event. Payloads and `metadata` are JSON text."""

    correlation_id: str
    event_id: str
    occurred_at: datetime
    workflow_id: str
    kind: Kind
    operation_type: str | None
    entity_id: str | None
    step: str | None
    input_payload: str | None
    output_results: str | None
    error_message: str | None
    metadata: str | None
    lease: Lease | None
    identity: str


class Undecodable(Struct, frozen=True, gc=False):
    """Why a record is no event. `reason`: `malformed`, `invalid` or `refused_by_database`; `detail` has no values."""

    reason: str
    detail: str
