"""A machine that a worker has recorded comes back from the database whole, for a replay to judge with it again."""

from __future__ import annotations

from pathlib import Path

from foldline.machines import load_file, restored
from harness import MACHINES, REVIEW, TRANSITIONS, MemorySource, Projector, records, rows, transition

DEFINITIONS = "SELECT fsm_type, definition::text FROM foldline_machine_versions"

ACTIVATIONS = """
SELECT incarnation, from_offset, version FROM foldline_machine_activations WHERE fsm_type = 'INGESTION' ORDER BY 1, 2
"""
ACCEPTED = "SELECT foldline_accept_position(%s, 0, 2, 'Lost.', 0, true, 'id-2', 1, false, 'it was announced', NULL)"

EVERYTHING = """
fsm_type: "ORDER ü"
version: 12
initial: NEW
lease: required
corrections: refused
states:
  NEW: {timeout: 36h, requires: [zeta, alpha]}
  DONE: {final: true}
  FAILED: {error: true, requires: [error_message]}
transitions:
  - {action: PAY, from: [NEW, FAILED], to: DONE, max: 3}
  - {action: FAIL, from: NEW, to: FAILED}
intents:
  - {when: [FAILED, DONE], type: EVENT_PUBLISH, target: effect}
  - {when: DONE, type: WORKFLOW_TRIGGER, target: orchestrator, operation_type: SHIPPING}
"""


def test_what_was_recorded_judges_again_as_it_did(projector: Projector, tmp_path: Path) -> None:
    machines = dict(MACHINES)
    for name, text in (("review", REVIEW), ("order", EVERYTHING)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        machine = load_file(path)
        machines[machine.fsm_type] = machine
    projector.machines = machines
    projector.project(transition("START_PROCESSING"))
    recorded = rows(projector.database_url, DEFINITIONS)
    assert {fsm_type: restored(document) for fsm_type, document in recorded} == machines


def test_a_log_that_took_the_place_of_another_has_its_machines_recorded_from_its_beginning(
    projector: Projector,
) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"), transition("REINDEX", event_id="2"))
    rows(projector.database_url, "UPDATE foldline_positions SET stopped_reason = 'Lost.'")
    assert rows(projector.database_url, ACCEPTED, TRANSITIONS.topic) == [(2,)]
    for count in (1, 2):
        new_log = records(transition("COMPLETE_INDEXING", event_id=f"new {number}") for number in range(count))
        projector.run(MemorySource({TRANSITIONS: new_log}, topic_id="id-2"))
    assert rows(projector.database_url, ACTIVATIONS) == [(0, 0, 1), (1, 0, 1)]
