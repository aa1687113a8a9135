"""What changes a machine's digest, and what does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from foldline.machines import load_file

if TYPE_CHECKING:
    from pathlib import Path

ORDER: dict[str, Any] = {
    "fsm_type": "ORDER",
    "version": 1,
    "initial": "NEW",
    "states": {"NEW": None, "PAID": {"timeout": "5m", "requires": ["reason"]}},
    "transitions": [
        {"action": "PAY", "from": ["NEW", "PAID"], "to": "PAID", "max": 3},
        {"action": "UNDO", "from": ["PAID"], "to": "NEW"},
    ],
    "intents": [{"when": ["PAID"], "type": "WORKFLOW_TRIGGER", "target": "orchestrator", "operation_type": "SHIPPING"}],
}


def digest(directory: Path, *, at: tuple[str | int, ...] = (), value: object = None) -> str:
    """The digest of ORDER, with `value` put where `at` says."""
    tree = json.loads(json.dumps(ORDER))
    inner = tree
    for step in at[:-1]:
        inner = inner[step]
    if at:
        inner[at[-1]] = value
    path = directory / "order.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return load_file(path).digest


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("fsm_type",), "PARCEL"),
        (("version",), 2),
        (("initial",), "PAID"),
        (("lease",), "required"),
        (("corrections",), "refused"),
        (("states", "NEW"), {"final": True}),
        (("states", "NEW"), {"error": True}),
        (("states", "NEW"), {"timeout": "5m"}),
        (("states", "PAID", "timeout"), "6m"),
        (("states", "PAID", "requires"), ["reason", "error_message"]),
        (("states", "PAID", "requires"), []),
        (("transitions", 0, "action"), "BUY"),
        (("transitions", 0, "from"), "NEW"),
        (("transitions", 0, "max"), 4),
        (("transitions", 1, "max"), 3),
        (("transitions", 1, "to"), "PAID"),
        (("intents", 0, "when"), "NEW"),
        (("intents", 0, "target"), "effect"),
        (("intents", 0, "operation_type"), "BILLING"),
        (("intents",), []),
        (("intents", 0), {"when": "PAID", "type": "EVENT_PUBLISH", "target": "orchestrator"}),
    ],
)
def test_a_change_of_meaning_changes_the_digest(tmp_path: Path, at: tuple[str | int, ...], value: object) -> None:
    assert digest(tmp_path, at=at, value=value) != digest(tmp_path)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("states", "PAID", "timeout"), "300s"),
        (("states", "NEW"), {}),
        (("states", "NEW"), {"final": False, "error": False, "requires": []}),
        (("transitions", 1, "from"), "PAID"),
        (("transitions", 0, "from"), ["PAID", "NEW"]),
        (("intents", 0, "when"), "PAID"),
    ],
)
def test_another_way_to_say_the_same_does_not(tmp_path: Path, at: tuple[str | int, ...], value: object) -> None:
    assert digest(tmp_path, at=at, value=value) == digest(tmp_path)
