"""What a well-formed definition says and hardly means: legal, so it only draws remarks."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from foldline.core.decide import EVENT_FIELDS
from foldline.machines.faults import Remark, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from foldline.core.machine import Machine
    from foldline.machines.outline import Outline

_NEAR = 0.85
"""How alike two words are that differ by a slip; further apart, such as `lease_id` and `lease`, they are two words."""


def of(machine: Machine, names: Outline, file: Path) -> Iterator[Remark]:
    """Everything doubtful about a machine; `names` knows the lines of its states."""
    lines = {state.text: state.line for state in names.states or ()}
    for state, problem, remedy in [
        *_dead_ends(machine),
        *_endless(machine),
        *_settled_and_timed(machine),
        *_misspelt_fields(machine),
    ]:
        yield Remark(file, lines[state], problem, remedy)
    if any(arrow.max for arrow in machine.transitions.values()) and not _final(machine):
        problem = "no state is final, so the retry counter that `max` bounds never falls to 0"
        yield Remark(file, None, problem, "Say `final: true` of the states that settle an entity.")


_Found = tuple[str, str, str]


def _final(machine: Machine) -> set[str]:
    return {state.name for state in machine.states.values() if state.final}


def _dead_ends(machine: Machine) -> Iterator[_Found]:
    """States that nothing leaves, though they do not settle an entity."""
    for state in _without_way_out(machine) - _final(machine):
        what = "the error state " if machine.states[state].error else ""
        problem = f"no transition leads out of {what}{shown(state)}, and it is not final"
        yield state, problem, "Add a way out, or say `final: true`."


def _endless(machine: Machine) -> Iterator[_Found]:
    """States from which an entity goes round for ever. Dead ends count as ends, they have their own remark."""
    final = _final(machine)
    ended = final | _without_way_out(machine)
    while before := {state for (state, _), arrow in machine.transitions.items() if arrow.to in ended} - ended:
        ended |= before
    for state in machine.states.keys() - ended if final else ():
        yield state, f"no final state can be reached from {shown(state)}", "Add a transition towards one."


def _without_way_out(machine: Machine) -> set[str]:
    return machine.states.keys() - {state for (state, _), arrow in machine.transitions.items() if arrow.to != state}


def _settled_and_timed(machine: Machine) -> Iterator[_Found]:
    for state in machine.states.values():
        if state.final and state.timeout_seconds is not None:
            problem = f"{shown(state.name)} is final and has a timeout: entities that settled will be listed as stuck"
            yield state.name, problem, "Remove one of the two."


def _misspelt_fields(machine: Machine) -> Iterator[_Found]:
    """What `requires` names and no event field is called is a metadata key; a slip would refuse every event."""
    for state in machine.states.values():
        for name in state.requires:
            near = difflib.get_close_matches(name, EVENT_FIELDS, n=1, cutoff=_NEAR)
            if near and name != near[0]:
                problem = f"{shown(state.name)} requires {shown(name)}, which is a metadata key and no event field"
                yield state.name, problem, f"Did you mean {shown(near[0])}?"
