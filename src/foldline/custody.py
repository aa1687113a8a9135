"""Which partitions are ours, under which epoch, and where each stands.

The group assigns; a claim in the database makes it ours. A partition is *waiting* (assigned, to be claimed when due),
*held* (claimed: the line may apply its batches) or *stopped* (assigned, but it cannot go on without a person).

    assigned ──► waiting ──claim──► held ──fault──► stopped
                    ▲                 │                │
                    └──fenced, away───┘◄───accepted────┘

Whoever is fenced stands down and claims again later, the later the more often it happened within a minute, and only
once the group has confirmed that it still is a member: two who both believe to be the owner end where the group says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from foldline import facts
from foldline.backoff import Backoff
from foldline.core.batch import Batch, Counts, Partition
from foldline.core.breaker import Breaker
from foldline.ports import Claim, PartitionFault, Source, Tables, Unavailable

_BACKOFF = Backoff(first=0.4, longest=15.0)
_SETBACKS_COUNT_SECONDS = 60.0
_LOOK_AT_STOPPED_EVERY_SECONDS = 2.0


@dataclass(slots=True)
class _Waiting:
    due: float = 0.0
    attempts: int = 0
    fenced_at: int | None = None


@dataclass(slots=True)
class _Held:
    claim: Claim
    next_offset: int


@dataclass(slots=True)
class _Setbacks:
    """When a partition was lost after it was claimed: the more within a minute, the later it is claimed again."""

    at: deque[float] = field(default_factory=deque)

    def count(self, now: float) -> int:
        self.at.append(now)
        while now - self.at[0] > _SETBACKS_COUNT_SECONDS:
            self.at.popleft()
        return len(self.at)


@dataclass(slots=True)
class _Note:
    """Why a partition was stopped, and whether that is in the database. Without a claim of ours: the claim noted it."""

    claim: Claim | None
    reason: str
    tripped: bool
    written: bool = False

    @property
    def epoch(self) -> int:
        """What an answer has to be later than."""
        return -1 if self.claim is None else self.claim.epoch


class Custody:
    """Keeps the three kinds of partitions apart. `group_id` is ours: a claim of another group's is a mistake."""

    def __init__(
        self, source: Source, tables: Tables, group_id: str, announce: facts.Announce, breaker: Breaker | None = None
    ) -> None:
        self._source = source
        self._tables = tables
        self._group_id = group_id
        self._announce = announce
        self._breaker = breaker or Breaker(0, 1)
        self._waiting: dict[Partition, _Waiting] = {}
        self._held: dict[Partition, _Held] = {}
        self._stopped: dict[Partition, PartitionFault] = {}
        self._answerable: dict[Partition, _Note] = {}
        self._looked_at = 0.0
        self._setbacks: dict[Partition, _Setbacks] = {}

    @property
    def stopped(self) -> dict[Partition, PartitionFault]:
        """The partitions that cannot go on, and why."""
        return self._stopped

    @property
    def waiting(self) -> Collection[Partition]:
        """The partitions that are still to be claimed."""
        return self._waiting.keys()

    def positions(self) -> Iterator[tuple[Partition, int]]:
        """The partitions that are claimed, and where each stands."""
        return ((partition, held.next_offset) for partition, held in self._held.items())

    @property
    def held(self) -> int:
        """How many partitions are claimed."""
        return len(self._held)

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """The group gave us these; they are claimed when the line turns next."""
        self._announce(facts.PartitionsAssigned(tuple(map(str, partitions))))
        for partition in partitions:
            self._waiting[partition] = _Waiting()

    def released(self, partitions: Iterable[Partition], *, lost: bool = False) -> None:
        """The group took these (`lost`: without a hand-over); what is still folded for them will not be applied."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._stopped.pop(partition, None)
            self._answerable.pop(partition, None)
            self._breaker.forget(partition)
            held = self._held.pop(partition, None)
            if lost:
                self._announce(facts.PartitionLost(str(partition), None if held is None else held.next_offset))
            elif held is not None:
                self._announce(facts.PartitionReleased(str(partition), held.next_offset))

    def claim_due(self, now: float) -> None:
        """Claim what is waiting and due, and what was stopped and has its answer.

        Where a claim fails, the others wait for the next turn: a server that does not answer holds up one only.
        """
        if self._answerable and now - self._looked_at >= _LOOK_AT_STOPPED_EVERY_SECONDS:
            self._looked_at = now
            self._resume()
        for partition in [partition for partition, waiting in self._waiting.items() if waiting.due <= now]:
            if partition in self._waiting and not self._claim(partition, now):  # the group may take one meanwhile
                return

    def stands_at(self, batch: Batch) -> bool:
        """Whether the batch's partition is held and its position stands where the batch begins."""
        held = self._held.get(batch.partition)
        return held is not None and held.next_offset == batch.span.start

    def claim_of(self, partition: Partition) -> Claim:
        """Our claim of a held partition."""
        return self._held[partition].claim

    def moved(self, partition: Partition, next_offset: int, counts: Counts) -> None:
        """A transaction of ours is committed."""
        if partition not in self._held:
            return
        self._held[partition].next_offset = next_offset
        tripped = self._breaker.judged(partition, counts)
        if tripped is not None:
            refused = f"{tripped.refused} of its last {tripped.judged} records were refused"
            fault = PartitionFault(
                f"The breaker stopped {partition}: {refused}.",
                remedy="Look at `foldline deadletters list` and mend the machine or the publisher, then let it go on"
                f" with `foldline positions accept {partition.topic} {partition.number} --why ...`.",
            )
            self.stop(partition, fault, tripped=True)

    def go_on_at(self, partition: Partition, next_offset: int) -> None:
        """The position stands elsewhere: read from there."""
        held = self._held[partition]
        held.next_offset = next_offset
        self._source.read_from(held.claim, next_offset)

    def fenced(self, partition: Partition, owner: str, group_id: str, now: float) -> None:
        """Another owner claimed it. Stand down; claim again only later, and only as a living member of our group."""
        held = self._held.pop(partition)
        self._source.stop_reading(partition)
        self._announce(facts.PartitionFenced(str(partition), owner, group_id, held.next_offset))
        if group_id != self._group_id:
            self._stop(
                partition,
                PartitionFault(
                    f"{partition} is projected by group {group_id!r} ({owner}), not only by ours, {self._group_id!r}.",
                    remedy="Run all workers of one database in one group (FOLDLINE_GROUP_ID).",
                ),
                held.next_offset,
            )
            return
        self._wait(partition, now, fenced_at=held.next_offset)

    def interrupted(self, partition: Partition, fault: Unavailable, now: float) -> None:
        """The broker cannot deliver it now. Claim it again later, which looks at its log anew."""
        self._source.stop_reading(partition)
        if self._held.pop(partition, None) is not None:
            delay = self._wait(partition, now)
            self._announce(facts.ClaimPostponed(str(partition), fault.problem, 0, delay))

    def stop(self, partition: Partition, fault: PartitionFault, *, tripped: bool = False) -> None:
        """The partition cannot go on; the others do."""
        self._source.stop_reading(partition)
        held = self._held.pop(partition, None)
        note = _Note(None if held is None else held.claim, str(fault), tripped)
        self._stop(partition, fault, None if held is None else held.next_offset)
        self._answerable[partition] = note
        self._write(note)

    def _stop(self, partition: Partition, fault: PartitionFault, position: int | None) -> None:
        self._waiting.pop(partition, None)
        self._breaker.forget(partition)
        self._stopped[partition] = fault
        self._announce(facts.PartitionStopped(str(partition), fault.problem, fault.remedy, position))

    def _resume(self) -> None:
        """What an operator has let go on is claimed again, which sees whether it can."""
        for note in self._answerable.values():
            self._write(note)
        try:
            answered = self._tables.let_go_on({each: note.epoch for each, note in self._answerable.items()})
        except (Unavailable, PartitionFault):
            return
        for partition in answered:
            del self._answerable[partition]
            del self._stopped[partition]
            self._waiting[partition] = _Waiting()

    def _write(self, note: _Note) -> None:
        """Note it where people look, and where other workers do; again later if the database is away."""
        if note.claim is not None and not note.written:
            note.written = self._tables.stop_partition(note.claim, note.reason, tripped=note.tripped)

    def _wait(self, partition: Partition, now: float, fenced_at: int | None = None) -> float:
        delay = _BACKOFF.delay(self._setbacks.setdefault(partition, _Setbacks()).count(now))
        self._waiting[partition] = _Waiting(now + delay, 0, fenced_at)
        return delay

    def _claim(self, partition: Partition, now: float) -> bool:
        """Claim it, or say why not; False: a server could not be asked, or not now."""
        waiting = self._waiting[partition]
        waiting.attempts += 1
        delay = _BACKOFF.delay(waiting.attempts)
        waiting.due = now + delay
        try:
            if waiting.fenced_at is not None:
                self._source.confirm_membership(partition, waiting.fenced_at)
                if self._waiting.get(partition) is not waiting:  # the group took it while we asked
                    return True
            claim = self._tables.claim(partition, self._source.log_facts(partition))
            if claim.ended is not None:
                self._announce(facts.OwnerEnded(str(partition), claim.ended))
            if partition not in self._waiting:  # the group took it while we claimed
                return True
            self._source.read_from(claim, claim.next_offset)
        except Unavailable as fault:
            self._announce(facts.ClaimPostponed(str(partition), fault.problem, waiting.attempts, delay))
            return False
        except PartitionFault as fault:
            self.stop(partition, fault)
            return True
        del self._waiting[partition]
        self._held[partition] = _Held(claim, claim.next_offset)
        self._announce(facts.PartitionClaimed(str(partition), claim.epoch, claim.next_offset))
        return True
