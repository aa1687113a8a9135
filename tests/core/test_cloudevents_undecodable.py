"""Events in CloudEvents envelopes that are none: each fault has its reason, and the path that its publisher wrote."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envelopes import BESIDE, DATA, ENVELOPE, EVENT, GIVEN, STRUCTURED, WHOLE, decode, encoded, spelled
from foldline.core.events import Headers, Undecodable

# What is no event, and how the detail begins.
UNDECODABLE: dict[str, tuple[bytes | None, Headers, str, str]] = {
    "no data": (spelled(ENVELOPE), (), "invalid", "data: required"),
    "null data": (spelled(ENVELOPE | {"data": None}), (), "invalid", "data: required"),
    "null base64": (spelled(ENVELOPE | {"data_base64": None}), (), "invalid", "data: required"),
    "a plain event under a content type that says otherwise": (spelled(EVENT), STRUCTURED, "invalid", "data: required"),
    "data that is a string": (spelled(ENVELOPE | {"data": json.dumps(DATA)}), (), "invalid", "data: must be an object"),
    "data that is an array": (spelled(ENVELOPE | {"data": [DATA]}), (), "invalid", "data: must be an object"),
    "data that is a number": (spelled(ENVELOPE, '"data": 1e999'), (), "invalid", "data: must be an object"),
    "data that counts is a later one": (spelled(WHOLE, '"data": null'), (), "invalid", "data: required"),
    "both": (spelled(WHOLE | encoded(spelled(DATA))), (), "invalid", "data_base64: stands beside data"),
    "no base64": (spelled(ENVELOPE | {"data_base64": "{}"}), (), "invalid", "data_base64: not b"),
    "base64 of the URL alphabet": (spelled(ENVELOPE | {"data_base64": "e30_"}), (), "invalid", "data_base64: not b"),
    "base64 without padding": (spelled(ENVELOPE | {"data_base64": "e3"}), (), "invalid", "data_base64: not b"),
    "base64 on two lines": (spelled(ENVELOPE | {"data_base64": "e30g\nICAg"}), (), "invalid", "data_base64: not b"),
    "base64 outside ASCII": (spelled(ENVELOPE | {"data_base64": "é"}), (), "invalid", "data_base64: not b"),
    "base64 that is an object": (spelled(ENVELOPE | {"data_base64": DATA}), (), "invalid", "data_base64: expected"),
    "base64 of nothing": (spelled(ENVELOPE | encoded(b"")), (), "invalid", "data_base64: not JSON"),
    "base64 of no JSON": (spelled(ENVELOPE | encoded(b"{")), (), "invalid", "data_base64: not JSON"),
    "base64 of an array": (spelled(ENVELOPE | encoded(b"[]")), (), "invalid", "data_base64: must be an object"),
    "base64 of null": (spelled(ENVELOPE | encoded(b"null")), (), "invalid", "data_base64: must be an object"),
    "base64 of no UTF-8": (
        spelled(ENVELOPE | encoded(spelled(DATA, '"x": "@"').replace(b"@", b"\xfc"))), (), "invalid",
        "data_base64: not UTF-8",
    ),
    "base64 with a byte order mark": (
        spelled(ENVELOPE | encoded(b"\xef\xbb\xbf" + spelled(DATA))), (), "invalid", "data_base64: not JSON",
    ),
    "base64 of a lone surrogate": (
        spelled(ENVELOPE | encoded(spelled(DATA, r'"x": "\ud800"'))), (), "invalid", "data_base64: a lone surrogate",
    ),
    "another version": (spelled(WHOLE | {"specversion": "0.3"}), (), "invalid", 'specversion: must be "1.0"'),
    "a version that encodes its data otherwise": (
        spelled(ENVELOPE | {"specversion": "0.3", "datacontentencoding": "base64", "data": "e30="}), (), "invalid",
        'specversion: must be "1.0"',
    ),
    "a later version": (spelled(WHOLE | {"specversion": "1.1"}), (), "invalid", 'specversion: must be "1.0"'),
    "a version that is a number": (spelled(WHOLE, '"specversion": 1.0'), (), "invalid", 'specversion: must be "1.0"'),
    "a version beyond numbers": (spelled(WHOLE, f'"specversion": {"9" * 5000}'), (), "invalid", "specversion: must be"),
    "another version in a header": (spelled(EVENT), (("ce_specversion", b"0.3"),), "invalid", "ce_specversion: must"),
    "no UTF-8 in a version": (spelled(EVENT), (("ce_specversion", b"\xff"),), "invalid", "ce_specversion: not UTF-8"),
    "an id that is a number": (spelled(WHOLE | {"id": 5}), (), "invalid", "id: expected `str`, got `int`"),
    "an empty id": (spelled(WHOLE | {"id": ""}), (), "invalid", "id: expected `str` of length >= 1"),
    "a long id": (spelled(WHOLE | {"id": "😀" * 256}), (), "invalid", "id: expected `str` of length <= 255"),
    "a NUL in an id": (spelled(WHOLE | {"id": "a\0"}), (), "invalid", "id: a NUL character"),
    "an empty correlationid": (spelled(WHOLE | {"correlationid": ""}), (), "invalid", "correlationid: expected"),
    "a NUL in a correlationid": (spelled(WHOLE | {"correlationid": "\0"}), (), "invalid", "correlationid: a NUL"),
    "a correlationid that is no string": (spelled(WHOLE | {"correlationid": [1]}), (), "invalid", "correlationid: exp"),
    "a time that is a number": (spelled(WHOLE | {"time": 5}), (), "invalid", "time: expected `str`, got `int`"),
    "a time without an offset": (spelled(WHOLE | {"time": "2026-01-31T12:00:00"}), (), "invalid", "time: must be"),
    "an attribute is wrong whatever the data say": (
        spelled(WHOLE | {"id": "", "data": EVENT | {"event_id": "e-1"}}), (), "invalid", "id: expected",
    ),
    "no correlation anywhere": (
        spelled({"specversion": "1.0", "time": GIVEN["time"], "data": DATA}), (), "invalid", "correlation_id: required",
    ),
    "no time anywhere": (
        spelled({"specversion": "1.0", "correlationid": "c", "data": DATA}), (), "invalid", "occurred_at: required",
    ),
    "a field of the data": (
        spelled(WHOLE | {"data": DATA | {"entity_id": 5}}), (), "invalid", "entity_id: expected `str`, got `int`",
    ),
    "a time of the data": (
        spelled(WHOLE | {"time": None, "data": EVENT | {"occurred_at": "now"}}), (), "invalid", "occurred_at: must be",
    ),
    "a NUL in the data": (spelled(WHOLE | {"data": DATA | {"entity_id": "\0"}}), (), "invalid", "entity_id: a NUL"),
    "a NUL in base64": (
        spelled(ENVELOPE | encoded(spelled(DATA | {"entity_id": "\0"}))), (), "invalid", "entity_id: a NUL",
    ),
    "an envelope in an envelope": (
        spelled(ENVELOPE | {"data": {"specversion": "1.0", "data": EVENT}}), (), "invalid", "",
    ),
    "binary without a value": (None, BESIDE, "malformed", "no value (a tombstone)"),
    "structured without a value": (None, STRUCTURED, "malformed", "no value (a tombstone)"),
    "binary with an empty value": (b"", BESIDE, "malformed", "not JSON"),
    "binary with no JSON": (b"<xml/>", BESIDE, "malformed", "not JSON"),
    "binary with an array": (b"[]", BESIDE, "malformed", "not a JSON object"),
    "structured with no JSON": (b"<xml/>", STRUCTURED, "malformed", "not JSON"),
    "a batch": (
        b"[" + spelled(WHOLE) + b"]", (("content-type", b"application/cloudevents-batch+json"),), "malformed",
        "not a JSON object",
    ),
    "no UTF-8 in an id": (spelled(DATA), (*BESIDE, ("ce_id", b"\xff")), "invalid", "ce_id: not UTF-8"),
    "no UTF-8 in a time": (spelled(DATA), (*BESIDE, ("CE_Time", b"\xff")), "invalid", "ce_time: not UTF-8"),
    "a surrogate in a header": (spelled(DATA), (*BESIDE, ("ce_id", b"\xed\xa0\x80")), "invalid", "ce_id: not UTF-8"),
    "an empty header": (spelled(DATA), (*BESIDE, ("ce_id", b"")), "invalid", "ce_id: expected `str` of length >= 1"),
    "a long header": (spelled(DATA), (*BESIDE, ("ce_id", b"x" * 256)), "invalid", "ce_id: expected `str` of length <="),
    "a NUL in a header": (spelled(DATA), (*BESIDE, ("ce_id", b"a\0")), "invalid", "ce_id: a NUL character"),
    "a NUL in another": (spelled(DATA), (*BESIDE, ("ce_correlationid", b"\0")), "invalid", "ce_correlationid: a NUL"),
    "a header that is no time": (spelled(DATA), (*BESIDE, ("ce_time", b"now")), "invalid", "ce_time: must be an RFC"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "headers", "reason", "detail"), UNDECODABLE.values(), ids=UNDECODABLE)
def test_what_an_envelope_lacks_is_named_as_its_publisher_wrote_it(
    value: bytes | None, headers: Headers, reason: str, detail: str
) -> None:
    for verdict in decode(value, headers):
        assert isinstance(verdict, Undecodable)
        assert verdict.reason == reason
        assert verdict.detail.startswith(detail)


HEADERS = st.tuples(st.sampled_from(["ce_id", "ce_time", "Content-Type", "x"]), st.none() | st.binary(max_size=9))
CANARY = "s3cr3t"


@pytest.mark.parametrize("name", [*ENVELOPE, "data", "data_base64"])
def test_no_detail_holds_a_value(name: str) -> None:
    for wrong in (CANARY, f"\0{CANARY}", CANARY * 50, [CANARY], {CANARY: CANARY}):
        for verdict in decode(spelled(WHOLE | {name: wrong})):
            assert not isinstance(verdict, Undecodable) or CANARY not in verdict.detail
    for octets in (CANARY.encode(), CANARY.encode() + b"\0", CANARY.encode() + b"\xff", CANARY.encode() * 50):
        for verdict in decode(spelled(DATA), (*BESIDE, (f"ce_{name}", octets))):
            assert not isinstance(verdict, Undecodable) or CANARY not in verdict.detail


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=40),
    st.lists(HEADERS),
)
def test_every_record_has_an_answer(value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    decode(value, tuple(headers))
    decode(spelled(ENVELOPE | encoded(value)), tuple(headers))
