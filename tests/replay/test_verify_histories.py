"""Histories that are as they should be, and are no difference; and tables that are not, whatever seems to excuse it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.errors import MachineError
from foldline.machines import documented
from foldline.replay.report import Verification
from harness import TRANSITIONS, WORKFLOWS, MemorySource, Projector, Publishable, records, rows, transition, workflow
from random_logs import MACHINES
from verifying import MemoryLog, named, verified

OTHER = Partition(TRANSITIONS.topic, 1)


class Life:
    """A log that grows, its projection, and what somebody does to the tables meanwhile."""

    def __init__(self, projector: Projector) -> None:
        self.logs: dict[Partition, list[Record]] = {TRANSITIONS: [], WORKFLOWS: []}
        self._projector = projector
        self.database_url = projector.database_url

    def come(self, *events: Publishable, on: Partition = TRANSITIONS) -> None:
        """These events, projected."""
        log = self.logs.setdefault(on, [])
        log += records(events, start=log[-1].offset + 1 if log else 0)
        self._projector.run(MemorySource(self.logs))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return rows(self.database_url, statement)

    def verified(self) -> Verification:
        return verified(self.database_url, MemoryLog(self.logs))


@pytest.fixture
def life(projector: Projector) -> Life:
    return Life(projector)


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_an_event_whose_action_is_called_manual_is_an_event(life: Life) -> None:
    life.come(
        transition("START_PROCESSING", event_id="1"),
        transition("MANUAL", event_id="2"),
        transition("MANUAL", event_id="3", success=False, to_state="FAILED"),
        transition("COMPLETE_INDEXING", event_id="4"),
    )
    found = life.verified()
    assert named(found) == set()
    assert found.manual_changes == 0
    life.sql("SELECT cleanup_old_fsm_history(0)")
    assert named(life.verified()) == set()
    assert life.sql("SELECT count(*) FROM foldline_cleaned_changes") == [(0,)]


def test_what_was_set_by_hand_is_what_later_events_met(projector: Projector) -> None:
    projector.machines = {name: documented(machine) for name, machine in MACHINES.items()}
    life = Life(projector)
    broken = {"error_message": "m", "metadata": {"why": "w"}}

    def retried(*numbers: int) -> None:
        for number in numbers:
            life.come(
                transition("BREAK", fsm_type="FREE", event_id=f"{number}b", **broken),
                transition("RETRY", fsm_type="FREE", event_id=f"{number}r"),
            )

    life.come(transition("GO", fsm_type="FREE", event_id="0"))
    retried(1, 2, 3)
    life.sql("UPDATE fsm_state SET current_state = 'OPEN', retry_count = 0")
    assert named(life.verified()) == set()
    retried(4)
    assert named(life.verified()) == set()
    life.sql("UPDATE fsm_state SET retry_count = 0, transition_timestamp = transition_timestamp - '1 h'::interval")
    assert named(life.verified()) == {("fsm_state", "changed", "hand_written", "doc-1", None)}
    retried(5, 6)
    found = life.verified()
    assert named(found) == set()
    assert found.manual_changes == 1
    life.sql("SELECT cleanup_old_fsm_history(0)")
    assert named(life.verified()) == set()


def test_of_a_completed_workflow_without_payloads_a_clean_up_keeps_its_steps(life: Life) -> None:
    life.come(
        workflow("STARTED", event_id="1"),
        workflow("STEP_COMPLETED", event_id="2", step="s"),
        workflow("STEP_FAILED", event_id="3", step="t", error_message="m"),
        workflow("COMPLETED", event_id="4"),
        on=WORKFLOWS,
    )
    life.sql("SELECT cleanup_completed_workflows(0)")
    assert named(life.verified()) == set()
    life.sql("UPDATE foldline_cleaned_workflows SET completed_steps = '[\"t\"]'")
    assert named(life.verified()) == {("workflow_executions", "changed", "unexplained", "wf-1", None)}


def test_a_workflow_that_was_brought_back_had_a_step_after_its_end_by_the_clock(life: Life) -> None:
    life.come(
        workflow("STARTED", event_id="1", occurred_at=days_ago(10)),
        workflow("STEP_STARTED", event_id="2", step="s", occurred_at=days_ago(1)),
        workflow("FAILED", event_id="3", occurred_at=days_ago(9)),
        on=WORKFLOWS,
    )
    life.sql("SELECT cleanup_completed_workflows(8)")
    life.come(workflow("RETRIED", event_id="4", occurred_at=days_ago(1)), on=WORKFLOWS)
    assert life.sql("SELECT count(*) FROM workflow_execution_history") == [(1,)]
    assert named(life.verified()) == set()
    life.sql("DELETE FROM workflow_execution_history")
    assert named(life.verified()) == {("workflow_execution_history", "missing", "lost", "wf-1", 3)}


def test_a_topic_that_was_compacted_for_a_while_is_left_out(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1"), transition("COMPLETE_INDEXING", event_id="2"))
    life.sql("UPDATE foldline_positions SET compaction_accepted = true WHERE topic ~ '^fsm'")
    del life.logs[TRANSITIONS][0]
    found = life.verified()
    assert named(found) == set()
    assert [each.why for each in found.unread] == ["its topic was compacted: records are gone that were judged"]


def test_what_moved_here_from_a_partition_that_is_gone_is_left_out_once_no_row_tells(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1"), on=OTHER)
    life.come(transition("COMPLETE_INDEXING", event_id="2", occurred_at=days_ago(-1)))
    life.come(transition("START_PROCESSING", event_id="3", entity_id="doc-2"))
    life.sql("SELECT cleanup_old_fsm_history(0)")
    life.sql("UPDATE foldline_positions SET incarnation = 1 WHERE partition = 1")
    found = life.verified()
    assert named(found) == set()
    assert [each.count for each in found.left_out] == [1]


@pytest.mark.parametrize(
    "setting", ["datestyle = German", "timezone = 'Asia/Tokyo'", "extra_float_digits = -10", "bytea_output = escape"]
)
def test_how_a_database_writes_values_does_not_matter(life: Life, setting: str) -> None:
    life.come(
        transition("START_PROCESSING", event_id="1"),
        transition("COMPLETE_INDEXING", event_id="2", occurred_at="2026-01-31T14:11:11.123457Z"),
        b"x",
    )
    ((name,),) = life.sql("SELECT current_database()")
    life.sql(f'ALTER DATABASE "{name}" SET {setting}')
    assert named(life.verified()) == set()


def test_true_is_not_one_whichever_side_says_so(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1", metadata={"b": 1, "list": [0]}))
    for changed in ('{"b": true, "list": [0]}', '{"b": 1, "list": [false]}'):
        life.sql(f"UPDATE fsm_state_history SET metadata = '{changed}'")
        assert named(life.verified()) == {("fsm_state_history", "changed", "unexplained", "doc-1", 0)}


@pytest.mark.parametrize("where", ["'fsm.transitions.v1', 5, 0", "'nowhere', 0, 0", "'fsm.transitions.v1', 0, 4"])
def test_a_dead_letter_of_no_log_is_one_too_many(life: Life, where: str) -> None:
    life.come(b"x")
    life.sql(
        "INSERT INTO foldline_dead_letters (topic, partition, incarnation, record_offset, verdict, reason, detail)"
        f" VALUES ({where}, 0, 'undecodable', 'malformed', 'x')"
    )
    assert named(life.verified()) == {("foldline_dead_letters", "extra", "unexplained", None, 0)}


def test_what_came_after_a_clean_up_is_not_excused_by_it(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1", occurred_at=days_ago(20)))
    life.sql("SELECT cleanup_old_fsm_history(10)")
    life.come(
        transition("COMPLETE_INDEXING", event_id="2", occurred_at=days_ago(15)),
        transition("REINDEX", event_id="3", occurred_at=days_ago(14)),
    )
    assert named(life.verified()) == set()
    life.sql("DELETE FROM fsm_state_history WHERE record_offset = 2")
    assert named(life.verified()) == {("fsm_state_history", "missing", "lost", "doc-1", 2)}


def test_a_clean_up_that_removed_nothing_excuses_nothing(life: Life) -> None:
    life.sql("SELECT cleanup_old_fsm_history(0), cleanup_completed_workflows(0)")
    life.come(transition("START_PROCESSING", event_id="1"))
    life.come(workflow("STARTED", event_id="1"), on=WORKFLOWS)
    life.sql("DELETE FROM fsm_state_history")
    life.sql("DELETE FROM workflow_execution_history")
    assert named(life.verified()) == {
        ("fsm_state_history", "missing", "lost", "doc-1", 0),
        ("workflow_execution_history", "missing", "lost", "wf-1", 0),
    }


def test_no_clean_up_removes_of_a_workflow_that_has_not_ended(life: Life) -> None:
    life.come(
        workflow("STARTED", event_id="1", workflow_id="ended"),
        workflow("COMPLETED", event_id="2", workflow_id="ended"),
        workflow("STARTED", event_id="3"),
        workflow("STEP_COMPLETED", event_id="4", step="s"),
        on=WORKFLOWS,
    )
    life.sql("SELECT cleanup_completed_workflows(0)")
    assert named(life.verified()) == set()
    life.sql("DELETE FROM workflow_execution_history")
    assert named(life.verified()) == {
        ("workflow_execution_history", "missing", "lost", "wf-1", offset) for offset in (2, 3)
    }


def test_of_two_rows_of_one_workflow_one_is_too_many(life: Life) -> None:
    life.come(workflow("STARTED", event_id="1"), workflow("FAILED", event_id="2"), on=WORKFLOWS)
    life.sql("INSERT INTO foldline_cleaned_workflows SELECT * FROM workflow_executions")
    assert named(life.verified()) == {("workflow_executions", "extra", "unexplained", "wf-1", None)}


def test_rows_that_are_not_numbered_in_the_order_of_the_log_are_named(life: Life) -> None:
    life.come(*(transition(action, event_id=action) for action in ("START_PROCESSING", "COMPLETE_INDEXING", "REINDEX")))
    life.come(workflow("STARTED", event_id="1"), workflow("PAUSED", event_id="2"), on=WORKFLOWS)
    life.sql("UPDATE fsm_state_history SET id = 1000 WHERE record_offset = 1")
    life.sql("UPDATE workflow_execution_history SET id = 1000 WHERE record_offset = 0")
    assert named(life.verified()) == {
        ("fsm_state_history", "changed", "unexplained", "doc-1", 2),
        ("workflow_execution_history", "changed", "unexplained", "wf-1", 1),
    }


def test_what_postgresql_refused_is_counted_and_its_letter_is_right(life: Life) -> None:
    life.sql("ALTER TABLE fsm_state ADD CHECK (entity_id <> 'refused')")
    life.come(
        transition("START_PROCESSING", event_id="1"),
        transition("START_PROCESSING", event_id="2", entity_id="refused"),
        transition("COMPLETE_INDEXING", event_id="3"),
    )
    assert life.sql("SELECT record_offset, reason FROM foldline_dead_letters") == [(1, "refused_by_database")]
    found = life.verified()
    assert named(found) == set()
    assert found.whole


def test_dead_letters_behind_the_last_record_are_each_one_too_many(life: Life) -> None:
    life.come(b"0")
    life.sql(
        "INSERT INTO foldline_dead_letters (topic, partition, record_offset, verdict, reason, detail)"
        " SELECT topic, partition, offset_, verdict, reason, detail"
        " FROM foldline_dead_letters, generate_series(5, 7) AS offset_"
    )
    assert named(life.verified()) == {
        ("foldline_dead_letters", "extra", "unexplained", None, offset) for offset in (5, 6, 7)
    }


def test_of_each_verdict_the_records_are_counted(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1"))
    for verdict in ("applied", "duplicate", "rejected", "undecodable"):
        life.sql(f"UPDATE foldline_positions SET {verdict} = {verdict} + 1 WHERE topic ~ '^fsm'")
        assert named(life.verified()) == {("foldline_positions", "changed", "unexplained", None, None)}
        life.sql(f"UPDATE foldline_positions SET {verdict} = {verdict} - 1 WHERE topic ~ '^fsm'")


def test_a_change_by_hand_that_started_from_another_state_is_named(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1"))
    life.sql("UPDATE fsm_state SET current_state = 'FAILED'")
    life.sql("UPDATE fsm_state SET current_state = 'INDEXED'")
    life.sql("UPDATE fsm_state_history SET from_state = 'RECEIVED' WHERE to_state = 'FAILED'")
    assert named(life.verified()) == {("fsm_state_history", "changed", "unexplained", "doc-1", None)}


def test_a_log_that_begins_one_record_later_than_the_tables_is_left_out(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1"))
    found = verified(life.database_url, MemoryLog({TRANSITIONS: life.logs[TRANSITIONS], WORKFLOWS: []}, low=1))
    assert "its log begins at 1 now, but its tables at 0: records are gone that were judged" in {
        each.why for each in found.unread
    }


def test_a_partition_that_went_on_behind_a_gap_is_left_out_and_one_that_went_on_where_it_stood_is_not(
    life: Life,
) -> None:
    life.come(transition("START_PROCESSING", event_id="1"))
    for to_offset, unread in ((1, 0), (2, 1)):
        life.sql(
            "INSERT INTO foldline_acceptances (topic, partition, problem, incarnation, from_offset, to_offset, why,"
            f" accepted_by) VALUES ('fsm.transitions.v1', 0, 'p', 0, 1, {to_offset}, 'w', 'me')"
        )
        assert len(life.verified().unread) == unread


def test_a_sample_is_its_share_of_the_entities_and_workflows_whole_and_of_the_others_nothing(life: Life) -> None:
    life.come(*(transition("START_PROCESSING", event_id="1", entity_id=f"doc-{number}") for number in range(400)))
    life.come(*(workflow("STARTED", event_id="1", workflow_id=f"wf-{number}") for number in range(400)), on=WORKFLOWS)
    found = verified(life.database_url, MemoryLog(life.logs), share=0.5)
    assert named(found) == set()
    assert (found.sample, found.whole) == (0.5, False)
    for compared in (found.entities, found.workflows):
        assert 150 < compared < 250


def test_what_has_its_verdict_on_a_partition_that_is_gone_is_left_out(life: Life) -> None:
    again = (transition("GO", event_id="1", fsm_type="NOPE"), transition("GO", event_id="2", entity_id="doc-2"))
    life.come(*again, on=OTHER)
    life.come(*again, transition("START_PROCESSING", event_id="3"))
    life.sql("SELECT cleanup_old_fsm_history(0)")
    assert life.verified().whole
    life.sql("UPDATE foldline_positions SET incarnation = 1 WHERE partition = 1")
    found = life.verified()
    assert named(found) == set()
    assert sum(each.count for each in found.left_out) == 3 - found.entities


def test_a_state_that_was_changed_by_hand_is_listed_also_when_a_clean_up_has_taken_its_row(life: Life) -> None:
    life.come(transition("START_PROCESSING", event_id="1"))
    life.sql("UPDATE fsm_state SET current_state = 'FAILED'")
    life.sql("SELECT cleanup_old_fsm_history(0)")
    (change,) = life.verified().manual
    assert (change.from_state, change.to_state) == ("PROCESSING", "FAILED")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "SET session_replication_role = replica; DELETE FROM foldline_machine_versions WHERE fsm_type ~ 'ING'",
            r"INGESTION version 1 has judged fsm.transitions.v1\[0\], and is not recorded any more",
        ),
        (
            "UPDATE foldline_machine_versions SET definition = '{}' WHERE fsm_type = 'INGESTION'",
            "INGESTION version 1: A recorded machine definition is not readable",
        ),
    ],
)
def test_a_machine_that_is_gone_or_broken_is_named(life: Life, change: str, said: str) -> None:
    life.come(transition("START_PROCESSING", event_id="1"))
    life.sql(change)
    with pytest.raises(MachineError, match=said):
        life.verified()
