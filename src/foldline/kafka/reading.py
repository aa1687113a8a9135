"""One partition that is being read: what was fetched of it and not handed out yet, and the chunks that it makes."""

from __future__ import annotations

from collections import deque

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from foldline.core.batch import Partition, Span
from foldline.core.events import Record
from foldline.ports import Chunk


class Reading:
    """Where the next chunk of a partition starts, and what was fetched for it.

    `end` is where the broker said that the partition ends (-1: not yet): control and aborted records before it are no
    messages. `begun_at`: where we began; every record before that was judged. `fetched_at`: when, by the monotonic
    clock, the last of it was fetched.
    """

    def __init__(self, partition: Partition, start: int) -> None:
        self.partition = partition
        self.start = start
        self.begun_at = start
        self.end = -1
        self.fetched_at = 0.0
        self.messages: deque[Message] = deque()

    def ready(self) -> bool:
        """Whether there is anything to move the position over."""
        return bool(self.messages) or self.end > self.start

    def known_end(self, high: int, asked: int) -> int:
        """Where the partition ends for a reader of committed records.

        `high`: its high watermark as far as it is known; `asked`: where it was said to end when somebody last asked. An
        open transaction lies below the watermark, but not before the end that the broker tells us of as reached.
        """
        if not self.messages and self.end >= self.start:
            return max(self.end, asked)
        fetched = (self.messages[-1].offset() or 0) + 1 if self.messages else self.start
        return max(high, asked, fetched)

    def chunk(self, most: int) -> Chunk:
        """The next records, `most` at the most; the chunk after it starts where this one ends."""
        messages = [self.messages.popleft() for _ in range(min(most, len(self.messages)))]
        records = [record_of(message) for message in messages]
        next_offset = records[-1].offset + 1 if records else self.start
        if not self.messages:
            next_offset = max(next_offset, self.end)
        span = Span(self.start, next_offset)
        self.start = next_offset
        return Chunk(self.partition, span, records, messages[-1].leader_epoch() if messages else None)


def record_of(message: Message) -> Record:
    """The record that the client delivered."""
    offset, headers = message.offset(), message.headers()
    assert offset is not None, "a record has its offset"
    kind, timestamp = message.timestamp()
    return Record(
        offset,
        message.key(),
        message.value(),
        tuple((name, _octets(value)) for name, value in headers) if isinstance(headers, list) else (),
        timestamp if kind != TIMESTAMP_NOT_AVAILABLE else None,
    )


def _octets(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
