"""Sessions that hold what a worker waits for: a frozen owner is ended, others are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from foldline import facts
from foldline.folding import Folding
from foldline.ports import LogFacts, Moved, Unavailable
from foldline.postgres.connection import connect
from foldline.postgres.lanes import Bounds
from harness import COUNTS, TRANSITIONS, Projector, batch, records, rows, transition
from roles import Users

START = transition("START_PROCESSING", event_id="1")
FACTS = LogFacts(0, 100, "id-1")
_HOLD = "UPDATE foldline_positions SET next_offset = next_offset"


@contextmanager
def _in_transaction(url: str, statement: str, *, purpose: str) -> Iterator[psycopg.Connection[Any]]:
    """A session that has done this and then does nothing more, as a stopped process does."""
    connection = connect(url, purpose=purpose, autocommit=False)
    try:
        connection.execute(statement)
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("user", ["foldline", "test_projector"])
def test_an_owner_that_is_frozen_with_the_lock_is_ended_and_its_partition_claimed(users: Users, user: str) -> None:
    projector = Projector(users.projector if user == "test_projector" else users.database_url)
    projector.project(START)
    with _in_transaction(projector.database_url, _HOLD, purpose="worker writer") as frozen:
        pid = frozen.info.backend_pid
        projector.project(transition("COMPLETE_INDEXING", event_id="2"), start=1)
        with pytest.raises(psycopg.OperationalError):
            frozen.execute("SELECT 1")
    (ended,) = projector.heard(facts.OwnerEnded)
    assert f"session {pid} (foldline worker writer of {user}, in" in ended.session
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0)]


def test_a_worker_that_is_frozen_inside_copy_with_rows_that_we_need_is_ended(projector: Projector) -> None:
    projector.project(START)
    connection = connect(projector.database_url, purpose="worker writer", autocommit=False)
    pid = connection.info.backend_pid
    connection.execute("SELECT FROM fsm_state FOR UPDATE")  # as a batch that is folded again does, ahead of its COPY
    connection.execute("CREATE TEMPORARY TABLE held (line text)")
    connection.pgconn.send_query(b"COPY held FROM STDIN")
    connection.pgconn.get_result()
    projector.bounds = Bounds(answer=8)
    try:
        projector.project(transition("COMPLETE_INDEXING", event_id="2"), start=1)
    finally:
        connection.close()
    assert f"session {pid} (foldline worker writer" in projector.heard(facts.BlockerEnded)[0].session
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0)]


def test_somebody_else_who_holds_the_position_is_named_and_left_alone(
    projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.tables._CLAIM_PATIENCE_SECONDS", 0.3)
    projector.project(START)
    tables = projector.tables()
    try:
        with _in_transaction(projector.database_url, _HOLD, purpose="report") as other:
            with pytest.raises(Unavailable, match=rf"held by session {other.info.backend_pid} \(foldline report"):
                tables.claim(TRANSITIONS, FACTS)
            assert other.execute("SELECT 1").fetchone() == (1,)
        assert tables.claim(TRANSITIONS, FACTS).epoch == 2
    finally:
        tables.close()


def test_a_lock_that_is_held_too_long_is_waited_for_and_its_holder_named(projector: Projector) -> None:
    projector.project(START)
    projector.bounds = Bounds(answer=2)
    tables = projector.tables()
    folding = Folding(tables, projector.machines, frozenset())
    try:
        claim = tables.claim(TRANSITIONS, FACTS)
        finish = batch(records([transition("COMPLETE_INDEXING", event_id="2")], start=1))
        with _in_transaction(projector.database_url, "SELECT FROM fsm_state FOR UPDATE", purpose="somebody") as other:
            tables.start(tables.stage(folding.fold(finish)), claim)
            with pytest.raises(Unavailable, match=f"55P03.* It waited for session {other.info.backend_pid} "):
                tables.finish()
        tables.start(tables.stage(folding.fold(finish)), claim)
        assert tables.finish() == Moved()
    finally:
        tables.close()
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0)]


def test_a_read_that_waits_for_a_lock_while_the_other_lane_waits_too_names_its_holder(projector: Projector) -> None:
    projector.project(START)
    projector.bounds = Bounds(answer=2)
    tables = projector.tables()
    folding = Folding(tables, projector.machines, frozenset())
    try:
        claim = tables.claim(TRANSITIONS, FACTS)
        finish = batch(records([transition("COMPLETE_INDEXING", event_id="2")], start=1))
        plan = tables.stage(folding.fold(finish))
        lock = "LOCK TABLE fsm_state, foldline_positions IN ACCESS EXCLUSIVE MODE"
        with _in_transaction(projector.database_url, lock, purpose="somebody") as other:
            named = f"55P03.* It waited for session {other.info.backend_pid} "
            tables.start(plan, claim)
            with pytest.raises(Unavailable, match=rf"Reading.*{named}\(foldline somebody of foldline, in"):
                tables.load_entities([("INGESTION", "doc-1")])
            with pytest.raises(Unavailable, match=named):
                tables.finish()
            with pytest.raises(Unavailable, match=named):
                tables.claim(TRANSITIONS, FACTS)
        onlookers = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'foldline worker onlooker'"
        assert rows(projector.database_url, onlookers) == [(0,)]
        assert tables.claim(TRANSITIONS, FACTS).epoch == 3
    finally:
        tables.close()
