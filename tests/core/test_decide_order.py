"""Which reason a rejection gets where several hold, what `requires` may name, and a life from first hop to last."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from foldline.core.decide import Entity, FailedAttempt, Hop, Reason, Rejection, decide, lease_refusal
from foldline.core.decode import decode_transition
from foldline.core.events import Lease, TransitionEvent
from foldline.core.machine import Machine, State, Transition
from harness import transition

SINCE = datetime(2026, 1, 31, 11, 0, tzinfo=UTC)
STATES = {
    "NEW": State("NEW", requires=("who",)),
    "OPEN": State("OPEN"),
    "DONE": State("DONE", final=True),
    "BROKEN": State("BROKEN", requires=("why",)),
}
TRANSITIONS = {
    ("NEW", "OPEN_IT"): Transition("OPEN"),
    ("OPEN", "BREAK"): Transition("BROKEN", max=2),
    ("BROKEN", "RETRY"): Transition("OPEN", max=2),
    ("OPEN", "CLOSE"): Transition("DONE"),
    ("DONE", "REOPEN"): Transition("OPEN"),
}
PLAIN = Machine("ORDER", 1, "NEW", STATES, TRANSITIONS)
LEASED = Machine("ORDER", 1, "NEW", STATES, TRANSITIONS, lease_required=True)
FIXED = Machine("ORDER", 1, "NEW", STATES, TRANSITIONS, corrections_refused=True)
HELD = Entity("OPEN", SINCE, 1, retries=2, lease=Lease("l", 5))


def event_of(action: str, **fields: object) -> TransitionEvent:
    event = decode_transition(json.dumps(transition(action, fsm_type="ORDER", **fields)).encode())
    assert isinstance(event, TransitionEvent), event
    return event


def reason(machine: Machine | None, entity: Entity | None, action: str, **fields: object) -> Reason | None:
    outcome = decide(machine, entity, event_of(action, **fields))
    return outcome.reason if isinstance(outcome, Rejection) else None


def test_an_event_with_every_fault_gets_the_reasons_in_their_order_as_the_faults_go() -> None:
    """Each fault is mended in turn, and only the first of those left is the reason."""
    all_wrong = {"from_state": "NEW", "to_state": "NOWHERE"}
    stale, conflict, held = ({"lease_id": i, "lease_epoch": e} for i, e in (("k", 4), ("k", 5), ("l", 5)))
    found = [
        reason(None, HELD, "DANCE", lease=stale, **all_wrong),
        reason(LEASED, HELD, "DANCE", **all_wrong),
        reason(LEASED, HELD, "DANCE", lease=stale, **all_wrong),
        reason(LEASED, HELD, "DANCE", lease=conflict, **all_wrong),
        reason(LEASED, HELD, "DANCE", lease=held, **all_wrong),
        reason(LEASED, HELD, "RETRY", lease=held, **all_wrong),
        reason(LEASED, HELD, "RETRY", lease=held, to_state="NOWHERE"),
        reason(LEASED, HELD, "BREAK", lease=held, to_state="NOWHERE"),
        reason(LEASED, HELD, "BREAK", lease=held, to_state="BROKEN"),
        reason(LEASED, HELD, "BREAK", lease=held, to_state="BROKEN", metadata={"why": 1}),
    ]
    assert found == [
        Reason.UNKNOWN_FSM,
        Reason.LEASE_REQUIRED,
        Reason.STALE_LEASE,
        Reason.LEASE_CONFLICT,
        Reason.UNKNOWN_ACTION,
        Reason.FROM_STATE_MISMATCH,
        Reason.ILLEGAL_TRANSITION,
        Reason.TO_STATE_MISMATCH,
        Reason.MISSING_DATA,
        Reason.RETRIES_EXHAUSTED,
    ]
    assert reason(LEASED, HELD, "CLOSE", lease=held) is None


def test_the_same_order_for_create() -> None:
    stale = {"lease_id": "l", "lease_epoch": 4}
    assert reason(LEASED, HELD, "CREATE", from_state="OPEN", to_state="OPEN") is Reason.LEASE_REQUIRED
    assert reason(PLAIN, HELD, "CREATE", lease=stale, from_state="OPEN", to_state="OPEN") is Reason.STALE_LEASE
    assert reason(PLAIN, HELD, "CREATE", from_state="OPEN", to_state="DONE") is Reason.FROM_STATE_MISMATCH
    assert reason(PLAIN, HELD, "CREATE", to_state="DONE") is Reason.ILLEGAL_TRANSITION
    assert reason(PLAIN, None, "CREATE", from_state="NEW", to_state="DONE") is Reason.FROM_STATE_MISMATCH
    assert reason(PLAIN, None, "CREATE", to_state="DONE") is Reason.TO_STATE_MISMATCH
    assert reason(PLAIN, None, "CREATE", to_state="NEW") is Reason.MISSING_DATA
    assert reason(PLAIN, None, "CREATE", to_state="NEW", metadata={"who": 0}) is None


def test_the_same_order_for_correct() -> None:
    stale = {"lease_id": "k", "lease_epoch": 4}
    assert reason(FIXED, HELD, "CORRECT", lease=stale, from_state="NEW", to_state="X") is Reason.FROM_STATE_MISMATCH
    assert reason(FIXED, HELD, "CORRECT", lease=stale, from_state="OPEN", to_state="X") is Reason.ILLEGAL_TRANSITION
    assert reason(FIXED, HELD, "CORRECT") is Reason.ILLEGAL_TRANSITION
    assert reason(LEASED, HELD, "CORRECT", lease=stale, to_state="X") is Reason.TO_STATE_MISMATCH
    assert reason(LEASED, HELD, "CORRECT", lease=stale, to_state="BROKEN") is Reason.MISSING_DATA
    assert reason(LEASED, HELD, "CORRECT", lease=stale, to_state="BROKEN", error_message="m") is None


@pytest.mark.parametrize(
    ("kept", "lease", "refused"),
    [
        (None, Lease("l", 0), None),
        (Lease("l", 0), Lease("l", 0), None),
        (Lease("l", 0), Lease("k", 0), Reason.LEASE_CONFLICT),
        (Lease("l", 5), Lease("l", 4), Reason.STALE_LEASE),
        (Lease("l", 5), Lease("k", 4), Reason.STALE_LEASE),
        (Lease("l", 5), Lease("l", 5), None),
        (Lease("l", 5), Lease("L", 5), Reason.LEASE_CONFLICT),
        (Lease("l", 5), Lease("l", 6), None),
        (Lease("l", 5), Lease("k", 2**63 - 1), None),
    ],
)
def test_leases(kept: Lease | None, lease: Lease, refused: Reason | None) -> None:
    found = lease_refusal(kept, lease)
    assert (found[0] if found is not None else None) is refused


REQUIRES = [
    ("error_message", {"error_message": ""}, True),
    ("error_message", {}, False),
    ("error_message", {"metadata": {"error_message": "m"}}, False),
    ("from_state", {"from_state": "OPEN"}, True),
    ("from_state", {}, False),
    ("to_state", {"to_state": "CLOSED"}, True),
    ("to_state", {}, False),
    ("metadata", {"metadata": {}}, True),
    ("metadata", {"metadata": None}, False),
    ("lease", {"lease": {"lease_id": "l", "lease_epoch": 0}}, True),
    ("lease", {}, False),
    ("correlation_id", {}, True),
    ("event_id", {"event_id": "e"}, True),
    ("event_id", {}, True),  # a derived one is one
    ("success", {}, True),  # and so is the default
    ("key", {"metadata": {"key": 0}}, True),
    ("key", {"metadata": {"key": False}}, True),
    ("key", {"metadata": {"key": ""}}, True),
    ("key", {"metadata": {"key": []}}, True),
    ("key", {"metadata": {"key": "null"}}, True),
    ("key", {"metadata": {"key": None}}, False),
    ("key", {"metadata": {"Key": 1}}, False),
    ("key", {"metadata": {"x": {"key": 1}}}, False),
    ("key", {"metadata": {"x": "key"}}, False),
    ("key", {}, False),
    ("identity", {}, False),
    ("identity", {"metadata": {"identity": 1}}, True),
    ("schlüssel 😀", {"metadata": {"schlüssel 😀": 1}}, True),
]


@pytest.mark.parametrize(("name", "fields", "there"), REQUIRES)
def test_requires_names_a_field_of_the_event_or_a_key_of_its_metadata(
    name: str, fields: dict[str, object], *, there: bool
) -> None:
    states = {"OPEN": State("OPEN"), "CLOSED": State("CLOSED", requires=(name,))}
    machine = Machine("ORDER", 1, "OPEN", states, {("OPEN", "CLOSE"): Transition("CLOSED")})
    outcome = decide(machine, None, event_of("CLOSE", **fields))
    assert isinstance(outcome, Hop if there else Rejection)
    if isinstance(outcome, Rejection):
        assert outcome.reason is Reason.MISSING_DATA
        assert name in outcome.explanation


@pytest.mark.parametrize(
    ("metadata", "there"),
    [('{"why": null, "why": 1}', True), ('{"why": 1, "why": null}', False), ('{"why":\n null }', False)],
)
def test_of_a_repeated_key_the_last_is_there_or_not(metadata: str, *, there: bool) -> None:
    value = json.dumps(transition("BREAK", fsm_type="ORDER"))[:-1] + f', "metadata": {metadata}}}'
    event = decode_transition(value.encode())
    assert isinstance(event, TransitionEvent)
    assert isinstance(decide(PLAIN, Entity("OPEN", SINCE, 1), event), Hop) is there


def test_the_retries_of_a_life() -> None:
    """One counter for every transition with a max; final states and corrections set it back, failed attempts do not."""
    entity: Entity | None = None
    seen: list[int | str] = []
    life: list[tuple[str, dict[str, object]]] = [
        ("OPEN_IT", {}), ("BREAK", {}), ("RETRY", {"success": False}), ("RETRY", {}), ("BREAK", {}),
        ("CORRECT", {"to_state": "OPEN", "error_message": "m"}), ("BREAK", {}), ("RETRY", {}), ("RETRY", {}),
        ("BREAK", {"success": False}), ("BREAK", {}), ("CLOSE", {}), ("REOPEN", {}), ("BREAK", {}),
    ]  # fmt: skip
    for action, fields in life:
        outcome = decide(PLAIN, entity, event_of(action, metadata={"why": 1}, **fields))
        match outcome:
            case Hop():
                entity = Entity(outcome.to_state, SINCE, 1, outcome.retries, outcome.lease)
                seen.append(outcome.retries)
            case FailedAttempt():
                seen.append("failed")
            case Rejection():
                seen.append(outcome.reason)
    exhausted, illegal = "retries_exhausted", "illegal_transition"
    assert seen == [0, 1, "failed", 2, exhausted, 0, 1, 2, illegal, "failed", exhausted, 0, 0, 1]
