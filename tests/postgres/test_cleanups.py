"""Clean-ups: what they remove, what they note, and what stays decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from harness import COUNTS, WORKFLOWS, Projector, rows, snapshot, transition, workflow
from turning import Turn, turning

START = workflow(
    "STARTED",
    event_id="1",
    occurred_at="2020-01-31T12:00:00Z",
    input_payload={"url": "a", "n": 1.10},
    metadata={"by": "x"},
    lease={"lease_id": "l", "lease_epoch": 7},
)
STEPS = [
    workflow("STEP_COMPLETED", event_id="2", occurred_at="2020-01-31T12:00:01Z", step="fetch"),
    workflow("STEP_STARTED", event_id="3", occurred_at="2020-01-31T12:00:02Z", step="parse"),
    workflow("STEP_FAILED", event_id="4", occurred_at="2020-01-31T12:00:03Z", step="parse", error_message="no"),
]
FAIL = workflow("FAILED", event_id="5", occurred_at="2020-01-31T12:00:04Z")
RETRY = workflow("RETRIED", event_id="6", occurred_at="2020-01-31T12:00:05Z")
COMPLETE = workflow("COMPLETED", event_id="7", occurred_at="2020-01-31T12:00:06Z", output_results=[1])
INSERT = (
    "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id, status) VALUES ('wf-1', 'O', 'e', %s)"
)
CLEAN = "SELECT cleanup_completed_workflows(0)"
LETTERS = "SELECT reason FROM foldline_dead_letters ORDER BY id"


@pytest.fixture
def turn(projector: Projector) -> Iterator[Turn]:
    """Appends to the workflow log of one worker, which keeps what it has cached."""
    with turning(projector, WORKFLOWS) as same:
        yield same


def test_a_failed_workflow_without_an_end_is_cleaned_up(database_url: str) -> None:
    rows(database_url, INSERT, "FAILED")
    rows(database_url, "UPDATE workflow_executions SET completed_at = NULL, started_at = '2020-01-01Z'")
    assert rows(database_url, "SELECT cleanup_completed_workflows(1)") == [(0,)]
    assert rows(database_url, CLEAN) == [(1,)]


@pytest.mark.parametrize(
    "call",
    [
        "cleanup_old_fsm_history(-1)",
        "cleanup_old_fsm_history(NULL)",
        "cleanup_completed_workflows(-1)",
        "cleanup_completed_workflows(NULL)",
        "find_stuck_workflows(-0.5)",
        "find_stuck_workflows(NULL)",
        "find_stuck_workflows('NaN')",
    ],
)
def test_what_means_nothing_is_refused(template: str, call: str) -> None:
    with psycopg.connect(template) as connection:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="must be zero or more, not"):
            connection.execute(f"SELECT * FROM {call}")
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM foldline_cleanups").fetchone() == (0,)


def test_a_clean_up_notes_its_cut_off(database_url: str) -> None:
    for call in ("cleanup_old_fsm_history(90)", "cleanup_completed_workflows(30)", "cleanup_old_fsm_history(0)"):
        rows(database_url, f"SELECT {call}")
    rows(database_url, "SELECT cleanup_old_fsm_history(2147483647)")
    assert rows(
        database_url,
        "SELECT target, removed, cut_off <= ran_at AND cut_off > ran_at - days * interval '1 day' - interval '1 minute'"
        " FROM foldline_cleanups, unnest(ARRAY[90, 30, 0]) WITH ORDINALITY AS d (days, call) WHERE call = id"
        " ORDER BY id",
    ) == [("fsm_state_history", 0, True), ("workflow_executions", 0, True), ("fsm_state_history", 0, True)]
    assert rows(database_url, "SELECT cut_off = '1970-01-01Z' FROM foldline_cleanups WHERE id = 4") == [(True,)]


@pytest.mark.parametrize("anew", [True, False], ids=["a new worker", "the same worker"])
def test_what_is_left_of_a_completed_workflow_judges_later_events(
    projector: Projector, turn: Turn, *, anew: bool
) -> None:
    later = [
        START | {"event_id": "8"},
        workflow("RETRIED", event_id="9", lease={"lease_id": "l", "lease_epoch": 6}),
        workflow("RETRIED", event_id="10", lease={"lease_id": "m", "lease_epoch": 7}),
        RETRY,
        START,
    ]
    turn(START, COMPLETE)
    assert rows(projector.database_url, CLEAN) == [(1,)]
    if anew:
        projector.project(None, None, *later, partition=WORKFLOWS)
    else:
        turn(*later)
    assert rows(projector.database_url, LETTERS) == [
        *[("illegal_workflow_event",), ("stale_lease",), ("lease_conflict",), ("illegal_workflow_event",)],
    ]
    assert rows(projector.database_url, COUNTS) == [(2, 1, 4, 0)]
    assert rows(projector.database_url, "SELECT count(*) FROM workflow_executions") == [(0,)]
    assert rows(
        projector.database_url, "SELECT status, input_payload, output_results, metadata FROM foldline_cleaned_workflows"
    ) == [("COMPLETED", None, None, None)]


@pytest.mark.parametrize("anew", [True, False], ids=["a new worker", "the same worker"])
def test_a_failed_workflow_that_was_cleaned_up_comes_back_whole(
    projector: Projector, turn: Turn, *, anew: bool
) -> None:
    turn(START, *STEPS, FAIL)
    ((before,),) = rows(projector.database_url, "SELECT to_jsonb(w) FROM workflow_executions AS w")
    assert rows(projector.database_url, CLEAN) == [(1,)]
    assert rows(projector.database_url, "SELECT count(*) FROM workflow_execution_history") == [(0,)]
    if anew:
        projector.project(*[None] * 5, RETRY, partition=WORKFLOWS)
    else:
        turn(RETRY)
    ((after,),) = rows(projector.database_url, "SELECT to_jsonb(w) FROM workflow_executions AS w")
    assert after["input_payload"] == {"url": "a", "n": 1.1}
    changed = {name: value for name, value in after.items() if value != before[name]}
    assert changed.pop("revision") > before["revision"]
    assert changed.pop("updated_at") > before["updated_at"]
    assert changed == {
        "status": "RUNNING",
        "retry_count": 1,
        "completed_at": None,
        "duration_ms": None,
        "failed_step": None,
        "error_message": None,
        "last_event_at": "2020-01-31T12:00:05+00:00",
        "previous_revision": before["revision"],
        "record_offset": 5,
    }
    assert rows(projector.database_url, "SELECT kind FROM workflow_execution_history") == [("RETRIED",)]
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_cleaned_workflows") == [(0,)]


def test_a_workflow_may_be_cleaned_up_again(projector: Projector, turn: Turn) -> None:
    turn(START, FAIL)
    assert rows(projector.database_url, CLEAN) == [(1,)]
    turn(RETRY, COMPLETE)
    assert rows(projector.database_url, CLEAN) == [(1,)]
    assert rows(projector.database_url, CLEAN) == [(0,)]
    rows(projector.database_url, INSERT, "COMPLETED")
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_cleaned_workflows") == [(0,)]
    assert rows(projector.database_url, CLEAN) == [(1,)]


@pytest.mark.parametrize("event", [START, RETRY], ids=["that would move it", "that is rejected only"])
def test_a_workflow_of_which_a_worker_knew_nothing_may_have_been_written_and_cleaned_up_since(
    projector: Projector, turn: Turn, event: dict[str, Any]
) -> None:
    turn(workflow("PAUSED", event_id="unknown"))
    rows(projector.database_url, INSERT, "COMPLETED")
    assert rows(projector.database_url, CLEAN) == [(1,)]
    turn(event)
    turn(workflow("PAUSED", event_id="unknown no more"))
    assert rows(projector.database_url, LETTERS) == [
        *[("unknown_workflow",), ("illegal_workflow_event",), ("illegal_workflow_event",)]
    ]
    assert rows(projector.database_url, CLEAN) == [(0,)]


def test_history_that_was_cleaned_up_does_not_make_an_event_new(projector: Projector) -> None:
    long_ago = [
        transition("START_PROCESSING", event_id="1", occurred_at="2020-01-31T12:00:00Z"),
        transition("COMPLETE_INDEXING", event_id="2", occurred_at="2020-01-31T12:00:02Z"),
    ]
    projector.project(*long_ago, long_ago[0] | {"event_id": "rejected"})
    before = snapshot(projector.database_url)
    assert rows(projector.database_url, "SELECT cleanup_old_fsm_history(30)") == [(3,)]
    projector.project(*[None] * 3, *long_ago, long_ago[0] | {"event_id": "rejected"})
    after = snapshot(projector.database_url)
    assert rows(projector.database_url, COUNTS) == [(2, 3, 1, 0)]
    assert after["fsm_state"] == before["fsm_state"]
    assert after["fsm_state_history"] == []
    projector.project(*[None] * 6, transition("REINDEX", event_id="4"))
    assert rows(projector.database_url, "SELECT from_state, to_state, success FROM fsm_state_history") == [
        ("INDEXED", "PROCESSING", True)
    ]
