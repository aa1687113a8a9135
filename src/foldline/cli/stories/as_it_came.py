"""A record as it came: where it lies, and its bytes for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from foldline.cli.output import line_out, plain
from foldline.core.events import Headers


class Octets(TypedDict, total=False):
    """Bytes: as text if they are UTF-8, else in hexadecimal; one of the two fields is there.

    Attributes:
        text: the bytes as text.
        hex: the bytes in hexadecimal.
    """

    text: str
    hex: str


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a record.

    Attributes:
        name: its name.
        value: its value.
    """

    name: str
    value: Octets | None


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where a record lies in the log.

    Attributes:
        topic: its topic.
        partition: the number of its partition.
        offset: its offset.
    """

    topic: str
    partition: int
    offset: int


def position_of(topic: str | None, partition: int | None, offset: int | None) -> str | None:
    """Where in the log a row comes from, as `foldline record` takes it; None for rows that were written by hand."""
    return None if topic is None else f"{topic} {partition} {offset}"


def name_of(fsm_type: str | None, entity_id: str | None, workflow_id: str | None) -> str | None:
    """What people call an entity or a workflow; None for neither."""
    if workflow_id is not None:
        return f"workflow {plain(workflow_id)}"
    return None if entity_id is None else f"{plain(fsm_type)} {plain(entity_id)}"


def written_at(milliseconds: int | None) -> datetime | None:
    """When the record says it was written; None where that is no date."""
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError):
        return None


def octets(value: bytes | None) -> Octets | None:
    """Bytes for programs: as text if they are UTF-8, else in hexadecimal."""
    if value is None:
        return None
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"hex": value.hex()}


def as_it_came_out(key: bytes | None, headers: Headers, value: bytes | None) -> None:
    """Print a record for people."""
    line_out(f"key       {_readable(key)}")
    for name, octets_of in headers:
        line_out(f"header    {plain(name)}: {_readable(octets_of)}")
    line_out("value" if value is not None else "value     none: a tombstone")
    if value is not None:
        line_out(_readable(value))


def _readable(value: bytes | None) -> str:
    """Bytes for people: as text if they are UTF-8, else in hexadecimal."""
    if value is None:
        return "none"
    try:
        return plain(value.decode(), keep="\n\t")
    except UnicodeDecodeError:
        return f"hex {value.hex(' ')}"
