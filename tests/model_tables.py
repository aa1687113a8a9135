"""A model of the port `Tables`: several workers share one store in memory, each through its own handle.

A transaction is atomic at some moment between `start` and `finish`, which the test may choose; what the test may also
choose is what becomes of its answer. tests/contract/test_tables.py holds the model against PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from foldline.core.batch import EntityKey, KnownVerdicts, Partition, Plan
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Workflow
from foldline.core.machine import Machines
from foldline.errors import MachineError
from foldline.lost_log import Standing, explained, loss_of
from foldline.ports import Answer, Claim, LogFacts, Moved, PartitionFault, Staged, Unavailable
from foldline.postgres.claims import Claimant, MachineBook
from model_store import Activations, Store

At = Callable[[str], None]
"""Told the name of every call before it has an effect: here a test meddles."""


class Fate(Enum):
    """What becomes of a transaction, and of its answer."""

    ANSWERED = auto()
    ANSWER_LOST = auto()
    LOST = auto()
    LEFT_BEHIND = auto()


@dataclass
class Transaction:
    """One that was begun. It runs once, at the latest when it is waited for, or is given up."""

    store: Store
    plan: Plan
    claim: Claim
    activations: Activations
    answer: Answer | None = None

    def run(self) -> Answer:
        """Commit, or write nothing and say why."""
        if self.answer is None:
            self.answer = self.store.apply(self.plan, self.claim, self.activations)
        return self.answer


class ModelTables:
    """One worker's handle. `fate` is that of the next transaction; `away` how many calls will find nobody there."""

    def __init__(self, store: Store, claimant: Claimant, machines: Machines, at: At = lambda _: None) -> None:
        self.store = store
        self.book = MachineBook(machines)
        self.fate = Fate.ANSWERED
        self.away = 0
        self.adrift: list[Transaction] = []
        self._claimant = claimant
        self.at = at
        self._started: Transaction | None = None
        self._held: list[Transaction] | None = None

    @property
    def in_flight(self) -> Transaction | None:
        """The transaction that was started and not waited for yet."""
        return self._started

    @property
    def holding(self) -> bool:
        """Whether rows are locked: others have to wait."""
        return self._held is not None

    def claim(self, partition: Partition, log: LogFacts) -> Claim:
        self._reach("claim")
        if partition not in self.store.positions and log.low > 0 and not self._claimant.start_anywhere:
            raise PartitionFault(f"The beginning of {partition} is gone.", remedy="FOLDLINE_START=earliest")
        held = self.store.take_over(partition, log.low, log.topic_id, self._claimant.group_id, self._claimant.owner)
        loss = loss_of(standing := Standing(partition, held.next_offset, held.topic_id), log)
        fault = self._machine_conflict(partition) if loss is None else explained(loss, standing, log)
        if fault is not None:
            held.stopped_reason = str(fault)
            raise fault
        return Claim(partition, held.epoch, held.next_offset, held.topic_id)

    def load_entities(self, keys: Sequence[EntityKey]) -> dict[EntityKey, Entity | None]:
        self._reach("load_entities")
        return {key: self.store.entities.get(key) for key in keys}

    def load_workflows(self, keys: Sequence[str]) -> dict[str, Workflow | None]:
        self._reach("load_workflows")
        return {key: self.store.workflows.get(key) for key in keys}

    def known_identities(self, digests: Sequence[str]) -> KnownVerdicts:
        self._reach("known_identities")
        return {digest: self.store.identities[digest] for digest in digests if digest in self.store.identities}

    def reserve_history_ids(self, records: int) -> Sequence[int]:
        self._reach("reserve_history_ids")
        return [next(self.store.ids) for _ in range(records)]

    def reserve_timeline_ids(self, records: int) -> Sequence[int]:
        self._reach("reserve_timeline_ids")
        return [next(self.store.ids) for _ in range(records)]

    def holding_entities(self, keys: Sequence[EntityKey]) -> AbstractContextManager[None]:
        del keys  # while anybody holds anything, the test lets nobody else write
        return self._holding()

    def holding_workflows(self, keys: Sequence[str]) -> AbstractContextManager[None]:
        del keys
        return self._holding()

    def stage(self, plan: Plan) -> Staged:
        self.at("stage")
        return Staged(plan, "")

    def start(self, staged: Staged, claim: Claim) -> None:
        self.at("start")
        assert self._started is None, "one transaction at a time"
        self._started = Transaction(self.store, staged.plan, claim, self.book.due(claim.partition))

    def heed(self, stopping: Callable[[], bool]) -> None:
        """Nothing here waits."""

    def idle(self) -> None:
        """Nothing here has to be looked after."""

    def finish(self, *, hurried: bool = False) -> Answer:
        """`hurried` makes no difference: what takes too long is left behind, whoever waits for it."""
        del hurried
        assert self._started is not None, "start comes first"
        self.at("finish")
        started, self._started = self._started, None
        if self._held is not None:
            return self._finish_while_holding(started)
        return self._end(started)

    def stop_partition(self, claim: Claim, reason: str, *, tripped: bool) -> bool:
        del tripped  # these workers have no breaker
        self.at("stop_partition")
        held = self.store.positions.get(claim.partition)
        if held is not None and held.epoch == claim.epoch and not self.away:
            held.stopped_reason = reason
        return not self.away

    def let_go_on(self, stopped: Mapping[Partition, int]) -> Sequence[Partition]:
        self._reach("let_go_on")
        held = {partition: self.store.positions.get(partition) for partition in stopped}
        return [
            partition
            for partition, epoch in stopped.items()
            if (now := held[partition]) is not None and now.stopped_reason is None and now.epoch > epoch
        ]

    def abandon(self) -> None:
        """The worker is gone; what it had in flight may yet be committed."""
        if self._started is not None:
            self.adrift.append(self._started)
            self._started = None

    def _reach(self, name: str) -> None:
        self.at(name)
        if self.away:
            self.away -= 1
            raise Unavailable("The model is away.", remedy="Again.")

    def _end(self, transaction: Transaction) -> Answer:
        fate, self.fate = self.fate, Fate.ANSWERED
        if self.away:
            self.away -= 1
            fate = Fate.LEFT_BEHIND
        match fate:
            case Fate.ANSWERED:
                answer = transaction.run()
                if isinstance(answer, Moved):
                    self.book.activated(transaction.claim.partition)
                return answer
            case Fate.ANSWER_LOST:
                transaction.run()
            case Fate.LEFT_BEHIND:
                self.adrift.append(transaction)
            case Fate.LOST:
                pass
        raise Unavailable("The connection to the model is lost.", remedy="Again.")

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self._reach("holding")
        self._held = []
        try:
            yield
            self.at("release")
            for transaction in self._held:
                self._end(transaction)
        finally:
            self._held = None

    def _finish_while_holding(self, transaction: Transaction) -> Answer:
        """The answer comes at once; committed is at the end of the block."""
        assert self._held is not None
        answer = self.store.objection(transaction.plan, transaction.claim)
        if answer is None:
            self._held.append(transaction)
        return answer or Moved()

    def _machine_conflict(self, partition: Partition) -> PartitionFault | None:
        if partition.topic in self._claimant.workflow_topics:
            return None
        try:
            self.book.check(self.store.machine_digests)
        except MachineError as error:
            return PartitionFault(error.problem, remedy=error.remedy)
        self.book.claimed(partition, self.store.active_machines(partition))
        return None
