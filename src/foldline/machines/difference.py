"""What one definition says and another does not: states, transitions, intents and rules, each in one line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from foldline.core.machine import State, Transition
from foldline.machines.graph import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foldline.core.machine import Machine


class Kind(StrEnum):
    """What became of a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that two definitions of a machine do not say alike.

    Attributes:
        kind: added, removed or changed.
        what: state, transition, intent or rule.
        name: which one.
        before: what is said of it in the older definition; null where that does not have it.
        after: what is said of it in the newer definition; null where that does not have it.
    """

    kind: Kind
    what: str
    name: str
    before: str | None
    after: str | None


def changes_between(before: Machine, after: Machine) -> list[Change]:
    """What changed from one definition to another, in the order of the older one, then what only the newer has.

    Empty only if both say the same; their versions do not count.
    """
    older, newer = dict(_stated(before)), dict(_stated(after))
    found = []
    for key in {**older, **newer}:
        was, now = older.get(key), newer.get(key)
        if was != now:
            kind = Kind.ADDED if was is None else Kind.REMOVED if now is None else Kind.CHANGED
            found.append(Change(kind, key[0], _name(key), _said(was), _said(now)))
    return found


_Key = tuple[str, ...]
_Value = State | Transition | str


def _stated(machine: Machine) -> Iterator[tuple[_Key, _Value]]:
    """Everything that a machine says: what it speaks of, and what it says of that."""
    yield ("rule", "initial"), machine.initial
    yield ("rule", "lease"), "required" if machine.lease_required else "not required"
    yield ("rule", "corrections"), "refused" if machine.corrections_refused else "allowed"
    for state in machine.states.values():
        yield ("state", state.name), state
    for (start, action), transition in machine.transitions.items():
        yield ("transition", action, start), transition
    for intent in machine.intents:
        for state_name in intent.when:
            yield ("intent", intent.type, intent.operation_type or "", intent.target, state_name), "asked for"


def _name(key: _Key) -> str:
    match key:
        case ("transition", action, start):
            return f"{action} from {start}"
        case ("intent", kind, operation_type, target, state):
            return f"{kind} {operation_type} to {target} when {state}".replace("  ", " ")
        case (_, name):
            return name
        case _:
            raise AssertionError(key)


def _said(value: _Value | None) -> str | None:
    match value:
        case None:
            return None
        case State():
            return ", ".join(_of_state(value)) or "plain"
        case Transition():
            return f"to {value.to}" + (f", max {value.max}" if value.max is not None else "")
        case str():
            return value
        case _:
            assert_never(value)


def _of_state(state: State) -> Iterator[str]:
    if state.final:
        yield "final"
    if state.error:
        yield "error"
    if state.timeout_seconds is not None:
        yield f"timeout {written(state.timeout_seconds)}"
    if state.requires:
        yield f"requires {', '.join(state.requires)}"
