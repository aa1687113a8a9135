"""How long an entity stayed in its states, by event time: rows of history in, stays out. The clock is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from foldline.core.machine import Machine
from foldline.core.times import seconds_between


class HistoryRow(Protocol):
    """What is asked of one row of history."""

    @property
    def from_state(self) -> str | None:
        """The state that it met; None if it met none."""

    @property
    def to_state(self) -> str:
        """The state that it led to, or would have."""

    @property
    def transitioned_at(self) -> datetime:
        """When, by event time."""

    @property
    def duration_ms(self) -> float | None:
        """How long a hop's entity had been in `from_state`; None if that is not known, and where nothing moved."""

    @property
    def success(self) -> bool:
        """Whether the entity moved."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one state. `seconds` is None where it cannot be known or would be negative.

    `timeout_seconds` is what the machine allows, None without a limit.
    """

    state: str
    seconds: float | None
    timeout_seconds: float | None

    @property
    def overstay_seconds(self) -> float | None:
        """How far it goes beyond the timeout; None if it doesn't."""
        if self.seconds is None or self.timeout_seconds is None or self.seconds <= self.timeout_seconds:
            return None
        return self.seconds - self.timeout_seconds


def stays_before(rows: Iterable[HistoryRow], machine: Machine | None) -> Iterator[Stay | None]:
    """For each row, in the log's order: the stay in the state that it met, up to it. None where it met no state.

    A hop ends a stay; a failed attempt or a rejected event happens in the middle of one.
    """
    entered: HistoryRow | None = None
    for row in rows:
        if row.from_state is None:
            yield None
        else:
            yield _stay(row.from_state, _seconds(row, row.from_state, entered), machine)
        if row.success:
            entered = row


def stay_now(state: str, since: datetime, now: datetime, machine: Machine | None) -> Stay:
    """The stay that lasts."""
    return _stay(state, seconds_between(since, now), machine)


def _seconds(row: HistoryRow, state: str, entered: HistoryRow | None) -> float | None:
    if row.success:  # the row itself knows it, also when a clean-up has removed the one before
        return None if row.duration_ms is None else row.duration_ms / 1000
    if entered is None or entered.to_state != state:
        return None
    return seconds_between(entered.transitioned_at, row.transitioned_at)


def _stay(state: str, seconds: float | None, machine: Machine | None) -> Stay:
    defined = machine.states.get(state) if machine is not None else None
    return Stay(state, seconds, defined.timeout_seconds if defined is not None else None)
