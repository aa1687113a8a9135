"""Identities: derived event ids against vectors made from the contract's text with nothing but SHA-1, and digests."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import TransitionEvent, WorkflowEvent
from foldline.core.identity import derived_event_id, identity_digest
from harness import transition, workflow

SHORT = {8: r"\b", 9: r"\t", 10: r"\n", 12: r"\f", 13: r"\r", 0x22: r"\"", 0x5C: r"\\"}


def uuid5(namespace: bytes, name: bytes) -> str:
    """RFC 9562, section 5.5, by hand: SHA-1, version 5, variant 10."""
    octets = bytearray(hashlib.sha1(namespace + name, usedforsecurity=False).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


DNS = bytes.fromhex("6ba7b8109dad11d180b400c04fd430c8")
NAMESPACE = bytes.fromhex(uuid5(DNS, b"foldline.event").replace("-", ""))


def rfc8785_string(text: str) -> str:
    """RFC 8785, section 3.2.2.2: seven short escapes, lower-case hex for the other controls, all else as it is."""
    return '"' + "".join(SHORT.get(ord(c), f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in text) + '"'


def rfc8785_array(*parts: str | bool | None) -> str:
    written = [
        rfc8785_string(part) if isinstance(part, str) else {None: "null", True: "true", False: "false"}[part]
        for part in parts
    ]
    return f"[{','.join(written)}]"


def expected(*parts: str | bool | None) -> str:
    return uuid5(NAMESPACE, rfc8785_array(*parts).encode())


def event_of(event: dict[str, Any]) -> TransitionEvent | WorkflowEvent:
    value = json.dumps(event).encode()
    found = decode_workflow(value) if "workflow_id" in event else decode_transition(value)
    assert isinstance(found, TransitionEvent | WorkflowEvent), found
    return found


WITHOUT_ID = [
    (
        transition("A"),
        ("transition", "INGESTION", "doc-1", "c-1", "A", None, None, "2026-01-31T12:00:00.000000Z", True),
    ),
    (
        transition("A", from_state="S", to_state="T", success=False, occurred_at="2026-01-31 13:00:00.0000005+01:00"),
        ("transition", "INGESTION", "doc-1", "c-1", "A", "S", "T", "2026-01-31T12:00:00.000001Z", False),
    ),
    (
        transition("A", success=None, event_id=None, from_state=None, to_state="T"),
        ("transition", "INGESTION", "doc-1", "c-1", "A", None, "T", "2026-01-31T12:00:00.000000Z", True),
    ),
    (
        transition('"\\/\b\f\n\r\t\x01\x1f\x7f\x80\u2028é😀'),
        (
            "transition", "INGESTION", "doc-1", "c-1", '"\\/\b\f\n\r\t\x01\x1f\x7f\x80\u2028é😀',
            None, None, "2026-01-31T12:00:00.000000Z", True,
        ),
    ),
    (
        workflow("STARTED", input_payload={}),
        ("workflow", "wf-1", "c-1", "STARTED", None, "2026-01-31T12:00:00.000000Z"),
    ),
    (
        workflow("STEP_FAILED", step="s", error_message="x"),
        ("workflow", "wf-1", "c-1", "STEP_FAILED", "s", "2026-01-31T12:00:00.000000Z"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "parts"), WITHOUT_ID)
def test_an_absent_event_id_is_derived(event: dict[str, Any], parts: tuple[str | bool | None, ...]) -> None:
    assert event_of(event).event_id == expected(*parts)


def test_vectors_that_never_change() -> None:
    """Ids are in people's tables: another id for the same event would apply it twice."""
    assert event_of(transition("START_PROCESSING")).event_id == "929e4fbd-b458-5c0d-9693-4692d965afa1"
    assert event_of(workflow("STARTED")).event_id == "7d3c6214-dc33-5043-a5f9-5cabe0874724"


def test_a_given_event_id_is_kept() -> None:
    assert event_of(transition("A", event_id=" \n")).event_id == " \n"


def test_every_control_character_is_written_as_rfc_8785_says() -> None:
    for number in [*range(0x21), 0x22, 0x2F, 0x5C, 0x7F, 0x80, 0x9F, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]:
        assert derived_event_id(chr(number)) == expected(chr(number)), hex(number)


@settings(deadline=None)
@given(st.lists(st.none() | st.booleans() | st.text(max_size=20), max_size=9))
def test_any_parts_are_written_as_rfc_8785_says(parts: list[str | bool | None]) -> None:
    assert derived_event_id(*parts) == expected(*parts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (transition("A"), transition("A", success=False)),
        (transition("A", from_state="S"), transition("A", to_state="S")),
        (transition("A"), transition("A", occurred_at="2026-01-31T12:00:00.000001Z")),
        (transition("A", correlation_id="x"), transition("A", correlation_id="y")),
        (workflow("STEP_FAILED", step="a"), workflow("STEP_FAILED", step="b")),
        (transition("A", event_id="e"), transition("A", event_id="f")),
        (transition("A", event_id="e"), transition("A", event_id="e", correlation_id="c-2")),
        (transition("A", event_id="e"), transition("A", event_id="e", entity_id="doc-2")),
        (transition("A", event_id="e"), transition("A", event_id="e", fsm_type="OTHER")),
        (workflow("PAUSED", event_id="e"), workflow("PAUSED", event_id="e", workflow_id="wf-2")),
        (workflow("PAUSED", event_id="e"), workflow("PAUSED", event_id="e", correlation_id="c-2")),
    ],
)
def test_events_that_differ_in_their_identity(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert event_of(one).identity != event_of(other).identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (transition("A"), transition("A", metadata={"x": 1}, error_message="m")),
        (transition("A"), transition("A", occurred_at="2026-01-31t13:00:00.0000001+01:00", success=True)),
        (transition("A", event_id="e"), transition("B", event_id="e", success=False, to_state="T")),
        (workflow("PAUSED", event_id="e"), workflow("RESUMED", event_id="e")),
        (transition("A"), transition("A", event_id=event_of(transition("A")).event_id)),
    ],
)
def test_events_that_are_the_same_whatever_else_they_say(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert event_of(one).identity == event_of(other).identity


def test_a_digest_is_blake2b_of_the_parts_joined_by_nul() -> None:
    joined = "transition\0INGESTION\0doc-😀\0c-1\0e".encode()
    assert (
        identity_digest("transition", "INGESTION", "doc-😀", "c-1", "e")
        == hashlib.blake2b(joined, digest_size=16).hexdigest()
    )


def test_digests_tell_apart_where_one_part_ends_and_the_next_begins() -> None:
    splits = [("a", "bc"), ("ab", "c"), ("abc",), ("", "abc"), ("abc", "")]
    digests = [identity_digest(*split) for split in splits]
    assert all(one != other for one, other in itertools.combinations(digests, 2))
