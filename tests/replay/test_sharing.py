"""However the work is shared out, the answer is the same; and a process that dies does not go unnoticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import cast

import pytest

from foldline.errors import FoldlineError, SpaceError
from foldline.machines import documented
from foldline.replay.aside import Aside, Bucket
from foldline.replay.compare import Comparison
from foldline.replay.report import Verification
from foldline.replay.sharing import Work, processes_for, shared_out
from foldline.replay.spill import Spill
from harness import TRANSITIONS, WORKFLOWS, MemorySource, Projector, rows
from random_logs import MACHINES, transition_log, workflow_log
from verifying import MemoryLog, named, verified

_CHANGES = (
    "UPDATE fsm_state SET metadata = '7' WHERE entity_id = 'a'",
    "DELETE FROM fsm_state_history WHERE mod(id, 7) = 3",
    "DELETE FROM foldline_identities WHERE digest < '20000000-0000-0000-0000-000000000000'",
    "UPDATE foldline_dead_letters SET reason = 'other' WHERE mod(record_offset, 5) = 1",
    "DELETE FROM workflow_execution_history WHERE mod(id, 5) = 2",
)


def test_the_answer_is_the_same_however_the_work_is_shared_out(projector: Projector) -> None:
    dice = Random(7)  # noqa: S311 - a test's
    numbers = [dice.randrange(2**24) for _ in range(150)]
    log = {TRANSITIONS: transition_log(numbers), WORKFLOWS: workflow_log(numbers)}
    machines = {name: documented(machine) for name, machine in MACHINES.items()}
    replace(projector, machines=machines).run(MemorySource(log))
    for change in _CHANGES:
        rows(projector.database_url, change)

    def found(processes: int, per_bucket: int) -> Verification:
        return verified(projector.database_url, MemoryLog(log), processes=processes, per_bucket=per_bucket)

    in_one = found(1, 8_000)
    assert len(in_one.differences) > 20
    in_many = [found(1, 1), found(1, 20), found(3, 20)]
    for each in in_many:
        assert named(each) == named(in_one)
        assert (each.tallies, each.records, each.entities, each.workflows) == (
            in_one.tallies,
            in_one.records,
            in_one.entities,
            in_one.workflows,
        )
    assert in_many[2].differences == in_many[1].differences, "in the same order, too"


class _Dying(Aside):
    """Two buckets; whoever asks for the second dies, or fails."""

    count = 2

    def __init__(self, spill: Spill, error: FoldlineError | None) -> None:
        super().__init__(spill, 1, 1.0, largest=1)
        self._error = error

    def bucket(self, number: int) -> Iterator[Bucket]:
        yield Bucket()
        if number == 1 and self._error is not None:
            raise self._error
        if number == 1:
            os._exit(1)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, "has died.*memory"),
        (SpaceError("The disk is full.", remedy="Free some."), "The disk is full. Free some."),
    ],
)
def test_what_a_process_meets_is_told(error: FoldlineError | None, told: str) -> None:
    with Spill(1) as spill:
        work = Work(_Dying(spill, error), cast("Comparison", None), 1)
        with pytest.raises(FoldlineError, match=told) as raised:
            list(shared_out(work, 2))
    assert error is None or type(raised.value) is SpaceError


class _Unready:
    """Nobody can be sent this: whoever takes it in ends."""

    def __init__(self) -> None:
        self.much = bytes(4_000_000)  # more than a pipe holds

    def __setstate__(self, state: object) -> None:
        os._exit(1)


def test_a_process_that_dies_before_it_has_its_work_is_told() -> None:
    with Spill(1) as spill:
        work = Work(Aside(spill, 4, 1.0, largest=1), cast("Comparison", _Unready()), 1)
        with pytest.raises(FoldlineError, match="has died"):
            list(shared_out(work, 2))


def test_a_small_log_is_not_worth_a_second_process() -> None:
    assert processes_for(199_999) == 1
    assert 1 <= processes_for(10**9) <= 4
