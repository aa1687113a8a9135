"""The dry run is the real fold: on random logs the same verdicts, reasons and end states as a whole batch of it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

from hypothesis import given
from msgspec.structs import replace

from foldline.core.batch import Batch, DeadLetter, Decoded, Partition
from foldline.core.decide import Entity, Hop
from foldline.core.decide_workflow import Workflow
from foldline.core.decode import decode_workflow
from foldline.core.events import Record, TransitionEvent, Verdict, WorkflowEvent
from foldline.core.fold import fold_transitions, fold_workflows
from foldline.dryrun import DryFold, Judgment
from harness import TRANSITIONS, WORKFLOWS, batch, encoded, workflow
from oracle.transitions import SlowFold
from random_logs import MACHINES, NUMBERS, RULES, transition_event, transition_log, workflow_log


def dry_run(log: Sequence[Record], partition: Partition, *, payloads: bool = True) -> tuple[DryFold, list[Judgment]]:
    fold = DryFold(MACHINES, payloads=payloads)
    return fold, [fold.judge(decoded) for decoded in batch(log, partition).decoded]


def ids(folded: Batch) -> list[int]:
    """The dry run takes a record's offset for the id that its row would have."""
    return [decoded.record.offset for decoded in folded.decoded]


def dead_letters(judgments: Sequence[Judgment]) -> list[tuple[object, ...]]:
    return [
        (judged.offset, judged.verdict, judged.reason, judged.detail, judged.event)
        for judged in judgments
        if judged.reason is not None
    ]


def as_judged(letters: Sequence[DeadLetter]) -> list[tuple[object, ...]]:
    return [(each.record.offset, each.verdict, each.reason, each.detail, each.event) for each in letters]


def unplaced(row: Entity | Workflow | None) -> Entity | Workflow | None:
    """A row but for the partition that it came from."""
    return row and replace(row, source=None)


@given(NUMBERS)
def test_transitions_end_as_the_batch_fold_ends_them(numbers: list[int]) -> None:
    log = transition_log(numbers)
    fold, judgments = dry_run(log, TRANSITIONS)
    folded = batch(log, TRANSITIONS)
    keys = {(e.event.fsm_type, e.event.entity_id) for e in folded.decoded if isinstance(e.event, TransitionEvent)}
    plan = fold_transitions(folded, MACHINES, dict.fromkeys(keys), {}, ids(folded))
    assert dead_letters(judgments) == as_judged(plan.dead_letters)
    assert {key: unplaced(row) for key, row in fold.entities.items()} == {
        key: unplaced(row) for key, row in plan.after.items()
    }
    hops = {row.offset: row.outcome for row in plan.history if isinstance(row.outcome, Hop)}
    assert {judged.offset: (judged.met, judged.after) for judged in judgments if judged.hop} == {
        offset: (hop.from_state, hop.to_state) for offset, hop in hops.items()
    }
    applied = {row.offset for row in plan.history} - {letter.record.offset for letter in plan.dead_letters}
    assert {judged.offset for judged in judgments if judged.verdict is Verdict.APPLIED} == applied


@given(NUMBERS)
def test_workflows_end_as_the_batch_fold_ends_them(numbers: list[int]) -> None:
    log = workflow_log(numbers)
    fold, judgments = dry_run(log, WORKFLOWS)
    folded = batch(log, WORKFLOWS)
    keys = {each.event.workflow_id for each in folded.decoded if isinstance(each.event, WorkflowEvent)}
    plan = fold_workflows(folded, dict.fromkeys(keys), {}, ids(folded))
    assert dead_letters(judgments) == as_judged(plan.dead_letters)
    assert {key: unplaced(row) for key, row in fold.workflows.items()} == {
        key: unplaced(row) for key, row in plan.after.items()
    }
    assert {judged.offset for judged in judgments if judged.verdict is Verdict.APPLIED} == {
        row.offset for row in plan.timeline
    }


@given(NUMBERS)
def test_the_verdicts_are_those_of_the_slow_fold_one_by_one(numbers: list[int]) -> None:
    log = transition_log(numbers)
    slow = SlowFold(RULES)
    wanted = []
    for record, number in zip(log, numbers, strict=True):
        event, redrive = transition_event(number)
        wanted.append(slow.judge(record.offset, event, redrive=redrive))
    fold, judgments = dry_run(log, TRANSITIONS)
    assert [judged.verdict for judged in judgments] == wanted
    assert {key: row.state for key, row in fold.entities.items() if row} == {
        key: row.state for key, row in slow.rows.items()
    }


@given(NUMBERS)
def test_every_state_met_is_the_one_left_behind(numbers: list[int]) -> None:
    state: dict[str | None, str | None] = {}
    for judged in dry_run(transition_log(numbers), TRANSITIONS)[1]:
        before = state.get(judged.subject)
        if before is not None:
            assert judged.met == before
        if judged.hop is None:
            assert judged.after == judged.met
        else:
            state[judged.subject] = judged.after


@given(NUMBERS)
def test_a_duplicate_names_the_record_that_has_the_verdict(numbers: list[int]) -> None:
    judgments = dry_run(transition_log(numbers), TRANSITIONS)[1]
    by_offset = {judged.offset: judged for judged in judgments}
    for judged in judgments:
        if judged.verdict is not Verdict.DUPLICATE:
            assert judged.first is None
            continue
        assert judged.first is not None
        assert judged.event is not None
        first = by_offset[judged.first]
        assert first.offset < judged.offset
        assert first.verdict in (Verdict.APPLIED, Verdict.REJECTED)
        assert first.event is not None
        assert first.event.identity == judged.event.identity


@given(NUMBERS)
def test_whatever_is_not_applied_has_a_remedy_and_nothing_else_has(numbers: list[int]) -> None:
    for log, partition in ((transition_log(numbers), TRANSITIONS), (workflow_log(numbers), WORKFLOWS)):
        for judged in dry_run(log, partition)[1]:
            assert (judged.remedy is None) == (judged.verdict is Verdict.APPLIED)


@given(NUMBERS)
def test_payloads_decide_nothing(numbers: list[int]) -> None:
    log = workflow_log(numbers)
    assert dry_run(log, WORKFLOWS)[1] == dry_run(log, WORKFLOWS, payloads=False)[1]


@given(NUMBERS)
def test_it_may_start_from_what_another_run_left_behind(numbers: list[int]) -> None:
    """As on a database that holds the first half of the log."""
    log = transition_log(numbers)
    middle = len(log) // 2
    first, whole = dry_run(log[:middle], TRANSITIONS), dry_run(log, TRANSITIONS)
    fold = DryFold(MACHINES)
    known = {
        judged.event.identity: judged.verdict
        for judged in first[1]
        if judged.event is not None and judged.verdict is not Verdict.DUPLICATE
    }
    fold.start_from(first[0].entities, {}, known)
    rest = [fold.judge(decoded) for decoded in batch(log[middle:], TRANSITIONS).decoded]
    assert [(judged.verdict, judged.reason, judged.after) for judged in rest] == [
        (judged.verdict, judged.reason, judged.after) for judged in whole[1][middle:]
    ]
    assert fold.entities == whole[0].entities


def test_a_record_leaves_its_row_and_its_identity_behind_and_nothing_that_it_carries() -> None:
    """So that a file of any size can be judged: 2,000 records of 10 kB here."""
    carried = {"metadata": {"what": "x" * 5_000}, "input_payload": "x" * 5_000}
    fold = DryFold(MACHINES, payloads=False)
    tracemalloc.start()
    for offset in range(2_000):
        number, kind = divmod(offset, 2)
        value = encoded(workflow(["STARTED", "PAUSED"][kind], workflow_id=f"{number}", event_id=f"{kind}", **carried))
        judged = fold.judge(Decoded(Record(offset, None, value), decode_workflow(value)))
        assert judged.verdict is Verdict.APPLIED
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 1_000 * 2_000
