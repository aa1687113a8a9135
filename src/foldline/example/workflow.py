"""The narrator of one workflow: plants its events in order, and keeps book of the status that they leave it in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foldline.example.dice import MINUTE, SECOND
from foldline.example.planted import Planted, correlation_id, event_id, event_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from foldline.example.dice import Dice
    from foldline.example.planted import Fate

_STATUS_AFTER = {
    "STARTED": "RUNNING",
    "PAUSED": "PAUSED",
    "RESUMED": "RUNNING",
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "RETRIED": "RUNNING",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What a workflow is for: its type, its steps, and what goes wrong with it."""

    type: str
    steps: tuple[str, ...]
    troubles: tuple[str, ...]


OPERATIONS: dict[str, Operation] = {
    "INGESTION": Operation(
        "DOCUMENT_INGESTION",
        ("fetch", "extract_text", "chunk", "embed", "index"),
        ("embedding service answered 503", "index shard 4 is read-only", "download broke off after 1.2 MB"),
    ),
    "PATTERN_LEARNING": Operation(
        "PATTERN_LEARNING",
        ("collect_samples", "match", "validate", "trace"),
        ("validation precision is below the threshold", "sample store timed out"),
    ),
    "QUALITY_ASSESSMENT": Operation(
        "QUALITY_ASSESSMENT",
        ("sample_pages", "score", "store"),
        ("scoring model timed out", "score store refused the write: quota"),
    ),
}


class WorkflowStory:
    """One workflow's events. `status` is None until STARTED; `lease`, if set, goes on every event."""

    def __init__(
        self,
        operation: Operation,
        workflow_id: str,
        entity_id: str,
        dice: Dice,
        *,
        seed: int,
        start: datetime,
        clock: int,
    ) -> None:
        self.operation = operation
        self.workflow_id = workflow_id
        self.entity_id = entity_id
        self.dice = dice
        self.status: str | None = None
        self.lease: Mapping[str, object] | None = None
        self.with_event_ids = True
        self.name = ""
        self.planted: list[Planted] = []
        self._done = 0
        self._seed = seed
        self._start = start
        self._clock = clock

    def begin(self) -> None:
        """Plant STARTED with its input."""
        self.event("STARTED", **self.opening())

    def opening(self) -> dict[str, object]:
        """Return the fields that STARTED needs."""
        return {
            "operation_type": self.operation.type,
            "entity_id": self.entity_id,
            "input_payload": {"entity_id": self.entity_id, "priority": self.dice.pick(("low", "normal", "high"))},
            "metadata": {"orchestrator": "intelligence_orchestrator", "attempt": 1},
        }

    def work(self, steps: int) -> None:
        """Plant the next `steps` steps, begun and completed, or fewer if no more are left."""
        for step in self.operation.steps[self._done : self._done + steps]:
            self.event("STEP_STARTED", step=step)
            self.event("STEP_COMPLETED", step=step)
            self._done += 1

    def complete(self) -> None:
        """Plant the steps that are left and COMPLETED with its output."""
        self.work(len(self.operation.steps))
        self.event("COMPLETED", output_results={"items": self.dice.below(400), "warnings": self.dice.below(4)})

    def stumble(self) -> None:
        """Plant the next step, begun and failed, with its error message."""
        step = self.operation.steps[self._done]
        self.event("STEP_STARTED", step=step)
        self.event("STEP_FAILED", step=step, error_message=self.dice.pick(self.operation.troubles))

    def event(self, kind: str, **fields: object) -> None:
        """Plant an event that must be applied."""
        self._plant(kind, "applied", fields)
        self.status = _STATUS_AFTER.get(kind, self.status)

    def reject(self, reason: str, kind: str, **fields: object) -> None:
        """Plant an event that must be rejected for `reason`: no earlier reason of the contract holds for it."""
        self._plant(kind, "rejected", fields, reason)

    def repeat(self, *, late: bool = False) -> None:
        """Plant the last event once more, byte for byte: at once, or half an hour to an hour later."""
        last = self.planted[-1]
        delay = self.dice.micros(30 * MINUTE, 60 * MINUTE) if late else self.dice.micros(200, 2_000)
        self.planted.append(replace(last, published=last.published + delay, verdict="duplicate", reason=None))

    def _plant(self, kind: str, verdict: Fate, fields: dict[str, object], reason: str | None = None) -> None:
        self._clock += self.dice.micros(SECOND, 70 * SECOND)
        number = len(self.planted) + 1
        wanted: dict[str, object] = {
            "correlation_id": correlation_id(self._seed, self.workflow_id),
            "event_id": event_id(self._seed, self.workflow_id, number) if self.with_event_ids else None,
            "occurred_at": event_time(self._start, self._clock),
            "workflow_id": self.workflow_id,
            "kind": kind,
            "lease": self.lease,
        } | fields
        event = {name: value for name, value in wanted.items() if value is not None}
        self.planted.append(Planted(self._clock + self.dice.micros(2_000, 90_000), event, verdict, reason, self.name))
