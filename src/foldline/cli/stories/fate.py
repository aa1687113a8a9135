"""What became of one record: what lies in the log and what the tables hold of it in, its verdict and why out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from foldline.cli.output import instant
from foldline.cli.stories.as_it_came import RecordPosition, position_of
from foldline.core.batch import Partition
from foldline.core.events import TransitionEvent, Verdict, WorkflowEvent
from foldline.kafka.one_record import Aborted, Beyond, Gone, Lying, NoRecord, Nowhere, Present, Uncommitted
from foldline.postgres.entries import Position
from foldline.postgres.trace_entries import RecordTrace


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a record.

    `verdict` is None where it has none, or where nobody can tell; `why` says more, as a sentence; `first` is the record
    that a duplicate repeats; `trace` holds what the record itself has caused.
    """

    verdict: Verdict | None
    why: str
    trace: RecordTrace
    first: RecordPosition | None = None


Event = TransitionEvent | WorkflowEvent


def fate_of(partition: Partition, offset: int, lying: Lying, event: Event | None, trace: RecordTrace) -> Fate:
    """What became of the record. `event` is what it decodes to, None where there is none or it is not there to read."""
    position = trace.position
    caused = _of_this_log(trace, event)
    if position is None:
        return Fate(None, f"No worker has claimed {partition} yet.", caused)
    if isinstance(lying, Aborted) or (isinstance(lying, NoRecord) and not _left_anything(caused)):
        return Fate(None, "It is no record of the log's, and so has no verdict: positions pass over it.", caused)
    if offset >= position.next_offset:
        stopped = f" The partition has stopped: {position.stopped_reason}" if position.stopped_reason else ""
        return Fate(None, f"It is not judged yet: {partition} stands at {position.next_offset}.{stopped}", caused)
    passed = _passed_unjudged(position, offset, trace)
    if passed is not None:
        return Fate(None, passed, caused)
    return _judged(offset, lying, event, position, caused)


def lying_words(lying: Lying) -> tuple[str, str]:
    """What lies there, in one word and in a sentence."""
    match lying:
        case Present():
            return "record", "A record."
        case Aborted():
            return "aborted", "A record of a transaction that its producer aborted."
        case Uncommitted(stable_end=end):
            return "uncommitted", f"Not committed yet: a transaction is open from {end} on."
        case NoRecord():
            return "no_record", "No record: it marks the end of a transaction, or compaction has removed it."
        case Gone(begins=begins):
            return "gone", f"Kafka no longer has it: the log begins at {begins}."
        case Beyond(ends=ends):
            return "beyond_end", f"Nothing: the log ends at {ends}."
        case Nowhere():
            return "nowhere", "Kafka has no such partition."
        case _:
            assert_never(lying)


def _judged(offset: int, lying: Lying, event: Event | None, position: Position, trace: RecordTrace) -> Fate:
    for letter in trace.letters:
        return Fate(Verdict(letter.verdict), f"{letter.reason}: {letter.detail}", trace)
    for row in trace.history:
        if row.reason is not None:
            return Fate(Verdict.REJECTED, row.error_message or row.reason, trace)
        moved = f"{row.fsm_type} {row.entity_id} went to {row.to_state}." if row.success else "A failed attempt."
        return Fate(Verdict.APPLIED, moved, trace)
    for entry in trace.timeline:
        return Fate(Verdict.APPLIED, f"{entry.kind} of workflow {entry.workflow_id}.", trace)
    if event is None:
        return _without_event(lying, position, trace)
    first = _first(trace.places, Partition(position.topic, position.partition), offset)
    if first is not None:
        where = position_of(first.topic, first.partition, first.offset)
        return Fate(Verdict.DUPLICATE, f"Its event had its verdict by the record {where}.", trace, first)
    if trace.known:
        return Fate(None, f"Its event has had a verdict, by this record or one before it.{_cleaned(trace)}", trace)
    return Fate(None, "Its position has passed, and the tables hold nothing of it. Run `foldline verify`.", trace)


def _without_event(lying: Lying, position: Position, trace: RecordTrace) -> Fate:
    if isinstance(lying, Present):
        return Fate(Verdict.UNDECODABLE, "Its dead letter is gone.", trace)
    again = " It may have lain in a former log, too." if position.incarnation else ""
    return Fate(None, f"It was judged, if it was a record, and nothing of it is kept.{again}{_cleaned(trace)}", trace)


def _of_this_log(trace: RecordTrace, event: Event | None) -> RecordTrace:
    """Without what a record at this offset of a former log of this name has caused, as far as that can be told."""
    incarnation = trace.position.incarnation if trace.position is not None else 0
    letters = [letter for letter in trace.letters if letter.incarnation == incarnation]
    if event is None:
        return replace(trace, letters=letters, history=trace.history[-1:], timeline=trace.timeline[-1:])
    mine = (event.correlation_id, event.event_id)
    return replace(
        trace,
        letters=letters,
        history=[row for row in trace.history if (row.correlation_id, row.event_id) == mine],
        timeline=[row for row in trace.timeline if (row.correlation_id, row.event_id) == mine],
    )


def _left_anything(trace: RecordTrace) -> bool:
    return bool(trace.history or trace.timeline or trace.letters)


def _passed_unjudged(position: Position, offset: int, trace: RecordTrace) -> str | None:
    """Why the position stands behind it although nobody has judged it; None: somebody has."""
    if offset < position.begun_at:
        log = " of this log" if position.incarnation else ""
        return f"It was never judged: projecting{log} began at {position.begun_at}."
    for each in trace.acceptances:
        if each.incarnation == position.incarnation and each.from_offset <= offset < each.to_offset:
            return (
                f"It was never judged: {each.accepted_by} let the partition go on at {each.to_offset},"
                f" {instant(each.accepted_at)}: {each.why}"
            )
    return None


def _first(places: Sequence[tuple[str, int, int]], partition: Partition, offset: int) -> RecordPosition | None:
    """The earliest record that brought the event to its verdict, if that can have been before this one."""
    before = [place for place in places if Partition(*place[:2]) != partition or place[2] < offset]
    here = [place for place in before if Partition(*place[:2]) == partition]
    return next((RecordPosition(*place) for place in (here or before)), None)


def _cleaned(trace: RecordTrace) -> str:
    if trace.cleaned_before is None:
        return ""
    return f" Clean-ups have removed rows from before {instant(trace.cleaned_before)}."
