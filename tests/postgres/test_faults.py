"""What the line does when a transaction does not go as folded: fences, races, refusals, and answers that were lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from foldline import facts
from foldline.core.batch import EntityKey, Partition
from foldline.core.decide import Entity
from foldline.core.decode import decode_transition
from foldline.core.events import Headers, TransitionEvent, Undecodable
from foldline.errors import MachineError
from foldline.folding import Folding
from foldline.ports import Answer, Claim, Displaced, Fenced, LogFacts, Moved, PartitionFault, Stale, Unavailable
from foldline.postgres.tables import PostgresTables
from harness import (
    COUNTS,
    HISTORY,
    TRANSITIONS,
    MemorySource,
    Projector,
    batch,
    encoded,
    records,
    rows,
    snapshot,
    transition,
)

START = transition("START_PROCESSING", event_id="1")
FINISH = transition("COMPLETE_INDEXING", event_id="2")
FACTS = LogFacts(0, 100, "id-1")


def test_an_older_epoch_is_fenced_and_writes_nothing(projector: Projector) -> None:
    zombie, successor = projector.tables(), projector.tables()
    try:
        old = zombie.claim(TRANSITIONS, FACTS)
        successor.claim(TRANSITIONS, FACTS)
        answer = _apply(projector, zombie, old, START)
    finally:
        zombie.close()
        successor.close()
    assert answer == Fenced("test:1", "foldline")
    assert rows(projector.database_url, "SELECT count(*) FROM fsm_state") == [(0,)]
    assert rows(projector.database_url, COUNTS) == [(0, 0, 0, 0)]


def test_a_commit_whose_answer_was_lost_had_succeeded(projector: Projector) -> None:
    tables = projector.tables()
    try:
        claim = tables.claim(TRANSITIONS, FACTS)
        assert _apply(projector, tables, claim, START, b"poison") == Moved()
        before = snapshot(projector.database_url)
        assert _apply(projector, tables, claim, START, b"poison") == Moved(before=True)
    finally:
        tables.close()
    assert snapshot(projector.database_url) == before


def test_a_position_that_somebody_moved_is_not_moved_again(projector: Projector) -> None:
    tables = projector.tables()
    try:
        claim = tables.claim(TRANSITIONS, FACTS)
        rows(projector.database_url, "UPDATE foldline_positions SET next_offset = 7")
        assert _apply(projector, tables, claim, START) == Displaced(7)
    finally:
        tables.close()
    assert rows(projector.database_url, "SELECT count(*) FROM fsm_state_history") == [(0,)]


def test_a_fenced_worker_stands_down_and_claims_again_where_the_other_stopped(projector: Projector) -> None:
    source = MemorySource({TRANSITIONS: records([START])})
    ours, theirs = projector.tables(), projector.tables()
    try:
        worker, _ = projector.worker(source, ours)
        worker.turn()
        worker.settle()
        claim = theirs.claim(TRANSITIONS, FACTS)
        assert _apply(projector, theirs, claim, FINISH, start=1) == Moved()
        source.logs[TRANSITIONS] += records([FINISH, transition("REINDEX", event_id="3")], start=1)
        for _ in range(3):
            worker.turn()
        worker.settle()
        assert len(projector.heard(facts.PartitionFenced)) == 1
        assert source.reading == {}
    finally:
        ours.close()
        theirs.close()
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0)]


def test_a_partition_claimed_by_another_group_is_stopped_and_the_group_is_named(projector: Projector) -> None:
    source = MemorySource({TRANSITIONS: records([START])})
    other = Projector(projector.database_url, group_id="other", owner="host:9")
    ours, theirs = projector.tables(), other.tables()
    try:
        worker, custody = projector.worker(source, ours)
        worker.turn()
        worker.settle()
        theirs.claim(TRANSITIONS, FACTS)
        source.logs[TRANSITIONS] += records([FINISH], start=1)
        worker.turn()
        worker.settle()
    finally:
        ours.close()
        theirs.close()
    fault = custody.stopped[TRANSITIONS]
    assert "'other' (host:9)" in fault.problem
    assert "FOLDLINE_GROUP_ID" in fault.remedy


def test_what_postgresql_refuses_is_found_by_halving_and_its_neighbours_are_applied(
    projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A defect in the decoder, on purpose: it lets a NUL in metadata through, which jsonb refuses.
    monkeypatch.setattr("foldline.folding.decode_transition", _careless)
    events = [transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}") for n in range(9)]
    poison = transition("START_PROCESSING", event_id="p", entity_id="doc-p", metadata={"a": "b\0c"})
    projector.project(*events[:5], poison, *events[5:])
    assert rows(projector.database_url, COUNTS) == [(9, 0, 0, 1)]
    assert rows(projector.database_url, "SELECT record_offset, reason, value FROM foldline_dead_letters") == [
        (5, "refused_by_database", encoded(poison))
    ]
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_identities") == [(9,)]
    (refused,) = projector.heard(facts.RecordRefused)
    assert refused.offset == 5
    assert "22P05" in refused.detail


def test_a_record_that_is_refused_even_as_a_dead_letter_stops_its_partition(
    projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.folding.decode_transition", _careless)
    rows(projector.database_url, "ALTER TABLE foldline_dead_letters ADD CHECK (record_offset <> 1)")
    custody = projector.project(START, transition("FAIL", event_id="p", metadata={"a": "b\0c"}), FINISH)
    assert "refuses record 1 even as a dead letter" in custody.stopped[TRANSITIONS].problem
    assert rows(projector.database_url, "SELECT next_offset, stopped_reason IS NULL FROM foldline_positions") == [
        (1, False)
    ]


def _careless(value: bytes | None, headers: Headers) -> TransitionEvent | Undecodable:
    event = decode_transition(value and value.replace(b"\\u0000", b"NUL"), headers)
    if isinstance(event, TransitionEvent) and event.metadata is not None:
        return TransitionEvent(
            **{
                **{name: getattr(event, name) for name in event.__struct_fields__},
                "metadata": event.metadata.replace("NUL", "\\u0000"),
            }
        )
    return event


def test_an_identity_that_another_worker_brought_first_is_noticed_and_then_a_duplicate(projector: Projector) -> None:
    attempt = transition("COMPLETE_INDEXING", event_id="2", success=False)  # it changes no row that could tell
    elsewhere = Partition(TRANSITIONS.topic, 1)
    projector.project(START)
    ours, theirs = projector.tables(), projector.tables()
    try:
        folding = Folding(ours, projector.machines, frozenset())
        claim = ours.claim(elsewhere, FACTS)
        plan = folding.fold(batch(records([attempt]), elsewhere))
        assert _apply(projector, theirs, theirs.claim(TRANSITIONS, FACTS), attempt, start=1) == Moved()
        ours.start(ours.stage(plan), claim)
        assert ours.finish() == Stale("identities")
        ours.start(ours.stage(folding.fold(batch(records([attempt]), elsewhere))), claim)
        assert ours.finish() == Moved()
    finally:
        ours.close()
        theirs.close()
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0), (0, 1, 0, 0)]
    assert rows(projector.database_url, "SELECT count(*) FROM fsm_state_history") == [(2,)]


@pytest.mark.parametrize(
    "by_hand",
    [
        "UPDATE fsm_state SET current_state = 'INDEXED'",
        "DELETE FROM fsm_state",
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('INGESTION', 'new', 'PROCESSING')",
    ],
)
def test_a_rejection_that_was_folded_on_rows_of_before_is_not_applied(projector: Projector, by_hand: str) -> None:
    refused = [transition("REINDEX", event_id="2"), transition("REINDEX", event_id="3", entity_id="new")]
    projector.project(START)
    tables = projector.tables()
    try:
        folding = Folding(tables, projector.machines, frozenset())
        claim = tables.claim(TRANSITIONS, FACTS)
        plan = folding.fold(batch(records(refused, start=1)))
        rows(projector.database_url, by_hand)
        tables.start(tables.stage(plan), claim)
        assert tables.finish() == Stale("entities")
    finally:
        tables.close()
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_dead_letters") == [(0,)]


def test_a_row_changed_by_hand_between_fold_and_apply_is_folded_again(projector: Projector) -> None:
    projector.project(START)
    source = MemorySource({TRANSITIONS: records([START, FINISH])})
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        load = tables.load_entities

        def change_after_loading(keys: Sequence[EntityKey]) -> dict[EntityKey, Entity | None]:
            found = load(keys)
            rows(
                projector.database_url,
                "UPDATE fsm_state SET current_state = 'RECEIVED' WHERE current_state <> 'RECEIVED'",
            )
            return found

        tables.load_entities = change_after_loading  # type: ignore[method-assign]  # a race, made certain
        worker, _ = projector.worker(source, tables)
        worker.turn()
        worker.settle()
    finally:
        tables.close()
    assert rows(projector.database_url, HISTORY) == [
        ("RECEIVED", "PROCESSING", "START_PROCESSING", True, None, None),
        ("PROCESSING", "RECEIVED", "MANUAL", True, None, _any_duration(projector)),
        ("RECEIVED", "RECEIVED", "COMPLETE_INDEXING", False, "illegal_transition", None),
    ]


def _any_duration(projector: Projector) -> float:
    ((duration,),) = rows(projector.database_url, "SELECT duration_ms FROM fsm_state_history WHERE action = 'MANUAL'")
    return float(duration)


def test_a_lost_connection_is_made_again_and_the_batch_applied_once(projector: Projector) -> None:
    source = MemorySource({TRANSITIONS: records([START])})
    tables = projector.tables()
    try:
        worker, _ = projector.worker(source, tables)
        worker.turn()
        worker.settle()
        rows(
            projector.database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'foldline worker%%'",
        )
        source.logs[TRANSITIONS] += records([FINISH], start=1)
        while not source.idle:
            worker.turn()
        worker.settle()
    finally:
        tables.close()
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0)]
    assert projector.heard(facts.BatchRetried)
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_dead_letters") == [(0,)]


def test_a_read_only_database_is_waited_for(projector: Projector) -> None:
    rows(projector.database_url, "ALTER DATABASE " + _name(projector) + " SET default_transaction_read_only = on")
    tables = projector.tables()
    try:
        with pytest.raises(Unavailable, match="25006"):
            tables.claim(TRANSITIONS, FACTS)
    finally:
        tables.close()


def _name(projector: Projector) -> str:
    ((name,),) = rows(projector.database_url, "SELECT current_database()")
    return str(name)


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        (LogFacts(0, 100, "id-2"), "deleted and created again"),
        (LogFacts(2, 100, "id-1"), "the log begins later now at 2"),
        (LogFacts(0, 0, "id-1"), "the log ends at 0"),
        (LogFacts(0, 100, "id-1", compacted=True), "is compacted"),
    ],
)
def test_a_log_that_is_not_what_it_was_stops_the_partition(projector: Projector, log: LogFacts, problem: str) -> None:
    projector.project(START)
    tables = projector.tables()
    try:
        with pytest.raises(PartitionFault, match=problem):
            tables.claim(TRANSITIONS, log)
    finally:
        tables.close()
    ((reason,),) = rows(projector.database_url, "SELECT stopped_reason FROM foldline_positions")
    assert problem in reason


def test_a_first_claim_needs_the_beginning_of_the_log_or_permission(projector: Projector) -> None:
    late = LogFacts(5, 100, "id-1")
    tables = projector.tables()
    allowed = Projector(projector.database_url, start_anywhere=True).tables()
    try:
        with pytest.raises(PartitionFault, match="FOLDLINE_START=earliest"):
            tables.claim(TRANSITIONS, late)
        assert rows(projector.database_url, "SELECT count(*) FROM foldline_positions") == [(0,)]
        assert allowed.claim(TRANSITIONS, late).next_offset == 5
    finally:
        tables.close()
        allowed.close()
    assert rows(projector.database_url, "SELECT begun_at FROM foldline_positions") == [(5,)]


def test_an_older_machine_or_another_of_the_same_version_is_refused_at_start(projector: Projector) -> None:
    projector.project(START)
    changed = dict(projector.machines)
    recorded = changed["INGESTION"]
    rows(projector.database_url, "UPDATE foldline_machine_versions SET digest = 'x' WHERE fsm_type = 'INGESTION'")
    tables = projector.tables()
    try:
        with pytest.raises(MachineError, match="is not what it was"):
            tables.check_machines()
        rows(
            projector.database_url,
            "UPDATE foldline_machine_versions SET digest = %s WHERE fsm_type = 'INGESTION'",
            recorded.digest,
        )
        tables.check_machines()
        rows(
            projector.database_url,
            "INSERT INTO foldline_machine_versions (fsm_type, version, digest, definition)"
            " VALUES ('INGESTION', 2, 'y', '{}')",
        )
        with pytest.raises(MachineError, match="older than 2"):
            tables.check_machines()
    finally:
        tables.close()


def _apply(
    projector: Projector, tables: PostgresTables, claim: Claim, *events: dict[str, Any] | bytes, start: int = 0
) -> Answer:
    """Fold and apply one batch directly."""
    folding = Folding(tables, projector.machines, frozenset())
    tables.start(tables.stage(folding.fold(batch(records(events, start=start)))), claim)
    return tables.finish()
