"""The line: poll, decode, decide, apply, acknowledge. Nothing before *apply* has an effect.

`Worker.turn` is the line. While the transaction of one batch runs, the next batch is polled, decoded and folded on the
assumption that the transaction succeeds; where it does not, `mending.py` obeys what it answered, and the next batch is
folded afresh. Claims and rebalances are in `custody.py`, what a fold needs to know in `folding.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from foldline import facts
from foldline.applied import Account
from foldline.core.batch import Batch, Partition, Plan
from foldline.custody import Custody
from foldline.folding import Folding
from foldline.mending import Mending, outcome_of
from foldline.ports import Moved, PartitionFault, RefusedInReading, Source, Staged, Tables, Unavailable
from foldline.pulse import Pulse


class Worker:
    """One worker: turns the line over the partitions that its group gives it.

    Args:
        source: Kafka.
        tables: PostgreSQL.
        custody: which partitions are ours, and from where on.
        folding: decoding and deciding, with what both need to know.
        announce: told every fact.
        now: a monotonic clock in seconds; only durations are announced, nothing is decided by it.
        traced: whether what is announced of a batch names the traces that its records were published in.
    """

    def __init__(
        self,
        source: Source,
        tables: Tables,
        custody: Custody,
        folding: Folding,
        announce: facts.Announce,
        now: Callable[[], float],
        *,
        traced: bool = False,
    ) -> None:
        self._source = source
        self._tables = tables
        self._custody = custody
        self._folding = folding
        self._account = Account(folding.fsm_types, traced=traced)
        self._pulse = Pulse(custody, source, announce)
        self._mending = Mending(
            source, tables, custody, folding, self._pulse, announce, acknowledge=self._acknowledge, now=now
        )
        self._announce = announce
        self._now = now
        self._in_flight: tuple[Plan, float] | None = None

    def run(self, stopping: Callable[[], bool]) -> None:
        """Turn until told to stop, then settle what is in flight, within the grace that the tables allow."""
        self._mending.heed(stopping)
        self._tables.heed(stopping)
        while not stopping():
            self.turn()
        self.settle()

    def turn(self) -> None:
        """Poll, decode, decide, apply, acknowledge."""
        began = self._now()
        self._pulse.beat(began)
        self._custody.claim_due(began)
        chunk = self._source.poll(wait=self._in_flight is None)
        if chunk is None:
            self.settle()
            self._tables.idle()
            return
        batch = self._folding.decode(chunk)
        staged = self._decide(batch)
        as_assumed = self.settle()
        if staged is None or not self._custody.stands_at(batch):
            return
        if not as_assumed:
            staged = self._decide(batch)
        self._start(staged, began)

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """The group gave us these."""
        self._custody.assigned(partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """The group takes these. What is in flight is committed within the grace, or else somebody does it again."""
        if self._in_flight is not None and self._in_flight[0].batch.partition in partitions:
            plan, began = self._in_flight
            self._in_flight = None
            try:
                if isinstance(answer := self._tables.finish(hurried=True), Moved):
                    self._acknowledge(plan, began, answer)
            except (Unavailable, PartitionFault):
                pass
        self._let_go(partitions, lost=False)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """The group has given these away already. What is in flight for them will be fenced."""
        self._let_go(partitions, lost=True)

    def broken(self, partition: Partition, fault: PartitionFault | Unavailable) -> None:
        """The broker cannot deliver this one any more, or not now. What is in flight was read before, and counts."""
        match fault:
            case PartitionFault():
                self._custody.stop(partition, fault)
            case Unavailable():
                self._custody.interrupted(partition, fault, self._now())

    def settle(self) -> bool:
        """Wait for the transaction in flight and acknowledge it. False: it had to be mended first."""
        if self._in_flight is None:
            return True
        plan, began = self._in_flight
        self._in_flight = None
        try:
            answer = self._tables.finish()
        except (Unavailable, PartitionFault) as fault:
            self._mending.mend(plan.batch, fault, plan)
            return False
        if isinstance(answer, Moved):
            self._acknowledge(plan, began, answer)
            return True
        self._mending.mend(plan.batch, answer, plan)
        return False

    def _let_go(self, partitions: Sequence[Partition], *, lost: bool) -> None:
        self._custody.released(partitions, lost=lost)
        for partition in partitions:
            self._folding.forget(partition)

    def _decide(self, batch: Batch) -> Staged | None:
        """The fold, or None where the database could not say what it starts from: then the batch is mended by now."""
        try:
            return self._tables.stage(self._folding.fold(batch, self._in_flight and self._in_flight[0]))
        except (Unavailable, PartitionFault, RefusedInReading) as fault:
            self.settle()
            self._mending.mend(batch, outcome_of(fault), None)
            return None

    def _start(self, staged: Staged | None, began: float) -> None:
        if staged is not None:
            self._tables.start(staged, self._custody.claim_of(staged.plan.batch.partition))
            self._in_flight = (staged.plan, began)

    def _acknowledge(self, plan: Plan, began: float, moved: Moved) -> None:
        partition, next_offset = plan.batch.partition, plan.batch.span.next_offset
        self._custody.moved(partition, next_offset, plan.counts)
        self._folding.committed(plan)
        self._source.acknowledge(partition, next_offset)
        seconds = self._now() - began
        for fact in self._account.of(plan, seconds=seconds, transaction_seconds=moved.seconds):
            self._announce(fact)
