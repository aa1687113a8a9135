"""One behaviour of the port `Tables`, shown by the model and by PostgreSQL: so the model cannot drift from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from foldline.core.batch import Batch, Decoded, Partition, Plan, Span
from foldline.core.decide import Entity
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record
from foldline.core.machine import Machines
from foldline.folding import Folding
from foldline.ports import (
    Answer,
    Claim,
    Displaced,
    Fenced,
    LogFacts,
    Moved,
    PartitionFault,
    Stale,
    Tables,
    Unavailable,
)
from grounds import Ground, ModelGround, PostgresGround
from harness import TRANSITIONS, WORKFLOWS, Publishable, records, transition, workflow
from random_logs import MACHINES, transition_log, workflow_log

ELSEWHERE = Partition(TRANSITIONS.topic, 1)
FACTS = LogFacts(0, 100, "id-1")
LATER = datetime(2026, 1, 31, 13, tzinfo=UTC)
KEY = ("FREE", "a")
GO = transition("GO", fsm_type="FREE", entity_id="a", event_id="1")
CLOSE = transition("CLOSE", fsm_type="FREE", entity_id="a", event_id="2", lease={"lease_id": "l", "lease_epoch": 3})
BAD = transition("DANCE", fsm_type="FREE", entity_id="a", event_id="3")


@pytest.fixture(params=["model", "postgres"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    if request.param == "model":
        yield ModelGround()
        return
    with ExitStack() as stack:
        yield PostgresGround(request.getfixturevalue("shared_database_url"), stack)


def _batch(listed: Sequence[Record], partition: Partition) -> Batch:
    decode = decode_workflow if partition == WORKFLOWS else decode_transition
    decoded = [Decoded(record, decode(record.value, record.headers)) for record in listed]
    return Batch(partition, Span(listed[0].offset, listed[-1].offset + 1), decoded)


def _fold(
    tables: Tables, partition: Partition, *events: Publishable, start: int, machines: Machines = MACHINES
) -> Plan:
    folding = Folding(tables, machines, frozenset({WORKFLOWS.topic}))
    return folding.fold(_batch(records(events, start=start), partition))


def _apply(tables: Tables, plan: Plan, claim: Claim) -> Answer:
    tables.start(tables.stage(plan), claim)
    return tables.finish()


def _project(tables: Tables, claim: Claim, *events: Publishable, start: int) -> Answer:
    return _apply(tables, _fold(tables, claim.partition, *events, start=start), claim)


def _moved(answer: Answer) -> bool:
    return isinstance(answer, Moved)


def _everything(ground: Ground) -> list[list[tuple[Any, ...]]]:
    return [ground.positions(), ground.history(), ground.timeline(), ground.dead_letters(), ground.activations()]


def test_a_claim_takes_over_where_the_last_owner_stopped(ground: Ground) -> None:
    first, second = ground.handle("a", MACHINES), ground.handle("b", MACHINES)
    claim = first.claim(TRANSITIONS, FACTS)
    assert (claim.partition, claim.epoch, claim.next_offset) == (TRANSITIONS, 1, 0)
    assert _moved(_project(first, claim, GO, b"poison", GO, BAD, start=0))
    claim = second.claim(TRANSITIONS, FACTS)
    assert (claim.epoch, claim.next_offset) == (2, 4)
    assert ground.positions() == [(TRANSITIONS.topic, 0, 4, 2, "b", 1, 1, 1, 1, False)]


def test_a_first_claim_needs_the_beginning_of_the_log_or_permission(ground: Ground) -> None:
    late = LogFacts(5, 100, "id-1")
    with pytest.raises(PartitionFault, match="beginning"):
        ground.handle("a", MACHINES).claim(TRANSITIONS, late)
    assert ground.positions() == []
    claim = ground.handle("b", MACHINES, start_anywhere=True).claim(TRANSITIONS, late)
    assert (claim.epoch, claim.next_offset) == (1, 5)


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        (LogFacts(0, 100, "id-2"), "deleted and created again"),
        (LogFacts(2, 100, "id-1"), "the log begins later now at 2"),
        (LogFacts(0, 0, "id-1"), "the log ends at 0"),
        (LogFacts(0, 100, "id-1", compacted=True), "is compacted"),
    ],
)
def test_a_log_that_is_not_what_it_was_is_a_fault_that_is_noted(ground: Ground, log: LogFacts, problem: str) -> None:
    tables = ground.handle("a", MACHINES)
    _project(tables, tables.claim(TRANSITIONS, FACTS), GO, start=0)
    with pytest.raises(PartitionFault, match=problem):
        tables.claim(TRANSITIONS, log)
    assert ground.positions() == [(TRANSITIONS.topic, 0, 1, 2, "a", 1, 0, 0, 0, True)]


def test_an_older_epoch_is_fenced_by_name_and_writes_nothing(ground: Ground) -> None:
    zombie, successor = ground.handle("a", MACHINES), ground.handle("b", MACHINES, group_id="other")
    old = zombie.claim(TRANSITIONS, FACTS)
    plan = _fold(zombie, TRANSITIONS, GO, start=0)
    successor.claim(TRANSITIONS, FACTS)
    before = _everything(ground)
    assert _apply(zombie, plan, old) == Fenced("b", "other")
    zombie.stop_partition(old, "not ours to stop", tripped=False)
    assert _everything(ground) == before


def test_only_from_where_the_position_stands(ground: Ground) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    first, later = _fold(tables, TRANSITIONS, GO, b"poison", start=0), _fold(tables, TRANSITIONS, BAD, start=5)
    assert _moved(_apply(tables, first, claim))
    before = _everything(ground)
    assert _moved(_apply(tables, first, claim))  # as after a COMMIT whose answer was lost
    assert _apply(tables, later, claim) == Displaced(2)
    assert _everything(ground) == before


def test_a_stopped_partition_is_noted_until_the_next_claim(ground: Ground) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    assert tables.let_go_on({TRANSITIONS: claim.epoch}) == []  # nothing is noted yet, and so nothing is answered
    assert tables.stop_partition(claim, "why", tripped=False)
    assert [row[-1] for row in ground.positions()] == [True]
    assert tables.let_go_on({TRANSITIONS: claim.epoch}) == []
    tables.claim(TRANSITIONS, FACTS)
    assert [row[-1] for row in ground.positions()] == [False]
    assert tables.let_go_on({TRANSITIONS: claim.epoch}) == [TRANSITIONS]


def test_identities_have_one_verdict_and_are_stale_where_it_is_not_the_one_of_before(ground: Ground) -> None:
    ours, theirs = ground.handle("a", MACHINES), ground.handle("b", MACHINES)
    here, there = ours.claim(TRANSITIONS, FACTS), theirs.claim(ELSEWHERE, FACTS)
    ghost = transition("GO", fsm_type="GHOST", event_id="g")  # no row of an entity tells that it was judged
    plan = _fold(ours, TRANSITIONS, ghost, start=0)
    (digest,) = plan.identities
    assert ours.known_identities([digest]) == {}
    assert _moved(_project(theirs, there, ghost, start=0))
    assert ours.known_identities([digest, "0" * 32]) == {digest: "rejected"}
    assert _apply(ours, plan, here) == Stale("identities")
    again = Record(1, None, records([ghost])[0].value, (("foldline-redrive", b""),))
    rejudged = [_fold(handle, partition, again, start=start) for handle, partition, start in
                ((ours, TRANSITIONS, 0), (theirs, ELSEWHERE, 1))]  # fmt: skip
    assert [_moved(_apply(*each)) for each in zip((ours, theirs), rejudged, (here, there), strict=True)] == [True, True]
    assert [row[5:9] for row in ground.positions()] == [(0, 0, 1, 0), (0, 0, 2, 0)]


@pytest.mark.parametrize("event", [CLOSE, BAD], ids=["moved", "rejected"])
@pytest.mark.parametrize("change", ["changed", "deleted", "made again"])
def test_an_entity_that_is_not_what_the_fold_started_from_is_stale(
    ground: Ground, event: dict[str, Any], change: str
) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    assert _moved(_project(tables, claim, GO, start=0))
    plan = _fold(tables, TRANSITIONS, event, start=1)
    if change != "changed":
        ground.delete_by_hand(KEY)
    if change != "deleted":
        ground.change_by_hand(KEY, "BROKEN" if change == "changed" else "OPEN", LATER)
    before = _everything(ground)
    assert isinstance(_apply(tables, plan, claim), Stale)
    assert _everything(ground) == before
    assert _moved(_project(tables, claim, event, start=1))


@pytest.mark.parametrize("event", [GO, BAD], ids=["moved", "rejected"])
def test_an_entity_that_the_fold_found_absent_and_is_there_is_stale(ground: Ground, event: dict[str, Any]) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    plan = _fold(tables, TRANSITIONS, event, start=0)
    ground.change_by_hand(KEY, "DONE", LATER)
    assert isinstance(_apply(tables, plan, claim), Stale)
    assert ground.positions() == [(TRANSITIONS.topic, 0, 0, 1, "a", 0, 0, 0, 0, False)]


@pytest.mark.parametrize("kind", ["PAUSED", "RESUMED"], ids=["moved", "rejected"])
def test_a_workflow_that_is_not_what_the_fold_started_from_is_stale(ground: Ground, kind: str) -> None:
    ours, theirs = ground.handle("a", MACHINES), ground.handle("b", MACHINES)
    elsewhere = Partition(WORKFLOWS.topic, 1)
    claim, other = ours.claim(WORKFLOWS, FACTS), theirs.claim(elsewhere, FACTS)
    assert _moved(_project(ours, claim, workflow("STARTED", event_id="1"), start=0))
    plan = _fold(ours, WORKFLOWS, workflow(kind, event_id="2"), start=1)
    folding = Folding(theirs, MACHINES, frozenset({WORKFLOWS.topic}))
    step = records([workflow("STEP_STARTED", event_id="s", step="s")])
    decoded = [Decoded(record, decode_workflow(record.value, record.headers)) for record in step]
    assert _moved(_apply(theirs, folding.fold(Batch(elsewhere, Span(0, 1), decoded)), other))
    assert _apply(ours, plan, claim) == Stale("workflows")
    assert [line[:2] for line in ground.timeline()] == [("wf-1", "STARTED"), ("wf-1", "STEP_STARTED")]


def test_a_change_by_hand_is_in_the_history_and_keeps_what_it_does_not_name(ground: Ground) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    assert _moved(_project(tables, claim, GO, CLOSE, start=0))
    moved = tables.load_entities([KEY])[KEY]
    ground.change_by_hand(KEY, "BROKEN", LATER)
    ground.change_by_hand(("FREE", "new"), "OPEN", LATER)
    changed = tables.load_entities([KEY, ("FREE", "new"), ("FREE", "none")])
    assert moved is not None
    assert (by_hand := changed[KEY]) is not None
    assert by_hand.revision > moved.revision
    assert by_hand == Entity("BROKEN", LATER, by_hand.revision, 0, moved.lease, (TRANSITIONS.topic, 0))
    assert (new := changed["FREE", "new"]) is not None
    assert new == Entity("OPEN", LATER, new.revision)
    assert changed["FREE", "none"] is None
    ground.delete_by_hand(KEY)
    assert tables.load_entities([KEY]) == {KEY: None}
    assert ground.history() == [
        (*KEY, "NEW", "OPEN", "GO", True, None, 0, 1),
        (*KEY, "OPEN", "DONE", "CLOSE", True, None, 1, 1),
        (*KEY, "DONE", "BROKEN", "MANUAL", True, None, 1, None),
        ("FREE", "new", None, "OPEN", "MANUAL", True, None, None, None),
    ]


def test_ids_ascend_whoever_reserves_them(ground: Ground) -> None:
    ours, theirs = ground.handle("a", MACHINES), ground.handle("b", MACHINES)
    ids = [*ours.reserve_history_ids(3), *theirs.reserve_history_ids(2), *ours.reserve_history_ids(1)]
    assert ids == sorted(set(ids))
    assert len(ids) == 6
    lines = [*ours.reserve_timeline_ids(2), *theirs.reserve_timeline_ids(1)]
    assert lines == sorted(set(lines))
    assert len(lines) == 3


def test_what_is_applied_while_rows_are_held_is_committed_at_the_end(ground: Ground) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    assert _moved(_project(tables, claim, GO, start=0))
    before = _everything(ground)
    with tables.holding_entities([KEY]):
        assert _moved(_project(tables, claim, CLOSE, start=1))
        assert _everything(ground) == before
    assert [row[3] for row in ground.history()] == ["OPEN", "DONE"]
    with tables.holding_workflows(["wf-1"]):
        pass


def test_what_was_applied_while_rows_were_held_may_be_lost_at_the_end_and_is_all_written_the_next_time(
    ground: Ground,
) -> None:
    tables = ground.handle("a", MACHINES)
    claim = tables.claim(TRANSITIONS, FACTS)
    before = _everything(ground)

    def lose() -> None:
        with tables.holding_entities([KEY]):
            assert _moved(_project(tables, claim, GO, start=0))
            ground.break_off(tables)

    with pytest.raises(Unavailable):
        lose()
    assert _everything(ground) == before
    for _ in range(2):  # the first may be needed to notice that the connection is broken
        with suppress(Unavailable):
            assert _moved(_project(tables, claim, GO, start=0))
    assert [row[3:] for row in ground.activations()] == [("FREE", 1), ("STRICT", 1)]


def test_machines_judge_from_the_record_on_that_activates_them_and_older_ones_no_more(ground: Ground) -> None:
    newer = {name: replace(machine, version=2, digest="2") for name, machine in MACHINES.items() if name == "FREE"}
    old, new = ground.handle("a", MACHINES), ground.handle("b", newer)
    assert _moved(_project(old, old.claim(TRANSITIONS, FACTS), GO, start=0))
    claim = new.claim(TRANSITIONS, FACTS)
    plan = _fold(new, TRANSITIONS, CLOSE, start=1, machines=newer)
    assert _moved(_apply(new, plan, claim))
    assert _moved(_apply(new, _fold(new, TRANSITIONS, BAD, start=2, machines=newer), claim))
    where = (TRANSITIONS.topic, 0)
    assert ground.activations() == [
        *((*where, 0, "FREE", 1), (*where, 0, "STRICT", 1)),
        *((*where, 1, "FREE", 2), (*where, 1, "STRICT", None)),
    ]
    with pytest.raises(PartitionFault, match="FREE version 1 is older than 2"):
        old.claim(TRANSITIONS, FACTS)
    assert old.claim(WORKFLOWS, FACTS).epoch == 1


def test_random_logs_leave_the_same_in_both(shared_database_url: str) -> None:
    random = Random(7)  # noqa: S311 - a test's choices
    numbers = [random.randrange(2**24) for _ in range(400)]
    cuts = sorted(random.sample(range(1, 400), 30))
    seen = []
    with ExitStack() as stack:
        for ground in (ModelGround(), PostgresGround(shared_database_url, stack)):
            tables = ground.handle("a", MACHINES)
            folding = Folding(tables, MACHINES, frozenset({WORKFLOWS.topic}))
            for partition, log in ((TRANSITIONS, transition_log(numbers)), (WORKFLOWS, workflow_log(numbers))):
                claim = tables.claim(partition, LogFacts(0, 10_000, "id-1"))
                start = 0
                for first, last in zip([0, *cuts], [*cuts, 400], strict=True):
                    batch = replace(_batch(log[first:last], partition), span=Span(start, log[last - 1].offset + 1))
                    assert _moved(_apply(tables, folding.fold(batch), claim))
                    folding.forget(partition)
                    start = batch.span.next_offset
            held = tables.load_entities([("FREE", "a"), ("FREE", "b"), ("STRICT", "a")])
            workflows = tables.load_workflows(["v", "w"])
            seen.append([*_everything(ground), _without_revisions(held), _without_revisions(workflows)])
    assert seen[0] == seen[1]


def _without_revisions(found: dict[Any, Any]) -> dict[Any, Any]:
    """A revision is an id, and how many ids were reserved before is nobody's business."""
    fields = {key: {name: getattr(row, name) for name in row.__struct_fields__} for key, row in found.items() if row}
    return {key: {name: value for name, value in row.items() if name != "revision"} for key, row in fields.items()}
