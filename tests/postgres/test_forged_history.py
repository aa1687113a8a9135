"""What a statement trigger takes for the work of a worker, and what cannot pass for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from foldline.postgres.queries import query
from harness import Projector, rows, transition

MANUAL = "SELECT from_state, to_state FROM fsm_state_history WHERE action = 'MANUAL' ORDER BY id"


@pytest.fixture
def started(projector: Projector) -> str:
    """A database with one entity, PROCESSING by record 0."""
    projector.project(transition("START_PROCESSING", event_id="1"))
    return projector.database_url


_STAGE_ROW = (
    "INSERT INTO pg_temp.fsm_stage (id, fsm_type, entity_id, from_state, to_state, action, transitioned_at,"
    " correlation_id, success, event_id, topic, partition, record_offset, definition_version, fresh, last,"
    " previous_revision, retry_count) SELECT coalesce(%s, last_value + 1), 'INGESTION', 'doc-1', 'PROCESSING',"
    " 'INDEXED', 'COMPLETE_INDEXING', now(), 'c', true, 'e', 't', 0, 9, 1, false, true, %s, 0"
    " FROM fsm_state_history_id_seq"
)


def test_in_a_session_that_has_a_stage_a_statement_by_hand_is_still_one_by_hand(started: str) -> None:
    with psycopg.connect(started, autocommit=True) as connection:
        connection.execute("SELECT foldline_open_stage()")
        connection.execute("UPDATE fsm_state SET current_state = 'INDEXED'")
        connection.execute("UPDATE fsm_state SET current_state = 'NONE' WHERE false")
        connection.execute("INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('T', 'e', 'A')")
        with pytest.raises(psycopg.errors.RestrictViolation, match="revision cannot be chosen"):
            connection.execute("UPDATE fsm_state SET current_state = 'FAILED', revision = 1000000000")
    assert rows(started, MANUAL) == [("PROCESSING", "INDEXED"), (None, "A")]


@pytest.mark.parametrize("statement", ["UPDATE fsm_state SET current_state = 'FAILED'", query("upsert_entities")])
def test_a_stage_that_does_not_announce_what_a_statement_does_is_refused(started: str, statement: str) -> None:
    with psycopg.connect(started) as connection:
        connection.execute("SELECT foldline_open_stage()")
        connection.execute(_STAGE_ROW, [1000, 999])  # a fold on a revision that the row does not have
        with pytest.raises(psycopg.errors.SerializationFailure):
            connection.execute(statement)


_FORGERIES: dict[str, Callable[[psycopg.Connection[Any]], object]] = {
    "an update": lambda forger: forger.execute("UPDATE fsm_state SET current_state = 'INDEXED'"),
    "an update that raises the revision": lambda forger: forger.execute(
        "UPDATE fsm_state SET current_state = 'INDEXED', revision = revision + 1"
    ),
}


@pytest.mark.parametrize("forge", _FORGERIES.values(), ids=_FORGERIES)
@pytest.mark.parametrize("revision", [None, 2], ids=["the next revision", "the revision claimed"])
def test_a_stage_that_somebody_else_made_is_not_believed(
    started: str, forge: Callable[[psycopg.Connection[Any]], object], revision: int | None
) -> None:
    role = f"forger_{started.rpartition('test_')[2].split()[0]}"
    with psycopg.connect(started, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'f'")
        try:
            owner.execute(f"GRANT SELECT, UPDATE ON fsm_state, fsm_state_history_id_seq TO {role}")
            with psycopg.connect(started, user=role, password="f", autocommit=True) as forger:
                forger.execute(
                    "CREATE TEMPORARY TABLE fsm_stage (id bigint, fsm_type text, entity_id text, from_state text,"
                    " to_state text, action text, transitioned_at timestamptz, duration_ms float8, correlation_id text,"
                    " metadata jsonb, success boolean, error_message text, event_id text, reason text, topic text,"
                    " partition integer, record_offset bigint, definition_version integer, fresh boolean, last boolean,"
                    " previous_revision bigint, retry_count integer)"
                )
                forger.execute("GRANT ALL ON fsm_stage TO PUBLIC")
                forger.execute(_STAGE_ROW, [revision, 1])
                try:
                    forge(forger)
                except psycopg.errors.RestrictViolation:
                    forger.execute("UPDATE fsm_state SET current_state = 'INDEXED'")
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")
    assert rows(started, "SELECT action, correlation_id FROM fsm_state_history ORDER BY id") == [
        ("START_PROCESSING", "c-1"),
        ("MANUAL", None),
    ]
