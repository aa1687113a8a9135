"""Rows and events set aside on the local disk, in buckets by entity and workflow: what belongs together is found so."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

from foldline.core.batch import EntityKey
from foldline.core.events import TransitionEvent, WorkflowEvent
from foldline.replay.copytext import columns, leading
from foldline.replay.cut import EntityRow, HistoryRow, Row, TimelineRow, WorkflowRow
from foldline.replay.spill import Spill, bucket_of
from foldline.replay.told import AnyTold, Told, packed, transition, workflow
from foldline.replay.written import Held

_SHARES: Final = 1 << 32


class Mark(IntEnum):
    """The byte that a frame begins with: what it is."""

    TRANSITION = 0
    WORKFLOW = 1
    ENTITY = 2
    HISTORY = 3
    WORKFLOW_ROW = 4
    TIMELINE = 5
    UNREAD_ENTITY = 6
    UNREAD_WORKFLOW = 7


_MARKS: Final[dict[type[Row], Mark]] = {
    EntityRow: Mark.ENTITY,
    HistoryRow: Mark.HISTORY,
    WorkflowRow: Mark.WORKFLOW_ROW,
    TimelineRow: Mark.TIMELINE,
}
_NAMES: Final[dict[int, int]] = {Mark.ENTITY: 2, Mark.HISTORY: 2, Mark.WORKFLOW_ROW: 1, Mark.TIMELINE: 1}
"""How many of a row's first columns make its key."""
_TRANSITION, _WORKFLOW = bytes([Mark.TRANSITION]), bytes([Mark.WORKFLOW])
_UNREAD_ENTITY, _UNREAD_WORKFLOW = bytes([Mark.UNREAD_ENTITY]), bytes([Mark.UNREAD_WORKFLOW])


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
        largest: how many bytes of a bucket are read at once; in memory they are some times as many.
        directory: where a bucket that is larger is divided.
    """

    def __init__(
        self, spill: Spill, buckets: int, share: float, *, largest: int, directory: Path | None = None
    ) -> None:
        self.spill = spill
        self._largest = largest
        self._directory = directory
        self._buckets = buckets
        self._wanted = round(share * _SHARES)

    def row(self, shape: type[Row], line: bytes) -> None:
        """A row as COPY wrote it."""
        mark = _MARKS[shape]
        self._append(leading(line, _NAMES[mark]), bytes([mark]) + line)

    def told(self, told: AnyTold) -> None:
        """An event of the log."""
        event = told.event
        if isinstance(event, TransitionEvent):
            self._append(f"{event.fsm_type}\0{event.entity_id}".encode(), _TRANSITION + packed(told))
        else:
            self._append(event.workflow_id.encode(), _WORKFLOW + packed(told))

    def unread(self, key: EntityKey | str) -> None:
        """A record of this entity or workflow lies where nobody can read any more."""
        if isinstance(key, str):
            self._append(key.encode(), _UNREAD_WORKFLOW + key.encode())
        else:
            named = "\0".join(key).encode()
            self._append(named, _UNREAD_ENTITY + named)

    def wants(self, event: TransitionEvent | WorkflowEvent) -> bool:
        """Whether what this event is about is among the wanted."""
        if self._wanted >= _SHARES:
            return True
        if isinstance(event, TransitionEvent):
            return self._wants(f"{event.fsm_type}\0{event.entity_id}".encode())
        return self._wants(event.workflow_id.encode())

    @property
    def count(self) -> int:
        """How many buckets there are."""
        return self._buckets

    def bucket(self, number: int) -> Iterator[Bucket]:
        """One bucket, in parts if it is too large for memory; a part is not held after the next is asked for."""
        parts = -(-self.spill.size(number) // self._largest)
        if parts <= 1:
            yield _bucket(self.spill.read(number))
            return
        with Spill(parts, self._directory) as finer:
            for frame in self.spill.read(number):
                finer.append(zlib.crc32(_key(frame)) // self._buckets % parts, frame)
            for part in range(parts):
                yield _bucket(finer.read(part))

    def _append(self, key: bytes, frame: bytes) -> None:
        if self._wants(key):
            self.spill.append(bucket_of(key, self._buckets), frame)

    def _wants(self, key: bytes) -> bool:
        return self._wanted >= _SHARES or zlib.crc32(b"share" + key) < self._wanted


def _key(frame: bytes) -> bytes:
    """The key that the frame was set aside by."""
    match frame[0]:
        case Mark.TRANSITION:
            event = transition(frame[1:]).event
            return f"{event.fsm_type}\0{event.entity_id}".encode()
        case Mark.WORKFLOW:
            return workflow(frame[1:]).event.workflow_id.encode()
        case Mark.UNREAD_ENTITY | Mark.UNREAD_WORKFLOW:
            return frame[1:]
        case mark:
            return leading(frame[1:], _NAMES[mark])


def _put_transition(bucket: Bucket, octets: bytes) -> None:
    told = transition(octets)
    bucket.entities[told.event.fsm_type, told.event.entity_id].told.append(told)


def _put_workflow(bucket: Bucket, octets: bytes) -> None:
    told = workflow(octets)
    bucket.workflows[told.event.workflow_id].told.append(told)


def _put_entity_row(bucket: Bucket, octets: bytes) -> None:
    row = EntityRow(*columns(octets))  # type: ignore[arg-type]  # the statement's NOT NULL columns
    bucket.entities[row.fsm_type, row.entity_id].held.now = row


def _put_history_row(bucket: Bucket, octets: bytes) -> None:
    row = HistoryRow(*columns(octets))  # type: ignore[arg-type]
    bucket.entities[row.fsm_type, row.entity_id].held.rows.append(row)


def _put_workflow_row(bucket: Bucket, octets: bytes) -> None:
    row = WorkflowRow(*columns(octets))  # type: ignore[arg-type]
    held = bucket.workflows[row.workflow_id].held
    held.now, held.beside = (held.now, row) if held.now is not None else (row, None)


def _put_timeline_row(bucket: Bucket, octets: bytes) -> None:
    row = TimelineRow(*columns(octets))  # type: ignore[arg-type]
    bucket.workflows[row.workflow_id].held.rows.append(row)


def _put_unread_entity(bucket: Bucket, octets: bytes) -> None:
    fsm_type, entity_id = octets.decode().split("\0")
    bucket.entities[fsm_type, entity_id].held.unread = True


def _put_unread_workflow(bucket: Bucket, octets: bytes) -> None:
    bucket.workflows[octets.decode()].held.unread = True


_PUT: Final[dict[int, Callable[[Bucket, bytes], None]]] = {
    Mark.TRANSITION: _put_transition,
    Mark.WORKFLOW: _put_workflow,
    Mark.ENTITY: _put_entity_row,
    Mark.HISTORY: _put_history_row,
    Mark.WORKFLOW_ROW: _put_workflow_row,
    Mark.TIMELINE: _put_timeline_row,
    Mark.UNREAD_ENTITY: _put_unread_entity,
    Mark.UNREAD_WORKFLOW: _put_unread_workflow,
}


def _bucket(frames: Iterator[bytes]) -> Bucket:
    bucket = Bucket()
    for frame in frames:
        _PUT[frame[0]](bucket, frame[1:])
    return bucket
