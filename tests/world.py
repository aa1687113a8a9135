"""Workers on model tables and a model log, in a group that loses and replaces them, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from foldline import facts
from foldline.core.batch import Partition, Span
from foldline.core.machine import Machine, Machines, Transition
from foldline.custody import Custody
from foldline.engine import Worker
from foldline.folding import Folding
from foldline.ports import Chunk, Claim
from foldline.postgres.claims import Claimant
from harness import TRANSITIONS, WORKFLOWS
from model_log import ModelLog, ModelSource
from model_store import Guards, Store
from model_tables import Fate, ModelTables, Transaction
from random_logs import MACHINES, transition_log, workflow_log

PARTITIONS = [TRANSITIONS, Partition(TRANSITIONS.topic, 1), WORKFLOWS]
WORKFLOW_TOPICS = frozenset({WORKFLOWS.topic})
NEWEST_VERSION = 3
LONGER_THAN_ANY_DELAY = 20.0
_GROUP = "foldline"


def _version(number: int) -> Machines:
    """The random logs' machines; every second version lets one more action through."""
    more = {("OPEN", "DANCE"): Transition("NEW")} if number % 2 == 0 else {}
    return {
        name: replace(machine, version=number, digest=f"{name}{number}", transitions={**machine.transitions, **more})
        for name, machine in MACHINES.items()
    }


VERSIONS = {number: _version(number) for number in range(1, NEWEST_VERSION + 1)}
EVERY_MACHINE: dict[tuple[str, int], Machine] = {
    (name, number): machine for number, machines in VERSIONS.items() for name, machine in machines.items()
}


class Killed(BaseException):
    """Ends a turn where it is, as SIGKILL does: nothing of the worker runs any more."""


@dataclass(eq=False)
class Living:
    """A worker, and what is to happen before which of its next calls of a port."""

    name: str
    version: int
    source: ModelSource
    tables: ModelTables
    custody: Custody
    worker: Worker
    meanwhile: list[tuple[int, str, int]] = field(default_factory=list)

    def holds(self, partition: Partition, epoch: int) -> bool:
        """Whether it believes, and rightly, that the partition is its own."""
        try:
            return self.custody.claim_of(partition).epoch == epoch
        except KeyError:
            return False


Happen = Callable[["World", Living, str, int], None]


class World:
    """The workers that live, what they share, and what the dead left behind. `happen` is called before their calls."""

    def __init__(self, guards: Guards, happen: Happen) -> None:
        self.now = 0.0
        self.store = Store(guards)
        self.log = ModelLog({partition: [] for partition in PARTITIONS})
        self.living: list[Living] = []
        self.versions: dict[str, int] = {}
        self.announced: list[facts.Fact] = []
        self._happen = happen
        self._names = count(1)
        self._all_tables: list[ModelTables] = []

    @property
    def locked(self) -> bool:
        """Whether a worker holds rows: whoever would write has to wait until it is done."""
        return any(tables.holding for tables in self._all_tables)

    @property
    def newest(self) -> int:
        """The newest machine version that has judged anything; a worker with an older one is refused at start."""
        return max((version for _, version in self.store.machine_digests), default=1)

    def adrift(self) -> list[Transaction]:
        """Transactions that nobody waits for any more, and that may be committed all the same."""
        return [adrift for tables in self._all_tables for adrift in tables.adrift if adrift.answer is None]

    def append(self, partition: Partition, numbers: Sequence[int]) -> None:
        """Append the records that these numbers stand for."""
        read = workflow_log if partition == WORKFLOWS else transition_log
        self.log.append(partition, read(list(numbers)))

    def start(self, version: int) -> Living:
        """A worker joins the group."""
        name = f"w{next(self._names)}"
        tables = ModelTables(self.store, Claimant(_GROUP, name, WORKFLOW_TOPICS), VERSIONS[version])
        source = ModelSource(self.log, batch_size=1 + len(self._all_tables) % 4, pass_time=self.pass_time)
        custody = Custody(source, tables, _GROUP, self.announced.append)
        folding = Folding(tables, VERSIONS[version], WORKFLOW_TOPICS)
        worker = Worker(source, tables, custody, folding, self.announced.append, lambda: self.now)
        living = Living(name, version, source, tables, custody, worker)
        tables.at = source.at = lambda _: self._before_a_call(living)
        source.listen(worker)
        self.living.append(living)
        self._all_tables.append(tables)
        self.versions[name] = version
        return living

    def turn(self, living: Living, turns: int = 1) -> None:
        """Let a worker turn, unless it is killed."""
        try:
            for _ in range(turns):
                living.worker.turn()
        except Killed:
            self.bury(living)

    def bury(self, living: Living) -> None:
        """It is dead, and the group knows."""
        self.living.remove(living)
        living.tables.abandon()
        self.log.expel(living.source)

    def replace(self, living: Living, number: int) -> Living | None:
        """The group gives all that it had to another, if there is one."""
        others = [other for other in self.living if other is not living]
        lost = [partition for partition, owner in self.log.owners.items() if owner is living.source]
        self.log.expel(living.source)
        if not others:
            return None
        successor = others[number % len(others)]
        for partition in lost:
            self.log.assign(partition, successor.source)
        return successor

    def project_beside(self, partition: Partition) -> None:
        """The next record, under the epoch of the partition's owner: whose position then stands elsewhere."""
        held = self.store.positions.get(partition)
        if held is None or held.next_offset == len(self.log.slots[partition]):
            return
        machines = VERSIONS[self.versions[held.owner]]
        active = self.store.active_machines(partition)
        if partition != WORKFLOWS and active != {name: machine.version for name, machine in machines.items()}:
            return
        tables = ModelTables(self.store, Claimant(_GROUP, held.owner), machines)
        folding = Folding(tables, machines, WORKFLOW_TOPICS)
        span = Span(held.next_offset, held.next_offset + 1)
        batch = folding.decode(Chunk(partition, span, self.log.records(partition, span)))
        self.store.apply(folding.fold(batch), Claim(partition, held.epoch, span.start), {})

    def give_away_what_is_free(self) -> None:
        """The group assigns every partition that nobody owns."""
        for number, partition in enumerate(PARTITIONS):
            if self.living and partition not in self.log.owners:
                self.log.assign(partition, self.living[number % len(self.living)].source)

    def heal(self) -> None:
        """Nothing is lost or frozen any more."""
        for transaction in self.adrift()[::2]:
            transaction.run()
        for living in self.living:
            living.tables.away, living.tables.fate, living.source.deaf = 0, Fate.ANSWERED, False

    def end_the_upgrade(self) -> None:
        """Only workers with the newest version are left: older ones may have been stopped for theirs."""
        for living in list(self.living):
            if living.version < self.newest:
                self.bury(living)
        if not self.living:
            self.start(self.newest)

    def is_settled(self, partition: Partition) -> bool:
        """Whether the partition is caught up, and held by the member that the group gave it to."""
        held = self.store.positions.get(partition)
        if held is None or held.next_offset != len(self.log.slots[partition]):
            return False
        holders = [living.source for living in self.living if living.holds(partition, held.epoch)]
        return holders == [self.log.owners.get(partition)]

    def pass_time(self, seconds: float) -> None:
        """Only durations matter."""
        self.now += seconds

    def _before_a_call(self, living: Living) -> None:
        living.meanwhile = [(calls - 1, happening, number) for calls, happening, number in living.meanwhile]
        while living.meanwhile and living.meanwhile[0][0] <= 0:
            _, happening, number = living.meanwhile.pop(0)
            self._happen(self, living, happening, number)
