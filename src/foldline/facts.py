"""The facts that a worker announces. Logs, console, metrics, health, traces and tests listen to nothing else.

They are a contract: docs/reference/facts.md is generated from here. A new fact is a class below and its line in `Fact`:
it is logged under the words of its name, at its `level`, with its fields; the rest listens only if it wants to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Cause = Literal["unavailable", "stale"]
Level = Literal["debug", "info", "warning", "error"]

VERDICTS = ("applied", "duplicate", "rejected", "undecodable")
"""The ways in which a record ends, in the order in which people read them."""

_UNLOGGED: Any = {"logged": False}


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker is about to join its group.

    Attributes:
        group_id: the consumer group.
        owner: what the worker calls itself in the database: its host and its number there.
        topics: what it reads.
    """

    level: ClassVar[Level] = "info"

    group_id: str
    owner: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """A worker has drained and left.

    Attributes:
        owner: what the worker called itself.
    """

    level: ClassVar[Level] = "info"

    owner: str


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """A worker ended by an error. What it had not committed is projected by whoever claims its partitions next.

    Attributes:
        owner: what the worker called itself.
        problem: why it ended.
        remedy: what to do about it.
    """

    level: ClassVar[Level] = "error"

    owner: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class PartitionsAssigned:
    """The group answered with what is for us to claim; nothing, where there are more workers than partitions.

    Attributes:
        partitions: those that came in addition to what we have.
    """

    level: ClassVar[Level] = "info"

    partitions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartitionClaimed:
    """A partition is ours under this epoch.

    Attributes:
        partition: which one.
        epoch: the fencing number: of two owners the one with the lower can write nothing.
        next_offset: where we go on.
    """

    level: ClassVar[Level] = "info"

    partition: str
    epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class BlockerEnded:
    """A worker that was frozen in the middle of its transaction held rows that we need: its session had to be ended.

    Attributes:
        session: the session that was ended.
    """

    level: ClassVar[Level] = "warning"

    session: str


@dataclass(frozen=True, slots=True)
class OwnerEnded:
    """The owner before us was frozen in the middle of its transaction: its session had to be ended to claim.

    Attributes:
        partition: which one.
        session: the session that was ended.
    """

    level: ClassVar[Level] = "warning"

    partition: str
    session: str


@dataclass(frozen=True, slots=True)
class PartitionReleased:
    """The group took a partition from us; what was in flight is settled.

    Attributes:
        partition: which one.
        next_offset: where its next owner goes on, as far as we know.
    """

    level: ClassVar[Level] = "info"

    partition: str
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionLost:
    """A partition went without a hand-over: our session in the group ran out, or its topic is not there for us now.

    Attributes:
        partition: which one.
        next_offset: where we stood; null if it was not claimed.
    """

    level: ClassVar[Level] = "warning"

    partition: str
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionFenced:
    """Another owner claimed a partition of ours; nothing of ours was written.

    Attributes:
        partition: which one.
        owner: who has it now.
        group_id: the group of that owner.
        next_offset: where we stood.
    """

    level: ClassVar[Level] = "warning"

    partition: str
    owner: str
    group_id: str
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionStopped:
    """A partition cannot go on without a person; the others go on.

    Attributes:
        partition: which one.
        problem: why.
        remedy: what to do about it.
        next_offset: where it stands; null if it was not claimed yet.
    """

    level: ClassVar[Level] = "error"

    partition: str
    problem: str
    remedy: str
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many events of a batch ended alike. `fsm_type` is that of a loaded machine, or empty."""

    fsm_type: str
    verdict: str
    reason: str
    events: int


@dataclass(frozen=True, slots=True)
class BatchApplied:
    """A batch is committed, with everything that it caused.

    Attributes:
        partition: which one.
        next_offset: where it stands now.
        applied: records that were applied.
        duplicate: records whose event had its verdict already.
        rejected: records whose event the machine, an expectation or a lease refused.
        undecodable: records that are no event.
        seconds: from polling to the answer to COMMIT.
        transaction_seconds: how long the transaction took; the next batch is folded meanwhile.
        outcomes: the events by machine, verdict and reason.
        last_timestamp_ms: the timestamp of the last record, in milliseconds since 1970; null if there is none.
        traceparents: those of its records' headers, 128 at most; none unless traces are wanted.
        reasons: how many of its records became dead letters for which reason.
    """

    level: ClassVar[Level] = "info"

    partition: str
    next_offset: int
    applied: int
    duplicate: int
    rejected: int
    undecodable: int
    seconds: float
    transaction_seconds: float = 0.0
    outcomes: tuple[Outcomes, ...] = field(default=(), metadata=_UNLOGGED)
    last_timestamp_ms: int | None = field(default=None, metadata=_UNLOGGED)
    traceparents: tuple[str, ...] = field(default=(), metadata=_UNLOGGED)

    @property
    def verdicts(self) -> dict[str, int]:
        """How many records ended as what, by the names in `VERDICTS`."""
        return {verdict: getattr(self, verdict) for verdict in VERDICTS}

    @property
    def records(self) -> int:
        """How many records it held."""
        return self.applied + self.duplicate + self.rejected + self.undecodable

    @property
    def reasons(self) -> dict[str, int]:
        """How many of its records became dead letters for which reason."""
        counted: dict[str, int] = {}
        for each in self.outcomes:
            if each.reason:
                counted[each.reason] = counted.get(each.reason, 0) + each.events
        return counted


@dataclass(frozen=True, slots=True)
class BatchRetried:
    """A batch has to wait or to be folded again; nothing of it was written.

    Attributes:
        partition: which one.
        problem: why.
        attempt: how often it was tried so far.
        delay_seconds: how long until it is tried again.
        cause: `unavailable`: a server is away or cannot take it now; `stale`: rows had changed since they were read.
        next_offset: where the partition stands.
    """

    level: ClassVar[Level] = "warning"

    partition: str
    problem: str
    attempt: int
    delay_seconds: float
    cause: Cause = "unavailable"
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimPostponed:
    """A partition of ours is not read now; it is claimed again later.

    Attributes:
        partition: which one.
        problem: why.
        attempt: how often it was tried so far; 0 if it was being read until now.
        delay_seconds: how long until it is tried again.
    """

    level: ClassVar[Level] = "warning"

    partition: str
    problem: str
    attempt: int
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class RecordRefused:
    """PostgreSQL refused what the decoder let through: a dead letter, and a defect of the decoder.

    Attributes:
        partition: which one.
        offset: the record's.
        detail: what PostgreSQL said, without values.
        correlation_id: the event's; null if the record is no event.
    """

    level: ClassVar[Level] = "error"

    partition: str
    offset: int
    detail: str
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class EntityStrayed:
    """An entity shows up on a second partition: projected all the same, but the log no longer orders it.

    Attributes:
        partition: where it shows up.
        entity: its name, and where it was before.
        offset: the record's.
        correlation_id: the event's.
    """

    level: ClassVar[Level] = "error"

    partition: str
    entity: str
    offset: int | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class DatabaseAway:
    """PostgreSQL takes no connection, or does not answer. Announced once, when that begins.

    Attributes:
        problem: what is known of it.
    """

    level: ClassVar[Level] = "warning"

    problem: str


@dataclass(frozen=True, slots=True)
class DatabaseBack:
    """PostgreSQL answers again.

    Attributes:
        seconds: how long it was away.
    """

    level: ClassVar[Level] = "info"

    seconds: float


@dataclass(frozen=True, slots=True)
class BrokerTrouble:
    """The Kafka client reports trouble that it goes on trying to overcome.

    Attributes:
        problem: what it says; the same is announced once in half a minute at most.
        all_down: whether it says that no broker at all can be reached.
    """

    level: ClassVar[Level] = "warning"

    problem: str
    all_down: bool = False


@dataclass(frozen=True, slots=True)
class TracingTrouble:
    """Spans could not be exported; the line goes on without.

    Attributes:
        problem: what the OpenTelemetry SDK says, values left out.
    """

    level: ClassVar[Level] = "warning"

    problem: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a held partition stands. `end`: of its log, for a reader of committed records; None if not known yet."""

    partition: str
    next_offset: int
    end: int | None

    @property
    def lag(self) -> int | None:
        """How many offsets are left to pass; None if that is not known."""
        return None if self.end is None else max(0, self.end - self.next_offset)


@dataclass(frozen=True, slots=True)
class LineTurned:
    """Once a second while the line turns, also while it waits for a server: what it has, as far as it knows unasked.

    Attributes:
        held: the partitions that it projects, each with its position and the end of its log.
        waiting: those that it has still to claim.
        stopped: those that wait for a person.
    """

    level: ClassVar[Level] = "debug"

    held: tuple[Standing, ...]
    waiting: tuple[str, ...]
    stopped: tuple[str, ...]


Fact = (
    WorkerStarted
    | WorkerStopped
    | WorkerFailed
    | PartitionsAssigned
    | PartitionClaimed
    | BlockerEnded
    | OwnerEnded
    | PartitionReleased
    | PartitionLost
    | PartitionFenced
    | PartitionStopped
    | BatchApplied
    | BatchRetried
    | ClaimPostponed
    | RecordRefused
    | EntityStrayed
    | DatabaseAway
    | DatabaseBack
    | BrokerTrouble
    | TracingTrouble
    | LineTurned
)
Announce = Callable[[Fact], None]


def heard_by(*listeners: Announce) -> Announce:
    """Announce to each of them."""

    def announce(fact: Fact) -> None:
        for listener in listeners:
            listener(fact)

    return announce
