"""The four topics as an AsyncAPI 3.0 document. Servers are the deployment's own."""

from __future__ import annotations

import json

from foldline.events.cloudevents import CONTENT_TYPE
from foldline.events.messages import Tree, event_messages, event_schemas, keyed, reference
from foldline.events.transition import TransitionEvent
from foldline.events.workflow import WorkflowEvent

_INTERFACE = "1.0.0"  # grows with what the topics carry, not with the program
_UNPUBLISHED = "Not published yet: the topic is reserved, and this is what is settled of it."


def document() -> Tree:
    """The document, of plain values only."""
    tree = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "foldline",
            "version": _INTERFACE,
            "description": "Services publish transition events and workflow events; foldline judges each record once, "
            "in the log's order, and projects it into PostgreSQL. One event per record; all events of an entity, or of "
            "a workflow, on one partition. The addresses are default names: each is a setting.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "transitions": _incoming("fsm.transitions.v1", "transition"),
            "workflows": _incoming("workflow.executions.v1", "workflow"),
            "intents": _outgoing("fsm.intents.v1", "intent"),
            "deadletters": _outgoing("fsm.deadletters.v1", "deadletter"),
        },
        "operations": {
            "projectTransitions": _operation("receive", "transitions", "Judge and project transition events."),
            "projectWorkflows": _operation("receive", "workflows", "Judge and project workflow events."),
            "publishIntents": _operation("send", "intents", "Ask the orchestrator to act.", _UNPUBLISHED),
            "publishDeadLetters": _operation("send", "deadletters", "Hand on what did not pass.", _UNPUBLISHED),
        },
        "components": {
            "messages": {
                **event_messages(TransitionEvent, "transition", key="entity_id"),
                **event_messages(WorkflowEvent, "workflow", key="workflow_id"),
                "intent": _unpublished("Intent", "An intent for the orchestrator.", key="The entity's `entity_id`."),
                "deadletter": _unpublished(
                    "DeadLetter", "A copy of a dead letter.", key="The key of the record that did not pass."
                ),
            },
            "schemas": {**event_schemas(TransitionEvent), **event_schemas(WorkflowEvent)},
        },
    }
    plain: Tree = json.loads(json.dumps(tree))
    return plain


def _incoming(address: str, kind: str) -> Tree:
    return {
        "address": address,
        "description": f"One {kind} event per record, plain or in a CloudEvents 1.0 envelope.",
        "messages": {name: reference("messages", name) for name in (kind, f"{kind}Structured", f"{kind}Binary")},
    }


def _outgoing(address: str, name: str) -> Tree:
    return {"address": address, "description": _UNPUBLISHED, "messages": {name: reference("messages", name)}}


def _operation(action: str, channel: str, summary: str, description: str | None = None) -> Tree:
    operation = {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}
    return operation if description is None else operation | {"description": description}


def _unpublished(name: str, summary: str, *, key: str) -> Tree:
    return {"name": name, "summary": summary, "description": _UNPUBLISHED, "bindings": keyed(key)}
