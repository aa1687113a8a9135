"""The three ways in which an event may come, as AsyncAPI messages: plain, or in a CloudEvents envelope of either mode.

An envelope gives some fields of the event. So the schema of what it carries, the *data*, demands less, and the plain
event is the data with all of its demands.
"""

from __future__ import annotations

import json
from typing import Any

from foldline.core.events import REDRIVE_HEADER
from foldline.events.cloudevents import CONTENT_TYPE, ENVELOPE_CONTENT_TYPE
from foldline.events.event import Event
from foldline.events.json_schema import ABOUT, EXAMPLES, event_schema
from foldline.events.record import Record

Tree = dict[str, Any]

_KAFKA_BINDING = "0.5.0"
_GIVEN = {"id": "event_id", "time": "occurred_at", "correlationid": "correlation_id"}
_DEMANDED = ["specversion", "id", "source", "type"]
_SOURCE = "/orders"
_REDRIVE = {
    REDRIVE_HEADER: {
        "type": "string",
        "description": "On a record that was published again: an event that was rejected is judged once more. "
        "Publishers leave it out.",
    }
}


def reference(kind: str, name: str) -> Tree:
    """Where a component stands."""
    return {"$ref": f"#/components/{kind}/{name}"}


def keyed(description: str) -> Tree:
    """The bindings of a message whose key is text."""
    return {"kafka": {"key": {"type": "string", "description": description}, "bindingVersion": _KAFKA_BINDING}}


def event_messages(model: type[Event], kind: str, *, key: str) -> Tree:
    """The messages of one kind of event, by their names."""
    event, data, envelope = _names(model)
    bindings = keyed(f"The event's `{key}`, hashed as the Java client does (murmur2): one partition keeps the order.")
    attributes = {f"ce_{name}": schema for name, schema in _attributes(model).items()}
    example = EXAMPLES[model][0]

    def message(payload: str, how: str, content_type: str, headers: Tree, record: Record) -> Tree:
        return {
            "name": payload,
            "summary": f"{ABOUT[model]} {how}",
            "contentType": content_type,
            "headers": {"type": "object", **headers},
            "payload": reference("schemas", payload),
            "bindings": bindings,
            "examples": [_example(record)],
        }

    optional = {"properties": _REDRIVE}
    demanded = {"properties": attributes | _REDRIVE, "required": [f"ce_{name}" for name in _DEMANDED]}
    structured = example.to_cloudevent(source=_SOURCE)
    binary = example.to_cloudevent(source=_SOURCE, mode="binary")
    return {
        kind: message(event, "A plain JSON object.", CONTENT_TYPE, optional, example.to_record()),
        f"{kind}Structured": message(
            envelope, "In a CloudEvents envelope (structured).", ENVELOPE_CONTENT_TYPE, optional, structured
        ),
        f"{kind}Binary": message(
            data, "In a CloudEvents envelope of headers (binary).", CONTENT_TYPE, demanded, binary
        ),
    }


def _example(record: Record) -> Tree:
    headers = {name: value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {"headers": headers, "payload": json.loads(record.value)}


def event_schemas(model: type[Event]) -> Tree:
    """The payloads of those messages and what they refer to, by their names."""
    event, data, envelope = _names(model)
    schema = event_schema(model, ref_template="#/components/schemas/{model}")
    components: Tree = schema.pop("$defs")
    title, description, examples, required = (
        schema.pop(name) for name in ("title", "description", "examples", "required")
    )
    given = [name for name in required if name in _GIVEN.values()]
    return components | {
        event: {
            "title": title,
            "description": description,
            "allOf": [reference("schemas", data)],
            "required": given,
            "examples": examples,
        },
        data: {
            "title": data,
            "description": f"A {title}, or what an envelope leaves to say of one.",
            "required": [name for name in required if name not in given],
            **schema,
        },
        envelope: {
            "title": envelope,
            "description": f"A {title} in a structured CloudEvents 1.0 envelope. What the envelope and the data both "
            "have, the envelope decides; what it lacks, the data must have. Other attributes are ignored.",
            "type": "object",
            "required": _DEMANDED,
            "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
            "properties": {
                **_attributes(model),
                "data": reference("schemas", data),
                "data_base64": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "The data's JSON text in base64, in place of `data`.",
                },
            },
        },
    }


def _names(model: type[Event]) -> tuple[str, str, str]:
    """Of the plain event, of what an envelope carries, of the envelope."""
    return model.__name__, model.__name__.replace("Event", "Data"), model.__name__.replace("Event", "Envelope")


def _attributes(model: type[Event]) -> Tree:
    """The context attributes: those that CloudEvents demands, and those that foldline reads."""
    properties = event_schema(model)["properties"]
    read = {
        name: properties[field] | {"type": "string", "description": f"The event's `{field}`."}
        for name, field in _GIVEN.items()
    }
    return {
        "specversion": {"type": "string", "const": "1.0"},
        "source": {"type": "string", "format": "uri-reference", "minLength": 1, "description": "Who publishes."},
        "type": {"type": "string", "minLength": 1, "description": "What it is, for others who read the topic."},
        **read,
    }
