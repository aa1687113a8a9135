"""A machine: the finite-state-machine definition that decides what an event does to its entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CREATE = "CREATE"
CORRECT = "CORRECT"


@dataclass(frozen=True, slots=True)
class State:
    """One state. `timeout_seconds`: longer here means stuck; `requires`: names that must be present to enter."""

    name: str
    timeout_seconds: float | None = None
    final: bool = False
    error: bool = False
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """Where one (state, action) leads. `max`: refused once the entity's retry counter stands there."""

    to: str
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What entering one of the states `when` asks of the orchestrator."""

    when: tuple[str, ...]
    type: str
    target: str
    operation_type: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One version of one definition, well formed: loading has checked it.

    `document` is what the definition says as canonical JSON, comments left out, and `digest` its SHA-256 (hex): two
    definitions with the same `version` must have the same digest.
    """

    fsm_type: str
    version: int
    initial: str
    states: Mapping[str, State]
    transitions: Mapping[tuple[str, str], Transition]
    intents: tuple[Intent, ...] = ()
    lease_required: bool = False
    corrections_refused: bool = False
    document: str = "{}"
    digest: str = ""
    actions: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", frozenset(action for _, action in self.transitions))


Machines = Mapping[str, Machine]
"""Machines by `fsm_type`."""
