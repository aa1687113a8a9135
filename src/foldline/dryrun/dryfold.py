"""The real fold, one record at a time, on tables in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec.structs import replace

from foldline.core.batch import Batch, Decoded, EntityKey, KnownVerdicts, Partition, Plan, Span
from foldline.core.decide import Entity, Reason
from foldline.core.decide_workflow import Workflow
from foldline.core.events import Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.core.fold import fold_transitions, fold_workflows
from foldline.core.machine import CREATE, Machine, Machines
from foldline.dryrun import remedies
from foldline.dryrun.judgment import Advice, Judgment
from foldline.dryrun.ledger import Judged, Ledger

_PARTITION = Partition("dry run", 0)


class DryFold:
    """Judges records in the order that they are given, and keeps what later ones are judged by.

    `entities` and `workflows` are the rows so far; None is a row that is known to be absent. The fold starts from
    nothing, or from what `start_from` is told. `place` is what the remedies call a record: a record, an event, a line.
    Without `payloads` the free JSON of workflows, which decides nothing, is not kept.
    """

    def __init__(self, machines: Machines, *, place: str = "record", payloads: bool = True) -> None:
        self.entities: dict[EntityKey, Entity | None] = {}
        self.workflows: dict[str, Workflow | None] = {}
        self._machines = machines
        self._ledger = Ledger()
        self._place = place
        self._payloads = payloads

    def start_from(
        self,
        entities: Mapping[EntityKey, Entity | None],
        workflows: Mapping[str, Workflow | None],
        known: KnownVerdicts,
    ) -> None:
        """Take over rows and verdicts of elsewhere. Must name nothing that was judged here before."""
        self.entities.update(entities)
        self.workflows.update(workflows)
        for digest, verdict in known.items():
            self._ledger.keep(digest, Judged(verdict, None))

    def has_judged(self, digest: str) -> bool:
        """Whether this identity has a verdict."""
        return self._ledger.of(digest) is not None

    def judge(self, decoded: Decoded) -> Judgment:
        """What becomes of the record; later records meet what it leaves behind."""
        match decoded.event:
            case TransitionEvent():
                return self._transition(decoded, decoded.event)
            case WorkflowEvent():
                return self._workflow(decoded, decoded.event)
            case Undecodable():
                return _undecodable(decoded.record, decoded.event)
            case _:
                assert_never(decoded.event)

    def _transition(self, decoded: Decoded, event: TransitionEvent) -> Judgment:
        key = (event.fsm_type, event.entity_id)
        entity = self.entities.get(key)
        machine = self._machines.get(event.fsm_type)
        earlier = self._ledger.of(event.identity)
        plan = fold_transitions(
            _batch(decoded), self._machines, {key: entity}, _known(event, earlier), (decoded.record.offset,)
        )
        self._keep(plan)
        self.entities.update(plan.after)
        met = _state_met(machine, entity, event)
        judgment = Judgment(
            decoded.record.offset,
            _verdict(plan),
            event,
            met,
            plan.after[key].state if key in plan.after else met,
            machine.version if machine is not None else None,
        )
        return self._explained(
            judgment, plan, earlier, lambda reason: remedies.of_transition(reason, self._machines, entity, event)
        )

    def _workflow(self, decoded: Decoded, event: WorkflowEvent) -> Judgment:
        key = event.workflow_id
        workflow = self.workflows.get(key)
        earlier = self._ledger.of(event.identity)
        plan = fold_workflows(_batch(decoded), {key: workflow}, _known(event, earlier), (decoded.record.offset,))
        self._keep(plan)
        self.workflows.update(plan.after if self._payloads else {id_: _lean(row) for id_, row in plan.after.items()})
        judgment = Judgment(
            decoded.record.offset, _verdict(plan), event, _status(workflow), _status(plan.after.get(key, workflow))
        )
        return self._explained(judgment, plan, earlier, lambda reason: remedies.of_workflow(reason, workflow, event))

    def _keep(self, plan: Plan) -> None:
        for digest, identity in plan.identities.items():
            self._ledger.keep(digest, Judged(identity.verdict, plan.batch.span.start))

    def _explained(
        self, judgment: Judgment, plan: Plan, earlier: Judged | None, advise: Callable[[Reason], Advice]
    ) -> Judgment:
        """The judgment with what there is to say of a record that changes nothing."""
        match judgment.verdict:
            case Verdict.REJECTED:
                (letter,) = plan.dead_letters
                advice = advise(Reason(letter.reason))
                return replace(
                    judgment, reason=letter.reason, detail=letter.detail, field=advice.field, remedy=advice.remedy
                )
            case Verdict.DUPLICATE:
                assert earlier is not None, "what is judged the first time is no duplicate"
                where = "one that was judged before" if earlier.offset is None else f"{self._place} {earlier.offset}"
                return replace(
                    judgment,
                    detail=f"the same event as {where}, which was {earlier.verdict}",
                    remedy=remedies.of_duplicate(earlier.verdict),
                    first=earlier.offset,
                )
            case Verdict.APPLIED | Verdict.UNDECODABLE:
                return judgment
            case _:
                assert_never(judgment.verdict)


def _batch(decoded: Decoded) -> Batch:
    offset = decoded.record.offset
    return Batch(_PARTITION, Span(offset, offset + 1), (decoded,))


def _known(event: TransitionEvent | WorkflowEvent, earlier: Judged | None) -> KnownVerdicts:
    return {} if earlier is None else {event.identity: earlier.verdict}


def _verdict(plan: Plan) -> Verdict:
    if plan.dead_letters:
        return plan.dead_letters[0].verdict
    return Verdict.DUPLICATE if plan.counts.duplicate else Verdict.APPLIED


def _undecodable(record: Record, event: Undecodable) -> Judgment:
    advice = remedies.of_undecodable(event, record)
    return Judgment(
        record.offset,
        Verdict.UNDECODABLE,
        reason=event.reason,
        detail=event.detail,
        field=advice.field,
        remedy=advice.remedy,
    )


def _state_met(machine: Machine | None, entity: Entity | None, event: TransitionEvent) -> str | None:
    if entity is not None:
        return entity.state
    return machine.initial if machine is not None and event.action != CREATE else None


def _status(workflow: Workflow | None) -> str | None:
    return workflow.status.value if workflow is not None else None


def _lean(workflow: Workflow) -> Workflow:
    return replace(workflow, input_payload=None, output_results=None, metadata=None)
