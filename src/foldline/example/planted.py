"""A planted event: what is published, when, and what must become of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Fate: TypeAlias = Literal["applied", "duplicate", "rejected"]

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "foldline.example")


@dataclass(frozen=True, slots=True)
class Planted:
    """One event of the log. `published` is its place in it, in microseconds after the start; `story` why it is there.

    `verdict` and, for a rejected one, `reason` are what a worker must come to.
    """

    published: int
    event: Mapping[str, object]
    verdict: Fate
    reason: str | None
    story: str

    @property
    def is_transition(self) -> bool:
        """Whether it belongs to the transition topic; else to the workflow topic."""
        return "fsm_type" in self.event

    @property
    def line(self) -> bytes:
        """The event as one line of JSON, without the newline."""
        return json.dumps(self.event, ensure_ascii=False, separators=(",", ":")).encode()


def event_time(start: datetime, micros: int) -> str:
    """Return the time `micros` microseconds after `start` as an event carries it."""
    return (start + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event_id(*parts: object) -> str:
    """Return a UUID that depends on nothing but `parts`."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, parts))))


def correlation_id(*parts: object) -> str:
    """Return a request id of the look `req-3f9c01d2ab44` that depends on nothing but `parts`."""
    return f"req-{event_id('request', *parts).replace('-', '')[:12]}"
