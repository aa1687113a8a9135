"""librdkafka properties: the user's, ours beneath them, and those that the guarantees rest on above."""

from __future__ import annotations

from collections.abc import Mapping

Property = str | int | bool
Properties = Mapping[str, Property]

_GUARANTEES: Properties = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
}
_BENEATH: Properties = {"check.crcs": True, "fetch.wait.max.ms": 50, "queued.max.messages.kbytes": 65536}
_COOPERATIVE: Properties = {"partition.assignment.strategy": "cooperative-sticky"}
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


def consumer_properties(properties: Properties, group_id: str) -> dict[str, Property]:
    """What the consumer of a worker is made with."""
    protocol = {} if properties.get("group.protocol") == "consumer" else _COOPERATIVE
    return {**_BENEATH, **properties, **protocol, **_GUARANTEES, "group.id": group_id}


def client_properties(properties: Properties) -> dict[str, Property]:
    """What every client needs: where the brokers are and how to talk to them."""
    return {name: value for name, value in properties.items() if name.startswith(_CLIENT_PREFIXES)}
