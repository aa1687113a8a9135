"""A worker that is killed, at any moment, and started again leaves the tables as one that was left alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from clusters import Cluster, Topics, topics_made
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


@pytest.fixture(scope="module")
def log(bootstrap_servers: str, shared_database_url: str) -> Iterator[tuple[Topics, object]]:
    """Topics that hold it, and what a worker that was left alone has made of it."""
    with topics_made(bootstrap_servers, Topics(f"killed.{os.getpid()}", f"killed.{os.getpid()}.workflows")) as topics:
        cluster = Cluster(shared_database_url, bootstrap_servers, topics)
        _publish(cluster)
        cluster.catch_up(group_id="left-alone")
        yield topics, snapshot(shared_database_url)


@pytest.fixture
def published(database_url: str, bootstrap_servers: str, log: tuple[Topics, object]) -> Cluster:
    return Cluster(database_url, bootstrap_servers, log[0])


@pytest.fixture
def left_alone(log: tuple[Topics, object]) -> object:
    return log[1]


def test_killed_between_any_two_batches(published: Cluster, left_alone: object) -> None:
    for batches in (1, 2, 3, 5, 8):
        worker = Process(published, FOLDLINE_GROUP_ID=_group(published, batches))
        worker.wait_for("batch applied", batches)
        worker.kill()
    Process(published, "--until-caught-up").finish()
    assert snapshot(published.database_url) == left_alone


def test_killed_inside_its_transaction(published: Cluster, left_alone: object) -> None:
    with _inside_its_transaction(published) as worker:
        worker.kill()
    Process(published, "--until-caught-up").finish()
    assert snapshot(published.database_url) == left_alone


def test_frozen_inside_its_transaction_and_woken_when_another_has_taken_over(
    published: Cluster, left_alone: object
) -> None:
    with _inside_its_transaction(published) as frozen:
        frozen.popen.send_signal(signal.SIGSTOP)
    log = Process(published, "--until-caught-up").finish()
    assert '"event": "owner ended"' in log
    frozen.popen.send_signal(signal.SIGCONT)
    frozen.wait_for("batch retried")  # its session was ended under it
    frozen.popen.terminate()
    frozen.finish()
    assert snapshot(published.database_url) == left_alone


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
    alone = Cluster(second_database_url, cluster.bootstrap_servers, cluster.topics)
    alone.catch_up(group_id=f"{cluster.topics.transitions}.left-alone")
    assert snapshot(cluster.database_url) == snapshot(alone.database_url)


def _group(published: Cluster, number: int) -> str:
    """A group that nobody was ever a member of: in one that somebody died in, his session would be waited for."""
    return f"{conninfo_to_dict(published.database_url)['dbname']}.{number}"


@contextmanager
def _inside_its_transaction(published: Cluster) -> Iterator[Process]:
    """A worker that waits, in the midst of its transaction, for rows that are let go at the end of the block."""
    first = Process(published, FOLDLINE_GROUP_ID=_group(published, 1))
    first.wait_for("batch applied", 4)
    first.kill()
    with psycopg.connect(published.database_url) as blocker:
        blocker.execute("SELECT FROM fsm_state FOR UPDATE")
        blocker.execute("LOCK TABLE workflow_executions IN SHARE MODE")
        worker = Process(published, FOLDLINE_GROUP_ID=_group(published, 2))
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
