"""What the tiers share: events as bytes, an in-memory log, and a worker that runs until it has caught up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from foldline import facts
from foldline.core.batch import Batch, Decoded, Partition, Span
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record
from foldline.core.machine import Machine, Machines
from foldline.custody import Custody
from foldline.engine import Worker
from foldline.folding import Folding
from foldline.machines import load_machines
from foldline.ports import Chunk, Claim, Listener, LogFacts
from foldline.postgres.claims import Claimant
from foldline.postgres.lanes import DEFAULT_BOUNDS, Bounds
from foldline.postgres.tables import PostgresTables

Publishable = dict[str, Any] | bytes | Record | None
"""An event, the bytes of one, a whole record, or a tombstone."""

TRANSITIONS = Partition("fsm.transitions.v1", 0)
WORKFLOWS = Partition("workflow.executions.v1", 0)
MACHINES: Machines = load_machines([])
INGESTION: Machine = MACHINES["INGESTION"]
REVIEW = """
fsm_type: REVIEW
version: 7
initial: OPEN
states:
  OPEN:
  DONE: {final: true}
transitions:
  - {action: CLOSE, from: OPEN, to: DONE}
"""
"""The definition of a machine that is not shipped."""


def transition(action: str, **fields: object) -> dict[str, Any]:
    """A transition event of doc-1 as a publisher would write it."""
    event: dict[str, Any] = {
        "correlation_id": "c-1",
        "occurred_at": "2026-01-31T12:00:00Z",
        "fsm_type": "INGESTION",
        "entity_id": "doc-1",
        "action": action,
    }
    return event | fields


def workflow(kind: str, **fields: object) -> dict[str, Any]:
    """A workflow event of wf-1 as a publisher would write it."""
    event: dict[str, Any] = {
        "correlation_id": "c-1",
        "occurred_at": "2026-01-31T12:00:00Z",
        "workflow_id": "wf-1",
        "kind": kind,
    }
    if kind == "STARTED":
        event |= {"operation_type": "DOCUMENT_INGESTION", "entity_id": "doc-1"}
    return event | fields


def encoded(event: dict[str, Any] | bytes | None) -> bytes | None:
    """The value of the record that carries the event."""
    return json.dumps(event).encode() if isinstance(event, dict) else event


def records(events: Iterable[Publishable], *, start: int = 0) -> list[Record]:
    """One record per event, at consecutive offsets."""
    return [
        replace_offset(event, start + index)
        if isinstance(event, Record)
        else Record(start + index, None, encoded(event))
        for index, event in enumerate(events)
    ]


def replace_offset(record: Record, offset: int) -> Record:
    """The same record elsewhere in the log."""
    return Record(offset, record.key, record.value, record.headers, record.timestamp_ms)


def batch(listed: Sequence[Record], partition: Partition = TRANSITIONS) -> Batch:
    """The records as one decoded batch."""
    decode = decode_workflow if partition.topic == WORKFLOWS.topic else decode_transition
    start = listed[0].offset if listed else 0
    end = listed[-1].offset + 1 if listed else 0
    return Batch(
        partition, Span(start, end), [Decoded(record, decode(record.value, record.headers)) for record in listed]
    )


@dataclass
class MemorySource:
    """The port `Source` on lists of records: every partition is assigned at once and ends where its list ends."""

    logs: dict[Partition, list[Record]] = field(default_factory=dict)
    batch_size: int = 1000
    low: int = 0
    topic_id: str | None = "id-1"
    acknowledged: dict[Partition, int] = field(default_factory=dict)
    reading: dict[Partition, int] = field(default_factory=dict)

    def listen(self, listener: Listener) -> None:
        listener.assigned(list(self.logs))

    def poll(self, *, wait: bool) -> Chunk | None:
        del wait
        for partition, offset in self.reading.items():
            waiting = [record for record in self.logs[partition] if record.offset >= offset][: self.batch_size]
            if waiting:
                end = waiting[-1].offset + 1
                self.reading[partition] = end
                return Chunk(partition, Span(offset, end), waiting)
        return None

    def log_facts(self, partition: Partition) -> LogFacts:
        log = self.logs[partition]
        return LogFacts(self.low, log[-1].offset + 1 if log else self.low, self.topic_id)

    def known_end(self, partition: Partition) -> int | None:
        return self.log_facts(partition).high

    def read_from(self, claim: Claim, offset: int) -> None:
        self.reading[claim.partition] = offset

    def stop_reading(self, partition: Partition) -> None:
        self.reading.pop(partition, None)

    def acknowledge(self, partition: Partition, next_offset: int) -> None:
        self.acknowledged[partition] = next_offset

    def confirm_membership(self, partition: Partition, next_offset: int) -> None:
        del partition, next_offset

    def keep_alive(self, seconds: float, unless: Callable[[], bool]) -> None:
        del seconds, unless

    @property
    def idle(self) -> bool:
        """Whether every record was handed out."""
        return all(
            not log or self.reading.get(partition, 1 << 62) > log[-1].offset for partition, log in self.logs.items()
        )


@dataclass
class Projector:
    """A worker on a database and an in-memory log, and what it announced."""

    database_url: str = field(repr=False)
    machines: Machines = field(default_factory=lambda: MACHINES)
    group_id: str = "foldline"
    owner: str = "test:1"
    start_anywhere: bool = False
    now: Callable[[], float] = field(default=lambda: 0.0)
    bounds: Bounds = DEFAULT_BOUNDS
    announced: list[facts.Fact] = field(default_factory=list)

    def tables(self) -> PostgresTables:
        """The real tables."""
        claimant = Claimant(self.group_id, self.owner, frozenset({WORKFLOWS.topic}), self.start_anywhere)
        return PostgresTables(
            self.database_url,
            claimant=claimant,
            machines=self.machines,
            bounds=self.bounds,
            announce=self.announced.append,
        )

    def worker(self, source: MemorySource, tables: PostgresTables) -> tuple[Worker, Custody]:
        """A worker that has its partitions assigned."""
        custody = Custody(source, tables, self.group_id, self.announced.append)
        folding = Folding(tables, self.machines, frozenset({WORKFLOWS.topic}))
        worker = Worker(source, tables, custody, folding, self.announced.append, self.now)
        source.listen(worker)
        return worker, custody

    def project(
        self,
        *events: Publishable,
        partition: Partition = TRANSITIONS,
        start: int = 0,
        batch_size: int = 1000,
    ) -> Custody:
        """Project these events of one partition to their end."""
        return self.run(MemorySource({partition: records(events, start=start)}, batch_size=batch_size))

    def run(self, source: MemorySource) -> Custody:
        """Project a whole in-memory log to its end."""
        tables = self.tables()
        try:
            worker, custody = self.worker(source, tables)
            worker.turn()
            while not source.idle:
                worker.turn()
            worker.settle()
        finally:
            tables.close()
        return custody

    def heard(self, kind: type[facts.Fact]) -> list[Any]:
        """The facts of one kind."""
        return [fact for fact in self.announced if isinstance(fact, kind)]


def each_of(database_url: str, statements: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    """What each of the statements returns, by its name, asked in one session."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return {name: connection.execute(sql.encode()).fetchall() for name, sql in statements.items()}


def rows(database_url: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run SQL as a person would, in a session of its own, and return what it gives."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(sql, parameters)
        return cursor.fetchall() if cursor.description is not None else []


COUNTS = "SELECT applied, duplicate, rejected, undecodable FROM foldline_positions ORDER BY topic, partition"
HISTORY = (
    "SELECT from_state, to_state, action, success, reason, duration_ms FROM fsm_state_history"
    " WHERE entity_id = 'doc-1' ORDER BY id"
)

TABLES = {
    "fsm_state": (
        "SELECT fsm_type, entity_id, current_state, previous_state, transition_timestamp, metadata::text, retry_count,"
        " kept_lease_id, kept_lease_epoch, topic, partition, record_offset FROM fsm_state ORDER BY 1, 2"
    ),
    "fsm_state_history": (
        "SELECT fsm_type, entity_id, row_number() OVER (PARTITION BY fsm_type, entity_id ORDER BY id), from_state,"
        " to_state, action, transitioned_at, duration_ms, correlation_id, metadata::text, success, error_message,"
        " event_id, reason, topic, partition, record_offset, definition_version FROM fsm_state_history"
        " ORDER BY 1, 2, 3"
    ),
    "workflow_executions": (
        "SELECT workflow_id, operation_type, entity_id, status, current_step, completed_steps::text, started_at,"
        " completed_at, duration_ms, correlation_id, input_payload::text, output_results::text, error_message,"
        " retry_count, failed_step, metadata::text, last_event_at, kept_lease_id, kept_lease_epoch, topic, partition,"
        " record_offset FROM workflow_executions ORDER BY 1"
    ),
    "workflow_execution_history": (
        "SELECT workflow_id, row_number() OVER (PARTITION BY workflow_id ORDER BY id), kind, step, occurred_at,"
        " correlation_id, event_id, error_message, payload::text, topic, partition, record_offset"
        " FROM workflow_execution_history ORDER BY 1, 2"
    ),
    "foldline_identities": "SELECT digest, rejected FROM foldline_identities ORDER BY 1",
    "foldline_dead_letters": (
        "SELECT topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id,"
        " correlation_id, event_id, key, value, headers::text, record_timestamp_ms, status"
        " FROM foldline_dead_letters ORDER BY 1, 2, 3"
    ),
    "foldline_positions": (
        "SELECT topic, partition, next_offset, begun_at, applied, duplicate, rejected, undecodable"
        " FROM foldline_positions ORDER BY 1, 2"
    ),
}
"""Everything that the log decides: ids, revisions, epochs and the database's own clock are left out."""


def snapshot(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """The tables as the log decides them, for comparing two projections."""
    return each_of(database_url, TABLES)
