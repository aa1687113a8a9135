"""Rows as the log makes them, in the shape of those of the tables; where the log leaves a value open, it is theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from foldline.core.batch import EntityKey, HistoryRow, Partition, TimelineRow
from foldline.core.decide import Entity, FailedAttempt, Hop, Rejection
from foldline.core.decide_workflow import Status, Workflow
from foldline.replay import cut
from foldline.replay.refold import ByHand, Refolded
from foldline.replay.texts import bool_text, double_text, maybe_time, same_json, time_beside, time_text

_NOT_KEPT: Mapping[str, str | None] = {
    "completed_steps": "[]",
    "input_payload": None,
    "output_results": None,
    "error_message": None,
    "metadata": None,
}
"""What a clean-up blanks of a completed workflow, and with what; of one without payloads it blanks nothing."""


def history_row(row: HistoryRow, partition: Partition, held: cut.HistoryRow) -> cut.HistoryRow:
    """The row of a judged event. Of a rejection only the reason counts, not how it is explained."""
    event, reason = row.event, None
    match row.outcome:
        case Hop(from_state=from_state, to_state=to_state):
            success, message = True, event.error_message
        case FailedAttempt(from_state=from_state, to_state=to_state):
            success, message = False, event.error_message
        case Rejection(reason=why, explanation=explanation, from_state=from_state, to_state=asked):
            assert asked is not None, "only a rejection without a machine asks for no state, and has no row"
            success, reason, to_state = False, why.value, asked
            begins = f"{reason}: "
            message = held.error_message if (held.error_message or "").startswith(begins) else begins + explanation
    return cut.HistoryRow(
        event.fsm_type,
        event.entity_id,
        held.id,
        from_state,
        to_state,
        event.action,
        time_beside(event.occurred_at, held.transitioned_at),
        double_text(row.duration_ms),
        event.correlation_id,
        _json(event.metadata, held.metadata),
        bool_text(success),
        message,
        event.event_id,
        reason,
        partition.topic,
        str(partition.number),
        str(row.offset),
        str(row.definition_version),
        None,
        None,
        held.cleaned,
    )


def entity_row(
    key: EntityKey, refolded: Refolded[HistoryRow, Entity], partitions: Sequence[Partition], held: cut.EntityRow
) -> cut.EntityRow:
    """The row of an entity. What a change of its state by hand wrote beside it is in no log."""
    now, by_hand = refolded.unset or refolded.now, refolded.by_hand
    assert now is not None, "without one there is no row"
    last = None if refolded.last is None else refolded.rows[refolded.last]
    where = (None, None, None) if refolded.last is None else _where(refolded.last, partitions)
    written = by_hand is not None and held.revision == str(by_hand.id)
    row = cut.EntityRow(
        *key,
        now.state,
        _previous(last, by_hand),
        time_beside(now.since, held.transition_timestamp),
        _json(None if last is None else last.event.metadata, held.metadata),
        held.revision,
        held.previous_revision,
        str(now.retries),
        None if now.lease is None else now.lease.id,
        None if now.lease is None else str(now.lease.epoch),
        *where,
    )
    if not written:
        return row
    inserted = by_hand is not None and by_hand.from_state is None
    return row._replace(
        previous_state=held.previous_state if inserted else row.previous_state,
        metadata=held.metadata,
        retry_count=held.retry_count,
        kept_lease_id=held.kept_lease_id,
        kept_lease_epoch=held.kept_lease_epoch,
        topic=held.topic if inserted else row.topic,
        partition=held.partition if inserted else row.partition,
        record_offset=held.record_offset if inserted else row.record_offset,
    )


def timeline_row(row: TimelineRow, partition: Partition, held: cut.TimelineRow) -> cut.TimelineRow:
    """The row of an applied workflow event."""
    event = row.event
    return cut.TimelineRow(
        event.workflow_id,
        held.id,
        event.kind.value,
        row.step,
        time_beside(event.occurred_at, held.occurred_at),
        event.correlation_id,
        event.event_id,
        row.error_message,
        _json(row.payload, held.payload),
        partition.topic,
        str(partition.number),
        str(row.offset),
    )


def workflow_row(
    key: str, refolded: Refolded[TimelineRow, Workflow], partitions: Sequence[Partition], held: cut.WorkflowRow
) -> cut.WorkflowRow:
    """The row of a workflow. Of a completed one that was cleaned away only what later events meet need be kept."""
    now = refolded.now
    assert now is not None, "without one there is no row"
    assert refolded.last is not None, "some record has made it"
    row = cut.WorkflowRow(
        key,
        held.cleaned,
        now.operation_type,
        now.entity_id,
        now.status.value,
        now.current_step,
        _json(json.dumps(now.completed_steps), held.completed_steps) or "[]",
        time_text(now.started_at),
        maybe_time(now.completed_at),
        double_text(now.duration_ms),
        now.correlation_id,
        _json(now.input_payload, held.input_payload),
        _json(now.output_results, held.output_results),
        now.error_message,
        str(now.retry_count),
        now.failed_step,
        _json(now.metadata, held.metadata),
        maybe_time(now.last_event_at),
        held.revision,
        held.previous_revision,
        None if now.lease is None else now.lease.id,
        None if now.lease is None else str(now.lease.epoch),
        *_where(refolded.last, partitions),
    )
    if held.cleaned == bool_text(truth=True) and now.status is Status.COMPLETED:
        return cut.WorkflowRow._make(
            theirs if name in _NOT_KEPT and theirs == _NOT_KEPT[name] else ours
            for name, ours, theirs in zip(row._fields, row, held, strict=True)
        )
    return row


def _previous(last: HistoryRow | None, by_hand: ByHand | None) -> str | None:
    if by_hand is not None:
        return by_hand.from_state
    return last.outcome.from_state if last is not None else None


def _where(ref: tuple[int, int], partitions: Sequence[Partition]) -> tuple[str, str, str]:
    partition = partitions[ref[0]]
    return partition.topic, str(partition.number), str(ref[1])


def _json(expected: str | None, held: str | None) -> str | None:
    """What the table holds, if it means the same."""
    return held if same_json(expected, held) else expected
