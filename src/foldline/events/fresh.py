"""What the builders fill in: an id of its own and the time, unless they are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Required, TypedDict
from uuid import uuid4

from foldline.events.fields import Lease


class Circumstances(TypedDict, total=False):
    """What every builder takes besides its own arguments: `correlation_id` always, the others where they are known.

    Without `event_id` the event gets a random one (UUIDv4), without `occurred_at` the clock's time. To send an event
    again, keep it: a new one has another id, and is another event.
    """

    correlation_id: Required[str]
    event_id: str
    occurred_at: datetime
    metadata: Mapping[str, Any]
    lease: Lease


def fresh(given: Circumstances) -> Circumstances:
    """The same with `event_id` and `occurred_at`."""
    made: Circumstances = {"event_id": str(uuid4()), "occurred_at": datetime.now(UTC), **given}
    return made
