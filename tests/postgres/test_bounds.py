"""Nobody waits for ever: not who stops, not who hands a partition over, not who claims what is held."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from foldline import facts
from foldline.engine import Worker
from foldline.errors import MigrationError
from foldline.folding import Folding
from foldline.ports import Fenced, LogFacts, Unavailable
from foldline.postgres.connection import connect
from foldline.postgres.lanes import Bounds
from foldline.postgres.migrations import Runner
from harness import COUNTS, TRANSITIONS, MemorySource, Projector, batch, records, rows, transition
from patched import WRITER, wait_for_session
from proxies import proxy_to

pytestmark = pytest.mark.any_version

LOG = records([transition("START_PROCESSING", event_id="1")])
FACTS = LogFacts(0, 100, "id-1")
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON fsm_state FOR EACH ROW EXECUTE FUNCTION slow()
"""


class Stopped(MemorySource):
    """A broker that stays in the group for as long as it is told to: until the worker stops."""

    stop: bool = False

    def keep_alive(self, seconds: float, unless: Callable[[], bool]) -> None:
        super().keep_alive(seconds, unless)
        assert not unless()
        self.stop = True
        assert unless(), "the pause ends with the order to stop"


@contextmanager
def _in_flight(projector: Projector, *, seconds: float) -> Iterator[Worker]:
    """A worker whose transaction is on its way, and takes so long."""
    rows(projector.database_url, SLOW.format(seconds=seconds))
    tables = projector.tables()
    try:
        worker, _ = projector.worker(MemorySource({TRANSITIONS: list(LOG)}), tables)
        worker.turn()
        wait_for_session(projector.database_url, f"{WRITER} AND wait_event = 'PgSleep'")
        yield worker
    finally:
        tables.close()


def test_a_pause_ends_with_the_order_to_stop(projector: Projector) -> None:
    fails = SLOW.format(seconds=0).replace("PERFORM pg_sleep(0)", "RAISE EXCEPTION 'no' USING ERRCODE = '57P03'")
    rows(projector.database_url, fails)
    source = Stopped({TRANSITIONS: list(LOG)})
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        worker.run(lambda: source.stop)
    finally:
        tables.close()
    assert "57P03" in projector.heard(facts.BatchRetried)[0].problem
    assert rows(projector.database_url, COUNTS) == [(0, 0, 0, 0)]


def test_what_is_in_flight_for_a_partition_that_is_taken_is_committed_within_the_grace(projector: Projector) -> None:
    with _in_flight(projector, seconds=0.5) as worker:
        worker.revoked([TRANSITIONS])
        assert rows(projector.database_url, COUNTS) == [(1, 0, 0, 0)]


def test_beyond_the_grace_it_is_rolled_back_and_the_next_owner_does_it(projector: Projector) -> None:
    projector.bounds = Bounds(answer=60, grace=0.2)
    with _in_flight(projector, seconds=5) as worker:
        worker.revoked([TRANSITIONS])
        assert rows(projector.database_url, COUNTS) == [(0, 0, 0, 0)]
        rows(projector.database_url, "DROP TRIGGER slow ON fsm_state")
        projector.project(transition("START_PROCESSING", event_id="1"))
    assert rows(projector.database_url, COUNTS) == [(1, 0, 0, 0)]
    assert rows(projector.database_url, "SELECT epoch FROM foldline_positions") == [(2,)]


@pytest.mark.parametrize("asked", ["claim", "load_entities", "holding_entities"])
def test_a_server_that_never_answers_is_unavailable(projector: Projector, asked: str) -> None:
    with proxy_to(projector.database_url) as proxy:
        proxy.hole = True
        hanging = Projector(proxy.url(projector.database_url), bounds=Bounds(answer=0.2), announced=projector.announced)
        tables = hanging.tables()
        questions: dict[str, Callable[[], object]] = {
            "claim": lambda: tables.claim(TRANSITIONS, FACTS),
            "load_entities": lambda: tables.load_entities([("INGESTION", "doc-1")]),
            "holding_entities": lambda: tables.holding_entities([("INGESTION", "doc-1")]).__enter__(),
        }
        try:
            for _ in range(2):
                with pytest.raises(Unavailable, match="has not answered"):
                    questions[asked]()
        finally:
            tables.close()
    assert len(projector.heard(facts.DatabaseAway)) == 1


def test_an_owner_that_is_frozen_while_it_copies_holds_nothing(
    projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, woken, copy = threading.Event(), threading.Event(), psycopg.Copy.write

    def freeze(self: psycopg.Copy, octets: str) -> None:
        frozen.set()
        woken.wait()
        copy(self, octets)

    monkeypatch.setattr(psycopg.Copy, "write", freeze)
    zombie, successor = projector.tables(), projector.tables()
    try:
        plan = Folding(zombie, projector.machines, frozenset()).fold(batch(LOG))
        zombie.start(zombie.stage(plan), zombie.claim(TRANSITIONS, FACTS))
        assert frozen.wait(30)
        claim = successor.claim(TRANSITIONS, FACTS)
        assert (claim.epoch, claim.ended) == (2, None)
        woken.set()
        assert zombie.finish() == Fenced("test:1", "foldline")
    finally:
        woken.set()
        zombie.close()
        successor.close()


def test_another_migration_is_not_waited_for_in_silence(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.migrations._PATIENCE_SECONDS", 0.2)
    with connect(empty_database_url, purpose="migrate") as other:
        other.execute("SELECT pg_advisory_lock(70094211)")
        with pytest.raises(MigrationError, match=rf"held by session {other.info.backend_pid} \(foldline migrate of"):
            Runner(empty_database_url).apply()
