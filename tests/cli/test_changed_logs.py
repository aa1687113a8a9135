"""A log that changed under us, on a real broker: its partition stops and says why, others go on, somebody answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clusters import Cluster, run_until
from commands import Commands
from foldline import facts
from foldline.app import Projection
from foldline.core.batch import Partition
from harness import rows, transition
from topic_changes import TopicChanges

_PUBLISHED = [transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}") for n in range(60)]


@pytest.fixture
def topic(cluster: Cluster) -> str:
    return cluster.topics.transitions


@pytest.fixture
def changes(cluster: Cluster) -> TopicChanges:
    return TopicChanges(cluster.bootstrap_servers)


@pytest.fixture
def running(cluster: Cluster, topic: str) -> Iterator[Projection]:
    """A worker that has projected ten events of partition 0 and one of partition 1."""
    cluster.publish(topic, _PUBLISHED[:10])
    cluster.publish(topic, _PUBLISHED[50:51], partition=1)
    with cluster.worker(kafka={"topic.metadata.refresh.interval.ms": "60000"}) as ours:
        run_until(ours, ours.until_caught_up())
        yield ours


def _stopped(ours: Projection, topic: str) -> str:
    """Why partition 0 stops; waits for it."""
    partition = Partition(topic, 0)
    run_until(ours, lambda: partition in ours.custody.stopped)
    assert set(ours.custody.stopped) == {partition}
    return ours.custody.stopped[partition].problem


def _positions(cluster: Cluster, topic: str) -> dict[int, int]:
    found = rows(cluster.database_url, "SELECT partition, next_offset FROM foldline_positions WHERE topic = %s", topic)
    return dict(found)


def _go_on(ours: Projection, topic: str) -> None:
    """Turn the running worker until it has noticed the answer and caught up."""
    run_until(ours, lambda: Partition(topic, 0) not in ours.custody.stopped)
    run_until(ours, ours.until_caught_up())
    assert not ours.custody.stopped


def _answer(on_cluster: Commands, topic: str, why: str = "it was announced") -> dict[str, Any]:
    (given,) = on_cluster("positions", "accept", topic, "--why", why, "--json").json
    return dict(given)


def test_retention_that_passes_our_position_while_we_run(
    cluster: Cluster, topic: str, changes: TopicChanges, running: Projection, on_cluster: Commands
) -> None:
    cluster.publish_in_transaction(
        topic, _PUBLISHED[10:20], commit=True, meanwhile=lambda: changes.delete_before(topic, 0, 15)
    )
    cluster.publish(topic, _PUBLISHED[51:53], partition=1)
    assert "stands at 10, but the log begins later now at 15" in _stopped(running, topic)
    run_until(running, lambda: _positions(cluster, topic)[1] == 3)  # the others go on
    assert _positions(cluster, topic)[0] == 10
    answer = _answer(on_cluster, topic)
    assert (answer["from_offset"], answer["to_offset"], answer["another_log"]) == (10, 15, False)
    _go_on(running, topic)
    assert _positions(cluster, topic)[0] == 21
    (recorded,) = on_cluster("positions", "accepted", "--json").json
    assert (recorded["why"], recorded["from_offset"], recorded["to_offset"]) == ("it was announced", 10, 15)
    assert "stands at 10" in recorded["problem"]
    assert on_cluster("positions", "accept", topic, "--why", "again").code == 1


def test_a_topic_created_again_and_longer_than_our_position_while_we_look_away(
    cluster: Cluster, topic: str, changes: TopicChanges, running: Projection, on_cluster: Commands
) -> None:
    changes.create_again(topic)
    cluster.publish(topic, _PUBLISHED[20:45])
    run_until(running, lambda: len(running.custody.stopped) == 4)
    assert "created again" in running.custody.stopped[Partition(topic, 0)].problem
    assert rows(cluster.database_url, "SELECT count(*) FROM fsm_state") == [(11,)]  # nothing of the other log
    on_cluster("positions", "accept", topic, "--why", "the team made it anew")
    _go_on(running, topic)
    assert _positions(cluster, topic)[0] == 25
    assert rows(cluster.database_url, "SELECT count(*) FROM fsm_state") == [(36,)]


def test_a_topic_created_again_whose_dead_letters_have_offsets_of_former_ones(
    cluster: Cluster, topic: str, changes: TopicChanges, on_cluster: Commands
) -> None:
    cluster.publish(topic, [b"poison"])
    cluster.catch_up()
    changes.create_again(topic)
    cluster.publish(topic, [b"other poison"])
    with cluster.worker() as ours:
        run_until(ours, lambda: Partition(topic, 0) in ours.custody.stopped)
    assert on_cluster("run", "--until-caught-up").code == 1
    on_cluster("positions", "accept", topic, "--why", "the team made it anew")
    cluster.catch_up()
    letters = "SELECT record_offset, incarnation, value FROM foldline_dead_letters ORDER BY id"
    assert rows(cluster.database_url, letters) == [(0, 0, b"poison"), (0, 1, b"other poison")]


def test_a_topic_that_becomes_compacted(
    cluster: Cluster, topic: str, changes: TopicChanges, on_cluster: Commands
) -> None:
    cluster.publish(topic, _PUBLISHED[:5])
    cluster.catch_up()
    changes.configure(topic, "cleanup.policy", "compact,delete")
    with cluster.worker() as ours:
        run_until(ours, lambda: len(ours.custody.stopped) == 4)
        assert "is compacted" in ours.custody.stopped[Partition(topic, 0)].problem
        assert on_cluster("positions", "accept", topic, "2", "--why", "kept elsewhere").code == 0
        run_until(ours, lambda: len(ours.custody.stopped) == 3)
        changes.configure(topic, "cleanup.policy", "delete")
        assert on_cluster("positions", "accept", topic, "--why", "corrected").code == 0
        run_until(ours, lambda: not ours.custody.stopped)
    accepted = "SELECT partition FROM foldline_positions WHERE compaction_accepted"
    assert rows(cluster.database_url, accepted) == [(2,)]


def test_a_partition_that_was_added_later_waits_for_the_older_ones(
    cluster: Cluster, topic: str, changes: TopicChanges
) -> None:
    cluster.publish(topic, _PUBLISHED[:8])
    cluster.catch_up()
    changes.add_partitions(topic, 5)
    cluster.publish(topic, [transition("COMPLETE_INDEXING", event_id="late", entity_id="doc-9")], partition=4)
    cluster.publish(topic, [_PUBLISHED[8], _PUBLISHED[9]])
    blocked = "UPDATE foldline_positions SET stopped_reason = 'x', tripped = true WHERE topic = %s AND partition = 0"
    rows(cluster.database_url, blocked, topic)
    with cluster.worker(breaker_percent=100) as ours:
        run_until(ours, lambda: any(f"{topic}[4] was added later" in problem for problem in _problems(cluster)))
        assert 4 not in _positions(cluster, topic)
        rows(cluster.database_url, "UPDATE foldline_positions SET stopped_reason = NULL, tripped = false")
        run_until(ours, lambda: not ours.custody.stopped)
        run_until(ours, ours.until_caught_up())
    assert _positions(cluster, topic) == {0: 10, 1: 0, 2: 0, 3: 0, 4: 1}
    state = "SELECT current_state FROM fsm_state WHERE entity_id = 'doc-9'"
    assert rows(cluster.database_url, state) == [("INDEXED",)]
    barriers = "SELECT partition, older, end_offset FROM foldline_barriers ORDER BY 1, 2"
    assert rows(cluster.database_url, barriers) == [(4, 0, 10), (4, 1, 0), (4, 2, 0), (4, 3, 0)]


def test_an_idle_partition_with_transactions_gives_no_false_alarm_after_retention(
    cluster: Cluster, topic: str, changes: TopicChanges
) -> None:
    cluster.publish_in_transaction(topic, _PUBLISHED[:3], commit=True)
    cluster.publish_in_transaction(topic, _PUBLISHED[3:6], commit=False)
    cluster.catch_up()
    changes.delete_before(topic, 0, -1)
    ours = cluster.catch_up()
    assert not ours.custody.stopped
    assert _positions(cluster, topic)[0] == 8


def test_a_deleted_topic_is_asked_for_again_and_the_other_one_goes_on(
    cluster: Cluster, topic: str, changes: TopicChanges, running: Projection, on_cluster: Commands
) -> None:
    changes.delete(topic)
    cluster.publish(cluster.topics.workflows, [{}])
    run_until(running, lambda: _positions(cluster, cluster.topics.workflows).get(0) == 1)
    run_until(running, lambda: any("is gone" in problem for problem in _problems(cluster)))
    assert not running.custody.stopped
    assert f"GONE {topic}[0]: Kafka no longer has it" in on_cluster("status").out
    again = on_cluster("run", "--until-caught-up")
    assert (again.code, "was projected already. Restore it" in again.err) == (1, True)
    changes.create(topic)


def test_the_lag_of_a_log_that_ends_before_our_position_is_not_known(
    cluster: Cluster, topic: str, changes: TopicChanges, on_cluster: Commands
) -> None:
    cluster.publish(topic, _PUBLISHED[:10])
    cluster.catch_up()
    changes.create_again(topic)
    cluster.publish(topic, _PUBLISHED[10:12], partition=1)
    status = on_cluster("status", "--json").json
    lags = {each["partition"]: each["lag"] for each in status["partitions"] if each["topic"] == topic}
    assert (lags, status["lag"]) == ({0: None, 1: 2, 2: 0, 3: 0}, 2)


def _problems(cluster: Cluster) -> list[str]:
    return [fact.problem for fact in cluster.announced if isinstance(fact, facts.ClaimPostponed)]
