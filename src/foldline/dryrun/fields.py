"""The members of an event as remedies describe them, and those that a record has instead."""

from __future__ import annotations

from foldline.core.cloudevents import envelope_headers, event_members
from foldline.core.events import Kind, Record
from foldline.core.members import ABSENT, Fault, members_of
from foldline.dryrun.words import near

_LONGEST = 64
_TEXT_255 = "a string of 1 to 255 characters"
_TEXT_50 = "a string of 1 to 50 characters"
_TIME = "a time with seconds and offset, as 2026-01-31T12:00:00Z, in the years 1970 to 2200"
_JSON = "at most 256 KiB, 1,000 keys and elements, numbers of at most 1,000 digits, no NUL"

FORMS = {
    "correlation_id": _TEXT_255,
    "event_id": _TEXT_255,
    "occurred_at": _TIME,
    "fsm_type": _TEXT_50,
    "entity_id": _TEXT_255,
    "action": _TEXT_50,
    "from_state": _TEXT_50,
    "to_state": _TEXT_50,
    "success": "true or false",
    "error_message": "a string of at most 8 KiB",
    "metadata": f"a JSON object: {_JSON}",
    "lease": "an object of lease_id and lease_epoch",
    "lease.lease_id": _TEXT_255,
    "lease.lease_epoch": "an integer from 0 to 2^63-1, without quotes",
    "workflow_id": _TEXT_255,
    "kind": f"one of {', '.join(Kind)}",
    "operation_type": _TEXT_50,
    "step": "a string of 1 to 100 characters",
    "input_payload": f"JSON: {_JSON}",
    "output_results": f"JSON: {_JSON}",
    "id": _TEXT_255,
    "time": _TIME,
    "correlationid": _TEXT_255,
    "specversion": '"1.0"',
    "data": "the event, a JSON object",
    "data_base64": "the event's JSON object in base64, without data beside it",
}
"""What each member of an event is, by its path, and each attribute of a CloudEvents envelope."""


def form_of(path: str) -> str:
    """What a member is, in a few words; an attribute's path may be the header's."""
    return FORMS.get(path.removeprefix("ce_"), "what its rule says")


def members_in(record: Record) -> tuple[str, ...] | None:
    """The names of the event's members that are not null; None where nothing says which they are."""
    try:
        members = event_members(members_of(record.value or b""), envelope_headers(record.headers))
    except Fault:
        return None
    return tuple(name for name, raw in members.items() if raw != ABSENT)


def likely_member(missing: str, members: tuple[str, ...]) -> str | None:
    """The member that stands where `missing` should: one that foldline does not read and that is spelt alike."""
    unread = tuple(name for name in members if name not in FORMS and len(name) <= _LONGEST)
    return near(missing, unread)
