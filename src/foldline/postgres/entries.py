"""What people are told of the tables: each answer a frozen value, and documented as what commands print of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from foldline.core.batch import Partition
from foldline.ports import ReadTo


@dataclass(frozen=True, slots=True)
class Position:
    """Where one partition stands, who owns it, and how its records ended.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        next_offset: the offset of the next record to be judged.
        begun_at: the offset that the first claim began at.
        epoch: the number of the claim in force; it grows with every claim.
        applied: how many records were applied.
        duplicate: how many records were duplicates.
        rejected: how many records were rejected.
        undecodable: how many records could not be decoded.
        group_id: the consumer group of the last owner.
        owner: the worker that claimed it last, as host:process.
        claimed_at: when it did.
        moved_at: when the position moved last; null if it never did.
        stopped_reason: why the partition stopped; null if it did not.
        tripped: whether the breaker stopped it.
        topic_id: the id that Kafka gave the topic; null if it gave none.
        leader_epoch: Kafka's leader epoch of the last record before next_offset; null if it is not known.
        leader_epoch_at: the offset after that record; null likewise.
        incarnation: how often another log of this name was accepted in place of the first.
        compaction_accepted: whether somebody has accepted that the topic is compacted.
    """

    topic: str
    partition: int
    next_offset: int
    begun_at: int
    epoch: int
    applied: int
    duplicate: int
    rejected: int
    undecodable: int
    group_id: str
    owner: str
    claimed_at: datetime
    moved_at: datetime | None
    stopped_reason: str | None
    tripped: bool
    topic_id: str | None
    leader_epoch: int | None
    leader_epoch_at: int | None
    incarnation: int
    compaction_accepted: bool

    @property
    def key(self) -> Partition:
        """Which partition it is of."""
        return Partition(self.topic, self.partition)

    @property
    def read_to(self) -> ReadTo | None:
        """How far records were read, and in whose log, if it is known."""
        if self.leader_epoch is None or self.leader_epoch_at is None:
            return None
        return ReadTo(self.leader_epoch_at, self.leader_epoch)


@dataclass(frozen=True, slots=True)
class AcceptanceEntry:
    """What somebody accepted about a partition that had stopped.

    Attributes:
        id: the number of the answer.
        topic: the topic.
        partition: the number of the partition.
        problem: why it had stopped.
        incarnation: which of the logs of this name it went on in.
        from_offset: where it stood.
        to_offset: where it went on.
        why: the reason that was given.
        accepted_by: who gave it: the database's user, and that of the machine.
        accepted_at: when.
    """

    id: int
    topic: str
    partition: int
    problem: str
    incarnation: int
    from_offset: int
    to_offset: int
    why: str
    accepted_by: str
    accepted_at: datetime

    @property
    def key(self) -> Partition:
        """Which partition it is about."""
        return Partition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of an entity's history: a hop, a failed attempt, a rejected event, or a change by hand.

    Attributes:
        id: the number of the row; later rows have higher ones.
        from_state: the state before; null for an entity that was unknown.
        to_state: the state after, or the one that was asked for.
        action: the action; MANUAL for a change by hand.
        transitioned_at: when it happened, as the event says.
        duration_ms: milliseconds since the hop before; null for the first hop and for what was not applied.
        correlation_id: the event's correlation id; null for changes by hand.
        event_id: the event's id, derived if it had none; null for changes by hand.
        metadata: the event's metadata as it came.
        success: whether the state was changed.
        reason: why the event was rejected; null if it was not.
        error_message: the event's error message, or the explanation of the rejection.
        topic: the topic of the event; null for changes by hand.
        partition: its partition; null for changes by hand.
        record_offset: its offset; null for changes by hand.
        definition_version: the version of the machine that judged it; null for changes by hand.
    """

    id: int
    from_state: str | None
    to_state: str
    action: str
    transitioned_at: datetime
    duration_ms: float | None
    correlation_id: str | None
    event_id: str | None
    metadata: msgspec.Raw | None
    success: bool
    reason: str | None
    error_message: str | None
    topic: str | None
    partition: int | None
    record_offset: int | None
    definition_version: int | None


@dataclass(frozen=True, slots=True)
class EntityStory:
    """Everything kept of one entity at `asked_at`, by the database's clock; `state` is None where it has no row.

    `cleaned_before`: clean-ups have removed history from before this time, by event time; None if they removed none.
    """

    fsm_type: str
    entity_id: str
    history: list[HistoryEntry]
    state: str | None
    since: datetime | None
    asked_at: datetime
    cleaned_before: datetime | None


@dataclass(frozen=True, slots=True)
class WorkflowEntry:
    """One workflow as it stands.

    Attributes:
        workflow_id: its id.
        operation_type: what kind of operation it is.
        entity_id: the entity that it works on.
        status: RUNNING, PAUSED, COMPLETED or FAILED.
        current_step: the step that began last; null before the first and after completion.
        failed_step: the step that failed last; null if none did since the last retry.
        completed_steps: how many different steps are done.
        started_at: when it was started.
        completed_at: when it completed or failed; null while it has not.
        duration_ms: milliseconds from start to end.
        last_event_at: the time of its last applied event; null for rows written by hand.
        retry_count: how often it was retried.
        correlation_id: the correlation id of its start.
        error_message: the last error message since the last retry.
    """

    workflow_id: str
    operation_type: str
    entity_id: str
    status: str
    current_step: str | None
    failed_step: str | None
    completed_steps: int
    started_at: datetime
    completed_at: datetime | None
    duration_ms: float | None
    last_event_at: datetime | None
    retry_count: int
    correlation_id: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One applied event of a workflow.

    Attributes:
        id: the number of the row; later rows have higher ones.
        kind: the event's kind, as STEP_COMPLETED.
        step: the step that it is about; null for kinds without one.
        occurred_at: when it happened, as the event says.
        correlation_id: the event's correlation id.
        event_id: the event's id, derived if it had none.
        error_message: the event's error message.
        payload: the input payload of STARTED, the output results of COMPLETED, as they came.
        topic: the topic of the event.
        partition: its partition.
        record_offset: its offset.
    """

    id: int
    kind: str
    step: str | None
    occurred_at: datetime
    correlation_id: str | None
    event_id: str | None
    error_message: str | None
    payload: msgspec.Raw | None
    topic: str | None
    partition: int | None
    record_offset: int | None


@dataclass(frozen=True, slots=True)
class WorkflowStory:
    """One workflow and every applied event of it, in the log's order, at `asked_at` by the database's clock."""

    workflow: WorkflowEntry
    timeline: list[TimelineEntry]
    asked_at: datetime
