"""What to do about a record that is not applied, in the words of its machine: one clause for each reason."""

from __future__ import annotations

from typing import assert_never

from foldline.core.decide import EVENT_FIELDS, Entity, Reason
from foldline.core.decide_workflow import LEGAL_IN, Status, Workflow
from foldline.core.events import Kind, Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.core.machine import CORRECT, CREATE, Machines
from foldline.dryrun.fields import form_of, likely_member, members_in
from foldline.dryrun.judgment import Advice
from foldline.dryrun.situation import Situation, possible_while
from foldline.dryrun.words import listed, nearest


def of_transition(reason: Reason, machines: Machines, entity: Entity | None, event: TransitionEvent) -> Advice:
    """What to do about a rejected transition event; `entity` is the row that it met."""
    if reason is Reason.UNKNOWN_FSM:
        known = nearest(event.fsm_type, machines)
        return Advice("fsm_type", f"{known} Definitions of your own lie in the directories of FOLDLINE_MACHINES.")
    met = Situation(machines[event.fsm_type], entity, event)
    match reason:
        case Reason.LEASE_REQUIRED:
            advice = Advice("lease", "Send the lease of the actor that caused it: lease_id and lease_epoch.")
        case Reason.STALE_LEASE:
            advice = _stale_lease(entity)
        case Reason.LEASE_CONFLICT:
            advice = _lease_conflict(entity)
        case Reason.UNKNOWN_ACTION:
            advice = Advice("action", nearest(event.action, [*sorted(met.machine.actions), CREATE, CORRECT]))
        case Reason.FROM_STATE_MISMATCH:
            advice = Advice("from_state", _from_state(met))
        case Reason.ILLEGAL_TRANSITION:
            advice = Advice("action", _illegal(met))
        case Reason.TO_STATE_MISMATCH:
            advice = Advice("to_state", _to_state(met))
        case Reason.MISSING_DATA:
            advice = _missing(met)
        case Reason.RETRIES_EXHAUSTED:
            advice = Advice("action", _exhausted(met))
        case Reason.UNKNOWN_WORKFLOW | Reason.ILLEGAL_WORKFLOW_EVENT:
            raise AssertionError(f"{reason} is a workflow's")
        case _:
            assert_never(reason)
    return advice


def of_workflow(reason: Reason, workflow: Workflow | None, event: WorkflowEvent) -> Advice:
    """What to do about a rejected workflow event; `workflow` is the row that it met."""
    match reason:
        case Reason.UNKNOWN_WORKFLOW:
            return Advice("workflow_id", "Its STARTED, with operation_type and entity_id, must come before it.")
        case Reason.STALE_LEASE:
            return _stale_lease(workflow)
        case Reason.LEASE_CONFLICT:
            return _lease_conflict(workflow)
        case Reason.ILLEGAL_WORKFLOW_EVENT:
            return Advice("kind", _illegal_kind(workflow, event.kind))
        case (
            Reason.UNKNOWN_FSM
            | Reason.LEASE_REQUIRED
            | Reason.UNKNOWN_ACTION
            | Reason.FROM_STATE_MISMATCH
            | Reason.ILLEGAL_TRANSITION
            | Reason.TO_STATE_MISMATCH
            | Reason.MISSING_DATA
            | Reason.RETRIES_EXHAUSTED
        ):
            raise AssertionError(f"{reason} is a transition's")
        case _:
            assert_never(reason)


def of_undecodable(undecodable: Undecodable, record: Record) -> Advice:
    """What to do about a record that is no event. The detail of an `invalid` one begins with the member's path."""
    if undecodable.reason == "malformed":
        return Advice(None, "A record is one JSON object in UTF-8, without a byte order mark, nested at most 64 deep.")
    members = members_in(record)
    path, _, rule = undecodable.detail.partition(": ")
    if members is not None and not {"fsm_type", "workflow_id"} & set(members):
        path = "fsm_type"
        told = "Add it, for a transition event, or workflow_id: `foldline publish` refuses what has neither."
    else:
        told = f"{'Add it,' if rule == 'required' else 'It is'} {form_of(path)}."
    meant = likely_member(path, members or ()) if rule == "required" else None
    return Advice(path, f"{told} Is {meant} meant to be {path}?" if meant else told)


def of_duplicate(earlier: Verdict) -> str:
    """What to do about a record whose identity has its verdict already."""
    if earlier is Verdict.REJECTED:
        return "Mended, it needs an event_id of its own: an event is judged once."
    return "Nothing, if it is the same event. If it is another, give it an event_id of its own."


def _stale_lease(row: Entity | Workflow | None) -> Advice:
    epoch = _kept_epoch(row)
    return Advice(
        "lease.lease_epoch", f"Its actor has lost the lease: acquire it anew, for an epoch of {epoch + 1} or more."
    )


def _lease_conflict(row: Entity | Workflow | None) -> Advice:
    epoch = _kept_epoch(row)
    return Advice(
        "lease.lease_id",
        f"Two actors hold epoch {epoch}: let each acquisition have an epoch of its own, the next {epoch + 1} or more.",
    )


def _kept_epoch(row: Entity | Workflow | None) -> int:
    assert row is not None, "a lease is refused for a kept one"
    assert row.lease is not None, "a lease is refused for a kept one"
    return row.lease.epoch


def _from_state(met: Situation) -> str:
    expected = met.event.from_state
    assert expected is not None, "what is absent does not mismatch"
    if met.event.action == CREATE:
        return f"Leave from_state out: {CREATE} comes from no state."
    if expected not in met.machine.states:
        return f"{nearest(expected, met.machine.states)} It may also be left out."
    led = met.leading_to(expected)
    before = f" If an event is missing before it: {led}." if led else ""
    return f"Expect {met.state}, or leave from_state out.{before} {met.possible}"


def _illegal(met: Situation) -> str:
    match met.event.action:
        case "CREATE":
            return f"{CREATE} is only ever an entity's first event: leave it out. {met.possible}"
        case "CORRECT":
            return f"The definition says `corrections: refused`. {met.possible}"
        case _:
            return f"{met.possible} {met.elsewhere}"


def _to_state(met: Situation) -> str:
    expected = met.event.to_state
    assert expected is not None, "what is absent does not mismatch"
    if met.event.action == CORRECT or expected not in met.machine.states:
        return nearest(expected, met.machine.states)
    led = met.leading_to(expected) if met.event.action != CREATE else None
    return f"Expect {met.target}, or leave to_state out.{f' {led}.' if led else ''}"


def _missing(met: Situation) -> Advice:
    if met.event.action == CORRECT:
        if met.event.to_state is None:
            return Advice("to_state", f"Name the right state in to_state: {listed(met.machine.states)}.")
        return Advice("error_message", "Say in error_message why the state is corrected.")
    paths = [name if name in EVENT_FIELDS else f"metadata.{name}" for name in met.missing]
    return Advice(paths[0], f"Add {listed(paths)}: {met.target} requires {'it' if len(paths) == 1 else 'them'}.")


def _exhausted(met: Situation) -> str:
    settled = [f"entering {state.name}" for state in met.machine.states.values() if state.final]
    ways = [*settled, *([] if met.machine.corrections_refused else [CORRECT])]
    return f"The entity has no retries left; {' or '.join(ways) or 'nothing'} gives it new ones. {met.possible}"


def _illegal_kind(workflow: Workflow | None, kind: Kind) -> str:
    assert workflow is not None, "of an unknown workflow nothing is illegal"
    possible = possible_while(workflow.status)
    if kind is Kind.STARTED:
        return f"A workflow starts once; another run has a workflow_id of its own. {possible}"
    if workflow.status in LEGAL_IN[kind]:
        return "Report fewer different steps: what repeats is one step under one name."
    return f"{possible} {kind} is possible while {listed(status for status in Status if status in LEGAL_IN[kind])}."
