"""The fold's laws, on random logs: cutting, redelivery, one verdict each, chains without gaps, independence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from foldline.core.batch import Batch, Counts, DeadLetter, Partition, Plan, TransitionPlan, WorkflowPlan
from foldline.core.decide import Entity, Hop, Rejection
from foldline.core.events import Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.core.fold import fold_transitions, fold_workflows
from foldline.core.outcomes import outcomes
from harness import TRANSITIONS, WORKFLOWS, batch
from oracle.transitions import SlowFold
from random_logs import MACHINES, NUMBERS, RULES, transition_event, transition_log, workflow_log

LOGS = [(TRANSITIONS, transition_log), (WORKFLOWS, workflow_log)]
EITHER = st.sampled_from(LOGS)
Reader = tuple[Partition, Callable[[list[int]], list[Record]]]


@dataclass
class Tables:
    """What transactions leave behind, and all that they ever wrote."""

    rows: dict[Any, Any] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    written: list[Any] = field(default_factory=list)
    dead_letters: list[Any] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def apply(self, folded: Batch) -> Plan:
        """Fold one batch on what is here, check what it assumed, and write it."""
        events = [decoded.event for decoded in folded.decoded]
        known = {
            event.identity: self.verdicts[event.identity]
            for event in events
            if not isinstance(event, Undecodable) and event.identity in self.verdicts
        }
        # An id belongs to a place in the log, so that a fold of the same log gives the same ids however it is cut.
        ids = [1000 + decoded.record.offset for decoded in folded.decoded]
        plan: TransitionPlan | WorkflowPlan
        if folded.partition == WORKFLOWS:
            names = {event.workflow_id for event in events if isinstance(event, WorkflowEvent)}
            plan = fold_workflows(folded, {name: self.rows.get(name) for name in names}, known, ids)
            self.written += plan.timeline
        else:
            keys = {(event.fsm_type, event.entity_id) for event in events if isinstance(event, TransitionEvent)}
            plan = fold_transitions(folded, MACHINES, {key: self.rows.get(key) for key in keys}, known, ids)
            self.written += plan.history
        assert {key: self.rows.get(key) for key in plan.before} == plan.before
        assert plan.after.keys() <= plan.before.keys()
        for identity in plan.identities.values():
            assert identity.rejudged == (identity.digest in known)
        self.rows |= plan.after
        self.verdicts |= {digest: identity.verdict for digest, identity in plan.identities.items()}
        self.dead_letters += plan.dead_letters
        for verdict in fields(Counts):
            total = getattr(self.counts, verdict.name) + getattr(plan.counts, verdict.name)
            setattr(self.counts, verdict.name, total)
        return plan


def applied(partition: Partition, *parts: Sequence[Record]) -> Tables:
    tables = Tables()
    for part in parts:
        tables.apply(batch(part, partition))
    return tables


def cut(log: list[Record], at: Iterable[int]) -> list[list[Record]]:
    edges = [0, *sorted(edge % (len(log) + 1) for edge in at), len(log)]
    return [log[start:end] for start, end in pairwise(edges)]


@settings(deadline=None)
@given(EITHER, NUMBERS, st.lists(st.integers(0, 40), max_size=6))
def test_a_log_may_be_cut_anywhere(reader: Reader, numbers: list[int], edges: list[int]) -> None:
    partition, read = reader
    log = read(numbers)
    assert applied(partition, *cut(log, edges)) == applied(partition, log)


@settings(deadline=None, max_examples=40)
@given(EITHER, NUMBERS)
def test_one_by_one_is_the_same(reader: Reader, numbers: list[int]) -> None:
    partition, read = reader
    log = read(numbers)
    assert applied(partition, *([record] for record in log)) == applied(partition, log)


@settings(deadline=None, max_examples=40)
@given(EITHER, NUMBERS.filter(bool))
def test_the_halves_of_a_batch_are_the_batch(reader: Reader, numbers: list[int]) -> None:
    partition, read = reader
    whole = batch(read(numbers), partition)
    first, second = whole.halves()
    assert [*first.decoded, *second.decoded] == whole.decoded
    assert (first.span.start, first.span.next_offset) == (whole.span.start, second.span.start)
    assert second.span.next_offset == whole.span.next_offset
    assert all(first.span.start <= decoded.record.offset < first.span.next_offset for decoded in first.decoded)
    assert all(second.span.start <= decoded.record.offset for decoded in second.decoded)
    tables = Tables()
    tables.apply(first)
    tables.apply(second)
    assert tables == applied(partition, read(numbers))


@settings(deadline=None)
@given(EITHER, NUMBERS, st.integers(0, 40))
def test_redelivery_changes_nothing(reader: Reader, numbers: list[int], start: int) -> None:
    """A publisher sends any end of the log again, as a restart of it does; redrives are asked for, so they stay out."""
    partition, read = reader
    log = read(numbers)
    tables = applied(partition, log)
    rows, verdicts, written = dict(tables.rows), dict(tables.verdicts), list(tables.written)
    again = [Record(record.offset + 1000, None, record.value) for record in log[start:]]
    plan = tables.apply(batch(again, partition))
    assert (tables.rows, tables.verdicts, tables.written) == (rows, verdicts, written)
    undecodable = sum(isinstance(decoded.event, Undecodable) for decoded in plan.batch.decoded)
    assert plan.counts == Counts(duplicate=len(again) - undecodable, undecodable=undecodable)
    assert len(plan.dead_letters) == undecodable


@settings(deadline=None)
@given(EITHER, NUMBERS)
def test_every_record_has_one_verdict(reader: Reader, numbers: list[int]) -> None:
    partition, read = reader
    log = read(numbers)
    tables = applied(partition, log)
    counts = tables.counts
    assert counts.total == len(log)
    assert len(tables.dead_letters) == counts.rejected + counts.undecodable
    verdicts = [letter.verdict for letter in tables.dead_letters]
    assert verdicts.count(Verdict.REJECTED) == counts.rejected
    assert all((letter.event is None) == (letter.verdict is Verdict.UNDECODABLE) for letter in tables.dead_letters)
    assert [letter.record for letter in tables.dead_letters] == sorted(
        (letter.record for letter in tables.dead_letters), key=lambda record: record.offset
    )
    nowhere = sum(letter.reason == "unknown_fsm" for letter in tables.dead_letters)
    rows = counts.applied if partition == WORKFLOWS else counts.applied + counts.rejected - nowhere
    assert len(tables.written) == rows
    moved = [row for row in tables.written if partition == WORKFLOWS or isinstance(row.outcome, Hop)]
    assert {subject(row.event): row.id for row in moved} == {key: row.revision for key, row in tables.rows.items()}


@settings(deadline=None)
@given(EITHER, NUMBERS)
def test_outcomes_count_each_record_once_and_under_no_name_that_no_machine_has(
    reader: Reader, numbers: list[int]
) -> None:
    partition, read = reader
    tables, alone = Tables(), Counter[tuple[str, str, str]]()
    for record in read(numbers):
        plan = tables.apply(batch([record], partition))
        event = plan.batch.decoded[0].event
        fsm_type = event.fsm_type if isinstance(event, TransitionEvent) and event.fsm_type in MACHINES else ""
        (verdict,) = [each.name for each in fields(Counts) if getattr(plan.counts, each.name)]
        alone[fsm_type, verdict, plan.dead_letters[0].reason if plan.dead_letters else ""] += 1
    assert outcomes(Tables().apply(batch(read(numbers), partition)), MACHINES) == alone


@settings(deadline=None)
@given(NUMBERS)
def test_the_hops_of_an_entity_are_a_chain_without_gaps(numbers: list[int]) -> None:
    tables = applied(TRANSITIONS, transition_log(numbers))
    state: dict[tuple[str, str], str | None] = {}
    for row in tables.written:
        key = (row.event.fsm_type, row.event.entity_id)
        if isinstance(row.outcome, Hop):
            first = None if row.event.action == "CREATE" else MACHINES[key[0]].initial
            assert row.outcome.from_state == state.get(key, first)
            assert row.outcome.to_state in MACHINES[key[0]].states
            state[key] = row.outcome.to_state
        else:
            assert row.outcome.from_state == state.get(key)
            assert row.duration_ms is None
    assert state == {key: entity.state for key, entity in tables.rows.items()}
    ids = [row.id for row in tables.written]
    assert ids == sorted(set(ids))


@settings(deadline=None)
@given(EITHER, NUMBERS, st.randoms(use_true_random=False))
def test_the_order_across_entities_does_not_matter(reader: Reader, numbers: list[int], random: Random) -> None:
    """Each record keeps its offset, and so its ids, while the log is shuffled but for the order within an entity."""
    partition, read = reader
    decoded = batch(read(numbers), partition).decoded
    lanes: dict[object, list[Record]] = {}
    for one in decoded:
        lanes.setdefault(subject(one.event), []).append(one.record)
    shuffled: list[Record] = []
    while lanes:
        lane = random.choice(sorted(lanes, key=str))
        shuffled.append(lanes[lane].pop(0))
        if not lanes[lane]:
            del lanes[lane]
    found, plain = applied(partition, shuffled), applied(partition, read(numbers))
    assert (found.rows, found.verdicts, found.counts) == (plain.rows, plain.verdicts, plain.counts)
    assert sorted(found.written, key=lambda row: row.offset) == plain.written
    assert sorted(found.dead_letters, key=lambda letter: letter.record.offset) == plain.dead_letters


def subject(event: TransitionEvent | WorkflowEvent | Undecodable) -> object:
    match event:
        case TransitionEvent():
            return event.fsm_type, event.entity_id
        case WorkflowEvent():
            return event.workflow_id
        case Undecodable():
            return None


@settings(deadline=None, max_examples=300)
@given(NUMBERS)
def test_the_slow_fold_agrees(numbers: list[int]) -> None:
    log = transition_log(numbers)
    slow = SlowFold(RULES)
    verdicts = []
    for record, number in zip(log, numbers, strict=True):
        event, redrive = transition_event(number)
        verdicts.append(slow.judge(record.offset, event, redrive=redrive))
    tables = applied(TRANSITIONS, log)
    counts = tables.counts
    assert counts == Counts(*(verdicts.count(verdict) for verdict in Verdict))
    assert [(letter.record.offset, said_reason(letter)) for letter in tables.dead_letters] == slow.dead
    history: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in tables.written:
        outcome, event = row.outcome, row.event
        reason = outcome.reason if isinstance(outcome, Rejection) else None
        history.setdefault((event.fsm_type, event.entity_id), []).append(
            (row.offset, event.action, outcome.from_state, outcome.to_state, isinstance(outcome, Hop),
             row.duration_ms, reason)
        )  # fmt: skip
    assert history == slow.history
    entities: dict[tuple[str, str], Entity] = tables.rows
    assert {
        key: (entity.state, entity.since, entity.retries, entity.lease and (entity.lease.id, entity.lease.epoch))
        for key, entity in entities.items()
    } == {key: (r.state, r.since, r.retries, r.lease and tuple(r.lease.values())) for key, r in slow.rows.items()}


def said_reason(letter: DeadLetter) -> str:
    return "undecodable" if letter.verdict is Verdict.UNDECODABLE else str(letter.reason)
