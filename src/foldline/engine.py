"""The line: poll, decode, decide, apply, acknowledge. Nothing before *apply* has an effect.

`Worker.turn` is the line. While the transaction of one batch runs, the next batch is polled, decoded and folded on the
assumption that the transaction succeeds; where it does not, `_mend` obeys what it answered, and the next batch is
folded afresh. Claims and rebalances are in `custody.py`, what a fold needs to know in `folding.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import assert_never

from foldline import facts
from foldline.applied import Account
from foldline.backoff import Backoff
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
    RefusedInReading,
    Source,
    Staged,
    Stale,
    Tables,
    Unavailable,
)
from foldline.pulse import EVERY_SECONDS, Pulse

_BACKOFF = Backoff(first=0.2, longest=10.0)
_FOLDS_AT_ONCE = 4

_Outcome = Answer | Unavailable | PartitionFault


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
        """Turn until told to stop, then settle what is in flight, within the grace that the tables allow."""
        self._stopping = stopping
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
        except (Unavailable, PartitionFault, RefusedInReading) as fault:
            self.settle()
            self._mend(batch, _outcome(fault))
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

    def _mend(self, batch: Batch, answer: _Outcome) -> None:
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
            if not self._custody.stands_at(batch) or self._leaves(answer, attempt):
                return
            answer = self._attempt(batch, answer, locked=attempt > 1)

    def _leaves(self, answer: _Outcome, attempt: int) -> bool:
        """Whether a worker that was told to stop leaves the batch to somebody else: nothing of it was written."""
        return self._stopping() and (isinstance(answer, Unavailable) or attempt > _FOLDS_AT_ONCE)

    def _obey(self, batch: Batch, answer: _Outcome, attempt: int) -> None:
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

    def _attempt(self, batch: Batch, after: _Outcome | None, *, locked: bool = False) -> _Outcome:
        """Fold and apply once more, alone; `after` is what the last attempt came to."""
        began = self._now()
        answer: _Outcome
        try:
            with self._folding.holding(batch) if locked and isinstance(after, Stale) else nullcontext():
                plan = self._plan_after(batch, after)
                self._tables.start(self._tables.stage(plan), self._custody.claim_of(batch.partition))
                answer = self._tables.finish()
        except (Unavailable, PartitionFault, RefusedInReading) as fault:
            answer = _outcome(fault)
        if isinstance(answer, Refused) and isinstance(after, Refused):
            problem = f"PostgreSQL refuses record {batch.span.start} even as a dead letter ({answer.detail})."
            return PartitionFault(problem, remedy="Look at its constraints and triggers on foldline_dead_letters.")
        if isinstance(answer, Moved):
            self._acknowledge(plan, began, answer)
        return answer

    def _plan_after(self, batch: Batch, after: _Outcome | None) -> Plan:
        return refused_by_database(batch, after.detail) if isinstance(after, Refused) else self._folding.fold(batch)

    def _pause(
        self, batch: Batch, problem: str, attempt: int, *, cause: facts.Cause = "unavailable", at_once: bool = False
    ) -> None:
        def over() -> bool:
            return self._stopping() or not self._custody.stands_at(batch)

        delay = 0.0 if at_once else _BACKOFF.delay(attempt)
        self._announce(facts.BatchRetried(str(batch.partition), problem, attempt, delay, cause, batch.span.start))
        while delay > 0 and not over():
            self._source.keep_alive(min(delay, EVERY_SECONDS), over)
            self._pulse.beat(self._now())
            delay -= EVERY_SECONDS


def _refused(batch: Batch, detail: str) -> facts.RecordRefused:
    (decoded,) = batch.decoded
    correlation_id = None if isinstance(decoded.event, Undecodable) else decoded.event.correlation_id
    return facts.RecordRefused(str(batch.partition), decoded.record.offset, detail, correlation_id)


def _outcome(fault: Unavailable | PartitionFault | RefusedInReading) -> _Outcome:
    return Refused(fault.problem) if isinstance(fault, RefusedInReading) else fault
