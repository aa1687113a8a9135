"""The roles of docs/schema.md: what each may do, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from harness import COUNTS, WORKFLOWS, Projector, rows, snapshot, transition, workflow
from schema_page import bare, blocks, statements

_REFUSED_TO_ALL = [
    "UPDATE fsm_state_history SET to_state = 'X'",
    "DELETE FROM fsm_state_history",
    "INSERT INTO fsm_state_history SELECT * FROM fsm_state_history",
    "TRUNCATE fsm_state",
    "DELETE FROM fsm_state",
    "ALTER TABLE fsm_state DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "SELECT nextval('foldline_cleanups_id_seq')",
]
_LONG_AGO = "2020-01-31T12:00:00Z"
_EVENTS = (
    transition("START_PROCESSING", event_id="1", occurred_at=_LONG_AGO),
    transition("COMPLETE_INDEXING", event_id="2", occurred_at=_LONG_AGO),
    transition("START_PROCESSING", event_id="3", occurred_at=_LONG_AGO),
    transition("COMPLETE_INDEXING", event_id="4", occurred_at=_LONG_AGO, entity_id="absent"),
    b"poison",
)
_WORKFLOW_EVENTS = (
    workflow("STARTED", event_id="1", occurred_at=_LONG_AGO),
    workflow("FAILED", event_id="2", occurred_at=_LONG_AGO),
    workflow("PAUSED", event_id="3", occurred_at=_LONG_AGO, workflow_id="absent"),
)


@pytest.fixture
def roles(database_url: str) -> Iterator[dict[str, str]]:
    """The roles made as the page makes them, on this test's database: a URL for each."""
    listed = [statement for block in blocks("sql") if "CREATE ROLE" in block for statement in statements(block)]
    names = [bare(statement).split()[2] for statement in listed if "CREATE ROLE" in statement]
    with psycopg.connect(database_url, autocommit=True) as owner, _dropping(owner, names):
        for statement in listed:
            owner.execute(statement)
        for name in names:
            owner.execute(f"ALTER ROLE {name} LOGIN PASSWORD '{name}'")
        yield {name: make_conninfo(database_url, user=name, password=name) for name in names}


@contextmanager
def _dropping(owner: psycopg.Connection, names: list[str]) -> Iterator[None]:
    try:
        yield
    finally:
        for name in names:
            if owner.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is not None:
                owner.execute(f"DROP OWNED BY {name}")
                owner.execute(f"DROP ROLE {name}")


def _refused(url: str, *listed: str) -> None:
    for statement in listed:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(url, statement)


def test_a_worker_that_owns_nothing_projects_what_the_owner_would(projector: Projector, roles: dict[str, str]) -> None:
    worker = Projector(roles["foldline_worker"])
    worker.project(*_EVENTS)
    worker.project(*_WORKFLOW_EVENTS, partition=WORKFLOWS)
    assert rows(projector.database_url, "SELECT cleanup_completed_workflows(0)") == [(1,)]
    worker.project(*_WORKFLOW_EVENTS, workflow("RETRIED", event_id="4"), partition=WORKFLOWS)
    assert rows(projector.database_url, COUNTS) == [(2, 0, 2, 1), (3, 0, 1, 0)]
    assert rows(projector.database_url, "SELECT status FROM workflow_executions") == [("RUNNING",)]
    assert rows(projector.database_url, "SELECT action FROM fsm_state_history WHERE success ORDER BY id") == [
        ("START_PROCESSING",),
        ("COMPLETE_INDEXING",),
    ]


def test_a_worker_can_neither_forge_nor_delete_history_nor_clean_up(
    projector: Projector, roles: dict[str, str]
) -> None:
    projector.project(*_EVENTS)
    before = snapshot(projector.database_url)
    _refused(
        roles["foldline_worker"],
        *_REFUSED_TO_ALL,
        "SELECT cleanup_old_fsm_history(0)",
        "SELECT cleanup_completed_workflows(0)",
    )
    assert snapshot(projector.database_url) == before


def test_an_operator_cleans_up_and_corrects_states_but_gets_no_stage(
    projector: Projector, roles: dict[str, str]
) -> None:
    projector.project(*_EVENTS)
    operator = roles["operators"]
    rows(operator, "UPDATE fsm_state SET current_state = 'RECEIVED'")
    assert rows(operator, "SELECT cleanup_old_fsm_history(1)") == [(4,)]
    assert rows(operator, "SELECT cleanup_completed_workflows(1)") == [(0,)]
    assert (
        rows(projector.database_url, "SELECT action, ran_by FROM fsm_state_history, foldline_cleanups")
        == [("MANUAL", "operators")] * 2
    )
    _refused(operator, *_REFUSED_TO_ALL, "SELECT foldline_open_stage()", "SELECT * FROM fsm_state_history")
