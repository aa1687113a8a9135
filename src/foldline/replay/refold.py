"""Folding one entity, or one workflow, once more: the live fold, with the machines of then and the tables' own ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Generic, TypeVar

from foldline.core.batch import Batch, Counts, Decoded, EntityKey, HistoryRow, Partition, Plan, Span, TimelineRow
from foldline.core.decide import Entity, Hop
from foldline.core.decide_workflow import Workflow
from foldline.core.events import REDRIVE_HEADER, Record, TransitionEvent, Verdict, WorkflowEvent
from foldline.core.fold import fold_transitions, fold_workflows
from foldline.replay.past_machines import PastMachines
from foldline.replay.told import Event, Ref, Told

_NO_ID = 0
_REDRIVE = ((REDRIVE_HEADER, b""),)

Row = TypeVar("Row")
Now = TypeVar("Now")


@dataclass(frozen=True, slots=True)
class ByHand:
    """What was written by hand.

    Attributes:
        id: the number of the change; a MANUAL row has it, too, if the state changed.
        from_state: the state before; None: the row was inserted.
        to_state: the state after; the same as before: only since when, or the retries, were set.
        since: since when the entity says to be in that state.
        retries: its retries, if they were set.
    """

    id: int
    from_state: str | None
    to_state: str
    since: datetime
    retries: int | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether the history has it: a change of state."""
        return self.from_state != self.to_state


@dataclass(slots=True)
class Refolded(Generic[Row, Now]):
    """What the log makes of one entity or workflow.

    Attributes:
        rows: its history or timeline, by record, in their order.
        now: what it is in the end; None: it never was.
        last: the record that moved it last; None: no record did.
        by_hand: the change of its state by hand after that, if there was one.
        unset: what it was before its retries, or since when, were set by hand; None: they were not, or it moved since.
        misfits: changes by hand that started from another state than the log had led to, each with that state.
        letters: the records that became dead letters, with verdict and reason.
        verdicts: identities with their verdict, and a record that has it.
        counts: how the records of each partition ended.
    """

    rows: dict[Ref, Row] = field(default_factory=dict)
    now: Now | None = None
    last: Ref | None = None
    by_hand: ByHand | None = None
    unset: Now | None = None
    misfits: list[tuple[ByHand, str | None]] = field(default_factory=list)
    letters: dict[Ref, tuple[str, str]] = field(default_factory=dict)
    verdicts: dict[str, tuple[Verdict, Ref]] = field(default_factory=dict)
    counts: dict[int, Counts] = field(default_factory=dict)


def refold_entity(
    key: EntityKey,
    steps: Iterable[Told[TransitionEvent] | ByHand],
    machines: PastMachines,
    partitions: Sequence[Partition],
    ids: Mapping[Ref, int],
) -> Refolded[HistoryRow, Entity]:
    """Fold the steps in their order. `ids`: those that the rows of these records have in the tables."""
    found: Refolded[HistoryRow, Entity] = Refolded()
    known: dict[str, Verdict] = {}
    fsm_type = key[0]

    def judged_by(step: Told[TransitionEvent] | ByHand) -> tuple[int, object] | ByHand:
        if isinstance(step, ByHand):
            return step
        return step.source, machines.at(step.source, fsm_type, step.offset)

    for _, alike in groupby(steps, judged_by):
        run = list(alike)
        first = run[0]
        if isinstance(first, ByHand):
            _by_hand(found, first)
            continue
        told = [step for step in run if isinstance(step, Told)]
        machine = machines.at(first.source, fsm_type, first.offset)
        plan = fold_transitions(
            _batch(partitions[first.source], told),
            {} if machine is None else {fsm_type: machine},
            {key: found.now},
            known,
            [ids.get(each.ref, _NO_ID) for each in told],
        )
        for row in plan.history:
            ref = first.source, row.offset
            found.rows[ref] = row
            if type(row.outcome) is Hop:
                found.last, found.by_hand, found.unset = ref, None, None
        found.now = plan.after.get(key, found.now)
        _keep(found, known, plan, told)
    return found


def refold_workflow(
    key: str, told: Iterable[Told[WorkflowEvent]], partitions: Sequence[Partition], ids: Mapping[Ref, int]
) -> Refolded[TimelineRow, Workflow]:
    """As `refold_entity`, of a workflow: no machine judges it, and changes of it by hand are not recorded."""
    found: Refolded[TimelineRow, Workflow] = Refolded()
    known: dict[str, Verdict] = {}
    for source, alike in groupby(told, lambda each: each.source):
        run = list(alike)
        plan = fold_workflows(
            _batch(partitions[source], run), {key: found.now}, known, [ids.get(each.ref, _NO_ID) for each in run]
        )
        for row in plan.timeline:
            found.last = source, row.offset
            found.rows[found.last] = row
        found.now = plan.after.get(key, found.now)
        _keep(found, known, plan, run)
    return found


def _batch(partition: Partition, told: Sequence[Told[Event]]) -> Batch:
    decoded = [Decoded(Record(each.offset, None, None, _REDRIVE if each.redrive else ()), each.event) for each in told]
    return Batch(partition, Span(told[0].offset, told[-1].offset + 1), decoded)


def _keep(found: Refolded[Row, Now], known: dict[str, Verdict], plan: Plan, told: Sequence[Told[Event]]) -> None:
    source = told[0].source
    for letter in plan.dead_letters:
        found.letters[source, letter.record.offset] = letter.verdict.value, str(letter.reason)
    for each in told:
        identity = plan.identities.get(each.event.identity)
        if identity is not None:
            known[identity.digest] = identity.verdict
            found.verdicts[identity.digest] = identity.verdict, each.ref
    add(found.counts.setdefault(source, Counts()), plan.counts)


def add(total: Counts, more: Counts) -> None:
    """Count some more."""
    total.applied += more.applied
    total.duplicate += more.duplicate
    total.rejected += more.rejected
    total.undecodable += more.undecodable


def _by_hand(found: Refolded[HistoryRow, Entity], change: ByHand) -> None:
    """What was written is what the next event meets; the rest stays, unless the row was made anew."""
    was = found.now if change.from_state is not None else None
    if change.is_recorded:
        found.by_hand, found.unset = change, None
    else:
        found.unset = found.unset or was
    if change.from_state is not None and (was is None or was.state != change.from_state):
        found.misfits.append((change, None if was is None else was.state))
    found.now = Entity(
        change.to_state,
        change.since,
        change.id,
        change.retries if change.retries is not None else 0 if was is None else was.retries,
        None if was is None else was.lease,
        None if was is None else was.source,
    )
