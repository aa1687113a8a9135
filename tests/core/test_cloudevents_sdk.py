"""What the CloudEvents project's own Python library writes to Kafka, by its old and its new interface, decodes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import kafka as old_kafka
from cloudevents.v1.http import CloudEvent as OldCloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from envelopes import decode
from foldline.core.events import Headers, Undecodable
from harness import transition, workflow

Written = tuple[bytes, Headers]

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DATA = st.fixed_dictionaries(
    {"fsm_type": TEXTS, "entity_id": TEXTS, "action": TEXTS, "workflow_id": TEXTS, "kind": st.just("PAUSED")},
    optional={"metadata": st.dictionaries(TEXTS, JSON, max_size=3), "input_payload": JSON, "success": st.booleans(),
              "lease": st.fixed_dictionaries({"lease_id": TEXTS, "lease_epoch": st.integers(0, 2**63 - 1)})},
)  # fmt: skip
ATTRIBUTES = st.fixed_dictionaries(
    {"type": st.just("org.example.moved"), "source": TEXTS, "id": TEXTS, "correlationid": TEXTS,
     "time": st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1),  # noqa: DTZ001 - a zone is drawn beside them
                          timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]))},
    optional={"subject": TEXTS, "partitionkey": TEXTS, "datacontenttype": st.just("application/json"),
              "specversion": st.just("1.0")},
)  # fmt: skip


def _new(message: kafka.KafkaMessage) -> Written:
    return message.value, tuple(message.headers.items())


def structured(attributes: dict[str, Any], data: dict[str, Any]) -> Written:
    return _new(kafka.to_structured_event(CloudEvent(attributes, data)))


def structured_bytes(attributes: dict[str, Any], data: dict[str, Any]) -> Written:
    return _new(kafka.to_structured(CloudEvent(attributes, json.dumps(data).encode()), JSONFormat()))


def binary(attributes: dict[str, Any], data: dict[str, Any]) -> Written:
    return _new(kafka.to_binary_event(CloudEvent(attributes, data)))


def _old_event(attributes: dict[str, Any], data: dict[str, Any]) -> OldCloudEvent:
    moment: datetime = attributes["time"]
    return OldCloudEvent({"datacontenttype": "application/json"} | attributes | {"time": moment.isoformat()}, data)


def old_structured(attributes: dict[str, Any], data: dict[str, Any]) -> Written:
    """The content type that it writes is the one of the data: only the specversion tells."""
    message = old_kafka.to_structured(_old_event(attributes, data))
    assert message.headers == {"content-type": b"application/json"}
    assert isinstance(message.value, bytes)
    return message.value, tuple(message.headers.items())


def old_structured_bytes(attributes: dict[str, Any], data: dict[str, Any]) -> Written:
    message = old_kafka.to_structured(
        _old_event(attributes, data), data_marshaller=lambda content: json.dumps(content).encode()
    )
    assert isinstance(message.value, bytes)
    return message.value, tuple(message.headers.items())


def old_binary(attributes: dict[str, Any], data: dict[str, Any]) -> Written:
    message = old_kafka.to_binary(_old_event(attributes, data))
    assert isinstance(message.value, bytes)
    return message.value, tuple(message.headers.items())


WRITERS = [structured, structured_bytes, binary, old_structured, old_structured_bytes, old_binary]


@pytest.mark.parametrize("write", WRITERS)
@settings(deadline=None, max_examples=60)
@given(attributes=ATTRIBUTES, data=DATA)
def test_what_it_writes_is_the_plain_event(
    write: Callable[[dict[str, Any], dict[str, Any]], Written], attributes: dict[str, Any], data: dict[str, Any]
) -> None:
    plain = data | {
        "event_id": attributes["id"],
        "occurred_at": attributes["time"].isoformat(),
        "correlation_id": attributes["correlationid"],
    }
    expected = decode(json.dumps(plain).encode())
    assert not any(isinstance(verdict, Undecodable) for verdict in expected)
    assert decode(*write(dict(attributes), data)) == expected


@pytest.mark.parametrize("write", [structured, binary])
def test_what_it_writes_without_data_is_undecodable(write: Callable[[dict[str, Any], Any], Written]) -> None:
    attributes = {"type": "t", "source": "/s", "id": "1", "time": datetime(2026, 1, 31, tzinfo=UTC)}
    for verdict in decode(*write(attributes, None)):
        assert isinstance(verdict, Undecodable)


def test_it_reads_the_plain_event_wrapped_by_hand_as_the_same() -> None:
    """The names that foldline reads are the ones that the library knows."""
    data = transition("FAIL") | workflow("PAUSED")
    attributes = {"specversion": "1.0", "id": "e", "type": "t", "source": "/s", "time": "2026-01-31T12:00:00Z"}
    value = json.dumps(attributes | {"correlationid": "c", "data": data}).encode()
    read = kafka.from_kafka_event(kafka.KafkaMessage({"content-type": b"application/cloudevents+json"}, None, value))
    assert (read.get_id(), read.get_time()) == ("e", datetime(2026, 1, 31, 12, tzinfo=UTC))
    assert (read.get_extension("correlationid"), read.get_data()) == ("c", data)
