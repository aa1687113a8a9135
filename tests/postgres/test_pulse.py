"""The sign of life: what it tells of the partitions, and that a line which waits for a server goes on giving it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from foldline import facts
from foldline.core.batch import Partition
from foldline.ports import PartitionFault
from foldline.pulse import Pulse
from harness import TRANSITIONS, MemorySource, Projector, records, rows, transition

pytestmark = pytest.mark.any_version

OTHER = Partition(TRANSITIONS.topic, 1)


@dataclass
class Clocked(MemorySource):
    """A source whose clock goes on while the line is kept alive; `longest` is the longest such wait."""

    clock: float = 100.0
    kept_alive: list[float] = field(default_factory=list)

    def keep_alive(self, seconds: float, unless: Callable[[], bool]) -> None:
        del unless
        self.kept_alive.append(seconds)
        self.clock += seconds


def test_it_tells_once_a_second_what_is_held_and_how_far_what_waits_and_what_stopped(projector: Projector) -> None:
    source = MemorySource({TRANSITIONS: records([transition("START_PROCESSING")] * 3), OTHER: []}, batch_size=2)
    tables = projector.tables()
    told: list[facts.Fact] = []
    try:
        worker, custody = projector.worker(source, tables)
        pulse = Pulse(custody, source, told.append)
        pulse.beat(10.0)
        worker.turn()
        worker.settle()
        pulse.beat(10.9)
        pulse.beat(11.0)
        custody.stop(OTHER, PartitionFault("problem", remedy="remedy"))
        pulse.beat(12.5)
    finally:
        tables.close()
    here, other = str(TRANSITIONS), str(OTHER)
    assert told == [
        facts.LineTurned((), (here, other), ()),
        facts.LineTurned((facts.Standing(here, 2, 3), facts.Standing(other, 0, 0)), (), ()),
        facts.LineTurned((facts.Standing(here, 2, 3),), (), (other,)),
    ]
    assert [standing.lag for fact in told[1:2] if isinstance(fact, facts.LineTurned) for standing in fact.held] == [
        1,
        0,
    ]


def test_a_line_that_waits_for_the_database_gives_it_too(projector: Projector, database_url: str) -> None:
    source = Clocked({TRANSITIONS: []})
    projector.now = lambda: source.clock
    ((name,),) = rows(database_url, "SELECT current_database()")
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        worker.turn()
        rows(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        rows(
            database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'foldline worker%%'",
        )
        source.logs[TRANSITIONS] += records([transition("START_PROCESSING")])
        projector.announced.clear()
        worker.run(lambda: sum(source.kept_alive) > 20)
    finally:
        tables.close()
    beats = projector.heard(facts.LineTurned)
    assert len(beats) >= 15
    assert beats[-1].held == (facts.Standing(str(TRANSITIONS), 0, 1),)
    retried = projector.heard(facts.BatchRetried)
    assert {(fact.cause, fact.next_offset) for fact in retried} == {("unavailable", 0)}
