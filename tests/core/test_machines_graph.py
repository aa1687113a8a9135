"""State diagrams: what is drawn, and that no name can break out of its place. Read back here by readers of our own."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from foldline.core.machine import Machine, State, Transition
from foldline.machines import load_machines
from foldline.machines.graph import dot, mermaid
from pages import blocks, page

ORDER = Machine(
    fsm_type="ORDER",
    version=7,
    initial="NEW",
    states={
        "NEW": State("NEW", 5400.0),
        "in review": State("in review", 86_400.0, requires=("reviewer", "a&b")),
        "END": State("END", final=True),
        "FAILED": State("FAILED", error=True),
    },
    transitions={
        ("NEW", "REVIEW"): Transition("in review"),
        ("NEW", "FAIL"): Transition("FAILED"),
        ("NEW", "ABORT"): Transition("FAILED"),
        ("in review", 'say "yes"'): Transition("END"),
        ("in review", "ASK"): Transition("in review"),
        ("FAILED", "RETRY"): Transition("NEW", max=3),
    },
)

MERMAID = """\
%% ORDER version 7
stateDiagram-v2
    state "NEW" as NEW
    NEW: timeout 90m
    state "in#32;review" as s1
    s1: timeout 1d
    s1: requires reviewer, a#38;b
    state "END" as s2
    FAILED
    [*] --> NEW
    NEW --> s1: REVIEW
    NEW --> FAILED: FAIL<br/>ABORT
    s1 --> s2: say#32;#34;yes#34;
    s1 --> s1: ASK
    FAILED --> NEW: RETRY (max 3)
    s2 --> [*]
    classDef error stroke:#c00,stroke-width:2px
    class FAILED error
"""

DOT = r"""digraph {
    graph [label="ORDER version 7", labelloc=t, rankdir=LR]
    node [shape=box, style=rounded]
    "start" [shape=point]
    "NEW" [label="NEW\ntimeout 90m"]
    "s1" [label="in review\ntimeout 1d\nrequires reviewer, a&amp;b"]
    "s2" [label="END", peripheries=2]
    "FAILED" [label="FAILED", color=red]
    "start" -> "NEW"
    "NEW" -> "s1" [label="REVIEW"]
    "NEW" -> "FAILED" [label="FAIL\nABORT"]
    "s1" -> "s2" [label="say \"yes\""]
    "s1" -> "s1" [label="ASK"]
    "FAILED" -> "NEW" [label="RETRY (max 3)"]
}
"""

AWKWARD = [
    "NOTE",
    "end",
    "direction LR",
    "[*]",
    "-->",
    "%%{",
    "<b>",
    "#quot;",
    "&amp;",
    "\\n",
    "\\",
    '"',
    "s1",
    "a:b;c",
]
PRINTABLE = (
    st.sampled_from(AWKWARD)
    | st.lists(st.sampled_from(AWKWARD), min_size=2, max_size=3).map("".join)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=50)
)
ANY = PRINTABLE | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50)


@st.composite
def machines(draw: st.DrawFn, names: st.SearchStrategy[str] = PRINTABLE) -> Machine:
    states = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    arrows = st.tuples(st.sampled_from(states), names)
    return Machine(
        fsm_type=draw(names),
        version=1,
        initial=states[0],
        states={
            name: State(
                name,
                final=draw(st.booleans()),
                error=draw(st.booleans()),
                requires=draw(st.just(()) | st.tuples(names)),
            )
            for name in states
        },
        transitions=draw(st.dictionaries(arrows, st.builds(Transition, st.sampled_from(states)), max_size=6)),
    )


def asked(machine: Machine) -> tuple[object, ...]:
    """What must be read from a diagram of it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, action), transition in machine.transitions.items():
        arrows.setdefault((state, transition.to), []).append(action)
    return (
        machine.fsm_type,
        {
            name: [f"requires {', '.join(state.requires)}"] if state.requires else []
            for name, state in machine.states.items()
        },
        machine.initial,
        arrows,
        {name for name, state in machine.states.items() if state.final},
        {name for name, state in machine.states.items() if state.error},
    )


TEXT = r"((?:[^\W]|#\d+;)+)"
ID = r"([A-Z][A-Z0-9_]*|s\d+)"


def named(text: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


def read_mermaid(diagram: str) -> tuple[object, ...]:
    title, kind, *lines = diagram.splitlines()
    fsm_type = re.fullmatch(f"%% {TEXT} version 1", title)
    assert fsm_type
    assert kind == "stateDiagram-v2"
    names: dict[str, str] = {}
    details: dict[str, list[str]] = {}
    arrows: dict[tuple[str, str], list[str]] = {}
    initial, final, error = "", set(), set()
    for line in lines:
        match line.strip():
            case text if found := re.fullmatch(ID, text):
                names[found[1]] = found[1]
                details[found[1]] = []
            case text if found := re.fullmatch(f'state "{TEXT}" as {ID}', text):
                names[found[2]] = named(found[1])
                details[named(found[1])] = []
            case text if found := re.fullmatch(f"{ID}: requires {TEXT}", text):
                details[names[found[1]]].append(f"requires {named(found[2])}")
            case text if found := re.fullmatch(rf"\[\*\] --> {ID}", text):
                initial = names[found[1]]
            case text if found := re.fullmatch(rf"{ID} --> \[\*\]", text):
                final.add(names[found[1]])
            case text if found := re.fullmatch(f"{ID} --> {ID}: ({TEXT}(<br/>{TEXT})*)", text):
                arrows[names[found[1]], names[found[2]]] = [named(action) for action in found[3].split("<br/>")]
            case text if found := re.fullmatch("class (.*) error", text):
                error = {names[state] for state in found[1].split(",")}
            case text:
                assert text == "classDef error stroke:#c00,stroke-width:2px"
    return named(fsm_type[1]), details, initial, arrows, final, error


QUOTED = r'"((?:[^"\\]|\\.)*)"'


def shown(label: str) -> list[str]:
    """The lines that a label shows, by Graphviz' rules: escapes first, then entities."""
    assert re.fullmatch(r'(?:[^"\\&]|\\["\\n]|&amp;)*', label)
    lines = re.sub(r"\\(.)", lambda found: "\0" if found[1] == "n" else found[1], label).split("\0")
    return [line.replace("&amp;", "&") for line in lines]


def read_dot(diagram: str) -> tuple[object, ...]:
    opened, title, _, start, *lines, closed = diagram.splitlines()
    assert (opened, start.strip(), closed) == ("digraph {", '"start" [shape=point]', "}")
    found = re.fullmatch(f"graph \\[label={QUOTED}, labelloc=t, rankdir=LR\\]", title.strip())
    assert found
    (fsm_type,) = shown(found[1])
    names: dict[str, str] = {}
    details: dict[str, list[str]] = {}
    arrows: dict[tuple[str, str], list[str]] = {}
    initial, final, error = "", set(), set()
    for line in lines:
        match line.strip():
            case text if found := re.fullmatch(f"{QUOTED} \\[label={QUOTED}(, peripheries=2)?(, color=red)?\\]", text):
                name, *more = shown(found[2])
                names[found[1]] = name
                details[name] = more
                final |= {name} if found[3] else set()
                error |= {name} if found[4] else set()
            case text if found := re.fullmatch(f'"start" -> {QUOTED}', text):
                initial = names[found[1]]
            case text:
                found = re.fullmatch(f"{QUOTED} -> {QUOTED} \\[label={QUOTED}\\]", text)
                assert found, text
                arrows[names[found[1]], names[found[2]]] = shown(found[3])
    return fsm_type.removesuffix(" version 1"), details, initial, arrows, final, error


def test_everything_that_a_machine_says_of_states_and_transitions_is_drawn() -> None:
    assert mermaid(ORDER) == MERMAID
    assert dot(ORDER) == DOT


@given(machines())
def test_whatever_the_names_a_mermaid_diagram_says_them(machine: Machine) -> None:
    assert read_mermaid(mermaid(machine)) == asked(machine)


@given(machines())
def test_whatever_the_names_a_dot_diagram_says_them(machine: Machine) -> None:
    assert read_dot(dot(machine)) == asked(machine)


@given(ANY, ANY)
@example("a\nb", "\r")
@example("\u2028", "\u202e")
def test_a_name_that_does_not_print_is_shown_on_its_line(state: str, action: str) -> None:
    machine = Machine("A", 1, state, {state: State(state)}, {(state, action): Transition(state)})
    plain = Machine("A", 1, "B", {"B": State("B")}, {("B", "C"): Transition("B")})
    for draw in (mermaid, dot):
        lines = draw(machine).split("\n")
        assert all(line.isprintable() for line in lines)
        assert len(lines) == len(draw(plain).split("\n"))


def test_the_page_shows_the_shipped_machines_as_they_are() -> None:
    shown_there = blocks(page("machines.md"), "mermaid")
    drawn = [mermaid(machine) for machine in load_machines([]).values()]
    assert shown_there == drawn, "put there what `foldline machines graph FSM_TYPE` prints"
