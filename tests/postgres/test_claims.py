"""A claim queues behind the transaction of the owner before it, and begins where that one ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from foldline.ports import LogFacts
from harness import TRANSITIONS, Projector, rows, transition

_WAITS_FOR_A_LOCK = """
SELECT count(*) > 0 FROM pg_stat_activity, pg_sleep(0.02)
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'"""


def test_a_claim_that_waited_for_the_owner_before_it_begins_where_that_one_ended(projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"))
    tables = projector.tables()
    try:
        with psycopg.connect(projector.database_url) as owner, ThreadPoolExecutor(1) as pool:
            owner.execute("UPDATE foldline_positions SET next_offset = 2")
            claim = pool.submit(tables.claim, TRANSITIONS, LogFacts(0, 100, "id-1"))
            while not claim.done() and rows(projector.database_url, _WAITS_FOR_A_LOCK) != [(True,)]:
                pass
            assert not claim.done(), "it does not wait for the owner"
            owner.commit()
            assert (claim.result().epoch, claim.result().next_offset) == (2, 2)
    finally:
        tables.close()
