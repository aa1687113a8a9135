"""The decision for workflows: what one workflow event does to its workflow. A pure function of the two."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from foldline.core.decide import Reason, lease_refusal
from foldline.core.events import Kind, Lease, WorkflowEvent
from foldline.core.times import milliseconds_between

MAX_COMPLETED_STEPS = 1_000


class Status(StrEnum):
    """Where a workflow stands."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Workflow(Struct, frozen=True, gc=False):
    """What is folded of a workflow: its row. `revision` is the timeline row that last changed it; texts are JSON.

    `cleaned`: a clean-up has taken the row away and kept this of it.
    """

    operation_type: str
    entity_id: str
    status: Status
    started_at: datetime
    correlation_id: str | None
    input_payload: str | None
    revision: int = 0
    current_step: str | None = None
    completed_steps: tuple[str, ...] = ()
    failed_step: str | None = None
    completed_at: datetime | None = None
    duration_ms: float | None = None
    output_results: str | None = None
    error_message: str | None = None
    retry_count: int = 0
    metadata: str | None = None
    last_event_at: datetime | None = None
    lease: Lease | None = None
    source: tuple[str, int] | None = None
    cleaned: bool = False


class WorkflowRejection(Struct, frozen=True, gc=False):
    """Rejected: nothing of the workflow changes; the event becomes a dead letter."""

    reason: Reason
    explanation: str


LEGAL_IN = {
    Kind.STEP_STARTED: {Status.RUNNING},
    Kind.STEP_COMPLETED: {Status.RUNNING, Status.PAUSED},
    Kind.STEP_FAILED: {Status.RUNNING, Status.PAUSED},
    Kind.PAUSED: {Status.RUNNING},
    Kind.RESUMED: {Status.PAUSED},
    Kind.COMPLETED: {Status.RUNNING},
    Kind.FAILED: {Status.RUNNING, Status.PAUSED},
    Kind.RETRIED: {Status.FAILED},
}
"""Where a started workflow must stand for each kind. STARTED is legal only for one that is not there."""


def decide_workflow(workflow: Workflow | None, event: WorkflowEvent) -> Workflow | WorkflowRejection:
    """The workflow as the event leaves it (its revision and source are the fold's to set), or why it was rejected."""
    if workflow is None:
        if event.kind is not Kind.STARTED:
            return WorkflowRejection(Reason.UNKNOWN_WORKFLOW, f"{event.kind} before any STARTED")
        return _started(event)
    if event.lease is not None:
        refused = lease_refusal(workflow.lease, event.lease)
        if refused is not None:
            return WorkflowRejection(*refused)
    if event.kind is Kind.STARTED:
        return WorkflowRejection(Reason.ILLEGAL_WORKFLOW_EVENT, "the workflow has started already")
    if workflow.status not in LEGAL_IN[event.kind]:
        return WorkflowRejection(Reason.ILLEGAL_WORKFLOW_EVENT, f"{event.kind} is not possible while {workflow.status}")
    if event.kind is Kind.STEP_COMPLETED and _too_many_steps(workflow, event):
        return WorkflowRejection(
            Reason.ILLEGAL_WORKFLOW_EVENT, f"{MAX_COMPLETED_STEPS} different steps are completed already"
        )
    return _changed(_seen(workflow, event), event.kind, event)


def _started(event: WorkflowEvent) -> Workflow:
    assert event.operation_type is not None, "decoding demands it of STARTED"
    assert event.entity_id is not None, "decoding demands it of STARTED"
    return Workflow(
        operation_type=event.operation_type,
        entity_id=event.entity_id,
        status=Status.RUNNING,
        started_at=event.occurred_at,
        correlation_id=event.correlation_id,
        input_payload=event.input_payload,
        metadata=event.metadata,
        last_event_at=event.occurred_at,
        lease=event.lease,
    )


def _seen(workflow: Workflow, event: WorkflowEvent) -> Workflow:
    """What every applied event leaves behind, whatever its kind."""
    return replace(
        workflow,
        metadata=event.metadata if event.metadata is not None else workflow.metadata,
        last_event_at=event.occurred_at,
        lease=event.lease or workflow.lease,
        cleaned=False,
    )


def _changed(workflow: Workflow, kind: Kind, event: WorkflowEvent) -> Workflow:
    match kind:
        case Kind.STEP_STARTED:
            return replace(workflow, current_step=event.step)
        case Kind.STEP_COMPLETED:
            assert event.step is not None, "decoding demands it of steps"
            if event.step in workflow.completed_steps:
                return workflow
            return replace(workflow, completed_steps=(*workflow.completed_steps, event.step))
        case Kind.STEP_FAILED:
            return replace(workflow, failed_step=event.step, error_message=_message(workflow, event))
        case Kind.PAUSED:
            return replace(workflow, status=Status.PAUSED)
        case Kind.RESUMED:
            return replace(workflow, status=Status.RUNNING)
        case Kind.COMPLETED:
            return replace(
                _ended(workflow, event),
                status=Status.COMPLETED,
                current_step=None,
                output_results=event.output_results,
            )
        case Kind.FAILED:
            return replace(_ended(workflow, event), status=Status.FAILED, error_message=_message(workflow, event))
        case Kind.RETRIED:
            return replace(
                workflow,
                status=Status.RUNNING,
                retry_count=workflow.retry_count + 1,
                completed_at=None,
                duration_ms=None,
                failed_step=None,
                error_message=None,
            )
        case Kind.STARTED:
            raise AssertionError("a second STARTED was rejected before")
        case _:
            assert_never(kind)


def _ended(workflow: Workflow, event: WorkflowEvent) -> Workflow:
    return replace(
        workflow,
        completed_at=event.occurred_at,
        duration_ms=milliseconds_between(workflow.started_at, event.occurred_at),
    )


def _message(workflow: Workflow, event: WorkflowEvent) -> str | None:
    return event.error_message if event.error_message is not None else workflow.error_message


def _too_many_steps(workflow: Workflow, event: WorkflowEvent) -> bool:
    return len(workflow.completed_steps) >= MAX_COMPLETED_STEPS and event.step not in workflow.completed_steps
