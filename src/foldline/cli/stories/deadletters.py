"""`foldline deadletters`: the records that were rejected or could not be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.output import AsJson, counted, instant, json_out, line_out, plain, table_out
from foldline.cli.shapes import prints
from foldline.cli.stories.as_it_came import Header, Octets, as_it_came_out, name_of, octets, position_of, written_at
from foldline.core.redrive import redrive_of
from foldline.errors import AbsentError
from foldline.postgres.letter_entries import DeadLetterEntry, DeadLetterRecord
from foldline.postgres.letters import Letters
from foldline.postgres.reports import Reports

app = typer.Typer(name="deadletters", help="Records that were rejected or could not be decoded.", no_args_is_help=True)


class Status(StrEnum):
    """What became of a dead letter."""

    OPEN = "open"
    REDRIVEN = "redriven"
    APPLIED = "applied"
    REJECTED_AGAIN = "rejected_again"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class DeadLetterStory(DeadLetterEntry):
    """One dead letter with its record as it came.

    Attributes:
        key: the record's key.
        value: the record's value; null for a tombstone.
        headers: the record's headers, in their order.
        record_timestamp_ms: the record's timestamp in milliseconds since 1970.
        record_timestamp: the same as a time; null where it is none.
        redrive_of: the dead letter that its record was a redrive for; null, as the next one, if it was none.
        redrive: which redrive of the event that was, from 1.
        redrives: how often its record was published again.
        redriven_at: when that was last; null, as the next one, if it never was.
        redriven_by: who did it: the database's user, and that of the machine.
        answered_topic: the topic of the redriven record that was judged; null, as the next four, while none was.
        answered_partition: its partition.
        answered_offset: its offset.
        answered_at: when its verdict was written.
        answered_as: the dead letter that it became; null also if it was applied.
        closed_at: when the dead letter was dropped; null, as the next two, if it was not.
        closed_by: who dropped it.
        why: why.
    """

    key: Octets | None
    value: Octets | None
    headers: list[Header]
    record_timestamp_ms: int | None
    record_timestamp: datetime | None
    redrive_of: int | None
    redrive: int | None
    redrives: int
    redriven_at: datetime | None
    redriven_by: str | None
    answered_topic: str | None
    answered_partition: int | None
    answered_offset: int | None
    answered_at: datetime | None
    answered_as: int | None
    closed_at: datetime | None
    closed_by: str | None
    why: str | None


@app.command("list")
@prints(list[DeadLetterEntry])
def list_all(
    *,
    status: Annotated[Status | None, typer.Option(help="Only those with this status.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only those of the entity with this id.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; all unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, latest first."""
    found = Reports(here(database=True).database_url).dead_letters(
        status=status, reason=reason, entity_id=entity, limit=limit
    )
    if as_json:
        json_out(found)
    elif not found:
        line_out("No dead letter.")
    else:
        table_out(
            ["id", "recorded", "reason", "of", "status", "position", "detail"],
            [
                [
                    str(each.id),
                    each.recorded_at,
                    each.reason,
                    _subject(each),
                    each.status,
                    position_of(each.topic, each.partition, each.offset),
                    each.detail,
                ]
                for each in found
            ],
        )


@app.command()
@prints(DeadLetterStory)
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="Its id in the list.")], *, as_json: AsJson = False
) -> None:
    """Print one dead letter with its record as it came, and what became of it."""
    letters = Letters(here(database=True).database_url)
    found = letters.show(number)
    if found is None:
        raise AbsentError(f"There is no dead letter {number}.", remedy="`foldline deadletters list` lists them.")
    said = redrive_of(found.headers)
    story = DeadLetterStory(
        **{
            field.name: getattr(found, field.name)
            for field in fields(DeadLetterStory)
            if field.name in DeadLetterRecord.__dataclass_fields__ and field.name not in ("key", "value", "headers")
        },
        key=octets(found.key),
        value=octets(found.value),
        headers=[Header(name, octets(value)) for name, value in found.headers],
        record_timestamp=written_at(found.record_timestamp_ms),
        redrive_of=letters.origin_of(found),
        redrive=None if said is None else said.redrive,
        answered_as=letters.successor_of(found),
    )
    if as_json:
        json_out(story)
    else:
        _tell(found, story)


def _tell(found: DeadLetterRecord, story: DeadLetterStory) -> None:
    line_out(f"{found.verdict}, {found.reason}: {plain(found.detail)}")
    line_out(f"of        {_subject(found)}")
    line_out(f"position  {position_of(found.topic, found.partition, found.offset)}")
    line_out(f"timestamp {instant(story.record_timestamp)}")
    line_out(f"recorded  {instant(found.recorded_at)}, now {found.status}")
    for line in _course(story):
        line_out(line)
    as_it_came_out(found.key, found.headers, found.value)


def _course(story: DeadLetterStory) -> Iterator[str]:
    """Where it came from, and what became of it since."""
    if story.redrive is not None:
        letter = f" of dead letter {story.redrive_of}" if story.redrive_of is not None else ""
        yield f"came from redrive {story.redrive}{letter}"
    if story.redriven_at is not None:
        often = counted(story.redrives, "time")
        yield f"redriven  {often}, last {instant(story.redriven_at)} by {plain(story.redriven_by)}"
    if story.answered_topic is not None:
        place = position_of(story.answered_topic, story.answered_partition, story.answered_offset)
        letter = f", dead letter {story.answered_as}" if story.answered_as is not None else ""
        yield f"answered  {instant(story.answered_at)} by {place}{letter}"
    if story.closed_at is not None:
        yield f"dropped   {instant(story.closed_at)} by {plain(story.closed_by)}: {plain(story.why)}"


def _subject(entry: DeadLetterEntry | DeadLetterRecord) -> str:
    return name_of(entry.fsm_type, entry.entity_id, entry.workflow_id) or "-"
