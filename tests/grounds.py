"""Two grounds to stand on, the model and PostgreSQL: what a contract test does to their tables and sees of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from foldline.core.batch import EntityKey, HistoryRow, Partition
from foldline.core.decide import FailedAttempt, Hop, Rejection
from foldline.core.machine import Machines
from foldline.ports import Tables
from foldline.postgres.claims import Claimant
from foldline.postgres.tables import PostgresTables
from harness import TABLES, WORKFLOWS, rows
from model_store import Store
from model_tables import Fate, ModelTables

Rows = list[tuple[Any, ...]]


class Ground(ABC):
    """Tables that several workers share, each through a handle of its own."""

    def handle(
        self, owner: str, machines: Machines, *, group_id: str = "foldline", start_anywhere: bool = False
    ) -> Tables:
        """The port, as this owner has it."""
        return self._handle(Claimant(group_id, owner, frozenset({WORKFLOWS.topic}), start_anywhere), machines)

    @abstractmethod
    def _handle(self, claimant: Claimant, machines: Machines) -> Tables: ...

    @abstractmethod
    def change_by_hand(self, key: EntityKey, state: str, since: datetime) -> None: ...

    @abstractmethod
    def delete_by_hand(self, key: EntityKey) -> None: ...

    @abstractmethod
    def break_off(self, tables: Tables) -> None:
        """End the session that this handle writes with: what it has not committed is lost."""

    @abstractmethod
    def positions(self) -> Rows:
        """Topic, partition, next offset, epoch, owner, the four counts, whether it was stopped."""

    @abstractmethod
    def history(self) -> Rows:
        """In the order of its ids: entity, from and to, action, success, reason, record offset, version."""

    @abstractmethod
    def timeline(self) -> Rows:
        """In the order of its ids: workflow, kind, record offset."""

    @abstractmethod
    def dead_letters(self) -> Rows:
        """Topic, partition, offset, verdict, reason, detail."""

    @abstractmethod
    def activations(self) -> Rows:
        """Topic, partition, offset, machine, version."""


class ModelGround(Ground):
    """The model."""

    def __init__(self) -> None:
        self.store = Store()

    def _handle(self, claimant: Claimant, machines: Machines) -> Tables:
        return ModelTables(self.store, claimant, machines)

    def change_by_hand(self, key: EntityKey, state: str, since: datetime) -> None:
        self.store.change_by_hand(key, state, since)

    def delete_by_hand(self, key: EntityKey) -> None:
        self.store.delete_by_hand(key)

    def break_off(self, tables: Tables) -> None:
        assert isinstance(tables, ModelTables)
        tables.fate = Fate.LOST

    def positions(self) -> Rows:
        return sorted(
            (
                *_where(partition),
                *(held.next_offset, held.epoch, held.owner),
                *(held.counts.applied, held.counts.duplicate, held.counts.rejected, held.counts.undecodable),
                held.stopped_reason is not None,
            )
            for partition, held in self.store.positions.items()
        )

    def history(self) -> Rows:
        written = [(row.id, _history_row(row)) for _, row in self.store.history]
        by_hand = [
            (change, (*key, before, after, "MANUAL", True, None, self._record_before(change, key), None))
            for change, key, before, after in self.store.by_hand
        ]
        return [row for _, row in sorted([*written, *by_hand], key=lambda one: one[0])]

    def timeline(self) -> Rows:
        lines = sorted(self.store.timeline, key=lambda written: written[1].id)
        return [(line.event.workflow_id, str(line.event.kind), line.offset) for _, line in lines]

    def dead_letters(self) -> Rows:
        return sorted(
            (*_where(partition), letter.record.offset, str(letter.verdict), str(letter.reason), letter.detail)
            for partition, letter in self.store.dead_letters
        )

    def activations(self) -> Rows:
        return sorted(
            (*_where(partition), *activation)
            for partition, activations in self.store.activations.items()
            for activation in activations
        )

    def _record_before(self, change: int, key: EntityKey) -> int | None:
        """Which record had moved the entity before it was changed by hand: on an UPDATE, its row still says."""
        moved = [
            row
            for _, row in self.store.history
            if row.id < change and (row.event.fsm_type, row.event.entity_id) == key and isinstance(row.outcome, Hop)
        ]
        inserted = [at for at, changed, before, _ in self.store.by_hand if changed == key and before is None]
        since = max((at for at in inserted if at <= change), default=0)
        return max((row.id, row.offset) for row in moved if row.id > since)[1] if moved and since != change else None


class PostgresGround(Ground):
    """PostgreSQL, on a database that is emptied first."""

    def __init__(self, database_url: str, stack: ExitStack) -> None:
        self._database_url = database_url
        self._stack = stack
        self._rows(f"TRUNCATE {', '.join((*TABLES, 'foldline_machine_activations', 'foldline_machine_versions'))}")

    def _handle(self, claimant: Claimant, machines: Machines) -> Tables:
        tables = PostgresTables(self._database_url, claimant=claimant, machines=machines)
        self._stack.callback(tables.close)
        return tables

    def change_by_hand(self, key: EntityKey, state: str, since: datetime) -> None:
        self._rows(
            "INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (fsm_type, entity_id) DO UPDATE SET current_state = excluded.current_state,"
            " transition_timestamp = excluded.transition_timestamp",
            *(*key, state, since),
        )

    def delete_by_hand(self, key: EntityKey) -> None:
        self._rows("DELETE FROM fsm_state WHERE fsm_type = %s AND entity_id = %s", *key)

    def break_off(self, tables: Tables) -> None:
        del tables  # the only ones that a test has made
        self._rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'foldline worker writer%%'"
        )

    def positions(self) -> Rows:
        return self._rows(
            "SELECT topic, partition, next_offset, epoch, owner, applied, duplicate, rejected, undecodable,"
            " stopped_reason IS NOT NULL FROM foldline_positions ORDER BY 1, 2"
        )

    def history(self) -> Rows:
        return self._rows(
            "SELECT fsm_type, entity_id, from_state, to_state, action, success, reason, record_offset,"
            " definition_version FROM fsm_state_history ORDER BY id"
        )

    def timeline(self) -> Rows:
        return self._rows("SELECT workflow_id, kind, record_offset FROM workflow_execution_history ORDER BY id")

    def dead_letters(self) -> Rows:
        return self._rows(
            "SELECT topic, partition, record_offset, verdict, reason, detail FROM foldline_dead_letters"
            " ORDER BY 1, 2, 3"
        )

    def activations(self) -> Rows:
        return self._rows(
            "SELECT topic, partition, from_offset, fsm_type, version FROM foldline_machine_activations"
            " ORDER BY 1, 2, 3, 4"
        )

    def _rows(self, sql: str, *parameters: object) -> Rows:
        return rows(self._database_url, sql, *parameters)


def _where(partition: Partition) -> tuple[str, int]:
    return partition.topic, partition.number


def _history_row(row: HistoryRow) -> tuple[Any, ...]:
    event, outcome = row.event, row.outcome
    match outcome:
        case Hop():
            success, reason = True, None
        case FailedAttempt():
            success, reason = False, None
        case Rejection():
            success, reason = False, str(outcome.reason)
    met, asked = outcome.from_state, outcome.to_state
    return (
        event.fsm_type,
        event.entity_id,
        met,
        asked,
        event.action,
        success,
        reason,
        row.offset,
        row.definition_version,
    )
