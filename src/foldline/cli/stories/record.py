"""`foldline record`: one record as it came, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Annotated

import typer

from foldline.app import Place
from foldline.cli.here import here
from foldline.cli.output import AsJson, instant, json_out, line_out, plain
from foldline.cli.shapes import prints
from foldline.cli.stories.as_it_came import (
    Header,
    Octets,
    RecordPosition,
    as_it_came_out,
    octets,
    position_of,
    written_at,
)
from foldline.cli.stories.entity import rows_out
from foldline.cli.stories.fate import Event, Fate, fate_of, lying_words
from foldline.core.batch import Partition
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record, Undecodable, Verdict
from foldline.errors import AbsentError
from foldline.kafka.one_record import Aborted, Beyond, Lying, Nowhere, Present, what_lies_at
from foldline.postgres.reports import Reports
from foldline.postgres.trace_entries import RecordHistoryEntry, RecordLetterEntry, RecordTimelineEntry


@dataclass(frozen=True, slots=True)
class RecordAsItCame:
    """A record as it came.

    Attributes:
        key: its key.
        value: its value; null for a tombstone.
        headers: its headers, in their order.
        timestamp_ms: its timestamp in milliseconds since 1970; null if it has none.
        timestamp: the same as a time; null where it is none.
    """

    key: Octets | None
    value: Octets | None
    headers: list[Header]
    timestamp_ms: int | None
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class RecordStory:
    """One offset of the log, and what became of the record there; the exit code is 1, and nothing printed, if none was.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        offset: the offset.
        lies_there: record; aborted; uncommitted; no_record (the mark of a transaction's end, or compacted away); gone
            (the log begins later); beyond_end; nowhere (Kafka has no such partition).
        record: the record as it came, also of an aborted transaction; null where there is none to read.
        verdict: applied, duplicate, rejected or undecodable; null if it has none, or nobody can tell.
        explanation: the verdict explained, or why there is none.
        first: of a duplicate, the record that brought its event to a verdict, as far as that is kept; else null.
        incarnation: how often another log of this name was accepted in place of the first; null if never claimed.
        history: the row of an entity's history that it has caused, if any.
        timeline: the row of a workflow's timeline that it has caused, if any.
        dead_letters: the dead letter that it has become, if any.
    """

    topic: str
    partition: int
    offset: int
    lies_there: str
    record: RecordAsItCame | None
    verdict: Verdict | None
    explanation: str
    first: RecordPosition | None
    incarnation: int | None
    history: list[RecordHistoryEntry]
    timeline: list[RecordTimelineEntry]
    dead_letters: list[RecordLetterEntry]


@prints(RecordStory)
def record(
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    partition: Annotated[int, typer.Argument(metavar="PARTITION", min=0)],
    offset: Annotated[int, typer.Argument(metavar="OFFSET", min=0)],
    *,
    as_json: AsJson = False,
) -> None:
    """Print one record as it came, and what became of it; where Kafka has lost it, what the tables know."""
    place = here(database=True, kafka=True)
    where = Partition(topic, partition)
    lying = what_lies_at(place.kafka_properties, where, offset)
    event = _event(place, topic, lying)
    trace = Reports(place.database_url).record(where, offset, event)
    if isinstance(lying, Beyond | Nowhere) and (trace.position is None or offset >= trace.position.next_offset):
        raise AbsentError(
            f"There is no record at {offset} of {where}. {lying_words(lying)[1]}",
            remedy="`foldline status` lists the partitions and how far each is.",
        )
    fate = fate_of(where, offset, lying, event, trace)
    if as_json:
        json_out(_json(where, offset, lying, fate))
    else:
        _show(where, offset, lying, fate)


def _event(place: Place, topic: str, lying: Lying) -> Event | None:
    """What the record decodes to; None where it does not. A topic that is no longer projected held either kind."""
    if not isinstance(lying, Present):
        return None
    value, headers = lying.record.value, lying.record.headers
    if topic not in place.settings.workflow_topics:
        event = decode_transition(value, headers)
        if not isinstance(event, Undecodable):
            return event
    if topic not in place.settings.transition_topics:
        workflow_event = decode_workflow(value, headers)
        if not isinstance(workflow_event, Undecodable):
            return workflow_event
    return None


def _json(where: Partition, offset: int, lying: Lying, fate: Fate) -> RecordStory:
    found = lying.record if isinstance(lying, Present | Aborted) else None
    return RecordStory(
        where.topic,
        where.number,
        offset,
        lying_words(lying)[0],
        None if found is None else _as_it_came(found),
        fate.verdict,
        fate.why,
        fate.first,
        None if fate.trace.position is None else fate.trace.position.incarnation,
        fate.trace.history,
        fate.trace.timeline,
        fate.trace.letters,
    )


def _as_it_came(found: Record) -> RecordAsItCame:
    return RecordAsItCame(
        octets(found.key),
        octets(found.value),
        [Header(name, octets(value)) for name, value in found.headers],
        found.timestamp_ms,
        written_at(found.timestamp_ms),
    )


def _show(where: Partition, offset: int, lying: Lying, fate: Fate) -> None:
    line_out(f"Record {plain(position_of(where.topic, where.number, offset))}", style="bold")
    if not isinstance(lying, Present):
        line_out(lying_words(lying)[1])
    if isinstance(lying, Present | Aborted):
        line_out(f"timestamp {instant(written_at(lying.record.timestamp_ms))}")
        as_it_came_out(lying.record.key, lying.record.headers, lying.record.value)
    position = fate.trace.position
    if position is not None and position.incarnation:
        line_out("Another log was accepted in place of the one before: its offsets are used again.")
    line_out(f"{fate.verdict.upper()}: {plain(fate.why)}" if fate.verdict else plain(fate.why), style="bold")
    rows_out(fate.trace.history, None)
    for row in fate.trace.history:
        line_out(f"foldline history {_word(row.fsm_type)} {_word(row.entity_id)}")
    for entry in fate.trace.timeline:
        line_out(f"foldline workflows show {_word(entry.workflow_id)} --events")
    for letter in fate.trace.letters:
        line_out(f"foldline deadletters show {letter.id}  (now {letter.status})")


def _word(name: str) -> str:
    """A name as a word of a command that can be pasted."""
    return quote(plain(name))
