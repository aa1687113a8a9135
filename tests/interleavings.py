"""A state machine: rules choose who turns and what happens meanwhile; its invariant compares with a sequential fold.

Not a test by itself: tests/core/test_interleavings.py runs it as it should be, and with each guard of the tables off.
"""

from __future__ import annotations

import sys

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from foldline.core.events import REDRIVE_HEADER, Record
from happenings import HAPPENINGS, happen
from model_store import Committed, Guards
from sequential import SequentialFold, held_by
from world import EVERY_MACHINE, LONGER_THAN_ANY_DELAY, NEWEST_VERSION, PARTITIONS, WORKFLOW_TOPICS, Killed, World

_MOST_WORKERS = 3
_ROUNDS_TO_HEAR = 3
_ROUNDS_TO_SETTLE = 200

NUMBER = st.integers(0, 2**24 - 1)
INDEX = st.integers(0, 2)
HAPPENING = st.sampled_from(HAPPENINGS)
MEANWHILE = st.lists(st.tuples(st.integers(1, 12), HAPPENING, NUMBER), max_size=4)
"""Before which call of a port what happens."""


class Interleavings(RuleBasedStateMachine):
    """Two workers at first, on three partitions."""

    guards = Guards()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.guards, happen)
        self.oracle = SequentialFold(self.world.log.records, EVERY_MACHINE)
        self.compared = 0
        self.seen = dict.fromkeys(PARTITIONS, (0, 0))

    @initialize()
    def begin(self) -> None:
        self.world.start(1)
        self.world.start(1)
        self.world.give_away_what_is_free()

    @rule(index=INDEX, numbers=st.lists(NUMBER, max_size=5), control=st.booleans())
    def append(self, *, index: int, numbers: list[int], control: bool) -> None:
        self.world.append(PARTITIONS[index], numbers)
        if control:
            self.world.log.append_control(PARTITIONS[index])

    @rule(numbers=st.lists(NUMBER, min_size=1, max_size=3))
    def append_to_two_partitions(self, *, numbers: list[int]) -> None:
        for partition in PARTITIONS[:2]:
            self.world.append(partition, numbers)

    @rule(index=INDEX, number=NUMBER, redrive=st.booleans())
    def append_again(self, *, index: int, number: int, redrive: bool) -> None:
        """What a publisher's restart does, or `deadletters redrive`; perhaps on another partition."""
        topic = PARTITIONS[index].topic
        logs = [self.world.log.slots[partition] for partition in PARTITIONS if partition.topic == topic]
        said = [slot for slots in logs for slot in slots if slot is not None]
        if said:
            again = said[number % len(said)]
            headers = ((REDRIVE_HEADER, b""),) if redrive else ()
            self.world.log.append(PARTITIONS[index], [Record(0, again.key, again.value, headers)])

    @rule(index=INDEX, number=NUMBER)
    def append_what_the_database_refuses(self, *, index: int, number: int) -> None:
        offset = len(self.world.log.slots[PARTITIONS[index]])
        self.world.store.refused.add((PARTITIONS[index], offset))
        self.world.append(PARTITIONS[index], [number])

    @rule(index=INDEX, meanwhile=MEANWHILE, more=st.integers(0, 2))
    def turn(self, *, index: int, meanwhile: list[tuple[int, str, int]], more: int) -> None:
        """A worker turns, and before the calls that it makes of its ports this happens."""
        if self.world.living:
            living = self.world.living[index % len(self.world.living)]
            living.meanwhile = sorted(meanwhile)
            self.world.turn(living, 1 + more)
            living.meanwhile = []

    @rule(turns=st.integers(1, 4))
    def all_turn(self, *, turns: int) -> None:
        self.world.give_away_what_is_free()
        for _ in range(turns):
            for living in list(self.world.living):
                self.world.turn(living)

    @rule(index=INDEX, happening=HAPPENING, number=NUMBER)
    def between_turns(self, *, index: int, happening: str, number: int) -> None:
        if self.world.living:
            living = self.world.living[index % len(self.world.living)]
            try:
                happen(self.world, living, happening, number)
            except Killed:
                self.world.bury(living)

    @rule(seconds=st.sampled_from([0.3, 1.0, LONGER_THAN_ANY_DELAY]))
    def time_passes(self, *, seconds: float) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: len(self.world.living) < _MOST_WORKERS)
    @rule(upgraded=st.integers(0, 4))
    def start_another(self, *, upgraded: int) -> None:
        """Of the newest version that is recorded, or of the next."""
        self.world.start(min(self.world.newest + upgraded // 4, NEWEST_VERSION))

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        self._tables_are_the_sequential_fold()
        self._every_record_behind_a_position_has_one_verdict()
        self._nothing_is_acknowledged_before_it_is_committed()
        self._no_id_is_used_twice()

    def teardown(self) -> None:
        """Whatever happened: once the group is settled, every partition is held by somebody and caught up."""
        if sys.exception() is None:
            self._settle()

    def _tables_are_the_sequential_fold(self) -> None:
        happened = self.world.store.happened
        if self.compared == len(happened):
            return
        for committed in happened[self.compared :]:
            if isinstance(committed, Committed):
                self._may_have_been(committed)
        self.compared = len(happened)
        self.oracle.follow(self.world.store)
        held, wanted = held_by(self.world.store), self.oracle.tables()
        for name, expected in wanted.items():
            assert held[name] == expected, f"{name}: {held[name]} is not {expected}"

    def _may_have_been(self, committed: Committed) -> None:
        assert committed.epoch == committed.epoch_then, "a fenced worker wrote"
        if committed.plan.batch.partition.topic not in WORKFLOW_TOPICS:
            version = self.world.versions[committed.owner]
            assert set(committed.active.values()) == {version}, "judged by a version that is not recorded"

    def _every_record_behind_a_position_has_one_verdict(self) -> None:
        for partition, held in self.world.store.positions.items():
            next_offset, epoch = self.seen[partition]
            assert held.next_offset >= next_offset, "a position went back"
            assert held.epoch >= epoch, "an epoch went back"
            self.seen[partition] = held.next_offset, held.epoch
            slots = self.world.log.slots[partition][: held.next_offset]
            judged = {offset for where, offset in self.oracle.verdicts if where == partition}
            assert judged == {offset for offset, slot in enumerate(slots) if slot is not None}, "a record was skipped"

    def _nothing_is_acknowledged_before_it_is_committed(self) -> None:
        for partition, next_offset in self.world.log.acknowledged.items():
            assert next_offset <= self.world.store.positions[partition].next_offset, "acknowledged too early"

    def _no_id_is_used_twice(self) -> None:
        store = self.world.store
        ids = [row.id for _, row in store.history] + [change[0] for change in store.by_hand]
        ids += [row.id for _, row in store.timeline]
        assert len(ids) == len(set(ids))

    def _settle(self) -> None:
        self.world.heal()
        for turned in range(_ROUNDS_TO_SETTLE):
            self.world.end_the_upgrade()
            self.world.give_away_what_is_free()
            if turned == _ROUNDS_TO_HEAR:  # who was fenced on an idle partition notices by a record
                for partition in PARTITIONS:
                    self.world.append(partition, [0])
            for living in self.world.living:
                self.world.turn(living)
            self.world.pass_time(LONGER_THAN_ANY_DELAY)
            if turned > _ROUNDS_TO_HEAR and all(map(self.world.is_settled, PARTITIONS)):
                break
        for living in self.world.living:
            living.worker.settle()
        assert all(map(self.world.is_settled, PARTITIONS)), "a partition that nobody projects"
        assert sum(living.custody.held for living in self.world.living) == len(PARTITIONS), "held by two"
        self.all_is_as_it_should_be()
