"""The shape of a definition file, field by field. `machine.schema.json` is generated from it; editors show these texts.

What relates one field to another (known states, reachability) is in `rules`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from foldline.core.machine import CORRECT, CREATE
from foldline.machines.faults import shown

LARGEST_INTEGER = 2**31 - 1  # PostgreSQL's integer, which keeps versions and retry counters
INTENT_TYPES = ("WORKFLOW_TRIGGER", "EVENT_PUBLISH")
DURATION = r"^[1-9][0-9]{0,5}[smhd]$"
_NO_NUL = r"^[^\x00]*$"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RESERVED = (CREATE, CORRECT)


def _seconds(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(DURATION, value):
        return int(value[:-1]) * _SECONDS[value[-1]]
    raise PydanticCustomError(
        "duration",
        "is {value}, no duration",
        {"value": shown(value), "remedy": "Write a whole number from 1 to 999999 and s, m, h or d, such as 5m."},
    )


def _not_reserved(action: str) -> str:
    if action in _RESERVED:
        raise PydanticCustomError(
            "reserved", "is reserved: every machine has it", {"remedy": "Give the action another name."}
        )
    return action


def _not_empty(value: object) -> object:
    """None is how a model says that a key is absent; a file that says nothing after the colon means something else."""
    if value is None:
        raise PydanticCustomError("empty", "has no value")
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _once_each(names: list[str]) -> list[str]:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise PydanticCustomError(
            "repeated", "names {name} twice", {"name": shown(repeated[0]), "remedy": "Name each once."}
        )
    return names


Word = Annotated[str, Field(min_length=1, max_length=255, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=50, pattern=_NO_NUL)]
Action = Annotated[Name, AfterValidator(_not_reserved), Field(json_schema_extra={"not": {"enum": list(_RESERVED)}})]
Several = Annotated[
    list[Name],
    Field(min_length=1),
    AfterValidator(_once_each),
    BeforeValidator(
        _listed,
        json_schema_input_type=Name
        | Annotated[list[Name], Field(min_length=1, json_schema_extra={"uniqueItems": True})],
    ),
]
Duration = Annotated[int, BeforeValidator(_seconds, json_schema_input_type=Annotated[str, Field(pattern=DURATION)])]


_NotEmpty = BeforeValidator(_not_empty)


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StateEntry(_Entry):
    """A state. Nothing after the colon is a state without further properties."""

    timeout: Annotated[Duration | None, _NotEmpty] = Field(
        None, description="An entity that stays longer is listed as stuck: a whole number and s, m, h or d, such as 5m."
    )
    final: bool = Field(
        default=False,
        description="A settled state: entering it sets the retry counter to 0. It may have transitions out of it.",
    )
    error: bool = Field(default=False, description="A state that stands for a failure.")
    requires: Annotated[list[Word], AfterValidator(_once_each)] = Field(
        default=[],
        description="Event fields or metadata keys that must be present to enter: null is absent, empty is present.",
        json_schema_extra={"uniqueItems": True},
    )


class TransitionEntry(_Entry):
    """In one of the states `from`, `action` leads to the state `to`. One target for each pair of state and action."""

    action: Action = Field(description="What an event asks for; 1 to 50 characters, not CREATE and not CORRECT.")
    from_: Several = Field(alias="from", description="The state, or the list of states, in which the action is legal.")
    to: Name = Field(description="The state it leads to; may be the one it comes from.")
    max: Annotated[Annotated[int, Field(ge=1, le=LARGEST_INTEGER)] | None, _NotEmpty] = Field(
        None,
        description="A retry: counted, and refused once the entity's retry counter stands here. "
        "Entering a final state sets the counter to 0.",
    )


_When = Annotated[Several, Field(description="The state, or the list of states, whose entering asks for this.")]
_Target = Annotated[Word, Field(description="The effect that the orchestrator runs.")]


class WorkflowTriggerEntry(_Entry):
    """An intent: entering one of the states asks the orchestrator to start a workflow."""

    when: _When
    type: Literal["WORKFLOW_TRIGGER"] = Field(description="To start a workflow; needs an operation_type.")
    target: _Target
    operation_type: Name = Field(description="The workflow's operation_type; 1 to 50 characters.")


class EventPublishEntry(_Entry):
    """An intent: entering one of the states asks the orchestrator to publish an event."""

    when: _When
    type: Literal["EVENT_PUBLISH"] = Field(description="To publish an event; has no operation_type.")
    target: _Target


def _kind(entry: object) -> str:
    """The type that an intent is judged as: its own, else the likelier one, so that its other faults are found too."""
    keys = entry if isinstance(entry, dict) else {}
    if keys.get("type") in INTENT_TYPES:
        return str(keys["type"])
    return "WORKFLOW_TRIGGER" if "operation_type" in keys else "EVENT_PUBLISH"


IntentEntry = Annotated[
    Annotated[WorkflowTriggerEntry, Tag("WORKFLOW_TRIGGER")] | Annotated[EventPublishEntry, Tag("EVENT_PUBLISH")],
    Discriminator(_kind),
]


class Definition(_Entry):
    """A finite-state machine that decides what transition events do to their entity."""

    fsm_type: Name = Field(description="The events' fsm_type that this machine judges; 1 to 50 characters.")
    version: int = Field(
        ge=1, le=LARGEST_INTEGER, description="Grows with every change of what the file says; comments are free."
    )
    initial: Name = Field(description="The state of an entity before its first event; one of `states`.")
    lease: Annotated[Literal["required"] | None, _NotEmpty] = Field(
        None, description="`required` demands a lease on every event."
    )
    corrections: Annotated[Literal["refused"] | None, _NotEmpty] = Field(
        None, description="`refused` makes CORRECT, an operator's correction, illegal for this machine."
    )
    states: dict[Name, StateEntry | None] = Field(
        min_length=1, description="Every state by its name, 1 to 50 characters; each reachable from the initial one."
    )
    transitions: list[TransitionEntry] = Field(description="Which action leads from which state to which.")
    intents: list[IntentEntry] = Field(default=[], description="What an applied transition asks of the orchestrator.")
