"""The breaker: says when most of what arrives on a partition is refused, so that it can be stopped before all of it is.

A deployment that publishes events which no machine takes fills the dead letters with a whole day of them. Stopped
after the first thousand, the partition waits until somebody has mended the machine or the publisher.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from foldline.core.batch import Counts, Partition


@dataclass(frozen=True, slots=True)
class Tripped:
    """So many of the last `judged` records were refused: rejected or undecodable."""

    refused: int
    judged: int


class Breaker:
    """Counts what was refused of the last records of each partition.

    Args:
        percent: of the last records, from how many refused on it trips, in percent; 0: never.
        records: how many records it looks back over; it never trips before it has seen so many.
    """

    def __init__(self, percent: int, records: int) -> None:
        self._percent = percent
        self._records = records
        self._seen: dict[Partition, deque[Tripped]] = {}

    def judged(self, partition: Partition, counts: Counts) -> Tripped | None:
        """Take the verdicts of one batch in; duplicates say nothing and do not count. Batches count whole."""
        if not self._percent:
            return None
        refused = counts.rejected + counts.undecodable
        seen = self._seen.setdefault(partition, deque())
        seen.append(Tripped(refused, counts.applied + refused))
        judged = sum(each.judged for each in seen)
        while judged - seen[0].judged >= self._records:
            judged -= seen.popleft().judged
        refused = sum(each.refused for each in seen)
        if judged < self._records or refused * 100 < self._percent * judged:
            return None
        return Tripped(refused, judged)

    def forget(self, partition: Partition) -> None:
        """Begin anew: somebody else has the partition, or has looked at it."""
        self._seen.pop(partition, None)
