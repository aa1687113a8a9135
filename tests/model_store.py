"""What the tables hold, in memory, and what one transaction does to it: all that the model of PostgreSQL decides.

Every check of a transaction is a guard that can be switched off, so that a test can show what it is good for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from msgspec.structs import replace

from foldline.core.batch import (
    Counts,
    DeadLetter,
    EntityKey,
    HistoryRow,
    Partition,
    Plan,
    TimelineRow,
    TransitionPlan,
    WorkflowPlan,
)
from foldline.core.decide import Entity, Hop
from foldline.core.decide_workflow import Workflow
from foldline.core.events import Verdict
from foldline.core.machine import Machine
from foldline.ports import Answer, Claim, Displaced, Fenced, Moved, Refused, Stale

Activations = Mapping[str, Machine | None]


@dataclass(frozen=True, slots=True)
class Guards:
    """What a transaction checks before it is committed. The real tables always check all of it."""

    epoch: bool = True
    start: bool = True
    identities: bool = True
    revisions: bool = True


@dataclass(slots=True)
class Position:
    """One row of the positions."""

    next_offset: int
    begun_at: int
    epoch: int
    topic_id: str | None
    group_id: str
    owner: str
    counts: Counts = field(default_factory=Counts)
    stopped_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """A transaction that moved a position. `epoch_then`: whose the partition was at that moment."""

    plan: Plan
    owner: str
    epoch: int
    epoch_then: int
    active: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """An entity that was changed by hand; None if its row was deleted."""

    key: EntityKey
    entity: Entity | None


class Store:
    """The tables. `refused` are the records that the database will not take, though the decoder does.

    `happened` is what a sequential fold needs to come to the same: commits and changes by hand, in their order.
    """

    def __init__(self, guards: Guards = Guards()) -> None:
        self.guards = guards
        self.positions: dict[Partition, Position] = {}
        self.identities: dict[str, Verdict] = {}
        self.entities: dict[EntityKey, Entity] = {}
        self.workflows: dict[str, Workflow] = {}
        self.history: list[tuple[Partition, HistoryRow]] = []
        self.by_hand: list[tuple[int, EntityKey, str | None, str]] = []
        self.timeline: list[tuple[Partition, TimelineRow]] = []
        self.dead_letters: list[tuple[Partition, DeadLetter]] = []
        self.activations: dict[Partition, list[tuple[int, str, int | None]]] = {}
        self.machine_digests: dict[tuple[str, int], str] = {}
        self.refused: set[tuple[Partition, int]] = set()
        self.happened: list[Committed | Changed] = []
        self.ids = count(1)

    def take_over(self, partition: Partition, low: int, topic_id: str | None, group_id: str, owner: str) -> Position:
        """The one statement that claims."""
        held = self.positions.get(partition)
        if held is None:
            held = self.positions[partition] = Position(low, low, 1, topic_id, group_id, owner)
        else:
            held.epoch += 1
            held.topic_id = held.topic_id or topic_id
            held.group_id, held.owner, held.stopped_reason = group_id, owner, None
        return held

    def active_machines(self, partition: Partition) -> dict[str, int | None]:
        """The version of each machine that judges here from now on."""
        return {fsm_type: version for _, fsm_type, version in self.activations.get(partition, [])}

    def apply(self, plan: Plan, claim: Claim, activations: Activations) -> Answer:
        """One transaction."""
        answer = self.objection(plan, claim)
        if answer is None:
            self.write(plan, claim, activations)
        return answer or Moved()

    def objection(self, plan: Plan, claim: Claim) -> Answer | None:
        """Why the plan may not be written; None if it may."""
        return self._behind_the_fence(plan, claim) or self._refused(plan) or self._not_as_folded(plan)

    def write(self, plan: Plan, claim: Claim, activations: Activations) -> None:
        """All that a plan writes. Whoever calls has asked for objections."""
        partition = plan.batch.partition
        held = self.positions[partition]
        held.next_offset = plan.batch.span.next_offset
        for verdict in Verdict:
            setattr(held.counts, verdict, getattr(held.counts, verdict) + getattr(plan.counts, verdict))
        self.identities |= {digest: identity.verdict for digest, identity in plan.identities.items()}
        self.dead_letters += ((partition, letter) for letter in plan.dead_letters)
        match plan:
            case TransitionPlan():
                self.entities |= plan.after
                self.history += ((partition, row) for row in plan.history)
            case WorkflowPlan():
                self.workflows |= {key: replace(row, input_payload=None) for key, row in plan.after.items()}
                self.timeline += ((partition, row) for row in plan.timeline)
            case _:
                pass
        for fsm_type, machine in activations.items():
            version = None if machine is None else machine.version
            self.activations.setdefault(partition, []).append((plan.batch.span.start, fsm_type, version))
            if machine is not None:
                self.machine_digests[fsm_type, machine.version] = machine.digest
        self.happened.append(Committed(plan, held.owner, claim.epoch, held.epoch, self.active_machines(partition)))

    def change_by_hand(self, key: EntityKey, state: str, since: datetime) -> None:
        """`UPDATE fsm_state SET current_state`, or an INSERT where there is no row."""
        held, revision = self.entities.get(key), next(self.ids)
        if held is not None and held.state == state:
            return
        entity = replace(held, state=state, since=since, revision=revision) if held else Entity(state, since, revision)
        self.entities[key] = entity
        self.by_hand.append((revision, key, held.state if held else None, state))
        self.happened.append(Changed(key, entity))

    def delete_by_hand(self, key: EntityKey) -> None:
        """`DELETE FROM fsm_state`, which is not recorded."""
        if self.entities.pop(key, None) is not None:
            self.happened.append(Changed(key, None))

    def hops(self) -> list[tuple[int, EntityKey, str | None, str]]:
        """Every change of a state in the order of history, with its id."""
        return sorted([*self.by_hand, *(_hop(row) for _, row in self.history if isinstance(row.outcome, Hop))])

    def _behind_the_fence(self, plan: Plan, claim: Claim) -> Answer | None:
        held, span = self.positions.get(plan.batch.partition), plan.batch.span
        if held is None:
            return Fenced("nobody (the position was removed)", "")
        if self.guards.epoch and held.epoch != claim.epoch:
            return Fenced(held.owner, held.group_id)
        if not self.guards.start or held.next_offset == span.start:
            return None
        return Moved(before=True) if held.next_offset == span.next_offset else Displaced(held.next_offset)

    def _refused(self, plan: Plan) -> Refused | None:
        match plan:
            case TransitionPlan():
                offsets = {row.offset for row in plan.history}
            case WorkflowPlan():
                offsets = {line.offset for line in plan.timeline}
            case _:
                offsets = set()
        found = any((plan.batch.partition, offset) in self.refused for offset in offsets)
        return Refused("refused by the model") if found else None

    def _not_as_folded(self, plan: Plan) -> Stale | None:
        if self.guards.identities:
            for digest, identity in plan.identities.items():
                if self.identities.get(digest) is not (Verdict.REJECTED if identity.rejudged else None):
                    return Stale("identities")
        if self.guards.revisions:
            match plan:
                case TransitionPlan():
                    if any(_revision(self.entities.get(key)) != _revision(row) for key, row in plan.before.items()):
                        return Stale("entities")
                case WorkflowPlan():
                    if any(_revision(self.workflows.get(key)) != _revision(row) for key, row in plan.before.items()):
                        return Stale("workflows")
                case _:
                    pass
        return None


def _revision(row: Entity | Workflow | None) -> int | None:
    return None if row is None else row.revision


def _hop(row: HistoryRow) -> tuple[int, EntityKey, str | None, str]:
    assert isinstance(row.outcome, Hop)
    return row.id, (row.event.fsm_type, row.event.entity_id), row.outcome.from_state, row.outcome.to_state
