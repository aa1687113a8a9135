"""One behaviour of the port `Source`, shown by the model and by a consumer group on a real broker."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import pytest

from clusters import Cluster
from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.kafka.source import KafkaSource
from foldline.ports import Claim, LogFacts, PartitionFault, Source, Unavailable
from harness import transition
from model_log import ModelLog, ModelSource

_LIMIT_SECONDS = 60
EVENTS = [transition("START_PROCESSING", event_id=str(number)) for number in range(4)]


class Heard:
    """A listener that claims nothing: what it was given and still has, and what was taken."""

    def __init__(self) -> None:
        self.has: set[Partition] = set()
        self.taken: list[Partition] = []

    def assigned(self, partitions: Sequence[Partition]) -> None:
        assert not self.has & set(partitions)
        self.has |= set(partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        self.taken += partitions
        self.has -= set(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:
        self.revoked(partitions)

    def broken(self, partition: Partition, fault: PartitionFault | Unavailable) -> None:
        raise AssertionError((partition, fault))


class Ground(ABC):
    """A topic of four partitions, and a group."""

    topic: str

    @abstractmethod
    def publish(self, partition: Partition) -> None:
        """The events, the last of them in a transaction of its producer: what ends it is no record."""

    @abstractmethod
    def join(self, heard: Heard) -> tuple[Source, Callable[[], None]]:
        """A member, and how it leaves."""


class ModelGround(Ground):
    topic = "t"

    def __init__(self) -> None:
        self._log = ModelLog({Partition(self.topic, number): [] for number in range(4)})
        self._members: list[ModelSource] = []

    def publish(self, partition: Partition) -> None:
        self._log.append(partition, [Record(0, None, str(event).encode()) for event in EVENTS])
        self._log.append_control(partition)

    def join(self, heard: Heard) -> tuple[Source, Callable[[], None]]:
        source = ModelSource(self._log, at=lambda call: self._balance() if call == "poll" else None)
        source.listen(heard)
        self._members.append(source)
        return source, lambda: self._leave(source)

    def _leave(self, source: ModelSource) -> None:
        self._members.remove(source)
        self._log.expel(source)

    def _balance(self) -> None:
        """As a group does: everybody an equal part."""
        for partition in self._log.slots:
            wanted = self._members[partition.number % len(self._members)]
            if partition not in self._log.owners:
                self._log.assign(partition, wanted)
            elif self._log.owners[partition] is not wanted:
                self._log.revoke(partition)


class KafkaGround(Ground):
    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self.topic = cluster.topics.transitions
        self._cluster = cluster
        self._stack = stack

    def publish(self, partition: Partition) -> None:
        self._cluster.publish(partition.topic, EVENTS[:3], partition=partition.number)
        self._cluster.publish_in_transaction(partition.topic, EVENTS[3:], commit=True, partition=partition.number)

    def join(self, heard: Heard) -> tuple[Source, Callable[[], None]]:
        source = KafkaSource(
            {"bootstrap.servers": self._cluster.bootstrap_servers, "heartbeat.interval.ms": "200"},
            group_id=self.topic,
            topics=[self.topic],
            batch_size=1000,
            announce=lambda _: None,
        )
        source.listen(heard)
        closing = self._stack.enter_context(ExitStack())
        closing.callback(source.close)
        return source, closing.close


@pytest.fixture(params=["model", "kafka"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    if request.param == "model":
        yield ModelGround()
        return
    with ExitStack() as stack:
        yield KafkaGround(request.getfixturevalue("cluster"), stack)


def test_a_member_delivers_from_where_it_is_told_and_passes_what_is_no_record(ground: Ground) -> None:
    where = Partition(ground.topic, 2)
    ground.publish(where)
    heard = Heard()
    source, _ = ground.join(heard)
    _poll_until(lambda: len(heard.has) == 4, source)
    assert source.poll(wait=True) is None  # what is assigned is not read before it is claimed
    facts = _log_facts(source, where)
    assert (facts.low, facts.high) == (0, 5)
    assert source.known_end(where) is None

    _read_from(source, where, 1)
    offsets, values, edges = _read(source, where, 5)
    assert offsets == [1, 2, 3]
    assert len({*values}) == 3
    assert edges[0] == 1
    _read_from(source, where, 4)
    assert source.known_end(where) == 5
    assert _read(source, where, 5) == ([], [], [4, 5])
    assert source.known_end(where) == 5
    _read_from(source, where, 2)
    assert _read(source, where, 5)[:2] == (offsets[1:], values[1:])

    _read_from(source, where, 0)
    source.stop_reading(where)
    assert source.known_end(where) is None
    assert [source.poll(wait=True) for _ in range(3)] == [None] * 3
    source.acknowledge(where, 5)
    source.confirm_membership(where, 5)


def test_where_a_log_ends_is_known_also_while_nothing_is_delivered(ground: Ground) -> None:
    where = Partition(ground.topic, 2)
    ground.publish(where)
    heard = Heard()
    source, _ = ground.join(heard)
    _poll_until(lambda: len(heard.has) == 4, source)
    _read_from(source, where, 0)
    _read(source, where, 5)
    for end in (10, 15):
        ground.publish(where)
        source.keep_alive(_LIMIT_SECONDS, partial(_ends_at, source, where, end))
        assert _ends_at(source, where, end)
    offsets, _, _ = _read(source, where, 15)
    assert offsets == [5, 6, 7, 8, 10, 11, 12, 13]  # none was passed over for being known of


def test_what_is_taken_while_nothing_is_delivered_is_delivered_when_it_is_read_again(ground: Ground) -> None:
    where = Partition(ground.topic, 2)
    ground.publish(where)
    heard = Heard()
    source, _ = ground.join(heard)
    _poll_until(lambda: len(heard.has) == 4, source)
    _read_from(source, where, 0)
    _read(source, where, 5)

    def taken() -> bool:
        source.stop_reading(where)
        return True

    source.keep_alive(_LIMIT_SECONDS, taken)
    _read_from(source, where, 0)
    assert _read(source, where, 5)[0] == [0, 1, 2, 3]


def test_a_member_that_joins_gets_what_another_has_heard_that_it_loses_and_gives_it_back_when_it_leaves(
    ground: Ground,
) -> None:
    first, second = Heard(), Heard()
    ours, _ = ground.join(first)
    _poll_until(lambda: len(first.has) == 4, ours)
    for partition in first.has:
        _read_from(ours, partition, 0)
    theirs, leave = ground.join(second)
    _poll_until(lambda: len(first.has) == len(second.has) == 2, ours, theirs)
    assert set(first.taken) == second.has
    moved = min(second.has, key=str)
    ground.publish(moved)
    _read_from(theirs, moved, 0)
    assert _read(theirs, moved, 5)[0] == [0, 1, 2, 3]
    assert ours.poll(wait=True) is None  # it stopped reading what it lost
    leave()
    _poll_until(lambda: len(first.has) == 4, ours)


def _ends_at(source: Source, partition: Partition, end: int) -> bool:
    return source.known_end(partition) == end


def _log_facts(source: Source, partition: Partition) -> LogFacts:
    """What the broker says of a topic that was made a moment ago, once it knows."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while True:
        try:
            return source.log_facts(partition)
        except Unavailable:
            assert time.monotonic() < deadline


def _read_from(source: Source, partition: Partition, offset: int) -> None:
    source.read_from(Claim(partition, 1, offset, _log_facts(source, partition).topic_id), offset)


def _poll_until(reached: Callable[[], bool], *sources: Source) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        for source in sources:
            chunk = source.poll(wait=True)
            assert chunk is None or not chunk.records


def _read(source: Source, partition: Partition, end: int) -> tuple[list[int], list[bytes | None], list[int]]:
    """Offsets and values of what is delivered up to the end, and the edges of the chunks, which leave nothing out."""
    offsets: list[int] = []
    values: list[bytes | None] = []
    edges: list[int] = []
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not edges or edges[-1] < end:
        assert time.monotonic() < deadline
        chunk = source.poll(wait=True)
        if chunk is not None and chunk.partition == partition:
            assert not edges or chunk.span.start == edges[-1]
            edges += [chunk.span.next_offset] if edges else [chunk.span.start, chunk.span.next_offset]
            offsets += [record.offset for record in chunk.records]
            values += [record.value for record in chunk.records]
    return offsets, values, edges
