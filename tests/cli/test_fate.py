"""What became of a record whose log was replaced, cut or never read from its beginning."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from foldline.cli.stories.fate import Fate, fate_of
from foldline.core.batch import Partition
from foldline.core.decode import decode_transition
from foldline.core.events import Record, TransitionEvent, Verdict
from foldline.kafka.one_record import Gone, NoRecord, Present
from foldline.postgres.entries import AcceptanceEntry, Position
from foldline.postgres.trace_entries import RecordHistoryEntry, RecordLetterEntry, RecordTrace
from harness import TRANSITIONS, transition

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WHERE: dict[str, Any] = {"topic": TRANSITIONS.topic, "partition": 0}
COUNTS: dict[str, Any] = {"applied": 9, "duplicate": 1, "rejected": 2, "undecodable": 0}
OWNED: dict[str, Any] = {"group_id": "foldline", "owner": "w:1", "claimed_at": NOON, "moved_at": NOON, "epoch": 3}
LOG: dict[str, Any] = {"topic_id": "id-2", "leader_epoch": None, "leader_epoch_at": None, "compaction_accepted": False}
POSITION = Position(
    **WHERE, **COUNTS, **OWNED, **LOG, next_offset=20, begun_at=5, incarnation=1, stopped_reason=None, tripped=False
)
UNKNOWN: dict[str, Any] = dict.fromkeys(("fsm_type", "entity_id", "workflow_id", "correlation_id", "event_id"))
NOTHING = RecordTrace(POSITION, [], [], [], [], [], known=False, cleaned_before=None)
VALUE = json.dumps(transition("FAIL", event_id="new")).encode()
LIES = Present(Record(7, None, VALUE))


def row(event_id: str, number: int = 1) -> RecordHistoryEntry:
    """A hop of doc-1 at offset 7."""
    absent = dict.fromkeys(("duration_ms", "metadata", "reason", "error_message"))
    return RecordHistoryEntry(
        **WHERE,
        **absent,
        id=number,
        from_state="RECEIVED",
        to_state="FAILED",
        action="FAIL",
        transitioned_at=NOON,
        correlation_id="c-1",
        event_id=event_id,
        success=True,
        record_offset=7,
        definition_version=1,
        fsm_type="INGESTION",
        entity_id="doc-1",
    )


def letter(incarnation: int) -> RecordLetterEntry:
    """A dead letter of offset 7 of one of the logs of that name."""
    said: dict[str, Any] = {"verdict": "undecodable", "reason": "malformed", "detail": "not JSON", "status": "open"}
    return RecordLetterEntry(**WHERE, **said, **UNKNOWN, id=4, offset=7, recorded_at=NOON, incarnation=incarnation)


def fate(trace: RecordTrace, offset: int = 7, lying: Present | Gone | NoRecord = LIES) -> Fate:
    event = decode_transition(VALUE)
    assert isinstance(event, TransitionEvent)
    return fate_of(TRANSITIONS, offset, lying, event if isinstance(lying, Present) else None, trace)


def test_what_a_record_of_a_former_log_left_is_not_that_of_this_one() -> None:
    former = replace(NOTHING, history=[row("old")], letters=[letter(0)])
    assert fate(former).verdict is None
    assert "tables hold nothing of it" in fate(former).why
    both = fate(replace(NOTHING, history=[row("old"), row("new", 2)], letters=[letter(0)]))
    assert (both.verdict, [each.event_id for each in both.trace.history]) == (Verdict.APPLIED, ["new"])
    assert fate(replace(NOTHING, letters=[letter(0), letter(1)])).verdict is Verdict.UNDECODABLE
    lost = fate(replace(NOTHING, history=[row("old"), row("newer", 2)]), lying=Gone(9))
    assert [each.event_id for each in lost.trace.history] == ["newer"]


def test_what_nobody_has_judged_says_why() -> None:
    assert fate(NOTHING, offset=4).why == "It was never judged: projecting of this log began at 5."
    accepted = AcceptanceEntry(1, TRANSITIONS.topic, 0, "gone", 1, 6, 12, "retention", "ops", NOON)
    skipped = replace(NOTHING, acceptances=[accepted])
    for offset in (6, 11):
        assert fate(skipped, offset=offset).why == (
            "It was never judged: ops let the partition go on at 12, 2026-01-31T12:00:00.000Z: retention"
        )
    for offset in (5, 12):
        assert "hold nothing of it" in fate(skipped, offset=offset).why
    former = replace(NOTHING, acceptances=[replace(accepted, incarnation=0)])
    assert "hold nothing of it" in fate(former, offset=11).why
    stopped = replace(NOTHING, position=replace(POSITION, stopped_reason="The log is gone."))
    assert fate(stopped, offset=20).why.endswith("stands at 20. The partition has stopped: The log is gone.")


def test_a_duplicate_repeats_what_came_before_it() -> None:
    here = [(TRANSITIONS.topic, 0, 9), (TRANSITIONS.topic, 0, 6), (TRANSITIONS.topic, 1, 3)]
    first = fate(replace(NOTHING, places=sorted(here), known=True)).first
    assert first is not None
    assert first.offset == 6
    later = fate(replace(NOTHING, places=here[:1], known=True, cleaned_before=NOON))
    assert (later.verdict, later.first) == (None, None)
    assert later.why.endswith("Clean-ups have removed rows from before 2026-01-31T12:00:00.000Z.")


@pytest.mark.parametrize("left", [[], [row("new")]])
def test_what_compaction_removed_is_a_record_only_if_it_left_something(left: list[RecordHistoryEntry]) -> None:
    found = fate(replace(NOTHING, history=left), lying=NoRecord())
    assert found.verdict is (Verdict.APPLIED if left else None)


def test_a_partition_that_nobody_claimed_has_no_verdicts() -> None:
    assert fate(replace(NOTHING, position=None)).why == f"No worker has claimed {Partition(TRANSITIONS.topic, 0)} yet."
