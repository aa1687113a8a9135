"""Decoding agrees with the slow second reading of its rules, and with itself: one pass or member by member.

Near-valid objects are generated as text, keys repeated and values wrong in every way; both must come to the same event
or to the same reason, and the detail must begin with the path of a field that really breaks its rule. Some of the
objects are decoded in one pass and some member by member, so the two ways agree with each other as well.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import TransitionEvent, Undecodable, WorkflowEvent
from slow_decode import FIELDS, KINDS, instant, parsed, reference


def agreed(sort: str, value: bytes) -> str:
    """What both readings say: `event` or the reason."""
    verdict = (decode_transition if sort == "transition" else decode_workflow)(value)
    expected = reference(sort, value)
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
    assert verdict.occurred_at.tzinfo is UTC
    return {name: value for name, value in fields.items() if value is not None}


PLAIN = {
    "correlation_id": '"c"', "occurred_at": '"2026-01-31T12:00:00Z"', "fsm_type": '"F"', "entity_id": '"e"',
    "action": '"A"', "workflow_id": '"w"', "kind": '"PAUSED"',
}  # fmt: skip
ATOMS = ["null", "true", "false", "0", "1", "-1", "3.0", "1e2", "-0.0", "9223372036854775807", "9223372036854775808",
         "1e999", "1e-1000", "1e1000", "1e-1001", "0.12345678901234567890123", '""', '"x"', '" "', r'"\u0000"',
         r'"\u0041\"\\\/\n"', r'"\ud83d\ude00"', '"😀é"', f'"{"x" * 50}"', f'"{"😀" * 51}"', f'"{"é" * 255}"',
         f'"{"x" * 256}"', f'"{"€" * 2730}"', f'"{"€" * 2731}"', "[]", "{}",
         f"[{'0,' * 999}0]", f"[{'[],' * 1000}0]"]  # fmt: skip
TIMES = ['"2026-01-31t12:00:00.9999995z"', '"2026-02-29T12:00:00Z"', '"1970-01-01 00:00:00+00:01"', '"now"',
         '"2200-12-31T23:59:59.9999995Z"', '"2016-12-31T23:59:60Z"', '"2026-01-31T12:00:00"']  # fmt: skip
BROKEN = ["NaN", "-Infinity", "01", "1.", '"\n"', r'"\ud800"', r'"\q"', "[1,]", "", '"\udcff"', "[" * 63 + "]" * 63,
          "[" * 64 + "]" * 64, "[" * 3000]  # fmt: skip
VALUES = st.sampled_from(ATOMS)
KEYS = ["lease_id", "lease_epoch", "a", r"\u0061", "metadata", r"x\u0000"]
OBJECTS = st.lists(st.sampled_from(KEYS).flatmap(lambda key: VALUES.map(lambda value: f'"{key}": {value}')), max_size=4)
LEASES = st.tuples(st.sampled_from(['"l"', '""', "5"]), st.sampled_from(["1", "0", "1.0"]), OBJECTS).map(
    lambda parts: ", ".join([*parts[2], f'"lease_id": {parts[0]}', f'"lease_epoch" : {parts[1]}'])
)
MEMBERS = st.tuples(
    st.sampled_from([*FIELDS["transition"], *FIELDS["workflow"], "x", r"acti\u006fn", "lease", "metadata"]),
    VALUES
    | st.sampled_from([*TIMES, *(f'"{kind}"' for kind in sorted(KINDS))])
    | (OBJECTS.map(", ".join) | LEASES).map(lambda inside: f"{{{inside}}}")
    | st.lists(VALUES, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
).map(lambda member: f'"{member[0]}": {member[1]}')


@st.composite
def near_valid(draw: st.DrawFn) -> bytes:
    """A whole event with members put before and behind its own, now and then one that is no JSON."""
    plain = [f'"{name}":{value}' for name, value in PLAIN.items()]
    members = [*draw(st.lists(MEMBERS, max_size=3)), *plain, *draw(st.lists(MEMBERS, max_size=2))]
    broken = draw(st.integers(0, 9))
    if broken == 0:
        members.append(f'"{draw(st.sampled_from(["x", "action", "metadata"]))}": {draw(st.sampled_from(BROKEN))}')
    return ("{" + ",".join(members) + "}").encode(errors="surrogateescape")


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["transition", "workflow"]), near_valid())
def test_decoding_agrees_with_a_second_reading_of_the_rules(sort: str, value: bytes) -> None:
    agreed(sort, value)


def test_they_agree_on_every_atom_in_every_field() -> None:
    reasons = Counter[str]()
    for sort, names in FIELDS.items():
        for name in names:
            plain = ",".join(f'"{key}":{value}' for key, value in PLAIN.items() if key != name)
            for atom in (*ATOMS, *TIMES, *BROKEN):
                inner = [f'{{"lease_id":"l","lease_epoch":{atom}}}', f'{{"lease_epoch":1,"lease_id":{atom}}}']
                for written in (atom, *(inner if name in ("lease", "metadata") else [])):
                    value = f'{{{plain},"{name}":{written}}}'.encode(errors="surrogateescape")
                    reasons[agreed(sort, value)] += 1
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
