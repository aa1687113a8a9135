"""The comparison sees every table: whatever is changed in one of them is said, and by its name."""

from __future__ import annotations

from pathlib import Path

import psycopg

from torture.comparison import differences
from torture.installation import Installation
from torture.log import Log
from torture.schedule import Conditions
from torture.tables import read_tables
from torture.trial import catch_up, judged
from torture.writing import write_all

_RECORDS = 400
_HISTORY_ROW = "id = (SELECT min(id) FROM fsm_state_history WHERE success AND fsm_type <> 'CAROUSEL')"
_ENTITY_ROW = "entity_id = (SELECT min(entity_id) FROM fsm_state WHERE fsm_type <> 'CAROUSEL')"
_FIRST_WORKFLOW = "workflow_id = (SELECT min(workflow_id) FROM workflow_executions)"
_FIRST_LETTER = "id = (SELECT min(id) FROM foldline_dead_letters)"
_MEDDLED = {
    f"UPDATE fsm_state SET metadata = '{{\"other\": 1}}' WHERE {_ENTITY_ROW}": "entity",
    f"UPDATE fsm_state SET retry_count = retry_count + 1 WHERE {_ENTITY_ROW}": "entity",
    f"DELETE FROM fsm_state WHERE {_ENTITY_ROW}": "entity",
    f"UPDATE fsm_state_history SET duration_ms = 0.5 WHERE {_HISTORY_ROW}": "history",
    f"UPDATE fsm_state_history SET metadata = '[]' WHERE {_HISTORY_ROW}": "history",
    f"UPDATE fsm_state_history SET id = 1000000000 WHERE {_HISTORY_ROW}": "history",
    f"DELETE FROM fsm_state_history WHERE {_HISTORY_ROW}": "history",
    f"UPDATE workflow_executions SET started_at = 'epoch' WHERE {_FIRST_WORKFLOW}": "workflow",
    f"DELETE FROM workflow_execution_history WHERE {_FIRST_WORKFLOW}": "timeline",
    f"UPDATE foldline_dead_letters SET value = value || '\\x00'::bytea WHERE {_FIRST_LETTER}": "dead letter",
    f"UPDATE foldline_dead_letters SET record_timestamp_ms = 0 WHERE {_FIRST_LETTER}": "dead letter",
    f"UPDATE foldline_dead_letters SET status = 'applied' WHERE {_FIRST_LETTER}": "dead letter",
    f"UPDATE fsm_state_history SET definition_version = 9 WHERE {_HISTORY_ROW}": "history",
    "DELETE FROM foldline_identities WHERE digest = (SELECT min(digest::text)::uuid FROM foldline_identities)": (
        "identities"
    ),
    "UPDATE foldline_positions SET applied = applied + 1 WHERE partition = 0": "position",
    "UPDATE foldline_positions SET next_offset = next_offset + 1 WHERE partition = 1": "position",
    "DELETE FROM foldline_machine_activations WHERE partition = 2 AND fsm_type = 'VAULT'": "activations",
    "UPDATE foldline_machine_activations SET from_offset = 1 WHERE partition = 1 AND fsm_type = 'INGESTION'": (
        "activations"
    ),
}
"""What is done to the tables, and which of them the comparison has to name."""


def test_whatever_is_changed_is_said(place: Installation, tmp_path: Path) -> None:
    write_all(Log(2, *place.topics), place.bootstrap_servers, _RECORDS)
    assert catch_up(place, Conditions("consumer", static=False, workers=1, batch_size=100), tmp_path) == []
    projected, ends = judged(place)
    with psycopg.connect(place.database_url) as connection:
        assert list(differences(projected, ends, read_tables(connection))) == []
        for sql, named in _MEDDLED.items():
            with connection.transaction(force_rollback=True):
                assert connection.execute(sql.encode()).rowcount > 0, sql
                found = list(differences(projected, ends, read_tables(connection)))
            assert found, sql
            assert all(said.startswith(named) for said in found), (sql, found)
