"""A machine that a worker has recorded comes back from the database whole, for a replay to judge with it again."""

from __future__ import annotations

from pathlib import Path

from foldline.machines import load_file, restored
from harness import MACHINES, REVIEW, Projector, rows, transition

DEFINITIONS = "SELECT fsm_type, definition::text FROM foldline_machine_versions"

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
