"""The limit: the same rows of history by COPY into the same indexed table, and the cheapest upsert of the states.

Nothing is read, validated, judged, fenced or remembered, and the rows are formatted before the clock starts. The state
table has three columns and one index, so its updates are HOT. One session, batches of 5,000 of one partition each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from bench.job import TOPIC, Job
from bench.meter import Measured, Meter
from bench.workload import Event
from foldline.kafka.topics import PARTITIONS

BATCH = 5_000
NULL = "\\N"

COPY = (
    "COPY fsm_state_history (id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms,"
    " correlation_id, metadata, success, error_message, event_id, reason, topic, partition, record_offset,"
    " definition_version) FROM STDIN"
)
UPSERT = """
INSERT INTO limit_state SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (fsm_type, entity_id) DO UPDATE SET current_state = excluded.current_state"""


@dataclass(slots=True)
class _Batch:
    """Rows as COPY text, and the last state of every entity."""

    lines: list[str] = field(default_factory=list)
    last: dict[tuple[str, str], str] = field(default_factory=dict)

    def payload(self) -> bytes:
        return "".join(self.lines).encode()

    def states(self) -> tuple[str, str, str]:
        """Three array literals: what a driver would have to make of the states."""
        types, keys = [key[0] for key in self.last], [key[1] for key in self.last]
        return _array(types), _array(keys), _array(list(self.last.values()))


def run(job: Job) -> Measured:
    """Write what the log comes to."""
    meter = Meter(job.database_url, job.servers)
    with psycopg.connect(job.database_url) as connection, connection.cursor() as cursor:
        first_id = _highest_id(cursor) + 1
        connection.commit()
        batches = [(batch.payload(), batch.states()) for batch in _batches(job, first_id)]
        meter.start()
        for payload, states in batches:
            with cursor.copy(COPY) as copy:
                copy.write(payload)
            cursor.execute(UPSERT, states)
            connection.commit()
        return meter.stop(job.workload.events)


def _highest_id(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.execute("SELECT coalesce(max(id), 0) FROM fsm_state_history").fetchone()
    assert row is not None, "max() has a row"
    return int(row[0])


def _batches(job: Job, first_id: int) -> list[_Batch]:
    """In the order in which batches of one partition become full."""
    filling = [_Batch() for _ in range(PARTITIONS)]
    full: list[_Batch] = []
    offsets = [0] * PARTITIONS
    since: dict[str, datetime] = {}
    for number, event in enumerate(job.workload.log(), start=first_id):
        partition = int(event.key.rpartition("-")[2]) % PARTITIONS
        batch = filling[partition]
        batch.lines.append(_line(number, event, since.get(event.key), partition, offsets[partition]))
        batch.last[event.fsm_type, event.key] = event.to_state
        since[event.key] = event.at
        offsets[partition] += 1
        if len(batch.lines) == BATCH:
            full.append(batch)
            filling[partition] = _Batch()
    return full + [batch for batch in filling if batch.lines]


def _line(number: int, event: Event, since: datetime | None, partition: int, offset: int) -> str:
    duration = NULL if since is None else (event.at - since).total_seconds() * 1000
    return (
        f"{number}\t{event.fsm_type}\t{event.key}\t{event.from_state}\t{event.to_state}\t{event.action}\t"
        f"{event.at.isoformat()}\t{duration}\t{event.correlation_id}\t{event.metadata}\tt\t"
        f"{event.error_message or NULL}\t{event.event_id}\t{NULL}\t{TOPIC}\t{partition}\t{offset}\t1\n"
    )


def _array(texts: list[str]) -> str:
    return "{" + ",".join(texts) + "}"
