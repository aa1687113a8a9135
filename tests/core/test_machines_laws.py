"""Laws of loading: order without meaning changes nothing, meaning always does, and every text ends in an answer."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from foldline.machines import MachineFaults, load_file, restored, schema
from foldline.machines.source import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from foldline.core.machine import Machine

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=50).filter(
    lambda name: name not in {"CREATE", "CORRECT", "<<"}
)
LEASES = st.sampled_from([{}, {"lease": "required"}, {"corrections": "refused"}])
TIMEOUTS = st.builds("{}{}".format, st.integers(1, 999_999), st.sampled_from("smhd"))
STATES = st.fixed_dictionaries(
    {},
    optional={
        "timeout": TIMEOUTS,
        "final": st.booleans(),
        "error": st.booleans(),
        "requires": st.lists(NAMES, unique=True, max_size=3),
    },
)


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A well-formed definition: each state but the first is entered from an earlier one; further arrows where free."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    taken: set[tuple[str, str]] = set()
    transitions: list[dict[str, Any]] = []
    extra = st.lists(st.sampled_from(names), max_size=3)
    for index, to in enumerate([*names[1:], *draw(extra)]):
        action = draw(NAMES)
        wanted = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
        if index + 1 < len(names):
            action, wanted = f"ENTER_{index}", [draw(st.sampled_from(names[: index + 1])), *wanted]
        free = [state for state in dict.fromkeys(wanted) if (state, action) not in taken]
        taken.update((state, action) for state in free)
        if free:
            limit = draw(st.sampled_from([{}, {"max": 3}]))
            transitions.append({"action": action, "from": free, "to": to, **limit})
    asks = draw(st.lists(st.tuples(st.booleans(), NAMES, NAMES), unique=True, max_size=3))
    intents = {
        (kind, target, operation if kind else ""): {
            "when": draw(st.lists(st.sampled_from(names), unique=True, min_size=1)),
            "type": "WORKFLOW_TRIGGER" if kind else "EVENT_PUBLISH",
            "target": target,
            **({"operation_type": operation} if kind else {}),
        }
        for kind, target, operation in asks
    }
    return {
        "fsm_type": draw(NAMES),
        "version": draw(st.integers(1, 2**31 - 1)),
        "initial": names[0],
        "states": {name: draw(st.none() | STATES) for name in names},
        "transitions": transitions,
        "intents": list(intents.values()),
        **draw(LEASES),
    }


def reordered(tree: object, random: Random) -> object:
    """The same with keys and lists in another order; now and then an entry for several states becomes several."""
    match tree:
        case dict():
            return {key: reordered(tree[key], random) for key in random.sample(list(tree), len(tree))}
        case list():
            entries = [entry for whole in tree for entry in _split(whole, random)]
            return [reordered(entry, random) for entry in random.sample(entries, len(entries))]
        case _:
            return tree


def _split(entry: object, random: Random) -> list[object]:
    for key in ("from", "when"):
        if isinstance(entry, dict) and key in entry and random.random() < 0.5:
            return [entry | {key: state} for state in entry[key]]
    return [entry]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines") / "machine.yaml"


@pytest.fixture(scope="module")
def load(path: Path) -> Callable[[object], Machine]:
    """Loads a tree through a file; what JSON writes is YAML."""

    def loaded(tree: object) -> Machine:
        path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
        return load_file(path)

    return loaded


@given(definitions(), st.randoms(use_true_random=False))
def test_order_and_grouping_have_no_meaning(
    load: Callable[[object], Machine], tree: dict[str, Any], random: Random
) -> None:
    assert load(reordered(tree, random)) == load(tree)


@given(definitions())
def test_a_document_gives_its_machine_back(load: Callable[[object], Machine], tree: dict[str, Any]) -> None:
    machine = load(tree)
    assert restored(machine.document) == machine


@given(definitions())
def test_what_loads_satisfies_the_schema(load: Callable[[object], Machine], tree: dict[str, Any]) -> None:
    load(tree)
    assert Draft202012Validator(json.loads(schema.text())).is_valid(tree)


WORDS = [
    "fsm_type", "version", "initial", "lease", "corrections", "states", "transitions", "intents", "timeout", "final",
    "error", "requires", "action", "from", "to", "max", "when", "type", "target", "operation_type", "NEW", "PAID",
    "WORKFLOW_TRIGGER", "EVENT_PUBLISH", "CREATE", "true", "null", "~", "1", "0", "5m", "required", "refused",
    ": ", ":", "? ", "- ", "\n", "\n  ", "\n    ", " ", "[", "]", "{", "}", ", ", "&a ", "*a", "!!int ", "!!set ", "! ",
    "!<x> ", "|\n", ">\n", "'", '"', "\\", "\\x", "\\U", "%YAML ", "%TAG ", "---\n", "...\n", "#", "\t", "<<", "\0",
    "\ufeff", "\x85", "\u2028", "\ufffe", "\\uD800", "9" * 5000, "@", "`",
]  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS) | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS[:27]) | st.text(max_size=60), inner, max_size=6)
    ),
    max_leaves=25,
)


def answered(path: Path, content: bytes) -> None:
    """Loading `content` ends in a machine that the schema allows, or in faults with lines that the file has."""
    path.write_bytes(content)
    faults: tuple[Fault, ...] = ()
    try:
        machine = load_file(path)
    except MachineFaults as error:
        faults = error.faults
        assert faults
        assert len(str(error).splitlines()) == len(faults)
    else:
        assert restored(machine.document) == machine
        source, _ = read(content.decode(), path)
        assert source
        assert SCHEMA.is_valid(source.tree)
    lines = len(content.decode(errors="replace").splitlines()) + 1
    assert all(fault.line is None or 1 <= fault.line <= lines for fault in faults)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=40).map("".join))
@example("? {a: b}\n: c")
@example("&a [*a]")
@example("&a {*a : b}")
@example('"\\UFFFFFFFF"')
@example('"\\U00110000"')
@example("%YAML 1." + "9" * 5000 + "\n---\n")
@example("[" * 5000)
@example("- " * 5000)
@example("!!int x")
@example('{"\\uD800": 1}')
@example('{states: {"\\uD800": {"\\uDFFF": }}}')
def test_every_text_ends_in_an_answer(path: Path, text: str) -> None:
    answered(path, text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
def test_every_file_ends_in_an_answer(path: Path, content: bytes) -> None:
    answered(path, content)


@settings(max_examples=300)
@given(TREES)
def test_every_tree_ends_in_an_answer(path: Path, tree: object) -> None:
    answered(path, json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@settings(max_examples=300)
@given(definitions(), st.data())
def test_every_damage_ends_in_an_answer(path: Path, tree: dict[str, Any], data: st.DataObject) -> None:
    """One value of a well-formed definition replaced by anything, at any depth."""
    inner: Any = tree
    while True:
        key = data.draw(st.sampled_from(list(inner) if isinstance(inner, dict) else list(range(len(inner)))))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = data.draw(TREES)
    answered(path, json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))
