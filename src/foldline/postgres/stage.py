"""The stage: folded rows of history as COPY text, one line each, for the session's temporary table `fsm_stage`."""

from __future__ import annotations

import re

from foldline.core.batch import HistoryRow, Plan, TransitionPlan
from foldline.core.decide import FailedAttempt, Hop, Rejection

COPY_STAGE = (
    "COPY pg_temp.fsm_stage (id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms,"
    " correlation_id, metadata, success, error_message, event_id, reason, record_offset, definition_version, fresh,"
    " last, previous_revision, retry_count, kept_lease_id, kept_lease_epoch) FROM STDIN"
)

_NULL = "\\N"
_SPECIAL = re.compile(r"[\\\n\r\t]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_NOT_LAST = f"f\t{_NULL}\t{_NULL}\t{_NULL}\t{_NULL}\n"


def escape(text: str) -> str:
    """Text as COPY reads it (PostgreSQL manual, COPY, text format)."""
    return text.translate(_ESCAPED) if _SPECIAL.search(text) else text


def stage_text(plan: Plan) -> str:
    """Every row of history that the plan writes, in log order; an entity's last hop carries its new row as well."""
    if not isinstance(plan, TransitionPlan):
        return ""
    last_ids = {entity.revision: key for key, entity in plan.after.items()}
    lines = []
    for row in plan.history:
        key = last_ids.get(row.id)
        fresh = type(row.outcome) is Hop and plan.before[row.event.fsm_type, row.event.entity_id] is None
        lines.append(f"{_row(row)}\t{'t' if fresh else 'f'}\t{_NOT_LAST if key is None else _last(plan, key)}")
    return "".join(lines)


def _row(row: HistoryRow) -> str:
    event = row.event
    match row.outcome:
        case Hop(from_state=from_state, to_state=to_state):
            success, reason, message = "t", _NULL, _text(event.error_message)
        case FailedAttempt(from_state=from_state, to_state=to_state):
            success, reason, message = "f", _NULL, _text(event.error_message)
        case Rejection(reason=why, explanation=explanation, from_state=from_state, to_state=to_state):
            success, reason, message = "f", why.value, escape(f"{why.value}: {explanation}")
    duration = _NULL if row.duration_ms is None else repr(row.duration_ms)
    return (
        f"{row.id}\t{escape(event.fsm_type)}\t{escape(event.entity_id)}\t{_text(from_state)}\t{_text(to_state)}\t"
        f"{escape(event.action)}\t{event.occurred_at.isoformat()}\t{duration}\t{escape(event.correlation_id)}\t"
        f"{_text(event.metadata)}\t{success}\t{message}\t{escape(event.event_id)}\t{reason}\t{row.offset}\t"
        f"{row.definition_version}"
    )


def _last(plan: TransitionPlan, key: tuple[str, str]) -> str:
    before, after = plan.before[key], plan.after[key]
    lease = f"{escape(after.lease.id)}\t{after.lease.epoch}" if after.lease is not None else f"{_NULL}\t{_NULL}"
    previous = _NULL if before is None else before.revision
    return f"t\t{previous}\t{after.retries}\t{lease}\n"


def _text(text: str | None) -> str:
    return _NULL if text is None else escape(text)
