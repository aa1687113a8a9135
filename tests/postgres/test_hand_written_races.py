"""SQL written by hand while a worker runs: the next event is judged on what was written, in the right order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from foldline import facts
from harness import COUNTS, HISTORY, Projector, rows, transition
from turning import Turn, turning

START = transition("START_PROCESSING", event_id="1", occurred_at="2026-01-31T12:00:00Z")
FINISH = transition("COMPLETE_INDEXING", event_id="2", occurred_at="2026-01-31T12:00:02Z")
FAIL = transition("FAIL", event_id="f", occurred_at="2026-01-31T12:00:00Z", error_message="no")
RETRY = transition("RETRY", event_id="r", occurred_at="2026-01-31T12:00:00Z", lease={"lease_id": "l", "lease_epoch": 7})
HOPS = "SELECT from_state, to_state, action, success FROM fsm_state_history WHERE entity_id = 'doc-1' ORDER BY id"
_LIMIT_SECONDS = 20


@pytest.fixture(params=["a new worker", "the same worker"])
def turn(request: pytest.FixtureRequest, projector: Projector) -> Iterator[Turn]:
    """Projects further events: by a worker that reads the tables afresh, or by one that has cached what it read."""
    if request.param == "the same worker":
        with turning(projector) as same:
            yield same
        return
    count = 0

    def anew(*events: dict[str, object]) -> None:
        nonlocal count
        projector.project(*events, start=count)
        count += len(events)

    yield anew


def test_the_next_event_is_judged_on_the_changed_state(projector: Projector, turn: Turn) -> None:
    turn(FAIL, RETRY)
    rows(projector.database_url, "UPDATE fsm_state SET current_state = 'FAILED', transition_timestamp = now()")
    turn(
        transition("RETRY", event_id="stale", lease={"lease_id": "l", "lease_epoch": 6}),
        transition("RETRY", event_id="r2", lease={"lease_id": "l", "lease_epoch": 7}),
        transition("COMPLETE_INDEXING", event_id="done", lease={"lease_id": "m", "lease_epoch": 7}),
    )
    assert rows(projector.database_url, HOPS) == [
        ("RECEIVED", "FAILED", "FAIL", True),
        ("FAILED", "PROCESSING", "RETRY", True),
        ("PROCESSING", "FAILED", "MANUAL", True),
        ("FAILED", "PROCESSING", "RETRY", False),
        ("FAILED", "PROCESSING", "RETRY", True),
        ("PROCESSING", "INDEXED", "COMPLETE_INDEXING", False),
    ]
    assert rows(projector.database_url, "SELECT retry_count, kept_lease_id, kept_lease_epoch FROM fsm_state") == [
        (2, "l", 7)
    ]
    assert [row[4] for row in rows(projector.database_url, HISTORY)] == [
        *(None, None, None, "stale_lease", None, "lease_conflict"),
    ]


def test_a_row_that_was_deleted_is_as_if_it_had_never_been(projector: Projector, turn: Turn) -> None:
    turn(START)
    rows(projector.database_url, "DELETE FROM fsm_state")
    turn(FINISH, transition("START_PROCESSING", event_id="3"), START)
    assert rows(projector.database_url, HOPS) == [
        ("RECEIVED", "PROCESSING", "START_PROCESSING", True),
        (None, "RECEIVED", "COMPLETE_INDEXING", False),
        ("RECEIVED", "PROCESSING", "START_PROCESSING", True),
    ]
    assert rows(projector.database_url, COUNTS) == [(2, 1, 1, 0)]


@pytest.mark.parametrize("state", ["PROCESSING", "INDEXED"])
def test_a_row_that_was_deleted_and_inserted_again_is_another_row(projector: Projector, turn: Turn, state: str) -> None:
    turn(FAIL, RETRY)
    rows(
        projector.database_url,
        "WITH gone AS (DELETE FROM fsm_state RETURNING fsm_type, entity_id) SELECT count(*) FROM gone",
    )
    rows(
        projector.database_url,
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('INGESTION', 'doc-1', %s)",
        state,
    )
    turn(transition("COMPLETE_INDEXING", event_id="2", lease={"lease_id": "old", "lease_epoch": 1}))
    assert rows(projector.database_url, HOPS)[2:] == [
        (None, state, "MANUAL", True),
        (state, "INDEXED", "COMPLETE_INDEXING", state == "PROCESSING"),
    ]
    assert rows(projector.database_url, "SELECT current_state, retry_count FROM fsm_state") == [("INDEXED", 0)]


def test_a_state_that_no_machine_knows_is_left_by_a_correction(projector: Projector, turn: Turn) -> None:
    turn(START)
    rows(projector.database_url, "UPDATE fsm_state SET current_state = 'LIMBO'")
    turn(FINISH, transition("CORRECT", event_id="3", to_state="RECEIVED", error_message="out of limbo"))
    assert rows(projector.database_url, HOPS)[1:] == [
        ("PROCESSING", "LIMBO", "MANUAL", True),
        ("LIMBO", "LIMBO", "COMPLETE_INDEXING", False),
        ("LIMBO", "RECEIVED", "CORRECT", True),
    ]


def test_what_the_worker_had_cached_is_folded_again_if_the_revision_changed_and_only_then(projector: Projector) -> None:
    with turning(projector) as turn:
        turn(START)
        rows(projector.database_url, "UPDATE fsm_state SET lease_id = 'l', lease_epoch = 1, lease_expires_at = now()")
        turn(FINISH)
        assert projector.heard(facts.BatchRetried) == []
        rows(projector.database_url, 'UPDATE fsm_state SET metadata = \'{"by": "hand"}\'')
        turn(transition("START_PROCESSING", event_id="rejected only"))
        assert len(projector.heard(facts.BatchRetried)) == 1
        turn(transition("REINDEX", event_id="4"))
    assert len(projector.heard(facts.BatchRetried)) == 1
    assert rows(projector.database_url, COUNTS) == [(3, 0, 1, 0)]
    assert rows(projector.database_url, "SELECT current_state, metadata, lease_id FROM fsm_state") == [
        ("PROCESSING", None, "l")
    ]


def test_a_change_to_one_entity_of_many_folds_all_again_once(projector: Projector) -> None:
    many = [transition("START_PROCESSING", event_id="1", entity_id=f"e{number}") for number in range(50)]
    done = [event | {"action": "COMPLETE_INDEXING", "event_id": "2"} for event in many]
    with turning(projector) as turn:
        turn(*many)
        rows(projector.database_url, "UPDATE fsm_state SET current_state = 'RECEIVED' WHERE entity_id = 'e7'")
        turn(*done)
    assert rows(projector.database_url, COUNTS) == [(99, 0, 1, 0)]
    assert rows(projector.database_url, "SELECT entity_id FROM fsm_state WHERE current_state = 'RECEIVED'") == [("e7",)]
    assert rows(
        projector.database_url, "SELECT action, success FROM fsm_state_history WHERE entity_id = 'e7' ORDER BY id"
    ) == [("START_PROCESSING", True), ("MANUAL", True), ("COMPLETE_INDEXING", False)]


@contextmanager
def waiting_for(connection: psycopg.Connection, database_url: str, work: threading.Thread) -> Iterator[None]:
    """Start the work, and go on once it waits for this connection's transaction."""
    work.start()
    waits = "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    ends = time.monotonic() + _LIMIT_SECONDS
    while not rows(database_url, waits, connection.info.backend_pid):
        assert work.is_alive(), "it did not wait"
        assert time.monotonic() < ends
        time.sleep(0.01)
    yield
    work.join(_LIMIT_SECONDS)
    assert not work.is_alive()


def test_a_first_event_that_is_rejected_waits_for_an_insert_by_hand(projector: Projector) -> None:
    work = threading.Thread(target=projector.project, args=(FINISH, START))
    rejected_only = threading.Thread(
        target=projector.project, args=(transition("COMPLETE_INDEXING", event_id="9", entity_id="doc-2"),),
        kwargs={"start": 2},
    )  # fmt: skip
    for thread, entity in ((work, "doc-1"), (rejected_only, "doc-2")):
        with psycopg.connect(projector.database_url) as connection:
            connection.execute(
                "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('INGESTION', %s, 'FAILED')",
                [entity],
            )
            with waiting_for(connection, projector.database_url, thread):
                connection.commit()
    assert rows(projector.database_url, HOPS) == [
        (None, "FAILED", "MANUAL", True),
        ("FAILED", "FAILED", "COMPLETE_INDEXING", False),
        ("FAILED", "FAILED", "START_PROCESSING", False),
    ]
    assert rows(
        projector.database_url, "SELECT from_state, action FROM fsm_state_history WHERE entity_id = 'doc-2' ORDER BY id"
    ) == [(None, "MANUAL"), ("FAILED", "COMPLETE_INDEXING")]


def test_an_insert_by_hand_that_is_undone_has_no_influence(projector: Projector) -> None:
    work = threading.Thread(target=projector.project, args=(FINISH,))
    with psycopg.connect(projector.database_url) as connection:
        connection.execute(
            "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('INGESTION', 'doc-1', 'FAILED')"
        )
        with waiting_for(connection, projector.database_url, work):
            connection.rollback()
    assert rows(projector.database_url, HOPS) == [(None, "RECEIVED", "COMPLETE_INDEXING", False)]
    assert projector.heard(facts.BatchRetried) == []


def test_a_change_by_hand_that_is_not_committed_yet_is_waited_for(projector: Projector) -> None:
    with turning(projector) as turn, psycopg.connect(projector.database_url) as connection:
        turn(START)
        for event, state in ((FINISH, "RECEIVED"), (transition("REINDEX", event_id="rejected only"), "PROCESSING")):
            connection.execute("UPDATE fsm_state SET current_state = %s", [state])
            with waiting_for(connection, projector.database_url, threading.Thread(target=turn, args=(event,))):
                connection.commit()
    assert rows(projector.database_url, HOPS) == [
        ("RECEIVED", "PROCESSING", "START_PROCESSING", True),
        ("PROCESSING", "RECEIVED", "MANUAL", True),
        ("RECEIVED", "RECEIVED", "COMPLETE_INDEXING", False),
        ("RECEIVED", "PROCESSING", "MANUAL", True),
        ("PROCESSING", "PROCESSING", "REINDEX", False),
    ]


def test_any_number_of_absent_entities_may_be_rejected_in_one_batch(projector: Projector) -> None:
    # A lock for each would not fit into PostgreSQL's lock table, and the batch would never get through.
    many = [transition("COMPLETE_INDEXING", event_id="1", entity_id=f"e{number}") for number in range(12_000)]
    projector.project(*many, batch_size=len(many))
    assert rows(projector.database_url, COUNTS) == [(0, 0, 12_000, 0)]
    assert projector.heard(facts.BatchRetried) == []
