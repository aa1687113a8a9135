"""One moment of the tables: where every partition stood, who had judged, and rows as COPY wrote them.

Columns are named by the tuples below. A value is the text that PostgreSQL writes for it: times in UTC as
`2026-01-31 12:00:00.123456+00`, booleans as `t` and `f`, jsonb in its canonical form; None is NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from foldline.core.batch import Partition


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one partition stands, and how its records ended.

    Attributes:
        partition: which one.
        incarnation: how often another log of this name was accepted in place of the first.
        topic_id: the id that Kafka gave the topic; None if it gave none.
        begun_at: the offset that the first claim began at.
        next_offset: the offset of the next record to be judged.
        applied: how many records were applied.
        duplicate: how many records were duplicates.
        rejected: how many records were rejected.
        undecodable: how many records could not be decoded.
        compaction_accepted: whether somebody has accepted that the topic is compacted.
    """

    partition: Partition
    incarnation: int
    topic_id: str | None
    begun_at: int
    next_offset: int
    applied: int
    duplicate: int
    rejected: int
    undecodable: int
    compaction_accepted: bool


@dataclass(frozen=True, slots=True)
class Activation:
    """From which offset of a partition on which version of a machine judges; version None: none is loaded."""

    partition: Partition
    incarnation: int
    fsm_type: str
    from_offset: int
    version: int | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """One version of a machine: its definition as JSON text, and the digest that it had when it was recorded."""

    document: str
    digest: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A partition went on elsewhere: from one offset to another, in the log of this incarnation."""

    partition: Partition
    incarnation: int
    from_offset: int
    to_offset: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What is read once.

    Attributes:
        taken_at: when, by the database's clock.
        standings: every partition that was ever claimed, by topic and number.
        activations: by partition, incarnation, machine and offset.
        definitions: every machine version that ever judged, by name and version.
        cleaned_up_to: the latest cut-off of the clean-ups, by the table that they clean.
        accepted: in the order in which they were accepted.
        estimates: about how many rows each of the shapes below has.
    """

    taken_at: datetime
    standings: tuple[Standing, ...]
    activations: tuple[Activation, ...]
    definitions: Mapping[tuple[str, int], Recorded]
    cleaned_up_to: Mapping[str, datetime]
    accepted: tuple[Accepted, ...]
    estimates: Mapping[type[Row], int]


class EntityRow(NamedTuple):
    """A row of fsm_state, without what SQL keeps there for itself: its id, its own times, its lease."""

    fsm_type: str
    entity_id: str
    current_state: str
    previous_state: str | None
    transition_timestamp: str
    metadata: str | None
    revision: str
    previous_revision: str | None
    retry_count: str
    kept_lease_id: str | None
    kept_lease_epoch: str | None
    topic: str | None
    partition: str | None
    record_offset: str | None


class HistoryRow(NamedTuple):
    """A row of fsm_state_history, or one that is not there: then `cleaned`.

    The latter is a MANUAL one that a clean-up has removed and kept the gist of, or what was set by hand without a
    change of state: then `from_state` is `to_state`. `retry_count` is what was set by hand, NULL if it was not.
    """

    fsm_type: str
    entity_id: str
    id: str
    from_state: str | None
    to_state: str
    action: str
    transitioned_at: str
    duration_ms: str | None
    correlation_id: str | None
    metadata: str | None
    success: str
    error_message: str | None
    event_id: str | None
    reason: str | None
    topic: str | None
    partition: str | None
    record_offset: str | None
    definition_version: str | None
    recorded_at: str | None
    retry_count: str | None
    cleaned: str


class WorkflowRow(NamedTuple):
    """A row of workflow_executions, or of foldline_cleaned_workflows: then it is `cleaned`."""

    workflow_id: str
    cleaned: str
    operation_type: str
    entity_id: str
    status: str
    current_step: str | None
    completed_steps: str
    started_at: str
    completed_at: str | None
    duration_ms: str | None
    correlation_id: str | None
    input_payload: str | None
    output_results: str | None
    error_message: str | None
    retry_count: str
    failed_step: str | None
    metadata: str | None
    last_event_at: str | None
    revision: str
    previous_revision: str | None
    kept_lease_id: str | None
    kept_lease_epoch: str | None
    topic: str | None
    partition: str | None
    record_offset: str | None


class TimelineRow(NamedTuple):
    """A row of workflow_execution_history."""

    workflow_id: str
    id: str
    kind: str
    step: str | None
    occurred_at: str
    correlation_id: str | None
    event_id: str | None
    error_message: str | None
    payload: str | None
    topic: str | None
    partition: str | None
    record_offset: str | None


class LetterRow(NamedTuple):
    """A row of foldline_dead_letters; key and value in hexadecimal digits. They come in the order of the log."""

    topic: str
    partition: str
    incarnation: str
    record_offset: str
    id: str
    verdict: str
    reason: str
    detail: str
    fsm_type: str | None
    entity_id: str | None
    workflow_id: str | None
    correlation_id: str | None
    event_id: str | None
    status: str
    record_timestamp_ms: str | None
    key: str | None
    value: str | None
    headers: str | None
    judged_as: str | None


class IdentityRow(NamedTuple):
    """A row of foldline_identities; the digest in hexadecimal digits, as `TransitionEvent.identity` has it."""

    digest: str
    rejected: str


Row = EntityRow | HistoryRow | WorkflowRow | TimelineRow | LetterRow | IdentityRow
