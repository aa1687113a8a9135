"""A worker that is told to stop, or loses a partition, whatever the database is at: within bounded time, and exit 0."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from clusters import Cluster
from harness import COUNTS, rows, transition
from patched import WAITING, WRITER, wait_for_session
from proxies import proxy_to
from worker_processes import Process

EVENTS = [transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}") for n in range(5)]
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON fsm_state FOR EACH ROW EXECUTE FUNCTION slow()
"""
SLEEPING = "wait_event = 'PgSleep'"


@pytest.fixture
def published(cluster: Cluster) -> Cluster:
    cluster.publish(cluster.topics.transitions, EVENTS)
    return cluster


@pytest.fixture
def slow(published: Cluster) -> Iterator[Cluster]:
    """What a worker begins takes an hour, until the block ends."""
    rows(published.database_url, SLOW)
    yield published
    rows(published.database_url, "DROP TRIGGER slow ON fsm_state")
    published.catch_up()
    assert [row for row in rows(published.database_url, COUNTS) if any(row)] == [(5, 0, 0, 0)]
    assert rows(published.database_url, "SELECT count(*) FROM fsm_state_history") == [(5,)]


def _patient(cluster: Cluster, seconds: int = 3600) -> Process:
    """A worker that gives everything but its end all the time in the world."""
    return Process(cluster, FOLDLINE_DATABASE_SECONDS=str(seconds), FOLDLINE_GRACE_SECONDS="1")


def test_a_lock_that_somebody_holds_does_not_keep_a_worker_from_stopping(published: Cluster) -> None:
    with psycopg.connect(published.database_url) as other:
        other.execute("LOCK TABLE fsm_state IN SHARE MODE")
        worker = _patient(published)
        wait_for_session(published.database_url, f"{WRITER} AND {WAITING}")
        worker.popen.terminate()
        log = worker.finish()
    assert "57014" in log, "it was cancelled"
    assert "55P03" not in log, "it did not wait for as long as it waits for a lock"


def test_a_partition_is_handed_over_although_its_transaction_does_not_end(slow: Cluster) -> None:
    first = _patient(slow, seconds=2)
    wait_for_session(slow.database_url, f"{WRITER} AND {SLEEPING}")
    second = _patient(slow)
    second.wait_for("partition claimed", 4)
    for worker in (first, second):
        worker.popen.terminate()
    assert '"event": "partition released"' in first.finish()
    second.finish()


@pytest.mark.parametrize("hole", [True, False], ids=["black hole", "port closed"])
def test_a_database_that_is_away_does_not_keep_a_worker_from_stopping(cluster: Cluster, hole: bool) -> None:  # noqa: FBT001 - a case
    with proxy_to(cluster.database_url) as proxy:
        behind = Cluster(proxy.url(cluster.database_url), cluster.bootstrap_servers, cluster.topics)
        worker = _patient(behind)
        worker.wait_for("partition claimed", 8)
        if hole:
            proxy.hole = True
        else:
            proxy.close()
        cluster.publish(cluster.topics.transitions, EVENTS)
        if hole:
            assert proxy.lost.wait(60)
        else:
            worker.wait_for("database away")
        worker.popen.terminate()
        worker.finish()
    cluster.catch_up()
    assert [row for row in rows(cluster.database_url, COUNTS) if any(row)] == [(5, 0, 0, 0)]
