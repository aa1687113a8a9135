"""The loop that a good team writes by hand: poll, validate, check the transition, one upsert per event, commit per 500.

History is written by a row trigger (`by_hand.sql`). The upsert moves a row only from the state that the event comes
from, so a redelivered event changes nothing.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import psycopg
from confluent_kafka import Consumer, KafkaException
from psycopg.types.json import Jsonb
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from bench.job import TOPIC, Job, RanTooLongError
from bench.meter import Measured, Meter

COMMIT_EVERY = 500

Name = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]

TRANSITIONS = {
    ("INGESTION", "RECEIVED", "START_PROCESSING"): "PROCESSING",
    ("INGESTION", "PROCESSING", "COMPLETE_INDEXING"): "INDEXED",
    ("INGESTION", "RECEIVED", "FAIL"): "FAILED",
    ("INGESTION", "PROCESSING", "FAIL"): "FAILED",
    ("INGESTION", "INDEXED", "REINDEX"): "PROCESSING",
    ("INGESTION", "FAILED", "RETRY"): "PROCESSING",
    ("PATTERN_LEARNING", "FOUNDATION", "ADVANCE_TO_MATCHING"): "MATCHING",
    ("PATTERN_LEARNING", "MATCHING", "ADVANCE_TO_VALIDATION"): "VALIDATION",
    ("PATTERN_LEARNING", "VALIDATION", "ADVANCE_TO_TRACEABILITY"): "TRACEABILITY",
    ("PATTERN_LEARNING", "TRACEABILITY", "COMPLETE_LEARNING"): "COMPLETED",
    ("PATTERN_LEARNING", "FOUNDATION", "FAIL"): "FAILED",
    ("PATTERN_LEARNING", "MATCHING", "FAIL"): "FAILED",
    ("PATTERN_LEARNING", "VALIDATION", "FAIL"): "FAILED",
    ("PATTERN_LEARNING", "TRACEABILITY", "FAIL"): "FAILED",
    ("PATTERN_LEARNING", "COMPLETED", "RELEARN"): "FOUNDATION",
    ("PATTERN_LEARNING", "FAILED", "RETRY"): "FOUNDATION",
    ("QUALITY_ASSESSMENT", "RAW", "START_ASSESSMENT"): "ASSESSING",
    ("QUALITY_ASSESSMENT", "ASSESSING", "COMPLETE_SCORING"): "SCORED",
    ("QUALITY_ASSESSMENT", "SCORED", "STORE_RESULTS"): "STORED",
    ("QUALITY_ASSESSMENT", "RAW", "FAIL"): "FAILED",
    ("QUALITY_ASSESSMENT", "ASSESSING", "FAIL"): "FAILED",
    ("QUALITY_ASSESSMENT", "SCORED", "FAIL"): "FAILED",
    ("QUALITY_ASSESSMENT", "STORED", "REASSESS"): "ASSESSING",
    ("QUALITY_ASSESSMENT", "FAILED", "RETRY"): "ASSESSING",
}

UPSERT = """
INSERT INTO fsm_state AS held (fsm_type, entity_id, current_state, previous_state, transition_timestamp, metadata,
                               last_action, correlation_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (fsm_type, entity_id) DO UPDATE
   SET current_state        = excluded.current_state,
       previous_state       = excluded.previous_state,
       transition_timestamp = excluded.transition_timestamp,
       metadata             = excluded.metadata,
       last_action          = excluded.last_action,
       correlation_id       = excluded.correlation_id,
       updated_at           = now()
 WHERE held.current_state = excluded.previous_state"""


class TransitionEvent(BaseModel):
    """What a record must hold."""

    model_config = ConfigDict(strict=True)

    event_id: Id
    correlation_id: Id
    occurred_at: AwareDatetime
    fsm_type: Name
    entity_id: Id
    action: Name
    from_state: Name
    to_state: Name
    error_message: str | None = None
    metadata: dict[str, Any]


class IllegalTransitionError(Exception):
    """The event does not fit its machine. A team would note it and go on; this log has none."""


def run(job: Job) -> Measured:
    """Consume the whole log."""
    meter = Meter(job.database_url, job.servers)
    consumer = Consumer(
        {
            "bootstrap.servers": job.bootstrap_servers,
            "group.id": job.group_id,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([TOPIC], on_assign=lambda _consumer, _partitions: meter.start())
    try:
        with psycopg.connect(job.database_url) as connection:
            _consume(job, consumer, connection)
            return meter.stop(job.workload.events)
    finally:
        consumer.close()


def _consume(job: Job, consumer: Consumer, connection: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + job.seconds
    cursor = connection.cursor()
    done = 0
    while done < job.workload.events:
        message = consumer.poll(1.0)
        if message is None:
            if time.monotonic() > deadline:
                raise RanTooLongError(f"the loop by hand consumed {done:,} events in {job.seconds:.0f} s")
            continue
        error = message.error()
        if error is not None:
            raise KafkaException(error)
        value = message.value()
        assert value is not None, "this log has no tombstones"
        apply(cursor, value)
        done += 1
        if done % COMMIT_EVERY == 0 or done == job.workload.events:
            connection.commit()
            consumer.commit(asynchronous=False)


def apply(cursor: psycopg.Cursor[Any], value: bytes) -> None:
    """Validate one event and write it."""
    event = TransitionEvent.model_validate_json(value)
    to_state = TRANSITIONS.get((event.fsm_type, event.from_state, event.action))
    if to_state is None or to_state != event.to_state:
        raise IllegalTransitionError(event.event_id)
    cursor.execute(
        UPSERT,
        (
            event.fsm_type,
            event.entity_id,
            to_state,
            event.from_state,
            event.occurred_at,
            Jsonb(event.metadata),
            event.action,
            event.correlation_id,
        ),
    )
    if cursor.rowcount != 1:
        raise IllegalTransitionError(event.event_id)
