"""The narrator of one entity: plants its events in order, and keeps book of the state that they leave it in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from foldline.example.dice import MINUTE, SECOND
from foldline.example.paths import FAILED
from foldline.example.planted import Planted, correlation_id, event_id, event_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from foldline.example.dice import Dice
    from foldline.example.paths import Path
    from foldline.example.planted import Fate

_PUBLISHED_AFTER = (3_000, 180_000)


class EntityStory:
    """One entity's events. `state` is None until a hop has made its row; `lease`, if set, goes on every event."""

    def __init__(self, path: Path, entity_id: str, dice: Dice, *, seed: int, start: datetime, clock: int) -> None:
        self.path = path
        self.entity_id = entity_id
        self.dice = dice
        self.state: str | None = None
        self.lease: Mapping[str, object] | None = None
        self.with_event_ids = True
        self.with_expectations = dice.chance(40)
        self.name = ""
        self.planted: list[Planted] = []
        self._seed = seed
        self._start = start
        self._clock = clock
        self._requests = 0

    @property
    def met(self) -> str:
        """The state that the next event meets."""
        return self.state or self.path.initial

    def step(self, **fields: object) -> None:
        """Plant the next applied hop along the way."""
        action, state = self.path.way[self.path.states.index(self.met)]
        self.hop(action, state, **fields)

    def finish(self) -> None:
        """Plant the applied hops from here to the end of the way."""
        while self.met != self.path.states[-1]:
            self.step()

    def fail(self, trouble: str | None = None) -> None:
        """Plant an applied FAIL with its error message."""
        self.hop("FAIL", FAILED, error_message=trouble or self.dice.pick(self.path.troubles))

    def retry(self) -> None:
        """Plant an applied RETRY, which is a new request."""
        self._requests += 1
        self.hop("RETRY", self.path.retry_to)

    def again(self) -> None:
        """Plant the applied hop that starts a finished entity over, which is a new request."""
        self._requests += 1
        self.hop(*self.path.again)

    def hop(self, action: str, state: str, **fields: object) -> None:
        """Plant an applied hop to `state`."""
        if self.with_expectations and action != "CREATE":
            fields = {"from_state": self.met, "to_state": state} | fields
        self._plant(action, "applied", fields)
        self.state = state

    def attempt(self, trouble: str | None = None, **fields: object) -> None:
        """Plant an attempt at the next step that upstream reports as failed: applied, and the entity stays."""
        action, _ = self.path.way[self.path.states.index(self.met)]
        trouble = trouble or self.dice.pick(self.path.troubles)
        self._plant(action, "applied", {"success": False, "error_message": trouble} | fields)

    def reject(self, reason: str, action: str, **fields: object) -> None:
        """Plant an event that must be rejected for `reason`: no earlier reason of the contract holds for it."""
        self._plant(action, "rejected", fields, reason)

    def repeat(self, *, late: bool = False) -> None:
        """Plant the last event once more, byte for byte: at once, or an hour or two later, behind what follows."""
        last = self.planted[-1]
        delay = self.dice.micros(40 * MINUTE, 150 * MINUTE) if late else self.dice.micros(200, 2_000)
        copy = replace(last, published=last.published + delay, verdict="duplicate", reason=None)
        self.planted.append(copy)

    def wait(self, low: int, high: int) -> None:
        """Let between `low` and `high` seconds pass."""
        self._clock += self.dice.micros(low * SECOND, high * SECOND)

    def _plant(self, action: str, verdict: Fate, fields: dict[str, object], reason: str | None = None) -> None:
        self.wait(*self.path.pace)
        number = len(self.planted) + 1
        wanted: dict[str, object] = {
            "correlation_id": correlation_id(self._seed, self.path.fsm_type, self.entity_id, self._requests),
            "event_id": event_id(self._seed, self.path.fsm_type, self.entity_id, number)
            if self.with_event_ids
            else None,
            "occurred_at": event_time(self._start, self._clock),
            "fsm_type": self.path.fsm_type,
            "entity_id": self.entity_id,
            "action": action,
            "from_state": None,
            "to_state": None,
            "success": None,
            "error_message": None,
            "metadata": self._notes(action),
            "lease": self.lease,
        } | fields
        event = {name: value for name, value in wanted.items() if value is not None}
        published = self._clock + self.dice.micros(*_PUBLISHED_AFTER)
        self.planted.append(Planted(published, event, verdict, reason, self.name))

    def _notes(self, action: str) -> dict[str, object] | None:
        notes = self.path.notes.get(FAILED if action == "FAIL" else action)
        if notes is None or self.dice.chance(8):
            return None
        return {name: self.dice.pick(values) for name, values in notes.items()}
