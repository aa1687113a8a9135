"""Events in CloudEvents envelopes: the same event as if it had come plain, and every corner of the two modes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envelopes import BESIDE, DATA, ENVELOPE, EVENT, GIVEN, STRUCTURED, WHOLE, decode, encoded, spelled
from foldline.core.events import Headers, Undecodable
from near_valid import near_valid

PLAIN = decode(spelled(EVENT | {"event_id": "e-1"}))
DERIVED = decode(spelled(EVENT))
TOO_DEEP = Undecodable("malformed", "nested deeper than 64")

# What says the same as the plain event with event_id e-1.
SAME: dict[str, tuple[bytes, Headers]] = {
    "structured": (spelled(WHOLE), STRUCTURED),
    "structured by its specversion alone": (spelled(WHOLE), ()),
    "structured by its content type alone": (spelled(WHOLE | {"specversion": None}), STRUCTURED),
    "a content type in other letters": (
        spelled(WHOLE | {"specversion": None}), (("Content-Type", b" APPLICATION/cloudEvents+json "),),
    ),
    "the last of two content types": (
        spelled(WHOLE | {"specversion": None}), (("content-type", b"application/json"), *STRUCTURED),
    ),
    "a content type that does not know better": (spelled(WHOLE), (("content-type", b"application/json"),)),
    "structured, its attributes repeated in headers": (spelled(WHOLE), (*BESIDE, *STRUCTURED)),
    "structured, contradicted by headers": (spelled(WHOLE), (("ce_id", b"e-2"), ("ce_specversion", b"9"))),
    "an escaped specversion": (spelled({"data": DATA} | GIVEN, r'"specversi\u006fn": "\u0031.0"'), ()),
    "the last of two specversions": (spelled(WHOLE | {"specversion": 5}, '"specversion": "1.0"'), ()),
    "without type and source": (spelled(GIVEN | {"specversion": "1.0", "data": DATA}), ()),
    "base64": (spelled(ENVELOPE | encoded(spelled(DATA))), STRUCTURED),
    "base64 with white space inside": (spelled(ENVELOPE | encoded(b" \n" + spelled(DATA) + b"\t")), ()),
    "base64 and data null": (spelled(ENVELOPE | {"data": None} | encoded(spelled(DATA))), ()),
    "data and data_base64 null": (spelled(WHOLE | {"data_base64": None}), ()),
    "the last of two data": (spelled(ENVELOPE | {"data": 5}, f'"data": {json.dumps(DATA)}'), ()),
    "the last of two ids": (b'{"id": 5, "id": "e-0", ' + spelled(WHOLE)[1:], ()),
    "null leaves it to the data": (
        spelled(WHOLE | {"id": None, "time": None, "correlationid": None, "data": EVENT | {"event_id": "e-1"}}), (),
    ),
    "what the envelope decides is not looked at in the data": (
        spelled(WHOLE | {"data": DATA | {"event_id": 5, "occurred_at": "never", "correlation_id": "\0"}}), (),
    ),
    "attributes that mean nothing here": (
        spelled(WHOLE | {"datacontenttype": "text/xml", "event_id": 5, "action": 5, "traceparent": "\0", "source": []},
                '"n": 1e999'), (),
    ),
    "names of the envelope in the data": (spelled(WHOLE | {"data": DATA | {"id": 5, "time": 5, "specversion": 5}}), ()),
    "binary": (spelled(DATA), BESIDE),
    "binary with a content type": (spelled(DATA), (*BESIDE, ("content-type", b"application/json"))),
    "binary with a content type of another format": (
        spelled(DATA), (*BESIDE, ("content-type", b"application/cloudevents+avro")),
    ),
    "binary without a specversion": (spelled(DATA), BESIDE[1:]),
    "header names in other letters": (spelled(DATA), tuple((name.title(), value) for name, value in BESIDE)),
    "the last of two headers": (spelled(DATA), (("ce_id", b"\xff"), ("CE_ID", b"e-0"), *BESIDE)),
    "a null header leaves it to the data": (spelled(DATA | {"event_id": "e-1"}), (*BESIDE, ("ce_id", None))),
    "what a header decides is not looked at in the data": (
        spelled(DATA | {"event_id": 5, "occurred_at": "never", "correlation_id": "\0"}), BESIDE,
    ),
    "headers that mean nothing here": (
        spelled(DATA), (*BESIDE, ("ce_subject", b"\xff"), ("id", b""), ("ce-id", b""), ("ce_", b""), ("", None)),
    ),
    "null for a specversion in the data": (spelled(DATA | {"specversion": None}), BESIDE),
}  # fmt: skip


@pytest.mark.parametrize(("value", "headers"), SAME.values(), ids=SAME)
def test_an_envelope_says_the_same_as_the_plain_event(value: bytes, headers: Headers) -> None:
    assert decode(value, headers) == PLAIN


def test_without_an_id_the_same_one_is_derived() -> None:
    anonymous = {name: value for name, value in WHOLE.items() if name != "id"}
    assert decode(spelled(anonymous)) == DERIVED
    assert decode(spelled(DATA), tuple(header for header in BESIDE if header[0] != "ce_id")) == DERIVED


@pytest.mark.parametrize("member", ['"specversion": null', '"specversion": "1.0", "specversion": null'])
def test_null_for_a_specversion_makes_no_envelope(member: str) -> None:
    assert decode(spelled(EVENT, member, '"id": 5, "time": 5, "correlationid": 5, "data": 5')) == DERIVED


def test_no_headers_but_these_make_an_envelope() -> None:
    headers = (("content-type", b"application/json"), ("trace", b"\xff"), ("foldline-redrive", b"t/0/0"), ("id", b"5"))
    assert decode(spelled(EVENT), headers) == DERIVED


def test_depth_counts_from_the_envelope_and_afresh_in_base64() -> None:
    def deep(levels: int) -> bytes:
        return spelled(DATA, f'"x": {"[" * (levels - 1)}{"]" * (levels - 1)}')

    within = Undecodable("invalid", "data_base64: nested deeper than 64")
    assert decode(spelled(ENVELOPE, f'"data": {deep(63).decode()}')) == PLAIN
    assert decode(spelled(ENVELOPE, f'"data": {deep(64).decode()}')) == (TOO_DEEP, TOO_DEEP)
    assert decode(spelled(ENVELOPE | encoded(deep(64)))) == PLAIN
    assert decode(spelled(ENVELOPE | encoded(deep(65)))) == (within, within)
    assert decode(deep(64), BESIDE) == PLAIN
    assert decode(deep(65), BESIDE) == (TOO_DEEP, TOO_DEEP)


@pytest.mark.parametrize("metadata", ["0.12345678901234567890123", "1e999", r'{"\ud83d\ude00" : "é\/"}', '"\\\\u0000"'])
def test_free_json_is_kept_exactly_in_every_mode(metadata: str) -> None:
    text = f'{{"a" : {metadata}, "a":1}}'
    data = spelled(DATA, f'"metadata":  {text} ')
    for value, headers in (
        (spelled(ENVELOPE, f'"data": {data.decode()}'), ()),
        (spelled(ENVELOPE | encoded(data)), ()),
        (data, BESIDE),
    ):
        for verdict in decode(value, headers):
            assert not isinstance(verdict, Undecodable)
            assert verdict.metadata == text


@pytest.mark.parametrize(("size", "fits"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_free_json_is_measured_as_it_stands_in_the_data(size: int, fits: bool) -> None:  # noqa: FBT001
    data = spelled(DATA | {"metadata": {"a": "x" * (size - len('{"a": ""}'))}})
    for value in (spelled(ENVELOPE, f'"data": {data.decode()}'), spelled(ENVELOPE | encoded(data))):
        for verdict in decode(value):
            assert isinstance(verdict, Undecodable) is not fits
            assert fits or verdict == Undecodable("invalid", "metadata: longer than 256 KiB")


@settings(deadline=None, max_examples=150)
@given(near_valid(), st.sampled_from(["data", "data_base64", "binary"]))
def test_wrapping_changes_no_verdict(event: bytes, mode: str) -> None:
    plain = decode(event)
    malformed = any(isinstance(verdict, Undecodable) and verdict.reason == "malformed" for verdict in plain)
    if mode == "binary":
        assert decode(event, (("ce_specversion", b"1.0"), ("ce_type", b"t"))) == plain
    elif malformed:
        assert isinstance(decode(spelled({"specversion": "1.0"} | encoded(event)))[0], Undecodable)
    elif mode == "data":
        wrapped = spelled({"specversion": "1.0"}, f'"data":{event.decode()}')
        assert decode(wrapped) in (plain, (TOO_DEEP, TOO_DEEP))
    else:
        assert decode(spelled({"specversion": "1.0"} | encoded(event))) == plain


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([0, 1]), near_valid())
def test_attributes_moved_into_the_envelope_make_the_same_event(sort: int, event: bytes) -> None:
    plain = decode(event)[sort]
    if isinstance(plain, Undecodable):
        return
    given_ = {"id": plain.event_id, "time": plain.occurred_at.isoformat(), "correlationid": plain.correlation_id}
    data = event[:-1] + rb', "event_id": 5, "occurred_at": "never", "correlation_id": "\u0000"}'
    structured = decode(spelled({"specversion": "1.0"} | given_, f'"data":{data.decode()}'))[sort]
    assert structured in (plain, TOO_DEEP)
    assert decode(spelled({"specversion": "1.0"} | given_ | encoded(data)))[sort] == plain
    assert decode(data, tuple((f"ce_{name}", value.encode()) for name, value in given_.items()))[sort] == plain
