"""What the history trigger takes for the work of a worker, and what cannot pass for it, whoever tries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from foldline.postgres.queries import query
from harness import TRANSITIONS, Projector, rows, snapshot, transition

_STAGE_COLUMNS = (
    "id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, correlation_id, success, event_id,"
    " record_offset, definition_version, fresh, last, previous_revision, retry_count"
)
_WHERE = {"topic": TRANSITIONS.topic, "partition": TRANSITIONS.number}
_BY_HAND = [
    "UPDATE fsm_state SET current_state = 'INDEXED'",
    "UPDATE fsm_state SET current_state = 'INDEXED', revision = revision + 1",
    "UPDATE fsm_state SET current_state = 'INDEXED', revision = 1000000000",
    "INSERT INTO fsm_state (fsm_type, entity_id, current_state, revision) VALUES ('T', 'e', 'A', 1)",
]


@pytest.fixture
def started(projector: Projector) -> str:
    """A database with one entity, PROCESSING by record 0 under revision 1, and history ids reserved up to 20."""
    projector.project(transition("START_PROCESSING", event_id="1"))
    rows(projector.database_url, "SELECT setval('fsm_state_history_id_seq', 20)")
    return projector.database_url


@contextmanager
def _with_stage(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT foldline_open_stage()")
        yield connection


def _stage(connection: psycopg.Connection[Any], *offsets: int, previous: int = 1, first: int = 10) -> None:
    """Hops of doc-1, which is PROCESSING by revision 1; their ids are `first` and so on, the last is its last."""
    for index, offset in enumerate(offsets):
        connection.execute(
            f"INSERT INTO pg_temp.fsm_stage ({_STAGE_COLUMNS}) VALUES (%s, 'INGESTION', 'doc-1', 'PROCESSING',"
            " 'INDEXED', 'COMPLETE_INDEXING', now(), 'c', true, 'e', %s, 1, false, %s, %s, 0)",
            [first + index, offset, index == len(offsets) - 1, previous],
        )


def _attempt(
    connection: psycopg.Connection[Any],
    moves: Sequence[int] = (1,),
    offsets: Sequence[int] = (1,),
    *,
    previous: int = 1,
    first: int = 10,
    statement: str = query("upsert_entities"),
) -> None:
    """Move the position, which stands at 1, fill the stage, and write states, all in one transaction."""
    with connection.transaction():
        for by in moves:
            with connection.transaction():  # a savepoint makes no difference
                connection.execute("UPDATE foldline_positions SET next_offset = next_offset + %s", [by])
        if offsets:
            _stage(connection, *offsets, previous=previous, first=first)
        connection.execute(statement, _WHERE if "%(" in statement else None)


def test_history_is_written_for_records_that_the_position_passes_in_the_same_transaction(started: str) -> None:
    with _with_stage(started) as connection:
        _attempt(connection)
    assert rows(started, "SELECT id, action, topic, partition, record_offset FROM fsm_state_history ORDER BY id") == [
        (1, "START_PROCESSING", *_WHERE.values(), 0),
        (10, "COMPLETE_INDEXING", *_WHERE.values(), 1),
    ]


@pytest.mark.parametrize(
    ("moves", "offsets"),
    [
        ([], [1]),
        ([1], [0]),
        ([1], [2]),
        ([3, -2], [1]),
        ([1, 1], [1]),
        ([2], [1, 1, 2]),
        ([2], [0, 1]),
    ],
    ids=["no move", "before", "beyond", "and back", "not in one move", "more rows than records", "one of two before"],
)
def test_a_stage_that_no_position_passed_over_writes_nothing(
    started: str, moves: Sequence[int], offsets: Sequence[int]
) -> None:
    before = snapshot(started)
    with (
        _with_stage(started) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="no position"),
    ):
        _attempt(connection, moves, offsets)
    assert snapshot(started) == before


@pytest.mark.parametrize("number", [-5, 1, 21], ids=["below all", "the revision that it replaces", "not reserved yet"])
def test_a_hop_has_a_number_that_was_reserved_after_the_one_before(started: str, number: int) -> None:
    before = snapshot(started)
    with (
        _with_stage(started) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="numbers its rows"),
    ):
        _attempt(connection, first=number)
    assert snapshot(started) == before


def test_a_move_counts_in_its_own_transaction_only(started: str) -> None:
    with _with_stage(started) as connection:
        connection.execute("UPDATE foldline_positions SET next_offset = next_offset + 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no position"):
            _attempt(connection, moves=())


@pytest.mark.parametrize("statement", _BY_HAND)
def test_in_a_session_that_has_a_stage_nothing_is_written_by_hand(started: str, statement: str) -> None:
    before = snapshot(started)
    with _with_stage(started) as connection:
        with pytest.raises(psycopg.errors.SerializationFailure):
            _attempt(connection, moves=(), offsets=(), statement=statement)
        connection.execute("UPDATE fsm_state SET current_state = 'NONE' WHERE false")
    assert snapshot(started) == before


@pytest.mark.parametrize(
    ("previous", "statement"), [(1, "UPDATE fsm_state SET current_state = 'FAILED'"), (999, query("upsert_entities"))]
)
def test_a_stage_that_does_not_announce_what_a_statement_does_is_refused(
    started: str, previous: int, statement: str
) -> None:
    with _with_stage(started) as connection, pytest.raises(psycopg.errors.SerializationFailure):
        _attempt(connection, previous=previous, statement=statement)


@pytest.fixture
def stranger(started: str) -> Iterator[str]:
    """A user who may change states, number them, and nothing else."""
    role = f"stranger_{started.rpartition('test_')[2].split()[0]}"
    with psycopg.connect(started, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 's'")
        try:
            owner.execute(f"GRANT SELECT, INSERT, UPDATE ON fsm_state, foldline_positions TO {role}")
            yield psycopg.conninfo.make_conninfo(started, user=role, password="s")
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("statement", [*_BY_HAND, query("upsert_entities")])
@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_stage_that_somebody_else_made_is_refused(started: str, stranger: str, kind: str, statement: str) -> None:
    like = (
        "SELECT 10::bigint AS id, 'INGESTION' AS fsm_type, 'doc-1' AS entity_id, 'PROCESSING' AS from_state,"
        " 'INDEXED' AS to_state, 'COMPLETE_INDEXING' AS action, now() AS transitioned_at, NULL::float8 AS duration_ms,"
        " 'c' AS correlation_id, NULL::jsonb AS metadata, true AS success, NULL AS error_message, 'e' AS event_id,"
        " NULL AS reason, 1::bigint AS record_offset, 1 AS definition_version, false AS fresh, true AS last,"
        " 1::bigint AS previous_revision, 0 AS retry_count, NULL AS kept_lease_id, NULL::bigint AS kept_lease_epoch"
    )
    before = snapshot(started)
    with psycopg.connect(stranger, autocommit=True) as connection:
        connection.execute(f"CREATE TEMPORARY {kind} fsm_stage AS {like}")
        connection.execute("GRANT ALL ON fsm_stage TO PUBLIC")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="was not made by foldline_open_stage"):
            _attempt(connection, offsets=(), statement=statement)
    assert snapshot(started) == before


@pytest.mark.parametrize(
    "function",
    ["record_fsm_state_history", "foldline_mark_hand_written_state", "foldline_mark_hand_written_workflow"],
)
def test_what_the_triggers_do_cannot_be_had_for_a_table_of_ones_own(stranger: str, function: str) -> None:
    with psycopg.connect(stranger, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE mine (fsm_type text, entity_id text, current_state text)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"function {function}"):
            connection.execute(
                "CREATE TRIGGER forge AFTER INSERT ON mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
                f" EXECUTE FUNCTION {function}()"
            )
