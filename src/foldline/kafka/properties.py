"""librdkafka properties: the user's, ours beneath them, and those that the guarantees rest on above."""

from __future__ import annotations

from collections.abc import Mapping

Property = str | int | bool
Properties = Mapping[str, Property]

_OF_CONSUMER: Properties = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
}
_BENEATH_CONSUMER: Properties = {
    "check.crcs": True,
    "fetch.wait.max.ms": 50,
    "queued.max.messages.kbytes": 65536,
    "topic.metadata.refresh.interval.ms": 10_000,  # how late a member hears of topics and partitions that come and go
}
_BENEATH_REREADING: Properties = {
    # The client asks for more while that much waits; at its default it would pause for a second whenever it has enough.
    "fetch.queue.backoff.ms": 2,
    "max.partition.fetch.bytes": 1_048_576,
    "queued.max.messages.kbytes": 4_096,
    "queued.min.messages": 20_000,
}
_NO_GROUP = "foldline.none"
_STATISTICS: Properties = {"statistics.interval.ms": 1_000}  # see statistics.py
_COOPERATIVE: Properties = {"partition.assignment.strategy": "cooperative-sticky"}
_OF_BROKER: Mapping[str, str] = {
    "session.timeout.ms": "Unset it; the broker has group.consumer.session.timeout.ms for it.",
    "heartbeat.interval.ms": "Unset it; the broker has group.consumer.heartbeat.interval.ms for it.",
    "partition.assignment.strategy": "Unset it; the broker assigns, by group.remote.assignor if that is set.",
    "group.protocol.type": "Unset it.",
}

BATCH = 16_384
"""Bytes of a producer's batch, as in the Java client: what any topic takes."""

_BENEATH_PRODUCER: Properties = {
    "compression.type": "lz4",
    "linger.ms": 5,
    "message.timeout.ms": 120_000,  # the Java client's delivery.timeout.ms
    "message.max.bytes": 100_000_000,  # the broker judges the size; beyond this it would drop the connection
    "queue.buffering.max.kbytes": 131_072,  # must hold the largest record
    "batch.size": BATCH,
}
_OF_PRODUCER: Properties = {
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    # With more, librdkafka reports what a broker that had just begun to lead refused as delivered ("implicitly acked")
    # when the batch behind it got through: a broker that knows nothing of a producer takes any sequence for its first.
    "max.in.flight.requests.per.connection": 1,
    "acks": "all",
    "partitioner": "murmur2_random",  # where the Java client puts a key
    "allow.auto.create.topics": False,
}
_CLIENT_PREFIXES = (
    "bootstrap.",
    "client.",
    "security.",
    "sasl.",
    "ssl.",
    "enable.ssl.",
    "socket.",
    "broker.",
    "reconnect.",
    "metadata.",
    "log",
    "https.",
    "enable.sasl.",
)


def broker_assigns(properties: Properties) -> bool:
    """Whether the group's protocol is that of KIP-848, in which the broker assigns and times out."""
    return str(properties.get("group.protocol", "")).lower() == "consumer"  # librdkafka takes any case, too


def left_to_broker(properties: Properties) -> dict[str, str]:
    """Those that this group protocol leaves to the broker, so that librdkafka refuses them, with what to do instead."""
    return {name: remedy for name, remedy in _OF_BROKER.items() if name in properties and broker_assigns(properties)}


def consumer_properties(properties: Properties, group_id: str) -> dict[str, Property]:
    """What the consumer of a worker is made with."""
    of_protocol = _STATISTICS if broker_assigns(properties) else {}
    protocol = {} if broker_assigns(properties) else _COOPERATIVE
    return {**_BENEATH_CONSUMER, **of_protocol, **properties, **protocol, **_OF_CONSUMER, "group.id": group_id}


def rereading_properties(properties: Properties, *, committed: bool = True) -> dict[str, Property]:
    """What a consumer is made with that joins no group: it is told what to read, and commits nothing."""
    wanted = {name: value for name, value in properties.items() if not name.startswith("group.")}
    ours = _OF_CONSUMER if committed else {**_OF_CONSUMER, "isolation.level": "read_uncommitted"}
    return {**_BENEATH_CONSUMER, **_BENEATH_REREADING, **wanted, **ours, "group.id": _NO_GROUP}


def producer_properties(properties: Properties) -> dict[str, Property]:
    """What the producer of `publish` is made with."""
    wanted = {
        name: setting for name, setting in {**_BENEATH_PRODUCER, **properties}.items() if name not in _OF_PRODUCER
    }
    return {**wanted, **_OF_PRODUCER}  # ours last, for some have a second name: the last counts


def client_properties(properties: Properties) -> dict[str, Property]:
    """What every client needs: where the brokers are and how to talk to them."""
    return {name: value for name, value in properties.items() if name.startswith(_CLIENT_PREFIXES)}
