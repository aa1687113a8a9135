"""What is said of topics on a real broker, and what creating them makes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public by documentation

from foldline.errors import LogError
from foldline.kafka.topics import TopicReport, check_topics, create_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from foldline.kafka.properties import Property

REFUSES = "127.0.0.1:1"


@pytest.fixture
def properties(bootstrap_servers: str) -> dict[str, Property]:
    return {"bootstrap.servers": bootstrap_servers}


def _create(properties: dict[str, Property], name: str, **config: str) -> None:
    admin = AdminClient(dict(properties))
    topic = NewTopic(name, 2, config={key.replace("_", "."): value for key, value in config.items()})
    for created in admin.create_topics([topic]).values():
        created.result()
    while name not in admin.list_topics(timeout=10).topics:  # created is not yet served
        admin.poll(0.1)


def test_a_missing_topic_is_reported_with_its_remedy_and_stays_missing(
    properties: dict[str, Property], topic_name: Callable[[], str]
) -> None:
    name = topic_name()
    for _ in range(2):
        (report,) = check_topics(properties, incoming=[name], outgoing=[])
        assert report == TopicReport(
            name, "in", exists=False, problem="does not exist", remedy="foldline topics create creates it."
        )


def test_created_topics_are_as_they_should_be(properties: dict[str, Property], topic_name: Callable[[], str]) -> None:
    first, second, out = topic_name(), topic_name(), topic_name()
    created = create_topics(properties, incoming=[first, second], outgoing=[out])
    as_it_should_be = TopicReport(
        first, "in", exists=True, partitions=4, retention_ms=-1, cleanup_policy="delete", created=True
    )
    assert created == (
        as_it_should_be,
        replace(as_it_should_be, name=second),
        replace(as_it_should_be, name=out, direction="out"),
    )
    checked = check_topics(properties, incoming=[first, second], outgoing=[out])
    assert [(report.name, report.problem, report.created) for report in checked] == [
        (first, "", False),
        (second, "", False),
        (out, "", False),
    ]


def test_partitions_retention_and_replication_are_as_told(
    properties: dict[str, Property], topic_name: Callable[[], str]
) -> None:
    name = topic_name()
    (report,) = create_topics(
        properties, incoming=[name], outgoing=[], partitions=7, retention_ms=172_800_000, replication_factor=1
    )
    assert (report.partitions, report.retention_ms, report.created) == (7, 172_800_000, True)
    assert report.problem == "records expire after 2 days: a rebuild cannot fold them"


def test_an_existing_topic_is_left_alone_and_reported(
    properties: dict[str, Property], topic_name: Callable[[], str]
) -> None:
    old, new = topic_name(), topic_name()
    _create(properties, old, retention_ms="3600000")
    reports = create_topics(properties, incoming=[new], outgoing=[old])
    assert [(report.name, report.created, report.partitions) for report in reports] == [(new, True, 4), (old, False, 2)]
    again = create_topics(properties, incoming=[new], outgoing=[old], partitions=9)
    assert [(report.created, report.partitions) for report in again] == [(False, 4), (False, 2)]
    assert again[1].retention_ms == 3_600_000


FAULTS = {
    "compaction": ({"cleanup_policy": "compact", "retention_ms": "-1"}, "compaction removes", "cleanup.policy=delete"),
    "compaction too": (
        {"cleanup_policy": "compact,delete", "retention_ms": "-1"},
        "compaction removes",
        "cleanup.policy=delete",
    ),
    "the broker's default retention": ({}, "records expire after 7 days", "retention.ms=-1"),
    "an hour": ({"retention_ms": "3600000"}, "records expire after 3600 s", "retention.ms=-1"),
    "a size": (
        {"retention_ms": "-1", "retention_bytes": "1048576"},
        "records expire beyond 1,048,576 bytes",
        "retention.bytes=-1",
    ),
}


@pytest.mark.parametrize(("config", "problem", "remedy"), FAULTS.values(), ids=FAULTS)
def test_what_loses_records_is_a_problem_with_a_remedy(
    properties: dict[str, Property], topic_name: Callable[[], str], config: dict[str, str], problem: str, remedy: str
) -> None:
    name = topic_name()
    _create(properties, name, **config)
    (incoming,) = check_topics(properties, incoming=[name], outgoing=[])
    (outgoing,) = check_topics(properties, incoming=[], outgoing=[name])
    for report in (incoming, outgoing):
        assert report.exists
        assert report.problem.startswith(problem)
        assert remedy in report.remedy
    assert incoming.problem.endswith("a rebuild cannot fold them")
    assert outgoing.problem.endswith("a reader that comes later misses them")


def test_no_expiry_is_no_problem(properties: dict[str, Property], topic_name: Callable[[], str]) -> None:
    name = topic_name()
    _create(properties, name, retention_ms="-1")
    (report,) = check_topics(properties, incoming=[name], outgoing=[])
    assert (report.problem, report.remedy) == ("", "")


def test_nothing_asked_is_nothing_reported(properties: dict[str, Property]) -> None:
    assert check_topics(properties, incoming=[], outgoing=[]) == ()
    assert create_topics(properties, incoming=[], outgoing=[]) == ()


def test_a_topic_that_the_broker_refuses_is_named(
    properties: dict[str, Property], topic_name: Callable[[], str]
) -> None:
    name = f"{topic_name()} with a space"
    with pytest.raises(LogError) as refused:
        create_topics(properties, incoming=[name], outgoing=[])
    assert name in refused.value.problem


def test_more_replicas_than_brokers_are_refused_in_one_line(
    properties: dict[str, Property], topic_name: Callable[[], str]
) -> None:
    with pytest.raises(LogError, match=r"refused to create the topic .*[Rr]eplication") as refused:
        create_topics(properties, incoming=[topic_name()], outgoing=[], replication_factor=99)
    assert "\n" not in str(refused.value)


def test_properties_of_a_consumer_do_no_harm(properties: dict[str, Property], topic_name: Callable[[], str]) -> None:
    consumer = {**properties, "session.timeout.ms": 6_000, "fetch.min.bytes": 1}
    assert len(check_topics(consumer, incoming=[topic_name()], outgoing=[])) == 1


def test_a_broker_that_is_away_is_one_clear_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LogError) as refused:
        check_topics({"bootstrap.servers": REFUSES}, incoming=["t"], outgoing=[], patience=0.5)
    assert refused.value.problem.startswith(f"Kafka at {REFUSES} cannot be reached (")
    assert "Connection refused" in refused.value.problem
    assert "KAFKA_BOOTSTRAP_SERVERS" in refused.value.remedy
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""
