"""The line: poll, decode, decide, apply, acknowledge. Nothing before *apply* has an effect.

`Worker.turn` is the line. While the transaction of one batch runs, the next batch is polled, decoded and folded on the
assumption that the transaction succeeds; where it does not, `_mend` obeys what it answered, and the next batch is
folded afresh. Claims and rebalances are in `custody.py`, what a fold needs to know in `folding.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import assert_never

from foldline import facts
from foldline.applied import Account
from foldline.core.batch import Batch, Partition, Plan
from foldline.core.events import Undecodable
from foldline.core.fold import refused_by_database
from foldline.custody import Custody
from foldline.folding import Folding
from foldline.ports import (
    Answer,
    Displaced,
    Fenced,
    Moved,
    PartitionFault,
    Refused,
    Source,
    Staged,
    Stale,
    Tables,
    Unavailable,
)
from foldline.pulse import EVERY_SECONDS, Pulse

_LONGEST_DELAY_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 0.1
_FOLDS_AT_ONCE = 4


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
        self._announce = announce
        self._now = now
        self._in_flight: tuple[Plan, float] | None = None
        self._stopping: Callable[[], bool] = lambda: False

    def run(self, stopping: Callable[[], bool]) -> None:
        """Turn until told to stop, then settle what is in flight, unless the database is away: that can be for ever."""
        self._stopping = stopping
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
        """The group takes these. What is in flight for them is committed, or dropped: the next owner does it again."""
        if self._in_flight is not None and self._in_flight[0].batch.partition in partitions:
            plan, began = self._in_flight
            self._in_flight = None
            try:
                if isinstance(answer := self._tables.finish(), Moved):
                    self._acknowledge(plan, began, answer)
            except (Unavailable, PartitionFault):
                pass
        self.lost(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """The group has given these away already. What is in flight for them will be fenced."""
        self._custody.released(partitions)
        for partition in partitions:
            self._folding.forget(partition)

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
            self._mend(plan.batch, fault)
            return False
        if isinstance(answer, Moved):
            self._acknowledge(plan, began, answer)
            return True
        self._mend(plan.batch, answer)
        return False

    def _decide(self, batch: Batch) -> Staged | None:
        """The fold, or None where the database could not say what it starts from: then the batch is mended by now."""
        try:
            return self._tables.stage(self._folding.fold(batch, self._in_flight and self._in_flight[0]))
        except (Unavailable, PartitionFault) as fault:
            self.settle()
            self._mend(batch, fault)
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

    def _mend(self, batch: Batch, answer: Answer | Unavailable | PartitionFault) -> None:
        """Obey the answer, and try again, until the batch has its verdicts or is not ours any more."""
        attempt = 0
        while not isinstance(answer, Moved):
            attempt += 1
            self._folding.forget(batch.partition)
            if not self._custody.stands_at(batch):  # the group took it while its transaction was in flight
                return
            if isinstance(answer, Refused) and len(batch.decoded) > 1:
                for half in batch.halves():
                    if self._custody.stands_at(half):
                        self._mend(half, self._attempt(half, None))
                return
            self._obey(batch, answer, attempt)
            if not self._custody.stands_at(batch) or (isinstance(answer, Unavailable) and self._stopping()):
                return
            answer = self._attempt(batch, answer, locked=attempt > 1)

    def _obey(self, batch: Batch, answer: Answer | Unavailable | PartitionFault, attempt: int) -> None:
        match answer:
            case Stale(why=why):
                at_once = attempt <= _FOLDS_AT_ONCE
                self._pause(batch, f"folded again: {why} changed", attempt, cause="stale", at_once=at_once)
            case Unavailable():
                self._pause(batch, answer.problem, attempt)
            case Displaced(next_offset=next_offset):
                self._custody.go_on_at(batch.partition, next_offset)
            case Fenced(owner=owner, group_id=group_id):
                self._custody.fenced(batch.partition, owner, group_id, self._now())
            case PartitionFault():
                self._custody.stop(batch.partition, answer)
            case Refused(detail=detail):
                self._announce(_refused(batch, detail))
            case Moved():
                raise AssertionError("nothing is to be mended")
            case _:
                assert_never(answer)

    def _attempt(
        self, batch: Batch, after: Answer | Unavailable | PartitionFault | None, *, locked: bool = False
    ) -> Answer | Unavailable | PartitionFault:
        """Fold and apply once more, alone; `after` is what the last attempt came to."""
        began = self._now()
        try:
            with self._folding.holding(batch) if locked and isinstance(after, Stale) else nullcontext():
                plan = self._plan_after(batch, after)
                self._tables.start(self._tables.stage(plan), self._custody.claim_of(batch.partition))
                answer = self._tables.finish()
        except (Unavailable, PartitionFault) as fault:
            return fault
        if isinstance(answer, Refused) and isinstance(after, Refused):
            problem = f"PostgreSQL refuses record {batch.span.start} even as a dead letter ({answer.detail})."
            return PartitionFault(problem, remedy="Look at its constraints and triggers on foldline_dead_letters.")
        if isinstance(answer, Moved):
            self._acknowledge(plan, began, answer)
        return answer

    def _plan_after(self, batch: Batch, after: Answer | Unavailable | PartitionFault | None) -> Plan:
        return refused_by_database(batch, after.detail) if isinstance(after, Refused) else self._folding.fold(batch)

    def _pause(
        self, batch: Batch, problem: str, attempt: int, *, cause: facts.Cause = "unavailable", at_once: bool = False
    ) -> None:
        delay = 0.0
        if not at_once:
            ceiling = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2**attempt)
            delay = ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        self._announce(facts.BatchRetried(str(batch.partition), problem, attempt, delay, cause, batch.span.start))
        while delay > 0:
            self._source.keep_alive(min(delay, EVERY_SECONDS))
            self._pulse.beat(self._now())
            delay -= EVERY_SECONDS


def _refused(batch: Batch, detail: str) -> facts.RecordRefused:
    (decoded,) = batch.decoded
    correlation_id = None if isinstance(decoded.event, Undecodable) else decoded.event.correlation_id
    return facts.RecordRefused(str(batch.partition), decoded.record.offset, detail, correlation_id)
