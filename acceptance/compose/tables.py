"""What the tables hold, in the shape of examples/expected.json."""

from __future__ import annotations

from typing import Any

from acceptance.compose.stack import Stack

_TABLES = {"dead_letters": "foldline_dead_letters WHERE verdict = 'rejected'"}
_VERDICTS = """
SELECT sum(applied + duplicate + rejected + undecodable)::integer, sum(applied)::integer, sum(duplicate)::integer
  FROM foldline_positions WHERE topic = '{topic}'"""
_REASONS = """
SELECT reason, count(*) FROM foldline_dead_letters WHERE {which} GROUP BY reason ORDER BY reason"""
_STATES = """
SELECT fsm_type, jsonb_object_agg(current_state, entities ORDER BY current_state)
  FROM (SELECT fsm_type, current_state, count(*) AS entities FROM fsm_state GROUP BY fsm_type, current_state) AS counted
 GROUP BY fsm_type"""


def judged(stack: Stack) -> int:
    """How many records have got their verdict."""
    ((count,),) = stack.rows(
        "SELECT coalesce(sum(applied + duplicate + rejected + undecodable), 0)::integer FROM foldline_positions"
    )
    return int(count)


def found(stack: Stack, expected: dict[str, Any]) -> dict[str, Any]:
    """What there is of everything that is expected; undecodable records count to neither kind of event."""
    undecodable = dict(stack.rows(_REASONS.format(which="verdict = 'undecodable'")))
    return {
        "seed": expected["seed"],
        "entities": stack.rows("SELECT count(*) FROM fsm_state")[0][0],
        "transitions": _topic(stack, "fsm.transitions.v1"),
        "workflows": _topic(stack, "workflow.executions.v1"),
        "rows": {
            name: stack.rows(f"SELECT count(*) FROM {_TABLES.get(name, name)}")[0][0] for name in expected["rows"]
        },
        "states": dict(stack.rows(_STATES)),
        "statuses": dict(stack.rows("SELECT status, count(*) FROM workflow_executions GROUP BY status")),
        "undecodable": {"records": sum(undecodable.values()), **undecodable},
    }


def _topic(stack: Stack, topic: str) -> dict[str, Any]:
    ((records, applied, duplicate),) = stack.rows(_VERDICTS.format(topic=topic))
    unread = dict(stack.rows(_REASONS.format(which=f"topic = '{topic}' AND verdict = 'undecodable'")))
    rejected = dict(stack.rows(_REASONS.format(which=f"topic = '{topic}' AND verdict = 'rejected'")))
    return {
        "records": records - sum(unread.values()),
        "applied": applied,
        "duplicate": duplicate,
        "rejected": rejected,
    }
