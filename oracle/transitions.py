"""What transition events do, read a second time from the rules: one event at a time, on plain dictionaries.

Written to be compared with the core, so on purpose in another shape: reasons are listed, not returned early; there are
no plans, no batches and no cuts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

Event = dict[str, Any]
Place = Any
"""Where a record stands: an offset, or whatever else names it."""


@dataclass
class Row:
    """The entity as its table shows it."""

    state: str
    since: datetime
    retries: int = 0
    lease: dict[str, Any] | None = None


@dataclass
class Rules:
    """A machine in the words of its YAML file."""

    initial: str
    states: dict[str, dict[str, Any]]
    transitions: list[dict[str, Any]]
    lease_required: bool = False
    corrections_refused: bool = False
    version: int = 1

    def arrow(self, state: str, action: str) -> dict[str, Any]:
        found = [arrow for arrow in self.transitions if arrow["action"] == action and arrow["from"] == state]
        return found[0] if found else {}

    @property
    def actions(self) -> set[str]:
        return {arrow["action"] for arrow in self.transitions} | {"CREATE", "CORRECT"}


@dataclass(frozen=True)
class ByHand:
    """A state that somebody changed with SQL, as its history row tells it."""

    to_state: str
    at: datetime


Key = tuple[str, str]


@dataclass
class SlowFold:
    """A log folded by the letter.

    `by_hand` is what was changed by hand, by entity and by the record whose row in the history it follows; None: none.
    """

    machines: dict[str, Rules]
    by_hand: dict[Key, dict[Place, list[ByHand]]] = field(default_factory=dict)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    history: dict[tuple[str, str], list[tuple[Any, ...]]] = field(default_factory=dict)
    verdicts: dict[tuple[str, ...], str] = field(default_factory=dict)
    dead: list[tuple[Place, str]] = field(default_factory=list)

    def judge(self, offset: Place, event: Event | None, *, redrive: bool) -> str:
        """The verdict of the record at this offset; None for an event that cannot be decoded."""
        if event is None:
            self.dead.append((offset, "undecodable"))
            return "undecodable"
        event = {name: value for name, value in event.items() if value is not None}
        key = (event["fsm_type"], event["entity_id"])
        identity = (*key, event["correlation_id"], event["event_id"])
        before = self.verdicts.get(identity)
        if before == "applied" or (before == "rejected" and not redrive):
            return "duplicate"
        rules, row = self.machines.get(event["fsm_type"]), self.rows.get(key)
        reason = next(self._reasons(rules, row, event), None)
        if reason is None and rules is not None and event.get("success", True):
            self.rows[key] = self._moved(rules, row, event)
        if rules is not None:
            self.history.setdefault(key, []).append(self._history(offset, rules, row, event, reason))
            self._change_by_hand(key, offset)
        if reason is not None:
            self.dead.append((offset, reason))
        self.verdicts[identity] = "rejected" if reason is not None else "applied"
        return self.verdicts[identity]

    def _reasons(self, rules: Rules | None, row: Row | None, event: Event) -> Iterator[str]:
        """All that speaks against the event, in the contract's order."""
        if rules is None:
            yield "unknown_fsm"
            return
        if event["action"] != "CORRECT":
            yield from self._lease_reasons(rules, row.lease if row else None, event.get("lease"))
        if event.get("success", True):
            yield from self._move_reasons(rules, row, event)

    def _lease_reasons(self, rules: Rules, kept: dict[str, Any] | None, lease: dict[str, Any] | None) -> Iterator[str]:
        if rules.lease_required and lease is None:
            yield "lease_required"
        if lease and kept and lease["lease_epoch"] < kept["lease_epoch"]:
            yield "stale_lease"
        if lease and kept and lease["lease_epoch"] == kept["lease_epoch"] and lease != kept:
            yield "lease_conflict"

    def _move_reasons(self, rules: Rules, row: Row | None, event: Event) -> Iterator[str]:
        action = event["action"]
        state = row.state if row else rules.initial
        met = None if action == "CREATE" else state
        target = self._target(rules, state, event)
        if action not in rules.actions:
            yield "unknown_action"
        if "from_state" in event and event["from_state"] != met:
            yield "from_state_mismatch"
        if (
            (action == "CREATE" and row is not None)
            or (action == "CORRECT" and rules.corrections_refused)
            or (action not in ("CREATE", "CORRECT") and target is None)
        ):
            yield "illegal_transition"
        if "to_state" in event and event["to_state"] != target:
            yield "to_state_mismatch"
        if target is None or not self._has_what_is_required(rules, target, event):
            yield "missing_data"
        limit = rules.arrow(state, action).get("max")
        if limit is not None and row is not None and row.retries >= limit:
            yield "retries_exhausted"

    def _target(self, rules: Rules, state: str, event: Event) -> str | None:
        if event["action"] == "CREATE":
            return rules.initial
        if event["action"] == "CORRECT":
            asked = event.get("to_state")
            return asked if asked in rules.states else None
        return rules.arrow(state, event["action"]).get("to")

    def _has_what_is_required(self, rules: Rules, target: str, event: Event) -> bool:
        if event["action"] == "CORRECT":
            return bool(event.get("error_message"))
        present = {name for name, value in event.get("metadata", {}).items() if value is not None} | event.keys()
        return set(rules.states[target].get("requires", ())) <= present

    def _moved(self, rules: Rules, row: Row | None, event: Event) -> Row:
        state = row.state if row else rules.initial
        target = self._target(rules, state, event)
        assert target is not None
        after = Row(target, _instant(event), row.retries if row else 0, event.get("lease"))
        if event["action"] != "CORRECT" and after.lease is None and row is not None:
            after.lease = row.lease
        if "max" in rules.arrow(state, event["action"]):
            after.retries += 1
        if rules.states[target].get("final") or event["action"] == "CORRECT":
            after.retries = 0
        return after

    def _change_by_hand(self, key: Key, offset: Place) -> None:
        """What came between this record and the next that leaves a row: only states and times change."""
        for change in self.by_hand.get(key, {}).get(offset, ()):
            row = self.rows[key]
            duration = _milliseconds(row.since, change.at)
            line = (None, "MANUAL", row.state, change.to_state, True, duration, None)
            self.history[key].append(line)
            self.rows[key] = replace(row, state=change.to_state, since=change.at)

    def _history(
        self, offset: Place, rules: Rules, row: Row | None, event: Event, reason: str | None
    ) -> tuple[Any, ...]:
        """Offset, action, from_state, to_state, success, duration_ms, reason."""
        stored, state = (row.state if row else None), (row.state if row else rules.initial)
        if reason is not None or not event.get("success", True):
            led_to = rules.arrow(state, event["action"]).get("to", state)
            return offset, event["action"], stored, event.get("to_state", led_to), False, None, reason
        duration = None if row is None else _milliseconds(row.since, _instant(event))
        origin = None if event["action"] == "CREATE" else state
        return offset, event["action"], origin, self._target(rules, state, event), True, duration, None


def _milliseconds(since: datetime, until: datetime) -> float | None:
    return (until - since) / timedelta(microseconds=1) / 1000 if until >= since else None


def _instant(event: Event) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])
