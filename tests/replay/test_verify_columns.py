"""No column that the log decides can be changed without being named."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from foldline.core.events import Record
from foldline.replay.cut import EntityRow, HistoryRow, LetterRow, Row, TimelineRow, WorkflowRow
from harness import TRANSITIONS, WORKFLOWS, MemorySource, Projector, encoded, records, transition, workflow
from verifying import MemoryLog, verified

LEASE = {"lease": {"lease_id": "l", "lease_epoch": 3}}
TOLD = {
    TRANSITIONS: records(
        [
            transition("START_PROCESSING", event_id="1", metadata={"n": 1}, **LEASE),
            transition("COMPLETE_INDEXING", event_id="2", metadata={"n": 2}, occurred_at="2026-01-31T12:00:02Z"),
            Record(0, b"key", encoded(transition("DANCE", event_id="3")), (("h", b"v"),), 17),
        ]
    ),
    WORKFLOWS: records(
        [
            workflow("STARTED", event_id="1", input_payload={"a": 1}, metadata={"m": 1}, **LEASE),
            workflow("STEP_STARTED", event_id="2", step="s"),
            workflow("STEP_FAILED", event_id="3", step="s", error_message="why"),
            workflow("RESUMED", event_id="4"),
        ]
    ),
}
TABLES: dict[str, type[Row]] = {
    "fsm_state": EntityRow,
    "fsm_state_history": HistoryRow,
    "workflow_executions": WorkflowRow,
    "workflow_execution_history": TimelineRow,
    "foldline_dead_letters": LetterRow,
}
NOT_OF_THE_LOG = {
    "fsm_state": {"revision", "previous_revision"},
    "fsm_state_history": {"id", "recorded_at", "retry_count", "cleaned"},
    "workflow_executions": {"revision", "previous_revision", "cleaned"},
    "workflow_execution_history": {"id"},
    "foldline_dead_letters": {"id", "detail", "status", "judged_as"},
}
"""Numbers of rows (that they are in order has a test of its own), words of explanation, and what hands may write."""
OTHER_VALUES = {
    "character varying": "coalesce({0}, '') || 'x'",
    "text": "coalesce({0}, '') || 'x'",
    "integer": "coalesce({0}, 0) + 1",
    "bigint": "coalesce({0}, 0) + 1",
    "double precision": "coalesce({0}, 0) + 0.5",
    "timestamp with time zone": "coalesce({0}, '2026-01-31Z') + '1 us'::interval",
    "jsonb": "'[\"x\"]'",
    "bytea": "coalesce({0}, '') || 'x'",
    "boolean": "NOT {0}",
}
UNCHECKED = """
DO $$
DECLARE held record;
BEGIN
    FOR held IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
                 WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', held.name, held.conname);
    END LOOP;
END
$$
"""


@pytest.fixture
def tampering(projector: Projector) -> Iterator[psycopg.Connection]:
    """A session whose changes no trigger sees and no constraint refuses, on a database that holds the log above."""
    projector.run(MemorySource(TOLD))
    with psycopg.connect(projector.database_url, autocommit=True) as connection:
        connection.execute(UNCHECKED)
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.mark.parametrize("table", TABLES)
def test_every_column_counts(projector: Projector, tampering: psycopg.Connection, table: str) -> None:
    asked = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
    types: dict[str, str] = dict(tampering.execute(asked, [table]).fetchall())
    tampering.execute(f"CREATE TABLE held AS TABLE {table}".encode())
    unnamed = []
    for column in (each for each in TABLES[table]._fields if each not in NOT_OF_THE_LOG[table]):
        tampering.execute(f"UPDATE {table} SET {column} = {OTHER_VALUES[types[column]].format(column)}".encode())
        found = verified(projector.database_url, MemoryLog(TOLD))
        if table not in {each.table for each in found.differences}:
            unnamed.append(column)
        tampering.execute(f"DELETE FROM {table}".encode())
        tampering.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM held".encode())
    assert unnamed == []
    assert verified(projector.database_url, MemoryLog(TOLD)).clean
