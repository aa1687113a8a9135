"""A seeded log with everything that a log may hold: what is legal, what is not, and what is no event at all.

It is made as it is written, record by record; the same seed and topics give the same records in the same order.
"""

from __future__ import annotations

import json
import random
import zlib
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from oracle.projection import Projected, Record
from torture.stories import MACHINES, POISON, Stories

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_REMEMBERED = 400
_LONGEST_RESEND = 120
PARTITIONS = 4

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record to be written, and where."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Burst:
    """Records to be written one after another; `committed` is None outside of transactions."""

    records: tuple[Sent, ...]
    committed: bool | None = None


@dataclass
class Log:
    """The log of one seed, for two topics of four partitions each."""

    seed: int
    transitions: str
    workflows: str
    _chance: random.Random = field(init=False)
    _stories: Stories = field(init=False)
    _truth: Projected = field(init=False)
    _makers: dict[str, Callable[[], list[Burst]]] = field(init=False)
    _sent: dict[tuple[str, int], deque[Sent]] = field(default_factory=dict)
    _clock: datetime = _FIRST
    _written: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(f"log {self.seed}")  # noqa: S311 - reproducible on purpose
        self._truth = Projected(MACHINES, self.workflows)
        self._stories = Stories(self._chance, self._truth)
        self._makers = {
            "plain": self._plain, "twice": self._twice, "late": self._late, "redrive": self._redrive,
            "resend": self._resend, "swapped": self._swapped, "dropped": self._dropped, "poison": self._poison,
            "stray": self._stray, "transaction": self._transaction,
        }  # fmt: skip

    def bursts(self) -> Iterator[Burst]:
        """The log, without an end."""
        while True:
            for burst in self._next():
                for sent in burst.records if burst.committed is not False else ():
                    self._note(sent)
                yield burst

    def _note(self, sent: Sent) -> None:
        self._sent.setdefault((sent.topic, sent.partition), deque(maxlen=_REMEMBERED)).append(sent)
        self._written += 1
        place = (sent.topic, sent.partition, self._written)
        self._truth.judge(Record(place, sent.key, sent.value, sent.headers, None))

    def _next(self) -> list[Burst]:
        return self._makers[self._chance.choices(_SORTS, _WEIGHTS)[0]]()

    def _plain(self) -> list[Burst]:
        return [Burst((self._fresh(),))]

    def _transaction(self) -> list[Burst]:
        records = tuple(self._fresh() for _ in range(self._chance.randint(2, 12)))
        return [Burst(records, committed=self._chance.random() < _COMMITTED)]

    def _twice(self) -> list[Burst]:
        sent = self._fresh()
        return [Burst((sent, self._again(sent)))]

    def _late(self) -> list[Burst]:
        return [Burst((self._again(self._chance.choice(old)),)) for old in self._old()]

    def _redrive(self) -> list[Burst]:
        return [Burst((_redriven(self._chance.choice(old)),)) for old in self._old()]

    def _resend(self) -> list[Burst]:
        """A publisher that starts again a good way back: a stretch of nothing but duplicates."""
        return [Burst(tuple(old[-self._chance.randint(20, _LONGEST_RESEND) :])) for old in self._old()]

    def _swapped(self) -> list[Burst]:
        first, second = (self._record(event) for event in self._stories.pair())
        return [Burst((second, first))]

    def _dropped(self) -> list[Burst]:
        self._fresh()
        return []

    def _poison(self) -> list[Burst]:
        topic = self._chance.choice((self.transitions, self.workflows))
        value = self._chance.choice(POISON)
        return [Burst((Sent(topic, self._chance.randrange(PARTITIONS), b"poison", value),))]

    def _stray(self) -> list[Burst]:
        return [Burst((self._record(self._stories.stray(), self._chance.randrange(PARTITIONS)),))]

    def _old(self) -> list[list[Sent]]:
        """What was written last to one partition or another; nothing while nothing is."""
        return [list(self._sent[self._chance.choice(sorted(self._sent))])] if self._sent else []

    def _fresh(self) -> Sent:
        return self._record(self._stories.next())

    def _record(self, event: dict[str, Any], partition: int | None = None) -> Sent:
        self._clock += timedelta(milliseconds=self._chance.randint(-200, 2_000))  # now and then backwards
        event = {"occurred_at": f"{self._clock:%Y-%m-%dT%H:%M:%S.%fZ}", **event}
        topic, key = (
            (self.workflows, event["workflow_id"]) if "workflow_id" in event else (self.transitions, event["entity_id"])
        )
        if partition is None:
            partition = zlib.crc32(key.encode()) % PARTITIONS
        value, headers = self._wrapped(event)
        return Sent(topic, partition, key.encode(), value, headers)

    def _wrapped(self, event: dict[str, Any]) -> tuple[bytes, Headers]:
        """Plain mostly, at times in a CloudEvents envelope of either mode."""
        drawn = self._chance.random()
        if drawn > 0.06 or "event_id" not in event:
            return _json(event), ((("trace", b"\xff\x00"),) if drawn > 0.97 else ())
        outside = {"id": event.pop("event_id"), "time": event.pop("occurred_at")}
        if drawn < 0.03:
            headers = tuple((f"ce_{name}", text.encode()) for name, text in outside.items())
            return _json(event), (("ce_specversion", b"1.0"), ("ce_source", b"/torture"), *headers)
        content = {"data": event} if drawn < 0.045 else {"data_base64": b64encode(_json(event)).decode()}
        envelope = {"specversion": "1.0", "type": "t", "source": "/torture", **outside, **content}
        return _json(envelope), (("content-type", b"application/cloudevents+json; charset=utf-8"),)

    def _again(self, sent: Sent) -> Sent:
        """The same event once more, at times with another content under the same identity."""
        if self._chance.random() < 0.7 or sent.value is None or b'"event_id"' not in sent.value:
            return sent
        return replace(sent, value=sent.value.replace(b'"event_id"', b'"metadata": {"other": true}, "event_id"', 1))


_WEIGHTS_OF = {
    "plain": 700, "twice": 40, "late": 30, "redrive": 15, "resend": 6, "swapped": 15, "dropped": 10, "poison": 15,
    "stray": 60, "transaction": 6,
}  # fmt: skip
_SORTS, _WEIGHTS = tuple(_WEIGHTS_OF), tuple(_WEIGHTS_OF.values())
_COMMITTED = 0.6


def _redriven(sent: Sent) -> Sent:
    return replace(sent, headers=(*sent.headers, ("foldline-redrive", b"asked")))


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
