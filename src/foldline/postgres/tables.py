"""The tables as the line sees them: one lane reads, another applies, and neither is waited for too long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

import psycopg

from foldline import facts
from foldline.core.batch import EntityKey, KnownVerdicts, Partition, Plan
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Workflow
from foldline.core.events import Verdict
from foldline.core.machine import Machines
from foldline.errors import DatabaseError, FoldlineError
from foldline.ports import Answer, Claim, LogFacts, Moved, Staged
from foldline.postgres import claims, rows
from foldline.postgres.blockers import settled
from foldline.postgres.connection import WORKER_LOCK, connect, unreachable
from foldline.postgres.failures import NotLetIn, verdict_on
from foldline.postgres.lane import Connection
from foldline.postgres.lanes import DEFAULT_BOUNDS, Bounds, Lanes
from foldline.postgres.queries import query
from foldline.postgres.stage import stage_text
from foldline.postgres.transaction import Activations, apply, why_not_moved

_CLAIM_PATIENCE_SECONDS = 3.0
_APPLY_PATIENCE_SECONDS = 10.0
_NOTE_SECONDS = 3.0

_Result = TypeVar("_Result")


class PostgresTables:
    """The port `Tables` on PostgreSQL. Connections are made when first needed and again after trouble.

    Args:
        database_url: where PostgreSQL is.
        claimant: who claims.
        machines: what judges.
        bounds: how long to wait.
        announce: told when PostgreSQL is away, and when it is back.
    """

    def __init__(
        self,
        database_url: str,
        *,
        claimant: claims.Claimant,
        machines: Machines,
        bounds: Bounds = DEFAULT_BOUNDS,
        announce: facts.Announce = lambda _fact: None,
    ) -> None:
        self._database_url = database_url
        self._claimant = claimant
        self._book = claims.MachineBook(machines)
        self._bounds = bounds
        self._lanes = Lanes(self._connect, bounds, announce)
        self._started: tuple[Future[Answer], Claim] | None = None

    def heed(self, stopping: Callable[[], bool]) -> None:
        """Once this is true, wait for nothing beyond the grace."""
        self._lanes.heed(stopping)

    def idle(self) -> None:
        """There is nothing to do: see now and then whether the database is there. Never raises."""
        with suppress(FoldlineError):
            self._lanes.look()

    def check_machines(self) -> None:
        """Refuse at start what no partition could be judged by. Raises `MachineError`."""
        self._book.check(self._call("reader", claims.recorded_versions))

    def check_rights(self) -> None:
        """Refuse to start as who could only hold partitions and not project them. Raises `DatabaseError`."""
        if self._all("may_project", {}) != [(True,)]:
            raise DatabaseError(
                "This role may not project: it can neither move positions nor write history.",
                remedy="Log in as a member of foldline_projector (docs/security.md), or as the owner of the tables.",
            )

    def claim(self, partition: Partition, log: LogFacts) -> Claim:
        """Take the partition over, and see that our machines may judge it."""
        given = self._lanes.start(
            "reader", lambda connection: claims.claim(connection, partition, log, self._claimant, self._book)
        )
        return settled(self._lanes, "reader", given, ending=False)  # a claim ends the owner itself

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
        """Begin to apply a plan in one transaction, on its lane."""
        assert self._started is None, "one transaction at a time"
        activations = self._book.due(claim.partition)
        given = self._lanes.start("writer", lambda connection: _apply(connection, staged, claim, activations))
        self._started = given, claim

    def finish(self, *, hurried: bool = False) -> Answer:
        """Wait for the transaction that was started, and say what became of it; `hurried`: within the grace."""
        assert self._started is not None, "start comes first"
        (given, claim), self._started = self._started, None
        answer = settled(self._lanes, "writer", given, hurried=hurried)
        if isinstance(answer, Moved):
            self._book.activated(claim.partition)
        return answer

    def stop_partition(self, claim: Claim, reason: str, *, tripped: bool) -> bool:
        """Note why a partition was stopped, `tripped` if the breaker did. Whether it is noted: never raises."""
        parameters = {
            "topic": claim.partition.topic,
            "partition": claim.partition.number,
            "epoch": claim.epoch,
            "reason": reason,
            "tripped": tripped,
        }
        with suppress(FoldlineError):
            self._call(
                "reader",
                lambda connection: connection.execute(query("stop_partition"), parameters),
                within=_NOTE_SECONDS,
            )
            return True
        return False

    def let_go_on(self, stopped: Mapping[Partition, int]) -> Sequence[Partition]:
        """Those of these partitions, each with the epoch that it was stopped under, that an operator has answered."""
        asked = {
            "topics": [each.topic for each in stopped],
            "partitions": [each.number for each in stopped],
            "epochs": list(stopped.values()),
        }
        return [Partition(topic, number) for topic, number in self._all("let_go_on", asked)]

    def close(self) -> None:
        """End both connections."""
        self._lanes.close()

    def _call(self, name: str, work: Callable[[Connection], _Result], *, within: float | None = None) -> _Result:
        return settled(self._lanes, name, self._lanes.start(name, work), within=within)

    def _all(self, name: str, parameters: rows.Parameters) -> list[tuple[Any, ...]]:
        return self._call(
            "reader", lambda connection: connection.execute(query(name), parameters, binary=True).fetchall()
        )

    def _reserve(self, name: str, records: int) -> Sequence[int]:
        ((ids,),) = self._all(name, {"records": records})
        return list(ids) if ids is not None else []

    @contextmanager
    def _holding(self, name: str, parameters: rows.Parameters) -> Iterator[None]:
        transaction = ExitStack()

        def hold(connection: Connection) -> None:
            transaction.enter_context(connection.transaction())
            connection.execute(query(name), parameters)

        with self._book.undone_on_failure():
            self._call("writer", hold)
            try:
                yield
            except BaseException:
                self._lanes.renew("writer")
                raise
            self._call("writer", lambda _connection: transaction.close())

    def _connect(self, lane: str) -> Connection:
        patience = _APPLY_PATIENCE_SECONDS if lane == "writer" else _CLAIM_PATIENCE_SECONDS
        try:
            connection = connect(
                self._database_url,
                purpose=f"worker {lane}",
                lock_timeout=min(patience, self._bounds.answer / 2),
                statement_timeout=self._bounds.answer,
            )
        except psycopg.OperationalError as error:
            problem = unreachable(self._database_url, error).problem
            raise NotLetIn(problem, remedy="Waiting until it lets us in.") from None
        try:
            if lane == "reader":
                connection.execute("SELECT pg_advisory_lock_shared(%s)", (WORKER_LOCK,))
            elif lane == "writer":
                connection.execute("SELECT foldline_open_stage()")
        except BaseException:
            connection.close()
            raise
        return connection


def _apply(connection: Connection, staged: Staged, claim: Claim, activations: Activations) -> Answer:
    began = time.monotonic()
    try:
        answer = apply(connection, staged, claim, activations)
    except psycopg.Error as error:
        answer = _had_moved(connection, staged.plan, claim) or verdict_on(error)
    return replace(answer, seconds=time.monotonic() - began) if isinstance(answer, Moved) else answer


def _had_moved(connection: Connection, plan: Plan, claim: Claim) -> Answer | None:
    """Who was fenced, or had succeeded before, hears that and not its echo."""
    if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        return None
    try:
        return why_not_moved(connection, plan, claim)
    except psycopg.Error:
        return None
