"""What workflow events do, read a second time from the rules: one event at a time, on plain dictionaries.

A workflow is a row as its table shows it; what is absent is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Event = dict[str, Any]
Place = Any

LEGAL = {
    "STEP_STARTED": ["RUNNING"],
    "STEP_COMPLETED": ["RUNNING", "PAUSED"],
    "STEP_FAILED": ["RUNNING", "PAUSED"],
    "PAUSED": ["RUNNING"],
    "RESUMED": ["PAUSED"],
    "COMPLETED": ["RUNNING"],
    "FAILED": ["RUNNING", "PAUSED"],
    "RETRIED": ["FAILED"],
}
LEADS_TO = {
    "PAUSED": "PAUSED",
    "RESUMED": "RUNNING",
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "RETRIED": "RUNNING",
}
MOST_STEPS = 1000


@dataclass
class SlowWorkflows:
    """A log of workflow events folded by the letter."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    timeline: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    verdicts: dict[tuple[str, ...], str] = field(default_factory=dict)
    dead: list[tuple[Place, str]] = field(default_factory=list)

    def judge(self, place: Place, event: Event | None, *, redrive: bool) -> str:
        """The verdict of the record at this place; None for an event that cannot be decoded."""
        if event is None:
            self.dead.append((place, "undecodable"))
            return "undecodable"
        event = {name: value for name, value in event.items() if value is not None}
        identity = (event["workflow_id"], event["correlation_id"], event["event_id"])
        before = self.verdicts.get(identity)
        if before == "applied" or (before == "rejected" and not redrive):
            return "duplicate"
        row = self.rows.get(event["workflow_id"])
        reason = next(self._reasons(row, event), None)
        if reason is not None:
            self.dead.append((place, reason))
            self.verdicts[identity] = "rejected"
            return "rejected"
        self.rows[event["workflow_id"]] = self._after(place, dict(row or {}), event)
        self.timeline.setdefault(event["workflow_id"], []).append(self._line(place, event))
        self.verdicts[identity] = "applied"
        return "applied"

    def _reasons(self, row: dict[str, Any] | None, event: Event) -> Iterator[str]:
        """All that speaks against the event, in the contract's order."""
        if row is None:
            if event["kind"] != "STARTED":
                yield "unknown_workflow"
            return
        kept, lease = row.get("lease"), event.get("lease")
        if kept and lease and lease["lease_epoch"] < kept["lease_epoch"]:
            yield "stale_lease"
        if kept and lease and lease["lease_epoch"] == kept["lease_epoch"] and lease["lease_id"] != kept["lease_id"]:
            yield "lease_conflict"
        if row["status"] not in LEGAL.get(event["kind"], []):
            yield "illegal_workflow_event"
        done = row["completed_steps"]
        if event["kind"] == "STEP_COMPLETED" and event["step"] not in done and len(done) == MOST_STEPS:
            yield "illegal_workflow_event"

    def _after(self, place: Place, row: dict[str, Any], event: Event) -> dict[str, Any]:
        kind, at = event["kind"], _instant(event)
        if kind == "STARTED":
            row = {
                "operation_type": event["operation_type"],
                "entity_id": event["entity_id"],
                "correlation_id": event["correlation_id"],
                "status": "RUNNING",
                "started_at": at,
                "completed_steps": [],
                "retry_count": 0,
            }
            row |= {"input_payload": event["input_payload"]} if "input_payload" in event else {}
        row["status"] = LEADS_TO.get(kind, row["status"])
        if kind == "STEP_STARTED":
            row["current_step"] = event["step"]
        if kind == "STEP_COMPLETED" and event["step"] not in row["completed_steps"]:
            row["completed_steps"] = [*row["completed_steps"], event["step"]]
        if kind == "STEP_FAILED":
            row["failed_step"] = event["step"]
        if kind in ("STEP_FAILED", "FAILED") and "error_message" in event:
            row["error_message"] = event["error_message"]
        if kind in ("COMPLETED", "FAILED"):
            row["completed_at"], row["duration_ms"] = at, None
            if at >= row["started_at"]:
                row["duration_ms"] = (at - row["started_at"]) / timedelta(microseconds=1) / 1000
        if kind == "COMPLETED":
            row["current_step"], row["output_results"] = None, event.get("output_results")
        if kind == "RETRIED":
            row |= {"completed_at": None, "duration_ms": None, "failed_step": None, "error_message": None}
            row["retry_count"] += 1
        row |= {name: event[name] for name in ("metadata", "lease") if name in event}
        row["last_event_at"], row["place"] = at, place
        return row

    def _line(self, place: Place, event: Event) -> tuple[Any, ...]:
        """Place, kind, step, occurred_at, correlation_id, event_id, error_message, payload."""
        kind = event["kind"]
        payload = {"STARTED": "input_payload", "COMPLETED": "output_results"}.get(kind, "")
        return (
            place,
            kind,
            event.get("step") if kind.startswith("STEP_") else None,
            _instant(event),
            event["correlation_id"],
            event["event_id"],
            event.get("error_message") if kind in ("STEP_FAILED", "FAILED") else None,
            event.get(payload),
        )


def _instant(event: Event) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])
