"""The models and the workers are of one mind: what either takes, the other takes, with the same values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Headers, Undecodable
from foldline.errors import PublishError
from foldline.events import Kind, Lease, TransitionEvent, WorkflowEvent
from near_valid import ATOMS, BROKEN, PLAIN, TIMES, enveloped, every_atom_in_every_field, near_valid
from oracle.decode import FIELDS

Model = TransitionEvent | WorkflowEvent

MODELS: dict[str, type[Model]] = {"transition": TransitionEvent, "workflow": WorkflowEvent}
DECODERS = {TransitionEvent: decode_transition, WorkflowEvent: decode_workflow}
FREE = {"metadata", "input_payload", "output_results"}
SORTS = st.sampled_from([TransitionEvent, WorkflowEvent])


def read(model: type[Model], value: bytes, headers: Headers = ()) -> Model | None:
    try:
        return model.from_record(value, headers)
    except ValidationError:
        return None


def builds(model: type[Model], arguments: dict[str, Any]) -> bool:
    try:
        model.model_validate(arguments)
    except ValidationError:
        return False
    return True


def exact(text: str | None) -> Any:  # noqa: ANN401 - any JSON
    """JSON text as values that are equal if their numbers have the same digits."""
    return None if text is None else json.loads(text, parse_float=digits, parse_int=digits)


def digits(number: str) -> tuple[object, ...]:
    return Decimal(number).as_tuple()


def spelled(value: object) -> Any:  # noqa: ANN401
    """What a model holds as free JSON, in the same terms."""
    match value:
        case bool() | None | str():
            return value
        case int() | Decimal():
            return Decimal(value).as_tuple()
        case list():
            return [spelled(item) for item in value]
        case dict():
            return {key: spelled(item) for key, item in value.items()}
        case _:
            raise AssertionError(type(value))


def says_the_same(event: Model) -> None:
    """A worker decodes the event, and to the values that it holds."""
    decoded = DECODERS[type(event)](event.value)
    assert not isinstance(decoded, Undecodable), decoded
    for name in type(event).model_fields:
        held, seen = getattr(event, name), getattr(decoded, name)
        if name in FREE:
            assert spelled(held) == exact(seen), name
        elif name == "lease" and held is not None:
            assert (held.lease_id, held.lease_epoch) == (seen.id, seen.epoch)
        else:
            assert held == seen or (name == "event_id" and held is None), name
    assert event.key.decode() == (event.entity_id if isinstance(event, TransitionEvent) else event.workflow_id)


def agree(model: type[Model], value: bytes, headers: Headers = ()) -> bool:
    """Whether it is an event; model and worker agree about it, and about the event that the model writes in turn."""
    event, decoded = read(model, value, headers), DECODERS[model](value, headers)
    assert (event is None) == isinstance(decoded, Undecodable), decoded
    if event is None or isinstance(decoded, Undecodable):
        return False
    says_the_same(event)
    again = DECODERS[model](event.value)
    assert not isinstance(again, Undecodable)
    assert again.identity == decoded.identity  # also of a derived id
    for name in FREE & model.model_fields.keys():
        assert exact(getattr(again, name)) == exact(getattr(decoded, name))
    assert read(model, event.value) == event == model.model_validate_json(event.value.decode())
    assert model(**event.model_dump()) == event
    return True


@settings(max_examples=200)
@given(SORTS, near_valid())
def test_what_a_worker_decodes_a_model_reads_with_the_same_values(model: type[Model], value: bytes) -> None:
    agree(model, value)


@settings(max_examples=200)
@given(SORTS, enveloped())
def test_what_a_worker_finds_in_an_envelope_a_model_does_too(model: type[Model], record: tuple[bytes, Headers]) -> None:
    agree(model, *record)


def test_they_agree_on_every_atom_in_every_field() -> None:
    verdicts = [agree(MODELS[sort], value) for sort, value in every_atom_in_every_field()]
    assert min(verdicts.count(True), verdicts.count(False)) > 100


def test_they_agree_on_how_long_a_string_may_be() -> None:
    for sort, names in FIELDS.items():
        for name in set(names) - FREE - {"lease", "success", "occurred_at", "kind"}:
            accepted = []
            for length in (0, 1, 50, 51, 100, 101, 255, 256, 8192, 8193):
                text = ("é" if length < 8192 else "x") * length
                members = {key: value for key, value in GOOD.items() if key in names} | {name: text}
                members["occurred_at"] = "2026-01-31T12:00:00Z"
                accepted.append(agree(MODELS[sort], json.dumps(members).encode()))
                assert builds(MODELS[sort], members) == accepted[-1]
            assert accepted.count(True) in (2, 4, 6, 9), name


@pytest.mark.parametrize("kind", Kind)
def test_they_agree_on_what_a_kind_requires(kind: Kind) -> None:
    optional = {"operation_type": "O", "entity_id": "e", "step": "s"}
    plain = {"correlation_id": "c", "occurred_at": "2026-01-31T12:00:00Z", "workflow_id": "w", "kind": kind}
    assert agree(WorkflowEvent, json.dumps(plain | optional).encode())
    for name in optional:
        for without in ({key: optional[key] for key in optional if key != name}, optional | {name: None}):
            agree(WorkflowEvent, json.dumps(plain | without).encode())


@settings(max_examples=100)
@given(SORTS, st.binary(max_size=60))
@example(TransitionEvent, b"\xff")
@example(TransitionEvent, b"\xef\xbb\xbf{}")
def test_they_agree_on_any_bytes(model: type[Model], value: bytes) -> None:
    agree(model, value)


NUMBERS = (
    st.integers()
    | st.integers(0, 1_002).map(lambda power: 10**power)
    | st.floats()
    | st.decimals()
    | st.tuples(st.integers(0, 10**30), st.integers(-1_010, 1_010)).map(
        lambda parts: Decimal(parts[0]).scaleb(parts[1])
    )
)
STRINGS = st.text(max_size=5) | st.sampled_from(["\0", "\ud800", "\ud83d\ude00", "\x7f", '\\"', "\u2028", "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS | st.sampled_from([b"x", object(), datetime.now(UTC)]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(STRINGS | st.just(5), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXTS = STRINGS | st.sampled_from(["x" * 50, "x" * 51, "😀" * 255, "x" * 256, "€" * 2730, "€" * 2731]) | st.just(5)
INSTANTS = (
    st.datetimes(timezones=st.timezones() | st.just(timezone(timedelta(hours=-5))) | st.none())
    | st.sampled_from([text.strip('"') for text in TIMES])
    | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=timezone(timedelta(hours=-9)))])
)
LEASES = st.builds(Lease.model_construct, lease_id=st.just("l"), lease_epoch=st.integers(0, 2**63 - 1)) | st.just(
    {"lease_id": "l", "lease_epoch": 3}
)
OTHERS: dict[str, st.SearchStrategy[object]] = {
    "occurred_at": INSTANTS,
    "kind": st.sampled_from([*Kind, "STARTED", "started", b"PAUSED"]),
    "success": st.booleans() | st.none() | st.just(1),
    "metadata": st.dictionaries(STRINGS, VALUES, max_size=4) | VALUES,
    "input_payload": VALUES,
    "output_results": VALUES | st.sampled_from([*ATOMS, *BROKEN]).map(lambda text: Raw(text.encode(errors="replace"))),
    "lease": LEASES | st.none() | VALUES,
}
GOOD: dict[str, object] = {
    **{name: text.strip('"') for name, text in PLAIN.items()},
    "occurred_at": datetime(2026, 1, 31, tzinfo=UTC),
    "operation_type": "O",
    "step": "s",
}


@st.composite
def arguments(draw: st.DrawFn, model: type[Model]) -> dict[str, Any]:
    """What a program may hand to the model: mostly good, some fields as bad as can be."""
    names = draw(st.lists(st.sampled_from(sorted(model.model_fields)), max_size=4, unique=True))
    good = {name: value for name, value in GOOD.items() if name in model.model_fields}
    return good | {name: draw(OTHERS.get(name, TEXTS)) for name in names}


@settings(max_examples=400)
@given(st.data(), SORTS)
def test_what_validates_is_decoded_with_the_same_values(data: st.DataObject, model: type[Model]) -> None:
    given_ = data.draw(arguments(model))
    try:
        event = model(**given_)
    except ValidationError:
        return
    says_the_same(event)
    assert read(model, event.value) == event
    assert model(**event.model_dump()) == event


@settings(max_examples=200)
@given(st.data(), SORTS)
def test_an_envelope_says_the_same(data: st.DataObject, model: type[Model]) -> None:
    try:
        event = model(**data.draw(arguments(model)))
        envelopes = [event.to_cloudevent(source="/s"), event.to_cloudevent(source="/s", mode="binary")]
    except (ValidationError, PublishError):
        return
    for _, value, headers in envelopes:
        assert DECODERS[model](value, tuple(headers)) == DECODERS[model](event.value)
        again = model.from_record(value, headers)
        assert again.model_copy(update={"event_id": event.event_id}) == event


@settings(max_examples=100)
@given(st.data(), SORTS)
def test_what_pydantic_writes_is_the_same_event_or_refused(data: st.DataObject, model: type[Model]) -> None:
    """`model_dump_json` has floats for numbers: it says so where that would lose something."""
    try:
        event = model(**data.draw(arguments(model)))
        written = event.model_dump_json()
    except (ValidationError, PydanticSerializationError):
        return
    assert read(model, written.encode()) == event
    assert TypeAdapter(model).validate_json(event.value) == event
