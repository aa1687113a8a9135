"""The schedule and the log of a seed are the seed's alone, and miss nothing."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from oracle.projection import Projected, Record
from torture.log import PARTITIONS, Burst, Log
from torture.points import Point
from torture.proxy import Blow
from torture.schedule import (
    AMBUSHES,
    Ambush,
    ChangeByHand,
    Correct,
    Deploy,
    KillBroker,
    Leave,
    Redrive,
    RestartDatabase,
    conditions,
    steps,
)
from torture.stories import MACHINES

_ENOUGH = 2_500
REASONS = {
    "unknown_fsm", "lease_required", "stale_lease", "lease_conflict", "unknown_action", "from_state_mismatch",
    "illegal_transition", "to_state_mismatch", "missing_data", "retries_exhausted", "unknown_workflow",
    "illegal_workflow_event", "malformed", "invalid",
}  # fmt: skip


def test_a_seed_is_a_schedule_and_another_seed_another() -> None:
    assert list(islice(steps(3), 100)) == list(islice(steps(3), 100))
    assert list(islice(steps(3), 100)) != list(islice(steps(4), 100))


def test_every_ambush_comes_once_before_any_comes_twice() -> None:
    ambushes = (step.act for step in steps(7) if isinstance(step.act, Ambush))
    wanted = Counter((point, blow) for blow, points in AMBUSHES for point in points)
    found = Counter((act.point, act.blow) for act in islice(ambushes, 1, 1 + wanted.total()))
    assert found == wanted


def test_the_first_is_the_one_that_only_the_fence_withstands() -> None:
    assert {next(steps(seed)).act for seed in range(20)} == {Ambush(Point.REPEATS, Blow.FREEZE, 1)}


def test_the_great_faults_come_soon() -> None:
    soon = [step.act for step in islice(steps(1), 28)]
    assert {*map(type, soon)} >= {Ambush, Leave, RestartDatabase, KillBroker, ChangeByHand, Redrive, Correct}
    assert soon.count(Deploy()) == conditions(1).workers, "every worker gets the newer machines, one after the other"


def test_four_seeds_in_turn_see_both_protocols_and_both_memberships() -> None:
    seen = {(conditions(seed).protocol, conditions(seed).static) for seed in range(1, 5)}
    assert len(seen) == 4


def test_the_log_of_a_seed_is_the_same_again() -> None:
    assert _log(5, 300) == _log(5, 300)
    assert _log(5, 300) != _log(6, 300)


def test_the_log_has_everything_that_a_log_may_hold() -> None:
    bursts = _log(1, _ENOUGH)
    projected = Projected(MACHINES, "w")
    offsets = Counter[tuple[str, int]]()
    for burst in bursts:
        for sent in burst.records if burst.committed is not False else ():
            where = (sent.topic, sent.partition)
            projected.judge(Record((*where, offsets[where]), sent.key, sent.value, sent.headers, None))
            offsets[where] += 1
    assert len(offsets) == 2 * PARTITIONS
    assert {letter.reason for letter in projected.letters.values()} >= REASONS - {"lease_required", "unknown_action"}
    verdicts = sum(projected.counts.values(), Counter[str]())
    assert min(verdicts.values()) > 10
    assert verdicts["applied"] > verdicts["rejected"]
    assert projected.strays
    assert {burst.committed for burst in bursts} == {None, True, False}
    headers = {name for burst in bursts for sent in burst.records for name, _ in sent.headers}
    assert headers >= {"ce_specversion", "content-type", "foldline-redrive"}
    assert any(sent.value is None for burst in bursts for sent in burst.records)


def _log(seed: int, number: int) -> list[Burst]:
    return list(islice(Log(seed, "t", "w").bursts(), number))
