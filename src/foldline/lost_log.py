"""A log that is not the one that a position was made with: what tells, and what an operator can accept. Pure.

Kafka numbers the records of whatever log bears the name. A topic that was created again, that lost records to
retention or to an unclean election, or that is compacted, still answers a fetch at our position: silently, with other
records or with fewer. So before anything is read, and again and again while it is, what the broker says of the log is
held against what the position says of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from foldline.core.batch import Partition
from foldline.ports import LogFacts, PartitionFault


class Loss(StrEnum):
    """In which way a log is not what it was."""

    CREATED_AGAIN = "created again"
    EXPIRED = "expired"
    CUT_OFF = "cut off"
    COMPACTED = "compacted"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a position stands, and in which log."""

    partition: Partition
    next_offset: int
    topic_id: str | None
    compaction_accepted: bool = False


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an operator accepts about a stopped partition.

    Attributes:
        next_offset: where it goes on.
        another_log: whether that is another log, one whose offsets are used again.
        topic_id: the id of the topic from now on; None: as before.
        partitions: how many partitions the topic has.
        compacted: whether the topic may be compacted.
    """

    next_offset: int
    another_log: bool = False
    topic_id: str | None = None
    partitions: int = 0
    compacted: bool = False


def loss_of(standing: Standing, log: LogFacts) -> Loss | None:
    """What has become of the log; None: it is the one that the position was made with, and has all that is to come."""
    if standing.topic_id is not None and log.topic_id is not None and standing.topic_id != log.topic_id:
        return Loss.CREATED_AGAIN
    if standing.next_offset < log.low:
        return Loss.EXPIRED
    if standing.next_offset > log.high:
        return Loss.CUT_OFF
    if log.compacted and not standing.compaction_accepted:
        return Loss.COMPACTED
    return None


def explained(loss: Loss, standing: Standing, log: LogFacts | None = None) -> PartitionFault:
    """The fault that stops the partition; `log` where it is known how far it reaches."""
    partition, stands_at = standing.partition, standing.next_offset
    accept = f"`foldline positions accept {partition.topic} {partition.number} --why ...`"
    match loss:
        case Loss.CREATED_AGAIN:
            return PartitionFault(
                f"The topic of {partition} was deleted and created again: this is another log.",
                remedy=f"Restore the former topic, or go on at the beginning of this one with {accept}.",
            )
        case Loss.EXPIRED:
            begins = "" if log is None else f" at {log.low}"
            return PartitionFault(
                f"{partition} stands at {stands_at}, but the log begins later now{begins}: records are gone"
                " that were never judged.",
                remedy=f"Restore them, or go on without them with {accept}; lengthen the topic's retention.",
            )
        case Loss.CUT_OFF:
            ends = "earlier" if log is None else f"at {log.high}"
            return PartitionFault(
                f"{partition} stands at {stands_at}, but the log ends {ends}: records are gone that were judged.",
                remedy=f"Restore them, or go on where the log ends with {accept}.",
            )
        case Loss.COMPACTED:
            return PartitionFault(
                f"The topic of {partition} is compacted: Kafka removes records that the history is made of.",
                remedy=f"Set its cleanup.policy to delete, or leave it; then go on with {accept}.",
            )


def accepted(loss: Loss | None, standing: Standing, log: LogFacts) -> Acceptance:
    """Where the position goes on once an operator accepts the loss; None: its log is as it was, or is again."""
    match loss:
        case Loss.CREATED_AGAIN:
            return Acceptance(log.low, another_log=True, topic_id=log.topic_id, partitions=len(log.ends))
        case Loss.EXPIRED:
            return Acceptance(log.low)
        case Loss.CUT_OFF:
            return Acceptance(log.high, another_log=True, partitions=len(log.ends))
        case Loss.COMPACTED:
            return Acceptance(standing.next_offset, compacted=True)
        case None:
            return Acceptance(standing.next_offset)
