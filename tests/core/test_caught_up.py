"""When `run --until-caught-up` is done: also where partitions stand still, and others have to wait for them."""

from __future__ import annotations

from datetime import UTC, datetime

from foldline.caught_up import all_reached
from foldline.core.batch import Partition
from foldline.postgres.reports import Position

_OLD, _OTHER, _LATER = Partition("t", 0), Partition("t", 1), Partition("t", 2)
_ENDS = {_OLD: 5, _OTHER: 0}
_PAIRS = [(_LATER, _OLD), (_LATER, _OTHER)]


def _at(partition: Partition, next_offset: int, stopped_reason: str | None = None) -> tuple[Partition, Position]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    position = Position(
        partition.topic,
        partition.number,
        next_offset,
        begun_at=0,
        epoch=1,
        applied=0,
        duplicate=0,
        rejected=0,
        undecodable=0,
        group_id="g",
        owner="o",
        claimed_at=now,
        moved_at=now,
        stopped_reason=stopped_reason,
        tripped=False,
        topic_id=None,
        leader_epoch=None,
        leader_epoch_at=None,
        incarnation=0,
        compaction_accepted=False,
    )
    return partition, position


def test_every_partition_has_to_come_to_its_end() -> None:
    assert all_reached(_ENDS, dict([_at(_OLD, 5), _at(_OTHER, 0)]), [], [])
    assert not all_reached(_ENDS, dict([_at(_OLD, 4), _at(_OTHER, 0)]), [], [])
    assert not all_reached(_ENDS, dict([_at(_OLD, 5)]), [], [])


def test_what_stands_still_is_not_waited_for_whoever_stopped_it() -> None:
    assert all_reached(_ENDS, dict([_at(_OLD, 1, "broken"), _at(_OTHER, 0)]), [], [])
    assert all_reached(_ENDS, dict([_at(_OLD, 1), _at(_OTHER, 0)]), [_OLD], [])


def test_what_waits_for_a_partition_that_stands_still_is_not_waited_for_either() -> None:
    ends = {**_ENDS, _LATER: 3}
    stopped = dict([_at(_OLD, 1, "broken"), _at(_OTHER, 0)])
    assert all_reached(ends, stopped, [], _PAIRS)
    assert not all_reached(ends, stopped, [], [])
    assert not all_reached(ends, dict([*stopped.items(), _at(_LATER, 2)]), [], _PAIRS)
    assert not all_reached(ends, dict([_at(_OLD, 5), _at(_OTHER, 0)]), [], _PAIRS)
