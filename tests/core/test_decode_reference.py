"""Decoding agrees with the slow second reading of its rules, and with itself: one pass or member by member.

Both must come to the same event or to the same reason, and the detail must begin with the path of a field that really
breaks its rule. Some of the generated objects are decoded in one pass and some member by member, so the two ways agree
with each other as well.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Headers, TransitionEvent, Undecodable, WorkflowEvent
from near_valid import ATOMS, BROKEN, OCTETS, PLAIN, TIMES, VERSIONS, enveloped, every_atom_in_every_field, near_valid
from oracle.decode import FIELDS, instant, parsed, reference


def agreed(sort: str, value: bytes, headers: Headers = ()) -> str:
    """What both readings say: `event` or the reason."""
    verdict = (decode_transition if sort == "transition" else decode_workflow)(value, headers)
    expected = reference(sort, value, headers)
    if not isinstance(verdict, Undecodable):
        assert isinstance(expected, dict)
        derived = {"event_id": verdict.event_id} | ({"success": True} if sort == "transition" else {})
        assert said(verdict, sort) == derived | expected | {"occurred_at": instant(expected["occurred_at"])}
        return "event"
    if verdict.reason == "invalid":
        assert isinstance(expected, set)
        assert verdict.detail.partition(": ")[0] in expected
    else:
        assert (verdict.reason, expected) == ("malformed", "malformed")
    return verdict.reason


def said(verdict: TransitionEvent | WorkflowEvent, sort: str) -> dict[str, Any]:
    """What the event says, in the reference's terms; what it merely derives is left out."""
    fields: dict[str, Any] = {name: getattr(verdict, name) for name in FIELDS[sort]}
    for name in {"metadata", "input_payload", "output_results"} & fields.keys():
        fields[name] = parsed(fields[name]) if fields[name] is not None else None
    if verdict.lease is not None:
        fields["lease"] = {"lease_id": verdict.lease.id, "lease_epoch": verdict.lease.epoch}
    assert verdict.occurred_at.tzinfo is UTC
    return {name: value for name, value in fields.items() if value is not None}


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["transition", "workflow"]), near_valid())
def test_decoding_agrees_with_a_second_reading_of_the_rules(sort: str, value: bytes) -> None:
    agreed(sort, value)


def test_they_agree_on_every_atom_in_every_field() -> None:
    reasons = Counter[str]()
    for sort, value in every_atom_in_every_field():
        reasons[agreed(sort, value)] += 1
    assert min(reasons.values()) > 100
    assert len(reasons) == 3


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["transition", "workflow"]), enveloped())
def test_they_agree_on_envelopes(sort: str, record: tuple[bytes, Headers]) -> None:
    agreed(sort, *record)


def test_they_agree_on_every_atom_in_every_attribute_of_either_mode() -> None:
    reasons = Counter[str]()
    plain = ("{" + ",".join(f'"{key}":{value}' for key, value in PLAIN.items()) + "}").encode()
    for sort in FIELDS:
        for name in ("id", "time", "correlationid", "specversion", "data", "data_base64", "source"):
            for atom in (*ATOMS, *TIMES, *BROKEN, *VERSIONS):
                members = [f'"specversion":"1.0","data":{plain.decode()}', f'"{name}":{atom}']
                for order in (members, members[::-1]):
                    value = f"{{{','.join(order)}}}".encode(errors="surrogateescape")
                    reasons[agreed(sort, value)] += 1
            for octets in OCTETS:
                reasons[agreed(sort, plain, ((f"ce_{name}", octets),))] += 1
                reasons[
                    agreed(sort, plain, ((f"ce_{name}", octets), (f"CE_{name}", b"x"), ("content-type", b"x")))
                ] += 1
    assert min(reasons.values()) > 100
    assert len(reasons) == 3


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["transition", "workflow"]), near_valid())
def test_a_decoded_event_survives_a_round_trip(sort: str, value: bytes) -> None:
    """Written out again from what was decoded, and decoded again: the same event with the same identity."""
    decode = decode_transition if sort == "transition" else decode_workflow
    first = decode(value)
    if isinstance(first, Undecodable):
        return
    texts = {"metadata", "input_payload", "output_results"} & set(FIELDS[sort])
    fields = {name: getattr(first, name) for name in FIELDS[sort] if name not in texts | {"lease", "occurred_at"}}
    fields["occurred_at"] = first.occurred_at.isoformat()
    if first.lease is not None:
        fields["lease"] = {"lease_id": first.lease.id, "lease_epoch": first.lease.epoch}
    free = [f'"{name}":{getattr(first, name)}' for name in sorted(texts) if getattr(first, name) is not None]
    assert decode(("{" + ",".join([*free, json.dumps(fields)[1:]])).encode()) == first
