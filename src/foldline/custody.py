"""Which partitions are ours, under which epoch, and where each stands.

The group assigns; a claim in the database makes it ours. A partition is *waiting* (assigned, to be claimed when due),
*held* (claimed: the line may apply its batches) or *stopped* (assigned, but it cannot go on without a person).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from foldline import facts
from foldline.core.batch import Batch, Partition
from foldline.ports import Claim, PartitionFault, Source, Tables, Unavailable

_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 15.0


@dataclass(slots=True)
class _Waiting:
    due: float = 0.0
    attempts: int = 0
    fenced_at: int | None = None


@dataclass(slots=True)
class _Held:
    claim: Claim
    next_offset: int


class Custody:
    """Keeps the three kinds of partitions apart. `group_id` is ours: a claim of another group's is a mistake."""

    def __init__(self, source: Source, tables: Tables, group_id: str, announce: facts.Announce) -> None:
        self._source = source
        self._tables = tables
        self._group_id = group_id
        self._announce = announce
        self._waiting: dict[Partition, _Waiting] = {}
        self._held: dict[Partition, _Held] = {}
        self._stopped: dict[Partition, PartitionFault] = {}

    @property
    def stopped(self) -> dict[Partition, PartitionFault]:
        """The partitions that cannot go on, and why."""
        return self._stopped

    @property
    def held(self) -> int:
        """How many partitions are claimed."""
        return len(self._held)

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """The group gave us these; they are claimed when the line turns next."""
        for partition in partitions:
            self._waiting[partition] = _Waiting()

    def released(self, partitions: Iterable[Partition]) -> None:
        """The group took these; whatever is still folded for them will not be applied."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._stopped.pop(partition, None)
            if self._held.pop(partition, None) is not None:
                self._announce(facts.PartitionReleased(str(partition)))

    def claim_due(self, now: float) -> None:
        """Claim what is waiting and due."""
        for partition in [partition for partition, waiting in self._waiting.items() if waiting.due <= now]:
            self._claim(partition, now)

    def stands_at(self, batch: Batch) -> bool:
        """Whether the batch's partition is held and its position stands where the batch begins."""
        held = self._held.get(batch.partition)
        return held is not None and held.next_offset == batch.span.start

    def claim_of(self, partition: Partition) -> Claim:
        """Our claim of a held partition."""
        return self._held[partition].claim

    def moved(self, partition: Partition, next_offset: int) -> None:
        """A transaction of ours is committed."""
        if partition in self._held:
            self._held[partition].next_offset = next_offset

    def go_on_at(self, partition: Partition, next_offset: int) -> None:
        """The position stands elsewhere: read from there."""
        self._held[partition].next_offset = next_offset
        self._source.read_from(partition, next_offset)

    def fenced(self, partition: Partition, owner: str, group_id: str, now: float) -> None:
        """Another owner claimed it. Stand down; claim again only later, and only as a living member of our group."""
        self._source.stop_reading(partition)
        held = self._held.pop(partition)
        self._announce(facts.PartitionFenced(str(partition), owner, group_id))
        if group_id != self._group_id:
            self.stop(
                partition,
                PartitionFault(
                    f"{partition} is projected by group {group_id!r} ({owner}), not only by ours, {self._group_id!r}.",
                    remedy="Run all workers of one database in one group (FOLDLINE_GROUP_ID).",
                ),
            )
            return
        waiting = _Waiting(attempts=1, fenced_at=held.next_offset)
        waiting.due = now + _delay(waiting.attempts)
        self._waiting[partition] = waiting

    def stop(self, partition: Partition, fault: PartitionFault) -> None:
        """The partition cannot go on; the others do."""
        self._source.stop_reading(partition)
        held = self._held.pop(partition, None)
        self._waiting.pop(partition, None)
        if held is not None:
            self._tables.stop_partition(held.claim, str(fault))
        self._stopped[partition] = fault
        self._announce(facts.PartitionStopped(str(partition), fault.problem, fault.remedy))

    def _claim(self, partition: Partition, now: float) -> None:
        waiting = self._waiting[partition]
        waiting.attempts += 1
        waiting.due = now + _delay(waiting.attempts)
        try:
            if waiting.fenced_at is not None:
                self._source.confirm_membership(partition, waiting.fenced_at)
            claim = self._tables.claim(partition, self._source.log_facts(partition))
        except Unavailable as fault:
            delay = waiting.due - now
            self._announce(facts.BatchRetried(str(partition), fault.problem, waiting.attempts, delay))
            return
        except PartitionFault as fault:
            self.stop(partition, fault)
            return
        if claim.ended is not None:
            self._announce(facts.OwnerEnded(str(partition), claim.ended))
        if partition not in self._waiting:  # the group took it while we claimed
            return
        del self._waiting[partition]
        self._held[partition] = _Held(claim, claim.next_offset)
        self._source.read_from(partition, claim.next_offset)
        self._announce(facts.PartitionClaimed(str(partition), claim.epoch, claim.next_offset))


def _delay(attempts: int) -> float:
    ceiling: float = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2**attempts)
    return random.uniform(0.5, 1.0) * ceiling  # noqa: S311 - jitter, not a secret
