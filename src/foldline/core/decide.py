"""The decision: what one transition event does to its entity. A pure function of machine, entity and event.

The order of the tests is the contract's: the first reason that holds is the one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from foldline.core.events import Lease, TransitionEvent
from foldline.core.machine import CORRECT, CREATE, Machine, State, Transition


class Reason(StrEnum):
    """Why a well-formed event was rejected."""

    UNKNOWN_FSM = "unknown_fsm"
    LEASE_REQUIRED = "lease_required"
    STALE_LEASE = "stale_lease"
    LEASE_CONFLICT = "lease_conflict"
    UNKNOWN_ACTION = "unknown_action"
    FROM_STATE_MISMATCH = "from_state_mismatch"
    ILLEGAL_TRANSITION = "illegal_transition"
    TO_STATE_MISMATCH = "to_state_mismatch"
    MISSING_DATA = "missing_data"
    RETRIES_EXHAUSTED = "retries_exhausted"
    UNKNOWN_WORKFLOW = "unknown_workflow"
    ILLEGAL_WORKFLOW_EVENT = "illegal_workflow_event"


class Entity(Struct, frozen=True, gc=False):
    """What is folded of an entity. `since`: when it entered its state; `revision`: the change that made it so.

    `source` is the topic and partition of its last hop, None if that was written by hand.
    """

    state: str
    since: datetime
    revision: int
    retries: int = 0
    lease: Lease | None = None
    source: tuple[str, int] | None = None


class Hop(Struct, frozen=True, gc=False):
    """Applied: the entity moves, and then has this many retries behind it and this lease kept."""

    from_state: str | None
    to_state: str
    retries: int
    lease: Lease | None


class FailedAttempt(Struct, frozen=True, gc=False):
    """Applied: upstream reports an attempt that failed; a row of history and nothing else."""

    from_state: str | None
    to_state: str


class Rejection(Struct, frozen=True, gc=False):
    """Rejected. `to_state` is None where the machine is unknown: then there is no row of history."""

    reason: Reason
    explanation: str
    from_state: str | None
    to_state: str | None


Outcome = Hop | FailedAttempt | Rejection


def decide(machine: Machine | None, entity: Entity | None, event: TransitionEvent) -> Outcome:
    """What the event does to the entity (None: it has no row yet)."""
    if machine is None:
        return Rejection(Reason.UNKNOWN_FSM, f"no machine is loaded for {event.fsm_type}", None, None)
    kept = entity.lease if entity is not None else None
    refused = _lease_refusal(machine, kept, event)
    if refused is not None:
        return _reject(machine, entity, event, *refused)
    if not event.success:
        return FailedAttempt(_met(entity), _asked_state(machine, entity, event))
    if event.action == CREATE:
        return _create(machine, entity, event)
    if event.action == CORRECT:
        return _correct(machine, entity, event)
    return _move(machine, entity, event)


def _move(machine: Machine, entity: Entity | None, event: TransitionEvent) -> Outcome:
    state = entity.state if entity is not None else machine.initial
    if event.action not in machine.actions:
        return _reject(machine, entity, event, Reason.UNKNOWN_ACTION, f"{event.fsm_type} has no action {event.action}")
    if event.from_state is not None and event.from_state != state:
        return _from_state_mismatch(machine, entity, event, state)
    transition = machine.transitions.get((state, event.action))
    if transition is None:
        return _reject(machine, entity, event, Reason.ILLEGAL_TRANSITION, f"{event.action} is not possible in {state}")
    if event.to_state is not None and event.to_state != transition.to:
        return _to_state_mismatch(machine, entity, event, transition.to)
    missing = missing_names(machine.states[transition.to], event)
    if missing:
        return _reject(
            machine, entity, event, Reason.MISSING_DATA, f"{transition.to} requires {missing[0]}, which is absent"
        )
    retries = entity.retries if entity is not None else 0
    if transition.max is not None and retries >= transition.max:
        return _reject(
            machine, entity, event, Reason.RETRIES_EXHAUSTED, f"{event.action} is possible {transition.max} times"
        )
    kept = entity.lease if entity is not None else None
    return Hop(state, transition.to, _retries_after(machine, retries, transition), event.lease or kept)


def _create(machine: Machine, entity: Entity | None, event: TransitionEvent) -> Outcome:
    """CREATE enters the initial state itself; legal only as the first."""
    if event.from_state is not None:
        return _from_state_mismatch(machine, entity, event, None)
    if entity is not None:
        return _reject(
            machine, entity, event, Reason.ILLEGAL_TRANSITION, f"the entity exists already, in {entity.state}"
        )
    if event.to_state is not None and event.to_state != machine.initial:
        return _to_state_mismatch(machine, entity, event, machine.initial)
    missing = missing_names(machine.states[machine.initial], event)
    if missing:
        return _reject(
            machine, entity, event, Reason.MISSING_DATA, f"{machine.initial} requires {missing[0]}, which is absent"
        )
    return Hop(None, machine.initial, 0, event.lease)


def _correct(machine: Machine, entity: Entity | None, event: TransitionEvent) -> Outcome:
    """CORRECT moves from any state to any state of the machine; neither `requires` nor leases bind it."""
    state = entity.state if entity is not None else machine.initial
    if event.from_state is not None and event.from_state != state:
        return _from_state_mismatch(machine, entity, event, state)
    if machine.corrections_refused:
        return _reject(machine, entity, event, Reason.ILLEGAL_TRANSITION, f"{machine.fsm_type} refuses corrections")
    if event.to_state is not None and event.to_state not in machine.states:
        return _reject(
            machine, entity, event, Reason.TO_STATE_MISMATCH, f"{event.to_state} is no state of {machine.fsm_type}"
        )
    if event.to_state is None:
        return _reject(machine, entity, event, Reason.MISSING_DATA, "a correction requires to_state")
    if not event.error_message:
        return _reject(machine, entity, event, Reason.MISSING_DATA, "a correction requires its reason in error_message")
    return Hop(state, event.to_state, 0, event.lease)


def _lease_refusal(machine: Machine, kept: Lease | None, event: TransitionEvent) -> tuple[Reason, str] | None:
    if event.action == CORRECT:
        return None
    if event.lease is None:
        if machine.lease_required:
            return Reason.LEASE_REQUIRED, f"{machine.fsm_type} demands a lease on every event"
        return None
    return lease_refusal(kept, event.lease)


def lease_refusal(kept: Lease | None, lease: Lease) -> tuple[Reason, str] | None:
    """Why this lease may not act: the log already holds an applied event of a later, or of another, holder."""
    if kept is None or lease.epoch > kept.epoch:
        return None
    if lease.epoch < kept.epoch:
        return Reason.STALE_LEASE, f"lease epoch {lease.epoch} is older than {kept.epoch}"
    if lease.id != kept.id:
        return Reason.LEASE_CONFLICT, f"lease epoch {lease.epoch} is held under another lease_id"
    return None


def missing_names(state: State, event: TransitionEvent) -> list[str]:
    """What `state` requires and the event does not have: names of event fields, else of keys of its metadata."""
    if not state.requires:
        return []
    metadata = msgspec.json.decode(event.metadata, type=dict[str, msgspec.Raw]) if event.metadata is not None else {}
    return [
        name
        for name in state.requires
        if (getattr(event, name) is None if name in EVENT_FIELDS else metadata.get(name, _NULL) == _NULL)
    ]


EVENT_FIELDS = frozenset(TransitionEvent.__struct_fields__) - {"identity"}
"""What `requires` may name of the event itself; every other name is a key of its metadata."""
_NULL = msgspec.Raw(b"null")


def _retries_after(machine: Machine, retries: int, transition: Transition) -> int:
    if machine.states[transition.to].final:
        return 0
    return retries + 1 if transition.max is not None else retries


def _met(entity: Entity | None) -> str | None:
    return entity.state if entity is not None else None


def _asked_state(machine: Machine, entity: Entity | None, event: TransitionEvent) -> str:
    """The state that was asked for, else the one that the definition leads to, else the one that was met."""
    if event.to_state is not None:
        return event.to_state
    met = entity.state if entity is not None else machine.initial
    transition = machine.transitions.get((met, event.action))
    return transition.to if transition is not None else met


def _from_state_mismatch(
    machine: Machine, entity: Entity | None, event: TransitionEvent, state: str | None
) -> Rejection:
    met = f"the entity is in {state}" if state is not None else "CREATE comes from no state"
    return _reject(machine, entity, event, Reason.FROM_STATE_MISMATCH, f"the event expects {event.from_state}, {met}")


def _to_state_mismatch(machine: Machine, entity: Entity | None, event: TransitionEvent, target: str) -> Rejection:
    return _reject(
        machine,
        entity,
        event,
        Reason.TO_STATE_MISMATCH,
        f"the event expects {event.to_state}, {event.action} leads to {target}",
    )


def _reject(
    machine: Machine, entity: Entity | None, event: TransitionEvent, reason: Reason, explanation: str
) -> Rejection:
    return Rejection(reason, explanation, _met(entity), _asked_state(machine, entity, event))
