"""A workflow's passage through its steps and pauses: the events of its timeline in, spans of event time out.

The clock is an argument. What no event has ended is still going on if the workflow is; else it has no end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, assert_never

from foldline.core.decide_workflow import Status
from foldline.core.events import Kind
from foldline.core.times import seconds_between


class TimelineEvent(Protocol):
    """What is asked of one applied event."""

    @property
    def kind(self) -> str:
        """A `Kind`."""

    @property
    def step(self) -> str | None:
        """The step, of the three kinds that are about one."""

    @property
    def occurred_at(self) -> datetime:
        """When, by event time."""

    @property
    def error_message(self) -> str | None:
        """What it says went wrong."""


class Outcome(StrEnum):
    """How a span ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    RUNNING = "running"
    NO_END = "no_end"


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt at a step.

    Attributes:
        step: the step.
        attempt: the number of the attempt at this step, from 1.
        started_at: when it began; null if no event says so.
        ended_at: when it ended; null if no event says so.
        outcome: how it ended.
        seconds: to its end, or so far; null where that is not known.
        error_message: what it says went wrong.
    """

    step: str
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None = None
    outcome: Outcome = Outcome.NO_END
    seconds: float | None = None
    error_message: str | None = None

    @property
    def at(self) -> datetime:
        """Its place in time: the start, or where no event tells that, the end."""
        moment = self.started_at or self.ended_at
        assert moment is not None, "an event has begun or ended it"
        return moment


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause.

    Attributes:
        started_at: when it began.
        ended_at: when it ended; null if no event says so.
        outcome: how it ended.
        seconds: to its end, or so far; null where that is not known.
    """

    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome = Outcome.NO_END
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to the workflow itself at one moment."""

    kind: Kind
    at: datetime
    error_message: str | None


Passage = tuple[Step | Pause | Mark, ...]


def passage_of(events: Iterable[TimelineEvent], status: str, now: datetime) -> Passage:
    """Steps, pauses and marks, each where it began, in the log's order. `status` is the workflow's, at `now`."""
    walk = _Walk()
    for event in events:
        walk.take(event)
    walk.stop(status, now)
    return tuple(walk.found)


@dataclass
class _Walk:
    """What has been found so far; `steps` and `pause` are the places in it of what has not ended."""

    found: list[Step | Pause | Mark] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    steps: dict[str, int] = field(default_factory=dict)
    pause: int | None = None

    def take(self, event: TimelineEvent) -> None:
        """Go on by one event."""
        kind = Kind(event.kind)
        match kind:
            case Kind.STEP_STARTED:
                self._begin(event.step or "", event.occurred_at)
            case Kind.STEP_COMPLETED:
                self._end(event, Outcome.COMPLETED)
            case Kind.STEP_FAILED:
                self._end(event, Outcome.FAILED)
            case Kind.PAUSED:
                self.pause = len(self.found)
                self.found.append(Pause(event.occurred_at))
            case Kind.RESUMED if self.pause is not None:
                self._resume(event.occurred_at)
            case Kind.COMPLETED | Kind.FAILED:
                self._resume(event.occurred_at)
                self.steps.clear()
                self._mark(kind, event)
            case Kind.STARTED | Kind.RETRIED | Kind.RESUMED:
                self._mark(kind, event)
            case _:
                assert_never(kind)

    def stop(self, status: str, now: datetime) -> None:
        """What has not ended goes on, if the workflow does."""
        if status in (Status.RUNNING, Status.PAUSED):
            for place in self.steps.values():
                self._close(place, Outcome.RUNNING, None, now)
        if status == Status.PAUSED and self.pause is not None:
            self._close(self.pause, Outcome.RUNNING, None, now)

    def _begin(self, step: str, at: datetime | None) -> None:
        self.attempts[step] += 1
        self.steps[step] = len(self.found)
        self.found.append(Step(step, self.attempts[step], at))

    def _end(self, event: TimelineEvent, outcome: Outcome) -> None:
        step = event.step or ""
        if step not in self.steps:
            self._begin(step, None)
        self._close(self.steps.pop(step), outcome, event.occurred_at, event.occurred_at, event.error_message)

    def _resume(self, at: datetime) -> None:
        if self.pause is not None:
            self._close(self.pause, Outcome.COMPLETED, at, at)
            self.pause = None

    def _mark(self, kind: Kind, event: TimelineEvent) -> None:
        self.found.append(Mark(kind, event.occurred_at, event.error_message))

    def _close(
        self, place: int, outcome: Outcome, ended_at: datetime | None, until: datetime, message: str | None = None
    ) -> None:
        span = self.found[place]
        assert not isinstance(span, Mark), "marks are no spans"
        seconds = None if span.started_at is None else seconds_between(span.started_at, until)
        span = replace(span, ended_at=ended_at, outcome=outcome, seconds=seconds)
        self.found[place] = replace(span, error_message=message) if isinstance(span, Step) else span
