"""Reading a record with a worker's eyes, for models that say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from foldline.core.events import Headers, TransitionEvent, Undecodable, WorkflowEvent
from foldline.core.members import Fault


class Eyes(NamedTuple):
    """How a worker reads one kind of event: first its members, each by its own rule, then what they mean together."""

    wire: Callable[[bytes | None, Headers], Struct]
    event: Callable[[bytes | None, Headers], TransitionEvent | WorkflowEvent | Undecodable]


def octets(json_data: str | bytes | bytearray) -> bytes:
    """The text as UTF-8; a lone surrogate as bytes that are none."""
    return json_data.encode(errors="surrogatepass") if isinstance(json_data, str) else bytes(json_data)


def members(wire: Struct) -> dict[str, object]:
    """What a wire struct says, without what is absent."""
    found = {name: getattr(wire, name) for name in wire.__struct_fields__}
    return {
        name: members(member) if isinstance(member, Struct) else member
        for name, member in found.items()
        if member is not None
    }


def refusal(title: str, fault: Fault) -> ValidationError:
    """The worker's fault in pydantic's form; like every detail without the input."""
    path, rule = "", fault.verdict.detail
    if fault.verdict.reason == "invalid":
        path, _, rule = rule.partition(": ")
    return ValidationError.from_exception_data(
        title,
        [
            InitErrorDetails(
                type=PydanticCustomError("undecodable", "{rule}", {"rule": rule}),
                loc=tuple(path.split(".")) if path else (),
                input=None,
            )
        ],
        hide_input=True,
    )
