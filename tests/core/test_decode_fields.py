"""Every field's rule on both of its sides. A detail begins with the field's path and never holds its value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Kind, Lease, TransitionEvent, Undecodable, WorkflowEvent
from harness import transition, workflow

TRANSITION = transition("START_PROCESSING")
WORKFLOW = workflow("STARTED", step="s")
LEASE = {"lease_id": "l", "lease_epoch": 1}

STRINGS = [
    *((TRANSITION, name, 255) for name in ("correlation_id", "event_id", "entity_id")),
    *((TRANSITION, name, 50) for name in ("fsm_type", "action", "from_state", "to_state")),
    *((WORKFLOW, name, 255) for name in ("correlation_id", "event_id", "workflow_id", "entity_id")),
    (WORKFLOW, "operation_type", 50),
    (WORKFLOW, "step", 100),
]
REQUIRED = [
    *((TRANSITION, name) for name in ("correlation_id", "occurred_at", "fsm_type", "entity_id", "action")),
    *((WORKFLOW, name) for name in ("correlation_id", "occurred_at", "workflow_id", "kind")),
    *((WORKFLOW, name) for name in ("operation_type", "entity_id")),
    *((WORKFLOW | {"kind": kind}, "step") for kind in ("STEP_STARTED", "STEP_COMPLETED", "STEP_FAILED")),
]
OPTIONAL = [
    *((TRANSITION, name) for name in ("event_id", "from_state", "to_state", "success", "error_message")),
    *((TRANSITION, name) for name in ("metadata", "lease")),
    *((WORKFLOW, name) for name in ("event_id", "step", "input_payload", "output_results", "error_message")),
    *((WORKFLOW, name) for name in ("metadata", "lease")),
    *((WORKFLOW | {"kind": "PAUSED"}, name) for name in ("operation_type", "entity_id", "step")),
]
PAYLOADS = [(WORKFLOW, "input_payload"), (WORKFLOW, "output_results")]
FREE = [(TRANSITION, "metadata"), (WORKFLOW, "metadata"), *PAYLOADS]
BOTH = [TRANSITION, WORKFLOW]


def decode(event: dict[str, Any], member: str = "") -> TransitionEvent | WorkflowEvent | Undecodable:
    """What the event decodes to, its topic being the right one; `member` is JSON text put behind the others."""
    text = json.dumps(event, ensure_ascii=False)
    value = (text[:-1] + ", " + member + "}" if member else text).encode()
    return decode_workflow(value) if event.keys() & {"workflow_id", "kind"} else decode_transition(value)


def accepts(event: dict[str, Any], member: str = "") -> bool:
    return not isinstance(decode(event, member), Undecodable)


def refuses(event: dict[str, Any], path: str, member: str = "") -> bool:
    """Whether the event is invalid and the detail begins with this path."""
    verdict = decode(event, member)
    return isinstance(verdict, Undecodable) and verdict.reason == "invalid" and verdict.detail.startswith(f"{path}: ")


def field(event: dict[str, Any], name: str, member: str = "") -> object:
    """The field of the event that this decodes to."""
    return getattr(decode(event, member), name)


def kind_of(value: object) -> str:
    return value["kind"] if isinstance(value, dict) and "kind" in value else str(value)[:14]


@pytest.mark.parametrize(("event", "name", "longest"), STRINGS, ids=kind_of)
def test_a_string_is_as_long_as_its_column_in_characters(event: dict[str, Any], name: str, longest: int) -> None:
    for character in "xé😀\N{COMBINING ACUTE ACCENT}":
        assert field(event | {name: character * longest}, name) == character * longest
        assert refuses(event | {name: character * (longest + 1)}, name)
    assert accepts(event, f'"{name}": "{chr(92)}ud83d{chr(92)}ude00{"x" * (longest - 1)}"')
    assert refuses(event, name, f'"{name}": "{chr(92)}ud83d{chr(92)}ude00{"x" * longest}"')
    assert accepts(event | {name: "x"})
    assert refuses(event | {name: ""}, name)


@pytest.mark.parametrize(("event", "name", "longest"), STRINGS, ids=kind_of)
def test_a_string_is_a_string_without_nul(event: dict[str, Any], name: str, longest: int) -> None:
    del longest
    for wrong in (5, 5.0, True, False, [], ["x"], {}, {"x": "y"}):
        assert refuses(event | {name: wrong}, name), wrong
    for text in ("\0", "x\0", "\0x", "x\0y"):
        assert refuses(event | {name: text}, name)
    for text in (" ", "\x01", "\x7f", "\\u0000", "\ufeff", "\uffff", "\\", '"', "\n", "'); DROP TABLE x; --", "\\N"):
        assert field(event | {name: text}, name) == text


@pytest.mark.parametrize(("event", "name"), REQUIRED, ids=kind_of)
def test_what_is_required_is_neither_absent_nor_null(event: dict[str, Any], name: str) -> None:
    without = {key: value for key, value in event.items() if key != name}
    assert accepts(event)
    assert decode(without) == decode(event | {name: None}) == Undecodable("invalid", f"{name}: required")


@pytest.mark.parametrize(("event", "name"), OPTIONAL, ids=kind_of)
def test_null_is_the_same_as_absent(event: dict[str, Any], name: str) -> None:
    without = {key: value for key, value in event.items() if key != name}
    assert accepts(without)
    assert decode(event | {name: None}) == decode(without)
    assert name == "event_id" or field(without, name) in (None, True)


@pytest.mark.parametrize("event", BOTH, ids=["transition", "workflow"])
@pytest.mark.parametrize(
    "wrong",
    [
        *("", "now", "infinity", "yesterday", "2026-01-31T12:00:00", "2026-01-31T24:00:00Z", "2026-06-30T23:59:60Z"),
        *("2201-01-01T00:00:00Z", "2200-12-31T23:59:59.9999995Z", "1969-12-31T23:59:59Z", "2026-01-31T12:00:00Z\0"),
        *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
        *(1769860800, 1769860800.0, True, ["2026-01-31T12:00:00Z"], {"x": 1}),
    ],
)
def test_a_time_is_a_string_that_names_an_instant(event: dict[str, Any], wrong: object) -> None:
    assert refuses(event | {"occurred_at": wrong}, "occurred_at")


@pytest.mark.parametrize("event", BOTH, ids=["transition", "workflow"])
def test_an_error_message_has_at_most_8_kib_of_utf_8(event: dict[str, Any]) -> None:
    for character in "xé€😀":
        most, size = divmod(8192, len(character.encode()))
        longest = character * most + "x" * size
        assert field(event | {"error_message": longest}, "error_message") == longest
        assert refuses(event | {"error_message": longest + "x"}, "error_message")
    assert field(event | {"error_message": ""}, "error_message") == ""
    for wrong in (5, True, ["x"], {"x": 1}, "x\0"):
        assert refuses(event | {"error_message": wrong}, "error_message")


def test_success_is_a_bool_and_true_if_absent() -> None:
    for given_, meant in ((True, True), (False, False), (None, True)):
        assert field(TRANSITION | {"success": given_}, "success") is meant
    for wrong in (1, 0, 1.0, "true", "", [True], {"x": 1}):
        assert refuses(TRANSITION | {"success": wrong}, "success")


def test_a_kind_is_one_of_nine() -> None:
    for kind in Kind:
        assert field(WORKFLOW | {"kind": kind}, "kind") is kind
    for wrong in ("", "started", "STARTED ", "STEP", "STARTED\0", 0, True, ["STARTED"]):
        assert refuses(WORKFLOW | {"kind": wrong}, "kind")


def test_what_a_kind_has_no_use_for_is_typed_all_the_same() -> None:
    event = workflow("PAUSED")
    unused = {"operation_type": "", "entity_id": 5, "step": "x" * 101, "error_message": 5, "metadata": []}
    for name, wrong in unused.items():
        assert refuses(event | {name: wrong}, name)
    assert refuses(event, "input_payload", '"input_payload": 1e1000')
    assert refuses(event, "output_results", r'"output_results": ["\u0000"]')


@pytest.mark.parametrize("event", BOTH, ids=["transition", "workflow"])
def test_a_lease_has_both_of_its_members(event: dict[str, Any]) -> None:
    for lease_id in ("l", "😀" * 255):
        for epoch in (0, 1, 2**53 + 1, 2**63 - 1):
            assert field(event | {"lease": {"lease_id": lease_id, "lease_epoch": epoch}}, "lease") == Lease(
                lease_id, epoch
            )
    for wrong in (5, True, "l", ["l", 1], [LEASE]):
        assert refuses(event | {"lease": wrong}, "lease")
    for missing in ("lease_id", "lease_epoch"):
        assert refuses(event | {"lease": {name: LEASE[name] for name in LEASE if name != missing}}, f"lease.{missing}")
        assert refuses(event | {"lease": LEASE | {missing: None}}, f"lease.{missing}")
    for wrong_id in ("", "x" * 256, "x\0", 5, True, ["l"]):
        assert refuses(event | {"lease": LEASE | {"lease_id": wrong_id}}, "lease.lease_id")
    for wrong_epoch in (-1, 2**63, 2**64, 10**400, 1.0, 0.5, 1e300, "1", True, False, [1], {"x": 1}):
        assert refuses(event | {"lease": LEASE | {"lease_epoch": wrong_epoch}}, "lease.lease_epoch")
    for written in ("3.0", "1e0", "1E2", "0.0", "9" * 6_000, "1e400", "-9223372036854775809"):
        member = f'"lease": {{"lease_id": "l", "lease_epoch": {written}}}'
        assert refuses(event, "lease.lease_epoch", member), written


@pytest.mark.parametrize("event", BOTH, ids=["transition", "workflow"])
def test_metadata_is_an_object(event: dict[str, Any]) -> None:
    for wrong in (5, 5.0, True, "x", "{}", [5], [LEASE]):
        assert refuses(event | {"metadata": wrong}, "metadata")


@pytest.mark.parametrize(("event", "name"), PAYLOADS, ids=kind_of)
def test_a_payload_is_any_json(event: dict[str, Any], name: str) -> None:
    for text in ("5", "-0", "1.50", "true", "false", '"x"', '""', "[]", "{}", "[null]", '{"a": null}'):
        assert field(event, name, f'"{name}":  {text} ') == text


@pytest.mark.parametrize(("event", "name"), FREE, ids=kind_of)
def test_free_json_is_kept_exactly(event: dict[str, Any], name: str) -> None:
    for inside in ("0.12345678901234567890123", "1e999", "1.50", "-0", "9" * 1000, r'"\ud83d\ude00é\/"', '"\\\\u0000"'):
        text = f'{{"a" : {inside}, "a":1}}'
        assert field(event, name, f'"{name}": {text}') == text


@pytest.mark.parametrize(("event", "name"), FREE, ids=kind_of)
def test_free_json_has_its_limits(event: dict[str, Any], name: str) -> None:
    for inside, fits in {
        json.dumps([0] * 999): True,
        json.dumps([0] * 1000): False,
        f'"{"x" * (256 * 1024 - 8)}"': True,
        f'"{"x" * (256 * 1024 - 7)}"': False,
        "1e999": True,
        "1e1000": False,
        "1e-1000": True,
        "1e-1100": False,
        r'"\u0000"': False,
        r'{"\u0000": 1}': False,
    }.items():
        member = f'"{name}": {{"a":{inside}}}'
        assert accepts(event, member) if fits else refuses(event, name, member), inside[:20]


CANARY = "s3cr3t"
SECRETS = st.sampled_from(
    [CANARY, f"\0{CANARY}", CANARY * 50, f"2026-01-31T12:00:00Z{CANARY}", f" - at `{CANARY}", f"$.{CANARY}\n"]
) | st.text(max_size=3).map(CANARY.__add__)
WRONG = SECRETS | SECRETS.map(lambda text: [text]) | SECRETS.map(lambda text: {text: text})


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(BOTH), st.data())
def test_no_detail_holds_a_value(event: dict[str, Any], data: st.DataObject) -> None:
    names = [*event, "event_id", "success", "from_state", "error_message", "metadata", "lease", "input_payload"]
    wrong = data.draw(WRONG | WRONG.map(lambda value: {"lease_id": value, "lease_epoch": value}))
    verdict = decode(event | {data.draw(st.sampled_from(names)): wrong})
    assert not isinstance(verdict, Undecodable) or CANARY not in verdict.detail


@settings(deadline=None)
@given(st.sampled_from(BOTH), st.integers(0, 400), st.sampled_from(["", "}", "\\", "\x00", '"']))
def test_no_detail_of_damaged_json_holds_a_value(event: dict[str, Any], cut: int, put: str) -> None:
    text = json.dumps(dict.fromkeys(event, CANARY) | {CANARY: CANARY})
    for decoder in (decode_transition, decode_workflow):
        verdict = decoder((text[:cut] + put + text[cut:]).encode()[: cut + 40])
        assert isinstance(verdict, Undecodable)
        assert CANARY not in verdict.detail


def test_no_number_comes_back_in_a_detail() -> None:
    for written in ("77777", "7" * 400, "-77777", "77777.5", "77777e5"):
        verdict = decode(TRANSITION, f'"lease": {{"lease_id": "l", "lease_epoch": {written}77}}, "success": {written}')
        assert isinstance(verdict, Undecodable)
        assert "77777" not in verdict.detail
