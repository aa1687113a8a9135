"""The line on a real database, fed from memory: what each kind of event leaves in the tables."""

from __future__ import annotations

from foldline import facts
from foldline.core.batch import Partition
from foldline.core.events import REDRIVE_HEADER, Record
from harness import (
    COUNTS,
    HISTORY,
    TRANSITIONS,
    WORKFLOWS,
    MemorySource,
    Projector,
    Publishable,
    encoded,
    records,
    rows,
    snapshot,
    transition,
    workflow,
)


def test_several_hops_and_a_rejection_in_one_batch_are_all_in_the_history_in_log_order(projector: Projector) -> None:
    projector.project(
        transition("START_PROCESSING", event_id="1", occurred_at="2026-01-31T12:00:00Z", metadata={"n": 1}),
        transition("REINDEX", event_id="2", occurred_at="2026-01-31T12:00:01Z"),
        transition("COMPLETE_INDEXING", event_id="3", occurred_at="2026-01-31T12:00:02.5Z"),
        transition(
            "REINDEX", event_id="4", occurred_at="2026-01-31T12:00:02.500001Z", success=False, error_message="no"
        ),
        transition("REINDEX", event_id="5", occurred_at="2026-01-31T12:00:03Z", metadata={"n": 2}),
    )
    assert rows(projector.database_url, HISTORY) == [
        ("RECEIVED", "PROCESSING", "START_PROCESSING", True, None, None),
        ("PROCESSING", "PROCESSING", "REINDEX", False, "illegal_transition", None),
        ("PROCESSING", "INDEXED", "COMPLETE_INDEXING", True, None, 2500.0),
        ("INDEXED", "PROCESSING", "REINDEX", False, None, None),
        ("INDEXED", "PROCESSING", "REINDEX", True, None, 500.0),
    ]
    assert rows(projector.database_url, "SELECT current_state, previous_state, metadata FROM fsm_state") == [
        ("PROCESSING", "INDEXED", {"n": 2})
    ]
    assert rows(projector.database_url, COUNTS) == [(4, 0, 1, 0)]


def test_a_batch_may_be_cut_anywhere(projector: Projector, server_url: str) -> None:
    del server_url
    events: list[Publishable] = [
        transition("START_PROCESSING", event_id="1"),
        transition("COMPLETE_INDEXING", event_id="2"),
        b"no json",
        transition("COMPLETE_INDEXING", event_id="2"),
        transition("COMPLETE_INDEXING", event_id="3"),
        transition("REINDEX", event_id="4"),
    ]
    projector.project(*events, batch_size=1)
    one_by_one = snapshot(projector.database_url)
    assert rows(projector.database_url, COUNTS) == [(3, 1, 1, 1)]
    with_all = Projector(projector.database_url)
    for table in (
        "fsm_state",
        "fsm_state_history",
        "foldline_identities",
        "foldline_dead_letters",
        "foldline_positions",
    ):
        rows(projector.database_url, f"DELETE FROM {table}")
    with_all.project(*events)
    assert snapshot(projector.database_url) == one_by_one


def test_a_second_delivery_changes_nothing_but_the_position(projector: Projector) -> None:
    events = [transition("START_PROCESSING", event_id="1"), transition("REINDEX", event_id="2")]
    projector.project(*events)
    before = snapshot(projector.database_url)
    projector.project(*events, *events)
    after = snapshot(projector.database_url)
    assert after.pop("foldline_positions") == [("fsm.transitions.v1", 0, 4, 0, 1, 2, 1, 0)]
    before.pop("foldline_positions")
    assert after == before


def test_a_position_goes_on_where_it_stood(projector: Projector) -> None:
    log = records([transition("START_PROCESSING", event_id="1"), transition("COMPLETE_INDEXING", event_id="2")])
    projector.run(MemorySource({TRANSITIONS: log[:1]}))
    projector.run(MemorySource({TRANSITIONS: log}))
    assert rows(projector.database_url, COUNTS) == [(2, 0, 0, 0)]
    assert rows(projector.database_url, "SELECT epoch, next_offset FROM foldline_positions") == [(2, 2)]


def test_a_redrive_of_a_rejected_event_is_judged_again_and_only_then(projector: Projector) -> None:
    early = encoded(transition("COMPLETE_INDEXING", event_id="early"))
    again = Record(0, None, early, ((REDRIVE_HEADER, b"fsm.transitions.v1/0/0"),))
    projector.project(
        early,
        again,
        transition("START_PROCESSING", event_id="start"),
        early,
        again,
        again,
    )
    assert rows(projector.database_url, COUNTS) == [(2, 2, 2, 0)]
    assert [row[3] for row in rows(projector.database_url, HISTORY)] == [False, False, True, True]
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_identities WHERE rejected") == [(0,)]


def test_every_undecodable_record_is_kept_as_it_came(projector: Projector) -> None:
    broken = Record(0, b"\x00key", b"\xff\xfe", (("trace", b"\x01"), ("empty", None)), 1_700_000_000_123)
    projector.project(broken, None, transition("START_PROCESSING", occurred_at="now"))
    letters = rows(
        projector.database_url,
        "SELECT record_offset, verdict, reason, detail, key, value, headers, record_timestamp_ms, status"
        " FROM foldline_dead_letters ORDER BY record_offset",
    )
    assert letters[0] == (
        0, "undecodable", "malformed", "not UTF-8", b"\x00key", b"\xff\xfe", [["trace", "AQ=="], ["empty", None]],
        1_700_000_000_123, "open",
    )  # fmt: skip
    assert letters[1][1:6] == ("undecodable", "malformed", "no value (a tombstone): publish a JSON object", None, None)
    assert letters[2][2] == "invalid"
    assert letters[2][3].startswith("occurred_at: ")
    assert rows(projector.database_url, COUNTS) == [(0, 0, 0, 3)]


def test_an_unknown_machine_is_a_dead_letter_without_history(projector: Projector) -> None:
    event = transition("GO", fsm_type="NOBODY", event_id="1")
    projector.project(event, event)
    assert rows(projector.database_url, COUNTS) == [(0, 1, 1, 0)]
    assert rows(projector.database_url, "SELECT count(*) FROM fsm_state_history") == [(0,)]
    assert rows(projector.database_url, "SELECT reason, fsm_type, entity_id, event_id FROM foldline_dead_letters") == [
        ("unknown_fsm", "NOBODY", "doc-1", "1")
    ]


def test_an_entity_on_a_second_partition_is_projected_and_announced(projector: Projector) -> None:
    elsewhere = Partition(TRANSITIONS.topic, 1)
    projector.project(transition("START_PROCESSING", event_id="1"))
    projector.project(transition("COMPLETE_INDEXING", event_id="2"), partition=elsewhere)
    assert rows(projector.database_url, "SELECT current_state, partition FROM fsm_state") == [("INDEXED", 1)]
    assert projector.heard(facts.EntityStrayed) == [
        facts.EntityStrayed("fsm.transitions.v1[1]", "INGESTION doc-1 was on fsm.transitions.v1[0]", 0, "c-1")
    ]


def test_a_workflow_with_its_timeline(projector: Projector) -> None:
    projector.project(
        workflow("STARTED", event_id="1", input_payload={"url": "a"}, metadata={"by": "x"}),
        workflow("STEP_STARTED", event_id="2", step="fetch", occurred_at="2026-01-31T12:00:01Z"),
        workflow("STEP_COMPLETED", event_id="3", step="fetch", occurred_at="2026-01-31T12:00:02Z"),
        workflow("RESUMED", event_id="4", occurred_at="2026-01-31T12:00:03Z"),
        workflow("FAILED", event_id="5", occurred_at="2026-01-31T12:00:04Z", error_message="full"),
        workflow("RETRIED", event_id="6", occurred_at="2026-01-31T12:00:05Z"),
        workflow("COMPLETED", event_id="7", occurred_at="2026-01-31T12:00:06.25Z", output_results=[1.10, None]),
        partition=WORKFLOWS,
    )
    assert rows(
        projector.database_url,
        "SELECT status, current_step, completed_steps, duration_ms, retry_count, error_message, input_payload,"
        " output_results::text, metadata, correlation_id FROM workflow_executions",
    ) == [("COMPLETED", None, ["fetch"], 6250.0, 1, None, {"url": "a"}, "[1.1, null]", {"by": "x"}, "c-1")]
    assert rows(
        projector.database_url,
        "SELECT kind, step, error_message, payload::text FROM workflow_execution_history ORDER BY id",
    ) == [
        ("STARTED", None, None, '{"url": "a"}'),
        ("STEP_STARTED", "fetch", None, None),
        ("STEP_COMPLETED", "fetch", None, None),
        ("FAILED", None, "full", None),
        ("RETRIED", None, None, None),
        ("COMPLETED", None, None, "[1.1, null]"),
    ]
    assert rows(projector.database_url, COUNTS) == [(6, 0, 1, 0)]
    assert rows(projector.database_url, "SELECT reason, workflow_id FROM foldline_dead_letters") == [
        ("illegal_workflow_event", "wf-1")
    ]


def test_activations_say_which_version_judges_from_which_offset_on(projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"))
    projector.project(transition("START_PROCESSING", event_id="1"), transition("REINDEX", event_id="2"))
    assert rows(
        projector.database_url,
        "SELECT fsm_type, from_offset, version FROM foldline_machine_activations ORDER BY fsm_type",
    ) == [("INGESTION", 0, 1), ("PATTERN_LEARNING", 0, 1), ("QUALITY_ASSESSMENT", 0, 1)]
    assert rows(
        projector.database_url,
        "SELECT definition->>'initial' FROM foldline_machine_versions WHERE fsm_type = 'INGESTION'",
    ) == [("RECEIVED",)]
