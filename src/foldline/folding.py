"""Decoding and deciding a batch, with what both need to know: rows, identities and ids from the tables.

Rows are cached per partition: only its owner changes them, and what anybody else changes is noticed by its revision.
The cache holds what is committed; what the transaction in flight will leave behind is laid over it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from foldline.core.batch import Batch, Decoded, EntityKey, KnownVerdicts, Partition, Plan, TransitionPlan, WorkflowPlan
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Workflow
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import TransitionEvent, Undecodable, WorkflowEvent
from foldline.core.fold import fold_transitions, fold_workflows
from foldline.core.machine import Machines
from foldline.ports import Chunk, Tables

_MAX_CACHED_ROWS = 200_000

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")


class Folding:
    """Turns chunks into batches and batches into plans. The topic decides which kind of event a record carries."""

    def __init__(self, tables: Tables, machines: Machines, workflow_topics: frozenset[str]) -> None:
        self._tables = tables
        self._machines = machines
        self._workflow_topics = workflow_topics
        self._entities = _Rows[EntityKey, Entity](tables.load_entities)
        self._workflows = _Rows[str, Workflow](tables.load_workflows)

    @property
    def fsm_types(self) -> Collection[str]:
        """The names of the machines that events are judged by."""
        return self._machines.keys()

    def decode(self, chunk: Chunk) -> Batch:
        """Every record of the chunk with its event, or with why it has none."""
        decode = decode_workflow if chunk.partition.topic in self._workflow_topics else decode_transition
        decoded = [Decoded(record, decode(record.value, record.headers)) for record in chunk.records]
        return Batch(chunk.partition, chunk.span, decoded, chunk.leader_epoch)

    def fold(self, batch: Batch, in_flight: Plan | None = None) -> Plan:
        """The plan of the batch, on the assumption that the transaction in flight succeeds."""
        if not batch.decoded:
            return Plan(batch)
        known = self._known(batch, in_flight)
        if batch.partition.topic in self._workflow_topics:
            laid_over = in_flight.after if isinstance(in_flight, WorkflowPlan) else {}
            workflows = self._workflows.of(batch.partition, _workflow_keys(batch), laid_over)
            return fold_workflows(batch, workflows, known, self._tables.reserve_timeline_ids(len(batch.decoded)))
        over = in_flight.after if isinstance(in_flight, TransitionPlan) else {}
        entities = self._entities.of(batch.partition, _entity_keys(batch), over)
        ids = self._tables.reserve_history_ids(len(batch.decoded))
        return fold_transitions(batch, self._machines, entities, known, ids)

    def holding(self, batch: Batch) -> AbstractContextManager[None]:
        """Lock the rows that the batch is about until the end of the block: for a fold that met changed rows before."""
        if batch.partition.topic in self._workflow_topics:
            return self._tables.holding_workflows(_workflow_keys(batch))
        return self._tables.holding_entities(_entity_keys(batch))

    def committed(self, plan: Plan) -> None:
        """The plan is in the tables now."""
        match plan:
            case TransitionPlan():
                self._entities.keep(plan.batch.partition, plan.after)
            case WorkflowPlan():
                self._workflows.keep(plan.batch.partition, plan.after)
            case _:
                pass

    def forget(self, partition: Partition) -> None:
        """Trust nothing that was read for this partition before."""
        self._entities.forget(partition)
        self._workflows.forget(partition)

    def _known(self, batch: Batch, in_flight: Plan | None) -> KnownVerdicts:
        digests = list(dict.fromkeys(event.identity for event in _events(batch)))
        if not digests:
            return {}
        known = dict(self._tables.known_identities(digests))
        if in_flight is not None:
            new = in_flight.identities
            known.update((digest, new[digest].verdict) for digest in digests if digest in new)
        return known


class _Rows(Generic[_Key, _Row]):
    """Committed rows by partition and key; None where there is none."""

    def __init__(self, load: Callable[[Sequence[_Key]], Mapping[_Key, _Row | None]]) -> None:
        self._load = load
        self._cached: dict[Partition, dict[_Key, _Row | None]] = {}

    def of(
        self, partition: Partition, keys: Sequence[_Key], laid_over: Mapping[_Key, _Row]
    ) -> Mapping[_Key, _Row | None]:
        """The row of every key: as the transaction in flight will leave it, as cached, or else as loaded now."""
        cached = self._cached.setdefault(partition, {})
        if len(cached) + len(keys) > _MAX_CACHED_ROWS:
            cached.clear()
        missing = [key for key in keys if key not in cached and key not in laid_over]
        if missing:
            cached.update(self._load(missing))
        return {key: laid_over[key] if key in laid_over else cached[key] for key in keys}

    def keep(self, partition: Partition, rows: Mapping[_Key, _Row]) -> None:
        self._cached.setdefault(partition, {}).update(rows)

    def forget(self, partition: Partition) -> None:
        self._cached.pop(partition, None)


def _events(batch: Batch) -> Iterable[TransitionEvent | WorkflowEvent]:
    return (decoded.event for decoded in batch.decoded if not isinstance(decoded.event, Undecodable))


def _entity_keys(batch: Batch) -> list[EntityKey]:
    return list(
        dict.fromkeys(
            (event.fsm_type, event.entity_id) for event in _events(batch) if isinstance(event, TransitionEvent)
        )
    )


def _workflow_keys(batch: Batch) -> list[str]:
    return list(dict.fromkeys(event.workflow_id for event in _events(batch) if isinstance(event, WorkflowEvent)))
