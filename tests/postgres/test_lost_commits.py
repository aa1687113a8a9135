"""An answer to COMMIT that never came: the position tells whether it had succeeded, and the batch is applied once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foldline import facts
from foldline.folding import Folding
from foldline.ports import LogFacts, Moved, Unavailable
from harness import (
    COUNTS,
    TRANSITIONS,
    WORKFLOWS,
    MemorySource,
    Projector,
    Publishable,
    batch,
    records,
    rows,
    snapshot,
    workflow,
)
from harness import transition as event
from proxies import Proxy, proxy_to

FACTS = LogFacts(0, 100, "id-1")
LOG: list[Publishable] = [event("START_PROCESSING", event_id="1"), b"poison", event("COMPLETE_INDEXING", event_id="2")]


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with proxy_to(database_url) as made:
        yield made


@pytest.mark.parametrize(("lose", "position"), [("answer", 3), ("commit", 0)])
def test_the_answer_may_be_lost_before_or_after_it_was_done(
    database_url: str, proxy: Proxy, lose: str, position: int
) -> None:
    projector = Projector(proxy.url(database_url))
    tables = projector.tables()
    try:
        claim = tables.claim(TRANSITIONS, FACTS)
        proxy.lose = lose
        tables.start(tables.stage(Folding(tables, projector.machines, frozenset()).fold(batch(records(LOG)))), claim)
        with pytest.raises(Unavailable, match="connection to PostgreSQL is lost"):
            tables.finish()
    finally:
        tables.close()
    assert proxy.lost.is_set()
    assert rows(database_url, "SELECT next_offset FROM foldline_positions") == [(position,)]


@pytest.mark.parametrize("lose", ["answer", "commit"])
def test_either_way_the_worker_goes_on_and_every_record_has_one_verdict(
    database_url: str, second_database_url: str, proxy: Proxy, lose: str
) -> None:
    logs = {
        TRANSITIONS: records([*LOG, event("REINDEX", event_id="3"), LOG[0]]),
        WORKFLOWS: records([workflow("STARTED", event_id="1"), workflow("PAUSED", event_id="2")]),
    }
    projector = Projector(proxy.url(database_url))
    source = MemorySource(dict(logs), batch_size=2)
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        proxy.lose = lose
        worker.turn()
        while not source.idle:
            proxy.lose = lose
            worker.turn()
        worker.settle()
    finally:
        tables.close()
    assert proxy.lost.is_set()
    assert len(projector.heard(facts.BatchRetried)) >= 3
    assert rows(database_url, COUNTS) == [(3, 1, 0, 1), (2, 0, 0, 0)]
    told = [fact.verdicts for fact in projector.heard(facts.BatchApplied)]
    assert [sum(each[verdict] for each in told) for verdict in facts.VERDICTS] == [5, 1, 0, 1]
    Projector(second_database_url).run(MemorySource(dict(logs)))
    assert snapshot(database_url) == snapshot(second_database_url)


def test_what_had_succeeded_is_not_done_again(database_url: str, proxy: Proxy) -> None:
    projector = Projector(proxy.url(database_url))
    tables = projector.tables()
    try:
        folding = Folding(tables, projector.machines, frozenset())
        claim = tables.claim(TRANSITIONS, FACTS)
        proxy.lose = "answer"
        plan = folding.fold(batch(records(LOG)))
        tables.start(tables.stage(plan), claim)
        with pytest.raises(Unavailable):
            tables.finish()
        before = snapshot(database_url)
        tables.start(tables.stage(folding.fold(batch(records(LOG)))), claim)
        assert tables.finish() == Moved(before=True)
    finally:
        tables.close()
    assert snapshot(database_url) == before
