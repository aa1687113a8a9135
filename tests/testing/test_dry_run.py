"""`DryRun`, what tests of other teams publish to: every form of an event, every question, every assertion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from foldline.core.events import REDRIVE_HEADER, Verdict
from foldline.testing import DryRun
from harness import MACHINES, transition, workflow

START = transition("START_PROCESSING", event_id="1")
COMPLETE = transition("COMPLETE_INDEXING", event_id="2")


@pytest.fixture
def dry() -> DryRun:
    return DryRun(MACHINES)


class Uploaded(BaseModel):
    """As a team models its own events."""

    event_id: str
    entity_id: str
    correlation_id: str = "c-1"
    occurred_at: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    fsm_type: str = "INGESTION"
    action: str = "START_PROCESSING"
    error_message: str | None = None


@dataclass
class Message:
    """As a producer takes it."""

    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def test_an_event_may_be_whatever_a_publisher_has_in_its_hands(dry: DryRun) -> None:
    text = json.dumps(transition("COMPLETE_INDEXING", event_id="2"))
    judgments = dry.publish(
        START,
        text,
        transition("REINDEX", event_id="3"),
        Message(text.replace('"2"', '"4"').encode()),
        Uploaded(event_id="5", entity_id="doc-2"),
        workflow("STARTED"),
    )
    assert [(judged.offset, judged.verdict) for judged in judgments] == [(n, "applied") for n in range(1, 7)]
    assert dry.state("INGESTION", "doc-1") == "INDEXED"
    assert dry.state("INGESTION", "doc-2") == "PROCESSING"


@pytest.mark.parametrize("event", [None, 5, object(), ["START_PROCESSING"], Verdict.APPLIED], ids=repr)
def test_what_is_no_event_at_all_is_a_mistake_of_the_test(dry: DryRun, event: Any) -> None:  # noqa: ANN401
    if isinstance(event, str):  # a StrEnum is text, and so a record: one that cannot be decoded
        dry.assert_undecodable("malformed", event)
        return
    with pytest.raises(TypeError, match=r"is no event: give a dict, JSON as str or bytes, or an object with \.value"):
        dry.publish(event)


def test_headers_are_the_records(dry: DryRun) -> None:
    dry.assert_rejected("illegal_transition", COMPLETE)
    dry.publish(START)
    dry.assert_duplicate(COMPLETE)
    dry.assert_applied(COMPLETE, headers={REDRIVE_HEADER: "again"})
    again = Message(json.dumps(transition("START_PROCESSING", event_id="3")).encode(), ((REDRIVE_HEADER, b""),))
    assert dry.publish(again, again)[1].verdict is Verdict.REJECTED, "an object's own headers count, too"


def test_an_envelope_is_opened_wherever_it_is(dry: DryRun) -> None:
    """CloudEvents: structured in the value, binary in headers."""
    dry.assert_applied({"specversion": "1.0", "id": "1", "data": transition("START_PROCESSING")})
    (judged,) = dry.assert_applied(transition("COMPLETE_INDEXING"), headers={"ce_specversion": "1.0", "ce_id": "2"})
    assert judged.event is not None
    assert judged.event.event_id == "2"
    dry.assert_applied({"specversion": "1.0", "id": "3", "data": workflow("STARTED")})
    assert dry.workflow("wf-1") is not None


def test_nothing_is_known_at_first(dry: DryRun) -> None:
    assert dry.state("INGESTION", "doc-1") is None
    assert dry.workflow("wf-1") is None
    assert dry.history("INGESTION", "doc-1") == []


def test_the_history_is_what_the_table_would_hold(dry: DryRun) -> None:
    dry.publish(
        START,
        START,
        transition("FAIL", event_id="2", success=False, error_message="later"),
        transition("REINDEX", event_id="3"),
        transition("START_PROCESSING", event_id="4", entity_id="doc-2"),
        b"{}",
    )
    dry.publish(transition("X", fsm_type="NONE"))
    assert [(row.offset, row.verdict, row.summary) for row in dry.history("INGESTION", "doc-1")] == [
        (1, "applied", "RECEIVED -> PROCESSING"),
        (3, "applied", "FAIL failed, stays PROCESSING"),
        (4, "rejected", "illegal_transition: REINDEX is not possible in PROCESSING"),
    ]
    assert dry.history("NONE", "doc-1") == []


def test_a_workflow_is_its_whole_row(dry: DryRun) -> None:
    dry.assert_applied(
        workflow("STARTED", event_id="1", input_payload={"pages": 3}),
        workflow("STEP_COMPLETED", event_id="2", step="fetch"),
        workflow("PAUSED", event_id="3"),
    )
    row = dry.workflow("wf-1")
    assert row is not None
    assert (row.status, row.completed_steps, row.input_payload) == ("PAUSED", ("fetch",), '{"pages": 3}')


def test_a_failure_says_what_became_of_the_event_why_what_to_do_and_what_was_before(dry: DryRun) -> None:
    with pytest.raises(AssertionError) as failed:
        dry.assert_applied(START, COMPLETE, transition("FAIL", event_id="3", error_message="no"))
    assert str(failed.value).splitlines() == [
        "event 3, INGESTION doc-1, is rejected (illegal_transition), not applied",
        "  illegal_transition: FAIL is not possible in INDEXED",
        "  action: Possible in INDEXED: REINDEX -> PROCESSING. FAIL is possible in RECEIVED, PROCESSING.",
        "  before it, event 1: RECEIVED -> PROCESSING",
        "  before it, event 2: PROCESSING -> INDEXED",
    ]


def test_another_reason_than_the_expected_one_is_a_failure(dry: DryRun) -> None:
    with pytest.raises(AssertionError, match=r"is rejected \(illegal_transition\), not rejected \(unknown_action\)"):
        dry.assert_rejected("unknown_action", COMPLETE)


def test_what_is_applied_is_not_rejected(dry: DryRun) -> None:
    with pytest.raises(AssertionError, match=r"event 1, INGESTION doc-1, is applied, not rejected \(missing_data\)"):
        dry.assert_rejected("missing_data", START)


def test_what_is_new_is_no_duplicate(dry: DryRun) -> None:
    with pytest.raises(AssertionError, match="is applied, not duplicate"):
        dry.assert_duplicate(START)


def test_what_cannot_be_decoded_says_which_member(dry: DryRun) -> None:
    dry.assert_undecodable("malformed", b"\xff", "{", '"text"')
    (judged,) = dry.assert_undecodable("invalid", START | {"occurred_at": "yesterday"})
    assert judged.field == "occurred_at"
    with pytest.raises(AssertionError, match=r"event 5 is undecodable \(invalid\), not applied\n.*\n  action: Add it"):
        dry.assert_applied(transition("X") | {"action": None})


@pytest.mark.parametrize("method", ["assert_applied", "assert_duplicate"])
def test_an_assertion_about_no_event_is_a_mistake(dry: DryRun, method: str) -> None:
    with pytest.raises(TypeError, match="no event was given"):
        getattr(dry, method)()


def test_all_events_of_a_call_must_end_as_it_says(dry: DryRun) -> None:
    with pytest.raises(AssertionError, match="event 2"):
        dry.assert_rejected("illegal_transition", COMPLETE, START)


def test_a_reason_that_is_left_out_or_misspelt_is_no_result() -> None:
    dry_run = DryRun(MACHINES)
    with pytest.raises(TypeError, match="the reason comes first"):
        dry_run.assert_rejected(transition("REINDEX"))  # type: ignore[arg-type]  # the slip in question
    with pytest.raises(ValueError, match="did you mean illegal_transition"):
        dry_run.assert_rejected("ilegal_transition", transition("REINDEX"))
    with pytest.raises(ValueError, match="one of malformed, invalid"):
        dry_run.assert_undecodable("unknown_fsm", b"{}")
    assert dry_run.history("INGESTION", "doc-1") == []


def test_names_from_events_do_not_steer_a_terminal() -> None:
    with pytest.raises(AssertionError) as failed:
        DryRun(MACHINES).assert_applied(transition("REINDEX", entity_id="\x1b[31mred\n\x07"))
    assert "\\x1b[31mred\\n\\x07" in str(failed.value)
    assert "\x1b" not in str(failed.value)
