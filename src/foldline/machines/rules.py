"""The rules between the parts of a definition: known states, one target each, all reachable, nothing asked twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foldline.machines.faults import Fault, choose, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from foldline.machines.outline import Named, Outline


def check(names: Outline, file: Path) -> list[Fault]:
    """Every fault between the names. Without readable states there is nothing to compare them with."""
    if names.states is None:
        return []
    unknown = [*_unknown_states(names, names.states, file)]
    faults = [*unknown, *_second_targets(names, file), *_second_intents(names, file)]
    if not unknown and names.initial and all(arrow.sources and arrow.to for arrow in names.arrows):
        faults += _unreachable(names, names.initial, names.states, file)
    return faults


def _unknown_states(names: Outline, states: tuple[Named, ...], file: Path) -> Iterator[Fault]:
    known = dict.fromkeys(state.text for state in states)
    used: list[tuple[str, Named | None]] = [("initial", names.initial)]
    for arrow in names.arrows:
        used += [("from", source) for source in arrow.sources]
        used += [("to", arrow.to)]
    for wish in names.wishes:
        used += [("when", state) for state in wish.when]
    for key, name in used:
        if name and name.text not in known:
            yield Fault(file, name.line, f"{key} names the unknown state {shown(name.text)}", choose(name.text, known))


def _second_targets(names: Outline, file: Path) -> Iterator[Fault]:
    lines: dict[tuple[str, str], int] = {}
    for arrow in names.arrows:
        if not arrow.action:
            continue
        action = arrow.action.text
        for state, line in {source.text: source.line for source in arrow.sources}.items():
            if (state, action) in lines:
                problem = f"{shown(action)} already leads out of {shown(state)}, on line {lines[state, action]}"
                yield Fault(file, line, problem, "Keep one target for a state and an action.")
            lines.setdefault((state, action), line)


def _second_intents(names: Outline, file: Path) -> Iterator[Fault]:
    lines: dict[tuple[str | None, ...], int] = {}
    for wish in names.wishes:
        for state, line in {entered.text: entered.line for entered in wish.when}.items():
            ask = (state, *wish.asks)
            if ask in lines:
                problem = f"entering {shown(state)} already asks for the same intent, on line {lines[ask]}"
                yield Fault(file, line, problem, "Keep one of the two.")
            lines.setdefault(ask, line)


def _unreachable(names: Outline, initial: Named, states: tuple[Named, ...], file: Path) -> Iterator[Fault]:
    """Only asked where every name is sound: one misspelt target would make a row of states unreachable."""
    after: dict[str, list[str]] = {}
    for arrow in names.arrows:
        for source in arrow.sources:
            after.setdefault(source.text, []).extend([arrow.to.text] if arrow.to else [])
    reached = {initial.text}
    ahead = [initial.text]
    while ahead:
        fresh = [state for state in after.get(ahead.pop(), []) if state not in reached]
        reached.update(fresh)
        ahead += fresh
    for state in states:
        if state.text not in reached:
            problem = f"no transitions lead from {shown(initial.text)} to the state {shown(state.text)}"
            yield Fault(file, state.line, problem, "Add a transition to it, or remove the state.")
