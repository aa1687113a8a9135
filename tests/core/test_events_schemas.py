"""The generated schemas: fresh, schemas, and of the workers' mind wherever a schema can say a rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Kind, Undecodable
from foldline.events import TransitionEvent, WorkflowEvent, schemas
from foldline.resources import SCHEMAS
from foldline.settings import Settings
from harness import transition, workflow
from near_valid import near_valid

Model = type[TransitionEvent] | type[WorkflowEvent]

FILES: dict[Model, str] = {TransitionEvent: "transition-event.schema.json", WorkflowEvent: "workflow-event.schema.json"}
DECODERS = {TransitionEvent: decode_transition, WorkflowEvent: decode_workflow}
TEXTS = {path.name: text for path, text in schemas.texts().items()}
DOCUMENT = yaml.safe_load(TEXTS["asyncapi.yaml"])
CHECKOUT = Path(__file__).parents[2]
LEASE = {"lease_id": "l", "lease_epoch": 1}
TRANSITION = transition("START_PROCESSING", event_id="e", from_state="A", to_state="B", success=True, lease=LEASE)
STARTED = workflow("STARTED", event_id="e", step="s", input_payload=[1], output_results=1, lease=LEASE)
WHOLE: list[tuple[Model, dict[str, Any]]] = [(TransitionEvent, TRANSITION), (WorkflowEvent, STARTED)]


def schema(model: Model) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(TEXTS[FILES[model]])
    return read


VALIDATORS: dict[Model, Draft202012Validator] = {model: Draft202012Validator(schema(model)) for model in FILES}


@cache
def payload(name: str) -> Draft7Validator:
    """What AsyncAPI makes of a payload: draft 7, its references within the document."""
    return Draft7Validator({"components": DOCUMENT["components"], "$ref": f"#/components/schemas/{name}"})


def decodes(model: Model, event: object) -> bool:
    return not isinstance(DECODERS[model](json.dumps(event).encode()), Undecodable)


def test_the_files_in_the_repository_are_the_generated_ones() -> None:
    for path, text in schemas.texts().items():
        assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("model", FILES)
def test_they_are_schemas_and_their_examples_events(model: Model) -> None:
    Draft202012Validator.check_schema(schema(model))
    examples = schema(model)["examples"]
    assert examples
    for example in examples:
        VALIDATORS[model].validate(example)
        assert decodes(model, example)
        assert example.keys() - model.model_fields.keys() == set()


@pytest.mark.parametrize("model", FILES)
def test_everything_an_editor_offers_is_described(model: Model) -> None:
    tree = schema(model)
    for shape in [tree, *tree["$defs"].values()]:
        assert shape["description"]
        assert shape["title"]
        for name, entry in shape["properties"].items():
            assert entry["description"], name
    assert list(tree["properties"]) == list(model.model_fields)


TEXT: list[object] = ["", 5, ["x"], "\0", "x\0y"]
BOTH: dict[str, list[object]] = {
    "correlation_id": [None, True, "x" * 256, *TEXT],
    "event_id": ["x" * 256, *TEXT],
    "entity_id": ["x" * 256, *TEXT],
    "occurred_at": [
        *(None, "", 5, True, "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-1-31T12:00:00Z"),
        *("2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00:00+24:00"),
        *("2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-01-32T12:00:00Z", "2026-01-00T12:00:00Z"),
        *(f"{year}-06-01T12:00:00Z" for year in ("1968", "2202", "0000", "9999", "12026")),
    ],
    "error_message": ["x" * 8193, "\0", 5, ["x"]],
    "metadata": [[], "x", 5, True, {str(number): 1 for number in range(1001)}],
    "lease": [
        *([], "x", {}, {"lease_id": "l"}, {"lease_epoch": 1}),
        *(LEASE | {"lease_id": wrong} for wrong in [None, "x" * 256, *TEXT]),
        *(LEASE | {"lease_epoch": wrong} for wrong in (None, -1, 2**63, 0.5, "1", True)),
    ],
}
TRANSITIONS: dict[str, list[object]] = {
    "fsm_type": [None, "x" * 51, *TEXT],
    "entity_id": [None],
    "action": [None, "x" * 51, *TEXT],
    "from_state": ["x" * 51, *TEXT],
    "to_state": ["x" * 51, *TEXT],
    "success": ["true", 1, 0, []],
}
WORKFLOWS: dict[str, list[object]] = {
    "workflow_id": [None, "x" * 256, *TEXT],
    "kind": [None, "started", "CREATED", *TEXT],
    "operation_type": [None, "x" * 51, *TEXT],
    "entity_id": [None],
    "step": ["x" * 101, *TEXT],
}
WRONG = [
    (model, event, name, wrong)
    for (model, event), own in zip(WHOLE, (TRANSITIONS, WORKFLOWS), strict=True)
    for name, values in (*BOTH.items(), *own.items())
    for wrong in values
]


@pytest.mark.parametrize(("model", "event", "name", "wrong"), WRONG, ids=lambda value: str(value)[:20])
def test_what_a_worker_cannot_decode_a_schema_refuses(
    model: Model, event: dict[str, Any], name: str, wrong: object
) -> None:
    bad = [event | {name: wrong}]
    if wrong is None:
        bad.append({key: value for key, value in event.items() if key != name})
    for each in bad:
        assert not decodes(model, each)
        assert not VALIDATORS[model].is_valid(each)
        assert not payload(model.__name__).is_valid(each)


UNSAID: list[tuple[str, object]] = [
    ("occurred_at", "2026-02-30T12:00:00Z"),
    ("occurred_at", "1969-12-31T23:00:00Z"),
    ("occurred_at", "2201-01-01T12:00:00Z"),
    ("error_message", "€" * 2731),
    ("lease", LEASE | {"lease_epoch": 1.0}),
    ("metadata", {"a": "\0"}),
    ("metadata", {"a": [0] * 1000}),
    ("metadata", {"a": "x" * 2**18}),
    ("x", json.loads("[" * 64 + "]" * 64)),
]


@pytest.mark.parametrize(("name", "wrong"), UNSAID, ids=lambda value: str(value)[:20])
def test_only_what_the_descriptions_name_is_left_to_the_worker(name: str, wrong: object) -> None:
    for model, event in WHOLE:
        assert not decodes(model, event | {name: wrong})
        assert VALIDATORS[model].is_valid(event | {name: wrong})
        assert payload(model.__name__).is_valid(event | {name: wrong})


@pytest.mark.parametrize(
    "text",
    [
        *("1969-12-31T23:59:59.9999995Z", "1969-12-31T23:00:00-01:00", "2201-01-01T00:59:59+01:00"),
        *("2026-01-31t12:00:00z", "2026-01-31 12:00:00.123456789+23:59", "2100-12-31T23:59:59-00:00"),
    ],
)
def test_every_way_to_write_a_time_satisfies_the_schema(text: str) -> None:
    for model, event in WHOLE:
        assert decodes(model, event | {"occurred_at": text})
        assert VALIDATORS[model].is_valid(event | {"occurred_at": text})


@settings(max_examples=200)
@given(st.sampled_from(sorted(FILES, key=str)), near_valid())
def test_what_a_worker_decodes_satisfies_the_schema(model: Model, value: bytes) -> None:
    if not isinstance(DECODERS[model](value), Undecodable):
        VALIDATORS[model].validate(json.loads(value))
        payload(model.__name__).validate(json.loads(value))


@pytest.mark.parametrize("kind", Kind)
def test_a_schema_demands_of_a_kind_what_a_worker_does(kind: Kind) -> None:
    whole = STARTED | {"kind": kind}
    for name in ("operation_type", "entity_id", "step"):
        for event in (whole | {name: None}, {key: value for key, value in whole.items() if key != name}):
            assert VALIDATORS[WorkflowEvent].is_valid(event) == decodes(WorkflowEvent, event)
            assert payload("WorkflowEvent").is_valid(event) == decodes(WorkflowEvent, event)


def test_the_whole_example_log_satisfies_the_schemas() -> None:
    for model, name in ((TransitionEvent, "transitions"), (WorkflowEvent, "workflows")):
        lines = (CHECKOUT / "examples" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        assert lines
        for line in lines:
            VALIDATORS[model].validate(json.loads(line))


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_the_examples_of_a_message_are_what_it_says(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    if name in ("intent", "deadletter"):
        assert message.keys() & {"payload", "headers", "examples"} == set()
        assert "Not published yet" in message["description"]
        return
    Draft7Validator.check_schema(message["headers"])
    (example,) = message["examples"]
    Draft7Validator(message["headers"]).validate(example["headers"])
    validator = payload(message["payload"]["$ref"].rpartition("/")[2])
    validator.validate(example["payload"])
    for missing in DOCUMENT["components"]["schemas"][message["name"]]["required"]:
        assert not validator.is_valid({key: value for key, value in example["payload"].items() if key != missing})


def test_the_document_has_the_four_topics() -> None:
    addresses = {name: channel["address"] for name, channel in DOCUMENT["channels"].items()}
    default = {name: field.default for name, field in Settings.model_fields.items()}
    assert addresses == {
        "transitions": default["transition_topics"][0],
        "workflows": default["workflow_topics"][0],
        "intents": default["intent_topic"],
        "deadletters": default["deadletter_topic"],
    }
    ways = {operation["channel"]["$ref"]: operation["action"] for operation in DOCUMENT["operations"].values()}
    assert ways == {
        f"#/channels/{name}": "receive" if name in ("transitions", "workflows") else "send" for name in addresses
    }
    assert "servers" not in DOCUMENT
    for message in DOCUMENT["components"]["messages"].values():
        assert message["bindings"]["kafka"]["key"]["description"]


def test_the_command_writes_the_files_and_says_which_are_stale(tmp_path: Path) -> None:
    """A copy of the package, as a checkout has it, so that the repository's own files are left alone."""
    package = tmp_path / "src" / "foldline"
    package.parent.mkdir()
    package.symlink_to(Path(schemas.__file__).parent.parent)
    target = tmp_path / "schemas"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "foldline.events.schemas", *arguments],
            env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
            capture_output=True,
            text=True,
            check=False,
        )

    missing = run("--check")
    assert (missing.returncode, missing.stderr.count("is stale. Run `python -m foldline.events.schemas`")) == (1, 3)
    assert not target.exists()
    assert run().returncode == 0
    assert run("--check").returncode == 0
    written = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    assert written == {path.relative_to(SCHEMAS) for path in schemas.texts()}
    (target / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n", encoding="utf-8")
    stale = run("--check")
    assert (stale.returncode, stale.stderr) == (
        1,
        f"{target}/asyncapi.yaml is stale. Run `python -m foldline.events.schemas` and commit what it writes.\n",
    )
