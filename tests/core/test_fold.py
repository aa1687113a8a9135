"""The fold of a batch: what a plan holds for each verdict, redrives, strays, and the record that no table takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from foldline.core.batch import Counts, DeadLetter, Identity, Partition, Stray, TransitionPlan, WorkflowPlan
from foldline.core.decide import Entity, FailedAttempt, Hop, Rejection
from foldline.core.decide_workflow import Status, Workflow
from foldline.core.events import REDRIVE_HEADER, Record, TransitionEvent, Verdict
from foldline.core.fold import fold_transitions, fold_workflows, refused_by_database
from harness import MACHINES, TRANSITIONS, WORKFLOWS, batch, encoded, records, transition, workflow

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HERE, THERE = (TRANSITIONS.topic, 0), ("elsewhere", 3)
DOC = ("INGESTION", "doc-1")


def redriven(event: dict[str, Any], header: bytes | None = b"fsm.transitions.v1[0]@7") -> Record:
    return Record(0, None, encoded(event), (("x", b"y"), (REDRIVE_HEADER, header)))


def folded(
    *events: dict[str, Any] | bytes | Record | None,
    entity: Entity | None = None,
    known: dict[str, Verdict] | None = None,
    start: int = 0,
) -> TransitionPlan:
    """The plan of these events, on one row for each entity that they name; history ids are 100 more than offsets."""
    listed = batch(records(events, start=start))
    keys = {(e.fsm_type, e.entity_id) for d in listed.decoded if isinstance(e := d.event, TransitionEvent)}
    ids = [100 + decoded.record.offset for decoded in listed.decoded]
    return fold_transitions(listed, MACHINES, dict.fromkeys(keys, entity), known or {}, ids)


def folded_workflows(*events: dict[str, Any], row: Workflow | None = None) -> WorkflowPlan:
    listed = batch(records(events), WORKFLOWS)
    return fold_workflows(listed, {"wf-1": row}, {}, [100 + decoded.record.offset for decoded in listed.decoded])


def identity_of(event: dict[str, Any]) -> str:
    (decoded,) = batch(records([event])).decoded
    assert isinstance(decoded.event, TransitionEvent)
    return decoded.event.identity


GO, DONE = transition("START_PROCESSING"), transition("COMPLETE_INDEXING", occurred_at="2026-01-31T12:00:01.5Z")
WRONG, FAILED = transition("REINDEX"), transition("COMPLETE_INDEXING", success=False)


def test_a_hop_moves_the_entity_and_writes_its_row() -> None:
    plan = folded(GO, DONE, start=7)
    assert plan.before == {DOC: None}
    assert plan.after == {DOC: Entity("INDEXED", datetime(2026, 1, 31, 12, 0, 1, 500_000, UTC), 108, source=HERE)}
    assert [(row.id, row.offset, row.duration_ms, row.definition_version) for row in plan.history] == [
        (107, 7, None, 1),
        (108, 8, 1500.0, 1),
    ]
    assert [row.outcome for row in plan.history] == [
        Hop("RECEIVED", "PROCESSING", 0, None),
        Hop("PROCESSING", "INDEXED", 0, None),
    ]
    assert plan.identities == {
        identity_of(event): Identity(identity_of(event), Verdict.APPLIED) for event in (GO, DONE)
    }
    assert plan.counts == Counts(applied=2)
    assert plan.dead_letters == []
    assert plan.strays == []


def test_a_duration_counts_from_the_stored_row_and_is_never_negative() -> None:
    for since, duration in ((NOON, 1500.0), (datetime(2026, 1, 31, 13, 0, tzinfo=UTC), None)):
        plan = folded(DONE, entity=Entity("PROCESSING", since, 5))
        assert plan.history[0].duration_ms == duration


def test_a_failed_attempt_writes_a_row_and_moves_nothing() -> None:
    plan = folded(FAILED, entity=Entity("PROCESSING", NOON, 5, source=HERE))
    assert plan.after == {}
    assert list(plan.before) == [DOC]
    assert plan.counts == Counts(applied=1)
    assert plan.dead_letters == []
    (row,) = plan.history
    assert (row.outcome, row.duration_ms) == (FailedAttempt("PROCESSING", "INDEXED"), None)
    assert folded(FAILED).before == {DOC: None}


def test_a_rejection_writes_a_row_and_a_dead_letter_and_keeps_the_identity() -> None:
    plan = folded(WRONG)
    assert plan.after == {}
    assert plan.before == {DOC: None}
    assert plan.counts == Counts(rejected=1)
    (row,), (letter,) = plan.history, plan.dead_letters
    assert isinstance(row.outcome, Rejection)
    assert (row.id, row.duration_ms) == (100, None)
    assert letter.verdict is Verdict.REJECTED
    assert letter.reason == "illegal_transition"
    assert letter.detail == row.outcome.explanation
    assert (letter.event, letter.record) == (row.event, plan.batch.decoded[0].record)
    assert plan.identities == {identity_of(WRONG): Identity(identity_of(WRONG), Verdict.REJECTED)}


def test_an_unknown_machine_leaves_a_dead_letter_only() -> None:
    event = transition("GO", fsm_type="GHOST")
    plan = folded(event, event)
    assert plan.history == []
    assert plan.before == plan.after == {}
    assert [letter.reason for letter in plan.dead_letters] == ["unknown_fsm"]
    assert plan.counts == Counts(rejected=1, duplicate=1)


def test_what_cannot_be_decoded_leaves_a_dead_letter_and_no_identity() -> None:
    plan = folded(b"{", None, transition("GO", entity_id=""))
    assert plan.identities == {}
    assert plan.history == []
    assert plan.counts == Counts(undecodable=3)
    assert [(d.verdict, d.reason, d.event) for d in plan.dead_letters] == [
        (Verdict.UNDECODABLE, "malformed", None),
        (Verdict.UNDECODABLE, "malformed", None),
        (Verdict.UNDECODABLE, "invalid", None),
    ]
    assert [d.detail.partition(":")[0] for d in plan.dead_letters] == [
        "not JSON",
        "no value (a tombstone)",
        "entity_id",
    ]


APPLIED, REJECTED = Verdict.APPLIED, Verdict.REJECTED
REDRIVES: list[tuple[Verdict | None, bool, Verdict]] = [
    (None, False, APPLIED),
    (None, True, APPLIED),
    (APPLIED, False, Verdict.DUPLICATE),
    (APPLIED, True, Verdict.DUPLICATE),
    (REJECTED, False, Verdict.DUPLICATE),
    (REJECTED, True, APPLIED),
]


@pytest.mark.parametrize(("before", "redrive", "verdict"), REDRIVES)
def test_only_a_redrive_of_a_rejected_identity_is_judged_again(
    before: Verdict | None, verdict: Verdict, *, redrive: bool
) -> None:
    digest = identity_of(GO)
    plan = folded(redriven(GO) if redrive else GO, known={digest: before} if before is not None else {})
    assert plan.counts == Counts(**{verdict: 1})
    judged = verdict is APPLIED
    assert plan.identities == ({digest: Identity(digest, APPLIED, rejudged=before is not None)} if judged else {})
    assert (plan.before == {DOC: None}) is judged
    assert len(plan.history) == judged


def test_within_a_batch_too() -> None:
    """Rejected, again, redriven too early, then in time, again, and redriven for nothing."""
    early = transition("COMPLETE_INDEXING", event_id="e")
    other = transition("FAIL", event_id="e", error_message="the same identity, other content")
    plan = folded(early, early, redriven(early), GO, redriven(early, None), other, redriven(early))
    assert plan.counts == Counts(applied=2, duplicate=3, rejected=2)
    assert [letter.record.offset for letter in plan.dead_letters] == [0, 2]
    assert [row.offset for row in plan.history] == [0, 2, 3, 4]
    assert plan.identities[identity_of(early)] == Identity(identity_of(early), APPLIED)
    assert plan.after[DOC].state == "INDEXED"


def test_a_redrive_that_is_rejected_again_leaves_another_dead_letter() -> None:
    digest = identity_of(WRONG)
    plan = folded(redriven(WRONG), known={digest: REJECTED})
    assert plan.counts == Counts(rejected=1)
    assert plan.identities == {digest: Identity(digest, REJECTED, rejudged=True)}
    assert len(plan.dead_letters) == 1


@pytest.mark.parametrize(
    ("source", "strays"),
    [(None, []), (HERE, []), ((TRANSITIONS.topic, 1), ["INGESTION doc-1 was on fsm.transitions.v1[1]"]),
     (THERE, ["INGESTION doc-1 was on elsewhere[3]"])],
)  # fmt: skip
def test_an_entity_of_another_partition_is_projected_and_named_once(
    source: tuple[str, int] | None, strays: list[str]
) -> None:
    plan = folded(DONE, transition("REINDEX"), entity=Entity("PROCESSING", NOON, 5, source=source))
    assert plan.strays == [Stray(name, 0, "c-1") for name in strays]
    assert plan.counts == Counts(applied=2)
    assert plan.after[DOC].source == HERE


def test_a_workflow_moves_along_its_timeline() -> None:
    plan = folded_workflows(workflow("STARTED"), workflow("PAUSED"), workflow("STARTED", event_id="2"))
    assert plan.before == {"wf-1": None}
    after = plan.after["wf-1"]
    assert (after.status, after.revision, after.source) == (Status.PAUSED, 101, (WORKFLOWS.topic, 0))
    assert [(row.id, row.offset, row.event.kind) for row in plan.timeline] == [(100, 0, "STARTED"), (101, 1, "PAUSED")]
    assert [letter.reason for letter in plan.dead_letters] == ["illegal_workflow_event"]
    assert [identity.verdict for identity in plan.identities.values()] == [APPLIED, APPLIED, REJECTED]
    assert plan.counts == Counts(applied=2, rejected=1)


def test_a_workflow_of_another_partition_is_projected_and_named() -> None:
    row = Workflow("O", "doc", Status.RUNNING, NOON, "c", None, source=THERE)
    plan = folded_workflows(workflow("STARTED"), workflow("PAUSED"), row=row)
    assert plan.strays == [Stray("workflow wf-1 was on elsewhere[3]", 0, "c-1")]
    assert plan.before == {"wf-1": row}
    assert plan.counts == Counts(applied=1, rejected=1)


def test_an_event_of_the_wrong_kind_never_reaches_a_fold() -> None:
    """The topic decides the kind; a batch that was decoded as the other is a fault of ours."""
    with pytest.raises(AssertionError, match="topic decides"):
        fold_transitions(batch(records([workflow("STARTED")]), WORKFLOWS), MACHINES, {}, {}, [1])


def test_a_record_that_the_database_refuses_is_a_dead_letter_without_identity() -> None:
    listed = batch(records([GO], start=4))
    plan = refused_by_database(listed, "22P05")
    record = listed.decoded[0].record
    assert plan.counts == Counts(undecodable=1)
    assert plan.dead_letters == [DeadLetter(record, Verdict.UNDECODABLE, "refused_by_database", "22P05")]
    assert plan.identities == {}
    assert plan.batch is listed


def test_an_empty_batch_only_moves_the_position() -> None:
    plan = folded()
    assert plan.counts.total == 0
    assert plan == TransitionPlan(plan.batch)


def test_a_batch_of_one_halves_into_nothing_and_itself() -> None:
    listed = batch(records([GO], start=4))
    first, second = listed.halves()
    assert first.decoded == []
    assert (first.span.start, first.span.next_offset) == (4, 4)
    assert second == listed


def test_a_partition_is_named_as_people_write_it() -> None:
    assert str(Partition("t", 3)) == "t[3]"
