"""The facts that a worker announces. Logs, console, metrics and tests all listen to these, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

VERDICTS = ("applied", "duplicate", "rejected", "undecodable")
"""The ways in which a record ends, in the order in which people read them."""


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker has joined its group."""

    group_id: str
    owner: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """A worker has drained and left."""

    owner: str


@dataclass(frozen=True, slots=True)
class PartitionClaimed:
    """A partition is ours under this epoch, and we go on at `next_offset`."""

    partition: str
    epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class OwnerEnded:
    """The owner before us was frozen in the middle of its transaction: its session had to be ended to claim."""

    partition: str
    session: str


@dataclass(frozen=True, slots=True)
class PartitionReleased:
    """The group took a partition from us; what was in flight is settled."""

    partition: str


@dataclass(frozen=True, slots=True)
class PartitionFenced:
    """Another owner claimed a partition of ours; nothing of ours was written."""

    partition: str
    owner: str
    group_id: str


@dataclass(frozen=True, slots=True)
class PartitionStopped:
    """A partition cannot go on without a person; the others go on."""

    partition: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class BatchApplied:
    """A batch is committed, with everything that it caused. `seconds`: from polling to the answer to COMMIT.

    `reasons` counts the dead letters by reason.
    """

    partition: str
    next_offset: int
    applied: int
    duplicate: int
    rejected: int
    undecodable: int
    seconds: float
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def verdicts(self) -> dict[str, int]:
        """How many records ended as what, by the names in `VERDICTS`."""
        return {verdict: getattr(self, verdict) for verdict in VERDICTS}


@dataclass(frozen=True, slots=True)
class BatchRetried:
    """A batch has to wait or to be folded again; nothing of it was written."""

    partition: str
    problem: str
    attempt: int
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class ClaimPostponed:
    """A partition of ours is not read now; it is claimed again later. `attempt` 0: it was being read until now."""

    partition: str
    problem: str
    attempt: int
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class RecordRefused:
    """PostgreSQL refused what the decoder let through: a dead letter, and a defect of the decoder."""

    partition: str
    offset: int
    detail: str


@dataclass(frozen=True, slots=True)
class EntityStrayed:
    """An entity shows up on a second partition: projected all the same, but the log no longer orders it."""

    partition: str
    entity: str


@dataclass(frozen=True, slots=True)
class BrokerTrouble:
    """The Kafka client reports trouble that it goes on trying to overcome."""

    problem: str


Fact = (
    WorkerStarted
    | WorkerStopped
    | PartitionClaimed
    | OwnerEnded
    | PartitionReleased
    | PartitionFenced
    | PartitionStopped
    | BatchApplied
    | BatchRetried
    | ClaimPostponed
    | RecordRefused
    | EntityStrayed
    | BrokerTrouble
)
Announce = Callable[[Fact], None]
