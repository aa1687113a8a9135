"""Events in CloudEvents envelopes on a real database: the tables of the plain log, and redrives."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from foldline.core.events import REDRIVE_HEADER, Record
from harness import COUNTS, HISTORY, WORKFLOWS, Projector, encoded, rows, snapshot, transition, workflow

NAMES = {"event_id": "id", "occurred_at": "time", "correlation_id": "correlationid"}


def taken_apart(event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The envelope's attributes and the data."""
    given = {name: event[field] for field, name in NAMES.items() if field in event}
    data = {field: member for field, member in event.items() if field not in NAMES}
    return {"specversion": "1.0", "type": "t", "source": "/s"} | given, data


def structured(event: dict[str, Any]) -> Record:
    attributes, data = taken_apart(event)
    return Record(0, b"k", encoded(attributes | {"data": data}), (("content-type", b"application/cloudevents+json"),))


def in_base64(event: dict[str, Any]) -> Record:
    attributes, data = taken_apart(event)
    return Record(0, b"k", encoded(attributes | {"data_base64": b64encode(json.dumps(data).encode()).decode()}))


def binary(event: dict[str, Any], *more: tuple[str, bytes]) -> Record:
    attributes, data = taken_apart(event)
    headers = tuple((f"ce_{name}", value.encode()) for name, value in attributes.items())
    return Record(0, b"k", encoded(data), (*headers, *more))


HOPS = [
    transition("START_PROCESSING", event_id="1", metadata={"n": 1.50}),
    transition("COMPLETE_INDEXING", occurred_at="2026-01-31T12:00:01+01:00"),
    transition("COMPLETE_INDEXING", event_id="early", to_state="FAILED"),
    transition("REINDEX", event_id="1"),
    transition("GO", event_id="5", fsm_type="NOBODY"),
]
RUN = [
    workflow("STARTED", event_id="1", input_payload=[1e300]),
    workflow("RESUMED"),
    workflow("STEP_COMPLETED", event_id="3", step="fetch"),
]


def test_a_log_in_envelopes_leaves_the_tables_of_the_plain_log(projector: Projector, second_database_url: str) -> None:
    projector.project(*HOPS, *HOPS)
    projector.project(*RUN, partition=WORKFLOWS)
    plain = snapshot(projector.database_url)
    wrapped = Projector(second_database_url)
    modes = (structured, in_base64, binary)
    wrapped.project(*(modes[n % 3](event) for n, event in enumerate(HOPS)), *map(binary, HOPS))
    wrapped.project(*(modes[n % 3](event) for n, event in enumerate(RUN)), partition=WORKFLOWS)
    found = snapshot(second_database_url)
    letters, plain_letters = found.pop("foldline_dead_letters"), plain.pop("foldline_dead_letters")
    assert found == plain
    assert [letter[:11] for letter in letters] == [letter[:11] for letter in plain_letters]
    assert [letter[11] for letter in letters] == [b"k"] * 3


def test_a_dead_letter_keeps_the_envelope_as_it_came(projector: Projector) -> None:
    record = binary(transition("REINDEX", event_id="1"), ("trace", b"\xff"))
    lacking = Record(1, None, b'{"specversion": "1.0", "id": "e"}', (("ce_id", b"x"),))
    projector.project(record, lacking, Record(2, b"k", None, record.headers))
    letters = rows(
        projector.database_url,
        "SELECT reason, detail, event_id, value, headers FROM foldline_dead_letters ORDER BY record_offset",
    )
    assert letters[0][0] == "illegal_transition"
    assert letters[0][2:4] == ("1", record.value)
    assert letters[0][4] == [[name, b64encode(value or b"").decode()] for name, value in record.headers]
    assert letters[1] == ("invalid", "data: required", None, lacking.value, [["ce_id", "eA=="]])
    assert letters[2][:3] == ("malformed", "no value (a tombstone): publish a JSON object", None)


def test_a_redrive_of_an_event_in_headers_is_judged_again(projector: Projector) -> None:
    event = transition("COMPLETE_INDEXING", event_id="early")
    again = binary(event, (REDRIVE_HEADER, b"fsm.transitions.v1/0/0"))
    projector.project(binary(event), transition("START_PROCESSING", event_id="start"), structured(event), again, again)
    assert rows(projector.database_url, COUNTS) == [(2, 2, 1, 0)]
    assert [row[2:4] for row in rows(projector.database_url, HISTORY)] == [
        ("COMPLETE_INDEXING", False),
        ("START_PROCESSING", True),
        ("COMPLETE_INDEXING", True),
    ]
