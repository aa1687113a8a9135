"""A machine as a state diagram, in Mermaid or in DOT; names may hold any character.

The initial state has an arrow from the start, a final one leads to the end (Mermaid) or has a double border (DOT), an
error state has a red border. CREATE and CORRECT, which every machine has, are not drawn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from foldline.core.machine import Machine, State, Transition

_PLAIN_ID = re.compile(r"[A-Z][A-Z0-9_]*")
_MERMAID_WORD = re.compile(
    "ACCDESCR|ACCTITLE|AS|CHOICE|CLASS|CLASSDEF|CLICK|DEFAULT|DIRECTION|END|FORK|HIDE|HREF|JOIN|LEFT|NOTE|RIGHT|ROOT"
    "|SCALE|STATE|STATEDIAGRAM|STYLE"
)
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def mermaid(machine: Machine) -> str:
    """A Mermaid `stateDiagram-v2`."""
    return "\n".join(_mermaid_lines(machine)) + "\n"


def dot(machine: Machine) -> str:
    """A Graphviz `digraph`."""
    return "\n".join(_dot_lines(machine)) + "\n"


def written(seconds: float) -> str:
    """A timeout as a definition writes it, in its largest whole unit."""
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds / size:.0f}{unit}"


def _mermaid_lines(machine: Machine) -> Iterator[str]:
    ids = _ids(machine)
    yield f"%% {_mermaid_text(machine.fsm_type)} version {machine.version}"  # a title would be taken for markup
    yield "stateDiagram-v2"
    for name, state in machine.states.items():
        details = list(_details(state, _mermaid_text))
        yield f'    state "{_mermaid_text(name)}" as {ids[name]}' if details or ids[name] != name else f"    {name}"
        yield from (f"    {ids[name]}: {detail}" for detail in details)
    yield f"    [*] --> {ids[machine.initial]}"
    for (start, to), actions in _arrows(machine).items():
        labels = "<br/>".join(_action(action, limit, _mermaid_text) for action, limit in actions)
        yield f"    {ids[start]} --> {ids[to]}: {labels}"
    yield from (f"    {ids[name]} --> [*]" for name, state in machine.states.items() if state.final)
    errors = [ids[name] for name, state in machine.states.items() if state.error]
    if errors:
        yield "    classDef error stroke:#c00,stroke-width:2px"
        yield f"    class {','.join(errors)} error"


def _dot_lines(machine: Machine) -> Iterator[str]:
    ids = _ids(machine)
    yield "digraph {"
    yield f'    graph [label="{_dot_text(machine.fsm_type)} version {machine.version}", labelloc=t, rankdir=LR]'
    yield "    node [shape=box, style=rounded]"
    yield '    "start" [shape=point]'
    for name, state in machine.states.items():
        label = r"\n".join([_dot_text(name), *_details(state, _dot_text)])
        border = ", peripheries=2" * state.final + ", color=red" * state.error
        yield f'    "{ids[name]}" [label="{label}"{border}]'
    yield f'    "start" -> "{ids[machine.initial]}"'
    for (start, to), actions in _arrows(machine).items():
        labels = r"\n".join(_action(action, limit, _dot_text) for action, limit in actions)
        yield f'    "{ids[start]}" -> "{ids[to]}" [label="{labels}"]'
    yield "}"


def _ids(machine: Machine) -> dict[str, str]:
    """What the diagram calls each state: its name where both languages take that as it is, else `s` and a number."""
    return {
        name: name if _PLAIN_ID.fullmatch(name) and not _MERMAID_WORD.fullmatch(name) else f"s{number}"
        for number, name in enumerate(machine.states)
    }


def _arrows(machine: Machine) -> dict[tuple[str, str], list[tuple[str, Transition]]]:
    """The actions between each two states, which share one arrow."""
    arrows: dict[tuple[str, str], list[tuple[str, Transition]]] = {}
    for (start, action), transition in machine.transitions.items():
        arrows.setdefault((start, transition.to), []).append((action, transition))
    return arrows


def _details(state: State, text: Callable[[str], str]) -> Iterator[str]:
    if state.timeout_seconds is not None:
        yield f"timeout {written(state.timeout_seconds)}"
    if state.requires:
        yield f"requires {', '.join(map(text, state.requires))}"


def _action(action: str, transition: Transition, text: Callable[[str], str]) -> str:
    return text(action) if transition.max is None else f"{text(action)} (max {transition.max})"


def _visible(name: str) -> str:
    """The name, or where that would not print, how Python writes it."""
    return name if name.isprintable() else repr(name)[1:-1]


def _mermaid_text(name: str) -> str:
    """Letters and digits as they are, all else as the entities that Mermaid has: much of it means something there."""
    return "".join(c if c.isalnum() or c == "_" else f"#{ord(c)};" for c in _visible(name))


def _dot_text(name: str) -> str:
    """The inside of a quoted label, which knows escapes and entities."""
    return _visible(name).replace("\\", r"\\").replace('"', r"\"").replace("&", "&amp;")
