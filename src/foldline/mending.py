"""What becomes of a batch whose transaction did not go as folded: obey the answer, and try again.

Every answer has one consequence. What is transient is waited for and the *same* batch is tried again; what changed
under the fold is folded again, from the third time on with its rows locked; what PostgreSQL refuses is halved until the
record is found; a position that stands elsewhere is read from there; who is fenced stands down; what needs a person
stops the partition. None of them writes anything: that is left to the next attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import assert_never

from foldline import facts
from foldline.backoff import Backoff
from foldline.core.batch import Batch, Plan
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
    Stale,
    Tables,
    Unavailable,
)
from foldline.pulse import EVERY_SECONDS, Pulse

_BACKOFF = Backoff(first=0.2, longest=10.0)
_FOLDS_AT_ONCE = 4

Outcome = Answer | Unavailable | PartitionFault
"""What an attempt came to, whether it got as far as the transaction or not."""


class Mending:
    """Tries a batch again until it has its verdicts or is not ours any more.

    Args:
        source: Kafka.
        tables: PostgreSQL.
        custody: which partitions are ours.
        folding: decoding and deciding.
        pulse: beats while a pause lasts.
        announce: told of every attempt.
        acknowledge: told of the plan that was committed, when its attempt began, and what PostgreSQL said.
        now: a monotonic clock in seconds.
    """

    def __init__(  # noqa: PLR0913 - both ends, and everything between them
        self,
        source: Source,
        tables: Tables,
        custody: Custody,
        folding: Folding,
        pulse: Pulse,
        announce: facts.Announce,
        *,
        acknowledge: Callable[[Plan, float, Moved], None],
        now: Callable[[], float],
    ) -> None:
        self._source = source
        self._tables = tables
        self._custody = custody
        self._folding = folding
        self._pulse = pulse
        self._announce = announce
        self._acknowledge = acknowledge
        self._now = now
        self._stopping: Callable[[], bool] = lambda: False

    def heed(self, stopping: Callable[[], bool]) -> None:
        """Leave a batch to somebody else once this says so, if nothing of it can be written now."""
        self._stopping = stopping

    def mend(self, batch: Batch, outcome: Outcome, tried: Plan | None) -> None:
        """Go on from what the last attempt came to; `tried` is the plan whose transaction it began, if it did."""
        attempt = 0
        while not isinstance(outcome, Moved):
            attempt += 1
            self._folding.forget(batch.partition)
            if not self._custody.stands_at(batch):  # the group took it while its transaction was in flight
                return
            if isinstance(outcome, Refused) and len(batch.decoded) > 1:
                for half in batch.halves():
                    if self._custody.stands_at(half):
                        self.mend(half, *self._attempt(half, None, None))
                return
            self._obey(batch, outcome, attempt)
            if not self._custody.stands_at(batch) or self._leaves(outcome, attempt):
                return
            outcome, tried = self._attempt(batch, outcome, tried, locked=attempt > 1)

    def _leaves(self, outcome: Outcome, attempt: int) -> bool:
        """Whether a worker that was told to stop leaves the batch to somebody else: nothing of it was written."""
        return self._stopping() and (isinstance(outcome, Unavailable) or attempt > _FOLDS_AT_ONCE)

    def _obey(self, batch: Batch, outcome: Outcome, attempt: int) -> None:
        match outcome:
            case Stale(why=why):
                at_once = attempt <= _FOLDS_AT_ONCE
                self._pause(batch, f"folded again: {why} changed", attempt, cause="stale", at_once=at_once)
            case Unavailable():
                self._pause(batch, outcome.problem, attempt)
            case Displaced(next_offset=next_offset):
                self._custody.go_on_at(batch.partition, next_offset)
            case Fenced(owner=owner, group_id=group_id):
                self._custody.fenced(batch.partition, owner, group_id, self._now())
            case PartitionFault():
                self._custody.stop(batch.partition, outcome)
            case Refused(detail=detail):
                self._announce(_refused(batch, detail))
            case Moved():
                raise AssertionError("nothing is to be mended")
            case _:
                assert_never(outcome)

    def _attempt(
        self, batch: Batch, after: Outcome | None, tried: Plan | None, *, locked: bool = False
    ) -> tuple[Outcome, Plan | None]:
        """Fold and apply once more, alone; `after` is what the last attempt came to, `tried` what it would write."""
        began = self._now()
        plan: Plan | None = None
        outcome: Outcome
        try:
            with self._folding.holding(batch) if locked and isinstance(after, Stale) else nullcontext():
                plan = self._plan_after(batch, after)
                self._tables.start(self._tables.stage(plan), self._custody.claim_of(batch.partition))
                outcome = self._tables.finish()
        except (Unavailable, PartitionFault, RefusedInReading) as fault:
            outcome = outcome_of(fault)
        if isinstance(outcome, Refused) and isinstance(after, Refused):
            problem = f"PostgreSQL refuses record {batch.span.start} even as a dead letter ({outcome.detail})."
            remedy = "Look at its constraints and triggers on foldline_dead_letters."
            return PartitionFault(problem, remedy=remedy), None
        if isinstance(outcome, Moved):
            assert plan is not None, "it was written"
            self._acknowledge(tried if outcome.before and tried is not None else plan, began, outcome)
        return outcome, plan or tried

    def _plan_after(self, batch: Batch, after: Outcome | None) -> Plan:
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


def outcome_of(fault: Unavailable | PartitionFault | RefusedInReading) -> Outcome:
    """The same as an outcome to be obeyed."""
    return Refused(fault.problem) if isinstance(fault, RefusedInReading) else fault


def _refused(batch: Batch, detail: str) -> facts.RecordRefused:
    (decoded,) = batch.decoded
    correlation_id = None if isinstance(decoded.event, Undecodable) else decoded.event.correlation_id
    return facts.RecordRefused(str(batch.partition), decoded.record.offset, detail, correlation_id)
