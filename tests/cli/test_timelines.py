"""What happened to one entity, and to one workflow, as a person reads it: on the example's own stories."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Commands
from harness import WORKFLOWS, Projector, rows, transition, workflow

EXAMPLES = Path(__file__).parents[2] / "examples"

DOC_0007 = """\
History of INGESTION doc-0007
2026-01-05 UTC
  08:04:18.267  RECEIVED -> PROCESSING  START_PROCESSING                     fsm.transitions.v1 0 0
  08:06:24.450  in PROCESSING           COMPLETE_INDEXING  after 2 min 6 s   fsm.transitions.v1 0 1
                FAILED ATTEMPT: embedding service answered 503 after 3 attempts
  08:08:41.099  PROCESSING -> FAILED    FAIL               after 4 min 23 s  fsm.transitions.v1 0 2
                embedding service is down, giving up
  08:10:52.818  in FAILED               COMPLETE_INDEXING  after 2 min 12 s  fsm.transitions.v1 0 4
                REJECTED from_state_mismatch: the event expects PROCESSING, the entity is in FAILED
  08:18:02.675  FAILED -> PROCESSING    RETRY              after 9 min 22 s  fsm.transitions.v1 0 5
  08:18:53.683  PROCESSING -> INDEXED   COMPLETE_INDEXING  after 51.0 s      fsm.transitions.v1 0 6
  10:18:06.736  INDEXED -> PROCESSING   REINDEX            after 1 h 59 min  fsm.transitions.v1 0 7
  10:20:09.992  PROCESSING -> INDEXED   COMPLETE_INDEXING  after 2 min 3 s   fsm.transitions.v1 0 8
"""

WF_0017 = """\
Workflow wf-0017: QUALITY_ASSESSMENT of review-0044
2026-01-05 UTC
  09:53:03.600  STARTED
  09:53:07.640  step sample_pages      for 55.1 s
  09:55:08.837  step score, attempt 1  for 1.2 s
                FAILED: scoring model timed out
  09:56:02.324  FAILED
  09:56:48.905  RETRIED
  09:57:20.931  step score, attempt 2  for 22.9 s
  09:58:39.770  step store             for 52.1 s
  10:00:22.750  COMPLETED
COMPLETED after 7 min 19 s, 3 steps done, retried 1 time
"""


def events_of(file: str, name: str) -> list[bytes]:
    """The lines of one entity or workflow of the example."""
    return [line for line in (EXAMPLES / file).read_bytes().splitlines() if f'"{name}"'.encode() in line]


@pytest.fixture
def reading(foldline: Commands, projector: Projector) -> Commands:
    """Commands that read what the projector projects."""
    foldline.set(DATABASE_URL=projector.database_url)
    return foldline


def test_an_entity_is_told_hop_by_hop(reading: Commands, projector: Projector) -> None:
    projector.project(*events_of("transitions.jsonl", "doc-0007"))
    answer = reading("history", "INGESTION", "doc-0007")
    assert answer.out.startswith(DOC_0007)
    now = answer.out.removeprefix(DOC_0007)
    assert re.fullmatch(r"Now in INDEXED \(final\) for \d+ d( \d+ h)?, since 2026-01-05T10:20:09.992Z\n", now)
    *hops, last = reading("history", "INGESTION", "doc-0007", "--json").json
    assert [each["seconds_in_state"] for each in hops] == [
        *(None, 126.182767, 262.831832, 131.718475, 561.575763, 51.007917, 7153.052984),
    ]
    assert all(each["seconds_until_now"] is None for each in hops)
    assert last["seconds_until_now"] > 0


def test_an_overstay_and_a_change_by_hand_are_marked(reading: Commands, projector: Projector) -> None:
    projector.project(
        transition("START_PROCESSING", event_id="1", occurred_at="2026-01-31T12:00:00Z"),
        transition("FAIL", event_id="2", occurred_at="2026-02-01T13:00:00Z", success=False),
    )
    _, _, _, _, attempt, below, now = reading("history", "INGESTION", "doc-1").out.splitlines()
    assert "after 1 d 1 h, 1 d OVER its timeout of 5 min" in attempt
    assert below.strip() == "FAILED ATTEMPT: no message"
    assert re.match(r"Now in PROCESSING for \d+ d.*, \d+ d.* OVER its timeout of 5 min$", now)
    told = reading("history", "INGESTION", "doc-1", "--json").json
    assert [each["overstay_seconds"] for each in told] == [None, 90_000.0 - 300.0]

    rows(projector.database_url, "UPDATE fsm_state SET current_state = 'INDEXED'")
    *_, by_hand, below, now = reading("history", "INGESTION", "doc-1").out.splitlines()
    assert re.search(r"PROCESSING -> INDEXED +MANUAL .* later than fsm\.transitions\.v1 0 0$", by_hand)
    assert below.strip().startswith("BY HAND")
    assert now.startswith("Now in INDEXED (final) for ")

    rows(projector.database_url, "DELETE FROM fsm_state")
    assert (
        reading("history", "INGESTION", "doc-1").out.splitlines()[-1].startswith("Now without a state: its row is gone")
    )
    assert all(each["seconds_until_now"] is None for each in reading("history", "INGESTION", "doc-1", "--json").json)


def test_a_correction_and_a_rejection_say_their_reasons(reading: Commands, projector: Projector) -> None:
    projector.project(
        transition("FAIL", event_id="1"),
        transition(
            "CORRECT", event_id="2", to_state="RECEIVED", error_message="ticket 7", occurred_at="2200-01-01T00:00:00Z"
        ),
    )
    text = reading("history", "INGESTION", "doc-1").out
    assert re.search(r"\(unknown entity\) +FAIL", text)
    assert "REJECTED missing_data: FAILED requires error_message, which is absent" in text
    assert "CORRECTED by an operator: ticket 7" in text
    assert "2200-01-01 UTC\n  00:00:00.000  RECEIVED -> RECEIVED" in text
    assert text.endswith("Now in RECEIVED since 2200-01-01T00:00:00.000Z, which is yet to come\n")


def test_an_entity_is_known_without_history_and_without_a_state(reading: Commands, projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"), transition("NONSENSE", entity_id="doc-2"))
    assert reading("history", "INGESTION", "doc-2").out.endswith("\nNow without a state: nothing was applied\n")
    rows(projector.database_url, "SELECT cleanup_old_fsm_history(0)")
    _, removed, now = reading("history", "INGESTION", "doc-1").out.splitlines()
    assert removed == "Its history was removed."
    assert now.startswith("Now in PROCESSING for ")
    assert reading("history", "INGESTION", "doc-1", "--json").json == []


def test_a_broken_definition_keeps_nobody_from_reading_history(reading: Commands, projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"))
    reading.set(FOLDLINE_MACHINES="nowhere")
    answer = reading("history", "INGESTION", "doc-1")
    assert answer.code == 0
    assert "Now in PROCESSING for " in answer.out
    assert "OVER" not in answer.out
    assert answer.err.startswith("foldline: timeouts are not known: nowhere: not a readable directory")


def test_a_workflow_is_told_step_by_step(reading: Commands, projector: Projector) -> None:
    projector.project(*events_of("workflows.jsonl", "wf-0017"), partition=WORKFLOWS)
    assert reading("workflows", "show", "wf-0017").out == WF_0017
    told = reading("workflows", "show", "wf-0017", "--json").json
    assert (told["seconds"], told["paused_seconds"], told["pauses"]) == (439.150717, 0.0, [])
    assert [(each["step"], each["attempt"], each["outcome"], each["seconds"]) for each in told["steps"]] == [
        ("sample_pages", 1, "completed", 55.078504),
        ("score", 1, "failed", 1.22599),
        ("score", 2, "completed", 22.885235),
        ("store", 1, "completed", 52.105214),
    ]
    events = reading("workflows", "show", "wf-0017", "--events").out.splitlines()
    assert re.fullmatch(r"2026-01-05T09:55:10.063Z  STEP_FAILED +score +\S+ 0 4 +scoring model timed out", events[6])


def test_what_runs_and_what_is_paused_is_told_so_far(reading: Commands, projector: Projector) -> None:
    projector.project(
        workflow("STARTED", event_id="1"),
        workflow("STEP_STARTED", event_id="2", step="\x1b[31mfetch"),
        workflow("PAUSED", event_id="3"),
        partition=WORKFLOWS,
    )
    answer = reading("workflows", "show", "wf-1")
    step, pause, now = answer.out.splitlines()[3:]
    assert re.fullmatch(r"  12:00:00.000  step \\x1b\[31mfetch  for \d+ d.* so far", step)
    assert re.fullmatch(r"  12:00:00.000  PAUSED +for \d+ d.* so far", pause)
    assert re.fullmatch(r"Now PAUSED, started \d+ d.* ago, paused for .* of it, last event .* ago, 0 steps done", now)


def test_a_workflow_written_with_sql_has_no_events(reading: Commands, projector: Projector) -> None:
    rows(
        projector.database_url,
        "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id, status, started_at, completed_at,"
        " error_message) VALUES ('w', 'O', 'e', 'FAILED', '2026-01-05T00:00Z', '2026-01-05T00:01:30Z', 'lost')",
    )
    assert reading("workflows", "show", "w").out.splitlines() == [
        "Workflow w: O of e",
        "It has no events: it was written with SQL.",
        "FAILED after 1 min 30 s, 0 steps done",
        "Failed at -: lost",
    ]


def test_colours_are_for_terminals(reading: Commands, projector: Projector) -> None:
    projector.project(transition("COMPLETE_INDEXING", event_id="1"))
    words = [sys.executable, "-m", "foldline", "history", "INGESTION", "doc-1"]
    environment = {**reading.environment, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    terminal, ours = os.openpty()
    subprocess.run(words, env=environment, cwd=reading.directory, stdout=ours, check=True)
    os.close(ours)
    assert b"\x1b[31m" in os.read(terminal, 65_536)
    os.close(terminal)
    environment |= {"FORCE_COLOR": "1"}
    piped = subprocess.run(words, env=environment, cwd=reading.directory, capture_output=True, check=True)
    assert b"REJECTED illegal_transition" in piped.stdout
    assert b"\x1b" not in piped.stdout
