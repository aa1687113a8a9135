"""Whatever came, in whatever mixture: verify finds the tables to be what the log makes of them, and names the rest."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.core.machine import Machine, Machines, Transition
from foldline.machines import documented
from foldline.replay.report import Verification
from harness import TRANSITIONS, WORKFLOWS, MemorySource, Projector, replace_offset, rows
from random_logs import MACHINES, transition_log, workflow_log
from verifying import MemoryLog, named, verified

OTHER = Partition(TRANSITIONS.topic, 1)
OTHER_WORKFLOWS = Partition(WORKFLOWS.topic, 1)
EACH_ON_SEVERAL = (TRANSITIONS, OTHER, WORKFLOWS, OTHER_WORKFLOWS)
SEEDS = range(int(os.environ.get("VERIFY_SEEDS", "6")))
_BY_HAND = (
    "UPDATE fsm_state SET current_state = 'OPEN' WHERE entity_id = 'a' AND fsm_type = 'FREE'",
    "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('FREE', 'h', 'DONE') ON CONFLICT DO NOTHING",
    "UPDATE fsm_state SET current_state = 'NEW' WHERE entity_id = 'h'",
    "UPDATE fsm_state SET current_state = 'BROKEN', retry_count = 1 WHERE entity_id = 'a' AND current_state = 'OPEN'",
    "UPDATE fsm_state SET current_state = 'DONE', metadata = '[1]' WHERE entity_id = 'b' AND current_state <> 'DONE'",
)
_CLEAN_UPS = ("SELECT cleanup_old_fsm_history(0)", "SELECT cleanup_completed_workflows(0)")


def _versions() -> list[Machines]:
    """What is loaded in each round: versions rise, a type appears late, another is withdrawn."""
    first = {name: documented(machine) for name, machine in MACHINES.items()}
    free = first["FREE"]
    second = documented(
        replace(free, version=2, transitions={**free.transitions, ("NEW", "CLOSE"): Transition("DONE")})
    )
    without = {key: to for key, to in second.transitions.items() if key != ("OPEN", "CLOSE")}
    third = documented(replace(second, version=5, transitions=without))
    ghost = documented(Machine("GHOST", 1, "OPEN", first["FREE"].states, {("OPEN", "GO"): Transition("OPEN")}))
    return [first, first, first | {"FREE": second}, {"FREE": third, "GHOST": ghost}, first | {"FREE": third}]


def _grown(log: list[Record], more: list[Record], dice: Random) -> list[Record]:
    """The log with more behind it, and gaps where control records stand."""
    at = log[-1].offset + 1 if log else 3
    grown = list(log)
    for record in more:
        at += dice.choice([0, 0, 0, 1, 4])
        grown.append(replace_offset(record, at))
        at += 1
    return grown


def _numbers(dice: Random) -> list[int]:
    return [dice.randrange(2**24) for _ in range(dice.randrange(5, 60))]


class Mixture:
    """A projection that lives through everything, round by round."""

    def __init__(self, database_url: str, dice: Random, partitions: tuple[Partition, ...] = EACH_ON_SEVERAL) -> None:
        self.database_url = database_url
        self.logs: dict[Partition, list[Record]] = {each: [] for each in partitions}
        self._dice = dice

    def round(self, machines: Machines) -> None:
        for partition in self.logs:
            read = workflow_log if partition.topic == WORKFLOWS.topic else transition_log
            self.logs[partition] = _grown(self.logs[partition], read(_numbers(self._dice)), self._dice)
        for _ in range(self._dice.randrange(3)):
            self._project(machines, self._dice.randrange(1, 4))
            if self._dice.random() < 0.5:
                rows(self.database_url, self._dice.choice(_BY_HAND))
        self._project(machines, None)

    def _project(self, machines: Machines, turns: int | None) -> None:
        """To the end, or some turns far: then the worker is gone, with a transaction on its way."""
        projector = Projector(self.database_url, machines=machines, start_anywhere=True)
        source = MemorySource(self.logs, batch_size=self._dice.choice([1, 5, 40]), low=3)
        if turns is None:
            projector.run(source)
            return
        tables = projector.tables()
        try:
            worker, _ = projector.worker(source, tables)
            for _ in range(turns):
                worker.turn()
        finally:
            tables.close()

    def clean_up(self) -> None:
        rows(self.database_url, self._dice.choice(_CLEAN_UPS))

    def verified(self) -> Verification:
        return verified(self.database_url, MemoryLog(self.logs, low=3))


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_mixture_of_events_and_changes_the_tables_are_clean(database_url: str, seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - a test's
    mixture = Mixture(database_url, dice)
    for number, machines in enumerate(_versions()):
        mixture.round(machines)
        found = mixture.verified()
        assert named(found) == set(), (seed, number, found.differences)
        assert found.clean
        assert found.records == sum(map(len, mixture.logs.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_clean_ups_removed_is_no_difference_and_goes_on_deciding(database_url: str, seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - a test's
    mixture = Mixture(database_url, dice, (TRANSITIONS, WORKFLOWS))
    for number, machines in enumerate(_versions()):
        mixture.round(machines)
        mixture.clean_up()
        found = mixture.verified()
        assert named(found) == set(), (seed, number, found.differences)
        assert found.whole


@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_tells_the_order_any_more_an_entity_is_left_out(database_url: str, seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - a test's
    mixture = Mixture(database_url, dice)
    for number, machines in enumerate(_versions()[:2]):
        mixture.round(machines)
        mixture.clean_up()
        assert named(mixture.verified()) == set(), (seed, number)
