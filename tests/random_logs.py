"""Random logs for the fold's laws: few entities, many ways to go wrong, one drawn number per record.

A number is a record: its digits choose what the event says. So a log is a list of small numbers, quick to draw, and
shrinks to the plainest records.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from foldline.core.events import REDRIVE_HEADER, Record
from foldline.core.machine import Machine, Machines, State, Transition
from harness import encoded
from oracle.transitions import Rules

_STATES: dict[str, dict[str, Any]] = {
    "NEW": {},
    "OPEN": {},
    "DONE": {"final": True},
    "BROKEN": {"requires": ["error_message", "why"]},
}
_TRANSITIONS: list[dict[str, Any]] = [
    {"action": "GO", "from": "NEW", "to": "OPEN"},
    {"action": "GO", "from": "OPEN", "to": "OPEN"},
    {"action": "CLOSE", "from": "OPEN", "to": "DONE"},
    {"action": "GO", "from": "DONE", "to": "OPEN"},
    {"action": "BREAK", "from": "OPEN", "to": "BROKEN"},
    {"action": "RETRY", "from": "BROKEN", "to": "OPEN", "max": 2},
    {"action": "RETRY", "from": "OPEN", "to": "NEW", "max": 1},
    {"action": "GO", "from": "BROKEN", "to": "BROKEN"},
    {"action": "CLOSE", "from": "BROKEN", "to": "DONE", "max": 1},
]
RULES = {
    "FREE": Rules("NEW", _STATES, _TRANSITIONS),
    "STRICT": Rules(
        "OPEN", {**_STATES, "OPEN": {"requires": ["why"]}}, _TRANSITIONS, lease_required=True, corrections_refused=True
    ),
}
"""The machines as the slow fold reads them. Events of GHOST have none."""


def _machine(name: str, rules: Rules) -> Machine:
    return Machine(
        name,
        1,
        rules.initial,
        {
            state: State(state, final=bool(said.get("final")), requires=tuple(said.get("requires", ())))
            for state, said in rules.states.items()
        },
        {(arrow["from"], arrow["action"]): Transition(arrow["to"], arrow.get("max")) for arrow in rules.transitions},
        lease_required=rules.lease_required,
        corrections_refused=rules.corrections_refused,
    )


MACHINES: Machines = {name: _machine(name, rules) for name, rules in RULES.items()}

_METADATA = [{"why": "w"}, {"why": 0}, None, {"why": None}, {}]
_WHERE = [*[None] * 30, "OPEN", "NEW", "DONE", "NOWHERE"]
_LEASES = [*[None] * 14, ("l", 1), ("l", 2), ("k", 2), ("k", 1), ("l", 3)]
_TIMES = [f"2026-01-31T12:00:{second:02}.{second % 3}00000+00:00" for second in (3, 1, 2, 4, 0)]
_ACTIONS = [("GO", None), ("BREAK", None), ("RETRY", None), ("CLOSE", None), ("GO", None), ("CORRECT", "OPEN"),
            ("RETRY", None), ("GO", None), ("CLOSE", None), ("CREATE", None), ("RETRY", None), ("CORRECT", "BROKEN"),
            ("CORRECT", None), ("DANCE", None)]  # fmt: skip
_TRANSITION_CHOICES: dict[str, list[Any]] = {
    "entity": [("FREE", "a"), ("FREE", "b"), *[("FREE", "a")] * 6, ("STRICT", "a"), ("GHOST", "a")],
    "action": _ACTIONS,
    "event_id": [f"e{number}" for number in range(25)],
    "metadata": _METADATA,
    "error_message": ["m", None, "m", "m", ""],
    "lease": _LEASES,
    "to_state": _WHERE,
    "from_state": _WHERE,
    "success": [*[None] * 14, True, False],
    "occurred_at": _TIMES,
    "redrive": [False, False, True],
    "sound": [True] * 23 + [False],
}
_WORKFLOW_CHOICES: dict[str, list[Any]] = {
    "workflow_id": ["v", "w"],
    "kind": ["STARTED", "STARTED", "STARTED", "STEP_COMPLETED", "STEP_STARTED", "FAILED", "RETRIED", "PAUSED",
             "RESUMED", "STEP_FAILED", "COMPLETED", "RETRIED", "RESUMED"],
    "event_id": [f"e{number}" for number in range(25)],
    "step": ["s", "t"],
    "metadata": _METADATA,
    "error_message": ["m", None, ""],
    "lease": _LEASES,
    "occurred_at": _TIMES,
    "redrive": [False, False, True],
    "sound": [True] * 23 + [False],
}  # fmt: skip
_PRIME = 2_654_435_761
_UNSOUND: list[bytes | None] = [b"", None, b"{}", b"[]", b'{"correlation_id":5}', b"\xff"]


def _size(choices: dict[str, list[Any]]) -> int:
    size = 1
    for options in choices.values():
        size *= len(options)
    return size


def _chosen(number: int, choices: dict[str, list[Any]]) -> dict[str, Any]:
    number = number * _PRIME % _size(choices)  # scatters neighbours; 0, the plainest, stays where it is
    found = {}
    for name, options in choices.items():
        number, index = divmod(number, len(options))
        found[name] = options[index]
    return found


def _fields(chosen: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in chosen.items() if name not in ("entity", "redrive", "sound")}
    if "entity" in chosen:
        fields["fsm_type"], fields["entity_id"] = chosen["entity"]
        fields["action"], target = fields["action"]
        fields["to_state"] = fields["to_state"] or target
    else:
        fields |= {"operation_type": "O", "entity_id": "doc"}
    if fields["lease"] is not None:
        fields["lease"] = dict(zip(("lease_id", "lease_epoch"), fields["lease"], strict=True))
    return fields | {"correlation_id": "c"}


def transition_event(number: int) -> tuple[dict[str, Any] | None, bool]:
    """The event that a number stands for, None for one that cannot be decoded, and whether it is a redrive."""
    chosen = _chosen(number, _TRANSITION_CHOICES)
    return (_fields(chosen) if chosen["sound"] else None), chosen["redrive"]


def _record(offset: int, number: int, choices: dict[str, list[Any]]) -> Record:
    chosen = _chosen(number, choices)
    value = encoded(_fields(chosen)) if chosen["sound"] else _UNSOUND[number % len(_UNSOUND)]
    return Record(offset, None, value, ((REDRIVE_HEADER, b""),) if chosen["redrive"] else ())


def _offsets(numbers: list[int]) -> range:
    """Every second offset: the log has gaps where control records stood."""
    return range(10, 10 + 2 * len(numbers), 2)


def transition_log(numbers: list[int]) -> list[Record]:
    return [_record(offset, n, _TRANSITION_CHOICES) for offset, n in zip(_offsets(numbers), numbers, strict=True)]


def workflow_log(numbers: list[int]) -> list[Record]:
    return [_record(offset, n, _WORKFLOW_CHOICES) for offset, n in zip(_offsets(numbers), numbers, strict=True)]


NUMBERS = st.lists(st.integers(0, 2**24 - 1), max_size=40)
"""A log; `transition_log` and `workflow_log` read it."""
