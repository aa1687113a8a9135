"""A workflow's steps and pauses, by event time and a clock that is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldline.core.events import Kind
from foldline.core.passage import Mark, Outcome, Pause, Step, passage_of

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
COMPLETED, FAILED, RUNNING, NO_END = Outcome.COMPLETED, Outcome.FAILED, Outcome.RUNNING, Outcome.NO_END


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Event:
    """An applied event, so many seconds after noon."""

    kind: str
    seconds: float
    step: str | None = None
    error_message: str | None = None

    @property
    def occurred_at(self) -> datetime:
        return at(self.seconds)


def test_a_workflow_that_fails_is_retried_and_completes() -> None:
    events = [
        Event("STARTED", 0),
        Event("STEP_STARTED", 1, "fetch"),
        Event("STEP_COMPLETED", 3, "fetch"),
        Event("STEP_STARTED", 4, "embed"),
        Event("STEP_FAILED", 9, "embed", "503"),
        Event("FAILED", 10, None, "gave up"),
        Event("RETRIED", 20),
        Event("STEP_STARTED", 21, "embed"),
        Event("PAUSED", 22),
        Event("STEP_COMPLETED", 24, "embed"),
        Event("RESUMED", 25),
        Event("COMPLETED", 26),
    ]
    assert passage_of(events, "COMPLETED", at(1000)) == (
        Mark(Kind.STARTED, at(0), None),
        Step("fetch", 1, at(1), at(3), COMPLETED, 2.0),
        Step("embed", 1, at(4), at(9), FAILED, 5.0, "503"),
        Mark(Kind.FAILED, at(10), "gave up"),
        Mark(Kind.RETRIED, at(20), None),
        Step("embed", 2, at(21), at(24), COMPLETED, 3.0),
        Pause(at(22), at(25), COMPLETED, 3.0),
        Mark(Kind.COMPLETED, at(26), None),
    )


def test_what_has_not_ended_goes_on_while_the_workflow_does() -> None:
    events = [Event("STEP_STARTED", 0, "a"), Event("STEP_STARTED", 5, "b"), Event("PAUSED", 7)]
    assert passage_of(events, "PAUSED", at(67)) == (
        Step("a", 1, at(0), None, RUNNING, 67.0),
        Step("b", 1, at(5), None, RUNNING, 62.0),
        Pause(at(7), None, RUNNING, 60.0),
    )


@pytest.mark.parametrize(
    ("events", "status", "passage"),
    [
        (  # it ended without its step
            [Event("STEP_STARTED", 0, "a"), Event("FAILED", 1)],
            "FAILED",
            (Step("a", 1, at(0)), Mark(Kind.FAILED, at(1), None)),
        ),
        (  # a retry does not revive the step of the attempt before
            [Event("STEP_STARTED", 0, "a"), Event("FAILED", 1), Event("RETRIED", 2)],
            "RUNNING",
            (Step("a", 1, at(0)), Mark(Kind.FAILED, at(1), None), Mark(Kind.RETRIED, at(2), None)),
        ),
        (  # begun twice, ended once
            [Event("STEP_STARTED", 0, "a"), Event("STEP_STARTED", 3, "a"), Event("STEP_COMPLETED", 5, "a")],
            "RUNNING",
            (Step("a", 1, at(0)), Step("a", 2, at(3), at(5), COMPLETED, 2.0)),
        ),
        (  # ended, never begun
            [Event("STEP_FAILED", 5, "a")],
            "RUNNING",
            (Step("a", 1, None, at(5), FAILED, None),),
        ),
        (  # a pause that the failure ends
            [Event("PAUSED", 0), Event("FAILED", 4)],
            "FAILED",
            (Pause(at(0), at(4), COMPLETED, 4.0), Mark(Kind.FAILED, at(4), None)),
        ),
        (  # paused with SQL, resumed by an event
            [Event("RESUMED", 4)],
            "RUNNING",
            (Mark(Kind.RESUMED, at(4), None),),
        ),
        (  # resumed with SQL: nobody knows when
            [Event("PAUSED", 0)],
            "RUNNING",
            (Pause(at(0)),),
        ),
        (  # completed with SQL
            [Event("STEP_STARTED", 0, "a")],
            "COMPLETED",
            (Step("a", 1, at(0)),),
        ),
        (  # event times that go back
            [Event("STEP_STARTED", 5, "a"), Event("STEP_COMPLETED", 4, "a")],
            "RUNNING",
            (Step("a", 1, at(5), at(4), COMPLETED, None),),
        ),
        ([], "RUNNING", ()),
    ],
)
def test_what_cannot_be_known_is_not_made_up(events: list[Event], status: str, passage: tuple[object, ...]) -> None:
    assert passage_of(events, status, at(100)) == passage


EVENTS = st.lists(
    st.builds(Event, st.sampled_from(Kind), st.integers(0, 1000), st.sampled_from(["a", "b"])), max_size=20
)


@given(EVENTS, st.sampled_from(["RUNNING", "PAUSED", "COMPLETED", "FAILED"]))
def test_every_event_of_a_step_is_accounted_for(events: list[Event], status: str) -> None:
    passage = passage_of(events, status, at(2000))
    steps = [each for each in passage if isinstance(each, Step)]
    for step in ("a", "b"):
        of_it = [each for each in steps if each.step == step]
        assert [each.attempt for each in of_it] == list(range(1, len(of_it) + 1))
        begun = [event.occurred_at for event in events if event.kind == "STEP_STARTED" and event.step == step]
        assert [each.started_at for each in of_it if each.started_at] == begun
        ended = sum(event.kind in ("STEP_COMPLETED", "STEP_FAILED") and event.step == step for event in events)
        assert sum(each.ended_at is not None for each in of_it) == ended
        assert sum(each.outcome is RUNNING for each in of_it) <= (status in ("RUNNING", "PAUSED"))
    assert all((each.outcome in (RUNNING, NO_END)) == (each.ended_at is None) for each in steps)
    assert all(each.seconds is None or each.seconds >= 0 for each in steps)
