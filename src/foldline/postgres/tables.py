"""The tables as the line sees them: reading on one connection, applying on another, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import psycopg

from foldline.core.batch import EntityKey, KnownVerdicts, Partition, Plan
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Workflow
from foldline.core.events import Verdict
from foldline.core.machine import Machines
from foldline.errors import DatabaseError
from foldline.ports import Answer, Claim, LogFacts, Moved, Staged, Unavailable
from foldline.postgres import claims, rows
from foldline.postgres.blockers import Session, blocker_of
from foldline.postgres.connection import WORKER_LOCK, connect
from foldline.postgres.failures import verdict_on
from foldline.postgres.queries import query
from foldline.postgres.stage import stage_text
from foldline.postgres.transaction import apply, why_not_moved

_Result = TypeVar("_Result")
_CLAIM_PATIENCE = "3s"
_LOOK_FOR_BLOCKER_SECONDS = 3.0


class PostgresTables:
    """The port `Tables` on PostgreSQL. Connections are made when first needed and again after they break."""

    def __init__(self, database_url: str, *, claimant: claims.Claimant, machines: Machines) -> None:
        self._database_url = database_url
        self._claimant = claimant
        self._book = claims.MachineBook(machines)
        self._reader: psycopg.Connection[Any] | None = None
        self._writer: psycopg.Connection[Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="foldline-apply")
        self._started: Future[Answer] | None = None

    def check_machines(self) -> None:
        """Refuse at start what no partition could be judged by. Raises `MachineError`."""
        self._book.check(self._read(claims.recorded_versions))

    def check_rights(self) -> None:
        """Refuse to start as who could only hold partitions and not project them. Raises `DatabaseError`."""
        if self._all("may_project", {}) != [(True,)]:
            raise DatabaseError(
                "This role may not project: it can neither move positions nor write history.",
                remedy="Log in as a member of foldline_projector (docs/security.md), or as the owner of the tables.",
            )

    def claim(self, partition: Partition, log: LogFacts) -> Claim:
        """Take the partition over, and see that our machines may judge it."""
        return self._read(lambda connection: claims.claim(connection, partition, log, self._claimant, self._book))

    def load_entities(self, keys: Sequence[EntityKey]) -> dict[EntityKey, Entity | None]:
        """The row of every key, None where it has none."""
        found: dict[EntityKey, Entity | None] = dict.fromkeys(keys)
        if keys:
            found.update(map(rows.entity_of, self._all("load_entities", rows.key_parameters(keys))))
        return found

    def load_workflows(self, keys: Sequence[str]) -> dict[str, Workflow | None]:
        """The row of every workflow, None where it has none."""
        found: dict[str, Workflow | None] = dict.fromkeys(keys)
        if keys:
            found.update(map(rows.workflow_of, self._all("load_workflows", {"workflow_ids": list(keys)})))
        return found

    def known_identities(self, digests: Sequence[str]) -> KnownVerdicts:
        """The identities among these that have a verdict already."""
        known = self._all("known_identities", {"digests": list(digests)})
        return {digest: Verdict.REJECTED if rejected else Verdict.APPLIED for digest, rejected in known}

    def reserve_history_ids(self, records: int) -> Sequence[int]:
        """Ascending ids, one per record."""
        return self._reserve("reserve_history_ids", records)

    def reserve_timeline_ids(self, records: int) -> Sequence[int]:
        """Ascending ids, one per record."""
        return self._reserve("reserve_timeline_ids", records)

    def holding_entities(self, keys: Sequence[EntityKey]) -> AbstractContextManager[None]:
        """Lock these rows in key order until the end of the block."""
        return self._holding("lock_entities", rows.key_parameters(keys))

    def holding_workflows(self, keys: Sequence[str]) -> AbstractContextManager[None]:
        """Lock these rows in key order until the end of the block."""
        return self._holding("lock_workflows", {"workflow_ids": list(keys)})

    def stage(self, plan: Plan) -> Staged:
        """Make the plan ready to be applied. Touches nothing."""
        return Staged(plan, stage_text(plan))

    def start(self, staged: Staged, claim: Claim) -> None:
        """Begin to apply a plan in one transaction, in the thread."""
        assert self._started is None, "one transaction at a time"
        self._started = self._thread.submit(self._apply, staged, claim)

    def finish(self) -> Answer:
        """Wait for the transaction that was started, and say what became of it."""
        assert self._started is not None, "start comes first"
        started, self._started = self._started, None
        blocker: Session | None = None
        while not wait([started], _LOOK_FOR_BLOCKER_SECONDS).done:
            blocker = self._blocker() or blocker
        try:
            return started.result()
        except Unavailable as fault:
            if blocker is None:
                raise
            raise Unavailable(f"{fault.problem} It waited for {blocker}.", remedy=fault.remedy) from None

    def stop_partition(self, claim: Claim, reason: str, *, tripped: bool) -> None:
        """Note why a partition was stopped, `tripped` if the breaker did. Best effort: never raises."""
        parameters = {
            "topic": claim.partition.topic,
            "partition": claim.partition.number,
            "epoch": claim.epoch,
            "reason": reason,
            "tripped": tripped,
        }
        try:
            self._read(lambda connection: connection.execute(query("stop_partition"), parameters))
        except Unavailable:
            return

    def let_go_on(self, stopped: Sequence[Partition]) -> Sequence[Partition]:
        """Those of these partitions that are no longer noted as stopped: an operator has answered."""
        asked = {"topics": [each.topic for each in stopped], "partitions": [each.number for each in stopped]}
        return [Partition(topic, number) for topic, number in self._all("let_go_on", asked)]

    def close(self) -> None:
        """End both connections and the thread."""
        self._thread.shutdown(wait=True)
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()

    def _all(self, name: str, parameters: rows.Parameters) -> list[tuple[Any, ...]]:
        return self._read(lambda connection: connection.execute(query(name), parameters, binary=True).fetchall())

    def _reserve(self, name: str, records: int) -> Sequence[int]:
        ((ids,),) = self._all(name, {"records": records})
        return list(ids) if ids is not None else []

    def _read(self, work: Callable[[psycopg.Connection[Any]], _Result]) -> _Result:
        try:
            if self._reader is None:
                self._reader = connect(self._database_url, purpose="worker reader", lock_timeout=_CLAIM_PATIENCE)
                self._reader.execute("SELECT pg_advisory_lock_shared(%s)", (WORKER_LOCK,))
            return work(self._reader)
        except psycopg.Error as error:
            _drop(self._reader)
            self._reader = None
            raise _unreadable(error) from None

    @contextmanager
    def _holding(self, name: str, parameters: rows.Parameters) -> Iterator[None]:
        try:
            writer = self._open_writer()
            with self._book.undone_on_failure(), writer.transaction():
                writer.execute(query(name), parameters)
                yield
        except psycopg.Error as error:
            raise _unreadable(error) from None

    def _blocker(self) -> Session | None:
        """Who keeps the transaction that was started waiting for a lock, if anybody does and we can know."""
        writer = self._writer
        if writer is None or writer.closed:
            return None
        try:
            return self._read(lambda connection: blocker_of(connection, writer.info.backend_pid))
        except (Unavailable, psycopg.Error):
            return None

    def _open_writer(self) -> psycopg.Connection[Any]:
        if self._writer is None:
            self._writer = connect(self._database_url, purpose="worker writer")
            self._writer.execute("SELECT foldline_open_stage()")
        return self._writer

    def _apply(self, staged: Staged, claim: Claim) -> Answer:
        began = time.monotonic()
        try:
            answer = apply(self._open_writer(), staged, claim, self._book.due(claim.partition))
        except psycopg.Error as error:
            answer = self._after_failure(error, staged.plan, claim)
        if isinstance(answer, Moved):
            self._book.activated(claim.partition)
            return Moved(time.monotonic() - began)
        return answer

    def _after_failure(self, error: psycopg.Error, plan: Plan, claim: Claim) -> Answer:
        """What a failed transaction means. Who was fenced, or had succeeded before, hears that and not its echo."""
        if self._writer is not None and self._writer.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            _drop(self._writer)
            self._writer = None
        if self._writer is not None:
            try:
                moved = why_not_moved(self._writer, plan, claim)
            except psycopg.Error:
                _drop(self._writer)
                self._writer = None
            else:
                if moved is not None:
                    return moved
        return verdict_on(error)


def _drop(connection: psycopg.Connection[Any] | None) -> None:
    if connection is not None:
        connection.close()


def _unreadable(error: psycopg.Error) -> Unavailable:
    """A failed read: there is no batch to fold again or to halve. Raises `PartitionFault` where waiting cannot help."""
    return Unavailable(f"Reading from PostgreSQL failed ({verdict_on(error)}).", remedy="Trying again.")
