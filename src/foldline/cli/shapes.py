"""What a command prints with `--json`: declared once, beside the command; reference and tests read the declaration.

A command says `@prints(Shape)` and hands `json_out` a value of that shape; `upstream/publish.py` is the shortest
example. A shape is a dataclass whose docstring says what it is and, in a section `Attributes:`, what every field means;
or a list of one; or, where a field may be absent, a `TypedDict`. Fields are numbers, text, times, other shapes, lists
of them, dicts by name, and `msgspec.Raw` for JSON that is somebody else's. What is not known is null, never absent. A
command that prints one of several documents declares all of them. Names of shapes are unique: they are headings of the
reference, docs/reference/json.md, which `make reference` writes. Every test that reads a command's `--json` also holds
it against its shape.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

_Command = TypeVar("_Command", bound=Callable[..., None])

_DECLARED = "prints_json"
_REFERENCE = "#/$defs/{name}"
_FIELD = re.compile(r"^ {4}(\w+): ", re.MULTILINE)


def prints(*shapes: Any) -> Callable[[_Command], _Command]:  # noqa: ANN401 - a type, or a list of one
    """Declare what the command prints with `--json`: one document of these shapes."""

    def declare(command: _Command) -> _Command:
        setattr(command, _DECLARED, shapes)
        return command

    return declare


def shapes_of(command: object) -> tuple[Any, ...]:
    """The shapes that a command's function declares; none if it has no `--json`."""
    return getattr(command, _DECLARED, ())


def schema(*shapes: Any) -> dict[str, Any]:  # noqa: ANN401 - see above
    """The JSON Schema (2020-12) of a document of one of these shapes: every field there, no other."""
    documents, components = msgspec.json.schema_components(shapes, ref_template=_REFERENCE)
    for component in components.values():
        if component.get("type") == "object":
            defaulted = [name for name, field in component["properties"].items() if "default" in field]
            component["required"] = [*component["required"], *defaulted]
            component["additionalProperties"] = False
    return {"anyOf": list(documents), "$defs": components}


def meanings(shape: type) -> tuple[str, dict[str, str]]:
    """What a shape is, and what each of its fields means, from its docstring and those of its bases."""
    fields: dict[str, str] = {}
    summary = ""
    for each in reversed(shape.__mro__):
        summary, _, attributes = inspect.cleandoc(each.__doc__ or "").partition("\n\nAttributes:\n")
        fields |= dict(_fields(attributes))
    return " ".join(summary.split()), fields


def _fields(attributes: str) -> Iterator[tuple[str, str]]:
    parts = _FIELD.split(attributes)
    for name, meaning in zip(parts[1::2], parts[2::2], strict=True):
        yield name, " ".join(meaning.split())
