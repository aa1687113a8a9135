"""Poison that other decoders were measured to let through, to PostgreSQL's or psycopg's harm; each with its verdict."""

from __future__ import annotations

import json

import pytest

from foldline.core.decode import decode_transition
from foldline.core.events import TransitionEvent, Undecodable
from harness import transition

# What stands behind the plain event's members, and the verdict: None for an event, else the reason and the path.
POISON: dict[str, tuple[bytes, tuple[str, str] | None]] = {
    "NUL in a metadata value": (rb'"metadata": {"a": "\u0000"}', ("invalid", "metadata: ")),
    "NUL in a metadata key": (rb'"metadata": {"a\u0000": 1}', ("invalid", "metadata: ")),
    "NUL deep in metadata": (rb'"metadata": {"a": [{"b": ["\u0000"]}]}', ("invalid", "metadata: ")),
    "NUL in entity_id": (rb'"entity_id": "doc\u0000"', ("invalid", "entity_id: ")),
    "NUL in correlation_id": (rb'"correlation_id": "\u0000"', ("invalid", "correlation_id: ")),
    "NUL in error_message": (rb'"error_message": "\u0000"', ("invalid", "error_message: ")),
    "NUL in lease_id": (rb'"lease": {"lease_id": "\u0000", "lease_epoch": 1}', ("invalid", "lease.lease_id: ")),
    "a raw NUL": (b'"metadata": {"a": "\0"}', ("malformed", "not JSON")),
    "NaN": (b'"metadata": {"a": NaN}', ("malformed", "not JSON")),
    "Infinity": (b'"metadata": {"a": Infinity}', ("malformed", "not JSON")),
    "-Infinity": (b'"metadata": {"a": -Infinity}', ("malformed", "not JSON")),
    "1e400": (b'"metadata": {"a": 1e400}', None),
    "-1e400": (b'"metadata": {"a": -1e400}', None),
    "1e131072": (b'"metadata": {"a": 1e131072}', ("invalid", "metadata: ")),
    "1e-16384": (b'"metadata": {"a": 1e-16384}', ("invalid", "metadata: ")),
    "300 characters of entity_id": (b'"entity_id": "' + b"x" * 300 + b'"', ("invalid", "entity_id: ")),
    "a lone high surrogate": (rb'"metadata": {"a": "\ud800"}', ("malformed", "a lone surrogate")),
    "a lone low surrogate": (rb'"entity_id": "\udc00"', ("malformed", "a lone surrogate")),
    "bad UTF-8": (b'"entity_id": "\xff"', ("malformed", "not UTF-8")),
    "half a character": (b'"entity_id": "\xc3"', ("malformed", "not UTF-8")),
    "CESU-8": (b'"entity_id": "\xed\xa0\xbd\xed\xb8\x80"', ("malformed", "not UTF-8")),
    "a trailing comma": (b'"metadata": {"a": 1,}', ("malformed", "not JSON")),
    "1000 deep": (b'"metadata": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000, ("malformed", "nested deeper")),
    "100,000 deep": (b'"x": ' + b"[" * 100_000 + b"]" * 100_000, ("malformed", "nested deeper")),
    "an integer of 5000 digits": (b'"metadata": {"a": ' + b"9" * 5000 + b"}", ("invalid", "metadata: ")),
    "an epoch of 5000 digits": (
        b'"lease": {"lease_id": "l", "lease_epoch": ' + b"9" * 5000 + b"}", ("invalid", "lease.lease_epoch: "),
    ),
    "a repeated key": (b'"action": "A", "action": "START_PROCESSING"', None),
    "more digits than a double has": (b'"metadata": {"a": 0.12345678901234567890123}', None),
    "year 10000 in UTC": (b'"occurred_at": "9999-12-31T23:59:59-14:00"', ("invalid", "occurred_at: ")),
    "before Christ in UTC": (b'"occurred_at": "0001-01-01T00:00:00+14:00"', ("invalid", "occurred_at: ")),
    "a naive time": (b'"occurred_at": "2026-01-31T12:00:00"', ("invalid", "occurred_at: ")),
    "an integer as a time": (b'"occurred_at": 1769860800', ("invalid", "occurred_at: ")),
    "now": (b'"occurred_at": "now"', ("invalid", "occurred_at: ")),
    "infinity": (b'"occurred_at": "infinity"', ("invalid", "occurred_at: ")),
    "a leap second": (b'"occurred_at": "2016-12-31T23:59:60Z"', ("invalid", "occurred_at: ")),
    "24:00": (b'"occurred_at": "2026-01-31T24:00:00Z"', ("invalid", "occurred_at: ")),
    "the year 0": (b'"occurred_at": "0000-06-01T00:00:00Z"', ("invalid", "occurred_at: ")),
    "the year 10000": (b'"occurred_at": "10000-06-01T00:00:00Z"', ("invalid", "occurred_at: ")),
    "a COPY end marker": (rb'"entity_id": "\\.", "error_message": "\\N\t\n\\."', None),
    "SQL": (b'"entity_id": "\'); DROP TABLE fsm_state; --"', None),
    "two values in one": (b'"metadata": {"a":1},{"a":2}', ("malformed", "not JSON")),
}  # fmt: skip


@pytest.mark.parametrize(("member", "verdict"), POISON.values(), ids=POISON)
def test_poison(member: bytes, verdict: tuple[str, str] | None) -> None:
    found = decode_transition(json.dumps(transition("START_PROCESSING")).encode()[:-1] + b", " + member + b"}")
    if verdict is None:
        assert isinstance(found, TransitionEvent)
    else:
        assert isinstance(found, Undecodable)
        assert (found.reason, found.detail[: len(verdict[1])]) == verdict
