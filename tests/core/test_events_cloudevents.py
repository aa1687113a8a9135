"""The envelopes that publishers send, read by the official SDK."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from foldline.core.decode import decode_transition
from foldline.core.events import TransitionEvent as Decoded
from foldline.errors import PublishError
from foldline.events import Circumstances, Lease, Record, TransitionEvent, WorkflowEvent

Mode = Literal["structured", "binary"]

NOON = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
AT_NOON: Circumstances = {"correlation_id": "ordér-1", "event_id": "e-1", "occurred_at": NOON}
WHOLE: Circumstances = {**AT_NOON, "metadata": {"é": [1, None]}, "lease": Lease(lease_id="l", lease_epoch=1)}
EVENTS = [
    TransitionEvent.new("INGESTION", "dök-1", "FAIL", success=False, error_message="no", **WHOLE),
    WorkflowEvent.started("wf-1", "O", "doc-1", input_payload={"pages": 12}, **WHOLE),
]
MODES: list[Mode] = ["structured", "binary"]


def read(record: Record) -> CloudEvent:
    """What an SDK makes of the record; it gives the key back as an attribute of its own."""
    message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value)
    event = from_kafka(message, JSONFormat())
    assert isinstance(event, CloudEvent)
    return event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("mode", MODES)
def test_an_sdk_reads_what_is_sent(event: TransitionEvent | WorkflowEvent, mode: Mode) -> None:
    record = event.to_cloudevent(source="/orders", mode=mode)
    media_type = b"application/json" if mode == "binary" else b"application/cloudevents+json"
    assert ("content-type", media_type) in record.headers
    seen = read(record)
    kind = "transition" if isinstance(event, TransitionEvent) else "workflow"
    assert seen.get_attributes() == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/orders",
        "type": f"foldline.{kind}.v1",
        "time": NOON,
        "correlationid": "ordér-1",
        "datacontenttype": "application/json",
        "partitionkey": event.key.decode(),
    }
    given: dict[str, Any] = {
        "correlation_id": seen.get_extension("correlationid"),
        "event_id": seen.get_id(),
        "occurred_at": "2026-01-31T12:00:00.000001Z",
    }
    data = seen.get_data()
    assert isinstance(data, dict)
    assert data.keys().isdisjoint(given)
    assert given | data == json.loads(event.value)


@pytest.mark.parametrize("mode", MODES)
def test_numbers_keep_their_digits_in_an_envelope(mode: Mode) -> None:
    event = TransitionEvent.from_record(EVENTS[0].value.replace(b"[1,null]", b"[0.12345678901234567890123]"))
    assert b"[0.12345678901234567890123]" in event.to_cloudevent(source="/orders", mode=mode).value


@pytest.mark.parametrize(("depth", "inside"), [(61, "data"), (62, "data_base64")])
def test_what_an_envelope_would_nest_too_deep_is_packed(depth: int, inside: str) -> None:
    tree: object = 1
    for _ in range(depth):
        tree = [tree]
    deep: Circumstances = {**AT_NOON, "metadata": {"a": tree}}
    event = TransitionEvent.new("INGESTION", "doc-1", "RETRY", **deep)
    record = event.to_cloudevent(source="/orders")
    assert inside in json.loads(record.value)
    seen = read(record).get_data()
    data = json.loads(seen) if isinstance(seen, bytes) else seen
    assert isinstance(data, dict)
    assert data["metadata"] == {"a": tree}


@pytest.mark.parametrize("mode", MODES)
def test_a_type_of_one_s_own_is_sent(mode: Mode) -> None:
    assert (
        read(EVENTS[0].to_cloudevent(source="/orders", mode=mode, type="com.example.x")).get_type() == "com.example.x"
    )


def test_an_event_without_an_id_gets_the_one_that_a_worker_derives() -> None:
    event = TransitionEvent(
        correlation_id="c-1", occurred_at=NOON, fsm_type="INGESTION", entity_id="doc-1", action="RETRY"
    )
    assert event.event_id is None
    assert b"event_id" not in event.value
    decoded = decode_transition(event.value)
    assert isinstance(decoded, Decoded)
    assert read(event.to_cloudevent(source="/orders")).get_id() == decoded.event_id


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wrong", ["", "a\nb", "\x85", "\ufdd0", "\U0001ffff", "\ud800"])
def test_what_cloudevents_do_not_admit_is_refused(mode: Mode, wrong: str) -> None:
    event = TransitionEvent.new("INGESTION", "doc-1", "RETRY", **AT_NOON)
    for attributes in ({"source": wrong}, {"source": "/orders", "type": wrong}):
        with pytest.raises(PublishError, match=r"attribute (source|type) .* Choose another"):
            event.to_cloudevent(**attributes, mode=mode)
    if wrong not in ("", "\ud800"):
        with pytest.raises(PublishError, match="attribute id"):
            event.model_copy(update={"event_id": wrong}).to_cloudevent(source="/orders", mode=mode)
