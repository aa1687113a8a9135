"""The two kinds of event as JSON Schemas, from their models. What a schema cannot say, its description does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from foldline.events.event import Event
from foldline.events.fields import Lease
from foldline.events.fresh import Circumstances
from foldline.events.transition import TransitionEvent
from foldline.events.workflow import REQUIRED_ON, WorkflowEvent

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_UNSAID = (
    "What a schema does not say: occurred_at is a day of the calendar, in the years 1970 to 2200 once it is in UTC; "
    "error_message has at most 8 KiB of UTF-8; lease_epoch is written without a point; free JSON (metadata, payloads) "
    "has limits of its own; nothing is nested deeper than 64, the event itself being 1. null is the same as absent, of "
    "a repeated key the last one counts, and fields that are not named here are ignored; but a specversion makes it a "
    "CloudEvents envelope."
)
ABOUT: dict[type[Event], str] = {
    TransitionEvent: "What an entity did, or tried to do, in its finite-state machine.",
    WorkflowEvent: "What a workflow reports of its run.",
}
_NOW: Circumstances = {
    "correlation_id": "order-1001",
    "event_id": "6f2d7c1e-5a0b-4c3d-9e8f-0123456789ab",
    "occurred_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
}
_WITH_METADATA: Circumstances = {**_NOW, "metadata": {"source": "upload"}}
_WITH_LEASE: Circumstances = {**_NOW, "lease": Lease(lease_id="worker-7", lease_epoch=3)}
EXAMPLES: dict[type[Event], Sequence[Event]] = {
    TransitionEvent: (
        TransitionEvent.new("INGESTION", "doc-123", "START_PROCESSING", **_WITH_METADATA),
        TransitionEvent.new("INGESTION", "doc-123", "FAIL", error_message="the document is empty", **_WITH_LEASE),
        TransitionEvent.corrected("INGESTION", "doc-123", to_state="INDEXED", reason="indexed by hand", **_NOW),
    ),
    WorkflowEvent: (
        WorkflowEvent.started("wf-9", "DOCUMENT_INGESTION", "doc-123", input_payload={"pages": 12}, **_NOW),
        WorkflowEvent.step_failed("wf-9", "parse", "page 7 cannot be read", **_NOW),
        WorkflowEvent.completed("wf-9", output_results={"chunks": 48}, **_NOW),
    ),
}


class _Plain(GenerateJsonSchema):
    """Without what says nothing, titles made of field names and null as a default, and with unknown fields ignored."""

    def field_title_should_be_set(self, schema: object) -> bool:
        del schema
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        return inner | {"type": [inner["type"], "null"]} if "type" in inner else super().nullable_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        return {key: value for key, value in made.items() if key != "default" or value is not None}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        del made["additionalProperties"]
        return made | {"description": made["description"].partition("\n\n")[0]}  # the rest is for Python


def event_schema(model: type[Event], ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """What an event of this kind is, with examples. What `ref_template` points to is in its `$defs`."""
    schema = model.model_json_schema(ref_template=ref_template, schema_generator=_Plain)
    schema["description"] = f"{ABOUT[model]} {_UNSAID}"
    if model is WorkflowEvent:
        schema["allOf"] = [_demand(names, kinds) for names, kinds in _kinds_by_demand().items()]
    return schema | {"examples": [json.loads(event.value) for event in EXAMPLES[model]]}


def _kinds_by_demand() -> dict[tuple[str, ...], list[str]]:
    demands = sorted(set(REQUIRED_ON.values()))
    return {names: [kind for kind, demanded in REQUIRED_ON.items() if demanded == names] for names in demands}


def _demand(names: tuple[str, ...], kinds: list[str]) -> dict[str, Any]:
    """On these kinds these fields are there, and not null."""
    return {
        "if": {"properties": {"kind": {"enum": kinds}}},
        "then": {"required": list(names), "properties": {name: {"type": "string"} for name in names}},
    }
