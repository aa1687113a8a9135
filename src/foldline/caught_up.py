"""Whether everything is projected that was in the log when somebody began to ask, whoever projects it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from foldline.core.batch import Partition
from foldline.custody import Custody
from foldline.errors import FoldlineError
from foldline.kafka.log import LogReader
from foldline.postgres.reports import Position, Reports

_ASK_EVERY_SECONDS = 0.1


def until_caught_up(log: LogReader, reports: Reports, topics: Sequence[str], custody: Custody) -> Callable[[], bool]:
    """A question to be asked again and again; asks the database ten times a second at most.

    Raises:
        LogError: the brokers cannot be reached to say where the log ends.
    """
    ends = log.stable_ends(log.partitions(topics))
    asked_at = 0.0

    def reached() -> bool:
        nonlocal asked_at
        if time.monotonic() - asked_at < _ASK_EVERY_SECONDS:
            return False
        asked_at = time.monotonic()
        try:
            positions = {each.key: each for each in reports.positions()}
            older = [(Partition(topic, later), Partition(topic, older)) for topic, later, older in reports.barriers()]
        except FoldlineError:  # the worker meets a database that is away, too, and waits for it
            return False
        return all_reached(ends, positions, custody.stopped, older)

    return reached


def all_reached(
    ends: Mapping[Partition, int],
    positions: Mapping[Partition, Position],
    stopped: Collection[Partition],
    older: Collection[tuple[Partition, Partition]],
) -> bool:
    """Whether each partition has come to its end, or cannot without a person.

    `older` are pairs of a partition that was added later and one that it waits for: it does not begin if that one has
    stopped.
    """
    still = {*stopped, *(each for each, position in positions.items() if position.stopped_reason is not None)}
    still |= {later for later, waited_for in older if waited_for in still and later not in positions}
    return all(
        partition in still or (partition in positions and positions[partition].next_offset >= end)
        for partition, end in ends.items()
    )
