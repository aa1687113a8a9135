"""A worker that is killed, at any moment, and started again leaves the tables as one that was left alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from clusters import Cluster
from foldline.example import example_log
from harness import rows, snapshot
from worker_processes import Process

_DEADLINE_SECONDS = 60
_EXAMPLE = example_log(entities=120)


def _publish(cluster: Cluster) -> None:
    """A log with every verdict in it, in both topics."""
    lines: dict[tuple[str, int], list[bytes]] = {}
    for planted in _EXAMPLE.records:
        is_transition = "fsm_type" in planted.event
        topic = cluster.topics.transitions if is_transition else cluster.topics.workflows
        key = str(planted.event["entity_id" if is_transition else "workflow_id"])
        lines.setdefault((topic, sum(key.encode()) % 4), []).append(planted.line)
    for (topic, partition), of_partition in lines.items():
        cluster.publish(topic, [*of_partition, b"no event"], partition)


def _left_alone(cluster: Cluster, database_url: str) -> Cluster:
    """The same log in a database of its own, projected by a worker that nobody disturbs."""
    other = Cluster(database_url, cluster.bootstrap_servers, cluster.topics)
    other.catch_up(group_id=f"{cluster.topics.transitions}.left-alone")
    return other


@pytest.fixture
def published(cluster: Cluster) -> Cluster:
    _publish(cluster)
    return cluster


@pytest.fixture
def left_alone(published: Cluster, second_database_url: str) -> Cluster:
    return _left_alone(published, second_database_url)


def test_killed_between_any_two_batches(published: Cluster, left_alone: Cluster) -> None:
    for batches in (1, 2, 3, 5, 8):
        worker = Process(published, FOLDLINE_GROUP_ID=f"{published.topics.transitions}.{batches}")
        worker.wait_for("batch applied", batches)
        worker.kill()
    Process(published, "--until-caught-up").finish()
    assert snapshot(published.database_url) == snapshot(left_alone.database_url)


def test_killed_inside_its_transaction(published: Cluster, left_alone: Cluster) -> None:
    with _inside_its_transaction(published) as worker:
        worker.kill()
    Process(published, "--until-caught-up").finish()
    assert snapshot(published.database_url) == snapshot(left_alone.database_url)


def test_frozen_inside_its_transaction_and_woken_when_another_has_taken_over(
    published: Cluster, left_alone: Cluster
) -> None:
    with _inside_its_transaction(published) as frozen:
        frozen.popen.send_signal(signal.SIGSTOP)
    log = Process(published, "--until-caught-up").finish()
    assert '"event": "owner ended"' in log
    frozen.popen.send_signal(signal.SIGCONT)
    frozen.wait_for("batch retried")  # its session was ended under it
    frozen.popen.terminate()
    frozen.finish()
    assert snapshot(published.database_url) == snapshot(left_alone.database_url)


def test_killed_with_another_worker_there_which_takes_over(cluster: Cluster, second_database_url: str) -> None:
    survivor = Process(cluster)
    survivor.wait_for("partition claimed", 8)
    victim = Process(cluster)
    victim.wait_for("partition claimed", 4)
    victim.kill()
    _publish(cluster)
    caught_up = Process(cluster, "--until-caught-up")
    caught_up.finish()
    survivor.popen.terminate()
    survivor.finish()
    alone = _left_alone(cluster, second_database_url)
    assert snapshot(cluster.database_url) == snapshot(alone.database_url)


@contextmanager
def _inside_its_transaction(published: Cluster) -> Iterator[Process]:
    """A worker that waits, in the midst of its transaction, for rows that are let go at the end of the block."""
    first = Process(published, FOLDLINE_GROUP_ID=f"{published.topics.transitions}.first")
    first.wait_for("batch applied", 4)
    first.kill()
    with psycopg.connect(published.database_url) as blocker:
        blocker.execute("SELECT FROM fsm_state FOR UPDATE")
        blocker.execute("LOCK TABLE workflow_executions IN SHARE MODE")
        worker = Process(published, FOLDLINE_GROUP_ID=f"{published.topics.transitions}.second")
        _wait_until_blocked(published.database_url)
        yield worker


def _wait_until_blocked(database_url: str) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.02) WHERE datname = current_database()"
        " AND application_name = 'foldline worker writer' AND wait_event_type = 'Lock'"
    )
    for _ in range(_DEADLINE_SECONDS * 20):
        if rows(database_url, waiting) != [(0,)]:
            return
    raise AssertionError("no worker came to wait for a lock")
