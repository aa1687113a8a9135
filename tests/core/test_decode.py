"""Decoding records as a whole: what is no JSON object, what is one all the same, and which of repeated keys counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Lease, TransitionEvent, Undecodable, WorkflowEvent
from harness import transition, workflow

EVENT = transition("START_PROCESSING", event_id="e-1")
RUN = workflow("STARTED", event_id="e-1")


def spelled(event: dict[str, Any], *members: str) -> bytes:
    """The event's JSON with further members, as they are written, at its end."""
    return f"{{{', '.join([json.dumps(event, ensure_ascii=False)[1:-1], *members])}}}".encode()


def preceded(event: dict[str, Any], *members: str) -> bytes:
    """The event's JSON with further members, as they are written, at its beginning."""
    return f"{{{', '.join([*members, json.dumps(event, ensure_ascii=False)[1:-1]])}}}".encode()


def decode(value: bytes | None) -> tuple[TransitionEvent | Undecodable, WorkflowEvent | Undecodable]:
    return decode_transition(value), decode_workflow(value)


WHOLE = spelled(EVENT | RUN)
PLAIN = decode(WHOLE)

MALFORMED: dict[str, bytes | None] = {
    "a tombstone": None,
    "an empty value": b"",
    "white space": b" \t\r\n",
    "null": b"null",
    "a number": b"7",
    "a string": b'"x"',
    "true": b"true",
    "an array": b"[" + WHOLE + b"]",
    "text": b"START_PROCESSING doc-1",
    "cut off": WHOLE[:-1],
    "trailing letters": WHOLE + b"x",
    "a trailing NUL": WHOLE + b"\0",
    "a trailing brace": WHOLE + b"}",
    "two objects": WHOLE + b"\n" + WHOLE,
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "UTF-16 without a mark": WHOLE.decode().encode("utf-16-le"),
    "UTF-32": WHOLE.decode().encode("utf-32"),
    "a form feed around it": b"\x0c" + WHOLE,
    "a no-break space around it": "\N{NO-BREAK SPACE}".encode() + WHOLE,
    "a comment": b"/**/" + WHOLE,
    "single quotes": b"{'a': 1}",
    "Latin-1": spelled(EVENT | RUN, '"x": "@"').replace(b"@", b"\xfc"),
    "Latin-1 in a key": spelled(EVENT | RUN, '"@": 1').replace(b"@", b"\xfc"),
    "an overlong form": spelled(EVENT | RUN, '"x": "@"').replace(b"@", b"\xc0\xaf"),
    "CESU-8": spelled(EVENT | RUN, '"x": "@"').replace(b"@", b"\xed\xa0\xbd\xed\xb8\x80"),
    "beyond Unicode": spelled(EVENT | RUN, '"x": "@"').replace(b"@", b"\xf4\x90\x80\x80"),
    "nested without end": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "arrays without end": b'{"a":' + b"[" * 100_000,
}

NO_VALUES = [
    "NaN", "Infinity", "-Infinity", "nan", "undefined", "True", "tru", "nul", "+1", "01", "-01", "-", "1.", ".5", "1e",
    "1.e5", "1e+", "0x10", "1_000", ",", "@", "[1,]", "[,1]", "[1 2]", '{"a":1,}', '{"a"}', '{"a":}', "{a:1}", "{1:1}",
    '{"a":1 "b":2}', '"', "'a'", '"\\q"', '"\\u12"', '"\\u12g4"', '"\\x41"', '"\\"', '"a\nb"', '"a\tb"', '"a\x00b"',
    '"\x1f"', '{"a\nb":1}', '{"\\q":1}',
]  # fmt: skip

LONE_SURROGATES = [
    r'"\ud800"', r'"\udfff"', r'"\ude00\ud83d"', r'"\ud83d\ud83d\ude00"', r'"\ud83d\ude00\ude00"', r'"\ud83dx\ude00"',
    r'"\ud83d\n\ude00"', r'"\ud83d😀"', r'["\ud83d", "\ude00"]', r'{"\ud83d": "\ude00"}', r'{"a\ud800": 1}',
    r'"\\\ud800"',
]  # fmt: skip

# Every position in which a value may stand: ignored, ignored within a known one, free, and named.
POSITIONS = ['"x": %s', '"x": [{"y": %s}]', '"lease": {"x": %s}', '"metadata": {"x": %s}', '"metadata": {"x": [%s, 1]}',
             '"input_payload": %s', '"output_results": [%s]', '"step": %s', '"from_state": %s', '"entity_id": %s',
             '"error_message": %s', '"success": %s', '"correlation_id": 5, "x": %s', '"occurred_at": %s']  # fmt: skip


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_json_object_is_malformed(value: bytes | None) -> None:
    for verdict in decode(value):
        assert isinstance(verdict, Undecodable)
        assert verdict.reason == "malformed"
        assert verdict.detail


@pytest.mark.parametrize("position", POSITIONS)
def test_a_value_that_is_no_json_is_malformed_wherever_it_stands(position: str) -> None:
    for wrong in NO_VALUES:
        for verdict in decode(spelled(EVENT | RUN, position % wrong)):
            assert isinstance(verdict, Undecodable), wrong
            assert verdict.reason == "malformed", wrong


@pytest.mark.parametrize("position", POSITIONS)
def test_a_lone_surrogate_is_malformed_wherever_it_stands(position: str) -> None:
    for wrong in LONE_SURROGATES:
        for verdict in decode(spelled(EVENT | RUN, position % wrong)):
            assert verdict == Undecodable("malformed", "a lone surrogate escape"), wrong


@pytest.mark.parametrize("name", ["x", "metadata", "input_payload"])
def test_the_whole_record_is_nested_64_deep_at_most(name: str) -> None:
    """The record's own brackets are the first level, so free JSON may have 63."""
    arrays = '{"a":' + "[" * 62 + "]" * 62 + "}"
    for verdict in decode(spelled(EVENT | RUN, f'"{name}": {arrays}')):
        assert not isinstance(verdict, Undecodable)
    deeper = '{"a":' + "[" * 63 + "]" * 63 + "}"
    for verdict in decode(spelled(EVENT | RUN, f'"{name}": {deeper}')):
        assert verdict == Undecodable("malformed", "nested deeper than 64")


def test_depth_is_measured_before_anything_else_is_judged() -> None:
    deeper = "[" * 64 + "]" * 64
    for verdict in decode(spelled({"correlation_id": 5}, f'"x": {deeper}')):
        assert verdict == Undecodable("malformed", "nested deeper than 64")


HARMLESS = {
    "white space around it": b" \t\r\n" + WHOLE + b" \t\r\n",
    "white space in it": json.dumps(EVENT | RUN, indent=1).encode(),
    "escaped keys": WHOLE.replace(b'"action"', rb'"\u0061ction"').replace(b'"kind"', rb'"kin\u0064"'),
    "escaped values": WHOLE.replace(b"doc-1", rb"d\u006Fc\u002d1"),
    "an unknown field": spelled(EVENT | RUN, '"x": [{"y": null}, true, "z"]'),
    "a huge integer in an ignored field": spelled(EVENT | RUN, '"x": ' + "9" * 6_000),
    "a huge fraction in an ignored field": spelled(EVENT | RUN, '"x": 0.' + "9" * 6_000),
    "a number beyond any double in an ignored field": spelled(EVENT | RUN, '"x": [1e400, -1e1000, 1e-99999999999]'),
    "a NUL in an ignored field": spelled(EVENT | RUN, r'"x": "\u0000", "\u0000": {"\u0000": ["\u0000"]}'),
    "an ignored field of a megabyte": spelled(EVENT | RUN, f'"x": "{"y" * 1_000_000}"'),
    "an ignored field of 5000 keys": spelled(EVENT | RUN, f'"x": {json.dumps({str(n): n for n in range(5_000)})}'),
    "5000 ignored fields": spelled(EVENT | RUN, *(f'"x{n}": {n}' for n in range(5_000))),
    "ignored brackets in strings": spelled(EVENT | RUN, f'"x": "{"[{" * 100}"'),
    "names in other letters": spelled(EVENT | RUN, '"Action": 5, "FSM_TYPE": 5, "kind ": 5'),
    "a name of the product's own": spelled(EVENT | RUN, '"identity": 5, "": 5'),
    "null for what is optional": spelled(
        EVENT | RUN, '"from_state": null, "to_state": null, "success": null, "error_message": null, "metadata": null,'
        '"lease": null, "step": null, "input_payload": null, "output_results": \n null '
    ),
    "a wrong earlier value of every field": preceded(
        EVENT | RUN | {"from_state": None, "success": None, "metadata": None, "lease": None, "error_message": None,
                       "step": None, "input_payload": None, "to_state": None},
        *(f'"{name}": {wrong}' for name in EVENT | RUN for wrong in ("5", '""', "[1e1000]", '{"a": true}')),
        r'"from_state": "\u0000", "success": 1, "metadata": {"a": "\u0000"}, "lease": {"lease_epoch": "1"}, "step": 5',
        f'"error_message": "{"x" * 9_000}", "input_payload": 1e1000, "to_state": "{"x" * 51}"',
    ),
    "a right earlier value that null takes back": preceded(
        EVENT | RUN | {"from_state": None, "success": None, "metadata": None, "lease": None},
        '"from_state": "S", "success": false, "metadata": {"a": 1}, "lease": {"lease_id": "l", "lease_epoch": 1}',
    ),
}  # fmt: skip


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS)
def test_what_says_the_same_decodes_to_the_same(value: bytes) -> None:
    assert decode(value) == PLAIN


def test_the_plain_event_is_what_it_says() -> None:
    transitioned, run = PLAIN
    assert isinstance(transitioned, TransitionEvent)
    assert isinstance(run, WorkflowEvent)
    assert (transitioned.entity_id, transitioned.action, transitioned.success) == ("doc-1", "START_PROCESSING", True)
    assert (run.workflow_id, run.kind, run.operation_type) == ("wf-1", "STARTED", "DOCUMENT_INGESTION")
    assert {transitioned.from_state, transitioned.metadata, transitioned.lease, run.step, run.input_payload} == {None}


@pytest.mark.parametrize(
    ("members", "lease"),
    [
        ('"lease": {"lease_id": "l", "lease_epoch": 1}', Lease("l", 1)),
        ('"lease": {"lease_epoch": 0, "lease_id": "l", "lease_expires_at": 1e999}', Lease("l", 0)),
        ('"lease": {"lease_id": 5, "lease_id": "l", "lease_epoch": "x", "lease_epoch": 1}', Lease("l", 1)),
        ('"lease": {"lease_id": "", "lease_epoch": -1, "lease_id": "l", "lease_epoch": 1}', Lease("l", 1)),
        ('"lease": 5, "lease": {"lease_id": null, "lease_id": "l", "lease_epoch": 1}', Lease("l", 1)),
        ('"lease": {"lease_id": "k", "lease_epoch": 9}, "lease": {"lease_id": "l", "lease_epoch": 1}', Lease("l", 1)),
        (r'"lease": {"lease_id": "\u0000", "lease_id": "l", "lease_epoch": 1, "x": "\u0000"}', Lease("l", 1)),
        ('"lease": {"lease_id": "l", "lease_epoch": 1}, "lease": null', None),
        ('"lease": [], "lease": null', None),
    ],
)
def test_of_repeated_keys_the_last_counts_within_a_lease_too(members: str, lease: Lease | None) -> None:
    for verdict in decode(spelled(EVENT | RUN, members)):
        assert not isinstance(verdict, Undecodable), verdict
        assert verdict.lease == lease


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ('"lease": {"lease_id": "l", "lease_epoch": 1}, "lease": {"lease_id": "l"}', "lease.lease_epoch: required"),
        ('"lease": {"lease_id": "l", "lease_id": null, "lease_epoch": 1}', "lease.lease_id: required"),
        ('"metadata": {}, "metadata": []', "metadata: must be an object"),
        ('"entity_id": null', "entity_id: required"),
        ('"entity_id": 5', "entity_id: expected `str`, got `int`"),
    ],
)
def test_a_right_earlier_value_does_not_help(members: str, detail: str) -> None:
    for verdict in decode(spelled(EVENT | RUN, members)):
        assert verdict == Undecodable("invalid", detail)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
@example(b"\xff")
@example(b'{"lease":')
def test_every_value_has_an_answer(value: bytes) -> None:
    decode(value)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=3))
def test_every_damage_has_an_answer(start: int, end: int, put: bytes) -> None:
    decode(WHOLE[:start] + put + WHOLE[end:])
