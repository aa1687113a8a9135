"""Workers in one group, by either of Kafka's two protocols: sharing, handing over, taking over, and mistakes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from clusters import Cluster
from foldline import facts
from foldline.core.batch import Partition
from foldline.errors import GroupError
from foldline.kafka.source import KafkaSource
from foldline.ports import Listener
from growing import Log
from harness import rows
from members import PROTOCOLS, Join, Member, membership, short_sessions

_INSTANCE = "group.instance.id"
_DUEL_SECONDS = 2.0
_BLOCKED = """
SELECT count(*) FROM pg_stat_activity, pg_sleep(0.02)
WHERE datname = current_database() AND application_name LIKE 'foldline worker%%' AND wait_event_type = 'Lock'
"""


@pytest.fixture
def join() -> Iterator[Join]:
    with membership() as joining:
        yield joining


@pytest.fixture(params=PROTOCOLS)
def kafka(request: pytest.FixtureRequest, cluster: Cluster) -> dict[str, str]:
    """The properties of members whose sessions are short, in either protocol."""
    return short_sessions(cluster, request.param)


@pytest.fixture
def log(cluster: Cluster) -> Log:
    return Log(cluster)


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_leaves(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    stays = join(cluster, kafka=kafka)
    stays.wait_to_hold(8)
    log.grow()
    stays.wait_until(log.passed)
    leaves = join(cluster, kafka=kafka)
    leaves.wait_to_hold(4)
    stays.wait_to_hold(4)
    log.grow()
    stays.wait_until(log.passed)
    leaves.leave()
    stays.wait_to_hold(8)
    log.grow()
    stays.wait_until(log.passed)
    stays.leave()
    log.check()
    assert _committed(cluster) == log.written


def test_a_static_member_that_comes_back_in_time_gets_its_partitions_and_nobody_else_notices(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    kafka = kafka | ({"session.timeout.ms": "10000"} if "session.timeout.ms" in kafka else {})
    stays = join(cluster, kafka=kafka | {_INSTANCE: "stays"})
    stays.wait_to_hold(8)
    restarted = join(cluster, kafka=kafka | {_INSTANCE: "restarted"})
    restarted.wait_to_hold(4)
    stays.wait_to_hold(4)
    noticed = len(stays.heard)
    restarted.leave()
    assert _members(cluster) == 2
    log.grow()
    again = join(cluster, kafka=kafka | {_INSTANCE: "restarted"})
    again.wait_to_hold(4)
    again.wait_until(log.passed)
    log.check()
    assert _claimed(again) == _claimed(restarted)
    assert {type(fact) for fact in stays.heard[noticed:]} <= {facts.BatchApplied, facts.LineTurned}


def test_of_two_workers_with_one_instance_id_one_ends_and_says_why(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    kafka = kafka | {_INSTANCE: "same"}
    first = join(cluster, kafka=kafka)
    first.wait_to_hold(8)
    log.grow()
    second = join(cluster, kafka=kafka)
    ends, goes_on = (second, first) if "group.protocol" in kafka else (first, second)
    said = ends.end()
    assert isinstance(said, GroupError)
    assert "FOLDLINE_KAFKA__GROUP_INSTANCE_ID, 'same'" in said.problem
    assert said.remedy.startswith("Give every worker an instance id of its own")
    (failed,) = ends.all(facts.WorkerFailed)
    assert isinstance(failed, facts.WorkerFailed)
    assert (failed.problem, failed.remedy, ends.all(facts.WorkerStopped)) == (said.problem, said.remedy, [])
    goes_on.wait_to_hold(8)
    log.grow()
    goes_on.wait_until(log.passed)
    log.check()


def test_workers_that_join_and_leave_in_quick_succession_lose_and_double_nothing(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    stays = join(cluster, kafka=kafka, batch_size=1)
    stays.wait_for(facts.PartitionClaimed)
    for _ in range(3):
        passing = join(cluster, kafka=kafka, batch_size=1)
        log.grow(5)
        passing.wait_for(facts.PartitionClaimed)
        log.grow(5)
        passing.leave()
    stays.wait_to_hold(8)
    stays.wait_until(log.passed)
    log.check()


def test_a_batch_that_is_in_flight_when_its_partition_is_taken_is_committed_before_the_other_goes_on(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    first = join(cluster, kafka=kafka)
    first.wait_to_hold(8)
    with psycopg.connect(cluster.database_url) as blocker:
        _block(blocker, log)
        second = join(cluster, kafka=kafka)
        second.wait_for(facts.WorkerStarted)
        _wait_for_members(cluster, 2)
    second.wait_to_hold(4)
    second.wait_until(log.passed)
    log.check()
    assert not first.all(facts.PartitionFenced)


def test_a_worker_that_was_stuck_for_too_long_says_so_joins_again_and_goes_on(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    member = join(cluster, kafka=kafka | {"max.poll.interval.ms": "2000"})
    member.wait_to_hold(8)
    with psycopg.connect(cluster.database_url) as blocker:
        _block(blocker, log)
        _wait_for_members(cluster, 0)
    member.wait_until(log.passed)
    member.wait_to_hold(8)
    log.grow()
    member.wait_until(log.passed)
    log.check()
    assert any("maximum poll interval" in str(fact) for fact in member.all(facts.BrokerTrouble))


def test_of_two_groups_on_one_database_the_one_that_was_there_names_the_other_and_stops(
    cluster: Cluster, log: Log, join: Join, kafka: dict[str, str]
) -> None:
    ours = join(cluster, kafka=kafka)
    ours.wait_to_hold(8)
    other = join(cluster, group_id=f"{cluster.topics.transitions}.other")
    other.wait_to_hold(8)
    log.grow()
    other.wait_until(log.passed)
    ours.wait_for(facts.PartitionStopped, 4)
    log.grow()
    other.wait_until(log.passed)
    log.check()
    stopped = ours.all(facts.PartitionStopped)
    assert len(stopped) == 4
    assert all(f"group '{cluster.topics.transitions}.other'" in str(fact) for fact in stopped)
    assert len(ours.all(facts.PartitionClaimed)) == len(other.all(facts.PartitionClaimed)) == 8


def test_members_of_both_protocols_share_one_group(cluster: Cluster, log: Log, join: Join) -> None:
    classic = join(cluster, kafka=short_sessions(cluster, "classic"))
    classic.wait_to_hold(8)
    consumer = join(cluster, kafka=short_sessions(cluster, "consumer"))
    consumer.wait_to_hold(4)
    classic.wait_to_hold(4)
    log.grow()
    classic.wait_until(log.passed)
    classic.leave()
    consumer.wait_to_hold(8)
    log.grow()
    consumer.wait_until(log.passed)
    log.check()


class _SelfAssigned(KafkaSource):
    """A source that asks no group: it takes every partition, as somebody who calls `assign` would."""

    def listen(self, listener: Listener) -> None:
        self._listener = listener
        listener.assigned([Partition(topic, number) for topic in self._topics for number in range(4)])


@pytest.fixture
def interlope(join: Join) -> Join:
    """Lets a worker claim every partition without being a member of the group that it names."""

    def joining(cluster: Cluster, **changes: object) -> Member:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("foldline.app.KafkaSource", _SelfAssigned)
            interloper = join(cluster, **changes)
            interloper.wait_to_hold(8)
        return interloper

    return joining


def test_a_worker_that_assigned_itself_loses_against_the_member_and_claims_no_more(
    cluster: Cluster, log: Log, join: Join, interlope: Join, kafka: dict[str, str]
) -> None:
    member = join(cluster, kafka=kafka)
    member.wait_to_hold(8)
    interloper = interlope(cluster)
    log.grow()
    member.wait_for(facts.PartitionClaimed, 12)
    log.grow()
    member.wait_until(log.passed)
    interloper.wait_for(facts.PartitionFenced, 4)
    refused = "The group does not confirm us"
    interloper.wait_until(lambda: len([fact for fact in interloper.heard if refused in str(fact)]) >= 8, "refusals")
    log.check()
    assert len(interloper.all(facts.PartitionClaimed)) == 8
    assert len(member.all(facts.PartitionClaimed)) == 12
    assert not member.all(facts.PartitionStopped)


def test_what_an_interloper_claimed_before_it_died_is_claimed_back_by_the_member(
    cluster: Cluster, log: Log, join: Join, interlope: Join, kafka: dict[str, str]
) -> None:
    member = join(cluster, kafka=kafka)
    member.wait_to_hold(8)
    interlope(cluster).leave()
    log.grow()
    member.wait_until(log.passed)
    log.check()
    assert len(member.all(facts.PartitionFenced)) == 4
    assert len(member.all(facts.PartitionClaimed)) == 12


def test_two_workers_that_assigned_themselves_double_nothing(cluster: Cluster, log: Log, interlope: Join) -> None:
    duellists = [interlope(cluster), interlope(cluster)]
    until = time.monotonic() + _DUEL_SECONDS
    while time.monotonic() < until:
        log.grow(1)
    duellists[0].wait_until(log.passed)
    log.check()
    assert all(each.all(facts.PartitionFenced) for each in duellists)


def _block(blocker: psycopg.Connection, log: Log) -> None:
    """Let the log grow, and return once a worker waits in its transaction until the blocker commits."""
    blocker.execute("LOCK TABLE fsm_state IN SHARE MODE")
    log.grow()
    for _ in range(3000):
        if rows(log.cluster.database_url, _BLOCKED) != [(0,)]:
            return
    raise AssertionError("no worker came to wait for the lock")


def _members(cluster: Cluster) -> int:
    """How many members the group has, by the broker."""
    admin, group_id = AdminClient({"bootstrap.servers": cluster.bootstrap_servers}), cluster.topics.transitions
    return len(admin.describe_consumer_groups([group_id])[group_id].result().members)


def _wait_for_members(cluster: Cluster, count: int) -> None:
    deadline = time.monotonic() + 60
    while _members(cluster) != count:
        assert time.monotonic() < deadline, f"there never were {count} members"


def _committed(cluster: Cluster) -> int:
    """How many records of the transition topic the group believes to be passed."""
    topic = cluster.topics.transitions
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": topic})
    try:
        asked = [TopicPartition(topic, number) for number in range(4)]
        return sum(each.offset for each in consumer.committed(asked, timeout=30))
    finally:
        consumer.close()


def _claimed(member: Member) -> set[str]:
    return {fact.partition for fact in member.heard if isinstance(fact, facts.PartitionClaimed)}
