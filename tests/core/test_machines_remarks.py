"""What is legal and hardly meant draws a remark with its line, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from foldline.machines import survey, survey_paths

ORDER = """\
fsm_type: ORDER
version: 1
initial: NEW
states:
  NEW: {timeout: 5m}
  PAID:
  DONE: {final: true}
  FAILED: {error: true, requires: [error_message, reason, lease_id]}
transitions:
  - {action: PAY,   from: NEW,         to: PAID}
  - {action: SHIP,  from: PAID,        to: DONE}
  - {action: FAIL,  from: [NEW, PAID], to: FAILED}
  - {action: RETRY, from: FAILED,      to: PAID, max: 3}
"""
WAY_OUT = "Add a way out, or say `final: true`."
NO_WAY_OUT = f"8: no transition leads out of the error state 'FAILED', and it is not final. {WAY_OUT}"
TIMED = "7: 'DONE' is final and has a timeout: entities that settled will be listed as stuck. Remove one of the two."
MISSPELT = "8: 'FAILED' requires 'error_mesage', which is a metadata key and no event field."
NONE_FINAL = "no state is final, so the retry counter that `max` bounds never falls to 0."

DOUBTFUL = [
    ("RETRY, from: FAILED", "RETRY, from: PAID", [NO_WAY_OUT]),
    ("RETRY, from: FAILED,      to: PAID", "RETRY, from: FAILED, to: FAILED", [NO_WAY_OUT]),
    ("DONE: {final: true}", "DONE:", [
        f"{NONE_FINAL} Say `final: true` of the states that settle an entity.",
        f"7: no transition leads out of 'DONE', and it is not final. {WAY_OUT}",
    ]),
    ("PAID,        to: DONE", "[PAID, DONE], to: NEW}\n  - {action: END, from: FAILED, to: DONE", []),
    ("FAILED,      to: PAID", "FAILED, to: LOST}\n  - {action: FIND, from: LOST, to: FAILED", [
        "8: no final state can be reached from 'FAILED'. Add a transition towards one.",
        "9: no final state can be reached from 'LOST'. Add a transition towards one.",
    ]),
    ("final: true", "final: true, timeout: 1h", [TIMED]),
    ("error_message, reason", "error_mesage, reason", [f"{MISSPELT} Did you mean 'error_message'?"]),
    ("error: true", "error: true, final: true", []),
]  # fmt: skip


def remarks_of(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    found = survey_paths([path])
    assert not found.faults
    assert [each.machine.fsm_type for each in found.loaded] == ["ORDER"]
    return [str(remark).removeprefix(f"{path}:").strip() for remark in found.remarks]


def test_what_is_meant_draws_none(tmp_path: Path) -> None:
    assert remarks_of(tmp_path / "order.yaml", ORDER) == []
    assert survey([]).remarks == ()


@pytest.mark.parametrize(("old", "new", "remarks"), DOUBTFUL)
def test_what_is_doubtful_draws_a_remark(tmp_path: Path, old: str, new: str, remarks: list[str]) -> None:
    assert ORDER.count(old) == 1
    text = ORDER.replace(old, new)
    if "LOST" in text:
        text = text.replace("transitions:", "  LOST:\ntransitions:")
    assert remarks_of(tmp_path / "order.yaml", text) == remarks


def test_a_file_with_faults_draws_no_remarks(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_text(ORDER.replace("version: 1", "version: 0").replace("final: true", ""), encoding="utf-8")
    found = survey_paths([path])
    assert (len(found.faults), found.remarks) == (1, ())
