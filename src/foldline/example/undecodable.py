"""Ten lines that are no events, one for each kind of fault, to be published with `--raw`."""

from __future__ import annotations

import json

from foldline.example.planted import START, event_time

_SOUND: dict[str, object] = {
    "correlation_id": "req-undecodable",
    "event_id": "undecodable-1",
    "occurred_at": event_time(START, 0),
    "fsm_type": "INGESTION",
    "entity_id": "doc-9001",
    "action": "START_PROCESSING",
}


def undecodable_lines() -> tuple[tuple[str, bytes], ...]:
    """Return (reason, line) of each; the reason is `malformed` or `invalid`, as the dead letter will have it."""
    sound = _line()
    return (
        ("malformed", sound[: len(sound) // 2]),
        ("malformed", b"[" + sound + b"]"),
        ("malformed", b"\xef\xbb\xbf" + sound),
        ("malformed", _line(entity_id="doc-M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller").decode().encode("latin-1")),
        ("invalid", _line(entity_id=None)),
        ("invalid", _line(entity_id="doc-" + "9" * 300)),
        ("invalid", _line(occurred_at="2026-01-05T08:00:00")),
        ("invalid", _line(success="false")),
        ("invalid", _line(metadata={"title": "cut\0off"})),
        ("invalid", _line(fsm_type=None, action=None, workflow_id="wf-9001", kind="EXPLODED")),
    )


def _line(**fields: object) -> bytes:
    event = {name: value for name, value in (_SOUND | fields).items() if value is not None}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
