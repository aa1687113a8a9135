"""The decision on a transition event, clause by clause."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from foldline.core.decide import Entity, FailedAttempt, Hop, Outcome, Reason, Rejection, decide
from foldline.core.decode import decode_transition
from foldline.core.events import Lease, TransitionEvent
from foldline.core.machine import Machine, State, Transition
from harness import transition

ORDER = Machine(
    "ORDER",
    1,
    "NEW",
    {
        "NEW": State("NEW"),
        "OPEN": State("OPEN"),
        "DONE": State("DONE", final=True),
        "BROKEN": State("BROKEN", requires=("error_message", "why")),
    },
    {
        ("NEW", "OPEN_IT"): Transition("OPEN"),
        ("OPEN", "TOUCH"): Transition("OPEN"),
        ("OPEN", "CLOSE"): Transition("DONE"),
        ("OPEN", "BREAK"): Transition("BROKEN"),
        ("OPEN", "BREAK_AGAIN"): Transition("BROKEN", max=1),
        ("BROKEN", "RETRY"): Transition("OPEN", max=2),
        ("BROKEN", "GIVE_UP"): Transition("DONE", max=2),
        ("BROKEN", "MEND"): Transition("OPEN"),
        ("DONE", "REOPEN"): Transition("OPEN"),
    },
)
LEASED = replace(ORDER, lease_required=True)
FIXED = replace(ORDER, corrections_refused=True)
CAREFUL = replace(ORDER, states={**ORDER.states, "NEW": State("NEW", requires=("who",))})
SETTLED = replace(ORDER, states={**ORDER.states, "NEW": State("NEW", final=True)})

SINCE = datetime(2026, 1, 31, 11, 0, tzinfo=UTC)
FIVE = Lease("l", 5)
NEW, OPEN, BROKEN, DONE = (Entity(state, SINCE, 7) for state in ("NEW", "OPEN", "BROKEN", "DONE"))
HELD = Entity("OPEN", SINCE, 7, retries=1, lease=FIVE)
WHY = {"error_message": "m", "metadata": {"why": "w"}}


def tried(entity: Entity, retries: int) -> Entity:
    return Entity(entity.state, SINCE, 7, retries=retries, lease=entity.lease)


def held(lease_id: str, epoch: int) -> dict[str, Any]:
    return {"lease": {"lease_id": lease_id, "lease_epoch": epoch}}


def event_of(action: str, **fields: object) -> TransitionEvent:
    event = decode_transition(json.dumps(transition(action, fsm_type="ORDER", **fields)).encode())
    assert isinstance(event, TransitionEvent), event
    return event


def outcome(machine: Machine | None, entity: Entity | None, action: str, **fields: object) -> Outcome:
    return decide(machine, entity, event_of(action, **fields))


HOPS: dict[str, tuple[Machine, Entity | None, dict[str, Any], Hop]] = {
    "the first hop leaves the initial state": (ORDER, None, {"action": "OPEN_IT"}, Hop("NEW", "OPEN", 0, None)),
    "a later one leaves the stored state": (ORDER, OPEN, {"action": "CLOSE"}, Hop("OPEN", "DONE", 0, None)),
    "from a state to itself": (ORDER, OPEN, {"action": "TOUCH"}, Hop("OPEN", "OPEN", 0, None)),
    "expectations that agree": (
        ORDER, OPEN, {"action": "CLOSE", "from_state": "OPEN", "to_state": "DONE"}, Hop("OPEN", "DONE", 0, None),
    ),
    "expectations that agree at first": (
        ORDER, None, {"action": "OPEN_IT", "from_state": "NEW", "to_state": "OPEN"}, Hop("NEW", "OPEN", 0, None),
    ),
    "what the state requires is there": (ORDER, OPEN, {"action": "BREAK", **WHY}, Hop("OPEN", "BROKEN", 0, None)),
    "empty is there": (
        ORDER, OPEN, {"action": "BREAK", "error_message": "", "metadata": {"why": ""}}, Hop("OPEN", "BROKEN", 0, None),
    ),
    "false and zero are there": (
        ORDER, OPEN, {"action": "BREAK", "error_message": "", "metadata": {"why": False}},
        Hop("OPEN", "BROKEN", 0, None),
    ),
    "what is required is asked of the entered state only": (
        CAREFUL, None, {"action": "OPEN_IT"}, Hop("NEW", "OPEN", 0, None),
    ),
    "a transition with max counts": (ORDER, BROKEN, {"action": "RETRY"}, Hop("BROKEN", "OPEN", 1, None)),
    "and counts again below max": (ORDER, tried(BROKEN, 1), {"action": "RETRY"}, Hop("BROKEN", "OPEN", 2, None)),
    "one without max does not": (ORDER, tried(BROKEN, 2), {"action": "MEND"}, Hop("BROKEN", "OPEN", 2, None)),
    "a final state resets": (ORDER, tried(OPEN, 2), {"action": "CLOSE"}, Hop("OPEN", "DONE", 0, None)),
    "a final state resets what would count": (
        ORDER, tried(BROKEN, 1), {"action": "GIVE_UP"}, Hop("BROKEN", "DONE", 0, None),
    ),
    "leaving a final state does not": (ORDER, tried(DONE, 2), {"action": "REOPEN"}, Hop("DONE", "OPEN", 2, None)),
    "a first lease is kept": (ORDER, OPEN, {"action": "TOUCH", **held("l", 0)}, Hop("OPEN", "OPEN", 0, Lease("l", 0))),
    "a lease on the first hop": (LEASED, None, {"action": "OPEN_IT", **held("l", 5)}, Hop("NEW", "OPEN", 0, FIVE)),
    "no lease keeps the kept one": (ORDER, HELD, {"action": "TOUCH"}, Hop("OPEN", "OPEN", 1, FIVE)),
    "the kept lease itself": (ORDER, HELD, {"action": "TOUCH", **held("l", 5)}, Hop("OPEN", "OPEN", 1, FIVE)),
    "a higher epoch of another": (
        ORDER, HELD, {"action": "TOUCH", **held("k", 6)}, Hop("OPEN", "OPEN", 1, Lease("k", 6)),
    ),
    "CREATE": (ORDER, None, {"action": "CREATE"}, Hop(None, "NEW", 0, None)),
    "CREATE that says where": (ORDER, None, {"action": "CREATE", "to_state": "NEW"}, Hop(None, "NEW", 0, None)),
    "CREATE with a lease": (LEASED, None, {"action": "CREATE", **held("l", 5)}, Hop(None, "NEW", 0, FIVE)),
    "CREATE with what is required": (
        CAREFUL, None, {"action": "CREATE", "metadata": {"who": 1}}, Hop(None, "NEW", 0, None),
    ),
    "CREATE where corrections are refused": (FIXED, None, {"action": "CREATE"}, Hop(None, "NEW", 0, None)),
    "CREATE into a final state": (SETTLED, None, {"action": "CREATE"}, Hop(None, "NEW", 0, None)),
    "CORRECT": (
        ORDER, OPEN, {"action": "CORRECT", "to_state": "NEW", "error_message": "m"}, Hop("OPEN", "NEW", 0, None),
    ),
    "CORRECT to the same state": (
        ORDER, OPEN, {"action": "CORRECT", "to_state": "OPEN", "error_message": "m"}, Hop("OPEN", "OPEN", 0, None),
    ),
    "CORRECT from a final state": (
        ORDER, DONE, {"action": "CORRECT", "to_state": "OPEN", "error_message": " "}, Hop("DONE", "OPEN", 0, None),
    ),
    "CORRECT that says from where": (
        ORDER, OPEN, {"action": "CORRECT", "from_state": "OPEN", "to_state": "DONE", "error_message": "m"},
        Hop("OPEN", "DONE", 0, None),
    ),
    "CORRECT as the first hop": (
        ORDER, None, {"action": "CORRECT", "to_state": "DONE", "error_message": "m"}, Hop("NEW", "DONE", 0, None),
    ),
    "CORRECT needs nothing that is required": (
        ORDER, OPEN, {"action": "CORRECT", "to_state": "BROKEN", "error_message": "m"}, Hop("OPEN", "BROKEN", 0, None),
    ),
    "CORRECT drops the kept lease and the retries": (
        LEASED, HELD, {"action": "CORRECT", "to_state": "NEW", "error_message": "m"}, Hop("OPEN", "NEW", 0, None),
    ),
    "CORRECT sets the lease back": (
        LEASED, HELD, {"action": "CORRECT", "to_state": "NEW", "error_message": "m", **held("k", 1)},
        Hop("OPEN", "NEW", 0, Lease("k", 1)),
    ),
    "CORRECT takes the epoch over": (
        LEASED, HELD, {"action": "CORRECT", "to_state": "NEW", "error_message": "m", **held("k", 5)},
        Hop("OPEN", "NEW", 0, Lease("k", 5)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "entity", "fields", "hop"), HOPS.values(), ids=HOPS)
def test_hops(machine: Machine, entity: Entity | None, fields: dict[str, Any], hop: Hop) -> None:
    assert outcome(machine, entity, **fields) == hop


# What a failed attempt and a rejection write of the states: the one met, and the one asked for, led to, or met.
STATES: dict[str, tuple[Entity | None, dict[str, Any], str | None, str]] = {
    "asked for": (OPEN, {"action": "CLOSE", "to_state": "NOWHERE"}, "OPEN", "NOWHERE"),
    "led to": (OPEN, {"action": "CLOSE"}, "OPEN", "DONE"),
    "met": (OPEN, {"action": "RETRY"}, "OPEN", "OPEN"),
    "met, the action unknown": (OPEN, {"action": "DANCE"}, "OPEN", "OPEN"),
    "an expected from_state is not the one met": (OPEN, {"action": "DANCE", "from_state": "DONE"}, "OPEN", "OPEN"),
    "led to from the state met": (OPEN, {"action": "CLOSE", "from_state": "BROKEN"}, "OPEN", "DONE"),
    "unknown, asked for": (None, {"action": "CLOSE", "to_state": "DONE"}, None, "DONE"),
    "unknown, led to": (None, {"action": "OPEN_IT", "from_state": "DONE"}, None, "OPEN"),
    "unknown, initial": (None, {"action": "CLOSE"}, None, "NEW"),
    "unknown, CREATE": (None, {"action": "CREATE", "from_state": "NEW"}, None, "NEW"),
    "known, CREATE": (OPEN, {"action": "CREATE"}, "OPEN", "OPEN"),
    "CORRECT to nowhere": (OPEN, {"action": "CORRECT", "to_state": "NOWHERE"}, "OPEN", "NOWHERE"),
    "CORRECT without to_state": (OPEN, {"action": "CORRECT", "error_message": "m"}, "OPEN", "OPEN"),
    "unknown, CORRECT without to_state": (None, {"action": "CORRECT", "error_message": "m"}, None, "NEW"),
}


@pytest.mark.parametrize(("entity", "fields", "from_state", "to_state"), STATES.values(), ids=STATES)
def test_states_of_a_failed_attempt(
    entity: Entity | None, fields: dict[str, Any], from_state: str | None, to_state: str
) -> None:
    """Nothing else of it is judged: even an unknown action is an attempt."""
    assert outcome(ORDER, entity, **fields, success=False) == FailedAttempt(from_state, to_state)


@pytest.mark.parametrize(("entity", "fields", "from_state", "to_state"), STATES.values(), ids=STATES)
def test_states_of_a_rejection(
    entity: Entity | None, fields: dict[str, Any], from_state: str | None, to_state: str
) -> None:
    found = outcome(FIXED if fields["action"] == "CORRECT" else LEASED, entity, **fields)
    assert isinstance(found, Rejection)
    assert (found.from_state, found.to_state) == (from_state, to_state)


@pytest.mark.parametrize("machine", [ORDER, FIXED, CAREFUL])
def test_a_failed_attempt_asks_for_nothing_that_a_hop_needs(machine: Machine) -> None:
    assert outcome(machine, None, "CREATE", success=False) == FailedAttempt(None, "NEW")
    assert outcome(machine, OPEN, "BREAK", success=False) == FailedAttempt("OPEN", "BROKEN")
    assert outcome(machine, OPEN, "CORRECT", success=False) == FailedAttempt("OPEN", "OPEN")
    assert outcome(machine, tried(BROKEN, 2), "RETRY", success=False) == FailedAttempt("BROKEN", "OPEN")
    assert outcome(machine, HELD, "TOUCH", success=False, **held("k", 6)) == FailedAttempt("OPEN", "OPEN")


REJECTIONS: dict[str, tuple[Machine | None, Entity | None, dict[str, Any], Reason]] = {
    "no machine": (None, None, {"action": "OPEN_IT"}, Reason.UNKNOWN_FSM),
    "no machine for a failed attempt": (None, None, {"action": "A", "success": False}, Reason.UNKNOWN_FSM),
    "no machine for CORRECT": (None, None, {"action": "CORRECT"}, Reason.UNKNOWN_FSM),
    "no lease": (LEASED, OPEN, {"action": "TOUCH"}, Reason.LEASE_REQUIRED),
    "no lease on CREATE": (LEASED, None, {"action": "CREATE"}, Reason.LEASE_REQUIRED),
    "no lease on a failed attempt": (LEASED, OPEN, {"action": "TOUCH", "success": False}, Reason.LEASE_REQUIRED),
    "no lease though one is kept": (LEASED, HELD, {"action": "TOUCH"}, Reason.LEASE_REQUIRED),
    "an older lease": (ORDER, HELD, {"action": "TOUCH", **held("l", 4)}, Reason.STALE_LEASE),
    "an older lease of another": (ORDER, HELD, {"action": "TOUCH", **held("k", 4)}, Reason.STALE_LEASE),
    "an older lease on a failed attempt": (
        ORDER, HELD, {"action": "TOUCH", "success": False, **held("l", 4)}, Reason.STALE_LEASE,
    ),
    "the same epoch of another": (ORDER, HELD, {"action": "TOUCH", **held("k", 5)}, Reason.LEASE_CONFLICT),
    "the same epoch of another on a failed attempt": (
        ORDER, HELD, {"action": "TOUCH", "success": False, **held("k", 5)}, Reason.LEASE_CONFLICT,
    ),
    "an action of no transition": (ORDER, OPEN, {"action": "DANCE"}, Reason.UNKNOWN_ACTION),
    "a state's name is no action": (ORDER, OPEN, {"action": "OPEN"}, Reason.UNKNOWN_ACTION),
    "another state than expected": (ORDER, OPEN, {"action": "CLOSE", "from_state": "NEW"}, Reason.FROM_STATE_MISMATCH),
    "another initial state than expected": (
        ORDER, None, {"action": "OPEN_IT", "from_state": "OPEN"}, Reason.FROM_STATE_MISMATCH,
    ),
    "CREATE from the initial state": (
        ORDER, None, {"action": "CREATE", "from_state": "NEW"}, Reason.FROM_STATE_MISMATCH,
    ),
    "CORRECT from another state": (
        ORDER, OPEN, {"action": "CORRECT", "from_state": "NEW", "to_state": "DONE", "error_message": "m"},
        Reason.FROM_STATE_MISMATCH,
    ),
    "CORRECT of an unknown entity from another state": (
        ORDER, None, {"action": "CORRECT", "from_state": "OPEN", "to_state": "DONE", "error_message": "m"},
        Reason.FROM_STATE_MISMATCH,
    ),
    "not possible here": (ORDER, OPEN, {"action": "RETRY"}, Reason.ILLEGAL_TRANSITION),
    "not possible at first": (ORDER, None, {"action": "CLOSE"}, Reason.ILLEGAL_TRANSITION),
    "a second CREATE": (ORDER, OPEN, {"action": "CREATE"}, Reason.ILLEGAL_TRANSITION),
    "a second CREATE in the initial state": (ORDER, NEW, {"action": "CREATE"}, Reason.ILLEGAL_TRANSITION),
    "corrections refused": (
        FIXED, OPEN, {"action": "CORRECT", "to_state": "DONE", "error_message": "m"}, Reason.ILLEGAL_TRANSITION,
    ),
    "another target than expected": (ORDER, OPEN, {"action": "CLOSE", "to_state": "OPEN"}, Reason.TO_STATE_MISMATCH),
    "another initial state than CREATE expects": (
        ORDER, None, {"action": "CREATE", "to_state": "OPEN"}, Reason.TO_STATE_MISMATCH,
    ),
    "CORRECT to no state": (
        ORDER, OPEN, {"action": "CORRECT", "to_state": "NOWHERE", "error_message": "m"}, Reason.TO_STATE_MISMATCH,
    ),
    "an absent field": (ORDER, OPEN, {"action": "BREAK", "metadata": {"why": "w"}}, Reason.MISSING_DATA),
    "no metadata": (ORDER, OPEN, {"action": "BREAK", "error_message": "m"}, Reason.MISSING_DATA),
    "an absent key": (ORDER, OPEN, {"action": "BREAK", **WHY, "metadata": {"x": "why"}}, Reason.MISSING_DATA),
    "a null key": (ORDER, OPEN, {"action": "BREAK", **WHY, "metadata": {"why": None}}, Reason.MISSING_DATA),
    "a key further in": (ORDER, OPEN, {"action": "BREAK", **WHY, "metadata": {"x": {"why": 1}}}, Reason.MISSING_DATA),
    "CREATE without what is required": (CAREFUL, None, {"action": "CREATE"}, Reason.MISSING_DATA),
    "CORRECT without a target": (ORDER, OPEN, {"action": "CORRECT", "error_message": "m"}, Reason.MISSING_DATA),
    "CORRECT without a reason": (ORDER, OPEN, {"action": "CORRECT", "to_state": "DONE"}, Reason.MISSING_DATA),
    "CORRECT with an empty reason": (
        ORDER, OPEN, {"action": "CORRECT", "to_state": "DONE", "error_message": ""}, Reason.MISSING_DATA,
    ),
    "retries used up": (ORDER, tried(BROKEN, 2), {"action": "RETRY"}, Reason.RETRIES_EXHAUSTED),
    "retries more than used up": (ORDER, tried(BROKEN, 3), {"action": "RETRY"}, Reason.RETRIES_EXHAUSTED),
    "retries used up on the way to a final state": (
        ORDER, tried(BROKEN, 2), {"action": "GIVE_UP"}, Reason.RETRIES_EXHAUSTED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "entity", "fields", "reason"), REJECTIONS.values(), ids=REJECTIONS)
def test_rejections(machine: Machine | None, entity: Entity | None, fields: dict[str, Any], reason: Reason) -> None:
    found = outcome(machine, entity, **fields)
    assert isinstance(found, Rejection)
    assert found.reason is reason
    assert found.explanation
    assert (found.to_state is None) == (machine is None)
    assert found.from_state == (entity.state if entity is not None and machine is not None else None)
