"""What PostgreSQL's errors mean: each is provoked on a real session, and most in the midst of a real batch."""

from __future__ import annotations

import re
import select
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from foldline import facts
from foldline.ports import PartitionFault, Refused, Stale, Unavailable
from foldline.postgres.failures import unreadable, verdict_on
from foldline.postgres.lanes import Bounds
from harness import COUNTS, TRANSITIONS, MemorySource, Projector, records, rows, transition
from patched import WAITING, WRITER, Patched, nothing, problems, wait_for_session
from roles import Users

LOG = records([transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}") for n in range(4)])

TRANSIENT = (
    *("08000", "08003", "08006", "08P01"),
    *("25006", "25P03", "40003", "40P01", "55P03"),
    *("53000", "53100", "53200", "53300", "53400"),
    *("57014", "57P01", "57P02", "57P03", "57P05"),
)
WORDS = {
    "25006": "only reads.*standby.*failover",
    "53100": "disk is full: make room",
    "53200": "out of memory",
    "53300": "raise max_connections, or run fewer workers",
    "53999": "short of a resource",
    "57P03": "starting up",
}
FOLD_AGAIN = ("40001",)
REFUSED = ("22000", "22001", "22003", "22007", "22021", "22P02", "22P05", "23502", "23503", "23505", "23514", "54000")
FATAL = ("42501", "42P01", "42703", "0A000", "XX000", "P0001")


def _waited_out(projector: Projector, source: Patched, again: str) -> None:
    """The worker paused, and in the end the tables are as those of a worker that nobody disturbed."""
    said = problems(projector)
    assert len(said) == len(source.pauses) >= 1
    assert source.mend == []
    assert all(again in problem for problem in said), said
    assert rows(projector.database_url, COUNTS) == [(4, 0, 0, 0)]
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_dead_letters") == [(0,)]
    assert rows(projector.database_url, "SELECT count(*) FROM fsm_state_history") == [(4,)]


@pytest.fixture(scope="module")
def session(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server_url, autocommit=True) as connection:
        yield connection


def _raised(session: psycopg.Connection[Any], state: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(f"DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '{state}', DETAIL = 's3cr3t'; END $$")
    return caught.value


@pytest.mark.parametrize("state", TRANSIENT)
def test_trouble_that_passes_is_waited_out(session: psycopg.Connection[Any], state: str) -> None:
    with pytest.raises(Unavailable, match=state) as caught:
        verdict_on(_raised(session, state))
    assert "secret" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(("state", "words"), WORDS.items())
def test_what_the_server_is_short_of_is_said_with_what_ends_it(
    session: psycopg.Connection[Any], state: str, words: str
) -> None:
    with pytest.raises(Unavailable) as caught:
        verdict_on(_raised(session, state))
    for fault in (caught.value, unreadable(_raised(session, state))):
        assert re.search(f"{words}.*SQLSTATE {state}", fault.problem), fault.problem


@pytest.mark.parametrize("state", FOLD_AGAIN)
def test_what_lost_a_race_is_folded_again(session: psycopg.Connection[Any], state: str) -> None:
    assert isinstance(verdict_on(_raised(session, state)), Stale)


@pytest.mark.parametrize("state", REFUSED)
def test_what_postgresql_cannot_store_is_refused(session: psycopg.Connection[Any], state: str) -> None:
    assert isinstance(verdict_on(_raised(session, state)), Refused)


@pytest.mark.parametrize("state", FATAL)
def test_what_no_waiting_can_mend_stops_the_partition(session: psycopg.Connection[Any], state: str) -> None:
    with pytest.raises(PartitionFault, match=state):
        verdict_on(_raised(session, state))


def test_a_transaction_that_was_idle_too_long_is_trouble_that_passes(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = '10ms'")
        assert select.select([connection.fileno()], [], [], 30)[0], "the server ended it"
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT 1")
        with pytest.raises(Unavailable):
            verdict_on(caught.value)


RAISES = """
CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$;
CREATE TRIGGER raises BEFORE INSERT ON fsm_state FOR EACH ROW EXECUTE FUNCTION raises()
"""


@pytest.mark.parametrize(("state", "pauses"), [("53100", 3), ("40001", 2), ("57014", 1), ("25006", 1)])
def test_a_transaction_that_fails_so_is_done_again_until_it_succeeds(
    projector: Projector, state: str, pauses: int
) -> None:
    rows(projector.database_url, RAISES.format(state=state))
    source = Patched(
        {TRANSITIONS: list(LOG)},
        mend=[nothing] * (pauses - 1) + [lambda: rows(projector.database_url, "DROP TRIGGER raises ON fsm_state")],
    )
    projector.run(source)
    _waited_out(projector, source, "changed" if state == "40001" else state)
    at_once = [fact for fact in projector.heard(facts.BatchRetried) if not fact.delay_seconds]
    assert len(at_once) == (4 if state == "40001" else 0)


def test_ids_that_are_taken_are_no_fault_of_a_record(projector: Projector) -> None:
    projector.project(*(transition("START_PROCESSING", event_id=f"e{n}", entity_id=f"old-{n}") for n in range(9)))
    rows(projector.database_url, "SELECT setval('fsm_state_history_id_seq', 1, false)")  # as after a failover
    projector.project(*LOG, start=9)
    assert rows(projector.database_url, COUNTS) == [(13, 0, 0, 0)]
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_dead_letters") == [(0,)]


def test_a_deadlock_is_ended_and_the_batch_done_again(projector: Projector) -> None:
    projector.project(*(transition("START_PROCESSING", event_id=f"s{n}", entity_id=f"doc-{n}") for n in range(2)))
    finish = [transition("COMPLETE_INDEXING", event_id=f"f{n}", entity_id=f"doc-{n}") for n in range(2)]
    lock = "SELECT FROM fsm_state WHERE entity_id = %s FOR UPDATE"
    with psycopg.connect(projector.database_url) as other:
        other.execute("SET deadlock_timeout = '1h'")  # so that it is the worker's transaction that is given up
        other.execute(lock, ["doc-1"])
        reverse = threading.Thread(target=lambda: other.execute(lock, ["doc-0"]))

        def let_go() -> None:
            reverse.join()
            other.rollback()

        source = Patched({TRANSITIONS: records(finish, start=2)}, mend=[let_go])
        tables = projector.tables()
        try:
            worker, _ = projector.worker(source, tables)
            worker.turn()
            wait_for_session(projector.database_url, f"{WRITER} AND {WAITING}")
            reverse.start()
            worker.settle()
        finally:
            tables.close()
    assert "40P01" in projector.heard(facts.BatchRetried)[0].problem
    assert rows(projector.database_url, COUNTS) == [(4, 0, 0, 0)]


def test_a_table_that_is_being_changed_is_waited_for(projector: Projector) -> None:
    projector.bounds = Bounds(answer=2)
    with psycopg.connect(projector.database_url) as other:
        other.execute("LOCK TABLE fsm_state IN ACCESS EXCLUSIVE MODE")
        source = Patched({TRANSITIONS: list(LOG)}, mend=[other.rollback])
        projector.run(source)
        _waited_out(projector, source, f"55P03, LockNotAvailable). It waited for session {other.info.backend_pid} ")


def test_a_statement_that_takes_too_long_is_cancelled(projector: Projector) -> None:
    projector.bounds = Bounds(answer=1)
    rows(
        projector.database_url,
        RAISES.format(state="57014").replace("RAISE EXCEPTION 'no' USING ERRCODE = '57014'", "PERFORM pg_sleep(600)"),
    )
    source = Patched(
        {TRANSITIONS: list(LOG)}, mend=[lambda: rows(projector.database_url, "DROP TRIGGER raises ON fsm_state")]
    )
    projector.run(source)
    _waited_out(projector, source, "57014")


def test_a_server_without_room_is_waited_for(projector: Projector) -> None:
    ((name,),) = rows(projector.database_url, "SELECT current_database()")
    rows(projector.database_url, f"ALTER DATABASE {name} SET work_mem = '64kB'")
    rows(projector.database_url, f"ALTER DATABASE {name} SET temp_file_limit = 0")
    starts = [transition("START_PROCESSING", event_id="1", entity_id=f"doc-{n}") for n in range(2000)]
    source = Patched(
        {TRANSITIONS: records(starts)},
        batch_size=2000,
        mend=[lambda: rows(projector.database_url, f"ALTER DATABASE {name} RESET temp_file_limit")],
    )
    projector.run(source)
    assert ["53400" in problem for problem in problems(projector)] == [True]
    assert rows(projector.database_url, COUNTS) == [(2000, 0, 0, 0)]


def test_a_database_that_is_full_of_connections_is_waited_for(users: Users) -> None:
    projector = Projector(users.projector)
    ((name,),) = rows(users.database_url, "SELECT current_database()")
    rows(users.database_url, f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    source = MemorySource({TRANSITIONS: list(LOG)})
    tables = projector.tables()
    try:
        worker, custody = projector.worker(source, tables)
        worker.turn()
        (postponed,) = projector.heard(facts.ClaimPostponed)
        assert "raise max_connections, or run fewer workers (too many connections" in postponed.problem
        assert len(projector.heard(facts.DatabaseAway)) == 1
        rows(users.database_url, f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        custody.claim_due(1e9)
        worker.turn()
        worker.settle()
    finally:
        tables.close()
    assert len(projector.heard(facts.DatabaseBack)) == 1
    assert rows(users.database_url, COUNTS) == [(4, 0, 0, 0)]
