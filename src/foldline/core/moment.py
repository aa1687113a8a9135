"""Where an entity was at some time, or after some record: rows of its history in, what they tell out.

A clean-up may have removed rows. What is left tells where the entity was only if the next hop follows on the last one
before that moment: it left the state that this one entered, and as long after it as it says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Generic, Protocol, TypeVar, assert_never

from foldline.core.batch import Partition
from foldline.core.stays import HistoryRow
from foldline.core.times import milliseconds_between

_ROUNDING_MS = 0.01


class PlacedRow(HistoryRow, Protocol):
    """What is asked of one row of history. One that was written by hand has the record that it came after, or none."""

    @property
    def topic(self) -> str | None:
        """The topic of its record."""

    @property
    def partition(self) -> int | None:
        """The partition of its record."""

    @property
    def record_offset(self) -> int | None:
        """The offset of its record."""

    @property
    def event_id(self) -> str | None:
        """The event's id; None on what was written by hand."""


@dataclass(frozen=True, slots=True)
class AtTime:
    """By event time: the last hop in the log's order that happened then or before."""

    time: datetime


@dataclass(frozen=True, slots=True)
class AfterRecord:
    """Once this record was judged. Of a log that took the place of another, the offset is one of the present log."""

    partition: Partition
    offset: int


Moment = AtTime | AfterRecord

Now = tuple[str, datetime] | None
"""The state that an entity is in, and since when; None of one that has no row."""

_Row = TypeVar("_Row", bound=PlacedRow)


@dataclass(frozen=True, slots=True)
class Then(Generic[_Row]):
    """What is known of that moment.

    Attributes:
        rows: what had happened by then, in the log's order.
        known: whether the rows that are left tell where the entity was.
        state: where it was; None where that is not known, and of an entity that had no state yet.
        since: since when; None likewise, and where the hop is not kept.
        by: the hop that led there; None likewise.
    """

    rows: Sequence[_Row]
    known: bool
    state: str | None = None
    since: datetime | None = None
    by: _Row | None = None


def then(rows: Sequence[_Row], moment: Moment, now: Now, cleaned_before: datetime | None) -> Then[_Row]:
    """Where the entity was.

    `rows` are all that is kept, in the log's order; `now` its present state, and since when; `cleaned_before` the
    latest time that a clean-up has removed rows before, by event time.
    """
    told = _told(rows, moment)
    hops = [row for row in rows if row.success]
    gone_by = sum(row.success for row in told)
    hop, later = hops[gone_by - 1] if gone_by else None, hops[gone_by:]
    if hop is not None and (cleaned_before is None or _is_sure(hop, later, moment, now, cleaned_before)):
        return Then(told, known=True, state=hop.to_state, since=hop.transitioned_at, by=hop)
    if hop is None and (cleaned_before is None or _was_unknown(later, moment, now, cleaned_before)):
        return Then(told, known=True)
    if hop is None and isinstance(moment, AtTime) and cleaned_before is not None and moment.time >= cleaned_before:
        return _from_later(later, told, moment.time, now)
    return Then(told, known=False)


def _told(rows: Sequence[_Row], moment: Moment) -> list[_Row]:
    match moment:
        case AtTime():
            in_time = [row.transitioned_at <= moment.time for row in rows]
            end = _end(rows, (row.success and came for row, came in zip(rows, in_time, strict=True)))
            later = zip(rows[end:], in_time[end:], strict=True)
            return [*rows[:end], *(row for row, came in later if came and not row.success)]
        case AfterRecord():
            return [*rows[: _end(rows, _come_by(rows, moment))]]
        case _:
            assert_never(moment)


def _end(rows: Sequence[_Row], counts: Iterable[bool]) -> int:
    """Behind the last of the rows that counts."""
    return max((index + 1 for index, came in zip(range(len(rows)), counts, strict=True) if came), default=0)


def _come_by(rows: Sequence[_Row], moment: AfterRecord) -> Iterator[bool]:
    """Whether each row had come by then. What came after no record, came after the row before it."""
    places = _places(rows, moment.partition)
    present_log = max((place[0] for place in places if place), default=0)
    came = True
    for row, place in zip(rows, places, strict=True):
        if place is not None:
            came = place <= (present_log, moment.offset)
        yield came if place or row.topic is None else False


def _places(rows: Sequence[_Row], partition: Partition) -> list[tuple[int, int] | None]:
    """Log and offset of each row of the partition. Where offsets go back, another log took the place of the first."""
    log, last = 0, -1
    places: list[tuple[int, int] | None] = []
    for row in rows:
        if row.record_offset is None or (row.topic, row.partition) != (partition.topic, partition.number):
            places.append(None)
            continue
        if row.event_id is not None:
            log, last = log + (row.record_offset <= last), row.record_offset
        places.append((log, row.record_offset))
    return places


def _is_sure(hop: PlacedRow, later: Sequence[PlacedRow], moment: Moment, now: Now, cleaned_before: datetime) -> bool:
    """Whether no hop that was removed can have been the one that led to where the entity was."""
    match moment:
        case AfterRecord():
            return _follows(later[0], hop) if later else now == (hop.to_state, hop.transitioned_at)
        case AtTime():
            return moment.time >= cleaned_before and _unbroken([hop, *later], now)
        case _:
            assert_never(moment)


def _from_later(later: Sequence[_Row], told: Sequence[_Row], time: datetime, now: Now) -> Then[_Row]:
    """What is known of a time from the hops after it: all before are gone, and so lie before that time."""
    if not later and now is not None and now[1] <= time:
        return Then(told, known=True, state=now[0], since=now[1])
    if later and later[0].duration_ms is not None and _unbroken(later, now):
        since = later[0].transitioned_at - timedelta(milliseconds=later[0].duration_ms)
        return Then(told, known=True, state=later[0].from_state, since=since)
    return Then(told, known=False)


def _was_unknown(later: Sequence[PlacedRow], moment: Moment, now: Now, cleaned_before: datetime) -> bool:
    """Whether the hop that comes next is the entity's first: it would say how long one that was removed had lasted."""
    if not later or later[0].duration_ms is not None or later[0].transitioned_at < cleaned_before:
        return False
    return isinstance(moment, AfterRecord) or _unbroken(later, now)


def _unbroken(hops: Sequence[PlacedRow], now: Now) -> bool:
    """Whether each hop follows on the one before, and the present on the last."""
    last = hops[-1]
    return all(_follows(row, hop) for hop, row in pairwise(hops)) and now == (last.to_state, last.transitioned_at)


def _follows(row: PlacedRow, hop: PlacedRow) -> bool:
    """Whether nothing lies between a hop and the next row of one."""
    stayed = milliseconds_between(hop.transitioned_at, row.transitioned_at)
    if row.from_state != hop.to_state or stayed is None or row.duration_ms is None:
        return False
    return math.isclose(stayed, row.duration_ms, rel_tol=0, abs_tol=_ROUNDING_MS)
