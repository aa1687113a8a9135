"""What people are told of one record: the rows that it caused, and what decides what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from foldline.postgres.entries import AcceptanceEntry, HistoryEntry, Position, TimelineEntry
from foldline.postgres.letter_entries import DeadLetterEntry


@dataclass(frozen=True, slots=True)
class RecordHistoryEntry(HistoryEntry):
    """The row of history that a record has caused.

    Attributes:
        fsm_type: the machine.
        entity_id: the entity.
    """

    fsm_type: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class RecordTimelineEntry(TimelineEntry):
    """The timeline row that a record has caused.

    Attributes:
        workflow_id: the workflow.
    """

    workflow_id: str


@dataclass(frozen=True, slots=True)
class RecordLetterEntry(DeadLetterEntry):
    """The dead letter that a record has become.

    Attributes:
        incarnation: which of the logs of this name it lay in: 0 is the first.
    """

    incarnation: int


@dataclass(frozen=True, slots=True)
class RecordTrace:
    """What the tables hold of one record, all of one moment.

    `position` and `acceptances` are its partition's; `history`, `timeline` and `letters` name its offset, in whichever
    log of that name; `places` are where the event that it carries had a verdict (topic, partition, offset); `known`:
    whether the event has had one; `cleaned_before`: clean-ups have removed rows of its kind from before this time.
    """

    position: Position | None
    acceptances: list[AcceptanceEntry]
    history: list[RecordHistoryEntry]
    timeline: list[RecordTimelineEntry]
    letters: list[RecordLetterEntry]
    places: list[tuple[str, int, int]]
    known: bool
    cleaned_before: datetime | None
