"""What people ask of the tables: read-only, each answer a frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import errors
from psycopg.abc import Buffer

from foldline.core.batch import EntityKey, Partition
from foldline.core.decide import Entity
from foldline.core.decide_workflow import Workflow
from foldline.core.events import TransitionEvent, Verdict, WorkflowEvent
from foldline.errors import DatabaseError, UsageError
from foldline.postgres.asking import asking
from foldline.postgres.entries import (
    AcceptanceEntry,
    EntityStory,
    HistoryEntry,
    Position,
    TimelineEntry,
    WorkflowEntry,
    WorkflowStory,
)
from foldline.postgres.letter_entries import DeadLetterEntry
from foldline.postgres.queries import query
from foldline.postgres.rows import entity_of, key_parameters, workflow_of
from foldline.postgres.trace_entries import RecordHistoryEntry, RecordLetterEntry, RecordTimelineEntry, RecordTrace

__all__ = [
    "AcceptanceEntry",
    "DeadLetterEntry",
    "EntityStory",
    "HistoryEntry",
    "Position",
    "Reports",
    "TimelineEntry",
    "WorkflowEntry",
    "WorkflowStory",
]

_NAMES_OF_EVENT = ("fsm_type", "entity_id", "workflow_id", "correlation_id", "event_id")

_Row = TypeVar("_Row")


class _RawJson(psycopg.adapt.Loader):
    """jsonb as the text that PostgreSQL gives, with every digit that it has."""

    def load(self, data: Buffer) -> msgspec.Raw:
        return msgspec.Raw(bytes(data))


class Reports:
    """Asks one database; each question is a connection of its own and may raise `DatabaseError`."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def positions(self) -> list[Position]:
        """Every partition that was ever claimed."""
        return self._all(Position, "list_positions")

    def acceptances(self) -> list[AcceptanceEntry]:
        """What was accepted about stopped partitions, latest first."""
        return self._all(AcceptanceEntry, "list_acceptances")

    def barriers(self) -> list[tuple[str, int, int]]:
        """Topic, partition, and an older partition that it has to wait for before it begins."""
        return self._tuples("list_barriers")

    def recorded_machines(self) -> list[tuple[str, int, str, str]]:
        """Every machine version that has ever judged: type, version, digest, and its document."""
        return self._tuples("recorded_machines")

    def machines_now(self) -> list[tuple[str, int, str, int | None]]:
        """Topic, partition, type, and the version that judges there now; None where one was withdrawn."""
        return self._tuples("machines_now")

    def states(self) -> list[tuple[str, str, int]]:
        """Entities by machine and state."""
        return self._tuples("count_states")

    def workflow_statuses(self) -> list[tuple[str, int]]:
        """Workflows by status."""
        return self._tuples("count_workflows_by_status")

    def open_dead_letters(self) -> list[tuple[str, str, int]]:
        """Open dead letters by verdict and reason."""
        return [(verdict, reason, count) for verdict, reason, count, _ in self._tuples("dead_letters_backlog")]

    def entity(self, fsm_type: str, entity_id: str) -> EntityStory | None:
        """One entity with its history in the log's order, None if nothing is kept of it."""
        key = {"fsm_type": fsm_type, "entity_id": entity_id}
        rows, now, ((cleaned_before,),), ((asked_at,),) = self._at_once(
            ("entity_history", key),
            ("entity_now", key),
            ("cleaned_before", {"target": "fsm_state_history"}),
            ("clock", {}),
        )
        if not rows and not now:
            return None
        state, since = now[0] if now else (None, None)
        history = [HistoryEntry(*row) for row in rows]
        return EntityStory(fsm_type, entity_id, history, state, since, asked_at, cleaned_before)

    def busiest_entity(self) -> tuple[str, str] | None:
        """The entity with the longest history, None if there is no history."""
        return next(iter(self._tuples("busiest_entity")), None)

    def record(self, partition: Partition, offset: int, event: TransitionEvent | WorkflowEvent | None) -> RecordTrace:
        """What the tables hold of one record. Without its event, whole tables are looked through for its rows."""
        where = {"topic": partition.topic, "partition": partition.number, "offset": offset}
        named = {name: getattr(event, name, None) for name in _NAMES_OF_EVENT}
        cleaned = "workflow_executions" if isinstance(event, WorkflowEvent) else "fsm_state_history"
        asked: dict[str, Mapping[str, object]] = {
            "list_positions": {},
            "list_acceptances": {},
            "record_letters": where,
            "cleaned_before": {"target": cleaned},
        }
        if not isinstance(event, WorkflowEvent):
            asked["record_history"] = where | named
        if not isinstance(event, TransitionEvent):
            asked["record_timeline"] = where | named
        if event is not None:
            asked["known_identities"] = {"digests": [event.identity]}
            asked["workflow_event_places" if isinstance(event, WorkflowEvent) else "event_places"] = named
        found = dict(zip(asked, self._at_once(*asked.items()), strict=True))
        ((cleaned_before,),) = found["cleaned_before"]
        return RecordTrace(
            next((each for each in starmap(Position, found["list_positions"]) if each.key == partition), None),
            [each for each in starmap(AcceptanceEntry, found["list_acceptances"]) if each.key == partition],
            [RecordHistoryEntry(*row) for row in found.get("record_history", ())],
            [RecordTimelineEntry(*row) for row in found.get("record_timeline", ())],
            [RecordLetterEntry(*row) for row in found["record_letters"]],
            [*found.get("event_places", ()), *found.get("workflow_event_places", ())],
            bool(found.get("known_identities")),
            cleaned_before,
        )

    def workflows(self, *, status: str | None, limit: int) -> list[WorkflowEntry]:
        """Workflows with this status, or all; the one whose last event is oldest first."""
        return self._all(WorkflowEntry, "list_workflows", status=status, limit=limit)

    def stuck_workflows(self, *, hours: float, limit: int) -> list[WorkflowEntry]:
        """Running workflows without an event for so long."""
        return self._all(WorkflowEntry, "stuck_workflows", hours=hours, limit=limit)

    def workflow(self, workflow_id: str) -> WorkflowStory | None:
        """One workflow, None if there is none of that name."""
        key = {"workflow_id": workflow_id}
        rows, timeline, clock = self._at_once(("show_workflow", key), ("workflow_timeline", key), ("clock", {}))
        if not rows:
            return None
        ((asked_at,),) = clock
        return WorkflowStory(WorkflowEntry(*rows[0]), [TimelineEntry(*row) for row in timeline], asked_at)

    def dead_letters(
        self, *, status: str | None, reason: str | None, entity_id: str | None, limit: int | None
    ) -> list[DeadLetterEntry]:
        """Dead letters, latest first; all of them without a limit."""
        return self._all(
            DeadLetterEntry, "list_dead_letters", status=status, reason=reason, entity_id=entity_id, limit=limit
        )

    def entities(self, keys: Sequence[EntityKey]) -> dict[EntityKey, Entity | None]:
        """What later events of these entities are judged by, None where there is no row."""
        found: dict[EntityKey, Entity | None] = dict.fromkeys(keys)
        return found | dict(map(entity_of, self._tuples("load_entities", **key_parameters(keys))))

    def judged_workflows(self, workflow_ids: Sequence[str]) -> dict[str, Workflow | None]:
        """What later events of these workflows are judged by, None where there is no row."""
        found: dict[str, Workflow | None] = dict.fromkeys(workflow_ids)
        return found | dict(map(workflow_of, self._tuples("load_workflows", workflow_ids=list(workflow_ids))))

    def verdicts(self, digests: Sequence[str]) -> dict[str, Verdict]:
        """The identities among these that have a verdict already."""
        found = self._tuples("known_identities", digests=list(digests))
        return {digest: Verdict.REJECTED if rejected else Verdict.APPLIED for digest, rejected in found}

    def _all(self, shape: type[_Row], name: str, **parameters: object) -> list[_Row]:
        return [shape(*row) for row in self._tuples(name, **parameters)]

    def _tuples(self, name: str, **parameters: object) -> list[Any]:
        return self._at_once((name, parameters))[0]

    def _at_once(self, *questions: tuple[str, Mapping[str, object]]) -> list[list[Any]]:
        """The answers to several questions, all of one moment."""
        with asking(self._database_url, "report") as connection:
            connection.adapters.register_loader("jsonb", _RawJson)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            try:
                with connection.transaction():
                    return [connection.execute(query(name), parameters).fetchall() for name, parameters in questions]
            except errors.UndefinedTable:
                raise DatabaseError(
                    "The database has no tables of foldline's.", remedy="Run `foldline migrate`."
                ) from None
            except UnicodeEncodeError:
                raise UsageError("An argument is no UTF-8, and so nothing that the tables hold.") from None
