"""An event of both kinds, plain and taken apart into what goes where in a CloudEvents envelope."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Headers, TransitionEvent, Undecodable, WorkflowEvent
from harness import transition, workflow

EVENT = transition("START_PROCESSING") | workflow("STARTED", metadata={"a": 1})
DATA = {name: value for name, value in EVENT.items() if name not in ("correlation_id", "occurred_at")}
GIVEN = {"id": "e-1", "time": EVENT["occurred_at"], "correlationid": EVENT["correlation_id"]}
ENVELOPE = {"specversion": "1.0", "type": "t", "source": "/s", **GIVEN}
BESIDE = tuple((f"ce_{name}", value.encode()) for name, value in ENVELOPE.items())
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
WHOLE = ENVELOPE | {"data": DATA}

Verdicts = tuple[TransitionEvent | Undecodable, WorkflowEvent | Undecodable]


def decode(value: bytes | None, headers: Headers = ()) -> Verdicts:
    return decode_transition(value, headers), decode_workflow(value, headers)


def spelled(members: dict[str, Any], *more: str) -> bytes:
    """The object's JSON with further members, as they are written, at its end."""
    return f"{{{', '.join([json.dumps(members, ensure_ascii=False)[1:-1], *more])}}}".encode()


def encoded(text: bytes) -> dict[str, str]:
    return {"data_base64": b64encode(text).decode()}
