"""A PostgreSQL that crashes, hangs, or fails over: the worker waits, and goes on by itself where it stood.

The server is this module's own.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from foldline import facts
from foldline.core.events import Record
from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres
from foldline.embedded.wheel import postgres_account
from foldline.postgres.lanes import Bounds
from foldline.postgres.migrations import Runner
from harness import COUNTS, TRANSITIONS, MemorySource, Projector, records, rows, snapshot, transition
from patched import READER, WAITING, WRITER, Patched, nothing, problems, wait_for_session
from proxies import proxy_to

STARTS = records([transition("START_PROCESSING", event_id=f"s{n}", entity_id=f"doc-{n}") for n in range(3)])
FINISHES = records([transition("COMPLETE_INDEXING", event_id=f"f{n}", entity_id=f"doc-{n}") for n in range(3)], start=3)
REINDEXES = records([transition("REINDEX", event_id=f"r{n}", entity_id=f"doc-{n}") for n in range(3)], start=6)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="foldline-outages-") as name:
        place = Path(name).resolve()
        place.chmod(0o711)
        server = Postgres(place, Ports(place), major=int(os.environ.get("TEST_POSTGRES_MAJOR", "18")))
        server.start()
        Runner(server.url).apply()
        rows(server.url, "ALTER SYSTEM SET fsync = off")  # the machine stays
        rows(server.url, "SELECT pg_reload_conf()")
        yield server
        server.stop()


@contextmanager
def _database(own: Postgres) -> Iterator[str]:
    name = f"outage_{next(_numbers)}"
    rows(make_conninfo(own.url, dbname="postgres"), f"CREATE DATABASE {name} TEMPLATE foldline")
    yield make_conninfo(own.url, dbname=name)
    rows(make_conninfo(own.url, dbname="postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(own: Postgres) -> Iterator[str]:
    """A migrated database of this test's own on it."""
    with _database(own) as made:
        yield made


@contextmanager
def _working(projector: Projector, source: MemorySource) -> Iterator[Callable[..., None]]:
    """A worker that has projected the first three records, and a function that gives it more and turns it once."""
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        worker.turn()
        worker.settle()

        def turn(*more: Record) -> None:
            source.logs[TRANSITIONS] += more
            worker.turn()
            worker.settle()

        yield turn
    finally:
        tables.close()


def _as_left_alone(projector: Projector, own: Postgres) -> None:
    """Nothing was lost, nothing was done twice, nothing became a dead letter."""
    with _database(own) as url:
        alone = Projector(url)
        alone.run(MemorySource({TRANSITIONS: [*STARTS, *FINISHES]}))
        assert snapshot(projector.database_url) == snapshot(alone.database_url)


def test_a_crash_in_the_midst_of_a_transaction(own: Postgres, url: str) -> None:
    projector = Projector(url)

    def restart() -> None:
        own.kill()  # it is dead: this takes note of it
        own.start()

    source = Patched({TRANSITIONS: list(STARTS)}, mend=[nothing, restart])
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        worker.turn()
        worker.settle()
        source.logs[TRANSITIONS] += FINISHES
        with psycopg.connect(url) as other:
            other.execute("SELECT FROM fsm_state FOR UPDATE")
            worker.turn()
            wait_for_session(url, f"{WRITER} AND {WAITING}")
            os.kill(own.pid, signal.SIGQUIT)
            worker.settle()
            other.close()
    finally:
        tables.close()
    assert len(projector.heard(facts.DatabaseAway)) == len(projector.heard(facts.DatabaseBack)) == 1
    assert len(source.pauses) >= 2
    _as_left_alone(projector, own)


def test_an_idle_worker_says_once_that_the_database_is_away_and_once_that_it_is_back(
    own: Postgres, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.lanes._LOOK_EVERY_SECONDS", 0.0)
    projector = Projector(url)
    with _working(projector, MemorySource({TRANSITIONS: list(STARTS)})) as turn:
        turn()
        assert projector.heard(facts.DatabaseAway) == []
        own.stop()
        for _ in range(3):
            turn()
        own.start()
        for _ in range(3):
            turn()
    (away,), (back,) = projector.heard(facts.DatabaseAway), projector.heard(facts.DatabaseBack)
    assert "cannot be reached" in away.problem
    assert projector.announced.index(back) > projector.announced.index(away)


@pytest.mark.parametrize("session", [READER, WRITER])
def test_a_backend_that_hangs_is_given_up_and_the_batch_applied_by_another(
    own: Postgres, url: str, session: str
) -> None:
    projector = Projector(url, bounds=Bounds(answer=1))
    source = Patched({TRANSITIONS: list(STARTS)})
    with _working(projector, source) as turn:
        hung = wait_for_session(url, session)
        os.kill(hung, signal.SIGSTOP)
        try:
            turn(*FINISHES)
            assert "has not answered for 1 s" in projector.heard(facts.DatabaseAway)[0].problem
            assert len(projector.heard(facts.DatabaseBack)) == 1
            assert rows(url, COUNTS) == [(6, 0, 0, 0)]
        finally:
            os.kill(hung, signal.SIGCONT)
    _as_left_alone(projector, own)


def test_a_transaction_whose_backend_hangs_with_the_locks_is_counted_once_whenever_it_wakes(
    own: Postgres, url: str
) -> None:
    projector = Projector(url, bounds=Bounds(answer=1))
    with psycopg.connect(url) as other:
        hung: list[int] = []

        def wake() -> None:
            os.kill(hung[0], signal.SIGCONT)

        source = Patched({TRANSITIONS: list(STARTS)}, mend=[other.rollback, nothing, wake])
        tables = projector.tables()
        try:
            worker, _ = projector.worker(source, tables)
            worker.turn()
            worker.settle()
            other.execute("SELECT FROM fsm_state FOR UPDATE")
            source.logs[TRANSITIONS] += FINISHES
            worker.turn()
            hung.append(wait_for_session(url, f"{WRITER} AND {WAITING}"))  # it holds the row of the position
            os.kill(hung[0], signal.SIGSTOP)
            worker.settle()
        finally:
            tables.close()
    assert "has not answered" in problems(projector)[0]
    assert any("55P03" in problem for problem in problems(projector)[1:])
    _as_left_alone(projector, own)


def test_a_failover_that_loses_transactions_and_comes_up_slowly_and_read_only(own: Postgres, url: str) -> None:
    with proxy_to(url) as proxy, _standby(own) as standby:
        projector = Projector(proxy.url(url))

        def heal() -> None:
            """One step further than what the worker has just met."""
            met = problems(projector)[-1]
            if "25006" in met:
                standby.promote()
            elif "not accepting connections" in met:
                standby.start(hot=True)
            elif "cannot be reached" in met:
                standby.start(hot=False)

        source = Patched({TRANSITIONS: list(STARTS)}, mend=[heal] * 20)
        with _working(projector, source) as turn:
            standby.copy()
            turn(*FINISHES)  # of which the copy knows nothing
            own.stop()
            proxy.leads_to(standby.url(url))
            turn(*REINDEXES)
            while not source.idle:
                turn()
        said = problems(projector)
        assert any("not accepting connections" in problem or "starting up" in problem for problem in said), said
        assert any("25006" in problem for problem in said), said
        promoted = standby.url(url)
        assert rows(promoted, COUNTS) == [(9, 0, 0, 0)]
        assert rows(promoted, "SELECT next_offset, epoch FROM foldline_positions") == [(9, 1)]
        assert rows(promoted, "SELECT count(*), count(DISTINCT (entity_id, action)) FROM fsm_state_history") == [(9, 9)]
        assert rows(promoted, "SELECT count(*) FROM foldline_dead_letters") == [(0,)]
    own.start()


class Standby:
    """A copy of a server as `pg_basebackup` makes it, behind from then on."""

    def __init__(self, primary: Postgres, place: Path) -> None:
        self._primary = primary
        self._cluster = place / "standby"
        (self._port,) = Ports(place).take("standby")

    def copy(self) -> None:
        self._run("pg_basebackup", "-D", self._cluster, "-d", self._primary.url, "-c", "fast", "--no-sync")
        (self._cluster / "standby.signal").touch()

    def start(self, *, hot: bool) -> None:
        options = f"-p {self._port} -c hot_standby={'on' if hot else 'off'} -k ''"
        words = ("-D", self._cluster, "-l", self._cluster / "log", "-o", options, "-m", "fast")
        self._run("pg_ctl", *words, "-w" if hot else "-W", "restart")
        while not hot and "not accepting connections" not in (self._cluster / "log").read_text():
            self._knock()

    def _knock(self) -> None:
        """A server that lets nobody in says so in its log."""
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url(self._primary.url)).close()

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self._cluster, "-w", "promote")

    def stop(self) -> None:
        if (self._cluster / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._cluster, "-m", "immediate", "-w", "stop")

    def url(self, of_primary: str) -> str:
        return make_conninfo(of_primary, port=self._port)

    def _run(self, program: str, *words: str | Path) -> None:
        subprocess.run(
            [self._primary.programs / program, *words],
            check=True,
            cwd=self._cluster.parent,
            capture_output=True,
            env={"LC_ALL": "C"},
            **_as_server(),
        )


def _as_server() -> dict[str, Any]:
    """What lets a program run as who runs the server: only this user may meddle with it."""
    account = postgres_account()
    return {} if account is None else {"user": account.uid, "group": account.gid}


@contextmanager
def _standby(primary: Postgres) -> Iterator[Standby]:
    with tempfile.TemporaryDirectory(prefix="foldline-standby-") as name:
        place = Path(name).resolve()
        account = postgres_account()
        if account is not None:
            os.chown(place, account.uid, account.gid)
        standby = Standby(primary, place)
        try:
            yield standby
        finally:
            standby.stop()
