"""Where a rejected event met its entity, or its workflow, and what would have been possible there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foldline.core.decide import Entity, missing_names
from foldline.core.decide_workflow import LEGAL_IN, Status
from foldline.core.events import TransitionEvent
from foldline.core.machine import CREATE, Machine, Transition
from foldline.dryrun.words import listed


@dataclass(frozen=True, slots=True)
class Situation:
    """A transition event, its machine, and the row that it met (None: none yet)."""

    machine: Machine
    entity: Entity | None
    event: TransitionEvent

    @property
    def state(self) -> str:
        """The state that it met; before the first hop the initial one."""
        return self.entity.state if self.entity is not None else self.machine.initial

    @property
    def target(self) -> str:
        """The state that the event would enter: it is legal here but for what it lacks."""
        if self.event.action == CREATE:
            return self.machine.initial
        return self.machine.transitions[self.state, self.event.action].to

    @property
    def missing(self) -> list[str]:
        """What the target requires and the event does not have."""
        return missing_names(self.machine.states[self.target], self.event)

    @property
    def possible(self) -> str:
        """A sentence: the actions that are legal in the state met, retries that are used up left out."""
        arrows = [f"{action} -> {transition.to}" for action, transition in self._leaving()]
        if arrows:
            return f"Possible in {self.state}: {listed(arrows)}."
        return f"No action leads out of {self.state}{'' if self.machine.corrections_refused else ' but CORRECT'}."

    @property
    def elsewhere(self) -> str:
        """A sentence: the states in which the event's action is legal."""
        action = self.event.action
        return f"{action} is possible in {listed(state for state, name in self.machine.transitions if name == action)}."

    def leading_to(self, wanted: str) -> str | None:
        """The beginning of a sentence: which action leads from the state met to the one that is wanted, if any does."""
        actions = [action for action, transition in self._leaving() if transition.to == wanted]
        return f"{' or '.join(actions)} leads from {self.state} to {wanted}" if actions else None

    def _leaving(self) -> Iterator[tuple[str, Transition]]:
        retries = self.entity.retries if self.entity is not None else 0
        for (state, action), transition in self.machine.transitions.items():
            if state == self.state and (transition.max is None or retries < transition.max):
                yield action, transition


def possible_while(status: Status) -> str:
    """A sentence: what a workflow with this status may report next."""
    kinds = [kind for kind, legal in LEGAL_IN.items() if status in legal]
    return f"Possible while {status}: {listed(kinds)}." if kinds else f"A {status} workflow is over."
