"""The decision on a workflow event: each kind in each status, what it leaves behind, and the order of its reasons."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from foldline.core.decide import Reason
from foldline.core.decide_workflow import MAX_COMPLETED_STEPS, Status, Workflow, WorkflowRejection, decide_workflow
from foldline.core.decode import decode_workflow
from foldline.core.events import Kind, Lease, WorkflowEvent
from harness import workflow

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1, microseconds=1)
STARTED = Workflow(
    operation_type="DOCUMENT_INGESTION",
    entity_id="doc-1",
    status=Status.RUNNING,
    started_at=NOON,
    correlation_id="c-1",
    input_payload='{"a":1}',
    last_event_at=NOON,
)
FULL = replace(
    STARTED,
    revision=9,
    current_step="now",
    completed_steps=("done",),
    failed_step="bad",
    completed_at=NOON,
    duration_ms=0.0,
    error_message="old",
    retry_count=3,
    metadata='{"m":0}',
    lease=Lease("l", 5),
    source=("t", 1),
    cleaned=True,
)
EACH = [Status.RUNNING, Status.PAUSED, Status.COMPLETED, Status.FAILED]
# What each kind makes of each status, in the order of EACH; None: it is illegal there.
NEXT: dict[Kind, list[Status | None]] = {
    Kind.STARTED: [None, None, None, None],
    Kind.STEP_STARTED: [Status.RUNNING, None, None, None],
    Kind.STEP_COMPLETED: [Status.RUNNING, Status.PAUSED, None, None],
    Kind.STEP_FAILED: [Status.RUNNING, Status.PAUSED, None, None],
    Kind.PAUSED: [Status.PAUSED, None, None, None],
    Kind.RESUMED: [None, Status.RUNNING, None, None],
    Kind.COMPLETED: [Status.COMPLETED, None, None, None],
    Kind.FAILED: [Status.FAILED, Status.FAILED, None, None],
    Kind.RETRIED: [None, None, None, Status.RUNNING],
}


def event_of(kind: str, **fields: object) -> WorkflowEvent:
    step = {"step": "s"} if kind.startswith("STEP_") else {}
    base = {"occurred_at": "2026-01-31T12:00:01.000001Z"}
    event = decode_workflow(json.dumps(workflow(kind, **(base | step | fields))).encode())
    assert isinstance(event, WorkflowEvent), event
    return event


def outcome(before: Workflow | None, kind: str, **fields: object) -> Workflow | WorkflowRejection:
    return decide_workflow(before, event_of(kind, **fields))


def changed(before: Workflow, kind: str, **fields: object) -> dict[str, Any]:
    """The columns that the event changes; every applied event also sets `last_event_at` and brings the row back."""
    after = outcome(before, kind, **fields)
    assert isinstance(after, Workflow), after
    assert (after.last_event_at, after.cleaned) == (LATER, False)
    was, now = asdict(before), asdict(after)
    return {name: now[name] for name in now if now[name] != was[name] and name not in ("last_event_at", "cleaned")}


def refusal(before: Workflow | None, kind: str, **fields: object) -> Reason | None:
    after = outcome(before, kind, **fields)
    assert not isinstance(after, WorkflowRejection) or after.explanation
    return after.reason if isinstance(after, WorkflowRejection) else None


def test_started_makes_the_workflow() -> None:
    lease = {"lease_id": "l", "lease_epoch": 5}
    extra = {"input_payload": [1], "metadata": {"m": 1}, "lease": lease}
    unused = {"output_results": 1, "error_message": "unused", "step": "unused"}
    assert outcome(None, "STARTED", **extra, **unused) == Workflow(
        operation_type="DOCUMENT_INGESTION",
        entity_id="doc-1",
        status=Status.RUNNING,
        started_at=LATER,
        correlation_id="c-1",
        input_payload="[1]",
        metadata='{"m": 1}',
        last_event_at=LATER,
        lease=Lease("l", 5),
    )


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.STARTED])
def test_nothing_else_comes_before_it(kind: Kind) -> None:
    assert refusal(None, kind, lease={"lease_id": "l", "lease_epoch": 5}) is Reason.UNKNOWN_WORKFLOW


@pytest.mark.parametrize("full", [STARTED, FULL], ids=["bare", "full"])
@pytest.mark.parametrize("kind", Kind)
def test_each_kind_in_each_status(kind: Kind, full: Workflow) -> None:
    for status, after in zip(EACH, NEXT[kind], strict=True):
        found = outcome(replace(full, status=status), kind)
        if after is None:
            assert isinstance(found, WorkflowRejection)
            assert found.reason is Reason.ILLEGAL_WORKFLOW_EVENT
        else:
            assert isinstance(found, Workflow)
            assert found.status is after


PAUSED, FAILED = replace(FULL, status=Status.PAUSED), replace(FULL, status=Status.FAILED)
FRESH = replace(FULL, completed_at=None, duration_ms=None)
UNUSED = {"operation_type": "OTHER", "entity_id": "other", "correlation_id": "c-2", "input_payload": 1}
CHANGES: list[tuple[Workflow, str, dict[str, Any], dict[str, Any]]] = [
    (FULL, "STEP_STARTED", {"error_message": "unused"}, {"current_step": "s"}),
    (FULL, "STEP_COMPLETED", {"output_results": 1}, {"completed_steps": ("done", "s")}),
    (PAUSED, "STEP_COMPLETED", {}, {"completed_steps": ("done", "s")}),
    (FULL, "STEP_COMPLETED", {"step": "done"}, {}),
    (FULL, "STEP_FAILED", {}, {"failed_step": "s"}),
    (FULL, "STEP_FAILED", {"error_message": None}, {"failed_step": "s"}),
    (FULL, "STEP_FAILED", {"error_message": "new"}, {"failed_step": "s", "error_message": "new"}),
    (PAUSED, "STEP_FAILED", {"error_message": ""}, {"failed_step": "s", "error_message": ""}),
    (FULL, "PAUSED", {"step": "unused", "error_message": "unused"}, {"status": Status.PAUSED}),
    (PAUSED, "RESUMED", {"step": "unused", "error_message": "unused"}, {"status": Status.RUNNING}),
    (
        FRESH, "COMPLETED", {"output_results": {"r": 1}, "error_message": "unused", "step": "unused"},
        {"status": Status.COMPLETED, "completed_at": LATER, "duration_ms": 1000.001, "current_step": None,
         "output_results": '{"r": 1}'},
    ),
    (
        FRESH, "COMPLETED", {},
        {"status": Status.COMPLETED, "completed_at": LATER, "duration_ms": 1000.001, "current_step": None},
    ),
    (FRESH, "FAILED", {}, {"status": Status.FAILED, "completed_at": LATER, "duration_ms": 1000.001}),
    (
        replace(FRESH, status=Status.PAUSED), "FAILED", {"error_message": "new", "step": "unused", "output_results": 1},
        {"status": Status.FAILED, "completed_at": LATER, "duration_ms": 1000.001, "error_message": "new"},
    ),
    (
        FAILED, "RETRIED", {"error_message": "unused", "step": "unused"},
        {"status": Status.RUNNING, "retry_count": 4, "completed_at": None, "duration_ms": None, "failed_step": None,
         "error_message": None},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "kind", "fields", "changes"), CHANGES)
def test_what_an_event_changes_and_nothing_else(
    before: Workflow, kind: str, fields: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert changed(before, kind, **(UNUSED | fields)) == changes


@pytest.mark.parametrize("kind", ["COMPLETED", "FAILED"])
def test_a_negative_duration_is_none(kind: str) -> None:
    after = outcome(replace(STARTED, started_at=LATER + timedelta(microseconds=1)), kind)
    assert isinstance(after, Workflow)
    assert (after.completed_at, after.duration_ms) == (LATER, None)


@pytest.mark.parametrize("kind", ["STEP_STARTED", "PAUSED", "FAILED", "COMPLETED", "STEP_COMPLETED"])
def test_metadata_is_that_of_the_last_event_that_had_any(kind: str) -> None:
    for metadata, kept in ((None, '{"m":0}'), ({}, "{}"), ({"m": None}, '{"m": null}')):
        after = outcome(FULL, kind, metadata=metadata)
        assert isinstance(after, Workflow)
        assert after.metadata == kept


def test_a_thousand_different_steps() -> None:
    steps = tuple(f"s{number}" for number in range(MAX_COMPLETED_STEPS - 1))
    almost = replace(STARTED, completed_steps=steps)
    full = outcome(almost, "STEP_COMPLETED", step="s")
    assert isinstance(full, Workflow)
    assert full.completed_steps == (*steps, "s")
    assert len(full.completed_steps) == 1000
    assert refusal(full, "STEP_COMPLETED", step="another") is Reason.ILLEGAL_WORKFLOW_EVENT
    for again in ("s0", "s"):
        assert changed(full, "STEP_COMPLETED", step=again) == {}
    assert changed(full, "STEP_STARTED", step="another") == {"current_step": "another"}
    assert changed(full, "STEP_FAILED", step="another") == {"failed_step": "another"}


@pytest.mark.parametrize("status", EACH)
@pytest.mark.parametrize("kind", Kind)
def test_a_lease_is_judged_before_the_kind(kind: Kind, status: Status) -> None:
    before = replace(FULL, status=status)
    for lease_id, epoch, reason in (
        ("l", 4, Reason.STALE_LEASE),
        ("k", 4, Reason.STALE_LEASE),
        ("k", 5, Reason.LEASE_CONFLICT),
    ):
        assert refusal(before, kind, lease={"lease_id": lease_id, "lease_epoch": epoch}) is reason


def test_the_highest_lease_is_kept() -> None:
    for lease, kept in (
        (None, Lease("l", 5)),
        ({"lease_id": "l", "lease_epoch": 5}, Lease("l", 5)),
        ({"lease_id": "k", "lease_epoch": 6}, Lease("k", 6)),
    ):
        after = outcome(FULL, "PAUSED", lease=lease)
        assert isinstance(after, Workflow)
        assert after.lease == kept
    first = outcome(STARTED, "STEP_FAILED", lease={"lease_id": "x", "lease_epoch": 0})
    assert isinstance(first, Workflow)
    assert first.lease == Lease("x", 0)
