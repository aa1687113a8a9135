"""Rows to values and values to parameters: what the statements in `sql/` take and give."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import msgspec

from foldline.core.batch import DeadLetter, EntityKey, Identity, TimelineRow, WorkflowPlan
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Status, Workflow
from foldline.core.events import Lease, TransitionEvent, Verdict, WorkflowEvent
from foldline.core.redrive import Answer
from foldline.ports import PartitionFault

Parameters = dict[str, Any]


def entity_of(row: tuple[Any, ...]) -> tuple[EntityKey, Entity]:
    """One row of `load_entities`."""
    fsm_type, entity_id, state, since, revision, retries, lease_id, lease_epoch, topic, partition = row
    source = (topic, partition) if topic is not None else None
    return (fsm_type, entity_id), Entity(state, _utc(since), revision, retries, _lease(lease_id, lease_epoch), source)


def workflow_of(row: tuple[Any, ...]) -> tuple[str, Workflow]:
    """One row of `load_workflows`."""
    (
        workflow_id, operation_type, entity_id, status, started_at, correlation_id, revision, current_step,
        completed_steps, failed_step, completed_at, duration_ms, output_results, error_message, retry_count, metadata,
        last_event_at, lease_id, lease_epoch, topic, partition, cleaned,
    ) = row  # fmt: skip
    return workflow_id, Workflow(
        operation_type=operation_type,
        entity_id=entity_id,
        status=Status(status),
        started_at=_utc(started_at),
        correlation_id=correlation_id,
        input_payload=None,
        revision=revision,
        current_step=current_step,
        completed_steps=_steps(workflow_id, completed_steps),
        failed_step=failed_step,
        completed_at=completed_at and _utc(completed_at),
        duration_ms=duration_ms,
        output_results=output_results,
        error_message=error_message,
        retry_count=retry_count,
        metadata=metadata,
        last_event_at=last_event_at and _utc(last_event_at),
        lease=_lease(lease_id, lease_epoch),
        source=(topic, partition) if topic is not None else None,
        cleaned=cleaned,
    )


def key_parameters(keys: Iterable[EntityKey]) -> Parameters:
    """Entity keys as two lists."""
    listed = list(keys)
    return {"fsm_types": [key[0] for key in listed], "entity_ids": [key[1] for key in listed]}


def identity_parameters(identities: Iterable[Identity]) -> Parameters:
    """Identities as digests and whether they were rejected; sorted, since neighbours share a page of the index."""
    listed = sorted(identities, key=attrgetter("digest"))
    return {
        "digests": [identity.digest for identity in listed],
        "rejected": [identity.verdict is Verdict.REJECTED for identity in listed],
    }


def workflow_parameters(plan: WorkflowPlan) -> Parameters:
    """The rows of the workflows that the plan moves."""
    moved = [(key, workflow, plan.before[key]) for key, workflow in plan.after.items()]
    offsets = {row.id: row.offset for row in plan.timeline}
    rows = [workflow for _, workflow, _ in moved]
    return {
        "workflow_ids": [key for key, _, _ in moved],
        "operation_types": [row.operation_type for row in rows],
        "entity_ids": [row.entity_id for row in rows],
        "statuses": [row.status.value for row in rows],
        "current_steps": [row.current_step for row in rows],
        "completed_steps": [json.dumps(row.completed_steps, ensure_ascii=False) for row in rows],
        "started_ats": [row.started_at for row in rows],
        "completed_ats": [row.completed_at for row in rows],
        "durations_ms": [row.duration_ms for row in rows],
        "correlation_ids": [row.correlation_id for row in rows],
        "input_payloads": [row.input_payload for row in rows],
        "output_results": [row.output_results for row in rows],
        "error_messages": [row.error_message for row in rows],
        "retry_counts": [row.retry_count for row in rows],
        "failed_steps": [row.failed_step for row in rows],
        "metadata": [row.metadata for row in rows],
        "last_event_ats": [row.last_event_at for row in rows],
        "revisions": [row.revision for row in rows],
        "previous_revisions": [before.revision if before is not None else None for _, _, before in moved],
        "kept_lease_ids": [row.lease.id if row.lease is not None else None for row in rows],
        "kept_lease_epochs": [row.lease.epoch if row.lease is not None else None for row in rows],
        "offsets": [offsets[row.revision] for row in rows],
    }


def timeline_parameters(timeline: Iterable[TimelineRow]) -> Parameters:
    """Applied workflow events; of each only the fields that its kind has a use for."""
    rows = list(timeline)
    events = [row.event for row in rows]
    return {
        "ids": [row.id for row in rows],
        "workflow_ids": [event.workflow_id for event in events],
        "kinds": [event.kind.value for event in events],
        "steps": [row.step for row in rows],
        "occurred_ats": [event.occurred_at for event in events],
        "correlation_ids": [event.correlation_id for event in events],
        "event_ids": [event.event_id for event in events],
        "error_messages": [row.error_message for row in rows],
        "payloads": [row.payload for row in rows],
        "offsets": [row.offset for row in rows],
    }


def dead_letter_parameters(letters: Iterable[DeadLetter]) -> Parameters:
    """Dead letters as they came."""
    listed = list(letters)
    transitions = [letter.event if isinstance(letter.event, TransitionEvent) else None for letter in listed]
    workflows = [letter.event if isinstance(letter.event, WorkflowEvent) else None for letter in listed]
    events = [letter.event for letter in listed]
    return {
        "offsets": [letter.record.offset for letter in listed],
        "verdicts": [letter.verdict.value for letter in listed],
        "reasons": [str(letter.reason) for letter in listed],
        "details": [letter.detail for letter in listed],
        "fsm_types": [event.fsm_type if event is not None else None for event in transitions],
        "entity_ids": [event.entity_id if event is not None else None for event in transitions],
        "workflow_ids": [event.workflow_id if event is not None else None for event in workflows],
        "correlation_ids": [event.correlation_id if event is not None else None for event in events],
        "event_ids": [event.event_id if event is not None else None for event in events],
        "keys": [letter.record.key for letter in listed],
        "values": [letter.record.value for letter in listed],
        "headers": [letter.record.header_text for letter in listed],
        "timestamps": [letter.record.timestamp_ms for letter in listed],
        "numbers": [letter.judged_as for letter in listed],
    }


def answer_parameters(answers: Iterable[Answer]) -> Parameters:
    """What redrives say of their letters."""
    listed = list(answers)
    letters = [answer.letter for answer in listed]
    return {
        "topics": [letter.topic for letter in letters],
        "partitions": [letter.partition for letter in letters],
        "incarnations": [letter.incarnation for letter in letters],
        "offsets": [letter.offset for letter in letters],
        "values": [answer.record.value for answer in listed],
        "statuses": ["applied" if answer.applied else "rejected_again" for answer in listed],
        "answered_offsets": [answer.record.offset for answer in listed],
    }


def _steps(workflow_id: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(msgspec.json.decode(text))
    except msgspec.ValidationError:
        raise PartitionFault(
            f"completed_steps of workflow {workflow_id} holds what no event can have put there.",
            remedy="Correct it by SQL: a list of step names.",
        ) from None


def _lease(lease_id: str | None, epoch: int | None) -> Lease | None:
    return Lease(lease_id, epoch) if lease_id is not None and epoch is not None else None


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
