"""Claiming a partition: one statement takes it over; then its log and its machine versions must be what they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import errors

from foldline.core.batch import Partition
from foldline.core.machine import Machine, Machines
from foldline.core.versions import Recorded, conflict_of
from foldline.errors import MachineError
from foldline.lost_log import Standing, explained, loss_of
from foldline.ports import Claim, LogFacts, PartitionFault, ReadTo, Unavailable
from foldline.postgres.blockers import end_frozen, position_holder
from foldline.postgres.queries import query


class MachineBook:
    """Which of our machines each claimed partition has yet to activate. A version judges from its activation on."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._due: dict[Partition, dict[str, Machine | None]] = {}

    def check(self, recorded: Recorded) -> None:
        """Refuse machines that are older than, or say something else than, what a worker has recorded.

        Raises:
            MachineError: with the machine and the remedy.
        """
        for machine in self._machines.values():
            conflict = conflict_of(machine, recorded)
            if conflict is not None:
                raise MachineError(conflict.problem, remedy=conflict.remedy)

    def claimed(self, partition: Partition, active: Mapping[str, int | None]) -> None:
        """Note which machines the next batch of this partition has to activate."""
        due: dict[str, Machine | None] = {
            machine.fsm_type: machine
            for machine in self._machines.values()
            if active.get(machine.fsm_type) != machine.version
        }
        withdrawn = [name for name, version in active.items() if version is not None and name not in self._machines]
        self._due[partition] = due | dict.fromkeys(withdrawn)

    def due(self, partition: Partition) -> dict[str, Machine | None]:
        """What the next transaction of this partition activates."""
        return self._due.get(partition, {})

    def activated(self, partition: Partition) -> None:
        """It is committed, unless it was done inside a block that is `undone_on_failure`."""
        self._due[partition] = {}

    @contextmanager
    def undone_on_failure(self) -> Iterator[None]:
        """What was activated inside the block is due again if the block fails: its end would have committed it."""
        before = dict(self._due)
        try:
            yield
        except BaseException:
            self._due = before
            raise


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims: the consumer group, a name for people, and the rules of a claim.

    `workflow_topics` are those that no machine judges; `start_anywhere`: a first claim may begin although the log's
    beginning is gone; `breaker`: whether what the breaker stopped stays stopped.
    """

    group_id: str
    owner: str
    workflow_topics: frozenset[str] = frozenset()
    start_anywhere: bool = False
    breaker: bool = False


def claim(
    connection: psycopg.Connection[Any], partition: Partition, log: LogFacts, claimant: Claimant, book: MachineBook
) -> Claim:
    """Take the partition over.

    An owner that is frozen in the middle of its transaction is ended. A partition that was added to its topic later is
    not begun before every older one has passed the end that it had then.

    Raises:
        Unavailable: somebody else holds the position's row, or an older partition is behind; says who.
        PartitionFault: the log, or a machine, is not what the position was made with.
    """
    where = {"topic": partition.topic, "partition": partition.number}
    _note_growth(connection, partition.topic, log)
    if connection.execute(query("read_position"), where).fetchone() is None:
        _may_begin(connection, partition, log, claimant)
    asked = where | {
        "low": log.low,
        "topic_id": log.topic_id,
        "group_id": claimant.group_id,
        "owner": claimant.owner,
        "breaker": claimant.breaker,
    }
    try:
        taken, tripped = _take_over(connection, partition, asked)
    except errors.LockNotAvailable:
        holder = position_holder(connection, where)
        if holder is not None:
            end_frozen(connection, holder)
        taken, tripped = _take_over(connection, partition, asked)
        taken = taken if holder is None else replace(taken, ended=str(holder))
    standing = Standing(partition, taken.next_offset, taken.topic_id, taken.compaction_accepted)
    loss = loss_of(standing, log)
    fault = None if loss is None else explained(loss, standing, log)
    if fault is None and tripped is not None:
        fault = PartitionFault(tripped)
    if fault is None and partition.topic not in claimant.workflow_topics:
        fault = _machine_conflict(connection, partition, book)
    if fault is not None:
        note = where | {"epoch": taken.epoch, "reason": str(fault), "tripped": tripped is not None}
        connection.execute(query("stop_partition"), note)
        raise fault
    return taken


def _note_growth(connection: psycopg.Connection[Any], topic: str, log: LogFacts) -> None:
    """Keep how many partitions the topic has; those that come later have to wait for the older ones."""
    if not log.ends:
        return
    now = {"topic": topic, "partitions": len(log.ends)}
    known = connection.execute(query("known_partitions"), now).fetchone()
    if known is None:
        connection.execute(query("register_topic"), now)
    elif known[0] < len(log.ends):
        connection.execute(query("grow_topic"), now | {"olders": list(log.ends), "ends": list(log.ends.values())})


def _may_begin(connection: psycopg.Connection[Any], partition: Partition, log: LogFacts, claimant: Claimant) -> None:
    if log.low > 0 and not claimant.start_anywhere:
        raise PartitionFault(
            f"The beginning of {partition} is gone: its first record is {log.low}.",
            remedy="Set FOLDLINE_START=earliest to begin there; what came before will be missing.",
        )
    where = {"topic": partition.topic, "partition": partition.number}
    behind = connection.execute(query("older_behind"), where).fetchone()
    if behind is not None:
        older, end, stands_at = behind
        stands = "has not begun" if stands_at is None else f"stands at {stands_at}"
        raise Unavailable(
            f"{partition} was added later: it waits until {Partition(partition.topic, older)}, which {stands}, has"
            f" passed {end}.",
            remedy="Looking again.",
        )


def _take_over(
    connection: psycopg.Connection[Any], partition: Partition, asked: Mapping[str, object]
) -> tuple[Claim, str | None]:
    """The claim, and why the breaker stopped the partition if it did."""
    row = connection.execute(query("claim"), asked).fetchone()
    assert row is not None, "a claim always returns its row"
    epoch, next_offset, topic_id, leader_epoch, leader_epoch_at, compaction_accepted, tripped = row
    known = leader_epoch is not None and leader_epoch_at is not None  # 006 and before kept the first alone
    read = ReadTo(leader_epoch_at, leader_epoch) if known else None
    return Claim(partition, epoch, next_offset, topic_id, read, compaction_accepted), tripped


def _machine_conflict(
    connection: psycopg.Connection[Any], partition: Partition, book: MachineBook
) -> PartitionFault | None:
    recorded = recorded_versions(connection)
    try:
        book.check(recorded)
    except MachineError as error:
        return PartitionFault(error.problem, remedy=error.remedy)
    where = {"topic": partition.topic, "partition": partition.number}
    book.claimed(partition, dict(connection.execute(query("active_machines"), where).fetchall()))
    return None


def recorded_versions(connection: psycopg.Connection[Any]) -> dict[tuple[str, int], str]:
    """The digest of every machine version that was ever recorded."""
    found = connection.execute(query("recorded_machine_versions")).fetchall()
    return {(fsm_type, version): digest for fsm_type, version, digest in found}
