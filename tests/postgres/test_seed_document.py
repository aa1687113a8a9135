"""docs/schema.md holds: every statement, every line of shell and every line of Python on it is run as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from foldline.postgres.migrations import migrations
from harness import WORKFLOWS, Projector, rows, transition, workflow
from psql import as_url, bash
from roles import Users
from schema_page import bare, blocks, statements

_PLACEHOLDER = re.compile(r"postgresql://user(?:name)?:pass(?:word)?@host:5432/\w+")


@dataclass(frozen=True)
class Gives:
    """A query's columns, and its rows (in any order if they are a set) or how many there are."""

    columns: str
    found: Sequence[tuple[Any, ...]] | int


_STUCK = Gives(
    "workflow_id operation_type current_step stuck_duration_hours entity_id started_at last_event_at",
    1,
)
_LEASE_COLUMNS = "id fsm_type entity_id current_state previous_state transition_timestamp metadata lease_id"

# By their beginning: rows touched, or what comes back. The rows are those of `populated`.
EXPECTED: dict[str, int | Gives | None] = {
    "SELECT topic, partition, next_offset, applied": Gives(
        "topic partition next_offset applied duplicate rejected undecodable owner stopped_reason",
        [
            ("fsm.transitions.v1", 0, 9, 7, 0, 2, 0, "test:1", None),
            ("workflow.executions.v1", 0, 7, 7, 0, 0, 0, "test:1", None),
        ],
    ),
    "SELECT verdict, reason, COUNT(*) FROM foldline_dead_letters": Gives(
        "verdict reason count", [("rejected", "illegal_transition", 1), ("rejected", "stale_lease", 1)]
    ),
    "SELECT current_state, metadata FROM fsm_state": Gives("current_state metadata", [("PROCESSING", {"n": 1})]),
    "SELECT from_state, to_state, action": Gives("from_state to_state action transitioned_at duration_ms", 2),
    "SELECT workflow_id, operation_type, current_step, started_at": Gives(
        "workflow_id operation_type current_step started_at", 2
    ),
    "SELECT current_state, COUNT(*)": Gives(
        "current_state count", [("INDEXED", 1), ("PROCESSING", 1), ("RECEIVED", 1)]
    ),
    "SELECT to_state, AVG(duration_ms)": Gives(
        "to_state avg_duration_ms transition_count", [("MATCHING", None, 1), ("VALIDATION", 3_600_000.0, 1)]
    ),
    "UPDATE fsm_state SET lease_id = 'lease_123'": 1,
    "UPDATE fsm_state SET lease_id = NULL, lease_epoch = NULL, lease_expires_at = NULL WHERE fsm_type": 1,
    "SELECT fsm_type, entity_id, from_state, to_state, transitioned_at": Gives(
        "fsm_type entity_id from_state to_state transitioned_at topic partition record_offset", 1
    ),
    "SELECT cleanup_old_fsm_history(90)": Gives("cleanup_old_fsm_history", [(2,)]),
    "SELECT cleanup_completed_workflows(30)": Gives("cleanup_completed_workflows", [(2,)]),
    "SELECT target, cut_off": Gives("target cut_off removed ran_at ran_by", 1),
    "SELECT * FROM find_stuck_workflows(24)": _STUCK,
    "SELECT fsm_type, AVG(success::integer)": Gives("fsm_type success_rate avg_duration_ms", 1),
    "SELECT fsm_type, reason, COUNT(*)": Gives("fsm_type reason count", [("INGESTION", "stale_lease", 1)]),
    "SELECT relname, pg_size_pretty": Gives("relname pg_size_pretty", 17),
    "SELECT * FROM fsm_state WHERE lease_expires_at < NOW() AND lease_id IS NOT NULL": Gives(_LEASE_COLUMNS, 1),
    "UPDATE fsm_state SET lease_id = NULL, lease_epoch = NULL, lease_expires_at = NULL WHERE lease_expires_at": 1,
    "SELECT fsm_type, entity_id, current_state, transition_timestamp": Gives(
        "fsm_type entity_id current_state transition_timestamp", 1
    ),
    "SELECT topic, partition, record_offset, reason, detail": Gives("topic partition record_offset reason detail", 1),
    "VACUUM ANALYZE": None,
}


@pytest.fixture
def populated(projector: Projector) -> str:
    """Entities and workflows of every age, a rejection, a stale lease, an expired lease, a change by hand."""

    def ago(**time: float) -> str:
        return (datetime.now(UTC) - timedelta(**time)).isoformat()

    projector.project(
        transition("START_PROCESSING", event_id="1", entity_id="doc_old", occurred_at=ago(days=100)),
        transition("COMPLETE_INDEXING", event_id="2", entity_id="doc_old", occurred_at=ago(days=99)),
        transition("START_PROCESSING", event_id="3", entity_id="doc_123", occurred_at=ago(hours=2), metadata={"n": 1}),
        transition("REINDEX", event_id="4", entity_id="doc_123", occurred_at=ago(hours=1)),
        transition(
            "START_PROCESSING",
            event_id="5",
            entity_id="doc_9",
            occurred_at=ago(hours=3),
            lease={"lease_id": "a", "lease_epoch": 2},
        ),
        transition("COMPLETE_INDEXING", event_id="6", entity_id="doc_9", occurred_at=ago(hours=2)),
        transition(
            "REINDEX",
            event_id="7",
            entity_id="doc_9",
            occurred_at=ago(hours=1),
            lease={"lease_id": "b", "lease_epoch": 1},
        ),
        *(
            transition(action, event_id=action, fsm_type="PATTERN_LEARNING", entity_id="pl_1", occurred_at=at)
            for at, action in zip(
                _an_hour_apart(datetime.now(UTC) - timedelta(hours=49)),
                ("ADVANCE_TO_MATCHING", "ADVANCE_TO_VALIDATION"),
                strict=True,
            )
        ),
    )
    projector.project(
        workflow("STARTED", event_id="1", workflow_id="wf_stuck", occurred_at=ago(hours=30)),
        workflow("STEP_STARTED", event_id="2", workflow_id="wf_stuck", occurred_at=ago(hours=29), step="fetch"),
        workflow("STARTED", event_id="1", workflow_id="wf_new", occurred_at=ago(hours=1)),
        workflow("STARTED", event_id="1", workflow_id="wf_done", occurred_at=ago(days=41)),
        workflow("COMPLETED", event_id="2", workflow_id="wf_done", occurred_at=ago(days=40)),
        workflow("STARTED", event_id="1", workflow_id="wf_failed", occurred_at=ago(days=41)),
        workflow("FAILED", event_id="2", workflow_id="wf_failed", occurred_at=ago(days=31), error_message="full"),
        partition=WORKFLOWS,
    )
    rows(
        projector.database_url,
        "UPDATE fsm_state SET lease_id = 'old', lease_epoch = 3, lease_expires_at = now() - interval '1 hour'"
        " WHERE entity_id = 'doc_9'",
    )
    rows(projector.database_url, "UPDATE fsm_state SET current_state = 'RECEIVED' WHERE entity_id = 'doc_old'")
    rows(projector.database_url, "SELECT cleanup_old_fsm_history(3650)")
    return projector.database_url


def _an_hour_apart(first: datetime) -> tuple[str, str]:
    return first.isoformat(), (first + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize("by", ["owner", "ops"])
def test_every_statement_does_what_the_page_says(populated: str, users: Users, by: str) -> None:
    met: set[str] = set()
    with psycopg.connect(users.url(by), autocommit=True) as connection:
        for block in blocks("sql"):
            listed = statements(block)
            if bare(listed[0]).startswith("VACUUM"):  # cannot run inside a transaction
                met.update(_run(connection, statement) for statement in listed)
                continue
            with connection.transaction(force_rollback=True):  # the next block finds the same rows
                met.update(_run(connection, statement) for statement in listed)
    assert met == set(EXPECTED)
    if by == "ops":  # test_roles.py says where operators may vacuum
        return
    vacuumed = rows(populated, "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 0 ORDER BY relname")
    assert {("fsm_state",), ("fsm_state_history",), ("workflow_executions",)} <= set(vacuumed)


def _run(connection: psycopg.Connection[Any], statement: str) -> str:
    """Run it as it stands, compare, and say which expectation it met."""
    (beginning,) = [known for known in EXPECTED if bare(statement).startswith(known)]
    cursor = connection.execute(statement)
    match EXPECTED[beginning]:
        case int(touched):
            assert cursor.rowcount == touched, statement
        case Gives(columns, found):
            names = [column.name for column in cursor.description or ()]
            assert names[: len(columns.split())] == columns.split(), statement
            given = cursor.fetchall()
            if isinstance(found, int):
                assert len(given) == found, statement
            else:
                assert sorted(given, key=str) == sorted(found, key=str), statement
        case None:
            pass
    return beginning


def test_a_lease_that_is_held_cannot_be_acquired_and_one_of_another_epoch_not_released(populated: str) -> None:
    (block,) = [block for block in blocks("sql") if "-- Acquire lease" in block]
    acquire, release = statements(block)
    with psycopg.connect(populated, autocommit=True) as connection:
        assert [connection.execute(acquire).rowcount for _ in range(2)] == [1, 0]
        assert connection.execute(release.replace("lease_epoch = 1", "lease_epoch = 2")).rowcount == 0
        assert [connection.execute(release).rowcount for _ in range(2)] == [1, 0]


def test_only_workflows_without_an_event_for_so_long_are_stuck_and_the_longest_comes_first(populated: str) -> None:
    def stuck(hours: float) -> list[str]:
        return [row[0] for row in rows(populated, "SELECT * FROM find_stuck_workflows(%s)", hours)]

    assert [stuck(hours) for hours in (0, 0.5, 24, 29.5)] == [["wf_stuck", "wf_new"]] * 2 + [["wf_stuck"], []]
    ((_, operation, step, hours, *_),) = rows(populated, "SELECT * FROM find_stuck_workflows(24)")
    assert (operation, step, round(hours, 1)) == ("DOCUMENT_INGESTION", "fetch", 29.0)


def test_the_shell_lines_that_apply_bring_an_empty_database_to_this_schema(empty_database_url: str) -> None:
    by_script, by_command = (block for block in blocks("bash") if "migrat" in block and "rollback" not in block)
    said = _shell(by_script, empty_database_url)
    assert said.index("001_create_fsm_state_table.sql") < said.index(f"applied: {migrations()[-1].name}")
    assert "Nothing to apply" in said
    assert rows(empty_database_url, "SELECT count(*) FROM foldline_migrations") == [(len(migrations()),)]
    assert "v1.0.0" in _shell(by_command, empty_database_url)


@pytest.mark.parametrize(("words", "left"), [("psql", set()), ("--rollback 4", {"fsm_state", "workflow_executions"})])
def test_the_shell_lines_that_roll_back(database_url: str, words: str, left: set[str]) -> None:
    (block,) = [block for block in blocks("bash") if "rollback" in block and words in block]
    _shell(block, database_url)
    tables = {name for (name,) in rows(database_url, "SELECT relname FROM pg_class WHERE relkind = 'r'")}
    assert "foldline_positions" not in tables
    assert tables & {"fsm_state", "workflow_executions"} == left


def test_how_the_database_is_named(database_url: str) -> None:
    (exporting,) = [block for block in blocks("bash") if block.count("\n") == 1 and block.startswith("export")]
    assert _shell(exporting + 'echo "$DATABASE_URL"', database_url) == f"{as_url(database_url)}\n"
    (code,) = blocks("python")
    for named, expected in (({"DATABASE_URL": "x"}, "x"), ({}, "postgresql://localhost/omniintelligence")):
        said = subprocess.run(
            [sys.executable, "-c", f"{code}print(database_url)"], env=named, check=True, capture_output=True, text=True
        )
        assert said.stdout.strip() == expected


def _shell(block: str, database_url: str) -> str:
    """Run the lines as they stand; where they show the placeholder of a URL they get the test's own."""
    done = bash(_PLACEHOLDER.sub(lambda _: as_url(database_url), block), database_url)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
