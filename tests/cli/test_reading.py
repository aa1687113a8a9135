"""What the reading commands print of a projected log, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from commands import Commands
from foldline.core.batch import Partition
from foldline.core.decode import decode_transition
from foldline.core.events import Record, TransitionEvent
from harness import TRANSITIONS, WORKFLOWS, Projector, transition, workflow

STARTED = "2026-01-31T12:00:00Z"
ENDED = "2026-01-31T12:01:30.5Z"
CONTRACT_FIELDS = [
    *("id", "topic", "partition", "offset", "verdict", "reason", "detail", "fsm_type", "entity_id"),
    *("workflow_id", "correlation_id", "event_id", "recorded_at", "status"),
]


@pytest.fixture
def projected(foldline: Commands, projector: Projector) -> Commands:
    projector.project(
        transition("START_PROCESSING", event_id="1", occurred_at=STARTED, metadata={"exact": 1}),
        transition("COMPLETE_INDEXING", event_id="2", occurred_at=ENDED),
        transition("COMPLETE_INDEXING", event_id="3", occurred_at=ENDED),
        Record(3, b"key", b"\xff\x00", (("h", b"\xfe"), ("n", None)), 1_700_000_000_000),
        transition("FAIL", event_id="5", entity_id="\x1b[31mred", success=False, error_message="[bold]\x07"),
    )
    projector.project(
        workflow("STARTED", event_id="1", input_payload={"huge": 12345678901234567890123}),
        workflow("STEP_STARTED", event_id="2", step="fetch"),
        workflow("STEP_FAILED", event_id="3", step="fetch", error_message="no"),
        workflow("RESUMED", event_id="4"),
        partition=WORKFLOWS,
    )
    foldline.set(DATABASE_URL=projector.database_url)
    return foldline


def test_history_for_programs_has_every_field_and_times_in_utc(projected: Commands) -> None:
    first, second, third = projected("history", "INGESTION", "doc-1", "--json").json
    assert first["transitioned_at"] == STARTED
    assert first["metadata"] == {"exact": 1}
    assert (second["from_state"], second["to_state"], second["duration_ms"]) == ("PROCESSING", "INDEXED", 90_500.0)
    assert (third["success"], third["reason"], third["record_offset"]) == (False, "illegal_transition", 2)


def test_history_of_an_unknown_entity_ends_with_1(projected: Commands) -> None:
    answer = projected("history", "INGESTION", "doc-2")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("foldline: Nothing is known of INGESTION doc-2.")


def test_history_of_an_entity_that_has_only_dead_letters_says_so(foldline: Commands, projector: Projector) -> None:
    projector.project(
        transition("START_PROCESSING", fsm_type="NOBODYS", entity_id="r-1", event_id="1"),
        transition("START_PROCESSING", fsm_type="OTHERS", entity_id="r-1", event_id="2"),  # a later one, not of it
    )
    foldline.set(DATABASE_URL=projector.database_url)
    answer = foldline("history", "NOBODYS", "r-1")
    assert (answer.code, answer.out) == (1, "")
    assert "NOBODYS r-1 has no history, but dead letters." in answer.err
    assert "Nothing is known of INGESTION r-1." in foldline("history", "INGESTION", "r-1").err


def test_what_the_log_holds_cannot_steer_the_terminal(projected: Commands) -> None:
    answer = projected("history", "INGESTION", "\x1b[31mred")
    assert answer.code == 0
    assert "[bold]\\x07" in answer.out
    unknown = projected("history", "INGESTION", "\x1b[31mgone")
    assert not any(c in answer.out + unknown.err for c in "\x1b\x07")


def test_status_counts_verdicts_states_and_open_dead_letters_also_without_kafka(projected: Commands) -> None:
    answer = projected("status", "--json")
    told = answer.json
    assert told["verdicts"] == {"applied": 6, "duplicate": 0, "rejected": 2, "undecodable": 1}
    assert told["states"] == [{"fsm_type": "INGESTION", "state": "INDEXED", "entities": 1}]
    assert told["workflows"] == {"RUNNING": 1}
    assert [letter["reason"] for letter in told["open_dead_letters"]] == [
        "illegal_transition",
        "illegal_workflow_event",
        "malformed",
    ]
    assert told["lag"] is None
    assert "KAFKA_BOOTSTRAP_SERVERS" in told["lag_problem"]
    readable = projected("status")
    assert "INGESTION: 1 INDEXED" in readable.out
    assert "The lag is not known: KAFKA_BOOTSTRAP_SERVERS" in readable.err


def test_positions_tell_where_each_partition_stands(projected: Commands) -> None:
    first, second = projected("positions", "--json").json
    assert (first["topic"], first["partition"], first["next_offset"], first["epoch"]) == ("fsm.transitions.v1", 0, 5, 1)
    assert (second["topic"], second["owner"]) == ("workflow.executions.v1", "test:1")
    assert "fsm.transitions.v1[0]" in projected("positions").out


def test_workflows_are_listed_and_selected(projected: Commands) -> None:
    (only,) = projected("workflows", "--json").json
    assert (only["workflow_id"], only["status"], only["failed_step"]) == ("wf-1", "RUNNING", "fetch")
    assert projected("workflows", "--status", "paused", "--json").json == []
    assert len(projected("workflows", "--stuck", "1", "--json").json) == 1
    assert "DOCUMENT_INGESTION" in projected("workflows", "--limit", "1").out


def test_a_workflow_is_shown_with_its_timeline_and_every_digit_of_its_payload(projected: Commands) -> None:
    answer = projected("workflows", "show", "wf-1", "--json")
    assert [entry["kind"] for entry in answer.json["timeline"]] == ["STARTED", "STEP_STARTED", "STEP_FAILED"]
    assert "12345678901234567890123" in answer.out
    assert projected("workflows", "show", "wf-2").code == 1


def test_dead_letters_have_the_fields_of_the_contract(projected: Commands) -> None:
    listed = projected("deadletters", "list", "--json").json
    assert [list(letter) for letter in listed] == [CONTRACT_FIELDS] * 3
    assert {letter["reason"] for letter in listed} == {"illegal_transition", "illegal_workflow_event", "malformed"}
    assert listed[0]["recorded_at"].endswith("Z")


def test_a_dead_letter_in_an_envelope_is_listed_like_a_plain_one(foldline: Commands, projector: Projector) -> None:
    events = [transition("REINDEX", event_id="given"), transition("REINDEX")]
    projector.project(*events)
    foldline.set(DATABASE_URL=projector.database_url)
    plain = foldline("deadletters", "list", "--json").json
    elsewhere = Partition(TRANSITIONS.topic, 1)
    again = [event | {"entity_id": "doc-2"} for event in events]
    headers = {"ce_correlationid": "c-1", "ce_time": STARTED}
    binary = (*((name, value.encode()) for name, value in headers.items()), ("ce_id", b"given"))
    data = json.dumps({name: again[1][name] for name in ("fsm_type", "entity_id", "action")})
    structured = f'{{"specversion": "1.0", "correlationid": "c-1", "time": "{STARTED}", "data": {data}}}'
    projector.project(Record(0, None, data.encode(), binary), Record(1, None, structured.encode()), partition=elsewhere)
    derived = decode_transition(json.dumps(again[1]).encode())
    assert isinstance(derived, TransitionEvent)
    listed = foldline("deadletters", "list", "--entity", "doc-2", "--json").json
    assert [letter["event_id"] for letter in listed] == [derived.event_id, "given"]
    unlike = {"id", "partition", "entity_id", "event_id", "recorded_at"}
    assert [{name: letter[name] for name in letter.keys() - unlike} for letter in listed] == [
        {name: letter[name] for name in letter.keys() - unlike} for letter in plain
    ]


@pytest.mark.parametrize(
    ("selection", "reasons"),
    [
        (["--reason", "malformed"], ["malformed"]),
        (["--entity", "doc-1", "--status", "open"], ["illegal_transition"]),
        (["--status", "dropped"], []),
        (["--limit", "1"], ["illegal_workflow_event"]),
    ],
    ids=str,
)
def test_dead_letters_are_selected(projected: Commands, selection: list[str], reasons: list[str]) -> None:
    assert [letter["reason"] for letter in projected("deadletters", "list", *selection, "--json").json] == reasons


def test_a_dead_letter_is_shown_as_it_came(projected: Commands) -> None:
    (number,) = [letter["id"] for letter in projected("deadletters", "list", "--reason", "malformed", "--json").json]
    shown = projected("deadletters", "show", str(number), "--json").json
    assert (shown["key"], shown["value"]) == ({"text": "key"}, {"hex": "ff00"})
    assert shown["headers"] == [{"name": "h", "value": {"hex": "fe"}}, {"name": "n", "value": None}]
    assert shown["record_timestamp"] == "2023-11-14T22:13:20Z"
    readable = projected("deadletters", "show", str(number)).out
    assert all(part in readable for part in ("hex ff 00", "2023-11-14T22:13:20.000Z", "h: hex fe"))
    assert projected("deadletters", "show", "999").code == 1


def test_a_reader_that_has_enough_is_no_error_to_look_at(projected: Commands) -> None:
    command = f"{sys.executable} -m foldline status --json | true"
    ended = subprocess.run(
        ["bash", "-c", command], env=projected.environment, cwd=projected.directory, capture_output=True, check=True
    )
    assert ended.stderr == b""
