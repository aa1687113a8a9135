"""Laws of well-formed definitions: what has no meaning changes nothing, and the ways back and across agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from foldline.machines import load_file, restored, schema

if TYPE_CHECKING:
    from collections.abc import Callable
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
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[object], Machine]:
    """Loads a tree through a file; what JSON writes is YAML."""
    path = tmp_path_factory.mktemp("machines") / "machine.yaml"

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
