"""SQL written by hand on fsm_state: every way to change a state is recorded, and nothing can pass for an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from harness import Projector, rows, transition

START = transition("START_PROCESSING", event_id="1", occurred_at="2026-01-31T12:00:00Z", metadata={"last_action": "x"})
ENTITY = (
    "SELECT current_state, previous_state, transition_timestamp = '2026-01-31T12:00:01.5Z', metadata FROM fsm_state"
)
MANUAL = (
    "SELECT from_state, to_state, transitioned_at = '2026-01-31T12:00:01.5Z', duration_ms, correlation_id, event_id,"
    " metadata, success, error_message, reason, topic, partition, record_offset, definition_version"
    " FROM fsm_state_history WHERE action = 'MANUAL' ORDER BY id"
)
REVISION = "SELECT revision FROM fsm_state"
LATER = "'2026-01-31T12:00:01.5Z'"


@pytest.fixture
def started(projector: Projector) -> str:
    """A database with one entity, PROCESSING since noon by record 0."""
    projector.project(START)
    return projector.database_url


@contextmanager
def undone(database_url: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Gives a function that runs SQL in one transaction, of which nothing stays."""
    with psycopg.connect(database_url) as connection:

        def run(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description is not None else []

        try:
            yield run
        finally:
            connection.rollback()


CHANGES = {
    "update": f"UPDATE fsm_state SET current_state = 'INDEXED', transition_timestamp = {LATER}",
    "update from": (
        f"UPDATE fsm_state SET current_state = v.s, transition_timestamp = {LATER} FROM (VALUES ('INDEXED')) AS v (s)"
    ),
    "insert on conflict": (
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp)"
        f" VALUES ('INGESTION', 'doc-1', 'INDEXED', {LATER}) ON CONFLICT (fsm_type, entity_id)"
        " DO UPDATE SET current_state = excluded.current_state, transition_timestamp = excluded.transition_timestamp"
    ),
    "merge": (
        "MERGE INTO fsm_state USING (VALUES ('INGESTION', 'doc-1')) AS v (t, e) ON fsm_type = t AND entity_id = e"
        f" WHEN MATCHED THEN UPDATE SET current_state = 'INDEXED', transition_timestamp = {LATER}"
    ),
    "with": (
        f"WITH moved AS (UPDATE fsm_state SET current_state = 'INDEXED', transition_timestamp = {LATER} RETURNING *)"
        " SELECT count(*) FROM moved"
    ),
    "claiming another revision": (
        f"UPDATE fsm_state SET current_state = 'INDEXED', transition_timestamp = {LATER}, revision = revision + 1000,"
        " previous_revision = NULL"
    ),
}


def test_a_changed_state_is_a_manual_hop_from_the_state_before(started: str, subtests: pytest.Subtests) -> None:
    for name, change in CHANGES.items():
        with subtests.test(name), undone(started) as run:
            run(change)
            assert run(ENTITY) == [("INDEXED", "PROCESSING", True, {"last_action": "x"})]
            assert run(MANUAL) == [
                (
                    *("PROCESSING", "INDEXED", True, 1500.0, None, None, None, True, None, None),
                    *("fsm.transitions.v1", 0, 0, None),
                )
            ]
            assert run("SELECT max(id) = (SELECT revision FROM fsm_state) FROM fsm_state_history") == [(True,)]


INSERTS = {
    "insert": (
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp)"
        f" VALUES ('T', 'e', 'A', {LATER})"
    ),
    "insert select": (
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp)"
        f" SELECT 'T', 'e', 'A', {LATER}::timestamptz"
    ),
    "insert on conflict": (
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp)"
        f" VALUES ('T', 'e', 'A', {LATER}) ON CONFLICT DO NOTHING"
    ),
    "merge": (
        "MERGE INTO fsm_state AS f USING (VALUES ('T', 'e')) AS v (t, e) ON f.fsm_type = t AND entity_id = e"
        " WHEN NOT MATCHED THEN INSERT (fsm_type, entity_id, current_state, transition_timestamp)"
        f" VALUES (t, e, 'A', {LATER})"
    ),
    "claiming a revision": (
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp, revision)"
        f" VALUES ('T', 'e', 'A', {LATER}, 1)"
    ),
}


def test_an_inserted_row_is_a_manual_hop_from_nowhere(database_url: str, subtests: pytest.Subtests) -> None:
    for name, insert in INSERTS.items():
        with subtests.test(name), undone(database_url) as run:
            run(insert)
            assert run(ENTITY) == [("A", None, True, None)]
            assert run(MANUAL) == [(None, "A", True, *[None] * 4, True, *[None] * 6)]
            assert run("SELECT id = (SELECT revision FROM fsm_state) FROM fsm_state_history") == [(True,)]


def test_copied_rows_are_recorded(database_url: str) -> None:
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        connection.cursor() as cursor,
        cursor.copy("COPY fsm_state (fsm_type, entity_id, current_state, metadata) FROM STDIN") as copy,
    ):
        for number in range(3):
            copy.write_row(("T", f"e{number}", f"S{number}", '{"n": 1}'))
    assert rows(database_url, "SELECT entity_id, to_state, metadata FROM fsm_state_history ORDER BY id") == [
        (f"e{number}", f"S{number}", {"n": 1}) for number in range(3)
    ]


def test_only_those_rows_of_a_statement_are_recorded_whose_state_changed(database_url: str) -> None:
    rows(
        database_url,
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('T', 'a', 'A'), ('T', 'b', 'B')",
    )
    rows(database_url, "UPDATE fsm_state SET current_state = 'B', retry_count = 1")
    rows(database_url, "UPDATE fsm_state SET current_state = 'C' WHERE false")
    assert rows(
        database_url, "SELECT entity_id, from_state, to_state FROM fsm_state_history WHERE from_state IS NOT NULL"
    ) == [("a", "A", "B")]


def test_two_changes_in_one_transaction_are_two_rows_in_order(started: str) -> None:
    with psycopg.connect(started) as connection:
        connection.execute("UPDATE fsm_state SET current_state = 'INDEXED'")
        connection.execute("UPDATE fsm_state SET current_state = 'FAILED'")
    assert [(row[0], row[1]) for row in rows(started, MANUAL)] == [("PROCESSING", "INDEXED"), ("INDEXED", "FAILED")]


def test_a_change_that_names_no_time_happens_now(started: str) -> None:
    rows(started, "UPDATE fsm_state SET current_state = 'INDEXED', previous_state = 'forged'")
    assert rows(
        started,
        "SELECT previous_state, clock_timestamp() - transition_timestamp < '1 minute', transition_timestamp ="
        " transitioned_at, abs(duration_ms / 1000 - extract(epoch FROM transition_timestamp - '2026-01-31T12:00:00Z'))"
        " < 0.001 FROM fsm_state JOIN fsm_state_history USING (entity_id) WHERE action = 'MANUAL'",
    ) == [("PROCESSING", True, True, True)]


def test_a_change_to_an_earlier_time_has_no_duration(started: str) -> None:
    rows(started, "UPDATE fsm_state SET current_state = 'INDEXED', transition_timestamp = '2026-01-31T11:00:00Z'")
    assert [row[3] for row in rows(started, MANUAL)] == [None]


def test_metadata_cannot_pass_for_an_action_or_a_correlation(started: str) -> None:
    forged = '{"last_action": "' + "x" * 5000 + '", "correlation_id": "c-9"}'
    rows(started, f"UPDATE fsm_state SET current_state = 'INDEXED', metadata = '{forged}'")
    ((*_, correlation, event, metadata, _, _, _, _, _, _, _),) = rows(started, MANUAL)
    assert (correlation, event) == (None, None)
    assert metadata["correlation_id"] == "c-9"


NO_TRACE = (
    "lease_id = 'l', lease_epoch = 1, lease_expires_at = now()",
    "lease_id = NULL",
    "current_state = current_state, metadata = metadata",
    "revision = 1, previous_revision = 1",
    "revision = revision + 1",
)
JUDGED_BY = (
    "metadata = '{}'",
    "metadata = NULL",
    "transition_timestamp = now()",
    "retry_count = 2",
    "kept_lease_id = 'l', kept_lease_epoch = 7",
)


def test_what_does_not_change_the_state_is_not_history_and_is_a_revision_if_events_are_judged_by_it(
    started: str, subtests: pytest.Subtests
) -> None:
    for change in NO_TRACE + JUDGED_BY:
        with subtests.test(change), undone(started) as run:
            ((before, updated_at),) = run("SELECT revision, updated_at FROM fsm_state")
            run(f"UPDATE fsm_state SET {change}")
            ((after, touched),) = run("SELECT revision, updated_at > %s FROM fsm_state", updated_at)
            assert after > before if change in JUDGED_BY else after == before
            assert touched
            assert run(MANUAL) == []


def test_an_id_cannot_be_changed(started: str) -> None:
    for change in ("id = gen_random_uuid()", "id = gen_random_uuid(), revision = revision + 1"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="cannot be changed"):
            rows(started, f"UPDATE fsm_state SET {change}")


@pytest.mark.parametrize(
    "time",
    ["infinity", "-infinity", "0044-03-15 00:00:00Z BC", "10000-01-01Z", "1969-12-31T23:59:59.999999Z", "2201-01-01Z"],
)
def test_a_time_that_no_event_may_have_is_refused(template: str, time: str) -> None:
    insert = "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp) SELECT 'T', 'e', 'A', %s"
    for change in ("", "current_state = 'B', "):
        with undone(template) as run:
            run(insert, datetime.now(UTC))
            with pytest.raises(psycopg.errors.CheckViolation):
                run(f"UPDATE fsm_state SET {change}transition_timestamp = %s::text::timestamptz", time)
    with undone(template) as run, pytest.raises(psycopg.errors.CheckViolation):
        run(f"{insert}::text::timestamptz", time)


def test_a_delete_is_not_recorded(started: str) -> None:
    rows(started, "DELETE FROM fsm_state")
    assert rows(started, "SELECT action FROM fsm_state_history") == [("START_PROCESSING",)]


def test_rows_put_back_from_a_backup_are_new_revisions(started: str) -> None:
    rows(started, "CREATE TABLE backup AS SELECT * FROM fsm_state")
    ((before,),) = rows(started, REVISION)
    rows(started, "DELETE FROM fsm_state")
    rows(started, "INSERT INTO fsm_state SELECT * FROM backup")
    ((after,),) = rows(started, REVISION)
    assert after > before
    assert [(row[0], row[1]) for row in rows(started, MANUAL)] == [(None, "PROCESSING")]


def test_one_statement_may_insert_and_change_any_number_of_rows(database_url: str) -> None:
    # A lock for each would not fit into the lock table. The plan of the trigger's join stays the one of its first
    # statement, of one row here: a nested loop of old and new rows, which would take a minute on the second.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET statement_timeout = '20s'")
        connection.execute(
            "INSERT INTO fsm_state (fsm_type, entity_id, current_state)"
            " SELECT 'T', n::text, 'A' FROM generate_series(0, 20000) AS n"
        )
        connection.execute("UPDATE fsm_state SET current_state = 'B' WHERE entity_id = '0'")
        connection.execute("UPDATE fsm_state SET current_state = 'B' WHERE entity_id <> '0'")
    assert rows(
        database_url,
        "SELECT from_state, to_state, count(*), count(duration_ms) FROM fsm_state_history GROUP BY 1, 2 ORDER BY 1",
    ) == [("A", "B", 20001, 20001), (None, "A", 20001, 0)]
