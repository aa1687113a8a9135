"""Loading is total: whatever a file holds ends in a machine that the schema allows, or in faults with their lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from foldline.machines import MachineFaults, load_file, restored, schema
from foldline.machines.source import read

if TYPE_CHECKING:
    from pathlib import Path

    from foldline.core.machine import Machine

SCHEMA = Draft202012Validator(json.loads(schema.text()))
ORDER = """{
"fsm_type": "ORDER", "version": 1, "initial": "NEW", "lease": "required", "corrections": "refused",
"states": {"NEW": null, "PAID": {"timeout": "5m", "final": true}, "FAILED": {"error": true, "requires": ["reason"]}},
"transitions": [{"action": "PAY", "from": "NEW", "to": "PAID", "max": 3},
                {"action": "FAIL", "from": ["NEW", "PAID"], "to": "FAILED"}],
"intents": [{"when": "PAID", "type": "WORKFLOW_TRIGGER", "target": "orchestrator", "operation_type": "SHIPPING"},
            {"when": ["FAILED"], "type": "EVENT_PUBLISH", "target": "effect"}]}"""

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


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines") / "machine.yaml"


def answer(path: Path, content: bytes) -> Machine | MachineFaults:
    path.write_bytes(content)
    try:
        return load_file(path)
    except MachineFaults as error:
        return error


def check(path: Path, content: bytes) -> None:
    found = answer(path, content)
    if isinstance(found, MachineFaults):
        lines = len(content.decode(errors="replace").splitlines()) + 1
        assert found.faults
        assert all(fault.line is None or 1 <= fault.line <= lines for fault in found.faults)
        assert all(len(line.splitlines()) == 1 for line in [str(found), *map(str, found.faults)])
    else:
        source, _ = read(content.decode(), path)
        assert source
        assert SCHEMA.is_valid(source.tree)
        assert restored(found.document) == found


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
    check(path, text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
def test_every_file_ends_in_an_answer(path: Path, content: bytes) -> None:
    check(path, content)


@settings(max_examples=300)
@given(TREES)
def test_every_tree_ends_in_an_answer(path: Path, tree: object) -> None:
    check(path, json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@settings(max_examples=300)
@given(st.data())
def test_every_damage_ends_in_an_answer(path: Path, data: st.DataObject) -> None:
    """One value of a well-formed definition, at any depth, replaced by anything."""
    tree: Any = json.loads(ORDER)
    inner = tree
    while True:
        key = data.draw(st.sampled_from(list(inner) if isinstance(inner, dict) else list(range(len(inner)))))
        if not isinstance(inner[key], dict | list) or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = data.draw(TREES)
    check(path, json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def test_both_answers_are_given(path: Path) -> None:
    """The checks above mean nothing if one of the two never comes."""
    assert isinstance(answer(path, b"a: 1"), MachineFaults)
    assert not isinstance(answer(path, ORDER.encode()), MachineFaults)
    check(path, ORDER.encode())
