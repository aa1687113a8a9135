"""The file's shape judged by the pydantic models, their errors said as faults: which line, what, and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from foldline.machines.faults import Fault, choose, shown
from foldline.machines.model import (
    INTENT_TYPES,
    Definition,
    EventPublishEntry,
    StateEntry,
    TransitionEntry,
    WorkflowTriggerEntry,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from foldline.machines.source import Location, Source

_LONGEST_WORD = 50
_MAPPING = "Write `key: value` pairs."
_WORDINGS = {
    "string_type": ("is {value}, not text", "{quoted}"),
    "string_too_short": ("is empty", "Write at least one character."),
    "string_too_long": ("has {length} characters", "Use at most {max_length}."),
    "string_pattern_mismatch": ("is {value}, which holds a NUL", "Remove it."),
    "int_type": ("is {value}, not a whole number", "Write a whole number of at least 1, without quotes."),
    "bool_type": ("is {value}", "Write true or false, without quotes."),
    "greater_than_equal": ("is {value}", "Write a whole number of at least {ge}."),
    "less_than_equal": ("is {value}", "Write a whole number of at most {le}."),
    "literal_error": ("is {value}", "Write {expected}, or leave the key out."),
    "list_type": ("is {value}, not a list", "Write a list: [ … ]."),
    "dict_type": ("is {value}, not a mapping", _MAPPING),
    "model_type": ("is {value}, not a mapping", _MAPPING),
    "model_attributes_type": ("is {value}, not a mapping", _MAPPING),
    "too_short": ("is empty", "Name at least one."),
}


def judge(source: Source, file: Path) -> tuple[Definition | None, list[Fault]]:
    """The definition, or every fault of its shape."""
    try:
        return Definition.model_validate(source.tree), []
    except ValidationError as error:
        return None, [_fault(detail, source, file) for detail in error.errors(include_url=False)]


def _fault(error: ErrorDetails, source: Source, file: Path) -> Fault:
    at = _location(error)
    problem, remedy = _wording(error, at)
    return Fault(file, source.line(at), problem, remedy)


def _location(error: ErrorDetails) -> Location:
    """Where the file has it: pydantic's location without the intent's type, and without its mark for a key."""
    match error["loc"]:
        case ("intents", int(index), str(), *rest):
            return ("intents", index, *rest)
        case ("states", str(name), "[key]"):
            return ("states", name)
        case at:
            return at


def _wording(error: ErrorDetails, at: Location) -> tuple[str, str]:
    given: Any = error["input"]
    match error["type"]:
        case "missing":
            return f"{_place(at[:-1])} has no `{at[-1]}`", "Add it."
        case "extra_forbidden":
            return f"{_place(at[:-1])} has the unknown key {shown(at[-1])}", choose(
                str(at[-1]), _known_keys(error["loc"])
            )
        case _ if given is None:
            return f"{_place(at)} has no value", "Give it one, or leave the key out."
        case "literal_error" if at[-1] == "type":
            return f"{_place(at)} is {shown(given)}", f"Write {' or '.join(INTENT_TYPES)}."
        case _:
            pass
    facts: dict[str, Any] = error.get("ctx", {})
    if error["type"] not in _WORDINGS:
        return f"{_place(at)} {error['msg']}", facts.get("remedy", "See machine.schema.json.")
    problem, remedy = _WORDINGS[error["type"]]
    quoted = f'Write it in quotes: "{shown(given)}".' if isinstance(given, int) else "Write one name."
    words = facts | {"value": shown(given), "quoted": quoted, "length": len(given) if isinstance(given, str) else 0}
    return f"{_place(at)} {problem.format(**words)}", remedy.format(**words)


def _known_keys(at: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand where the unknown one does."""
    model: type[BaseModel] = Definition
    match at:
        case ("states", _, _):
            model = StateEntry
        case ("transitions", _, _):
            model = TransitionEntry
        case ("intents", _, "WORKFLOW_TRIGGER", _):
            model = WorkflowTriggerEntry
        case ("intents", _, _, _):
            model = EventPublishEntry
        case _:
            pass
    return [field.alias or name for name, field in model.model_fields.items()]


def _place(at: Location) -> str:
    """A location as people write it: `states.FAILED.timeout`, `transitions[2].from`."""
    text = ""
    for step in at:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            word = step if step.isprintable() and 0 < len(step) <= _LONGEST_WORD else shown(step)
            text += f".{word}" if text else word
    return text or "the file"
