"""`machine.schema.json`: fresh, a schema, of the loader's mind about the shape of a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from foldline.machines import schema
from foldline.machines.source import read
from foldline.resources import SHIPPED_MACHINES

ORDER: dict[str, Any] = {
    "fsm_type": "ORDER",
    "version": 1,
    "initial": "NEW",
    "lease": "required",
    "corrections": "refused",
    "states": {"NEW": None, "PAID": {"timeout": "5m"}, "FAILED": {"error": True, "requires": ["reason"]}},
    "transitions": [
        {"action": "PAY", "from": "NEW", "to": "PAID", "max": 3},
        {"action": "FAIL", "from": ["NEW", "PAID"], "to": "FAILED"},
    ],
    "intents": [
        {"when": "PAID", "type": "WORKFLOW_TRIGGER", "target": "orchestrator", "operation_type": "SHIPPING"},
        {"when": ["FAILED"], "type": "EVENT_PUBLISH", "target": "effect"},
    ],
}
BAD: list[tuple[tuple[str | int, ...], object]] = [
    (("fsm_type",), 7),
    (("fsm_type",), ""),
    (("fsm_type",), "A" * 51),
    (("fsm_type",), "A\0"),
    (("version",), 0),
    (("version",), True),
    (("version",), 2**31),
    (("initial",), ["NEW"]),
    (("lease",), "optional"),
    (("lease",), None),
    (("corrections",), True),
    (("verison",), 1),
    (("states",), {}),
    (("states", "A" * 51), {}),
    (("states", ""), {}),
    (("states", "PAID", "timeout"), "5 min"),
    (("states", "PAID", "timeout"), 300),
    (("states", "PAID", "timeout"), None),
    (("states", "PAID", "timout"), "5m"),
    (("states", "PAID", "final"), "yes"),
    (("states", "PAID", "requires"), [""]),
    (("states", "PAID", "requires"), ["a", "a"]),
    (("states", "PAID"), []),
    (("transitions",), {}),
    (("transitions", 0, "action"), "CREATE"),
    (("transitions", 0, "action"), "CORRECT"),
    (("transitions", 0, "max"), 0),
    (("transitions", 0, "max"), None),
    (("transitions", 0, "from"), []),
    (("transitions", 0, "from"), ["NEW", "NEW"]),
    (("transitions", 0, "form"), "NEW"),
    (("intents", 0, "type"), "EMAIL"),
    (("intents", 1, "operation_type"), "SHIPPING"),
    (("intents", 1, "target"), ""),
]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(json.loads(schema.text()))
    return Draft202012Validator(json.loads(schema.text()))


def changed(at: tuple[str | int, ...], value: object) -> object:
    """ORDER with `value` put where `at` says."""
    copy = json.loads(json.dumps(ORDER))
    inner = copy
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = value
    return copy


def test_the_schema_in_the_repository_is_the_generated_one() -> None:
    assert schema.SCHEMA.read_text(encoding="utf-8") == schema.text()


@pytest.mark.parametrize("path", sorted(SHIPPED_MACHINES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_machines_satisfy_the_schema(validator: Draft202012Validator, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=machine.schema.json\n")
    source, faults = read(text, path)
    assert source
    assert not faults
    assert list(validator.iter_errors(source.tree)) == []


def test_a_definition_with_every_key_satisfies_the_schema(validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(ORDER)) == []


@pytest.mark.parametrize(("at", "value"), BAD)
def test_the_schema_refuses(validator: Draft202012Validator, at: tuple[str | int, ...], value: object) -> None:
    assert not validator.is_valid(changed(at, value))


@pytest.mark.parametrize("key", ["fsm_type", "version", "initial", "states", "transitions"])
def test_the_schema_misses_what_is_absent(validator: Draft202012Validator, key: str) -> None:
    assert not validator.is_valid({name: value for name, value in ORDER.items() if name != key})


def test_everything_an_editor_offers_is_described() -> None:
    tree = json.loads(schema.text())
    for model in [tree, *tree["$defs"].values()]:
        assert model["description"]
        for name, entry in model["properties"].items():
            assert entry["description"], name


def test_the_command_writes_the_schema_and_says_when_it_is_stale(tmp_path: Path) -> None:
    """A copy of the package, as a checkout has it, so that the repository's own file is left alone."""
    source = Path(schema.__file__).parent.parent
    package = tmp_path / "src" / "foldline"
    package.parent.mkdir()
    package.symlink_to(source)
    target = tmp_path / "schemas" / "machines" / "machine.schema.json"
    target.parent.mkdir(parents=True)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "foldline.machines.schema", *arguments],
            env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
            capture_output=True,
            text=True,
            check=False,
        )

    missing = run("--check")
    assert (missing.returncode, missing.stderr) == (
        1,
        f"{target} is stale. Run `python -m foldline.machines.schema` and commit what it writes.\n",
    )
    assert run().returncode == 0
    assert target.read_text(encoding="utf-8") == schema.text()
    assert run("--check").returncode == 0
    target.write_text("{}", encoding="utf-8")
    assert run("--check").returncode == 1
    assert target.read_text(encoding="utf-8") == "{}"
