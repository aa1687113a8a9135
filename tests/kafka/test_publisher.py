"""Publishing to a real broker: what arrives, where, and what is said when something does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from clusters import read_topic
from foldline.errors import LogError, PublishError, SettingError
from foldline.example import example_log
from foldline.kafka.properties import Property
from foldline.kafka.publisher import Place, Publisher, Routed, routes
from foldline.kafka.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterable

JAVA_MURMUR2 = {
    b"21": -973_932_308,
    b"foobar": -790_332_482,
    b"a-little-bit-long-string": -985_981_536,
    b"a-little-bit-longer-string": -1_486_304_829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58_897_971,
}
PARTITIONS = 13
REFUSES = "127.0.0.1:1"


@pytest.fixture
def properties(bootstrap_servers: str) -> dict[str, Property]:
    return {"bootstrap.servers": bootstrap_servers}


@pytest.fixture
def new_topic(properties: dict[str, Property], topic_name: Callable[[], str]) -> Callable[..., str]:
    def create(partitions: int = 1, **config: str) -> str:
        name = topic_name()
        topic = NewTopic(name, partitions, config={key.replace("_", "."): value for key, value in config.items()})
        admin = AdminClient(dict(properties))
        for created in admin.create_topics([topic]).values():
            created.result()
        return name

    return create


def _values(servers: str, topic: str) -> list[bytes | None]:
    return [record.value() for record in read_topic(servers, topic)]


def _noise(length: int) -> bytes:
    """Bytes that do not compress."""
    return hashlib.shake_128(b"noise").digest(length)


def _murmur2(key: bytes) -> int:
    """org.apache.kafka.common.utils.Utils.murmur2, as a signed 32-bit integer."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(key)
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


@pytest.mark.parametrize(("key", "digest"), JAVA_MURMUR2.items())
def test_the_reference_of_these_tests_is_java_s_murmur2(key: bytes, digest: int) -> None:
    assert _murmur2(key) == digest


def test_a_key_goes_to_the_partition_that_the_java_client_would_choose(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic(PARTITIONS)
    keys = [*JAVA_MURMUR2, *(f"doc-{number:04d}".encode() for number in range(200)), "Straße 1".encode()]
    with Publisher(properties) as publisher:
        publisher.publish(Routed(topic, key, b"{}") for key in keys)
    found = {record.key(): record.partition() for record in read_topic(bootstrap_servers, topic)}
    assert found == {key: (_murmur2(key) & 0x7FFFFFFF) % PARTITIONS for key in keys}
    assert {found[key] for key in JAVA_MURMUR2} == {(h & 0x7FFFFFFF) % PARTITIONS for h in JAVA_MURMUR2.values()}


def test_records_without_a_key_are_spread(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic(2)
    with Publisher({**properties, "sticky.partitioning.linger.ms": 0}) as publisher:
        publisher.publish(Routed(topic, None, b"%d" % number) for number in range(100))
    records = read_topic(bootstrap_servers, topic)
    assert {record.partition() for record in records} == {0, 1}
    assert {record.key() for record in records} == {None}


def test_a_record_arrives_byte_for_byte_with_its_headers(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    value = bytes(range(256)) + b"\xef\xbb\xbf\r"
    headers = (("foldline-redrive", b"1"), ("twice", b"\xff"), ("twice", b""))
    with Publisher(properties) as publisher:
        assert publisher.publish([Routed(topic, b"\x00key", value, headers), Routed(topic, None, b"")]) == 2
    first, second = read_topic(bootstrap_servers, topic)
    assert (first.key(), first.value(), first.headers()) == (b"\x00key", value, list(headers))
    assert (second.key(), second.value(), second.headers()) == (None, b"", None)


def test_a_record_goes_to_the_partition_that_it_names_as_it_is_and_is_told_where_it_lies(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic(3)
    tombstone = Routed(topic, b"foobar", None, (("null", None), ("empty", b"")), partition=2)
    told: list[tuple[Routed, Place]] = []
    sent = [tombstone, Routed(topic, b"foobar", b"1", partition=1), Routed(topic, b"foobar", b"2", partition=2)]
    with Publisher(properties) as publisher:
        assert publisher.publish(sent, lambda *each: told.append(each)) == 3
    lie = {(record.partition(), record.offset()): record for record in read_topic(bootstrap_servers, topic)}
    assert {place.partition.number for _, place in told} == {1, 2}
    for record, place in told:
        assert place.partition.topic == topic
        found = lie.pop((place.partition.number, place.offset))
        assert (found.key(), found.value()) == (record.key, record.value)
        assert (found.partition(), found.headers()) == (record.partition, list(record.headers) or None)
    assert lie == {}


def test_what_arrived_before_a_failure_is_told(properties: dict[str, Property], new_topic: Callable[..., str]) -> None:
    topic = new_topic()
    told: list[Routed] = []
    sent = [Routed(topic, None, b"1", partition=0, letter=5), Routed(topic, None, b"2", partition=7, letter=6)]
    with Publisher(properties) as publisher, pytest.raises(PublishError, match=r"Dead letter 6 was not .*; 1 sent"):
        publisher.publish(sent, lambda record, _place: told.append(record))
    assert told == sent[:1]


def test_the_example_log_arrives_whole_and_each_key_in_order(
    bootstrap_servers: str, properties: dict[str, Property], topic_name: Callable[[], str]
) -> None:
    transitions, workflows = topic_name(), topic_name()
    create_topics(properties, incoming=[transitions, workflows], outgoing=[])
    log = example_log(entities=140)
    lines = [planted.line for planted in log.records]
    with Publisher(properties) as publisher:
        routed = routes(enumerate(lines, 1), transition_topic=transitions, workflow_topic=workflows, raw=False)
        assert publisher.publish(routed) == len(lines)
    for topic, name, planted in (
        (transitions, "entity_id", list(log.transitions)),
        (workflows, "workflow_id", list(log.workflow_events)),
    ):
        wanted: dict[bytes, list[bytes]] = {}
        for event in planted:
            wanted.setdefault(str(event.event[name]).encode(), []).append(event.line)
        found: dict[bytes | None, list[bytes | None]] = {}
        for record in read_topic(bootstrap_servers, topic):
            key = record.key()
            assert isinstance(key, bytes)
            found.setdefault(key, []).append(record.value())
        assert found == wanted


def test_a_full_queue_is_waited_for(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    with Publisher({**properties, "queue.buffering.max.messages": 10}) as publisher:
        assert publisher.publish(Routed(topic, b"k", b"%d" % number) for number in range(2_000)) == 2_000
    assert _values(bootstrap_servers, topic) == [b"%d" % number for number in range(2_000)]


def test_one_publisher_publishes_more_than_once(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    with Publisher(properties) as publisher:
        assert publisher.publish([]) == 0
        assert publisher.publish([Routed(topic, None, b"1")]) == 1
        assert publisher.publish([Routed(topic, None, b"2"), Routed(topic, None, b"3")]) == 2
    assert _values(bootstrap_servers, topic) == [b"1", b"2", b"3"]


def test_a_line_that_is_no_event_ends_it_after_those_before_have_arrived(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    lines = [planted.line for planted in example_log(entities=20).transitions][:30]
    numbered = [*enumerate(lines, 1), (31, b'{"fsm_type":"INGESTION"}'), (32, lines[0])]
    with Publisher(properties) as publisher, pytest.raises(PublishError) as refused:
        publisher.publish(routes(numbered, transition_topic=topic, workflow_topic=topic, raw=False))
    assert refused.value.problem == "Line 31: no event: correlation_id: required; 30 sent."
    assert "--raw" in refused.value.remedy
    assert _values(bootstrap_servers, topic) == lines


@pytest.mark.parametrize("position", [0, 500, 19_999])
def test_a_record_that_is_too_large_is_named_and_leaves_no_gap(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str], position: int
) -> None:
    topic = new_topic(max_message_bytes="100000")
    values = [b"%d" % number for number in range(20_000)]
    values[position] = _noise(150_000)
    records = (Routed(topic, b"k", value, line=number) for number, value in enumerate(values, 1))
    with Publisher(properties) as publisher, pytest.raises(PublishError) as refused:
        publisher.publish(records)
    arrived = _values(bootstrap_servers, topic)
    assert arrived == values[:position]
    assert refused.value.problem == (
        f"Line {position + 1} has 150,000 bytes, more than topic {topic} takes; {position:,} sent."
    )
    assert "max.message.bytes" in refused.value.remedy


def test_a_batch_that_fails_leaves_no_gap_and_the_record_to_blame_is_named(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic(max_message_bytes="12000")
    values = [b"%d" % number + b" " * 200 for number in range(20_000)]
    values[5_000] = _noise(14_000)
    records = (Routed(topic, b"k", value, line=number) for number, value in enumerate(values[1:], 2))
    with Publisher(properties) as publisher:
        publisher.publish([Routed(topic, b"k", values[0], line=1)])
        with pytest.raises(PublishError) as refused:
            publisher.publish(records)
    arrived = _values(bootstrap_servers, topic)
    assert arrived == values[: len(arrived)]
    assert refused.value.problem == (
        f"Line 5001 has 14,000 bytes, more than topic {topic} takes; {len(arrived) - 1:,} sent."
    )


def test_a_record_beyond_the_broker_s_default_lets_all_before_it_arrive(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic(4)
    small = [Routed(topic, b"%d" % number, b"{}", line=number) for number in range(1, 1_001)]
    large = Routed(topic, b"k", _noise(1_200_000), line=1_001)
    with Publisher(properties) as publisher, pytest.raises(PublishError, match=r"^Line 1001 .* 1,000 sent\."):
        publisher.publish([*small, large, *small])
    assert len(_values(bootstrap_servers, topic)) == len(small)


def test_a_record_that_compresses_below_the_limit_arrives(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    values = [b"1", b" " * 1_500_000, b"2"]
    with Publisher(properties) as publisher:
        assert publisher.publish(Routed(topic, None, value) for value in values) == 3
    assert _values(bootstrap_servers, topic) == values


def test_a_record_that_no_broker_takes_is_refused_at_once(
    properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    with Publisher(properties) as publisher, pytest.raises(PublishError, match=r"^A record has .* 1 sent\."):
        publisher.publish([Routed(topic, None, b"1"), Routed(topic, None, bytes(100_000_001))])


def test_a_missing_topic_is_not_created_but_named(
    properties: dict[str, Property], new_topic: Callable[..., str], topic_name: Callable[[], str]
) -> None:
    present, missing = new_topic(), topic_name()
    with Publisher(properties) as publisher, pytest.raises(PublishError) as refused:
        publisher.publish([Routed(present, None, b"1"), Routed(missing, None, b"2")])
    assert missing in refused.value.problem
    assert refused.value.problem.endswith("; 1 sent.")
    assert "foldline topics create" in refused.value.remedy
    assert missing not in AdminClient(dict(properties)).list_topics(timeout=10).topics


def test_a_broker_that_is_away_is_one_clear_line(capfd: pytest.CaptureFixture[str]) -> None:
    with Publisher({"bootstrap.servers": REFUSES}, patience=0.5) as publisher, pytest.raises(LogError) as refused:
        publisher.publish([Routed("t", None, b"1")])
    assert refused.value.problem.startswith(f"Kafka at {REFUSES} cannot be reached (")
    assert refused.value.problem.endswith("0 sent.")
    assert "KAFKA_BOOTSTRAP_SERVERS" in refused.value.remedy
    assert capfd.readouterr().err == ""


def test_a_property_that_librdkafka_does_not_know_is_named() -> None:
    with pytest.raises(SettingError, match=r"no\.such\.property"):
        Publisher({"bootstrap.servers": REFUSES, "no.such.property": "1"})


def test_the_guarantees_cannot_be_configured_away(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic(PARTITIONS)
    weaker = {
        "request.required.acks": "1",
        "acks": "0",
        "enable.idempotence": "false",
        "partitioner": "random",
    }
    with Publisher({**properties, **weaker}) as publisher:
        publisher.publish(Routed(topic, key, b"") for key in JAVA_MURMUR2)
    found = {record.key(): record.partition() for record in read_topic(bootstrap_servers, topic)}
    assert found == {key: (h & 0x7FFFFFFF) % PARTITIONS for key, h in JAVA_MURMUR2.items()}


def test_an_interruption_leaves_promptly_and_sends_nothing_more(
    bootstrap_servers: str, properties: dict[str, Property], new_topic: Callable[..., str]
) -> None:
    topic = new_topic()

    def interrupted() -> Iterable[Routed]:
        yield from (Routed(topic, b"k", b"%d" % number) for number in range(1_000))
        raise KeyboardInterrupt

    publisher = Publisher({**properties, "linger.ms": 60_000})
    with pytest.raises(KeyboardInterrupt), publisher:
        publisher.publish(interrupted())
    numbers = [int(value or b"") for value in _values(bootstrap_servers, topic)]
    assert all(after == before + 1 for before, after in pairwise(numbers))
