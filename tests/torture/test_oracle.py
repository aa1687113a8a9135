"""What the oracle knows beside the log: which machines judged from where on, what was changed by hand, what answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from oracle.projection import Projected, Record
from oracle.transitions import ByHand
from torture.stories import VERSIONS

_ENTITY = ("INGESTION", "doc-1")
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _record(offset: int, action: str, headers: tuple[tuple[str, bytes | None], ...] = (), **more: Any) -> Record:  # noqa: ANN401 - any JSON
    event = {
        "correlation_id": "c",
        "event_id": f"e-{offset}",
        "occurred_at": _NOON.isoformat(),
        "fsm_type": "INGESTION",
        "entity_id": "doc-1",
        "action": action,
        **more,
    }
    return Record(("t", 0, offset), None, json.dumps(event).encode(), headers, None)


def _judged(records: list[Record], **known: Any) -> Projected:  # noqa: ANN401 - as the class has it
    projected = Projected(VERSIONS[-1], "w", **known)
    for record in records:
        projected.judge(record)
    return projected


def test_each_record_is_judged_by_the_version_that_was_recorded_for_its_offset() -> None:
    older, newer = (rules["INGESTION"] for rules in VERSIONS)
    ways = ["START_PROCESSING", "COMPLETE_INDEXING", "ARCHIVE", "ARCHIVE"]
    records = [_record(offset, action) for offset, action in enumerate(ways)]
    projected = _judged(records, reigns={("t", 0): {"INGESTION": [(0, older), (3, newer)]}})
    assert [letter.reason for letter in projected.letters.values()] == ["unknown_action"]
    assert projected.entities.rows[_ENTITY].state == "ARCHIVED"
    assert list(projected.versions.values()) == [older.version] * 3 + [newer.version]


def test_a_change_by_hand_is_what_later_events_meet_and_no_earlier_one() -> None:
    records = [_record(0, "START_PROCESSING"), _record(1, "REINDEX"), _record(2, "REINDEX")]
    projected = Projected(VERSIONS[-1], "w")
    projected.entities.by_hand = {_ENTITY: {("t", 0, 1): [ByHand("INDEXED", _NOON)]}}
    for record in records:
        projected.judge(record)
    told = [(action, came_from, led_to) for _, action, came_from, led_to, *_ in projected.entities.history[_ENTITY]]
    assert told == [
        ("START_PROCESSING", "RECEIVED", "PROCESSING"),
        ("REINDEX", "PROCESSING", "PROCESSING"),
        ("MANUAL", "PROCESSING", "INDEXED"),
        ("REINDEX", "INDEXED", "PROCESSING"),
    ]
    assert [place[2] for place in projected.letters] == [1]


def test_a_letter_is_answered_by_the_first_redrive_that_names_it_and_holds_its_value() -> None:
    def naming(offset: int) -> tuple[tuple[str, bytes | None], ...]:
        letter = {"topic": "t", "partition": 0, "offset": offset, "incarnation": 0, "redrive": 1}
        return (("foldline-redrive", json.dumps(letter).encode()),)

    refused = _record(0, "REINDEX")
    again = Record(("t", 0, 2), None, refused.value, naming(0), None)
    records = [
        refused,
        _record(1, "REINDEX", naming(0)),  # another event, whatever it names
        again,
        _record(3, "START_PROCESSING"),
        _record(4, "COMPLETE_INDEXING"),
        Record(("t", 0, 5), None, refused.value, naming(2), None),
        Record(("t", 0, 6), None, refused.value, naming(0), None),
        Record(("t", 0, 7), None, refused.value, (("foldline-redrive", b"asked"),), None),
    ]
    projected = _judged(records)
    assert projected.answers == {("t", 0, 0): ("rejected_again", ("t", 0, 2)), ("t", 0, 2): ("applied", ("t", 0, 5))}
