"""A model of the port `Source`: partitions in memory, and a group of members that a test assigns and disturbs.

What the group decides reaches a member when it polls, unless it is deaf: then it goes on as if nothing had happened.
tests/contract/test_source.py holds the model against a real broker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from foldline.core.batch import Partition, Span
from foldline.core.events import Record
from foldline.ports import Chunk, Claim, Listener, LogFacts, Unavailable
from model_tables import At

Slot = Record | None
"""What lies at an offset: a record, or a control record, which no reader sees."""


@dataclass
class ModelLog:
    """Partitions that begin at offset 0, who owns each, and how far the group was told that each is."""

    slots: dict[Partition, list[Slot]]
    owners: dict[Partition, ModelSource] = field(default_factory=dict)
    acknowledged: dict[Partition, int] = field(default_factory=dict)

    def append(self, partition: Partition, records: Iterable[Record]) -> None:
        """Append the records, whatever offsets they had."""
        log = self.slots[partition]
        for record in records:
            log.append(Record(len(log), record.key, record.value, record.headers, record.timestamp_ms))

    def append_control(self, partition: Partition) -> None:
        """Append a record that no reader sees."""
        self.slots[partition].append(None)

    def records(self, partition: Partition, span: Span) -> list[Record]:
        """The records of a span."""
        return [slot for slot in self.slots[partition][span.start : span.next_offset] if slot is not None]

    def assign(self, partition: Partition, member: ModelSource) -> None:
        """Give a partition that nobody owns to a member."""
        assert partition not in self.owners
        self.owners[partition] = member
        member.news.append(("assigned", partition))

    def revoke(self, partition: Partition) -> None:
        """Ask the owner to give it back. It belongs to nobody once the owner has heard."""
        news = ("revoked", partition)
        if partition in self.owners and news not in self.owners[partition].news:
            self.owners[partition].news.append(news)

    def expel(self, member: ModelSource) -> None:
        """The member's session ended. It has lost everything, whether it has heard or not."""
        for partition in [partition for partition, owner in self.owners.items() if owner is member]:
            del self.owners[partition]
            member.news.append(("lost", partition))


@dataclass
class ModelSource:
    """One member of the group. `now` is the clock that `keep_alive` passes."""

    log: ModelLog
    batch_size: int = 1000
    at: At = lambda _: None
    pass_time: Callable[[float], None] = lambda _: None
    deaf: bool = False
    news: deque[tuple[str, Partition]] = field(default_factory=deque)
    reading: dict[Partition, int] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    def poll(self, *, wait: bool) -> Chunk | None:
        del wait
        self.at("poll")
        self._hear()
        for partition, start in list(self.reading.items()):
            self.reading[partition] = self.reading.pop(partition)  # the last in turn now
            if start < len(self.log.slots[partition]):
                return self._chunk(partition, start)
        return None

    def log_facts(self, partition: Partition) -> LogFacts:
        self.at("log_facts")
        return LogFacts(0, len(self.log.slots[partition]), "id-1")

    def known_end(self, partition: Partition) -> int | None:
        return len(self.log.slots[partition]) if partition in self.reading else None

    def read_from(self, claim: Claim, offset: int) -> None:
        self.at("read_from")
        self.reading.pop(claim.partition, None)
        self.reading[claim.partition] = offset

    def stop_reading(self, partition: Partition) -> None:
        self.reading.pop(partition, None)

    def acknowledge(self, partition: Partition, next_offset: int) -> None:
        self.at("acknowledge")
        self.log.acknowledged[partition] = max(next_offset, self.log.acknowledged.get(partition, 0))

    def confirm_membership(self, partition: Partition, next_offset: int) -> None:
        del next_offset
        self.at("confirm_membership")
        if self.log.owners.get(partition) is not self:
            raise Unavailable("The group does not confirm us.", remedy="Asking again.")

    def keep_alive(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        self.at("keep_alive")
        self._hear()
        if not until():
            self.pass_time(seconds)

    def _hear(self) -> None:
        while self.news and not self.deaf:
            kind, partition = self.news.popleft()
            match kind:
                case "assigned":
                    self._listener.assigned([partition])
                case "revoked":
                    self._listener.revoked([partition])
                    if self.log.owners.get(partition) is self:
                        del self.log.owners[partition]
                    self.reading.pop(partition, None)
                case "interrupted":
                    if partition in self.reading:
                        self._listener.broken(partition, Unavailable("The broker is away.", remedy="Looking again."))
                case _:
                    self._listener.lost([partition])
                    self.reading.pop(partition, None)

    def _chunk(self, partition: Partition, start: int) -> Chunk:
        listed = self.log.slots[partition]
        taken: list[Record] = []
        for slot in listed[start:]:
            if slot is not None and len(taken) < self.batch_size:
                taken.append(slot)
        after = taken[-1].offset + 1 if taken else start
        end = after if any(listed[after:]) else len(listed)  # no record is left: pass what is none
        self.reading[partition] = end
        return Chunk(partition, Span(start, end), taken)
