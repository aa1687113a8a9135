"""One workflow as `foldline workflows show` prints it: its steps and pauses, or every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import assert_never

from foldline.cli.output import counted, instant, line_out, plain, table_out
from foldline.cli.stories.as_it_came import position_of
from foldline.cli.stories.timeline import Line, span, timeline_out
from foldline.core.decide_workflow import Status
from foldline.core.events import Kind
from foldline.core.passage import Mark, Outcome, Passage, Pause, Step
from foldline.core.times import seconds_between
from foldline.postgres.reports import TimelineEntry, WorkflowEntry, WorkflowStory

_STYLES = {Outcome.COMPLETED: "", Outcome.FAILED: "red", Outcome.RUNNING: "yellow", Outcome.NO_END: "yellow"}


@dataclass(frozen=True, slots=True)
class WorkflowReport(WorkflowEntry):
    """One workflow with everything that happened to it.

    Attributes:
        seconds: from its start to its end, or so far; null where that is not known.
        paused_seconds: how long it was paused in all.
        steps: every attempt at a step, in the log's order.
        pauses: its pauses, in the log's order.
        timeline: its applied events, in the log's order.
    """

    seconds: float | None
    paused_seconds: float
    steps: list[Step]
    pauses: list[Pause]
    timeline: list[TimelineEntry]


def workflow_json(story: WorkflowStory, passage: Passage) -> WorkflowReport:
    """The workflow for programs: its row, how long it took or takes, its steps and pauses, and every event."""
    return WorkflowReport(
        **asdict(story.workflow),
        seconds=_seconds(story),
        paused_seconds=_paused(passage),
        steps=[each for each in passage if isinstance(each, Step)],
        pauses=[each for each in passage if isinstance(each, Pause)],
        timeline=story.timeline,
    )


def show_workflow(story: WorkflowStory, passage: Passage | None) -> None:
    """Print the workflow for people: with its passage, or without one every event."""
    found = story.workflow
    line_out(
        f"Workflow {plain(found.workflow_id)}: {plain(found.operation_type)} of {plain(found.entity_id)}", style="bold"
    )
    if passage is None:
        _show_events(story.timeline)
        return
    attempts = Counter(each.step for each in passage if isinstance(each, Step))
    timeline_out([_line(each, numbered=isinstance(each, Step) and attempts[each.step] > 1) for each in passage])
    _show_now(story, passage)


def _line(each: Step | Pause | Mark, *, numbered: bool) -> Line:
    match each:
        case Step():
            number = f", attempt {each.attempt}" if numbered else ""
            below = f"FAILED: {each.error_message or 'no message'}" if each.outcome is Outcome.FAILED else ""
            return Line(each.at, (f"step {each.step}{number}", _lasted(each)), below, _STYLES[each.outcome])
        case Pause():
            return Line(each.started_at, ("PAUSED", _lasted(each)), style="cyan")
        case Mark():
            return Line(each.at, (each.kind, ""), each.error_message or "", "red" if each.kind is Kind.FAILED else "")
        case _:
            assert_never(each)


def _lasted(each: Step | Pause) -> str:
    if each.started_at is None:
        return f"{each.outcome}, start unknown"
    if each.outcome is Outcome.NO_END:
        return "no end"
    if each.seconds is None:
        return "ended before it started" if each.ended_at is not None else "yet to come"
    return f"for {span(each.seconds)}{' so far' if each.outcome is Outcome.RUNNING else ''}"


def _going(story: WorkflowStory) -> bool:
    return story.workflow.status in (Status.RUNNING, Status.PAUSED)


def _seconds(story: WorkflowStory) -> float | None:
    """From the start to the end, or so far; None where that cannot be known or would be negative."""
    until = story.asked_at if _going(story) else story.workflow.completed_at
    return None if until is None else seconds_between(story.workflow.started_at, until)


def _paused(passage: Passage) -> float:
    return sum((each.seconds or 0.0 for each in passage if isinstance(each, Pause)), 0.0)


def _show_now(story: WorkflowStory, passage: Passage) -> None:
    found = story.workflow
    if not story.timeline:
        line_out("It has no events: it was written with SQL.")
    line_out(", ".join(_standing(story, passage)), style="bold red" if found.status == Status.FAILED else "bold")
    if not story.timeline and (found.failed_step or found.error_message):
        line_out(f"Failed at {plain(found.failed_step or '-')}: {plain(found.error_message or 'no message')}")


def _standing(story: WorkflowStory, passage: Passage) -> Iterator[str]:
    """Where the workflow stands, in phrases."""
    found, seconds, paused = story.workflow, _seconds(story), _paused(passage)
    quiet = None if found.last_event_at is None else seconds_between(found.last_event_at, story.asked_at)
    if _going(story):
        yield f"Now {found.status}"
        yield f"started {span(seconds)} ago" if seconds is not None else f"starts at {instant(found.started_at)}"
    else:
        yield f"{found.status} after {span(seconds)}" if seconds is not None else found.status
    if paused:
        yield f"paused for {span(paused)} of it"
    if _going(story) and quiet is not None:
        yield f"last event {span(quiet)} ago"
    yield f"{counted(found.completed_steps, 'step')} done"
    if found.retry_count:
        yield f"retried {counted(found.retry_count, 'time')}"


def _show_events(timeline: list[TimelineEntry]) -> None:
    table_out(
        ["time", "event", "step", "position", "error"],
        [
            [
                entry.occurred_at,
                entry.kind,
                entry.step or "",
                position_of(entry.topic, entry.partition, entry.record_offset),
                entry.error_message or "",
            ]
            for entry in timeline
        ],
    )
