"""What a clean-up can have removed, at its very cut-off too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from foldline.core.batch import HistoryRow, TimelineRow
from foldline.core.decide import Hop
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import TransitionEvent, WorkflowEvent
from foldline.replay import cleaned
from foldline.replay.told import Ref
from harness import encoded, transition, workflow

CUT_OFF = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _at(seconds: int) -> str:
    return (CUT_OFF + timedelta(seconds=seconds)).isoformat()


def _history(*seconds: int) -> dict[Ref, HistoryRow]:
    found = {}
    for offset, each in enumerate(seconds):
        event = decode_transition(encoded(transition("GO", occurred_at=_at(each))))
        assert isinstance(event, TransitionEvent)
        found[0, offset] = HistoryRow(offset, offset, event, Hop(None, "A", 0, None), None, 1)
    return found


def _timeline(*said: tuple[str, int]) -> dict[Ref, TimelineRow]:
    found = {}
    for offset, (kind, seconds) in enumerate(said):
        event = decode_workflow(encoded(workflow(kind, step="s", occurred_at=_at(seconds))))
        assert isinstance(event, WorkflowEvent)
        found[0, offset] = TimelineRow(offset, offset, event)
    return found


def test_a_row_of_history_from_the_very_cut_off_is_not_removed() -> None:
    assert cleaned.of_history(_history(-1, 0, 1), set(), CUT_OFF, ordered=True) == {(0, 0)}


def test_nothing_is_removed_that_came_after_a_row_as_old_which_is_there() -> None:
    rows = _history(-5, -3, -3, -4, -2)
    assert cleaned.of_history(rows, {(0, 1)}, CUT_OFF, ordered=True) == {(0, 0), (0, 3)}
    assert cleaned.of_history(rows, {(0, 1)}, CUT_OFF, ordered=False) == {(0, 0), (0, 2), (0, 3), (0, 4)}


def test_a_timeline_is_removed_whole_up_to_an_end_before_the_cut_off() -> None:
    rows = _timeline(("STARTED", -5), ("STEP_STARTED", 9), ("FAILED", -1), ("RETRIED", 1), ("COMPLETED", 0))
    up_to_the_end = {(0, 0), (0, 1), (0, 2)}
    assert cleaned.of_timeline(rows, set(), CUT_OFF, ordered=True) == up_to_the_end
    assert cleaned.of_timeline(rows, {(0, 3)}, CUT_OFF, ordered=True) == up_to_the_end
    assert cleaned.of_timeline(rows, {(0, 1)}, CUT_OFF, ordered=True) == set()
    assert cleaned.of_timeline(rows, set(), CUT_OFF, ordered=False) == {(0, 0), (0, 2)}
