"""Workflows written by hand: what the database fills in, what later events meet, what is stuck."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from foldline import facts
from harness import COUNTS, WORKFLOWS, Projector, rows, workflow
from turning import Turn, turning

START = workflow("STARTED", event_id="1", occurred_at="2020-01-31T12:00:00Z")
COMPLETE = workflow("COMPLETED", event_id="7", occurred_at="2020-01-31T12:00:06Z")
INSERT = (
    "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id, status) VALUES ('wf-1', 'O', 'e', %s)"
)
STATUS = "SELECT status, completed_at IS NOT NULL, duration_ms FROM workflow_executions"
LETTERS = "SELECT reason FROM foldline_dead_letters ORDER BY id"


@pytest.fixture
def turn(projector: Projector) -> Iterator[Turn]:
    """Appends to the workflow log of one worker, which keeps what it has cached."""
    with turning(projector, WORKFLOWS) as same:
        yield same


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_an_ended_workflow_gets_its_end_and_its_duration(database_url: str, status: str) -> None:
    started = "started_at = now() - interval '1500 milliseconds'"
    rows(database_url, INSERT, status)
    assert [row[:2] for row in rows(database_url, STATUS)] == [(status, True)]
    rows(database_url, "UPDATE workflow_executions SET status = 'RUNNING', completed_at = NULL, duration_ms = NULL")
    rows(database_url, f"UPDATE workflow_executions SET {started}")
    rows(database_url, "UPDATE workflow_executions SET status = %s, completed_at = started_at + '1.25 s'", status)
    assert rows(database_url, STATUS) == [(status, True, 1250.0)]
    rows(database_url, "UPDATE workflow_executions SET duration_ms = NULL, completed_at = started_at - '1 s'::interval")
    assert rows(database_url, STATUS) == [(status, True, None)]


@pytest.mark.parametrize("column", ["started_at", "completed_at", "last_event_at", "updated_at"])
@pytest.mark.parametrize("time", ["infinity", "-infinity", "0044-03-15 00:00:00Z BC", "10000-01-01Z"])
def test_a_time_that_no_event_may_have_is_refused(template: str, column: str, time: str) -> None:
    with psycopg.connect(template) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            f"INSERT INTO workflow_executions (workflow_id, operation_type, entity_id, {column})"
            f" VALUES ('w', 'o', 'e', '{time}')"
        )


def test_stuck_is_counted_from_the_last_event_or_from_the_change_by_hand(projector: Projector) -> None:
    projector.project(START, partition=WORKFLOWS)
    rows(projector.database_url, INSERT.replace("wf-1", "by-hand"), "RUNNING")
    rows(projector.database_url, INSERT.replace("wf-1", "paused"), "PAUSED")
    rows(
        projector.database_url,
        "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id, started_at, updated_at)"
        " VALUES ('imported', 'o', 'e', '2019-01-01Z', now() - interval '90 minutes')",
    )
    rows(projector.database_url, "UPDATE workflow_executions SET current_step = 's' WHERE workflow_id = 'wf-1'")

    def stuck(hours: float) -> list[str]:
        return [name for (name, *_) in rows(projector.database_url, "SELECT * FROM find_stuck_workflows(%s)", hours)]

    assert stuck(0) == ["wf-1", "imported", "by-hand"]
    assert stuck(1.25) == ["wf-1", "imported"]
    assert stuck(2) == ["wf-1"]
    assert stuck(1e300) == []
    assert rows(
        projector.database_url,
        "SELECT abs(stuck_duration_hours - 1.5) < 0.1, last_event_at FROM find_stuck_workflows(1)"
        " WHERE workflow_id = 'imported'",
    ) == [(True, None)]


def test_a_workflow_that_was_deleted_by_hand_is_unknown_to_a_worker_that_had_it_cached(
    projector: Projector, turn: Turn
) -> None:
    turn(START)
    rows(projector.database_url, "DELETE FROM workflow_executions")
    turn(COMPLETE, START | {"event_id": "8"})
    assert rows(projector.database_url, LETTERS) == [("unknown_workflow",)]
    assert rows(projector.database_url, STATUS) == [("RUNNING", False, None)]


def test_a_workflow_that_was_changed_by_hand_is_judged_as_changed(projector: Projector, turn: Turn) -> None:
    turn(START)
    rows(projector.database_url, "UPDATE workflow_executions SET status = 'PAUSED'")
    turn(workflow("RESUMED", event_id="8"), workflow("RESUMED", event_id="9"))
    rows(projector.database_url, "UPDATE workflow_executions SET status = 'COMPLETED'")
    turn(workflow("PAUSED", event_id="rejected only"))
    rows(projector.database_url, "UPDATE workflow_executions SET revision = revision + 1000, status = 'RUNNING'")
    issued = "SELECT revision <= last_value FROM workflow_executions, workflow_execution_history_id_seq"
    assert rows(projector.database_url, issued) == [(True,)]
    turn(COMPLETE)
    assert rows(projector.database_url, LETTERS) == [("illegal_workflow_event",)] * 2
    assert rows(projector.database_url, COUNTS) == [(3, 0, 2, 0)]
    assert len(projector.heard(facts.BatchRetried)) == 3


def test_a_workflow_that_was_put_back_from_a_backup_is_another_row(projector: Projector, turn: Turn) -> None:
    turn(START)
    rows(projector.database_url, "CREATE TABLE backup AS SELECT * FROM workflow_executions")
    rows(projector.database_url, "UPDATE backup SET status = 'PAUSED'")
    rows(projector.database_url, "DELETE FROM workflow_executions")
    rows(projector.database_url, "INSERT INTO workflow_executions SELECT * FROM backup")
    turn(COMPLETE)
    assert rows(projector.database_url, LETTERS) == [("illegal_workflow_event",)]


def test_a_first_event_that_is_rejected_waits_for_an_insert_by_hand(projector: Projector, turn: Turn) -> None:
    done = threading.Event()

    def project(*events: dict[str, Any]) -> None:
        turn(*events)
        done.set()

    with psycopg.connect(projector.database_url) as connection:
        connection.execute(INSERT, ["RUNNING"])
        work = threading.Thread(target=project, args=(workflow("RESUMED", event_id="1"),))
        work.start()
        assert not done.wait(0.3), "it did not wait"
        connection.commit()
    work.join(20)
    assert rows(projector.database_url, LETTERS) == [("illegal_workflow_event",)]


def test_one_statement_may_insert_any_number_of_workflows(database_url: str) -> None:
    rows(
        database_url,
        "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id, status)"
        " SELECT n::text, 'o', 'e', 'COMPLETED' FROM generate_series(1, 15000) AS n",
    )
    assert rows(database_url, "SELECT cleanup_completed_workflows(0)") == [(15000,)]
