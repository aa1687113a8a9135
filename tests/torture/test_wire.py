"""The framing: however the bytes are cut on their way, the messages are the same, and no byte is lost."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torture import wire
from torture.wire import Cutter, FramingError, Message


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


BODIES = st.binary(max_size=40)
KINDS = st.sampled_from([b"P", b"B", b"E", b"Q", b"d", b"c", b"S", b"C", b"Z"])
STREAMS = st.lists(st.tuples(KINDS, BODIES), max_size=12)


@given(STREAMS, st.booleans(), st.lists(st.integers(1, 9), min_size=1))
def test_messages_are_the_same_however_the_bytes_are_cut(
    stream: list[tuple[bytes, bytes]],
    opening: bool,  # noqa: FBT001 - drawn
    cuts: list[int],
) -> None:
    whole = [message(*said) for said in stream]
    octets = b"".join([struct.pack("!IHH", 8, 3, 0), *whole] if opening else whole)
    cutter, found, at = Cutter(opening=opening), [], 0
    for number in range(len(octets)):
        size = cuts[number % len(cuts)]
        found += cutter.feed(octets[at : at + size])
        at += size
    assert b"".join(each.raw for each in found) == octets
    assert [(each.kind, each.body) for each in found if each.kind] == stream


def test_a_request_for_encryption_is_refused() -> None:
    with pytest.raises(FramingError):
        Cutter(opening=True).feed(struct.pack("!IHH", 8, 1234, 5679))


def test_a_statement_is_prepared_bound_and_run() -> None:
    (parse,) = Cutter(opening=False).feed(message(b"P", b"_pg3_0\0SELECT $1, $2\0\0\0"))
    assert wire.parsed(parse) == ("_pg3_0", "SELECT $1, $2")
    body = b"\0_pg3_0\0" + struct.pack("!HHH", 2, 1, 0) + struct.pack("!H", 2)
    body += struct.pack("!i", 2) + struct.pack("!h", -7) + struct.pack("!i", 2) + b"41" + struct.pack("!H", 0)
    bound = wire.bound(Message(b"B", body, b""))
    assert (bound.portal, bound.statement) == ("", "_pg3_0")
    assert (bound.number(0), bound.number(1)) == (-7, 41)


def test_null_is_a_parameter_too_and_one_format_is_that_of_all() -> None:
    body = b"p\0s\0" + struct.pack("!HHH", 1, 1, 2) + struct.pack("!i", -1) + struct.pack("!iq", 8, 1 << 40)
    bound = wire.bound(Message(b"B", body, b""))
    assert bound.parameters[0] == (None, True)
    assert bound.number(1) == 1 << 40
