"""Rows and events set aside on the local disk, in buckets by entity and workflow: what belongs together is found so."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from foldline.core.batch import EntityKey
from foldline.core.events import TransitionEvent, WorkflowEvent
from foldline.replay.copytext import columns, leading
from foldline.replay.cut import EntityRow, HistoryRow, Row, TimelineRow, WorkflowRow
from foldline.replay.spill import Spill, bucket_of
from foldline.replay.told import AnyTold, Told, packed, transition, workflow
from foldline.replay.written import Held

_SHARES: Final = 1 << 32

_MARKS: Final[dict[type[Row], tuple[bytes, int]]] = {
    EntityRow: (b"E", 2),
    HistoryRow: (b"H", 2),
    WorkflowRow: (b"W", 1),
    TimelineRow: (b"T", 1),
}
"""For every shape the byte that its frames begin with, and how many of its first columns make the key."""
_TRANSITION, _WORKFLOW = b"t", b"w"


@dataclass(slots=True)
class OfEntity:
    """All that there is of one entity: what the log tells, and what the tables hold."""

    told: list[Told[TransitionEvent]] = field(default_factory=list)
    held: Held[EntityRow, HistoryRow] = field(default_factory=Held)


@dataclass(slots=True)
class OfWorkflow:
    """All that there is of one workflow."""

    told: list[Told[WorkflowEvent]] = field(default_factory=list)
    held: Held[WorkflowRow, TimelineRow] = field(default_factory=Held)


@dataclass(slots=True)
class Bucket:
    """All that there is of some entities and workflows."""

    entities: dict[EntityKey, OfEntity] = field(default_factory=lambda: defaultdict(OfEntity))
    workflows: dict[str, OfWorkflow] = field(default_factory=lambda: defaultdict(OfWorkflow))


class Aside:
    """Sets aside and gives back.

    Args:
        spill: where.
        buckets: into how many.
        share: how many of all keys are wanted, from 0 to 1; the others are dropped. Always the same ones.
    """

    def __init__(self, spill: Spill, buckets: int, share: float) -> None:
        self._spill = spill
        self._buckets = buckets
        self._wanted = round(share * _SHARES)

    def row(self, shape: type[Row], line: bytes) -> None:
        """A row as COPY wrote it."""
        mark, names = _MARKS[shape]
        self._append("\0".join(leading(line, names)).encode(), mark + line)

    def told(self, told: AnyTold) -> None:
        """An event of the log."""
        event = told.event
        if isinstance(event, TransitionEvent):
            self._append(f"{event.fsm_type}\0{event.entity_id}".encode(), _TRANSITION + packed(told))
        else:
            self._append(event.workflow_id.encode(), _WORKFLOW + packed(told))

    def wants(self, event: TransitionEvent | WorkflowEvent) -> bool:
        """Whether what this event is about is among the wanted."""
        if isinstance(event, TransitionEvent):
            return self._wants(f"{event.fsm_type}\0{event.entity_id}".encode())
        return self._wants(event.workflow_id.encode())

    def buckets(self) -> Iterator[Bucket]:
        """One after the other; none is held after the next is asked for."""
        for number in range(self._buckets):
            bucket = Bucket()
            for frame in self._spill.read(number):
                _put(bucket, frame[:1], frame[1:])
            yield bucket

    def _append(self, key: bytes, frame: bytes) -> None:
        if self._wants(key):
            self._spill.append(bucket_of(key, self._buckets), frame)

    def _wants(self, key: bytes) -> bool:
        return self._wanted >= _SHARES or zlib.crc32(b"share" + key) < self._wanted


def _put(bucket: Bucket, mark: bytes, octets: bytes) -> None:
    match mark:
        case b"t":
            told = transition(octets)
            bucket.entities[told.event.fsm_type, told.event.entity_id].told.append(told)
        case b"w":
            of_workflow = workflow(octets)
            bucket.workflows[of_workflow.event.workflow_id].told.append(of_workflow)
        case b"H":
            history = HistoryRow(*columns(octets))  # type: ignore[arg-type]  # the statement's NOT NULL columns
            bucket.entities[history.fsm_type, history.entity_id].held.rows.append(history)
        case b"E":
            entity = EntityRow(*columns(octets))  # type: ignore[arg-type]
            bucket.entities[entity.fsm_type, entity.entity_id].held.now = entity
        case b"T":
            timeline = TimelineRow(*columns(octets))  # type: ignore[arg-type]
            bucket.workflows[timeline.workflow_id].held.rows.append(timeline)
        case _:
            row = WorkflowRow(*columns(octets))  # type: ignore[arg-type]
            held = bucket.workflows[row.workflow_id].held
            held.now, held.beside = (held.now, row) if held.now is not None else (row, None)
