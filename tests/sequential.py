"""The oracle of interleavings: what the tables must hold, folded record by record in the order of the commits.

It is told what was committed and changed by hand, in that order, but not what was written: it reads the log itself, one
record at a time, with nothing cached, nothing in flight and nothing assumed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from foldline.core.batch import (
    Batch,
    DeadLetter,
    Decoded,
    EntityKey,
    HistoryRow,
    Partition,
    Plan,
    Span,
    TimelineRow,
    TransitionPlan,
    WorkflowPlan,
)
from foldline.core.decide import Entity, Hop
from foldline.core.decide_workflow import Workflow
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.core.fold import fold_transitions, fold_workflows, refused_by_database
from foldline.core.machine import Machine
from harness import WORKFLOWS
from model_store import Changed, Committed, Store

_REFUSED = "refused_by_database"

Tables = dict[str, Any]
"""What the log decides, by table; without ids, which depend on how often was tried."""


class SequentialFold:
    """Follows a store. `records` reads the log; `machines` has every version of every machine."""

    def __init__(
        self, records: Callable[[Partition, Span], list[Record]], machines: Mapping[tuple[str, int], Machine]
    ) -> None:
        self._records = records
        self._machines = machines
        self._followed = 0
        self._active: dict[str, Machine] = {}
        self.verdicts: dict[tuple[Partition, int], Verdict] = {}
        self._identities: dict[str, Verdict] = {}
        self._judged_on: dict[str, Partition] = {}
        self._entities: dict[EntityKey, Entity] = {}
        self._workflows: dict[str, Workflow] = {}
        self._history: list[tuple[Partition, HistoryRow]] = []
        self._timeline: list[tuple[Partition, TimelineRow]] = []
        self._dead_letters: list[tuple[Partition, DeadLetter]] = []
        self._hops: list[tuple[EntityKey, str | None, str]] = []

    def follow(self, store: Store) -> None:
        """Fold what happened since."""
        for happened in store.happened[self._followed :]:
            match happened:
                case Changed(key=key, entity=entity):
                    self._changed(key, entity)
                case Committed(plan=plan, active=active):
                    self._active = {name: self._machines[name, version] for name, version in active.items() if version}
                    gave_up = {each.record.offset for each in plan.dead_letters if each.reason == _REFUSED}
                    for record in self._records(plan.batch.partition, plan.batch.span):
                        is_refused = (plan.batch.partition, record.offset) in store.refused
                        self._judge(
                            plan.batch.partition, record, is_refused=is_refused, gave_up=record.offset in gave_up
                        )
        self._followed = len(store.happened)

    def tables(self) -> Tables:
        """What the store must hold."""
        counts: dict[Partition, Counter[str]] = defaultdict(Counter)
        for (partition, _), verdict in self.verdicts.items():
            counts[partition][verdict] += 1
        return {
            "counts": counts,
            "hops": _by_entity(self._hops),
            **_shown(
                self._entities, self._workflows, self._identities, self._history, self._timeline, self._dead_letters
            ),
        }

    def _changed(self, key: EntityKey, entity: Entity | None) -> None:
        held = self._entities.pop(key, None)
        if entity is not None:
            self._entities[key] = entity
            self._hops.append((key, held.state if held else None, entity.state))

    def _judge(self, partition: Partition, record: Record, *, is_refused: bool, gave_up: bool) -> None:
        assert (partition, record.offset) not in self.verdicts, f"{partition} {record.offset} was judged before"
        decode = decode_workflow if partition.topic == WORKFLOWS.topic else decode_transition
        event = decode(record.value, record.headers)
        alone = Batch(partition, Span(record.offset, record.offset + 1), [Decoded(record, event)])
        plan = self._fold(alone, event)
        rows = [*getattr(plan, "history", ()), *getattr(plan, "timeline", ())]
        # Between its refusal and its dead letter another partition may have brought the same event: no order says which
        # came first.
        brought_meanwhile = gave_up and self._judged_on.get(getattr(event, "identity", ""), partition) != partition
        if is_refused and (rows or brought_meanwhile):
            plan = refused_by_database(alone, "refused by the model")
        self._write(plan)
        (self.verdicts[partition, record.offset],) = (v for v in Verdict if getattr(plan.counts, v))

    def _fold(self, alone: Batch, event: TransitionEvent | WorkflowEvent | Undecodable) -> Plan:
        ids = [len(self.verdicts) + 1]
        match event:
            case TransitionEvent(fsm_type=fsm_type, entity_id=entity_id):
                row = self._entities.get((fsm_type, entity_id))
                return fold_transitions(alone, self._active, {(fsm_type, entity_id): row}, self._identities, ids)
            case WorkflowEvent(workflow_id=key):
                return fold_workflows(alone, {key: self._workflows.get(key)}, self._identities, ids)
            case Undecodable():
                return fold_transitions(alone, {}, {}, {}, ids)

    def _write(self, plan: Plan) -> None:
        partition = plan.batch.partition
        self._identities |= {digest: identity.verdict for digest, identity in plan.identities.items()}
        self._judged_on |= dict.fromkeys(plan.identities, partition)
        self._dead_letters += ((partition, letter) for letter in plan.dead_letters)
        if isinstance(plan, TransitionPlan):
            self._entities |= plan.after
            self._history += ((partition, row) for row in plan.history)
            self._hops += (_hop(row) for row in plan.history if isinstance(row.outcome, Hop))
        if isinstance(plan, WorkflowPlan):
            self._workflows |= plan.after
            self._timeline += ((partition, row) for row in plan.timeline)


def held_by(store: Store) -> Tables:
    """What the store does hold, in the same words. History is read in the order of its ids, as people do."""
    counts = {
        partition: Counter({str(verdict): number for verdict in Verdict if (number := getattr(held.counts, verdict))})
        for partition, held in store.positions.items()
    }
    return {
        "counts": {partition: counted for partition, counted in counts.items() if counted},
        "hops": _by_entity((key, before, after) for _, key, before, after in store.hops()),
        **_shown(
            store.entities,
            store.workflows,
            store.identities,
            sorted(store.history, key=lambda written: written[1].id),
            sorted(store.timeline, key=lambda written: written[1].id),
            store.dead_letters,
        ),
    }


def _shown(
    entities: Mapping[EntityKey, Entity],
    workflows: Mapping[str, Workflow],
    identities: Mapping[str, Verdict],
    history: Iterable[tuple[Partition, HistoryRow]],
    timeline: Iterable[tuple[Partition, TimelineRow]],
    dead_letters: Iterable[tuple[Partition, DeadLetter]],
) -> Tables:
    of_entities: dict[object, list[HistoryRow]] = defaultdict(list)
    for partition, row in history:  # on one partition in the log's order; the log orders nothing across partitions
        of_entities[row.event.fsm_type, row.event.entity_id, partition].append(replace(row, id=0))
    of_workflows: dict[object, list[TimelineRow]] = defaultdict(list)
    for partition, line in timeline:
        of_workflows[line.event.workflow_id, partition].append(replace(line, id=0))
    return {
        "entities": {key: replace(row, revision=0) for key, row in entities.items()},
        "workflows": {key: replace(row, revision=0, input_payload=None) for key, row in workflows.items()},
        "identities": dict(identities),
        "history": of_entities,
        "timeline": of_workflows,
        "dead letters": {
            (partition, letter.record.offset): replace(letter, judged_as=None) for partition, letter in dead_letters
        },
        "dead letters in all": len(list(dead_letters)),
    }


def _hop(row: HistoryRow) -> tuple[EntityKey, str | None, str]:
    assert isinstance(row.outcome, Hop)
    return (row.event.fsm_type, row.event.entity_id), row.outcome.from_state, row.outcome.to_state


def _by_entity(hops: Iterable[tuple[EntityKey, str | None, str]]) -> dict[EntityKey, list[tuple[str | None, str]]]:
    found: dict[EntityKey, list[tuple[str | None, str]]] = defaultdict(list)
    for key, before, after in hops:
        found[key].append((before, after))
    return found
