"""What verify says of tables that were changed, of changes that are recorded, and of logs that are not whole."""

from __future__ import annotations

import pytest

from foldline.core.events import Record
from foldline.replay.asked import Progress
from foldline.replay.report import Verification
from harness import (
    TRANSITIONS,
    WORKFLOWS,
    MemorySource,
    Projector,
    encoded,
    records,
    rows,
    transition,
    workflow,
)
from verifying import MemoryLog, named, verified

Name = tuple[str, str, str, str | None, int | None]

TOLD = {
    TRANSITIONS: records(
        [
            transition("START_PROCESSING", event_id="1", metadata={"n": 1.50, "b": True}),  # 0
            transition("COMPLETE_INDEXING", event_id="2", occurred_at="2026-01-31T12:00:02.5Z"),  # 1
            transition("COMPLETE_INDEXING", event_id="3"),  # 2: illegal
            b"no json",  # 3
            transition("DANCE", event_id="4", fsm_type="GHOST"),  # 4: no machine, and so no history
            transition("START_PROCESSING", event_id="1"),  # 5: a duplicate
            transition("START_PROCESSING", event_id="5", entity_id="doc-2", lease={"lease_id": "l", "lease_epoch": 3}),
            Record(7, b"k", encoded(transition("FAIL", event_id="6", entity_id="doc-2")), (("h", None),), 17),  # 7
            transition("CORRECT", event_id="7", entity_id="doc-3", to_state="FAILED", error_message="why"),  # 8
        ]
    ),
    WORKFLOWS: records(
        [
            workflow("STARTED", event_id="1", input_payload={"a": [1, 2.0]}),  # 0
            workflow("STEP_COMPLETED", event_id="2", step="ä"),  # 1
            workflow("RESUMED", event_id="3"),  # 2: illegal
            workflow("COMPLETED", event_id="4", output_results=[True], occurred_at="2026-01-31T12:00:09Z"),  # 3
            workflow("STARTED", event_id="5", workflow_id="wf-2"),  # 4
            workflow("PAUSED", event_id="6", workflow_id="wf-3"),  # 5: unknown
        ]
    ),
}


@pytest.fixture
def projected(projector: Projector) -> str:
    """A database that holds what the log above makes of it."""
    projector.run(MemorySource(TOLD))
    return projector.database_url


def _verified(database_url: str, said: list[Progress] | None = None) -> Verification:
    return verified(database_url, MemoryLog(TOLD), said=said)


def test_clean_tables_are_clean_and_everything_was_looked_at(projected: str) -> None:
    said: list[Progress] = []
    found = _verified(projected, said)
    assert named(found) == set()
    assert (found.clean, found.whole, found.manual_changes) == (True, True, 0)
    assert (found.records, found.entities, found.workflows) == (15, 4, 3)
    assert {each.part for each in said} == {"reading the log", "comparing"}
    assert said[-1].done == 15 - 1, "all that is an event"


TAMPERING: dict[str, set[Name]] = {
    # fsm_state
    "UPDATE fsm_state SET metadata = '{\"n\": 2}' WHERE entity_id = 'doc-3'": {
        ("fsm_state", "changed", "hand_written", "doc-3", None)
    },
    "UPDATE fsm_state SET retry_count = 1 WHERE entity_id = 'doc-1'": {
        ("fsm_state", "changed", "hand_written", "doc-1", None)
    },
    "UPDATE fsm_state SET transition_timestamp = transition_timestamp + '1 us'::interval WHERE entity_id = 'doc-2'": {
        ("fsm_state", "changed", "hand_written", "doc-2", None)
    },
    "SET session_replication_role = replica; UPDATE fsm_state SET current_state = 'FAILED' WHERE entity_id = 'doc-2'": {
        ("fsm_state", "changed", "unexplained", "doc-2", None)
    },
    "DELETE FROM fsm_state WHERE entity_id = 'doc-2'": {("fsm_state", "missing", "lost", "doc-2", 6)},
    "SET session_replication_role = replica;"
    " INSERT INTO fsm_state (fsm_type, entity_id, current_state, revision) VALUES ('INGESTION', 'new', 'FAILED', 99)": {
        ("fsm_state", "extra", "hand_written", "new", None)
    },
    # fsm_state_history
    "UPDATE fsm_state_history SET to_state = 'FAILED' WHERE record_offset = 1": {
        ("fsm_state_history", "changed", "unexplained", "doc-1", 1)
    },
    'UPDATE fsm_state_history SET metadata = \'{"n": 1.5, "b": 1}\' WHERE record_offset = 0': {
        ("fsm_state_history", "changed", "unexplained", "doc-1", 0)
    },
    "UPDATE fsm_state_history SET duration_ms = duration_ms + 0.001 WHERE record_offset = 1": {
        ("fsm_state_history", "changed", "unexplained", "doc-1", 1)
    },
    "UPDATE fsm_state_history SET error_message = 'from_state_mismatch: x' WHERE record_offset = 2": {
        ("fsm_state_history", "changed", "unexplained", "doc-1", 2)
    },
    "UPDATE fsm_state_history SET definition_version = 9 WHERE record_offset = 6": {
        ("fsm_state_history", "changed", "machine_changed", "doc-2", 6)
    },
    "DELETE FROM fsm_state_history WHERE record_offset = 7": {("fsm_state_history", "missing", "lost", "doc-2", 7)},
    "INSERT INTO fsm_state_history (fsm_type, entity_id, to_state, action, transitioned_at)"
    " VALUES ('INGESTION', 'doc-1', 'INDEXED', 'REINDEX', now())": {
        ("fsm_state_history", "extra", "hand_written", "doc-1", None)
    },
    # workflows
    "UPDATE workflow_executions SET completed_steps = '[]' WHERE workflow_id = 'wf-1'": {
        ("workflow_executions", "changed", "hand_written", "wf-1", None)
    },
    "DELETE FROM workflow_executions WHERE workflow_id = 'wf-2'": {
        ("workflow_executions", "missing", "lost", "wf-2", 4)
    },
    "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id) VALUES ('wf-9', 'O', 'e')": {
        ("workflow_executions", "extra", "hand_written", "wf-9", None)
    },
    "UPDATE workflow_execution_history SET payload = '[1]' WHERE record_offset = 3": {
        ("workflow_execution_history", "changed", "unexplained", "wf-1", 3)
    },
    "DELETE FROM workflow_execution_history WHERE record_offset = 1": {
        ("workflow_execution_history", "missing", "lost", "wf-1", 1)
    },
    "INSERT INTO workflow_execution_history (workflow_id, kind, occurred_at) VALUES ('wf-2', 'PAUSED', now())": {
        ("workflow_execution_history", "extra", "hand_written", "wf-2", None)
    },
    # dead letters
    "DELETE FROM foldline_dead_letters WHERE record_offset = 3": {
        ("foldline_dead_letters", "missing", "lost", None, 3)
    },
    "UPDATE foldline_dead_letters SET value = 'x' WHERE record_offset = 7": {
        ("foldline_dead_letters", "changed", "unexplained", "doc-2", 7)
    },
    "UPDATE foldline_dead_letters SET headers = NULL WHERE record_offset = 7": {
        ("foldline_dead_letters", "changed", "unexplained", "doc-2", 7)
    },
    "UPDATE foldline_dead_letters SET reason = 'missing_data' WHERE record_offset = 2 AND topic ~ '^fsm'": {
        ("foldline_dead_letters", "changed", "unexplained", "doc-1", 2)
    },
    "UPDATE foldline_dead_letters SET event_id = 'x' WHERE record_offset = 4": {
        ("foldline_dead_letters", "changed", "unexplained", "doc-1", 4)
    },
    "UPDATE foldline_dead_letters SET record_offset = 1 WHERE record_offset = 3": {
        ("foldline_dead_letters", "missing", "lost", None, 3),
        ("foldline_dead_letters", "extra", "unexplained", "doc-1", 1),
    },
    "UPDATE foldline_dead_letters SET record_offset = 77 WHERE record_offset = 3": {
        ("foldline_dead_letters", "missing", "lost", None, 3),
        ("foldline_dead_letters", "extra", "unexplained", None, 77),
    },
    # the ledger, the counters, the machines
    "DELETE FROM foldline_identities WHERE rejected": {
        ("foldline_identities", "missing", "lost", None, offset) for offset in (2, 4, 5, 7)
    },
    "UPDATE foldline_identities SET rejected = true WHERE NOT rejected": {
        ("foldline_identities", "changed", "unexplained", None, offset) for offset in (0, 1, 3, 4, 5, 6, 8)
    },
    "INSERT INTO foldline_identities VALUES ('00000000-0000-0000-0000-00000000000a', false)": {
        ("foldline_identities", "extra", "unexplained", None, None)
    },
    "UPDATE foldline_positions SET duplicate = duplicate + 1 WHERE topic ~ '^fsm'": {
        ("foldline_positions", "changed", "unexplained", None, None)
    },
    "UPDATE foldline_machine_versions SET definition = jsonb_set(definition, '{states,FAILED,final}', 'true')"
    " WHERE fsm_type = 'INGESTION'": {("foldline_machine_versions", "changed", "machine_changed", None, None)},
}


@pytest.mark.parametrize("sql", TAMPERING)
def test_what_somebody_changed_is_named_and_nothing_else(projected: str, sql: str) -> None:
    rows(projected, sql)
    found = _verified(projected)
    assert named(found) == TAMPERING[sql]
    assert not found.clean
