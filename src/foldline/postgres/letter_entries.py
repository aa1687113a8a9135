"""Dead letters as people are told of them: each a frozen value, and documented as what commands print of it."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime

from foldline.core.batch import Partition
from foldline.core.events import Headers, Record


@dataclass(frozen=True, slots=True)
class DeadLetterEntry:
    """One dead letter without its record.

    Attributes:
        id: its number.
        topic: the topic of its record.
        partition: the partition of its record.
        offset: the offset of its record.
        verdict: rejected or undecodable.
        reason: the reason in one word.
        detail: the reason explained.
        fsm_type: the machine, if that could be read.
        entity_id: the entity, if that could be read.
        workflow_id: the workflow, if that could be read.
        correlation_id: the event's correlation id, if that could be read.
        event_id: the event's id, derived if it had none; null if it could not be decoded.
        recorded_at: when the verdict was written.
        status: open, redriven, applied, rejected_again or dropped.
    """

    id: int
    topic: str
    partition: int
    offset: int
    verdict: str
    reason: str
    detail: str
    fsm_type: str | None
    entity_id: str | None
    workflow_id: str | None
    correlation_id: str | None
    event_id: str | None
    recorded_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class DeadLetterRecord(DeadLetterEntry):
    """One dead letter with its record as it came, and with what became of it.

    `encoded_headers` is a JSON list of [name, value in base64 or null]. The record that answered it is the one that was
    published again and judged.
    """

    incarnation: int
    key: bytes | None
    value: bytes | None
    encoded_headers: str | None
    record_timestamp_ms: int | None
    redrives: int
    redriven_at: datetime | None
    redriven_by: str | None
    answered_topic: str | None
    answered_partition: int | None
    answered_incarnation: int | None
    answered_offset: int | None
    answered_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    why: str | None

    @property
    def source(self) -> Partition:
        """The partition that its record lay in."""
        return Partition(self.topic, self.partition)

    @property
    def headers(self) -> Headers:
        """The headers of its record, in their order."""
        listed = json.loads(self.encoded_headers or "[]")
        return tuple((name, None if value is None else b64decode(value)) for name, value in listed)

    @property
    def record(self) -> Record:
        """Its record as it came."""
        return Record(self.offset, self.key, self.value, self.headers, self.record_timestamp_ms)
