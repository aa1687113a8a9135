"""Where a line of a file goes: the contract of `publish`, without a broker."""

from __future__ import annotations

import gzip
import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from foldline.errors import PublishError
from foldline.kafka.publisher import Routed, read_lines, route, routes

TRANSITIONS, WORKFLOWS = "t", "w"
TRANSITION: dict[str, Any] = {
    "correlation_id": "c-1",
    "occurred_at": "2026-01-31T12:00:00Z",
    "fsm_type": "INGESTION",
    "entity_id": "doc-1",
    "action": "START_PROCESSING",
}
WORKFLOW: dict[str, Any] = {
    "correlation_id": "c-1",
    "occurred_at": "2026-01-31T12:00:00Z",
    "workflow_id": "wf-1",
    "kind": "PAUSED",
}


def _json(*parts: dict[str, Any], **more: object) -> bytes:
    fields: dict[str, Any] = {}
    for part in parts:
        fields |= part
    return json.dumps(fields | more, ensure_ascii=False).encode()


def _route(line: bytes, *, raw: bool = False) -> Routed:
    return route(line, transition_topic=TRANSITIONS, workflow_topic=WORKFLOWS, raw=raw)


EVENTS = {
    "a transition event": (_json(TRANSITION), TRANSITIONS, b"doc-1"),
    "a workflow event": (_json(WORKFLOW), WORKFLOWS, b"wf-1"),
    "both: fsm_type decides": (_json(WORKFLOW, TRANSITION), TRANSITIONS, b"doc-1"),
    "a workflow event that names an entity": (_json(WORKFLOW, entity_id="doc-1"), WORKFLOWS, b"wf-1"),
    "null is absent": (_json(WORKFLOW, fsm_type=None), WORKFLOWS, b"wf-1"),
    "a key outside ASCII is UTF-8": (_json(TRANSITION, entity_id="Straße 1"), TRANSITIONS, "Straße 1".encode()),
    "an escaped key is the same key": (
        _json(TRANSITION).replace(b'"doc-1"', b'"d\\u006fc-1"'),
        TRANSITIONS,
        b"doc-1",
    ),
    "the last of a repeated member counts": (
        b'{"fsm_type":3,"entity_id":"doc-0",' + _json(TRANSITION)[1:],
        TRANSITIONS,
        b"doc-1",
    ),
    "an ignored member may be strange": (
        b'{"huge":' + b"9" * 6_000 + b',"nul":"\\u0000",' + _json(TRANSITION)[1:],
        TRANSITIONS,
        b"doc-1",
    ),
    "white space around it stays": (b" \t" + _json(TRANSITION) + b" \r", TRANSITIONS, b"doc-1"),
    "the longest id": (_json(TRANSITION, entity_id="x" * 255), TRANSITIONS, b"x" * 255),
}


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(("line", "topic", "key"), EVENTS.values(), ids=EVENTS)
def test_an_event_goes_to_its_topic_under_its_key_byte_for_byte(line: bytes, topic: str, key: bytes, raw: bool) -> None:  # noqa: FBT001
    assert _route(line, raw=raw) == Routed(topic, key, line)


NO_EVENTS = {
    "no JSON": (b"START_PROCESSING doc-1", "not JSON"),
    "an array": (b"[" + _json(TRANSITION) + b"]", "not a JSON object"),
    "a number": (b"7", "not a JSON object"),
    "cut off": (_json(TRANSITION)[:-9], "not JSON"),
    "two objects": (_json(TRANSITION) * 2, "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + _json(TRANSITION), "not JSON"),
    "no UTF-8": (_json(TRANSITION, entity_id="x").replace(b'"x"', b'"\xfc"'), "UTF-8"),
    "nested 65 deep": (_json(TRANSITION)[:-1] + b',"metadata":' + b'{"a":' * 64 + b"1" + b"}" * 65, "64"),
    "nested beyond any stack": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep"),
    "neither fsm_type nor workflow_id": (_json(correlation_id="c-1"), "neither fsm_type nor workflow_id"),
    "an empty object": (b"{}", "neither fsm_type nor workflow_id"),
    "no entity_id": (_json(TRANSITION, entity_id=None), "entity_id"),
    "an entity_id that is a number": (_json(TRANSITION, entity_id=7), "entity_id"),
    "an empty entity_id": (_json(TRANSITION, entity_id=""), "entity_id"),
    "an entity_id of 256 characters": (_json(TRANSITION, entity_id="x" * 256), "entity_id"),
    "an fsm_type that is a number": (_json(WORKFLOW, TRANSITION, fsm_type=7), "fsm_type"),
    "no action": (_json(TRANSITION, action=None), "action"),
    "a time without an offset": (_json(TRANSITION, occurred_at="2026-01-31T12:00:00"), "occurred_at"),
    "a kind that nobody knows": (_json(WORKFLOW, kind="EXPLODED"), "kind"),
    "STARTED without operation_type": (_json(WORKFLOW, kind="STARTED", entity_id="doc-1"), "operation_type"),
}


@pytest.mark.parametrize(("line", "why"), NO_EVENTS.values(), ids=NO_EVENTS)
def test_a_line_that_is_no_event_is_refused_with_the_cause_and_a_remedy(line: bytes, why: str) -> None:
    with pytest.raises(PublishError) as refused:
        _route(line)
    assert why in refused.value.problem
    assert "--raw" in refused.value.remedy


@pytest.mark.parametrize("line", [line for line, _ in NO_EVENTS.values()], ids=NO_EVENTS)
def test_raw_refuses_nothing(line: bytes) -> None:
    routed = _route(line, raw=True)
    assert routed.value == line
    assert routed.topic in {TRANSITIONS, WORKFLOWS}


RAW = {
    "no JSON": (b"START_PROCESSING doc-1", TRANSITIONS, None),
    "an object of no kind": (b'{"entity_id":"doc-1"}', TRANSITIONS, None),
    "a transition event with a fault keeps its way": (
        _json(TRANSITION, occurred_at="yesterday"),
        TRANSITIONS,
        b"doc-1",
    ),
    "a workflow event with a fault keeps its way": (_json(WORKFLOW, kind="EXPLODED"), WORKFLOWS, b"wf-1"),
    "and so does one whose text is unsound": (
        _json(TRANSITION, action="@").replace(b"@", b"\xfc"),
        TRANSITIONS,
        b"doc-1",
    ),
    "a transition event without an id": (_json(TRANSITION, entity_id=None), TRANSITIONS, None),
    "an id of the wrong type": (_json(TRANSITION, entity_id=7), TRANSITIONS, None),
    "an empty id": (_json(TRANSITION, entity_id=""), TRANSITIONS, None),
}


@pytest.mark.parametrize(("line", "topic", "key"), RAW.values(), ids=RAW)
def test_raw_takes_what_the_line_tells_of_its_way(line: bytes, topic: str, key: bytes | None) -> None:
    assert _route(line, raw=True) == Routed(topic, key, line)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("event", [TRANSITION, WORKFLOW, TRANSITION | WORKFLOW], ids=["transition", "workflow", "both"])
def test_an_envelope_goes_where_the_event_in_it_belongs(event: dict[str, Any], raw: bool) -> None:  # noqa: FBT001
    attributes = {"specversion": "1.0", "id": "e-1", "fsm_type": "of the envelope", "entity_id": 5, "workflow_id": ""}
    plain = _route(_json(event))
    for content in ({"data": event}, {"data_base64": b64encode(_json(event)).decode()}):
        line = _json(attributes, content)
        assert _route(line, raw=raw) == Routed(plain.topic, plain.key, line)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, "data: required"),
        ({"data": None}, "data: required"),
        ({"data": "text"}, "data: must be an object"),
        ({"data_base64": "?"}, "data_base64: not base64"),
        ({"data_base64": 1}, "data_base64: expected `str`"),
        ({"data": {}}, "neither fsm_type nor workflow_id"),
    ],
)
def test_an_envelope_with_nothing_in_it_has_no_way(content: dict[str, Any], why: str) -> None:
    line = _json({"specversion": "1.0"}, content)
    assert _route(line, raw=True) == Routed(TRANSITIONS, None, line)
    with pytest.raises(PublishError, match=why):
        _route(line)


@pytest.mark.parametrize(
    ("attributes", "why"), [({"id": 5}, "id: expected"), ({"specversion": "0.3"}, "specversion: must be")]
)
def test_an_envelope_with_a_fault_is_refused_and_keeps_its_way_raw(attributes: dict[str, Any], why: str) -> None:
    line = _json({"specversion": "1.0"}, attributes, data=TRANSITION)
    assert _route(line, raw=True) == Routed(TRANSITIONS, b"doc-1", line)
    with pytest.raises(PublishError, match=why):
        _route(line)


def test_routes_carries_the_line_number_into_the_record_and_into_the_refusal() -> None:
    found = routes(
        [(3, _json(TRANSITION)), (5, _json(WORKFLOW)), (9, b"{}"), (10, _json(WORKFLOW))],
        transition_topic=TRANSITIONS,
        workflow_topic=WORKFLOWS,
        raw=False,
    )
    assert [next(found).line, next(found).line] == [3, 5]
    with pytest.raises(PublishError, match=r"Line 9: no event: .*workflow_id"):
        next(found)


LINES = {
    "nothing": (b"", []),
    "one line": (b"a\n", [(1, b"a")]),
    "no newline at the end": (b"a\nb", [(1, b"a"), (2, b"b")]),
    "blank lines count and are skipped": (b"\n \t\r\na\n\n\nb\n\n", [(3, b"a"), (6, b"b")]),
    "carriage returns and spaces stay": (b" a \r\nb\r\n", [(1, b" a \r"), (2, b"b\r")]),
    "only a newline ends a line": (
        b"a\rb\x0bc\x0cd\xc2\x85e\xe2\x80\xa8f\n",
        [(1, b"a\rb\x0bc\x0cd\xc2\x85e\xe2\x80\xa8f")],
    ),
}


@pytest.mark.parametrize(("content", "lines"), LINES.values(), ids=LINES)
def test_lines_are_read_as_they_are(tmp_path: Path, content: bytes, lines: list[tuple[int, bytes]]) -> None:
    plain, named, unnamed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz", tmp_path / "packed"
    plain.write_bytes(content)
    named.write_bytes(gzip.compress(content))
    unnamed.write_bytes(gzip.compress(content))
    for source in (plain, named, unnamed, io.BytesIO(content), io.BytesIO(gzip.compress(content))):
        assert list(read_lines(source)) == lines


def test_a_stream_that_was_given_stays_open() -> None:
    stream = io.BufferedReader(io.BytesIO(b"a\n"))
    assert list(read_lines(stream)) == [(1, b"a")]
    assert not stream.closed


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    cut, wrong = tmp_path / "cut.gz", tmp_path / "wrong.gz"
    cut.write_bytes(gzip.compress(b"a\n" * 9_999)[:-12])
    wrong.write_bytes(b"plain\n")
    for path in (tmp_path / "missing", tmp_path, cut, wrong):
        with pytest.raises(PublishError) as refused:
            list(read_lines(path))
        assert refused.value.problem.startswith(str(path))
        assert "\n" not in str(refused.value)
        assert refused.value.remedy


def test_lines_before_the_break_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"\n".join(b"%d" % number for number in range(99_999)))[:-12])
    read: list[tuple[int, bytes]] = []
    with pytest.raises(PublishError, match="not sound gzip"):
        read.extend(read_lines(path))
    assert read[0] == (1, b"0")
    assert read == [(number + 1, b"%d" % number) for number in range(len(read))]
