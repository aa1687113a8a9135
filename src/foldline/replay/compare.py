"""One entity or workflow as the log makes it, beside what the tables hold of it. Pure.

What the log does not decide is not compared: when rows were written, error text after the reason, what a clean-up has
removed. Every difference is one row.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from foldline.core import batch
from foldline.core.batch import Counts, EntityKey, Partition
from foldline.core.events import TransitionEvent, Verdict, WorkflowEvent
from foldline.replay import cleaned, expected
from foldline.replay.cut import EntityRow, HistoryRow, TimelineRow, WorkflowRow
from foldline.replay.difference import Cause, Column, Finding, ManualChange, Subject
from foldline.replay.findings import Findings
from foldline.replay.order import in_order
from foldline.replay.past_machines import PastMachines
from foldline.replay.refold import ByHand, Refolded, refold_entity, refold_workflow
from foldline.replay.told import Event, Ref, Told
from foldline.replay.written import REFUSED, Held, Now, Row, Written

Folded = TypeVar("Folded", batch.HistoryRow, batch.TimelineRow)
Key = TypeVar("Key", EntityKey, str)

_MANUAL: Final = "MANUAL"
_TRUE: Final = "t"
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_HISTORY, _TIMELINE = "fsm_state_history", "workflow_execution_history"
_ENTITIES, _WORKFLOWS = "fsm_state", "workflow_executions"


@dataclass(slots=True)
class Compared:
    """What came of one comparison.

    Attributes:
        findings: differences, and changes by hand.
        verdicts: the identities that the log gives a verdict, with a record of each.
        counts: how the records of each partition ended.
        left_out: why nothing can be said of it; None: it was compared.
    """

    findings: list[Finding] = field(default_factory=list)
    verdicts: Mapping[str, tuple[Verdict, Ref]] = field(default_factory=dict)
    counts: dict[int, Counts] = field(default_factory=dict)
    left_out: str | None = None


class Comparison:
    """Compares one key after the other.

    Args:
        partitions: those that are read; an event names one by its number here.
        machines: who has judged what.
        unread: partitions whose log cannot be read whole: what has a record there is left out.
        history_cleaned: up to which event time a clean-up may have removed history.
        workflows_cleaned: the same of workflows with their timelines.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        machines: PastMachines,
        *,
        unread: Iterable[Partition] = (),
        history_cleaned: datetime | None = None,
        workflows_cleaned: datetime | None = None,
    ) -> None:
        self._partitions = partitions
        self._numbers = {(each.topic, str(each.number)): number for number, each in enumerate(partitions)}
        self._unread = {(each.topic, str(each.number)) for each in unread}
        self._machines = machines
        self._history_cleaned = history_cleaned or _LONG_AGO
        self._workflows_cleaned = workflows_cleaned or _LONG_AGO

    def entity(
        self, key: EntityKey, told: Sequence[Told[TransitionEvent]], held: Held[EntityRow, HistoryRow]
    ) -> Compared:
        """An entity with its history and its dead letters."""
        if self._lay_unread(held):
            return Compared(left_out=_UNREAD)
        held.rows.sort(key=lambda row: int(row.id))
        by_hand = [row for row in held.rows if _is_by_hand(row)]
        written = Written([row for row in held.rows if not _is_by_hand(row)], self._ref)
        judged = written.judged(told)
        several = _on_several(judged)
        steps: Iterable[Told[TransitionEvent] | ByHand] = judged
        if by_hand or several:
            steps = in_order(judged, [(int(row.id), self._ref(row), _change(row)) for row in held.rows])
        refolded = refold_entity(key, steps, self._machines, self._partitions, written.ids)
        ids = {int(row.id) for row in held.rows}
        ours = self._findings(Subject(*key), refolded, held.now, ids)
        for change, state in refolded.misfits:
            ours.changed(_HISTORY, change.id, (Column("from_state", state, change.from_state),))
        gone = cleaned.of_history(refolded.rows, written.ids, self._history_cleaned, ordered=not several)
        self._rows(ours, _HISTORY, refolded.rows, written, gone, expected.history_row)
        self._now(ours, _ENTITIES, key, refolded, held.now, expected.entity_row)
        ours.found.extend(_listed(key, row) for row in by_hand if row.from_state != row.to_state)
        untold = _UNORDERED if several and gone else self._untold(told, self._history_cleaned)
        return self._compared(ours, refolded, told, written, untold)

    def workflow(self, key: str, told: Sequence[Told[WorkflowEvent]], held: Held[WorkflowRow, TimelineRow]) -> Compared:
        """A workflow with its timeline and its dead letters."""
        if self._lay_unread(held):
            return Compared(left_out=_UNREAD)
        held.rows.sort(key=lambda row: int(row.id))
        written = Written(held.rows, self._ref)
        judged = written.judged(told)
        several = _on_several(judged)
        steps: Iterable[Told[WorkflowEvent]] = judged
        if several:
            steps = in_order(judged, [(int(row.id), self._ref(row), None) for row in held.rows])
        refolded = refold_workflow(key, steps, self._partitions, written.ids)
        ours = self._findings(Subject(workflow_id=key), refolded, held.now, set(written.ids.values()))
        gone = cleaned.of_timeline(refolded.rows, written.ids, self._workflows_cleaned, ordered=not several)
        if held.now is not None and held.now.cleaned == _TRUE:
            gone = set(refolded.rows).difference(written.ids)
        self._rows(ours, _TIMELINE, refolded.rows, written, gone, expected.timeline_row)
        if held.beside is not None:
            ours.surplus(_WORKFLOWS, None)
        self._now(ours, _WORKFLOWS, key, refolded, held.now, expected.workflow_row)
        untold = _UNORDERED if several and gone else self._untold(told, self._workflows_cleaned)
        return self._compared(ours, refolded, told, written, untold)

    def _rows(
        self,
        ours: Findings,
        table: str,
        rows: Mapping[Ref, Folded],
        written: Written[Row],
        gone: Container[Ref],
        as_the_log_has_it: Callable[[Folded, Partition, Row], Row],
    ) -> None:
        """Rows of history, or of a timeline, beside those that are there; `gone`: what a clean-up can have removed."""
        for ref, row in rows.items():
            beside = written.by_ref.pop(ref, None)
            if beside is not None:
                log = as_the_log_has_it(row, self._partitions[ref[0]], beside)
                ours.compare(table, int(beside.id), log, beside, ref)
            elif ref not in gone:
                ours.missing(table, ref)
        _numbers(ours, table, rows, written.ids)
        for ref, row_there in written.by_ref.items():
            ours.surplus(table, int(row_there.id), ref=ref)
        for row_there in written.astray:
            ours.surplus(table, int(row_there.id), Cause.HAND_WRITTEN)

    def _now(
        self,
        ours: Findings,
        table: str,
        key: Key,
        refolded: Refolded[Any, Any],
        held: Now | None,
        as_the_log_has_it: Callable[[Key, Refolded[Any, Any], Sequence[Partition], Now], Now],
    ) -> None:
        """The row that says what it is now."""
        if held is not None and refolded.now is not None:
            ours.compare(table, None, as_the_log_has_it(key, refolded, self._partitions, held), held)
        elif held is not None:
            ours.surplus(table, None, Cause.HAND_WRITTEN)
        elif refolded.now is not None:
            ours.missing(table, refolded.last)

    def _findings(
        self, subject: Subject, refolded: Refolded[Any, Any], held: EntityRow | WorkflowRow | None, ids: set[int]
    ) -> Findings:
        """A row that was written by hand since its last event, or had been before it, explains what differs."""
        cause = Cause.UNEXPLAINED
        now = refolded.unset or refolded.now
        if held is not None and now is not None and now.revision:
            judged_on = held.previous_revision
            since = int(held.revision) != now.revision
            before = judged_on is not None and int(judged_on) not in ids and len(ids) >= len(refolded.rows)
            cause = Cause.HAND_WRITTEN if since or before else cause
        return Findings(subject, self._partitions, cause)

    def _compared(
        self,
        ours: Findings,
        refolded: Refolded[Any, Any],
        told: Sequence[Told[Event]],
        written: Written[Any],
        untold: str | None,
    ) -> Compared:
        counts = refolded.counts
        for each in told:
            if written.refused(each):
                counts.setdefault(each.source, Counts()).undecodable += 1
                ours.letter(REFUSED, each.letter, each.ref)
            elif each.letter is not None or each.ref in refolded.letters:
                ours.letter(refolded.letters.get(each.ref), each.letter, each.ref)
        if untold is not None and ours.found:
            return Compared(left_out=untold)
        return Compared(ours.found, refolded.verdicts, counts)

    def _ref(self, row: HistoryRow | TimelineRow) -> Ref | None:
        """The record behind a row; None: it names none that is read."""
        if row.topic is None or row.partition is None or row.record_offset is None:
            return None
        number = self._numbers.get((row.topic, row.partition))
        return None if number is None else (number, int(row.record_offset))

    def _lay_unread(self, held: Held[Any, Any]) -> bool:
        if held.unread or not self._unread:
            return held.unread
        rows = [*held.rows, held.now] if held.now is not None else held.rows
        return any((row.topic, row.partition) in self._unread for row in rows)

    def _untold(self, told: Sequence[Told[Event]], cut_off: datetime) -> str | None:
        """Why nothing may be left to tell that records of it lay in another, unread partition of its topic."""
        topics = {topic for topic, _ in self._unread} if cut_off > _LONG_AGO else ()
        return _CLEANED_AND_UNREAD if told and self._partitions[told[0].source].topic in topics else None


_UNREAD: Final = "records of them lie in a partition that is left out"
_CLEANED_AND_UNREAD: Final = (
    "records of it may lie where nobody can read any more, and a clean-up has removed the rows that tell"
)
_UNORDERED: Final = "it lies on several partitions, and a clean-up has removed the rows that tell in which order"


def _on_several(told: Sequence[Told[Event]]) -> bool:
    return bool(told) and any(each.source != told[0].source for each in told)


def _is_by_hand(row: HistoryRow) -> bool:
    """Every event has an id, and its action may be called MANUAL, too."""
    return row.action == _MANUAL and row.event_id is None


def _change(row: HistoryRow) -> ByHand | None:
    if not _is_by_hand(row):
        return None
    retries = None if row.retry_count is None else int(row.retry_count)
    return ByHand(int(row.id), row.from_state, row.to_state, datetime.fromisoformat(row.transitioned_at), retries)


def _numbers(ours: Findings, table: str, rows: Iterable[Ref], ids: Mapping[Ref, int]) -> None:
    """The ids of what one partition brought are in the order of its log."""
    latest: dict[int, int] = {}
    for ref in rows:
        number = ids.get(ref)
        if number is None:
            continue
        before = latest.get(ref[0], 0)
        if number < before:
            ours.changed(table, number, (Column("id", f"above {before}", str(number)),), ref)
        latest[ref[0]] = max(before, number)


def _listed(key: EntityKey, row: HistoryRow) -> ManualChange:
    before = None if row.record_offset is None else int(row.record_offset)
    number = None if row.partition is None else int(row.partition)
    subject = Subject(*key, topic=row.topic, partition=number, offset=before)
    return ManualChange(int(row.id), row.from_state, row.to_state, row.transitioned_at, row.recorded_at, subject)
