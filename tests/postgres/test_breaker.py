"""The breaker on real tables: it stops a partition for every worker, until somebody answers or it is switched off."""

from __future__ import annotations

from foldline.core.breaker import Breaker
from foldline.custody import Custody
from foldline.engine import Worker
from foldline.folding import Folding
from foldline.lost_log import Acceptance
from foldline.postgres.acceptances import accept_position
from foldline.postgres.claims import Claimant
from foldline.postgres.reports import Reports
from foldline.postgres.tables import PostgresTables
from harness import COUNTS, TRANSITIONS, MemorySource, Projector, records, rows, transition

_FLOOD = [transition("REINDEX", event_id=str(n), entity_id=f"doc-{n}") for n in range(60)]


class _Guarded:
    """A worker whose breaker trips at half of ten records; it sees them in batches of five."""

    def __init__(self, projector: Projector, percent: int = 50) -> None:
        self.source = MemorySource({TRANSITIONS: records(_FLOOD)}, batch_size=5)
        claimant = Claimant("foldline", "test:1", breaker=percent > 0)
        self.tables = PostgresTables(projector.database_url, claimant=claimant, machines=projector.machines)
        self.clock = 0.0
        self.custody = Custody(self.source, self.tables, "foldline", projector.announced.append, Breaker(percent, 10))
        folding = Folding(self.tables, projector.machines, frozenset())
        self.worker = Worker(
            self.source, self.tables, self.custody, folding, projector.announced.append, lambda: self.clock
        )
        self.source.listen(self.worker)

    def turn(self, times: int = 20) -> None:
        for _ in range(times):
            self.clock += 3.0
            self.worker.turn()
        self.worker.settle()


def _answer(projector: Projector) -> bool:
    (stopped,) = Reports(projector.database_url).positions()
    return accept_position(
        projector.database_url, stopped, Acceptance(stopped.next_offset), why="the machine is mended", who="me@here"
    )


def test_a_flood_stops_its_partition_for_every_worker_until_somebody_answers(projector: Projector) -> None:
    first = _Guarded(projector)
    first.turn()
    assert "10 of its last 10 records were refused" in first.custody.stopped[TRANSITIONS].problem
    assert rows(projector.database_url, COUNTS) == [(0, 0, 10, 0)]
    second = _Guarded(projector)
    second.turn()
    assert "the breaker" in second.custody.stopped[TRANSITIONS].problem.lower()
    assert rows(projector.database_url, COUNTS) == [(0, 0, 10, 0)]
    assert _answer(projector)
    second.turn()
    assert rows(projector.database_url, COUNTS) == [(0, 0, 20, 0)]  # it goes on, and trips again
    assert TRANSITIONS in second.custody.stopped
    for guarded in (first, second):
        guarded.tables.close()


def test_a_worker_whose_breaker_is_off_goes_on(projector: Projector) -> None:
    guarded = _Guarded(projector)
    guarded.turn()
    guarded.tables.close()
    careless = _Guarded(projector, percent=0)
    careless.turn()
    careless.tables.close()
    assert rows(projector.database_url, COUNTS) == [(0, 0, 60, 0)]
    assert rows(projector.database_url, "SELECT stopped_reason, tripped FROM foldline_positions") == [(None, False)]


def test_an_answer_to_what_was_seen_before_changes_nothing(projector: Projector) -> None:
    guarded = _Guarded(projector)
    guarded.turn()
    (seen,) = Reports(projector.database_url).positions()
    assert _answer(projector)
    acceptance = Acceptance(seen.next_offset)
    assert not accept_position(projector.database_url, seen, acceptance, why="once more", who="me@here")
    guarded.tables.close()
    assert rows(projector.database_url, "SELECT why FROM foldline_acceptances") == [("the machine is mended",)]


def test_a_stop_that_could_not_be_noted_is_no_answer_and_is_noted_later(projector: Projector) -> None:
    rows(projector.database_url, "ALTER TABLE foldline_positions ADD CONSTRAINT mute CHECK (stopped_reason IS NULL)")
    guarded = _Guarded(projector)
    guarded.turn()
    assert rows(projector.database_url, COUNTS) == [(0, 0, 10, 0)]
    rows(projector.database_url, "ALTER TABLE foldline_positions DROP CONSTRAINT mute")
    guarded.turn()
    guarded.tables.close()
    assert rows(projector.database_url, COUNTS) == [(0, 0, 10, 0)]
    assert rows(projector.database_url, "SELECT stopped_reason IS NULL, tripped FROM foldline_positions") == [
        (False, True)
    ]
