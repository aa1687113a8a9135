"""A record as a line: what is made of it decodes to the event that the record was."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given

from envelopes import BESIDE, DATA, ENVELOPE, EVENT, STRUCTURED, WHOLE, decode, encoded
from foldline.core.events import Headers, Undecodable
from foldline.core.one_line import line_of
from near_valid import enveloped, near_valid

DEEP = json.dumps(DATA | {"metadata": 0}).replace(": 0", ": " + '{"a":' * 63 + "1" + "}" * 63).encode()


@given(near_valid())
def test_a_plain_event_keeps_its_text_and_loses_its_line_breaks(value: bytes) -> None:
    _decodes_to_the_same(value, ())


@given(enveloped())
@example((DEEP, BESIDE))
@example((b"{}", STRUCTURED))
@example((json.dumps(ENVELOPE | encoded(json.dumps(DATA).encode())).encode(), ()))
def test_an_event_in_any_envelope_is_the_same_event_as_a_line(record: tuple[bytes, Headers]) -> None:
    _decodes_to_the_same(*record)


def _decodes_to_the_same(value: bytes, headers: Headers) -> None:
    line = line_of(value, headers)
    was = decode(value, headers)
    if line is None:
        assert all(isinstance(each, Undecodable) for each in was)
        return
    assert b"\n" not in line
    assert b"\r" not in line
    for before, after in zip(was, decode(line), strict=True):
        if isinstance(before, Undecodable):
            assert isinstance(after, Undecodable)
        else:
            assert after == before


@pytest.mark.parametrize("headers", [BESIDE, *(((name.upper(), text), *BESIDE) for name, text in BESIDE[:1])])
def test_binary_becomes_structured_with_every_attribute(headers: Headers) -> None:
    line = line_of(json.dumps(DATA).encode(), headers)
    assert line is not None
    assert json.loads(line) == WHOLE


def test_no_digit_is_lost_and_nothing_within_a_string_is_touched() -> None:
    text = '{\r\n "metadata": {"a": 1e400, "b": 0.10000000000000000000000001, "c": "x\\ny  z"}\n}\n'
    assert line_of(text.encode(), ()) == (
        b'{   "metadata": {"a": 1e400, "b": 0.10000000000000000000000001, "c": "x\\ny  z"} }'
    )


def test_depth_counts_afresh_where_an_envelope_would_make_it_too_deep() -> None:
    line = line_of(DEEP, BESIDE)
    assert line is not None
    assert "data_base64" in json.loads(line)
    assert decode(line) == decode(DEEP, BESIDE)
    assert not isinstance(decode(line)[0], Undecodable)


@pytest.mark.parametrize("value", [None, b"", b"[]", b"\xff", b"{", b'"x"', b"\xef\xbb\xbf{}"])
def test_what_is_no_object_is_no_line(value: bytes | None) -> None:
    assert line_of(value, ()) is None
    assert line_of(value, BESIDE) is None
    assert line_of(json.dumps(EVENT).encode(), (("ce_id", b"\xff"),)) is None
