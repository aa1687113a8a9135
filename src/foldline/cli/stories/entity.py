"""One entity as `foldline history` prints it: every row of its history, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from foldline.cli.output import instant, line_out, plain
from foldline.cli.stories.as_it_came import position_of
from foldline.cli.stories.timeline import Line, span, timeline_out
from foldline.core.machine import CORRECT, Machine
from foldline.core.stays import Stay, stay_now, stays_before
from foldline.postgres.reports import EntityStory, HistoryEntry


@dataclass(frozen=True, slots=True)
class HistoryRow(HistoryEntry):
    """One row of an entity's history: a hop, a failed attempt, a rejected event, or a change by hand.

    Attributes:
        seconds_in_state: how long the entity had been in the state that it met; null where that is not known.
        overstay_seconds: how far that goes beyond the state's timeout; null if it does not.
        seconds_until_now: of the row that led to the present state, how long that lasts; null of others.
    """

    seconds_in_state: float | None
    overstay_seconds: float | None
    seconds_until_now: float | None


def history_json(story: EntityStory, machine: Machine | None) -> list[HistoryRow]:
    """The rows of history for programs, each with how long the entity had been in the state that it met."""
    rows, now = rows_json(story.history, machine), _now(story, machine)
    present = max((entry.id for entry in story.history if entry.success), default=None) if now is not None else None
    return [replace(row, seconds_until_now=now.seconds) if now and row.id == present else row for row in rows]


def rows_json(rows: Sequence[HistoryEntry], machine: Machine | None) -> list[HistoryRow]:
    """The same of rows whose last need not lead to the present."""
    return [
        HistoryRow(
            **{field.name: getattr(entry, field.name) for field in fields(HistoryEntry)},
            seconds_in_state=None if stay is None else stay.seconds,
            overstay_seconds=None if stay is None else stay.overstay_seconds,
            seconds_until_now=None,
        )
        for entry, stay in zip(rows, stays_before(rows, machine), strict=True)
    ]


def show_history(story: EntityStory, machine: Machine | None) -> None:
    """Print the rows as a timeline, and where the entity is now."""
    line_out(f"History of {plain(story.fsm_type)} {plain(story.entity_id)}", style="bold")
    rows_out(story.history, machine)
    _show_now(story, machine)


def rows_out(rows: Sequence[HistoryEntry], machine: Machine | None) -> None:
    """Print rows of history as a timeline."""
    timeline_out([_line(entry, stay) for entry, stay in zip(rows, stays_before(rows, machine), strict=True)])


def _line(entry: HistoryEntry, stay: Stay | None) -> Line:
    below, style = _remark(entry)
    position = position_of(entry.topic, entry.partition, entry.record_offset) or ""
    if by_hand(entry) and position:
        position = f"later than {position}"
    return Line(entry.transitioned_at, (_hop(entry), entry.action, _after(stay), position), below, style)


def _hop(entry: HistoryEntry) -> str:
    if entry.success:
        return f"{entry.from_state or '(new)'} -> {entry.to_state}"
    return f"in {entry.from_state}" if entry.from_state is not None else "(unknown entity)"


def _after(stay: Stay | None) -> str:
    if stay is None or stay.seconds is None:
        return ""
    return f"after {span(stay.seconds)}{over(stay)}"


def over(stay: Stay) -> str:
    """How far a stay goes beyond what its state allows."""
    if stay.overstay_seconds is None or stay.timeout_seconds is None:
        return ""
    return f", {span(stay.overstay_seconds)} OVER its timeout of {span(stay.timeout_seconds)}"


def _remark(entry: HistoryEntry) -> tuple[str, str]:
    """What stands below a row, and its style."""
    if by_hand(entry):
        return "BY HAND: written with SQL, no event says so", "magenta"
    if entry.reason is not None:
        return f"REJECTED {entry.error_message or entry.reason}", "red"
    if not entry.success:
        return f"FAILED ATTEMPT: {entry.error_message or 'no message'}", "yellow"
    if entry.action == CORRECT:
        return f"CORRECTED by an operator: {entry.error_message}", "magenta"
    return entry.error_message or "", ""


def by_hand(entry: HistoryEntry) -> bool:
    """Whether no event wrote this row: every event has an id, and a machine may call an action MANUAL too."""
    return entry.event_id is None


def _now(story: EntityStory, machine: Machine | None) -> Stay | None:
    if story.state is None or story.since is None:
        return None
    return stay_now(story.state, story.since, story.asked_at, machine)


def _show_now(story: EntityStory, machine: Machine | None) -> None:
    now = _now(story, machine)
    if now is None:
        moved = any(entry.success for entry in story.history)
        why = "its row is gone, deleted with SQL" if moved else "nothing was applied"
        line_out(f"Now without a state: {why}", style="bold")
        return
    if not story.history:
        line_out("Its history was removed.")
    since = f"since {instant(story.since)}"
    lasting = f"for {span(now.seconds)}, {since}" if now.seconds is not None else f"{since}, which is yet to come"
    style = "bold red" if now.overstay_seconds is not None else "bold"
    line_out(f"Now in {state_named(now.state, machine)} {lasting}{over(now)}", style=style)


def state_named(state: str, machine: Machine | None) -> str:
    """A state, and whether it is final."""
    defined = machine.states.get(state) if machine is not None else None
    return f"{plain(state)}{' (final)' if defined is not None and defined.final else ''}"
