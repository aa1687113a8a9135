"""What an entity was at some time, or after some record, as `foldline history --at` prints it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from foldline.cli.output import instant, line_out, plain
from foldline.cli.stories.as_it_came import RecordPosition, position_of
from foldline.cli.stories.entity import HistoryRow, by_hand, over, rows_json, rows_out, state_named
from foldline.cli.stories.timeline import span
from foldline.core.batch import Partition
from foldline.core.machine import Machine
from foldline.core.moment import AfterRecord, AtTime, Moment, Then, then
from foldline.core.stays import Stay, stay_now
from foldline.core.times import parse_time
from foldline.errors import AbsentError, UsageError
from foldline.postgres.reports import EntityStory, HistoryEntry, Position

_OFFSET = re.compile(r"(?:([A-Za-z0-9._-]{1,249}):)?(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class EntityThen:
    """What one entity was at some time, or after some record; the exit code is 1 if that cannot be known.

    Attributes:
        fsm_type: the machine.
        entity_id: the entity.
        time: the time that was asked for; null where it was a record.
        record: the record that was asked for; null where it was a time.
        known: whether what is kept tells it; false where a clean-up may have removed what would.
        state: the state; null if it had none yet, or that is not known.
        since: since when; null likewise.
        seconds: how long by the time that was asked for; null where it was a record, and likewise.
        by: the id of the row that led there; null likewise, and where a clean-up has removed it.
        history: the rows up to then.
    """

    fsm_type: str
    entity_id: str
    time: datetime | None
    record: RecordPosition | None
    known: bool
    state: str | None
    since: datetime | None
    seconds: float | None
    by: int | None
    history: list[HistoryRow]


def moment_of(at: str, partition: int | None, story: EntityStory, positions: Iterable[Position]) -> Moment:
    """The moment that the words of the command name.

    Raises:
        UsageError: they name none, or not one only.
        AbsentError: nothing of the entity lies where they say, or the record is not judged yet.
    """
    try:
        time = parse_time(at)
    except ValueError:
        return _after_record(at, partition, story, positions)
    if partition is not None:
        raise UsageError("A time is the same on every partition.", remedy="Leave out --partition.")
    return AtTime(time)


def then_of(story: EntityStory, moment: Moment) -> Then[HistoryEntry]:
    """What is known of the entity at that moment."""
    now = (story.state, story.since) if story.state is not None and story.since is not None else None
    return then(story.history, moment, now, story.cleaned_before)


def then_json(story: EntityStory, moment: Moment, found: Then[HistoryEntry], machine: Machine | None) -> EntityThen:
    """The answer for programs."""
    time, record = _named(moment)
    stay = _stay(found, moment, machine)
    return EntityThen(
        story.fsm_type,
        story.entity_id,
        time,
        record,
        found.known,
        found.state,
        found.since,
        None if stay is None else stay.seconds,
        None if found.by is None else found.by.id,
        rows_json(found.rows, machine),
    )


def show_then(story: EntityStory, moment: Moment, found: Then[HistoryEntry], machine: Machine | None) -> None:
    """Print the rows up to then, and where the entity was."""
    line_out(f"History of {plain(story.fsm_type)} {plain(story.entity_id)} {_until(moment)}", style="bold")
    rows_out(found.rows, machine)
    if not found.known:
        return
    if found.state is None:
        line_out("Then without a state: nothing had been applied", style="bold")
        return
    stay = _stay(found, moment, machine)
    lasting = f" for {span(stay.seconds)}{over(stay)}," if stay is not None and stay.seconds is not None else ""
    style = "bold red" if stay is not None and stay.overstay_seconds is not None else "bold"
    since = f"since {instant(found.since)}, {_by(found)}"
    line_out(f"Then in {state_named(found.state, machine)}{lasting} {since}", style=style)


def _named(moment: Moment) -> tuple[datetime | None, RecordPosition | None]:
    match moment:
        case AtTime():
            return moment.time, None
        case AfterRecord():
            return None, RecordPosition(moment.partition.topic, moment.partition.number, moment.offset)
        case _:
            assert_never(moment)


def _stay(found: Then[HistoryEntry], moment: Moment, machine: Machine | None) -> Stay | None:
    """How long it had been there by a time; a record says nothing of that."""
    if isinstance(moment, AfterRecord) or found.state is None or found.since is None:
        return None
    return stay_now(found.state, found.since, moment.time, machine)


def _until(moment: Moment) -> str:
    match moment:
        case AtTime():
            return f"until {instant(moment.time)}"
        case AfterRecord():
            return f"up to {position_of(moment.partition.topic, moment.partition.number, moment.offset)}"
        case _:
            assert_never(moment)


def _by(found: Then[HistoryEntry]) -> str:
    if found.by is None:
        return "by a row that a clean-up has removed"
    if by_hand(found.by):
        return "by hand, with SQL"
    return f"by {position_of(found.by.topic, found.by.partition, found.by.record_offset)}"


def _after_record(at: str, number: int | None, story: EntityStory, positions: Iterable[Position]) -> AfterRecord:
    words = _OFFSET.fullmatch(at)
    if words is None:
        raise UsageError(
            f"--at {at} is neither a time nor an offset.",
            remedy="Write a time as 2026-01-31T12:00:00Z, an offset as 42, or as TOPIC:42.",
        )
    name = f"{story.fsm_type} {story.entity_id}"
    lying = dict.fromkeys(
        Partition(row.topic, row.partition)
        for row in story.history
        if row.topic is not None and row.partition is not None
    )
    if not lying:
        raise AbsentError(f"No row that is kept of {name} names a record.", remedy="Ask for a time.")
    named = [each for each in lying if words[1] in (None, each.topic) and number in (None, each.number)]
    listed = ", ".join(map(str, lying))
    if not named:
        raise AbsentError(f"No record of {name} lies there, but on {listed}.", remedy="Name one of these.")
    if len(named) > 1:
        raise UsageError(
            f"The records of {name} lie on {listed}.",
            remedy="Name one: with --partition, or the topic as in --at TOPIC:OFFSET.",
        )
    partition, offset = named[0], int(words[2])
    stands_at = next((each.next_offset for each in positions if each.key == partition), None)
    if stands_at is not None and offset >= stands_at:
        raise AbsentError(
            f"{partition} stands at {stands_at}: the record at {offset} is not judged yet.",
            remedy=f"Ask for an offset before {stands_at}.",
        )
    return AfterRecord(partition, offset)
