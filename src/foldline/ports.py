"""What the line asks of its two ends, and every answer that they may give.

A decision is a value returned by one side and obeyed by the other: `apply` never decides what happens next, it says
what it found. Exceptions are for what concerns no decision: a server that is away, a partition that cannot go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from foldline.core.batch import EntityKey, KnownVerdicts, Partition, Plan, Span
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Workflow
from foldline.core.events import Record
from foldline.errors import FoldlineError


@dataclass(frozen=True, slots=True)
class Moved:
    """The transaction is committed: the position stands at the end of the batch.

    Attributes:
        seconds: how long it took.
        before: it was an earlier one, whose answer was lost, that is committed; nothing of this one was written.
    """

    seconds: float = field(default=0.0, compare=False)
    before: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """Rows or identities are not what the fold started from: fold again with fresh ones. Nothing was written."""

    why: str


@dataclass(frozen=True, slots=True)
class Displaced:
    """We own the partition, but its position stands elsewhere: go on from there. Nothing was written."""

    next_offset: int


@dataclass(frozen=True, slots=True)
class Fenced:
    """Another owner has claimed the partition. Nothing was written."""

    owner: str
    group_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """PostgreSQL refuses something in this batch: find the record by halving. Nothing was written."""

    detail: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A plan, and its rows of history as the stage takes them: made before the transaction, so that it only waits."""

    plan: Plan
    text: str


Answer = Moved | Stale | Displaced | Fenced | Refused


class Unavailable(FoldlineError):  # noqa: N818 - it names a state, as in "service unavailable"
    """A server is away or cannot take the work now. The same batch again, later; never a dead letter."""


class PartitionFault(FoldlineError):  # noqa: N818 - a fault of one partition, not of the program
    """This partition cannot go on without a person. It stops; the others go on."""


class RefusedInReading(FoldlineError):  # noqa: N818 - as `Refused`, before there was a transaction
    """PostgreSQL refuses to be asked for something that the batch is about: find the record by halving."""


@dataclass(frozen=True, slots=True)
class ReadTo:
    """The offset after the last record that was read, and Kafka's leader epoch of that record.

    What lies between it and a position are control and aborted records: a record there is one of another log.
    """

    offset: int
    leader_epoch: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition that is ours from now on, under this epoch.

    Attributes:
        partition: which.
        epoch: the fencing number that its transactions carry.
        next_offset: where to go on, which is what the previous owner committed last.
        topic_id: the id of the topic that the position was made with; None if Kafka gave none.
        read_to: how far records were read, and in whose log, if it is known.
        compaction_accepted: whether an operator has accepted that the topic is compacted.
        ended: the frozen session that was ended for the claim.
    """

    partition: Partition
    epoch: int
    next_offset: int
    topic_id: str | None = None
    read_to: ReadTo | None = None
    compaction_accepted: bool = False
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition as they lie in the log. The span may be wider: control records have no record."""

    partition: Partition
    span: Span
    records: Sequence[Record]
    leader_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class LogFacts:
    """What the broker says of a partition now.

    Attributes:
        low: the offset of its first record.
        high: the offset after its last record, committed or not.
        topic_id: the id that its topic got when it was created; None if the broker knows no ids.
        ends: `high` of every partition of the topic, by number.
        compacted: whether the topic is compacted; None if we may not know.
    """

    low: int
    high: int
    topic_id: str | None
    ends: Mapping[int, int] = field(default_factory=dict)
    compacted: bool | None = False

    def ending_at(self, high: int) -> LogFacts:
        """The same, of a log that is known to part from ours there."""
        return replace(self, high=high)


class Tables(Protocol):
    """PostgreSQL, as the line sees it. Every method may raise `Unavailable`, and does so within bounded time."""

    def heed(self, stopping: Callable[[], bool]) -> None:
        """Once this is true, wait for nothing beyond the grace: it is `Unavailable` then."""

    def idle(self) -> None:
        """There is nothing to do: see now and then whether the database is there. Never raises."""

    def claim(self, partition: Partition, log: LogFacts) -> Claim:
        """Take the partition over; from now on every earlier owner is fenced. May raise `PartitionFault`."""

    def load_entities(self, keys: Sequence[EntityKey]) -> dict[EntityKey, Entity | None]:
        """The row of every key, None where it has none. May raise `RefusedInReading`, as the next two may."""

    def load_workflows(self, keys: Sequence[str]) -> dict[str, Workflow | None]:
        """The row of every workflow, None where it has none."""

    def known_identities(self, digests: Sequence[str]) -> KnownVerdicts:
        """The identities among these that have a verdict already."""

    def reserve_history_ids(self, records: int) -> Sequence[int]:
        """Ascending ids, one per record."""

    def reserve_timeline_ids(self, records: int) -> Sequence[int]:
        """Ascending ids, one per record."""

    def holding_entities(self, keys: Sequence[EntityKey]) -> AbstractContextManager[None]:
        """Lock these rows in key order until the end of the block, whose end commits what was applied inside."""

    def holding_workflows(self, keys: Sequence[str]) -> AbstractContextManager[None]:
        """Lock these rows in key order until the end of the block, whose end commits what was applied inside."""

    def stage(self, plan: Plan) -> Staged:
        """Make the plan ready to be applied. Touches nothing."""

    def start(self, staged: Staged, claim: Claim) -> None:
        """Begin to apply a plan in one transaction, in another thread. `finish` must follow before the next start."""

    def finish(self, *, hurried: bool = False) -> Answer:
        """Wait for the transaction that was started, and say what became of it; `hurried`: within the grace."""

    def stop_partition(self, claim: Claim, reason: str, *, tripped: bool) -> bool:
        """Note why a partition was stopped, where people look. Whether it is noted: never raises.

        `tripped`: by the breaker, so that no other worker goes on either.
        """

    def let_go_on(self, stopped: Mapping[Partition, int]) -> Sequence[Partition]:
        """Those of these partitions that an operator has answered; each with the epoch that it was stopped under."""


class Listener(Protocol):
    """Who hears of the group's assignment."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """These are ours to claim."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """These go to another member once this returns."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """These went to another member already."""

    def broken(self, partition: Partition, fault: PartitionFault | Unavailable) -> None:
        """The broker cannot deliver this one any more, or not now."""


class Source(Protocol):
    """Kafka, as the line sees it."""

    def listen(self, listener: Listener) -> None:
        """Join the group; the listener hears of its assignment from now on, inside `poll` and `keep_alive`."""

    def poll(self, *, wait: bool) -> Chunk | None:
        """Records of one claimed partition, partitions in turn; None if there is nothing (within the linger if `wait`).

        When the group's assignment changes, the listener hears of it inside this call.
        """

    def log_facts(self, partition: Partition) -> LogFacts:
        """Ask the broker. May raise `Unavailable` or `PartitionFault`."""

    def known_end(self, partition: Partition) -> int | None:
        """Where the partition ends for a reader of committed records, by what is known unasked; None: not known yet."""

    def read_from(self, claim: Claim, offset: int) -> None:
        """Deliver the claimed partition's records from this offset on, as long as its log is the one of the claim.

        May raise `Unavailable`; then nothing of it is delivered.
        """

    def stop_reading(self, partition: Partition) -> None:
        """Deliver nothing more of this partition."""

    def acknowledge(self, partition: Partition, next_offset: int) -> None:
        """Tell the group how far we are: a courtesy to lag tools; nothing reads it back."""

    def confirm_membership(self, partition: Partition, next_offset: int) -> None:
        """Commit to the group now, as the member we believe to be. Raises `Unavailable` if the group says otherwise."""

    def keep_alive(self, seconds: float, unless: Callable[[], bool]) -> None:
        """Stay in the group, delivering nothing, for so long, or until `unless` is true."""
