"""What lies at one offset of the log: a record, or why there is none that a reader of committed records would see."""

from __future__ import annotations

from dataclasses import dataclass

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.kafka.connection import PATIENCE
from foldline.kafka.log import LogReader
from foldline.kafka.properties import Properties
from foldline.kafka.rereading import Rereading


@dataclass(frozen=True, slots=True)
class Present:
    """A record."""

    record: Record


@dataclass(frozen=True, slots=True)
class Aborted:
    """A record of a transaction that its producer aborted: no reader of committed records sees it."""

    record: Record


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """A transaction is open from `stable_end` on: whether what follows is a record is not decided."""

    stable_end: int


@dataclass(frozen=True, slots=True)
class NoRecord:
    """A control record, which ends a transaction; or compaction has removed what lay there."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The log begins later, at `begins`: retention has removed it."""

    begins: int


@dataclass(frozen=True, slots=True)
class Beyond:
    """The log ends before, at `ends`."""

    ends: int


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Kafka has no such topic, or no such partition of it."""


Lying = Present | Aborted | Uncommitted | NoRecord | Gone | Beyond | Nowhere


def what_lies_at(properties: Properties, partition: Partition, offset: int) -> Lying:
    """Ask the cluster; each question is bounded by `PATIENCE`.

    Raises:
        LogError: the brokers cannot be reached, or do not deliver.
    """
    log = LogReader(properties)
    if partition not in log.partitions([partition.topic]):
        return Nowhere()
    facts = log.facts(partition)
    if offset < facts.low:
        return Gone(facts.low)
    if offset >= facts.high:
        return Beyond(facts.high)
    stable_end = log.stable_ends([partition])[partition]
    if offset >= stable_end:
        return Uncommitted(stable_end)
    record = _read(properties, partition, offset, committed=True)
    if record is not None:
        return Present(record)
    record = _read(properties, partition, offset, committed=False)
    return Aborted(record) if record is not None else NoRecord()


def _read(properties: Properties, partition: Partition, offset: int, *, committed: bool) -> Record | None:
    with Rereading(properties, patience=PATIENCE, committed=committed) as reading:
        return reading.record(partition, offset)
