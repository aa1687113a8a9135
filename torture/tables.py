"""The tables as they are, in the terms of the oracle: plain dictionaries by the place of a record, or by key."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from oracle.decode import Members, Number, parsed
from oracle.projection import Place, Reign
from oracle.transitions import ByHand, Key
from torture.stories import VERSIONS

Row = dict[str, Any]

_HISTORY = """
SELECT id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id,
       metadata::text AS metadata, success, error_message, event_id, reason, topic, partition, record_offset,
       definition_version
  FROM fsm_state_history ORDER BY id"""
_ENTITIES = """
SELECT fsm_type, entity_id, current_state, previous_state, transition_timestamp, metadata::text AS metadata,
       retry_count, kept_lease_id, kept_lease_epoch, topic, partition, record_offset FROM fsm_state"""
_WORKFLOWS = """
SELECT workflow_id, operation_type, entity_id, status, current_step, completed_steps::text AS completed_steps,
       started_at, completed_at, duration_ms, correlation_id, input_payload::text AS input_payload,
       output_results::text AS output_results, error_message, retry_count, failed_step, metadata::text AS metadata,
       last_event_at, kept_lease_id, kept_lease_epoch, topic, partition, record_offset FROM workflow_executions"""
_TIMELINE = """
SELECT id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload::text AS payload,
       topic, partition, record_offset FROM workflow_execution_history ORDER BY id"""
_LETTERS = """
SELECT topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id,
       event_id, key, value, headers, record_timestamp_ms, status, answered_topic, answered_partition, answered_offset
  FROM foldline_dead_letters"""
_POSITIONS = """
SELECT topic, partition, next_offset, begun_at, applied, duplicate, rejected, undecodable, stopped_reason
  FROM foldline_positions"""
_ACTIVATIONS = "SELECT topic, partition, fsm_type, from_offset, version FROM foldline_machine_activations"
_IDENTITIES = "SELECT rejected, count(*) AS number FROM foldline_identities GROUP BY rejected"
_FREE = ("metadata", "input_payload", "output_results", "payload", "completed_steps")


@dataclass(frozen=True)
class Tables:
    """Everything that the log decides, as it stands."""

    history: list[Row]
    entities: list[Row]
    workflows: list[Row]
    timeline: list[Row]
    letters: list[Row]
    positions: list[Row]
    activations: list[Row]
    identities: dict[bool, int]


def read_tables(connection: psycopg.Connection[Any]) -> Tables:
    """All tables, when all is quiet."""

    def rows(sql: str) -> list[Row]:
        with connection.cursor(row_factory=dict_row) as cursor:
            return [_plain(row) for row in cursor.execute(sql.encode()).fetchall()]

    connection.execute("SET TimeZone = 'UTC'")
    return Tables(
        rows(_HISTORY),
        rows(_ENTITIES),
        rows(_WORKFLOWS),
        rows(_TIMELINE),
        rows(_LETTERS),
        rows(_POSITIONS),
        rows(_ACTIVATIONS),
        {row["rejected"]: row["number"] for row in rows(_IDENTITIES)},
    )


def exact(tree: object) -> object:
    """JSON as it compares: numbers by their value, objects by name."""
    match tree:
        case Number():
            return Decimal(tree.text)
        case Members():
            return {name: exact(value) for name, value in tree}
        case dict():
            return {name: exact(value) for name, value in tree.items()}
        case list():
            return [exact(value) for value in tree]
        case _:
            return tree


def reigns(tables: Tables) -> dict[tuple[str, int], dict[str, list[Reign]]]:
    """Which rules judged from which offset on, by partition and machine, as the workers recorded it."""
    versions = {(name, rules.version): rules for machines in VERSIONS for name, rules in machines.items()}
    found: dict[tuple[str, int], dict[str, list[Reign]]] = {}
    for row in sorted(tables.activations, key=lambda row: row["from_offset"]):
        of_partition = found.setdefault((row["topic"], row["partition"]), {})
        rules = versions[row["fsm_type"], row["version"]]
        of_partition.setdefault(row["fsm_type"], []).append((row["from_offset"], rules))
    return found


def by_hand(tables: Tables) -> dict[Key, dict[Place | None, list[ByHand]]]:
    """What was changed by hand, by entity and by the record of the row before it in the history."""
    found: dict[Key, dict[Place | None, list[ByHand]]] = {}
    last: dict[Key, Place] = {}
    for row in tables.history:
        key = (row["fsm_type"], row["entity_id"])
        if row["action"] == "MANUAL":
            change = ByHand(row["to_state"], row["transitioned_at"])
            found.setdefault(key, {}).setdefault(last.get(key), []).append(change)
        else:
            last[key] = row["place"]
    return found


def headers_of(listed: list[list[str | None]] | None) -> tuple[tuple[str | None, bytes | None], ...]:
    """Headers as a dead letter keeps them."""
    return tuple((name, None if text is None else b64decode(text)) for name, text in listed or ())


def _plain(row: Row) -> Row:
    for name in _FREE:
        if row.get(name) is not None:
            row[name] = exact(parsed(row[name]))
    if "record_offset" in row:
        row["place"] = (row.pop("topic"), row.pop("partition"), row.pop("record_offset"))
    return row
