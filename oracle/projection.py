"""A whole log judged record by record: what every table must hold when it is projected.

Entities whose events lie on two partitions are folded too, but in no order that the log would fix: see `strays`.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from oracle.decode import Headers, Members, instant, reference
from oracle.transitions import Event, Rules, SlowFold
from oracle.workflows import SlowWorkflows

Place = tuple[str, int, int]
"""Topic, partition, offset."""
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "foldline.event")
REDRIVE = "foldline-redrive"
DERIVED_FROM = {
    "transition": ("fsm_type", "entity_id", "correlation_id", "action", "from_state", "to_state"),
    "workflow": ("workflow_id", "correlation_id", "kind", "step"),
}


@dataclass(frozen=True)
class Record:
    """A record as Kafka holds it."""

    place: Place
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None


@dataclass(frozen=True)
class Letter:
    """A record that was not applied, why, and where its detail may begin."""

    record: Record
    verdict: str
    reason: str
    details: frozenset[str]
    event: Event | None


Reign = tuple[int, Rules]
"""From this offset on these rules judge."""


@dataclass
class Projected:
    """What a log comes to.

    `machines` judge everything, but where `reigns` says for a partition which of them judges from which offset on.
    """

    machines: dict[str, Rules]
    workflow_topic: str
    reigns: dict[tuple[str, int], dict[str, list[Reign]]] = field(default_factory=dict)
    entities: SlowFold = field(init=False)
    workflows: SlowWorkflows = field(default_factory=SlowWorkflows)
    events: dict[Place, Event] = field(default_factory=dict)
    letters: dict[Place, Letter] = field(default_factory=dict)
    counts: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    partitions_of: dict[tuple[str, str], set[tuple[str, int]]] = field(default_factory=dict)
    versions: dict[Place, int] = field(default_factory=dict)
    answers: dict[Place, tuple[str, Place]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entities = SlowFold(self.machines)

    @property
    def strays(self) -> set[tuple[str, str]]:
        """Entities whose events lie on more than one partition: the log does not say which of them came first."""
        return {key for key, partitions in self.partitions_of.items() if len(partitions) > 1}

    def judge(self, record: Record) -> None:
        """Give the record its verdict; records of one partition come in their order."""
        topic, partition, offset = record.place
        self.entities.machines = self._in_force(topic, partition, offset)
        sort = "workflow" if topic == self.workflow_topic else "transition"
        read = reference(sort, record.value or b"", record.headers)
        event = event_of(sort, read) if isinstance(read, dict) else None
        if event is not None:
            self.events[record.place] = event
            if sort == "transition":
                key = (event["fsm_type"], event["entity_id"])
                self.partitions_of.setdefault(key, set()).add((topic, partition))
                if rules := self.entities.machines.get(event["fsm_type"]):
                    self.versions[record.place] = rules.version
        redrive = any(name == REDRIVE for name, _ in record.headers)
        fold: SlowFold | SlowWorkflows = self.workflows if sort == "workflow" else self.entities
        verdict = fold.judge(record.place, event, redrive=redrive)
        self.counts.setdefault((topic, partition), Counter())[verdict] += 1
        if verdict == "rejected":
            self.letters[record.place] = Letter(record, verdict, fold.dead[-1][1], frozenset(), event)
        if verdict == "undecodable":
            reason = "malformed" if isinstance(read, str) else "invalid"
            paths = frozenset(read) if isinstance(read, set) else frozenset()
            self.letters[record.place] = Letter(record, verdict, reason, paths, None)
        self._answer(record, "rejected_again" if verdict in ("rejected", "undecodable") else "applied")

    def _in_force(self, topic: str, partition: int, offset: int) -> dict[str, Rules]:
        recorded = self.reigns.get((topic, partition), {})
        return {
            name: ([rules for since, rules in recorded.get(name, ()) if since <= offset] or [always])[-1]
            for name, always in self.machines.items()
        }

    def _answer(self, record: Record, status: str) -> None:
        """A redrive that names a letter answers it, if that holds the very same value; the first answer counts."""
        said = [value for name, value in record.headers if name == REDRIVE]
        try:
            named = json.loads((said and said[-1]) or b"")
            place = (named["topic"], named["partition"], named["offset"])
        except (ValueError, TypeError, LookupError):
            return
        letter = self.letters.get(place)
        if letter is not None and letter.record.value == record.value:
            self.answers.setdefault(place, (status, record.place))


def event_of(sort: str, read: dict[str, Any]) -> Event:
    """The event in the terms of the slow folds: an exact time, an id in any case, metadata by name."""
    at = instant(read["occurred_at"])
    assert at is not None, "the reference refuses other times"
    event = read | {"occurred_at": at.isoformat()}
    if isinstance(event.get("metadata"), Members):
        event["metadata"] = event["metadata"].last()
    if "event_id" not in event:
        event["event_id"] = derived_id(sort, event, f"{at:%Y-%m-%dT%H:%M:%S.%f}Z")
    return event


def derived_id(sort: str, event: Event, at: str) -> str:
    """The id of an event that its publisher gave none."""
    parts = [sort, *(event.get(name) for name in DERIVED_FROM[sort]), at]
    if sort == "transition":
        parts.append(event.get("success", True))
    return str(uuid.uuid5(NAMESPACE, json.dumps(parts, ensure_ascii=False, separators=(",", ":"))))
