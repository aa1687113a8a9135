"""The fold: a batch of decoded records, and what the tables hold, to the plan of one transaction. Pure.

Live projection, verify and rebuild are this same fold with other edges. Its laws (see tests/core/test_fold_laws.py):
a batch may be cut anywhere; redelivery changes nothing; every record gets exactly one verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from foldline.core.batch import (
    Batch,
    DeadLetter,
    EntityKey,
    HistoryRow,
    Identity,
    KnownVerdicts,
    Partition,
    Plan,
    Stray,
    TimelineRow,
    TransitionPlan,
    WorkflowPlan,
)
from foldline.core.decide import Entity, FailedAttempt, Hop, Rejection, decide
from foldline.core.decide_workflow import Workflow, WorkflowRejection, decide_workflow
from foldline.core.events import Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.core.machine import Machines
from foldline.core.times import milliseconds_between


def fold_transitions(
    batch: Batch,
    machines: Machines,
    entities: Mapping[EntityKey, Entity | None],
    known: KnownVerdicts,
    ids: Sequence[int],
) -> TransitionPlan:
    """Judge every record in the log's order.

    Args:
        batch: transition events of one partition.
        machines: the machines in force at these offsets.
        entities: the row of every entity in the batch, None where it has none.
        known: identities of the batch that have a verdict already.
        ids: one reserved history id per record, ascending.
    """
    plan = TransitionPlan(batch)
    judged = _Judged(plan, known)
    source = (batch.partition.topic, batch.partition.number)
    for index, decoded in enumerate(batch.decoded):
        record, event = decoded.record, decoded.event
        if not isinstance(event, TransitionEvent):
            judged.undecodable(record, event)
            continue
        if judged.is_duplicate(record, event):
            continue
        key = (event.fsm_type, event.entity_id)
        entity = plan.after[key] if key in plan.after else entities[key]
        machine = machines.get(event.fsm_type)
        outcome = decide(machine, entity, event)
        if machine is not None:
            if key not in plan.before:
                plan.before[key] = entity
                if entity is not None and entity.source not in (None, source):
                    _note_stray(plan, f"{event.fsm_type} {event.entity_id}", entity.source, record, event)
            duration = None
            if isinstance(outcome, Hop):
                if entity is not None:
                    duration = milliseconds_between(entity.since, event.occurred_at)
                plan.after[key] = Entity(
                    outcome.to_state, event.occurred_at, ids[index], outcome.retries, outcome.lease, source
                )
            plan.history.append(HistoryRow(ids[index], record.offset, event, outcome, duration, machine.version))
        match outcome:
            case Hop() | FailedAttempt():
                judged.applied(event)
            case Rejection():
                judged.rejected(record, event, outcome.reason, outcome.explanation, ids[index])
    return plan


def fold_workflows(
    batch: Batch,
    workflows: Mapping[str, Workflow | None],
    known: KnownVerdicts,
    ids: Sequence[int],
) -> WorkflowPlan:
    """Judge every record in the log's order. As `fold_transitions`, for workflow events; `ids` are timeline ids."""
    plan = WorkflowPlan(batch)
    judged = _Judged(plan, known)
    source = (batch.partition.topic, batch.partition.number)
    for index, decoded in enumerate(batch.decoded):
        record, event = decoded.record, decoded.event
        if not isinstance(event, WorkflowEvent):
            judged.undecodable(record, event)
            continue
        if judged.is_duplicate(record, event):
            continue
        key = event.workflow_id
        workflow = plan.after[key] if key in plan.after else workflows[key]
        if key not in plan.before:
            plan.before[key] = workflow
            if workflow is not None and workflow.source not in (None, source):
                _note_stray(plan, f"workflow {key}", workflow.source, record, event)
        outcome = decide_workflow(workflow, event)
        match outcome:
            case Workflow():
                plan.after[key] = replace(outcome, revision=ids[index], source=source)
                plan.timeline.append(TimelineRow(ids[index], record.offset, event))
                judged.applied(event)
            case WorkflowRejection():
                judged.rejected(record, event, outcome.reason, outcome.explanation, ids[index])
    return plan


def refused_by_database(batch: Batch, detail: str) -> Plan:
    """The plan for the one record that PostgreSQL refused although the decoder did not: a dead letter, no identity."""
    (decoded,) = batch.decoded
    plan = Plan(batch)
    plan.counts.undecodable = 1
    plan.dead_letters.append(DeadLetter(decoded.record, Verdict.UNDECODABLE, "refused_by_database", detail))
    return plan


class _Judged:
    """Keeps the verdicts of one fold: every record goes through exactly one of its methods."""

    def __init__(self, plan: Plan, known: KnownVerdicts) -> None:
        self._plan = plan
        self._known = known

    def undecodable(self, record: Record, event: object) -> None:
        assert isinstance(event, Undecodable), "the topic decides the kind of event"
        self._plan.counts.undecodable += 1
        self._plan.dead_letters.append(DeadLetter(record, Verdict.UNDECODABLE, event.reason, event.detail))

    def is_duplicate(self, record: Record, event: TransitionEvent | WorkflowEvent) -> bool:
        """Whether the identity has its verdict already. Only a redrive of a rejected one is judged again."""
        verdict = self._verdict(event.identity)
        if verdict is None or (verdict is Verdict.REJECTED and record.redrive):
            return False
        self._plan.counts.duplicate += 1
        return True

    def applied(self, event: TransitionEvent | WorkflowEvent) -> None:
        self._plan.counts.applied += 1
        self._keep(event.identity, Verdict.APPLIED)

    def rejected(
        self, record: Record, event: TransitionEvent | WorkflowEvent, reason: str, explanation: str, number: int
    ) -> None:
        self._plan.counts.rejected += 1
        self._keep(event.identity, Verdict.REJECTED)
        self._plan.dead_letters.append(DeadLetter(record, Verdict.REJECTED, reason, explanation, event, number))

    def _verdict(self, digest: str) -> Verdict | None:
        new = self._plan.identities.get(digest)
        return new.verdict if new is not None else self._known.get(digest)

    def _keep(self, digest: str, verdict: Verdict) -> None:
        self._plan.identities[digest] = Identity(digest, verdict, rejudged=digest in self._known)


def _note_stray(
    plan: Plan, name: str, was_on: tuple[str, int] | None, record: Record, event: TransitionEvent | WorkflowEvent
) -> None:
    """An entity whose last hop came from another partition: projected all the same, but the log no longer orders it."""
    if was_on is not None:
        plan.strays.append(Stray(f"{name} was on {Partition(*was_on)}", record.offset, event.correlation_id))
