"""The example log: the same everywhere, coherent with its own counts, and with every kind of event in it."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import TransitionEvent, Undecodable, WorkflowEvent
from foldline.example import ExampleLog, Planted, example_log, live_stream, read_first_of, undecodable_lines
from foldline.example.__main__ import main
from foldline.example.dice import Dice
from foldline.example.files import example_files
from foldline.example.stories import STORIES
from foldline.example.workflow_stories import WORKFLOW_STORIES

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def log() -> ExampleLog:
    return example_log()


@pytest.fixture(scope="module")
def expected(log: ExampleLog) -> dict[str, Any]:
    return log.expected()


def test_the_dice_fall_as_they_fell_when_the_files_were_written() -> None:
    dice = Dice(seed=7, stream=0)
    assert [dice.below(1_000) for _ in range(6)] == [972, 717, 191, 230, 221, 456]


def test_the_files_in_the_repository_are_what_the_generator_writes() -> None:
    assert main([str(EXAMPLES), "--check"]) == 0


def test_check_names_what_differs_and_how_to_write_it_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    (tmp_path / "workflows.jsonl").write_bytes(b"{}\n")
    (tmp_path / "expected.json").unlink()
    assert main([str(tmp_path), "--check"]) == 1
    complaint = capsys.readouterr().err
    assert "workflows.jsonl, expected.json differ" in complaint
    assert f"python -m foldline.example {tmp_path}" in complaint


def test_another_seed_tells_other_events_under_other_ids(log: ExampleLog) -> None:
    other = example_log(seed=8)
    ids = {planted.event.get("event_id") for planted in log.records} - {None}
    assert ids.isdisjoint(planted.event.get("event_id") for planted in other.records)


def test_more_entities_leave_the_first_ones_as_they_are() -> None:
    few, more = example_log(entities=140), example_log(entities=280)
    assert [story.planted for story in more.entities[:140]] == [story.planted for story in few.entities]


def test_it_is_a_few_thousand_events(expected: dict[str, Any]) -> None:
    assert 2_800 <= expected["transitions"]["records"] <= 3_200
    assert 800 <= expected["workflows"]["records"] <= 1_000


@pytest.mark.parametrize("kind", ["transitions", "workflows"])
def test_every_record_has_one_verdict(expected: dict[str, Any], kind: str) -> None:
    counts = expected[kind]
    assert counts["records"] == counts["applied"] + counts["duplicate"] + sum(counts["rejected"].values())


def test_the_rows_agree_with_the_verdicts(expected: dict[str, Any]) -> None:
    rows, transitions, workflows = expected["rows"], expected["transitions"], expected["workflows"]
    rejected = sum(transitions["rejected"].values())
    assert rows["fsm_state_history"] == transitions["applied"] + rejected - transitions["rejected"]["unknown_fsm"]
    assert rows["workflow_execution_history"] == workflows["applied"]
    assert rows["dead_letters"] == rejected + sum(workflows["rejected"].values())
    assert rows["fsm_state"] == sum(sum(states.values()) for states in expected["states"].values())
    assert rows["workflow_executions"] == sum(expected["statuses"].values())


def test_every_reason_that_the_shipped_machines_know_is_there(expected: dict[str, Any]) -> None:
    assert set(expected["transitions"]["rejected"]) == {
        "unknown_fsm",
        "stale_lease",
        "lease_conflict",
        "unknown_action",
        "from_state_mismatch",
        "illegal_transition",
        "to_state_mismatch",
        "missing_data",
        "retries_exhausted",
    }
    assert set(expected["workflows"]["rejected"]) == {
        "unknown_workflow",
        "stale_lease",
        "lease_conflict",
        "illegal_workflow_event",
    }
    assert set(expected["statuses"]) == {"RUNNING", "PAUSED", "COMPLETED", "FAILED"}


@pytest.mark.parametrize("entities", [120, 780])
def test_every_story_is_told(entities: int) -> None:
    log = example_log(entities=entities)
    told = {(planted.is_transition, planted.story) for planted in log.records}
    wanted = {(True, story.__name__) for story, _ in STORIES} | {
        (False, story.__name__) for story, _ in WORKFLOW_STORIES
    }
    assert wanted | {(True, "read_first")} == told


def test_each_kind_of_event_is_planted(log: ExampleLog) -> None:
    events = [planted.event for planted in log.records]
    assert {"CREATE", "CORRECT", "FAIL", "RETRY", "REINDEX", "RELEARN", "REASSESS"} <= {e.get("action") for e in events}
    assert {"STARTED", "PAUSED", "RESUMED", "RETRIED", "COMPLETED", "FAILED"} <= {e.get("kind") for e in events}
    assert any(event.get("success") is False for event in events)
    assert any("event_id" not in event for event in events)
    assert any("lease" in event for event in events)
    assert any("metadata" not in event for event in events)


def test_each_record_is_a_sound_event_with_the_verdict_that_its_identity_allows(log: ExampleLog) -> None:
    seen: set[str] = set()
    for planted in log.records:
        event = _decoded(planted)
        assert not isinstance(event, Undecodable), (planted, event)
        assert (event.identity in seen) == (planted.verdict == "duplicate"), planted
        seen.add(event.identity)


def test_duplicates_come_at_once_and_late(log: ExampleLog) -> None:
    first: dict[bytes, int] = {}
    gaps = []
    for position, planted in enumerate(log.records):
        if planted.verdict == "duplicate":
            gaps.append(position - first[planted.line])
        else:
            assert first.setdefault(planted.line, position) == position
    assert min(gaps) == 1
    assert max(gaps) > 100


def test_entities_are_interleaved_and_each_keeps_its_order(log: ExampleLog) -> None:
    times: dict[object, str] = {}
    switches = 0
    previous: object = None
    for planted in log.transitions:
        entity = (planted.event["entity_id"], planted.event["fsm_type"])
        switches += entity != previous
        previous = entity
        if planted.verdict != "duplicate":
            occurred_at = str(planted.event["occurred_at"])
            assert times.get(entity, "") < occurred_at
            times[entity] = occurred_at
    assert switches > len(times)


def test_doc_0007_tells_a_newcomer_everything_once(log: ExampleLog) -> None:
    story = [planted for planted in log.transitions if planted.event["entity_id"] == "doc-0007"]
    assert [(p.event["action"], p.event.get("success", True), p.verdict, p.reason) for p in story] == [
        ("START_PROCESSING", True, "applied", None),
        ("COMPLETE_INDEXING", False, "applied", None),
        ("FAIL", True, "applied", None),
        ("FAIL", True, "duplicate", None),
        ("COMPLETE_INDEXING", True, "rejected", "from_state_mismatch"),
        ("RETRY", True, "applied", None),
        ("COMPLETE_INDEXING", True, "applied", None),
        ("REINDEX", True, "applied", None),
        ("COMPLETE_INDEXING", True, "applied", None),
    ]


def test_ten_lines_are_undecodable_each_for_its_reason() -> None:
    lines = undecodable_lines()
    assert len({line for _, line in lines}) == 10
    for reason, line in lines:
        assert b"\n" not in line
        for decode in (decode_transition, decode_workflow):
            verdict = decode(line)
            assert isinstance(verdict, Undecodable)
            assert verdict.reason == reason
    assert example_files()["undecodable.jsonl"].count(b"\n") == 10


def test_the_counts_of_the_undecodable_lines_are_expected_too() -> None:
    assert Counter(reason for reason, _ in undecodable_lines()) == {"malformed": 4, "invalid": 6}
    assert (
        b'"undecodable": {\n    "records": 10,\n    "invalid": 6,\n    "malformed": 4\n'
        in example_files()["expected.json"]
    )


def _decoded(planted: Planted) -> TransitionEvent | WorkflowEvent | Undecodable:
    return decode_transition(planted.line) if planted.is_transition else decode_workflow(planted.line)


def test_the_live_stream_holds_all_of_it_with_poison_strewn_in_and_ends_before_now(log: ExampleLog) -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    stream = live_stream(now, mark="m")
    assert len(stream.lines) == sum(stream.verdicts.values()) == len(log.records) + len(undecodable_lines())
    poison = [number for number, line in enumerate(stream.lines) if line in {line for _, line in undecodable_lines()}]
    gaps = {later - earlier for earlier, later in itertools.pairwise([0, *poison, len(stream.lines)])}
    assert max(gaps) < 2 * min(gaps)
    events = [decode_transition(line) for line in stream.lines if b'"fsm_type"' in line]
    times = [event.occurred_at for event in events if isinstance(event, TransitionEvent)]
    assert now - timedelta(hours=14) < min(times) < max(times) < now


def test_another_mark_tells_the_same_of_others() -> None:
    plain, marked = example_log(), example_log(mark="m")
    assert plain.expected() == marked.expected()
    ids = {(story.path.fsm_type, story.entity_id) for story in plain.entities}
    assert ids.isdisjoint((story.path.fsm_type, story.entity_id) for story in marked.entities)
    assert read_first_of("m") == "doc-m-0007"
    assert {story.name for story in marked.entities if story.entity_id == "doc-m-0007"} == {"read_first"}
