"""What publishers build: the builders, what is refused and how that is said, and numbers that keep their digits."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from msgspec import Raw
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

import foldline.events
from foldline.core.decode import decode_transition
from foldline.core.events import TransitionEvent as Decoded
from foldline.core.freejson import MAX_BYTES
from foldline.events import Circumstances, Kind, Lease, TransitionEvent, WorkflowEvent

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
AT_NOON: Circumstances = {"correlation_id": "c-1", "event_id": "e-1", "occurred_at": NOON}
SECRET = "s3cr3t"


def built(**fields: object) -> TransitionEvent:
    """A plain event with some fields changed, as a mapping would say it."""
    plain = {"correlation_id": "c-1", "occurred_at": NOON, "fsm_type": "INGESTION", "entity_id": "d", "action": "A"}
    return TransitionEvent.model_validate(plain | fields)


def metadata(text: str) -> bytes:
    """The record of a plain event with this metadata, as it is written."""
    return built().value[:-1] + f',"metadata":{text}}}'.encode()


def test_a_new_event_happens_now_and_is_like_no_other() -> None:
    before = datetime.now(UTC)
    first, second = (TransitionEvent.new("INGESTION", "doc-1", "RETRY", correlation_id="c-1") for _ in range(2))
    assert first.event_id
    assert first.event_id != second.event_id
    assert before <= first.occurred_at <= second.occurred_at <= datetime.now(UTC)


def test_what_a_builder_is_told_counts() -> None:
    lease = Lease(lease_id="l", lease_epoch=2**63 - 1)
    more: Circumstances = {**AT_NOON, "metadata": {"n": 1}, "lease": lease}
    event = TransitionEvent.new(
        "INGESTION", "doc-1", "FAIL", from_state="A", to_state="B", success=False, error_message="no", **more
    )
    assert json.loads(event.value) == {
        "correlation_id": "c-1",
        "event_id": "e-1",
        "occurred_at": "2026-01-31T12:00:00.000000Z",
        "fsm_type": "INGESTION",
        "entity_id": "doc-1",
        "action": "FAIL",
        "from_state": "A",
        "to_state": "B",
        "success": False,
        "error_message": "no",
        "metadata": {"n": 1},
        "lease": {"lease_id": "l", "lease_epoch": 2**63 - 1},
    }


def test_the_two_actions_of_every_machine_have_builders() -> None:
    created = TransitionEvent.created("INGESTION", "doc-1", **AT_NOON)
    assert (created.action, created.from_state, created.to_state) == ("CREATE", None, None)
    corrected = TransitionEvent.corrected("INGESTION", "doc-1", to_state="INDEXED", reason="by hand", **AT_NOON)
    assert (corrected.action, corrected.to_state, corrected.error_message) == ("CORRECT", "INDEXED", "by hand")


def test_every_kind_of_workflow_event_has_a_builder() -> None:
    events = [
        WorkflowEvent.started("wf-1", "O", "doc-1", input_payload=[1], **AT_NOON),
        WorkflowEvent.step_started("wf-1", "s", **AT_NOON),
        WorkflowEvent.step_completed("wf-1", "s", **AT_NOON),
        WorkflowEvent.step_failed("wf-1", "s", "no", **AT_NOON),
        WorkflowEvent.paused("wf-1", **AT_NOON),
        WorkflowEvent.resumed("wf-1", **AT_NOON),
        WorkflowEvent.completed("wf-1", output_results=0, **AT_NOON),
        WorkflowEvent.failed("wf-1", "no", **AT_NOON),
        WorkflowEvent.retried("wf-1", **AT_NOON),
    ]
    assert [event.kind for event in events] == list(Kind)
    said = [json.loads(event.value) for event in events]
    own = [event.keys() - {"correlation_id", "event_id", "occurred_at", "workflow_id", "kind"} for event in said]
    assert own == [
        {"operation_type", "entity_id", "input_payload"},
        *({"step"}, {"step"}, {"step", "error_message"}),
        *(set[str](), set[str]()),
        {"output_results"},
        {"error_message"},
        set[str](),
    ]
    assert all(event.key == b"wf-1" for event in events)


def test_a_record_is_what_producers_take() -> None:
    event = TransitionEvent.new("INGESTION", "dök-1", "RETRY", **AT_NOON)
    record = event.to_record()
    assert record._asdict() == {"key": "dök-1".encode(), "value": event.value, "headers": []}
    assert (event.key, b" " in event.value) == (record.key, False)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"fsmtype": "INGESTION"}, "fsmtype"),
        ({"event_id": ""}, "event_id"),
        ({"entity_id": 5}, "entity_id"),
        ({"action": None}, "action"),
        ({"from_state": "\0"}, "from_state"),
        ({"to_state": "\ud800"}, "to_state"),
        ({"success": "true"}, "success"),
        ({"occurred_at": datetime(2026, 1, 31)}, "must have a time zone"),  # noqa: DTZ001
        ({"occurred_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}, "1970 to 2200"),
        ({"occurred_at": NOON.replace(year=2201)}, "1970 to 2200"),
        ({"occurred_at": "2026-01-31"}, "RFC 3339"),
        ({"occurred_at": 1769860800}, "occurred_at"),
        ({"error_message": "€" * 2731}, "8 KiB"),
        ({"lease": {"lease_id": "l"}}, "lease_epoch"),
        ({"lease": {"lease_id": "l", "lease_epoch": 1.0}}, "lease_epoch"),
        ({"lease": {"lease_id": "l", "lease_epoch": 1, "lease_expires_at": 5}}, "lease_expires_at"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"a": float("nan")}}, "NaN and Infinity are no JSON"),
        ({"metadata": {"a": Decimal("sNaN")}}, "NaN and Infinity are no JSON"),
        ({"metadata": {"a": NOON}}, "datetime is no JSON"),
        ({"metadata": {"a": {1: 2}}}, "int is no key of a JSON object"),
        ({"metadata": {"a": "\0"}}, "NUL"),
        ({"metadata": {"a": "\ud800"}}, "surrogate"),
        ({"metadata": {"a": 10**1000}}, "1000 digits"),
        ({"metadata": {"a": 10**5000}}, "digits"),
        ({"metadata": {"a": Decimal("1e-1001")}}, "1000 digits"),
        ({"metadata": {"a": [0] * 1000}}, "1000 keys and array elements"),
        ({"metadata": {"a": "x" * MAX_BYTES}}, "256 KiB"),
        ({"metadata": Raw(b'{"a":NaN}')}, "JSON is malformed"),
        ({"metadata": Raw(b'{"a":1} {}')}, "JSON is malformed"),
        ({"metadata": Raw(b'{"a":"\xff"}')}, "UTF-8"),
    ],
)
def test_what_no_worker_could_decode_is_not_built(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        built(**fields)


def test_nothing_is_the_same_as_absent() -> None:
    optional = [name for name, field in TransitionEvent.model_fields.items() if not field.is_required()]
    assert built(**dict.fromkeys(optional)) == built()
    assert built().success is True


def test_a_circle_is_no_json() -> None:
    circle: dict[str, Any] = {}
    circle["a"] = circle
    with pytest.raises(ValidationError, match="nested too deep"):
        built(metadata=circle)


def test_the_event_and_what_is_free_in_it_are_nested_64_deep_at_most() -> None:
    tree: object = 1
    for _ in range(62):
        tree = [tree]
    assert isinstance(decode_transition(built(metadata={"a": tree}).value), Decoded)
    for deeper in ({"a": [tree]}, Raw(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}")):
        with pytest.raises(ValidationError, match="nested deeper than 64"):
            built(metadata=deeper)


@pytest.mark.parametrize(
    ("kind", "missing"), [("STARTED", "operation_type"), ("STARTED", "entity_id"), ("STEP_FAILED", "step")]
)
def test_a_kind_says_what_it_lacks(kind: str, missing: str) -> None:
    fields = {"correlation_id": "c", "occurred_at": NOON, "workflow_id": "w", "kind": kind, "operation_type": "O"}
    fields |= {"entity_id": "e", "step": "s"}
    with pytest.raises(ValidationError, match=f"{missing} is required on {kind}"):
        WorkflowEvent.model_validate(fields | {missing: None})
    assert WorkflowEvent.model_validate(fields).kind is Kind(kind)


def test_words_of_an_enumeration_are_words() -> None:
    class Action(StrEnum):
        RETRY = "RETRY"

    class Pages(IntEnum):
        MANY = 12

    event = built(action=Action.RETRY, metadata={Action.RETRY: [Action.RETRY, Pages.MANY, True, (None,)]})
    assert b'"action":"RETRY","metadata":{"RETRY":["RETRY",12,true,[null]]}' in event.value


def test_a_time_is_kept_in_utc_to_the_microsecond() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert built(occurred_at=datetime(2026, 1, 31, 17, 30, tzinfo=east)).occurred_at == NOON
    assert built(occurred_at="2026-01-31 12:00:00.0000005z").occurred_at == NOON.replace(microsecond=1)
    assert built(occurred_at=datetime(2026, 1, 31, 17, 30, tzinfo=east)).occurred_at.tzinfo is UTC


NUMBERS: dict[object, str] = {
    Decimal("0.12345678901234567890123"): "0.12345678901234567890123",
    Decimal("1.50"): "1.50",
    Decimal("1e999"): "1E+999",
    Decimal("-0.0"): "-0.0",
    0.1: "0.1",
    1e22: "1E+22",
    5e-324: "5E-324",
    12345678901234567890123: "12345678901234567890123",
}


@pytest.mark.parametrize(("number", "written"), NUMBERS.items())
def test_a_number_keeps_its_digits(number: object, written: str) -> None:
    event = built(metadata={"n": number})
    assert f'"metadata":{{"n":{written}}}'.encode() in event.value
    assert TransitionEvent.from_record(event.value) == event


@pytest.mark.parametrize("text", ["0.12345678901234567890123", "1.50", "-0", "1e999", "0e1073741822", "9" * 1000])
def test_a_number_that_is_read_keeps_its_digits(text: str) -> None:
    event = TransitionEvent.from_record(metadata(f'{{"n":{text}}}'))
    assert built(metadata=Raw(f'{{"n":{text}}}')) == event
    held = event.metadata["n"] if event.metadata else None
    assert isinstance(held, int | Decimal)
    again = json.loads(event.value, parse_int=Decimal, parse_float=Decimal)["metadata"]["n"]
    assert again.as_tuple() == Decimal(text).as_tuple()


@pytest.mark.parametrize("number", ["1e-6", "15e6", "-1e1", "0e-3"])
def test_what_just_fits_does_so_when_it_is_written_again(number: str) -> None:
    """Python spells these numbers longer than they came."""
    numbers = ",".join([number] * 990)
    text = f'{{"n":[{numbers}],"x":"'
    fits = text + "x" * (MAX_BYTES - len(text) - 2) + '"}'
    event = TransitionEvent.from_record(metadata(fits))
    again = decode_transition(event.value)
    assert isinstance(again, Decoded)
    assert again.metadata == fits
    assert TransitionEvent.from_record(event.value) == event
    with pytest.raises(ValidationError, match="256 KiB"):
        TransitionEvent.from_record(metadata(fits.replace('"x":"', '"x":"x')))


def test_an_event_holds_what_it_was_given_not_the_thing_itself() -> None:
    given = {"a": [1]}
    event = built(metadata=given)
    given["a"].append(2)
    assert event.metadata == {"a": [1]}
    with pytest.raises(ValidationError, match="frozen"):
        event.entity_id = "other"


def test_pydantic_writes_floats_or_says_what_it_would_lose() -> None:
    class Order(BaseModel):
        event: TransitionEvent

    order = Order(event=built(metadata={"score": 0.87, "pages": 12}))
    assert Order.model_validate_json(order.model_dump_json()) == order
    assert '"metadata":{"score":0.87,"pages":12}' in order.model_dump_json()
    with pytest.raises(PydanticSerializationError, match="publish the event's `value`"):
        built(metadata={"n": Decimal("0.12345678901234567890123")}).model_dump_json()


def test_reading_ignores_what_it_does_not_know_and_takes_null_for_absent() -> None:
    value = metadata("null")[:-1] + b',"success":null,"x":[1e99999],"lease":{"lease_id":"l","lease_epoch":1,"y":2}}'
    event = TransitionEvent.from_record(value)
    assert event == built(lease=Lease(lease_id="l", lease_epoch=1))
    assert TransitionEvent.model_validate_json(value.decode()) == event


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, ()),
        (b"[]", ()),
        (b"\xff", ()),
        (metadata('{"a":1e1000}'), ("metadata",)),
        (metadata("[]"), ("metadata",)),
        (metadata('{},"lease":{"lease_id":"l","lease_epoch":-1}'), ("lease", "lease_epoch")),
        (metadata('{},"lease":{"lease_id":"l"}'), ("lease", "lease_epoch")),
        (metadata('{},"success":5'), ("success",)),
    ],
)
def test_what_cannot_be_read_names_the_field(value: bytes | None, path: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        TransitionEvent.from_record(value, None)
    (error,) = refused.value.errors()
    assert error["loc"] == path


@pytest.mark.parametrize("name", sorted(TransitionEvent.model_fields.keys() | WorkflowEvent.model_fields.keys()))
def test_no_refusal_shows_a_value(name: str) -> None:
    model = TransitionEvent if name in TransitionEvent.model_fields else WorkflowEvent
    good = built().model_dump() | {"workflow_id": "w", "kind": "PAUSED"}
    good = {key: value for key, value in good.items() if key in model.model_fields}
    for wrong in (SECRET * 60_000, SECRET + "\0", [SECRET, "\0"], {"a": {SECRET: [b"x"]}}, {"a": SECRET + "\ud800"}):
        with pytest.raises(ValidationError) as refused:
            model.model_validate(good | {name: wrong})
        assert SECRET not in str(refused.value)
        record = json.dumps(good | {"occurred_at": "2026-01-31T12:00:00Z", name: SECRET * 60_000})
        with pytest.raises(ValidationError) as refused:
            model.from_record(record.encode())
        assert SECRET not in str(refused.value)


def test_the_examples_in_the_docstrings_run() -> None:
    tried = 0
    for module in pkgutil.iter_modules(foldline.events.__path__, "foldline.events."):
        failed, attempted = doctest.testmod(importlib.import_module(module.name))
        assert failed == 0, module.name
        tried += attempted
    assert tried > 10
